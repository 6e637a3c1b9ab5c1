#include "producer/submission.h"

#include "base/clock.h"
#include "base/status.h"
#include "producer/memory_waiter.h"
#include "producer/report_dispatcher.h"
#include "producer/sync_send.h"
#include "support/failing_allocator.h"
#include "support/producer_world.h"
#include <check.h>
#include <sched.h>

/* Producers without threads: their memory is given back here, as the sender would. */
static struct producer *producer;
static void *handle;

static const char *const small[] = {"buffer.memory=131072", "batch.size=16384", "max.request.size=65536",
                                    "partition.buffer.percent=100", NULL};

static void build(const char *const *settings) {
  producer = world_build(NULL, settings);
  handle = handle_of(producer->slot);
  world_know_topic(handle, "topic");
}

static void set_up(void) {
  build(small);
}

static void tear_down(void) {
  world_tear_down(producer);
}

static int32_t try_send(int32_t partition, size_t value_bytes) {
  struct submission submission = world_submission("topic", partition, value_bytes, 0);
  return world_try_send(handle, &submission);
}

static void deliver(uint32_t count) {
  world_deliver(handle, count);
}

/* ---- checks ---- */

static void never_called(void *user, const struct report *report) {
  (void)user, (void)report;
  ck_abort_msg("called");
}

START_TEST(what_does_not_fit_is_refused) {
  struct submission submission = world_submission("topic", -2, 10, 0);
  ck_assert_int_eq(world_try_send(handle, &submission), STATUS_PARTITION_OUT_OF_RANGE);
  submission = world_submission("", 0, 10, 0);
  ck_assert_int_eq(world_try_send(handle, &submission), STATUS_INVALID_TOPIC_EXCEPTION);
  submission = world_submission("a/b", 0, 10, 0);
  ck_assert_int_eq(world_try_send(handle, &submission), STATUS_INVALID_TOPIC_EXCEPTION);
  submission = world_submission("topic", 0, 10, 0);
  submission.has_timestamp = true;
  submission.timestamp_ms = -1;
  ck_assert_int_eq(world_try_send(handle, &submission), STATUS_INVALID_ARGUMENT);
  submission = world_submission("topic", 0, 65536, 0);
  ck_assert_int_eq(world_try_send(handle, &submission), STATUS_RECORD_TOO_LARGE);
  submission = (struct submission){.by_id = true, .topic_id = 1};
  ck_assert_int_eq(world_try_send(handle, &submission), STATUS_INVALID_ARGUMENT);
  ck_assert_uint_eq(producer->accumulator.totals.accepted, 0);
  ck_assert_uint_eq(producer->accumulator.registry.count, 1); /* no topic was made for them */
}
END_TEST

START_TEST(a_closing_producer_takes_nothing) {
  struct producer *locked = world_lock(handle);
  struct topic *topic;
  producer_begin_close(locked, CLOCK_NEVER_US);
  ck_assert_int_eq(submission_wait_for_space(locked, 10, CLOCK_NEVER_US), STATUS_CLOSED);
  ck_assert_int_eq(submission_topic(locked, bytes_of_string("topic"), &topic), STATUS_OK);
  world_unlock(locked);
  ck_assert_int_eq(try_send(0, 10), STATUS_CLOSED);
}
END_TEST

START_TEST(callbacks_of_records_need_a_thread_that_runs_them) {
  tear_down();
  build((const char *const[]){"delivery.report.mode=queue", NULL});
  struct submission submission = world_submission("topic", 0, 10, 0);
  submission.callback = never_called;
  ck_assert_int_eq(world_try_send(handle, &submission), STATUS_NOT_CONFIGURED);
  struct sync_send *waiter = sync_send_create();
  submission.callback = sync_send_marker;
  submission.user = waiter;
  submission.is_sync = true;
  waiter->references++;
  ck_assert_int_eq(world_try_send(handle, &submission), STATUS_OK);
  deliver(1);
  ck_assert(waiter->done);
  sync_send_release(waiter);
}
END_TEST

START_TEST(a_topic_is_the_same_by_name_and_by_id) {
  struct topic *other = world_know_topic(handle, "other");
  struct submission submission = world_submission("other", 1, 10, 1);
  ck_assert_int_eq(world_try_send(handle, &submission), STATUS_OK);
  submission = (struct submission){.by_id = true, .topic_id = other->id, .partition = 1, .opaque = 2};
  ck_assert_int_eq(world_try_send(handle, &submission), STATUS_OK);
  struct producer *locked = world_lock(handle);
  accumulator_begin_cut(&locked->accumulator);
  struct partition *partition = accumulator_take(&locked->accumulator);
  struct batch *batch = accumulator_peek(&locked->accumulator, partition, 0);
  ck_assert_ptr_eq(batch->topic, other);
  ck_assert_int_eq(partition->index, 1);
  ck_assert_uint_eq(batch->record_count, 2);
  ck_assert_uint_eq(batch_entry(batch, 0)->opaque, 1);
  ck_assert_uint_eq(batch_entry(batch, 1)->opaque, 2);
  world_unlock(locked);
}
END_TEST

