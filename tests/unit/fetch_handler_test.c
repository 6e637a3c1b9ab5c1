#include "base/status.h"
#include "broker/fetch_handler.h"
#include "protocol/api.h"
#include "protocol/fetch.h"
#include "support/broker_exchange.h"
#include <check.h>

static struct exchange exchange;
static size_t batch_bytes; /* of each batch that set_up appends */

/* 5 batches of 10 records in partition 0, none in partition 1. */
static void set_up(void) {
  exchange_init(&exchange, NULL);
  ck_assert_int_eq(broker_model_create_topic(exchange.model, "topic", 2), STATUS_OK);
  for (int number = 0; number < 5; number++) {
    struct batch_plan plan = {.record_count = 10};
    ck_assert_int_eq(exchange_append(&exchange, "topic", 0, &plan).error_code, 0);
    batch_bytes = exchange.batch.size;
  }
}

static void tear_down(void) {
  exchange_deinit(&exchange);
}

static struct fetch_request patient(void) {
  return (struct fetch_request){
      .replica_id = -1, .max_wait_ms = 500, .min_bytes = 1, .max_bytes = 1 << 20, .session_epoch = 0};
}

static enum broker_answer ask(int16_t version, struct fetch_request request, const char *topic,
                              int32_t partition_count, const struct fetch_request_partition *partitions) {
  struct wire_writer *writer = exchange_begin(&exchange, API_FETCH, version);
  struct fetch_topic named = {.name = bytes_of_string(topic), .partition_count = partition_count};
  request.topic_count = 1;
  fetch_request_write(writer, version, &request);
  fetch_request_write_topic(writer, version, &named);
  for (int32_t index = 0; index < partition_count; index++)
    fetch_request_write_partition(writer, version, &partitions[index]);
  fetch_request_write_topic_end(writer, version);
  fetch_request_write_end(writer, version, bytes_of_string(""));
  return exchange_run(&exchange);
}

/* Reads an answer that was sent, with partition_count partitions of one topic. */
static struct fetch_response read_answer(int16_t version, int32_t partition_count,
                                         struct fetch_response_partition *partitions) {
  struct fetch_response response;
  struct fetch_topic topic;
  ck_assert_int_eq(exchange.answer, BROKER_ANSWER_SEND);
  fetch_response_read(&exchange.reader, version, &response);
  for (int32_t index = 0; index < response.topic_count; index++) {
    fetch_response_read_topic(&exchange.reader, version, &topic);
    ck_assert_int_eq(topic.partition_count, partition_count);
    for (int32_t number = 0; number < partition_count; number++)
      fetch_response_read_partition(&exchange.reader, version, &partitions[number]);
    fetch_response_read_topic_end(&exchange.reader, version);
  }
  fetch_response_read_end(&exchange.reader, version);
  exchange_expect_end(&exchange);
  return response;
}

static struct fetch_request_partition from(int32_t index, int64_t offset) {
  return (struct fetch_request_partition){.index = index,
                                          .current_leader_epoch = -1,
                                          .fetch_offset = offset,
                                          .last_fetched_epoch = -1,
                                          .log_start_offset = -1,
                                          .partition_max_bytes = 1 << 20};
}

static struct fetch_response_partition fetch(int16_t version, struct fetch_request request,
                                             struct fetch_request_partition wanted) {
  struct fetch_response_partition answer = {0};
  ask(version, request, "topic", 1, &wanted);
  ck_assert_int_eq(read_answer(version, 1, &answer).error_code, 0);
  ck_assert_int_eq(answer.index, wanted.index);
  return answer;
}

START_TEST(every_version_reads_all_batches) {
  for (int16_t version = 4; version <= 12; version++) {
    struct fetch_response_partition answer = fetch(version, patient(), from(0, 0));
    ck_assert_int_eq(answer.error_code, 0);
    ck_assert_int_eq(answer.high_watermark, 50);
    ck_assert_int_eq(answer.last_stable_offset, 50);
    ck_assert_int_eq(answer.log_start_offset, version >= 5 ? 0 : -1);
    ck_assert_uint_eq(answer.records.size, 5 * batch_bytes);
    ck_assert_uint_eq(bytes_load_u64(answer.records.data + 4 * batch_bytes), 40);
  }
}
END_TEST

START_TEST(a_fetch_begins_with_the_batch_that_holds_the_offset) {
  struct fetch_response_partition answer = fetch(12, patient(), from(0, 27));
  ck_assert_uint_eq(answer.records.size, 3 * batch_bytes);
  ck_assert_uint_eq(bytes_load_u64(answer.records.data), 20);
}
END_TEST

