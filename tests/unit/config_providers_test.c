#include "producer/config_providers.h"

#include "base/status.h"
#include "producer/settings.h"
#include "support/failing_allocator.h"
#include <check.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static struct config *config, *resolved;
static struct config_sources sources;
static char folder[PATH_MAX], file[PATH_MAX + 20], lines[4096];

static void sink(void *context, int32_t level, const char *line) {
  (void)context;
  size_t used = strlen(lines);
  (void)snprintf(lines + used, sizeof(lines) - used, "%d %s\n", (int)level, line);
}

static const struct log log_of_test = {.level = LOG_LEVEL_DEBUG, .sink = sink};

static void write_to(const char *path, const char *text, size_t size) {
  FILE *stream = fopen(path, "wb");
  ck_assert_ptr_nonnull(stream);
  ck_assert_uint_eq(fwrite(text, 1, size, stream), size);
  ck_assert_int_eq(fclose(stream), 0);
  ck_assert_int_eq(chmod(path, 0600), 0);
}

static void write_file(const char *text) {
  write_to(file, text, strlen(text));
}

static void make_world(void) {
  char made[] = "config_providers_test.XXXXXX";
  ck_assert_ptr_nonnull(mkdtemp(made));
  ck_assert_ptr_nonnull(realpath(made, folder));
  (void)snprintf(file, sizeof(file), "%s/secrets", folder);
  write_file("user=alice\npassword=hunter2\npassword = hunter3 \ntimes: 7\n");
  ck_assert_int_eq(setenv("CONFIG_PROVIDERS_TEST", "from the environment", 1), 0);
  ck_assert_int_eq(config_create(&config), STATUS_OK);
  lines[0] = '\0';
}

static void end_world(void) {
  config_destroy(config);
  config_destroy(resolved);
  config_sources_deinit(&sources);
  ck_assert_uint_eq(secret_usage().count, 0);
  unlink(file);
  rmdir(folder);
}

static void set(const char *name, const char *value) {
  struct config_error error = {.text = ""};
  ck_assert_msg(config_set(config, name, value, &error) == STATUS_OK, "%s", error.text);
}

/* The value with FILE and FOLDER in it made those of the test. */
static const char *located(const char *text) {
  static char result[3 * PATH_MAX];
  const char *folder_at = strstr(text, "FOLDER"), *file_at = strstr(text, "FILE");
  const char *at = folder_at != NULL ? folder_at : file_at;
  if (at == NULL) return text;
  (void)snprintf(result, sizeof(result), "%.*s%s%s", (int)(at - text), text,
                 folder_at != NULL ? folder : file, at + (folder_at != NULL ? 6 : 4));
  return result;
}

static void resolve(void) {
  struct config_error error = {.text = ""};
  config_destroy(resolved);
  resolved = NULL;
  config_sources_deinit(&sources);
  int32_t status = config_providers_resolve(config, &log_of_test, &sources, &resolved, &error);
  ck_assert_msg(status == STATUS_OK, "%s", error.text);
}

static void assert_password(const char *value, const char *expected) {
  set("sasl.password", located(value));
  resolve();
  ck_assert_str_eq(config_value(resolved, SETTING_SASL_PASSWORD), expected);
}

/* ending: of the message, which begins with the setting and holds the reference. */
static void assert_refused(const char *name, const char *value, const char *ending) {
  struct config_error error = {.text = ""};
  set(name, located(value));
  struct config *none = NULL;
  ck_assert_int_eq(config_providers_resolve(config, NULL, NULL, &none, &error), STATUS_INVALID_SETTING);
  ck_assert_ptr_null(none);
  size_t size = strlen(error.text), ending_size = strlen(ending);
  ck_assert_msg(strncmp(error.text, name, strlen(name)) == 0, "%s", error.text);
  ck_assert_msg(size >= ending_size && strcmp(error.text + size - ending_size, ending) == 0, "%s",
                error.text);
  ck_assert_msg(strstr(error.text, "hunter") == NULL, "%s", error.text);
}

/* Whoever writes a configuration could read all that the process may. */
START_TEST(nothing_is_looked_up_unless_that_is_switched_on) {
  assert_password("${env:CONFIG_PROVIDERS_TEST}", "${env:CONFIG_PROVIDERS_TEST}");
  assert_password("${file:FILE:password}", located("${file:FILE:password}"));
  set("config.providers", "env");
  assert_password("${file:FILE:password}", located("${file:FILE:password}"));
  assert_password("${env:CONFIG_PROVIDERS_TEST}", "from the environment");
  ck_assert_uint_eq(sources.count, 0);
}
END_TEST

