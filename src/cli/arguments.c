#include "cli/arguments.h"
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool argument_integer(const char *text, int64_t minimum, int64_t maximum, int64_t *value) {
  char *end = NULL;
  bool begins_well = (text[0] >= '0' && text[0] <= '9') || text[0] == '-';
  errno = 0;
  long long number = strtoll(text, &end, 10);
  if (!begins_well || end == text || *end != '\0' || errno != 0) return false;
  if (number < minimum || number > maximum) return false;
  *value = number;
  return true;
}

bool argument_address(const char *text, char *host, size_t host_size, uint16_t *port) {
  int64_t number = 0;
  const char *colon = strrchr(text, ':');
  if (colon == NULL || !argument_integer(colon + 1, 0, UINT16_MAX, &number)) return false;
  const char *from = text, *to = colon;
  if (text[0] == '[') {
    if (colon - text < 2 || colon[-1] != ']') return false;
    from = text + 1;
    to = colon - 1;
  } else if (memchr(text, ':', (size_t)(colon - text)) != NULL) {
    return false; /* an IPv6 address needs its brackets */
  }
  size_t size = (size_t)(to - from);
  if (size == 0 || size >= host_size) return false;
  memcpy(host, from, size);
  host[size] = '\0';
  *port = (uint16_t)number;
  return true;
}

int argument_error(const char *command, const char *format, ...) {
  va_list arguments;
  fprintf(stderr, "sendoff %s: ", command);
  va_start(arguments, format);
  vfprintf(stderr, format, arguments);
  va_end(arguments);
  fprintf(stderr, "\ntry 'sendoff %s --help'\n", command);
  return 2;
}
