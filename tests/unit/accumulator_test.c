#include "accumulator/accumulator.h"

#include "base/status.h"
#include "support/accumulator_world.h"
#include "support/failing_allocator.h"
#include "support/sample_records.h"
#include <check.h>

static struct accumulator accumulator;

static void set_up(void) {
  struct accumulator_settings settings = world_settings();
  world_start(&accumulator, &settings);
}

static void tear_down(void) {
  world_stop(&accumulator);
}

static void restart(const struct accumulator_settings *settings) {
  world_stop(&accumulator);
  world_start(&accumulator, settings);
}

static size_t used_bytes(void) {
  return buffer_pool_used_bytes(accumulator.pool);
}

/* ---- beginning and end ---- */

START_TEST(a_buffer_without_a_block_is_refused) {
  struct accumulator tiny;
  struct accumulator_settings settings = world_settings();
  settings.buffer_bytes = 100;
  ck_assert_int_eq(accumulator_init(&tiny, &settings), STATUS_INVALID_ARGUMENT);
  accumulator_deinit(&tiny);
}
END_TEST

START_TEST(init_survives_each_missing_allocation) {
  bool failed = true;
  for (uint32_t tries = 0; failed; tries++) {
    struct accumulator made;
    struct accumulator_settings settings = world_settings();
    failing_allocator_start(tries);
    int32_t status = accumulator_init(&made, &settings);
    failed = failing_allocator_stop();
    ck_assert_int_eq(status, failed ? STATUS_OUT_OF_MEMORY : STATUS_OK);
    accumulator_deinit(&made);
  }
}
END_TEST

START_TEST(deinit_frees_what_was_never_sent) {
  struct accumulator full;
  struct accumulator_settings settings = world_settings();
  world_start(&full, &settings);
  struct topic *known = world_topic(&full, "known", 3), *unknown = world_topic(&full, "unknown", 0);
  for (uint64_t i = 0; i < 300; i++)
    world_accept(&full, i % 2 == 0 ? known : unknown, -1, i, 100, 0);
  accumulator_deinit(&full);
}
END_TEST

START_TEST(a_topic_is_made_once_with_its_first_options) {
  struct topic_options first = {.acks = 1, .delivery_timeout_us = 7}, second = {.acks = 0};
  struct topic *topic = NULL, *again = NULL;
  ck_assert_int_eq(accumulator_topic(&accumulator, bytes_of_string("orders"), &first, &topic), STATUS_OK);
  ck_assert_int_eq(accumulator_topic(&accumulator, bytes_of_string("orders"), &second, &again), STATUS_OK);
  ck_assert_ptr_eq(topic, again);
  ck_assert_int_eq(topic->options.acks, 1);
  ck_assert_uint_eq(topic->batch_bytes, WORLD_BATCH_BYTES);
}
END_TEST

START_TEST(a_topic_without_memory_is_not_made) {
  struct topic_options options = {0};
  struct topic *topic = (struct topic *)&options;
  failing_allocator_start(0);
  ck_assert_int_eq(accumulator_topic(&accumulator, bytes_of_string("orders"), &options, &topic),
                   STATUS_OUT_OF_MEMORY);
  ck_assert(failing_allocator_stop());
  ck_assert_ptr_eq(topic, (struct topic *)&options);
}
END_TEST

/* ---- appending ---- */

static void count_report(void *user, const struct report *report) {
  (void)user;
  (void)report;
}

