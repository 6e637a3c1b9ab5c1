/* One partition as one broker has it: its log, its producers, who leads it, and, if it is replicated, where
 * this copy stands among the others. One owner, no lock. */
#ifndef BROKER_BROKER_PARTITION_H
#define BROKER_BROKER_PARTITION_H

#include "broker/partition_log.h"
#include "broker/producer_state.h"
#include <stdbool.h>

enum { PARTITION_REPLICAS_MAX = 3 };

/* What this broker knows of a replicated partition's copies: node ids, and what all in sync are known to
 * have. Invariant: high_watermark lies within the log. */
struct partition_replicas {
  int32_t nodes[PARTITION_REPLICAS_MAX], in_sync[PARTITION_REPLICAS_MAX];
  uint32_t node_count, in_sync_count;
  uint32_t min_in_sync; /* that acks=all needs; never more than there are copies */
  int64_t high_watermark;
  int64_t snapshot_offset; /* where the producers' state was last written down: at a restart */
};

/* Owns its log, producers and replicas. */
struct broker_partition {
  struct partition_log log;
  struct producer_state producers;
  int32_t leader_id; /* -1: none */
  int32_t leader_epoch;
  struct partition_replicas *replicas; /* NULL: this is the only copy */
};

void broker_partition_init(struct broker_partition *partition, int32_t leader_id, size_t log_limit_bytes);
void broker_partition_deinit(struct broker_partition *partition);

/* Makes it one of node_count copies, all in sync, nothing committed. STATUS_OUT_OF_MEMORY. */
int32_t broker_partition_replicate(struct broker_partition *partition, const int32_t *nodes,
                                   uint32_t node_count, uint32_t min_in_sync);
/* Whether fewer are in sync than acks=all needs; never of an only copy. */
bool broker_partition_lacks_replicas(const struct broker_partition *partition);
bool broker_partition_is_in_sync(const struct broker_partition *partition, int32_t node_id);

/* Up to where consumers may read; the log's end for an only copy. */
int64_t broker_partition_high_watermark(const struct broker_partition *partition);

/* As a follower: takes the leader's next batch and remembers its producer. STATUS_OUT_OF_MEMORY. */
int32_t broker_partition_follow(struct broker_partition *partition, const struct log_batch *batch);

/* As a follower of a new leader: drops what lies beyond offset, and learns the producers anew from the last
 * snapshot that is not beyond it and the batches behind that. STATUS_OUT_OF_MEMORY. */
int32_t broker_partition_truncate(struct broker_partition *partition, int64_t offset, int64_t now_ms,
                                  int64_t expiration_ms);

/* As after a restart: one batch is remembered of each producer that has not expired (0: none ever does). */
void broker_partition_restart(struct broker_partition *partition, int64_t now_ms, int64_t expiration_ms);

#endif
