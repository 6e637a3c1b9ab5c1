#include "producer/shutdown.h"

#include "base/status.h"
#include "producer/waiting.h"
#include "support/producer_world.h"
#include <check.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Each in a process of its own, whose standard error and exit are looked at. */
static struct world_child child;

/* The child is started first, while there is one thread. */
static void run_against_broker(void (*run)(void)) {
  world_child_start(&child, run);
  world_broker_start();
  world_child_go(&child);
}

static void tear_down(void) {
  world_broker_stop();
}

static void expect_end(const char *errors) {
  world_child_await(&child);
  ck_assert_str_eq(child.errors, errors);
  ck_assert_int_eq(child.status, 0);
}

static const char *const lingering[] = {"linger.ms=60000", "client.id=first", "shutdown.timeout.ms=30000",
                                        NULL};

static void *create_lingering(const char *client_id) {
  char setting[64];
  snprintf(setting, sizeof setting, "client.id=%s", client_id);
  return world_create(NULL,
                      (const char *const[]){"linger.ms=60000", setting, "shutdown.timeout.ms=30000", NULL});
}

/* ---- what is sent, what is said ---- */

static void send_ten(void) {
  void *handle = world_create(NULL, lingering);
  world_send(handle, 10, 0);
  shutdown_all();
  struct submission submission = world_submission("topic", 0, 10, 0);
  if (world_try_send(handle, &submission) != STATUS_CLOSED) exit(1);
  shutdown_all(); /* again: nothing to do, nothing to say */
}

START_TEST(what_was_accepted_is_sent_and_one_line_says_that_close_was_missing) {
  run_against_broker(send_ten);
  expect_end(
      "sendoff: 1 producer was (\"first\") not closed before exit; of 10 records on their way 0 were lost: "
      "all were sent\n");
  ck_assert_int_eq(world_records("topic", 0), 10);
}
END_TEST

static void use_properly(void) {
  void *closed = create_lingering("closed"), *flushed = create_lingering("flushed"),
       *gone = create_lingering("gone");
  create_lingering("idle");
  world_send(closed, 1, 0);
  ck_assert_int_eq(waiting_close(world_lock(closed), -1), STATUS_OK);
  world_send(flushed, 1, 0);
  world_flush(flushed);
  producer_destroy(gone);
  shutdown_all();
}

START_TEST(nothing_is_said_of_producers_with_nothing_on_its_way) {
  run_against_broker(use_properly);
  expect_end("");
  ck_assert_int_eq(world_records("topic", 0), 2);
}
END_TEST

static void send_by_three(void) {
  create_lingering("idle");
  world_send(create_lingering("one"), 3, 0);
  world_send(create_lingering("two"), 4, 0);
  world_send(create_lingering("three"), 5, 0);
  shutdown_all();
}

START_TEST(one_line_speaks_of_all_producers) {
  run_against_broker(send_by_three);
  expect_end(
      "sendoff: 3 producers were (\"one\" and others) not closed before exit; of 12 records on their way 0 "
      "were lost: all were sent\n");
  ck_assert_int_eq(world_records("topic", 0), 12);
}
END_TEST

static void send_nowhere(void) {
  void *handle = world_create(NULL, (const char *const[]){"bootstrap.servers=127.0.0.1:1", "client.id=alone",
                                                          "shutdown.timeout.ms=50", NULL});
  world_send(handle, 7, 0);
  shutdown_all();
}

START_TEST(what_could_not_be_sent_in_time_is_told) {
  run_against_broker(send_nowhere);
  expect_end("sendoff: 1 producer was (\"alone\") not closed before exit; of 7 records on their way 7 may be "
             "lost\n");
}
END_TEST

/* Settled while the process ends, but not delivered. */
START_TEST(what_the_broker_refuses_is_not_called_sent) {
  world_child_start(&child, send_ten);
  world_broker_start();
  world_inject((struct broker_fault){
      .api_key = 0, .partition = -1, .count = UINT32_MAX, .error_code = STATUS_MESSAGE_TOO_LARGE});
  world_child_go(&child);
  expect_end("sendoff: 1 producer was (\"first\") not closed before exit; of 10 records on their way 10 may "
             "be lost\n");
  ck_assert_int_eq(world_records("topic", 0), 0);
}
END_TEST

