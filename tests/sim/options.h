/* The command line of sendoff-sim. */
#ifndef SIM_OPTIONS_H
#define SIM_OPTIONS_H

#include "sim/scenario.h"
#include <stdbool.h>
#include <stdint.h>

struct options {
  uint64_t first_seed, last_seed;
  fault_set allowed; /* faults that seeds may switch on */
  fault_set forced;  /* that all have */
  enum canary canary;
  bool traced, lists, helps;
  uint32_t jobs;
  const char *state_path; /* NULL: a range begins at its beginning */
  uint32_t failures_max;  /* a range ends after so many */
};

/* False, and *wrong points to the argument that cannot be understood. */
bool options_read(struct options *options, int count, char **arguments, const char **wrong);

extern const char options_help[];

#endif
