/* An accumulator with what a sender does to it, for tests. After each of these calls its invariants hold. */
#ifndef SUPPORT_ACCUMULATOR_WORLD_H
#define SUPPORT_ACCUMULATOR_WORLD_H

#include "accumulator/accumulator.h"

enum {
  WORLD_BUFFER_BYTES = 256 * 1024,
  WORLD_BATCH_BYTES = 16 * 1024,
  WORLD_LINGER_US = 5000,
  WORLD_TIMEOUT_US = 1000000,
};

/* 256 KiB of memory, all of which one partition may have; batches of 16 KiB and 1,000 records; requests of
 * 64 KiB; a linger of 5 ms. */
struct accumulator_settings world_settings(void);
void world_start(struct accumulator *accumulator, const struct accumulator_settings *settings);
/* Fails the test unless everything is settled and all memory is back. */
void world_stop(struct accumulator *accumulator);

/* A topic with a delivery timeout of 1 s and no compression; partition_count 0: not known. */
struct topic *world_topic(struct accumulator *accumulator, const char *name, int32_t partition_count);
/* Before its first record: another delivery timeout. */
void world_set_timeout(struct accumulator *accumulator, struct topic *topic, int64_t timeout_us);
struct partition *world_partition(struct topic *topic, int32_t index);

/* Tries to append a record of value_bytes whose opaque is said. */
int32_t world_append(struct accumulator *accumulator, struct topic *topic, int32_t partition, uint64_t opaque,
                     size_t value_bytes, int64_t now_us);
/* Fails the test unless it is accepted. */
void world_accept(struct accumulator *accumulator, struct topic *topic, int32_t partition, uint64_t opaque,
                  size_t value_bytes, int64_t now_us);

/* The next batch of a TAKEN partition, drained; NULL if there is none. */
struct batch *world_drain(struct accumulator *accumulator, struct partition *partition, int64_t now_us);
/* Settles a drained batch and takes it out of the books; world_release gives its memory back. */
void world_settle(struct accumulator *accumulator, struct batch *batch, enum outcome outcome);
void world_release(struct accumulator *accumulator, struct batch *batch);
/* Settles and releases all of a list as not delivered. Returns the number of records. */
uint32_t world_fail_all(struct accumulator *accumulator, struct list *batches);
/* Takes, drains, delivers and releases everything that is unsent and not staged. The number of records. */
uint32_t world_deliver_all(struct accumulator *accumulator, int64_t now_us);

/* Fails the test unless the batch's opaques are first, first + step, ... */
void world_expect_opaques(const struct batch *batch, uint64_t first, uint64_t step, uint32_t count);

/* on_sent of accumulator_expire: counts into a uint32_t. */
void world_count_sent(void *count, struct batch *batch);

#endif
