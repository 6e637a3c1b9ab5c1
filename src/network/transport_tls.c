#include "network/transport_tls.h"

#include "base/allocator.h"
#include "base/assertion.h"
#include "base/condition.h"
#include "base/list.h"
#include "base/lock.h"
#include "base/secret.h"
#include "base/status.h"
#include "security/tls_session.h"
#include <stdio.h>
#include <string.h>

enum {
  RECORD_BYTES = 16384,      /* what a TLS record holds at most */
  RECEIVE_BYTES = 64 << 10,  /* asked of the inner transport at once */
  RECEIVES_PER_CALL_MAX = 8, /* then others have their turn */
  EVENTS_MIN = 5,            /* what inner asks for, and one of our own */
  REASON_BYTES = 512,
};

/* CONNECTING and SHAKING_HANDS become SETTLED when there is something for `connected` to tell. */
enum phase { PHASE_CONNECTING, PHASE_SHAKING_HANDS, PHASE_SETTLED, PHASE_OPEN };

/* One connection. Its token towards the inner transport is its handle. */
struct connection {
  int64_t handle;
  enum phase phase;
  uint64_t token; /* of the caller's */
  int64_t socket; /* of the inner transport */
  struct tls_session *session;
  struct list ready_link; /* in `ready` while there is something to be read without the inner transport */
  size_t held;            /* plaintext that is encrypted and not reported, since records of it wait */
  bool wants_write;       /* the caller's wish */
  bool asks_write;        /* what the inner transport was told */
  bool has_send_failed, has_received;
  bool has_news;    /* an end or a failure has been found, which `receive` tells */
  uint64_t told_in; /* the round of `wait` that had an event of it last */
  int32_t status;   /* of the connect, once SETTLED */
  char reason[REASON_BYTES];
};

LOCK_ROLE(transport_tls_guard);

/* Owned by one thread, except `context`. */
struct transport_tls {
  struct transport base;
  struct transport *inner;
  struct lock mutex;
  struct tls_context *context GUARDED_BY(transport_tls_guard); /* under mutex */
  struct connection **connections;                             /* by handle; NULL: free */
  int64_t connection_count, connection_capacity;
  struct list ready;
  uint64_t round;
  bool is_abandoned;
  size_t gathered_bytes;
  uint8_t gathered[RECORD_BYTES]; /* small segments in one record; wiped after use */
  uint8_t received[RECEIVE_BYTES];
};
LOCK_GUARD(transport_tls_guard, transport_tls, mutex);

/* Where in the caller's segments a send is. */
struct position {
  const struct transport_segment *segments;
  size_t count, index, offset;
};

static struct transport_tls *tls_of(struct transport *base);
static struct connection *connection_of(struct transport *base, int64_t socket);
static int32_t reserve_handle(struct transport_tls *transport, int64_t *handle);
static struct tls_context *take_context(struct transport_tls *transport);
static uint32_t take_ready(struct transport_tls *transport, struct transport_event *events,
                           uint32_t capacity);
static bool translate(struct transport_tls *transport, struct transport_event *event);
static void note_readiness(struct transport_tls *transport, struct connection *connection);
static void ask_for_write(struct transport_tls *transport, struct connection *connection);
static void finish_connect(struct transport_tls *transport, struct connection *connection);
static void shake_hands(struct transport_tls *transport, struct connection *connection);
static void settle(struct connection *connection, int32_t status, const char *reason);
static void settle_by_transport(struct connection *connection);
static enum transport_outcome flush(struct transport_tls *transport, struct connection *connection);
static enum transport_outcome feed(struct transport_tls *transport, struct connection *connection);
static enum tls_outcome encrypt(struct transport_tls *transport, struct connection *connection,
                                struct position *position, size_t *count);
static struct bytes gather(struct transport_tls *transport, const struct position *position);
static bool skip(struct position *position, size_t bytes);
static void note_reason(struct connection *connection, const char *reason);
static enum transport_outcome fail_by_session(struct connection *connection);
static void free_connection(struct transport_tls *transport, struct connection *connection);

/* ---- life ---- */

