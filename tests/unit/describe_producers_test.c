#include "protocol/describe_producers.h"

#include "base/status.h"
#include "support/hostile.h"
#include <check.h>

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

/* ---- request ---- */

static void write_request(void) {
  wire_writer_reset(&writer);
  describe_producers_request_write(&writer, 0, &(struct describe_producers_request){.topic_count = 1});
  struct describe_producers_topic topic = {.name = bytes_of_string("orders"), .partition_count = 2};
  describe_producers_request_write_topic(&writer, 0, &topic);
  describe_producers_request_write_partition(&writer, 0, 3);
  describe_producers_request_write_partition(&writer, 0, INT32_MAX);
  describe_producers_request_write_topic_end(&writer, 0);
  describe_producers_request_write_end(&writer, 0);
}

static void decode_request(struct wire_reader *reader, int16_t version) {
  struct describe_producers_request request;
  describe_producers_request_read(reader, version, &request);
  for (int32_t i = 0; i < request.topic_count && !reader->failed; i++) {
    struct describe_producers_topic topic;
    describe_producers_request_read_topic(reader, version, &topic);
    for (int32_t j = 0; j < topic.partition_count && !reader->failed; j++)
      describe_producers_request_read_partition(reader, version);
    describe_producers_request_read_topic_end(reader, version);
  }
  describe_producers_request_read_end(reader, version);
}

START_TEST(request_comes_back) {
  write_request();
  struct wire_reader reader = written();
  struct describe_producers_request request;
  describe_producers_request_read(&reader, 0, &request);
  ck_assert_int_eq(request.topic_count, 1);
  struct describe_producers_topic topic;
  describe_producers_request_read_topic(&reader, 0, &topic);
  expect_text(topic.name, "orders");
  ck_assert_int_eq(topic.partition_count, 2);
  ck_assert_int_eq(describe_producers_request_read_partition(&reader, 0), 3);
  ck_assert_int_eq(describe_producers_request_read_partition(&reader, 0), INT32_MAX);
  describe_producers_request_read_topic_end(&reader, 0);
  describe_producers_request_read_end(&reader, 0);
  ck_assert(!reader.failed);
  ck_assert_uint_eq(wire_reader_left(&reader), 0);
  hostile_check(&writer, 0, decode_request);
}
END_TEST

/* ---- response ---- */

static const struct describe_producers_producer producer = {.producer_id = INT64_C(1) << 40,
                                                            .producer_epoch = 7,
                                                            .last_sequence = INT32_MAX,
                                                            .last_timestamp_ms = 1700000000000,
                                                            .coordinator_epoch = -1,
                                                            .transaction_start_offset = -1};

static void write_response(void) {
  wire_writer_reset(&writer);
  struct describe_producers_response response = {.throttle_ms = 11, .topic_count = 1};
  describe_producers_response_write(&writer, 0, &response);
  struct describe_producers_topic topic = {.name = bytes_of_string("orders"), .partition_count = 2};
  describe_producers_response_write_topic(&writer, 0, &topic);
  struct describe_producers_partition refused = {
      .index = 2, .error_code = STATUS_TOPIC_AUTHORIZATION_FAILED, .error_message = bytes_of_string("no")};
  describe_producers_response_write_partition(&writer, 0, &refused);
  describe_producers_response_write_partition_end(&writer, 0);
  struct describe_producers_partition known = {.index = 3, .producer_count = 1};
  describe_producers_response_write_partition(&writer, 0, &known);
  describe_producers_response_write_producer(&writer, 0, &producer);
  describe_producers_response_write_partition_end(&writer, 0);
  describe_producers_response_write_topic_end(&writer, 0);
  describe_producers_response_write_end(&writer, 0);
}

static void decode_response(struct wire_reader *reader, int16_t version) {
  struct describe_producers_response response;
  describe_producers_response_read(reader, version, &response);
  for (int32_t i = 0; i < response.topic_count && !reader->failed; i++) {
    struct describe_producers_topic topic;
    describe_producers_response_read_topic(reader, version, &topic);
    for (int32_t j = 0; j < topic.partition_count && !reader->failed; j++) {
      struct describe_producers_partition partition;
      describe_producers_response_read_partition(reader, version, &partition);
      for (int32_t k = 0; k < partition.producer_count && !reader->failed; k++) {
        struct describe_producers_producer found;
        describe_producers_response_read_producer(reader, version, &found);
      }
      describe_producers_response_read_partition_end(reader, version);
    }
    describe_producers_response_read_topic_end(reader, version);
  }
  describe_producers_response_read_end(reader, version);
}

