/* What happens when buffer.memory is short: who waits, who is refused with what, and who is served first. */
#include "abi/support/brokers.h"
#include "abi/support/producers.h"
#include <check.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

enum { LARGE = 14000 };

static char large[LARGE + 1];
static sendoff_producer *producer;

static void set_up(void) {
  broker_start();
  memset(large, 'x', LARGE);
}

static void tear_down(void) {
  sendoff_close(producer, 0);
  sendoff_destroy(producer);
  broker_stop();
}

/* All memory for whoever asks. */
static void open_shared(const char *report_mode, const char *max_block_ms) {
  producer = producer_open(NULL, SETTINGS("buffer.memory", "65536", "partition.buffer.percent", "100",
                                          "delivery.report.mode", report_mode, "max.block.ms", max_block_ms));
}

static sendoff_record large_record(int32_t partition, uint64_t opaque) {
  return record_of("four", partition, large, opaque);
}

/* With try_send into the four partitions; returns how many and the first refusal. */
static int32_t fill(uint64_t *count) {
  for (*count = 0;; (*count)++) {
    sendoff_record record = large_record((int32_t)(*count % 4), *count);
    int32_t status = sendoff_try_send(producer, &record);
    if (status != SENDOFF_OK) return status;
  }
}

/* Makes the partitions known, so that nothing is staged: staged records may fill half of the memory only. */
static void warm_up(void) {
  for (int32_t p = 0; p < 4; p++)
    send_ok(producer, "four", p, "warm", 0);
  ck_assert_int_eq(sendoff_flush(producer, PATIENCE_MS, NULL), SENDOFF_OK);
}

START_TEST(a_full_buffer_refuses_at_once_or_in_time) {
  uint64_t count;
  open_shared("none", "20");
  warm_up();
  broker_server_pause(broker);
  ck_assert_int_eq(fill(&count), SENDOFF_BUFFER_FULL);
  ck_assert_uint_ge(count, 3);
  sendoff_record record = large_record(0, 0);
  ck_assert_int_eq(sendoff_send(producer, &record), SENDOFF_BUFFER_FULL);
  ck_assert_int_eq(sendoff_wait_for_space(producer, LARGE, 0), SENDOFF_TIMED_OUT);
  ck_assert_int_eq(sendoff_wait_for_space(producer, LARGE, 20), SENDOFF_TIMED_OUT);
  sendoff_counters counters = counters_of(producer);
  ck_assert_uint_eq(counters.records_accepted, count + 4);
  ck_assert_uint_eq(counters.threads_waiting, 0);
  ck_assert_uint_gt(counters.buffer_bytes_used, 40000);
  ck_assert_uint_eq(counters.buffer_bytes_staged, 0);
  ck_assert_uint_eq(counters.buffer_bytes_total, 65536);
  broker_server_continue(broker);
  ck_assert_int_eq(sendoff_wait_for_space(producer, LARGE, PATIENCE_MS), SENDOFF_OK);
  ck_assert_int_eq(sendoff_flush(producer, PATIENCE_MS, NULL), SENDOFF_OK);
  ck_assert_uint_eq(counters_of(producer).buffer_bytes_used, 0);
  ck_assert_int_eq(broker_record_count("four", 4), (int64_t)count + 4);
}
END_TEST

START_TEST(before_the_partitions_are_known_half_of_it_is_full) {
  uint64_t count;
  broker_server_pause(broker);
  open_shared("none", "20");
  ck_assert_int_eq(fill(&count), SENDOFF_PARTITION_BUFFER_FULL);
  ck_assert_uint_ge(count, 1);
  sendoff_counters counters = counters_of(producer);
  ck_assert_uint_le(counters.buffer_bytes_used, 32768);
  ck_assert_uint_ge(counters.buffer_bytes_staged, LARGE);
  ck_assert_uint_eq(counters.buffer_bytes_staged, counters.buffer_bytes_used);
  sendoff_record record = large_record(0, 0);
  ck_assert_int_eq(sendoff_send(producer, &record), SENDOFF_PARTITION_BUFFER_FULL);
  broker_server_continue(broker);
  ck_assert_int_eq(sendoff_close(producer, PATIENCE_MS), SENDOFF_OK);
  ck_assert_int_eq(broker_record_count("four", 4), (int64_t)count);
}
END_TEST

