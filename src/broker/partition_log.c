#include "broker/partition_log.h"
#include "base/allocator.h"
#include "base/assertion.h"
#include "base/status.h"
#include "protocol/record_batch.h"
#include <string.h>

enum { FIRST_CAPACITY = 16 };

static struct log_batch *ring_at(const struct partition_log *log, uint32_t index);
static int32_t ring_grow(struct partition_log *log);
static int32_t add_copy(struct partition_log *log, const struct log_batch *batch, struct bytes data);

void partition_log_init(struct partition_log *log, size_t limit_bytes) {
  *log = (struct partition_log){.limit_bytes = limit_bytes};
}

void partition_log_deinit(struct partition_log *log) {
  for (uint32_t index = 0; index < log->batch_count; index++)
    allocator_free(ring_at(log, index)->data);
  allocator_free(log->ring);
  *log = (struct partition_log){0};
}

int32_t partition_log_append(struct partition_log *log, struct bytes batch, int32_t record_count,
                             int64_t max_timestamp_ms, int32_t leader_epoch, int64_t *base_offset) {
  ASSERT(batch.size >= RECORD_BATCH_HEADER_BYTES && record_count > 0);
  struct log_batch added = {.base_offset = log->end_offset,
                            .max_timestamp_ms = max_timestamp_ms,
                            .record_count = record_count,
                            .leader_epoch = leader_epoch};
  int32_t status = add_copy(log, &added, batch);
  if (status != STATUS_OK) return status;
  record_batch_set_offset(ring_at(log, log->batch_count - 1)->data, added.base_offset, leader_epoch);
  *base_offset = added.base_offset;
  while (log->limit_bytes != 0 && log->bytes > log->limit_bytes && partition_log_drop_oldest(log) != 0)
    continue;
  return STATUS_OK;
}

int32_t partition_log_replicate(struct partition_log *log, const struct log_batch *batch) {
  if (log->batch_count == 0) log->start_offset = log->end_offset = batch->base_offset;
  ASSERT(batch->base_offset == log->end_offset);
  return add_copy(log, batch, bytes_of(batch->data, batch->size));
}

void partition_log_truncate(struct partition_log *log, int64_t offset) {
  while (log->batch_count > 0) {
    struct log_batch *last = ring_at(log, log->batch_count - 1);
    if (last->base_offset + last->record_count <= offset) break;
    log->end_offset = last->base_offset;
    log->bytes -= last->size;
    log->batch_count--;
    allocator_free(last->data);
  }
  if (log->end_offset < log->start_offset) log->start_offset = log->end_offset;
}

int64_t partition_log_common_end(const struct partition_log *log, const struct partition_log *other) {
  int64_t lowest = log->start_offset < other->start_offset ? log->start_offset : other->start_offset;
  uint32_t count = log->batch_count, other_count = other->batch_count;
  while (count > 0 && other_count > 0) {
    const struct log_batch *last = ring_at(log, count - 1), *other_last = ring_at(other, other_count - 1);
    if (last->base_offset == other_last->base_offset && last->leader_epoch == other_last->leader_epoch)
      return last->base_offset + last->record_count;
    if (last->base_offset >= other_last->base_offset) count--;
    if (other_last->base_offset >= last->base_offset) other_count--;
  }
  return lowest;
}

struct producer_batch_identity log_batch_identity(const struct log_batch *batch) {
  enum { PRODUCER_ID_AT = 43, PRODUCER_EPOCH_AT = 51, BASE_SEQUENCE_AT = 53 };
  return (struct producer_batch_identity){
      .producer_id = (int64_t)bytes_load_u64(batch->data + PRODUCER_ID_AT),
      .producer_epoch = (int16_t)bytes_load_u16(batch->data + PRODUCER_EPOCH_AT),
      .base_sequence = (int32_t)bytes_load_u32(batch->data + BASE_SEQUENCE_AT),
      .record_count = batch->record_count};
}

const struct log_batch *partition_log_at(const struct partition_log *log, uint32_t index) {
  ASSERT(index < log->batch_count);
  return ring_at(log, index);
}

uint32_t partition_log_find(const struct partition_log *log, int64_t offset) {
  ASSERT(offset >= log->start_offset && offset <= log->end_offset);
  uint32_t low = 0, high = log->batch_count;
  while (low < high) {
    uint32_t middle = low + (high - low) / 2;
    const struct log_batch *batch = ring_at(log, middle);
    if (batch->base_offset + batch->record_count <= offset) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

size_t partition_log_drop_oldest(struct partition_log *log) {
  if (log->batch_count < 2) return 0;
  struct log_batch *oldest = ring_at(log, 0);
  size_t size = oldest->size;
  allocator_free(oldest->data);
  log->first = (log->first + 1) & (log->capacity - 1);
  log->batch_count--;
  log->bytes -= size;
  log->start_offset = ring_at(log, 0)->base_offset;
  return size;
}

static struct log_batch *ring_at(const struct partition_log *log, uint32_t index) {
  return &log->ring[(log->first + index) & (log->capacity - 1)];
}

static int32_t ring_grow(struct partition_log *log) {
  uint32_t capacity = log->capacity == 0 ? FIRST_CAPACITY : log->capacity * 2;
  struct log_batch *ring = allocator_allocate_zeroed(capacity, sizeof *ring);
  if (ring == NULL) return STATUS_OUT_OF_MEMORY;
  for (uint32_t index = 0; index < log->batch_count; index++)
    ring[index] = *ring_at(log, index);
  allocator_free(log->ring);
  log->ring = ring;
  log->capacity = capacity;
  log->first = 0;
  return STATUS_OK;
}

/* Adds a batch to the end as it is, with bytes of its own. */
static int32_t add_copy(struct partition_log *log, const struct log_batch *batch, struct bytes data) {
  if (log->batch_count == log->capacity) {
    int32_t status = ring_grow(log);
    if (status != STATUS_OK) return status;
  }
  uint8_t *copy = allocator_allocate(data.size);
  if (copy == NULL) return STATUS_OUT_OF_MEMORY;
  memcpy(copy, data.data, data.size);
  struct log_batch *added = ring_at(log, log->batch_count);
  *added = *batch;
  added->data = copy;
  added->size = data.size;
  log->batch_count++;
  log->bytes += data.size;
  log->end_offset += batch->record_count;
  return STATUS_OK;
}
