#include "security/token_source.h"

#include "base/allocator.h"
#include "base/clock.h"
#include "base/condition.h"
#include "base/lock.h"
#include "base/status.h"
#include "base/thread.h"
#include "security/token_schedule.h"
#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>

enum { REASON_BYTES = 512 };

/* A host that has not answered is asked again after this: its answer may have been lost on its side. */
#define PATIENCE_US INT64_C(60000000)

LOCK_ROLE(token_source_guard);

/* All but settings, thread and cancelled is under lock. */
struct token_source {
  struct token_source_settings settings;
  struct token_source_thread hooks;
  pthread_t thread;
  bool thread_started;
  atomic_bool cancelled;
  struct lock lock;
  struct condition changed;
  struct token_schedule schedule GUARDED_BY(token_source_guard);
  struct token *token GUARDED_BY(token_source_guard); /* in force, or NULL */
  int64_t token_ends_us GUARDED_BY(token_source_guard);
  int64_t pause_us GUARDED_BY(token_source_guard);        /* asked for by the fetch that runs */
  bool want_untaken GUARDED_BY(token_source_guard);       /* no wait_wanted has ended for the last want */
  bool failed GUARDED_BY(token_source_guard);             /* since the last token; reason says why */
  uint64_t final_failures GUARDED_BY(token_source_guard); /* those that do not pass by themselves */
  uint64_t wakes GUARDED_BY(token_source_guard);
  char reason[REASON_BYTES] GUARDED_BY(token_source_guard);
};
LOCK_GUARD(token_source_guard, token_source, lock);

static void *run(void *argument);
static void fetch_one(struct token_source *source);
static void settle(struct token_source *source, int32_t status, struct token *token, const char *reason);
static void accept(struct token_source *source, struct token *token, int64_t now_us, int64_t life_us)
    REQUIRES(token_source_guard);
static void refuse(struct token_source *source, int32_t status, const char *reason, int64_t now_us)
    REQUIRES(token_source_guard);
static bool may_pass(int32_t status);
static void say_token(const struct token_source *source, const struct token *token, int64_t life_us);
static void say_failure(const struct token_source *source, const char *reason, int64_t pause_us);
static int64_t life_of(const struct token *token);
static bool has_token(struct token_source *source, int64_t now_us) REQUIRES(token_source_guard);
static bool raise_if_due(struct token_source *source, int64_t now_us) REQUIRES(token_source_guard);
static void call_host(struct token_source *source);
static int32_t wait_for_token(struct token_source *source, int64_t deadline_us) REQUIRES(token_source_guard);
static void explain(const struct token_source *source, int32_t status, char *reason, size_t reason_size)
    REQUIRES(token_source_guard);
static void copy_reason(char *to, const char *reason);

int32_t token_source_create(const struct token_source_settings *settings,
                            const struct token_source_thread *thread,
                            struct token_source **source) NO_THREAD_SAFETY_ANALYSIS {
  struct token_source *created = allocator_allocate_zeroed(1, sizeof *created);
  if (created == NULL) return STATUS_OUT_OF_MEMORY;
  created->settings = *settings;
  if (thread != NULL) created->hooks = *thread;
  atomic_init(&created->cancelled, false);
  const struct token_schedule_limits limits = {settings->refresh_window,     settings->refresh_jitter,
                                               settings->refresh_minimum_us, settings->refresh_buffer_us,
                                               settings->retry_backoff_us,   settings->retry_backoff_max_us};
  token_schedule_init(&created->schedule, &limits, settings->seed);
  lock_init(&created->lock);
  int32_t status = condition_init(&created->changed);
  if (status != STATUS_OK) {
    allocator_free(created);
    return status;
  }
  if (settings->fetch != NULL) status = thread_start(&created->thread, run, created);
  created->thread_started = settings->fetch != NULL && status == STATUS_OK;
  if (status != STATUS_OK) {
    created->settings.release = NULL; /* what was not taken over remains the caller's */
    token_source_destroy(created);
    return status;
  }
  *source = created;
  return STATUS_OK;
}

