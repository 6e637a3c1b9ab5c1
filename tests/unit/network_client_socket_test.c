/* The network client over real sockets, with a server on a thread of its own. */
#include "network/network_client.h"

#include "base/clock.h"
#include "base/random.h"
#include "base/status.h"
#include "network/transport_socket.h"
#include "protocol/api_versions.h"
#include "protocol/request_header.h"
#include <arpa/inet.h>
#include <check.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum { PEERS_MAX = 16, PEER_BYTES = 1 << 20, CALLS = 5, PAYLOAD_BYTES = 300 * 1000, S = 1000 * 1000 };

/* One accepted connection of the server. */
struct peer {
  int descriptor;
  uint8_t *input;
  size_t size;
};

/* Answers every request with as many bytes as it had, capped; hangs up after a random number of requests if
 * asked to. */
struct server {
  int listener;
  uint16_t port;
  uint32_t hang_up_within; /* 0: never */
  struct random random;
  struct peer peers[PEERS_MAX];
  uint32_t peer_count;
  atomic_bool stop;
  pthread_t thread;
};

/* A request that is sent again as soon as it has ended. */
struct loop_call {
  struct request request;
  struct wire_writer frame;
  struct transport_segment segments[2];
  bool is_open;
};

static struct server server;
static struct network_client *client;
static struct loop_call calls[CALLS];
static uint8_t payload[PAYLOAD_BYTES];
static uint32_t answered_count, failed_count;

static int64_t read_clock(void *context) {
  (void)context;
  return clock_monotonic_us();
}

/* ---- the server ---- */

static void write_all(int descriptor, const uint8_t *data, size_t size) {
  while (size > 0) {
    ssize_t count = send(descriptor, data, size, MSG_NOSIGNAL);
    if (count <= 0) return; /* the client has gone */
    data += count;
    size -= (size_t)count;
  }
}

static void answer(int descriptor, struct bytes frame) {
  struct wire_reader reader = wire_reader_of(frame);
  struct request_header header;
  struct wire_writer writer = {.data = NULL};
  request_header_read(&reader, &header);
  wire_write_int32(&writer, 0);
  response_header_write(&writer, header.api_key, header.api_version, header.correlation_id);
  if (header.api_key == API_API_VERSIONS)
    api_versions_response_write(&writer, header.api_version, 0);
  else
    wire_write_raw(&writer, bytes_of(frame.data, frame.size < 1000 ? frame.size : 1000));
  request_frame_finish(&writer, 0);
  write_all(descriptor, writer.data, writer.size);
  wire_writer_deinit(&writer);
}

/* False if the connection is to be closed. */
static bool serve(struct peer *peer) {
  ssize_t count = recv(peer->descriptor, peer->input + peer->size, PEER_BYTES - peer->size, 0);
  if (count <= 0) return false;
  peer->size += (size_t)count;
  while (peer->size >= 4 && peer->size - 4 >= bytes_load_u32(peer->input)) {
    size_t total = 4 + bytes_load_u32(peer->input);
    if (server.hang_up_within > 0 && random_below(&server.random, server.hang_up_within) == 0) return false;
    answer(peer->descriptor, bytes_of(peer->input + 4, total - 4));
    memmove(peer->input, peer->input + total, peer->size - total);
    peer->size -= total;
  }
  return true;
}

