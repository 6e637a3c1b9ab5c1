#include "security/scram.h"

#include "base/status.h"
#include "support/failing_allocator.h"
#include "support/scram_server.h"
#include <check.h>
#include <stdio.h>
#include <string.h>

#define NONCE "rOprNGfwEbeRWgbNEkqO"
#define MORE  "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0"
#define SALT  "W22ZaJ0SNY7soEsUEjb6gQ=="
#define VALID "r=" NONCE MORE ",s=" SALT ",i=4096"

static char reason[256];

static struct scram_keys *keys_of(enum scram_hash hash, const char *password) {
  struct secret *secret = secret_create(bytes_of_string(password));
  struct scram_keys *keys = scram_keys_create(hash, secret);
  ck_assert_ptr_nonnull(keys);
  secret_destroy(secret);
  return keys;
}

static struct scram *begin(struct scram_keys *keys, const char *username, bool delegation_token,
                           const char *first) {
  struct scram *scram = scram_create(keys);
  struct secret *message = NULL;
  ck_assert_int_eq(scram_begin(scram, username, delegation_token, bytes_of_string(NONCE), &message),
                   STATUS_OK);
  ck_assert_str_eq(secret_text(message), first);
  secret_destroy(message);
  return scram;
}

static void assert_conversation(enum scram_hash hash, const char *username, bool delegation_token,
                                const char *password, const char *const messages[4]) {
  struct scram_keys *keys = keys_of(hash, password);
  struct scram *scram = begin(keys, username, delegation_token, messages[0]);
  struct secret *message = NULL;
  ck_assert_int_eq(scram_answer(scram, bytes_of_string(messages[1]), &message, reason, sizeof reason),
                   STATUS_OK);
  ck_assert_str_eq(secret_text(message), messages[2]);
  secret_destroy(message);
  ck_assert_int_eq(scram_finish(scram, bytes_of_string(messages[3]), reason, sizeof reason), STATUS_OK);
  scram_destroy(scram);
  scram_keys_destroy(keys);
}

/* RFC 7677, section 3. */
START_TEST(the_vector_of_the_rfc_holds) {
  static const char *const messages[] = {
      "n,,n=user,r=" NONCE,
      VALID,
      "c=biws,r=" NONCE MORE ",p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=",
      "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=",
  };
  assert_conversation(SCRAM_SHA_256, "user", false, "pencil", messages);
}
END_TEST

/* Computed by RFC 5802's formulas with Python's hashlib and hmac, which reproduce RFC 7677's. */
START_TEST(the_same_holds_for_sha_512) {
  static const char *const messages[] = {
      "n,,n=user,r=" NONCE,
      VALID,
      "c=biws,r=" NONCE MORE
      ",p=gMGXRcevScNtxZ6/8lQYpGtnsNAc3mGcmNomv+xnoOMw+3R2xNJdMNnzMlTN8PPC6wdp6dybEmDYXYTxwnYPJQ==",
      "v=ZQnYEgWQMFmmsM8aQMF0nDDCy/AgCzkwk8CmMZYcMg0vSVlKDanekLtifDSeVGT4+5ZxXnJq199RVG2rR7N7Zw==",
  };
  assert_conversation(SCRAM_SHA_512, "user", false, "pencil", messages);
}
END_TEST

/* As before. The password has what SASLprep would change, a no-break space and a ligature; Kafka leaves them.
 */
START_TEST(names_are_escaped_and_passwords_taken_as_they_are) {
  static const char *const messages[] = {
      "n,,n=a=3Db=2Cc,r=" NONCE ",tokenauth=true",
      "r=" NONCE "more,s=c2FsdCBvZiB0aGVzZQ==,i=8192",
      "c=biws,r=" NONCE
      "more,p=u4Hv/dNN4RDB7x2zqu/4LWyHLd+omYHPM5FHJBKy4HpaNj2TvUMU1d/LBBBM9Y9+zwYsn5yRwsP/ZYdRJrC4FQ"
      "==",
      "v=shXhumQzfQAwdHnXjITnR9dyXRYJY4H65dUZKX0fni93Tr/f8A9X/lSYL6StgUyJvG50IAq/XEFr7NSa+eE3gw==",
  };
  assert_conversation(SCRAM_SHA_512, "a=b,c", true, "pass\xc3\xbc\xc3\x9f\xc2\xa0\xef\xac\x81", messages);
}
END_TEST

