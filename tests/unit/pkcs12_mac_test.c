#include "security/pkcs12_mac.h"

#include "support/failing_allocator.h"
#include <check.h>
#include <openssl/evp.h>
#include <openssl/pkcs12.h>
#include <stdlib.h>

/* An empty store with a MAC of OpenSSL's own making. */
static PKCS12 *make(const char *password, const EVP_MD *digest, int iterations) {
  unsigned char salt[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11};
  STACK_OF(PKCS7) *safes = sk_PKCS7_new_null();
  PKCS12 *store = PKCS12_add_safes(safes, 0);
  ck_assert_ptr_nonnull(store);
  ck_assert_int_eq(PKCS12_set_mac(store, password, -1, salt, sizeof salt, iterations, digest), 1);
  sk_PKCS7_free(safes);
  return store;
}

static bool fits(PKCS12 *store, const char *password) {
  return pkcs12_mac_fits(store, NULL, bytes_of_string(password));
}

START_TEST(the_password_fits_and_no_other) {
  static const char *const passwords[] = {
      "changeit",
      "longer than a block of any digest, which has 128 bytes, of 64 characters in UTF-16",
      "p\xc3\xa4ssw\xc3\xb6rd",
      "\xf0\x9f\x94\x91 key",
      "latin \xe4",
      "x",
      ""};
  const EVP_MD *digests[] = {EVP_sha1(), EVP_sha256(), EVP_sha384(), EVP_sha512()};
  for (size_t p = 0; p < sizeof passwords / sizeof passwords[0]; p++)
    for (size_t d = 0; d < sizeof digests / sizeof digests[0]; d++) {
      PKCS12 *store = make(passwords[p], digests[d], 1 + (int)d * 100);
      ck_assert(fits(store, passwords[p]));
      ck_assert(!fits(store, "another"));
      ck_assert(!fits(store, NULL));
      ck_assert(!fits(store, passwords[p][0] == '\0' ? " " : ""));
      PKCS12_free(store);
    }
}
END_TEST

START_TEST(no_password_is_not_the_empty_one) {
  PKCS12 *store = make(NULL, EVP_sha256(), 1000);
  ck_assert(fits(store, NULL));
  ck_assert(!fits(store, ""));
  PKCS12_free(store);
}
END_TEST

START_TEST(missing_memory_is_no_password) {
  PKCS12 *store = make("changeit", EVP_sha256(), 10);
  uint32_t index = 0;
  for (bool failed = true; failed; index++) {
    failing_allocator_start(index);
    bool is_right = fits(store, "changeit");
    failed = failing_allocator_stop();
    ck_assert_int_eq(is_right, !failed);
  }
  ck_assert_uint_gt(index, 3);
  PKCS12_free(store);
}
END_TEST

int main(void) {
  Suite *suite = suite_create("pkcs12_mac");
  TCase *tests = tcase_create("pkcs12_mac");
  tcase_add_test(tests, the_password_fits_and_no_other);
  tcase_add_test(tests, no_password_is_not_the_empty_one);
  tcase_add_test(tests, missing_memory_is_no_password);
  suite_add_tcase(suite, tests);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_NORMAL);
  int failures = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failures == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
