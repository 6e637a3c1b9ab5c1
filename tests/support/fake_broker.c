#include "support/fake_broker.h"

#include "base/assertion.h"
#include "base/status.h"
#include "protocol/api_versions.h"
#include "protocol/request_header.h"
#include <stdlib.h>

static void take_bytes(void *context, uint32_t connection, struct bytes bytes);
static void take_request(struct fake_broker *broker, uint32_t connection, struct bytes frame);
static void answer_versions(struct fake_broker *broker, const struct fake_broker_request *request);
static void cap_version(const struct fake_broker *broker, bool flexible, struct wire_writer *body);

static void count_accepted(void *context, uint32_t connection, uint16_t port) {
  (void)connection;
  (void)port;
  ((struct fake_broker *)context)->accepted_count++;
}

static void count_closed(void *context, uint32_t connection) {
  (void)connection;
  ((struct fake_broker *)context)->closed_count++;
}

void fake_broker_init(struct fake_broker *broker, int64_t now_us) {
  const struct fake_server server = {
      .on_accept = count_accepted, .on_bytes = take_bytes, .on_close = count_closed, .context = broker};
  *broker = (struct fake_broker){.versions_maximum = 4, .versions_listed = 4, .capped_key = -1};
  broker->transport = fake_transport_create(now_us, &server);
}

void fake_broker_deinit(struct fake_broker *broker) {
  for (uint32_t i = 0; i < FAKE_BROKER_CONNECTIONS_MAX; i++)
    free(broker->input[i].data);
}

const struct fake_broker_request *fake_broker_find(const struct fake_broker *broker, uint32_t connection,
                                                   int16_t api_key, uint32_t index) {
  for (uint32_t i = 0; i < broker->request_count; i++) {
    const struct fake_broker_request *request = &broker->requests[i];
    if (request->connection == connection && request->api_key == api_key && index-- == 0) return request;
  }
  return NULL;
}

const struct fake_broker_request *fake_broker_newest(const struct fake_broker *broker, int16_t api_key) {
  for (uint32_t i = broker->request_count; i-- > 0;)
    if (broker->requests[i].api_key == api_key) return &broker->requests[i];
  return NULL;
}

struct wire_reader fake_broker_body(const struct fake_broker *broker,
                                    const struct fake_broker_request *request) {
  struct bytes written = fake_transport_written(broker->transport, request->connection);
  ASSERT(written.size >= request->at + request->bytes);
  struct wire_reader reader = wire_reader_of(
      bytes_of(written.data + request->at + REQUEST_SIZE_BYTES, request->bytes - REQUEST_SIZE_BYTES));
  struct request_header header;
  request_header_read(&reader, &header);
  return reader;
}

struct bytes fake_broker_frame(const struct fake_broker_request *request, struct bytes body) {
  struct wire_writer writer = {.data = NULL};
  wire_write_int32(&writer, 0);
  response_header_write(&writer, request->api_key, request->api_version, request->correlation_id);
  wire_write_raw(&writer, body);
  wire_patch_int32(&writer, 0, (int32_t)(writer.size - REQUEST_SIZE_BYTES));
  ASSERT(!writer.failed);
  uint8_t *frame = malloc(writer.size);
  ASSERT(frame != NULL);
  memcpy(frame, writer.data, writer.size);
  size_t size = writer.size;
  wire_writer_deinit(&writer);
  return bytes_of(frame, size);
}

void fake_broker_answer(struct fake_broker *broker, const struct fake_broker_request *request,
                        struct bytes body) {
  ASSERT(request != NULL);
  struct bytes frame = fake_broker_frame(request, body);
  fake_transport_deliver(broker->transport, request->connection, frame);
  union {
    const uint8_t *read;
    void *owned;
  } memory = {.read = frame.data};
  free(memory.owned);
}

