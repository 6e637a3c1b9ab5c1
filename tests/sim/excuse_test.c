/* A fault excuses what it does to records, and nothing else. */
#include "sim/excuse.h"

#include "base/status.h"
#include <check.h>
#include <stdlib.h>

START_TEST(nothing_is_excused_where_nothing_is_wrong) {
  ck_assert(!excuse_is_given(0, STATUS_DELIVERY_TIMED_OUT, false));
  ck_assert(!excuse_is_given(FAULTS_ALL & ~excuse_faults(), STATUS_DELIVERY_TIMED_OUT, true));
  ck_assert(!excuse_is_given(FAULTS_ALL & ~excuse_faults(), STATUS_OUT_OF_ORDER_SEQUENCE_NUMBER, true));
}
END_TEST

START_TEST(a_fault_excuses_its_own_statuses) {
  fault_set small = fault_bit(FAULT_SMALL_MESSAGES), early = fault_bit(FAULT_EARLY_CLOSE);
  ck_assert(excuse_is_given(small, STATUS_MESSAGE_TOO_LARGE, false));
  ck_assert(!excuse_is_given(small, STATUS_ABORTED, false));
  ck_assert(excuse_is_given(early, STATUS_ABORTED, false));
  ck_assert(!excuse_is_given(early, STATUS_MESSAGE_TOO_LARGE, false));
  ck_assert(excuse_is_given(small | early, STATUS_MESSAGE_TOO_LARGE, false));
  ck_assert(!excuse_is_given(small | early, STATUS_OK, false));
}
END_TEST

START_TEST(a_walk_is_excused_by_what_refuses_sequences) {
  ck_assert(excuse_is_given(fault_bit(FAULT_SEQUENCE_LIES), STATUS_NOT_LEADER_OR_FOLLOWER, true));
  ck_assert(!excuse_is_given(fault_bit(FAULT_SEQUENCE_LIES), STATUS_NOT_LEADER_OR_FOLLOWER, false));
  ck_assert(!excuse_is_given(fault_bit(FAULT_EARLY_CLOSE), STATUS_NOT_LEADER_OR_FOLLOWER, true));
}
END_TEST

int main(void) {
  Suite *suite = suite_create("excuse");
  TCase *test_case = tcase_create("all");
  tcase_add_test(test_case, nothing_is_excused_where_nothing_is_wrong);
  tcase_add_test(test_case, a_fault_excuses_its_own_statuses);
  tcase_add_test(test_case, a_walk_is_excused_by_what_refuses_sequences);
  suite_add_tcase(suite, test_case);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_ENV);
  int failures = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failures == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
