/* sasl.jaas.config, and the settings beside it. */
#include "producer/security_settings.h"

#include "base/status.h"
#include "producer/config_file.h"
#include "support/failing_allocator.h"
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define PLAIN_MODULE    "org.apache.kafka.common.security.plain.PlainLoginModule required "
#define SCRAM_MODULE    "org.apache.kafka.common.security.scram.ScramLoginModule required "
#define TOKEN_MODULE    "org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule required "
#define KERBEROS_MODULE "com.sun.security.auth.module.Krb5LoginModule required "
#define AWS_MODULE      "software.amazon.msk.auth.iam.IAMLoginModule required "

static struct config *config;
static struct security_settings settings;

static void make_config(void) {
  ck_assert_int_eq(config_create(&config), STATUS_OK);
}

static void destroy_config(void) {
  security_settings_deinit(&settings);
  config_destroy(config);
  ck_assert_uint_eq(secret_usage().count, 0);
}

static void set(const char *name, const char *value) {
  struct config_error error = {.text = ""};
  ck_assert_msg(config_set(config, name, value, &error) == STATUS_OK, "%s", error.text);
}

/* Begins anew. mechanism may be NULL. */
static void log_in_by(const char *mechanism, const char *jaas) {
  destroy_config();
  make_config();
  set("security.protocol", "SASL_SSL");
  if (mechanism != NULL) set("sasl.mechanism", mechanism);
  set("sasl.jaas.config", jaas);
}

static void resolve(void) {
  struct config_error error = {.text = ""};
  int32_t status = security_settings_resolve(config, NULL, &settings, &error);
  ck_assert_msg(status == STATUS_OK, "%s", error.text);
}

static void assert_refused(const char *message) {
  struct config_error error = {.text = ""};
  ck_assert_int_eq(security_settings_resolve(config, NULL, &settings, &error), STATUS_INVALID_SETTING);
  ck_assert_str_eq(error.text, message);
}

START_TEST(passwords_are_taken_from_there) {
  log_in_by("PLAIN", PLAIN_MODULE "username=\"me\" password=\"a \\\"quoted\\\" one\";");
  resolve();
  ck_assert_str_eq(settings.sasl.username, "me");
  ck_assert_str_eq(secret_text(settings.sasl.password), "a \"quoted\" one");
  log_in_by("SCRAM-SHA-256", SCRAM_MODULE "username='me' password=' hunter2 ' tokenauth=true;");
  resolve();
  ck_assert_str_eq(secret_text(settings.sasl.password),
                   " hunter2 "); /* the way to have white space around it */
  ck_assert(settings.sasl.delegation_token);
}
END_TEST

START_TEST(both_places_may_say_the_same) {
  log_in_by("PLAIN", PLAIN_MODULE "username=\"me\" password=\"hunter2\";");
  set("sasl.username", "me");
  set("sasl.password", "hunter2");
  resolve();
  ck_assert_str_eq(settings.sasl.username, "me");
  log_in_by("PLAIN", PLAIN_MODULE "username=\"me\";");
  set("sasl.password", "hunter2");
  resolve();
  ck_assert_str_eq(secret_text(settings.sasl.password), "hunter2");
}
END_TEST

START_TEST(places_that_differ_are_refused) {
  log_in_by("PLAIN", PLAIN_MODULE "username=\"me\" password=\"hunter2\";");
  set("sasl.username", "you");
  assert_refused("sasl.username and username in sasl.jaas.config are both set and differ");
  set("sasl.username", "me");
  set("sasl.password", "hunter3");
  assert_refused("sasl.password and password in sasl.jaas.config are both set and differ");
  log_in_by("GSSAPI", KERBEROS_MODULE "serviceName=kafka;");
  set("sasl.kerberos.service.name", "stream");
  assert_refused("sasl.kerberos.service.name and serviceName in sasl.jaas.config are both set and differ");
}
END_TEST

