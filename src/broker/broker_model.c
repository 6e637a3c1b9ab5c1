#include "broker/broker_model.h"
#include "base/allocator.h"
#include "base/status.h"
#include "broker/api_versions_handler.h"
#include "broker/broker_state.h"
#include "broker/describe_producers_handler.h"
#include "broker/fetch_handler.h"
#include "broker/find_coordinator_handler.h"
#include "broker/init_producer_id_handler.h"
#include "broker/list_offsets_handler.h"
#include "broker/metadata_handler.h"
#include "broker/produce_handler.h"
#include "protocol/api.h"
#include <string.h>

enum { EXPIRY_CHECK_INTERVAL_MS = 1000, PRODUCER_IDS_PER_NODE = 1000000 };

static enum broker_answer call_dispatch(struct broker_model *model, struct broker_call *call);
static enum broker_answer call_finish(const struct broker_call *call, enum broker_answer answer,
                                      size_t frame_at);
static void frame_corrupt(struct wire_writer *writer, size_t frame_at, enum broker_corruption corruption);
static void partitions_restart(struct broker_model *model, int64_t now_ms, int64_t expiration_ms);
static void producers_expire(struct broker_model *model, int64_t now_ms);
static struct broker_partition *partition_find(const struct broker_model *model, const char *topic,
                                               int32_t partition);

void broker_settings_init(struct broker_settings *settings) {
  *settings = (struct broker_settings){.node_id = 1,
                                       .cluster_id = "sendoff-embedded-broker",
                                       .seed = 1,
                                       .partition_limit_bytes = (size_t)64 << 20,
                                       .data_limit_bytes = (size_t)1 << 30,
                                       .message_max_bytes = 1048588,
                                       .timestamp_ahead_max_ms = 3600 * 1000,
                                       .check_records = true};
}

int32_t broker_model_create(const struct broker_settings *settings, struct broker_model **model) {
  if (settings->node_id < 0 || settings->auto_create_partitions < 0 ||
      settings->auto_create_partitions > BROKER_TOPIC_MAX_PARTITIONS ||
      settings->producer_id_expiration_ms < 0 || settings->timestamp_ahead_max_ms < 0)
    return STATUS_INVALID_ARGUMENT;
  struct broker_model *created = allocator_allocate_zeroed(1, sizeof *created);
  if (created == NULL) return STATUS_OUT_OF_MEMORY;
  created->settings = *settings;
  created->next_producer_id = (int64_t)settings->node_id * PRODUCER_IDS_PER_NODE;
  broker_topics_init(&created->topics, settings->seed, settings->partition_limit_bytes);
  broker_faults_init(&created->faults);
  if (settings->cluster_id != NULL) {
    created->cluster_id = allocator_copy_string(settings->cluster_id);
    created->settings.cluster_id = created->cluster_id;
    if (created->cluster_id == NULL) {
      broker_model_destroy(created);
      return STATUS_OUT_OF_MEMORY;
    }
  }
  *model = created;
  return STATUS_OK;
}

void broker_model_destroy(struct broker_model *model) {
  if (model == NULL) return;
  broker_faults_clear(&model->faults);
  broker_topics_deinit(&model->topics);
  batch_validator_deinit(&model->validator);
  for (int32_t index = 0; index < model->node_count; index++)
    allocator_free(model->nodes[index].host);
  allocator_free(model->nodes);
  allocator_free(model->appends);
  allocator_free(model->refused_value);
  allocator_free(model->cluster_id);
  allocator_free(model);
}

enum broker_answer broker_model_handle(struct broker_model *model, int64_t now_ms, struct bytes request,
                                       bool last_chance, struct wire_writer *response, int64_t *wait_ms) {
  struct broker_call call = {
      .now_ms = now_ms, .last_chance = last_chance, .reader = wire_reader_of(request), .writer = response};
  size_t frame_at = response->size;
  model->append_count = 0;
  producers_expire(model, now_ms);
  request_header_read(&call.reader, &call.header);
  if (call.reader.failed) {
    model->counters.malformed++;
    return BROKER_ANSWER_CUT;
  }
  wire_write_int32(response, 0);
  response_header_write(response, call.header.api_key, call.header.api_version, call.header.correlation_id);
  enum broker_answer answer = call_dispatch(model, &call);
  if (call.reader.failed) model->counters.malformed++;
  if (answer != BROKER_ANSWER_WAIT) model->counters.requests[call.header.api_key]++;
  *wait_ms = call.wait_ms;
  return call_finish(&call, answer, frame_at);
}

uint64_t broker_model_append_count(const struct broker_model *model) {
  return model->counters.batches_appended;
}

