#include "network/dialer.h"

#include "base/assertion.h"
#include "base/clock.h"
#include "base/status.h"
#include <inttypes.h>
#include <stdio.h>

enum { REASON_BYTES = 640, TEXT_BYTES = 960 };

static uint64_t next_token(struct dialer *dialer, const struct node *node);
static void try_addresses(struct dialer *dialer, struct node *node, int64_t now_us);
static int32_t try_address(struct dialer *dialer, struct node *node, const struct address *address,
                           int64_t now_us, char reason[REASON_BYTES]);
static bool is_login_refused(int32_t status);
static void lose(struct dialer *dialer, struct node *node, int64_t now_us);
static void fail_round(struct dialer *dialer, struct node *node, int64_t now_us);
static void close_connection(struct dialer *dialer, struct node *node, int32_t status, int64_t now_us,
                             struct list *finished);
static bool is_worth_a_warning(const struct node *node, int32_t status);
static void tell(struct dialer *dialer, struct node *node, int32_t status, const char *reason);

void dialer_start(struct dialer *dialer, struct node *node, int64_t now_us) {
  ASSERT(node_may_connect(node, now_us));
  node_begin_round(node);
  if (node->addresses_are_fresh) {
    node->addresses_are_fresh = false;
    try_addresses(dialer, node, now_us);
    return;
  }
  if (node->lookup_token == 0) {
    uint64_t token = next_token(dialer, node);
    bool canonical = dialer->canonical_bootstrap && node_is_bootstrap(node);
    int32_t status =
        dialer->transport->operations->resolve(dialer->transport, node->host, node->port, canonical, token);
    if (status != STATUS_OK) {
      tell(dialer, node, status, status_text(status));
      try_addresses(dialer, node, now_us); /* those of the last look-up, if any */
      return;
    }
    node->lookup_token = token;
  }
  node->is_resolving = true;
  node_begin_setup(node, &dialer->policy, &dialer->random, now_us);
  dialer_note_deadline(dialer, node->setup_deadline_us);
}

void dialer_take_addresses(struct dialer *dialer, struct node *node, const struct transport_event *event,
                           int64_t now_us) {
  bool was_waiting = node->is_resolving;
  node->lookup_token = 0;
  node->is_resolving = false;
  int32_t status = event->status;
  const char *reason = event->reason == NULL ? status_text(status) : event->reason;
  if (status == STATUS_OK && !node_set_addresses(node, event->addresses, event->address_count)) {
    status = STATUS_OUT_OF_MEMORY;
    reason = status_text(status);
  }
  node->addresses_are_fresh = !was_waiting && status == STATUS_OK && event->address_count > 0;
  if (status != STATUS_OK) tell(dialer, node, status, reason);
  if (was_waiting) try_addresses(dialer, node, now_us);
}

void dialer_finish_connect(struct dialer *dialer, struct node *node, int64_t now_us, struct list *finished) {
  char reason[REASON_BYTES] = "";
  int32_t status =
      dialer->transport->operations->connected(dialer->transport, node->socket, reason, sizeof reason);
  if (status == STATUS_OK) {
    status = connection_open(node->connection, now_us);
    if (status != STATUS_OK) snprintf(reason, sizeof reason, "%s", status_text(status));
  }
  if (status != STATUS_OK) {
    dialer_fail(dialer, node, status, reason, now_us, finished);
    return;
  }
  dialer_note_deadline(dialer, connection_deadline_us(node->connection));
}

void dialer_finish_negotiation(struct dialer *dialer, struct node *node, int32_t throttle_ms,
                               int64_t now_us) {
  bool is_news = node->has_failed;
  dialer->connected_count++;
  node_succeed(node, now_us);
  if (throttle_ms > 0) node_throttle(node, now_us, clock_add_us(now_us, (int64_t)throttle_ms * 1000));
  dialer_note_deadline(dialer, node_deadline_us(node, &dialer->policy, now_us));
  LOG(dialer->log, is_news ? LOG_LEVEL_INFO : LOG_LEVEL_DEBUG, "connected to %s:%u", node->host,
      (unsigned)node->port);
  tell(dialer, node, STATUS_OK, "connected");
}

