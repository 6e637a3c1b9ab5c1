/* What has been sent to one partition and is not settled: order, identity, and what each answer means.
 *
 * This is where "nothing lost, nothing twice" is decided. The rules (KIP-98, KIP-360, and how brokers behave
 * as measured):
 *  - A broker accepts a batch if its base sequence follows the last one it wrote, or recognises it if its
 * range is exactly one of the last five written (after a restart of the broker: of the last one). Anything
 * else is OUT_OF_ORDER.
 *  - So OUT_OF_ORDER on a batch that an earlier attempt may have written says nothing; but the youngest
 * written batch is always recognised. Walking forward through the unsettled batches, the first success
 * therefore settles the held ones before it as delivered; if none succeeds, none of them is in the log.
 *  - That rests on brokers noticing gaps, which they do only where they know the producer: the first batch
 * under an identity is accepted whatever its sequence. So it travels alone, until it is acknowledged; and so
 * does the first one after a long silence, when brokers may have forgotten the producer.
 *  - And on answers in order of sequence: no batch is sent while a younger one is in flight.
 *  - Before the walk the leader is asked which sequence it wrote last (outcome_query.h), where that is
 * allowed. The batch that ends there is sent again, since its answer waits for replication as that of a new
 * one does; then those above it as they are. Those below are settled by that success, and by nothing else.
 * So that there is a moment to ask, the first batch after lost answers travels alone.
 *  - A leader that was deposed and has not heard of it refuses what its successor wrote. So before a walk
 * without success leaves an outcome unknown, another broker has to say that this leader leads; if it is
 * another one, the walk begins again there.
 *  - Identity (producer id, epoch, sequences) belongs to the partition. It changes only when no attempt under
 * the old one is open: to the next epoch at sequence 0, which brokers accept per partition.
 *
 * Pure bookkeeping: no network, no clock, no lock. Owned by the sender thread. */
#ifndef SENDER_SENDER_PARTITION_H
#define SENDER_SENDER_PARTITION_H

#include "accumulator/batch.h"
#include "accumulator/topic.h"
#include "base/list.h"
#include "sender/outcome_query.h"
#include <stdbool.h>
#include <stdint.h>

struct sender_node;

/* Which of the sender's lists the partition is in, by place_node. */
enum sender_place {
  PLACE_NOWHERE,    /* nothing to do, or waiting for an answer */
  PLACE_NODE,       /* in its leader's list: may have something to send */
  PLACE_LEADERLESS, /* waits for metadata: who leads, or whether its leader does */
  PLACE_BACKOFF,    /* waits until retry_at_us */
  PLACE_IDENTITY,   /* waits for a producer id */
  PLACE_QUERY,      /* its leader is to be asked what it has, or is being asked */
};

/* Invariants: `sent` ascends by sequence; in_flight counts its batches that are IN_FLIGHT plus those that
 * were settled while in flight; a HELD batch has only HELD batches before it. */
struct sender_partition {
  struct partition *queue;
  bool queue_taken; /* queue is PARTITION_TAKEN: as the sender knows it without the lock */
  enum sender_place place;
  struct list place_node;
  struct sender_node *node;        /* the leader's, NULL if there is none */
  int32_t leader_id, leader_epoch; /* the epoch as it was when the leader was taken or last doubted */

  struct list sent; /* batches by queue_node: IN_FLIGHT, RETRY, HELD */
  uint32_t sent_count;
  uint32_t in_flight;
  int32_t in_flight_node; /* where they are in flight */
  int64_t retry_at_us;
  uint32_t failures; /* in a row, for the backoff */

  int64_t producer_id; /* -1: none yet */
  int16_t producer_epoch;
  int32_t next_sequence;
  bool established;        /* a batch under this identity was acknowledged: the broker notices gaps */
  int64_t acknowledged_us; /* when the last one was */
  bool draining; /* a sequence was given up: nothing new until no sent one is open, then the next epoch */
  bool doubtful; /* an answer was lost, and none came since: what is sent next travels alone */
  bool restamp;  /* the batches in `sent` await a new producer id; none is ambiguous or in flight */
  bool new_producer_id;      /* the next identity must be another producer id, not just another epoch */
  int64_t spent_producer_id; /* the one that must not come again; -1: none */
  struct outcome_query query;
  struct list expired_node; /* in sender.expired: a batch of it has passed its delivery timeout */
};

/* What a leader says of the partition's producer. */
struct sender_partition_leader_state {
  bool is_known; /* it remembers the producer; else the rest means nothing */
  int32_t producer_epoch;
  int32_t last_sequence; /* -1: it has no batch of that epoch */
};

