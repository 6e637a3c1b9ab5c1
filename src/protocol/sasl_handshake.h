/* SaslHandshake (api 17), version 1: the tokens that follow come in SaslAuthenticate (KIP-152). Version 0,
 * with bare tokens on the wire, is not spoken.
 *
 *   Request  => mechanism:STRING
 *   Response => error_code:INT16 mechanisms:[STRING] */
#ifndef PROTOCOL_SASL_HANDSHAKE_H
#define PROTOCOL_SASL_HANDSHAKE_H

#include "protocol/wire.h"

void sasl_handshake_request_write(struct wire_writer *writer, struct bytes mechanism);
/* mechanism: a view into the input. */
void sasl_handshake_request_read(struct wire_reader *reader, struct bytes *mechanism);

struct sasl_handshake_response {
  int16_t error_code;
  int32_t mechanism_count;
  struct wire_reader mechanisms; /* at the first of mechanism_count strings; for sasl_handshake_next */
};

/* The names are checked: sasl_handshake_next cannot fail on them. */
void sasl_handshake_response_read(struct wire_reader *reader, struct sasl_handshake_response *response);
/* The next mechanism that the broker offers; false behind the last. */
bool sasl_handshake_next(struct sasl_handshake_response *response, struct bytes *mechanism);
void sasl_handshake_response_write(struct wire_writer *writer, int16_t error_code,
                                   const struct bytes *mechanisms, int32_t mechanism_count);

#endif
