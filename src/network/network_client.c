#include "network/network_client.h"

#include "base/allocator.h"
#include "base/assertion.h"
#include "base/clock.h"
#include "base/random.h"
#include "base/status.h"
#include "network/completion_queue.h"
#include "network/dialer.h"
#include "network/membership.h"

enum {
  RECEIVE_BYTES = 64 << 10,   /* the shared buffer: responses are small */
  RECEIVES_PER_EVENT_MAX = 4, /* then other nodes have their turn */
  SEGMENTS_PER_SEND_MAX = 512,
  EVENTS_PER_WAIT_MAX = 256,
};

/* How good a node is for a metadata request: the first is best. */
enum rank {
  RANK_READY,
  RANK_CONNECTING,
  RANK_UNTRIED,
  RANK_FAILED,
  RANK_BUSY, /* full or throttled: better than none */
  RANK_AVOIDED,
  RANK_UNUSABLE, /* now */
};

/* Owned by the sender thread, except for wake. While a complete function is running nothing that it could be
 * looking at is freed, and no other is called. */
struct network_client {
  struct network_client_settings settings; /* its texts are owned */
  struct dialer dialer;
  struct membership membership;
  struct completion_queue completions;
  bool is_destroying, is_abandoned;
  bool has_broken; /* some node's is_broken is set: poll does not wait */
  int32_t last_correlation_id;
  uint64_t login_generation; /* the credentials that failures were counted with */
  int64_t now_us;            /* the last time that was passed in */
  uint8_t *receive_buffer;
};

static const struct log SILENT_LOG;

static int32_t copy_settings(struct network_client *client, const struct network_client_settings *settings);
static int32_t copy_text(struct bytes from, struct bytes *to);
static void free_client(struct network_client *client);
static enum rank rank_node(const struct network_client *client, const struct node *node, int64_t now_us);
static void complete_finished(struct network_client *client);
static void settle(struct network_client *client);
static void free_garbage(struct network_client *client);
static int64_t wait_timeout_us(const struct network_client *client, int64_t now_us, int64_t deadline_us);
static void handle_event(struct network_client *client, const struct transport_event *event);
static void write_output(struct network_client *client, struct node *node);
static void close_broken(struct network_client *client);
static struct node *find_broken(const struct network_client *client);
static void read_input(struct network_client *client, struct node *node);
static void end_input(struct network_client *client, struct node *node, enum transport_outcome outcome);
static void fail_by_transport(struct network_client *client, struct node *node);
static bool take_input(struct network_client *client, struct node *node, struct bytes input);
static bool follow(struct network_client *client, struct node *node, const struct connection_input *taken);
static void resume_logins(struct network_client *client);
static void renew_login(struct network_client *client, struct node *node);
static void take_response(struct network_client *client, struct node *node,
                          const struct connection_input *response);
static void note_request_ended(struct network_client *client, struct node *node);
static void expire(struct network_client *client);

/* ---- life ---- */

int32_t network_client_create(const struct network_client_settings *settings, struct transport *transport,
                              const struct broker_address *bootstrap, uint32_t bootstrap_count,
                              struct network_client **client) {
  if (settings->max_in_flight == 0) return STATUS_INVALID_ARGUMENT;
  struct network_client *created = allocator_allocate_zeroed(1, sizeof *created);
  if (created == NULL) return STATUS_OUT_OF_MEMORY;
  completion_queue_init(&created->completions);
  list_init(&created->dialer.closed);
  int32_t status = membership_init(&created->membership, bootstrap, bootstrap_count);
  if (status == STATUS_OK) status = copy_settings(created, settings);
  created->receive_buffer = allocator_allocate(RECEIVE_BYTES);
  if (status == STATUS_OK && created->receive_buffer == NULL) status = STATUS_OUT_OF_MEMORY;
  if (status != STATUS_OK) {
    free_client(created);
    return status;
  }
  created->dialer.transport = transport;
  *client = created;
  return STATUS_OK;
}

