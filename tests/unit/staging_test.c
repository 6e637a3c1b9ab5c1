/* Records that wait for their topic's partitions. */
#include "accumulator/staging.h"

#include "accumulator/partition_queue.h"

#include "base/clock.h"
#include "base/status.h"
#include "support/accumulator_world.h"
#include "support/failing_allocator.h"
#include "support/sample_records.h"
#include <check.h>

enum { LATE = 5000000 }; /* long after world_topic's partition count was heard of */

static struct accumulator accumulator;
static struct topic *topic;
static struct list settled;

static void start(const struct accumulator_settings *settings) {
  world_start(&accumulator, settings);
  topic = world_topic(&accumulator, "orders", 0);
  world_set_timeout(&accumulator, topic, 100 * LATE);
  list_init(&settled);
}

static void set_up(void) {
  struct accumulator_settings settings = world_settings();
  start(&settings);
}

static void tear_down(void) {
  world_stop(&accumulator);
}

static void restart(const struct accumulator_settings *settings) {
  tear_down();
  start(settings);
}

static void stage(int32_t partition, uint64_t opaque, size_t value_bytes) {
  world_accept(&accumulator, topic, partition, opaque, value_bytes, LATE);
}

static bool unstage(void) {
  return accumulator_unstage(&accumulator, topic, &settled, LATE);
}

/* What the sender does when the cluster has described the topic. */
static bool learn(int32_t partition_count) {
  ck_assert_int_eq(accumulator_set_partition_count(&accumulator, topic, partition_count, LATE), STATUS_OK);
  topic->metadata_wanted = false;
  list_remove(&topic->wanted_node);
  return unstage();
}

/* Drains, delivers and releases all, and expects the opaques of each partition to ascend. */
static uint32_t deliver_in_order(void) {
  static uint64_t next[20000];
  uint32_t count = 0;
  accumulator_begin_cut(&accumulator);
  for (struct partition *partition; (partition = accumulator_take(&accumulator)) != NULL;) {
    for (struct batch *batch; (batch = world_drain(&accumulator, partition, LATE)) != NULL;) {
      for (uint32_t i = 0; i < batch->record_count; i++) {
        uint64_t opaque = batch_entry(batch, i)->opaque;
        if (batch->topic != topic) continue;
        ck_assert_uint_ge(opaque, next[partition->index]);
        next[partition->index] = opaque + 1;
      }
      count += batch->record_count;
      world_settle(&accumulator, batch, OUTCOME_DELIVERED);
      world_release(&accumulator, batch);
    }
    accumulator_give_back(&accumulator, partition, LATE);
  }
  accumulator_end_cut(&accumulator);
  return count;
}

static uint32_t abort_staged(void) {
  struct list unsent;
  list_init(&unsent);
  accumulator_abort(&accumulator, NULL, true, &unsent);
  return world_fail_all(&accumulator, &unsent);
}

/* ---- before metadata ---- */

START_TEST(what_was_staged_before_a_flush_does_not_linger_after_it) {
  stage(0, 1, 10);
  accumulator_begin_cut(&accumulator);
  accumulator_end_cut(&accumulator); /* it does not wait */
  ck_assert(learn(2));
  world_accept(&accumulator, topic, 1, 2, 10, LATE);
  struct partition *partition = accumulator_take(&accumulator);
  ck_assert_ptr_eq(partition, world_partition(topic, 0));
  ck_assert_ptr_null(accumulator_take(&accumulator)); /* the other one was accepted after it */
  accumulator_give_back(&accumulator, partition, LATE);
  ck_assert_uint_eq(deliver_in_order(), 2);
}
END_TEST

START_TEST(the_first_record_of_an_unknown_topic_asks_for_it) {
  stage(-1, 0, 10);
  ck_assert(topic->metadata_wanted);
  ck_assert_ptr_eq(accumulator.wanted.next, &topic->wanted_node);
  ck_assert_ptr_eq(accumulator.staged_topics.next, &topic->staged_node);
  stage(7, 1, 10);
  ck_assert_ptr_eq(accumulator.wanted.next, accumulator.wanted.previous);
  ck_assert(learn(8));
  ck_assert(list_is_empty(&accumulator.staged_topics));
  ck_assert_uint_eq(accumulator.staged_bytes, 0);
  ck_assert_uint_eq(deliver_in_order(), 2);
}
END_TEST

