/* One TLS client session without its socket: plaintext on one side, TLS records on the other. One owner, no
 * lock, nothing blocks. */
#ifndef SECURITY_TLS_SESSION_H
#define SECURITY_TLS_SESSION_H

#include "base/bytes.h"
#include "security/tls_context.h"

struct tls_session;

enum tls_outcome {
  TLS_DONE,       /* *count bytes were moved, or the handshake is complete */
  TLS_WANT_INPUT, /* needs bytes of the peer first */
  TLS_FULL,       /* the output has to be taken first */
  TLS_CLOSED,     /* the peer closed in order, or just went away between records */
  TLS_FAILED,     /* for good: status and reason */
};

/* host: for SNI and verification; a name (a trailing dot does not count) or an IP address; copied. port tells
 * sessions to be resumed apart. Keeps a reference to context. NULL if memory is missing. */
struct tls_session *tls_session_create(struct tls_context *context, const char *host, uint16_t port);
/* NULL is allowed. */
void tls_session_destroy(struct tls_session *session);

/* Goes on with the handshake; to be called first, and after each input until it is DONE. There may be output
 * whatever it returns, an alert for the peer included. */
enum tls_outcome tls_session_handshake(struct tls_session *session);

/* Bytes of the peer. All are taken; the session keeps what it cannot use yet. False if memory is missing. */
bool tls_session_put(struct tls_session *session, struct bytes input);
/* Whether a read could give something without more input. */
bool tls_session_has_input(const struct tls_session *session);
/* The peer's stream has ended. */
void tls_session_end_input(struct tls_session *session);

/* Decrypts into `to` as much as is there, up to capacity. */
enum tls_outcome tls_session_read(struct tls_session *session, uint8_t *to, size_t capacity, size_t *count);

/* Encrypts from the front of data; *count receives how many bytes of it were taken. FULL: none were, since
 * output is waiting. */
enum tls_outcome tls_session_write(struct tls_session *session, struct bytes data, size_t *count);

/* Output to be sent, in one piece; valid until the next call on the session. */
struct bytes tls_session_output(const struct tls_session *session);
void tls_session_output_taken(struct tls_session *session, size_t bytes);

/* Tells the peer that nothing more comes (close_notify), as output. */
void tls_session_shut_down(struct tls_session *session);

/* After FAILED: TLS_HANDSHAKE_FAILED, CERTIFICATE_REFUSED or MALFORMED_RESPONSE, and what failed, for people:
 * who refused what, which name was expected and which were offered, ... */
int32_t tls_session_status(const struct tls_session *session);
const char *tls_session_reason(const struct tls_session *session);
/* "TLSv1.3, TLS_AES_256_GCM_SHA384, resumed" once the handshake is done. */
void tls_session_describe(const struct tls_session *session, char *text, size_t size);

#endif
