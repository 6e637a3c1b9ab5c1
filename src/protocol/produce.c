#include "protocol/produce.h"

#include "protocol/api.h"

enum {
  FIRST_VERSION_WITH_LOG_START = 5,
  FIRST_VERSION_WITH_RECORD_ERRORS = 8, /* KIP-467 */
  FIRST_VERSION_WITH_LEADER_HINTS = 10, /* KIP-951 */
  FIRST_VERSION_WITH_TOPIC_ID = 13,     /* KIP-516 */
  TAG_CURRENT_LEADER = 0,
  TAG_NODE_ENDPOINTS = 0,
  /* The fewest bytes an element can have in any version, for counts that are not to be trusted. */
  TOPIC_MINIMUM_BYTES = 3,
  REQUEST_PARTITION_MINIMUM_BYTES = 6,
  RESPONSE_PARTITION_MINIMUM_BYTES = 22,
  RECORD_ERROR_MINIMUM_BYTES = 6,
  ENDPOINT_MINIMUM_BYTES = 11,
};

static bool is_flexible(int16_t version) {
  return api_is_flexible(API_PRODUCE, version);
}

/* Requests and responses name topics alike: name, or id from version 13, then the count of partitions. */
static void topic_write(struct wire_writer *writer, int16_t version, struct bytes name, const struct uuid *id,
                        int32_t partition_count) {
  if (version >= FIRST_VERSION_WITH_TOPIC_ID) {
    wire_write_uuid(writer, id);
  } else {
    wire_write_string(writer, is_flexible(version), name);
  }
  wire_write_array_count(writer, is_flexible(version), partition_count);
}

static void topic_read(struct wire_reader *reader, int16_t version, struct bytes *name, struct uuid *id) {
  *name = bytes_of(NULL, 0);
  *id = (struct uuid){{0}};
  if (version >= FIRST_VERSION_WITH_TOPIC_ID) {
    *id = wire_read_uuid(reader);
  } else {
    *name = wire_read_required_string(reader, is_flexible(version));
  }
}

/* ---- request ---- */

void produce_request_write(struct wire_writer *writer, int16_t version,
                           const struct produce_request *request) {
  wire_write_string(writer, is_flexible(version), request->transactional_id);
  wire_write_int16(writer, request->acks);
  wire_write_int32(writer, request->timeout_ms);
  wire_write_array_count(writer, is_flexible(version), request->topic_count);
}

void produce_request_write_topic(struct wire_writer *writer, int16_t version,
                                 const struct produce_request_topic *topic) {
  topic_write(writer, version, topic->name, &topic->id, topic->partition_count);
}

void produce_request_write_partition(struct wire_writer *writer, int16_t version,
                                     const struct produce_request_partition *partition) {
  wire_write_int32(writer, partition->index);
  wire_write_bytes_length(writer, is_flexible(version), partition->records_bytes);
}

void produce_request_write_partition_end(struct wire_writer *writer, int16_t version) {
  wire_write_no_tags(writer, is_flexible(version));
}

void produce_request_write_topic_end(struct wire_writer *writer, int16_t version) {
  wire_write_no_tags(writer, is_flexible(version));
}

void produce_request_write_end(struct wire_writer *writer, int16_t version) {
  wire_write_no_tags(writer, is_flexible(version));
}

void produce_request_read(struct wire_reader *reader, int16_t version, struct produce_request *request) {
  request->transactional_id = wire_read_string(reader, is_flexible(version));
  request->acks = wire_read_int16(reader);
  request->timeout_ms = wire_read_int32(reader);
  request->topic_count = wire_read_required_count(reader, is_flexible(version), TOPIC_MINIMUM_BYTES);
}

void produce_request_read_topic(struct wire_reader *reader, int16_t version,
                                struct produce_request_topic *topic) {
  topic_read(reader, version, &topic->name, &topic->id);
  topic->partition_count =
      wire_read_required_count(reader, is_flexible(version), REQUEST_PARTITION_MINIMUM_BYTES);
}

void produce_request_read_partition(struct wire_reader *reader, int16_t version,
                                    struct produce_request_partition *partition) {
  partition->index = wire_read_int32(reader);
  partition->records = wire_read_bytes(reader, is_flexible(version));
  partition->records_bytes = partition->records.size;
  wire_skip_tags(reader, is_flexible(version));
}

