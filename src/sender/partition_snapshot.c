#include "sender/partition_snapshot.h"

#include "base/allocator.h"
#include "base/assertion.h"
#include "base/status.h"
#include <stdlib.h>

static int by_index(const void *a, const void *b);
static uint32_t count_nodes(int32_t partition_count, struct wire_reader partitions, int16_t version);
static uint32_t copy_nodes(struct partition_snapshot *snapshot, uint32_t at, struct metadata_nodes nodes,
                           struct partition_description *partition, enum partition_nodes kind);

int32_t partition_snapshot_create(int32_t partition_count, struct wire_reader partitions, int16_t version,
                                  struct partition_snapshot **out) {
  ASSERT(partition_count > 0);
  uint32_t node_count = count_nodes(partition_count, partitions, version);
  struct partition_snapshot *snapshot = allocator_allocate_zeroed(1, sizeof *snapshot);
  if (snapshot == NULL) return STATUS_OUT_OF_MEMORY;
  snapshot->count = (uint32_t)partition_count;
  snapshot->partitions = allocator_allocate_zeroed(snapshot->count, sizeof *snapshot->partitions);
  snapshot->nodes = allocator_allocate_zeroed(node_count + 1, sizeof *snapshot->nodes);
  if (snapshot->partitions == NULL || snapshot->nodes == NULL) {
    partition_snapshot_destroy(snapshot);
    return STATUS_OUT_OF_MEMORY;
  }
  uint32_t at = 0;
  for (uint32_t i = 0; i < snapshot->count; i++) {
    struct metadata_partition read;
    metadata_response_read_partition(&partitions, version, &read);
    struct partition_description *partition = &snapshot->partitions[i];
    *partition = (struct partition_description){.index = read.index,
                                                .status = read.error_code,
                                                .leader_id = read.leader_id,
                                                .leader_epoch = read.leader_epoch};
    at = copy_nodes(snapshot, at, read.replicas, partition, PARTITION_REPLICAS);
    at = copy_nodes(snapshot, at, read.isr, partition, PARTITION_IN_SYNC);
    at = copy_nodes(snapshot, at, read.offline, partition, PARTITION_OFFLINE);
  }
  ASSERT(!partitions.failed && at == node_count);
  qsort(snapshot->partitions, snapshot->count, sizeof snapshot->partitions[0], by_index);
  *out = snapshot;
  return STATUS_OK;
}

void partition_snapshot_destroy(struct partition_snapshot *snapshot) {
  if (snapshot == NULL) return;
  allocator_free(snapshot->partitions);
  allocator_free(snapshot->nodes);
  allocator_free(snapshot);
}

static int by_index(const void *a, const void *b) {
  int32_t x = ((const struct partition_description *)a)->index,
          y = ((const struct partition_description *)b)->index;
  return x < y ? -1 : x > y;
}

static uint32_t count_nodes(int32_t partition_count, struct wire_reader partitions, int16_t version) {
  uint32_t count = 0;
  for (int32_t i = 0; i < partition_count; i++) {
    struct metadata_partition read;
    metadata_response_read_partition(&partitions, version, &read);
    int32_t counts[] = {read.replicas.count, read.isr.count, read.offline.count};
    for (int k = 0; k < PARTITION_NODES_COUNT; k++)
      if (counts[k] > 0) count += (uint32_t)counts[k];
  }
  return count;
}

static uint32_t copy_nodes(struct partition_snapshot *snapshot, uint32_t at, struct metadata_nodes nodes,
                           struct partition_description *partition, enum partition_nodes kind) {
  partition->first_node[kind] = at;
  partition->node_count[kind] = nodes.count > 0 ? (uint32_t)nodes.count : 0;
  for (uint32_t i = 0; i < partition->node_count[kind]; i++)
    snapshot->nodes[at++] = metadata_read_node_id(&nodes);
  return at;
}
