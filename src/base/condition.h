/* A condition variable whose timed waits go by clock_monotonic_us. */
#ifndef BASE_CONDITION_H
#define BASE_CONDITION_H

#include "base/lock.h"
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

struct condition {
  pthread_cond_t variable;
};

/* STATUS_OK, STATUS_OUT_OF_MEMORY. */
int32_t condition_init(struct condition *condition);
void condition_deinit(struct condition *condition);

/* With the lock held, which is released while waiting. False once deadline_us has passed (CLOCK_NEVER_US:
 * never); spurious ends are possible. */
bool condition_wait(struct condition *condition, struct lock *lock, int64_t deadline_us) REQUIRES(*lock);

void condition_signal(struct condition *condition);
void condition_broadcast(struct condition *condition);

#endif
