#include "protocol/record_batch.h"

#include "base/assertion.h"
#include "base/crc32c.h"

enum {
  LENGTH_COVERS_FROM = 12, /* the first byte that batch_length counts */
  AT_BASE_OFFSET = 0,
  AT_BATCH_LENGTH = 8,
  AT_PARTITION_LEADER_EPOCH = 12,
  AT_MAGIC = 16,
  AT_CRC = 17,
  AT_ATTRIBUTES = 21,
  AT_LAST_OFFSET_DELTA = 23,
  AT_BASE_TIMESTAMP = 27,
  AT_MAX_TIMESTAMP = 35,
  AT_PRODUCER_ID = 43,
  AT_PRODUCER_EPOCH = 51,
  AT_BASE_SEQUENCE = 53,
  AT_RECORD_COUNT = 57,
  HEADER_MINIMUM_BYTES = 2, /* of a record: two empty fields */
};

/* ---- the batch ---- */

void record_batch_header_write(uint8_t to[RECORD_BATCH_HEADER_BYTES],
                               const struct record_batch_header *header, struct bytes records) {
  ASSERT(records.size <= INT32_MAX - (RECORD_BATCH_HEADER_BYTES - LENGTH_COVERS_FROM));
  size_t batch_length = RECORD_BATCH_HEADER_BYTES - LENGTH_COVERS_FROM + records.size;
  bytes_store_u64(to + AT_BASE_OFFSET, (uint64_t)header->base_offset);
  bytes_store_u32(to + AT_BATCH_LENGTH, (uint32_t)batch_length);
  bytes_store_u32(to + AT_PARTITION_LEADER_EPOCH, (uint32_t)header->partition_leader_epoch);
  to[AT_MAGIC] = RECORD_BATCH_MAGIC;
  bytes_store_u16(to + AT_ATTRIBUTES, (uint16_t)header->attributes);
  bytes_store_u32(to + AT_LAST_OFFSET_DELTA, (uint32_t)header->last_offset_delta);
  bytes_store_u64(to + AT_BASE_TIMESTAMP, (uint64_t)header->base_timestamp_ms);
  bytes_store_u64(to + AT_MAX_TIMESTAMP, (uint64_t)header->max_timestamp_ms);
  bytes_store_u64(to + AT_PRODUCER_ID, (uint64_t)header->producer_id);
  bytes_store_u16(to + AT_PRODUCER_EPOCH, (uint16_t)header->producer_epoch);
  bytes_store_u32(to + AT_BASE_SEQUENCE, (uint32_t)header->base_sequence);
  bytes_store_u32(to + AT_RECORD_COUNT, (uint32_t)header->record_count);
  uint32_t crc =
      crc32c_extend(0, to + RECORD_BATCH_CRC_FROM, RECORD_BATCH_HEADER_BYTES - RECORD_BATCH_CRC_FROM);
  bytes_store_u32(to + AT_CRC, crc32c_extend(crc, records.data, records.size));
}

static struct record_batch_header header_load(const uint8_t *from) {
  return (struct record_batch_header){
      .base_offset = (int64_t)bytes_load_u64(from + AT_BASE_OFFSET),
      .batch_length = (int32_t)bytes_load_u32(from + AT_BATCH_LENGTH),
      .partition_leader_epoch = (int32_t)bytes_load_u32(from + AT_PARTITION_LEADER_EPOCH),
      .magic = (int8_t)from[AT_MAGIC],
      .crc = bytes_load_u32(from + AT_CRC),
      .attributes = (int16_t)bytes_load_u16(from + AT_ATTRIBUTES),
      .last_offset_delta = (int32_t)bytes_load_u32(from + AT_LAST_OFFSET_DELTA),
      .base_timestamp_ms = (int64_t)bytes_load_u64(from + AT_BASE_TIMESTAMP),
      .max_timestamp_ms = (int64_t)bytes_load_u64(from + AT_MAX_TIMESTAMP),
      .producer_id = (int64_t)bytes_load_u64(from + AT_PRODUCER_ID),
      .producer_epoch = (int16_t)bytes_load_u16(from + AT_PRODUCER_EPOCH),
      .base_sequence = (int32_t)bytes_load_u32(from + AT_BASE_SEQUENCE),
      .record_count = (int32_t)bytes_load_u32(from + AT_RECORD_COUNT),
  };
}

