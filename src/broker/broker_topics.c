#include "broker/broker_topics.h"
#include "base/allocator.h"
#include "base/status.h"
#include <string.h>

enum { NAME_MAX_BYTES = 249, FIRST_CAPACITY = 16 };

static uint32_t position_of(const struct broker_topics *topics, struct bytes name, bool *found);
static struct broker_topic *topic_create(struct broker_topics *topics, struct bytes name);
static void topic_destroy(struct broker_topic *topic);
static struct uuid draw_id(struct random *random);

bool broker_topic_name_is_legal(struct bytes name) {
  if (name.size == 0 || name.size > NAME_MAX_BYTES) return false;
  if (name.data[0] == '.' && (name.size == 1 || (name.size == 2 && name.data[1] == '.'))) return false;
  for (size_t index = 0; index < name.size; index++) {
    uint8_t byte = name.data[index];
    bool legal = (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
                 (byte >= '0' && byte <= '9') || byte == '.' || byte == '_' || byte == '-';
    if (!legal) return false;
  }
  return true;
}

void broker_topics_init(struct broker_topics *topics, uint64_t seed, size_t partition_limit_bytes) {
  *topics = (struct broker_topics){.partition_limit_bytes = partition_limit_bytes};
  random_seed(&topics->random, seed);
}

void broker_topics_deinit(struct broker_topics *topics) {
  for (uint32_t index = 0; index < topics->count; index++)
    topic_destroy(topics->by_name[index]);
  allocator_free(topics->by_name);
  topics->by_name = NULL;
  topics->count = topics->capacity = 0;
}

int32_t broker_topics_create(struct broker_topics *topics, struct bytes name, int32_t partition_count,
                             int32_t leader_id, struct broker_topic **topic) {
  bool found = false;
  if (!broker_topic_name_is_legal(name)) return STATUS_INVALID_TOPIC_EXCEPTION;
  if (partition_count < 1 || partition_count > BROKER_TOPIC_MAX_PARTITIONS) return STATUS_INVALID_PARTITIONS;
  uint32_t position = position_of(topics, name, &found);
  if (found) return STATUS_TOPIC_ALREADY_EXISTS;
  if (topics->count == topics->capacity) {
    uint32_t capacity = topics->capacity == 0 ? FIRST_CAPACITY : topics->capacity * 2;
    void *grown = allocator_reallocate(topics->by_name, capacity * sizeof(struct broker_topic *));
    if (grown == NULL) return STATUS_OUT_OF_MEMORY;
    topics->by_name = grown;
    topics->capacity = capacity;
  }
  struct broker_topic *created = topic_create(topics, name);
  if (created == NULL) return STATUS_OUT_OF_MEMORY;
  int32_t status = broker_topics_grow(topics, created, partition_count, leader_id);
  if (status != STATUS_OK) {
    topic_destroy(created);
    return status;
  }
  memmove(&topics->by_name[position + 1], &topics->by_name[position],
          (topics->count - position) * sizeof(struct broker_topic *));
  topics->by_name[position] = created;
  topics->count++;
  *topic = created;
  return STATUS_OK;
}

int32_t broker_topics_grow(struct broker_topics *topics, struct broker_topic *topic, int32_t partition_count,
                           int32_t leader_id) {
  if (partition_count <= topic->partition_count || partition_count > BROKER_TOPIC_MAX_PARTITIONS)
    return STATUS_INVALID_PARTITIONS;
  struct broker_partition *grown =
      allocator_reallocate(topic->partitions, (size_t)partition_count * sizeof *topic->partitions);
  if (grown == NULL) return STATUS_OUT_OF_MEMORY;
  topic->partitions = grown;
  for (; topic->partition_count < partition_count; topic->partition_count++)
    broker_partition_init(&grown[topic->partition_count], leader_id, topics->partition_limit_bytes);
  return STATUS_OK;
}

void broker_topics_delete(struct broker_topics *topics, struct broker_topic *topic) {
  bool found = false;
  uint32_t position = position_of(topics, bytes_of_string(topic->name), &found);
  if (!found) return;
  topics->count--;
  memmove(&topics->by_name[position], &topics->by_name[position + 1],
          (topics->count - position) * sizeof(struct broker_topic *));
  topic_destroy(topic);
}

struct broker_topic *broker_topics_find(const struct broker_topics *topics, struct bytes name) {
  bool found = false;
  uint32_t position = position_of(topics, name, &found);
  return found ? topics->by_name[position] : NULL;
}

struct broker_topic *broker_topics_find_id(const struct broker_topics *topics, const struct uuid *id) {
  for (uint32_t index = 0; index < topics->count; index++) {
    if (uuid_equal(&topics->by_name[index]->id, id)) return topics->by_name[index];
  }
  return NULL;
}

struct broker_partition *broker_topic_partition(struct broker_topic *topic, int32_t partition) {
  if (topic == NULL || partition < 0 || partition >= topic->partition_count) return NULL;
  return &topic->partitions[partition];
}

/* Where the name is, or would be put. */
static uint32_t position_of(const struct broker_topics *topics, struct bytes name, bool *found) {
  uint32_t low = 0, high = topics->count;
  *found = false;
  while (low < high) {
    uint32_t middle = low + (high - low) / 2;
    struct bytes other = bytes_of_string(topics->by_name[middle]->name);
    size_t common = other.size < name.size ? other.size : name.size;
    int order = common == 0 ? 0 : memcmp(other.data, name.data, common);
    if (order == 0 && other.size == name.size) {
      *found = true;
      return middle;
    }
    if (order < 0 || (order == 0 && other.size < name.size)) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

static struct broker_topic *topic_create(struct broker_topics *topics, struct bytes name) {
  struct broker_topic *topic = allocator_allocate_zeroed(1, sizeof *topic);
  if (topic == NULL) return NULL;
  topic->name = allocator_copy_text(name.data, name.size);
  topic->id = draw_id(&topics->random);
  if (topic->name != NULL) return topic;
  allocator_free(topic);
  return NULL;
}

static void topic_destroy(struct broker_topic *topic) {
  for (int32_t index = 0; index < topic->partition_count; index++)
    broker_partition_deinit(&topic->partitions[index]);
  allocator_free(topic->partitions);
  allocator_free(topic->name);
  allocator_free(topic);
}

/* A random UUID, version 4. */
static struct uuid draw_id(struct random *random) {
  struct uuid id;
  bytes_store_u64(&id.octets[0], random_next(random));
  bytes_store_u64(&id.octets[8], random_next(random));
  id.octets[6] = (uint8_t)((id.octets[6] & 0x0f) | 0x40);
  id.octets[8] = (uint8_t)((id.octets[8] & 0x3f) | 0x80);
  return id;
}
