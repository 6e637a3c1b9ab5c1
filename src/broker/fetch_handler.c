#include "broker/fetch_handler.h"
#include "base/status.h"
#include "protocol/api.h"
#include "protocol/fetch.h"

/* However much a client asks for, one answer holds no more than this and one batch. */
enum { RESPONSE_MAX_BYTES = 16 * 1024 * 1024 };

/* Batches of a partition, end to end. */
struct batch_range {
  uint32_t first, end;
  size_t bytes;
};

static bool request_scan(struct broker_model *model, struct broker_call *call, struct fetch_request *request,
                         bool *ready);
static int32_t check_partition(const struct broker_model *model, const struct broker_partition *partition,
                               const struct fetch_request_partition *wanted);
static void answer_partition(struct broker_model *model, struct broker_call *call, struct bytes name,
                             const struct fetch_request_partition *wanted, size_t *left_bytes, bool *any);
static struct batch_range choose_batches(const struct broker_partition *partition, int64_t offset,
                                         size_t limit_bytes, bool at_least_one);

enum broker_answer fetch_handle(struct broker_model *model, struct broker_call *call) {
  int16_t version = call->header.api_version;
  struct wire_reader reader = call->reader;
  struct fetch_request request;
  bool ready = false, any = false;
  if (!request_scan(model, call, &request, &ready)) return BROKER_ANSWER_CUT;
  if (!ready && !call->last_chance && request.max_wait_ms > 0) {
    call->wait_ms = request.max_wait_ms;
    return BROKER_ANSWER_WAIT;
  }
  fetch_request_read(&reader, version, &request);
  bool has_session = request.session_id != 0; /* none was ever given out */
  struct fetch_response response = {.error_code = has_session ? STATUS_FETCH_SESSION_ID_NOT_FOUND : 0,
                                    .topic_count = has_session ? 0 : request.topic_count};
  size_t left_bytes = request.max_bytes < 0 ? 0 : (size_t)request.max_bytes;
  if (left_bytes > RESPONSE_MAX_BYTES) left_bytes = RESPONSE_MAX_BYTES;
  fetch_response_write(call->writer, version, &response);
  for (int32_t topic_index = 0; topic_index < response.topic_count; topic_index++) {
    struct fetch_topic topic = {0};
    fetch_request_read_topic(&reader, version, &topic);
    fetch_response_write_topic(call->writer, version, &topic);
    for (int32_t index = 0; index < topic.partition_count; index++) {
      struct fetch_request_partition wanted = {0};
      fetch_request_read_partition(&reader, version, &wanted);
      answer_partition(model, call, topic.name, &wanted, &left_bytes, &any);
    }
    fetch_request_read_topic_end(&reader, version);
    fetch_response_write_topic_end(call->writer, version);
  }
  fetch_response_write_end(call->writer, version);
  return BROKER_ANSWER_SEND;
}

/* Reads the whole request once. *ready when it can be answered at once: enough bytes, an error to tell, a
 * fault. */
static bool request_scan(struct broker_model *model, struct broker_call *call, struct fetch_request *request,
                         bool *ready) {
  int16_t version = call->header.api_version;
  struct wire_reader *reader = &call->reader;
  struct bytes rack_id;
  size_t bytes = 0;
  fetch_request_read(reader, version, request);
  for (int32_t topic_index = 0; topic_index < request->topic_count && !reader->failed; topic_index++) {
    struct fetch_topic topic = {0};
    fetch_request_read_topic(reader, version, &topic);
    struct broker_topic *found = reader->failed ? NULL : broker_topics_find(&model->topics, topic.name);
    for (int32_t index = 0; index < topic.partition_count && !reader->failed; index++) {
      struct fetch_request_partition wanted = {0};
      fetch_request_read_partition(reader, version, &wanted);
      struct broker_partition *partition = broker_topic_partition(found, wanted.index);
      if (reader->failed) break;
      if (check_partition(model, partition, &wanted) != STATUS_OK) {
        *ready = true;
      } else {
        bytes += choose_batches(partition, wanted.fetch_offset, RESPONSE_MAX_BYTES, true).bytes;
      }
    }
    fetch_request_read_topic_end(reader, version);
  }
  fetch_request_read_end(reader, version, &rack_id);
  if (request->min_bytes <= 0 || bytes >= (size_t)request->min_bytes || request->session_id != 0 ||
      request->topic_count <= 0 || broker_faults_any(&model->faults, API_FETCH))
    *ready = true;
  return !reader->failed;
}

