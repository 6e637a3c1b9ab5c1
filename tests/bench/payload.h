/* The records that every benchmark sends: slices of one mebibyte of made-up text in the manner of JSON, the
 * same in each language, so that compression has real work (zstd at level 3 packs it about 4:1). */
#ifndef BENCH_PAYLOAD_H
#define BENCH_PAYLOAD_H

#include <stddef.h>
#include <stdint.h>

enum { PAYLOAD_BYTES = 1 << 20, PAYLOAD_STRIDE = 7919 };

/* 15 bits of a linear congruential generator. */
static inline uint32_t payload_random(uint32_t *state) {
  *state = *state * 1103515245u + 12345u;
  return (*state >> 16) & 0x7fff;
}

/* Words, each followed by four digits of a number, lowest first. */
static inline void payload_fill(char *text) {
  static const char *const words[16] = {"\"user\":", "\"order\":",        "\"price\":", "\"status\":\"ok\"",
                                        "\"time\":", "\"region\":\"eu\"", "{",          "}",
                                        ",",         "\"id\":",           "\"trace\":", "null",
                                        "true",      "\"items\":[",       "]",          "\"note\":\"retry\""};
  uint32_t state = 1;
  size_t size = 0;
  while (size < PAYLOAD_BYTES) {
    for (const char *word = words[payload_random(&state) & 15]; *word != '\0' && size < PAYLOAD_BYTES; word++)
      text[size++] = *word;
    uint32_t number = payload_random(&state);
    for (int digit = 0; digit < 4 && size < PAYLOAD_BYTES; digit++, number /= 10)
      text[size++] = (char)('0' + number % 10);
  }
}

/* The value of record number index. */
static inline const char *payload_at(const char *text, uint64_t index, uint32_t record_bytes) {
  return text + index * PAYLOAD_STRIDE % (PAYLOAD_BYTES - record_bytes);
}

#endif
