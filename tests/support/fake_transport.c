#include "support/fake_transport.h"

#include "base/assertion.h"
#include "base/clock.h"
#include "base/status.h"
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

enum {
  NAMES_MAX = 64,
  LISTENERS_MAX = 4096,
  LOOKUPS_MAX = 64,
  HOST_BYTES = 256,
  EMPTY_WAITS_IN_A_ROW_MAX = 10000,
  PORT_AT = 2, /* in struct sockaddr_in and sockaddr_in6 alike */
};

/* Memory of the fake's own comes from malloc: the allocator's hook fails the code under test only. */

/* A name and its answer. */
struct name {
  char host[HOST_BYTES];
  struct address addresses[TRANSPORT_MAX_ADDRESSES];
  uint32_t address_count;
  int64_t delay_us;
};

/* Who sits at an address. */
struct listener {
  struct address address;
  uint16_t port;
  enum fake_listener_kind kind;
  int64_t delay_us;
};

/* A look-up under way, or (delivered) answered by the last wait. */
struct lookup {
  bool used, delivered;
  uint64_t token;
  int64_t due_us;
  struct name answer;
};

/* Bytes on their way to the client, then how the stream goes on. */
enum parcel_kind { PARCEL_BYTES, PARCEL_END, PARCEL_RESET };

struct parcel {
  struct parcel *next;
  int64_t due_us;
  enum parcel_kind kind;
  size_t size, read;
  uint8_t bytes[];
};

/* Connection number i + 1 is connections[i]; its socket handle is i. */
struct connection_record {
  uint64_t token;
  char peer[ADDRESS_TEXT_BYTES];
  uint16_t port;
  bool is_open, is_connected, refused, never;
  int64_t connected_at_us;
  bool wants_write;
  struct parcel *first, **last;
  uint8_t *written;
  size_t written_size, written_capacity;
  size_t write_budget, send_chunk, receive_chunk, reset_after;
  bool is_reset;
  uint32_t send_count;
};

struct fake_transport {
  struct transport base;
  struct fake_server server;
  int64_t now_us;
  atomic_bool is_woken;
  struct name names[NAMES_MAX];
  uint32_t name_count;
  bool names_held;
  struct lookup lookups[LOOKUPS_MAX];
  uint32_t lookup_count, canonical_count;
  struct listener *listeners;
  uint32_t listener_count;
  struct connection_record **connections;
  uint32_t connection_count;
  struct connection_record initial; /* limits for connections to come */
  uint32_t wait_count, empty_wait_count, empty_in_a_row;
  uint64_t event_count;
  uint32_t turn; /* the connection that a wait looks at first */
  bool is_abandoned;
};

static struct fake_transport *fake_of(struct transport *base);
static struct connection_record *record_of(const struct fake_transport *fake, uint32_t connection);
static struct connection_record *open_record(struct transport *base, int64_t socket);
static void *checked(void *memory);
static void add_parcel(struct fake_transport *fake, uint32_t connection, enum parcel_kind kind,
                       struct bytes bytes, int64_t delay_us);
static bool is_readable(const struct fake_transport *fake, const struct connection_record *record);
static bool is_writable(const struct fake_transport *fake, const struct connection_record *record);
static bool has_reset(const struct fake_transport *fake, const struct connection_record *record);
static int64_t next_moment_us(const struct fake_transport *fake);
static uint32_t collect(struct fake_transport *fake, struct transport_event *events, uint32_t capacity);
static void parse_addresses(struct name *name, const char *addresses, uint16_t port);
static void drop_parcels(struct connection_record *record);

/* ---- operations ---- */

