/* The whole layer in a build without OpenSSL (SENDOFF_WITH_TLS=OFF): what a producer would be created with is
 * refused, so that nothing else is ever called with something to do. */
#include "base/clock.h"
#include "base/status.h"
#include "security/jaas.h"
#include "security/login.h"
#include "security/oidc.h"
#include "security/sasl_credentials.h"
#include "security/security_library.h"
#include "security/tls_context.h"
#include "security/tls_session.h"
#include "security/token.h"
#include "security/token_source.h"
#include "security/unsecured_token.h"
#include <stdio.h>

static const char explanation[] = "this build has no TLS and no logins (SENDOFF_WITH_TLS=OFF)";

static int32_t refuse(char *error, size_t error_size) {
  if (error_size > 0) (void)snprintf(error, error_size, "%s", explanation);
  return STATUS_NOT_CONFIGURED;
}

/* ---- security_library.h ---- */

void security_library_init(void) {}

int32_t security_library_require(char *error, size_t error_size) {
  return refuse(error, error_size);
}

bool security_library_is_own(void) {
  return false;
}

void security_library_started(void) {}

uint32_t security_library_count(void) {
  return 0;
}

/* ---- tls_context.h, tls_session.h ---- */

int32_t tls_context_create(const struct tls_settings *settings, const struct log *log,
                           struct tls_context **context, char *error, size_t error_size) {
  (void)settings, (void)log, (void)context;
  return refuse(error, error_size);
}

struct tls_context *tls_context_retain(struct tls_context *context) {
  return context;
}

void tls_context_release(struct tls_context *context) {
  (void)context;
}

struct tls_session *tls_session_create(struct tls_context *context, const char *host, uint16_t port) {
  (void)context, (void)host, (void)port;
  return NULL;
}

void tls_session_destroy(struct tls_session *session) {
  (void)session;
}

enum tls_outcome tls_session_handshake(struct tls_session *session) {
  (void)session;
  return TLS_FAILED;
}

bool tls_session_put(struct tls_session *session, struct bytes input) {
  (void)session, (void)input;
  return false;
}

bool tls_session_has_input(const struct tls_session *session) {
  (void)session;
  return false;
}

void tls_session_end_input(struct tls_session *session) {
  (void)session;
}

enum tls_outcome tls_session_read(struct tls_session *session, uint8_t *to, size_t capacity, size_t *count) {
  (void)session, (void)to, (void)capacity;
  *count = 0;
  return TLS_FAILED;
}

enum tls_outcome tls_session_write(struct tls_session *session, struct bytes data, size_t *count) {
  (void)session, (void)data;
  *count = 0;
  return TLS_FAILED;
}

struct bytes tls_session_output(const struct tls_session *session) {
  (void)session;
  return bytes_of(NULL, 0);
}

void tls_session_output_taken(struct tls_session *session, size_t bytes) {
  (void)session, (void)bytes;
}

void tls_session_shut_down(struct tls_session *session) {
  (void)session;
}

int32_t tls_session_status(const struct tls_session *session) {
  (void)session;
  return STATUS_NOT_CONFIGURED;
}

const char *tls_session_reason(const struct tls_session *session) {
  (void)session;
  return explanation;
}

void tls_session_describe(const struct tls_session *session, char *text, size_t size) {
  (void)session;
  if (size > 0) text[0] = '\0';
}

/* ---- sasl_credentials.h, login.h ---- */

int32_t sasl_credentials_create(const struct sasl_settings *settings, struct sasl_credentials **credentials,
                                char *error, size_t error_size) {
  (void)settings, (void)credentials;
  return refuse(error, error_size);
}

struct sasl_credentials *sasl_credentials_retain(struct sasl_credentials *credentials) {
  return credentials;
}

void sasl_credentials_release(struct sasl_credentials *credentials) {
  (void)credentials;
}

const char *sasl_mechanism_name(enum sasl_mechanism_id mechanism) {
  (void)mechanism;
  return "";
}

const char *sasl_credentials_mechanism(const struct sasl_credentials *credentials) {
  (void)credentials;
  return "";
}

int32_t login_create(const struct login_settings *settings, struct sasl_credentials *credentials,
                     struct login **login) {
  (void)settings, (void)credentials, (void)login;
  return STATUS_NOT_CONFIGURED;
}

void login_destroy(struct login *login) {
  (void)login;
}

int32_t login_replace(struct login *login, struct sasl_credentials *credentials) {
  (void)login, (void)credentials;
  return STATUS_NOT_CONFIGURED;
}

const char *login_mechanism(struct login *login) {
  (void)login;
  return "";
}

uint64_t login_generation(const struct login *login) {
  (void)login;
  return 0;
}

