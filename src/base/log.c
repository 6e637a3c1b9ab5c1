#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>

enum { LINE_BYTES = 1024 };

void log_write(const struct log *log, int32_t level, const char *format, ...) {
  if (!log_wants(log, level)) return;
  char line[LINE_BYTES];
  va_list arguments;
  va_start(arguments, format);
  int size = vsnprintf(line, sizeof line, format, arguments);
  va_end(arguments);
  if (size < 0) return;
  /* Broker texts and topic names may hold anything; a line break in them must not forge a line. */
  for (char *at = line; *at != '\0'; at++)
    if ((unsigned char)*at < 0x20 || *at == 0x7f) *at = '?';
  log->sink(log->context, level, line);
}
