/* One partition's bookkeeping (sender_partition) against the rules by which a broker knows a producer: what
 * is sent goes into the pipe of one connection, and the test says what becomes of each request. Requests of
 * cut connections live on as stragglers, which the broker may still handle at any later time.
 *
 * Records are numbered from 0 in the order in which they were accepted; the log holds numbers. At the end
 * partition_world_verify compares every outcome with the log. */
#ifndef SUPPORT_PARTITION_WORLD_H
#define SUPPORT_PARTITION_WORLD_H

#include "base/random.h"
#include "broker/producer_state.h"
#include "sender/sender_partition.h"

enum {
  WORLD_RECORDS_MAX = 256,
  WORLD_BATCHES_MAX = 256,
  WORLD_REQUESTS_MAX = 512,
  WORLD_IN_FLIGHT = 5,
};

/* What happens to a request. Those that are lost, and the ones behind them, get no answer. */
enum fate {
  FATE_OK,             /* handled, and the verdict answered */
  FATE_REFUSED,        /* not handled; an error that says so */
  FATE_LEADERLESS,     /* not handled; an error that leaves it open */
  FATE_TIMED_OUT,      /* handled; an error that leaves it open, unless it was out of order */
  FATE_LOST_AFTER,     /* handled, the connection is cut before the answer */
  FATE_LOST_BEFORE,    /* the connection is cut before the broker had it whole */
  FATE_STRAGGLER,      /* the connection is cut, the broker still has it to handle */
  FATE_ORDINARY_COUNT, /* those above end with every record delivered */
  FATE_TOO_LARGE,      /* refused, to be split */
  FATE_INVALID,        /* refused for good */
  FATE_BROKEN_BEFORE,  /* not handled; an error for good that leaves it open */
  FATE_BROKEN_AFTER,   /* the same, but handled */
  FATE_FORGOTTEN,      /* not handled, UNKNOWN_PRODUCER_ID */
  FATE_FENCED,         /* not handled, INVALID_PRODUCER_EPOCH */
  FATE_COUNT,
};

/* A batch as it was sent. */
struct world_request {
  struct batch *batch;
  struct producer_batch_identity identity;
  uint64_t first_record;
};

struct world_record {
  enum outcome outcome;
  int32_t status;
  int64_t offset;
  uint32_t reports;
  bool may_be_written;
};

struct partition_world {
  struct sender_partition partition;
  struct sender_partition_context context;
  struct list settled;
  uint64_t outcomes_resolved, epochs_raised;
  struct partition queue;
  struct topic topic;
  bool idempotent;

  struct producer_state broker;
  int64_t next_producer_id;
  struct sender_partition_leader_state stale; /* what the broker had at partition_world_note_state */
  uint64_t log[WORLD_RECORDS_MAX];
  uint32_t log_count;

  struct world_request pipe[WORLD_REQUESTS_MAX], stragglers[WORLD_REQUESTS_MAX];
  uint32_t pipe_at, pipe_end, straggler_at, straggler_end;
  struct batch *batches[WORLD_BATCHES_MAX];
  uint32_t batch_count;
  struct world_record records[WORLD_RECORDS_MAX];
  uint64_t record_count;
  int64_t last_delivered; /* record number, -1: none */
};

/* Idempotent, retries without limit, producer id 7 at the first need. */
void partition_world_init(struct partition_world *world);
void partition_world_deinit(struct partition_world *world);

/* A batch of so many records that the accumulator would hand over; the caller sends it. */
struct batch *partition_world_make(struct partition_world *world, uint32_t record_count);
/* Takes the batch over and puts it into the pipe, after an identity was given if one is needed. */
void partition_world_send_new(struct partition_world *world, struct batch *batch);
/* Sends what is to be sent again, as far as may be, then new batches of record_count records up to
 * *new_count.
 */
void partition_world_send_all(struct partition_world *world, uint32_t record_count, uint32_t *new_count);

/* The oldest request in the pipe meets its fate. False if there is none. */
bool partition_world_meet(struct partition_world *world, enum fate fate);
/* The broker handles the oldest straggler. False if there is none. */
bool partition_world_straggle(struct partition_world *world);
/* The oldest request in the pipe is refused for its sequence by a broker that leads no longer: ours never saw
 * it. False if there is none. */
bool partition_world_refuse(struct partition_world *world);
/* The leader that refused all leads indeed (with context.confirms). */
void partition_world_confirm(struct partition_world *world);
/* The broker restarts. */
void partition_world_reload(struct partition_world *world);
/* The delivery timeout of the oldest batch without outcome passes. False if there is none. */
bool partition_world_expire(struct partition_world *world);

/* What becomes of the partition's question to its leader. */
enum reply {
  REPLY_TRUTH, /* what the broker has */
  REPLY_STALE, /* what it had once: a replica that is behind */
  REPLY_NONE,  /* it does not tell */
  REPLY_LOST,  /* it is to be asked again, if that was not tried too often */
  REPLY_COUNT,
};

/* If the partition asks (with context.asks), it gets its reply. False if it has no question. */
bool partition_world_reply(struct partition_world *world, enum reply reply);
/* The same with an answer of the test's own. */
void partition_world_tell(struct partition_world *world, struct sender_partition_leader_state state);
/* What the broker has now becomes what REPLY_STALE tells. */
void partition_world_note_state(struct partition_world *world);

/* Everything goes well from now on: sends and answers until all sent batches are settled, then lets the last
 * stragglers arrive. Fails the test if that does not come to an end. */
void partition_world_heal(struct partition_world *world);

/* Every record has one report that the log agrees with, the log is in order and without duplicates. Once
 * there was a second producer id, which does not fence the first, a record of unknown outcome may stand
 * anywhere. */
void partition_world_verify(const struct partition_world *world);
/* How many records ended so. */
uint64_t partition_world_count(const struct partition_world *world, enum outcome outcome);

#endif
