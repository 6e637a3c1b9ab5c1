/* unreachable BOOTSTRAP TOPIC RECORDS [name=value ...]: sends where no broker is and closes at once. Exits
 * with 0 if every record was reported as not delivered, once. */
#include "support.h"

static void count_reports(void *user, const sendoff_report *reports, size_t count) {
  _Atomic uint64_t *not_delivered = user;
  for (size_t i = 0; i < count; i++)
    *not_delivered += reports[i].outcome == SENDOFF_OUTCOME_NOT_DELIVERED ? 1 : UINT32_MAX;
}

int main(int argument_count, char **arguments) {
  if (argument_count < 4) fail("usage", "BOOTSTRAP TOPIC RECORDS [name=value ...]");
  uint64_t count = parse_count(arguments[3]);
  _Atomic uint64_t not_delivered = 0;
  sendoff_callbacks callbacks = {
      .size = sizeof callbacks, .user = &not_delivered, .on_reports = count_reports};
  sendoff_producer *producer = producer_of(arguments[1], arguments + 4, argument_count - 4, &callbacks);
  for (uint64_t i = 0; i < count; i++) {
    sendoff_record record = {
        .size = sizeof record, .topic = arguments[2], .value = "v", .value_bytes = 1, .opaque = i};
    expect_ok(sendoff_send(producer, &record), "send");
  }
  int32_t closed = sendoff_close(producer, 100);
  sendoff_destroy(producer);
  return closed == SENDOFF_TIMED_OUT && not_delivered == count ? 0 : 1;
}
