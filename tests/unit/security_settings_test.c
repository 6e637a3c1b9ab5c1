#include "producer/security_settings.h"

#include "base/status.h"
#include "support/failing_allocator.h"
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PAIRS_MAX = 8 };

/* Pairs of names and values, behind them NULL. */
#define PAIRS(...) ((const char *const[2 *PAIRS_MAX]){__VA_ARGS__})

static struct config *config;
static struct security_settings settings;
static char lines[4096];

static void sink(void *context, int32_t level, const char *line) {
  (void)context;
  size_t used = strlen(lines);
  if (level == LOG_LEVEL_WARNING) (void)snprintf(lines + used, sizeof(lines) - used, "%s\n", line);
}

static const struct log log_of_test = {.level = LOG_LEVEL_DEBUG, .sink = sink};

static void make_config(void) {
  ck_assert_int_eq(config_create(&config), STATUS_OK);
  lines[0] = '\0';
}

static void destroy_config(void) {
  security_settings_deinit(&settings);
  config_destroy(config);
  ck_assert_uint_eq(secret_usage().count, 0);
}

static void set(const char *name, const char *value) {
  struct config_error error = {.text = ""};
  ck_assert_msg(config_set(config, name, value, &error) == STATUS_OK, "%s", error.text);
}

static void set_all(const char *const *pairs) {
  for (size_t i = 0; i < 2 * PAIRS_MAX && pairs[i] != NULL; i += 2)
    set(pairs[i], pairs[i + 1]);
}

static void start_again(void) {
  destroy_config();
  make_config();
}

static const struct security_settings *resolve(const char *const *pairs) {
  struct config_error error = {.text = ""};
  start_again();
  set_all(pairs);
  int32_t status = security_settings_resolve(config, &log_of_test, &settings, &error);
  ck_assert_msg(status == STATUS_OK, "%s", error.text);
  ck_assert_str_eq(error.text, "");
  return &settings;
}

static void assert_refused(const char *const *pairs, const char *message) {
  struct config_error error = {.text = ""};
  struct security_settings untouched, result;
  memset(&untouched, 0x77, sizeof(untouched));
  result = untouched;
  start_again();
  set_all(pairs);
  ck_assert_int_eq(security_settings_resolve(config, NULL, &result, &error), STATUS_INVALID_SETTING);
  ck_assert_str_eq(error.text, message);
  ck_assert_mem_eq(&result, &untouched, sizeof(result));
}

START_TEST(by_default_there_is_neither_tls_nor_a_login) {
  const struct security_settings *found = resolve(PAIRS(NULL));
  ck_assert_int_eq((int)found->protocol, SECURITY_PLAINTEXT);
  ck_assert_uint_eq(found->watched_count, 0);
  ck_assert_str_eq(lines, "");
}
END_TEST

START_TEST(tls_is_safe_by_default) {
  const struct security_settings *found = resolve(PAIRS("security.protocol", "SSL"));
  ck_assert_int_eq((int)found->protocol, SECURITY_SSL);
  ck_assert(found->tls.verify_certificate);
  ck_assert(found->tls.verify_host_name);
  ck_assert_int_eq((int)found->tls.minimum_version, TLS_VERSION_1_2);
  ck_assert_int_eq((int)found->tls.maximum_version, TLS_VERSION_1_3);
  ck_assert_ptr_null(found->tls.trust_location);
  ck_assert_ptr_null(found->tls.trust_pem);
  ck_assert_ptr_null(found->tls.cipher_suites);
  ck_assert_ptr_null(found->tls.key_pem);
  ck_assert_int_eq((int)found->tls.trust_type, TLS_STORE_AUTO);
  ck_assert_int_eq(found->reload_interval_us, 60000000);
  ck_assert_str_eq(lines, "");
}
END_TEST

START_TEST(trust_and_algorithms_reach_their_fields) {
  const struct tls_settings *tls =
      &resolve(PAIRS("security.protocol", "SSL", "ssl.truststore.location", "/trust.p12",
                     "ssl.truststore.password", "hunter2", "ssl.truststore.type", "pkcs12",
                     "ssl.cipher.suites", "A,B", "ssl.curves.list", "X25519", "ssl.sigalgs.list",
                     "RSA+SHA256", "ssl.crl.location", "/crl.pem"))
           ->tls;
  ck_assert_str_eq(tls->trust_location, "/trust.p12");
  ck_assert_str_eq(secret_text(tls->trust_password), "hunter2");
  ck_assert_int_eq((int)tls->trust_type, TLS_STORE_PKCS12);
  ck_assert_str_eq(tls->cipher_suites, "A,B");
  ck_assert_str_eq(tls->curves, "X25519");
  ck_assert_str_eq(tls->signature_algorithms, "RSA+SHA256");
  ck_assert_str_eq(tls->crl_location, "/crl.pem");
  ck_assert_str_eq(resolve(PAIRS("security.protocol", "SSL", "ssl.ca.pem", "PEM"))->tls.trust_pem, "PEM");
}
END_TEST

