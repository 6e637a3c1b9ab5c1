#include "network/transport_tls.h"

#include "base/random.h"
#include "base/status.h"
#include "support/failing_allocator.h"
#include "support/fake_transport.h"
#include "support/tls_world.h"
#include <check.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
  EVENTS_MAX = 16,
  PORT = 9093,
  TOKEN = 7,
  WAITS_MAX = 20000,
  DATA_BYTES = 700 * 1000,
  SEGMENTS_MAX = 512,
  REASON_BYTES = 512,
};

static const char HOST[] = "broker.example";

static struct tls_world certificates;
static struct tls_settings settings;
static struct tls_peer_settings peer_settings;
static uint8_t data[DATA_BYTES];

/* A client's transport over the fake, whose connections end at TLS peers. */
struct world {
  SSL_CTX *server;
  struct tls_context *context;
  struct fake_transport *fake;
  struct transport *transport;
  const struct transport_operations *operations;
  struct tls_peer peer;   /* of the youngest connection */
  uint32_t connection;    /* its number, from 1 */
  bool has_peer, is_mute; /* mute: its answers stay with it */
  int64_t socket;
  struct address address;
};

static struct world world;

/* What the peer has to say goes onto the fake's wire. */
static void let_peer_speak(void) {
  uint8_t bytes[4096];
  size_t count;
  while (!world.is_mute && (count = tls_peer_take(&world.peer, bytes, sizeof bytes)) > 0)
    fake_transport_deliver(world.fake, world.connection, bytes_of(bytes, count));
}

static void accept_peer(void *context, uint32_t connection, uint16_t port) {
  (void)context;
  (void)port;
  if (world.has_peer) tls_peer_close(&world.peer);
  tls_peer_open(&world.peer, world.server);
  world.has_peer = true;
  world.connection = connection;
}

static void take_bytes(void *context, uint32_t connection, struct bytes bytes) {
  (void)context;
  if (connection != world.connection) return;
  tls_peer_put(&world.peer, bytes);
  let_peer_speak();
}

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

static void open_world(void) {
  static const struct fake_server server = {.on_accept = accept_peer, .on_bytes = take_bytes};
  world = (struct world){.socket = -1};
  world.server = tls_peer_context(&peer_settings);
  world.context = tls_world_context(&settings);
  world.fake = fake_transport_create(0, &server);
  fake_transport_listen(world.fake, "10.0.0.1", PORT, FAKE_ACCEPTS, 0);
  ck_assert(address_parse("10.0.0.1", PORT, &world.address));
  ck_assert_int_eq(transport_tls_create(fake_transport_base(world.fake), world.context, &world.transport),
                   STATUS_OK);
  world.operations = world.transport->operations;
}

static void close_world(void) {
  world.operations->destroy(world.transport);
  if (world.has_peer) tls_peer_close(&world.peer);
  tls_context_release(world.context);
  SSL_CTX_free(world.server);
}

static int32_t start_connect(char reason[REASON_BYTES]) {
  return world.operations->connect(world.transport, &world.address, HOST, TOKEN, &world.socket, reason,
                                   REASON_BYTES);
}

/* Waits until there is an event of the kind. */
static bool await(enum transport_event_kind kind) {
  struct transport_event events[EVENTS_MAX];
  for (int i = 0; i < WAITS_MAX; i++) {
    uint32_t count = world.operations->wait(world.transport, 1000, events, EVENTS_MAX);
    for (uint32_t j = 0; j < count; j++) {
      ck_assert_uint_eq(events[j].token, TOKEN);
      if (events[j].kind == kind) return true;
    }
  }
  return false;
}

/* The events of one wait that does not sleep, as bits. */
static uint32_t events_now(void) {
  struct transport_event events[EVENTS_MAX];
  uint32_t count = world.operations->wait(world.transport, 0, events, EVENTS_MAX), found = 0;
  for (uint32_t i = 0; i < count; i++) {
    ck_assert_uint_eq(found & 1U << events[i].kind, 0); /* each once */
    found |= 1U << events[i].kind;
  }
  return found;
}

