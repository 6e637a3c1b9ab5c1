#include "security/tls_store.h"

#include "base/status.h"
#include "security/tls_file.h"
#include "support/failing_allocator.h"
#include "support/tls_certificates.h"
#include <check.h>
#include <stdio.h>
#include <stdlib.h>

enum { ERROR_BYTES = 512 };

static const char SETTING[] = "ssl.keystore.location";

/* What a test asks of a reading. */
struct expected {
  int certificates, revocations;
  uint32_t keys;
};

static struct secret *secret_of(const char *text) {
  return text == NULL ? NULL : secret_create(bytes_of_string(text));
}

static int32_t read_store(struct tls_store *store, struct bytes content, const char *password,
                          const char *key_password, bool wants_key, char error[ERROR_BYTES]) {
  struct secret *of_store = secret_of(password), *of_key = secret_of(key_password);
  const struct tls_store_source source = {.setting = SETTING,
                                          .path = "store",
                                          .content = content,
                                          .wants_key = wants_key,
                                          .password = of_store,
                                          .password_setting = "ssl.keystore.password",
                                          .key_password = of_key,
                                          .key_password_setting = "ssl.key.password"};
  *store = (struct tls_store){.key = NULL};
  error[0] = '\0';
  int32_t status = tls_store_read(store, &source, error, ERROR_BYTES);
  secret_destroy(of_store);
  secret_destroy(of_key);
  return status;
}

static void check_holds(struct bytes content, const char *password, const char *key_password,
                        struct expected expected) {
  struct tls_store store;
  char error[ERROR_BYTES];
  int32_t status = read_store(&store, content, password, key_password, true, error);
  ck_assert_msg(status == STATUS_OK, "%s", error);
  ck_assert_str_eq(error, "");
  ck_assert_int_eq(sk_X509_num(store.certificates), expected.certificates);
  ck_assert_int_eq(sk_X509_CRL_num(store.revocations), expected.revocations);
  ck_assert_uint_eq(store.key_count, expected.keys);
  ck_assert_int_eq(store.key != NULL, expected.keys > 0);
  if (expected.keys > 0 && expected.certificates == 1)
    ck_assert_int_eq(X509_check_private_key(sk_X509_value(store.certificates, 0), store.key), 1);
  tls_store_deinit(&store);
}

static void check_refused(struct bytes content, const char *password, const char *key_password,
                          const char *words) {
  struct tls_store store;
  char error[ERROR_BYTES];
  ck_assert_int_eq(read_store(&store, content, password, key_password, true, error), STATUS_INVALID_SETTING);
  ck_assert_msg(strncmp(error, SETTING, strlen(SETTING)) == 0, "%s", error);
  ck_assert_msg(strstr(error, words) != NULL, "\"%s\" is not in: %s", words, error);
  tls_store_deinit(&store);
}

/* A store that keytool made (tests/golden/make-stores). */
static struct secret *golden(const char *name) {
  char path[512], error[ERROR_BYTES] = "";
  snprintf(path, sizeof path, "%s/golden/stores/%s", TEST_SOURCE_DIRECTORY, name);
  struct secret *content = NULL;
  ck_assert_msg(tls_file_read(SETTING, path, &content, error, sizeof error) == STATUS_OK, "%s", error);
  return content;
}

static struct tls_certificate make(void) {
  return tls_certificate_make(&(struct tls_recipe){.name = "own", .alternative_names = "DNS:own.example"});
}

/* ---- PEM ---- */

START_TEST(certificates_keys_and_lists_are_found_in_a_text) {
  struct tls_certificate own = make(), authority = make();
  X509_CRL *list = tls_revocations_make(&authority, own.certificate, 0, 0);
  char *text = tls_text_join(tls_certificate_text(own.certificate), tls_key_text(own.key, NULL));
  check_holds(bytes_of_string(text), NULL, NULL, (struct expected){.certificates = 1, .keys = 1});
  text = tls_text_join(text, tls_certificate_text(authority.certificate));
  text = tls_text_join(text, tls_revocations_text(list));
  check_holds(bytes_of_string(text), NULL, NULL,
              (struct expected){.certificates = 2, .revocations = 1, .keys = 1});
  struct tls_store store;
  char error[ERROR_BYTES];
  ck_assert_int_eq(read_store(&store, bytes_of_string(text), NULL, NULL, false, error), STATUS_OK);
  ck_assert_ptr_null(store.key); /* not asked for */
  tls_store_deinit(&store);
  X509_CRL_free(list);
  free(text);
  tls_certificate_free(&own);
  tls_certificate_free(&authority);
}
END_TEST

