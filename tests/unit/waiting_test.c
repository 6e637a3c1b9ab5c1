#include "producer/waiting.h"

#include "base/clock.h"
#include "base/status.h"
#include "support/producer_world.h"
#include <check.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

/* The calls that wait, against a broker that can stand still. What a thread waits for is seen in the
 * producer, so no test depends on time. */

static void *handle;

static const char *const by_queue[] = {"delivery.report.mode=queue", NULL};

static void set_up(void) {
  world_broker_start();
}

static void tear_down(void) {
  producer_destroy(handle);
  world_broker_stop();
}

/* Reads a report from the queue; it has to come. */
static struct report poll_one(void) {
  struct report report;
  size_t count = 0;
  ck_assert_int_eq(waiting_poll(world_lock(handle), &report, 1, -1, &count), STATUS_OK);
  ck_assert_uint_eq(count, 1);
  return report;
}

static void await_waiter(void) {
  for (bool waits = false; !waits; sched_yield()) {
    struct producer *producer = world_lock(handle);
    waits = producer->change_waiters > 0;
    world_unlock(producer);
  }
}

/* ---- flush ---- */

START_TEST(flush_waits_for_all_and_counts_what_failed) {
  handle = world_create(NULL, (const char *const[]){"linger.ms=60000", "delivery.timeout.ms=200000", NULL});
  struct flush_result result = {.pending = 77};
  world_send(handle, 10, 0);
  ck_assert_int_eq(waiting_flush(world_lock(handle), -1, &result), STATUS_OK);
  ck_assert_int_eq(world_records("topic", 0), 10);
  ck_assert_uint_eq(result.pending, 0);
  ck_assert_uint_eq(result.failed, 0);
  world_inject((struct broker_fault){
      .api_key = API_PRODUCE, .partition = -1, .error_code = STATUS_INVALID_REQUIRED_ACKS});
  world_send(handle, 3, 0);
  ck_assert_int_eq(waiting_flush(world_lock(handle), -1, &result), STATUS_OK);
  ck_assert_uint_eq(result.failed, 3);
  ck_assert_int_eq(waiting_flush(world_lock(handle), -1, &result), STATUS_OK);
  ck_assert_uint_eq(result.failed, 0); /* told once */
}
END_TEST

START_TEST(flush_gives_up_at_its_timeout_and_says_what_is_pending) {
  handle = world_create(NULL, NULL);
  world_send(handle, 1, 0);
  world_flush(handle);
  broker_server_pause(world_broker());
  world_send(handle, 5, 0);
  struct flush_result result = {0};
  ck_assert_int_eq(waiting_flush(world_lock(handle), 0, &result), STATUS_TIMED_OUT);
  ck_assert_uint_eq(result.pending, 5);
  broker_server_continue(world_broker());
  ck_assert_int_eq(waiting_flush(world_lock(handle), -1, &result), STATUS_OK);
  ck_assert_uint_eq(result.pending, 0);
}
END_TEST

static void *flush_for_ever(void *argument) {
  struct flush_result result = {0};
  *(int32_t *)argument = waiting_flush(world_lock(handle), -1, &result);
  return NULL;
}

START_TEST(wake_ends_a_flush_under_way) {
  handle = world_create(NULL, NULL);
  world_send(handle, 1, 0);
  world_flush(handle);
  broker_server_pause(world_broker());
  world_send(handle, 1, 0);
  pthread_t thread;
  int32_t status = STATUS_OK;
  ck_assert_int_eq(pthread_create(&thread, NULL, flush_for_ever, &status), 0);
  await_waiter();
  ck_assert_int_eq(handle_wake(handle), STATUS_OK);
  pthread_join(thread, NULL);
  ck_assert_int_eq(status, STATUS_INTERRUPTED);
  broker_server_continue(world_broker());
}
END_TEST

START_TEST(destroy_ends_a_flush_under_way) {
  handle = world_create(NULL, NULL);
  world_send(handle, 1, 0);
  world_flush(handle);
  broker_server_pause(world_broker());
  world_send(handle, 1, 0);
  pthread_t thread;
  int32_t status = STATUS_OK;
  ck_assert_int_eq(pthread_create(&thread, NULL, flush_for_ever, &status), 0);
  await_waiter();
  producer_destroy(handle);
  pthread_join(thread, NULL);
  ck_assert_int_eq(status, STATUS_CLOSED);
}
END_TEST

/* ---- close ---- */

START_TEST(close_delivers_what_lingers_and_is_harmless_twice) {
  handle = world_create(NULL, (const char *const[]){"linger.ms=60000", "delivery.timeout.ms=200000", NULL});
  world_send(handle, 100, 0);
  ck_assert_int_eq(waiting_close(world_lock(handle), -1), STATUS_OK);
  ck_assert_int_eq(world_records("topic", 0), 100);
  ck_assert_int_eq(waiting_close(world_lock(handle), -1), STATUS_OK);
  struct flush_result result;
  ck_assert_int_eq(waiting_flush(world_lock(handle), -1, &result), STATUS_CLOSED);
  struct submission submission = world_submission("topic", 0, 1, 0);
  ck_assert_int_eq(world_try_send(handle, &submission), STATUS_CLOSED);
}
END_TEST

