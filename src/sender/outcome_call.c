#include "sender/outcome_call.h"

#include "base/allocator.h"
#include "base/assertion.h"
#include "base/clock.h"
#include "base/status.h"
#include "protocol/describe_producers.h"
#include "protocol/request_header.h"
#include "sender/routing.h"

enum { PARTITIONS_MAXIMUM = 100 }; /* in a request */

/* How long a topic's partitions are not asked about after a broker would not tell. */
static const int64_t UNANSWERED_US = 10 * (int64_t)60 * 1000000;

static void dismiss(struct sender *sender, struct sender_node *node, int64_t now_us);
static struct outcome_call *take_call(struct sender *sender, struct sender_node *node);
static void take_partitions(struct outcome_call *call);
static bool write_request(struct outcome_call *call, int16_t version);
static int32_t run_of_topic(struct outcome_call *call, struct list *from);
static void begin(struct outcome_call *call, int64_t now_us);
static void on_complete(struct request *request, const struct request_result *result);
static bool waits_in_vain(struct outcome_call *call);
static bool read_answer(struct outcome_call *call, struct wire_reader reader, int16_t version, bool applies,
                        int64_t now_us);
static void read_partition(struct outcome_call *call, struct wire_reader *reader, int16_t version,
                           struct bytes topic, bool applies, int64_t now_us);
static struct sender_partition *find_partition(const struct outcome_call *call, struct bytes topic,
                                               int32_t index);
static void apply(struct outcome_call *call, struct sender_partition *partition, int32_t status,
                  const struct sender_partition_leader_state *state, int64_t now_us);
static void learn(struct outcome_call *call, struct sender_partition *partition,
                  const struct sender_partition_leader_state *state, int64_t now_us);
static void ask_again(struct sender *sender, struct sender_partition *partition, int64_t now_us);
static void refuse(struct sender *sender, struct sender_partition *partition, int32_t status, int64_t now_us);
static void stop(struct sender *sender, struct sender_partition *partition, int64_t now_us);

static inline struct sender_partition *partition_of(struct list *node) {
  return LIST_ENTRY(node, struct sender_partition, place_node);
}

static inline struct bytes name_of(const struct sender_partition *partition) {
  const struct topic *topic = partition->queue->topic;
  return bytes_of(topic->name, topic->name_bytes);
}

void outcome_call_step(struct sender *sender, struct sender_node *node, int64_t now_us) {
  if (node->outcome_call != NULL && node->outcome_call->is_open) return;
  dismiss(sender, node, now_us);
  if (list_is_empty(&node->asking) || !network_client_ready(sender->client, node->id, now_us)) return;
  const struct api_versions *versions = network_client_api_versions(sender->client, node->id);
  int16_t version = api_versions_choose(versions, API_DESCRIBE_PRODUCERS, INT16_MAX);
  struct outcome_call *call = version < 0 ? NULL : take_call(sender, node);
  if (call != NULL) {
    take_partitions(call);
    if (write_request(call, version)) {
      begin(call, now_us);
      return;
    }
    list_append_all(&node->asking, &call->partitions);
  }
  while (!list_is_empty(&node->asking)) /* it cannot be asked, or there is no memory to ask with */
    stop(sender, partition_of(node->asking.next), now_us);
}

void outcome_call_destroy(struct outcome_call *call) {
  if (call == NULL) return;
  ASSERT(!call->is_open && list_is_empty(&call->partitions));
  wire_writer_deinit(&call->writer);
  allocator_free(call);
}

/* Partitions of topics that would not be told about go on without. */
static void dismiss(struct sender *sender, struct sender_node *node, int64_t now_us) {
  for (struct list *at = node->asking.next, *next; at != &node->asking; at = next) {
    struct sender_partition *partition = partition_of(at);
    next = at->next;
    if (now_us < partition->queue->topic->sender->unanswered_until_us) stop(sender, partition, now_us);
  }
}

