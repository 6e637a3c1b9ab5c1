#include "support/tls_pair.h"

#include "support/tls_world.h"
#include <check.h>
#include <string.h>

void tls_pair_prepare(struct tls_pair *pair, const struct tls_settings *settings,
                      const struct tls_peer_settings *peer_settings) {
  pair->context = tls_world_context(settings);
  pair->server = tls_peer_context(peer_settings);
}

void tls_pair_dial(struct tls_pair *pair, const char *host) {
  tls_peer_open(&pair->peer, pair->server);
  pair->session = tls_session_create(pair->context, host, TLS_PAIR_PORT);
  ck_assert_ptr_nonnull(pair->session);
}

void tls_pair_hang_up(struct tls_pair *pair) {
  tls_session_destroy(pair->session);
  tls_peer_close(&pair->peer);
}

void tls_pair_open(struct tls_pair *pair, const struct tls_settings *settings,
                   const struct tls_peer_settings *peer_settings, const char *host) {
  tls_pair_prepare(pair, settings, peer_settings);
  tls_pair_dial(pair, host);
  bool done = tls_peer_connect(&pair->peer, pair->session);
  ck_assert_msg(done, "%s: %s", host, tls_session_reason(pair->session));
}

void tls_pair_close(struct tls_pair *pair) {
  tls_pair_hang_up(pair);
  tls_context_release(pair->context);
  SSL_CTX_free(pair->server);
}

void tls_pair_check_connects(const struct tls_settings *settings,
                             const struct tls_peer_settings *peer_settings, const char *host) {
  struct tls_pair pair;
  tls_pair_open(&pair, settings, peer_settings, host);
  tls_pair_close(&pair);
}

void tls_pair_check_fails(const struct tls_settings *settings, const struct tls_peer_settings *peer_settings,
                          const char *host, int32_t status, const char *first, const char *second) {
  struct tls_pair pair;
  tls_pair_prepare(&pair, settings, peer_settings);
  tls_pair_dial(&pair, host);
  tls_peer_exchange(&pair.peer, pair.session);
  uint8_t byte;
  size_t count = 0;
  if (tls_session_handshake(pair.session) ==
      TLS_DONE) { /* by TLS 1.3 a server refuses after the client's handshake */
    ck_assert_int_eq(tls_session_read(pair.session, &byte, 1, &count), TLS_FAILED);
  }
  tls_pair_check_reason(&pair, status, first);
  tls_pair_check_reason(&pair, status, second);
  ck_assert_int_eq(tls_session_handshake(pair.session), TLS_FAILED);
  tls_pair_close(&pair);
}

void tls_pair_check_reason(const struct tls_pair *pair, int32_t status, const char *words) {
  const char *reason = tls_session_reason(pair->session);
  ck_assert_int_eq(tls_session_status(pair->session), status);
  ck_assert_msg(strstr(reason, words) != NULL, "\"%s\" is not in: %s", words, reason);
}
