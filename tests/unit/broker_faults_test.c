#include "base/status.h"
#include "broker/broker_faults.h"
#include "protocol/api.h"
#include <check.h>

static struct broker_faults faults;

static void set_up(void) {
  broker_faults_init(&faults);
}

static void tear_down(void) {
  broker_faults_clear(&faults);
}

static void add(struct broker_fault fault) {
  ck_assert_int_eq(broker_faults_add(&faults, &fault), STATUS_OK);
}

/* The error code of the fault that hits, 0 for none. */
static int16_t take(int16_t api_key, const char *topic, int32_t partition) {
  struct broker_fault hit = {0};
  bool found = broker_faults_take(&faults, false, api_key, bytes_of_string(topic), partition, &hit);
  ck_assert_int_eq(found, hit.error_code != 0);
  return hit.error_code;
}

START_TEST(a_fault_hits_what_it_names) {
  add((struct broker_fault){.api_key = API_PRODUCE, .topic = "a", .partition = 1, .error_code = 7});
  ck_assert_int_eq(take(API_FETCH, "a", 1), 0);
  ck_assert_int_eq(take(API_PRODUCE, "b", 1), 0);
  ck_assert_int_eq(take(API_PRODUCE, "ab", 1), 0);
  ck_assert_int_eq(take(API_PRODUCE, "a", 2), 0);
  ck_assert_int_eq(take(API_PRODUCE, NULL, 1), 0);
  ck_assert_int_eq(take(API_PRODUCE, "a", 1), 7);
  ck_assert_int_eq(take(API_PRODUCE, "a", 1), 0);
}
END_TEST

START_TEST(a_fault_without_names_hits_all) {
  add((struct broker_fault){.api_key = API_PRODUCE, .partition = -1, .count = UINT32_MAX, .error_code = 7});
  for (int32_t partition = 0; partition < 1000; partition++)
    ck_assert_int_eq(take(API_PRODUCE, "any", partition), 7);
  broker_faults_clear(&faults);
  ck_assert_int_eq(take(API_PRODUCE, "any", 0), 0);
}
END_TEST

START_TEST(skips_and_counts_are_used_up) {
  add((struct broker_fault){.api_key = API_PRODUCE, .partition = -1, .skip = 2, .count = 3, .error_code = 7});
  static const int16_t expected[] = {0, 0, 7, 7, 7, 0};
  for (size_t index = 0; index < sizeof expected / sizeof expected[0]; index++)
    ck_assert_int_eq(take(API_PRODUCE, "a", 0), expected[index]);
}
END_TEST

START_TEST(faults_hit_in_the_order_in_which_they_came) {
  add((struct broker_fault){.api_key = API_PRODUCE, .partition = -1, .error_code = 1});
  add((struct broker_fault){.api_key = API_PRODUCE, .partition = 4, .error_code = 2});
  ck_assert_int_eq(take(API_PRODUCE, "a", 4), 1);
  ck_assert_int_eq(take(API_PRODUCE, "a", 5), 0);
  ck_assert_int_eq(take(API_PRODUCE, "a", 4), 2);
}
END_TEST

START_TEST(metadata_is_hit_by_name_alone) {
  add((struct broker_fault){.api_key = API_METADATA, .partition = -1, .error_code = 1});
  add((struct broker_fault){.api_key = API_METADATA, .topic = "a", .partition = -1, .error_code = 2});
  add((struct broker_fault){.api_key = API_METADATA, .topic = "a", .partition = 3, .error_code = 3});
  ck_assert_int_eq(take(API_METADATA, "a", 3), 3);
  ck_assert_int_eq(take(API_METADATA, "a", -1), 2);
  ck_assert_int_eq(take(API_METADATA, "a", -1), 0);
  ck_assert_int_eq(take(API_METADATA, NULL, -1), 1);
}
END_TEST

START_TEST(dropped_requests_are_a_kind_of_their_own) {
  struct broker_fault hit;
  add((struct broker_fault){.api_key = API_PRODUCE, .partition = -1, .drop_request = true});
  ck_assert(broker_faults_any(&faults, API_PRODUCE));
  ck_assert(!broker_faults_any(&faults, API_FETCH));
  ck_assert(!broker_faults_take(&faults, false, API_PRODUCE, bytes_of_string("a"), 0, &hit));
  ck_assert(broker_faults_take(&faults, true, API_PRODUCE, bytes_of_string("a"), 0, &hit));
  ck_assert(!broker_faults_any(&faults, API_PRODUCE));
}
END_TEST

START_TEST(the_topics_name_is_copied) {
  char name[] = "topic";
  add((struct broker_fault){.api_key = API_PRODUCE, .topic = name, .partition = -1, .error_code = 7});
  name[0] = 'T';
  ck_assert_int_eq(take(API_PRODUCE, "topic", 0), 7);
}
END_TEST

int main(void) {
  Suite *suite = suite_create("broker_faults");
  TCase *test_case = tcase_create("all");
  tcase_add_checked_fixture(test_case, set_up, tear_down);
  tcase_add_test(test_case, a_fault_hits_what_it_names);
  tcase_add_test(test_case, a_fault_without_names_hits_all);
  tcase_add_test(test_case, skips_and_counts_are_used_up);
  tcase_add_test(test_case, faults_hit_in_the_order_in_which_they_came);
  tcase_add_test(test_case, metadata_is_hit_by_name_alone);
  tcase_add_test(test_case, dropped_requests_are_a_kind_of_their_own);
  tcase_add_test(test_case, the_topics_name_is_copied);
  suite_add_tcase(suite, test_case);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_ENV);
  int failures = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failures != 0;
}
