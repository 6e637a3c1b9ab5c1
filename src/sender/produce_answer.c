#include "sender/produce_answer.h"

#include "base/allocator.h"
#include "base/assertion.h"
#include "base/clock.h"
#include "base/status.h"
#include "sender/produce_dispatch.h"
#include "sender/routing.h"
#include "sender/sender.h"

static void leave_network(struct sender *sender, struct produce_call *call);
static void answer_lost(struct sender *sender, struct produce_call *call,
                        const struct request_result *result);
static void handed_over(struct sender *sender, struct produce_call *call, int64_t now_us);
static void answered(struct sender *sender, struct produce_call *call, const struct produce_response_end *end,
                     const struct request_result *result);
static void apply_endpoints(struct sender *sender, const struct produce_call *call,
                            struct produce_response_end end, int64_t now_us);
static void apply_part(struct sender *sender, struct produce_part *part, int16_t version, int64_t now_us);
static void out_of_order(struct sender *sender, struct produce_part *part, int64_t now_us);
static void refused_for_now(struct sender *sender, struct produce_part *part, int64_t now_us);
static void too_large(struct sender *sender, struct produce_part *part, int64_t now_us);
static void bad_records(struct sender *sender, struct produce_part *part, int16_t version, int64_t now_us);
static bool mark_bad(struct produce_part *part, int16_t version, uint8_t *bad);
static void cut_pieces(struct sender *sender, struct sender_partition *partition, struct batch *batch,
                       const uint8_t *bad);
static void fail_pieces(struct sender *sender, struct produce_part *part, const uint8_t *bad,
                        uint32_t record_count, int64_t now_us);
static int64_t log_append_time_of(const struct produce_part *part);
static struct batch *split(struct sender *sender, struct sender_partition *partition, struct batch *batch,
                           uint32_t at);
static bool unpack(struct sender *sender, struct batch *batch);

void produce_answer_complete(struct request *request, const struct request_result *result) {
  struct produce_call *call = request->context;
  struct sender *sender = call->owner;
  struct produce_response_end end = {0};
  bool readable = false;
  sender->counters.requests_in_flight--;
  if (result->status == STATUS_OK && request->expects_response) {
    sender->counters.responses_received++;
    readable = produce_call_read(call, result->body, &end);
    if (!readable)
      network_client_close_node(sender->client, result->node_id, STATUS_MALFORMED_RESPONSE,
                                "its produce answer does not fit the request", result->now_us);
  }
  leave_network(sender, call);
  if (readable) {
    answered(sender, call, &end, result);
  } else if (result->status == STATUS_OK && !request->expects_response) {
    handed_over(sender, call, result->now_us);
  } else {
    answer_lost(sender, call, result);
  }
  for (uint32_t i = 0; i < call->part_count; i++)
    routing_place(sender, call->parts[i].partition, result->now_us);
  produce_dispatch_recycle(sender, call);
}

/* The request no longer refers to the batches. Those that were settled meanwhile are nobody's business here.
 */
static void leave_network(struct sender *sender, struct produce_call *call) {
  gate_enter(&sender->gate);
  for (uint32_t i = 0; i < call->part_count; i++) {
    struct produce_part *part = &call->parts[i];
    part->batch->in_network = false;
    if (part->batch->state == BATCH_SETTLED) {
      if (part->batch->reported) accumulator_release(sender->accumulator, part->batch);
      part->batch = NULL;
    }
  }
  gate_leave(&sender->gate);
  for (uint32_t i = 0; i < call->part_count; i++)
    sender_partition_end_flight(call->parts[i].partition);
}

static void answer_lost(struct sender *sender, struct produce_call *call,
                        const struct request_result *result) {
  struct sender_partition_context context = sender_context(sender, result->now_us);
  int32_t status = result->status == STATUS_OK ? STATUS_MALFORMED_RESPONSE : result->status;
  if (status == STATUS_ABORTED)
    context.retries = 0; /* nothing is sent any more: each batch gets its outcome */
  for (uint32_t i = 0; i < call->part_count; i++) {
    struct produce_part *part = &call->parts[i];
    if (part->batch == NULL) continue;
    sender_partition_retry(part->partition, part->batch, status, result->handed_over, &context);
    if (part->partition->retry_at_us <= result->now_us)
      routing_back_off(sender, part->partition, result->now_us);
  }
  cluster_want_refresh(&sender->cluster);
}

static void handed_over(struct sender *sender, struct produce_call *call, int64_t now_us) {
  struct sender_partition_context context = sender_context(sender, now_us);
  for (uint32_t i = 0; i < call->part_count; i++) {
    struct produce_part *part = &call->parts[i];
    if (part->batch != NULL)
      sender_partition_failed(part->partition, part->batch, STATUS_NO_ACKNOWLEDGEMENT, true, &context);
  }
}

