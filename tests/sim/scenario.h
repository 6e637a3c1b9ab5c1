/* What one seed is about: which faults are on, how strong, and the settings that follow. Each fault draws
 * from a stream of its own, so that switching one off leaves all others as they were. */
#ifndef SIM_SCENARIO_H
#define SIM_SCENARIO_H

#include "base/random.h"
#include "sim/canary.h"
#include "sim/fault.h"
#include <stddef.h>

enum {
  SCENARIO_MS = 1000, /* in microseconds */
  SCENARIO_S = 1000 * SCENARIO_MS,
  SCENARIO_TOPICS_MAX = 3,
  SCENARIO_PARTITIONS_MAX = 8,
};

struct scenario {
  uint64_t seed;
  enum canary canary;
  fault_set faults;               /* that are on */
  uint32_t strength[FAULT_COUNT]; /* 1 to 100 */
  uint32_t node_count, topic_count, partition_count;
  int64_t safety_us; /* how long faults go on */
  uint32_t record_count;
};

/* Of topic number index; the last one is that which comes late. */
extern const char *const scenario_topics[SCENARIO_TOPICS_MAX + 1];

/* allowed: the faults that may be on; forced: those of them that are. */
void scenario_draw(struct scenario *scenario, uint64_t seed, fault_set allowed, fault_set forced);

static inline bool scenario_has(const struct scenario *scenario, enum fault fault) {
  return fault_is_in(scenario->faults, fault);
}

/* A stream of random numbers that belongs to one fault and one purpose (0 to 9), on or off. */
struct random scenario_stream(const struct scenario *scenario, enum fault fault, uint32_t purpose);

/* One number in [0, bound) of such a stream. */
uint32_t scenario_pick(const struct scenario *scenario, enum fault fault, uint32_t purpose, uint32_t bound);

#endif