START_TEST(each_way_to_say_who_we_are_reaches_its_fields) {
  const struct tls_settings *tls =
      &resolve(PAIRS("security.protocol", "SSL", "ssl.certificate.location", "/c.pem", "ssl.key.location",
                     "/k.pem", "ssl.key.password", "hunter2"))
           ->tls;
  ck_assert_str_eq(tls->certificate_location, "/c.pem");
  ck_assert_str_eq(tls->key_location, "/k.pem");
  ck_assert_str_eq(secret_text(tls->key_password), "hunter2");
  tls = &resolve(PAIRS("security.protocol", "SSL", "ssl.certificate.pem", "CERT", "ssl.key.pem", "KEY"))->tls;
  ck_assert_str_eq(tls->certificate_pem, "CERT");
  ck_assert_str_eq(secret_text(tls->key_pem), "KEY");
  tls = &resolve(PAIRS("security.protocol", "SSL", "ssl.keystore.location", "/store", "ssl.keystore.password",
                       "hunter2", "ssl.keystore.type", "JKS", "ssl.key.password", "hunter3"))
             ->tls;
  ck_assert_str_eq(tls->key_store_location, "/store");
  ck_assert_str_eq(secret_text(tls->key_store_password), "hunter2");
  ck_assert_str_eq(secret_text(tls->key_password), "hunter3");
  ck_assert_int_eq((int)tls->key_store_type, TLS_STORE_AUTO); /* Java's reader of JKS takes PKCS#12, too */
}
END_TEST

START_TEST(store_types_are_told) {
  static const struct {
    const char *text;
    enum tls_store_type type;
  } rows[] = {{"auto", TLS_STORE_AUTO},
              {"PEM", TLS_STORE_PEM},
              {"PKCS12", TLS_STORE_PKCS12},
              {"JKS", TLS_STORE_AUTO}};
  for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
    const struct tls_settings *tls = &resolve(PAIRS("security.protocol", "SSL", "ssl.truststore.type",
                                                    rows[i].text, "ssl.keystore.type", rows[i].text))
                                          ->tls;
    ck_assert_int_eq((int)tls->trust_type, (int)rows[i].type);
    ck_assert_int_eq((int)tls->key_store_type, (int)rows[i].type);
  }
}
END_TEST

START_TEST(versions_are_told) {
  static const struct {
    const char *enabled, *protocol;
    enum tls_version minimum, maximum;
  } rows[] = {
      {"TLSv1.2", NULL, TLS_VERSION_1_2, TLS_VERSION_1_2},
      {"TLSv1.3", NULL, TLS_VERSION_1_3, TLS_VERSION_1_3},
      {"TLSv1.3,TLSv1.2", NULL, TLS_VERSION_1_2, TLS_VERSION_1_3},
      {NULL, "TLSv1.2", TLS_VERSION_1_2, TLS_VERSION_1_2},
      {NULL, "TLSv1.3", TLS_VERSION_1_2, TLS_VERSION_1_3},
      {NULL, "TLS", TLS_VERSION_1_2, TLS_VERSION_1_3},
      {"TLSv1.2,TLSv1.3", "TLSv1.2", TLS_VERSION_1_2, TLS_VERSION_1_3},
  };
  for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
    const char *enabled = rows[i].enabled, *protocol = rows[i].protocol;
    const struct tls_settings *tls =
        &resolve(PAIRS("security.protocol", "SSL", enabled != NULL ? "ssl.enabled.protocols" : "client.id",
                       enabled != NULL ? enabled : "x", protocol != NULL ? "ssl.protocol" : "client.id",
                       protocol != NULL ? protocol : "x"))
             ->tls;
    ck_assert_int_eq((int)tls->minimum_version, (int)rows[i].minimum);
    ck_assert_int_eq((int)tls->maximum_version, (int)rows[i].maximum);
  }
}
END_TEST