START_TEST(response_comes_back) {
  write_response();
  struct wire_reader reader = written();
  struct describe_producers_response response;
  describe_producers_response_read(&reader, 0, &response);
  ck_assert_int_eq(response.throttle_ms, 11);
  ck_assert_int_eq(response.topic_count, 1);
  struct describe_producers_topic topic;
  describe_producers_response_read_topic(&reader, 0, &topic);
  expect_text(topic.name, "orders");
  ck_assert_int_eq(topic.partition_count, 2);
  struct describe_producers_partition partition;
  describe_producers_response_read_partition(&reader, 0, &partition);
  ck_assert_int_eq(partition.index, 2);
  ck_assert_int_eq(partition.error_code, STATUS_TOPIC_AUTHORIZATION_FAILED);
  expect_text(partition.error_message, "no");
  ck_assert_int_eq(partition.producer_count, 0);
  describe_producers_response_read_partition_end(&reader, 0);
  describe_producers_response_read_partition(&reader, 0, &partition);
  ck_assert_int_eq(partition.index, 3);
  ck_assert_int_eq(partition.error_code, STATUS_OK);
  expect_text(partition.error_message, NULL);
  ck_assert_int_eq(partition.producer_count, 1);
  struct describe_producers_producer found;
  describe_producers_response_read_producer(&reader, 0, &found);
  ck_assert_int_eq(found.producer_id, producer.producer_id);
  ck_assert_int_eq(found.producer_epoch, producer.producer_epoch);
  ck_assert_int_eq(found.last_sequence, producer.last_sequence);
  ck_assert_int_eq(found.last_timestamp_ms, producer.last_timestamp_ms);
  ck_assert_int_eq(found.coordinator_epoch, producer.coordinator_epoch);
  ck_assert_int_eq(found.transaction_start_offset, producer.transaction_start_offset);
  describe_producers_response_read_partition_end(&reader, 0);
  describe_producers_response_read_topic_end(&reader, 0);
  describe_producers_response_read_end(&reader, 0);
  ck_assert(!reader.failed);
  ck_assert_uint_eq(wire_reader_left(&reader), 0);
  hostile_check(&writer, 0, decode_response);
}
END_TEST

/* Counts are checked against what is left: with many elements of the fewest bytes that check must not be too
 * strict. Topics first, then partitions, then producers. */
static void write_smallest_request(int32_t topic_count, int32_t partition_count) {
  wire_writer_reset(&writer);
  describe_producers_request_write(&writer, 0,
                                   &(struct describe_producers_request){.topic_count = topic_count});
  struct describe_producers_topic topic = {.name = bytes_of_string(""), .partition_count = partition_count};
  for (int32_t i = 0; i < topic_count; i++) {
    describe_producers_request_write_topic(&writer, 0, &topic);
    for (int32_t j = 0; j < partition_count; j++)
      describe_producers_request_write_partition(&writer, 0, j);
    describe_producers_request_write_topic_end(&writer, 0);
  }
  describe_producers_request_write_end(&writer, 0);
}

static void write_smallest_response(int32_t topic_count, int32_t partition_count, int32_t producer_count) {
  wire_writer_reset(&writer);
  describe_producers_response_write(&writer, 0,
                                    &(struct describe_producers_response){.topic_count = topic_count});
  struct describe_producers_topic topic = {.name = bytes_of_string(""), .partition_count = partition_count};
  struct describe_producers_partition partition = {.producer_count = producer_count};
  for (int32_t i = 0; i < topic_count; i++) {
    describe_producers_response_write_topic(&writer, 0, &topic);
    for (int32_t j = 0; j < partition_count; j++) {
      describe_producers_response_write_partition(&writer, 0, &partition);
      for (int32_t k = 0; k < producer_count; k++)
        describe_producers_response_write_producer(&writer, 0, &producer);
      describe_producers_response_write_partition_end(&writer, 0);
    }
    describe_producers_response_write_topic_end(&writer, 0);
  }
  describe_producers_response_write_end(&writer, 0);
}

START_TEST(smallest_elements_are_accepted) {
  static const int32_t counts[][3] = {{50, 0, 0}, {1, 50, 0}, {1, 1, 50}};
  for (int i = 0; i < 3; i++) {
    write_smallest_request(counts[i][0], counts[i][1]);
    hostile_truncate(bytes_of(writer.data, writer.size), 0, decode_request);
    write_smallest_response(counts[i][0], counts[i][1], counts[i][2]);
    hostile_truncate(bytes_of(writer.data, writer.size), 0, decode_response);
  }
}
END_TEST

START_TEST(more_producers_than_bytes_are_refused) {
  /* one topic "t", one partition, 2^31-2 producers */
  static const char input[] = "\0\0\0\0\2\2t\2\0\0\0\0\0\0\0\xff\xff\xff\xff\7";
  struct wire_reader reader = wire_reader_of(bytes_of(input, sizeof input - 1));
  decode_response(&reader, 0);
  ck_assert(reader.failed);
}
END_TEST

int main(void) {
  Suite *suite = suite_create("describe_producers");
  TCase *test_case = tcase_create("all");
  tcase_add_checked_fixture(test_case, setup, teardown);
  tcase_add_test(test_case, request_comes_back);
  tcase_add_test(test_case, response_comes_back);
  tcase_add_test(test_case, smallest_elements_are_accepted);
  tcase_add_test(test_case, more_producers_than_bytes_are_refused);
  suite_add_tcase(suite, test_case);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_ENV);
  int failures = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failures != 0;
}
