#include "base/status.h"
#include "broker/produce_handler.h"
#include "protocol/api.h"
#include "protocol/record_batch.h"
#include "support/broker_exchange.h"
#include <check.h>
#include <stdlib.h>

static struct exchange exchange;

static void set_up(void) {
  exchange_init(&exchange, NULL);
  ck_assert_int_eq(broker_model_create_topic(exchange.model, "topic", 3), STATUS_OK);
}

static void tear_down(void) {
  exchange_deinit(&exchange);
}

/* The error that a batch of producer 9, epoch 0 is answered with. */
static int16_t send(int32_t partition, int32_t base_sequence, int32_t record_count) {
  struct batch_plan plan = {
      .idempotent = true, .producer_id = 9, .base_sequence = base_sequence, .record_count = record_count};
  return exchange_append(&exchange, "topic", partition, &plan).error_code;
}

START_TEST(every_version_by_name_appends_and_answers_offsets) {
  int64_t expected = 0;
  for (int16_t version = 3; version <= 12; version++) {
    struct batch_plan plan = {.record_count = 4};
    wire_writer_reset(&exchange.batch);
    struct bytes batch = batch_plan_write(&plan, &exchange.batch);
    struct produce_response_partition answer = exchange_produce(&exchange, version, 1, "topic", 1, batch);
    ck_assert_int_eq(answer.error_code, 0);
    ck_assert_int_eq(answer.base_offset, expected);
    ck_assert_int_eq(answer.log_append_time_ms, -1);
    ck_assert_int_eq(answer.log_start_offset, version >= 5 ? 0 : -1);
    expected += 4;
  }
  ck_assert_int_eq(exchange_record_count(&exchange, "topic", 1), expected);
  ck_assert_int_eq(exchange_record_count(&exchange, "topic", 0), 0);
}
END_TEST

START_TEST(sequences_are_checked_for_each_partition) {
  ck_assert_int_eq(send(0, 0, 2), 0);
  ck_assert_int_eq(send(0, 2, 2), 0);
  ck_assert_int_eq(send(1, 0, 2), 0);
  ck_assert_int_eq(send(0, 6, 2), STATUS_OUT_OF_ORDER_SEQUENCE_NUMBER);
  ck_assert_int_eq(send(1, 2, 2), 0);
  ck_assert_int_eq(exchange_record_count(&exchange, "topic", 0), 4);
  ck_assert_int_eq(exchange_record_count(&exchange, "topic", 1), 4);
  ck_assert_uint_eq(broker_model_counters(exchange.model)->out_of_order, 1);
}
END_TEST

START_TEST(a_duplicate_is_answered_with_its_first_offset_and_not_appended) {
  struct batch_plan plan = {.idempotent = true, .producer_id = 9, .record_count = 5, .timestamp_ms = 900000};
  ck_assert_int_eq(exchange_append(&exchange, "topic", 0, &plan).base_offset, 0);
  plan.base_sequence = 5;
  ck_assert_int_eq(exchange_append(&exchange, "topic", 0, &plan).base_offset, 5);
  plan.base_sequence = 0;
  struct produce_response_partition answer = exchange_append(&exchange, "topic", 0, &plan);
  ck_assert_int_eq(answer.error_code, 0);
  ck_assert_int_eq(answer.base_offset, 0);
  ck_assert_int_eq(answer.log_append_time_ms, 900004);
  ck_assert_int_eq(exchange_record_count(&exchange, "topic", 0), 10);
  ck_assert_uint_eq(broker_model_counters(exchange.model)->duplicates, 1);
}
END_TEST

START_TEST(a_lower_epoch_is_refused) {
  struct batch_plan plan = {.idempotent = true, .producer_id = 9, .producer_epoch = 1};
  ck_assert_int_eq(exchange_append(&exchange, "topic", 0, &plan).error_code, 0);
  plan.producer_epoch = 0;
  ck_assert_int_eq(exchange_append(&exchange, "topic", 0, &plan).error_code, STATUS_INVALID_PRODUCER_EPOCH);
  ck_assert_uint_eq(broker_model_counters(exchange.model)->fenced, 1);
}
END_TEST

