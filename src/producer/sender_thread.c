#include "producer/sender_thread.h"

#include "base/clock.h"
#include "base/lock.h"
#include "base/status.h"
#include "base/thread.h"
#include "producer/memory_waiter.h"
#include "producer/report_dispatcher.h"

static void *run(void *argument);
static bool turn(struct producer *producer, bool may_call);
static bool look_after_waiters(struct producer *producer, int64_t now_us, int64_t *deadline_us)
    REQUIRES(producer_lock);
static void take_wake(struct producer *producer) REQUIRES(producer_lock);
static void finish(struct producer *producer);
static int64_t clock_of(void *context);

int32_t sender_thread_start(struct producer *producer) {
  producer_use(producer);
  int32_t status = thread_start(&producer->sender_thread, run, producer);
  if (status == STATUS_OK) {
    producer->sender_started = true;
  } else {
    producer->users--;
  }
  return status;
}

void sender_thread_drain(struct producer *producer) {
  /* From a log callback in the middle of a turn, or from the last callbacks of all, there is no way on. */
  if (producer->turning || producer->client == NULL) return;
  while (turn(producer, false)) {
  }
}

void library_thread_entered(struct producer *producer, const char *name) {
  thread_set_name(name);
  if (producer->callbacks.on_thread_start == NULL) return;
  struct callback_scope scope;
  lock_acquire(&producer->thread_hooks);
  callback_scope_enter(&scope, producer, NULL);
  producer->callbacks.on_thread_start(producer->callbacks.user, name);
  callback_scope_leave(&scope);
  lock_release(&producer->thread_hooks);
}

void library_thread_leaving(struct producer *producer, const char *name) {
  if (producer->callbacks.on_thread_stop == NULL) return;
  struct callback_scope scope;
  lock_acquire(&producer->thread_hooks);
  callback_scope_enter(&scope, producer, NULL);
  producer->callbacks.on_thread_stop(producer->callbacks.user, name);
  callback_scope_leave(&scope);
  lock_release(&producer->thread_hooks);
}

static void *run(void *argument) {
  struct producer *producer = argument;
  handle_slot_lock(producer->slot); /* create has ended when this is ours */
  handle_unlock(producer->slot);
  library_thread_entered(producer, producer->thread_name);
  while (turn(producer, true)) {
  }
  if (!handle_is_forked(producer->slot)) finish(producer);
  return NULL;
}

/* One turn of the loop; false when the producer is to end. */
static bool turn(struct producer *producer, bool may_call) {
  producer->turning = true;
  int64_t now_us = clock_monotonic_us();
  int64_t deadline_us = sender_step(producer->sender, now_us);
  producer->turning = false;
  bool calls = may_call && producer->report_mode != DELIVERY_REPORT_DISPATCHER;
  if (calls && !report_dispatcher_call(producer)) return false;
  if (calls) now_us = clock_monotonic_us(); /* the host may have taken its time */
  handle_slot_lock(producer->slot);
  bool more = look_after_waiters(producer, now_us, &deadline_us);
  handle_unlock(producer->slot);
  if (!more) return false;
  int64_t security_us = security_tick(producer->security, now_us);
  if (security_us < deadline_us) deadline_us = security_us;
  producer->turning = true;
  network_client_poll(producer->client, now_us, deadline_us, clock_of, NULL);
  producer->turning = false;
  return true;
}

/* Lets those go on whose time has come; false when all is settled and closed, or the time for that is up. */
static bool look_after_waiters(struct producer *producer, int64_t now_us, int64_t *deadline_us) {
  take_wake(producer);
  if (!list_is_empty(&producer->memory_waiters)) memory_waiters_serve(producer);
  if (producer->memory_freed && !list_is_empty(&producer->accumulator.staged_topics))
    *deadline_us = now_us; /* more of them fits now */
  producer->memory_freed = false;
  if (producer->change_waiters > 0) condition_broadcast(&producer->changed);
  if (producer->state != PRODUCER_CLOSING) return true;
  if (accumulator_oldest_number(&producer->accumulator) == UINT64_MAX) return false;
  if (now_us >= producer->close_deadline_us) return false;
  if (producer->close_deadline_us < *deadline_us) *deadline_us = producer->close_deadline_us;
  return true;
}

static void take_wake(struct producer *producer) {
  if (!atomic_exchange(&producer->slot->wake_requested, false)) return;
  producer->wakes++;
  condition_broadcast(&producer->changed);
  condition_broadcast(&producer->reports_arrived);
  memory_waiters_wake_all(producer);
  event_queue_wake(&producer->events);
  struct token_source *tokens = security_host_tokens(producer->security);
  if (tokens != NULL) token_source_wake(tokens);
}

/* Settles what is left, closes the connections, hands out the last reports. */
static void finish(struct producer *producer) {
  handle_slot_lock(producer->slot);
  struct network_client *client = producer->client;
  uint64_t settled = producer->accumulator.totals.settled;
  handle_unlock(producer->slot);
  sender_abort(producer->sender, clock_monotonic_us());
  handle_slot_lock(producer->slot);
  producer->aborted = producer->accumulator.totals.settled - settled;
  producer->client = NULL; /* nobody wakes it from here on */
  handle_unlock(producer->slot);
  handle_end_wakes(producer->slot);
  security_end_loading(producer->security);
  network_client_destroy(client);
  sender_publish(producer->sender);
  if (producer->report_mode != DELIVERY_REPORT_DISPATCHER && !report_dispatcher_call(producer)) return;
  security_close(producer->security); /* behind the reports: a fetch under way takes a moment to end */
  event_queue_close(&producer->events);
  library_thread_leaving(producer, producer->thread_name);
  handle_slot_lock(producer->slot);
  producer_set_state(producer, PRODUCER_CLOSED);
  if (producer->report_waker_open) waker_wake(&producer->report_waker); /* readable for ever */
  memory_waiters_wake_all(producer);
  condition_broadcast(&producer->changed);
  condition_broadcast(&producer->reports_arrived);
  condition_broadcast(&producer->finished);
  producer_leave(producer);
}

static int64_t clock_of(void *context) {
  (void)context;
  return clock_monotonic_us();
}
