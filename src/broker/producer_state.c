#include "broker/producer_state.h"
#include "base/allocator.h"
#include "base/assertion.h"
#include "base/status.h"
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

enum { FIRST_CAPACITY = 8 };

static struct producer_entry *slot_of(struct producer_entry *slots, uint32_t capacity, int64_t producer_id);
static int32_t sequence_last(const struct producer_batch_identity *identity);
static int32_t sequence_next(int32_t sequence);
static void state_remove(struct producer_state *state, struct producer_entry *entry);

void producer_state_init(struct producer_state *state) {
  *state = (struct producer_state){0};
}

void producer_state_deinit(struct producer_state *state) {
  allocator_free(state->slots);
  *state = (struct producer_state){0};
}

enum producer_verdict producer_state_check(const struct producer_state *state,
                                           const struct producer_batch_identity *identity,
                                           struct producer_batch_place *place) {
  const struct producer_entry *entry = producer_state_find(state, identity->producer_id);
  if (entry == NULL) return PRODUCER_BATCH_ACCEPTED;
  if (identity->producer_epoch < entry->producer_epoch) return PRODUCER_BATCH_FENCED;
  if (identity->producer_epoch > entry->producer_epoch)
    return identity->base_sequence == 0 ? PRODUCER_BATCH_ACCEPTED : PRODUCER_BATCH_OUT_OF_ORDER;
  int32_t last_sequence = sequence_last(identity);
  for (uint32_t index = 0; index < entry->batch_count; index++) {
    const struct producer_batch_place *known = &entry->batches[index];
    if (known->first_sequence != identity->base_sequence || known->last_sequence != last_sequence) continue;
    *place = *known;
    return PRODUCER_BATCH_DUPLICATE;
  }
  int32_t expected = sequence_next(entry->batches[entry->batch_count - 1].last_sequence);
  return identity->base_sequence == expected ? PRODUCER_BATCH_ACCEPTED : PRODUCER_BATCH_OUT_OF_ORDER;
}

int32_t producer_state_reserve(struct producer_state *state) {
  if ((state->entry_count + 1) * 2 <= state->capacity) return STATUS_OK;
  uint32_t capacity = state->capacity == 0 ? FIRST_CAPACITY : state->capacity * 2;
  struct producer_entry *slots = allocator_allocate_zeroed(capacity, sizeof *slots);
  if (slots == NULL) return STATUS_OUT_OF_MEMORY;
  for (uint32_t index = 0; index < state->capacity; index++) {
    const struct producer_entry *entry = &state->slots[index];
    if (entry->batch_count != 0) *slot_of(slots, capacity, entry->producer_id) = *entry;
  }
  allocator_free(state->slots);
  state->slots = slots;
  state->capacity = capacity;
  return STATUS_OK;
}

void producer_state_record(struct producer_state *state, const struct producer_batch_identity *identity,
                           int64_t base_offset, int64_t max_timestamp_ms) {
  ASSERT(state->capacity > state->entry_count);
  struct producer_entry *entry = slot_of(state->slots, state->capacity, identity->producer_id);
  if (entry->batch_count == 0) {
    state->entry_count++;
    entry->producer_id = identity->producer_id;
  }
  if (entry->producer_epoch != identity->producer_epoch) entry->batch_count = 0;
  entry->producer_epoch = identity->producer_epoch;
  if (entry->batch_count == PRODUCER_STATE_WINDOW) {
    memmove(&entry->batches[0], &entry->batches[1], (PRODUCER_STATE_WINDOW - 1) * sizeof entry->batches[0]);
    entry->batch_count--;
  }
  entry->batches[entry->batch_count++] =
      (struct producer_batch_place){.first_sequence = identity->base_sequence,
                                    .last_sequence = sequence_last(identity),
                                    .base_offset = base_offset,
                                    .max_timestamp_ms = max_timestamp_ms};
}

void producer_state_reload(struct producer_state *state) {
  for (uint32_t index = 0; index < state->capacity; index++) {
    struct producer_entry *entry = &state->slots[index];
    if (entry->batch_count < 2) continue;
    entry->batches[0] = entry->batches[entry->batch_count - 1];
    entry->batch_count = 1;
  }
}

void producer_state_expire(struct producer_state *state, int64_t now_ms, int64_t expiration_ms) {
  uint32_t index = 0;
  while (index < state->capacity) {
    struct producer_entry *entry = &state->slots[index];
    bool expired = entry->batch_count != 0 &&
                   entry->batches[entry->batch_count - 1].max_timestamp_ms <= now_ms - expiration_ms;
    /* A removal may move a later entry into this slot: look at it again. */
    if (expired) {
      state_remove(state, entry);
    } else {
      index++;
    }
  }
}

const struct producer_entry *producer_state_find(const struct producer_state *state, int64_t producer_id) {
  if (state->capacity == 0) return NULL;
  const struct producer_entry *entry = slot_of(state->slots, state->capacity, producer_id);
  return entry->batch_count == 0 ? NULL : entry;
}

/* The slot that holds producer_id, else the free one where it belongs. */
static struct producer_entry *slot_of(struct producer_entry *slots, uint32_t capacity, int64_t producer_id) {
  uint64_t hash = (uint64_t)producer_id * 0x9e3779b97f4a7c15u;
  uint32_t index = (uint32_t)(hash >> 32) & (capacity - 1);
  while (slots[index].batch_count != 0 && slots[index].producer_id != producer_id)
    index = (index + 1) & (capacity - 1);
  return &slots[index];
}

static int32_t sequence_last(const struct producer_batch_identity *identity) {
  return (int32_t)(((uint32_t)identity->base_sequence + (uint32_t)identity->record_count - 1) & INT32_MAX);
}

static int32_t sequence_next(int32_t sequence) {
  return sequence == INT32_MAX ? 0 : sequence + 1;
}

/* Frees a slot and puts the entries behind it, up to the next free slot, where a look-up finds them. */
static void state_remove(struct producer_state *state, struct producer_entry *entry) {
  uint32_t index = (uint32_t)(entry - state->slots);
  state->entry_count--;
  *entry = (struct producer_entry){0};
  for (;;) {
    index = (index + 1) & (state->capacity - 1);
    struct producer_entry moved = state->slots[index];
    if (moved.batch_count == 0) return;
    state->slots[index] = (struct producer_entry){0};
    *slot_of(state->slots, state->capacity, moved.producer_id) = moved;
  }
}
