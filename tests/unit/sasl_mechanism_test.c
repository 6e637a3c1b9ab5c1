#include "security/sasl_mechanism.h"

#include "base/status.h"
#include "security/base64.h"
#include "security/scram_keys.h"
#include "security/token_source.h"
#include "support/failing_allocator.h"
#include "support/login_rig.h"
#include "support/scram_server.h"
#include <check.h>
#include <stdio.h>
#include <string.h>

START_TEST(plain_is_one_message) {
  struct login_rig rig;
  login_rig_init(&rig, SASL_PLAIN);
  rig.settings.username = "al\xc3\xafs";
  login_rig_begin(&rig, "broker");
  login_rig_expect_send(&rig, NULL, NULL);
  ck_assert(bytes_equal(rig.step.response, bytes_of("\0al\xc3\xafs\0wonderland", 17)));
  login_rig_expect_done(&rig, "");
  login_rig_deinit(&rig);
  login_rig_init(&rig, SASL_PLAIN);
  rig.settings.authorization_id = "bob";
  login_rig_begin(&rig, "broker");
  login_rig_expect_send(&rig, NULL, NULL);
  ck_assert(bytes_equal(rig.step.response, bytes_of("bob\0alice\0wonderland", 20)));
  login_rig_expect_failed(&rig, "x", STATUS_LOGIN_FAILED, "answers with 1 bytes where it has nothing to say");
  login_rig_deinit(&rig);
}
END_TEST

static void scram_log_in(struct login_rig *rig, struct scram_server *server) {
  login_rig_expect_send(rig, NULL, NULL);
  ck_assert(scram_server_begin(server, rig->step.response));
  login_rig_expect_send(rig, server->first, NULL);
  ck_assert(scram_server_finish(server, rig->step.response));
  login_rig_expect_done(rig, server->final);
}

START_TEST(scram_logs_in_and_derives_keys_once) {
  static const char *const hashes[] = {"SHA256", "SHA512"};
  for (int i = 0; i < 2; i++) {
    struct scram_server server;
    struct login_rig rig;
    scram_server_init(&server, hashes[i], "wonderland");
    login_rig_init(&rig, (enum sasl_mechanism_id)(SASL_SCRAM_SHA_256 + i));
    login_rig_begin(&rig, "broker");
    scram_log_in(&rig, &server);
    for (int again = 0; again < 3; again++) {
      sasl_exchange_destroy(rig.exchange);
      rig.exchange = sasl_exchange_create(rig.credentials, "another");
      scram_log_in(&rig, &server);
    }
    ck_assert_uint_eq(scram_keys_derivation_count(rig.credentials->prepared), 1);
    login_rig_deinit(&rig);
  }
}
END_TEST

START_TEST(scram_draws_a_nonce_for_each_login) {
  struct login_rig rig;
  char first[128];
  login_rig_init(&rig, SASL_SCRAM_SHA_256);
  login_rig_begin(&rig, "broker");
  login_rig_expect_send(&rig, NULL, NULL);
  ck_assert_int_eq(strncmp((const char *)rig.step.response.data, "n,,n=alice,r=", 13), 0);
  ck_assert_uint_eq(rig.step.response.size, 13 + 32);
  memcpy(first, rig.step.response.data, rig.step.response.size);
  sasl_exchange_destroy(rig.exchange);
  rig.exchange = sasl_exchange_create(rig.credentials, "broker");
  login_rig_expect_send(&rig, NULL, NULL);
  ck_assert(!bytes_equal(rig.step.response, bytes_of(first, 45)));
  login_rig_deinit(&rig);
}
END_TEST

