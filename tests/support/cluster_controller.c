#include "support/cluster_controller.h"

#include "base/assertion.h"
#include "base/status.h"
#include "support/cluster_replication.h"
#include "support/delayed_answers.h"
#include <stdlib.h>

static void on_session(void *context, struct cluster_timer *timer);
static void on_recovery(void *context, struct cluster_timer *timer);
static void on_refresh(void *context, struct cluster_timer *timer);
static void partition_create(struct replicated_cluster *cluster, struct cluster_topic *topic, int32_t index);
static void topic_grow(struct replicated_cluster *cluster, struct cluster_topic *topic,
                       int32_t partition_count);
static void topic_destroy(struct cluster_topic *topic);
static bool elect(struct replicated_cluster *cluster, struct cluster_partition *partition);
static bool is_candidate(const struct replicated_cluster *cluster, const struct cluster_partition *partition,
                         int32_t node_id);
static void set_leader(struct cluster_partition *partition, int32_t node_id);
static void tell(struct replicated_cluster *cluster, struct cluster_topic *topic);
static void forget_topic(struct replicated_cluster *cluster, struct cluster_topic *topic, int32_t node_id);
static void learn_topic(struct replicated_cluster *cluster, struct cluster_topic *topic, int32_t node_id);
static void learn_partition(struct replicated_cluster *cluster, struct cluster_copy *copy);

void cluster_controller_init(struct replicated_cluster *cluster) {
  list_init(&cluster->topics);
  for (int32_t id = 1; id <= (int32_t)cluster->node_count; id++) {
    cluster->nodes[id].is_reachable = true;
    cluster->nodes[id].session.fire = on_session;
    cluster->nodes[id].recovery.fire = on_recovery;
  }
}

void cluster_controller_deinit(struct replicated_cluster *cluster) {
  while (!list_is_empty(&cluster->topics)) {
    struct cluster_topic *topic = LIST_ENTRY(cluster->topics.next, struct cluster_topic, link);
    list_remove(&topic->link);
    topic_destroy(topic);
  }
}

int32_t cluster_controller_create(struct replicated_cluster *cluster, struct bytes name,
                                  int32_t partition_count) {
  const struct cluster_placement round = {.replica_count = cluster->settings.replication_factor,
                                          .min_in_sync = cluster->settings.min_in_sync};
  return cluster_controller_place(cluster, name, partition_count, &round);
}

int32_t cluster_controller_place(struct replicated_cluster *cluster, struct bytes name,
                                 int32_t partition_count, const struct cluster_placement *placement) {
  if (!broker_topic_name_is_legal(name)) return STATUS_INVALID_TOPIC_EXCEPTION;
  if (partition_count < 1) return STATUS_INVALID_PARTITIONS;
  if (replicated_cluster_topic(cluster, name) != NULL) return STATUS_TOPIC_ALREADY_EXISTS;
  struct cluster_topic *topic = calloc(1, sizeof *topic);
  ASSERT(topic != NULL);
  topic->name = strndup((const char *)name.data, name.size);
  ASSERT(topic->name != NULL);
  topic->placement = *placement;
  bytes_store_u64(&topic->id.octets[0], random_next(&cluster->random));
  bytes_store_u64(&topic->id.octets[8], random_next(&cluster->random));
  for (int32_t id = 1; id <= (int32_t)cluster->node_count; id++)
    topic->refreshes[id] =
        (struct cluster_refresh){.timer = {.fire = on_refresh}, .topic = topic, .node_id = id};
  list_append(&cluster->topics, &topic->link);
  topic_grow(cluster, topic, partition_count);
  return STATUS_OK;
}

int32_t cluster_controller_delete(struct replicated_cluster *cluster, struct bytes name) {
  struct cluster_topic *topic = replicated_cluster_topic(cluster, name);
  if (topic == NULL) return STATUS_UNKNOWN_TOPIC_OR_PARTITION;
  topic->is_deleted = true;
  tell(cluster, topic);
  return STATUS_OK;
}

