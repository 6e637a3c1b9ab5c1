#include "producer/shutdown_signals.h"

#include "base/clock.h"
#include "support/producer_world.h"
#include <check.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* Each in a process of its own, which raises the signals itself. */
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

static void expect_signal(int number, int64_t record_count) {
  ck_assert_msg(WIFSIGNALED(child.status), "the process has exited with %d", WEXITSTATUS(child.status));
  ck_assert_int_eq(WTERMSIG(child.status), number);
  ck_assert_int_eq(world_records("topic", 0), record_count);
}

static void expect_exit(int status, int64_t record_count) {
  ck_assert_msg(WIFEXITED(child.status), "the process was ended by signal %d", WTERMSIG(child.status));
  ck_assert_int_eq(WEXITSTATUS(child.status), status);
  ck_assert_int_eq(world_records("topic", 0), record_count);
}

static void *create(const char *signals) {
  return world_create(NULL,
                      (const char *const[]){"linger.ms=60000", "shutdown.timeout.ms=30000", signals, NULL});
}

static _Noreturn void wait_for_ever(void) {
  for (;;)
    pause();
}

/* ---- the default ---- */

static void raise_sigterm(void) {
  world_send(create("shutdown.signals=SIGTERM,SIGINT"), 10, 0);
  raise(SIGTERM);
  wait_for_ever();
}

static void raise_sigint(void) {
  world_send(create("shutdown.signals=SIGTERM,SIGINT"), 10, 0);
  raise(SIGINT);
  wait_for_ever();
}

START_TEST(a_signal_ends_the_process_once_all_is_sent) {
  run_against_broker(raise_sigterm);
  expect_signal(SIGTERM, 10);
  ck_assert_ptr_nonnull(strstr(child.errors, "of 10 records on their way 0 were lost"));
  world_broker_stop();
  run_against_broker(raise_sigint);
  expect_signal(SIGINT, 10);
}
END_TEST

static void raise_another(void) {
  world_send(create("shutdown.signals=SIGTERM"), 10, 0);
  raise(SIGINT);
  wait_for_ever();
}

START_TEST(signals_that_are_not_named_do_what_they_did) {
  run_against_broker(raise_another);
  expect_signal(SIGINT, 0);
  ck_assert_str_eq(child.errors, "");
}
END_TEST

static void raise_unasked(void) {
  struct sigaction action;
  world_create(NULL, NULL);
  if (sigaction(SIGTERM, NULL, &action) != 0 || action.sa_handler != SIG_DFL) _exit(1);
  if (sigaction(SIGINT, NULL, &action) != 0 || action.sa_handler != SIG_DFL) _exit(2);
}

START_TEST(without_the_setting_no_handler_is_touched) {
  run_against_broker(raise_unasked);
  expect_exit(0, 0);
}
END_TEST

/* ---- ignored ---- */

static void ignore_and_raise(void) {
  signal(SIGINT, SIG_IGN);
  void *handle = create("shutdown.signals=SIGTERM,SIGINT");
  world_send(handle, 10, 0);
  raise(SIGINT);
  world_send(handle, 10, 10);
  raise(SIGTERM);
  wait_for_ever();
}

START_TEST(an_ignored_signal_stays_ignored) {
  run_against_broker(ignore_and_raise);
  expect_signal(SIGTERM, 20);
}
END_TEST

/* ---- handlers of the host ---- */

static volatile sig_atomic_t handled, handled_process;

static void handle_plainly(int number) {
  if (number == SIGTERM) handled++;
}

static void handle_with_information(int number, siginfo_t *information, void *context) {
  if (number != SIGTERM || context == NULL) return;
  handled++;
  handled_process = information->si_pid;
}

/* Until the signal's thread has ended the producer. */
static void await_closed(void *handle) {
  struct producer *producer = world_lock(handle);
  while (producer->state != PRODUCER_CLOSED)
    condition_wait(&producer->finished, &producer->slot->lock, CLOCK_NEVER_US);
  world_unlock(producer);
}