START_TEST(a_record_comes_out_as_it_went_in) {
  struct topic *topic = world_topic(&accumulator, "orders", 3);
  struct batch expected;
  uint8_t block[64 * 1024];
  batch_init(&expected, block, sizeof block, sizeof block, 100, true, 0);
  uint64_t bytes = 0;
  for (uint32_t number = 1; number < 20; number++) {
    struct record record = sample_record(number);
    struct batch_entry entry = sample_entry(number);
    struct append append = {.topic = topic,
                            .partition = 2,
                            .record = record,
                            .timestamp_ms = entry.timestamp_ms,
                            .opaque = number,
                            .callback = number == 1 ? count_report : NULL,
                            .user = number == 1 ? &bytes : NULL};
    ck_assert_int_eq(accumulator_append(&accumulator, &append, 50 + number), STATUS_OK);
    ck_assert(batch_append(&expected, &record, record_bound(&record), &entry));
    bytes += record.key.size + record.value.size;
    for (uint32_t i = 0; i < record.header_count; i++)
      bytes += record.headers[i].key.size + record.headers[i].value.size;
  }
  ck_assert_uint_eq(accumulator.totals.accepted, 19);
  ck_assert_uint_eq(accumulator.totals.accepted_bytes, bytes);
  struct partition *partition = world_partition(topic, 2);
  struct batch *first = LIST_ENTRY(partition->batches.next, struct batch, queue_node);
  ck_assert_mem_eq(first->records, expected.records, first->records_bytes);
  ck_assert_ptr_eq(first->topic, topic);
  ck_assert_ptr_eq(first->partition, partition);
  ck_assert_int_eq(first->created_us, 51);
  ck_assert_int_eq(first->deadline_us, 51 + WORLD_TIMEOUT_US);
  for (uint32_t i = 0; i < first->record_count; i++) {
    ck_assert_uint_eq(batch_entry(first, i)->opaque, i + 1);
    ck_assert_uint_eq(batch_entry(first, i)->accepted_after_us, i);
    ck_assert_int_eq(batch_entry(first, i)->timestamp_ms, sample_entry(i + 1).timestamp_ms);
    ck_assert(batch_entry(first, i)->callback == (i == 0 ? count_report : NULL));
    ck_assert_ptr_eq(batch_entry(first, i)->user, i == 0 ? &bytes : NULL);
  }
  ck_assert_uint_eq(world_deliver_all(&accumulator, 100), 19);
}
END_TEST

START_TEST(a_request_holds_the_largest_record_to_the_byte) {
  struct topic *topic = world_topic(&accumulator, "orders", 1);
  size_t largest = 0;
  for (size_t bytes = 64 * 1024 - 100; bytes < 64 * 1024; bytes++) {
    struct record record = {.value = bytes_of("", bytes)};
    bool fits = RECORD_BATCH_HEADER_BYTES + record_size(&record, 0, 0) <= 64 * 1024;
    int32_t status = world_append(&accumulator, topic, 0, 1, bytes, 0);
    ck_assert_int_eq(status, fits ? STATUS_OK : STATUS_RECORD_TOO_LARGE);
    if (fits) {
      largest = bytes;
      const struct batch *batch =
          LIST_ENTRY(world_partition(topic, 0)->batches.next, struct batch, queue_node);
      ck_assert_uint_le(batch_wire_bytes(batch), 64 * 1024);
      ck_assert_uint_eq(batch->record_count, 1);
    }
    world_deliver_all(&accumulator, 0);
  }
  ck_assert_uint_eq(largest, 64 * 1024 - 61 - 11); /* lengths of three bytes each, and five of one */
}
END_TEST

START_TEST(absurd_sizes_are_too_large) {
  struct topic *topic = world_topic(&accumulator, "orders", 1);
  static const size_t sizes[] = {64 * 1024 + 1, (size_t)1 << 32, SIZE_MAX / 2, SIZE_MAX - 40, SIZE_MAX};
  for (int i = 0; i < 5; i++) {
    struct bytes absurd = bytes_of("x", sizes[i]);
    struct record_header headers[] = {{.key = bytes_of_string("a"), .value = bytes_of_string("b")},
                                      {.key = absurd, .value = bytes_of(NULL, 0)}};
    struct append append = {.topic = topic, .partition = 0, .record = {.key = absurd}};
    ck_assert_int_eq(accumulator_append(&accumulator, &append, 0), STATUS_RECORD_TOO_LARGE);
    append.record = (struct record){.value = absurd};
    ck_assert_int_eq(accumulator_append(&accumulator, &append, 0), STATUS_RECORD_TOO_LARGE);
    append.record = (struct record){.headers = headers, .header_count = 2};
    ck_assert_int_eq(accumulator_append(&accumulator, &append, 0), STATUS_RECORD_TOO_LARGE);
    headers[1] = (struct record_header){.key = bytes_of_string("a"), .value = absurd};
    ck_assert_int_eq(accumulator_append(&accumulator, &append, 0), STATUS_RECORD_TOO_LARGE);
  }
  ck_assert_uint_eq(accumulator.totals.accepted, 0);
}
END_TEST

