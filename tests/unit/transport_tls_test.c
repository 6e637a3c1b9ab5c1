#include "network/transport_tls.h"

#include "base/status.h"
#include "support/fake_transport.h"
#include "support/tls_peer.h"
#include <check.h>
#include <stdlib.h>

enum { EVENTS_MAX = 16, PORT = 9093, TOKEN = 7, WAITS_MAX = 20000, DATA_BYTES = 100 * 1000 };

static const struct log SILENT = {.level = 0};
static const char HOST[] = "broker.example";

/* A client's transport over the fake, whose connections end at TLS peers. */
struct world {
  struct tls_certificate authority, own;
  SSL_CTX *server;
  struct tls_context *context;
  struct fake_transport *fake;
  struct transport *transport;
  struct tls_peer peer;   /* of the youngest connection */
  bool has_peer, is_mute; /* mute: its answers stay with it */
  int64_t socket;
  struct address address;
  uint8_t data[DATA_BYTES];
};

static struct world world;

/* What the peer has to say goes onto the fake's wire. */
static void let_peer_speak(uint32_t connection) {
  uint8_t bytes[4096];
  size_t count;
  while (!world.is_mute && (count = tls_peer_take(&world.peer, bytes, sizeof bytes)) > 0)
    fake_transport_deliver(world.fake, connection, bytes_of(bytes, count));
}

static void accept_peer(void *context, uint32_t connection, uint16_t port) {
  (void)context;
  (void)connection;
  (void)port;
  if (world.has_peer) tls_peer_close(&world.peer);
  tls_peer_open(&world.peer, world.server);
  world.has_peer = true;
}

static void take_bytes(void *context, uint32_t connection, struct bytes bytes) {
  (void)context;
  tls_peer_put(&world.peer, bytes);
  let_peer_speak(connection);
}

static struct tls_context *make_context(const struct tls_certificate *trusted) {
  char *pem = tls_certificate_text(trusted->certificate), error[256] = "";
  const struct tls_settings settings = {.maximum_version = TLS_VERSION_1_3,
                                        .verify_certificate = true,
                                        .verify_host_name = true,
                                        .trust_pem = pem};
  struct tls_context *made = NULL;
  ck_assert_msg(tls_context_create(&settings, &SILENT, &made, error, sizeof error) == STATUS_OK, "%s", error);
  free(pem);
  return made;
}

static void set_up(void) {
  static const struct fake_server server = {.on_accept = accept_peer, .on_bytes = take_bytes};
  world = (struct world){.socket = -1};
  for (size_t i = 0; i < DATA_BYTES; i++)
    world.data[i] = (uint8_t)(i * 31 >> 3);
  world.authority = tls_certificate_make(&(struct tls_recipe){.name = "authority", .is_authority = true});
  world.own = tls_certificate_make(&(struct tls_recipe){
      .name = "broker", .issuer = &world.authority, .alternative_names = "DNS:broker.example"});
  world.server = tls_peer_context(&(struct tls_peer_settings){.own = &world.own});
  world.context = make_context(&world.authority);
  world.fake = fake_transport_create(0, &server);
  fake_transport_listen(world.fake, "10.0.0.1", PORT, FAKE_ACCEPTS, 0);
  ck_assert(address_parse("10.0.0.1", PORT, &world.address));
  ck_assert_int_eq(transport_tls_create(fake_transport_base(world.fake), world.context, &world.transport),
                   STATUS_OK);
}

static void tear_down(void) {
  world.transport->operations->destroy(world.transport);
  if (world.has_peer) tls_peer_close(&world.peer);
  tls_context_release(world.context);
  SSL_CTX_free(world.server);
  tls_certificate_free(&world.own);
  tls_certificate_free(&world.authority);
}

static void start_connect(void) {
  char reason[256] = "";
  ck_assert_int_eq(world.transport->operations->connect(world.transport, &world.address, HOST, TOKEN,
                                                        &world.socket, reason, sizeof reason),
                   STATUS_OK);
}

/* Waits until there is an event of the kind; never sleeps in vain, for the fake would fail the test. */
static bool await(enum transport_event_kind kind) {
  struct transport_event events[EVENTS_MAX];
  for (int i = 0; i < WAITS_MAX; i++) {
    uint32_t count = world.transport->operations->wait(world.transport, 1000, events, EVENTS_MAX);
    for (uint32_t j = 0; j < count; j++) {
      ck_assert_uint_eq(events[j].token, TOKEN);
      if (events[j].kind == kind) return true;
    }
  }
  return false;
}

/* What `connected` says. */
static int32_t finish_connect(char reason[512]) {
  ck_assert(await(TRANSPORT_WRITABLE));
  return world.transport->operations->connected(world.transport, world.socket, reason, 512);
}

static void connect_fully(void) {
  char reason[512] = "";
  start_connect();
  int32_t status = finish_connect(reason);
  ck_assert_msg(status == STATUS_OK, "%s", reason);
  world.transport->operations->want_write(world.transport, world.socket, false);
}

START_TEST(what_is_sent_arrives) {
  set_up();
  connect_fully();
  const struct transport_segment segment = {.data = world.data, .size = DATA_BYTES};
  size_t count = 0;
  ck_assert_int_eq(world.transport->operations->send(world.transport, world.socket, &segment, 1, &count),
                   TRANSPORT_DONE);
  ck_assert_uint_eq(count, DATA_BYTES);
  ck_assert_uint_eq(world.peer.received_size, DATA_BYTES);
  ck_assert_mem_eq(world.peer.received, world.data, DATA_BYTES);
  tear_down();
}
END_TEST

int main(void) {
  Suite *suite = suite_create("transport_tls");
  TCase *cases = tcase_create("transport_tls");
  tcase_add_test(cases, what_is_sent_arrives);
  suite_add_tcase(suite, cases);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_NORMAL);
  int failed = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
