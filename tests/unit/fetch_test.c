#include "protocol/fetch.h"

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
  struct fetch_request request = {.replica_id = -1,
                                  .max_wait_ms = 500,
                                  .min_bytes = 1,
                                  .max_bytes = 52428800,
                                  .isolation_level = 1,
                                  .session_id = 77,
                                  .session_epoch = 4,
                                  .topic_count = 1};
  fetch_request_write(&writer, version, &request);
  struct fetch_topic topic = {.name = bytes_of_string("orders"), .partition_count = 1};
  fetch_request_write_topic(&writer, version, &topic);
  struct fetch_request_partition partition = {.index = 6,
                                              .current_leader_epoch = 9,
                                              .fetch_offset = INT64_C(1) << 35,
                                              .last_fetched_epoch = 8,
                                              .log_start_offset = 5,
                                              .partition_max_bytes = 1048576};
  fetch_request_write_partition(&writer, version, &partition);
  fetch_request_write_topic_end(&writer, version);
  fetch_request_write_end(&writer, version, bytes_of_string("rack-a"));
}

static void decode_request(struct wire_reader *reader, int16_t version) {
  struct fetch_request request;
  fetch_request_read(reader, version, &request);
  for (int32_t i = 0; i < request.topic_count && !reader->failed; i++) {
    struct fetch_topic topic;
    fetch_request_read_topic(reader, version, &topic);
    for (int32_t j = 0; j < topic.partition_count && !reader->failed; j++) {
      struct fetch_request_partition partition;
      fetch_request_read_partition(reader, version, &partition);
    }
    fetch_request_read_topic_end(reader, version);
  }
  struct bytes rack_id;
  fetch_request_read_end(reader, version, &rack_id);
}

START_TEST(request_comes_back_in_every_version) {
  for (int16_t version = 4; version <= 12; version++) {
    write_request(version);
    struct wire_reader reader = written();
    struct fetch_request request;
    fetch_request_read(&reader, version, &request);
    ck_assert_int_eq(request.replica_id, -1);
    ck_assert_int_eq(request.max_wait_ms, 500);
    ck_assert_int_eq(request.min_bytes, 1);
    ck_assert_int_eq(request.max_bytes, 52428800);
    ck_assert_int_eq(request.isolation_level, 1);
    ck_assert_int_eq(request.session_id, version >= 7 ? 77 : 0);
    ck_assert_int_eq(request.session_epoch, version >= 7 ? 4 : -1);
    ck_assert_int_eq(request.topic_count, 1);
    struct fetch_topic topic;
    fetch_request_read_topic(&reader, version, &topic);
    expect_text(topic.name, "orders");
    ck_assert_int_eq(topic.partition_count, 1);
    struct fetch_request_partition partition;
    fetch_request_read_partition(&reader, version, &partition);
    ck_assert_int_eq(partition.index, 6);
    ck_assert_int_eq(partition.current_leader_epoch, version >= 9 ? 9 : -1);
    ck_assert_int_eq(partition.fetch_offset, INT64_C(1) << 35);
    ck_assert_int_eq(partition.last_fetched_epoch, version >= 12 ? 8 : -1);
    ck_assert_int_eq(partition.log_start_offset, version >= 5 ? 5 : -1);
    ck_assert_int_eq(partition.partition_max_bytes, 1048576);
    fetch_request_read_topic_end(&reader, version);
    struct bytes rack_id;
    fetch_request_read_end(&reader, version, &rack_id);
    expect_text(rack_id, version >= 11 ? "rack-a" : "");
    ck_assert(!reader.failed);
    ck_assert_uint_eq(wire_reader_left(&reader), 0);
    hostile_check(&writer, version, decode_request);
  }
}
END_TEST

static void decode_request_end(struct wire_reader *reader, int16_t version) {
  struct bytes rack_id;
  fetch_request_read_end(reader, version, &rack_id);
}