static int32_t operation_resolve(struct transport *base, const char *host, uint16_t port, bool canonical,
                                 uint64_t token) {
  struct transport *inner = tls_of(base)->inner;
  return inner->operations->resolve(inner, host, port, canonical, token);
}

static int32_t operation_connect(struct transport *base, const struct address *address, const char *host,
                                 uint64_t token, int64_t *socket, char *reason, size_t reason_size) {
  struct transport_tls *transport = tls_of(base);
  struct connection *created = allocator_allocate_zeroed(1, sizeof *created);
  int32_t status = created == NULL ? STATUS_OUT_OF_MEMORY : reserve_handle(transport, &created->handle);
  if (status == STATUS_OK) {
    struct tls_context *context = take_context(transport);
    created->session = tls_session_create(context, host, address_port(address));
    tls_context_release(context);
    if (created->session == NULL) status = STATUS_OUT_OF_MEMORY;
  }
  if (status == STATUS_OK)
    status = transport->inner->operations->connect(transport->inner, address, host, (uint64_t)created->handle,
                                                   &created->socket, reason, reason_size);
  else
    snprintf(reason, reason_size, "%s", status_text(status));
  if (status != STATUS_OK) {
    if (created != NULL) tls_session_destroy(created->session);
    allocator_free(created);
    return status;
  }
  list_init(&created->ready_link);
  created->token = token;
  created->wants_write = created->asks_write = true;
  transport->connections[created->handle] = created;
  *socket = created->handle;
  return STATUS_OK;
}

static int32_t operation_connected(struct transport *base, int64_t socket, char *reason, size_t reason_size) {
  struct transport_tls *transport = tls_of(base);
  struct connection *connection = connection_of(base, socket);
  ASSERT(connection->phase >= PHASE_SETTLED);
  snprintf(reason, reason_size, "%s", connection->reason);
  if (connection->status != STATUS_OK) return connection->status;
  connection->phase = PHASE_OPEN;
  note_readiness(transport, connection);
  return STATUS_OK;
}

/* What waits in the inner socket is read first: closing a socket with unread bytes resets the connection, and
 * the peer may then lose what it has not read yet. */
static void operation_close(struct transport *base, int64_t socket) {
  struct transport_tls *transport = tls_of(base);
  struct connection *connection = connection_of(base, socket);
  const struct transport_operations *inner = transport->inner->operations;
  if (connection->phase == PHASE_OPEN && !connection->has_send_failed) {
    tls_session_shut_down(connection->session);
    flush(transport, connection);
    size_t count = 0;
    for (int i = 0; i < RECEIVES_PER_CALL_MAX; i++)
      if (inner->receive(transport->inner, connection->socket, transport->received, RECEIVE_BYTES, &count) !=
          TRANSPORT_DONE)
        break;
  }
  inner->close(transport->inner, connection->socket);
  free_connection(transport, connection);
}

static void operation_wake(struct transport *base) {
  struct transport *inner = tls_of(base)->inner;
  inner->operations->wake(inner);
}

/* In a child of a fork sessions and context are left alone: the parent's thread may have been inside of them.
 */
static void operation_destroy(struct transport *base) NO_THREAD_SAFETY_ANALYSIS {
  struct transport_tls *transport = tls_of(base);
  struct transport *inner = transport->inner;
  if (transport->is_abandoned) {
    inner->operations->destroy(inner);
    return;
  }
  for (int64_t i = 0; i < transport->connection_count; i++)
    if (transport->connections[i] != NULL) operation_close(base, i);
  inner->operations->destroy(inner);
  tls_context_release(transport->context);
  lock_deinit(&transport->mutex);
  allocator_free(transport->connections);
  allocator_free(transport);
}

static void operation_abandon(struct transport *base) {
  struct transport_tls *transport = tls_of(base);
  transport->is_abandoned = true;
  transport->inner->operations->abandon(transport->inner);
}

/* ---- bytes ---- */

