/* What clang's -Wthread-safety goes by: which lock guards what, and what a function does with it. Other
 * compilers see nothing of it, and no compiler makes an instruction of it. */
#ifndef BASE_THREAD_SAFETY_H
#define BASE_THREAD_SAFETY_H

#if defined(__clang__)
#define THREAD_SAFETY(attribute) __attribute__((attribute))
#else
#define THREAD_SAFETY(attribute)
#endif

/* On a struct: its objects are locks. */
#define CAPABILITY(name) THREAD_SAFETY(capability(name))

/* On data. C has no name for a field beside this one: the lock of a struct's field is a global one, or the
 * struct's lock_role (see lock.h). */
#define GUARDED_BY(lock) THREAD_SAFETY(guarded_by(lock))
/* Of a pointer: what it points to. */
#define PT_GUARDED_BY(lock) THREAD_SAFETY(pt_guarded_by(lock))

/* On functions. EXCLUDES: it takes the lock itself. TRY_ACQUIRE: its first argument is what is returned when
 * the lock was taken, false for zero. */
#define REQUIRES(...)    THREAD_SAFETY(requires_capability(__VA_ARGS__))
#define ACQUIRE(...)     THREAD_SAFETY(acquire_capability(__VA_ARGS__))
#define TRY_ACQUIRE(...) THREAD_SAFETY(try_acquire_capability(__VA_ARGS__))
#define RELEASE(...)     THREAD_SAFETY(release_capability(__VA_ARGS__))
#define EXCLUDES(...)    THREAD_SAFETY(locks_excluded(__VA_ARGS__))

/* The function's body is not looked at: it is what makes a lock, or nobody else can see the object. */
#define NO_THREAD_SAFETY_ANALYSIS THREAD_SAFETY(no_thread_safety_analysis)

#endif
