#include "security/tls_file.h"

#include "base/status.h"
#include "support/failing_allocator.h"
#include "support/tls_certificates.h"
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { ERROR_BYTES = 256, PATH_BYTES = 128 };

static const char SETTING[] = "ssl.ca.location";

static void path_in(const struct tls_folder *folder, const char *name, char path[PATH_BYTES]) {
  snprintf(path, PATH_BYTES, "%s/%s", folder->path, name);
}

static void check_unreadable(const char *path, const char *words) {
  struct secret *content = NULL;
  char error[ERROR_BYTES] = "";
  ck_assert_int_eq(tls_file_read(SETTING, path, &content, error, sizeof error), STATUS_FILE_UNREADABLE);
  ck_assert_ptr_null(content);
  ck_assert_msg(strstr(error, SETTING) == error && strstr(error, path) != NULL, "%s", error);
  ck_assert_msg(strstr(error, words) != NULL, "%s", error);
}

START_TEST(a_file_is_read_whole) {
  struct tls_folder folder = tls_folder_make();
  char *path = tls_folder_write(&folder, "a", "one\0two", 7), *empty = tls_folder_write(&folder, "b", "", 0);
  struct secret *content = NULL;
  char error[ERROR_BYTES] = "";
  ck_assert_int_eq(tls_file_read(SETTING, path, &content, error, sizeof error), STATUS_OK);
  ck_assert(bytes_equal(secret_bytes(content), bytes_of("one\0two", 7)));
  secret_destroy(content);
  ck_assert_int_eq(tls_file_read(SETTING, empty, &content, error, sizeof error), STATUS_OK);
  ck_assert_uint_eq(secret_bytes(content).size, 0);
  secret_destroy(content);
  ck_assert(tls_file_exists(path));
  ck_assert(!tls_file_is_directory(path));
  ck_assert(tls_file_is_directory(folder.path));
  free(path);
  free(empty);
  tls_folder_remove(&folder);
}
END_TEST

START_TEST(what_is_no_file_is_refused) {
  struct tls_folder folder = tls_folder_make();
  char pipe[PATH_BYTES], missing[PATH_BYTES], *large = tls_folder_write(&folder, "large", "", 0);
  path_in(&folder, "pipe", pipe);
  path_in(&folder, "missing", missing);
  ck_assert_int_eq(mkfifo(pipe, 0600), 0);
  ck_assert_int_eq(truncate(large, (off_t)1 << 30), 0);
  check_unreadable(missing, "No such file or directory");
  check_unreadable(folder.path, "Is a directory");
  check_unreadable(pipe, "not a file"); /* nor waited for */
  check_unreadable(large, "larger than 32 MiB");
  ck_assert(!tls_file_exists(missing));
  ck_assert(!tls_file_is_directory(missing));
  free(large);
  tls_folder_remove(&folder);
}
END_TEST

/* Names that were listed, one behind the other. */
struct listed {
  char names[PATH_BYTES];
  int32_t status;
};

static int32_t note_name(void *context, const char *path) {
  struct listed *listed = context;
  size_t used = strlen(listed->names);
  snprintf(listed->names + used, sizeof listed->names - used, "%s ", strrchr(path, '/') + 1);
  return listed->status;
}

START_TEST(a_directory_is_listed_by_name) {
  struct tls_folder folder = tls_folder_make();
  static const char *const names[] = {"c.pem", "a.pem", ".hidden", "b.crt"};
  char below[PATH_BYTES];
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
    free(tls_folder_write(&folder, names[i], "", 0));
  path_in(&folder, "aa", below);
  ck_assert_int_eq(mkdir(below, 0700), 0);
  struct listed listed = {.status = STATUS_OK};
  char error[ERROR_BYTES] = "";
  ck_assert_int_eq(tls_file_list(SETTING, folder.path, note_name, &listed, error, sizeof error), STATUS_OK);
  ck_assert_str_eq(listed.names, "a.pem b.crt c.pem ");
  struct listed stopped = {.status = STATUS_INVALID_SETTING};
  ck_assert_int_eq(tls_file_list(SETTING, folder.path, note_name, &stopped, error, sizeof error),
                   STATUS_INVALID_SETTING);
  ck_assert_str_eq(stopped.names, "a.pem ");
  ck_assert_int_eq(rmdir(below), 0);
  tls_folder_remove(&folder);
  ck_assert_int_eq(tls_file_list(SETTING, folder.path, note_name, &listed, error, sizeof error),
                   STATUS_FILE_UNREADABLE);
  ck_assert_msg(strstr(error, folder.path) != NULL, "%s", error);
}
END_TEST

START_TEST(missing_memory_is_told) {
  struct tls_folder folder = tls_folder_make();
  char *path = tls_folder_write(&folder, "a", "x", 1);
  uint32_t index = 0;
  for (bool failed = true; failed; index++) {
    struct listed listed = {.status = STATUS_OK};
    struct secret *content = NULL;
    char error[ERROR_BYTES] = "";
    failing_allocator_start(index);
    int32_t status = tls_file_list(SETTING, folder.path, note_name, &listed, error, sizeof error);
    if (status == STATUS_OK) status = tls_file_read(SETTING, path, &content, error, sizeof error);
    failed = failing_allocator_stop();
    ck_assert_int_eq(status, failed ? STATUS_OUT_OF_MEMORY : STATUS_OK);
    ck_assert_int_eq(error[0] != '\0', failed);
    secret_destroy(content);
  }
  ck_assert_uint_ge(index, 4);
  free(path);
  tls_folder_remove(&folder);
}
END_TEST

int main(void) {
  Suite *suite = suite_create("tls_file");
  TCase *cases = tcase_create("tls_file");
  tcase_add_test(cases, a_file_is_read_whole);
  tcase_add_test(cases, what_is_no_file_is_refused);
  tcase_add_test(cases, a_directory_is_listed_by_name);
  tcase_add_test(cases, missing_memory_is_told);
  suite_add_tcase(suite, cases);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_NORMAL);
  int failed = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