enum { READABLE = 1 << TRANSPORT_READABLE, WRITABLE = 1 << TRANSPORT_WRITABLE };

static int32_t connect_to(char reason[REASON_BYTES]) {
  int32_t status = start_connect(reason);
  ck_assert_int_eq(status, STATUS_OK);
  ck_assert(await(TRANSPORT_WRITABLE));
  return world.operations->connected(world.transport, world.socket, reason, REASON_BYTES);
}

static void connect_fully(void) {
  char reason[REASON_BYTES] = "";
  int32_t status = connect_to(reason);
  ck_assert_msg(status == STATUS_OK, "%s", reason);
  world.operations->want_write(world.transport, world.socket, false);
}

static void check_no_connection(int32_t status, const char *words) {
  char reason[REASON_BYTES] = "";
  ck_assert_int_eq(connect_to(reason), status);
  ck_assert_msg(strstr(reason, words) != NULL, "\"%s\" is not in: %s", words, reason);
  world.operations->close(world.transport, world.socket);
}

static enum transport_outcome send_bytes(const void *bytes, size_t size, size_t *count) {
  const struct transport_segment segment = {.data = bytes, .size = size};
  return world.operations->send(world.transport, world.socket, &segment, 1, count);
}

/* Sends the piece of data from `from` to `to`, in segments of these sizes in turn. */
static enum transport_outcome send_pieces(size_t from, size_t to, const size_t *sizes, size_t *count) {
  struct transport_segment segments[SEGMENTS_MAX];
  size_t segment_count = 0;
  for (size_t i = 0; from < to && segment_count < SEGMENTS_MAX; i = sizes[i + 1] == SIZE_MAX ? 0 : i + 1) {
    size_t size = to - from < sizes[i] ? to - from : sizes[i];
    segments[segment_count++] = (struct transport_segment){.data = data + from, .size = size};
    from += size;
  }
  return world.operations->send(world.transport, world.socket, segments, segment_count, count);
}

static enum transport_outcome receive(uint8_t *to, size_t capacity, size_t *count) {
  return world.operations->receive(world.transport, world.socket, to, capacity, count);
}

/* ---- connecting ---- */

START_TEST(a_connection_is_there_after_its_handshake) {
  open_world();
  char reason[REASON_BYTES];
  world.is_mute = true;
  ck_assert_int_eq(start_connect(reason), STATUS_OK);
  for (int i = 0; i < 10; i++)
    ck_assert_uint_eq(events_now(), 0); /* TCP is connected, TLS is not */
  ck_assert_uint_gt(fake_transport_written(world.fake, 1).size, 0);
  world.is_mute = false;
  let_peer_speak();
  ck_assert_uint_eq(events_now(), WRITABLE);
  ck_assert_uint_eq(events_now(), WRITABLE); /* until it is asked for */
  ck_assert_int_eq(world.operations->connected(world.transport, world.socket, reason, sizeof reason),
                   STATUS_OK);
  ck_assert(world.peer.is_handshake_done);
  world.operations->want_write(world.transport, world.socket, false);
  uint32_t events = events_now(); /* tickets of TLS 1.3, perhaps */
  uint8_t byte;
  size_t count = 0;
  if (events == READABLE) ck_assert_int_eq(receive(&byte, 1, &count), TRANSPORT_WOULD_BLOCK);
  ck_assert_uint_eq(events_now(), 0);
  close_world();
}
END_TEST

