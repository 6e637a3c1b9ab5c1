#include "producer/producer_build.h"

#include "base/allocator.h"
#include "base/clock.h"
#include "base/status.h"
#include "producer/waiting.h"
#include "support/failing_allocator.h"
#include "support/producer_world.h"
#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

static uint32_t descriptor_count(void) {
  uint32_t count = 0;
  for (int descriptor = 0; descriptor < 1024; descriptor++)
    count += fcntl(descriptor, F_GETFD) >= 0;
  return count;
}

static uint32_t release_count;

static void count_release(void *user) {
  ck_assert_ptr_eq(user, &release_count);
  release_count++;
}

static const struct producer_callbacks counting = {.user = &release_count, .release = count_release};

/* Builds one and takes it apart again, whole or not; what the build said. */
static int32_t build(const struct config *config, struct config_error *error) {
  struct producer *producer = allocator_allocate_zeroed(1, sizeof *producer);
  if (producer == NULL) return STATUS_OUT_OF_MEMORY;
  producer->callbacks = counting;
  int32_t status = producer_build(producer, config, error);
  uint32_t before = release_count;
  producer_tear_down(producer);
  ck_assert_uint_eq(release_count, before + 1);
  return status;
}

static const char *const everything[] = {"delivery.report.mode=queue",
#ifdef SENDOFF_WITH_LZ4
                                         "compression.type=lz4",
#endif
                                         "bootstrap.servers=a:1,b:2,c:3",
#ifdef SENDOFF_WITH_ZSTD
                                         "topic.orders.compression.type=zstd",
#endif
                                         "retries=5",
                                         NULL};

/* ---- failures ---- */

/* What was made until then is freed: the sanitizer and the descriptors tell. */
START_TEST(each_allocation_may_fail) {
  struct config *config = world_config(everything);
  uint32_t descriptors = descriptor_count(), i = 0;
  for (bool failed = true; failed; i++) {
    struct config_error error = {.text = ""};
    failing_allocator_start(i);
    int32_t status = build(config, &error);
    failed = failing_allocator_stop();
    ck_assert_int_eq(status, failed ? STATUS_OUT_OF_MEMORY : STATUS_OK);
    ck_assert_uint_eq(descriptor_count(), descriptors);
  }
  ck_assert_uint_gt(i, 15);
  config_destroy(config);
}
END_TEST

START_TEST(each_descriptor_may_be_missing) {
  struct config *config = world_config(everything);
  uint32_t descriptors = descriptor_count(), failures = 0;
  struct rlimit limit;
  ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
  int first_free = fcntl(0, F_DUPFD, 0);
  ck_assert_int_ge(first_free, 0);
  ck_assert_int_eq(fcntl(first_free, F_SETFD, FD_CLOEXEC), 0);
  int32_t status = STATUS_SYSTEM_ERROR;
  for (rlim_t most = (rlim_t)first_free + 1; status != STATUS_OK; most++) {
    struct config_error error = {.text = ""};
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &(struct rlimit){most, limit.rlim_max}), 0);
    status = build(config, &error);
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
    ck_assert_uint_eq(descriptor_count(), descriptors + 1);
    if (status == STATUS_OK) break;
    ck_assert_int_eq(status, STATUS_SYSTEM_ERROR);
    ck_assert_ptr_nonnull(strstr(error.text, "could not be built"));
    failures++;
  }
  ck_assert_uint_ge(failures, 3); /* the reports' waker, the poller, its waker */
  config_destroy(config);
}
END_TEST

START_TEST(settings_that_do_not_fit_are_said) {
  struct config_error error = {.text = ""};
  struct config *config = world_config((const char *const[]){"enable.idempotence=true", "acks=1", NULL});
  ck_assert_int_eq(build(config, &error), STATUS_INVALID_SETTING);
  ck_assert_ptr_nonnull(strstr(error.text, "acks"));
  config_destroy(config);
}
END_TEST

/* ---- what is built ---- */

static void ignore_reports(void *user, const struct report *reports, size_t count) {
  (void)user, (void)reports, (void)count;
}