START_TEST(records_go_to_their_partitions_in_the_order_they_came) {
  for (uint64_t i = 0; i < 600; i++)
    stage(i % 3 == 0 ? -1 : (int32_t)(i % 4), i, 40 + i % 100);
  ck_assert(learn(4));
  ck_assert(list_is_empty(&settled));
  ck_assert_uint_eq(deliver_in_order(), 600);
}
END_TEST

START_TEST(records_of_known_partitions_wait_behind_staged_ones) {
  for (uint64_t i = 0; i < 5; i++)
    stage(-1, i, 10);
  /* The partitions are known, but what is staged has not been moved. */
  ck_assert_int_eq(accumulator_set_partition_count(&accumulator, topic, 1, LATE), STATUS_OK);
  stage(0, 5, 10);
  ck_assert_uint_eq(LIST_ENTRY(topic->staged.next, struct batch, queue_node)->record_count, 6);
  ck_assert(learn(1));
  stage(0, 6, 10);
  ck_assert(list_is_empty(&topic->staged));
  ck_assert_uint_eq(deliver_in_order(), 7);
}
END_TEST

START_TEST(moved_records_are_what_they_were) {
  struct batch expected;
  static uint8_t block[128 * 1024];
  batch_init(&expected, block, sizeof block, sizeof block, 1000, true, LATE);
  for (uint32_t number = 1; number < 14; number++) {
    struct batch_entry entry = sample_entry(number);
    struct append append = {.topic = topic,
                            .partition = 3,
                            .record = sample_record(number),
                            .timestamp_ms = entry.timestamp_ms,
                            .opaque = number,
                            .callback = entry.callback,
                            .user = entry.user};
    ck_assert_int_eq(accumulator_append(&accumulator, &append, LATE + number * 3), STATUS_OK);
    ck_assert(batch_append(&expected, &append.record, record_bound(&append.record), &entry));
  }
  ck_assert(learn(4));
  ck_assert_uint_ge(world_partition(topic, 3)->batch_count, 2); /* cut as if they had come there */
  uint32_t number = 1;
  for (struct list *node = world_partition(topic, 3)->batches.next; number < 14; node = node->next) {
    struct batch *batch = LIST_ENTRY(node, struct batch, queue_node);
    for (uint32_t i = 0; i < batch->record_count; i++) { /* as the sample expects them */
      ck_assert_int_eq(batch->created_us + batch_entry(batch, i)->accepted_after_us, LATE + (number + i) * 3);
      ck_assert_int_eq(batch_entry(batch, i)->partition_wanted, 3);
      batch_entry(batch, i)->accepted_after_us = (number + i) * 3;
      batch_entry(batch, i)->partition_wanted = (int32_t)(number + i) - 1;
    }
    sample_expect(batch, number);
    number += batch->record_count;
  }
  ck_assert_uint_eq(deliver_in_order(), 13);
}
END_TEST

START_TEST(deadlines_and_linger_count_from_acceptance) {
  world_set_timeout(&accumulator, topic, 7000);
  world_accept(&accumulator, topic, 0, 0, 10, 1000);
  ck_assert_int_eq(accumulator_set_partition_count(&accumulator, topic, 1, 4000), STATUS_OK);
  ck_assert(accumulator_unstage(&accumulator, topic, &settled, 4000));
  struct partition *partition = world_partition(topic, 0);
  ck_assert_int_eq(partition->state, PARTITION_LINGERING);
  ck_assert_int_eq(partition_queue_linger_us(&accumulator, partition), 1000 + WORLD_LINGER_US);
  ck_assert_int_eq(accumulator_next_expiry_us(&accumulator), 8000);
  world_accept(&accumulator, topic, 0, 1, 10, 5000);
  ck_assert_uint_eq(partition->batch_count, 1);
  ck_assert_uint_eq(deliver_in_order(), 2);
}
END_TEST

