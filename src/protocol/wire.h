/* Kafka's primitive types, written to and read from memory.
 *
 * Both cursors carry a sticky error: after the first failure every further call does nothing (a read returns
 * zero or null), so that an encoder or decoder is straight-line code with one check at its end. Neither knows
 * sockets, threads or clocks. A reader never trusts a length: what it returns lies inside its input.
 *
 * Layouts (Kafka protocol guide): INT16/32/64 big-endian; VARINT/VARLONG zigzag, UNSIGNED_VARINT plain, 7
 * bits a byte, least significant first; STRING INT16 length + bytes; COMPACT_STRING UNSIGNED_VARINT length+1
 * + bytes; ARRAY INT32 count; COMPACT_ARRAY UNSIGNED_VARINT count+1; null is length -1 (compact: 0); UUID 16
 * bytes; tagged fields (KIP-482) UNSIGNED_VARINT count, then tag, size, bytes for each. */
#ifndef PROTOCOL_WIRE_H
#define PROTOCOL_WIRE_H

#include "base/bytes.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct uuid {
  uint8_t octets[16];
};

static inline bool uuid_is_zero(const struct uuid *uuid) {
  static const struct uuid zero;
  return memcmp(uuid, &zero, sizeof zero) == 0;
}

static inline bool uuid_equal(const struct uuid *a, const struct uuid *b) {
  return memcmp(a, b, sizeof *a) == 0;
}

/* Zigzag: small magnitudes become small unsigned numbers. */
static inline uint32_t wire_zigzag32(int32_t value) {
  return (uint32_t)value << 1 ^ (0U - ((uint32_t)value >> 31));
}

static inline uint64_t wire_zigzag64(int64_t value) {
  return (uint64_t)value << 1 ^ (UINT64_C(0) - ((uint64_t)value >> 63));
}

/* ---- writing ---- */

/* A growing buffer. Owns data (allocator_free by wire_writer_deinit). Zero-initialised is valid and empty. */
struct wire_writer {
  uint8_t *data;
  size_t size, capacity;
  bool failed; /* an allocation failed, or a value has no encoding (a string over 32767 bytes, a field over
                * 2^31-1); data up to size stays valid but is incomplete */
};

void wire_writer_deinit(struct wire_writer *writer);
/* Empties the writer and clears its error; keeps the memory. */
void wire_writer_reset(struct wire_writer *writer);

/* Room for size bytes, which count as written; NULL once failed. Valid until the next call on the writer. */
uint8_t *wire_reserve(struct wire_writer *writer, size_t size);

void wire_write_int8(struct wire_writer *writer, int8_t value);
void wire_write_bool(struct wire_writer *writer, bool value);
void wire_write_int16(struct wire_writer *writer, int16_t value);
void wire_write_int32(struct wire_writer *writer, int32_t value);
void wire_write_int64(struct wire_writer *writer, int64_t value);
void wire_write_unsigned_varint(struct wire_writer *writer, uint32_t value);
void wire_write_varint(struct wire_writer *writer, int32_t value);
void wire_write_varlong(struct wire_writer *writer, int64_t value);
void wire_write_uuid(struct wire_writer *writer, const struct uuid *value);
void wire_write_raw(struct wire_writer *writer, struct bytes value);
/* Strings and byte fields: NULL data is null. `flexible` chooses the compact form. */
void wire_write_string(struct wire_writer *writer, bool flexible, struct bytes value);
void wire_write_bytes(struct wire_writer *writer, bool flexible, struct bytes value);
/* The length in front of a nullable BYTES / RECORDS field whose content follows by other means. */
void wire_write_bytes_length(struct wire_writer *writer, bool flexible, size_t size);
/* count -1 is the null array. */
void wire_write_array_count(struct wire_writer *writer, bool flexible, int32_t count);
/* The empty tagged-field section; nothing when not flexible. */
void wire_write_no_tags(struct wire_writer *writer, bool flexible);
/* Overwrites four bytes written before; for lengths known late. */
void wire_patch_int32(struct wire_writer *writer, size_t at, int32_t value);

/* ---- reading ---- */

struct wire_reader {
  const uint8_t *at, *end;
  bool failed;
};

static inline struct wire_reader wire_reader_of(struct bytes input) {
  const uint8_t *end = input.size == 0 ? input.data : input.data + input.size;
  return (struct wire_reader){.at = input.data, .end = end, .failed = false};
}

/* Makes the reader fail: for values that are well-formed but not allowed. */
void wire_reader_fail(struct wire_reader *reader);
size_t wire_reader_left(const struct wire_reader *reader);

int8_t wire_read_int8(struct wire_reader *reader);
bool wire_read_bool(struct wire_reader *reader);
int16_t wire_read_int16(struct wire_reader *reader);
int32_t wire_read_int32(struct wire_reader *reader);
int64_t wire_read_int64(struct wire_reader *reader);
uint32_t wire_read_unsigned_varint(struct wire_reader *reader);
int32_t wire_read_varint(struct wire_reader *reader);
int64_t wire_read_varlong(struct wire_reader *reader);
struct uuid wire_read_uuid(struct wire_reader *reader);
struct bytes wire_read_raw(struct wire_reader *reader, size_t size);
/* Views into the input; null where the input says so. */
struct bytes wire_read_string(struct wire_reader *reader, bool flexible);
struct bytes wire_read_bytes(struct wire_reader *reader, bool flexible);
/* As wire_read_string, for a field that is not nullable: null makes the reader fail. */
struct bytes wire_read_required_string(struct wire_reader *reader, bool flexible);
/* -1 for null. Fails when count * minimum_element_bytes exceeds what is left (so a count is safe to allocate
 * by). */
int32_t wire_read_array_count(struct wire_reader *reader, bool flexible, size_t minimum_element_bytes);
/* As wire_read_array_count, for an array that is not nullable: null makes the reader fail; never negative. */
int32_t wire_read_required_count(struct wire_reader *reader, bool flexible, size_t minimum_element_bytes);

/* Walks a tagged-field section:
 *   for (struct wire_tags tags = wire_read_tags(reader, flexible); wire_next_tag(reader, &tags);)
 *     if (tags.tag == 0) { ... read from &tags.content ... }
 * Unknown tags are skipped by not looking at them. Not flexible: no iterations. A tag whose content was read
 * past its end makes the reader fail. */
struct wire_tags {
  uint32_t left, tag;
  struct wire_reader content;
};
struct wire_tags wire_read_tags(struct wire_reader *reader, bool flexible);
bool wire_next_tag(struct wire_reader *reader, struct wire_tags *tags);
void wire_skip_tags(struct wire_reader *reader, bool flexible);

#endif
