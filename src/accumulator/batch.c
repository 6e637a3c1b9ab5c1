#include "accumulator/batch.h"

#include "accumulator/topic.h"
#include "base/assertion.h"
#include "base/transition.h"

static const bool allowed[BATCH_STATE_COUNT][BATCH_STATE_COUNT] = {
    [BATCH_OPEN] = {[BATCH_SEALED] = true, [BATCH_SETTLED] = true},
    [BATCH_SEALED] = {[BATCH_IN_FLIGHT] = true, [BATCH_RETRY] = true, [BATCH_SETTLED] = true},
    [BATCH_IN_FLIGHT] = {[BATCH_RETRY] = true, [BATCH_HELD] = true, [BATCH_SETTLED] = true},
    [BATCH_RETRY] = {[BATCH_IN_FLIGHT] = true, [BATCH_HELD] = true, [BATCH_SETTLED] = true},
    [BATCH_HELD] = {[BATCH_RETRY] = true, [BATCH_SETTLED] = true},
};

static void start_timestamps(struct batch *batch, int64_t timestamp_ms);
static inline size_t room_of(const struct batch *batch);
static inline void add_entry(struct batch *batch, const uint8_t *records_end,
                             const struct batch_entry *entry);
static uint8_t *entries_floor(const struct batch *batch);
static void copy_entries(uint8_t *to, const struct batch *batch);
static void find_max_timestamp(struct batch *batch);

void batch_init(struct batch *batch, uint8_t *block, size_t block_bytes, size_t limit_bytes,
                uint32_t record_limit, bool wide, int64_t created_us) {
  ASSERT(limit_bytes > RECORD_BATCH_HEADER_BYTES);
  *batch = (struct batch){
      .state = BATCH_OPEN,
      .shares = 1,
      .block = block,
      .block_bytes = block_bytes,
      .records = block,
      .limit_bytes = limit_bytes - RECORD_BATCH_HEADER_BYTES,
      .entry_bytes = wide ? BATCH_WIDE_ENTRY_BYTES : BATCH_ENTRY_BYTES,
      .record_limit = record_limit,
      .created_us = created_us,
      .producer_id = -1,
      .producer_epoch = -1,
      .base_sequence = -1,
      .base_offset = -1,
      .broker = -1,
  };
  batch->root = batch;
  batch->entries = block + block_bytes - batch->entry_bytes;
  list_init(&batch->queue_node);
  list_init(&batch->incomplete_node);
}

void batch_set_state(struct batch *batch, enum batch_state state) {
  ASSERT(allowed[batch->state][state]);
  transition_note("batch", batch->state, state);
  batch->state = state;
}

bool batch_state_may_change(enum batch_state from, enum batch_state to) {
  return allowed[from][to];
}

bool batch_append(struct batch *batch, const struct record *record, size_t bound_bytes,
                  const struct batch_entry *entry) {
  if (batch->record_count == 0) start_timestamps(batch, entry->timestamp_ms);
  int64_t timestamp_delta = entry->timestamp_ms - batch->base_timestamp_ms;
  int32_t offset_delta = (int32_t)batch->record_count;
  size_t room = room_of(batch);
  if (bound_bytes > room && (room == 0 || record_size(record, timestamp_delta, offset_delta) > room))
    return false;
  add_entry(batch, record_write(batch->records + batch->records_bytes, record, timestamp_delta, offset_delta),
            entry);
  return true;
}

bool batch_append_view(struct batch *batch, const struct record_view *view, const struct batch_entry *entry) {
  if (batch->record_count == 0) start_timestamps(batch, entry->timestamp_ms);
  int64_t timestamp_delta = entry->timestamp_ms - batch->base_timestamp_ms;
  int32_t offset_delta = (int32_t)batch->record_count;
  if (record_rewrite_size(view, timestamp_delta, offset_delta) > room_of(batch)) return false;
  uint8_t *to = batch->records + batch->records_bytes;
  add_entry(batch, record_rewrite(to, view, timestamp_delta, offset_delta), entry);
  return true;
}

void batch_move(struct batch *batch, uint8_t *block, size_t block_bytes) {
  ASSERT(batch->state == BATCH_OPEN && batch->root == batch && batch->shares == 1);
  ASSERT(block_bytes > batch->block_bytes && batch->records == batch->block);
  memcpy(block, batch->records, batch->records_bytes);
  copy_entries(block + block_bytes, batch);
  batch->block = block;
  batch->records = block;
  batch->block_bytes = block_bytes;
  batch->entries = block + block_bytes - batch->entry_bytes;
}

