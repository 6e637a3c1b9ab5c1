#include "support/delayed_answers.h"

#include "base/assertion.h"
#include "base/status.h"
#include <stdlib.h>

static void on_timeout(void *context, struct cluster_timer *timer);
static void finish_late(struct replicated_cluster *cluster, struct delayed_answer *answer);
static void end_wait(struct replicated_cluster *cluster, struct append_wait *wait, int32_t status);
static struct cluster_copy *copy_of(const struct broker_append *append, int32_t node_id);

void delayed_answers_add(struct replicated_cluster *cluster, int32_t node_id, void *request,
                         struct bytes frame) {
  const struct broker_model *model = cluster->nodes[node_id].model;
  struct delayed_answer *answer = calloc(1, sizeof *answer + model->append_count * sizeof answer->waits[0]);
  ASSERT(answer != NULL);
  answer->node_id = node_id;
  answer->request = request;
  answer->timeout.fire = on_timeout;
  answer->frame = malloc(frame.size);
  ASSERT(answer->frame != NULL);
  memcpy(answer->frame, frame.data, frame.size);
  answer->frame_bytes = frame.size;
  for (uint32_t index = 0; index < model->append_count; index++) {
    const struct broker_append *append = &model->appends[index];
    if (append->error_at == 0) continue;
    struct append_wait *wait = &answer->waits[answer->wait_count++];
    *wait = (struct append_wait){
        .answer = answer, .end_offset = append->end_offset, .error_at = append->error_at};
    struct list *waits = &copy_of(append, node_id)->waits, *before = waits;
    while (before->previous != waits &&
           LIST_ENTRY(before->previous, struct append_wait, link)->end_offset > wait->end_offset)
      before = before->previous;
    list_insert_before(before, &wait->link);
  }
  ASSERT(answer->wait_count > 0);
  answer->wait_left = answer->wait_count;
  list_append(&cluster->nodes[node_id].delayed, &answer->link);
  cluster_timers_set(&cluster->timers, &answer->timeout,
                     cluster->now_us + model->append_timeout_ms * (int64_t)1000);
}

void delayed_answers_settle(struct replicated_cluster *cluster, struct cluster_copy *copy, int64_t offset,
                            int32_t status) {
  while (!list_is_empty(&copy->waits)) {
    struct append_wait *wait = LIST_ENTRY(copy->waits.next, struct append_wait, link);
    if (wait->end_offset > offset) return;
    end_wait(cluster, wait, status);
  }
}

struct delayed_answer *delayed_answers_take(struct replicated_cluster *cluster) {
  if (list_is_empty(&cluster->ready)) return NULL;
  struct delayed_answer *answer = LIST_ENTRY(cluster->ready.next, struct delayed_answer, link);
  list_remove(&answer->link);
  return answer;
}

void delayed_answer_destroy(struct delayed_answer *answer) {
  free(answer->frame);
  free(answer);
}

struct delayed_answer *delayed_answers_abandon(struct replicated_cluster *cluster, int32_t node_id) {
  struct list *delayed = &cluster->nodes[node_id].delayed;
  if (list_is_empty(delayed)) return NULL;
  struct delayed_answer *answer = LIST_ENTRY(delayed->next, struct delayed_answer, link);
  cluster_timers_cancel(&cluster->timers, &answer->timeout);
  for (uint32_t index = 0; index < answer->wait_count; index++)
    list_remove(&answer->waits[index].link);
  list_remove(&answer->link);
  return answer;
}

void delayed_answers_resume(struct replicated_cluster *cluster, int32_t node_id) {
  struct list *delayed = &cluster->nodes[node_id].delayed;
  for (struct list *link = delayed->next, *next; link != delayed; link = next) {
    struct delayed_answer *answer = LIST_ENTRY(link, struct delayed_answer, link);
    next = link->next;
    if (!cluster_timer_is_set(&answer->timeout)) finish_late(cluster, answer);
  }
}

static void on_timeout(void *context, struct cluster_timer *timer) {
  struct replicated_cluster *cluster = context;
  struct delayed_answer *answer = LIST_ENTRY(timer, struct delayed_answer, timeout);
  if (!cluster->nodes[answer->node_id].is_frozen) finish_late(cluster, answer);
}

static void finish_late(struct replicated_cluster *cluster, struct delayed_answer *answer) {
  for (uint32_t index = 0; index < answer->wait_count; index++) {
    if (list_is_linked(&answer->waits[index].link))
      end_wait(cluster, &answer->waits[index], STATUS_REQUEST_TIMED_OUT);
  }
}

/* Puts the error code into the frame; the answer is ready with its last wait. */
static void end_wait(struct replicated_cluster *cluster, struct append_wait *wait, int32_t status) {
  struct delayed_answer *answer = wait->answer;
  list_remove(&wait->link);
  if (wait->error_at + sizeof(uint16_t) <= answer->frame_bytes) /* a fault may have cut it short */
    bytes_store_u16(answer->frame + wait->error_at, (uint16_t)status);
  if (--answer->wait_left > 0) return;
  cluster_timers_cancel(&cluster->timers, &answer->timeout);
  list_remove(&answer->link);
  list_append(&cluster->ready, &answer->link);
}

static struct cluster_copy *copy_of(const struct broker_append *append, int32_t node_id) {
  struct cluster_topic *topic = append->topic->context;
  return &topic->partitions[append->partition]->copies[node_id];
}