static enum transport_outcome operation_send(struct transport *base, int64_t socket,
                                             const struct transport_segment *segments, size_t segment_count,
                                             size_t *count) {
  struct transport_tls *transport = tls_of(base);
  struct connection *connection = connection_of(base, socket);
  ASSERT(connection->phase == PHASE_OPEN);
  struct position position = {.segments = segments, .count = segment_count};
  size_t total = 0;
  bool offers_held = skip(&position, connection->held);
  ASSERT(offers_held); /* the same bytes are offered again */
  enum transport_outcome outcome = flush(transport, connection);
  while (outcome == TRANSPORT_DONE) {
    total += connection->held;
    connection->held = 0;
    if (encrypt(transport, connection, &position, &connection->held) == TLS_FAILED)
      outcome = fail_by_session(connection);
    else if (connection->held == 0)
      break;
    else
      outcome = flush(transport, connection);
  }
  secret_wipe(transport->gathered, transport->gathered_bytes);
  transport->gathered_bytes = 0;
  ask_for_write(transport, connection);
  note_readiness(transport, connection);
  if (total == 0) return outcome == TRANSPORT_FAILED ? TRANSPORT_FAILED : TRANSPORT_WOULD_BLOCK;
  *count = total;
  return TRANSPORT_DONE;
}

static enum transport_outcome operation_receive(struct transport *base, int64_t socket, uint8_t *to,
                                                size_t capacity, size_t *count) {
  struct transport_tls *transport = tls_of(base);
  struct connection *connection = connection_of(base, socket);
  ASSERT(connection->phase == PHASE_OPEN);
  size_t total = 0;
  enum transport_outcome outcome = TRANSPORT_DONE;
  for (int feeds = 0; outcome == TRANSPORT_DONE && total < capacity;) {
    size_t step = 0;
    enum tls_outcome read = tls_session_read(connection->session, to + total, capacity - total, &step);
    total += step;
    if (read == TLS_CLOSED) outcome = TRANSPORT_END;
    if (read == TLS_FULL || read == TLS_FAILED) outcome = fail_by_session(connection);
    if (read != TLS_WANT_INPUT) continue;
    outcome = feeds++ < RECEIVES_PER_CALL_MAX ? feed(transport, connection) : TRANSPORT_WOULD_BLOCK;
  }
  connection->has_news = outcome == TRANSPORT_END || outcome == TRANSPORT_FAILED;
  flush(transport, connection); /* answers to the peer's TLS, and alerts */
  ask_for_write(transport, connection);
  note_readiness(transport, connection);
  if (total == 0) return outcome;
  *count = total;
  return TRANSPORT_DONE;
}

static void operation_want_write(struct transport *base, int64_t socket, bool wanted) {
  struct connection *connection = connection_of(base, socket);
  connection->wants_write = wanted;
  ask_for_write(tls_of(base), connection);
}

static const char *operation_describe(struct transport *base, int64_t socket) {
  struct transport *inner = tls_of(base)->inner;
  const struct connection *connection = connection_of(base, socket);
  if (connection->reason[0] != '\0') return connection->reason;
  return inner->operations->describe(inner, connection->socket);
}

static int32_t operation_failure(struct transport *base, int64_t socket) {
  int32_t status = tls_session_status(connection_of(base, socket)->session);
  return status == STATUS_OK ? STATUS_DISCONNECTED : status;
}

/* ---- events ---- */

static uint32_t operation_wait(struct transport *base, int64_t timeout_us, struct transport_event *events,
                               uint32_t capacity) {
  struct transport_tls *transport = tls_of(base);
  const struct transport_operations *inner = transport->inner->operations;
  ASSERT(capacity >= EVENTS_MIN);
  transport->round++;
  uint32_t ready = take_ready(transport, events, (capacity - EVENTS_MIN) / 2 + 1);
  uint32_t count =
      inner->wait(transport->inner, ready > 0 ? 0 : timeout_us, events + ready, capacity - ready);
  uint32_t kept = ready;
  for (uint32_t i = ready; i < ready + count; i++) {
    struct transport_event event = events[i];
    if (event.kind == TRANSPORT_RESOLVED || translate(transport, &event)) events[kept++] = event;
  }
  return kept;
}

