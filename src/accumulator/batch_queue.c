#include "accumulator/batch_queue.h"

#include "accumulator/accumulator.h"
#include "accumulator/buffer_pool.h"
#include "base/assertion.h"
#include "base/clock.h"
#include "base/status.h"

/* What a new batch is to be like. */
struct plan {
  bool wide;
  uint32_t record_limit;
  size_t limit_bytes;
  size_t block_bytes;
  size_t least_bytes; /* of the block, if memory is short */
};

static bool grow(struct accumulator *accumulator, const struct batch_queue *queue, struct batch *batch,
                 const struct batch_source *source);
static int32_t open_batch(struct accumulator *accumulator, const struct batch_queue *queue,
                          const struct batch_source *source, struct batch **out);
static int32_t plan_batch(const struct accumulator *accumulator, const struct batch_queue *queue,
                          const struct batch_source *source, struct plan *plan);
static bool is_held_back(const struct accumulator *accumulator, const struct batch_source *source);
static uint8_t *allocate_block(struct accumulator *accumulator, struct plan *plan);
static int64_t creation_us(struct accumulator *accumulator, const struct batch_source *source);
static void start_batch(struct accumulator *accumulator, const struct batch_queue *queue,
                        const struct batch_source *source, struct batch *batch);
static void count_held(struct accumulator *accumulator, const struct batch_queue *queue, size_t bytes);

int32_t batch_queue_append(struct accumulator *accumulator, const struct batch_queue *queue,
                           const struct batch_source *source) {
  struct batch *last = batch_queue_last(queue->batches);
  if (last != NULL && batch_source_append(source, last)) return STATUS_OK;
  if (last != NULL && grow(accumulator, queue, last, source)) return STATUS_OK;
  struct batch *batch;
  int32_t status = open_batch(accumulator, queue, source, &batch);
  if (status == STATUS_OK) batch_queue_add(queue, batch);
  return status;
}

void batch_queue_add(const struct batch_queue *queue, struct batch *batch) {
  struct batch *last = batch_queue_last(queue->batches);
  if (last != NULL && last->state == BATCH_OPEN) {
    batch_set_state(last, BATCH_SEALED);
    if (queue->partition != NULL) queue->partition->block_hint_bytes = batch_used_bytes(last);
  }
  list_append(queue->batches, &batch->queue_node);
  batch->unsent = true;
  if (queue->partition != NULL) queue->partition->batch_count++;
}

/* Moves an open batch into a block of twice the size (or more, for a large record) and appends there. */
static bool grow(struct accumulator *accumulator, const struct batch_queue *queue, struct batch *batch,
                 const struct batch_source *source) {
  if (batch->state != BATCH_OPEN || (source->wide && batch->entry_bytes != BATCH_WIDE_ENTRY_BYTES))
    return false;
  if (batch->shares != 1 || batch->records != batch->block) return false;
  if (is_held_back(accumulator, source)) return false;
  if (batch_is_full(batch) || batch->records_bytes + source->bound_bytes > batch->limit_bytes) return false;
  size_t wanted = batch_used_bytes(batch) + source->bound_bytes + batch->entry_bytes;
  if (wanted < 2 * batch->block_bytes) wanted = 2 * batch->block_bytes;
  if (wanted > accumulator->largest_block_bytes) return false;
  size_t block_bytes = buffer_pool_block_bytes(accumulator->pool, wanted);
  size_t added_bytes = block_bytes - batch->block_bytes;
  if (*queue->held_bytes + added_bytes > queue->limit_bytes) return false;
  uint8_t *block = buffer_pool_allocate(accumulator->pool, block_bytes);
  if (block == NULL) return false;
  uint8_t *old = batch->block;
  batch_move(batch, block, block_bytes);
  buffer_pool_free(accumulator->pool, old);
  count_held(accumulator, queue, added_bytes);
  return batch_source_append(source, batch);
}

/* A new batch with the record in it, in no queue yet. */
static int32_t open_batch(struct accumulator *accumulator, const struct batch_queue *queue,
                          const struct batch_source *source, struct batch **out) {
  struct plan plan;
  int32_t status = plan_batch(accumulator, queue, source, &plan);
  if (status != STATUS_OK) return status;
  struct batch *batch = accumulator_allocate_batch(accumulator);
  if (batch == NULL) return STATUS_OUT_OF_MEMORY;
  uint8_t *block = allocate_block(accumulator, &plan);
  if (block == NULL) {
    accumulator_return_batch(accumulator, batch);
    return STATUS_BUFFER_FULL;
  }
  batch_init(batch, block, plan.block_bytes, plan.limit_bytes, plan.record_limit, plan.wide,
             creation_us(accumulator, source));
  start_batch(accumulator, queue, source, batch);
  count_held(accumulator, queue, plan.block_bytes);
  bool appended = batch_source_append(source, batch);
  ASSERT(appended);
  *out = batch;
  return STATUS_OK;
}

