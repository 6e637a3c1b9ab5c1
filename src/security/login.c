#include "security/login.h"

#include "base/allocator.h"
#include "base/assertion.h"
#include "base/clock.h"
#include "base/condition.h"
#include "base/list.h"
#include "base/lock.h"
#include "base/status.h"
#include "base/thread.h"
#include <stdatomic.h>
#include <stdio.h>

/* How long the end waits for a step that cannot be ended, such as one that asks a KDC. The thread is left
 * alone then, and frees what it uses when it comes back. */
enum { END_WAIT_US = 2000000 };

enum step_state {
  STEP_NONE,
  STEP_QUEUED,  /* waits for the thread */
  STEP_RUNNING, /* on the thread, which alone may touch exchange, challenge and step */
  STEP_DONE,    /* until it is taken */
};

/* One connection's. `state`, `node` and `is_abandoned` under the login's lock; the rest belongs to the sender
 * thread, but to the login's thread while RUNNING. */
struct login_exchange {
  struct login *login;
  struct sasl_exchange *exchange;
  const char *mechanism; /* static memory */
  enum step_state state;
  struct list node;  /* QUEUED: among the login's queue */
  bool is_abandoned; /* RUNNING: the thread frees it */
  bool may_block;
  uint8_t *challenge; /* owned; NULL for the null view */
  size_t challenge_bytes;
  int64_t deadline_us;
  struct sasl_step step;
};

LOCK_ROLE(login_guard);

/* lock guards credentials, queue, running, is_ending, is_left. references: the owner's and the thread's. */
struct login {
  struct login_settings settings;
  struct token_source_thread thread_hooks;
  struct lock lock;
  struct condition changed; /* a job came, a step is done, the end has come */
  struct sasl_credentials *credentials GUARDED_BY(login_guard);
  atomic_uint_least64_t generation;
  struct list queue GUARDED_BY(login_guard);
  pthread_t thread;
  bool has_thread;
  bool is_running GUARDED_BY(login_guard);
  bool is_ending GUARDED_BY(login_guard);
  /* The owner has gone without waiting: nobody's hooks may be called any more. */
  bool is_left GUARDED_BY(login_guard);
};
LOCK_GUARD(login_guard, login, lock);

static void *run(void *argument);
static void run_step(struct login_exchange *exchange);
static void free_login(struct login *login);
static void free_exchange(struct login_exchange *exchange);

int32_t login_create(const struct login_settings *settings, struct sasl_credentials *credentials,
                     struct login **login) NO_THREAD_SAFETY_ANALYSIS {
  struct login *created = allocator_allocate_zeroed(1, sizeof *created);
  if (created == NULL) return STATUS_OUT_OF_MEMORY;
  created->settings = *settings;
  if (settings->thread != NULL) created->thread_hooks = *settings->thread;
  created->settings.thread = &created->thread_hooks;
  list_init(&created->queue);
  lock_init(&created->lock);
  int32_t status = condition_init(&created->changed);
  if (status != STATUS_OK) {
    lock_deinit(&created->lock);
    allocator_free(created);
    return status;
  }
  created->credentials = sasl_credentials_retain(credentials);
  if (sasl_credentials_may_block(credentials)) {
    status = thread_start(&created->thread, run, created);
    created->has_thread = status == STATUS_OK;
  }
  if (status != STATUS_OK) {
    free_login(created);
    return status;
  }
  *login = created;
  return STATUS_OK;
}

void login_destroy(struct login *login) {
  if (login == NULL) return;
  if (!login->has_thread) {
    free_login(login);
    return;
  }
  int64_t until_us = clock_add_us(clock_monotonic_us(), END_WAIT_US);
  login_guard_acquire(login);
  login->is_ending = true;
  condition_broadcast(&login->changed);
  bool in_time = true;
  while (login->is_running && in_time)
    in_time = login_guard_wait(login, &login->changed, until_us);
  login->is_left = login->is_running;
  bool is_left = login->is_left;
  pthread_t thread = login->thread;
  login_guard_release(login);
  if (is_left) {
    pthread_detach(thread);
    return;
  }
  pthread_join(thread, NULL);
  free_login(login);
}

int32_t login_replace(struct login *login, struct sasl_credentials *credentials) {
  struct sasl_credentials *retained = sasl_credentials_retain(credentials);
  login_guard_acquire(login);
  struct sasl_credentials *before = login->credentials;
  login->credentials = retained;
  login_guard_release(login);
  sasl_credentials_release(before);
  atomic_fetch_add(&login->generation, 1);
  if (login->settings.wake != NULL) login->settings.wake(login->settings.context);
  return STATUS_OK;
}

const char *login_mechanism(struct login *login) {
  login_guard_acquire(login);
  const char *mechanism = sasl_credentials_mechanism(login->credentials);
  login_guard_release(login);
  return mechanism;
}

uint64_t login_generation(const struct login *login) {
  return atomic_load(&login->generation);
}

/* ---- exchanges ---- */

