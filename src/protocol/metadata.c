#include "protocol/metadata.h"

#include "protocol/api.h"

enum {
  FIRST_VERSION_WITH_OFFLINE_REPLICAS = 5,
  FIRST_VERSION_WITH_LEADER_EPOCH = 7,
  FIRST_VERSION_WITH_AUTHORIZED_OPERATIONS = 8,
  LAST_VERSION_WITH_CLUSTER_OPERATIONS = 10,
  FIRST_VERSION_WITH_TOPIC_ID = 10,
  FIRST_VERSION_WITH_NULL_NAMES = 12, /* in responses; requests have them from 10 */
  FIRST_VERSION_WITH_ERROR = 13,      /* KIP-1102 */
  /* The fewest bytes an element can have in any version, for counts that are not to be trusted. */
  REQUEST_TOPIC_MINIMUM_BYTES = 2,
  BROKER_MINIMUM_BYTES = 11,
  TOPIC_MINIMUM_BYTES = 9,
  PARTITION_MINIMUM_BYTES = 18,
};

/* What a response says when the operations were not asked for, which Sendoff never does. */
static const int32_t operations_unknown = INT32_MIN;

static bool is_flexible(int16_t version) {
  return api_is_flexible(API_METADATA, version);
}

static bool has_cluster_operations(int16_t version) {
  return version >= FIRST_VERSION_WITH_AUTHORIZED_OPERATIONS &&
         version <= LAST_VERSION_WITH_CLUSTER_OPERATIONS;
}

/* ---- request ---- */

void metadata_request_write(struct wire_writer *writer, int16_t version,
                            const struct metadata_request *request) {
  wire_write_array_count(writer, is_flexible(version), request->topic_count);
}

void metadata_request_write_topic(struct wire_writer *writer, int16_t version,
                                  const struct metadata_request_topic *topic) {
  if (version >= FIRST_VERSION_WITH_TOPIC_ID) wire_write_uuid(writer, &topic->id);
  wire_write_string(writer, is_flexible(version), topic->name);
  wire_write_no_tags(writer, is_flexible(version));
}

void metadata_request_write_end(struct wire_writer *writer, int16_t version,
                                const struct metadata_request *request) {
  wire_write_bool(writer, request->allow_auto_topic_creation);
  if (has_cluster_operations(version)) wire_write_bool(writer, false);
  if (version >= FIRST_VERSION_WITH_AUTHORIZED_OPERATIONS) wire_write_bool(writer, false);
  wire_write_no_tags(writer, is_flexible(version));
}

void metadata_request_read(struct wire_reader *reader, int16_t version, struct metadata_request *request) {
  request->topic_count = wire_read_array_count(reader, is_flexible(version), REQUEST_TOPIC_MINIMUM_BYTES);
}

void metadata_request_read_topic(struct wire_reader *reader, int16_t version,
                                 struct metadata_request_topic *topic) {
  topic->id = (struct uuid){{0}};
  if (version >= FIRST_VERSION_WITH_TOPIC_ID) {
    topic->id = wire_read_uuid(reader);
    topic->name = wire_read_string(reader, is_flexible(version));
  } else {
    topic->name = wire_read_required_string(reader, is_flexible(version));
  }
  wire_skip_tags(reader, is_flexible(version));
}

void metadata_request_read_end(struct wire_reader *reader, int16_t version,
                               struct metadata_request *request) {
  request->allow_auto_topic_creation = wire_read_bool(reader);
  if (has_cluster_operations(version)) wire_read_bool(reader);
  if (version >= FIRST_VERSION_WITH_AUTHORIZED_OPERATIONS) wire_read_bool(reader);
  wire_skip_tags(reader, is_flexible(version));
}

/* ---- response, read ---- */

static void read_nodes(struct wire_reader *reader, bool flexible, struct metadata_nodes *nodes);

void metadata_response_read(struct wire_reader *reader, int16_t version, struct metadata_response *response) {
  response->throttle_ms = wire_read_int32(reader);
  response->broker_count = wire_read_required_count(reader, is_flexible(version), BROKER_MINIMUM_BYTES);
}

void metadata_response_read_broker(struct wire_reader *reader, int16_t version,
                                   struct metadata_broker *broker) {
  broker->node_id = wire_read_int32(reader);
  broker->host = wire_read_required_string(reader, is_flexible(version));
  broker->port = wire_read_int32(reader);
  broker->rack = wire_read_string(reader, is_flexible(version));
  wire_skip_tags(reader, is_flexible(version));
}

void metadata_response_read_cluster(struct wire_reader *reader, int16_t version,
                                    struct metadata_cluster *cluster) {
  cluster->cluster_id = wire_read_string(reader, is_flexible(version));
  cluster->controller_id = wire_read_int32(reader);
  cluster->topic_count = wire_read_required_count(reader, is_flexible(version), TOPIC_MINIMUM_BYTES);
}

void metadata_response_read_topic(struct wire_reader *reader, int16_t version, struct metadata_topic *topic) {
  bool flexible = is_flexible(version);
  topic->error_code = wire_read_int16(reader);
  topic->name = version >= FIRST_VERSION_WITH_NULL_NAMES ? wire_read_string(reader, flexible)
                                                         : wire_read_required_string(reader, flexible);
  topic->id = (struct uuid){{0}};
  if (version >= FIRST_VERSION_WITH_TOPIC_ID) topic->id = wire_read_uuid(reader);
  topic->is_internal = wire_read_bool(reader);
  topic->partition_count = wire_read_required_count(reader, flexible, PARTITION_MINIMUM_BYTES);
}

