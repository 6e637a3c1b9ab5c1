#include "base/backoff.h"

enum { JITTER_PERCENT = 20 };

int64_t backoff_us(struct random *random, int64_t initial_us, int64_t max_us, uint32_t attempts) {
  /* Bounded before the jitter as well, so that clients that have all reached the maximum still spread out. */
  int64_t backoff = initial_us < max_us ? initial_us : max_us;
  for (uint32_t i = 0; i < attempts && backoff > 0 && backoff < max_us; i++)
    backoff = backoff <= max_us / 2 ? backoff * 2 : max_us;
  backoff = random_jitter_us(random, backoff, JITTER_PERCENT);
  return backoff < max_us ? backoff : max_us;
}