/* Every line end in the text becomes `with`. */
static char *replace_line_ends(const char *text, const char *with) {
  size_t size = 0, lines = 0;
  for (const char *at = text; *at != '\0'; at++)
    lines += *at == '\n';
  char *made = malloc(strlen(text) + lines * strlen(with) + 1);
  ck_assert_ptr_nonnull(made);
  for (const char *at = text; *at != '\0'; at++) {
    const char *piece = *at == '\n' ? with : at;
    size_t step = *at == '\n' ? strlen(with) : 1;
    memcpy(made + size, piece, step);
    size += step;
  }
  made[size] = '\0';
  return made;
}

START_TEST(line_ends_do_not_matter) {
  static const char *const ends[] = {"\n", "\r\n", " ", "\\n", "\\r\\n", "\n\n", " \\\n  "};
  struct tls_certificate own = make();
  char *text = tls_text_join(tls_certificate_text(own.certificate), tls_key_text(own.key, NULL));
  for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
    char *other = replace_line_ends(text, ends[i]);
    check_holds(bytes_of_string(other), NULL, NULL, (struct expected){.certificates = 1, .keys = 1});
    free(other);
  }
  free(text);
  tls_certificate_free(&own);
}
END_TEST

START_TEST(encrypted_keys_are_opened_by_their_password) {
  struct tls_certificate own = tls_certificate_make(&(struct tls_recipe){.name = "own", .rsa_bits = 2048});
  char *texts[] = {tls_key_text(own.key, "secret"), tls_old_key_text(own.key, "secret")};
  for (size_t i = 0; i < 2; i++) {
    char *text = tls_text_join(tls_certificate_text(own.certificate), texts[i]);
    check_holds(bytes_of_string(text), NULL, "secret", (struct expected){.certificates = 1, .keys = 1});
    check_refused(bytes_of_string(text), NULL, "Secret", "ssl.key.password does not open");
    check_refused(bytes_of_string(text), NULL, "", "ssl.key.password does not open");
    check_holds(bytes_of_string(text), "secret", NULL, (struct expected){.certificates = 1, .keys = 1});
    check_refused(bytes_of_string(text), "wrong", NULL, "ssl.keystore.password does not open");
    check_refused(bytes_of_string(text), NULL, NULL, "ssl.keystore.password is not set");
    free(text);
  }
  char *plain = tls_old_key_text(own.key, NULL);
  check_holds(bytes_of_string(plain), NULL, NULL, (struct expected){.keys = 1});
  free(plain);
  tls_certificate_free(&own);
}
END_TEST

