/* How often each change of each state machine was seen. Listed changes are those that the machine's own table
 * allows. */
#ifndef SIM_COVERAGE_H
#define SIM_COVERAGE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

enum { COVERAGE_MACHINES_MAX = 8, COVERAGE_STATES_MAX = 8 };

struct coverage {
  uint64_t counts[COVERAGE_MACHINES_MAX][COVERAGE_STATES_MAX][COVERAGE_STATES_MAX];
};

/* From now on changes are counted there; NULL: nowhere. */
void coverage_count_in(struct coverage *coverage);

void coverage_add(struct coverage *to, const struct coverage *from);

/* Prints a line for each listed change; returns how many of them were not seen. */
uint32_t coverage_print(const struct coverage *coverage, FILE *out, uint32_t *listed);

#endif
