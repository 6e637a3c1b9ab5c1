#include "base/status.h"
#include "broker/broker_model.h"
#include "broker/broker_state.h"
#include "protocol/api.h"
#include "protocol/init_producer_id.h"
#include "protocol/record_batch.h"
#include "support/broker_exchange.h"
#include "support/codecs.h"
#include "support/failing_allocator.h"
#include <check.h>
#include <stdio.h>
#include <stdlib.h>

static struct exchange exchange;

static void start(const struct broker_settings *settings) {
  exchange_init(&exchange, settings);
  ck_assert_int_eq(broker_model_create_topic(exchange.model, "topic", 2), STATUS_OK);
}

static void set_up(void) {
  start(NULL);
}

static void tear_down(void) {
  exchange_deinit(&exchange);
}

static struct produce_response_partition send(int32_t partition, int32_t base_sequence) {
  struct batch_plan plan = {.idempotent = true, .producer_id = 9, .base_sequence = base_sequence};
  return exchange_append(&exchange, "topic", partition, &plan);
}

static enum broker_answer handle(const void *request, size_t size) {
  int64_t wait_ms;
  wire_writer_reset(&exchange.response);
  enum broker_answer answer = broker_model_handle(exchange.model, exchange.now_ms, bytes_of(request, size),
                                                  false, &exchange.response, &wait_ms);
  ck_assert_uint_eq(exchange.response.size == 0, answer != BROKER_ANSWER_SEND);
  return answer;
}

START_TEST(settings_that_cannot_be_are_refused) {
  struct broker_model *model = NULL;
  struct broker_settings settings;
  broker_settings_init(&settings);
  settings.node_id = -1;
  ck_assert_int_eq(broker_model_create(&settings, &model), STATUS_INVALID_ARGUMENT);
  broker_settings_init(&settings);
  settings.auto_create_partitions = -1;
  ck_assert_int_eq(broker_model_create(&settings, &model), STATUS_INVALID_ARGUMENT);
  ck_assert_ptr_null(model);
  broker_model_destroy(NULL);
}
END_TEST

START_TEST(what_cannot_be_read_cuts_the_connection) {
  ck_assert_int_eq(handle("", 0), BROKER_ANSWER_CUT);
  ck_assert_int_eq(handle("\0\0\0\x9\0\0", 6), BROKER_ANSWER_CUT);
  ck_assert_int_eq(handle("GET / HTTP/1.1\r\n\r\n", 18), BROKER_ANSWER_CUT);
  ck_assert_int_eq(handle("\0\x0b\0\0\0\0\0\1\xff\xff", 10), BROKER_ANSWER_CUT); /* JoinGroup */
  ck_assert_int_eq(handle("\0\0\0\2\0\0\0\1\xff\xff", 10), BROKER_ANSWER_CUT);   /* Produce 2 */
  ck_assert_int_eq(handle("\0\3\0\x63\0\0\0\1\xff\xff", 10), BROKER_ANSWER_CUT); /* Metadata 99 */
  ck_assert_uint_eq(broker_model_counters(exchange.model)->malformed, 6);
}
END_TEST

START_TEST(random_requests_are_survived) {
  struct random random;
  random_seed(&random, 7);
  for (int round = 0; round < 20000; round++) {
    uint8_t request[64];
    static const uint8_t keys[] = {API_PRODUCE,          API_FETCH,
                                   API_LIST_OFFSETS,     API_METADATA,
                                   API_API_VERSIONS,     API_INIT_PRODUCER_ID,
                                   API_FIND_COORDINATOR, API_DESCRIBE_PRODUCERS};
    size_t size = 10 + random_below(&random, sizeof request - 10);
    for (size_t index = 0; index < size; index++)
      request[index] = random_below(&random, 2) == 0 ? 0 : (uint8_t)random_below(&random, 4);
    request[0] = request[2] = 0;
    request[1] = keys[random_below(&random, sizeof keys)];
    request[3] = (uint8_t)random_below(&random, 14);
    request[8] = request[9] = 0; /* no client id */
    handle(request, size);
  }
}
END_TEST

START_TEST(records_are_visited_in_order_whatever_their_codec) {
  for (int codec = 0; codec < COMPRESSION_CODEC_COUNT; codec++) {
    struct batch_plan plan = {
        .record_count = 3, .codec = codec_or_none((enum compression_codec)codec), .timestamp_ms = 500};
    ck_assert_int_eq(exchange_append(&exchange, "topic", 1, &plan).error_code, 0);
  }
  struct bytes batch = broker_model_batch(exchange.model, "topic", 1, 4);
  ck_assert_ptr_nonnull(batch.data);
  ck_assert_uint_eq(bytes_load_u64(batch.data), 12);
  ck_assert_ptr_null(broker_model_batch(exchange.model, "topic", 1, 5).data);
  ck_assert_ptr_null(broker_model_batch(exchange.model, "topic", 2, 0).data);
}
END_TEST

