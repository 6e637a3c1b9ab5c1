#include "network/transport_socket.h"

#include "base/clock.h"
#include "base/status.h"
#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { EVENTS_MAX = 16, PATIENCE_US = 20 * 1000 * 1000 };
static const char HOST[] = "localhost";

static const struct transport_socket_settings SETTINGS = {.send_buffer_bytes = -1,
                                                          .receive_buffer_bytes = -1,
                                                          .keepalive = true,
                                                          .no_delay = true,
                                                          .user_timeout_ms = 30000};

/* A listening socket of the test's own and a transport connected to it. */
struct pair {
  struct transport *transport;
  int listener, peer;
  struct address address;
  int64_t socket;
};

static struct transport *open_transport(void) {
  struct transport *transport = NULL;
  ck_assert_int_eq(transport_socket_create(&SETTINGS, &transport), STATUS_OK);
  return transport;
}

static int listen_on_loopback(struct address *address) {
  struct sockaddr_in bound = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t size = sizeof bound;
  int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  ck_assert_int_ge(listener, 0);
  ck_assert_int_eq(bind(listener, (struct sockaddr *)&bound, sizeof bound), 0);
  ck_assert_int_eq(listen(listener, 8), 0);
  ck_assert_int_eq(getsockname(listener, (struct sockaddr *)&bound, &size), 0);
  ck_assert(address_parse("127.0.0.1", ntohs(bound.sin_port), address));
  return listener;
}

/* Waits for an event of the kind and token; false when none comes in a long time. */
static bool await(struct transport *transport, enum transport_event_kind kind, uint64_t token,
                  struct transport_event *found) {
  struct transport_event events[EVENTS_MAX];
  int64_t end_us = clock_monotonic_us() + PATIENCE_US;
  while (clock_monotonic_us() < end_us) {
    uint32_t count = transport->operations->wait(transport, 100 * 1000, events, EVENTS_MAX);
    for (uint32_t i = 0; i < count; i++) {
      if (events[i].kind != kind || events[i].token != token) continue;
      if (found != NULL) *found = events[i];
      return true;
    }
  }
  return false;
}

static void pair_open(struct pair *pair) {
  char reason[128] = "";
  pair->transport = open_transport();
  pair->listener = listen_on_loopback(&pair->address);
  const struct transport_operations *operations = pair->transport->operations;
  ck_assert_int_eq(
      operations->connect(pair->transport, &pair->address, HOST, 7, &pair->socket, reason, sizeof reason),
      STATUS_OK);
  ck_assert(await(pair->transport, TRANSPORT_WRITABLE, 7, NULL));
  ck_assert_int_eq(operations->connected(pair->transport, pair->socket, reason, sizeof reason), STATUS_OK);
  operations->want_write(pair->transport, pair->socket, false);
  pair->peer = accept(pair->listener, NULL, NULL);
  ck_assert_int_ge(pair->peer, 0);
}

static void pair_close(struct pair *pair) {
  pair->transport->operations->destroy(pair->transport);
  if (pair->peer >= 0) close(pair->peer);
  close(pair->listener);
}

static void read_exactly(int descriptor, uint8_t *to, size_t size) {
  for (size_t have = 0; have < size;) {
    ssize_t count = read(descriptor, to + have, size - have);
    ck_assert_int_gt(count, 0);
    have += (size_t)count;
  }
}

START_TEST(many_segments_arrive_in_order) {
  enum { SEGMENTS = 3000, BYTES = 7 };
  struct pair pair;
  pair_open(&pair);
  static uint8_t bytes[SEGMENTS * BYTES], received[SEGMENTS * BYTES];
  static struct transport_segment segments[SEGMENTS];
  for (size_t i = 0; i < sizeof bytes; i++)
    bytes[i] = (uint8_t)(i * 31 >> 3);
  for (size_t i = 0; i < SEGMENTS; i++)
    segments[i] = (struct transport_segment){.data = bytes + i * BYTES, .size = BYTES};
  size_t count = 0;
  ck_assert_int_eq(pair.transport->operations->send(pair.transport, pair.socket, segments, SEGMENTS, &count),
                   TRANSPORT_DONE);
  ck_assert_uint_eq(count, sizeof bytes);
  read_exactly(pair.peer, received, sizeof received);
  ck_assert_mem_eq(received, bytes, sizeof bytes);
  pair_close(&pair);
}
END_TEST

