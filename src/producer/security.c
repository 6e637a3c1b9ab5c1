#include "producer/security.h"

#include "base/allocator.h"
#include "base/clock.h"
#include "base/lock.h"
#include "base/status.h"
#include "network/transport_tls.h"
#include "producer/file_watch.h"
#include "producer/security_settings.h"
#include "producer/token_fetcher.h"
#include <pthread.h>
#include <stdio.h>
#include <string.h>

static const char LOGIN_THREAD[] = "sendoff-login", TOKEN_THREAD[] = "sendoff-tokens";

/* Under lock: config, tls_context, transport, watch once the threads run, is_closed. `told` is the files
 * thread's. The others do not change once they are made, until security_close. */
struct security {
  struct security_hooks hooks;
  struct lock lock;
  struct config *config; /* the one in force, for loading anew */
  enum security_protocol protocol;
  enum sasl_mechanism_id mechanism;
  enum token_method token_method;
  struct tls_context *tls_context; /* NULL: no TLS */
  struct transport *transport;     /* that has TLS around it; the network client's */
  struct token_fetcher *fetcher;   /* NULL: tokens are the host's, or there are none */
  struct token_source *tokens;     /* NULL: no OAUTHBEARER */
  struct login *login;             /* NULL: no login */
  struct file_watch *watch;        /* NULL: no files, or they are not looked at */
  struct config_error told;        /* of files that do not load; the watch's thread's */
  bool is_closed;
};

/* What is loaded before any of it is put in force. */
struct loaded {
  struct tls_context *tls_context;
  struct sasl_credentials *credentials;
  struct token_fetcher_source *fetcher_source;
};

static int32_t build(struct security *security, const struct security_settings *settings,
                     struct config_error *error);
static int32_t create_tokens(struct security *security, const struct security_settings *settings,
                             struct config_error *error);
static int32_t watch_files(struct security *security, const struct security_settings *settings);
static int32_t watch_others(struct security *security, const struct security_settings *settings);
static int32_t load(struct security *security, const struct security_settings *settings,
                    struct loaded *loaded, struct config_error *error);
static void unload(struct loaded *loaded);
static void put_in_force(struct security *security, struct loaded *loaded);
static int32_t check_same_kind(const struct security *security, const struct security_settings *settings,
                               struct config_error *error);
static int32_t reload_locked(struct security *security, const struct config *config,
                             struct config_error *error);
static bool on_files_changed(void *context);
static void wake(void *context);
static void token_wanted(void *context);
static void thread_started(void *context, const char *name);
static void thread_stopped(void *context, const char *name);

/* ---- life ---- */

int32_t security_create(const struct config *config, const struct security_hooks *hooks,
                        struct security **security, struct config_error *error) {
  struct security_settings settings;
  int32_t status = security_settings_resolve(config, hooks->log, &settings, error);
  if (status != STATUS_OK) return status;
  *security = NULL;
  if (settings.protocol == SECURITY_PLAINTEXT) {
    security_settings_deinit(&settings);
    return STATUS_OK;
  }
  struct security *created = allocator_allocate_zeroed(1, sizeof *created);
  status = created == NULL ? STATUS_OUT_OF_MEMORY : config_copy(config, &created->config);
  if (status == STATUS_OK) status = lock_init_checked(&created->lock);
  if (status == STATUS_OK) {
    created->hooks = *hooks;
    created->protocol = settings.protocol;
    created->mechanism = settings.sasl.mechanism;
    created->token_method = settings.token_method;
    status = build(created, &settings, error);
    if (status != STATUS_OK) {
      security_close(created);
      security_destroy(created);
    }
  } else if (created != NULL) {
    config_destroy(created->config);
    allocator_free(created);
  }
  security_settings_deinit(&settings);
  if (status != STATUS_OK && error->text[0] == '\0') config_error_set(error, "%s", status_text(status));
  if (status == STATUS_OK) *security = created;
  return status;
}

int32_t security_start(struct security *security) {
  return security == NULL || security->watch == NULL ? STATUS_OK : file_watch_start(security->watch);
}

void security_end_loading(struct security *security) {
  if (security == NULL) return;
  lock_acquire(&security->lock);
  security->is_closed = true;
  security->transport = NULL;
  lock_release(&security->lock);
}

void security_close(struct security *security) {
  if (security == NULL) return;
  security_end_loading(security);
  if (security->tokens != NULL) token_source_close(security->tokens); /* ends the login thread's waits, too */
  file_watch_destroy(security->watch);
  login_destroy(security->login);
  if (security->tokens != NULL) token_source_join(security->tokens);
  security->watch = NULL;
  security->login = NULL;
}

void security_destroy(struct security *security) {
  if (security == NULL) return;
  if (security->tokens != NULL) token_source_destroy(security->tokens);
  token_fetcher_destroy(security->fetcher);
  tls_context_release(security->tls_context);
  config_destroy(security->config);
  lock_deinit(&security->lock);
  allocator_free(security);
}

