/* A network client over a fake broker in virtual time, and calls that remember how they ended. */
#ifndef SUPPORT_CLIENT_WORLD_H
#define SUPPORT_CLIENT_WORLD_H

#include "network/network_client.h"
#include "protocol/wire.h"
#include "support/fake_broker.h"

enum {
  CLIENT_WORLD_MS = 1000, /* in microseconds */
  CLIENT_WORLD_S = 1000 * CLIENT_WORLD_MS,
  CLIENT_WORLD_EVENTS_MAX = 256,
  CLIENT_WORLD_BODY_BYTES = 64,
};

/* What on_connection was told. */
struct client_world_event {
  int32_t node_id, status;
  char text[256];
};

/* Used in place; the broker's addresses point into it. */
struct client_world {
  struct fake_broker broker;
  struct fake_transport *transport; /* of the broker */
  struct network_client_settings settings;
  struct network_client *client;
  struct client_world_event events[CLIENT_WORLD_EVENTS_MAX];
  uint32_t event_count;
};

/* One request and its end. */
struct call {
  struct request request; /* its context is the call */
  struct wire_writer frame;
  struct transport_segment segment;
  uint32_t completed_count;
  struct request_result result;
  uint8_t body[CLIENT_WORLD_BODY_BYTES]; /* of the answer */
  size_t body_size;
  uint32_t order;                  /* the how many-th call that ended, from 1 */
  void (*then)(struct call *call); /* called at the end of complete */
  struct client_world *world;
};

/* Settings that a test may change before client_world_start: in flight 5, request timeout 30 s, set-up 10 to
 * 30 s, backoff 50 to 1000 ms, idle 540 s, responses up to 100,000 bytes. Virtual time starts at one second.
 */
void client_world_init(struct client_world *world);
/* bootstrap: "host:port" separated by blanks. */
void client_world_start(struct client_world *world, const char *bootstrap);
void client_world_deinit(struct client_world *world);

int64_t client_world_now_us(const struct client_world *world);
/* Polls until duration_us have passed. */
void client_world_run(struct client_world *world, int64_t duration_us);
/* Polls once without waiting. */
void client_world_step(struct client_world *world);
/* Asks for the node to be ready, and polls, until it is; false after a minute of virtual time. */
bool client_world_connect(struct client_world *world, int32_t node_id);
bool client_world_is_ready(struct client_world *world, int32_t node_id);
void client_world_set_brokers(struct client_world *world, const char *brokers); /* "1=host:port 2=..." */

/* Builds a Metadata request of `size` bytes (at least its header's). */
void call_init(struct call *call, struct client_world *world, size_t size);
void call_send(struct call *call, int32_t node_id);
void call_deinit(struct call *call);
/* Answers the newest request with the call's correlation id. */
void call_answer(struct call *call, const char *body);

#endif
