#include "security/token_answer.h"

#include "base/status.h"
#include "security/base64.h"
#include "support/failing_allocator.h"
#include <check.h>
#include <stdio.h>
#include <string.h>

/* Sat, 01 Jan 2022 00:00:00 GMT */
#define NOW_MS INT64_C(1640995200000)

static struct http_head head;
static struct token_answer answer;
static char reason[512], body[4096];

static void set_up(void) {
  memset(&head, 0, sizeof head);
  answer = (struct token_answer){.http_status = 200, .head = &head, .now_ms = NOW_MS};
}

static int32_t read_answer(const char *text, struct token **token) {
  memset(reason, 0, sizeof reason);
  *token = NULL;
  answer.body = bytes_of_string(text);
  return token_answer_read(&answer, token, reason, sizeof reason);
}

/* A JWT with these claims. */
static const char *jwt_of(const char *claims) {
  static char jwt[1024];
  size_t size = base64_encode(bytes_of_string("{\"alg\":\"RS256\"}"), BASE64_URL, jwt);
  jwt[size++] = '.';
  size += base64_encode(bytes_of_string(claims), BASE64_URL, jwt + size);
  memcpy(jwt + size, ".c2ln", sizeof ".c2ln");
  return jwt;
}

static void expect_token(const char *text, int64_t expires_ms, const char *principal) {
  struct token *token;
  int32_t status = read_answer(text, &token);
  ck_assert_msg(status == STATUS_OK, "%s", reason);
  ck_assert_int_eq(token_expires_ms(token), expires_ms);
  ck_assert_str_eq(token_principal(token), principal);
  token_release(token);
}

static void expect_failure(const char *text, int32_t status, const char *says) {
  struct token *token;
  ck_assert_int_eq(read_answer(text, &token), status);
  ck_assert_ptr_null(token);
  ck_assert_msg(strstr(reason, says) != NULL, "%s: %s", text, reason);
}

START_TEST(an_opaque_token_lives_as_long_as_the_answer_says) {
  expect_token("{\"access_token\":\"opaque\",\"token_type\":\"bEARER\",\"expires_in\":60,\"scope\":\"x\"}",
               NOW_MS + 60000, "");
  expect_token("{\"access_token\":\"opaque\",\"expires_in\":\"60\"}", NOW_MS + 60000, "");
  expect_token("{\"access_token\":\"opaque\",\"expires_in\":59.9}", NOW_MS + 59000, "");
}
END_TEST

START_TEST(a_jwt_lives_as_long_as_both_allow) {
  const char *jwt = jwt_of("{\"exp\":1640995300,\"sub\":\"alice\"}");
  snprintf(body, sizeof body, "{\"access_token\":\"%s\"}", jwt);
  expect_token(body, NOW_MS + 100000, "alice");
  snprintf(body, sizeof body, "{\"access_token\":\"%s\",\"expires_in\":null}", jwt);
  expect_token(body, NOW_MS + 100000, "alice");
  snprintf(body, sizeof body, "{\"access_token\":\"%s\",\"expires_in\":99}", jwt);
  expect_token(body, NOW_MS + 99000, "alice");
  snprintf(body, sizeof body, "{\"access_token\":\"%s\",\"expires_in\":101}", jwt);
  expect_token(body, NOW_MS + 100000, "alice");
}
END_TEST

START_TEST(lives_without_end_do_not_overflow) {
  expect_token("{\"access_token\":\"a\",\"expires_in\":9223372036854775807}", INT64_MAX, "");
  snprintf(body, sizeof body, "{\"access_token\":\"%s\"}", jwt_of("{\"exp\":9223372036854775807}"));
  expect_token(body, INT64_MAX, "");
}
END_TEST

START_TEST(the_principal_is_of_the_claim_that_is_named) {
  answer.subject_claim = "client_id";
  snprintf(body, sizeof body, "{\"access_token\":\"%s\"}",
           jwt_of("{\"exp\":1640995300.5,\"sub\":\"alice\",\"client_id\":\"b\\u00f6b\"}"));
  expect_token(body, NOW_MS + 100000, "b?b");
  answer.subject_claim = "exp";
  expect_token(body, NOW_MS + 100000, "");
}
END_TEST

START_TEST(extensions_go_with_the_token) {
  const struct token_extension extension = {"logicalCluster", "lkc-1"};
  answer.extensions = &extension;
  answer.extension_count = 1;
  struct token *token;
  ck_assert_int_eq(read_answer("{\"access_token\":\"a\",\"expires_in\":1}", &token), STATUS_OK);
  ck_assert_str_eq(token_extension_at(token, 0).value, "lkc-1");
  token_release(token);
}
END_TEST

