#include "protocol/describe_producers.h"

#include "protocol/api.h"
#include "support/golden.h"
#include "support/hostile.h"
#include <check.h>

static void write_describe_request(struct wire_writer *writer, int16_t version) {
  describe_producers_request_write(writer, version, &(struct describe_producers_request){.topic_count = 2});
  struct describe_producers_topic orders = {.name = bytes_of_string("orders"), .partition_count = 2};
  describe_producers_request_write_topic(writer, version, &orders);
  describe_producers_request_write_partition(writer, version, 3);
  describe_producers_request_write_partition(writer, version, 7);
  describe_producers_request_write_topic_end(writer, version);
  struct describe_producers_topic events = {.name = bytes_of_string("events")};
  describe_producers_request_write_topic(writer, version, &events);
  describe_producers_request_write_topic_end(writer, version);
  describe_producers_request_write_end(writer, version);
}

static void expect_describe_request(struct wire_reader *reader, int16_t version) {
  struct describe_producers_request request;
  describe_producers_request_read(reader, version, &request);
  ck_assert_int_eq(request.topic_count, 2);
  struct describe_producers_topic topic;
  describe_producers_request_read_topic(reader, version, &topic);
  expect_text(topic.name, "orders");
  ck_assert_int_eq(topic.partition_count, 2);
  ck_assert_int_eq(describe_producers_request_read_partition(reader, version), 3);
  ck_assert_int_eq(describe_producers_request_read_partition(reader, version), 7);
  describe_producers_request_read_topic_end(reader, version);
  describe_producers_request_read_topic(reader, version, &topic);
  expect_text(topic.name, "events");
  ck_assert_int_eq(topic.partition_count, 0);
  describe_producers_request_read_topic_end(reader, version);
  describe_producers_request_read_end(reader, version);
}

static void write_minimal_describe_request(struct wire_writer *writer, int16_t version) {
  describe_producers_request_write(writer, version, &(struct describe_producers_request){0});
  describe_producers_request_write_end(writer, version);
}

static void expect_minimal_describe_request(struct wire_reader *reader, int16_t version) {
  struct describe_producers_request request;
  describe_producers_request_read(reader, version, &request);
  ck_assert_int_eq(request.topic_count, 0);
  describe_producers_request_read_end(reader, version);
}

static const struct describe_producers_producer described[] = {
    {.producer_id = INT64_C(1099511627776),
     .producer_epoch = 12,
     .last_sequence = INT32_MAX,
     .last_timestamp_ms = INT64_C(1700000000000),
     .coordinator_epoch = -1,
     .transaction_start_offset = -1},
    {.producer_id = 2,
     .last_sequence = -1,
     .last_timestamp_ms = -1,
     .coordinator_epoch = 4,
     .transaction_start_offset = INT64_C(8589934592)},
};

static void write_describe_response(struct wire_writer *writer, int16_t version) {
  struct describe_producers_response response = {.throttle_ms = 13, .topic_count = 1};
  describe_producers_response_write(writer, version, &response);
  struct describe_producers_topic topic = {.name = bytes_of_string("orders"), .partition_count = 2};
  describe_producers_response_write_topic(writer, version, &topic);
  struct describe_producers_partition known = {.index = 3, .producer_count = 2};
  describe_producers_response_write_partition(writer, version, &known);
  describe_producers_response_write_producer(writer, version, &described[0]);
  describe_producers_response_write_producer(writer, version, &described[1]);
  describe_producers_response_write_partition_end(writer, version);
  struct describe_producers_partition denied = {
      .index = 7, .error_code = 29, .error_message = bytes_of_string("not allowed")};
  describe_producers_response_write_partition(writer, version, &denied);
  describe_producers_response_write_partition_end(writer, version);
  describe_producers_response_write_topic_end(writer, version);
  describe_producers_response_write_end(writer, version);
}

static void expect_described(struct wire_reader *reader, int16_t version,
                             const struct describe_producers_producer *expected) {
  struct describe_producers_producer producer;
  describe_producers_response_read_producer(reader, version, &producer);
  ck_assert_int_eq(producer.producer_id, expected->producer_id);
  ck_assert_int_eq(producer.producer_epoch, expected->producer_epoch);
  ck_assert_int_eq(producer.last_sequence, expected->last_sequence);
  ck_assert_int_eq(producer.last_timestamp_ms, expected->last_timestamp_ms);
  ck_assert_int_eq(producer.coordinator_epoch, expected->coordinator_epoch);
  ck_assert_int_eq(producer.transaction_start_offset, expected->transaction_start_offset);
}

static void expect_describe_response(struct wire_reader *reader, int16_t version) {
  struct describe_producers_response response;
  describe_producers_response_read(reader, version, &response);
  ck_assert_int_eq(response.throttle_ms, 13);
  ck_assert_int_eq(response.topic_count, 1);
  struct describe_producers_topic topic;
  describe_producers_response_read_topic(reader, version, &topic);
  expect_text(topic.name, "orders");
  ck_assert_int_eq(topic.partition_count, 2);
  struct describe_producers_partition partition;
  describe_producers_response_read_partition(reader, version, &partition);
  ck_assert_int_eq(partition.index, 3);
  ck_assert_int_eq(partition.error_code, 0);
  expect_text(partition.error_message, NULL);
  ck_assert_int_eq(partition.producer_count, 2);
  expect_described(reader, version, &described[0]);
  expect_described(reader, version, &described[1]);
  describe_producers_response_read_partition_end(reader, version);
  describe_producers_response_read_partition(reader, version, &partition);
  ck_assert_int_eq(partition.index, 7);
  ck_assert_int_eq(partition.error_code, 29);
  expect_text(partition.error_message, "not allowed");
  ck_assert_int_eq(partition.producer_count, 0);
  describe_producers_response_read_partition_end(reader, version);
  describe_producers_response_read_topic_end(reader, version);
  describe_producers_response_read_end(reader, version);
}

static void write_minimal_describe_response(struct wire_writer *writer, int16_t version) {
  describe_producers_response_write(writer, version, &(struct describe_producers_response){0});
  describe_producers_response_write_end(writer, version);
}

static void expect_minimal_describe_response(struct wire_reader *reader, int16_t version) {
  struct describe_producers_response response;
  describe_producers_response_read(reader, version, &response);
  ck_assert_int_eq(response.throttle_ms, 0);
  ck_assert_int_eq(response.topic_count, 0);
  describe_producers_response_read_end(reader, version);
}

START_TEST(describe_producers_is_kafkas) {
  struct golden_file file;
  golden_open(&file, "describe_producers");
  const struct api_range *range = api_range_of(API_DESCRIBE_PRODUCERS);
  for (int16_t version = range->minimum; version <= range->maximum; version++) {
    golden_check_full(&file, version, range->first_flexible, GOLDEN_REQUEST, write_describe_request,
                      expect_describe_request);
    golden_check(&file, version, GOLDEN_REQUEST, "minimal", write_minimal_describe_request,
                 expect_minimal_describe_request);
    golden_check_full(&file, version, range->first_flexible, GOLDEN_RESPONSE, write_describe_response,
                      expect_describe_response);
    golden_check(&file, version, GOLDEN_RESPONSE, "minimal", write_minimal_describe_response,
                 expect_minimal_describe_response);
  }
  golden_close(&file);
}
END_TEST

int main(void) {
  Suite *suite = suite_create("golden_describe_producers");
  TCase *test_case = tcase_create("all");
  tcase_add_test(test_case, describe_producers_is_kafkas);
  suite_add_tcase(suite, test_case);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_ENV);
  int failures = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failures != 0;
}
