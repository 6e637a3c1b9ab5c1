/* The partitions of a topic that records without a say of their own may go to, and how often: what the sender
 * last saw of leaders, queues and brokers, made into a table that a draw is one search in. Owned by a
 * partitioner, under the producer's lock. */
#ifndef ACCUMULATOR_PARTITION_CANDIDATES_H
#define ACCUMULATOR_PARTITION_CANDIDATES_H

#include "base/random.h"
#include <stdbool.h>
#include <stdint.h>

/* What the sender sees of a partition. */
struct partition_load {
  uint32_t batch_count; /* queued and not yet drained */
  bool has_leader;
  bool is_draining; /* its broker took something within partitioner.availability.timeout.ms, or that is off */
};

/* A partition that may be drawn. */
struct partition_candidate {
  int32_t partition;
  uint32_t weight_up_to_here; /* its own and all before it */
};

/* Invariants: count <= partition_count <= capacity; entries ascend in both fields and have weights above 0.
 * An empty table (count 0: nothing is known, or no partition is better than another) stands for all
 * partitions alike. */
struct partition_candidates {
  int32_t partition_count;
  int32_t capacity;
  int32_t count;
  struct partition_candidate *entries;
};

void partition_candidates_init(struct partition_candidates *candidates);
void partition_candidates_deinit(struct partition_candidates *candidates);

/* Takes a new partition count > 0 and empties the table. STATUS_OK; STATUS_OUT_OF_MEMORY: nothing has
 * changed. */
int32_t partition_candidates_resize(struct partition_candidates *candidates, int32_t partition_count);

/* Makes the table anew from the loads of the partitions 0 .. load_count-1; partitions above that wait for
 * their first load. Those with a leader are candidates (all, if none has one), all alike. */
void partition_candidates_update(struct partition_candidates *candidates, const struct partition_load *loads,
                                 int32_t load_count);

/* The same by KIP-794: of those, only partitions that drain (all, if none does), and the more often the
 * shorter their queues are: weight = longest queue + 1 - own queue. */
void partition_candidates_update_weighted(struct partition_candidates *candidates,
                                          const struct partition_load *loads, int32_t load_count);

/* A partition by chance and weight. */
int32_t partition_candidates_draw(const struct partition_candidates *candidates, struct random *random);

/* The candidates in turn, whatever their weights. */
int32_t partition_candidates_at(const struct partition_candidates *candidates, uint32_t turn);

bool partition_candidates_contain(const struct partition_candidates *candidates, int32_t partition);

#endif
