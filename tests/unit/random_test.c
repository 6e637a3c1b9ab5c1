#include "base/random.h"

#include <check.h>

START_TEST(numbers_follow_from_the_seed) {
  /* The first outputs of SplitMix64 for seed 1234567, as its authors' reference gives them. */
  static const uint64_t expected[] = {UINT64_C(6457827717110365317), UINT64_C(3203168211198807973),
                                      UINT64_C(9817491932198370423)};
  struct random random;
  random_seed(&random, 1234567);
  for (int i = 0; i < 3; i++)
    ck_assert_uint_eq(random_next(&random), expected[i]);
}
END_TEST

START_TEST(bounded_numbers_are_below_the_bound) {
  static const uint32_t bounds[] = {1, 2, 3, 7, 100, 0x80000000U, 0xc0000000U, UINT32_MAX};
  struct random random;
  random_seed(&random, 1);
  for (int b = 0; b < 8; b++)
    for (int i = 0; i < 1000; i++)
      ck_assert_uint_lt(random_below(&random, bounds[b]), bounds[b]);
}
END_TEST

START_TEST(bounded_numbers_are_uniform) {
  uint32_t counts[10] = {0};
  struct random random;
  random_seed(&random, 2);
  for (int i = 0; i < 100000; i++)
    counts[random_below(&random, 10)]++;
  for (int i = 0; i < 10; i++) {
    ck_assert_uint_gt(counts[i], 9500);
    ck_assert_uint_lt(counts[i], 10500);
  }
}
END_TEST

START_TEST(large_bound_favours_no_half) {
  /* Multiplication alone, without drawing again, would give the thirds unequal shares of the 2^32 draws. */
  uint32_t counts[3] = {0};
  struct random random;
  random_seed(&random, 3);
  for (int i = 0; i < 30000; i++)
    counts[random_below(&random, 0xc0000000U) >> 30]++;
  for (int i = 0; i < 3; i++) {
    ck_assert_uint_gt(counts[i], 9600);
    ck_assert_uint_lt(counts[i], 10400);
  }
}
END_TEST

START_TEST(jitter_stays_within_its_fraction_and_reaches_both_ends) {
  int64_t lowest = INT64_MAX;
  int64_t highest = 0;
  struct random random;
  random_seed(&random, 4);
  for (int i = 0; i < 10000; i++) {
    int64_t value = random_jitter_us(&random, 1000, 20);
    if (value < lowest) lowest = value;
    if (value > highest) highest = value;
  }
  ck_assert_int_eq(lowest, 800);
  ck_assert_int_eq(highest, 1200);
}
END_TEST

START_TEST(jitter_of_nothing_is_nothing) {
  struct random random;
  random_seed(&random, 5);
  ck_assert_int_eq(random_jitter_us(&random, 0, 20), 0);
  ck_assert_int_eq(random_jitter_us(&random, -5, 20), -5);
  ck_assert_int_eq(random_jitter_us(&random, 1000, 0), 1000);
}
END_TEST

START_TEST(jitter_of_the_largest_value_does_not_overflow) {
  struct random random;
  random_seed(&random, 6);
  for (int i = 0; i < 1000; i++)
    ck_assert_int_ge(random_jitter_us(&random, INT64_MAX, 100), 0);
}
END_TEST

int main(void) {
  Suite *suite = suite_create("random");
  TCase *test_case = tcase_create("all");
  tcase_add_test(test_case, numbers_follow_from_the_seed);
  tcase_add_test(test_case, bounded_numbers_are_below_the_bound);
  tcase_add_test(test_case, bounded_numbers_are_uniform);
  tcase_add_test(test_case, large_bound_favours_no_half);
  tcase_add_test(test_case, jitter_stays_within_its_fraction_and_reaches_both_ends);
  tcase_add_test(test_case, jitter_of_nothing_is_nothing);
  tcase_add_test(test_case, jitter_of_the_largest_value_does_not_overflow);
  suite_add_tcase(suite, test_case);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_ENV);
  int failures = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failures != 0;
}
