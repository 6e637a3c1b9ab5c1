#include "support/cluster_timers.h"

#include "base/assertion.h"
#include "base/clock.h"
#include <stdlib.h>

enum { FIRST_CAPACITY = 64 };

static bool is_before(const struct cluster_timer *a, const struct cluster_timer *b);
static void put(struct cluster_timers *timers, uint32_t position, struct cluster_timer *timer);
static void rise(struct cluster_timers *timers, uint32_t position, struct cluster_timer *timer);
static void sink(struct cluster_timers *timers, uint32_t position, struct cluster_timer *timer);

void cluster_timers_init(struct cluster_timers *timers, void *context) {
  *timers = (struct cluster_timers){.context = context};
}

void cluster_timers_deinit(struct cluster_timers *timers) {
  free(timers->heap);
}

void cluster_timers_set(struct cluster_timers *timers, struct cluster_timer *timer, int64_t due_us) {
  if (timer->position != 0) return;
  if (timers->count + 1 >= timers->capacity) {
    timers->capacity = timers->capacity == 0 ? FIRST_CAPACITY : timers->capacity * 2;
    timers->heap = realloc(timers->heap, timers->capacity * sizeof(struct cluster_timer *));
    ASSERT(timers->heap != NULL);
  }
  timer->due_us = due_us;
  timer->number = ++timers->last_number;
  rise(timers, ++timers->count, timer);
}

void cluster_timers_cancel(struct cluster_timers *timers, struct cluster_timer *timer) {
  uint32_t position = timer->position;
  if (position == 0) return;
  struct cluster_timer *last = timers->heap[timers->count--];
  timer->position = 0;
  if (last == timer) return;
  if (position > 1 && is_before(last, timers->heap[position / 2])) {
    rise(timers, position, last);
  } else {
    sink(timers, position, last);
  }
}

bool cluster_timer_is_set(const struct cluster_timer *timer) {
  return timer->position != 0;
}

int64_t cluster_timers_next_us(const struct cluster_timers *timers) {
  return timers->count == 0 ? CLOCK_NEVER_US : timers->heap[1]->due_us;
}

void cluster_timers_fire(struct cluster_timers *timers) {
  ASSERT(timers->count > 0);
  struct cluster_timer *first = timers->heap[1];
  cluster_timers_cancel(timers, first);
  first->fire(timers->context, first);
}

static bool is_before(const struct cluster_timer *a, const struct cluster_timer *b) {
  return a->due_us != b->due_us ? a->due_us < b->due_us : a->number < b->number;
}

static void put(struct cluster_timers *timers, uint32_t position, struct cluster_timer *timer) {
  timers->heap[position] = timer;
  timer->position = position;
}

static void rise(struct cluster_timers *timers, uint32_t position, struct cluster_timer *timer) {
  for (; position > 1 && is_before(timer, timers->heap[position / 2]); position /= 2)
    put(timers, position, timers->heap[position / 2]);
  put(timers, position, timer);
}

static void sink(struct cluster_timers *timers, uint32_t position, struct cluster_timer *timer) {
  for (;;) {
    uint32_t child = position * 2;
    if (child > timers->count) break;
    if (child < timers->count && is_before(timers->heap[child + 1], timers->heap[child])) child++;
    if (!is_before(timers->heap[child], timer)) break;
    put(timers, position, timers->heap[child]);
    position = child;
  }
  put(timers, position, timer);
}
