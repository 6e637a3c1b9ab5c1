#include "protocol/request_header.h"

#include "base/assertion.h"
#include "protocol/api.h"

void request_header_write(struct wire_writer *writer, const struct request_header *header) {
  ASSERT(writer->size == 0);
  wire_write_int32(writer, 0);
  wire_write_int16(writer, header->api_key);
  wire_write_int16(writer, header->api_version);
  wire_write_int32(writer, header->correlation_id);
  wire_write_string(writer, false, header->client_id);
  wire_write_no_tags(writer, api_is_flexible(header->api_key, header->api_version));
}

void request_frame_finish(struct wire_writer *writer, size_t external_bytes) {
  if (writer->failed) return;
  ASSERT(writer->size >= REQUEST_SIZE_BYTES);
  size_t size = writer->size - REQUEST_SIZE_BYTES;
  if (size > INT32_MAX || external_bytes > INT32_MAX - size) {
    writer->failed = true;
    return;
  }
  wire_patch_int32(writer, 0, (int32_t)(size + external_bytes));
}

void request_header_read(struct wire_reader *reader, struct request_header *header) {
  header->api_key = wire_read_int16(reader);
  header->api_version = wire_read_int16(reader);
  header->correlation_id = wire_read_int32(reader);
  header->client_id = wire_read_string(reader, false);
  const struct api_range *range = api_range_of(header->api_key);
  if (range == NULL || header->api_version < 0) {
    wire_reader_fail(reader);
    return;
  }
  bool known = header->api_version >= range->minimum && header->api_version <= range->maximum;
  if (!known && header->api_key != API_API_VERSIONS) wire_reader_fail(reader);
  wire_skip_tags(reader, api_is_flexible(header->api_key, header->api_version));
}

/* An ApiVersions response keeps header v0: a client that asked in a version which the broker does not know
 * has to be able to read the answer (KIP-511). */
static bool response_header_is_flexible(int16_t api_key, int16_t api_version) {
  return api_key != API_API_VERSIONS && api_is_flexible(api_key, api_version);
}

void response_header_write(struct wire_writer *writer, int16_t api_key, int16_t api_version,
                           int32_t correlation_id) {
  wire_write_int32(writer, correlation_id);
  wire_write_no_tags(writer, response_header_is_flexible(api_key, api_version));
}

int32_t response_header_read(struct wire_reader *reader, int16_t api_key, int16_t api_version) {
  int32_t correlation_id = wire_read_int32(reader);
  wire_skip_tags(reader, response_header_is_flexible(api_key, api_version));
  return correlation_id;
}
