/* Frames and headers.
 *   frame              => size:INT32 header body    (size counts what follows it)
 *   request header v1  => api_key:INT16 api_version:INT16 correlation_id:INT32 client_id:NULLABLE_STRING
 *   request header v2  => as v1, then tagged fields (flexible requests; client_id stays a plain string)
 *   response header v0 => correlation_id:INT32
 *   response header v1 => as v0, then tagged fields (flexible responses, but never ApiVersions: KIP-511) */
#ifndef PROTOCOL_REQUEST_HEADER_H
#define PROTOCOL_REQUEST_HEADER_H

#include "protocol/wire.h"

enum { REQUEST_SIZE_BYTES = 4 }; /* the frame length in front */

struct request_header {
  int16_t api_key, api_version;
  int32_t correlation_id;
  struct bytes client_id;
};

/* Writes the frame length (as zero, see request_frame_finish) and the header. */
void request_header_write(struct wire_writer *writer, const struct request_header *header);
/* Patches the frame length: everything in the writer after the length plus external_bytes that are sent with
 * it. */
void request_frame_finish(struct wire_writer *writer, size_t external_bytes);
/* Reads a request header (without frame length): the broker's side. Fails for an unknown api or version
 * except that an ApiVersions request of any version is read (its header is v1 up to version 2, else v2). */
void request_header_read(struct wire_reader *reader, struct request_header *header);

/* Writes the header of a response, without frame length: the broker's side. */
void response_header_write(struct wire_writer *writer, int16_t api_key, int16_t api_version,
                           int32_t correlation_id);
/* Reads the header of a response (without frame length) and returns its correlation id. */
int32_t response_header_read(struct wire_reader *reader, int16_t api_key, int16_t api_version);

#endif
