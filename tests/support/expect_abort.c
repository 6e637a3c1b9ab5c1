#include "support/expect_abort.h"

#include <check.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

void expect_abort(void (*run)(void *context), void *context, const char *what) {
  int ends[2];
  ck_assert_int_eq(pipe(ends), 0);
  pid_t child = fork();
  ck_assert_int_ge(child, 0);
  if (child == 0) {
    setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
    dup2(ends[1], STDERR_FILENO);
    run(context);
    _exit(0);
  }
  close(ends[1]);
  char output[4096];
  size_t size = 0;
  for (ssize_t count; (count = read(ends[0], output + size, sizeof output - 1 - size)) > 0;)
    size += (size_t)count;
  output[size] = '\0';
  close(ends[0]);
  int status = 0;
  ck_assert_int_eq(waitpid(child, &status, 0), child);
  ck_assert_msg(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT, "no assertion failed");
  ck_assert_msg(strstr(output, what) != NULL, "another assertion failed: %s", output);
}
