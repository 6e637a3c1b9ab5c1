#include "base/status.h"
#include "security/json.h"
#include "security/msk_iam.h"
#include "security/sasl_mechanism.h"
#include "security/security_library.h"
#include <stdio.h>

static int32_t invalid(char *error, size_t error_size, const char *fault) {
  (void)snprintf(error, error_size, "AWS_MSK_IAM's %s", fault);
  return STATUS_INVALID_SETTING;
}

static int32_t aws_check(const struct sasl_settings *settings, char *error, size_t error_size) {
  enum { ACCESS_KEY_ID_MAX_BYTES = 128 }; /* as AWS says */
  bool valid =
      sasl_mechanism_check_text(settings->username, "AWS_MSK_IAM's access key id", error, error_size) &&
      sasl_mechanism_check_secret(settings->password, "AWS_MSK_IAM's secret access key", error, error_size);
  if (!valid) return STATUS_INVALID_SETTING;
  struct bytes access_key_id = bytes_of_string(settings->username);
  if (access_key_id.size > ACCESS_KEY_ID_MAX_BYTES || !msk_iam_text_is_valid(access_key_id))
    return invalid(error, error_size, "access key id is not one of AWS");
  if (settings->aws_session_token != NULL &&
      !msk_iam_text_is_valid(secret_bytes(settings->aws_session_token)))
    return invalid(error, error_size, "session token is not one of AWS");
  if (settings->aws_region != NULL && !msk_iam_region_is_valid(settings->aws_region))
    return invalid(error, error_size, "region is not one of AWS: \"us-east-1\" is");
  return STATUS_OK;
}

static int32_t aws_prepare(struct sasl_credentials *credentials, char *error, size_t error_size) {
  (void)credentials, (void)error, (void)error_size;
  security_library_init();
  return STATUS_OK;
}

static struct sasl_step sign(struct sasl_exchange *exchange, int64_t now_ms) {
  const struct sasl_credentials *credentials = exchange->credentials;
  char region[MSK_IAM_REGION_BYTES];
  const char *wanted = credentials->aws_region;
  if (!msk_iam_text_is_valid(bytes_of_string(exchange->host)))
    return sasl_mechanism_fail(exchange, STATUS_LOGIN_FAILED,
                               "AWS_MSK_IAM: the broker's name has characters that host names do not have");
  if (wanted == NULL && !msk_iam_region_of(exchange->host, region))
    return sasl_mechanism_fail(
        exchange, STATUS_LOGIN_FAILED,
        "AWS_MSK_IAM: the broker's name \"%.128s\" does not say which region it is in: set "
        "sasl.aws.region",
        exchange->host);
  const struct msk_iam_request request = {
      .access_key_id = credentials->username,
      .secret_access_key = secret_bytes(credentials->password),
      .session_token = secret_bytes(credentials->session_token),
      .region = wanted == NULL ? region : wanted,
      .host = exchange->host,
      .user_agent = "sendoff",
      .now_ms = now_ms,
  };
  struct secret *message = NULL;
  int32_t status = msk_iam_sign(&request, &message);
  if (status == STATUS_LOGIN_FAILED)
    return sasl_mechanism_fail(exchange, status, "AWS_MSK_IAM: OpenSSL could not compute the signature");
  return sasl_mechanism_send(exchange, message);
}

/* The broker's answer: {"version":"2020_10_22","request-id":"..."}. */
static const char *answer_check(struct bytes answer) {
  struct json_value document, version, request_id;
  if (answer.size == 0) return "is empty";
  if (!json_read(answer, &document) || document.kind != JSON_OBJECT) return "is not a JSON object";
  if (json_find(document, "version", &version) != JSON_FOUND || version.kind != JSON_STRING)
    return "has no version";
  if (!json_equals(version, MSK_IAM_VERSION)) return "has another version than " MSK_IAM_VERSION;
  bool has_id =
      json_find(document, "request-id", &request_id) == JSON_FOUND && request_id.kind == JSON_STRING;
  return has_id ? NULL : "has no request-id";
}

static struct sasl_step aws_step(struct sasl_exchange *exchange, struct bytes challenge, int64_t now_ms,
                                 int64_t deadline_us) {
  (void)deadline_us;
  if (exchange->step_count == 0) return sign(exchange, now_ms);
  const char *fault = answer_check(challenge);
  if (fault == NULL) return sasl_mechanism_done();
  return sasl_mechanism_fail(exchange, STATUS_LOGIN_FAILED, "AWS_MSK_IAM: the broker's answer %s", fault);
}

static void aws_hint(struct sasl_exchange *exchange, int32_t error_code, int64_t now_ms, char *hint,
                     size_t hint_size) {
  (void)exchange, (void)now_ms;
  if (error_code == STATUS_SASL_AUTHENTICATION_FAILED)
    (void)snprintf(hint, hint_size,
                   "the access key is wrong or has expired, may not do kafka-cluster:Connect, the region is "
                   "wrong, or the clock is more than 15 minutes off");
}

const struct sasl_mechanism sasl_mechanism_aws_msk_iam = {
    .name = "AWS_MSK_IAM",
    .check = aws_check,
    .prepare = aws_prepare,
    .state_size = 1,
    .step = aws_step,
    .hint = aws_hint,
};
