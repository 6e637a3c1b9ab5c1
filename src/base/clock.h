/* The only place that asks the time. Everything below producer/ takes `now_us` as an argument. Any thread. */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>

#define CLOCK_NEVER_US INT64_MAX

/* Monotonic microseconds since an arbitrary start; for every deadline and duration. */
int64_t clock_monotonic_us(void);

/* The same clock in nanoseconds; for measuring what takes a few microseconds. */
int64_t clock_monotonic_ns(void);

/* Wall-clock milliseconds since 1970; for record timestamps only. It may jump either way. */
int64_t clock_wall_ms(void);

/* now_us + duration_us without overflow; CLOCK_NEVER_US stays CLOCK_NEVER_US. */
static inline int64_t clock_add_us(int64_t now_us, int64_t duration_us) {
  return duration_us >= CLOCK_NEVER_US - now_us ? CLOCK_NEVER_US : now_us + duration_us;
}

#endif
