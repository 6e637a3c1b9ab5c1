#include "base/recent_clock.h"

#include "base/clock.h"

#if defined(__x86_64__)
#include <cpuid.h>
#include <x86intrin.h>

/* Less than two microseconds wherever the counter runs at 1 GHz or more. */
enum { FRESH_TICKS = 2000 };

/* "Invariant TSC", bit 8 of EDX of leaf 8000_0007h (AMD64 Architecture Programmer's Manual 3, E.4.8). */
static bool counts_evenly(void) {
  enum { LEAF = (int)0x80000007, INVARIANT = 1 << 8 };
  unsigned a, b, c, d;
  return __get_cpuid((unsigned)LEAF, &a, &b, &c, &d) != 0 && (d & INVARIANT) != 0;
}

static inline uint64_t ticks_now(void) {
  return __rdtsc();
}

#else
enum { FRESH_TICKS = 1 };

static bool counts_evenly(void) {
  return false;
}

static inline uint64_t ticks_now(void) {
  return 0;
}
#endif

void recent_clock_init(struct recent_clock *clock) {
  *clock = (struct recent_clock){.counts = counts_evenly()};
}

int64_t recent_clock_us(struct recent_clock *clock) {
  if (!clock->counts) return clock_monotonic_us();
  uint64_t ticks = ticks_now();
  /* A counter that went back is as good as one that went far. */
  if (ticks - clock->ticks < FRESH_TICKS && clock->now_us != 0) return clock->now_us;
  clock->ticks = ticks;
  clock->now_us = clock_monotonic_us();
  return clock->now_us;
}
