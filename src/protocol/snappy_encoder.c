/* A block is the input's size as a varint, then elements. The low two bits of an element's first byte say
 * what it is:
 *
 *   00  literal     size-1 in the upper six bits, or 60, 61, 62, 63 and it follows in 1 to 4 bytes; the bytes
 *   01  short copy  size-4 (4 to 11) in three bits, offset (below 2048) in three bits and one byte
 *   10  copy        size-1 (1 to 64) in the upper six bits, offset in two bytes
 *
 * Integers are little-endian. Greedy matching with a hash table of recent positions, and longer strides where
 * nothing matches. */
#include "protocol/snappy_encoder.h"

enum {
  MATCH_MINIMUM = 4,
  HASHED_BYTES = 6, /* longer than a match must be: fewer, better matches, and less work */
  STRIDE_BITS = 6,  /* misses until the stride grows by one byte */
  WIDE_COPY_SIZE = 16,
  INPUT_MARGIN = 16, /* where a match may begin, this much can be read */
  COPY_SIZE_MAXIMUM = 64,
  /* of one sequence, beyond its literal and its longer copies: tags, a last copy, and a wide copy's overshoot
   */
  SEQUENCE_OVERHEAD = 5 + 2 * 3 + WIDE_COPY_SIZE,
};

/* A repetition at `at` of what stands at `source`. */
struct match {
  const uint8_t *at, *source;
  size_t size;
};

static uint8_t *size_write(uint8_t *to, size_t size);
static inline bool match_find(uint16_t *positions, const uint8_t *start, const uint8_t *from,
                              const uint8_t *limit, struct match *match);
static inline void match_extend(struct match *match, const uint8_t *start, const uint8_t *unwritten,
                                const uint8_t *end);
static inline uint8_t *literal_write(uint8_t *to, const uint8_t *from, size_t size);
static uint8_t *literal_tag_write(uint8_t *to, size_t size);
static inline uint8_t *copy_write(uint8_t *to, size_t offset, size_t size);
static inline uint64_t load_u64_little_endian(const uint8_t *from);
static inline uint32_t position_hash(uint64_t word);

size_t snappy_encoder_bound(size_t size) {
  return size + size / 6 + 2 * SEQUENCE_OVERHEAD;
}

size_t snappy_encoder_encode(struct snappy_encoder *encoder, struct bytes input, uint8_t *output,
                             size_t capacity) {
  if (capacity < SEQUENCE_OVERHEAD) return 0;
  const uint8_t *const start = input.data, *const end = start + input.size;
  const uint8_t *const output_end = output + capacity;
  const uint8_t *unwritten = start;
  uint8_t *to = size_write(output, input.size);
  if (input.size > INPUT_MARGIN) {
    memset(encoder->positions, 0, sizeof(encoder->positions));
    const uint8_t *const limit = end - INPUT_MARGIN;
    struct match match;
    /* Position 0 is what an unused entry means, so the search begins behind it. */
    for (const uint8_t *from = start + 1; match_find(encoder->positions, start, from, limit, &match);
         from = unwritten) {
      match_extend(&match, start, unwritten, end);
      const size_t literal_size = (size_t)(match.at - unwritten);
      if ((size_t)(output_end - to) < literal_size + match.size / COPY_SIZE_MAXIMUM * 3 + SEQUENCE_OVERHEAD) {
        return 0;
      }
      if (literal_size > 0) to = literal_write(to, unwritten, literal_size);
      to = copy_write(to, (size_t)(match.at - match.source), match.size);
      unwritten = match.at + match.size;
      if (unwritten > limit) break;
      encoder->positions[position_hash(load_u64_little_endian(unwritten - 2))] =
          (uint16_t)(unwritten - 2 - start);
    }
  }
  const size_t rest_size = (size_t)(end - unwritten);
  if ((size_t)(output_end - to) < rest_size + SEQUENCE_OVERHEAD) return 0;
  if (rest_size > 0) {
    to = literal_tag_write(to, rest_size);
    memcpy(to, unwritten, rest_size);
  }
  return (size_t)(to - output) + rest_size;
}

static uint8_t *size_write(uint8_t *to, size_t size) {
  for (; size > 0x7f; size >>= 7)
    *to++ = (uint8_t)(size | 0x80);
  *to++ = (uint8_t)size;
  return to;
}

/* The first match at or behind `from`; false when there is none up to the limit. A table entry keeps 16 bits
 * of a position and is read as the nearest such position before, so that it is always inside the input and
 * within reach of a copy's offset; the comparison says if it is a match. */
