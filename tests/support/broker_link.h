/* A blocking TCP connection to a broker server, for tests. Whatever does not come within ten seconds fails
 * the test. */
#ifndef SUPPORT_BROKER_LINK_H
#define SUPPORT_BROKER_LINK_H

#include "protocol/request_header.h"
#include "protocol/wire.h"
#include "support/broker_exchange.h"

struct broker_link {
  int socket;
  int32_t correlation_id; /* of the last request */
  int16_t api_key, api_version;
  struct wire_writer request, response;
  struct wire_reader reader; /* the body of the last answer */
};

/* Connects to 127.0.0.1; false when nobody listens. */
bool broker_link_open(struct broker_link *link, uint16_t port);
void broker_link_close(struct broker_link *link);

/* Begins a request; its body is written to the writer that is returned. */
struct wire_writer *broker_link_begin(struct broker_link *link, int16_t api_key, int16_t api_version);
/* Finishes the request and sends it; false when the connection is gone. */
bool broker_link_send(struct broker_link *link);
/* Reads the next answer; false when the connection ends first. link->reader stands behind its header, whose
 * correlation id has to be `correlation_id`. */
bool broker_link_receive(struct broker_link *link, int32_t correlation_id);
/* Whether an answer, or the end, comes within wait_ms. */
bool broker_link_is_readable(const struct broker_link *link, int wait_ms);

/* Sends a Produce request, version 9, of one batch to one partition. */
bool broker_link_send_batch(struct broker_link *link, int16_t acks, const char *topic, int32_t partition,
                            const struct batch_plan *plan);
/* Reads its answer, which has to come: the error code. */
int16_t broker_link_receive_produced(struct broker_link *link, int32_t correlation_id, int64_t *base_offset);

/* Sends a Fetch request, version 12, for one partition. */
bool broker_link_send_fetch(struct broker_link *link, const char *topic, int32_t partition, int64_t offset,
                            int32_t max_wait_ms);
/* Reads its answer, which has to come: the bytes of records. */
size_t broker_link_receive_fetched(struct broker_link *link, int32_t correlation_id);

#endif
