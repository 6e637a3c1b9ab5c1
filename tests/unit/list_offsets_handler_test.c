#include "base/status.h"
#include "broker/list_offsets_handler.h"
#include "protocol/api.h"
#include "protocol/list_offsets.h"
#include "support/broker_exchange.h"
#include "support/codecs.h"
#include <check.h>

static struct exchange exchange;

/* Three batches of five records each, a millisecond apart: from 1000, from 3000 and, late, from 2000. */
static void set_up(void) {
  static const int64_t times_ms[] = {1000, 3000, 2000};
  static const enum compression_codec codecs[] = {COMPRESSION_NONE, COMPRESSION_ZSTD, COMPRESSION_LZ4};
  exchange_init(&exchange, NULL);
  ck_assert_int_eq(broker_model_create_topic(exchange.model, "topic", 2), STATUS_OK);
  for (int number = 0; number < 3; number++) {
    struct batch_plan plan = {
        .record_count = 5, .timestamp_ms = times_ms[number], .codec = codec_or_none(codecs[number])};
    ck_assert_int_eq(exchange_append(&exchange, "topic", 0, &plan).error_code, 0);
  }
}

static void tear_down(void) {
  exchange_deinit(&exchange);
}

static void write_request(int16_t version, const char *topic, struct list_offsets_request_partition wanted) {
  struct list_offsets_request request = {.replica_id = -1, .topic_count = 1};
  struct list_offsets_topic named = {.name = bytes_of_string(topic), .partition_count = 1};
  struct wire_writer *writer = exchange_begin(&exchange, API_LIST_OFFSETS, version);
  list_offsets_request_write(writer, version, &request);
  list_offsets_request_write_topic(writer, version, &named);
  list_offsets_request_write_partition(writer, version, &wanted);
  list_offsets_request_write_topic_end(writer, version);
  list_offsets_request_write_end(writer, version);
}

static struct list_offsets_response_partition ask_with(int16_t version, const char *topic,
                                                       struct list_offsets_request_partition wanted) {
  struct list_offsets_response response;
  struct list_offsets_topic named;
  struct list_offsets_response_partition answer;
  write_request(version, topic, wanted);
  ck_assert_int_eq(exchange_run(&exchange), BROKER_ANSWER_SEND);
  list_offsets_response_read(&exchange.reader, version, &response);
  ck_assert_int_eq(response.topic_count, 1);
  list_offsets_response_read_topic(&exchange.reader, version, &named);
  ck_assert(bytes_equal(named.name, bytes_of_string(topic)));
  list_offsets_response_read_partition(&exchange.reader, version, &answer);
  list_offsets_response_read_topic_end(&exchange.reader, version);
  list_offsets_response_read_end(&exchange.reader, version);
  exchange_expect_end(&exchange);
  ck_assert_int_eq(answer.index, wanted.index);
  return answer;
}

static struct list_offsets_response_partition ask(int32_t partition, int64_t timestamp_ms) {
  struct list_offsets_request_partition wanted = {
      .index = partition, .current_leader_epoch = -1, .timestamp_ms = timestamp_ms};
  return ask_with(7, "topic", wanted);
}

START_TEST(the_first_and_the_next_offset_are_told_in_every_version) {
  for (int16_t version = 1; version <= 7; version++) {
    struct list_offsets_request_partition wanted = {.current_leader_epoch = -1,
                                                    .timestamp_ms = LIST_OFFSETS_LATEST};
    struct list_offsets_response_partition answer = ask_with(version, "topic", wanted);
    ck_assert_int_eq(answer.error_code, 0);
    ck_assert_int_eq(answer.offset, 15);
    ck_assert_int_eq(answer.timestamp_ms, -1);
    ck_assert_int_eq(answer.leader_epoch, version >= 4 ? 0 : -1);
    wanted.timestamp_ms = LIST_OFFSETS_EARLIEST;
    ck_assert_int_eq(ask_with(version, "topic", wanted).offset, 0);
  }
}
END_TEST

