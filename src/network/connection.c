#include "network/connection.h"

#include "base/allocator.h"
#include "base/assertion.h"
#include "base/clock.h"
#include "base/status.h"
#include "base/transition.h"
#include "network/authenticator.h"
#include "protocol/api_versions.h"
#include "protocol/request_header.h"
#include <stdio.h>

enum {
  RESPONSE_MINIMUM_BYTES = 4,  /* the correlation id */
  INPUT_MINIMUM_BYTES = 512,   /* first allocation for a partial frame */
  INPUT_KEPT_BYTES = 16 << 10, /* a larger buffer is freed once its frame was read */
  REASON_BYTES = 640,
  LOGIN_GAP_US = 1000000,  /* brokers take no login sooner after the last one (KIP-368) */
  LOGIN_LEAD_US = 2000000, /* a login stands behind open requests, which a busy broker answers late */
};

/* `requests` holds the open ones in the order of sending: first those that wait for their answer, then, from
 * `unsent` on, those with bytes left to write. Requests without response leave once they are written. A
 * response therefore belongs to the first. output_segment and output_offset say where in `unsent` the next
 * byte lies. */
struct connection {
  const struct connection_settings *settings;
  enum connection_state state;
  struct list link;
  struct list requests;
  struct request *unsent; /* NULL: nothing to write */
  uint32_t output_segment;
  size_t output_offset;
  uint32_t open_count; /* of the caller's requests */

  /* A frame that came in pieces, its length first. Grows with the bytes received, never by what a length
   * field promises. */
  uint8_t *input;
  size_t input_size, input_capacity;
  bool input_is_read; /* the frame in `input` was handed out by the call before */

  struct request negotiation; /* our own ApiVersions request, while NEGOTIATING */
  struct wire_writer negotiation_frame;
  struct transport_segment negotiation_segment;
  struct api_versions versions;
  bool has_answered;                   /* a request of the caller's */
  int32_t throttle_ms;                 /* as the broker said with its versions */
  struct authenticator *authenticator; /* NULL: no login is wanted */
  int64_t login_due_us;                /* the next one */
  char reason[REASON_BYTES];
};

static const bool MAY_CHANGE[CONNECTION_STATE_COUNT][CONNECTION_STATE_COUNT] = {
    [CONNECTION_CONNECTING] = {[CONNECTION_NEGOTIATING] = true, [CONNECTION_CLOSED] = true},
    [CONNECTION_NEGOTIATING] =
        {[CONNECTION_AUTHENTICATING] = true, [CONNECTION_READY] = true, [CONNECTION_CLOSED] = true},
    [CONNECTION_AUTHENTICATING] = {[CONNECTION_READY] = true, [CONNECTION_CLOSED] = true},
    [CONNECTION_READY] = {[CONNECTION_REAUTHENTICATING] = true, [CONNECTION_CLOSED] = true},
    [CONNECTION_REAUTHENTICATING] = {[CONNECTION_READY] = true, [CONNECTION_CLOSED] = true},
};

static void change_state(struct connection *connection, enum connection_state to);
static int32_t ask_versions(struct connection *connection, int16_t version, int64_t now_us);
static bool is_own(const struct connection *connection, const struct request *request);
static void advance_output(struct connection *connection, size_t bytes);
static void finish_unsent(struct connection *connection, struct list *finished);
static struct connection_input failed(struct connection *connection, int32_t status, const char *reason);
static bool cut_frame(struct connection *connection, struct bytes *input, struct bytes *frame,
                      int32_t *status);
static int32_t check_length(struct connection *connection, const uint8_t *prefix);
static int32_t append_input(struct connection *connection, struct bytes *input, size_t wanted_size);
static struct connection_input take_frame(struct connection *connection, struct bytes frame, int64_t now_us);
static struct connection_input take_versions(struct connection *connection, struct wire_reader *body,
                                             int64_t now_us);
static struct connection_input follow_login(struct connection *connection, enum authenticator_outcome outcome,
                                            int64_t now_us);
static struct connection_input end_login(struct connection *connection, int64_t now_us);

bool connection_may_change(enum connection_state from, enum connection_state to) {
  return MAY_CHANGE[from][to];
}

