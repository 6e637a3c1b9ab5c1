/* Seeds run in processes of their own, so that whatever one of them does to itself is a failure like any
 * other. */
#ifndef SIM_TRIAL_H
#define SIM_TRIAL_H

#include "sim/coverage.h"
#include "sim/simulation.h"
#include <sys/types.h>

enum { TRIAL_FAILURES_MAX = 64 };

struct trial_failure {
  uint64_t seed;
  char text[320];
};

/* Totals over seeds. */
struct trial_totals {
  uint64_t seeds, turns, accepted, delivered, not_delivered, unknown;
  uint64_t batches_retried, outcomes_resolved, epochs_raised, batches_split;
};

/* A row of seeds in one process; memory that is shared with it. */
struct trial {
  uint64_t next_seed, end_seed; /* of the seed that is running; behind the last one */
  struct trial_totals totals;
  struct coverage coverage;
  struct trial_failure failures[TRIAL_FAILURES_MAX];
  uint32_t failure_count;
  uint32_t failures_max; /* at most TRIAL_FAILURES_MAX */
  fault_set allowed, forced;
  enum canary canary;
  bool traced;
  pid_t process;
};

struct trial *trial_create(void);
void trial_destroy(struct trial *trial);

/* Starts on the seeds from next_seed to end_seed - 1. */
void trial_start(struct trial *trial);

/* Waits for it: until all its seeds are done, those that end the process included, or there are no more
 * failures to be kept. */
void trial_finish(struct trial *trial);

void trial_totals_add(struct trial_totals *to, const struct trial_totals *from);

#endif
