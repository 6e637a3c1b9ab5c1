#include "broker/metadata_handler.h"
#include "base/status.h"
#include "protocol/metadata.h"

static bool request_scan(struct broker_call *call, struct metadata_request *request);
static void write_nodes(const struct broker_model *model, struct broker_call *call, int32_t topic_count);
static void answer_topic(struct broker_model *model, struct broker_call *call,
                         const struct metadata_request_topic *wanted, bool may_create, int16_t forced_error);
static struct broker_topic *find_topic(struct broker_model *model,
                                       const struct metadata_request_topic *wanted, bool may_create,
                                       int32_t *status);
static void write_partition(struct broker_model *model, struct broker_call *call, struct bytes name,
                            int32_t index, const struct broker_partition *partition);

enum broker_answer metadata_handle(struct broker_model *model, struct broker_call *call) {
  int16_t version = call->header.api_version;
  struct wire_reader reader = call->reader;
  struct metadata_request request;
  if (!request_scan(call, &request)) return BROKER_ANSWER_CUT;
  struct broker_fault hit = {0};
  broker_call_fault(model, call, bytes_of(NULL, 0), -1, &hit);
  struct metadata_response_end end = {0};
  if (hit.error_code == STATUS_REBOOTSTRAP_REQUIRED) {
    end.error_code = hit.error_code;
    hit.error_code = 0;
  }
  bool all = request.topic_count < 0;
  int32_t topic_count = all ? (int32_t)model->topics.count : request.topic_count;
  bool may_create = request.allow_auto_topic_creation;
  write_nodes(model, call, topic_count);
  metadata_request_read(&reader, version, &request);
  for (int32_t index = 0; index < topic_count; index++) {
    struct metadata_request_topic wanted = {0};
    if (all) {
      wanted.name = bytes_of_string(model->topics.by_name[index]->name);
    } else {
      metadata_request_read_topic(&reader, version, &wanted);
    }
    answer_topic(model, call, &wanted, may_create, hit.error_code);
  }
  metadata_response_write_end(call->writer, version, &end);
  return BROKER_ANSWER_SEND;
}

/* Reads the whole request once: the flag that allows creation comes behind the topics. */
static bool request_scan(struct broker_call *call, struct metadata_request *request) {
  int16_t version = call->header.api_version;
  metadata_request_read(&call->reader, version, request);
  for (int32_t index = 0; index < request->topic_count && !call->reader.failed; index++) {
    struct metadata_request_topic topic = {0};
    metadata_request_read_topic(&call->reader, version, &topic);
    if (topic.name.data == NULL && uuid_is_zero(&topic.id)) wire_reader_fail(&call->reader);
  }
  metadata_request_read_end(&call->reader, version, request);
  return !call->reader.failed;
}

static void write_nodes(const struct broker_model *model, struct broker_call *call, int32_t topic_count) {
  int16_t version = call->header.api_version;
  struct metadata_response response = {.throttle_ms = call->throttle_ms, .broker_count = model->node_count};
  metadata_response_write(call->writer, version, &response);
  for (int32_t index = 0; index < model->node_count; index++) {
    const struct broker_node *node = &model->nodes[index];
    struct metadata_broker broker = {
        .node_id = node->node_id, .host = bytes_of_string(node->host), .port = node->port};
    metadata_response_write_broker(call->writer, version, &broker);
  }
  struct metadata_cluster cluster = {.cluster_id = bytes_of_string(model->cluster_id),
                                     .controller_id = model->settings.node_id,
                                     .topic_count = topic_count};
  metadata_response_write_cluster(call->writer, version, &cluster);
}

static void answer_topic(struct broker_model *model, struct broker_call *call,
                         const struct metadata_request_topic *wanted, bool may_create, int16_t forced_error) {
  int16_t version = call->header.api_version;
  int32_t status = STATUS_OK;
  struct broker_topic *topic = find_topic(model, wanted, may_create, &status);
  struct metadata_topic answer = {.error_code = (int16_t)status, .name = wanted->name, .id = wanted->id};
  if (topic != NULL) {
    answer.name = bytes_of_string(topic->name);
    answer.id = topic->id;
  }
  struct broker_fault hit = {0};
  if (answer.name.data != NULL) broker_call_fault(model, call, answer.name, -1, &hit);
  if (forced_error != 0) answer.error_code = forced_error;
  if (hit.error_code != 0) answer.error_code = hit.error_code;
  if (answer.error_code == 0 && topic != NULL) answer.partition_count = topic->partition_count;
  metadata_response_write_topic(call->writer, version, &answer);
  for (int32_t index = 0; index < answer.partition_count; index++)
    write_partition(model, call, answer.name, index, broker_topic_partition(topic, index));
  metadata_response_write_topic_end(call->writer, version);
}

static struct broker_topic *find_topic(struct broker_model *model,
                                       const struct metadata_request_topic *wanted, bool may_create,
                                       int32_t *status) {
  if (wanted->name.data == NULL) {
    struct broker_topic *by_id = broker_topics_find_id(&model->topics, &wanted->id);
    if (by_id == NULL) *status = STATUS_UNKNOWN_TOPIC_ID;
    return by_id;
  }
  struct broker_topic *topic = broker_topics_find(&model->topics, wanted->name);
  if (topic != NULL) return topic;
  *status = STATUS_UNKNOWN_TOPIC_OR_PARTITION;
  if (!may_create || model->settings.auto_create_partitions == 0) return NULL;
  if (model->settings.create_topic != NULL) {
    if (!broker_topic_name_is_legal(wanted->name)) *status = STATUS_INVALID_TOPIC_EXCEPTION;
    if (*status == STATUS_INVALID_TOPIC_EXCEPTION) return NULL;
    model->settings.create_topic(model->settings.context, wanted->name,
                                 model->settings.auto_create_partitions);
    return NULL;
  }
  *status = broker_topics_create(&model->topics, wanted->name, model->settings.auto_create_partitions,
                                 model->settings.node_id, &topic);
  if (*status == STATUS_OUT_OF_MEMORY) *status = STATUS_LEADER_NOT_AVAILABLE;
  return *status == STATUS_OK ? topic : NULL;
}

static void write_partition(struct broker_model *model, struct broker_call *call, struct bytes name,
                            int32_t index, const struct broker_partition *partition) {
  struct broker_fault hit = {0};
  broker_call_fault(model, call, name, index, &hit);
  struct metadata_partition answer = {.error_code = hit.error_code,
                                      .index = index,
                                      .leader_id = partition->leader_id,
                                      .leader_epoch = partition->leader_epoch};
  if (answer.error_code == 0 && partition->leader_id < 0) answer.error_code = STATUS_LEADER_NOT_AVAILABLE;
  if (answer.error_code == STATUS_LEADER_NOT_AVAILABLE) answer.leader_id = -1;
  const struct partition_replicas *copies = partition->replicas;
  if (copies != NULL) {
    metadata_response_write_partition(call->writer, call->header.api_version, &answer, copies->nodes,
                                      (int32_t)copies->node_count);
    return;
  }
  int32_t replicas[2] = {model->settings.node_id, answer.leader_id};
  bool led_elsewhere = answer.leader_id >= 0 && answer.leader_id != model->settings.node_id;
  metadata_response_write_partition(call->writer, call->header.api_version, &answer, replicas,
                                    led_elsewhere ? 2 : 1);
}