START_TEST(a_record_larger_than_any_block_is_too_large) {
  struct accumulator_settings settings = world_settings();
  settings.buffer_bytes = 48 * 1024; /* blocks of at most 32 KiB */
  settings.partition_bytes = 48 * 1024;
  restart(&settings);
  struct topic *topic = world_topic(&accumulator, "orders", 1);
  size_t overhead = 11 + BATCH_ENTRY_BYTES;
  ck_assert_int_eq(world_append(&accumulator, topic, 0, 1, 32 * 1024 - overhead + 1, 0),
                   STATUS_RECORD_TOO_LARGE);
  world_accept(&accumulator, topic, 0, 1, 32 * 1024 - overhead, 0);
  ck_assert_uint_eq(used_bytes(), 32 * 1024);
  world_deliver_all(&accumulator, 0);
}
END_TEST

/* ---- memory ---- */

START_TEST(a_full_buffer_refuses_until_memory_comes_back) {
  struct topic *topic = world_topic(&accumulator, "orders", 1);
  uint64_t count = 0;
  while (world_append(&accumulator, topic, 0, count, 1000, 0) == STATUS_OK)
    count++;
  ck_assert_uint_ge(count, 235);
  ck_assert_uint_eq(used_bytes(), WORLD_BUFFER_BYTES); /* smaller and smaller blocks, to the last */
  ck_assert_int_eq(world_append(&accumulator, topic, 0, count, 1000, 0), STATUS_BUFFER_FULL);
  ck_assert(!accumulator_has_space(&accumulator, 1));
  struct partition *partition = accumulator_take(&accumulator);
  uint64_t next = 0;
  for (struct batch *batch; (batch = world_drain(&accumulator, partition, WORLD_LINGER_US)) != NULL;) {
    world_expect_opaques(batch, next, 1, batch->record_count);
    if (next == 0) ck_assert_int_eq(world_append(&accumulator, topic, 0, 0, 10000, 0), STATUS_BUFFER_FULL);
    next += batch->record_count;
    world_settle(&accumulator, batch, OUTCOME_DELIVERED);
    world_release(&accumulator, batch);
    ck_assert(accumulator_has_space(&accumulator, 1));
  }
  ck_assert_uint_eq(next, count);
  accumulator_give_back(&accumulator, partition, 0);
  world_accept(&accumulator, topic, 0, 7, 16000, 0);
  ck_assert_uint_eq(world_deliver_all(&accumulator, 0), 1);
}
END_TEST

START_TEST(space_that_is_said_to_be_there_is_there) {
  struct accumulator_settings settings = world_settings();
  settings.linger_us = 1000000;
  restart(&settings);
  struct topic *topic = world_topic(&accumulator, "orders", 400);
  for (int32_t i = 0; i < 300; i++) { /* ever fuller, by blocks of mixed sizes */
    size_t bytes = (size_t)(i * 7919 % 5000);
    for (size_t block = 1024; block <= 65536; block *= 2)
      for (size_t asked = block - 130; asked <= block; asked++)
        if (accumulator_has_space(&accumulator, asked))
          ck_assert(buffer_pool_has(accumulator.pool, asked + 11 + BATCH_WIDE_ENTRY_BYTES));
    bool space = accumulator_has_space(&accumulator, bytes);
    int32_t status = world_append(&accumulator, topic, i, 0, bytes, 0);
    ck_assert(status == STATUS_OK || (status == STATUS_BUFFER_FULL && !space));
  }
  world_deliver_all(&accumulator, 0);
  ck_assert(accumulator_has_space(&accumulator, SIZE_MAX)); /* as much as there can be */
}
END_TEST

