/* A broker for a fake_transport that answers only what the test says, except ApiVersions: it cuts the bytes
 * of each connection into requests, keeps their headers in order of arrival, and builds responses. */
#ifndef SUPPORT_FAKE_BROKER_H
#define SUPPORT_FAKE_BROKER_H

#include "protocol/wire.h"
#include "support/fake_transport.h"

enum { FAKE_BROKER_REQUESTS_MAX = 512, FAKE_BROKER_CONNECTIONS_MAX = 256 };

/* The header of one request that arrived whole, and where. */
struct fake_broker_request {
  uint32_t connection;
  int16_t api_key, api_version;
  int32_t correlation_id;
  size_t at;    /* of the frame in what was written on the connection */
  size_t bytes; /* the whole frame */
  bool has_client_id;
};

/* Set the first group after fake_broker_init as the test needs. */
struct fake_broker {
  bool is_silent;               /* does not answer ApiVersions */
  int16_t versions_maximum;     /* a newer ApiVersions request is answered with UNSUPPORTED_VERSION ... */
  int16_t versions_listed;      /* ... listing this maximum; -1: listing nothing */
  int16_t versions_error;       /* this error instead of an answer, 0: none */
  int32_t versions_throttle_ms; /* versions 1+ */
  int16_t capped_key;           /* this API (-1: none) is offered ... */
  int16_t capped_maximum;       /* ... up to this version only; -1: not at all */

  bool is_working; /* its own allocations are not those under test */
  struct fake_transport *transport;
  struct fake_broker_request requests[FAKE_BROKER_REQUESTS_MAX]; /* ApiVersions included */
  uint32_t request_count;
  uint32_t accepted_count, closed_count;
  struct {
    uint8_t *data;
    size_t size;
    size_t taken_bytes; /* in front of data */
  } input[FAKE_BROKER_CONNECTIONS_MAX];
};

/* Creates the transport, with the broker behind every address that the test listens on. */
void fake_broker_init(struct fake_broker *broker, int64_t now_us);
/* The transport is destroyed by its owner. */
void fake_broker_deinit(struct fake_broker *broker);

/* The n-th request of the api on the connection, from 0; NULL if it did not come. */
const struct fake_broker_request *fake_broker_find(const struct fake_broker *broker, uint32_t connection,
                                                   int16_t api_key, uint32_t index);

/* The newest request of the api on any connection; NULL if none came. */
const struct fake_broker_request *fake_broker_newest(const struct fake_broker *broker, int16_t api_key);

/* What stands behind the request's header; valid until the client writes again. */
struct wire_reader fake_broker_body(const struct fake_broker *broker,
                                    const struct fake_broker_request *request);

/* A response frame with the body; freed with free. */
struct bytes fake_broker_frame(const struct fake_broker_request *request, struct bytes body);

/* Delivers such a frame at once. */
void fake_broker_answer(struct fake_broker *broker, const struct fake_broker_request *request,
                        struct bytes body);

#endif