size_t batch_used_bytes(const struct batch *batch) {
  return batch->records_bytes + (size_t)batch->record_count * batch->entry_bytes;
}

void batch_split(struct batch *batch, uint32_t at, struct batch *tail) {
  ASSERT(at > 0 && at < batch->record_count);
  ASSERT(batch->codec == COMPRESSION_NONE);
  *tail = *batch;
  list_init(&tail->queue_node);
  list_init(&tail->incomplete_node);
  tail->shares = 0;
  tail->packed = batch->packed = false;
  tail->finished = batch->finished = false;
  batch->root->shares++;
  struct wire_reader reader = wire_reader_of(bytes_of(batch->records, batch->records_bytes));
  struct record_view view;
  for (uint32_t i = 0; i < at; i++)
    record_read(&reader, &view);
  ASSERT(!reader.failed);
  size_t head_bytes = (size_t)(reader.at - batch->records);
  tail->records = batch->records + head_bytes;
  uint8_t *to = tail->records;
  for (uint32_t i = at; i < batch->record_count; i++) {
    record_read(&reader, &view);
    ASSERT(!reader.failed);
    to = record_rewrite(to, &view, view.timestamp_delta, (int32_t)(i - at));
  }
  tail->records_bytes = (size_t)(to - tail->records);
  tail->entries = batch->entries - (size_t)at * batch->entry_bytes;
  tail->record_count = batch->record_count - at;
  if (batch->base_sequence >= 0)
    tail->base_sequence = (int32_t)(((uint32_t)batch->base_sequence + at) & INT32_MAX);
  batch->records_bytes = head_bytes;
  batch->record_count = at;
  find_max_timestamp(batch);
  find_max_timestamp(tail);
}

void batch_drop_first(struct batch *batch, const struct record_view *view) {
  ASSERT(batch->partition == NULL && batch->record_count > 0);
  batch->records += view->size;
  batch->records_bytes -= view->size;
  batch->entries -= batch->entry_bytes;
  batch->record_count--;
}

void batch_compress(struct batch *batch, struct compressor *compressor, enum compression_codec codec,
                    int32_t level, uint8_t *scratch, size_t scratch_bytes) {
  ASSERT(batch->codec == COMPRESSION_NONE);
  batch->uncompressed_bytes = batch->records_bytes;
  batch->packed = true;
  batch->finished = false;
  if (codec == COMPRESSION_NONE) return;
  struct bytes input = bytes_of(batch->records, batch->records_bytes);
  size_t compressed_bytes = compressor_compress(compressor, codec, level, input, scratch, scratch_bytes);
  if (compressed_bytes == 0 || compressed_bytes >= batch->records_bytes) return;
  memcpy(batch->records, scratch, compressed_bytes);
  batch->records_bytes = compressed_bytes;
  batch->codec = codec;
}

bool batch_decompress(struct batch *batch, struct compressor *compressor, uint8_t *scratch,
                      size_t scratch_bytes) {
  if (batch->codec == COMPRESSION_NONE) return true;
  if (scratch_bytes < batch->uncompressed_bytes) return false;
  size_t bytes = 0;
  struct bytes input = bytes_of(batch->records, batch->records_bytes);
  if (!compressor_decompress(compressor, batch->codec, input, scratch, scratch_bytes, &bytes)) return false;
  ASSERT(bytes == batch->uncompressed_bytes);
  memcpy(batch->records, scratch, bytes);
  batch->records_bytes = bytes;
  batch->codec = COMPRESSION_NONE;
  batch->packed = false;
  batch->finished = false;
  return true;
}

void batch_stamp(struct batch *batch, int64_t producer_id, int16_t producer_epoch, int32_t base_sequence) {
  ASSERT(!batch->ambiguous);
  ASSERT(batch->state == BATCH_SEALED || batch->state == BATCH_RETRY);
  batch->producer_id = producer_id;
  batch->producer_epoch = producer_epoch;
  batch->base_sequence = base_sequence;
  batch->finished = false;
}

