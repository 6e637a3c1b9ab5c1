#include "security/token_schedule.h"

#include "base/backoff.h"
#include "base/clock.h"

/* A life is reckoned with in floating point; no more of it than this matters. */
#define LIFE_US_MAX (INT64_C(3650) * 24 * 3600 * 1000000)

static double clamped(double value, double lowest, double highest);
static void make_good(struct token_schedule *schedule, int64_t now_us);
static int64_t pause_after(struct token_schedule *schedule, uint32_t attempts);
static int64_t refresh_after_us(struct token_schedule *schedule, int64_t life_us);

void token_schedule_init(struct token_schedule *schedule, const struct token_schedule_limits *limits,
                         uint64_t seed) {
  *schedule = (struct token_schedule){.limits = *limits, .due_us = CLOCK_NEVER_US};
  random_seed(&schedule->random, seed);
}

void token_schedule_need(struct token_schedule *schedule, int64_t now_us) {
  schedule->was_needed = true;
  if (schedule->under_way || schedule->failures > 0 || schedule->refused) return;
  if (now_us < schedule->due_us) schedule->due_us = now_us;
}

void token_schedule_begin(struct token_schedule *schedule, int64_t now_us, int64_t patience_us) {
  schedule->under_way = schedule->was_needed = true;
  schedule->due_us = clock_add_us(now_us, patience_us);
}

void token_schedule_succeed(struct token_schedule *schedule, int64_t now_us, int64_t life_us) {
  if (!schedule->refused) schedule->refusals = 0; /* the one before has served its time */
  schedule->under_way = schedule->refused = false;
  schedule->failures = 0;
  schedule->due_us =
      life_us == CLOCK_NEVER_US ? CLOCK_NEVER_US : clock_add_us(now_us, refresh_after_us(schedule, life_us));
  make_good(schedule, now_us);
}

void token_schedule_fail(struct token_schedule *schedule, int64_t now_us, int64_t pause_us) {
  int64_t backoff = pause_after(schedule, schedule->failures);
  if (schedule->failures < UINT32_MAX) schedule->failures++;
  schedule->under_way = false;
  schedule->due_us = clock_add_us(now_us, backoff > pause_us ? backoff : pause_us);
  make_good(schedule, now_us);
}

void token_schedule_refuse(struct token_schedule *schedule, int64_t now_us) {
  schedule->refused = true;
  uint32_t before = schedule->refusals;
  if (schedule->refusals < UINT32_MAX) schedule->refusals++;
  if (schedule->under_way || schedule->failures > 0) return;
  int64_t pause_us = before == 0 ? 0 : pause_after(schedule, before - 1);
  schedule->due_us = clock_add_us(now_us, pause_us);
}

void token_schedule_renew(struct token_schedule *schedule, int64_t now_us) {
  if (!schedule->was_needed) return;
  schedule->renewed = schedule->under_way;
  if (schedule->under_way) return;
  schedule->failures = schedule->refusals = 0;
  schedule->refused = false;
  schedule->due_us = now_us;
}

/* The fetch that has ended was begun before the renewal. */
static void make_good(struct token_schedule *schedule, int64_t now_us) {
  if (!schedule->renewed) return;
  schedule->renewed = false;
  token_schedule_renew(schedule, now_us);
}

static int64_t pause_after(struct token_schedule *schedule, uint32_t attempts) {
  return backoff_us(&schedule->random, schedule->limits.retry_backoff_us,
                    schedule->limits.retry_backoff_max_us, attempts);
}

/* As Kafka's ExpiringCredentialRefreshingLogin reckons it. */
static int64_t refresh_after_us(struct token_schedule *schedule, int64_t life_us) {
  const struct token_schedule_limits *limits = &schedule->limits;
  if (life_us > LIFE_US_MAX) life_us = LIFE_US_MAX;
  double chance = (double)random_below(&schedule->random, UINT32_MAX) / (double)UINT32_MAX;
  double share = clamped(limits->refresh_window + limits->refresh_jitter * chance, 0, 1);
  int64_t after_us = (int64_t)((double)life_us * share);
  /* A life too short for both limits is refreshed by its share alone. */
  int64_t limited_us = clock_add_us(limits->refresh_minimum_us, limits->refresh_buffer_us);
  if (limited_us >= life_us) return after_us;
  if (after_us > life_us - limits->refresh_buffer_us) after_us = life_us - limits->refresh_buffer_us;
  if (after_us < limits->refresh_minimum_us) after_us = limits->refresh_minimum_us;
  return after_us;
}

static double clamped(double value, double lowest, double highest) {
  if (value < lowest) return lowest;
  return value > highest ? highest : value;
}