void network_client_destroy(struct network_client *client) {
  if (client == NULL) return;
  /* Whatever the parent's sender thread was changing at the fork cannot be trusted: it is left alone. */
  if (client->is_abandoned) return;
  client->is_destroying = true;
  for (uint32_t i = 0; i < client->membership.table.count; i++)
    dialer_drop(&client->dialer, client->membership.table.nodes[i], STATUS_ABORTED, client->now_us,
                &client->completions.finished);
  while (!list_is_empty(&client->completions.finished))
    complete_finished(client);
  free_garbage(client);
  client->dialer.transport->operations->destroy(client->dialer.transport);
  free_client(client);
}

void network_client_abandon(struct network_client *client) {
  client->is_abandoned = true;
  client->dialer.transport->operations->abandon(client->dialer.transport);
}

/* ---- brokers ---- */

int32_t network_client_set_brokers(struct network_client *client, const struct broker_address *brokers,
                                   uint32_t count, int64_t now_us) {
  client->now_us = now_us;
  int32_t status = membership_replace(&client->membership, &client->dialer, brokers, count, now_us,
                                      &client->completions.finished);
  settle(client);
  return status;
}

int32_t network_client_update_broker(struct network_client *client, const struct broker_address *broker,
                                     int64_t now_us) {
  client->now_us = now_us;
  int32_t status =
      membership_update(&client->membership, &client->dialer, broker, now_us, &client->completions.finished);
  settle(client);
  return status;
}

void network_client_rebootstrap(struct network_client *client, int64_t now_us) {
  client->now_us = now_us;
  membership_forget(&client->membership, &client->dialer, now_us, &client->completions.finished);
  settle(client);
}

/* ---- readiness ---- */

bool network_client_knows(const struct network_client *client, int32_t node_id) {
  const struct node *node = node_table_find(&client->membership.table, node_id);
  return node != NULL && !node->is_retired;
}

bool network_client_knows_another(const struct network_client *client, int32_t node_id) {
  for (uint32_t i = 0; i < client->membership.table.count; i++) {
    const struct node *node = client->membership.table.nodes[i];
    if (node->id >= 0 && node->id != node_id && !node->is_retired) return true;
  }
  return false;
}

bool network_client_ready(struct network_client *client, int32_t node_id, int64_t now_us) {
  client->now_us = now_us;
  struct node *node = node_table_find(&client->membership.table, node_id);
  if (node == NULL) return false;
  if (!client->is_destroying && node_may_connect(node, now_us)) dialer_start(&client->dialer, node, now_us);
  return node_is_ready(node, client->settings.max_in_flight, now_us);
}

bool network_client_is_ready(const struct network_client *client, int32_t node_id, int64_t now_us) {
  const struct node *node = node_table_find(&client->membership.table, node_id);
  return node != NULL && node_is_ready(node, client->settings.max_in_flight, now_us);
}

int64_t network_client_ready_at_us(const struct network_client *client, int32_t node_id) {
  const struct node *node = node_table_find(&client->membership.table, node_id);
  if (node == NULL || node->is_retired || node_is_connecting(node)) return CLOCK_NEVER_US;
  if (node->connection == NULL) return node->backoff_until_us;
  if (connection_state(node->connection) != CONNECTION_READY) return CLOCK_NEVER_US; /* it logs in again */
  bool is_full = connection_open_count(node->connection) >= client->settings.max_in_flight;
  return is_full ? CLOCK_NEVER_US : node->throttled_until_us;
}

bool network_client_least_loaded(struct network_client *client, int32_t avoided_id, int64_t now_us,
                                 int32_t *node_id) {
  const struct node *best = NULL;
  enum rank best_rank = RANK_UNUSABLE;
  uint32_t best_load = 0, equal_count = 0;
  client->now_us = now_us;
  for (uint32_t i = 0; i < client->membership.table.count; i++) {
    const struct node *node = client->membership.table.nodes[i];
    enum rank rank = rank_node(client, node, now_us);
    if (node->id == avoided_id && rank < RANK_AVOIDED) rank = RANK_AVOIDED;
    uint32_t load = node->connection == NULL ? 0 : connection_open_count(node->connection);
    if (rank == RANK_UNUSABLE || rank > best_rank || (rank == best_rank && load > best_load)) continue;
    equal_count = rank == best_rank && load == best_load ? equal_count + 1 : 1;
    /* The n-th of equals replaces the one before with chance 1/n: each is as likely. */
    if (equal_count == 1 || random_below(&client->dialer.random, equal_count) == 0) best = node;
    best_rank = rank;
    best_load = load;
  }
  if (best == NULL) return false;
  *node_id = best->id;
  return true;
}