struct connection *connection_create(const struct connection_settings *settings) {
  struct connection *connection = allocator_allocate_zeroed(1, sizeof *connection);
  if (connection == NULL) return NULL;
  connection->settings = settings;
  connection->state = CONNECTION_CONNECTING;
  list_init(&connection->link);
  list_init(&connection->requests);
  connection->login_due_us = CLOCK_NEVER_US;
  api_versions_clear(&connection->versions);
  return connection;
}

void connection_destroy(struct connection *connection) {
  if (connection == NULL) return;
  ASSERT(list_is_empty(&connection->requests));
  authenticator_destroy(connection->authenticator);
  wire_writer_deinit(&connection->negotiation_frame);
  allocator_free(connection->input);
  allocator_free(connection);
}

int32_t connection_require_login(struct connection *connection, const char *host) {
  const struct connection_settings *settings = connection->settings;
  const struct authenticator_settings login = {.login = settings->login,
                                               .host = host,
                                               .client_id = settings->client_id,
                                               .request_timeout_us = settings->request_timeout_us};
  ASSERT(connection->state == CONNECTION_CONNECTING);
  connection->authenticator = authenticator_create(&login);
  return connection->authenticator == NULL ? STATUS_OUT_OF_MEMORY : STATUS_OK;
}

int32_t connection_open(struct connection *connection, int64_t now_us) {
  change_state(connection, CONNECTION_NEGOTIATING);
  return ask_versions(connection, api_range_of(API_API_VERSIONS)->maximum, now_us);
}

/* ---- output ---- */

void connection_enqueue(struct connection *connection, struct request *request, int64_t now_us) {
  ASSERT(connection->state == CONNECTION_READY || is_own(connection, request));
  request->bytes = 0;
  for (uint32_t i = 0; i < request->segment_count; i++)
    request->bytes += request->segments[i].size;
  ASSERT(request->bytes > 0);
  request->bytes_sent = 0;
  request->sent_us = now_us;
  request->deadline_us = clock_add_us(now_us, request->timeout_us);
  list_append(&connection->requests, &request->node);
  if (connection->unsent == NULL) connection->unsent = request;
  if (!is_own(connection, request)) connection->open_count++;
}

uint32_t connection_output(const struct connection *connection, struct transport_segment *segments,
                           uint32_t capacity) {
  if (connection->unsent == NULL) return 0;
  uint32_t count = 0;
  uint32_t index = connection->output_segment;
  size_t offset = connection->output_offset;
  for (struct list *at = &connection->unsent->node; at != &connection->requests; at = at->next) {
    const struct request *request = LIST_ENTRY(at, struct request, node);
    for (; index < request->segment_count; index++, offset = 0) {
      const struct transport_segment *from = &request->segments[index];
      if (from->size == offset) continue;
      if (count == capacity) return count;
      segments[count++] = (struct transport_segment){.data = (const uint8_t *)from->data + offset,
                                                     .size = from->size - offset};
    }
    index = 0;
  }
  return count;
}

void connection_output_taken(struct connection *connection, size_t bytes, struct list *finished) {
  while (bytes > 0) {
    struct request *request = connection->unsent;
    ASSERT(request != NULL);
    size_t left = request->bytes - request->bytes_sent;
    size_t step = bytes < left ? bytes : left;
    request->bytes_sent += step;
    bytes -= step;
    if (request->bytes_sent == request->bytes)
      finish_unsent(connection, finished);
    else
      advance_output(connection, step);
  }
}

bool connection_has_output(const struct connection *connection) {
  return connection->unsent != NULL;
}

/* ---- input ---- */

struct connection_input connection_take_input(struct connection *connection, struct bytes *input,
                                              int64_t now_us) {
  struct bytes frame;
  int32_t status = STATUS_OK;
  if (connection->state == CONNECTION_CONNECTING || connection->state == CONNECTION_CLOSED)
    return failed(connection, STATUS_MALFORMED_RESPONSE, "bytes came on a connection that is not open");
  if (connection->input_is_read) {
    connection->input_is_read = false;
    connection->input_size = 0;
    if (connection->input_capacity > INPUT_KEPT_BYTES) {
      allocator_free(connection->input);
      connection->input = NULL;
      connection->input_capacity = 0;
    }
  }
  if (!cut_frame(connection, input, &frame, &status)) {
    if (status == STATUS_OK) return (struct connection_input){.kind = CONNECTION_INPUT_PARTIAL};
    return failed(connection, status, connection->reason);
  }
  return take_frame(connection, frame, now_us);
}

