/* Collects records into batches per partition, in wire format, until the sender drains them.
 *
 * Knows records, batches and the buffer pool; no sockets, no requests, no clock and no lock: the producer's
 * lock protects every call, `now_us` is an argument, and nothing here waits. Batches leave by
 * accumulator_drain and belong to the sender from then on; they come back by accumulator_settle, and their
 * memory by accumulator_release. */
#ifndef ACCUMULATOR_ACCUMULATOR_H
#define ACCUMULATOR_ACCUMULATOR_H

#include "accumulator/batch.h"
#include "accumulator/buffer_pool.h"
#include "accumulator/topic.h"
#include "base/list.h"
#include "base/random.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct accumulator_settings {
  size_t buffer_bytes;    /* of all batches */
  size_t partition_bytes; /* the most that one partition may hold */
  size_t batch_bytes;     /* a batch is full at this size */
  uint32_t batch_records; /* or with this many records */
  size_t max_request_bytes;
  int64_t linger_us;
  struct partitioner_settings partitioner;
  size_t sender_topic_bytes, sender_partition_bytes; /* see topic_registry */
  uint64_t seed;
};

/* Totals since the beginning. */
struct accumulator_totals {
  uint64_t accepted, accepted_bytes;
  uint64_t delivered, not_delivered, unknown, unacknowledged;
  uint64_t settled;
};

struct accumulator {
  struct accumulator_settings settings;
  struct buffer_pool *pool;
  struct topic_registry registry;
  struct random random;
  size_t largest_block_bytes; /* of a batch without an oversized record */

  struct list incomplete; /* every batch without outcome, ascending by number */
  struct list lingering;  /* partitions by partition_state */
  struct list ready;
  struct list staged_topics; /* topics with staged batches */
  struct list wanted;        /* topics that the sender shall ask about */
  size_t staged_bytes;
  uint32_t cutting;        /* flushes and synchronous sends under way: nothing lingers */
  bool memory_is_reserved; /* others wait for memory: appends may fill what is there, but take no block */
  uint32_t memory_waiters; /* threads that wait for memory: nothing lingers */

  uint64_t last_number;
  uint64_t cut_number;         /* batches up to this one do not linger: somebody began a flush after them */
  int64_t last_created_us;     /* of the youngest batch: incomplete ascends by creation as well */
  int64_t shortest_timeout_us; /* of all topics: no batch expires earlier after its creation */
  int64_t next_expiry_us;      /* at or before the first deadline of an incomplete batch */
  struct batch *free_batches;  /* linked by next_free */
  struct list slabs;
  struct accumulator_totals totals;

  bool unstage_is_stalled; /* staged records wait for memory that a release may bring */
  bool unstage_is_due;     /* one came: the sender shall try again */
  int64_t sleep_until_us;  /* the sender sleeps until then; INT64_MIN: it is awake */
  bool wake_needed;        /* set when it must be woken; the caller clears it and wakes outside the lock */
};

/* One record to append. */
struct append {
  struct topic *topic;
  int32_t partition; /* -1: the partitioner chooses */
  struct record record;
  int64_t timestamp_ms; /* 0 or more */
  uint64_t opaque;
  record_callback callback;
  void *user;
};

int32_t accumulator_init(struct accumulator *accumulator, const struct accumulator_settings *settings);
void accumulator_deinit(struct accumulator *accumulator);

/* The topic of a name, made at its first use. STATUS_OK, STATUS_OUT_OF_MEMORY. The name has been checked.
 * options are taken when the topic is made. */
int32_t accumulator_topic(struct accumulator *accumulator, struct bytes name,
                          const struct topic_options *options, struct topic **topic);

/* Accepts a record or says why not: STATUS_OK, BUFFER_FULL, PARTITION_BUFFER_FULL, RECORD_TOO_LARGE,
 * PARTITION_OUT_OF_RANGE, PARTITIONER_FAILED, OUT_OF_MEMORY. Nothing has changed when it is not OK. */
int32_t accumulator_append(struct accumulator *accumulator, const struct append *append, int64_t now_us);

/* Whether a record whose key, value and headers are record_bytes would find memory now. */
bool accumulator_has_space(const struct accumulator *accumulator, size_t record_bytes);

/* ---- linger and flush ---- */

/* Between these nothing lingers; what was accepted before the first of them does not afterwards either. */
void accumulator_begin_cut(struct accumulator *accumulator);
void accumulator_end_cut(struct accumulator *accumulator);
/* The same while threads wait for memory. */
void accumulator_begin_wait(struct accumulator *accumulator);
void accumulator_end_wait(struct accumulator *accumulator);