START_TEST(nonces_are_long_printable_and_differ) {
  struct secret *nonces[64];
  for (size_t i = 0; i < 64; i++) {
    ck_assert_int_eq(scram_make_nonce(&nonces[i]), STATUS_OK);
    struct bytes nonce = secret_bytes(nonces[i]);
    ck_assert_uint_eq(nonce.size, 32);
    for (size_t j = 0; j < nonce.size; j++)
      ck_assert(nonce.data[j] > 0x20 && nonce.data[j] < 0x7f && nonce.data[j] != ',');
    for (size_t j = 0; j < i; j++)
      ck_assert(!bytes_equal(nonce, secret_bytes(nonces[j])));
  }
  for (size_t i = 0; i < 64; i++)
    secret_destroy(nonces[i]);
}
END_TEST

START_TEST(a_server_and_the_client_agree) {
  static const char *const hashes[] = {"SHA256", "SHA512"};
  for (int hash = SCRAM_SHA_256; hash <= SCRAM_SHA_512; hash++) {
    struct scram_server server;
    scram_server_init(&server, hashes[hash], "open sesame");
    struct scram_keys *keys = keys_of((enum scram_hash)hash, "open sesame");
    struct scram *scram = scram_create(keys);
    struct secret *message = NULL, *nonce = NULL;
    ck_assert_int_eq(scram_make_nonce(&nonce), STATUS_OK);
    ck_assert_int_eq(scram_begin(scram, "alice", false, secret_bytes(nonce), &message), STATUS_OK);
    ck_assert(scram_server_begin(&server, secret_bytes(message)));
    secret_destroy(message);
    ck_assert_int_eq(scram_answer(scram, bytes_of_string(server.first), &message, reason, sizeof reason),
                     STATUS_OK);
    ck_assert(scram_server_finish(&server, secret_bytes(message)));
    ck_assert_int_eq(scram_finish(scram, bytes_of_string(server.final), reason, sizeof reason), STATUS_OK);
    secret_destroy(message);
    secret_destroy(nonce);
    scram_destroy(scram);
    scram_keys_destroy(keys);
  }
}
END_TEST

/* A server that does not know the password cannot prove that it does, whatever it lets in. */
START_TEST(a_server_without_the_password_is_found_out) {
  struct scram_server server;
  scram_server_init(&server, "SHA256", "another");
  struct scram_keys *keys = keys_of(SCRAM_SHA_256, "open sesame");
  struct scram *scram = begin(keys, "alice", false, "n,,n=alice,r=" NONCE);
  struct secret *message = NULL;
  ck_assert(scram_server_begin(&server, bytes_of_string("n,,n=alice,r=" NONCE)));
  ck_assert_int_eq(scram_answer(scram, bytes_of_string(server.first), &message, reason, sizeof reason),
                   STATUS_OK);
  ck_assert(!scram_server_finish(&server, secret_bytes(message)));
  ck_assert_int_eq(scram_finish(scram, bytes_of_string(server.final), reason, sizeof reason),
                   STATUS_LOGIN_FAILED);
  ck_assert_msg(strstr(reason, "signature is wrong") != NULL, "%s", reason);
  secret_destroy(message);
  scram_destroy(scram);
  scram_keys_destroy(keys);
}
END_TEST

static void assert_no_secret(const char *text) {
  ck_assert_msg(strstr(text, "pencil") == NULL, "%s", text);
  ck_assert_msg(strstr(text, "6rriTRBi23") == NULL, "%s", text);
  ck_assert_msg(strstr(text, NONCE) == NULL, "%s", text);
}