START_TEST(checks_are_off_only_where_that_was_said) {
  const struct tls_settings *tls =
      &resolve(PAIRS("security.protocol", "SSL", "ssl.endpoint.identification.algorithm", ""))->tls;
  ck_assert(tls->verify_certificate);
  ck_assert(!tls->verify_host_name);
  tls = &resolve(PAIRS("security.protocol", "SSL", "enable.ssl.certificate.verification", "false"))->tls;
  ck_assert(!tls->verify_certificate);
}
END_TEST

START_TEST(empty_texts_are_not_set) {
  const struct security_settings *found =
      resolve(PAIRS("ssl.truststore.location", "", "ssl.keystore.key", "", "sasl.jaas.config", " "));
  ck_assert_int_eq((int)found->protocol, SECURITY_PLAINTEXT);
  found = resolve(
      PAIRS("security.protocol", "SSL", "ssl.truststore.location", "", "ssl.certificate.location", ""));
  ck_assert_ptr_null(found->tls.trust_location);
  ck_assert_ptr_null(found->tls.certificate_location);
}
END_TEST

START_TEST(security_that_was_meant_is_not_left_out) {
  assert_refused(
      PAIRS("ssl.truststore.location", "/ca.pem"),
      "ssl.truststore.location is set, but security.protocol is not: set that to SSL or SASL_SSL, or to "
      "PLAINTEXT to have neither TLS nor a login");
  assert_refused(
      PAIRS("sasl.password", "hunter2"),
      "sasl.password is set, but security.protocol is not: set that to SASL_SSL, or to PLAINTEXT to have "
      "neither TLS nor a login");
  assert_refused(
      PAIRS("enable.ssl.certificate.verification", "true"),
      "enable.ssl.certificate.verification is set, but security.protocol is not: set that to SSL or "
      "SASL_SSL, or to PLAINTEXT to have neither TLS nor a login");
}
END_TEST

START_TEST(what_the_protocol_has_no_use_for_is_warned_of) {
  (void)resolve(PAIRS("security.protocol", "PLAINTEXT", "ssl.truststore.location", "/ca.pem"));
  ck_assert_str_eq(lines, "ssl.truststore.location has no effect with security.protocol=PLAINTEXT\n");
  (void)resolve(PAIRS("security.protocol", "SSL", "sasl.username", "me", "sasl.password", "hunter2"));
  ck_assert_str_eq(lines, "sasl.username and 1 other settings have no effect with security.protocol=SSL\n");
  (void)resolve(PAIRS("security.protocol", "SASL_PLAINTEXT", "sasl.mechanism", "SCRAM-SHA-256",
                      "sasl.username", "me", "sasl.password", "hunter2", "ssl.key.location", "/k"));
  ck_assert_str_eq(lines, "ssl.key.location has no effect with security.protocol=SASL_PLAINTEXT\n");
}
END_TEST

START_TEST(passwords_without_what_they_open_are_warned_of) {
  (void)resolve(PAIRS("security.protocol", "SSL", "ssl.truststore.password", "hunter2",
                      "ssl.keystore.password", "hunter2", "ssl.key.password", "hunter2"));
  ck_assert_str_eq(lines, "ssl.truststore.password has no effect without ssl.truststore.location\n"
                          "ssl.keystore.password has no effect without ssl.keystore.location\n"
                          "ssl.key.password has no effect without a key\n");
}
END_TEST

