#include "security/tls_key.h"

#include "base/status.h"
#include "support/failing_allocator.h"
#include <check.h>
#include <openssl/evp.h>
#include <stdlib.h>

enum { KINDS = 5 };

/* Two that are read here on each way, and one that is OpenSSL's. */
static EVP_PKEY *make(int kind) {
  static const char *const curves[] = {"P-256", "P-384", "P-521"};
  EVP_PKEY *made = kind == 0 ? EVP_RSA_gen(2048) : kind < 4 ? EVP_EC_gen(curves[kind - 1]) : NULL;
  if (kind == 4) made = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
  ck_assert_ptr_nonnull(made);
  return made;
}

/* PrivateKeyInfo, or the form that older programs write. The caller's, by OPENSSL_free. */
static int encode(EVP_PKEY *key, bool is_old, unsigned char **der) {
  *der = NULL;
  if (is_old) return i2d_PrivateKey(key, der);
  PKCS8_PRIV_KEY_INFO *info = EVP_PKEY2PKCS8(key);
  int size = i2d_PKCS8_PRIV_KEY_INFO(info, der);
  PKCS8_PRIV_KEY_INFO_free(info);
  return size;
}

/* Signs with one and verifies with the other, since keys may look alike and not work. */
static void check_signs(EVP_PKEY *signer, EVP_PKEY *verifier) {
  static const unsigned char text[] = "text";
  unsigned char signature[1024];
  size_t size = sizeof signature;
  EVP_MD_CTX *context = EVP_MD_CTX_new();
  const EVP_MD *digest = EVP_PKEY_is_a(signer, "ED25519") ? NULL : EVP_sha256();
  ck_assert_int_eq(EVP_DigestSignInit(context, NULL, digest, NULL, signer), 1);
  ck_assert_int_eq(EVP_DigestSign(context, signature, &size, text, sizeof text), 1);
  EVP_MD_CTX_free(context);
  context = EVP_MD_CTX_new();
  ck_assert_int_eq(EVP_DigestVerifyInit(context, NULL, digest, NULL, verifier), 1);
  ck_assert_int_eq(EVP_DigestVerify(context, signature, size, text, sizeof text), 1);
  EVP_MD_CTX_free(context);
}

START_TEST(keys_of_all_kinds_are_read) {
  for (int kind = 0; kind < KINDS; kind++)
    for (int is_old = 0; is_old < 2; is_old++) {
      EVP_PKEY *key = make(kind), *read = NULL;
      unsigned char *der;
      int size = encode(key, is_old == 1, &der);
      ck_assert_int_eq(tls_key_of_der(bytes_of(der, (size_t)size), &read), STATUS_OK);
      ck_assert_int_eq(EVP_PKEY_eq(read, key), 1);
      check_signs(read, key);
      EVP_PKEY_free(read);
      EVP_PKEY_free(key);
      OPENSSL_free(der);
    }
}
END_TEST

START_TEST(damaged_keys_do_no_harm) {
  for (int kind = 0; kind < KINDS; kind++)
    for (int is_old = 0; is_old < 2; is_old++) {
      EVP_PKEY *key = make(kind), *read = NULL;
      unsigned char *der;
      int size = encode(key, is_old == 1, &der);
      for (int cut = 0; cut < size;
           cut += 1 + size / 20) { /* exactly as large, so that a read beyond is seen */
        uint8_t *copy = malloc(cut == 0 ? 1 : (size_t)cut);
        ck_assert_ptr_nonnull(copy);
        memcpy(copy, der, (size_t)cut);
        ck_assert_int_eq(tls_key_of_der(bytes_of(copy, (size_t)cut), &read), STATUS_INVALID_SETTING);
        ck_assert_ptr_null(read);
        free(copy);
      }
      for (int at = 0; at < size; at += 1 + size / 20) { /* some still are keys, though not ours */
        der[at] ^= 0x5a;
        int32_t status = tls_key_of_der(bytes_of(der, (size_t)size), &read);
        ck_assert_int_eq(status, read == NULL ? STATUS_INVALID_SETTING : STATUS_OK);
        EVP_PKEY_free(read);
        read = NULL;
        der[at] ^= 0x5a;
      }
      EVP_PKEY_free(key);
      OPENSSL_free(der);
    }
}
END_TEST

START_TEST(missing_memory_is_told) {
  for (int kind = 0; kind < KINDS - 1; kind++) {
    EVP_PKEY *key = make(kind), *read = NULL;
    unsigned char *der;
    int size = encode(key, false, &der);
    uint32_t index = 0;
    for (bool failed = true; failed; index++) {
      failing_allocator_start(index);
      int32_t status = tls_key_of_der(bytes_of(der, (size_t)size), &read);
      failed = failing_allocator_stop();
      ck_assert_int_eq(status, failed ? STATUS_OUT_OF_MEMORY : STATUS_OK);
    }
    ck_assert_uint_ge(index, 2); /* it was read here: OpenSSL does not ask for our memory */
    EVP_PKEY_free(read);
    EVP_PKEY_free(key);
    OPENSSL_free(der);
  }
}
END_TEST

int main(void) {
  Suite *suite = suite_create("tls_key");
  TCase *cases = tcase_create("tls_key");
  tcase_set_timeout(cases, 120);
  tcase_add_test(cases, keys_of_all_kinds_are_read);
  tcase_add_test(cases, damaged_keys_do_no_harm);
  tcase_add_test(cases, missing_memory_is_told);
  suite_add_tcase(suite, cases);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_NORMAL);
  int failed = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
