#include "network/waker.h"

#include "base/status.h"
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

enum { THREADS = 4, WAKES_PER_THREAD = 20000 };

static struct waker waker;
static atomic_int work;

static void set_up(void) {
  ck_assert_int_eq(waker_init(&waker), STATUS_OK);
}

static void tear_down(void) {
  waker_deinit(&waker);
  waker_deinit(&waker); /* twice is harmless */
}

static bool is_readable(int timeout_ms) {
  struct pollfd watched = {.fd = waker.read_descriptor, .events = POLLIN};
  int count;
  do {
    count = poll(&watched, 1, timeout_ms);
  } while (count < 0 && errno == EINTR);
  return count == 1;
}

START_TEST(many_wakes_are_drained_at_once) {
  ck_assert(!is_readable(0));
  for (int i = 0; i < 100; i++)
    waker_wake(&waker);
  ck_assert(is_readable(0));
  waker_drain(&waker);
  ck_assert(!is_readable(0));
  waker_wake(&waker);
  ck_assert(is_readable(0));
}
END_TEST

START_TEST(descriptors_do_not_block_and_are_not_inherited) {
  ck_assert_int_ne(fcntl(waker.read_descriptor, F_GETFD) & FD_CLOEXEC, 0);
  ck_assert_int_ne(fcntl(waker.write_descriptor, F_GETFD) & FD_CLOEXEC, 0);
  waker_drain(&waker); /* nothing there: returns */
}
END_TEST

START_TEST(errno_is_kept) {
  errno = ENOTTY;
  waker_wake(&waker);
  ck_assert_int_eq(errno, ENOTTY);
}
END_TEST

static void wake_in_handler(int signal_number) {
  (void)signal_number;
  waker_wake(&waker);
}

START_TEST(a_signal_handler_may_wake) {
  const struct sigaction action = {.sa_handler = wake_in_handler};
  ck_assert_int_eq(sigaction(SIGUSR1, &action, NULL), 0);
  raise(SIGUSR1);
  ck_assert(is_readable(0));
}
END_TEST

static void *add_work(void *unused) {
  for (int i = 0; i < WAKES_PER_THREAD; i++) {
    atomic_fetch_add(&work, 1);
    waker_wake(&waker);
  }
  return unused;
}

/* Work that is announced by a wake is always seen: a lost wake would leave this waiting until poll gives up.
 */
START_TEST(no_wake_is_lost_between_threads) {
  pthread_t threads[THREADS];
  int done = 0;
  atomic_init(&work, 0);
  for (int i = 0; i < THREADS; i++)
    ck_assert_int_eq(pthread_create(&threads[i], NULL, add_work, NULL), 0);
  while (done < THREADS * WAKES_PER_THREAD) {
    ck_assert(is_readable(20 * 1000));
    waker_drain(&waker);
    done += atomic_exchange(&work, 0);
  }
  for (int i = 0; i < THREADS; i++)
    pthread_join(threads[i], NULL);
}
END_TEST

int main(void) {
  Suite *suite = suite_create("waker");
  TCase *tests = tcase_create("waker");
  tcase_set_timeout(tests, 60);
  tcase_add_checked_fixture(tests, set_up, tear_down);
  tcase_add_test(tests, many_wakes_are_drained_at_once);
  tcase_add_test(tests, descriptors_do_not_block_and_are_not_inherited);
  tcase_add_test(tests, errno_is_kept);
  tcase_add_test(tests, a_signal_handler_may_wake);
  tcase_add_test(tests, no_wake_is_lost_between_threads);
  suite_add_tcase(suite, tests);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_ENV);
  int failures = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failures == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
