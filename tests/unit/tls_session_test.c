#include "security/tls_session.h"

#include "base/status.h"
#include "support/failing_allocator.h"
#include "support/tls_pair.h"
#include "support/tls_world.h"
#include <check.h>
#include <stdio.h>
#include <stdlib.h>

enum { TEXT_BYTES = 128, DATA_BYTES = 300 * 1000, RECORD_BYTES = 16384 };

static const char HOST[] = "broker.example";

static uint8_t data[DATA_BYTES];

static void fill_data(void) {
  for (size_t i = 0; i < DATA_BYTES; i++)
    data[i] = (uint8_t)(i * 31 >> 3);
}

static struct tls_world world;
static struct tls_settings settings; /* a test changes what it is about */
static struct tls_peer_settings peer_settings;

static void set_up(void) {
  tls_world_open(&world);
  settings = tls_world_settings(&world);
  peer_settings = (struct tls_peer_settings){.own = &world.broker};
}

static void tear_down(void) {
  tls_world_close(&world);
}

static void check_connects(const char *host) {
  tls_pair_check_connects(&settings, &peer_settings, host);
}

static void check_fails(const char *host, int32_t status, const char *first, const char *second) {
  tls_pair_check_fails(&settings, &peer_settings, host, status, first, second);
}

static void check_refused(const char *host, const char *first, const char *second) {
  tls_pair_check_fails(&settings, &peer_settings, host, STATUS_CERTIFICATE_REFUSED, first, second);
}

/* The peer has this certificate instead of the world's. */
static void use(struct tls_certificate *certificate, const struct tls_recipe *recipe) {
  *certificate = tls_certificate_make(recipe);
  peer_settings.own = certificate;
}

START_TEST(versions_and_ciphers_are_told) {
  static const struct {
    enum tls_version version;
    const char *text;
  } cases[] = {{TLS_VERSION_1_3, "TLSv1.3, TLS_AES_128_GCM_SHA256"},
               {TLS_VERSION_1_2, "TLSv1.2, ECDHE-ECDSA-AES128-GCM-SHA256"}};
  for (size_t i = 0; i < 2; i++) {
    struct tls_pair pair;
    char text[TEXT_BYTES];
    settings.maximum_version = cases[i].version;
    tls_pair_open(&pair, &settings, &peer_settings, HOST);
    tls_session_describe(pair.session, text, sizeof text);
    ck_assert_str_eq(text, cases[i].text);
    ck_assert_int_eq(tls_session_status(pair.session), STATUS_OK);
    tls_pair_close(&pair);
  }
}
END_TEST

/* ---- the other side's faults ---- */

START_TEST(versions_have_to_meet) {
  peer_settings.is_weak = true;
  peer_settings.maximum = TLS1_1_VERSION;
  check_fails(HOST, STATUS_TLS_HANDSHAKE_FAILED, "none of our TLS versions", "ssl.enabled.protocols");
  peer_settings.maximum = TLS1_2_VERSION;
  settings.minimum_version = TLS_VERSION_1_3;
  check_fails(HOST, STATUS_TLS_HANDSHAKE_FAILED, "none of our TLS versions", "protocol version");
}
END_TEST

START_TEST(algorithms_have_to_meet) {
  settings.maximum_version = TLS_VERSION_1_2;
  settings.cipher_suites = "ECDHE-ECDSA-AES128-GCM-SHA256";
  peer_settings.ciphers = "ECDHE-ECDSA-AES256-GCM-SHA384";
  check_fails(HOST, STATUS_TLS_HANDSHAKE_FAILED, "shares no cipher suite", "ssl.cipher.suites");
  settings.maximum_version = TLS_VERSION_1_3;
  settings.cipher_suites = "TLS_AES_128_GCM_SHA256";
  peer_settings.cipher_suites = "TLS_AES_256_GCM_SHA384";
  check_fails(HOST, STATUS_TLS_HANDSHAKE_FAILED, "shares no cipher suite", "ssl.cipher.suites");
  settings.cipher_suites = NULL;
  settings.curves = "P-384";
  peer_settings.groups = "X25519";
  check_fails(HOST, STATUS_TLS_HANDSHAKE_FAILED, "ssl.curves.list", "handshake failure");
}
END_TEST