START_TEST(tls_settings_that_contradict_each_other_are_refused) {
  static const struct {
    const char *pairs[4][2], *message;
  } rows[] = {
      {{{"ssl.enabled.protocols", ""}}, "ssl.enabled.protocols must name TLSv1.2, TLSv1.3 or both"},
      {{{"ssl.ca.location", "/a"}, {"ssl.ca.pem", "b"}},
       "ssl.truststore.location and ssl.truststore.certificates are both set: which of them is meant?"},
      {{{"ssl.keystore.location", "/a"}, {"ssl.certificate.location", "/b"}, {"ssl.key.location", "/c"}},
       "ssl.keystore.location and ssl.certificate.location are both set: which of them is meant?"},
      {{{"ssl.keystore.location", "/a"}, {"ssl.keystore.certificate.chain", "b"}},
       "ssl.keystore.location and ssl.keystore.certificate.chain are both set: which of them is meant?"},
      {{{"ssl.keystore.location", "/a"}, {"ssl.key.location", "/b"}},
       "ssl.keystore.location and ssl.key.location are both set: which of them is meant?"},
      {{{"ssl.keystore.location", "/a"}, {"ssl.keystore.key", "b"}},
       "ssl.keystore.location and ssl.keystore.key are both set: which of them is meant?"},
      {{{"ssl.certificate.location", "/a"}, {"ssl.certificate.pem", "b"}},
       "ssl.certificate.location and ssl.keystore.certificate.chain are both set: which of them is meant?"},
      {{{"ssl.key.location", "/a"}, {"ssl.key.pem", "b"}},
       "ssl.key.location and ssl.keystore.key are both set: which of them is meant?"},
      {{{"ssl.certificate.location", "/a"}},
       "ssl.certificate.location is set without its key: set ssl.key.location or ssl.keystore.key, or "
       "ssl.keystore.location for a file that holds both"},
      {{{"ssl.certificate.pem", "a"}},
       "ssl.keystore.certificate.chain is set without its key: set ssl.key.location or ssl.keystore.key, or "
       "ssl.keystore.location for a file that holds both"},
      {{{"ssl.key.location", "/a"}},
       "ssl.key.location is set without its certificate: set ssl.certificate.location or "
       "ssl.keystore.certificate.chain, or ssl.keystore.location for a file that holds both"},
      {{{"ssl.key.pem", "a"}},
       "ssl.keystore.key is set without its certificate: set ssl.certificate.location or "
       "ssl.keystore.certificate.chain, or ssl.keystore.location for a file that holds both"},
  };
  for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
    const char *pairs[2 * PAIRS_MAX] = {"security.protocol", "SSL"};
    for (size_t j = 0; j < 4 && rows[i].pairs[j][0] != NULL; j++) {
      pairs[2 + 2 * j] = rows[i].pairs[j][0];
      pairs[3 + 2 * j] = rows[i].pairs[j][1];
    }
    assert_refused(pairs, rows[i].message);
  }
}
END_TEST

START_TEST(files_of_credentials_are_watched) {
  const struct security_settings *found =
      resolve(PAIRS("security.protocol", "SSL", "ssl.ca.location", "/ca", "ssl.certificate.location", "/c",
                    "ssl.key.location", "/k", "ssl.crl.location", "/crl", "ssl.reload.interval.ms", "250"));
  static const char *const expected[] = {"/ca", "/crl", "/c", "/k"};
  ck_assert_uint_eq(found->watched_count, 4);
  for (size_t i = 0; i < 4; i++)
    ck_assert_str_eq(found->watched[i], expected[i]);
  ck_assert_int_eq(found->reload_interval_us, 250000);
  ck_assert_str_eq(resolve(PAIRS("security.protocol", "SSL", "ssl.keystore.location", "/ks"))->watched[0],
                   "/ks");
}
END_TEST

START_TEST(keys_that_others_may_read_are_warned_of) {
  char path[] = "security_settings_test.XXXXXX";
  char expected[300];
  int descriptor = mkstemp(path);
  ck_assert_int_ge(descriptor, 0);
  close(descriptor);
  (void)resolve(
      PAIRS("security.protocol", "SSL", "ssl.certificate.location", "/c", "ssl.key.location", path));
  ck_assert_str_eq(lines, "");
  ck_assert_int_eq(chmod(path, 0640), 0);
  (void)resolve(
      PAIRS("security.protocol", "SSL", "ssl.certificate.location", "/c", "ssl.key.location", path));
  (void)snprintf(
      expected, sizeof(expected),
      "ssl.key.location: others may read the file %s (its mode is 0640): chmod 600 keeps it to you\n", path);
  ck_assert_str_eq(lines, expected);
  (void)resolve(PAIRS("security.protocol", "SSL", "ssl.certificate.location", "/c", "ssl.key.location", path,
                      "ssl.key.password", "hunter2"));
  ck_assert_str_eq(lines, "");
  (void)resolve(PAIRS("security.protocol", "SASL_SSL", "sasl.kerberos.keytab", path));
  ck_assert_ptr_nonnull(strstr(lines, "sasl.kerberos.keytab: others may read the file "));
  unlink(path);
}
END_TEST