START_TEST(limits_hold_but_the_first_batch_always_comes) {
  struct fetch_request request = patient();
  struct fetch_request_partition wanted = from(0, 0);
  wanted.partition_max_bytes = (int32_t)(3 * batch_bytes - 1);
  ck_assert_uint_eq(fetch(12, request, wanted).records.size, 2 * batch_bytes);
  wanted.partition_max_bytes = 1;
  ck_assert_uint_eq(fetch(12, request, wanted).records.size, batch_bytes);
  wanted.partition_max_bytes = 1 << 20;
  request.max_bytes = (int32_t)(4 * batch_bytes);
  ck_assert_uint_eq(fetch(12, request, wanted).records.size, 4 * batch_bytes);
  request.max_bytes = 0;
  ck_assert_uint_eq(fetch(12, request, wanted).records.size, batch_bytes);
}
END_TEST

START_TEST(what_one_partition_took_is_not_left_for_the_next) {
  struct batch_plan plan = {.record_count = 10};
  ck_assert_int_eq(exchange_append(&exchange, "topic", 1, &plan).error_code, 0);
  struct fetch_request request = patient();
  struct fetch_request_partition wanted[2] = {from(0, 0), from(1, 0)};
  struct fetch_response_partition answers[2];
  request.max_bytes = (int32_t)(5 * batch_bytes);
  ask(11, request, "topic", 2, wanted);
  read_answer(11, 2, answers);
  ck_assert_uint_eq(answers[0].records.size, 5 * batch_bytes);
  ck_assert_uint_eq(answers[1].records.size, 0);
  ck_assert_int_eq(answers[1].high_watermark, 10);
  request.max_bytes = (int32_t)(6 * batch_bytes);
  ask(11, request, "topic", 2, wanted);
  read_answer(11, 2, answers);
  ck_assert_uint_eq(answers[1].records.size, batch_bytes);
}
END_TEST

START_TEST(too_few_bytes_are_waited_for) {
  struct fetch_request_partition end = from(0, 50);
  ck_assert_int_eq(ask(12, patient(), "topic", 1, &end), BROKER_ANSWER_WAIT);
  ck_assert_int_eq(exchange.wait_ms, 500);
  ck_assert_uint_eq(broker_model_counters(exchange.model)->requests[API_FETCH], 0);
  exchange.last_chance = true;
  ck_assert_uint_eq(fetch(12, patient(), end).records.size, 0);
  ck_assert_uint_eq(broker_model_counters(exchange.model)->requests[API_FETCH], 1);
  exchange.last_chance = false;
  struct fetch_request greedy = patient();
  struct fetch_request_partition all = from(0, 0);
  greedy.min_bytes = (int32_t)(5 * batch_bytes + 1);
  ck_assert_int_eq(ask(12, greedy, "topic", 1, &all), BROKER_ANSWER_WAIT);
  greedy.min_bytes--;
  ck_assert_uint_eq(fetch(12, greedy, all).records.size, 5 * batch_bytes);
}
END_TEST

START_TEST(a_fetch_that_may_not_wait_is_answered_at_once) {
  struct fetch_request request = patient();
  request.max_wait_ms = 0;
  ck_assert_uint_eq(fetch(12, request, from(1, 0)).records.size, 0);
  request = patient();
  request.min_bytes = 0;
  ck_assert_uint_eq(fetch(12, request, from(1, 0)).records.size, 0);
}
END_TEST

START_TEST(errors_are_not_waited_for) {
  ck_assert_int_eq(fetch(12, patient(), from(0, 51)).error_code, STATUS_OFFSET_OUT_OF_RANGE);
  ck_assert_int_eq(fetch(12, patient(), from(0, -1)).error_code, STATUS_OFFSET_OUT_OF_RANGE);
  ck_assert_int_eq(fetch(12, patient(), from(2, 0)).error_code, STATUS_UNKNOWN_TOPIC_OR_PARTITION);
  ck_assert_int_eq(broker_model_set_leader(exchange.model, "topic", 1, 4, 3), STATUS_OK);
  ck_assert_int_eq(fetch(12, patient(), from(1, 0)).error_code, STATUS_NOT_LEADER_OR_FOLLOWER);
  struct fetch_request_partition wanted = from(0, 0);
  ck_assert_int_eq(ask(12, patient(), "other", 1, &wanted), BROKER_ANSWER_SEND);
  struct fetch_response_partition answer;
  read_answer(12, 1, &answer);
  ck_assert_int_eq(answer.error_code, STATUS_UNKNOWN_TOPIC_OR_PARTITION);
}
END_TEST

