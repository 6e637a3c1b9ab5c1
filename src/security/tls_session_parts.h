/* What the parts of a session share: tls_session.c, tls_session_buffer.c, tls_session_verify.c and
 * tls_session_failure.c. */
#ifndef SECURITY_TLS_SESSION_PARTS_H
#define SECURITY_TLS_SESSION_PARTS_H

#include "security/tls_session.h"
#include <openssl/ssl.h>

enum { TLS_REASON_BYTES = 512, TLS_FIRST_BYTES = 16, TLS_NAME_BYTES = 192 };

/* Bytes that wait in `data` from `start` to `end`. */
struct tls_buffer {
  uint8_t *data;
  size_t start, end, capacity;
};

/* Where the peer's stream is between its records (RFC 8446, 5.1: type, version, u16 size). */
struct tls_framing {
  uint8_t header[5];
  size_t header_have, body_left;
};

/* failure.status is STATUS_OK until the session has failed, and does not change after that. */
struct tls_session {
  SSL *ssl;
  struct tls_context *context;
  char *host; /* as it is verified: without a trailing dot or an IPv6 zone */
  uint16_t port;
  bool is_address, is_handshake_done, has_input_ended, is_out_of_memory;
  bool was_asked_for_certificate, was_shut_down;
  struct tls_buffer input, output;
  struct tls_framing framing;
  uint8_t first[TLS_FIRST_BYTES]; /* of what the peer sent */
  size_t first_count;
  int32_t status;
  char reason[TLS_REASON_BYTES];
};

/* Callbacks that tls_context_create installs for its sessions. */
void tls_session_install(SSL_CTX *ssl);
int tls_session_verify(X509_STORE_CTX *verification, void *unused);

/* Makes room for size bytes behind the end. False if memory is missing. */
bool tls_buffer_reserve(struct tls_buffer *buffer, size_t size);
void tls_buffer_deinit(struct tls_buffer *buffer);

/* The session has failed, for this reason unless there already is one. */
void tls_session_fail(struct tls_session *session, int32_t status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* ... of which OpenSSL has just told. */
void tls_session_fail_by_openssl(struct tls_session *session);
/* ... since the peer went away in the middle of something. */
void tls_session_fail_by_end(struct tls_session *session);
/* ... since the peer's certificate does not pass. */
void tls_session_refuse(struct tls_session *session, X509_STORE_CTX *verification);

#endif
