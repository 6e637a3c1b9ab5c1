#include "broker/describe_producers_handler.h"
#include "base/status.h"
#include "protocol/describe_producers.h"

static bool request_scan(struct broker_call *call, struct describe_producers_request *request);
static void answer_partition(struct broker_model *model, struct broker_call *call, struct bytes name,
                             int32_t index);
static void write_producers(const struct producer_state *state, struct broker_call *call);

enum broker_answer describe_producers_handle(struct broker_model *model, struct broker_call *call) {
  int16_t version = call->header.api_version;
  struct wire_reader reader = call->reader;
  struct describe_producers_request request;
  if (!request_scan(call, &request)) return BROKER_ANSWER_CUT;
  describe_producers_request_read(&reader, version, &request);
  struct describe_producers_response response = {.topic_count = request.topic_count};
  size_t throttle_at = call->writer->size;
  describe_producers_response_write(call->writer, version, &response);
  for (int32_t topic_index = 0; topic_index < request.topic_count; topic_index++) {
    struct describe_producers_topic topic = {0};
    describe_producers_request_read_topic(&reader, version, &topic);
    describe_producers_response_write_topic(call->writer, version, &topic);
    for (int32_t i = 0; i < topic.partition_count; i++)
      answer_partition(model, call, topic.name, describe_producers_request_read_partition(&reader, version));
    describe_producers_request_read_topic_end(&reader, version);
    describe_producers_response_write_topic_end(call->writer, version);
  }
  describe_producers_response_write_end(call->writer, version);
  if (!call->writer->failed) wire_patch_int32(call->writer, throttle_at, call->throttle_ms);
  return BROKER_ANSWER_SEND;
}

static bool request_scan(struct broker_call *call, struct describe_producers_request *request) {
  int16_t version = call->header.api_version;
  struct wire_reader *reader = &call->reader;
  describe_producers_request_read(reader, version, request);
  for (int32_t topic_index = 0; topic_index < request->topic_count && !reader->failed; topic_index++) {
    struct describe_producers_topic topic = {0};
    describe_producers_request_read_topic(reader, version, &topic);
    for (int32_t i = 0; i < topic.partition_count && !reader->failed; i++)
      describe_producers_request_read_partition(reader, version);
    describe_producers_request_read_topic_end(reader, version);
  }
  describe_producers_request_read_end(reader, version);
  return !reader->failed;
}

static void answer_partition(struct broker_model *model, struct broker_call *call, struct bytes name,
                             int32_t index) {
  int16_t version = call->header.api_version;
  struct broker_partition *partition =
      broker_topic_partition(broker_topics_find(&model->topics, name), index);
  struct broker_fault hit = {0};
  broker_call_fault(model, call, name, index, &hit);
  int32_t status = STATUS_UNKNOWN_TOPIC_OR_PARTITION;
  if (partition != NULL) status = broker_model_leadership(model, partition, -1);
  if (hit.error_code != 0) status = hit.error_code;
  struct describe_producers_partition answer = {.index = index, .error_code = (int16_t)status};
  if (status == STATUS_OK) answer.producer_count = (int32_t)partition->producers.entry_count;
  describe_producers_response_write_partition(call->writer, version, &answer);
  if (status == STATUS_OK) write_producers(&partition->producers, call);
  describe_producers_response_write_partition_end(call->writer, version);
}

static void write_producers(const struct producer_state *state, struct broker_call *call) {
  for (uint32_t slot = 0; slot < state->capacity; slot++) {
    const struct producer_entry *entry = &state->slots[slot];
    if (entry->batch_count == 0) continue;
    const struct producer_batch_place *newest = &entry->batches[entry->batch_count - 1];
    describe_producers_response_write_producer(
        call->writer, call->header.api_version,
        &(struct describe_producers_producer){.producer_id = entry->producer_id,
                                              .producer_epoch = entry->producer_epoch,
                                              .last_sequence = newest->last_sequence,
                                              .last_timestamp_ms = newest->max_timestamp_ms,
                                              .coordinator_epoch = -1,
                                              .transaction_start_offset = -1});
  }
}