START_TEST(forgotten_topics_are_skipped) {
  /* two topics with two partitions and one, then the rack */
  static const char plain[] = "\0\0\0\2\0\1a\0\0\0\2\0\0\0\1\0\0\0\2\0\1b\0\0\0\1\0\0\0\3\0\1r";
  static const char flexible[] = "\3\2a\3\0\0\0\1\0\0\0\2\0\2b\2\0\0\0\3\0\2r\0";
  hostile_truncate(bytes_of(plain, sizeof plain - 1), 11, decode_request_end);
  hostile_corrupt(bytes_of(plain, sizeof plain - 1), 11, decode_request_end);
  hostile_truncate(bytes_of(flexible, sizeof flexible - 1), 12, decode_request_end);
  hostile_corrupt(bytes_of(flexible, sizeof flexible - 1), 12, decode_request_end);
  struct wire_reader reader = wire_reader_of(bytes_of(plain, sizeof plain - 1));
  struct bytes rack_id;
  fetch_request_read_end(&reader, 11, &rack_id);
  expect_text(rack_id, "r");
  /* fifty of the fewest bytes, and no rack */
  uint8_t smallest[153] = {51};
  for (int i = 0; i < 50; i++)
    memcpy(smallest + 1 + i * 3, "\1\1\0", 3);
  smallest[151] = 1;
  hostile_truncate(bytes_of(smallest, sizeof smallest), 12, decode_request_end);
}
END_TEST

/* ---- response ---- */

static void write_response(int16_t version) {
  wire_writer_reset(&writer);
  struct fetch_response response = {.throttle_ms = 3, .error_code = 70, .session_id = 0, .topic_count = 1};
  fetch_response_write(&writer, version, &response);
  struct fetch_topic topic = {.name = bytes_of_string("orders"), .partition_count = 2};
  fetch_response_write_topic(&writer, version, &topic);
  struct fetch_response_partition full = {
      .index = 6, .high_watermark = 100, .last_stable_offset = 99, .log_start_offset = 5, .records_bytes = 7};
  fetch_response_write_partition(&writer, version, &full);
  wire_write_raw(&writer, bytes_of("batches", 7));
  fetch_response_write_partition_end(&writer, version);
  struct fetch_response_partition empty = {.index = 7,
                                           .error_code = STATUS_OFFSET_OUT_OF_RANGE,
                                           .high_watermark = -1,
                                           .last_stable_offset = -1,
                                           .log_start_offset = -1};
  fetch_response_write_partition(&writer, version, &empty);
  fetch_response_write_partition_end(&writer, version);
  fetch_response_write_topic_end(&writer, version);
  fetch_response_write_end(&writer, version);
}

static void decode_response(struct wire_reader *reader, int16_t version) {
  struct fetch_response response;
  fetch_response_read(reader, version, &response);
  for (int32_t i = 0; i < response.topic_count && !reader->failed; i++) {
    struct fetch_topic topic;
    fetch_response_read_topic(reader, version, &topic);
    for (int32_t j = 0; j < topic.partition_count && !reader->failed; j++) {
      struct fetch_response_partition partition;
      fetch_response_read_partition(reader, version, &partition);
    }
    fetch_response_read_topic_end(reader, version);
  }
  fetch_response_read_end(reader, version);
}

START_TEST(response_comes_back_in_every_version) {
  for (int16_t version = 4; version <= 12; version++) {
    write_response(version);
    struct wire_reader reader = written();
    struct fetch_response response;
    fetch_response_read(&reader, version, &response);
    ck_assert_int_eq(response.throttle_ms, 3);
    ck_assert_int_eq(response.error_code, version >= 7 ? 70 : 0);
    ck_assert_int_eq(response.topic_count, 1);
    struct fetch_topic topic;
    fetch_response_read_topic(&reader, version, &topic);
    expect_text(topic.name, "orders");
    ck_assert_int_eq(topic.partition_count, 2);
    struct fetch_response_partition partition;
    fetch_response_read_partition(&reader, version, &partition);
    ck_assert_int_eq(partition.index, 6);
    ck_assert_int_eq(partition.error_code, STATUS_OK);
    ck_assert_int_eq(partition.high_watermark, 100);
    ck_assert_int_eq(partition.last_stable_offset, 99);
    ck_assert_int_eq(partition.log_start_offset, version >= 5 ? 5 : -1);
    expect_text(partition.records, "batches");
    ck_assert_uint_eq(partition.records_bytes, 7);
    fetch_response_read_partition(&reader, version, &partition);
    ck_assert_int_eq(partition.index, 7);
    ck_assert_int_eq(partition.error_code, STATUS_OFFSET_OUT_OF_RANGE);
    expect_text(partition.records, "");
    fetch_response_read_topic_end(&reader, version);
    fetch_response_read_end(&reader, version);
    ck_assert(!reader.failed);
    ck_assert_uint_eq(wire_reader_left(&reader), 0);
    hostile_check(&writer, version, decode_response);
  }
}
END_TEST

