#include "protocol/metadata.h"

#include "base/status.h"
#include "support/hostile.h"
#include <check.h>

static const struct uuid topic_id = {{9, 8, 7, 6, 5, 4, 3, 2, 1, 0, 1, 2, 3, 4, 5, 6}};

static struct wire_writer writer;

static void setup(void) {
  writer = (struct wire_writer){0};
}

static void teardown(void) {
  wire_writer_deinit(&writer);
}

static struct wire_reader written(void) {
  ck_assert(!writer.failed);
  return wire_reader_of(bytes_of(writer.data, writer.size));
}

static void expect_end(const struct wire_reader *reader) {
  ck_assert(!reader->failed);
  ck_assert_uint_eq(wire_reader_left(reader), 0);
}

/* ---- request ---- */

static void write_request(int16_t version) {
  wire_writer_reset(&writer);
  struct metadata_request request = {.topic_count = 2, .allow_auto_topic_creation = true};
  metadata_request_write(&writer, version, &request);
  struct metadata_request_topic by_name = {.name = bytes_of_string("orders")};
  metadata_request_write_topic(&writer, version, &by_name);
  struct metadata_request_topic second = {.id = topic_id,
                                          .name = bytes_of_string(version >= 10 ? NULL : "events")};
  metadata_request_write_topic(&writer, version, &second);
  metadata_request_write_end(&writer, version, &request);
}

static void decode_request(struct wire_reader *reader, int16_t version) {
  struct metadata_request request;
  metadata_request_read(reader, version, &request);
  for (int32_t i = 0; i < request.topic_count && !reader->failed; i++) {
    struct metadata_request_topic topic;
    metadata_request_read_topic(reader, version, &topic);
  }
  metadata_request_read_end(reader, version, &request);
}

START_TEST(request_comes_back_in_every_version) {
  for (int16_t version = 4; version <= 13; version++) {
    write_request(version);
    struct wire_reader reader = written();
    struct metadata_request request = {0};
    metadata_request_read(&reader, version, &request);
    ck_assert_int_eq(request.topic_count, 2);
    struct metadata_request_topic topic;
    metadata_request_read_topic(&reader, version, &topic);
    expect_text(topic.name, "orders");
    ck_assert(uuid_is_zero(&topic.id));
    metadata_request_read_topic(&reader, version, &topic);
    expect_text(topic.name, version >= 10 ? NULL : "events");
    ck_assert(version >= 10 ? uuid_equal(&topic.id, &topic_id) : uuid_is_zero(&topic.id));
    metadata_request_read_end(&reader, version, &request);
    ck_assert(request.allow_auto_topic_creation);
    expect_end(&reader);
  }
}
END_TEST

START_TEST(all_topics_are_asked_for_by_null) {
  for (int16_t version = 4; version <= 13; version++) {
    wire_writer_reset(&writer);
    struct metadata_request request = {.topic_count = -1};
    metadata_request_write(&writer, version, &request);
    metadata_request_write_end(&writer, version, &request);
    struct wire_reader reader = written();
    struct metadata_request read = {.allow_auto_topic_creation = true};
    metadata_request_read(&reader, version, &read);
    metadata_request_read_end(&reader, version, &read);
    ck_assert_int_eq(read.topic_count, -1);
    ck_assert(!read.allow_auto_topic_creation);
    expect_end(&reader);
  }
}
END_TEST

START_TEST(request_without_name_is_refused_before_version_10) {
  struct wire_reader reader = wire_reader_of(bytes_of("\xff\xff", 2));
  struct metadata_request_topic topic;
  metadata_request_read_topic(&reader, 4, &topic);
  ck_assert(reader.failed);
}
END_TEST

START_TEST(request_cut_or_changed_is_survived) {
  for (int16_t version = 4; version <= 13; version++) {
    write_request(version);
    hostile_check(&writer, version, decode_request);
  }
}
END_TEST

/* ---- response ---- */

static void write_brokers(int16_t version) {
  struct metadata_response response = {.throttle_ms = 5, .broker_count = 2};
  metadata_response_write(&writer, version, &response);
  struct metadata_broker first = {
      .node_id = 1, .host = bytes_of_string("one"), .port = 9091, .rack = bytes_of_string("rack-a")};
  metadata_response_write_broker(&writer, version, &first);
  struct metadata_broker second = {.node_id = 2, .host = bytes_of_string("two"), .port = 9092};
  metadata_response_write_broker(&writer, version, &second);
  struct metadata_cluster cluster = {
      .cluster_id = bytes_of_string("cluster"), .controller_id = 2, .topic_count = 2};
  metadata_response_write_cluster(&writer, version, &cluster);
}