static struct outcome_call *take_call(struct sender *sender, struct sender_node *node) {
  if (node->outcome_call != NULL) return node->outcome_call;
  struct outcome_call *call = allocator_allocate_zeroed(1, sizeof *call);
  if (call == NULL) return NULL;
  call->owner = sender;
  call->node = node;
  list_init(&call->partitions);
  node->outcome_call = call;
  return call;
}

/* Topic by topic, each once. */
static void take_partitions(struct outcome_call *call) {
  struct list *asking = &call->node->asking;
  int32_t count = 0;
  while (!list_is_empty(asking) && count < PARTITIONS_MAXIMUM) {
    const struct topic *topic = partition_of(asking->next)->queue->topic;
    for (struct list *at = asking->next, *next; at != asking && count < PARTITIONS_MAXIMUM; at = next) {
      next = at->next;
      if (partition_of(at)->queue->topic != topic) continue;
      list_remove(at);
      list_append(&call->partitions, at);
      count++;
    }
  }
  call->asked_count = count;
}

static bool write_request(struct outcome_call *call, int16_t version) {
  struct wire_writer *writer = &call->writer;
  struct sender *sender = call->owner;
  struct describe_producers_request request = {0};
  for (struct list *at = call->partitions.next; at != &call->partitions; request.topic_count++)
    for (int32_t left = run_of_topic(call, at); left > 0; left--)
      at = at->next;
  wire_writer_reset(writer);
  int32_t correlation_id = network_client_next_correlation(sender->client);
  request_header_write(writer, &(struct request_header){.api_key = API_DESCRIBE_PRODUCERS,
                                                        .api_version = version,
                                                        .correlation_id = correlation_id,
                                                        .client_id = sender->settings.client_id});
  describe_producers_request_write(writer, version, &request);
  for (struct list *at = call->partitions.next; at != &call->partitions;) {
    int32_t count = run_of_topic(call, at);
    struct describe_producers_topic topic = {.name = name_of(partition_of(at)), .partition_count = count};
    describe_producers_request_write_topic(writer, version, &topic);
    for (; count > 0; count--, at = at->next)
      describe_producers_request_write_partition(writer, version, partition_of(at)->queue->index);
    describe_producers_request_write_topic_end(writer, version);
  }
  describe_producers_request_write_end(writer, version);
  request_frame_finish(writer, 0);
  if (writer->failed) return false;
  call->segment = (struct transport_segment){.data = writer->data, .size = writer->size};
  call->request = (struct request){
      .api_key = API_DESCRIBE_PRODUCERS,
      .api_version = version,
      .correlation_id = correlation_id,
      .expects_response = true,
      .segments = &call->segment,
      .segment_count = 1,
      .timeout_us = sender->settings.request_timeout_us,
      .complete = on_complete,
      .context = call,
  };
  return true;
}

/* How many partitions of one topic stand there. */
static int32_t run_of_topic(struct outcome_call *call, struct list *from) {
  int32_t count = 0;
  for (struct list *at = from; at != &call->partitions; at = at->next, count++)
    if (partition_of(at)->queue->topic != partition_of(from)->queue->topic) break;
  return count;
}

static void begin(struct outcome_call *call, int64_t now_us) {
  struct sender *sender = call->owner;
  for (struct list *at = call->partitions.next; at != &call->partitions; at = at->next) {
    struct sender_partition *partition = partition_of(at);
    outcome_query_set_state(&partition->query, OUTCOME_QUERY_OPEN);
    partition->query.attempts++;
    LOG(sender->settings.log, LOG_LEVEL_DEBUG, "asking broker %d what it has of %s-%d", (int)call->node->id,
        partition->queue->topic->name, (int)partition->queue->index);
  }
  call->is_open = true;
  network_client_send(sender->client, call->node->id, &call->request, now_us);
}

