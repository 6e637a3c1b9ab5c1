/* ApiVersions (api 18), versions 0 to 4. Flexible from 3, but the response's header never (KIP-511, KIP-584).
 *
 *   Request  => client_software_name:COMPACT_STRING (3+) client_software_version:COMPACT_STRING (3+)
 *   Response => error_code:INT16 [api_key:INT16 minimum:INT16 maximum:INT16] throttle_time_ms:INT32 (1+)
 *               <tag 0: supported features, 1: epoch of the finalized features, 2: finalized features> (3+)
 *
 * A broker that does not know the version answers in version 0 with UNSUPPORTED_VERSION (35) and its ranges.
 * The features are for transactions; they are skipped. */
#ifndef PROTOCOL_API_VERSIONS_H
#define PROTOCOL_API_VERSIONS_H

#include "protocol/api.h"
#include "protocol/wire.h"

struct api_versions_request {
  struct bytes client_software_name, client_software_version; /* null before version 3 */
};

void api_versions_request_write(struct wire_writer *writer, int16_t version,
                                const struct api_versions_request *request);
void api_versions_request_read(struct wire_reader *reader, int16_t version,
                               struct api_versions_request *request);

struct api_versions_response {
  int16_t error_code;
  int32_t throttle_ms;
  struct api_versions versions;
};

/* Reads a body; one with error 35 is read as version 0 whatever was asked. */
void api_versions_response_read(struct wire_reader *reader, int16_t version,
                                struct api_versions_response *response);
/* Offers the rows of api.def, and Produce from version 0 as brokers of 4.x do though they refuse 0 to 2:
 * librdkafka sends uncompressed to a broker that does not (KAFKA-18659). Not those of logins: our own broker
 * has none. */
void api_versions_response_write(struct wire_writer *writer, int16_t version, int16_t error_code);

bool api_versions_is_of_logins(int16_t key);

#endif
