#include "base/status.h"

/* The words of status.def. */
#define NONE    STATUS_CLASS_NONE
#define RETRY   STATUS_CLASS_RETRIABLE
#define STALE   (STATUS_CLASS_RETRIABLE | STATUS_CLASS_REFRESH_METADATA)
#define REFUSED STATUS_CLASS_NOT_APPENDED
#define FATAL   STATUS_CLASS_FATAL
#define CONFIG  STATUS_CLASS_CONFIGURATION
#define AUTH    STATUS_CLASS_AUTHORIZATION
#define ABORT   STATUS_CLASS_ABORTABLE

const char *status_name(int32_t status) {
  switch (status) {
#define STATUS(number, name, classes, text)                                                                  \
  case number:                                                                                               \
    return #name;
#include "base/status.def"
#undef STATUS
  default: return "UNKNOWN_STATUS";
  }
}

const char *status_text(int32_t status) {
  switch (status) {
#define STATUS(number, name, classes, text)                                                                  \
  case number:                                                                                               \
    return text;
#include "base/status.def"
#undef STATUS
  default: return "a code that this version of Sendoff does not know";
  }
}

uint32_t status_classes(int32_t status) {
  switch (status) {
#define STATUS(number, name, classes, text)                                                                  \
  case number:                                                                                               \
    return (uint32_t)(classes);
#include "base/status.def"
#undef STATUS
  default: return STATUS_CLASS_NONE;
  }
}