bool network_client_all_failed(const struct network_client *client) {
  for (uint32_t i = 0; i < client->membership.table.count; i++) {
    const struct node *node = client->membership.table.nodes[i];
    if (node->is_retired) continue;
    if (node_is_connected(node) || node_is_connecting(node) || !node->has_failed) return false;
  }
  return true;
}

const struct api_versions *network_client_api_versions(const struct network_client *client, int32_t node_id) {
  const struct node *node = node_table_find(&client->membership.table, node_id);
  return node != NULL && node_is_connected(node) ? connection_api_versions(node->connection) : NULL;
}

uint32_t network_client_in_flight(const struct network_client *client, int32_t node_id) {
  const struct node *node = node_table_find(&client->membership.table, node_id);
  return node == NULL || node->connection == NULL ? 0 : connection_open_count(node->connection);
}

uint32_t network_client_connected_count(const struct network_client *client) {
  return client->dialer.connected_count;
}

/* ---- requests ---- */

int32_t network_client_next_correlation(struct network_client *client) {
  int32_t last = client->last_correlation_id;
  client->last_correlation_id = last == INT32_MAX ? 0 : last + 1;
  return client->last_correlation_id;
}

void network_client_send(struct network_client *client, int32_t node_id, struct request *request,
                         int64_t now_us) {
  client->now_us = now_us;
  struct node *node = node_table_find(&client->membership.table, node_id);
  request->node_id = node_id;
  if (node == NULL || !node_is_connected(node) || node->is_broken) {
    /* An earlier send of this step may have met a broken connection. */
    request->sent_us = now_us;
    request->bytes = SIZE_MAX;
    request->bytes_sent = 0;
    completion_queue_add(&client->completions, request,
                         client->is_destroying ? STATUS_ABORTED : STATUS_DISCONNECTED);
    return;
  }
  bool was_blocked = connection_has_output(node->connection);
  connection_enqueue(node->connection, request, now_us);
  dialer_note_deadline(&client->dialer, request->deadline_us);
  if (!was_blocked) write_output(client, node);
}

void network_client_throttle(struct network_client *client, int32_t node_id, int64_t until_us) {
  struct node *node = node_table_find(&client->membership.table, node_id);
  if (node == NULL) return;
  node_throttle(node, client->now_us, until_us);
  dialer_note_deadline(&client->dialer, node_deadline_us(node, &client->dialer.policy, client->now_us));
}

void network_client_close_node(struct network_client *client, int32_t node_id, int32_t status,
                               const char *reason, int64_t now_us) {
  client->now_us = now_us;
  struct node *node = node_table_find(&client->membership.table, node_id);
  if (node == NULL || node->connection == NULL) return;
  dialer_fail(&client->dialer, node, status, reason, now_us, &client->completions.finished);
  settle(client);
}

/* ---- polling ---- */

void network_client_poll(struct network_client *client, int64_t now_us, int64_t deadline_us,
                         int64_t (*clock_us)(void *context), void *clock_context) {
  ASSERT(!client->completions.is_running);
  struct transport *transport = client->dialer.transport;
  struct transport_event events[EVENTS_PER_WAIT_MAX];
  client->now_us = now_us;
  /* What is completed here may change what the caller would do next, so it is not kept waiting. */
  bool has_finished = !list_is_empty(&client->completions.finished);
  complete_finished(client);
  int64_t timeout_us = has_finished ? 0 : wait_timeout_us(client, now_us, deadline_us);
  uint32_t count = transport->operations->wait(transport, timeout_us, events, EVENTS_PER_WAIT_MAX);
  if (clock_us != NULL) client->now_us = clock_us(clock_context);
  if (client->settings.login != NULL) resume_logins(client);
  for (uint32_t i = 0; i < count; i++) {
    handle_event(client, &events[i]);
    complete_finished(client);
  }
  if (client->dialer.next_deadline_us <= client->now_us) {
    expire(client);
    complete_finished(client);
  }
  if (client->has_broken) close_broken(client);
  free_garbage(client);
}