int32_t cluster_controller_grow(struct replicated_cluster *cluster, struct bytes name,
                                int32_t partition_count) {
  struct cluster_topic *topic = replicated_cluster_topic(cluster, name);
  if (topic == NULL) return STATUS_UNKNOWN_TOPIC_OR_PARTITION;
  if (partition_count <= topic->partition_count) return STATUS_INVALID_PARTITIONS;
  topic_grow(cluster, topic, partition_count);
  return STATUS_OK;
}

void cluster_controller_lose(struct replicated_cluster *cluster, int32_t node_id) {
  struct cluster_node *node = &cluster->nodes[node_id];
  node->is_reachable = false;
  cluster_timers_cancel(&cluster->timers, &node->recovery);
  if (!node->is_fenced)
    cluster_timers_set(&cluster->timers, &node->session, cluster->now_us + cluster->settings.session_us);
}

void cluster_controller_fence(struct replicated_cluster *cluster, int32_t node_id) {
  cluster_timers_cancel(&cluster->timers, &cluster->nodes[node_id].session);
  cluster->nodes[node_id].is_fenced = true;
  for (struct list *link = cluster->topics.next; link != &cluster->topics; link = link->next) {
    struct cluster_topic *topic = LIST_ENTRY(link, struct cluster_topic, link);
    bool has_changed = false;
    for (int32_t index = 0; index < topic->partition_count && !topic->is_deleted; index++) {
      struct cluster_partition *partition = topic->partitions[index];
      if ((partition->in_sync & cluster_node_bit(node_id)) == 0) continue;
      has_changed = true;
      if (partition->in_sync != cluster_node_bit(node_id)) partition->in_sync &= ~cluster_node_bit(node_id);
      if (partition->leader_id == node_id && !elect(cluster, partition)) set_leader(partition, -1);
    }
    if (has_changed) tell(cluster, topic);
  }
}

void cluster_controller_find(struct replicated_cluster *cluster, int32_t node_id) {
  struct cluster_node *node = &cluster->nodes[node_id];
  node->is_reachable = true;
  cluster_timers_cancel(&cluster->timers, &node->session);
  cluster_timers_set(&cluster->timers, &node->recovery,
                     cluster->now_us + replicated_cluster_draw_us(cluster,
                                                                  cluster->settings.view_delay_min_us,
                                                                  cluster->settings.view_delay_max_us));
}

bool cluster_controller_lead(struct replicated_cluster *cluster, struct cluster_partition *partition,
                             int32_t node_id) {
  if (!is_candidate(cluster, partition, node_id)) return false;
  if (partition->leader_id == node_id) return true;
  set_leader(partition, node_id);
  tell(cluster, partition->topic);
  return true;
}

void cluster_controller_elect_unclean(struct replicated_cluster *cluster, struct cluster_partition *partition,
                                      int32_t node_id) {
  const struct broker_partition *view = cluster_copy_view(&partition->copies[node_id]);
  partition->unclean_elections++;
  partition->in_sync = cluster_node_bit(node_id);
  set_leader(partition, node_id);
  partition->unclean_epoch = partition->leader_epoch;
  partition_log_truncate(&partition->committed,
                         view == NULL ? 0 : partition_log_common_end(&partition->committed, &view->log));
  tell(cluster, partition->topic);
}

bool cluster_controller_set_in_sync(struct replicated_cluster *cluster, struct cluster_partition *partition,
                                    int32_t leader_epoch, int32_t node_id, bool in_sync) {
  if (partition->leader_epoch != leader_epoch || partition->topic->is_deleted) return false;
  if (in_sync && cluster->nodes[node_id].is_fenced) return false;
  uint32_t before = partition->in_sync;
  if (in_sync) {
    partition->in_sync |= cluster_node_bit(node_id);
  } else {
    partition->in_sync &= ~cluster_node_bit(node_id);
  }
  if (partition->in_sync != before) tell(cluster, partition->topic);
  learn_partition(cluster, &partition->copies[partition->leader_id]);
  return true;
}

void cluster_controller_show(struct replicated_cluster *cluster, struct cluster_topic *topic,
                             int32_t node_id) {
  cluster_timers_cancel(&cluster->timers, &topic->refreshes[node_id].timer);
  if (topic->is_deleted) {
    forget_topic(cluster, topic, node_id);
  } else {
    learn_topic(cluster, topic, node_id);
  }
}