/* The youngest batch's number: a flush waits until accumulator_oldest_number is above it. */
uint64_t accumulator_youngest_number(const struct accumulator *accumulator);
/* UINT64_MAX when all batches are settled. */
uint64_t accumulator_oldest_number(const struct accumulator *accumulator);
/* Records in unsettled batches up to this number. */
uint64_t accumulator_pending_records(const struct accumulator *accumulator, uint64_t up_to_number);

/* ---- the sender's side ---- */

/* Moves partitions whose linger is over to ready. */
void accumulator_advance(struct accumulator *accumulator, int64_t now_us);

/* The next ready partition, now TAKEN; NULL if there is none. */
struct partition *accumulator_take(struct accumulator *accumulator);

/* The next batch of a TAKEN partition that may be sent now, SEALED; NULL if there is none. */
struct batch *accumulator_peek(struct accumulator *accumulator, struct partition *partition, int64_t now_us);
/* Removes what accumulator_peek returned from the queue: it is the sender's. */
void accumulator_drain(struct accumulator *accumulator, struct batch *batch);

/* Ends TAKEN: the partition lingers, is ready or idle by what it holds. */
void accumulator_give_back(struct accumulator *accumulator, struct partition *partition, int64_t now_us);

/* Finds the batches whose delivery timeout has passed: unsent ones leave their queues and are appended to
 * `unsent`, to be settled by the caller; for each sent one `on_sent` is called, once (the sender settles it
 * in its own time). */
void accumulator_expire(struct accumulator *accumulator, int64_t now_us, struct list *unsent,
                        void (*on_sent)(void *context, struct batch *batch), void *context);
/* No batch expires before this. */
int64_t accumulator_next_expiry_us(const struct accumulator *accumulator);

/* All unsent batches, of `topic` only unless that is NULL (and then, with staged_only, those without
 * partition only), leave their queues and are appended to `unsent`, to be settled by the caller. */
void accumulator_abort(struct accumulator *accumulator, const struct topic *topic, bool staged_only,
                       struct list *unsent);

/* A broker found a batch of batch_bytes too large: the topic's next ones are half as large. */
void accumulator_shrink_batches(struct accumulator *accumulator, struct topic *topic, size_t batch_bytes);

/* Tells how many partitions a topic has: the first time, or more than before. STATUS_OK,
 * STATUS_OUT_OF_MEMORY. */
int32_t accumulator_set_partition_count(struct accumulator *accumulator, struct topic *topic, int32_t count,
                                        int64_t now_us);

/* The topic was made anew: the next count may be smaller. What is queued for partitions beyond it stays. */
void accumulator_forget_partition_count(struct topic *topic);

/* Moves staged records of a topic whose partitions are known to their partitions, as far as memory allows.
 * Records that cannot go anywhere leave as settled batches appended to `settled`. True when nothing is staged
 * any more. */
bool accumulator_unstage(struct accumulator *accumulator, struct topic *topic, struct list *settled,
                         int64_t now_us);

/* Registers a batch made by batch_split next to the one it came from. */
void accumulator_adopt_split(struct accumulator *accumulator, const struct batch *head, struct batch *tail);
/* A zeroed batch struct, NULL without memory; and back, for one that was not adopted. */
struct batch *accumulator_allocate_batch(struct accumulator *accumulator);
void accumulator_return_batch(struct accumulator *accumulator, struct batch *batch);

/* Takes a settled batch out of the books: totals, flush. */
void accumulator_settle(struct accumulator *accumulator, struct batch *batch);

/* Frees a settled, reported batch that no request refers to. */
void accumulator_release(struct accumulator *accumulator, struct batch *batch);

/* Asks the sender to look at a topic's metadata. */
void accumulator_want_metadata(struct accumulator *accumulator, struct topic *topic);
/* It has looked. What was wanted since and not yet taken from `wanted` stays so. */
void accumulator_end_want_metadata(struct topic *topic);

/* Called by the sender with the lock before it sleeps: until when it may (now_us: not at all). */
int64_t accumulator_prepare_sleep(struct accumulator *accumulator, int64_t deadline_us, int64_t now_us);
void accumulator_end_sleep(struct accumulator *accumulator);
/* There is something to do for the sender at due_us: wakes it if it would sleep beyond. AT_ONCE is before any
 * time. */
#define ACCUMULATOR_AT_ONCE_US (INT64_MIN + 1)
void accumulator_note_work(struct accumulator *accumulator, int64_t due_us);

#endif