START_TEST(passwords_of_logins_reach_their_fields) {
  static const struct {
    const char *text;
    enum sasl_mechanism_id mechanism;
  } rows[] = {
      {"PLAIN", SASL_PLAIN}, {"SCRAM-SHA-256", SASL_SCRAM_SHA_256}, {"scram-sha-512", SASL_SCRAM_SHA_512}};
  for (size_t i = 0; i < 3; i++) {
    const struct security_settings *found =
        resolve(PAIRS("security.protocol", "SASL_SSL", "sasl.mechanism", rows[i].text, "sasl.username", "me",
                      "sasl.password", "hunter2"));
    ck_assert_int_eq((int)found->protocol, SECURITY_SASL_SSL);
    ck_assert_int_eq((int)found->sasl.mechanism, (int)rows[i].mechanism);
    ck_assert_str_eq(found->sasl.username, "me");
    ck_assert_str_eq(secret_text(found->sasl.password), "hunter2");
    ck_assert(!found->sasl.delegation_token);
    ck_assert_ptr_null(found->sasl.tokens);
    ck_assert(found->tls.verify_certificate);
  }
}
END_TEST

START_TEST(kerberos_needs_nothing_and_takes_three) {
  const struct sasl_settings *sasl = &resolve(PAIRS("security.protocol", "SASL_PLAINTEXT"))->sasl;
  ck_assert_int_eq((int)sasl->mechanism, SASL_GSSAPI);
  ck_assert_str_eq(sasl->kerberos_service, "kafka");
  ck_assert_ptr_null(sasl->kerberos_principal);
  ck_assert_ptr_null(sasl->kerberos_keytab);
  sasl = &resolve(PAIRS("security.protocol", "SASL_SSL", "sasl.kerberos.service.name", "stream",
                        "sasl.kerberos.principal", "me@R", "sasl.kerberos.keytab", "/k"))
              ->sasl;
  ck_assert_str_eq(sasl->kerberos_service, "stream");
  ck_assert_str_eq(sasl->kerberos_principal, "me@R");
  ck_assert_str_eq(sasl->kerberos_keytab, "/k");
}
END_TEST

START_TEST(aws_credentials_reach_their_fields) {
  const struct sasl_settings *sasl =
      &resolve(PAIRS("security.protocol", "SASL_SSL", "sasl.mechanism", "AWS_MSK_IAM",
                     "sasl.aws.access.key.id", "AKIA", "sasl.aws.secret.access.key", "hunter2",
                     "sasl.aws.session.token", "token", "sasl.aws.region", "eu-west-1"))
           ->sasl;
  ck_assert_int_eq((int)sasl->mechanism, SASL_AWS_MSK_IAM);
  ck_assert_str_eq(sasl->username, "AKIA");
  ck_assert_str_eq(secret_text(sasl->password), "hunter2");
  ck_assert_str_eq(secret_text(sasl->aws_session_token), "token");
  ck_assert_str_eq(sasl->aws_region, "eu-west-1");
}
END_TEST

START_TEST(tokens_come_from_the_host_by_default) {
  const struct security_settings *found =
      resolve(PAIRS("security.protocol", "SASL_SSL", "sasl.mechanism", "OAUTHBEARER"));
  ck_assert_int_eq((int)found->sasl.mechanism, SASL_OAUTHBEARER);
  ck_assert_int_eq((int)found->token_method, TOKEN_METHOD_HOST);
  ck_assert_double_eq_tol(found->refresh_window, 0.8, 1e-9);
  ck_assert_double_eq_tol(found->refresh_jitter, 0.05, 1e-9);
  ck_assert_int_eq(found->refresh_minimum_us, 60000000);
  ck_assert_int_eq(found->refresh_buffer_us, 300000000);
  ck_assert_int_eq(found->login_backoff_us, 100000);
  ck_assert_int_eq(found->login_backoff_max_us, 10000000);
}
END_TEST

#define OIDC                                                                                                 \
  "security.protocol", "SASL_SSL", "sasl.mechanism", "OAUTHBEARER", "sasl.oauthbearer.client.id", "me",      \
      "sasl.oauthbearer.client.secret", "hunter2"

