#include "accumulator/accumulator_check.h"

#include "accumulator/partition_queue.h"
#include "base/assertion.h"

static void check_incomplete(const struct accumulator *accumulator);
static void check_topic(const struct accumulator *accumulator, const struct topic *topic);
static void check_staged(const struct topic *topic);
static void check_partition(const struct accumulator *accumulator, const struct partition *partition);
static void check_state(const struct accumulator *accumulator, const struct partition *partition);
static void check_block(const struct batch *batch);
static void check_lingering(const struct accumulator *accumulator);
static void check_memory(const struct accumulator *accumulator);
static void check_sleep(const struct accumulator *accumulator);
static bool contains(const struct list *head, const struct list *wanted);

void accumulator_check(const struct accumulator *accumulator) {
  check_incomplete(accumulator);
  for (uint32_t i = 0; i < accumulator->registry.count; i++)
    check_topic(accumulator, accumulator->registry.topics[i]);
  check_lingering(accumulator);
  check_memory(accumulator);
  check_sleep(accumulator);
}

/* Every accepted record is settled or in an incomplete batch; those ascend by number and creation, and
 * the first deadline is known. */
static void check_incomplete(const struct accumulator *accumulator) {
  uint64_t records = 0, number = 0;
  int64_t created_us = INT64_MIN;
  for (struct list *node = accumulator->incomplete.next; node != &accumulator->incomplete;
       node = node->next) {
    const struct batch *batch = LIST_ENTRY(node, struct batch, incomplete_node);
    ASSERT(batch->number >= number && batch->number <= accumulator->last_number);
    ASSERT(batch->created_us >= created_us && batch->created_us <= accumulator->last_created_us);
    number = batch->number;
    created_us = batch->created_us;
    records += batch->record_count;
    ASSERT(batch->record_count > 0);
    ASSERT(!batch->unsent || batch->state == BATCH_OPEN || batch->state == BATCH_SEALED);
    ASSERT(batch->expired || batch->state == BATCH_SETTLED ||
           batch->deadline_us >= accumulator->next_expiry_us);
    check_block(batch);
  }
  ASSERT(accumulator->totals.accepted == accumulator->totals.settled + records);
}

static void check_topic(const struct accumulator *accumulator, const struct topic *topic) {
  check_staged(topic);
  ASSERT(list_is_linked(&topic->staged_node) == !list_is_empty(&topic->staged));
  ASSERT(!list_is_linked(&topic->staged_node) || contains(&accumulator->staged_topics, &topic->staged_node));
  ASSERT(!list_is_linked(&topic->wanted_node) || contains(&accumulator->wanted, &topic->wanted_node));
  ASSERT(!list_is_linked(&topic->wanted_node) || topic->metadata_wanted);
  ASSERT(topic->partition_count <= topic->partition_capacity);
  for (int32_t i = 0; i < topic->partition_capacity; i++)
    if (topic->partitions[i] != NULL) check_partition(accumulator, topic->partitions[i]);
}

static void check_staged(const struct topic *topic) {
  for (struct list *node = topic->staged.next; node != &topic->staged; node = node->next) {
    const struct batch *batch = LIST_ENTRY(node, struct batch, queue_node);
    ASSERT(batch->unsent && batch->partition == NULL && batch->topic == topic);
    ASSERT(batch->state == BATCH_SEALED ||
           (batch->state == BATCH_OPEN && batch->queue_node.next == &topic->staged));
    ASSERT(batch->root == batch && list_is_linked(&batch->incomplete_node));
  }
}

static void check_partition(const struct accumulator *accumulator, const struct partition *partition) {
  uint32_t count = 0;
  for (struct list *node = partition->batches.next; node != &partition->batches; node = node->next) {
    const struct batch *batch = LIST_ENTRY(node, struct batch, queue_node);
    ASSERT(batch->unsent && batch->partition == partition && batch->topic == partition->topic);
    ASSERT(batch->state == BATCH_SEALED ||
           (batch->state == BATCH_OPEN && batch->queue_node.next == &partition->batches));
    ASSERT(list_is_linked(&batch->incomplete_node) && !batch->in_network);
    count++;
  }
  ASSERT(count == partition->batch_count);
  check_state(accumulator, partition);
}

static void check_state(const struct accumulator *accumulator, const struct partition *partition) {
  switch (partition->state) {
  case PARTITION_IDLE: ASSERT(partition->batch_count == 0 && !list_is_linked(&partition->state_node)); break;
  case PARTITION_LINGERING:
    ASSERT(partition->batch_count == 1 && contains(&accumulator->lingering, &partition->state_node));
    break;
  case PARTITION_READY:
    ASSERT(partition->batch_count > 0 && contains(&accumulator->ready, &partition->state_node));
    break;
  case PARTITION_TAKEN: ASSERT(!list_is_linked(&partition->state_node)); break;
  case PARTITION_STATE_COUNT: ASSERT(partition->state != PARTITION_STATE_COUNT); break;
  }
}

/* Records and entries lie in the block and do not meet. */
static void check_block(const struct batch *batch) {
  const struct batch *root = batch->root;
  ASSERT(root->shares > 0 && batch->block == root->block);
  ASSERT(batch->records >= root->block);
  ASSERT(batch->records + batch->records_bytes <=
         (const uint8_t *)batch_entry(batch, batch->record_count - 1));
  ASSERT(batch->entries + batch->entry_bytes <= root->block + root->block_bytes);
}

static void check_lingering(const struct accumulator *accumulator) {
  int64_t before_us = INT64_MIN;
  for (struct list *node = accumulator->lingering.next; node != &accumulator->lingering; node = node->next) {
    const struct partition *partition = LIST_ENTRY(node, struct partition, state_node);
    ASSERT(partition->state == PARTITION_LINGERING);
    int64_t due_us = partition_queue_linger_us(accumulator, partition);
    ASSERT(due_us >= before_us);
    ASSERT(due_us >= accumulator->sleep_until_us);
    before_us = due_us;
  }
}

/* Each block is held by one partition or by what is staged. */
static void check_memory(const struct accumulator *accumulator) {
  size_t held_bytes = 0, staged_bytes = 0;
  for (uint32_t t = 0; t < accumulator->registry.count; t++) {
    const struct topic *topic = accumulator->registry.topics[t];
    staged_bytes += topic->staged_bytes;
    for (int32_t i = 0; i < topic->partition_capacity; i++)
      if (topic->partitions[i] != NULL) held_bytes += topic->partitions[i]->held_bytes;
  }
  ASSERT(staged_bytes == accumulator->staged_bytes);
  ASSERT(held_bytes + staged_bytes == buffer_pool_used_bytes(accumulator->pool));
}

/* While the sender sleeps there is nothing for it to do before it wakes. */
static void check_sleep(const struct accumulator *accumulator) {
  if (accumulator->sleep_until_us == INT64_MIN) return;
  ASSERT(list_is_empty(&accumulator->ready) && list_is_empty(&accumulator->wanted));
  ASSERT(!accumulator->unstage_is_due);
  ASSERT(accumulator->next_expiry_us >= accumulator->sleep_until_us);
}

static bool contains(const struct list *head, const struct list *wanted) {
  const struct list *node = head->next;
  while (node != head && node != wanted)
    node = node->next;
  return node == wanted;
}
