/* What the programs of old releases check themselves by. */
#ifndef COMPATIBILITY_C_GUARDED_H
#define COMPATIBILITY_C_GUARDED_H

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PATIENCE_MS = 60000, GUARD_BYTES = 512, GUARD = 0xA5 };

#define EXPECT(condition)                                                                                    \
  do {                                                                                                       \
    if (!(condition)) {                                                                                      \
      (void)fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition);                          \
      exit(1);                                                                                               \
    }                                                                                                        \
  } while (0)
#define EXPECT_OK(call)             expect_status(__FILE__, __LINE__, #call, (call), SENDOFF_OK)
#define EXPECT_STATUS(call, status) expect_status(__FILE__, __LINE__, #call, (call), status)

/* A struct of the size that this program was compiled with, and behind it what belongs to somebody else. */
#define GUARDED(type)                                                                                        \
  struct {                                                                                                   \
    type is;                                                                                                 \
    unsigned char guard[GUARD_BYTES];                                                                        \
  }
#define GUARDED_BEGIN(guarded)                                                                               \
  do {                                                                                                       \
    memset(&(guarded), GUARD, sizeof(guarded));                                                              \
    (guarded).is.size = sizeof(guarded).is;                                                                  \
  } while (0)
#define EXPECT_GUARDED(guarded) EXPECT(is_untouched((guarded).guard))

static inline bool is_untouched(const unsigned char *guard) {
  for (size_t i = 0; i < GUARD_BYTES; i++)
    if (guard[i] != GUARD) return false;
  return true;
}

/* A program that is only told to start says so and ends. */
static inline void begin(int argc, char **argv) {
  if (argc != 2 || strcmp(argv[1], "start") != 0) return;
  (void)puts("started");
  exit(0);
}

static inline void expect_status(const char *file, int line, const char *call, int status, int wanted) {
  if (status == wanted) return;
  (void)fprintf(stderr, "%s:%d: %s answered %d %s\n", file, line, call, status, sendoff_status_name(status));
  exit(1);
}

#endif
