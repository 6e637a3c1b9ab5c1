/* Statuses: Kafka's error codes verbatim (0 is success, -1 is Kafka's UNKNOWN_SERVER_ERROR, the rest
 * positive) and our own in the band -1001 and below. One table, status.def, holds number, name, class and
 * text; the public header repeats the numbers and abi/ checks at compile time that both agree. Numbers are
 * never reused. */
#ifndef BASE_STATUS_H
#define BASE_STATUS_H

#include <stdbool.h>
#include <stdint.h>

/* What a caller can do about a status. A status may have several classes. */
enum status_class {
  STATUS_CLASS_NONE = 0,
  STATUS_CLASS_RETRIABLE = 1 << 0, /* the same request may succeed later; the sender retries these itself */
  STATUS_CLASS_REFRESH_METADATA = 1 << 1, /* the cluster view was stale */
  STATUS_CLASS_NOT_APPENDED =
      1 << 2,                  /* answered to a produce request: this attempt was refused before the append */
  STATUS_CLASS_FATAL = 1 << 3, /* the producer cannot go on */
  STATUS_CLASS_CONFIGURATION = 1 << 4, /* a setting or an argument has to change */
  STATUS_CLASS_AUTHORIZATION = 1 << 5, /* the principal lacks a permission or could not log in */
  STATUS_CLASS_ABORTABLE = 1 << 6,     /* the transaction has to be aborted */
};

enum status {
#define STATUS(number, name, classes, text) STATUS_##name = (number),
#include "base/status.def"
#undef STATUS
};

/* The same number. clang follows a lock that is taken if a function returns 0, but not an enum's constant. */
#define STATUS_OK 0

/* Name of a status as in the table ("NOT_LEADER_OR_FOLLOWER"), or "UNKNOWN_STATUS". Static memory. */
const char *status_name(int32_t status);

/* One sentence for people. Static memory; never NULL. */
const char *status_text(int32_t status);

/* Bits of enum status_class; for a number that is not in the table STATUS_CLASS_NONE. */
uint32_t status_classes(int32_t status);

static inline bool status_has(int32_t status, enum status_class wanted) {
  return (status_classes(status) & (uint32_t)wanted) != 0;
}

#endif
