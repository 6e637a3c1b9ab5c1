#include "network/system_error.h"

#include "base/status.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>

const char *system_error_format(int error, char *text, size_t size) {
#if defined(__GLIBC__)
  /* The GNU form returns the text, which need not be in the buffer. */
  char buffer[128];
  snprintf(text, size, "%s", strerror_r(error, buffer, sizeof buffer));
#else
  char buffer[128];
  if (strerror_r(error, buffer, sizeof buffer) != 0) snprintf(buffer, sizeof buffer, "error %d", error);
  snprintf(text, size, "%s", buffer);
#endif
  return text;
}

int32_t system_error_connect_status(int error) {
  switch (error) {
  case ECONNREFUSED:
  case ECONNRESET:
  case ECONNABORTED:
  case ETIMEDOUT:
  case EHOSTUNREACH:
  case EHOSTDOWN:
  case ENETUNREACH:
  case ENETDOWN:
  case EADDRNOTAVAIL: /* no source address towards this family, or no free port */
  case EPIPE: return STATUS_CONNECTION_REFUSED;
  default: return STATUS_SYSTEM_ERROR;
  }
}
