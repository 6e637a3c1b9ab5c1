#include "base/crc32c.h"

#ifdef SENDOFF_WITH_ISAL
#include <isa-l/crc.h>

uint32_t crc32c_extend(uint32_t crc, const void *data, size_t size) {
  enum { STEP_BYTES = 1 << 30 }; /* ISA-L takes an int */
  uint8_t *at = (uint8_t *)(uintptr_t)data;
  uint32_t state = ~crc;
  while (size > 0) {
    size_t step = size < STEP_BYTES ? size : STEP_BYTES;
    state = crc32_iscsi(at, (int)step, state);
    at += step;
    size -= step;
  }
  return ~state;
}
#else
#include "base/crc32c_portable.h"

uint32_t crc32c_extend(uint32_t crc, const void *data, size_t size) {
  return crc32c_instruction_is_available() ? crc32c_instruction_extend(crc, data, size)
                                           : crc32c_table_extend(crc, data, size);
}
#endif
