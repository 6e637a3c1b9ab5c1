#include "base/crc32c_portable.h"

#include "base/assertion.h"
#include <pthread.h>
#include <string.h>

/* ---- by tables ---- */

enum { LANE_BYTES = 1024 };

/* tables[n][b]: what byte b does to the state when n more bytes follow it in the same step. */
static uint32_t tables[8][256];
/* lane_shifts[n][b]: what byte n of the state, b, becomes when a lane of zeroes follows. */
static uint32_t lane_shifts[4][256];
static pthread_once_t tables_once = PTHREAD_ONCE_INIT;

static void tables_fill(void) {
  const uint32_t polynomial = 0x82f63b78; /* 0x1edc6f41 with its bits reversed */
  for (uint32_t byte = 0; byte < 256; byte++) {
    uint32_t state = byte;
    for (int bit = 0; bit < 8; bit++)
      state = state >> 1 ^ ((state & 1) != 0 ? polynomial : 0);
    tables[0][byte] = state;
  }
  for (int n = 1; n < 8; n++)
    for (uint32_t byte = 0; byte < 256; byte++)
      tables[n][byte] = tables[n - 1][byte] >> 8 ^ tables[0][tables[n - 1][byte] & 0xff];
  for (int bit = 0; bit < 32; bit++) {
    uint32_t state = UINT32_C(1) << bit;
    for (int i = 0; i < LANE_BYTES; i++)
      state = state >> 8 ^ tables[0][state & 0xff];
    for (uint32_t byte = 0; byte < 256; byte++)
      if ((byte >> bit % 8 & 1) != 0) lane_shifts[bit / 8][byte] ^= state;
  }
}

uint32_t crc32c_table_extend(uint32_t crc, const void *data, size_t size) {
  pthread_once(&tables_once, tables_fill);
  const uint8_t *at = data;
  uint32_t state = ~crc;
  for (; size >= 8; at += 8, size -= 8) {
    uint32_t low =
        state ^ ((uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24);
    state = tables[7][low & 0xff] ^ tables[6][low >> 8 & 0xff] ^ tables[5][low >> 16 & 0xff] ^
            tables[4][low >> 24] ^ tables[3][at[4]] ^ tables[2][at[5]] ^ tables[1][at[6]] ^ tables[0][at[7]];
  }
  for (; size > 0; at++, size--)
    state = state >> 8 ^ tables[0][(state ^ *at) & 0xff];
  return ~state;
}

/* ---- by the processor's instruction ---- */

#if defined(__x86_64__)
#include <nmmintrin.h>
#define HAS_INSTRUCTION  1
#define WITH_INSTRUCTION __attribute__((target("sse4.2")))

bool crc32c_instruction_is_available(void) {
  return __builtin_cpu_supports("sse4.2");
}

WITH_INSTRUCTION static inline uint64_t word_extend(uint64_t state, uint64_t word) {
  return _mm_crc32_u64(state, word);
}

WITH_INSTRUCTION static inline uint64_t byte_extend(uint64_t state, uint8_t byte) {
  return _mm_crc32_u8((uint32_t)state, byte);
}

#elif defined(__aarch64__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#ifdef __linux__
#include <sys/auxv.h>
#endif
#define HAS_INSTRUCTION 1
#define WITH_INSTRUCTION

bool crc32c_instruction_is_available(void) {
#ifdef __linux__
  enum { HWCAP_WITH_CRC32 = 1 << 7 }; /* HWCAP_CRC32, which old C libraries do not name */
  return (getauxval(AT_HWCAP) & HWCAP_WITH_CRC32) != 0;
#elif defined(__APPLE__)
  return true;
#else
  return false;
#endif
}

static inline uint64_t word_extend(uint64_t state, uint64_t word) {
  uint32_t narrow = (uint32_t)state;
  __asm__(".arch_extension crc\n\tcrc32cx %w0, %w0, %x1" : "+r"(narrow) : "r"(word));
  return narrow;
}

static inline uint64_t byte_extend(uint64_t state, uint8_t byte) {
  uint32_t narrow = (uint32_t)state;
  __asm__(".arch_extension crc\n\tcrc32cb %w0, %w0, %w1" : "+r"(narrow) : "r"((uint32_t)byte));
  return narrow;
}

#else
#define HAS_INSTRUCTION 0

bool crc32c_instruction_is_available(void) {
  return false;
}

uint32_t crc32c_instruction_extend(uint32_t crc, const void *data, size_t size) {
  ASSERT(crc32c_instruction_is_available());
  return crc32c_table_extend(crc, data, size);
}
#endif

#if HAS_INSTRUCTION
static uint64_t word_at(const uint8_t *at) {
  uint64_t word;
  memcpy(&word, at, sizeof word);
  return word;
}

/* The state when a lane of zeroes follows; to it, what the lane holds can be added. */
static uint32_t lane_shift(uint32_t state) {
  return lane_shifts[0][state & 0xff] ^ lane_shifts[1][state >> 8 & 0xff] ^
         lane_shifts[2][state >> 16 & 0xff] ^ lane_shifts[3][state >> 24];
}

/* The instruction takes three cycles and can begin anew in each, so that three lanes of data side by side
 * take no longer than one. */
WITH_INSTRUCTION static uint64_t lanes_extend(uint64_t state, const uint8_t *at) {
  uint64_t second = 0, third = 0;
  for (size_t i = 0; i < LANE_BYTES; i += 8) {
    state = word_extend(state, word_at(at + i));
    second = word_extend(second, word_at(at + LANE_BYTES + i));
    third = word_extend(third, word_at(at + 2 * LANE_BYTES + i));
  }
  return lane_shift(lane_shift((uint32_t)state) ^ (uint32_t)second) ^ (uint32_t)third;
}

WITH_INSTRUCTION uint32_t crc32c_instruction_extend(uint32_t crc, const void *data, size_t size) {
  const uint8_t *at = data;
  uint64_t state = ~crc;
  if (size >= 3 * LANE_BYTES) pthread_once(&tables_once, tables_fill);
  for (; size >= 3 * LANE_BYTES; at += 3 * LANE_BYTES, size -= 3 * LANE_BYTES)
    state = lanes_extend(state, at);
  for (; size >= 8; at += 8, size -= 8)
    state = word_extend(state, word_at(at));
  for (; size > 0; at++, size--)
    state = byte_extend(state, *at);
  return ~(uint32_t)state;
}
#endif
