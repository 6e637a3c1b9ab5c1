#include "network/authenticator.h"

#include "base/allocator.h"
#include "base/assertion.h"
#include "base/clock.h"
#include "base/status.h"
#include "base/transition.h"
#include "protocol/request_header.h"
#include "protocol/sasl_authenticate.h"
#include "protocol/sasl_handshake.h"
#include <inttypes.h>
#include <stdio.h>

enum {
  REASON_BYTES = 640,
  SEGMENT_COUNT_MAX = 3,   /* frame up to the token, token, rest of the frame */
  STEP_GRACE_US = 1000000, /* a step that has a deadline tells about it by itself first */
};

/* Invariant: request is in use by the connection exactly while the state is HANDSHAKING or AUTHENTICATING.
 * The token that AUTHENTICATING sends is the exchange's, and stays in its secret memory. */
struct authenticator {
  struct authenticator_settings settings; /* its host is owned */
  char *host;
  enum authenticator_state state;
  struct login_exchange *exchange; /* NULL while IDLE before the first login */
  int16_t handshake_version, authenticate_version;
  int32_t last_correlation_id; /* negative: the client's own count up from 0 */
  struct request request;
  struct wire_writer frame;
  struct transport_segment segments[SEGMENT_COUNT_MAX];
  int64_t deadline_us;
  int64_t session_us;
  int32_t status;
  char reason[REASON_BYTES];
};

static const int64_t SESSION_MAX_MS = INT64_MAX / 2000; /* more overflows in microseconds */

static const bool MAY_CHANGE[AUTHENTICATOR_STATE_COUNT][AUTHENTICATOR_STATE_COUNT] = {
    [AUTHENTICATOR_IDLE] = {[AUTHENTICATOR_HANDSHAKING] = true, [AUTHENTICATOR_OVER] = true},
    [AUTHENTICATOR_HANDSHAKING] = {[AUTHENTICATOR_STEPPING] = true, [AUTHENTICATOR_OVER] = true},
    [AUTHENTICATOR_STEPPING] =
        {[AUTHENTICATOR_AUTHENTICATING] = true, [AUTHENTICATOR_IDLE] = true, [AUTHENTICATOR_OVER] = true},
    [AUTHENTICATOR_AUTHENTICATING] = {[AUTHENTICATOR_STEPPING] = true, [AUTHENTICATOR_OVER] = true},
};

static void change_state(struct authenticator *authenticator, enum authenticator_state to);
static enum authenticator_outcome fail(struct authenticator *authenticator, int32_t status);
static enum authenticator_outcome ask_handshake(struct authenticator *authenticator);
static enum authenticator_outcome take_handshake(struct authenticator *authenticator,
                                                 struct wire_reader *body, int64_t now_us);
static void list_mechanisms(struct sasl_handshake_response *response, char *text, size_t size);
static enum authenticator_outcome begin_step(struct authenticator *authenticator, struct bytes challenge,
                                             int64_t now_us);
static enum authenticator_outcome ask_authenticate(struct authenticator *authenticator, struct bytes token);
static enum authenticator_outcome take_authenticate(struct authenticator *authenticator,
                                                    struct wire_reader *body, int64_t now_us);
static void begin_frame(struct authenticator *authenticator, int16_t api_key, int16_t version);
static enum authenticator_outcome finish_frame(struct authenticator *authenticator, int16_t api_key,
                                               int16_t version, struct bytes token, struct bytes end);

bool authenticator_may_change(enum authenticator_state from, enum authenticator_state to) {
  return MAY_CHANGE[from][to];
}

struct authenticator *authenticator_create(const struct authenticator_settings *settings) {
  struct authenticator *authenticator = allocator_allocate_zeroed(1, sizeof *authenticator);
  if (authenticator == NULL) return NULL;
  authenticator->settings = *settings;
  authenticator->host = allocator_copy_string(settings->host);
  authenticator->deadline_us = CLOCK_NEVER_US;
  if (authenticator->host == NULL) {
    allocator_free(authenticator);
    return NULL;
  }
  authenticator->settings.host = authenticator->host;
  return authenticator;
}

void authenticator_destroy(struct authenticator *authenticator) {
  if (authenticator == NULL) return;
  login_exchange_destroy(authenticator->exchange);
  wire_writer_deinit(&authenticator->frame);
  allocator_free(authenticator->host);
  allocator_free(authenticator);
}