START_TEST(close_at_its_timeout_aborts_and_every_record_has_its_report) {
  world_broker_stop();
  handle = world_create(NULL, by_queue);
  world_send(handle, 20, 100);
  ck_assert_int_eq(waiting_close(world_lock(handle), 0), STATUS_TIMED_OUT);
  for (uint64_t i = 0; i < 20; i++) {
    struct report report = poll_one();
    ck_assert_uint_eq(report.opaque, 100 + i);
    ck_assert_int_eq(report.outcome, OUTCOME_NOT_DELIVERED); /* it never left */
    ck_assert_int_eq(report.status, STATUS_ABORTED);
  }
  struct report none;
  size_t count = 9;
  ck_assert_int_eq(waiting_poll(world_lock(handle), &none, 1, -1, &count), STATUS_CLOSED);
  world_broker_start();
}
END_TEST

START_TEST(close_with_a_request_open_reports_unknown) {
  handle = world_create(NULL, by_queue);
  world_send(handle, 1, 1);
  ck_assert_int_eq(poll_one().outcome, OUTCOME_DELIVERED);
  broker_server_pause(world_broker());
  world_send(handle, 1, 2);
  for (bool sent = false; !sent; sched_yield()) { /* until the request is with the system */
    struct producer *producer = world_lock(handle);
    sent = producer->sender->published.requests_in_flight > 0;
    world_unlock(producer);
  }
  ck_assert_int_eq(waiting_close(world_lock(handle), 0), STATUS_TIMED_OUT);
  struct report report = poll_one();
  ck_assert_uint_eq(report.opaque, 2);
  ck_assert_int_eq(report.outcome, OUTCOME_UNKNOWN);
  ck_assert_uint_eq(report.attempts, 1);
  broker_server_continue(world_broker());
}
END_TEST

/* ---- connect, partitions ---- */

START_TEST(connect_tells_whether_a_broker_answers) {
  char reason[256] = "";
  handle = world_create(NULL, NULL);
  ck_assert_int_eq(waiting_connect(world_lock(handle), -1, reason, sizeof reason), STATUS_OK);
  producer_destroy(handle);
  world_broker_stop();
  handle = world_create(NULL, NULL);
  ck_assert_int_eq(waiting_connect(world_lock(handle), 300, reason, sizeof reason), STATUS_TIMED_OUT);
  ck_assert_str_ne(reason, "");
  world_broker_start();
}
END_TEST

START_TEST(partitions_are_described_with_their_leader) {
  handle = world_create(NULL, NULL);
  struct partition_snapshot *snapshot = NULL;
  ck_assert_int_eq(waiting_partitions(world_lock(handle), bytes_of_string("topic"), -1, &snapshot),
                   STATUS_OK);
  ck_assert_uint_eq(snapshot->count, 2);
  for (uint32_t i = 0; i < 2; i++) {
    ck_assert_int_eq(snapshot->partitions[i].index, (int32_t)i);
    ck_assert_int_ge(snapshot->partitions[i].leader_id, 0);
    ck_assert_uint_eq(snapshot->partitions[i].node_count[PARTITION_REPLICAS], 1);
  }
  partition_snapshot_destroy(snapshot);
  ck_assert_int_eq(waiting_partitions(world_lock(handle), bytes_of_string("a topic"), -1, &snapshot),
                   STATUS_INVALID_TOPIC_EXCEPTION);
}
END_TEST

/* ---- one record and its report ---- */

START_TEST(send_sync_returns_the_report_that_nobody_else_gets) {
  handle = world_create(NULL, (const char *const[]){"delivery.report.mode=queue", "linger.ms=60000",
                                                    "delivery.timeout.ms=200000", NULL});
  struct submission submission = world_submission("topic", 1, 10, 5);
  struct report report = {0};
  ck_assert_int_eq(waiting_send_sync(world_lock(handle), &submission, -1, &report), STATUS_OK);
  ck_assert_uint_eq(report.opaque, 5);
  ck_assert_int_eq(report.partition, 1);
  ck_assert_int_eq(report.offset, 0);
  ck_assert_int_eq(report.outcome, OUTCOME_DELIVERED);
  size_t count = 9;
  ck_assert_int_eq(waiting_poll(world_lock(handle), &report, 1, 0, &count), STATUS_TIMED_OUT);
  ck_assert_uint_eq(count, 0);
}
END_TEST

START_TEST(send_sync_that_times_out_leaves_its_record_accepted) {
  handle = world_create(NULL, NULL);
  world_send(handle, 1, 0);
  world_flush(handle);
  broker_server_pause(world_broker());
  struct submission submission = world_submission("topic", 0, 10, 5);
  struct report report = {.opaque = 99};
  ck_assert_int_eq(waiting_send_sync(world_lock(handle), &submission, 1, &report), STATUS_TIMED_OUT);
  ck_assert_uint_eq(report.opaque, 99);
  broker_server_continue(world_broker());
  world_flush(handle);
  ck_assert_int_eq(world_records("topic", 0), 2);
}
END_TEST

