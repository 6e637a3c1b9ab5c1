/* When the next token is to be fetched: pure reckoning on the monotonic clock. One owner, no lock. */
#ifndef SECURITY_TOKEN_SCHEDULE_H
#define SECURITY_TOKEN_SCHEDULE_H

#include "base/random.h"
#include <stdbool.h>
#include <stdint.h>

/* See token_source.h. */
struct token_schedule_limits {
  double refresh_window, refresh_jitter;
  int64_t refresh_minimum_us, refresh_buffer_us;
  int64_t retry_backoff_us, retry_backoff_max_us;
};

/* due_us is the moment of the next fetch, CLOCK_NEVER_US if none is needed. It is not brought forward while a
 * fetch is under way, nor in the pause after a failure or a refusal. */
struct token_schedule {
  struct token_schedule_limits limits;
  struct random random;
  int64_t due_us;
  uint32_t failures; /* of fetches, in a row */
  uint32_t refusals; /* of tokens, in a row */
  bool was_needed, under_way, refused;
  bool renewed; /* while a fetch was under way: another one has to follow */
};

void token_schedule_init(struct token_schedule *schedule, const struct token_schedule_limits *limits,
                         uint64_t seed);

/* A token is needed now, and there is none. */
void token_schedule_need(struct token_schedule *schedule, int64_t now_us);
/* A fetch begins. If it has no end, the next begins when patience_us have passed. */
void token_schedule_begin(struct token_schedule *schedule, int64_t now_us, int64_t patience_us);
/* It brought a token that lives for life_us from now on (CLOCK_NEVER_US: for ever). */
void token_schedule_succeed(struct token_schedule *schedule, int64_t now_us, int64_t life_us);
/* It failed; the next begins after a growing pause, of at least pause_us. */
void token_schedule_fail(struct token_schedule *schedule, int64_t now_us, int64_t pause_us);
/* The token in force was refused. The first time the next is fetched at once, then after a growing pause. */
void token_schedule_refuse(struct token_schedule *schedule, int64_t now_us);

/* The next fetch has a better chance: it begins at once, if one was ever needed. */
void token_schedule_renew(struct token_schedule *schedule, int64_t now_us);

static inline bool token_schedule_is_due(const struct token_schedule *schedule, int64_t now_us) {
  return schedule->due_us <= now_us;
}

#endif