START_TEST(a_record_has_the_time_that_it_was_given_or_that_of_its_send) {
  struct submission submission = world_submission("topic", 0, 10, 0);
  submission.has_timestamp = true;
  ck_assert_int_eq(world_try_send(handle, &submission), STATUS_OK); /* 1970 is a time as well */
  submission.has_timestamp = false;
  submission.timestamp_ms = 5; /* not looked at */
  int64_t before_ms = clock_wall_ms();
  ck_assert_int_eq(world_try_send(handle, &submission), STATUS_OK);
  const struct partition *partition = topic_partition(producer->accumulator.registry.topics[0], 0);
  struct producer *locked = world_lock(handle);
  accumulator_begin_cut(&locked->accumulator);
  ck_assert_ptr_eq(accumulator_take(&locked->accumulator), partition);
  struct batch *batch =
      accumulator_peek(&locked->accumulator, topic_partition(locked->accumulator.registry.topics[0], 0), 0);
  ck_assert_int_eq(batch_entry(batch, 0)->timestamp_ms, 0);
  int64_t timestamp_ms = batch_entry(batch, 1)->timestamp_ms;
  ck_assert_int_ge(timestamp_ms, before_ms - 1); /* the clock's offset is cut to milliseconds */
  ck_assert_int_le(timestamp_ms, clock_wall_ms() + 1);
  world_unlock(locked);
}
END_TEST

START_TEST(a_topic_without_memory_is_not_half_made) {
  bool failed = true;
  for (uint32_t i = 0; failed; i++) {
    struct submission submission = world_submission("other", -1, 10, 0);
    failing_allocator_start(i);
    int32_t status = world_try_send(handle, &submission);
    failed = failing_allocator_stop();
    ck_assert_int_eq(status, failed ? STATUS_OUT_OF_MEMORY : STATUS_OK);
    ck_assert_uint_eq(producer->accumulator.totals.accepted, failed ? 0 : 1);
  }
  ck_assert_uint_eq(producer->accumulator.registry.count, 2);
}
END_TEST

/* ---- memory ---- */

START_TEST(full_memory_refuses_what_may_not_wait) {
  ck_assert_uint_ge(world_fill(handle, 1000), 100);
  uint64_t accepted = producer->accumulator.totals.accepted;
  ck_assert_int_eq(try_send(1, 1000), STATUS_BUFFER_FULL);
  ck_assert_uint_eq(producer->accumulator.totals.accepted, accepted);
  deliver(1);
  ck_assert_int_eq(try_send(1, 1000), STATUS_OK);
}
END_TEST

START_TEST(a_full_partition_leaves_the_others_alone) {
  tear_down();
  build((const char *const[]){"buffer.memory=131072", "batch.size=16384", "max.request.size=65536",
                              "partition.buffer.percent=50", NULL});
  int32_t status = STATUS_OK;
  for (int i = 0; i < 200 && status == STATUS_OK; i++)
    status = try_send(0, 1000);
  ck_assert_int_eq(status, STATUS_PARTITION_BUFFER_FULL);
  ck_assert_int_eq(try_send(1, 1000), STATUS_OK);
}
END_TEST

static void fill_with_reports(void) {
  tear_down();
  build((const char *const[]){"buffer.memory=131072", "batch.size=16384", "max.request.size=65536",
                              "partition.buffer.percent=100", "delivery.report.mode=queue", NULL});
  world_fill(handle, 1000);
  ck_assert_int_eq(try_send(1, 1000), STATUS_BUFFER_FULL); /* they may yet arrive */
  deliver(UINT32_MAX);
}

START_TEST(memory_that_unread_reports_hold_is_told_apart) {
  fill_with_reports();
  ck_assert_int_eq(try_send(1, 1000), STATUS_REPORTS_UNREAD);
  struct producer *locked = world_lock(handle);
  ck_assert_int_eq(submission_wait_for_space(locked, 40000, 0), STATUS_REPORTS_UNREAD);
  struct report reports[200];
  struct list finished;
  list_init(&finished);
  ck_assert_uint_gt(report_queue_take(&locked->reports, reports, NULL, 200, &finished), 100);
  producer_release_batches(locked, &finished);
  world_unlock(locked);
  ck_assert_int_eq(try_send(1, 1000), STATUS_OK);
}
END_TEST

/* ---- waiting ---- */

struct waiter {
  pthread_t thread;
  size_t bytes;
  int64_t deadline_us;
  int32_t partition, status;
  bool for_space;
};

