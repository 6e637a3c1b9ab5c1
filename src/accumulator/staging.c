#include "accumulator/staging.h"

#include "accumulator/buffer_pool.h"
#include "accumulator/partition_queue.h"
#include "base/assertion.h"
#include "base/status.h"

static size_t limit_of(const struct accumulator *accumulator, const struct topic *topic);
static bool move_first(struct accumulator *accumulator, struct batch *staged, struct list *settled,
                       int64_t now_us);
static bool move_into(struct accumulator *accumulator, struct batch *staged, const struct record_view *view,
                      struct partition *partition, int64_t now_us);
static bool must_stay_where_it_lies(const struct accumulator *accumulator, int32_t status);
static bool hand_over(struct accumulator *accumulator, struct batch *staged, const struct record_view *view,
                      struct partition *partition, int64_t now_us);
static bool fail_first(struct accumulator *accumulator, struct batch *staged, const struct record_view *view,
                       int32_t status, struct list *settled, int64_t now_us);
static struct batch *cut_first(struct accumulator *accumulator, struct batch *staged,
                               const struct record_view *view);

int32_t staging_append(struct accumulator *accumulator, struct topic *topic,
                       const struct batch_source *source) {
  struct batch_queue queue = {
      .batches = &topic->staged,
      .topic = topic,
      .held_bytes = &topic->staged_bytes,
      .limit_bytes = limit_of(accumulator, topic),
      .passes_limit = accumulator->staged_bytes == 0,
  };
  int32_t status = batch_queue_append(accumulator, &queue, source);
  if (status != STATUS_OK) return status;
  if (!list_is_linked(&topic->staged_node)) list_append(&accumulator->staged_topics, &topic->staged_node);
  if (topic->partition_count == 0 || source->entry.partition_wanted >= topic->partition_count)
    accumulator_want_metadata(accumulator, topic);
  return STATUS_OK;
}

bool staging_move(struct accumulator *accumulator, struct topic *topic, struct list *settled,
                  int64_t now_us) {
  ASSERT(topic->partition_count > 0);
  while (!list_is_empty(&topic->staged)) {
    struct batch *staged = LIST_ENTRY(topic->staged.next, struct batch, queue_node);
    while (staged->record_count > 0)
      if (!move_first(accumulator, staged, settled, now_us)) return false;
    staging_remove(staged);
    list_remove(&staged->incomplete_node);
    accumulator_release(accumulator, staged);
  }
  return true;
}

void staging_remove(struct batch *batch) {
  struct topic *topic = batch->topic;
  list_remove(&batch->queue_node);
  batch->unsent = false;
  if (list_is_empty(&topic->staged)) list_remove(&topic->staged_node);
}

static size_t limit_of(const struct accumulator *accumulator, const struct topic *topic) {
  size_t half = buffer_pool_total_bytes(accumulator->pool) / 2;
  size_t others = accumulator->staged_bytes - topic->staged_bytes;
  size_t left = others < half ? half - others : 0;
  return left < accumulator->settings.partition_bytes ? left : accumulator->settings.partition_bytes;
}

/* Moves the first record of a staged batch to its partition, or settles it. False when memory is short. */
static bool move_first(struct accumulator *accumulator, struct batch *staged, struct list *settled,
                       int64_t now_us) {
  struct topic *topic = staged->topic;
  struct wire_reader reader = wire_reader_of(bytes_of(staged->records, staged->records_bytes));
  struct record_view view;
  record_read(&reader, &view);
  ASSERT(!reader.failed);
  const int32_t wanted = batch_entry(staged, 0)->partition_wanted;
  int32_t index = wanted;
  int32_t status = index >= topic->partition_count ? STATUS_PARTITION_OUT_OF_RANGE : STATUS_OK;
  if (index < 0)
    status = partitioner_choose(&topic->partitioner, &accumulator->random, view.key, view.value, &index);
  if (status != STATUS_OK) return fail_first(accumulator, staged, &view, status, settled, now_us);
  struct partition *partition = topic_partition(topic, index);
  if (partition != NULL && move_into(accumulator, staged, &view, partition, now_us)) return true;
  if (wanted < 0) partitioner_note_refused(&topic->partitioner, view.key, index, false);
  return false;
}

static bool move_into(struct accumulator *accumulator, struct batch *staged, const struct record_view *view,
                      struct partition *partition, int64_t now_us) {
  const struct batch_entry *entry = batch_entry(staged, 0);
  struct batch_source source = {
      .view = view,
      .bound_bytes = record_rewrite_bound(view),
      .accepted_us = staged->created_us + (int64_t)entry->accepted_after_us,
      .staged = staged,
  };
  memcpy(&source.entry, entry, staged->entry_bytes);
  source.wide = source.entry.callback != NULL;
  int32_t status = partition_queue_append(accumulator, partition, &source, now_us);
  if (must_stay_where_it_lies(accumulator, status))
    return hand_over(accumulator, staged, view, partition, now_us);
  if (status == STATUS_OK) batch_drop_first(staged, view);
  return status == STATUS_OK;
}

/* No block that it could be copied to will ever be free before it has gone: all memory in use is staged, or
 * was. */
static bool must_stay_where_it_lies(const struct accumulator *accumulator, int32_t status) {
  return status == STATUS_RECORD_TOO_LARGE ||
         (status == STATUS_BUFFER_FULL &&
          buffer_pool_used_bytes(accumulator->pool) == accumulator->staged_bytes);
}

/* The first record becomes a batch of its partition without moving. */
static bool hand_over(struct accumulator *accumulator, struct batch *staged, const struct record_view *view,
                      struct partition *partition, int64_t now_us) {
  struct batch *batch = cut_first(accumulator, staged, view);
  if (batch == NULL) return false;
  batch->records_bytes =
      (size_t)(record_rewrite(batch->records, view, view->timestamp_delta, 0) - batch->records);
  batch->partition = partition;
  if (batch->state == BATCH_OPEN) batch_set_state(batch, BATCH_SEALED);
  partition_queue_add(accumulator, partition, batch, now_us);
  return true;
}

/* Settles the first record; neighbours with the same fate stay one batch. */
static bool fail_first(struct accumulator *accumulator, struct batch *staged, const struct record_view *view,
                       int32_t status, struct list *settled, int64_t now_us) {
  struct batch *last = batch_queue_last(settled);
  if (last != NULL && last->root == staged->root && last->partition == NULL && last->status == status &&
      last->records + last->records_bytes == staged->records) {
    last->records_bytes += view->size;
    last->record_count++;
    batch_drop_first(staged, view);
    return true;
  }
  struct batch *failed = cut_first(accumulator, staged, view);
  if (failed == NULL) return false;
  batch_settle(failed, OUTCOME_NOT_DELIVERED, status, -1, -1, now_us);
  list_append(settled, &failed->queue_node);
  return true;
}

/* The first record as a batch of its own, in the same memory and in no queue. NULL without memory. */
static struct batch *cut_first(struct accumulator *accumulator, struct batch *staged,
                               const struct record_view *view) {
  struct batch *first = accumulator_allocate_batch(accumulator);
  if (first == NULL) return NULL;
  *first = *staged;
  first->shares = 0;
  staged->root->shares++;
  first->record_count = 1;
  first->records_bytes = view->size;
  first->max_timestamp_ms = batch_entry(staged, 0)->timestamp_ms;
  first->unsent = false;
  list_init(&first->queue_node);
  list_init(&first->incomplete_node);
  list_insert_before(&staged->incomplete_node, &first->incomplete_node);
  batch_drop_first(staged, view);
  return first;
}
