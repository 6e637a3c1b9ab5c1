#include "security/tls_session.h"

#include "base/status.h"
#include "support/failing_allocator.h"
#include "support/tls_world.h"
#include <check.h>
#include <stdio.h>
#include <stdlib.h>

enum { PORT = 9093, TEXT_BYTES = 128, DATA_BYTES = 300 * 1000, RECORD_BYTES = 16384 };

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

/* A session and the peer that it talks to. */
struct pair {
  struct tls_context *context;
  SSL_CTX *server;
  struct tls_peer peer;
  struct tls_session *session;
};

static void pair_prepare(struct pair *pair) {
  pair->context = tls_world_context(&settings);
  pair->server = tls_peer_context(&peer_settings);
}

static void pair_dial(struct pair *pair, const char *host) {
  tls_peer_open(&pair->peer, pair->server);
  pair->session = tls_session_create(pair->context, host, PORT);
  ck_assert_ptr_nonnull(pair->session);
}

static void pair_hang_up(struct pair *pair) {
  tls_session_destroy(pair->session);
  tls_peer_close(&pair->peer);
}

static void pair_open(struct pair *pair) {
  pair_prepare(pair);
  pair_dial(pair, HOST);
  bool done = tls_peer_connect(&pair->peer, pair->session);
  ck_assert_msg(done, "%s", tls_session_reason(pair->session));
}

static void pair_close(struct pair *pair) {
  pair_hang_up(pair);
  tls_context_release(pair->context);
  SSL_CTX_free(pair->server);
}

static void check_connects(const char *host) {
  struct pair pair;
  pair_prepare(&pair);
  pair_dial(&pair, host);
  bool done = tls_peer_connect(&pair.peer, pair.session);
  ck_assert_msg(done, "%s: %s", host, tls_session_reason(pair.session));
  pair_close(&pair);
}

static void check_reason(const struct tls_session *session, int32_t status, const char *words) {
  const char *reason = tls_session_reason(session);
  ck_assert_int_eq(tls_session_status(session), status);
  ck_assert_msg(strstr(reason, words) != NULL, "\"%s\" is not in: %s", words, reason);
}

/* Both words have to be in the reason. */
static void check_fails(const char *host, int32_t status, const char *first, const char *second) {
  struct pair pair;
  pair_prepare(&pair);
  pair_dial(&pair, host);
  tls_peer_exchange(&pair.peer, pair.session);
  uint8_t byte;
  size_t count = 0;
  if (tls_session_handshake(pair.session) ==
      TLS_DONE) { /* by TLS 1.3 a server refuses after the client's handshake */
    ck_assert_int_eq(tls_session_read(pair.session, &byte, 1, &count), TLS_FAILED);
  }
  check_reason(pair.session, status, first);
  check_reason(pair.session, status, second);
  ck_assert_int_eq(tls_session_handshake(pair.session), TLS_FAILED);
  pair_close(&pair);
}

static void check_refused(const char *host, const char *first, const char *second) {
  check_fails(host, STATUS_CERTIFICATE_REFUSED, first, second);
}

/* The peer has this certificate instead of the world's. */
static void use(struct tls_certificate *certificate, const struct tls_recipe *recipe) {
  *certificate = tls_certificate_make(recipe);
  peer_settings.own = certificate;
}

/* ---- what passes ---- */

START_TEST(versions_and_ciphers_are_told) {
  static const struct {
    enum tls_version version;
    const char *text;
  } cases[] = {{TLS_VERSION_1_3, "TLSv1.3, TLS_AES_128_GCM_SHA256"},
               {TLS_VERSION_1_2, "TLSv1.2, ECDHE-ECDSA-AES128-GCM-SHA256"}};
  for (size_t i = 0; i < 2; i++) {
    struct pair pair;
    char text[TEXT_BYTES];
    settings.maximum_version = cases[i].version;
    pair_open(&pair);
    tls_session_describe(pair.session, text, sizeof text);
    ck_assert_str_eq(text, cases[i].text);
    ck_assert_int_eq(tls_session_status(pair.session), STATUS_OK);
    pair_close(&pair);
  }
}
END_TEST