static void answered(struct sender *sender, struct produce_call *call, const struct produce_response_end *end,
                     const struct request_result *result) {
  if (end->throttle_ms > 0) {
    sender->counters.throttled_ms += (uint64_t)end->throttle_ms;
    network_client_throttle(sender->client, result->node_id,
                            clock_add_us(result->now_us, (int64_t)end->throttle_ms * 1000));
    sender->listener.on_throttled(sender->listener.context, result->node_id, end->throttle_ms);
  }
  if (end->endpoint_count > 0) apply_endpoints(sender, call, *end, result->now_us);
  for (uint32_t i = 0; i < call->part_count; i++)
    if (call->parts[i].batch != NULL) apply_part(sender, &call->parts[i], call->version, result->now_us);
}

/* KIP-951: where the leaders named in the answer can be reached. */
static void apply_endpoints(struct sender *sender, const struct produce_call *call,
                            struct produce_response_end end, int64_t now_us) {
  for (int32_t i = 0; i < end.endpoint_count; i++) {
    struct produce_endpoint endpoint;
    produce_response_read_endpoint(&end, call->version, &endpoint);
    if (endpoint.node_id < 0 || endpoint.port < 1 || endpoint.port > UINT16_MAX || endpoint.host.size == 0)
      continue;
    struct broker_address address = {
        .node_id = endpoint.node_id, .host = endpoint.host, .port = endpoint.port};
    (void)network_client_update_broker(sender->client, &address, now_us); /* else metadata brings it */
  }
}

static void apply_part(struct sender *sender, struct produce_part *part, int16_t version, int64_t now_us) {
  struct sender_partition_context context = sender_context(sender, now_us);
  const struct produce_response_partition *answer = &part->answer;
  int32_t status = answer->error_code;
  switch (status) {
  case STATUS_OK:
    sender_partition_delivered(part->partition, part->batch, answer->base_offset, log_append_time_of(part),
                               &context);
    return;
  case STATUS_DUPLICATE_SEQUENCE_NUMBER:
    sender_partition_delivered(part->partition, part->batch, -1, -1, &context);
    return;
  case STATUS_OUT_OF_ORDER_SEQUENCE_NUMBER:
    sender->counters.out_of_order_answers++;
    out_of_order(sender, part, now_us);
    return;
  case STATUS_UNKNOWN_PRODUCER_ID:
  case STATUS_INVALID_PRODUCER_EPOCH:
  case STATUS_PRODUCER_FENCED: out_of_order(sender, part, now_us); return;
  case STATUS_MESSAGE_TOO_LARGE:
  case STATUS_RECORD_LIST_TOO_LARGE: too_large(sender, part, now_us); return;
  case STATUS_INVALID_RECORD:
  case STATUS_INVALID_TIMESTAMP:
    if (answer->record_error_count > 0) {
      bad_records(sender, part, version, now_us);
      return;
    }
    break;
  default: break;
  }
  if (status_has(status, STATUS_CLASS_RETRIABLE)) {
    refused_for_now(sender, part, now_us);
  } else {
    sender_partition_failed(part->partition, part->batch, status,
                            !status_has(status, STATUS_CLASS_NOT_APPENDED), &context);
  }
}

/* Brokers answer a duplicate with the newest timestamp of the batch that they have, whatever the topic's kind
 * of timestamps: that is no append time. */
static int64_t log_append_time_of(const struct produce_part *part) {
  bool is_own = part->batch->ambiguous && part->answer.log_append_time_ms == part->batch->max_timestamp_ms;
  return is_own ? -1 : part->answer.log_append_time_ms;
}

/* A question that was answered before, and did not help, waits a little. */
static void out_of_order(struct sender *sender, struct produce_part *part, int64_t now_us) {
  struct sender_partition_context context = sender_context(sender, now_us);
  struct sender_partition *partition = part->partition;
  uint64_t epochs_before = sender->counters.epochs_raised;
  sender_partition_out_of_order(partition, part->batch, part->answer.error_code, &context);
  routing_note_epochs(sender, partition, epochs_before, now_us);
  bool asks_again = partition->query.state == OUTCOME_QUERY_DUE && partition->query.attempts > 0;
  if (asks_again && partition->retry_at_us <= now_us) routing_back_off(sender, partition, now_us);
}

static void refused_for_now(struct sender *sender, struct produce_part *part, int64_t now_us) {
  struct sender_partition_context context = sender_context(sender, now_us);
  struct sender_partition *partition = part->partition;
  struct sender_topic *topic = part->batch->topic->sender;
  int32_t status = part->answer.error_code;
  sender_partition_retry(partition, part->batch, status, !status_has(status, STATUS_CLASS_NOT_APPENDED),
                         &context);
  struct partition_leader hint = {part->answer.leader_id, part->answer.leader_epoch};
  /* Also with a hint: its broker may not be known yet, and other partitions may have moved too. */
  if (status_has(status, STATUS_CLASS_REFRESH_METADATA)) cluster_doubt_topic(&sender->cluster, topic);
  (void)cluster_hint_leader(&sender->cluster, topic, partition->queue->index, hint);
  /* With another leader known there is nothing to wait for (KIP-951): on_leader has moved the partition. */
  if (partition->leader_id >= 0 && partition->leader_id != part->batch->broker) return;
  if (partition->retry_at_us <= now_us) routing_back_off(sender, partition, now_us);
}

