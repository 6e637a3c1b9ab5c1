#include "accumulator/accumulator.h"

#include "base/allocator.h"
#include "base/assertion.h"
#include "base/clock.h"
#include "base/status.h"

/* Where a record's bytes come from: the application, or a staged batch. */
struct source {
  const struct record *record;
  const struct record_view *view; /* instead of record, if not NULL */
  size_t bound_bytes;
  struct batch_entry entry; /* accepted_after_us is filled in by append_to_queue */
  int64_t accepted_us;
  bool wide;
  struct batch *staged; /* the batch it is moved out of, or NULL */
};

/* Where a batch is queued: a partition, or a topic before its partitions are known. */
struct queue {
  struct list *batches;
  struct topic *topic;
  struct partition *partition; /* NULL: staged */
  size_t *held_bytes;
  size_t held_limit_bytes;
  size_t block_hint_bytes;
  bool wide;
};

enum {
  BATCHES_PER_SLAB = 64,
  /* A partition that the cluster was asked about this recently and that is still out of range is refused at
     once. */
  PARTITION_COUNT_FRESH_US = 1000000,
  SMALLEST_BATCH_BYTES = 1024,
};

struct slab {
  struct list node;
  struct batch batches[BATCHES_PER_SLAB];
};

static int32_t append_staged(struct accumulator *accumulator, const struct append *append,
                             const struct source *source);
static void note_accepted(struct accumulator *accumulator, const struct append *append);
static int32_t append_to_partition(struct accumulator *accumulator, struct partition *partition,
                                   const struct source *source);
static int32_t append_to_queue(struct accumulator *accumulator, const struct queue *queue,
                               const struct source *source, struct batch **into);
static bool grow(struct accumulator *accumulator, const struct queue *queue, struct batch *batch,
                 const struct source *source);
static int32_t open_batch(struct accumulator *accumulator, const struct queue *queue,
                          const struct source *source, struct batch **out);
static bool try_append(struct batch *batch, const struct source *source);
static int32_t choose_partition(struct accumulator *accumulator, struct topic *topic, struct bytes key,
                                struct bytes value, int32_t *partition);
static void note_sticky(struct partition *partition, size_t bytes);
static void note_appended(struct accumulator *accumulator, struct partition *partition, int64_t now_us);
static int64_t linger_deadline(const struct accumulator *accumulator, const struct partition *partition);
static bool is_sendable(const struct accumulator *accumulator, const struct partition *partition,
                        int64_t now_us);
static void make_ready(struct accumulator *accumulator, struct partition *partition);
static void make_all_ready(struct accumulator *accumulator);
static void insert_lingering(struct accumulator *accumulator, struct partition *partition);
static void remove_unsent(struct accumulator *accumulator, struct batch *batch);
static bool unstage_first(struct accumulator *accumulator, struct batch *staged, struct list *settled,
                          int64_t now_us);
static bool fail_first(struct accumulator *accumulator, struct batch *staged, const struct record_view *view,
                       int32_t status, struct list *settled, int64_t now_us);

int32_t accumulator_init(struct accumulator *accumulator, const struct accumulator_settings *settings) {
  *accumulator = (struct accumulator){
      .settings = *settings, .sleep_until_us = INT64_MIN, .next_expiry_us = CLOCK_NEVER_US};
  int32_t status = buffer_pool_create(settings->buffer_bytes, &accumulator->pool);
  if (status != STATUS_OK) return status;
  accumulator->largest_block_bytes = buffer_pool_block_bytes(accumulator->pool, settings->batch_bytes);
  size_t largest = buffer_pool_largest_bytes(accumulator->pool);
  if (accumulator->largest_block_bytes > largest) accumulator->largest_block_bytes = largest;
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
  *out = topic_registry_find(&accumulator->registry, name);
  if (*out != NULL) return STATUS_OK;
  int32_t status = topic_registry_add(&accumulator->registry, name, options, out);
  if (status != STATUS_OK) return status;
  (*out)->batch_bytes = accumulator->settings.batch_bytes;
  partitioner_init(&(*out)->partitioner, options->partitioner, &accumulator->settings.partitioner,
                   (*out)->name);
  return STATUS_OK;
}

