/* Topics and partitions as the accumulator knows them, and the registry that finds a topic by name or id. A
 * topic lives as long as the producer; ids count up from 0. Everything here is under the producer's lock. */
#ifndef ACCUMULATOR_TOPIC_H
#define ACCUMULATOR_TOPIC_H

#include "accumulator/batch.h"
#include "accumulator/partitioner.h"
#include "base/bytes.h"
#include "base/list.h"
#include "protocol/compression.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sender_partition;
struct sender_topic;

enum { TOPIC_NAME_MAXIMUM_BYTES = 249 }; /* Kafka's Topic.MAX_NAME_LENGTH */

enum partition_state {
  PARTITION_IDLE,      /* no unsent batch */
  PARTITION_LINGERING, /* one open batch that is not due: in accumulator.lingering, ascending by its deadline
                        */
  PARTITION_READY,     /* something to send: in accumulator.ready */
  PARTITION_TAKEN,     /* the sender has it in a list of its own and comes back for more batches by itself */
  PARTITION_STATE_COUNT,
};

/* Unsent batches of one partition. Invariants: batches is empty exactly when IDLE (or TAKEN); only its last
 * batch may be OPEN; held_bytes counts the blocks of all batches of the partition that are not freed, sent
 * ones included. */
struct partition {
  struct topic *topic;
  int32_t index;
  enum partition_state state;
  struct list state_node;
  struct list batches;
  uint32_t batch_count;
  size_t held_bytes;
  size_t block_hint_bytes;         /* how large the last batch became: the next one's first block */
  bool wide_entries;               /* records here came with callbacks of their own */
  struct sender_partition *sender; /* the sender's: zeroed memory behind this struct */
};

/* What can differ by topic. */
struct topic_options {
  int16_t acks;
  enum compression_codec codec;
  int32_t level;
  int64_t delivery_timeout_us;
  enum partitioner_kind partitioner;
};

/* Invariant: while staged is not empty, records without regard to their partition are staged too, so that
 * order holds. */
struct topic {
  uint32_t id;
  uint32_t name_hash;
  char *name;
  size_t name_bytes;
  struct topic_options options;
  struct partitioner partitioner;

  int32_t partition_count; /* 0: not known yet */
  int32_t partition_capacity;
  struct partition **partitions; /* NULL where never used */

  struct list staged;      /* batches without partition, in order */
  struct list staged_node; /* in accumulator.staged_topics */
  size_t staged_bytes;

  bool metadata_wanted; /* the sender shall ask the cluster about it: in accumulator.wanted */
  struct list wanted_node;
  int64_t metadata_us; /* when the cluster last described it; 0: never */
  int64_t last_used_us;
  size_t batch_bytes; /* smaller than the setting once a broker found batches too large */
  size_t sender_partition_bytes;
  struct sender_topic *sender; /* the sender's: zeroed memory behind this struct */
};

/* Kafka's rule: 1 to 249 of [a-zA-Z0-9._-], not "." or "..". */
bool topic_name_is_valid(struct bytes name);

/* All topics of a producer, by id and by name. They live as long as it does. */
struct topic_registry {
  struct topic **topics; /* by id */
  uint32_t count, capacity;
  struct topic **buckets; /* open addressing, a power of two, at most half full */
  uint32_t bucket_count;
  /* What the sender needs per topic and partition is allocated with them, so that a record, once accepted,
   * needs no memory that may be missing. */
  size_t sender_topic_bytes, sender_partition_bytes;
};

void topic_registry_deinit(struct topic_registry *registry);

/* NULL if there is none. */
struct topic *topic_registry_find(const struct topic_registry *registry, struct bytes name);

/* Adds a topic that is not there. STATUS_OK, STATUS_OUT_OF_MEMORY. */
int32_t topic_registry_add(struct topic_registry *registry, struct bytes name,
                           const struct topic_options *options, struct topic **topic);

/* Room for the partitions 0 .. count-1 (it never shrinks). STATUS_OK, STATUS_OUT_OF_MEMORY. */
int32_t topic_reserve_partitions(struct topic *topic, int32_t count);

/* The partition's queue, made at its first use. NULL without memory. 0 <= index < partition_capacity. */
struct partition *topic_partition(struct topic *topic, int32_t index);

#endif