int64_t network_client_next_deadline_us(const struct network_client *client) {
  bool is_due = client->has_broken || !list_is_empty(&client->completions.finished);
  return is_due ? client->now_us : client->dialer.next_deadline_us;
}

void network_client_wake(struct network_client *client) {
  client->dialer.transport->operations->wake(client->dialer.transport);
}

/* ---- construction ---- */

static int32_t copy_settings(struct network_client *client, const struct network_client_settings *settings) {
  struct network_client_settings *copy = &client->settings;
  *copy = *settings;
  copy->client_id = copy->software_name = copy->software_version = (struct bytes){.data = NULL};
  int32_t status = copy_text(settings->client_id, &copy->client_id);
  if (status == STATUS_OK) status = copy_text(settings->software_name, &copy->software_name);
  if (status == STATUS_OK) status = copy_text(settings->software_version, &copy->software_version);
  if (status != STATUS_OK) return status;
  if (copy->log == NULL) copy->log = &SILENT_LOG;
  struct dialer *dialer = &client->dialer;
  dialer->connection_settings =
      (struct connection_settings){.client_id = copy->client_id,
                                   .software_name = copy->software_name,
                                   .software_version = copy->software_version,
                                   .request_timeout_us = copy->request_timeout_us,
                                   .receive_message_max_bytes = copy->receive_message_max_bytes,
                                   .login = copy->login,
                                   .random = &dialer->random};
  dialer->policy = (struct node_policy){.setup_timeout_us = copy->connection_setup_timeout_us,
                                        .setup_timeout_max_us = copy->connection_setup_timeout_max_us,
                                        .backoff_us = copy->reconnect_backoff_us,
                                        .backoff_max_us = copy->reconnect_backoff_max_us,
                                        .idle_max_us = copy->connections_max_idle_us};
  dialer->canonical_bootstrap = copy->canonical_bootstrap;
  dialer->log = copy->log;
  dialer->on_connection = copy->on_connection;
  dialer->context = copy->context;
  dialer->next_deadline_us = CLOCK_NEVER_US;
  random_seed(&dialer->random, copy->seed);
  return STATUS_OK;
}

static int32_t copy_text(struct bytes from, struct bytes *to) {
  if (from.data == NULL) return STATUS_OK;
  char *copy = allocator_copy_text(from.data, from.size);
  if (copy == NULL) return STATUS_OUT_OF_MEMORY;
  *to = bytes_of(copy, from.size);
  return STATUS_OK;
}

/* All connections are gone. */
static void free_client(struct network_client *client) {
  struct bytes *texts[] = {&client->settings.client_id, &client->settings.software_name,
                           &client->settings.software_version};
  for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
    union {
      const uint8_t *read;
      void *owned;
    } text = {.read = texts[i]->data};
    allocator_free(text.owned);
  }
  membership_deinit(&client->membership);
  allocator_free(client->receive_buffer);
  allocator_free(client);
}

static enum rank rank_node(const struct network_client *client, const struct node *node, int64_t now_us) {
  if (node->is_retired) return RANK_UNUSABLE;
  if (node_is_ready(node, client->settings.max_in_flight, now_us)) return RANK_READY;
  if (node_is_connecting(node)) return RANK_CONNECTING;
  if (node_may_connect(node, now_us)) return node->has_failed ? RANK_FAILED : RANK_UNTRIED;
  if (node_is_connected(node)) return RANK_BUSY;
  return RANK_UNUSABLE;
}

/* ---- completion ---- */

static void complete_finished(struct network_client *client) {
  completion_queue_run(&client->completions, client->now_us);
}

/* The end of a public call that may have finished requests. Called from a complete function, it leaves them
 * to the call that runs it. */
static void settle(struct network_client *client) {
  if (client->completions.is_running) return;
  complete_finished(client);
  free_garbage(client);
}

static void free_garbage(struct network_client *client) {
  dialer_free_closed(&client->dialer);
  membership_free_removed(&client->membership);
}

/* ---- events ---- */

static int64_t wait_timeout_us(const struct network_client *client, int64_t now_us, int64_t deadline_us) {
  int64_t next_us = network_client_next_deadline_us(client);
  if (next_us < deadline_us) deadline_us = next_us;
  if (deadline_us == CLOCK_NEVER_US) return -1;
  return deadline_us <= now_us ? 0 : deadline_us - now_us;
}