START_TEST(names_and_addresses_that_are_offered_pass) {
  static const char *const hosts[] = {"broker.example",  "broker.example.", "BROKER.example",
                                      "a.wild.example",  "127.0.0.1",       "::1",
                                      "0:0:0:0:0:0:0:1", "::1%lo"};
  for (size_t i = 0; i < sizeof hosts / sizeof hosts[0]; i++)
    check_connects(hosts[i]);
}
END_TEST

START_TEST(names_and_addresses_that_are_not_offered_are_refused) {
  static const char *const hosts[] = {"other.example", "example", "a.b.wild.example",   "wild.example",
                                      "127.0.0.2",     "::2",     "broker.example.org", "localhost"};
  for (size_t i = 0; i < sizeof hosts / sizeof hosts[0]; i++) {
    char expected[TEXT_BYTES];
    snprintf(expected, sizeof expected, "\"%s\" was expected", hosts[i]);
    check_refused(hosts[i], expected, "DNS:broker.example, DNS:*.wild.example, IP:127.0.0.1, IP:::1");
  }
}
END_TEST

START_TEST(the_common_name_counts_only_without_alternative_names) {
  struct tls_certificate own;
  use(&own, &(struct tls_recipe){.name = HOST, .issuer = &world.authority});
  check_connects(HOST);
  check_refused("other.example", "\"other.example\" was expected", "CN=broker.example");
  tls_certificate_free(&own);
  use(&own,
      &(struct tls_recipe){.name = HOST, .issuer = &world.authority, .alternative_names = "IP:10.0.0.1"});
  check_refused(HOST, "was expected", "offers IP:10.0.0.1");
  tls_certificate_free(&own);
  use(&own, &(struct tls_recipe){.name = HOST, .issuer = &world.authority, .alternative_names = "email:a@b"});
  check_refused(HOST, "was expected", "no DNS name or IP address");
  tls_certificate_free(&own);
  use(&own, &(struct tls_recipe){
                .name = "10.0.0.1", .issuer = &world.authority, .alternative_names = "DNS:10.0.0.1"});
  check_refused("10.0.0.1", "\"10.0.0.1\" was expected", "offers DNS:10.0.0.1");
  tls_certificate_free(&own);
}
END_TEST

START_TEST(partial_wildcards_do_not_pass) {
  static const char *const names[] = {"DNS:bro*.wild.example,DNS:*", NULL};
  for (size_t i = 0; i < 2; i++) { /* as alternative name, and as common name without one */
    struct tls_certificate own;
    use(&own, &(struct tls_recipe){
                  .name = "bro*.wild.example", .issuer = &world.authority, .alternative_names = names[i]});
    check_refused("broker.wild.example", "was expected", "bro*.wild.example");
    tls_certificate_free(&own);
  }
}
END_TEST

START_TEST(names_that_no_log_should_have_are_cleaned) {
  struct tls_certificate own;
  use(&own, &(struct tls_recipe){.name = "x",
                                 .issuer = &world.authority,
                                 .alternative_names = "DNS:a\x1b[2J\xc2\x9b\xff\x7f."});
  check_refused(HOST, "was expected", "offers DNS:a?[2J????. (");
  tls_certificate_free(&own);
}
END_TEST

START_TEST(names_are_sent_to_the_server_and_addresses_are_not) {
  static const struct {
    const char *host, *name;
  } cases[] = {{"broker.example.", "broker.example"}, {"127.0.0.1", NULL}, {"::1", NULL}};
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    struct pair pair;
    pair_prepare(&pair);
    pair_dial(&pair, cases[i].host);
    ck_assert(tls_peer_connect(&pair.peer, pair.session));
    const char *name = SSL_get_servername(pair.peer.ssl, TLSEXT_NAMETYPE_host_name);
    ck_assert_pstr_eq(name, cases[i].name);
    pair_close(&pair);
  }
}
END_TEST

/* ---- what is off passes ---- */

START_TEST(what_is_not_verified_passes) {
  struct tls_certificate own;
  settings.verify_host_name = false;
  check_connects("other.example");
  use(&own, &(struct tls_recipe){.name = "self", .first_day = -9, .last_day = -1});
  check_refused("other.example", "self-signed", "CN=self");
  settings.verify_certificate = false;
  check_connects("other.example");
  check_connects("127.0.0.9");
  tls_certificate_free(&own);
}
END_TEST

