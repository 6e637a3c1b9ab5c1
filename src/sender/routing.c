#include "sender/routing.h"

#include "base/allocator.h"
#include "base/backoff.h"
#include "base/clock.h"

/* Backoffs that are long enough end at multiples of this, so that thousands of partitions do not wake the
 * sender one by one. */
enum { BACKOFF_GRAIN_US = 5000, GRAINS_IN_BACKOFF_MINIMUM = 16 };

/* For so long a leader's own word that it leads is not enough, while other brokers are known. */
static const int64_t OTHERS_ASKED_US = 10 * (int64_t)1000000;

static bool doubt_leader(struct sender *sender, struct sender_partition *partition, int64_t now_us);
static void confirm_leader(struct sender *sender, struct sender_partition *partition, int64_t now_us);
static void follow_leader(struct sender *sender, struct sender_partition *partition,
                          struct partition_leader leader);
static struct sender_node *find_node(struct sender *sender, int32_t id);

struct sender_partition *routing_partition(struct sender *sender, struct partition *queue) {
  struct sender_partition *partition = queue->sender;
  if (partition->queue != NULL) return partition;
  sender_partition_init(partition, queue);
  struct sender_topic *topic = cluster_topic(&sender->cluster, queue->topic);
  struct partition_leader leader = cluster_leader(topic, queue->index);
  partition->leader_id = leader.id;
  partition->leader_epoch = leader.epoch;
  partition->node = leader.id >= 0 ? find_node(sender, leader.id) : NULL;
  return partition;
}

void routing_remove(struct sender_partition *partition) {
  list_remove(&partition->place_node);
  partition->place = PLACE_NOWHERE;
}

void routing_place(struct sender *sender, struct sender_partition *partition, int64_t now_us) {
  if (partition->query.state == OUTCOME_QUERY_OPEN) return; /* its answer brings it back */
  if (sender_partition_is_confirming(partition) && doubt_leader(sender, partition, now_us)) return;
  routing_remove(partition);
  bool asks = sender_partition_has_question(partition);
  bool retries = asks || sender_partition_next_retry(partition) != NULL;
  if (!retries && !partition->queue_taken) return;
  if (retries && partition->retry_at_us > now_us) {
    partition->place = PLACE_BACKOFF;
    list_append(&sender->backing_off, &partition->place_node);
    if (partition->retry_at_us < sender->backoff_ends_us) sender->backoff_ends_us = partition->retry_at_us;
    return;
  }
  if (partition->node == NULL && partition->leader_id >= 0)
    partition->node = find_node(sender, partition->leader_id);
  if (partition->node == NULL || !network_client_knows(sender->client, partition->node->id)) {
    partition->place = PLACE_LEADERLESS;
    list_append(&sender->leaderless, &partition->place_node);
    cluster_doubt_topic(&sender->cluster, cluster_topic(&sender->cluster, partition->queue->topic));
    return;
  }
  partition->place = asks ? PLACE_QUERY : PLACE_NODE;
  list_append(asks ? &partition->node->asking : &partition->node->partitions, &partition->place_node);
}

void routing_strand(struct sender *sender, struct sender_node *node, int64_t now_us) {
  struct list *lists[] = {&node->asking, &node->partitions};
  for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++)
    while (!list_is_empty(lists[i]))
      routing_place(sender, LIST_ENTRY(lists[i]->next, struct sender_partition, place_node), now_us);
}

bool routing_take_identity(struct sender *sender, struct sender_partition *partition, int64_t now_us) {
  struct producer_identity *identity = &sender->identity;
  if (partition->spent_producer_id >= 0)
    producer_identity_replace(identity, partition->spent_producer_id, now_us);
  if (identity->state == PRODUCER_IDENTITY_READY) {
    sender_partition_adopt_identity(partition, identity->producer_id, identity->producer_epoch);
    return true;
  }
  routing_remove(partition);
  partition->place = PLACE_IDENTITY;
  list_append(&sender->awaiting_identity, &partition->place_node);
  return false;
}

void routing_leader_changed(struct sender *sender, struct sender_partition *partition,
                            struct partition_leader leader, int64_t now_us) {
  follow_leader(sender, partition, leader);
  partition->retry_at_us = 0;
  if (partition->place != PLACE_IDENTITY) routing_place(sender, partition, now_us);
}

void routing_described(struct sender *sender, struct sender_partition *partition,
                       const struct cluster_answer *answer, int64_t now_us) {
  if (partition->place != PLACE_LEADERLESS) return;
  struct partition_leader leader = cluster_leader(partition->queue->topic->sender, partition->queue->index);
  if (sender_partition_is_confirming(partition) && leader.id >= 0) {
    const struct outcome_query *query = &partition->query;
    bool is_fresh = answer->asked_us >= query->confirming_since_us;
    bool is_others = answer->node_id >= 0 && answer->node_id != leader.id; /* a bootstrap server may be it */
    bool is_told = is_others || now_us - query->confirming_since_us >= OTHERS_ASKED_US;
    if (leader.epoch > partition->leader_epoch) {
      follow_leader(sender, partition, leader);
    } else if (is_fresh && is_told) {
      confirm_leader(sender, partition, now_us);
    }
  }
  routing_place(sender, partition, now_us);
}

