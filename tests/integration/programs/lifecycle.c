/* lifecycle BOOTSTRAP TOPIC RECORDS [name=value ...]: create, send with keys and headers, flush, send again,
 * close, destroy. Exits with 0 if every record was delivered. */
#include "support.h"

#include <stdatomic.h>
#include <string.h>

static void count_delivered(void *user, const sendoff_report *reports, size_t count) {
  _Atomic uint64_t *delivered = user;
  for (size_t i = 0; i < count; i++)
    *delivered += reports[i].outcome == SENDOFF_OUTCOME_DELIVERED;
}

static void send_records(sendoff_producer *producer, const char *topic, uint64_t count) {
  static const sendoff_header headers[] = {{"trace", 5, "0123456789abcdef", 16}, {"trace", 5, NULL, 0}};
  for (uint64_t i = 0; i < count; i++) {
    sendoff_record record = {.size = sizeof record,
                             .set = SENDOFF_SET_TIMESTAMP,
                             .topic = topic,
                             .key = i % 3 == 0 ? NULL : &i,
                             .key_bytes = i % 3 == 0 ? 0 : sizeof i,
                             .value = i % 5 == 0 ? "" : "a value of some length",
                             .value_bytes = i % 5 == 0 ? 0 : strlen("a value of some length"),
                             .headers = headers,
                             .header_count = i % 3,
                             .timestamp_ms = 1700000000000 + (int64_t)i,
                             .opaque = i};
    expect_ok(sendoff_send(producer, &record), "send");
  }
}

int main(int argument_count, char **arguments) {
  if (argument_count < 4) fail("usage", "BOOTSTRAP TOPIC RECORDS [name=value ...]");
  uint64_t count = parse_count(arguments[3]);
  _Atomic uint64_t delivered = 0;
  sendoff_callbacks callbacks = {.size = sizeof callbacks, .user = &delivered, .on_reports = count_delivered};
  sendoff_producer *producer = producer_of(arguments[1], arguments + 4, argument_count - 4, &callbacks);
  send_records(producer, arguments[2], count / 2);
  sendoff_flush_result result = {.size = sizeof result};
  expect_ok(sendoff_flush(producer, 60000, &result), "flush");
  send_records(producer, arguments[2], count - count / 2);
  expect_ok(sendoff_close(producer, 60000), "close");
  sendoff_destroy(producer);
  return delivered == count ? 0 : 1;
}
