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

/* Cannot fail. */
void lock_init(struct lock *lock);
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

/* For a lock in a struct, and the fields beside it, which are GUARDED_BY(name): NAME_acquire, NAME_release
 * and NAME_wait (as condition_wait of base/condition.h) on a struct TYPE, whose lock is MEMBER. Stands behind
 * the struct, and LOCK_ROLE(name) before it. */
#define LOCK_ROLE(name) extern struct lock_role name
#define LOCK_GUARD(name, type, member)                                                                       \
  __attribute__((unused)) static inline void name##_acquire(struct type *object) ACQUIRE(name)               \
      NO_THREAD_SAFETY_ANALYSIS {                                                                            \
    lock_acquire(&object->member);                                                                           \
  }                                                                                                          \
  __attribute__((unused)) static inline void name##_release(struct type *object) RELEASE(name)               \
      NO_THREAD_SAFETY_ANALYSIS {                                                                            \
    lock_release(&object->member);                                                                           \
  }                                                                                                          \
  __attribute__((unused)) static inline bool name##_wait(struct type *object, struct condition *condition,   \
                                                         int64_t deadline_us) REQUIRES(name)                 \
      NO_THREAD_SAFETY_ANALYSIS {                                                                            \
    return condition_wait(condition, &object->member, deadline_us);                                          \
  }                                                                                                          \
  struct type

#endif
