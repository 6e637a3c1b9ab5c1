/* null_broker PARTITIONS [PEM]: the cheapest broker that a producer will talk to. It reads just enough of
 * each request to acknowledge it and throws the records away, so that a benchmark measures the client. Every
 * topic exists. It listens on 127.0.0.1, prints its port first and, when told to end by SIGTERM, one line of
 * JSON with what it got. It trusts its clients: it belongs to benchmarks, not to tests. PEM: it speaks TLS
 * with the certificate and the key in that file (compiled with NULL_BROKER_TLS). */
#include "big_endian.h"
#include "broker_socket.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { PRODUCE = 0, METADATA = 3, API_VERSIONS = 18, INIT_PRODUCER_ID = 22 };
enum { FRAME_BYTES_MAX = 64 << 20, FIRST_BUFFER_BYTES = 4 << 20, ANSWER_BYTES_MAX = 1 << 20, EVENTS = 64 };
enum { UNSUPPORTED_VERSION = 35, PRODUCER_ID = 4000, NODE_ID = 1, NONE = 0xffff };
enum { BATCH_HEADER_BYTES = 61, BATCH_LENGTH_AT = 8, BATCH_PREFIX_BYTES = 12, BATCH_COUNT_AT = 57 };

/* Key, first and last version: all from before the flexible encodings, so that this file stays small. Clients
 * want to see the APIs of consumers too, although none is called. */
static const uint16_t supported[][3] = {{PRODUCE, 3, 7},
                                        {1, 4, 10},
                                        {2, 1, 1},
                                        {METADATA, 0, 5},
                                        {8, 2, 2},
                                        {9, 1, 1},
                                        {10, 0, 0},
                                        {11, 0, 0},
                                        {12, 0, 0},
                                        {13, 0, 0},
                                        {14, 0, 0},
                                        {17, 0, 1},
                                        {API_VERSIONS, 0, 2},
                                        {19, 2, 2},
                                        {20, 1, 1},
                                        {INIT_PRODUCER_ID, 0, 1},
                                        {24, 0, 0},
                                        {25, 0, 0},
                                        {26, 0, 0},
                                        {28, 0, 0},
                                        {36, 0, 0}};

/* What one client has sent and is not yet answered. buffer_bytes grows to the largest frame. */
struct link {
  struct broker_socket socket;
  uint8_t *buffer;
  size_t filled_bytes, buffer_bytes;
};

/* A request behind its header, and where its answer is being written. */
struct exchange {
  const uint8_t *request;
  uint8_t *answer;
  uint16_t version;
};

static uint16_t own_port;
static uint32_t partition_count;
static uint64_t record_count, batch_bytes, batch_count, request_count;
static uint64_t next_offset;
static volatile sig_atomic_t ending;

static void die(const char *what) {
  (void)fprintf(stderr, "null_broker: %s: %s\n", what, strerror(errno));
  exit(1);
}

static void put_answer_u16(struct exchange *exchange, uint16_t value) {
  exchange->answer = put_u16(exchange->answer, value);
}

static void put_answer_u32(struct exchange *exchange, uint32_t value) {
  exchange->answer = put_u32(exchange->answer, value);
}

static void put_answer_u64(struct exchange *exchange, uint64_t value) {
  exchange->answer = put_u64(exchange->answer, value);
}

static uint16_t take_u16(struct exchange *exchange) {
  exchange->request += 2;
  return get_u16(exchange->request - 2);
}

static uint32_t take_u32(struct exchange *exchange) {
  exchange->request += 4;
  return get_u32(exchange->request - 4);
}

/* Copies a name from the request into the answer. */
static void copy_name(struct exchange *exchange) {
  uint16_t size = take_u16(exchange);
  exchange->answer = put_text(exchange->answer, exchange->request, size);
  exchange->request += size;
}

/* To a version that is not known, the answer of version 0 says which are. */
static void answer_api_versions(struct exchange *exchange) {
  uint16_t error = exchange->version > 2 ? UNSUPPORTED_VERSION : 0;
  put_answer_u16(exchange, error);
  put_answer_u32(exchange, sizeof supported / sizeof *supported);
  for (size_t i = 0; i < sizeof supported / sizeof *supported; i++)
    for (size_t column = 0; column < 3; column++)
      put_answer_u16(exchange, supported[i][column]);
  if (error == 0 && exchange->version >= 1) put_answer_u32(exchange, 0);
}

