#include "base/assertion.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* The process is about to end: the one line that says why goes to the descriptor itself, since the state of
 * stdio, the log sink and their locks cannot be trusted any more. */
_Noreturn void assertion_failed(const char *condition, const char *file, int line) {
  char text[512];
  int size = snprintf(text, sizeof text, "sendoff: %s:%d: assertion failed: %s\n", file, line, condition);
  if (size > 0) {
    size_t count = (size_t)size < sizeof text ? (size_t)size : sizeof text - 1;
    ssize_t written = write(STDERR_FILENO, text, count);
    (void)written;
  }
  abort();
}
