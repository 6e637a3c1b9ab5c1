#include "support/tls_relay.h"

#include "protocol/api_versions.h"
#include "protocol/request_header.h"
#include "protocol/sasl_authenticate.h"
#include "protocol/sasl_handshake.h"
#include "protocol/wire.h"
#include "support/scram_server.h"
#include "support/tls_peer.h"
#include <arpa/inet.h>
#include <check.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { LINKS_MAX = 64, STEP_BYTES = 65536, INPUT_BYTES = 1 << 20, AUTHENTICATE_MAX = 2 };

/* A client's connection and the one to the broker for it. Of the relay's thread. */
struct link {
  int client, broker; /* -1: no such link */
  struct tls_peer peer;
  struct scram_server scram;
  bool has_begun; /* the login's first message is answered */
  uint8_t *input; /* what the client sent, in clear, and is no whole frame yet */
  size_t input_size;
};

struct tls_relay {
  uint16_t broker_port;
  SSL_CTX *context;
  const char *password;
  int listener, stop_read, stop_write;
  uint16_t port;
  pthread_t thread;
  struct link links[LINKS_MAX];
  atomic_uint handshakes, logins;
};

static void *run(void *argument);
static void open_link(struct tls_relay *relay);
static void close_link(struct tls_relay *relay, struct link *link);
static bool take_from_client(struct tls_relay *relay, struct link *link);
static bool take_from_broker(struct tls_relay *relay, struct link *link);
static bool handle_input(struct tls_relay *relay, struct link *link);
static bool handle_frame(struct tls_relay *relay, struct link *link, struct bytes frame);
static bool answer(struct tls_relay *relay, struct link *link, const struct request_header *header,
                   struct wire_reader *body);
static void write_versions(struct wire_writer *writer, int16_t version);
static bool write_login(struct tls_relay *relay, struct link *link, struct wire_writer *writer,
                        int16_t version, struct wire_reader *body);
static bool send_to_client(struct tls_relay *relay, struct link *link, struct bytes data);
static bool write_whole(int socket, struct bytes data);

static int connect_or_listen(uint16_t port, bool listens) {
  struct sockaddr_in address = {
      .sin_family = AF_INET, .sin_port = htons(port), .sin_addr = {.s_addr = htonl(INADDR_LOOPBACK)}};
  int made = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  ck_assert_int_ge(made, 0);
  if (listens) {
    ck_assert_int_eq(bind(made, (struct sockaddr *)&address, sizeof address), 0);
    ck_assert_int_eq(listen(made, LINKS_MAX), 0);
  } else if (connect(made, (struct sockaddr *)&address, sizeof address) != 0) {
    close(made);
    return -1;
  }
  return made;
}

struct tls_relay *tls_relay_start(uint16_t broker_port, SSL_CTX *context, const char *password) {
  struct tls_relay *relay = calloc(1, sizeof *relay);
  struct sockaddr_in address;
  socklen_t size = sizeof address;
  int ends[2];
  ck_assert_ptr_nonnull(relay);
  relay->broker_port = broker_port;
  relay->context = context;
  relay->password = password;
  for (size_t i = 0; i < LINKS_MAX; i++)
    relay->links[i].client = -1;
  relay->listener = connect_or_listen(0, true);
  ck_assert_int_eq(getsockname(relay->listener, (struct sockaddr *)&address, &size), 0);
  relay->port = ntohs(address.sin_port);
  ck_assert_int_eq(pipe(ends), 0);
  relay->stop_read = ends[0];
  relay->stop_write = ends[1];
  ck_assert_int_eq(pthread_create(&relay->thread, NULL, run, relay), 0);
  return relay;
}

void tls_relay_stop(struct tls_relay *relay) {
  close(relay->stop_write);
  pthread_join(relay->thread, NULL);
  for (size_t i = 0; i < LINKS_MAX; i++)
    if (relay->links[i].client >= 0) close_link(relay, &relay->links[i]);
  close(relay->listener);
  close(relay->stop_read);
  free(relay);
}

uint16_t tls_relay_port(const struct tls_relay *relay) {
  return relay->port;
}

uint32_t tls_relay_handshakes(const struct tls_relay *relay) {
  return relay->handshakes;
}

