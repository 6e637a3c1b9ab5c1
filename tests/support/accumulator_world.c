#include "support/accumulator_world.h"

#include "accumulator/accumulator_check.h"
#include "base/clock.h"
#include "base/status.h"
#include <check.h>

static const uint8_t filler[256 * 1024];

struct accumulator_settings world_settings(void) {
  return (struct accumulator_settings){
      .buffer_bytes = WORLD_BUFFER_BYTES,
      .partition_bytes = WORLD_BUFFER_BYTES,
      .batch_bytes = WORLD_BATCH_BYTES,
      .batch_records = 1000,
      .max_request_bytes = 64 * 1024,
      .linger_us = WORLD_LINGER_US,
      .partitioner = {.sticky_bytes = WORLD_BATCH_BYTES},
      .seed = 1,
  };
}

void world_start(struct accumulator *accumulator, const struct accumulator_settings *settings) {
  ck_assert_int_eq(accumulator_init(accumulator, settings), STATUS_OK);
  accumulator_check(accumulator);
}

void world_stop(struct accumulator *accumulator) {
  accumulator_check(accumulator);
  ck_assert_uint_eq(accumulator_oldest_number(accumulator), UINT64_MAX);
  ck_assert_uint_eq(accumulator->totals.settled, accumulator->totals.accepted);
  ck_assert_uint_eq(buffer_pool_used_bytes(accumulator->pool), 0);
  accumulator_deinit(accumulator);
}

struct topic *world_topic(struct accumulator *accumulator, const char *name, int32_t partition_count) {
  struct topic_options options = {.acks = -1, .delivery_timeout_us = WORLD_TIMEOUT_US};
  struct topic *topic = NULL;
  ck_assert_int_eq(accumulator_topic(accumulator, bytes_of_string(name), &options, &topic), STATUS_OK);
  if (partition_count > 0)
    ck_assert_int_eq(accumulator_set_partition_count(accumulator, topic, partition_count, 0), STATUS_OK);
  return topic;
}

void world_set_timeout(struct accumulator *accumulator, struct topic *topic, int64_t timeout_us) {
  topic->options.delivery_timeout_us = timeout_us;
  if (timeout_us < accumulator->shortest_timeout_us) accumulator->shortest_timeout_us = timeout_us;
}

struct partition *world_partition(struct topic *topic, int32_t index) {
  struct partition *partition = topic_partition(topic, index);
  ck_assert_ptr_nonnull(partition);
  return partition;
}

int32_t world_append(struct accumulator *accumulator, struct topic *topic, int32_t partition, uint64_t opaque,
                     size_t value_bytes, int64_t now_us) {
  struct append append = {
      .topic = topic,
      .partition = partition,
      .record = {.value = bytes_of(filler, value_bytes)},
      .timestamp_ms = 1000,
      .opaque = opaque,
  };
  ck_assert_uint_le(value_bytes, sizeof filler);
  struct accumulator_totals before = accumulator->totals;
  size_t used_bytes = buffer_pool_used_bytes(accumulator->pool);
  int32_t status = accumulator_append(accumulator, &append, now_us);
  accumulator_check(accumulator);
  bool accepted = status == STATUS_OK;
  ck_assert_uint_eq(accumulator->totals.accepted, before.accepted + accepted);
  ck_assert_uint_eq(accumulator->totals.accepted_bytes, before.accepted_bytes + (accepted ? value_bytes : 0));
  if (!accepted) ck_assert_uint_eq(buffer_pool_used_bytes(accumulator->pool), used_bytes);
  return status;
}

void world_accept(struct accumulator *accumulator, struct topic *topic, int32_t partition, uint64_t opaque,
                  size_t value_bytes, int64_t now_us) {
  ck_assert_int_eq(world_append(accumulator, topic, partition, opaque, value_bytes, now_us), STATUS_OK);
}

struct batch *world_drain(struct accumulator *accumulator, struct partition *partition, int64_t now_us) {
  struct batch *batch = accumulator_peek(accumulator, partition, now_us);
  if (batch == NULL) return NULL;
  accumulator_drain(accumulator, batch);
  ck_assert_int_eq(batch->state, BATCH_SEALED);
  ck_assert(!batch->unsent);
  accumulator_check(accumulator);
  return batch;
}

void world_settle(struct accumulator *accumulator, struct batch *batch, enum outcome outcome) {
  if (batch->state != BATCH_SETTLED)
    batch_settle(batch, outcome, outcome == OUTCOME_DELIVERED ? STATUS_OK : STATUS_DELIVERY_TIMED_OUT, -1, -1,
                 0);
  accumulator_settle(accumulator, batch);
  accumulator_check(accumulator);
}

void world_release(struct accumulator *accumulator, struct batch *batch) {
  accumulator_release(accumulator, batch);
  accumulator_check(accumulator);
}

uint32_t world_fail_all(struct accumulator *accumulator, struct list *batches) {
  uint32_t records = 0;
  while (!list_is_empty(batches)) {
    struct batch *batch = LIST_ENTRY(batches->next, struct batch, queue_node);
    list_remove(&batch->queue_node);
    ck_assert(!batch->unsent);
    records += batch->record_count;
    world_settle(accumulator, batch, OUTCOME_NOT_DELIVERED);
    world_release(accumulator, batch);
  }
  return records;
}

uint32_t world_deliver_all(struct accumulator *accumulator, int64_t now_us) {
  uint32_t records = 0;
  accumulator_begin_cut(accumulator);
  for (struct partition *partition; (partition = accumulator_take(accumulator)) != NULL;) {
    for (struct batch *batch; (batch = world_drain(accumulator, partition, now_us)) != NULL;) {
      records += batch->record_count;
      world_settle(accumulator, batch, OUTCOME_DELIVERED);
      world_release(accumulator, batch);
    }
    accumulator_give_back(accumulator, partition, now_us);
  }
  accumulator_end_cut(accumulator);
  accumulator_check(accumulator);
  return records;
}

void world_expect_opaques(const struct batch *batch, uint64_t first, uint64_t step, uint32_t count) {
  ck_assert_ptr_nonnull(batch);
  ck_assert_uint_eq(batch->record_count, count);
  for (uint32_t i = 0; i < count; i++)
    ck_assert_uint_eq(batch_entry(batch, i)->opaque, first + i * step);
}

void world_count_sent(void *count, struct batch *batch) {
  ck_assert(!batch->unsent);
  ++*(uint32_t *)count;
}
