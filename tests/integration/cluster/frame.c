#include "frame.h"

#include "../programs/support.h"
#include "checksum.h"

#include <string.h>

/* Offsets in a record batch of magic 2. */
enum {
  LENGTH_AT = 8,
  LENGTH_COUNTS_FROM = 12,
  MAGIC_AT = 16,
  CHECKSUM_AT = 17,
  CHECKED_FROM = 21,
  PRODUCER_ID_AT = 43,
  BATCH_HEAD_BYTES = 61,
};

static const int64_t OTHER_PRODUCER = (int64_t)1 << 32;

static uint64_t read_number(const uint8_t *bytes, size_t size) {
  uint64_t number = 0;
  for (size_t i = 0; i < size; i++)
    number = number << 8 | bytes[i];
  return number;
}

static void write_number(uint8_t *bytes, size_t size, uint64_t number) {
  for (size_t i = size; i-- > 0; number >>= 8)
    bytes[i] = (uint8_t)number;
}

size_t frame_bytes(const uint8_t *bytes, size_t size) {
  if (size < FRAME_LENGTH_BYTES) return 0;
  uint64_t length = read_number(bytes, FRAME_LENGTH_BYTES);
  if (length > FRAME_BYTES_MAX) fail("frame", "has a length that is none");
  return FRAME_LENGTH_BYTES + (size_t)length;
}

struct request_head frame_parse_head(const uint8_t *frame, size_t size) {
  enum { HEAD_BYTES = 10 };
  struct request_head head = {.api_key = -1};
  if (size < FRAME_LENGTH_BYTES + HEAD_BYTES) return head;
  const uint8_t *at = frame + FRAME_LENGTH_BYTES;
  head.api_key = (int16_t)read_number(at, 2);
  int16_t client_bytes = (int16_t)read_number(at + 8, 2);
  size_t rest = size - FRAME_LENGTH_BYTES - HEAD_BYTES;
  if (client_bytes <= 0 || (size_t)client_bytes > rest) return head;
  size_t kept = (size_t)client_bytes < CLIENT_ID_BYTES_MAX ? (size_t)client_bytes : CLIENT_ID_BYTES_MAX - 1;
  memcpy(head.client_id, at + HEAD_BYTES, kept);
  return head;
}

static size_t batch_bytes(const uint8_t *batch) {
  return LENGTH_COUNTS_FROM + (size_t)read_number(batch + LENGTH_AT, 4);
}

static uint32_t compute_checksum(const uint8_t *batch) {
  return crc32c_of(batch + CHECKED_FROM, batch_bytes(batch) - CHECKED_FROM);
}

uint32_t batch_checksum(const uint8_t *batch) {
  return (uint32_t)read_number(batch + CHECKSUM_AT, 4);
}

uint8_t *frame_next_batch(uint8_t *frame, size_t size, size_t *at) {
  for (; *at + BATCH_HEAD_BYTES <= size; (*at)++) {
    uint8_t *batch = frame + *at;
    if (batch[MAGIC_AT] != 2) continue;
    size_t bytes = batch_bytes(batch);
    if (bytes < BATCH_HEAD_BYTES || bytes > size - *at || compute_checksum(batch) != batch_checksum(batch))
      continue;
    *at += bytes;
    return batch;
  }
  return NULL;
}

void batch_restamp(uint8_t *batch) {
  uint64_t producer = read_number(batch + PRODUCER_ID_AT, 8);
  write_number(batch + PRODUCER_ID_AT, 8, producer + (uint64_t)OTHER_PRODUCER);
  write_number(batch + CHECKSUM_AT, 4, compute_checksum(batch));
}

bool batch_alter(uint8_t *batch, uint32_t choice) {
  static const char mark[] = " pad=";
  size_t bytes = batch_bytes(batch), from = BATCH_HEAD_BYTES + choice % (bytes - BATCH_HEAD_BYTES);
  uint8_t *pad = memmem(batch + from, bytes - from, mark, sizeof mark - 1);
  if (pad == NULL) pad = memmem(batch, bytes, mark, sizeof mark - 1);
  if (pad == NULL || pad + sizeof mark > batch + bytes) return false;
  pad[sizeof mark - 1] ^= 0x10;
  write_number(batch + CHECKSUM_AT, 4, compute_checksum(batch));
  return true;
}