/* Those that are taken go to the end, so that each has its turn. */
static uint32_t take_ready(struct transport_tls *transport, struct transport_event *events,
                           uint32_t capacity) {
  uint32_t count = 0;
  while (count < capacity && !list_is_empty(&transport->ready)) {
    struct connection *connection = LIST_ENTRY(transport->ready.next, struct connection, ready_link);
    if (connection->told_in == transport->round) break;
    connection->told_in = transport->round;
    list_remove(&connection->ready_link);
    list_append(&transport->ready, &connection->ready_link);
    events[count++] = (struct transport_event){.kind = TRANSPORT_READABLE, .token = connection->token};
  }
  return count;
}

/* Makes the caller's event of the inner transport's; false if there is nothing for the caller in it. */
static bool translate(struct transport_tls *transport, struct transport_event *event) {
  struct connection *connection = transport->connections[event->token];
  bool is_writable = event->kind == TRANSPORT_WRITABLE;
  event->token = connection->token;
  if (connection->phase == PHASE_OPEN) {
    if (is_writable) {
      enum transport_outcome flushed = flush(transport, connection);
      ask_for_write(transport, connection);
      return connection->wants_write && flushed != TRANSPORT_WOULD_BLOCK;
    }
    bool is_news = connection->told_in != transport->round;
    connection->told_in = transport->round;
    return is_news;
  }
  if (connection->phase == PHASE_CONNECTING && is_writable) finish_connect(transport, connection);
  if (connection->phase == PHASE_SHAKING_HANDS) shake_hands(transport, connection);
  ask_for_write(transport, connection);
  event->kind = TRANSPORT_WRITABLE;
  bool is_settled = connection->phase == PHASE_SETTLED && connection->told_in != transport->round;
  if (is_settled) connection->told_in = transport->round;
  return is_settled && connection->wants_write;
}

static void note_readiness(struct transport_tls *transport, struct connection *connection) {
  bool is_ready =
      connection->phase == PHASE_OPEN && (connection->has_news || tls_session_has_input(connection->session));
  if (is_ready == list_is_linked(&connection->ready_link)) return;
  if (is_ready)
    list_append(&transport->ready, &connection->ready_link);
  else
    list_remove(&connection->ready_link);
}

/* The caller's wish, and our own while records wait. Until TCP is connected the inner transport asks by
 * itself. */
static void ask_for_write(struct transport_tls *transport, struct connection *connection) {
  const struct transport_operations *inner = transport->inner->operations;
  bool has_output = tls_session_output(connection->session).size > 0 && !connection->has_send_failed;
  bool asks = has_output;
  if (connection->phase == PHASE_CONNECTING) asks = true;
  if (connection->phase >= PHASE_SETTLED && connection->wants_write) asks = true;
  if (asks == connection->asks_write) return;
  connection->asks_write = asks;
  inner->want_write(transport->inner, connection->socket, asks);
}

/* ---- connecting ---- */

static void finish_connect(struct transport_tls *transport, struct connection *connection) {
  const struct transport_operations *inner = transport->inner->operations;
  char reason[REASON_BYTES] = "";
  int32_t status = inner->connected(transport->inner, connection->socket, reason, sizeof reason);
  if (status == STATUS_OK)
    connection->phase = PHASE_SHAKING_HANDS;
  else
    settle(connection, status, reason);
}

/* As far as it goes without waiting. What the peer says last is read even if nothing can be sent any more: it
 * may be the alert that tells why. */
static void shake_hands(struct transport_tls *transport, struct connection *connection) {
  struct tls_session *session = connection->session;
  while (true) {
    enum tls_outcome outcome = tls_session_handshake(session);
    flush(transport, connection);
    if (outcome == TLS_DONE && !connection->has_send_failed) {
      settle(connection, STATUS_OK, "");
      return;
    }
    if (outcome != TLS_WANT_INPUT) break;
    enum transport_outcome fed = feed(transport, connection);
    if (fed == TRANSPORT_WOULD_BLOCK && !connection->has_send_failed) return;
    if (fed != TRANSPORT_DONE) break;
  }
  if (tls_session_status(session) != STATUS_OK)
    settle(connection, tls_session_status(session), tls_session_reason(session));
  else
    settle_by_transport(connection);
}