START_TEST(modules_must_be_those_of_the_mechanism) {
  log_in_by("SCRAM-SHA-256", PLAIN_MODULE "username=\"me\" password=\"hunter2\";");
  assert_refused(
      "sasl.jaas.config has PlainLoginModule, but sasl.mechanism=SCRAM-SHA-256 needs ScramLoginModule");
  log_in_by(NULL, PLAIN_MODULE "username=\"me\" password=\"hunter2\";");
  assert_refused(
      "sasl.jaas.config has PlainLoginModule, but sasl.mechanism=GSSAPI (the default) needs Krb5LoginModule");
  static const char *const rows[][3] = {{"PLAIN", AWS_MODULE ";", "PlainLoginModule"},
                                        {"OAUTHBEARER", AWS_MODULE ";", "OAuthBearerLoginModule"},
                                        {"SCRAM-SHA-512", AWS_MODULE ";", "ScramLoginModule"},
                                        {"AWS_MSK_IAM", TOKEN_MODULE ";", "IAMLoginModule"}};
  for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
    struct config_error error = {.text = ""};
    log_in_by(rows[i][0], rows[i][1]);
    ck_assert_int_eq(security_settings_resolve(config, NULL, &settings, &error), STATUS_INVALID_SETTING);
    ck_assert_ptr_nonnull(strstr(error.text, rows[i][0]));
    ck_assert_ptr_nonnull(strstr(error.text, rows[i][2]));
  }
}
END_TEST

START_TEST(what_is_no_jaas_is_refused) {
  log_in_by("PLAIN", "hunter2");
  assert_refused(
      "sasl.jaas.config: the login module that it begins with is not known; PlainLoginModule, "
      "ScramLoginModule, OAuthBearerLoginModule, Krb5LoginModule and IAMLoginModule are, with the packages "
      "that Kafka, Java and Amazon have them in");
  log_in_by("PLAIN", PLAIN_MODULE "username=\"me\" password=\"hunter2\"");
  assert_refused("sasl.jaas.config: the semicolon at its end is missing");
  log_in_by("PLAIN", PLAIN_MODULE "username=\"me\";");
  assert_refused("sasl.mechanism=PLAIN needs sasl.password, or password in sasl.jaas.config");
}
END_TEST

START_TEST(kerberos_is_taken_from_there) {
  log_in_by("GSSAPI", KERBEROS_MODULE
            "useKeyTab=true storeKey=true keyTab=\"/k.keytab\" principal=\"me@R\" serviceName=stream;");
  resolve();
  ck_assert_str_eq(settings.sasl.kerberos_service, "stream");
  ck_assert_str_eq(settings.sasl.kerberos_principal, "me@R");
  ck_assert_str_eq(settings.sasl.kerberos_keytab, "/k.keytab");
  log_in_by("GSSAPI", KERBEROS_MODULE "useTicketCache=true;");
  resolve();
  ck_assert_str_eq(settings.sasl.kerberos_service, "kafka");
  ck_assert_ptr_null(settings.sasl.kerberos_keytab);
}
END_TEST

START_TEST(keytabs_are_named_and_asked_for) {
  log_in_by("GSSAPI", KERBEROS_MODULE "keyTab=\"/k.keytab\" principal=\"me@R\";");
  assert_refused("keyTab in sasl.jaas.config needs useKeyTab=true beside it");
  log_in_by("GSSAPI", KERBEROS_MODULE "useKeyTab=true principal=\"me@R\";");
  assert_refused("useKeyTab=true in sasl.jaas.config needs keyTab beside it");
  set("sasl.kerberos.keytab", "/k.keytab");
  resolve();
  ck_assert_str_eq(settings.sasl.kerberos_keytab, "/k.keytab");
}
END_TEST