uint32_t tls_relay_logins(const struct tls_relay *relay) {
  return relay->logins;
}

static void *run(void *argument) {
  struct tls_relay *relay = argument;
  for (;;) {
    struct pollfd polled[2 + 2 * LINKS_MAX] = {{.fd = relay->stop_read, .events = POLLIN},
                                               {.fd = relay->listener, .events = POLLIN}};
    for (size_t i = 0; i < LINKS_MAX; i++) {
      const struct link *link = &relay->links[i];
      polled[2 + 2 * i] = (struct pollfd){.fd = link->client, .events = POLLIN};
      polled[3 + 2 * i] = (struct pollfd){.fd = link->client < 0 ? -1 : link->broker, .events = POLLIN};
    }
    if (poll(polled, 2 + 2 * LINKS_MAX, -1) < 0) continue;
    if (polled[0].revents != 0) return NULL;
    for (size_t i = 0; i < LINKS_MAX; i++) {
      bool goes_on = polled[2 + 2 * i].revents == 0 || take_from_client(relay, &relay->links[i]);
      if (goes_on && polled[3 + 2 * i].revents != 0) goes_on = take_from_broker(relay, &relay->links[i]);
      if (!goes_on) close_link(relay, &relay->links[i]);
    }
    if (polled[1].revents != 0) open_link(relay);
  }
}

static void open_link(struct tls_relay *relay) {
  int client = accept(relay->listener, NULL, NULL);
  int to_broker = client < 0 ? -1 : connect_or_listen(relay->broker_port, false);
  struct link *link = relay->links;
  while (link < relay->links + LINKS_MAX && link->client >= 0)
    link++;
  if (to_broker < 0 || link == relay->links + LINKS_MAX) {
    if (client >= 0) close(client);
    if (to_broker >= 0) close(to_broker);
    return;
  }
  *link = (struct link){.client = client, .broker = to_broker, .input = malloc(INPUT_BYTES)};
  ck_assert_ptr_nonnull(link->input);
  if (relay->context != NULL) tls_peer_open(&link->peer, relay->context);
  if (relay->password != NULL) scram_server_init(&link->scram, "SHA256", relay->password);
}

static void close_link(struct tls_relay *relay, struct link *link) {
  close(link->client);
  close(link->broker);
  free(link->input);
  if (relay->context != NULL) tls_peer_close(&link->peer);
  link->client = -1;
}

static bool take_from_client(struct tls_relay *relay, struct link *link) {
  static uint8_t bytes[STEP_BYTES];
  ssize_t count = read(link->client, bytes, sizeof bytes);
  if (count <= 0) return false;
  struct bytes clear = bytes_of(bytes, (size_t)count);
  if (relay->context != NULL) {
    bool was_done = link->peer.is_handshake_done;
    tls_peer_put(&link->peer, clear);
    if (!was_done && link->peer.is_handshake_done) relay->handshakes++;
    if (!send_to_client(relay, link, bytes_of(NULL, 0)) || link->peer.has_failed) return false;
    clear = bytes_of(link->peer.received, link->peer.received_size);
    link->peer.received_size = 0;
  }
  if (clear.size > INPUT_BYTES - link->input_size) return false;
  if (clear.size > 0) memcpy(link->input + link->input_size, clear.data, clear.size);
  link->input_size += clear.size;
  return handle_input(relay, link);
}

static bool take_from_broker(struct tls_relay *relay, struct link *link) {
  static uint8_t bytes[STEP_BYTES];
  ssize_t count = read(link->broker, bytes, sizeof bytes);
  return count > 0 && send_to_client(relay, link, bytes_of(bytes, (size_t)count));
}

static bool handle_input(struct tls_relay *relay, struct link *link) {
  size_t at = 0;
  bool goes_on = true;
  while (goes_on && link->input_size - at >= REQUEST_SIZE_BYTES) {
    uint32_t size;
    memcpy(&size, link->input + at, sizeof size);
    size = ntohl(size);
    if (link->input_size - at - REQUEST_SIZE_BYTES < size) break;
    goes_on = handle_frame(relay, link, bytes_of(link->input + at, REQUEST_SIZE_BYTES + size));
    at += REQUEST_SIZE_BYTES + size;
  }
  memmove(link->input, link->input + at, link->input_size - at);
  link->input_size -= at;
  return goes_on;
}

