#include "security/jaas_modules.h"

#include "base/status.h"
#include <check.h>

static char error[512];

static int32_t check(enum jaas_module module, const char *name, const char *value) {
  error[0] = '\0';
  return jaas_modules_check(module, name, bytes_of_string(value), true, error, sizeof error);
}

START_TEST(modules_are_known_by_their_whole_class) {
  static const char *const classes[JAAS_MODULE_COUNT] = {
      [JAAS_PLAIN] = "org.apache.kafka.common.security.plain.PlainLoginModule",
      [JAAS_SCRAM] = "org.apache.kafka.common.security.scram.ScramLoginModule",
      [JAAS_OAUTHBEARER] = "org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule",
      [JAAS_KERBEROS] = "com.sun.security.auth.module.Krb5LoginModule",
      [JAAS_AWS_MSK_IAM] = "software.amazon.msk.auth.iam.IAMLoginModule",
  };
  for (int i = 0; i < JAAS_MODULE_COUNT; i++) {
    enum jaas_module module = JAAS_MODULE_COUNT;
    ck_assert(jaas_modules_find(bytes_of_string(classes[i]), &module));
    ck_assert_int_eq(module, i);
    ck_assert_str_eq(jaas_module_name(module), strrchr(classes[i], '.') + 1);
  }
  enum jaas_module module;
  ck_assert(!jaas_modules_find(bytes_of_string("PlainLoginModule"), &module));
  ck_assert(!jaas_modules_find(bytes_of_string(""), &module));
  ck_assert(!jaas_modules_find(bytes_of_string("org.apache.kafka.common.security.plain-PlainLoginModule"),
                               &module));
}
END_TEST

START_TEST(options_belong_to_their_module) {
  ck_assert_int_eq(check(JAAS_PLAIN, "username", "x"), STATUS_OK);
  ck_assert_int_eq(check(JAAS_SCRAM, "tokenauth", "true"), STATUS_OK);
  ck_assert_int_eq(check(JAAS_OAUTHBEARER, "unsecuredLoginStringClaim_sub", "x"), STATUS_OK);
  ck_assert_int_eq(check(JAAS_OAUTHBEARER, "extension_a", "x"), STATUS_OK);
  ck_assert_int_eq(check(JAAS_PLAIN, "tokenauth", "true"), STATUS_INVALID_SETTING);
  ck_assert_str_eq(error, "sasl.jaas.config: PlainLoginModule has no option \"tokenauth\"");
  ck_assert_int_eq(check(JAAS_OAUTHBEARER, "extension_", "x"), STATUS_INVALID_SETTING);
  ck_assert_int_eq(check(JAAS_OAUTHBEARER, "clientid", "x"), STATUS_INVALID_SETTING);
}
END_TEST

START_TEST(what_cannot_be_had_is_refused_with_the_reason) {
  static const struct {
    enum jaas_module module;
    const char *name, *reason;
  } cases[] = {
      {JAAS_PLAIN, "user_admin", "brokers"},
      {JAAS_SCRAM, "user_admin", "brokers"},
      {JAAS_OAUTHBEARER, "unsecuredValidatorAllowableClockSkewMs", "brokers"},
      {JAAS_OAUTHBEARER, "oauth.token.endpoint.uri", "Strimzi"},
      {JAAS_KERBEROS, "ticketCache", "KRB5CCNAME"},
      {JAAS_AWS_MSK_IAM, "awsRoleArn", "assume-role"},
      {JAAS_AWS_MSK_IAM, "awsProfileName", "sasl.aws.access.key.id"},
      {JAAS_AWS_MSK_IAM, "awsMaxRetries", "nothing is to be retried"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    ck_assert_int_eq(check(cases[i].module, cases[i].name, "x"), STATUS_INVALID_SETTING);
    ck_assert_msg(strstr(error, cases[i].reason) != NULL, "%s", error);
  }
}
END_TEST

START_TEST(what_is_done_here_anyway_may_be_said) {
  ck_assert_int_eq(check(JAAS_KERBEROS, "debug", "false"), STATUS_OK);
  ck_assert_int_eq(check(JAAS_KERBEROS, "debug", "True"), STATUS_INVALID_SETTING);
  ck_assert_ptr_nonnull(strstr(error, "KRB5_TRACE"));
  ck_assert_int_eq(check(JAAS_AWS_MSK_IAM, "awsDebugCreds", "false"), STATUS_OK);
  ck_assert_int_eq(check(JAAS_AWS_MSK_IAM, "awsDebugCreds", "true"), STATUS_INVALID_SETTING);
}
END_TEST

START_TEST(what_may_not_be_a_name_is_not_shown) {
  ck_assert_int_eq(jaas_modules_check(JAAS_PLAIN, "horse", bytes_of_string("x"), false, error, sizeof error),
                   STATUS_INVALID_SETTING);
  ck_assert_ptr_null(strstr(error, "horse"));
  ck_assert_ptr_nonnull(strstr(error, "a value is not quoted"));
}
END_TEST

int main(void) {
  Suite *suite = suite_create("jaas_modules");
  TCase *test_case = tcase_create("all");
  tcase_add_test(test_case, modules_are_known_by_their_whole_class);
  tcase_add_test(test_case, options_belong_to_their_module);
  tcase_add_test(test_case, what_cannot_be_had_is_refused_with_the_reason);
  tcase_add_test(test_case, what_is_done_here_anyway_may_be_said);
  tcase_add_test(test_case, what_may_not_be_a_name_is_not_shown);
  suite_add_tcase(suite, test_case);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_ENV);
  int failures = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failures != 0;
}
