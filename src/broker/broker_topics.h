/* The topics of a broker, sorted by name, with their partitions. One owner, no lock. */
#ifndef BROKER_BROKER_TOPICS_H
#define BROKER_BROKER_TOPICS_H

#include "base/random.h"
#include "broker/broker_partition.h"
#include "protocol/wire.h"

/* Owns its name and partitions. Its address stays the same until it is deleted; that of its partitions
 * changes when there are more of them. */
struct broker_topic {
  char *name;
  struct uuid id;
  int32_t partition_count;
  struct broker_partition *partitions;
  void *context; /* its maker's */
};

/* by_name holds count topics in order of their names, each owned. */
struct broker_topics {
  struct broker_topic **by_name;
  uint32_t count, capacity;
  struct random random;         /* draws the ids */
  size_t partition_limit_bytes; /* of the logs that are made */
};

enum { BROKER_TOPIC_MAX_PARTITIONS = 100000 };

/* Kafka's rule: 1 to 249 of [a-zA-Z0-9._-], but neither "." nor "..". */
bool broker_topic_name_is_legal(struct bytes name);

void broker_topics_init(struct broker_topics *topics, uint64_t seed, size_t partition_limit_bytes);
void broker_topics_deinit(struct broker_topics *topics);

/* Makes a topic whose partitions leader_id leads. STATUS_INVALID_TOPIC_EXCEPTION,
 * STATUS_TOPIC_ALREADY_EXISTS, STATUS_INVALID_PARTITIONS, STATUS_OUT_OF_MEMORY. */
int32_t broker_topics_create(struct broker_topics *topics, struct bytes name, int32_t partition_count,
                             int32_t leader_id, struct broker_topic **topic);
/* STATUS_INVALID_PARTITIONS when there are as many already, STATUS_OUT_OF_MEMORY. */
int32_t broker_topics_grow(struct broker_topics *topics, struct broker_topic *topic, int32_t partition_count,
                           int32_t leader_id);
void broker_topics_delete(struct broker_topics *topics, struct broker_topic *topic);

/* NULL when there is none. */
struct broker_topic *broker_topics_find(const struct broker_topics *topics, struct bytes name);
struct broker_topic *broker_topics_find_id(const struct broker_topics *topics, const struct uuid *id);
struct broker_partition *broker_topic_partition(struct broker_topic *topic, int32_t partition);

#endif
