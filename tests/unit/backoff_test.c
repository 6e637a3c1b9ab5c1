#include "base/backoff.h"

#include <check.h>

/* The smallest and largest of many draws. */
static void range_of(int64_t initial_us, int64_t max_us, uint32_t attempts, int64_t *lowest,
                     int64_t *highest) {
  struct random random;
  random_seed(&random, 7);
  *lowest = INT64_MAX;
  *highest = INT64_MIN;
  for (int i = 0; i < 20000; i++) {
    int64_t value = backoff_us(&random, initial_us, max_us, attempts);
    if (value < *lowest) *lowest = value;
    if (value > *highest) *highest = value;
  }
}

START_TEST(backoff_doubles_with_each_attempt) {
  for (uint32_t attempts = 0; attempts < 5; attempts++) {
    int64_t lowest, highest;
    int64_t expected = INT64_C(100) << attempts;
    range_of(100, 1000000, attempts, &lowest, &highest);
    ck_assert_int_eq(lowest, expected * 8 / 10);
    ck_assert_int_eq(highest, expected * 12 / 10);
  }
}
END_TEST

START_TEST(backoff_is_capped_and_still_spread_at_the_cap) {
  static const uint32_t attempts[] = {4, 10, 63, 64, 1000, UINT32_MAX};
  for (int i = 0; i < 6; i++) {
    int64_t lowest, highest;
    range_of(100, 1000, attempts[i], &lowest, &highest);
    ck_assert_int_eq(highest, 1000);
    ck_assert_int_eq(lowest, 800);
  }
}
END_TEST

START_TEST(initial_above_the_cap_is_capped) {
  int64_t lowest, highest;
  range_of(5000, 1000, 0, &lowest, &highest);
  ck_assert_int_eq(highest, 1000);
  ck_assert_int_ge(lowest, 800);
}
END_TEST

START_TEST(zero_backoff_stays_zero) {
  struct random random;
  random_seed(&random, 8);
  ck_assert_int_eq(backoff_us(&random, 0, 1000, 0), 0);
  ck_assert_int_eq(backoff_us(&random, 0, 1000, UINT32_MAX), 0);
  ck_assert_int_eq(backoff_us(&random, 100, 0, 3), 0);
}
END_TEST

START_TEST(largest_values_do_not_overflow) {
  struct random random;
  random_seed(&random, 9);
  int64_t value = backoff_us(&random, INT64_MAX / 2 + 1, INT64_MAX, 5);
  ck_assert_int_gt(value, INT64_MAX / 2);
}
END_TEST

int main(void) {
  Suite *suite = suite_create("backoff");
  TCase *test_case = tcase_create("all");
  tcase_add_test(test_case, backoff_doubles_with_each_attempt);
  tcase_add_test(test_case, backoff_is_capped_and_still_spread_at_the_cap);
  tcase_add_test(test_case, initial_above_the_cap_is_capped);
  tcase_add_test(test_case, zero_backoff_stays_zero);
  tcase_add_test(test_case, largest_values_do_not_overflow);
  suite_add_tcase(suite, test_case);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_ENV);
  int failures = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failures != 0;
}
