#include "producer/waiting.h"

#include "base/clock.h"
#include "base/status.h"
#include "sender/partition_snapshot.h"
#include "support/producer_world.h"
#include <check.h>
#include <poll.h>
#include <sched.h>
#include <string.h>

static void *handle;

static void set_up(void) {
  world_broker_start();
}

static void tear_down(void) {
  producer_destroy(handle);
  world_broker_stop();
}

static void create(const char *const *settings) {
  handle = world_create(NULL, settings);
}

/* The broker answers nothing from now on, and everything is known. */
static void create_unanswered(const char *const *settings) {
  create(settings);
  world_send(handle, 1, 1000);
  world_flush(handle);
  broker_server_pause(world_broker());
}

static int32_t flush(int64_t timeout_ms, struct flush_result *result) {
  memset(result, 0x5a, sizeof *result);
  return waiting_flush(world_lock(handle), timeout_ms, result);
}

static int32_t close_in(int64_t timeout_ms) {
  return waiting_close(world_lock(handle), timeout_ms);
}

static int32_t send_sync(const char *topic, int64_t timeout_ms, struct report *report) {
  struct submission submission = world_submission(topic, 0, 100, 42);
  memset(report, 0x5a, sizeof *report);
  return waiting_send_sync(world_lock(handle), &submission, timeout_ms, report);
}

/* ---- a call of another thread ---- */

enum kind { FLUSH, CONNECT, SEND_SYNC, PARTITIONS, POLL };

struct caller {
  pthread_t thread;
  enum kind kind;
  int32_t status;
};

static void *call(void *argument) {
  struct caller *caller = argument;
  struct flush_result result;
  struct report report;
  struct partition_snapshot *snapshot;
  char error[64];
  size_t count;
  struct producer *producer;
  caller->status = handle_lock(handle, &producer);
  if (caller->status != STATUS_OK) return NULL;
  struct submission submission = world_submission("topic", 0, 100, 42);
  switch (caller->kind) {
  case FLUSH: caller->status = waiting_flush(producer, -1, &result); break;
  case CONNECT: caller->status = waiting_connect(producer, -1, error, sizeof error); break;
  case SEND_SYNC: caller->status = waiting_send_sync(producer, &submission, -1, &report); break;
  case PARTITIONS:
    caller->status = waiting_partitions(producer, bytes_of_string("none"), -1, &snapshot);
    break;
  case POLL: caller->status = waiting_poll(producer, &report, 1, -1, &count); break;
  }
  return NULL;
}

/* Returns when as many threads are inside as are said, the sender's included. */
static void start(struct caller *caller, enum kind kind, uint32_t users) {
  caller->kind = kind;
  ck_assert_int_eq(pthread_create(&caller->thread, NULL, call, caller), 0);
  for (uint32_t inside = 0; inside < users; sched_yield()) {
    struct producer *producer = world_lock(handle);
    inside = producer->users;
    world_unlock(producer);
  }
}

static void expect_end(const struct caller *caller, int32_t status) {
  ck_assert_int_eq(pthread_join(caller->thread, NULL), 0);
  ck_assert_int_eq(caller->status, status);
}

/* ---- flush ---- */

START_TEST(flush_cuts_linger_and_waits_for_all) {
  struct flush_result result;
  create((const char *const[]){"linger.ms=60000", NULL});
  world_send(handle, 100, 0);
  ck_assert_int_eq(flush(-1, &result), STATUS_OK);
  ck_assert_uint_eq(result.pending + result.failed + result.unknown, 0);
  ck_assert_int_eq(world_records("topic", 0), 100);
}
END_TEST

START_TEST(flush_says_what_is_still_on_its_way) {
  struct flush_result result;
  create_unanswered(NULL);
  world_send(handle, 7, 0);
  ck_assert_int_eq(flush(0, &result), STATUS_TIMED_OUT);
  ck_assert_uint_eq(result.pending, 7);
  ck_assert_int_eq(flush(20, &result), STATUS_TIMED_OUT);
  ck_assert_uint_eq(result.pending, 7);
  broker_server_continue(world_broker());
  ck_assert_int_eq(flush(-1, &result), STATUS_OK);
  ck_assert_uint_eq(result.pending, 0);
  ck_assert_int_eq(flush(0, &result), STATUS_OK); /* nothing to wait for */
}
END_TEST