START_TEST(a_handshake_may_come_byte_by_byte) {
  open_world();
  fake_transport_set_chunks(world.fake, 0, 1, 1);
  connect_fully();
  size_t count = 0;
  for (int i = 0; count == 0; i++) {
    enum transport_outcome outcome = send_bytes(data, 100, &count);
    ck_assert_int_lt(i, 1000);
    ck_assert_int_eq(outcome, count == 0 ? TRANSPORT_WOULD_BLOCK : TRANSPORT_DONE);
  }
  ck_assert_uint_eq(count, 100);
  ck_assert_mem_eq(world.peer.received, data, 100);
  close_world();
}
END_TEST

START_TEST(faults_of_the_peer_are_told_by_connected) {
  struct tls_certificate other =
      tls_certificate_make(&(struct tls_recipe){.name = "self", .alternative_names = "DNS:broker.example"});
  peer_settings.own = &other;
  open_world();
  check_no_connection(STATUS_CERTIFICATE_REFUSED, "self-signed");
  ck_assert(world.peer.has_failed); /* it was told by an alert */
  close_world();
  tls_certificate_free(&other);
}
END_TEST

START_TEST(faults_of_the_network_are_told_by_connected) {
  open_world();
  ck_assert(address_parse("10.0.0.2", PORT, &world.address));
  check_no_connection(STATUS_CONNECTION_REFUSED, "Connection refused");
  char reason[REASON_BYTES] = "";
  fake_transport_listen(world.fake, "10.0.0.2", PORT, FAKE_FAILS_AT_ONCE, 0);
  ck_assert_int_eq(start_connect(reason), STATUS_SYSTEM_ERROR);
  ck_assert_str_eq(reason, "Too many open files");
  close_world();
}
END_TEST

/* What the peer does instead of answering. */
static void connect_to_rude_peer(void (*act)(struct fake_transport *fake, uint32_t connection),
                                 const char *words) {
  char reason[REASON_BYTES] = "";
  open_world();
  world.is_mute = true;
  ck_assert_int_eq(start_connect(reason), STATUS_OK);
  ck_assert_uint_eq(events_now(), 0);
  act(world.fake, 1);
  ck_assert_uint_eq(events_now() & WRITABLE, WRITABLE);
  ck_assert_int_eq(world.operations->connected(world.transport, world.socket, reason, sizeof reason),
                   STATUS_TLS_HANDSHAKE_FAILED);
  ck_assert_msg(strstr(reason, words) != NULL, "%s", reason);
  world.operations->close(world.transport, world.socket);
  close_world();
}

static void answer_by_http(struct fake_transport *fake, uint32_t connection) {
  fake_transport_deliver(fake, connection, bytes_of_string("HTTP/1.1 400 Bad Request\r\n\r\n"));
}

START_TEST(half_handshakes_fail_with_what_happened) {
  connect_to_rude_peer(fake_transport_end, "closed the connection instead of answering");
  connect_to_rude_peer(fake_transport_reset,
                       "Connection reset by peer during the TLS handshake: the port may speak");
  connect_to_rude_peer(answer_by_http, "the port speaks HTTP");
}
END_TEST

START_TEST(look_ups_pass_through) {
  open_world();
  struct transport_event events[EVENTS_MAX];
  fake_transport_set_name(world.fake, "name", "10.0.0.7", 0);
  ck_assert_int_eq(world.operations->resolve(world.transport, "name", PORT, false, 99), STATUS_OK);
  ck_assert_uint_eq(world.operations->wait(world.transport, 1000, events, EVENTS_MAX), 1);
  ck_assert_int_eq(events[0].kind, TRANSPORT_RESOLVED);
  ck_assert_uint_eq(events[0].token, 99);
  ck_assert_uint_eq(events[0].address_count, 1);
  world.operations->wake(world.transport);
  ck_assert_uint_eq(world.operations->wait(world.transport, -1, events, EVENTS_MAX), 0);
  close_world();
}
END_TEST

