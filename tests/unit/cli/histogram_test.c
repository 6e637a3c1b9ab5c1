#include "cli/histogram.h"

#include <check.h>

static struct histogram histogram;

START_TEST(an_empty_histogram_has_no_values) {
  ck_assert_uint_eq(histogram_percentile(&histogram, 50), 0);
  ck_assert_uint_eq(histogram_percentile(&histogram, 100), 0);
}
END_TEST

START_TEST(small_values_are_exact) {
  for (int64_t value = 1; value <= 100; value++)
    histogram_add(&histogram, value);
  ck_assert_uint_eq(histogram_percentile(&histogram, 0), 1);
  ck_assert_uint_eq(histogram_percentile(&histogram, 1), 1);
  ck_assert_uint_eq(histogram_percentile(&histogram, 50), 50);
  ck_assert_uint_eq(histogram_percentile(&histogram, 50.5), 51);
  ck_assert_uint_eq(histogram_percentile(&histogram, 99), 99);
  ck_assert_uint_eq(histogram_percentile(&histogram, 99.9), 100);
  ck_assert_uint_eq(histogram_percentile(&histogram, 100), 100);
  ck_assert_uint_eq(histogram.count, 100);
}
END_TEST

START_TEST(slots_join_without_gap_and_are_narrow) {
  size_t slot_before = 0;
  for (uint64_t value = 1; value < 100000; value++) {
    size_t slot = histogram_slot(value);
    ck_assert_uint_ge(slot, slot_before);
    ck_assert_uint_le(slot, slot_before + 1);
    slot_before = slot;
  }
  for (uint64_t power = 128; power <= HISTOGRAM_VALUE_MAX / 2; power *= 2) {
    ck_assert_uint_eq(histogram_slot(power), histogram_slot(power - 1) + 1);
  }
  ck_assert_uint_eq(histogram_slot(HISTOGRAM_VALUE_MAX), HISTOGRAM_SLOT_COUNT - 1);
}
END_TEST

/* The value reported for one that is recorded beside a larger one is at most 1/128 too large. */
START_TEST(large_values_are_within_their_precision) {
  for (uint64_t value = 1; value < HISTOGRAM_VALUE_MAX / 4; value = value * 17 / 10 + 1) {
    histogram = (struct histogram){0};
    histogram_add(&histogram, (int64_t)value);
    histogram_add(&histogram, (int64_t)(value * 3));
    uint64_t reported = histogram_percentile(&histogram, 50);
    ck_assert_uint_ge(reported, value);
    ck_assert_uint_le(reported, value + value / 128);
    ck_assert_uint_eq(histogram_percentile(&histogram, 100), value * 3);
  }
}
END_TEST

START_TEST(no_percentile_is_above_the_largest_value) {
  histogram_add(&histogram, 1000001);
  ck_assert_uint_eq(histogram_percentile(&histogram, 50), 1000001);
  ck_assert_uint_eq(histogram.value_max, 1000001);
}
END_TEST

START_TEST(values_out_of_range_are_counted_at_the_ends) {
  histogram_add(&histogram, -5);
  histogram_add(&histogram, INT64_MIN);
  histogram_add(&histogram, INT64_MAX);
  ck_assert_uint_eq(histogram.count, 3);
  ck_assert_uint_eq(histogram_percentile(&histogram, 50), 0);
  ck_assert_uint_eq(histogram_percentile(&histogram, 100), HISTOGRAM_VALUE_MAX);
  ck_assert_uint_eq(histogram.value_max, INT64_MAX);
}
END_TEST

START_TEST(rare_values_show_where_they_should) {
  for (int i = 0; i < 9990; i++)
    histogram_add(&histogram, 10);
  for (int i = 0; i < 10; i++)
    histogram_add(&histogram, 90);
  ck_assert_uint_eq(histogram_percentile(&histogram, 99.9), 10);
  ck_assert_uint_eq(histogram_percentile(&histogram, 99.91), 90);
}
END_TEST

int main(void) {
  Suite *suite = suite_create("histogram");
  TCase *all = tcase_create("all");
  tcase_add_test(all, an_empty_histogram_has_no_values);
  tcase_add_test(all, small_values_are_exact);
  tcase_add_test(all, slots_join_without_gap_and_are_narrow);
  tcase_add_test(all, large_values_are_within_their_precision);
  tcase_add_test(all, no_percentile_is_above_the_largest_value);
  tcase_add_test(all, values_out_of_range_are_counted_at_the_ends);
  tcase_add_test(all, rare_values_show_where_they_should);
  suite_add_tcase(suite, all);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_ENV);
  int failed_count = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failed_count != 0;
}
