#include "producer/shutdown.h"

#include "base/clock.h"
#include "base/lock.h"
#include "producer/handle.h"
#include "producer/producer.h"
#include "producer/sender_thread.h"
#include "security/security_library.h"
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

/* The sender sees by itself that its time is up. Then it closes its connections, and what it does that with
 * ends itself in exit handlers that come after ours. */
enum { LIBRARIES_GRACE_US = 2000000 };

/* What the warning says. */
struct tally {
  uint32_t producers; /* that were open and had records on their way */
  uint64_t pending;   /* records on their way at the beginning */
  uint64_t left;      /* of these, still without an outcome, or not delivered for sure */
  char client_id[64]; /* of the first */
};

static void begin(struct handle_slot *slot, int64_t now_us, int64_t *deadline_us);
static void leave_partitioner(struct handle_slot *slot) NO_THREAD_SAFETY_ANALYSIS;
static void await(struct handle_slot *slot, int64_t deadline_us);
static void await_finish(struct producer *producer, int64_t deadline_us) REQUIRES(producer_lock);
static bool is_on(const struct producer *producer, bool started, pthread_t thread);
static void tell(struct handle_slot *slot, struct tally *tally);
static void print(const struct tally *tally);

/* Two threads may be here, such as an exit while a signal is handled: both wait, and what is to be told is
 * told by the first that is done. */
void shutdown_all(void) {
  struct tally tally = {0};
  int64_t now_us = clock_monotonic_us(), deadline_us = now_us;
  for (uint32_t i = 0; i < handle_slot_count(); i++)
    begin(handle_slot_at(i), now_us, &deadline_us);
  for (uint32_t i = 0; i < handle_slot_count(); i++)
    await(handle_slot_at(i), deadline_us);
  for (uint32_t i = 0; i < handle_slot_count(); i++)
    tell(handle_slot_at(i), &tally);
  if (tally.producers > 0) print(&tally);
}

static void begin(struct handle_slot *slot, int64_t now_us, int64_t *deadline_us) {
  if (handle_is_forked(slot)) return;
  leave_partitioner(slot);
  handle_slot_lock(slot);
  struct producer *producer = slot->producer;
  if (producer != NULL && producer->state != PRODUCER_CLOSED) {
    const struct accumulator_totals *totals = &producer->accumulator.totals;
    if (producer->state == PRODUCER_OPEN) {
      producer->unsent_at_exit = totals->accepted - totals->settled;
      producer->lost_before_exit = totals->not_delivered + totals->unknown;
    }
    int64_t until_us = clock_add_us(now_us, producer->settings.shutdown_timeout_us);
    if (until_us > *deadline_us) *deadline_us = until_us;
    /* The objects that callbacks use may be gone already. A queue is read by who wants to. */
    bool by_callback = producer->report_mode != DELIVERY_REPORT_QUEUE;
    if (by_callback && !producer->settings.shutdown_callbacks) producer->quiet = true;
    producer_begin_close(producer, until_us);
  }
  handle_unlock(slot);
}

/* Where exit was called by a partitioner: what it was asked for is never answered, so it needs no lock. */
static void leave_partitioner(struct handle_slot *slot) {
  if (callback_scope_holds(&slot->lock)) handle_unlock(slot);
}

static void await(struct handle_slot *slot, int64_t deadline_us) {
  if (handle_is_forked(slot)) return;
  handle_slot_lock(slot);
  struct producer *producer = slot->producer;
  if (producer == NULL || producer->state == PRODUCER_OPEN) { /* open: made since, and not ours to end */
    handle_unlock(slot);
    return;
  }
  producer_use(producer);
  if (is_on(producer, producer->sender_started, producer->sender_thread)) {
    /* exit was called by one of its callbacks: nobody else turns the loop, so this thread does. */
    handle_unlock(slot);
    sender_thread_drain(producer);
    handle_slot_lock(slot);
  } else {
    await_finish(producer, deadline_us);
  }
  producer_leave(producer);
}

/* Until the threads have ended, the dispatcher too: what its callback uses is about to go. */
static void await_finish(struct producer *producer, int64_t deadline_us) {
  bool on_dispatcher = is_on(producer, producer->dispatcher_started, producer->dispatcher_thread);
  bool in_time = true;
  if (security_library_count() > 0) deadline_us = clock_add_us(deadline_us, LIBRARIES_GRACE_US);
  while (in_time && !producer->destroyed && !producer_is_finished(producer) &&
         !(on_dispatcher && producer->state == PRODUCER_CLOSED))
    in_time = handle_slot_wait(producer->slot, &producer->finished, deadline_us);
  if (producer_is_finished(producer)) producer_join_threads(producer);
}

/* Whether the caller is this thread of the producer's, inside a callback. */
static bool is_on(const struct producer *producer, bool started, pthread_t thread) {
  return started && callback_scope_is_in(producer) && pthread_equal(pthread_self(), thread);
}

static void tell(struct handle_slot *slot, struct tally *tally) {
  if (handle_is_forked(slot)) return;
  handle_slot_lock(slot);
  struct producer *producer = slot->producer;
  if (producer != NULL && producer->unsent_at_exit > 0) {
    const struct accumulator_totals *totals = &producer->accumulator.totals;
    if (tally->producers == 0)
      snprintf(tally->client_id, sizeof tally->client_id, "%s", producer->settings.client_id);
    tally->producers++;
    tally->pending += producer->unsent_at_exit;
    uint64_t lost = totals->not_delivered + totals->unknown - producer->lost_before_exit;
    tally->left += totals->accepted - totals->settled + lost;
    producer->unsent_at_exit = 0;
  }
  handle_unlock(slot);
}

static void print(const struct tally *tally) {
  char line[320];
  int bytes = snprintf(
      line, sizeof line,
      "sendoff: %u producer%s (\"%s\"%s) not closed before exit; of %llu records on their way %llu %s\n",
      tally->producers, tally->producers == 1 ? " was" : "s were", tally->client_id,
      tally->producers == 1 ? "" : " and others", (unsigned long long)tally->pending,
      (unsigned long long)tally->left, tally->left == 0 ? "were lost: all were sent" : "may be lost");
  if (bytes > 0 && write(STDERR_FILENO, line, (size_t)bytes) < 0) return; /* nobody to tell */
}