static void handle_and_go_on(void) {
  signal(SIGTERM, handle_plainly);
  void *handle = create("shutdown.signals=SIGTERM"), *second = create("shutdown.signals=SIGTERM");
  world_send(handle, 10, 0);
  world_send(second, 10, 0);
  errno = ERANGE;
  raise(SIGTERM);
  if (errno != ERANGE) _exit(1);
  if (handled != 1) _exit(2);
  await_closed(handle);
  await_closed(second);
  void *third = create("shutdown.signals=SIGTERM"); /* the handler stays for those to come */
  world_send(third, 10, 0);
  raise(SIGTERM);
  if (handled != 2) _exit(3);
  await_closed(third);
  exit(8);
}

START_TEST(a_hosts_handler_is_called_once_and_the_process_goes_on) {
  run_against_broker(handle_and_go_on);
  expect_exit(8, 30);
}
END_TEST

static void handle_information(void) {
  struct sigaction action = {.sa_sigaction = handle_with_information, .sa_flags = SA_SIGINFO};
  sigaction(SIGTERM, &action, NULL);
  void *handle = create("shutdown.signals=SIGTERM");
  world_send(handle, 10, 0);
  kill(getpid(), SIGTERM);
  await_closed(handle);
  exit(handled == 1 && handled_process == getpid() ? 0 : 1);
}

START_TEST(a_hosts_handler_is_told_who_sent_the_signal) {
  run_against_broker(handle_information);
  expect_exit(0, 10);
}
END_TEST

static void handle_and_exit(void) {
  signal(SIGTERM, handle_plainly);
  world_send(create("shutdown.signals=SIGTERM"), 10, 0);
  raise(SIGTERM);
  exit(handled == 1 ? 6 : 1);
}

/* The usual way: the handler sets a flag, and the program ends while the signal's thread is still sending. */
START_TEST(an_exit_while_a_signal_is_handled_loses_nothing) {
  run_against_broker(handle_and_exit);
  expect_exit(6, 10);
}
END_TEST

static void raise_both(void) {
  signal(SIGINT, handle_plainly);
  void *handle = create("shutdown.signals=SIGTERM,SIGINT");
  world_send(handle, 10, 0);
  struct producer *producer = world_lock(handle); /* so long the signals' thread gets no further */
  raise(SIGINT);
  raise(SIGTERM);
  raise(SIGINT);
  world_unlock(producer);
  wait_for_ever();
}

START_TEST(a_signal_right_before_another_is_not_forgotten) {
  run_against_broker(raise_both);
  expect_signal(SIGTERM, 10);
}
END_TEST

/* ---- another version of this library in the process ---- */

static void end_at_once(int number, siginfo_t *information, void *context) {
  _exit(number == SIGTERM && information != NULL && context != NULL ? 7 : 1);
}

static void mark(sigset_t *blocked) {
  for (int i = 0; i < 6; i += 2)
    sigaddset(blocked, SIGRTMAX - i);
}

static void raise_above_a_copy(void) {
  struct sigaction copy = {.sa_sigaction = end_at_once, .sa_flags = SA_SIGINFO};
  mark(&copy.sa_mask);
  sigaction(SIGTERM, &copy, NULL);
  world_send(create("shutdown.signals=SIGTERM"), 10, 0);
  raise(SIGTERM);
  wait_for_ever();
}

START_TEST(the_handler_of_a_copy_is_called_once_all_is_sent) {
  run_against_broker(raise_above_a_copy);
  expect_exit(7, 10);
}
END_TEST

/* A copy above a host that goes on after the signal. */
static void outlive_a_copy(void) {
  struct sigaction copy = {.sa_sigaction = handle_with_information, .sa_flags = SA_SIGINFO};
  mark(&copy.sa_mask);
  sigaction(SIGTERM, &copy, NULL);
  for (int round = 1; round <= 2; round++) {
    world_send(create("shutdown.signals=SIGTERM"), 10, 0);
    raise(SIGTERM);
    while (handled < round)
      usleep(1000);
  }
  _exit(handled == 2 ? 8 : 1); /* what is not sent by now never is */
}

START_TEST(above_a_copy_that_goes_on_the_handler_is_installed_anew) {
  run_against_broker(outlive_a_copy);
  expect_exit(8, 20);
}
END_TEST