int32_t security_wrap(struct security *security, struct transport **transport) {
  if (security == NULL || !security_uses_tls(security->protocol)) return STATUS_OK;
  struct transport *wrapped = NULL;
  lock_acquire(&security->lock); /* files may have changed already */
  int32_t status = transport_tls_create(*transport, security->tls_context, &wrapped);
  if (status == STATUS_OK) security->transport = *transport = wrapped;
  lock_release(&security->lock);
  return status;
}

struct login *security_login(const struct security *security) {
  return security == NULL ? NULL : security->login;
}

struct token_source *security_host_tokens(const struct security *security) {
  return security == NULL || security->fetcher != NULL ? NULL : security->tokens;
}

int64_t security_tick(struct security *security, int64_t now_us) {
  struct token_source *tokens = security_host_tokens(security);
  return tokens == NULL ? CLOCK_NEVER_US : token_source_tick(tokens, now_us);
}

/* ---- building ---- */

static int32_t build(struct security *security, const struct security_settings *settings,
                     struct config_error *error) {
  int32_t status = watch_files(security, settings);
  bool has_tokens = security_uses_sasl(settings->protocol) && settings->sasl.mechanism == SASL_OAUTHBEARER;
  if (status == STATUS_OK && has_tokens) status = create_tokens(security, settings, error);
  struct loaded loaded = {0};
  if (status == STATUS_OK) status = load(security, settings, &loaded, error);
  if (status != STATUS_OK) return status;
  if (loaded.credentials != NULL) {
    const struct token_source_thread thread = {
        .name = LOGIN_THREAD, .on_start = thread_started, .on_stop = thread_stopped, .context = security};
    const struct login_settings login = {.wake = wake, .context = security, .thread = &thread};
    status = login_create(&login, loaded.credentials, &security->login);
  }
  if (status == STATUS_OK) {
    security->tls_context = loaded.tls_context;
    loaded.tls_context = NULL;
  }
  unload(&loaded);
  return status;
}

static int32_t create_tokens(struct security *security, const struct security_settings *settings,
                             struct config_error *error) {
  const struct token_source_thread thread = {
      .name = TOKEN_THREAD, .on_start = thread_started, .on_stop = thread_stopped, .context = security};
  struct token_source_settings source = {.on_wanted = token_wanted,
                                         .wanted_context = security,
                                         .refresh_window = settings->refresh_window,
                                         .refresh_jitter = settings->refresh_jitter,
                                         .refresh_minimum_us = settings->refresh_minimum_us,
                                         .refresh_buffer_us = settings->refresh_buffer_us,
                                         .retry_backoff_us = settings->login_backoff_us,
                                         .retry_backoff_max_us = settings->login_backoff_max_us,
                                         .seed = security->hooks.seed,
                                         .log = security->hooks.log};
  if (settings->token_method != TOKEN_METHOD_HOST) {
    struct token_fetcher_source *first;
    int32_t status = token_fetcher_source_create(settings, security->hooks.log, &first, error);
    if (status == STATUS_OK) status = token_fetcher_create(first, &security->fetcher);
    if (status != STATUS_OK) return status;
    source.fetch = token_fetcher_fetch;
    source.context = security->fetcher;
  }
  return token_source_create(&source, &thread, &security->tokens);
}

static int32_t watch_files(struct security *security, const struct security_settings *settings) {
  if (settings->reload_interval_us <= 0 || settings->watched_count == 0) return STATUS_OK;
  const struct file_watch_settings watch = {.interval_us = settings->reload_interval_us,
                                            .on_change = on_files_changed,
                                            .on_start = thread_started,
                                            .on_stop = thread_stopped,
                                            .context = security};
  return file_watch_create(&watch, settings->watched, settings->watched_count, &security->watch);
}

static int32_t watch_others(struct security *security, const struct security_settings *settings) {
  if (security->watch != NULL)
    return file_watch_replace(security->watch, settings->watched, settings->watched_count);
  int32_t status = watch_files(security, settings);
  return status == STATUS_OK && security->watch != NULL ? file_watch_start(security->watch) : status;
}

/* ---- loading ---- */

static int32_t load(struct security *security, const struct security_settings *settings,
                    struct loaded *loaded, struct config_error *error) {
  struct sasl_settings sasl = settings->sasl;
  sasl.tokens = security->tokens;
  int32_t status = STATUS_OK;
  if (security_uses_tls(settings->protocol))
    status = tls_context_create(&settings->tls, security->hooks.log, &loaded->tls_context, error->text,
                                sizeof error->text);
  if (status == STATUS_OK && security_uses_sasl(settings->protocol))
    status = sasl_credentials_create(&sasl, &loaded->credentials, error->text, sizeof error->text);
  /* The first one is there before the token source is, which begins to fetch at once. */
  if (status == STATUS_OK && security->login != NULL && security->fetcher != NULL)
    status = token_fetcher_source_create(settings, security->hooks.log, &loaded->fetcher_source, error);
  if (status != STATUS_OK) unload(loaded);
  return status;
}