static void *wait_and_send(void *argument) {
  struct waiter *waiter = argument;
  struct submission submission = world_submission("topic", waiter->partition, waiter->bytes, 77);
  int64_t now_us = clock_monotonic_us();
  struct producer *locked = world_lock(handle);
  waiter->status = waiter->for_space ? submission_wait_for_space(locked, waiter->bytes, waiter->deadline_us)
                                     : submission_send(locked, &submission, now_us, waiter->deadline_us);
  producer_unlock(locked);
  return NULL;
}

/* Starts it and returns when it waits as the count-th. */
static void start(struct waiter *waiter, uint32_t count) {
  ck_assert_int_eq(pthread_create(&waiter->thread, NULL, wait_and_send, waiter), 0);
  for (uint32_t waiting = 0; waiting < count; sched_yield()) {
    struct producer *locked = world_lock(handle);
    waiting = locked->accumulator.memory_waiters;
    world_unlock(locked);
  }
}

static void expect_end(const struct waiter *waiter, int32_t status) {
  ck_assert_int_eq(pthread_join(waiter->thread, NULL), 0);
  ck_assert_int_eq(waiter->status, status);
}

static int32_t status_inside;

static void send_inside(void *user, const struct report *reports, size_t count) {
  (void)user, (void)reports, (void)count;
  if (status_inside == STATUS_OK) status_inside = try_send(1, 1000);
}

START_TEST(memory_that_a_callback_holds_is_told_apart) {
  tear_down();
  const struct producer_callbacks callbacks = {.on_reports = send_inside};
  producer = world_build(&callbacks, small);
  handle = handle_of(producer->slot);
  world_know_topic(handle, "topic");
  status_inside = STATUS_OK;
  world_fill(handle, 1000);
  deliver(UINT32_MAX);
  report_dispatcher_call(producer);
  ck_assert_int_eq(status_inside, STATUS_REPORTS_UNREAD);
  ck_assert_int_eq(try_send(1, 1000), STATUS_OK);
}
END_TEST

START_TEST(a_send_waits_until_there_is_memory) {
  world_fill(handle, 1000);
  struct waiter waiter = {.bytes = 1000, .partition = 1, .deadline_us = CLOCK_NEVER_US};
  uint64_t accepted = producer->accumulator.totals.accepted;
  start(&waiter, 1);
  deliver(1);
  expect_end(&waiter, STATUS_OK);
  ck_assert_uint_eq(producer->accumulator.totals.accepted, accepted + 1);
  ck_assert(list_is_empty(&producer->memory_waiters));
  ck_assert_uint_eq(producer->users, 0);
}
END_TEST

/* One batch's memory would do for the newcomer, not for who waits. */
START_TEST(who_comes_later_does_not_take_what_others_wait_for) {
  world_fill(handle, 1000);
  struct waiter large = {.bytes = 50000, .partition = 1, .deadline_us = CLOCK_NEVER_US};
  struct waiter space = {.bytes = 100, .for_space = true, .deadline_us = CLOCK_NEVER_US};
  start(&large, 1);
  deliver(1);
  ck_assert_int_eq(try_send(1, 1000), STATUS_BUFFER_FULL);
  deliver(UINT32_MAX);
  expect_end(&large, STATUS_OK);
  ck_assert_int_eq(try_send(1, 1000), STATUS_OK);
  world_fill(handle, 1000);
  start(&space, 1);
  deliver(UINT32_MAX);
  expect_end(&space, STATUS_OK);
}
END_TEST

START_TEST(a_wait_ends_with_its_time) {
  world_fill(handle, 1000);
  int64_t deadline_us = clock_monotonic_us() + 20000;
  struct waiter waiter = {.bytes = 1000, .partition = 1, .deadline_us = deadline_us};
  start(&waiter, 0);
  expect_end(&waiter, STATUS_BUFFER_FULL);
  ck_assert_int_ge(clock_monotonic_us(), deadline_us);
  waiter = (struct waiter){.bytes = 40000, .for_space = true, .deadline_us = clock_monotonic_us() + 20000};
  start(&waiter, 0);
  expect_end(&waiter, STATUS_TIMED_OUT);
  ck_assert(list_is_empty(&producer->memory_waiters));
}
END_TEST

static void start_two(struct waiter *waiters) {
  world_fill(handle, 1000);
  waiters[0] = (struct waiter){.bytes = 1000, .partition = 1, .deadline_us = CLOCK_NEVER_US};
  waiters[1] = (struct waiter){.bytes = 40000, .for_space = true, .deadline_us = CLOCK_NEVER_US};
  start(&waiters[0], 1);
  start(&waiters[1], 2);
}

