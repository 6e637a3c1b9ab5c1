#include "sender/sender.h"

#include "base/allocator.h"
#include "base/assertion.h"
#include "base/clock.h"
#include "base/status.h"
#include "sender/outcome_call.h"
#include "sender/produce_dispatch.h"
#include "sender/routing.h"

static bool init_memory(struct sender *sender);
static void init_parts(struct sender *sender, int64_t now_us);
static void collect(struct sender *sender, int64_t now_us);
static void collect_wanted(struct sender *sender);
static void unstage(struct sender *sender, int64_t now_us);
static void on_sent_expired(void *context, struct batch *batch);
static void settle_unsent(struct sender *sender, struct list *unsent, int32_t status, int64_t now_us);
static void settle_expired(struct sender *sender, int64_t now_us);
static void give_up_sent(struct sender *sender, struct sender_partition *partition, bool expired_only,
                         int32_t status, int64_t now_us);
static int64_t next_deadline(struct sender *sender, int64_t now_us);
static void on_leader(void *context, struct sender_topic *topic, int32_t partition);
static void on_partitions(void *context, struct sender_topic *topic, const struct cluster_answer *answer);
static struct sender_partition *next_leaderless(struct sender *sender, const struct topic *topic,
                                                int32_t *at);
static void on_recreated(void *context, struct sender_topic *topic);
static void on_topic_failed(void *context, struct sender_topic *topic, int32_t status, bool staged_only);
static void on_described(void *context, const struct metadata_topic *described, struct wire_reader partitions,
                         int16_t version);

int32_t sender_create(const struct sender_settings *settings, const struct sender_listener *listener,
                      struct accumulator *accumulator, struct network_client *client, const struct gate *gate,
                      int64_t now_us, struct sender **out) {
  struct sender *sender = allocator_allocate_zeroed(1, sizeof *sender);
  if (sender == NULL) return STATUS_OUT_OF_MEMORY;
  sender->settings = *settings;
  sender->listener = *listener;
  sender->accumulator = accumulator;
  sender->client = client;
  sender->gate = *gate;
  init_parts(sender, now_us);
  if (!init_memory(sender)) {
    sender_destroy(sender);
    return STATUS_OUT_OF_MEMORY;
  }
  *out = sender;
  return STATUS_OK;
}

void sender_destroy(struct sender *sender) {
  if (sender == NULL) return;
  ASSERT(list_is_empty(&sender->open_calls));
  while (!list_is_empty(&sender->free_calls)) {
    struct produce_call *call = LIST_ENTRY(sender->free_calls.next, struct produce_call, node);
    list_remove(&call->node);
    produce_call_destroy(call);
  }
  while (!list_is_empty(&sender->nodes)) {
    struct sender_node *node = LIST_ENTRY(sender->nodes.next, struct sender_node, node);
    list_remove(&node->node);
    outcome_call_destroy(node->outcome_call);
    allocator_free(node);
  }
  cluster_deinit(&sender->cluster);
  producer_identity_deinit(&sender->identity);
  compressor_destroy(sender->compressor);
  if (sender->scratch != NULL) allocator_unmap(sender->scratch, sender->settings.scratch_bytes);
  allocator_free(sender);
}

int64_t sender_step(struct sender *sender, int64_t now_us) {
  sender->now_us = now_us;
  collect(sender, now_us);
  settle_expired(sender, now_us);
  cluster_step(&sender->cluster, now_us);
  if (sender->settings.idempotent) {
    producer_identity_step(&sender->identity, now_us);
    routing_identity_ready(sender, now_us);
  }
  routing_advance(sender, now_us);
  for (struct list *at = sender->nodes.next; at != &sender->nodes; at = at->next) {
    struct sender_node *node = LIST_ENTRY(at, struct sender_node, node);
    outcome_call_step(sender, node, now_us);
    produce_dispatch_node(sender, node, now_us);
  }
  cluster_step(&sender->cluster, now_us); /* what was found to lack a leader only now */
  sender_publish(sender);
  int64_t deadline_us = next_deadline(sender, now_us);
  gate_enter(&sender->gate);
  deadline_us = accumulator_prepare_sleep(sender->accumulator, deadline_us, now_us);
  gate_leave(&sender->gate);
  return deadline_us;
}