START_TEST(one_partition_gets_its_share_only) {
  struct accumulator_settings settings = world_settings();
  settings.partition_bytes = 64 * 1024;
  restart(&settings);
  struct topic *topic = world_topic(&accumulator, "orders", 2);
  uint64_t count = 0;
  while (world_append(&accumulator, topic, 0, count, 500, 0) == STATUS_OK)
    count++;
  ck_assert_uint_eq(used_bytes(), 64 * 1024);
  ck_assert_uint_eq(world_partition(topic, 0)->held_bytes, 64 * 1024);
  ck_assert_int_eq(world_append(&accumulator, topic, 0, 0, 500, 0), STATUS_PARTITION_BUFFER_FULL);
  world_accept(&accumulator, topic, 1, 0, 500, 0); /* others are not concerned */
  struct partition *partition = accumulator_take(&accumulator);
  struct batch *batch = world_drain(&accumulator, partition, 0);
  ck_assert_int_eq(world_append(&accumulator, topic, 0, 0, 500, 0),
                   STATUS_PARTITION_BUFFER_FULL); /* in flight */
  world_settle(&accumulator, batch, OUTCOME_DELIVERED);
  ck_assert_int_eq(world_append(&accumulator, topic, 0, 0, 500, 0),
                   STATUS_PARTITION_BUFFER_FULL); /* unread */
  world_release(&accumulator, batch);
  world_accept(&accumulator, topic, 0, 0, 500, 0);
  accumulator_give_back(&accumulator, partition, 0);
  world_deliver_all(&accumulator, 0);
}
END_TEST

START_TEST(a_record_larger_than_the_share_passes_alone) {
  struct accumulator_settings settings = world_settings();
  settings.partition_bytes = 4096;
  restart(&settings);
  struct topic *topic = world_topic(&accumulator, "orders", 1);
  world_accept(&accumulator, topic, 0, 1, 20000, 0);
  ck_assert_int_eq(world_append(&accumulator, topic, 0, 2, 20000, 0), STATUS_PARTITION_BUFFER_FULL);
  ck_assert_int_eq(world_append(&accumulator, topic, 0, 2, 10, 0), STATUS_PARTITION_BUFFER_FULL);
  world_deliver_all(&accumulator, 0);
  world_accept(&accumulator, topic, 0, 2, 20000, 0);
  world_deliver_all(&accumulator, 0);
}
END_TEST

START_TEST(reserved_memory_is_for_those_who_wait) {
  struct topic *topic = world_topic(&accumulator, "orders", 2);
  world_accept(&accumulator, topic, 0, 1, 100, 0);
  accumulator.memory_is_reserved = true;
  world_accept(&accumulator, topic, 0, 2, 100, 0); /* fits in the block that is there */
  ck_assert_int_eq(world_append(&accumulator, topic, 1, 3, 100, 0), STATUS_BUFFER_FULL);
  ck_assert_int_eq(world_append(&accumulator, topic, 0, 3, 2000, 0), STATUS_BUFFER_FULL);
  accumulator.memory_is_reserved = false;
  world_accept(&accumulator, topic, 0, 3, 2000, 0);
  ck_assert_uint_eq(world_deliver_all(&accumulator, 0), 3);
}
END_TEST

START_TEST(topics_whose_batches_were_too_large_make_smaller_ones) {
  struct topic *topic = world_topic(&accumulator, "orders", 1),
               *other = world_topic(&accumulator, "other", 1);
  accumulator_shrink_batches(&accumulator, topic, 16000);
  ck_assert_uint_eq(topic->batch_bytes, 8000);
  accumulator_shrink_batches(&accumulator, topic, 16000); /* an older one of the same size */
  ck_assert_uint_eq(topic->batch_bytes, 8000);
  for (uint64_t i = 0; i < 40; i++)
    world_accept(&accumulator, topic, 0, i, 1000, 0);
  const struct partition *partition = world_partition(topic, 0);
  for (struct list *node = partition->batches.next; node != &partition->batches; node = node->next)
    ck_assert_uint_le(batch_wire_bytes(LIST_ENTRY(node, struct batch, queue_node)), 8000);
  ck_assert_uint_eq(other->batch_bytes, WORLD_BATCH_BYTES);
  for (int i = 0; i < 10; i++)
    accumulator_shrink_batches(&accumulator, topic, topic->batch_bytes);
  ck_assert_uint_eq(topic->batch_bytes, 1024); /* not for ever */
  ck_assert_uint_eq(world_deliver_all(&accumulator, 0), 40);
}
END_TEST