START_TEST(a_partition_has_its_share_only) {
  uint64_t accepted = 0;
  int32_t status;
  producer = producer_open(
      NULL, SETTINGS("buffer.memory", "262144", "partition.buffer.percent", "25", "max.block.ms", "20"));
  warm_up();
  broker_server_pause(broker);
  sendoff_record record = large_record(1, 0);
  while ((status = sendoff_try_send(producer, &record)) == SENDOFF_OK)
    accepted++;
  ck_assert_int_eq(status, SENDOFF_PARTITION_BUFFER_FULL);
  ck_assert_uint_ge(accepted, 3);
  ck_assert_uint_le(counters_of(producer).buffer_bytes_used, 65536);
  ck_assert_int_eq(sendoff_send(producer, &record), SENDOFF_PARTITION_BUFFER_FULL); /* waits in vain */
  record.partition = 2;
  ck_assert_int_eq(sendoff_try_send(producer, &record), SENDOFF_OK); /* others are not held up */
  ck_assert_int_eq(sendoff_wait_for_space(producer, LARGE, 0), SENDOFF_OK);
  broker_server_continue(broker);
}
END_TEST

/* ---- waiting ---- */

struct sending {
  pthread_t thread;
  uint64_t opaque;
  int32_t partition;
  atomic_int status; /* 77: under way */
};

static void *send_large(void *argument) {
  struct sending *sending = argument;
  sendoff_record record = large_record(sending->partition, sending->opaque);
  sending->status = sendoff_send(producer, &record);
  return NULL;
}

static void begin(struct sending *sending, int32_t partition, uint64_t opaque) {
  sending->partition = partition;
  sending->opaque = opaque;
  sending->status = 77;
  ck_assert_int_eq(pthread_create(&sending->thread, NULL, send_large, sending), 0);
}

static size_t order_of(const sendoff_report *reports, size_t count, uint64_t opaque) {
  for (size_t i = 0; i < count; i++)
    if (reports[i].opaque == opaque) return i;
  ck_abort_msg("no report of %llu", (unsigned long long)opaque);
}

START_TEST(waiters_are_served_in_order) {
  enum { WAITERS = 12 };
  struct sending waiters[WAITERS];
  struct calls calls;
  uint64_t count;
  calls_init(&calls);
  sendoff_callbacks callbacks = calls_callbacks(&calls);
  producer = producer_open(&callbacks, SETTINGS("buffer.memory", "65536", "partition.buffer.percent", "100",
                                                "max.block.ms", "3600000"));
  warm_up();
  broker_server_pause(broker);
  ck_assert_int_eq(fill(&count), SENDOFF_BUFFER_FULL);
  for (unsigned i = 0; i < WAITERS; i++) {
    begin(&waiters[i], 3, 1000 + i);
    UNTIL(counters_of(producer).threads_waiting == i + 1);
  }
  sendoff_record record = record_of("four", 3, large, 1);
  ck_assert_int_eq(sendoff_try_send(producer, &record), SENDOFF_BUFFER_FULL); /* no overtaking */
  broker_server_continue(broker);
  for (unsigned i = 0; i < WAITERS; i++)
    pthread_join(waiters[i].thread, NULL);
  ck_assert_int_eq(sendoff_close(producer, PATIENCE_MS), SENDOFF_OK);
  for (unsigned i = 1; i < WAITERS; i++)
    ck_assert_uint_lt(order_of(calls.reports, calls.count, 999 + i),
                      order_of(calls.reports, calls.count, 1000 + i));
  sendoff_destroy(producer);
  UNTIL(calls.releases == 1);
  calls_deinit(&calls);
}
END_TEST

