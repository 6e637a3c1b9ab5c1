#include "protocol/wire.h"

#include "base/allocator.h"
#include "base/assertion.h"

enum { FIRST_CAPACITY = 256, VARINT_MAX_BYTES = 5, VARLONG_MAX_BYTES = 10 };

/* ---- writing ---- */

static bool writer_grow(struct wire_writer *writer, size_t size);
static size_t varint_encode(uint8_t to[VARLONG_MAX_BYTES], uint64_t value);
static void write_unsigned_varlong(struct wire_writer *writer, uint64_t value);

void wire_writer_deinit(struct wire_writer *writer) {
  allocator_free(writer->data);
  *writer = (struct wire_writer){0};
}

void wire_writer_reset(struct wire_writer *writer) {
  writer->size = 0;
  writer->failed = false;
}

uint8_t *wire_reserve(struct wire_writer *writer, size_t size) {
  if (writer->failed) return NULL;
  if (size > writer->capacity - writer->size && !writer_grow(writer, size)) {
    writer->failed = true;
    return NULL;
  }
  uint8_t *reserved = writer->data + writer->size;
  writer->size += size;
  return reserved;
}

static bool writer_grow(struct wire_writer *writer, size_t size) {
  if (size > SIZE_MAX / 4 || writer->size > SIZE_MAX / 4) return false;
  size_t capacity = writer->capacity == 0 ? FIRST_CAPACITY : writer->capacity * 2;
  if (capacity < writer->size + size) capacity = writer->size + size;
  uint8_t *data = allocator_reallocate(writer->data, capacity);
  if (data == NULL) return false;
  writer->data = data;
  writer->capacity = capacity;
  return true;
}

void wire_write_int8(struct wire_writer *writer, int8_t value) {
  uint8_t *to = wire_reserve(writer, 1);
  if (to != NULL) *to = (uint8_t)value;
}

void wire_write_bool(struct wire_writer *writer, bool value) {
  wire_write_int8(writer, value ? 1 : 0);
}

void wire_write_int16(struct wire_writer *writer, int16_t value) {
  uint8_t *to = wire_reserve(writer, 2);
  if (to != NULL) bytes_store_u16(to, (uint16_t)value);
}

void wire_write_int32(struct wire_writer *writer, int32_t value) {
  uint8_t *to = wire_reserve(writer, 4);
  if (to != NULL) bytes_store_u32(to, (uint32_t)value);
}

void wire_write_int64(struct wire_writer *writer, int64_t value) {
  uint8_t *to = wire_reserve(writer, 8);
  if (to != NULL) bytes_store_u64(to, (uint64_t)value);
}

void wire_write_unsigned_varint(struct wire_writer *writer, uint32_t value) {
  write_unsigned_varlong(writer, value);
}

void wire_write_varint(struct wire_writer *writer, int32_t value) {
  write_unsigned_varlong(writer, wire_zigzag32(value));
}

void wire_write_varlong(struct wire_writer *writer, int64_t value) {
  write_unsigned_varlong(writer, wire_zigzag64(value));
}

static void write_unsigned_varlong(struct wire_writer *writer, uint64_t value) {
  uint8_t encoded[VARLONG_MAX_BYTES];
  size_t size = varint_encode(encoded, value);
  uint8_t *to = wire_reserve(writer, size);
  if (to != NULL) memcpy(to, encoded, size);
}

static size_t varint_encode(uint8_t to[VARLONG_MAX_BYTES], uint64_t value) {
  size_t size = 0;
  for (; value >= 0x80; value >>= 7)
    to[size++] = (uint8_t)(value | 0x80);
  to[size++] = (uint8_t)value;
  return size;
}

void wire_write_uuid(struct wire_writer *writer, const struct uuid *value) {
  wire_write_raw(writer, bytes_of(value->octets, sizeof value->octets));
}

void wire_write_raw(struct wire_writer *writer, struct bytes value) {
  if (value.size == 0) return;
  uint8_t *to = wire_reserve(writer, value.size);
  if (to != NULL) memcpy(to, value.data, value.size);
}

