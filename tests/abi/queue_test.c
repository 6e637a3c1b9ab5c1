/* Reports and events that the host fetches: the queue, its descriptor, rare events, and the end of waits. */
#include "abi/support/brokers.h"
#include "abi/support/producers.h"
#include "protocol/api.h"
#include <check.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

static sendoff_producer *producer;
static sendoff_report reports[4096];

static void set_up(void) {
  broker_start();
}

static void tear_down(void) {
  sendoff_close(producer, 0);
  sendoff_destroy(producer);
  broker_stop();
}

static void open_queue(void) {
  producer = producer_open(NULL, SETTINGS("delivery.report.mode", "queue"));
}

static bool is_readable(int32_t descriptor, int timeout_ms) {
  struct pollfd polled = {.fd = descriptor, .events = POLLIN};
  int count = poll(&polled, 1, timeout_ms);
  ck_assert_int_ge(count, 0);
  return count == 1 && (polled.revents & POLLIN) != 0;
}

/* ---- the descriptor ---- */

START_TEST(the_descriptor_is_readable_while_reports_are_unread) {
  int32_t descriptor = -1;
  size_t count = 0;
  open_queue();
  ck_assert_int_eq(sendoff_report_descriptor(producer, &descriptor), SENDOFF_OK);
  for (int round = 0; round < 5; round++) {
    ck_assert(!is_readable(descriptor, 0));
    for (uint64_t i = 0; i < 10; i++)
      send_ok(producer, "one", 0, "value", i);
    ck_assert_int_eq(sendoff_flush(producer, PATIENCE_MS, NULL), SENDOFF_OK);
    for (size_t left = 10; left > 0; left--) {
      ck_assert(is_readable(descriptor, 0)); /* level-triggered: asked as often as one likes */
      ck_assert(is_readable(descriptor, 0));
      ck_assert_int_eq(sendoff_poll(producer, reports, 1, 0, &count), SENDOFF_OK);
    }
  }
  ck_assert(!is_readable(descriptor, 0));
}
END_TEST

START_TEST(the_descriptor_ends_the_wait_of_an_event_loop) {
  int32_t descriptor = -1;
  size_t count = 0, total = 0;
  open_queue();
  ck_assert_int_eq(sendoff_report_descriptor(producer, &descriptor), SENDOFF_OK);
  for (uint64_t i = 0; i < 1000; i++)
    send_ok(producer, "four", (int32_t)(i % 4), "value", i);
  while (total < 1000) {
    ck_assert(is_readable(descriptor, PATIENCE_MS));
    ck_assert_int_eq(sendoff_poll(producer, reports, 7, 0, &count), SENDOFF_OK);
    total += count;
  }
  ck_assert_uint_eq(total, 1000);
}
END_TEST

START_TEST(the_descriptor_is_readable_for_ever_once_closed) {
  int32_t descriptor = -1;
  size_t count = 0;
  open_queue();
  ck_assert_int_eq(sendoff_report_descriptor(producer, &descriptor), SENDOFF_OK);
  send_ok(producer, "one", 0, "value", 1);
  ck_assert_int_eq(sendoff_close(producer, PATIENCE_MS), SENDOFF_OK);
  ck_assert(is_readable(descriptor, 0));
  ck_assert_int_eq(sendoff_poll(producer, reports, 10, 0, &count), SENDOFF_OK); /* closed, yet to be read */
  ck_assert_uint_eq(count, 1);
  ck_assert(is_readable(descriptor, 0));
  ck_assert_int_eq(sendoff_poll(producer, reports, 10, -1, &count), SENDOFF_CLOSED);
  ck_assert(is_readable(descriptor, 0));
  ck_assert_int_eq(sendoff_report_descriptor(producer, &descriptor), SENDOFF_OK);
}
END_TEST

START_TEST(other_modes_have_no_queue) {
  int32_t descriptor = 77;
  size_t count = 77;
  producer = producer_open(NULL, SETTINGS("delivery.report.mode", "callback"));
  ck_assert_int_eq(sendoff_report_descriptor(producer, &descriptor), SENDOFF_NOT_CONFIGURED);
  ck_assert_int_eq(sendoff_poll(producer, reports, 1, 0, &count), SENDOFF_NOT_CONFIGURED);
  ck_assert_int_eq(descriptor, 77);
  ck_assert_uint_eq(count, 77);
}
END_TEST

