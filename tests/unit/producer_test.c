#include "producer/producer.h"

#include "base/clock.h"
#include "base/status.h"
#include "base/transition.h"
#include "producer/waiting.h"
#include "support/codecs.h"
#include "support/failing_allocator.h"
#include "support/producer_world.h"
#include "support/sample_records.h"
#include "support/thread_failure.h"
#include <check.h>
#include <sched.h>
#include <string.h>

static uint32_t release_count;

static void count_release(void *user) {
  ck_assert_ptr_eq(user, &release_count);
  release_count++;
}

/* ---- create ---- */

static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;

/* Holds the thread of ours before it does anything, while allocations may fail. */
static void wait_at_gate(void *user, const char *name) {
  (void)user, (void)name;
  pthread_mutex_lock(&gate);
  pthread_mutex_unlock(&gate);
}

static const struct producer_callbacks gated = {
    .user = &release_count, .release = count_release, .on_thread_start = wait_at_gate};

START_TEST(each_allocation_may_fail) {
  struct config *config = world_config((const char *const[]){"delivery.report.mode=dispatcher", NULL});
  void *handle = NULL;
  uint32_t i = 0;
  for (bool failed = true; failed; i++) {
    struct config_error error = {.text = ""};
    pthread_mutex_lock(&gate);
    failing_allocator_start(i);
    int32_t status = producer_create(config, &gated, &handle, &error);
    failed = failing_allocator_stop();
    pthread_mutex_unlock(&gate);
    ck_assert_int_eq(status, failed ? STATUS_OUT_OF_MEMORY : STATUS_OK);
    ck_assert_int_eq(handle == NULL, failed);
    ck_assert_uint_eq(release_count, failed ? i + 1 : i);
    if (failed) ck_assert_uint_gt(strlen(error.text), 0);
  }
  ck_assert_uint_gt(i, 15);
  ck_assert_int_eq(waiting_close(world_lock(handle), -1), STATUS_OK);
  producer_destroy(handle);
  ck_assert_uint_eq(release_count, i);
  config_destroy(config);
}
END_TEST

START_TEST(settings_that_do_not_fit_are_refused_and_released) {
  struct config *config = world_config((const char *const[]){"enable.idempotence=true", "acks=1", NULL});
  struct config_error error = {.text = ""};
  void *handle = NULL;
  ck_assert_int_eq(producer_create(config, &gated, &handle, &error), STATUS_INVALID_SETTING);
  ck_assert_ptr_null(handle);
  ck_assert_uint_eq(release_count, 1);
  ck_assert_ptr_nonnull(strstr(error.text, "acks"));
  config_destroy(config);
}
END_TEST

START_TEST(threads_that_cannot_be_started_are_said) {
  static const char *const modes[] = {"delivery.report.mode=none", "delivery.report.mode=dispatcher"};
  thread_failure_begin();
  for (uint32_t i = 0; i < 2; i++) {
    struct config *config = world_config((const char *const[]){modes[i], "buffer.memory=2097152", NULL});
    struct config_error error = {.text = ""};
    void *handle = NULL;
    ck_assert_int_eq(producer_create(config, &gated, &handle, &error), STATUS_SYSTEM_ERROR);
    ck_assert_str_eq(error.text, "a thread could not be started");
    ck_assert_ptr_null(handle);
    ck_assert_uint_eq(release_count, i + 1);
    config_destroy(config);
  }
  struct handle_slot *slot; /* theirs were given back */
  ck_assert_int_eq(handle_acquire(&slot, NULL), STATUS_OK);
  ck_assert_uint_eq(slot->index, 0);
}
END_TEST

/* ---- use ---- */

struct visit {
  int64_t count;
};

static bool expect_next(void *context, int64_t offset, int64_t timestamp_ms,
                        const struct record_view *record) {
  (void)timestamp_ms;
  struct visit *visit = context;
  struct record expected = sample_record((uint32_t)offset);
  ck_assert_int_eq(offset, visit->count++);
  ck_assert_uint_eq(record->value.size, expected.value.size);
  if (expected.value.size > 0) ck_assert_mem_eq(record->value.data, expected.value.data, expected.value.size);
  return true;
}

/* From staged records over full batches to the close, compressed. */
START_TEST(what_is_sent_is_in_the_log_once_and_in_order) {
  enum { COUNT = 3000 };
  world_broker_start();
  const char *codec = codec_is_built_in(COMPRESSION_LZ4) ? "compression.type=lz4" : "compression.type=none";
  void *handle = world_create(NULL, (const char *const[]){codec, "batch.size=16384", "linger.ms=5", NULL});
  for (uint32_t number = 0; number < COUNT; number++) {
    struct submission submission = world_submission("topic", 0, 0, number);
    submission.record = sample_record(number);
    int64_t now_us = clock_monotonic_us();
    struct producer *producer = world_lock(handle);
    ck_assert_int_eq(submission_send(producer, &submission, now_us, CLOCK_NEVER_US), STATUS_OK);
    world_unlock(producer);
  }
  ck_assert_int_eq(waiting_close(world_lock(handle), -1), STATUS_OK);
  producer_destroy(handle);
  struct visit visit = {0};
  ck_assert_int_eq(
      broker_model_visit_records(broker_server_lock(world_broker()), "topic", 0, expect_next, &visit),
      STATUS_OK);
  broker_server_unlock(world_broker());
  ck_assert_int_eq(visit.count, COUNT);
  world_broker_stop();
}
END_TEST