enum record_batch_verdict record_batch_read(struct bytes input, struct record_batch_header *header,
                                            size_t *batch_bytes) {
  /* Older formats have their magic at the same place: they are told apart before anything else is believed.
   */
  if (input.size <= AT_MAGIC) return RECORD_BATCH_TRUNCATED;
  if (input.data[AT_MAGIC] != RECORD_BATCH_MAGIC) return RECORD_BATCH_BAD_MAGIC;
  int32_t batch_length = (int32_t)bytes_load_u32(input.data + AT_BATCH_LENGTH);
  if (batch_length < RECORD_BATCH_HEADER_BYTES - LENGTH_COVERS_FROM) return RECORD_BATCH_BAD_LENGTH;
  size_t size = LENGTH_COVERS_FROM + (size_t)batch_length;
  if (input.size < size) return RECORD_BATCH_TRUNCATED;
  struct record_batch_header found = header_load(input.data);
  uint32_t crc = crc32c_extend(0, input.data + RECORD_BATCH_CRC_FROM, size - RECORD_BATCH_CRC_FROM);
  if (crc != found.crc) return RECORD_BATCH_BAD_CRC;
  if (found.record_count < 1 || found.last_offset_delta != found.record_count - 1)
    return RECORD_BATCH_BAD_COUNTS;
  *header = found;
  *batch_bytes = size;
  return RECORD_BATCH_VALID;
}

void record_batch_set_offset(uint8_t *batch, int64_t base_offset, int32_t partition_leader_epoch) {
  bytes_store_u64(batch + AT_BASE_OFFSET, (uint64_t)base_offset);
  bytes_store_u32(batch + AT_PARTITION_LEADER_EPOCH, (uint32_t)partition_leader_epoch);
}

/* ---- records, written ---- */

uint8_t *record_varint_write_long(uint8_t *to, uint64_t zigzag) {
  for (; zigzag >= 0x80; zigzag >>= 7)
    *to++ = (uint8_t)(zigzag | 0x80);
  *to = (uint8_t)zigzag;
  return to + 1;
}

size_t record_headers_size(const struct record *record) {
  size_t size = record_varint_size((uint64_t)record->header_count << 1);
  for (uint32_t i = 0; i < record->header_count; i++)
    size += record_field_size(record->headers[i].key) + record_field_size(record->headers[i].value);
  return size;
}

uint8_t *record_headers_write(uint8_t *to, const struct record *record) {
  to = record_varint_write(to, (uint64_t)record->header_count << 1);
  for (uint32_t i = 0; i < record->header_count; i++) {
    to = record_field_write(to, record->headers[i].key);
    to = record_field_write(to, record->headers[i].value);
  }
  return to;
}

uint8_t *record_rewrite(uint8_t *to, const struct record_view *record, int64_t timestamp_delta,
                        int32_t offset_delta) {
  uint64_t timestamp_zigzag = wire_zigzag64(timestamp_delta);
  uint64_t offset_zigzag = wire_zigzag32(offset_delta);
  size_t body_bytes = RECORD_ATTRIBUTES_BYTES + record_varint_size(timestamp_zigzag) +
                      record_varint_size(offset_zigzag) + record->content.size;
  to = record_varint_write(to, (uint64_t)body_bytes << 1);
  *to++ = 0;
  to = record_varint_write(to, timestamp_zigzag);
  to = record_varint_write(to, offset_zigzag);
  memmove(to, record->content.data, record->content.size);
  return to + record->content.size;
}

/* ---- records, read ---- */

static struct bytes read_field(struct wire_reader *reader);
static void read_headers(struct wire_reader *reader, struct record_view *record);

void record_read(struct wire_reader *reader, struct record_view *record) {
  *record = (struct record_view){0};
  const uint8_t *start = reader->at;
  int32_t length = wire_read_varint(reader);
  if (length < 0) wire_reader_fail(reader);
  struct wire_reader body = wire_reader_of(wire_read_raw(reader, (size_t)length));
  wire_read_int8(&body); /* attributes: no bit has a meaning */
  record->timestamp_delta = wire_read_varlong(&body);
  record->offset_delta = wire_read_varint(&body);
  record->content = bytes_of(body.at, wire_reader_left(&body));
  record->key = read_field(&body);
  record->value = read_field(&body);
  read_headers(&body, record);
  if (body.failed || wire_reader_left(&body) > 0) wire_reader_fail(reader);
  if (reader->failed) {
    *record = (struct record_view){0};
    return;
  }
  record->size = (size_t)(reader->at - start);
}

static struct bytes read_field(struct wire_reader *reader) {
  int32_t length = wire_read_varint(reader);
  if (length == -1) return bytes_of(NULL, 0);
  if (length < -1) wire_reader_fail(reader);
  return wire_read_raw(reader, (size_t)length);
}

static void read_headers(struct wire_reader *reader, struct record_view *record) {
  int32_t count = wire_read_varint(reader);
  if (count < 0 || (size_t)count > wire_reader_left(reader) / HEADER_MINIMUM_BYTES) wire_reader_fail(reader);
  record->header_count = count;
  record->headers = *reader;
  struct record_header skipped;
  for (int32_t i = 0; i < count && !reader->failed; i++)
    record_read_header(reader, &skipped);
}

void record_read_header(struct wire_reader *headers, struct record_header *header) {
  header->key = read_field(headers);
  header->value = read_field(headers);
  if (header->key.data == NULL) wire_reader_fail(headers);
}