START_TEST(scram_names_what_failed) {
  struct scram_server server;
  struct login_rig rig;
  scram_server_init(&server, "SHA256", "another");
  login_rig_init(&rig, SASL_SCRAM_SHA_256);
  login_rig_begin(&rig, "broker");
  login_rig_expect_send(&rig, NULL, NULL);
  ck_assert(scram_server_begin(&server, rig.step.response));
  login_rig_expect_send(&rig, server.first, NULL);
  ck_assert(!scram_server_finish(&server, rig.step.response));
  ck_assert_str_eq(
      login_rig_explain(&rig, 58, ""),
      "SCRAM-SHA-256: the broker refused the credentials (error 58): user name or password is wrong, or "
      "the user has no SCRAM-SHA-256 credentials there");
  login_rig_expect_failed(&rig, "e=invalid-proof", STATUS_SASL_AUTHENTICATION_FAILED,
                          "SCRAM-SHA-256: the broker refused the credentials by SCRAM's error invalid-proof");
  login_rig_deinit(&rig);
  login_rig_init(&rig, SASL_SCRAM_SHA_512);
  rig.settings.username = "\xc3\xbc";
  login_rig_begin(&rig, "broker");
  ck_assert_ptr_nonnull(strstr(login_rig_explain(&rig, 58, ""), "only if all of them is ASCII"));
  login_rig_deinit(&rig);
  login_rig_init(&rig, SASL_SCRAM_SHA_512);
  rig.settings.delegation_token = true;
  login_rig_begin(&rig, "broker");
  login_rig_expect_send(&rig, NULL, NULL);
  ck_assert_ptr_nonnull(strstr((const char *)rig.step.response.data, ",tokenauth=true"));
  ck_assert_ptr_nonnull(strstr(login_rig_explain(&rig, 58, ""), "the delegation token is not known there"));
  login_rig_deinit(&rig);
}
END_TEST

/* A token that says when it begins and ends, as seconds from the time that steps are told. */
static void set_jwt(struct login_rig *rig, int64_t issued_s, int64_t expires_s) {
  char claims[160], value[320] = "eyJhbGciOiJub25lIn0.";
  (void)snprintf(claims, sizeof claims, "{\"sub\":\"alice\",\"iat\":%lld,\"exp\":%lld.5}",
                 (long long)(LOGIN_RIG_NOW_S + issued_s), (long long)(LOGIN_RIG_NOW_S + expires_s));
  size_t used = strlen(value);
  size_t size = base64_encode(bytes_of_string(claims), BASE64_URL, value + used);
  memcpy(value + used + size, ".c2ln", 6);
  const struct token_fields fields = {.value = bytes_of_string(value), .expires_ms = INT64_MAX};
  login_rig_set_token(rig, &fields, 0);
}

START_TEST(oauthbearer_sends_token_and_extensions) {
  static const struct token_extension extensions[] = {{"cluster", "lkc 1"}, {"pool", "p"}};
  const struct token_fields fields = {.value = bytes_of_string("abc.DEF-_~+/=="),
                                      .expires_ms = INT64_MAX,
                                      .extensions = extensions,
                                      .extension_count = 2};
  struct login_rig rig;
  login_rig_init(&rig, SASL_OAUTHBEARER);
  login_rig_set_token(&rig, &fields, 0);
  login_rig_begin(&rig, "broker");
  ck_assert(sasl_credentials_may_block(rig.credentials));
  login_rig_expect_send(&rig, NULL,
                        "n,,\x01"
                        "auth=Bearer abc.DEF-_~+/==\x01"
                        "cluster=lkc 1\x01pool=p\x01\x01");
  login_rig_expect_done(&rig, "");
  login_rig_deinit(&rig);
}
END_TEST

START_TEST(oauthbearer_answers_a_refusal_and_reports_it) {
  struct login_rig rig;
  login_rig_init(&rig, SASL_OAUTHBEARER);
  const struct token_fields fields = {.value = bytes_of_string("opaque-token"), .expires_ms = INT64_MAX};
  login_rig_set_token(&rig, &fields, 0);
  login_rig_begin(&rig, "broker");
  login_rig_expect_send(&rig, NULL,
                        "n,,\x01"
                        "auth=Bearer opaque-token\x01\x01");
  login_rig_expect_send(&rig, "{\"status\":\"insufficient_scope\",\"scope\":\"kafka.write\"}", "\x01");
  const char *reason = login_rig_explain(&rig, 58, "{\"status\":\"insufficient_scope\"} opaque-token");
  ck_assert_str_eq(
      reason, "OAUTHBEARER: the broker refused the credentials (error 58): insufficient_scope (it has to "
              "have the scope kafka.write); it says \"{\"status\":\"insufficient_scope\"} [hidden]\"");
  login_rig_expect_failed(&rig, "", STATUS_SASL_AUTHENTICATION_FAILED,
                          "refused the token: insufficient_scope");
  login_rig_deinit(&rig);
}
END_TEST

