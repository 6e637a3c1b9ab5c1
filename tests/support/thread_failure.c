#include "support/thread_failure.h"

#include <check.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

#if defined(__GLIBC__)
/* No system has room for it. */
enum { STACK_SHIFT = 60 };

static void limit_memory(void) {}
#else
/* musl cuts larger ones down to this, so that the room has to be taken as well. */
enum { STACK_SHIFT = 23 };

static void limit_memory(void) {
  unsigned long pages = 0;
  FILE *file = fopen("/proc/self/statm", "r");
  ck_assert_ptr_nonnull(file);
  ck_assert_int_eq(fscanf(file, "%lu", &pages), 1);
  fclose(file);
  const rlim_t room =
      (rlim_t)pages * (rlim_t)sysconf(_SC_PAGESIZE) + ((rlim_t)1 << STACK_SHIFT) - ((rlim_t)1 << 19);
  ck_assert_int_eq(setrlimit(RLIMIT_AS, &(struct rlimit){room, room}), 0);
}
#endif

void thread_failure_begin(void) {
  pthread_attr_t attributes;
  ck_assert_int_eq(pthread_attr_init(&attributes), 0);
  ck_assert_int_eq(pthread_attr_setstacksize(&attributes, (size_t)1 << STACK_SHIFT), 0);
  ck_assert_int_eq(pthread_setattr_default_np(&attributes), 0);
  pthread_attr_destroy(&attributes);
  limit_memory();
}