START_TEST(a_replaced_context_is_for_new_connections) {
  open_world();
  connect_fully();
  struct tls_settings without = settings;
  struct tls_certificate other =
      tls_certificate_make(&(struct tls_recipe){.name = "other", .is_authority = true});
  char *text = tls_certificate_text(other.certificate);
  without.trust_pem = text;
  struct tls_context *replacement = tls_world_context(&without);
  transport_tls_replace(world.transport, replacement);
  tls_context_release(replacement);
  size_t count = 0;
  ck_assert_int_eq(send_bytes(data, 1000, &count), TRANSPORT_DONE); /* the old one goes on */
  ck_assert_uint_eq(world.peer.received_size, 1000);
  world.operations->close(world.transport, world.socket);
  check_no_connection(STATUS_CERTIFICATE_REFUSED, "CN=authority");
  transport_tls_replace(world.transport, world.context);
  connect_fully();
  free(text);
  tls_certificate_free(&other);
  close_world();
}
END_TEST

/* ---- sending ---- */

START_TEST(segments_arrive_in_order) {
  static const size_t patterns[][6] = {
      {DATA_BYTES, SIZE_MAX},
      {70, 100 * 1000, 1, SIZE_MAX},
      {70, 16384, 70, 32768, 5, SIZE_MAX},
      {1500, 1, 3000, 0, 16383, SIZE_MAX},
      {16384, SIZE_MAX},
  };
  for (size_t i = 0; i < sizeof patterns / sizeof patterns[0]; i++) {
    open_world();
    connect_fully();
    size_t sent = 0, count = 0;
    while (sent < DATA_BYTES) {
      ck_assert_int_eq(send_pieces(sent, DATA_BYTES, patterns[i], &count), TRANSPORT_DONE);
      sent += count;
      ck_assert_uint_eq(world.peer.received_size, sent);
    }
    ck_assert_mem_eq(world.peer.received, data, DATA_BYTES);
    close_world();
  }
}
END_TEST

START_TEST(small_segments_share_records) {
  static const size_t sizes[] = {100, SIZE_MAX};
  open_world();
  connect_fully();
  size_t count = 0, before = fake_transport_written(world.fake, 1).size;
  uint32_t sends = fake_transport_send_count(world.fake, 1);
  ck_assert_int_eq(send_pieces(0, 40000, sizes, &count), TRANSPORT_DONE);
  ck_assert_uint_eq(count, 40000);
  size_t overhead = fake_transport_written(world.fake, 1).size - before - count;
  ck_assert_uint_le(overhead, 3 * 32); /* of three records */
  ck_assert_uint_eq(fake_transport_send_count(world.fake, 1), sends + 1);
  close_world();
}
END_TEST

/* Whatever the kernel takes at a time: what was reported has arrived, and all of it arrives in order. */
START_TEST(what_was_reported_has_arrived) {
  for (uint64_t seed = 0; seed < 40; seed++) {
    struct random random;
    random_seed(&random, seed);
    open_world();
    connect_fully();
    const size_t sizes[] = {1 + random_below(&random, 200), 1 + random_below(&random, 100000), SIZE_MAX};
    size_t sent = 0;
    if (seed % 2 == 1) fake_transport_set_chunks(world.fake, 1, 1 + random_below(&random, 20000), SIZE_MAX);
    for (int i = 0; sent < 200000; i++) {
      size_t budget = random_below(&random, 60000), count = 0;
      ck_assert_int_lt(i, 10000);
      fake_transport_set_write_budget(world.fake, 1, budget);
      enum transport_outcome outcome = send_pieces(sent, 200000, sizes, &count);
      ck_assert_int_eq(outcome, count > 0 ? TRANSPORT_DONE : TRANSPORT_WOULD_BLOCK);
      sent += count;
      ck_assert_uint_ge(world.peer.received_size, sent);
      world.operations->want_write(world.transport, world.socket, sent < 200000);
      if (random_below(&random, 2) == 0) events_now(); /* waiting records move on by themselves */
    }
    ck_assert_uint_eq(world.peer.received_size, 200000);
    ck_assert_mem_eq(world.peer.received, data, 200000);
    world.operations->close(world.transport, world.socket);
    ck_assert(world.peer.has_ended);
    close_world();
  }
}
END_TEST

