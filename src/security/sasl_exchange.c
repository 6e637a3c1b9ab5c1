#include "security/sasl_exchange.h"

#include "base/allocator.h"
#include "base/assertion.h"
#include "base/status.h"
#include "security/sasl_mechanism.h"
#include "security/sasl_text.h"
#include <stdarg.h>
#include <stdio.h>

/* Far more than any mechanism's message; a token of Kerberos with a large ticket has some 60 KiB. */
enum { CHALLENGE_MAX_BYTES = 256 << 10 };

struct sasl_exchange *sasl_exchange_create(struct sasl_credentials *credentials, const char *host) {
  struct sasl_exchange *exchange = allocator_allocate_zeroed(1, sizeof *exchange);
  if (exchange == NULL) return NULL;
  exchange->credentials = sasl_credentials_retain(credentials);
  exchange->host = allocator_copy_string(host);
  exchange->state = allocator_allocate_zeroed(1, credentials->mechanism->state_size);
  if (exchange->host == NULL || exchange->state == NULL) {
    sasl_exchange_destroy(exchange);
    return NULL;
  }
  return exchange;
}

void sasl_exchange_destroy(struct sasl_exchange *exchange) {
  if (exchange == NULL) return;
  const struct sasl_mechanism *mechanism = exchange->credentials->mechanism;
  if (exchange->state != NULL) {
    if (mechanism->deinit != NULL) mechanism->deinit(exchange);
    secret_wipe(exchange->state, mechanism->state_size);
  }
  secret_destroy(exchange->response);
  token_release(exchange->token);
  allocator_free(exchange->state);
  allocator_free(exchange->host);
  sasl_credentials_release(exchange->credentials);
  allocator_free(exchange);
}

struct sasl_step sasl_exchange_step(struct sasl_exchange *exchange, struct bytes challenge, int64_t now_ms,
                                    int64_t deadline_us) {
  const struct sasl_mechanism *mechanism = exchange->credentials->mechanism;
  struct sasl_step step;
  secret_destroy(exchange->response);
  exchange->response = NULL;
  if (exchange->has_ended) {
    step = sasl_mechanism_fail(exchange, STATUS_LOGIN_FAILED, "%s: the login has ended already",
                               mechanism->name);
  } else if (challenge.size > CHALLENGE_MAX_BYTES) {
    step = sasl_mechanism_fail(exchange, STATUS_LOGIN_FAILED,
                               "%s: the broker's message of %zu bytes is too long", mechanism->name,
                               challenge.size);
  } else {
    step = mechanism->step(exchange, challenge, now_ms, deadline_us);
  }
  exchange->step_count++;
  exchange->has_ended = step.kind != SASL_STEP_SEND;
  return step;
}

struct sasl_step sasl_mechanism_send(struct sasl_exchange *exchange, struct secret *response) {
  if (response == NULL) return sasl_mechanism_fail_as_written(exchange, STATUS_OUT_OF_MEMORY);
  exchange->response = response;
  return (struct sasl_step){.kind = SASL_STEP_SEND, .response = secret_bytes(response)};
}

struct sasl_step sasl_mechanism_done(void) {
  return (struct sasl_step){.kind = SASL_STEP_DONE};
}

struct sasl_step sasl_mechanism_fail(struct sasl_exchange *exchange, int32_t status, const char *format,
                                     ...) {
  va_list arguments;
  va_start(arguments, format);
  (void)vsnprintf(exchange->reason, sizeof exchange->reason, format, arguments);
  va_end(arguments);
  return sasl_mechanism_fail_as_written(exchange, status);
}

struct sasl_step sasl_mechanism_fail_as_written(struct sasl_exchange *exchange, int32_t status) {
  if (status == STATUS_OUT_OF_MEMORY)
    (void)snprintf(exchange->reason, sizeof exchange->reason, "%s", status_text(status));
  return (struct sasl_step){.kind = SASL_STEP_FAILED, .status = status, .reason = exchange->reason};
}

/* What the broker said, without what it may not repeat: a server of PLAIN knows the password, and one that is
 * badly made, or means harm, could have it written to a log. */
static void message_print(const struct sasl_exchange *exchange, struct bytes message, char *to, size_t size) {
  const struct sasl_credentials *credentials = exchange->credentials;
  struct bytes secrets[3];
  size_t count = 0;
  if (credentials->password != NULL) secrets[count++] = secret_bytes(credentials->password);
  if (credentials->session_token != NULL) secrets[count++] = secret_bytes(credentials->session_token);
  if (exchange->token != NULL) secrets[count++] = token_value(exchange->token);
  sasl_text_print(message, secrets, count, to, size);
}

void sasl_exchange_explain(struct sasl_exchange *exchange, int32_t error_code, struct bytes message,
                           int64_t now_ms, char *reason, size_t reason_size) {
  const struct sasl_mechanism *mechanism = exchange->credentials->mechanism;
  char said[256], hint[256] = "";
  message_print(exchange, message, said, sizeof said);
  if (mechanism->hint != NULL) mechanism->hint(exchange, error_code, now_ms, hint, sizeof hint);
  const char *text = error_code == STATUS_SASL_AUTHENTICATION_FAILED ? "the broker refused the credentials"
                                                                     : status_text(error_code);
  (void)snprintf(reason, reason_size, "%s: %s (error %d)%s%s%s%s%s", mechanism->name, text, (int)error_code,
                 hint[0] == '\0' ? "" : ": ", hint, said[0] == '\0' ? "" : "; it says \"", said,
                 said[0] == '\0' ? "" : "\"");
}
