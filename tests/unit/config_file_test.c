#include "producer/config_file.h"

#include "base/status.h"
#include "support/failing_allocator.h"
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct config *config;
static char path[64];

static void make_config(void) {
  ck_assert_int_eq(config_create(&config), STATUS_OK);
  (void)snprintf(path, sizeof(path), "config_file_test.XXXXXX");
  int descriptor = mkstemp(path);
  ck_assert_int_ge(descriptor, 0);
  close(descriptor);
}

static void destroy_config(void) {
  config_destroy(config);
  unlink(path);
}

static void write_file(const void *text, size_t size) {
  FILE *file = fopen(path, "wb");
  ck_assert_ptr_nonnull(file);
  ck_assert_uint_eq(fwrite(text, 1, size, file), size);
  ck_assert_int_eq(fclose(file), 0);
}

static void assert_value(const char *name, const char *expected) {
  const char *value = "untouched";
  ck_assert_int_eq(config_get(config, name, &value), STATUS_OK);
  ck_assert_pstr_eq(value, expected);
}

static void assert_refused(const char *text, int32_t status, const char *message) {
  struct config_error error = {.text = ""};
  char expected[512];
  write_file(text, strlen(text));
  ck_assert_int_eq(config_load_file(config, path, &error), status);
  (void)snprintf(expected, sizeof(expected), "%s: %s", path, message);
  ck_assert_str_eq(error.text, expected);
}

START_TEST(a_file_of_a_java_producer_is_read) {
  static const char text[] = "# The order service\n"
                             "bootstrap.servers = broker1:9092, \\\n"
                             "                    broker2:9092\n"
                             "key.serializer=org.apache.kafka.common.serialization.StringSerializer\n"
                             "acks: all  \n"
                             "linger.ms 20\n"
                             "topic.orders.compression.type=zstd\n";
  struct config_error error = {.text = ""};
  write_file(text, sizeof(text) - 1);
  ck_assert_msg(config_load_file(config, path, &error) == STATUS_OK, "%s", error.text);
  assert_value("bootstrap.servers", "broker1:9092, broker2:9092");
  assert_value("acks", "all");
  assert_value("linger.ms", "20");
  assert_value("topic.orders.compression.type", "zstd");
  assert_value("key.serializer", "org.apache.kafka.common.serialization.StringSerializer");
}
END_TEST

START_TEST(the_last_of_two_counts) {
  write_file("retries=1\nretries=2\n", 20);
  ck_assert_int_eq(config_load_file(config, path, NULL), STATUS_OK);
  assert_value("retries", "2");
}
END_TEST

START_TEST(faults_name_file_and_line) {
  assert_refused("acks=all\n\nlinger.sm=5\n", STATUS_UNKNOWN_SETTING,
                 "line 3: linger.sm: there is no setting of that name; did you mean linger.ms?");
  assert_refused("acks=\\\n  maybe\n", STATUS_INVALID_SETTING,
                 "line 1: acks=maybe: must be one of all, -1, 0, 1");
  assert_refused("retries=1\nclient.id=\\u12\n", STATUS_INVALID_SETTING,
                 "line 2: \\u without four hexadecimal digits is not allowed");
  assert_refused("=1\n", STATUS_INVALID_ARGUMENT, "line 1: a setting needs a name and a value");
}
END_TEST

START_TEST(a_refused_file_changes_nothing) {
  ck_assert_int_eq(config_set(config, "retries", "7", NULL), STATUS_OK);
  assert_refused(
      "retries=1\ntopic.a.acks=-1\nfoo=1\n", STATUS_UNKNOWN_SETTING,
      "line 3: foo: there is no setting of that name (unknown.settings=warn lets unknown names pass)");
  assert_value("retries", "7");
  ck_assert_uint_eq(config_topic_count(config), 0);
}
END_TEST

START_TEST(unknown_settings_holds_for_names_above_it) {
  static const char text[] = "foo=1\nunknown.settings=warn\n";
  write_file(text, sizeof(text) - 1);
  ck_assert_int_eq(config_load_file(config, path, NULL), STATUS_OK);
  ck_assert_str_eq(config_ignored_name(config, 0), "foo");
}
END_TEST

START_TEST(config_providers_holds_for_lines_above_it) {
  static const char text[] = "linger.ms=${env:LINGER}\nconfig.providers=env\n";
  write_file(text, sizeof(text) - 1);
  ck_assert_int_eq(config_load_file(config, path, NULL), STATUS_OK);
  assert_value("linger.ms", "${env:LINGER}");
  assert_value("config.providers", "env");
}
END_TEST