START_TEST(oauthbearer_hides_a_token_that_a_refusal_repeats) {
  struct login_rig rig;
  login_rig_init(&rig, SASL_OAUTHBEARER);
  const struct token_fields fields = {.value = bytes_of_string("opaque-token"), .expires_ms = INT64_MAX};
  login_rig_set_token(&rig, &fields, 0);
  login_rig_begin(&rig, "broker");
  login_rig_expect_send(&rig, NULL, NULL);
  login_rig_expect_send(
      &rig, "{\"status\":\"bad: opaque-token\",\"scope\":\"\\u006fpaque-token \\u001b[2J\"}", "\x01");
  const char *reason = login_rig_explain(&rig, 58, "");
  ck_assert_ptr_null(strstr(reason, "opaque-token"));
  ck_assert_ptr_nonnull(strstr(reason, "bad: [hidden] (it has to have the scope [hidden] ?[2J)"));
  login_rig_expect_failed(&rig, "", STATUS_SASL_AUTHENTICATION_FAILED, "refused the token: bad: [hidden] (");
  login_rig_deinit(&rig);
}
END_TEST

START_TEST(oauthbearer_reports_refusals_that_are_not_json) {
  static const char *const refusals[] = {
      "x", "[]", "{\"status\":", "{\"status\":1}", "{\"status\":\"a\",\"status\":\"b\"}", "{}"};
  for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++) {
    struct login_rig rig;
    login_rig_init(&rig, SASL_OAUTHBEARER);
    const struct token_fields fields = {.value = bytes_of_string("opaque-token"), .expires_ms = INT64_MAX};
    login_rig_set_token(&rig, &fields, 0);
    login_rig_begin(&rig, "broker");
    login_rig_expect_send(&rig, NULL, NULL);
    login_rig_expect_send(&rig, refusals[i], "\x01");
    login_rig_expect_failed(&rig, refusals[i], STATUS_SASL_AUTHENTICATION_FAILED,
                            "the token was refused, without a status");
    login_rig_deinit(&rig);
  }
}
END_TEST

static void assert_token_is_gone(struct login_rig *rig) {
  struct token *token = NULL;
  char reason[128];
  ck_assert_int_eq(token_source_take(rig->tokens, 0, &token, reason, sizeof reason), STATUS_TIMED_OUT);
}

START_TEST(oauthbearer_discards_what_was_refused) {
  for (int with_json = 0; with_json < 2; with_json++) {
    struct login_rig rig;
    login_rig_init(&rig, SASL_OAUTHBEARER);
    set_jwt(&rig, -10, 3600);
    login_rig_begin(&rig, "broker");
    login_rig_expect_send(&rig, NULL, NULL);
    if (with_json == 1) login_rig_expect_send(&rig, "{\"status\":\"invalid_token\"}", "\x01");
    (void)login_rig_explain(&rig, with_json == 1 ? 34 : 58, "no");
    assert_token_is_gone(&rig);
    login_rig_deinit(&rig);
  }
}
END_TEST

