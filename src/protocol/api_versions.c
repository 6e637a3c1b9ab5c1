#include "protocol/api_versions.h"

#include "base/status.h"

enum {
  FIRST_VERSION_WITH_THROTTLE = 1,
  FIRST_VERSION_WITH_SOFTWARE = 3,
  KEY_BYTES = 6, /* api_key, minimum, maximum */
};
enum { LOGIN_API_COUNT = 2 }; /* see api_versions_is_of_logins */

static bool is_flexible(int16_t version) {
  return api_is_flexible(API_API_VERSIONS, version);
}

void api_versions_request_write(struct wire_writer *writer, int16_t version,
                                const struct api_versions_request *request) {
  if (version < FIRST_VERSION_WITH_SOFTWARE) return;
  wire_write_string(writer, true, request->client_software_name);
  wire_write_string(writer, true, request->client_software_version);
  wire_write_no_tags(writer, true);
}

void api_versions_request_read(struct wire_reader *reader, int16_t version,
                               struct api_versions_request *request) {
  *request = (struct api_versions_request){0};
  if (version < FIRST_VERSION_WITH_SOFTWARE) return;
  request->client_software_name = wire_read_required_string(reader, true);
  request->client_software_version = wire_read_required_string(reader, true);
  wire_skip_tags(reader, true);
}

static void read_offered(struct wire_reader *reader, bool flexible, struct api_versions *versions) {
  int16_t key = wire_read_int16(reader);
  int16_t minimum = wire_read_int16(reader);
  int16_t maximum = wire_read_int16(reader);
  wire_skip_tags(reader, flexible);
  if (reader->failed || key < 0 || key >= API_VERSIONS_KEY_COUNT) return;
  versions->offered[key].minimum = minimum;
  versions->offered[key].maximum = maximum;
}

void api_versions_response_read(struct wire_reader *reader, int16_t version,
                                struct api_versions_response *response) {
  api_versions_clear(&response->versions);
  response->error_code = wire_read_int16(reader);
  if (response->error_code == STATUS_UNSUPPORTED_VERSION) version = 0;
  bool flexible = is_flexible(version);
  int32_t count = wire_read_required_count(reader, flexible, KEY_BYTES);
  for (int32_t i = 0; i < count && !reader->failed; i++)
    read_offered(reader, flexible, &response->versions);
  response->throttle_ms = version >= FIRST_VERSION_WITH_THROTTLE ? wire_read_int32(reader) : 0;
  wire_skip_tags(reader, flexible);
}

bool api_versions_is_of_logins(int16_t key) {
  return key == API_SASL_HANDSHAKE || key == API_SASL_AUTHENTICATE;
}

void api_versions_response_write(struct wire_writer *writer, int16_t version, int16_t error_code) {
  bool flexible = is_flexible(version);
  uint32_t count;
  const struct api_range *ranges = api_ranges(&count);
  wire_write_int16(writer, error_code);
  wire_write_array_count(writer, flexible, (int32_t)(count - LOGIN_API_COUNT));
  for (uint32_t i = 0; i < count; i++) {
    if (api_versions_is_of_logins(ranges[i].key)) continue;
    wire_write_int16(writer, ranges[i].key);
    wire_write_int16(writer, ranges[i].key == API_PRODUCE ? 0 : ranges[i].minimum);
    wire_write_int16(writer, ranges[i].maximum);
    wire_write_no_tags(writer, flexible);
  }
  if (version >= FIRST_VERSION_WITH_THROTTLE) wire_write_int32(writer, 0);
  wire_write_no_tags(writer, flexible);
}
