/* SaslAuthenticate (api 36), versions 0 to 2: a mechanism's tokens. Flexible from 2.
 *
 *   Request  => auth_bytes:BYTES
 *   Response => error_code:INT16 error_message:NULLABLE_STRING auth_bytes:BYTES
 *               session_lifetime_ms:INT64 (1+, KIP-368; 0: without end) */
#ifndef PROTOCOL_SASL_AUTHENTICATE_H
#define PROTOCOL_SASL_AUTHENTICATE_H

#include "protocol/wire.h"

/* All but the token itself, which may not be copied: `before` and `after` are what the frame has around it.
 */
void sasl_authenticate_request_begin(struct wire_writer *before, int16_t version, size_t token_bytes);
struct bytes sasl_authenticate_request_end(int16_t version);
void sasl_authenticate_request_read(struct wire_reader *reader, int16_t version, struct bytes *token);

struct sasl_authenticate_response {
  int16_t error_code;
  struct bytes error_message; /* may be null */
  struct bytes token;
  int64_t session_lifetime_ms;
};

void sasl_authenticate_response_read(struct wire_reader *reader, int16_t version,
                                     struct sasl_authenticate_response *response);
void sasl_authenticate_response_write(struct wire_writer *writer, int16_t version,
                                      const struct sasl_authenticate_response *response);

#endif