static void settle(struct connection *connection, int32_t status, const char *reason) {
  connection->phase = PHASE_SETTLED;
  connection->status = status;
  snprintf(connection->reason, sizeof connection->reason, "%s", reason);
}

/* The inner transport failed in the middle of a handshake. */
static void settle_by_transport(struct connection *connection) {
  char reason[REASON_BYTES];
  snprintf(reason, sizeof reason, "%.400s during the TLS handshake%s", connection->reason,
           connection->has_received
               ? ""
               : ": the port may speak plaintext Kafka, not TLS (see security.protocol)");
  settle(connection, STATUS_TLS_HANDSHAKE_FAILED, reason);
}

/* ---- records ---- */

/* Hands waiting records to the inner transport: DONE if none are left. */
static enum transport_outcome flush(struct transport_tls *transport, struct connection *connection) {
  const struct transport_operations *inner = transport->inner->operations;
  struct bytes output;
  if (connection->has_send_failed) return TRANSPORT_FAILED;
  while ((output = tls_session_output(connection->session)).size > 0) {
    const struct transport_segment segment = {.data = output.data, .size = output.size};
    size_t taken = 0;
    enum transport_outcome outcome = inner->send(transport->inner, connection->socket, &segment, 1, &taken);
    if (outcome == TRANSPORT_WOULD_BLOCK) return outcome;
    if (outcome != TRANSPORT_DONE) {
      connection->has_send_failed = true;
      note_reason(connection, inner->describe(transport->inner, connection->socket));
      return TRANSPORT_FAILED;
    }
    tls_session_output_taken(connection->session, taken);
    if (taken < output.size) return TRANSPORT_WOULD_BLOCK;
  }
  return TRANSPORT_DONE;
}

/* Gives the session what has come. DONE: it has something new to look at, be it the end of the stream. */
static enum transport_outcome feed(struct transport_tls *transport, struct connection *connection) {
  const struct transport_operations *inner = transport->inner->operations;
  size_t count = 0;
  enum transport_outcome outcome =
      inner->receive(transport->inner, connection->socket, transport->received, RECEIVE_BYTES, &count);
  switch (outcome) {
  case TRANSPORT_DONE:
    connection->has_received = true;
    tls_session_put(connection->session, bytes_of(transport->received, count)); /* fails by the next read */
    return TRANSPORT_DONE;
  case TRANSPORT_END: tls_session_end_input(connection->session); return TRANSPORT_DONE;
  case TRANSPORT_WOULD_BLOCK: return outcome;
  case TRANSPORT_FAILED: break;
  }
  note_reason(connection, inner->describe(transport->inner, connection->socket));
  return TRANSPORT_FAILED;
}

/* Fills the session's output from the position on. *count: the plaintext that is in it. */
static enum tls_outcome encrypt(struct transport_tls *transport, struct connection *connection,
                                struct position *position, size_t *count) {
  enum tls_outcome outcome = TLS_DONE;
  struct bytes data;
  while ((data = gather(transport, position)).size > 0) {
    size_t taken = 0;
    outcome = tls_session_write(connection->session, data, &taken);
    if (outcome != TLS_DONE) break;
    *count += taken;
    skip(position, taken);
    if (taken < data.size) break;
  }
  return outcome == TLS_FAILED ? TLS_FAILED : TLS_DONE;
}

/* The next bytes in one piece: whole records of a long segment as they lie there, short segments put together
 * to a record. Empty at the end. */
static struct bytes gather(struct transport_tls *transport, const struct position *position) {
  struct position at = *position;
  size_t size = 0;
  if (!skip(&at, 0) || at.index == at.count) return bytes_of(NULL, 0);
  const uint8_t *first = (const uint8_t *)at.segments[at.index].data + at.offset;
  size_t left = at.segments[at.index].size - at.offset;
  if (at.index + 1 == at.count) return bytes_of(first, left);
  if (left >= RECORD_BYTES) return bytes_of(first, left - left % RECORD_BYTES);
  while (at.index < at.count && size < RECORD_BYTES) {
    const struct transport_segment *segment = &at.segments[at.index];
    size_t step = segment->size - at.offset;
    if (step > RECORD_BYTES - size) step = RECORD_BYTES - size;
    memcpy(transport->gathered + size, (const uint8_t *)segment->data + at.offset, step);
    size += step;
    skip(&at, step);
  }
  if (size > transport->gathered_bytes) transport->gathered_bytes = size;
  return bytes_of(transport->gathered, size);
}

