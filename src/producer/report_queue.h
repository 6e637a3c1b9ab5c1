/* Settled batches on their way to whoever reads their reports. Reports are made from a batch's entries only
 * when they are read, so an unread report costs no more memory than its record did. Under the producer's
 * lock, but for report_cursor, which belongs to the reader. */
#ifndef PRODUCER_REPORT_QUEUE_H
#define PRODUCER_REPORT_QUEUE_H

#include "accumulator/batch.h"
#include "base/list.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Invariant: unread counts the reports of `batches` that were not taken. */
struct report_queue {
  struct list batches; /* by queue_node */
  uint64_t unread;
};

void report_queue_init(struct report_queue *queue);

/* Takes a settled batch over. skipped: that many of its records get their reports by another way (see
 * sync_send.h). */
void report_queue_add(struct report_queue *queue, struct batch *batch, uint32_t skipped);

/* Copies up to capacity reports and moves batches that were read to their end to `finished`. callbacks (may
 * be NULL) receives the record's own callback and user for each. */
struct report_callback {
  record_callback function;
  void *user;
};
size_t report_queue_take(struct report_queue *queue, struct report *reports,
                         struct report_callback *callbacks, size_t capacity, struct list *finished);

/* The same for a batch that the caller has to itself: reports from *next on; returns how many. */
size_t report_batch_read(const struct batch *batch, uint32_t *next, struct report *reports,
                         struct report_callback *callbacks, size_t capacity);

#endif
