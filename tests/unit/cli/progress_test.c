#include "cli/progress.h"

#include <check.h>

static struct progress progress;
static char line[200];

static const char *at(int64_t now_ms, uint64_t delivered, uint64_t bytes, uint64_t pending, uint64_t failed) {
  sendoff_counters counters = {.size = sizeof counters,
                               .records_delivered = delivered,
                               .bytes_accepted = bytes,
                               .records_pending = pending,
                               .records_not_delivered = failed};
  progress_format(&progress, &counters, now_ms * 1000, line, sizeof line);
  return line;
}

START_TEST(numbers_are_grouped) {
  char text[27];
  progress_format_count(0, text);
  ck_assert_str_eq(text, "0");
  progress_format_count(999, text);
  ck_assert_str_eq(text, "999");
  progress_format_count(1000, text);
  ck_assert_str_eq(text, "1,000");
  progress_format_count(UINT64_MAX, text);
  ck_assert_str_eq(text, "18,446,744,073,709,551,615");
}
END_TEST

START_TEST(a_line_says_what_is_done_and_how_fast) {
  progress_init(&progress, 0);
  ck_assert_str_eq(at(0, 0, 0, 0, 0), "0 delivered  0/s  0.0 MB/s  0 in flight");
  ck_assert_str_eq(at(500, 1000, 3000000, 2500, 0), "1,000 delivered  2,000/s  6.0 MB/s  2,500 in flight");
  ck_assert_str_eq(at(1000, 1000, 3000000, 0, 7),
                   "1,000 delivered  1,000/s  3.0 MB/s  0 in flight  7 failed");
}
END_TEST

START_TEST(the_rate_forgets_what_is_long_ago) {
  progress_init(&progress, 0);
  uint64_t delivered = 0;
  for (int64_t now_ms = 200; now_ms <= 2000; now_ms += 200)
    at(now_ms, delivered += 1000, 0, 0, 0);
  ck_assert_str_eq(line, "10,000 delivered  5,000/s  0.0 MB/s  0 in flight");
  for (int64_t now_ms = 2200; now_ms <= 4000; now_ms += 200)
    at(now_ms, delivered += 100, 0, 0, 0);
  ck_assert_str_eq(line, "11,000 delivered  500/s  0.0 MB/s  0 in flight");
}
END_TEST

START_TEST(acknowledgements_that_nobody_asked_for_count_as_delivered) {
  progress_init(&progress, 0);
  sendoff_counters counters = {.size = sizeof counters, .records_unacknowledged = 5};
  progress_format(&progress, &counters, 1000000, line, sizeof line);
  ck_assert_str_eq(line, "5 delivered  5/s  0.0 MB/s  0 in flight");
}
END_TEST

int main(void) {
  Suite *suite = suite_create("progress");
  TCase *all = tcase_create("all");
  tcase_add_test(all, numbers_are_grouped);
  tcase_add_test(all, a_line_says_what_is_done_and_how_fast);
  tcase_add_test(all, the_rate_forgets_what_is_long_ago);
  tcase_add_test(all, acknowledgements_that_nobody_asked_for_count_as_delivered);
  suite_add_tcase(suite, all);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_ENV);
  int failed_count = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failed_count != 0;
}