START_TEST(flush_counts_what_failed_since_the_last_one) {
  struct flush_result result;
  create(NULL);
  world_inject((struct broker_fault){.api_key = 0, .partition = -1, .error_code = STATUS_INVALID_RECORD});
  world_send(handle, 1, 0);
  ck_assert_int_eq(flush(-1, &result), STATUS_OK);
  ck_assert_uint_eq(result.failed, 1);
  ck_assert_uint_eq(result.unknown, 0);
  world_send(handle, 1, 0);
  ck_assert_int_eq(flush(-1, &result), STATUS_OK);
  ck_assert_uint_eq(result.failed, 0);
}
END_TEST

/* ---- close ---- */

START_TEST(close_sends_what_was_accepted_and_takes_no_more) {
  struct flush_result result, untouched;
  create((const char *const[]){"linger.ms=60000", NULL});
  world_send(handle, 100, 0);
  ck_assert_int_eq(close_in(-1), STATUS_OK);
  ck_assert_int_eq(world_records("topic", 0), 100);
  struct submission submission = world_submission("topic", 0, 100, 0);
  struct report report;
  ck_assert_int_eq(world_try_send(handle, &submission), STATUS_CLOSED);
  ck_assert_int_eq(send_sync("topic", -1, &report), STATUS_CLOSED);
  ck_assert_int_eq(flush(-1, &result), STATUS_CLOSED);
  memset(&untouched, 0x5a, sizeof untouched);
  ck_assert_mem_eq(&result, &untouched, sizeof result);
  ck_assert_int_eq(close_in(-1), STATUS_OK);
  ck_assert_int_eq(close_in(0), STATUS_OK);
}
END_TEST

START_TEST(close_gives_up_at_its_time_and_every_record_has_its_report) {
  create_unanswered((const char *const[]){"delivery.report.mode=queue", NULL});
  world_send(handle, 5, 0);
  ck_assert_int_eq(close_in(30), STATUS_TIMED_OUT);
  struct report reports[10];
  size_t count = 0;
  ck_assert_int_eq(waiting_poll(world_lock(handle), reports, 10, -1, &count), STATUS_OK);
  ck_assert_uint_eq(count, 6);
  ck_assert_int_eq(reports[0].outcome, OUTCOME_DELIVERED);
  for (size_t i = 1; i < 6; i++) {
    ck_assert_int_eq(reports[i].status, STATUS_ABORTED);
    ck_assert_int_ne(reports[i].outcome, OUTCOME_DELIVERED);
  }
  ck_assert_int_eq(close_in(-1), STATUS_TIMED_OUT); /* it stays true */
}
END_TEST

/* ---- connect ---- */

START_TEST(connect_ends_when_a_broker_has_answered) {
  char error[64] = "untouched";
  create(NULL);
  ck_assert_int_eq(waiting_connect(world_lock(handle), -1, error, sizeof error), STATUS_OK);
  ck_assert_str_eq(error, "untouched");
  ck_assert_int_eq(waiting_connect(world_lock(handle), 0, error, sizeof error), STATUS_OK);
  ck_assert_int_eq(close_in(-1), STATUS_OK);
  ck_assert_int_eq(waiting_connect(world_lock(handle), 0, error, sizeof error), STATUS_CLOSED);
}
END_TEST

START_TEST(connect_says_why_it_could_not) {
  char error[256] = "";
  broker_server_pause(world_broker());
  create(NULL);
  ck_assert_int_eq(waiting_connect(world_lock(handle), 10, error, sizeof error), STATUS_TIMED_OUT);
  ck_assert_str_eq(error, "no broker has answered yet");
  broker_server_stop(world_broker());
  do
    ck_assert_int_eq(waiting_connect(world_lock(handle), 10, error, sizeof error), STATUS_TIMED_OUT);
  while (strcmp(error, "no broker has answered yet") == 0);
  ck_assert_ptr_nonnull(strstr(error, world_bootstrap()));
  char small[5] = "....";
  ck_assert_int_eq(waiting_connect(world_lock(handle), 0, small, sizeof small), STATUS_TIMED_OUT);
  ck_assert_uint_eq(strlen(small), 4);
  ck_assert_int_eq(waiting_connect(world_lock(handle), 0, NULL, 0), STATUS_TIMED_OUT);
}
END_TEST