START_TEST(unknown_topics_and_partitions_are_refused) {
  struct batch_plan plan = {0};
  ck_assert_int_eq(exchange_append(&exchange, "other", 0, &plan).error_code,
                   STATUS_UNKNOWN_TOPIC_OR_PARTITION);
  ck_assert_int_eq(exchange_append(&exchange, "topic", 3, &plan).error_code,
                   STATUS_UNKNOWN_TOPIC_OR_PARTITION);
  ck_assert_int_eq(exchange_append(&exchange, "topic", -1, &plan).error_code,
                   STATUS_UNKNOWN_TOPIC_OR_PARTITION);
}
END_TEST

START_TEST(acks_outside_the_known_values_are_refused) {
  struct batch_plan plan = {0};
  struct bytes batch = batch_plan_write(&plan, &exchange.batch);
  ck_assert_int_eq(exchange_produce(&exchange, 9, 2, "topic", 0, batch).error_code,
                   STATUS_INVALID_REQUIRED_ACKS);
  ck_assert_int_eq(exchange_produce(&exchange, 9, -2, "topic", 0, batch).error_code,
                   STATUS_INVALID_REQUIRED_ACKS);
  ck_assert_int_eq(exchange_record_count(&exchange, "topic", 0), 0);
}
END_TEST

START_TEST(acks_zero_appends_without_an_answer) {
  struct batch_plan plan = {0};
  struct bytes batch = batch_plan_write(&plan, &exchange.batch);
  ck_assert_int_eq(exchange_produce(&exchange, 9, 0, "topic", 0, batch).index, -2);
  ck_assert_int_eq(exchange.answer, BROKER_ANSWER_NONE);
  ck_assert_int_eq(exchange_record_count(&exchange, "topic", 0), 1);
}
END_TEST

START_TEST(acks_zero_with_an_error_cuts_the_connection) {
  struct batch_plan plan = {0};
  struct bytes batch = batch_plan_write(&plan, &exchange.batch);
  exchange_produce(&exchange, 9, 0, "other", 0, batch);
  ck_assert_int_eq(exchange.answer, BROKER_ANSWER_CUT);
}
END_TEST

START_TEST(a_batch_over_the_limit_is_too_large) {
  struct batch_plan plan = {.record_count = 10};
  struct bytes batch = batch_plan_write(&plan, &exchange.batch);
  broker_model_set_message_max_bytes(exchange.model, batch.size - 1);
  ck_assert_int_eq(exchange_produce(&exchange, 9, -1, "topic", 0, batch).error_code,
                   STATUS_MESSAGE_TOO_LARGE);
  broker_model_set_message_max_bytes(exchange.model, batch.size);
  ck_assert_int_eq(exchange_produce(&exchange, 9, -1, "topic", 0, batch).error_code, 0);
}
END_TEST

START_TEST(refused_records_are_named_one_by_one) {
  /* Values are "value-0" to "value-19": those of 1 and 10 to 19 begin with "value-1". */
  ck_assert_int_eq(broker_model_refuse_values(exchange.model, "value-1"), STATUS_OK);
  struct batch_plan plan = {.record_count = 20};
  struct produce_response_partition answer = exchange_append(&exchange, "topic", 0, &plan);
  ck_assert_int_eq(answer.error_code, STATUS_INVALID_RECORD);
  ck_assert_int_eq(answer.base_offset, -1);
  ck_assert_int_eq(answer.record_error_count, 11);
  for (int32_t index = 0; index < answer.record_error_count; index++) {
    struct produce_record_error error;
    produce_response_read_record_error(&answer, 9, &error);
    ck_assert_int_eq(error.batch_index, index == 0 ? 1 : index + 9);
    ck_assert_uint_gt(error.message.size, 0);
  }
  ck_assert_int_eq(exchange_record_count(&exchange, "topic", 0), 0);
  plan.record_count = 1;
  ck_assert_int_eq(exchange_append(&exchange, "topic", 0, &plan).error_code, 0);
}
END_TEST

