#include "broker/produce_handler.h"
#include "base/allocator.h"
#include "base/assertion.h"
#include "base/status.h"
#include "protocol/produce.h"

enum { FIRST_VERSION_BY_ID = 13, HINTED_NODES_MAX = 16 };

/* What one produce request has come to so far. */
struct produce_progress {
  int16_t acks;
  bool any_error;
  int32_t hinted_nodes[HINTED_NODES_MAX]; /* leaders that answers named (KIP-951) */
  int32_t hinted_count;
};

static bool request_scan(struct broker_model *model, struct broker_call *call,
                         struct produce_request *request, uint32_t *partition_count, bool *dropped);
static bool reserve_appends(struct broker_model *model, uint32_t count);
static struct broker_topic *find_topic(const struct broker_model *model, int16_t version,
                                       const struct produce_request_topic *wanted);
static void answer_topic(struct broker_model *model, struct broker_call *call, struct wire_reader *reader,
                         struct produce_progress *progress);
static struct produce_response_partition
answer_partition(struct broker_model *model, struct broker_call *call, struct broker_topic *topic,
                 struct bytes name, const struct produce_request_partition *wanted, int16_t acks);
static int64_t append(struct broker_model *model, const struct broker_call *call,
                      struct broker_partition *partition, struct bytes records,
                      struct produce_response_partition *answer);
static void note_append(struct broker_model *model, struct broker_topic *topic, int32_t partition,
                        int64_t end_offset);
static bool is_awaited(const struct broker_model *model, int16_t acks);
static int32_t judge_identity(struct broker_model *model, struct broker_partition *partition,
                              const struct producer_batch_identity *identity,
                              struct produce_response_partition *answer, bool *duplicate);
static int32_t store(struct broker_model *model, struct broker_partition *partition, struct bytes records,
                     const struct record_batch_header *header, int64_t *base_offset);
static void refuse(struct broker_model *model, struct produce_response_partition *answer, int32_t status,
                   const char *message);
static void note_hint(struct produce_progress *progress, int32_t leader_id);
static void write_end(struct broker_model *model, struct broker_call *call,
                      const struct produce_progress *progress);

enum broker_answer produce_handle(struct broker_model *model, struct broker_call *call) {
  int16_t version = call->header.api_version;
  struct wire_reader reader = call->reader;
  struct produce_request request;
  bool dropped = false;
  uint32_t partition_count = 0;
  if (!request_scan(model, call, &request, &partition_count, &dropped) || dropped) return BROKER_ANSWER_CUT;
  if (!reserve_appends(model, partition_count)) return BROKER_ANSWER_CUT;
  struct produce_progress progress = {.acks = request.acks};
  produce_request_read(&reader, version, &request);
  produce_response_write(call->writer, version, request.topic_count);
  for (int32_t index = 0; index < request.topic_count; index++)
    answer_topic(model, call, &reader, &progress);
  write_end(model, call, &progress);
  model->append_timeout_ms = request.timeout_ms;
  if (request.acks != 0) return is_awaited(model, request.acks) ? BROKER_ANSWER_DELAY : BROKER_ANSWER_SEND;
  /* Without an answer a broker has no other way to tell of an error. */
  return progress.any_error ? BROKER_ANSWER_CUT : BROKER_ANSWER_NONE;
}

/* Room to note the append of each partition, so that one cannot happen unnoticed. */
static bool reserve_appends(struct broker_model *model, uint32_t count) {
  if (count <= model->append_capacity) return true;
  struct broker_append *appends = allocator_reallocate(model->appends, count * sizeof *appends);
  if (appends == NULL) return false;
  model->appends = appends;
  model->append_capacity = count;
  return true;
}

/* Reads the whole request once, so that one that is malformed at its end changes nothing. */
static bool request_scan(struct broker_model *model, struct broker_call *call,
                         struct produce_request *request, uint32_t *partition_count, bool *dropped) {
  int16_t version = call->header.api_version;
  struct wire_reader *reader = &call->reader;
  produce_request_read(reader, version, request);
  for (int32_t topic_index = 0; topic_index < request->topic_count && !reader->failed; topic_index++) {
    struct produce_request_topic wanted = {0};
    produce_request_read_topic(reader, version, &wanted);
    if (version < FIRST_VERSION_BY_ID && wanted.name.data == NULL) wire_reader_fail(reader);
    struct broker_topic *topic = find_topic(model, version, &wanted);
    struct bytes name = topic != NULL ? bytes_of_string(topic->name) : wanted.name;
    for (int32_t index = 0; index < wanted.partition_count && !reader->failed; index++) {
      struct produce_request_partition partition = {0};
      produce_request_read_partition(reader, version, &partition);
      ++*partition_count;
      if (!reader->failed && broker_call_dropped(model, call, name, partition.index)) *dropped = true;
    }
    produce_request_read_topic_end(reader, version);
  }
  produce_request_read_end(reader, version);
  return !reader->failed;
}

