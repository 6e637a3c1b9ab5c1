/* stress BOOTSTRAP TOPIC ROUNDS SEED MODE [name=value ...]
 * In each round 32 threads use one producer in every way at once, until one of them closes it; some go on
 * afterwards. Every record that was accepted must have exactly one report, release is called once, and a
 * destroyed handle is refused. MODE: sender, dispatcher or queue, as delivery.report.mode has them. Prints
 * how many records were accepted in all. */
#include "support.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
  THREADS = 32,
  RECORDS_MAX = 4096,
  ROUND_US = 150000,
  AFTER_CLOSE_STEPS = 50,
  RELEASE_TRIES = 30000,
  SETTINGS_MAX = 64
};

struct round;

/* accepted and random belong to the thread; reported is written wherever reports are delivered, one thread at
 * a time. */
struct worker {
  struct round *round;
  uint64_t number;
  uint64_t random;
  uint32_t next;
  bool accepted[RECORDS_MAX];
  _Atomic uint8_t reported[RECORDS_MAX];
  pthread_t thread;
};

struct round {
  sendoff_producer *producer;
  const char *topic_name;
  uint32_t topic;
  bool is_queued;
  _Atomic int closed;
  _Atomic int released;
  struct worker workers[THREADS];
};

static uint64_t next_random(struct worker *worker) {
  worker->random = worker->random * 6364136223846793005u + 1442695040888963407u;
  return worker->random >> 33;
}

static void note_report(struct round *round, const sendoff_report *report) {
  uint64_t thread = report->opaque >> 32, record = report->opaque & UINT32_MAX;
  if (thread >= THREADS || record >= RECORDS_MAX) fail("report", "of a record that nobody sent");
  if (report->outcome < SENDOFF_OUTCOME_DELIVERED || report->outcome > SENDOFF_OUTCOME_UNKNOWN)
    fail("report", "without an outcome");
  round->workers[thread].reported[record]++;
}

static void on_reports(void *user, const sendoff_report *reports, size_t count) {
  for (size_t i = 0; i < count; i++)
    note_report(user, &reports[i]);
}

static void on_release(void *user) {
  struct round *round = user;
  round->released++;
}

/* A refusal that this test can meet. */
static void expect_refusal(int32_t status) {
  if (status != SENDOFF_CLOSED && status != SENDOFF_BUFFER_FULL && status != SENDOFF_PARTITION_BUFFER_FULL &&
      status != SENDOFF_INTERRUPTED && status != SENDOFF_REPORTS_UNREAD)
    fail("send", sendoff_status_name(status));
}

static void send_sync(struct worker *worker, const sendoff_record *record, uint32_t index) {
  struct round *round = worker->round;
  sendoff_report report = {.outcome = 0};
  int32_t status = sendoff_send_sync(round->producer, record, (int64_t)(next_random(worker) % 50), &report);
  if (report.outcome != 0) {
    note_report(round, &report);
  } else if (status == SENDOFF_TIMED_OUT) {
    round->workers[worker->number]
        .reported[index]++; /* accepted; its report is dropped, which is what was asked for */
  } else {
    expect_refusal(status);
    return;
  }
  worker->accepted[index] = true;
}

static void send_packed(struct worker *worker, const void *value, int32_t value_bytes, uint32_t index) {
  union {
    sendoff_packed_record record;
    uint8_t bytes[512];
  } packed = {.record = {.opaque = worker->number << 32 | index,
                         .topic_id = worker->round->topic,
                         .key_bytes = -1,
                         .value_bytes = value_bytes}};
  memcpy(packed.bytes + sizeof packed.record, value, (size_t)value_bytes);
  size_t size = (sizeof packed.record + (size_t)value_bytes + 7) / 8 * 8;
  uint32_t accepted = 0;
  int32_t status = sendoff_send_batch(worker->round->producer, &packed, size, 1, SENDOFF_SET_TRY, &accepted);
  if (accepted == 0) expect_refusal(status);
  worker->accepted[index] = accepted == 1;
}

static void send_some(struct worker *worker) {
  static const char value[] = "a value that is neither long nor short, but of many different lengths";
  if (worker->next >= RECORDS_MAX) return;
  uint32_t index = worker->next++;
  struct round *round = worker->round;
  sendoff_record record = {.size = sizeof record,
                           .topic = round->topic_name,
                           .key = &worker->number,
                           .key_bytes = next_random(worker) % 2 * sizeof worker->number,
                           .value = value,
                           .value_bytes = next_random(worker) % sizeof value,
                           .opaque = worker->number << 32 | index};
  int32_t status;
  switch (next_random(worker) % 8) {
  case 0: send_sync(worker, &record, index); return;
  case 1: send_packed(worker, value, (int32_t)record.value_bytes, index); return;
  case 2:
    status = sendoff_send_flat(round->producer, round->topic, 0, 0, 0, NULL, 0, value, record.value_bytes,
                               NULL, 0, record.opaque);
    break;
  case 3: status = sendoff_try_send(round->producer, &record); break;
  default: status = sendoff_send(round->producer, &record); break;
  }
  if (status != SENDOFF_OK) expect_refusal(status);
  worker->accepted[index] = status == SENDOFF_OK;
}