START_TEST(writable_is_told_when_it_is_wanted_and_there_is_room) {
  open_world();
  connect_fully();
  ck_assert_uint_eq(events_now() & WRITABLE, 0);
  world.operations->want_write(world.transport, world.socket, true);
  ck_assert_uint_eq(events_now() & WRITABLE, WRITABLE);
  size_t count = 77;
  fake_transport_set_write_budget(world.fake, 1, 100);
  ck_assert_int_eq(send_bytes(data, 1000, &count), TRANSPORT_WOULD_BLOCK);
  ck_assert_uint_eq(count, 77);
  ck_assert_uint_eq(events_now() & WRITABLE, 0);
  fake_transport_set_write_budget(world.fake, 1, 100);
  ck_assert_uint_eq(events_now() & WRITABLE, 0); /* the record's next 100 bytes */
  fake_transport_set_write_budget(world.fake, 1, SIZE_MAX);
  ck_assert_uint_eq(events_now() & WRITABLE, WRITABLE);
  ck_assert_uint_eq(world.peer.received_size, 1000); /* arrived, and not reported yet */
  ck_assert_int_eq(send_bytes(data, 1500, &count), TRANSPORT_DONE);
  ck_assert_uint_eq(count, 1500);
  ck_assert_uint_eq(world.peer.received_size, 1500);
  world.operations->want_write(world.transport, world.socket, false);
  ck_assert_uint_eq(events_now() & WRITABLE, 0);
  ck_assert(!fake_transport_wants_write(world.fake, 1));
  close_world();
}
END_TEST

START_TEST(records_that_wait_go_out_though_nobody_wants_to_write) {
  open_world();
  connect_fully();
  size_t count = 0;
  fake_transport_set_write_budget(world.fake, 1, 100);
  ck_assert_int_eq(send_bytes(data, 1000, &count), TRANSPORT_WOULD_BLOCK);
  world.operations->want_write(world.transport, world.socket, false);
  ck_assert(fake_transport_wants_write(world.fake, 1));
  fake_transport_set_write_budget(world.fake, 1, SIZE_MAX);
  ck_assert_uint_eq(events_now() & WRITABLE, 0);
  ck_assert_uint_eq(world.peer.received_size, 1000);
  ck_assert(!fake_transport_wants_write(world.fake, 1));
  close_world();
}
END_TEST

/* ---- receiving ---- */

START_TEST(readable_is_told_while_anything_is_left_to_read) {
  open_world();
  connect_fully();
  uint8_t read[64];
  size_t count = 0, have = 0;
  for (int i = 0; i < 4; i++)
    tls_peer_write(&world.peer, bytes_of("0123456789", 10));
  let_peer_speak();
  while (have < 40) {
    struct transport_event events[EVENTS_MAX];
    /* Would fail the test if it slept. */
    ck_assert_uint_eq(world.operations->wait(world.transport, -1, events, EVENTS_MAX), 1);
    ck_assert_int_eq(events[0].kind, TRANSPORT_READABLE);
    ck_assert_int_eq(receive(read + have, have == 36 ? sizeof read - have : 3, &count), TRANSPORT_DONE);
    have += count;
  }
  ck_assert_uint_eq(have, 40);
  ck_assert_mem_eq(read, "0123456789012345678901234567890123456789", 40);
  ck_assert_uint_eq(events_now(), 0);
  ck_assert_int_eq(receive(read, sizeof read, &count), TRANSPORT_WOULD_BLOCK);
  close_world();
}
END_TEST

