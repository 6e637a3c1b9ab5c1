#include "producer/producer_build.h"

#include "base/allocator.h"
#include "base/status.h"
#include "producer/config.h"
#include "support/failing_allocator.h"
#include "support/producer_world.h"
#include <check.h>
#include <stdio.h>
#include <string.h>

/* A producer put together from settings, and taken apart whole or in part. Nothing runs. */

static int released;
static char logged[1024];

static void count_release(void *user) {
  ck_assert_ptr_eq(user, &released);
  released++;
}

static void ignore(void *user, const struct report *reports, size_t count) {
  (void)user, (void)reports, (void)count;
}

static void keep_line(void *user, int32_t level, const char *line) {
  (void)user, (void)level;
  if (logged[0] == '\0') snprintf(logged, sizeof logged, "%s", line);
}

static const struct producer_callbacks counted = {.user = &released, .release = count_release};

static enum delivery_report_mode mode_of(bool with_callback, const char *const *settings) {
  struct producer_callbacks callbacks = counted;
  if (with_callback) callbacks.on_reports = ignore;
  struct producer *producer = world_build(&callbacks, settings);
  enum delivery_report_mode mode = producer->report_mode;
  world_tear_down(producer);
  return mode;
}

START_TEST(the_report_mode_follows_the_callback_unless_it_is_set) {
  ck_assert_int_eq(mode_of(false, NULL), DELIVERY_REPORT_NONE);
  ck_assert_int_eq(mode_of(true, NULL), DELIVERY_REPORT_CALLBACK);
  ck_assert_int_eq(mode_of(true, (const char *const[]){"delivery.report.mode=queue", NULL}),
                   DELIVERY_REPORT_QUEUE);
  ck_assert_int_eq(mode_of(true, (const char *const[]){"delivery.report.mode=dispatcher", NULL}),
                   DELIVERY_REPORT_DISPATCHER);
  ck_assert_int_eq(mode_of(true, (const char *const[]){"delivery.report.mode=none", NULL}),
                   DELIVERY_REPORT_NONE);
  ck_assert_int_eq(released, 5);
}
END_TEST

START_TEST(only_the_queue_has_a_descriptor) {
  struct producer *producer = world_build(NULL, NULL);
  ck_assert(!producer->report_waker_open);
  world_tear_down(producer);
  producer = world_build(NULL, (const char *const[]){"delivery.report.mode=queue", NULL});
  ck_assert(producer->report_waker_open);
  ck_assert_int_ge(producer->report_waker.read_descriptor, 0);
  world_tear_down(producer);
}
END_TEST

START_TEST(settings_reach_the_layers) {
  struct producer *producer = world_build(
      NULL, (const char *const[]){"linger.ms=7", "batch.size=32768", "buffer.memory=1048576",
                                  "max.request.size=65536", "partition.buffer.percent=25", "retries=3",
                                  "max.in.flight.requests.per.connection=2", "retry.backoff.ms=11",
                                  "metadata.max.age.ms=99000", "partitioner.availability.timeout.ms=13",
                                  "compression.type=lz4", "request.timeout.ms=17000", NULL});
  const struct accumulator_settings *accumulator = &producer->accumulator.settings;
  ck_assert_int_eq(accumulator->linger_us, 7000);
  ck_assert_uint_eq(accumulator->batch_bytes, 32768);
  ck_assert_uint_eq(accumulator->buffer_bytes, 1048576);
  ck_assert_uint_eq(accumulator->partition_bytes, 262144);
  ck_assert_uint_eq(accumulator->max_request_bytes, 65536);
  const struct sender_settings *sender = &producer->sender->settings;
  ck_assert_uint_eq(sender->retries, 3);
  ck_assert_uint_eq(sender->max_in_flight, 2);
  ck_assert_int_eq(sender->retry_backoff_us, 11000);
  ck_assert_int_eq(sender->request_timeout_us, 17000000);
  ck_assert_int_eq(sender->availability_timeout_us, 13000);
  ck_assert_int_eq(sender->cluster.max_age_us, 99000000);
  ck_assert(sender->idempotent);
  ck_assert(sender->compresses);
  ck_assert_ptr_nonnull(producer->sender->scratch);
  world_tear_down(producer);
}
END_TEST

START_TEST(a_default_that_gave_way_is_logged) {
  struct producer_callbacks callbacks = {.on_log = keep_line};
  struct producer *producer =
      world_build(&callbacks, (const char *const[]){"request.timeout.ms=200000", NULL});
  ck_assert_msg(strstr(logged, "delivery.timeout.ms") != NULL, "%s", logged);
  world_tear_down(producer);
}
END_TEST

START_TEST(what_was_built_in_part_is_taken_apart) {
  struct config *config =
      world_config((const char *const[]){"delivery.report.mode=queue", "compression.type=zstd", NULL});
  bool failed = true;
  uint32_t failures = 0;
  for (uint32_t n = 0; failed; n++) {
    struct producer *producer = allocator_allocate_zeroed(1, sizeof *producer);
    ck_assert_ptr_nonnull(producer);
    producer->callbacks = counted;
    released = 0;
    struct config_error error = {.text = ""};
    failing_allocator_start(n);
    int32_t status = producer_build(producer, config, &error);
    failed = failing_allocator_stop();
    ck_assert_int_eq(status, failed ? STATUS_OUT_OF_MEMORY : STATUS_OK);
    if (failed) failures++;
    producer_tear_down(producer);
    ck_assert_int_eq(released, 1);
  }
  ck_assert_uint_gt(failures, 10);
  config_destroy(config);
}
END_TEST

static Suite *producer_build_suite(void) {
  Suite *suite = suite_create("producer_build");
  TCase *checks = tcase_create("all");
  tcase_set_timeout(checks, 60);
  tcase_add_test(checks, the_report_mode_follows_the_callback_unless_it_is_set);
  tcase_add_test(checks, only_the_queue_has_a_descriptor);
  tcase_add_test(checks, settings_reach_the_layers);
  tcase_add_test(checks, a_default_that_gave_way_is_logged);
  tcase_add_test(checks, what_was_built_in_part_is_taken_apart);
  suite_add_tcase(suite, checks);
  return suite;
}

int main(void) {
  SRunner *runner = srunner_create(producer_build_suite());
  srunner_run_all(runner, CK_ENV);
  int failures = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failures != 0;
}