START_TEST(a_flush_counts_records_while_they_move) {
  for (uint64_t i = 0; i < 50; i++)
    stage((int32_t)(i % 5), i, 1000);
  uint64_t flush = accumulator_youngest_number(&accumulator);
  ck_assert_uint_eq(accumulator_pending_records(&accumulator, flush), 50);
  ck_assert(learn(5));
  ck_assert_uint_eq(accumulator_youngest_number(&accumulator), flush); /* no younger ones came into being */
  ck_assert_uint_eq(accumulator_pending_records(&accumulator, flush), 50);
  stage(0, 100, 15000);
  stage(0, 101, 15000);
  ck_assert_uint_gt(accumulator_youngest_number(&accumulator), flush);
  ck_assert_uint_eq(deliver_in_order(), 52);
  ck_assert_uint_gt(accumulator_oldest_number(&accumulator), flush);
}
END_TEST

/* ---- what cannot go anywhere ---- */

static void expect_failed(uint64_t first, uint32_t count, int32_t status) {
  struct batch *batch = LIST_ENTRY(settled.next, struct batch, queue_node);
  ck_assert_uint_eq(batch->record_count, count);
  for (uint32_t i = 0; i < count; i++) {
    struct report report;
    batch_report(batch, i, &report);
    ck_assert_uint_eq(report.opaque, first + i);
    ck_assert_int_eq(report.outcome, OUTCOME_NOT_DELIVERED);
    ck_assert_int_eq(report.status, status);
    ck_assert_int_eq(report.partition, (int32_t)(first + i));
    ck_assert_uint_eq(report.topic, topic->id);
  }
  struct list one;
  list_init(&one);
  list_remove(&batch->queue_node);
  list_append(&one, &batch->queue_node);
  ck_assert_uint_eq(world_fail_all(&accumulator, &one), count);
}

START_TEST(records_for_partitions_out_of_range_are_not_delivered) {
  for (uint64_t i = 0; i < 20; i++)
    stage((int32_t)i, i, 10);
  ck_assert(learn(12));
  ck_assert_uint_eq(accumulator_pending_records(&accumulator, UINT64_MAX), 20); /* 8 of them until settled */
  expect_failed(12, 8, STATUS_PARTITION_OUT_OF_RANGE); /* one batch, one report each */
  ck_assert(list_is_empty(&settled));
  ck_assert_uint_eq(accumulator.totals.not_delivered, 8);
  ck_assert_uint_eq(deliver_in_order(), 12);
}
END_TEST

START_TEST(good_and_bad_records_in_turn_are_told_apart) {
  for (uint64_t i = 0; i < 6; i++)
    stage((int32_t)i * (i % 2 == 0 ? 1 : 100), i * (i % 2 == 0 ? 1 : 100), 10);
  ck_assert(learn(10));
  expect_failed(100, 1, STATUS_PARTITION_OUT_OF_RANGE);
  expect_failed(300, 1, STATUS_PARTITION_OUT_OF_RANGE);
  expect_failed(500, 1, STATUS_PARTITION_OUT_OF_RANGE);
  ck_assert_uint_eq(deliver_in_order(), 3);
}
END_TEST

START_TEST(failed_records_of_two_batches_are_two_batches) {
  for (uint64_t i = 10; i < 14; i++)
    stage((int32_t)i, i, 9000);
  ck_assert(learn(1));
  for (uint64_t i = 10; i < 14; i++)
    expect_failed(i, 1, STATUS_PARTITION_OUT_OF_RANGE);
  ck_assert(list_is_empty(&settled));
}
END_TEST

/* The batch that they came in holds the memory until the last report is read. */
START_TEST(failed_records_keep_their_memory_until_they_are_reported) {
  for (uint64_t i = 0; i < 9; i++)
    stage(i % 2 == 0 ? 0 : 50, i, 100);
  size_t staged_bytes = accumulator.staged_bytes;
  ck_assert(learn(1));
  ck_assert_uint_eq(deliver_in_order(), 5);
  ck_assert_uint_eq(accumulator.staged_bytes, staged_bytes);
  ck_assert(list_is_empty(&accumulator.staged_topics));
  ck_assert_uint_eq(world_fail_all(&accumulator, &settled), 4);
  ck_assert_uint_eq(accumulator.staged_bytes, 0);
}
END_TEST