const struct broker_counters *broker_model_counters(const struct broker_model *model) {
  return &model->counters;
}

bool broker_call_dropped(struct broker_model *model, const struct broker_call *call, struct bytes topic,
                         int32_t partition) {
  struct broker_fault hit;
  if (!broker_faults_take(&model->faults, true, call->header.api_key, topic, partition, &hit)) return false;
  model->counters.faults++;
  return true;
}

bool broker_call_fault(struct broker_model *model, struct broker_call *call, struct bytes topic,
                       int32_t partition, struct broker_fault *hit) {
  if (!broker_faults_take(&model->faults, false, call->header.api_key, topic, partition, hit)) return false;
  model->counters.faults++;
  call->drop_response |= hit->drop_response;
  call->withhold_response |= hit->withhold_response;
  if (hit->throttle_ms > call->throttle_ms) call->throttle_ms = hit->throttle_ms;
  if (hit->corruption != BROKER_CORRUPTION_NONE) call->corruption = hit->corruption;
  return true;
}

const struct broker_node *broker_model_node(const struct broker_model *model, int32_t node_id) {
  for (int32_t index = 0; index < model->node_count; index++) {
    if (model->nodes[index].node_id == node_id) return &model->nodes[index];
  }
  return NULL;
}

int32_t broker_model_leadership(const struct broker_model *model, const struct broker_partition *partition,
                                int32_t leader_epoch) {
  if (leader_epoch >= 0 && leader_epoch < partition->leader_epoch) return STATUS_FENCED_LEADER_EPOCH;
  if (leader_epoch > partition->leader_epoch) return STATUS_UNKNOWN_LEADER_EPOCH;
  return partition->leader_id == model->settings.node_id ? STATUS_OK : STATUS_NOT_LEADER_OR_FOLLOWER;
}

int32_t broker_model_follow(struct broker_model *model, struct broker_partition *partition,
                            const struct log_batch *batch) {
  size_t bytes_before = partition->log.bytes;
  int32_t status = broker_partition_follow(partition, batch);
  model->data_bytes = model->data_bytes - bytes_before + partition->log.bytes;
  return status;
}

int32_t broker_model_truncate(struct broker_model *model, struct broker_partition *partition, int64_t offset,
                              int64_t now_ms) {
  size_t bytes_before = partition->log.bytes;
  int32_t status =
      broker_partition_truncate(partition, offset, now_ms, model->settings.producer_id_expiration_ms);
  model->data_bytes = model->data_bytes - bytes_before + partition->log.bytes;
  return status;
}

void broker_model_trim(struct broker_model *model) {
  while (model->settings.data_limit_bytes != 0 && model->data_bytes > model->settings.data_limit_bytes) {
    struct partition_log *largest = NULL;
    for (uint32_t index = 0; index < model->topics.count; index++) {
      struct broker_topic *topic = model->topics.by_name[index];
      for (int32_t partition = 0; partition < topic->partition_count; partition++) {
        struct partition_log *log = &topic->partitions[partition].log;
        if (log->batch_count > 1 && (largest == NULL || log->bytes > largest->bytes)) largest = log;
      }
    }
    if (largest == NULL) return;
    model->data_bytes -= partition_log_drop_oldest(largest);
  }
}

int32_t broker_model_set_node(struct broker_model *model, int32_t node_id, const char *host, int32_t port) {
  char *copy = allocator_copy_string(host);
  if (copy == NULL) return STATUS_OUT_OF_MEMORY;
  for (int32_t index = 0; index < model->node_count; index++) {
    if (model->nodes[index].node_id != node_id) continue;
    allocator_free(model->nodes[index].host);
    model->nodes[index].host = copy;
    model->nodes[index].port = port;
    return STATUS_OK;
  }
  struct broker_node *nodes =
      allocator_reallocate(model->nodes, (size_t)(model->node_count + 1) * sizeof *model->nodes);
  if (nodes == NULL) {
    allocator_free(copy);
    return STATUS_OUT_OF_MEMORY;
  }
  model->nodes = nodes;
  nodes[model->node_count++] = (struct broker_node){.node_id = node_id, .host = copy, .port = port};
  return STATUS_OK;
}

int32_t broker_model_create_topic(struct broker_model *model, const char *name, int32_t partition_count) {
  struct broker_topic *topic = NULL;
  return broker_topics_create(&model->topics, bytes_of_string(name), partition_count, model->settings.node_id,
                              &topic);
}

