#include "protocol/produce.h"

#include "base/status.h"
#include "protocol/api.h"
#include "support/failing_allocator.h"
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

static void expect_topic(int16_t version, struct bytes name, const struct uuid *id, const char *expected) {
  if (version >= 13) {
    expect_text(name, NULL);
    ck_assert(uuid_equal(id, &topic_id));
  } else {
    expect_text(name, expected);
    ck_assert(uuid_is_zero(id));
  }
}

/* ---- request ---- */

static void write_request_topic(int16_t version, const char *name, const char *const records[],
                                int32_t count) {
  struct produce_request_topic topic = {
      .name = bytes_of_string(name), .id = topic_id, .partition_count = count};
  produce_request_write_topic(&writer, version, &topic);
  for (int32_t i = 0; i < count; i++) {
    struct bytes content = bytes_of_string(records[i]);
    struct produce_request_partition partition = {.index = 10 + i, .records_bytes = content.size};
    produce_request_write_partition(&writer, version, &partition);
    wire_write_raw(&writer, content);
    produce_request_write_partition_end(&writer, version);
  }
  produce_request_write_topic_end(&writer, version);
}

static void write_request(int16_t version, const char *transactional_id) {
  wire_writer_reset(&writer);
  struct produce_request request = {.transactional_id = bytes_of_string(transactional_id),
                                    .acks = -1,
                                    .timeout_ms = 30000,
                                    .topic_count = 2};
  produce_request_write(&writer, version, &request);
  write_request_topic(version, "orders", (const char *const[]){"batch-a", "batch-b"}, 2);
  write_request_topic(version, "events", (const char *const[]){""}, 1);
  produce_request_write_end(&writer, version);
}

static void decode_request(struct wire_reader *reader, int16_t version) {
  struct produce_request request;
  produce_request_read(reader, version, &request);
  for (int32_t i = 0; i < request.topic_count && !reader->failed; i++) {
    struct produce_request_topic topic;
    produce_request_read_topic(reader, version, &topic);
    for (int32_t j = 0; j < topic.partition_count && !reader->failed; j++) {
      struct produce_request_partition partition;
      produce_request_read_partition(reader, version, &partition);
    }
    produce_request_read_topic_end(reader, version);
  }
  produce_request_read_end(reader, version);
}

static void expect_request_partition(struct wire_reader *reader, int16_t version, int32_t index,
                                     const char *records) {
  struct produce_request_partition partition;
  produce_request_read_partition(reader, version, &partition);
  ck_assert_int_eq(partition.index, index);
  expect_text(partition.records, records);
  ck_assert_uint_eq(partition.records_bytes, strlen(records));
}

START_TEST(request_comes_back_in_every_version) {
  for (int16_t version = 3; version <= 13; version++) {
    write_request(version, "txn");
    struct wire_reader reader = written();
    struct produce_request request;
    produce_request_read(&reader, version, &request);
    expect_text(request.transactional_id, "txn");
    ck_assert_int_eq(request.acks, -1);
    ck_assert_int_eq(request.timeout_ms, 30000);
    ck_assert_int_eq(request.topic_count, 2);
    struct produce_request_topic topic;
    produce_request_read_topic(&reader, version, &topic);
    expect_topic(version, topic.name, &topic.id, "orders");
    ck_assert_int_eq(topic.partition_count, 2);
    expect_request_partition(&reader, version, 10, "batch-a");
    expect_request_partition(&reader, version, 11, "batch-b");
    produce_request_read_topic_end(&reader, version);
    produce_request_read_topic(&reader, version, &topic);
    expect_topic(version, topic.name, &topic.id, "events");
    expect_request_partition(&reader, version, 10, "");
    produce_request_read_topic_end(&reader, version);
    produce_request_read_end(&reader, version);
    expect_end(&reader);
  }
}
END_TEST

START_TEST(request_without_transaction_has_a_null_id) {
  for (int16_t version = 3; version <= 13; version++) {
    write_request(version, NULL);
    struct wire_reader reader = written();
    struct produce_request request;
    produce_request_read(&reader, version, &request);
    expect_text(request.transactional_id, NULL);
  }
}
END_TEST

