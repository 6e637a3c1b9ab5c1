#include "base/status.h"

#include <check.h>
#include <string.h>

static const int32_t numbers[] = {
#define STATUS(number, name, classes, text) number,
#include "base/status.def"
#undef STATUS
};
enum { NUMBER_COUNT = sizeof numbers / sizeof numbers[0] };

START_TEST(kafka_codes_are_complete) {
  for (int32_t code = -1; code <= 133; code++)
    ck_assert_str_ne(status_name(code), "UNKNOWN_STATUS");
  ck_assert_str_eq(status_name(134), "UNKNOWN_STATUS");
  ck_assert_str_eq(status_name(-2), "UNKNOWN_STATUS");
}
END_TEST

START_TEST(names_are_kafkas) {
  ck_assert_str_eq(status_name(0), "OK");
  ck_assert_str_eq(status_name(-1), "UNKNOWN_SERVER_ERROR");
  ck_assert_str_eq(status_name(3), "UNKNOWN_TOPIC_OR_PARTITION");
  ck_assert_str_eq(status_name(6), "NOT_LEADER_OR_FOLLOWER");
  ck_assert_str_eq(status_name(45), "OUT_OF_ORDER_SEQUENCE_NUMBER");
  ck_assert_str_eq(status_name(129), "REBOOTSTRAP_REQUIRED");
  ck_assert_str_eq(status_name(133), "SHARE_SESSION_LIMIT_REACHED");
  ck_assert_str_eq(status_name(STATUS_BUFFER_FULL), "BUFFER_FULL");
}
END_TEST

START_TEST(numbers_are_kafkas_or_in_our_band) {
  for (int i = 0; i < NUMBER_COUNT; i++)
    ck_assert((numbers[i] >= -1 && numbers[i] <= 133) || numbers[i] <= -1001);
}
END_TEST

START_TEST(every_status_has_a_text_of_its_own) {
  for (int i = 0; i < NUMBER_COUNT; i++) {
    ck_assert_uint_gt(strlen(status_text(numbers[i])), 6);
    for (int j = 0; j < i; j++) {
      ck_assert_str_ne(status_text(numbers[i]), status_text(numbers[j]));
      ck_assert_str_ne(status_name(numbers[i]), status_name(numbers[j]));
    }
  }
}
END_TEST

START_TEST(unknown_numbers_have_no_class) {
  ck_assert_uint_eq(status_classes(999), STATUS_CLASS_NONE);
  ck_assert_uint_eq(status_classes(INT32_MIN), STATUS_CLASS_NONE);
  ck_assert_ptr_nonnull(status_text(999));
}
END_TEST

/* Exactly these: a code that is wrongly among them would let a record that was written be reported as not
 * delivered. */
START_TEST(refused_before_the_append_are_exactly_these) {
  static const int32_t refused[] = {2,  10, 17, 18, 19, 21, 29, 31, 32, 35, 42,  43,
                                    45, 47, 48, 49, 51, 53, 59, 76, 87, 90, 100, 120};
  for (int i = 0; i < NUMBER_COUNT; i++) {
    bool expected = false;
    for (size_t j = 0; j < sizeof refused / sizeof refused[0]; j++)
      if (refused[j] == numbers[i]) expected = true;
    ck_assert_msg(status_has(numbers[i], STATUS_CLASS_NOT_APPENDED) == expected, "%s",
                  status_name(numbers[i]));
  }
}
END_TEST