static int32_t operation_resolve(struct transport *base, const char *host, uint16_t port, bool canonical,
                                 uint64_t token) {
  struct fake_transport *fake = fake_of(base);
  struct lookup *lookup = NULL;
  for (uint32_t i = 0; i < LOOKUPS_MAX; i++) {
    if (fake->lookups[i].used && !fake->lookups[i].delivered && fake->lookups[i].token == token)
      fake->lookups[i].used = false;
    if (lookup == NULL && !fake->lookups[i].used) lookup = &fake->lookups[i];
  }
  ASSERT(lookup != NULL);
  *lookup = (struct lookup){.used = true, .token = token, .due_us = fake->now_us};
  for (uint32_t i = 0; i < fake->name_count; i++)
    if (strcmp(fake->names[i].host, host) == 0) lookup->answer = fake->names[i];
  struct address numeric;
  if (address_parse(host, port, &numeric)) {
    lookup->answer.addresses[0] = numeric;
    lookup->answer.address_count = 1;
  }
  for (uint32_t i = 0; i < lookup->answer.address_count; i++)
    bytes_store_u16(lookup->answer.addresses[i].storage + PORT_AT, port);
  lookup->due_us = fake->now_us + lookup->answer.delay_us;
  fake->lookup_count++;
  if (canonical) fake->canonical_count++;
  return STATUS_OK;
}

static int32_t operation_connect(struct transport *base, const struct address *address, const char *host,
                                 uint64_t token, int64_t *socket, char *reason, size_t reason_size) {
  struct fake_transport *fake = fake_of(base);
  const struct listener *met = NULL;
  (void)host;
  for (uint32_t i = 0; i < fake->listener_count; i++)
    if (address_equal(&fake->listeners[i].address, address)) met = &fake->listeners[i];
  struct connection_record *record = checked(malloc(sizeof *record));
  *record = fake->initial;
  record->token = token;
  record->last = &record->first;
  record->wants_write = true;
  address_format(address, record->peer);
  fake->connections =
      checked(realloc(fake->connections, (fake->connection_count + 1) * sizeof(struct connection_record *)));
  fake->connections[fake->connection_count++] = record;
  if (met != NULL && met->kind == FAKE_FAILS_AT_ONCE) {
    snprintf(reason, reason_size, "Too many open files");
    return STATUS_SYSTEM_ERROR;
  }
  record->is_open = true;
  record->port = met == NULL ? 0 : met->port;
  record->refused = met == NULL || met->kind == FAKE_REFUSES;
  record->never = met != NULL && met->kind == FAKE_NEVER_ANSWERS;
  record->connected_at_us = fake->now_us + (met == NULL ? 0 : met->delay_us);
  *socket = (int64_t)fake->connection_count - 1;
  return STATUS_OK;
}

static int32_t operation_connected(struct transport *base, int64_t socket, char *reason, size_t reason_size) {
  struct fake_transport *fake = fake_of(base);
  struct connection_record *record = open_record(base, socket);
  ASSERT(!record->never && record->connected_at_us <= fake->now_us);
  if (record->refused) {
    snprintf(reason, reason_size, "Connection refused");
    return STATUS_CONNECTION_REFUSED;
  }
  record->is_connected = true;
  if (fake->server.on_accept != NULL)
    fake->server.on_accept(fake->server.context, (uint32_t)socket + 1, record->port);
  return STATUS_OK;
}

static enum transport_outcome operation_send(struct transport *base, int64_t socket,
                                             const struct transport_segment *segments, size_t segment_count,
                                             size_t *count) {
  struct fake_transport *fake = fake_of(base);
  struct connection_record *record = open_record(base, socket);
  ASSERT(record->is_connected);
  record->send_count++;
  if (has_reset(fake, record)) return TRANSPORT_FAILED;
  size_t limit = record->write_budget < record->send_chunk ? record->write_budget : record->send_chunk;
  size_t until_reset = record->reset_after - record->written_size;
  if (record->reset_after != SIZE_MAX && until_reset < limit) limit = until_reset;
  size_t before = record->written_size;
  for (size_t i = 0; i < segment_count && limit > 0; i++) {
    size_t step = segments[i].size < limit ? segments[i].size : limit;
    if (record->written_size + step > record->written_capacity) {
      record->written_capacity = (record->written_size + step) * 2;
      record->written = checked(realloc(record->written, record->written_capacity));
    }
    memcpy(record->written + record->written_size, segments[i].data, step);
    record->written_size += step;
    limit -= step;
  }
  size_t taken = record->written_size - before;
  if (record->write_budget != SIZE_MAX) record->write_budget -= taken;
  bool breaks = record->reset_after != SIZE_MAX && record->written_size >= record->reset_after;
  if (breaks) record->is_reset = true;
  if (taken == 0) return breaks ? TRANSPORT_FAILED : TRANSPORT_WOULD_BLOCK;
  *count = taken;
  if (fake->server.on_bytes != NULL)
    fake->server.on_bytes(fake->server.context, (uint32_t)socket + 1,
                          bytes_of(record->written + before, taken));
  return TRANSPORT_DONE;
}

