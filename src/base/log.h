/* Levelled log lines to one sink. Silent when no sink is set: the library never writes to stderr by itself
 * (the exit guard's one warning is the exception, and does not come through here). Any thread may log; the
 * sink is called on the thread that logs, without any lock of ours held by this module. */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stdbool.h>
#include <stdint.h>

/* syslog's numbers, as librdkafka's log_level. */
enum log_level {
  LOG_LEVEL_ERROR = 3,
  LOG_LEVEL_WARNING = 4,
  LOG_LEVEL_NOTICE = 5,
  LOG_LEVEL_INFO = 6,
  LOG_LEVEL_DEBUG = 7,
};

/* Where lines go. Set up before it is shared, then only read. */
struct log {
  int32_t level; /* lines above it are dropped */
  void (*sink)(void *context, int32_t level, const char *line);
  void *context;
};

/* Formats one line (at most 1023 bytes; control characters from the outside are replaced by '?') and hands it
 * to the sink. */
void log_write(const struct log *log, int32_t level, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static inline bool log_wants(const struct log *log, int32_t level) {
  return log->sink != 0 && level <= log->level;
}

#define LOG(log, level, ...)                                                                                 \
  do {                                                                                                       \
    if (log_wants(log, level)) log_write(log, level, __VA_ARGS__);                                           \
  } while (0)

#endif
