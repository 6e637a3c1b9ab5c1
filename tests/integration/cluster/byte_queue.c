#include "byte_queue.h"

#include "../programs/support.h"

#include <stdlib.h>
#include <string.h>

uint8_t *byte_queue_reserve(struct byte_queue *queue, size_t size) {
  if (queue->head > 0 && queue->head + queue->size + size > queue->capacity) {
    memmove(queue->bytes, queue->bytes + queue->head, queue->size);
    queue->head = 0;
  }
  if (queue->size + size > queue->capacity) {
    queue->capacity = 2 * (queue->size + size);
    queue->bytes = realloc(queue->bytes, queue->capacity);
    if (queue->bytes == NULL) fail("queue", "no memory");
  }
  return queue->bytes + queue->head + queue->size;
}

void byte_queue_push(struct byte_queue *queue, const void *bytes, size_t size) {
  memcpy(byte_queue_reserve(queue, size), bytes, size);
  queue->size += size;
}

uint8_t *byte_queue_front(const struct byte_queue *queue) {
  return queue->bytes + queue->head;
}

void byte_queue_drop(struct byte_queue *queue, size_t size) {
  queue->head += size;
  queue->size -= size;
  if (queue->size == 0) queue->head = 0;
}

void byte_queue_deinit(struct byte_queue *queue) {
  free(queue->bytes);
  *queue = (struct byte_queue){0};
}
