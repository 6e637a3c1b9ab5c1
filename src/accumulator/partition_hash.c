#include "accumulator/partition_hash.h"

#include <pthread.h>

static uint32_t load_u32_little_endian(const uint8_t *from);
static void crc32_table_fill(void);

uint32_t partition_hash_murmur2(struct bytes key) {
  const uint32_t seed = 0x9747b28c, multiplier = 0x5bd1e995;
  uint32_t hash = seed ^ (uint32_t)key.size;
  const size_t tail_size = key.size % 4, tail_at = key.size - tail_size;
  for (size_t at = 0; at < tail_at; at += 4) {
    uint32_t word = load_u32_little_endian(key.data + at) * multiplier;
    word ^= word >> 24;
    hash = hash * multiplier ^ word * multiplier;
  }
  for (size_t index = 0; index < tail_size; index++)
    hash ^= (uint32_t)key.data[tail_at + index] << (8 * index);
  if (tail_size > 0) hash *= multiplier;
  hash = (hash ^ hash >> 13) * multiplier;
  return hash ^ hash >> 15;
}

static uint32_t load_u32_little_endian(const uint8_t *from) {
  return (uint32_t)from[0] | (uint32_t)from[1] << 8 | (uint32_t)from[2] << 16 | (uint32_t)from[3] << 24;
}

static uint32_t crc32_table[256];
static pthread_once_t crc32_table_once = PTHREAD_ONCE_INIT;

uint32_t partition_hash_crc32(struct bytes key) {
  pthread_once(&crc32_table_once, crc32_table_fill);
  uint32_t state = UINT32_MAX;
  for (size_t index = 0; index < key.size; index++)
    state = state >> 8 ^ crc32_table[(state ^ key.data[index]) & 0xff];
  return ~state;
}

static void crc32_table_fill(void) {
  const uint32_t polynomial = 0xedb88320; /* 0x04c11db7 with its bits reversed */
  for (uint32_t byte = 0; byte < 256; byte++) {
    uint32_t state = byte;
    for (int bit = 0; bit < 8; bit++)
      state = state >> 1 ^ ((state & 1) != 0 ? polynomial : 0);
    crc32_table[byte] = state;
  }
}

uint32_t partition_hash_fnv1a(struct bytes key) {
  const uint32_t offset_basis = 0x811c9dc5, prime = 0x01000193;
  uint32_t hash = offset_basis;
  for (size_t index = 0; index < key.size; index++)
    hash = (hash ^ key.data[index]) * prime;
  return (hash & 0x80000000) != 0 ? 0 - hash : hash;
}