static void on_complete(struct request *request, const struct request_result *result) {
  struct outcome_call *call = request->context;
  struct sender *sender = call->owner;
  int32_t status = result->status;
  call->is_open = false;
  if (status == STATUS_OK && !read_answer(call, result->body, request->api_version, false, result->now_us)) {
    status = STATUS_MALFORMED_RESPONSE;
    network_client_close_node(sender->client, result->node_id, status,
                              "its answer about producers cannot be read", result->now_us);
  }
  if (status == STATUS_OK) {
    read_answer(call, result->body, request->api_version, true, result->now_us);
    if (waits_in_vain(call))
      network_client_close_node(sender->client, result->node_id, STATUS_MALFORMED_RESPONSE,
                                "its answer about producers leaves partitions out", result->now_us);
  }
  /* Whatever ended the connection, if it was not that there was no answer in time. */
  bool is_lost = result->status != STATUS_OK && status != STATUS_REQUEST_TIMED_OUT_LOCALLY;
  if (is_lost) cluster_want_refresh(&sender->cluster);
  while (!list_is_empty(&call->partitions)) { /* all, or those that the answer leaves out */
    struct sender_partition *partition = partition_of(call->partitions.next);
    if (status == STATUS_ABORTED || partition->query.state != OUTCOME_QUERY_OPEN) {
      routing_remove(partition); /* at the end of everything, or nothing is open any more */
      if (status != STATUS_ABORTED) routing_place(sender, partition, result->now_us);
    } else if (is_lost) {
      ask_again(sender, partition, result->now_us);
    } else {
      refuse(sender, partition, status == STATUS_OK ? STATUS_MALFORMED_RESPONSE : status, result->now_us);
    }
  }
}

/* Whether the answer has left out a partition that is still asked about. */
static bool waits_in_vain(struct outcome_call *call) {
  for (struct list *at = call->partitions.next; at != &call->partitions; at = at->next)
    if (partition_of(at)->query.state == OUTCOME_QUERY_OPEN) return true;
  return false;
}

/* Walks the whole answer; without `applies` only checks that it can be read and answers no more than was
 * asked. */
static bool read_answer(struct outcome_call *call, struct wire_reader reader, int16_t version, bool applies,
                        int64_t now_us) {
  struct describe_producers_response response;
  describe_producers_response_read(&reader, version, &response);
  int32_t left = call->asked_count;
  for (int32_t i = 0; i < response.topic_count && !reader.failed; i++) {
    struct describe_producers_topic topic;
    describe_producers_response_read_topic(&reader, version, &topic);
    if (topic.partition_count > left) wire_reader_fail(&reader);
    left -= topic.partition_count;
    for (int32_t j = 0; j < topic.partition_count && !reader.failed; j++)
      read_partition(call, &reader, version, topic.name, applies, now_us);
    describe_producers_response_read_topic_end(&reader, version);
  }
  describe_producers_response_read_end(&reader, version);
  if (applies && response.throttle_ms > 0)
    network_client_throttle(call->owner->client, call->node->id,
                            clock_add_us(now_us, (int64_t)response.throttle_ms * 1000));
  return !reader.failed;
}

/* Finds our producer among all that write there. */
static void read_partition(struct outcome_call *call, struct wire_reader *reader, int16_t version,
                           struct bytes topic, bool applies, int64_t now_us) {
  struct describe_producers_partition answer;
  describe_producers_response_read_partition(reader, version, &answer);
  struct sender_partition *partition = applies ? find_partition(call, topic, answer.index) : NULL;
  struct sender_partition_leader_state state = {0};
  for (int32_t i = 0; i < answer.producer_count && !reader->failed; i++) {
    struct describe_producers_producer producer;
    describe_producers_response_read_producer(reader, version, &producer);
    if (partition == NULL || producer.producer_id != partition->producer_id) continue;
    state = (struct sender_partition_leader_state){
        .is_known = true, .producer_epoch = producer.producer_epoch, .last_sequence = producer.last_sequence};
  }
  describe_producers_response_read_partition_end(reader, version);
  if (partition != NULL) apply(call, partition, answer.error_code, &state, now_us);
}