START_TEST(each_provider_gives_its_value) {
  set("config.providers", "env, file, directory");
  assert_password("${env:CONFIG_PROVIDERS_TEST}", "from the environment");
  assert_password("${file:FILE:user}", "alice");
  assert_password("${file:FILE:password}", "hunter3"); /* the last, and without the space behind it */
  assert_password("${directory:FOLDER:secrets}",
                  "user=alice\npassword=hunter2\npassword = hunter3 \ntimes: 7");
}
END_TEST

START_TEST(a_value_may_hold_more_than_a_reference) {
  set("config.providers", "env,file");
  assert_password("<${env:CONFIG_PROVIDERS_TEST}|${file:FILE:user}>", "<from the environment|alice>");
  assert_password("${env:CONFIG_PROVIDERS_TEST}${env:CONFIG_PROVIDERS_TEST}",
                  "from the environmentfrom the environment");
}
END_TEST

START_TEST(other_texts_of_that_form_stay_as_they_are) {
  static const char *const texts[] = {"${vault:a:b}", "${env}", "${env",   "$env:X}",
                                      "${}",          "${",     "$${a:b}", "${ENV:CONFIG_PROVIDERS_TEST}"};
  set("config.providers", "env,file,directory");
  for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
    assert_password(texts[i], texts[i]);
}
END_TEST

START_TEST(what_is_found_is_not_searched) {
  set("config.providers", "env");
  ck_assert_int_eq(setenv("CONFIG_PROVIDERS_TEST", "${env:HOME}", 1), 0);
  assert_password("${env:CONFIG_PROVIDERS_TEST}", "${env:HOME}");
}
END_TEST

START_TEST(what_is_not_there_is_refused) {
  set("config.providers", "env,file,directory");
  assert_refused("sasl.password", "${env:CONFIG_PROVIDERS_ABSENT}",
                 "${env:CONFIG_PROVIDERS_ABSENT}: the environment has no variable of that name");
  assert_refused("sasl.password", "${file:FILE:absent}", ": the file has no such key");
  assert_refused("sasl.password", "${file:FOLDER/absent:a}", ": there is no file of that name");
  assert_refused("sasl.password", "${directory:FOLDER:absent}", ": there is no file of that name");
}
END_TEST

START_TEST(references_that_lack_a_part_are_refused) {
  static const char file_form[] = ": it needs a path and a key, as in ${file:/path:key}";
  static const char folder_form[] = ": it needs a path and a file's name, as in ${directory:/path:name}";
  set("config.providers", "file,directory");
  assert_refused("sasl.password", "${file:FILE}", file_form);
  assert_refused("sasl.password", "${file:FILE:}", file_form);
  assert_refused("sasl.password", "${file::a}", file_form);
  assert_refused("sasl.password", "${directory:FOLDER}", folder_form);
  assert_refused("sasl.password", "${directory:FOLDER:../secrets}", folder_form);
  assert_refused("sasl.password", "${directory:FOLDER:..}", folder_form);
  assert_refused("sasl.password", "${directory:FOLDER:.}", folder_form);
  assert_refused("sasl.password", "${directory:FOLDER:}", folder_form);
}
END_TEST

START_TEST(files_that_cannot_be_used_are_refused) {
  struct config_error error = {.text = ""};
  set("config.providers", "file,directory");
  write_to(file, "a\0b", 3);
  assert_refused("sasl.password", "${directory:FOLDER:secrets}", ": what stands there has a zero byte");
  assert_refused("sasl.password", "${file:FILE:a}", ": line 1: a zero byte is not allowed");
  write_file("a=\\u12");
  assert_refused("sasl.password", "${file:FILE:a}",
                 ": line 1: \\u without four hexadecimal digits is not allowed");
  set("sasl.password", located("${file:FOLDER:a}"));
  ck_assert_int_eq(config_providers_resolve(config, NULL, NULL, &resolved, &error), STATUS_FILE_UNREADABLE);
  ck_assert_ptr_nonnull(strstr(error.text, ": Is a directory"));
  set("sasl.password", "${file:/dev/null:a}");
  ck_assert_int_eq(config_providers_resolve(config, NULL, NULL, &resolved, &error), STATUS_FILE_UNREADABLE);
  ck_assert_str_eq(error.text, "sasl.password: ${file:/dev/null:a}: it is not a regular file");
}
END_TEST

