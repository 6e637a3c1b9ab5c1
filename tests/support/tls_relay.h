/* What makes a secured broker of one that knows neither TLS nor logins: it listens on a port of 127.0.0.1,
 * ends TLS, answers SCRAM-SHA-256 logins, and hands all else on. A thread of its own serves all connections.
 * Aborts the test when the system or OpenSSL fails. */
#ifndef SUPPORT_TLS_RELAY_H
#define SUPPORT_TLS_RELAY_H

#include <openssl/ssl.h>
#include <stdint.h>

struct tls_relay;

/* context NULL: no TLS. password NULL: no logins. Both are borrowed. */
struct tls_relay *tls_relay_start(uint16_t broker_port, SSL_CTX *context, const char *password);
void tls_relay_stop(struct tls_relay *relay);

uint16_t tls_relay_port(const struct tls_relay *relay);
/* TLS handshakes and logins that came to their end. */
uint32_t tls_relay_handshakes(const struct tls_relay *relay);
uint32_t tls_relay_logins(const struct tls_relay *relay);

#endif