/* Who waits for a partition's share does not stand in the way of others. */
START_TEST(waiting_for_a_share_holds_nobody_up) {
  struct sending first, second;
  int32_t status;
  producer = producer_open(
      NULL, SETTINGS("buffer.memory", "262144", "partition.buffer.percent", "25", "max.block.ms", "3600000"));
  warm_up();
  broker_server_pause(broker);
  sendoff_record record = large_record(1, 0);
  while ((status = sendoff_try_send(producer, &record)) == SENDOFF_OK) {
  }
  begin(&first, 1, 1);
  UNTIL(counters_of(producer).threads_waiting == 1);
  begin(&second, 2, 2);
  pthread_join(second.thread, NULL);
  ck_assert_int_eq(second.status, SENDOFF_OK);
  ck_assert_int_eq(first.status, 77);
  broker_server_continue(broker);
  pthread_join(first.thread, NULL);
  ck_assert_int_eq(first.status, SENDOFF_OK);
}
END_TEST

/* Nothing but a wait for space asks for the lingering batches that hold it. */
START_TEST(waiting_for_space_ends_linger) {
  uint64_t count;
  producer =
      producer_open(NULL, SETTINGS("buffer.memory", "65536", "partition.buffer.percent", "100", "linger.ms",
                                   "3600000", "delivery.timeout.ms", "7200000", "batch.size", "32768"));
  warm_up();
  ck_assert_int_eq(fill(&count), SENDOFF_BUFFER_FULL);
  ck_assert_int_eq(sendoff_wait_for_space(producer, LARGE, PATIENCE_MS), SENDOFF_OK);
}
END_TEST

START_TEST(close_ends_the_wait_for_memory) {
  struct sending waiters[4];
  uint64_t count;
  open_shared("none", "3600000");
  warm_up();
  broker_server_pause(broker);
  ck_assert_int_eq(fill(&count), SENDOFF_BUFFER_FULL);
  for (unsigned i = 0; i < 4; i++)
    begin(&waiters[i], 0, i);
  UNTIL(counters_of(producer).threads_waiting == 4);
  ck_assert_int_eq(sendoff_close(producer, 0), SENDOFF_TIMED_OUT);
  for (unsigned i = 0; i < 4; i++) {
    pthread_join(waiters[i].thread, NULL);
    ck_assert_int_eq(waiters[i].status, SENDOFF_CLOSED);
  }
}
END_TEST

static void *send_large_sync(void *argument) {
  struct sending *sending = argument;
  sendoff_record record = large_record(sending->partition, sending->opaque);
  sendoff_report report;
  sending->status = sendoff_send_sync(producer, &record, -1, &report);
  return NULL;
}

START_TEST(a_wake_ends_send_sync_before_its_record_is_accepted) {
  struct sending sending = {.status = 77};
  uint64_t count;
  open_shared("none", "3600000");
  warm_up();
  broker_server_pause(broker);
  ck_assert_int_eq(fill(&count), SENDOFF_BUFFER_FULL);
  ck_assert_int_eq(pthread_create(&sending.thread, NULL, send_large_sync, &sending), 0);
  UNTIL(counters_of(producer).threads_waiting == 1);
  UNTIL(sendoff_wake(producer) == SENDOFF_OK && sending.status != 77);
  pthread_join(sending.thread, NULL);
  ck_assert_int_eq(sending.status, SENDOFF_INTERRUPTED);
  ck_assert_uint_eq(counters_of(producer).records_accepted, count + 4);
  broker_server_continue(broker);
}
END_TEST

/* ---- unread reports ---- */