void dialer_fail(struct dialer *dialer, struct node *node, int32_t status, const char *reason, int64_t now_us,
                 struct list *finished) {
  bool was_connected = node_is_connected(node), is_refused = is_login_refused(status);
  tell(dialer, node, status, reason); /* before the close: the reason may be the socket's own text */
  dialer_drop(dialer, node, status, now_us, finished);
  if (was_connected)
    lose(dialer, node, now_us);
  else if (is_refused)
    fail_round(dialer, node, now_us); /* the same broker would refuse it at its other addresses, too */
  else
    try_addresses(dialer, node, now_us); /* after a look-up that takes too long: those known from before */
  if (!is_refused) return;
  node_refuse(node, &dialer->random, now_us);
  dialer_note_deadline(dialer, node_deadline_us(node, &dialer->policy, now_us));
}

void dialer_drop(struct dialer *dialer, struct node *node, int32_t status, int64_t now_us,
                 struct list *finished) {
  node->is_resolving = false;
  if (node->connection != NULL) close_connection(dialer, node, status, now_us, finished);
}

void dialer_drop_idle(struct dialer *dialer, struct node *node, int64_t now_us, struct list *finished) {
  LOG(dialer->log, LOG_LEVEL_DEBUG, "%s:%u closed an idle connection", node->host, (unsigned)node->port);
  close_connection(dialer, node, STATUS_DISCONNECTED, now_us, finished);
  lose(dialer, node, now_us);
}

void dialer_expire(struct dialer *dialer, struct node *node, int64_t now_us, struct list *finished) {
  char reason[REASON_BYTES];
  if (node_deadline_us(node, &dialer->policy, now_us) > now_us) return;
  if (node->is_resolving) {
    dialer_fail(dialer, node, STATUS_NAME_NOT_RESOLVED,
                "the name look-up takes longer than socket.connection.setup.timeout.ms", now_us, finished);
  } else if (connection_state(node->connection) == CONNECTION_CONNECTING) {
    dialer_fail(dialer, node, STATUS_CONNECTION_REFUSED,
                "no answer within socket.connection.setup.timeout.ms", now_us, finished);
  } else if (connection_deadline_us(node->connection) == CLOCK_NEVER_US) {
    LOG(dialer->log, LOG_LEVEL_DEBUG, "closing the idle connection to %s:%u", node->host,
        (unsigned)node->port);
    dialer_drop(dialer, node, STATUS_DISCONNECTED, now_us, finished);
  } else if (connection_state(node->connection) == CONNECTION_AUTHENTICATING) {
    dialer_fail(dialer, node, STATUS_LOGIN_FAILED, "the login takes longer than request.timeout.ms", now_us,
                finished);
  } else {
    snprintf(reason, sizeof reason, "no answer in time to a request; %u open",
             (unsigned)connection_open_count(node->connection));
    dialer_fail(dialer, node, STATUS_REQUEST_TIMED_OUT_LOCALLY, reason, now_us, finished);
  }
}

void dialer_note_deadline(struct dialer *dialer, int64_t deadline_us) {
  if (deadline_us < dialer->next_deadline_us) dialer->next_deadline_us = deadline_us;
}

void dialer_free_closed(struct dialer *dialer) {
  while (!list_is_empty(&dialer->closed)) {
    struct list *link = dialer->closed.next;
    list_remove(link);
    connection_destroy(connection_of_link(link));
  }
}

/* ---- helpers ---- */

static uint64_t next_token(struct dialer *dialer, const struct node *node) {
  if (++dialer->last_incarnation == 0) dialer->last_incarnation = 1; /* token 0 means none */
  return (uint64_t)dialer->last_incarnation << 32 | (uint32_t)node->id;
}

static void try_addresses(struct dialer *dialer, struct node *node, int64_t now_us) {
  const struct address *address;
  while ((address = node_next_address(node)) != NULL) {
    char reason[REASON_BYTES] = "";
    int32_t status = try_address(dialer, node, address, now_us, reason);
    if (status == STATUS_OK) return;
    node->connected_to = *address;
    tell(dialer, node, status, reason);
  }
  fail_round(dialer, node, now_us);
}