/* ---- partitions ---- */

static int32_t refuse_or_choose(void *user, const char *topic, struct bytes key, struct bytes value,
                                int32_t partition_count, int32_t *partition) {
  (void)topic, (void)key, (void)value;
  *partition = partition_count - 1;
  return *(int32_t *)user;
}

START_TEST(records_without_partition_go_where_the_partitioner_says) {
  int32_t answer = STATUS_OK;
  struct accumulator_settings settings = world_settings();
  settings.partitioner.callback = (struct partitioner_callback){refuse_or_choose, &answer};
  restart(&settings);
  struct topic *topic = world_topic(&accumulator, "orders", 7);
  world_accept(&accumulator, topic, -1, 1, 10, 0);
  ck_assert_uint_eq(world_partition(topic, 6)->batch_count, 1);
  answer = STATUS_INVALID_ARGUMENT;
  ck_assert_int_eq(world_append(&accumulator, topic, -1, 2, 10, 0), STATUS_PARTITIONER_FAILED);
  world_accept(&accumulator, topic, 3, 3, 10, 0); /* it is not asked */
  ck_assert_uint_eq(world_deliver_all(&accumulator, 0), 2);
}
END_TEST

START_TEST(sticky_records_fill_one_batch_then_move_on) {
  struct topic *topic = world_topic(&accumulator, "orders", 50);
  int32_t before = -1, moves = 0;
  for (uint64_t i = 0; i < 1000; i++) {
    world_accept(&accumulator, topic, -1, i, 100, 0);
    int32_t now = topic->partitioner.sticky_partition;
    moves += now >= 0 && now != before;
    if (now >= 0) before = now;
    if (i % 500 == 499) world_deliver_all(&accumulator, 0);
  }
  /* 1,000 records of 131 bytes, as they are bound, at 16 KiB each, and one more when a batch was drained. */
  ck_assert_int_ge(moves, 4);
  ck_assert_int_le(moves, 10);
}
END_TEST

/* One partition's broker hangs: its share is used up, the other partitions go on. */
START_TEST(records_without_key_go_round_a_partition_that_is_full) {
  struct accumulator_settings settings = world_settings();
  settings.partition_bytes = 32 * 1024;
  restart(&settings);
  struct topic *topic = world_topic(&accumulator, "orders", 2);
  while (world_append(&accumulator, topic, 0, 0, 1000, 0) == STATUS_OK) {
  }
  uint64_t count = 0;
  while (world_append(&accumulator, topic, -1, count, 1000, 0) == STATUS_OK)
    count++;
  ck_assert_uint_ge(count, 25); /* all of the other one's share, but for bad luck in drawing */
  ck_assert_uint_eq(world_partition(topic, 1)->held_bytes, 32 * 1024);
  static const uint8_t key[1000];
  struct append keyed = {.topic = topic, .partition = -1, .record = {.key = bytes_of(key, sizeof key)}};
  ck_assert_int_eq(accumulator_append(&accumulator, &keyed, 0), STATUS_PARTITION_BUFFER_FULL);
  world_deliver_all(&accumulator, 0);
}
END_TEST

/* Each record waits for memory once: with an even number of partitions, lost turns would leave out half. */
START_TEST(refused_records_do_not_take_turns) {
  struct accumulator_settings settings = world_settings();
  restart(&settings);
  struct topic_options options = {.delivery_timeout_us = WORLD_TIMEOUT_US,
                                  .partitioner = PARTITIONER_ROUND_ROBIN};
  struct topic *topic;
  ck_assert_int_eq(accumulator_topic(&accumulator, bytes_of_string("turns"), &options, &topic), STATUS_OK);
  ck_assert_int_eq(accumulator_set_partition_count(&accumulator, topic, 4, 0), STATUS_OK);
  for (int i = 0; i < 8; i++) {
    accumulator.memory_is_reserved = true;
    ck_assert_int_eq(world_append(&accumulator, topic, -1, 0, 15000, 0), STATUS_BUFFER_FULL);
    accumulator.memory_is_reserved = false;
    world_accept(&accumulator, topic, -1, 0, 15000, 0);
  }
  for (int32_t i = 0; i < 4; i++)
    ck_assert_uint_eq(world_partition(topic, i)->batch_count, 2);
  world_deliver_all(&accumulator, 0);
}
END_TEST