START_TEST(bytes_with_the_last_of_the_handshake_are_told_after_it) {
  settings.maximum_version = TLS_VERSION_1_2;
  open_world();
  char reason[REASON_BYTES];
  uint8_t read[8];
  size_t count = 0;
  world.is_mute = true;
  ck_assert_int_eq(start_connect(reason), STATUS_OK);
  ck_assert_uint_eq(events_now(), 0);
  world.is_mute = false;
  let_peer_speak();
  world.is_mute = true;
  ck_assert_uint_eq(events_now(), 0);
  ck_assert(world.peer.is_handshake_done);
  tls_peer_write(&world.peer, bytes_of("early", 5));
  world.is_mute = false;
  let_peer_speak();
  ck_assert_uint_eq(events_now(), WRITABLE);
  ck_assert_int_eq(world.operations->connected(world.transport, world.socket, reason, sizeof reason),
                   STATUS_OK);
  world.operations->want_write(world.transport, world.socket, false);
  struct transport_event events[EVENTS_MAX];
  ck_assert_uint_eq(world.operations->wait(world.transport, -1, events, EVENTS_MAX), 1);
  ck_assert_int_eq(events[0].kind, TRANSPORT_READABLE);
  ck_assert_int_eq(receive(read, sizeof read, &count), TRANSPORT_DONE);
  ck_assert_uint_eq(count, 5);
  close_world();
}
END_TEST

START_TEST(new_keys_change_nothing_for_the_caller) {
  open_world();
  connect_fully();
  uint8_t read[8];
  size_t count = 0;
  for (int i = 0; i < 3; i++) {
    tls_peer_update_keys(&world.peer);
    let_peer_speak();
    ck_assert(await(TRANSPORT_READABLE));
    ck_assert_int_eq(receive(read, sizeof read, &count), TRANSPORT_WOULD_BLOCK);
    ck_assert_uint_eq(events_now(), 0);
    tls_peer_write(&world.peer, bytes_of("new", 3));
    let_peer_speak();
    ck_assert(await(TRANSPORT_READABLE));
    ck_assert_int_eq(receive(read, sizeof read, &count), TRANSPORT_DONE);
    ck_assert_uint_eq(count, 3);
    ck_assert_int_eq(send_bytes(data + i * 1000, 1000, &count), TRANSPORT_DONE);
  }
  ck_assert(!world.peer.has_failed);
  ck_assert_mem_eq(world.peer.received, data, 3000);
  close_world();
}
END_TEST

START_TEST(ends_are_told_once_all_is_read) {
  uint8_t read[8];
  size_t count = 0;
  for (int with_notice = 0; with_notice < 2; with_notice++) {
    open_world();
    connect_fully();
    tls_peer_write(&world.peer, bytes_of("last", 4));
    if (with_notice == 1) tls_peer_shut_down(&world.peer); /* and TCP stays open */
    let_peer_speak();
    if (with_notice == 0) fake_transport_end(world.fake, 1);
    ck_assert(await(TRANSPORT_READABLE));
    ck_assert_int_eq(receive(read, 2, &count), TRANSPORT_DONE);
    ck_assert_int_eq(events_now(), READABLE);
    ck_assert_int_eq(receive(read, sizeof read, &count), TRANSPORT_DONE);
    ck_assert_uint_eq(count, 2);
    ck_assert_int_eq(events_now(), READABLE);
    ck_assert_int_eq(receive(read, sizeof read, &count), TRANSPORT_END);
    ck_assert_int_eq(receive(read, sizeof read, &count), TRANSPORT_END);
    ck_assert_int_eq(events_now(), READABLE); /* level-triggered */
    world.operations->close(world.transport, world.socket);
    close_world();
  }
}
END_TEST