static int32_t try_address(struct dialer *dialer, struct node *node, const struct address *address,
                           int64_t now_us, char reason[REASON_BYTES]) {
  struct connection *connection = connection_create(&dialer->connection_settings);
  if (connection == NULL) {
    snprintf(reason, REASON_BYTES, "%s", status_text(STATUS_OUT_OF_MEMORY));
    return STATUS_OUT_OF_MEMORY;
  }
  int32_t status = STATUS_OK;
  if (dialer->connection_settings.login != NULL) status = connection_require_login(connection, node->host);
  if (status != STATUS_OK) {
    snprintf(reason, REASON_BYTES, "%s", status_text(status));
    connection_destroy(connection);
    return status;
  }
  uint64_t token = next_token(dialer, node);
  int64_t socket;
  status = dialer->transport->operations->connect(dialer->transport, address, node->host, token, &socket,
                                                  reason, REASON_BYTES);
  if (status != STATUS_OK) {
    connection_destroy(connection);
    return status;
  }
  node->connection = connection;
  node->socket = socket;
  node->socket_token = token;
  node->connected_to = *address;
  node_begin_setup(node, &dialer->policy, &dialer->random, now_us);
  dialer_note_deadline(dialer, node->setup_deadline_us);
  return STATUS_OK;
}

/* What a broker or the mechanism says of the credentials; a certificate that is not accepted may be another
 * one at the next address. */
static bool is_login_refused(int32_t status) {
  return status_has(status, STATUS_CLASS_AUTHORIZATION) && status != STATUS_CERTIFICATE_REFUSED;
}

static void lose(struct dialer *dialer, struct node *node, int64_t now_us) {
  node_lose(node, &dialer->policy, &dialer->random, now_us);
  dialer_note_deadline(dialer, node_deadline_us(node, &dialer->policy, now_us));
}

static void fail_round(struct dialer *dialer, struct node *node, int64_t now_us) {
  node_fail_round(node, &dialer->policy, &dialer->random, now_us);
  dialer_note_deadline(dialer, node_deadline_us(node, &dialer->policy, now_us));
  LOG(dialer->log, LOG_LEVEL_DEBUG, "%s:%u cannot be reached; next attempt in %" PRId64 " ms", node->host,
      (unsigned)node->port, (node->backoff_until_us - now_us + 999) / 1000);
}

static void close_connection(struct dialer *dialer, struct node *node, int32_t status, int64_t now_us,
                             struct list *finished) {
  struct connection *connection = node->connection;
  if (node_is_connected(node)) dialer->connected_count--;
  dialer->transport->operations->close(dialer->transport, node->socket);
  connection_close(connection, status, now_us, finished);
  node->connection = NULL;
  node->socket_token = 0;
  node->is_broken = false;
  list_append(&dialer->closed, connection_link(connection));
}

/* The first failure in a row; the rest would only repeat it, unless it was a broker on its start and now is
 * one that does not let us in. */
static bool is_worth_a_warning(const struct node *node, int32_t status) {
  if (status == STATUS_OK) return false;
  bool is_security = status_has(status, STATUS_CLASS_AUTHORIZATION) || status == STATUS_TLS_HANDSHAKE_FAILED;
  return node->failure_count == 0 || (is_security && status != node->warned_status);
}

static void tell(struct dialer *dialer, struct node *node, int32_t status, const char *reason) {
  int32_t level = is_worth_a_warning(node, status) ? LOG_LEVEL_WARNING : LOG_LEVEL_DEBUG;
  if (level == LOG_LEVEL_WARNING) node->warned_status = status;
  if (dialer->on_connection == NULL && !log_wants(dialer->log, level)) return;
  char name[NODE_HOST_BYTES_MAX + sizeof ":65535"], address[ADDRESS_TEXT_BYTES] = "";
  snprintf(name, sizeof name, "%s:%u", node->host, (unsigned)node->port);
  if (node->connection != NULL || node->tried_count > 0) address_format(&node->connected_to, address);
  bool is_news = address[0] != '\0' && strcmp(address, name) != 0;
  char text[TEXT_BYTES];
  snprintf(text, sizeof text, "%s%s%s%s: %s", name, is_news ? " (" : "", is_news ? address : "",
           is_news ? ")" : "", reason);
  LOG(dialer->log, level, "%s", text);
  if (dialer->on_connection != NULL) dialer->on_connection(dialer->context, node->id, status, text);
}
