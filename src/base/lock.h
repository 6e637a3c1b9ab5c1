/* The only mutex of the library. Its functions tell clang what they do, so that a function that forgets to
 * give a lock back, or touches what it guards without it, does not build. */
#ifndef BASE_LOCK_H
#define BASE_LOCK_H

#include "base/thread_safety.h"
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

struct CAPABILITY("lock") lock {
  pthread_mutex_t mutex;
};

/* Stands for the lock that guards the fields of a struct, whichever object that is: C has no other name for
 * it. Declared, never defined. Good for locks of which a thread has one at a time. */
struct CAPABILITY("lock") lock_role;

#define LOCK_INITIALIZER                                                                                     \
  { PTHREAD_MUTEX_INITIALIZER }

/* STATUS_OK, STATUS_OUT_OF_MEMORY. */
int32_t lock_init(struct lock *lock);
/* One of which lock_acquire_unless_held can be asked. STATUS_OK, STATUS_OUT_OF_MEMORY. */
int32_t lock_init_checked(struct lock *lock);
void lock_deinit(struct lock *lock);

static inline void lock_acquire(struct lock *lock) ACQUIRE(*lock) NO_THREAD_SAFETY_ANALYSIS;
static inline void lock_release(struct lock *lock) RELEASE(*lock) NO_THREAD_SAFETY_ANALYSIS;
/* False, and nothing is done, if the calling thread has the lock already. Of lock_init_checked's only. */
static inline bool lock_acquire_unless_held(struct lock *lock)
    TRY_ACQUIRE(true, *lock) NO_THREAD_SAFETY_ANALYSIS;

static inline void lock_acquire(struct lock *lock) {
  pthread_mutex_lock(&lock->mutex);
}

static inline void lock_release(struct lock *lock) {
  pthread_mutex_unlock(&lock->mutex);
}

static inline bool lock_acquire_unless_held(struct lock *lock) {
  return pthread_mutex_lock(&lock->mutex) == 0;
}

#endif
