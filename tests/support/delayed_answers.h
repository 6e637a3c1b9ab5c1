/* Answers to acks=all that wait until their batches are committed, no longer leader's business, or too late.
 */
#ifndef SUPPORT_DELAYED_ANSWERS_H
#define SUPPORT_DELAYED_ANSWERS_H

#include "support/replicated_cluster.h"

/* One partition's part of an answer. */
struct append_wait {
  struct list link; /* in the copy's waits */
  struct delayed_answer *answer;
  int64_t end_offset;
  size_t error_at;
};

/* An answer whose frame is written but for error codes. Invariant: it is in its node's list while wait_left >
 * 0, else in the cluster's ready list. */
struct delayed_answer {
  struct list link;
  struct cluster_timer timeout;
  int32_t node_id;
  void *request; /* its owner's */
  uint8_t *frame;
  size_t frame_bytes;
  uint32_t wait_count, wait_left;
  struct append_wait waits[];
};

/* Copies the frame that the node's model has written for its last request, and waits for its appends. It may
 * be ready at once. */
void delayed_answers_add(struct replicated_cluster *cluster, int32_t node_id, void *request,
                         struct bytes frame);

/* What waits for offsets up to this one gets its error code (0: none). */
void delayed_answers_settle(struct replicated_cluster *cluster, struct cluster_copy *copy, int64_t offset,
                            int32_t status);
/* Takes the first one that is ready, or NULL; the caller destroys it. */
struct delayed_answer *delayed_answers_take(struct replicated_cluster *cluster);
void delayed_answer_destroy(struct delayed_answer *answer);

/* The node is gone: hands out each of its answers, to be destroyed; NULL when there are no more. */
struct delayed_answer *delayed_answers_abandon(struct replicated_cluster *cluster, int32_t node_id);
/* The node goes on after it was frozen: what has become too late meanwhile is answered. */
void delayed_answers_resume(struct replicated_cluster *cluster, int32_t node_id);

#endif