static enum transport_outcome operation_receive(struct transport *base, int64_t socket, uint8_t *to,
                                                size_t capacity, size_t *count) {
  struct fake_transport *fake = fake_of(base);
  struct connection_record *record = open_record(base, socket);
  size_t limit = capacity < record->receive_chunk ? capacity : record->receive_chunk;
  size_t received = 0;
  while (record->first != NULL && record->first->due_us <= fake->now_us && received < limit) {
    struct parcel *parcel = record->first;
    if (parcel->kind != PARCEL_BYTES) {
      if (received > 0) break;
      return parcel->kind == PARCEL_END ? TRANSPORT_END : TRANSPORT_FAILED;
    }
    size_t step = parcel->size - parcel->read;
    if (step > limit - received) step = limit - received;
    memcpy(to + received, parcel->bytes + parcel->read, step);
    parcel->read += step;
    received += step;
    if (parcel->read < parcel->size) continue;
    record->first = parcel->next;
    if (record->first == NULL) record->last = &record->first;
    free(parcel);
  }
  if (received == 0) return record->is_reset ? TRANSPORT_FAILED : TRANSPORT_WOULD_BLOCK;
  *count = received;
  return TRANSPORT_DONE;
}

static void operation_want_write(struct transport *base, int64_t socket, bool wanted) {
  open_record(base, socket)->wants_write = wanted;
}

static const char *operation_describe(struct transport *base, int64_t socket) {
  (void)open_record(base, socket);
  return "Connection reset by peer";
}

static int32_t operation_failure(struct transport *base, int64_t socket) {
  (void)open_record(base, socket);
  return STATUS_DISCONNECTED;
}

static void operation_close(struct transport *base, int64_t socket) {
  struct fake_transport *fake = fake_of(base);
  struct connection_record *record = open_record(base, socket);
  record->is_open = false;
  drop_parcels(record);
  if (record->is_connected && fake->server.on_close != NULL)
    fake->server.on_close(fake->server.context, (uint32_t)socket + 1);
}

static uint32_t operation_wait(struct transport *base, int64_t timeout_us, struct transport_event *events,
                               uint32_t capacity) {
  struct fake_transport *fake = fake_of(base);
  fake->wait_count++;
  for (uint32_t i = 0; i < LOOKUPS_MAX; i++)
    if (fake->lookups[i].delivered) fake->lookups[i].used = fake->lookups[i].delivered = false;
  uint32_t count = collect(fake, events, capacity);
  bool is_woken = atomic_exchange(&fake->is_woken, false);
  if (count == 0 && !is_woken && timeout_us != 0) {
    int64_t end_us = timeout_us < 0 ? CLOCK_NEVER_US : clock_add_us(fake->now_us, timeout_us);
    int64_t next_us = next_moment_us(fake);
    ASSERT(end_us != CLOCK_NEVER_US || next_us != CLOCK_NEVER_US); /* would wait for ever */
    ASSERT(next_us >= fake->now_us);                               /* else collect would have reported it */
    fake->now_us = next_us < end_us ? next_us : end_us;
    fake->empty_in_a_row = 0;
    return collect(fake, events, capacity);
  }
  if (count == 0 && !is_woken) {
    fake->empty_wait_count++;
    ASSERT(++fake->empty_in_a_row < EMPTY_WAITS_IN_A_ROW_MAX); /* a busy loop */
  } else {
    fake->empty_in_a_row = 0;
  }
  return count;
}

