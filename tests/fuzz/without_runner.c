/* tests/support is written for Check, whose assertions need a runner: in a fuzz target one that holds does
 * nothing, and one that fails ends the process. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

void __wrap__mark_point(const char *file, int line);
void __wrap__ck_assert_failed(const char *file, int line, const char *expression, const char *message, ...)
    __attribute__((format(printf, 4, 5)));

void __wrap__mark_point(const char *file, int line) {
  (void)file;
  (void)line;
}

void __wrap__ck_assert_failed(const char *file, int line, const char *expression, const char *message, ...) {
  (void)fprintf(stderr, "%s:%d: %s: ", file, line, expression);
  va_list arguments;
  va_start(arguments, message);
  if (message != NULL) (void)vfprintf(stderr, message, arguments);
  va_end(arguments);
  (void)fputc('\n', stderr);
  abort();
}