/* ---- synchronous sends ---- */

START_TEST(a_synchronous_send_returns_the_records_report) {
  struct report report;
  create((const char *const[]){"linger.ms=60000", NULL});
  for (int64_t offset = 0; offset < 3; offset++) {
    ck_assert_int_eq(send_sync("topic", -1, &report), STATUS_OK);
    ck_assert_uint_eq(report.opaque, 42);
    ck_assert_int_eq(report.offset, offset);
    ck_assert_int_eq(report.outcome, OUTCOME_DELIVERED);
    ck_assert_int_eq(report.broker, 1);
  }
  world_inject((struct broker_fault){.api_key = 0, .partition = -1, .error_code = STATUS_INVALID_RECORD});
  ck_assert_int_eq(send_sync("topic", -1, &report), STATUS_INVALID_RECORD);
  ck_assert_int_eq(report.outcome, OUTCOME_NOT_DELIVERED);
  ck_assert_int_eq(send_sync("a/b", -1, &report), STATUS_INVALID_TOPIC_EXCEPTION);
}
END_TEST

/* The record goes on without its waiter, and only once. */
START_TEST(a_synchronous_send_may_be_left_before_its_end) {
  struct report report, untouched;
  create_unanswered(NULL);
  memset(&untouched, 0x5a, sizeof untouched);
  ck_assert_int_eq(send_sync("topic", 20, &report), STATUS_TIMED_OUT);
  ck_assert_mem_eq(&report, &untouched, sizeof report);
  broker_server_continue(world_broker());
  world_flush(handle);
  ck_assert_int_eq(world_records("topic", 0), 2);
}
END_TEST

/* ---- partitions ---- */

START_TEST(partitions_are_asked_for) {
  struct partition_snapshot *snapshot = NULL;
  create(NULL);
  ck_assert_int_eq(waiting_partitions(world_lock(handle), bytes_of_string("topic"), -1, &snapshot),
                   STATUS_OK);
  ck_assert_uint_eq(snapshot->count, 2);
  for (uint32_t i = 0; i < 2; i++) {
    ck_assert_int_eq(snapshot->partitions[i].index, (int32_t)i);
    ck_assert_int_eq(snapshot->partitions[i].leader_id, 1);
  }
  partition_snapshot_destroy(snapshot);
  snapshot = NULL;
  broker_model_add_partitions(broker_server_lock(world_broker()), "topic", 5);
  broker_server_unlock(world_broker());
  ck_assert_int_eq(waiting_partitions(world_lock(handle), bytes_of_string("topic"), -1, &snapshot),
                   STATUS_OK);
  ck_assert_uint_eq(snapshot->count, 5);
  partition_snapshot_destroy(snapshot);
  snapshot = NULL;
  ck_assert_int_eq(waiting_partitions(world_lock(handle), bytes_of_string("a/b"), -1, &snapshot),
                   STATUS_INVALID_TOPIC_EXCEPTION);
  ck_assert_ptr_null(snapshot);
}
END_TEST

START_TEST(a_question_that_is_left_is_forgotten) {
  struct partition_snapshot *snapshot = NULL;
  create_unanswered(NULL);
  for (int i = 0; i < 3; i++)
    ck_assert_int_eq(waiting_partitions(world_lock(handle), bytes_of_string("other"), 5, &snapshot),
                     STATUS_TIMED_OUT);
  struct producer *producer = world_lock(handle);
  ck_assert(list_is_empty(&producer->sender->queries));
  world_unlock(producer);
  broker_server_continue(world_broker());
  ck_assert_int_eq(waiting_partitions(world_lock(handle), bytes_of_string("other"), -1, &snapshot),
                   STATUS_OK);
  ck_assert_uint_eq(snapshot->count, 1);
  partition_snapshot_destroy(snapshot);
}
END_TEST

/* ---- poll ---- */

