#include "security/token_answer.h"

#include "base/status.h"
#include "security/base64.h"
#include "security/json.h"
#include "security/sasl_text.h"
#include <stdio.h>
#include <strings.h>
#include <time.h>

enum { TEXT_BYTES = 256, DATE_BYTES = 32, PRINCIPAL_BYTES = 256 };

/* What is known about a token before it is made. */
struct grant {
  struct secret *value;
  char principal[PRINCIPAL_BYTES];
  int64_t expires_ms;
};

static bool read_grant(const struct token_answer *answer, struct json_value object, struct grant *grant,
                       char *reason, size_t reason_size);
static bool read_life(const struct token_answer *answer, struct json_value object, struct grant *grant,
                      char *reason, size_t reason_size);
static bool read_expires_in(struct json_value object, int64_t *seconds, bool *given, char *reason,
                            size_t reason_size);
static bool read_digits(struct json_value string, int64_t *integer);
static bool read_claims(const struct token_answer *answer, struct grant *grant, int64_t *exp_ms);
static void say_expired(const struct token_answer *answer, int64_t exp_ms, char *reason, size_t reason_size);
static bool is_bearer(struct json_value type);
static void say_refused(const struct token_answer *answer, struct json_value object, bool is_object,
                        char *reason, size_t reason_size);
static void say_member(const struct token_answer *answer, struct json_value object, const char *name,
                       char *to);
static const char *kind_of(const struct http_head *head);
static const char *advice_for(int32_t http_status);
static void print_date(int64_t unix_ms, char *to);
static int64_t to_ms(int64_t seconds);

int32_t token_answer_read(const struct token_answer *answer, struct token **token, char *reason,
                          size_t reason_size) {
  struct json_value object;
  bool is_object = json_read(answer->body, &object) && object.kind == JSON_OBJECT;
  struct json_value ignored;
  bool good = answer->http_status == 200 || answer->http_status == 201;
  if (!good || (is_object && json_find(object, "access_token", &ignored) == JSON_ABSENT &&
                json_find(object, "error", &ignored) == JSON_FOUND)) {
    say_refused(answer, object, is_object, reason, reason_size);
    bool may_pass = answer->http_status == 408 || answer->http_status == 429 || answer->http_status >= 500;
    return may_pass ? STATUS_DISCONNECTED : STATUS_LOGIN_FAILED;
  }
  if (!is_object) {
    snprintf(reason, reason_size, "its answer is not a JSON object%s", kind_of(answer->head));
    return STATUS_LOGIN_FAILED;
  }
  struct grant grant = {0};
  int32_t status = STATUS_LOGIN_FAILED;
  if (read_grant(answer, object, &grant, reason, reason_size)) {
    const struct token_fields fields = {.value = secret_bytes(grant.value),
                                        .principal = grant.principal,
                                        .expires_ms = grant.expires_ms,
                                        .extensions = answer->extensions,
                                        .extension_count = answer->extension_count};
    status = token_create(&fields, answer->now_ms, token, reason, reason_size);
    if (status == STATUS_INVALID_ARGUMENT) status = STATUS_LOGIN_FAILED;
  } else if (grant.value == NULL && reason[0] == '\0') {
    snprintf(reason, reason_size, "no memory for its answer");
    status = STATUS_OUT_OF_MEMORY;
  }
  secret_destroy(grant.value);
  return status;
}

struct secret *token_answer_claims(struct bytes token) {
  const uint8_t *end = token.data + token.size;
  const uint8_t *first = token.size == 0 ? NULL : memchr(token.data, '.', token.size);
  if (first == NULL) return NULL;
  const uint8_t *second = memchr(first + 1, '.', (size_t)(end - first - 1));
  if (second == NULL) return NULL;
  struct bytes part = bytes_of(first + 1, (size_t)(second - first - 1));
  struct secret *decoded = secret_allocate(base64_decoded_size_max(part.size));
  if (decoded == NULL) return NULL;
  size_t size;
  struct secret *claims = NULL;
  if (base64_decode(part, BASE64_URL, secret_data(decoded), &size))
    claims = secret_create(bytes_of(secret_data(decoded), size));
  secret_destroy(decoded);
  return claims;
}

