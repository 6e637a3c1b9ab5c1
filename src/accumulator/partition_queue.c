#include "accumulator/partition_queue.h"

#include "base/assertion.h"
#include "base/clock.h"
#include "base/status.h"
#include "base/transition.h"

static const bool allowed[PARTITION_STATE_COUNT][PARTITION_STATE_COUNT] = {
    [PARTITION_IDLE] = {[PARTITION_LINGERING] = true, [PARTITION_READY] = true},
    [PARTITION_LINGERING] = {[PARTITION_IDLE] = true, [PARTITION_READY] = true},
    [PARTITION_READY] = {[PARTITION_IDLE] = true, [PARTITION_TAKEN] = true},
    [PARTITION_TAKEN] = {[PARTITION_IDLE] = true},
};

static void note_appended(struct accumulator *accumulator, struct partition *partition, int64_t now_us);
static void note_sticky(struct partition *partition, size_t bytes);
static void insert_lingering(struct accumulator *accumulator, struct partition *partition);

int32_t partition_queue_append(struct accumulator *accumulator, struct partition *partition,
                               const struct batch_source *source, int64_t now_us) {
  struct batch *last = batch_queue_last(&partition->batches);
  if (last == NULL || !batch_source_append(source, last)) {
    if (source->wide) partition->wide_entries = true;
    struct batch_queue queue = {
        .batches = &partition->batches,
        .topic = partition->topic,
        .partition = partition,
        .held_bytes = &partition->held_bytes,
        /* What is staged was accepted and has to go somewhere. */
        .limit_bytes = source->staged != NULL ? SIZE_MAX : accumulator->settings.partition_bytes,
        .passes_limit = partition->held_bytes == 0,
        .block_hint_bytes = partition->block_hint_bytes,
        .wide = partition->wide_entries,
    };
    int32_t status = batch_queue_append(accumulator, &queue, source);
    if (status != STATUS_OK) return status;
  }
  note_sticky(partition, source->bound_bytes);
  note_appended(accumulator, partition, now_us);
  return STATUS_OK;
}

void partition_queue_add(struct accumulator *accumulator, struct partition *partition, struct batch *batch,
                         int64_t now_us) {
  ASSERT(batch->state == BATCH_SEALED && batch->partition == partition);
  batch_queue_add(&(struct batch_queue){.batches = &partition->batches, .partition = partition}, batch);
  note_sticky(partition, batch->records_bytes);
  note_appended(accumulator, partition, now_us);
}

void partition_queue_remove(struct batch *batch) {
  struct partition *partition = batch->partition;
  list_remove(&batch->queue_node);
  batch->unsent = false;
  partition->batch_count--;
  if (partition->batch_count == 0 && partition->state != PARTITION_TAKEN)
    partition_queue_set_state(partition, PARTITION_IDLE);
}

bool partition_queue_is_sendable(const struct accumulator *accumulator, const struct partition *partition,
                                 int64_t now_us) {
  if (partition->batch_count != 1) return partition->batch_count > 1;
  if (accumulator->cutting > 0 || accumulator->memory_waiters > 0) return true;
  const struct batch *only = LIST_ENTRY(partition->batches.next, struct batch, queue_node);
  if (only->state != BATCH_OPEN || batch_is_full(only) || only->number <= accumulator->cut_number)
    return true;
  return clock_add_us(only->created_us, accumulator->settings.linger_us) <= now_us;
}

int64_t partition_queue_linger_us(const struct accumulator *accumulator, const struct partition *partition) {
  const struct batch *first = LIST_ENTRY(partition->batches.next, struct batch, queue_node);
  return clock_add_us(first->created_us, accumulator->settings.linger_us);
}

void partition_queue_make_ready(struct accumulator *accumulator, struct partition *partition) {
  partition_queue_set_state(partition, PARTITION_READY);
  list_append(&accumulator->ready, &partition->state_node);
}

void partition_queue_place(struct accumulator *accumulator, struct partition *partition, int64_t now_us) {
  if (partition->batch_count == 0) return;
  if (partition_queue_is_sendable(accumulator, partition, now_us)) {
    partition_queue_make_ready(accumulator, partition);
  } else {
    insert_lingering(accumulator, partition);
  }
}

void partition_queue_set_state(struct partition *partition, enum partition_state state) {
  ASSERT(allowed[partition->state][state]);
  transition_note("partition queue", partition->state, state);
  list_remove(&partition->state_node);
  partition->state = state;
}

bool partition_queue_may_change(enum partition_state from, enum partition_state to) {
  return allowed[from][to];
}

/* Queues the partition for the sender, and wakes it if it would come too late. */
static inline void note_appended(struct accumulator *accumulator, struct partition *partition,
                                 int64_t now_us) {
  if (partition->state == PARTITION_READY || partition->state == PARTITION_TAKEN) return;
  if (partition_queue_is_sendable(accumulator, partition, now_us)) {
    partition_queue_make_ready(accumulator, partition);
    accumulator_note_work(accumulator, now_us);
  } else if (partition->state == PARTITION_IDLE) {
    insert_lingering(accumulator, partition);
    accumulator_note_work(accumulator, partition_queue_linger_us(accumulator, partition));
  }
}

/* Only the sticky partition's bytes count. */
static inline void note_sticky(struct partition *partition, size_t bytes) {
  struct partitioner *partitioner = &partition->topic->partitioner;
  if (partitioner->sticky_partition != partition->index) return;
  const struct batch *last = LIST_ENTRY(partition->batches.previous, struct batch, queue_node);
  partitioner_note_append(partitioner, partition->index, bytes,
                          last->state == BATCH_OPEN && !batch_is_full(last));
}

/* From the end: new batches are the youngest, so the place is nearly always right there. */
static void insert_lingering(struct accumulator *accumulator, struct partition *partition) {
  int64_t deadline_us = partition_queue_linger_us(accumulator, partition);
  struct list *after = accumulator->lingering.previous;
  while (after != &accumulator->lingering &&
         partition_queue_linger_us(accumulator, LIST_ENTRY(after, struct partition, state_node)) >
             deadline_us)
    after = after->previous;
  partition_queue_set_state(partition, PARTITION_LINGERING);
  list_insert_before(after->next, &partition->state_node);
}
