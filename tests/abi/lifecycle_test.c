/* A producer's life: threads and hooks, flush, close from wherever and however often, destroy, release. */
#include "abi/support/brokers.h"
#include "abi/support/producers.h"
#include "protocol/api.h"
#include <check.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <string.h>

enum { THREADS = 32 };

static struct calls calls;
static sendoff_callbacks callbacks;
static sendoff_producer *producer;

static void set_up(void) {
  broker_start();
  calls_init(&calls);
  callbacks = calls_callbacks(&calls);
}

static void tear_down(void) {
  calls.hold = false;
  sendoff_close(producer, 0);
  sendoff_destroy(producer);
  UNTIL(calls.releases == 1);
  calls_deinit(&calls);
  broker_stop();
}

static void open_with_mode(const char *mode) {
  producer = producer_open(&callbacks, SETTINGS("delivery.report.mode", mode));
}

static const char *mode_of(int i) {
  static const char *const modes[] = {"callback", "dispatcher", "none", "queue"};
  return modes[i];
}

/* ---- hooks ---- */

START_TEST(hooks_enclose_the_life_of_each_thread) {
  producer = producer_open(&callbacks, SETTINGS("delivery.report.mode", "dispatcher", "client.id", "hooked"));
  UNTIL(calls.threads_started == 2);
  ck_assert_int_eq(sendoff_close(producer, -1), SENDOFF_OK);
  ck_assert_uint_eq(calls.threads_stopped, 2);
  ck_assert_ptr_nonnull(strstr(calls.thread_names, "+sendoff-hooked "));
  ck_assert_ptr_nonnull(strstr(calls.thread_names, "-sendoff-hooked "));
  ck_assert_ptr_nonnull(strstr(calls.thread_names, "+sendoff-reports "));
  ck_assert_ptr_nonnull(strstr(calls.thread_names, "-sendoff-reports "));
}
END_TEST

START_TEST(an_empty_producer_closes_at_once) {
  open_with_mode(mode_of(_i));
  ck_assert_int_eq(sendoff_flush(producer, -1, NULL), SENDOFF_OK);
  ck_assert_int_eq(sendoff_close(producer, -1), SENDOFF_OK);
  ck_assert_int_eq(sendoff_close(producer, 0), SENDOFF_OK);
  ck_assert_uint_eq(calls.releases, 0);
  sendoff_destroy(producer);
  UNTIL(calls.releases == 1);
  ck_assert_uint_eq(calls.threads_started, calls.threads_stopped);
}
END_TEST

START_TEST(destroy_alone_gives_up_and_releases) {
  broker_server_pause(broker);
  open_with_mode(mode_of(_i));
  for (uint64_t i = 0; i < 100; i++)
    send_ok(producer, "one", 0, "value", i);
  sendoff_destroy(producer);
  UNTIL(calls.releases == 1);
  ck_assert_uint_eq(calls.count, 0);
  ck_assert_uint_eq(calls.threads_started, calls.threads_stopped);
}
END_TEST

/* ---- flush ---- */

START_TEST(flush_out_of_time_says_what_is_pending) {
  sendoff_flush_result result = {.size = sizeof result};
  broker_server_pause(broker);
  open_with_mode(mode_of(_i));
  for (uint64_t i = 0; i < 100; i++)
    send_ok(producer, "one", 0, "value", i);
  ck_assert_int_eq(sendoff_flush(producer, 0, &result), SENDOFF_TIMED_OUT);
  ck_assert_uint_eq(result.pending, 100);
  ck_assert_int_eq(sendoff_flush(producer, 5, &result), SENDOFF_TIMED_OUT);
  ck_assert_uint_eq(result.pending, 100);
  broker_server_continue(broker);
  ck_assert_int_eq(sendoff_flush(producer, PATIENCE_MS, &result), SENDOFF_OK);
  ck_assert_uint_eq(result.pending, 0);
  ck_assert_uint_eq(counters_of(producer).records_delivered, 100);
}
END_TEST

START_TEST(flush_cuts_linger) {
  producer = producer_open(&callbacks, SETTINGS("linger.ms", "3600000", "delivery.timeout.ms", "7200000"));
  send_ok(producer, "one", 0, "value", 1);
  ck_assert_int_eq(sendoff_flush(producer, PATIENCE_MS, NULL), SENDOFF_OK);
  ck_assert_uint_eq(calls.count, 1);
  send_ok(producer, "one", 0, "value", 2); /* lingers again */
  ck_assert_uint_eq(counters_of(producer).records_pending, 1);
}
END_TEST