START_TEST(the_report_mode_follows_the_callback_unless_it_is_set) {
  static const struct producer_callbacks with = {.on_reports = ignore_reports};
  static const struct {
    const char *setting;
    bool with_callback;
    enum delivery_report_mode expected;
  } cases[] = {
      {"delivery.report.mode=auto", false, DELIVERY_REPORT_NONE},
      {"delivery.report.mode=auto", true, DELIVERY_REPORT_CALLBACK},
      {"delivery.report.mode=none", true, DELIVERY_REPORT_NONE},
      {"delivery.report.mode=dispatcher", true, DELIVERY_REPORT_DISPATCHER},
      {"delivery.report.mode=queue", false, DELIVERY_REPORT_QUEUE},
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    const char *settings[] = {cases[i].setting, NULL};
    struct producer *producer = world_build(cases[i].with_callback ? &with : NULL, settings);
    ck_assert_int_eq(producer->report_mode, cases[i].expected);
    ck_assert_int_eq(producer->report_waker_open, cases[i].expected == DELIVERY_REPORT_QUEUE);
    world_tear_down(producer);
  }
}
END_TEST

START_TEST(the_settings_reach_the_parts) {
  struct producer *producer = world_build(
      NULL, (const char *const[]){"buffer.memory=1048576", "partition.buffer.percent=25", "batch.size=20000",
                                  "max.request.size=30000", "linger.ms=7.5", "client.id=name", NULL});
  const struct accumulator_settings *settings = &producer->accumulator.settings;
  ck_assert_uint_eq(buffer_pool_total_bytes(producer->accumulator.pool), 1048576);
  ck_assert_uint_eq(settings->partition_bytes, 262144);
  ck_assert_uint_eq(settings->batch_bytes, 20000);
  ck_assert_uint_eq(settings->max_request_bytes, 30000);
  ck_assert_int_eq(settings->linger_us, 7500);
  ck_assert_str_eq(producer->thread_name, "sendoff-name");
  ck_assert_int_eq(producer->state, PRODUCER_OPEN);
  world_tear_down(producer);
}
END_TEST

/* ---- what the parts tell ---- */

static char logged[512];
static struct producer *logging;

static void on_log(void *user, int32_t level, const char *line) {
  ck_assert_ptr_eq(user, logged);
  ck_assert_int_eq(level, LOG_LEVEL_WARNING);
  ck_assert(callback_scope_is_in(logging));
  snprintf(logged, sizeof logged, "%s", line);
}

/* The system takes fifteen bytes for a thread, Kafka 32767 for a client. */
START_TEST(a_client_id_of_any_length_names_the_thread_as_far_as_it_fits) {
  static char setting[sizeof "client.id=" + 32767];
  static const size_t sizes[] = {1, 7, 8, 9, 63, 64, 255, 256, 4096, 32767};
  for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
    size_t at = (size_t)snprintf(setting, sizeof setting, "client.id=");
    memset(setting + at, 'c', sizes[i]);
    setting[at + sizes[i]] = '\0';
    struct producer *producer = world_build(NULL, (const char *const[]){setting, NULL});
    ck_assert_uint_eq(strlen(producer->settings.client_id), sizes[i]);
    char name[] = "sendoff-ccccccc";
    name[sizes[i] < 7 ? 8 + sizes[i] : 15] = '\0';
    ck_assert_str_eq(producer->thread_name, name);
    world_tear_down(producer);
  }
}
END_TEST

START_TEST(log_lines_reach_the_callback_and_the_event_queue) {
  struct producer_callbacks callbacks = {.user = logged, .on_log = on_log};
  struct event event;
  logging = world_build(&callbacks, (const char *const[]){"log.level=4", NULL});
  while (event_queue_take(&logging->events, &event, 0) == STATUS_OK) {
  }
  LOG(&logging->log, LOG_LEVEL_INFO, "below the level");
  LOG(&logging->log, LOG_LEVEL_WARNING, "number %d", 5);
  ck_assert_str_eq(logged, "number 5");
  ck_assert_int_eq(event_queue_take(&logging->events, &event, 0), STATUS_OK);
  ck_assert_int_eq(event.kind, EVENT_LOG);
  ck_assert_int_eq(event.number, LOG_LEVEL_WARNING);
  ck_assert_str_eq(event.text, "number 5");
  ck_assert_int_eq(event_queue_take(&logging->events, &event, 0), STATUS_TIMED_OUT);
  world_tear_down(logging);
}
END_TEST