START_TEST(a_full_socket_blocks_and_becomes_writable_again) {
  struct pair pair;
  pair_open(&pair);
  const struct transport_operations *operations = pair.transport->operations;
  static uint8_t block[1 << 16];
  const struct transport_segment segment = {.data = block, .size = sizeof block};
  size_t sent = 0, count = 0;
  while (operations->send(pair.transport, pair.socket, &segment, 1, &count) == TRANSPORT_DONE)
    sent += count;
  ck_assert_uint_gt(sent, 0);
  struct transport_event events[EVENTS_MAX];
  ck_assert_uint_eq(operations->wait(pair.transport, 0, events, EVENTS_MAX), 0);
  operations->want_write(pair.transport, pair.socket, true);
  ck_assert_uint_eq(operations->wait(pair.transport, 0, events, EVENTS_MAX), 0);
  while (sent > 0) {
    ssize_t got = read(pair.peer, block, sizeof block);
    ck_assert_int_gt(got, 0);
    sent -= (size_t)got;
  }
  ck_assert(await(pair.transport, TRANSPORT_WRITABLE, 7, NULL));
  pair_close(&pair);
}
END_TEST

START_TEST(bytes_and_end_of_stream_are_received) {
  struct pair pair;
  pair_open(&pair);
  const struct transport_operations *operations = pair.transport->operations;
  uint8_t to[16];
  size_t count = 0;
  ck_assert_int_eq(operations->receive(pair.transport, pair.socket, to, sizeof to, &count),
                   TRANSPORT_WOULD_BLOCK);
  ck_assert_int_eq(write(pair.peer, "hello", 5), 5);
  ck_assert(await(pair.transport, TRANSPORT_READABLE, 7, NULL));
  ck_assert_int_eq(operations->receive(pair.transport, pair.socket, to, 3, &count), TRANSPORT_DONE);
  ck_assert_uint_eq(count, 3);
  ck_assert(await(pair.transport, TRANSPORT_READABLE, 7, NULL)); /* level-triggered: two are left */
  ck_assert_int_eq(operations->receive(pair.transport, pair.socket, to, sizeof to, &count), TRANSPORT_DONE);
  ck_assert_uint_eq(count, 2);
  ck_assert_mem_eq(to, "lo", 2);
  close(pair.peer);
  pair.peer = -1;
  ck_assert(await(pair.transport, TRANSPORT_READABLE, 7, NULL));
  ck_assert_int_eq(operations->receive(pair.transport, pair.socket, to, sizeof to, &count), TRANSPORT_END);
  pair_close(&pair);
}
END_TEST