struct connection_input connection_resume_login(struct connection *connection, int64_t now_us) {
  if (!connection_awaits_login(connection))
    return (struct connection_input){.kind = CONNECTION_INPUT_HANDLED};
  return follow_login(connection, authenticator_resume(connection->authenticator), now_us);
}

struct connection_input connection_renew_login(struct connection *connection, int64_t now_us) {
  if (connection_login_due_us(connection) > now_us)
    return (struct connection_input){.kind = CONNECTION_INPUT_HANDLED};
  change_state(connection, CONNECTION_REAUTHENTICATING);
  return follow_login(connection, authenticator_begin(connection->authenticator, &connection->versions),
                      now_us);
}

int64_t connection_login_due_us(const struct connection *connection) {
  return connection->state == CONNECTION_READY ? connection->login_due_us : CLOCK_NEVER_US;
}

bool connection_awaits_login(const struct connection *connection) {
  return connection->authenticator != NULL && connection->state != CONNECTION_CLOSED &&
         authenticator_state(connection->authenticator) == AUTHENTICATOR_STEPPING;
}

bool connection_is_established(const struct connection *connection) {
  return connection->state == CONNECTION_READY || connection->state == CONNECTION_REAUTHENTICATING;
}

bool connection_has_partial_input(const struct connection *connection) {
  return connection->input_size > 0 && !connection->input_is_read;
}

/* ---- end ---- */

/* A broker that gets what its listener does not speak closes the connection without a word. */
const char *connection_explain_end(const struct connection *connection) {
  bool is_plain = connection->authenticator == NULL;
  switch (connection->state) {
  case CONNECTION_NEGOTIATING:
    return "the broker closed the connection without an answer: does security.protocol fit its listener?";
  case CONNECTION_AUTHENTICATING: return "the broker closed the connection during the login";
  case CONNECTION_REAUTHENTICATING: return "the broker closed the connection during another login";
  case CONNECTION_READY:
    if (is_plain && !connection->has_answered && connection->open_count > 0)
      return "the broker closed the connection at the first request: does its listener want a login "
             "(security.protocol)?";
    break;
  default: break;
  }
  return "the broker closed the connection";
}

void connection_close(struct connection *connection, int32_t status, int64_t now_us, struct list *finished) {
  change_state(connection, CONNECTION_CLOSED);
  connection->unsent = NULL;
  while (!list_is_empty(&connection->requests)) {
    struct request *request = LIST_ENTRY(connection->requests.next, struct request, node);
    list_remove(&request->node);
    if (is_own(connection, request)) continue;
    bool is_meant = status == STATUS_MALFORMED_RESPONSE || status == STATUS_ABORTED ||
                    (status == STATUS_REQUEST_TIMED_OUT_LOCALLY && request->deadline_us <= now_us);
    request->status = is_meant ? status : STATUS_DISCONNECTED;
    list_append(finished, &request->node);
  }
  connection->open_count = 0;
}

enum connection_state connection_state(const struct connection *connection) {
  return connection->state;
}

const struct api_versions *connection_api_versions(const struct connection *connection) {
  return &connection->versions;
}

uint32_t connection_open_count(const struct connection *connection) {
  return connection->open_count;
}

int64_t connection_deadline_us(const struct connection *connection) {
  int64_t deadline_us = connection->authenticator == NULL
                            ? CLOCK_NEVER_US
                            : authenticator_deadline_us(connection->authenticator);
  for (struct list *at = connection->requests.next; at != &connection->requests; at = at->next) {
    const struct request *request = LIST_ENTRY(at, struct request, node);
    if (request->deadline_us < deadline_us) deadline_us = request->deadline_us;
  }
  return deadline_us;
}

void connection_extend_deadlines(struct connection *connection, int64_t pause_us) {
  for (struct list *at = connection->requests.next; at != &connection->requests; at = at->next) {
    struct request *request = LIST_ENTRY(at, struct request, node);
    request->deadline_us = clock_add_us(request->deadline_us, pause_us);
  }
}