START_TEST(unread_reports_hold_memory_and_are_named) {
  uint64_t count = 0;
  sendoff_report reports[64];
  size_t taken;
  int32_t status;
  open_shared("queue", "20");
  do {
    sendoff_record record = large_record((int32_t)(count % 4), count);
    status = sendoff_send(producer, &record);
    if (status == SENDOFF_OK) count++;
    ck_assert_int_eq(sendoff_flush(producer, PATIENCE_MS, NULL), SENDOFF_OK); /* made, though unread */
  } while (status == SENDOFF_OK);
  ck_assert_int_eq(status, SENDOFF_REPORTS_UNREAD);
  ck_assert_int_eq(sendoff_wait_for_space(producer, LARGE, 0), SENDOFF_REPORTS_UNREAD);
  sendoff_record record = large_record(0, 0);
  ck_assert_int_eq(sendoff_try_send(producer, &record), SENDOFF_REPORTS_UNREAD);
  ck_assert_uint_eq(counters_of(producer).reports_unread, count);
  ck_assert_uint_eq(counters_of(producer).records_pending, 0);
  size_t total = 0;
  while (sendoff_poll(producer, reports, 64, 0, &taken) == SENDOFF_OK)
    total += taken;
  ck_assert_uint_eq(total, count);
  ck_assert_uint_eq(counters_of(producer).buffer_bytes_used, 0);
  ck_assert_int_eq(sendoff_try_send(producer, &record), SENDOFF_OK);
}
END_TEST

static void *wait_for_space(void *status) {
  *(atomic_int *)status = sendoff_wait_for_space(producer, LARGE, -1);
  return NULL;
}

/* The sender sleeps and has no part in it. */
START_TEST(reading_reports_serves_those_who_wait) {
  struct sending sending;
  atomic_int waited = 77;
  pthread_t thread;
  uint64_t count = 0;
  sendoff_report reports[64];
  size_t taken;
  open_shared("queue", "3600000");
  for (;; count++) {
    sendoff_record record = large_record((int32_t)(count % 4), count);
    if (sendoff_try_send(producer, &record) != SENDOFF_OK) break;
    ck_assert_int_eq(sendoff_flush(producer, PATIENCE_MS, NULL), SENDOFF_OK);
  }
  begin(&sending, 0, 0);
  ck_assert_int_eq(pthread_create(&thread, NULL, wait_for_space, &waited), 0);
  UNTIL(counters_of(producer).threads_waiting == 2);
  ck_assert_int_eq(sendoff_poll(producer, reports, 64, 0, &taken), SENDOFF_OK);
  pthread_join(sending.thread, NULL);
  pthread_join(thread, NULL);
  ck_assert_int_eq(sending.status, SENDOFF_OK);
  ck_assert_int_eq(waited, SENDOFF_OK);
}
END_TEST

static sendoff_record staged_record(uint64_t opaque) {
  sendoff_record record = record_of("twelve", (int32_t)(opaque % 12), large, opaque);
  record.value_bytes = 3000;
  return record;
}

/* Staged records that found no room beside unread reports go on when these are read: by poll, or by the
 * dispatcher's callbacks, while the sender sleeps. */
START_TEST(reading_reports_lets_staged_records_go_on) {
  bool by_queue = _i == 0;
  struct calls calls;
  calls_init(&calls);
  sendoff_callbacks callbacks = calls_callbacks(&calls);
  producer = producer_open(&callbacks, SETTINGS("buffer.memory", "65536", "partition.buffer.percent", "100",
                                                "delivery.report.mode", by_queue ? "queue" : "dispatcher"));
  uint64_t staged = 0, sent = 0;
  warm_up();
  calls.hold = true;
  broker_server_pause(broker);
  for (;; staged++) {
    sendoff_record record = staged_record(staged);
    if (sendoff_try_send(producer, &record) != SENDOFF_OK) break;
  }
  for (;; sent++) {
    sendoff_record record = large_record((int32_t)(sent % 4), 1000 + sent);
    record.value_bytes = 2000;
    if (sendoff_try_send(producer, &record) != SENDOFF_OK) break;
  }
  ck_assert_uint_ge(staged, 5);
  broker_server_continue(broker);
  UNTIL(counters_of(producer).records_delivered >= sent); /* and their reports hold the memory */
  calls.hold = false;
  size_t total = 0;
  while (by_queue && total < staged + sent + 4) {
    static sendoff_report reports[8];
    size_t taken;
    ck_assert_int_eq(sendoff_poll(producer, reports, 8, PATIENCE_MS, &taken), SENDOFF_OK);
    total += taken;
  }
  if (!by_queue) calls_await(&calls, staged + sent + 4);
  ck_assert_int_eq(broker_record_count("twelve", 12), (int64_t)staged);
  ck_assert_int_eq(sendoff_close(producer, PATIENCE_MS), SENDOFF_OK);
  sendoff_destroy(producer);
  UNTIL(calls.releases == 1);
  calls_deinit(&calls);
}
END_TEST

