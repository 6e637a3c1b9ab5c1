#include "sim/realm.h"

#include "base/assertion.h"
#include "base/status.h"
#include "broker/broker_state.h"
#include <stdio.h>

static bool is_replicated(const struct model_cluster *cluster);
static struct broker_topic *find(const struct model_cluster *cluster, const char *name);
static void name_nodes(struct model_cluster *cluster);
static void walk_committed(struct model_cluster *cluster, const char *name, const struct realm_walk *walk);

void realm_init(struct model_cluster *cluster, const struct scenario *scenario,
                const struct broker_settings *settings, int64_t now_us) {
  bool replicated = scenario_has(scenario, FAULT_REPLICATION);
  if (replicated) {
    struct model_cluster_settings wanted;
    model_cluster_settings_init(&wanted);
    struct broker_settings broker = *settings;
    broker.partition_limit_bytes = broker.data_limit_bytes = 0;
    wanted.broker = broker;
    wanted.replication.seed = scenario->seed;
    if (scenario_has(scenario, FAULT_UNCLEAN)) {
      wanted.replication.min_in_sync = 1 + scenario_pick(scenario, FAULT_UNCLEAN, 0, 2);
      wanted.replication.session_us = 300 * SCENARIO_MS; /* who is away is behind before long */
    }
    if (scenario_has(scenario, FAULT_STALE_METADATA))
      wanted.replication.view_delay_max_us =
          SCENARIO_S + scenario_pick(scenario, FAULT_STALE_METADATA, 0, 2 * SCENARIO_S);
    model_cluster_init_replicated(cluster, &wanted, now_us);
  } else {
    model_cluster_init(cluster, settings, scenario->node_count, now_us);
  }
  name_nodes(cluster);
  for (uint32_t t = 0; t < scenario->topic_count; t++) {
    realm_create_topic(cluster, scenario_topics[t], (int32_t)scenario->partition_count);
    for (uint32_t p = 0; p < scenario->partition_count && !replicated; p++)
      realm_lead(cluster, scenario_topics[t], (int32_t)p, 1 + (int32_t)((t + p) % cluster->node_count));
  }
}

int32_t realm_partition_count(const struct model_cluster *cluster, const char *name) {
  if (is_replicated(cluster)) {
    const struct cluster_topic *topic = model_cluster_topic(cluster, name);
    return topic == NULL ? 0 : topic->partition_count;
  }
  const struct broker_topic *topic = find(cluster, name);
  return topic == NULL ? 0 : topic->partition_count;
}

void realm_create_topic(struct model_cluster *cluster, const char *name, int32_t partition_count) {
  int32_t status = is_replicated(cluster) ? model_cluster_create_topic(cluster, name, partition_count)
                                          : broker_model_create_topic(cluster->model, name, partition_count);
  ASSERT(status == STATUS_OK);
}

void realm_delete_topic(struct model_cluster *cluster, const char *name) {
  int32_t status = is_replicated(cluster) ? model_cluster_delete_topic(cluster, name)
                                          : broker_model_delete_topic(cluster->model, name);
  ASSERT(status == STATUS_OK);
}

void realm_add_partition(struct model_cluster *cluster, const char *name) {
  int32_t count = realm_partition_count(cluster, name) + 1;
  int32_t status = is_replicated(cluster) ? model_cluster_add_partitions(cluster, name, count)
                                          : broker_model_add_partitions(cluster->model, name, count);
  ASSERT(status == STATUS_OK);
}

void realm_lead(struct model_cluster *cluster, const char *name, int32_t partition, int32_t node_id) {
  if (partition >= realm_partition_count(cluster, name)) return;
  if (is_replicated(cluster)) {
    if (node_id > 0) (void)model_cluster_lead(cluster, name, partition, node_id); /* if it is in sync */
    return;
  }
  if (broker_topic_partition(find(cluster, name), partition)->leader_id != node_id)
    (void)model_cluster_lead(cluster, name, partition, node_id);
}