START_TEST(a_partition_led_elsewhere_is_answered_with_the_leader) {
  ck_assert_int_eq(broker_model_set_node(exchange.model, 5, "there", 9095), STATUS_OK);
  ck_assert_int_eq(broker_model_set_leader(exchange.model, "topic", 0, 5, 4), STATUS_OK);
  struct batch_plan plan = {0};
  struct bytes batch = batch_plan_write(&plan, &exchange.batch);
  struct produce_response_partition answer = exchange_produce(&exchange, 10, -1, "topic", 0, batch);
  ck_assert_int_eq(answer.error_code, STATUS_NOT_LEADER_OR_FOLLOWER);
  ck_assert_int_eq(answer.leader_id, 5);
  ck_assert_int_eq(answer.leader_epoch, 4);
  ck_assert_int_eq(exchange_append(&exchange, "topic", 0, &plan).error_code, STATUS_NOT_LEADER_OR_FOLLOWER);
  ck_assert_int_eq(broker_model_set_leader(exchange.model, "topic", 0, 1, 5), STATUS_OK);
  ck_assert_int_eq(exchange_append(&exchange, "topic", 0, &plan).error_code, 0);
}
END_TEST

START_TEST(several_topics_are_produced_to_by_id_and_each_answered) {
  int16_t version = 13;
  struct broker_topic *topic = broker_topics_find(&exchange.model->topics, bytes_of_string("topic"));
  struct bytes batch = batch_plan_write(&(struct batch_plan){0}, &exchange.batch);
  struct wire_writer *writer = exchange_begin(&exchange, API_PRODUCE, version);
  struct uuid ids[2] = {topic->id, {.octets = {1, 2, 3}}};
  produce_request_write(writer, version, &(struct produce_request){.acks = -1, .topic_count = 2});
  for (int number = 0; number < 2; number++) {
    struct produce_request_topic wanted = {.id = ids[number], .partition_count = 2};
    produce_request_write_topic(writer, version, &wanted);
    for (int32_t index = 2; index <= 3; index++) {
      struct produce_request_partition to = {.index = index, .records_bytes = batch.size};
      produce_request_write_partition(writer, version, &to);
      wire_write_raw(writer, batch);
      produce_request_write_partition_end(writer, version);
    }
    produce_request_write_topic_end(writer, version);
  }
  produce_request_write_end(writer, version);
  ck_assert_int_eq(exchange_run(&exchange), BROKER_ANSWER_SEND);
  static const int16_t expected[2][2] = {{0, STATUS_UNKNOWN_TOPIC_OR_PARTITION},
                                         {STATUS_UNKNOWN_TOPIC_ID, STATUS_UNKNOWN_TOPIC_ID}};
  ck_assert_int_eq(produce_response_read(&exchange.reader, version), 2);
  for (int number = 0; number < 2; number++) {
    struct produce_response_topic answered;
    produce_response_read_topic(&exchange.reader, version, &answered);
    ck_assert(uuid_equal(&answered.id, &ids[number]));
    ck_assert_int_eq(answered.partition_count, 2);
    for (int index = 0; index < 2; index++) {
      struct produce_response_partition answer;
      produce_response_read_partition(&exchange.reader, version, &answer);
      ck_assert_int_eq(answer.index, index + 2);
      ck_assert_int_eq(answer.error_code, expected[number][index]);
    }
    produce_response_read_topic_end(&exchange.reader, version);
  }
  struct produce_response_end end;
  produce_response_read_end(&exchange.reader, version, &end);
  exchange_expect_end(&exchange);
}
END_TEST

START_TEST(a_request_cut_anywhere_changes_nothing) {
  struct batch_plan plan = {.record_count = 3};
  struct bytes batch = batch_plan_write(&plan, &exchange.batch);
  exchange_produce(&exchange, 9, -1, "topic", 0, batch);
  size_t size = exchange.request.size;
  for (size_t length = 0; length < size - REQUEST_SIZE_BYTES; length++) {
    uint8_t *copy = malloc(length + 1);
    memcpy(copy, exchange.request.data + REQUEST_SIZE_BYTES, length);
    int64_t wait_ms;
    enum broker_answer answer = broker_model_handle(exchange.model, exchange.now_ms, bytes_of(copy, length),
                                                    false, &exchange.response, &wait_ms);
    free(copy);
    ck_assert_int_eq(answer, BROKER_ANSWER_CUT);
  }
  ck_assert_int_eq(exchange_record_count(&exchange, "topic", 0), 3);
  ck_assert_uint_eq(broker_model_counters(exchange.model)->malformed, size - REQUEST_SIZE_BYTES);
}
END_TEST

