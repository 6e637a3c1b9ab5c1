/* The queue of one partition, and when the sender has to look at it: idle, lingering, ready or taken. Under
 * the producer's lock. */
#ifndef ACCUMULATOR_PARTITION_QUEUE_H
#define ACCUMULATOR_PARTITION_QUEUE_H

#include "accumulator/accumulator.h"
#include "accumulator/batch_queue.h"
#include "accumulator/topic.h"
#include <stdbool.h>
#include <stdint.h>

/* Appends a record and lets the sender know when it has something to send. STATUS_OK or batch_queue_append's
 * refusals. */
int32_t partition_queue_append(struct accumulator *accumulator, struct partition *partition,
                               const struct batch_source *source, int64_t now_us);

/* Puts a SEALED batch that has a block already at the end. */
void partition_queue_add(struct accumulator *accumulator, struct partition *partition, struct batch *batch,
                         int64_t now_us);

/* Takes an unsent batch out of the queue. */
void partition_queue_remove(struct batch *batch);

/* The first batch is full, or has lingered, or lingers for nobody. */
bool partition_queue_is_sendable(const struct accumulator *accumulator, const struct partition *partition,
                                 int64_t now_us);

/* When the linger of the first batch ends. Not for an empty queue. */
int64_t partition_queue_linger_us(const struct accumulator *accumulator, const struct partition *partition);

/* Moves into accumulator.ready, or wherever it belongs by what it holds: ready, lingering or idle. */
void partition_queue_make_ready(struct accumulator *accumulator, struct partition *partition);
void partition_queue_place(struct accumulator *accumulator, struct partition *partition, int64_t now_us);

/* Leaves the list of its state. */
void partition_queue_set_state(struct partition *partition, enum partition_state state);
bool partition_queue_may_change(enum partition_state from, enum partition_state to);

#endif
