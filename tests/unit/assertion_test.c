#include "base/assertion.h"

#include <check.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

START_TEST(assertion_that_holds_does_nothing) {
  int evaluated = 0;
  ASSERT(++evaluated == 1);
  ck_assert_int_eq(evaluated, 1);
}
END_TEST

/* In a process of its own, whose stderr is a pipe to us. */
static int run_failing_assertion(char *output, size_t capacity) {
  int ends[2];
  ck_assert_int_eq(pipe(ends), 0);
  pid_t child = fork();
  ck_assert_int_ge(child, 0);
  if (child == 0) {
    setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
    dup2(ends[1], STDERR_FILENO);
    bool batch_is_open = false;
    ASSERT(batch_is_open);
    _exit(0);
  }
  close(ends[1]);
  size_t size = 0;
  for (ssize_t count; (count = read(ends[0], output + size, capacity - 1 - size)) > 0;)
    size += (size_t)count;
  output[size] = '\0';
  close(ends[0]);
  int status = 0;
  ck_assert_int_eq(waitpid(child, &status, 0), child);
  return status;
}

START_TEST(failed_assertion_names_its_place_and_aborts) {
  char output[4096];
  int status = run_failing_assertion(output, sizeof output);
  ck_assert(WIFSIGNALED(status));
  ck_assert_int_eq(WTERMSIG(status), SIGABRT);
  ck_assert_ptr_nonnull(strstr(output, "assertion failed: batch_is_open"));
  ck_assert_ptr_nonnull(strstr(output, "assertion_test.c:"));
}
END_TEST

int main(void) {
  Suite *suite = suite_create("assertion");
  TCase *test_case = tcase_create("all");
  tcase_add_test(test_case, assertion_that_holds_does_nothing);
  tcase_add_test(test_case, failed_assertion_names_its_place_and_aborts);
  suite_add_tcase(suite, test_case);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_ENV);
  int failures = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failures != 0;
}