struct login_exchange *login_exchange_create(struct login *login, const char *host) {
  (void)login, (void)host;
  return NULL;
}

void login_exchange_destroy(struct login_exchange *exchange) {
  (void)exchange;
}

const char *login_exchange_mechanism(const struct login_exchange *exchange) {
  (void)exchange;
  return "";
}

void login_begin_step(struct login_exchange *exchange, struct bytes challenge, int64_t deadline_us) {
  (void)exchange, (void)challenge, (void)deadline_us;
}

bool login_poll_step(struct login_exchange *exchange, struct sasl_step *step) {
  (void)exchange;
  *step =
      (struct sasl_step){.kind = SASL_STEP_FAILED, .status = STATUS_NOT_CONFIGURED, .reason = explanation};
  return true;
}

void login_explain(struct login_exchange *exchange, int32_t error_code, struct bytes message, char *reason,
                   size_t reason_size) {
  (void)exchange, (void)error_code, (void)message;
  (void)refuse(reason, reason_size);
}

/* ---- jaas.h ---- */

int32_t jaas_parse(const struct secret *text, struct jaas **jaas, char *error, size_t error_size) {
  (void)text, (void)jaas;
  return refuse(error, error_size);
}

void jaas_destroy(struct jaas *jaas) {
  (void)jaas;
}

enum jaas_module jaas_module(const struct jaas *jaas) {
  (void)jaas;
  return JAAS_MODULE_COUNT;
}

const char *jaas_module_name(enum jaas_module module) {
  (void)module;
  return "";
}

const struct secret *jaas_option(const struct jaas *jaas, const char *name) {
  (void)jaas, (void)name;
  return NULL;
}

bool jaas_flag(const struct jaas *jaas, const char *name) {
  (void)jaas, (void)name;
  return false;
}

uint32_t jaas_option_count(const struct jaas *jaas) {
  (void)jaas;
  return 0;
}

struct jaas_option jaas_option_at(const struct jaas *jaas, uint32_t index) {
  (void)jaas, (void)index;
  return (struct jaas_option){.name = NULL, .value = NULL};
}

/* ---- token.h, token_source.h, oidc.h, unsecured_token.h ---- */

int32_t token_create(const struct token_fields *fields, int64_t now_ms, struct token **token, char *error,
                     size_t error_size) {
  (void)fields, (void)now_ms, (void)token;
  return refuse(error, error_size);
}

void token_release(struct token *token) {
  (void)token;
}

int32_t token_source_create(const struct token_source_settings *settings,
                            const struct token_source_thread *thread, struct token_source **source) {
  (void)settings, (void)thread, (void)source;
  return STATUS_NOT_CONFIGURED;
}

void token_source_join(struct token_source *source) {
  (void)source;
}

void token_source_destroy(struct token_source *source) {
  (void)source;
}

void token_source_close(struct token_source *source) {
  (void)source;
}

void token_source_put(struct token_source *source, struct token *token) {
  (void)source, (void)token;
}

void token_source_fail(struct token_source *source, const char *reason) {
  (void)source, (void)reason;
}

int64_t token_source_tick(struct token_source *source, int64_t now_us) {
  (void)source, (void)now_us;
  return CLOCK_NEVER_US;
}

int32_t token_source_wait_wanted(struct token_source *source, int64_t deadline_us) {
  (void)source, (void)deadline_us;
  return STATUS_NOT_CONFIGURED;
}

void token_source_wake(struct token_source *source) {
  (void)source;
}

void token_source_discard(struct token_source *source, const struct token *token) {
  (void)source, (void)token;
}

void token_source_renew(struct token_source *source) {
  (void)source;
}

int32_t oidc_create(const struct oidc_settings *settings, struct oidc **oidc, char *error,
                    size_t error_size) {
  (void)settings, (void)oidc;
  return refuse(error, error_size);
}

void oidc_release(void *oidc) {
  (void)oidc;
}

int32_t oidc_fetch(void *oidc, struct token_source *source, struct token **token, char *reason,
                   size_t reason_size) {
  (void)oidc, (void)source, (void)token;
  return refuse(reason, reason_size);
}

int32_t unsecured_token_create(const struct unsecured_token_settings *settings,
                               struct unsecured_token **unsecured, char *error, size_t error_size) {
  (void)settings, (void)unsecured;
  return refuse(error, error_size);
}

void unsecured_token_release(void *unsecured) {
  (void)unsecured;
}

int32_t unsecured_token_fetch(void *unsecured, struct token_source *source, struct token **token,
                              char *reason, size_t reason_size) {
  (void)unsecured, (void)source, (void)token;
  return refuse(reason, reason_size);
}