static void handle_event(struct network_client *client, const struct transport_event *event) {
  struct node *node = node_table_find(&client->membership.table, dialer_token_node_id(event->token));
  if (node == NULL) return;
  if (event->kind == TRANSPORT_RESOLVED) {
    if (node->lookup_token == event->token)
      dialer_take_addresses(&client->dialer, node, event, client->now_us);
    return;
  }
  /* An event of a connection that was closed after it was reported. */
  if (node->connection == NULL || node->socket_token != event->token) return;
  bool is_connecting = connection_state(node->connection) == CONNECTION_CONNECTING;
  if (event->kind == TRANSPORT_WRITABLE) {
    if (is_connecting)
      dialer_finish_connect(&client->dialer, node, client->now_us, &client->completions.finished);
    if (node->connection != NULL && node->socket_token == event->token) write_output(client, node);
  } else if (!is_connecting) {
    read_input(client, node);
  }
}

/* Hands over what the system takes; WRITABLE is asked for only while something is left. */
static void write_output(struct network_client *client, struct node *node) {
  struct transport *transport = client->dialer.transport;
  struct transport_segment segments[SEGMENTS_PER_SEND_MAX];
  uint32_t open_count = connection_open_count(node->connection);
  uint32_t count;
  bool is_blocked = node->is_broken;
  while (!is_blocked && (count = connection_output(node->connection, segments, SEGMENTS_PER_SEND_MAX)) > 0) {
    size_t offered = 0, taken = 0;
    for (uint32_t i = 0; i < count; i++)
      offered += segments[i].size;
    enum transport_outcome outcome =
        transport->operations->send(transport, node->socket, segments, count, &taken);
    if (outcome == TRANSPORT_FAILED || outcome == TRANSPORT_END) {
      node->is_broken = true;
      client->has_broken = true;
      break;
    }
    if (outcome == TRANSPORT_DONE)
      connection_output_taken(node->connection, taken, &client->completions.finished);
    is_blocked = outcome == TRANSPORT_WOULD_BLOCK || taken < offered;
  }
  transport->operations->want_write(transport, node->socket, is_blocked && !node->is_broken);
  if (connection_open_count(node->connection) < open_count) note_request_ended(client, node);
}

/* Connections that could not be written to. What they had received before is read first: an answer that is
 * there must not become an unknown outcome. */
static void close_broken(struct network_client *client) {
  struct node *node;
  while ((node = find_broken(client)) != NULL) { /* anew each time: complete functions may change the table */
    read_input(client, node);
    if (node->is_broken) fail_by_transport(client, node);
  }
  client->has_broken = false;
  complete_finished(client);
}

static struct node *find_broken(const struct network_client *client) {
  for (uint32_t i = 0; i < client->membership.table.count; i++)
    if (client->membership.table.nodes[i]->is_broken) return client->membership.table.nodes[i];
  return NULL;
}

static void read_input(struct network_client *client, struct node *node) {
  struct transport *transport = client->dialer.transport;
  uint64_t token = node->socket_token;
  for (int i = 0; i < RECEIVES_PER_EVENT_MAX; i++) {
    size_t count = 0;
    enum transport_outcome outcome = transport->operations->receive(
        transport, node->socket, client->receive_buffer, RECEIVE_BYTES, &count);
    if (outcome == TRANSPORT_WOULD_BLOCK) return;
    if (outcome != TRANSPORT_DONE) {
      end_input(client, node, outcome);
      return;
    }
    if (!take_input(client, node, bytes_of(client->receive_buffer, count))) return;
    if (node->socket_token != token || count < RECEIVE_BYTES) return;
  }
}

/* A broker that closes a connection on which nothing is open has tidied up; that is no error. */
static void end_input(struct network_client *client, struct node *node, enum transport_outcome outcome) {
  bool is_idle = connection_state(node->connection) == CONNECTION_READY &&
                 connection_open_count(node->connection) == 0 &&
                 !connection_has_partial_input(node->connection);
  if (outcome == TRANSPORT_END && is_idle) {
    dialer_drop_idle(&client->dialer, node, client->now_us, &client->completions.finished);
    return;
  }
  if (outcome == TRANSPORT_END)
    dialer_fail(&client->dialer, node, STATUS_DISCONNECTED, connection_explain_end(node->connection),
                client->now_us, &client->completions.finished);
  else
    fail_by_transport(client, node);
}

