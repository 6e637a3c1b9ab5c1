#include "producer/waiting.h"

#include "base/allocator.h"
#include "base/clock.h"
#include "base/lock.h"
#include "base/status.h"
#include "producer/memory_waiter.h"
#include "producer/sync_send.h"
#include <stdio.h>

/* How long close waits beyond its timeout for the sender thread to settle what is left. */
enum { CLOSE_GRACE_US = 200000 };

static void warn_unlocked(struct producer *producer, const char *text) REQUIRES(producer_lock);
static int32_t wait_for_change(struct producer *producer, bool is_over, int64_t deadline_us, uint64_t wakes)
    REQUIRES(producer_lock);
static bool all_reported(const struct producer *producer, uint64_t target, uint64_t *reports_needed)
    REQUIRES(producer_lock);
static void fill_flush_result(struct producer *producer, uint64_t target, bool complete,
                              struct flush_result *result) REQUIRES(producer_lock);
static int32_t leave_with(struct producer *producer, int32_t status) RELEASE(producer_lock);

int32_t waiting_flush(struct producer *producer, int64_t timeout_ms, struct flush_result *result) {
  int32_t status = STATUS_OK;
  if (producer->state == PRODUCER_CLOSED) status = STATUS_CLOSED;
  if (callback_scope_is_in(producer)) status = STATUS_IN_CALLBACK;
  producer_use(producer);
  if (status != STATUS_OK) return leave_with(producer, status);
  int64_t deadline_us = producer_deadline_us(clock_monotonic_us(), timeout_ms);
  uint64_t target = accumulator_youngest_number(&producer->accumulator), reports_needed = UINT64_MAX;
  uint64_t wakes = producer->wakes;
  accumulator_begin_cut(&producer->accumulator);
  producer_wake_sender(producer);
  while (status == STATUS_OK && !all_reported(producer, target, &reports_needed))
    status = wait_for_change(producer, producer_is_finished(producer), deadline_us, wakes);
  /* What came just as the wait ended counts. */
  if (!producer->destroyed && all_reported(producer, target, &reports_needed)) status = STATUS_OK;
  accumulator_end_cut(&producer->accumulator);
  if (status != STATUS_CLOSED) fill_flush_result(producer, target, status == STATUS_OK, result);
  return leave_with(producer, status);
}

int32_t waiting_close(struct producer *producer, int64_t timeout_ms) {
  producer_use(producer);
  bool inside = callback_scope_is_in(producer);
  if (inside && timeout_ms != 0) {
    warn_unlocked(producer, "close was called from a callback: it acts as with timeout 0");
    timeout_ms = 0;
  }
  int64_t deadline_us = producer_deadline_us(clock_monotonic_us(), timeout_ms);
  producer_begin_close(producer, deadline_us);
  int64_t until_us = clock_add_us(deadline_us, CLOSE_GRACE_US);
  bool waited_enough = inside;
  while (!producer_is_finished(producer) && !waited_enough && !producer->destroyed) {
    int64_t wait_until_us = producer->calling ? deadline_us : until_us; /* a callback may take for ever */
    waited_enough = !handle_slot_wait(producer->slot, &producer->finished, wait_until_us) &&
                    (producer->calling || clock_monotonic_us() >= until_us);
  }
  const struct accumulator_totals *totals = &producer->accumulator.totals;
  bool all_settled = totals->accepted == totals->settled && producer->aborted == 0;
  if (producer_is_finished(producer) && !inside) producer_join_threads(producer);
  return leave_with(producer, all_settled ? STATUS_OK : STATUS_TIMED_OUT);
}

int32_t waiting_connect(struct producer *producer, int64_t timeout_ms, char *error, size_t error_size) {
  producer_use(producer);
  if (callback_scope_is_in(producer)) return leave_with(producer, STATUS_IN_CALLBACK);
  int64_t deadline_us = producer_deadline_us(clock_monotonic_us(), timeout_ms);
  uint64_t wakes = producer->wakes;
  int32_t status = producer->state == PRODUCER_OPEN ? STATUS_OK : STATUS_CLOSED;
  while (status == STATUS_OK && !producer->sender->known)
    status = wait_for_change(producer, producer->state == PRODUCER_CLOSED, deadline_us, wakes);
  if (status == STATUS_TIMED_OUT && error_size > 0)
    snprintf(error, error_size, "%s",
             producer->last_failure[0] != '\0' ? producer->last_failure : "no broker has answered yet");
  return leave_with(producer, status);
}

int32_t waiting_send_sync(struct producer *producer, struct submission *submission, int64_t timeout_ms,
                          struct report *report) {
  producer_use(producer);
  if (callback_scope_is_in(producer)) return leave_with(producer, STATUS_IN_CALLBACK);
  struct sync_send *sync_send = sync_send_create();
  if (sync_send == NULL) return leave_with(producer, STATUS_OUT_OF_MEMORY);
  int64_t now_us = clock_monotonic_us();
  int64_t deadline_us = producer_deadline_us(now_us, timeout_ms);
  int64_t memory_us = submission_deadline_us(producer, now_us, true);
  submission->callback = sync_send_marker;
  submission->user = sync_send;
  submission->is_sync = true;
  int32_t status =
      submission_send(producer, submission, now_us, memory_us < deadline_us ? memory_us : deadline_us);
  if (status == STATUS_OK) {
    sync_send->references++; /* the record's */
    accumulator_begin_cut(&producer->accumulator);
    producer_wake_sender(producer);
    while (!sync_send->done && status == STATUS_OK && !producer->destroyed) {
      producer->change_waiters++;
      if (!handle_slot_wait(producer->slot, &producer->changed, deadline_us)) status = STATUS_TIMED_OUT;
      producer->change_waiters--;
    }
    accumulator_end_cut(&producer->accumulator);
    if (sync_send->done) {
      *report = sync_send->report;
      status = report->status;
    } else if (producer->destroyed) {
      status = STATUS_CLOSED;
    }
  }
  sync_send_release(sync_send);
  return leave_with(producer, status);
}

