/* A secret in each setting that is a password, one after the other: nothing that the library says has it. */
#include "base/status.h"
#include "producer/config_file.h"
#include "producer/security_settings.h"
#include "producer/settings.h"
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static const char secret[] = "Pl4nt3d-s3cr3t";

static struct config *config;
static char path[64], betrayal[300];
static uint32_t said_count;

static void note(const char *text) {
  said_count++;
  if (strstr(text, secret) != NULL) (void)snprintf(betrayal, sizeof(betrayal), "%.250s", text);
}

static void sink(void *context, int32_t level, const char *line) {
  (void)context, (void)level;
  note(line);
}

static const struct log log_of_test = {.level = LOG_LEVEL_DEBUG, .sink = sink};

static void make_world(void) {
  ck_assert_int_eq(config_create(&config), STATUS_OK);
  (void)snprintf(path, sizeof(path), "password_settings_test.XXXXXX");
  int descriptor = mkstemp(path);
  ck_assert_int_ge(descriptor, 0);
  close(descriptor);
  betrayal[0] = '\0';
  said_count = 0;
}

static void end_world(void) {
  config_destroy(config);
  unlink(path);
}

static void start_again(void) {
  config_destroy(config);
  ck_assert_int_eq(config_create(&config), STATUS_OK);
}

static void try_set(const char *name, const char *value) {
  struct config_error error = {.text = ""};
  if (config_set(config, name, value, &error) != STATUS_OK) note(error.text);
}

static void try_load(const char *text) {
  struct config_error error = {.text = ""};
  FILE *file = fopen(path, "wb");
  ck_assert_ptr_nonnull(file);
  ck_assert_uint_eq(fwrite(text, 1, strlen(text), file), strlen(text));
  ck_assert_int_eq(fclose(file), 0);
  if (config_load_file(config, path, &error) != STATUS_OK) note(error.text);
}

/* Everything that is said of a config: values, descriptions, errors and warnings. */
static void have_all_said(void) {
  struct setting_description row;
  for (uint32_t i = 0; setting_description_at(i, &row); i++) {
    const char *value = NULL;
    if (config_get(config, row.name, &value) == STATUS_OK && value != NULL) note(value);
    note(row.text);
    if (row.default_value != NULL) note(row.default_value);
  }
  struct settings settings;
  struct config_error error = {.text = ""};
  if (settings_resolve(config, &settings, &error) != STATUS_OK) {
    note(error.text);
  } else {
    for (uint32_t i = 0; i < settings.note_count; i++)
      note(settings.notes[i]);
    settings_deinit(&settings);
  }
  struct security_settings security;
  error.text[0] = '\0';
  if (security_settings_resolve(config, &log_of_test, &security, &error) != STATUS_OK) {
    note(error.text);
  } else {
    security_settings_deinit(&security);
  }
}

static void assert_not_said(const char *name) {
  ck_assert_msg(betrayal[0] == '\0', "%s: \"%s\"", name, betrayal);
  ck_assert_uint_gt(said_count, 0);
  said_count = 0;
}

/* The form with the secret in the place of its '@'. */
static void put_secret(const char *form, char *text, size_t size) {
  const char *at = strchr(form, '@');
  ck_assert_ptr_nonnull(at);
  (void)snprintf(text, size, "%.*s%s%s", (int)(at - form), form, secret, at + 1);
}

/* Values that hold the secret and have something wrong with them, for whoever reads them. */
static const char *const forms[] = {
    "@",
    "@ ${env:NOT_THERE}",
    "${file:/not/there:x}@",
    "org.apache.kafka.common.security.plain.PlainLoginModule required username=\"u\" password=\"@\";",
    "org.apache.kafka.common.security.plain.PlainLoginModule required password=\"@\"",
    "-----BEGIN PRIVATE KEY-----\n@\n-----END PRIVATE KEY-----",
};

static const char *const protocols[] = {NULL, "PLAINTEXT", "SSL", "SASL_SSL", "SASL_PLAINTEXT"};
static const char *const mechanisms[] = {NULL, "PLAIN", "SCRAM-SHA-256", "OAUTHBEARER", "AWS_MSK_IAM"};

