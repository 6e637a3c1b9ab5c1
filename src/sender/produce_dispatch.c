#include "sender/produce_dispatch.h"

#include "base/assertion.h"
#include "base/clock.h"
#include "base/status.h"
#include "sender/produce_answer.h"
#include "sender/routing.h"

enum {
  STALL_US = 10000,       /* before another try without memory */
  LOADS_EVERY_US = 10000, /* how often the partitioner hears of the queues */
  FREE_CALLS_MAXIMUM = 64,
};

/* What became of a partition that was looked at. */
enum selection {
  SELECTED,     /* a batch of it is in the call */
  SKIPPED,      /* nothing to send now; it stands where it belongs */
  CALL_IS_FULL, /* it has a batch, which no longer fits: it stays first */
};

static struct produce_call *take_call(struct sender *sender);
static void select_batches(struct sender *sender, struct sender_node *node, struct produce_call *call,
                           int64_t now_us);
static enum selection select_from(struct sender *sender, struct sender_node *node,
                                  struct sender_partition *partition, struct produce_call *call,
                                  int64_t now_us);
static struct batch *next_batch(struct sender *sender, struct sender_node *node,
                                struct sender_partition *partition, int64_t now_us);
static enum selection add_to_call(struct sender *sender, struct sender_partition *partition,
                                  struct batch *batch, struct produce_call *call);
static bool send_call(struct sender *sender, struct sender_node *node, struct produce_call *call,
                      int64_t now_us);
static void count_sent(struct sender *sender, const struct produce_call *call);
static void refuse_broker(struct sender *sender, const struct sender_node *node,
                          const struct produce_call *call, int64_t now_us);
static void undo_call(struct sender *sender, struct produce_call *call, int64_t now_us);

void produce_dispatch_node(struct sender *sender, struct sender_node *node, int64_t now_us) {
  if (!network_client_knows(sender->client, node->id)) routing_strand(sender, node, now_us);
  if (list_is_empty(&node->partitions)) node->waiting_since_us = 0; /* what waited is gone */
  while (!list_is_empty(&node->partitions) && now_us >= sender->stalled_until_us) {
    if (!network_client_ready(sender->client, node->id, now_us)) {
      if (node->waiting_since_us == 0) node->waiting_since_us = now_us;
      return;
    }
    struct produce_call *call = take_call(sender);
    if (call == NULL) {
      sender->stalled_until_us = now_us + STALL_US;
      return;
    }
    select_batches(sender, node, call, now_us);
    if (call->part_count == 0) {
      produce_dispatch_recycle(sender, call);
      if (!list_is_empty(&node->partitions))
        sender->stalled_until_us = now_us + STALL_US; /* without memory */
      return;
    }
    node->waiting_since_us = 0;
    if (!send_call(sender, node, call, now_us)) return;
  }
}

void produce_dispatch_prepare(struct sender *sender, struct batch *batch) {
  if (!batch->packed) {
    const struct topic_options *options = &batch->topic->options;
    batch_compress(batch, sender->compressor, options->codec, options->level, sender->scratch,
                   sender->settings.scratch_bytes);
  }
  if (!batch->finished) batch_finish(batch);
}

void produce_dispatch_recycle(struct sender *sender, struct produce_call *call) {
  list_remove(&call->node);
  if (sender->free_call_count == FREE_CALLS_MAXIMUM) {
    produce_call_destroy(call);
    return;
  }
  produce_call_reset(call);
  list_prepend(&sender->free_calls, &call->node);
  sender->free_call_count++;
}

void produce_dispatch_tell_loads(struct sender *sender, struct sender_topic *topic, bool forced,
                                 int64_t now_us) {
  if (topic->partition_count < 2 || (!forced && now_us - topic->loads_us < LOADS_EVERY_US)) return;
  topic->loads_us = now_us;
  const struct topic *queue = topic->topic;
  int32_t count =
      topic->partition_count < queue->partition_count ? topic->partition_count : queue->partition_count;
  for (int32_t i = 0; i < count; i++) {
    const struct partition *partition = queue->partitions[i];
    const struct sender_node *node = NULL;
    if (partition != NULL && partition->sender->queue != NULL) node = partition->sender->node;
    int64_t timeout_us = sender->settings.availability_timeout_us;
    bool stuck = timeout_us > 0 && node != NULL && node->waiting_since_us != 0 &&
                 now_us - node->waiting_since_us > timeout_us;
    topic->loads[i] = (struct partition_load){.batch_count = partition != NULL ? partition->batch_count : 0,
                                              .has_leader = topic->leaders[i].id >= 0,
                                              .is_draining = !stuck};
  }
  partitioner_update(&topic->topic->partitioner, topic->loads, count);
}

static struct produce_call *take_call(struct sender *sender) {
  if (list_is_empty(&sender->free_calls)) return produce_call_create(sender);
  struct produce_call *call = LIST_ENTRY(sender->free_calls.next, struct produce_call, node);
  list_remove(&call->node);
  sender->free_call_count--;
  return call;
}

/* One batch from each of the node's partitions, in turn, until the request is full. */
static void select_batches(struct sender *sender, struct sender_node *node, struct produce_call *call,
                           int64_t now_us) {
  gate_enter(&sender->gate);
  struct list *last = node->partitions.previous;
  for (bool done = list_is_empty(&node->partitions); !done;) {
    struct list *first = node->partitions.next;
    done = first == last;
    struct sender_partition *partition = LIST_ENTRY(first, struct sender_partition, place_node);
    enum selection selection = select_from(sender, node, partition, call, now_us);
    if (selection == CALL_IS_FULL) break;
    if (selection == SELECTED) { /* to the end: the others come first next time */
      list_remove(&partition->place_node);
      list_append(&node->partitions, &partition->place_node);
      partition->place = PLACE_NODE;
      produce_dispatch_tell_loads(sender, partition->queue->topic->sender, false, now_us);
    }
  }
  gate_leave(&sender->gate);
}