static int32_t check_partition(const struct broker_model *model, const struct broker_partition *partition,
                               const struct fetch_request_partition *wanted) {
  if (partition == NULL) return STATUS_UNKNOWN_TOPIC_OR_PARTITION;
  int32_t status = broker_model_leadership(model, partition, wanted->current_leader_epoch);
  if (status != STATUS_OK) return status;
  bool inside = wanted->fetch_offset >= partition->log.start_offset &&
                wanted->fetch_offset <= partition->log.end_offset;
  return inside ? STATUS_OK : STATUS_OFFSET_OUT_OF_RANGE;
}

static void answer_partition(struct broker_model *model, struct broker_call *call, struct bytes name,
                             const struct fetch_request_partition *wanted, size_t *left_bytes, bool *any) {
  int16_t version = call->header.api_version;
  struct broker_partition *partition =
      broker_topic_partition(broker_topics_find(&model->topics, name), wanted->index);
  struct broker_fault hit = {0};
  broker_call_fault(model, call, name, wanted->index, &hit);
  int32_t status = hit.error_code != 0 ? hit.error_code : check_partition(model, partition, wanted);
  struct fetch_response_partition answer = {.index = wanted->index,
                                            .error_code = (int16_t)status,
                                            .high_watermark = -1,
                                            .last_stable_offset = -1,
                                            .log_start_offset = -1};
  struct batch_range range = {0};
  if (partition != NULL && (status == STATUS_OK || status == STATUS_OFFSET_OUT_OF_RANGE)) {
    answer.high_watermark = answer.last_stable_offset = broker_partition_high_watermark(partition);
    answer.log_start_offset = partition->log.start_offset;
  }
  if (status == STATUS_OK) {
    size_t limit_bytes = wanted->partition_max_bytes < 0 ? 0 : (size_t)wanted->partition_max_bytes;
    if (limit_bytes > *left_bytes) limit_bytes = *left_bytes;
    range = choose_batches(partition, wanted->fetch_offset, limit_bytes, !*any);
    if (range.bytes > 0) *any = true;
    *left_bytes -= range.bytes < *left_bytes ? range.bytes : *left_bytes;
  }
  answer.records_bytes = range.bytes;
  fetch_response_write_partition(call->writer, version, &answer);
  for (uint32_t index = range.first; index < range.end; index++) {
    const struct log_batch *batch = partition_log_at(&partition->log, index);
    wire_write_raw(call->writer, bytes_of(batch->data, batch->size));
  }
  fetch_response_write_partition_end(call->writer, version);
}

/* Whole committed batches from the one that holds offset, as many as fit; one that is too large for the limit
 * if it is the first of the answer, so that a consumer always gets on (KIP-74). */
static struct batch_range choose_batches(const struct broker_partition *partition, int64_t offset,
                                         size_t limit_bytes, bool at_least_one) {
  const struct partition_log *log = &partition->log;
  uint32_t first = partition_log_find(log, offset);
  struct batch_range range = {.first = first, .end = first};
  while (range.end < log->batch_count) {
    const struct log_batch *batch = partition_log_at(log, range.end);
    if (batch->base_offset >= broker_partition_high_watermark(partition)) break;
    size_t size = batch->size;
    bool fits = range.bytes + size <= limit_bytes || (at_least_one && range.end == first);
    if (!fits) break;
    range.bytes += size;
    range.end++;
  }
  return range;
}
