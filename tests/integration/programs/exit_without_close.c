/* exit_without_close HOW BOOTSTRAP TOPIC INPUT [name=value ...]
 * Sends the lines of a file and ends without flush and close. HOW: return (from main), thread (another thread
 * calls exit), signal (waits for one that ends it, after printing "sent"). */
#include "support.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void *call_exit(void *argument) {
  (void)argument;
  exit(0);
}

static void send_lines(sendoff_producer *producer, const char *topic, struct text input) {
  size_t at = 0;
  uint64_t number = 0;
  for (struct text line = next_line(input, &at); line.bytes != NULL; line = next_line(input, &at)) {
    struct text key = key_of_line(line);
    sendoff_record record = {.size = sizeof record,
                             .topic = topic,
                             .key = key.bytes,
                             .key_bytes = key.size,
                             .value = line.bytes,
                             .value_bytes = line.size,
                             .opaque = number++};
    expect_ok(sendoff_send(producer, &record), "send");
  }
}

int main(int argument_count, char **arguments) {
  if (argument_count < 5) fail("usage", "HOW BOOTSTRAP TOPIC INPUT [name=value ...]");
  const char *how = arguments[1];
  sendoff_producer *producer = producer_of(arguments[2], arguments + 5, argument_count - 5, NULL);
  send_lines(producer, arguments[3], map_text(arguments[4]));
  if (strcmp(how, "return") == 0) return 0;
  pthread_t thread;
  if (strcmp(how, "thread") == 0 && pthread_create(&thread, NULL, call_exit, NULL) != 0)
    fail("thread", "not made");
  (void)puts("sent");
  (void)fflush(stdout);
  for (;;)
    (void)pause();
}
