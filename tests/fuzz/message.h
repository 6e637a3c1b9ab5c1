/* Messages read and written again: what all fuzz targets of decoders have in common. */
#ifndef FUZZ_MESSAGE_H
#define FUZZ_MESSAGE_H

#include "protocol/api.h"
#include "protocol/wire.h"

/* Reads a body and writes what was read; with a reader that has failed, what was written means nothing. */
typedef void message_copier(struct wire_reader *reader, int16_t version, struct wire_writer *writer);

message_copier copy_produce_request, copy_produce_response, copy_metadata_request, copy_metadata_response,
    copy_api_versions_request, copy_api_versions_response, copy_init_producer_id_request,
    copy_init_producer_id_response, copy_sasl_handshake_request, copy_sasl_handshake_response,
    copy_sasl_authenticate_request, copy_sasl_authenticate_response, copy_describe_producers_request,
    copy_describe_producers_response;
/* message_of_broker.c */
message_copier copy_fetch_request, copy_fetch_response, copy_list_offsets_request, copy_list_offsets_response,
    copy_find_coordinator_request, copy_find_coordinator_response;

/* Ends the process unless the decoder stays inside its input, and unless what it reads, written and read
 * again, is the same message. */
void message_check(message_copier *copy, struct bytes body, int16_t version);

/* Both directions of an API of api.def. */
struct message_copiers {
  message_copier *request, *response;
};
struct message_copiers message_copiers(int16_t api_key);

#endif