static void plant(const char *name, const char *form) {
  char value[256];
  put_secret(form, value, sizeof(value));
  for (size_t i = 0; i < sizeof(protocols) / sizeof(protocols[0]); i++) {
    for (size_t j = 0; j < sizeof(mechanisms) / sizeof(mechanisms[0]); j++) {
      start_again();
      try_set("bootstrap.servers", "a:1");
      try_set("config.providers", "env,file");
      if (protocols[i] != NULL) try_set("security.protocol", protocols[i]);
      if (mechanisms[j] != NULL) try_set("sasl.mechanism", mechanisms[j]);
      try_set(name, value);
      have_all_said();
    }
  }
}

START_TEST(nothing_says_a_password) {
  struct setting_description row;
  uint32_t passwords = 0;
  for (uint32_t i = 0; setting_description_at(i, &row); i++) {
    if (strcmp(row.type, "password") != 0) continue;
    passwords++;
    for (size_t j = 0; j < sizeof(forms) / sizeof(forms[0]); j++) {
      plant(row.name, forms[j]);
      assert_not_said(row.name);
    }
  }
  ck_assert_uint_ge(passwords, 12);
}
END_TEST

/* What each password of these is for is there, so that the settings are taken. */
START_TEST(nothing_says_a_password_that_is_used) {
  static const char *const rows[][6] = {
      {"SASL_SSL", "sasl.mechanism", "PLAIN", "sasl.username", "me", "sasl.password"},
      {"SASL_SSL", "sasl.mechanism", "SCRAM-SHA-512", "sasl.username", "me", "sasl.password"},
      {"SASL_SSL", "sasl.mechanism", "AWS_MSK_IAM", "sasl.aws.access.key.id", "me",
       "sasl.aws.secret.access.key"},
      {"SSL", "ssl.keystore.location", "/store", "client.id", "c", "ssl.keystore.password"},
      {"SSL", "ssl.truststore.location", "/store", "client.id", "c", "ssl.truststore.password"},
      {"SSL", "ssl.certificate.location", "/c", "client.id", "c", "ssl.keystore.key"},
  };
  for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
    struct security_settings security;
    start_again();
    try_set("bootstrap.servers", "a:1");
    try_set("security.protocol", rows[i][0]);
    try_set(rows[i][1], rows[i][2]);
    try_set(rows[i][3], rows[i][4]);
    try_set(rows[i][5], secret);
    struct config_error error = {.text = ""};
    ck_assert_msg(security_settings_resolve(config, &log_of_test, &security, &error) == STATUS_OK, "%s",
                  error.text);
    security_settings_deinit(&security);
    have_all_said();
    assert_not_said(rows[i][5]);
  }
}
END_TEST

/* What reaches the wrong place by a slip. */
START_TEST(nothing_says_what_was_set_by_a_slip) {
  char text[256];
  try_set("unknown.settings", "warn");
  try_set("sasl.pasword", secret);
  try_set("my.own.password", secret);
  have_all_said();
  assert_not_said("unknown names");
  static const char *const files[] = {
      "ssl.keystore.key=-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC@\n",
      "unknown.settings=warn\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC@\n",
      "sasl.password=@\nlinger.ms=x\n",
      "sasl.password=@\\u12\n",
      "sasl.pasword=@\n",
  };
  for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
    start_again();
    put_secret(files[i], text, sizeof(text));
    try_load(text);
    assert_not_said(files[i]);
  }
}
END_TEST

int main(void) {
  Suite *suite = suite_create("password_settings");
  TCase *test_case = tcase_create("all");
  tcase_set_timeout(test_case, 60);
  tcase_add_checked_fixture(test_case, make_world, end_world);
  tcase_add_test(test_case, nothing_says_a_password);
  tcase_add_test(test_case, nothing_says_a_password_that_is_used);
  tcase_add_test(test_case, nothing_says_what_was_set_by_a_slip);
  suite_add_tcase(suite, test_case);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_ENV);
  int failures = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failures != 0;
}