int32_t broker_model_delete_topic(struct broker_model *model, const char *name) {
  struct broker_topic *topic = broker_topics_find(&model->topics, bytes_of_string(name));
  if (topic == NULL) return STATUS_UNKNOWN_TOPIC_OR_PARTITION;
  for (int32_t index = 0; index < topic->partition_count; index++)
    model->data_bytes -= topic->partitions[index].log.bytes;
  broker_topics_delete(&model->topics, topic);
  return STATUS_OK;
}

int32_t broker_model_add_partitions(struct broker_model *model, const char *name, int32_t partition_count) {
  struct broker_topic *topic = broker_topics_find(&model->topics, bytes_of_string(name));
  if (topic == NULL) return STATUS_UNKNOWN_TOPIC_OR_PARTITION;
  return broker_topics_grow(&model->topics, topic, partition_count, model->settings.node_id);
}

int32_t broker_model_set_leader(struct broker_model *model, const char *topic, int32_t partition,
                                int32_t node_id, int32_t leader_epoch) {
  struct broker_partition *found = partition_find(model, topic, partition);
  if (found == NULL) return STATUS_UNKNOWN_TOPIC_OR_PARTITION;
  found->leader_id = node_id;
  found->leader_epoch = leader_epoch;
  return STATUS_OK;
}

int32_t broker_model_inject(struct broker_model *model, const struct broker_fault *fault) {
  return broker_faults_add(&model->faults, fault);
}

void broker_model_clear_faults(struct broker_model *model) {
  broker_faults_clear(&model->faults);
}

void broker_model_reload(struct broker_model *model) {
  partitions_restart(model, 0, 0);
}

void broker_model_restart(struct broker_model *model, int64_t now_ms) {
  partitions_restart(model, now_ms, model->settings.producer_id_expiration_ms);
}

void broker_model_forget_producers(struct broker_model *model) {
  for (uint32_t index = 0; index < model->topics.count; index++) {
    struct broker_topic *topic = model->topics.by_name[index];
    for (int32_t partition = 0; partition < topic->partition_count; partition++)
      producer_state_deinit(&topic->partitions[partition].producers);
  }
}

void broker_model_set_message_max_bytes(struct broker_model *model, size_t message_max_bytes) {
  model->settings.message_max_bytes = message_max_bytes;
}

int32_t broker_model_refuse_values(struct broker_model *model, const char *prefix) {
  char *copy = NULL;
  if (prefix != NULL) {
    copy = allocator_copy_string(prefix);
    if (copy == NULL) return STATUS_OUT_OF_MEMORY;
  }
  allocator_free(model->refused_value);
  model->refused_value = copy;
  return STATUS_OK;
}

bool broker_model_offsets(const struct broker_model *model, const char *topic, int32_t partition,
                          int64_t *start_offset, int64_t *end_offset) {
  const struct broker_partition *found = partition_find(model, topic, partition);
  if (found == NULL) return false;
  *start_offset = found->log.start_offset;
  *end_offset = found->log.end_offset;
  return true;
}

struct bytes broker_model_batch(const struct broker_model *model, const char *topic, int32_t partition,
                                uint32_t index) {
  const struct broker_partition *found = partition_find(model, topic, partition);
  if (found == NULL || index >= found->log.batch_count) return bytes_of(NULL, 0);
  const struct log_batch *batch = partition_log_at(&found->log, index);
  return bytes_of(batch->data, batch->size);
}

int32_t broker_model_visit_records(struct broker_model *model, const char *topic, int32_t partition,
                                   bool (*visit)(void *context, int64_t offset, int64_t timestamp_ms,
                                                 const struct record_view *record),
                                   void *context) {
  const struct broker_partition *found = partition_find(model, topic, partition);
  if (found == NULL) return STATUS_UNKNOWN_TOPIC_OR_PARTITION;
  bool stopped = false;
  for (uint32_t index = 0; index < found->log.batch_count && !stopped; index++) {
    struct bytes batch = broker_model_batch(model, topic, partition, index);
    int32_t status = broker_model_visit_batch(model, batch, 0, visit, context, &stopped);
    if (status != STATUS_OK) return status;
  }
  return STATUS_OK;
}

int32_t broker_model_visit_batch(struct broker_model *model, struct bytes batch, int64_t from_offset,
                                 bool (*visit)(void *context, int64_t offset, int64_t timestamp_ms,
                                               const struct record_view *record),
                                 void *context, bool *stopped) {
  struct record_batch_header header;
  struct wire_reader reader;
  size_t batch_bytes;
  if (record_batch_read(batch, &header, &batch_bytes) != RECORD_BATCH_VALID) return STATUS_CORRUPT_MESSAGE;
  int32_t status = batch_contents_open(&model->validator.contents, batch, &header, &reader);
  if (status != STATUS_OK) return status;
  for (int32_t number = 0; number < header.record_count && !*stopped; number++) {
    struct record_view record;
    record_read(&reader, &record);
    if (reader.failed) return STATUS_CORRUPT_MESSAGE;
    int64_t offset = header.base_offset + record.offset_delta;
    if (offset < from_offset) continue;
    *stopped = !visit(context, offset, header.base_timestamp_ms + record.timestamp_delta, &record);
  }
  return STATUS_OK;
}

