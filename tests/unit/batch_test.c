#include "accumulator/batch.h"

#include "accumulator/topic.h"
#include "base/status.h"
#include "support/expect_abort.h"
#include "support/sample_records.h"
#include <check.h>
#include <stdlib.h>

enum { NO_LIMIT = 1 << 30 };

/* A batch in memory of exactly its size, so that sanitizers see a byte outside. */
static void start_with(struct batch *batch, size_t block_bytes, size_t limit_bytes, uint32_t record_limit,
                       bool wide) {
  uint8_t *block = malloc(block_bytes);
  ck_assert_ptr_nonnull(block);
  batch_init(batch, block, block_bytes, limit_bytes, record_limit, wide, 5000);
}

static void start(struct batch *batch, size_t block_bytes) {
  start_with(batch, block_bytes, NO_LIMIT, UINT32_MAX, false);
}

static bool append(struct batch *batch, uint32_t number) {
  struct record record = sample_record(number);
  struct batch_entry entry = sample_entry(number);
  return batch_append(batch, &record, record_bound(&record), &entry);
}

/* Appends the records from first_number on until one does not fit. */
static void fill(struct batch *batch, uint32_t first_number) {
  while (append(batch, first_number + batch->record_count))
    ck_assert_uint_le(batch_used_bytes(batch), batch->block_bytes);
}

/* ---- appending ---- */

START_TEST(a_new_batch_is_empty_and_unstamped) {
  struct batch batch;
  start(&batch, 1024);
  ck_assert_int_eq(batch.state, BATCH_OPEN);
  ck_assert_uint_eq(batch.record_count, 0);
  ck_assert_uint_eq(batch_used_bytes(&batch), 0);
  ck_assert_uint_eq(batch_wire_bytes(&batch), 61);
  ck_assert_int_eq(batch.producer_id, -1);
  ck_assert_int_eq(batch.base_sequence, -1);
  ck_assert_int_eq(batch.outcome, OUTCOME_NONE);
  ck_assert_ptr_eq(batch.root, &batch);
  ck_assert_uint_eq(batch.shares, 1);
  ck_assert(!batch_is_full(&batch));
  free(batch.block);
}
END_TEST

START_TEST(records_fill_blocks_of_all_sizes_from_both_ends) {
  for (int wide = 0; wide < 2; wide++)
    for (size_t block_bytes = 1024; block_bytes <= 64 * 1024; block_bytes += block_bytes / 16 / 8 * 8)
      for (uint32_t first = 0; first < 4; first++) {
        struct batch batch;
        start_with(&batch, block_bytes, NO_LIMIT, UINT32_MAX, wide != 0);
        fill(&batch, first);
        ck_assert_uint_gt(batch.record_count, 0);
        sample_expect(&batch, first);
        free(batch.block);
      }
}
END_TEST

/* Room for the last record to the byte: it goes in, and with a byte less it does not. */
START_TEST(a_record_fits_if_it_fits_exactly) {
  struct record record = {.value = bytes_of_string("0123456789")};
  size_t needed = record_size(&record, 0, 0);
  for (int short_by = 0; short_by < 2; short_by++) {
    struct batch batch;
    start_with(&batch, 1024, RECORD_BATCH_HEADER_BYTES + 2 * needed - (size_t)short_by, 10, false);
    struct batch_entry entry = {.timestamp_ms = 7};
    ck_assert(batch_append(&batch, &record, record_bound(&record), &entry));
    ck_assert(batch_append(&batch, &record, record_bound(&record), &entry) == (short_by == 0));
    ck_assert_uint_eq(batch.record_count, short_by == 0 ? 2 : 1);
    ck_assert_int_eq(batch_is_full(&batch), short_by == 0);
    free(batch.block);
  }
  /* The same at the end of the block, between records and entries. */
  static const uint8_t zeroes[1024];
  uint32_t fitted = 0;
  for (size_t value_bytes = 930; value_bytes < 970; value_bytes++) {
    struct batch batch;
    start(&batch, 1024);
    struct record long_record = {.value = bytes_of(zeroes, value_bytes)};
    struct batch_entry entry = {.timestamp_ms = 7};
    bool long_fits = record_size(&long_record, 0, 0) + BATCH_ENTRY_BYTES <= 1024;
    ck_assert(batch_append(&batch, &long_record, record_bound(&long_record), &entry) == long_fits);
    bool fits = needed + BATCH_ENTRY_BYTES <= 1024 - batch_used_bytes(&batch);
    ck_assert(batch_append(&batch, &record, record_bound(&record), &entry) == fits);
    fitted += fits;
    free(batch.block);
  }
  ck_assert_uint_eq(fitted, 21); /* 950 + 9, 17, and two entries */
}
END_TEST