int32_t waiting_partitions(struct producer *producer, struct bytes name, int64_t timeout_ms,
                           struct partition_snapshot **snapshot) {
  producer_use(producer);
  if (callback_scope_is_in(producer)) return leave_with(producer, STATUS_IN_CALLBACK);
  if (producer->state != PRODUCER_OPEN) return leave_with(producer, STATUS_CLOSED);
  struct topic *topic;
  int32_t status = submission_topic(producer, name, &topic);
  if (status != STATUS_OK) return leave_with(producer, status);
  struct partition_query query = {.topic = bytes_of(topic->name, topic->name_bytes)};
  list_append(&producer->sender->queries, &query.node);
  topic->last_used_us = clock_monotonic_us();
  accumulator_want_metadata(&producer->accumulator, topic);
  producer_wake_sender(producer);
  int64_t deadline_us = producer_deadline_us(clock_monotonic_us(), timeout_ms);
  uint64_t wakes = producer->wakes;
  while (!query.done && status == STATUS_OK)
    status = wait_for_change(producer, producer->state == PRODUCER_CLOSED, deadline_us, wakes);
  if (!query.done) {
    list_remove(&query.node);
  } else {
    status = query.status;
  }
  if (status == STATUS_OK) *snapshot = query.snapshot;
  return leave_with(producer, status);
}

int32_t waiting_poll(struct producer *producer, struct report *reports, size_t capacity, int64_t timeout_ms,
                     size_t *count) {
  producer_use(producer);
  if (producer->report_mode != DELIVERY_REPORT_QUEUE) return leave_with(producer, STATUS_NOT_CONFIGURED);
  int64_t deadline_us = timeout_ms == 0 ? 0 : producer_deadline_us(clock_monotonic_us(), timeout_ms);
  uint64_t wakes = producer->wakes;
  int32_t status = STATUS_OK;
  while (status == STATUS_OK && producer->reports.unread == 0) {
    if (producer->state == PRODUCER_CLOSED || producer->destroyed) {
      status = STATUS_CLOSED;
    } else if (producer->wakes != wakes) {
      status = STATUS_INTERRUPTED;
    } else if (timeout_ms == 0 ||
               !handle_slot_wait(producer->slot, &producer->reports_arrived, deadline_us)) {
      if (producer->reports.unread == 0 && producer->state != PRODUCER_CLOSED) status = STATUS_TIMED_OUT;
    }
  }
  *count = 0;
  if (status != STATUS_OK) return leave_with(producer, status);
  struct list finished;
  list_init(&finished);
  *count = report_queue_take(&producer->reports, reports, NULL, capacity, &finished);
  producer->reports_done += *count;
  producer_release_batches(producer, &finished);
  if (producer->reports.unread == 0 && producer->state != PRODUCER_CLOSED)
    waker_drain(&producer->report_waker);
  if (!list_is_empty(&producer->accumulator.staged_topics)) producer_wake_sender(producer);
  return leave_with(producer, STATUS_OK);
}

/* The log callback may call the library. */
static void warn_unlocked(struct producer *producer, const char *text) {
  handle_unlock(producer->slot);
  LOG(&producer->log, LOG_LEVEL_WARNING, "%s", text);
  handle_slot_lock(producer->slot);
}

/* STATUS_OK: something may have changed. TIMED_OUT, CLOSED (nothing will change any more: is_over, or
 * destroyed), INTERRUPTED. */
static int32_t wait_for_change(struct producer *producer, bool is_over, int64_t deadline_us, uint64_t wakes) {
  if (producer->destroyed || is_over) return STATUS_CLOSED;
  producer->change_waiters++;
  bool in_time = handle_slot_wait(producer->slot, &producer->changed, deadline_us);
  producer->change_waiters--;
  if (producer->destroyed) return STATUS_CLOSED;
  if (producer->wakes != wakes) return STATUS_INTERRUPTED;
  return in_time ? STATUS_OK : STATUS_TIMED_OUT;
}

/* All batches up to target are settled, and the callbacks for them (where there are any) have run. */
static bool all_reported(const struct producer *producer, uint64_t target, uint64_t *reports_needed) {
  if (accumulator_oldest_number(&producer->accumulator) <= target) return false;
  if (producer->report_mode == DELIVERY_REPORT_QUEUE) return true;
  if (*reports_needed == UINT64_MAX) *reports_needed = producer->reports_due;
  return producer->reports_done >= *reports_needed;
}

static void fill_flush_result(struct producer *producer, uint64_t target, bool complete,
                              struct flush_result *result) {
  const struct accumulator_totals *totals = &producer->accumulator.totals;
  *result = (struct flush_result){
      .pending = complete ? 0 : accumulator_pending_records(&producer->accumulator, target),
      .failed = totals->not_delivered - producer->flushed_not_delivered,
      .unknown = totals->unknown - producer->flushed_unknown,
  };
  if (!complete) return;
  producer->flushed_not_delivered = totals->not_delivered;
  producer->flushed_unknown = totals->unknown;
}

static int32_t leave_with(struct producer *producer, int32_t status) {
  producer_leave(producer);
  return status;
}