START_TEST(oidc_has_what_it_needs) {
  const struct oidc_settings *oidc =
      &resolve(PAIRS(OIDC, "sasl.oauthbearer.method", "oidc", "sasl.oauthbearer.token.endpoint.url",
                     "https://idp/token", "sasl.oauthbearer.scope", "a b", "sasl.oauthbearer.extensions",
                     "x=y"))
           ->oidc;
  ck_assert_int_eq((int)settings.token_method, TOKEN_METHOD_OIDC);
  ck_assert_str_eq(oidc->token_endpoint_url, "https://idp/token");
  ck_assert_str_eq(oidc->client_id, "me");
  ck_assert_str_eq(secret_text(oidc->client_secret), "hunter2");
  ck_assert_str_eq(oidc->scope, "a b");
  ck_assert_str_eq(oidc->extensions, "x=y");
  ck_assert_str_eq(oidc->subject_claim, "sub");
  ck_assert(!oidc->url_encode_header);
  ck_assert_int_eq(oidc->connect_timeout_ms, 10000);
  ck_assert_int_eq(oidc->read_timeout_ms, 20000);
  ck_assert_uint_eq(oidc->allowed_url_count, 0);
  ck_assert_ptr_nonnull(strstr(oidc->user_agent, "sendoff/"));
  ck_assert_ptr_null(oidc->ca_location);
}
END_TEST

START_TEST(oidc_s_numbers_and_lists_reach_their_fields) {
  const struct oidc_settings *oidc =
      &resolve(PAIRS(OIDC, "sasl.oauthbearer.token.endpoint.url", "https://idp/token",
                     "sasl.oauthbearer.allowed.urls", " https://idp/token,https://other ,",
                     "https.ca.location", "/ca", "sasl.login.connect.timeout.ms", "1.5"))
           ->oidc;
  ck_assert_uint_eq(oidc->allowed_url_count, 2);
  ck_assert_str_eq(oidc->allowed_urls[0], "https://idp/token");
  ck_assert_str_eq(oidc->allowed_urls[1], "https://other");
  ck_assert_str_eq(oidc->ca_location, "/ca");
  ck_assert_int_eq(oidc->connect_timeout_ms, 2);
  ck_assert_uint_eq(settings.watched_count, 1);
  (void)resolve(PAIRS(OIDC, "sasl.oauthbearer.token.endpoint.url", "https://idp/token",
                      "sasl.oauthbearer.header.urlencode", "true", "https.ca.pem", "PEM",
                      "sasl.login.retry.backoff.ms", "20000"));
  ck_assert(oidc->url_encode_header);
  ck_assert_str_eq(oidc->ca_pem, "PEM");
  ck_assert_int_eq(settings.login_backoff_max_us, 20000000);
}
END_TEST

START_TEST(class_names_of_kafka_s_handlers_choose_the_method) {
  static const char *const classes[] = {
      "org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginCallbackHandler",
      "org.apache.kafka.common.security.oauthbearer.secured.OAuthBearerLoginCallbackHandler"};
  for (size_t i = 0; i < 2; i++) {
    const struct security_settings *found =
        resolve(PAIRS(OIDC, "sasl.login.callback.handler.class", classes[i],
                      "sasl.oauthbearer.token.endpoint.url", "https://idp/token"));
    ck_assert_int_eq((int)found->token_method, TOKEN_METHOD_OIDC);
  }
  const struct security_settings *found = resolve(PAIRS(
      "security.protocol", "SASL_SSL", "sasl.mechanism", "OAUTHBEARER", "sasl.login.callback.handler.class",
      "org.apache.kafka.common.security.oauthbearer.internals.unsecured."
      "OAuthBearerUnsecuredLoginCallbackHandler",
      "sasl.oauthbearer.config", "principal=me"));
  ck_assert_int_eq((int)found->token_method, TOKEN_METHOD_UNSECURED);
  ck_assert_str_eq(found->unsecured.config, "principal=me");
  found = resolve(PAIRS(
      "security.protocol", "SASL_SSL", "sasl.mechanism", "OAUTHBEARER", "sasl.login.callback.handler.class",
      "org.apache.kafka.common.security.authenticator.AbstractLogin$DefaultLoginCallbackHandler"));
  ck_assert_int_eq((int)found->token_method, TOKEN_METHOD_HOST);
}
END_TEST

START_TEST(unsecured_tokens_are_warned_of) {
  const struct security_settings *found = resolve(PAIRS("security.protocol", "SASL_SSL", "sasl.mechanism",
                                                        "OAUTHBEARER", "enable.sasl.oauthbearer.unsecure.jwt",
                                                        "true", "sasl.oauthbearer.config", "principal=me"));
  ck_assert_int_eq((int)found->token_method, TOKEN_METHOD_UNSECURED);
  ck_assert_str_eq(lines, "tokens are made here, and nobody signs them: that is for tests only\n");
}
END_TEST

