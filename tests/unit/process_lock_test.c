#include "producer/process_lock.h"

#include "producer/config_error.h"
#include "producer/fork_guard.h"
#include <check.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/wait.h>
#include <unistd.h>

enum { THREADS = 4, TURNS = 2000 };

static uint64_t counted; /* under the process lock */
static atomic_bool is_inside, may_leave;

static void *count(void *unused) {
  (void)unused;
  for (int i = 0; i < TURNS; i++) {
    process_lock_enter();
    counted++;
    process_lock_leave();
  }
  return NULL;
}

static void *stay_inside(void *unused) {
  (void)unused;
  process_lock_enter();
  is_inside = true;
  while (!may_leave)
    sched_yield();
  process_lock_leave();
  return NULL;
}

static void *let_leave(void *unused) {
  (void)unused;
  may_leave = true;
  return NULL;
}

START_TEST(one_thread_at_a_time_is_inside) {
  pthread_t threads[THREADS];
  for (int i = 0; i < THREADS; i++)
    ck_assert_int_eq(pthread_create(&threads[i], NULL, count, NULL), 0);
  for (int i = 0; i < THREADS; i++)
    ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
  ck_assert_uint_eq(counted, (uint64_t)THREADS * TURNS);
}
END_TEST

/* The fork waits until nobody is inside, so the child finds the lock free. */
START_TEST(a_child_never_finds_it_held_by_a_thread_that_it_does_not_have) {
  struct config_error error;
  ck_assert_int_eq(fork_guard_install(&error), 0);
  pthread_t inside, other;
  ck_assert_int_eq(pthread_create(&inside, NULL, stay_inside, NULL), 0);
  while (!is_inside)
    sched_yield();
  ck_assert_int_eq(pthread_create(&other, NULL, let_leave, NULL), 0);
  pid_t child = fork();
  ck_assert_int_ge(child, 0);
  if (child == 0) {
    process_lock_enter();
    process_lock_leave();
    _exit(may_leave ? 7 : 8);
  }
  int status = 0;
  ck_assert_int_eq(waitpid(child, &status, 0), child);
  ck_assert(WIFEXITED(status));
  ck_assert_int_eq(WEXITSTATUS(status), 7);
  process_lock_enter(); /* and the parent has it back */
  process_lock_leave();
  pthread_join(inside, NULL);
  pthread_join(other, NULL);
}
END_TEST

int main(void) {
  Suite *suite = suite_create("process_lock");
  TCase *tests = tcase_create("process_lock");
  tcase_set_timeout(tests, 30);
  tcase_add_test(tests, one_thread_at_a_time_is_inside);
  tcase_add_test(tests, a_child_never_finds_it_held_by_a_thread_that_it_does_not_have);
  suite_add_tcase(suite, tests);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_ENV);
  int failures = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failures != 0;
}