static int32_t refuse(void *user, const char *name, struct bytes key, struct bytes value,
                      int32_t partition_count, int32_t *partition) {
  (void)user, (void)name, (void)key, (void)value;
  *partition = partition_count;
  return STATUS_OK;
}

START_TEST(records_that_the_partitioner_refuses_are_not_delivered) {
  struct accumulator_settings settings = world_settings();
  settings.partitioner.callback.choose = refuse;
  restart(&settings);
  for (uint64_t i = 0; i < 3; i++)
    stage(i == 1 ? 0 : -1, i, 10);
  ck_assert(learn(2));
  struct batch *batch = LIST_ENTRY(settled.next, struct batch, queue_node);
  ck_assert_int_eq(batch->status, STATUS_PARTITIONER_FAILED);
  ck_assert_int_eq(batch->outcome, OUTCOME_NOT_DELIVERED);
  ck_assert_uint_eq(world_fail_all(&accumulator, &settled), 2);
  ck_assert_uint_eq(deliver_in_order(), 1);
}
END_TEST

START_TEST(a_partition_that_was_out_of_range_is_found_after_a_refresh) {
  stage(0, 0, 10);
  ck_assert(learn(1));
  world_accept(&accumulator, topic, 1, 1, 10, 2 * LATE);
  ck_assert(topic->metadata_wanted);
  world_accept(&accumulator, topic, 0, 2, 10, 2 * LATE); /* behind it */
  ck_assert_uint_eq(world_partition(topic, 0)->batch_count, 1);
  ck_assert(learn(2));
  ck_assert(list_is_empty(&settled));
  ck_assert_uint_eq(
      LIST_ENTRY(world_partition(topic, 0)->batches.next, struct batch, queue_node)->record_count,
      2); /* it joined the open batch there */
  ck_assert_uint_eq(deliver_in_order(), 3);
}
END_TEST

/* ---- memory ---- */

START_TEST(staged_records_hold_at_most_half_of_the_memory) {
  struct topic *known = world_topic(&accumulator, "known", 1);
  uint32_t staged_count = 0;
  for (int32_t t = 0; t < 30; t++) {
    char name[] = {'t', (char)('a' + t), '\0'};
    struct topic *unknown = world_topic(&accumulator, name, 0);
    int32_t status = STATUS_OK;
    for (int i = 0; i < 20 && status == STATUS_OK; i++) {
      status = world_append(&accumulator, unknown, -1, 0, 1500, 0);
      staged_count += status == STATUS_OK;
    }
    if (status != STATUS_OK) ck_assert_int_eq(status, STATUS_PARTITION_BUFFER_FULL);
    ck_assert_uint_le(accumulator.staged_bytes, WORLD_BUFFER_BYTES / 2);
  }
  ck_assert_uint_eq(accumulator.staged_bytes, WORLD_BUFFER_BYTES / 2);
  for (int i = 0; i < 50; i++)
    world_accept(&accumulator, known, 0, 0, 2000, 0); /* the other half is for those */
  ck_assert_uint_eq(world_deliver_all(&accumulator, 0), 50);
  ck_assert_uint_eq(abort_staged(), staged_count);
}
END_TEST

START_TEST(one_unknown_topic_gets_its_share_only) {
  struct accumulator_settings settings = world_settings();
  settings.partition_bytes = 32 * 1024;
  restart(&settings);
  uint64_t count = 0;
  while (world_append(&accumulator, topic, -1, count, 1000, LATE) == STATUS_OK)
    count++;
  ck_assert_uint_eq(topic->staged_bytes, 32 * 1024);
  world_accept(&accumulator, world_topic(&accumulator, "other", 0), -1, 0, 1000, LATE);
  ck_assert(learn(1));
  ck_assert_uint_eq(deliver_in_order(), (uint32_t)count);
  ck_assert_uint_eq(abort_staged(), 1);
}
END_TEST

