/* A producer's life, waiting and counters: check the handle, convert, call, map. No policy. */
#include "base/lock.h"
#include "sendoff/sendoff.h"

#include "abi_text.h"
#include "base/clock.h"
#include "base/status.h"
#include "producer/config.h"
#include "producer/producer.h"
#include "producer/waiting.h"
#include "sized_struct.h"

enum {
  CALLBACKS_SIZE_1_0 = offsetof(sendoff_callbacks, on_token_wanted),
  COUNTERS_SIZE_1_0 = offsetof(sendoff_counters, buffer_bytes_staged),
  FLUSH_RESULT_SIZE_1_0 = sizeof(sendoff_flush_result),
  EVENT_SIZE_1_0 = sizeof(sendoff_event),
  PARTITION_SIZE_1_0 = sizeof(sendoff_partition),
};

static void convert_callbacks(const sendoff_callbacks *from, struct producer_callbacks *to);
static void read_counters(const struct producer *producer, sendoff_counters *counters)
    REQUIRES(producer_lock);

static const struct partition_snapshot *snapshot_of(const sendoff_partitions *partitions) {
  return (const struct partition_snapshot *)(const void *)partitions;
}

int32_t sendoff_create(const sendoff_config *config, const sendoff_callbacks *callbacks,
                       sendoff_producer **producer, char *error, size_t error_size) {
  struct producer_callbacks converted = {0};
  bool readable =
      callbacks == NULL || sized_struct_is_readable(callbacks, CALLBACKS_SIZE_1_0, sizeof *callbacks);
  if (callbacks != NULL && callbacks->size >= CALLBACKS_SIZE_1_0) convert_callbacks(callbacks, &converted);
  if (config == NULL || producer == NULL || !readable) {
    text_copy(error, error_size,
              "config and producer must not be NULL, callbacks must say its size and set no unknown field");
    if (converted.release != NULL) converted.release(converted.user);
    return STATUS_INVALID_ARGUMENT;
  }
  struct config_error reason = {.text = ""};
  void *handle;
  int32_t status = producer_create((const struct config *)(const void *)config, &converted, &handle, &reason);
  if (status != STATUS_OK) {
    text_copy(error, error_size, reason.text[0] != '\0' ? reason.text : status_text(status));
    return status;
  }
  *producer = handle;
  return STATUS_OK;
}

int32_t sendoff_connect(sendoff_producer *handle, int64_t timeout_ms, char *error, size_t error_size) {
  struct producer *producer;
  int32_t status = handle_lock(handle, &producer);
  if (status != STATUS_OK) return status;
  char reason[PRODUCER_REASON_BYTES] = "";
  status = waiting_connect(producer, timeout_ms, reason, sizeof reason);
  if (status != STATUS_OK) text_copy(error, error_size, reason[0] != '\0' ? reason : status_text(status));
  return status;
}

int32_t sendoff_topic(sendoff_producer *handle, const char *name, uint32_t *topic) {
  if (name == NULL || topic == NULL) return STATUS_INVALID_ARGUMENT;
  struct producer *producer;
  int32_t status = handle_lock(handle, &producer);
  if (status != STATUS_OK) return status;
  struct topic *found = NULL;
  status = producer->state == PRODUCER_OPEN ? submission_topic(producer, bytes_of_string(name), &found)
                                            : STATUS_CLOSED;
  if (status == STATUS_OK) *topic = found->id;
  producer_unlock(producer);
  return status;
}

int32_t sendoff_topic_name(sendoff_producer *handle, uint32_t topic, char *buffer, size_t buffer_size,
                           size_t *needed) {
  if (buffer == NULL && buffer_size > 0) return STATUS_INVALID_ARGUMENT;
  struct producer *producer;
  int32_t status = handle_lock(handle, &producer);
  if (status != STATUS_OK) return status;
  if (topic < producer->accumulator.registry.count) {
    const struct topic *found = producer->accumulator.registry.topics[topic];
    text_copy(buffer, buffer_size, found->name);
    if (needed != NULL) *needed = found->name_bytes;
  } else {
    status = STATUS_INVALID_ARGUMENT;
  }
  producer_unlock(producer);
  return status;
}

int32_t sendoff_wait_for_space(sendoff_producer *handle, size_t record_bytes, int64_t timeout_ms) {
  struct producer *producer;
  int32_t status = handle_lock(handle, &producer);
  if (status != STATUS_OK) return status;
  int64_t deadline_us = producer_deadline_us(clock_monotonic_us(), timeout_ms);
  status = submission_wait_for_space(producer, record_bytes, deadline_us);
  producer_unlock(producer);
  return status;
}

