/* Records of topics whose partitions are not known yet, or that name a partition that is not known: batches
 * without a partition, one queue per topic, moved to their partitions' queues in order once the cluster has
 * described the topic. Under the producer's lock.
 *
 * All staged blocks together hold at most half of the memory, so that moving always gets somewhere: into the
 * other half, which known partitions give back sooner or later. The exception is a record that is alone in
 * its batch. Where no block can be had and none will come back, records are handed over where they lie. */
#ifndef ACCUMULATOR_STAGING_H
#define ACCUMULATOR_STAGING_H

#include "accumulator/accumulator.h"
#include "accumulator/batch_queue.h"
#include "accumulator/topic.h"
#include "base/list.h"
#include <stdbool.h>
#include <stdint.h>

/* Whether a record of the topic has to be staged: others are, which go before it, or its partition is not
 * known. */
static inline bool staging_is_needed(const struct topic *topic, int32_t partition) {
  return partition >= topic->partition_count || topic->partition_count == 0 || !list_is_empty(&topic->staged);
}

/* STATUS_OK, or batch_queue_append's refusals. */
int32_t staging_append(struct accumulator *accumulator, struct topic *topic,
                       const struct batch_source *source);

/* Moves a topic's staged records on: see accumulator_unstage. */
bool staging_move(struct accumulator *accumulator, struct topic *topic, struct list *settled, int64_t now_us);

/* Takes a staged batch out of the queue. */
void staging_remove(struct batch *batch);

#endif