START_TEST(a_client_of_oidc_is_taken_from_there) {
  log_in_by("OAUTHBEARER",
            TOKEN_MODULE "clientId=\"me\" clientSecret=\"hunter2\" scope=\"a b\" "
                         "extension_logicalCluster=\"lkc-1\" extension_identityPoolId=\"pool-1\";");
  set("sasl.oauthbearer.token.endpoint.url", "https://idp/token");
  set("sasl.login.callback.handler.class",
      "org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginCallbackHandler");
  resolve();
  ck_assert_int_eq((int)settings.token_method, TOKEN_METHOD_OIDC);
  ck_assert_str_eq(settings.oidc.client_id, "me");
  ck_assert_str_eq(secret_text(settings.oidc.client_secret), "hunter2");
  ck_assert_str_eq(settings.oidc.scope, "a b");
  ck_assert_str_eq(settings.oidc.extensions, "logicalCluster=lkc-1,identityPoolId=pool-1");
  ck_assert_ptr_null(settings.sasl.username);
}
END_TEST

START_TEST(extensions_are_said_in_one_place) {
  log_in_by("OAUTHBEARER", TOKEN_MODULE "clientId=\"me\" clientSecret=\"hunter2\" extension_a=\"b\";");
  set("sasl.oauthbearer.token.endpoint.url", "https://idp/token");
  set("sasl.oauthbearer.extensions", "a=b");
  assert_refused("sasl.oauthbearer.extensions and extension_... in sasl.jaas.config are both set");
}
END_TEST

START_TEST(a_client_without_an_endpoint_is_refused) {
  log_in_by("OAUTHBEARER", TOKEN_MODULE "clientId=\"me\" clientSecret=\"hunter2\";");
  assert_refused("tokens by OIDC need sasl.oauthbearer.token.endpoint.url");
}
END_TEST

START_TEST(tokens_come_from_the_host_if_nothing_else_is_said) {
  log_in_by("OAUTHBEARER", TOKEN_MODULE ";");
  resolve();
  ck_assert_int_eq((int)settings.token_method, TOKEN_METHOD_HOST);
}
END_TEST

START_TEST(unsecured_tokens_are_made_as_it_says) {
  log_in_by("OAUTHBEARER",
            TOKEN_MODULE "unsecuredLoginStringClaim_sub=\"me\" unsecuredLoginLifetimeSeconds=\"60\";");
  resolve();
  ck_assert_int_eq((int)settings.token_method, TOKEN_METHOD_UNSECURED);
  ck_assert_uint_eq(settings.unsecured.option_count, 2);
  ck_assert_str_eq(settings.unsecured.options[0].name, "unsecuredLoginStringClaim_sub");
  ck_assert_str_eq(settings.unsecured.options[0].value, "me");
  ck_assert_str_eq(settings.unsecured.options[1].value, "60");
}
END_TEST

START_TEST(msk_s_module_needs_settings_of_ours) {
  log_in_by("AWS_MSK_IAM", AWS_MODULE ";");
  set("sasl.client.callback.handler.class", "software.amazon.msk.auth.iam.IAMClientCallbackHandler");
  set("sasl.aws.access.key.id", "AKIA");
  set("sasl.aws.secret.access.key", "hunter2");
  resolve();
  ck_assert_int_eq((int)settings.sasl.mechanism, SASL_AWS_MSK_IAM);
}
END_TEST

START_TEST(references_in_it_are_looked_up) {
  ck_assert_int_eq(setenv("SECURITY_SETTINGS_TEST", "hunter2", 1), 0);
  log_in_by("PLAIN", PLAIN_MODULE "username=\"me\" password=\"${env:SECURITY_SETTINGS_TEST}\";");
  resolve();
  ck_assert_str_eq(secret_text(settings.sasl.password), "${env:SECURITY_SETTINGS_TEST}");
  log_in_by("PLAIN", PLAIN_MODULE "username=\"me\" password=\"${env:SECURITY_SETTINGS_TEST}\";");
  set("config.providers", "env");
  resolve();
  ck_assert_str_eq(secret_text(settings.sasl.password), "hunter2");
}
END_TEST