void cluster_controller_show_all(struct replicated_cluster *cluster, int32_t node_id) {
  for (struct list *link = cluster->topics.next; link != &cluster->topics; link = link->next)
    cluster_controller_show(cluster, LIST_ENTRY(link, struct cluster_topic, link), node_id);
}

static void on_session(void *context, struct cluster_timer *timer) {
  struct replicated_cluster *cluster = context;
  cluster_controller_fence(cluster, LIST_ENTRY(timer, struct cluster_node, session)->node_id);
}

/* The node is one of the cluster again, and may lead what nobody leads. */
static void on_recovery(void *context, struct cluster_timer *timer) {
  struct replicated_cluster *cluster = context;
  struct cluster_node *node = LIST_ENTRY(timer, struct cluster_node, recovery);
  node->is_fenced = false;
  for (struct list *link = cluster->topics.next; link != &cluster->topics; link = link->next) {
    struct cluster_topic *topic = LIST_ENTRY(link, struct cluster_topic, link);
    bool has_changed = false;
    for (int32_t index = 0; index < topic->partition_count && !topic->is_deleted; index++) {
      if (topic->partitions[index]->leader_id < 0 && elect(cluster, topic->partitions[index]))
        has_changed = true;
    }
    if (has_changed) tell(cluster, topic);
    cluster_controller_show(cluster, topic, node->node_id);
    for (int32_t index = 0; index < topic->partition_count && !topic->is_deleted; index++)
      cluster_replication_kick(cluster, topic->partitions[index]);
  }
}

static void on_refresh(void *context, struct cluster_timer *timer) {
  struct replicated_cluster *cluster = context;
  const struct cluster_refresh *refresh = LIST_ENTRY(timer, struct cluster_refresh, timer);
  /* A node that is away learns of all of it when it is back. */
  if (cluster->nodes[refresh->node_id].is_reachable)
    cluster_controller_show(cluster, refresh->topic, refresh->node_id);
}

static void topic_grow(struct replicated_cluster *cluster, struct cluster_topic *topic,
                       int32_t partition_count) {
  ASSERT(partition_count > topic->partition_count);
  topic->partitions =
      realloc(topic->partitions, (size_t)partition_count * sizeof(struct cluster_partition *));
  ASSERT(topic->partitions != NULL);
  while (topic->partition_count < partition_count)
    partition_create(cluster, topic, topic->partition_count++);
  tell(cluster, topic);
}

/* All copies are in sync but those of nodes that are known to be away. */
static void partition_create(struct replicated_cluster *cluster, struct cluster_topic *topic, int32_t index) {
  struct cluster_partition *partition = calloc(1, sizeof *partition);
  ASSERT(partition != NULL);
  partition->topic = topic;
  partition->index = index;
  partition->leader_epoch = -1;
  partition_log_init(&partition->committed, 0);
  const struct cluster_placement *placement = &topic->placement;
  partition->replica_count = placement->replica_count;
  for (uint32_t number = 0; number < partition->replica_count; number++) {
    partition->replicas[number] = placement->nodes[0] != 0
                                      ? placement->nodes[number]
                                      : 1 + (index + (int32_t)number) % (int32_t)cluster->node_count;
    if (!cluster->nodes[partition->replicas[number]].is_fenced)
      partition->in_sync |= cluster_node_bit(partition->replicas[number]);
  }
  if (partition->in_sync == 0) partition->in_sync = cluster_node_bit(partition->replicas[0]);
  for (int32_t id = 1; id <= (int32_t)cluster->node_count; id++) {
    partition->copies[id].partition = partition;
    partition->copies[id].node_id = id;
    cluster_replication_init(&partition->copies[id]);
  }
  topic->partitions[index] = partition;
  if (!elect(cluster, partition)) set_leader(partition, -1);
}

static void topic_destroy(struct cluster_topic *topic) {
  for (int32_t index = 0; index < topic->partition_count; index++) {
    partition_log_deinit(&topic->partitions[index]->committed);
    free(topic->partitions[index]);
  }
  free(topic->partitions);
  free(topic->name);
  free(topic);
}

