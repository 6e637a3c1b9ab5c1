#include "support/tls_peer.h"

#include "base/assertion.h"
#include "base/status.h"
#include "security/tls_session.h"
#include <openssl/err.h>
#include <stdio.h>
#include <stdlib.h>

enum { STEP_BYTES = 16384, LIST_BYTES = 128 };

static void *checked(void *made) {
  ASSERT(made != NULL);
  return made;
}

static void check(bool done) {
  ASSERT(done);
}

SSL_CTX *tls_peer_context(const struct tls_peer_settings *settings) {
  SSL_CTX *made = checked(SSL_CTX_new(TLS_server_method()));
  if (settings->is_weak) SSL_CTX_set_security_level(made, 0);
  check(SSL_CTX_set_min_proto_version(made, settings->minimum) == 1);
  check(SSL_CTX_set_max_proto_version(made, settings->maximum) == 1);
  check(SSL_CTX_use_certificate(made, settings->own->certificate) == 1);
  check(SSL_CTX_use_PrivateKey(made, settings->own->key) == 1);
  for (size_t i = 0; i < sizeof settings->chain / sizeof settings->chain[0]; i++)
    if (settings->chain[i] != NULL)
      check(SSL_CTX_add1_chain_cert(made, settings->chain[i]->certificate) == 1);
  SSL_CTX_set_mode(made, SSL_MODE_NO_AUTO_CHAIN);
  if (settings->ciphers != NULL) check(SSL_CTX_set_cipher_list(made, settings->ciphers) == 1);
  if (settings->cipher_suites != NULL) check(SSL_CTX_set_ciphersuites(made, settings->cipher_suites) == 1);
  char list[LIST_BYTES]; /* the macros take texts that may be written to */
  snprintf(list, sizeof list, "%s", settings->groups == NULL ? "" : settings->groups);
  if (list[0] != '\0') check(SSL_CTX_set1_groups_list(made, list) == 1);
  if (settings->client_authority != NULL)
    check(X509_STORE_add_cert(SSL_CTX_get_cert_store(made), settings->client_authority->certificate) == 1);
  if (settings->wants_certificate)
    SSL_CTX_set_verify(made, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
  SSL_CTX_set_session_id_context(made, (const unsigned char *)"peer", 4);
  return made;
}

void tls_peer_open(struct tls_peer *peer, SSL_CTX *context) {
  *peer = (struct tls_peer){.ssl = checked(SSL_new(context))};
  peer->in = checked(BIO_new(BIO_s_mem()));
  peer->out = checked(BIO_new(BIO_s_mem()));
  SSL_set_bio(peer->ssl, peer->in, peer->out);
  SSL_set_accept_state(peer->ssl);
}

void tls_peer_close(struct tls_peer *peer) {
  SSL_free(peer->ssl);
  free(peer->received);
  *peer = (struct tls_peer){.ssl = NULL};
}

static void note_result(struct tls_peer *peer, int result) {
  int error = SSL_get_error(peer->ssl, result);
  if (error == SSL_ERROR_ZERO_RETURN) peer->has_ended = true;
  if (error == SSL_ERROR_SSL || error == SSL_ERROR_SYSCALL) peer->has_failed = true;
}

void tls_peer_put(struct tls_peer *peer, struct bytes input) {
  if (input.size > 0) check(BIO_write(peer->in, input.data, (int)input.size) == (int)input.size);
  ERR_clear_error();
  if (!peer->is_handshake_done) {
    int result = SSL_do_handshake(peer->ssl);
    peer->is_handshake_done = result == 1;
    note_result(peer, result);
  }
  while (peer->is_handshake_done && !peer->has_ended && !peer->has_failed) {
    if (peer->received_capacity - peer->received_size < STEP_BYTES) {
      peer->received_capacity = peer->received_capacity * 2 + STEP_BYTES;
      peer->received = checked(realloc(peer->received, peer->received_capacity));
    }
    int count = SSL_read(peer->ssl, peer->received + peer->received_size, STEP_BYTES);
    if (count <= 0) {
      note_result(peer, count);
      break;
    }
    peer->received_size += (size_t)count;
  }
  ERR_clear_error();
}

void tls_peer_write(struct tls_peer *peer, struct bytes data) {
  ERR_clear_error();
  check(SSL_write(peer->ssl, data.data, (int)data.size) == (int)data.size);
}

void tls_peer_update_keys(struct tls_peer *peer) {
  ERR_clear_error();
  check(SSL_key_update(peer->ssl, SSL_KEY_UPDATE_REQUESTED) == 1);
  check(SSL_do_handshake(peer->ssl) == 1);
}

void tls_peer_shut_down(struct tls_peer *peer) {
  ERR_clear_error();
  check(SSL_shutdown(peer->ssl) >= 0);
}

size_t tls_peer_take(struct tls_peer *peer, uint8_t *to, size_t capacity) {
  int count = BIO_read(peer->out, to, (int)capacity);
  return count > 0 ? (size_t)count : 0;
}

void tls_peer_exchange(struct tls_peer *peer, struct tls_session *session) {
  static uint8_t bytes[STEP_BYTES];
  bool is_moving = true;
  enum tls_outcome outcome = tls_session_handshake(session);
  while (is_moving) {
    struct bytes output = tls_session_output(session);
    is_moving = output.size > 0;
    tls_peer_put(peer, output);
    tls_session_output_taken(session, output.size);
    size_t count;
    while ((count = tls_peer_take(peer, bytes, sizeof bytes)) > 0) {
      check(tls_session_put(session, bytes_of(bytes, count)));
      is_moving = true;
    }
    if (outcome == TLS_WANT_INPUT) outcome = tls_session_handshake(session);
    if (tls_session_output(session).size > 0) is_moving = true;
  }
}

bool tls_peer_connect(struct tls_peer *peer, struct tls_session *session) {
  tls_peer_exchange(peer, session);
  return peer->is_handshake_done && !peer->has_failed && tls_session_handshake(session) == TLS_DONE;
}
