/* TLS over any transport: connections are there once their handshake is done, and carry plaintext upwards and
 * TLS records downwards. Name look-ups pass through. */
#ifndef NETWORK_TRANSPORT_TLS_H
#define NETWORK_TRANSPORT_TLS_H

#include "network/transport.h"
#include "security/tls_context.h"

/* Takes inner over if it succeeds, and keeps a reference to context. Statuses: OK, OUT_OF_MEMORY.
 *
 * What `send` reports as taken has been taken by inner in the form of TLS records, so nothing that was
 * reported is lost by a close. The caller offers the same bytes again, from the first that was not reported.
 */
int32_t transport_tls_create(struct transport *inner, struct tls_context *context,
                             struct transport **transport);

/* Connections from now on are made by this context, which is retained. Any thread. */
void transport_tls_replace(struct transport *transport, struct tls_context *context);

#endif