static enum broker_answer call_dispatch(struct broker_model *model, struct broker_call *call) {
  if (broker_call_dropped(model, call, bytes_of(NULL, 0), -1)) return BROKER_ANSWER_CUT;
  switch (call->header.api_key) {
  case API_API_VERSIONS: return api_versions_handle(model, call);
  case API_METADATA: return metadata_handle(model, call);
  case API_FIND_COORDINATOR: return find_coordinator_handle(model, call);
  case API_LIST_OFFSETS: return list_offsets_handle(model, call);
  case API_FETCH: return fetch_handle(model, call);
  case API_PRODUCE: return produce_handle(model, call);
  case API_INIT_PRODUCER_ID: return init_producer_id_handle(model, call);
  case API_DESCRIBE_PRODUCERS: return describe_producers_handle(model, call);
  default: return BROKER_ANSWER_CUT;
  }
}

/* Completes the frame, or takes it back when it is not to be sent. */
static enum broker_answer call_finish(const struct broker_call *call, enum broker_answer answer,
                                      size_t frame_at) {
  struct wire_writer *writer = call->writer;
  if (call->reader.failed || call->drop_response || writer->failed) answer = BROKER_ANSWER_CUT;
  if (answer != BROKER_ANSWER_CUT && call->withhold_response) answer = BROKER_ANSWER_STALL;
  if (answer != BROKER_ANSWER_SEND && answer != BROKER_ANSWER_DELAY) {
    writer->size = frame_at;
    writer->failed = false;
    return answer;
  }
  wire_patch_int32(writer, frame_at, (int32_t)(writer->size - frame_at - REQUEST_SIZE_BYTES));
  frame_corrupt(writer, frame_at, call->corruption);
  return answer;
}

/* frame => size:INT32 correlation_id:INT32 rest */
static void frame_corrupt(struct wire_writer *writer, size_t frame_at, enum broker_corruption corruption) {
  enum { BODY_FROM = 8 };
  uint8_t *frame = writer->data + frame_at;
  size_t size = writer->size - frame_at;
  switch (corruption) {
  case BROKER_CORRUPTION_NONE: break;
  case BROKER_CORRUPTION_CORRELATION_ID: frame[REQUEST_SIZE_BYTES] ^= 0x40; break;
  case BROKER_CORRUPTION_TRUNCATED:
    writer->size = frame_at + BODY_FROM + (size - BODY_FROM) / 2;
    wire_patch_int32(writer, frame_at, (int32_t)(writer->size - frame_at - REQUEST_SIZE_BYTES));
    break;
  case BROKER_CORRUPTION_OVERSIZED: wire_patch_int32(writer, frame_at, INT32_MAX); break;
  case BROKER_CORRUPTION_GARBAGE: memset(frame + BODY_FROM, 0xff, size - BODY_FROM); break;
  }
}

static void partitions_restart(struct broker_model *model, int64_t now_ms, int64_t expiration_ms) {
  for (uint32_t index = 0; index < model->topics.count; index++) {
    struct broker_topic *topic = model->topics.by_name[index];
    for (int32_t partition = 0; partition < topic->partition_count; partition++)
      broker_partition_restart(&topic->partitions[partition], now_ms, expiration_ms);
  }
}

static void producers_expire(struct broker_model *model, int64_t now_ms) {
  if (model->settings.producer_id_expiration_ms == 0 || now_ms < model->next_expiry_ms) return;
  model->next_expiry_ms = now_ms + EXPIRY_CHECK_INTERVAL_MS;
  for (uint32_t index = 0; index < model->topics.count; index++) {
    struct broker_topic *topic = model->topics.by_name[index];
    for (int32_t partition = 0; partition < topic->partition_count; partition++)
      producer_state_expire(&topic->partitions[partition].producers, now_ms,
                            model->settings.producer_id_expiration_ms);
  }
}

static struct broker_partition *partition_find(const struct broker_model *model, const char *topic,
                                               int32_t partition) {
  return broker_topic_partition(broker_topics_find(&model->topics, bytes_of_string(topic)), partition);
}