int32_t realm_leader(const struct model_cluster *cluster, const char *name, int32_t partition) {
  return broker_topic_partition(find(cluster, name), partition)->leader_id;
}

int64_t realm_elect_unclean(struct model_cluster *cluster, const char *name, int32_t partition,
                            int32_t node_id) {
  model_cluster_elect_unclean(cluster, name, partition, node_id);
  return model_cluster_committed_end(model_cluster_topic(cluster, name), partition);
}

int32_t realm_lowest_epoch(const struct model_cluster *cluster) {
  int32_t lowest = INT32_MAX;
  if (is_replicated(cluster)) return 0; /* each node has its own idea of them */
  const struct broker_topics *topics = &cluster->model->topics;
  for (uint32_t t = 0; t < topics->count; t++)
    for (int32_t p = 0; p < topics->by_name[t]->partition_count; p++)
      if (topics->by_name[t]->partitions[p].leader_epoch < lowest)
        lowest = topics->by_name[t]->partitions[p].leader_epoch;
  return lowest;
}

void realm_kill(struct model_cluster *cluster, int32_t node_id) {
  model_cluster_kill(cluster, node_id);
  if (!is_replicated(cluster)) broker_model_reload(cluster->model);
}

void realm_inject(struct model_cluster *cluster, const struct broker_fault *fault) {
  int32_t status = model_cluster_inject(cluster, 0, fault);
  ASSERT(status == STATUS_OK);
}

void realm_refuse_values(struct model_cluster *cluster, const char *prefix) {
  for (int32_t id = 1; id <= (int32_t)cluster->node_count; id++) {
    int32_t status = broker_model_refuse_values(model_cluster_broker(cluster, id), prefix);
    ASSERT(status == STATUS_OK);
  }
}

void realm_limit_messages(struct model_cluster *cluster, size_t bytes) {
  for (int32_t id = 1; id <= (int32_t)cluster->node_count; id++)
    broker_model_set_message_max_bytes(model_cluster_broker(cluster, id), bytes);
}

void realm_walk_logs(struct model_cluster *cluster, const char *name, const struct realm_walk *walk) {
  if (is_replicated(cluster)) {
    walk_committed(cluster, name, walk);
    return;
  }
  const struct broker_topic *topic = find(cluster, name);
  for (int32_t p = 0; topic != NULL && p < topic->partition_count; p++) {
    walk->begin(walk->context, p, &topic->id);
    int32_t status = broker_model_visit_records(cluster->model, name, p, walk->visit, walk->context);
    ASSERT(status == STATUS_OK);
  }
}

static void walk_committed(struct model_cluster *cluster, const char *name, const struct realm_walk *walk) {
  const struct cluster_topic *topic = NULL;
  while ((topic = model_cluster_next_topic(cluster, topic)) != NULL) {
    if (strcmp(topic->name, name) != 0) continue;
    for (int32_t p = 0; p < topic->partition_count; p++) {
      walk->begin(walk->context, p, &topic->id);
      (void)model_cluster_visit_committed(cluster, topic, p, 0, walk->visit, walk->context);
    }
  }
}

static bool is_replicated(const struct model_cluster *cluster) {
  return cluster->replication != NULL;
}

static struct broker_topic *find(const struct model_cluster *cluster, const char *name) {
  return broker_topics_find(&cluster->model->topics, bytes_of_string(name));
}

/* By names, so that they can fail to be resolved. */
static void name_nodes(struct model_cluster *cluster) {
  for (int32_t id = 1; id <= (int32_t)cluster->node_count; id++) {
    char name[24], address[24];
    snprintf(name, sizeof name, "broker-%d.sim", (int)id);
    snprintf(address, sizeof address, "10.0.0.%d", (int)id);
    fake_transport_set_name(cluster->transport, name, address, 100);
    for (int32_t at = 1; at <= (int32_t)cluster->node_count; at++) {
      int32_t status = broker_model_set_node(model_cluster_broker(cluster, at), id, name, CLUSTER_PORT);
      ASSERT(status == STATUS_OK);
    }
  }
}
