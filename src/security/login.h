/* How a producer's connections log in: the credentials in force, and a thread on which exchanges do what
 * takes long, so that no other broker waits for it.
 *
 * login_begin_step and login_poll_step belong to the sender thread; the others may be called by any. */
#ifndef SECURITY_LOGIN_H
#define SECURITY_LOGIN_H

#include "security/sasl_exchange.h"
#include "security/token_source.h"

struct login;
struct login_exchange;

struct login_settings {
  void (*wake)(void *context); /* a step is done: ends the sender thread's wait. Any thread */
  void *context;
  const struct token_source_thread *thread; /* name and hooks of the thread; copied */
};

/* Retains credentials. Starts its thread if they may block. Statuses: OK, OUT_OF_MEMORY, SYSTEM_ERROR. */
int32_t login_create(const struct login_settings *settings, struct sasl_credentials *credentials,
                     struct login **login);
/* Waits for the step that runs, if any. All exchanges are gone. NULL is allowed. */
void login_destroy(struct login *login);
/* New exchanges log in with these. */
int32_t login_replace(struct login *login, struct sasl_credentials *credentials);
/* Of the credentials in force. */
const char *login_mechanism(struct login *login);
/* Counts login_replace. */
uint64_t login_generation(const struct login *login);

/* NULL if memory is missing. */
struct login_exchange *login_exchange_create(struct login *login, const char *host);
/* Also in the middle of a step, whose result is dropped. NULL is allowed. */
void login_exchange_destroy(struct login_exchange *exchange);
const char *login_exchange_mechanism(const struct login_exchange *exchange);

/* Begins a step; the challenge is copied. */
void login_begin_step(struct login_exchange *exchange, struct bytes challenge, int64_t deadline_us);
/* Whether the step is done, and its result. */
bool login_poll_step(struct login_exchange *exchange, struct sasl_step *step);
/* See sasl_exchange_explain; no step is under way. */
void login_explain(struct login_exchange *exchange, int32_t error_code, struct bytes message, char *reason,
                   size_t reason_size);

#endif
