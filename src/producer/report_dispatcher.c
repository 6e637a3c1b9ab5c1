#include "producer/report_dispatcher.h"

#include "base/clock.h"
#include "base/lock.h"
#include "base/status.h"
#include "base/thread.h"
#include "producer/sender_thread.h"

enum { REPORTS_PER_CALL = 256 };

static const char *const dispatcher_name = "sendoff-reports";

static void *run(void *argument);
static void call_for_batch(struct producer *producer, const struct batch *batch);
static void call_with(struct producer *producer, const struct report *reports,
                      const struct report_callback *callbacks, size_t count);

int32_t report_dispatcher_start(struct producer *producer) {
  if (producer->report_mode != DELIVERY_REPORT_DISPATCHER) return STATUS_OK;
  producer_use(producer);
  int32_t status = thread_start(&producer->dispatcher_thread, run, producer);
  if (status == STATUS_OK) {
    producer->dispatcher_started = true;
  } else {
    producer->users--;
  }
  return status;
}

void report_dispatcher_cancel(struct producer *producer) {
  handle_slot_lock(producer->slot);
  if (!producer->dispatcher_started) {
    handle_unlock(producer->slot);
    return;
  }
  producer_set_state(producer, PRODUCER_CLOSING);
  producer_set_state(producer, PRODUCER_CLOSED);
  condition_broadcast(&producer->reports_arrived);
  handle_unlock(producer->slot);
  pthread_join(producer->dispatcher_thread, NULL);
}

bool report_dispatcher_call(struct producer *producer) {
  if (producer->report_mode == DELIVERY_REPORT_QUEUE) return true;
  handle_slot_lock(producer->slot);
  while (!list_is_empty(&producer->reports.batches)) {
    struct list taken;
    list_init(&taken);
    list_append_all(&taken, &producer->reports.batches);
    uint64_t count = producer->reports.unread;
    producer->reports.unread = 0;
    producer->calling = true;
    handle_unlock(producer->slot);
    for (struct list *node = taken.next; node != &taken; node = node->next)
      call_for_batch(producer, LIST_ENTRY(node, struct batch, queue_node));
    if (handle_is_forked(producer->slot)) return false;
    handle_slot_lock(producer->slot);
    producer->calling = false;
    producer->reports_done += count;
    producer_release_batches(producer, &taken);
  }
  handle_unlock(producer->slot);
  return true;
}

static void *run(void *argument) {
  struct producer *producer = argument;
  handle_slot_lock(producer->slot);
  handle_unlock(producer->slot);
  library_thread_entered(producer, dispatcher_name);
  for (bool ended = false; !ended;) {
    if (!report_dispatcher_call(producer)) return NULL;
    handle_slot_lock(producer->slot);
    if (producer->change_waiters > 0) condition_broadcast(&producer->changed);
    if (!list_is_empty(&producer->accumulator.staged_topics))
      producer_wake_sender(producer); /* more of them may fit now */
    if (list_is_empty(&producer->reports.batches)) {
      ended = producer->state == PRODUCER_CLOSED;
      if (!ended) handle_slot_wait(producer->slot, &producer->reports_arrived, CLOCK_NEVER_US);
    }
    handle_unlock(producer->slot);
  }
  library_thread_leaving(producer, dispatcher_name);
  handle_slot_lock(producer->slot);
  producer->dispatcher_ended = true;
  condition_broadcast(&producer->changed);
  condition_broadcast(&producer->finished);
  producer_leave(producer);
  return NULL;
}

static void call_for_batch(struct producer *producer, const struct batch *batch) {
  struct report reports[REPORTS_PER_CALL];
  struct report_callback callbacks[REPORTS_PER_CALL];
  bool wide = batch->entry_bytes == BATCH_WIDE_ENTRY_BYTES;
  uint32_t next = 0;
  while (next < batch->record_count && !producer->quiet) {
    size_t count = report_batch_read(batch, &next, reports, wide ? callbacks : NULL, REPORTS_PER_CALL);
    if (count > 0) call_with(producer, reports, wide ? callbacks : NULL, count);
  }
}

static void call_with(struct producer *producer, const struct report *reports,
                      const struct report_callback *callbacks, size_t count) {
  struct callback_scope scope;
  callback_scope_enter(&scope, producer, NULL);
  bool wanted = producer->report_mode != DELIVERY_REPORT_NONE && producer->callbacks.on_reports != NULL;
  if (wanted) producer->callbacks.on_reports(producer->callbacks.user, reports, count);
  for (size_t i = 0; callbacks != NULL && i < count && !producer->quiet; i++)
    if (callbacks[i].function != NULL) callbacks[i].function(callbacks[i].user, &reports[i]);
  callback_scope_leave(&scope);
}