START_TEST(a_default_that_gave_way_is_logged) {
  struct event event;
  struct producer *producer =
      world_build(NULL, (const char *const[]){"batch.size=20000", "max.request.size=10000", NULL});
  ck_assert_uint_ge(producer->settings.note_count, 1);
  for (uint32_t i = 0; i < producer->settings.note_count; i++) {
    ck_assert_int_eq(event_queue_take(&producer->events, &event, 0), STATUS_OK);
    ck_assert_int_eq(event.number, LOG_LEVEL_NOTICE);
    ck_assert_str_eq(event.text, producer->settings.notes[i]);
  }
  world_tear_down(producer);
}
END_TEST

START_TEST(throttling_is_an_event) {
  world_broker_start();
  world_inject((struct broker_fault){.api_key = 0, .partition = -1, .throttle_ms = 1});
  void *handle = world_create(NULL, (const char *const[]){"log.level=0", NULL});
  world_send(handle, 1, 0);
  struct event event;
  struct producer *producer = world_lock(handle);
  producer_use(producer);
  world_unlock(producer);
  ck_assert_int_eq(event_queue_take(&producer->events, &event, CLOCK_NEVER_US), STATUS_OK);
  ck_assert_int_eq(event.kind, EVENT_THROTTLED);
  ck_assert_int_eq(event.broker, 1);
  ck_assert_int_eq(event.number, 1);
  producer_leave(world_lock(handle));
  producer_destroy(handle);
  world_broker_stop();
}
END_TEST

/* The partitioner's arguments and its answer. */
static int32_t choose(void *user, const char *topic, const void *key, size_t key_bytes, const void *value,
                      size_t value_bytes, int32_t partition_count, int32_t *partition) {
  ck_assert_ptr_eq(user, logged);
  ck_assert_str_eq(topic, "topic");
  ck_assert_uint_eq(key_bytes, 3);
  ck_assert_mem_eq(key, "key", 3);
  ck_assert_ptr_nonnull(value);
  ck_assert_uint_eq(value_bytes, 20);
  ck_assert_int_eq(partition_count, 2);
  ck_assert(callback_scope_holds(&logging->slot->lock));
  *partition = 1;
  return STATUS_OK;
}

START_TEST(the_hosts_partitioner_chooses) {
  struct producer_callbacks callbacks = {.user = logged, .partitioner = choose};
  logging = world_build(&callbacks, NULL);
  void *handle = handle_of(logging->slot);
  struct topic *topic = world_know_topic(handle, "topic");
  struct submission submission = world_submission("topic", -1, 20, 0);
  submission.record.key = bytes_of_string("key");
  ck_assert_int_eq(world_try_send(handle, &submission), STATUS_OK);
  struct producer *locked = world_lock(handle);
  accumulator_begin_cut(&locked->accumulator);
  ck_assert_ptr_eq(accumulator_take(&locked->accumulator), topic_partition(topic, 1));
  world_unlock(locked);
  world_tear_down(logging);
}
END_TEST

int main(void) {
  Suite *suite = suite_create("producer_build");
  TCase *test_case = tcase_create("all");
  tcase_add_test(test_case, each_allocation_may_fail);
  tcase_add_test(test_case, each_descriptor_may_be_missing);
  tcase_add_test(test_case, settings_that_do_not_fit_are_said);
  tcase_add_test(test_case, the_report_mode_follows_the_callback_unless_it_is_set);
  tcase_add_test(test_case, the_settings_reach_the_parts);
  tcase_add_test(test_case, a_client_id_of_any_length_names_the_thread_as_far_as_it_fits);
  tcase_add_test(test_case, log_lines_reach_the_callback_and_the_event_queue);
  tcase_add_test(test_case, a_default_that_gave_way_is_logged);
  tcase_add_test(test_case, throttling_is_an_event);
  tcase_add_test(test_case, the_hosts_partitioner_chooses);
  suite_add_tcase(suite, test_case);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_ENV);
  int failures = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failures != 0;
}