START_TEST(a_port_without_tls_is_recognised) {
  static const struct {
    const char *answer;
    size_t size;
    const char *words;
  } cases[] = {{"HTTP/1.1 400 Bad Request\r\n\r\n", 28, "the port speaks HTTP, not TLS"},
               {"SSH-2.0-OpenSSH_9.2\r\n", 21, "the port speaks plaintext, not TLS"},
               {"\0\0\0\x0a\0\0\0\x01\0\x23\0\0\0\0", 14, "the port speaks plaintext, not TLS"},
               {"HTTP/", 5, "the port speaks HTTP, not TLS"},
               {"", 0, "the port may speak plaintext Kafka, not TLS (see security.protocol)"}};
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    struct tls_pair pair;
    tls_pair_prepare(&pair, &settings, &peer_settings);
    tls_pair_dial(&pair, HOST);
    ck_assert_int_eq(tls_session_handshake(pair.session), TLS_WANT_INPUT);
    ck_assert(tls_session_put(pair.session, bytes_of(cases[i].answer, cases[i].size)));
    tls_session_end_input(pair.session);
    ck_assert_int_eq(tls_session_handshake(pair.session), TLS_FAILED);
    tls_pair_check_reason(&pair, STATUS_TLS_HANDSHAKE_FAILED, cases[i].words);
    tls_pair_close(&pair);
  }
}
END_TEST

/* A ServerHello of TLS 1.1, which only a peer sends that did not look at what was offered. */
START_TEST(a_version_that_was_not_offered_is_named) {
  uint8_t hello[5 + 4 + 38] = {22, 3, 2, 0, 42, 2, 0, 0, 38, 3, 2};
  hello[sizeof hello - 2] = 0x2f;
  struct tls_pair pair;
  tls_pair_prepare(&pair, &settings, &peer_settings);
  tls_pair_dial(&pair, HOST);
  ck_assert_int_eq(tls_session_handshake(pair.session), TLS_WANT_INPUT);
  ck_assert(tls_session_put(pair.session, bytes_of(hello, sizeof hello)));
  ck_assert_int_eq(tls_session_handshake(pair.session), TLS_FAILED);
  tls_pair_check_reason(&pair, STATUS_TLS_HANDSHAKE_FAILED,
                        "shares no TLS version with us: it chose TLS 1.1");
  tls_pair_close(&pair);
}
END_TEST

