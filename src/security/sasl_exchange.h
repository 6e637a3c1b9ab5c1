/* One login on one connection: challenges of the broker in, responses out. One thread at a time. */
#ifndef SECURITY_SASL_EXCHANGE_H
#define SECURITY_SASL_EXCHANGE_H

#include "security/sasl_credentials.h"

struct sasl_exchange;

enum sasl_step_kind {
  SASL_STEP_SEND,   /* response is to be sent; the broker's answer is the next challenge */
  SASL_STEP_DONE,   /* the broker's last answer was the right one: logged in */
  SASL_STEP_FAILED, /* status and reason */
};

struct sasl_step {
  enum sasl_step_kind kind;
  struct bytes response; /* SEND: in secret memory, valid until the next call on the exchange */
  int32_t status;        /* FAILED: SASL_AUTHENTICATION_FAILED (58), LOGIN_FAILED, OUT_OF_MEMORY, ... */
  const char *reason;    /* FAILED: for people, no secret in it; valid as long as the exchange */
};

/* host: the broker's name as connected to, for Kerberos and AWS. Retains credentials. NULL if memory is
 * missing. */
struct sasl_exchange *sasl_exchange_create(struct sasl_credentials *credentials, const char *host);
/* Wipes. NULL is allowed. */
void sasl_exchange_destroy(struct sasl_exchange *exchange);

/* The first call has the null view as challenge. now_ms: Unix time, for tokens and signatures. deadline_us:
 * on the monotonic clock, for a step that waits. */
struct sasl_step sasl_exchange_step(struct sasl_exchange *exchange, struct bytes challenge, int64_t now_ms,
                                    int64_t deadline_us);

/* The broker refused with an error code and text: makes a reason out of it and what the mechanism knows (an
 * expired token, a clock that differs). */
void sasl_exchange_explain(struct sasl_exchange *exchange, int32_t error_code, struct bytes message,
                           int64_t now_ms, char *reason, size_t reason_size);

#endif
