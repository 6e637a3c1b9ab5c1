/* CRC-32C without ISA-L: the two ways that crc32c.c chooses between. Apart so that tests can compare them. */
#ifndef BASE_CRC32C_PORTABLE_H
#define BASE_CRC32C_PORTABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Whether this processor has a CRC-32C instruction that this build can use (SSE4.2, ARMv8 CRC). Any thread;
 * looked up once. */
bool crc32c_instruction_is_available(void);

/* As crc32c_extend, by the instruction; only where it is available. */
uint32_t crc32c_instruction_extend(uint32_t crc, const void *data, size_t size);

/* As crc32c_extend, by tables, eight bytes at a step ("slicing-by-8", Kounavis and Berry 2005). */
uint32_t crc32c_table_extend(uint32_t crc, const void *data, size_t size);

#endif
