#include "base/thread.h"

#include "base/status.h"
#include <check.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

struct seen {
  bool all_blocked;
  char name[16];
};

static void *look(void *argument) {
  struct seen *seen = argument;
  sigset_t mask;
  pthread_sigmask(SIG_SETMASK, NULL, &mask);
  seen->all_blocked = sigismember(&mask, SIGTERM) == 1 && sigismember(&mask, SIGCHLD) == 1;
  thread_set_name("sendoff-test");
  pthread_getname_np(pthread_self(), seen->name, sizeof seen->name);
  return NULL;
}

START_TEST(signals_are_blocked_on_it_and_stay_as_they_were_here) {
  struct seen seen = {0};
  pthread_t thread;
  ck_assert_int_eq(thread_start(&thread, look, &seen), STATUS_OK);
  ck_assert_int_eq(pthread_join(thread, NULL), 0);
  ck_assert(seen.all_blocked);
  ck_assert_str_eq(seen.name, "sendoff-test");
  sigset_t mask;
  pthread_sigmask(SIG_SETMASK, NULL, &mask);
  ck_assert_int_eq(sigismember(&mask, SIGTERM), 0);
}
END_TEST

int main(void) {
  Suite *suite = suite_create("thread");
  TCase *tests = tcase_create("thread");
  tcase_add_test(tests, signals_are_blocked_on_it_and_stay_as_they_were_here);
  suite_add_tcase(suite, tests);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_ENV);
  int failed = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
