#include "support/sample_records.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

enum { TIMESTAMP_BASE_MS = 1700000000 };

static const size_t key_sizes[] = {0, 1, 8, 63, 64, 200};
static const size_t value_sizes[] = {0, 1, 20, 62, 63, 64, 100, 127, 128, 500, 8191, 8192, 8999};
static const struct record_header headers[] = {
    {.key = {(const uint8_t *)"trace", 5}, .value = {(const uint8_t *)"0123456789abcdef", 16}},
    {.key = {(const uint8_t *)"", 0}, .value = {NULL, 0}},
    {.key = {(const uint8_t *)"trace", 5}, .value = {(const uint8_t *)"", 0}},
};

static struct bytes fill(uint8_t *to, size_t size, uint32_t number, uint32_t salt) {
  for (size_t i = 0; i < size; i++)
    to[i] = (uint8_t)('a' + (number * 31 + salt + i / 3) % 26);
  return bytes_of(to, size);
}

struct record sample_record(uint32_t number) {
  static uint8_t key[256], value[SAMPLE_VALUE_MAXIMUM_BYTES];
  struct record record = {.headers = headers, .header_count = number % 5 == 0 ? number / 5 % 4 : 0};
  if (number % 4 != 0) record.key = fill(key, key_sizes[number % 6], number, 1);
  if (number % 7 != 0) record.value = fill(value, value_sizes[number % 13], number, 2);
  return record;
}

void sample_callback(void *user, const struct report *report) {
  (void)user;
  (void)report;
}

struct batch_entry sample_entry(uint32_t number) {
  return (struct batch_entry){
      .opaque = number,
      .timestamp_ms = TIMESTAMP_BASE_MS + (int64_t)(number % 11) * 1000 - (int64_t)(number % 3) * 100000,
      .accepted_after_us = number * 3,
      .partition_wanted = (int32_t)number - 1,
      .callback = sample_callback,
      .user = (void *)(uintptr_t)number,
  };
}

static void expect_same(struct bytes actual, struct bytes expected) {
  ck_assert(bytes_equal(actual, expected));
  ck_assert_int_eq(actual.data == NULL, expected.data == NULL);
}

static void expect_entry(const struct batch *batch, uint32_t index, const struct batch_entry *expected) {
  const struct batch_entry *entry = batch_entry(batch, index);
  ck_assert_uint_eq(entry->opaque, expected->opaque);
  ck_assert_int_eq(entry->timestamp_ms, expected->timestamp_ms);
  ck_assert_uint_eq(entry->accepted_after_us, expected->accepted_after_us);
  ck_assert_int_eq(entry->partition_wanted, expected->partition_wanted);
  if (batch->entry_bytes != BATCH_WIDE_ENTRY_BYTES) return;
  ck_assert(entry->callback == expected->callback);
  ck_assert_ptr_eq(entry->user, expected->user);
}

static void expect_records(const struct batch *batch, struct bytes records, uint32_t first_number) {
  struct wire_reader reader = wire_reader_of(records);
  int64_t max_timestamp_ms = INT64_MIN;
  for (uint32_t i = 0; i < batch->record_count; i++) {
    struct record expected = sample_record(first_number + i);
    struct batch_entry entry = sample_entry(first_number + i);
    struct record_view view;
    record_read(&reader, &view);
    ck_assert(!reader.failed);
    ck_assert_int_eq(view.offset_delta, (int32_t)i);
    ck_assert_int_eq(batch->base_timestamp_ms + view.timestamp_delta, entry.timestamp_ms);
    expect_same(view.key, expected.key);
    expect_same(view.value, expected.value);
    ck_assert_int_eq(view.header_count, (int32_t)expected.header_count);
    for (int32_t h = 0; h < view.header_count; h++) {
      struct record_header header;
      record_read_header(&view.headers, &header);
      expect_same(header.key, headers[h].key);
      expect_same(header.value, headers[h].value);
    }
    expect_entry(batch, i, &entry);
    if (entry.timestamp_ms > max_timestamp_ms) max_timestamp_ms = entry.timestamp_ms;
  }
  ck_assert_uint_eq(wire_reader_left(&reader), 0);
  ck_assert_int_eq(batch->max_timestamp_ms, max_timestamp_ms);
}

void sample_expect(const struct batch *batch, uint32_t first_number) {
  ck_assert_int_eq(batch->codec, COMPRESSION_NONE);
  expect_records(batch, bytes_of(batch->records, batch->records_bytes), first_number);
}

void sample_expect_wire(const struct batch *batch, uint32_t first_number) {
  ck_assert(batch->finished);
  size_t bytes = batch_wire_bytes(batch), read_bytes = 0;
  uint8_t *wire = malloc(bytes);
  ck_assert_ptr_nonnull(wire);
  memcpy(wire, batch->header, RECORD_BATCH_HEADER_BYTES);
  memcpy(wire + RECORD_BATCH_HEADER_BYTES, batch->records, batch->records_bytes);
  struct record_batch_header header;
  ck_assert_int_eq(record_batch_read(bytes_of(wire, bytes), &header, &read_bytes), RECORD_BATCH_VALID);
  ck_assert_uint_eq(read_bytes, bytes);
  ck_assert_int_eq(header.base_offset, 0);
  ck_assert_int_eq(header.partition_leader_epoch, -1);
  ck_assert_int_eq(header.attributes, (int16_t)batch->codec);
  ck_assert_int_eq(header.record_count, (int32_t)batch->record_count);
  ck_assert_int_eq(header.base_timestamp_ms, batch->base_timestamp_ms);
  ck_assert_int_eq(header.max_timestamp_ms, batch->max_timestamp_ms);
  ck_assert_int_eq(header.producer_id, batch->producer_id);
  ck_assert_int_eq(header.producer_epoch, batch->producer_epoch);
  ck_assert_int_eq(header.base_sequence, batch->base_sequence);
  struct bytes records = bytes_of(wire + RECORD_BATCH_HEADER_BYTES, batch->records_bytes);
  uint8_t *unpacked = malloc(batch->uncompressed_bytes + 1);
  if (batch->codec != COMPRESSION_NONE) {
    struct compressor *compressor = compressor_create();
    ck_assert(compressor_decompress(compressor, batch->codec, records, unpacked, batch->uncompressed_bytes,
                                    &records.size));
    records.data = unpacked;
    compressor_destroy(compressor);
  }
  ck_assert_uint_eq(records.size, batch->uncompressed_bytes);
  expect_records(batch, records, first_number);
  free(unpacked);
  free(wire);
}
