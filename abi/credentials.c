/* Tokens, certificates and passwords of a running producer: check the handle, convert, call, map. No policy.
 */
#include "sendoff/sendoff.h"

#include "abi_text.h"
#include "base/status.h"
#include "producer/producer.h"
#include "sized_struct.h"

enum { TOKEN_SIZE_1_1 = sizeof(sendoff_token) };

static int32_t refuse_unconfigured(sendoff_producer *handle, char *error, size_t error_size);

int32_t sendoff_set_token(sendoff_producer *handle, const sendoff_token *token, char *error,
                          size_t error_size) {
  if (token == NULL || !sized_struct_is_readable(token, TOKEN_SIZE_1_1, sizeof *token))
    return STATUS_INVALID_ARGUMENT;
  return refuse_unconfigured(handle, error, error_size);
}

int32_t sendoff_set_token_failure(sendoff_producer *handle, const char *reason) {
  if (reason == NULL) return STATUS_INVALID_ARGUMENT;
  return refuse_unconfigured(handle, NULL, 0);
}

int32_t sendoff_wait_token_wanted(sendoff_producer *handle, int64_t timeout_ms) {
  (void)timeout_ms;
  return refuse_unconfigured(handle, NULL, 0);
}

int32_t sendoff_reload_credentials(sendoff_producer *handle, const sendoff_config *config, char *error,
                                   size_t error_size) {
  (void)config;
  return refuse_unconfigured(handle, error, error_size);
}

static int32_t refuse_unconfigured(sendoff_producer *handle, char *error, size_t error_size) {
  struct producer *producer;
  int32_t status = handle_lock(handle, &producer);
  if (status != STATUS_OK) return status;
  text_copy(error, error_size, status_text(STATUS_NOT_CONFIGURED));
  producer_unlock(producer);
  return STATUS_NOT_CONFIGURED;
}
