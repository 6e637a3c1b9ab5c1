/* idle BOOTSTRAP TOPIC [name=value ...]: delivers one record, prints "idle" and does nothing until it is
 * ended. */
#include "support.h"

#include <stdio.h>
#include <unistd.h>

int main(int argument_count, char **arguments) {
  if (argument_count < 3) fail("usage", "BOOTSTRAP TOPIC [name=value ...]");
  sendoff_producer *producer = producer_of(arguments[1], arguments + 3, argument_count - 3, NULL);
  sendoff_record record = {.size = sizeof record, .topic = arguments[2], .value = "idle", .value_bytes = 4};
  sendoff_report report;
  expect_ok(sendoff_send_sync(producer, &record, 30000, &report), "send_sync");
  (void)puts("idle");
  (void)fflush(stdout);
  for (;;)
    (void)pause();
}
