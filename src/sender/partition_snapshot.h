/* A topic's partitions at one moment, for sendoff_partitions_for; and the question that the sender answers
 * with it. */
#ifndef SENDER_PARTITION_SNAPSHOT_H
#define SENDER_PARTITION_SNAPSHOT_H

#include "base/list.h"
#include "protocol/metadata.h"
#include <stdbool.h>
#include <stdint.h>

enum partition_nodes { PARTITION_REPLICAS, PARTITION_IN_SYNC, PARTITION_OFFLINE, PARTITION_NODES_COUNT };

struct partition_description {
  int32_t index;
  int32_t status;
  int32_t leader_id, leader_epoch;
  uint32_t first_node[PARTITION_NODES_COUNT]; /* into partition_snapshot.nodes */
  uint32_t node_count[PARTITION_NODES_COUNT];
};

/* Immutable; owned by whoever asked. Ascending by index. */
struct partition_snapshot {
  uint32_t count;
  struct partition_description *partitions;
  int32_t *nodes;
};

/* From one topic of a metadata answer that has been checked. STATUS_OK, STATUS_OUT_OF_MEMORY. */
int32_t partition_snapshot_create(int32_t partition_count, struct wire_reader partitions, int16_t version,
                                  struct partition_snapshot **snapshot);
void partition_snapshot_destroy(struct partition_snapshot *snapshot);

/* Under the producer's lock. */
struct partition_query {
  struct list node; /* in sender.queries until done */
  struct bytes topic;
  bool done;
  int32_t status;
  struct partition_snapshot *snapshot;
};

#endif