enum authenticator_outcome authenticator_begin(struct authenticator *authenticator,
                                               const struct api_versions *versions) {
  login_exchange_destroy(authenticator->exchange);
  authenticator->exchange = login_exchange_create(authenticator->settings.login, authenticator->host);
  if (authenticator->exchange == NULL) return fail(authenticator, STATUS_OUT_OF_MEMORY);
  authenticator->handshake_version = api_versions_choose(versions, API_SASL_HANDSHAKE, INT16_MAX);
  authenticator->authenticate_version = api_versions_choose(versions, API_SASL_AUTHENTICATE, INT16_MAX);
  if (authenticator->handshake_version < 0 || authenticator->authenticate_version < 0) {
    snprintf(authenticator->reason, REASON_BYTES,
             "the broker offers no logins (SaslHandshake 1 and SaslAuthenticate): does security.protocol fit "
             "its listener?");
    return fail(authenticator, STATUS_LOGIN_FAILED);
  }
  return ask_handshake(authenticator);
}

enum authenticator_outcome authenticator_take_answer(struct authenticator *authenticator,
                                                     struct wire_reader *body, int64_t now_us) {
  bool is_handshake = authenticator->state == AUTHENTICATOR_HANDSHAKING;
  ASSERT(is_handshake || authenticator->state == AUTHENTICATOR_AUTHENTICATING);
  return is_handshake ? take_handshake(authenticator, body, now_us)
                      : take_authenticate(authenticator, body, now_us);
}

enum authenticator_outcome authenticator_resume(struct authenticator *authenticator) {
  ASSERT(authenticator->state == AUTHENTICATOR_STEPPING);
  struct sasl_step step;
  if (!login_poll_step(authenticator->exchange, &step)) return AUTHENTICATOR_WAITS;
  authenticator->deadline_us = CLOCK_NEVER_US;
  switch (step.kind) {
  case SASL_STEP_SEND: return ask_authenticate(authenticator, step.response);
  case SASL_STEP_DONE: change_state(authenticator, AUTHENTICATOR_IDLE); return AUTHENTICATOR_DONE;
  case SASL_STEP_FAILED: break;
  }
  snprintf(authenticator->reason, REASON_BYTES, "%s", /* which begins with the mechanism's name */
           step.reason == NULL ? status_text(step.status) : step.reason);
  return fail(authenticator, step.status);
}

struct request *authenticator_request(struct authenticator *authenticator) {
  return &authenticator->request;
}

enum authenticator_state authenticator_state(const struct authenticator *authenticator) {
  return authenticator->state;
}

int64_t authenticator_deadline_us(const struct authenticator *authenticator) {
  return authenticator->deadline_us;
}

int64_t authenticator_session_us(const struct authenticator *authenticator) {
  return authenticator->session_us;
}

int32_t authenticator_status(const struct authenticator *authenticator) {
  return authenticator->status;
}

const char *authenticator_reason(const struct authenticator *authenticator) {
  return authenticator->reason;
}

/* ---- steps ---- */

static void change_state(struct authenticator *authenticator, enum authenticator_state to) {
  ASSERT(MAY_CHANGE[authenticator->state][to]);
  transition_note("authenticator", authenticator->state, to);
  authenticator->state = to;
}

/* The reason is there already, or the status's own text says it. */
static enum authenticator_outcome fail(struct authenticator *authenticator, int32_t status) {
  change_state(authenticator, AUTHENTICATOR_OVER);
  authenticator->deadline_us = CLOCK_NEVER_US;
  authenticator->status = status;
  if (authenticator->reason[0] == '\0')
    snprintf(authenticator->reason, REASON_BYTES, "%s", status_text(status));
  return AUTHENTICATOR_FAILED;
}

static enum authenticator_outcome malformed(struct authenticator *authenticator, const char *name) {
  snprintf(authenticator->reason, REASON_BYTES, "the %s response is malformed", name);
  return fail(authenticator, STATUS_MALFORMED_RESPONSE);
}

static enum authenticator_outcome ask_handshake(struct authenticator *authenticator) {
  int16_t version = authenticator->handshake_version;
  begin_frame(authenticator, API_SASL_HANDSHAKE, version);
  sasl_handshake_request_write(&authenticator->frame,
                               bytes_of_string(login_exchange_mechanism(authenticator->exchange)));
  change_state(authenticator, AUTHENTICATOR_HANDSHAKING);
  return finish_frame(authenticator, API_SASL_HANDSHAKE, version, bytes_of(NULL, 0), bytes_of(NULL, 0));
}

static enum authenticator_outcome take_handshake(struct authenticator *authenticator,
                                                 struct wire_reader *body, int64_t now_us) {
  struct sasl_handshake_response response;
  sasl_handshake_response_read(body, &response);
  if (body->failed) return malformed(authenticator, "SaslHandshake");
  if (response.error_code == STATUS_OK) return begin_step(authenticator, bytes_of(NULL, 0), now_us);
  const char *mechanism = login_exchange_mechanism(authenticator->exchange);
  char offered[160];
  list_mechanisms(&response, offered, sizeof offered);
  if (response.error_code == STATUS_UNSUPPORTED_SASL_MECHANISM)
    snprintf(authenticator->reason, REASON_BYTES,
             "the broker does not offer the SASL mechanism %s; it offers %s", mechanism,
             offered[0] == '\0' ? "none" : offered);
  else if (response.error_code == STATUS_ILLEGAL_SASL_STATE)
    snprintf(authenticator->reason, REASON_BYTES,
             "the listener takes no login (ILLEGAL_SASL_STATE): does security.protocol fit it?");
  else
    snprintf(authenticator->reason, REASON_BYTES, "the broker answered SaslHandshake for %s with %s",
             mechanism, status_name(response.error_code));
  return fail(authenticator, response.error_code);
}

