#include "protocol/list_offsets.h"

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

static void write_request(int16_t version) {
  wire_writer_reset(&writer);
  struct list_offsets_request request = {.replica_id = -1, .isolation_level = 1, .topic_count = 1};
  list_offsets_request_write(&writer, version, &request);
  struct list_offsets_topic topic = {.name = bytes_of_string("orders"), .partition_count = 2};
  list_offsets_request_write_topic(&writer, version, &topic);
  struct list_offsets_request_partition first = {
      .index = 3, .current_leader_epoch = 8, .timestamp_ms = LIST_OFFSETS_EARLIEST};
  list_offsets_request_write_partition(&writer, version, &first);
  struct list_offsets_request_partition second = {
      .index = 4, .current_leader_epoch = -1, .timestamp_ms = 1700000000000};
  list_offsets_request_write_partition(&writer, version, &second);
  list_offsets_request_write_topic_end(&writer, version);
  list_offsets_request_write_end(&writer, version);
}

static void decode_request(struct wire_reader *reader, int16_t version) {
  struct list_offsets_request request;
  list_offsets_request_read(reader, version, &request);
  for (int32_t i = 0; i < request.topic_count && !reader->failed; i++) {
    struct list_offsets_topic topic;
    list_offsets_request_read_topic(reader, version, &topic);
    for (int32_t j = 0; j < topic.partition_count && !reader->failed; j++) {
      struct list_offsets_request_partition partition;
      list_offsets_request_read_partition(reader, version, &partition);
    }
    list_offsets_request_read_topic_end(reader, version);
  }
  list_offsets_request_read_end(reader, version);
}

START_TEST(request_comes_back_in_every_version) {
  for (int16_t version = 1; version <= 7; version++) {
    write_request(version);
    struct wire_reader reader = written();
    struct list_offsets_request request;
    list_offsets_request_read(&reader, version, &request);
    ck_assert_int_eq(request.replica_id, -1);
    ck_assert_int_eq(request.isolation_level, version >= 2 ? 1 : 0);
    ck_assert_int_eq(request.topic_count, 1);
    struct list_offsets_topic topic;
    list_offsets_request_read_topic(&reader, version, &topic);
    expect_text(topic.name, "orders");
    ck_assert_int_eq(topic.partition_count, 2);
    struct list_offsets_request_partition partition;
    list_offsets_request_read_partition(&reader, version, &partition);
    ck_assert_int_eq(partition.index, 3);
    ck_assert_int_eq(partition.current_leader_epoch, version >= 4 ? 8 : -1);
    ck_assert_int_eq(partition.timestamp_ms, LIST_OFFSETS_EARLIEST);
    list_offsets_request_read_partition(&reader, version, &partition);
    ck_assert_int_eq(partition.index, 4);
    ck_assert_int_eq(partition.timestamp_ms, 1700000000000);
    list_offsets_request_read_topic_end(&reader, version);
    list_offsets_request_read_end(&reader, version);
    ck_assert(!reader.failed);
    ck_assert_uint_eq(wire_reader_left(&reader), 0);
    hostile_check(&writer, version, decode_request);
  }
}
END_TEST

/* ---- response ---- */

static void write_response(int16_t version) {
  wire_writer_reset(&writer);
  struct list_offsets_response response = {.throttle_ms = 11, .topic_count = 1};
  list_offsets_response_write(&writer, version, &response);
  struct list_offsets_topic topic = {.name = bytes_of_string("orders"), .partition_count = 1};
  list_offsets_response_write_topic(&writer, version, &topic);
  struct list_offsets_response_partition partition = {.index = 3,
                                                      .error_code = STATUS_OFFSET_NOT_AVAILABLE,
                                                      .timestamp_ms = -1,
                                                      .offset = INT64_C(1) << 33,
                                                      .leader_epoch = 8};
  list_offsets_response_write_partition(&writer, version, &partition);
  list_offsets_response_write_topic_end(&writer, version);
  list_offsets_response_write_end(&writer, version);
}

static void decode_response(struct wire_reader *reader, int16_t version) {
  struct list_offsets_response response;
  list_offsets_response_read(reader, version, &response);
  for (int32_t i = 0; i < response.topic_count && !reader->failed; i++) {
    struct list_offsets_topic topic;
    list_offsets_response_read_topic(reader, version, &topic);
    for (int32_t j = 0; j < topic.partition_count && !reader->failed; j++) {
      struct list_offsets_response_partition partition;
      list_offsets_response_read_partition(reader, version, &partition);
    }
    list_offsets_response_read_topic_end(reader, version);
  }
  list_offsets_response_read_end(reader, version);
}

