#include "security/tls_context.h"

#include "base/status.h"
#include "security/tls_session.h"
#include "support/failing_allocator.h"
#include "support/tls_world.h"
#include <check.h>
#include <openssl/err.h>
#include <stdio.h>
#include <stdlib.h>

enum { ERROR_BYTES = 512, LOG_BYTES = 1024, PORT = 9093 };

static struct tls_world world;
static struct tls_folder folder;
static struct tls_settings settings; /* a test changes what it is about */
static char log_lines[LOG_BYTES];

static void note_line(void *context, int32_t level, const char *line) {
  (void)context;
  size_t used = strlen(log_lines);
  snprintf(log_lines + used, sizeof log_lines - used, "%d %s\n", (int)level, line);
}

static const struct log LOG_OF_TEST = {.level = LOG_LEVEL_DEBUG, .sink = note_line};

static void set_up(void) {
  tls_world_open(&world);
  folder = tls_folder_make();
  settings = tls_world_settings(&world);
  log_lines[0] = '\0';
}

static void tear_down(void) {
  tls_folder_remove(&folder);
  tls_world_close(&world);
}

static int32_t create(struct tls_context **context, char error[ERROR_BYTES]) {
  *context = NULL;
  error[0] = '\0';
  return tls_context_create(&settings, &LOG_OF_TEST, context, error, ERROR_BYTES);
}

static void check_refused(int32_t status, const char *first, const char *second) {
  struct tls_context *context;
  char error[ERROR_BYTES];
  ck_assert_int_eq(create(&context, error), status);
  ck_assert_ptr_null(context);
  ck_assert_msg(strstr(error, first) != NULL, "\"%s\" is not in: %s", first, error);
  ck_assert_msg(strstr(error, second) != NULL, "\"%s\" is not in: %s", second, error);
}

static void check_invalid(const char *first, const char *second) {
  check_refused(STATUS_INVALID_SETTING, first, second);
}

/* The context is made, and its sessions connect to the world's broker or do not, as expected. */
static void check_made(bool connects) {
  struct tls_context *context;
  char error[ERROR_BYTES];
  int32_t status = create(&context, error);
  ck_assert_msg(status == STATUS_OK, "%s", error);
  struct tls_peer peer;
  SSL_CTX *server = tls_peer_context(&(struct tls_peer_settings){.own = &world.broker});
  tls_peer_open(&peer, server);
  struct tls_session *session = tls_session_create(context, "broker.example", PORT);
  bool connected = tls_peer_connect(&peer, session);
  ck_assert_msg(connected == connects, "%s", tls_session_reason(session));
  tls_session_destroy(session);
  tls_peer_close(&peer);
  SSL_CTX_free(server);
  tls_context_release(context);
}

/* ---- whom to trust ---- */

START_TEST(authorities_are_read_from_files_of_every_kind) {
  struct secret *password = secret_create(bytes_of_string("changeit"));
  STACK_OF(X509) *trusted = sk_X509_new_null();
  sk_X509_push(trusted, world.authority.certificate);
  unsigned char *der = NULL;
  int size = i2d_X509(world.authority.certificate, &der);
  char *paths[] = {
      tls_folder_write_text(&folder, "pem", world.authority_text),
      tls_folder_write(&folder, "der", der, (size_t)size),
      tls_folder_write_pkcs12(&folder, "aes", tls_pkcs12_make(NULL, trusted, "changeit", NID_aes_256_cbc)),
      tls_folder_write_pkcs12(&folder, "open", tls_pkcs12_make(NULL, trusted, NULL, -1)),
  };
  settings.trust_pem = NULL;
  settings.trust_password = password;
  for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
    settings.trust_location = paths[i];
    check_made(true);
  }
  settings.trust_location = paths[2];
  settings.trust_password = NULL;
  check_invalid("ssl.truststore.location (ssl.ca.location): \"", "ssl.truststore.password: it is not set");
  settings.trust_location = paths[0];
  settings.trust_type = TLS_STORE_PKCS12;
  check_invalid("ssl.truststore.location (ssl.ca.location): \"", "is neither a PKCS12 nor a JKS store");
  for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++)
    free(paths[i]);
  OPENSSL_free(der);
  sk_X509_free(trusted);
  secret_destroy(password);
}
END_TEST

