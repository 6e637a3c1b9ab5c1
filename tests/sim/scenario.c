#include "sim/scenario.h"

#include "sim/excuse.h"

enum {
  PURPOSE_SWITCH = 8,
  PURPOSE_STRENGTH = 9,
  PURPOSES = 10,
  OWING_SHARE = 5,
  OWING_DENSITY = 30, /* in percent */
};

const char *const scenario_topics[SCENARIO_TOPICS_MAX + 1] = {"alpha", "beta", "gamma", "late"};

static uint64_t mixed(uint64_t value);

void scenario_draw(struct scenario *scenario, uint64_t seed, fault_set allowed, fault_set forced) {
  *scenario = (struct scenario){.seed = seed};
  struct random random;
  random_seed(&random, mixed(seed));
  static const uint32_t densities[] = {4, 10, 10, 20, 35};
  uint32_t density = densities[random_below(&random, sizeof densities / sizeof densities[0])];
  if (random_below(&random, OWING_SHARE) == 0) { /* these owe every delivery, and have the more faults */
    density = OWING_DENSITY;
    allowed &= ~excuse_faults() | fault_bit(FAULT_STALE_METADATA) | fault_bit(FAULT_ISOLATION) | forced;
  }
  for (int i = 0; i < FAULT_COUNT; i++) {
    enum fault fault = (enum fault)i;
    scenario->strength[i] = 1 + scenario_pick(scenario, fault, PURPOSE_STRENGTH, 100);
    bool on = scenario_pick(scenario, fault, PURPOSE_SWITCH, 100) < density;
    if (on && fault_is_in(allowed, fault)) scenario->faults |= fault_bit(fault);
  }
  scenario->faults |= forced & allowed;
  /* Drawn whatever is allowed: what comes behind it must not change with the faults that are left off. */
  bool replicates = random_below(&random, 3) == 0;
  if (replicates && fault_is_in(allowed, FAULT_REPLICATION)) scenario->faults |= fault_bit(FAULT_REPLICATION);
  scenario->node_count = 1 + random_below(&random, 3);
  scenario->topic_count = 1 + random_below(&random, SCENARIO_TOPICS_MAX);
  scenario->partition_count = 1 + random_below(&random, 4);
  scenario->safety_us = SCENARIO_S + (int64_t)random_below(&random, 14 * SCENARIO_S);
  if (scenario_has(scenario, FAULT_REPLICATION)) scenario->node_count = 3;
  scenario->record_count = 20 + random_below(&random, 300);
}

struct random scenario_stream(const struct scenario *scenario, enum fault fault, uint32_t purpose) {
  struct random random;
  random_seed(&random, mixed(mixed(scenario->seed) + (uint64_t)fault * PURPOSES + purpose));
  return random;
}

uint32_t scenario_pick(const struct scenario *scenario, enum fault fault, uint32_t purpose, uint32_t bound) {
  struct random random = scenario_stream(scenario, fault, purpose);
  return random_below(&random, bound);
}

/* So that the streams of neighbouring numbers have nothing in common. */
static uint64_t mixed(uint64_t value) {
  struct random random;
  random_seed(&random, value);
  return random_next(&random);
}