/* ---- faults of certificates ---- */

START_TEST(faults_of_the_certificate_are_named) {
  static const struct {
    struct tls_recipe recipe;
    bool is_self_signed;
    const char *first, *second;
  } cases[] = {
      {{.first_day = -9, .last_day = -1}, false, "\"CN=own\" expired on 20", "UTC"},
      {{.first_day = 1, .last_day = 9}, false, "\"CN=own\" is not valid yet: it is from 20", "clock"},
      {{.first_day = 0}, true, "\"CN=own\" is self-signed and not trusted", "ssl.truststore.location"},
      {{.rsa_bits = 1024}, false, "\"CN=own\" is too weak", "RSA, 1024 bits"},
      {{.extended_usage = "clientAuth"}, false, "\"CN=own\" is not made for TLS servers", "purpose"},
  };
  peer_settings.is_weak = true;
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    struct tls_recipe recipe = cases[i].recipe;
    struct tls_certificate own;
    recipe.name = "own";
    recipe.alternative_names = "DNS:broker.example";
    if (!cases[i].is_self_signed) recipe.issuer = &world.authority;
    use(&own, &recipe);
    check_refused(HOST, cases[i].first, cases[i].second);
    tls_certificate_free(&own);
  }
}
END_TEST

/* Authority, an authority between, and the broker's own. */
START_TEST(faults_of_the_chain_are_named) {
  struct tls_certificate between = tls_certificate_make(
      &(struct tls_recipe){.name = "between", .issuer = &world.authority, .is_authority = true});
  struct tls_certificate own;
  use(&own,
      &(struct tls_recipe){.name = "own", .issuer = &between, .alternative_names = "DNS:broker.example"});
  check_refused(HOST, "\"CN=own\" is not trusted: its issuer \"CN=between\"", "chain incomplete?");
  peer_settings.chain[0] = &between;
  check_connects(HOST);
  peer_settings.chain[1] = &world.authority; /* not needed, and no harm */
  check_connects(HOST);
  struct tls_certificate other =
      tls_certificate_make(&(struct tls_recipe){.name = "other", .is_authority = true});
  char *other_text = tls_certificate_text(other.certificate);
  settings.trust_pem = other_text;
  check_refused(HOST, "chain ends at the self-signed certificate \"CN=authority\"", "ssl.ca.location");
  peer_settings.chain[1] = NULL;
  check_refused(HOST, "chain ends with \"CN=between\", whose issuer \"CN=authority\" is not in",
                "ssl.ca.location");
  free(other_text);
  tls_certificate_free(&other);
  tls_certificate_free(&own);
  tls_certificate_free(&between);
}
END_TEST

/* With the identifiers of keys the wrong one is not even tried. */
START_TEST(an_authority_of_the_same_name_is_not_enough) {
  for (int i = 0; i < 2; i++) {
    struct tls_recipe recipe = {.name = "authority", .is_authority = true, .has_no_identifiers = i == 1};
    struct tls_certificate other = tls_certificate_make(&recipe);
    char *other_text = tls_certificate_text(other.certificate);
    settings.trust_pem = other_text;
    check_refused(HOST, "\"CN=broker\" was issued by \"CN=authority\"", "has another key");
    free(other_text);
    tls_certificate_free(&other);
  }
}
END_TEST

START_TEST(faults_of_authorities_are_named) {
  static const struct {
    struct tls_recipe recipe;
    const char *first, *second;
  } cases[] = {
      {{.is_authority = true, .first_day = -9, .last_day = -1}, "\"CN=between\" expired on 20", "UTC"},
      {{.is_authority = true, .rsa_bits = 1024}, "\"CN=between\" is too weak", "1024 bits"},
      {{.is_authority = false}, "\"CN=between\" may not issue others", "authority"},
  };
  peer_settings.is_weak = true;
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    struct tls_recipe recipe = cases[i].recipe;
    recipe.name = "between";
    recipe.issuer = &world.authority;
    struct tls_certificate between = tls_certificate_make(&recipe), own;
    use(&own,
        &(struct tls_recipe){.name = "own", .issuer = &between, .alternative_names = "DNS:broker.example"});
    peer_settings.chain[0] = &between;
    check_refused(HOST, cases[i].first, cases[i].second);
    tls_certificate_free(&own);
    tls_certificate_free(&between);
  }
}
END_TEST

