/* What a producer has of TLS and logins: built from its settings, loaded anew when files change or on call.
 *
 * `lock` serialises loading; it is taken before all others of the library's but never while a producer's lock
 * is held. The parts have locks of their own. A producer that speaks PLAINTEXT has none of this. */
#ifndef PRODUCER_SECURITY_H
#define PRODUCER_SECURITY_H

#include "base/log.h"
#include "network/transport.h"
#include "producer/config.h"
#include "producer/handle.h"
#include "security/login.h"
#include "security/token_source.h"

struct security;

/* Borrowed by the security, whose owner they are of. */
struct security_hooks {
  void (*wake)(void *context); /* ends the sender thread's wait. Any thread */
  void (*on_token_wanted)(void *context);
  void (*on_thread_start)(void *context, const char *name);
  void (*on_thread_stop)(void *context, const char *name);
  void *context;
  const struct log *log;
  uint64_t seed;
};

/* *security receives NULL for security.protocol=PLAINTEXT. Reads files. Statuses: OK, INVALID_SETTING,
 * FILE_UNREADABLE, NOT_CONFIGURED (a library or this build lacks what is asked for), OUT_OF_MEMORY,
 * SYSTEM_ERROR; error says what is at fault. */
int32_t security_create(const struct config *config, const struct security_hooks *hooks,
                        struct security **security, struct config_error *error);
/* After security_close. NULL is allowed. */
void security_destroy(struct security *security) EXCLUDES(producer_lock);

/* Begins to look at files, once hooks may be called. Statuses: OK, SYSTEM_ERROR. */
int32_t security_start(struct security *security) EXCLUDES(producer_lock);

/* Puts TLS around *transport, where there is any; takes it over on success. Statuses: OK, OUT_OF_MEMORY. */
int32_t security_wrap(struct security *security, struct transport **transport);
/* NULL: brokers want no login. */
struct login *security_login(const struct security *security);
/* NULL: tokens are not asked from the host. */
struct token_source *security_host_tokens(const struct security *security);

/* To be called by the sender thread in each turn; returns when it has to be called again at the latest. */
int64_t security_tick(struct security *security, int64_t now_us);

/* Loads everything anew, from config or (NULL) from the one in force; what does not load changes nothing.
 * Statuses: as security_create's, CLOSED, IN_CALLBACK (a log line of this very loading); NOT_CONFIGURED also:
 * another protocol or mechanism is asked for. */
int32_t security_reload(struct security *security, const struct config *config, struct config_error *error)
    EXCLUDES(producer_lock);

/* Before the transport goes: nothing is loaded any more. NULL is allowed. */
void security_end_loading(struct security *security) EXCLUDES(producer_lock);
/* Ends the threads and all waits; the transport and its connections are gone. Only security_destroy follows,
 * and the waits of others find CLOSED. */
void security_close(struct security *security) EXCLUDES(producer_lock);

#endif
