/* Runs one seed; when it fails, looks for the fewest faults that make it fail the same way, by switching them
 * off one after the other. */
#ifndef SIM_SHRINK_H
#define SIM_SHRINK_H

#include "sim/options.h"
#include <stdio.h>

/* True if the seed does not fail. Prints. */
bool shrink_run_seed(const struct options *options);

/* Of a seed that failed so with these faults on: fewer of them, all of which are needed. */
fault_set shrink_faults(uint64_t seed, fault_set faults, enum canary canary, const char *text);

/* The command line that runs the seed with these faults alone. */
void shrink_print_command(FILE *out, uint64_t seed, fault_set faults, enum canary canary);

#endif
