/* Settled batches whose records get their reports in different ways. */
#ifndef SUPPORT_SETTLED_BATCH_H
#define SUPPORT_SETTLED_BATCH_H

#include "accumulator/batch.h"
#include "producer/sync_send.h"

/* A batch of topic 42 with one record for each character of the pattern, delivered to partition 6 from offset
 * 100 on: 'c' with settled_batch_callback and `user`, 's' with a waiter that sync_send has as `user`, '.'
 * with neither. Opaques count from first_opaque on. Entries are wide unless the pattern has only dots. Its
 * block is freed with settled_batch_free. */
void settled_batch_make(struct batch *batch, const char *pattern, uint64_t first_opaque, void *user);

/* The same with the waiters that sync_sends lists for the pattern's 's', in order. */
void settled_batch_make_for(struct batch *batch, const char *pattern, uint64_t first_opaque,
                            struct sync_send *const *sync_sends);

void settled_batch_free(struct batch *batch);

/* Never called, only compared. */
void settled_batch_callback(void *user, const struct report *report);

#endif