START_TEST(escapes_in_a_token_are_undone) {
  struct token *token;
  ck_assert_int_eq(read_answer("{\"access_\\u0074oken\":\"a\\/\\u0062\",\"expires_in\":1}", &token),
                   STATUS_OK);
  ck_assert(bytes_equal(token_value(token), bytes_of_string("a/b")));
  token_release(token);
}
END_TEST

/* Malformed answers. */
static const struct {
  const char *text, *says;
} bad[] = {
    {"", "not a JSON object"},
    {" ", "not a JSON object"},
    {"null", "not a JSON object"},
    {"[]", "not a JSON object"},
    {"\"access_token\"", "not a JSON object"},
    {"access_token=a&expires_in=1", "not a JSON object"},
    {"<html></html>", "not a JSON object"},
    {"{\"access_token\":\"a\",\"expires_in\":1", "not a JSON object"},
    {"{\"access_token\":\"a\",\"expires_in\":1}}", "not a JSON object"},
    {"{\"access_token\":\"a\",\"expires_in\":01}", "not a JSON object"},
    {"{\"access_token\":\"a\xff\",\"expires_in\":1}", "not a JSON object"},
    {"{\"access_token\":\"\\ud800\",\"expires_in\":1}", "not a JSON object"},
    {"{}", "no access_token"},
    {"{\"Access_Token\":\"a\",\"expires_in\":1}", "no access_token"},
    {"{\"x\":{\"access_token\":\"a\"},\"expires_in\":1}", "no access_token"},
    {"{\"access_token\":null,\"expires_in\":1}", "no string"},
    {"{\"access_token\":12,\"expires_in\":1}", "no string"},
    {"{\"access_token\":[\"a\"],\"expires_in\":1}", "no string"},
    {"{\"access_token\":\"a\",\"access_token\":\"b\",\"expires_in\":1}", "more than one"},
    {"{\"access_token\":\"\",\"expires_in\":1}", "empty"},
    {"{\"access_token\":\"a b\",\"expires_in\":1}", "character"},
    {"{\"access_token\":\"a\\r\\nb\",\"expires_in\":1}", "character"},
    {"{\"access_token\":\"a\\u0000\",\"expires_in\":1}", "character"},
    {"{\"access_token\":\"a\\u0001auth=Bearer\",\"expires_in\":1}", "character"},
    {"{\"access_token\":\"\xc3\xa9\",\"expires_in\":1}", "character"},
    {"{\"access_token\":\"a\",\"token_type\":\"mac\",\"expires_in\":1}", "token_type"},
    {"{\"access_token\":\"a\",\"token_type\":1,\"expires_in\":1}", "token_type"},
    {"{\"access_token\":\"a\",\"token_type\":\"bearerbearer\",\"expires_in\":1}", "token_type"},
    {"{\"access_token\":\"a\",\"token_type\":\"bearer\",\"token_type\":\"bearer\",\"expires_in\":1}",
     "token_type"},
    {"{\"access_token\":\"a\"}", "no expires_in"},
    {"{\"access_token\":\"a\",\"expires_in\":null}", "no expires_in"},
    {"{\"access_token\":\"a\",\"expires_in\":0}", "expires_in"},
    {"{\"access_token\":\"a\",\"expires_in\":-1}", "expires_in"},
    {"{\"access_token\":\"a\",\"expires_in\":1e3}", "expires_in"},
    {"{\"access_token\":\"a\",\"expires_in\":\"\"}", "expires_in"},
    {"{\"access_token\":\"a\",\"expires_in\":\"soon\"}", "expires_in"},
    {"{\"access_token\":\"a\",\"expires_in\":true}", "expires_in"},
    {"{\"access_token\":\"a\",\"expires_in\":[1]}", "expires_in"},
    {"{\"access_token\":\"a\",\"expires_in\":99999999999999999999}", "expires_in"},
    {"{\"access_token\":\"a\",\"expires_in\":1,\"expires_in\":2}", "expires_in"},
    {"{\"error\":\"invalid_grant\"}", "it answered 200: invalid_grant"},
};

START_TEST(a_malformed_answer_is_refused) {
  expect_failure(bad[_i].text, STATUS_LOGIN_FAILED, bad[_i].says);
}
END_TEST

