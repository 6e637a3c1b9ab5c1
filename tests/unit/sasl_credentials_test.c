#include "security/sasl_credentials.h"

#include "base/status.h"
#include "support/failing_allocator.h"
#include "support/login_rig.h"
#include <check.h>
#include <stdio.h>

static const char *const names[SASL_MECHANISM_COUNT] = {
    [SASL_PLAIN] = "PLAIN",
    [SASL_SCRAM_SHA_256] = "SCRAM-SHA-256",
    [SASL_SCRAM_SHA_512] = "SCRAM-SHA-512",
    [SASL_OAUTHBEARER] = "OAUTHBEARER",
    [SASL_GSSAPI] = "GSSAPI",
    [SASL_AWS_MSK_IAM] = "AWS_MSK_IAM",
};

START_TEST(mechanisms_are_known_by_their_names) {
  for (int i = 0; i < SASL_MECHANISM_COUNT; i++) {
    enum sasl_mechanism_id found = SASL_MECHANISM_COUNT;
    ck_assert(sasl_mechanism_find(names[i], &found));
    ck_assert_int_eq(found, i);
    ck_assert_str_eq(sasl_mechanism_name((enum sasl_mechanism_id)i), names[i]);
  }
  enum sasl_mechanism_id found = SASL_GSSAPI;
  ck_assert(!sasl_mechanism_find("plain", &found));
  ck_assert(!sasl_mechanism_find("", &found));
  ck_assert_int_eq(found, SASL_GSSAPI);
}
END_TEST

START_TEST(only_some_may_block) {
  static const struct {
    enum sasl_mechanism_id mechanism;
    bool may_block;
  } cases[] = {
      {SASL_PLAIN, false}, {SASL_SCRAM_SHA_256, true}, {SASL_SCRAM_SHA_512, true}, {SASL_AWS_MSK_IAM, false}};
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    struct login_rig rig;
    login_rig_init(&rig, cases[i].mechanism);
    login_rig_begin(&rig, "broker");
    ck_assert(sasl_credentials_may_block(rig.credentials) == cases[i].may_block);
    ck_assert_str_eq(sasl_credentials_mechanism(rig.credentials), names[cases[i].mechanism]);
    login_rig_deinit(&rig);
  }
}
END_TEST

static void assert_refused(const struct sasl_settings *settings, const char *expected) {
  struct sasl_credentials *credentials = NULL;
  char error[512] = "";
  ck_assert_int_eq(sasl_credentials_create(settings, &credentials, error, sizeof error),
                   STATUS_INVALID_SETTING);
  ck_assert_ptr_null(credentials);
  ck_assert_str_eq(error, expected);
}

START_TEST(user_names_and_passwords_are_checked) {
  static const enum sasl_mechanism_id mechanisms[] = {SASL_PLAIN, SASL_SCRAM_SHA_256, SASL_SCRAM_SHA_512};
  static const char *const subjects[] = {"PLAIN", "SCRAM", "SCRAM"};
  struct secret *password = secret_create(bytes_of_string("p"));
  struct secret *empty = secret_create(bytes_of_string(""));
  struct secret *zero = secret_create(bytes_of("a\0b", 3));
  struct secret *binary = secret_create(bytes_of_string("\xff"));
  const struct {
    const char *username;
    const struct secret *password;
    const char *error;
  } cases[] = {
      {NULL, password, "'s user name is missing"},
      {"", password, "'s user name is empty"},
      {"\xff", password, "'s user name is not UTF-8"},
      {"u", NULL, "'s password is missing"},
      {"u", empty, "'s password is empty"},
      {"u", zero, "'s password has a zero byte"},
      {"u", binary, "'s password is not UTF-8"},
  };
  for (size_t i = 0; i < 3; i++) {
    for (size_t j = 0; j < sizeof cases / sizeof cases[0]; j++) {
      struct sasl_settings settings = {
          .mechanism = mechanisms[i], .username = cases[j].username, .password = cases[j].password};
      char expected[128];
      (void)snprintf(expected, sizeof expected, "%s%s", subjects[i], cases[j].error);
      assert_refused(&settings, expected);
    }
  }
  struct sasl_settings settings = {
      .mechanism = SASL_PLAIN, .username = "u", .password = password, .authorization_id = ""};
  assert_refused(&settings, "PLAIN's authorization id is empty");
  secret_destroy(password);
  secret_destroy(empty);
  secret_destroy(zero);
  secret_destroy(binary);
}
END_TEST

