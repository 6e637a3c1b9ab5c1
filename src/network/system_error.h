/* The operating system's errors as texts and statuses. Any thread. */
#ifndef NETWORK_SYSTEM_ERROR_H
#define NETWORK_SYSTEM_ERROR_H

#include <stddef.h>
#include <stdint.h>

/* Writes the text of an errno value ("Connection refused") and returns `text`. */
const char *system_error_format(int error, char *text, size_t size);

/* What a failed connect means to a caller: CONNECTION_REFUSED when the network or the peer said no,
 * SYSTEM_ERROR when this machine did. */
int32_t system_error_connect_status(int error);

#endif