/* NULL if nobody waits for it (any more). */
static struct sender_partition *find_partition(const struct outcome_call *call, struct bytes topic,
                                               int32_t index) {
  for (struct list *at = call->partitions.next; at != &call->partitions; at = at->next) {
    struct sender_partition *partition = partition_of(at);
    bool is_asked = partition->query.state == OUTCOME_QUERY_OPEN && partition->queue->index == index;
    if (is_asked && bytes_equal(name_of(partition), topic)) return partition;
  }
  return NULL;
}

static void apply(struct outcome_call *call, struct sender_partition *partition, int32_t status,
                  const struct sender_partition_leader_state *state, int64_t now_us) {
  struct sender *sender = call->owner;
  if (status == STATUS_OK) {
    learn(call, partition, state, now_us);
  } else if (status_has(status, STATUS_CLASS_RETRIABLE)) {
    if (status_has(status, STATUS_CLASS_REFRESH_METADATA))
      cluster_doubt_topic(&sender->cluster, partition->queue->topic->sender);
    ask_again(sender, partition, now_us);
  } else {
    refuse(sender, partition, status, now_us);
  }
}

static void learn(struct outcome_call *call, struct sender_partition *partition,
                  const struct sender_partition_leader_state *state, int64_t now_us) {
  struct sender *sender = call->owner;
  const char *name = partition->queue->topic->name;
  int index = (int)partition->queue->index;
  if (state->is_known) {
    LOG(sender->settings.log, LOG_LEVEL_DEBUG, "broker %d has %s-%d up to sequence %d of epoch %d",
        (int)call->node->id, name, index, (int)state->last_sequence, (int)state->producer_epoch);
  } else {
    LOG(sender->settings.log, LOG_LEVEL_DEBUG, "broker %d remembers nothing of %s-%d", (int)call->node->id,
        name, index);
  }
  struct sender_partition_context context = sender_context(sender, now_us);
  uint64_t epochs_before = sender->counters.epochs_raised;
  sender_partition_learn(partition, state, &context);
  routing_note_epochs(sender, partition, epochs_before, now_us);
  routing_place(sender, partition, now_us);
}

/* It leads no longer, or the connection was lost. */
static void ask_again(struct sender *sender, struct sender_partition *partition, int64_t now_us) {
  if (partition->query.attempts >= OUTCOME_QUERY_ATTEMPTS_MAXIMUM) {
    stop(sender, partition, now_us);
    return;
  }
  outcome_query_set_state(&partition->query, OUTCOME_QUERY_DUE);
  routing_back_off(sender, partition, now_us);
  routing_place(sender, partition, now_us);
}

static void refuse(struct sender *sender, struct sender_partition *partition, int32_t status,
                   int64_t now_us) {
  struct sender_topic *topic = partition->queue->topic->sender;
  if (now_us >= topic->unanswered_until_us)
    LOG(sender->settings.log, LOG_LEVEL_INFO, "brokers do not tell what they have of topic %s: %s (%s)%s",
        topic->topic->name, status_name(status), status_text(status),
        status_has(status, STATUS_CLASS_AUTHORIZATION) ? "; READ on it allows them to" : "");
  topic->unanswered_until_us = clock_add_us(now_us, UNANSWERED_US);
  stop(sender, partition, now_us);
}

static void stop(struct sender *sender, struct sender_partition *partition, int64_t now_us) {
  struct sender_partition_context context = sender_context(sender, now_us);
  uint64_t epochs_before = sender->counters.epochs_raised;
  sender_partition_stop_asking(partition, &context);
  routing_note_epochs(sender, partition, epochs_before, now_us);
  routing_place(sender, partition, now_us);
}
