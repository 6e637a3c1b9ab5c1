/* What a simulated cluster has to do later: a heap of timers that lie inside of what they are for. Timers of
 * the same time fire in the order in which they were set. One owner, no lock. */
#ifndef SUPPORT_CLUSTER_TIMERS_H
#define SUPPORT_CLUSTER_TIMERS_H

#include <stdbool.h>
#include <stdint.h>

/* Zero-initialised but for fire, it is not set. */
struct cluster_timer {
  int64_t due_us;
  uint64_t number;   /* in the order of setting */
  uint32_t position; /* in the heap, from 1; 0: not set */
  void (*fire)(void *context, struct cluster_timer *timer);
};

/* Invariant: no timer is due before the one at half its position. */
struct cluster_timers {
  struct cluster_timer **heap; /* owned; heap[0] is unused */
  uint32_t count, capacity;
  uint64_t last_number;
  void *context; /* for fire */
};

void cluster_timers_init(struct cluster_timers *timers, void *context);
/* Timers that are set are forgotten, not touched. */
void cluster_timers_deinit(struct cluster_timers *timers);

/* A timer that is set already keeps its time. */
void cluster_timers_set(struct cluster_timers *timers, struct cluster_timer *timer, int64_t due_us);
/* One that is not set is left alone. */
void cluster_timers_cancel(struct cluster_timers *timers, struct cluster_timer *timer);
bool cluster_timer_is_set(const struct cluster_timer *timer);

/* CLOCK_NEVER_US when none is set. */
int64_t cluster_timers_next_us(const struct cluster_timers *timers);
/* Fires the first timer. */
void cluster_timers_fire(struct cluster_timers *timers);

#endif
