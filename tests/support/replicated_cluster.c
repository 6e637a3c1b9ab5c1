#include "support/replicated_cluster.h"

#include "base/assertion.h"

int64_t replicated_cluster_draw_us(struct replicated_cluster *cluster, int64_t min_us, int64_t max_us) {
  ASSERT(min_us <= max_us && max_us - min_us < UINT32_MAX);
  return min_us + random_below(&cluster->random, (uint32_t)(max_us - min_us) + 1);
}

struct broker_partition *cluster_copy_view(const struct cluster_copy *copy) {
  return broker_topic_partition(copy->partition->topic->seen[copy->node_id], copy->partition->index);
}

bool cluster_copy_leads(const struct cluster_copy *copy, const struct broker_partition *view) {
  return view != NULL && view->leader_id == copy->node_id;
}

struct cluster_topic *replicated_cluster_topic(struct replicated_cluster *cluster, struct bytes name) {
  for (struct list *link = cluster->topics.previous; link != &cluster->topics; link = link->previous) {
    struct cluster_topic *topic = LIST_ENTRY(link, struct cluster_topic, link);
    if (!topic->is_deleted && bytes_equal(bytes_of_string(topic->name), name)) return topic;
  }
  return NULL;
}

struct cluster_topic *replicated_cluster_topic_of(struct replicated_cluster *cluster, const struct uuid *id) {
  for (struct list *link = cluster->topics.next; link != &cluster->topics; link = link->next) {
    struct cluster_topic *topic = LIST_ENTRY(link, struct cluster_topic, link);
    if (uuid_equal(&topic->id, id)) return topic;
  }
  return NULL;
}
