#include "broker/describe_producers_handler.h"

#include "base/status.h"
#include "protocol/api.h"
#include "protocol/describe_producers.h"
#include "support/broker_exchange.h"
#include <check.h>

enum { PRODUCER_ID = 9, OTHER_ID = 10, PRODUCERS_MAX = 4 };

static struct exchange exchange;

static void set_up(void) {
  exchange_init(&exchange, NULL);
  ck_assert_int_eq(broker_model_create_topic(exchange.model, "topic", 3), STATUS_OK);
}

static void tear_down(void) {
  exchange_deinit(&exchange);
}

static void append(int64_t producer_id, int16_t epoch, int32_t base_sequence, int32_t record_count) {
  struct batch_plan plan = {.idempotent = true,
                            .producer_id = producer_id,
                            .producer_epoch = epoch,
                            .base_sequence = base_sequence,
                            .record_count = record_count,
                            .timestamp_ms = 5000};
  ck_assert_int_eq(exchange_append(&exchange, "topic", 0, &plan).error_code, STATUS_OK);
}

/* What a partition answers; the producers in order of their ids. */
struct description {
  struct describe_producers_partition partition;
  struct describe_producers_producer producers[PRODUCERS_MAX];
  int32_t throttle_ms;
};

static void write_request(const char *topic, int32_t index) {
  struct wire_writer *writer = exchange_begin(&exchange, API_DESCRIBE_PRODUCERS, 0);
  describe_producers_request_write(writer, 0, &(struct describe_producers_request){.topic_count = 1});
  struct describe_producers_topic named = {.name = bytes_of_string(topic), .partition_count = 1};
  describe_producers_request_write_topic(writer, 0, &named);
  describe_producers_request_write_partition(writer, 0, index);
  describe_producers_request_write_topic_end(writer, 0);
  describe_producers_request_write_end(writer, 0);
}

static void read_producers(struct description *description) {
  ck_assert_int_le(description->partition.producer_count, PRODUCERS_MAX);
  for (int32_t i = 0; i < description->partition.producer_count; i++) {
    struct describe_producers_producer producer;
    describe_producers_response_read_producer(&exchange.reader, 0, &producer);
    int32_t at = i;
    for (; at > 0 && description->producers[at - 1].producer_id > producer.producer_id; at--)
      description->producers[at] = description->producers[at - 1];
    description->producers[at] = producer;
  }
}

static struct description describe(const char *topic, int32_t index) {
  write_request(topic, index);
  ck_assert_int_eq(exchange_run(&exchange), BROKER_ANSWER_SEND);
  struct description description = {0};
  struct describe_producers_response response;
  struct describe_producers_topic named;
  describe_producers_response_read(&exchange.reader, 0, &response);
  ck_assert_int_eq(response.topic_count, 1);
  description.throttle_ms = response.throttle_ms;
  describe_producers_response_read_topic(&exchange.reader, 0, &named);
  ck_assert(bytes_equal(named.name, bytes_of_string(topic)));
  ck_assert_int_eq(named.partition_count, 1);
  describe_producers_response_read_partition(&exchange.reader, 0, &description.partition);
  read_producers(&description);
  describe_producers_response_read_partition_end(&exchange.reader, 0);
  describe_producers_response_read_topic_end(&exchange.reader, 0);
  describe_producers_response_read_end(&exchange.reader, 0);
  exchange_expect_end(&exchange);
  ck_assert_int_eq(description.partition.index, index);
  return description;
}

START_TEST(nobody_has_written) {
  struct description description = describe("topic", 0);
  ck_assert_int_eq(description.partition.error_code, STATUS_OK);
  ck_assert_int_eq(description.partition.producer_count, 0);
}
END_TEST

START_TEST(each_producers_last_sequence_is_told) {
  append(PRODUCER_ID, 3, 0, 5);
  append(PRODUCER_ID, 3, 5, 2);
  append(OTHER_ID, 0, INT32_MAX, 2); /* wraps: its last sequence is 0 */
  struct description description = describe("topic", 0);
  ck_assert_int_eq(description.partition.producer_count, 2);
  ck_assert_int_eq(description.producers[0].producer_id, PRODUCER_ID);
  ck_assert_int_eq(description.producers[0].producer_epoch, 3);
  ck_assert_int_eq(description.producers[0].last_sequence, 6);
  ck_assert_int_eq(description.producers[0].last_timestamp_ms, 5001);
  ck_assert_int_eq(description.producers[0].transaction_start_offset, -1);
  ck_assert_int_eq(description.producers[1].producer_id, OTHER_ID);
  ck_assert_int_eq(description.producers[1].last_sequence, 0);
  ck_assert_int_eq(describe("topic", 1).partition.producer_count, 0);
}
END_TEST

