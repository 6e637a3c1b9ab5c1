/* Queues of unsent batches, and the appending at their end: into the open batch, into a larger block of it,
 * or into a new batch. A queue is a partition's, or a topic's while its partitions are not known. Under the
 * producer's lock. */
#ifndef ACCUMULATOR_BATCH_QUEUE_H
#define ACCUMULATOR_BATCH_QUEUE_H

#include "accumulator/batch.h"
#include "accumulator/topic.h"
#include "base/list.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct accumulator;

/* Where a record's bytes come from: the application, or a staged batch. */
struct batch_source {
  const struct record *record;
  const struct record_view *view; /* instead of record, if not NULL */
  size_t bound_bytes;             /* the most that it takes in any batch */
  struct batch_entry entry;       /* accepted_after_us is filled in for the batch that it comes to */
  int64_t accepted_us;
  bool wide;
  struct batch *staged; /* the batch it is moved out of, or NULL */
};

/* One queue, for the time of a call. */
struct batch_queue {
  struct list *batches;
  struct topic *topic;
  struct partition *partition; /* NULL: staged */
  size_t *held_bytes;
  size_t limit_bytes;      /* of *held_bytes */
  bool passes_limit;       /* one batch may, or a record larger than the limit would never be taken */
  size_t block_hint_bytes; /* the block of a new batch in an empty queue; else it goes by the last one */
  bool wide;
};

/* STATUS_OK; BUFFER_FULL (the pool has no block), PARTITION_BUFFER_FULL (the queue's limit), RECORD_TOO_LARGE
 * (for any block), OUT_OF_MEMORY: nothing has changed. */
int32_t batch_queue_append(struct accumulator *accumulator, const struct batch_queue *queue,
                           const struct batch_source *source);

/* Puts a batch at the end of the queue; the one before takes no more records. */
void batch_queue_add(const struct batch_queue *queue, struct batch *batch);

static inline struct batch *batch_queue_last(const struct list *batches) {
  if (list_is_empty(batches)) return NULL;
  return LIST_ENTRY(batches->previous, struct batch, queue_node);
}

/* Appends to this batch, if it is open and has room. */
static inline bool batch_source_append(const struct batch_source *source, struct batch *batch) {
  if (batch->state != BATCH_OPEN) return false;
  if (source->wide && batch->entry_bytes != BATCH_WIDE_ENTRY_BYTES) return false;
  struct batch_entry entry = source->entry;
  int64_t after_us = source->accepted_us - batch->created_us;
  entry.accepted_after_us = after_us <= 0 ? 0 : after_us > UINT32_MAX ? UINT32_MAX : (uint32_t)after_us;
  if (source->view != NULL) return batch_append_view(batch, source->view, &entry);
  return batch_append(batch, source->record, source->bound_bytes, &entry);
}

#endif
