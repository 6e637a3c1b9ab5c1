#include "base/status.h"
#include "broker/producer_state.h"
#include <check.h>

enum { PRODUCER_ID = 4000 };

static struct producer_state state;

static void set_up(void) {
  producer_state_init(&state);
}

static void tear_down(void) {
  producer_state_deinit(&state);
}

static enum producer_verdict check(int64_t producer_id, int16_t epoch, int32_t base_sequence,
                                   int32_t record_count, int64_t *base_offset) {
  struct producer_batch_identity identity = {producer_id, epoch, base_sequence, record_count};
  struct producer_batch_place place = {.base_offset = -1};
  enum producer_verdict verdict = producer_state_check(&state, &identity, &place);
  if (base_offset != NULL) *base_offset = place.base_offset;
  return verdict;
}

static enum producer_verdict judge(int16_t epoch, int32_t base_sequence, int32_t record_count) {
  return check(PRODUCER_ID, epoch, base_sequence, record_count, NULL);
}

static void record_at(int64_t producer_id, int16_t epoch, int32_t base_sequence, int32_t record_count,
                      int64_t timestamp_ms) {
  struct producer_batch_identity identity = {producer_id, epoch, base_sequence, record_count};
  ck_assert_int_eq(producer_state_reserve(&state), STATUS_OK);
  producer_state_record(&state, &identity, INT64_C(1000) + base_sequence, timestamp_ms);
}

/* Sends a batch that has to be accepted, to offset 1000 + base_sequence. */
static void send(int16_t epoch, int32_t base_sequence, int32_t record_count) {
  ck_assert_int_eq(judge(epoch, base_sequence, record_count), PRODUCER_BATCH_ACCEPTED);
  record_at(PRODUCER_ID, epoch, base_sequence, record_count, 0);
}

START_TEST(an_unknown_producer_may_begin_anywhere) {
  ck_assert_int_eq(judge(3, 7, 1), PRODUCER_BATCH_ACCEPTED);
  send(3, 7, 1);
  ck_assert_int_eq(judge(3, 8, 1), PRODUCER_BATCH_ACCEPTED);
  ck_assert_int_eq(judge(3, 9, 1), PRODUCER_BATCH_OUT_OF_ORDER);
}
END_TEST

START_TEST(the_last_five_batches_are_duplicates_and_the_sixth_is_out_of_order) {
  for (int32_t index = 0; index < 8; index++)
    send(0, index * 10, 10);
  for (int32_t index = 3; index < 8; index++) {
    int64_t base_offset;
    ck_assert_int_eq(check(PRODUCER_ID, 0, index * 10, 10, &base_offset), PRODUCER_BATCH_DUPLICATE);
    ck_assert_int_eq(base_offset, 1000 + index * 10);
  }
  for (int32_t index = 0; index < 3; index++)
    ck_assert_int_eq(judge(0, index * 10, 10), PRODUCER_BATCH_OUT_OF_ORDER);
  ck_assert_int_eq(judge(0, 80, 10), PRODUCER_BATCH_ACCEPTED);
}
END_TEST

START_TEST(a_duplicate_has_exactly_the_same_range) {
  send(0, 0, 10);
  send(0, 10, 10);
  ck_assert_int_eq(judge(0, 10, 5), PRODUCER_BATCH_OUT_OF_ORDER);
  ck_assert_int_eq(judge(0, 15, 5), PRODUCER_BATCH_OUT_OF_ORDER);
  ck_assert_int_eq(judge(0, 0, 20), PRODUCER_BATCH_OUT_OF_ORDER);
  ck_assert_int_eq(judge(0, 10, 11), PRODUCER_BATCH_OUT_OF_ORDER);
}
END_TEST

START_TEST(a_gap_is_out_of_order_and_can_be_filled) {
  send(0, 0, 10);
  ck_assert_int_eq(judge(0, 20, 10), PRODUCER_BATCH_OUT_OF_ORDER);
  send(0, 10, 10);
  ck_assert_int_eq(judge(0, 20, 10), PRODUCER_BATCH_ACCEPTED);
}
END_TEST

START_TEST(a_lower_epoch_is_fenced_even_with_its_old_batches) {
  send(4, 0, 1);
  send(5, 0, 1);
  ck_assert_int_eq(judge(4, 0, 1), PRODUCER_BATCH_FENCED);
  ck_assert_int_eq(judge(4, 1, 1), PRODUCER_BATCH_FENCED);
}
END_TEST

START_TEST(a_higher_epoch_begins_at_zero_with_a_new_window) {
  for (int32_t index = 0; index < 4; index++)
    send(1, index, 1);
  ck_assert_int_eq(judge(2, 4, 1), PRODUCER_BATCH_OUT_OF_ORDER);
  send(9, 0, 1);
  ck_assert_int_eq(judge(9, 0, 1), PRODUCER_BATCH_DUPLICATE);
  ck_assert_int_eq(judge(9, 3, 1), PRODUCER_BATCH_OUT_OF_ORDER);
  ck_assert_int_eq(judge(9, 1, 1), PRODUCER_BATCH_ACCEPTED);
  send(32767, 0, 1);
  ck_assert_int_eq(judge(9, 1, 1), PRODUCER_BATCH_FENCED);
}
END_TEST