START_TEST(another_epoch_starts_anew) {
  append(PRODUCER_ID, 3, 0, 5);
  append(PRODUCER_ID, 4, 0, 1);
  struct description description = describe("topic", 0);
  ck_assert_int_eq(description.producers[0].producer_epoch, 4);
  ck_assert_int_eq(description.producers[0].last_sequence, 0);
}
END_TEST

START_TEST(a_restart_keeps_the_last_sequence) {
  for (int32_t sequence = 0; sequence < 7; sequence++)
    append(PRODUCER_ID, 0, sequence, 1);
  broker_model_reload(exchange.model);
  ck_assert_int_eq(describe("topic", 0).producers[0].last_sequence, 6);
  broker_model_forget_producers(exchange.model);
  ck_assert_int_eq(describe("topic", 0).partition.producer_count, 0);
}
END_TEST

START_TEST(what_cannot_be_answered_is_told) {
  append(PRODUCER_ID, 0, 0, 1);
  ck_assert_int_eq(describe("topic", 3).partition.error_code, STATUS_UNKNOWN_TOPIC_OR_PARTITION);
  ck_assert_int_eq(describe("other", 0).partition.error_code, STATUS_UNKNOWN_TOPIC_OR_PARTITION);
  ck_assert_int_eq(broker_model_set_leader(exchange.model, "topic", 0, 4, 3), STATUS_OK);
  struct description description = describe("topic", 0);
  ck_assert_int_eq(description.partition.error_code, STATUS_NOT_LEADER_OR_FOLLOWER);
  ck_assert_int_eq(description.partition.producer_count, 0);
}
END_TEST

START_TEST(faults_hit_one_partition) {
  append(PRODUCER_ID, 0, 0, 1);
  struct broker_fault fault = {.api_key = API_DESCRIBE_PRODUCERS,
                               .topic = "topic",
                               .partition = 0,
                               .error_code = STATUS_TOPIC_AUTHORIZATION_FAILED,
                               .throttle_ms = 70};
  ck_assert_int_eq(broker_model_inject(exchange.model, &fault), STATUS_OK);
  ck_assert_int_eq(describe("topic", 1).partition.error_code, STATUS_OK);
  struct description description = describe("topic", 0);
  ck_assert_int_eq(description.partition.error_code, STATUS_TOPIC_AUTHORIZATION_FAILED);
  ck_assert_int_eq(description.partition.producer_count, 0);
  ck_assert_int_eq(description.throttle_ms, 70);
  ck_assert_int_eq(describe("topic", 0).partition.producer_count, 1);
}
END_TEST

START_TEST(a_request_cut_anywhere_cuts_the_connection) {
  write_request("topic", 0);
  for (size_t size = exchange.request.size - 1; size >= REQUEST_SIZE_BYTES; size--) {
    exchange.request.size = size;
    ck_assert_int_eq(exchange_run(&exchange), BROKER_ANSWER_CUT);
  }
}
END_TEST

int main(void) {
  Suite *suite = suite_create("describe_producers_handler");
  TCase *test_case = tcase_create("all");
  tcase_add_checked_fixture(test_case, set_up, tear_down);
  tcase_add_test(test_case, nobody_has_written);
  tcase_add_test(test_case, each_producers_last_sequence_is_told);
  tcase_add_test(test_case, another_epoch_starts_anew);
  tcase_add_test(test_case, a_restart_keeps_the_last_sequence);
  tcase_add_test(test_case, what_cannot_be_answered_is_told);
  tcase_add_test(test_case, faults_hit_one_partition);
  tcase_add_test(test_case, a_request_cut_anywhere_cuts_the_connection);
  suite_add_tcase(suite, test_case);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_ENV);
  int failures = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failures != 0;
}