static void *run_server(void *unused) {
  while (!atomic_load(&server.stop)) {
    struct pollfd watched[PEERS_MAX + 1] = {{.fd = server.listener, .events = POLLIN}};
    for (uint32_t i = 0; i < server.peer_count; i++)
      watched[i + 1] = (struct pollfd){.fd = server.peers[i].descriptor, .events = POLLIN};
    uint32_t watched_count = server.peer_count;
    if (poll(watched, watched_count + 1, 20) <= 0) continue;
    for (uint32_t i = watched_count; i-- > 0;) {
      if (watched[i + 1].revents == 0 || serve(&server.peers[i])) continue;
      close(server.peers[i].descriptor);
      free(server.peers[i].input);
      server.peers[i] = server.peers[--server.peer_count];
    }
    if (watched[0].revents == 0 || server.peer_count == PEERS_MAX) continue;
    struct peer *peer = &server.peers[server.peer_count++];
    *peer = (struct peer){.descriptor = accept(server.listener, NULL, NULL), .input = malloc(PEER_BYTES)};
    const int one = 1; /* else small answers wait for the acknowledgement of the one before */
    setsockopt(peer->descriptor, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  }
  return unused;
}

static void start_server(uint32_t hang_up_within) {
  struct sockaddr_in bound = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t size = sizeof bound;
  server = (struct server){.hang_up_within = hang_up_within};
  random_seed(&server.random, 11);
  server.listener = socket(AF_INET, SOCK_STREAM, 0);
  ck_assert_int_eq(bind(server.listener, (struct sockaddr *)&bound, sizeof bound), 0);
  ck_assert_int_eq(listen(server.listener, 16), 0);
  ck_assert_int_eq(getsockname(server.listener, (struct sockaddr *)&bound, &size), 0);
  server.port = ntohs(bound.sin_port);
  ck_assert_int_eq(pthread_create(&server.thread, NULL, run_server, NULL), 0);
}

static void stop_server(void) {
  atomic_store(&server.stop, true);
  pthread_join(server.thread, NULL);
  for (uint32_t i = 0; i < server.peer_count; i++) {
    close(server.peers[i].descriptor);
    free(server.peers[i].input);
  }
  close(server.listener);
}

/* ---- the client ---- */

static void start_client(const char *host) {
  static const struct transport_socket_settings transport_settings = {
      .send_buffer_bytes = 200 * 1000, .receive_buffer_bytes = -1, .no_delay = true};
  const struct network_client_settings settings = {.client_id = bytes_of_string("test"),
                                                   .software_name = bytes_of_string("sendoff"),
                                                   .software_version = bytes_of_string("1.0.0"),
                                                   .max_in_flight = CALLS,
                                                   .request_timeout_us = 60 * (int64_t)S,
                                                   .connection_setup_timeout_us = 10 * (int64_t)S,
                                                   .connection_setup_timeout_max_us = 30 * (int64_t)S,
                                                   .reconnect_backoff_us = 1000,
                                                   .reconnect_backoff_max_us = 5000,
                                                   .connections_max_idle_us = -1,
                                                   .receive_message_max_bytes = 1 << 20,
                                                   .seed = 3};
  const struct broker_address bootstrap = {.host = bytes_of_string(host), .port = server.port};
  struct transport *transport = NULL;
  ck_assert_int_eq(transport_socket_create(&transport_settings, &transport), STATUS_OK);
  ck_assert_int_eq(network_client_create(&settings, transport, &bootstrap, 1, &client), STATUS_OK);
  for (size_t i = 0; i < sizeof payload; i++)
    payload[i] = (uint8_t)(i ^ i >> 8);
  answered_count = 0;
  failed_count = 0;
}

static void take_result(struct request *request, const struct request_result *result) {
  struct loop_call *call = request->context;
  ck_assert(call->is_open);
  call->is_open = false;
  if (result->status == STATUS_OK) {
    answered_count++;
    ck_assert(result->handed_over);
    ck_assert_uint_eq(wire_reader_left(&result->body), request->bytes - 4 < 1000 ? request->bytes - 4 : 1000);
  } else {
    failed_count++;
  }
}

static void send_loop_call(struct loop_call *call, size_t payload_bytes) {
  const struct request_header header = {.api_key = API_METADATA,
                                        .api_version = 9,
                                        .correlation_id = network_client_next_correlation(client),
                                        .client_id = bytes_of_string("test")};
  wire_writer_reset(&call->frame);
  request_header_write(&call->frame, &header);
  request_frame_finish(&call->frame, payload_bytes);
  call->segments[0] = (struct transport_segment){.data = call->frame.data, .size = call->frame.size};
  call->segments[1] = (struct transport_segment){.data = payload, .size = payload_bytes};
  call->request = (struct request){.api_key = header.api_key,
                                   .api_version = header.api_version,
                                   .correlation_id = header.correlation_id,
                                   .expects_response = true,
                                   .segments = call->segments,
                                   .segment_count = 2,
                                   .timeout_us = 60 * (int64_t)S,
                                   .complete = take_result,
                                   .context = call};
  call->is_open = true;
  network_client_send(client, -1, &call->request, clock_monotonic_us());
}

static void run_until_answered(uint32_t wanted, size_t payload_bytes) {
  while (answered_count < wanted) {
    int64_t now_us = clock_monotonic_us();
    for (uint32_t i = 0; i < CALLS; i++)
      if (!calls[i].is_open && network_client_ready(client, -1, now_us))
        send_loop_call(&calls[i], payload_bytes);
    bool is_ready = network_client_is_ready(client, -1, now_us);
    int64_t ready_at_us = is_ready ? CLOCK_NEVER_US : network_client_ready_at_us(client, -1);
    network_client_poll(client, now_us, ready_at_us, read_clock, NULL);
  }
}

static void stop_client(void) {
  network_client_destroy(client);
  for (uint32_t i = 0; i < CALLS; i++) {
    ck_assert(!calls[i].is_open);
    wire_writer_deinit(&calls[i].frame);
  }
}

START_TEST(requests_are_answered) {
  start_server(0);
  start_client("127.0.0.1");
  run_until_answered(2000, 200);
  ck_assert_uint_eq(failed_count, 0);
  stop_client();
  stop_server();
}
END_TEST

/* More than the socket takes at once, in both directions of readiness. */
START_TEST(large_requests_are_answered) {
  start_server(0);
  start_client("127.0.0.1");
  run_until_answered(100, PAYLOAD_BYTES);
  ck_assert_uint_eq(failed_count, 0);
  stop_client();
  stop_server();
}
END_TEST

START_TEST(a_server_that_hangs_up_again_and_again_is_come_back_to) {
  start_server(20);
  start_client("localhost");
  run_until_answered(1000, 3000);
  ck_assert_uint_gt(failed_count, 0);
  stop_client();
  stop_server();
}
END_TEST

static void *wake_again_and_again(void *unused) {
  for (int i = 0; i < 1000; i++)
    network_client_wake(client);
  return unused;
}

START_TEST(a_wake_from_another_thread_ends_a_poll) {
  start_server(0);
  start_client("127.0.0.1");
  pthread_t thread;
  ck_assert_int_eq(pthread_create(&thread, NULL, wake_again_and_again, NULL), 0);
  network_client_poll(client, clock_monotonic_us(), CLOCK_NEVER_US, read_clock, NULL);
  pthread_join(thread, NULL);
  stop_client();
  stop_server();
}
END_TEST

START_TEST(destroying_while_a_name_is_looked_up_does_not_wait) {
  start_server(0);
  for (int i = 0; i < 50; i++) {
    start_client("localhost");
    ck_assert(!network_client_ready(client, -1, clock_monotonic_us()));
    stop_client();
  }
  stop_server();
}
END_TEST

int main(void) {
  Suite *suite = suite_create("network_client_socket");
  TCase *tests = tcase_create("sockets");
  tcase_set_timeout(tests, 60);
  tcase_add_test(tests, requests_are_answered);
  tcase_add_test(tests, large_requests_are_answered);
  tcase_add_test(tests, a_server_that_hangs_up_again_and_again_is_come_back_to);
  tcase_add_test(tests, a_wake_from_another_thread_ends_a_poll);
  tcase_add_test(tests, destroying_while_a_name_is_looked_up_does_not_wait);
  suite_add_tcase(suite, tests);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_ENV);
  int failures = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failures == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