static void operation_wake(struct transport *base) {
  atomic_store(&fake_of(base)->is_woken, true);
}

static void operation_destroy(struct transport *base) {
  struct fake_transport *fake = fake_of(base);
  for (uint32_t i = 0; i < fake->connection_count; i++) {
    drop_parcels(fake->connections[i]);
    free(fake->connections[i]->written);
    free(fake->connections[i]);
  }
  free(fake->connections);
  free(fake->listeners);
  free(fake);
}

static void operation_abandon(struct transport *base) {
  fake_of(base)->is_abandoned = true;
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

/* ---- for tests ---- */

struct fake_transport *fake_transport_create(int64_t now_us, const struct fake_server *server) {
  struct fake_transport *fake = checked(calloc(1, sizeof *fake));
  fake->base.operations = &OPERATIONS;
  fake->now_us = now_us;
  if (server != NULL) fake->server = *server;
  fake->initial.write_budget = SIZE_MAX;
  fake->initial.send_chunk = SIZE_MAX;
  fake->initial.receive_chunk = SIZE_MAX;
  fake->initial.reset_after = SIZE_MAX;
  return fake;
}

struct transport *fake_transport_base(struct fake_transport *fake) {
  return &fake->base;
}

int64_t fake_transport_now_us(const struct fake_transport *fake) {
  return fake->now_us;
}

int64_t fake_transport_clock_us(void *fake) {
  return ((const struct fake_transport *)fake)->now_us;
}

void fake_transport_advance_us(struct fake_transport *fake, int64_t duration_us) {
  ASSERT(duration_us >= 0);
  fake->now_us += duration_us;
}

void fake_transport_set_name(struct fake_transport *fake, const char *host, const char *addresses,
                             int64_t delay_us) {
  struct name *name = NULL;
  for (uint32_t i = 0; i < fake->name_count; i++)
    if (strcmp(fake->names[i].host, host) == 0) name = &fake->names[i];
  if (name == NULL) {
    ASSERT(fake->name_count < NAMES_MAX);
    name = &fake->names[fake->name_count++];
  }
  snprintf(name->host, sizeof name->host, "%s", host);
  name->address_count = 0;
  name->delay_us = delay_us;
  parse_addresses(name, addresses, 0);
}

void fake_transport_hold_names(struct fake_transport *fake, bool held) {
  fake->names_held = held;
}

uint32_t fake_transport_lookup_count(const struct fake_transport *fake) {
  return fake->lookup_count;
}

uint32_t fake_transport_canonical_count(const struct fake_transport *fake) {
  return fake->canonical_count;
}

void fake_transport_listen(struct fake_transport *fake, const char *address, uint16_t port,
                           enum fake_listener_kind kind, int64_t delay_us) {
  struct listener listener = {.port = port, .kind = kind, .delay_us = delay_us};
  ASSERT(address_parse(address, port, &listener.address));
  for (uint32_t i = 0; i < fake->listener_count; i++)
    if (address_equal(&fake->listeners[i].address, &listener.address)) {
      fake->listeners[i] = listener;
      return;
    }
  ASSERT(fake->listener_count < LISTENERS_MAX);
  fake->listeners = checked(realloc(fake->listeners, (fake->listener_count + 1) * sizeof *fake->listeners));
  fake->listeners[fake->listener_count++] = listener;
}

uint32_t fake_transport_connection_count(const struct fake_transport *fake) {
  return fake->connection_count;
}

bool fake_transport_is_open(const struct fake_transport *fake, uint32_t connection) {
  return record_of(fake, connection)->is_open;
}

const char *fake_transport_peer(const struct fake_transport *fake, uint32_t connection) {
  return record_of(fake, connection)->peer;
}

struct bytes fake_transport_written(const struct fake_transport *fake, uint32_t connection) {
  const struct connection_record *record = record_of(fake, connection);
  return bytes_of(record->written, record->written_size);
}

uint32_t fake_transport_send_count(const struct fake_transport *fake, uint32_t connection) {
  return record_of(fake, connection)->send_count;
}

void fake_transport_deliver(struct fake_transport *fake, uint32_t connection, struct bytes bytes) {
  add_parcel(fake, connection, PARCEL_BYTES, bytes, 0);
}

void fake_transport_deliver_after(struct fake_transport *fake, uint32_t connection, struct bytes bytes,
                                  int64_t delay_us) {
  add_parcel(fake, connection, PARCEL_BYTES, bytes, delay_us);
}

void fake_transport_end(struct fake_transport *fake, uint32_t connection) {
  add_parcel(fake, connection, PARCEL_END, bytes_of(NULL, 0), 0);
}

void fake_transport_reset(struct fake_transport *fake, uint32_t connection) {
  add_parcel(fake, connection, PARCEL_RESET, bytes_of(NULL, 0), 0);
}

void fake_transport_break(struct fake_transport *fake, uint32_t connection) {
  if (record_of(fake, connection)->is_open) drop_parcels(record_of(fake, connection));
  fake_transport_reset(fake, connection);
}

void fake_transport_set_write_budget(struct fake_transport *fake, uint32_t connection, size_t bytes) {
  record_of(fake, connection)->write_budget = bytes;
}

void fake_transport_set_chunks(struct fake_transport *fake, uint32_t connection, size_t send_bytes,
                               size_t receive_bytes) {
  struct connection_record *record = record_of(fake, connection);
  record->send_chunk = send_bytes;
  record->receive_chunk = receive_bytes;
}

void fake_transport_reset_after(struct fake_transport *fake, uint32_t connection, size_t written_bytes) {
  record_of(fake, connection)->reset_after = written_bytes;
}

uint32_t fake_transport_wait_count(const struct fake_transport *fake) {
  return fake->wait_count;
}

uint64_t fake_transport_event_count(const struct fake_transport *fake) {
  return fake->event_count;
}

uint32_t fake_transport_empty_wait_count(const struct fake_transport *fake) {
  return fake->empty_wait_count;
}

bool fake_transport_is_woken(const struct fake_transport *fake) {
  return atomic_load(&fake->is_woken);
}

bool fake_transport_wants_write(const struct fake_transport *fake, uint32_t connection) {
  return record_of(fake, connection)->wants_write;
}

bool fake_transport_is_abandoned(const struct fake_transport *fake) {
  return fake->is_abandoned;
}

/* ---- helpers ---- */

static struct fake_transport *fake_of(struct transport *base) {
  return (struct fake_transport *)(void *)base; /* its first member */
}

/* 0 stands for the connections to come. */
static struct connection_record *record_of(const struct fake_transport *fake, uint32_t connection) {
  ASSERT(connection <= fake->connection_count);
  if (connection > 0) return fake->connections[connection - 1];
  union {
    const struct connection_record *read;
    struct connection_record *written;
  } initial = {.read = &fake->initial};
  return initial.written;
}

static struct connection_record *open_record(struct transport *base, int64_t socket) {
  struct fake_transport *fake = fake_of(base);
  ASSERT(socket >= 0 && socket < (int64_t)fake->connection_count);
  ASSERT(fake->connections[socket]->is_open);
  return fake->connections[socket];
}

static void *checked(void *memory) {
  ASSERT(memory != NULL);
  return memory;
}

/* Bytes to a connection that the client has closed are lost, as on a real network. */
static void add_parcel(struct fake_transport *fake, uint32_t connection, enum parcel_kind kind,
                       struct bytes bytes, int64_t delay_us) {
  struct connection_record *record = record_of(fake, connection);
  ASSERT(connection > 0);
  if (!record->is_open) return;
  struct parcel *parcel = checked(malloc(sizeof *parcel + bytes.size));
  *parcel = (struct parcel){.due_us = fake->now_us + delay_us, .kind = kind, .size = bytes.size};
  if (bytes.size > 0) memcpy(parcel->bytes, bytes.data, bytes.size);
  *record->last = parcel;
  record->last = &parcel->next;
}

static bool is_readable(const struct fake_transport *fake, const struct connection_record *record) {
  return record->is_connected &&
         (record->is_reset || (record->first != NULL && record->first->due_us <= fake->now_us));
}

static bool is_writable(const struct fake_transport *fake, const struct connection_record *record) {
  if (!record->wants_write || record->never || record->connected_at_us > fake->now_us) return false;
  return !record->is_connected || record->write_budget > 0 || has_reset(fake, record);
}

static bool has_reset(const struct fake_transport *fake, const struct connection_record *record) {
  for (const struct parcel *at = record->first; at != NULL; at = at->next)
    if (at->kind == PARCEL_RESET && at->due_us <= fake->now_us) return true;
  return record->is_reset;
}

static int64_t next_moment_us(const struct fake_transport *fake) {
  int64_t next_us = CLOCK_NEVER_US;
  for (uint32_t i = 0; i < LOOKUPS_MAX && !fake->names_held; i++)
    if (fake->lookups[i].used && fake->lookups[i].due_us < next_us) next_us = fake->lookups[i].due_us;
  for (uint32_t i = 0; i < fake->connection_count; i++) {
    const struct connection_record *record = fake->connections[i];
    if (!record->is_open) continue;
    if (!record->is_connected && !record->never && record->connected_at_us < next_us)
      next_us = record->connected_at_us;
    if (record->is_connected && record->first != NULL && record->first->due_us < next_us)
      next_us = record->first->due_us;
  }
  return next_us;
}

static uint32_t collect(struct fake_transport *fake, struct transport_event *events, uint32_t capacity) {
  uint32_t count = 0;
  for (uint32_t i = 0; i < LOOKUPS_MAX && count < capacity && !fake->names_held; i++) {
    struct lookup *lookup = &fake->lookups[i];
    if (!lookup->used || lookup->due_us > fake->now_us) continue;
    bool found = lookup->answer.address_count > 0;
    lookup->delivered = true;
    events[count++] = (struct transport_event){.kind = TRANSPORT_RESOLVED,
                                               .token = lookup->token,
                                               .status = found ? STATUS_OK : STATUS_NAME_NOT_RESOLVED,
                                               .address_count = lookup->answer.address_count,
                                               .addresses = lookup->answer.addresses,
                                               .reason = found ? NULL : "Name or service not known"};
  }
  fake->turn++;
  for (uint32_t i = 0; i < fake->connection_count && count + 2 <= capacity; i++) {
    const struct connection_record *record = fake->connections[(fake->turn + i) % fake->connection_count];
    if (!record->is_open) continue;
    if (is_writable(fake, record))
      events[count++] = (struct transport_event){.kind = TRANSPORT_WRITABLE, .token = record->token};
    if (is_readable(fake, record))
      events[count++] = (struct transport_event){.kind = TRANSPORT_READABLE, .token = record->token};
  }
  fake->event_count += count;
  return count;
}

static void parse_addresses(struct name *name, const char *addresses, uint16_t port) {
  while (*addresses != '\0') {
    size_t size = strcspn(addresses, " ");
    char text[ADDRESS_TEXT_BYTES];
    ASSERT(size < sizeof text && name->address_count < TRANSPORT_MAX_ADDRESSES);
    memcpy(text, addresses, size);
    text[size] = '\0';
    ASSERT(address_parse(text, port, &name->addresses[name->address_count]));
    name->address_count++;
    addresses += size;
    addresses += strspn(addresses, " ");
  }
}

static void drop_parcels(struct connection_record *record) {
  while (record->first != NULL) {
    struct parcel *next = record->first->next;
    free(record->first);
    record->first = next;
  }
  record->last = &record->first;
}