START_TEST(a_reset_fails_with_its_text) {
  struct pair pair;
  pair_open(&pair);
  const struct transport_operations *operations = pair.transport->operations;
  const struct linger at_once = {.l_onoff = 1, .l_linger = 0};
  setsockopt(pair.peer, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  close(pair.peer);
  pair.peer = -1;
  ck_assert(await(pair.transport, TRANSPORT_READABLE, 7, NULL));
  uint8_t to[16];
  size_t count = 0;
  struct transport_event events[EVENTS_MAX]; /* writing was not asked for, so it is not told */
  ck_assert_uint_eq(operations->wait(pair.transport, 0, events, EVENTS_MAX), 1);
  ck_assert_int_eq(events[0].kind, TRANSPORT_READABLE);
  ck_assert_int_eq(operations->receive(pair.transport, pair.socket, to, sizeof to, &count), TRANSPORT_FAILED);
  ck_assert_str_eq(operations->describe(pair.transport, pair.socket), "Connection reset by peer");
  const struct transport_segment segment = {.data = "x", .size = 1};
  ck_assert_int_eq(operations->send(pair.transport, pair.socket, &segment, 1, &count), TRANSPORT_FAILED);
  operations->close(pair.transport, pair.socket);
  pair_close(&pair);
}
END_TEST

START_TEST(sending_to_a_closed_peer_raises_no_signal) {
  struct pair pair;
  pair_open(&pair);
  close(pair.peer);
  pair.peer = -1;
  ck_assert(await(pair.transport, TRANSPORT_READABLE, 7, NULL));
  const struct transport_segment segment = {.data = "x", .size = 1};
  enum transport_outcome outcome = TRANSPORT_DONE;
  size_t count = 0;
  for (int i = 0; i < 1000 && outcome == TRANSPORT_DONE; i++) {
    outcome = pair.transport->operations->send(pair.transport, pair.socket, &segment, 1, &count);
    await(pair.transport, TRANSPORT_READABLE, 7, NULL);
  }
  ck_assert_int_eq(outcome, TRANSPORT_FAILED); /* SIGPIPE would have ended the test */
  pair_close(&pair);
}
END_TEST

START_TEST(a_refused_connect_says_so) {
  struct address address;
  struct transport *transport = open_transport();
  close(listen_on_loopback(&address)); /* a port on which nobody listens now */
  char reason[128] = "";
  int64_t socket = -1;
  int32_t status =
      transport->operations->connect(transport, &address, HOST, 9, &socket, reason, sizeof reason);
  if (status == STATUS_OK) {
    ck_assert(await(transport, TRANSPORT_WRITABLE, 9, NULL));
    status = transport->operations->connected(transport, socket, reason, sizeof reason);
    transport->operations->close(transport, socket);
  }
  ck_assert_int_eq(status, STATUS_CONNECTION_REFUSED);
  ck_assert_str_eq(reason, "Connection refused");
  transport->operations->destroy(transport);
}
END_TEST

START_TEST(options_are_set_on_the_socket) {
  struct pair pair;
  pair_open(&pair);
  /* The only socket of this process that is connected to the listener's port. */
  int found = -1;
  for (int descriptor = 3; descriptor < 256; descriptor++) {
    struct sockaddr_in name;
    socklen_t size = sizeof name;
    if (getpeername(descriptor, (struct sockaddr *)&name, &size) != 0) continue;
    if (size == pair.address.size &&
        memcmp(&name.sin_port, &((struct sockaddr_in *)(void *)pair.address.storage)->sin_port, 2) == 0)
      found = descriptor;
  }
  ck_assert_int_ge(found, 0);
  int value = 0;
  socklen_t size = sizeof value;
  ck_assert_int_eq(getsockopt(found, IPPROTO_TCP, TCP_NODELAY, &value, &size), 0);
  ck_assert_int_eq(value, 1);
  ck_assert_int_eq(getsockopt(found, SOL_SOCKET, SO_KEEPALIVE, &value, &size), 0);
  ck_assert_int_eq(value, 1);
  ck_assert_int_eq(getsockopt(found, IPPROTO_TCP, TCP_USER_TIMEOUT, &value, &size), 0);
  ck_assert_int_eq(value, 30000);
  ck_assert_int_ne(fcntl(found, F_GETFD) & FD_CLOEXEC, 0);
  ck_assert_int_ne(fcntl(found, F_GETFL) & O_NONBLOCK, 0);
  pair_close(&pair);
}
END_TEST

static void *wake_later(void *argument) {
  struct transport *transport = argument;
  transport->operations->wake(transport);
  return NULL;
}

START_TEST(a_wake_from_another_thread_ends_the_wait) {
  struct transport *transport = open_transport();
  struct transport_event events[EVENTS_MAX];
  for (int i = 0; i < 200; i++) {
    pthread_t thread;
    ck_assert_int_eq(pthread_create(&thread, NULL, wake_later, transport), 0);
    /* Would wait for ever without the wake. */
    ck_assert_uint_eq(transport->operations->wait(transport, -1, events, EVENTS_MAX), 0);
    pthread_join(thread, NULL);
  }
  transport->operations->destroy(transport);
}
END_TEST

START_TEST(a_wake_before_the_wait_ends_it_once) {
  struct transport *transport = open_transport();
  struct transport_event events[EVENTS_MAX];
  for (int i = 0; i < 5; i++)
    transport->operations->wake(transport);
  ck_assert_uint_eq(transport->operations->wait(transport, -1, events, EVENTS_MAX), 0);
  int64_t start_us = clock_monotonic_us();
  ck_assert_uint_eq(transport->operations->wait(transport, 2000, events, EVENTS_MAX), 0);
  ck_assert_int_ge(clock_monotonic_us() - start_us, 2000); /* not cut short by an old wake */
  transport->operations->destroy(transport);
}
END_TEST

START_TEST(numeric_and_local_names_are_resolved) {
  struct transport *transport = open_transport();
  struct transport_event event;
  ck_assert_int_eq(transport->operations->resolve(transport, "127.0.0.1", 9092, false, 1), STATUS_OK);
  ck_assert(await(transport, TRANSPORT_RESOLVED, 1, &event));
  struct address expected;
  ck_assert(address_parse("127.0.0.1", 9092, &expected));
  ck_assert_int_eq(event.status, STATUS_OK);
  ck_assert_uint_eq(event.address_count, 1);
  ck_assert(address_equal(&event.addresses[0], &expected));
  ck_assert_int_eq(transport->operations->resolve(transport, "localhost", 9092, false, 2), STATUS_OK);
  ck_assert(await(transport, TRANSPORT_RESOLVED, 2, &event));
  ck_assert_int_eq(event.status, STATUS_OK);
  ck_assert_uint_ge(event.address_count, 1);
  transport->operations->destroy(transport);
}
END_TEST

START_TEST(more_answers_than_there_is_room_for_come_with_the_next_waits) {
  struct transport *transport = open_transport();
  struct transport_event events[4];
  uint64_t seen = 0;
  for (uint64_t token = 0; token < 10; token++)
    ck_assert_int_eq(transport->operations->resolve(transport, "127.0.0.1", 1, false, token), STATUS_OK);
  while (seen != (1U << 10) - 1) { /* waits for ever: what is left must not need a wake */
    uint32_t count = transport->operations->wait(transport, -1, events, 4);
    for (uint32_t i = 0; i < count; i++) {
      ck_assert_int_eq(events[i].kind, TRANSPORT_RESOLVED);
      ck_assert_uint_eq(seen >> events[i].token & 1, 0);
      seen |= 1U << events[i].token;
    }
  }
  transport->operations->destroy(transport);
}
END_TEST

START_TEST(a_closed_socket_is_not_reported_and_its_handle_is_used_again) {
  struct pair pair;
  pair_open(&pair);
  const struct transport_operations *operations = pair.transport->operations;
  ck_assert_int_eq(write(pair.peer, "x", 1), 1);
  operations->close(pair.transport, pair.socket);
  struct transport_event events[EVENTS_MAX];
  ck_assert_uint_eq(operations->wait(pair.transport, 0, events, EVENTS_MAX), 0);
  int64_t again = -1;
  char reason[128];
  ck_assert_int_eq(operations->connect(pair.transport, &pair.address, HOST, 8, &again, reason, sizeof reason),
                   STATUS_OK);
  ck_assert_int_eq(again, pair.socket);
  ck_assert(await(pair.transport, TRANSPORT_WRITABLE, 8, NULL));
  pair_close(&pair);
}
END_TEST

START_TEST(an_abandoned_transport_leaves_the_parents_connection_alone) {
  struct pair pair;
  pair_open(&pair);
  const struct transport_operations *operations = pair.transport->operations;
  pid_t child = fork();
  if (child == 0) {
    operations->abandon(pair.transport);
    operations->abandon(pair.transport); /* twice is harmless */
    _exit(0);
  }
  int status = -1;
  ck_assert_int_eq(waitpid(child, &status, 0), child);
  ck_assert_int_eq(status, 0);
  ck_assert_int_eq(write(pair.peer, "still here", 10), 10);
  ck_assert(await(pair.transport, TRANSPORT_READABLE, 7, NULL));
  uint8_t to[16];
  size_t count = 0;
  ck_assert_int_eq(operations->receive(pair.transport, pair.socket, to, sizeof to, &count), TRANSPORT_DONE);
  ck_assert_uint_eq(count, 10);
  pair_close(&pair);
}
END_TEST

int main(void) {
  Suite *suite = suite_create("transport_socket");
  TCase *tests = tcase_create("loopback");
  tcase_set_timeout(tests, 60);
  tcase_add_test(tests, many_segments_arrive_in_order);
  tcase_add_test(tests, a_full_socket_blocks_and_becomes_writable_again);
  tcase_add_test(tests, bytes_and_end_of_stream_are_received);
  tcase_add_test(tests, a_reset_fails_with_its_text);
  tcase_add_test(tests, sending_to_a_closed_peer_raises_no_signal);
  tcase_add_test(tests, a_refused_connect_says_so);
  tcase_add_test(tests, options_are_set_on_the_socket);
  tcase_add_test(tests, a_wake_from_another_thread_ends_the_wait);
  tcase_add_test(tests, a_wake_before_the_wait_ends_it_once);
  tcase_add_test(tests, numeric_and_local_names_are_resolved);
  tcase_add_test(tests, more_answers_than_there_is_room_for_come_with_the_next_waits);
  tcase_add_test(tests, a_closed_socket_is_not_reported_and_its_handle_is_used_again);
  tcase_add_test(tests, an_abandoned_transport_leaves_the_parents_connection_alone);
  suite_add_tcase(suite, tests);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_ENV);
  int failures = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failures == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