START_TEST(moving_is_not_held_up_by_a_partitions_share) {
  struct accumulator_settings settings = world_settings();
  settings.partition_bytes = 32 * 1024;
  restart(&settings);
  uint64_t count = 0;
  for (int turn = 0; turn < 2; turn++) { /* 32 KiB are in the partition already the second time */
    while (world_append(&accumulator, topic, turn == 0 ? 0 : 1, count, 900, (turn + 1) * LATE) == STATUS_OK)
      count++;
    ck_assert(learn(turn + 1));
  }
  ck_assert_uint_eq(deliver_in_order(), (uint32_t)count);
}
END_TEST

/* Fills all memory that is left with records of a known topic. */
static uint32_t fill_memory(struct topic *known) {
  uint32_t count = 0;
  while (world_append(&accumulator, known, 0, count, 400, LATE) == STATUS_OK)
    count++;
  ck_assert(!accumulator_has_space(&accumulator, 1));
  return count;
}

START_TEST(records_move_as_far_as_memory_goes_and_the_rest_later) {
  struct topic *known = world_topic(&accumulator, "known", 1);
  for (uint64_t i = 0; i < 100; i++)
    stage((int32_t)(i % 10), i, 800);
  uint32_t others = fill_memory(known);
  ck_assert(!learn(10));
  ck_assert(!list_is_empty(&topic->staged));
  ck_assert_uint_eq(accumulator_pending_records(&accumulator, UINT64_MAX), 100 + others);
  uint32_t moved = 0;
  for (int turn = 0; turn < 1000 && !unstage(); turn++) { /* what moved gives its memory to the next */
    world_append(&accumulator, topic, turn % 10, 1000 + (uint64_t)turn, 300, LATE);
    struct partition *partition = accumulator_take(&accumulator);
    struct batch *batch = partition == NULL ? NULL : accumulator_peek(&accumulator, partition, 2 * LATE);
    if (batch == NULL) {
      accumulator_advance(&accumulator, 2 * LATE);
      if (partition != NULL) accumulator_give_back(&accumulator, partition, LATE);
      continue;
    }
    accumulator_drain(&accumulator, batch);
    moved += batch->topic == topic ? batch->record_count : 0;
    world_settle(&accumulator, batch, OUTCOME_DELIVERED);
    world_release(&accumulator, batch);
    accumulator_give_back(&accumulator, partition, LATE);
  }
  ck_assert(list_is_empty(&topic->staged));
  ck_assert_uint_eq(accumulator.staged_bytes, 0);
  deliver_in_order();
  ck_assert_uint_gt(moved, 0);
}
END_TEST

START_TEST(order_holds_over_a_move_in_parts) {
  struct topic *known = world_topic(&accumulator, "known", 1);
  uint64_t opaque = 0;
  for (; opaque < 150; opaque++)
    stage(opaque % 3 == 0 ? -1 : (int32_t)(opaque % 3), opaque, 700);
  uint32_t others = fill_memory(known);
  ck_assert(!learn(3));
  for (int i = 0; i < 20; i++) /* new ones queue behind what is left */
    if (world_append(&accumulator, topic, 1, opaque, 5, LATE) == STATUS_OK) opaque++;
  uint32_t delivered = 0;
  for (int turn = 0; turn < 50 && !unstage(); turn++) {
    struct partition *partition = accumulator_take(&accumulator);
    if (partition == NULL) break;
    for (struct batch *batch; (batch = world_drain(&accumulator, partition, 2 * LATE)) != NULL;) {
      delivered += batch->record_count;
      world_settle(&accumulator, batch, OUTCOME_DELIVERED);
      world_release(&accumulator, batch);
    }
    accumulator_give_back(&accumulator, partition, LATE);
  }
  delivered += deliver_in_order();
  ck_assert_uint_eq(delivered, (uint32_t)opaque + others);
}
END_TEST