static struct broker_topic *find_topic(const struct broker_model *model, int16_t version,
                                       const struct produce_request_topic *wanted) {
  if (version >= FIRST_VERSION_BY_ID) return broker_topics_find_id(&model->topics, &wanted->id);
  return broker_topics_find(&model->topics, wanted->name);
}

static void answer_topic(struct broker_model *model, struct broker_call *call, struct wire_reader *reader,
                         struct produce_progress *progress) {
  int16_t version = call->header.api_version;
  struct produce_request_topic wanted = {0};
  produce_request_read_topic(reader, version, &wanted);
  struct broker_topic *topic = find_topic(model, version, &wanted);
  struct bytes name = topic != NULL ? bytes_of_string(topic->name) : wanted.name;
  struct produce_response_topic answered = {
      .name = wanted.name, .id = wanted.id, .partition_count = wanted.partition_count};
  produce_response_write_topic(call->writer, version, &answered);
  for (int32_t index = 0; index < wanted.partition_count; index++) {
    struct produce_request_partition partition = {0};
    produce_request_read_partition(reader, version, &partition);
    uint32_t appends_before = model->append_count;
    struct produce_response_partition answer =
        answer_partition(model, call, topic, name, &partition, progress->acks);
    if (answer.error_code != 0) progress->any_error = true;
    /* partition_response => index:INT32 error_code:INT16 rest */
    if (appends_before < model->append_count && answer.error_code == 0)
      model->appends[appends_before].error_at = call->writer->size + sizeof(int32_t);
    if (answer.leader_id >= 0) note_hint(progress, answer.leader_id);
    produce_response_write_partition(call->writer, version, &answer, model->validator.errors);
  }
  produce_request_read_topic_end(reader, version);
  produce_response_write_topic_end(call->writer, version);
}

static struct produce_response_partition
answer_partition(struct broker_model *model, struct broker_call *call, struct broker_topic *topic,
                 struct bytes name, const struct produce_request_partition *wanted, int16_t acks) {
  struct produce_response_partition answer = {.index = wanted->index,
                                              .base_offset = -1,
                                              .log_append_time_ms = -1,
                                              .log_start_offset = -1,
                                              .leader_id = -1,
                                              .leader_epoch = -1};
  struct broker_partition *partition = broker_topic_partition(topic, wanted->index);
  struct broker_fault hit = {0};
  broker_call_fault(model, call, name, wanted->index, &hit);
  if (hit.error_code != 0 && !hit.after_append) {
    refuse(model, &answer, hit.error_code, "A fault was injected");
  } else if (acks < -1 || acks > 1) {
    refuse(model, &answer, STATUS_INVALID_REQUIRED_ACKS, "acks must be -1, 0 or 1");
  } else if (topic == NULL) {
    bool by_id = call->header.api_version >= FIRST_VERSION_BY_ID;
    refuse(model, &answer, by_id ? STATUS_UNKNOWN_TOPIC_ID : STATUS_UNKNOWN_TOPIC_OR_PARTITION, NULL);
  } else if (partition == NULL) {
    refuse(model, &answer, STATUS_UNKNOWN_TOPIC_OR_PARTITION, NULL);
  } else if (broker_model_leadership(model, partition, -1) != STATUS_OK) {
    refuse(model, &answer, broker_model_leadership(model, partition, -1), NULL);
    answer.leader_id = partition->leader_id;
    answer.leader_epoch = partition->leader_epoch;
  } else if (acks == -1 && broker_partition_lacks_replicas(partition)) {
    refuse(model, &answer, STATUS_NOT_ENOUGH_REPLICAS, NULL);
  } else {
    int64_t end_offset = append(model, call, partition, wanted->records, &answer);
    if (end_offset >= 0 && partition->replicas != NULL) note_append(model, topic, wanted->index, end_offset);
    if (hit.error_code != 0 && answer.error_code == STATUS_OK) { /* else there is nothing to be after */
      answer.error_code = hit.error_code;
      answer.base_offset = answer.log_append_time_ms = answer.log_start_offset = -1;
    }
  }
  if (hit.leader_hint) {
    answer.leader_id = hit.leader_id;
    answer.leader_epoch = hit.leader_epoch;
  }
  return answer;
}