START_TEST(a_partition_out_of_range_is_refused_while_metadata_is_fresh) {
  struct topic *topic = world_topic(&accumulator, "orders", 3);
  accumulator_set_partition_count(&accumulator, topic, 3, 5000000);
  ck_assert_int_eq(world_append(&accumulator, topic, 3, 1, 10, 5999999), STATUS_PARTITION_OUT_OF_RANGE);
  ck_assert(!topic->metadata_wanted);
  world_accept(&accumulator, topic, 3, 1, 10, 6000000); /* perhaps there are more by now */
  ck_assert(topic->metadata_wanted);
  accumulator_set_partition_count(&accumulator, topic, 4, 6000001);
  struct list settled;
  list_init(&settled);
  ck_assert(accumulator_unstage(&accumulator, topic, &settled, 6000001));
  ck_assert(list_is_empty(&settled));
  ck_assert_uint_eq(world_partition(topic, 3)->batch_count, 1);
  ck_assert_uint_eq(world_deliver_all(&accumulator, 6000001), 1);
}
END_TEST

START_TEST(fewer_partitions_than_before_change_nothing) {
  struct topic *topic = world_topic(&accumulator, "orders", 5);
  ck_assert_int_eq(accumulator_set_partition_count(&accumulator, topic, 2, 77), STATUS_OK);
  ck_assert_int_eq(topic->partition_count, 5);
  ck_assert_int_eq(topic->metadata_us, 77);
}
END_TEST

START_TEST(a_topic_made_anew_may_have_fewer_partitions) {
  struct topic *topic = world_topic(&accumulator, "orders", 5);
  world_accept(&accumulator, topic, 4, 1, 10, 0);
  accumulator_forget_partition_count(topic);
  ck_assert_int_eq(accumulator_set_partition_count(&accumulator, topic, 2, 1000), STATUS_OK);
  ck_assert_int_eq(topic->partition_count, 2);
  ck_assert_int_eq(world_append(&accumulator, topic, 4, 2, 10, 1000), STATUS_PARTITION_OUT_OF_RANGE);
  for (uint64_t i = 0; i < 50; i++)
    world_accept(&accumulator, topic, -1, i, 1000, 1000);
  ck_assert_uint_eq(world_partition(topic, 4)->batch_count, 1); /* what was queued there stays */
  ck_assert_ptr_null(topic->partitions[2]);
  ck_assert_ptr_null(topic->partitions[3]);
  ck_assert_uint_eq(world_deliver_all(&accumulator, 1000), 51);
}
END_TEST

START_TEST(a_partition_count_without_memory_is_asked_for_again) {
  struct topic *topic = world_topic(&accumulator, "orders", 0);
  bool failed = true;
  uint32_t tries = 0;
  for (; failed; tries++) {
    failing_allocator_start(tries);
    int32_t status = accumulator_set_partition_count(&accumulator, topic, 9, 50);
    failed = failing_allocator_stop();
    ck_assert_int_eq(status, failed ? STATUS_OUT_OF_MEMORY : STATUS_OK);
    ck_assert_int_eq(topic->partition_count, failed ? 0 : 9);
    ck_assert_int_eq(topic->metadata_us, failed ? 0 : 50);
  }
  ck_assert_uint_ge(tries, 2);
}
END_TEST

/* ---- missing memory ---- */