struct visit {
  int64_t count, until;
};

static bool visit_record(void *context, int64_t offset, int64_t timestamp_ms,
                         const struct record_view *record) {
  struct visit *visit = context;
  char expected[16];
  ck_assert_int_eq(offset, visit->count);
  ck_assert_int_eq(timestamp_ms, 500 + visit->count % 3);
  snprintf(expected, sizeof expected, "value-%d", (int)(visit->count % 3));
  ck_assert(bytes_equal(record->value, bytes_of_string(expected)));
  visit->count++;
  return visit->count != visit->until;
}

START_TEST(a_visit_sees_each_record_and_may_end) {
  for (int codec = 0; codec < COMPRESSION_CODEC_COUNT; codec++) {
    struct batch_plan plan = {
        .record_count = 3, .codec = codec_or_none((enum compression_codec)codec), .timestamp_ms = 500};
    ck_assert_int_eq(exchange_append(&exchange, "topic", 1, &plan).error_code, 0);
  }
  struct visit visit = {.until = -1};
  ck_assert_int_eq(broker_model_visit_records(exchange.model, "topic", 1, visit_record, &visit), STATUS_OK);
  ck_assert_int_eq(visit.count, 15);
  visit = (struct visit){.until = 4};
  ck_assert_int_eq(broker_model_visit_records(exchange.model, "topic", 1, visit_record, &visit), STATUS_OK);
  ck_assert_int_eq(visit.count, 4);
  ck_assert_int_eq(broker_model_visit_records(exchange.model, "none", 1, visit_record, &visit),
                   STATUS_UNKNOWN_TOPIC_OR_PARTITION);
}
END_TEST

START_TEST(a_reload_keeps_one_batch_of_each_producer) {
  for (int32_t sequence = 0; sequence < 3; sequence++)
    ck_assert_int_eq(send(0, sequence).error_code, 0);
  broker_model_reload(exchange.model);
  ck_assert_int_eq(send(0, 1).error_code, STATUS_OUT_OF_ORDER_SEQUENCE_NUMBER);
  ck_assert_int_eq(send(0, 2).base_offset, 2);
  ck_assert_int_eq(send(0, 3).base_offset, 3);
}
END_TEST

START_TEST(forgotten_producers_may_begin_anywhere) {
  ck_assert_int_eq(send(0, 0).error_code, 0);
  broker_model_forget_producers(exchange.model);
  ck_assert_int_eq(send(0, 0).base_offset, 1);
  ck_assert_int_eq(send(0, 1).base_offset, 2);
}
END_TEST

START_TEST(producers_expire_by_the_timestamps_of_their_records) {
  struct broker_settings settings;
  broker_settings_init(&settings);
  settings.producer_id_expiration_ms = 60000;
  tear_down();
  start(&settings);
  ck_assert_int_eq(send(0, 0).error_code, 0); /* at 1000000 */
  exchange.now_ms += 58000;
  ck_assert_int_eq(send(0, 0).base_offset, 0);
  exchange.now_ms += 2000;
  ck_assert_int_eq(send(0, 0).base_offset, 1);
}
END_TEST

START_TEST(a_topic_made_again_is_empty_and_remembers_nobody) {
  ck_assert_int_eq(send(0, 0).error_code, 0);
  ck_assert_int_eq(broker_model_delete_topic(exchange.model, "topic"), STATUS_OK);
  ck_assert_int_eq(broker_model_delete_topic(exchange.model, "topic"), STATUS_UNKNOWN_TOPIC_OR_PARTITION);
  ck_assert_int_eq(send(0, 0).error_code, STATUS_UNKNOWN_TOPIC_OR_PARTITION);
  ck_assert_int_eq(broker_model_create_topic(exchange.model, "topic", 1), STATUS_OK);
  ck_assert_int_eq(send(0, 0).base_offset, 0);
  ck_assert_int_eq(send(1, 0).error_code, STATUS_UNKNOWN_TOPIC_OR_PARTITION);
  ck_assert_int_eq(broker_model_add_partitions(exchange.model, "topic", 2), STATUS_OK);
  ck_assert_int_eq(send(1, 0).base_offset, 0);
}
END_TEST