/* Once there was an answer it is a connection that was lost, whatever the transport has to say. */
static void fail_by_transport(struct network_client *client, struct node *node) {
  struct transport *transport = client->dialer.transport;
  int32_t status = transport->operations->failure(transport, node->socket);
  if (connection_state(node->connection) == CONNECTION_READY) status = STATUS_DISCONNECTED;
  dialer_fail(&client->dialer, node, status, transport->operations->describe(transport, node->socket),
              client->now_us, &client->completions.finished);
}

/* False if the connection is gone. */
static bool take_input(struct network_client *client, struct node *node, struct bytes input) {
  while (true) {
    struct connection_input taken = connection_take_input(node->connection, &input, client->now_us);
    if (taken.kind == CONNECTION_INPUT_PARTIAL) return true;
    if (!follow(client, node, &taken)) return false;
  }
}

/* Does what a piece of input, or a step of a login, led to. False if the connection is gone. */
static bool follow(struct network_client *client, struct node *node, const struct connection_input *taken) {
  const struct connection *connection = node->connection;
  switch (taken->kind) {
  case CONNECTION_INPUT_PARTIAL: break;
  case CONNECTION_INPUT_FAILED:
    dialer_fail(&client->dialer, node, taken->status, taken->reason, client->now_us,
                &client->completions.finished);
    return false;
  case CONNECTION_INPUT_NEGOTIATED:
    dialer_finish_negotiation(&client->dialer, node, taken->throttle_ms, client->now_us);
    break;
  case CONNECTION_INPUT_HANDLED:
    dialer_note_deadline(&client->dialer, node_deadline_us(node, &client->dialer.policy, client->now_us));
    write_output(client, node);
    break;
  case CONNECTION_INPUT_RESPONSE: take_response(client, node, taken); break;
  }
  return connection_state(connection) != CONNECTION_CLOSED;
}

/* ---- logins ---- */

/* Steps that ran on another thread, whose end has ended the wait. */
static void resume_logins(struct network_client *client) {
  uint64_t generation = login_generation(client->settings.login);
  for (uint32_t i = 0; i < client->membership.table.count; i++) {
    struct node *node = client->membership.table.nodes[i];
    if (generation != client->login_generation) node_forgive(node, client->now_us);
    if (node->connection == NULL || !connection_awaits_login(node->connection)) continue;
    struct connection_input taken = connection_resume_login(node->connection, client->now_us);
    follow(client, node, &taken);
  }
  client->login_generation = generation;
  complete_finished(client);
}

static void renew_login(struct network_client *client, struct node *node) {
  if (node->connection == NULL || connection_login_due_us(node->connection) > client->now_us) return;
  struct connection_input taken = connection_renew_login(node->connection, client->now_us);
  follow(client, node, &taken);
}

static void take_response(struct network_client *client, struct node *node,
                          const struct connection_input *response) {
  const struct connection *connection = node->connection;
  completion_queue_answer(&client->completions, response->request, response->body, client->now_us);
  if (node->connection == connection) note_request_ended(client, node);
}

static void note_request_ended(struct network_client *client, struct node *node) {
  node->last_used_us = client->now_us;
  if (connection_open_count(node->connection) > 0) return;
  if (node->is_retired)
    dialer_drop(&client->dialer, node, STATUS_DISCONNECTED, client->now_us, &client->completions.finished);
  else
    dialer_note_deadline(&client->dialer, node_deadline_us(node, &client->dialer.policy, client->now_us));
}

/* ---- deadlines ---- */

static void expire(struct network_client *client) {
  struct dialer *dialer = &client->dialer;
  dialer->next_deadline_us = CLOCK_NEVER_US;
  for (uint32_t i = 0; i < client->membership.table.count; i++) {
    struct node *node = client->membership.table.nodes[i];
    renew_login(client, node);
    dialer_expire(dialer, node, client->now_us, &client->completions.finished);
    dialer_note_deadline(dialer, node_deadline_us(node, &dialer->policy, client->now_us));
  }
}
