/* Integers in the byte order of Kafka's protocol. Every function returns the position behind what it wrote.
 */
#ifndef BENCH_BIG_ENDIAN_H
#define BENCH_BIG_ENDIAN_H

#include <endian.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

static inline uint16_t get_u16(const uint8_t *at) {
  uint16_t value;
  memcpy(&value, at, sizeof value);
  return be16toh(value);
}

static inline uint32_t get_u32(const uint8_t *at) {
  uint32_t value;
  memcpy(&value, at, sizeof value);
  return be32toh(value);
}

static inline uint8_t *put_u16(uint8_t *at, uint16_t value) {
  value = htobe16(value);
  memcpy(at, &value, sizeof value);
  return at + sizeof value;
}

static inline uint8_t *put_u32(uint8_t *at, uint32_t value) {
  value = htobe32(value);
  memcpy(at, &value, sizeof value);
  return at + sizeof value;
}

static inline uint8_t *put_u64(uint8_t *at, uint64_t value) {
  value = htobe64(value);
  memcpy(at, &value, sizeof value);
  return at + sizeof value;
}

/* With its length in 16 bits before it. */
static inline uint8_t *put_text(uint8_t *at, const void *text, size_t size) {
  at = put_u16(at, (uint16_t)size);
  memcpy(at, text, size);
  return at + size;
}

#endif
