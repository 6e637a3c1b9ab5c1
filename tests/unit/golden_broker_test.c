/* What only the embedded broker reads and answers, against Kafka's own classes: the values here are those of
 * tests/golden/GoldenMaker.java. */
#include "protocol/api.h"
#include "protocol/fetch.h"
#include "protocol/find_coordinator.h"
#include "protocol/list_offsets.h"
#include "support/golden.h"
#include "support/hostile.h"
#include <check.h>

/* ---- ListOffsets ---- */

static const struct list_offsets_request_partition earliest = {
    .index = 3, .current_leader_epoch = 8, .timestamp_ms = LIST_OFFSETS_EARLIEST};
static const struct list_offsets_request_partition by_time = {
    .index = 4, .current_leader_epoch = -1, .timestamp_ms = INT64_C(1700000000000)};
static const struct list_offsets_response_partition found = {.index = 3,
                                                             .error_code = 78,
                                                             .timestamp_ms = INT64_C(1700000000000),
                                                             .offset = INT64_C(8589934592),
                                                             .leader_epoch = 8};

static void write_list_offsets_request(struct wire_writer *writer, int16_t version) {
  struct list_offsets_request request = {.replica_id = -1, .isolation_level = 1, .topic_count = 1};
  list_offsets_request_write(writer, version, &request);
  struct list_offsets_topic topic = {.name = bytes_of_string("orders"), .partition_count = 2};
  list_offsets_request_write_topic(writer, version, &topic);
  list_offsets_request_write_partition(writer, version, &earliest);
  list_offsets_request_write_partition(writer, version, &by_time);
  list_offsets_request_write_topic_end(writer, version);
  list_offsets_request_write_end(writer, version);
}

static void expect_asked_partition(struct wire_reader *reader, int16_t version,
                                   const struct list_offsets_request_partition *expected) {
  struct list_offsets_request_partition partition;
  list_offsets_request_read_partition(reader, version, &partition);
  ck_assert_int_eq(partition.index, expected->index);
  ck_assert_int_eq(partition.current_leader_epoch, version >= 4 ? expected->current_leader_epoch : -1);
  ck_assert_int_eq(partition.timestamp_ms, expected->timestamp_ms);
}

static void expect_list_offsets_request(struct wire_reader *reader, int16_t version) {
  struct list_offsets_request request;
  list_offsets_request_read(reader, version, &request);
  ck_assert_int_eq(request.replica_id, -1);
  ck_assert_int_eq(request.isolation_level, version >= 2 ? 1 : 0);
  ck_assert_int_eq(request.topic_count, 1);
  struct list_offsets_topic topic;
  list_offsets_request_read_topic(reader, version, &topic);
  expect_text(topic.name, "orders");
  ck_assert_int_eq(topic.partition_count, 2);
  expect_asked_partition(reader, version, &earliest);
  expect_asked_partition(reader, version, &by_time);
  list_offsets_request_read_topic_end(reader, version);
  list_offsets_request_read_end(reader, version);
}

static void write_minimal_list_offsets_request(struct wire_writer *writer, int16_t version) {
  struct list_offsets_request request = {.replica_id = -1};
  list_offsets_request_write(writer, version, &request);
  list_offsets_request_write_end(writer, version);
}

static void expect_minimal_list_offsets_request(struct wire_reader *reader, int16_t version) {
  struct list_offsets_request request;
  list_offsets_request_read(reader, version, &request);
  ck_assert_int_eq(request.replica_id, -1);
  ck_assert_int_eq(request.isolation_level, 0);
  ck_assert_int_eq(request.topic_count, 0);
  list_offsets_request_read_end(reader, version);
}

static void write_list_offsets_response(struct wire_writer *writer, int16_t version) {
  struct list_offsets_response response = {.throttle_ms = 11, .topic_count = 1};
  list_offsets_response_write(writer, version, &response);
  struct list_offsets_topic topic = {.name = bytes_of_string("orders"), .partition_count = 1};
  list_offsets_response_write_topic(writer, version, &topic);
  list_offsets_response_write_partition(writer, version, &found);
  list_offsets_response_write_topic_end(writer, version);
  list_offsets_response_write_end(writer, version);
}

