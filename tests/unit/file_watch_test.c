#include "base/lock.h"
#include "producer/file_watch.h"

#include "base/clock.h"
#include "base/condition.h"
#include "base/status.h"
#include "support/failing_allocator.h"
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { MS = 1000, PATIENCE_US = 20000 * MS };

static struct lock lock = LOCK_INITIALIZER;
static struct condition told;
static uint32_t changes, starts, stops; /* under lock */
static char folder[64], first[96], second[96];

static void count_up(uint32_t *count) {
  lock_acquire(&lock);
  (*count)++;
  condition_broadcast(&told);
  lock_release(&lock);
}

static uint32_t refusals_left; /* how often on_change is not content; under lock */

static bool on_change(void *context) {
  (void)context;
  lock_acquire(&lock);
  bool is_content = refusals_left == 0;
  if (!is_content) refusals_left--;
  lock_release(&lock);
  count_up(&changes);
  return is_content;
}

static void on_start(void *context, const char *name) {
  (void)context;
  ck_assert_str_eq(name, "sendoff-files");
  count_up(&starts);
}

static void on_stop(void *context, const char *name) {
  (void)context;
  ck_assert_str_eq(name, "sendoff-files");
  count_up(&stops);
}

static const struct file_watch_settings SETTINGS = {
    .interval_us = 5 * MS, .on_change = on_change, .on_start = on_start, .on_stop = on_stop};

static void write_file(const char *path, const char *text) {
  char fresh[128];
  snprintf(fresh, sizeof fresh, "%s.new", path);
  FILE *file = fopen(fresh, "we");
  ck_assert_ptr_nonnull(file);
  ck_assert_int_ge(fputs(text, file), 0);
  ck_assert_int_eq(fclose(file), 0);
  ck_assert_int_eq(rename(fresh, path), 0); /* another inode, whatever the clock says */
}

static struct file_watch *watch_files(const char *const *paths, uint32_t count) {
  struct file_watch *watch;
  ck_assert_int_eq(file_watch_create(&SETTINGS, paths, count, &watch), STATUS_OK);
  ck_assert_int_eq(file_watch_start(watch), STATUS_OK);
  return watch;
}

static void await_changes(uint32_t count) {
  int64_t until_us = clock_add_us(clock_monotonic_us(), PATIENCE_US);
  lock_acquire(&lock);
  while (changes < count)
    ck_assert_msg(condition_wait(&told, &lock, until_us), "no change was told");
  lock_release(&lock);
}

static void set_up(void) {
  ck_assert_int_eq(condition_init(&told), STATUS_OK);
  changes = starts = stops = refusals_left = 0;
  snprintf(folder, sizeof folder, "%s", "file-watch-XXXXXX");
  ck_assert_ptr_nonnull(mkdtemp(folder));
  snprintf(first, sizeof first, "%s/first", folder);
  snprintf(second, sizeof second, "%s/second", folder);
  write_file(first, "one");
}

static void tear_down(void) {
  unlink(first);
  unlink(second);
  rmdir(folder);
  condition_deinit(&told);
}

START_TEST(a_file_that_is_replaced_made_or_removed_is_told) {
  const char *const paths[] = {first, second};
  struct file_watch *watch = watch_files(paths, 2);
  write_file(first, "two");
  await_changes(1);
  write_file(second, "there");
  await_changes(2);
  unlink(second);
  await_changes(3);
  file_watch_destroy(watch);
  ck_assert_uint_eq(starts, 1);
  ck_assert_uint_eq(stops, 1);
  ck_assert_uint_eq(changes, 3);
}
END_TEST

START_TEST(other_files_are_watched_from_then_on) {
  const char *const before[] = {first}, *const after[] = {second};
  struct file_watch *watch = watch_files(before, 1);
  ck_assert_int_eq(file_watch_replace(watch, after, 1), STATUS_OK);
  write_file(first, "not looked at");
  write_file(second, "looked at");
  await_changes(1);
  file_watch_destroy(watch);
  ck_assert_uint_eq(changes, 1);
}
END_TEST

START_TEST(a_change_that_was_not_taken_is_told_again) {
  const char *const paths[] = {first};
  struct file_watch *watch = watch_files(paths, 1);
  lock_acquire(&lock);
  refusals_left = 3;
  lock_release(&lock);
  write_file(first, "two");
  await_changes(4);
  file_watch_destroy(watch);
  ck_assert_uint_eq(changes, 4);
}
END_TEST

START_TEST(a_change_before_the_start_is_told) {
  const char *const paths[] = {first};
  struct file_watch *watch;
  ck_assert_int_eq(file_watch_create(&SETTINGS, paths, 1, &watch), STATUS_OK);
  write_file(first, "two");
  ck_assert_int_eq(file_watch_start(watch), STATUS_OK);
  await_changes(1);
  file_watch_destroy(watch);
}
END_TEST

START_TEST(nothing_is_told_while_nothing_changes) {
  const char *const paths[] = {first, second};
  struct file_watch *watch = watch_files(paths, 2);
  usleep(50 * MS);
  file_watch_destroy(watch);
  ck_assert_uint_eq(changes, 0);
}
END_TEST

START_TEST(missing_memory_is_told) {
  const char *const paths[] = {first, second};
  struct file_watch *watch = NULL;
  uint32_t refusals = 0;
  for (uint32_t i = 0;; i++) {
    failing_allocator_start(i);
    int32_t status = file_watch_create(&SETTINGS, paths, 2, &watch);
    if (!failing_allocator_stop()) {
      ck_assert_int_eq(status, STATUS_OK);
      break;
    }
    ck_assert_int_eq(status, STATUS_OUT_OF_MEMORY);
    refusals++;
  }
  ck_assert_uint_eq(refusals, 4);
  file_watch_destroy(watch);
  file_watch_destroy(NULL);
}
END_TEST

int main(void) {
  Suite *suite = suite_create("file_watch");
  TCase *tests = tcase_create("file_watch");
  tcase_set_timeout(tests, 60);
  tcase_add_checked_fixture(tests, set_up, tear_down);
  tcase_add_test(tests, a_file_that_is_replaced_made_or_removed_is_told);
  tcase_add_test(tests, other_files_are_watched_from_then_on);
  tcase_add_test(tests, a_change_that_was_not_taken_is_told_again);
  tcase_add_test(tests, a_change_before_the_start_is_told);
  tcase_add_test(tests, nothing_is_told_while_nothing_changes);
  tcase_add_test(tests, missing_memory_is_told);
  suite_add_tcase(suite, tests);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_ENV);
  int failed = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
