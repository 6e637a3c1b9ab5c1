/* The inside of a broker_model, shared by the handlers of its APIs: its state, one request under way, and
 * what several handlers do. The model's owner calls; no lock. */
#ifndef BROKER_BROKER_STATE_H
#define BROKER_BROKER_STATE_H

#include "broker/batch_validator.h"
#include "broker/broker_faults.h"
#include "broker/broker_model.h"
#include "broker/broker_topics.h"
#include "protocol/request_header.h"

struct broker_node {
  int32_t node_id;
  char *host; /* owned */
  int32_t port;
};

/* A batch of the last produce request that lies in a replicated partition: appended, or found there already.
 */
struct broker_append {
  struct broker_topic *topic;
  int32_t partition;
  int64_t end_offset; /* of the batch */
  size_t error_at;    /* where the response has its INT16 error code; 0: an error is there already */
};

/* Invariant: data_bytes is the sum of the logs' bytes. */
struct broker_model {
  struct broker_settings settings; /* cluster_id is the copy below */
  char *cluster_id;                /* owned; NULL for none */
  char *refused_value;             /* owned; NULL for none */
  struct broker_topics topics;
  struct broker_faults faults;
  struct batch_validator validator;
  struct broker_counters counters;
  struct broker_node *nodes; /* owned */
  int32_t node_count;
  int64_t next_producer_id;
  size_t data_bytes;
  int64_t next_expiry_ms; /* when producers are looked at again */
  /* Of the last request, if it was one to produce. The array is owned. */
  struct broker_append *appends;
  uint32_t append_count, append_capacity;
  int32_t append_timeout_ms;
};

/* One request while it is handled. Handlers read the body from reader and write the answer's body to writer.
 */
struct broker_call {
  struct request_header header;
  int64_t now_ms;
  bool last_chance;
  struct wire_reader reader;
  struct wire_writer *writer;
  int64_t wait_ms; /* set with BROKER_ANSWER_WAIT */
  /* What faults have asked for so far. */
  bool drop_response, withhold_response;
  int32_t throttle_ms;
  enum broker_corruption corruption;
};

/* Whether a fault wants the whole request dropped, asked before anything is handled. */
bool broker_call_dropped(struct broker_model *model, const struct broker_call *call, struct bytes topic,
                         int32_t partition);

/* Takes a fault for the call and notes in the call what it asks for; false when none hits. */
bool broker_call_fault(struct broker_model *model, struct broker_call *call, struct bytes topic,
                       int32_t partition, struct broker_fault *hit);

/* The node's place in nodes, or NULL. */
const struct broker_node *broker_model_node(const struct broker_model *model, int32_t node_id);

/* STATUS_OK when this node leads the partition in the epoch that the client knows (-1: any), else what a
 * request for it is answered with (KIP-320). */
int32_t broker_model_leadership(const struct broker_model *model, const struct broker_partition *partition,
                                int32_t leader_epoch);

/* The copy of a replicated partition follows its leader: see broker_partition_follow and _truncate. */
int32_t broker_model_follow(struct broker_model *model, struct broker_partition *partition,
                            const struct log_batch *batch);
int32_t broker_model_truncate(struct broker_model *model, struct broker_partition *partition, int64_t offset,
                              int64_t now_ms);

/* As after a restart at that time: as broker_model_reload, and expired producers are forgotten. */
void broker_model_restart(struct broker_model *model, int64_t now_ms);

/* Calls visit for each record of a stored batch from an offset on; *stopped when it returned false. Else as
 * broker_model_visit_records. */
int32_t broker_model_visit_batch(struct broker_model *model, struct bytes batch, int64_t from_offset,
                                 bool (*visit)(void *context, int64_t offset, int64_t timestamp_ms,
                                               const struct record_view *record),
                                 void *context, bool *stopped);

/* Drops the oldest batches of the largest partitions until all fit the limit. */
void broker_model_trim(struct broker_model *model);

#endif
