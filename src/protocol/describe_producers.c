#include "protocol/describe_producers.h"

#include "protocol/api.h"

/* The fewest bytes an element can have, for counts that are not to be trusted. */
enum {
  TOPIC_MINIMUM_BYTES = 3,
  INDEX_BYTES = 4,
  PARTITION_MINIMUM_BYTES = 9,
  PRODUCER_MINIMUM_BYTES = 37,
};

static bool is_flexible(int16_t version) {
  return api_is_flexible(API_DESCRIBE_PRODUCERS, version);
}

static void topic_write(struct wire_writer *writer, int16_t version,
                        const struct describe_producers_topic *topic) {
  wire_write_string(writer, is_flexible(version), topic->name);
  wire_write_array_count(writer, is_flexible(version), topic->partition_count);
}

static void topic_read(struct wire_reader *reader, int16_t version, size_t partition_minimum_bytes,
                       struct describe_producers_topic *topic) {
  topic->name = wire_read_required_string(reader, is_flexible(version));
  topic->partition_count = wire_read_required_count(reader, is_flexible(version), partition_minimum_bytes);
}

/* ---- request ---- */

void describe_producers_request_write(struct wire_writer *writer, int16_t version,
                                      const struct describe_producers_request *request) {
  wire_write_array_count(writer, is_flexible(version), request->topic_count);
}

void describe_producers_request_write_topic(struct wire_writer *writer, int16_t version,
                                            const struct describe_producers_topic *topic) {
  topic_write(writer, version, topic);
}

void describe_producers_request_write_partition(struct wire_writer *writer, int16_t version, int32_t index) {
  (void)version;
  wire_write_int32(writer, index);
}

void describe_producers_request_write_topic_end(struct wire_writer *writer, int16_t version) {
  wire_write_no_tags(writer, is_flexible(version));
}

void describe_producers_request_write_end(struct wire_writer *writer, int16_t version) {
  wire_write_no_tags(writer, is_flexible(version));
}

void describe_producers_request_read(struct wire_reader *reader, int16_t version,
                                     struct describe_producers_request *request) {
  request->topic_count = wire_read_required_count(reader, is_flexible(version), TOPIC_MINIMUM_BYTES);
}

void describe_producers_request_read_topic(struct wire_reader *reader, int16_t version,
                                           struct describe_producers_topic *topic) {
  topic_read(reader, version, INDEX_BYTES, topic);
}

int32_t describe_producers_request_read_partition(struct wire_reader *reader, int16_t version) {
  (void)version;
  return wire_read_int32(reader);
}

void describe_producers_request_read_topic_end(struct wire_reader *reader, int16_t version) {
  wire_skip_tags(reader, is_flexible(version));
}

void describe_producers_request_read_end(struct wire_reader *reader, int16_t version) {
  wire_skip_tags(reader, is_flexible(version));
}

/* ---- response ---- */

void describe_producers_response_write(struct wire_writer *writer, int16_t version,
                                       const struct describe_producers_response *response) {
  wire_write_int32(writer, response->throttle_ms);
  wire_write_array_count(writer, is_flexible(version), response->topic_count);
}

void describe_producers_response_write_topic(struct wire_writer *writer, int16_t version,
                                             const struct describe_producers_topic *topic) {
  topic_write(writer, version, topic);
}

void describe_producers_response_write_partition(struct wire_writer *writer, int16_t version,
                                                 const struct describe_producers_partition *partition) {
  wire_write_int32(writer, partition->index);
  wire_write_int16(writer, partition->error_code);
  wire_write_string(writer, is_flexible(version), partition->error_message);
  wire_write_array_count(writer, is_flexible(version), partition->producer_count);
}

void describe_producers_response_write_producer(struct wire_writer *writer, int16_t version,
                                                const struct describe_producers_producer *producer) {
  wire_write_int64(writer, producer->producer_id);
  wire_write_int32(writer, producer->producer_epoch);
  wire_write_int32(writer, producer->last_sequence);
  wire_write_int64(writer, producer->last_timestamp_ms);
  wire_write_int32(writer, producer->coordinator_epoch);
  wire_write_int64(writer, producer->transaction_start_offset);
  wire_write_no_tags(writer, is_flexible(version));
}

void describe_producers_response_write_partition_end(struct wire_writer *writer, int16_t version) {
  wire_write_no_tags(writer, is_flexible(version));
}

void describe_producers_response_write_topic_end(struct wire_writer *writer, int16_t version) {
  wire_write_no_tags(writer, is_flexible(version));
}

void describe_producers_response_write_end(struct wire_writer *writer, int16_t version) {
  wire_write_no_tags(writer, is_flexible(version));
}

void describe_producers_response_read(struct wire_reader *reader, int16_t version,
                                      struct describe_producers_response *response) {
  response->throttle_ms = wire_read_int32(reader);
  response->topic_count = wire_read_required_count(reader, is_flexible(version), TOPIC_MINIMUM_BYTES);
}

void describe_producers_response_read_topic(struct wire_reader *reader, int16_t version,
                                            struct describe_producers_topic *topic) {
  topic_read(reader, version, PARTITION_MINIMUM_BYTES, topic);
}

void describe_producers_response_read_partition(struct wire_reader *reader, int16_t version,
                                                struct describe_producers_partition *partition) {
  partition->index = wire_read_int32(reader);
  partition->error_code = wire_read_int16(reader);
  partition->error_message = wire_read_string(reader, is_flexible(version));
  partition->producer_count = wire_read_required_count(reader, is_flexible(version), PRODUCER_MINIMUM_BYTES);
}

void describe_producers_response_read_producer(struct wire_reader *reader, int16_t version,
                                               struct describe_producers_producer *producer) {
  producer->producer_id = wire_read_int64(reader);
  producer->producer_epoch = wire_read_int32(reader);
  producer->last_sequence = wire_read_int32(reader);
  producer->last_timestamp_ms = wire_read_int64(reader);
  producer->coordinator_epoch = wire_read_int32(reader);
  producer->transaction_start_offset = wire_read_int64(reader);
  wire_skip_tags(reader, is_flexible(version));
}

void describe_producers_response_read_partition_end(struct wire_reader *reader, int16_t version) {
  wire_skip_tags(reader, is_flexible(version));
}

void describe_producers_response_read_topic_end(struct wire_reader *reader, int16_t version) {
  wire_skip_tags(reader, is_flexible(version));
}

void describe_producers_response_read_end(struct wire_reader *reader, int16_t version) {
  wire_skip_tags(reader, is_flexible(version));
}