/* As programs of Java have it: PEM over several lines, and a configuration of several lines. */
START_TEST(a_file_of_a_java_program_is_read) {
  static const char text[] =
      "security.protocol=SASL_SSL\n"
      "sasl.mechanism=SCRAM-SHA-512\n"
      "sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required \\\n"
      "  username=\"me\" \\\n"
      "  password=\"hunter2\";\n"
      "ssl.truststore.type=PEM\n"
      "ssl.truststore.certificates=-----BEGIN CERTIFICATE-----\\n\\\n"
      "  MIIB\\n\\\n"
      "  AQAB\\n\\\n"
      "  -----END CERTIFICATE-----\\n\n"
      "ssl.endpoint.identification.algorithm=\n";
  char path[] = "security_settings_login_test.XXXXXX";
  int descriptor = mkstemp(path);
  ck_assert_int_ge(descriptor, 0);
  ck_assert_int_eq(write(descriptor, text, sizeof(text) - 1), sizeof(text) - 1);
  ck_assert_int_eq(close(descriptor), 0);
  struct config_error error = {.text = ""};
  ck_assert_msg(config_load_file(config, path, &error) == STATUS_OK, "%s", error.text);
  unlink(path);
  resolve();
  ck_assert_int_eq((int)settings.sasl.mechanism, SASL_SCRAM_SHA_512);
  ck_assert_str_eq(secret_text(settings.sasl.password), "hunter2");
  ck_assert_str_eq(settings.tls.trust_pem,
                   "-----BEGIN CERTIFICATE-----\nMIIB\nAQAB\n-----END CERTIFICATE-----");
  ck_assert_int_eq((int)settings.tls.trust_type, TLS_STORE_PEM);
  ck_assert(!settings.tls.verify_host_name);
}
END_TEST

START_TEST(each_allocation_may_fail) {
  log_in_by("OAUTHBEARER", TOKEN_MODULE "clientId=\"me\" clientSecret=\"hunter2\" extension_a=\"b\";");
  set("sasl.oauthbearer.token.endpoint.url", "https://idp/token");
  size_t secrets = secret_usage().count;
  bool failed = true;
  for (uint32_t index = 0; failed; index++) {
    struct config_error error = {.text = ""};
    failing_allocator_start(index);
    int32_t status = security_settings_resolve(config, NULL, &settings, &error);
    failed = failing_allocator_stop();
    ck_assert_int_eq(status, failed ? STATUS_OUT_OF_MEMORY : STATUS_OK);
    ck_assert_int_eq(failed, error.text[0] != '\0');
    if (failed) ck_assert_uint_eq(secret_usage().count, secrets);
  }
}
END_TEST

int main(void) {
  Suite *suite = suite_create("security_settings_login");
  TCase *test_case = tcase_create("all");
  tcase_add_checked_fixture(test_case, make_config, destroy_config);
  tcase_add_test(test_case, passwords_are_taken_from_there);
  tcase_add_test(test_case, both_places_may_say_the_same);
  tcase_add_test(test_case, places_that_differ_are_refused);
  tcase_add_test(test_case, modules_must_be_those_of_the_mechanism);
  tcase_add_test(test_case, what_is_no_jaas_is_refused);
  tcase_add_test(test_case, kerberos_is_taken_from_there);
  tcase_add_test(test_case, keytabs_are_named_and_asked_for);
  tcase_add_test(test_case, a_client_of_oidc_is_taken_from_there);
  tcase_add_test(test_case, extensions_are_said_in_one_place);
  tcase_add_test(test_case, a_client_without_an_endpoint_is_refused);
  tcase_add_test(test_case, tokens_come_from_the_host_if_nothing_else_is_said);
  tcase_add_test(test_case, unsecured_tokens_are_made_as_it_says);
  tcase_add_test(test_case, msk_s_module_needs_settings_of_ours);
  tcase_add_test(test_case, references_in_it_are_looked_up);
  tcase_add_test(test_case, a_file_of_a_java_program_is_read);
  tcase_add_test(test_case, each_allocation_may_fail);
  suite_add_tcase(suite, test_case);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_ENV);
  int failures = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failures != 0;
}