/* False with an empty reason and no value: memory is missing. */
static bool read_grant(const struct token_answer *answer, struct json_value object, struct grant *grant,
                       char *reason, size_t reason_size) {
  reason[0] = '\0';
  struct json_value value, type;
  enum json_found found = json_find(object, "access_token", &value);
  if (found != JSON_FOUND || value.kind != JSON_STRING) {
    snprintf(reason, reason_size, "its answer has %s",
             found == JSON_ABSENT     ? "no access_token"
             : found == JSON_REPEATED ? "more than one access_token"
                                      : "an access_token that is no string");
    return false;
  }
  found = json_find(object, "token_type", &type);
  if (found == JSON_REPEATED || (found == JSON_FOUND && !is_bearer(type))) {
    snprintf(reason, reason_size, "its answer has a token_type other than Bearer");
    return false;
  }
  grant->value = json_secret(value);
  return grant->value != NULL && read_life(answer, object, grant, reason, reason_size);
}

static bool read_life(const struct token_answer *answer, struct json_value object, struct grant *grant,
                      char *reason, size_t reason_size) {
  int64_t exp_ms, seconds = 0;
  bool given = false;
  if (!read_expires_in(object, &seconds, &given, reason, reason_size)) return false;
  bool has_exp = read_claims(answer, grant, &exp_ms);
  if (!given && !has_exp) {
    snprintf(reason, reason_size,
             "its answer has no expires_in, and the token no exp claim: it is not known how "
             "long the token is valid");
    return false;
  }
  if (has_exp && exp_ms <= answer->now_ms) {
    say_expired(answer, exp_ms, reason, reason_size);
    return false;
  }
  int64_t ends_ms = INT64_MAX;
  if (given && __builtin_add_overflow(answer->now_ms, to_ms(seconds), &ends_ms)) ends_ms = INT64_MAX;
  grant->expires_ms = has_exp && exp_ms < ends_ms ? exp_ms : ends_ms;
  return true;
}

/* A number; some servers write it as a string. */
static bool read_expires_in(struct json_value object, int64_t *seconds, bool *given, char *reason,
                            size_t reason_size) {
  struct json_value value;
  enum json_found found = json_find(object, "expires_in", &value);
  *given = found == JSON_FOUND && value.kind != JSON_NULL;
  if (found == JSON_ABSENT || (found == JSON_FOUND && value.kind == JSON_NULL)) return true;
  bool good = found == JSON_FOUND && (json_integer(value, seconds) || read_digits(value, seconds));
  if (good && *seconds > 0) return true;
  snprintf(reason, reason_size, "its answer has an expires_in that is not a positive number of seconds");
  return false;
}

static bool read_digits(struct json_value string, int64_t *integer) {
  if (string.kind != JSON_STRING) return false;
  struct json_value number;
  return json_read(string.text, &number) && json_integer(number, integer);
}

/* Whether the token is a JWT with an exp claim. */
static bool read_claims(const struct token_answer *answer, struct grant *grant, int64_t *exp_ms) {
  struct secret *text = token_answer_claims(secret_bytes(grant->value));
  struct json_value claims, claim;
  bool has_exp = false;
  if (text != NULL && json_read(secret_bytes(text), &claims)) {
    int64_t exp;
    has_exp = json_find(claims, "exp", &claim) == JSON_FOUND && json_integer(claim, &exp);
    if (has_exp) *exp_ms = to_ms(exp);
    const char *name = answer->subject_claim == NULL ? "sub" : answer->subject_claim;
    if (json_find(claims, name, &claim) == JSON_FOUND && claim.kind == JSON_STRING)
      json_print(claim, grant->principal, sizeof grant->principal);
  }
  secret_destroy(text);
  return has_exp;
}

