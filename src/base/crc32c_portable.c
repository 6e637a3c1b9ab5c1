#include "base/crc32c_portable.h"

#include "base/assertion.h"
#include <pthread.h>
#include <string.h>

/* ---- by the processor's instruction ---- */

#if defined(__x86_64__)
#include <nmmintrin.h>

bool crc32c_instruction_is_available(void) {
  return __builtin_cpu_supports("sse4.2");
}

__attribute__((target("sse4.2"))) uint32_t crc32c_instruction_extend(uint32_t crc, const void *data,
                                                                     size_t size) {
  const uint8_t *at = data;
  uint64_t state = ~crc;
  for (; size >= 8; at += 8, size -= 8) {
    uint64_t word;
    memcpy(&word, at, sizeof word);
    state = _mm_crc32_u64(state, word);
  }
  for (; size > 0; at++, size--)
    state = _mm_crc32_u8((uint32_t)state, *at);
  return ~(uint32_t)state;
}

#elif defined(__aarch64__)
#ifdef __linux__
#include <sys/auxv.h>
#endif

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

uint32_t crc32c_instruction_extend(uint32_t crc, const void *data, size_t size) {
  const uint8_t *at = data;
  uint32_t state = ~crc;
  for (; size >= 8; at += 8, size -= 8) {
    uint64_t word;
    memcpy(&word, at, sizeof word);
    __asm__(".arch_extension crc\n\tcrc32cx %w0, %w0, %x1" : "+r"(state) : "r"(word));
  }
  for (; size > 0; at++, size--) {
    uint32_t byte = *at;
    __asm__(".arch_extension crc\n\tcrc32cb %w0, %w0, %w1" : "+r"(state) : "r"(byte));
  }
  return ~state;
}

#else

bool crc32c_instruction_is_available(void) {
  return false;
}

uint32_t crc32c_instruction_extend(uint32_t crc, const void *data, size_t size) {
  ASSERT(crc32c_instruction_is_available());
  return crc32c_table_extend(crc, data, size);
}
#endif

/* ---- by tables ---- */

/* tables[n][b]: what byte b does to the state when n more bytes follow it in the same step. */
static uint32_t tables[8][256];
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