START_TEST(absent_records_are_null) {
  struct wire_reader reader = wire_reader_of(bytes_of("\0\0\0\x05\xff\xff\xff\xff", 8));
  struct produce_request_partition partition;
  produce_request_read_partition(&reader, 3, &partition);
  expect_end(&reader);
  ck_assert_int_eq(partition.index, 5);
  expect_text(partition.records, NULL);
}
END_TEST

START_TEST(request_cut_or_changed_is_survived) {
  for (int16_t version = 3; version <= 13; version++) {
    write_request(version, "txn");
    hostile_check(&writer, version, decode_request);
  }
}
END_TEST

/* ---- response ---- */

static const struct produce_record_error record_errors[] = {
    {.batch_index = 3, .message = {(const uint8_t *)"no key", 6}},
    {.batch_index = 9, .message = {NULL, 0}},
};

static const struct produce_endpoint endpoints[] = {
    {.node_id = 7, .host = {(const uint8_t *)"host7", 5}, .port = 9097, .rack = {(const uint8_t *)"r1", 2}},
    {.node_id = 8, .host = {(const uint8_t *)"host8", 5}, .port = 9098, .rack = {NULL, 0}},
};

static void write_response(int16_t version) {
  wire_writer_reset(&writer);
  produce_response_write(&writer, version, 1);
  struct produce_response_topic topic = {
      .name = bytes_of_string("orders"), .id = topic_id, .partition_count = 2};
  produce_response_write_topic(&writer, version, &topic);
  struct produce_response_partition refused = {.index = 1,
                                               .error_code = STATUS_INVALID_RECORD,
                                               .base_offset = -1,
                                               .log_append_time_ms = -1,
                                               .log_start_offset = 12,
                                               .record_error_count = 2,
                                               .error_message = bytes_of_string("bad records"),
                                               .leader_id = -1,
                                               .leader_epoch = -1};
  produce_response_write_partition(&writer, version, &refused, record_errors);
  struct produce_response_partition moved = {.index = 2,
                                             .error_code = STATUS_NOT_LEADER_OR_FOLLOWER,
                                             .base_offset = INT64_MAX,
                                             .log_append_time_ms = 1700000000000,
                                             .log_start_offset = 34,
                                             .leader_id = 7,
                                             .leader_epoch = 41};
  produce_response_write_partition(&writer, version, &moved, NULL);
  produce_response_write_topic_end(&writer, version);
  struct produce_response_end end = {.throttle_ms = 250, .endpoint_count = 2};
  produce_response_write_end(&writer, version, &end, endpoints);
}

static void decode_partition(struct wire_reader *reader, int16_t version) {
  struct produce_response_partition partition;
  produce_response_read_partition(reader, version, &partition);
  for (int32_t i = 0; i < partition.record_error_count; i++) {
    struct produce_record_error error;
    produce_response_read_record_error(&partition, version, &error);
  }
  /* Once the partition was accepted, its errors are sound; a refused one has none. */
  ck_assert(!partition.record_errors.failed || reader->failed);
  ck_assert(!reader->failed || partition.record_error_count == 0);
}

static void decode_response(struct wire_reader *reader, int16_t version) {
  int32_t count = produce_response_read(reader, version);
  for (int32_t i = 0; i < count && !reader->failed; i++) {
    struct produce_response_topic topic;
    produce_response_read_topic(reader, version, &topic);
    for (int32_t j = 0; j < topic.partition_count && !reader->failed; j++)
      decode_partition(reader, version);
    produce_response_read_topic_end(reader, version);
  }
  struct produce_response_end end;
  produce_response_read_end(reader, version, &end);
  for (int32_t i = 0; i < end.endpoint_count; i++) {
    struct produce_endpoint endpoint;
    produce_response_read_endpoint(&end, version, &endpoint);
    ck_assert(!end.endpoints.failed);
  }
}

static void expect_record_errors(struct produce_response_partition *partition, int16_t version) {
  if (version < 8) {
    ck_assert_int_eq(partition->record_error_count, 0);
    expect_text(partition->error_message, NULL);
    return;
  }
  ck_assert_int_eq(partition->record_error_count, 2);
  expect_text(partition->error_message, "bad records");
  struct produce_record_error error;
  produce_response_read_record_error(partition, version, &error);
  ck_assert_int_eq(error.batch_index, 3);
  expect_text(error.message, "no key");
  produce_response_read_record_error(partition, version, &error);
  ck_assert_int_eq(error.batch_index, 9);
  expect_text(error.message, NULL);
  expect_end(&partition->record_errors);
}

