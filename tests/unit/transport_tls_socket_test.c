/* TLS over the real transport: a peer at a socket of the loopback interface. */
#include "network/transport_tls.h"

#include "base/clock.h"
#include "base/status.h"
#include "network/transport_socket.h"
#include "support/tls_world.h"
#include <check.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
  EVENTS_MAX = 16,
  TOKEN = 7,
  DATA_BYTES = 700 * 1000,
  REASON_BYTES = 512,
  PATIENCE_US = 60 * 1000 * 1000,
};

static struct tls_world certificates;
static struct tls_settings settings;
static struct tls_peer_settings peer_settings;
static uint8_t data[DATA_BYTES];

static void set_up(void) {
  tls_world_open(&certificates);
  settings = tls_world_settings(&certificates);
  peer_settings = (struct tls_peer_settings){.own = &certificates.broker};
  for (size_t i = 0; i < DATA_BYTES; i++)
    data[i] = (uint8_t)(i * 31 >> 3);
}

static void tear_down(void) {
  tls_world_close(&certificates);
}

/* A TLS peer at a real socket, served by the test's own thread. */
struct socket_peer {
  struct tls_peer peer;
  int listener, descriptor;
  uint8_t left[16384];
  size_t left_start, left_end;
};

static void serve(struct socket_peer *peer) {
  static uint8_t bytes[65536];
  if (peer->descriptor < 0) peer->descriptor = accept4(peer->listener, NULL, NULL, SOCK_NONBLOCK);
  if (peer->descriptor < 0) return;
  ssize_t size = read(peer->descriptor, bytes, sizeof bytes);
  tls_peer_put(&peer->peer, bytes_of(bytes, size > 0 ? (size_t)size : 0));
  while (true) {
    if (peer->left_start == peer->left_end) {
      peer->left_start = 0;
      peer->left_end = tls_peer_take(&peer->peer, peer->left, sizeof peer->left);
      if (peer->left_end == 0) return;
    }
    size = write(peer->descriptor, peer->left + peer->left_start, peer->left_end - peer->left_start);
    if (size <= 0) return;
    peer->left_start += (size_t)size;
  }
}

static void listen_on_loopback(struct socket_peer *peer, struct address *address) {
  struct sockaddr_in bound = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t size = sizeof bound;
  peer->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  ck_assert_int_ge(peer->listener, 0);
  ck_assert_int_eq(bind(peer->listener, (struct sockaddr *)&bound, sizeof bound), 0);
  ck_assert_int_eq(listen(peer->listener, 8), 0);
  ck_assert_int_eq(getsockname(peer->listener, (struct sockaddr *)&bound, &size), 0);
  ck_assert(address_parse("127.0.0.1", ntohs(bound.sin_port), address));
}

/* A piece of the data that has not been sent, in two segments; whatever the kernel takes at a time. */
static size_t send_some(struct transport *transport, int64_t socket, size_t sent) {
  size_t left = DATA_BYTES - sent, head = left < 70 ? left : 70, count = 0;
  const struct transport_segment segments[] = {{.data = data + sent, .size = head},
                                               {.data = data + sent + head, .size = left - head}};
  if (left == 0) return 0;
  enum transport_outcome outcome =
      transport->operations->send(transport, socket, segments, head < left ? 2 : 1, &count);
  return outcome == TRANSPORT_DONE ? count : 0;
}

/* Sends all data, and receives as much. */
static void carry_both_ways(struct transport *transport, int64_t socket, struct socket_peer *peer) {
  static uint8_t back[DATA_BYTES];
  const struct transport_operations *operations = transport->operations;
  size_t sent = 0, received = 0, offered = 0, count = 0;
  int64_t end_us = clock_monotonic_us() + PATIENCE_US;
  while ((sent < DATA_BYTES || received < DATA_BYTES) && clock_monotonic_us() < end_us) {
    struct transport_event events[EVENTS_MAX];
    serve(peer);
    if (offered < DATA_BYTES) {
      size_t step = DATA_BYTES - offered < 30000 ? DATA_BYTES - offered : 30000;
      tls_peer_write(&peer->peer, bytes_of(data + offered, step));
      offered += step;
    }
    uint32_t found = operations->wait(transport, 1000, events, EVENTS_MAX);
    for (uint32_t i = 0; i < found; i++)
      if (events[i].kind == TRANSPORT_READABLE &&
          operations->receive(transport, socket, back + received, DATA_BYTES - received, &count) ==
              TRANSPORT_DONE)
        received += count;
    sent += send_some(transport, socket, sent);
    operations->want_write(transport, socket, sent < DATA_BYTES);
  }
  ck_assert_uint_eq(received, DATA_BYTES);
  ck_assert_mem_eq(back, data, DATA_BYTES);
  ck_assert_uint_eq(sent, DATA_BYTES);
}

START_TEST(real_sockets_carry_it_too) {
  static const struct transport_socket_settings socket_settings = {
      .send_buffer_bytes = 16384, .receive_buffer_bytes = -1, .no_delay = true};
  static struct socket_peer peer;
  peer = (struct socket_peer){.descriptor = -1};
  struct transport *inner = NULL, *transport = NULL;
  struct address address;
  char reason[REASON_BYTES];
  SSL_CTX *server = tls_peer_context(&peer_settings);
  struct tls_context *context = tls_world_context(&settings);
  listen_on_loopback(&peer, &address);
  tls_peer_open(&peer.peer, server);
  ck_assert_int_eq(transport_socket_create(&socket_settings, &inner), STATUS_OK);
  ck_assert_int_eq(transport_tls_create(inner, context, &transport), STATUS_OK);
  int64_t socket = -1, end_us = clock_monotonic_us() + PATIENCE_US;
  ck_assert_int_eq(
      transport->operations->connect(transport, &address, "127.0.0.1", TOKEN, &socket, reason, sizeof reason),
      STATUS_OK);
  struct transport_event events[EVENTS_MAX];
  uint32_t found = 0;
  while (found == 0 && clock_monotonic_us() < end_us) {
    serve(&peer);
    found = transport->operations->wait(transport, 1000, events, EVENTS_MAX);
  }
  ck_assert_uint_eq(found, 1);
  ck_assert_int_eq(events[0].kind, TRANSPORT_WRITABLE);
  int32_t status = transport->operations->connected(transport, socket, reason, sizeof reason);
  ck_assert_msg(status == STATUS_OK, "%s", reason);
  carry_both_ways(transport, socket, &peer);
  transport->operations->close(transport, socket);
  while (!peer.peer.has_ended && clock_monotonic_us() < end_us)
    serve(&peer);
  ck_assert(peer.peer.has_ended); /* what was reported has arrived, and the end behind it */
  ck_assert_uint_eq(peer.peer.received_size, DATA_BYTES);
  ck_assert_mem_eq(peer.peer.received, data, DATA_BYTES);
  transport->operations->destroy(transport);
  tls_peer_close(&peer.peer);
  close(peer.descriptor);
  close(peer.listener);
  tls_context_release(context);
  SSL_CTX_free(server);
}
END_TEST

int main(void) {
  Suite *suite = suite_create("transport_tls_socket");
  TCase *cases = tcase_create("sockets");
  tcase_add_checked_fixture(cases, set_up, tear_down);
  tcase_add_test(cases, real_sockets_carry_it_too);
  suite_add_tcase(suite, cases);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_NORMAL);
  int failed = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
