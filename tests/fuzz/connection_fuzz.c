/* What a broker may send on a connection, and how it may be cut into pieces. The first byte says how many
 * requests are open, and whether there is a login; the second seeds the pieces' sizes, the rest is what the
 * broker sends. In one piece, in
 * pieces and byte by byte it has to mean the same. */
#include "network/connection.h"

#include "base/assertion.h"
#include "base/clock.h"
#include "base/status.h"
#include "protocol/request_header.h"
#include "security/sasl_credentials.h"
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
  REQUESTS_MAX = 8,
  CHOICE_LOGIN = 0x80,
  CHOICE_SILENT = 0x40, /* the first request wants no answer */
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
  bool is_first_silent;
  int32_t next_id;
  struct trace trace;
};

static struct trace run(struct bytes input, uint8_t choice, uint32_t seed);
static struct login *plain_login(void);
static bool take(struct world *world, struct bytes piece);
static bool renew_login(struct world *world);
static void send_request(struct world *world, struct request *request);
static void write_output(struct world *world);
static void note(struct world *world, const void *data, size_t size);
static void note_event(struct world *world, const struct connection_input *event);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size < 2) return 0;
  struct bytes input = bytes_of(data + 2, size - 2);
  struct trace whole = run(input, data[0], 0);
  for (uint32_t i = 0; i < 2; i++) {
    struct trace cut = run(input, data[0], i == 0 ? 1 : 2 + data[1]);
    ASSERT(whole.digest == cut.digest && whole.event_count == cut.event_count);
    ASSERT(whole.answered_count == cut.answered_count && whole.has_failed == cut.has_failed);
  }
  return 0;
}

/* seed 0: all at once, 1: byte by byte, else pieces of changing size. */
static void ignore_wake(void *context) {
  (void)context;
}

static struct trace run(struct bytes input, uint8_t choice, uint32_t seed) {
  static uint8_t frame[64];
  struct random random;
  random_seed(&random, 1);
  uint32_t request_count = (choice & 0x3fU) % (REQUESTS_MAX + 1);
  bool wants_login = (choice & CHOICE_LOGIN) != 0;
  const struct connection_settings settings = {.client_id = bytes_of_string("fuzz"),
                                               .software_name = bytes_of_string("fuzz"),
                                               .software_version = bytes_of_string("1"),
                                               .request_timeout_us = NOW_US,
                                               .receive_message_max_bytes = MESSAGE_MAX_BYTES,
                                               .login = wants_login ? plain_login() : NULL,
                                               .random = &random};
  struct world world = {.connection = connection_create(&settings),
                        .segment = {.data = frame, .size = sizeof frame},
                        .request_count = request_count,
                        .is_first_silent = (choice & CHOICE_SILENT) != 0,
                        .next_id = FIRST_CORRELATION_ID};
  ASSERT(world.connection != NULL);
  if (wants_login) ASSERT(connection_require_login(world.connection, "broker") == STATUS_OK);
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
  note(&world, connection_explain_end(world.connection), 1);
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

/* Lives as long as the process. */
static struct login *plain_login(void) {
  static struct login *login;
  if (login != NULL) return login;
  const struct sasl_settings sasl = {
      .mechanism = SASL_PLAIN, .username = "alice", .password = secret_create(bytes_of_string("wonderland"))};
  const struct login_settings settings = {.wake = ignore_wake};
  char error[256];
  struct sasl_credentials *credentials;
  ASSERT(sasl_credentials_create(&sasl, &credentials, error, sizeof error) == STATUS_OK);
  ASSERT(login_create(&settings, credentials, &login) == STATUS_OK);
  return login;
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
    if (!renew_login(world)) return false;
  }
}

/* As soon as a session has an end. False if that fails. */
static bool renew_login(struct world *world) {
  int64_t due_us = connection_login_due_us(world->connection);
  if (due_us == CLOCK_NEVER_US) return true;
  ASSERT(due_us > NOW_US);
  struct connection_input event = connection_renew_login(world->connection, due_us);
  note_event(world, &event);
  write_output(world);
  return event.kind != CONNECTION_INPUT_FAILED;
}

static void send_request(struct world *world, struct request *request) {
  if (connection_state(world->connection) != CONNECTION_READY) return; /* logs in again */
  bool is_old = world->next_id % 2 == 0;                               /* both kinds of header */
  bool is_silent = world->is_first_silent && request == &world->requests[0];
  *request = (struct request){.api_key = API_METADATA,
                              .api_version = is_old ? 4 : 12,
                              .correlation_id = world->next_id++,
                              .expects_response = !is_silent,
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
  for (struct list *each = finished.next; each != &finished; each = each->next)
    ASSERT(!LIST_ENTRY(each, struct request, node)->expects_response);
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