/* ---- poll ---- */

START_TEST(the_descriptor_is_readable_while_reports_are_unread_and_once_closed) {
  handle = world_create(NULL, by_queue);
  struct producer *producer = world_lock(handle);
  struct pollfd descriptor = {.fd = producer->report_waker.read_descriptor, .events = POLLIN};
  world_unlock(producer);
  ck_assert_int_eq(poll(&descriptor, 1, 0), 0);
  world_send(handle, 2, 0);
  world_flush(handle);
  ck_assert_int_eq(poll(&descriptor, 1, -1), 1);
  poll_one();
  ck_assert_int_eq(poll(&descriptor, 1, 0), 1); /* one is left */
  poll_one();
  ck_assert_int_eq(poll(&descriptor, 1, 0), 0);
  ck_assert_int_eq(waiting_close(world_lock(handle), -1), STATUS_OK);
  ck_assert_int_eq(poll(&descriptor, 1, 0), 1);
  struct report report;
  size_t count;
  ck_assert_int_eq(waiting_poll(world_lock(handle), &report, 1, 0, &count), STATUS_CLOSED);
  ck_assert_int_eq(poll(&descriptor, 1, 0), 1); /* for ever */
}
END_TEST

START_TEST(poll_needs_the_queue) {
  handle = world_create(NULL, NULL);
  struct report report;
  size_t count;
  ck_assert_int_eq(waiting_poll(world_lock(handle), &report, 1, 0, &count), STATUS_NOT_CONFIGURED);
}
END_TEST

/* ---- from a callback ---- */

static _Atomic int32_t flushed, closed, synced, sent;
static atomic_bool called;

static void call_everything(void *user, const struct report *reports, size_t count) {
  (void)user, (void)reports, (void)count;
  static atomic_bool once;
  if (atomic_exchange(&once, true)) return;
  struct flush_result result;
  struct report report;
  struct submission submission = world_submission("topic", 0, 10, 5);
  flushed = waiting_flush(world_lock(handle), -1, &result);
  synced = waiting_send_sync(world_lock(handle), &submission, -1, &report);
  struct submission other = world_submission("topic", 0, 10, 6);
  sent = world_try_send(handle, &other);
  closed = waiting_close(world_lock(handle), -1); /* acts as with timeout 0, and does not wait */
  called = true;
}

START_TEST(calls_that_would_wait_for_their_own_callback_are_refused) {
  struct producer_callbacks callbacks = {.on_reports = call_everything};
  handle = world_create(&callbacks, NULL);
  world_send(handle, 1, 0);
  while (!called)
    sched_yield();
  ck_assert_int_eq(flushed, STATUS_IN_CALLBACK);
  ck_assert_int_eq(synced, STATUS_IN_CALLBACK);
  ck_assert_int_eq(sent, STATUS_OK);
  ck_assert_int_eq(closed, STATUS_TIMED_OUT); /* the record that was just sent is given up */
  waiting_close(world_lock(handle), -1);
  struct producer *producer = world_lock(handle);
  ck_assert_int_eq(producer->state, PRODUCER_CLOSED);
  ck_assert_uint_eq(producer->accumulator.totals.settled, 2);
  world_unlock(producer);
}
END_TEST

static Suite *waiting_suite(void) {
  Suite *suite = suite_create("waiting");
  TCase *checks = tcase_create("all");
  tcase_add_checked_fixture(checks, set_up, tear_down);
  tcase_set_timeout(checks, 60);
  tcase_add_test(checks, flush_waits_for_all_and_counts_what_failed);
  tcase_add_test(checks, flush_gives_up_at_its_timeout_and_says_what_is_pending);
  tcase_add_test(checks, wake_ends_a_flush_under_way);
  tcase_add_test(checks, destroy_ends_a_flush_under_way);
  tcase_add_test(checks, close_delivers_what_lingers_and_is_harmless_twice);
  tcase_add_test(checks, close_at_its_timeout_aborts_and_every_record_has_its_report);
  tcase_add_test(checks, close_with_a_request_open_reports_unknown);
  tcase_add_test(checks, connect_tells_whether_a_broker_answers);
  tcase_add_test(checks, partitions_are_described_with_their_leader);
  tcase_add_test(checks, send_sync_returns_the_report_that_nobody_else_gets);
  tcase_add_test(checks, send_sync_that_times_out_leaves_its_record_accepted);
  tcase_add_test(checks, the_descriptor_is_readable_while_reports_are_unread_and_once_closed);
  tcase_add_test(checks, poll_needs_the_queue);
  tcase_add_test(checks, calls_that_would_wait_for_their_own_callback_are_refused);
  suite_add_tcase(suite, checks);
  return suite;
}

int main(void) {
  SRunner *runner = srunner_create(waiting_suite());
  srunner_run_all(runner, CK_ENV);
  int failures = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failures != 0;
}
