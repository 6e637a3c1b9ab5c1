/* What is always true of an accumulator between two calls; for tests and simulators, since it looks at
 * everything. */
#ifndef ACCUMULATOR_ACCUMULATOR_CHECK_H
#define ACCUMULATOR_ACCUMULATOR_CHECK_H

#include "accumulator/accumulator.h"

/* Ends the process by an assertion if an invariant does not hold. Under the producer's lock. */
void accumulator_check(const struct accumulator *accumulator);

#endif