static void *flush(void *status) {
  *(atomic_int *)status = sendoff_flush(producer, -1, NULL);
  return NULL;
}

/* A flush is over when the callbacks of its records have returned, and not before. */
START_TEST(flush_waits_for_callbacks) {
  pthread_t thread;
  atomic_int flushed = 77;
  sendoff_report report;
  open_with_mode(mode_of(_i));
  calls.hold = true;
  send_ok(producer, "one", 0, "value", 1);
  ck_assert_int_eq(pthread_create(&thread, NULL, flush, &flushed), 0);
  UNTIL(calls.holding == 1);
  if (_i == 1) /* the dispatcher is held up, not the sender: other records do not count for the first */
    for (uint64_t i = 0; i < 5; i++) {
      sendoff_record record = record_of("four", 0, "value", 100 + i);
      ck_assert_int_eq(sendoff_send_sync(producer, &record, PATIENCE_MS, &report), SENDOFF_OK);
    }
  ck_assert_int_eq(sendoff_flush(producer, 20, NULL), SENDOFF_TIMED_OUT);
  ck_assert_int_eq(flushed, 77);
  calls.hold = false;
  pthread_join(thread, NULL);
  ck_assert_int_eq(flushed, SENDOFF_OK);
  ck_assert_uint_eq(calls.count, 1);
}
END_TEST

/* ---- from callbacks ---- */

static struct {
  int32_t flush, wait, connect, partitions, sync, close, send, poll_event;
  atomic_uint called;
  uint64_t more; /* records that the callbacks send */
} inside;

static void call_everything(void *user, const sendoff_report *reports, size_t count) {
  calls_on_reports(user, reports, count);
  if (inside.called++ > 0) return;
  char error[64];
  sendoff_report report;
  sendoff_partitions *partitions;
  sendoff_event event = {.size = sizeof event};
  sendoff_record record = record_of("four", 1, "value", 1000);
  inside.flush = sendoff_flush(producer, -1, NULL);
  inside.wait = sendoff_wait_for_space(producer, 1, -1);
  inside.connect = sendoff_connect(producer, -1, error, sizeof error);
  inside.partitions = sendoff_partitions_for(producer, "one", -1, &partitions);
  inside.sync = sendoff_send_sync(producer, &record, -1, &report);
  inside.send = sendoff_send(producer, &record);
  inside.poll_event = sendoff_poll_event(producer, &event, 0);
}

START_TEST(calls_that_would_wait_are_refused_in_callbacks) {
  callbacks.on_reports = call_everything;
  open_with_mode(mode_of(_i));
  send_ok(producer, "one", 0, "value", 1);
  calls_await(&calls, 2);
  ck_assert_int_eq(inside.flush, SENDOFF_IN_CALLBACK);
  ck_assert_int_eq(inside.wait, SENDOFF_OK); /* there was space: nothing to wait for */
  ck_assert_int_eq(inside.connect, SENDOFF_IN_CALLBACK);
  ck_assert_int_eq(inside.partitions, SENDOFF_IN_CALLBACK);
  ck_assert_int_eq(inside.sync, SENDOFF_IN_CALLBACK);
  ck_assert_int_eq(inside.send, SENDOFF_OK);
  ck_assert(inside.poll_event == SENDOFF_OK || inside.poll_event == SENDOFF_TIMED_OUT);
  ck_assert_uint_eq(counters_of(producer).records_accepted, 2);
}
END_TEST

/* Sends until memory is out; with a limit of an hour, waiting would be noticed. */
static void send_until_full(void *user, const sendoff_report *reports, size_t count) {
  static char large[20000];
  sendoff_record record = record_of("four", 1, NULL, 1000);
  record.value = large;
  record.value_bytes = sizeof large;
  if (inside.called++ == 0) {
    while ((inside.send = sendoff_send(producer, &record)) == SENDOFF_OK)
      inside.more++;
    inside.wait = sendoff_wait_for_space(producer, 120000, -1);
  }
  calls_on_reports(user, reports, count);
}

