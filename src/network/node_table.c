#include "network/node_table.h"

#include "base/allocator.h"
#include "base/assertion.h"

static uint32_t lower_bound(const struct node_table *table, int32_t id);

void node_table_deinit(struct node_table *table) {
  allocator_free(table->nodes);
  *table = (struct node_table){.nodes = NULL};
}

bool node_table_reserve(struct node_table *table, uint32_t count) {
  uint32_t needed = table->count + count;
  if (needed <= table->capacity) return true;
  uint32_t capacity = needed < 8 ? 8 : needed + needed / 2;
  struct node **nodes = allocator_reallocate(table->nodes, capacity * sizeof(struct node *));
  if (nodes == NULL) return false;
  table->nodes = nodes;
  table->capacity = capacity;
  return true;
}

struct node *node_table_find(const struct node_table *table, int32_t id) {
  uint32_t index = lower_bound(table, id);
  return index < table->count && table->nodes[index]->id == id ? table->nodes[index] : NULL;
}

void node_table_add(struct node_table *table, struct node *node) {
  uint32_t index = lower_bound(table, node->id);
  ASSERT(table->count < table->capacity);
  ASSERT(index == table->count || table->nodes[index]->id != node->id);
  memmove(&table->nodes[index + 1], &table->nodes[index], (table->count - index) * sizeof(struct node *));
  table->nodes[index] = node;
  table->count++;
}

void node_table_remove(struct node_table *table, const struct node *node) {
  uint32_t index = lower_bound(table, node->id);
  ASSERT(index < table->count && table->nodes[index] == node);
  table->count--;
  memmove(&table->nodes[index], &table->nodes[index + 1], (table->count - index) * sizeof(struct node *));
}

/* The first position whose id is not below id. */
static uint32_t lower_bound(const struct node_table *table, int32_t id) {
  uint32_t low = 0, high = table->count;
  while (low < high) {
    uint32_t middle = low + (high - low) / 2;
    if (table->nodes[middle]->id < id)
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}