void token_source_join(struct token_source *source) {
  if (source->thread_started) pthread_join(source->thread, NULL);
  source->thread_started = false;
}

void token_source_destroy(struct token_source *source) NO_THREAD_SAFETY_ANALYSIS {
  if (source == NULL) return;
  token_source_close(source);
  token_source_join(source);
  if (source->settings.release != NULL) source->settings.release(source->settings.context);
  token_release(source->token);
  condition_deinit(&source->changed);
  lock_deinit(&source->lock);
  allocator_free(source);
}

void token_source_close(struct token_source *source) {
  atomic_store(&source->cancelled, true);
  token_source_guard_acquire(source); /* nobody is between its look at cancelled and its wait */
  condition_broadcast(&source->changed);
  token_source_guard_release(source);
}

bool token_source_is_cancelled(const struct token_source *source) {
  return atomic_load(&source->cancelled);
}

int32_t token_source_take(struct token_source *source, int64_t deadline_us, struct token **token,
                          char *reason, size_t reason_size) {
  token_source_guard_acquire(source);
  int32_t status = wait_for_token(source, deadline_us);
  bool call = false;
  if (status == STATUS_OK) {
    *token = token_retain(source->token);
    call = raise_if_due(source, clock_monotonic_us());
  } else {
    explain(source, status, reason, reason_size);
  }
  token_source_guard_release(source);
  if (call) call_host(source);
  return status;
}

void token_source_put(struct token_source *source, struct token *token) {
  settle(source, STATUS_OK, token_retain(token), NULL);
}

void token_source_fail(struct token_source *source, const char *reason) {
  settle(source, STATUS_LOGIN_FAILED, NULL, reason);
}

void token_source_set_pause(struct token_source *source, int64_t pause_us) {
  token_source_guard_acquire(source);
  source->pause_us = pause_us;
  token_source_guard_release(source);
}

int64_t token_source_tick(struct token_source *source, int64_t now_us) {
  if (source->settings.fetch != NULL) return CLOCK_NEVER_US;
  token_source_guard_acquire(source);
  bool closed = token_source_is_cancelled(source);
  bool call = raise_if_due(source, now_us);
  int64_t due_us = closed ? CLOCK_NEVER_US : source->schedule.due_us;
  token_source_guard_release(source);
  if (call) call_host(source);
  return due_us;
}

int32_t token_source_wait_wanted(struct token_source *source, int64_t deadline_us) {
  token_source_guard_acquire(source);
  uint64_t wakes = source->wakes;
  bool call = false;
  int32_t status;
  for (;;) {
    int64_t now_us = clock_monotonic_us();
    call |= raise_if_due(source, now_us);
    if (token_source_is_cancelled(source)) {
      status = STATUS_CLOSED;
    } else if (source->want_untaken) {
      source->want_untaken = false;
      status = STATUS_OK;
    } else if (source->wakes != wakes) {
      status = STATUS_INTERRUPTED;
    } else if (now_us >= deadline_us) {
      status = STATUS_TIMED_OUT;
    } else {
      int64_t due_us = source->settings.fetch == NULL ? source->schedule.due_us : CLOCK_NEVER_US;
      token_source_guard_wait(source, &source->changed, due_us < deadline_us ? due_us : deadline_us);
      continue;
    }
    break;
  }
  token_source_guard_release(source);
  if (call) call_host(source);
  return status;
}

void token_source_wake(struct token_source *source) {
  token_source_guard_acquire(source);
  source->wakes++;
  condition_broadcast(&source->changed);
  token_source_guard_release(source);
}

void token_source_discard(struct token_source *source, const struct token *token) {
  token_source_guard_acquire(source);
  struct token *discarded = source->token == token ? source->token : NULL;
  if (discarded != NULL) {
    source->token = NULL;
    token_schedule_refuse(&source->schedule, clock_monotonic_us());
    condition_broadcast(&source->changed);
  }
  token_source_guard_release(source);
  token_release(discarded);
}

