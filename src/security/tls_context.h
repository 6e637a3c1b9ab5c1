/* What all TLS sessions of a producer have in common: whom it trusts, who it is, which protocols, sessions to
 * resume. Immutable but for the table of sessions, which has a lock of its own; counted, so that a reload can
 * put another one in its place while connections go on. Any thread. */
#ifndef SECURITY_TLS_CONTEXT_H
#define SECURITY_TLS_CONTEXT_H

#include "base/log.h"
#include "security/tls_settings.h"
#include <stddef.h>

struct tls_context;

/* Loads and checks everything. Statuses: OK, INVALID_SETTING (error says which setting and what is wrong with
 * what it names: not readable, not a certificate, wrong password, key and certificate do not match, ...),
 * FILE_UNREADABLE, SYSTEM_ERROR (OpenSSL does not start), OUT_OF_MEMORY. log: warned of verification that is
 * off, of a client certificate that has expired. Reads files. */
int32_t tls_context_create(const struct tls_settings *settings, const struct log *log,
                           struct tls_context **context, char *error, size_t error_size);

struct tls_context *tls_context_retain(struct tls_context *context);
/* NULL is allowed. */
void tls_context_release(struct tls_context *context);

#endif
