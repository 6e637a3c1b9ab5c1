/* A client's connection as null_broker uses it: a blocking socket, with TLS around it in the variant that is
 * compiled with NULL_BROKER_TLS and OpenSSL. TLS 1.3 with AES-GCM and nothing else, so that all clients are
 * measured with the same cipher: AES-256 by the clients' order of preference. */
#ifndef BENCH_BROKER_SOCKET_H
#define BENCH_BROKER_SOCKET_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <unistd.h>

#ifdef NULL_BROKER_TLS
#include <openssl/ssl.h>

struct broker_socket {
  int socket;
  SSL *tls;
};

enum { TLS_READ_BYTES = 256 << 10 };

static SSL_CTX *broker_context;

/* pem: a file with the certificate and its key. */
static inline bool broker_socket_load(const char *pem) {
  broker_context = SSL_CTX_new(TLS_server_method());
  if (broker_context == NULL) return false;
  SSL_CTX_set_read_ahead(broker_context, 1);
  SSL_CTX_set_default_read_buffer_len(broker_context, TLS_READ_BYTES);
  return SSL_CTX_set_min_proto_version(broker_context, TLS1_3_VERSION) == 1 &&
         SSL_CTX_set_ciphersuites(broker_context, "TLS_AES_256_GCM_SHA384:TLS_AES_128_GCM_SHA256") == 1 &&
         SSL_CTX_use_certificate_file(broker_context, pem, SSL_FILETYPE_PEM) == 1 &&
         SSL_CTX_use_PrivateKey_file(broker_context, pem, SSL_FILETYPE_PEM) == 1;
}

static inline bool broker_socket_open(struct broker_socket *self, int socket) {
  self->socket = socket;
  self->tls = SSL_new(broker_context);
  return self->tls != NULL && SSL_set_fd(self->tls, socket) == 1 && SSL_accept(self->tls) == 1;
}

static inline void broker_socket_close(struct broker_socket *self) {
  SSL_free(self->tls);
  (void)close(self->socket);
}

/* As recv: what is there, waits for something, 0 at the end. */
static inline ssize_t broker_socket_receive(struct broker_socket *self, uint8_t *to, size_t size) {
  size_t received;
  return SSL_read_ex(self->tls, to, size, &received) == 1 ? (ssize_t)received : 0;
}

/* Whether more is there that the socket does not tell of. */
static inline bool broker_socket_has_more(const struct broker_socket *self) {
  return SSL_has_pending(self->tls) == 1;
}

static inline bool broker_socket_send(struct broker_socket *self, const uint8_t *bytes, size_t size) {
  size_t sent;
  return SSL_write_ex(self->tls, bytes, size, &sent) == 1;
}

#else

struct broker_socket {
  int socket;
};

static inline bool broker_socket_load(const char *pem) {
  (void)pem;
  return false;
}

static inline bool broker_socket_open(struct broker_socket *self, int socket) {
  self->socket = socket;
  return true;
}

static inline void broker_socket_close(struct broker_socket *self) {
  (void)close(self->socket);
}

static inline ssize_t broker_socket_receive(struct broker_socket *self, uint8_t *to, size_t size) {
  return recv(self->socket, to, size, 0);
}

static inline bool broker_socket_has_more(const struct broker_socket *self) {
  (void)self;
  return false;
}

static inline bool broker_socket_send(struct broker_socket *self, const uint8_t *bytes, size_t size) {
  while (size > 0) {
    ssize_t sent = send(self->socket, bytes, size, MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0) return false;
    bytes += sent;
    size -= (size_t)sent;
  }
  return true;
}

#endif
#endif