START_TEST(send_from_a_callback_never_waits) {
  callbacks.on_reports = send_until_full;
  producer =
      producer_open(&callbacks, SETTINGS("delivery.report.mode", mode_of(_i), "buffer.memory", "131072",
                                         "partition.buffer.percent", "100", "max.block.ms", "3600000"));
  broker_swallow("four");
  send_ok(producer, "one", 0, "value", 1);
  calls_await(&calls, 1);
  ck_assert(inside.send == SENDOFF_BUFFER_FULL || inside.send == SENDOFF_PARTITION_BUFFER_FULL);
  ck_assert_int_eq(inside.wait, SENDOFF_IN_CALLBACK);
  ck_assert_uint_gt(inside.more, 0);
}
END_TEST

/* Sends what can no longer leave, and closes. */
static void close_without_limit(void *user, const sendoff_report *reports, size_t count) {
  if (inside.called++ == 0) {
    broker_swallow("four");
    for (uint64_t i = 0; i < 10; i++)
      send_ok(producer, "four", 0, "never answered", i);
    inside.close = sendoff_close(producer, -1);
  }
  calls_on_reports(user, reports, count);
}

START_TEST(close_from_a_callback_warns_and_acts_at_once) {
  callbacks.on_reports = close_without_limit;
  open_with_mode(mode_of(_i));
  send_ok(producer, "one", 0, "value", 1);
  calls_await(&calls, 11);
  ck_assert_int_eq(inside.close, SENDOFF_TIMED_OUT);
  ck_assert(calls_logged(&calls, "close was called from a callback"));
  ck_assert_int_eq(sendoff_close(producer, -1), SENDOFF_TIMED_OUT); /* waits for the end, and says the same */
  sendoff_counters counters = counters_of(producer);
  ck_assert_uint_eq(counters.records_delivered, 1);
  ck_assert_uint_eq(counters.records_unknown + counters.records_not_delivered, 10);
  ck_assert_uint_eq(calls.count, 11);
}
END_TEST

static void destroy(void *user, const sendoff_report *reports, size_t count) {
  calls_on_reports(user, reports, count);
  sendoff_destroy(producer);
}

START_TEST(destroy_from_a_callback_ends_the_callbacks) {
  callbacks.on_reports = destroy;
  broker_server_pause(broker);
  open_with_mode(mode_of(_i));
  for (uint64_t i = 0; i < 1000; i++)
    ck_assert_int_eq(
        sendoff_try_send(producer, &(sendoff_record){.size = sizeof(sendoff_record), .topic = "four"}),
        SENDOFF_OK);
  broker_server_continue(broker);
  UNTIL(calls.releases == 1);
  ck_assert_uint_eq(calls.on_reports_calls, 1);
}
END_TEST

static atomic_bool is_open; /* create has returned: other threads may read `producer` */

/* A log callback that calls back: no lock of the library is held around it. */
static void use_producer(void *user, int32_t level, const char *line) {
  calls_on_log(user, level, line);
  if (!is_open) return;
  sendoff_counters counters = {.size = sizeof counters};
  sendoff_record record = record_of("one", 0, "of a log line", 9);
  sendoff_get_counters(producer, &counters);
  sendoff_try_send(producer, &record);
}

START_TEST(log_callbacks_may_use_the_producer) {
  callbacks.on_log = use_producer;
  callbacks.on_reports = close_without_limit;
  is_open = false;
  producer = producer_open(&callbacks, SETTINGS("delivery.report.mode", mode_of(_i), "log.level", "7"));
  is_open = true;
  send_ok(producer, "one", 0, "value", 1);
  UNTIL(calls_logged(&calls, "close was called from a callback"));
  ck_assert_int_eq(sendoff_close(producer, -1) == SENDOFF_FORKED, false);
  sendoff_counters counters = counters_of(producer);
  ck_assert_uint_eq(counters.records_accepted, settled_of(&counters));
}
END_TEST

/* ---- close ---- */

