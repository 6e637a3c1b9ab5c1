#include "support/login_rig.h"

#include "base/clock.h"
#include "base/status.h"
#include <check.h>
#include <string.h>

static void on_wanted(void *context) {
  (void)context;
}

void login_rig_init(struct login_rig *rig, enum sasl_mechanism_id mechanism) {
  memset(rig, 0, sizeof *rig);
  rig->password = secret_create(bytes_of_string("wonderland"));
  ck_assert_ptr_nonnull(rig->password);
  rig->settings =
      (struct sasl_settings){.mechanism = mechanism, .username = "alice", .password = rig->password};
}

void login_rig_deinit(struct login_rig *rig) {
  sasl_exchange_destroy(rig->exchange);
  sasl_credentials_release(rig->credentials);
  if (rig->tokens != NULL) {
    token_source_close(rig->tokens);
    token_source_destroy(rig->tokens);
  }
  secret_destroy(rig->password);
  secret_destroy(rig->session_token);
}

void login_rig_set_token(struct login_rig *rig, const struct token_fields *fields, int64_t now_ms) {
  static const struct log silent;
  const struct token_source_settings settings = {
      .on_wanted = on_wanted,
      .refresh_window = 0.8,
      .retry_backoff_us = 1000,
      .retry_backoff_max_us = 1000,
      .log = &silent,
  };
  ck_assert_int_eq(token_source_create(&settings, NULL, &rig->tokens), STATUS_OK);
  rig->settings.tokens = rig->tokens;
  if (fields == NULL) return;
  struct token *token = NULL;
  char error[128] = "";
  ck_assert_msg(token_create(fields, now_ms, &token, error, sizeof error) == STATUS_OK, "%s", error);
  token_source_put(rig->tokens, token);
  token_release(token);
}

void login_rig_begin(struct login_rig *rig, const char *host) {
  char error[512] = "";
  int32_t status = sasl_credentials_create(&rig->settings, &rig->credentials, error, sizeof error);
  ck_assert_msg(status == STATUS_OK, "%s", error);
  rig->exchange = sasl_exchange_create(rig->credentials, host);
  ck_assert_ptr_nonnull(rig->exchange);
}

static void step(struct login_rig *rig, const char *challenge, enum sasl_step_kind kind) {
  rig->step = sasl_exchange_step(rig->exchange, bytes_of_string(challenge), LOGIN_RIG_NOW_MS,
                                 clock_monotonic_us() + 100000);
  ck_assert_msg(rig->step.kind == kind, "step %d: %s", (int)rig->step.kind,
                rig->step.kind == SASL_STEP_FAILED ? rig->step.reason : "not a failure");
}

void login_rig_expect_send(struct login_rig *rig, const char *challenge, const char *response) {
  step(rig, challenge, SASL_STEP_SEND);
  ck_assert_ptr_nonnull(rig->step.response.data);
  if (response != NULL) ck_assert(bytes_equal(rig->step.response, bytes_of_string(response)));
}

void login_rig_expect_done(struct login_rig *rig, const char *challenge) {
  step(rig, challenge, SASL_STEP_DONE);
}

void login_rig_expect_failed(struct login_rig *rig, const char *challenge, int32_t status,
                             const char *reason_part) {
  step(rig, challenge, SASL_STEP_FAILED);
  ck_assert_msg(strstr(rig->step.reason, reason_part) != NULL, "%s", rig->step.reason);
  ck_assert_msg(strstr(rig->step.reason, "wonderland") == NULL, "%s", rig->step.reason);
  ck_assert_int_eq(rig->step.status, status);
}

const char *login_rig_explain(struct login_rig *rig, int32_t error_code, const char *message) {
  static char reason[640];
  sasl_exchange_explain(rig->exchange, error_code, bytes_of_string(message), LOGIN_RIG_NOW_MS, reason,
                        sizeof reason);
  return reason;
}
