#include "pending.h"

enum { FIRST_CAPACITY = 1024 };

static void grow(pending *table);

uint64_t pending_add(pending *table, VALUE delivery) {
  if (table->free_head == table->capacity) grow(table);
  uint32_t index = table->free_head;
  pending_slot *slot = &table->slots[index];
  table->free_head = slot->next_free;
  slot->delivery = delivery;
  table->count++;
  return (uint64_t)slot->generation << 32 | index;
}

VALUE pending_take(pending *table, uint64_t number) {
  uint32_t index = (uint32_t)number;
  if (index >= table->capacity) return Qundef;
  pending_slot *slot = &table->slots[index];
  VALUE delivery = slot->delivery;
  if (delivery == Qundef || slot->generation != number >> 32) return Qundef;
  slot->delivery = Qundef;
  slot->generation++;
  slot->next_free = table->free_head;
  table->free_head = index;
  table->count--;
  return delivery;
}

/* The table stays whole while memory is asked for, since that may collect garbage and mark it. */
static void grow(pending *table) {
  uint32_t capacity = table->capacity == 0 ? FIRST_CAPACITY : table->capacity * 2;
  REALLOC_N(table->slots, pending_slot, capacity);
  for (uint32_t index = table->capacity; index < capacity; index++)
    table->slots[index] = (pending_slot){.delivery = Qundef, .next_free = index + 1};
  table->capacity = capacity;
}

void pending_mark(const pending *table) {
  for (uint32_t index = 0; index < table->capacity; index++)
    if (table->slots[index].delivery != Qundef) rb_gc_mark_movable(table->slots[index].delivery);
}

void pending_compact(pending *table) {
  for (uint32_t index = 0; index < table->capacity; index++)
    if (table->slots[index].delivery != Qundef)
      table->slots[index].delivery = rb_gc_location(table->slots[index].delivery);
}

void pending_free(pending *table) { xfree(table->slots); }
