#include "base/random.h"

#include "base/clock.h"
#include <unistd.h>
#if defined(__APPLE__)
#include <sys/random.h>
#endif

/* SplitMix64 (Steele, Lea, Flood 2014): one addition and a mix; any seed is good, zero too. */

void random_seed(struct random *random, uint64_t seed) {
  random->state = seed;
}

uint64_t random_system_seed(void) {
  uint64_t seed;
  return getentropy(&seed, sizeof seed) == 0 ? seed : (uint64_t)clock_monotonic_us();
}

uint64_t random_next(struct random *random) {
  random->state += 0x9e3779b97f4a7c15U;
  uint64_t mixed = random->state;
  mixed = (mixed ^ mixed >> 30) * 0xbf58476d1ce4e5b9U;
  mixed = (mixed ^ mixed >> 27) * 0x94d049bb133111ebU;
  return mixed ^ mixed >> 31;
}

uint32_t random_below(struct random *random, uint32_t bound) {
  /* Lemire's multiplication; the few low products that would favour small numbers are drawn again. */
  uint64_t product = (random_next(random) >> 32) * bound;
  if ((uint32_t)product < bound) {
    uint32_t unfair = (0U - bound) % bound;
    while ((uint32_t)product < unfair)
      product = (random_next(random) >> 32) * bound;
  }
  return (uint32_t)(product >> 32);
}

int64_t random_jitter_us(struct random *random, int64_t value_us, uint32_t fraction_percent) {
  if (value_us <= 0 || fraction_percent == 0) return value_us;
  uint64_t percent = fraction_percent < 100 ? fraction_percent : 100;
  uint64_t value = (uint64_t)value_us;
  uint64_t spread = value / 100 * percent + value % 100 * percent / 100;
  /* 64 random bits over at most 2^64 steps: the bias of the remainder does not matter for jitter. */
  uint64_t jittered = value - spread + random_next(random) % (2 * spread + 1);
  return jittered < INT64_MAX ? (int64_t)jittered : INT64_MAX;
}
