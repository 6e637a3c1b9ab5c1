#include "security/sasl_exchange.h"

#include "base/status.h"
#include "support/failing_allocator.h"
#include "support/login_rig.h"
#include <check.h>
#include <stdlib.h>
#include <string.h>

START_TEST(nothing_follows_the_end) {
  struct login_rig rig;
  login_rig_init(&rig, SASL_PLAIN);
  login_rig_begin(&rig, "broker");
  login_rig_expect_send(&rig, NULL, NULL);
  login_rig_expect_done(&rig, "");
  login_rig_expect_failed(&rig, "", STATUS_LOGIN_FAILED, "PLAIN: the login has ended already");
  login_rig_expect_failed(&rig, "more", STATUS_LOGIN_FAILED, "PLAIN: the login has ended already");
  login_rig_deinit(&rig);
}
END_TEST

START_TEST(a_failure_is_an_end) {
  struct login_rig rig;
  login_rig_init(&rig, SASL_SCRAM_SHA_256);
  login_rig_begin(&rig, "broker");
  login_rig_expect_send(&rig, NULL, NULL);
  login_rig_expect_failed(&rig, "nonsense", STATUS_LOGIN_FAILED,
                          "SCRAM-SHA-256: the broker's first SCRAM message");
  login_rig_expect_failed(&rig, "nonsense", STATUS_LOGIN_FAILED, "ended already");
  login_rig_deinit(&rig);
}
END_TEST

START_TEST(endless_messages_are_refused) {
  enum { SIZE = (256 << 10) + 1 };
  struct login_rig rig;
  login_rig_init(&rig, SASL_SCRAM_SHA_512);
  login_rig_begin(&rig, "broker");
  login_rig_expect_send(&rig, NULL, NULL);
  char *text = malloc(SIZE + 1);
  ck_assert_ptr_nonnull(text);
  memset(text, 'x', SIZE);
  text[SIZE] = '\0';
  login_rig_expect_failed(&rig, text, STATUS_LOGIN_FAILED, "message of 262145 bytes is too long");
  free(text);
  login_rig_deinit(&rig);
}
END_TEST

START_TEST(an_exchange_outlives_its_credentials_owner) {
  struct login_rig rig;
  login_rig_init(&rig, SASL_PLAIN);
  login_rig_begin(&rig, "broker");
  sasl_credentials_release(rig.credentials);
  rig.credentials = NULL;
  login_rig_expect_send(&rig, NULL, NULL);
  ck_assert(bytes_equal(rig.step.response, bytes_of("\0alice\0wonderland", 17)));
  login_rig_deinit(&rig);
}
END_TEST

START_TEST(explanations_name_mechanism_code_and_the_brokers_words) {
  struct login_rig rig;
  login_rig_init(&rig, SASL_PLAIN);
  login_rig_begin(&rig, "broker");
  login_rig_expect_send(&rig, NULL, NULL);
  ck_assert_str_eq(
      login_rig_explain(&rig, 58, "Authentication failed: Invalid username or password"),
      "PLAIN: the broker refused the credentials (error 58): user name or password is wrong; it says "
      "\"Authentication failed: Invalid username or password\"");
  ck_assert_str_eq(login_rig_explain(&rig, 58, NULL),
                   "PLAIN: the broker refused the credentials (error 58): user name or password is wrong");
  ck_assert_str_eq(login_rig_explain(&rig, 34, "line\nline"),
                   "PLAIN: the request does not fit the state of the SASL exchange (error 34); it says "
                   "\"line?line\"");
  login_rig_deinit(&rig);
}
END_TEST

START_TEST(explanations_hide_what_a_broker_should_not_repeat) {
  struct login_rig rig;
  login_rig_init(&rig, SASL_PLAIN);
  login_rig_begin(&rig, "broker");
  login_rig_expect_send(&rig, NULL, NULL);
  const char *reason = login_rig_explain(&rig, 58, "no such user alice with password 'wonderland'");
  ck_assert_ptr_null(strstr(reason, "wonderland"));
  ck_assert_msg(strstr(reason, "alice with password '[hidden]'") != NULL, "%s", reason);
  login_rig_deinit(&rig);
}
END_TEST

START_TEST(explanations_fit_where_they_are_written) {
  struct login_rig rig;
  login_rig_init(&rig, SASL_PLAIN);
  login_rig_begin(&rig, "broker");
  char *text = malloc(5000), small[24];
  ck_assert_ptr_nonnull(text);
  memset(text, 'x', 4999);
  text[4999] = '\0';
  ck_assert_uint_lt(strlen(login_rig_explain(&rig, 58, text)), 640);
  sasl_exchange_explain(rig.exchange, 58, bytes_of_string(text), LOGIN_RIG_NOW_MS, small, sizeof small);
  ck_assert_str_eq(small, "PLAIN: the broker refus");
  free(text);
  login_rig_deinit(&rig);
}
END_TEST

START_TEST(missing_memory_is_told) {
  for (int mechanism = 0; mechanism < SASL_MECHANISM_COUNT; mechanism++) {
    if (mechanism == SASL_GSSAPI) continue; /* gssapi_test */
    struct login_rig rig;
    login_rig_init(&rig, (enum sasl_mechanism_id)mechanism);
    const struct token_fields token = {.value = bytes_of_string("abc"), .expires_ms = INT64_MAX};
    login_rig_set_token(&rig, &token, 0);
    rig.settings.aws_region = "us-east-1";
    login_rig_begin(&rig, "broker");
    uint32_t failures = 0;
    for (uint32_t i = 0, failed = 1; failed; i++) {
      failing_allocator_start(i);
      struct sasl_exchange *exchange = sasl_exchange_create(rig.credentials, "broker");
      struct sasl_step step = {.kind = SASL_STEP_FAILED, .status = STATUS_OUT_OF_MEMORY};
      if (exchange != NULL) step = sasl_exchange_step(exchange, bytes_of(NULL, 0), LOGIN_RIG_NOW_MS, 0);
      failed = failing_allocator_stop();
      failures += failed;
      ck_assert_int_eq(step.kind, failed ? SASL_STEP_FAILED : SASL_STEP_SEND);
      if (failed) ck_assert_int_eq(step.status, STATUS_OUT_OF_MEMORY);
      if (failed && exchange != NULL) ck_assert_str_eq(step.reason, status_text(STATUS_OUT_OF_MEMORY));
      sasl_exchange_destroy(exchange);
    }
    ck_assert_uint_ge(failures, 4);
    login_rig_deinit(&rig);
  }
}
END_TEST

int main(void) {
  Suite *suite = suite_create("sasl_exchange");
  TCase *test_case = tcase_create("all");
  tcase_add_test(test_case, nothing_follows_the_end);
  tcase_add_test(test_case, a_failure_is_an_end);
  tcase_add_test(test_case, endless_messages_are_refused);
  tcase_add_test(test_case, an_exchange_outlives_its_credentials_owner);
  tcase_add_test(test_case, explanations_name_mechanism_code_and_the_brokers_words);
  tcase_add_test(test_case, explanations_hide_what_a_broker_should_not_repeat);
  tcase_add_test(test_case, explanations_fit_where_they_are_written);
  tcase_add_test(test_case, missing_memory_is_told);
  suite_add_tcase(suite, test_case);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_ENV);
  int failures = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failures != 0;
}
