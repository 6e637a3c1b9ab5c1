#include "base/status.h"
#include "security/sasl_mechanism.h"
#include "security/scram.h"
#include "security/security_library.h"
#include <stdio.h>

struct scram_state {
  struct scram *scram;
};

static int32_t scram_check(const struct sasl_settings *settings, char *error, size_t error_size) {
  const char *name = settings->delegation_token ? "SCRAM's token id" : "SCRAM's user name";
  const char *password = settings->delegation_token ? "SCRAM's token HMAC" : "SCRAM's password";
  bool valid = sasl_mechanism_check_text(settings->username, name, error, error_size) &&
               sasl_mechanism_check_secret(settings->password, password, error, error_size);
  return valid ? STATUS_OK : STATUS_INVALID_SETTING;
}

static int32_t scram_prepare(struct sasl_credentials *credentials, char *error, size_t error_size) {
  (void)error, (void)error_size;
  security_library_init();
  enum scram_hash hash = credentials->id == SASL_SCRAM_SHA_256 ? SCRAM_SHA_256 : SCRAM_SHA_512;
  credentials->prepared = scram_keys_create(hash, credentials->password);
  return credentials->prepared == NULL ? STATUS_OUT_OF_MEMORY : STATUS_OK;
}

static void scram_unprepare(struct sasl_credentials *credentials) {
  scram_keys_destroy(credentials->prepared);
}

static struct sasl_step begin(struct sasl_exchange *exchange) {
  const struct sasl_credentials *credentials = exchange->credentials;
  struct scram_state *state = exchange->state;
  state->scram = scram_create(credentials->prepared);
  struct secret *nonce = NULL, *message = NULL;
  int32_t status = state->scram == NULL ? STATUS_OUT_OF_MEMORY : scram_make_nonce(&nonce);
  if (status == STATUS_OK)
    status = scram_begin(state->scram, credentials->username, credentials->delegation_token,
                         secret_bytes(nonce), &message);
  secret_destroy(nonce);
  if (status == STATUS_OK) return sasl_mechanism_send(exchange, message);
  if (status == STATUS_OUT_OF_MEMORY) return sasl_mechanism_fail_as_written(exchange, status);
  return sasl_mechanism_fail(exchange, status, "%s: OpenSSL gives no random numbers for a nonce",
                             credentials->mechanism->name);
}

static struct sasl_step scram_step(struct sasl_exchange *exchange, struct bytes challenge, int64_t now_ms,
                                   int64_t deadline_us) {
  (void)now_ms, (void)deadline_us;
  if (exchange->step_count == 0) return begin(exchange);
  struct scram_state *state = exchange->state;
  char fault[256];
  struct secret *message = NULL;
  bool is_final = exchange->step_count > 1;
  int32_t status = is_final ? scram_finish(state->scram, challenge, fault, sizeof fault)
                            : scram_answer(state->scram, challenge, &message, fault, sizeof fault);
  if (status == STATUS_OUT_OF_MEMORY) return sasl_mechanism_fail_as_written(exchange, status);
  if (status != STATUS_OK)
    return sasl_mechanism_fail(exchange, status, "%s: %s", exchange->credentials->mechanism->name, fault);
  return is_final ? sasl_mechanism_done() : sasl_mechanism_send(exchange, message);
}

static void scram_deinit(struct sasl_exchange *exchange) {
  struct scram_state *state = exchange->state;
  scram_destroy(state->scram);
}

static bool is_ascii(const char *text) {
  for (; *text != '\0'; text++)
    if ((unsigned char)*text > 0x7e) return false;
  return true;
}

static void scram_hint(struct sasl_exchange *exchange, int32_t error_code, int64_t now_ms, char *hint,
                       size_t hint_size) {
  (void)now_ms;
  if (error_code != STATUS_SASL_AUTHENTICATION_FAILED) return;
  const struct sasl_credentials *credentials = exchange->credentials;
  if (!is_ascii(credentials->username)) {
    (void)snprintf(hint, hint_size, "Kafka's brokers take user names in SCRAM only if all of them is ASCII");
  } else if (credentials->delegation_token) {
    (void)snprintf(hint, hint_size,
                   "the delegation token is not known there, has expired, or its HMAC is wrong");
  } else {
    (void)snprintf(hint, hint_size, "user name or password is wrong, or the user has no %s credentials there",
                   credentials->mechanism->name);
  }
}

#define SCRAM(mechanism_name)                                                                                \
  {                                                                                                          \
    .name = mechanism_name, .may_block = true, .check = scram_check, .prepare = scram_prepare,               \
    .unprepare = scram_unprepare, .state_size = sizeof(struct scram_state), .step = scram_step,              \
    .deinit = scram_deinit, .hint = scram_hint,                                                              \
  }

const struct sasl_mechanism sasl_mechanism_scram_sha_256 = SCRAM("SCRAM-SHA-256");
const struct sasl_mechanism sasl_mechanism_scram_sha_512 = SCRAM("SCRAM-SHA-512");
