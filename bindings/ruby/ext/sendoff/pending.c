#include "pending.h"

enum { FIRST_CAPACITY = 1024 };

static void grow(pending *table);

uint64_t pending_add(pending *table, delivery *delivery) {
  if (table->free_head == table->capacity) grow(table);
  uint32_t index = table->free_head;
  pending_slot *slot = &table->slots[index];
  table->free_head = slot->next_free;
  slot->delivery = delivery;
  table->count++;
  table->blocks += !NIL_P(delivery->block);
  return (uint64_t)slot->generation << 32 | index;
}

delivery *pending_take(pending *table, uint64_t number) {
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

/* The table stays whole while memory is asked for, since that may collect garbage and mark it. */
static void grow(pending *table) {
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
