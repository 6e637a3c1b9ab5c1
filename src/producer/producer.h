/* The owner of everything: settings, accumulator, sender, network client, threads, waiting, flush and close.
 *
 * Locks: one per producer, in its handle's slot; it is taken by handle_lock. Functions here that take a
 * struct producer are called with it held unless they say otherwise. Waits release it; `users` keeps the
 * memory while somebody is inside. */
#ifndef PRODUCER_PRODUCER_H
#define PRODUCER_PRODUCER_H

#include "accumulator/accumulator.h"
#include "base/condition.h"
#include "base/list.h"
#include "base/lock.h"
#include "base/log.h"
#include "base/recent_clock.h"
#include "network/network_client.h"
#include "network/waker.h"
#include "producer/callback_scope.h"
#include "producer/config.h"
#include "producer/event_queue.h"
#include "producer/handle.h"
#include "producer/report_queue.h"
#include "producer/security.h"
#include "producer/settings.h"
#include "sender/sender.h"
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* What the host wants to be called with; any may be NULL. */
struct producer_callbacks {
  void *user;
  void (*release)(void *user);
  void (*on_reports)(void *user, const struct report *reports, size_t count);
  void (*on_log)(void *user, int32_t level, const char *line);
  void (*on_thread_start)(void *user, const char *name);
  void (*on_thread_stop)(void *user, const char *name);
  int32_t (*partitioner)(void *user, const char *topic, const void *key, size_t key_bytes, const void *value,
                         size_t value_bytes, int32_t partition_count, int32_t *partition);
  void (*on_token_wanted)(void *user);
};

enum { PRODUCER_REASON_BYTES = 960 };

enum producer_state {
  PRODUCER_OPEN,
  PRODUCER_CLOSING, /* refuses records; the sender thread settles what is there, until close_deadline_us */
  PRODUCER_CLOSED,  /* the sender thread has ended; reports may still be unread */
  PRODUCER_STATE_COUNT,
};

struct producer {
  struct handle_slot *slot;
  struct settings settings;
  struct producer_callbacks callbacks;
  struct lock thread_hooks; /* held in on_thread_start and on_thread_stop: one at a time; taken first */
  enum delivery_report_mode report_mode; /* never AUTO */
  struct log log;
  struct security *security; /* NULL: PLAINTEXT */
  bool has_connected;        /* since last_failure; of the sender thread */
  /* Of a connection, for sendoff_connect. */
  char last_failure[PRODUCER_REASON_BYTES] GUARDED_BY(producer_lock);

  /* Under the lock, but for the conditions and what says otherwise. */
  enum producer_state state GUARDED_BY(producer_lock);
  bool destroyed GUARDED_BY(producer_lock);
  uint32_t users GUARDED_BY(producer_lock); /* threads inside, ours included: the last one out frees */
  struct accumulator accumulator GUARDED_BY(producer_lock);
  struct report_queue reports GUARDED_BY(producer_lock);
  struct list memory_waiters GUARDED_BY(producer_lock); /* struct memory_waiter, in order */
  struct condition changed; /* something that a waiter may look for: see producer_note_change */
  uint32_t change_waiters GUARDED_BY(producer_lock);
  struct condition reports_arrived;               /* for poll and the dispatcher */
  struct condition finished;                      /* the state became CLOSED, or the dispatcher ended */
  uint64_t wakes GUARDED_BY(producer_lock);       /* raised for each sendoff_wake */
  bool memory_freed GUARDED_BY(producer_lock);    /* since waiters were looked at */
  bool calling GUARDED_BY(producer_lock);         /* a report callback is running */
  uint64_t reports_due GUARDED_BY(producer_lock); /* records whose reports were ever queued */
  /* The first so many of them were read, or their callbacks have run. */
  uint64_t reports_done GUARDED_BY(producer_lock);
  uint64_t flushed_not_delivered GUARDED_BY(producer_lock); /* totals at the last completed flush */
  uint64_t flushed_unknown GUARDED_BY(producer_lock);
  int64_t close_deadline_us GUARDED_BY(producer_lock);
  uint64_t aborted GUARDED_BY(producer_lock); /* records settled by the close deadline */
  /* On their way when the process began to end, until that is told. */
  uint64_t unsent_at_exit GUARDED_BY(producer_lock);
  uint64_t lost_before_exit GUARDED_BY(producer_lock); /* settled by then, but not delivered for sure */
  atomic_bool quiet; /* report callbacks are not run any more: destroyed, or at exit */
  /* Wall clock minus monotonic clock, and when it was read. */
  int64_t wall_offset_us GUARDED_BY(producer_lock);
  int64_t wall_read_us GUARDED_BY(producer_lock);
  struct recent_clock recent_clock; /* of those who send */
  struct network_client *client;    /* NULL once closed */
  struct sender *sender;