static void look_at_the_handler(void) {
  struct sigaction action;
  sigset_t marked;
  sigemptyset(&marked);
  mark(&marked);
  action = (struct sigaction){.sa_handler = SIG_DFL};
  sigfillset(&action.sa_mask);
  sigaction(SIGTERM, &action, NULL);
  create("shutdown.signals=SIGTERM");
  sigaction(SIGTERM, NULL, &action);
  for (int number = SIGRTMIN; number <= SIGRTMAX; number++)
    if (sigismember(&action.sa_mask, number) != sigismember(&marked, number)) _exit(1);
}

START_TEST(a_copy_knows_our_handler) {
  run_against_broker(look_at_the_handler);
  expect_exit(0, 0);
}
END_TEST

static void raise_above_a_host_that_blocks_all(void) {
  struct sigaction host = {.sa_sigaction = handle_with_information, .sa_flags = SA_SIGINFO};
  sigfillset(&host.sa_mask);
  sigaction(SIGTERM, &host, NULL);
  void *handle = create("shutdown.signals=SIGTERM");
  world_send(handle, 10, 0);
  raise(SIGTERM);
  if (handled != 1) _exit(1);
  await_closed(handle);
  exit(8);
}

START_TEST(a_host_that_blocks_all_signals_is_no_copy) {
  run_against_broker(raise_above_a_host_that_blocks_all);
  expect_exit(8, 10);
}
END_TEST

/* ---- children ---- */

static void fork_and_raise(void) {
  void *handle = create("shutdown.signals=SIGTERM");
  world_send(handle, 10, 0);
  pid_t process = fork();
  if (process == 0) {
    raise(SIGTERM);
    _exit(1);
  }
  int status = 0;
  if (waitpid(process, &status, 0) != process || !WIFSIGNALED(status)) _exit(2);
  world_send(handle, 10, 10); /* not closed by the child's signal */
  raise(SIGTERM);
  wait_for_ever();
}

START_TEST(a_signal_to_a_child_is_the_childs) {
  run_against_broker(fork_and_raise);
  expect_signal(SIGTERM, 20);
}
END_TEST

static void fork_and_produce(void) {
  void *handle = create("shutdown.signals=SIGTERM");
  pid_t process = fork();
  if (process == 0) {
    world_send(create("shutdown.signals=SIGTERM"), 10, 0);
    raise(SIGTERM);
    wait_for_ever();
  }
  int status = 0;
  if (waitpid(process, &status, 0) != process || !WIFSIGNALED(status)) _exit(2);
  world_send(handle, 10, 10);
  raise(SIGTERM);
  wait_for_ever();
}

START_TEST(a_childs_own_producers_are_ended_as_well) {
  run_against_broker(fork_and_produce);
  expect_signal(SIGTERM, 20);
}
END_TEST

int main(void) {
  Suite *suite = suite_create("shutdown_signals");
  TCase *test_case = tcase_create("all");
  tcase_add_checked_fixture(test_case, NULL, tear_down);
  tcase_add_test(test_case, a_signal_ends_the_process_once_all_is_sent);
  tcase_add_test(test_case, signals_that_are_not_named_do_what_they_did);
  tcase_add_test(test_case, without_the_setting_no_handler_is_touched);
  tcase_add_test(test_case, an_ignored_signal_stays_ignored);
  tcase_add_test(test_case, a_hosts_handler_is_called_once_and_the_process_goes_on);
  tcase_add_test(test_case, a_hosts_handler_is_told_who_sent_the_signal);
  tcase_add_test(test_case, an_exit_while_a_signal_is_handled_loses_nothing);
  tcase_add_test(test_case, a_signal_right_before_another_is_not_forgotten);
  tcase_add_test(test_case, the_handler_of_a_copy_is_called_once_all_is_sent);
  tcase_add_test(test_case, above_a_copy_that_goes_on_the_handler_is_installed_anew);
  tcase_add_test(test_case, a_copy_knows_our_handler);
  tcase_add_test(test_case, a_host_that_blocks_all_signals_is_no_copy);
  tcase_add_test(test_case, a_signal_to_a_child_is_the_childs);
  if (world_children_may_produce()) tcase_add_test(test_case, a_childs_own_producers_are_ended_as_well);
  suite_add_tcase(suite, test_case);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_ENV);
  int failures = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failures != 0;
}
