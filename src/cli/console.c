#include "cli/console.h"

#include "base/lock.h"
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* syslog's, as on_log gives them. */
enum { LEVEL_WARNING = 4 };
enum { PROGRESS_BYTES = 160 };

/* To the first column, and from there everything up to the end of the line erased. */
static const char erase_line[] = "\r\033[K";

/* Keeps lines whole, too. */
static struct lock console_lock = LOCK_INITIALIZER;
static char progress[PROGRESS_BYTES] GUARDED_BY(console_lock); /* empty: none is drawn */

static void print_line(const char *prefix, const char *format, va_list arguments)
    __attribute__((format(printf, 2, 0)));

void console_print(const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  print_line("sendoff: ", format, arguments);
  va_end(arguments);
}

void console_print_plain(const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  print_line("", format, arguments);
  va_end(arguments);
}

const char *console_error_text(int error, char *buffer, size_t buffer_size) {
#ifdef __GLIBC__
  return strerror_r(error, buffer, buffer_size);
#else
  if (strerror_r(error, buffer, buffer_size) != 0) snprintf(buffer, buffer_size, "error %d", error);
  return buffer;
#endif
}

void console_log(void *user, int32_t level, const char *line) {
  (void)user;
  if (level <= LEVEL_WARNING) console_print("%s", line);
}

bool console_is_terminal(void) {
  return isatty(STDERR_FILENO) == 1;
}

void console_draw_progress(const char *line) {
  lock_acquire(&console_lock);
  snprintf(progress, sizeof progress, "%s", line);
  fprintf(stderr, "%s%s", erase_line, progress);
  fflush(stderr);
  lock_release(&console_lock);
}

void console_clear_progress(void) {
  lock_acquire(&console_lock);
  if (progress[0] != '\0') fputs(erase_line, stderr);
  progress[0] = '\0';
  fflush(stderr);
  lock_release(&console_lock);
}

static void print_line(const char *prefix, const char *format, va_list arguments) {
  lock_acquire(&console_lock);
  if (progress[0] != '\0') fputs(erase_line, stderr);
  fputs(prefix, stderr);
  vfprintf(stderr, format, arguments);
  fprintf(stderr, "\n%s", progress);
  fflush(stderr);
  lock_release(&console_lock);
}