START_TEST(a_batch_is_full_when_not_even_the_smallest_record_fits) {
  struct batch batch;
  start_with(&batch, 1024, RECORD_BATCH_HEADER_BYTES + 2 * RECORD_MINIMUM_BYTES, 10, false);
  struct record smallest = {.headers = NULL};
  struct batch_entry entry = {.timestamp_ms = 0};
  ck_assert_uint_eq(record_size(&smallest, 0, 0), RECORD_MINIMUM_BYTES);
  ck_assert(batch_append(&batch, &smallest, record_bound(&smallest), &entry));
  ck_assert(!batch_is_full(&batch));
  ck_assert(batch_append(&batch, &smallest, record_bound(&smallest), &entry));
  ck_assert(batch_is_full(&batch));
  ck_assert(!batch_append(&batch, &smallest, record_bound(&smallest), &entry));
  free(batch.block);
}
END_TEST

START_TEST(a_refused_record_changes_nothing) {
  struct batch batch;
  start(&batch, 2048);
  memset(batch.block, 0x5a, 2048);
  fill(&batch, 1);
  struct batch before = batch;
  uint8_t content[2048];
  memcpy(content, batch.block, 2048);
  struct record record = {.value = bytes_of(content, 2048)};
  struct batch_entry entry = {.timestamp_ms = INT64_MAX};
  ck_assert(!batch_append(&batch, &record, record_bound(&record), &entry));
  ck_assert_mem_eq(&batch, &before, sizeof batch);
  ck_assert_mem_eq(batch.block, content, 2048);
  free(batch.block);
}
END_TEST

START_TEST(the_record_limit_ends_a_batch) {
  struct batch batch;
  start_with(&batch, 64 * 1024, NO_LIMIT, 3, false);
  ck_assert(append(&batch, 1) && append(&batch, 2));
  ck_assert(!batch_is_full(&batch));
  ck_assert(append(&batch, 3));
  ck_assert(batch_is_full(&batch));
  ck_assert(!append(&batch, 4));
  sample_expect(&batch, 1);
  free(batch.block);
}
END_TEST

START_TEST(the_byte_limit_counts_the_header) {
  for (size_t limit = 200; limit < 3000; limit += 7) {
    struct batch batch;
    start_with(&batch, 64 * 1024, limit, UINT32_MAX, false);
    fill(&batch, 2);
    ck_assert_uint_le(batch_wire_bytes(&batch), limit);
    struct record next = sample_record(2 + batch.record_count);
    struct batch_entry entry = sample_entry(2 + batch.record_count);
    if (batch.record_count > 0) {
      size_t more =
          record_size(&next, entry.timestamp_ms - batch.base_timestamp_ms, (int32_t)batch.record_count);
      ck_assert_uint_gt(batch_wire_bytes(&batch) + more, limit);
      sample_expect(&batch, 2);
    }
    free(batch.block);
  }
}
END_TEST

START_TEST(timestamps_of_all_distances_come_back) {
  static const int64_t timestamps[] = {1000, 0, INT64_MAX, 1000, 1063, 1064, 936, 935, INT64_MAX - 1};
  struct batch batch;
  start(&batch, 4096);
  struct record record = {.value = bytes_of_string("v")};
  for (size_t i = 0; i < 9; i++) {
    struct batch_entry entry = {.timestamp_ms = timestamps[i]};
    ck_assert(batch_append(&batch, &record, record_bound(&record), &entry));
  }
  ck_assert_int_eq(batch.base_timestamp_ms, 1000);
  ck_assert_int_eq(batch.max_timestamp_ms, INT64_MAX);
  struct wire_reader reader = wire_reader_of(bytes_of(batch.records, batch.records_bytes));
  for (size_t i = 0; i < 9; i++) {
    struct record_view view;
    record_read(&reader, &view);
    ck_assert_int_eq(batch.base_timestamp_ms + view.timestamp_delta, timestamps[i]);
  }
  free(batch.block);
}
END_TEST

