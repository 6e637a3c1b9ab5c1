/* What a sendoff_producer pointer really is: a slot number and a generation, never an address. A slot and its
 * lock are never freed, only used again under the next generation, so that a call on a handle that was
 * destroyed meanwhile finds a lock to take and an answer (CLOSED), and no counter has to be shared by all
 * threads that are inside. The slot's lock is the producer's lock. */
#ifndef PRODUCER_HANDLE_H
#define PRODUCER_HANDLE_H

#include "base/condition.h"
#include "base/lock.h"
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct config_error;
struct network_client;
struct producer;

enum { HANDLE_MAXIMUM_SLOTS = 4096 };

/* producer is under lock, generation is written under it; fork_generation is set when the slot is taken. The
 * wake fields serve sendoff_wake, which may take no lock: see handle_wake. next_free is under the process
 * lock. */
struct handle_slot {
  struct lock lock;
  uint32_t index;
  _Atomic uint64_t generation;
  atomic_uint fork_generation;
  struct producer *producer; /* NULL: destroyed, or not ready yet */
  struct handle_slot *next_free;
  _Atomic(struct network_client *) wake_target; /* whose wait is ended; NULL: the sender thread has ended */
  atomic_uint wakers;                           /* threads that may be using wake_target */
  atomic_bool wake_requested;                   /* taken by the sender thread */
};

/* The lock of whichever producer: a thread never has two of them. */
extern struct lock_role producer_lock;

/* Raised in the child by every fork since the first slot was taken, when there is no other thread yet. */
extern volatile uint32_t handle_fork_generation;

/* Takes a slot. STATUS_OK, OUT_OF_MEMORY, SYSTEM_ERROR (all are in use). */
int32_t handle_acquire(struct handle_slot **slot, struct config_error *error) EXCLUDES(producer_lock);

/* Gives a slot back; what the handle named is gone. Without the lock held. */
void handle_release(struct handle_slot *slot) EXCLUDES(producer_lock);

/* The handle of a slot's present generation. */
void *handle_of(const struct handle_slot *slot);

/* Locks the slot that a handle names. STATUS_OK: *producer is valid until handle_unlock. Otherwise nothing is
 * locked: INVALID_ARGUMENT (NULL, or never a handle), FORKED, CLOSED (destroyed). */
int32_t handle_lock(const void *handle, struct producer **producer) TRY_ACQUIRE(false, producer_lock);
void handle_unlock(struct handle_slot *slot) RELEASE(producer_lock);

/* Locks a slot, whatever is in it. */
static inline void handle_slot_lock(struct handle_slot *slot)
    ACQUIRE(producer_lock) NO_THREAD_SAFETY_ANALYSIS;
static inline void handle_slot_lock(struct handle_slot *slot) {
  lock_acquire(&slot->lock);
}

/* condition_wait with the slot's lock. */
static inline bool handle_slot_wait(struct handle_slot *slot, struct condition *condition,
                                    int64_t deadline_us) REQUIRES(producer_lock) NO_THREAD_SAFETY_ANALYSIS;
static inline bool handle_slot_wait(struct handle_slot *slot, struct condition *condition,
                                    int64_t deadline_us) {
  return condition_wait(condition, &slot->lock, deadline_us);
}

/* Asks the sender thread of the handle's producer to end the waits under way. Async-signal-safe: takes no
 * lock. STATUS_OK, INVALID_ARGUMENT, FORKED, CLOSED. */
int32_t handle_wake(const void *handle);
/* Ends the sender thread's wait, if there is one in the slot. Without the lock. */
void handle_wake_target(struct handle_slot *slot) EXCLUDES(producer_lock);
/* Ends the use of wake_target: returns when no thread uses it any more. */
void handle_end_wakes(struct handle_slot *slot) EXCLUDES(producer_lock);

/* For the fork guard and the exit guard: the slot of an index below the count, never NULL. Slots are never
 * taken away. */
uint32_t handle_slot_count(void);
struct handle_slot *handle_slot_at(uint32_t index);

/* Whether a slot's producer belongs to the parent process. Takes no lock. */
static inline bool handle_is_forked(const struct handle_slot *slot) {
  return atomic_load_explicit(&slot->fork_generation, memory_order_acquire) != handle_fork_generation;
}

/* The slot of a handle without locking; NULL if it never was one. */
struct handle_slot *handle_slot_of(const void *handle);
uint64_t handle_generation_of(const void *handle);

/* In the child of a fork, before anything else: from here on all slots taken before are forked. */
void handle_note_fork(void);
/* Ends a handle of the parent; the producer that it named is the caller's. NULL: somebody else has ended it.
 */
struct producer *handle_end_forked(const void *handle);

#endif
