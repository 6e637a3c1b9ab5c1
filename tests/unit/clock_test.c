#include "base/clock.h"

#include <check.h>

START_TEST(monotonic_time_does_not_go_back) {
  int64_t last = clock_monotonic_us();
  for (int i = 0; i < 1000; i++) {
    int64_t now = clock_monotonic_us();
    ck_assert_int_ge(now, last);
    last = now;
  }
  ck_assert_int_gt(last, 0);
}
END_TEST

START_TEST(wall_time_is_in_milliseconds_since_1970) {
  ck_assert_int_gt(clock_wall_ms(), INT64_C(1577836800000)); /* 2020-01-01 */
  ck_assert_int_lt(clock_wall_ms(), INT64_C(7258118400000)); /* 2200-01-01 */
}
END_TEST

START_TEST(addition_does_not_overflow) {
  ck_assert_int_eq(clock_add_us(5, 7), 12);
  ck_assert_int_eq(clock_add_us(5, -7), -2);
  ck_assert_int_eq(clock_add_us(5, CLOCK_NEVER_US), CLOCK_NEVER_US);
  ck_assert_int_eq(clock_add_us(CLOCK_NEVER_US, 5), CLOCK_NEVER_US);
  ck_assert_int_eq(clock_add_us(CLOCK_NEVER_US, 0), CLOCK_NEVER_US);
  ck_assert_int_eq(clock_add_us(CLOCK_NEVER_US - 10, 9), CLOCK_NEVER_US - 1);
  ck_assert_int_eq(clock_add_us(CLOCK_NEVER_US - 10, 11), CLOCK_NEVER_US);
}
END_TEST

int main(void) {
  Suite *suite = suite_create("clock");
  TCase *test_case = tcase_create("all");
  tcase_add_test(test_case, monotonic_time_does_not_go_back);
  tcase_add_test(test_case, wall_time_is_in_milliseconds_since_1970);
  tcase_add_test(test_case, addition_does_not_overflow);
  suite_add_tcase(suite, test_case);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_ENV);
  int failures = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failures != 0;
}
