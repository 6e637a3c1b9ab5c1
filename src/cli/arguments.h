/* What the commands share for reading their command lines. */
#ifndef CLI_ARGUMENTS_H
#define CLI_ARGUMENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Reads a whole decimal number from minimum to maximum; false for anything else. */
bool argument_integer(const char *text, int64_t minimum, int64_t maximum, int64_t *value);

/* Splits HOST:PORT or [HOST]:PORT. False when the host is empty or does not fit, or the port is no number up
 * to 65535. */
bool argument_address(const char *text, char *host, size_t host_size, uint16_t *port);

/* Prints "sendoff COMMAND: TEXT" and where help is to be had on stderr; returns 2, the exit status of a wrong
 * command line. */
int argument_error(const char *command, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