/* ---- many readers ---- */

static atomic_size_t polled_total;
static atomic_uint seen[4096];

static void *poll_until_closed(void *unused) {
  sendoff_report mine[5];
  size_t count;
  int32_t status;
  (void)unused;
  while ((status = sendoff_poll(producer, mine, 5, -1, &count)) == SENDOFF_OK) {
    polled_total += count;
    for (size_t i = 0; i < count; i++)
      seen[mine[i].opaque]++;
  }
  ck_assert_int_eq(status, SENDOFF_CLOSED);
  return NULL;
}

START_TEST(several_threads_share_the_reports) {
  pthread_t threads[8];
  open_queue();
  for (size_t i = 0; i < 8; i++)
    ck_assert_int_eq(pthread_create(&threads[i], NULL, poll_until_closed, NULL), 0);
  for (uint64_t i = 0; i < 4096; i++)
    send_ok(producer, "four", (int32_t)(i % 4), "value", i);
  ck_assert_int_eq(sendoff_close(producer, PATIENCE_MS), SENDOFF_OK);
  for (size_t i = 0; i < 8; i++)
    ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
  ck_assert_uint_eq(polled_total, 4096);
  for (size_t i = 0; i < 4096; i++)
    ck_assert_uint_eq(seen[i], 1);
}
END_TEST

/* ---- events ---- */

START_TEST(log_lines_come_as_events) {
  sendoff_event event = {.size = sizeof event};
  producer = producer_open(NULL, SETTINGS("linger.ms", "200000", "client.id", "talker"));
  ck_assert_int_eq(sendoff_poll_event(producer, &event, PATIENCE_MS), SENDOFF_OK);
  ck_assert_uint_eq(event.size, sizeof event);
  ck_assert_uint_eq(event.kind, SENDOFF_EVENT_LOG);
  ck_assert_int_eq(event.number, 5); /* a note on the settings, a notice */
  ck_assert_ptr_nonnull(strstr(event.text, "delivery.timeout.ms"));
  ck_assert_int_eq(event.status, SENDOFF_OK);
  ck_assert_int_eq(event.broker, -1);
}
END_TEST

START_TEST(throttling_comes_as_an_event) {
  sendoff_event event = {.size = sizeof event};
  broker_inject(&(struct broker_fault){.api_key = API_PRODUCE, .partition = -1, .throttle_ms = 3});
  producer = producer_open(NULL, NULL);
  send_ok(producer, "one", 0, "value", 1);
  do
    ck_assert_int_eq(sendoff_poll_event(producer, &event, PATIENCE_MS), SENDOFF_OK);
  while (event.kind != SENDOFF_EVENT_THROTTLED);
  ck_assert_int_eq(event.number, 3);
  ck_assert_int_eq(event.broker, 1);
  ck_assert_str_eq(event.text, "");
  UNTIL(counters_of(producer).throttled_ms == 3);
}
END_TEST

START_TEST(events_that_found_no_room_are_counted) {
  sendoff_event event = {.size = sizeof event};
  producer =
      producer_open(NULL, SETTINGS("event.queue.capacity", "1", "linger.ms", "200000", "log.level", "7"));
  ck_assert_int_eq(sendoff_flush(producer, 0, NULL), SENDOFF_OK);
  UNTIL(counters_of(producer).connections_opened > 0);
  ck_assert_int_eq(sendoff_close(producer, PATIENCE_MS), SENDOFF_OK);
  ck_assert_int_eq(sendoff_poll_event(producer, &event, 0), SENDOFF_OK);
  ck_assert_uint_eq(event.kind, SENDOFF_EVENT_LOST);
  ck_assert_int_ge(event.number, 1);
  ck_assert_int_eq(sendoff_poll_event(producer, &event, 0), SENDOFF_OK);
  ck_assert_uint_eq(event.kind, SENDOFF_EVENT_LOG);
  ck_assert_int_eq(sendoff_poll_event(producer, &event, -1), SENDOFF_CLOSED);
}
END_TEST

START_TEST(without_a_queue_there_are_no_events) {
  sendoff_event event = {.size = sizeof event, .kind = 77};
  producer =
      producer_open(NULL, SETTINGS("event.queue.capacity", "0", "linger.ms", "200000", "log.level", "7"));
  ck_assert_int_eq(sendoff_poll_event(producer, &event, 0), SENDOFF_TIMED_OUT);
  ck_assert_int_eq(sendoff_close(producer, PATIENCE_MS), SENDOFF_OK);
  ck_assert_int_eq(sendoff_poll_event(producer, &event, -1), SENDOFF_CLOSED);
  ck_assert_uint_eq(event.kind, 77);
}
END_TEST