/* ---- timeouts ---- */

static void wait_for_the_longest(void) {
  static const char *const dead[] = {"bootstrap.servers=127.0.0.1:1", "shutdown.timeout.ms=0", NULL};
  world_send(world_create(NULL, dead), 1, 0);
  world_send(create_lingering("alive"), 10, 0);
  shutdown_all();
}

START_TEST(a_producer_without_time_does_not_shorten_that_of_others) {
  run_against_broker(wait_for_the_longest);
  world_child_await(&child);
  ck_assert_ptr_nonnull(strstr(child.errors, "2 producers were"));
  ck_assert_ptr_nonnull(strstr(child.errors, "of 11 records on their way 1 may be lost\n"));
  ck_assert_int_eq(world_records("topic", 0), 10);
}
END_TEST

/* ---- callbacks ---- */

static void count_reports(void *user, const struct report *reports, size_t count) {
  (void)user;
  for (size_t i = 0; i < count; i++)
    world_shared()->delivered += reports[i].outcome == OUTCOME_DELIVERED;
  world_shared()->reports += count;
}

static const struct producer_callbacks counting = {.on_reports = count_reports};

static void send_quietly(void) {
  world_send(world_create(&counting, lingering), 10, 0);
  shutdown_all();
}

START_TEST(callbacks_do_not_run_while_the_process_ends) {
  run_against_broker(send_quietly);
  world_child_await(&child);
  ck_assert_int_eq(world_records("topic", 0), 10);
  ck_assert_uint_eq(world_shared()->reports, 0);
}
END_TEST

static void send_with(const char *mode) {
  void *handle = world_create(&counting, (const char *const[]){"linger.ms=60000", "shutdown.timeout.ms=30000",
                                                               "shutdown.callbacks=true", mode, NULL});
  world_send(handle, 1000, 0);
  shutdown_all();
  _Exit(world_shared()->reports == 1000 ? 0 : 1);
}

static void send_with_callback(void) {
  send_with("delivery.report.mode=callback");
}

static void send_with_dispatcher(void) {
  send_with("delivery.report.mode=dispatcher");
}

START_TEST(callbacks_that_are_asked_for_have_all_run) {
  void (*const ways[])(void) = {send_with_callback, send_with_dispatcher};
  for (int i = 0; i < 2; i++) {
    world_shared()->reports = 0;
    world_shared()->delivered = 0;
    run_against_broker(ways[i]);
    world_child_await(&child);
    ck_assert_int_eq(child.status, 0);
    ck_assert_uint_eq(world_shared()->delivered, 1000);
    if (i == 0) world_broker_stop();
  }
}
END_TEST

static void read_the_queue(void) {
  void *handle = world_create(NULL, (const char *const[]){"linger.ms=60000", "shutdown.timeout.ms=30000",
                                                          "delivery.report.mode=queue", NULL});
  struct report reports[20];
  size_t count = 0;
  world_send(handle, 10, 0);
  shutdown_all();
  int32_t status = waiting_poll(world_lock(handle), reports, 20, -1, &count);
  if (status != STATUS_OK || count != 10 || reports[9].outcome != OUTCOME_DELIVERED) exit(1);
  if (waiting_poll(world_lock(handle), reports, 20, -1, &count) != STATUS_CLOSED) exit(2);
}

START_TEST(a_queue_may_still_be_read) {
  run_against_broker(read_the_queue);
  world_child_await(&child);
  ck_assert_int_eq(child.status, 0);
}
END_TEST

/* ---- from inside ---- */

static void *inside_handle;

static void send_more_and_end(void *user, const struct report *reports, size_t count) {
  (void)user, (void)reports, (void)count;
  world_send(inside_handle, 10, 100);
  shutdown_all();
  _Exit(0);
}