START_TEST(the_sender_is_woken_when_memory_comes_for_staged_records) {
  struct topic *known = world_topic(&accumulator, "known", 1);
  for (uint64_t i = 0; i < 100; i++)
    stage((int32_t)(i % 10), i, 800);
  fill_memory(known);
  ck_assert(!learn(10));
  struct partition *partition = accumulator_take(&accumulator);
  struct batch *first = world_drain(&accumulator, partition, LATE),
               *second = world_drain(&accumulator, partition, LATE);
  world_settle(&accumulator, first, OUTCOME_DELIVERED);
  world_settle(&accumulator, second, OUTCOME_DELIVERED);
  while (accumulator_take(&accumulator) != NULL) /* the sender has them all in hand */
    continue;
  accumulator.wake_needed = false;
  int64_t until_us = accumulator_prepare_sleep(&accumulator, CLOCK_NEVER_US, LATE);
  ck_assert_int_gt(until_us, LATE);
  ck_assert_int_le(until_us, LATE + 100000); /* looks again by itself, should nothing be released */
  world_release(&accumulator, first);
  ck_assert(accumulator.wake_needed);
  accumulator.wake_needed = false;
  world_release(&accumulator, second);
  ck_assert(!accumulator.wake_needed); /* it is awake */
  ck_assert_int_eq(accumulator_prepare_sleep(&accumulator, CLOCK_NEVER_US, LATE), LATE);
  accumulator_end_sleep(&accumulator);
  unstage();
  for (int32_t i = 0; i < 10; i++)
    if (topic->partitions[i] != NULL && topic->partitions[i]->state == PARTITION_TAKEN)
      accumulator_give_back(&accumulator, topic->partitions[i], LATE);
  accumulator_give_back(&accumulator, partition, LATE);
  while (!unstage())
    deliver_in_order();
  deliver_in_order();
}
END_TEST

START_TEST(a_record_of_more_than_half_the_memory_is_handed_over_where_it_lies) {
  struct accumulator_settings settings = world_settings();
  settings.max_request_bytes = 256 * 1024;
  settings.batch_bytes = 256 * 1024;
  settings.partitioner.sticky_bytes = 150000;
  restart(&settings);
  stage(-1, 7, 200000);
  ck_assert_uint_eq(accumulator.staged_bytes, WORLD_BUFFER_BYTES);
  ck_assert_int_eq(world_append(&accumulator, topic, 2, 8, 10, LATE), STATUS_PARTITION_BUFFER_FULL);
  ck_assert(learn(3));
  struct partition *partition = LIST_ENTRY(accumulator.ready.next, struct partition, state_node);
  ck_assert_ptr_eq(partition->topic, topic);
  ck_assert_uint_eq(partition->held_bytes, 0);
  ck_assert_int_eq(topic->partitioner.sticky_partition, -1); /* it has had its bytes */
  ck_assert_uint_eq(accumulator_pending_records(&accumulator, UINT64_MAX), 1);
  ck_assert_int_eq(world_append(&accumulator, topic, 2, 8, 10, LATE), STATUS_BUFFER_FULL);
  ck_assert_uint_eq(deliver_in_order(), 1);
  ck_assert_uint_eq(accumulator.staged_bytes, 0);
  stage(2, 8, 10);
  ck_assert_uint_eq(deliver_in_order(), 1);
}
END_TEST

/* Fills 64 KiB with a block of each size, each in a partition of its own. */
static void fill_quarter(struct topic *known) {
  static const size_t sizes[] = {32 * 1024, 16 * 1024, 8 * 1024, 4 * 1024, 2 * 1024, 1024};
  for (int32_t i = 0; i < 6; i++) {
    int32_t partition = 0;
    while (world_partition(known, partition)->held_bytes > 0)
      partition++;
    world_accept(&accumulator, known, partition, 0, sizes[i] - 100, 0);
  }
}

/* Staged blocks in every quarter, so that no second one of 64 KiB is to be had: the record would wait for the
 * others' topics, which may never be known. */
