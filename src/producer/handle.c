#include "producer/handle.h"

#include "base/allocator.h"
#include "base/assertion.h"
#include "base/lock.h"
#include "base/status.h"
#include "network/network_client.h"
#include "producer/config_error.h"
#include "producer/process_lock.h"
#include <sched.h>
#include <stdatomic.h>
#include <stddef.h>

/* Handle bits: 0 always set (no address of a struct is odd), then the slot's index, then the generation. */
enum { INDEX_BITS = 12 };

_Static_assert(HANDLE_MAXIMUM_SLOTS == 1 << INDEX_BITS, "an index fits its bits");

volatile uint32_t handle_fork_generation;

/* slots[i] for i < slot_count never change. The rest is under the process lock. */
static struct handle_slot *slots[HANDLE_MAXIMUM_SLOTS];
static atomic_uint slot_count;
static struct handle_slot *free_slots GUARDED_BY(process_lock);

static int32_t add_slot(struct handle_slot **slot) REQUIRES(process_lock);
static void renew(struct handle_slot *slot);

int32_t handle_acquire(struct handle_slot **out, struct config_error *error) {
  process_lock_enter();
  struct handle_slot *slot = free_slots;
  int32_t status = STATUS_OK;
  if (slot != NULL) {
    free_slots = slot->next_free;
    if (handle_is_forked(slot)) renew(slot);
  } else {
    status = add_slot(&slot);
  }
  if (status == STATUS_OK) {
    atomic_store(&slot->wake_requested, false);
    atomic_store(&slot->fork_generation, handle_fork_generation);
  }
  process_lock_leave();
  if (status == STATUS_OK) {
    *out = slot;
  } else if (status == STATUS_OUT_OF_MEMORY) {
    config_error_set(error, "no memory for a handle");
  } else {
    config_error_set(error, "more than %d producers in one process", (int)HANDLE_MAXIMUM_SLOTS);
  }
  return status;
}

void handle_release(struct handle_slot *slot) {
  process_lock_enter();
  slot->next_free = free_slots;
  free_slots = slot;
  process_lock_leave();
}

void *handle_of(const struct handle_slot *slot) {
  uintptr_t value = (uintptr_t)slot->generation << (INDEX_BITS + 1) | (uintptr_t)slot->index << 1 | 1;
  return (void *)value;
}

/* Here the producers' lock is made of the slot's. */
int32_t handle_lock(const void *handle, struct producer **out) NO_THREAD_SAFETY_ANALYSIS {
  struct handle_slot *slot = handle_slot_of(handle);
  if (slot == NULL) return STATUS_INVALID_ARGUMENT;
  if (handle_is_forked(slot)) return STATUS_FORKED; /* its lock may be held for ever */
  handle_slot_lock(slot);
  if (handle_generation_of(handle) == handle_generation_of(handle_of(slot)) && slot->producer != NULL) {
    *out = slot->producer;
    return STATUS_OK;
  }
  lock_release(&slot->lock);
  return STATUS_CLOSED;
}

void handle_unlock(struct handle_slot *slot) NO_THREAD_SAFETY_ANALYSIS {
  lock_release(&slot->lock);
}

int32_t handle_wake(const void *handle) {
  struct handle_slot *slot = handle_slot_of(handle);
  if (slot == NULL) return STATUS_INVALID_ARGUMENT;
  if (handle_is_forked(slot)) return STATUS_FORKED;
  atomic_fetch_add(&slot->wakers, 1); /* from here on handle_end_wakes waits for us */
  bool current = handle_generation_of(handle) == handle_generation_of(handle_of(slot));
  struct network_client *target = atomic_load(&slot->wake_target);
  if (current && target != NULL) {
    atomic_store(&slot->wake_requested, true);
    network_client_wake(target);
  }
  atomic_fetch_sub(&slot->wakers, 1);
  return current ? STATUS_OK : STATUS_CLOSED;
}

void handle_wake_target(struct handle_slot *slot) {
  atomic_fetch_add(&slot->wakers, 1);
  struct network_client *target = atomic_load(&slot->wake_target);
  if (target != NULL) network_client_wake(target);
  atomic_fetch_sub(&slot->wakers, 1);
}

void handle_end_wakes(struct handle_slot *slot) {
  atomic_store(&slot->wake_target, NULL);
  while (atomic_load(&slot->wakers) > 0)
    sched_yield();
}

uint32_t handle_slot_count(void) {
  return atomic_load_explicit(&slot_count, memory_order_acquire);
}

struct handle_slot *handle_slot_at(uint32_t index) {
  ASSERT(index < handle_slot_count());
  return slots[index];
}

struct handle_slot *handle_slot_of(const void *handle) {
  uintptr_t value = (uintptr_t)handle;
  uint32_t index = (uint32_t)(value >> 1 & (HANDLE_MAXIMUM_SLOTS - 1));
  if ((value & 1) == 0 || index >= handle_slot_count()) return NULL;
  return slots[index];
}

uint64_t handle_generation_of(const void *handle) {
  return (uintptr_t)handle >> (INDEX_BITS + 1);
}

void handle_note_fork(void) {
  handle_fork_generation++;
}

struct producer *handle_end_forked(const void *handle) {
  struct handle_slot *slot = handle_slot_of(handle);
  ASSERT(slot != NULL && handle_is_forked(slot));
  uint64_t generation = handle_generation_of(handle);
  if (!atomic_compare_exchange_strong(&slot->generation, &generation, generation + 1)) return NULL;
  struct producer *producer = slot->producer; /* no lock: no thread of the parent is here to change it */
  slot->producer = NULL;
  handle_release(slot);
  return producer;
}

static int32_t add_slot(struct handle_slot **out) {
  uint32_t index = atomic_load_explicit(&slot_count, memory_order_relaxed);
  if (index == HANDLE_MAXIMUM_SLOTS) return STATUS_SYSTEM_ERROR;
  struct handle_slot *slot = allocator_allocate_zeroed(1, sizeof *slot);
  if (slot == NULL) return STATUS_OUT_OF_MEMORY;
  lock_init(&slot->lock);
  slot->index = index;
  slot->generation = 1;
  slots[index] = slot;
  atomic_store_explicit(&slot_count, index + 1, memory_order_release);
  *out = slot;
  return STATUS_OK;
}

/* A slot from before a fork: a thread of the parent may have held its lock, or been waking, at that moment.
 */
static void renew(struct handle_slot *slot) {
  lock_init(&slot->lock);
  atomic_store(&slot->wakers, 0);
  atomic_store(&slot->wake_target, NULL);
}