/* Moves on, and over segments that end there. False if there are not so many bytes. */
static bool skip(struct position *position, size_t bytes) {
  while (position->index < position->count) {
    size_t left = position->segments[position->index].size - position->offset;
    if (bytes < left) {
      position->offset += bytes;
      return true;
    }
    bytes -= left;
    position->index++;
    position->offset = 0;
  }
  return bytes == 0;
}

/* ---- connections ---- */

static struct transport_tls *tls_of(struct transport *base) {
  return (struct transport_tls *)(void *)base; /* its first member */
}

static struct connection *connection_of(struct transport *base, int64_t socket) {
  const struct transport_tls *transport = tls_of(base);
  ASSERT(socket >= 0 && socket < transport->connection_count && transport->connections[socket] != NULL);
  return transport->connections[socket];
}

static int32_t reserve_handle(struct transport_tls *transport, int64_t *handle) {
  for (*handle = 0; *handle < transport->connection_count; ++*handle)
    if (transport->connections[*handle] == NULL) return STATUS_OK;
  if (transport->connection_count == transport->connection_capacity) {
    int64_t capacity = transport->connection_capacity == 0 ? 8 : transport->connection_capacity * 2;
    size_t size = (size_t)capacity * sizeof(struct connection *);
    struct connection **connections = allocator_reallocate(transport->connections, size);
    if (connections == NULL) return STATUS_OUT_OF_MEMORY;
    transport->connections = connections;
    transport->connection_capacity = capacity;
  }
  transport->connections[transport->connection_count++] = NULL;
  return STATUS_OK;
}

static struct tls_context *take_context(struct transport_tls *transport) {
  transport_tls_guard_acquire(transport);
  struct tls_context *context = tls_context_retain(transport->context);
  transport_tls_guard_release(transport);
  return context;
}

static void note_reason(struct connection *connection, const char *reason) {
  snprintf(connection->reason, sizeof connection->reason, "%s", reason);
}

static enum transport_outcome fail_by_session(struct connection *connection) {
  note_reason(connection, tls_session_reason(connection->session));
  connection->has_news = true; /* whoever reads is told, too */
  return TRANSPORT_FAILED;
}

static void free_connection(struct transport_tls *transport, struct connection *connection) {
  transport->connections[connection->handle] = NULL;
  list_remove(&connection->ready_link);
  tls_session_destroy(connection->session);
  allocator_free(connection);
}

static const struct transport_operations OPERATIONS = {
    .resolve = operation_resolve,
    .connect = operation_connect,
    .connected = operation_connected,
    .send = operation_send,
    .receive = operation_receive,
    .want_write = operation_want_write,
    .describe = operation_describe,
    .failure = operation_failure,
    .close = operation_close,
    .wait = operation_wait,
    .wake = operation_wake,
    .destroy = operation_destroy,
    .abandon = operation_abandon,
};

int32_t transport_tls_create(struct transport *inner, struct tls_context *context,
                             struct transport **transport) NO_THREAD_SAFETY_ANALYSIS {
  struct transport_tls *created = allocator_allocate_zeroed(1, sizeof *created);
  if (created == NULL) return STATUS_OUT_OF_MEMORY;
  created->base.operations = &OPERATIONS;
  created->inner = inner;
  created->context = tls_context_retain(context);
  lock_init(&created->mutex);
  list_init(&created->ready);
  *transport = &created->base;
  return STATUS_OK;
}

void transport_tls_replace(struct transport *base, struct tls_context *context) {
  struct transport_tls *transport = tls_of(base);
  transport_tls_guard_acquire(transport);
  struct tls_context *replaced = transport->context;
  transport->context = tls_context_retain(context);
  transport_tls_guard_release(transport);
  tls_context_release(replaced);
}
