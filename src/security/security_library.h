/* OpenSSL, started once for the process; and which libraries with exit handlers of their own are in use, so
 * that the producers' own handler is registered behind theirs and runs before them. Any thread. */
#ifndef SECURITY_SECURITY_LIBRARY_H
#define SECURITY_SECURITY_LIBRARY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* To be called before anything else of OpenSSL's; the first call starts it.
 *
 * A copy of our own (SENDOFF_OWN_OPENSSL) reads no openssl.cnf and loads no provider from a file, since both
 * are made for the system's OpenSSL, and is never cleaned up, so that no thread finds it gone. The system's
 * is started as the system wants it. */
void security_library_init(void);

/* The same. Statuses: OK; NOT_CONFIGURED, if this build has no OpenSSL: error says so. */
int32_t security_library_require(char *error, size_t error_size);

/* Whether OpenSSL is a copy of our own: then the "legacy" provider is not there. */
bool security_library_is_own(void);

/* To be called when another library has been loaded and started (libcurl). */
void security_library_started(void);

/* How many libraries have been started that end themselves at exit. */
uint32_t security_library_count(void);

#endif