START_TEST(weak_signatures_are_refused) {
  struct tls_certificate own;
  use(&own, &(struct tls_recipe){.name = "own",
                                 .issuer = &world.authority,
                                 .alternative_names = "DNS:broker.example",
                                 .digest = EVP_sha1()});
  peer_settings.is_weak = true;
  check_refused(HOST, "\"CN=own\" is signed with a weak digest", "SHA1");
  tls_certificate_free(&own);
}
END_TEST

START_TEST(what_is_trusted_need_not_be_a_root) {
  struct tls_certificate between = tls_certificate_make(
      &(struct tls_recipe){.name = "between", .issuer = &world.authority, .is_authority = true});
  struct tls_certificate own;
  use(&own,
      &(struct tls_recipe){.name = "own", .issuer = &between, .alternative_names = "DNS:broker.example"});
  X509 *const trusted[] = {between.certificate, own.certificate};
  for (size_t i = 0; i < 2; i++) {
    char *text = tls_certificate_text(trusted[i]);
    settings.trust_pem = text;
    check_connects(HOST);
    free(text);
  }
  tls_certificate_free(&own);
  use(&own, &(struct tls_recipe){.name = "self", .alternative_names = "DNS:broker.example"});
  char *text = tls_certificate_text(own.certificate);
  settings.trust_pem = text;
  check_connects(HOST);
  free(text);
  tls_certificate_free(&own);
  tls_certificate_free(&between);
}
END_TEST

/* ---- revocation ---- */

START_TEST(revocation_is_looked_up) {
  struct tls_folder folder = tls_folder_make();
  struct tls_certificate other =
      tls_certificate_make(&(struct tls_recipe){.name = "other", .is_authority = true});
  const struct {
    const struct tls_certificate *issuer;
    const X509 *revoked;
    int first_day, last_day;
    const char *first, *second;
  } cases[] = {
      {&world.authority, NULL, 0, 0, NULL, NULL},
      {&world.authority, world.client.certificate, 0, 0, NULL, NULL},
      {&world.authority, world.broker.certificate, 0, 0, "\"CN=broker\" was revoked on 20",
       "by \"CN=authority\""},
      {&world.authority, NULL, -9, -1, "(CRL) of \"CN=authority\" in ssl.crl.location expired on 20", "UTC"},
      {&world.authority, NULL, 1, 9, "(CRL) of \"CN=authority\" in ssl.crl.location is not valid yet", "UTC"},
      {&other, NULL, 0, 0, "ssl.crl.location has no certificate revocation list", "\"CN=authority\""},
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    X509_CRL *list =
        tls_revocations_make(cases[i].issuer, cases[i].revoked, cases[i].first_day, cases[i].last_day);
    char *text = tls_revocations_text(list);
    char *path = tls_folder_write_text(&folder, "list.pem", text);
    settings.crl_location = path;
    if (cases[i].first == NULL)
      check_connects(HOST);
    else
      check_refused(HOST, cases[i].first, cases[i].second);
    free(path);
    free(text);
    X509_CRL_free(list);
  }
  tls_certificate_free(&other);
  tls_folder_remove(&folder);
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
    struct pair pair;
    pair_prepare(&pair);
    pair_dial(&pair, HOST);
    ck_assert_int_eq(tls_session_handshake(pair.session), TLS_WANT_INPUT);
    ck_assert(tls_session_put(pair.session, bytes_of(cases[i].answer, cases[i].size)));
    tls_session_end_input(pair.session);
    ck_assert_int_eq(tls_session_handshake(pair.session), TLS_FAILED);
    check_reason(pair.session, STATUS_TLS_HANDSHAKE_FAILED, cases[i].words);
    pair_close(&pair);
  }
}
END_TEST

