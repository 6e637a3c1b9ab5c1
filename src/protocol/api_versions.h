/* ApiVersions (api 18), versions 0 to 4; response flexible from 3, its header never. KIP-511, KIP-584.
 *   Request  => client_software_name:COMPACT_STRING client_software_version:COMPACT_STRING (3+)
 *   Response => error_code:INT16 [api_key:INT16 min:INT16 max:INT16] throttle_time_ms:INT32 (1+)
 *               <tag 0 supported_features, 1 finalized_features_epoch, 2 finalized_features> (3+)
 * A broker that does not know the version answers in version 0 with UNSUPPORTED_VERSION (35) and its ranges.
 */
#ifndef PROTOCOL_API_VERSIONS_H
#define PROTOCOL_API_VERSIONS_H

#include "protocol/api.h"
#include "protocol/wire.h"

struct api_versions_request {
  struct bytes client_software_name, client_software_version;
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
/* Offers exactly the rows of api.def. */
void api_versions_response_write(struct wire_writer *writer, int16_t version, int16_t error_code);

#endif
