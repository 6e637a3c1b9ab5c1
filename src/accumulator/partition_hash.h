/* The hashes that put keys on partitions: Kafka's Java client's and librdkafka's, to the bit, since what is
 * already in a topic was placed by them. Any thread. The null key hashes as the empty one. */
#ifndef ACCUMULATOR_PARTITION_HASH_H
#define ACCUMULATOR_PARTITION_HASH_H

#include "base/bytes.h"
#include <stdint.h>

/* MurmurHash2 with Java's seed, all 32 bits; Java's partitioner takes the low 31 of them. */
uint32_t partition_hash_murmur2(struct bytes key);

/* CRC-32 (the zlib polynomial), as librdkafka's consistent partitioners. */
uint32_t partition_hash_crc32(struct bytes key);

/* FNV-1a, its bits read as a signed number and made positive, as librdkafka's and Sarama's. */
uint32_t partition_hash_fnv1a(struct bytes key);

#endif
