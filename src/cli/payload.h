/* The bytes that `sendoff perf` sends: records are slices of one block, at offsets that walk over it, so that
 * compression has work like real text gives it, and none is prepared twice. */
#ifndef CLI_PAYLOAD_H
#define CLI_PAYLOAD_H

#include <stddef.h>
#include <stdint.h>

enum {
  PAYLOAD_BLOCK_BYTES = 1 << 20,
  PAYLOAD_STRIDE = 7919 /* prime: the slices of neighbours do not follow each other */
};

/* Record i is the record_bytes bytes at i * PAYLOAD_STRIDE % position_count. The block is read-only once
 * made. */
struct payload {
  char *block;
  size_t block_bytes;
  size_t position_count;
  size_t stride; /* PAYLOAD_STRIDE % position_count */
};

/* A block of made-up JSON-like text, the same in the benchmarks of other clients (tests/bench); of random
 * bytes, the same in each run; or of a file's, repeated until there are enough. Each returns 0 or an errno
 * (the file's ENODATA: it is empty). Blocks of more than 1 MiB only serve records of 1 MiB and more. */
int payload_init_text(struct payload *payload, size_t record_bytes);
int payload_init_random(struct payload *payload, size_t record_bytes);
int payload_init_file(struct payload *payload, size_t record_bytes, const char *path);

/* Where record i begins. */
static inline size_t payload_position(const struct payload *payload, uint64_t i) {
  return (size_t)(i * PAYLOAD_STRIDE % payload->position_count);
}

/* Where the record after one at position begins: the same without a division. */
static inline size_t payload_next_position(const struct payload *payload, size_t position) {
  position += payload->stride;
  return position >= payload->position_count ? position - payload->position_count : position;
}

void payload_deinit(struct payload *payload);

#endif
