/* A reader of record batches that owes nothing to src/protocol: written from Kafka's description of the
 * format alone, slow and simple. Header only. */
#ifndef FUZZ_PLAIN_BATCH_H
#define FUZZ_PLAIN_BATCH_H

#include "base/bytes.h"

enum { PLAIN_HEADER_BYTES = 61, PLAIN_CRC_FROM = 21 };

struct plain_batch {
  int64_t base_offset, base_timestamp_ms, max_timestamp_ms, producer_id;
  int32_t leader_epoch, last_offset_delta, base_sequence, record_count;
  int16_t attributes, producer_epoch;
  struct bytes records; /* as they are there, maybe compressed */
};

struct plain_record {
  int64_t timestamp_ms;
  int64_t offset_delta;
  struct bytes key, value; /* null if absent */
  int64_t header_count;
  struct bytes headers; /* for plain_next_header */
};

/* CRC-32C bit by bit. */
static inline uint32_t plain_crc(struct bytes data) {
  uint32_t crc = UINT32_MAX;
  for (size_t i = 0; i < data.size; i++) {
    crc ^= data.data[i];
    for (int bit = 0; bit < 8; bit++)
      crc = (crc & 1) != 0 ? crc >> 1 ^ 0x82f63b78U : crc >> 1;
  }
  return ~crc;
}

static inline uint64_t plain_number(const uint8_t *at, int size) {
  uint64_t value = 0;
  for (int i = 0; i < size; i++)
    value = value * 256 + at[i];
  return value;
}

/* False unless input is one batch, whole, with its true checksum and counts that agree. */
static inline bool plain_batch_read(struct bytes input, struct plain_batch *batch) {
  const uint8_t *at = input.data;
  if (input.size < PLAIN_HEADER_BYTES || plain_number(at + 8, 4) != input.size - 12 || at[16] != 2)
    return false;
  struct bytes covered = bytes_of(at + PLAIN_CRC_FROM, input.size - PLAIN_CRC_FROM);
  if (plain_number(at + 17, 4) != plain_crc(covered)) return false;
  *batch = (struct plain_batch){.base_offset = (int64_t)plain_number(at, 8),
                                .leader_epoch = (int32_t)plain_number(at + 12, 4),
                                .attributes = (int16_t)plain_number(at + 21, 2),
                                .last_offset_delta = (int32_t)plain_number(at + 23, 4),
                                .base_timestamp_ms = (int64_t)plain_number(at + 27, 8),
                                .max_timestamp_ms = (int64_t)plain_number(at + 35, 8),
                                .producer_id = (int64_t)plain_number(at + 43, 8),
                                .producer_epoch = (int16_t)plain_number(at + 51, 2),
                                .base_sequence = (int32_t)plain_number(at + 53, 4),
                                .record_count = (int32_t)plain_number(at + 57, 4)};
  batch->records = bytes_of(at + PLAIN_HEADER_BYTES, input.size - PLAIN_HEADER_BYTES);
  return batch->record_count > 0 && batch->last_offset_delta == batch->record_count - 1;
}

/* Zigzag, at most ten bytes. */
static inline bool plain_varint(struct bytes *input, int64_t *value) {
  uint64_t bits = 0;
  for (unsigned shift = 0; shift < 70 && input->size > 0; shift += 7) {
    uint8_t byte = *input->data;
    *input = bytes_of(input->data + 1, input->size - 1);
    if (shift < 64) bits |= (uint64_t)(byte & 0x7f) << shift;
    if ((byte & 0x80) != 0) continue;
    *value = (int64_t)(bits >> 1 ^ (0 - (bits & 1)));
    return true;
  }
  return false;
}

/* A length and as many bytes; -1 is null. */
static inline bool plain_field(struct bytes *input, struct bytes *field) {
  int64_t size;
  if (!plain_varint(input, &size) || size < -1 || size > (int64_t)input->size) return false;
  *field = size == -1 ? bytes_of(NULL, 0) : bytes_of(input->data, (size_t)size);
  if (size > 0) *input = bytes_of(input->data + size, input->size - (size_t)size);
  return true;
}

static inline bool plain_next_header(struct bytes *headers, struct bytes *key, struct bytes *value) {
  return plain_field(headers, key) && key->data != NULL && plain_field(headers, value);
}

static inline bool plain_next_record(struct bytes *records, int64_t base_timestamp_ms,
                                     struct plain_record *record) {
  int64_t size, timestamp_delta;
  if (!plain_varint(records, &size) || size < 1 || size > (int64_t)records->size) return false;
  struct bytes body = bytes_of(records->data + 1, (size_t)size - 1); /* attributes mean nothing */
  *records = bytes_of(records->data + size, records->size - (size_t)size);
  if (!plain_varint(&body, &timestamp_delta) || !plain_varint(&body, &record->offset_delta)) return false;
  record->timestamp_ms = (int64_t)((uint64_t)base_timestamp_ms + (uint64_t)timestamp_delta);
  if (!plain_field(&body, &record->key) || !plain_field(&body, &record->value)) return false;
  if (!plain_varint(&body, &record->header_count) || record->header_count < 0) return false;
  record->headers = body;
  for (int64_t i = 0; i < record->header_count; i++) {
    struct bytes key, value;
    if (!plain_next_header(&body, &key, &value)) return false;
  }
  return body.size == 0;
}

#endif