/* False once everything has been read. */
static bool poll_some(struct round *round, int64_t timeout_ms) {
  sendoff_report reports[64];
  size_t count = 0;
  int32_t status =
      sendoff_poll(round->producer, reports, sizeof reports / sizeof *reports, timeout_ms, &count);
  if (status == SENDOFF_OK) on_reports(round, reports, count);
  return status != SENDOFF_CLOSED;
}

static void look_around(struct worker *worker) {
  sendoff_producer *producer = worker->round->producer;
  sendoff_counters counters = {.size = sizeof counters};
  sendoff_event event = {.size = sizeof event};
  char name[16];
  expect_ok(sendoff_get_counters(producer, &counters), "counters");
  (void)sendoff_poll_event(producer, &event, 0);
  (void)sendoff_topic_name(producer, worker->round->topic, name, sizeof name, NULL);
  (void)sendoff_wait_for_space(producer, 100, 1);
  (void)sendoff_wake(producer);
}

static void take_step(struct worker *worker) {
  struct round *round = worker->round;
  uint64_t choice = next_random(worker) % 256;
  if (choice == 0) {
    int32_t status = sendoff_flush(round->producer, (int64_t)(next_random(worker) % 20), NULL);
    if (status != SENDOFF_OK && status != SENDOFF_TIMED_OUT && status != SENDOFF_INTERRUPTED &&
        status != SENDOFF_CLOSED)
      fail("flush", sendoff_status_name(status));
  } else if (choice < 3) {
    look_around(worker);
  } else if (choice < 10 && round->is_queued) {
    (void)poll_some(round, 0);
  } else {
    send_some(worker);
  }
}

static void *work(void *argument) {
  struct worker *worker = argument;
  struct round *round = worker->round;
  int64_t end_us = now_us() + ROUND_US;
  while (!round->closed && now_us() < end_us)
    take_step(worker);
  if (worker->number % 8 == 0) {
    round->closed = 1;
    (void)sendoff_close(round->producer, (int64_t)(next_random(worker) % 100));
  }
  for (int i = 0; i < AFTER_CLOSE_STEPS; i++)
    take_step(worker);
  return NULL;
}

static uint64_t settle_accounts(const struct round *round) {
  uint64_t accepted = 0;
  for (size_t thread = 0; thread < THREADS; thread++) {
    const struct worker *worker = &round->workers[thread];
    for (size_t record = 0; record < RECORDS_MAX; record++) {
      if (worker->reported[record] != worker->accepted[record]) fail("record", "has not exactly one report");
      accepted += worker->accepted[record] ? 1 : 0;
    }
  }
  return accepted;
}

static void run_threads(struct round *round, uint64_t seed) {
  for (uint64_t i = 0; i < THREADS; i++) {
    struct worker *worker = &round->workers[i];
    worker->round = round;
    worker->number = i;
    worker->random = seed * THREADS + i;
    if (pthread_create(&worker->thread, NULL, work, worker) != 0) fail("thread", "not made");
  }
  for (size_t i = 0; i < THREADS; i++)
    (void)pthread_join(round->workers[i].thread, NULL);
}

/* Destroys it and waits until nothing of it is left. */
static void part_with_producer(struct round *round) {
  sendoff_producer *producer = round->producer;
  sendoff_destroy(producer);
  for (int i = 0; round->released == 0 && i < RELEASE_TRIES; i++)
    sleep_us(1000);
  if (round->released != 1) fail("release", "was not called once");
  sendoff_destroy(producer);
  if (sendoff_flush(producer, 0, NULL) != SENDOFF_CLOSED) fail("a destroyed handle", "is not refused");
}

static uint64_t run_round(char **arguments, char *const *settings, int count, uint64_t seed) {
  struct round *round = calloc(1, sizeof *round);
  if (round == NULL) fail("round", "no memory");
  sendoff_callbacks callbacks = {.size = sizeof callbacks, .user = round, .release = on_release};
  round->is_queued = strcmp(arguments[5], "queue") == 0;
  if (!round->is_queued) callbacks.on_reports = on_reports;
  round->topic_name = arguments[2];
  round->producer = producer_of(arguments[1], settings, count, &callbacks);
  expect_ok(sendoff_topic(round->producer, arguments[2], &round->topic), "topic");
  run_threads(round, seed);
  (void)sendoff_close(round->producer, 0);
  while (round->is_queued && poll_some(round, -1)) {
  }
  part_with_producer(round);
  uint64_t accepted = settle_accounts(round);
  free(round);
  return accepted;
}

int main(int argument_count, char **arguments) {
  if (argument_count < 6) fail("usage", "BOOTSTRAP TOPIC ROUNDS SEED MODE [name=value ...]");
  char mode[64], waiting[] = "max.block.ms=5";
  char *settings[SETTINGS_MAX] = {mode, waiting};
  int count = 2;
  (void)snprintf(mode, sizeof mode, "delivery.report.mode=%s", arguments[5]);
  for (int i = 6; i < argument_count && count < SETTINGS_MAX; i++)
    settings[count++] = arguments[i];
  uint64_t accepted = 0, seed = parse_count(arguments[4]);
  for (uint64_t i = parse_count(arguments[3]); i > 0; i--)
    accepted += run_round(arguments, settings, count, seed + i);
  (void)printf("%" PRIu64 "\n", accepted);
  return accepted > 0 ? 0 : 1;
}
