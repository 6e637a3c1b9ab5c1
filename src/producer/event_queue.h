/* Rare events for hosts that take no callback from a foreign thread: log lines, throttling, fatal errors.
 * Bounded: when it is full the oldest event gives way, and a count says how many were lost. Has a lock of its
 * own, the last in the lock order, because log lines come from any thread, with or without the producer's
 * lock. */
#ifndef PRODUCER_EVENT_QUEUE_H
#define PRODUCER_EVENT_QUEUE_H

#include "base/condition.h"
#include "base/list.h"
#include "base/lock.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum event_kind {
  EVENT_LOG = 1,
  EVENT_FATAL = 2,
  EVENT_THROTTLED = 3,
  EVENT_LOST = 4,
  EVENT_AUTHENTICATION_FAILED = 5,
};

enum { EVENT_TEXT_BYTES = 1024 };

struct event {
  enum event_kind kind;
  int32_t status;
  int32_t broker; /* -1: none */
  int64_t number;
  char text[EVENT_TEXT_BYTES];
};

LOCK_ROLE(event_queue_guard);

/* Invariant: count <= capacity. All fields under lock. */
struct event_queue {
  struct lock lock;
  struct condition arrived;
  struct list events GUARDED_BY(event_queue_guard);
  uint32_t count GUARDED_BY(event_queue_guard);
  uint32_t capacity;
  uint64_t lost GUARDED_BY(event_queue_guard);
  uint64_t wakes GUARDED_BY(event_queue_guard); /* raised by event_queue_wake */
  bool closed GUARDED_BY(event_queue_guard);
};
LOCK_GUARD(event_queue_guard, event_queue, lock);

int32_t event_queue_init(struct event_queue *queue, uint32_t capacity);
void event_queue_deinit(struct event_queue *queue);

/* Without memory the event counts as lost. text may be NULL. */
void event_queue_add(struct event_queue *queue, enum event_kind kind, int32_t status, int32_t broker,
                     int64_t number, const char *text) EXCLUDES(event_queue_guard);

/* Takes the oldest event; waits for one. STATUS_OK, TIMED_OUT, INTERRUPTED (woken), CLOSED (closed and
 * empty). */
int32_t event_queue_take(struct event_queue *queue, struct event *event, int64_t deadline_us)
    EXCLUDES(event_queue_guard);

/* Ends the waits under way. */
void event_queue_wake(struct event_queue *queue) EXCLUDES(event_queue_guard);

/* No more events come: waits end once all are read. */
void event_queue_close(struct event_queue *queue) EXCLUDES(event_queue_guard);

#endif
