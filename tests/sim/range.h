/* A range of seeds in several processes, which can be left and gone on with. */
#ifndef SIM_RANGE_H
#define SIM_RANGE_H

#include "sim/options.h"
#include "sim/trial.h"

/* What a state file keeps. */
struct range_state {
  uint64_t first_seed, last_seed;
  uint64_t next_seed; /* all before it are done */
  uint64_t failed;
  struct trial_totals totals;
  struct coverage coverage;
};

/* True if no seed failed and every listed transition was seen. Prints; the last line is "N passed, M failed",
 * a seed each, and one for the transitions. */
bool range_run(const struct options *options);

/* False if there is no such file, or it is of another range. */
bool range_read_state(const char *path, struct range_state *state);
/* Replaces the file as a whole. */
bool range_write_state(const char *path, const struct range_state *state);

#endif