START_TEST(authorities_are_read_from_a_folder_whatever_its_files_are_called) {
  free(tls_folder_write_text(&folder, "any name", world.authority_text));
  free(tls_folder_write_text(&folder, "README", "This is a folder of certificates."));
  settings.trust_pem = NULL;
  settings.trust_location = folder.path;
  check_made(true);
  ck_assert_str_eq(log_lines, "");
  free(tls_folder_write_text(&folder, "damaged", "-----BEGIN CERTIFICATE-----\nMIIB"));
  check_made(true);
  ck_assert_msg(strstr(log_lines, "4 ssl.truststore.location") == log_lines &&
                    strstr(log_lines, "passed over"),
                "%s", log_lines);
}
END_TEST

START_TEST(authorities_that_are_not_there_are_told) {
  char *empty = tls_folder_write_text(&folder, "empty", "no certificate in here\n");
  settings.trust_pem = NULL;
  settings.trust_location = empty;
  check_invalid("ssl.truststore.location (ssl.ca.location): \"", "/empty\" holds no certificate");
  settings.trust_location = folder.path;
  check_invalid("ssl.truststore.location (ssl.ca.location): \"", "\" holds no certificate");
  settings.trust_location = "missing/file";
  check_refused(STATUS_FILE_UNREADABLE, "ssl.truststore.location (ssl.ca.location): \"missing/file\"",
                "No such file or directory");
  settings.trust_location = NULL;
  settings.trust_pem = "no certificate";
  check_invalid("ssl.truststore.certificates (ssl.ca.pem)", "holds no certificate");
  settings.trust_pem = world.client_key_text; /* a key is no certificate, and nobody looks at it */
  check_invalid("ssl.truststore.certificates (ssl.ca.pem)", "holds no certificate");
  free(empty);
}
END_TEST

/* The environment names OpenSSL's own place, which stands for the system's in this test. */
START_TEST(the_system_is_trusted_when_nothing_is_set) {
  char *path = tls_folder_write_text(&folder, "system.pem", world.authority_text);
  settings.trust_pem = NULL;
  ck_assert_int_eq(setenv(X509_get_default_cert_file_env(), path, 1), 0);
  check_made(true);
  ck_assert_int_eq(unsetenv(X509_get_default_cert_file_env()), 0);
  ck_assert_int_eq(setenv(X509_get_default_cert_dir_env(), folder.path, 1), 0);
  check_made(true);
  ck_assert_int_eq(setenv(X509_get_default_cert_dir_env(), "missing", 1), 0);
  check_refused(STATUS_FILE_UNREADABLE, "the system's trusted certificates: \"missing\"", "No such file");
  free(path);
}
END_TEST

START_TEST(what_is_set_is_trusted_alone) {
  struct tls_certificate other =
      tls_certificate_make(&(struct tls_recipe){.name = "other", .is_authority = true});
  char *other_text = tls_certificate_text(other.certificate);
  char *system = tls_folder_write_text(&folder, "system.pem", world.authority_text);
  char *more = tls_folder_write_text(&folder, "more.pem", world.authority_text);
  ck_assert_int_eq(setenv(X509_get_default_cert_file_env(), system, 1), 0);
  settings.trust_pem = other_text;
  check_made(false);
  settings.trust_location = more; /* both are set: both count */
  check_made(true);
  free(more);
  free(system);
  free(other_text);
  tls_certificate_free(&other);
}
END_TEST

START_TEST(revocation_lists_are_read_from_files_and_folders) {
  X509_CRL *list = tls_revocations_make(&world.authority, NULL, 0, 0);
  X509_CRL *revoking = tls_revocations_make(&world.authority, world.broker.certificate, 0, 0);
  char *text = tls_revocations_text(list), *revoking_text = tls_revocations_text(revoking);
  char *path = tls_folder_write_text(&folder, "list.pem", text);
  settings.crl_location = path;
  check_made(true);
  settings.crl_location = folder.path;
  check_made(true);
  free(path);
  path = tls_folder_write_text(&folder, "list.pem", revoking_text);
  check_made(false);
  free(path);
  path = tls_folder_write_text(&folder, "list.pem", world.authority_text);
  settings.crl_location = path;
  check_invalid("ssl.crl.location: \"", "holds no certificate revocation list");
  settings.crl_location = "missing";
  check_refused(STATUS_FILE_UNREADABLE, "ssl.crl.location: \"missing\"", "No such file");
  free(path);
  free(text);
  free(revoking_text);
  X509_CRL_free(list);
  X509_CRL_free(revoking);
}
END_TEST

/* ---- who we are ---- */

