#include "base/lock.h"

#include "base/assertion.h"
#include "base/status.h"

void lock_init(struct lock *lock) {
  *lock = (struct lock)LOCK_INITIALIZER;
}

int32_t lock_init_checked(struct lock *lock) {
  pthread_mutexattr_t attributes;
  if (pthread_mutexattr_init(&attributes) != 0) return STATUS_OUT_OF_MEMORY;
  int set = pthread_mutexattr_settype(&attributes, PTHREAD_MUTEX_ERRORCHECK);
  ASSERT(set == 0);
  int made = pthread_mutex_init(&lock->mutex, &attributes);
  pthread_mutexattr_destroy(&attributes);
  return made == 0 ? STATUS_OK : STATUS_OUT_OF_MEMORY;
}

void lock_deinit(struct lock *lock) {
  int destroyed = pthread_mutex_destroy(&lock->mutex);
  ASSERT(destroyed == 0);
}
