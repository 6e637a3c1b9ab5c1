#include "network/completion_queue.h"

#include "base/assertion.h"
#include "base/status.h"

static void complete(struct completion_queue *queue, struct request *request, struct wire_reader body,
                     int64_t now_us);

void completion_queue_init(struct completion_queue *queue) {
  list_init(&queue->finished);
  queue->is_running = false;
}

void completion_queue_add(struct completion_queue *queue, struct request *request, int32_t status) {
  request->status = status;
  list_init(&request->node);
  list_append(&queue->finished, &request->node);
}

void completion_queue_answer(struct completion_queue *queue, struct request *request, struct wire_reader body,
                             int64_t now_us) {
  request->status = STATUS_OK;
  complete(queue, request, body, now_us);
}

void completion_queue_run(struct completion_queue *queue, int64_t now_us) {
  struct list batch;
  list_init(&batch);
  list_append_all(&batch, &queue->finished);
  while (!list_is_empty(&batch)) {
    struct request *request = LIST_ENTRY(batch.next, struct request, node);
    list_remove(&request->node);
    complete(queue, request, wire_reader_of(bytes_of(NULL, 0)), now_us);
  }
}

/* The request is the caller's again, and may be freed, once its function has been called. */
static void complete(struct completion_queue *queue, struct request *request, struct wire_reader body,
                     int64_t now_us) {
  ASSERT(!queue->is_running);
  const struct request_result result = {.status = request->status,
                                        .handed_over = request->bytes_sent == request->bytes,
                                        .body = body,
                                        .node_id = request->node_id,
                                        .now_us = now_us,
                                        .latency_us = now_us - request->sent_us};
  queue->is_running = true;
  request->complete(request, &result);
  queue->is_running = false;
}