START_TEST(close_out_of_time_aborts_and_reports) {
  broker_swallow("four");
  open_with_mode(mode_of(_i));
  send_ok(producer, "four", 0, "in flight", 1);
  UNTIL(counters_of(producer).batches_sent == 1);
  send_ok(producer, "nowhere", 0, "staged", 2);
  ck_assert_int_eq(sendoff_close(producer, 10), SENDOFF_TIMED_OUT);
  ck_assert_int_eq(sendoff_close(producer, -1), SENDOFF_TIMED_OUT);
  sendoff_counters counters = counters_of(producer);
  ck_assert_uint_eq(counters.records_unknown, 1);
  ck_assert_uint_eq(counters.records_not_delivered, 1);
  ck_assert_uint_eq(counters.records_pending, 0);
  if (_i > 1) return;
  ck_assert_uint_eq(calls.count, 2);
  for (size_t i = 0; i < 2; i++) {
    const sendoff_report *report = &calls.reports[i];
    ck_assert_int_eq(report->status, SENDOFF_ABORTED);
    ck_assert_int_eq(report->outcome,
                     report->opaque == 1 ? SENDOFF_OUTCOME_UNKNOWN : SENDOFF_OUTCOME_NOT_DELIVERED);
    ck_assert_int_eq(report->offset, -1);
  }
}
END_TEST

/* A callback that blocks: close returns by its timeout, what is owed follows. */
START_TEST(close_does_not_wait_for_a_callback_beyond_its_time) {
  open_with_mode(mode_of(_i));
  calls.hold = true;
  for (uint64_t i = 0; i < 3; i++) {
    send_ok(producer, "one", 0, "value", i);
    if (i == 0) UNTIL(calls.holding == 1);
  }
  /* With a dispatcher all is settled meanwhile, though not told; otherwise the sender thread is held up. */
  if (_i == 1) UNTIL(counters_of(producer).records_delivered == 3);
  ck_assert_int_eq(sendoff_close(producer, 10), _i == 1 ? SENDOFF_OK : SENDOFF_TIMED_OUT);
  ck_assert_uint_eq(calls.count, 0);
  calls.hold = false;
  sendoff_close(producer, -1);
  ck_assert_uint_eq(calls.count, 3);
}
END_TEST

struct racer {
  pthread_t thread;
  unsigned number;
  uint64_t accepted;
};

static atomic_bool go;

static void *race(void *argument) {
  struct racer *racer = argument;
  while (!go)
    sched_yield();
  for (unsigned i = 0; i < 300; i++) {
    sendoff_record record = record_of("four", (int32_t)(i % 4), "value", racer->number);
    int32_t status = sendoff_send(producer, &record);
    if (status == SENDOFF_OK) racer->accepted++;
    if (status == SENDOFF_CLOSED) break;
    ck_assert_int_eq(status, SENDOFF_OK);
    if (i == racer->number * 10) {
      status = racer->number % 2 == 0 ? sendoff_flush(producer, -1, NULL) : sendoff_close(producer, -1);
      ck_assert(status == SENDOFF_OK || status == SENDOFF_CLOSED);
    }
  }
  ck_assert_int_eq(sendoff_close(producer, -1), SENDOFF_OK);
  return NULL;
}

/* Every record that was accepted before the first close is delivered and reported. */
START_TEST(close_races_send_flush_and_itself) {
  struct racer racers[THREADS];
  uint64_t accepted = 0;
  open_with_mode(mode_of(_i % 2));
  go = false;
  for (unsigned i = 0; i < THREADS; i++) {
    racers[i] = (struct racer){.number = i};
    ck_assert_int_eq(pthread_create(&racers[i].thread, NULL, race, &racers[i]), 0);
  }
  go = true;
  for (unsigned i = 0; i < THREADS; i++) {
    pthread_join(racers[i].thread, NULL);
    accepted += racers[i].accepted;
  }
  ck_assert_uint_eq(calls.count, accepted);
  ck_assert_int_eq(broker_record_count("four", 4), (int64_t)accepted);
  ck_assert_uint_eq(counters_of(producer).records_delivered, accepted);
}
END_TEST

/* ---- destroy ---- */

static void *use_until_closed(void *argument) {
  unsigned number = *(unsigned *)argument;
  sendoff_record record = record_of("four", (int32_t)(number % 4), "value", number);
  sendoff_counters counters = {.size = sizeof counters};
  int32_t status = SENDOFF_OK;
  while (!go)
    sched_yield();
  while (status != SENDOFF_CLOSED) {
    switch (number % 4) {
    case 0: status = sendoff_send(producer, &record); break;
    case 1: status = sendoff_flush(producer, -1, NULL); break;
    case 2: status = sendoff_get_counters(producer, &counters); break;
    default: status = sendoff_wait_for_space(producer, 100, -1); break;
    }
    ck_assert(status == SENDOFF_OK || status == SENDOFF_CLOSED);
  }
  return NULL;
}