START_TEST(aborted_transactions_are_skipped) {
  /* version 4: partition 1, offsets 9 and 8, one aborted transaction, two bytes of records */
  static const char input[] = "\0\0\0\1\0\0\0\0\0\0\0\0\0\x09\0\0\0\0\0\0\0\x08\0\0\0\1"
                              "\0\0\0\0\0\0\0\5\0\0\0\0\0\0\0\6\0\0\0\2xy";
  struct wire_reader reader = wire_reader_of(bytes_of(input, sizeof input - 1));
  struct fetch_response_partition partition;
  fetch_response_read_partition(&reader, 4, &partition);
  ck_assert(!reader.failed);
  ck_assert_uint_eq(wire_reader_left(&reader), 0);
  ck_assert_int_eq(partition.high_watermark, 9);
  expect_text(partition.records, "xy");
}
END_TEST

/* Counts are checked against what is left: with many elements of the fewest bytes that check must not be too
 * strict. Topics first, then partitions. */
static void write_smallest_request(int16_t version, int32_t topic_count, int32_t partition_count) {
  wire_writer_reset(&writer);
  struct fetch_request request = {.topic_count = topic_count};
  fetch_request_write(&writer, version, &request);
  struct fetch_topic topic = {.name = bytes_of_string(""), .partition_count = partition_count};
  struct fetch_request_partition partition = {0};
  for (int32_t i = 0; i < topic_count; i++) {
    fetch_request_write_topic(&writer, version, &topic);
    for (int32_t j = 0; j < partition_count; j++)
      fetch_request_write_partition(&writer, version, &partition);
    fetch_request_write_topic_end(&writer, version);
  }
  fetch_request_write_end(&writer, version, bytes_of_string(""));
}

static void write_smallest_response(int16_t version, int32_t topic_count, int32_t partition_count) {
  wire_writer_reset(&writer);
  struct fetch_response response = {.topic_count = topic_count};
  fetch_response_write(&writer, version, &response);
  struct fetch_topic topic = {.name = bytes_of_string(""), .partition_count = partition_count};
  struct fetch_response_partition partition = {0};
  for (int32_t i = 0; i < topic_count; i++) {
    fetch_response_write_topic(&writer, version, &topic);
    for (int32_t j = 0; j < partition_count; j++) {
      fetch_response_write_partition(&writer, version, &partition);
      fetch_response_write_partition_end(&writer, version);
    }
    fetch_response_write_topic_end(&writer, version);
  }
  fetch_response_write_end(&writer, version);
}

START_TEST(smallest_elements_are_accepted) {
  static const int32_t counts[][2] = {{50, 0}, {1, 50}};
  for (int16_t version = 4; version <= 12; version++)
    for (int i = 0; i < 2; i++) {
      write_smallest_request(version, counts[i][0], counts[i][1]);
      hostile_truncate(bytes_of(writer.data, writer.size), version, decode_request);
      write_smallest_response(version, counts[i][0], counts[i][1]);
      hostile_truncate(bytes_of(writer.data, writer.size), version, decode_response);
    }
}
END_TEST

int main(void) {
  Suite *suite = suite_create("fetch");
  TCase *test_case = tcase_create("all");
  tcase_add_checked_fixture(test_case, setup, teardown);
  tcase_add_test(test_case, request_comes_back_in_every_version);
  tcase_add_test(test_case, forgotten_topics_are_skipped);
  tcase_add_test(test_case, response_comes_back_in_every_version);
  tcase_add_test(test_case, aborted_transactions_are_skipped);
  tcase_add_test(test_case, smallest_elements_are_accepted);
  suite_add_tcase(suite, test_case);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_ENV);
  int failures = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failures != 0;
}
