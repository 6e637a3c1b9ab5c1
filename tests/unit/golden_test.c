/* What Sendoff sends and reads as a client, against Kafka's own classes: the values here are those of
 * tests/golden/GoldenMaker.java. */
#include "protocol/api.h"
#include "protocol/api_versions.h"
#include "protocol/init_producer_id.h"
#include "protocol/metadata.h"
#include "protocol/produce.h"
#include "protocol/request_header.h"
#include "support/golden.h"
#include "support/hostile.h"
#include <check.h>

static const struct uuid zero_id;
static const struct uuid first_id = {{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}};
static const struct uuid second_id = {{17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32}};

static void expect_uuid(struct uuid actual, struct uuid expected) {
  ck_assert_mem_eq(actual.octets, expected.octets, sizeof expected.octets);
}

/* ---- headers ---- */

/* Header v1 is that of Metadata 8, header v2 that of Metadata 9. */
static int16_t metadata_version(int16_t header_version) {
  return header_version == 1 ? 8 : 9;
}

static void write_header(struct wire_writer *writer, int16_t version, const char *client_id) {
  struct wire_writer frame = {0};
  struct request_header header = {.api_key = API_METADATA,
                                  .api_version = metadata_version(version),
                                  .correlation_id = 0x01020304,
                                  .client_id = bytes_of_string(client_id)};
  request_header_write(&frame, &header);
  wire_write_raw(writer, bytes_of(frame.data + REQUEST_SIZE_BYTES, frame.size - REQUEST_SIZE_BYTES));
  wire_writer_deinit(&frame);
}

static void write_full_header(struct wire_writer *writer, int16_t version) {
  write_header(writer, version, "sendoff");
}

static void write_minimal_header(struct wire_writer *writer, int16_t version) {
  write_header(writer, version, NULL);
}

static void expect_header(struct wire_reader *reader, int16_t version, const char *client_id) {
  struct request_header header;
  request_header_read(reader, &header);
  ck_assert_int_eq(header.api_key, API_METADATA);
  ck_assert_int_eq(header.api_version, metadata_version(version));
  ck_assert_int_eq(header.correlation_id, 0x01020304);
  expect_text(header.client_id, client_id);
}

static void expect_full_header(struct wire_reader *reader, int16_t version) {
  expect_header(reader, version, "sendoff");
}

static void expect_minimal_header(struct wire_reader *reader, int16_t version) {
  expect_header(reader, version, NULL);
}

/* Response header v0 is that of Metadata 8, v1 that of Metadata 9. */
static void write_response_header(struct wire_writer *writer, int16_t version) {
  response_header_write(writer, API_METADATA, version == 0 ? 8 : 9, -2);
}

static void expect_response_header(struct wire_reader *reader, int16_t version) {
  ck_assert_int_eq(response_header_read(reader, API_METADATA, version == 0 ? 8 : 9), -2);
}

START_TEST(headers_are_kafkas) {
  struct golden_file file;
  golden_open(&file, "header");
  for (int16_t version = 1; version <= 2; version++) {
    golden_check_full(&file, version, 2, GOLDEN_REQUEST, write_full_header, expect_full_header);
    golden_check(&file, version, GOLDEN_REQUEST, "minimal", write_minimal_header, expect_minimal_header);
  }
  for (int16_t version = 0; version <= 1; version++)
    golden_check_full(&file, version, 1, GOLDEN_RESPONSE, write_response_header, expect_response_header);
  golden_close(&file);
}
END_TEST

/* ---- ApiVersions ---- */

static void write_api_versions_request(struct wire_writer *writer, int16_t version) {
  struct api_versions_request request = {.client_software_name = bytes_of_string("sendoff"),
                                         .client_software_version = bytes_of_string("1.0.0")};
  api_versions_request_write(writer, version, &request);
}

static void expect_api_versions_request(struct wire_reader *reader, int16_t version) {
  struct api_versions_request request;
  api_versions_request_read(reader, version, &request);
  expect_text(request.client_software_name, version >= 3 ? "sendoff" : NULL);
  expect_text(request.client_software_version, version >= 3 ? "1.0.0" : NULL);
}

static void write_api_versions_response(struct wire_writer *writer, int16_t version) {
  api_versions_response_write(writer, version, 0);
}

static void write_unsupported_version(struct wire_writer *writer, int16_t version) {
  api_versions_response_write(writer, version, 35);
}

