/* Record batch v2 (magic 2).
 *
 *   header, 61 bytes:
 *      0 base_offset:INT64
 *      8 batch_length:INT32            of all that follows this field
 *     12 partition_leader_epoch:INT32
 *     16 magic:INT8 = 2
 *     17 crc:UINT32                    CRC-32C of everything from byte 21
 *     21 attributes:INT16              bits 0-2 codec, 3 timestamp type, 4 transactional, 5 control
 *     23 last_offset_delta:INT32
 *     27 base_timestamp:INT64
 *     35 max_timestamp:INT64
 *     43 producer_id:INT64
 *     51 producer_epoch:INT16
 *     53 base_sequence:INT32
 *     57 record_count:INT32
 *   record, in its uncompressed form:
 *     length:VARINT                    of what follows
 *     attributes:INT8 = 0
 *     timestamp_delta:VARLONG offset_delta:VARINT
 *     key_length:VARINT (-1: null) key  value_length:VARINT (-1: null) value
 *     header_count:VARINT [key_length:VARINT key  value_length:VARINT (-1: null) value]
 *
 * The records are compressed as a whole, the header never is. */
#ifndef PROTOCOL_RECORD_BATCH_H
#define PROTOCOL_RECORD_BATCH_H

#include "base/bytes.h"
#include "protocol/wire.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
  RECORD_BATCH_HEADER_BYTES = 61,
  RECORD_BATCH_MAGIC = 2,
  RECORD_BATCH_CRC_FROM = 21, /* first byte that the checksum covers */
  RECORD_BATCH_CODEC_MASK = 0x07,
  RECORD_BATCH_LOG_APPEND_TIME = 0x08,
  RECORD_BATCH_TRANSACTIONAL = 0x10,
  RECORD_BATCH_CONTROL = 0x20,
};

struct record_batch_header {
  int64_t base_offset;
  int32_t batch_length;
  int32_t partition_leader_epoch;
  int8_t magic;
  uint32_t crc;
  int16_t attributes;
  int32_t last_offset_delta;
  int64_t base_timestamp_ms;
  int64_t max_timestamp_ms;
  int64_t producer_id;
  int16_t producer_epoch;
  int32_t base_sequence;
  int32_t record_count;
};

/* Writes the 61 bytes, computing magic, batch_length and crc over the header and `records` (what follows it
 * on the wire); the fields of those names are ignored. records.size is at most 2^31-1 - 49. */
void record_batch_header_write(uint8_t to[RECORD_BATCH_HEADER_BYTES],
                               const struct record_batch_header *header, struct bytes records);

enum record_batch_verdict {
  RECORD_BATCH_VALID,
  RECORD_BATCH_TRUNCATED, /* fewer bytes than batch_length says */
  RECORD_BATCH_BAD_MAGIC,
  RECORD_BATCH_BAD_LENGTH, /* batch_length has no room for the header */
  RECORD_BATCH_BAD_CRC,
  RECORD_BATCH_BAD_COUNTS, /* no records, or record_count and last_offset_delta disagree */
};

/* Reads and checks the batch at the start of input, without its records. *batch_bytes receives its whole size
 * (header included). Unless VALID, both are untouched. */
enum record_batch_verdict record_batch_read(struct bytes input, struct record_batch_header *header,
                                            size_t *batch_bytes);

/* Fills in base_offset and partition_leader_epoch of a batch in place: neither is covered by the checksum. */
void record_batch_set_offset(uint8_t *batch, int64_t base_offset, int32_t partition_leader_epoch);

/* ---- records ---- */

struct record_header {
  struct bytes key;   /* never null */
  struct bytes value; /* may be null */
};

/* A record to be written. The caller has checked that record_bound of it is at most 2^31-1. */
struct record {
  struct bytes key, value; /* may be null */
  const struct record_header *headers;
  uint32_t header_count;
};

/* The most bytes that record_write can need. */
static inline size_t record_bound(const struct record *record);

/* The exact size of a record on the wire. */
static inline size_t record_size(const struct record *record, int64_t timestamp_delta, int32_t offset_delta);

/* Writes a record and returns the byte behind it. The caller has made sure that record_size bytes are free.
 */
static inline uint8_t *record_write(uint8_t *to, const struct record *record, int64_t timestamp_delta,
                                    int32_t offset_delta);

/* A record as it was read; views into the input. */
struct record_view {
  int64_t timestamp_delta;
  int32_t offset_delta;
  struct bytes key, value;
  int32_t header_count;
  struct wire_reader headers; /* walked with record_read_header, header_count times */
  struct bytes content;       /* key_length and all that follows it: what record_rewrite copies */
  size_t size;                /* on the wire, its length field included */
};

/* Reads the next record of an uncompressed batch; sets the reader's error on malformed input. What it accepts
 * is well-formed to the last header. */
void record_read(struct wire_reader *reader, struct record_view *record);
void record_read_header(struct wire_reader *headers, struct record_header *header);

