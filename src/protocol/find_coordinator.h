/* FindCoordinator (api 10), versions 0 to 2. Not flexible. Only the embedded broker answers it; the other
 * direction is for tests. Request  => key:STRING key_type:INT8 (1+) Response => throttle_time_ms:INT32 (1+)
 * error_code:INT16 error_message:NULLABLE_STRING (1+) node_id:INT32 host:STRING port:INT32 */
#ifndef PROTOCOL_FIND_COORDINATOR_H
#define PROTOCOL_FIND_COORDINATOR_H

#include "protocol/wire.h"

struct find_coordinator_request {
  struct bytes key;
  int8_t key_type; /* 0 a group, and always before version 1; 1 a transactional id */
};
void find_coordinator_request_write(struct wire_writer *writer, int16_t version,
                                    const struct find_coordinator_request *request);
void find_coordinator_request_read(struct wire_reader *reader, int16_t version,
                                   struct find_coordinator_request *request);

struct find_coordinator_response {
  int32_t throttle_ms;
  int16_t error_code;
  struct bytes error_message; /* null before version 1 */
  int32_t node_id;            /* -1 with an error */
  struct bytes host;          /* never null */
  int32_t port;
};
void find_coordinator_response_write(struct wire_writer *writer, int16_t version,
                                     const struct find_coordinator_response *response);
void find_coordinator_response_read(struct wire_reader *reader, int16_t version,
                                    struct find_coordinator_response *response);

#endif