void batch_finish(struct batch *batch) {
  struct record_batch_header header = {
      .base_offset = 0,
      .partition_leader_epoch = -1,
      .magic = RECORD_BATCH_MAGIC,
      .attributes = (int16_t)batch->codec,
      .last_offset_delta = (int32_t)batch->record_count - 1,
      .base_timestamp_ms = batch->base_timestamp_ms,
      .max_timestamp_ms = batch->max_timestamp_ms,
      .producer_id = batch->producer_id,
      .producer_epoch = batch->producer_epoch,
      .base_sequence = batch->base_sequence,
      .record_count = (int32_t)batch->record_count,
  };
  record_batch_header_write(batch->header, &header, bytes_of(batch->records, batch->records_bytes));
  batch->finished = true;
}

void batch_settle(struct batch *batch, enum outcome outcome, int32_t status, int64_t base_offset,
                  int64_t log_append_time_ms, int64_t now_us) {
  ASSERT(batch->outcome == OUTCOME_NONE && outcome != OUTCOME_NONE);
  batch_set_state(batch, BATCH_SETTLED);
  batch->outcome = outcome;
  batch->status = status;
  batch->base_offset = base_offset;
  batch->log_append_time_ms = log_append_time_ms;
  batch->settled_us = now_us;
}

void batch_report(const struct batch *batch, uint32_t index, struct report *report) {
  ASSERT(batch->state == BATCH_SETTLED && index < batch->record_count);
  const struct batch_entry *entry = batch_entry(batch, index);
  bool log_append_time = batch->log_append_time_ms >= 0;
  int64_t latency_us = batch->settled_us - batch->created_us - (int64_t)entry->accepted_after_us;
  *report = (struct report){
      .opaque = entry->opaque,
      .offset = batch->outcome == OUTCOME_DELIVERED ? batch->base_offset + (int64_t)index : -1,
      .timestamp_ms = log_append_time ? batch->log_append_time_ms : entry->timestamp_ms,
      .latency_us = latency_us > 0 ? latency_us : 0,
      .topic = batch->topic->id,
      .partition = batch->partition != NULL ? batch->partition->index : entry->partition_wanted,
      .status = batch->status,
      .broker = batch->broker,
      .attempts = batch->attempts > UINT16_MAX ? UINT16_MAX : (uint16_t)batch->attempts,
      .outcome = (uint8_t)batch->outcome,
      .flags = log_append_time ? REPORT_LOG_APPEND_TIME : 0,
  };
}

static void start_timestamps(struct batch *batch, int64_t timestamp_ms) {
  batch->base_timestamp_ms = timestamp_ms;
  batch->max_timestamp_ms = timestamp_ms;
}

/* Bytes that the next record may take beside its entry; 0 if there is none. */
static inline size_t room_of(const struct batch *batch) {
  size_t entries_bytes = ((size_t)batch->record_count + 1) * batch->entry_bytes;
  size_t end = (size_t)(batch->entries - batch->block) + batch->entry_bytes;
  size_t begin = (size_t)(batch->records - batch->block) + batch->records_bytes;
  if (batch->record_count >= batch->record_limit || begin + entries_bytes >= end) return 0;
  size_t room = end - entries_bytes - begin;
  size_t below_limit = batch->limit_bytes - batch->records_bytes;
  return room < below_limit ? room : below_limit;
}

static inline void add_entry(struct batch *batch, const uint8_t *records_end,
                             const struct batch_entry *entry) {
  memcpy(batch_entry(batch, batch->record_count), entry, batch->entry_bytes);
  batch->records_bytes = (size_t)(records_end - batch->records);
  if (entry->timestamp_ms > batch->max_timestamp_ms) batch->max_timestamp_ms = entry->timestamp_ms;
  batch->record_count++;
}

/* The lowest byte that entries use. */
static uint8_t *entries_floor(const struct batch *batch) {
  return batch->entries + batch->entry_bytes - (size_t)batch->record_count * batch->entry_bytes;
}

static void copy_entries(uint8_t *to_end, const struct batch *batch) {
  size_t bytes = (size_t)batch->record_count * batch->entry_bytes;
  memcpy(to_end - bytes, entries_floor(batch), bytes);
}

static void find_max_timestamp(struct batch *batch) {
  batch->max_timestamp_ms = batch_entry(batch, 0)->timestamp_ms;
  for (uint32_t i = 1; i < batch->record_count; i++) {
    int64_t timestamp_ms = batch_entry(batch, i)->timestamp_ms;
    if (timestamp_ms > batch->max_timestamp_ms) batch->max_timestamp_ms = timestamp_ms;
  }
}
