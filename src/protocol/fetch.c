#include "protocol/fetch.h"

#include "protocol/api.h"

enum {
  FIRST_VERSION_WITH_LOG_START = 5,
  FIRST_VERSION_WITH_SESSION = 7, /* KIP-227 */
  FIRST_VERSION_WITH_LEADER_EPOCH = 9,
  FIRST_VERSION_WITH_RACK = 11,               /* KIP-392 */
  FIRST_VERSION_WITH_LAST_FETCHED_EPOCH = 12, /* KIP-595 */
  NO_PREFERRED_READ_REPLICA = -1,
  ABORTED_TRANSACTION_BYTES = 16,
  /* The fewest bytes an element can have in any version, for counts that are not to be trusted. */
  TOPIC_MINIMUM_BYTES = 3,
  FORGOTTEN_MINIMUM_BYTES = 3,
  REQUEST_PARTITION_MINIMUM_BYTES = 16,
  RESPONSE_PARTITION_MINIMUM_BYTES = 30,
};

static bool is_flexible(int16_t version) {
  return api_is_flexible(API_FETCH, version);
}

static void topic_write(struct wire_writer *writer, int16_t version, const struct fetch_topic *topic) {
  wire_write_string(writer, is_flexible(version), topic->name);
  wire_write_array_count(writer, is_flexible(version), topic->partition_count);
}

static void topic_read(struct wire_reader *reader, int16_t version, size_t partition_minimum_bytes,
                       struct fetch_topic *topic) {
  topic->name = wire_read_required_string(reader, is_flexible(version));
  topic->partition_count = wire_read_required_count(reader, is_flexible(version), partition_minimum_bytes);
}

/* ---- request ---- */

static void skip_forgotten(struct wire_reader *reader, bool flexible);

void fetch_request_write(struct wire_writer *writer, int16_t version, const struct fetch_request *request) {
  wire_write_int32(writer, request->replica_id);
  wire_write_int32(writer, request->max_wait_ms);
  wire_write_int32(writer, request->min_bytes);
  wire_write_int32(writer, request->max_bytes);
  wire_write_int8(writer, request->isolation_level);
  if (version >= FIRST_VERSION_WITH_SESSION) {
    wire_write_int32(writer, request->session_id);
    wire_write_int32(writer, request->session_epoch);
  }
  wire_write_array_count(writer, is_flexible(version), request->topic_count);
}

void fetch_request_write_topic(struct wire_writer *writer, int16_t version, const struct fetch_topic *topic) {
  topic_write(writer, version, topic);
}

void fetch_request_write_partition(struct wire_writer *writer, int16_t version,
                                   const struct fetch_request_partition *partition) {
  wire_write_int32(writer, partition->index);
  if (version >= FIRST_VERSION_WITH_LEADER_EPOCH) wire_write_int32(writer, partition->current_leader_epoch);
  wire_write_int64(writer, partition->fetch_offset);
  if (version >= FIRST_VERSION_WITH_LAST_FETCHED_EPOCH)
    wire_write_int32(writer, partition->last_fetched_epoch);
  if (version >= FIRST_VERSION_WITH_LOG_START) wire_write_int64(writer, partition->log_start_offset);
  wire_write_int32(writer, partition->partition_max_bytes);
  wire_write_no_tags(writer, is_flexible(version));
}

void fetch_request_write_topic_end(struct wire_writer *writer, int16_t version) {
  wire_write_no_tags(writer, is_flexible(version));
}

void fetch_request_write_end(struct wire_writer *writer, int16_t version, struct bytes rack_id) {
  bool flexible = is_flexible(version);
  if (version >= FIRST_VERSION_WITH_SESSION) wire_write_array_count(writer, flexible, 0);
  if (version >= FIRST_VERSION_WITH_RACK) wire_write_string(writer, flexible, rack_id);
  wire_write_no_tags(writer, flexible);
}

void fetch_request_read(struct wire_reader *reader, int16_t version, struct fetch_request *request) {
  request->replica_id = wire_read_int32(reader);
  request->max_wait_ms = wire_read_int32(reader);
  request->min_bytes = wire_read_int32(reader);
  request->max_bytes = wire_read_int32(reader);
  request->isolation_level = wire_read_int8(reader);
  request->session_id = 0;
  request->session_epoch = -1;
  if (version >= FIRST_VERSION_WITH_SESSION) {
    request->session_id = wire_read_int32(reader);
    request->session_epoch = wire_read_int32(reader);
  }
  request->topic_count = wire_read_required_count(reader, is_flexible(version), TOPIC_MINIMUM_BYTES);
}

void fetch_request_read_topic(struct wire_reader *reader, int16_t version, struct fetch_topic *topic) {
  topic_read(reader, version, REQUEST_PARTITION_MINIMUM_BYTES, topic);
}

void fetch_request_read_partition(struct wire_reader *reader, int16_t version,
                                  struct fetch_request_partition *partition) {
  partition->index = wire_read_int32(reader);
  partition->current_leader_epoch = version >= FIRST_VERSION_WITH_LEADER_EPOCH ? wire_read_int32(reader) : -1;
  partition->fetch_offset = wire_read_int64(reader);
  partition->last_fetched_epoch =
      version >= FIRST_VERSION_WITH_LAST_FETCHED_EPOCH ? wire_read_int32(reader) : -1;
  partition->log_start_offset = version >= FIRST_VERSION_WITH_LOG_START ? wire_read_int64(reader) : -1;
  partition->partition_max_bytes = wire_read_int32(reader);
  wire_skip_tags(reader, is_flexible(version));
}

