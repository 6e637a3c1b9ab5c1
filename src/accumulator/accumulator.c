#include "accumulator/accumulator.h"

#include "accumulator/batch_queue.h"
#include "accumulator/partition_queue.h"
#include "accumulator/staging.h"
#include "base/allocator.h"
#include "base/assertion.h"
#include "base/clock.h"
#include "base/status.h"

enum {
  BATCHES_PER_SLAB = 64,
  /* A partition that the cluster was asked about this recently and that is still out of range is refused at
     once. */
  PARTITION_COUNT_FRESH_US = 1000000,
  SMALLEST_BATCH_BYTES = 1024,
  CHOICES_MAXIMUM = 4, /* of partitions for one record */
  UNSTAGE_RETRY_US =
      100000, /* what no release brings about may come from elsewhere: a batch struct's memory */
};

struct slab {
  struct list node;
  struct batch batches[BATCHES_PER_SLAB];
};

static bool is_too_large(const struct record *record, size_t allowed_bytes);
static int32_t append_known(struct accumulator *accumulator, struct topic *topic,
                            const struct batch_source *source, int64_t now_us);
static int32_t append_anywhere(struct accumulator *accumulator, struct topic *topic,
                               const struct batch_source *source, int64_t now_us);
static void note_accepted(struct accumulator *accumulator, const struct record *record);
static void make_all_ready(struct accumulator *accumulator);
static void remove_unsent(struct batch *batch);
static void return_block(struct accumulator *accumulator, struct batch *root);
static struct partition *first_lingering(const struct accumulator *accumulator);

int32_t accumulator_init(struct accumulator *accumulator, const struct accumulator_settings *settings) {
  *accumulator = (struct accumulator){
      .settings = *settings,
      .last_created_us = INT64_MIN,
      .shortest_timeout_us = CLOCK_NEVER_US,
      .next_expiry_us = CLOCK_NEVER_US,
      .sleep_until_us = INT64_MIN,
  };
  int32_t status = buffer_pool_create(settings->buffer_bytes, &accumulator->pool);
  if (status != STATUS_OK) return status;
  accumulator->largest_block_bytes = buffer_pool_block_bytes(accumulator->pool, settings->batch_bytes);
  size_t largest = buffer_pool_largest_bytes(accumulator->pool);
  if (accumulator->largest_block_bytes > largest) accumulator->largest_block_bytes = largest;
  /* Then memory as such is what runs out first. */
  if (settings->partition_bytes >= buffer_pool_total_bytes(accumulator->pool))
    accumulator->settings.partition_bytes = SIZE_MAX;
  accumulator->registry.sender_topic_bytes = settings->sender_topic_bytes;
  accumulator->registry.sender_partition_bytes = settings->sender_partition_bytes;
  random_seed(&accumulator->random, settings->seed);
  list_init(&accumulator->incomplete);
  list_init(&accumulator->lingering);
  list_init(&accumulator->ready);
  list_init(&accumulator->staged_topics);
  list_init(&accumulator->wanted);
  list_init(&accumulator->slabs);
  return STATUS_OK;
}

void accumulator_deinit(struct accumulator *accumulator) {
  topic_registry_deinit(&accumulator->registry);
  buffer_pool_destroy(accumulator->pool);
  accumulator->pool = NULL;
  if (accumulator->slabs.next == NULL) return; /* never initialised */
  while (!list_is_empty(&accumulator->slabs)) {
    struct slab *slab = LIST_ENTRY(accumulator->slabs.next, struct slab, node);
    list_remove(&slab->node);
    allocator_free(slab);
  }
}

int32_t accumulator_topic(struct accumulator *accumulator, struct bytes name,
                          const struct topic_options *options, struct topic **out) {
  struct topic *topic = topic_registry_find(&accumulator->registry, name);
  if (topic == NULL) {
    int32_t status = topic_registry_add(&accumulator->registry, name, options, &topic);
    if (status != STATUS_OK) return status;
    topic->batch_bytes = accumulator->settings.batch_bytes;
    if (options->delivery_timeout_us < accumulator->shortest_timeout_us)
      accumulator->shortest_timeout_us = options->delivery_timeout_us;
    partitioner_init(&topic->partitioner, options->partitioner, &accumulator->settings.partitioner,
                     topic->name);
  }
  *out = topic;
  return STATUS_OK;
}

