/* One request on its way to a broker, and how it ended. */
#ifndef NETWORK_REQUEST_H
#define NETWORK_REQUEST_H

#include "base/list.h"
#include "network/transport.h"
#include "protocol/wire.h"

struct request;

/* How a request ended. */
struct request_result {
  int32_t status;   /* STATUS_OK: body holds the answer; else DISCONNECTED, REQUEST_TIMED_OUT_LOCALLY,
                     * MALFORMED_RESPONSE, ABORTED (the client is being destroyed) */
  bool handed_over; /* every byte of the request was taken by the system: the broker may have acted on it */
  struct wire_reader
      body; /* STATUS_OK and expects_response: behind the response header; valid during complete */
  int32_t node_id;
  int64_t now_us;
  int64_t latency_us; /* from network_client_send to this moment */
};

/* The caller fills in everything above the line; the rest is the client's. The frame's first bytes are
 * written by the caller with request_header_write under the correlation id that
 * network_client_next_correlation gave. */
struct request {
  int16_t api_key, api_version;
  int32_t correlation_id;
  bool expects_response;                    /* false: complete is called once all bytes are handed over */
  const struct transport_segment *segments; /* the whole frame, in order; stays valid until complete */
  uint32_t segment_count;
  int64_t timeout_us; /* from send; the connection is closed when it passes */
  void (*complete)(struct request *request, const struct request_result *result);
  void *context;
  /* -- owned by the network client -- */
  struct list node;
  size_t bytes, bytes_sent;
  int64_t sent_us, deadline_us;
  int32_t node_id;
  int32_t status; /* how it ended, while it waits for complete to be called */
};

#endif
