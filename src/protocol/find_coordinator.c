#include "protocol/find_coordinator.h"

enum { FIRST_VERSION_WITH_TYPE = 1 /* and with throttling and a message */ };

void find_coordinator_request_write(struct wire_writer *writer, int16_t version,
                                    const struct find_coordinator_request *request) {
  wire_write_string(writer, false, request->key);
  if (version >= FIRST_VERSION_WITH_TYPE) wire_write_int8(writer, request->key_type);
}

void find_coordinator_request_read(struct wire_reader *reader, int16_t version,
                                   struct find_coordinator_request *request) {
  request->key = wire_read_required_string(reader, false);
  request->key_type = version >= FIRST_VERSION_WITH_TYPE ? wire_read_int8(reader) : 0;
}

void find_coordinator_response_write(struct wire_writer *writer, int16_t version,
                                     const struct find_coordinator_response *response) {
  if (version >= FIRST_VERSION_WITH_TYPE) wire_write_int32(writer, response->throttle_ms);
  wire_write_int16(writer, response->error_code);
  if (version >= FIRST_VERSION_WITH_TYPE) wire_write_string(writer, false, response->error_message);
  wire_write_int32(writer, response->node_id);
  wire_write_string(writer, false, response->host);
  wire_write_int32(writer, response->port);
}

void find_coordinator_response_read(struct wire_reader *reader, int16_t version,
                                    struct find_coordinator_response *response) {
  *response = (struct find_coordinator_response){0};
  if (version >= FIRST_VERSION_WITH_TYPE) response->throttle_ms = wire_read_int32(reader);
  response->error_code = wire_read_int16(reader);
  if (version >= FIRST_VERSION_WITH_TYPE) response->error_message = wire_read_string(reader, false);
  response->node_id = wire_read_int32(reader);
  response->host = wire_read_required_string(reader, false);
  response->port = wire_read_int32(reader);
}
