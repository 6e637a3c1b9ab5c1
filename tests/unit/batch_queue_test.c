/* How batches and their blocks grow, by the limits of the queue and what memory there is. */
#include "accumulator/batch_queue.h"

#include "base/status.h"
#include "support/accumulator_world.h"
#include "support/sample_records.h"
#include <check.h>

static struct accumulator accumulator;
static struct topic *topic;
static struct partition *partition;

static void start(const struct accumulator_settings *settings) {
  world_start(&accumulator, settings);
  topic = world_topic(&accumulator, "orders", 2);
  partition = world_partition(topic, 0);
}

static void set_up(void) {
  struct accumulator_settings settings = world_settings();
  start(&settings);
}

static void tear_down(void) {
  world_deliver_all(&accumulator, 0);
  world_stop(&accumulator);
}

static void restart(const struct accumulator_settings *settings) {
  tear_down();
  start(settings);
}

static void accept(size_t value_bytes) {
  world_accept(&accumulator, topic, 0, 0, value_bytes, 0);
}

static struct batch *last_batch(void) {
  return LIST_ENTRY(partition->batches.previous, struct batch, queue_node);
}

START_TEST(a_first_block_is_as_small_as_its_record) {
  accept(100);
  ck_assert_uint_eq(last_batch()->block_bytes, 1024);
  world_accept(&accumulator, topic, 1, 0, 5000, 0);
  ck_assert_uint_eq(world_partition(topic, 1)->held_bytes, 8192);
}
END_TEST

START_TEST(blocks_double_until_a_batch_is_full) {
  size_t seen = 0, expected = 1024;
  while (partition->batch_count < 2) {
    accept(100);
    size_t bytes = last_batch()->block_bytes;
    if (partition->batch_count == 1 && bytes != seen) {
      ck_assert_uint_eq(bytes, expected);
      expected *= 2;
      seen = bytes;
    }
    ck_assert_uint_eq(partition->held_bytes, buffer_pool_used_bytes(accumulator.pool));
  }
  ck_assert_uint_eq(seen, WORLD_BATCH_BYTES); /* entries included, or the pool were cut into odd pieces */
  struct batch *first = LIST_ENTRY(partition->batches.next, struct batch, queue_node);
  ck_assert_uint_gt(batch_used_bytes(first), WORLD_BATCH_BYTES - 200);
  ck_assert_int_eq(first->state, BATCH_SEALED);
}
END_TEST

START_TEST(records_survive_the_growth_of_their_block) {
  struct accumulator_settings settings = world_settings();
  settings.batch_bytes = 128 * 1024;
  settings.max_request_bytes = 128 * 1024;
  restart(&settings);
  for (uint32_t number = 1; number < 40; number++) {
    struct batch_entry entry = sample_entry(number);
    struct append append = {.topic = topic,
                            .partition = 0,
                            .record = sample_record(number),
                            .timestamp_ms = entry.timestamp_ms,
                            .opaque = number,
                            .callback = entry.callback,
                            .user = entry.user};
    ck_assert_int_eq(accumulator_append(&accumulator, &append, 0), STATUS_OK);
    struct batch_entry *kept = batch_entry(last_batch(), number - 1);
    kept->accepted_after_us = entry.accepted_after_us; /* what the sample expects */
    kept->partition_wanted = entry.partition_wanted;
    sample_expect(last_batch(), 1);
  }
  ck_assert_uint_eq(partition->batch_count, 1);
  ck_assert_uint_eq(last_batch()->block_bytes, 128 * 1024);
}
END_TEST

START_TEST(a_block_does_not_grow_for_a_batch_that_may_not) {
  struct accumulator_settings settings = world_settings();
  settings.batch_bytes = 1100;
  restart(&settings);
  accept(500);
  accept(540); /* fits in the block's 2 KiB, not in the batch's 1,100 bytes */
  ck_assert_uint_eq(partition->batch_count, 2);
  ck_assert_uint_eq(LIST_ENTRY(partition->batches.next, struct batch, queue_node)->block_bytes, 1024);
}
END_TEST

START_TEST(a_large_record_makes_the_block_grow_by_more_than_twice) {
  accept(10);
  accept(9000);
  ck_assert_uint_eq(partition->batch_count, 1);
  ck_assert_uint_eq(last_batch()->block_bytes, 16 * 1024);
}
END_TEST

START_TEST(the_next_block_begins_as_large_as_the_last_became) {
  for (int i = 0; i < 40; i++)
    accept(100);
  size_t grown = last_batch()->block_bytes;
  ck_assert_uint_eq(grown, 8192);
  world_deliver_all(&accumulator, 0);
  accept(100);
  ck_assert_uint_eq(last_batch()->block_bytes, grown);
  world_deliver_all(&accumulator, 0); /* now the last held one record */
  accept(100);
  ck_assert_uint_eq(last_batch()->block_bytes, 1024);
}
END_TEST

START_TEST(a_large_record_does_not_make_all_later_blocks_large) {
  accept(60000);
  ck_assert_uint_eq(last_batch()->block_bytes, 64 * 1024);
  world_deliver_all(&accumulator, 0);
  accept(100);
  ck_assert_uint_eq(last_batch()->block_bytes, WORLD_BATCH_BYTES);
}
END_TEST

START_TEST(without_memory_for_a_larger_block_a_new_batch_begins) {
  struct accumulator_settings settings = world_settings();
  settings.buffer_bytes = 8 * 1024;
  restart(&settings);
  while (partition->held_bytes < 4096)
    accept(100);
  while (partition->batch_count == 1)
    accept(100); /* 8 KiB would be all, but 4 are in use */
  ck_assert_uint_eq(last_batch()->block_bytes, 4096);
  ck_assert_uint_eq(buffer_pool_used_bytes(accumulator.pool), 8192);
}
END_TEST