static inline bool match_find(uint16_t *positions, const uint8_t *start, const uint8_t *from,
                              const uint8_t *limit, struct match *match) {
  if (from > limit) return false;
  const uint8_t *at = from, *source;
  uint64_t word = load_u64_little_endian(at);
  uint32_t hash = position_hash(word);
  for (uint32_t stride = 1 << STRIDE_BITS;; stride++) {
    const uint16_t distance = (uint16_t)((size_t)(at - start) - positions[hash]);
    source = at - distance;
    positions[hash] = (uint16_t)(at - start);
    if (distance > 0 && (uint32_t)load_u64_little_endian(source) == (uint32_t)word) break;
    at += stride >> STRIDE_BITS;
    if (at > limit) return false;
    word = load_u64_little_endian(at);
    hash = position_hash(word);
  }
  match->at = at;
  match->source = source;
  return true;
}

/* Backwards into what is not written yet, and forwards. */
static inline void match_extend(struct match *match, const uint8_t *start, const uint8_t *unwritten,
                                const uint8_t *end) {
  const uint8_t *ahead = match->at + MATCH_MINIMUM, *source = match->source + MATCH_MINIMUM;
  while (match->at > unwritten && match->source > start && match->at[-1] == match->source[-1]) {
    match->at--;
    match->source--;
  }
  for (; (size_t)(end - ahead) >= sizeof(uint64_t); ahead += sizeof(uint64_t), source += sizeof(uint64_t)) {
    const uint64_t difference = load_u64_little_endian(ahead) ^ load_u64_little_endian(source);
    if (difference != 0) {
      match->size = (size_t)(ahead + __builtin_ctzll(difference) / 8 - match->at);
      return;
    }
  }
  for (; ahead < end && *ahead == *source; source++)
    ahead++;
  match->size = (size_t)(ahead - match->at);
}

/* Only where INPUT_MARGIN bytes can be read from the first literal byte on, which is so before a match. */
static inline uint8_t *literal_write(uint8_t *to, const uint8_t *from, size_t size) {
  if (size <= WIDE_COPY_SIZE) {
    *to++ = (uint8_t)((size - 1) << 2);
    memcpy(to, from, WIDE_COPY_SIZE);
    return to + size;
  }
  to = literal_tag_write(to, size);
  memcpy(to, from, size);
  return to + size;
}

static uint8_t *literal_tag_write(uint8_t *to, size_t size) {
  const size_t value = size - 1;
  if (value < 60) {
    *to++ = (uint8_t)(value << 2);
    return to;
  }
  uint8_t *tag = to++;
  size_t byte_count = 0;
  for (size_t rest = value; rest > 0; rest >>= 8, byte_count++)
    *to++ = (uint8_t)rest;
  *tag = (uint8_t)((59 + byte_count) << 2);
  return to;
}

static inline uint8_t *copy_write(uint8_t *to, size_t offset, size_t size) {
  while (__builtin_expect(size > COPY_SIZE_MAXIMUM, 0)) {
    /* What is left must not be less than the short copy can say. */
    const size_t part =
        size >= COPY_SIZE_MAXIMUM + MATCH_MINIMUM ? COPY_SIZE_MAXIMUM : COPY_SIZE_MAXIMUM - MATCH_MINIMUM;
    *to++ = (uint8_t)((part - 1) << 2 | 2);
    *to++ = (uint8_t)offset;
    *to++ = (uint8_t)(offset >> 8);
    size -= part;
  }
  if (size < 12 && offset < 2048) {
    *to++ = (uint8_t)(offset >> 8 << 5 | (size - 4) << 2 | 1);
    *to++ = (uint8_t)offset;
    return to;
  }
  *to++ = (uint8_t)((size - 1) << 2 | 2);
  *to++ = (uint8_t)offset;
  *to++ = (uint8_t)(offset >> 8);
  return to;
}

static inline uint64_t load_u64_little_endian(const uint8_t *from) {
  uint64_t value;
  memcpy(&value, from, sizeof(value));
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
  value = __builtin_bswap64(value);
#endif
  return value;
}

/* Of the first HASHED_BYTES bytes, by a multiplication with the golden ratio. */
static inline uint32_t position_hash(uint64_t word) {
  return (uint32_t)((word << (64 - 8 * HASHED_BYTES)) * 0x9e3779b97f4a7c15U >>
                    (64 - SNAPPY_ENCODER_TABLE_BITS));
}