/* ---- destroy ---- */

START_TEST(destroy_takes_what_is_no_handle) {
  uint64_t object = 0;
  producer_destroy(NULL);
  producer_destroy(&object);
  void *handle = world_create(&gated, NULL);
  ck_assert_int_eq(waiting_close(world_lock(handle), -1), STATUS_OK);
  producer_destroy(handle);
  producer_destroy(handle);
  ck_assert_uint_eq(release_count, 1);
}
END_TEST

static void count_reports(void *user, const struct report *reports, size_t count) {
  (void)user, (void)reports;
  world_shared()->reports += count;
}

static void count_shared_release(void *user) {
  (void)user;
  world_shared()->released++;
}

/* It gives up at once; the thread ends in its own time, without a word to the host but its release. */
START_TEST(destroy_does_not_wait_and_calls_back_no_more) {
  static const struct producer_callbacks callbacks = {.on_reports = count_reports,
                                                      .release = count_shared_release};
  world_broker_start();
  broker_server_pause(world_broker());
  void *handle = world_create(&callbacks, NULL);
  world_send(handle, 10, 0);
  producer_destroy(handle); /* would never return if it waited for the broker */
  struct producer *none;
  ck_assert_int_eq(handle_lock(handle, &none), STATUS_CLOSED);
  while (world_shared()->released == 0)
    sched_yield();
  ck_assert_uint_eq(world_shared()->reports, 0);
  ck_assert_uint_eq(world_shared()->released, 1);
  broker_server_continue(world_broker());
  world_broker_stop();
}
END_TEST

static void *own_handle;

static void destroy_from_inside(void *user, const struct report *reports, size_t count) {
  (void)user, (void)reports;
  world_shared()->reports += count;
  producer_destroy(own_handle);
}

START_TEST(a_callback_may_destroy_its_producer) {
  static const struct producer_callbacks callbacks = {.on_reports = destroy_from_inside,
                                                      .release = count_shared_release};
  static const char *const modes[] = {"delivery.report.mode=callback", "delivery.report.mode=dispatcher"};
  world_broker_start();
  for (uint32_t i = 0; i < 2; i++) {
    struct producer *none;
    own_handle = world_create(&callbacks, (const char *const[]){modes[i], NULL});
    world_send(own_handle, 1, 0);
    while (world_shared()->released == i)
      sched_yield();
    ck_assert_uint_eq(world_shared()->reports, i + 1);
    ck_assert_int_eq(handle_lock(own_handle, &none), STATUS_CLOSED);
  }
  world_broker_stop();
}
END_TEST

/* ---- small things ---- */

START_TEST(states_only_go_forward) {
  static const bool expected[3][3] = {{false, true, false}, {false, false, true}, {false, false, false}};
  for (int from = 0; from < 3; from++)
    for (int to = 0; to < 3; to++)
      ck_assert_int_eq(producer_state_may_change((enum producer_state)from, (enum producer_state)to),
                       expected[from][to]);
}
END_TEST

static uint32_t changes[PRODUCER_STATE_COUNT][PRODUCER_STATE_COUNT];

static void count_change(void *context, const char *machine, uint32_t from, uint32_t to) {
  (void)context;
  if (strcmp(machine, "producer") == 0) changes[from][to]++; /* under the producer's lock */
}

/* The simulator counts those of all other machines. */
START_TEST(each_change_that_is_listed_is_made) {
  world_broker_start();
  transition_observe(count_change, NULL);
  void *handle = world_create(NULL, NULL);
  ck_assert_int_eq(waiting_close(world_lock(handle), -1), STATUS_OK);
  producer_destroy(handle);
  transition_observe(NULL, NULL);
  for (int from = 0; from < PRODUCER_STATE_COUNT; from++)
    for (int to = 0; to < PRODUCER_STATE_COUNT; to++)
      ck_assert_uint_eq(changes[from][to] > 0,
                        producer_state_may_change((enum producer_state)from, (enum producer_state)to));
  world_broker_stop();
}
END_TEST

START_TEST(timeouts_become_deadlines) {
  ck_assert_int_eq(producer_deadline_us(5000, 0), 5000);
  ck_assert_int_eq(producer_deadline_us(5000, 3), 8000);
  ck_assert_int_eq(producer_deadline_us(5000, -1), CLOCK_NEVER_US);
  ck_assert_int_eq(producer_deadline_us(5000, INT64_MIN), CLOCK_NEVER_US);
  ck_assert_int_eq(producer_deadline_us(5000, INT64_MAX), CLOCK_NEVER_US);
  ck_assert_int_eq(producer_deadline_us(5000, INT64_MAX / 1000), CLOCK_NEVER_US);
}
END_TEST