START_TEST(what_kind_of_answer_it_was_is_told) {
  static const char *const types[][2] = {{"Text/HTML; charset=utf-8", "not a JSON object but HTML"},
                                         {"text/plain", "not a JSON object but plain text"},
                                         {"application/xml", "not a JSON object but XML"}};
  for (int i = 0; i < 3; i++) {
    snprintf(head.content_type, sizeof head.content_type, "%s", types[i][0]);
    expect_failure("<html>", STATUS_LOGIN_FAILED, types[i][1]);
  }
  snprintf(head.content_type, sizeof head.content_type, "hunter2hunter2");
  expect_failure("<html>", STATUS_LOGIN_FAILED, "not a JSON object");
  ck_assert_ptr_null(strstr(reason, "hunter2"));
}
END_TEST

/* No JWT, or none with a life: the answer has to say how long the token lives. */
static const char *const bad_claims[] = {
    "",
    "{",
    "[]",
    "{}",
    "{\"exp\":\"1640995300\"}",
    "{\"exp\":null}",
    "{\"exp\":1e9}",
    "{\"exp\":1640995300,\"exp\":1640995300}",
    "{\"exp\":99999999999999999999}",
};

START_TEST(claims_without_a_life_do_not_count) {
  snprintf(body, sizeof body, "{\"access_token\":\"%s\"}", jwt_of(bad_claims[_i]));
  expect_failure(body, STATUS_LOGIN_FAILED, "no exp claim");
  snprintf(body, sizeof body, "{\"access_token\":\"%s\",\"expires_in\":7}", jwt_of(bad_claims[_i]));
  expect_token(body, NOW_MS + 7000, "");
}
END_TEST

START_TEST(what_looks_like_a_jwt_is_read_with_care) {
  static const char *const values[] = {".", "..", "a.b", "a.b.c", "a.!.c", "...", "a..c", "a.e30=.c", "."};
  for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
    struct secret *claims = token_answer_claims(bytes_of_string(values[i]));
    if (claims != NULL) ck_assert_uint_le(secret_bytes(claims).size, 1);
    secret_destroy(claims);
  }
  ck_assert_ptr_null(token_answer_claims(bytes_of_string("")));
  ck_assert_ptr_null(token_answer_claims(bytes_of_string("a.e30")));
  struct secret *claims = token_answer_claims(bytes_of_string("a.e30."));
  ck_assert_str_eq(secret_text(claims), "{}");
  secret_destroy(claims);
}
END_TEST

START_TEST(a_token_that_has_expired_names_both_clocks) {
  snprintf(body, sizeof body, "{\"access_token\":\"%s\",\"expires_in\":60}", jwt_of("{\"exp\":1640995200}"));
  expect_failure(body, STATUS_LOGIN_FAILED, "that of the server not told");
  head.date_ms = NOW_MS - 3600000;
  expect_failure(body, STATUS_LOGIN_FAILED,
                 "expired on arrival, at 2022-01-01T00:00:00Z: the clock of this machine says "
                 "2022-01-01T00:00:00Z, that of the server 2021-12-31T23:00:00Z");
  snprintf(body, sizeof body, "{\"access_token\":\"%s\"}", jwt_of("{\"exp\":-9223372036854775808}"));
  expect_failure(body, STATUS_LOGIN_FAILED, "expired on arrival");
}
END_TEST

static const struct {
  int32_t http_status, status;
  const char *says;
} refusals[] = {
    {400, STATUS_LOGIN_FAILED, "it answered 400: invalid_client: no such client"},
    {401, STATUS_LOGIN_FAILED, "it answered 401 (client id or secret is refused): invalid_client"},
    {403, STATUS_LOGIN_FAILED, "it answered 403"},
    {404, STATUS_LOGIN_FAILED, "it answered 404 (there is nothing at this URL)"},
    {405, STATUS_LOGIN_FAILED, "it answered 405"},
    {301, STATUS_LOGIN_FAILED, "it answered 301 (a redirect, which is not followed)"},
    {307, STATUS_LOGIN_FAILED, "it answered 307 (a redirect, which is not followed)"},
    {204, STATUS_LOGIN_FAILED, "it answered 204"},
    {0, STATUS_LOGIN_FAILED, "it answered 0"},
    {408, STATUS_DISCONNECTED, "it answered 408"},
    {429, STATUS_DISCONNECTED, "it answered 429 (too many requests)"},
    {500, STATUS_DISCONNECTED, "it answered 500 (the server has a fault)"},
    {503, STATUS_DISCONNECTED, "it answered 503 (the server has a fault)"},
};

