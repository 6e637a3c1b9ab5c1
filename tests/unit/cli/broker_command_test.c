#include "cli/broker_command.h"

#include "unit/cli/command_runner.h"

#include <check.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define assert_contains(text, part) ck_assert_msg(strstr(text, part) != NULL, "no %s in: %s", part, text)

/* Runs the command with a signal that waits for it already, so that it ends as soon as it is ready. */
static int run_until(int number, const char *line) {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, number);
  pthread_sigmask(SIG_BLOCK, &signals, NULL);
  kill(getpid(), number);
  return command_run(broker_command, line, NULL, 0);
}

static void assert_refused(const char *line, const char *text) {
  ck_assert_int_eq(run_until(SIGTERM, line), 2);
  assert_contains(command_errors, text);
  ck_assert_str_eq(command_output, "");
}

START_TEST(it_says_where_it_listens_and_ends_on_a_signal) {
  ck_assert_int_eq(run_until(SIGTERM, "broker --listen 127.0.0.1:0 --topic a:3 --topic b"), 0);
  assert_contains(command_output, "listening on 127.0.0.1:");
  ck_assert_int_gt(strtol(strrchr(command_output, ':') + 1, NULL, 10), 0);
  assert_contains(command_errors, "appended 0 records in 0 batches");
}
END_TEST

START_TEST(an_interrupt_ends_it_too_and_quiet_means_no_summary) {
  ck_assert_int_eq(run_until(SIGINT, "broker -q -l 127.0.0.1:0 --auto-create 4 --data-limit 10"), 0);
  assert_contains(command_output, "listening on 127.0.0.1:");
  ck_assert_str_eq(command_errors, "");
}
END_TEST

START_TEST(wrong_options_are_refused_with_what_is_allowed) {
  assert_refused("broker --listen 9092", "--listen has to be HOST:PORT");
  assert_refused("broker --listen :9092", "--listen has to be HOST:PORT");
  assert_refused("broker --listen ::1:9092", "--listen has to be HOST:PORT");
  assert_refused("broker --listen []:9092", "--listen has to be HOST:PORT");
  assert_refused("broker --listen localhost:65536", "the port of --listen");
  assert_refused("broker --listen localhost:x", "the port of --listen");
  assert_refused("broker --topic a:0", "the partitions of --topic");
  assert_refused("broker --topic a:b", "the partitions of --topic");
  assert_refused("broker --auto-create 0", "--auto-create");
  assert_refused("broker --data-limit 0", "--data-limit");
  assert_refused("broker --data-limit", "--data-limit");
  assert_refused("broker more", "more");
  assert_refused("broker --unknown", "--unknown");
}
END_TEST

START_TEST(topics_that_cannot_be_are_refused_at_start) {
  ck_assert_int_eq(run_until(SIGTERM, "broker --listen 127.0.0.1:0 --topic a/b:1"), 1);
  assert_contains(command_errors, "cannot start");
  ck_assert_int_eq(run_until(SIGTERM, "broker --listen 127.0.0.1:0 --topic a:1 --topic a:2"), 1);
  assert_contains(command_errors, "cannot start");
}
END_TEST

START_TEST(an_address_of_another_machine_is_refused_with_the_systems_reason) {
  ck_assert_int_eq(run_until(SIGTERM, "broker --listen 192.0.2.1:0"), 1);
  assert_contains(command_errors, "the broker cannot start on 192.0.2.1, port 0: ");
  assert_contains(command_errors, strerror(EADDRNOTAVAIL));
}
END_TEST

START_TEST(help_is_printed) {
  ck_assert_int_eq(command_run(broker_command, "broker --help", NULL, 0), 0);
  assert_contains(command_output, "--topic NAME:PARTITIONS");
  ck_assert_str_eq(command_errors, "");
}
END_TEST

int main(void) {
  Suite *suite = suite_create("broker_command");
  TCase *test_case = tcase_create("all");
  tcase_add_test(test_case, it_says_where_it_listens_and_ends_on_a_signal);
  tcase_add_test(test_case, an_interrupt_ends_it_too_and_quiet_means_no_summary);
  tcase_add_test(test_case, wrong_options_are_refused_with_what_is_allowed);
  tcase_add_test(test_case, topics_that_cannot_be_are_refused_at_start);
  tcase_add_test(test_case, an_address_of_another_machine_is_refused_with_the_systems_reason);
  tcase_add_test(test_case, help_is_printed);
  suite_add_tcase(suite, test_case);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_ENV);
  int failures = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failures != 0;
}
