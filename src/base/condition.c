#include "base/condition.h"

#include "base/assertion.h"
#include "base/clock.h"
#include "base/status.h"
#include <errno.h>
#include <time.h>

int32_t condition_init(struct condition *condition) {
  pthread_condattr_t attributes;
  if (pthread_condattr_init(&attributes) != 0) return STATUS_OUT_OF_MEMORY;
#if !defined(__APPLE__)
  int set = pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
  ASSERT(set == 0);
#endif
  int made = pthread_cond_init(&condition->variable, &attributes);
  pthread_condattr_destroy(&attributes);
  return made == 0 ? STATUS_OK : STATUS_OUT_OF_MEMORY;
}

void condition_deinit(struct condition *condition) {
  int destroyed = pthread_cond_destroy(&condition->variable);
  ASSERT(destroyed == 0);
}

bool condition_wait(struct condition *condition, struct lock *lock, int64_t deadline_us) {
  if (deadline_us == CLOCK_NEVER_US) return pthread_cond_wait(&condition->variable, &lock->mutex) == 0;
  if (clock_monotonic_us() >= deadline_us) return false;
#if defined(__APPLE__)
  int64_t left_us = deadline_us - clock_monotonic_us();
  struct timespec left = {.tv_sec = left_us / 1000000, .tv_nsec = left_us % 1000000 * 1000};
  return pthread_cond_timedwait_relative_np(&condition->variable, &lock->mutex, &left) != ETIMEDOUT;
#else
  struct timespec until = {.tv_sec = deadline_us / 1000000, .tv_nsec = deadline_us % 1000000 * 1000};
  return pthread_cond_timedwait(&condition->variable, &lock->mutex, &until) != ETIMEDOUT;
#endif
}

void condition_signal(struct condition *condition) {
  pthread_cond_signal(&condition->variable);
}

void condition_broadcast(struct condition *condition) {
  pthread_cond_broadcast(&condition->variable);
}