START_TEST(certificate_and_key_are_read_from_files_of_every_kind) {
  struct secret *password = secret_create(bytes_of_string("changeit"));
  struct secret *key = secret_create(bytes_of_string(world.client_key_text));
  char *encrypted = tls_key_text(world.client.key, "changeit");
  char *certificate = tls_folder_write_text(&folder, "certificate", world.client_text);
  char *key_path = tls_folder_write_text(&folder, "key", world.client_key_text);
  char *encrypted_path = tls_folder_write_text(&folder, "encrypted", encrypted);
  char *store = tls_folder_write_pkcs12(&folder, "store",
                                        tls_pkcs12_make(&world.client, NULL, "changeit", NID_aes_256_cbc));
  char *both = tls_text_join(tls_certificate_text(world.client.certificate), encrypted);
  char *both_path = tls_folder_write_text(&folder, "both", both);
  const struct tls_settings trust = settings;
  const struct tls_settings identities[] = {
      {.certificate_pem = world.client_text, .key_pem = key},
      {.certificate_location = certificate, .key_location = key_path},
      {.certificate_pem = world.client_text, .key_location = encrypted_path, .key_password = password},
      {.certificate_location = both_path, .key_password = password},
      {.certificate_pem = both, .key_password = password},
      {.key_store_location = store, .key_store_password = password},
      {.key_store_location = both_path, .key_password = password, .key_store_type = TLS_STORE_PEM},
  };
  for (size_t i = 0; i < sizeof identities / sizeof identities[0]; i++) {
    settings = identities[i];
    settings.maximum_version = TLS_VERSION_1_3;
    settings.verify_certificate = true;
    settings.trust_pem = trust.trust_pem;
    check_made(true);
  }
  free(both_path);
  free(both);
  free(store);
  free(encrypted_path);
  free(key_path);
  free(certificate);
  secret_destroy(key);
  secret_destroy(password);
}
END_TEST

START_TEST(what_is_wrong_with_certificate_or_key_is_told) {
  char *encrypted = tls_key_text(world.client.key, "changeit");
  char *certificate = tls_folder_write_text(&folder, "certificate", world.client_text);
  char *encrypted_path = tls_folder_write_text(&folder, "encrypted", encrypted);
  struct secret *wrong = secret_create(bytes_of_string("wrong"));
  settings.certificate_location = certificate;
  check_invalid("ssl.key.location: there is no private key", "ssl.certificate.location");
  settings.key_location = encrypted_path;
  check_invalid("ssl.key.location: \"", "ssl.key.password is not set");
  settings.key_password = wrong;
  check_invalid("ssl.key.location: \"", "ssl.key.password does not open: it is wrong");
  settings.key_location = "missing";
  check_refused(STATUS_FILE_UNREADABLE, "ssl.key.location: \"missing\"", "No such file");
  char *other_text = tls_key_text(world.broker.key, NULL);
  struct secret *other = secret_create(bytes_of_string(other_text));
  settings.key_location = NULL;
  settings.key_pem = other;
  check_invalid("ssl.keystore.key (ssl.key.pem): the private key does not belong to the certificate",
                "ssl.certificate.location");
  settings.certificate_location = NULL;
  check_invalid("there is no certificate", "ssl.keystore.certificate.chain");
  settings.key_store_location = certificate;
  check_invalid("ssl.keystore.location is set", "only one");
  settings.key_pem = NULL;
  check_invalid("ssl.keystore.location: there is no private key", "ssl.keystore.location");
  settings.key_store_location = "missing";
  check_refused(STATUS_FILE_UNREADABLE, "ssl.keystore.location: \"missing\"", "No such file");
  secret_destroy(other);
  secret_destroy(wrong);
  free(other_text);
  free(encrypted_path);
  free(certificate);
  free(encrypted);
}
END_TEST

START_TEST(weak_certificates_of_our_own_are_refused) {
  struct tls_certificate weak = tls_certificate_make(&(struct tls_recipe){.name = "weak", .rsa_bits = 1024});
  char *text = tls_certificate_text(weak.certificate), *key_text = tls_key_text(weak.key, NULL);
  struct secret *key = secret_create(bytes_of_string(key_text));
  settings.certificate_pem = text;
  settings.key_pem = key;
  check_invalid("ssl.keystore.certificate.chain (ssl.certificate.pem)", "too weak (1024 bits)");
  secret_destroy(key);
  free(key_text);
  free(text);
  tls_certificate_free(&weak);
}
END_TEST

