#include "protocol/api.h"

#include <check.h>
#include <string.h>

START_TEST(ranges_are_found_by_key) {
  const struct api_range *range = api_range_of(API_PRODUCE);
  ck_assert_int_eq(range->key, 0);
  ck_assert_int_eq(range->minimum, 3);
  ck_assert_int_eq(range->maximum, 13);
  ck_assert_int_eq(range->first_flexible, 9);
  ck_assert_str_eq(range->name, "PRODUCE");
  ck_assert_ptr_null(api_range_of(-1));
  ck_assert_ptr_null(api_range_of(9999));
}
END_TEST

START_TEST(ranges_are_in_order_of_key) {
  uint32_t count;
  const struct api_range *ranges = api_ranges(&count);
  ck_assert_uint_eq(count, 10);
  for (uint32_t i = 0; i < count; i++) {
    ck_assert(i == 0 || ranges[i - 1].key < ranges[i].key);
    ck_assert_int_le(ranges[i].minimum, ranges[i].maximum);
    ck_assert_int_lt(ranges[i].key, API_VERSIONS_KEY_COUNT);
  }
}
END_TEST

START_TEST(flexible_from_the_listed_version) {
  ck_assert(!api_is_flexible(API_METADATA, 8));
  ck_assert(api_is_flexible(API_METADATA, 9));
  ck_assert(api_is_flexible(API_API_VERSIONS, 99));
  ck_assert(!api_is_flexible(9999, 99));
}
END_TEST

static int16_t choose(int16_t minimum, int16_t maximum, int16_t cap) {
  struct api_versions versions;
  api_versions_clear(&versions);
  versions.offered[API_PRODUCE].minimum = minimum;
  versions.offered[API_PRODUCE].maximum = maximum;
  return api_versions_choose(&versions, API_PRODUCE, cap);
}

START_TEST(highest_common_version_is_chosen) {
  ck_assert_int_eq(choose(0, 9, INT16_MAX), 9);
  ck_assert_int_eq(choose(0, 99, INT16_MAX), 13);
  ck_assert_int_eq(choose(0, 99, 11), 11);
  ck_assert_int_eq(choose(3, 3, INT16_MAX), 3);
}
END_TEST

START_TEST(no_common_version_is_told) {
  ck_assert_int_eq(choose(0, 2, INT16_MAX), -1);
  ck_assert_int_eq(choose(14, 20, INT16_MAX), -1);
  ck_assert_int_eq(choose(5, 9, 4), -1);
  ck_assert_int_eq(choose(9, 5, INT16_MAX), -1);
  ck_assert_int_eq(choose(INT16_MIN, INT16_MAX, -1), -1);
}
END_TEST

START_TEST(what_is_not_offered_is_not_chosen) {
  struct api_versions versions;
  memset(&versions, 0, sizeof versions); /* version 0 of everything */
  ck_assert_int_eq(api_versions_choose(&versions, API_API_VERSIONS, INT16_MAX), 0);
  api_versions_clear(&versions);
  ck_assert_int_eq(api_versions_choose(&versions, API_API_VERSIONS, INT16_MAX), -1);
  ck_assert_int_eq(api_versions_choose(&versions, API_METADATA, INT16_MAX), -1);
  ck_assert_int_eq(api_versions_choose(&versions, 9999, INT16_MAX), -1);
  ck_assert_int_eq(api_versions_choose(&versions, -1, INT16_MAX), -1);
}
END_TEST

int main(void) {
  Suite *suite = suite_create("api");
  TCase *test_case = tcase_create("all");
  tcase_add_test(test_case, ranges_are_found_by_key);
  tcase_add_test(test_case, ranges_are_in_order_of_key);
  tcase_add_test(test_case, flexible_from_the_listed_version);
  tcase_add_test(test_case, highest_common_version_is_chosen);
  tcase_add_test(test_case, no_common_version_is_told);
  tcase_add_test(test_case, what_is_not_offered_is_not_chosen);
  suite_add_tcase(suite, test_case);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_ENV);
  int failures = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failures != 0;
}
