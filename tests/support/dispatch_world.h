/* A sender whose produce requests the test answers by hand; metadata and producer ids are answered by
 * themselves, in their turn on the connection. Time is virtual. */
#ifndef SUPPORT_DISPATCH_WORLD_H
#define SUPPORT_DISPATCH_WORLD_H

#include "sender/sender.h"
#include "support/client_world.h"
#include "support/metadata_answer.h"

enum {
  DISPATCH_TOPICS_MAX = 4,
  DISPATCH_PARTS_MAX = 16,
  DISPATCH_REQUESTS_MAX = 300,
  DISPATCH_BATCH_BYTES = 1024,
};

/* One batch of a request. */
struct dispatch_part {
  int topic; /* which of "t0" to "t3" */
  int32_t partition;
  struct bytes batch; /* as it came, a copy */
  int64_t producer_id;
  int16_t producer_epoch;
  int32_t base_sequence;
  int32_t record_count;
  uint32_t first_number; /* of its first record */
};

/* A produce request that came. */
struct dispatch_request {
  struct fake_broker_request received;
  int32_t node_id; /* 1 to 3 by its address */
  int16_t acks;
  size_t batch_bytes; /* of all parts */
  uint32_t part_count;
  struct dispatch_part parts[DISPATCH_PARTS_MAX];
  bool answered;
};

/* Used in place. */
struct dispatch_world {
  struct client_world network;
  struct accumulator_settings memory;
  struct sender_settings settings;
  struct accumulator accumulator;
  struct sender *sender;
  struct gate gate;
  int32_t gate_depth; /* never above 1 */
  struct log log;
  struct metadata_answer answer;
  const char *partitions[DISPATCH_TOPICS_MAX]; /* of each topic, as metadata tells them; NULL: unknown */
  const char *brokers;                         /* as metadata names them; all three at first */
  int32_t believer_id;                         /* the node that tells ... */
  const char *believed;                        /* ... this of "t0" instead; NULL: none does */
  uint32_t metadata_count[4];                  /* answers, by the node that gave them */
  bool tells_no_ids;                           /* of topics */
  bool holds_identity;                         /* asks for producer ids are left open */
  bool holds_metadata;                         /* so are those for metadata */
  int64_t next_producer_id;
  uint32_t seen_count;                 /* requests of all kinds that were looked at */
  bool owed[FAKE_BROKER_REQUESTS_MAX]; /* their answers come by themselves */
  struct dispatch_request requests[DISPATCH_REQUESTS_MAX];
  uint32_t request_count;
  uint32_t next_number;
  uint64_t reported[OUTCOME_UNKNOWN + 1]; /* records by outcome */
  uint64_t reported_numbers;              /* of delivered ones, added up */
};

/* Brokers 1 to 3 listen on 10.0.0.1 to 10.0.0.3, port 9092; the first is the bootstrap server. Settings that
 * a test may change before dispatch_world_start: 1 MiB of memory, batches of 1 KiB or 10 records, requests of
 * 64 KiB, no linger, idempotence, five in flight, backoff of 100 ms to 1 s, request timeout of 30 s. */
void dispatch_world_init(struct dispatch_world *world);
void dispatch_world_start(struct dispatch_world *world);
/* Aborts what is open; fails the test unless each accepted record has one report and all memory is back. */
void dispatch_world_deinit(struct dispatch_world *world);

int64_t dispatch_world_now_us(const struct dispatch_world *world);
/* Lets time pass as a sender thread would. */
void dispatch_world_run(struct dispatch_world *world, int64_t duration_us);

/* The topic of "t<index>", with a delivery timeout of 120 s. */
struct topic *dispatch_world_topic(struct dispatch_world *world, int index, int16_t acks);
/* Appends records (-1: the partitioner chooses), which get the next numbers and have to be accepted. Ten make
 * a batch. */
void dispatch_world_append(struct dispatch_world *world, struct topic *topic, int32_t partition,
                           uint32_t record_count, size_t value_bytes);
/* One record to each of the partitions 0 .. count-1, delivered: their identity is established. */
void dispatch_world_warm(struct dispatch_world *world, struct topic *topic, int32_t partition_count);

/* Answers a request that is not answered yet, with the same error for each part, and lets that arrive. */
void dispatch_world_answer(struct dispatch_world *world, uint32_t request, int16_t error_code);
/* The same with a newer leader for each part. */
void dispatch_world_answer_leader(struct dispatch_world *world, uint32_t request, int32_t leader_id,
                                  int32_t leader_epoch);
/* Answers all with success until all records are settled, for ten virtual seconds at most. */
void dispatch_world_settle(struct dispatch_world *world);

/* "1: t0/0@10 t1/2@0" (node, then topic, partition and base sequence of each part in order); static memory.
 */
const char *dispatch_world_describe(const struct dispatch_world *world, uint32_t request);

#endif