struct list *connection_link(struct connection *connection) {
  return &connection->link;
}

struct connection *connection_of_link(struct list *link) {
  return LIST_ENTRY(link, struct connection, link);
}

/* ---- helpers ---- */

static void change_state(struct connection *connection, enum connection_state to) {
  ASSERT(MAY_CHANGE[connection->state][to]);
  transition_note("connection", connection->state, to);
  connection->state = to;
}

/* Of the connection's own, not the caller's. */
static bool is_own(const struct connection *connection, const struct request *request) {
  return request == &connection->negotiation ||
         (connection->authenticator != NULL && request == authenticator_request(connection->authenticator));
}

/* KIP-511: name and version of the software from version 3 on. */
static int32_t ask_versions(struct connection *connection, int16_t version, int64_t now_us) {
  const struct connection_settings *settings = connection->settings;
  struct wire_writer *frame = &connection->negotiation_frame;
  /* Nothing else is open, so any id is unique; the two questions have different ones. */
  int32_t correlation_id = connection->negotiation.correlation_id + 1;
  const struct request_header header = {.api_key = API_API_VERSIONS,
                                        .api_version = version,
                                        .correlation_id = correlation_id,
                                        .client_id = settings->client_id};
  const struct api_versions_request body = {.client_software_name = settings->software_name,
                                            .client_software_version = settings->software_version};
  wire_writer_reset(frame);
  request_header_write(frame, &header);
  api_versions_request_write(frame, version, &body);
  request_frame_finish(frame, 0);
  if (frame->failed) return STATUS_OUT_OF_MEMORY;
  connection->negotiation_segment = (struct transport_segment){.data = frame->data, .size = frame->size};
  connection->negotiation = (struct request){.api_key = API_API_VERSIONS,
                                             .api_version = version,
                                             .correlation_id = correlation_id,
                                             .expects_response = true,
                                             .segments = &connection->negotiation_segment,
                                             .segment_count = 1,
                                             .timeout_us = settings->request_timeout_us};
  connection_enqueue(connection, &connection->negotiation, now_us);
  return STATUS_OK;
}

static void advance_output(struct connection *connection, size_t bytes) {
  const struct transport_segment *segments = connection->unsent->segments;
  while (bytes >= segments[connection->output_segment].size - connection->output_offset) {
    bytes -= segments[connection->output_segment].size - connection->output_offset;
    connection->output_segment++;
    connection->output_offset = 0;
  }
  connection->output_offset += bytes;
}

static void finish_unsent(struct connection *connection, struct list *finished) {
  struct request *request = connection->unsent;
  struct list *next = request->node.next;
  connection->unsent = next == &connection->requests ? NULL : LIST_ENTRY(next, struct request, node);
  connection->output_segment = 0;
  connection->output_offset = 0;
  if (request->expects_response) return;
  list_remove(&request->node);
  connection->open_count--;
  request->status = STATUS_OK;
  list_append(finished, &request->node);
}

static struct connection_input failed(struct connection *connection, int32_t status, const char *reason) {
  if (reason != connection->reason) snprintf(connection->reason, sizeof connection->reason, "%s", reason);
  return (struct connection_input){
      .kind = CONNECTION_INPUT_FAILED, .status = status, .reason = connection->reason};
}

/* frame => size:INT32 content. True if a whole frame is there: in the input itself if it lies there in one
 * piece, else in the connection's buffer. False: all input was taken, or *status says what is wrong. */