static void take_bytes(void *context, uint32_t connection, struct bytes bytes) {
  struct fake_broker *broker = context;
  ASSERT(connection < FAKE_BROKER_CONNECTIONS_MAX);
  broker->is_working = true;
  uint8_t *data = realloc(broker->input[connection].data, broker->input[connection].size + bytes.size);
  ASSERT(data != NULL);
  memcpy(data + broker->input[connection].size, bytes.data, bytes.size);
  size_t size = broker->input[connection].size + bytes.size, at = 0;
  while (size - at >= REQUEST_SIZE_BYTES) {
    size_t frame_size = bytes_load_u32(data + at);
    if (size - at - REQUEST_SIZE_BYTES < frame_size) break;
    take_request(broker, connection, bytes_of(data + at + REQUEST_SIZE_BYTES, frame_size));
    broker->requests[broker->request_count - 1].at = broker->input[connection].taken_bytes + at;
    at += REQUEST_SIZE_BYTES + frame_size;
  }
  memmove(data, data + at, size - at);
  broker->input[connection].data = data;
  broker->input[connection].size = size - at;
  broker->input[connection].taken_bytes += at;
  broker->is_working = false;
}

static void take_request(struct fake_broker *broker, uint32_t connection, struct bytes frame) {
  struct wire_reader reader = wire_reader_of(frame);
  struct request_header header;
  request_header_read(&reader, &header);
  ASSERT(!reader.failed && broker->request_count < FAKE_BROKER_REQUESTS_MAX);
  struct fake_broker_request *request = &broker->requests[broker->request_count++];
  *request = (struct fake_broker_request){.connection = connection,
                                          .api_key = header.api_key,
                                          .api_version = header.api_version,
                                          .correlation_id = header.correlation_id,
                                          .bytes = frame.size + REQUEST_SIZE_BYTES,
                                          .has_client_id = header.client_id.data != NULL};
  if (request->api_key == API_API_VERSIONS && !broker->is_silent) answer_versions(broker, request);
}

static void answer_versions(struct fake_broker *broker, const struct fake_broker_request *request) {
  struct wire_writer body = {.data = NULL};
  if (broker->versions_error != 0 || request->api_version > broker->versions_maximum) {
    bool is_unsupported = broker->versions_error == 0;
    wire_write_int16(&body, is_unsupported ? STATUS_UNSUPPORTED_VERSION : broker->versions_error);
    bool lists = is_unsupported && broker->versions_listed >= 0;
    wire_write_array_count(&body, !is_unsupported && api_is_flexible(API_API_VERSIONS, request->api_version),
                           lists ? 1 : 0);
    if (lists) {
      wire_write_int16(&body, API_API_VERSIONS);
      wire_write_int16(&body, 0);
      wire_write_int16(&body, broker->versions_listed);
    }
    if (!is_unsupported && request->api_version >= 1) wire_write_int32(&body, 0);
    if (!is_unsupported) wire_write_no_tags(&body, request->api_version >= 3);
  } else {
    api_versions_response_write(&body, request->api_version, 0);
    if (broker->capped_key >= 0)
      cap_version(broker, api_is_flexible(API_API_VERSIONS, request->api_version), &body);
    if (broker->versions_throttle_ms != 0)
      wire_patch_int32(&body, body.size - (request->api_version >= 3 ? 5 : 4), broker->versions_throttle_ms);
  }
  ASSERT(!body.failed);
  fake_broker_answer(broker, request, bytes_of(body.data, body.size));
  wire_writer_deinit(&body);
}

static void cap_version(const struct fake_broker *broker, bool flexible, struct wire_writer *body) {
  uint32_t count;
  const struct api_range *ranges = api_ranges(&count);
  size_t at = flexible ? 3 : 6, row_bytes = flexible ? 7 : 6; /* error code and count; key, range, tags */
  for (uint32_t i = 0; i < count; i++) {
    if (api_versions_is_of_logins(ranges[i].key)) continue;
    size_t row = at;
    at += row_bytes;
    if (ranges[i].key != broker->capped_key) continue;
    uint32_t low = (uint32_t)(broker->capped_maximum < 0 ? 1000 : ranges[i].minimum);
    uint32_t high = (uint32_t)(broker->capped_maximum < 0 ? 1000 : broker->capped_maximum);
    wire_patch_int32(body, row + 2, (int32_t)(low << 16 | high));
  }
}
