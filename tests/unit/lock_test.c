#include "base/lock.h"

#include "base/status.h"
#include <check.h>
#include <sched.h>

static int count;

static void *add_a_thousand(void *argument) {
  struct lock *lock = argument;
  for (int i = 0; i < 1000; i++) {
    lock_acquire(lock);
    int before = count;
    sched_yield();
    count = before + 1;
    lock_release(lock);
  }
  return NULL;
}

START_TEST(keeps_others_out) {
  enum { THREADS = 4 };
  struct lock lock;
  pthread_t threads[THREADS];
  lock_init(&lock);
  count = 0;
  for (int i = 0; i < THREADS; i++)
    ck_assert_int_eq(pthread_create(&threads[i], NULL, add_a_thousand, &lock), 0);
  for (int i = 0; i < THREADS; i++)
    ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
  ck_assert_int_eq(count, THREADS * 1000);
  lock_deinit(&lock);
}
END_TEST

static bool take_again(struct lock *lock) NO_THREAD_SAFETY_ANALYSIS;
static bool take_again(struct lock *lock) {
  return lock_acquire_unless_held(lock);
}

START_TEST(a_checked_one_refuses_the_thread_that_has_it) {
  struct lock lock;
  ck_assert_int_eq(lock_init_checked(&lock), STATUS_OK);
  lock_acquire(&lock);
  ck_assert(!take_again(&lock));
  lock_release(&lock);
  if (lock_acquire_unless_held(&lock)) {
    lock_release(&lock);
  } else {
    ck_abort_msg("was not given back");
  }
  lock_deinit(&lock);
}
END_TEST

START_TEST(a_static_one_needs_no_init) {
  static struct lock lock = LOCK_INITIALIZER;
  lock_acquire(&lock);
  ck_assert_int_ne(pthread_mutex_trylock(&lock.mutex), 0);
  lock_release(&lock);
}
END_TEST

int main(void) {
  Suite *suite = suite_create("lock");
  TCase *test_case = tcase_create("lock");
  tcase_add_test(test_case, keeps_others_out);
  tcase_add_test(test_case, a_checked_one_refuses_the_thread_that_has_it);
  tcase_add_test(test_case, a_static_one_needs_no_init);
  suite_add_tcase(suite, test_case);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_ENV);
  int failures = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failures != 0;
}
