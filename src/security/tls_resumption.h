/* TLS sessions that can be resumed, by the host and port that they were made with: a small table whose oldest
 * entry gives way. It has a lock of its own; any thread. */
#ifndef SECURITY_TLS_RESUMPTION_H
#define SECURITY_TLS_RESUMPTION_H

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stdint.h>

struct tls_resumption;

/* NULL if memory is missing. */
struct tls_resumption *tls_resumption_create(void);
/* NULL is allowed. */
void tls_resumption_destroy(struct tls_resumption *resumption);

/* Keeps the session, in the place of the last one of that host and port. True if it takes the caller's
 * reference over; false if it cannot be resumed, or memory is missing. */
bool tls_resumption_put(struct tls_resumption *resumption, const char *host, uint16_t port,
                        SSL_SESSION *session);

/* A session to be resumed now, whose reference is the caller's; NULL: none. A ticket of TLS 1.3 is given out
 * once (RFC 8446, C.4), a session of TLS 1.2 again and again until its time is over. */
SSL_SESSION *tls_resumption_take(struct tls_resumption *resumption, const char *host, uint16_t port);

#endif