START_TEST(an_append_survives_each_missing_allocation) {
  struct topic *topics[] = {world_topic(&accumulator, "known", 300), world_topic(&accumulator, "unknown", 0)};
  uint32_t refused = 0;
  for (int32_t i = 0; i < 200; i++) { /* past the 64 and 128 batches that come with one allocation */
    bool failed = true;
    for (uint32_t tries = 0; failed; tries++) {
      failing_allocator_start(tries);
      int32_t status = world_append(&accumulator, topics[i % 2], i % 2 == 0 ? i : -1, (uint64_t)i, 900, 0);
      failed = failing_allocator_stop();
      ck_assert_int_eq(status, failed ? STATUS_OUT_OF_MEMORY : STATUS_OK);
      refused += failed;
    }
  }
  ck_assert_uint_ge(refused, 100 + 2);
  ck_assert_uint_eq(world_deliver_all(&accumulator, 0), 100);
  struct list unsent;
  list_init(&unsent);
  accumulator_abort(&accumulator, NULL, false, &unsent);
  ck_assert_uint_eq(world_fail_all(&accumulator, &unsent), 100);
}
END_TEST

/* ---- numbers and totals ---- */

START_TEST(a_flush_waits_for_the_numbers_up_to_its_own) {
  struct topic *topic = world_topic(&accumulator, "orders", 3);
  ck_assert_uint_eq(accumulator_oldest_number(&accumulator), UINT64_MAX);
  ck_assert_uint_eq(accumulator_pending_records(&accumulator, UINT64_MAX), 0);
  for (uint64_t i = 0; i < 5; i++)
    world_accept(&accumulator, topic, 0, i, 10, 0);
  uint64_t flush = accumulator_youngest_number(&accumulator);
  ck_assert_uint_eq(accumulator_oldest_number(&accumulator), flush);
  for (uint64_t i = 0; i < 3; i++)
    world_accept(&accumulator, topic, 1, i, 10, 0);
  ck_assert_uint_eq(accumulator_pending_records(&accumulator, flush), 5);
  ck_assert_uint_eq(accumulator_pending_records(&accumulator, UINT64_MAX), 8);
  accumulator_begin_cut(&accumulator);
  struct partition *first = accumulator_take(&accumulator), *second = accumulator_take(&accumulator);
  struct batch *early = world_drain(&accumulator, first, 0), *late = world_drain(&accumulator, second, 0);
  accumulator_end_cut(&accumulator);
  world_settle(&accumulator, late, OUTCOME_DELIVERED); /* out of order: the early one counts still */
  ck_assert_uint_eq(accumulator_oldest_number(&accumulator), flush);
  world_settle(&accumulator, early, OUTCOME_DELIVERED);
  ck_assert_uint_gt(accumulator_oldest_number(&accumulator), flush);
  ck_assert_uint_eq(accumulator_pending_records(&accumulator, UINT64_MAX), 0);
  world_release(&accumulator, early);
  world_release(&accumulator, late);
  accumulator_give_back(&accumulator, first, 0);
  accumulator_give_back(&accumulator, second, 0);
}
END_TEST

START_TEST(what_is_settled_during_a_flush_is_free_before_its_end) {
  struct topic *topic = world_topic(&accumulator, "orders", 1);
  world_accept(&accumulator, topic, 0, 0, 10, 0);
  accumulator_begin_cut(&accumulator);
  struct partition *partition = accumulator_take(&accumulator);
  struct batch *batch = world_drain(&accumulator, partition, 0);
  world_settle(&accumulator, batch, OUTCOME_DELIVERED);
  world_release(&accumulator, batch);
  ck_assert_uint_eq(buffer_pool_used_bytes(accumulator.pool), 0);
  accumulator_give_back(&accumulator, partition, 0);
  accumulator_end_cut(&accumulator);
}
END_TEST