int32_t accumulator_append(struct accumulator *accumulator, const struct append *append, int64_t now_us) {
  struct topic *topic = append->topic;
  size_t allowed_bytes = accumulator->settings.max_request_bytes - RECORD_BATCH_HEADER_BYTES;
  if (is_too_large(&append->record, allowed_bytes)) return STATUS_RECORD_TOO_LARGE;
  struct batch_source source = {
      .record = &append->record,
      .bound_bytes = record_bound(&append->record),
      .entry = {.opaque = append->opaque,
                .timestamp_ms = append->timestamp_ms,
                .partition_wanted = append->partition,
                .callback = append->callback,
                .user = append->user},
      .accepted_us = now_us,
      .wide = append->callback != NULL,
  };
  if (source.bound_bytes > allowed_bytes && record_size(&append->record, 0, 0) > allowed_bytes)
    return STATUS_RECORD_TOO_LARGE;
  topic->last_used_us = now_us;
  int32_t status;
  if (staging_is_needed(topic, append->partition)) {
    bool fresh = topic->partition_count > 0 && now_us - topic->metadata_us < PARTITION_COUNT_FRESH_US;
    if (fresh && append->partition >= topic->partition_count) return STATUS_PARTITION_OUT_OF_RANGE;
    status = staging_append(accumulator, topic, &source);
  } else {
    status = append_known(accumulator, topic, &source, now_us);
  }
  if (status == STATUS_OK) note_accepted(accumulator, &append->record);
  return status;
}

bool accumulator_has_space(const struct accumulator *accumulator, size_t record_bytes) {
  size_t largest = buffer_pool_largest_bytes(accumulator->pool);
  if (record_bytes >= largest) return buffer_pool_has(accumulator->pool, largest);
  size_t needed = record_bytes + BATCH_WIDE_ENTRY_BYTES + RECORD_BATCH_HEADER_BYTES;
  return buffer_pool_has(accumulator->pool, needed < largest ? needed : largest);
}

void accumulator_begin_cut(struct accumulator *accumulator) {
  accumulator->cutting++;
  accumulator->cut_number = accumulator->last_number;
  make_all_ready(accumulator);
}

void accumulator_end_cut(struct accumulator *accumulator) {
  ASSERT(accumulator->cutting > 0);
  accumulator->cutting--;
}

void accumulator_begin_wait(struct accumulator *accumulator) {
  accumulator->memory_waiters++;
  make_all_ready(accumulator);
}

void accumulator_end_wait(struct accumulator *accumulator) {
  ASSERT(accumulator->memory_waiters > 0);
  accumulator->memory_waiters--;
}

uint64_t accumulator_youngest_number(const struct accumulator *accumulator) {
  return accumulator->last_number;
}

uint64_t accumulator_oldest_number(const struct accumulator *accumulator) {
  if (list_is_empty(&accumulator->incomplete)) return UINT64_MAX;
  return LIST_ENTRY(accumulator->incomplete.next, struct batch, incomplete_node)->number;
}

uint64_t accumulator_pending_records(const struct accumulator *accumulator, uint64_t up_to_number) {
  uint64_t records = 0;
  for (struct list *node = accumulator->incomplete.next; node != &accumulator->incomplete;
       node = node->next) {
    const struct batch *batch = LIST_ENTRY(node, struct batch, incomplete_node);
    if (batch->number > up_to_number) break;
    records += batch->record_count;
  }
  return records;
}

void accumulator_advance(struct accumulator *accumulator, int64_t now_us) {
  for (struct partition *first; (first = first_lingering(accumulator)) != NULL;) {
    if (partition_queue_linger_us(accumulator, first) > now_us) return;
    partition_queue_make_ready(accumulator, first);
  }
}

struct partition *accumulator_take(struct accumulator *accumulator) {
  if (list_is_empty(&accumulator->ready)) return NULL;
  struct partition *partition = LIST_ENTRY(accumulator->ready.next, struct partition, state_node);
  partition_queue_set_state(partition, PARTITION_TAKEN);
  return partition;
}

