#include "broker/partition_log.h"
#include "base/allocator.h"
#include "base/assertion.h"
#include "base/status.h"
#include "protocol/record_batch.h"
#include <string.h>

enum { FIRST_CAPACITY = 16 };

static struct log_batch *ring_at(const struct partition_log *log, uint32_t index);
static int32_t ring_grow(struct partition_log *log);

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
  if (log->batch_count == log->capacity) {
    int32_t status = ring_grow(log);
    if (status != STATUS_OK) return status;
  }
  uint8_t *data = allocator_allocate(batch.size);
  if (data == NULL) return STATUS_OUT_OF_MEMORY;
  memcpy(data, batch.data, batch.size);
  record_batch_set_offset(data, log->end_offset, leader_epoch);
  *ring_at(log, log->batch_count) = (struct log_batch){.base_offset = log->end_offset,
                                                       .max_timestamp_ms = max_timestamp_ms,
                                                       .record_count = record_count,
                                                       .data = data,
                                                       .size = batch.size};
  log->batch_count++;
  log->bytes += batch.size;
  *base_offset = log->end_offset;
  log->end_offset += record_count;
  while (log->limit_bytes != 0 && log->bytes > log->limit_bytes && partition_log_drop_oldest(log) != 0)
    continue;
  return STATUS_OK;
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