START_TEST(only_allowed_paths_are_read) {
  set("config.providers", "file,directory");
  set("config.providers.file.param.allowed.paths", folder);
  assert_password("${file:FILE:user}", "alice");
  set("config.providers.file.param.allowed.paths", file);
  assert_password("${file:FILE:user}", "alice");
  set("config.providers.file.param.allowed.paths", "/proc , /usr");
  assert_refused("sasl.password", "${file:FILE:user}",
                 ": config.providers.file.param.allowed.paths does not allow that path");
  assert_refused("sasl.password", "${file:/usr/../FILE:user}", "does not allow that path");
  set("config.providers.directory.param.allowed.paths", folder);
  assert_password("${directory:FOLDER:secrets}",
                  "user=alice\npassword=hunter2\npassword = hunter3 \ntimes: 7");
  set("config.providers.directory.param.allowed.paths", "/usr");
  assert_refused("sasl.password", "${directory:FOLDER:secrets}", "does not allow that path");
}
END_TEST

/* A name that begins like an allowed one is another folder, and a link is where it leads to. */
START_TEST(allowed_paths_are_whole_ones) {
  char sibling[PATH_MAX + 30], link_path[PATH_MAX + 30];
  (void)snprintf(sibling, sizeof(sibling), "%s/secrets2", folder);
  (void)snprintf(link_path, sizeof(link_path), "%s/link", folder);
  write_to(sibling, "user=mallory\n", 13);
  ck_assert_int_eq(symlink("secrets2", link_path), 0);
  set("config.providers", "file");
  set("config.providers.file.param.allowed.paths", file);
  assert_refused("sasl.password", "${file:FOLDER/secrets2:user}", "does not allow that path");
  assert_refused("sasl.password", "${file:FOLDER/link:user}", "does not allow that path");
  unlink(sibling);
  unlink(link_path);
}
END_TEST

START_TEST(allowed_paths_must_be_there) {
  struct config_error error = {.text = ""};
  static const char *const wrong[] = {"relative/path", "/no/such/folder"};
  set("config.providers", "file");
  set("sasl.password", located("${file:FILE:user}"));
  for (size_t i = 0; i < 2; i++) {
    char message[200];
    set("config.providers.file.param.allowed.paths", wrong[i]);
    ck_assert_int_eq(config_providers_resolve(config, NULL, NULL, &resolved, &error), STATUS_INVALID_SETTING);
    (void)snprintf(
        message, sizeof(message),
        "config.providers.file.param.allowed.paths: %s is no absolute path of something that is there",
        wrong[i]);
    ck_assert_str_eq(error.text, message);
  }
}
END_TEST

START_TEST(files_that_others_may_read_are_warned_of) {
  set("config.providers", "file");
  assert_password("${file:FILE:user}", "alice");
  ck_assert_str_eq(lines, "");
  ck_assert_int_eq(chmod(file, 0644), 0);
  assert_password("${file:FILE:user}", "alice");
  ck_assert_ptr_nonnull(strstr(lines, "4 sasl.password: others may read the file "));
  ck_assert_ptr_nonnull(strstr(lines, "(its mode is 0644): chmod 600 keeps it to you"));
}
END_TEST

START_TEST(files_that_were_read_are_listed_once) {
  set("config.providers", "file,env");
  set("sasl.username", located("${file:FILE:user}"));
  set("client.id", "${env:CONFIG_PROVIDERS_TEST}");
  assert_password("${file:FILE:password}", "hunter3");
  ck_assert_uint_eq(sources.count, 1);
  ck_assert_str_eq(sources.paths[0], file);
}
END_TEST

START_TEST(settings_of_every_type_may_refer) {
  struct settings settings;
  struct config_error error = {.text = ""};
  set("config.providers", "file,env");
  ck_assert_int_eq(setenv("CONFIG_PROVIDERS_TEST", "a:1,b:2", 1), 0);
  set("bootstrap.servers", "${env:CONFIG_PROVIDERS_TEST}");
  set("linger.ms", located("${file:FILE:times}"));
  set("topic.orders.delivery.timeout.ms", located("6${file:FILE:times}000"));
  ck_assert_msg(settings_resolve(config, &settings, &error) == STATUS_OK, "%s", error.text);
  ck_assert_uint_eq(settings.bootstrap_count, 2);
  ck_assert_int_eq(settings.linger_us, 7000);
  struct topic_settings topic;
  settings_for_topic(&settings, bytes_of_string("orders"), &topic);
  ck_assert_int_eq(topic.delivery_timeout_us, 67000000);
  settings_deinit(&settings);
}
END_TEST

START_TEST(what_is_found_is_checked_and_not_shown) {
  set("config.providers", "file");
  assert_refused("linger.ms", "${file:FILE:password}",
                 ": what it refers to must be milliseconds, with three decimals at most: 0 to 2147483647");
  ck_assert_int_eq(config_unset(config, "linger.ms", NULL), STATUS_OK);
  assert_refused("topic.orders.acks", "${file:FILE:password}",
                 ": what it refers to must be one of all, -1, 0, 1");
  ck_assert_int_eq(config_unset(config, "topic.orders.acks", NULL), STATUS_OK);
  write_file("password=hunter2:99999999\n");
  assert_refused("bootstrap.servers", "${file:FILE:password}", ": what it refers to is no list of brokers");
}
END_TEST