  struct event_queue events; /* has its own lock */
  struct waker report_waker; /* report mode queue: readable while reports are unread */
  bool report_waker_open;

  pthread_t sender_thread, dispatcher_thread;
  bool sender_started GUARDED_BY(producer_lock);
  bool sender_joined GUARDED_BY(producer_lock);
  bool dispatcher_started GUARDED_BY(producer_lock);
  bool dispatcher_joined GUARDED_BY(producer_lock);
  bool dispatcher_ended GUARDED_BY(producer_lock);
  bool conditions_made;
  bool turning; /* sender thread: in a step or a poll, not between them */
  char thread_name[16];
};

/* STATUS_OK and a handle; or a status, everything freed and callbacks released. Without the lock. */
int32_t producer_create(const struct config *config, const struct producer_callbacks *callbacks,
                        void **handle, struct config_error *error) EXCLUDES(producer_lock);

/* NULL and stale handles are allowed. Without the lock. */
void producer_destroy(void *handle) EXCLUDES(producer_lock);

/* Around a wait, which releases the lock: keeps the producer in memory although it may be destroyed
 * meanwhile. Every use ends before the call does: with producer_end_use and producer_unlock, or
 * producer_leave for both. */
void producer_use(struct producer *producer) REQUIRES(producer_lock);
void producer_end_use(struct producer *producer) REQUIRES(producer_lock);
void producer_leave(struct producer *producer) RELEASE(producer_lock);

/* Ends a call: unlocks, wakes the sender thread if an append asked for it, and frees a destroyed producer
 * when the last one is out. */
void producer_unlock(struct producer *producer) RELEASE(producer_lock);

/* Wakes the sender thread, whether it sleeps or not. */
void producer_wake_sender(struct producer *producer) REQUIRES(producer_lock);

/* The record timestamp for now. */
int64_t producer_wall_ms(struct producer *producer, int64_t now_us) REQUIRES(producer_lock);

/* Starts to close: no more records, settle by deadline_us. Again: only an earlier deadline changes anything.
 */
void producer_begin_close(struct producer *producer, int64_t deadline_us) REQUIRES(producer_lock);

/* The state is CLOSED, and all reports that go to callbacks have been given. */
bool producer_is_finished(const struct producer *producer) REQUIRES(producer_lock);
/* Of a finished producer: waits until its threads, which have nothing left to do, are gone; the first caller
 * does. Releases the lock meanwhile. Not from a callback. */
void producer_join_threads(struct producer *producer) REQUIRES(producer_lock);

void producer_set_state(struct producer *producer, enum producer_state state) REQUIRES(producer_lock);
bool producer_state_may_change(enum producer_state from, enum producer_state to);

/* now + timeout_ms; -1 is never. */
int64_t producer_deadline_us(int64_t now_us, int64_t timeout_ms);

/* A settled batch, from the sender: to the reports queue, or freed. */
void producer_take_settled(struct producer *producer, struct batch *batch) REQUIRES(producer_lock);

/* Gives back the memory of batches whose reports are read. */
void producer_release_batches(struct producer *producer, struct list *finished) REQUIRES(producer_lock);

#endif
