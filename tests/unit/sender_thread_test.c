#include "producer/sender_thread.h"

#include "base/status.h"
#include "base/thread.h"
#include "producer/waiting.h"
#include "support/producer_world.h"
#include "support/thread_failure.h"
#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

/* What the thread's callbacks saw. Read after the thread has ended. */
static struct {
  char started[16], system[16], stopped[16];
  pthread_t start_thread, stop_thread;
  bool is_blocked[NSIG], in_callback;
  uint32_t order; /* starts, reports, stops in base 10 */
} seen;
static void *handle;

static void on_thread_start(void *user, const char *name) {
  (void)user;
  sigset_t blocked;
  seen.order = seen.order * 10 + 1;
  seen.start_thread = pthread_self();
  snprintf(seen.started, sizeof seen.started, "%s", name);
  pthread_getname_np(pthread_self(), seen.system, sizeof seen.system);
  pthread_sigmask(SIG_SETMASK, NULL, &blocked);
  for (int number = 1; number < NSIG; number++)
    seen.is_blocked[number] = sigismember(&blocked, number) == 1;
}

static void on_reports(void *user, const struct report *reports, size_t count) {
  (void)user, (void)reports, (void)count;
  struct flush_result result;
  seen.order = seen.order * 10 + 2;
  seen.in_callback = waiting_flush(world_lock(handle), -1, &result) == STATUS_IN_CALLBACK;
}

static void on_thread_stop(void *user, const char *name) {
  (void)user;
  seen.order = seen.order * 10 + 3;
  seen.stop_thread = pthread_self();
  snprintf(seen.stopped, sizeof seen.stopped, "%s", name);
}

static const struct producer_callbacks watching = {
    .on_reports = on_reports, .on_thread_start = on_thread_start, .on_thread_stop = on_thread_stop};

START_TEST(the_host_is_told_of_the_thread_before_and_after_all_else) {
  world_broker_start();
  handle = world_create(&watching, (const char *const[]){"client.id=a-very-long-name-for-a-client", NULL});
  world_send(handle, 1, 0);
  ck_assert_int_eq(waiting_close(world_lock(handle), -1), STATUS_OK);
  ck_assert_uint_eq(seen.order, 123);
  ck_assert(seen.in_callback);
  ck_assert(pthread_equal(seen.start_thread, seen.stop_thread));
  ck_assert(!pthread_equal(seen.start_thread, pthread_self()));
  ck_assert_str_eq(seen.started, "sendoff-a-very-"); /* as much as the system takes */
  ck_assert_str_eq(seen.system, seen.started);
  ck_assert_str_eq(seen.stopped, seen.started);
  producer_destroy(handle);
  world_broker_stop();
}
END_TEST

START_TEST(signals_are_not_for_our_threads_and_as_before_for_the_callers) {
  static const int never_blocked[] = {SIGKILL, SIGSTOP};
  static const int hosts[] = {SIGTERM, SIGINT, SIGHUP, SIGALRM, SIGCHLD, SIGUSR1, SIGUSR2, SIGPIPE, SIGPROF};
  sigset_t mine, after;
  sigemptyset(&mine);
  sigaddset(&mine, SIGUSR2);
  ck_assert_int_eq(pthread_sigmask(SIG_SETMASK, &mine, NULL), 0);
  handle = world_create(&watching, NULL);
  pthread_sigmask(SIG_SETMASK, NULL, &after);
  for (int number = 1; number < NSIG; number++)
    ck_assert_int_eq(sigismember(&after, number) == 1, number == SIGUSR2);
  ck_assert_int_eq(waiting_close(world_lock(handle), 0), STATUS_OK);
  for (size_t i = 0; i < sizeof hosts / sizeof hosts[0]; i++)
    ck_assert_msg(seen.is_blocked[hosts[i]], "signal %d", hosts[i]);
  for (size_t i = 0; i < 2; i++)
    ck_assert(!seen.is_blocked[never_blocked[i]]);
  producer_destroy(handle);
}
END_TEST

static void *run_never(void *argument) {
  ck_abort_msg("runs");
  return argument;
}

START_TEST(a_thread_that_cannot_be_changes_nothing) {
  pthread_t thread;
  sigset_t after;
  struct producer *producer = world_build(NULL, NULL);
  thread_failure_begin();
  ck_assert_int_eq(thread_start(&thread, run_never, NULL), STATUS_SYSTEM_ERROR);
  pthread_sigmask(SIG_SETMASK, NULL, &after);
  for (int number = 1; number < NSIG; number++)
    ck_assert_int_ne(sigismember(&after, number), 1);
  struct producer *locked = world_lock(handle_of(producer->slot));
  ck_assert_int_eq(sender_thread_start(locked), STATUS_SYSTEM_ERROR);
  ck_assert(!locked->sender_started);
  ck_assert_uint_eq(locked->users, 0);
  world_unlock(locked);
  world_tear_down(producer);
}
END_TEST

int main(void) {
  Suite *suite = suite_create("sender_thread");
  TCase *test_case = tcase_create("all");
  tcase_add_test(test_case, the_host_is_told_of_the_thread_before_and_after_all_else);
  tcase_add_test(test_case, signals_are_not_for_our_threads_and_as_before_for_the_callers);
  tcase_add_test(test_case, a_thread_that_cannot_be_changes_nothing);
  suite_add_tcase(suite, test_case);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_ENV);
  int failures = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failures != 0;
}