/* A ServerHello of TLS 1.1, which only a peer sends that did not look at what was offered. */
START_TEST(a_version_that_was_not_offered_is_named) {
  uint8_t hello[5 + 4 + 38] = {22, 3, 2, 0, 42, 2, 0, 0, 38, 3, 2};
  hello[sizeof hello - 2] = 0x2f;
  struct pair pair;
  pair_prepare(&pair);
  pair_dial(&pair, HOST);
  ck_assert_int_eq(tls_session_handshake(pair.session), TLS_WANT_INPUT);
  ck_assert(tls_session_put(pair.session, bytes_of(hello, sizeof hello)));
  ck_assert_int_eq(tls_session_handshake(pair.session), TLS_FAILED);
  check_reason(pair.session, STATUS_TLS_HANDSHAKE_FAILED, "shares no TLS version with us: it chose TLS 1.1");
  pair_close(&pair);
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
    struct pair pair;
    const uint8_t record[] = {21, 3, 3, 0, 2, 2, cases[i].alert};
    pair_prepare(&pair);
    pair_dial(&pair, HOST);
    ck_assert_int_eq(tls_session_handshake(pair.session), TLS_WANT_INPUT);
    ck_assert(tls_session_put(pair.session, bytes_of(record, sizeof record)));
    ck_assert_int_eq(tls_session_handshake(pair.session), TLS_FAILED);
    check_reason(pair.session, STATUS_TLS_HANDSHAKE_FAILED, cases[i].first);
    check_reason(pair.session, STATUS_TLS_HANDSHAKE_FAILED, cases[i].second);
    pair_close(&pair);
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
    struct pair pair;
    pair_open(&pair);
    X509 *seen = SSL_get1_peer_certificate(pair.peer.ssl);
    ck_assert_int_eq(X509_cmp(seen, world.client.certificate), 0);
    X509_free(seen);
    pair_close(&pair);
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

static bool dial_resumes(struct pair *pair, const char *host, uint16_t port) {
  char text[TEXT_BYTES];
  tls_peer_open(&pair->peer, pair->server);
  pair->session = tls_session_create(pair->context, host, port);
  ck_assert(tls_peer_connect(&pair->peer, pair->session));
  tls_peer_exchange(&pair->peer, pair->session);
  uint8_t byte;
  size_t count = 0;
  ck_assert_int_eq(tls_session_read(pair->session, &byte, 1, &count), TLS_WANT_INPUT); /* takes tickets in */
  tls_session_describe(pair->session, text, sizeof text);
  pair_hang_up(pair);
  return strstr(text, ", resumed") != NULL;
}

START_TEST(sessions_are_resumed_by_host_and_port) {
  static const enum tls_version versions[] = {TLS_VERSION_1_2, TLS_VERSION_1_3};
  for (size_t i = 0; i < 2; i++) {
    struct pair pair;
    settings.maximum_version = versions[i];
    pair_prepare(&pair);
    ck_assert(!dial_resumes(&pair, HOST, PORT));
    ck_assert(dial_resumes(&pair, HOST, PORT));
    ck_assert(dial_resumes(&pair, "broker.example.", PORT));
    ck_assert(!dial_resumes(&pair, HOST, PORT + 1));
    ck_assert(!dial_resumes(&pair, "a.wild.example", PORT));
    ck_assert(dial_resumes(&pair, HOST, PORT));
    struct tls_context *other = tls_world_context(&settings); /* what a reload makes knows nothing of it */
    tls_context_release(pair.context);
    pair.context = other;
    ck_assert(!dial_resumes(&pair, HOST, PORT));
    tls_context_release(pair.context);
    SSL_CTX_free(pair.server);
  }
}
END_TEST

/* ---- bytes ---- */

START_TEST(long_data_goes_out_in_full_records) {
  struct pair pair;
  size_t sent = 0, count = 0, calls = 0;
  fill_data();
  pair_open(&pair);
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
  pair_close(&pair);
}
END_TEST

START_TEST(input_may_come_byte_by_byte_and_be_read_in_pieces) {
  struct pair pair;
  uint8_t wire[4096], read[1000];
  fill_data();
  pair_open(&pair);
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
  pair_close(&pair);
}
END_TEST

START_TEST(several_records_are_read_at_once) {
  struct pair pair;
  uint8_t read[64];
  size_t count = 0;
  pair_open(&pair);
  for (int i = 0; i < 4; i++)
    tls_peer_write(&pair.peer, bytes_of("0123456789", 10));
  tls_peer_exchange(&pair.peer, pair.session);
  ck_assert_int_eq(tls_session_read(pair.session, read, sizeof read, &count), TLS_DONE);
  ck_assert_uint_eq(count, 40);
  ck_assert_mem_eq(read, "0123456789012345678901234567890123456789", 40);
  pair_close(&pair);
}
END_TEST

START_TEST(keys_are_updated_when_the_peer_asks) {
  struct pair pair;
  uint8_t read[8];
  size_t count = 0;
  pair_open(&pair);
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
  pair_close(&pair);
}
END_TEST

START_TEST(a_peer_that_only_asks_is_ended) {
  struct pair pair;
  uint8_t read[8], wire[4096];
  size_t count = 0;
  enum tls_outcome outcome = TLS_WANT_INPUT;
  fill_data();
  pair_open(&pair);
  tls_peer_exchange(&pair.peer, pair.session);
  ck_assert_int_eq(tls_session_write(pair.session, bytes_of(data, DATA_BYTES), &count), TLS_DONE);
  for (int i = 0; i < 100000 && outcome == TLS_WANT_INPUT; i++) { /* and takes nothing of what we answer */
    tls_peer_update_keys(&pair.peer);
    size_t size = tls_peer_take(&pair.peer, wire, sizeof wire);
    ck_assert(tls_session_put(pair.session, bytes_of(wire, size)));
    outcome = tls_session_read(pair.session, read, sizeof read, &count);
  }
  ck_assert_int_eq(outcome, TLS_FAILED);
  check_reason(pair.session, STATUS_MALFORMED_RESPONSE, "one TLS answer after the other");
  pair_close(&pair);
}
END_TEST

START_TEST(renegotiation_is_refused) {
  struct pair pair;
  uint8_t read[8], wire[4096];
  size_t count = 0;
  settings.maximum_version = TLS_VERSION_1_2;
  pair_open(&pair);
  ck_assert_int_eq(SSL_renegotiate(pair.peer.ssl), 1);
  ck_assert_int_eq(SSL_do_handshake(pair.peer.ssl), 1); /* HelloRequest */
  size_t size = tls_peer_take(&pair.peer, wire, sizeof wire);
  ck_assert_uint_gt(size, 0);
  ck_assert(tls_session_put(pair.session, bytes_of(wire, size)));
  ck_assert_int_eq(tls_session_read(pair.session, read, sizeof read, &count), TLS_WANT_INPUT);
  struct bytes output = tls_session_output(pair.session);
  ck_assert_uint_gt(output.size, 0);
  ck_assert_uint_eq(output.data[0], 21); /* an alert, no ClientHello */
  pair_close(&pair);
}
END_TEST

/* ---- ends ---- */

START_TEST(ends_are_told_apart) {
  uint8_t read[8], wire[4096];
  size_t count = 0;
  struct pair pair;
  pair_open(&pair);
  tls_peer_write(&pair.peer, bytes_of("last", 4));
  tls_peer_shut_down(&pair.peer);
  tls_peer_exchange(&pair.peer, pair.session);
  ck_assert_int_eq(tls_session_read(pair.session, read, sizeof read, &count), TLS_DONE);
  ck_assert_uint_eq(count, 4);
  ck_assert_int_eq(tls_session_read(pair.session, read, sizeof read, &count), TLS_CLOSED);
  ck_assert_int_eq(tls_session_read(pair.session, read, sizeof read, &count), TLS_CLOSED);
  pair_close(&pair);
  pair_open(&pair); /* without close_notify */
  tls_peer_exchange(&pair.peer, pair.session);
  ck_assert_int_eq(tls_session_read(pair.session, read, sizeof read, &count), TLS_WANT_INPUT);
  tls_session_end_input(pair.session);
  ck_assert_int_eq(tls_session_read(pair.session, read, sizeof read, &count), TLS_CLOSED);
  ck_assert_int_eq(tls_session_status(pair.session), STATUS_OK);
  pair_close(&pair);
  static const size_t lacking[] = {1, 10, 22}; /* of a record of 5 + 22 bytes and more */
  for (size_t i = 0; i < sizeof lacking / sizeof lacking[0]; i++) {
    pair_open(&pair);
    tls_peer_exchange(&pair.peer, pair.session);
    tls_peer_write(&pair.peer, bytes_of("cut off", 7));
    size_t size = tls_peer_take(&pair.peer, wire, sizeof wire);
    ck_assert(tls_session_put(pair.session, bytes_of(wire, size - lacking[i])));
    tls_session_end_input(pair.session);
    ck_assert_int_eq(tls_session_read(pair.session, read, sizeof read, &count), TLS_FAILED);
    check_reason(pair.session, STATUS_DISCONNECTED, "within a TLS record");
    pair_close(&pair);
  }
}
END_TEST

START_TEST(the_peer_is_told_of_our_end) {
  struct pair pair;
  pair_open(&pair);
  tls_session_shut_down(pair.session);
  tls_session_shut_down(pair.session);
  tls_peer_exchange(&pair.peer, pair.session);
  ck_assert(pair.peer.has_ended);
  ck_assert(!pair.peer.has_failed);
  pair_close(&pair);
  pair_prepare(&pair);
  pair_dial(&pair, HOST);
  tls_session_shut_down(pair.session); /* there is nothing to be ended yet */
  ck_assert_uint_eq(tls_session_output(pair.session).size, 0);
  pair_close(&pair);
}
END_TEST

START_TEST(a_record_that_was_changed_is_refused) {
  struct pair pair;
  uint8_t read[8], wire[4096];
  size_t count = 0;
  pair_open(&pair);
  tls_peer_exchange(&pair.peer, pair.session);
  tls_peer_write(&pair.peer, bytes_of("changed", 7));
  size_t size = tls_peer_take(&pair.peer, wire, sizeof wire);
  wire[size - 3] ^= 1;
  ck_assert(tls_session_put(pair.session, bytes_of(wire, size)));
  ck_assert_int_eq(tls_session_read(pair.session, read, sizeof read, &count), TLS_FAILED);
  check_reason(pair.session, STATUS_MALFORMED_RESPONSE, "changed on its way");
  ck_assert_int_eq(tls_session_write(pair.session, bytes_of("x", 1), &count), TLS_FAILED);
  pair_close(&pair);
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
    struct tls_session *session = tls_session_create(context, HOST, PORT);
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
  struct pair pair;
  char text[TEXT_BYTES];
  pair_open(&pair);
  tls_session_describe(pair.session, text, sizeof text);
  ck_assert_str_eq(text, "TLSv1.3, TLS_AES_128_GCM_SHA256"); /* the file allows 1.2 at most */
  pair_close(&pair);
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
  tcase_add_test(handshake, names_and_addresses_that_are_offered_pass);
  tcase_add_test(handshake, names_and_addresses_that_are_not_offered_are_refused);
  tcase_add_test(handshake, the_common_name_counts_only_without_alternative_names);
  tcase_add_test(handshake, partial_wildcards_do_not_pass);
  tcase_add_test(handshake, names_that_no_log_should_have_are_cleaned);
  tcase_add_test(handshake, names_are_sent_to_the_server_and_addresses_are_not);
  tcase_add_test(handshake, what_is_not_verified_passes);
  tcase_add_test(handshake, sessions_are_resumed_by_host_and_port);
  TCase *certificates = case_of(suite, "certificates");
  tcase_add_test(certificates, faults_of_the_certificate_are_named);
  tcase_add_test(certificates, faults_of_the_chain_are_named);
  tcase_add_test(certificates, an_authority_of_the_same_name_is_not_enough);
  tcase_add_test(certificates, faults_of_authorities_are_named);
  tcase_add_test(certificates, weak_signatures_are_refused);
  tcase_add_test(certificates, what_is_trusted_need_not_be_a_root);
  tcase_add_test(certificates, revocation_is_looked_up);
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