struct batch *accumulator_peek(struct accumulator *accumulator, struct partition *partition, int64_t now_us) {
  ASSERT(partition->state == PARTITION_TAKEN);
  if (!partition_queue_is_sendable(accumulator, partition, now_us)) return NULL;
  return LIST_ENTRY(partition->batches.next, struct batch, queue_node);
}

void accumulator_drain(struct accumulator *accumulator, struct batch *batch) {
  (void)accumulator;
  struct partition *partition = batch->partition;
  ASSERT(partition->state == PARTITION_TAKEN && partition->batches.next == &batch->queue_node);
  if (batch->state == BATCH_OPEN) {
    batch_set_state(batch, BATCH_SEALED);
    partition->block_hint_bytes = batch_used_bytes(batch);
  }
  partition_queue_remove(batch);
  if (partition->batch_count == 0) partitioner_note_drained(&partition->topic->partitioner, partition->index);
}

void accumulator_give_back(struct accumulator *accumulator, struct partition *partition, int64_t now_us) {
  ASSERT(partition->state == PARTITION_TAKEN);
  partition_queue_set_state(partition, PARTITION_IDLE);
  partition_queue_place(accumulator, partition, now_us);
}

void accumulator_expire(struct accumulator *accumulator, int64_t now_us, struct list *unsent,
                        void (*on_sent)(void *context, struct batch *batch), void *context) {
  if (now_us < accumulator->next_expiry_us) return;
  accumulator->next_expiry_us = CLOCK_NEVER_US;
  for (struct list *node = accumulator->incomplete.next, *next; node != &accumulator->incomplete;
       node = next) {
    struct batch *batch = LIST_ENTRY(node, struct batch, incomplete_node);
    next = node->next;
    int64_t earliest_us = clock_add_us(batch->created_us, accumulator->shortest_timeout_us);
    if (earliest_us > now_us) { /* nor has any behind it */
      if (earliest_us < accumulator->next_expiry_us) accumulator->next_expiry_us = earliest_us;
      return;
    }
    if (batch->expired || batch->state == BATCH_SETTLED) continue;
    if (batch->deadline_us > now_us) {
      if (batch->deadline_us < accumulator->next_expiry_us) accumulator->next_expiry_us = batch->deadline_us;
      continue;
    }
    batch->expired = true;
    if (batch->unsent) {
      remove_unsent(batch);
      list_append(unsent, &batch->queue_node);
    } else {
      on_sent(context, batch);
    }
  }
}

int64_t accumulator_next_expiry_us(const struct accumulator *accumulator) {
  return accumulator->next_expiry_us;
}

void accumulator_shrink_batches(struct accumulator *accumulator, struct topic *topic, size_t batch_bytes) {
  (void)accumulator;
  size_t half = batch_bytes / 2 < SMALLEST_BATCH_BYTES ? SMALLEST_BATCH_BYTES : batch_bytes / 2;
  if (half < topic->batch_bytes) topic->batch_bytes = half;
}

void accumulator_abort(struct accumulator *accumulator, const struct topic *topic, bool staged_only,
                       struct list *unsent) {
  for (struct list *node = accumulator->incomplete.next; node != &accumulator->incomplete;
       node = node->next) {
    struct batch *batch = LIST_ENTRY(node, struct batch, incomplete_node);
    if (!batch->unsent || (topic != NULL && batch->topic != topic)) continue;
    if (staged_only && batch->partition != NULL) continue;
    remove_unsent(batch);
    list_append(unsent, &batch->queue_node);
  }
}

int32_t accumulator_set_partition_count(struct accumulator *accumulator, struct topic *topic, int32_t count,
                                        int64_t now_us) {
  (void)accumulator;
  int32_t status = topic_reserve_partitions(topic, count);
  if (status != STATUS_OK) return status;
  if (count > topic->partition_count) {
    status = partitioner_resize(&topic->partitioner, count);
    if (status != STATUS_OK) return status;
    topic->partition_count = count;
  }
  topic->metadata_us = now_us;
  return STATUS_OK;
}

void accumulator_forget_partition_count(struct topic *topic) {
  topic->partition_count = 0;
}