/* ---- wake ---- */

enum wait {
  WAIT_POLL,
  WAIT_EVENT,
  WAIT_FLUSH,
  WAIT_SPACE,
  WAIT_SEND,
  WAIT_CONNECT,
  WAIT_PARTITIONS,
  WAIT_BATCH,
  WAIT_COUNT
};

struct waiter {
  enum wait wait;
  atomic_int status; /* 77: still waiting */
  pthread_t thread;
};

static int32_t wait_in(enum wait wait) {
  static _Alignas(8) uint8_t packed[sizeof(sendoff_packed_record) + 60000];
  static char large[60000];
  size_t count = 0;
  sendoff_event event = {.size = sizeof event};
  sendoff_partitions *partitions;
  sendoff_record record = record_of("one", 0, NULL, 0);
  char error[64];
  int32_t status;
  uint32_t accepted;
  record.value = large;
  record.value_bytes = sizeof large;
  switch (wait) {
  case WAIT_POLL: return sendoff_poll(producer, reports, 1, -1, &count);
  case WAIT_EVENT:
    while ((status = sendoff_poll_event(producer, &event, -1)) == SENDOFF_OK) {
    }
    return status;
  case WAIT_FLUSH: return sendoff_flush(producer, -1, NULL);
  case WAIT_SPACE: return sendoff_wait_for_space(producer, 100000, -1);
  case WAIT_SEND: return sendoff_send(producer, &record);
  case WAIT_CONNECT: return sendoff_connect(producer, -1, error, sizeof error);
  case WAIT_PARTITIONS: return sendoff_partitions_for(producer, "other", -1, &partitions);
  case WAIT_BATCH:
    memcpy(packed, &(sendoff_packed_record){.key_bytes = -1, .value_bytes = 60000},
           sizeof(sendoff_packed_record));
    return sendoff_send_batch(producer, packed, sizeof packed, 1, 0, &accepted);
  case WAIT_COUNT: break;
  }
  return -1;
}

static void *run_wait(void *argument) {
  struct waiter *waiter = argument;
  waiter->status = wait_in(waiter->wait);
  return NULL;
}

/* A broker that never answers, and no memory. */
static void open_stuck(void) {
  static char large[60000];
  int32_t status;
  broker_server_pause(broker);
  producer = producer_open(NULL, SETTINGS("delivery.report.mode", "queue", "buffer.memory", "131072",
                                          "partition.buffer.percent", "100", "max.block.ms", "3600000"));
  sendoff_record record = record_of("one", 0, NULL, 0);
  record.value = large;
  record.value_bytes = sizeof large;
  while ((status = sendoff_try_send(producer, &record)) == SENDOFF_OK) {
  }
  ck_assert(status == SENDOFF_BUFFER_FULL || status == SENDOFF_PARTITION_BUFFER_FULL);
}

static void wake(int number) {
  (void)number;
  sendoff_wake(producer);
}

/* By a call, or by a signal handler on a thread that may be anywhere. */
START_TEST(a_wake_ends_every_wait) {
  struct waiter waiters[WAIT_COUNT];
  open_stuck();
  struct sigaction action = {.sa_handler = wake};
  ck_assert_int_eq(sigaction(SIGUSR1, &action, NULL), 0);
  for (int i = 0; i < WAIT_COUNT; i++) {
    waiters[i].wait = (enum wait)i;
    waiters[i].status = 77;
    ck_assert_int_eq(pthread_create(&waiters[i].thread, NULL, run_wait, &waiters[i]), 0);
  }
  for (int i = 0; i < WAIT_COUNT; i++) {
    /* One that comes just before a wait is missed by it, so it is repeated. */
    while (waiters[i].status == 77) {
      if (_i == 0)
        ck_assert_int_eq(sendoff_wake(producer), SENDOFF_OK);
      else
        pthread_kill(waiters[i].thread, SIGUSR1);
      sched_yield();
    }
    ck_assert_int_eq(pthread_join(waiters[i].thread, NULL), 0);
    ck_assert_int_eq(waiters[i].status, SENDOFF_INTERRUPTED);
  }
}
END_TEST

