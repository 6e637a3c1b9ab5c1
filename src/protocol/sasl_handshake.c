#include "protocol/sasl_handshake.h"

enum { STRING_MINIMUM_BYTES = 2 };

void sasl_handshake_request_write(struct wire_writer *writer, struct bytes mechanism) {
  wire_write_string(writer, false, mechanism);
}

void sasl_handshake_request_read(struct wire_reader *reader, struct bytes *mechanism) {
  *mechanism = wire_read_required_string(reader, false);
}

void sasl_handshake_response_read(struct wire_reader *reader, struct sasl_handshake_response *response) {
  response->error_code = wire_read_int16(reader);
  response->mechanism_count = wire_read_required_count(reader, false, STRING_MINIMUM_BYTES);
  response->mechanisms = *reader;
  for (int32_t i = 0; i < response->mechanism_count && !reader->failed; i++)
    wire_read_required_string(reader, false);
}

bool sasl_handshake_next(struct sasl_handshake_response *response, struct bytes *mechanism) {
  if (response->mechanism_count <= 0) return false;
  response->mechanism_count--;
  *mechanism = wire_read_required_string(&response->mechanisms, false);
  return !response->mechanisms.failed;
}

void sasl_handshake_response_write(struct wire_writer *writer, int16_t error_code,
                                   const struct bytes *mechanisms, int32_t mechanism_count) {
  wire_write_int16(writer, error_code);
  wire_write_array_count(writer, false, mechanism_count);
  for (int32_t i = 0; i < mechanism_count; i++)
    wire_write_string(writer, false, mechanisms[i]);
}
