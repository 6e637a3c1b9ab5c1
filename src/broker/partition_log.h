/* The log of one partition, in memory: record batches as they came, with offsets assigned.
 *
 * Bounded: when the batches exceed limit_bytes the oldest go and start_offset advances, as Kafka's retention
 * by size does; the newest batch always stays. No lock: the model's owner calls. */
#ifndef BROKER_PARTITION_LOG_H
#define BROKER_PARTITION_LOG_H

#include "base/bytes.h"
#include "broker/producer_state.h"
#include <stddef.h>
#include <stdint.h>

struct log_batch {
  int64_t base_offset;
  int64_t max_timestamp_ms;
  int32_t record_count;
  int32_t leader_epoch; /* in which it was appended */
  uint8_t *data; /* owned by the log: header with base_offset and leader epoch filled in, then the records */
  size_t size;
};

/* A ring of batches in order of offset: base_offset of one is base_offset + record_count of the one before.
 * Invariants: start_offset is the base_offset of the first batch (end_offset when empty); bytes is the sum of
 * the sizes; capacity is 0 or a power of two. */
struct partition_log {
  struct log_batch *ring;
  uint32_t capacity, first, batch_count;
  int64_t start_offset, end_offset;
  size_t bytes, limit_bytes;
};

/* limit_bytes 0: no limit. */
void partition_log_init(struct partition_log *log, size_t limit_bytes);
void partition_log_deinit(struct partition_log *log);

/* Copies a valid batch of record_count (> 0) records to the end under the next offset, which *base_offset
 * receives, then drops old ones over the limit. STATUS_OUT_OF_MEMORY leaves the log as it was. */
int32_t partition_log_append(struct partition_log *log, struct bytes batch, int32_t record_count,
                             int64_t max_timestamp_ms, int32_t leader_epoch, int64_t *base_offset);

/* Appends a copy of a leader's batch as it is there; its base_offset is the end of this log, or the log is
 * empty and begins with it. STATUS_OUT_OF_MEMORY leaves the log as it was. */
int32_t partition_log_replicate(struct partition_log *log, const struct log_batch *batch);

/* Drops the batches that reach beyond offset, so that none ends behind it; end_offset becomes the end of the
 * last batch that stays, or the lower one of offset and start_offset. */
void partition_log_truncate(struct partition_log *log, int64_t offset);

/* Up to where two logs hold the same batches: the end of the last one that both have, with the same offset
 * and leader epoch. */
int64_t partition_log_common_end(const struct partition_log *log, const struct partition_log *other);

/* Who wrote a stored batch; producer_id is negative for nobody. */
struct producer_batch_identity log_batch_identity(const struct log_batch *batch);

/* The batch by position, 0 being the oldest; index < batch_count. Valid until the next append or drop. */
const struct log_batch *partition_log_at(const struct partition_log *log, uint32_t index);

/* Position of the batch that holds offset; batch_count when offset is the end. start_offset <= offset <=
 * end_offset. */
uint32_t partition_log_find(const struct partition_log *log, int64_t offset);

/* Drops the oldest batch and returns its size; 0 when the log holds one batch or none. */
size_t partition_log_drop_oldest(struct partition_log *log);

#endif
