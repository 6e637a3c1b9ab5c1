/* partition_of BOOTSTRAP TOPIC KEYS [name=value ...]: sends one record for each key (a line of hexadecimal
 * digits) and prints the partition that each landed on, a line each. */
#include "support.h"

#include <stdio.h>
#include <stdlib.h>

enum { KEY_BYTES_MAX = 4096 };

static void note_partitions(void *user, const sendoff_report *reports, size_t count) {
  int32_t *partitions = user;
  for (size_t i = 0; i < count; i++)
    partitions[reports[i].opaque] =
        reports[i].outcome == SENDOFF_OUTCOME_DELIVERED ? reports[i].partition : -1;
}

static uint8_t nibble(char digit) {
  if (digit >= '0' && digit <= '9') return (uint8_t)(digit - '0');
  if (digit >= 'a' && digit <= 'f') return (uint8_t)(digit - 'a' + 10);
  fail("KEYS", "has something else than hexadecimal digits");
}

static void send_key(sendoff_producer *producer, const char *topic, struct text line, uint64_t number) {
  uint8_t key[KEY_BYTES_MAX];
  if (line.size / 2 > sizeof key || line.size % 2 != 0) fail("KEYS", "a key is too long or odd");
  for (size_t i = 0; i < line.size / 2; i++)
    key[i] = (uint8_t)(nibble(line.bytes[2 * i]) << 4 | nibble(line.bytes[2 * i + 1]));
  sendoff_record record = {.size = sizeof record,
                           .topic = topic,
                           .key = key,
                           .key_bytes = line.size / 2,
                           .value = "v",
                           .value_bytes = 1,
                           .opaque = number};
  expect_ok(sendoff_send(producer, &record), "send");
}

int main(int argument_count, char **arguments) {
  if (argument_count < 4) fail("usage", "BOOTSTRAP TOPIC KEYS [name=value ...]");
  struct text keys = map_text(arguments[3]);
  size_t count = 0;
  for (size_t at = 0; next_line(keys, &at).bytes != NULL;)
    count++;
  int32_t *partitions = calloc(count, sizeof *partitions);
  if (partitions == NULL) fail("KEYS", "are too many");
  sendoff_callbacks callbacks = {.size = sizeof callbacks, .user = partitions, .on_reports = note_partitions};
  sendoff_producer *producer = producer_of(arguments[1], arguments + 4, argument_count - 4, &callbacks);
  size_t at = 0;
  for (uint64_t number = 0; number < count; number++)
    send_key(producer, arguments[2], next_line(keys, &at), number);
  expect_ok(sendoff_close(producer, 60000), "close");
  sendoff_destroy(producer);
  for (size_t i = 0; i < count; i++)
    (void)printf("%d\n", partitions[i]);
  free(partitions);
  return 0;
}
