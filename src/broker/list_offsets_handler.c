#include "broker/list_offsets_handler.h"
#include "base/status.h"
#include "protocol/list_offsets.h"

static bool request_scan(struct broker_call *call, struct list_offsets_request *request);
static void answer_partition(struct broker_model *model, struct broker_call *call, struct bytes name,
                             const struct list_offsets_request_partition *wanted);
static void find_time(struct broker_model *model, const struct partition_log *log, int64_t timestamp_ms,
                      struct list_offsets_response_partition *answer);
static void find_newest(struct broker_model *model, const struct partition_log *log,
                        struct list_offsets_response_partition *answer);
static void find_record(struct broker_model *model, const struct log_batch *batch, int64_t timestamp_ms,
                        struct list_offsets_response_partition *answer);

enum broker_answer list_offsets_handle(struct broker_model *model, struct broker_call *call) {
  int16_t version = call->header.api_version;
  struct wire_reader reader = call->reader;
  struct list_offsets_request request;
  if (!request_scan(call, &request)) return BROKER_ANSWER_CUT;
  list_offsets_request_read(&reader, version, &request);
  struct list_offsets_response response = {.topic_count = request.topic_count};
  list_offsets_response_write(call->writer, version, &response);
  for (int32_t topic_index = 0; topic_index < request.topic_count; topic_index++) {
    struct list_offsets_topic topic = {0};
    list_offsets_request_read_topic(&reader, version, &topic);
    list_offsets_response_write_topic(call->writer, version, &topic);
    for (int32_t index = 0; index < topic.partition_count; index++) {
      struct list_offsets_request_partition wanted = {0};
      list_offsets_request_read_partition(&reader, version, &wanted);
      answer_partition(model, call, topic.name, &wanted);
    }
    list_offsets_request_read_topic_end(&reader, version);
    list_offsets_response_write_topic_end(call->writer, version);
  }
  list_offsets_response_write_end(call->writer, version);
  return BROKER_ANSWER_SEND;
}

static bool request_scan(struct broker_call *call, struct list_offsets_request *request) {
  int16_t version = call->header.api_version;
  struct wire_reader *reader = &call->reader;
  list_offsets_request_read(reader, version, request);
  for (int32_t topic_index = 0; topic_index < request->topic_count && !reader->failed; topic_index++) {
    struct list_offsets_topic topic = {0};
    list_offsets_request_read_topic(reader, version, &topic);
    for (int32_t index = 0; index < topic.partition_count && !reader->failed; index++) {
      struct list_offsets_request_partition wanted = {0};
      list_offsets_request_read_partition(reader, version, &wanted);
    }
    list_offsets_request_read_topic_end(reader, version);
  }
  list_offsets_request_read_end(reader, version);
  return !reader->failed;
}

static void answer_partition(struct broker_model *model, struct broker_call *call, struct bytes name,
                             const struct list_offsets_request_partition *wanted) {
  struct broker_partition *partition =
      broker_topic_partition(broker_topics_find(&model->topics, name), wanted->index);
  struct broker_fault hit = {0};
  broker_call_fault(model, call, name, wanted->index, &hit);
  int32_t status = STATUS_UNKNOWN_TOPIC_OR_PARTITION;
  if (partition != NULL) status = broker_model_leadership(model, partition, wanted->current_leader_epoch);
  if (hit.error_code != 0) status = hit.error_code;
  struct list_offsets_response_partition answer = {.index = wanted->index,
                                                   .error_code = (int16_t)status,
                                                   .timestamp_ms = -1,
                                                   .offset = -1,
                                                   .leader_epoch = -1};
  if (status == STATUS_OK) {
    answer.leader_epoch = partition->leader_epoch;
    switch (wanted->timestamp_ms) {
    case LIST_OFFSETS_LATEST: answer.offset = broker_partition_high_watermark(partition); break;
    case LIST_OFFSETS_EARLIEST: answer.offset = partition->log.start_offset; break;
    case LIST_OFFSETS_MAX_TIMESTAMP: find_newest(model, &partition->log, &answer); break;
    default: find_time(model, &partition->log, wanted->timestamp_ms, &answer); break;
    }
  }
  list_offsets_response_write_partition(call->writer, call->header.api_version, &answer);
}

static void find_time(struct broker_model *model, const struct partition_log *log, int64_t timestamp_ms,
                      struct list_offsets_response_partition *answer) {
  if (timestamp_ms < 0) {
    answer->error_code = STATUS_INVALID_REQUEST;
    return;
  }
  for (uint32_t index = 0; index < log->batch_count; index++) {
    const struct log_batch *batch = partition_log_at(log, index);
    if (batch->max_timestamp_ms < timestamp_ms) continue;
    find_record(model, batch, timestamp_ms, answer);
    return;
  }
}

static void find_newest(struct broker_model *model, const struct partition_log *log,
                        struct list_offsets_response_partition *answer) {
  const struct log_batch *newest = NULL;
  for (uint32_t index = 0; index < log->batch_count; index++) {
    const struct log_batch *batch = partition_log_at(log, index);
    if (newest == NULL || batch->max_timestamp_ms > newest->max_timestamp_ms) newest = batch;
  }
  if (newest != NULL) find_record(model, newest, newest->max_timestamp_ms, answer);
}

/* The batch's first record at or after the time; the batch's beginning when its records do not say. */
static void find_record(struct broker_model *model, const struct log_batch *batch, int64_t timestamp_ms,
                        struct list_offsets_response_partition *answer) {
  struct bytes stored = bytes_of(batch->data, batch->size);
  struct record_batch_header header;
  struct wire_reader records;
  size_t batch_bytes;
  answer->offset = batch->base_offset;
  answer->timestamp_ms = batch->max_timestamp_ms;
  if (record_batch_read(stored, &header, &batch_bytes) != RECORD_BATCH_VALID) return;
  if (batch_contents_open(&model->validator.contents, stored, &header, &records) != STATUS_OK) return;
  for (int32_t index = 0; index < header.record_count; index++) {
    struct record_view record;
    record_read(&records, &record);
    if (records.failed) return;
    int64_t record_ms = header.base_timestamp_ms + record.timestamp_delta;
    if (record_ms < timestamp_ms) continue;
    answer->offset = header.base_offset + record.offset_delta;
    answer->timestamp_ms = record_ms;
    return;
  }
}
