#include "base/allocator.h"
#include "base/status.h"
#include "broker/partition_log.h"
#include "protocol/record_batch.h"
#include <check.h>

enum { BATCH_BYTES = 100 };

static struct partition_log partition_log;

static void set_up(void) {
  partition_log_init(&partition_log, 0);
}

static void tear_down(void) {
  partition_log_deinit(&partition_log);
}

/* Appends a batch of BATCH_BYTES whose bytes after the header are all `fill`. */
static int64_t append(int32_t record_count, uint8_t fill) {
  uint8_t batch[BATCH_BYTES];
  int64_t base_offset = -1;
  memset(batch, fill, sizeof batch);
  ck_assert_int_eq(partition_log_append(&partition_log, bytes_of(batch, sizeof batch), record_count, fill, 7,
                                        &base_offset),
                   STATUS_OK);
  return base_offset;
}

START_TEST(offsets_follow_each_other_by_record_count) {
  ck_assert_int_eq(append(3, 1), 0);
  ck_assert_int_eq(append(1, 2), 3);
  ck_assert_int_eq(append(10, 3), 4);
  ck_assert_int_eq(partition_log.start_offset, 0);
  ck_assert_int_eq(partition_log.end_offset, 14);
  ck_assert_uint_eq(partition_log.bytes, 3 * BATCH_BYTES);
}
END_TEST

START_TEST(offset_and_leader_epoch_are_written_into_the_batch) {
  append(3, 1);
  append(2, 2);
  const struct log_batch *batch = partition_log_at(&partition_log, 1);
  ck_assert_uint_eq(batch->size, BATCH_BYTES);
  ck_assert_uint_eq(bytes_load_u64(batch->data), 3);
  ck_assert_uint_eq(bytes_load_u32(batch->data + 12), 7);
  ck_assert_uint_eq(batch->data[16], 2);
  ck_assert_uint_eq(batch->data[BATCH_BYTES - 1], 2);
  ck_assert_int_eq(batch->max_timestamp_ms, 2);
}
END_TEST

START_TEST(an_offset_is_found_in_the_batch_that_holds_it) {
  for (uint8_t index = 0; index < 100; index++)
    append(3, index);
  for (int64_t offset = 0; offset < 300; offset++)
    ck_assert_uint_eq(partition_log_find(&partition_log, offset), (uint32_t)(offset / 3));
  ck_assert_uint_eq(partition_log_find(&partition_log, 300), 100);
}
END_TEST

START_TEST(an_empty_log_finds_its_end) {
  ck_assert_uint_eq(partition_log_find(&partition_log, 0), 0);
  ck_assert_uint_eq(partition_log_drop_oldest(&partition_log), 0);
}
END_TEST

START_TEST(the_oldest_batches_go_beyond_the_limit) {
  partition_log.limit_bytes = 10 * BATCH_BYTES;
  for (int index = 0; index < 1000; index++)
    ck_assert_int_eq(append(2, (uint8_t)index), index * 2);
  ck_assert_uint_eq(partition_log.batch_count, 10);
  ck_assert_uint_eq(partition_log.bytes, 10 * BATCH_BYTES);
  ck_assert_int_eq(partition_log.start_offset, 1980);
  ck_assert_int_eq(partition_log.end_offset, 2000);
  ck_assert_uint_eq(partition_log_find(&partition_log, 1981), 0);
  ck_assert_int_eq(partition_log_at(&partition_log, 9)->base_offset, 1998);
  ck_assert_uint_le(partition_log.capacity, 16);
}
END_TEST

START_TEST(the_newest_batch_stays_though_it_exceeds_the_limit) {
  partition_log.limit_bytes = 1;
  append(2, 1);
  append(2, 2);
  ck_assert_uint_eq(partition_log.batch_count, 1);
  ck_assert_int_eq(partition_log.start_offset, 2);
}
END_TEST

static bool refuse_all(void *context) {
  (void)context;
  return false;
}

START_TEST(an_append_without_memory_changes_nothing) {
  append(2, 1);
  for (int refused = 0; refused < 20; refused++) {
    uint8_t batch[BATCH_BYTES] = {0};
    int64_t base_offset = -5;
    allocator_set_hook(refuse_all, NULL);
    int32_t status =
        partition_log_append(&partition_log, bytes_of(batch, sizeof batch), 1, 0, 0, &base_offset);
    allocator_set_hook(NULL, NULL);
    ck_assert_int_eq(status, STATUS_OUT_OF_MEMORY);
    ck_assert_int_eq(base_offset, -5);
    ck_assert_int_eq(append(1, 3), 2 + refused);
  }
}
END_TEST

int main(void) {
  Suite *suite = suite_create("partition_log");
  TCase *test_case = tcase_create("all");
  tcase_add_checked_fixture(test_case, set_up, tear_down);
  tcase_add_test(test_case, offsets_follow_each_other_by_record_count);
  tcase_add_test(test_case, offset_and_leader_epoch_are_written_into_the_batch);
  tcase_add_test(test_case, an_offset_is_found_in_the_batch_that_holds_it);
  tcase_add_test(test_case, an_empty_log_finds_its_end);
  tcase_add_test(test_case, the_oldest_batches_go_beyond_the_limit);
  tcase_add_test(test_case, the_newest_batch_stays_though_it_exceeds_the_limit);
  tcase_add_test(test_case, an_append_without_memory_changes_nothing);
  suite_add_tcase(suite, test_case);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_ENV);
  int failures = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failures != 0;
}
