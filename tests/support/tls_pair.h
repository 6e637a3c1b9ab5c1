/* A session and a peer that it talks to in memory; what most tests of sessions do with them. What does not
 * come out as wanted fails the test. */
#ifndef SUPPORT_TLS_PAIR_H
#define SUPPORT_TLS_PAIR_H

#include "security/tls_session.h"
#include "support/tls_peer.h"

enum { TLS_PAIR_PORT = 9093 };

/* Used in place, from tls_pair_prepare or tls_pair_open to tls_pair_close. */
struct tls_pair {
  struct tls_context *context;
  SSL_CTX *server;
  struct tls_peer peer;
  struct tls_session *session;
};

/* Makes the contexts, then as many sessions as are dialled and hung up. */
void tls_pair_prepare(struct tls_pair *pair, const struct tls_settings *settings,
                      const struct tls_peer_settings *peer_settings);
void tls_pair_dial(struct tls_pair *pair, const char *host);
void tls_pair_hang_up(struct tls_pair *pair);

/* Prepared, dialled and connected. */
void tls_pair_open(struct tls_pair *pair, const struct tls_settings *settings,
                   const struct tls_peer_settings *peer_settings, const char *host);
/* Hangs up and frees the contexts. */
void tls_pair_close(struct tls_pair *pair);

/* A session of its own connects. */
void tls_pair_check_connects(const struct tls_settings *settings,
                             const struct tls_peer_settings *peer_settings, const char *host);
/* A session of its own fails with that status; both words are in its reason. */
void tls_pair_check_fails(const struct tls_settings *settings, const struct tls_peer_settings *peer_settings,
                          const char *host, int32_t status, const char *first, const char *second);
void tls_pair_check_reason(const struct tls_pair *pair, int32_t status, const char *words);

#endif