START_TEST(certificates_out_of_their_time_are_warned_of) {
  static const struct {
    int first_day, last_day;
    const char *words;
  } cases[] = {{-9, -1, "4 the client certificate has expired"},
               {1, 9, "4 the client certificate is not valid yet"}};
  for (size_t i = 0; i < 2; i++) {
    struct tls_certificate own = tls_certificate_make(
        &(struct tls_recipe){.name = "own", .first_day = cases[i].first_day, .last_day = cases[i].last_day});
    char *text = tls_certificate_text(own.certificate), *key_text = tls_key_text(own.key, NULL);
    struct secret *key = secret_create(bytes_of_string(key_text));
    settings.certificate_pem = text;
    settings.key_pem = key;
    log_lines[0] = '\0';
    check_made(true);
    ck_assert_msg(strstr(log_lines, cases[i].words) == log_lines, "%s", log_lines);
    secret_destroy(key);
    free(key_text);
    free(text);
    tls_certificate_free(&own);
  }
}
END_TEST

/* ---- algorithms ---- */

/* What the two agree on. */
static void check_agreed(const char *expected) {
  struct tls_context *context = tls_world_context(&settings);
  struct tls_peer peer;
  SSL_CTX *server = tls_peer_context(&(struct tls_peer_settings){.own = &world.broker});
  char text[128];
  tls_peer_open(&peer, server);
  struct tls_session *session = tls_session_create(context, "broker.example", PORT);
  ck_assert_msg(tls_peer_connect(&peer, session), "%s", tls_session_reason(session));
  tls_session_describe(session, text, sizeof text);
  ck_assert_str_eq(text, expected);
  tls_session_destroy(session);
  tls_peer_close(&peer);
  SSL_CTX_free(server);
  tls_context_release(context);
}

