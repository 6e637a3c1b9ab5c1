/* Jittered exponential backoff (KIP-580, KIP-144, KIP-601): initial * 2^attempts, +-20 %, capped at max. */
#ifndef BASE_BACKOFF_H
#define BASE_BACKOFF_H

#include "base/random.h"
#include <stdint.h>

/* attempts counts failures so far, from 0. The jitter is applied before the cap. */
int64_t backoff_us(struct random *random, int64_t initial_us, int64_t max_us, uint32_t attempts);

#endif
