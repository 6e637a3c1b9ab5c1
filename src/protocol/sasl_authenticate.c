#include "protocol/sasl_authenticate.h"

#include "protocol/api.h"

enum { FIRST_VERSION_WITH_LIFETIME = 1 };

static bool is_flexible(int16_t version) {
  return api_is_flexible(API_SASL_AUTHENTICATE, version);
}

void sasl_authenticate_request_begin(struct wire_writer *before, int16_t version, size_t token_bytes) {
  wire_write_bytes_length(before, is_flexible(version), token_bytes);
}

struct bytes sasl_authenticate_request_end(int16_t version) {
  static const uint8_t no_tags[] = {0};
  return is_flexible(version) ? bytes_of(no_tags, sizeof no_tags) : bytes_of(NULL, 0);
}

void sasl_authenticate_request_read(struct wire_reader *reader, int16_t version, struct bytes *token) {
  *token = wire_read_bytes(reader, is_flexible(version));
  if (token->data == NULL) wire_reader_fail(reader);
  wire_skip_tags(reader, is_flexible(version));
}

void sasl_authenticate_response_read(struct wire_reader *reader, int16_t version,
                                     struct sasl_authenticate_response *response) {
  response->error_code = wire_read_int16(reader);
  response->error_message = wire_read_string(reader, is_flexible(version));
  response->token = wire_read_bytes(reader, is_flexible(version));
  response->session_lifetime_ms = version >= FIRST_VERSION_WITH_LIFETIME ? wire_read_int64(reader) : 0;
  wire_skip_tags(reader, is_flexible(version));
}

void sasl_authenticate_response_write(struct wire_writer *writer, int16_t version,
                                      const struct sasl_authenticate_response *response) {
  wire_write_int16(writer, response->error_code);
  wire_write_string(writer, is_flexible(version), response->error_message);
  wire_write_bytes(writer, is_flexible(version), response->token);
  if (version >= FIRST_VERSION_WITH_LIFETIME) wire_write_int64(writer, response->session_lifetime_ms);
  wire_write_no_tags(writer, is_flexible(version));
}