START_TEST(passwords_are_read_and_nothing_else_is_kept) {
  static const char text[] = "sasl.password = hunter2  \nssl.key.pem=one\\n\\\n  two\\n\n";
  write_file(text, sizeof(text) - 1);
  ck_assert_int_eq(config_load_file(config, path, NULL), STATUS_OK);
  assert_value("sasl.password", "[hidden]");
  ck_assert_str_eq(config_value(config, SETTING_SASL_PASSWORD), "hunter2");
  ck_assert_str_eq(config_value(config, SETTING_SSL_KEYSTORE_KEY), "one\ntwo");
  ck_assert_uint_eq(secret_usage().count, 2);
}
END_TEST

START_TEST(lines_of_a_key_without_their_backslash_are_not_shown) {
  assert_refused("ssl.keystore.key=-----BEGIN PRIVATE KEY-----\n"
                 "MC4CAQAwBQYDK2VwBCIEIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f\n",
                 STATUS_UNKNOWN_SETTING,
                 "line 2: a text of 64 bytes that is no setting's name and is not shown: a value of several "
                 "lines needs a backslash at the end of each but the last");
}
END_TEST

START_TEST(files_that_cannot_be_read_are_refused) {
  struct config_error error = {.text = ""};
  ck_assert_int_eq(config_load_file(config, "absent/file", &error), STATUS_FILE_UNREADABLE);
  ck_assert_str_eq(error.text, "absent/file: No such file or directory");
  ck_assert_int_eq(config_load_file(config, ".", &error), STATUS_FILE_UNREADABLE);
  ck_assert_str_eq(error.text, ".: Is a directory");
  ck_assert_int_eq(config_load_file(config, NULL, &error), STATUS_INVALID_ARGUMENT);
  ck_assert_int_eq(config_load_file(NULL, path, &error), STATUS_INVALID_ARGUMENT);
}
END_TEST

START_TEST(files_that_are_too_large_are_refused) {
  static char text[(1 << 20) + 1];
  struct config_error error = {.text = ""};
  memset(text, '\n', sizeof(text));
  write_file(text, sizeof(text) - 1);
  ck_assert_int_eq(config_load_file(config, path, &error), STATUS_OK);
  write_file(text, sizeof(text));
  ck_assert_int_eq(config_load_file(config, path, &error), STATUS_FILE_UNREADABLE);
  ck_assert_ptr_nonnull(strstr(error.text, ": more than 1048576 bytes"));
}
END_TEST

START_TEST(each_allocation_may_fail) {
  static const char text[] =
      "unknown.settings=warn\nretries=9\nfoo=1\ntopic.a.acks=-1\nbootstrap.servers=a\n";
  write_file(text, sizeof(text) - 1);
  bool failed = true;
  for (uint32_t index = 0; failed; index++) {
    struct config_error error = {.text = ""};
    failing_allocator_start(index);
    int32_t status = config_load_file(config, path, &error);
    failed = failing_allocator_stop();
    ck_assert_int_eq(status, failed ? STATUS_OUT_OF_MEMORY : STATUS_OK);
    ck_assert_int_eq(failed, error.text[0] != '\0');
    assert_value("retries", failed ? "2147483647" : "9");
  }
}
END_TEST

int main(void) {
  Suite *suite = suite_create("config_file");
  TCase *test_case = tcase_create("all");
  tcase_add_checked_fixture(test_case, make_config, destroy_config);
  tcase_add_test(test_case, a_file_of_a_java_producer_is_read);
  tcase_add_test(test_case, the_last_of_two_counts);
  tcase_add_test(test_case, faults_name_file_and_line);
  tcase_add_test(test_case, a_refused_file_changes_nothing);
  tcase_add_test(test_case, unknown_settings_holds_for_names_above_it);
  tcase_add_test(test_case, config_providers_holds_for_lines_above_it);
  tcase_add_test(test_case, passwords_are_read_and_nothing_else_is_kept);
  tcase_add_test(test_case, lines_of_a_key_without_their_backslash_are_not_shown);
  tcase_add_test(test_case, files_that_cannot_be_read_are_refused);
  tcase_add_test(test_case, files_that_are_too_large_are_refused);
  tcase_add_test(test_case, each_allocation_may_fail);
  suite_add_tcase(suite, test_case);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_ENV);
  int failures = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failures != 0;
}