START_TEST(records_that_find_no_block_among_staged_ones_are_handed_over) {
  struct accumulator_settings settings = world_settings();
  settings.batch_bytes = 64 * 1024;
  settings.max_request_bytes = 128 * 1024;
  restart(&settings);
  struct topic *known = world_topic(&accumulator, "known", 24);
  static const char *const names[] = {"a", "b", "c"};
  for (int i = 0; i < 3; i++) {
    world_accept(&accumulator, world_topic(&accumulator, names[i], 0), -1, 0, 100, 0);
    fill_quarter(known);
  }
  stage(1, 10, 29000);
  stage(1, 11, 29000);
  ck_assert_uint_eq(topic->staged_bytes, 64 * 1024);
  ck_assert_uint_eq(world_deliver_all(&accumulator, 0), 3 * 6);
  ck_assert_uint_eq(buffer_pool_used_bytes(accumulator.pool), accumulator.staged_bytes);
  ck_assert(!buffer_pool_has(accumulator.pool, 64 * 1024));
  ck_assert(learn(2)); /* blocks of 32 KiB are there */
  ck_assert_uint_eq(world_partition(topic, 1)->held_bytes, 2 * 32 * 1024);
  ck_assert_uint_eq(deliver_in_order(), 2);
  world_accept(&accumulator, topic, 5, 20, 60000, 2 * LATE);
  ck_assert(learn(6));
  ck_assert_uint_eq(world_partition(topic, 5)->held_bytes, 0);
  world_expect_opaques(LIST_ENTRY(world_partition(topic, 5)->batches.next, struct batch, queue_node), 20, 1,
                       1);
  ck_assert_uint_eq(deliver_in_order(), 1);
  ck_assert_uint_eq(abort_staged(), 3);
}
END_TEST

START_TEST(handed_over_records_are_valid_batches) {
  struct accumulator_settings settings = world_settings();
  settings.buffer_bytes = 64 * 1024;
  settings.batch_bytes = 64 * 1024;
  settings.partition_bytes = 64 * 1024;
  restart(&settings);
  for (uint32_t number = 1; number < 5; number++) {
    struct batch_entry entry = sample_entry(number);
    struct append append = {.topic = topic,
                            .partition = (int32_t)number % 2,
                            .record = sample_record(number),
                            .timestamp_ms = entry.timestamp_ms,
                            .opaque = number};
    ck_assert_int_eq(accumulator_append(&accumulator, &append, LATE), STATUS_OK);
  }
  /* Everything else is taken away behind the accumulator's back, and counted as staged. */
  size_t taken_bytes = 0;
  uint8_t *taken[64];
  uint32_t taken_count = 0;
  while ((taken[taken_count] = buffer_pool_allocate(accumulator.pool, 1024)) != NULL)
    taken_count++;
  taken_bytes = taken_count * 1024;
  accumulator.staged_bytes += taken_bytes;
  topic->staged_bytes += taken_bytes;
  ck_assert(learn(2));
  for (uint32_t number = 1; number < 5; number++) {
    struct list *first = world_partition(topic, (int32_t)number % 2)->batches.next;
    struct batch *batch = LIST_ENTRY(number < 3 ? first : first->next, struct batch, queue_node);
    ck_assert_int_eq(batch->state, BATCH_SEALED);
    ck_assert_int_eq(batch_entry(batch, 0)->partition_wanted, (int32_t)number % 2);
    batch_entry(batch, 0)->partition_wanted = (int32_t)number - 1; /* as the sample expects it */
    batch_entry(batch, 0)->accepted_after_us = number * 3;
    batch->packed = true;
    batch->uncompressed_bytes = batch->records_bytes;
    batch_finish(batch);
    sample_expect_wire(batch, number);
  }
  ck_assert_uint_eq(deliver_in_order(), 4);
  for (uint32_t i = 0; i < taken_count; i++)
    buffer_pool_free(accumulator.pool, taken[i]);
  accumulator.staged_bytes -= taken_bytes;
  topic->staged_bytes -= taken_bytes;
}
END_TEST

START_TEST(moving_survives_each_missing_allocation) {
  for (uint64_t i = 0; i < 150; i++)
    stage(i % 5 == 4 ? 1000 : (int32_t)i, i, 10);
  ck_assert_int_eq(accumulator_set_partition_count(&accumulator, topic, 200, LATE), STATUS_OK);
  uint32_t tries = 0;
  bool done = false;
  for (; !done; tries++) { /* each time the first allocation fails that is needed to go on */
    failing_allocator_start(tries);
    done = unstage();
    ck_assert(failing_allocator_stop() == !done);
    ck_assert_uint_eq(accumulator_pending_records(&accumulator, UINT64_MAX), 150);
  }
  ck_assert_uint_gt(tries, 10);
  ck_assert_uint_eq(world_fail_all(&accumulator, &settled), 30);
  ck_assert_uint_eq(deliver_in_order(), 120);
}
END_TEST