void fetch_request_read_topic_end(struct wire_reader *reader, int16_t version) {
  wire_skip_tags(reader, is_flexible(version));
}

void fetch_request_read_end(struct wire_reader *reader, int16_t version, struct bytes *rack_id) {
  bool flexible = is_flexible(version);
  if (version >= FIRST_VERSION_WITH_SESSION) skip_forgotten(reader, flexible);
  *rack_id =
      version >= FIRST_VERSION_WITH_RACK ? wire_read_required_string(reader, flexible) : bytes_of_string("");
  wire_skip_tags(reader, flexible);
}

static void skip_forgotten(struct wire_reader *reader, bool flexible) {
  int32_t count = wire_read_required_count(reader, flexible, FORGOTTEN_MINIMUM_BYTES);
  for (int32_t i = 0; i < count && !reader->failed; i++) {
    wire_read_required_string(reader, flexible);
    int32_t partition_count = wire_read_required_count(reader, flexible, sizeof(int32_t));
    wire_read_raw(reader, (size_t)partition_count * sizeof(int32_t));
    wire_skip_tags(reader, flexible);
  }
}

/* ---- response ---- */

void fetch_response_write(struct wire_writer *writer, int16_t version,
                          const struct fetch_response *response) {
  wire_write_int32(writer, response->throttle_ms);
  if (version >= FIRST_VERSION_WITH_SESSION) {
    wire_write_int16(writer, response->error_code);
    wire_write_int32(writer, response->session_id);
  }
  wire_write_array_count(writer, is_flexible(version), response->topic_count);
}

void fetch_response_write_topic(struct wire_writer *writer, int16_t version,
                                const struct fetch_topic *topic) {
  topic_write(writer, version, topic);
}

void fetch_response_write_partition(struct wire_writer *writer, int16_t version,
                                    const struct fetch_response_partition *partition) {
  bool flexible = is_flexible(version);
  wire_write_int32(writer, partition->index);
  wire_write_int16(writer, partition->error_code);
  wire_write_int64(writer, partition->high_watermark);
  wire_write_int64(writer, partition->last_stable_offset);
  if (version >= FIRST_VERSION_WITH_LOG_START) wire_write_int64(writer, partition->log_start_offset);
  wire_write_array_count(writer, flexible, -1);
  if (version >= FIRST_VERSION_WITH_RACK) wire_write_int32(writer, NO_PREFERRED_READ_REPLICA);
  wire_write_bytes_length(writer, flexible, partition->records_bytes);
}

void fetch_response_write_partition_end(struct wire_writer *writer, int16_t version) {
  wire_write_no_tags(writer, is_flexible(version));
}

void fetch_response_write_topic_end(struct wire_writer *writer, int16_t version) {
  wire_write_no_tags(writer, is_flexible(version));
}

void fetch_response_write_end(struct wire_writer *writer, int16_t version) {
  wire_write_no_tags(writer, is_flexible(version));
}

void fetch_response_read(struct wire_reader *reader, int16_t version, struct fetch_response *response) {
  response->throttle_ms = wire_read_int32(reader);
  response->error_code = 0;
  response->session_id = 0;
  if (version >= FIRST_VERSION_WITH_SESSION) {
    response->error_code = wire_read_int16(reader);
    response->session_id = wire_read_int32(reader);
  }
  response->topic_count = wire_read_required_count(reader, is_flexible(version), TOPIC_MINIMUM_BYTES);
}

void fetch_response_read_topic(struct wire_reader *reader, int16_t version, struct fetch_topic *topic) {
  topic_read(reader, version, RESPONSE_PARTITION_MINIMUM_BYTES, topic);
}

static void skip_aborted_transactions(struct wire_reader *reader, bool flexible) {
  int32_t count = wire_read_array_count(reader, flexible, ABORTED_TRANSACTION_BYTES);
  for (int32_t i = 0; i < count && !reader->failed; i++) {
    wire_read_raw(reader, ABORTED_TRANSACTION_BYTES);
    wire_skip_tags(reader, flexible);
  }
}

void fetch_response_read_partition(struct wire_reader *reader, int16_t version,
                                   struct fetch_response_partition *partition) {
  bool flexible = is_flexible(version);
  partition->index = wire_read_int32(reader);
  partition->error_code = wire_read_int16(reader);
  partition->high_watermark = wire_read_int64(reader);
  partition->last_stable_offset = wire_read_int64(reader);
  partition->log_start_offset = version >= FIRST_VERSION_WITH_LOG_START ? wire_read_int64(reader) : -1;
  skip_aborted_transactions(reader, flexible);
  if (version >= FIRST_VERSION_WITH_RACK) wire_read_int32(reader);
  partition->records = wire_read_bytes(reader, flexible);
  partition->records_bytes = partition->records.size;
  wire_skip_tags(reader, flexible);
}

void fetch_response_read_topic_end(struct wire_reader *reader, int16_t version) {
  wire_skip_tags(reader, is_flexible(version));
}

void fetch_response_read_end(struct wire_reader *reader, int16_t version) {
  wire_skip_tags(reader, is_flexible(version));
}