static enum selection select_from(struct sender *sender, struct sender_node *node,
                                  struct sender_partition *partition, struct produce_call *call,
                                  int64_t now_us) {
  struct batch *batch = next_batch(sender, node, partition, now_us);
  if (batch == NULL) return SKIPPED;
  const struct topic_options *options = &batch->topic->options;
  bool first = call->part_count == 0;
  if (!first && call->acks != options->acks) return CALL_IS_FULL;
  if (!first && call->batch_bytes + batch_wire_bytes(batch) > sender->settings.max_request_bytes)
    return CALL_IS_FULL;
  call->acks = options->acks;
  return add_to_call(sender, partition, batch, call);
}

/* The batch to send next from a partition. NULL: there is none now, and the partition has been put elsewhere.
 */
static struct batch *next_batch(struct sender *sender, struct sender_node *node,
                                struct sender_partition *partition, int64_t now_us) {
  if (partition->in_flight > 0 && partition->in_flight_node != node->id) {
    routing_remove(partition); /* order: first the old leader's answers */
    return NULL;
  }
  sender_partition_note_time(partition, now_us);
  struct batch *batch = sender_partition_next_retry(partition);
  if (batch == NULL && partition->queue_taken) {
    batch = accumulator_peek(sender->accumulator, partition->queue, now_us);
    if (batch == NULL) {
      accumulator_give_back(sender->accumulator, partition->queue, now_us);
      partition->queue_taken = false;
    }
  }
  if (batch == NULL) {
    routing_remove(partition);
    return NULL;
  }
  if (batch->state == BATCH_RETRY && partition->retry_at_us > now_us) {
    routing_place(sender, partition, now_us);
    return NULL;
  }
  bool identified = !sender->settings.idempotent || !sender_partition_needs_identity(partition) ||
                    routing_take_identity(sender, partition, now_us);
  if (!identified) return NULL;
  if (batch->unsent && !sender_partition_may_send_new(partition, sender->settings.max_in_flight)) {
    routing_remove(partition); /* an answer brings it back */
    return NULL;
  }
  return batch;
}

static enum selection add_to_call(struct sender *sender, struct sender_partition *partition,
                                  struct batch *batch, struct produce_call *call) {
  if (!produce_call_add(call, batch, partition)) return CALL_IS_FULL;
  if (batch->unsent) {
    accumulator_drain(sender->accumulator, batch);
    sender_partition_add(partition, batch, sender->settings.idempotent);
  }
  batch->in_network = true;
  return SELECTED;
}

static bool send_call(struct sender *sender, struct sender_node *node, struct produce_call *call,
                      int64_t now_us) {
  for (uint32_t i = 0; i < call->part_count; i++)
    produce_dispatch_prepare(sender, call->parts[i].batch);
  const struct api_versions *versions = network_client_api_versions(sender->client, node->id);
  call->version =
      api_versions_choose(versions, API_PRODUCE, produce_call_has_topic_ids(call) ? INT16_MAX : 12);
  call->node_id = node->id;
  bool written = call->version >= 0 && produce_call_write(call, sender->settings.client_id,
                                                          network_client_next_correlation(sender->client),
                                                          sender->settings.request_timeout_us);
  if (!written) {
    if (call->version < 0)
      refuse_broker(sender, node, call, now_us);
    else
      sender->stalled_until_us = now_us + STALL_US;
    undo_call(sender, call, now_us);
    return false;
  }
  for (uint32_t i = 0; i < call->part_count; i++)
    sender_partition_begin_flight(call->parts[i].partition, call->parts[i].batch, node->id);
  count_sent(sender, call);
  call->request.complete = produce_answer_complete;
  call->request.context = call;
  list_append(&sender->open_calls, &call->node);
  network_client_send(sender->client, node->id, &call->request, now_us);
  return true;
}

static void count_sent(struct sender *sender, const struct produce_call *call) {
  struct sender_counters *counters = &sender->counters;
  counters->requests_sent++;
  counters->requests_in_flight++;
  for (uint32_t i = 0; i < call->part_count; i++) {
    const struct batch *batch = call->parts[i].batch;
    counters->batches_sent++;
    if (batch->attempts > 1) counters->batches_retried++;
    counters->batch_bytes_sent += batch_wire_bytes(batch);
    counters->batch_bytes_uncompressed += RECORD_BATCH_HEADER_BYTES + batch->uncompressed_bytes;
  }
}

/* It may be upgraded: what is for it tries again, ever more slowly. */
static void refuse_broker(struct sender *sender, const struct sender_node *node,
                          const struct produce_call *call, int64_t now_us) {
  network_client_close_node(sender->client, node->id, STATUS_UNSUPPORTED_BROKER,
                            "it offers no version of the produce request that Sendoff speaks", now_us);
  for (uint32_t i = 0; i < call->part_count; i++)
    routing_back_off(sender, call->parts[i].partition, now_us);
}

/* The request could not be written: its batches are sent later, with the identity they have. */
static void undo_call(struct sender *sender, struct produce_call *call, int64_t now_us) {
  gate_enter(&sender->gate);
  for (uint32_t i = 0; i < call->part_count; i++) {
    struct batch *batch = call->parts[i].batch;
    batch->in_network = false;
    if (batch->state == BATCH_SEALED) batch_set_state(batch, BATCH_RETRY);
  }
  gate_leave(&sender->gate);
  for (uint32_t i = 0; i < call->part_count; i++)
    routing_place(sender, call->parts[i].partition, now_us);
  produce_dispatch_recycle(sender, call);
}
