#include "producer/report_queue.h"

#include "base/assertion.h"
#include "producer/sync_send.h"

void report_queue_init(struct report_queue *queue) {
  list_init(&queue->batches);
  queue->unread = 0;
}

void report_queue_add(struct report_queue *queue, struct batch *batch, uint32_t skipped) {
  ASSERT(batch->state == BATCH_SETTLED && skipped <= batch->record_count);
  list_append(&queue->batches, &batch->queue_node);
  queue->unread += batch->record_count - skipped;
}

size_t report_queue_take(struct report_queue *queue, struct report *reports,
                         struct report_callback *callbacks, size_t capacity, struct list *finished) {
  size_t count = 0;
  while (count < capacity && !list_is_empty(&queue->batches)) {
    struct batch *batch = LIST_ENTRY(queue->batches.next, struct batch, queue_node);
    struct report_callback *behind = callbacks == NULL ? NULL : callbacks + count;
    count += report_batch_read(batch, &batch->reports_taken, reports + count, behind, capacity - count);
    if (batch->reports_taken < batch->record_count) break;
    list_remove(&batch->queue_node);
    list_append(finished, &batch->queue_node);
  }
  ASSERT(queue->unread >= count);
  queue->unread -= count;
  return count;
}

size_t report_batch_read(const struct batch *batch, uint32_t *next, struct report *reports,
                         struct report_callback *callbacks, size_t capacity) {
  size_t count = 0;
  bool wide = batch->entry_bytes == BATCH_WIDE_ENTRY_BYTES;
  for (; *next < batch->record_count; (*next)++) { /* over those that are skipped also once it is full */
    const struct batch_entry *entry = batch_entry(batch, *next);
    if (wide && entry->callback == sync_send_marker) continue;
    if (count == capacity) break;
    batch_report(batch, *next, &reports[count]);
    if (callbacks != NULL)
      callbacks[count] =
          wide ? (struct report_callback){entry->callback, entry->user} : (struct report_callback){0};
    count++;
  }
  return count;
}
