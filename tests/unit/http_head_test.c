#include "security/http_head.h"

#include <check.h>
#include <string.h>

static struct http_head head;

static void read_line(const char *line) {
  http_head_read(&head, bytes_of_string(line));
}

static void set_up(void) {
  memset(&head, 0, sizeof head);
}

START_TEST(a_head_is_read_line_by_line) {
  read_line("HTTP/1.1 429 Too Many Requests\r\n");
  read_line("Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n");
  read_line("CONTENT-TYPE:\tapplication/json; charset=utf-8 \r\n");
  read_line("Retry-After: 7\r\n");
  read_line("X-Other: Retry-After: 9\r\n");
  read_line("\r\n");
  ck_assert_int_eq(head.date_ms, INT64_C(784111777000));
  ck_assert_str_eq(head.content_type, "application/json; charset=utf-8");
  ck_assert_int_eq(http_head_pause_ms(&head, 0, 60000), 7000);
}
END_TEST

START_TEST(only_the_last_head_counts) {
  read_line("HTTP/1.1 100 Continue");
  read_line("Retry-After: 7");
  read_line("http/2 200");
  ck_assert_int_eq(http_head_pause_ms(&head, 0, 60000), 0);
}
END_TEST

START_TEST(a_moment_is_one_of_the_servers_clock) {
  read_line("Date: Sun, 06 Nov 1994 08:49:37 GMT");
  read_line("Retry-After: Sun, 06 Nov 1994 08:49:40 GMT");
  ck_assert_int_eq(http_head_pause_ms(&head, 1, 60000), 3000);
  head.date_ms = 0;
  ck_assert_int_eq(http_head_pause_ms(&head, INT64_C(784111778000), 60000), 2000);
  ck_assert_int_eq(http_head_pause_ms(&head, INT64_C(784111999000), 60000), 0);
}
END_TEST

START_TEST(pauses_are_limited) {
  read_line("Retry-After: 999999999");
  ck_assert_int_eq(http_head_pause_ms(&head, 0, 60000), 60000);
  set_up();
  read_line("Retry-After: Sun, 06 Nov 9994 08:49:40 GMT");
  ck_assert_int_eq(http_head_pause_ms(&head, 0, 60000), 60000);
}
END_TEST

static const char *const bad_pauses[] = {"",     "-1",  "1.5",   "soon",     "9999999999",
                                         "0x10", "1 2", "1\x01", "7 seconds"};

START_TEST(a_pause_that_is_none_is_ignored) {
  char line[64] = "Retry-After: ";
  memcpy(line + strlen(line), bad_pauses[_i], strlen(bad_pauses[_i]) + 1);
  read_line(line);
  ck_assert_int_eq(http_head_pause_ms(&head, 0, 60000), 0);
}
END_TEST

static const struct {
  const char *text;
  int64_t unix_ms;
} dates[] = {
    {"Thu, 01 Jan 1970 00:00:00 GMT", 0},
    {"Sun, 06 Nov 1994 08:49:37 GMT", INT64_C(784111777000)},
    {"Thu, 29 Feb 2024 23:59:59 GMT", INT64_C(1709251199000)},
    {"Wed, 31 Dec 2025 12:00:00 GMT", INT64_C(1767182400000)},
};

START_TEST(dates_are_read) {
  int64_t unix_ms = -1;
  ck_assert(http_date_read(bytes_of_string(dates[_i].text), &unix_ms));
  ck_assert_int_eq(unix_ms, dates[_i].unix_ms);
}
END_TEST

static const char *const bad_dates[] = {
    "",
    "Sun, 06 Nov 1994 08:49:37 UTC",
    "Sun, 06 Nov 1994 08:49:37 GM",
    "Sun, 06 Nov 1994 08:49:37 GMT ",
    "Sunday, 06-Nov-94 08:49:37 GMT",
    "Sun Nov  6 08:49:37 1994",
    "Sun, 06 Foo 1994 08:49:37 GMT",
    "Sun, 00 Nov 1994 08:49:37 GMT",
    "Sun, 32 Nov 1994 08:49:37 GMT",
    "Sun, 06 Nov 1994 24:49:37 GMT",
    "Sun, 06 Nov 1994 08:60:37 GMT",
    "Sun, 06 Nov 1994 08:49:61 GMT",
    "Sun, 06 Nov 1969 08:49:37 GMT",
    "Sun, -6 Nov 1994 08:49:37 GMT",
    "Sun, 06 Nov 1994 08:49:3x GMT",
    "Sun, 06 ovD 1994 08:49:37 GMT",
};

START_TEST(what_is_no_date_is_refused) {
  int64_t unix_ms = 4711;
  ck_assert(!http_date_read(bytes_of_string(bad_dates[_i]), &unix_ms));
  ck_assert_int_eq(unix_ms, 4711);
}
END_TEST

START_TEST(a_content_type_is_cut_and_made_printable) {
  char line[256] = "content-type: a\x01\xff";
  memset(line + strlen(line), 'x', 200);
  read_line(line);
  ck_assert_uint_eq(strlen(head.content_type), sizeof head.content_type - 1);
  ck_assert_int_eq(strncmp(head.content_type, "a??xxx", 6), 0);
}
END_TEST

START_TEST(lines_that_end_early_are_ignored) {
  static const char line[] = "content-type: x";
  for (size_t size = 0; size < sizeof "content-type:" - 1; size++)
    http_head_read(&head, bytes_of(line, size));
  ck_assert_str_eq(head.content_type, "");
}
END_TEST

int main(void) {
  Suite *suite = suite_create("http_head");
  TCase *test_case = tcase_create("all");
  tcase_add_checked_fixture(test_case, set_up, NULL);
  tcase_add_test(test_case, a_head_is_read_line_by_line);
  tcase_add_test(test_case, only_the_last_head_counts);
  tcase_add_test(test_case, a_moment_is_one_of_the_servers_clock);
  tcase_add_test(test_case, pauses_are_limited);
  tcase_add_loop_test(test_case, a_pause_that_is_none_is_ignored, 0,
                      sizeof bad_pauses / sizeof bad_pauses[0]);
  tcase_add_loop_test(test_case, dates_are_read, 0, sizeof dates / sizeof dates[0]);
  tcase_add_loop_test(test_case, what_is_no_date_is_refused, 0, sizeof bad_dates / sizeof bad_dates[0]);
  tcase_add_test(test_case, a_content_type_is_cut_and_made_printable);
  tcase_add_test(test_case, lines_that_end_early_are_ignored);
  suite_add_tcase(suite, test_case);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_ENV);
  int failures = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failures != 0;
}
