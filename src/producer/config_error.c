#include "producer/config_error.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

void config_error_set(struct config_error *error, const char *format, ...) {
  if (error == NULL) return;
  va_list arguments;
  va_start(arguments, format);
  int written = vsnprintf(error->text, sizeof(error->text), format, arguments);
  va_end(arguments);
  if (written < 0) error->text[0] = '\0';
  for (char *c = error->text; *c != '\0'; c++) {
    if ((unsigned char)*c < 0x20 || *c == 0x7f) *c = '?';
  }
}
