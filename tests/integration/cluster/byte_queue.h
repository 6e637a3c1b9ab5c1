/* Bytes that wait, in order. */
#ifndef INTEGRATION_CLUSTER_BYTE_QUEUE_H
#define INTEGRATION_CLUSTER_BYTE_QUEUE_H

#include <stddef.h>
#include <stdint.h>

/* size bytes from head on; all zero is an empty queue. */
struct byte_queue {
  uint8_t *bytes;
  size_t head, size, capacity;
};

/* Room for that many more behind the last; the caller adds to size what it wrote there. */
uint8_t *byte_queue_reserve(struct byte_queue *queue, size_t size);
void byte_queue_push(struct byte_queue *queue, const void *bytes, size_t size);
uint8_t *byte_queue_front(const struct byte_queue *queue);
void byte_queue_drop(struct byte_queue *queue, size_t size);
void byte_queue_deinit(struct byte_queue *queue);

#endif