START_TEST(data_stays_within_the_limit_of_all_partitions) {
  struct broker_settings settings;
  broker_settings_init(&settings);
  settings.data_limit_bytes = 10000;
  tear_down();
  start(&settings);
  int64_t start_offset, end_offset;
  struct batch_plan plan = {.record_count = 10};
  for (int number = 0; number < 200; number++) {
    ck_assert_int_eq(exchange_append(&exchange, "topic", number % 10 == 0 ? 1 : 0, &plan).error_code, 0);
    size_t held = 0;
    for (int32_t partition = 0; partition < 2; partition++) {
      for (uint32_t index = 0; broker_model_batch(exchange.model, "topic", partition, index).data != NULL;
           index++)
        held += broker_model_batch(exchange.model, "topic", partition, index).size;
    }
    ck_assert_uint_eq(held, exchange.model->data_bytes);
    ck_assert_uint_le(held, 10000);
  }
  ck_assert(broker_model_offsets(exchange.model, "topic", 0, &start_offset, &end_offset));
  ck_assert_int_eq(end_offset, 1800);
  ck_assert_int_gt(start_offset, 0);
  ck_assert_int_eq(broker_model_delete_topic(exchange.model, "topic"), STATUS_OK);
  ck_assert_uint_eq(exchange.model->data_bytes, 0);
}
END_TEST

START_TEST(a_node_that_is_set_again_has_its_new_address) {
  ck_assert_int_eq(broker_model_set_node(exchange.model, 1, "elsewhere", 1), STATUS_OK);
  ck_assert_int_eq(broker_model_set_node(exchange.model, 2, "other", 2), STATUS_OK);
  ck_assert_int_eq(exchange.model->node_count, 2);
  ck_assert_str_eq(broker_model_node(exchange.model, 1)->host, "elsewhere");
  ck_assert_int_eq(broker_model_node(exchange.model, 2)->port, 2);
  ck_assert_ptr_null(broker_model_node(exchange.model, 3));
}
END_TEST

/* Produces one batch under a fault that corrupts the answer, whose bytes are then in exchange.response. */
static void provoke(enum broker_corruption corruption) {
  struct broker_fault fault = {.api_key = API_INIT_PRODUCER_ID, .partition = -1, .corruption = corruption};
  struct init_producer_id_request request = {.producer_id = -1, .producer_epoch = -1};
  ck_assert_int_eq(broker_model_inject(exchange.model, &fault), STATUS_OK);
  struct wire_writer *writer = exchange_begin(&exchange, API_INIT_PRODUCER_ID, 4);
  init_producer_id_request_write(writer, 4, &request);
  ck_assert_int_eq(handle(writer->data + REQUEST_SIZE_BYTES, writer->size - REQUEST_SIZE_BYTES),
                   BROKER_ANSWER_SEND);
}

START_TEST(answers_can_be_corrupted) {
  const struct wire_writer *response = &exchange.response;
  provoke(BROKER_CORRUPTION_CORRELATION_ID);
  ck_assert_uint_ne(bytes_load_u32(response->data + 4), (uint32_t)exchange.header.correlation_id);
  size_t whole = response->size;
  provoke(BROKER_CORRUPTION_TRUNCATED);
  ck_assert_uint_lt(response->size, whole);
  ck_assert_uint_eq(bytes_load_u32(response->data), response->size - REQUEST_SIZE_BYTES);
  provoke(BROKER_CORRUPTION_OVERSIZED);
  ck_assert_uint_eq(bytes_load_u32(response->data), INT32_MAX);
  provoke(BROKER_CORRUPTION_GARBAGE);
  ck_assert_uint_eq(response->size, whole);
  ck_assert_uint_eq(bytes_load_u32(response->data + 4), (uint32_t)exchange.header.correlation_id);
  for (size_t index = 8; index < whole; index++)
    ck_assert_uint_eq(response->data[index], 0xff);
  provoke(BROKER_CORRUPTION_NONE);
  ck_assert_uint_eq(response->size, whole);
}
END_TEST

START_TEST(a_withheld_answer_is_not_sent_though_all_was_done) {
  struct broker_fault fault = {.api_key = API_PRODUCE, .partition = -1, .withhold_response = true};
  ck_assert_int_eq(broker_model_inject(exchange.model, &fault), STATUS_OK);
  send(0, 0);
  ck_assert_int_eq(exchange.answer, BROKER_ANSWER_STALL);
  ck_assert_int_eq(exchange_record_count(&exchange, "topic", 0), 1);
  ck_assert_int_eq(send(0, 0).base_offset, 0);
  ck_assert_uint_eq(broker_model_counters(exchange.model)->faults, 1);
  ck_assert_uint_eq(broker_model_append_count(exchange.model), 1);
}
END_TEST

