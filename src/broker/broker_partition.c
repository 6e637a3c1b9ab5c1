#include "broker/broker_partition.h"
#include "base/allocator.h"
#include "base/assertion.h"
#include "base/status.h"
#include <string.h>

static int32_t remember(struct producer_state *producers, const struct log_batch *batch);
static void snapshot(struct producer_state *producers, int64_t now_ms, int64_t expiration_ms);

void broker_partition_init(struct broker_partition *partition, int32_t leader_id, size_t log_limit_bytes) {
  *partition = (struct broker_partition){.leader_id = leader_id};
  partition_log_init(&partition->log, log_limit_bytes);
  producer_state_init(&partition->producers);
}

void broker_partition_deinit(struct broker_partition *partition) {
  partition_log_deinit(&partition->log);
  producer_state_deinit(&partition->producers);
  allocator_free(partition->replicas);
}

int32_t broker_partition_replicate(struct broker_partition *partition, const int32_t *nodes,
                                   uint32_t node_count, uint32_t min_in_sync) {
  ASSERT(partition->replicas == NULL && node_count > 0 && node_count <= PARTITION_REPLICAS_MAX);
  struct partition_replicas *replicas = allocator_allocate_zeroed(1, sizeof *replicas);
  if (replicas == NULL) return STATUS_OUT_OF_MEMORY;
  memcpy(replicas->nodes, nodes, node_count * sizeof *nodes);
  memcpy(replicas->in_sync, nodes, node_count * sizeof *nodes);
  replicas->node_count = replicas->in_sync_count = node_count;
  replicas->min_in_sync = min_in_sync < node_count ? min_in_sync : node_count;
  partition->replicas = replicas;
  return STATUS_OK;
}

bool broker_partition_lacks_replicas(const struct broker_partition *partition) {
  return partition->replicas != NULL && partition->replicas->in_sync_count < partition->replicas->min_in_sync;
}

bool broker_partition_is_in_sync(const struct broker_partition *partition, int32_t node_id) {
  for (uint32_t index = 0; index < partition->replicas->in_sync_count; index++) {
    if (partition->replicas->in_sync[index] == node_id) return true;
  }
  return false;
}

int64_t broker_partition_high_watermark(const struct broker_partition *partition) {
  return partition->replicas == NULL ? partition->log.end_offset : partition->replicas->high_watermark;
}

int32_t broker_partition_follow(struct broker_partition *partition, const struct log_batch *batch) {
  int32_t status = producer_state_reserve(&partition->producers);
  if (status == STATUS_OK) status = partition_log_replicate(&partition->log, batch);
  if (status == STATUS_OK) status = remember(&partition->producers, batch);
  return status;
}

int32_t broker_partition_truncate(struct broker_partition *partition, int64_t offset, int64_t now_ms,
                                  int64_t expiration_ms) {
  struct partition_replicas *replicas = partition->replicas;
  if (offset >= partition->log.end_offset) return STATUS_OK;
  partition_log_truncate(&partition->log, offset);
  int64_t end_offset = partition->log.end_offset;
  if (replicas->high_watermark > end_offset) replicas->high_watermark = end_offset;
  if (replicas->snapshot_offset > end_offset) replicas->snapshot_offset = 0;
  producer_state_deinit(&partition->producers);
  for (uint32_t index = 0; index < partition->log.batch_count; index++) {
    const struct log_batch *batch = partition_log_at(&partition->log, index);
    if (replicas->snapshot_offset > 0 && batch->base_offset == replicas->snapshot_offset)
      snapshot(&partition->producers, now_ms, expiration_ms);
    int32_t status = remember(&partition->producers, batch);
    if (status != STATUS_OK) return status;
  }
  if (replicas->snapshot_offset == end_offset) snapshot(&partition->producers, now_ms, expiration_ms);
  return STATUS_OK;
}

void broker_partition_restart(struct broker_partition *partition, int64_t now_ms, int64_t expiration_ms) {
  if (partition->replicas != NULL) partition->replicas->snapshot_offset = partition->log.end_offset;
  snapshot(&partition->producers, now_ms, expiration_ms);
}

static int32_t remember(struct producer_state *producers, const struct log_batch *batch) {
  struct producer_batch_identity identity = log_batch_identity(batch);
  if (identity.producer_id < 0) return STATUS_OK;
  int32_t status = producer_state_reserve(producers);
  if (status != STATUS_OK) return status;
  producer_state_record(producers, &identity, batch->base_offset, batch->max_timestamp_ms);
  return STATUS_OK;
}

/* What a snapshot that is read again leaves. */
static void snapshot(struct producer_state *producers, int64_t now_ms, int64_t expiration_ms) {
  producer_state_reload(producers);
  if (expiration_ms > 0) producer_state_expire(producers, now_ms, expiration_ms);
}
