#include "producer/exit_guard.h"

#include "base/status.h"
#include "producer/waiting.h"
#include "support/producer_world.h"
#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* Each in a process of its own: how it ends, what it says, and what has arrived. */
static struct world_child child;

static void run_against_broker(void (*run)(void)) {
  world_child_start(&child, run);
  world_broker_start();
  world_child_go(&child);
  world_child_await(&child);
}

static void tear_down(void) {
  world_broker_stop();
}

static void expect_end(int status, int64_t record_count) {
  ck_assert_msg(WIFEXITED(child.status), "the process was ended by signal %d", WTERMSIG(child.status));
  ck_assert_int_eq(WEXITSTATUS(child.status), status);
  ck_assert_int_eq(world_records("topic", 0), record_count);
}

/* One line names close; it is there even if there was nothing to be lost in the end. */
static void expect_warning(const char *pending) {
  ck_assert_ptr_nonnull(strstr(child.errors, "not closed before exit; of "));
  ck_assert_ptr_nonnull(strstr(child.errors, pending));
  ck_assert_ptr_eq(strchr(child.errors, '\n'), child.errors + strlen(child.errors) - 1);
}

static void *create(const struct producer_callbacks *callbacks) {
  return world_create(callbacks, (const char *const[]){"linger.ms=60000", "shutdown.timeout.ms=30000", NULL});
}

static void return_with_ten(void) {
  world_send(create(NULL), 10, 0);
}

START_TEST(a_program_that_returns_loses_nothing) {
  run_against_broker(return_with_ten);
  expect_end(0, 10);
  expect_warning("of 10 records on their way 0 were lost");
}
END_TEST

static void exit_with_status(void) {
  world_send(create(NULL), 10, 0);
  exit(7);
}

START_TEST(the_exit_status_stays) {
  run_against_broker(exit_with_status);
  expect_end(7, 10);
}
END_TEST

static void use_several(void) {
  for (int i = 0; i < 3; i++)
    world_send(create(NULL), 5, 0);
}

START_TEST(several_producers_end_together) {
  run_against_broker(use_several);
  expect_end(0, 15);
  expect_warning("of 15 records on their way 0 were lost");
}
END_TEST

static void close_all(void) {
  void *handle = create(NULL);
  world_send(handle, 10, 0);
  ck_assert_int_eq(waiting_close(world_lock(handle), -1), STATUS_OK);
  producer_destroy(handle);
}

START_TEST(a_program_that_closes_is_told_nothing) {
  run_against_broker(close_all);
  expect_end(0, 10);
  ck_assert_str_eq(child.errors, "");
}
END_TEST

static void *shared_handle;

static void send_last(void) {
  world_send(shared_handle, 1, 0);
}

static void send_in_a_handler(void) {
  shared_handle = create(NULL);
  if (atexit(send_last) != 0) _exit(1);
}

/* Handlers run in reverse order: the host's, registered later, come before ours. */
START_TEST(the_hosts_own_exit_handlers_may_still_send) {
  run_against_broker(send_in_a_handler);
  expect_end(0, 1);
}
END_TEST

static void *exit_in_thread(void *argument) {
  (void)argument;
  exit(3);
}

static void exit_in_another_thread(void) {
  pthread_t thread;
  world_send(create(NULL), 10, 0);
  if (pthread_create(&thread, NULL, exit_in_thread, NULL) != 0) _exit(1);
  for (;;)
    pause();
}

START_TEST(exit_may_be_called_by_any_thread) {
  run_against_broker(exit_in_another_thread);
  expect_end(3, 10);
}
END_TEST

static void exit_in_report(void *user, const struct report *reports, size_t count) {
  (void)user, (void)reports, (void)count;
  world_send(shared_handle, 10, 100);
  exit(4);
}

static void exit_in_callback(void) {
  static const struct producer_callbacks exiting = {.on_reports = exit_in_report};
  struct flush_result result;
  shared_handle = create(&exiting);
  world_send(shared_handle, 1, 0);
  waiting_flush(world_lock(shared_handle), -1, &result);
  for (;;)
    pause();
}

START_TEST(exit_in_a_callback_loses_nothing) {
  run_against_broker(exit_in_callback);
  expect_end(4, 11);
}
END_TEST

static int32_t exit_in_choice(void *user, const char *topic, const void *key, size_t key_bytes,
                              const void *value, size_t value_bytes, int32_t partition_count,
                              int32_t *partition) {
  (void)user, (void)topic, (void)key, (void)key_bytes, (void)value, (void)value_bytes, (void)partition_count;
  (void)partition;
  exit(5);
}

static void exit_in_partitioner(void) {
  static const struct producer_callbacks exiting = {.partitioner = exit_in_choice};
  void *handle = create(&exiting);
  world_send(handle, 10, 0);
  world_flush(handle); /* now the partitions are known, so that it is asked at once */
  world_send(handle, 3, 10);
  struct submission submission = world_submission("topic", -1, 10, 0);
  world_try_send(handle, &submission);
  _exit(1);
}

/* It runs with the producer's lock held. */
START_TEST(exit_in_a_partitioner_loses_nothing_that_was_accepted) {
  run_against_broker(exit_in_partitioner);
  expect_end(5, 13);
}
END_TEST

int main(void) {
  Suite *suite = suite_create("exit_guard");
  TCase *test_case = tcase_create("all");
  tcase_add_checked_fixture(test_case, NULL, tear_down);
  tcase_add_test(test_case, a_program_that_returns_loses_nothing);
  tcase_add_test(test_case, the_exit_status_stays);
  tcase_add_test(test_case, several_producers_end_together);
  tcase_add_test(test_case, a_program_that_closes_is_told_nothing);
  tcase_add_test(test_case, the_hosts_own_exit_handlers_may_still_send);
  tcase_add_test(test_case, exit_may_be_called_by_any_thread);
  tcase_add_test(test_case, exit_in_a_callback_loses_nothing);
  tcase_add_test(test_case, exit_in_a_partitioner_loses_nothing_that_was_accepted);
  suite_add_tcase(suite, test_case);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_ENV);
  int failures = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failures != 0;
}
