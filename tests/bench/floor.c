/* floor PORT RECORDS BYTES: what any client must spend. One thread frames record batches by hand, checksums
 * them in hardware and keeps two requests in flight on one socket: no queue, no locks, no callbacks. */
#include "big_endian.h"
#include "measure.h"
#include "payload.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <nmmintrin.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
  BATCH_BYTES = 256 << 10,
  REQUEST_BYTES_MAX = 2 << 20,
  IN_FLIGHT = 2,
  PRODUCER_ID = 4000,
  PRODUCE_VERSION = 7
};
enum { BATCH_HEADER_BYTES = 61, BATCH_CHECKED_AT = 21, BATCH_LENGTH_AT = 12 };

static void die(const char *what) {
  (void)fprintf(stderr, "floor: %s: %s\n", what, strerror(errno));
  exit(1);
}

static uint32_t checksum(const uint8_t *bytes, size_t size) {
  uint64_t crc = UINT32_MAX;
  for (; size >= 8; bytes += 8, size -= 8) {
    uint64_t word;
    memcpy(&word, bytes, sizeof word);
    crc = _mm_crc32_u64(crc, word);
  }
  for (; size > 0; bytes++, size--)
    crc = _mm_crc32_u8((uint32_t)crc, *bytes);
  return ~(uint32_t)crc;
}

static uint64_t zigzag(int64_t value) {
  return (uint64_t)value << 1 ^ (uint64_t)(value >> 63);
}

static uint8_t *put_varint(uint8_t *at, int64_t value) {
  uint64_t rest = zigzag(value);
  for (; rest >= 0x80; rest >>= 7)
    *at++ = (uint8_t)(rest | 0x80);
  *at++ = (uint8_t)rest;
  return at;
}

static int64_t varint_bytes(int64_t value) {
  int64_t size = 1;
  for (uint64_t rest = zigzag(value); rest >= 0x80; rest >>= 7)
    size++;
  return size;
}

/* attributes, time, offset, key (null), value, headers (none) */
static uint8_t *put_record(uint8_t *at, int32_t offset, const char *value, uint32_t value_bytes) {
  int64_t size = 1 + 1 + varint_bytes(offset) + 1 + varint_bytes(value_bytes) + value_bytes + 1;
  at = put_varint(at, size);
  *at++ = 0;
  *at++ = 0;
  at = put_varint(at, offset);
  at = put_varint(at, -1);
  at = put_varint(at, value_bytes);
  memcpy(at, value, value_bytes);
  at += value_bytes;
  *at++ = 0;
  return at;
}

static void finish_batch(uint8_t *batch, const uint8_t *end, int32_t records, uint32_t sequence) {
  uint32_t size = (uint32_t)(end - batch);
  uint8_t *at = put_u64(batch, 0);
  at = put_u32(at, size - BATCH_LENGTH_AT);
  at = put_u32(at, 0); /* leader epoch */
  *at++ = 2;           /* format */
  uint8_t *crc = at;
  at = put_u16(at + 4, 0);
  at = put_u32(at, (uint32_t)records - 1);
  at = put_u64(at, 0);
  at = put_u64(at, 0);
  at = put_u64(at, PRODUCER_ID);
  at = put_u16(at, 0);
  at = put_u32(at, sequence);
  (void)put_u32(at, (uint32_t)records);
  (void)put_u32(crc, checksum(batch + BATCH_CHECKED_AT, size - BATCH_CHECKED_AT));
}

/* A produce request for one partition, up to its records; returns where they begin. */
static uint8_t *put_request_head(uint8_t *request, uint32_t correlation) {
  uint8_t *at = put_u16(request + 4, 0);
  at = put_u16(at, PRODUCE_VERSION);
  at = put_u32(at, correlation);
  at = put_text(at, "floor", 5);
  at = put_u16(at, UINT16_MAX); /* no transaction */
  at = put_u16(at, UINT16_MAX); /* acks=all */
  at = put_u32(at, 30000);
  at = put_u32(at, 1);
  at = put_text(at, "floor", 5);
  at = put_u32(at, 1);
  at = put_u32(at, 0);
  return at + 4;
}

static void send_all(int socket, const uint8_t *bytes, size_t size) {
  while (size > 0) {
    ssize_t sent = send(socket, bytes, size, 0);
    if (sent < 0) die("send");
    bytes += sent;
    size -= (size_t)sent;
  }
}

static void receive_all(int socket, uint8_t *bytes, size_t size) {
  while (size > 0) {
    ssize_t received = recv(socket, bytes, size, 0);
    if (received <= 0) die("recv");
    bytes += received;
    size -= (size_t)received;
  }
}

static void receive_answer(int socket) {
  static uint8_t answer[4096];
  uint8_t size[4];
  receive_all(socket, size, sizeof size);
  if (get_u32(size) > sizeof answer) die("an answer is too large");
  receive_all(socket, answer, get_u32(size));
}

/* One request full of records from number first on; returns how many. */
static int32_t send_request(int socket, const char *text, uint64_t first, uint64_t count, uint32_t bytes,
                            uint32_t request_id) {
  static uint8_t request[REQUEST_BYTES_MAX];
  uint8_t *batch = put_request_head(request, request_id), *at = batch + BATCH_HEADER_BYTES;
  int32_t records = 0;
  while (first + (uint64_t)records < count && at - batch < BATCH_BYTES) {
    struct timespec now; /* a producer stamps each record */
    (void)clock_gettime(CLOCK_REALTIME_COARSE, &now);
    at = put_record(at, records, payload_at(text, first + (uint64_t)records, bytes), bytes);
    records++;
  }
  finish_batch(batch, at, records, (uint32_t)first);
  (void)put_u32(batch - 4, (uint32_t)(at - batch));
  (void)put_u32(request, (uint32_t)(at - request - 4));
  send_all(socket, request, (size_t)(at - request));
  return records;
}

static int connect_to(uint16_t port) {
  int one = 1, link = socket(AF_INET, SOCK_STREAM, 0);
  struct sockaddr_in address = {
      .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  if (link < 0 || connect(link, (struct sockaddr *)&address, sizeof address) != 0) die("connect");
  (void)setsockopt(link, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  return link;
}

int main(int argument_count, char **arguments) {
  if (argument_count != 4) {
    (void)fprintf(stderr, "usage: %s PORT RECORDS BYTES\n", arguments[0]);
    return 2;
  }
  static char text[PAYLOAD_BYTES];
  payload_fill(text);
  int link = connect_to((uint16_t)strtoul(arguments[1], NULL, 10));
  uint64_t count = strtoull(arguments[2], NULL, 10), sent = 0;
  uint32_t bytes = (uint32_t)strtoul(arguments[3], NULL, 10), requests = 0;
  struct stopwatch begun = stopwatch_read();
  while (sent < count) {
    sent += (uint64_t)send_request(link, text, sent, count, bytes, requests++);
    if (requests >= IN_FLIGHT) receive_answer(link);
  }
  for (uint32_t owed = requests < IN_FLIGHT ? requests : IN_FLIGHT - 1; owed > 0; owed--)
    receive_answer(link);
  print_throughput("floor", count, bytes, sent, 0, begun);
  return 0;
}