int32_t sendoff_flush(sendoff_producer *handle, int64_t timeout_ms, sendoff_flush_result *result) {
  if (result != NULL && result->size < FLUSH_RESULT_SIZE_1_0) return STATUS_INVALID_ARGUMENT;
  struct producer *producer;
  int32_t status = handle_lock(handle, &producer);
  if (status != STATUS_OK) return status;
  struct flush_result told = {0};
  status = waiting_flush(producer, timeout_ms, &told);
  bool filled = status == STATUS_OK || status == STATUS_TIMED_OUT || status == STATUS_INTERRUPTED;
  if (filled && result != NULL) {
    sendoff_flush_result copy = {.pending = told.pending, .failed = told.failed, .unknown = told.unknown};
    sized_struct_write(result, &copy, sizeof copy);
  }
  return status;
}

int32_t sendoff_close(sendoff_producer *handle, int64_t timeout_ms) {
  struct producer *producer;
  int32_t status = handle_lock(handle, &producer);
  if (status != STATUS_OK) return status;
  return waiting_close(producer, timeout_ms);
}

void sendoff_destroy(sendoff_producer *handle) {
  producer_destroy(handle);
}

int32_t sendoff_poll(sendoff_producer *handle, sendoff_report *reports, size_t capacity, int64_t timeout_ms,
                     size_t *count) {
  if (reports == NULL || capacity == 0 || count == NULL) return STATUS_INVALID_ARGUMENT;
  struct producer *producer;
  int32_t status = handle_lock(handle, &producer);
  if (status != STATUS_OK) return status;
  /* The same 64 bytes: see status.c. */
  return waiting_poll(producer, (struct report *)(void *)reports, capacity, timeout_ms, count);
}

int32_t sendoff_report_descriptor(sendoff_producer *handle, int32_t *descriptor) {
  if (descriptor == NULL) return STATUS_INVALID_ARGUMENT;
  struct producer *producer;
  int32_t status = handle_lock(handle, &producer);
  if (status != STATUS_OK) return status;
  if (producer->report_waker_open) {
    *descriptor = producer->report_waker.read_descriptor;
  } else {
    status = STATUS_NOT_CONFIGURED;
  }
  producer_unlock(producer);
  return status;
}

int32_t sendoff_poll_event(sendoff_producer *handle, sendoff_event *event, int64_t timeout_ms) {
  if (event == NULL || event->size < EVENT_SIZE_1_0) return STATUS_INVALID_ARGUMENT;
  struct producer *producer;
  int32_t status = handle_lock(handle, &producer);
  if (status != STATUS_OK) return status;
  producer_use(producer);
  handle_unlock(producer->slot);
  struct event taken = {0};
  int64_t deadline_us = timeout_ms == 0 ? 0 : producer_deadline_us(clock_monotonic_us(), timeout_ms);
  status = event_queue_take(&producer->events, &taken, deadline_us);
  handle_slot_lock(producer->slot);
  producer_leave(producer);
  if (status != STATUS_OK) return status;
  sendoff_event told = {
      .kind = (uint32_t)taken.kind, .status = taken.status, .broker = taken.broker, .number = taken.number};
  memcpy(told.text, taken.text, sizeof told.text);
  sized_struct_write(event, &told, sizeof told);
  return STATUS_OK;
}

int32_t sendoff_wake(sendoff_producer *handle) {
  return handle_wake(handle);
}

int32_t sendoff_get_counters(sendoff_producer *handle, sendoff_counters *counters) {
  if (counters == NULL || counters->size < COUNTERS_SIZE_1_0) return STATUS_INVALID_ARGUMENT;
  struct producer *producer;
  int32_t status = handle_lock(handle, &producer);
  if (status != STATUS_OK) return status;
  sendoff_counters told = {0};
  read_counters(producer, &told);
  producer_unlock(producer);
  sized_struct_write(counters, &told, sizeof told);
  return STATUS_OK;
}

int32_t sendoff_partitions_for(sendoff_producer *handle, const char *topic, int64_t timeout_ms,
                               sendoff_partitions **partitions) {
  if (topic == NULL || partitions == NULL) return STATUS_INVALID_ARGUMENT;
  struct producer *producer;
  int32_t status = handle_lock(handle, &producer);
  if (status != STATUS_OK) return status;
  struct partition_snapshot *snapshot = NULL;
  status = waiting_partitions(producer, bytes_of_string(topic), timeout_ms, &snapshot);
  if (status == STATUS_OK) *partitions = (sendoff_partitions *)(void *)snapshot;
  return status;
}