START_TEST(ciphers_are_taken_by_either_name) {
  static const struct {
    const char *suites, *agreed;
  } cases[] = {
      {NULL, "TLSv1.3, TLS_AES_128_GCM_SHA256"},
      {"TLS_AES_256_GCM_SHA384", "TLSv1.3, TLS_AES_256_GCM_SHA384"},
      {"TLS_CHACHA20_POLY1305_SHA256,TLS_AES_256_GCM_SHA384", "TLSv1.3, TLS_CHACHA20_POLY1305_SHA256"},
      {"ECDHE-ECDSA-AES256-GCM-SHA384", "TLSv1.2, ECDHE-ECDSA-AES256-GCM-SHA384"},
      {"TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384", "TLSv1.2, ECDHE-ECDSA-AES256-GCM-SHA384"},
      {"TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, TLS_AES_256_GCM_SHA384", "TLSv1.3, TLS_AES_256_GCM_SHA384"},
      {"ECDHE+AESGCM:!AES128", "TLSv1.3, TLS_AES_256_GCM_SHA384"}, /* keywords are about TLS 1.2 */
      {"HIGH:!aNULL", "TLSv1.3, TLS_AES_256_GCM_SHA384"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    settings.cipher_suites = cases[i].suites;
    check_agreed(cases[i].agreed);
  }
}
END_TEST

START_TEST(lists_that_cannot_be_are_refused) {
  settings.cipher_suites = "ECDHE-ECDSA-AES256-GCM-SHA384,AES-NO-SUCH";
  check_invalid("ssl.cipher.suites", "does not know \"AES-NO-SUCH\"");
  settings.cipher_suites = "TLS_NO_SUCH";
  check_invalid("ssl.cipher.suites", "does not know \"TLS_NO_SUCH\"");
  settings.cipher_suites = "DEFAULT@SECLEVEL=0";
  check_invalid("ssl.cipher.suites", "weak keys and signatures are always refused");
  settings.cipher_suites = " , ";
  check_invalid("ssl.cipher.suites", "names no cipher");
  settings.cipher_suites = "TLS_AES_256_GCM_SHA384";
  settings.maximum_version = TLS_VERSION_1_2;
  check_invalid("ssl.cipher.suites has no cipher for the versions", "ssl.enabled.protocols");
  settings.cipher_suites = NULL;
  settings.minimum_version = TLS_VERSION_1_3;
  check_invalid("ssl.enabled.protocols", "above");
  settings.minimum_version = TLS_VERSION_1_2;
  settings.curves = "X25519,no-such";
  check_invalid("ssl.curves.list", "does not know \"no-such\"");
  settings.curves = "";
  check_invalid("ssl.curves.list", "empty");
  settings.curves = NULL;
  settings.signature_algorithms = "RSA+SHA256:no-such";
  check_invalid("ssl.sigalgs.list", "does not know \"no-such\"");
}
END_TEST

START_TEST(curves_and_signature_algorithms_are_used) {
  settings.curves = "P-384,X25519";
  settings.signature_algorithms = "rsa_pss_rsae_sha256:ECDSA+SHA256";
  check_made(true);
  settings.signature_algorithms = "RSA-PSS+SHA256";
  check_made(false); /* the broker has an ECDSA key */
}
END_TEST

/* ---- the rest ---- */

START_TEST(what_is_off_is_warned_of) {
  check_made(true);
  ck_assert_str_eq(log_lines, "");
  settings.verify_host_name = false;
  check_made(true);
  ck_assert_msg(strstr(log_lines, "4 ssl.endpoint.identification.algorithm") == log_lines, "%s", log_lines);
  log_lines[0] = '\0';
  settings.verify_certificate = false;
  settings.trust_pem = "not looked at";
  check_made(true);
  ck_assert_msg(strstr(log_lines, "4 enable.ssl.certificate.verification=false") == log_lines, "%s",
                log_lines);
}
END_TEST

START_TEST(errors_of_the_host_stay_in_its_queue) {
  ERR_clear_error();
  ERR_raise(ERR_LIB_USER, 7);
  settings.trust_pem = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n";
  check_invalid("ssl.truststore.certificates", "damaged");
  char *store = tls_folder_write_pkcs12(&folder, "store",
                                        tls_pkcs12_make(&world.client, NULL, "changeit", NID_aes_256_cbc));
  struct secret *password = secret_create(bytes_of_string("changeit"));
  settings.trust_pem = world.authority_text;
  settings.key_store_location = store;
  check_invalid("ssl.keystore.password", "is not set");
  settings.key_store_password = password;
  struct tls_context *context;
  char error[ERROR_BYTES];
  ck_assert_int_eq(create(&context, error), STATUS_OK);
  tls_context_release(context);
  free(store);
  secret_destroy(password);
  ck_assert_int_eq(ERR_GET_REASON(ERR_get_error()), 7);
  ck_assert_uint_eq(ERR_get_error(), 0);
}
END_TEST

START_TEST(a_context_lives_as_long_as_it_is_used) {
  struct tls_context *context = tls_world_context(&settings);
  struct tls_session *session = tls_session_create(context, "broker.example", PORT);
  ck_assert_ptr_eq(tls_context_retain(context), context);
  tls_context_release(context);
  tls_context_release(context);
  ck_assert_int_eq(tls_session_handshake(session), TLS_WANT_INPUT);
  tls_session_destroy(session);
  tls_context_release(NULL);
}
END_TEST

START_TEST(missing_memory_is_told) {
  struct secret *key = secret_create(bytes_of_string(world.client_key_text));
  char *path = tls_folder_write_text(&folder, "trusted.pem", world.authority_text);
  settings.trust_location = folder.path;
  settings.certificate_pem = world.client_text;
  settings.key_pem = key;
  uint32_t index = 0;
  for (bool failed = true; failed; index++) {
    struct tls_context *context;
    char error[ERROR_BYTES];
    failing_allocator_start(index);
    int32_t status = create(&context, error);
    failed = failing_allocator_stop();
    ck_assert_int_eq(status, failed ? STATUS_OUT_OF_MEMORY : STATUS_OK);
    ck_assert_int_eq(error[0] != '\0', failed);
    tls_context_release(context);
  }
  ck_assert_uint_ge(index, 6);
  free(path);
  secret_destroy(key);
}
END_TEST

int main(void) {
  Suite *suite = suite_create("tls_context");
  TCase *cases = tcase_create("tls_context");
  tcase_add_checked_fixture(cases, set_up, tear_down);
  tcase_add_test(cases, authorities_are_read_from_files_of_every_kind);
  tcase_add_test(cases, authorities_are_read_from_a_folder_whatever_its_files_are_called);
  tcase_add_test(cases, authorities_that_are_not_there_are_told);
  tcase_add_test(cases, the_system_is_trusted_when_nothing_is_set);
  tcase_add_test(cases, what_is_set_is_trusted_alone);
  tcase_add_test(cases, revocation_lists_are_read_from_files_and_folders);
  tcase_add_test(cases, certificate_and_key_are_read_from_files_of_every_kind);
  tcase_add_test(cases, what_is_wrong_with_certificate_or_key_is_told);
  tcase_add_test(cases, weak_certificates_of_our_own_are_refused);
  tcase_add_test(cases, certificates_out_of_their_time_are_warned_of);
  tcase_add_test(cases, ciphers_are_taken_by_either_name);
  tcase_add_test(cases, lists_that_cannot_be_are_refused);
  tcase_add_test(cases, curves_and_signature_algorithms_are_used);
  tcase_add_test(cases, what_is_off_is_warned_of);
  tcase_add_test(cases, errors_of_the_host_stay_in_its_queue);
  tcase_add_test(cases, a_context_lives_as_long_as_it_is_used);
  tcase_add_test(cases, missing_memory_is_told);
  suite_add_tcase(suite, cases);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_NORMAL);
  int failed = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
