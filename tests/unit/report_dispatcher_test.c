#include "producer/report_dispatcher.h"

#include "base/status.h"
#include "producer/waiting.h"
#include "support/producer_world.h"
#include <check.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

/* Reports by callback: on the sender thread, and on a thread of their own. */

enum { RECORDS = 1000 };

static void *handle;
static uint64_t next_opaque; /* touched by one thread at a time: reports come in order */
static _Atomic uint64_t seen;
static _Atomic bool may_return;
static _Atomic int record_calls;
static pthread_t reporting_thread;

static void set_up(void) {
  world_broker_start();
}

static void tear_down(void) {
  may_return = true;
  producer_destroy(handle);
  world_broker_stop();
}

static void in_order(void *user, const struct report *reports, size_t count) {
  (void)user;
  reporting_thread = pthread_self();
  for (size_t i = 0; i < count; i++) {
    ck_assert_uint_eq(reports[i].opaque, next_opaque);
    ck_assert_int_eq(reports[i].offset, (int64_t)next_opaque);
    ck_assert_int_eq(reports[i].outcome, OUTCOME_DELIVERED);
    next_opaque++;
  }
  seen += count;
}

static void check_all_reported(const char *mode) {
  struct producer_callbacks callbacks = {.on_reports = in_order};
  handle = world_create(&callbacks, (const char *const[]){mode, NULL});
  world_send(handle, RECORDS, 0);
  world_flush(handle);
  ck_assert_uint_eq(seen, RECORDS); /* a flush waits for the callbacks */
}

START_TEST(reports_come_in_order_on_the_sender_thread) {
  check_all_reported("delivery.report.mode=callback");
  struct producer *producer = world_lock(handle);
  ck_assert(pthread_equal(reporting_thread, producer->sender_thread));
  ck_assert(!producer->dispatcher_started);
  world_unlock(producer);
}
END_TEST

START_TEST(reports_come_in_order_on_a_thread_of_their_own) {
  check_all_reported("delivery.report.mode=dispatcher");
  struct producer *producer = world_lock(handle);
  ck_assert(pthread_equal(reporting_thread, producer->dispatcher_thread));
  world_unlock(producer);
  ck_assert_int_eq(waiting_close(world_lock(handle), -1), STATUS_OK);
}
END_TEST

static void block(void *user, const struct report *reports, size_t count) {
  (void)user, (void)reports;
  seen += count;
  while (!may_return)
    sched_yield();
}

START_TEST(a_blocked_dispatcher_does_not_stop_the_network) {
  struct producer_callbacks callbacks = {.on_reports = block};
  handle = world_create(&callbacks, (const char *const[]){"delivery.report.mode=dispatcher", NULL});
  world_send(handle, 1, 0);
  while (seen == 0)
    sched_yield();
  world_send(handle, 50, 1);
  world_await_records("topic", 0, 51); /* while the first callback has not returned */
  ck_assert_uint_eq(seen, 1);
  may_return = true;
  world_flush(handle);
  ck_assert_uint_eq(seen, 51);
}
END_TEST

START_TEST(close_does_not_wait_for_a_callback_beyond_its_timeout) {
  struct producer_callbacks callbacks = {.on_reports = block};
  handle = world_create(&callbacks, (const char *const[]){"delivery.report.mode=dispatcher", NULL});
  world_send(handle, 1, 0);
  while (seen == 0)
    sched_yield();
  waiting_close(world_lock(handle), 0); /* returns, although the callback does not */
  may_return = true;
  ck_assert_int_eq(waiting_close(world_lock(handle), -1), STATUS_OK);
}
END_TEST

START_TEST(memory_is_held_until_the_callback_has_returned) {
  struct producer_callbacks callbacks = {.on_reports = block};
  handle = world_create(&callbacks, NULL);
  world_send(handle, 1, 0);
  while (seen == 0)
    sched_yield();
  struct producer *producer = world_lock(handle);
  ck_assert_uint_gt(buffer_pool_used_bytes(producer->accumulator.pool), 0);
  world_unlock(producer);
  may_return = true;
  ck_assert_int_eq(waiting_close(world_lock(handle), -1), STATUS_OK);
  producer = world_lock(handle);
  ck_assert_uint_eq(buffer_pool_used_bytes(producer->accumulator.pool), 0);
  world_unlock(producer);
}
END_TEST

static void of_record(void *user, const struct report *report) {
  ck_assert_ptr_eq(user, &record_calls);
  ck_assert_uint_eq(report->opaque, 7);
  record_calls++;
}

START_TEST(a_records_own_callback_runs_even_without_another) {
  handle = world_create(NULL, NULL); /* no on_reports: counters only */
  struct submission submission = world_submission("topic", 0, 10, 7);
  submission.callback = of_record;
  submission.user = &record_calls;
  ck_assert_int_eq(world_try_send(handle, &submission), STATUS_OK);
  world_flush(handle);
  ck_assert_int_eq(record_calls, 1);
  world_send(handle, 3, 0); /* others in the same partition have none */
  world_flush(handle);
  ck_assert_int_eq(record_calls, 1);
}
END_TEST

START_TEST(nothing_is_called_after_destroy) {
  struct producer_callbacks callbacks = {.on_reports = in_order};
  handle = world_create(&callbacks, NULL);
  world_send(handle, 1, 0);
  world_flush(handle);
  broker_server_pause(world_broker());
  world_send(handle, 10, 1);
  producer_destroy(handle);
  broker_server_continue(world_broker());
  ck_assert_uint_eq(seen, 1);
}
END_TEST

static Suite *report_dispatcher_suite(void) {
  Suite *suite = suite_create("report_dispatcher");
  TCase *checks = tcase_create("all");
  tcase_add_checked_fixture(checks, set_up, tear_down);
  tcase_set_timeout(checks, 60);
  tcase_add_test(checks, reports_come_in_order_on_the_sender_thread);
  tcase_add_test(checks, reports_come_in_order_on_a_thread_of_their_own);
  tcase_add_test(checks, a_blocked_dispatcher_does_not_stop_the_network);
  tcase_add_test(checks, close_does_not_wait_for_a_callback_beyond_its_timeout);
  tcase_add_test(checks, memory_is_held_until_the_callback_has_returned);
  tcase_add_test(checks, a_records_own_callback_runs_even_without_another);
  tcase_add_test(checks, nothing_is_called_after_destroy);
  suite_add_tcase(suite, checks);
  return suite;
}

int main(void) {
  SRunner *runner = srunner_create(report_dispatcher_suite());
  srunner_run_all(runner, CK_ENV);
  int failures = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failures != 0;
}