/* What the functions below report back. */
struct sender_partition_context {
  bool idempotent;
  bool asks;     /* leaders may be asked about open outcomes */
  bool confirms; /* other brokers may be asked who leads */
  uint32_t retries;
  int64_t now_us;
  bool more_follows; /* other batches end for the same reason: sender_partition_settle_gaps is called then */
  struct list *settled; /* settled batches are appended by queue_node */
  uint64_t *outcomes_resolved, *epochs_raised;
};

void sender_partition_init(struct sender_partition *partition, struct partition *queue);

/* Time passes: after a long silence the identity has to be acknowledged anew. */
void sender_partition_note_time(struct sender_partition *partition, int64_t now_us);

/* The batch to send again now; NULL if none waits for that, or an answer has to come first. */
struct batch *sender_partition_next_retry(const struct sender_partition *partition);

/* Whether a batch that was never sent may follow now. limit: the most unsettled batches. */
bool sender_partition_may_send_new(const struct sender_partition *partition, uint32_t limit);

/* Takes over a drained batch: its sequence is assigned (with idempotence an identity must be there). */
void sender_partition_add(struct sender_partition *partition, struct batch *batch, bool idempotent);

/* The batch goes into a request to node_id / has left it, whatever the answer. */
void sender_partition_begin_flight(struct sender_partition *partition, struct batch *batch, int32_t node_id);
void sender_partition_end_flight(struct sender_partition *partition);

/* ---- answers for a batch IN_FLIGHT that is not settled ---- */

/* Written (or recognised): settles it, and with idempotence those before it. base_offset -1: the broker no
 * longer knew. */
void sender_partition_delivered(struct sender_partition *partition, struct batch *batch, int64_t base_offset,
                                int64_t log_append_time_ms, const struct sender_partition_context *context);

/* To be sent again as it is. ambiguous: this attempt may have been written. Settles it when its retries are
 * used up. */
void sender_partition_retry(struct sender_partition *partition, struct batch *batch, int32_t status,
                            bool ambiguous, const struct sender_partition_context *context);

/* OUT_OF_ORDER_SEQUENCE_NUMBER, UNKNOWN_PRODUCER_ID, INVALID_PRODUCER_EPOCH. */
void sender_partition_out_of_order(struct sender_partition *partition, struct batch *batch, int32_t status,
                                   const struct sender_partition_context *context);

/* Refused for good. appended: the code does not exclude that this attempt was written. */
void sender_partition_failed(struct sender_partition *partition, struct batch *batch, int32_t status,
                             bool appended, const struct sender_partition_context *context);

/* ---- open outcomes ---- */

/* Whether the leader is to be asked now what it has of the partition's producer. */
bool sender_partition_has_question(const struct sender_partition *partition);

/* The leader's answer to an OPEN question. */
void sender_partition_learn(struct sender_partition *partition,
                            const struct sender_partition_leader_state *state,
                            const struct sender_partition_context *context);

/* It cannot be asked, or says nothing: walk-forward decides. The question is DUE or OPEN. */
void sender_partition_stop_asking(struct sender_partition *partition,
                                  const struct sender_partition_context *context);

/* Whether another broker has to say first that the leader, which refused all, leads. */
static inline bool sender_partition_is_confirming(const struct sender_partition *partition) {
  return partition->query.state == OUTCOME_QUERY_CONFIRMING;
}

/* Somebody said so, or nobody can: what may be written of what it refused is unknown. */
void sender_partition_leader_confirmed(struct sender_partition *partition,
                                       const struct sender_partition_context *context);

/* Another one leads, or the same for another time: it is asked what the last one was to be asked, or gets
 * again what that one refused, since refusals of two leaders do not add up. Returns whether the last one was
 * doubted for them. */
bool sender_partition_leader_changed(struct sender_partition *partition);

/* ---- other ends ---- */

/* The delivery timeout of a sent batch has passed, or the producer is aborted (status says which). */
void sender_partition_give_up(struct sender_partition *partition, struct batch *batch, int32_t status,
                              const struct sender_partition_context *context);

/* After ends with more_follows: one new epoch for all the gaps that they left, if it can begin. */
void sender_partition_settle_gaps(struct sender_partition *partition,
                                  const struct sender_partition_context *context);

/* All sent batches end because the topic was deleted and made again: ambiguous ones are settled, the others
 * are sent under a new identity. */
void sender_partition_topic_recreated(struct sender_partition *partition,
                                      const struct sender_partition_context *context);

/* The batch was cut by batch_split: `tail` follows it in `sent`. */
void sender_partition_insert_split(struct sender_partition *partition, struct batch *head,
                                   struct batch *tail);

/* Whether an identity is needed before anything can be sent. */
bool sender_partition_needs_identity(const struct sender_partition *partition);

/* Takes a producer id (epoch 0 of a new one), and stamps what waits for it. */
void sender_partition_adopt_identity(struct sender_partition *partition, int64_t producer_id,
                                     int16_t producer_epoch);

/* Asserts the invariants. */
void sender_partition_check(const struct sender_partition *partition);

#endif
