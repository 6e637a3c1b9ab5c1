/* One produce request: the batches in it, its bytes, and what the answer says about each batch.
 *
 * The frame is written into a small buffer (headers, topic and partition framing, each batch's 61-byte
 * header); the records are sent from where they lie, as segments between. Calls are re-used: a sender keeps
 * the finished ones. */
#ifndef SENDER_PRODUCE_CALL_H
#define SENDER_PRODUCE_CALL_H

#include "accumulator/batch.h"
#include "base/list.h"
#include "network/network_client.h"
#include "protocol/produce.h"
#include "sender/cluster.h"
#include <stdbool.h>
#include <stdint.h>

struct sender_partition;

/* A batch in a call. */
struct produce_part {
  struct batch *batch;
  struct sender_partition *partition;
  struct uuid topic_id; /* as it was sent: the topic's may change before the answer */
  bool answered;        /* while the answer is read */
  struct produce_response_partition answer;
};

struct produce_call {
  struct list node; /* in the sender's free or open calls */
  void *owner;      /* the sender */
  struct request request;
  int32_t node_id;
  int16_t version;
  int16_t acks;
  struct produce_part *parts;
  uint32_t part_count, part_capacity;
  size_t batch_bytes; /* of all parts */
  struct wire_writer writer;
  size_t *breaks; /* writer.size before each part's records */
  struct transport_segment *segments;
  uint32_t segment_capacity;
};

struct produce_call *produce_call_create(void *owner);
void produce_call_destroy(struct produce_call *call);

/* Empties a finished call. */
void produce_call_reset(struct produce_call *call);

/* Adds a batch. False without memory. */
bool produce_call_add(struct produce_call *call, struct batch *batch, struct sender_partition *partition);

/* Orders the parts by topic, writes the frame and fills in call->request (but for complete and context).
 * Every batch is finished. False without memory: nothing may be sent then. */
bool produce_call_write(struct produce_call *call, struct bytes client_id, int32_t correlation_id,
                        int64_t timeout_us);

/* Reads the answer into the parts. False if it cannot be read or does not answer each part exactly once; then
 * nothing of it counts. end receives what stands behind the topics. */
bool produce_call_read(struct produce_call *call, struct wire_reader body, struct produce_response_end *end);

/* Whether the topics' ids are all known, as Produce 13 needs. */
bool produce_call_has_topic_ids(const struct produce_call *call);

#endif