static void expect_endpoints(struct produce_response_end *end, int16_t version) {
  if (version < 10) {
    ck_assert_int_eq(end->endpoint_count, 0);
    return;
  }
  ck_assert_int_eq(end->endpoint_count, 2);
  struct produce_endpoint endpoint;
  produce_response_read_endpoint(end, version, &endpoint);
  ck_assert_int_eq(endpoint.node_id, 7);
  expect_text(endpoint.host, "host7");
  ck_assert_int_eq(endpoint.port, 9097);
  expect_text(endpoint.rack, "r1");
  produce_response_read_endpoint(end, version, &endpoint);
  ck_assert_int_eq(endpoint.node_id, 8);
  expect_text(endpoint.rack, NULL);
  expect_end(&end->endpoints);
}

START_TEST(response_comes_back_in_every_version) {
  for (int16_t version = 3; version <= 13; version++) {
    write_response(version);
    struct wire_reader reader = written();
    ck_assert_int_eq(produce_response_read(&reader, version), 1);
    struct produce_response_topic topic;
    produce_response_read_topic(&reader, version, &topic);
    expect_topic(version, topic.name, &topic.id, "orders");
    ck_assert_int_eq(topic.partition_count, 2);
    struct produce_response_partition partition;
    produce_response_read_partition(&reader, version, &partition);
    ck_assert_int_eq(partition.index, 1);
    ck_assert_int_eq(partition.error_code, STATUS_INVALID_RECORD);
    ck_assert_int_eq(partition.base_offset, -1);
    ck_assert_int_eq(partition.log_append_time_ms, -1);
    ck_assert_int_eq(partition.log_start_offset, version >= 5 ? 12 : -1);
    ck_assert_int_eq(partition.leader_id, -1);
    ck_assert_int_eq(partition.leader_epoch, -1);
    expect_record_errors(&partition, version);
    produce_response_read_partition(&reader, version, &partition);
    ck_assert_int_eq(partition.index, 2);
    ck_assert_int_eq(partition.base_offset, INT64_MAX);
    ck_assert_int_eq(partition.log_append_time_ms, 1700000000000);
    ck_assert_int_eq(partition.record_error_count, 0);
    expect_text(partition.error_message, NULL);
    ck_assert_int_eq(partition.leader_id, version >= 10 ? 7 : -1);
    ck_assert_int_eq(partition.leader_epoch, version >= 10 ? 41 : -1);
    produce_response_read_topic_end(&reader, version);
    struct produce_response_end end;
    produce_response_read_end(&reader, version, &end);
    ck_assert_int_eq(end.throttle_ms, 250);
    expect_endpoints(&end, version);
    expect_end(&reader);
  }
}
END_TEST

START_TEST(response_without_endpoints_has_no_tag) {
  struct produce_response_end end = {.throttle_ms = 0};
  produce_response_write_end(&writer, 10, &end, NULL);
  ck_assert_uint_eq(writer.size, 5);
  ck_assert_uint_eq(writer.data[4], 0);
}
END_TEST

START_TEST(response_cut_or_changed_is_survived) {
  for (int16_t version = 3; version <= 13; version++) {
    write_response(version);
    hostile_check(&writer, version, decode_response);
  }
}
END_TEST

/* Counts are checked against what is left: with many elements of the fewest bytes that check must not be too
 * strict. */
