#include "pending.h"

enum { FIRST_CAPACITY = 1024 };

/* The table stays whole while memory is asked for, since that may collect garbage and mark it. */
void pending_grow(pending *table) {
  uint32_t capacity = table->capacity == 0 ? FIRST_CAPACITY : table->capacity * 2;
  REALLOC_N(table->slots, pending_slot, capacity);
  for (uint32_t index = table->capacity; index < capacity; index++)
    table->slots[index] = (pending_slot){.next_free = index + 1};
  table->capacity = capacity;
}

void pending_mark(const pending *table) {
  for (uint32_t index = 0; index < table->capacity && table->blocks > 0; index++)
    if (table->slots[index].delivery != NULL) delivery_mark_pending(table->slots[index].delivery);
}

void pending_compact(pending *table) {
  for (uint32_t index = 0; index < table->capacity && table->blocks > 0; index++)
    if (table->slots[index].delivery != NULL) delivery_compact_pending(table->slots[index].delivery);
}

void pending_free(pending *table) {
  for (uint32_t index = 0; index < table->capacity; index++)
    if (table->slots[index].delivery != NULL) delivery_drop(table->slots[index].delivery);
  xfree(table->slots);
}