static bool cut_frame(struct connection *connection, struct bytes *input, struct bytes *frame,
                      int32_t *status) {
  if (connection->input_size == 0 && input->size >= REQUEST_SIZE_BYTES) {
    *status = check_length(connection, input->data);
    if (*status != STATUS_OK) return false;
    size_t total = REQUEST_SIZE_BYTES + bytes_load_u32(input->data);
    if (input->size >= total) {
      *frame = bytes_of(input->data + REQUEST_SIZE_BYTES, total - REQUEST_SIZE_BYTES);
      *input = bytes_of(input->data + total, input->size - total);
      return true;
    }
  }
  if (input->size == 0) return false;
  if (connection->input_size < REQUEST_SIZE_BYTES) {
    *status = append_input(connection, input, REQUEST_SIZE_BYTES);
    if (*status != STATUS_OK || connection->input_size < REQUEST_SIZE_BYTES) return false;
    *status = check_length(connection, connection->input);
    if (*status != STATUS_OK) return false;
  }
  size_t total = REQUEST_SIZE_BYTES + bytes_load_u32(connection->input);
  *status = append_input(connection, input, total);
  if (*status != STATUS_OK || connection->input_size < total) return false;
  connection->input_is_read = true;
  *frame = bytes_of(connection->input + REQUEST_SIZE_BYTES, total - REQUEST_SIZE_BYTES);
  return true;
}

static int32_t check_length(struct connection *connection, const uint8_t *prefix) {
  int32_t length = (int32_t)bytes_load_u32(prefix);
  size_t limit = connection->settings->receive_message_max_bytes;
  if (length >= RESPONSE_MINIMUM_BYTES && (size_t)length <= limit) return STATUS_OK;
  if (prefix[0] == 0x15 && prefix[1] == 0x03) /* a TLS alert record */
    snprintf(connection->reason, sizeof connection->reason,
             "the port speaks TLS, but security.protocol does not ask for it");
  else if (memcmp(prefix, "HTTP", 4) == 0)
    snprintf(connection->reason, sizeof connection->reason, "the port speaks HTTP, not Kafka");
  else if (length < RESPONSE_MINIMUM_BYTES)
    snprintf(connection->reason, sizeof connection->reason, "a response claims a size of %d bytes", length);
  else
    snprintf(connection->reason, sizeof connection->reason,
             "a response of %d bytes is larger than receive.message.max.bytes (%zu) allows", length, limit);
  return STATUS_MALFORMED_RESPONSE;
}

/* Moves bytes from *input until the buffer holds wanted_size. */
static int32_t append_input(struct connection *connection, struct bytes *input, size_t wanted_size) {
  size_t missing = wanted_size - connection->input_size;
  size_t step = input->size < missing ? input->size : missing;
  size_t size = connection->input_size + step;
  if (size > connection->input_capacity) {
    size_t capacity = size * 2 < INPUT_MINIMUM_BYTES ? INPUT_MINIMUM_BYTES : size * 2;
    if (capacity > wanted_size && wanted_size > INPUT_MINIMUM_BYTES) capacity = wanted_size;
    uint8_t *grown = allocator_reallocate(connection->input, capacity);
    if (grown == NULL) {
      snprintf(connection->reason, sizeof connection->reason, "no memory for a response of %zu bytes",
               wanted_size);
      return STATUS_OUT_OF_MEMORY;
    }
    connection->input = grown;
    connection->input_capacity = capacity;
  }
  if (step > 0) memcpy(connection->input + connection->input_size, input->data, step);
  connection->input_size = size;
  *input = bytes_of(input->data + step, input->size - step);
  return STATUS_OK;
}

/* frame content => correlation_id:INT32 (rest of the header) body. Brokers answer in the order of the
 * requests, so anything but the oldest one's id means that the two sides no longer agree. */
static struct connection_input take_frame(struct connection *connection, struct bytes frame, int64_t now_us) {
  int32_t received = (int32_t)bytes_load_u32(frame.data);
  struct list *first = connection->requests.next;
  struct request *request =
      list_is_empty(&connection->requests) ? NULL : LIST_ENTRY(first, struct request, node);
  if (request == NULL || request == connection->unsent) {
    snprintf(connection->reason, sizeof connection->reason,
             "a response with correlation id %d came while no request was waiting", received);
    return failed(connection, STATUS_MALFORMED_RESPONSE, connection->reason);
  }
  if (received != request->correlation_id) {
    snprintf(connection->reason, sizeof connection->reason,
             "a response has correlation id %d where %d is due", received, request->correlation_id);
    return failed(connection, STATUS_MALFORMED_RESPONSE, connection->reason);
  }
  struct wire_reader body = wire_reader_of(frame);
  response_header_read(&body, request->api_key, request->api_version);
  if (body.failed) return failed(connection, STATUS_MALFORMED_RESPONSE, "a response header is malformed");
  list_remove(&request->node);
  if (request == &connection->negotiation) return take_versions(connection, &body, now_us);
  if (is_own(connection, request))
    return follow_login(connection, authenticator_take_answer(connection->authenticator, &body, now_us),
                        now_us);
  connection->open_count--;
  connection->has_answered = true;
  return (struct connection_input){.kind = CONNECTION_INPUT_RESPONSE, .request = request, .body = body};
}

