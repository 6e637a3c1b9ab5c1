/* Tokens, certificates and passwords of a running producer: check the handle, convert, call, map. No policy.
 */
#include "base/lock.h"
#include "sendoff/sendoff.h"

#include "abi_text.h"
#include "base/clock.h"
#include "base/status.h"
#include "producer/producer.h"
#include "sized_struct.h"

enum { TOKEN_SIZE_1_1 = sizeof(sendoff_token), EXTENSIONS_MAX = 1000 };

/* The same two pointers: tokens are handed on as they are. */
#define SAME_FIELD(field)                                                                                    \
  _Static_assert(offsetof(sendoff_token_extension, field) == offsetof(struct token_extension, field),        \
                 "token extension field " #field)
SAME_FIELD(name);
SAME_FIELD(value);
_Static_assert(sizeof(sendoff_token_extension) == sizeof(struct token_extension), "token extension");

static int32_t begin(sendoff_producer *handle, struct producer **producer, struct token_source **tokens);
static int32_t end(struct producer *producer, int32_t status);
static int32_t end_waking(struct producer *producer, int32_t status);
static int32_t make_token(const sendoff_token *given, struct token **token, char *error, size_t error_size);

int32_t sendoff_set_token(sendoff_producer *handle, const sendoff_token *given, char *error,
                          size_t error_size) {
  if (given == NULL || !sized_struct_is_readable(given, TOKEN_SIZE_1_1, sizeof *given)) {
    text_copy(error, error_size, "token must not be NULL, say its size and set no unknown field");
    return STATUS_INVALID_ARGUMENT;
  }
  struct producer *producer;
  struct token_source *tokens;
  int32_t status = begin(handle, &producer, &tokens);
  if (status != STATUS_OK) {
    text_copy(error, error_size, status_text(status));
    return status;
  }
  struct token *token = NULL;
  status = make_token(given, &token, error, error_size);
  if (status == STATUS_OK) token_source_put(tokens, token);
  token_release(token);
  return end_waking(producer, status);
}

int32_t sendoff_set_token_failure(sendoff_producer *handle, const char *reason) {
  if (reason == NULL) return STATUS_INVALID_ARGUMENT;
  struct producer *producer;
  struct token_source *tokens;
  int32_t status = begin(handle, &producer, &tokens);
  if (status != STATUS_OK) return status;
  token_source_fail(tokens, reason);
  return end_waking(producer, STATUS_OK);
}

int32_t sendoff_wait_token_wanted(sendoff_producer *handle, int64_t timeout_ms) {
  struct producer *producer;
  struct token_source *tokens;
  int32_t status = begin(handle, &producer, &tokens);
  if (status != STATUS_OK) return status;
  if (callback_scope_is_in(producer)) return end(producer, STATUS_IN_CALLBACK);
  int64_t deadline_us = timeout_ms == 0 ? 0 : producer_deadline_us(clock_monotonic_us(), timeout_ms);
  return end(producer, token_source_wait_wanted(tokens, deadline_us));
}

int32_t sendoff_reload_credentials(sendoff_producer *handle, const sendoff_config *config, char *error,
                                   size_t error_size) {
  struct producer *producer;
  struct config_error reason = {.text = ""};
  int32_t status = handle_lock(handle, &producer);
  if (status != STATUS_OK) {
    text_copy(error, error_size, status_text(status));
    return status;
  }
  producer_use(producer);
  handle_unlock(producer->slot);
  if (producer->security == NULL) {
    config_error_set(&reason, "security.protocol is PLAINTEXT: there are no credentials");
    status = STATUS_NOT_CONFIGURED;
  } else {
    status = security_reload(producer->security, (const struct config *)(const void *)config, &reason);
  }
  if (status != STATUS_OK) text_copy(error, error_size, reason.text);
  return end(producer, status);
}

/* Keeps the producer's memory, without its lock: what follows takes locks of its own, and may call the host.
 */
static int32_t begin(sendoff_producer *handle, struct producer **producer, struct token_source **tokens) {
  int32_t status = handle_lock(handle, producer);
  if (status != STATUS_OK) return status;
  *tokens = security_host_tokens((*producer)->security);
  if ((*producer)->state == PRODUCER_CLOSED)
    status = STATUS_CLOSED;
  else if (*tokens == NULL)
    status = STATUS_NOT_CONFIGURED;
  if (status != STATUS_OK) {
    producer_unlock(*producer);
    return status;
  }
  producer_use(*producer);
  handle_unlock((*producer)->slot);
  return STATUS_OK;
}

static int32_t end(struct producer *producer, int32_t status) {
  handle_slot_lock(producer->slot);
  producer_leave(producer);
  return status;
}

/* The sender thread reckons anew when the next token is to be wanted. */
static int32_t end_waking(struct producer *producer, int32_t status) {
  handle_slot_lock(producer->slot);
  producer_wake_sender(producer);
  producer_leave(producer);
  return status;
}

static int32_t make_token(const sendoff_token *given, struct token **token, char *error, size_t error_size) {
  bool has_extensions = given->extension_count > 0;
  if (given->value == NULL || given->extension_count > EXTENSIONS_MAX ||
      (has_extensions && given->extensions == NULL)) {
    text_copy(error, error_size, "a token needs a value, and as many extensions as it says");
    return STATUS_INVALID_ARGUMENT;
  }
  const struct token_fields fields = {
      .value = bytes_of_string(given->value),
      .principal = given->principal,
      .expires_ms = given->expires_ms,
      .extensions = (const struct token_extension *)(const void *)given->extensions,
      .extension_count = given->extension_count,
  };
  return token_create(&fields, clock_wall_ms(), token, error, error_size);
}
