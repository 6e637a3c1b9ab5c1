#include "sim/doorman.h"

#include "base/status.h"
#include "protocol/api.h"
#include "protocol/api_versions.h"
#include "protocol/request_header.h"
#include "protocol/sasl_authenticate.h"
#include "protocol/sasl_handshake.h"

enum { REFUSED_IN = 8, SESSION_MIN_MS = 3000, SESSION_MORE_MS = 9000 };

static bool refuses(struct doorman *doorman);
static void write_versions(struct doorman *doorman, struct wire_writer *frame, int16_t version);
static void write_handshake(struct doorman *doorman, struct wire_writer *frame);
static void write_authenticate(struct doorman *doorman, struct wire_writer *frame, int16_t version);

bool doorman_answer(struct doorman *doorman, struct bytes request, struct wire_writer *frame) {
  struct wire_reader reader = wire_reader_of(request);
  struct request_header header;
  request_header_read(&reader, &header);
  if (reader.failed) return false;
  int16_t key = header.api_key;
  if (key != API_API_VERSIONS && key != API_SASL_HANDSHAKE && key != API_SASL_AUTHENTICATE) return false;
  if (key == API_API_VERSIONS && header.api_version > api_range_of(API_API_VERSIONS)->maximum) return false;
  wire_write_int32(frame, 0);
  response_header_write(frame, key, header.api_version, header.correlation_id);
  if (key == API_API_VERSIONS) write_versions(doorman, frame, header.api_version);
  if (key == API_SASL_HANDSHAKE) write_handshake(doorman, frame);
  if (key == API_SASL_AUTHENTICATE) write_authenticate(doorman, frame, header.api_version);
  wire_patch_int32(frame, 0, (int32_t)(frame->size - REQUEST_SIZE_BYTES));
  return true;
}

static bool refuses(struct doorman *doorman) {
  return random_below(&doorman->random, REFUSED_IN) == 0 && doorman->refuses;
}

/* A listener without logins does not name their APIs. */
static void write_versions(struct doorman *doorman, struct wire_writer *frame, int16_t version) {
  enum { FIRST_VERSION_WITH_THROTTLE = 1 };
  bool flexible = version >= api_range_of(API_API_VERSIONS)->first_flexible;
  bool names_logins = !refuses(doorman);
  uint32_t count, named = 0;
  const struct api_range *ranges = api_ranges(&count);
  for (uint32_t i = 0; i < count; i++)
    if (names_logins || !api_versions_is_of_logins(ranges[i].key)) named++;
  wire_write_int16(frame, STATUS_OK);
  wire_write_array_count(frame, flexible, (int32_t)named);
  for (uint32_t i = 0; i < count; i++) {
    if (!names_logins && api_versions_is_of_logins(ranges[i].key)) continue;
    wire_write_int16(frame, ranges[i].key);
    wire_write_int16(frame, ranges[i].minimum);
    wire_write_int16(frame, ranges[i].maximum);
    wire_write_no_tags(frame, flexible);
  }
  if (version >= FIRST_VERSION_WITH_THROTTLE) wire_write_int32(frame, 0);
  wire_write_no_tags(frame, flexible);
}

static void write_handshake(struct doorman *doorman, struct wire_writer *frame) {
  struct bytes mechanism = bytes_of_string("PLAIN");
  int16_t code = refuses(doorman) ? STATUS_UNSUPPORTED_SASL_MECHANISM : STATUS_OK;
  sasl_handshake_response_write(frame, code, &mechanism, 1);
}

static void write_authenticate(struct doorman *doorman, struct wire_writer *frame, int16_t version) {
  struct sasl_authenticate_response response = {
      .error_message = bytes_of(NULL, 0),
      .token = bytes_of("", 0),
      .session_lifetime_ms = SESSION_MIN_MS + (int64_t)random_below(&doorman->random, SESSION_MORE_MS)};
  if (!doorman->refuses) response.session_lifetime_ms = 0;
  if (refuses(doorman)) response.error_code = STATUS_SASL_AUTHENTICATION_FAILED;
  if (refuses(doorman)) response.token = bytes_of_string("nobody asked for this");
  sasl_authenticate_response_write(frame, version, &response);
}