void routing_back_off(struct sender *sender, struct sender_partition *partition, int64_t now_us) {
  int64_t wait_us = backoff_us(&sender->random, sender->settings.retry_backoff_us,
                               sender->settings.retry_backoff_max_us, partition->failures++);
  partition->retry_at_us = clock_add_us(now_us, wait_us);
  if (wait_us < GRAINS_IN_BACKOFF_MINIMUM * BACKOFF_GRAIN_US) return;
  int64_t over_us = partition->retry_at_us % BACKOFF_GRAIN_US;
  if (over_us > 0) partition->retry_at_us = clock_add_us(partition->retry_at_us, BACKOFF_GRAIN_US - over_us);
}

void routing_note_epochs(struct sender *sender, struct sender_partition *partition, uint64_t epochs_before,
                         int64_t now_us) {
  if (sender->counters.epochs_raised == epochs_before) return;
  routing_back_off(sender, partition, now_us);
  LOG(sender->settings.log, LOG_LEVEL_WARNING,
      "%s-%d goes on under another epoch: its sequences were refused", partition->queue->topic->name,
      (int)partition->queue->index);
}

int64_t routing_advance(struct sender *sender, int64_t now_us) {
  if (now_us < sender->backoff_ends_us) return sender->backoff_ends_us;
  sender->backoff_ends_us = CLOCK_NEVER_US;
  for (struct list *node = sender->backing_off.next, *next; node != &sender->backing_off; node = next) {
    struct sender_partition *partition = LIST_ENTRY(node, struct sender_partition, place_node);
    next = node->next;
    if (partition->retry_at_us <= now_us) {
      routing_place(sender, partition, now_us);
    } else if (partition->retry_at_us < sender->backoff_ends_us) {
      sender->backoff_ends_us = partition->retry_at_us;
    }
  }
  return sender->backoff_ends_us;
}

void routing_identity_ready(struct sender *sender, int64_t now_us) {
  const struct producer_identity *identity = &sender->identity;
  if (identity->state != PRODUCER_IDENTITY_READY) return;
  for (struct list *node = sender->awaiting_identity.next, *next; node != &sender->awaiting_identity;
       node = next) {
    struct sender_partition *partition = LIST_ENTRY(node, struct sender_partition, place_node);
    next = node->next;
    if (sender_partition_needs_identity(partition))
      sender_partition_adopt_identity(partition, identity->producer_id, identity->producer_epoch);
    routing_place(sender, partition, now_us);
  }
}

/* Waits for another broker's word. False if no other is known: then the leader's refusals stand. */
static bool doubt_leader(struct sender *sender, struct sender_partition *partition, int64_t now_us) {
  int32_t leader_id = partition->leader_id;
  if (network_client_knows(sender->client, leader_id) &&
      !network_client_knows_another(sender->client, leader_id)) {
    confirm_leader(sender, partition, now_us);
    return false;
  }
  struct sender_topic *topic = cluster_topic(&sender->cluster, partition->queue->topic);
  if (partition->place != PLACE_LEADERLESS) {
    partition->leader_epoch = cluster_leader(topic, partition->queue->index).epoch;
    LOG(sender->settings.log, LOG_LEVEL_DEBUG,
        "%s-%d: asking others whether broker %d, which refuses all, leads", partition->queue->topic->name,
        (int)partition->queue->index, (int)leader_id);
  }
  routing_remove(partition);
  partition->place = PLACE_LEADERLESS;
  list_append(&sender->leaderless, &partition->place_node);
  cluster_doubt_leader(&sender->cluster, topic, leader_id);
  return true;
}

static void confirm_leader(struct sender *sender, struct sender_partition *partition, int64_t now_us) {
  struct sender_partition_context context = sender_context(sender, now_us);
  uint64_t epochs_before = sender->counters.epochs_raised;
  sender_partition_leader_confirmed(partition, &context);
  routing_note_epochs(sender, partition, epochs_before, now_us);
}

static void follow_leader(struct sender *sender, struct sender_partition *partition,
                          struct partition_leader leader) {
  int32_t last_id = partition->leader_id;
  partition->leader_id = leader.id;
  partition->leader_epoch = leader.epoch;
  partition->node = leader.id >= 0 ? find_node(sender, leader.id) : NULL;
  if (sender_partition_leader_changed(partition))
    LOG(sender->settings.log, LOG_LEVEL_INFO,
        "%s-%d: broker %d does not lead any more; what it refused is sent again",
        partition->queue->topic->name, (int)partition->queue->index, (int)last_id);
}

/* Nodes are few and looked up only when a leader changes. NULL without memory: the partition then counts as
 * leaderless and the next metadata answer tries again. */
static struct sender_node *find_node(struct sender *sender, int32_t id) {
  for (struct list *node = sender->nodes.next; node != &sender->nodes; node = node->next)
    if (LIST_ENTRY(node, struct sender_node, node)->id == id)
      return LIST_ENTRY(node, struct sender_node, node);
  struct sender_node *added = allocator_allocate_zeroed(1, sizeof *added);
  if (added == NULL) return NULL;
  added->id = id;
  list_init(&added->partitions);
  list_init(&added->asking);
  list_append(&sender->nodes, &added->node);
  return added;
}