static void expect_offers(struct wire_reader *reader, int16_t version, int16_t error_code,
                          int32_t throttle_ms) {
  struct api_versions_response response;
  api_versions_response_read(reader, version, &response);
  ck_assert_int_eq(response.error_code, error_code);
  ck_assert_int_eq(response.throttle_ms, throttle_ms);
  for (int16_t key = 0; key < API_VERSIONS_KEY_COUNT; key++) {
    const struct api_range *range = api_versions_is_of_logins(key) ? NULL : api_range_of(key);
    ck_assert_int_eq(response.versions.offered[key].maximum, range == NULL ? -1 : range->maximum);
    if (range == NULL) continue;
    ck_assert_int_eq(response.versions.offered[key].minimum, key == API_PRODUCE ? 0 : range->minimum);
  }
}

static void expect_api_versions_response(struct wire_reader *reader, int16_t version) {
  expect_offers(reader, version, 0, 0);
}

static void expect_features(struct wire_reader *reader, int16_t version) {
  expect_offers(reader, version, 0, version >= 1 ? 9 : 0);
}

/* Asked in version 4, answered in version 0. */
static void expect_unsupported_version(struct wire_reader *reader, int16_t version) {
  (void)version;
  expect_offers(reader, 4, 35, 0);
}

START_TEST(api_versions_is_kafkas) {
  struct golden_file file;
  golden_open(&file, "api_versions");
  const struct api_range *range = api_range_of(API_API_VERSIONS);
  for (int16_t version = range->minimum; version <= range->maximum; version++) {
    golden_check_full(&file, version, range->first_flexible, GOLDEN_REQUEST, write_api_versions_request,
                      expect_api_versions_request);
    golden_check_full(&file, version, range->first_flexible, GOLDEN_RESPONSE, write_api_versions_response,
                      expect_api_versions_response);
    golden_check(&file, version, GOLDEN_RESPONSE, "features", NULL, expect_features);
  }
  golden_check(&file, 0, GOLDEN_RESPONSE, "unsupported", write_unsupported_version,
               expect_unsupported_version);
  golden_close(&file);
}
END_TEST

/* ---- Metadata ---- */

static void write_metadata_request(struct wire_writer *writer, int16_t version) {
  struct metadata_request request = {.topic_count = 2, .allow_auto_topic_creation = true};
  metadata_request_write(writer, version, &request);
  struct metadata_request_topic first = {.name = bytes_of_string("orders")};
  metadata_request_write_topic(writer, version, &first);
  struct metadata_request_topic second = {.id = first_id,
                                          .name = bytes_of_string(version >= 10 ? NULL : "events")};
  metadata_request_write_topic(writer, version, &second);
  metadata_request_write_end(writer, version, &request);
}

static void expect_metadata_request(struct wire_reader *reader, int16_t version) {
  struct metadata_request request;
  metadata_request_read(reader, version, &request);
  ck_assert_int_eq(request.topic_count, 2);
  struct metadata_request_topic topic;
  metadata_request_read_topic(reader, version, &topic);
  expect_text(topic.name, "orders");
  expect_uuid(topic.id, zero_id);
  metadata_request_read_topic(reader, version, &topic);
  expect_text(topic.name, version >= 10 ? NULL : "events");
  expect_uuid(topic.id, version >= 10 ? first_id : zero_id);
  metadata_request_read_end(reader, version, &request);
  ck_assert(request.allow_auto_topic_creation);
}

static void write_minimal_metadata_request(struct wire_writer *writer, int16_t version) {
  struct metadata_request request = {.topic_count = -1};
  metadata_request_write(writer, version, &request);
  metadata_request_write_end(writer, version, &request);
}

static void expect_minimal_metadata_request(struct wire_reader *reader, int16_t version) {
  struct metadata_request request = {.allow_auto_topic_creation = true};
  metadata_request_read(reader, version, &request);
  ck_assert_int_eq(request.topic_count, -1);
  metadata_request_read_end(reader, version, &request);
  ck_assert(!request.allow_auto_topic_creation);
}

static void write_metadata_cluster(struct wire_writer *writer, int16_t version) {
  struct metadata_response response = {.throttle_ms = 5, .broker_count = 2};
  metadata_response_write(writer, version, &response);
  struct metadata_broker one = {
      .node_id = 1, .host = bytes_of_string("one"), .port = 9091, .rack = bytes_of_string("rack-a")};
  metadata_response_write_broker(writer, version, &one);
  struct metadata_broker two = {.node_id = 2, .host = bytes_of_string("two"), .port = 9092};
  metadata_response_write_broker(writer, version, &two);
  struct metadata_cluster cluster = {
      .cluster_id = bytes_of_string("cluster-x"), .controller_id = 2, .topic_count = 2};
  metadata_response_write_cluster(writer, version, &cluster);
}