void sender_abort(struct sender *sender, int64_t now_us) {
  sender->now_us = now_us;
  struct list unsent;
  list_init(&unsent);
  gate_enter(&sender->gate);
  accumulator_abort(sender->accumulator, NULL, false, &unsent);
  const struct topic_registry *registry = &sender->accumulator->registry;
  for (uint32_t t = 0; t < registry->count; t++) {
    const struct topic *topic = registry->topics[t];
    for (int32_t p = 0; p < topic->partition_capacity; p++)
      if (topic->partitions[p] != NULL && topic->partitions[p]->sender->queue != NULL)
        give_up_sent(sender, topic->partitions[p]->sender, false, STATUS_ABORTED, now_us);
  }
  gate_leave(&sender->gate);
  settle_unsent(sender, &unsent, STATUS_ABORTED, now_us);
  sender_publish(sender);
}

void sender_publish(struct sender *sender) {
  gate_enter(&sender->gate);
  while (!list_is_empty(&sender->settled)) {
    struct batch *batch = LIST_ENTRY(sender->settled.next, struct batch, queue_node);
    list_remove(&batch->queue_node);
    accumulator_settle(sender->accumulator, batch);
    sender->listener.on_settled(sender->listener.context, batch);
  }
  sender->published = sender->counters;
  sender->known = cluster_is_known(&sender->cluster);
  gate_leave(&sender->gate);
}

void sender_note_connection(struct sender *sender, int32_t status) {
  if (status == STATUS_OK) {
    sender->counters.connections_opened++;
    return;
  }
  bool failed = status == STATUS_CONNECTION_REFUSED || status == STATUS_NAME_NOT_RESOLVED;
  uint64_t *counter = failed ? &sender->counters.connections_failed : &sender->counters.connections_lost;
  (*counter)++;
  cluster_want_refresh(&sender->cluster); /* whoever led there may lead elsewhere soon */
}

struct sender_partition_context sender_context(struct sender *sender, int64_t now_us) {
  return (struct sender_partition_context){
      .idempotent = sender->settings.idempotent,
      .asks = sender->settings.idempotent,
      .confirms = sender->settings.idempotent,
      .retries = sender->settings.retries,
      .now_us = now_us,
      .settled = &sender->settled,
      .outcomes_resolved = &sender->counters.outcomes_resolved,
      .epochs_raised = &sender->counters.epochs_raised,
  };
}

static bool init_memory(struct sender *sender) {
  sender->compressor = compressor_create();
  if (sender->compressor == NULL) return false;
  if (!sender->settings.compresses) return true;
  sender->scratch = allocator_map(sender->settings.scratch_bytes);
  return sender->scratch != NULL;
}

static void init_parts(struct sender *sender, int64_t now_us) {
  struct list *lists[] = {
      &sender->nodes,      &sender->leaderless, &sender->backing_off, &sender->awaiting_identity,
      &sender->free_calls, &sender->open_calls, &sender->settled,     &sender->expired,
      &sender->queries};
  for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++)
    list_init(lists[i]);
  sender->backoff_ends_us = CLOCK_NEVER_US;
  const struct sender_settings *settings = &sender->settings;
  random_seed(&sender->random, settings->seed);
  struct cluster_settings cluster = settings->cluster;
  cluster.client_id = settings->client_id;
  cluster.log = settings->log;
  cluster.request_timeout_us = settings->request_timeout_us;
  cluster.retry_backoff_us = settings->retry_backoff_us;
  cluster.retry_backoff_max_us = settings->retry_backoff_max_us;
  struct cluster_listener listener = {.context = sender,
                                      .on_leader = on_leader,
                                      .on_partitions = on_partitions,
                                      .on_recreated = on_recreated,
                                      .on_topic_failed = on_topic_failed,
                                      .on_described = on_described};
  cluster_init(&sender->cluster, &cluster, &listener, sender->accumulator, sender->client, &sender->gate,
               &sender->random, now_us);
  struct producer_identity_settings identity = {.client_id = settings->client_id,
                                                .request_timeout_us = settings->request_timeout_us,
                                                .retry_backoff_us = settings->retry_backoff_us,
                                                .retry_backoff_max_us = settings->retry_backoff_max_us,
                                                .log = settings->log};
  producer_identity_init(&sender->identity, &identity, sender->client, &sender->random, now_us);
}