static void write_response(int16_t version) {
  static const int32_t nodes[] = {1, 2};
  wire_writer_reset(&writer);
  write_brokers(version);
  struct metadata_topic known = {
      .name = bytes_of_string("orders"), .id = topic_id, .is_internal = true, .partition_count = 1};
  metadata_response_write_topic(&writer, version, &known);
  struct metadata_partition partition = {
      .error_code = STATUS_REPLICA_NOT_AVAILABLE, .index = 4, .leader_id = 2, .leader_epoch = 17};
  metadata_response_write_partition(&writer, version, &partition, nodes, 2);
  metadata_response_write_topic_end(&writer, version);
  struct metadata_topic unknown = {.error_code = STATUS_UNKNOWN_TOPIC_OR_PARTITION,
                                   .name = bytes_of_string(version >= 12 ? NULL : "events")};
  metadata_response_write_topic(&writer, version, &unknown);
  metadata_response_write_topic_end(&writer, version);
  struct metadata_response_end end = {.error_code = STATUS_REBOOTSTRAP_REQUIRED};
  metadata_response_write_end(&writer, version, &end);
}

static void decode_nodes(struct metadata_nodes *nodes) {
  for (int32_t i = 0; i < nodes->count; i++)
    metadata_read_node_id(nodes);
  ck_assert_uint_eq(wire_reader_left(&nodes->ids), 0);
}

static void decode_topic(struct wire_reader *reader, int16_t version) {
  struct metadata_topic topic;
  metadata_response_read_topic(reader, version, &topic);
  for (int32_t i = 0; i < topic.partition_count && !reader->failed; i++) {
    struct metadata_partition partition;
    metadata_response_read_partition(reader, version, &partition);
    decode_nodes(&partition.replicas);
    decode_nodes(&partition.isr);
    decode_nodes(&partition.offline);
  }
  metadata_response_read_topic_end(reader, version);
}

static void decode_response(struct wire_reader *reader, int16_t version) {
  struct metadata_response response;
  metadata_response_read(reader, version, &response);
  for (int32_t i = 0; i < response.broker_count && !reader->failed; i++) {
    struct metadata_broker broker;
    metadata_response_read_broker(reader, version, &broker);
  }
  struct metadata_cluster cluster;
  metadata_response_read_cluster(reader, version, &cluster);
  for (int32_t i = 0; i < cluster.topic_count && !reader->failed; i++)
    decode_topic(reader, version);
  struct metadata_response_end end;
  metadata_response_read_end(reader, version, &end);
}

static void expect_brokers(struct wire_reader *reader, int16_t version) {
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
  expect_text(broker.rack, NULL);
  struct metadata_cluster cluster;
  metadata_response_read_cluster(reader, version, &cluster);
  expect_text(cluster.cluster_id, "cluster");
  ck_assert_int_eq(cluster.controller_id, 2);
  ck_assert_int_eq(cluster.topic_count, 2);
}

static void expect_two_nodes(struct metadata_nodes nodes) {
  ck_assert_int_eq(nodes.count, 2);
  ck_assert_int_eq(metadata_read_node_id(&nodes), 1);
  ck_assert_int_eq(metadata_read_node_id(&nodes), 2);
  expect_end(&nodes.ids);
}

static void expect_partition(struct wire_reader *reader, int16_t version) {
  struct metadata_partition partition;
  metadata_response_read_partition(reader, version, &partition);
  ck_assert_int_eq(partition.error_code, STATUS_REPLICA_NOT_AVAILABLE);
  ck_assert_int_eq(partition.index, 4);
  ck_assert_int_eq(partition.leader_id, 2);
  ck_assert_int_eq(partition.leader_epoch, version >= 7 ? 17 : -1);
  expect_two_nodes(partition.replicas);
  expect_two_nodes(partition.isr);
  ck_assert_int_eq(partition.offline.count, 0);
}

START_TEST(response_comes_back_in_every_version) {
  for (int16_t version = 4; version <= 13; version++) {
    write_response(version);
    struct wire_reader reader = written();
    expect_brokers(&reader, version);
    struct metadata_topic topic;
    metadata_response_read_topic(&reader, version, &topic);
    ck_assert_int_eq(topic.error_code, STATUS_OK);
    expect_text(topic.name, "orders");
    ck_assert(version >= 10 ? uuid_equal(&topic.id, &topic_id) : uuid_is_zero(&topic.id));
    ck_assert(topic.is_internal);
    ck_assert_int_eq(topic.partition_count, 1);
    expect_partition(&reader, version);
    metadata_response_read_topic_end(&reader, version);
    metadata_response_read_topic(&reader, version, &topic);
    ck_assert_int_eq(topic.error_code, STATUS_UNKNOWN_TOPIC_OR_PARTITION);
    expect_text(topic.name, version >= 12 ? NULL : "events");
    ck_assert(!topic.is_internal);
    ck_assert_int_eq(topic.partition_count, 0);
    metadata_response_read_topic_end(&reader, version);
    struct metadata_response_end end;
    metadata_response_read_end(&reader, version, &end);
    ck_assert_int_eq(end.error_code, version >= 13 ? STATUS_REBOOTSTRAP_REQUIRED : STATUS_OK);
    expect_end(&reader);
  }
}
END_TEST

