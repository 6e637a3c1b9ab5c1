#include "base/status.h"
#include "producer/producer.h"
#include "protocol/features.h"
#include "support/producer_world.h"
#include <check.h>
#include <string.h>

/* Of builds with SENDOFF_WITH_TLS=OFF; the others leave this test out. */

static const char *const with_tls[] = {"security.protocol=SSL", NULL};
static const char *const with_plain[] = {"security.protocol=SASL_PLAINTEXT", "sasl.mechanism=PLAIN",
                                         "sasl.username=user", "sasl.password=password", NULL};
static const char *const with_jaas[] = {"security.protocol=SASL_SSL", "sasl.mechanism=SCRAM-SHA-256",
                                        "sasl.jaas.config=org.apache.kafka.common.security.scram."
                                        "ScramLoginModule required username=\"user\" password=\"password\";",
                                        NULL};
static const char *const with_tokens[] = {"security.protocol=SASL_SSL", "sasl.mechanism=OAUTHBEARER", NULL};
static const char *const *const refused[] = {with_tls, with_plain, with_jaas, with_tokens};

START_TEST(whatever_needs_openssl_is_refused_and_the_error_says_why) {
  static const struct producer_callbacks none = {0};
  struct config_error error = {.text = ""};
  void *handle = NULL;
  struct config *config = world_config(refused[_i]);
  ck_assert_int_eq(producer_create(config, &none, &handle, &error), STATUS_NOT_CONFIGURED);
  ck_assert_ptr_null(handle);
  ck_assert_str_eq(error.text, "this build has no TLS and no logins (SENDOFF_WITH_TLS=OFF)");
  config_destroy(config);
}
END_TEST

START_TEST(plaintext_is_as_it_was) {
  static const char *const plaintext[] = {"security.protocol=PLAINTEXT", NULL};
  world_broker_start();
  void *handle = world_create(NULL, plaintext);
  world_send(handle, 10, 0);
  world_flush(handle);
  producer_destroy(handle);
  ck_assert_int_eq(world_records("topic", 0), 10);
  world_broker_stop();
}
END_TEST

START_TEST(features_name_neither) {
  ck_assert_ptr_null(strstr(features_text(), "tls"));
  ck_assert_ptr_null(strstr(features_text(), "sasl"));
}
END_TEST

int main(void) {
  Suite *suite = suite_create("without_tls");
  TCase *tests = tcase_create("without_tls");
  tcase_add_loop_test(tests, whatever_needs_openssl_is_refused_and_the_error_says_why, 0,
                      sizeof refused / sizeof *refused);
  tcase_add_test(tests, plaintext_is_as_it_was);
  tcase_add_test(tests, features_name_neither);
  suite_add_tcase(suite, tests);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_ENV);
  int failures = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failures != 0;
}