void token_source_renew(struct token_source *source) {
  token_source_guard_acquire(source);
  int64_t now_us = clock_monotonic_us();
  token_schedule_renew(&source->schedule, now_us);
  bool call = raise_if_due(source, now_us);
  condition_broadcast(&source->changed);
  token_source_guard_release(source);
  if (call) call_host(source);
}

static void *run(void *argument) {
  struct token_source *source = argument;
  const struct token_source_thread *hooks = &source->hooks;
  if (hooks->name != NULL) thread_set_name(hooks->name);
  if (hooks->on_start != NULL) hooks->on_start(hooks->context, hooks->name);
  token_source_guard_acquire(source);
  while (!token_source_is_cancelled(source)) {
    int64_t now_us = clock_monotonic_us();
    if (!token_schedule_is_due(&source->schedule, now_us)) {
      token_source_guard_wait(source, &source->changed, source->schedule.due_us);
      continue;
    }
    token_schedule_begin(&source->schedule, now_us, CLOCK_NEVER_US);
    source->pause_us = 0;
    token_source_guard_release(source);
    fetch_one(source);
    token_source_guard_acquire(source);
  }
  token_source_guard_release(source);
  if (hooks->on_stop != NULL) hooks->on_stop(hooks->context, hooks->name);
  return NULL;
}

static void fetch_one(struct token_source *source) {
  struct token *token = NULL;
  char reason[REASON_BYTES] = "";
  int32_t status = source->settings.fetch(source->settings.context, source, &token, reason, sizeof reason);
  settle(source, status, token, reason);
}

/* The end of a fetch, or an answer of the host. Takes token over. */
static void settle(struct token_source *source, int32_t status, struct token *token, const char *reason) {
  int64_t life_us = status == STATUS_OK ? life_of(token) : 0;
  if (status == STATUS_OK && life_us <= 0) {
    status = STATUS_LOGIN_FAILED;
    reason = "the token has expired, by the clock of this machine";
  }
  if (status == STATUS_OK) say_token(source, token, life_us);
  struct token *dropped = token;
  int64_t pause_us = 0;
  token_source_guard_acquire(source);
  bool closed = token_source_is_cancelled(source);
  if (!closed) {
    int64_t now_us = clock_monotonic_us();
    if (status == STATUS_OK) {
      dropped = source->token;
      accept(source, token, now_us, life_us);
    } else {
      refuse(source, status, reason, now_us);
      pause_us = source->schedule.due_us - now_us;
    }
    condition_broadcast(&source->changed);
  }
  token_source_guard_release(source);
  token_release(dropped);
  if (!closed && status != STATUS_OK) say_failure(source, reason, pause_us);
}

static void accept(struct token_source *source, struct token *token, int64_t now_us, int64_t life_us) {
  source->token = token;
  source->token_ends_us = clock_add_us(now_us, life_us);
  source->failed = source->want_untaken = false;
  token_schedule_succeed(&source->schedule, now_us, life_us);
}

static void refuse(struct token_source *source, int32_t status, const char *reason, int64_t now_us) {
  copy_reason(source->reason, reason);
  source->failed = true;
  source->want_untaken = false;
  if (!may_pass(status)) source->final_failures++;
  token_schedule_fail(&source->schedule, now_us, source->pause_us);
  source->pause_us = 0;
}

/* Whether waiting may help: a login that failed does so for a reason that is not the network's. */
static bool may_pass(int32_t status) {
  return status_has(status, STATUS_CLASS_RETRIABLE) && !status_has(status, STATUS_CLASS_AUTHORIZATION);
}

static void say_token(const struct token_source *source, const struct token *token, int64_t life_us) {
  if (source->settings.log == NULL) return;
  const char *principal = token_principal(token);
  if (life_us == CLOCK_NEVER_US) {
    LOG(source->settings.log, LOG_LEVEL_DEBUG, "a token of \"%s\" that does not expire has come", principal);
  } else {
    LOG(source->settings.log, LOG_LEVEL_DEBUG, "a token of \"%s\" has come that expires in %" PRId64 " s",
        principal, life_us / 1000000);
  }
}