int32_t accumulator_append(struct accumulator *accumulator, const struct append *append, int64_t now_us) {
  struct topic *topic = append->topic;
  struct source source = {
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
  size_t allowed = accumulator->settings.max_request_bytes - RECORD_BATCH_HEADER_BYTES;
  if (source.bound_bytes > allowed) {
    source.bound_bytes = record_size(&append->record, 0, 0);
    if (source.bound_bytes > allowed) return STATUS_RECORD_TOO_LARGE;
  }
  topic->last_used_us = now_us;
  if (topic->partition_count == 0 || !list_is_empty(&topic->staged))
    return append_staged(accumulator, append, &source);
  int32_t index = append->partition;
  if (index >= topic->partition_count) {
    if (now_us - topic->metadata_us < PARTITION_COUNT_FRESH_US) return STATUS_PARTITION_OUT_OF_RANGE;
    return append_staged(accumulator, append, &source);
  }
  if (index < 0) {
    int32_t status = choose_partition(accumulator, topic, append->record.key, append->record.value, &index);
    if (status != STATUS_OK) return status;
  }
  struct partition *partition = topic_partition(topic, index);
  if (partition == NULL) return STATUS_OUT_OF_MEMORY;
  int32_t status = append_to_partition(accumulator, partition, &source);
  if (status != STATUS_OK) return status;
  note_accepted(accumulator, append);
  note_sticky(partition, source.bound_bytes);
  note_appended(accumulator, partition, now_us);
  return STATUS_OK;
}

bool accumulator_has_space(const struct accumulator *accumulator, size_t record_bytes) {
  size_t needed = record_bytes + BATCH_WIDE_ENTRY_BYTES + RECORD_BATCH_HEADER_BYTES;
  return buffer_pool_has(accumulator->pool, needed);
}

void accumulator_begin_cut(struct accumulator *accumulator) {
  accumulator->cutting++;
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
  while (!list_is_empty(&accumulator->lingering)) {
    struct partition *first = LIST_ENTRY(accumulator->lingering.next, struct partition, state_node);
    if (linger_deadline(accumulator, first) > now_us) return;
    make_ready(accumulator, first);
  }
}

struct partition *accumulator_take(struct accumulator *accumulator) {
  if (list_is_empty(&accumulator->ready)) return NULL;
  struct partition *partition = LIST_ENTRY(accumulator->ready.next, struct partition, state_node);
  list_remove(&partition->state_node);
  partition->state = PARTITION_TAKEN;
  return partition;
}

struct batch *accumulator_peek(struct accumulator *accumulator, struct partition *partition, int64_t now_us) {
  ASSERT(partition->state == PARTITION_TAKEN);
  if (!is_sendable(accumulator, partition, now_us)) return NULL;
  return LIST_ENTRY(partition->batches.next, struct batch, queue_node);
}

void accumulator_drain(struct accumulator *accumulator, struct batch *batch) {
  (void)accumulator;
  struct partition *partition = batch->partition;
  if (batch->state == BATCH_OPEN) batch_set_state(batch, BATCH_SEALED);
  partition->block_hint_bytes = batch_used_bytes(batch);
  list_remove(&batch->queue_node);
  batch->unsent = false;
  partition->batch_count--;
  if (partition->batch_count == 0) partitioner_note_drained(&partition->topic->partitioner, partition->index);
}

void accumulator_give_back(struct accumulator *accumulator, struct partition *partition, int64_t now_us) {
  ASSERT(partition->state == PARTITION_TAKEN);
  partition->state = PARTITION_IDLE;
  if (list_is_empty(&partition->batches)) return;
  if (is_sendable(accumulator, partition, now_us)) {
    make_ready(accumulator, partition);
  } else {
    insert_lingering(accumulator, partition);
  }
}

void accumulator_expire(struct accumulator *accumulator, int64_t now_us, struct list *unsent,
                        void (*on_sent)(void *context, struct batch *batch), void *context) {
  if (now_us < accumulator->next_expiry_us) return;
  accumulator->next_expiry_us = CLOCK_NEVER_US;
  for (struct list *node = accumulator->incomplete.next, *next; node != &accumulator->incomplete;
       node = next) {
    struct batch *batch = LIST_ENTRY(node, struct batch, incomplete_node);
    next = node->next;
    if (batch->expired) continue;
    if (batch->deadline_us > now_us) {
      if (batch->deadline_us < accumulator->next_expiry_us) accumulator->next_expiry_us = batch->deadline_us;
      continue;
    }
    batch->expired = true;
    if (batch->unsent) {
      remove_unsent(accumulator, batch);
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
    remove_unsent(accumulator, batch);
    list_append(unsent, &batch->queue_node);
  }
}

int32_t accumulator_set_partition_count(struct accumulator *accumulator, struct topic *topic, int32_t count,
                                        int64_t now_us) {
  (void)accumulator;
  int32_t status = topic_reserve_partitions(topic, count);
  if (status != STATUS_OK) return status;
  topic->metadata_us = now_us;
  if (count <= topic->partition_count) return STATUS_OK;
  status = partitioner_resize(&topic->partitioner, count);
  if (status == STATUS_OK) topic->partition_count = count;
  return status;
}

bool accumulator_unstage(struct accumulator *accumulator, struct topic *topic, struct list *settled,
                         int64_t now_us) {
  ASSERT(topic->partition_count > 0);
  while (!list_is_empty(&topic->staged)) {
    struct batch *staged = LIST_ENTRY(topic->staged.next, struct batch, queue_node);
    while (staged->record_count > 0)
      if (!unstage_first(accumulator, staged, settled, now_us)) return false;
    list_remove(&staged->queue_node);
    list_remove(&staged->incomplete_node);
    accumulator_release(accumulator, staged);
  }
  list_remove(&topic->staged_node);
  return true;
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
  size_t *held_bytes = root->partition != NULL ? &root->partition->held_bytes : &root->topic->staged_bytes;
  ASSERT(*held_bytes >= root->block_bytes);
  *held_bytes -= root->block_bytes;
  if (root->partition == NULL) accumulator->staged_bytes -= root->block_bytes;
  buffer_pool_free(accumulator->pool, root->block);
  accumulator_return_batch(accumulator, root);
}

void accumulator_want_metadata(struct accumulator *accumulator, struct topic *topic) {
  if (topic->metadata_wanted) return;
  topic->metadata_wanted = true;
  list_append(&accumulator->wanted, &topic->wanted_node);
  accumulator_note_work(accumulator, INT64_MIN + 1);
}

int64_t accumulator_prepare_sleep(struct accumulator *accumulator, int64_t deadline_us, int64_t now_us) {
  if (!list_is_empty(&accumulator->ready) || !list_is_empty(&accumulator->wanted)) return now_us;
  if (!list_is_empty(&accumulator->lingering)) {
    struct partition *first = LIST_ENTRY(accumulator->lingering.next, struct partition, state_node);
    int64_t due_us = linger_deadline(accumulator, first);
    if (due_us < deadline_us) deadline_us = due_us;
  }
  if (accumulator->next_expiry_us < deadline_us) deadline_us = accumulator->next_expiry_us;
  if (deadline_us <= now_us) return now_us;
  accumulator->sleep_until_us = deadline_us;
  return deadline_us;
}

void accumulator_end_sleep(struct accumulator *accumulator) {
  accumulator->sleep_until_us = INT64_MIN;
}

void accumulator_note_work(struct accumulator *accumulator, int64_t due_us) {
  if (due_us >= accumulator->sleep_until_us) return;
  accumulator->sleep_until_us = INT64_MIN;
  accumulator->wake_needed = true;
}

static int32_t append_staged(struct accumulator *accumulator, const struct append *append,
                             const struct source *source) {
  struct topic *topic = append->topic;
  size_t others = accumulator->staged_bytes - topic->staged_bytes,
         half = accumulator->settings.buffer_bytes / 2;
  size_t limit = accumulator->settings.partition_bytes;
  /* Half of the memory stays for partitions that are known: moving records there must always get somewhere.
   */
  if (limit > half - (others < half ? others : half)) limit = half - (others < half ? others : half);
  struct queue queue = {
      .batches = &topic->staged,
      .topic = topic,
      .held_bytes = &topic->staged_bytes,
      .held_limit_bytes = limit,
      .block_hint_bytes = list_is_empty(&topic->staged) ? 0 : accumulator->largest_block_bytes,
  };
  struct batch *into;
  int32_t status = append_to_queue(accumulator, &queue, source, &into);
  if (status != STATUS_OK) return status;
  if (!list_is_linked(&topic->staged_node)) list_append(&accumulator->staged_topics, &topic->staged_node);
  if (topic->partition_count == 0 || append->partition >= topic->partition_count)
    accumulator_want_metadata(accumulator, topic);
  note_accepted(accumulator, append);
  return STATUS_OK;
}

static int32_t append_to_partition(struct accumulator *accumulator, struct partition *partition,
                                   const struct source *source) {
  struct batch *last = list_is_empty(&partition->batches)
                           ? NULL
                           : LIST_ENTRY(partition->batches.previous, struct batch, queue_node);
  bool fits = last != NULL && last->state == BATCH_OPEN &&
              (!source->wide || last->entry_bytes == BATCH_WIDE_ENTRY_BYTES);
  if (fits && try_append(last, source)) return STATUS_OK;
  if (source->wide) partition->wide_entries = true;
  struct queue queue = {
      .batches = &partition->batches,
      .topic = partition->topic,
      .partition = partition,
      .held_bytes = &partition->held_bytes,
      .held_limit_bytes = source->staged != NULL ? SIZE_MAX : accumulator->settings.partition_bytes,
      .block_hint_bytes = partition->block_hint_bytes,
      .wide = partition->wide_entries,
  };
  struct batch *into;
  return append_to_queue(accumulator, &queue, source, &into);
}

/* Into the open batch at the end of the queue, made larger where possible, else into a new one. */
static int32_t append_to_queue(struct accumulator *accumulator, const struct queue *queue,
                               const struct source *source, struct batch **into) {
  struct batch *last =
      list_is_empty(queue->batches) ? NULL : LIST_ENTRY(queue->batches->previous, struct batch, queue_node);
  if (last != NULL && last->state == BATCH_OPEN) {
    bool narrow = source->wide && last->entry_bytes != BATCH_WIDE_ENTRY_BYTES;
    if (!narrow && (try_append(last, source) || grow(accumulator, queue, last, source))) {
      *into = last;
      return STATUS_OK;
    }
  }
  struct batch *batch;
  int32_t status = open_batch(accumulator, queue, source, &batch);
  if (status != STATUS_OK) return status;
  if (last != NULL && last->state == BATCH_OPEN) {
    batch_set_state(last, BATCH_SEALED);
    if (queue->partition != NULL) queue->partition->block_hint_bytes = batch_used_bytes(last);
  }
  list_append(queue->batches, &batch->queue_node);
  if (queue->partition != NULL) queue->partition->batch_count++;
  *into = batch;
  return STATUS_OK;
}

/* Moves an open batch into a block of twice the size (or more, for a large record) and appends there. */
static bool grow(struct accumulator *accumulator, const struct queue *queue, struct batch *batch,
                 const struct source *source) {
  if (batch->root != batch || batch->shares != 1 || batch->records != batch->block) return false;
  if (batch->block_bytes >= accumulator->largest_block_bytes || batch->record_count >= batch->record_limit)
    return false;
  if (batch->records_bytes + source->bound_bytes > batch->limit_bytes) return false;
  size_t wanted = batch_used_bytes(batch) + source->bound_bytes + batch->entry_bytes;
  if (wanted < 2 * batch->block_bytes) wanted = 2 * batch->block_bytes;
  if (wanted > accumulator->largest_block_bytes || accumulator->memory_is_reserved) return false;
  size_t block_bytes = buffer_pool_block_bytes(accumulator->pool, wanted);
  if (*queue->held_bytes - batch->block_bytes + block_bytes > queue->held_limit_bytes) return false;
  uint8_t *block = buffer_pool_allocate(accumulator->pool, block_bytes);
  if (block == NULL) return false;
  uint8_t *old = batch->block;
  size_t added = block_bytes - batch->block_bytes;
  batch_move(batch, block, block_bytes);
  buffer_pool_free(accumulator->pool, old);
  *queue->held_bytes += added;
  if (queue->partition == NULL) accumulator->staged_bytes += added;
  return try_append(batch, source);
}

/* A new batch with the record in it, in no queue yet. */
static int32_t open_batch(struct accumulator *accumulator, const struct queue *queue,
                          const struct source *source, struct batch **out) {
  bool wide = queue->wide || source->wide;
  size_t needed = source->bound_bytes + (wide ? BATCH_WIDE_ENTRY_BYTES : BATCH_ENTRY_BYTES);
  size_t block_bytes = queue->block_hint_bytes;
  if (block_bytes > accumulator->largest_block_bytes) block_bytes = accumulator->largest_block_bytes;
  block_bytes = buffer_pool_block_bytes(accumulator->pool, block_bytes < needed ? needed : block_bytes);
  size_t least = buffer_pool_block_bytes(accumulator->pool, needed);
  while (block_bytes > least && *queue->held_bytes + block_bytes > queue->held_limit_bytes)
    block_bytes /= 2;
  if (*queue->held_bytes > 0 && *queue->held_bytes + block_bytes > queue->held_limit_bytes)
    return STATUS_PARTITION_BUFFER_FULL;
  if (accumulator->memory_is_reserved && source->staged == NULL) return STATUS_BUFFER_FULL;
  struct batch *batch = accumulator_allocate_batch(accumulator);
  if (batch == NULL) return STATUS_OUT_OF_MEMORY;
  uint8_t *block = buffer_pool_allocate(accumulator->pool, block_bytes);
  while (block == NULL && block_bytes > least) {
    block_bytes /= 2;
    block = buffer_pool_allocate(accumulator->pool, block_bytes);
  }
  if (block == NULL) {
    accumulator_return_batch(accumulator, batch);
    return STATUS_BUFFER_FULL;
  }
  size_t limit_bytes = queue->topic->batch_bytes;
  if (limit_bytes < source->bound_bytes + RECORD_BATCH_HEADER_BYTES)
    limit_bytes = source->bound_bytes + RECORD_BATCH_HEADER_BYTES;
  struct batch *staged = source->staged;
  int64_t created_us = staged != NULL ? staged->created_us : source->accepted_us;
  batch_init(batch, block, block_bytes, limit_bytes, accumulator->settings.batch_records, wide, created_us);
  batch->topic = queue->topic;
  batch->partition = queue->partition;
  batch->unsent = true;
  batch->deadline_us = clock_add_us(created_us, queue->topic->options.delivery_timeout_us);
  if (batch->deadline_us < accumulator->next_expiry_us) {
    accumulator->next_expiry_us = batch->deadline_us;
    accumulator_note_work(accumulator, batch->deadline_us);
  }
  batch->number = staged != NULL ? staged->number : ++accumulator->last_number;
  /* Incomplete batches ascend by number: one that continues a staged batch stands just before it. */
  struct list *position = staged != NULL ? &staged->incomplete_node : &accumulator->incomplete;
  list_insert_before(position, &batch->incomplete_node);
  *queue->held_bytes += block_bytes;
  if (queue->partition == NULL) accumulator->staged_bytes += block_bytes;
  bool appended = try_append(batch, source);
  ASSERT(appended);
  *out = batch;
  return STATUS_OK;
}

static inline bool try_append(struct batch *batch, const struct source *source) {
  struct batch_entry entry = source->entry;
  int64_t after_us = source->accepted_us - batch->created_us;
  entry.accepted_after_us = after_us <= 0 ? 0 : after_us > UINT32_MAX ? UINT32_MAX : (uint32_t)after_us;
  if (source->view != NULL) return batch_append_view(batch, source->view, &entry);
  return batch_append(batch, source->record, source->bound_bytes, &entry);
}

static inline void note_accepted(struct accumulator *accumulator, const struct append *append) {
  size_t bytes = append->record.key.size + append->record.value.size;
  for (uint32_t i = 0; i < append->record.header_count; i++)
    bytes += append->record.headers[i].key.size + append->record.headers[i].value.size;
  accumulator->totals.accepted++;
  accumulator->totals.accepted_bytes += bytes;
}

static int32_t choose_partition(struct accumulator *accumulator, struct topic *topic, struct bytes key,
                                struct bytes value, int32_t *partition) {
  return partitioner_choose(&topic->partitioner, &accumulator->random, key, value, partition);
}

/* Only the sticky partition's bytes count. */
static inline void note_sticky(struct partition *partition, size_t bytes) {
  struct partitioner *partitioner = &partition->topic->partitioner;
  if (partitioner->sticky_partition != partition->index) return;
  const struct batch *last = LIST_ENTRY(partition->batches.previous, struct batch, queue_node);
  partitioner_note_append(partitioner, partition->index, bytes, last->record_count < last->record_limit);
}

/* After an append: queues the partition for the sender, and wakes it if it would come too late. */
static inline void note_appended(struct accumulator *accumulator, struct partition *partition,
                                 int64_t now_us) {
  if (partition->state == PARTITION_READY || partition->state == PARTITION_TAKEN) return;
  if (is_sendable(accumulator, partition, now_us)) {
    make_ready(accumulator, partition);
    accumulator_note_work(accumulator, now_us);
  } else if (partition->state == PARTITION_IDLE) {
    insert_lingering(accumulator, partition);
    accumulator_note_work(accumulator, linger_deadline(accumulator, partition));
  }
}

static int64_t linger_deadline(const struct accumulator *accumulator, const struct partition *partition) {
  const struct batch *first = LIST_ENTRY(partition->batches.next, struct batch, queue_node);
  return clock_add_us(first->created_us, accumulator->settings.linger_us);
}

static inline bool is_sendable(const struct accumulator *accumulator, const struct partition *partition,
                               int64_t now_us) {
  if (partition->batch_count != 1) return partition->batch_count > 1;
  if (accumulator->cutting > 0 || accumulator->memory_waiters > 0) return true;
  const struct batch *only = LIST_ENTRY(partition->batches.next, struct batch, queue_node);
  if (only->state != BATCH_OPEN || only->record_count >= only->record_limit) return true;
  return clock_add_us(only->created_us, accumulator->settings.linger_us) <= now_us;
}

static void make_ready(struct accumulator *accumulator, struct partition *partition) {
  list_remove(&partition->state_node);
  partition->state = PARTITION_READY;
  list_append(&accumulator->ready, &partition->state_node);
}

static void make_all_ready(struct accumulator *accumulator) {
  if (list_is_empty(&accumulator->lingering)) return;
  while (!list_is_empty(&accumulator->lingering))
    make_ready(accumulator, LIST_ENTRY(accumulator->lingering.next, struct partition, state_node));
  accumulator_note_work(accumulator, INT64_MIN + 1);
}

/* From the end: new batches are the youngest, so the place is nearly always right there. */
static void insert_lingering(struct accumulator *accumulator, struct partition *partition) {
  int64_t deadline_us = linger_deadline(accumulator, partition);
  struct list *after = accumulator->lingering.previous;
  while (after != &accumulator->lingering &&
         linger_deadline(accumulator, LIST_ENTRY(after, struct partition, state_node)) > deadline_us)
    after = after->previous;
  partition->state = PARTITION_LINGERING;
  list_insert_before(after->next, &partition->state_node);
}

/* Takes an unsent batch out of its queue; the partition's state follows. */
static void remove_unsent(struct accumulator *accumulator, struct batch *batch) {
  ASSERT(batch->unsent);
  batch->unsent = false;
  struct partition *partition = batch->partition;
  if (partition == NULL) {
    list_remove(&batch->queue_node);
    if (list_is_empty(&batch->topic->staged)) list_remove(&batch->topic->staged_node);
    return;
  }
  if (partition->state == PARTITION_LINGERING || partition->state == PARTITION_READY) {
    list_remove(&partition->state_node);
    partition->state = PARTITION_IDLE;
  }
  list_remove(&batch->queue_node);
  partition->batch_count--;
  if (partition->state != PARTITION_TAKEN && partition->batch_count > 0) make_ready(accumulator, partition);
}

/* Moves the first record of a staged batch to its partition. False when memory is short. */
static bool unstage_first(struct accumulator *accumulator, struct batch *staged, struct list *settled,
                          int64_t now_us) {
  struct topic *topic = staged->topic;
  struct wire_reader reader = wire_reader_of(bytes_of(staged->records, staged->records_bytes));
  struct record_view view;
  record_read(&reader, &view);
  ASSERT(!reader.failed);
  const struct batch_entry *entry = batch_entry(staged, 0);
  int32_t index = entry->partition_wanted;
  if (index >= topic->partition_count)
    return fail_first(accumulator, staged, &view, STATUS_PARTITION_OUT_OF_RANGE, settled, now_us);
  if (index < 0) {
    int32_t status = choose_partition(accumulator, topic, view.key, view.value, &index);
    if (status != STATUS_OK) return fail_first(accumulator, staged, &view, status, settled, now_us);
  }
  struct partition *partition = topic_partition(topic, index);
  if (partition == NULL) return false;
  struct source source = {
      .view = &view,
      .bound_bytes = record_rewrite_bound(&view),
      .accepted_us = staged->created_us + (int64_t)entry->accepted_after_us,
      .staged = staged,
  };
  memcpy(&source.entry, entry, staged->entry_bytes);
  source.wide = source.entry.callback != NULL;
  if (append_to_partition(accumulator, partition, &source) != STATUS_OK) return false;
  note_sticky(partition, view.size);
  note_appended(accumulator, partition, now_us);
  batch_drop_first(staged, &view);
  return true;
}

/* Settles the first record of a staged batch by itself. False when memory is short. */
static bool fail_first(struct accumulator *accumulator, struct batch *staged, const struct record_view *view,
                       int32_t status, struct list *settled, int64_t now_us) {
  struct batch *failed = accumulator_allocate_batch(accumulator);
  if (failed == NULL) return false;
  *failed = *staged;
  failed->shares = 0;
  staged->root->shares++;
  failed->record_count = 1;
  failed->records_bytes = view->size;
  failed->unsent = false;
  list_init(&failed->queue_node);
  list_init(&failed->incomplete_node);
  list_insert_before(&staged->incomplete_node, &failed->incomplete_node);
  batch_drop_first(staged, view);
  batch_settle(failed, OUTCOME_NOT_DELIVERED, status, -1, -1, now_us);
  list_append(settled, &failed->queue_node);
  return true;
}
