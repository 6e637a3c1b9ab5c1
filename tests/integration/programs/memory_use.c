/* memory_use BOOTSTRAP TOPIC RECORDS SIZE [name=value ...]
 * Sends RECORDS records of SIZE bytes as fast as the brokers take them and watches the process's anonymous
 * memory meanwhile. Prints one line of JSON with what it was before sendoff_create and at most, in bytes.
 * Exits with 0 if all records were delivered. */
#include "support.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { RECORD_BYTES_MAX = 1 << 20, WATCH_INTERVAL_US = 10000, PROGRESS_RECORDS = 10000 };

static _Atomic int finished;
static _Atomic uint64_t peak_bytes;

/* RssAnon of /proc/self/status, without memory of its own. */
static uint64_t anonymous_bytes(void) {
  char status[8192];
  int file = open("/proc/self/status", O_RDONLY | O_CLOEXEC);
  ssize_t size = file < 0 ? -1 : read(file, status, sizeof status - 1);
  if (size <= 0) fail("/proc/self/status", strerror(errno));
  (void)close(file);
  status[size] = '\0';
  const char *line = strstr(status, "RssAnon:");
  if (line == NULL) fail("/proc/self/status", "has no RssAnon");
  return strtoull(line + sizeof "RssAnon:" - 1, NULL, 10) * 1024;
}

static void *watch(void *argument) {
  (void)argument;
  while (!atomic_load(&finished)) {
    uint64_t bytes = anonymous_bytes();
    if (bytes > atomic_load(&peak_bytes)) atomic_store(&peak_bytes, bytes);
    sleep_us(WATCH_INTERVAL_US);
  }
  return NULL;
}

static void on_reports(void *user, const sendoff_report *reports, size_t count) {
  (void)user, (void)reports, (void)count;
}

static void send_records(sendoff_producer *producer, const char *topic, uint64_t count, size_t size) {
  static char value[RECORD_BYTES_MAX];
  if (size > sizeof value) fail("SIZE", "is too large");
  for (size_t i = 0; i < size; i++)
    value[i] = (char)('a' + i % 26);
  for (uint64_t i = 0; i < count; i++) {
    sendoff_record record = {
        .size = sizeof record, .topic = topic, .value = value, .value_bytes = size, .opaque = i};
    expect_ok(sendoff_send(producer, &record), "send");
    if (i % PROGRESS_RECORDS == 0) {
      (void)printf("progress %" PRIu64 "\n", i);
      (void)fflush(stdout);
    }
  }
}

int main(int argument_count, char **arguments) {
  if (argument_count < 5) fail("usage", "BOOTSTRAP TOPIC RECORDS SIZE [name=value ...]");
  uint64_t count = parse_count(arguments[3]);
  pthread_t watcher;
  if (pthread_create(&watcher, NULL, watch, NULL) != 0) fail("thread", "not made");
  (void)printf("progress 0\n");
  sleep_us(10 * WATCH_INTERVAL_US);
  uint64_t before_bytes = anonymous_bytes();
  sendoff_callbacks callbacks = {.size = sizeof callbacks, .on_reports = on_reports};
  sendoff_producer *producer = producer_of(arguments[1], arguments + 5, argument_count - 5, &callbacks);
  send_records(producer, arguments[2], count, parse_count(arguments[4]));
  expect_ok(sendoff_close(producer, -1), "close");
  sendoff_counters counters = {.size = sizeof counters};
  expect_ok(sendoff_get_counters(producer, &counters), "counters");
  sendoff_destroy(producer);
  atomic_store(&finished, 1);
  (void)pthread_join(watcher, NULL);
  (void)printf("{\"delivered\": %" PRIu64 ", \"before\": %" PRIu64 ", \"peak\": %" PRIu64
               ", \"buffer\": %" PRIu64 "}\n",
               counters.records_delivered, before_bytes, atomic_load(&peak_bytes),
               counters.buffer_bytes_total);
  return counters.records_delivered == count ? 0 : 1;
}