START_TEST(a_fault_before_the_append_leaves_the_log_as_it_was) {
  struct broker_fault fault = {.api_key = API_PRODUCE,
                               .topic = "topic",
                               .partition = 1,
                               .error_code = STATUS_NOT_ENOUGH_REPLICAS,
                               .count = 2};
  ck_assert_int_eq(broker_model_inject(exchange.model, &fault), STATUS_OK);
  ck_assert_int_eq(send(0, 0, 1), 0);
  ck_assert_int_eq(send(1, 0, 1), STATUS_NOT_ENOUGH_REPLICAS);
  ck_assert_int_eq(send(1, 0, 1), STATUS_NOT_ENOUGH_REPLICAS);
  ck_assert_int_eq(exchange_record_count(&exchange, "topic", 1), 0);
  ck_assert_int_eq(send(1, 0, 1), 0);
}
END_TEST

START_TEST(a_fault_after_the_append_leaves_the_batch_in_the_log) {
  struct broker_fault fault = {
      .api_key = API_PRODUCE, .partition = -1, .error_code = STATUS_REQUEST_TIMED_OUT, .after_append = true};
  ck_assert_int_eq(broker_model_inject(exchange.model, &fault), STATUS_OK);
  struct batch_plan plan = {.idempotent = true, .producer_id = 9};
  struct produce_response_partition answer = exchange_append(&exchange, "topic", 0, &plan);
  ck_assert_int_eq(answer.error_code, STATUS_REQUEST_TIMED_OUT);
  ck_assert_int_eq(answer.base_offset, -1);
  ck_assert_int_eq(exchange_record_count(&exchange, "topic", 0), 1);
  ck_assert_int_eq(exchange_append(&exchange, "topic", 0, &plan).error_code, 0);
  ck_assert_int_eq(exchange_record_count(&exchange, "topic", 0), 1);
}
END_TEST

START_TEST(a_fault_after_the_append_does_not_hide_that_there_was_none) {
  struct broker_fault fault = {
      .api_key = API_PRODUCE, .partition = -1, .error_code = STATUS_REQUEST_TIMED_OUT, .after_append = true};
  struct batch_plan plan = {.idempotent = true, .producer_id = 9};
  ck_assert_int_eq(exchange_append(&exchange, "topic", 0, &plan).error_code, 0);
  ck_assert_int_eq(broker_model_inject(exchange.model, &fault), STATUS_OK);
  plan.base_sequence = 5;
  ck_assert_int_eq(exchange_append(&exchange, "topic", 0, &plan).error_code,
                   STATUS_OUT_OF_ORDER_SEQUENCE_NUMBER);
  ck_assert_int_eq(exchange_record_count(&exchange, "topic", 0), 1);
}
END_TEST

START_TEST(a_dropped_response_appends_and_a_dropped_request_does_not) {
  struct broker_fault fault = {.api_key = API_PRODUCE, .partition = -1, .drop_response = true};
  ck_assert_int_eq(broker_model_inject(exchange.model, &fault), STATUS_OK);
  ck_assert_int_eq(send(0, 0, 1), 0); /* no answer was read */
  ck_assert_int_eq(exchange.answer, BROKER_ANSWER_CUT);
  ck_assert_int_eq(exchange_record_count(&exchange, "topic", 0), 1);
  fault =
      (struct broker_fault){.api_key = API_PRODUCE, .topic = "topic", .partition = 2, .drop_request = true};
  ck_assert_int_eq(broker_model_inject(exchange.model, &fault), STATUS_OK);
  send(1, 0, 1);
  ck_assert_int_eq(exchange.answer, BROKER_ANSWER_SEND);
  send(2, 0, 1);
  ck_assert_int_eq(exchange.answer, BROKER_ANSWER_CUT);
  ck_assert_int_eq(exchange_record_count(&exchange, "topic", 2), 0);
}
END_TEST

