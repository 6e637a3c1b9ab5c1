/* InitProducerId (api 22), versions 0 to 5. Flexible from 2.
 *
 *   Request  => transactional_id:NULLABLE_STRING transaction_timeout_ms:INT32
 *               producer_id:INT64 (3+) producer_epoch:INT16 (3+)
 *   Response => throttle_time_ms:INT32 error_code:INT16 producer_id:INT64 producer_epoch:INT16 */
#ifndef PROTOCOL_INIT_PRODUCER_ID_H
#define PROTOCOL_INIT_PRODUCER_ID_H

#include "protocol/wire.h"

struct init_producer_id_request {
  struct bytes transactional_id; /* null: idempotence without transactions */
  int32_t transaction_timeout_ms;
  int64_t producer_id;    /* -1: a new one, and always before version 3 */
  int16_t producer_epoch; /* -1 with it */
};

void init_producer_id_request_write(struct wire_writer *writer, int16_t version,
                                    const struct init_producer_id_request *request);
void init_producer_id_request_read(struct wire_reader *reader, int16_t version,
                                   struct init_producer_id_request *request);

struct init_producer_id_response {
  int32_t throttle_ms;
  int16_t error_code;
  int64_t producer_id;
  int16_t producer_epoch;
};

void init_producer_id_response_read(struct wire_reader *reader, int16_t version,
                                    struct init_producer_id_response *response);
void init_producer_id_response_write(struct wire_writer *writer, int16_t version,
                                     const struct init_producer_id_response *response);

#endif