void produce_request_read_topic_end(struct wire_reader *reader, int16_t version) {
  wire_skip_tags(reader, is_flexible(version));
}

void produce_request_read_end(struct wire_reader *reader, int16_t version) {
  wire_skip_tags(reader, is_flexible(version));
}

/* ---- response, read ---- */

static void read_record_error(struct wire_reader *reader, bool flexible, struct produce_record_error *error);
static void read_current_leader(struct wire_reader *reader, struct produce_response_partition *partition);
static void read_endpoint(struct wire_reader *reader, struct produce_endpoint *endpoint);
static void read_endpoints(struct wire_reader *reader, struct produce_response_end *end);

int32_t produce_response_read(struct wire_reader *reader, int16_t version) {
  return wire_read_required_count(reader, is_flexible(version), TOPIC_MINIMUM_BYTES);
}

void produce_response_read_topic(struct wire_reader *reader, int16_t version,
                                 struct produce_response_topic *topic) {
  topic_read(reader, version, &topic->name, &topic->id);
  topic->partition_count =
      wire_read_required_count(reader, is_flexible(version), RESPONSE_PARTITION_MINIMUM_BYTES);
}

void produce_response_read_partition(struct wire_reader *reader, int16_t version,
                                     struct produce_response_partition *partition) {
  bool flexible = is_flexible(version);
  *partition =
      (struct produce_response_partition){.log_start_offset = -1, .leader_id = -1, .leader_epoch = -1};
  partition->index = wire_read_int32(reader);
  partition->error_code = wire_read_int16(reader);
  partition->base_offset = wire_read_int64(reader);
  partition->log_append_time_ms = wire_read_int64(reader);
  if (version >= FIRST_VERSION_WITH_LOG_START) partition->log_start_offset = wire_read_int64(reader);
  if (version >= FIRST_VERSION_WITH_RECORD_ERRORS) {
    int32_t count = wire_read_required_count(reader, flexible, RECORD_ERROR_MINIMUM_BYTES);
    partition->record_error_count = count;
    partition->record_errors = *reader;
    struct produce_record_error skipped;
    for (int32_t i = 0; i < count && !reader->failed; i++)
      read_record_error(reader, flexible, &skipped);
    partition->record_errors.end = reader->at;
    partition->error_message = wire_read_string(reader, flexible);
  }
  for (struct wire_tags tags = wire_read_tags(reader, flexible); wire_next_tag(reader, &tags);)
    if (tags.tag == TAG_CURRENT_LEADER && version >= FIRST_VERSION_WITH_LEADER_HINTS)
      read_current_leader(&tags.content, partition);
  if (reader->failed) partition->record_error_count = 0;
}

void produce_response_read_record_error(struct produce_response_partition *partition, int16_t version,
                                        struct produce_record_error *error) {
  read_record_error(&partition->record_errors, is_flexible(version), error);
}

static void read_record_error(struct wire_reader *reader, bool flexible, struct produce_record_error *error) {
  error->batch_index = wire_read_int32(reader);
  error->message = wire_read_string(reader, flexible);
  wire_skip_tags(reader, flexible);
}

static void read_current_leader(struct wire_reader *reader, struct produce_response_partition *partition) {
  partition->leader_id = wire_read_int32(reader);
  partition->leader_epoch = wire_read_int32(reader);
}

void produce_response_read_topic_end(struct wire_reader *reader, int16_t version) {
  wire_skip_tags(reader, is_flexible(version));
}

void produce_response_read_end(struct wire_reader *reader, int16_t version,
                               struct produce_response_end *end) {
  *end = (struct produce_response_end){.throttle_ms = wire_read_int32(reader)};
  for (struct wire_tags tags = wire_read_tags(reader, is_flexible(version)); wire_next_tag(reader, &tags);)
    if (tags.tag == TAG_NODE_ENDPOINTS && version >= FIRST_VERSION_WITH_LEADER_HINTS)
      read_endpoints(&tags.content, end);
  if (reader->failed) end->endpoint_count = 0;
}

/* Walks the endpoints once, so that what is handed out is known to be well-formed. */
static void read_endpoints(struct wire_reader *reader, struct produce_response_end *end) {
  end->endpoint_count = wire_read_required_count(reader, true, ENDPOINT_MINIMUM_BYTES);
  end->endpoints = *reader;
  struct produce_endpoint skipped;
  for (int32_t i = 0; i < end->endpoint_count && !reader->failed; i++)
    read_endpoint(reader, &skipped);
}

