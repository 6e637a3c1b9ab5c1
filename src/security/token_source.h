/* The tokens of one producer: the one in force, and how the next comes. With a fetch function (OIDC,
 * unsecured tokens) a thread that has nothing else to do fetches; without one the host is asked: `wanted` is
 * raised, and the host answers with token_source_put or token_source_fail from any thread.
 *
 * A token is fetched the first time one is needed, then ahead of its expiry: at refresh_window (0.8, with up
 * to refresh_jitter more by chance) of its life, but not within refresh_minimum_us of the fetch before, and
 * not so late that less than refresh_buffer_us of its life are left (Kafka's sasl.login.refresh.*). A fetch
 * that fails is repeated with a growing pause; meanwhile the old token serves while it is valid.
 *
 * Where the host is asked there is no thread: the want ahead of expiry is raised by whoever comes by first
 * when it is due: token_source_take, token_source_wait_wanted, token_source_tick. */
#ifndef SECURITY_TOKEN_SOURCE_H
#define SECURITY_TOKEN_SOURCE_H

#include "base/log.h"
#include "security/token.h"
#include <stdbool.h>

struct token_source;

struct token_source_settings {
  /* Fetches one token; may block, but ends soon after token_source_is_cancelled says so. Statuses as it
   * likes; with those that are RETRIABLE and not AUTHORIZATION takes wait for the next fetch, with others
   * they end. reason says what failed. NULL: the host is asked. */
  int32_t (*fetch)(void *context, struct token_source *source, struct token **token, char *reason,
                   size_t reason_size);
  void (*release)(void *context); /* of context, with the source; may be NULL */
  void *context;
  /* The host is asked; on any thread, no lock held, must not block. May be NULL where there is fetch. */
  void (*on_wanted)(void *context);
  void *wanted_context;
  double refresh_window, refresh_jitter;
  int64_t refresh_minimum_us, refresh_buffer_us;
  int64_t retry_backoff_us, retry_backoff_max_us;
  uint64_t seed;
  const struct log *log;
};

/* Starts the fetching thread if there is a fetch function, named `thread_name` (static), between the two
 * hooks (may be NULL). */
struct token_source_thread {
  const char *name;
  void (*on_start)(void *context, const char *name);
  void (*on_stop)(void *context, const char *name);
  void *context;
};

int32_t token_source_create(const struct token_source_settings *settings,
                            const struct token_source_thread *thread, struct token_source **source);
/* Waits for the thread to end, after token_source_close. One thread, or nobody else any more. */
void token_source_join(struct token_source *source);
void token_source_destroy(struct token_source *source);
/* Ends all waits with CLOSED, now and later. */
void token_source_close(struct token_source *source);
bool token_source_is_cancelled(const struct token_source *source);

/* The token in force, retained; waits for one until deadline_us, or until a failure that will not pass by
 * itself. A call in the pause after a failure waits for the next fetch. Statuses: OK, TIMED_OUT (nobody has
 * answered), CLOSED, LOGIN_FAILED; reason has the last failure. */
int32_t token_source_take(struct token_source *source, int64_t deadline_us, struct token **token,
                          char *reason, size_t reason_size);

/* The host's answers. put retains. */
void token_source_put(struct token_source *source, struct token *token);
void token_source_fail(struct token_source *source, const char *reason);

/* For fetch: the next one begins pause_us from now at the earliest (Retry-After), if this one fails. */
void token_source_set_pause(struct token_source *source, int64_t pause_us);

/* To be called every now and then where the host is asked: raises the want if it is due. Returns when to call
 * it next, CLOCK_NEVER_US where there is a thread or nothing to be done; the answers and token_source_take
 * may bring that moment forward or set one. */
int64_t token_source_tick(struct token_source *source, int64_t now_us);

/* Waits until the host has to answer; each want ends one wait. Statuses: OK, TIMED_OUT, INTERRUPTED
 * (token_source_wake), CLOSED. */
int32_t token_source_wait_wanted(struct token_source *source, int64_t deadline_us);
void token_source_wake(struct token_source *source);

/* A broker refused the token: the next take needs another one. */
void token_source_discard(struct token_source *source, const struct token *token);
/* What fetch logs in with was replaced: the next token is fetched at once, whatever failed before. The one in
 * force serves until then. */
void token_source_renew(struct token_source *source);

#endif