static void end_inside(const char *mode) {
  static const struct producer_callbacks ending = {.on_reports = send_more_and_end};
  inside_handle = world_create(
      &ending, (const char *const[]){"linger.ms=60000", "shutdown.timeout.ms=30000", mode, NULL});
  world_send(inside_handle, 1, 0);
  struct flush_result result;
  waiting_flush(world_lock(inside_handle), -1, &result);
  for (;;)
    sched_yield();
}

static void end_on_sender_thread(void) {
  end_inside("delivery.report.mode=callback");
}

static void end_on_dispatcher_thread(void) {
  end_inside("delivery.report.mode=dispatcher");
}

START_TEST(a_callback_that_ends_the_process_loses_nothing) {
  void (*const ways[])(void) = {end_on_sender_thread, end_on_dispatcher_thread};
  for (int i = 0; i < 2; i++) {
    run_against_broker(ways[i]);
    world_child_await(&child);
    ck_assert_int_eq(child.status, 0);
    ck_assert_int_eq(world_records("topic", 0), 11);
    if (i == 0) world_broker_stop();
  }
}
END_TEST

static void end_with_each_kind_of_thread(void) {
  static const char *const modes[] = {"delivery.report.mode=none", "delivery.report.mode=queue",
                                      "delivery.report.mode=dispatcher"};
  void *handles[3];
  for (int i = 0; i < 3; i++) {
    handles[i] = world_create(i == 2 ? &counting : NULL,
                              (const char *const[]){"shutdown.timeout.ms=30000", modes[i], NULL});
    world_send(handles[i], 10, 0);
  }
  shutdown_all();
  for (int i = 0; i < 3; i++) {
    struct producer *producer = world_lock(handles[i]);
    if (!producer->sender_joined || (producer->dispatcher_started && !producer->dispatcher_joined)) _Exit(1);
    world_unlock(producer);
  }
}

/* What they use may be gone a moment later: OpenSSL cleans up in an exit handler of its own. */
START_TEST(no_thread_outlives_the_handler) {
  run_against_broker(end_with_each_kind_of_thread);
  world_child_await(&child);
  ck_assert_int_eq(child.status, 0);
}
END_TEST

static void *shut_down(void *argument) {
  shutdown_all();
  return argument;
}

static void end_twice_at_once(void) {
  pthread_t thread;
  world_send(world_create(NULL, lingering), 10, 0);
  if (pthread_create(&thread, NULL, shut_down, NULL) != 0) exit(1);
  shutdown_all();
  _Exit(0); /* although the other thread may still be there */
}

/* An exit while a signal is handled. */
START_TEST(of_two_at_once_neither_returns_too_early) {
  run_against_broker(end_twice_at_once);
  world_child_await(&child);
  ck_assert_int_eq(child.status, 0);
  ck_assert_int_eq(world_records("topic", 0), 10);
}
END_TEST

int main(void) {
  Suite *suite = suite_create("shutdown");
  TCase *test_case = tcase_create("all");
  tcase_add_checked_fixture(test_case, NULL, tear_down);
  tcase_add_test(test_case, what_was_accepted_is_sent_and_one_line_says_that_close_was_missing);
  tcase_add_test(test_case, nothing_is_said_of_producers_with_nothing_on_its_way);
  tcase_add_test(test_case, one_line_speaks_of_all_producers);
  tcase_add_test(test_case, what_could_not_be_sent_in_time_is_told);
  tcase_add_test(test_case, what_the_broker_refuses_is_not_called_sent);
  tcase_add_test(test_case, a_producer_without_time_does_not_shorten_that_of_others);
  tcase_add_test(test_case, callbacks_do_not_run_while_the_process_ends);
  tcase_add_test(test_case, callbacks_that_are_asked_for_have_all_run);
  tcase_add_test(test_case, a_queue_may_still_be_read);
  tcase_add_test(test_case, a_callback_that_ends_the_process_loses_nothing);
  tcase_add_test(test_case, no_thread_outlives_the_handler);
  tcase_add_test(test_case, of_two_at_once_neither_returns_too_early);
  suite_add_tcase(suite, test_case);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_ENV);
  int failures = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failures != 0;
}