static void list_mechanisms(struct sasl_handshake_response *response, char *text, size_t size) {
  struct bytes name;
  size_t used = 0;
  text[0] = '\0';
  while (sasl_handshake_next(response, &name) && used + 1 < size) {
    int added = snprintf(text + used, size - used, "%s%.*s", used == 0 ? "" : ", ",
                         (int)(name.size > 64 ? 64 : name.size), (const char *)name.data);
    used += added < 0 ? 0 : (size_t)added;
  }
  for (char *at = text; *at != '\0'; at++)
    if ((unsigned char)*at < ' ' || *at == 127) *at = '?'; /* the broker's text goes into lines of a log */
}

static enum authenticator_outcome begin_step(struct authenticator *authenticator, struct bytes challenge,
                                             int64_t now_us) {
  int64_t deadline_us = clock_add_us(now_us, authenticator->settings.request_timeout_us);
  change_state(authenticator, AUTHENTICATOR_STEPPING);
  authenticator->deadline_us = clock_add_us(deadline_us, STEP_GRACE_US);
  login_begin_step(authenticator->exchange, challenge, deadline_us);
  return authenticator_resume(authenticator);
}

static enum authenticator_outcome ask_authenticate(struct authenticator *authenticator, struct bytes token) {
  int16_t version = authenticator->authenticate_version;
  begin_frame(authenticator, API_SASL_AUTHENTICATE, version);
  sasl_authenticate_request_begin(&authenticator->frame, version, token.size);
  change_state(authenticator, AUTHENTICATOR_AUTHENTICATING);
  return finish_frame(authenticator, API_SASL_AUTHENTICATE, version, token,
                      sasl_authenticate_request_end(version));
}

static enum authenticator_outcome take_authenticate(struct authenticator *authenticator,
                                                    struct wire_reader *body, int64_t now_us) {
  struct sasl_authenticate_response response;
  sasl_authenticate_response_read(body, authenticator->authenticate_version, &response);
  if (body->failed || response.session_lifetime_ms < 0) return malformed(authenticator, "SaslAuthenticate");
  if (response.error_code == STATUS_OK) {
    int64_t lifetime_ms =
        response.session_lifetime_ms < SESSION_MAX_MS ? response.session_lifetime_ms : SESSION_MAX_MS;
    authenticator->session_us = lifetime_ms * 1000;
    return begin_step(authenticator, response.token, now_us);
  }
  login_explain(authenticator->exchange, response.error_code, response.error_message, authenticator->reason,
                REASON_BYTES);
  return fail(authenticator, response.error_code);
}

/* ---- frames ---- */

static void begin_frame(struct authenticator *authenticator, int16_t api_key, int16_t version) {
  authenticator->last_correlation_id =
      authenticator->last_correlation_id == INT32_MIN ? -1 : authenticator->last_correlation_id - 1;
  const struct request_header header = {.api_key = api_key,
                                        .api_version = version,
                                        .correlation_id = authenticator->last_correlation_id,
                                        .client_id = authenticator->settings.client_id};
  wire_writer_reset(&authenticator->frame);
  request_header_write(&authenticator->frame, &header);
}

/* The token is sent from where it is: a copy of it would have to be wiped. */
static enum authenticator_outcome finish_frame(struct authenticator *authenticator, int16_t api_key,
                                               int16_t version, struct bytes token, struct bytes end) {
  struct wire_writer *frame = &authenticator->frame;
  request_frame_finish(frame, token.size + end.size);
  if (frame->failed) return fail(authenticator, STATUS_OUT_OF_MEMORY);
  const struct bytes parts[SEGMENT_COUNT_MAX] = {bytes_of(frame->data, frame->size), token, end};
  uint32_t count = 0;
  for (int i = 0; i < SEGMENT_COUNT_MAX; i++)
    if (parts[i].size > 0)
      authenticator->segments[count++] =
          (struct transport_segment){.data = parts[i].data, .size = parts[i].size};
  authenticator->request = (struct request){.api_key = api_key,
                                            .api_version = version,
                                            .correlation_id = authenticator->last_correlation_id,
                                            .expects_response = true,
                                            .segments = authenticator->segments,
                                            .segment_count = count,
                                            .timeout_us = authenticator->settings.request_timeout_us};
  return AUTHENTICATOR_ASKS;
}