static bool handle_frame(struct tls_relay *relay, struct link *link, struct bytes frame) {
  struct bytes request = bytes_of(frame.data + REQUEST_SIZE_BYTES, frame.size - REQUEST_SIZE_BYTES);
  struct wire_reader reader = wire_reader_of(request);
  struct request_header header;
  request_header_read(&reader, &header);
  if (reader.failed) return false;
  bool is_of_logins = header.api_key == API_API_VERSIONS || api_versions_is_of_logins(header.api_key);
  if (relay->password == NULL || !is_of_logins) return write_whole(link->broker, frame);
  return answer(relay, link, &header, &reader);
}

static bool answer(struct tls_relay *relay, struct link *link, const struct request_header *header,
                   struct wire_reader *body) {
  struct wire_writer writer = {0};
  static const struct bytes mechanism = {(const uint8_t *)"SCRAM-SHA-256", 13};
  bool goes_on = true;
  wire_write_int32(&writer, 0); /* the frame's length */
  response_header_write(&writer, header->api_key, header->api_version, header->correlation_id);
  if (header->api_key == API_API_VERSIONS) {
    write_versions(&writer, header->api_version);
  } else if (header->api_key == API_SASL_HANDSHAKE) {
    sasl_handshake_response_write(&writer, 0, &mechanism, 1);
  } else {
    goes_on = write_login(relay, link, &writer, header->api_version, body);
  }
  uint32_t size = htonl((uint32_t)(writer.size - REQUEST_SIZE_BYTES));
  memcpy(writer.data, &size, sizeof size);
  goes_on = goes_on && send_to_client(relay, link, bytes_of(writer.data, writer.size));
  wire_writer_deinit(&writer);
  return goes_on;
}

/* All that there is, logins included. */
static void write_versions(struct wire_writer *writer, int16_t version) {
  uint32_t count;
  const struct api_range *ranges = api_ranges(&count);
  bool flexible = version >= 3;
  wire_write_int16(writer, 0);
  wire_write_array_count(writer, flexible, (int32_t)count);
  for (uint32_t i = 0; i < count; i++) {
    wire_write_int16(writer, ranges[i].key);
    wire_write_int16(writer, ranges[i].minimum);
    wire_write_int16(writer, ranges[i].maximum);
    wire_write_no_tags(writer, flexible);
  }
  if (version >= 1) wire_write_int32(writer, 0);
  wire_write_no_tags(writer, flexible);
}

static bool write_login(struct tls_relay *relay, struct link *link, struct wire_writer *writer,
                        int16_t version, struct wire_reader *body) {
  struct bytes token;
  sasl_authenticate_request_read(body, version, &token);
  if (body->failed || version > AUTHENTICATE_MAX) return false;
  bool good =
      link->has_begun ? scram_server_finish(&link->scram, token) : scram_server_begin(&link->scram, token);
  if (good && link->has_begun) relay->logins++;
  const char *text = link->has_begun ? link->scram.final : link->scram.first;
  link->has_begun = true;
  const struct sasl_authenticate_response response = {.error_code = good ? 0 : 58,
                                                      .token = bytes_of_string(good ? text : "")};
  sasl_authenticate_response_write(writer, version, &response);
  return true;
}

static bool send_to_client(struct tls_relay *relay, struct link *link, struct bytes data) {
  if (relay->context == NULL) return write_whole(link->client, data);
  static uint8_t bytes[STEP_BYTES];
  if (data.size > 0) tls_peer_write(&link->peer, data);
  for (size_t count; (count = tls_peer_take(&link->peer, bytes, sizeof bytes)) > 0;)
    if (!write_whole(link->client, bytes_of(bytes, count))) return false;
  return true;
}

static bool write_whole(int socket, struct bytes data) {
  while (data.size > 0) {
    ssize_t count = send(socket, data.data, data.size, MSG_NOSIGNAL);
    if (count <= 0) return false;
    data = bytes_of(data.data + count, data.size - (size_t)count);
  }
  return true;
}