static void answer_topic_metadata(struct exchange *exchange) {
  put_answer_u16(exchange, 0);
  copy_name(exchange);
  if (exchange->version >= 1) *exchange->answer++ = 0;
  put_answer_u32(exchange, partition_count);
  for (uint32_t partition = 0; partition < partition_count; partition++) {
    put_answer_u16(exchange, 0);
    put_answer_u32(exchange, partition);
    put_answer_u32(exchange, NODE_ID);
    for (int list = 0; list < 2; list++) { /* replicas, in-sync replicas */
      put_answer_u32(exchange, 1);
      put_answer_u32(exchange, NODE_ID);
    }
    if (exchange->version >= 5) put_answer_u32(exchange, 0);
  }
}

static void answer_metadata(struct exchange *exchange) {
  static const char host[] = "127.0.0.1", cluster[] = "benchmark";
  uint32_t topics = take_u32(exchange);
  if (topics == UINT32_MAX) topics = 0;
  if (exchange->version >= 3) put_answer_u32(exchange, 0);
  put_answer_u32(exchange, 1);
  put_answer_u32(exchange, NODE_ID);
  exchange->answer = put_text(exchange->answer, host, sizeof host - 1);
  put_answer_u32(exchange, own_port);
  if (exchange->version >= 1) put_answer_u16(exchange, NONE);
  if (exchange->version >= 2) exchange->answer = put_text(exchange->answer, cluster, sizeof cluster - 1);
  if (exchange->version >= 1) put_answer_u32(exchange, NODE_ID);
  put_answer_u32(exchange, topics);
  for (uint32_t topic = 0; topic < topics; topic++)
    answer_topic_metadata(exchange);
}

static void answer_init_producer_id(struct exchange *exchange) {
  put_answer_u32(exchange, 0);
  put_answer_u16(exchange, 0);
  put_answer_u64(exchange, PRODUCER_ID);
  put_answer_u16(exchange, 0);
}

/* The records in one partition's bytes, by the headers of its batches. */
static uint64_t count_records(const uint8_t *batches, uint32_t size) {
  uint64_t records = 0;
  for (const uint8_t *end = batches + size; batches + BATCH_HEADER_BYTES <= end;) {
    records += get_u32(batches + BATCH_COUNT_AT);
    batches += BATCH_PREFIX_BYTES + get_u32(batches + BATCH_LENGTH_AT);
    batch_count++;
  }
  return records;
}

static void answer_partition(struct exchange *exchange) {
  uint32_t partition = take_u32(exchange), size = take_u32(exchange);
  uint64_t records = count_records(exchange->request, size);
  exchange->request += size;
  record_count += records;
  batch_bytes += size;
  put_answer_u32(exchange, partition);
  put_answer_u16(exchange, 0);
  put_answer_u64(exchange, next_offset);
  put_answer_u64(exchange, UINT64_MAX); /* no time of the log */
  if (exchange->version >= 5) put_answer_u64(exchange, 0);
  next_offset += records;
}

static void answer_produce(struct exchange *exchange) {
  uint16_t transaction_bytes = take_u16(exchange);
  exchange->request += (transaction_bytes == NONE ? 0 : transaction_bytes) + 2 + 4; /* acks, timeout */
  uint32_t topics = take_u32(exchange);
  put_answer_u32(exchange, topics);
  for (uint32_t topic = 0; topic < topics; topic++) {
    copy_name(exchange);
    uint32_t partitions = take_u32(exchange);
    put_answer_u32(exchange, partitions);
    for (uint32_t partition = 0; partition < partitions; partition++)
      answer_partition(exchange);
  }
  put_answer_u32(exchange, 0);
}

/* frame: key, version, correlation id, client's name, then the request. The answer: its size, the correlation
 * id, the rest. */
static void answer_frame(struct broker_socket *socket, const uint8_t *frame) {
  static uint8_t answer[ANSWER_BYTES_MAX];
  uint16_t name_bytes = get_u16(frame + 8);
  struct exchange exchange = {.request = frame + 10 + (name_bytes == NONE ? 0 : name_bytes),
                              .answer = put_u32(answer + 4, get_u32(frame + 4)),
                              .version = get_u16(frame + 2)};
  request_count++;
  switch (get_u16(frame)) {
  case API_VERSIONS: answer_api_versions(&exchange); break;
  case METADATA: answer_metadata(&exchange); break;
  case INIT_PRODUCER_ID: answer_init_producer_id(&exchange); break;
  case PRODUCE: answer_produce(&exchange); break;
  default: (void)fprintf(stderr, "null_broker: API %u is not answered\n", get_u16(frame)); return;
  }
  (void)put_u32(answer, (uint32_t)(exchange.answer - answer - 4));
  (void)broker_socket_send(socket, answer, (size_t)(exchange.answer - answer));
}