static void write_metadata_response(struct wire_writer *writer, int16_t version) {
  static const int32_t nodes[] = {1, 2};
  write_metadata_cluster(writer, version);
  struct metadata_topic known = {
      .name = bytes_of_string("orders"), .id = first_id, .is_internal = true, .partition_count = 1};
  metadata_response_write_topic(writer, version, &known);
  struct metadata_partition partition = {.error_code = 9, .index = 4, .leader_id = 2, .leader_epoch = 17};
  metadata_response_write_partition(writer, version, &partition, nodes, 2);
  metadata_response_write_topic_end(writer, version);
  struct metadata_topic unknown = {.error_code = 3, .name = bytes_of_string(version >= 12 ? NULL : "events")};
  metadata_response_write_topic(writer, version, &unknown);
  metadata_response_write_topic_end(writer, version);
  struct metadata_response_end end = {.error_code = 129};
  metadata_response_write_end(writer, version, &end);
}

static void expect_metadata_cluster(struct wire_reader *reader, int16_t version) {
  struct metadata_response response;
  metadata_response_read(reader, version, &response);
  ck_assert_int_eq(response.throttle_ms, 5);
  ck_assert_int_eq(response.broker_count, 2);
  struct metadata_broker broker;
  metadata_response_read_broker(reader, version, &broker);
  ck_assert_int_eq(broker.node_id, 1);
  expect_text(broker.host, "one");
  ck_assert_int_eq(broker.port, 9091);
  expect_text(broker.rack, "rack-a");
  metadata_response_read_broker(reader, version, &broker);
  ck_assert_int_eq(broker.node_id, 2);
  expect_text(broker.host, "two");
  ck_assert_int_eq(broker.port, 9092);
  expect_text(broker.rack, NULL);
  struct metadata_cluster cluster;
  metadata_response_read_cluster(reader, version, &cluster);
  expect_text(cluster.cluster_id, "cluster-x");
  ck_assert_int_eq(cluster.controller_id, 2);
  ck_assert_int_eq(cluster.topic_count, 2);
}

/* 0 ends the list. */
static void expect_nodes(struct metadata_nodes nodes, const int32_t *expected) {
  int32_t count = 0;
  for (; expected[count] != 0; count++)
    ck_assert_int_eq(metadata_read_node_id(&nodes), expected[count]);
  ck_assert_int_eq(nodes.count, count);
}

static void expect_metadata_partition(struct wire_reader *reader, int16_t version, bool is_degraded) {
  struct metadata_partition partition;
  metadata_response_read_partition(reader, version, &partition);
  ck_assert_int_eq(partition.error_code, 9);
  ck_assert_int_eq(partition.index, 4);
  ck_assert_int_eq(partition.leader_id, 2);
  ck_assert_int_eq(partition.leader_epoch, version >= 7 ? 17 : -1);
  expect_nodes(partition.replicas, (const int32_t[]){1, 2, 0});
  expect_nodes(partition.isr, is_degraded ? (const int32_t[]){2, 0} : (const int32_t[]){1, 2, 0});
  expect_nodes(partition.offline,
               is_degraded && version >= 5 ? (const int32_t[]){1, 0} : (const int32_t[]){0});
}

static void expect_metadata_topics(struct wire_reader *reader, int16_t version, bool is_degraded) {
  expect_metadata_cluster(reader, version);
  struct metadata_topic topic;
  metadata_response_read_topic(reader, version, &topic);
  ck_assert_int_eq(topic.error_code, 0);
  expect_text(topic.name, "orders");
  expect_uuid(topic.id, version >= 10 ? first_id : zero_id);
  ck_assert(topic.is_internal);
  ck_assert_int_eq(topic.partition_count, 1);
  expect_metadata_partition(reader, version, is_degraded);
  metadata_response_read_topic_end(reader, version);
  metadata_response_read_topic(reader, version, &topic);
  ck_assert_int_eq(topic.error_code, 3);
  expect_text(topic.name, version >= 12 ? NULL : "events");
  expect_uuid(topic.id, zero_id);
  ck_assert(!topic.is_internal);
  ck_assert_int_eq(topic.partition_count, 0);
  metadata_response_read_topic_end(reader, version);
  struct metadata_response_end end;
  metadata_response_read_end(reader, version, &end);
  ck_assert_int_eq(end.error_code, version >= 13 ? 129 : 0);
}

