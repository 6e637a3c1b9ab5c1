#include "security/scram_keys.h"

#include "base/status.h"
#include "support/failing_allocator.h"
#include <check.h>
#include <pthread.h>
#include <stdio.h>

static struct scram_keys *keys_of(enum scram_hash hash, const char *password) {
  struct secret *secret = secret_create(bytes_of_string(password));
  struct scram_keys *keys = scram_keys_create(hash, secret);
  ck_assert_ptr_nonnull(keys);
  secret_destroy(secret);
  return keys;
}

static struct secret *get(struct scram_keys *keys, const char *salt, uint32_t iterations) {
  struct secret *pair = NULL;
  ck_assert_int_eq(scram_keys_get(keys, bytes_of_string(salt), iterations, &pair), STATUS_OK);
  ck_assert_ptr_nonnull(pair);
  return pair;
}

static void hex_write(struct bytes bytes, char *to) {
  for (size_t i = 0; i < bytes.size; i++)
    (void)snprintf(to + 2 * i, 3, "%02x", bytes.data[i]);
}

/* Made with Python: hmac.new(hashlib.pbkdf2_hmac(hash, b"pencil", b"salt", 4096), name, hash).hexdigest() for
 * the names "Client Key" and "Server Key". */
START_TEST(keys_are_those_of_the_rfc) {
  char text[300];
  struct scram_keys *keys = keys_of(SCRAM_SHA_256, "pencil");
  struct secret *pair = get(keys, "salt", 4096);
  hex_write(secret_bytes(pair), text);
  ck_assert_str_eq(text, "d636037dd9ced7dd7da819400dc8ac311e268c77a41b857dd8e301bc03a58193"
                         "7a5421e304f8f1ea5e669c170719628487629be044923a77b1400577f202cb22");
  secret_destroy(pair);
  scram_keys_destroy(keys);
  keys = keys_of(SCRAM_SHA_512, "pencil");
  pair = get(keys, "salt", 4096);
  hex_write(secret_bytes(pair), text);
  ck_assert_str_eq(text, "c1b769d81ba4d11a9ec58501beda1cec7bd40bc19f0aa61ea6bc2ebd5e5b236f"
                         "ddd931e61991bfbedfab73d039704fc58af4467d6e5391cdf5cf8ac9b1a57c05"
                         "a20870894973d9c760b240b7a95060f1e63512b5f21b81f15ecfe996c163b648"
                         "d1af4132eaa2e63b3e89b46bb1592beee5f536c2e1005954521cf37278199629");
  secret_destroy(pair);
  ck_assert_int_eq(scram_keys_hash(keys), SCRAM_SHA_512);
  scram_keys_destroy(keys);
  scram_keys_destroy(NULL);
}
END_TEST

START_TEST(keys_are_made_once_for_a_salt_and_its_iterations) {
  struct scram_keys *keys = keys_of(SCRAM_SHA_256, "pencil");
  struct secret *first = get(keys, "salt", 4096), *again = get(keys, "salt", 4096);
  ck_assert(bytes_equal(secret_bytes(first), secret_bytes(again)));
  ck_assert_uint_eq(scram_keys_derivation_count(keys), 1);
  secret_destroy(again);
  again = get(keys, "salt", 4097);
  ck_assert(!bytes_equal(secret_bytes(first), secret_bytes(again)));
  secret_destroy(again);
  again = get(keys, "Salt", 4096);
  ck_assert(!bytes_equal(secret_bytes(first), secret_bytes(again)));
  secret_destroy(again);
  again = get(keys, "sal", 4096);
  ck_assert(!bytes_equal(secret_bytes(first), secret_bytes(again)));
  secret_destroy(again);
  secret_destroy(first);
  ck_assert_uint_eq(scram_keys_derivation_count(keys), 4);
  scram_keys_destroy(keys);
}
END_TEST

START_TEST(the_oldest_keys_make_room) {
  struct scram_keys *keys = keys_of(SCRAM_SHA_256, "pencil");
  for (uint32_t i = 0; i < 5; i++)
    secret_destroy(get(keys, "salt", 4096 + i));
  ck_assert_uint_eq(scram_keys_derivation_count(keys), 5);
  secret_destroy(get(keys, "salt", 4100));
  secret_destroy(get(keys, "salt", 4097));
  ck_assert_uint_eq(scram_keys_derivation_count(keys), 5);
  secret_destroy(get(keys, "salt", 4096));
  ck_assert_uint_eq(scram_keys_derivation_count(keys), 6);
  scram_keys_destroy(keys);
}
END_TEST

static void *run_gets(void *context) {
  struct scram_keys *keys = context;
  for (uint32_t i = 0; i < 40; i++) {
    struct secret *pair = NULL;
    if (scram_keys_get(keys, bytes_of_string("salt"), 4096 + i % 6, &pair) != STATUS_OK) return context;
    secret_destroy(pair);
  }
  return NULL;
}

START_TEST(threads_may_share_keys) {
  struct scram_keys *keys = keys_of(SCRAM_SHA_256, "pencil");
  pthread_t threads[4];
  for (size_t i = 0; i < 4; i++)
    ck_assert_int_eq(pthread_create(&threads[i], NULL, run_gets, keys), 0);
  for (size_t i = 0; i < 4; i++) {
    void *result;
    ck_assert_int_eq(pthread_join(threads[i], &result), 0);
    ck_assert_ptr_null(result);
  }
  ck_assert_uint_ge(scram_keys_derivation_count(keys), 6);
  scram_keys_destroy(keys);
}
END_TEST

START_TEST(missing_memory_is_told) {
  struct secret *password = secret_create(bytes_of_string("pencil"));
  uint32_t failures = 0;
  for (uint32_t i = 0, failed = 1; failed; i++) {
    failing_allocator_start(i);
    struct scram_keys *keys = scram_keys_create(SCRAM_SHA_256, password);
    struct secret *pair = NULL, *again = NULL;
    int32_t status =
        keys == NULL ? STATUS_OUT_OF_MEMORY : scram_keys_get(keys, bytes_of_string("salt"), 4096, &pair);
    int32_t again_status =
        keys == NULL ? STATUS_OUT_OF_MEMORY : scram_keys_get(keys, bytes_of_string("salt"), 4096, &again);
    failed = failing_allocator_stop();
    failures += failed;
    ck_assert((status == STATUS_OK) == (pair != NULL));
    ck_assert((again_status == STATUS_OK) == (again != NULL));
    ck_assert(failed || (status == STATUS_OK && again_status == STATUS_OK));
    secret_destroy(pair);
    secret_destroy(again);
    scram_keys_destroy(keys);
  }
  ck_assert_uint_ge(failures, 5);
  secret_destroy(password);
}
END_TEST

int main(void) {
  Suite *suite = suite_create("scram_keys");
  TCase *test_case = tcase_create("all");
  tcase_add_test(test_case, keys_are_those_of_the_rfc);
  tcase_add_test(test_case, keys_are_made_once_for_a_salt_and_its_iterations);
  tcase_add_test(test_case, the_oldest_keys_make_room);
  tcase_add_test(test_case, threads_may_share_keys);
  tcase_add_test(test_case, missing_memory_is_told);
  suite_add_tcase(suite, test_case);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_ENV);
  int failures = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failures != 0;
}
