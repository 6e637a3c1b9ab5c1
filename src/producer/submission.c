#include "producer/submission.h"

#include "base/clock.h"
#include "base/status.h"
#include "producer/memory_waiter.h"

static int32_t check(struct producer *producer, const struct submission *submission, struct topic **topic)
    REQUIRES(producer_lock);
static int32_t append(struct producer *producer, const struct append *append,
                      const struct memory_waiter *waiter, int64_t now_us) REQUIRES(producer_lock);
static int32_t wait_and_append(struct producer *producer, struct append *append, int32_t status,
                               int64_t deadline_us) REQUIRES(producer_lock);
static int32_t wait_turn(struct producer *producer, struct memory_waiter *waiter, int64_t deadline_us,
                         uint64_t wakes) REQUIRES(producer_lock);
static int32_t why_full(const struct producer *producer, int32_t status) REQUIRES(producer_lock);

int32_t submission_send(struct producer *producer, const struct submission *submission, int64_t now_us,
                        int64_t deadline_us) {
  struct topic *topic;
  int32_t status = check(producer, submission, &topic);
  if (status != STATUS_OK) return status;
  struct append wanted = {
      .topic = topic,
      .partition = submission->partition,
      .record = submission->record,
      .timestamp_ms =
          submission->has_timestamp ? submission->timestamp_ms : producer_wall_ms(producer, now_us),
      .opaque = submission->opaque,
      .callback = submission->callback,
      .user = submission->user,
  };
  status = append(producer, &wanted, NULL, now_us);
  if (status != STATUS_BUFFER_FULL && status != STATUS_PARTITION_BUFFER_FULL) return status;
  if (deadline_us <= now_us) return why_full(producer, status);
  return wait_and_append(producer, &wanted, status, deadline_us);
}

int32_t submission_topic(struct producer *producer, struct bytes name, struct topic **out) {
  *out = topic_registry_find(&producer->accumulator.registry, name);
  if (*out != NULL) return STATUS_OK;
  if (!topic_name_is_valid(name)) return STATUS_INVALID_TOPIC_EXCEPTION;
  struct topic_settings settings;
  settings_for_topic(&producer->settings, name, &settings);
  struct topic_options options = {.acks = settings.acks,
                                  .codec = settings.compression,
                                  .level = settings.compression_level,
                                  .delivery_timeout_us = settings.delivery_timeout_us,
                                  .partitioner = (enum partitioner_kind)settings.partitioner};
  return accumulator_topic(&producer->accumulator, name, &options, out);
}

int64_t submission_deadline_us(const struct producer *producer, int64_t now_us, bool may_wait) {
  if (!may_wait || callback_scope_is_in(producer)) return now_us;
  return clock_add_us(now_us, producer->settings.max_block_us);
}

int32_t submission_wait_for_space(struct producer *producer, size_t record_bytes, int64_t deadline_us) {
  if (record_bytes > producer->settings.max_request_size_bytes) return STATUS_RECORD_TOO_LARGE;
  if (producer->state != PRODUCER_OPEN) return STATUS_CLOSED;
  if (accumulator_has_space(&producer->accumulator, record_bytes)) return STATUS_OK;
  if (callback_scope_is_in(producer)) return STATUS_IN_CALLBACK;
  struct memory_waiter waiter;
  int32_t status = memory_waiter_join(producer, &waiter, false);
  if (status != STATUS_OK) return status;
  uint64_t wakes = producer->wakes;
  producer_use(producer);
  while (status == STATUS_OK && (memory_waiters_are_queued(producer, &waiter) ||
                                 !accumulator_has_space(&producer->accumulator, record_bytes)))
    status = wait_turn(producer, &waiter, deadline_us, wakes);
  memory_waiter_leave(producer, &waiter);
  if (status == STATUS_BUFFER_FULL)
    status = why_full(producer, status) == STATUS_REPORTS_UNREAD ? STATUS_REPORTS_UNREAD : STATUS_TIMED_OUT;
  producer_end_use(producer);
  return status;
}

static int32_t check(struct producer *producer, const struct submission *submission, struct topic **topic) {
  if (producer->state != PRODUCER_OPEN) return STATUS_CLOSED;
  if (submission->callback != NULL && producer->report_mode == DELIVERY_REPORT_QUEUE && !submission->is_sync)
    return STATUS_NOT_CONFIGURED;
  if (submission->has_timestamp && submission->timestamp_ms < 0) return STATUS_INVALID_ARGUMENT;
  if (submission->partition < -1) return STATUS_PARTITION_OUT_OF_RANGE;
  if (!submission->by_id) return submission_topic(producer, submission->topic_name, topic);
  if (submission->topic_id >= producer->accumulator.registry.count) return STATUS_INVALID_ARGUMENT;
  *topic = producer->accumulator.registry.topics[submission->topic_id];
  return STATUS_OK;
}

/* Those who wait for memory come first. */
static int32_t append(struct producer *producer, const struct append *wanted,
                      const struct memory_waiter *waiter, int64_t now_us) {
  struct accumulator *accumulator = &producer->accumulator;
  accumulator->memory_is_reserved =
      !list_is_empty(&producer->memory_waiters) && memory_waiters_are_queued(producer, waiter);
  return accumulator_append(accumulator, wanted, now_us);
}

static int32_t wait_and_append(struct producer *producer, struct append *wanted, int32_t status,
                               int64_t deadline_us) {
  struct memory_waiter waiter;
  int32_t joined = memory_waiter_join(producer, &waiter, status == STATUS_PARTITION_BUFFER_FULL);
  if (joined != STATUS_OK) return joined;
  producer_use(producer);
  uint64_t wakes = producer->wakes;
  int32_t ended = STATUS_OK;
  while (status == STATUS_BUFFER_FULL || status == STATUS_PARTITION_BUFFER_FULL) {
    waiter.for_partition = status == STATUS_PARTITION_BUFFER_FULL;
    ended = wait_turn(producer, &waiter, deadline_us, wakes);
    if (ended == STATUS_OK || ended == STATUS_BUFFER_FULL)
      status = append(producer, wanted, &waiter, clock_monotonic_us());
    if (ended != STATUS_OK) break;
  }
  memory_waiter_leave(producer, &waiter);
  if (status == STATUS_BUFFER_FULL || status == STATUS_PARTITION_BUFFER_FULL)
    status = ended == STATUS_BUFFER_FULL ? why_full(producer, status) : ended;
  producer_end_use(producer);
  return status;
}

/* STATUS_OK: look again. BUFFER_FULL: the time is up. CLOSED, INTERRUPTED. */
static int32_t wait_turn(struct producer *producer, struct memory_waiter *waiter, int64_t deadline_us,
                         uint64_t wakes) {
  bool in_time = handle_slot_wait(producer->slot, &waiter->served, deadline_us);
  if (producer->state != PRODUCER_OPEN || producer->destroyed) return STATUS_CLOSED;
  if (producer->wakes != wakes) return STATUS_INTERRUPTED;
  return in_time ? STATUS_OK : STATUS_BUFFER_FULL;
}

/* Nothing is on its way, so it is reports that hold the memory: unread ones, or those that a callback is busy
 * with. */
static int32_t why_full(const struct producer *producer, int32_t status) {
  bool all_settled = accumulator_oldest_number(&producer->accumulator) == UINT64_MAX;
  return all_settled && producer->reports_due > producer->reports_done ? STATUS_REPORTS_UNREAD : status;
}
