/* Seeded pseudo-random numbers for jitter and partition choice; never for secrets. One owner, no lock. */
#ifndef BASE_RANDOM_H
#define BASE_RANDOM_H

#include <stdint.h>

struct random {
  uint64_t state;
};

void random_seed(struct random *random, uint64_t seed);
/* A seed that differs from process to process and call to call: from the system, else from the clock. */
uint64_t random_system_seed(void);

uint64_t random_next(struct random *random);

/* Uniform in [0, bound); bound > 0. */
uint32_t random_below(struct random *random, uint32_t bound);

/* value_us scaled by a factor drawn uniformly from [1 - fraction_percent/100, 1 + fraction_percent/100]. */
int64_t random_jitter_us(struct random *random, int64_t value_us, uint32_t fraction_percent);

#endif