static void expect_metadata_response(struct wire_reader *reader, int16_t version) {
  expect_metadata_topics(reader, version, false);
}

static void expect_degraded_metadata_response(struct wire_reader *reader, int16_t version) {
  expect_metadata_topics(reader, version, true);
}

static void write_minimal_metadata_response(struct wire_writer *writer, int16_t version) {
  struct metadata_response response = {0};
  metadata_response_write(writer, version, &response);
  struct metadata_cluster cluster = {.controller_id = -1};
  metadata_response_write_cluster(writer, version, &cluster);
  struct metadata_response_end end = {0};
  metadata_response_write_end(writer, version, &end);
}

static void expect_minimal_metadata_response(struct wire_reader *reader, int16_t version) {
  struct metadata_response response;
  metadata_response_read(reader, version, &response);
  ck_assert_int_eq(response.throttle_ms, 0);
  ck_assert_int_eq(response.broker_count, 0);
  struct metadata_cluster cluster;
  metadata_response_read_cluster(reader, version, &cluster);
  expect_text(cluster.cluster_id, NULL);
  ck_assert_int_eq(cluster.controller_id, -1);
  ck_assert_int_eq(cluster.topic_count, 0);
  struct metadata_response_end end;
  metadata_response_read_end(reader, version, &end);
  ck_assert_int_eq(end.error_code, 0);
}

START_TEST(metadata_is_kafkas) {
  struct golden_file file;
  golden_open(&file, "metadata");
  const struct api_range *range = api_range_of(API_METADATA);
  for (int16_t version = range->minimum; version <= range->maximum; version++) {
    golden_check_full(&file, version, range->first_flexible, GOLDEN_REQUEST, write_metadata_request,
                      expect_metadata_request);
    golden_check(&file, version, GOLDEN_REQUEST, "minimal", write_minimal_metadata_request,
                 expect_minimal_metadata_request);
    golden_check_full(&file, version, range->first_flexible, GOLDEN_RESPONSE, write_metadata_response,
                      expect_metadata_response);
    golden_check(&file, version, GOLDEN_RESPONSE, "degraded", NULL, expect_degraded_metadata_response);
    golden_check(&file, version, GOLDEN_RESPONSE, "minimal", write_minimal_metadata_response,
                 expect_minimal_metadata_response);
  }
  golden_close(&file);
}
END_TEST

/* ---- Produce ---- */

static void write_produce_partition(struct wire_writer *writer, int16_t version, int32_t index,
                                    const char *records) {
  struct produce_request_partition partition = {.index = index, .records_bytes = strlen(records)};
  produce_request_write_partition(writer, version, &partition);
  wire_write_raw(writer, bytes_of_string(records));
  produce_request_write_partition_end(writer, version);
}

static void write_produce_request(struct wire_writer *writer, int16_t version) {
  struct produce_request request = {
      .transactional_id = bytes_of_string("txn-1"), .acks = -1, .timeout_ms = 30000, .topic_count = 2};
  produce_request_write(writer, version, &request);
  struct produce_request_topic orders = {
      .name = bytes_of_string("orders"), .id = first_id, .partition_count = 2};
  produce_request_write_topic(writer, version, &orders);
  write_produce_partition(writer, version, 0, "records-a");
  write_produce_partition(writer, version, 7, "records-bb");
  produce_request_write_topic_end(writer, version);
  struct produce_request_topic events = {
      .name = bytes_of_string("events"), .id = second_id, .partition_count = 1};
  produce_request_write_topic(writer, version, &events);
  write_produce_partition(writer, version, INT32_MAX, "");
  produce_request_write_topic_end(writer, version);
  produce_request_write_end(writer, version);
}

static void expect_produce_request_topic(struct wire_reader *reader, int16_t version, const char *name,
                                         struct uuid id, int32_t partition_count) {
  struct produce_request_topic topic;
  produce_request_read_topic(reader, version, &topic);
  expect_text(topic.name, version >= 13 ? NULL : name);
  expect_uuid(topic.id, version >= 13 ? id : zero_id);
  ck_assert_int_eq(topic.partition_count, partition_count);
}