/* KIP-511: a broker that does not know our version answers UNSUPPORTED_VERSION in version 0 and lists what it
 * knows; a very old one lists nothing. */
static struct connection_input take_versions(struct connection *connection, struct wire_reader *body,
                                             int64_t now_us) {
  int16_t asked = connection->negotiation.api_version;
  struct api_versions_response response;
  api_versions_response_read(body, asked, &response);
  if (body->failed)
    return failed(connection, STATUS_MALFORMED_RESPONSE, "the ApiVersions response is malformed");
  if (response.error_code == STATUS_UNSUPPORTED_VERSION && asked > 0) {
    int16_t offered = response.versions.offered[API_API_VERSIONS].maximum;
    int16_t next = offered > 0 && offered < asked ? offered : 0;
    if (ask_versions(connection, next, now_us) != STATUS_OK)
      return failed(connection, STATUS_OUT_OF_MEMORY, "no memory for the ApiVersions request");
    return (struct connection_input){.kind = CONNECTION_INPUT_HANDLED};
  }
  if (response.error_code == STATUS_UNSUPPORTED_VERSION)
    return failed(connection, STATUS_UNSUPPORTED_BROKER, "the broker knows no version of ApiVersions");
  if (response.error_code != STATUS_OK) {
    snprintf(connection->reason, sizeof connection->reason, "the broker answered ApiVersions with %s",
             status_name(response.error_code));
    return failed(connection, response.error_code, connection->reason);
  }
  connection->versions = response.versions;
  connection->throttle_ms = response.throttle_ms;
  wire_writer_deinit(&connection->negotiation_frame);
  if (connection->authenticator == NULL) {
    change_state(connection, CONNECTION_READY);
    return (struct connection_input){.kind = CONNECTION_INPUT_NEGOTIATED,
                                     .throttle_ms = response.throttle_ms};
  }
  change_state(connection, CONNECTION_AUTHENTICATING);
  return follow_login(connection, authenticator_begin(connection->authenticator, &connection->versions),
                      now_us);
}

static struct connection_input follow_login(struct connection *connection, enum authenticator_outcome outcome,
                                            int64_t now_us) {
  struct authenticator *authenticator = connection->authenticator;
  switch (outcome) {
  case AUTHENTICATOR_ASKS:
    connection_enqueue(connection, authenticator_request(authenticator), now_us);
    break;
  case AUTHENTICATOR_WAITS: break;
  case AUTHENTICATOR_DONE: return end_login(connection, now_us);
  case AUTHENTICATOR_FAILED:
    return failed(connection, authenticator_status(authenticator), authenticator_reason(authenticator));
  }
  return (struct connection_input){.kind = CONNECTION_INPUT_HANDLED};
}

/* The next login is due at 85 to 95 % of the session, so that many clients do not come at once; of a session
 * of seconds, sooner. */
static struct connection_input end_login(struct connection *connection, int64_t now_us) {
  bool is_first = connection->state == CONNECTION_AUTHENTICATING;
  int64_t session_us = authenticator_session_us(connection->authenticator);
  connection->login_due_us = CLOCK_NEVER_US;
  if (session_us > 0) {
    int64_t pause_us = session_us / 1000 * (850 + (int64_t)random_below(connection->settings->random, 101));
    if (pause_us > session_us - LOGIN_LEAD_US) pause_us = session_us - LOGIN_LEAD_US;
    connection->login_due_us = clock_add_us(now_us, pause_us > LOGIN_GAP_US ? pause_us : LOGIN_GAP_US);
  }
  change_state(connection, CONNECTION_READY);
  return (struct connection_input){.kind = is_first ? CONNECTION_INPUT_NEGOTIATED : CONNECTION_INPUT_HANDLED,
                                   .throttle_ms = connection->throttle_ms};
}