START_TEST(what_came_before_a_reset_is_read) {
  open_world();
  connect_fully();
  uint8_t read[8];
  size_t count = 0;
  tls_peer_write(&world.peer, bytes_of("last", 4));
  let_peer_speak();
  fake_transport_reset(world.fake, 1);
  ck_assert_int_eq(send_bytes(data, 1000, &count), TRANSPORT_FAILED);
  ck_assert_int_eq(send_bytes(data, 1000, &count), TRANSPORT_FAILED);
  ck_assert_int_eq(receive(read, sizeof read, &count), TRANSPORT_DONE);
  ck_assert_uint_eq(count, 4);
  ck_assert_uint_eq(events_now() & READABLE, READABLE);
  ck_assert_int_eq(receive(read, sizeof read, &count), TRANSPORT_FAILED);
  ck_assert_str_eq(world.operations->describe(world.transport, world.socket), "Connection reset by peer");
  ck_assert_int_eq(world.operations->failure(world.transport, world.socket), STATUS_DISCONNECTED);
  close_world();
}
END_TEST

START_TEST(a_refusal_after_the_handshake_is_told_in_its_words) {
  peer_settings.wants_certificate = true;
  peer_settings.client_authority = &certificates.authority;
  open_world();
  char reason[REASON_BYTES];
  uint8_t read[8];
  size_t count = 0;
  ck_assert_int_eq(connect_to(reason), STATUS_OK);
  ck_assert(await(TRANSPORT_READABLE));
  ck_assert_int_eq(receive(read, sizeof read, &count), TRANSPORT_FAILED);
  const char *words = world.operations->describe(world.transport, world.socket);
  ck_assert_msg(strstr(words, "the broker wants a client certificate (ssl.keystore.*)") != NULL, "%s", words);
  ck_assert_int_eq(world.operations->failure(world.transport, world.socket), STATUS_TLS_HANDSHAKE_FAILED);
  ck_assert_int_eq(send_bytes(data, 10, &count), TRANSPORT_FAILED);
  close_world();
}
END_TEST

/* ---- closing ---- */

START_TEST(a_close_tells_the_peer) {
  open_world();
  connect_fully();
  world.operations->close(world.transport, world.socket);
  ck_assert(world.peer.has_ended);
  ck_assert(!fake_transport_is_open(world.fake, 1));
  connect_fully(); /* its handle is used again */
  ck_assert_int_eq(world.socket, 0);
  close_world();
}
END_TEST

START_TEST(a_child_of_a_fork_sends_nothing) {
  open_world();
  connect_fully();
  size_t written = fake_transport_written(world.fake, 1).size;
  pid_t child = fork();
  if (child == 0) {
    world.operations->abandon(world.transport);
    bool is_right = fake_transport_is_abandoned(world.fake) && fake_transport_is_open(world.fake, 1) &&
                    fake_transport_written(world.fake, 1).size == written && !world.peer.has_ended;
    world.operations->destroy(world.transport);
    _exit(is_right && !world.peer.has_ended ? 0 : 1);
  }
  int status = -1;
  ck_assert_int_eq(waitpid(child, &status, 0), child);
  ck_assert_int_eq(status, 0);
  close_world();
}
END_TEST

/* ---- many ---- */

START_TEST(each_connection_has_its_turn) {
  enum { COUNT = 20 };
  open_world();
  const struct transport_operations *operations = world.operations;
  int64_t sockets[COUNT];
  char reason[REASON_BYTES];
  bool seen[COUNT] = {false};
  for (int i = 0; i < COUNT; i++) {
    connect_fully();
    sockets[i] = world.socket;
    tls_peer_write(&world.peer, bytes_of("0123456789", 10));
    let_peer_speak();
    ck_assert(await(TRANSPORT_READABLE));
    uint8_t byte;
    size_t count = 0;
    ck_assert_int_eq(receive(&byte, 1, &count), TRANSPORT_DONE); /* nine are left in each */
  }
  (void)reason;
  struct transport_event events[6];
  for (int wait = 0; wait < 3 * COUNT; wait++) {
    uint32_t found = operations->wait(world.transport, -1, events, 6);
    ck_assert_uint_ge(found, 1);
    ck_assert_int_eq(events[0].kind, TRANSPORT_READABLE);
  }
  for (int i = 0; i < COUNT; i++) { /* those that are told are read, until none is left */
    uint8_t bytes[16];
    size_t count = 0;
    ck_assert_int_eq(operations->receive(world.transport, sockets[i], bytes, sizeof bytes, &count),
                     TRANSPORT_DONE);
    ck_assert_uint_eq(count, 9);
    seen[i] = true;
  }
  for (int i = 0; i < COUNT; i++)
    ck_assert(seen[i]);
  ck_assert_uint_eq(operations->wait(world.transport, 0, events, 6), 0);
  close_world();
}
END_TEST

