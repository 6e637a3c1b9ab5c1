/* Makes things go wrong, at moments and in ways that the seed says. */
#ifndef SIM_ADVERSARY_H
#define SIM_ADVERSARY_H

#include "base/random.h"
#include "sim/scenario.h"
#include <stdbool.h>
#include <stdint.h>

struct simulation;

struct adversary {
  struct random random[FAULT_COUNT];
  int64_t next_us[FAULT_COUNT];                 /* CLOCK_NEVER_US: not any more */
  int32_t lagging_node;                         /* is cut off, so that it falls behind; 0: none */
  int64_t earliest_us;                          /* of them */
  int32_t partition_count[SCENARIO_TOPICS_MAX]; /* topics that are made again have as many as they had */
};

void adversary_init(struct simulation *simulation);

/* Does what is due; true if it did something. */
bool adversary_act(struct simulation *simulation);
int64_t adversary_next_us(const struct simulation *simulation);

/* The sender takes the lock. Where sequences or epochs begin late, partitions that have none yet get them. */
void adversary_age_identities(struct simulation *simulation);

/* Nothing happens for so long; then it goes on. */
void adversary_postpone(struct simulation *simulation, int64_t duration_us);

/* Everything is well again, for good; connections that swallow everything still do. */
void adversary_heal(struct simulation *simulation);
/* They end. */
void adversary_end_half_open(struct simulation *simulation);

#endif