static void *close_without_limit(void *status) {
  *(atomic_int *)status = sendoff_close(producer, -1);
  return NULL;
}

static void *send_sync_without_limit(void *status) {
  sendoff_report report;
  sendoff_record record = record_of("one", 0, "value", 1);
  *(atomic_int *)status = sendoff_send_sync(producer, &record, -1, &report);
  return NULL;
}

START_TEST(a_wake_does_not_end_close_and_send_sync) {
  pthread_t threads[2];
  atomic_int closed = 77, sent = 77;
  broker_server_pause(broker);
  open_queue();
  ck_assert_int_eq(pthread_create(&threads[0], NULL, send_sync_without_limit, &sent), 0);
  UNTIL(counters_of(producer).records_accepted == 1);
  ck_assert_int_eq(pthread_create(&threads[1], NULL, close_without_limit, &closed), 0);
  sendoff_record record = record_of("one", 0, "value", 2);
  UNTIL(sendoff_try_send(producer, &record) == SENDOFF_CLOSED);
  for (int i = 0; i < 100; i++)
    ck_assert_int_eq(sendoff_wake(producer), SENDOFF_OK);
  size_t count;
  ck_assert_int_eq(sendoff_poll(producer, reports, 1, 20, &count) == SENDOFF_OK, false);
  ck_assert_int_eq(closed, 77);
  ck_assert_int_eq(sent, 77);
  broker_server_continue(broker);
  pthread_join(threads[0], NULL);
  pthread_join(threads[1], NULL);
  ck_assert_int_eq(closed, SENDOFF_OK);
  ck_assert_int_eq(sent, SENDOFF_OK);
}
END_TEST

static void *destroy_now(void *unused) {
  (void)unused;
  sendoff_destroy(producer);
  return NULL;
}

/* All of them are inside when the producer goes. */
START_TEST(a_destroy_ends_every_wait) {
  struct waiter waiters[WAIT_COUNT];
  pthread_t destroyer;
  atomic_int sent = 77;
  open_stuck();
  for (int i = 0; i < WAIT_COUNT; i++) {
    waiters[i].wait = (enum wait)i;
    waiters[i].status = 77;
    ck_assert_int_eq(pthread_create(&waiters[i].thread, NULL, run_wait, &waiters[i]), 0);
  }
  pthread_t sync;
  ck_assert_int_eq(pthread_create(&sync, NULL, send_sync_without_limit, &sent), 0);
  if (_i > 0)
    UNTIL(counters_of(producer).threads_waiting == 4); /* two sends, space, and the synchronous one */
  ck_assert_int_eq(pthread_create(&destroyer, NULL, destroy_now, NULL), 0);
  for (int i = 0; i < WAIT_COUNT; i++) {
    ck_assert_int_eq(pthread_join(waiters[i].thread, NULL), 0);
    ck_assert_int_eq(waiters[i].status, SENDOFF_CLOSED);
  }
  pthread_join(sync, NULL);
  pthread_join(destroyer, NULL);
  ck_assert_int_eq(sent, SENDOFF_CLOSED);
}
END_TEST

int main(void) {
  Suite *suite = suite_create("queue");
  TCase *tests = tcase_create("queue");
  tcase_set_timeout(tests, 120);
  tcase_add_checked_fixture(tests, set_up, tear_down);
  tcase_add_test(tests, the_descriptor_is_readable_while_reports_are_unread);
  tcase_add_test(tests, the_descriptor_ends_the_wait_of_an_event_loop);
  tcase_add_test(tests, the_descriptor_is_readable_for_ever_once_closed);
  tcase_add_test(tests, other_modes_have_no_queue);
  tcase_add_test(tests, several_threads_share_the_reports);
  tcase_add_test(tests, log_lines_come_as_events);
  tcase_add_test(tests, throttling_comes_as_an_event);
  tcase_add_test(tests, events_that_found_no_room_are_counted);
  tcase_add_test(tests, without_a_queue_there_are_no_events);
  tcase_add_loop_test(tests, a_wake_ends_every_wait, 0, 2);
  tcase_add_test(tests, a_wake_does_not_end_close_and_send_sync);
  tcase_add_loop_test(tests, a_destroy_ends_every_wait, 0, 10);
  suite_add_tcase(suite, tests);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_ENV);
  int failures = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failures != 0;
}
