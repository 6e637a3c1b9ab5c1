#include "producer/sender_thread.h"

#include "base/status.h"
#include "producer/waiting.h"
#include "support/producer_world.h"
#include <check.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

/* The library's threads: how they start, what they are called, when they end. */

static void *handle;
static _Atomic int started, stopped;
static char names[2][32];
static atomic_bool ran;
static sigset_t mask_of_thread;

static void set_up(void) {
  world_broker_start();
}

static void tear_down(void) {
  producer_destroy(handle);
  world_broker_stop();
}

static void note_start(void *user, const char *name) {
  (void)user;
  snprintf(names[started++ & 1], sizeof names[0], "%s", name);
}

static void note_stop(void *user, const char *name) {
  (void)user, (void)name;
  stopped++;
}

static void *note_mask(void *argument) {
  pthread_sigmask(SIG_SETMASK, NULL, &mask_of_thread);
  ran = true;
  return argument;
}

START_TEST(threads_of_the_library_take_no_signals) {
  sigset_t before, after;
  pthread_sigmask(SIG_SETMASK, NULL, &before);
  pthread_t thread;
  ck_assert_int_eq(library_thread_start(&thread, note_mask, NULL), STATUS_OK);
  pthread_join(thread, NULL);
  ck_assert(ran);
  pthread_sigmask(SIG_SETMASK, NULL, &after);
  const int signals[] = {SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGALRM, SIGCHLD, SIGPIPE};
  for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++) {
    ck_assert_int_eq(sigismember(&mask_of_thread, signals[i]), 1);
    ck_assert_int_eq(sigismember(&before, signals[i]),
                     sigismember(&after, signals[i])); /* the host's stays */
  }
}
END_TEST

START_TEST(the_host_hears_of_each_thread_once) {
  struct producer_callbacks callbacks = {.on_thread_start = note_start, .on_thread_stop = note_stop};
  handle = world_create(&callbacks,
                        (const char *const[]){"client.id=app", "delivery.report.mode=dispatcher", NULL});
  while (started < 2)
    sched_yield();
  ck_assert_int_eq(stopped, 0);
  ck_assert_int_eq(waiting_close(world_lock(handle), -1), STATUS_OK);
  ck_assert_int_eq(started, 2);
  ck_assert_int_eq(stopped, 2);
  ck_assert(strcmp(names[0], "sendoff-app") == 0 || strcmp(names[1], "sendoff-app") == 0);
  ck_assert(strcmp(names[0], "sendoff-reports") == 0 || strcmp(names[1], "sendoff-reports") == 0);
}
END_TEST

START_TEST(the_thread_is_gone_and_connections_are_closed_after_close) {
  handle = world_create(NULL, NULL);
  world_send(handle, 10, 0);
  ck_assert_int_eq(waiting_close(world_lock(handle), -1), STATUS_OK);
  struct producer *producer = world_lock(handle);
  ck_assert_int_eq(producer->state, PRODUCER_CLOSED);
  ck_assert(producer->sender_joined);
  ck_assert_ptr_null(producer->client);
  world_unlock(producer);
  ck_assert_int_eq(handle_wake(handle), STATUS_OK); /* nobody is there to be woken, and nothing breaks */
}
END_TEST

static atomic_bool drained;

static void drain_inside(void *user, const struct report *reports, size_t count) {
  (void)user, (void)reports, (void)count;
  if (atomic_exchange(&drained, true)) return;
  struct producer *producer = world_lock(handle);
  producer->quiet = true;
  producer_begin_close(producer, INT64_MAX);
  world_unlock(producer);
  sender_thread_drain(producer); /* as exit from inside a callback does */
}

START_TEST(the_loop_can_go_on_from_inside_a_callback) {
  struct producer_callbacks callbacks = {.on_reports = drain_inside};
  handle = world_create(&callbacks, NULL);
  world_send(handle, 1, 0);
  uint64_t more = 0; /* some before the callback begins to close, perhaps none */
  for (struct submission submission = world_submission("topic", 1, 100, 1);
       more < 100 && world_try_send(handle, &submission) == STATUS_OK; more++) {
  }
  while (!drained)
    sched_yield();
  waiting_close(world_lock(handle), -1);
  ck_assert_int_eq(world_records("topic", 0), 1);
  ck_assert_int_eq(world_records("topic", 1), (int64_t)more);
}
END_TEST

static Suite *sender_thread_suite(void) {
  Suite *suite = suite_create("sender_thread");
  TCase *checks = tcase_create("all");
  tcase_add_checked_fixture(checks, set_up, tear_down);
  tcase_set_timeout(checks, 60);
  tcase_add_test(checks, threads_of_the_library_take_no_signals);
  tcase_add_test(checks, the_host_hears_of_each_thread_once);
  tcase_add_test(checks, the_thread_is_gone_and_connections_are_closed_after_close);
  tcase_add_test(checks, the_loop_can_go_on_from_inside_a_callback);
  suite_add_tcase(suite, checks);
  return suite;
}

int main(void) {
  SRunner *runner = srunner_create(sender_thread_suite());
  srunner_run_all(runner, CK_ENV);
  int failures = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failures != 0;
}