void metadata_response_read_partition(struct wire_reader *reader, int16_t version,
                                      struct metadata_partition *partition) {
  bool flexible = is_flexible(version);
  partition->error_code = wire_read_int16(reader);
  partition->index = wire_read_int32(reader);
  partition->leader_id = wire_read_int32(reader);
  partition->leader_epoch = -1;
  if (version >= FIRST_VERSION_WITH_LEADER_EPOCH) partition->leader_epoch = wire_read_int32(reader);
  read_nodes(reader, flexible, &partition->replicas);
  read_nodes(reader, flexible, &partition->isr);
  partition->offline = (struct metadata_nodes){0};
  if (version >= FIRST_VERSION_WITH_OFFLINE_REPLICAS) read_nodes(reader, flexible, &partition->offline);
  wire_skip_tags(reader, flexible);
}

static void read_nodes(struct wire_reader *reader, bool flexible, struct metadata_nodes *nodes) {
  nodes->count = wire_read_required_count(reader, flexible, sizeof(int32_t));
  nodes->ids = wire_reader_of(wire_read_raw(reader, (size_t)nodes->count * sizeof(int32_t)));
}

int32_t metadata_read_node_id(struct metadata_nodes *nodes) {
  return wire_read_int32(&nodes->ids);
}

void metadata_response_read_topic_end(struct wire_reader *reader, int16_t version) {
  if (version >= FIRST_VERSION_WITH_AUTHORIZED_OPERATIONS) wire_read_int32(reader);
  wire_skip_tags(reader, is_flexible(version));
}

void metadata_response_read_end(struct wire_reader *reader, int16_t version,
                                struct metadata_response_end *end) {
  if (has_cluster_operations(version)) wire_read_int32(reader);
  end->error_code = version >= FIRST_VERSION_WITH_ERROR ? wire_read_int16(reader) : 0;
  wire_skip_tags(reader, is_flexible(version));
}

/* ---- response, written ---- */

static void write_nodes(struct wire_writer *writer, bool flexible, const int32_t *ids, int32_t count);

void metadata_response_write(struct wire_writer *writer, int16_t version,
                             const struct metadata_response *response) {
  wire_write_int32(writer, response->throttle_ms);
  wire_write_array_count(writer, is_flexible(version), response->broker_count);
}

void metadata_response_write_broker(struct wire_writer *writer, int16_t version,
                                    const struct metadata_broker *broker) {
  wire_write_int32(writer, broker->node_id);
  wire_write_string(writer, is_flexible(version), broker->host);
  wire_write_int32(writer, broker->port);
  wire_write_string(writer, is_flexible(version), broker->rack);
  wire_write_no_tags(writer, is_flexible(version));
}

void metadata_response_write_cluster(struct wire_writer *writer, int16_t version,
                                     const struct metadata_cluster *cluster) {
  wire_write_string(writer, is_flexible(version), cluster->cluster_id);
  wire_write_int32(writer, cluster->controller_id);
  wire_write_array_count(writer, is_flexible(version), cluster->topic_count);
}

void metadata_response_write_topic(struct wire_writer *writer, int16_t version,
                                   const struct metadata_topic *topic) {
  wire_write_int16(writer, topic->error_code);
  wire_write_string(writer, is_flexible(version), topic->name);
  if (version >= FIRST_VERSION_WITH_TOPIC_ID) wire_write_uuid(writer, &topic->id);
  wire_write_bool(writer, topic->is_internal);
  wire_write_array_count(writer, is_flexible(version), topic->partition_count);
}

void metadata_response_write_partition(struct wire_writer *writer, int16_t version,
                                       const struct metadata_partition *partition, const int32_t *node_ids,
                                       int32_t replica_count) {
  bool flexible = is_flexible(version);
  wire_write_int16(writer, partition->error_code);
  wire_write_int32(writer, partition->index);
  wire_write_int32(writer, partition->leader_id);
  if (version >= FIRST_VERSION_WITH_LEADER_EPOCH) wire_write_int32(writer, partition->leader_epoch);
  write_nodes(writer, flexible, node_ids, replica_count);
  write_nodes(writer, flexible, node_ids, replica_count);
  if (version >= FIRST_VERSION_WITH_OFFLINE_REPLICAS) wire_write_array_count(writer, flexible, 0);
  wire_write_no_tags(writer, flexible);
}

static void write_nodes(struct wire_writer *writer, bool flexible, const int32_t *ids, int32_t count) {
  wire_write_array_count(writer, flexible, count);
  for (int32_t i = 0; i < count; i++)
    wire_write_int32(writer, ids[i]);
}

void metadata_response_write_topic_end(struct wire_writer *writer, int16_t version) {
  if (version >= FIRST_VERSION_WITH_AUTHORIZED_OPERATIONS) wire_write_int32(writer, operations_unknown);
  wire_write_no_tags(writer, is_flexible(version));
}

void metadata_response_write_end(struct wire_writer *writer, int16_t version,
                                 const struct metadata_response_end *end) {
  if (has_cluster_operations(version)) wire_write_int32(writer, operations_unknown);
  if (version >= FIRST_VERSION_WITH_ERROR) wire_write_int16(writer, end->error_code);
  wire_write_no_tags(writer, is_flexible(version));
}
