#include "producer/shutdown.h"

#include "base/clock.h"
#include "producer/handle.h"
#include "producer/producer.h"
#include "producer/sender_thread.h"
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

/* What the warning says. */
struct tally {
  uint32_t producers; /* that were open and had records on their way */
  uint64_t pending;   /* records on their way at the beginning */
  uint64_t left;      /* of these, still without an outcome, or aborted */
  char client_id[64]; /* of the first */
};

/* One producer that is being ended. */
struct ending {
  struct producer *producer;
  bool counted;
  uint64_t pending;
};

static uint32_t begin_all(struct ending *endings, int64_t now_us, int64_t *deadline_us, struct tally *tally);
static bool begin(struct ending *ending, struct handle_slot *slot, int64_t now_us, int64_t *deadline_us,
                  struct tally *tally);
static void await(struct ending *ending, int64_t deadline_us, struct tally *tally);
static void print(const struct tally *tally);

void shutdown_all(bool warn) {
  static struct ending endings[HANDLE_MAXIMUM_SLOTS];
  static pthread_mutex_t one_at_a_time = PTHREAD_MUTEX_INITIALIZER;
  if (pthread_mutex_trylock(&one_at_a_time) != 0)
    return; /* exit while a signal is handled, or exit in exit */
  struct tally tally = {0};
  int64_t now_us = clock_monotonic_us(), deadline_us = now_us;
  uint32_t count = begin_all(endings, now_us, &deadline_us, &tally);
  for (uint32_t i = 0; i < count; i++)
    await(&endings[i], deadline_us, &tally);
  if (warn && tally.producers > 0) print(&tally);
  pthread_mutex_unlock(&one_at_a_time);
}

static uint32_t begin_all(struct ending *endings, int64_t now_us, int64_t *deadline_us, struct tally *tally) {
  uint32_t count = 0;
  for (uint32_t i = 0; i < handle_slot_count(); i++)
    if (begin(&endings[count], handle_slot_at(i), now_us, deadline_us, tally)) count++;
  return count;
}

static bool begin(struct ending *ending, struct handle_slot *slot, int64_t now_us, int64_t *deadline_us,
                  struct tally *tally) {
  if (handle_is_forked(slot)) return false;
  pthread_mutex_lock(&slot->lock);
  struct producer *producer = slot->producer;
  bool running = producer != NULL && producer->state != PRODUCER_CLOSED;
  if (running) {
    const struct accumulator_totals *totals = &producer->accumulator.totals;
    *ending = (struct ending){.producer = producer, .pending = totals->accepted - totals->settled};
    ending->counted = producer->state == PRODUCER_OPEN && ending->pending > 0;
    int64_t until_us = clock_add_us(now_us, producer->settings.shutdown_timeout_us);
    if (until_us > *deadline_us) *deadline_us = until_us;
    /* The objects that callbacks use may be gone already. */
    if (!producer->settings.shutdown_callbacks) producer->quiet = true;
    producer_begin_close(producer, until_us);
    producer_use(producer);
    if (ending->counted) {
      if (tally->producers == 0)
        snprintf(tally->client_id, sizeof tally->client_id, "%s", producer->settings.client_id);
      tally->producers++;
      tally->pending += ending->pending;
    }
  }
  pthread_mutex_unlock(&slot->lock);
  return running;
}

static void await(struct ending *ending, int64_t deadline_us, struct tally *tally) {
  struct producer *producer = ending->producer;
  /* exit was called by one of its callbacks: nobody else turns the loop, so this thread does. */
  bool inside = callback_scope_is_in(producer) && pthread_equal(pthread_self(), producer->sender_thread);
  if (inside) sender_thread_drain(producer, deadline_us);
  pthread_mutex_lock(&producer->slot->lock);
  while (!inside && producer->state != PRODUCER_CLOSED && !producer->destroyed)
    if (!condition_wait(&producer->finished, &producer->slot->lock, deadline_us)) break;
  const struct accumulator_totals *totals = &producer->accumulator.totals;
  if (ending->counted) tally->left += totals->accepted - totals->settled + producer->aborted;
  bool join = producer->state == PRODUCER_CLOSED && !producer->sender_joined;
  if (join) producer->sender_joined = true;
  pthread_mutex_unlock(&producer->slot->lock);
  if (join) pthread_join(producer->sender_thread, NULL);
  pthread_mutex_lock(&producer->slot->lock);
  producer_leave(producer);
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