/* A batch is halved, its parts take the halves of its sequences. One record alone is too large for good. */
static void too_large(struct sender *sender, struct produce_part *part, int64_t now_us) {
  struct sender_partition_context context = sender_context(sender, now_us);
  struct batch *batch = part->batch;
  int32_t status = part->answer.error_code;
  if (batch->record_count < 2 || batch->ambiguous) {
    sender_partition_failed(part->partition, batch, status, false, &context);
    return;
  }
  size_t uncompressed_bytes = batch->uncompressed_bytes;
  sender_partition_retry(part->partition, batch, status, false, &context);
  if (batch->state != BATCH_RETRY) return;
  if (!unpack(sender, batch) || split(sender, part->partition, batch, batch->record_count / 2) == NULL) {
    routing_back_off(sender, part->partition, now_us); /* memory is missing: asked again, and refused again */
    return;
  }
  sender->counters.batches_split++;
  gate_enter(&sender->gate);
  accumulator_shrink_batches(sender->accumulator, batch->topic,
                             uncompressed_bytes + RECORD_BATCH_HEADER_BYTES);
  gate_leave(&sender->gate);
}

/* KIP-467: the named records fail, their neighbours are sent again without them. */
static void bad_records(struct sender *sender, struct produce_part *part, int16_t version, int64_t now_us) {
  struct sender_partition_context context = sender_context(sender, now_us);
  struct batch *batch = part->batch;
  int32_t status = part->answer.error_code;
  uint8_t *bad = allocator_allocate_zeroed(batch->record_count, 1);
  if (batch->ambiguous || (bad != NULL && !mark_bad(part, version, bad))) {
    sender_partition_failed(part->partition, batch, status, false, &context);
  } else {
    sender_partition_retry(part->partition, batch, status, false, &context);
  }
  if (batch->state == BATCH_RETRY && (bad == NULL || !unpack(sender, batch))) {
    routing_back_off(sender, part->partition, now_us); /* memory is missing: asked again, and refused again */
  } else if (batch->state == BATCH_RETRY) {
    uint32_t record_count = batch->record_count;
    cut_pieces(sender, part->partition, batch, bad);
    fail_pieces(sender, part, bad, record_count, now_us);
  }
  allocator_free(bad);
}

/* False if an index is outside the batch, or all records are bad anyway. */
static bool mark_bad(struct produce_part *part, int16_t version, uint8_t *bad) {
  uint32_t marked = 0;
  struct produce_response_partition answer = part->answer;
  for (int32_t i = 0; i < answer.record_error_count; i++) {
    struct produce_record_error error;
    produce_response_read_record_error(&answer, version, &error);
    if (error.batch_index < 0 || (uint32_t)error.batch_index >= part->batch->record_count) return false;
    if (bad[error.batch_index] == 0) marked++;
    bad[error.batch_index] = 1;
  }
  return marked < part->batch->record_count;
}

/* Cuts where good and bad records meet, from the end, so that indexes stay. Without memory the rest stays
 * whole, to be sent and refused again. */
static void cut_pieces(struct sender *sender, struct sender_partition *partition, struct batch *batch,
                       const uint8_t *bad) {
  for (uint32_t at = batch->record_count - 1; at > 0; at--)
    if (bad[at] != bad[at - 1] && split(sender, partition, batch, at) == NULL) return;
}

/* The pieces of part->batch stand one behind the other; those with bad records only fail. */
static void fail_pieces(struct sender *sender, struct produce_part *part, const uint8_t *bad,
                        uint32_t record_count, int64_t now_us) {
  struct sender_partition_context context = sender_context(sender, now_us);
  context.more_follows = true;
  uint32_t index = 0;
  for (struct list *node = &part->batch->queue_node, *next; index < record_count; node = next) {
    struct batch *piece = LIST_ENTRY(node, struct batch, queue_node);
    next = node->next;
    bool is_bad = memchr(bad + index, 0, piece->record_count) == NULL;
    index += piece->record_count;
    if (is_bad) sender_partition_failed(part->partition, piece, part->answer.error_code, false, &context);
  }
  context.more_follows = false;
  sender_partition_settle_gaps(part->partition, &context);
}

/* The new batch behind it, NULL without memory. */
static struct batch *split(struct sender *sender, struct sender_partition *partition, struct batch *batch,
                           uint32_t at) {
  gate_enter(&sender->gate);
  struct batch *tail = accumulator_allocate_batch(sender->accumulator);
  if (tail != NULL) {
    batch_split(batch, at, tail);
    accumulator_adopt_split(sender->accumulator, batch, tail);
  }
  gate_leave(&sender->gate);
  if (tail != NULL) sender_partition_insert_split(partition, batch, tail);
  return tail;
}

static bool unpack(struct sender *sender, struct batch *batch) {
  return batch_decompress(batch, sender->compressor, sender->scratch, sender->settings.scratch_bytes);
}