START_TEST(other_mechanisms_have_rules_of_their_own) {
  struct secret *password = secret_create(bytes_of_string("p"));
  struct secret *quoted = secret_create(bytes_of_string("a\"b"));
  struct sasl_settings settings = {.mechanism = SASL_OAUTHBEARER};
  assert_refused(&settings, "OAUTHBEARER has nowhere to get tokens from");
  settings = (struct sasl_settings){.mechanism = SASL_GSSAPI};
  assert_refused(&settings, "sasl.kerberos.service.name is missing");
  settings =
      (struct sasl_settings){.mechanism = SASL_GSSAPI, .kerberos_service = "kafka", .kerberos_principal = ""};
  assert_refused(&settings, "GSSAPI's principal is empty");
  settings =
      (struct sasl_settings){.mechanism = SASL_GSSAPI, .kerberos_service = "kafka", .kerberos_keytab = ""};
  assert_refused(&settings, "GSSAPI's keytab is empty");
  settings = (struct sasl_settings){.mechanism = SASL_AWS_MSK_IAM, .password = password};
  assert_refused(&settings, "AWS_MSK_IAM's access key id is missing");
  settings.username = "a b";
  assert_refused(&settings, "AWS_MSK_IAM's access key id is not one of AWS");
  settings.username = "AKID";
  settings.aws_session_token = quoted;
  assert_refused(&settings, "AWS_MSK_IAM's session token is not one of AWS");
  settings.aws_session_token = NULL;
  settings.aws_region = "US";
  assert_refused(&settings, "AWS_MSK_IAM's region is not one of AWS: \"us-east-1\" is");
  secret_destroy(password);
  secret_destroy(quoted);
}
END_TEST

START_TEST(the_last_release_frees) {
  struct login_rig rig;
  login_rig_init(&rig, SASL_SCRAM_SHA_256);
  login_rig_begin(&rig, "broker");
  struct sasl_credentials *again = sasl_credentials_retain(rig.credentials);
  ck_assert_ptr_eq(again, rig.credentials);
  sasl_credentials_release(again);
  ck_assert_str_eq(sasl_credentials_mechanism(rig.credentials), "SCRAM-SHA-256");
  sasl_credentials_release(NULL);
  login_rig_deinit(&rig);
}
END_TEST

START_TEST(missing_memory_is_told) {
  for (int mechanism = 0; mechanism < SASL_MECHANISM_COUNT; mechanism++) {
    if (mechanism == SASL_OAUTHBEARER || mechanism == SASL_GSSAPI)
      continue; /* gssapi_test, sasl_mechanism_test */
    struct login_rig rig;
    login_rig_init(&rig, (enum sasl_mechanism_id)mechanism);
    rig.session_token = secret_create(bytes_of_string("token"));
    rig.settings.aws_session_token = rig.session_token;
    rig.settings.aws_region = "us-east-1";
    rig.settings.authorization_id = "other";
    uint32_t failures = 0;
    for (uint32_t i = 0, failed = 1; failed; i++) {
      struct sasl_credentials *credentials = NULL;
      char error[128] = "";
      failing_allocator_start(i);
      int32_t status = sasl_credentials_create(&rig.settings, &credentials, error, sizeof error);
      failed = failing_allocator_stop();
      failures += failed;
      ck_assert_int_eq(status, failed ? STATUS_OUT_OF_MEMORY : STATUS_OK);
      ck_assert_str_eq(error, failed ? status_text(STATUS_OUT_OF_MEMORY) : "");
      sasl_credentials_release(credentials);
    }
    ck_assert_uint_ge(failures, 6);
    login_rig_deinit(&rig);
  }
}
END_TEST

int main(void) {
  Suite *suite = suite_create("sasl_credentials");
  TCase *test_case = tcase_create("all");
  tcase_add_test(test_case, mechanisms_are_known_by_their_names);
  tcase_add_test(test_case, only_some_may_block);
  tcase_add_test(test_case, user_names_and_passwords_are_checked);
  tcase_add_test(test_case, other_mechanisms_have_rules_of_their_own);
  tcase_add_test(test_case, the_last_release_frees);
  tcase_add_test(test_case, missing_memory_is_told);
  suite_add_tcase(suite, test_case);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_ENV);
  int failures = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failures != 0;
}