static void unload(struct loaded *loaded) {
  tls_context_release(loaded->tls_context);
  sasl_credentials_release(loaded->credentials);
  token_fetcher_source_destroy(loaded->fetcher_source);
  *loaded = (struct loaded){0};
}

/* Nothing here fails: old and new are never mixed. */
static void put_in_force(struct security *security, struct loaded *loaded) {
  if (loaded->tls_context != NULL) {
    struct tls_context *before = security->tls_context;
    if (security->transport != NULL) transport_tls_replace(security->transport, loaded->tls_context);
    security->tls_context = tls_context_retain(loaded->tls_context);
    tls_context_release(before);
  }
  if (loaded->fetcher_source != NULL) {
    token_fetcher_replace(security->fetcher, loaded->fetcher_source);
    token_source_renew(security->tokens);
    loaded->fetcher_source = NULL;
  }
  if (loaded->credentials != NULL) login_replace(security->login, loaded->credentials);
}

int32_t security_reload(struct security *security, const struct config *config, struct config_error *error) {
  int32_t status = STATUS_IN_CALLBACK; /* this is an on_log of the loading itself */
  if (lock_acquire_unless_held(&security->lock)) {
    status = security->is_closed ? STATUS_CLOSED : reload_locked(security, config, error);
    lock_release(&security->lock);
  }
  if (status != STATUS_OK && error->text[0] == '\0') config_error_set(error, "%s", status_text(status));
  return status;
}

static int32_t reload_locked(struct security *security, const struct config *config,
                             struct config_error *error) {
  struct config *copy = NULL;
  struct security_settings settings;
  struct loaded loaded = {0};
  int32_t status = config == NULL ? STATUS_OK : config_copy(config, &copy);
  if (status != STATUS_OK) return status;
  status = security_settings_resolve(copy == NULL ? security->config : copy, security->hooks.log, &settings,
                                     error);
  if (status != STATUS_OK) {
    config_destroy(copy);
    return status;
  }
  status = check_same_kind(security, &settings, error);
  if (status == STATUS_OK) status = load(security, &settings, &loaded, error);
  if (status == STATUS_OK && copy != NULL) status = watch_others(security, &settings);
  if (status == STATUS_OK) {
    put_in_force(security, &loaded);
    if (copy != NULL) config_swap(security->config, copy);
  }
  unload(&loaded);
  security_settings_deinit(&settings);
  config_destroy(copy);
  if (status == STATUS_OK) LOG(security->hooks.log, LOG_LEVEL_INFO, "credentials were loaded again");
  return status;
}

static int32_t check_same_kind(const struct security *security, const struct security_settings *settings,
                               struct config_error *error) {
  if (settings->protocol != security->protocol) {
    config_error_set(error, "security.protocol cannot change while the producer runs");
    return STATUS_NOT_CONFIGURED;
  }
  if (security_uses_sasl(settings->protocol) && settings->sasl.mechanism != security->mechanism) {
    config_error_set(error, "sasl.mechanism cannot change while the producer runs: it is %s",
                     sasl_mechanism_name(security->mechanism));
    return STATUS_NOT_CONFIGURED;
  }
  if (settings->token_method != security->token_method) {
    config_error_set(error, "where tokens come from cannot change while the producer runs");
    return STATUS_NOT_CONFIGURED;
  }
  return STATUS_OK;
}

/* ---- hooks ---- */

/* What does not load may do so a moment later: the other half of a pair, or memory that was short. */
static bool on_files_changed(void *context) {
  struct security *security = context;
  struct config_error error = {.text = ""};
  int32_t status = security_reload(security, NULL, &error);
  bool is_news = strcmp(error.text, security->told.text) != 0;
  security->told = error;
  if (status == STATUS_OK || status == STATUS_CLOSED) return true;
  if (is_news)
    LOG(security->hooks.log, LOG_LEVEL_WARNING,
        "files of ssl.* or sasl.* have changed and do not load, the old credentials stay in force: %s",
        error.text);
  return false;
}

static void wake(void *context) {
  struct security *security = context;
  security->hooks.wake(security->hooks.context);
}

static void token_wanted(void *context) {
  struct security *security = context;
  if (security->hooks.on_token_wanted != NULL) security->hooks.on_token_wanted(security->hooks.context);
}

static void thread_started(void *context, const char *name) {
  struct security *security = context;
  security->hooks.on_thread_start(security->hooks.context, name);
}

static void thread_stopped(void *context, const char *name) {
  struct security *security = context;
  security->hooks.on_thread_stop(security->hooks.context, name);
}