static void say_failure(const struct token_source *source, const char *reason, int64_t pause_us) {
  if (source->settings.log == NULL) return;
  LOG(source->settings.log, LOG_LEVEL_WARNING, "no token: %s; the next attempt is in %" PRId64 " ms", reason,
      pause_us / 1000);
}

/* What is left of it, by the wall clock of this moment. */
static void say_token(const struct token_source *source, const struct token *token, int64_t life_us);
static void say_failure(const struct token_source *source, const char *reason, int64_t pause_us);
static int64_t life_of(const struct token *token) {
  int64_t life_ms = token_expires_ms(token), life_us;
  if (__builtin_sub_overflow(life_ms, clock_wall_ms(), &life_ms)) return CLOCK_NEVER_US;
  return __builtin_mul_overflow(life_ms, INT64_C(1000), &life_us) ? CLOCK_NEVER_US : life_us;
}

/* Whether there is a token, and it is valid by both clocks: the monotonic one stands still while the machine
 * is suspended, and the other may be set back. */
static bool has_token(struct token_source *source, int64_t now_us) {
  if (source->token == NULL) return false;
  if (now_us < source->token_ends_us && clock_wall_ms() < token_expires_ms(source->token)) return true;
  token_release(source->token);
  source->token = NULL;
  return false;
}

/* True: the host is to be asked by call_host once the lock is given back. */
static bool raise_if_due(struct token_source *source, int64_t now_us) {
  if (source->settings.fetch != NULL || token_source_is_cancelled(source)) return false;
  if (!token_schedule_is_due(&source->schedule, now_us)) return false;
  token_schedule_begin(&source->schedule, now_us, PATIENCE_US);
  source->want_untaken = true;
  condition_broadcast(&source->changed);
  return true;
}

static void call_host(struct token_source *source) {
  if (source->settings.on_wanted != NULL) source->settings.on_wanted(source->settings.wanted_context);
}

/* Returns with the lock held, which it gives back while it waits and while it calls. */
static int32_t wait_for_token(struct token_source *source, int64_t deadline_us) {
  uint64_t final_failures = source->final_failures;
  for (;;) {
    if (token_source_is_cancelled(source)) return STATUS_CLOSED;
    int64_t now_us = clock_monotonic_us();
    if (has_token(source, now_us)) return STATUS_OK;
    if (source->final_failures != final_failures) return STATUS_LOGIN_FAILED;
    int64_t before_us = source->schedule.due_us;
    token_schedule_need(&source->schedule, now_us);
    if (source->schedule.due_us != before_us) condition_broadcast(&source->changed);
    if (raise_if_due(source, now_us)) {
      token_source_guard_release(source);
      call_host(source);
      token_source_guard_acquire(source);
      continue;
    }
    if (now_us >= deadline_us) return source->failed ? STATUS_LOGIN_FAILED : STATUS_TIMED_OUT;
    int64_t due_us = source->settings.fetch == NULL ? source->schedule.due_us : CLOCK_NEVER_US;
    token_source_guard_wait(source, &source->changed, due_us < deadline_us ? due_us : deadline_us);
  }
}

static void explain(const struct token_source *source, int32_t status, char *reason, size_t reason_size) {
  if (status == STATUS_CLOSED) {
    snprintf(reason, reason_size, "the producer is closed");
  } else if (status == STATUS_LOGIN_FAILED) {
    snprintf(reason, reason_size, "%s", source->reason);
  } else {
    snprintf(reason, reason_size,
             source->settings.fetch == NULL ? "the application was asked for one, and has not answered yet"
                                            : "its fetch has not ended yet");
  }
}

static void copy_reason(char *to, const char *reason) {
  if (reason == NULL || reason[0] == '\0') reason = "no reason was given";
  size_t size = strnlen(reason, REASON_BYTES - 1);
  for (size_t i = 0; i < size; i++)
    to[i] = (unsigned char)reason[i] < ' ' || reason[i] == 0x7f ? '?' : reason[i]; /* no forged line */
  to[size] = '\0';
}
