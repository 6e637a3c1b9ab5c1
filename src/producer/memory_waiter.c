#include "producer/memory_waiter.h"

#include "base/status.h"
#include "producer/producer.h"

int32_t memory_waiter_join(struct producer *producer, struct memory_waiter *waiter, bool for_partition) {
  int32_t status = condition_init(&waiter->served);
  if (status != STATUS_OK) return status;
  waiter->for_partition = for_partition;
  list_append(&producer->memory_waiters, &waiter->node);
  accumulator_begin_wait(&producer->accumulator);
  producer_wake_sender(producer); /* nothing lingers while somebody waits */
  return STATUS_OK;
}

void memory_waiter_leave(struct producer *producer, struct memory_waiter *waiter) {
  accumulator_end_wait(&producer->accumulator);
  list_remove(&waiter->node);
  condition_deinit(&waiter->served);
  memory_waiters_serve(producer); /* what it left may do for the next */
}

void memory_waiters_serve(struct producer *producer) {
  bool served = false;
  for (struct list *node = producer->memory_waiters.next; node != &producer->memory_waiters;
       node = node->next) {
    struct memory_waiter *waiter = LIST_ENTRY(node, struct memory_waiter, node);
    if (waiter->for_partition || !served) condition_signal(&waiter->served);
    served = served || !waiter->for_partition;
  }
}

void memory_waiters_wake_all(struct producer *producer) {
  for (struct list *node = producer->memory_waiters.next; node != &producer->memory_waiters;
       node = node->next)
    condition_signal(&LIST_ENTRY(node, struct memory_waiter, node)->served);
}

bool memory_waiters_are_queued(const struct producer *producer, const struct memory_waiter *except) {
  for (struct list *node = producer->memory_waiters.next; node != &producer->memory_waiters;
       node = node->next) {
    const struct memory_waiter *waiter = LIST_ENTRY(node, struct memory_waiter, node);
    if (waiter == except) return false;
    if (!waiter->for_partition) return true;
  }
  return false;
}