static void expect_produce_request_partition(struct wire_reader *reader, int16_t version, int32_t index,
                                             const char *records) {
  struct produce_request_partition partition;
  produce_request_read_partition(reader, version, &partition);
  ck_assert_int_eq(partition.index, index);
  expect_text(partition.records, records);
}

static void expect_produce_request(struct wire_reader *reader, int16_t version) {
  struct produce_request request;
  produce_request_read(reader, version, &request);
  expect_text(request.transactional_id, "txn-1");
  ck_assert_int_eq(request.acks, -1);
  ck_assert_int_eq(request.timeout_ms, 30000);
  ck_assert_int_eq(request.topic_count, 2);
  expect_produce_request_topic(reader, version, "orders", first_id, 2);
  expect_produce_request_partition(reader, version, 0, "records-a");
  expect_produce_request_partition(reader, version, 7, "records-bb");
  produce_request_read_topic_end(reader, version);
  expect_produce_request_topic(reader, version, "events", second_id, 1);
  expect_produce_request_partition(reader, version, INT32_MAX, "");
  produce_request_read_topic_end(reader, version);
  produce_request_read_end(reader, version);
}

static void write_minimal_produce_request(struct wire_writer *writer, int16_t version) {
  struct produce_request request = {.acks = 1};
  produce_request_write(writer, version, &request);
  produce_request_write_end(writer, version);
}

static void expect_minimal_produce_request(struct wire_reader *reader, int16_t version) {
  struct produce_request request;
  produce_request_read(reader, version, &request);
  expect_text(request.transactional_id, NULL);
  ck_assert_int_eq(request.acks, 1);
  ck_assert_int_eq(request.timeout_ms, 0);
  ck_assert_int_eq(request.topic_count, 0);
  produce_request_read_end(reader, version);
}

static const struct produce_record_error record_errors[] = {
    {.batch_index = 3, .message = {(const uint8_t *)"no key", 6}},
    {.batch_index = 9},
};

static const struct produce_response_partition refused = {
    .index = 1,
    .error_code = 87,
    .base_offset = -1,
    .log_append_time_ms = -1,
    .log_start_offset = 12,
    .record_error_count = 2,
    .error_message = {(const uint8_t *)"bad records", 11},
    .leader_id = -1,
    .leader_epoch = -1};

static const struct produce_response_partition moved = {.index = 2,
                                                        .error_code = 6,
                                                        .base_offset = INT64_C(4294967296),
                                                        .log_append_time_ms = INT64_C(1700000000000),
                                                        .log_start_offset = 34,
                                                        .leader_id = 7,
                                                        .leader_epoch = 41};

static const struct produce_response_partition plain = {
    .log_append_time_ms = -1, .log_start_offset = -1, .leader_id = -1, .leader_epoch = -1};

static const struct produce_endpoint endpoints[] = {
    {.node_id = 7, .host = {(const uint8_t *)"host7", 5}, .port = 9097, .rack = {(const uint8_t *)"r1", 2}},
    {.node_id = 8, .host = {(const uint8_t *)"host8", 5}, .port = 9098},
};

static void write_produce_response(struct wire_writer *writer, int16_t version) {
  produce_response_write(writer, version, 2);
  struct produce_response_topic orders = {
      .name = bytes_of_string("orders"), .id = first_id, .partition_count = 2};
  produce_response_write_topic(writer, version, &orders);
  produce_response_write_partition(writer, version, &refused, record_errors);
  produce_response_write_partition(writer, version, &moved, NULL);
  produce_response_write_topic_end(writer, version);
  struct produce_response_topic events = {
      .name = bytes_of_string("events"), .id = second_id, .partition_count = 1};
  produce_response_write_topic(writer, version, &events);
  produce_response_write_partition(writer, version, &plain, NULL);
  produce_response_write_topic_end(writer, version);
  struct produce_response_end end = {.throttle_ms = 250, .endpoint_count = 2};
  produce_response_write_end(writer, version, &end, endpoints);
}

static void expect_produce_response_topic(struct wire_reader *reader, int16_t version, const char *name,
                                          struct uuid id, int32_t partition_count) {
  struct produce_response_topic topic;
  produce_response_read_topic(reader, version, &topic);
  expect_text(topic.name, version >= 13 ? NULL : name);
  expect_uuid(topic.id, version >= 13 ? id : zero_id);
  ck_assert_int_eq(topic.partition_count, partition_count);
}

