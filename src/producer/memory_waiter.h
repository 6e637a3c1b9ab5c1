/* Threads that wait for buffer memory, served in the order in which they came. Under the producer's lock. */
#ifndef PRODUCER_MEMORY_WAITER_H
#define PRODUCER_MEMORY_WAITER_H

#include "base/condition.h"
#include "base/list.h"
#include "producer/handle.h"
#include <stdbool.h>
#include <stdint.h>

struct producer;

struct memory_waiter {
  struct list node; /* in producer.memory_waiters */
  struct condition served;
  bool for_partition; /* waits for its partition's share, not for memory as such: holds nobody up */
};

/* Joins the end of the queue. STATUS_OK, OUT_OF_MEMORY. */
int32_t memory_waiter_join(struct producer *producer, struct memory_waiter *waiter, bool for_partition)
    REQUIRES(producer_lock);
void memory_waiter_leave(struct producer *producer, struct memory_waiter *waiter) REQUIRES(producer_lock);

/* Memory came free: lets the first waiter try, and those that wait for a partition. */
void memory_waiters_serve(struct producer *producer) REQUIRES(producer_lock);

/* Everybody looks again: closed, woken. */
void memory_waiters_wake_all(struct producer *producer) REQUIRES(producer_lock);

/* Whether a thread that needs memory has to queue behind others. */
bool memory_waiters_are_queued(const struct producer *producer, const struct memory_waiter *except)
    REQUIRES(producer_lock);

#endif