START_TEST(what_can_never_fit_is_refused_at_once) {
  open_shared("none", "3600000");
  static char huge[70000];
  sendoff_record record = record_of("one", 0, NULL, 0);
  record.value = huge;
  record.value_bytes = sizeof huge;
  ck_assert_int_eq(sendoff_send(producer, &record), SENDOFF_RECORD_TOO_LARGE);
  ck_assert_int_eq(sendoff_wait_for_space(producer, sizeof huge, -1), SENDOFF_RECORD_TOO_LARGE);
  ck_assert_int_eq(sendoff_wait_for_space(producer, SIZE_MAX, -1), SENDOFF_RECORD_TOO_LARGE);
  ck_assert_int_eq(sendoff_wait_for_space(producer, 0, -1), SENDOFF_OK);
}
END_TEST

/* Many threads, little memory: everybody gets through, and nothing is lost. */
static void *send_many(void *argument) {
  uint64_t number = *(uint64_t *)argument;
  for (uint64_t i = 0; i < 200; i++) {
    sendoff_record record = large_record((int32_t)((number + i) % 4), number * 1000 + i);
    record.value_bytes = (number * 7919 + i * 104729) % LARGE;
    ck_assert_int_eq(sendoff_send(producer, &record), SENDOFF_OK);
  }
  return NULL;
}

START_TEST(a_crowd_gets_through) {
  enum { CROWD = 16 };
  pthread_t threads[CROWD];
  uint64_t numbers[CROWD];
  open_shared("none", "3600000");
  for (uint64_t i = 0; i < CROWD; i++) {
    numbers[i] = i;
    ck_assert_int_eq(pthread_create(&threads[i], NULL, send_many, &numbers[i]), 0);
  }
  for (size_t i = 0; i < CROWD; i++)
    pthread_join(threads[i], NULL);
  ck_assert_int_eq(sendoff_close(producer, PATIENCE_MS), SENDOFF_OK);
  ck_assert_int_eq(broker_record_count("four", 4), CROWD * 200);
}
END_TEST

int main(void) {
  Suite *suite = suite_create("memory");
  TCase *tests = tcase_create("memory");
  tcase_set_timeout(tests, 120);
  tcase_add_checked_fixture(tests, set_up, tear_down);
  tcase_add_test(tests, a_full_buffer_refuses_at_once_or_in_time);
  tcase_add_test(tests, before_the_partitions_are_known_half_of_it_is_full);
  tcase_add_test(tests, a_partition_has_its_share_only);
  tcase_add_test(tests, waiters_are_served_in_order);
  tcase_add_test(tests, waiting_for_a_share_holds_nobody_up);
  tcase_add_test(tests, waiting_for_space_ends_linger);
  tcase_add_test(tests, close_ends_the_wait_for_memory);
  tcase_add_test(tests, a_wake_ends_send_sync_before_its_record_is_accepted);
  tcase_add_test(tests, unread_reports_hold_memory_and_are_named);
  tcase_add_test(tests, reading_reports_serves_those_who_wait);
  tcase_add_loop_test(tests, reading_reports_lets_staged_records_go_on, 0, 2);
  tcase_add_test(tests, what_can_never_fit_is_refused_at_once);
  tcase_add_test(tests, a_crowd_gets_through);
  suite_add_tcase(suite, tests);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_ENV);
  int failures = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failures != 0;
}