bool accumulator_unstage(struct accumulator *accumulator, struct topic *topic, struct list *settled,
                         int64_t now_us) {
  bool done = staging_move(accumulator, topic, settled, now_us);
  if (!done) accumulator->unstage_is_stalled = true;
  return done;
}

void accumulator_adopt_split(struct accumulator *accumulator, const struct batch *head, struct batch *tail) {
  (void)accumulator;
  list_insert_before(head->incomplete_node.next, &tail->incomplete_node);
}

struct batch *accumulator_allocate_batch(struct accumulator *accumulator) {
  if (accumulator->free_batches == NULL) {
    struct slab *slab = allocator_allocate(sizeof *slab);
    if (slab == NULL) return NULL;
    list_append(&accumulator->slabs, &slab->node);
    for (size_t i = 0; i < BATCHES_PER_SLAB; i++)
      accumulator_return_batch(accumulator, &slab->batches[i]);
  }
  struct batch *batch = accumulator->free_batches;
  accumulator->free_batches = batch->next_free;
  *batch = (struct batch){0};
  return batch;
}

void accumulator_return_batch(struct accumulator *accumulator, struct batch *batch) {
  batch->next_free = accumulator->free_batches;
  accumulator->free_batches = batch;
}

void accumulator_settle(struct accumulator *accumulator, struct batch *batch) {
  ASSERT(batch->state == BATCH_SETTLED);
  list_remove(&batch->incomplete_node);
  struct accumulator_totals *totals = &accumulator->totals;
  totals->settled += batch->record_count;
  switch (batch->outcome) {
  case OUTCOME_DELIVERED:
  case OUTCOME_DELIVERED_OFFSET_UNKNOWN: totals->delivered += batch->record_count; break;
  case OUTCOME_NOT_DELIVERED: totals->not_delivered += batch->record_count; break;
  case OUTCOME_UNKNOWN:
    if (batch->status == STATUS_NO_ACKNOWLEDGEMENT) {
      totals->unacknowledged += batch->record_count;
    } else {
      totals->unknown += batch->record_count;
    }
    break;
  case OUTCOME_NONE: ASSERT(batch->outcome != OUTCOME_NONE); break;
  }
}

void accumulator_release(struct accumulator *accumulator, struct batch *batch) {
  ASSERT(!batch->in_network && !list_is_linked(&batch->queue_node) &&
         !list_is_linked(&batch->incomplete_node));
  struct batch *root = batch->root;
  ASSERT(root->shares > 0);
  root->shares--;
  if (batch != root) accumulator_return_batch(accumulator, batch);
  if (root->shares > 0) return;
  return_block(accumulator, root);
  accumulator_return_batch(accumulator, root);
}

void accumulator_want_metadata(struct accumulator *accumulator, struct topic *topic) {
  if (topic->metadata_wanted) return;
  topic->metadata_wanted = true;
  list_append(&accumulator->wanted, &topic->wanted_node);
  accumulator_note_work(accumulator, ACCUMULATOR_AT_ONCE_US);
}

void accumulator_end_want_metadata(struct topic *topic) {
  topic->metadata_wanted = list_is_linked(&topic->wanted_node);
}

int64_t accumulator_prepare_sleep(struct accumulator *accumulator, int64_t deadline_us, int64_t now_us) {
  if (!list_is_empty(&accumulator->ready) || !list_is_empty(&accumulator->wanted) ||
      accumulator->unstage_is_due)
    return now_us;
  const struct partition *lingering = first_lingering(accumulator);
  if (lingering != NULL) {
    int64_t due_us = partition_queue_linger_us(accumulator, lingering);
    if (due_us < deadline_us) deadline_us = due_us;
  }
  if (accumulator->next_expiry_us < deadline_us) deadline_us = accumulator->next_expiry_us;
  if (accumulator->unstage_is_stalled && deadline_us > clock_add_us(now_us, UNSTAGE_RETRY_US))
    deadline_us = clock_add_us(now_us, UNSTAGE_RETRY_US);
  if (deadline_us <= now_us) return now_us;
  accumulator->sleep_until_us = deadline_us;
  return deadline_us;
}