START_TEST(a_time_finds_the_first_record_at_or_after_it) {
  static const struct {
    int64_t wanted_ms, offset, found_ms;
  } cases[] = {{0, 0, 1000}, {1000, 0, 1000}, {1003, 3, 1003}, {1005, 5, 3000}, {3004, 9, 3004}};
  for (size_t index = 0; index < sizeof cases / sizeof cases[0]; index++) {
    struct list_offsets_response_partition answer = ask(0, cases[index].wanted_ms);
    ck_assert_int_eq(answer.error_code, 0);
    ck_assert_int_eq(answer.offset, cases[index].offset);
    ck_assert_int_eq(answer.timestamp_ms, cases[index].found_ms);
  }
}
END_TEST

START_TEST(a_time_after_all_records_finds_none) {
  struct list_offsets_response_partition answer = ask(0, 3005);
  ck_assert_int_eq(answer.error_code, 0);
  ck_assert_int_eq(answer.offset, -1);
  ck_assert_int_eq(answer.timestamp_ms, -1);
}
END_TEST

START_TEST(the_newest_timestamp_is_found_wherever_it_lies) {
  struct list_offsets_response_partition answer = ask(0, LIST_OFFSETS_MAX_TIMESTAMP);
  ck_assert_int_eq(answer.offset, 9);
  ck_assert_int_eq(answer.timestamp_ms, 3004);
  ck_assert_int_eq(ask(1, LIST_OFFSETS_MAX_TIMESTAMP).offset, -1);
}
END_TEST

START_TEST(an_empty_partition_begins_and_ends_at_0) {
  ck_assert_int_eq(ask(1, LIST_OFFSETS_EARLIEST).offset, 0);
  ck_assert_int_eq(ask(1, LIST_OFFSETS_LATEST).offset, 0);
  ck_assert_int_eq(ask(1, 5).offset, -1);
}
END_TEST

START_TEST(what_cannot_be_answered_is_told) {
  struct list_offsets_request_partition wanted = {.current_leader_epoch = 1,
                                                  .timestamp_ms = LIST_OFFSETS_LATEST};
  ck_assert_int_eq(ask(0, -9).error_code, STATUS_INVALID_REQUEST);
  ck_assert_int_eq(ask(2, LIST_OFFSETS_LATEST).error_code, STATUS_UNKNOWN_TOPIC_OR_PARTITION);
  ck_assert_int_eq(ask_with(7, "topic", wanted).error_code, STATUS_UNKNOWN_LEADER_EPOCH);
  wanted.current_leader_epoch = -1;
  ck_assert_int_eq(ask_with(7, "other", wanted).error_code, STATUS_UNKNOWN_TOPIC_OR_PARTITION);
  ck_assert_int_eq(broker_model_set_leader(exchange.model, "topic", 1, 4, 3), STATUS_OK);
  ck_assert_int_eq(ask(1, LIST_OFFSETS_LATEST).error_code, STATUS_NOT_LEADER_OR_FOLLOWER);
}
END_TEST

START_TEST(a_request_cut_anywhere_cuts_the_connection) {
  for (int16_t version = 1; version <= 7; version++) {
    write_request(version, "topic",
                  (struct list_offsets_request_partition){.timestamp_ms = LIST_OFFSETS_LATEST});
    for (size_t size = exchange.request.size - 1; size >= REQUEST_SIZE_BYTES; size--) {
      exchange.request.size = size;
      ck_assert_int_eq(exchange_run(&exchange), BROKER_ANSWER_CUT);
    }
  }
}
END_TEST

int main(void) {
  Suite *suite = suite_create("list_offsets_handler");
  TCase *test_case = tcase_create("all");
  tcase_add_checked_fixture(test_case, set_up, tear_down);
  tcase_add_test(test_case, the_first_and_the_next_offset_are_told_in_every_version);
  tcase_add_test(test_case, a_time_finds_the_first_record_at_or_after_it);
  tcase_add_test(test_case, a_time_after_all_records_finds_none);
  tcase_add_test(test_case, the_newest_timestamp_is_found_wherever_it_lies);
  tcase_add_test(test_case, an_empty_partition_begins_and_ends_at_0);
  tcase_add_test(test_case, what_cannot_be_answered_is_told);
  tcase_add_test(test_case, a_request_cut_anywhere_cuts_the_connection);
  suite_add_tcase(suite, test_case);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_ENV);
  int failures = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failures != 0;
}
