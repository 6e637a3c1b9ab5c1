#include "protocol/list_offsets.h"

#include "protocol/api.h"

enum {
  FIRST_VERSION_WITH_ISOLATION = 2, /* and with throttling */
  FIRST_VERSION_WITH_LEADER_EPOCH = 4,
  /* The fewest bytes an element can have in any version, for counts that are not to be trusted. */
  TOPIC_MINIMUM_BYTES = 3,
  REQUEST_PARTITION_MINIMUM_BYTES = 12,
  RESPONSE_PARTITION_MINIMUM_BYTES = 22,
};

static bool is_flexible(int16_t version) {
  return api_is_flexible(API_LIST_OFFSETS, version);
}

static void topic_write(struct wire_writer *writer, int16_t version, const struct list_offsets_topic *topic) {
  wire_write_string(writer, is_flexible(version), topic->name);
  wire_write_array_count(writer, is_flexible(version), topic->partition_count);
}

static void topic_read(struct wire_reader *reader, int16_t version, size_t partition_minimum_bytes,
                       struct list_offsets_topic *topic) {
  topic->name = wire_read_required_string(reader, is_flexible(version));
  topic->partition_count = wire_read_required_count(reader, is_flexible(version), partition_minimum_bytes);
}

/* ---- request ---- */

void list_offsets_request_write(struct wire_writer *writer, int16_t version,
                                const struct list_offsets_request *request) {
  wire_write_int32(writer, request->replica_id);
  if (version >= FIRST_VERSION_WITH_ISOLATION) wire_write_int8(writer, request->isolation_level);
  wire_write_array_count(writer, is_flexible(version), request->topic_count);
}

void list_offsets_request_write_topic(struct wire_writer *writer, int16_t version,
                                      const struct list_offsets_topic *topic) {
  topic_write(writer, version, topic);
}

void list_offsets_request_write_partition(struct wire_writer *writer, int16_t version,
                                          const struct list_offsets_request_partition *partition) {
  wire_write_int32(writer, partition->index);
  if (version >= FIRST_VERSION_WITH_LEADER_EPOCH) wire_write_int32(writer, partition->current_leader_epoch);
  wire_write_int64(writer, partition->timestamp_ms);
  wire_write_no_tags(writer, is_flexible(version));
}

void list_offsets_request_write_topic_end(struct wire_writer *writer, int16_t version) {
  wire_write_no_tags(writer, is_flexible(version));
}

void list_offsets_request_write_end(struct wire_writer *writer, int16_t version) {
  wire_write_no_tags(writer, is_flexible(version));
}

void list_offsets_request_read(struct wire_reader *reader, int16_t version,
                               struct list_offsets_request *request) {
  request->replica_id = wire_read_int32(reader);
  request->isolation_level = version >= FIRST_VERSION_WITH_ISOLATION ? wire_read_int8(reader) : 0;
  request->topic_count = wire_read_required_count(reader, is_flexible(version), TOPIC_MINIMUM_BYTES);
}

void list_offsets_request_read_topic(struct wire_reader *reader, int16_t version,
                                     struct list_offsets_topic *topic) {
  topic_read(reader, version, REQUEST_PARTITION_MINIMUM_BYTES, topic);
}

void list_offsets_request_read_partition(struct wire_reader *reader, int16_t version,
                                         struct list_offsets_request_partition *partition) {
  partition->index = wire_read_int32(reader);
  partition->current_leader_epoch = version >= FIRST_VERSION_WITH_LEADER_EPOCH ? wire_read_int32(reader) : -1;
  partition->timestamp_ms = wire_read_int64(reader);
  wire_skip_tags(reader, is_flexible(version));
}

void list_offsets_request_read_topic_end(struct wire_reader *reader, int16_t version) {
  wire_skip_tags(reader, is_flexible(version));
}

void list_offsets_request_read_end(struct wire_reader *reader, int16_t version) {
  wire_skip_tags(reader, is_flexible(version));
}

/* ---- response ---- */

void list_offsets_response_write(struct wire_writer *writer, int16_t version,
                                 const struct list_offsets_response *response) {
  if (version >= FIRST_VERSION_WITH_ISOLATION) wire_write_int32(writer, response->throttle_ms);
  wire_write_array_count(writer, is_flexible(version), response->topic_count);
}

void list_offsets_response_write_topic(struct wire_writer *writer, int16_t version,
                                       const struct list_offsets_topic *topic) {
  topic_write(writer, version, topic);
}

void list_offsets_response_write_partition(struct wire_writer *writer, int16_t version,
                                           const struct list_offsets_response_partition *partition) {
  wire_write_int32(writer, partition->index);
  wire_write_int16(writer, partition->error_code);
  wire_write_int64(writer, partition->timestamp_ms);
  wire_write_int64(writer, partition->offset);
  if (version >= FIRST_VERSION_WITH_LEADER_EPOCH) wire_write_int32(writer, partition->leader_epoch);
  wire_write_no_tags(writer, is_flexible(version));
}

void list_offsets_response_write_topic_end(struct wire_writer *writer, int16_t version) {
  wire_write_no_tags(writer, is_flexible(version));
}

void list_offsets_response_write_end(struct wire_writer *writer, int16_t version) {
  wire_write_no_tags(writer, is_flexible(version));
}

void list_offsets_response_read(struct wire_reader *reader, int16_t version,
                                struct list_offsets_response *response) {
  response->throttle_ms = version >= FIRST_VERSION_WITH_ISOLATION ? wire_read_int32(reader) : 0;
  response->topic_count = wire_read_required_count(reader, is_flexible(version), TOPIC_MINIMUM_BYTES);
}

void list_offsets_response_read_topic(struct wire_reader *reader, int16_t version,
                                      struct list_offsets_topic *topic) {
  topic_read(reader, version, RESPONSE_PARTITION_MINIMUM_BYTES, topic);
}

void list_offsets_response_read_partition(struct wire_reader *reader, int16_t version,
                                          struct list_offsets_response_partition *partition) {
  partition->index = wire_read_int32(reader);
  partition->error_code = wire_read_int16(reader);
  partition->timestamp_ms = wire_read_int64(reader);
  partition->offset = wire_read_int64(reader);
  partition->leader_epoch = version >= FIRST_VERSION_WITH_LEADER_EPOCH ? wire_read_int32(reader) : -1;
  wire_skip_tags(reader, is_flexible(version));
}

void list_offsets_response_read_topic_end(struct wire_reader *reader, int16_t version) {
  wire_skip_tags(reader, is_flexible(version));
}

void list_offsets_response_read_end(struct wire_reader *reader, int16_t version) {
  wire_skip_tags(reader, is_flexible(version));
}