START_TEST(totals_tell_the_outcomes_apart) {
  struct topic *topic = world_topic(&accumulator, "orders", 1);
  static const struct {
    enum outcome outcome;
    int32_t status;
  } ends[] = {{OUTCOME_DELIVERED, STATUS_OK},
              {OUTCOME_DELIVERED_OFFSET_UNKNOWN, STATUS_OK},
              {OUTCOME_NOT_DELIVERED, STATUS_DELIVERY_TIMED_OUT},
              {OUTCOME_UNKNOWN, STATUS_DELIVERY_TIMED_OUT},
              {OUTCOME_UNKNOWN, STATUS_NO_ACKNOWLEDGEMENT}};
  accumulator_begin_cut(&accumulator);
  for (int end = 0; end < 5; end++) {
    for (int i = 0; i <= end; i++)
      world_accept(&accumulator, topic, 0, 0, 10, 0);
    struct partition *partition = accumulator_take(&accumulator);
    struct batch *batch = world_drain(&accumulator, partition, 0);
    batch_settle(batch, ends[end].outcome, ends[end].status, -1, -1, 0);
    world_settle(&accumulator, batch, ends[end].outcome);
    world_release(&accumulator, batch);
    accumulator_give_back(&accumulator, partition, 0);
  }
  accumulator_end_cut(&accumulator);
  const struct accumulator_totals *totals = &accumulator.totals;
  ck_assert_uint_eq(totals->accepted, 15);
  ck_assert_uint_eq(totals->settled, 15);
  ck_assert_uint_eq(totals->delivered, 1 + 2);
  ck_assert_uint_eq(totals->not_delivered, 3);
  ck_assert_uint_eq(totals->unknown, 4);
  ck_assert_uint_eq(totals->unacknowledged, 5);
}
END_TEST

START_TEST(batch_structs_are_used_again) {
  struct topic *topic = world_topic(&accumulator, "orders", 1);
  for (uint64_t i = 0; i < 500; i++) {
    world_accept(&accumulator, topic, 0, i, 100, 0);
    world_deliver_all(&accumulator, 0);
  }
  ck_assert_ptr_eq(accumulator.slabs.next, accumulator.slabs.previous); /* one of 64 was enough */
}
END_TEST

static void add_tests(TCase *test_case) {
  tcase_add_checked_fixture(test_case, set_up, tear_down);
  tcase_add_test(test_case, a_buffer_without_a_block_is_refused);
  tcase_add_test(test_case, init_survives_each_missing_allocation);
  tcase_add_test(test_case, deinit_frees_what_was_never_sent);
  tcase_add_test(test_case, a_topic_is_made_once_with_its_first_options);
  tcase_add_test(test_case, a_topic_without_memory_is_not_made);
  tcase_add_test(test_case, a_record_comes_out_as_it_went_in);
  tcase_add_test(test_case, a_request_holds_the_largest_record_to_the_byte);
  tcase_add_test(test_case, absurd_sizes_are_too_large);
  tcase_add_test(test_case, a_record_larger_than_any_block_is_too_large);
  tcase_add_test(test_case, a_full_buffer_refuses_until_memory_comes_back);
  tcase_add_test(test_case, space_that_is_said_to_be_there_is_there);
  tcase_add_test(test_case, one_partition_gets_its_share_only);
  tcase_add_test(test_case, a_record_larger_than_the_share_passes_alone);
  tcase_add_test(test_case, reserved_memory_is_for_those_who_wait);
  tcase_add_test(test_case, topics_whose_batches_were_too_large_make_smaller_ones);
  tcase_add_test(test_case, records_without_partition_go_where_the_partitioner_says);
  tcase_add_test(test_case, sticky_records_fill_one_batch_then_move_on);
  tcase_add_test(test_case, records_without_key_go_round_a_partition_that_is_full);
  tcase_add_test(test_case, refused_records_do_not_take_turns);
  tcase_add_test(test_case, a_partition_out_of_range_is_refused_while_metadata_is_fresh);
  tcase_add_test(test_case, fewer_partitions_than_before_change_nothing);
  tcase_add_test(test_case, a_topic_made_anew_may_have_fewer_partitions);
  tcase_add_test(test_case, a_partition_count_without_memory_is_asked_for_again);
  tcase_add_test(test_case, an_append_survives_each_missing_allocation);
  tcase_add_test(test_case, a_flush_waits_for_the_numbers_up_to_its_own);
  tcase_add_test(test_case, what_is_settled_during_a_flush_is_free_before_its_end);
  tcase_add_test(test_case, totals_tell_the_outcomes_apart);
  tcase_add_test(test_case, batch_structs_are_used_again);
}

int main(void) {
  Suite *suite = suite_create("accumulator");
  TCase *test_case = tcase_create("all");
  add_tests(test_case);
  suite_add_tcase(suite, test_case);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_ENV);
  int failures = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failures != 0;
}