START_TEST(a_reference_is_shown_as_it_is) {
  const char *value = NULL;
  set("config.providers", "env");
  set("linger.ms", "${env:LINGER}");
  ck_assert_int_eq(config_get(config, "linger.ms", &value), STATUS_OK);
  ck_assert_str_eq(value, "${env:LINGER}");
  struct config_error error = {.text = ""};
  ck_assert_int_eq(config_set(config, "queue.buffering.max.kbytes", "${env:KB}", &error),
                   STATUS_INVALID_SETTING);
  ck_assert_str_eq(error.text, "queue.buffering.max.kbytes: what config providers give is not converted: set "
                               "buffer.memory instead");
}
END_TEST

/* Without config.providers a number must be one; taken back later, it is refused when it is used. */
START_TEST(references_that_nobody_looks_up_are_refused_where_they_make_no_sense) {
  struct config_error error = {.text = ""};
  ck_assert_int_eq(config_set(config, "linger.ms", "${env:LINGER}", &error), STATUS_INVALID_SETTING);
  set("config.providers", "env");
  set("linger.ms", "${env:CONFIG_PROVIDERS_TEST}");
  ck_assert_int_eq(config_unset(config, "config.providers", NULL), STATUS_OK);
  ck_assert_int_eq(config_providers_resolve(config, NULL, NULL, &resolved, &error), STATUS_INVALID_SETTING);
  ck_assert_str_eq(error.text,
                   "linger.ms=${env:CONFIG_PROVIDERS_TEST}: what it refers to must be milliseconds, "
                   "with three decimals at most: 0 to 2147483647");
}
END_TEST

START_TEST(each_allocation_may_fail) {
  bool failed = true;
  set("config.providers", "env,file,directory");
  set("sasl.username", "a ${env:CONFIG_PROVIDERS_TEST} b");
  set("sasl.password", located("${file:FILE:password}"));
  set("sasl.aws.secret.access.key", located("${directory:FOLDER:secrets}"));
  size_t secrets = secret_usage().count;
  for (uint32_t index = 0; failed; index++) {
    struct config_error error = {.text = ""};
    failing_allocator_start(index);
    int32_t status = config_providers_resolve(config, NULL, &sources, &resolved, &error);
    failed = failing_allocator_stop();
    ck_assert_int_eq(status, failed ? STATUS_OUT_OF_MEMORY : STATUS_OK);
    ck_assert_int_eq(failed, error.text[0] != '\0');
    if (!failed) break;
    ck_assert_ptr_null(resolved);
    ck_assert_uint_eq(sources.count, 0);
    ck_assert_uint_eq(secret_usage().count, secrets);
  }
}
END_TEST

int main(void) {
  Suite *suite = suite_create("config_providers");
  TCase *test_case = tcase_create("all");
  tcase_add_checked_fixture(test_case, make_world, end_world);
  tcase_add_test(test_case, nothing_is_looked_up_unless_that_is_switched_on);
  tcase_add_test(test_case, each_provider_gives_its_value);
  tcase_add_test(test_case, a_value_may_hold_more_than_a_reference);
  tcase_add_test(test_case, other_texts_of_that_form_stay_as_they_are);
  tcase_add_test(test_case, what_is_found_is_not_searched);
  tcase_add_test(test_case, what_is_not_there_is_refused);
  tcase_add_test(test_case, references_that_lack_a_part_are_refused);
  tcase_add_test(test_case, files_that_cannot_be_used_are_refused);
  tcase_add_test(test_case, only_allowed_paths_are_read);
  tcase_add_test(test_case, allowed_paths_are_whole_ones);
  tcase_add_test(test_case, allowed_paths_must_be_there);
  tcase_add_test(test_case, files_that_others_may_read_are_warned_of);
  tcase_add_test(test_case, files_that_were_read_are_listed_once);
  tcase_add_test(test_case, settings_of_every_type_may_refer);
  tcase_add_test(test_case, what_is_found_is_checked_and_not_shown);
  tcase_add_test(test_case, a_reference_is_shown_as_it_is);
  tcase_add_test(test_case, references_that_nobody_looks_up_are_refused_where_they_make_no_sense);
  tcase_add_test(test_case, each_allocation_may_fail);
  suite_add_tcase(suite, test_case);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_ENV);
  int failures = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failures != 0;
}
