#include "base/status.h"
#include "security/sasl_mechanism.h"
#include "security/sasl_text.h"
#include <stdio.h>

/* RFC 4616: authorization id NUL user NUL password, in one message. */

static int32_t plain_check(const struct sasl_settings *settings, char *error, size_t error_size) {
  bool valid = sasl_mechanism_check_text(settings->username, "PLAIN's user name", error, error_size) &&
               sasl_mechanism_check_secret(settings->password, "PLAIN's password", error, error_size);
  const char *authorization_id = settings->authorization_id;
  if (valid && authorization_id != NULL)
    valid = sasl_mechanism_check_text(authorization_id, "PLAIN's authorization id", error, error_size);
  return valid ? STATUS_OK : STATUS_INVALID_SETTING;
}

static struct sasl_step plain_step(struct sasl_exchange *exchange, struct bytes challenge, int64_t now_ms,
                                   int64_t deadline_us) {
  (void)now_ms, (void)deadline_us;
  const struct sasl_credentials *credentials = exchange->credentials;
  if (exchange->step_count == 0) {
    struct bytes zero = bytes_of("", 1);
    struct bytes parts[] = {bytes_of_string(credentials->authorization_id), zero,
                            bytes_of_string(credentials->username), zero,
                            secret_bytes(credentials->password)};
    return sasl_mechanism_send(exchange, sasl_text_join(parts, sizeof parts / sizeof parts[0]));
  }
  if (challenge.size == 0) return sasl_mechanism_done();
  return sasl_mechanism_fail(exchange, STATUS_LOGIN_FAILED,
                             "PLAIN: the broker answers with %zu bytes where it has nothing to say",
                             challenge.size);
}

static void plain_hint(struct sasl_exchange *exchange, int32_t error_code, int64_t now_ms, char *hint,
                       size_t hint_size) {
  (void)exchange, (void)now_ms;
  if (error_code == STATUS_SASL_AUTHENTICATION_FAILED)
    (void)snprintf(hint, hint_size, "user name or password is wrong");
}

const struct sasl_mechanism sasl_mechanism_plain = {
    .name = "PLAIN",
    .check = plain_check,
    .state_size = 1,
    .step = plain_step,
    .hint = plain_hint,
};