void accumulator_end_sleep(struct accumulator *accumulator) {
  accumulator->sleep_until_us = INT64_MIN;
  accumulator->unstage_is_due = false;
  if (list_is_empty(&accumulator->staged_topics)) accumulator->unstage_is_stalled = false;
}

void accumulator_note_work(struct accumulator *accumulator, int64_t due_us) {
  if (due_us >= accumulator->sleep_until_us) return;
  accumulator->sleep_until_us = INT64_MIN;
  accumulator->wake_needed = true;
}

/* Sizes are the caller's, so that their sum may be anything; here each is looked at. */
static inline bool is_too_large(const struct record *record, size_t allowed_bytes) {
  if (record->key.size > allowed_bytes || record->value.size > allowed_bytes) return true;
  for (uint32_t i = 0; i < record->header_count; i++) {
    const struct record_header *header = &record->headers[i];
    if (header->key.size > allowed_bytes || header->value.size > allowed_bytes) return true;
  }
  return false;
}

static inline int32_t append_known(struct accumulator *accumulator, struct topic *topic,
                                   const struct batch_source *source, int64_t now_us) {
  if (source->entry.partition_wanted < 0) return append_anywhere(accumulator, topic, source, now_us);
  struct partition *partition = topic_partition(topic, source->entry.partition_wanted);
  if (partition == NULL) return STATUS_OUT_OF_MEMORY;
  return partition_queue_append(accumulator, partition, source, now_us);
}

/* Where the partitioner says; a partition that has had its share does not hold up what may go elsewhere. */
static int32_t append_anywhere(struct accumulator *accumulator, struct topic *topic,
                               const struct batch_source *source, int64_t now_us) {
  struct partitioner *partitioner = &topic->partitioner;
  struct bytes key = source->record->key;
  for (int choices = 1;; choices++) {
    int32_t index;
    int32_t status =
        partitioner_choose(partitioner, &accumulator->random, key, source->record->value, &index);
    if (status != STATUS_OK) return status;
    struct partition *partition = topic_partition(topic, index);
    status = partition == NULL ? STATUS_OUT_OF_MEMORY
                               : partition_queue_append(accumulator, partition, source, now_us);
    if (status == STATUS_OK) return STATUS_OK;
    bool is_full = status == STATUS_PARTITION_BUFFER_FULL;
    if (!partitioner_note_refused(partitioner, key, index, is_full) || choices == CHOICES_MAXIMUM)
      return status;
  }
}

static inline void note_accepted(struct accumulator *accumulator, const struct record *record) {
  size_t bytes = record->key.size + record->value.size;
  for (uint32_t i = 0; i < record->header_count; i++)
    bytes += record->headers[i].key.size + record->headers[i].value.size;
  accumulator->totals.accepted++;
  accumulator->totals.accepted_bytes += bytes;
}

static void make_all_ready(struct accumulator *accumulator) {
  if (list_is_empty(&accumulator->lingering)) return;
  for (struct partition *first; (first = first_lingering(accumulator)) != NULL;)
    partition_queue_make_ready(accumulator, first);
  accumulator_note_work(accumulator, ACCUMULATOR_AT_ONCE_US);
}

static void remove_unsent(struct batch *batch) {
  ASSERT(batch->unsent);
  if (batch->partition != NULL) {
    partition_queue_remove(batch);
  } else {
    staging_remove(batch);
  }
}

static void return_block(struct accumulator *accumulator, struct batch *root) {
  size_t *held_bytes = root->partition != NULL ? &root->partition->held_bytes : &root->topic->staged_bytes;
  ASSERT(*held_bytes >= root->block_bytes);
  *held_bytes -= root->block_bytes;
  if (root->partition == NULL) accumulator->staged_bytes -= root->block_bytes;
  buffer_pool_free(accumulator->pool, root->block);
  if (!accumulator->unstage_is_stalled) return;
  accumulator->unstage_is_stalled = false;
  accumulator->unstage_is_due = true;
  accumulator_note_work(accumulator, ACCUMULATOR_AT_ONCE_US);
}

static struct partition *first_lingering(const struct accumulator *accumulator) {
  if (list_is_empty(&accumulator->lingering)) return NULL;
  return LIST_ENTRY(accumulator->lingering.next, struct partition, state_node);
}