START_TEST(a_refusal_is_told_with_what_the_server_says) {
  answer.http_status = refusals[_i].http_status;
  expect_failure("{\"error\":\"invalid_client\",\"error_description\":\"no such client\"}",
                 refusals[_i].status, refusals[_i].says);
  expect_failure("{\"access_token\":\"a\",\"expires_in\":1}", refusals[_i].status, "it answered");
  expect_failure("<html>", refusals[_i].status, "it answered");
  expect_failure("{\"error\":{\"code\":1},\"error_description\":2}", refusals[_i].status, "it answered");
}
END_TEST

START_TEST(what_the_server_says_forges_no_line_and_tells_no_secret) {
  const struct bytes secrets[] = {bytes_of_string("hunter2hunter2"), bytes_of_string("SGVsbG8=")};
  answer.secrets = secrets;
  answer.secret_count = 2;
  answer.http_status = 401;
  expect_failure(
      "{\"error\":\"x\\r\\ny\\u001b[31m\",\"error_description\":\"hunter2\\u0068unter2, SGVsbG8=\"}",
      STATUS_LOGIN_FAILED, ": x??y?[31m: [hidden], [hidden]");
}
END_TEST

/* Where the text is cut, no part of a secret is left. */
START_TEST(a_long_description_is_cut) {
  const struct bytes secret = bytes_of_string("hunter2hunter2");
  answer.secrets = &secret;
  answer.secret_count = 1;
  answer.http_status = 400;
  for (size_t before = 235; before < 260; before++) {
    char filler[300];
    memset(filler, 'x', sizeof filler);
    snprintf(body, sizeof body, "{\"error\":\"e\",\"error_description\":\"%.*shunter2hunter2%.200s\"}",
             (int)before, filler, filler);
    struct token *token;
    ck_assert_int_eq(read_answer(body, &token), STATUS_LOGIN_FAILED);
    ck_assert_ptr_null(strstr(reason, "hunter2"));
    ck_assert_uint_lt(strlen(reason), 300);
  }
}
END_TEST

START_TEST(missing_memory_is_told) {
  snprintf(body, sizeof body, "{\"access_token\":\"%s\",\"expires_in\":60}",
           jwt_of("{\"exp\":1640995300,\"sub\":\"alice\"}"));
  size_t before = secret_usage().count;
  uint32_t failures = 0;
  for (bool failed = true; failed; failures++) {
    struct token *token;
    failing_allocator_start(failures);
    int32_t status = read_answer(body, &token);
    failed = failing_allocator_stop();
    /* A token whose claims could not be read is good for as long as the answer says. */
    ck_assert(status == STATUS_OK || (failed && status == STATUS_OUT_OF_MEMORY));
    ck_assert_int_eq(status == STATUS_OK, token != NULL);
    if (status != STATUS_OK) ck_assert_ptr_nonnull(strstr(reason, "memory"));
    token_release(token);
  }
  ck_assert_uint_ge(failures, 5);
  ck_assert_uint_eq(secret_usage().count, before);
}
END_TEST

int main(void) {
  Suite *suite = suite_create("token_answer");
  TCase *test_case = tcase_create("all");
  tcase_add_checked_fixture(test_case, set_up, NULL);
  tcase_add_test(test_case, an_opaque_token_lives_as_long_as_the_answer_says);
  tcase_add_test(test_case, a_jwt_lives_as_long_as_both_allow);
  tcase_add_test(test_case, lives_without_end_do_not_overflow);
  tcase_add_test(test_case, the_principal_is_of_the_claim_that_is_named);
  tcase_add_test(test_case, extensions_go_with_the_token);
  tcase_add_test(test_case, escapes_in_a_token_are_undone);
  tcase_add_loop_test(test_case, a_malformed_answer_is_refused, 0, sizeof bad / sizeof bad[0]);
  tcase_add_test(test_case, what_kind_of_answer_it_was_is_told);
  tcase_add_loop_test(test_case, claims_without_a_life_do_not_count, 0,
                      sizeof bad_claims / sizeof bad_claims[0]);
  tcase_add_test(test_case, what_looks_like_a_jwt_is_read_with_care);
  tcase_add_test(test_case, a_token_that_has_expired_names_both_clocks);
  tcase_add_loop_test(test_case, a_refusal_is_told_with_what_the_server_says, 0,
                      sizeof refusals / sizeof refusals[0]);
  tcase_add_test(test_case, what_the_server_says_forges_no_line_and_tells_no_secret);
  tcase_add_test(test_case, a_long_description_is_cut);
  tcase_add_test(test_case, missing_memory_is_told);
  suite_add_tcase(suite, test_case);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_ENV);
  int failures = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failures != 0;
}
