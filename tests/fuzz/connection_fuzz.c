/* What a broker may send on a connection, and how it may be cut into pieces. The first byte says how many
 * requests are open, the second seeds the pieces' sizes, the rest is what the broker sends. In one piece, in
 * pieces and byte by byte it has to mean the same. */
#include "network/connection.h"

#include "base/assertion.h"
#include "base/status.h"
#include "protocol/request_header.h"
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
  REQUESTS_MAX = 8,
  FIRST_CORRELATION_ID = 100,
  MESSAGE_MAX_BYTES = 2000,
  EVENTS_MAX = 4096,
  NOW_US = 1000000,
};

/* What a run of a connection came to: the same for every way of cutting. */
struct trace {
  uint64_t digest;
  uint32_t event_count, answered_count;
  bool has_failed;
};

/* Requests in turn: an answered one is sent again under the next id. */
struct world {
  struct connection *connection;
  struct request requests[REQUESTS_MAX];
  struct transport_segment segment;
  uint32_t request_count;
  int32_t next_id;
  struct trace trace;
};

static struct trace run(struct bytes input, uint32_t request_count, uint32_t seed);
static bool take(struct world *world, struct bytes piece);
static void send_request(struct world *world, struct request *request);
static void write_output(struct world *world);
static void note(struct world *world, const void *data, size_t size);
static void note_event(struct world *world, const struct connection_input *event);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size < 2) return 0;
  struct bytes input = bytes_of(data + 2, size - 2);
  uint32_t request_count = data[0] % (REQUESTS_MAX + 1);
  struct trace whole = run(input, request_count, 0);
  for (uint32_t i = 0; i < 2; i++) {
    struct trace cut = run(input, request_count, i == 0 ? 1 : 2 + data[1]);
    ASSERT(whole.digest == cut.digest && whole.event_count == cut.event_count);
    ASSERT(whole.answered_count == cut.answered_count && whole.has_failed == cut.has_failed);
  }
  return 0;
}

/* seed 0: all at once, 1: byte by byte, else pieces of changing size. */
static struct trace run(struct bytes input, uint32_t request_count, uint32_t seed) {
  static uint8_t frame[64];
  const struct connection_settings settings = {.client_id = bytes_of_string("fuzz"),
                                               .software_name = bytes_of_string("fuzz"),
                                               .software_version = bytes_of_string("1"),
                                               .request_timeout_us = NOW_US,
                                               .receive_message_max_bytes = MESSAGE_MAX_BYTES};
  struct world world = {.connection = connection_create(&settings),
                        .segment = {.data = frame, .size = sizeof frame},
                        .request_count = request_count,
                        .next_id = FIRST_CORRELATION_ID};
  ASSERT(world.connection != NULL);
  ASSERT(connection_open(world.connection, NOW_US) == STATUS_OK);
  write_output(&world);
  size_t at = 0;
  for (uint32_t state = seed; at < input.size && !world.trace.has_failed;) {
    state = state * 1103515245 + 12345;
    size_t size = seed == 0 ? input.size : seed == 1 ? 1 : 1 + state / 65536 % (seed * 4);
    if (size > input.size - at) size = input.size - at;
    /* A piece of just its size: the connection may keep no view of it. */
    uint8_t *piece = malloc(size);
    ASSERT(piece != NULL);
    memcpy(piece, input.data + at, size);
    world.trace.has_failed = !take(&world, bytes_of(piece, size));
    free(piece);
    at += size;
  }
  struct list finished;
  list_init(&finished);
  uint32_t open_count = connection_open_count(world.connection), count = 0;
  connection_close(world.connection, STATUS_DISCONNECTED, NOW_US, &finished);
  for (struct list *each = finished.next; each != &finished; each = each->next)
    count++;
  ASSERT(count == open_count && count <= request_count);
  connection_destroy(world.connection);
  return world.trace;
}

/* False once the connection has failed. */
static bool take(struct world *world, struct bytes piece) {
  for (;;) {
    size_t before = piece.size;
    struct connection_input event = connection_take_input(world->connection, &piece, NOW_US);
    ASSERT(piece.size <= before);
    if (event.kind == CONNECTION_INPUT_PARTIAL) {
      ASSERT(piece.size == 0);
      return true;
    }
    note_event(world, &event);
    switch (event.kind) {
    case CONNECTION_INPUT_FAILED:
      ASSERT(event.status != STATUS_OK && event.reason != NULL && event.reason[0] != '\0');
      return false;
    case CONNECTION_INPUT_NEGOTIATED:
      ASSERT(connection_state(world->connection) == CONNECTION_READY);
      for (uint32_t i = 0; i < world->request_count; i++)
        send_request(world, &world->requests[i]);
      break;
    case CONNECTION_INPUT_RESPONSE:
      world->trace.answered_count++;
      send_request(world, event.request);
      break;
    default: break;
    }
    write_output(world);
  }
}

static void send_request(struct world *world, struct request *request) {
  bool is_old = world->next_id % 2 == 0; /* both kinds of header */
  *request = (struct request){.api_key = API_METADATA,
                              .api_version = is_old ? 4 : 12,
                              .correlation_id = world->next_id++,
                              .expects_response = true,
                              .segments = &world->segment,
                              .segment_count = 1,
                              .timeout_us = NOW_US};
  connection_enqueue(world->connection, request, NOW_US);
}

static void write_output(struct world *world) {
  struct list finished;
  list_init(&finished);
  while (connection_has_output(world->connection)) {
    struct transport_segment segment;
    uint32_t count = connection_output(world->connection, &segment, 1);
    ASSERT(count == 1 && segment.size > 0);
    connection_output_taken(world->connection, segment.size, &finished);
  }
  ASSERT(list_is_empty(&finished));
}

static void note_event(struct world *world, const struct connection_input *event) {
  ASSERT(++world->trace.event_count < EVENTS_MAX);
  note(world, &event->kind, sizeof event->kind);
  note(world, &event->status, sizeof event->status);
  if (event->kind == CONNECTION_INPUT_FAILED) note(world, event->reason, strlen(event->reason));
  if (event->kind != CONNECTION_INPUT_RESPONSE) return;
  note(world, &event->request->correlation_id, sizeof event->request->correlation_id);
  note(world, event->body.at, wire_reader_left(&event->body));
}

/* FNV-1a. */
static void note(struct world *world, const void *data, size_t size) {
  const uint8_t *bytes = data;
  for (size_t i = 0; i < size; i++)
    world->trace.digest = (world->trace.digest ^ bytes[i]) * UINT64_C(0x100000001b3);
}
