#include "network/membership.h"

#include "base/allocator.h"
#include "base/status.h"

static int32_t create_nodes(struct membership *membership, const struct dialer *dialer,
                            const struct broker_address *brokers, uint32_t count, struct list *created);
static void add_nodes(struct membership *membership, struct dialer *dialer, struct list *created,
                      int64_t now_us, struct list *finished);
static void remove_node(struct membership *membership, struct dialer *dialer, struct node *node,
                        int64_t now_us, struct list *finished);
static void free_nodes(struct list *nodes);

int32_t membership_init(struct membership *membership, const struct broker_address *bootstrap,
                        uint32_t count) {
  *membership = (struct membership){.bootstrap_count = 0};
  list_init(&membership->removed);
  if (count == 0) return STATUS_INVALID_ARGUMENT;
  membership->bootstrap = allocator_allocate_zeroed(count, sizeof(struct node *));
  if (membership->bootstrap == NULL || !node_table_reserve(&membership->table, count))
    return STATUS_OUT_OF_MEMORY;
  for (uint32_t i = 0; i < count; i++) {
    if (!node_address_is_valid(bootstrap[i].host, bootstrap[i].port)) return STATUS_INVALID_ARGUMENT;
    struct node *node = node_create(-1 - (int32_t)i, bootstrap[i].host, bootstrap[i].port);
    if (node == NULL) return STATUS_OUT_OF_MEMORY;
    membership->bootstrap[membership->bootstrap_count++] = node;
    node_table_add(&membership->table, node);
  }
  return STATUS_OK;
}

void membership_deinit(struct membership *membership) {
  membership_free_removed(membership);
  for (uint32_t i = 0; i < membership->table.count; i++)
    node_destroy(membership->table.nodes[i]);
  node_table_deinit(&membership->table);
  allocator_free(membership->bootstrap);
}

int32_t membership_replace(struct membership *membership, struct dialer *dialer,
                           const struct broker_address *brokers, uint32_t count, int64_t now_us,
                           struct list *finished) {
  struct list created;
  list_init(&created);
  for (uint32_t i = 0; i < membership->table.count; i++)
    membership->table.nodes[i]->is_listed = false;
  int32_t status = create_nodes(membership, dialer, brokers, count, &created);
  if (status != STATUS_OK) return status;
  for (uint32_t i = membership->table.count; i-- > 0;) {
    struct node *node = membership->table.nodes[i];
    if (!node_is_bootstrap(node) && !node->is_listed) remove_node(membership, dialer, node, now_us, finished);
  }
  add_nodes(membership, dialer, &created, now_us, finished);
  return STATUS_OK;
}

int32_t membership_update(struct membership *membership, struct dialer *dialer,
                          const struct broker_address *broker, int64_t now_us, struct list *finished) {
  struct list created;
  list_init(&created);
  int32_t status = create_nodes(membership, dialer, broker, 1, &created);
  if (status != STATUS_OK) return status;
  struct node *old = node_table_find(&membership->table, broker->node_id);
  bool has_moved = old != NULL && !list_is_empty(&created);
  if (has_moved) remove_node(membership, dialer, old, now_us, finished);
  add_nodes(membership, dialer, &created, now_us, finished);
  return STATUS_OK;
}

void membership_forget(struct membership *membership, struct dialer *dialer, int64_t now_us,
                       struct list *finished) {
  for (uint32_t i = membership->table.count; i-- > 0;) {
    struct node *node = membership->table.nodes[i];
    if (!node_is_bootstrap(node)) remove_node(membership, dialer, node, now_us, finished);
  }
  for (uint32_t i = 0; i < membership->bootstrap_count; i++) {
    struct node *node = membership->bootstrap[i];
    node->is_retired = false;
    node->has_failed = false;
    dialer_note_deadline(dialer, node_deadline_us(node, &dialer->policy, now_us));
  }
}

void membership_free_removed(struct membership *membership) {
  free_nodes(&membership->removed);
}

/* ---- helpers ---- */

/* Marks the nodes that stay as listed and makes those that are new or have moved. Changes nothing on failure.
 */
static int32_t create_nodes(struct membership *membership, const struct dialer *dialer,
                            const struct broker_address *brokers, uint32_t count, struct list *created) {
  uint32_t valid_count = 0;
  int32_t status = node_table_reserve(&membership->table, count) ? STATUS_OK : STATUS_OUT_OF_MEMORY;
  for (uint32_t i = 0; i < count && status == STATUS_OK; i++) {
    const struct broker_address *broker = &brokers[i];
    if (broker->node_id < 0 || !node_address_is_valid(broker->host, broker->port)) {
      LOG(dialer->log, LOG_LEVEL_WARNING, "the cluster lists broker %d without a usable address",
          broker->node_id);
      continue;
    }
    valid_count++;
    struct node *known = node_table_find(&membership->table, broker->node_id);
    if (known != NULL && node_is_at(known, broker->host, broker->port)) {
      known->is_listed = true;
      continue;
    }
    struct node *node = node_create(broker->node_id, broker->host, broker->port);
    if (node == NULL)
      status = STATUS_OUT_OF_MEMORY;
    else
      list_append(created, &node->link);
  }
  if (status == STATUS_OK && valid_count == 0) status = STATUS_INVALID_ARGUMENT;
  if (status != STATUS_OK) free_nodes(created);
  return status;
}

/* Room for them was reserved when they were made. */
static void add_nodes(struct membership *membership, struct dialer *dialer, struct list *created,
                      int64_t now_us, struct list *finished) {
  while (!list_is_empty(created)) {
    struct node *node = LIST_ENTRY(created->next, struct node, link);
    list_remove(&node->link);
    if (node_table_find(&membership->table, node->id) != NULL) {
      node_destroy(node); /* listed twice: the first counts */
      continue;
    }
    node_table_add(&membership->table, node);
    membership->broker_count++;
  }
  if (membership->broker_count == 0) return;
  for (uint32_t i = 0; i < membership->bootstrap_count; i++) {
    struct node *node = membership->bootstrap[i];
    node->is_retired = true;
    /* An answer that is still owed is waited for: the network client closes the connection then. */
    if (node->connection == NULL || connection_open_count(node->connection) == 0)
      dialer_drop(dialer, node, STATUS_DISCONNECTED, now_us, finished);
  }
}

static void remove_node(struct membership *membership, struct dialer *dialer, struct node *node,
                        int64_t now_us, struct list *finished) {
  dialer_drop(dialer, node, STATUS_DISCONNECTED, now_us, finished);
  node_table_remove(&membership->table, node);
  list_append(&membership->removed, &node->link);
  membership->broker_count--;
}

static void free_nodes(struct list *nodes) {
  while (!list_is_empty(nodes)) {
    struct node *node = LIST_ENTRY(nodes->next, struct node, link);
    list_remove(&node->link);
    node_destroy(node);
  }
}