/* The first replica that may lead, another than now if there is one. */
static bool elect(struct replicated_cluster *cluster, struct cluster_partition *partition) {
  for (uint32_t index = 0; index < partition->replica_count; index++) {
    if (!is_candidate(cluster, partition, partition->replicas[index])) continue;
    set_leader(partition, partition->replicas[index]);
    return true;
  }
  return false;
}

static bool is_candidate(const struct replicated_cluster *cluster, const struct cluster_partition *partition,
                         int32_t node_id) {
  return (partition->in_sync & cluster_node_bit(node_id)) != 0 && !cluster->nodes[node_id].is_fenced;
}

static void set_leader(struct cluster_partition *partition, int32_t node_id) {
  partition->leader_id = node_id;
  partition->leader_epoch++;
}

/* Each node will know before long. */
static void tell(struct replicated_cluster *cluster, struct cluster_topic *topic) {
  for (int32_t id = 1; id <= (int32_t)cluster->node_count; id++) {
    int64_t delay_us = replicated_cluster_draw_us(cluster, cluster->settings.view_delay_min_us,
                                                  cluster->settings.view_delay_max_us);
    cluster_timers_set(&cluster->timers, &topic->refreshes[id].timer, cluster->now_us + delay_us);
  }
}

static void forget_topic(struct replicated_cluster *cluster, struct cluster_topic *topic, int32_t node_id) {
  if (topic->seen[node_id] == NULL) return;
  topic->seen[node_id] = NULL;
  int32_t status = broker_model_delete_topic(cluster->nodes[node_id].model, topic->name);
  ASSERT(status == STATUS_OK);
  for (int32_t index = 0; index < topic->partition_count; index++)
    delayed_answers_settle(cluster, &topic->partitions[index]->copies[node_id], INT64_MAX,
                           STATUS_UNKNOWN_TOPIC_OR_PARTITION);
}

static void learn_topic(struct replicated_cluster *cluster, struct cluster_topic *topic, int32_t node_id) {
  struct broker_model *model = cluster->nodes[node_id].model;
  struct broker_topic *seen = topic->seen[node_id];
  int32_t status = STATUS_OK, known_count = seen == NULL ? 0 : seen->partition_count;
  if (seen == NULL) {
    struct broker_topic *older = broker_topics_find(&model->topics, bytes_of_string(topic->name));
    if (older != NULL) forget_topic(cluster, older->context, node_id);
    status =
        broker_topics_create(&model->topics, bytes_of_string(topic->name), topic->partition_count, -1, &seen);
    ASSERT(status == STATUS_OK);
    seen->id = topic->id;
    seen->context = topic;
    topic->seen[node_id] = seen;
  } else if (known_count < topic->partition_count) {
    status = broker_topics_grow(&model->topics, seen, topic->partition_count, -1);
    ASSERT(status == STATUS_OK);
  }
  for (int32_t index = 0; index < topic->partition_count; index++) {
    struct cluster_partition *partition = topic->partitions[index];
    struct broker_partition *view = &seen->partitions[index];
    if (index >= known_count) {
      status = broker_partition_replicate(view, partition->replicas, partition->replica_count,
                                          topic->placement.min_in_sync);
      ASSERT(status == STATUS_OK);
      view->leader_epoch = -1;
    }
    learn_partition(cluster, &partition->copies[node_id]);
  }
}

static void learn_partition(struct replicated_cluster *cluster, struct cluster_copy *copy) {
  const struct cluster_partition *partition = copy->partition;
  struct broker_partition *view = cluster_copy_view(copy);
  if (view == NULL) return;
  struct partition_replicas *replicas = view->replicas;
  uint32_t known = 0;
  for (uint32_t index = 0; index < replicas->in_sync_count; index++)
    known |= cluster_node_bit(replicas->in_sync[index]);
  bool is_new_epoch = view->leader_epoch != partition->leader_epoch;
  if (!is_new_epoch && known == partition->in_sync) return;
  view->leader_id = partition->leader_id;
  view->leader_epoch = partition->leader_epoch;
  replicas->in_sync_count = 0;
  for (uint32_t index = 0; index < partition->replica_count; index++) {
    if ((partition->in_sync & cluster_node_bit(partition->replicas[index])) != 0)
      replicas->in_sync[replicas->in_sync_count++] = partition->replicas[index];
  }
  cluster_replication_led(cluster, copy, is_new_epoch);
}