struct login_exchange *login_exchange_create(struct login *login, const char *host) {
  struct login_exchange *exchange = allocator_allocate_zeroed(1, sizeof *exchange);
  if (exchange == NULL) return NULL;
  login_guard_acquire(login);
  struct sasl_credentials *credentials = sasl_credentials_retain(login->credentials);
  login_guard_release(login);
  exchange->login = login;
  exchange->mechanism = sasl_credentials_mechanism(credentials);
  exchange->may_block = sasl_credentials_may_block(credentials);
  list_init(&exchange->node);
  exchange->exchange = sasl_exchange_create(credentials, host);
  sasl_credentials_release(credentials); /* the exchange has its own reference */
  if (exchange->exchange == NULL) {
    allocator_free(exchange);
    return NULL;
  }
  return exchange;
}

void login_exchange_destroy(struct login_exchange *exchange) {
  if (exchange == NULL) return;
  struct login *login = exchange->login;
  login_guard_acquire(login);
  bool is_running = exchange->state == STEP_RUNNING;
  exchange->is_abandoned = is_running;
  list_remove(&exchange->node);
  login_guard_release(login);
  if (!is_running) free_exchange(exchange);
}

const char *login_exchange_mechanism(const struct login_exchange *exchange) {
  return exchange->mechanism;
}

void login_begin_step(struct login_exchange *exchange, struct bytes challenge, int64_t deadline_us) {
  struct login *login = exchange->login;
  ASSERT(exchange->state == STEP_NONE);
  exchange->deadline_us = deadline_us;
  allocator_free(exchange->challenge);
  exchange->challenge = NULL;
  exchange->challenge_bytes = challenge.size;
  if (challenge.data != NULL) {
    exchange->challenge = (uint8_t *)allocator_copy_text(challenge.data, challenge.size);
    if (exchange->challenge == NULL) {
      exchange->step = (struct sasl_step){.kind = SASL_STEP_FAILED, .status = STATUS_OUT_OF_MEMORY};
      exchange->state = STEP_DONE;
      return;
    }
  }
  if (!exchange->may_block || !login->has_thread) {
    run_step(exchange);
    exchange->state = STEP_DONE;
    return;
  }
  login_guard_acquire(login);
  exchange->state = STEP_QUEUED;
  list_append(&login->queue, &exchange->node);
  condition_broadcast(&login->changed);
  login_guard_release(login);
}

bool login_poll_step(struct login_exchange *exchange, struct sasl_step *step) {
  struct login *login = exchange->login;
  login_guard_acquire(login);
  bool is_done = exchange->state == STEP_DONE;
  if (is_done) exchange->state = STEP_NONE;
  login_guard_release(login);
  if (is_done) *step = exchange->step;
  return is_done;
}

void login_explain(struct login_exchange *exchange, int32_t error_code, struct bytes message, char *reason,
                   size_t reason_size) {
  ASSERT(exchange->state == STEP_NONE);
  sasl_exchange_explain(exchange->exchange, error_code, message, clock_wall_ms(), reason, reason_size);
}

/* ---- the thread ---- */

static void call_hook(const struct login *login, void (*hook)(void *context, const char *name)) {
  if (hook != NULL) hook(login->thread_hooks.context, login->thread_hooks.name);
}

static void *run(void *argument) {
  struct login *login = argument;
  call_hook(login, login->thread_hooks.on_start);
  login_guard_acquire(login);
  while (true) {
    while (list_is_empty(&login->queue) && !login->is_ending)
      login_guard_wait(login, &login->changed, CLOCK_NEVER_US);
    if (login->is_ending) break;
    struct login_exchange *exchange = LIST_ENTRY(login->queue.next, struct login_exchange, node);
    list_remove(&exchange->node);
    exchange->state = STEP_RUNNING;
    login->is_running = true;
    login_guard_release(login);
    run_step(exchange);
    login_guard_acquire(login);
    exchange->state = STEP_DONE;
    login->is_running = false;
    if (exchange->is_abandoned) free_exchange(exchange);
    condition_broadcast(&login->changed);
    if (login->is_ending) break;
    login_guard_release(login);
    login->settings.wake(login->settings.context);
    login_guard_acquire(login);
  }
  bool is_left = login->is_left;
  login_guard_release(login);
  if (is_left)
    free_login(login);
  else
    call_hook(login, login->thread_hooks.on_stop);
  return NULL;
}

static void run_step(struct login_exchange *exchange) {
  struct bytes challenge = bytes_of(exchange->challenge, exchange->challenge_bytes);
  exchange->step = sasl_exchange_step(exchange->exchange, challenge, clock_wall_ms(), exchange->deadline_us);
}

/* ---- memory ---- */

static void free_login(struct login *login) NO_THREAD_SAFETY_ANALYSIS {
  ASSERT(list_is_empty(&login->queue));
  sasl_credentials_release(login->credentials);
  condition_deinit(&login->changed);
  lock_deinit(&login->lock);
  allocator_free(login);
}

static void free_exchange(struct login_exchange *exchange) {
  sasl_exchange_destroy(exchange->exchange);
  allocator_free(exchange->challenge);
  allocator_free(exchange);
}
