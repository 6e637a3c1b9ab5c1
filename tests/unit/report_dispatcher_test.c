#include "producer/report_dispatcher.h"

#include "base/clock.h"
#include "base/status.h"
#include "producer/waiting.h"
#include "support/producer_world.h"
#include <check.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>

enum { RECORDS_MAX = 2000 };

/* What the callbacks were told, in order. */
static struct {
  uint64_t opaques[RECORDS_MAX];
  uint64_t count, calls, largest, singles;
  bool inside, sends_more;
} told;
static int context;
static struct producer *producer;
static void *handle;

static void on_reports(void *user, const struct report *reports, size_t count) {
  ck_assert_ptr_eq(user, &context);
  ck_assert_uint_gt(count, 0);
  told.calls++;
  if (count > told.largest) told.largest = count;
  for (size_t i = 0; i < count; i++)
    told.opaques[told.count++] = reports[i].opaque;
  told.inside = producer == NULL || callback_scope_is_in(producer);
  if (!told.sends_more) return;
  told.sends_more = false;
  world_send(handle, 3, 500);
  world_deliver(handle, UINT32_MAX);
}

static void on_report(void *user, const struct report *report) {
  ck_assert_ptr_eq(user, &context);
  told.singles++;
  ck_assert_uint_eq(told.opaques[told.count - 1], report->opaque); /* the producer's callback came before */
}

static const struct producer_callbacks listening = {.user = &context, .on_reports = on_reports};

static void build(const char *mode) {
  producer = world_build(&listening, (const char *const[]){mode, NULL});
  handle = handle_of(producer->slot);
  world_know_topic(handle, "topic");
}

static void tear_down(void) {
  world_tear_down(producer);
}

static void expect_told(uint64_t count) {
  ck_assert_uint_eq(told.count, count);
  for (uint64_t i = 0; i < count; i++)
    ck_assert_uint_eq(told.opaques[i], i);
}

static void expect_all_freed(void) {
  ck_assert(list_is_empty(&producer->reports.batches));
  ck_assert_uint_eq(buffer_pool_used_bytes(producer->accumulator.pool), 0);
  ck_assert_uint_eq(producer->reports_done, producer->reports_due);
  ck_assert(!producer->calling);
}

START_TEST(reports_come_in_order_and_in_portions) {
  build("delivery.report.mode=callback");
  world_send(handle, 1000, 0);
  world_deliver(handle, UINT32_MAX);
  ck_assert_uint_eq(told.calls, 0);
  report_dispatcher_call(producer);
  expect_told(1000);
  ck_assert_uint_eq(told.largest, 256);
  ck_assert(told.inside);
  ck_assert(!callback_scope_is_in(producer));
  expect_all_freed();
  report_dispatcher_call(producer);
  ck_assert_uint_eq(told.count, 1000);
}
END_TEST

START_TEST(a_callback_may_send_and_is_called_for_that_too) {
  build("delivery.report.mode=callback");
  told.sends_more = true;
  world_send(handle, 1, 0);
  world_deliver(handle, UINT32_MAX);
  report_dispatcher_call(producer);
  ck_assert_uint_eq(told.count, 4);
  ck_assert_uint_eq(told.opaques[3], 502);
  expect_all_freed();
}
END_TEST

static void send_with_callback(uint64_t opaque) {
  struct submission submission = world_submission("topic", 0, 10, opaque);
  submission.callback = on_report;
  submission.user = &context;
  ck_assert_int_eq(world_try_send(handle, &submission), STATUS_OK);
}

START_TEST(a_records_own_callback_comes_after_the_producers) {
  build("delivery.report.mode=callback");
  send_with_callback(0);
  world_deliver(handle, UINT32_MAX);
  report_dispatcher_call(producer);
  expect_told(1);
  ck_assert_uint_eq(told.singles, 1);
  expect_all_freed();
}
END_TEST

static void count_single(void *user, const struct report *report) {
  (void)user, (void)report;
  told.singles++;
}

START_TEST(without_reports_only_the_records_own_callbacks_are_called) {
  build("delivery.report.mode=none");
  struct submission submission = world_submission("topic", 0, 10, 0);
  world_send(handle, 2, 0);
  submission.callback = count_single;
  ck_assert_int_eq(world_try_send(handle, &submission), STATUS_OK);
  world_deliver(handle, UINT32_MAX);
  report_dispatcher_call(producer);
  ck_assert_uint_eq(told.calls, 0);
  ck_assert_uint_eq(told.singles, 1);
  expect_all_freed();
}
END_TEST

START_TEST(a_queue_is_left_to_the_host) {
  build("delivery.report.mode=queue");
  world_send(handle, 5, 0);
  world_deliver(handle, UINT32_MAX);
  report_dispatcher_call(producer);
  ck_assert_uint_eq(told.calls, 0);
  ck_assert_uint_eq(producer->reports.unread, 5);
}
END_TEST

START_TEST(a_quiet_producer_calls_nobody_and_frees_all) {
  build("delivery.report.mode=callback");
  world_send(handle, 5, 0);
  world_deliver(handle, UINT32_MAX);
  producer->quiet = true;
  report_dispatcher_call(producer);
  ck_assert_uint_eq(told.calls, 0);
  expect_all_freed();
}
END_TEST

START_TEST(only_the_mode_dispatcher_starts_a_thread) {
  build("delivery.report.mode=callback");
  struct producer *locked = world_lock(handle);
  ck_assert_int_eq(report_dispatcher_start(locked), STATUS_OK);
  ck_assert(!locked->dispatcher_started);
  ck_assert_uint_eq(locked->users, 0);
  world_unlock(locked);
  report_dispatcher_cancel(producer);
  ck_assert_int_eq(producer->state, PRODUCER_OPEN);
}
END_TEST