START_TEST(offline_replicas_are_read) {
  /* version 5: error, index 1, leader 2, replicas [1, 2], isr [2], offline [1] */
  static const char input[] = "\0\0\0\0\0\1\0\0\0\2\0\0\0\2\0\0\0\1\0\0\0\2\0\0\0\1\0\0\0\2\0\0\0\1\0\0\0\1";
  struct wire_reader reader = wire_reader_of(bytes_of(input, sizeof input - 1));
  struct metadata_partition partition;
  metadata_response_read_partition(&reader, 5, &partition);
  expect_end(&reader);
  expect_two_nodes(partition.replicas);
  ck_assert_int_eq(partition.isr.count, 1);
  ck_assert_int_eq(metadata_read_node_id(&partition.isr), 2);
  ck_assert_int_eq(partition.offline.count, 1);
  ck_assert_int_eq(metadata_read_node_id(&partition.offline), 1);
}
END_TEST

START_TEST(response_cut_or_changed_is_survived) {
  for (int16_t version = 4; version <= 13; version++) {
    write_response(version);
    hostile_check(&writer, version, decode_response);
  }
}
END_TEST

START_TEST(broker_without_host_is_refused) {
  struct wire_reader reader = wire_reader_of(bytes_of("\0\0\0\1\xff\xff\0\0\0\1\xff\xff", 12));
  struct metadata_broker broker;
  metadata_response_read_broker(&reader, 4, &broker);
  ck_assert(reader.failed);
}
END_TEST

START_TEST(topic_without_name_is_refused_before_version_12) {
  struct wire_reader plain = wire_reader_of(bytes_of("\0\0\xff\xff\0\0\0\0\0", 9));
  struct metadata_topic topic;
  metadata_response_read_topic(&plain, 4, &topic);
  ck_assert(plain.failed);
  static const uint8_t flexible[21] = {[20] = 1};
  struct wire_reader compact = wire_reader_of(bytes_of(flexible, sizeof flexible));
  metadata_response_read_topic(&compact, 11, &topic);
  ck_assert(compact.failed);
}
END_TEST

/* Counts are checked against what is left: with many elements of the fewest bytes that check must not be too
 * strict. */
START_TEST(smallest_elements_are_accepted) {
  enum { COUNT = 50 };
  for (int16_t version = 4; version <= 13; version++) {
    wire_writer_reset(&writer);
    struct metadata_request request = {.topic_count = COUNT};
    metadata_request_write(&writer, version, &request);
    struct metadata_request_topic asked = {.name = bytes_of_string("")};
    for (int32_t i = 0; i < COUNT; i++)
      metadata_request_write_topic(&writer, version, &asked);
    metadata_request_write_end(&writer, version, &request);
    hostile_truncate(bytes_of(writer.data, writer.size), version, decode_request);
    wire_writer_reset(&writer);
    struct metadata_response response = {.broker_count = COUNT};
    metadata_response_write(&writer, version, &response);
    struct metadata_broker broker = {.host = bytes_of_string("")};
    for (int32_t i = 0; i < COUNT; i++)
      metadata_response_write_broker(&writer, version, &broker);
    struct metadata_cluster cluster = {.topic_count = COUNT};
    metadata_response_write_cluster(&writer, version, &cluster);
    struct metadata_topic topic = {.name = bytes_of_string("")};
    struct metadata_partition partition = {0};
    for (int32_t i = 0; i < COUNT; i++) {
      topic.partition_count = i == COUNT - 1 ? COUNT : 0;
      metadata_response_write_topic(&writer, version, &topic);
      for (int32_t j = 0; j < topic.partition_count; j++)
        metadata_response_write_partition(&writer, version, &partition, NULL, 0);
      metadata_response_write_topic_end(&writer, version);
    }
    struct metadata_response_end end = {0};
    metadata_response_write_end(&writer, version, &end);
    hostile_truncate(bytes_of(writer.data, writer.size), version, decode_response);
  }
}
END_TEST

int main(void) {
  Suite *suite = suite_create("metadata");
  TCase *test_case = tcase_create("all");
  tcase_add_checked_fixture(test_case, setup, teardown);
  tcase_add_test(test_case, request_comes_back_in_every_version);
  tcase_add_test(test_case, all_topics_are_asked_for_by_null);
  tcase_add_test(test_case, request_without_name_is_refused_before_version_10);
  tcase_add_test(test_case, request_cut_or_changed_is_survived);
  tcase_add_test(test_case, response_comes_back_in_every_version);
  tcase_add_test(test_case, offline_replicas_are_read);
  tcase_add_test(test_case, response_cut_or_changed_is_survived);
  tcase_add_test(test_case, broker_without_host_is_refused);
  tcase_add_test(test_case, topic_without_name_is_refused_before_version_12);
  tcase_add_test(test_case, smallest_elements_are_accepted);
  suite_add_tcase(suite, test_case);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_ENV);
  int failures = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failures != 0;
}