static void expect_produce_response_partition(struct wire_reader *reader, int16_t version,
                                              const struct produce_response_partition *expected) {
  struct produce_response_partition partition;
  produce_response_read_partition(reader, version, &partition);
  ck_assert_int_eq(partition.index, expected->index);
  ck_assert_int_eq(partition.error_code, expected->error_code);
  ck_assert_int_eq(partition.base_offset, expected->base_offset);
  ck_assert_int_eq(partition.log_append_time_ms, expected->log_append_time_ms);
  ck_assert_int_eq(partition.log_start_offset, version >= 5 ? expected->log_start_offset : -1);
  ck_assert_int_eq(partition.leader_id, version >= 10 ? expected->leader_id : -1);
  ck_assert_int_eq(partition.leader_epoch, version >= 10 ? expected->leader_epoch : -1);
  struct bytes message = version >= 8 ? expected->error_message : bytes_of(NULL, 0);
  ck_assert(bytes_equal(partition.error_message, message));
  ck_assert_int_eq(partition.record_error_count, version >= 8 ? expected->record_error_count : 0);
  for (int32_t i = 0; i < partition.record_error_count; i++) {
    struct produce_record_error error;
    produce_response_read_record_error(&partition, version, &error);
    ck_assert_int_eq(error.batch_index, record_errors[i].batch_index);
    ck_assert(bytes_equal(error.message, record_errors[i].message));
    ck_assert_int_eq(error.message.data == NULL, record_errors[i].message.data == NULL);
  }
}

static void expect_produce_response_end(struct wire_reader *reader, int16_t version) {
  struct produce_response_end end;
  produce_response_read_end(reader, version, &end);
  ck_assert_int_eq(end.throttle_ms, 250);
  ck_assert_int_eq(end.endpoint_count, version >= 10 ? 2 : 0);
  for (int32_t i = 0; i < end.endpoint_count; i++) {
    struct produce_endpoint endpoint;
    produce_response_read_endpoint(&end, version, &endpoint);
    ck_assert_int_eq(endpoint.node_id, endpoints[i].node_id);
    ck_assert(bytes_equal(endpoint.host, endpoints[i].host));
    ck_assert_int_eq(endpoint.port, endpoints[i].port);
    ck_assert(bytes_equal(endpoint.rack, endpoints[i].rack));
    ck_assert_int_eq(endpoint.rack.data == NULL, endpoints[i].rack.data == NULL);
  }
}

static void expect_produce_response(struct wire_reader *reader, int16_t version) {
  ck_assert_int_eq(produce_response_read(reader, version), 2);
  expect_produce_response_topic(reader, version, "orders", first_id, 2);
  expect_produce_response_partition(reader, version, &refused);
  expect_produce_response_partition(reader, version, &moved);
  produce_response_read_topic_end(reader, version);
  expect_produce_response_topic(reader, version, "events", second_id, 1);
  expect_produce_response_partition(reader, version, &plain);
  produce_response_read_topic_end(reader, version);
  expect_produce_response_end(reader, version);
}

static void write_minimal_produce_response(struct wire_writer *writer, int16_t version) {
  produce_response_write(writer, version, 0);
  struct produce_response_end end = {0};
  produce_response_write_end(writer, version, &end, NULL);
}

static void expect_minimal_produce_response(struct wire_reader *reader, int16_t version) {
  ck_assert_int_eq(produce_response_read(reader, version), 0);
  struct produce_response_end end;
  produce_response_read_end(reader, version, &end);
  ck_assert_int_eq(end.throttle_ms, 0);
  ck_assert_int_eq(end.endpoint_count, 0);
}

START_TEST(produce_is_kafkas) {
  struct golden_file file;
  golden_open(&file, "produce");
  const struct api_range *range = api_range_of(API_PRODUCE);
  for (int16_t version = range->minimum; version <= range->maximum; version++) {
    golden_check_full(&file, version, range->first_flexible, GOLDEN_REQUEST, write_produce_request,
                      expect_produce_request);
    golden_check(&file, version, GOLDEN_REQUEST, "minimal", write_minimal_produce_request,
                 expect_minimal_produce_request);
    golden_check_full(&file, version, range->first_flexible, GOLDEN_RESPONSE, write_produce_response,
                      expect_produce_response);
    golden_check(&file, version, GOLDEN_RESPONSE, "minimal", write_minimal_produce_response,
                 expect_minimal_produce_response);
  }
  golden_close(&file);
}
END_TEST