static bool is_readable(void) {
  struct producer *producer = world_lock(handle);
  struct pollfd readable = {.fd = producer->report_waker.read_descriptor, .events = POLLIN};
  world_unlock(producer);
  return poll(&readable, 1, 0) == 1;
}

START_TEST(poll_hands_out_each_report_once_and_the_descriptor_says_so) {
  struct report reports[4];
  size_t count = 99;
  create((const char *const[]){"delivery.report.mode=queue", NULL});
  ck_assert_int_eq(waiting_poll(world_lock(handle), reports, 4, 0, &count), STATUS_TIMED_OUT);
  ck_assert_uint_eq(count, 0);
  ck_assert(!is_readable());
  world_send(handle, 10, 0);
  world_flush(handle); /* does not wait for somebody to read */
  for (uint64_t opaque = 0; opaque < 10;) {
    ck_assert(is_readable());
    ck_assert_int_eq(waiting_poll(world_lock(handle), reports, 4, -1, &count), STATUS_OK);
    for (size_t i = 0; i < count; i++)
      ck_assert_uint_eq(reports[i].opaque, opaque++);
  }
  ck_assert(!is_readable());
  ck_assert_int_eq(waiting_poll(world_lock(handle), reports, 4, 1, &count), STATUS_TIMED_OUT);
}
END_TEST

START_TEST(a_closed_producers_reports_are_read_to_the_end) {
  struct report reports[4];
  size_t count = 0;
  create((const char *const[]){"delivery.report.mode=queue", NULL});
  world_send(handle, 4, 0);
  ck_assert_int_eq(close_in(-1), STATUS_OK);
  ck_assert(is_readable());
  ck_assert_int_eq(waiting_poll(world_lock(handle), reports, 4, 0, &count), STATUS_OK);
  ck_assert_uint_eq(count, 4);
  ck_assert(is_readable()); /* for ever: there is an end to be seen */
  ck_assert_int_eq(waiting_poll(world_lock(handle), reports, 4, -1, &count), STATUS_CLOSED);
  ck_assert_uint_eq(count, 0);
}
END_TEST

START_TEST(poll_is_for_the_mode_queue) {
  struct report report;
  size_t count = 0;
  create(NULL);
  ck_assert_int_eq(waiting_poll(world_lock(handle), &report, 1, 0, &count), STATUS_NOT_CONFIGURED);
}
END_TEST

/* ---- ends of waits ---- */

static const enum kind kinds[] = {FLUSH, CONNECT, SEND_SYNC, PARTITIONS, POLL};

/* One thread in each kind of wait, with a broker that never answers. */
static void start_all(struct caller *callers) {
  broker_server_pause(world_broker());
  create((const char *const[]){"delivery.report.mode=queue", NULL});
  world_send(handle, 1, 0);
  for (uint32_t i = 0; i < 5; i++)
    start(&callers[i], kinds[i], 2 + i);
}

START_TEST(a_wake_ends_all_waits_but_that_for_a_records_report) {
  struct caller callers[5];
  start_all(callers);
  for (uint32_t inside = 6; inside > 2; sched_yield()) {
    ck_assert_int_eq(handle_wake(handle), STATUS_OK);
    struct producer *producer = world_lock(handle);
    inside = producer->users;
    world_unlock(producer);
  }
  for (int i = 0; i < 5; i++)
    if (kinds[i] != SEND_SYNC) expect_end(&callers[i], STATUS_INTERRUPTED);
  broker_server_continue(world_broker());
  expect_end(&callers[2], STATUS_OK);
}
END_TEST

START_TEST(close_ends_all_waits) {
  struct caller callers[5];
  start_all(callers);
  ck_assert_int_eq(close_in(0), STATUS_TIMED_OUT);
  expect_end(&callers[0], STATUS_OK); /* all is settled */
  expect_end(&callers[1], STATUS_CLOSED);
  expect_end(&callers[2], STATUS_ABORTED);
  expect_end(&callers[3], STATUS_CLOSED);
  expect_end(&callers[4], STATUS_OK); /* there are reports: of what was aborted */
}
END_TEST