/* Server's first messages, each wrong in one way. */
START_TEST(malformed_first_messages_are_refused_with_the_reason) {
  static const struct {
    const char *message, *fault;
  } cases[] = {
      {"", "it is empty"},
      {"s=" SALT ",i=4096", "nonce (r=) is missing"},
      {"x=1," VALID, "nonce (r=) is missing"},
      {"R=" NONCE MORE ",s=" SALT ",i=4096", "nonce (r=) is missing"},
      {"r=" NONCE MORE, "salt (s=) is missing"},
      {"r=" NONCE MORE ",i=4096,s=" SALT, "salt (s=) is missing"},
      {"r=" NONCE MORE ",s=" SALT, "iterations (i=) is missing"},
      {"r=" NONCE MORE ",s=" SALT ",", "iterations (i=) is missing"},
      {"m=secure,r=" NONCE MORE ",s=" SALT ",i=4096", "extension (m=)"},
      {VALID ",m=secure", "not an extension"},
      {"r=" MORE NONCE ",s=" SALT ",i=4096", "does not begin with ours"},
      {"r=Xvil,s=" SALT ",i=4096", "does not begin with ours"},
      {"r=,s=" SALT ",i=4096", "does not begin with ours"},
      {"r=" NONCE ",s=" SALT ",i=4096", "adds nothing to ours"},
      {"r=" NONCE "a b,s=" SALT ",i=4096", "not printable"},
      {"r=" NONCE "\x7f,s=" SALT ",i=4096", "not printable"},
      {"r=" NONCE "\xc3\xbc,s=" SALT ",i=4096", "not printable"},
      {"r=" NONCE "\xc3,s=" SALT ",i=4096", "not UTF-8"},
      {"r=" NONCE MORE ",s=,i=4096", "salt is empty"},
      {"r=" NONCE MORE ",s=W22ZaJ0SNY7soEsUEjb6gQ=,i=4096", "salt is not Base64"},
      {"r=" NONCE MORE ",s=W22ZaJ0SNY7soEsUEjb6gQ,i=4096", "salt is not Base64"},
      {"r=" NONCE MORE ",s=W22ZaJ0SNY7soEsUEjb6gR==,i=4096", "salt is not Base64"},
      {"r=" NONCE MORE ",s=W22_aJ0SNY7soEsUEjb6gQ==,i=4096", "salt is not Base64"},
      {"r=" NONCE MORE ",s=W22Z aJ0,i=4096", "salt is not Base64"},
      {"r=" NONCE MORE ",s=" SALT ",i=", "not a positive number"},
      {"r=" NONCE MORE ",s=" SALT ",i=0", "not a positive number"},
      {"r=" NONCE MORE ",s=" SALT ",i=04096", "not a positive number"},
      {"r=" NONCE MORE ",s=" SALT ",i=-4096", "not a positive number"},
      {"r=" NONCE MORE ",s=" SALT ",i=+4096", "not a positive number"},
      {"r=" NONCE MORE ",s=" SALT ",i=4096x", "not a positive number"},
      {"r=" NONCE MORE ",s=" SALT ",i= 4096", "not a positive number"},
      {"r=" NONCE MORE ",s=" SALT ",i=1", "fewer than 4096"},
      {"r=" NONCE MORE ",s=" SALT ",i=4095", "fewer than 4096"},
      {"r=" NONCE MORE ",s=" SALT ",i=1000001", "more than 1000000"},
      {"r=" NONCE MORE ",s=" SALT ",i=4294971392", "more than 1000000"},
      {"r=" NONCE MORE ",s=" SALT ",i=18446744073709555712", "more than 1000000"},
      {VALID ",", "not an extension"},
      {VALID ",x", "not an extension"},
      {VALID ",x=", "not an extension"},
      {VALID ",=1", "not an extension"},
      {VALID ",x=1,,y=2", "not an extension"},
      {VALID ",x1=1", "not an extension"},
      {"e=other-error", "nonce (r=) is missing"},
      {"v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=", "nonce (r=) is missing"},
  };
  struct scram_keys *keys = keys_of(SCRAM_SHA_256, "pencil");
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    struct scram *scram = begin(keys, "user", false, "n,,n=user,r=" NONCE);
    struct secret *message = NULL;
    int32_t status = scram_answer(scram, bytes_of_string(cases[i].message), &message, reason, sizeof reason);
    ck_assert_msg(status == STATUS_LOGIN_FAILED && message == NULL, "%s", cases[i].message);
    ck_assert_msg(strstr(reason, cases[i].fault) != NULL, "%s: %s", cases[i].message, reason);
    assert_no_secret(reason);
    scram_destroy(scram);
  }
  ck_assert_uint_eq(scram_keys_derivation_count(keys), 0);
  scram_keys_destroy(keys);
}
END_TEST

