#include "support/hostile.h"

#include <check.h>
#include <stdlib.h>

static uint8_t *copy_exactly(struct bytes input) {
  uint8_t *copy = malloc(input.size == 0 ? 1 : input.size);
  ck_assert_ptr_nonnull(copy);
  if (input.size > 0) memcpy(copy, input.data, input.size);
  return copy;
}

static bool decodes(const uint8_t *data, size_t size, int16_t version, hostile_decoder *decode) {
  struct wire_reader reader = wire_reader_of(bytes_of(data, size));
  decode(&reader, version);
  ck_assert(reader.at >= data && reader.at <= data + size);
  return !reader.failed && wire_reader_left(&reader) == 0;
}

void hostile_truncate(struct bytes message, int16_t version, hostile_decoder *decode) {
  for (size_t size = 0; size <= message.size; size++) {
    uint8_t *copy = copy_exactly(bytes_of(message.data, size));
    bool accepted = decodes(copy, size, version, decode);
    free(copy);
    ck_assert_msg(accepted == (size == message.size), "version %d, %zu of %zu bytes", version, size,
                  message.size);
  }
}

void hostile_corrupt(struct bytes message, int16_t version, hostile_decoder *decode) {
  static const uint8_t values[] = {0x00, 0x01, 0x02, 0x7f, 0x80, 0x81, 0xfe, 0xff};
  uint8_t *copy = copy_exactly(message);
  for (size_t at = 0; at < message.size; at++) {
    for (size_t i = 0; i < sizeof values; i++) {
      copy[at] = values[i];
      decodes(copy, message.size, version, decode);
    }
    copy[at] = message.data[at];
  }
  free(copy);
}

void hostile_check(const struct wire_writer *message, int16_t version, hostile_decoder *decode) {
  ck_assert(!message->failed);
  hostile_truncate(bytes_of(message->data, message->size), version, decode);
  hostile_corrupt(bytes_of(message->data, message->size), version, decode);
}

void expect_text(struct bytes actual, const char *expected) {
  struct bytes wanted = bytes_of_string(expected);
  ck_assert_msg((actual.data == NULL) == (expected == NULL), "null is not what was expected");
  ck_assert_msg(bytes_equal(actual, wanted), "\"%.*s\" is not \"%s\"", (int)actual.size,
                (const char *)actual.data, expected == NULL ? "" : expected);
}