START_TEST(destroy_while_others_are_inside) {
  pthread_t threads[THREADS];
  unsigned numbers[THREADS];
  open_with_mode(mode_of(_i % 4));
  go = false;
  for (unsigned i = 0; i < THREADS; i++) {
    numbers[i] = i;
    ck_assert_int_eq(pthread_create(&threads[i], NULL, use_until_closed, &numbers[i]), 0);
  }
  go = true;
  UNTIL(counters_of(producer).records_accepted > 100);
  sendoff_destroy(producer);
  for (unsigned i = 0; i < THREADS; i++)
    pthread_join(threads[i], NULL);
  UNTIL(calls.releases == 1);
}
END_TEST

static void *destroy_too(void *unused) {
  (void)unused;
  while (!go)
    sched_yield();
  sendoff_destroy(producer);
  return NULL;
}

START_TEST(destroy_races_itself) {
  pthread_t threads[8];
  open_with_mode(mode_of(_i % 4));
  go = false;
  for (unsigned i = 0; i < 8; i++)
    ck_assert_int_eq(pthread_create(&threads[i], NULL, destroy_too, NULL), 0);
  go = true;
  for (unsigned i = 0; i < 8; i++)
    pthread_join(threads[i], NULL);
  UNTIL(calls.releases == 1);
}
END_TEST

START_TEST(many_producers_live_side_by_side) {
  enum { MANY = 20 };
  sendoff_producer *many[MANY];
  for (int i = 0; i < MANY; i++) {
    many[i] = producer_open(NULL, SETTINGS("buffer.memory", "1048576"));
    send_ok(many[i], "twelve", i % 12, "value", (uint64_t)i);
  }
  for (int i = 0; i < MANY; i += 2)
    ck_assert_int_eq(sendoff_close(many[i], PATIENCE_MS), SENDOFF_OK);
  for (int i = 0; i < MANY; i += 2)
    sendoff_destroy(many[i]);
  for (int i = 1; i < MANY; i += 2) {
    ck_assert_int_eq(sendoff_close(many[i], PATIENCE_MS), SENDOFF_OK);
    sendoff_destroy(many[i]);
  }
  ck_assert_int_eq(broker_record_count("twelve", 12), MANY);
  open_with_mode("none");
}
END_TEST

int main(void) {
  Suite *suite = suite_create("lifecycle");
  TCase *tests = tcase_create("lifecycle");
  tcase_set_timeout(tests, 120);
  tcase_add_checked_fixture(tests, set_up, tear_down);
  tcase_add_test(tests, hooks_enclose_the_life_of_each_thread);
  tcase_add_loop_test(tests, an_empty_producer_closes_at_once, 0, 4);
  tcase_add_loop_test(tests, destroy_alone_gives_up_and_releases, 0, 4);
  tcase_add_loop_test(tests, flush_out_of_time_says_what_is_pending, 0, 4);
  tcase_add_test(tests, flush_cuts_linger);
  tcase_add_loop_test(tests, flush_waits_for_callbacks, 0, 2);
  tcase_add_loop_test(tests, calls_that_would_wait_are_refused_in_callbacks, 0, 2);
  tcase_add_loop_test(tests, send_from_a_callback_never_waits, 0, 2);
  tcase_add_loop_test(tests, close_from_a_callback_warns_and_acts_at_once, 0, 2);
  tcase_add_loop_test(tests, destroy_from_a_callback_ends_the_callbacks, 0, 2);
  tcase_add_loop_test(tests, log_callbacks_may_use_the_producer, 0, 2);
  tcase_add_loop_test(tests, close_out_of_time_aborts_and_reports, 0, 4);
  tcase_add_loop_test(tests, close_does_not_wait_for_a_callback_beyond_its_time, 0, 2);
  tcase_add_loop_test(tests, close_races_send_flush_and_itself, 0, 4);
  tcase_add_loop_test(tests, destroy_while_others_are_inside, 0, 4);
  tcase_add_loop_test(tests, destroy_races_itself, 0, 4);
  tcase_add_test(tests, many_producers_live_side_by_side);
  suite_add_tcase(suite, tests);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_ENV);
  int failures = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failures != 0;
}