/* Everything that needs the lock at the beginning of a turn. */
static void collect(struct sender *sender, int64_t now_us) {
  struct accumulator *accumulator = sender->accumulator;
  struct list unsent;
  list_init(&unsent);
  gate_enter(&sender->gate);
  accumulator_end_sleep(accumulator);
  accumulator_expire(accumulator, now_us, &unsent, on_sent_expired, sender);
  collect_wanted(sender);
  unstage(sender, now_us);
  accumulator_advance(accumulator, now_us);
  for (struct partition *queue; (queue = accumulator_take(accumulator)) != NULL;) {
    struct sender_partition *partition = routing_partition(sender, queue);
    partition->queue_taken = true;
    /* One that waits for another broker's word goes on waiting; placing it might log, under the gate. */
    if (!sender_partition_is_confirming(partition)) routing_place(sender, partition, now_us);
  }
  gate_leave(&sender->gate);
  settle_unsent(sender, &unsent, STATUS_DELIVERY_TIMED_OUT, now_us);
}

static void collect_wanted(struct sender *sender) {
  struct accumulator *accumulator = sender->accumulator;
  while (!list_is_empty(&accumulator->wanted)) {
    struct topic *topic = LIST_ENTRY(accumulator->wanted.next, struct topic, wanted_node);
    list_remove(&topic->wanted_node);
    cluster_want_topic(&sender->cluster, cluster_topic(&sender->cluster, topic));
  }
}

/* Moves what waited for partitions, as far as there is memory. */
static void unstage(struct sender *sender, int64_t now_us) {
  struct accumulator *accumulator = sender->accumulator;
  for (struct list *node = accumulator->staged_topics.next, *next; node != &accumulator->staged_topics;
       node = next) {
    struct topic *topic = LIST_ENTRY(node, struct topic, staged_node);
    next = node->next;
    if (topic->partition_count > 0 && !topic->metadata_wanted)
      accumulator_unstage(accumulator, topic, &sender->settled, now_us);
  }
}

static void on_sent_expired(void *context, struct batch *batch) {
  struct sender *sender = context;
  struct sender_partition *partition = batch->partition->sender;
  if (!list_is_linked(&partition->expired_node)) list_append(&sender->expired, &partition->expired_node);
}

static void settle_unsent(struct sender *sender, struct list *unsent, int32_t status, int64_t now_us) {
  for (struct list *node = unsent->next; node != unsent; node = node->next)
    batch_settle(LIST_ENTRY(node, struct batch, queue_node), OUTCOME_NOT_DELIVERED, status, -1, -1, now_us);
  list_append_all(&sender->settled, unsent);
}

static void settle_expired(struct sender *sender, int64_t now_us) {
  while (!list_is_empty(&sender->expired)) {
    struct sender_partition *partition =
        LIST_ENTRY(sender->expired.next, struct sender_partition, expired_node);
    list_remove(&partition->expired_node);
    give_up_sent(sender, partition, true, STATUS_DELIVERY_TIMED_OUT, now_us);
    routing_place(sender, partition, now_us);
  }
}

static void give_up_sent(struct sender *sender, struct sender_partition *partition, bool expired_only,
                         int32_t status, int64_t now_us) {
  struct sender_partition_context context = sender_context(sender, now_us);
  context.more_follows = true;
  for (struct list *node = partition->sent.next, *next; node != &partition->sent; node = next) {
    struct batch *batch = LIST_ENTRY(node, struct batch, queue_node);
    next = node->next;
    if (batch->expired || !expired_only) sender_partition_give_up(partition, batch, status, &context);
  }
  context.more_follows = false;
  sender_partition_settle_gaps(partition, &context);
}

static int64_t next_deadline(struct sender *sender, int64_t now_us) {
  if (!list_is_empty(&sender->settled)) return now_us;
  int64_t deadline_us = network_client_next_deadline_us(sender->client);
  int64_t candidates[] = {
      cluster_next_deadline_us(&sender->cluster, now_us),
      sender->settings.idempotent ? producer_identity_next_deadline_us(&sender->identity, now_us)
                                  : CLOCK_NEVER_US,
      routing_advance(sender, now_us),
      sender->stalled_until_us > now_us ? sender->stalled_until_us : CLOCK_NEVER_US,
  };
  for (size_t i = 0; i < sizeof candidates / sizeof candidates[0]; i++)
    if (candidates[i] < deadline_us) deadline_us = candidates[i];
  for (struct list *at = sender->nodes.next; at != &sender->nodes; at = at->next) {
    const struct sender_node *node = LIST_ENTRY(at, struct sender_node, node);
    if (list_is_empty(&node->partitions)) continue;
    int64_t ready_us = network_client_ready_at_us(sender->client, node->id);
    if (ready_us < sender->stalled_until_us) ready_us = sender->stalled_until_us;
    if (ready_us < deadline_us) deadline_us = ready_us;
  }
  return deadline_us;
}

