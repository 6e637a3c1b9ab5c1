/* CRC-32C (Castagnoli), as record batch v2 uses it. Any thread. ISA-L where it is built in
 * (SENDOFF_WITH_ISAL), else the processor's instruction (SSE4.2, ARMv8 CRC, chosen at run time), else tables.
 */
#ifndef BASE_CRC32C_H
#define BASE_CRC32C_H

#include <stddef.h>
#include <stdint.h>

/* The checksum of data appended to data whose checksum is `crc`; start with 0. crc32c_extend(0, "123456789",
 * 9) is 0xe3069283. */
uint32_t crc32c_extend(uint32_t crc, const void *data, size_t size);

#endif