START_TEST(views_are_appended_under_new_deltas) {
  struct batch source, target;
  start_with(&source, 64 * 1024, NO_LIMIT, UINT32_MAX, true);
  start_with(&target, 64 * 1024, NO_LIMIT, UINT32_MAX, true);
  fill(&source, 0);
  struct wire_reader reader = wire_reader_of(bytes_of(source.records, source.records_bytes));
  uint32_t taken = 0;
  for (uint32_t i = 0; i < source.record_count; i++) {
    struct record_view view;
    record_read(&reader, &view);
    if (i >= 3) taken += batch_append_view(&target, &view, batch_entry(&source, i));
  }
  ck_assert_uint_eq(taken, source.record_count - 3);
  sample_expect(&target, 3);
  free(source.block);
  free(target.block);
}
END_TEST

START_TEST(a_view_fits_if_it_fits_exactly) {
  struct batch source;
  start(&source, 4096);
  ck_assert(append(&source, 1) && append(&source, 2));
  struct wire_reader reader = wire_reader_of(bytes_of(source.records, source.records_bytes));
  struct record_view view;
  record_read(&reader, &view);
  record_read(&reader, &view);
  size_t needed = record_rewrite_size(&view, 0, 0);
  ck_assert_uint_le(needed, record_rewrite_bound(&view));
  for (size_t short_by = 0; short_by < 2; short_by++) {
    struct batch target;
    start_with(&target, 1024, RECORD_BATCH_HEADER_BYTES + needed - short_by, 10, false);
    ck_assert(batch_append_view(&target, &view, batch_entry(&source, 1)) == (short_by == 0));
    ck_assert_uint_eq(target.records_bytes, short_by == 0 ? needed : 0);
    if (short_by == 0) sample_expect(&target, 2);
    free(target.block);
  }
  free(source.block);
}
END_TEST

START_TEST(a_batch_moves_into_larger_blocks) {
  for (int wide = 0; wide < 2; wide++) {
    struct batch batch;
    start_with(&batch, 1024, NO_LIMIT, UINT32_MAX, wide != 0);
    fill(&batch, 1);
    for (size_t bytes = 2048; bytes <= 128 * 1024; bytes *= 2) {
      uint8_t *old = batch.block, *block = malloc(bytes);
      batch_move(&batch, block, bytes);
      free(old);
      sample_expect(&batch, 1);
      fill(&batch, 1);
      sample_expect(&batch, 1);
    }
    ck_assert_uint_gt(batch.record_count, 60);
    free(batch.block);
  }
}
END_TEST

START_TEST(an_empty_batch_moves) {
  struct batch batch;
  start(&batch, 1024);
  uint8_t *old = batch.block, *block = malloc(4096);
  batch_move(&batch, block, 4096);
  free(old);
  fill(&batch, 5);
  sample_expect(&batch, 5);
  free(batch.block);
}
END_TEST

START_TEST(first_records_are_dropped_one_by_one) {
  struct batch batch;
  start_with(&batch, 32 * 1024, NO_LIMIT, UINT32_MAX, true);
  fill(&batch, 0);
  uint32_t count = batch.record_count;
  for (uint32_t dropped = 0; dropped < count; dropped++) {
    ck_assert_uint_eq(batch.record_count, count - dropped);
    ck_assert_uint_eq(batch_entry(&batch, 0)->opaque, dropped);
    ck_assert_uint_eq(batch_entry(&batch, batch.record_count - 1)->opaque, count - 1);
    struct wire_reader reader = wire_reader_of(bytes_of(batch.records, batch.records_bytes));
    struct record_view view;
    record_read(&reader, &view);
    ck_assert(bytes_equal(view.value, sample_record(dropped).value));
    batch_drop_first(&batch, &view);
  }
  ck_assert_uint_eq(batch.records_bytes, 0);
  free(batch.block);
}
END_TEST