void produce_response_read_endpoint(struct produce_response_end *end, int16_t version,
                                    struct produce_endpoint *endpoint) {
  (void)version; /* the same in all versions that have them */
  read_endpoint(&end->endpoints, endpoint);
}

static void read_endpoint(struct wire_reader *reader, struct produce_endpoint *endpoint) {
  endpoint->node_id = wire_read_int32(reader);
  endpoint->host = wire_read_required_string(reader, true);
  endpoint->port = wire_read_int32(reader);
  endpoint->rack = wire_read_string(reader, true);
  wire_skip_tags(reader, true);
}

/* ---- response, written ---- */

void produce_response_write(struct wire_writer *writer, int16_t version, int32_t topic_count) {
  wire_write_array_count(writer, is_flexible(version), topic_count);
}

void produce_response_write_topic(struct wire_writer *writer, int16_t version,
                                  const struct produce_response_topic *topic) {
  topic_write(writer, version, topic->name, &topic->id, topic->partition_count);
}

static void write_partition_tags(struct wire_writer *writer, int16_t version,
                                 const struct produce_response_partition *partition) {
  bool has_leader = partition->leader_id != -1 || partition->leader_epoch != -1;
  if (version < FIRST_VERSION_WITH_LEADER_HINTS || !has_leader) {
    wire_write_no_tags(writer, is_flexible(version));
    return;
  }
  wire_write_unsigned_varint(writer, 1);
  wire_write_unsigned_varint(writer, TAG_CURRENT_LEADER);
  wire_write_unsigned_varint(writer, 2 * sizeof(int32_t) + 1);
  wire_write_int32(writer, partition->leader_id);
  wire_write_int32(writer, partition->leader_epoch);
  wire_write_no_tags(writer, true);
}

void produce_response_write_partition(struct wire_writer *writer, int16_t version,
                                      const struct produce_response_partition *partition,
                                      const struct produce_record_error *record_errors) {
  bool flexible = is_flexible(version);
  wire_write_int32(writer, partition->index);
  wire_write_int16(writer, partition->error_code);
  wire_write_int64(writer, partition->base_offset);
  wire_write_int64(writer, partition->log_append_time_ms);
  if (version >= FIRST_VERSION_WITH_LOG_START) wire_write_int64(writer, partition->log_start_offset);
  if (version >= FIRST_VERSION_WITH_RECORD_ERRORS) {
    wire_write_array_count(writer, flexible, partition->record_error_count);
    for (int32_t i = 0; i < partition->record_error_count; i++) {
      wire_write_int32(writer, record_errors[i].batch_index);
      wire_write_string(writer, flexible, record_errors[i].message);
      wire_write_no_tags(writer, flexible);
    }
    wire_write_string(writer, flexible, partition->error_message);
  }
  write_partition_tags(writer, version, partition);
}

void produce_response_write_topic_end(struct wire_writer *writer, int16_t version) {
  wire_write_no_tags(writer, is_flexible(version));
}

static void write_endpoints(struct wire_writer *writer, const struct produce_endpoint *endpoints,
                            int32_t count) {
  wire_write_array_count(writer, true, count);
  for (int32_t i = 0; i < count; i++) {
    wire_write_int32(writer, endpoints[i].node_id);
    wire_write_string(writer, true, endpoints[i].host);
    wire_write_int32(writer, endpoints[i].port);
    wire_write_string(writer, true, endpoints[i].rack);
    wire_write_no_tags(writer, true);
  }
}

void produce_response_write_end(struct wire_writer *writer, int16_t version,
                                const struct produce_response_end *end,
                                const struct produce_endpoint *endpoints) {
  wire_write_int32(writer, end->throttle_ms);
  if (version < FIRST_VERSION_WITH_LEADER_HINTS || end->endpoint_count == 0) {
    wire_write_no_tags(writer, is_flexible(version));
    return;
  }
  /* A tag is preceded by its size: written aside first. */
  struct wire_writer content = {0};
  write_endpoints(&content, endpoints, end->endpoint_count);
  if (content.failed) writer->failed = true;
  wire_write_unsigned_varint(writer, 1);
  wire_write_unsigned_varint(writer, TAG_NODE_ENDPOINTS);
  wire_write_unsigned_varint(writer, (uint32_t)content.size);
  wire_write_raw(writer, bytes_of(content.data, content.size));
  wire_writer_deinit(&content);
}
