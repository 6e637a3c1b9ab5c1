/* Standard error: whole lines, and under them one that is drawn again and again (the progress). Any thread.
 */
#ifndef CLI_CONSOLE_H
#define CLI_CONSOLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Prints "sendoff: ", the message and an end of line, above the progress line. */
void console_print(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The same without the prefix. */
void console_print_plain(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The text of an errno, kept in buffer or in static memory. */
const char *console_error_text(int error, char *buffer, size_t buffer_size);

/* on_log of a producer: warnings and errors are printed. user is not used. */
void console_log(void *user, int32_t level, const char *line);

/* Whether somebody is looking, so that a progress line makes sense. */
bool console_is_terminal(void);

/* Draws the progress line, in place of the one before. */
void console_draw_progress(const char *line);

/* Removes the progress line, if there is one. */
void console_clear_progress(void);

#endif
