/* Calls the complete functions of requests: never one inside another, and never for ever. Belongs to the
 * network client's thread. */
#ifndef NETWORK_COMPLETION_QUEUE_H
#define NETWORK_COMPLETION_QUEUE_H

#include "network/request.h"

/* `finished` holds requests that are done, their status set, in the order in which they will be completed. */
struct completion_queue {
  struct list finished;
  bool is_running; /* inside a complete function */
};

void completion_queue_init(struct completion_queue *queue);

/* Appends a request that is in no list. */
void completion_queue_add(struct completion_queue *queue, struct request *request, int32_t status);

/* Completes a request with its answer at once. */
void completion_queue_answer(struct completion_queue *queue, struct request *request, struct wire_reader body,
                             int64_t now_us);

/* Completes those that are finished now. What their complete functions add waits for the next run, so that a
 * caller who keeps sending to a dead node does not stop everything else. */
void completion_queue_run(struct completion_queue *queue, int64_t now_us);

#endif