/* Returns the end of the batch in the log; -1 if it is not there. */
static int64_t append(struct broker_model *model, const struct broker_call *call,
                      struct broker_partition *partition, struct bytes records,
                      struct produce_response_partition *answer) {
  struct batch_rules rules = {.message_max_bytes = model->settings.message_max_bytes,
                              .check_records = model->settings.check_records,
                              .timestamp_ahead_max_ms = model->settings.timestamp_ahead_max_ms,
                              .refused_value = bytes_of_string(model->refused_value)};
  struct batch_judgement judgement =
      batch_validator_check(&model->validator, &rules, records, call->header.api_version, call->now_ms);
  if (judgement.error_code != 0) {
    refuse(model, answer, judgement.error_code, judgement.message);
    answer->record_error_count = model->validator.error_count;
    return -1;
  }
  const struct record_batch_header *header = &judgement.header;
  struct producer_batch_identity identity = {.producer_id = header->producer_id,
                                             .producer_epoch = header->producer_epoch,
                                             .base_sequence = header->base_sequence,
                                             .record_count = header->record_count};
  bool duplicate = false;
  int32_t status = judge_identity(model, partition, &identity, answer, &duplicate);
  if (status == STATUS_OK && !duplicate) {
    status = store(model, partition, records, header, &answer->base_offset);
    if (status != STATUS_OK) refuse(model, answer, STATUS_KAFKA_STORAGE_ERROR, "The log could not grow");
    if (status == STATUS_OK && header->producer_id >= 0)
      producer_state_record(&partition->producers, &identity, answer->base_offset, header->max_timestamp_ms);
  }
  if (answer->error_code != 0) return -1;
  answer->log_start_offset = partition->log.start_offset;
  return answer->base_offset + header->record_count;
}

/* The memory is there: produce_handle has reserved it. */
static void note_append(struct broker_model *model, struct broker_topic *topic, int32_t partition,
                        int64_t end_offset) {
  ASSERT(model->append_count < model->append_capacity);
  model->appends[model->append_count++] =
      (struct broker_append){.topic = topic, .partition = partition, .end_offset = end_offset};
}

static bool is_awaited(const struct broker_model *model, int16_t acks) {
  for (uint32_t index = 0; acks == -1 && index < model->append_count; index++) {
    if (model->appends[index].error_at != 0) return true;
  }
  return false;
}

/* Judges a batch by its producer; a refusal is put into the answer. */
static int32_t judge_identity(struct broker_model *model, struct broker_partition *partition,
                              const struct producer_batch_identity *identity,
                              struct produce_response_partition *answer, bool *duplicate) {
  struct producer_batch_place place;
  if (identity->producer_id < 0) return STATUS_OK;
  switch (producer_state_check(&partition->producers, identity, &place)) {
  case PRODUCER_BATCH_ACCEPTED: break;
  case PRODUCER_BATCH_DUPLICATE:
    model->counters.duplicates++;
    *duplicate = true;
    answer->base_offset = place.base_offset;
    /* Brokers fill this in for a duplicate whatever the topic's kind of timestamps. */
    answer->log_append_time_ms = place.max_timestamp_ms;
    return STATUS_OK;
  case PRODUCER_BATCH_OUT_OF_ORDER:
    model->counters.out_of_order++;
    answer->error_code = STATUS_OUT_OF_ORDER_SEQUENCE_NUMBER;
    return answer->error_code;
  case PRODUCER_BATCH_FENCED:
    model->counters.fenced++;
    answer->error_code = STATUS_INVALID_PRODUCER_EPOCH;
    return answer->error_code;
  }
  int32_t status = producer_state_reserve(&partition->producers);
  if (status != STATUS_OK)
    refuse(model, answer, STATUS_KAFKA_STORAGE_ERROR, "No memory for the producer's state");
  return status;
}

static int32_t store(struct broker_model *model, struct broker_partition *partition, struct bytes records,
                     const struct record_batch_header *header, int64_t *base_offset) {
  struct partition_log *log = &partition->log;
  size_t bytes_before = log->bytes;
  int32_t status = partition_log_append(log, records, header->record_count, header->max_timestamp_ms,
                                        partition->leader_epoch, base_offset);
  if (status != STATUS_OK) return status;
  model->data_bytes = model->data_bytes - bytes_before + log->bytes;
  model->counters.batches_appended++;
  model->counters.records_appended += (uint64_t)header->record_count;
  model->counters.bytes_appended += records.size;
  broker_model_trim(model);
  return STATUS_OK;
}

static void refuse(struct broker_model *model, struct produce_response_partition *answer, int32_t status,
                   const char *message) {
  model->counters.refused++;
  answer->error_code = (int16_t)status;
  answer->error_message = bytes_of_string(message);
}

static void note_hint(struct produce_progress *progress, int32_t leader_id) {
  for (int32_t index = 0; index < progress->hinted_count; index++) {
    if (progress->hinted_nodes[index] == leader_id) return;
  }
  if (progress->hinted_count < HINTED_NODES_MAX) progress->hinted_nodes[progress->hinted_count++] = leader_id;
}

static void write_end(struct broker_model *model, struct broker_call *call,
                      const struct produce_progress *progress) {
  struct produce_endpoint endpoints[HINTED_NODES_MAX];
  struct produce_response_end end = {.throttle_ms = call->throttle_ms};
  for (int32_t index = 0; index < progress->hinted_count; index++) {
    const struct broker_node *node = broker_model_node(model, progress->hinted_nodes[index]);
    if (node == NULL) continue;
    endpoints[end.endpoint_count++] = (struct produce_endpoint){
        .node_id = node->node_id, .host = bytes_of_string(node->host), .port = node->port};
  }
  produce_response_write_end(call->writer, call->header.api_version, &end, endpoints);
}