static void assert_first_refused(struct bytes message, const char *fault) {
  struct scram_keys *keys = keys_of(SCRAM_SHA_256, "pencil");
  struct scram *scram = begin(keys, "user", false, "n,,n=user,r=" NONCE);
  struct secret *answer = NULL;
  ck_assert_int_eq(scram_answer(scram, message, &answer, reason, sizeof reason), STATUS_LOGIN_FAILED);
  ck_assert_msg(strstr(reason, fault) != NULL, "%s", reason);
  scram_destroy(scram);
  scram_keys_destroy(keys);
}

START_TEST(oversized_first_messages_are_refused) {
  static char text[SCRAM_MESSAGE_MAX_BYTES + 256];
  (void)snprintf(text, sizeof text, "r=" NONCE "x,s=" SALT ",i=4096,x=%08200d", 1);
  assert_first_refused(bytes_of(text, SCRAM_MESSAGE_MAX_BYTES + 1), "too long");
  (void)snprintf(text, sizeof text, "r=" NONCE "x,s=%01372d,i=4096", 0);
  assert_first_refused(bytes_of_string(text), "salt is too long");
  (void)snprintf(text, sizeof text, "r=" NONCE "x,s=%01368d,i=4096", 0);
  assert_first_refused(bytes_of_string(text), "salt is too long");
  assert_first_refused(bytes_of(VALID "\0", sizeof VALID), "zero byte");
}
END_TEST

static int32_t answer_valid(struct scram_keys *keys, const char *first) {
  struct scram *scram = begin(keys, "user", false, "n,,n=user,r=" NONCE);
  struct secret *message = NULL;
  int32_t status = scram_answer(scram, bytes_of_string(first), &message, reason, sizeof reason);
  secret_destroy(message);
  scram_destroy(scram);
  return status;
}

START_TEST(what_is_just_allowed_is_allowed) {
  static char text[2048];
  struct scram_keys *keys = keys_of(SCRAM_SHA_256, "pencil");
  ck_assert_int_eq(answer_valid(keys, VALID ",x=1,tokens=a=b"), STATUS_OK);
  ck_assert_int_eq(answer_valid(keys, "r=" NONCE "x,s=AA==,i=4096"), STATUS_OK);
  ck_assert_int_eq(answer_valid(keys, "r=" NONCE "x,s=AA==,i=1000000"), STATUS_OK);
  (void)snprintf(text, sizeof text, "r=" NONCE "x,s=%01364dAA==,i=4096", 0);
  ck_assert_int_eq(answer_valid(keys, text), STATUS_OK);
  scram_keys_destroy(keys);
}
END_TEST

