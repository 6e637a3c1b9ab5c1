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
  int64_t earliest_us;                          /* of them */
  int32_t partition_count[SCENARIO_TOPICS_MAX]; /* topics that are made again have as many as they had */
};

void adversary_init(struct simulation *simulation);

/* Does what is due; true if it did something. */
bool adversary_act(struct simulation *simulation);
int64_t adversary_next_us(const struct simulation *simulation);

/* Nothing happens for so long; then it goes on. */
void adversary_postpone(struct simulation *simulation, int64_t duration_us);

/* Everything is well again, for good. */
void adversary_heal(struct simulation *simulation);

#endif