START_TEST(the_wall_clock_goes_with_the_monotonic_one_in_between) {
  struct producer *producer = world_build(NULL, NULL);
  int64_t now_us = clock_monotonic_us(), before_ms = clock_wall_ms();
  int64_t wall_ms = producer_wall_ms(producer, now_us);
  ck_assert_int_ge(wall_ms, before_ms);
  ck_assert_int_le(wall_ms, clock_wall_ms());
  for (int64_t later_ms = 1; later_ms <= 10; later_ms++)
    ck_assert_int_eq(producer_wall_ms(producer, now_us + later_ms * 1000), wall_ms + later_ms);
  /* Beyond that it is read again, and time to come is not yet there; nor is time that is past. */
  ck_assert_int_le(producer_wall_ms(producer, now_us + INT64_C(3600000000)), clock_wall_ms());
  ck_assert_int_ge(producer_wall_ms(producer, now_us), before_ms);
  world_tear_down(producer);
}
END_TEST

START_TEST(only_an_earlier_close_changes_one_under_way) {
  struct producer *producer = world_build(NULL, NULL);
  struct producer *locked = world_lock(handle_of(producer->slot));
  producer_begin_close(locked, 5000);
  ck_assert_int_eq(locked->state, PRODUCER_CLOSING);
  ck_assert_uint_eq(locked->accumulator.cutting, 1);
  producer_begin_close(locked, 9000);
  ck_assert_int_eq(locked->close_deadline_us, 5000);
  producer_begin_close(locked, 2000);
  ck_assert_int_eq(locked->close_deadline_us, 2000);
  ck_assert_uint_eq(locked->accumulator.cutting, 1);
  world_unlock(locked);
  world_tear_down(producer);
}
END_TEST

START_TEST(reports_that_nobody_wants_are_not_kept) {
  struct producer *producer = world_build(NULL, NULL);
  void *handle = handle_of(producer->slot);
  world_know_topic(handle, "topic");
  world_send(handle, 10, 0);
  ck_assert_uint_gt(buffer_pool_used_bytes(producer->accumulator.pool), 0);
  world_deliver(handle, UINT32_MAX);
  ck_assert_uint_eq(buffer_pool_used_bytes(producer->accumulator.pool), 0);
  ck_assert_uint_eq(producer->reports.unread, 0);
  world_tear_down(producer);
}
END_TEST

/* The memory of a batch that a request still refers to is not free when its reports are read. */
START_TEST(memory_in_the_network_stays_until_it_is_back) {
  struct producer *producer = world_build(NULL, NULL);
  void *handle = handle_of(producer->slot);
  struct topic *topic = world_know_topic(handle, "topic");
  world_send(handle, 1, 0);
  struct producer *locked = world_lock(handle);
  struct accumulator *accumulator = &locked->accumulator;
  accumulator_begin_cut(accumulator);
  struct partition *partition = accumulator_take(accumulator);
  ck_assert_ptr_eq(partition, topic_partition(topic, 0));
  struct batch *batch = accumulator_peek(accumulator, partition, 0);
  accumulator_drain(accumulator, batch);
  accumulator_give_back(accumulator, partition, 0);
  accumulator_end_cut(accumulator);
  batch->in_network = true;
  batch_settle(batch, OUTCOME_UNKNOWN, STATUS_DELIVERY_TIMED_OUT, -1, -1, 0);
  accumulator_settle(accumulator, batch);
  producer_take_settled(locked, batch);
  ck_assert(batch->reported);
  ck_assert_uint_gt(buffer_pool_used_bytes(accumulator->pool), 0);
  batch->in_network = false;
  accumulator_release(accumulator, batch);
  ck_assert_uint_eq(buffer_pool_used_bytes(accumulator->pool), 0);
  world_unlock(locked);
  world_tear_down(producer);
}
END_TEST

int main(void) {
  Suite *suite = suite_create("producer");
  TCase *test_case = tcase_create("all");
  tcase_add_test(test_case, each_allocation_may_fail);
  tcase_add_test(test_case, settings_that_do_not_fit_are_refused_and_released);
  tcase_add_test(test_case, threads_that_cannot_be_started_are_said);
  tcase_add_test(test_case, what_is_sent_is_in_the_log_once_and_in_order);
  tcase_add_test(test_case, destroy_takes_what_is_no_handle);
  tcase_add_test(test_case, destroy_does_not_wait_and_calls_back_no_more);
  tcase_add_test(test_case, a_callback_may_destroy_its_producer);
  tcase_add_test(test_case, states_only_go_forward);
  tcase_add_test(test_case, each_change_that_is_listed_is_made);
  tcase_add_test(test_case, timeouts_become_deadlines);
  tcase_add_test(test_case, the_wall_clock_goes_with_the_monotonic_one_in_between);
  tcase_add_test(test_case, only_an_earlier_close_changes_one_under_way);
  tcase_add_test(test_case, reports_that_nobody_wants_are_not_kept);
  tcase_add_test(test_case, memory_in_the_network_stays_until_it_is_back);
  suite_add_tcase(suite, test_case);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_ENV);
  int failures = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failures != 0;
}