START_TEST(logins_that_lack_something_are_refused) {
  assert_refused(
      PAIRS("security.protocol", "SASL_SSL", "sasl.mechanism", "PLAIN", "sasl.password", "hunter2"),
      "sasl.mechanism=PLAIN needs sasl.username, or username in sasl.jaas.config");
  assert_refused(
      PAIRS("security.protocol", "SASL_SSL", "sasl.mechanism", "SCRAM-SHA-512", "sasl.username", "me"),
      "sasl.mechanism=SCRAM-SHA-512 needs sasl.password, or password in sasl.jaas.config");
  assert_refused(PAIRS("security.protocol", "SASL_SSL", "sasl.username", "me", "sasl.password", "hunter2"),
                 "sasl.username is for PLAIN and SCRAM: set sasl.mechanism, which is GSSAPI by default");
  static const char aws[] = "sasl.mechanism=AWS_MSK_IAM needs sasl.aws.access.key.id and "
                            "sasl.aws.secret.access.key; ${env:AWS_ACCESS_KEY_ID} and its like, with "
                            "config.providers=env, take them from the environment";
  assert_refused(PAIRS("security.protocol", "SASL_SSL", "sasl.mechanism", "AWS_MSK_IAM"), aws);
  assert_refused(PAIRS("security.protocol", "SASL_SSL", "sasl.mechanism", "AWS_MSK_IAM",
                       "sasl.aws.access.key.id", "AKIA"),
                 aws);
}
END_TEST

START_TEST(tokens_that_lack_something_are_refused) {
  assert_refused(PAIRS(OIDC, "sasl.oauthbearer.method", "oidc"),
                 "tokens by OIDC need sasl.oauthbearer.token.endpoint.url");
  assert_refused(
      PAIRS("security.protocol", "SASL_SSL", "sasl.mechanism", "OAUTHBEARER",
            "sasl.oauthbearer.token.endpoint.url", "https://idp", "sasl.oauthbearer.client.secret", "s"),
      "sasl.mechanism=OAUTHBEARER needs sasl.oauthbearer.client.credentials.client.id, or clientId in "
      "sasl.jaas.config");
  assert_refused(PAIRS("security.protocol", "SASL_SSL", "sasl.mechanism", "OAUTHBEARER",
                       "sasl.oauthbearer.token.endpoint.url", "https://idp", "sasl.oauthbearer.client.id",
                       "me"),
                 "sasl.mechanism=OAUTHBEARER needs sasl.oauthbearer.client.credentials.client.secret, or "
                 "clientSecret in sasl.jaas.config");
  assert_refused(PAIRS(OIDC, "sasl.oauthbearer.token.endpoint.url", "https://idp", "https.ca.location", "/ca",
                       "https.ca.pem", "PEM"),
                 "https.ca.location and https.ca.pem are both set: which of them is meant?");
  static const char both[] =
      "tokens are to come from sasl.oauthbearer.token.endpoint.url and, unsecured, from here: "
      "take one of them out";
  assert_refused(PAIRS(OIDC, "sasl.oauthbearer.token.endpoint.url", "https://idp",
                       "enable.sasl.oauthbearer.unsecure.jwt", "true"),
                 both);
  assert_refused(
      PAIRS(OIDC, "sasl.oauthbearer.method", "oidc", "enable.sasl.oauthbearer.unsecure.jwt", "true"), both);
}
END_TEST

START_TEST(secrets_are_not_sent_unencrypted_unless_that_is_allowed) {
  assert_refused(
      PAIRS("security.protocol", "SASL_PLAINTEXT", "sasl.mechanism", "PLAIN", "sasl.username", "me",
            "sasl.password", "hunter2"),
      "sasl.mechanism=PLAIN with security.protocol=SASL_PLAINTEXT would send the password unencrypted: set "
      "security.protocol=SASL_SSL, or allow.cleartext.credentials=true if nobody else can read the network");
  assert_refused(
      PAIRS("security.protocol", "SASL_PLAINTEXT", "sasl.mechanism", "OAUTHBEARER"),
      "sasl.mechanism=OAUTHBEARER with security.protocol=SASL_PLAINTEXT would send the token unencrypted: "
      "set security.protocol=SASL_SSL, or allow.cleartext.credentials=true if nobody else can read the "
      "network");
  assert_refused(
      PAIRS("security.protocol", "SASL_PLAINTEXT", "sasl.mechanism", "AWS_MSK_IAM", "sasl.aws.access.key.id",
            "AKIA", "sasl.aws.secret.access.key", "hunter2"),
      "sasl.mechanism=AWS_MSK_IAM with security.protocol=SASL_PLAINTEXT would send the signed request "
      "unencrypted: set security.protocol=SASL_SSL, or allow.cleartext.credentials=true if nobody "
      "else can read the network");
  (void)resolve(PAIRS("security.protocol", "SASL_PLAINTEXT", "sasl.mechanism", "PLAIN", "sasl.username", "me",
                      "sasl.password", "hunter2", "allow.cleartext.credentials", "true"));
  ck_assert_str_eq(lines,
                   "the password is sent unencrypted, as allow.cleartext.credentials=true allows it\n");
  (void)resolve(PAIRS("security.protocol", "SASL_PLAINTEXT", "sasl.mechanism", "SCRAM-SHA-256",
                      "sasl.username", "me", "sasl.password", "hunter2"));
  ck_assert_str_eq(lines, "");
}
END_TEST

