#include "producer/producer.h"

#include "base/allocator.h"
#include "base/assertion.h"
#include "base/clock.h"
#include "base/lock.h"
#include "base/status.h"
#include "base/transition.h"
#include "producer/exit_guard.h"
#include "producer/fork_guard.h"
#include "producer/memory_waiter.h"
#include "producer/producer_build.h"
#include "producer/report_dispatcher.h"
#include "producer/sender_thread.h"
#include "producer/sync_send.h"

static const bool allowed[PRODUCER_STATE_COUNT][PRODUCER_STATE_COUNT] = {
    [PRODUCER_OPEN] = {[PRODUCER_CLOSING] = true},
    [PRODUCER_CLOSING] = {[PRODUCER_CLOSED] = true},
};

static void release(struct producer *producer, struct batch *batch) REQUIRES(producer_lock);
static int32_t start(struct producer *producer, struct config_error *error);
static void free_in_child(struct producer *producer) NO_THREAD_SAFETY_ANALYSIS;
static void detach_threads(struct producer *producer) REQUIRES(producer_lock);

enum { WALL_CLOCK_EVERY_US = 10000 };

int32_t producer_create(const struct config *config, const struct producer_callbacks *callbacks,
                        void **handle, struct config_error *error) {
  struct producer *producer = allocator_allocate_zeroed(1, sizeof *producer);
  if (producer == NULL) {
    config_error_set(error, "no memory for a producer");
    if (callbacks->release != NULL) callbacks->release(callbacks->user);
    return STATUS_OUT_OF_MEMORY;
  }
  producer->callbacks = *callbacks;
  int32_t status = producer_build(producer, config, error);
  if (status == STATUS_OK) status = fork_guard_install(error);
  if (status == STATUS_OK) status = exit_guard_install(&producer->settings, error);
  if (status == STATUS_OK) status = handle_acquire(&producer->slot, error);
  if (status == STATUS_OK) status = start(producer, error);
  if (status != STATUS_OK) {
    struct handle_slot *slot = producer->slot;
    producer_tear_down(producer);
    if (slot != NULL) handle_release(slot);
    return status;
  }
  *handle = handle_of(producer->slot);
  return STATUS_OK;
}

void producer_destroy(void *handle) {
  struct handle_slot *slot = handle_slot_of(handle);
  if (slot == NULL) return;
  if (handle_is_forked(slot)) {
    free_in_child(handle_end_forked(handle));
    return;
  }
  struct producer *producer;
  if (handle_lock(handle, &producer) != STATUS_OK) return;
  producer_use(producer);
  slot->generation++;
  slot->producer = NULL; /* the handle is stale from here on */
  producer->destroyed = true;
  producer->quiet = true; /* what is still owed is nobody's any more */
  producer_begin_close(producer, clock_monotonic_us());
  detach_threads(producer);
  memory_waiters_wake_all(producer);
  condition_broadcast(&producer->changed);
  condition_broadcast(&producer->reports_arrived);
  condition_broadcast(&producer->finished);
  event_queue_close(&producer->events);
  producer_wake_sender(producer);
  producer_leave(producer);
}

void producer_use(struct producer *producer) {
  producer->users++;
}

void producer_end_use(struct producer *producer) {
  ASSERT(producer->users > 0);
  producer->users--;
}

void producer_leave(struct producer *producer) {
  producer_end_use(producer);
  producer_unlock(producer);
}

void producer_unlock(struct producer *producer) {
  struct handle_slot *slot = producer->slot;
  bool wake = producer->accumulator.wake_needed;
  bool last = producer->users == 0 && producer->destroyed;
  producer->accumulator.wake_needed = false;
  handle_unlock(slot);
  if (wake) handle_wake_target(slot); /* unlocked, or the sender thread would at once wait for the lock */
  if (!last) return;
  producer_tear_down(producer);
  handle_release(slot);
}

void producer_wake_sender(struct producer *producer) {
  producer->accumulator.wake_needed = false;
  if (producer->client != NULL) network_client_wake(producer->client);
}

int64_t producer_wall_ms(struct producer *producer, int64_t now_us) {
  if (now_us - producer->wall_read_us > WALL_CLOCK_EVERY_US || now_us < producer->wall_read_us) {
    producer->wall_read_us = now_us;
    producer->wall_offset_us = clock_wall_ms() * 1000 - now_us;
  }
  return (now_us + producer->wall_offset_us) / 1000;
}