START_TEST(sequences_wrap_after_the_largest_int32) {
  send(0, INT32_MAX - 9, 10);
  ck_assert_int_eq(judge(0, 1, 1), PRODUCER_BATCH_OUT_OF_ORDER);
  send(0, 0, 5);
  ck_assert_int_eq(judge(0, 5, 1), PRODUCER_BATCH_ACCEPTED);
  ck_assert_int_eq(judge(0, INT32_MAX - 9, 10), PRODUCER_BATCH_DUPLICATE);
}
END_TEST

START_TEST(a_batch_may_span_the_wrap) {
  send(0, INT32_MAX - 1, 5); /* 2147483646, 2147483647, 0, 1, 2 */
  ck_assert_int_eq(judge(0, INT32_MAX - 1, 5), PRODUCER_BATCH_DUPLICATE);
  ck_assert_int_eq(judge(0, 2, 1), PRODUCER_BATCH_OUT_OF_ORDER);
  ck_assert_int_eq(judge(0, 3, 1), PRODUCER_BATCH_ACCEPTED);
}
END_TEST

START_TEST(a_reload_leaves_the_newest_batch) {
  for (int32_t index = 0; index < 7; index++)
    send(2, index, 1);
  producer_state_reload(&state);
  for (int32_t index = 0; index < 6; index++)
    ck_assert_int_eq(judge(2, index, 1), PRODUCER_BATCH_OUT_OF_ORDER);
  int64_t base_offset;
  ck_assert_int_eq(check(PRODUCER_ID, 2, 6, 1, &base_offset), PRODUCER_BATCH_DUPLICATE);
  ck_assert_int_eq(base_offset, 1006);
  ck_assert_int_eq(judge(2, 8, 1), PRODUCER_BATCH_OUT_OF_ORDER);
  ck_assert_int_eq(judge(2, 7, 1), PRODUCER_BATCH_ACCEPTED);
  ck_assert_int_eq(judge(1, 0, 1), PRODUCER_BATCH_FENCED);
}
END_TEST

START_TEST(expiry_counts_from_the_newest_batch) {
  record_at(1, 0, 0, 1, 500);
  record_at(2, 0, 0, 1, 501);
  record_at(3, 0, 0, 1, 100);
  record_at(3, 0, 1, 1, 600);
  producer_state_expire(&state, 1500, 1000);
  ck_assert_ptr_null(producer_state_find(&state, 1));
  ck_assert_ptr_nonnull(producer_state_find(&state, 2));
  ck_assert_ptr_nonnull(producer_state_find(&state, 3));
  ck_assert_int_eq(check(1, 0, 0, 1, NULL), PRODUCER_BATCH_ACCEPTED);
}
END_TEST

START_TEST(expiry_keeps_the_others_findable) {
  enum { COUNT = 500 };
  for (int64_t producer_id = 0; producer_id < COUNT; producer_id++)
    record_at(producer_id, 0, (int32_t)producer_id, 1, producer_id % 3 == 0 ? 0 : 1000);
  ck_assert_uint_eq(state.entry_count, COUNT);
  producer_state_expire(&state, 1000, 500);
  for (int64_t producer_id = 0; producer_id < COUNT; producer_id++) {
    const struct producer_entry *entry = producer_state_find(&state, producer_id);
    ck_assert_int_eq(entry == NULL, producer_id % 3 == 0);
    if (entry != NULL) ck_assert_int_eq(entry->batches[0].first_sequence, producer_id);
  }
  ck_assert_uint_eq(state.entry_count, COUNT - (COUNT + 2) / 3);
}
END_TEST

START_TEST(producers_do_not_see_each_other) {
  record_at(1, 0, 0, 5, 0);
  record_at(-7, 3, 40, 5, 0);
  ck_assert_int_eq(check(1, 0, 5, 1, NULL), PRODUCER_BATCH_ACCEPTED);
  ck_assert_int_eq(check(-7, 3, 45, 1, NULL), PRODUCER_BATCH_ACCEPTED);
  ck_assert_int_eq(check(1, 0, 45, 1, NULL), PRODUCER_BATCH_OUT_OF_ORDER);
}
END_TEST

int main(void) {
  Suite *suite = suite_create("producer_state");
  TCase *test_case = tcase_create("all");
  tcase_add_checked_fixture(test_case, set_up, tear_down);
  tcase_add_test(test_case, an_unknown_producer_may_begin_anywhere);
  tcase_add_test(test_case, the_last_five_batches_are_duplicates_and_the_sixth_is_out_of_order);
  tcase_add_test(test_case, a_duplicate_has_exactly_the_same_range);
  tcase_add_test(test_case, a_gap_is_out_of_order_and_can_be_filled);
  tcase_add_test(test_case, a_lower_epoch_is_fenced_even_with_its_old_batches);
  tcase_add_test(test_case, a_higher_epoch_begins_at_zero_with_a_new_window);
  tcase_add_test(test_case, sequences_wrap_after_the_largest_int32);
  tcase_add_test(test_case, a_batch_may_span_the_wrap);
  tcase_add_test(test_case, a_reload_leaves_the_newest_batch);
  tcase_add_test(test_case, expiry_counts_from_the_newest_batch);
  tcase_add_test(test_case, expiry_keeps_the_others_findable);
  tcase_add_test(test_case, producers_do_not_see_each_other);
  suite_add_tcase(suite, test_case);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_ENV);
  int failures = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failures != 0;
}
