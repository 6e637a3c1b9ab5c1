/* The monotonic clock for who asks a million times a second: between two questions that come within about a
 * microsecond of one another it answers the same, which costs a third of asking the system. */
#ifndef BASE_RECENT_CLOCK_H
#define BASE_RECENT_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

/* Owned by whoever asks; its lock is theirs. */
struct recent_clock {
  bool counts;    /* this processor counts at one speed, in all its cores and when it sleeps */
  uint64_t ticks; /* when now_us was read */
  int64_t now_us; /* 0: never */
};

void recent_clock_init(struct recent_clock *clock);

/* As clock_monotonic_us, at most two microseconds old; never before what it answered last. */
int64_t recent_clock_us(struct recent_clock *clock);

#endif