/* ---- memory ---- */

START_TEST(missing_memory_fails_a_connection_alone) {
  uint32_t index = 0;
  for (bool failed = true; failed; index++) {
    char reason[REASON_BYTES] = "";
    size_t count = 0;
    open_world();
    failing_allocator_start(index);
    int32_t status = start_connect(reason);
    if (status == STATUS_OK) {
      ck_assert(await(TRANSPORT_WRITABLE));
      status = world.operations->connected(world.transport, world.socket, reason, sizeof reason);
    }
    if (status == STATUS_OK && send_bytes(data, DATA_BYTES, &count) == TRANSPORT_FAILED)
      status = STATUS_OUT_OF_MEMORY;
    failed = failing_allocator_stop();
    ck_assert_int_eq(status, failed ? STATUS_OUT_OF_MEMORY : STATUS_OK);
    if (!failed) ck_assert_uint_eq(world.peer.received_size, DATA_BYTES);
    close_world();
  }
  ck_assert_uint_ge(index, 6);
  failing_allocator_start(0);
  struct transport *transport = NULL;
  ck_assert_int_eq(transport_tls_create(NULL, NULL, &transport), STATUS_OUT_OF_MEMORY);
  ck_assert(failing_allocator_stop());
}
END_TEST

int main(void) {
  Suite *suite = suite_create("transport_tls");
  TCase *cases = tcase_create("transport_tls");
  tcase_add_checked_fixture(cases, set_up, tear_down);
  tcase_add_test(cases, a_connection_is_there_after_its_handshake);
  tcase_add_test(cases, a_handshake_may_come_byte_by_byte);
  tcase_add_test(cases, faults_of_the_peer_are_told_by_connected);
  tcase_add_test(cases, faults_of_the_network_are_told_by_connected);
  tcase_add_test(cases, half_handshakes_fail_with_what_happened);
  tcase_add_test(cases, look_ups_pass_through);
  tcase_add_test(cases, a_replaced_context_is_for_new_connections);
  tcase_add_test(cases, segments_arrive_in_order);
  tcase_add_test(cases, small_segments_share_records);
  tcase_add_test(cases, what_was_reported_has_arrived);
  tcase_add_test(cases, writable_is_told_when_it_is_wanted_and_there_is_room);
  tcase_add_test(cases, records_that_wait_go_out_though_nobody_wants_to_write);
  tcase_add_test(cases, readable_is_told_while_anything_is_left_to_read);
  tcase_add_test(cases, bytes_with_the_last_of_the_handshake_are_told_after_it);
  tcase_add_test(cases, new_keys_change_nothing_for_the_caller);
  tcase_add_test(cases, ends_are_told_once_all_is_read);
  tcase_add_test(cases, what_came_before_a_reset_is_read);
  tcase_add_test(cases, a_refusal_after_the_handshake_is_told_in_its_words);
  tcase_add_test(cases, a_close_tells_the_peer);
  tcase_add_test(cases, a_child_of_a_fork_sends_nothing);
  tcase_add_test(cases, each_connection_has_its_turn);
  tcase_add_test(cases, missing_memory_fails_a_connection_alone);
  suite_add_tcase(suite, cases);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_NORMAL);
  int failed = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