START_TEST(response_comes_back_in_every_version) {
  for (int16_t version = 1; version <= 7; version++) {
    write_response(version);
    struct wire_reader reader = written();
    struct list_offsets_response response;
    list_offsets_response_read(&reader, version, &response);
    ck_assert_int_eq(response.throttle_ms, version >= 2 ? 11 : 0);
    ck_assert_int_eq(response.topic_count, 1);
    struct list_offsets_topic topic;
    list_offsets_response_read_topic(&reader, version, &topic);
    expect_text(topic.name, "orders");
    ck_assert_int_eq(topic.partition_count, 1);
    struct list_offsets_response_partition partition;
    list_offsets_response_read_partition(&reader, version, &partition);
    ck_assert_int_eq(partition.index, 3);
    ck_assert_int_eq(partition.error_code, STATUS_OFFSET_NOT_AVAILABLE);
    ck_assert_int_eq(partition.timestamp_ms, -1);
    ck_assert_int_eq(partition.offset, INT64_C(1) << 33);
    ck_assert_int_eq(partition.leader_epoch, version >= 4 ? 8 : -1);
    list_offsets_response_read_topic_end(&reader, version);
    list_offsets_response_read_end(&reader, version);
    ck_assert(!reader.failed);
    ck_assert_uint_eq(wire_reader_left(&reader), 0);
    hostile_check(&writer, version, decode_response);
  }
}
END_TEST

/* Counts are checked against what is left: with many elements of the fewest bytes that check must not be too
 * strict. Topics first, then partitions. */
static void write_smallest_request(int16_t version, int32_t topic_count, int32_t partition_count) {
  wire_writer_reset(&writer);
  struct list_offsets_request request = {.topic_count = topic_count};
  list_offsets_request_write(&writer, version, &request);
  struct list_offsets_topic topic = {.name = bytes_of_string(""), .partition_count = partition_count};
  struct list_offsets_request_partition partition = {0};
  for (int32_t i = 0; i < topic_count; i++) {
    list_offsets_request_write_topic(&writer, version, &topic);
    for (int32_t j = 0; j < partition_count; j++)
      list_offsets_request_write_partition(&writer, version, &partition);
    list_offsets_request_write_topic_end(&writer, version);
  }
  list_offsets_request_write_end(&writer, version);
}

static void write_smallest_response(int16_t version, int32_t topic_count, int32_t partition_count) {
  wire_writer_reset(&writer);
  struct list_offsets_response response = {.topic_count = topic_count};
  list_offsets_response_write(&writer, version, &response);
  struct list_offsets_topic topic = {.name = bytes_of_string(""), .partition_count = partition_count};
  struct list_offsets_response_partition partition = {0};
  for (int32_t i = 0; i < topic_count; i++) {
    list_offsets_response_write_topic(&writer, version, &topic);
    for (int32_t j = 0; j < partition_count; j++)
      list_offsets_response_write_partition(&writer, version, &partition);
    list_offsets_response_write_topic_end(&writer, version);
  }
  list_offsets_response_write_end(&writer, version);
}

START_TEST(smallest_elements_are_accepted) {
  static const int32_t counts[][2] = {{50, 0}, {1, 50}};
  for (int16_t version = 1; version <= 7; version++)
    for (int i = 0; i < 2; i++) {
      write_smallest_request(version, counts[i][0], counts[i][1]);
      hostile_truncate(bytes_of(writer.data, writer.size), version, decode_request);
      write_smallest_response(version, counts[i][0], counts[i][1]);
      hostile_truncate(bytes_of(writer.data, writer.size), version, decode_response);
    }
}
END_TEST

int main(void) {
  Suite *suite = suite_create("list_offsets");
  TCase *test_case = tcase_create("all");
  tcase_add_checked_fixture(test_case, setup, teardown);
  tcase_add_test(test_case, request_comes_back_in_every_version);
  tcase_add_test(test_case, response_comes_back_in_every_version);
  tcase_add_test(test_case, smallest_elements_are_accepted);
  suite_add_tcase(suite, test_case);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_ENV);
  int failures = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failures != 0;
}