START_TEST(smallest_elements_are_accepted) {
  enum { COUNT = 50 };
  static const struct produce_record_error errors[COUNT];
  struct produce_endpoint nowhere[COUNT];
  for (int16_t version = 3; version <= 13; version++) {
    wire_writer_reset(&writer);
    struct produce_request request = {.topic_count = COUNT};
    produce_request_write(&writer, version, &request);
    for (int32_t i = 0; i < COUNT; i++)
      write_request_topic(version, "", NULL, 0);
    produce_request_write_end(&writer, version);
    hostile_check(&writer, version, decode_request);
    wire_writer_reset(&writer);
    request.topic_count = 1;
    produce_request_write(&writer, version, &request);
    write_request_topic(version, "", (const char *const[]){"", "", "", "", "", "", "", "", "", ""}, 10);
    produce_request_write_end(&writer, version);
    hostile_check(&writer, version, decode_request);
    wire_writer_reset(&writer);
    produce_response_write(&writer, version, 1);
    struct produce_response_topic topic = {.name = bytes_of_string(""), .partition_count = COUNT};
    produce_response_write_topic(&writer, version, &topic);
    struct produce_response_partition partition = {
        .record_error_count = COUNT, .leader_id = -1, .leader_epoch = -1};
    for (int32_t i = 0; i < COUNT; i++) {
      produce_response_write_partition(&writer, version, &partition, errors);
      partition.record_error_count = 0;
      nowhere[i] = (struct produce_endpoint){.host = bytes_of_string("")};
    }
    produce_response_write_topic_end(&writer, version);
    struct produce_response_end end = {.endpoint_count = COUNT};
    produce_response_write_end(&writer, version, &end, nowhere);
    hostile_truncate(bytes_of(writer.data, writer.size), version, decode_response);
  }
}
END_TEST

START_TEST(failing_allocations_are_told) {
  bool failed = true;
  for (uint32_t i = 0; failed; i++) {
    failing_allocator_start(i);
    write_response(13);
    failed = failing_allocator_stop();
    ck_assert_int_eq(writer.failed, failed);
    wire_writer_deinit(&writer);
  }
}
END_TEST

START_TEST(null_topics_are_refused) {
  struct wire_reader plain = wire_reader_of(bytes_of("\xff\xff\xff\xff", 4));
  ck_assert_int_eq(produce_response_read(&plain, 3), 0);
  ck_assert(plain.failed);
  struct wire_reader compact = wire_reader_of(bytes_of("\x00\x00\x00\x00\x00", 5));
  ck_assert_int_eq(produce_response_read(&compact, 9), 0);
  ck_assert(compact.failed);
}
END_TEST

START_TEST(endpoint_without_host_is_refused) {
  /* throttle, one tag 0 of 13 bytes: one endpoint 7, null host, port, null rack, no tags */
  static const char input[] = "\0\0\0\0\x01\x00\x0c\x02\0\0\0\x07\x00\0\0\0\x01\x00\x00";
  struct wire_reader reader = wire_reader_of(bytes_of(input, sizeof input - 1));
  struct produce_response_end end;
  produce_response_read_end(&reader, 10, &end);
  ck_assert(reader.failed);
  ck_assert_int_eq(end.endpoint_count, 0);
}
END_TEST

START_TEST(leader_hint_before_version_10_is_an_unknown_tag) {
  write_response(10);
  struct wire_reader reader = written();
  produce_response_read(&reader, 10);
  struct produce_response_topic topic;
  produce_response_read_topic(&reader, 10, &topic);
  struct produce_response_partition partition;
  produce_response_read_partition(&reader, 10, &partition);
  produce_response_read_partition(&reader, 9, &partition);
  ck_assert(!reader.failed);
  ck_assert_int_eq(partition.leader_id, -1);
}
END_TEST

int main(void) {
  Suite *suite = suite_create("produce");
  TCase *test_case = tcase_create("all");
  tcase_add_checked_fixture(test_case, setup, teardown);
  tcase_add_test(test_case, request_comes_back_in_every_version);
  tcase_add_test(test_case, request_without_transaction_has_a_null_id);
  tcase_add_test(test_case, absent_records_are_null);
  tcase_add_test(test_case, request_cut_or_changed_is_survived);
  tcase_add_test(test_case, response_comes_back_in_every_version);
  tcase_add_test(test_case, response_without_endpoints_has_no_tag);
  tcase_add_test(test_case, response_cut_or_changed_is_survived);
  tcase_add_test(test_case, smallest_elements_are_accepted);
  tcase_add_test(test_case, failing_allocations_are_told);
  tcase_add_test(test_case, null_topics_are_refused);
  tcase_add_test(test_case, endpoint_without_host_is_refused);
  tcase_add_test(test_case, leader_hint_before_version_10_is_an_unknown_tag);
  suite_add_tcase(suite, test_case);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_ENV);
  int failures = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failures != 0;
}
