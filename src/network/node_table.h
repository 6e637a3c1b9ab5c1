/* Nodes by id. Holds pointers, owns only its array. */
#ifndef NETWORK_NODE_TABLE_H
#define NETWORK_NODE_TABLE_H

#include "network/node.h"

/* nodes[0 .. count) ascending by id, each id once. Zero-initialised is valid and empty. */
struct node_table {
  struct node **nodes;
  uint32_t count, capacity;
};

void node_table_deinit(struct node_table *table);

/* Makes sure that `count` more nodes can be added. False if memory is missing. */
bool node_table_reserve(struct node_table *table, uint32_t count);

/* NULL if there is no such node. */
struct node *node_table_find(const struct node_table *table, int32_t id);

/* Room must have been reserved, and the id must be new. */
void node_table_add(struct node_table *table, struct node *node);

void node_table_remove(struct node_table *table, const struct node *node);

#endif