static void expect_list_offsets_response(struct wire_reader *reader, int16_t version) {
  struct list_offsets_response response;
  list_offsets_response_read(reader, version, &response);
  ck_assert_int_eq(response.throttle_ms, version >= 2 ? 11 : 0);
  ck_assert_int_eq(response.topic_count, 1);
  struct list_offsets_topic topic;
  list_offsets_response_read_topic(reader, version, &topic);
  expect_text(topic.name, "orders");
  ck_assert_int_eq(topic.partition_count, 1);
  struct list_offsets_response_partition partition;
  list_offsets_response_read_partition(reader, version, &partition);
  ck_assert_int_eq(partition.index, found.index);
  ck_assert_int_eq(partition.error_code, found.error_code);
  ck_assert_int_eq(partition.timestamp_ms, found.timestamp_ms);
  ck_assert_int_eq(partition.offset, found.offset);
  ck_assert_int_eq(partition.leader_epoch, version >= 4 ? found.leader_epoch : -1);
  list_offsets_response_read_topic_end(reader, version);
  list_offsets_response_read_end(reader, version);
}

static void write_minimal_list_offsets_response(struct wire_writer *writer, int16_t version) {
  struct list_offsets_response response = {0};
  list_offsets_response_write(writer, version, &response);
  list_offsets_response_write_end(writer, version);
}

static void expect_minimal_list_offsets_response(struct wire_reader *reader, int16_t version) {
  struct list_offsets_response response;
  list_offsets_response_read(reader, version, &response);
  ck_assert_int_eq(response.throttle_ms, 0);
  ck_assert_int_eq(response.topic_count, 0);
  list_offsets_response_read_end(reader, version);
}

START_TEST(list_offsets_is_kafkas) {
  struct golden_file file;
  golden_open(&file, "list_offsets");
  const struct api_range *range = api_range_of(API_LIST_OFFSETS);
  for (int16_t version = range->minimum; version <= range->maximum; version++) {
    golden_check_full(&file, version, range->first_flexible, GOLDEN_REQUEST, write_list_offsets_request,
                      expect_list_offsets_request);
    golden_check(&file, version, GOLDEN_REQUEST, "minimal", write_minimal_list_offsets_request,
                 expect_minimal_list_offsets_request);
    golden_check_full(&file, version, range->first_flexible, GOLDEN_RESPONSE, write_list_offsets_response,
                      expect_list_offsets_response);
    golden_check(&file, version, GOLDEN_RESPONSE, "minimal", write_minimal_list_offsets_response,
                 expect_minimal_list_offsets_response);
  }
  golden_close(&file);
}
END_TEST

/* ---- Fetch ---- */

static void write_fetch_request(struct wire_writer *writer, int16_t version) {
  struct fetch_request request = {.replica_id = -1,
                                  .max_wait_ms = 500,
                                  .min_bytes = 1,
                                  .max_bytes = 52428800,
                                  .isolation_level = 1,
                                  .session_id = 77,
                                  .session_epoch = 4,
                                  .topic_count = 1};
  fetch_request_write(writer, version, &request);
  struct fetch_topic topic = {.name = bytes_of_string("orders"), .partition_count = 1};
  fetch_request_write_topic(writer, version, &topic);
  struct fetch_request_partition partition = {.index = 6,
                                              .current_leader_epoch = 9,
                                              .fetch_offset = INT64_C(34359738368),
                                              .last_fetched_epoch = 8,
                                              .log_start_offset = 5,
                                              .partition_max_bytes = 1048576};
  fetch_request_write_partition(writer, version, &partition);
  fetch_request_write_topic_end(writer, version);
  fetch_request_write_end(writer, version, bytes_of_string("rack-a"));
}