static void grow(struct link *link, size_t needed_bytes) {
  if (needed_bytes <= link->buffer_bytes) return;
  if (needed_bytes > FRAME_BYTES_MAX) die("a frame is too large");
  link->buffer = realloc(link->buffer, needed_bytes);
  if (link->buffer == NULL) die("memory");
  link->buffer_bytes = needed_bytes;
}

/* Answers every whole frame and moves the rest to the front. */
static void answer_frames(struct link *link) {
  size_t at = 0;
  while (link->filled_bytes - at >= 4) {
    size_t size = get_u32(link->buffer + at);
    grow(link, size + 4);
    if (link->filled_bytes - at < size + 4) break;
    answer_frame(&link->socket, link->buffer + at + 4);
    at += size + 4;
  }
  memmove(link->buffer, link->buffer + at, link->filled_bytes - at);
  link->filled_bytes -= at;
}

static void close_link(struct link *link) {
  broker_socket_close(&link->socket);
  free(link->buffer);
  free(link);
}

static void read_link(struct link *link) {
  do {
    ssize_t received = broker_socket_receive(&link->socket, link->buffer + link->filled_bytes,
                                             link->buffer_bytes - link->filled_bytes);
    if (received <= 0) {
      close_link(link);
      return;
    }
    link->filled_bytes += (size_t)received;
    answer_frames(link);
  } while (broker_socket_has_more(&link->socket));
}

static void accept_link(int poller, int listener) {
  int one = 1, socket = accept(listener, NULL, NULL);
  if (socket < 0) return;
  (void)setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  struct link *link = calloc(1, sizeof *link);
  if (link == NULL) die("memory");
  if (!broker_socket_open(&link->socket, socket)) {
    close_link(link);
    return;
  }
  grow(link, FIRST_BUFFER_BYTES);
  struct epoll_event event = {.events = EPOLLIN, .data.ptr = link};
  if (epoll_ctl(poller, EPOLL_CTL_ADD, socket, &event) != 0) die("epoll");
  if (broker_socket_has_more(&link->socket)) read_link(link); /* it came with the end of the handshake */
}

static int listen_on_loopback(void) {
  int listener = socket(AF_INET, SOCK_STREAM, 0);
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t size = sizeof address;
  if (listener < 0 || bind(listener, (struct sockaddr *)&address, size) != 0 || listen(listener, 64) != 0 ||
      getsockname(listener, (struct sockaddr *)&address, &size) != 0)
    die("listen");
  own_port = ntohs(address.sin_port);
  return listener;
}

static void end(int number) {
  (void)number;
  ending = 1;
}

static void serve(int listener) {
  int poller = epoll_create1(0);
  struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL};
  if (poller < 0 || epoll_ctl(poller, EPOLL_CTL_ADD, listener, &event) != 0) die("epoll");
  while (!ending) {
    struct epoll_event events[EVENTS];
    int ready = epoll_wait(poller, events, EVENTS, -1);
    for (int i = 0; i < ready; i++) {
      if (events[i].data.ptr == NULL)
        accept_link(poller, listener);
      else
        read_link(events[i].data.ptr);
    }
  }
}

int main(int argument_count, char **arguments) {
  if (argument_count != 2 && argument_count != 3) {
    (void)fprintf(stderr, "usage: %s PARTITIONS [PEM]\n", arguments[0]);
    return 2;
  }
  if (argument_count == 3 && !broker_socket_load(arguments[2])) die(arguments[2]);
  partition_count = (uint32_t)strtoul(arguments[1], NULL, 10);
  struct sigaction action = {.sa_handler = end}, ignore = {.sa_handler = SIG_IGN};
  if (sigaction(SIGTERM, &action, NULL) != 0 || sigaction(SIGPIPE, &ignore, NULL) != 0) die("sigaction");
  int listener = listen_on_loopback();
  (void)printf("%u\n", own_port);
  (void)fflush(stdout);
  serve(listener);
  (void)printf("{\"requests\": %" PRIu64 ", \"batches\": %" PRIu64 ", \"records\": %" PRIu64
               ", \"bytes\": %" PRIu64 "}\n",
               request_count, batch_count, record_count, batch_bytes);
  return 0;
}