/* ---- InitProducerId ---- */

static void write_init_request(struct wire_writer *writer, int16_t version) {
  struct init_producer_id_request request = {.transactional_id = bytes_of_string("txn-1"),
                                             .transaction_timeout_ms = 60000,
                                             .producer_id = INT64_C(1) << 40,
                                             .producer_epoch = 12};
  init_producer_id_request_write(writer, version, &request);
}

static void expect_init_request(struct wire_reader *reader, int16_t version) {
  struct init_producer_id_request request;
  init_producer_id_request_read(reader, version, &request);
  expect_text(request.transactional_id, "txn-1");
  ck_assert_int_eq(request.transaction_timeout_ms, 60000);
  ck_assert_int_eq(request.producer_id, version >= 3 ? INT64_C(1) << 40 : -1);
  ck_assert_int_eq(request.producer_epoch, version >= 3 ? 12 : -1);
}

static void write_minimal_init_request(struct wire_writer *writer, int16_t version) {
  struct init_producer_id_request request = {
      .transaction_timeout_ms = INT32_MAX, .producer_id = -1, .producer_epoch = -1};
  init_producer_id_request_write(writer, version, &request);
}

static void expect_minimal_init_request(struct wire_reader *reader, int16_t version) {
  struct init_producer_id_request request;
  init_producer_id_request_read(reader, version, &request);
  expect_text(request.transactional_id, NULL);
  ck_assert_int_eq(request.transaction_timeout_ms, INT32_MAX);
  ck_assert_int_eq(request.producer_id, -1);
  ck_assert_int_eq(request.producer_epoch, -1);
}

static const struct init_producer_id_response init_response = {
    .throttle_ms = 100, .error_code = 51, .producer_id = INT64_MAX, .producer_epoch = INT16_MAX};
/* Kafka's default id is -1, its default epoch 0. */
static const struct init_producer_id_response minimal_init_response = {.producer_id = -1};

static void write_init_response(struct wire_writer *writer, int16_t version) {
  init_producer_id_response_write(writer, version, &init_response);
}

static void write_minimal_init_response(struct wire_writer *writer, int16_t version) {
  init_producer_id_response_write(writer, version, &minimal_init_response);
}

static void expect_init(struct wire_reader *reader, int16_t version,
                        const struct init_producer_id_response *expected) {
  struct init_producer_id_response response;
  init_producer_id_response_read(reader, version, &response);
  ck_assert_int_eq(response.throttle_ms, expected->throttle_ms);
  ck_assert_int_eq(response.error_code, expected->error_code);
  ck_assert_int_eq(response.producer_id, expected->producer_id);
  ck_assert_int_eq(response.producer_epoch, expected->producer_epoch);
}

static void expect_init_response(struct wire_reader *reader, int16_t version) {
  expect_init(reader, version, &init_response);
}

static void expect_minimal_init_response(struct wire_reader *reader, int16_t version) {
  expect_init(reader, version, &minimal_init_response);
}

START_TEST(init_producer_id_is_kafkas) {
  struct golden_file file;
  golden_open(&file, "init_producer_id");
  const struct api_range *range = api_range_of(API_INIT_PRODUCER_ID);
  for (int16_t version = range->minimum; version <= range->maximum; version++) {
    golden_check_full(&file, version, range->first_flexible, GOLDEN_REQUEST, write_init_request,
                      expect_init_request);
    golden_check(&file, version, GOLDEN_REQUEST, "minimal", write_minimal_init_request,
                 expect_minimal_init_request);
    golden_check_full(&file, version, range->first_flexible, GOLDEN_RESPONSE, write_init_response,
                      expect_init_response);
    golden_check(&file, version, GOLDEN_RESPONSE, "minimal", write_minimal_init_response,
                 expect_minimal_init_response);
  }
  golden_close(&file);
}
END_TEST

int main(void) {
  Suite *suite = suite_create("golden");
  TCase *test_case = tcase_create("all");
  tcase_add_test(test_case, headers_are_kafkas);
  tcase_add_test(test_case, api_versions_is_kafkas);
  tcase_add_test(test_case, metadata_is_kafkas);
  tcase_add_test(test_case, produce_is_kafkas);
  tcase_add_test(test_case, init_producer_id_is_kafkas);
  suite_add_tcase(suite, test_case);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_ENV);
  int failures = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failures != 0;
}