void producer_begin_close(struct producer *producer, int64_t deadline_us) {
  if (producer->state == PRODUCER_OPEN) {
    producer_set_state(producer, PRODUCER_CLOSING);
    producer->close_deadline_us = deadline_us;
    accumulator_begin_cut(&producer->accumulator);
    memory_waiters_wake_all(producer);
  } else if (deadline_us < producer->close_deadline_us) {
    producer->close_deadline_us = deadline_us;
  }
  producer_wake_sender(producer);
}

bool producer_is_finished(const struct producer *producer) {
  bool dispatching = producer->dispatcher_started && !producer->dispatcher_ended;
  return producer->state == PRODUCER_CLOSED && !dispatching;
}

void producer_join_threads(struct producer *producer) {
  bool join_sender = producer->sender_started && !producer->sender_joined;
  bool join_dispatcher = producer->dispatcher_started && !producer->dispatcher_joined;
  producer->sender_joined = true;
  producer->dispatcher_joined = true;
  handle_unlock(producer->slot);
  if (join_sender) pthread_join(producer->sender_thread, NULL);
  if (join_dispatcher) pthread_join(producer->dispatcher_thread, NULL);
  handle_slot_lock(producer->slot);
}

void producer_set_state(struct producer *producer, enum producer_state state) {
  ASSERT(allowed[producer->state][state]);
  transition_note("producer", producer->state, state);
  producer->state = state;
}

bool producer_state_may_change(enum producer_state from, enum producer_state to) {
  return allowed[from][to];
}

int64_t producer_deadline_us(int64_t now_us, int64_t timeout_ms) {
  if (timeout_ms < 0 || timeout_ms > INT64_MAX / 1000) return CLOCK_NEVER_US;
  return clock_add_us(now_us, timeout_ms * 1000);
}

void producer_take_settled(struct producer *producer, struct batch *batch) {
  uint32_t answered = sync_send_answer(batch);
  if (answered > 0) condition_broadcast(&producer->changed);
  bool wanted = producer->report_mode != DELIVERY_REPORT_NONE || batch->entry_bytes == BATCH_WIDE_ENTRY_BYTES;
  if (!wanted || producer->quiet || answered == batch->record_count) {
    release(producer, batch);
    return;
  }
  bool was_empty = producer->reports.unread == 0;
  producer->reports_due += batch->record_count - answered;
  report_queue_add(&producer->reports, batch, answered);
  if (!was_empty) return;
  if (producer->report_mode == DELIVERY_REPORT_QUEUE) waker_wake(&producer->report_waker);
  condition_broadcast(&producer->reports_arrived);
}

void producer_release_batches(struct producer *producer, struct list *finished) {
  while (!list_is_empty(finished)) {
    struct batch *batch = LIST_ENTRY(finished->next, struct batch, queue_node);
    list_remove(&batch->queue_node);
    release(producer, batch);
  }
}

/* Its reports are read (or unwanted): the memory is free as soon as no request refers to it. */
static void release(struct producer *producer, struct batch *batch) {
  batch->reported = true;
  if (batch->in_network) return;
  accumulator_release(&producer->accumulator, batch);
  producer->memory_freed = true;
  if (!list_is_empty(&producer->memory_waiters)) memory_waiters_serve(producer);
}

/* From here on nothing fails: the threads run and the handle is known. */
static int32_t start(struct producer *producer, struct config_error *error) {
  struct handle_slot *slot = producer->slot;
  int32_t status = security_start(producer->security);
  handle_slot_lock(slot);
  if (status == STATUS_OK) status = report_dispatcher_start(producer);
  if (status == STATUS_OK) status = sender_thread_start(producer);
  if (status == STATUS_OK) {
    slot->producer = producer;
    atomic_store(&slot->wake_target, producer->client);
  }
  handle_unlock(slot);
  if (status == STATUS_OK) return status;
  config_error_set(error, "a thread could not be started");
  report_dispatcher_cancel(producer);
  return status;
}

/* The child of a fork has only the forking thread, and the producer may have been in the middle of anything
 * when it was copied: only what is sure to be whole is freed, which is nearly all of the memory. */
static void free_in_child(struct producer *producer) {
  if (producer == NULL) return;
  buffer_pool_destroy(producer->accumulator.pool);
  settings_deinit(&producer->settings);
  if (producer->callbacks.release != NULL) producer->callbacks.release(producer->callbacks.user);
  allocator_free(producer);
}

/* Nobody will join them any more. */
static void detach_threads(struct producer *producer) {
  if (producer->sender_started && !producer->sender_joined) {
    producer->sender_joined = true;
    pthread_detach(producer->sender_thread);
  }
  if (producer->dispatcher_started && !producer->dispatcher_joined) {
    producer->dispatcher_joined = true;
    pthread_detach(producer->dispatcher_thread);
  }
}
