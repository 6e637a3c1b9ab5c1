#include "accumulator/topic.h"

#include "base/allocator.h"
#include "base/assertion.h"
#include "base/status.h"

static uint32_t hash_of(struct bytes name);
static int32_t grow_buckets(struct topic_registry *registry);
static int32_t grow_topics(struct topic_registry *registry);
static void insert(struct topic_registry *registry, struct topic *topic);
static void topic_destroy(struct topic *topic);

bool topic_name_is_valid(struct bytes name) {
  if (name.size == 0 || name.size > TOPIC_NAME_MAXIMUM_BYTES) return false;
  if (name.data[0] == '.' && (name.size == 1 || (name.size == 2 && name.data[1] == '.'))) return false;
  for (size_t i = 0; i < name.size; i++) {
    uint8_t c = name.data[i];
    bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    if (!letter && !(c >= '0' && c <= '9') && c != '.' && c != '_' && c != '-') return false;
  }
  return true;
}

void topic_registry_deinit(struct topic_registry *registry) {
  for (uint32_t i = 0; i < registry->count; i++)
    topic_destroy(registry->topics[i]);
  allocator_free(registry->topics);
  allocator_free(registry->buckets);
  *registry = (struct topic_registry){0};
}

struct topic *topic_registry_find(const struct topic_registry *registry, struct bytes name) {
  if (registry->bucket_count == 0) return NULL;
  uint32_t hash = hash_of(name), mask = registry->bucket_count - 1;
  for (uint32_t i = hash & mask; registry->buckets[i] != NULL; i = (i + 1) & mask) {
    struct topic *topic = registry->buckets[i];
    if (topic->name_hash == hash && bytes_equal(bytes_of(topic->name, topic->name_bytes), name)) return topic;
  }
  return NULL;
}

int32_t topic_registry_add(struct topic_registry *registry, struct bytes name,
                           const struct topic_options *options, struct topic **out) {
  ASSERT(topic_registry_find(registry, name) == NULL);
  if (grow_buckets(registry) != STATUS_OK || grow_topics(registry) != STATUS_OK) return STATUS_OUT_OF_MEMORY;
  struct topic *topic = allocator_allocate_zeroed(1, sizeof *topic + registry->sender_topic_bytes);
  if (topic == NULL) return STATUS_OUT_OF_MEMORY;
  topic->name = allocator_copy_text(name.data, name.size);
  if (topic->name == NULL) {
    allocator_free(topic);
    return STATUS_OUT_OF_MEMORY;
  }
  topic->name_bytes = name.size;
  topic->sender = (struct sender_topic *)(void *)(topic + 1);
  topic->sender_partition_bytes = registry->sender_partition_bytes;
  topic->name_hash = hash_of(name);
  topic->options = *options;
  list_init(&topic->staged);
  list_init(&topic->staged_node);
  list_init(&topic->wanted_node);
  topic->id = registry->count;
  registry->topics[registry->count++] = topic;
  insert(registry, topic);
  *out = topic;
  return STATUS_OK;
}

int32_t topic_reserve_partitions(struct topic *topic, int32_t count) {
  if (count <= topic->partition_capacity) return STATUS_OK;
  struct partition **partitions = allocator_reallocate(topic->partitions, (size_t)count * sizeof *partitions);
  if (partitions == NULL) return STATUS_OUT_OF_MEMORY;
  for (int32_t i = topic->partition_capacity; i < count; i++)
    partitions[i] = NULL;
  topic->partitions = partitions;
  topic->partition_capacity = count;
  return STATUS_OK;
}

struct partition *topic_partition(struct topic *topic, int32_t index) {
  ASSERT(index >= 0 && index < topic->partition_capacity);
  if (topic->partitions[index] != NULL) return topic->partitions[index];
  struct partition *partition =
      allocator_allocate_zeroed(1, sizeof *partition + topic->sender_partition_bytes);
  if (partition == NULL) return NULL;
  partition->topic = topic;
  partition->sender = (struct sender_partition *)(void *)(partition + 1);
  partition->index = index;
  list_init(&partition->state_node);
  list_init(&partition->batches);
  topic->partitions[index] = partition;
  return partition;
}

/* FNV-1a: names are short, and only a caller of ours chooses them. */
static uint32_t hash_of(struct bytes name) {
  uint32_t hash = 2166136261u;
  for (size_t i = 0; i < name.size; i++)
    hash = (hash ^ name.data[i]) * 16777619u;
  return hash;
}

static int32_t grow_buckets(struct topic_registry *registry) {
  if ((registry->count + 1) * 2 <= registry->bucket_count) return STATUS_OK;
  uint32_t bucket_count = registry->bucket_count == 0 ? 16 : registry->bucket_count * 2;
  struct topic **buckets = allocator_allocate_zeroed(bucket_count, sizeof(struct topic *));
  if (buckets == NULL) return STATUS_OUT_OF_MEMORY;
  allocator_free(registry->buckets);
  registry->buckets = buckets;
  registry->bucket_count = bucket_count;
  for (uint32_t i = 0; i < registry->count; i++)
    insert(registry, registry->topics[i]);
  return STATUS_OK;
}

static int32_t grow_topics(struct topic_registry *registry) {
  if (registry->count < registry->capacity) return STATUS_OK;
  uint32_t capacity = registry->capacity == 0 ? 16 : registry->capacity * 2;
  struct topic **topics = allocator_reallocate(registry->topics, capacity * sizeof(struct topic *));
  if (topics == NULL) return STATUS_OUT_OF_MEMORY;
  registry->topics = topics;
  registry->capacity = capacity;
  return STATUS_OK;
}

static void insert(struct topic_registry *registry, struct topic *topic) {
  uint32_t mask = registry->bucket_count - 1;
  uint32_t i = topic->name_hash & mask;
  while (registry->buckets[i] != NULL)
    i = (i + 1) & mask;
  registry->buckets[i] = topic;
}

static void topic_destroy(struct topic *topic) {
  for (int32_t i = 0; i < topic->partition_capacity; i++)
    allocator_free(topic->partitions[i]);
  allocator_free(topic->partitions);
  partitioner_deinit(&topic->partitioner);
  allocator_free(topic->name);
  allocator_free(topic);
}