/* Copies a record under new deltas: same key, value and header bytes. `to` may overlap the view's source when
 * it lies before it (a copy towards lower addresses whose deltas do not grow). Returns the byte behind it. */
uint8_t *record_rewrite(uint8_t *to, const struct record_view *record, int64_t timestamp_delta,
                        int32_t offset_delta);

/* What record_rewrite writes, and the most that it can be. */
static inline size_t record_rewrite_size(const struct record_view *record, int64_t timestamp_delta,
                                         int32_t offset_delta);
static inline size_t record_rewrite_bound(const struct record_view *record);

/* ---- inline: every record of every producer passes here ---- */

enum {
  RECORD_VARINT_MAX_BYTES = 5,
  RECORD_VARLONG_MAX_BYTES = 10,
  RECORD_ATTRIBUTES_BYTES = 1,
  RECORD_MINIMUM_BYTES = 7, /* of a whole record: no field needs more than its one byte */
};

/* The slow path of record_varint_write: three bytes and more. */
uint8_t *record_varint_write_long(uint8_t *to, uint64_t zigzag);
/* The part of a record behind its value, for records that have headers. */
size_t record_headers_size(const struct record *record);
uint8_t *record_headers_write(uint8_t *to, const struct record *record);

/* Bytes of a varint: one for every started seven bits. */
static inline size_t record_varint_size(uint64_t zigzag) {
  unsigned bits = 64 - (unsigned)__builtin_clzll(zigzag | 1);
  return (bits * 9 + 64) / 64; /* = ceil(bits / 7) for 1 to 64 */
}

static inline uint8_t *record_varint_write(uint8_t *to, uint64_t zigzag) {
  if (zigzag < 0x80) {
    *to = (uint8_t)zigzag;
    return to + 1;
  }
  if (zigzag < 0x4000) {
    to[0] = (uint8_t)(zigzag | 0x80);
    to[1] = (uint8_t)(zigzag >> 7);
    return to + 2;
  }
  return record_varint_write_long(to, zigzag);
}

/* Lengths are never negative, so their zigzag is a shift; null's is that of -1. */
static inline uint64_t record_length_zigzag(struct bytes field) {
  return field.data == NULL ? 1 : (uint64_t)field.size << 1;
}

static inline size_t record_field_size(struct bytes field) {
  return record_varint_size(record_length_zigzag(field)) + field.size;
}

static inline uint8_t *record_field_write(uint8_t *to, struct bytes field) {
  to = record_varint_write(to, record_length_zigzag(field));
  if (field.size == 0) return to;
  memcpy(to, field.data, field.size);
  return to + field.size;
}

/* What the length field counts. */
static inline size_t record_body_size(const struct record *record, int64_t timestamp_delta,
                                      int32_t offset_delta) {
  return RECORD_ATTRIBUTES_BYTES + record_varint_size(wire_zigzag64(timestamp_delta)) +
         record_varint_size(wire_zigzag32(offset_delta)) + record_field_size(record->key) +
         record_field_size(record->value) + (record->header_count == 0 ? 1 : record_headers_size(record));
}

static inline size_t record_size(const struct record *record, int64_t timestamp_delta, int32_t offset_delta) {
  size_t body_bytes = record_body_size(record, timestamp_delta, offset_delta);
  return record_varint_size((uint64_t)body_bytes << 1) + body_bytes;
}

static inline size_t record_bound(const struct record *record) {
  size_t fixed = RECORD_ATTRIBUTES_BYTES + RECORD_VARLONG_MAX_BYTES + 4 * RECORD_VARINT_MAX_BYTES;
  size_t headers = record->header_count == 0 ? 1 : record_headers_size(record);
  return fixed + record->key.size + record->value.size + headers;
}

static inline size_t record_rewrite_size(const struct record_view *record, int64_t timestamp_delta,
                                         int32_t offset_delta) {
  size_t body_bytes = RECORD_ATTRIBUTES_BYTES + record_varint_size(wire_zigzag64(timestamp_delta)) +
                      record_varint_size(wire_zigzag32(offset_delta)) + record->content.size;
  return record_varint_size((uint64_t)body_bytes << 1) + body_bytes;
}

static inline size_t record_rewrite_bound(const struct record_view *record) {
  return RECORD_ATTRIBUTES_BYTES + RECORD_VARLONG_MAX_BYTES + 2 * RECORD_VARINT_MAX_BYTES +
         record->content.size;
}

static inline uint8_t *record_write(uint8_t *to, const struct record *record, int64_t timestamp_delta,
                                    int32_t offset_delta) {
  size_t body_bytes = record_body_size(record, timestamp_delta, offset_delta);
  to = record_varint_write(to, (uint64_t)body_bytes << 1);
  *to++ = 0;
  to = record_varint_write(to, wire_zigzag64(timestamp_delta));
  to = record_varint_write(to, wire_zigzag32(offset_delta));
  to = record_field_write(to, record->key);
  to = record_field_write(to, record->value);
  if (record->header_count > 0) return record_headers_write(to, record);
  *to = 0;
  return to + 1;
}

#endif