/* What is left behind the dropped ones can still be appended to, up to the end of the block. */
START_TEST(a_batch_takes_records_after_its_first_were_dropped) {
  struct batch batch;
  start(&batch, 8 * 1024);
  for (uint32_t number = 0; number < 6; number++)
    ck_assert(append(&batch, number));
  for (int i = 0; i < 4; i++) {
    struct wire_reader reader = wire_reader_of(bytes_of(batch.records, batch.records_bytes));
    struct record_view view;
    record_read(&reader, &view);
    batch_drop_first(&batch, &view);
  }
  while (append(&batch, 4 + batch.record_count))
    ck_assert(batch.records + batch.records_bytes <= (uint8_t *)batch_entry(&batch, batch.record_count - 1));
  struct wire_reader reader = wire_reader_of(bytes_of(batch.records, batch.records_bytes));
  for (uint32_t i = 0; i < batch.record_count; i++) {
    struct record_view view;
    record_read(&reader, &view);
    ck_assert(bytes_equal(view.value, sample_record(4 + i).value));
    ck_assert_uint_eq(batch_entry(&batch, i)->opaque, 4 + i);
    ck_assert_int_eq(batch.base_timestamp_ms + view.timestamp_delta, batch_entry(&batch, i)->timestamp_ms);
  }
  ck_assert(!reader.failed);
  free(batch.block);
}
END_TEST

/* ---- states ---- */

static const enum batch_state changes[][2] = {
    {BATCH_OPEN, BATCH_SEALED},    {BATCH_OPEN, BATCH_SETTLED},      {BATCH_SEALED, BATCH_IN_FLIGHT},
    {BATCH_SEALED, BATCH_RETRY},   {BATCH_SEALED, BATCH_SETTLED},    {BATCH_IN_FLIGHT, BATCH_RETRY},
    {BATCH_IN_FLIGHT, BATCH_HELD}, {BATCH_IN_FLIGHT, BATCH_SETTLED}, {BATCH_RETRY, BATCH_IN_FLIGHT},
    {BATCH_RETRY, BATCH_HELD},     {BATCH_RETRY, BATCH_SETTLED},     {BATCH_HELD, BATCH_RETRY},
    {BATCH_HELD, BATCH_SETTLED},
};

static void change(void *states) {
  const enum batch_state *pair = states;
  struct batch batch = {.state = pair[0]};
  batch_set_state(&batch, pair[1]);
}

START_TEST(states_change_by_the_table_only) {
  for (int from = 0; from < BATCH_STATE_COUNT; from++)
    for (int to = 0; to < BATCH_STATE_COUNT; to++) {
      bool expected = false;
      for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++)
        if ((int)changes[i][0] == from && (int)changes[i][1] == to) expected = true;
      enum batch_state pair[] = {(enum batch_state)from, (enum batch_state)to};
      ck_assert(batch_state_may_change(pair[0], pair[1]) == expected);
      if (expected) {
        struct batch batch = {.state = pair[0]};
        batch_set_state(&batch, pair[1]);
        ck_assert_int_eq(batch.state, to);
      } else {
        expect_abort(change, pair, "allowed[batch->state][state]");
      }
    }
}
END_TEST

/* ---- identity and header ---- */

START_TEST(a_finished_batch_is_valid_on_the_wire) {
  struct batch batch;
  start(&batch, 32 * 1024);
  fill(&batch, 0);
  batch_set_state(&batch, BATCH_SEALED);
  batch.packed = true;
  batch.uncompressed_bytes = batch.records_bytes;
  batch_stamp(&batch, 0x123456789abcdef, 77, INT32_MAX);
  ck_assert(!batch.finished);
  batch_finish(&batch);
  sample_expect_wire(&batch, 0);
  batch_set_state(&batch, BATCH_IN_FLIGHT);
  batch_set_state(&batch, BATCH_RETRY);
  batch_stamp(&batch, 5, 78, 0);
  ck_assert(!batch.finished);
  batch_finish(&batch);
  sample_expect_wire(&batch, 0);
  free(batch.block);
}
END_TEST