/* They may still be inside when destroy returns; the sanitizers see what they touch. */
START_TEST(destroy_ends_all_waits) {
  struct caller callers[5];
  start_all(callers);
  producer_destroy(handle);
  for (int i = 0; i < 5; i++) {
    ck_assert_int_eq(pthread_join(callers[i].thread, NULL), 0);
    ck_assert(callers[i].status == STATUS_CLOSED ||
              (kinds[i] == SEND_SYNC && callers[i].status == STATUS_ABORTED));
  }
}
END_TEST

/* ---- callbacks ---- */

static _Atomic int32_t inside[4];

static void call_from_inside(void *user, const struct report *reports, size_t count) {
  (void)user, (void)reports, (void)count;
  struct report report;
  struct partition_snapshot *snapshot;
  struct flush_result result;
  inside[0] = flush(-1, &result);
  inside[1] = send_sync("topic", -1, &report);
  inside[2] = waiting_partitions(world_lock(handle), bytes_of_string("topic"), -1, &snapshot);
  inside[3] = waiting_connect(world_lock(handle), -1, NULL, 0);
}

static void close_from_inside(void *user, const struct report *reports, size_t count) {
  (void)user, (void)reports, (void)count;
  inside[0] = close_in(-1);
}

START_TEST(waits_are_refused_in_a_callback) {
  static const struct producer_callbacks callbacks = {.on_reports = call_from_inside};
  handle = world_create(&callbacks, NULL);
  world_send(handle, 1, 0);
  world_flush(handle);
  for (int i = 0; i < 4; i++)
    ck_assert_int_eq(inside[i], STATUS_IN_CALLBACK);
}
END_TEST

START_TEST(close_in_a_callback_does_not_wait) {
  static const struct producer_callbacks callbacks = {.on_reports = close_from_inside};
  handle = world_create(&callbacks, NULL);
  inside[0] = 1;
  world_send(handle, 1, 0);
  struct flush_result result;
  flush(-1, &result);
  ck_assert_int_eq(close_in(-1), STATUS_OK);
  ck_assert_int_eq(inside[0], STATUS_OK);
}
END_TEST

static TCase *calls(void) {
  TCase *test_case = tcase_create("calls");
  tcase_add_checked_fixture(test_case, set_up, tear_down);
  tcase_add_test(test_case, flush_cuts_linger_and_waits_for_all);
  tcase_add_test(test_case, flush_says_what_is_still_on_its_way);
  tcase_add_test(test_case, flush_counts_what_failed_since_the_last_one);
  tcase_add_test(test_case, close_sends_what_was_accepted_and_takes_no_more);
  tcase_add_test(test_case, close_gives_up_at_its_time_and_every_record_has_its_report);
  tcase_add_test(test_case, connect_ends_when_a_broker_has_answered);
  tcase_add_test(test_case, connect_says_why_it_could_not);
  tcase_add_test(test_case, a_synchronous_send_returns_the_records_report);
  tcase_add_test(test_case, a_synchronous_send_may_be_left_before_its_end);
  tcase_add_test(test_case, partitions_are_asked_for);
  tcase_add_test(test_case, a_question_that_is_left_is_forgotten);
  tcase_add_test(test_case, poll_hands_out_each_report_once_and_the_descriptor_says_so);
  tcase_add_test(test_case, a_closed_producers_reports_are_read_to_the_end);
  tcase_add_test(test_case, poll_is_for_the_mode_queue);
  return test_case;
}

static TCase *ends(void) {
  TCase *test_case = tcase_create("ends");
  tcase_add_checked_fixture(test_case, set_up, tear_down);
  tcase_add_test(test_case, a_wake_ends_all_waits_but_that_for_a_records_report);
  tcase_add_test(test_case, close_ends_all_waits);
  tcase_add_test(test_case, destroy_ends_all_waits);
  tcase_add_test(test_case, waits_are_refused_in_a_callback);
  tcase_add_test(test_case, close_in_a_callback_does_not_wait);
  return test_case;
}

int main(void) {
  Suite *suite = suite_create("waiting");
  suite_add_tcase(suite, calls());
  suite_add_tcase(suite, ends());
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_ENV);
  int failures = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failures != 0;
}
