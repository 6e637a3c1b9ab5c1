/* A TLS server in memory, by OpenSSL: what brokers do, and what they should not do. Aborts the test when
 * memory is missing. */
#ifndef SUPPORT_TLS_PEER_H
#define SUPPORT_TLS_PEER_H

#include "base/bytes.h"
#include "support/tls_certificates.h"
#include <openssl/ssl.h>

struct tls_session;

/* All that is left out is as OpenSSL has it. */
struct tls_peer_settings {
  const struct tls_certificate *own;
  const struct tls_certificate *chain[3]; /* sent behind it */
  const struct tls_certificate *client_authority;
  bool wants_certificate;    /* of the client, and fails without */
  int minimum, maximum;      /* TLS1_2_VERSION, ...; 0: any from TLS 1.0 on */
  const char *ciphers;       /* of TLS 1.2 */
  const char *cipher_suites; /* of TLS 1.3 */
  const char *groups;
  bool is_weak; /* security level 0 */
};

SSL_CTX *tls_peer_context(const struct tls_peer_settings *settings);

/* One connection. */
struct tls_peer {
  SSL *ssl;
  BIO *in, *out;
  bool is_handshake_done, has_failed, has_ended; /* ended: by the client's close_notify */
  uint8_t *received;
  size_t received_size, received_capacity;
};

void tls_peer_open(struct tls_peer *peer, SSL_CTX *context);
void tls_peer_close(struct tls_peer *peer);

/* Bytes of the client: goes on with the handshake, and receives what there is. */
void tls_peer_put(struct tls_peer *peer, struct bytes input);
/* Plaintext to the client. */
void tls_peer_write(struct tls_peer *peer, struct bytes data);
/* Asks for new keys on both sides (TLS 1.3). */
void tls_peer_update_keys(struct tls_peer *peer);
/* close_notify */
void tls_peer_shut_down(struct tls_peer *peer);

/* What the client is to be given; gone once it is taken. */
size_t tls_peer_take(struct tls_peer *peer, uint8_t *to, size_t capacity);

/* Carries bytes between the two until neither has any; the session shakes hands if it has not. */
void tls_peer_exchange(struct tls_peer *peer, struct tls_session *session);
/* Whether both have come through the handshake. */
bool tls_peer_connect(struct tls_peer *peer, struct tls_session *session);

#endif
