#include "base/status.h"
#include "security/base64.h"
#include "security/json.h"
#include "security/sasl_mechanism.h"
#include "security/sasl_text.h"
#include "security/token_source.h"
#include <stdio.h>
#include <string.h>

/* RFC 7628 in one message: n,, ^A auth=Bearer TOKEN ^A [name=value ^A]... ^A. The broker answers nothing, or
 * JSON that says what is wrong with the token; that is answered by one ^A, whereupon the broker refuses. */

#define SEPARATOR "\x01"

struct oauthbearer_state {
  bool is_refused;
  char refusal[192]; /* the JSON's status and scope, for people */
};

static int32_t oauthbearer_check(const struct sasl_settings *settings, char *error, size_t error_size) {
  if (settings->tokens != NULL) return STATUS_OK;
  (void)snprintf(error, error_size, "OAUTHBEARER has nowhere to get tokens from");
  return STATUS_INVALID_SETTING;
}

static struct secret *message_make(const struct token *token) {
  uint32_t count = token_extension_count(token);
  struct secret *extensions = secret_create(bytes_of_string(""));
  for (uint32_t i = 0; i < count && extensions != NULL; i++) {
    struct token_extension each = token_extension_at(token, i);
    struct bytes parts[] = {secret_bytes(extensions), bytes_of_string(each.name), bytes_of_string("="),
                            bytes_of_string(each.value), bytes_of_string(SEPARATOR)};
    struct secret *longer = sasl_text_join(parts, sizeof parts / sizeof parts[0]);
    secret_destroy(extensions);
    extensions = longer;
  }
  if (extensions == NULL) return NULL;
  struct bytes parts[] = {bytes_of_string("n,," SEPARATOR "auth=Bearer "), token_value(token),
                          bytes_of_string(SEPARATOR), secret_bytes(extensions), bytes_of_string(SEPARATOR)};
  struct secret *message = sasl_text_join(parts, sizeof parts / sizeof parts[0]);
  secret_destroy(extensions);
  return message;
}

static struct sasl_step begin(struct sasl_exchange *exchange, int64_t deadline_us) {
  char reason[384] = "";
  struct token *token = NULL;
  int32_t status =
      token_source_take(exchange->credentials->tokens, deadline_us, &token, reason, sizeof reason);
  if (status == STATUS_OK) {
    exchange->token = token;
    return sasl_mechanism_send(exchange, message_make(token));
  }
  if (status == STATUS_OUT_OF_MEMORY || status == STATUS_CLOSED) {
    (void)snprintf(exchange->reason, sizeof exchange->reason, "%s", status_text(status));
    return sasl_mechanism_fail_as_written(exchange, status);
  }
  const char *what = status == STATUS_TIMED_OUT ? "no token came in time" : "there is no token";
  return sasl_mechanism_fail(exchange, STATUS_LOGIN_FAILED, "OAUTHBEARER: %s%s%s", what,
                             reason[0] == '\0' ? "" : ": ", reason);
}

/* Writes a member that is a string; the token in it is hidden, as the broker may repeat it there. */
static void member_write(const struct sasl_exchange *exchange, struct json_value document, const char *name,
                         char *to, size_t size) {
  struct json_value member;
  if (json_find(document, name, &member) != JSON_FOUND || member.kind != JSON_STRING) return;
  struct secret *text = json_secret(member);
  const struct bytes token = token_value(exchange->token);
  if (text != NULL) sasl_text_print(secret_bytes(text), &token, 1, to, size);
  secret_destroy(text);
}

/* Kafka's, and RFC 7628's (section 3.2.2): {"status":"invalid_token","scope":"..."}. */
static void refusal_write(struct sasl_exchange *exchange, struct bytes challenge) {
  struct oauthbearer_state *state = exchange->state;
  struct json_value document;
  char status[64] = "", scope[96] = "";
  if (json_read(challenge, &document) && document.kind == JSON_OBJECT) {
    member_write(exchange, document, "status", status, sizeof status);
    member_write(exchange, document, "scope", scope, sizeof scope);
  }
  (void)snprintf(state->refusal, sizeof state->refusal, "%s%s%s%s",
                 status[0] == '\0' ? "the token was refused, without a status" : status,
                 scope[0] == '\0' ? "" : " (it has to have the scope ", scope, scope[0] == '\0' ? "" : ")");
}

