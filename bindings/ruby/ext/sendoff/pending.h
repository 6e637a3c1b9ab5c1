/* The deliveries that are under way, by the number that goes into the library and comes back in the report.
 */
#ifndef BINDINGS_RUBY_EXT_SENDOFF_PENDING_H
#define BINDINGS_RUBY_EXT_SENDOFF_PENDING_H

#include "delivery.h"
#include <stdint.h>

/* One place. Its generation changes with each use, so that a number that is no longer valid is recognised. */
typedef struct pending_slot {
  delivery *delivery; /* NULL: free */
  uint32_t generation;
  uint32_t next_free;
} pending_slot;

/* Zero-initialised it is empty. All of it belongs to the GVL's holder. */
typedef struct pending {
  pending_slot *slots;
  uint32_t capacity;
  uint32_t free_head; /* capacity: none is free */
  uint32_t count;     /* of deliveries */
  uint32_t blocks;    /* of those with a block */
} pending;

/* Makes room for more. May collect garbage. */
void pending_grow(pending *table);

/* Keeps a delivery until it is taken, and returns its number. */
static inline uint64_t pending_add(pending *table, delivery *delivery) {
  if (table->free_head == table->capacity) pending_grow(table);
  uint32_t index = table->free_head;
  pending_slot *slot = &table->slots[index];
  table->free_head = slot->next_free;
  slot->delivery = delivery;
  table->count++;
  table->blocks += !NIL_P(delivery->block);
  return (uint64_t)slot->generation << 32 | index;
}

/* Gives back the delivery of a number, once; NULL if there is none. */
static inline delivery *pending_take(pending *table, uint64_t number) {
  uint32_t index = (uint32_t)number;
  if (index >= table->capacity) return NULL;
  pending_slot *slot = &table->slots[index];
  delivery *delivery = slot->delivery;
  if (delivery == NULL || slot->generation != number >> 32) return NULL;
  slot->delivery = NULL;
  slot->generation++;
  slot->next_free = table->free_head;
  table->free_head = index;
  table->count--;
  table->blocks -= !NIL_P(delivery->block);
  return delivery;
}

/* Of deliveries only those with a block are kept for the program. */
void pending_mark(const pending *table);
void pending_compact(pending *table);
void pending_free(pending *table);

#endif