START_TEST(a_batch_without_idempotence_has_no_identity) {
  struct batch batch;
  start(&batch, 1024);
  fill(&batch, 1);
  batch_set_state(&batch, BATCH_SEALED);
  batch.uncompressed_bytes = batch.records_bytes;
  batch_stamp(&batch, -1, -1, -1);
  batch_finish(&batch);
  sample_expect_wire(&batch, 1);
  free(batch.block);
}
END_TEST

static void stamp(void *changed) {
  struct batch batch = *(struct batch *)changed;
  batch_stamp(&batch, 1, 1, 1);
}

/* The rule that every duplicate in history broke. */
START_TEST(identity_never_changes_while_the_outcome_is_open) {
  expect_abort(stamp, &(struct batch){.state = BATCH_RETRY, .ambiguous = true}, "!batch->ambiguous");
  static const enum batch_state states[] = {BATCH_OPEN, BATCH_IN_FLIGHT, BATCH_HELD, BATCH_SETTLED};
  for (int i = 0; i < 4; i++)
    expect_abort(stamp, &(struct batch){.state = states[i]}, "batch->state == BATCH_SEALED");
}
END_TEST

/* ---- outcome and reports ---- */

static struct topic orders = {.id = 42};
static struct partition sixth = {.index = 6};

static void settle_in(struct batch *batch, enum outcome outcome, int32_t status, int64_t base_offset,
                      int64_t log_append_time_ms, int64_t now_us) {
  start_with(batch, 16 * 1024, NO_LIMIT, UINT32_MAX, true);
  fill(batch, 1);
  batch->topic = &orders;
  batch->partition = &sixth;
  batch->broker = 3;
  batch->attempts = 2;
  batch_settle(batch, outcome, status, base_offset, log_append_time_ms, now_us);
  ck_assert_int_eq(batch->state, BATCH_SETTLED);
}

START_TEST(reports_of_delivered_records_have_their_offsets) {
  struct batch batch;
  settle_in(&batch, OUTCOME_DELIVERED, STATUS_OK, INT64_C(1) << 40, -1, 5000 + 400);
  for (uint32_t i = 0; i < batch.record_count; i++) {
    struct report report, expected = {.opaque = 1 + i,
                                      .offset = (INT64_C(1) << 40) + i,
                                      .timestamp_ms = sample_entry(1 + i).timestamp_ms,
                                      .latency_us = 400 - (int64_t)(1 + i) * 3,
                                      .topic = 42,
                                      .partition = 6,
                                      .status = STATUS_OK,
                                      .broker = 3,
                                      .attempts = 2,
                                      .outcome = OUTCOME_DELIVERED};
    memset(&report, 0xff, sizeof report);
    batch_report(&batch, i, &report);
    ck_assert_mem_eq(&report, &expected, sizeof report);
  }
  free(batch.block);
}
END_TEST

START_TEST(log_append_time_goes_before_the_records_own) {
  struct batch batch;
  settle_in(&batch, OUTCOME_DELIVERED, STATUS_OK, 10, 1234567, 9000);
  struct report report;
  batch_report(&batch, 1, &report);
  ck_assert_int_eq(report.timestamp_ms, 1234567);
  ck_assert_uint_eq(report.flags, REPORT_LOG_APPEND_TIME);
  free(batch.block);
  settle_in(&batch, OUTCOME_DELIVERED, STATUS_OK, 10, 0, 9000); /* 1970 is a time as well */
  batch_report(&batch, 1, &report);
  ck_assert_int_eq(report.timestamp_ms, 0);
  ck_assert_uint_eq(report.flags, REPORT_LOG_APPEND_TIME);
  free(batch.block);
}
END_TEST

START_TEST(only_delivered_records_have_offsets) {
  static const enum outcome outcomes[] = {OUTCOME_DELIVERED_OFFSET_UNKNOWN, OUTCOME_NOT_DELIVERED,
                                          OUTCOME_UNKNOWN};
  for (int i = 0; i < 3; i++) {
    struct batch batch;
    settle_in(&batch, outcomes[i], STATUS_DELIVERY_TIMED_OUT, -1, -1, 9000);
    struct report report;
    batch_report(&batch, 2, &report);
    ck_assert_int_eq(report.offset, -1);
    ck_assert_int_eq(report.outcome, outcomes[i]);
    ck_assert_int_eq(report.status, STATUS_DELIVERY_TIMED_OUT);
    free(batch.block);
  }
}
END_TEST