START_TEST(oauthbearer_tells_of_clocks_that_differ) {
  static const struct {
    int64_t issued_s, expires_s;
    const char *hint;
  } cases[] = {
      {-3600, -60, "by this machine's clock it expired 60 s ago"},
      {90, 3600,
       "was issued 90 s in the future: the clocks of this machine and of the token's issuer differ"},
      {-30, 3600, "was issued 30 s ago and is valid for 3600 s: if not so for the broker, clocks differ"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    struct login_rig rig;
    login_rig_init(&rig, SASL_OAUTHBEARER);
    set_jwt(&rig, cases[i].issued_s, cases[i].expires_s);
    login_rig_begin(&rig, "broker");
    login_rig_expect_send(&rig, NULL, NULL);
    const char *reason = login_rig_explain(&rig, 58, "{\"status\":\"invalid_token\"}");
    ck_assert_msg(strstr(reason, cases[i].hint) != NULL, "%s", reason);
    ck_assert_msg(strstr(reason, "eyJ") == NULL, "%s", reason);
    login_rig_deinit(&rig);
  }
}
END_TEST

START_TEST(oauthbearer_without_a_token_says_why) {
  struct login_rig rig;
  login_rig_init(&rig, SASL_OAUTHBEARER);
  login_rig_set_token(&rig, NULL, 0);
  login_rig_begin(&rig, "broker");
  login_rig_expect_failed(&rig, NULL, STATUS_LOGIN_FAILED, "OAUTHBEARER: no token came in time");
  sasl_exchange_destroy(rig.exchange);
  rig.exchange = sasl_exchange_create(rig.credentials, "broker");
  token_source_close(rig.tokens);
  login_rig_expect_failed(&rig, NULL, STATUS_CLOSED, status_text(STATUS_CLOSED));
  login_rig_deinit(&rig);
}
END_TEST

#define AWS_HOST   "b-1.demo.abc123.c2.kafka.us-east-1.amazonaws.com"
#define AWS_ANSWER "{\"version\":\"2020_10_22\",\"request-id\":\"6a9e\"}"

START_TEST(aws_signs_for_the_brokers_region_or_the_one_that_is_set) {
  static const char *const regions[] = {NULL, "eu-west-1"};
  static const char *const scopes[] = {"/20231114/us-east-1/kafka-cluster/",
                                       "/20231114/eu-west-1/kafka-cluster/"};
  for (int i = 0; i < 2; i++) {
    struct login_rig rig;
    login_rig_init(&rig, SASL_AWS_MSK_IAM);
    rig.settings.aws_region = regions[i];
    login_rig_begin(&rig, AWS_HOST);
    login_rig_expect_send(&rig, NULL, NULL);
    const char *message = (const char *)rig.step.response.data;
    ck_assert_msg(strstr(message, scopes[i]) != NULL, "%s", message);
    ck_assert_ptr_nonnull(strstr(message, "\"host\":\"" AWS_HOST "\""));
    ck_assert_ptr_null(strstr(message, "wonderland"));
    login_rig_expect_done(&rig, AWS_ANSWER);
    login_rig_deinit(&rig);
  }
}
END_TEST

START_TEST(aws_needs_a_region_and_a_host_name) {
  struct login_rig rig;
  login_rig_init(&rig, SASL_AWS_MSK_IAM);
  login_rig_begin(&rig, "localhost");
  login_rig_expect_failed(
      &rig, NULL, STATUS_LOGIN_FAILED,
      "the broker's name \"localhost\" does not say which region it is in: set sasl.aws.region");
  login_rig_deinit(&rig);
  login_rig_init(&rig, SASL_AWS_MSK_IAM);
  login_rig_begin(&rig, "b\"x.kafka.us-east-1.amazonaws.com");
  login_rig_expect_failed(&rig, NULL, STATUS_LOGIN_FAILED, "characters that host names do not have");
  login_rig_deinit(&rig);
}
END_TEST

START_TEST(aws_looks_at_the_brokers_answer) {
  static const char *const cases[][2] = {
      {"", "is empty"},
      {"x", "is not a JSON object"},
      {"[1]", "is not a JSON object"},
      {"{\"request-id\":\"6a9e\"}", "has no version"},
      {"{\"version\":1,\"request-id\":\"6a9e\"}", "has no version"},
      {"{\"version\":\"2099_01_01\",\"request-id\":\"6a9e\"}", "has another version"},
      {"{\"version\":\"2020_10_22\"}", "has no request-id"},
      {"{\"version\":\"2020_10_22\",\"request-id\":null}", "has no request-id"},
      {AWS_ANSWER "x", "is not a JSON object"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    struct login_rig rig;
    login_rig_init(&rig, SASL_AWS_MSK_IAM);
    login_rig_begin(&rig, AWS_HOST);
    login_rig_expect_send(&rig, NULL, NULL);
    login_rig_expect_failed(&rig, cases[i][0], STATUS_LOGIN_FAILED, cases[i][1]);
    login_rig_deinit(&rig);
  }
}
END_TEST

START_TEST(aws_explains_a_refusal) {
  struct login_rig rig;
  login_rig_init(&rig, SASL_AWS_MSK_IAM);
  rig.session_token = secret_create(bytes_of_string("session-token-of-aws"));
  rig.settings.aws_session_token = rig.session_token;
  login_rig_begin(&rig, AWS_HOST);
  login_rig_expect_send(&rig, NULL, NULL);
  ck_assert_ptr_nonnull(
      strstr((const char *)rig.step.response.data, "\"x-amz-security-token\":\"session-token-of-aws\""));
  const char *reason = login_rig_explain(&rig, 58, "[abc]: Access denied for session-token-of-aws");
  ck_assert_msg(strstr(reason, "kafka-cluster:Connect") != NULL, "%s", reason);
  ck_assert_msg(strstr(reason, "Access denied for [hidden]") != NULL, "%s", reason);
  login_rig_deinit(&rig);
}
END_TEST

/* Of each mechanism's second message. */
START_TEST(missing_memory_is_told) {
  uint32_t failures = 0;
  for (uint32_t i = 0, failed = 1; failed; i++) {
    struct scram_server server;
    struct login_rig rig;
    scram_server_init(&server, "SHA256", "wonderland");
    login_rig_init(&rig, SASL_SCRAM_SHA_256);
    login_rig_begin(&rig, "broker");
    login_rig_expect_send(&rig, NULL, NULL);
    ck_assert(scram_server_begin(&server, rig.step.response));
    failing_allocator_start(i);
    struct sasl_step step =
        sasl_exchange_step(rig.exchange, bytes_of_string(server.first), LOGIN_RIG_NOW_MS, INT64_MAX);
    failed = failing_allocator_stop();
    failures += failed;
    bool is_right = step.kind == SASL_STEP_SEND ||
                    (failed && step.kind == SASL_STEP_FAILED && step.status == STATUS_OUT_OF_MEMORY);
    ck_assert(is_right);
    login_rig_deinit(&rig);
  }
  ck_assert_uint_ge(failures, 5);
}
END_TEST

int main(void) {
  Suite *suite = suite_create("sasl_mechanism");
  TCase *test_case = tcase_create("all");
  tcase_add_test(test_case, plain_is_one_message);
  tcase_add_test(test_case, scram_logs_in_and_derives_keys_once);
  tcase_add_test(test_case, scram_draws_a_nonce_for_each_login);
  tcase_add_test(test_case, scram_names_what_failed);
  tcase_add_test(test_case, oauthbearer_sends_token_and_extensions);
  tcase_add_test(test_case, oauthbearer_answers_a_refusal_and_reports_it);
  tcase_add_test(test_case, oauthbearer_hides_a_token_that_a_refusal_repeats);
  tcase_add_test(test_case, oauthbearer_reports_refusals_that_are_not_json);
  tcase_add_test(test_case, oauthbearer_discards_what_was_refused);
  tcase_add_test(test_case, oauthbearer_tells_of_clocks_that_differ);
  tcase_add_test(test_case, oauthbearer_without_a_token_says_why);
  tcase_add_test(test_case, aws_signs_for_the_brokers_region_or_the_one_that_is_set);
  tcase_add_test(test_case, aws_needs_a_region_and_a_host_name);
  tcase_add_test(test_case, aws_looks_at_the_brokers_answer);
  tcase_add_test(test_case, aws_explains_a_refusal);
  tcase_add_test(test_case, missing_memory_is_told);
  suite_add_tcase(suite, test_case);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_ENV);
  int failures = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failures != 0;
}
