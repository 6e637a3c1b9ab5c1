#include "base/condition.h"

#include "base/clock.h"
#include "base/lock.h"
#include "base/status.h"
#include <check.h>

enum { THREADS = 4 };

/* `turns` and `waiting` are under mutex. */
static struct lock mutex = LOCK_INITIALIZER;
static struct condition arrived, condition;
static int32_t turns, waiting, taken;

static void set_up(void) {
  ck_assert_int_eq(condition_init(&condition), STATUS_OK);
  ck_assert_int_eq(condition_init(&arrived), STATUS_OK);
}

static void tear_down(void) {
  condition_deinit(&condition);
  condition_deinit(&arrived);
}

/* Waits for a turn and takes it. The mutex is held in between, so `waiting` counts threads that do wait. */
static void *take_turn(void *argument) {
  (void)argument;
  lock_acquire(&mutex);
  waiting++;
  condition_signal(&arrived);
  while (turns == 0)
    if (!condition_wait(&condition, &mutex, CLOCK_NEVER_US)) break;
  turns--;
  taken++;
  condition_signal(&arrived);
  lock_release(&mutex);
  return NULL;
}

static void start(pthread_t *threads) {
  for (int i = 0; i < THREADS; i++)
    ck_assert_int_eq(pthread_create(&threads[i], NULL, take_turn, NULL), 0);
  lock_acquire(&mutex);
  while (waiting < THREADS)
    ck_assert(condition_wait(&arrived, &mutex, CLOCK_NEVER_US));
}

static void join(const pthread_t *threads) {
  lock_release(&mutex);
  for (int i = 0; i < THREADS; i++)
    ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
  ck_assert_int_eq(taken, THREADS);
  ck_assert_int_eq(turns, 0);
}

START_TEST(a_broadcast_reaches_every_waiting_thread) {
  pthread_t threads[THREADS];
  start(threads);
  turns = THREADS;
  condition_broadcast(&condition);
  join(threads);
}
END_TEST

START_TEST(a_signal_reaches_a_waiting_thread) {
  pthread_t threads[THREADS];
  start(threads);
  for (int i = 0; i < THREADS; i++) {
    turns = 1;
    condition_signal(&condition);
    while (taken == i)
      ck_assert(condition_wait(&arrived, &mutex, CLOCK_NEVER_US));
  }
  join(threads);
}
END_TEST

START_TEST(a_deadline_that_has_passed_does_not_wait) {
  int64_t now_us = clock_monotonic_us();
  lock_acquire(&mutex);
  ck_assert(!condition_wait(&condition, &mutex, 0));
  ck_assert(!condition_wait(&condition, &mutex, INT64_MIN));
  ck_assert(!condition_wait(&condition, &mutex, now_us));
  ck_assert_int_ne(pthread_mutex_trylock(&mutex.mutex), 0);
  lock_release(&mutex);
}
END_TEST

/* The deadline is one of clock_monotonic_us: a wall clock lies decades after it, so a wait that went by the
 * wall clock would end at once. */
START_TEST(a_wait_ends_at_its_deadline_with_the_mutex_held) {
  int64_t deadline_us = clock_monotonic_us() + 30000;
  lock_acquire(&mutex);
  while (condition_wait(&condition, &mutex, deadline_us))
    ck_assert_int_lt(clock_monotonic_us(), deadline_us + INT64_C(60000000));
  ck_assert_int_ge(clock_monotonic_us(), deadline_us);
  ck_assert_int_ne(pthread_mutex_trylock(&mutex.mutex), 0);
  lock_release(&mutex);
}
END_TEST

START_TEST(the_last_deadline_before_never_waits_for_a_signal) {
  pthread_t threads[THREADS];
  start(threads);
  turns = THREADS;
  condition_broadcast(&condition);
  while (taken < THREADS)
    ck_assert(condition_wait(&arrived, &mutex, CLOCK_NEVER_US - 1));
  join(threads);
}
END_TEST

int main(void) {
  Suite *suite = suite_create("condition");
  TCase *test_case = tcase_create("all");
  tcase_add_checked_fixture(test_case, set_up, tear_down);
  tcase_add_test(test_case, a_broadcast_reaches_every_waiting_thread);
  tcase_add_test(test_case, a_signal_reaches_a_waiting_thread);
  tcase_add_test(test_case, a_deadline_that_has_passed_does_not_wait);
  tcase_add_test(test_case, a_wait_ends_at_its_deadline_with_the_mutex_held);
  tcase_add_test(test_case, the_last_deadline_before_never_waits_for_a_signal);
  suite_add_tcase(suite, test_case);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_ENV);
  int failures = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failures != 0;
}
