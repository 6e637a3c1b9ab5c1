#include "cli/pacer.h"

#include <check.h>

static struct pacer pacer;

static const int64_t second_ns = 1000000000;

START_TEST(the_first_record_is_due_at_once_and_the_others_evenly) {
  pacer_init(&pacer, 10, 500);
  ck_assert_int_eq(pacer_due(&pacer, 500), 1);
  pacer_advance(&pacer, 1);
  ck_assert_int_eq(pacer_due(&pacer, 500), 0);
  ck_assert_int_eq(pacer_next_ns(&pacer, 500), 500 + second_ns / 10);
  ck_assert_int_eq(pacer_due(&pacer, 500 + second_ns / 10 - 1), 0);
  ck_assert_int_eq(pacer_due(&pacer, 500 + second_ns / 10), 1);
}
END_TEST

START_TEST(no_burst_is_longer_than_a_millisecond) {
  pacer_init(&pacer, 50000, 0);
  ck_assert_int_eq(pacer_due(&pacer, second_ns), 50);
  pacer_init(&pacer, 10, 0);
  ck_assert_int_eq(pacer_due(&pacer, second_ns), 1);
}
END_TEST

START_TEST(what_is_late_is_caught_up) {
  pacer_init(&pacer, 50000, 0);
  int64_t sent_count = 0;
  for (int64_t due; (due = pacer_due(&pacer, second_ns)) > 0; sent_count += due)
    pacer_advance(&pacer, due);
  ck_assert_int_eq(sent_count, 50001);
}
END_TEST

START_TEST(high_rates_wake_once_a_millisecond) {
  pacer_init(&pacer, 1000000, 0);
  pacer_advance(&pacer, pacer_due(&pacer, 0));
  ck_assert_int_eq(pacer_next_ns(&pacer, 10), 10 + second_ns / 1000);
}
END_TEST

START_TEST(what_is_waited_for_is_due_then) {
  static const int64_t rates[] = {1, 3, 7, 999, 1001, 999983, PACER_RATE_MAX};
  for (size_t i = 0; i < sizeof rates / sizeof rates[0]; i++) {
    pacer_init(&pacer, rates[i], 12345);
    int64_t now_ns = 12345;
    for (int step = 0; step < 1000; step++) {
      for (int64_t due; (due = pacer_due(&pacer, now_ns)) > 0;)
        pacer_advance(&pacer, due);
      now_ns = pacer_next_ns(&pacer, now_ns);
      ck_assert_int_gt(pacer_due(&pacer, now_ns), 0);
    }
  }
}
END_TEST

START_TEST(the_rate_holds_after_a_year) {
  int64_t year_ns = second_ns * 86400 * 365;
  pacer_init(&pacer, PACER_RATE_MAX, 0);
  pacer_advance(&pacer, year_ns);
  ck_assert_int_eq(pacer_due(&pacer, year_ns), 1);
  ck_assert_int_eq(pacer_due(&pacer, year_ns - 1), 0);
}
END_TEST

int main(void) {
  Suite *suite = suite_create("pacer");
  TCase *all = tcase_create("all");
  tcase_add_test(all, the_first_record_is_due_at_once_and_the_others_evenly);
  tcase_add_test(all, no_burst_is_longer_than_a_millisecond);
  tcase_add_test(all, what_is_late_is_caught_up);
  tcase_add_test(all, high_rates_wake_once_a_millisecond);
  tcase_add_test(all, what_is_waited_for_is_due_then);
  tcase_add_test(all, the_rate_holds_after_a_year);
  suite_add_tcase(suite, all);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_ENV);
  int failed_count = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failed_count != 0;
}