START_TEST(damaged_text_is_refused) {
  static const struct {
    const char *text, *words;
  } cases[] = {
      {"-----BEGIN CERTIFICATE-----\nMIIB", "is cut off"},
      {"-----BEGIN CERTIFICATE-----\nMIIB\n-----END PRIVATE KEY-----\n", "is cut off"},
      {"-----BEGIN CERTIFICATE", "damaged line -----BEGIN"},
      {"-----BEGIN CERTIFICATE-----\nMI*B\n-----END CERTIFICATE-----\n", "is not base64"},
      {"-----BEGIN CERTIFICATE-----\nMIIBA\n-----END CERTIFICATE-----\n", "is not base64"},
      {"-----BEGIN CERTIFICATE-----\nMI=B\n-----END CERTIFICATE-----\n", "is not base64"},
      {"-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n", "is not base64"},
      {"-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n",
       "certificate (number 1) that is damaged"},
      {"-----BEGIN TRUSTED CERTIFICATE-----\nMIIB\n-----END TRUSTED CERTIFICATE-----\n", "damaged block"},
      {"-----BEGIN X509 CRL-----\nMIIB\n-----END X509 CRL-----\n", "damaged revocation list"},
      {"-----BEGIN PRIVATE KEY-----\nMIIB\n-----END PRIVATE KEY-----\n", "no private key that can be read"},
      {"-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: ROT13,00\n\nMIIB\n"
       "-----END RSA PRIVATE KEY-----\n",
       "DEK-Info names no known cipher"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
    check_refused(bytes_of_string(cases[i].text), NULL, NULL, cases[i].words);
  check_holds(bytes_of_string("nothing in here"), NULL, NULL, (struct expected){.keys = 0});
  check_holds(bytes_of("", 0), NULL, NULL, (struct expected){.keys = 0});
}
END_TEST

/* ---- DER ---- */

START_TEST(der_is_told_by_its_content) {
  struct tls_certificate own = make();
  X509_CRL *list = tls_revocations_make(&own, NULL, 0, 0);
  unsigned char *der = NULL;
  int size = i2d_X509(own.certificate, &der);
  check_holds(bytes_of(der, (size_t)size), NULL, NULL, (struct expected){.certificates = 1});
  for (int cut = 1; cut < size; cut++)
    check_refused(bytes_of(der, (size_t)cut), NULL, NULL, "no private key that can be read");
  OPENSSL_free(der);
  der = NULL;
  size = i2d_X509_CRL(list, &der);
  check_holds(bytes_of(der, (size_t)size), NULL, NULL, (struct expected){.revocations = 1});
  OPENSSL_free(der);
  der = NULL;
  size = i2d_PrivateKey(own.key, &der);
  check_holds(bytes_of(der, (size_t)size), NULL, NULL, (struct expected){.keys = 1});
  OPENSSL_free(der);
  X509_CRL_free(list);
  tls_certificate_free(&own);
}
END_TEST

/* ---- PKCS#12 ---- */

static struct bytes der_of(PKCS12 *store) {
  unsigned char *der = NULL;
  int size = i2d_PKCS12(store, &der);
  ck_assert_int_gt(size, 0);
  PKCS12_free(store);
  return bytes_of(der, (size_t)size);
}

static void free_der(struct bytes der) {
  union {
    const uint8_t *read;
    void *freed;
  } memory = {.read = der.data};
  OPENSSL_free(memory.freed);
}

START_TEST(pkcs12_is_opened_by_its_password) {
  struct tls_certificate own = make();
  struct bytes der = der_of(tls_pkcs12_make(&own, NULL, "changeit", NID_aes_256_cbc));
  check_holds(der, "changeit", NULL, (struct expected){.certificates = 1, .keys = 1});
  check_holds(der, "changeit", "changeit", (struct expected){.certificates = 1, .keys = 1});
  check_holds(der, "changeit", "other", (struct expected){.certificates = 1, .keys = 1});
  check_refused(der, "Changeit", NULL, "ssl.keystore.password: it is wrong");
  check_refused(der, NULL, NULL, "ssl.keystore.password: it is not set");
  check_refused(der, "", NULL, "ssl.keystore.password: it is wrong");
  for (size_t cut = 1; cut < der.size; cut += 37)
    check_refused(bytes_of(der.data, cut), "changeit", NULL, "");
  free_der(der);
  der = der_of(tls_pkcs12_make(&own, NULL, NULL, -1));
  check_holds(der, NULL, NULL, (struct expected){.certificates = 1, .keys = 1});
  free_der(der);
  der = der_of(tls_pkcs12_make(&own, NULL, "", NID_aes_256_cbc));
  check_holds(der, NULL, NULL, (struct expected){.certificates = 1, .keys = 1});
  check_holds(der, "", NULL, (struct expected){.certificates = 1, .keys = 1});
  free_der(der);
  tls_certificate_free(&own);
}
END_TEST

/* But for bytes around it that mean nothing, such as a NULL's tag. */
START_TEST(a_changed_pkcs12_is_not_opened) {
  struct tls_certificate own = make();
  struct bytes der = der_of(tls_pkcs12_make(&own, NULL, "changeit", NID_aes_256_cbc));
  uint8_t *copy = malloc(der.size);
  size_t refused = 0, count = 0;
  ck_assert_ptr_nonnull(copy);
  for (size_t at = 1; at < der.size; at += 89, count++) {
    struct tls_store store;
    char error[ERROR_BYTES];
    memcpy(copy, der.data, der.size);
    copy[at] ^= 0x41;
    if (read_store(&store, bytes_of(copy, der.size), "changeit", NULL, true, error) == STATUS_OK) {
      ck_assert_int_eq(X509_cmp(sk_X509_value(store.certificates, 0), own.certificate), 0);
      ck_assert_int_eq(EVP_PKEY_eq(store.key, own.key), 1);
    } else {
      ck_assert_str_ne(error, "");
      refused++;
    }
    tls_store_deinit(&store);
  }
  ck_assert_uint_ge(refused * 10, count * 9);
  free(copy);
  free_der(der);
  tls_certificate_free(&own);
}
END_TEST

/* ---- what keytool writes ---- */

START_TEST(stores_of_java_are_read) {
  static const struct {
    const char *name, *password, *key_password;
    struct expected expected;
  } cases[] = {
      {"keystore.jks", "changeit", "secret1", {.certificates = 1, .keys = 1}},
      {"keystore.jks", NULL, "secret1", {.certificates = 1, .keys = 1}},
      {"keystore.p12", "changeit", NULL, {.certificates = 1, .keys = 1}},
      {"old_keystore.p12", "changeit", NULL, {.certificates = 1, .keys = 1}},
      {"truststore.jks", "changeit", NULL, {.certificates = 2}},
      {"truststore.jks", NULL, NULL, {.certificates = 2}},
      {"truststore.p12", "changeit", NULL, {.certificates = 2}},
      {"old_truststore.p12", "changeit", NULL, {.certificates = 2}},
      {"open_truststore.p12", NULL, NULL, {.certificates = 2}},
      {"open_truststore.p12", "changeit", NULL, {.certificates = 2}},
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    struct secret *content = golden(cases[i].name);
    check_holds(secret_bytes(content), cases[i].password, cases[i].key_password, cases[i].expected);
    secret_destroy(content);
  }
}
END_TEST

START_TEST(stores_of_java_are_refused_with_what_is_wrong) {
  static const struct {
    const char *name, *password, *key_password, *words;
  } cases[] = {
      {"keystore.jks", "changeit", "secret2", "ssl.key.password does not open"},
      {"keystore.jks", "changeit", NULL, "ssl.keystore.password does not open"},
      {"keystore.jks", "Changeit", "secret1", "not opened by ssl.keystore.password"},
      {"keystore.jks", NULL, NULL, "ssl.keystore.password is not set"},
      {"truststore.jks", "wrong", NULL, "not opened by ssl.keystore.password"},
      {"truststore.p12", NULL, NULL, "ssl.keystore.password: it is not set"},
      {"old_truststore.p12", "wrong", NULL, "ssl.keystore.password: it is wrong"},
      {"old_keystore.p12", "wrong", NULL, "ssl.keystore.password: it is wrong"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    struct secret *content = golden(cases[i].name);
    check_refused(secret_bytes(content), cases[i].password, cases[i].key_password, cases[i].words);
    secret_destroy(content);
  }
}
END_TEST

START_TEST(a_damaged_jks_is_refused_without_harm) {
  struct secret *content = golden("keystore.jks");
  struct bytes bytes = secret_bytes(content);
  struct tls_store store;
  char error[ERROR_BYTES];
  uint8_t *copy = malloc(bytes.size);
  ck_assert_ptr_nonnull(copy);
  for (size_t size = 4; size < bytes.size; size += 3) { /* exactly as large, so that a read beyond is seen */
    uint8_t *cut = malloc(size);
    ck_assert_ptr_nonnull(cut);
    memcpy(cut, bytes.data, size);
    check_refused(bytes_of(cut, size), "changeit", "secret1", "");
    ck_assert_int_ne(read_store(&store, bytes_of(cut, size), NULL, "secret1", true, error), STATUS_OK);
    tls_store_deinit(&store);
    free(cut);
  }
  for (size_t at = 4; at < bytes.size; at += 3) {
    memcpy(copy, bytes.data, bytes.size);
    copy[at] ^= 0xff;
    check_refused(bytes_of(copy, bytes.size), "changeit", "secret1", "");
    (void)read_store(&store, bytes_of(copy, bytes.size), NULL, "secret1", true, error);
    tls_store_deinit(&store);
  }
  free(copy);
  secret_destroy(content);
}
END_TEST

START_TEST(formats_are_refused_where_another_is_set) {
  struct secret *jks = golden("truststore.jks"), *pkcs12 = golden("open_truststore.p12");
  const struct {
    struct bytes content;
    enum tls_store_type type;
    const char *words;
  } cases[] = {
      {secret_bytes(jks), TLS_STORE_PEM, "is a JKS store, not PEM"},
      {secret_bytes(pkcs12), TLS_STORE_PEM, "is binary, not PEM"},
      {bytes_of_string("text"), TLS_STORE_PKCS12, "is neither a PKCS12 nor a JKS store"},
      {bytes_of_string("text"), TLS_STORE_JKS, "is neither a PKCS12 nor a JKS store"},
      {bytes_of_string("\xce\xce\xce\xce...."), TLS_STORE_AUTO, "keytool -importkeystore"},
      {bytes_of_string("0nothing"), TLS_STORE_AUTO, "is neither PEM nor a certificate"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    struct tls_store store = {.key = NULL};
    char error[ERROR_BYTES] = "";
    const struct tls_store_source source = {
        .setting = SETTING, .content = cases[i].content, .type = cases[i].type};
    ck_assert_int_eq(tls_store_read(&store, &source, error, sizeof error), STATUS_INVALID_SETTING);
    ck_assert_msg(strstr(error, cases[i].words) != NULL, "%s", error);
    tls_store_deinit(&store);
  }
  secret_destroy(jks);
  secret_destroy(pkcs12);
}
END_TEST

/* ---- memory ---- */

START_TEST(missing_memory_is_told) {
  struct secret *jks = golden("keystore.jks");
  struct tls_certificate own = make();
  char *text = tls_text_join(tls_certificate_text(own.certificate), tls_key_text(own.key, NULL));
  struct secret *password = secret_of("changeit"), *key_password = secret_of("secret1");
  const struct bytes contents[] = {secret_bytes(jks), bytes_of_string(text)};
  for (size_t i = 0; i < 2; i++) {
    uint32_t index = 0;
    for (bool failed = true; failed; index++) {
      struct tls_store store = {.key = NULL};
      char error[ERROR_BYTES] = "";
      const struct tls_store_source source = {.setting = SETTING,
                                              .path = "store",
                                              .content = contents[i],
                                              .wants_key = true,
                                              .password = password,
                                              .password_setting = "ssl.keystore.password",
                                              .key_password = key_password,
                                              .key_password_setting = "ssl.key.password"};
      failing_allocator_start(index);
      int32_t status = tls_store_read(&store, &source, error, sizeof error);
      failed = failing_allocator_stop();
      ck_assert_int_eq(status, failed ? STATUS_OUT_OF_MEMORY : STATUS_OK);
      tls_store_deinit(&store);
    }
    ck_assert_uint_gt(index, 2);
  }
  secret_destroy(password);
  secret_destroy(key_password);
  secret_destroy(jks);
  free(text);
  tls_certificate_free(&own);
}
END_TEST

int main(void) {
  Suite *suite = suite_create("tls_store");
  TCase *cases = tcase_create("tls_store");
  tcase_add_test(cases, certificates_keys_and_lists_are_found_in_a_text);
  tcase_add_test(cases, line_ends_do_not_matter);
  tcase_add_test(cases, encrypted_keys_are_opened_by_their_password);
  tcase_add_test(cases, damaged_text_is_refused);
  tcase_add_test(cases, der_is_told_by_its_content);
  tcase_add_test(cases, pkcs12_is_opened_by_its_password);
  tcase_add_test(cases, a_changed_pkcs12_is_not_opened);
  tcase_add_test(cases, stores_of_java_are_read);
  tcase_add_test(cases, stores_of_java_are_refused_with_what_is_wrong);
  tcase_add_test(cases, a_damaged_jks_is_refused_without_harm);
  tcase_add_test(cases, formats_are_refused_where_another_is_set);
  tcase_add_test(cases, missing_memory_is_told);
  suite_add_tcase(suite, cases);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_NORMAL);
  int failed = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
