#include "producer/secret_file.h"

#include "base/status.h"
#include "support/failing_allocator.h"
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static char path[64];
static struct secret_file file;

static void make_file(void) {
  (void)snprintf(path, sizeof(path), "secret_file_test.XXXXXX");
  int descriptor = mkstemp(path);
  ck_assert_int_ge(descriptor, 0);
  close(descriptor);
  file = (struct secret_file){.content = NULL};
}

static void remove_file(void) {
  secret_destroy(file.content);
  unlink(path);
}

static void write_file(const void *text, size_t size) {
  FILE *stream = fopen(path, "wb");
  ck_assert_ptr_nonnull(stream);
  ck_assert_uint_eq(fwrite(text, 1, size, stream), size);
  ck_assert_int_eq(fclose(stream), 0);
}

static void assert_refused(const char *name, enum secret_file_kind kind, const char *message) {
  struct config_error error = {.text = ""};
  ck_assert_int_eq(secret_file_read(name, kind, &file, &error), STATUS_FILE_UNREADABLE);
  ck_assert_str_eq(error.text, message);
  ck_assert_uint_eq(secret_usage().count, 0);
}

START_TEST(content_is_read_as_it_is) {
  static const char text[] = "one\0two\r\n ";
  write_file(text, sizeof(text) - 1);
  ck_assert_int_eq(secret_file_read(path, SECRET_FILE_REGULAR, &file, NULL), STATUS_OK);
  ck_assert_uint_eq(secret_bytes(file.content).size, sizeof(text) - 1);
  ck_assert_mem_eq(secret_bytes(file.content).data, text, sizeof(text));
  ck_assert_uint_eq(secret_usage().count, 1);
}
END_TEST

START_TEST(an_empty_file_is_read) {
  ck_assert_int_eq(secret_file_read(path, SECRET_FILE_ANY, &file, NULL), STATUS_OK);
  ck_assert_uint_eq(secret_bytes(file.content).size, 0);
}
END_TEST

START_TEST(every_size_up_to_the_largest_is_read) {
  static char text[SECRET_FILE_MAX_BYTES + 1];
  static const size_t sizes[] = {
      1, 4095, 4096, 4097, 8191, 8192, 65536, SECRET_FILE_MAX_BYTES - 1, SECRET_FILE_MAX_BYTES};
  for (size_t i = 0; i < sizeof(text); i++)
    text[i] = (char)('a' + i % 23);
  for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
    write_file(text, sizes[i]);
    ck_assert_int_eq(secret_file_read(path, SECRET_FILE_REGULAR, &file, NULL), STATUS_OK);
    ck_assert_uint_eq(secret_bytes(file.content).size, sizes[i]);
    ck_assert_mem_eq(secret_bytes(file.content).data, text, sizes[i]);
    secret_destroy(file.content);
    file.content = NULL;
  }
  char message[128];
  write_file(text, sizeof(text));
  (void)snprintf(message, sizeof(message), "%s: more than 1048576 bytes", path);
  assert_refused(path, SECRET_FILE_REGULAR, message);
}
END_TEST

START_TEST(its_mode_tells_whether_others_may_read_it) {
  static const struct {
    mode_t mode;
    bool is_open;
  } rows[] = {{0600, false}, {0400, false}, {0640, true}, {0604, true}, {0644, true}, {0620, true}};
  for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
    ck_assert_int_eq(chmod(path, rows[i].mode), 0);
    ck_assert_int_eq(secret_file_read(path, SECRET_FILE_ANY, &file, NULL), STATUS_OK);
    ck_assert_uint_eq(file.mode, rows[i].mode);
    ck_assert_int_eq(file.is_open_to_others, rows[i].is_open);
    secret_destroy(file.content);
    file.content = NULL;
  }
}
END_TEST

START_TEST(what_is_no_file_is_refused) {
  assert_refused("absent/file", SECRET_FILE_ANY, "absent/file: No such file or directory");
  assert_refused(".", SECRET_FILE_ANY, ".: Is a directory");
  assert_refused(".", SECRET_FILE_REGULAR, ".: Is a directory");
  assert_refused("/dev/null", SECRET_FILE_REGULAR, "/dev/null: it is not a regular file");
}
END_TEST

/* A pipe that nobody writes to would hold the program for ever. */
START_TEST(a_pipe_is_read_only_where_that_is_meant) {
  char message[128];
  ck_assert_int_eq(unlink(path), 0);
  ck_assert_int_eq(mkfifo(path, 0600), 0);
  (void)snprintf(message, sizeof(message), "%s: it is not a regular file", path);
  assert_refused(path, SECRET_FILE_REGULAR, message);
  int ends[2];
  ck_assert_int_eq(pipe(ends), 0);
  ck_assert_int_eq(write(ends[1], "secret", 6), 6);
  ck_assert_int_eq(close(ends[1]), 0);
  char name[32];
  (void)snprintf(name, sizeof(name), "/proc/self/fd/%d", ends[0]);
  ck_assert_int_eq(secret_file_read(name, SECRET_FILE_ANY, &file, NULL), STATUS_OK);
  ck_assert_str_eq(secret_text(file.content), "secret");
  ck_assert(!file.is_open_to_others);
  ck_assert_int_eq(close(ends[0]), 0);
}
END_TEST

START_TEST(each_allocation_may_fail) {
  write_file("secret", 6);
  bool failed = true;
  for (uint32_t index = 0; failed; index++) {
    failing_allocator_start(index);
    int32_t status = secret_file_read(path, SECRET_FILE_ANY, &file, NULL);
    failed = failing_allocator_stop();
    ck_assert_int_eq(status, failed ? STATUS_OUT_OF_MEMORY : STATUS_OK);
    ck_assert_uint_eq(secret_usage().count, failed ? 0 : 1);
  }
}
END_TEST

int main(void) {
  Suite *suite = suite_create("secret_file");
  TCase *test_case = tcase_create("all");
  tcase_add_checked_fixture(test_case, make_file, remove_file);
  tcase_add_test(test_case, content_is_read_as_it_is);
  tcase_add_test(test_case, an_empty_file_is_read);
  tcase_add_test(test_case, every_size_up_to_the_largest_is_read);
  tcase_add_test(test_case, its_mode_tells_whether_others_may_read_it);
  tcase_add_test(test_case, what_is_no_file_is_refused);
  tcase_add_test(test_case, a_pipe_is_read_only_where_that_is_meant);
  tcase_add_test(test_case, each_allocation_may_fail);
  suite_add_tcase(suite, test_case);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_ENV);
  int failures = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failures != 0;
}
