/* The login of one connection, without its socket: which request comes next, what an answer means. First
 * SaslHandshake (KIP-43), then SaslAuthenticate until the mechanism is content (KIP-152); again on the same
 * connection before the broker's session ends (KIP-368). One owner, no lock. */
#ifndef NETWORK_AUTHENTICATOR_H
#define NETWORK_AUTHENTICATOR_H

#include "network/request.h"
#include "protocol/api.h"
#include "security/login.h"

struct authenticator;

struct authenticator_settings {
  struct login *login;
  const char *host;       /* copied */
  struct bytes client_id; /* outlives the authenticator */
  int64_t request_timeout_us;
};

enum authenticator_outcome {
  AUTHENTICATOR_ASKS,   /* authenticator_request is to be sent */
  AUTHENTICATOR_WAITS,  /* a step runs elsewhere: see authenticator_resume */
  AUTHENTICATOR_DONE,   /* logged in */
  AUTHENTICATOR_FAILED, /* for good: status and reason */
};

enum authenticator_state {
  AUTHENTICATOR_IDLE,           /* nothing to do: before the first login, or logged in */
  AUTHENTICATOR_HANDSHAKING,    /* SaslHandshake is under way */
  AUTHENTICATOR_STEPPING,       /* the mechanism makes its next token */
  AUTHENTICATOR_AUTHENTICATING, /* SaslAuthenticate is under way */
  AUTHENTICATOR_OVER,           /* failed */
  AUTHENTICATOR_STATE_COUNT,
};

bool authenticator_may_change(enum authenticator_state from, enum authenticator_state to);

/* NULL if memory is missing. */
struct authenticator *authenticator_create(const struct authenticator_settings *settings);
/* NULL is allowed. Its request must not be in use. */
void authenticator_destroy(struct authenticator *authenticator);

/* Begins a login, the first or another, with the credentials in force now. versions: the broker's; copied. */
enum authenticator_outcome authenticator_begin(struct authenticator *authenticator,
                                               const struct api_versions *versions);
/* The request was answered; body lies behind the response header. */
enum authenticator_outcome authenticator_take_answer(struct authenticator *authenticator,
                                                     struct wire_reader *body, int64_t now_us);
/* While it WAITS: whether that has come to an end. */
enum authenticator_outcome authenticator_resume(struct authenticator *authenticator);

/* Of ASKS: with its own segments, to be sent with the next negative correlation id; valid until the next
 * call. */
struct request *authenticator_request(struct authenticator *authenticator);
enum authenticator_state authenticator_state(const struct authenticator *authenticator);
/* When a step that runs elsewhere has taken too long; CLOCK_NEVER_US while none does. */
int64_t authenticator_deadline_us(const struct authenticator *authenticator);
/* How long the broker lets the session last, from DONE on; 0: without end. */
int64_t authenticator_session_us(const struct authenticator *authenticator);
int32_t authenticator_status(const struct authenticator *authenticator);
const char *authenticator_reason(const struct authenticator *authenticator);

#endif