START_TEST(each_allocation_may_fail) {
  set_all(PAIRS(OIDC, "sasl.oauthbearer.token.endpoint.url", "https://idp/token",
                "sasl.oauthbearer.allowed.urls", "https://idp/token"));
  size_t secrets = secret_usage().count;
  bool failed = true;
  for (uint32_t index = 0; failed; index++) {
    struct config_error error = {.text = ""};
    failing_allocator_start(index);
    int32_t status = security_settings_resolve(config, NULL, &settings, &error);
    failed = failing_allocator_stop();
    ck_assert_int_eq(status, failed ? STATUS_OUT_OF_MEMORY : STATUS_OK);
    ck_assert_int_eq(failed, error.text[0] != '\0');
    if (failed) ck_assert_uint_eq(secret_usage().count, secrets);
  }
}
END_TEST

static TCase *tls_tests(void) {
  TCase *test_case = tcase_create("tls");
  tcase_add_checked_fixture(test_case, make_config, destroy_config);
  tcase_add_test(test_case, by_default_there_is_neither_tls_nor_a_login);
  tcase_add_test(test_case, tls_is_safe_by_default);
  tcase_add_test(test_case, trust_and_algorithms_reach_their_fields);
  tcase_add_test(test_case, each_way_to_say_who_we_are_reaches_its_fields);
  tcase_add_test(test_case, store_types_are_told);
  tcase_add_test(test_case, versions_are_told);
  tcase_add_test(test_case, checks_are_off_only_where_that_was_said);
  tcase_add_test(test_case, empty_texts_are_not_set);
  tcase_add_test(test_case, security_that_was_meant_is_not_left_out);
  tcase_add_test(test_case, what_the_protocol_has_no_use_for_is_warned_of);
  tcase_add_test(test_case, passwords_without_what_they_open_are_warned_of);
  tcase_add_test(test_case, tls_settings_that_contradict_each_other_are_refused);
  tcase_add_test(test_case, files_of_credentials_are_watched);
  tcase_add_test(test_case, keys_that_others_may_read_are_warned_of);
  return test_case;
}

static TCase *login_tests(void) {
  TCase *test_case = tcase_create("login");
  tcase_add_checked_fixture(test_case, make_config, destroy_config);
  tcase_add_test(test_case, passwords_of_logins_reach_their_fields);
  tcase_add_test(test_case, kerberos_needs_nothing_and_takes_three);
  tcase_add_test(test_case, aws_credentials_reach_their_fields);
  tcase_add_test(test_case, tokens_come_from_the_host_by_default);
  tcase_add_test(test_case, oidc_has_what_it_needs);
  tcase_add_test(test_case, oidc_s_numbers_and_lists_reach_their_fields);
  tcase_add_test(test_case, class_names_of_kafka_s_handlers_choose_the_method);
  tcase_add_test(test_case, unsecured_tokens_are_warned_of);
  tcase_add_test(test_case, logins_that_lack_something_are_refused);
  tcase_add_test(test_case, tokens_that_lack_something_are_refused);
  tcase_add_test(test_case, secrets_are_not_sent_unencrypted_unless_that_is_allowed);
  tcase_add_test(test_case, each_allocation_may_fail);
  return test_case;
}

int main(void) {
  Suite *suite = suite_create("security_settings");
  suite_add_tcase(suite, tls_tests());
  suite_add_tcase(suite, login_tests());
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_ENV);
  int failures = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failures != 0;
}