static void on_leader(void *context, struct sender_topic *topic, int32_t index) {
  struct sender *sender = context;
  gate_enter(&sender->gate);
  struct partition *queue = index < topic->topic->partition_capacity ? topic->topic->partitions[index] : NULL;
  gate_leave(&sender->gate);
  if (queue == NULL || queue->sender->queue == NULL) return; /* never taken: it asks when it is */
  routing_leader_changed(sender, queue->sender, cluster_leader(topic, index), sender->now_us);
}

static void on_partitions(void *context, struct sender_topic *topic, const struct cluster_answer *answer) {
  struct sender *sender = context;
  gate_enter(&sender->gate);
  produce_dispatch_tell_loads(sender, topic, true, sender->now_us);
  gate_leave(&sender->gate);
  /* Who is still without a leader, or was without memory for its node, has to ask again. */
  struct sender_partition *partition;
  for (int32_t at = 0; (partition = next_leaderless(sender, topic->topic, &at)) != NULL;)
    routing_described(sender, partition, answer, sender->now_us);
}

/* The topic's next partition that waits for metadata, from *at on, which is moved behind it; NULL: there is
 * none. What is then done with it may log, so the gate is left: the host's on_log may call the library. */
static struct sender_partition *next_leaderless(struct sender *sender, const struct topic *topic,
                                                int32_t *at) {
  struct sender_partition *found = NULL;
  gate_enter(&sender->gate);
  for (; found == NULL && *at < topic->partition_capacity; ++*at) {
    const struct partition *queue = topic->partitions[*at];
    bool waits = queue != NULL && queue->sender->queue != NULL && queue->sender->place == PLACE_LEADERLESS;
    if (waits) found = queue->sender;
  }
  gate_leave(&sender->gate);
  return found;
}

static void on_recreated(void *context, struct sender_topic *topic) {
  struct sender *sender = context;
  struct sender_partition_context state = sender_context(sender, sender->now_us);
  LOG(sender->settings.log, LOG_LEVEL_WARNING, "topic %s was deleted and made again", topic->topic->name);
  for (int32_t i = 0; i < topic->partition_count; i++) {
    gate_enter(&sender->gate);
    struct partition *queue = i < topic->topic->partition_capacity ? topic->topic->partitions[i] : NULL;
    gate_leave(&sender->gate);
    if (queue != NULL && queue->sender->queue != NULL)
      sender_partition_topic_recreated(queue->sender, &state);
  }
}

static void on_topic_failed(void *context, struct sender_topic *topic, int32_t status, bool staged_only) {
  struct sender *sender = context;
  struct list unsent;
  list_init(&unsent);
  gate_enter(&sender->gate);
  accumulator_end_want_metadata(topic->topic); /* the next record asks again */
  accumulator_abort(sender->accumulator, topic->topic, staged_only, &unsent);
  for (struct list *node = sender->queries.next, *next; node != &sender->queries; node = next) {
    struct partition_query *query = LIST_ENTRY(node, struct partition_query, node);
    next = node->next;
    if (!bytes_equal(query->topic, bytes_of(topic->topic->name, topic->topic->name_bytes))) continue;
    list_remove(&query->node);
    query->done = true;
    query->status = status;
  }
  gate_leave(&sender->gate);
  /* What was sent before still has its identity: it waits, and somebody has to ask again. */
  struct sender_partition *partition;
  for (int32_t at = 0; (partition = next_leaderless(sender, topic->topic, &at)) != NULL;)
    routing_place(sender, partition, sender->now_us);
  settle_unsent(sender, &unsent, status, sender->now_us);
}

static void on_described(void *context, const struct metadata_topic *described, struct wire_reader partitions,
                         int16_t version) {
  struct sender *sender = context;
  gate_enter(&sender->gate);
  for (struct list *node = sender->queries.next, *next; node != &sender->queries; node = next) {
    struct partition_query *query = LIST_ENTRY(node, struct partition_query, node);
    next = node->next;
    if (!bytes_equal(query->topic, described->name)) continue;
    list_remove(&query->node);
    query->status =
        partition_snapshot_create(described->partition_count, partitions, version, &query->snapshot);
    query->done = true;
  }
  gate_leave(&sender->gate);
}