int32_t sendoff_partitions_count(const sendoff_partitions *partitions, uint32_t *count) {
  if (partitions == NULL || count == NULL) return STATUS_INVALID_ARGUMENT;
  *count = snapshot_of(partitions)->count;
  return STATUS_OK;
}

int32_t sendoff_partitions_get(const sendoff_partitions *partitions, uint32_t index,
                               sendoff_partition *partition) {
  if (partitions == NULL || partition == NULL || partition->size < PARTITION_SIZE_1_0)
    return STATUS_INVALID_ARGUMENT;
  const struct partition_snapshot *snapshot = snapshot_of(partitions);
  if (index >= snapshot->count) return STATUS_INVALID_ARGUMENT;
  const struct partition_description *described = &snapshot->partitions[index];
  sendoff_partition told = {
      .partition = described->index,
      .leader = described->leader_id,
      .leader_epoch = described->leader_epoch,
      .replica_count = described->node_count[PARTITION_REPLICAS],
      .in_sync_count = described->node_count[PARTITION_IN_SYNC],
      .offline_count = described->node_count[PARTITION_OFFLINE],
      .status = described->status,
  };
  sized_struct_write(partition, &told, sizeof told);
  return STATUS_OK;
}

int32_t sendoff_partitions_nodes(const sendoff_partitions *partitions, uint32_t index, uint32_t kind,
                                 int32_t *nodes, uint32_t capacity, uint32_t *count) {
  if (partitions == NULL || count == NULL || (nodes == NULL && capacity > 0)) return STATUS_INVALID_ARGUMENT;
  const struct partition_snapshot *snapshot = snapshot_of(partitions);
  if (index >= snapshot->count || kind >= PARTITION_NODES_COUNT) return STATUS_INVALID_ARGUMENT;
  const struct partition_description *described = &snapshot->partitions[index];
  *count = described->node_count[kind];
  for (uint32_t i = 0; i < *count && i < capacity; i++)
    nodes[i] = snapshot->nodes[described->first_node[kind] + i];
  return STATUS_OK;
}

void sendoff_partitions_destroy(sendoff_partitions *partitions) {
  partition_snapshot_destroy((struct partition_snapshot *)(void *)partitions);
}

static void convert_callbacks(const sendoff_callbacks *from, struct producer_callbacks *to) {
  typedef void (*on_reports)(void *user, const struct report *reports, size_t count);
  *to = (struct producer_callbacks){
      .user = from->user,
      .release = from->release,
      .on_reports = (on_reports)from->on_reports, /* the same 64 bytes: see status.c */
      .on_log = from->on_log,
      .on_thread_start = from->on_thread_start,
      .on_thread_stop = from->on_thread_stop,
      .partitioner = from->partitioner,
  };
  if (from->size >= sizeof *from) to->on_token_wanted = from->on_token_wanted;
}

static void read_counters(const struct producer *producer, sendoff_counters *counters) {
  const struct accumulator_totals *totals = &producer->accumulator.totals;
  const struct sender_counters *sent = &producer->sender->published;
  *counters = (sendoff_counters){
      .records_accepted = totals->accepted,
      .records_delivered = totals->delivered,
      .records_not_delivered = totals->not_delivered,
      .records_unknown = totals->unknown,
      .records_unacknowledged = totals->unacknowledged,
      .bytes_accepted = totals->accepted_bytes,
      .batches_sent = sent->batches_sent,
      .batches_retried = sent->batches_retried,
      .batches_split = sent->batches_split,
      .batch_bytes_sent = sent->batch_bytes_sent,
      .batch_bytes_uncompressed = sent->batch_bytes_uncompressed,
      .out_of_order_answers = sent->out_of_order_answers,
      .outcomes_resolved = sent->outcomes_resolved,
      .epochs_raised = sent->epochs_raised,
      .requests_sent = sent->requests_sent,
      .responses_received = sent->responses_received,
      .connections_opened = sent->connections_opened,
      .connections_failed = sent->connections_failed,
      .connections_lost = sent->connections_lost,
      .throttled_ms = sent->throttled_ms,
      .records_pending = totals->accepted - totals->settled,
      .reports_unread = producer->reports_due - producer->reports_done,
      .requests_in_flight = sent->requests_in_flight,
      .buffer_bytes_used = buffer_pool_used_bytes(producer->accumulator.pool),
      .buffer_bytes_total = buffer_pool_total_bytes(producer->accumulator.pool),
      .threads_waiting = producer->accumulator.memory_waiters,
      .buffer_bytes_staged = producer->accumulator.staged_bytes,
  };
}