START_TEST(a_fault_may_hint_at_a_leader_and_throttle) {
  struct broker_fault fault = {.api_key = API_PRODUCE,
                               .partition = -1,
                               .error_code = STATUS_NOT_LEADER_OR_FOLLOWER,
                               .throttle_ms = 250,
                               .leader_hint = true,
                               .leader_id = 1,
                               .leader_epoch = 8};
  ck_assert_int_eq(broker_model_inject(exchange.model, &fault), STATUS_OK);
  struct bytes batch = batch_plan_write(&(struct batch_plan){0}, &exchange.batch);
  struct produce_response_partition answer = exchange_produce(&exchange, 12, 1, "topic", 0, batch);
  ck_assert_int_eq(answer.leader_id, 1);
  ck_assert_int_eq(answer.leader_epoch, 8);
  /* Read the end again: the throttle time and the leader's address. */
  exchange.reader = wire_reader_of(bytes_of(exchange.response.data, exchange.response.size));
  wire_read_int32(&exchange.reader);
  response_header_read(&exchange.reader, API_PRODUCE, 12);
  struct produce_response_topic answered;
  struct produce_response_end end;
  produce_response_read(&exchange.reader, 12);
  produce_response_read_topic(&exchange.reader, 12, &answered);
  produce_response_read_partition(&exchange.reader, 12, &answer);
  produce_response_read_topic_end(&exchange.reader, 12);
  produce_response_read_end(&exchange.reader, 12, &end);
  ck_assert_int_eq(end.throttle_ms, 250);
  ck_assert_int_eq(end.endpoint_count, 1);
  struct produce_endpoint endpoint;
  produce_response_read_endpoint(&end, 12, &endpoint);
  ck_assert_int_eq(endpoint.node_id, 1);
  ck_assert_int_eq(endpoint.port, 9092);
  ck_assert(bytes_equal(endpoint.host, bytes_of_string("broker")));
}
END_TEST

int main(void) {
  Suite *suite = suite_create("produce_handler");
  TCase *test_case = tcase_create("all");
  tcase_add_checked_fixture(test_case, set_up, tear_down);
  tcase_add_test(test_case, every_version_by_name_appends_and_answers_offsets);
  tcase_add_test(test_case, sequences_are_checked_for_each_partition);
  tcase_add_test(test_case, a_duplicate_is_answered_with_its_first_offset_and_not_appended);
  tcase_add_test(test_case, a_lower_epoch_is_refused);
  tcase_add_test(test_case, unknown_topics_and_partitions_are_refused);
  tcase_add_test(test_case, acks_outside_the_known_values_are_refused);
  tcase_add_test(test_case, acks_zero_appends_without_an_answer);
  tcase_add_test(test_case, acks_zero_with_an_error_cuts_the_connection);
  tcase_add_test(test_case, a_batch_over_the_limit_is_too_large);
  tcase_add_test(test_case, refused_records_are_named_one_by_one);
  tcase_add_test(test_case, a_partition_led_elsewhere_is_answered_with_the_leader);
  tcase_add_test(test_case, several_topics_are_produced_to_by_id_and_each_answered);
  tcase_add_test(test_case, a_request_cut_anywhere_changes_nothing);
  tcase_add_test(test_case, a_fault_before_the_append_leaves_the_log_as_it_was);
  tcase_add_test(test_case, a_fault_after_the_append_leaves_the_batch_in_the_log);
  tcase_add_test(test_case, a_fault_after_the_append_does_not_hide_that_there_was_none);
  tcase_add_test(test_case, a_dropped_response_appends_and_a_dropped_request_does_not);
  tcase_add_test(test_case, a_fault_may_hint_at_a_leader_and_throttle);
  suite_add_tcase(suite, test_case);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_ENV);
  int failures = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failures != 0;
}
