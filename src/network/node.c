#include "network/node.h"

#include "base/allocator.h"
#include "base/assertion.h"
#include "base/backoff.h"
#include "base/clock.h"
#include "base/status.h"

/* A login that was refused is refused again, most likely, and may lock the account. */
enum { LOGIN_BACKOFF_US = 1000000, LOGIN_BACKOFF_MAX_US = 10000000 };

static void back_off(struct node *node, const struct node_policy *policy, struct random *random,
                     int64_t now_us);

bool node_address_is_valid(struct bytes host, int32_t port) {
  if (host.size == 0 || host.size > NODE_HOST_BYTES_MAX) return false;
  if (memchr(host.data, 0, host.size) != NULL) return false;
  return port > 0 && port <= UINT16_MAX;
}

struct node *node_create(int32_t id, struct bytes host, int32_t port) {
  ASSERT(node_address_is_valid(host, port));
  struct node *node = allocator_allocate_zeroed(1, sizeof *node);
  char *copied_host = allocator_copy_text(host.data, host.size);
  if (node == NULL || copied_host == NULL) {
    allocator_free(node);
    allocator_free(copied_host);
    return NULL;
  }
  node->id = id;
  node->host = copied_host;
  node->port = (uint16_t)port;
  list_init(&node->link);
  return node;
}

void node_destroy(struct node *node) {
  if (node == NULL) return;
  ASSERT(node->connection == NULL);
  allocator_free(node->host);
  allocator_free(node->addresses);
  allocator_free(node);
}

bool node_is_at(const struct node *node, struct bytes host, int32_t port) {
  return node->port == port && bytes_equal(bytes_of_string(node->host), host);
}

bool node_is_bootstrap(const struct node *node) {
  return node->id < 0;
}

bool node_is_connecting(const struct node *node) {
  return node->is_resolving || (node->connection != NULL && !connection_is_established(node->connection));
}

bool node_is_connected(const struct node *node) {
  return node->connection != NULL && connection_is_established(node->connection);
}

bool node_may_connect(const struct node *node, int64_t now_us) {
  return node->connection == NULL && !node->is_resolving && !node->is_retired &&
         node->backoff_until_us <= now_us;
}

bool node_is_ready(const struct node *node, uint32_t max_in_flight, int64_t now_us) {
  return node->connection != NULL && connection_state(node->connection) == CONNECTION_READY &&
         !node->is_retired && !node->is_broken && node->throttled_until_us <= now_us &&
         connection_open_count(node->connection) < max_in_flight;
}

void node_begin_round(struct node *node) {
  node->tried_count = 0;
}

bool node_set_addresses(struct node *node, const struct address *addresses, uint32_t count) {
  if (count == 0) return true;
  struct address *copied = allocator_allocate(count * sizeof *copied);
  if (copied == NULL) return false;
  memcpy(copied, addresses, count * sizeof *copied);
  allocator_free(node->addresses);
  node->addresses = copied;
  node->address_count = count;
  node->tried_count = 0;
  return true;
}

const struct address *node_next_address(struct node *node) {
  if (node->tried_count >= node->address_count) return NULL;
  uint32_t index = (node->first_address + node->tried_count) % node->address_count;
  node->tried_count++;
  return &node->addresses[index];
}

void node_begin_setup(struct node *node, const struct node_policy *policy, struct random *random,
                      int64_t now_us) {
  int64_t timeout_us =
      backoff_us(random, policy->setup_timeout_us, policy->setup_timeout_max_us, node->failure_count);
  node->setup_deadline_us = clock_add_us(now_us, timeout_us);
}

void node_fail_round(struct node *node, const struct node_policy *policy, struct random *random,
                     int64_t now_us) {
  node->has_failed = true;
  node->is_resolving = false;
  back_off(node, policy, random, now_us);
}

void node_succeed(struct node *node, int64_t now_us) {
  node->has_failed = false;
  node->failure_count = 0;
  node->login_failure_count = 0;
  node->warned_status = STATUS_OK;
  node->last_used_us = now_us;
}

void node_lose(struct node *node, const struct node_policy *policy, struct random *random, int64_t now_us) {
  node->first_address++;
  back_off(node, policy, random, now_us);
}

void node_refuse(struct node *node, struct random *random, int64_t now_us) {
  int64_t pause_us = backoff_us(random, LOGIN_BACKOFF_US, LOGIN_BACKOFF_MAX_US, node->login_failure_count);
  if (node->login_failure_count < UINT32_MAX) node->login_failure_count++;
  int64_t until_us = clock_add_us(now_us, pause_us);
  if (until_us > node->backoff_until_us) node->backoff_until_us = until_us;
}

void node_forgive(struct node *node, int64_t now_us) {
  if (node->login_failure_count == 0) return;
  node->login_failure_count = 0;
  node->warned_status = STATUS_OK;
  if (node->backoff_until_us > now_us) node->backoff_until_us = now_us;
}

void node_throttle(struct node *node, int64_t now_us, int64_t until_us) {
  int64_t from_us = node->throttled_until_us > now_us ? node->throttled_until_us : now_us;
  if (until_us <= from_us) return;
  node->throttled_until_us = until_us;
  if (node->connection != NULL) connection_extend_deadlines(node->connection, until_us - from_us);
}

int64_t node_deadline_us(const struct node *node, const struct node_policy *policy, int64_t now_us) {
  if (node->is_resolving) return node->setup_deadline_us;
  if (node->connection == NULL) /* a backoff that has passed is no news */
    return node->backoff_until_us > now_us && !node->is_retired ? node->backoff_until_us : CLOCK_NEVER_US;
  if (connection_state(node->connection) == CONNECTION_CONNECTING) return node->setup_deadline_us;
  int64_t deadline_us = connection_deadline_us(node->connection);
  if (deadline_us == CLOCK_NEVER_US && policy->idle_max_us >= 0)
    deadline_us = clock_add_us(node->last_used_us, policy->idle_max_us);
  int64_t login_due_us = connection_login_due_us(node->connection);
  if (login_due_us < deadline_us) deadline_us = login_due_us;
  bool is_earlier = node->throttled_until_us > now_us && node->throttled_until_us < deadline_us;
  return is_earlier ? node->throttled_until_us : deadline_us;
}

static void back_off(struct node *node, const struct node_policy *policy, struct random *random,
                     int64_t now_us) {
  int64_t pause_us = backoff_us(random, policy->backoff_us, policy->backoff_max_us, node->failure_count);
  if (node->failure_count < UINT32_MAX) node->failure_count++;
  node->backoff_until_us = clock_add_us(now_us, pause_us);
}