void wire_write_string(struct wire_writer *writer, bool flexible, struct bytes value) {
  if (value.size > INT16_MAX) {
    writer->failed = true;
  } else if (flexible) {
    wire_write_unsigned_varint(writer, value.data == NULL ? 0 : (uint32_t)value.size + 1);
  } else {
    wire_write_int16(writer, value.data == NULL ? -1 : (int16_t)value.size);
  }
  wire_write_raw(writer, value);
}

void wire_write_bytes(struct wire_writer *writer, bool flexible, struct bytes value) {
  if (value.data != NULL) {
    wire_write_bytes_length(writer, flexible, value.size);
    wire_write_raw(writer, value);
  } else if (flexible) {
    wire_write_unsigned_varint(writer, 0);
  } else {
    wire_write_int32(writer, -1);
  }
}

void wire_write_bytes_length(struct wire_writer *writer, bool flexible, size_t size) {
  if (size > INT32_MAX) {
    writer->failed = true;
  } else if (flexible) {
    wire_write_unsigned_varint(writer, (uint32_t)size + 1);
  } else {
    wire_write_int32(writer, (int32_t)size);
  }
}

void wire_write_array_count(struct wire_writer *writer, bool flexible, int32_t count) {
  ASSERT(count >= -1);
  if (flexible) {
    wire_write_unsigned_varint(writer, (uint32_t)count + 1);
  } else {
    wire_write_int32(writer, count);
  }
}

void wire_write_no_tags(struct wire_writer *writer, bool flexible) {
  if (flexible) wire_write_unsigned_varint(writer, 0);
}

void wire_patch_int32(struct wire_writer *writer, size_t at, int32_t value) {
  if (writer->failed) return;
  ASSERT(writer->size >= 4);
  ASSERT(at <= writer->size - 4);
  bytes_store_u32(writer->data + at, (uint32_t)value);
}

/* ---- reading ---- */

static const uint8_t *reader_take(struct wire_reader *reader, size_t size);
static uint64_t read_unsigned_varlong(struct wire_reader *reader, size_t max_bytes, uint8_t max_last_byte);

void wire_reader_fail(struct wire_reader *reader) {
  reader->failed = true;
}

size_t wire_reader_left(const struct wire_reader *reader) {
  return reader->failed ? 0 : (size_t)(reader->end - reader->at);
}

static const uint8_t *reader_take(struct wire_reader *reader, size_t size) {
  if (reader->failed || size > (size_t)(reader->end - reader->at)) {
    reader->failed = true;
    return NULL;
  }
  const uint8_t *taken = reader->at;
  if (size > 0) reader->at += size;
  return taken;
}

int8_t wire_read_int8(struct wire_reader *reader) {
  const uint8_t *from = reader_take(reader, 1);
  return from == NULL ? 0 : (int8_t)*from;
}

bool wire_read_bool(struct wire_reader *reader) {
  return wire_read_int8(reader) != 0;
}

int16_t wire_read_int16(struct wire_reader *reader) {
  const uint8_t *from = reader_take(reader, 2);
  return from == NULL ? 0 : (int16_t)bytes_load_u16(from);
}

int32_t wire_read_int32(struct wire_reader *reader) {
  const uint8_t *from = reader_take(reader, 4);
  return from == NULL ? 0 : (int32_t)bytes_load_u32(from);
}

int64_t wire_read_int64(struct wire_reader *reader) {
  const uint8_t *from = reader_take(reader, 8);
  return from == NULL ? 0 : (int64_t)bytes_load_u64(from);
}

uint32_t wire_read_unsigned_varint(struct wire_reader *reader) {
  return (uint32_t)read_unsigned_varlong(reader, VARINT_MAX_BYTES, 0x0f);
}

int32_t wire_read_varint(struct wire_reader *reader) {
  uint32_t zigzag = wire_read_unsigned_varint(reader);
  return (int32_t)(zigzag >> 1 ^ (0U - (zigzag & 1)));
}

