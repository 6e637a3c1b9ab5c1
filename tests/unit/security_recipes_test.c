/* Each block of CONFIGURATION.md's section on security is a configuration that is taken. */
#include "base/status.h"
#include "producer/config_file.h"
#include "producer/security_settings.h"
#include "producer/settings.h"
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static const char document_path[] = TEST_SOURCE_DIRECTORY "/../CONFIGURATION.md";

/* The next block behind *position, which is moved on, put into a file. */
static bool next_block(const char **position, const char *path) {
  static const char begin[] = "\n```properties\n", end[] = "\n```\n";
  const char *from = strstr(*position, begin);
  if (from == NULL) return false;
  from += strlen(begin);
  const char *to = strstr(from, end);
  ck_assert_ptr_nonnull(to);
  FILE *file = fopen(path, "wb");
  ck_assert_ptr_nonnull(file);
  ck_assert_uint_eq(fwrite(from, 1, (size_t)(to - from), file), (size_t)(to - from));
  ck_assert_int_eq(fclose(file), 0);
  *position = to;
  return true;
}

/* Without a warning, but for files that are not there. */
static void fail_on_warning(void *context, int32_t level, const char *line) {
  (void)context;
  ck_assert_msg(level > LOG_LEVEL_WARNING, "%s", line);
}

static void assert_taken(const char *path, uint32_t number) {
  const struct log log = {.level = LOG_LEVEL_INFO, .sink = fail_on_warning};
  struct config *config;
  struct config_error error = {.text = ""};
  struct security_settings security;
  ck_assert_int_eq(config_create(&config), STATUS_OK);
  int32_t status = config_load_file(config, path, &error);
  if (status == STATUS_OK) status = security_settings_resolve(config, &log, &security, &error);
  ck_assert_msg(status == STATUS_OK, "block %u: %s", (unsigned)number, error.text);
  ck_assert_int_ne((int)security.protocol, SECURITY_PLAINTEXT);
  security_settings_deinit(&security);
  config_destroy(config);
}

START_TEST(every_block_is_taken) {
  static char text[1 << 18];
  char path[] = "security_recipes_test.XXXXXX";
  FILE *document = fopen(document_path, "rb");
  ck_assert_ptr_nonnull(document);
  size_t size = fread(text, 1, sizeof(text) - 1, document);
  ck_assert_uint_lt(size, sizeof(text) - 1);
  (void)fclose(document);
  static const char *const variables[] = {"KAFKA_PASSWORD", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY",
                                          "AWS_SESSION_TOKEN"};
  for (size_t i = 0; i < 4; i++)
    ck_assert_int_eq(setenv(variables[i], "x", 1), 0);
  int descriptor = mkstemp(path);
  ck_assert_int_ge(descriptor, 0);
  close(descriptor);
  uint32_t count = 0;
  for (const char *position = text; next_block(&position, path); count++)
    assert_taken(path, count + 1);
  unlink(path);
  ck_assert_uint_eq(count, 10);
}
END_TEST

int main(void) {
  Suite *suite = suite_create("security_recipes");
  TCase *test_case = tcase_create("all");
  tcase_add_test(test_case, every_block_is_taken);
  suite_add_tcase(suite, test_case);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_ENV);
  int failures = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failures != 0;
}
