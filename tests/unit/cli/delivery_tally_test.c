#include "cli/delivery_tally.h"

#include <check.h>

static struct delivery_tally tally;

static void add(uint8_t outcome, int32_t status, uint64_t opaque) {
  sendoff_report report = {.outcome = outcome, .status = status, .opaque = opaque};
  delivery_tally_add(&tally, &report);
}

START_TEST(each_outcome_has_its_count) {
  add(SENDOFF_OUTCOME_DELIVERED, SENDOFF_OK, 1);
  add(SENDOFF_OUTCOME_DELIVERED_OFFSET_UNKNOWN, SENDOFF_OK, 2);
  ck_assert(delivery_tally_is_clean(&tally));
  add(SENDOFF_OUTCOME_UNKNOWN, SENDOFF_NO_ACKNOWLEDGEMENT, 3);
  ck_assert(delivery_tally_is_clean(&tally));
  ck_assert_uint_eq(tally.reason_count, 0);
  add(SENDOFF_OUTCOME_NOT_DELIVERED, SENDOFF_ABORTED, 4);
  ck_assert(!delivery_tally_is_clean(&tally));
  add(SENDOFF_OUTCOME_UNKNOWN, SENDOFF_DISCONNECTED, 5);
  ck_assert_uint_eq(tally.delivered, 2);
  ck_assert_uint_eq(tally.unacknowledged, 1);
  ck_assert_uint_eq(tally.failed, 1);
  ck_assert_uint_eq(tally.unknown, 1);
  ck_assert_uint_eq(delivery_tally_reported(&tally), 5);
}
END_TEST

START_TEST(an_unknown_outcome_alone_is_not_clean) {
  add(SENDOFF_OUTCOME_UNKNOWN, SENDOFF_DISCONNECTED, 1);
  ck_assert(!delivery_tally_is_clean(&tally));
}
END_TEST

START_TEST(an_outcome_of_a_later_version_is_in_doubt) {
  add(99, SENDOFF_OK, 1);
  ck_assert_uint_eq(tally.unknown, 1);
}
END_TEST

START_TEST(reasons_are_told_apart_by_status_and_outcome) {
  add(SENDOFF_OUTCOME_NOT_DELIVERED, SENDOFF_ABORTED, 10);
  add(SENDOFF_OUTCOME_UNKNOWN, SENDOFF_ABORTED, 11);
  add(SENDOFF_OUTCOME_NOT_DELIVERED, SENDOFF_ABORTED, 12);
  ck_assert_uint_eq(tally.reason_count, 2);
  ck_assert_uint_eq(tally.reasons[0].count, 2);
  ck_assert_uint_eq(tally.reasons[0].first_opaque, 10);
  ck_assert_uint_eq(tally.reasons[1].count, 1);
  ck_assert_uint_eq(tally.reasons[1].first_opaque, 11);
}
END_TEST

START_TEST(reasons_beyond_the_first_few_are_only_counted) {
  for (int32_t status = 1; status <= DELIVERY_REASON_COUNT_MAX + 2; status++) {
    add(SENDOFF_OUTCOME_NOT_DELIVERED, status, 1);
    add(SENDOFF_OUTCOME_NOT_DELIVERED, status, 2);
  }
  ck_assert_uint_eq(tally.reason_count, DELIVERY_REASON_COUNT_MAX);
  ck_assert_uint_eq(tally.reasons[DELIVERY_REASON_COUNT_MAX - 1].count, 2);
  ck_assert_uint_eq(tally.other_reasons, 4);
  ck_assert_uint_eq(tally.failed, 2 * (DELIVERY_REASON_COUNT_MAX + 2));
}
END_TEST

int main(void) {
  Suite *suite = suite_create("delivery_tally");
  TCase *all = tcase_create("all");
  tcase_add_test(all, each_outcome_has_its_count);
  tcase_add_test(all, an_unknown_outcome_alone_is_not_clean);
  tcase_add_test(all, an_outcome_of_a_later_version_is_in_doubt);
  tcase_add_test(all, reasons_are_told_apart_by_status_and_outcome);
  tcase_add_test(all, reasons_beyond_the_first_few_are_only_counted);
  suite_add_tcase(suite, all);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_ENV);
  int failed_count = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failed_count != 0;
}
