/* Views of bytes. A view owns nothing. data == NULL is Kafka's null; data != NULL with size 0 is empty. */
#ifndef BASE_BYTES_H
#define BASE_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct bytes {
  const uint8_t *data;
  size_t size;
};

static inline struct bytes bytes_of(const void *data, size_t size) {
  return (struct bytes){.data = data, .size = size};
}

/* A view of a C string without its terminator; NULL gives the null view. */
static inline struct bytes bytes_of_string(const char *text) {
  return bytes_of(text, text == NULL ? 0 : strlen(text));
}

static inline bool bytes_equal(struct bytes a, struct bytes b) {
  return a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

/* Unaligned big-endian loads and stores: Kafka's integers are big-endian throughout. */
static inline void bytes_store_u16(uint8_t *to, uint16_t value) {
  to[0] = (uint8_t)(value >> 8);
  to[1] = (uint8_t)value;
}

static inline void bytes_store_u32(uint8_t *to, uint32_t value) {
  bytes_store_u16(to, (uint16_t)(value >> 16));
  bytes_store_u16(to + 2, (uint16_t)value);
}

static inline void bytes_store_u64(uint8_t *to, uint64_t value) {
  bytes_store_u32(to, (uint32_t)(value >> 32));
  bytes_store_u32(to + 4, (uint32_t)value);
}

static inline uint16_t bytes_load_u16(const uint8_t *from) {
  return (uint16_t)((unsigned)from[0] << 8 | from[1]);
}

static inline uint32_t bytes_load_u32(const uint8_t *from) {
  return (uint32_t)bytes_load_u16(from) << 16 | bytes_load_u16(from + 2);
}

static inline uint64_t bytes_load_u64(const uint8_t *from) {
  return (uint64_t)bytes_load_u32(from) << 32 | bytes_load_u32(from + 4);
}

#endif