START_TEST(a_dropped_request_of_any_api_is_cut) {
  struct broker_fault fault = {.api_key = API_API_VERSIONS, .partition = -1, .drop_request = true};
  ck_assert_int_eq(broker_model_inject(exchange.model, &fault), STATUS_OK);
  ck_assert_int_eq(handle("\0\x12\0\0\0\0\0\1\xff\xff", 10), BROKER_ANSWER_CUT);
  ck_assert_int_eq(handle("\0\x12\0\0\0\0\0\1\xff\xff", 10), BROKER_ANSWER_SEND);
}
END_TEST

START_TEST(creation_without_memory_frees_what_it_had) {
  struct broker_settings settings;
  broker_settings_init(&settings);
  bool failed = true;
  for (uint32_t number = 0; failed; number++) {
    struct broker_model *model = NULL;
    failing_allocator_start(number);
    int32_t status = broker_model_create(&settings, &model);
    if (status == STATUS_OK) status = broker_model_create_topic(model, "topic", 3);
    if (status == STATUS_OK) status = broker_model_set_node(model, 1, "host", 1);
    failed = failing_allocator_stop();
    ck_assert_int_eq(status, failed ? STATUS_OUT_OF_MEMORY : STATUS_OK);
    broker_model_destroy(model);
  }
}
END_TEST

START_TEST(an_append_without_memory_is_answered_and_can_be_repeated) {
  /* The request's own memory is there from now on. */
  exchange_append(&exchange, "topic", 1, &(struct batch_plan){.record_count = 100});
  for (uint32_t number = 0; number < 12; number++) {
    struct bytes batch;
    struct batch_plan plan = {.idempotent = true,
                              .producer_id = number,
                              .record_count = 5,
                              .codec = codec_or_none(COMPRESSION_ZSTD)};
    wire_writer_reset(&exchange.batch);
    batch = batch_plan_write(&plan, &exchange.batch);
    int64_t before = exchange_record_count(&exchange, "topic", 0);
    wire_writer_deinit(&exchange.response);
    failing_allocator_start(number);
    struct produce_response_partition answer = exchange_produce(&exchange, 9, -1, "topic", 0, batch);
    failing_allocator_stop();
    bool appended = answer.index == 0 && answer.error_code == 0;
    if (exchange.answer == BROKER_ANSWER_SEND)
      ck_assert_int_eq(exchange_record_count(&exchange, "topic", 0), before + (appended ? 5 : 0));
    answer = exchange_produce(&exchange, 9, -1, "topic", 0, batch);
    ck_assert_int_eq(answer.error_code, 0);
    ck_assert_int_eq(answer.base_offset, before);
    ck_assert_int_eq(exchange_record_count(&exchange, "topic", 0), before + 5);
  }
}
END_TEST

int main(void) {
  Suite *suite = suite_create("broker_model");
  TCase *test_case = tcase_create("all");
  tcase_add_checked_fixture(test_case, set_up, tear_down);
  tcase_add_test(test_case, settings_that_cannot_be_are_refused);
  tcase_add_test(test_case, what_cannot_be_read_cuts_the_connection);
  tcase_add_test(test_case, random_requests_are_survived);
  tcase_add_test(test_case, records_are_visited_in_order_whatever_their_codec);
  tcase_add_test(test_case, a_visit_sees_each_record_and_may_end);
  tcase_add_test(test_case, a_reload_keeps_one_batch_of_each_producer);
  tcase_add_test(test_case, forgotten_producers_may_begin_anywhere);
  tcase_add_test(test_case, producers_expire_by_the_timestamps_of_their_records);
  tcase_add_test(test_case, a_topic_made_again_is_empty_and_remembers_nobody);
  tcase_add_test(test_case, data_stays_within_the_limit_of_all_partitions);
  tcase_add_test(test_case, a_node_that_is_set_again_has_its_new_address);
  tcase_add_test(test_case, answers_can_be_corrupted);
  tcase_add_test(test_case, a_withheld_answer_is_not_sent_though_all_was_done);
  tcase_add_test(test_case, a_dropped_request_of_any_api_is_cut);
  tcase_add_test(test_case, creation_without_memory_frees_what_it_had);
  tcase_add_test(test_case, an_append_without_memory_is_answered_and_can_be_repeated);
  suite_add_tcase(suite, test_case);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_ENV);
  int failures = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failures != 0;
}