START_TEST(alerts_of_the_peer_are_translated) {
  static const struct {
    uint8_t alert;
    const char *first, *second;
  } cases[] = {
      {40, "shares no cipher suite, curve or signature algorithm", "handshake failure"},
      {42, "refuses our certificate", "bad certificate"},
      {43, "does not support our kind of certificate", "unsupported certificate"},
      {44, "our certificate was revoked", "certificate revoked"},
      {45, "our certificate has expired", "certificate expired"},
      {46, "does not accept our certificate", "certificate unknown"},
      {48, "does not trust the issuer of our certificate", "unknown CA"},
      {49, "denies access", "access denied"},
      {51, "could not check our signature", "decrypt error"},
      {70, "none of our TLS versions", "protocol version"},
      {71, "stronger cipher suites", "insufficient security"},
      {80, "failed inside of its TLS", "internal error"},
      {112, "does not know the host name", "unrecognized name"},
      {116, "wants a client certificate (ssl.keystore.*)", "alert"},
      {47, "the broker ended TLS", "illegal parameter"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    struct tls_pair pair;
    const uint8_t record[] = {21, 3, 3, 0, 2, 2, cases[i].alert};
    tls_pair_prepare(&pair, &settings, &peer_settings);
    tls_pair_dial(&pair, HOST);
    ck_assert_int_eq(tls_session_handshake(pair.session), TLS_WANT_INPUT);
    ck_assert(tls_session_put(pair.session, bytes_of(record, sizeof record)));
    ck_assert_int_eq(tls_session_handshake(pair.session), TLS_FAILED);
    tls_pair_check_reason(&pair, STATUS_TLS_HANDSHAKE_FAILED, cases[i].first);
    tls_pair_check_reason(&pair, STATUS_TLS_HANDSHAKE_FAILED, cases[i].second);
    tls_pair_close(&pair);
  }
}
END_TEST

/* ---- client certificates ---- */

START_TEST(a_certificate_that_the_broker_wants_is_sent_or_asked_for) {
  static const enum tls_version versions[] = {TLS_VERSION_1_2, TLS_VERSION_1_3};
  peer_settings.wants_certificate = true;
  peer_settings.client_authority = &world.authority;
  struct secret *key = secret_create(bytes_of_string(world.client_key_text));
  for (size_t i = 0; i < 2; i++) {
    settings.maximum_version = versions[i];
    settings.certificate_pem = NULL;
    settings.key_pem = NULL;
    check_fails(HOST, STATUS_TLS_HANDSHAKE_FAILED, "the broker wants a client certificate (ssl.keystore.*)",
                "alert");
    settings.certificate_pem = world.client_text;
    settings.key_pem = key;
    struct tls_pair pair;
    tls_pair_open(&pair, &settings, &peer_settings, HOST);
    X509 *seen = SSL_get1_peer_certificate(pair.peer.ssl);
    ck_assert_int_eq(X509_cmp(seen, world.client.certificate), 0);
    X509_free(seen);
    tls_pair_close(&pair);
  }
  struct tls_certificate other =
      tls_certificate_make(&(struct tls_recipe){.name = "other", .is_authority = true});
  peer_settings.client_authority = &other;
  check_fails(HOST, STATUS_TLS_HANDSHAKE_FAILED, "does not trust the issuer of our certificate",
              "unknown CA");
  tls_certificate_free(&other);
  secret_destroy(key);
}
END_TEST

START_TEST(the_whole_chain_is_sent) {
  struct tls_certificate between = tls_certificate_make(
      &(struct tls_recipe){.name = "between", .issuer = &world.authority, .is_authority = true});
  struct tls_certificate own = tls_certificate_make(&(struct tls_recipe){.name = "own", .issuer = &between});
  char *text =
      tls_text_join(tls_certificate_text(own.certificate), tls_certificate_text(between.certificate));
  char *key_text = tls_key_text(own.key, NULL);
  struct secret *key = secret_create(bytes_of_string(key_text));
  peer_settings.wants_certificate = true;
  peer_settings.client_authority = &world.authority;
  settings.certificate_pem = text;
  settings.key_pem = key;
  check_connects(HOST);
  secret_destroy(key);
  free(key_text);
  free(text);
  tls_certificate_free(&own);
  tls_certificate_free(&between);
}
END_TEST

/* ---- resumption ---- */

static bool dial_resumes(struct tls_pair *pair, const char *host, uint16_t port) {
  char text[TEXT_BYTES];
  tls_peer_open(&pair->peer, pair->server);
  pair->session = tls_session_create(pair->context, host, port);
  ck_assert(tls_peer_connect(&pair->peer, pair->session));
  tls_peer_exchange(&pair->peer, pair->session);
  uint8_t byte;
  size_t count = 0;
  ck_assert_int_eq(tls_session_read(pair->session, &byte, 1, &count), TLS_WANT_INPUT); /* takes tickets in */
  tls_session_describe(pair->session, text, sizeof text);
  tls_pair_hang_up(pair);
  return strstr(text, ", resumed") != NULL;
}

START_TEST(sessions_are_resumed_by_host_and_port) {
  static const enum tls_version versions[] = {TLS_VERSION_1_2, TLS_VERSION_1_3};
  for (size_t i = 0; i < 2; i++) {
    struct tls_pair pair;
    settings.maximum_version = versions[i];
    tls_pair_prepare(&pair, &settings, &peer_settings);
    ck_assert(!dial_resumes(&pair, HOST, TLS_PAIR_PORT));
    ck_assert(dial_resumes(&pair, HOST, TLS_PAIR_PORT));
    ck_assert(dial_resumes(&pair, "broker.example.", TLS_PAIR_PORT));
    ck_assert(!dial_resumes(&pair, HOST, TLS_PAIR_PORT + 1));
    ck_assert(!dial_resumes(&pair, "a.wild.example", TLS_PAIR_PORT));
    ck_assert(dial_resumes(&pair, HOST, TLS_PAIR_PORT));
    struct tls_context *other = tls_world_context(&settings); /* what a reload makes knows nothing of it */
    tls_context_release(pair.context);
    pair.context = other;
    ck_assert(!dial_resumes(&pair, HOST, TLS_PAIR_PORT));
    tls_context_release(pair.context);
    SSL_CTX_free(pair.server);
  }
}
END_TEST

/* ---- bytes ---- */

START_TEST(long_data_goes_out_in_full_records) {
  struct tls_pair pair;
  size_t sent = 0, count = 0, calls = 0;
  fill_data();
  tls_pair_open(&pair, &settings, &peer_settings, HOST);
  while (sent < DATA_BYTES) {
    ck_assert_int_eq(tls_session_write(pair.session, bytes_of(data + sent, DATA_BYTES - sent), &count),
                     TLS_DONE);
    sent += count;
    calls++;
    ck_assert(sent == DATA_BYTES || count % RECORD_BYTES == 0);
    struct bytes output = tls_session_output(pair.session);
    ck_assert_uint_eq(output.data[0], 23);
    ck_assert_uint_gt(bytes_load_u16(output.data + 3), count < RECORD_BYTES ? count : RECORD_BYTES);
    if (sent < DATA_BYTES) {
      size_t more = 77;
      ck_assert_int_eq(tls_session_write(pair.session, bytes_of(data + sent, 1), &more), TLS_FULL);
      ck_assert_uint_eq(more, 77);
    }
    tls_peer_put(&pair.peer, output);
    tls_session_output_taken(pair.session, output.size);
  }
  ck_assert_uint_eq(calls, 2); /* 256 KiB at once */
  ck_assert_uint_eq(pair.peer.received_size, DATA_BYTES);
  ck_assert_mem_eq(pair.peer.received, data, DATA_BYTES);
  tls_pair_close(&pair);
}
END_TEST

START_TEST(input_may_come_byte_by_byte_and_be_read_in_pieces) {
  struct tls_pair pair;
  uint8_t wire[4096], read[1000];
  fill_data();
  tls_pair_open(&pair, &settings, &peer_settings, HOST);
  tls_peer_exchange(&pair.peer, pair.session);
  tls_peer_write(&pair.peer, bytes_of(data, sizeof read));
  size_t size = tls_peer_take(&pair.peer, wire, sizeof wire), count = 0, have = 0;
  ck_assert_int_eq(tls_session_read(pair.session, read, sizeof read, &count), TLS_WANT_INPUT);
  for (size_t i = 0; i < size; i++) {
    ck_assert(tls_session_put(pair.session, bytes_of(wire + i, 1)));
    ck_assert(tls_session_has_input(pair.session));
    if (i + 1 < size) ck_assert_int_eq(tls_session_read(pair.session, read, 1, &count), TLS_WANT_INPUT);
    if (i + 1 < size) ck_assert(!tls_session_has_input(pair.session));
  }
  while (have < sizeof read) {
    ck_assert(tls_session_has_input(pair.session));
    ck_assert_int_eq(tls_session_read(pair.session, read + have, 7, &count), TLS_DONE);
    have += count;
    if (have + 7 > sizeof read) break;
  }
  ck_assert_int_eq(tls_session_read(pair.session, read + have, sizeof read - have, &count), TLS_DONE);
  ck_assert_mem_eq(read, data, sizeof read);
  ck_assert(!tls_session_has_input(pair.session));
  tls_pair_close(&pair);
}
END_TEST

START_TEST(several_records_are_read_at_once) {
  struct tls_pair pair;
  uint8_t read[64];
  size_t count = 0;
  tls_pair_open(&pair, &settings, &peer_settings, HOST);
  for (int i = 0; i < 4; i++)
    tls_peer_write(&pair.peer, bytes_of("0123456789", 10));
  tls_peer_exchange(&pair.peer, pair.session);
  ck_assert_int_eq(tls_session_read(pair.session, read, sizeof read, &count), TLS_DONE);
  ck_assert_uint_eq(count, 40);
  ck_assert_mem_eq(read, "0123456789012345678901234567890123456789", 40);
  tls_pair_close(&pair);
}
END_TEST

START_TEST(keys_are_updated_when_the_peer_asks) {
  struct tls_pair pair;
  uint8_t read[8];
  size_t count = 0;
  tls_pair_open(&pair, &settings, &peer_settings, HOST);
  tls_peer_exchange(&pair.peer, pair.session);
  for (int i = 0; i < 3; i++) {
    tls_peer_update_keys(&pair.peer);
    tls_peer_write(&pair.peer, bytes_of("after", 5));
    tls_peer_exchange(&pair.peer, pair.session);
    ck_assert_int_eq(tls_session_read(pair.session, read, sizeof read, &count), TLS_DONE);
    ck_assert_mem_eq(read, "after", 5);
    ck_assert_int_eq(tls_session_write(pair.session, bytes_of("ours", 4), &count), TLS_DONE);
    tls_peer_exchange(&pair.peer, pair.session);
    ck_assert(!pair.peer.has_failed);
  }
  ck_assert_uint_eq(pair.peer.received_size, 12);
  tls_pair_close(&pair);
}
END_TEST

START_TEST(a_peer_that_only_asks_is_ended) {
  struct tls_pair pair;
  uint8_t read[8], wire[4096];
  size_t count = 0;
  enum tls_outcome outcome = TLS_WANT_INPUT;
  fill_data();
  tls_pair_open(&pair, &settings, &peer_settings, HOST);
  tls_peer_exchange(&pair.peer, pair.session);
  ck_assert_int_eq(tls_session_write(pair.session, bytes_of(data, DATA_BYTES), &count), TLS_DONE);
  for (int i = 0; i < 100000 && outcome == TLS_WANT_INPUT; i++) { /* and takes nothing of what we answer */
    tls_peer_update_keys(&pair.peer);
    size_t size = tls_peer_take(&pair.peer, wire, sizeof wire);
    ck_assert(tls_session_put(pair.session, bytes_of(wire, size)));
    outcome = tls_session_read(pair.session, read, sizeof read, &count);
  }
  ck_assert_int_eq(outcome, TLS_FAILED);
  tls_pair_check_reason(&pair, STATUS_MALFORMED_RESPONSE, "one TLS answer after the other");
  tls_pair_close(&pair);
}
END_TEST

START_TEST(renegotiation_is_refused) {
  struct tls_pair pair;
  uint8_t read[8], wire[4096];
  size_t count = 0;
  settings.maximum_version = TLS_VERSION_1_2;
  tls_pair_open(&pair, &settings, &peer_settings, HOST);
  ck_assert_int_eq(SSL_renegotiate(pair.peer.ssl), 1);
  ck_assert_int_eq(SSL_do_handshake(pair.peer.ssl), 1); /* HelloRequest */
  size_t size = tls_peer_take(&pair.peer, wire, sizeof wire);
  ck_assert_uint_gt(size, 0);
  ck_assert(tls_session_put(pair.session, bytes_of(wire, size)));
  ck_assert_int_eq(tls_session_read(pair.session, read, sizeof read, &count), TLS_WANT_INPUT);
  struct bytes output = tls_session_output(pair.session);
  ck_assert_uint_gt(output.size, 0);
  ck_assert_uint_eq(output.data[0], 21); /* an alert, no ClientHello */
  tls_pair_close(&pair);
}
END_TEST

/* ---- ends ---- */

START_TEST(ends_are_told_apart) {
  uint8_t read[8], wire[4096];
  size_t count = 0;
  struct tls_pair pair;
  tls_pair_open(&pair, &settings, &peer_settings, HOST);
  tls_peer_write(&pair.peer, bytes_of("last", 4));
  tls_peer_shut_down(&pair.peer);
  tls_peer_exchange(&pair.peer, pair.session);
  ck_assert_int_eq(tls_session_read(pair.session, read, sizeof read, &count), TLS_DONE);
  ck_assert_uint_eq(count, 4);
  ck_assert_int_eq(tls_session_read(pair.session, read, sizeof read, &count), TLS_CLOSED);
  ck_assert_int_eq(tls_session_read(pair.session, read, sizeof read, &count), TLS_CLOSED);
  tls_pair_close(&pair);
  tls_pair_open(&pair, &settings, &peer_settings, HOST); /* without close_notify */
  tls_peer_exchange(&pair.peer, pair.session);
  ck_assert_int_eq(tls_session_read(pair.session, read, sizeof read, &count), TLS_WANT_INPUT);
  tls_session_end_input(pair.session);
  ck_assert_int_eq(tls_session_read(pair.session, read, sizeof read, &count), TLS_CLOSED);
  ck_assert_int_eq(tls_session_status(pair.session), STATUS_OK);
  tls_pair_close(&pair);
  static const size_t lacking[] = {1, 10, 22}; /* of a record of 5 + 22 bytes and more */
  for (size_t i = 0; i < sizeof lacking / sizeof lacking[0]; i++) {
    tls_pair_open(&pair, &settings, &peer_settings, HOST);
    tls_peer_exchange(&pair.peer, pair.session);
    tls_peer_write(&pair.peer, bytes_of("cut off", 7));
    size_t size = tls_peer_take(&pair.peer, wire, sizeof wire);
    ck_assert(tls_session_put(pair.session, bytes_of(wire, size - lacking[i])));
    tls_session_end_input(pair.session);
    ck_assert_int_eq(tls_session_read(pair.session, read, sizeof read, &count), TLS_FAILED);
    tls_pair_check_reason(&pair, STATUS_DISCONNECTED, "within a TLS record");
    tls_pair_close(&pair);
  }
}
END_TEST

START_TEST(the_peer_is_told_of_our_end) {
  struct tls_pair pair;
  tls_pair_open(&pair, &settings, &peer_settings, HOST);
  tls_session_shut_down(pair.session);
  tls_session_shut_down(pair.session);
  tls_peer_exchange(&pair.peer, pair.session);
  ck_assert(pair.peer.has_ended);
  ck_assert(!pair.peer.has_failed);
  tls_pair_close(&pair);
  tls_pair_prepare(&pair, &settings, &peer_settings);
  tls_pair_dial(&pair, HOST);
  tls_session_shut_down(pair.session); /* there is nothing to be ended yet */
  ck_assert_uint_eq(tls_session_output(pair.session).size, 0);
  tls_pair_close(&pair);
}
END_TEST

START_TEST(a_record_that_was_changed_is_refused) {
  struct tls_pair pair;
  uint8_t read[8], wire[4096];
  size_t count = 0;
  tls_pair_open(&pair, &settings, &peer_settings, HOST);
  tls_peer_exchange(&pair.peer, pair.session);
  tls_peer_write(&pair.peer, bytes_of("changed", 7));
  size_t size = tls_peer_take(&pair.peer, wire, sizeof wire);
  wire[size - 3] ^= 1;
  ck_assert(tls_session_put(pair.session, bytes_of(wire, size)));
  ck_assert_int_eq(tls_session_read(pair.session, read, sizeof read, &count), TLS_FAILED);
  tls_pair_check_reason(&pair, STATUS_MALFORMED_RESPONSE, "changed on its way");
  ck_assert_int_eq(tls_session_write(pair.session, bytes_of("x", 1), &count), TLS_FAILED);
  tls_pair_close(&pair);
}
END_TEST

/* ---- memory ---- */

START_TEST(missing_memory_fails_the_session_alone) {
  struct tls_context *context = tls_world_context(&settings);
  SSL_CTX *server = tls_peer_context(&peer_settings);
  uint32_t index = 0;
  for (bool failed = true; failed; index++) {
    struct tls_peer peer;
    uint8_t wire[8192];
    size_t count = 0;
    tls_peer_open(&peer, server);
    failing_allocator_start(index);
    struct tls_session *session = tls_session_create(context, HOST, TLS_PAIR_PORT);
    enum tls_outcome outcome = session == NULL ? TLS_FAILED : tls_session_handshake(session);
    for (int i = 0; i < 4 && outcome == TLS_WANT_INPUT; i++) {
      struct bytes output = tls_session_output(session);
      tls_peer_put(&peer, output);
      tls_session_output_taken(session, output.size);
      size_t size = tls_peer_take(&peer, wire, sizeof wire);
      bool taken = tls_session_put(session, bytes_of(wire, size));
      outcome = tls_session_handshake(session);
      ck_assert(taken || outcome == TLS_FAILED);
    }
    if (outcome == TLS_DONE) outcome = tls_session_write(session, bytes_of(data, 100000), &count);
    failed = failing_allocator_stop();
    ck_assert_int_eq(outcome == TLS_DONE, !failed);
    if (session != NULL && failed) ck_assert_int_eq(tls_session_status(session), STATUS_OUT_OF_MEMORY);
    tls_session_destroy(session);
    tls_peer_close(&peer);
  }
  ck_assert_uint_ge(index, 5);
  tls_context_release(context);
  SSL_CTX_free(server);
}
END_TEST

/* ---- openssl.cnf ---- */

/* Without the fixture: OpenSSL reads the file when it is used for the first time. */
START_TEST(what_is_safe_does_not_depend_on_the_configuration_of_openssl) {
  struct tls_folder folder = tls_folder_make();
  char *path =
      tls_folder_write_text(&folder, "openssl.cnf",
                            "openssl_conf = all\n[all]\nssl_conf = ssl\n[ssl]\nsystem_default = lax\n"
                            "[lax]\nMinProtocol = TLSv1\nMaxProtocol = TLSv1.2\n"
                            "CipherString = ALL:@SECLEVEL=0\nOptions = UnsafeLegacyRenegotiation\n");
  ck_assert_int_eq(setenv("OPENSSL_CONF", path, 1), 0);
  set_up();
  check_connects(HOST);
  struct tls_pair pair;
  char text[TEXT_BYTES];
  tls_pair_open(&pair, &settings, &peer_settings, HOST);
  tls_session_describe(pair.session, text, sizeof text);
  ck_assert_str_eq(text, "TLSv1.3, TLS_AES_128_GCM_SHA256"); /* the file allows 1.2 at most */
  tls_pair_close(&pair);
  struct tls_certificate weak;
  use(&weak, &(struct tls_recipe){.name = "weak",
                                  .issuer = &world.authority,
                                  .alternative_names = "DNS:broker.example",
                                  .rsa_bits = 1024});
  peer_settings.is_weak = true;
  check_refused(HOST, "\"CN=weak\" is too weak", "1024 bits");
  peer_settings.own = &world.broker;
  peer_settings.maximum = TLS1_1_VERSION;
  check_fails(HOST, STATUS_TLS_HANDSHAKE_FAILED, "none of our TLS versions", "protocol version");
  tls_certificate_free(&weak);
  tear_down();
  free(path);
  tls_folder_remove(&folder);
}
END_TEST

static TCase *case_of(Suite *suite, const char *name) {
  TCase *made = tcase_create(name);
  tcase_add_checked_fixture(made, set_up, tear_down);
  suite_add_tcase(suite, made);
  return made;
}

int main(void) {
  Suite *suite = suite_create("tls_session");
  TCase *configuration = tcase_create("configuration");
  suite_add_tcase(suite, configuration);
  tcase_add_test(configuration, what_is_safe_does_not_depend_on_the_configuration_of_openssl);
  TCase *handshake = case_of(suite, "handshake");
  tcase_add_test(handshake, versions_and_ciphers_are_told);
  tcase_add_test(handshake, sessions_are_resumed_by_host_and_port);
  TCase *certificates = case_of(suite, "certificates");
  tcase_add_test(certificates, a_certificate_that_the_broker_wants_is_sent_or_asked_for);
  tcase_add_test(certificates, the_whole_chain_is_sent);
  TCase *peers = case_of(suite, "peers");
  tcase_add_test(peers, versions_have_to_meet);
  tcase_add_test(peers, algorithms_have_to_meet);
  tcase_add_test(peers, a_port_without_tls_is_recognised);
  tcase_add_test(peers, a_version_that_was_not_offered_is_named);
  tcase_add_test(peers, alerts_of_the_peer_are_translated);
  tcase_add_test(peers, a_peer_that_only_asks_is_ended);
  tcase_add_test(peers, renegotiation_is_refused);
  TCase *bytes = case_of(suite, "bytes");
  tcase_add_test(bytes, long_data_goes_out_in_full_records);
  tcase_add_test(bytes, input_may_come_byte_by_byte_and_be_read_in_pieces);
  tcase_add_test(bytes, several_records_are_read_at_once);
  tcase_add_test(bytes, keys_are_updated_when_the_peer_asks);
  tcase_add_test(bytes, ends_are_told_apart);
  tcase_add_test(bytes, the_peer_is_told_of_our_end);
  tcase_add_test(bytes, a_record_that_was_changed_is_refused);
  tcase_add_test(bytes, missing_memory_fails_the_session_alone);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_NORMAL);
  int failed = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
