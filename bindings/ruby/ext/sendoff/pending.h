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

/* Keeps a delivery until it is taken, and returns its number. */
uint64_t pending_add(pending *table, delivery *delivery);
/* Gives back the delivery of a number, once; NULL if there is none. */
delivery *pending_take(pending *table, uint64_t number);

/* Of deliveries only those with a block are kept for the program. */
void pending_mark(const pending *table);
void pending_compact(pending *table);
void pending_free(pending *table);

#endif