START_TEST(latency_is_never_negative_and_attempts_saturate) {
  struct batch batch;
  settle_in(&batch, OUTCOME_UNKNOWN, STATUS_ABORTED, -1, -1, 5001); /* before the later records' acceptance */
  batch.attempts = 70000;
  struct report report;
  batch_report(&batch, 5, &report);
  ck_assert_int_eq(report.latency_us, 0);
  ck_assert_uint_eq(report.attempts, UINT16_MAX);
  free(batch.block);
}
END_TEST

START_TEST(a_staged_record_reports_the_partition_it_wanted) {
  struct batch batch;
  start(&batch, 8 * 1024);
  fill(&batch, 0);
  batch.topic = &orders;
  batch_settle(&batch, OUTCOME_NOT_DELIVERED, STATUS_UNKNOWN_TOPIC_OR_PARTITION, -1, -1, 9000);
  struct report report;
  batch_report(&batch, 0, &report);
  ck_assert_int_eq(report.partition, -1);
  ck_assert_int_eq(report.broker, -1);
  ck_assert_uint_eq(report.attempts, 0);
  batch_report(&batch, 3, &report);
  ck_assert_int_eq(report.partition, 2);
  free(batch.block);
}
END_TEST

static void settle(void *changed) {
  struct batch batch = *(struct batch *)changed;
  batch_settle(&batch, OUTCOME_UNKNOWN, STATUS_ABORTED, -1, -1, 0);
}

START_TEST(a_batch_is_settled_once) {
  struct batch settled = {.state = BATCH_SETTLED, .outcome = OUTCOME_DELIVERED};
  expect_abort(settle, &settled, "batch->outcome == OUTCOME_NONE");
}
END_TEST

static TCase *appending(void) {
  TCase *test_case = tcase_create("appending");
  tcase_add_test(test_case, a_new_batch_is_empty_and_unstamped);
  tcase_add_test(test_case, records_fill_blocks_of_all_sizes_from_both_ends);
  tcase_add_test(test_case, a_record_fits_if_it_fits_exactly);
  tcase_add_test(test_case, a_batch_is_full_when_not_even_the_smallest_record_fits);
  tcase_add_test(test_case, a_refused_record_changes_nothing);
  tcase_add_test(test_case, the_record_limit_ends_a_batch);
  tcase_add_test(test_case, the_byte_limit_counts_the_header);
  tcase_add_test(test_case, timestamps_of_all_distances_come_back);
  tcase_add_test(test_case, views_are_appended_under_new_deltas);
  tcase_add_test(test_case, a_view_fits_if_it_fits_exactly);
  tcase_add_test(test_case, a_batch_moves_into_larger_blocks);
  tcase_add_test(test_case, an_empty_batch_moves);
  tcase_add_test(test_case, first_records_are_dropped_one_by_one);
  tcase_add_test(test_case, a_batch_takes_records_after_its_first_were_dropped);
  return test_case;
}

static TCase *outcomes(void) {
  TCase *test_case = tcase_create("outcomes");
  tcase_add_test(test_case, states_change_by_the_table_only);
  tcase_add_test(test_case, a_finished_batch_is_valid_on_the_wire);
  tcase_add_test(test_case, a_batch_without_idempotence_has_no_identity);
  tcase_add_test(test_case, identity_never_changes_while_the_outcome_is_open);
  tcase_add_test(test_case, reports_of_delivered_records_have_their_offsets);
  tcase_add_test(test_case, log_append_time_goes_before_the_records_own);
  tcase_add_test(test_case, only_delivered_records_have_offsets);
  tcase_add_test(test_case, latency_is_never_negative_and_attempts_saturate);
  tcase_add_test(test_case, a_staged_record_reports_the_partition_it_wanted);
  tcase_add_test(test_case, a_batch_is_settled_once);
  return test_case;
}

int main(void) {
  Suite *suite = suite_create("batch");
  suite_add_tcase(suite, appending());
  suite_add_tcase(suite, outcomes());
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_ENV);
  int failures = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failures != 0;
}
