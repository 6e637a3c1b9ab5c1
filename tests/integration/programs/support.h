/* What the test programs share. All of it ends the program with exit status 2 and a line on stderr when
 * something is not as it must be. */
#ifndef INTEGRATION_PROGRAMS_SUPPORT_H
#define INTEGRATION_PROGRAMS_SUPPORT_H

#include <sendoff/sendoff.h>

#include <stddef.h>
#include <stdint.h>

/* Exit status 2, "PROGRAM: what: why". */
_Noreturn void fail(const char *what, const char *why);

/* fail unless the status is OK. */
void expect_ok(int32_t status, const char *what);

int64_t now_us(void);
void sleep_us(int64_t duration_us);

/* A decimal number of at least 0. */
uint64_t parse_count(const char *text);

/* A configuration for these brokers with count settings of the form name=value. The caller destroys it. */
sendoff_config *config_of(const char *bootstrap, char *const *settings, int count);

/* A producer so configured. callbacks may be NULL. */
sendoff_producer *producer_of(const char *bootstrap, char *const *settings, int count,
                              const sendoff_callbacks *callbacks);

/* A whole file in memory, mapped for ever. */
struct text {
  const char *bytes;
  size_t size;
};
struct text map_text(const char *path);

/* The next line at *at without its end, which *at is moved behind; size 0 and bytes NULL at the end of the
 * text. */
struct text next_line(struct text text, size_t *at);

/* The key that a line names (lines.py has the form). */
struct text key_of_line(struct text line);

#endif
