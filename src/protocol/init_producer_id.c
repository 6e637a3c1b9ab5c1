#include "protocol/init_producer_id.h"

#include "protocol/api.h"

enum { FIRST_VERSION_WITH_PRODUCER = 3 }; /* KIP-360 */

static bool is_flexible(int16_t version) {
  return api_is_flexible(API_INIT_PRODUCER_ID, version);
}

void init_producer_id_request_write(struct wire_writer *writer, int16_t version,
                                    const struct init_producer_id_request *request) {
  wire_write_string(writer, is_flexible(version), request->transactional_id);
  wire_write_int32(writer, request->transaction_timeout_ms);
  if (version >= FIRST_VERSION_WITH_PRODUCER) {
    wire_write_int64(writer, request->producer_id);
    wire_write_int16(writer, request->producer_epoch);
  }
  wire_write_no_tags(writer, is_flexible(version));
}

void init_producer_id_request_read(struct wire_reader *reader, int16_t version,
                                   struct init_producer_id_request *request) {
  request->transactional_id = wire_read_string(reader, is_flexible(version));
  request->transaction_timeout_ms = wire_read_int32(reader);
  request->producer_id = -1;
  request->producer_epoch = -1;
  if (version >= FIRST_VERSION_WITH_PRODUCER) {
    request->producer_id = wire_read_int64(reader);
    request->producer_epoch = wire_read_int16(reader);
  }
  wire_skip_tags(reader, is_flexible(version));
}

void init_producer_id_response_read(struct wire_reader *reader, int16_t version,
                                    struct init_producer_id_response *response) {
  response->throttle_ms = wire_read_int32(reader);
  response->error_code = wire_read_int16(reader);
  response->producer_id = wire_read_int64(reader);
  response->producer_epoch = wire_read_int16(reader);
  wire_skip_tags(reader, is_flexible(version));
}

void init_producer_id_response_write(struct wire_writer *writer, int16_t version,
                                     const struct init_producer_id_response *response) {
  wire_write_int32(writer, response->throttle_ms);
  wire_write_int16(writer, response->error_code);
  wire_write_int64(writer, response->producer_id);
  wire_write_int16(writer, response->producer_epoch);
  wire_write_no_tags(writer, is_flexible(version));
}