START_TEST(close_ends_the_waits) {
  struct waiter waiters[2];
  start_two(waiters);
  struct producer *locked = world_lock(handle);
  producer_begin_close(locked, CLOCK_NEVER_US);
  world_unlock(locked);
  expect_end(&waiters[0], STATUS_CLOSED);
  expect_end(&waiters[1], STATUS_CLOSED);
}
END_TEST

START_TEST(a_wake_ends_the_waits) {
  struct waiter waiters[2];
  start_two(waiters);
  struct producer *locked = world_lock(handle);
  uint64_t accepted = locked->accumulator.totals.accepted;
  locked->wakes++;
  memory_waiters_wake_all(locked);
  world_unlock(locked);
  expect_end(&waiters[0], STATUS_INTERRUPTED);
  expect_end(&waiters[1], STATUS_INTERRUPTED);
  ck_assert_uint_eq(producer->accumulator.totals.accepted, accepted);
}
END_TEST

START_TEST(a_callback_does_not_wait) {
  struct callback_scope scope;
  world_fill(handle, 1000);
  struct producer *locked = world_lock(handle);
  callback_scope_enter(&scope, locked, NULL);
  ck_assert_int_eq(submission_deadline_us(locked, 5000, true), 5000);
  ck_assert_int_eq(submission_wait_for_space(locked, 40000, CLOCK_NEVER_US), STATUS_IN_CALLBACK);
  callback_scope_leave(&scope);
  ck_assert_int_eq(submission_deadline_us(locked, 5000, true), 5000 + locked->settings.max_block_us);
  ck_assert_int_eq(submission_deadline_us(locked, 5000, false), 5000);
  world_unlock(locked);
}
END_TEST

START_TEST(space_for_what_can_never_be_sent_is_not_waited_for) {
  struct producer *locked = world_lock(handle);
  ck_assert_int_eq(submission_wait_for_space(locked, 65537, CLOCK_NEVER_US), STATUS_RECORD_TOO_LARGE);
  ck_assert_int_eq(submission_wait_for_space(locked, SIZE_MAX, CLOCK_NEVER_US), STATUS_RECORD_TOO_LARGE);
  ck_assert_int_eq(submission_wait_for_space(locked, 65536, 0), STATUS_OK);
  world_unlock(locked);
}
END_TEST

/* The last one out frees it; the sanitizers see whether anybody uses it afterwards. */
START_TEST(a_destroy_ends_the_waits) {
  struct waiter waiters[2];
  start_two(waiters);
  producer_destroy(handle);
  expect_end(&waiters[0], STATUS_CLOSED);
  expect_end(&waiters[1], STATUS_CLOSED);
  struct producer *none;
  ck_assert_int_eq(handle_lock(handle, &none), STATUS_CLOSED);
}
END_TEST

static TCase *checks(void) {
  TCase *test_case = tcase_create("checks");
  tcase_add_checked_fixture(test_case, set_up, tear_down);
  tcase_add_test(test_case, what_does_not_fit_is_refused);
  tcase_add_test(test_case, a_closing_producer_takes_nothing);
  tcase_add_test(test_case, callbacks_of_records_need_a_thread_that_runs_them);
  tcase_add_test(test_case, a_topic_is_the_same_by_name_and_by_id);
  tcase_add_test(test_case, a_record_has_the_time_that_it_was_given_or_that_of_its_send);
  tcase_add_test(test_case, a_topic_without_memory_is_not_half_made);
  return test_case;
}

static TCase *memory(void) {
  TCase *test_case = tcase_create("memory");
  tcase_add_checked_fixture(test_case, set_up, tear_down);
  tcase_add_test(test_case, full_memory_refuses_what_may_not_wait);
  tcase_add_test(test_case, a_full_partition_leaves_the_others_alone);
  tcase_add_test(test_case, memory_that_unread_reports_hold_is_told_apart);
  tcase_add_test(test_case, memory_that_a_callback_holds_is_told_apart);
  tcase_add_test(test_case, a_send_waits_until_there_is_memory);
  tcase_add_test(test_case, who_comes_later_does_not_take_what_others_wait_for);
  tcase_add_test(test_case, a_wait_ends_with_its_time);
  tcase_add_test(test_case, close_ends_the_waits);
  tcase_add_test(test_case, a_wake_ends_the_waits);
  tcase_add_test(test_case, a_callback_does_not_wait);
  tcase_add_test(test_case, space_for_what_can_never_be_sent_is_not_waited_for);
  return test_case;
}

static TCase *destroy(void) {
  TCase *test_case = tcase_create("destroy");
  tcase_add_checked_fixture(test_case, set_up, NULL);
  tcase_add_test(test_case, a_destroy_ends_the_waits);
  return test_case;
}

int main(void) {
  Suite *suite = suite_create("submission");
  suite_add_tcase(suite, checks());
  suite_add_tcase(suite, memory());
  suite_add_tcase(suite, destroy());
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_ENV);
  int failures = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failures != 0;
}