static int32_t plan_batch(const struct accumulator *accumulator, const struct batch_queue *queue,
                          const struct batch_source *source, struct plan *plan) {
  /* As the first record it has the shortest deltas. */
  size_t record_bytes =
      source->view != NULL ? record_rewrite_size(source->view, 0, 0) : record_size(source->record, 0, 0);
  plan->wide = queue->wide || source->wide;
  size_t needed = record_bytes + (plan->wide ? BATCH_WIDE_ENTRY_BYTES : BATCH_ENTRY_BYTES);
  plan->least_bytes = buffer_pool_block_bytes(accumulator->pool, needed);
  if (plan->least_bytes > buffer_pool_largest_bytes(accumulator->pool)) return STATUS_RECORD_TOO_LARGE;
  const struct batch *last = batch_queue_last(queue->batches);
  size_t hint = last != NULL ? batch_used_bytes(last) : queue->block_hint_bytes;
  if (hint > accumulator->largest_block_bytes) hint = accumulator->largest_block_bytes;
  plan->block_bytes = buffer_pool_block_bytes(accumulator->pool, hint < needed ? needed : hint);
  size_t held = *queue->held_bytes;
  size_t room = held < queue->limit_bytes ? queue->limit_bytes - held : 0;
  while (plan->block_bytes > plan->least_bytes && plan->block_bytes > room)
    plan->block_bytes /= 2;
  bool passes = plan->block_bytes > room;
  if (passes && !queue->passes_limit) return STATUS_PARTITION_BUFFER_FULL;
  if (is_held_back(accumulator, source)) return STATUS_BUFFER_FULL;
  plan->record_limit = passes && queue->partition == NULL ? 1 : accumulator->settings.batch_records;
  plan->limit_bytes = queue->topic->batch_bytes;
  if (plan->limit_bytes < record_bytes + RECORD_BATCH_HEADER_BYTES)
    plan->limit_bytes = record_bytes + RECORD_BATCH_HEADER_BYTES;
  return STATUS_OK;
}

/* Those who wait for memory come first; but what was accepted long ago comes before them. */
static bool is_held_back(const struct accumulator *accumulator, const struct batch_source *source) {
  return accumulator->memory_is_reserved && source->staged == NULL;
}

static uint8_t *allocate_block(struct accumulator *accumulator, struct plan *plan) {
  uint8_t *block = buffer_pool_allocate(accumulator->pool, plan->block_bytes);
  while (block == NULL && plan->block_bytes > plan->least_bytes) {
    plan->block_bytes /= 2;
    block = buffer_pool_allocate(accumulator->pool, plan->block_bytes);
  }
  return block;
}

/* Never before that of an earlier batch: threads may have read the clock in another order than they came. */
static int64_t creation_us(struct accumulator *accumulator, const struct batch_source *source) {
  if (source->staged != NULL) return source->staged->created_us;
  if (source->accepted_us > accumulator->last_created_us) accumulator->last_created_us = source->accepted_us;
  return accumulator->last_created_us;
}

/* Where it belongs, when it expires, and its place among the incomplete ones. */
static void start_batch(struct accumulator *accumulator, const struct batch_queue *queue,
                        const struct batch_source *source, struct batch *batch) {
  batch->topic = queue->topic;
  batch->partition = queue->partition;
  batch->deadline_us = clock_add_us(batch->created_us, queue->topic->options.delivery_timeout_us);
  if (batch->deadline_us < accumulator->next_expiry_us) {
    accumulator->next_expiry_us = batch->deadline_us;
    accumulator_note_work(accumulator, batch->deadline_us);
  }
  /* Incomplete batches ascend by number: one that continues a staged batch stands just before it. */
  struct batch *staged = source->staged;
  batch->number = staged != NULL ? staged->number : ++accumulator->last_number;
  struct list *position = staged != NULL ? &staged->incomplete_node : &accumulator->incomplete;
  list_insert_before(position, &batch->incomplete_node);
}

static void count_held(struct accumulator *accumulator, const struct batch_queue *queue, size_t bytes) {
  *queue->held_bytes += bytes;
  if (queue->partition == NULL) accumulator->staged_bytes += bytes;
}
