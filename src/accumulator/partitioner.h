/* Which partition a record goes to that names none. One per topic, under the producer's lock; no clock, and
 * no allocation after the partition count became known.
 *
 * Keys are hashed as Kafka's Java client or librdkafka hash them. Records without a key are given to one
 * partition until it has had a batch's worth of bytes, then to another (sticky uniform, KIP-794): as Java's
 * default does it, and in place of librdkafka's choice by chance, which librdkafka itself makes only once in
 * sticky.partitioning.linger.ms. */
#ifndef ACCUMULATOR_PARTITIONER_H
#define ACCUMULATOR_PARTITIONER_H

#include "accumulator/partition_candidates.h"
#include "base/bytes.h"
#include "base/random.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* In the order of partitioner.class's values. */
enum partitioner_kind {
  PARTITIONER_DEFAULT,           /* Java's: murmur2, without a key sticky; the empty key is hashed */
  PARTITIONER_ROUND_ROBIN,       /* Java's RoundRobinPartitioner: all in turn, keys or not */
  PARTITIONER_RANDOM,            /* each record by chance, keys or not */
  PARTITIONER_CONSISTENT,        /* CRC-32; null and empty keys all to one partition */
  PARTITIONER_CONSISTENT_RANDOM, /* CRC-32; null and empty keys sticky */
  PARTITIONER_MURMUR2,           /* murmur2; null and empty keys all to one partition */
  PARTITIONER_MURMUR2_RANDOM,    /* murmur2; null keys sticky, the empty key is hashed */
  PARTITIONER_FNV1A,             /* FNV-1a; null and empty keys all to one partition */
  PARTITIONER_FNV1A_RANDOM,      /* FNV-1a; null keys sticky, the empty key is hashed */
  PARTITIONER_KIND_COUNT,
};

/* A program's own choice. Called with the producer's lock held: it must not call the library. topic is
 * terminated. Another status than STATUS_OK refuses the record. */
struct partitioner_callback {
  int32_t (*choose)(void *user, const char *topic, struct bytes key, struct bytes value,
                    int32_t partition_count, int32_t *partition);
  void *user;
};

/* The same for all topics of a producer. */
struct partitioner_settings {
  struct partitioner_callback callback; /* choose != NULL: goes before all kinds */
  bool ignore_keys;                     /* partitioner.ignore.keys: DEFAULT treats every key as null */
  bool is_adaptive;    /* partitioner.adaptive.partitioning.enable: sticky goes by queue lengths */
  size_t sticky_bytes; /* batch.size: what sticky gives a partition before it moves on */
};

/* Invariant: sticky_partition is -1 (the next record without a key draws one) or a partition of the topic. */
struct partitioner {
  const struct partitioner_settings *settings;
  const char *topic;
  enum partitioner_kind kind;
  uint32_t turn; /* of round robin */
  int32_t sticky_partition;
  size_t sticky_produced_bytes; /* since it was drawn */
  struct partition_candidates candidates;
};

/* settings and topic (a terminated name) must outlive the partitioner. */
void partitioner_init(struct partitioner *partitioner, enum partitioner_kind kind,
                      const struct partitioner_settings *settings, const char *topic);
void partitioner_deinit(struct partitioner *partitioner);

/* The topic has partition_count > 0 partitions from now on. STATUS_OK; STATUS_OUT_OF_MEMORY: it stays at
 * those it had. */
int32_t partitioner_resize(struct partitioner *partitioner, int32_t partition_count);

/* What the sender sees of the partitions 0 .. load_count-1, told whenever leaders change and from time to
 * time: choices follow it from then on. load_count is at most the partition count. */
void partitioner_update(struct partitioner *partitioner, const struct partition_load *loads,
                        int32_t load_count);

/* Chooses for one record, once the partition count is known. STATUS_OK; STATUS_PARTITIONER_FAILED: the
 * callback did not name a partition of the topic. */
int32_t partitioner_choose(struct partitioner *partitioner, struct random *random, struct bytes key,
                           struct bytes value, int32_t *partition);

/* After each append to whichever partition: sticky moves on when its partition has had its bytes and moving
 * leaves no half-filled batch behind, and at twice its bytes in any case. batch_is_open: the partition's last
 * batch still takes records. */
void partitioner_note_append(struct partitioner *partitioner, int32_t partition, size_t bytes,
                             bool batch_is_open);

/* The record did not get into the partition that was chosen for it. partition_is_full: it has had its share
 * of the memory, others may not; true then if choosing again can bring another partition. Otherwise the
 * record's turn is kept for the next one. */
bool partitioner_note_refused(struct partitioner *partitioner, struct bytes key, int32_t partition,
                              bool partition_is_full);

/* After the sender took the last batch of a partition: the other moment at which moving on leaves nothing
 * behind. */
void partitioner_note_drained(struct partitioner *partitioner, int32_t partition);

#endif