START_TEST(near_its_share_a_queue_takes_smaller_blocks) {
  struct accumulator_settings settings = world_settings();
  settings.partition_bytes = 20 * 1024;
  restart(&settings);
  while (partition->batch_count < 2)
    accept(100);
  ck_assert_uint_eq(partition->held_bytes, (16 + 4) * 1024); /* 16 were hinted, 4 are left */
  while (world_append(&accumulator, topic, 0, 0, 100, 0) == STATUS_OK) {
  }
  ck_assert_uint_eq(partition->held_bytes, (16 + 4) * 1024);
}
END_TEST

START_TEST(wide_records_do_not_share_a_batch_that_is_narrow) {
  struct append append = {.topic = topic, .partition = 0, .record = {.value = bytes_of("v", 1)}};
  ck_assert_int_eq(accumulator_append(&accumulator, &append, 0), STATUS_OK);
  ck_assert_uint_eq(last_batch()->entry_bytes, BATCH_ENTRY_BYTES);
  append.callback = sample_callback;
  append.user = &append;
  ck_assert_int_eq(accumulator_append(&accumulator, &append, 0), STATUS_OK);
  ck_assert_uint_eq(partition->batch_count, 2);
  ck_assert_uint_eq(last_batch()->entry_bytes, BATCH_WIDE_ENTRY_BYTES);
  append.callback = NULL; /* a narrow one fits into a wide batch */
  ck_assert_int_eq(accumulator_append(&accumulator, &append, 0), STATUS_OK);
  ck_assert_uint_eq(partition->batch_count, 2);
  ck_assert_uint_eq(last_batch()->record_count, 2);
  ck_assert(batch_entry(last_batch(), 0)->callback == sample_callback);
  ck_assert(batch_entry(last_batch(), 1)->callback == NULL);
  world_deliver_all(&accumulator, 0);
  ck_assert_int_eq(accumulator_append(&accumulator, &append, 0), STATUS_OK);
  ck_assert_uint_eq(last_batch()->entry_bytes, BATCH_WIDE_ENTRY_BYTES); /* more of them are to be expected */
}
END_TEST

START_TEST(a_narrow_batch_does_not_grow_for_a_wide_record) {
  accept(900);
  struct append append = {
      .topic = topic, .partition = 0, .record = {.value = bytes_of_string("v")}, .callback = sample_callback};
  ck_assert_int_eq(accumulator_append(&accumulator, &append, 0), STATUS_OK);
  ck_assert_uint_eq(partition->held_bytes, 2 * 1024);
}
END_TEST

START_TEST(acceptance_times_count_from_the_batchs_beginning_and_saturate) {
  struct accumulator_settings settings = world_settings();
  settings.linger_us = INT64_MAX;
  restart(&settings);
  world_set_timeout(&accumulator, topic, INT64_MAX);
  world_accept(&accumulator, topic, 0, 0, 10, 5000);
  world_accept(&accumulator, topic, 0, 0, 10, 5007);
  world_accept(&accumulator, topic, 0, 0, 10, 4990); /* another thread read the clock earlier */
  world_accept(&accumulator, topic, 0, 0, 10, 5000 + INT64_C(10000000000));
  static const uint32_t expected[] = {0, 7, 0, UINT32_MAX};
  for (uint32_t i = 0; i < 4; i++)
    ck_assert_uint_eq(batch_entry(last_batch(), i)->accepted_after_us, expected[i]);
}
END_TEST

START_TEST(numbers_ascend_with_each_batch) {
  uint64_t before = 0;
  for (int i = 0; i < 10; i++) {
    world_accept(&accumulator, topic, i % 2, 0, 10000, 0);
    struct batch *batch = batch_queue_last(&world_partition(topic, i % 2)->batches);
    ck_assert_uint_gt(batch->number, before);
    before = batch->number;
  }
  ck_assert_uint_eq(accumulator_youngest_number(&accumulator), before);
}
END_TEST

int main(void) {
  Suite *suite = suite_create("batch_queue");
  TCase *test_case = tcase_create("all");
  tcase_add_checked_fixture(test_case, set_up, tear_down);
  tcase_add_test(test_case, a_first_block_is_as_small_as_its_record);
  tcase_add_test(test_case, blocks_double_until_a_batch_is_full);
  tcase_add_test(test_case, records_survive_the_growth_of_their_block);
  tcase_add_test(test_case, a_block_does_not_grow_for_a_batch_that_may_not);
  tcase_add_test(test_case, a_large_record_makes_the_block_grow_by_more_than_twice);
  tcase_add_test(test_case, the_next_block_begins_as_large_as_the_last_became);
  tcase_add_test(test_case, a_large_record_does_not_make_all_later_blocks_large);
  tcase_add_test(test_case, without_memory_for_a_larger_block_a_new_batch_begins);
  tcase_add_test(test_case, near_its_share_a_queue_takes_smaller_blocks);
  tcase_add_test(test_case, wide_records_do_not_share_a_batch_that_is_narrow);
  tcase_add_test(test_case, a_narrow_batch_does_not_grow_for_a_wide_record);
  tcase_add_test(test_case, acceptance_times_count_from_the_batchs_beginning_and_saturate);
  tcase_add_test(test_case, numbers_ascend_with_each_batch);
  suite_add_tcase(suite, test_case);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_ENV);
  int failures = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failures != 0;
}