int64_t wire_read_varlong(struct wire_reader *reader) {
  uint64_t zigzag = read_unsigned_varlong(reader, VARLONG_MAX_BYTES, 0x01);
  return (int64_t)(zigzag >> 1 ^ (UINT64_C(0) - (zigzag & 1)));
}

/* The last byte that may come has room for a few bits only: more would overflow and is refused. */
static uint64_t read_unsigned_varlong(struct wire_reader *reader, size_t max_bytes, uint8_t max_last_byte) {
  uint64_t value = 0;
  for (size_t i = 0; i < max_bytes; i++) {
    const uint8_t *from = reader_take(reader, 1);
    if (from == NULL || (i + 1 == max_bytes && *from > max_last_byte)) break;
    value |= (uint64_t)(*from & 0x7f) << (7 * i);
    if (*from < 0x80) return value;
  }
  reader->failed = true;
  return 0;
}

struct uuid wire_read_uuid(struct wire_reader *reader) {
  struct uuid value = {{0}};
  const uint8_t *from = reader_take(reader, sizeof value.octets);
  if (from != NULL) memcpy(value.octets, from, sizeof value.octets);
  return value;
}

struct bytes wire_read_raw(struct wire_reader *reader, size_t size) {
  const uint8_t *from = reader_take(reader, size);
  return bytes_of(from, from == NULL ? 0 : size);
}

struct bytes wire_read_string(struct wire_reader *reader, bool flexible) {
  int64_t size = flexible ? (int64_t)wire_read_unsigned_varint(reader) - 1 : (int64_t)wire_read_int16(reader);
  if (size == -1) return bytes_of(NULL, 0);
  if (size < -1 || size > INT16_MAX) reader->failed = true;
  return wire_read_raw(reader, (size_t)size);
}

struct bytes wire_read_bytes(struct wire_reader *reader, bool flexible) {
  int64_t size = flexible ? (int64_t)wire_read_unsigned_varint(reader) - 1 : (int64_t)wire_read_int32(reader);
  if (size == -1) return bytes_of(NULL, 0);
  if (size < -1) reader->failed = true;
  return wire_read_raw(reader, (size_t)size);
}

struct bytes wire_read_required_string(struct wire_reader *reader, bool flexible) {
  struct bytes value = wire_read_string(reader, flexible);
  if (value.data == NULL) reader->failed = true;
  return value;
}

int32_t wire_read_array_count(struct wire_reader *reader, bool flexible, size_t minimum_element_bytes) {
  ASSERT(minimum_element_bytes > 0);
  int64_t count =
      flexible ? (int64_t)wire_read_unsigned_varint(reader) - 1 : (int64_t)wire_read_int32(reader);
  if (reader->failed) return 0;
  if (count == -1) return -1;
  if (count < -1 || (uint64_t)count > wire_reader_left(reader) / minimum_element_bytes) {
    reader->failed = true;
    return 0;
  }
  return (int32_t)count;
}

int32_t wire_read_required_count(struct wire_reader *reader, bool flexible, size_t minimum_element_bytes) {
  int32_t count = wire_read_array_count(reader, flexible, minimum_element_bytes);
  if (count >= 0) return count;
  reader->failed = true;
  return 0;
}

struct wire_tags wire_read_tags(struct wire_reader *reader, bool flexible) {
  struct wire_tags tags = {0};
  if (flexible) tags.left = wire_read_unsigned_varint(reader);
  return tags;
}

bool wire_next_tag(struct wire_reader *reader, struct wire_tags *tags) {
  if (tags->content.failed) reader->failed = true;
  if (tags->left == 0 || reader->failed) return false;
  tags->left--;
  tags->tag = wire_read_unsigned_varint(reader);
  uint32_t size = wire_read_unsigned_varint(reader);
  tags->content = wire_reader_of(wire_read_raw(reader, size));
  return !reader->failed;
}

void wire_skip_tags(struct wire_reader *reader, bool flexible) {
  struct wire_tags tags = wire_read_tags(reader, flexible);
  while (wire_next_tag(reader, &tags))
    ;
}