static struct sasl_step oauthbearer_step(struct sasl_exchange *exchange, struct bytes challenge,
                                         int64_t now_ms, int64_t deadline_us) {
  (void)now_ms;
  struct oauthbearer_state *state = exchange->state;
  if (exchange->step_count == 0) return begin(exchange, deadline_us);
  if (state->is_refused)
    return sasl_mechanism_fail(exchange, STATUS_SASL_AUTHENTICATION_FAILED,
                               "OAUTHBEARER: the broker refused the token: %s", state->refusal);
  if (challenge.size == 0) return sasl_mechanism_done();
  state->is_refused = true;
  refusal_write(exchange, challenge);
  token_source_discard(exchange->credentials->tokens, exchange->token);
  return sasl_mechanism_send(exchange, secret_create(bytes_of_string(SEPARATOR)));
}

/* A claim of a JWT (RFC 7519) in milliseconds, or -1. */
static int64_t claim_ms(struct json_value claims, const char *name) {
  struct json_value value;
  int64_t seconds;
  if (json_find(claims, name, &value) != JSON_FOUND || value.kind != JSON_NUMBER) return -1;
  if (!json_integer(value, &seconds) || seconds < 0 || seconds > INT64_MAX / 1000) return -1;
  return seconds * 1000;
}

/* When the token says it begins and ends; -1 where it does not, as tokens need not be JWTs. */
static void times_read(const struct token *token, int64_t *from_ms, int64_t *until_ms) {
  struct bytes value = token_value(token);
  *from_ms = -1;
  *until_ms = token_expires_ms(token) == INT64_MAX ? -1 : token_expires_ms(token);
  const uint8_t *begin = memchr(value.data, '.', value.size);
  if (begin == NULL) return;
  begin++;
  const uint8_t *end = memchr(begin, '.', value.size - (size_t)(begin - value.data));
  if (end == NULL) return;
  struct bytes text = bytes_of(begin, (size_t)(end - begin));
  struct secret *payload = secret_allocate(base64_decoded_size_max(text.size));
  if (payload == NULL) return;
  size_t size = 0;
  struct json_value claims;
  if (base64_decode(text, BASE64_URL, secret_data(payload), &size) &&
      json_read(bytes_of(secret_bytes(payload).data, size), &claims) && claims.kind == JSON_OBJECT) {
    int64_t issued_ms = claim_ms(claims, "iat"), not_before_ms = claim_ms(claims, "nbf");
    int64_t expires_ms = claim_ms(claims, "exp");
    *from_ms = issued_ms > not_before_ms ? issued_ms : not_before_ms;
    if (expires_ms >= 0) *until_ms = expires_ms;
  }
  secret_destroy(payload);
}

/* What the clock of this machine says of the token's times: where clocks differ, a broker finds a good token
 * expired, or issued in the future. */
static void clock_hint(const struct token *token, int64_t now_ms, char *hint, size_t hint_size) {
  int64_t from_ms, until_ms;
  times_read(token, &from_ms, &until_ms);
  if (until_ms >= 0 && until_ms <= now_ms) {
    (void)snprintf(hint, hint_size, "; by this machine's clock it expired %lld s ago",
                   (long long)((now_ms - until_ms) / 1000));
  } else if (from_ms > now_ms) {
    (void)snprintf(hint, hint_size,
                   "; by this machine's clock it was issued %lld s in the future: the clocks of this machine "
                   "and of the token's issuer differ",
                   (long long)((from_ms - now_ms + 999) / 1000));
  } else if (from_ms >= 0 && until_ms >= 0) {
    (void)snprintf(
        hint, hint_size,
        "; by this machine's clock it was issued %lld s ago and is valid for %lld s: if not so for "
        "the broker, clocks differ",
        (long long)((now_ms - from_ms) / 1000), (long long)((until_ms - now_ms) / 1000));
  }
}

static void oauthbearer_hint(struct sasl_exchange *exchange, int32_t error_code, int64_t now_ms, char *hint,
                             size_t hint_size) {
  if (error_code != STATUS_SASL_AUTHENTICATION_FAILED || exchange->token == NULL) return;
  const struct oauthbearer_state *state = exchange->state;
  (void)snprintf(hint, hint_size, "%s", state->is_refused ? state->refusal : "the token was refused");
  size_t used = strlen(hint);
  clock_hint(exchange->token, now_ms, hint + used, hint_size - used);
  if (!state->is_refused) token_source_discard(exchange->credentials->tokens, exchange->token);
}

const struct sasl_mechanism sasl_mechanism_oauthbearer = {
    .name = "OAUTHBEARER",
    .may_block = true,
    .check = oauthbearer_check,
    .state_size = sizeof(struct oauthbearer_state),
    .step = oauthbearer_step,
    .hint = oauthbearer_hint,
};