START_TEST(what_is_left_of_a_partly_moved_batch_can_expire) {
  world_set_timeout(&accumulator, topic, WORLD_TIMEOUT_US);
  for (uint64_t i = 0; i < 10; i++)
    world_accept(&accumulator, topic, (int32_t)i, i, 10, 0);
  ck_assert_int_eq(accumulator_set_partition_count(&accumulator, topic, 10, 0), STATUS_OK);
  failing_allocator_start(4); /* the fifth partition */
  ck_assert(!accumulator_unstage(&accumulator, topic, &settled, 0));
  failing_allocator_stop();
  struct list unsent;
  list_init(&unsent);
  uint32_t sent_count = 0;
  accumulator_expire(&accumulator, WORLD_TIMEOUT_US, &unsent, world_count_sent, &sent_count);
  struct batch *left = LIST_ENTRY(unsent.next, struct batch, queue_node);
  while (left->partition != NULL)
    left = LIST_ENTRY(left->queue_node.next, struct batch, queue_node);
  world_expect_opaques(left, 4, 1, 6);
  ck_assert_uint_eq(world_fail_all(&accumulator, &unsent), 10);
  ck_assert(list_is_empty(&accumulator.staged_topics));
}
END_TEST

static void add_tests(TCase *test_case) {
  tcase_add_checked_fixture(test_case, set_up, tear_down);
  tcase_add_test(test_case, what_was_staged_before_a_flush_does_not_linger_after_it);
  tcase_add_test(test_case, the_first_record_of_an_unknown_topic_asks_for_it);
  tcase_add_test(test_case, records_go_to_their_partitions_in_the_order_they_came);
  tcase_add_test(test_case, records_of_known_partitions_wait_behind_staged_ones);
  tcase_add_test(test_case, moved_records_are_what_they_were);
  tcase_add_test(test_case, deadlines_and_linger_count_from_acceptance);
  tcase_add_test(test_case, a_flush_counts_records_while_they_move);
  tcase_add_test(test_case, records_for_partitions_out_of_range_are_not_delivered);
  tcase_add_test(test_case, good_and_bad_records_in_turn_are_told_apart);
  tcase_add_test(test_case, failed_records_of_two_batches_are_two_batches);
  tcase_add_test(test_case, failed_records_keep_their_memory_until_they_are_reported);
  tcase_add_test(test_case, records_that_the_partitioner_refuses_are_not_delivered);
  tcase_add_test(test_case, a_partition_that_was_out_of_range_is_found_after_a_refresh);
  tcase_add_test(test_case, staged_records_hold_at_most_half_of_the_memory);
  tcase_add_test(test_case, one_unknown_topic_gets_its_share_only);
  tcase_add_test(test_case, moving_is_not_held_up_by_a_partitions_share);
  tcase_add_test(test_case, records_move_as_far_as_memory_goes_and_the_rest_later);
  tcase_add_test(test_case, order_holds_over_a_move_in_parts);
  tcase_add_test(test_case, the_sender_is_woken_when_memory_comes_for_staged_records);
  tcase_add_test(test_case, a_record_of_more_than_half_the_memory_is_handed_over_where_it_lies);
  tcase_add_test(test_case, records_that_find_no_block_among_staged_ones_are_handed_over);
  tcase_add_test(test_case, handed_over_records_are_valid_batches);
  tcase_add_test(test_case, moving_survives_each_missing_allocation);
  tcase_add_test(test_case, what_is_left_of_a_partly_moved_batch_can_expire);
}

int main(void) {
  Suite *suite = suite_create("staging");
  TCase *test_case = tcase_create("all");
  add_tests(test_case);
  suite_add_tcase(suite, test_case);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_ENV);
  int failures = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failures != 0;
}