static void expect_fetch_request(struct wire_reader *reader, int16_t version) {
  struct fetch_request request;
  fetch_request_read(reader, version, &request);
  ck_assert_int_eq(request.replica_id, -1);
  ck_assert_int_eq(request.max_wait_ms, 500);
  ck_assert_int_eq(request.min_bytes, 1);
  ck_assert_int_eq(request.max_bytes, 52428800);
  ck_assert_int_eq(request.isolation_level, 1);
  ck_assert_int_eq(request.session_id, version >= 7 ? 77 : 0);
  ck_assert_int_eq(request.session_epoch, version >= 7 ? 4 : -1);
  ck_assert_int_eq(request.topic_count, 1);
  struct fetch_topic topic;
  fetch_request_read_topic(reader, version, &topic);
  expect_text(topic.name, "orders");
  ck_assert_int_eq(topic.partition_count, 1);
  struct fetch_request_partition partition;
  fetch_request_read_partition(reader, version, &partition);
  ck_assert_int_eq(partition.index, 6);
  ck_assert_int_eq(partition.current_leader_epoch, version >= 9 ? 9 : -1);
  ck_assert_int_eq(partition.fetch_offset, INT64_C(34359738368));
  ck_assert_int_eq(partition.last_fetched_epoch, version >= 12 ? 8 : -1);
  ck_assert_int_eq(partition.log_start_offset, version >= 5 ? 5 : -1);
  ck_assert_int_eq(partition.partition_max_bytes, 1048576);
  fetch_request_read_topic_end(reader, version);
  struct bytes rack_id;
  fetch_request_read_end(reader, version, &rack_id);
  expect_text(rack_id, version >= 11 ? "rack-a" : "");
}

static void write_minimal_fetch_request(struct wire_writer *writer, int16_t version) {
  struct fetch_request request = {.replica_id = -1, .session_epoch = -1};
  fetch_request_write(writer, version, &request);
  fetch_request_write_end(writer, version, bytes_of_string(""));
}

static void expect_minimal_fetch_request(struct wire_reader *reader, int16_t version) {
  struct fetch_request request;
  fetch_request_read(reader, version, &request);
  ck_assert_int_eq(request.replica_id, -1);
  ck_assert_int_eq(request.max_wait_ms, 0);
  ck_assert_int_eq(request.max_bytes, 0);
  ck_assert_int_eq(request.session_id, 0);
  ck_assert_int_eq(request.session_epoch, -1);
  ck_assert_int_eq(request.topic_count, 0);
  struct bytes rack_id;
  fetch_request_read_end(reader, version, &rack_id);
  expect_text(rack_id, "");
}

static void write_fetch_response(struct wire_writer *writer, int16_t version) {
  struct fetch_response response = {
      .throttle_ms = 3, .error_code = 70, .session_id = 0x01020304, .topic_count = 1};
  fetch_response_write(writer, version, &response);
  struct fetch_topic topic = {.name = bytes_of_string("orders"), .partition_count = 2};
  fetch_response_write_topic(writer, version, &topic);
  struct fetch_response_partition full = {
      .index = 6, .high_watermark = 100, .last_stable_offset = 99, .log_start_offset = 5, .records_bytes = 9};
  fetch_response_write_partition(writer, version, &full);
  wire_write_raw(writer, bytes_of_string("records-a"));
  fetch_response_write_partition_end(writer, version);
  struct fetch_response_partition empty = {
      .index = 7, .error_code = 1, .high_watermark = -1, .last_stable_offset = -1, .log_start_offset = -1};
  fetch_response_write_partition(writer, version, &empty);
  fetch_response_write_partition_end(writer, version);
  fetch_response_write_topic_end(writer, version);
  fetch_response_write_end(writer, version);
}

static void expect_fetch_response(struct wire_reader *reader, int16_t version) {
  struct fetch_response response;
  fetch_response_read(reader, version, &response);
  ck_assert_int_eq(response.throttle_ms, 3);
  ck_assert_int_eq(response.error_code, version >= 7 ? 70 : 0);
  ck_assert_int_eq(response.session_id, version >= 7 ? 0x01020304 : 0);
  ck_assert_int_eq(response.topic_count, 1);
  struct fetch_topic topic;
  fetch_response_read_topic(reader, version, &topic);
  expect_text(topic.name, "orders");
  ck_assert_int_eq(topic.partition_count, 2);
  struct fetch_response_partition partition;
  fetch_response_read_partition(reader, version, &partition);
  ck_assert_int_eq(partition.index, 6);
  ck_assert_int_eq(partition.error_code, 0);
  ck_assert_int_eq(partition.high_watermark, 100);
  ck_assert_int_eq(partition.last_stable_offset, 99);
  ck_assert_int_eq(partition.log_start_offset, version >= 5 ? 5 : -1);
  expect_text(partition.records, "records-a");
  fetch_response_read_partition(reader, version, &partition);
  ck_assert_int_eq(partition.index, 7);
  ck_assert_int_eq(partition.error_code, 1);
  ck_assert_int_eq(partition.high_watermark, -1);
  expect_text(partition.records, "");
  fetch_response_read_topic_end(reader, version);
  fetch_response_read_end(reader, version);
}