START_TEST(errors_after_a_possible_append_are_not_refusals) {
  ck_assert(!status_has(STATUS_UNKNOWN_SERVER_ERROR, STATUS_CLASS_NOT_APPENDED));
  ck_assert(!status_has(STATUS_UNKNOWN_TOPIC_OR_PARTITION, STATUS_CLASS_NOT_APPENDED));
  ck_assert(!status_has(STATUS_NOT_LEADER_OR_FOLLOWER, STATUS_CLASS_NOT_APPENDED));
  ck_assert(!status_has(STATUS_REQUEST_TIMED_OUT, STATUS_CLASS_NOT_APPENDED));
  ck_assert(!status_has(STATUS_NOT_ENOUGH_REPLICAS_AFTER_APPEND, STATUS_CLASS_NOT_APPENDED));
  ck_assert(!status_has(STATUS_DUPLICATE_SEQUENCE_NUMBER, STATUS_CLASS_NOT_APPENDED));
  ck_assert(!status_has(STATUS_KAFKA_STORAGE_ERROR, STATUS_CLASS_NOT_APPENDED));
}
END_TEST

START_TEST(retriable_are_kafkas_and_rebootstrap) {
  static const int32_t retriable[] = {2,  3,  5,  6,  7,   9,   13,  14,  15,  16,  19,
                                      20, 41, 51, 56, 70,  71,  72,  74,  75,  78,  80,
                                      83, 84, 88, 89, 100, 103, 106, 122, 123, 129, 133};
  for (int32_t code = -1; code <= 133; code++) {
    bool expected = false;
    for (size_t j = 0; j < sizeof retriable / sizeof retriable[0]; j++)
      if (retriable[j] == code) expected = true;
    ck_assert_msg(status_has(code, STATUS_CLASS_RETRIABLE) == expected, "%s", status_name(code));
  }
}
END_TEST

START_TEST(stale_views_are_refreshed) {
  static const int32_t stale[] = {3, 5, 6, 9, 13, 56, 72, 74, 80, 83, 84, 100, 103, 129};
  for (int32_t code = -1; code <= 133; code++) {
    bool expected = false;
    for (size_t j = 0; j < sizeof stale / sizeof stale[0]; j++)
      if (stale[j] == code) expected = true;
    ck_assert_msg(status_has(code, STATUS_CLASS_REFRESH_METADATA) == expected, "%s", status_name(code));
  }
}
END_TEST

START_TEST(refreshed_statuses_are_retried) {
  for (int i = 0; i < NUMBER_COUNT; i++)
    if (status_has(numbers[i], STATUS_CLASS_REFRESH_METADATA))
      ck_assert(status_has(numbers[i], STATUS_CLASS_RETRIABLE));
}
END_TEST

START_TEST(fatal_statuses_are_never_retried) {
  for (int i = 0; i < NUMBER_COUNT; i++)
    if (status_has(numbers[i], STATUS_CLASS_FATAL))
      ck_assert_msg(!status_has(numbers[i], STATUS_CLASS_RETRIABLE), "%s", status_name(numbers[i]));
  ck_assert(status_has(STATUS_PRODUCER_FENCED, STATUS_CLASS_FATAL));
  ck_assert(!status_has(STATUS_OUT_OF_ORDER_SEQUENCE_NUMBER, STATUS_CLASS_FATAL));
  ck_assert(!status_has(STATUS_INVALID_PRODUCER_EPOCH, STATUS_CLASS_FATAL));
}
END_TEST

int main(void) {
  Suite *suite = suite_create("status");
  TCase *test_case = tcase_create("all");
  tcase_add_test(test_case, kafka_codes_are_complete);
  tcase_add_test(test_case, names_are_kafkas);
  tcase_add_test(test_case, numbers_are_kafkas_or_in_our_band);
  tcase_add_test(test_case, every_status_has_a_text_of_its_own);
  tcase_add_test(test_case, unknown_numbers_have_no_class);
  tcase_add_test(test_case, refused_before_the_append_are_exactly_these);
  tcase_add_test(test_case, errors_after_a_possible_append_are_not_refusals);
  tcase_add_test(test_case, retriable_are_kafkas_and_rebootstrap);
  tcase_add_test(test_case, stale_views_are_refreshed);
  tcase_add_test(test_case, refreshed_statuses_are_retried);
  tcase_add_test(test_case, fatal_statuses_are_never_retried);
  suite_add_tcase(suite, test_case);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_ENV);
  int failures = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failures != 0;
}