START_TEST(malformed_final_messages_are_refused_with_the_reason) {
  static const struct {
    const char *message;
    int32_t status;
    const char *fault;
  } cases[] = {
      {"", STATUS_LOGIN_FAILED, "it is empty"},
      {"6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=", STATUS_LOGIN_FAILED, "signature (v=) is missing"},
      {"x=1,v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=", STATUS_LOGIN_FAILED,
       "signature (v=) is missing"},
      {"v=", STATUS_LOGIN_FAILED, "of the wrong length"},
      {"v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4", STATUS_LOGIN_FAILED, "of the wrong length"},
      {"v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=AAAA", STATUS_LOGIN_FAILED, "of the wrong length"},
      {"v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4?", STATUS_LOGIN_FAILED, "not Base64"},
      {"v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G5=", STATUS_LOGIN_FAILED, "not Base64"},
      {"v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95A==", STATUS_LOGIN_FAILED, "signature is wrong"},
      {"v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G8=", STATUS_LOGIN_FAILED, "signature is wrong"},
      {"v=7rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=", STATUS_LOGIN_FAILED, "signature is wrong"},
      {"v=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", STATUS_LOGIN_FAILED, "signature is wrong"},
      {"v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=,", STATUS_LOGIN_FAILED, "not an extension"},
      {"v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=,m=1", STATUS_LOGIN_FAILED, "not an extension"},
      {"e=invalid-proof", STATUS_SASL_AUTHENTICATION_FAILED, "error invalid-proof"},
      {"e=unknown-user,x=1", STATUS_SASL_AUTHENTICATION_FAILED, "error unknown-user"},
      {"e=", STATUS_SASL_AUTHENTICATION_FAILED, "error without a name"},
      {"e=a\nb\x1b[2J", STATUS_SASL_AUTHENTICATION_FAILED, "error a?b?[2J"},
  };
  struct scram_keys *keys = keys_of(SCRAM_SHA_256, "pencil");
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    struct scram *scram = begin(keys, "user", false, "n,,n=user,r=" NONCE);
    struct secret *message = NULL;
    ck_assert_int_eq(scram_answer(scram, bytes_of_string(VALID), &message, reason, sizeof reason), STATUS_OK);
    secret_destroy(message);
    int32_t status = scram_finish(scram, bytes_of_string(cases[i].message), reason, sizeof reason);
    ck_assert_msg(status == cases[i].status, "%s", cases[i].message);
    ck_assert_msg(strstr(reason, cases[i].fault) != NULL, "%s: %s", cases[i].message, reason);
    assert_no_secret(reason);
    scram_destroy(scram);
  }
  scram_keys_destroy(keys);
}
END_TEST

START_TEST(missing_memory_is_told) {
  struct scram_keys *keys = keys_of(SCRAM_SHA_256, "pencil");
  uint32_t failures = 0;
  for (uint32_t i = 0, failed = 1; failed; i++) {
    struct secret *first = NULL, *final = NULL;
    failing_allocator_start(i);
    struct scram *scram = scram_create(keys);
    int32_t status = scram == NULL ? STATUS_OUT_OF_MEMORY
                                   : scram_begin(scram, "user", false, bytes_of_string(NONCE), &first);
    if (status == STATUS_OK)
      status = scram_answer(scram, bytes_of_string(VALID), &final, reason, sizeof reason);
    failed = failing_allocator_stop();
    failures += failed;
    ck_assert_msg(status == STATUS_OK || (failed && status == STATUS_OUT_OF_MEMORY), "%d", (int)status);
    ck_assert((final != NULL) == (status == STATUS_OK));
    secret_destroy(first);
    secret_destroy(final);
    scram_destroy(scram);
  }
  ck_assert_uint_ge(failures, 8);
  scram_keys_destroy(keys);
}
END_TEST

int main(void) {
  Suite *suite = suite_create("scram");
  TCase *test_case = tcase_create("all");
  tcase_add_test(test_case, the_vector_of_the_rfc_holds);
  tcase_add_test(test_case, the_same_holds_for_sha_512);
  tcase_add_test(test_case, names_are_escaped_and_passwords_taken_as_they_are);
  tcase_add_test(test_case, nonces_are_long_printable_and_differ);
  tcase_add_test(test_case, a_server_and_the_client_agree);
  tcase_add_test(test_case, a_server_without_the_password_is_found_out);
  tcase_add_test(test_case, malformed_first_messages_are_refused_with_the_reason);
  tcase_add_test(test_case, oversized_first_messages_are_refused);
  tcase_add_test(test_case, what_is_just_allowed_is_allowed);
  tcase_add_test(test_case, malformed_final_messages_are_refused_with_the_reason);
  tcase_add_test(test_case, missing_memory_is_told);
  suite_add_tcase(suite, test_case);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_ENV);
  int failures = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failures != 0;
}