static void write_minimal_fetch_response(struct wire_writer *writer, int16_t version) {
  struct fetch_response response = {0};
  fetch_response_write(writer, version, &response);
  fetch_response_write_end(writer, version);
}

static void expect_minimal_fetch_response(struct wire_reader *reader, int16_t version) {
  struct fetch_response response;
  fetch_response_read(reader, version, &response);
  ck_assert_int_eq(response.throttle_ms, 0);
  ck_assert_int_eq(response.error_code, 0);
  ck_assert_int_eq(response.session_id, 0);
  ck_assert_int_eq(response.topic_count, 0);
  fetch_response_read_end(reader, version);
}

START_TEST(fetch_is_kafkas) {
  struct golden_file file;
  golden_open(&file, "fetch");
  const struct api_range *range = api_range_of(API_FETCH);
  for (int16_t version = range->minimum; version <= range->maximum; version++) {
    golden_check_full(&file, version, range->first_flexible, GOLDEN_REQUEST, write_fetch_request,
                      expect_fetch_request);
    golden_check(&file, version, GOLDEN_REQUEST, "minimal", write_minimal_fetch_request,
                 expect_minimal_fetch_request);
    if (version >= 7) golden_check(&file, version, GOLDEN_REQUEST, "forgetting", NULL, expect_fetch_request);
    golden_check_full(&file, version, range->first_flexible, GOLDEN_RESPONSE, write_fetch_response,
                      expect_fetch_response);
    golden_check(&file, version, GOLDEN_RESPONSE, "aborted", NULL, expect_fetch_response);
    golden_check(&file, version, GOLDEN_RESPONSE, "minimal", write_minimal_fetch_response,
                 expect_minimal_fetch_response);
  }
  golden_close(&file);
}
END_TEST

/* ---- FindCoordinator ---- */

static void write_find_request(struct wire_writer *writer, int16_t version) {
  struct find_coordinator_request request = {.key = bytes_of_string("group-1"), .key_type = 1};
  find_coordinator_request_write(writer, version, &request);
}

static void expect_find_request(struct wire_reader *reader, int16_t version) {
  struct find_coordinator_request request;
  find_coordinator_request_read(reader, version, &request);
  expect_text(request.key, "group-1");
  ck_assert_int_eq(request.key_type, version >= 1 ? 1 : 0);
}

static void write_find_response(struct wire_writer *writer, int16_t version) {
  struct find_coordinator_response response = {.throttle_ms = 7,
                                               .error_code = 15,
                                               .error_message = bytes_of_string("none here"),
                                               .node_id = -1,
                                               .host = bytes_of_string("host-1"),
                                               .port = 9092};
  find_coordinator_response_write(writer, version, &response);
}

static void expect_find_response(struct wire_reader *reader, int16_t version) {
  struct find_coordinator_response response;
  find_coordinator_response_read(reader, version, &response);
  ck_assert_int_eq(response.throttle_ms, version >= 1 ? 7 : 0);
  ck_assert_int_eq(response.error_code, 15);
  expect_text(response.error_message, version >= 1 ? "none here" : NULL);
  ck_assert_int_eq(response.node_id, -1);
  expect_text(response.host, "host-1");
  ck_assert_int_eq(response.port, 9092);
}

START_TEST(find_coordinator_is_kafkas) {
  struct golden_file file;
  golden_open(&file, "find_coordinator");
  const struct api_range *range = api_range_of(API_FIND_COORDINATOR);
  for (int16_t version = range->minimum; version <= range->maximum; version++) {
    golden_check_full(&file, version, range->first_flexible, GOLDEN_REQUEST, write_find_request,
                      expect_find_request);
    golden_check_full(&file, version, range->first_flexible, GOLDEN_RESPONSE, write_find_response,
                      expect_find_response);
  }
  golden_close(&file);
}
END_TEST

int main(void) {
  Suite *suite = suite_create("golden_broker");
  TCase *test_case = tcase_create("all");
  tcase_add_test(test_case, list_offsets_is_kafkas);
  tcase_add_test(test_case, fetch_is_kafkas);
  tcase_add_test(test_case, find_coordinator_is_kafkas);
  suite_add_tcase(suite, test_case);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_ENV);
  int failures = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failures != 0;
}
