#include "sender/producer_identity.h"

#include "base/assertion.h"
#include "base/backoff.h"
#include "base/clock.h"
#include "base/status.h"
#include "base/transition.h"
#include "protocol/request_header.h"

static const bool allowed[PRODUCER_IDENTITY_STATE_COUNT][PRODUCER_IDENTITY_STATE_COUNT] = {
    [PRODUCER_IDENTITY_WANTED] = {[PRODUCER_IDENTITY_REQUESTED] = true},
    [PRODUCER_IDENTITY_REQUESTED] = {[PRODUCER_IDENTITY_READY] = true, [PRODUCER_IDENTITY_WANTED] = true},
    [PRODUCER_IDENTITY_READY] = {[PRODUCER_IDENTITY_WANTED] = true},
};

static void set_state(struct producer_identity *identity, enum producer_identity_state state);
static bool write_request(struct producer_identity *identity, int16_t version);
static void on_complete(struct request *request, const struct request_result *result);
static void failed(struct producer_identity *identity, int32_t status, int64_t now_us);

void producer_identity_init(struct producer_identity *identity,
                            const struct producer_identity_settings *settings, struct network_client *client,
                            struct random *random, int64_t now_us) {
  *identity = (struct producer_identity){
      .settings = *settings,
      .client = client,
      .random = random,
      .state = PRODUCER_IDENTITY_WANTED,
      .producer_id = -1,
      .producer_epoch = -1,
      .next_attempt_us = now_us,
  };
}

void producer_identity_deinit(struct producer_identity *identity) {
  wire_writer_deinit(&identity->writer);
}

void producer_identity_step(struct producer_identity *identity, int64_t now_us) {
  if (identity->state != PRODUCER_IDENTITY_WANTED || now_us < identity->next_attempt_us) return;
  int32_t node_id;
  if (!network_client_least_loaded(identity->client, NETWORK_NO_NODE, now_us, &node_id)) return;
  if (!network_client_ready(identity->client, node_id, now_us)) return;
  const struct api_versions *versions = network_client_api_versions(identity->client, node_id);
  int16_t version = api_versions_choose(versions, API_INIT_PRODUCER_ID, INT16_MAX);
  if (version < 0 || !write_request(identity, version)) {
    failed(identity, version < 0 ? STATUS_UNSUPPORTED_BROKER : STATUS_OUT_OF_MEMORY, now_us);
    return;
  }
  set_state(identity, PRODUCER_IDENTITY_REQUESTED);
  network_client_send(identity->client, node_id, &identity->request, now_us);
}

int64_t producer_identity_next_deadline_us(const struct producer_identity *identity, int64_t now_us) {
  if (identity->state != PRODUCER_IDENTITY_WANTED) return CLOCK_NEVER_US;
  return identity->next_attempt_us > now_us ? identity->next_attempt_us : CLOCK_NEVER_US;
}

void producer_identity_replace(struct producer_identity *identity, int64_t used_producer_id, int64_t now_us) {
  if (identity->state != PRODUCER_IDENTITY_READY || identity->producer_id != used_producer_id) return;
  identity->producer_id = -1;
  identity->producer_epoch = -1;
  identity->next_attempt_us = now_us + 1; /* a deadline: this step is past asking */
  set_state(identity, PRODUCER_IDENTITY_WANTED);
}

bool producer_identity_state_may_change(enum producer_identity_state from, enum producer_identity_state to) {
  return allowed[from][to];
}

static void set_state(struct producer_identity *identity, enum producer_identity_state state) {
  ASSERT(allowed[identity->state][state]);
  transition_note("producer identity", identity->state, state);
  identity->state = state;
}

static bool write_request(struct producer_identity *identity, int16_t version) {
  struct wire_writer *writer = &identity->writer;
  wire_writer_reset(writer);
  int32_t correlation_id = network_client_next_correlation(identity->client);
  request_header_write(writer, &(struct request_header){.api_key = API_INIT_PRODUCER_ID,
                                                        .api_version = version,
                                                        .correlation_id = correlation_id,
                                                        .client_id = identity->settings.client_id});
  init_producer_id_request_write(writer, version,
                                 &(struct init_producer_id_request){.transactional_id = bytes_of(NULL, 0),
                                                                    .transaction_timeout_ms = INT32_MAX,
                                                                    .producer_id = -1,
                                                                    .producer_epoch = -1});
  request_frame_finish(writer, 0);
  if (writer->failed) return false;
  identity->segment = (struct transport_segment){.data = writer->data, .size = writer->size};
  identity->request = (struct request){
      .api_key = API_INIT_PRODUCER_ID,
      .api_version = version,
      .correlation_id = correlation_id,
      .expects_response = true,
      .segments = &identity->segment,
      .segment_count = 1,
      .timeout_us = identity->settings.request_timeout_us,
      .complete = on_complete,
      .context = identity,
  };
  return true;
}

static void on_complete(struct request *request, const struct request_result *result) {
  struct producer_identity *identity = request->context;
  if (result->status != STATUS_OK) {
    failed(identity, result->status, result->now_us);
    return;
  }
  struct wire_reader reader = result->body;
  struct init_producer_id_response response;
  init_producer_id_response_read(&reader, request->api_version, &response);
  if (reader.failed ||
      (response.error_code == STATUS_OK && (response.producer_id < 0 || response.producer_epoch < 0))) {
    network_client_close_node(identity->client, result->node_id, STATUS_MALFORMED_RESPONSE,
                              "its producer id answer cannot be read", result->now_us);
    failed(identity, STATUS_MALFORMED_RESPONSE, result->now_us);
    return;
  }
  if (response.throttle_ms > 0)
    network_client_throttle(identity->client, result->node_id,
                            clock_add_us(result->now_us, (int64_t)response.throttle_ms * 1000));
  if (response.error_code != STATUS_OK) {
    failed(identity, response.error_code, result->now_us);
    return;
  }
  identity->producer_id = response.producer_id;
  identity->producer_epoch = response.producer_epoch;
  identity->failures = 0;
  set_state(identity, PRODUCER_IDENTITY_READY);
  LOG(identity->settings.log, LOG_LEVEL_INFO, "producer id %lld, epoch %d", (long long)response.producer_id,
      (int)response.producer_epoch);
}

/* Tried again for ever, with backoff: the records wait, each until its own delivery timeout. */
static void failed(struct producer_identity *identity, int32_t status, int64_t now_us) {
  if (identity->state == PRODUCER_IDENTITY_REQUESTED) set_state(identity, PRODUCER_IDENTITY_WANTED);
  bool quiet = status == STATUS_ABORTED || (identity->failures > 0 && status == identity->status);
  if (!quiet)
    LOG(identity->settings.log, LOG_LEVEL_WARNING, "no producer id yet: %s (%s)", status_name(status),
        status_text(status));
  identity->status = status;
  identity->next_attempt_us =
      clock_add_us(now_us, backoff_us(identity->random, identity->settings.retry_backoff_us,
                                      identity->settings.retry_backoff_max_us, identity->failures));
  identity->failures++;
}