static void say_expired(const struct token_answer *answer, int64_t exp_ms, char *reason, size_t reason_size) {
  char exp[DATE_BYTES], here[DATE_BYTES], there[DATE_BYTES];
  print_date(exp_ms, exp);
  print_date(answer->now_ms, here);
  if (answer->head->date_ms != 0) {
    print_date(answer->head->date_ms, there);
  } else {
    snprintf(there, sizeof there, "not told");
  }
  snprintf(reason, reason_size,
           "its token has expired on arrival, at %s: the clock of this machine says %s, that "
           "of the server %s",
           exp, here, there);
}

static bool is_bearer(struct json_value type) {
  char text[sizeof "bearer" + 1]; /* one more, so that a longer one is not cut to it */
  if (type.kind != JSON_STRING) return false;
  json_print(type, text, sizeof text);
  for (char *at = text; *at != '\0'; at++)
    if (*at >= 'A' && *at <= 'Z') *at = (char)(*at | 0x20);
  return strcmp(text, "bearer") == 0;
}

/* "it answered 401 (client id or secret is refused): invalid_client: Unknown client" */
static void say_refused(const struct token_answer *answer, struct json_value object, bool is_object,
                        char *reason, size_t reason_size) {
  char error[TEXT_BYTES] = "", description[TEXT_BYTES] = "";
  if (is_object) {
    say_member(answer, object, "error", error);
    say_member(answer, object, "error_description", description);
  }
  snprintf(reason, reason_size, "it answered %d%s%s%s%s%s", answer->http_status,
           advice_for(answer->http_status), error[0] == '\0' ? "" : ": ", error,
           description[0] == '\0' ? "" : ": ", description);
}

/* Secrets are hidden before the text is cut: a server may repeat what it was sent. */
static void say_member(const struct token_answer *answer, struct json_value object, const char *name,
                       char *to) {
  struct json_value value;
  if (json_find(object, name, &value) != JSON_FOUND || value.kind != JSON_STRING) return;
  struct secret *text = json_secret(value);
  if (text != NULL)
    sasl_text_print(secret_bytes(text), answer->secrets, answer->secret_count, to, TEXT_BYTES);
  secret_destroy(text);
}

/* Only in words of ours: a header, too, may repeat what was sent. */
static const char *kind_of(const struct http_head *head) {
  if (strncasecmp(head->content_type, "text/html", sizeof "text/html" - 1) == 0) return " but HTML";
  if (strncasecmp(head->content_type, "text/plain", sizeof "text/plain" - 1) == 0) return " but plain text";
  return strcasestr(head->content_type, "xml") != NULL ? " but XML" : "";
}

static const char *advice_for(int32_t http_status) {
  if (http_status >= 300 && http_status <= 399) return " (a redirect, which is not followed)";
  switch (http_status) {
  case 401: return " (client id or secret is refused)";
  case 404: return " (there is nothing at this URL)";
  case 405: return " (this URL takes no tokens' requests)";
  case 429: return " (too many requests)";
  default: return http_status >= 500 ? " (the server has a fault)" : "";
  }
}

static void print_date(int64_t unix_ms, char *to) {
  time_t seconds = (time_t)(unix_ms / 1000);
  struct tm moment;
  if (gmtime_r(&seconds, &moment) == NULL || strftime(to, DATE_BYTES, "%Y-%m-%dT%H:%M:%SZ", &moment) == 0)
    snprintf(to, DATE_BYTES, "%lld", (long long)(unix_ms / 1000));
}

static int64_t to_ms(int64_t seconds) {
  int64_t ms;
  if (__builtin_mul_overflow(seconds, INT64_C(1000), &ms)) return seconds < 0 ? INT64_MIN : INT64_MAX;
  return ms;
}
