/* CRC-32 (zlib's) and CRC-32C, bit-reversed with 0xffffffff before and after, written for these tests alone:
 * what checks the library must not be made of it. */
#ifndef INTEGRATION_CLUSTER_CHECKSUM_H
#define INTEGRATION_CLUSTER_CHECKSUM_H

#include <stddef.h>
#include <stdint.h>

uint32_t crc32_of(const void *bytes, size_t size);
uint32_t crc32c_of(const void *bytes, size_t size);

#endif
