#include "producer/event_queue.h"

#include "base/allocator.h"
#include "base/lock.h"
#include "base/status.h"
#include <stddef.h>
#include <string.h>

/* Only as large as its text. */
struct event_node {
  struct list node;
  enum event_kind kind;
  int32_t status, broker;
  int64_t number;
  char text[];
};

static void drop_first(struct event_queue *queue) REQUIRES(event_queue_guard);
static bool take_first(struct event_queue *queue, struct event *event) REQUIRES(event_queue_guard);

int32_t event_queue_init(struct event_queue *queue, uint32_t capacity) NO_THREAD_SAFETY_ANALYSIS {
  *queue = (struct event_queue){.capacity = capacity};
  list_init(&queue->events);
  lock_init(&queue->lock);
  return condition_init(&queue->arrived);
}

void event_queue_deinit(struct event_queue *queue) NO_THREAD_SAFETY_ANALYSIS {
  while (!list_is_empty(&queue->events))
    drop_first(queue);
  condition_deinit(&queue->arrived);
  lock_deinit(&queue->lock);
}

void event_queue_add(struct event_queue *queue, enum event_kind kind, int32_t status, int32_t broker,
                     int64_t number, const char *text) {
  if (queue->capacity == 0) return;
  size_t text_bytes = text == NULL ? 0 : strlen(text);
  if (text_bytes > EVENT_TEXT_BYTES - 1) text_bytes = EVENT_TEXT_BYTES - 1;
  struct event_node *added = allocator_allocate(sizeof *added + text_bytes + 1);
  event_queue_guard_acquire(queue);
  if (added == NULL || queue->closed) {
    queue->lost++;
    allocator_free(added);
  } else {
    if (queue->count == queue->capacity) {
      drop_first(queue);
      queue->lost++;
    }
    *added = (struct event_node){.kind = kind, .status = status, .broker = broker, .number = number};
    if (text_bytes > 0) memcpy(added->text, text, text_bytes);
    added->text[text_bytes] = '\0';
    list_append(&queue->events, &added->node);
    queue->count++;
    condition_signal(&queue->arrived);
  }
  event_queue_guard_release(queue);
}

int32_t event_queue_take(struct event_queue *queue, struct event *event, int64_t deadline_us) {
  event_queue_guard_acquire(queue);
  uint64_t wakes = queue->wakes;
  int32_t status = STATUS_OK;
  while (!take_first(queue, event)) {
    if (queue->closed) {
      status = STATUS_CLOSED;
    } else if (queue->wakes != wakes) {
      status = STATUS_INTERRUPTED;
    } else if (!event_queue_guard_wait(queue, &queue->arrived, deadline_us)) {
      status = STATUS_TIMED_OUT;
    }
    if (status != STATUS_OK) break;
  }
  event_queue_guard_release(queue);
  return status;
}

void event_queue_wake(struct event_queue *queue) {
  event_queue_guard_acquire(queue);
  queue->wakes++;
  condition_broadcast(&queue->arrived);
  event_queue_guard_release(queue);
}

void event_queue_close(struct event_queue *queue) {
  event_queue_guard_acquire(queue);
  queue->closed = true;
  condition_broadcast(&queue->arrived);
  event_queue_guard_release(queue);
}

static void drop_first(struct event_queue *queue) {
  struct event_node *first = LIST_ENTRY(queue->events.next, struct event_node, node);
  list_remove(&first->node);
  queue->count--;
  allocator_free(first);
}

static bool take_first(struct event_queue *queue, struct event *event) {
  if (queue->lost > 0) { /* what is missing is older than what is there */
    *event = (struct event){.kind = EVENT_LOST, .broker = -1, .number = (int64_t)queue->lost};
    queue->lost = 0;
    return true;
  }
  if (list_is_empty(&queue->events)) return false;
  const struct event_node *first = LIST_ENTRY(queue->events.next, struct event_node, node);
  *event = (struct event){
      .kind = first->kind, .status = first->status, .broker = first->broker, .number = first->number};
  memcpy(event->text, first->text, strlen(first->text));
  drop_first(queue);
  return true;
}