START_TEST(a_thread_whose_producer_could_not_be_started_ends) {
  build("delivery.report.mode=dispatcher");
  struct producer *locked = world_lock(handle);
  ck_assert_int_eq(report_dispatcher_start(locked), STATUS_OK);
  ck_assert(locked->dispatcher_started);
  ck_assert_uint_eq(locked->users, 1);
  world_unlock(locked);
  report_dispatcher_cancel(producer);
  ck_assert(producer->dispatcher_ended);
  ck_assert_uint_eq(producer->users, 0);
}
END_TEST

/* ---- with a thread of its own, against a broker ---- */

static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
static _Atomic uint64_t passed;

static void wait_at_gate(void *user, const struct report *reports, size_t count) {
  (void)user, (void)reports;
  pthread_mutex_lock(&gate);
  pthread_mutex_unlock(&gate);
  passed += count;
}

START_TEST(a_callback_that_blocks_does_not_hold_up_the_network) {
  static const struct producer_callbacks blocking = {.on_reports = wait_at_gate};
  world_broker_start();
  void *blocked = world_create(&blocking, (const char *const[]){"delivery.report.mode=dispatcher", NULL});
  pthread_mutex_lock(&gate);
  world_send(blocked, 1, 0);
  world_await_records("topic", 0, 1);
  world_send(blocked, 5, 1);
  world_await_records("topic", 0, 6); /* sent although nothing is reported yet */
  struct flush_result result;
  ck_assert_int_eq(waiting_flush(world_lock(blocked), 0, &result), STATUS_TIMED_OUT);
  ck_assert_uint_eq(passed, 0);
  pthread_mutex_unlock(&gate);
  world_flush(blocked);
  ck_assert_uint_eq(passed, 6);
  ck_assert_int_eq(waiting_close(world_lock(blocked), -1), STATUS_OK);
  producer_destroy(blocked);
  world_broker_stop();
}
END_TEST

static void remember_thread(void *user, const char *name) {
  (void)user;
  if (strcmp(name, "sendoff-reports") == 0) world_shared()->started++;
}

static void remember_end(void *user, const char *name) {
  (void)user;
  if (strcmp(name, "sendoff-reports") == 0) world_shared()->stopped++;
}

START_TEST(close_waits_for_the_last_callbacks_and_the_thread) {
  static const struct producer_callbacks callbacks = {
      .on_reports = wait_at_gate, .on_thread_start = remember_thread, .on_thread_stop = remember_end};
  world_broker_start();
  void *closed = world_create(&callbacks, (const char *const[]){"delivery.report.mode=dispatcher", NULL});
  world_send(closed, 1000, 0);
  ck_assert_int_eq(waiting_close(world_lock(closed), -1), STATUS_OK);
  ck_assert_uint_eq(passed, 1000);
  ck_assert_uint_eq(world_shared()->started, 1);
  ck_assert_uint_eq(world_shared()->stopped, 1);
  producer_destroy(closed);
  world_broker_stop();
}
END_TEST

static atomic_uint inside, most_inside;

/* Stays long enough for another thread to come, should it be let in. */
static void look_around(void *user, const char *name) {
  (void)user, (void)name;
  unsigned now = atomic_fetch_add(&inside, 1) + 1;
  if (now > atomic_load(&most_inside)) atomic_store(&most_inside, now);
  for (int i = 0; i < 50 && atomic_load(&most_inside) < 2; i++)
    nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
  atomic_fetch_sub(&inside, 1);
}

START_TEST(the_host_is_told_of_one_thread_at_a_time) {
  static const struct producer_callbacks callbacks = {
      .on_reports = wait_at_gate, .on_thread_start = look_around, .on_thread_stop = look_around};
  world_broker_start();
  void *opened = world_create(&callbacks, (const char *const[]){"delivery.report.mode=dispatcher", NULL});
  world_send(opened, 1, 0);
  ck_assert_int_eq(waiting_close(world_lock(opened), -1), STATUS_OK);
  ck_assert_uint_eq(most_inside, 1);
  producer_destroy(opened);
  world_broker_stop();
}
END_TEST

int main(void) {
  Suite *suite = suite_create("report_dispatcher");
  TCase *alone = tcase_create("alone"), *running = tcase_create("running");
  tcase_add_checked_fixture(alone, NULL, tear_down);
  tcase_add_test(alone, reports_come_in_order_and_in_portions);
  tcase_add_test(alone, a_callback_may_send_and_is_called_for_that_too);
  tcase_add_test(alone, a_records_own_callback_comes_after_the_producers);
  tcase_add_test(alone, without_reports_only_the_records_own_callbacks_are_called);
  tcase_add_test(alone, a_queue_is_left_to_the_host);
  tcase_add_test(alone, a_quiet_producer_calls_nobody_and_frees_all);
  tcase_add_test(alone, only_the_mode_dispatcher_starts_a_thread);
  tcase_add_test(alone, a_thread_whose_producer_could_not_be_started_ends);
  tcase_add_test(running, a_callback_that_blocks_does_not_hold_up_the_network);
  tcase_add_test(running, close_waits_for_the_last_callbacks_and_the_thread);
  tcase_add_test(running, the_host_is_told_of_one_thread_at_a_time);
  suite_add_tcase(suite, alone);
  suite_add_tcase(suite, running);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_ENV);
  int failures = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failures != 0;
}