START_TEST(the_leader_epoch_has_to_be_the_brokers) {
  ck_assert_int_eq(broker_model_set_leader(exchange.model, "topic", 0, 1, 3), STATUS_OK);
  struct fetch_request_partition wanted = from(0, 0);
  wanted.current_leader_epoch = 2;
  ck_assert_int_eq(fetch(9, patient(), wanted).error_code, STATUS_FENCED_LEADER_EPOCH);
  wanted.current_leader_epoch = 4;
  ck_assert_int_eq(fetch(9, patient(), wanted).error_code, STATUS_UNKNOWN_LEADER_EPOCH);
  wanted.current_leader_epoch = 3;
  ck_assert_int_eq(fetch(9, patient(), wanted).error_code, 0);
}
END_TEST

START_TEST(a_session_is_not_known) {
  struct fetch_request request = patient();
  struct fetch_request_partition wanted = from(0, 0);
  struct fetch_response_partition answer;
  request.session_id = 77;
  request.session_epoch = 1;
  ask(12, request, "topic", 1, &wanted);
  struct fetch_response response = read_answer(12, 1, &answer);
  ck_assert_int_eq(response.error_code, STATUS_FETCH_SESSION_ID_NOT_FOUND);
  ck_assert_int_eq(response.topic_count, 0);
  ck_assert_int_eq(response.session_id, 0);
}
END_TEST

START_TEST(records_that_retention_dropped_are_out_of_range) {
  tear_down();
  struct broker_settings settings;
  broker_settings_init(&settings);
  settings.data_limit_bytes = 3 * batch_bytes;
  exchange_init(&exchange, &settings);
  ck_assert_int_eq(broker_model_create_topic(exchange.model, "topic", 1), STATUS_OK);
  for (int number = 0; number < 5; number++)
    exchange_append(&exchange, "topic", 0, &(struct batch_plan){.record_count = 10});
  struct fetch_response_partition answer = fetch(12, patient(), from(0, 0));
  ck_assert_int_eq(answer.error_code, STATUS_OFFSET_OUT_OF_RANGE);
  ck_assert_int_eq(answer.log_start_offset, 20);
  ck_assert_uint_eq(fetch(12, patient(), from(0, 20)).records.size, 3 * batch_bytes);
}
END_TEST

START_TEST(a_fault_is_answered_instead_of_records) {
  struct broker_fault fault = {
      .api_key = API_FETCH, .topic = "topic", .partition = 0, .error_code = STATUS_KAFKA_STORAGE_ERROR};
  ck_assert_int_eq(broker_model_inject(exchange.model, &fault), STATUS_OK);
  struct fetch_response_partition answer = fetch(12, patient(), from(0, 0));
  ck_assert_int_eq(answer.error_code, STATUS_KAFKA_STORAGE_ERROR);
  ck_assert_uint_eq(answer.records.size, 0);
  ck_assert_uint_eq(fetch(12, patient(), from(0, 0)).records.size, 5 * batch_bytes);
}
END_TEST

START_TEST(a_request_cut_anywhere_cuts_the_connection) {
  for (int16_t version = 4; version <= 12; version++) {
    struct fetch_request_partition wanted = from(0, 0);
    ask(version, patient(), "topic", 1, &wanted);
    for (size_t size = exchange.request.size - 1; size >= REQUEST_SIZE_BYTES; size--) {
      exchange.request.size = size;
      ck_assert_int_eq(exchange_run(&exchange), BROKER_ANSWER_CUT);
    }
  }
}
END_TEST

int main(void) {
  Suite *suite = suite_create("fetch_handler");
  TCase *test_case = tcase_create("all");
  tcase_add_checked_fixture(test_case, set_up, tear_down);
  tcase_add_test(test_case, every_version_reads_all_batches);
  tcase_add_test(test_case, a_fetch_begins_with_the_batch_that_holds_the_offset);
  tcase_add_test(test_case, limits_hold_but_the_first_batch_always_comes);
  tcase_add_test(test_case, what_one_partition_took_is_not_left_for_the_next);
  tcase_add_test(test_case, too_few_bytes_are_waited_for);
  tcase_add_test(test_case, a_fetch_that_may_not_wait_is_answered_at_once);
  tcase_add_test(test_case, errors_are_not_waited_for);
  tcase_add_test(test_case, the_leader_epoch_has_to_be_the_brokers);
  tcase_add_test(test_case, a_session_is_not_known);
  tcase_add_test(test_case, records_that_retention_dropped_are_out_of_range);
  tcase_add_test(test_case, a_fault_is_answered_instead_of_records);
  tcase_add_test(test_case, a_request_cut_anywhere_cuts_the_connection);
  suite_add_tcase(suite, test_case);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_ENV);
  int failures = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failures != 0;
}
