/* The APIs that only the embedded broker answers. */
#include "fuzz/message.h"
#include "protocol/fetch.h"
#include "protocol/find_coordinator.h"
#include "protocol/list_offsets.h"

void copy_find_coordinator_request(struct wire_reader *reader, int16_t version, struct wire_writer *writer) {
  struct find_coordinator_request request;
  find_coordinator_request_read(reader, version, &request);
  find_coordinator_request_write(writer, version, &request);
}

void copy_find_coordinator_response(struct wire_reader *reader, int16_t version, struct wire_writer *writer) {
  struct find_coordinator_response response;
  find_coordinator_response_read(reader, version, &response);
  find_coordinator_response_write(writer, version, &response);
}

void copy_list_offsets_request(struct wire_reader *reader, int16_t version, struct wire_writer *writer) {
  struct list_offsets_request request;
  list_offsets_request_read(reader, version, &request);
  list_offsets_request_write(writer, version, &request);
  for (int32_t t = 0; t < request.topic_count && !reader->failed; t++) {
    struct list_offsets_topic topic;
    list_offsets_request_read_topic(reader, version, &topic);
    list_offsets_request_write_topic(writer, version, &topic);
    for (int32_t p = 0; p < topic.partition_count && !reader->failed; p++) {
      struct list_offsets_request_partition partition;
      list_offsets_request_read_partition(reader, version, &partition);
      list_offsets_request_write_partition(writer, version, &partition);
    }
    list_offsets_request_read_topic_end(reader, version);
    list_offsets_request_write_topic_end(writer, version);
  }
  list_offsets_request_read_end(reader, version);
  list_offsets_request_write_end(writer, version);
}

void copy_list_offsets_response(struct wire_reader *reader, int16_t version, struct wire_writer *writer) {
  struct list_offsets_response response;
  list_offsets_response_read(reader, version, &response);
  list_offsets_response_write(writer, version, &response);
  for (int32_t t = 0; t < response.topic_count && !reader->failed; t++) {
    struct list_offsets_topic topic;
    list_offsets_response_read_topic(reader, version, &topic);
    list_offsets_response_write_topic(writer, version, &topic);
    for (int32_t p = 0; p < topic.partition_count && !reader->failed; p++) {
      struct list_offsets_response_partition partition;
      list_offsets_response_read_partition(reader, version, &partition);
      list_offsets_response_write_partition(writer, version, &partition);
    }
    list_offsets_response_read_topic_end(reader, version);
    list_offsets_response_write_topic_end(writer, version);
  }
  list_offsets_response_read_end(reader, version);
  list_offsets_response_write_end(writer, version);
}

void copy_fetch_request(struct wire_reader *reader, int16_t version, struct wire_writer *writer) {
  struct fetch_request request;
  fetch_request_read(reader, version, &request);
  fetch_request_write(writer, version, &request);
  for (int32_t t = 0; t < request.topic_count && !reader->failed; t++) {
    struct fetch_topic topic;
    fetch_request_read_topic(reader, version, &topic);
    fetch_request_write_topic(writer, version, &topic);
    for (int32_t p = 0; p < topic.partition_count && !reader->failed; p++) {
      struct fetch_request_partition partition;
      fetch_request_read_partition(reader, version, &partition);
      fetch_request_write_partition(writer, version, &partition);
    }
    fetch_request_read_topic_end(reader, version);
    fetch_request_write_topic_end(writer, version);
  }
  struct bytes rack_id;
  fetch_request_read_end(reader, version, &rack_id);
  if (!reader->failed) fetch_request_write_end(writer, version, rack_id);
}

void copy_fetch_response(struct wire_reader *reader, int16_t version, struct wire_writer *writer) {
  struct fetch_response response;
  fetch_response_read(reader, version, &response);
  fetch_response_write(writer, version, &response);
  for (int32_t t = 0; t < response.topic_count && !reader->failed; t++) {
    struct fetch_topic topic;
    fetch_response_read_topic(reader, version, &topic);
    fetch_response_write_topic(writer, version, &topic);
    for (int32_t p = 0; p < topic.partition_count && !reader->failed; p++) {
      struct fetch_response_partition partition;
      fetch_response_read_partition(reader, version, &partition);
      partition.records_bytes = partition.records.size;
      fetch_response_write_partition(writer, version, &partition);
      wire_write_raw(writer, partition.records);
      fetch_response_write_partition_end(writer, version);
    }
    fetch_response_read_topic_end(reader, version);
    fetch_response_write_topic_end(writer, version);
  }
  fetch_response_read_end(reader, version);
  fetch_response_write_end(writer, version);
}
