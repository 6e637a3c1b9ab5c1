#include "base/status.h"
#include "broker/init_producer_id_handler.h"
#include "protocol/api.h"
#include "protocol/init_producer_id.h"
#include "support/broker_exchange.h"
#include <check.h>

static struct exchange exchange;

static void set_up(void) {
  exchange_init(&exchange, NULL);
}

static void tear_down(void) {
  exchange_deinit(&exchange);
}

static struct init_producer_id_response ask(int16_t version, struct init_producer_id_request request) {
  struct init_producer_id_response response;
  init_producer_id_request_write(exchange_begin(&exchange, API_INIT_PRODUCER_ID, version), version, &request);
  ck_assert_int_eq(exchange_run(&exchange), BROKER_ANSWER_SEND);
  init_producer_id_response_read(&exchange.reader, version, &response);
  exchange_expect_end(&exchange);
  return response;
}

static struct init_producer_id_request anew(void) {
  return (struct init_producer_id_request){.producer_id = -1, .producer_epoch = -1};
}

START_TEST(each_answer_has_another_id_at_epoch_0) {
  int64_t last = -1;
  for (int16_t version = 0; version <= 5; version++) {
    struct init_producer_id_response response = ask(version, anew());
    ck_assert_int_eq(response.error_code, 0);
    ck_assert_int_gt(response.producer_id, last);
    ck_assert_int_eq(response.producer_epoch, 0);
    last = response.producer_id;
  }
}
END_TEST

START_TEST(an_id_that_the_client_names_is_ignored) {
  int64_t first = ask(5, anew()).producer_id;
  struct init_producer_id_response response =
      ask(5, (struct init_producer_id_request){.producer_id = first, .producer_epoch = 3});
  ck_assert_int_eq(response.error_code, 0);
  ck_assert_int_ne(response.producer_id, first);
  ck_assert_int_eq(response.producer_epoch, 0);
}
END_TEST

START_TEST(nodes_give_out_different_ids) {
  struct exchange other;
  struct broker_settings settings;
  broker_settings_init(&settings);
  settings.node_id = 2;
  int64_t here = ask(5, anew()).producer_id;
  tear_down();
  exchange_init(&other, &settings);
  exchange = other;
  ck_assert_int_ne(ask(5, anew()).producer_id, here);
}
END_TEST

START_TEST(transactions_are_refused) {
  struct init_producer_id_request request = anew();
  request.transactional_id = bytes_of_string("transaction");
  struct init_producer_id_response response = ask(4, request);
  ck_assert_int_eq(response.error_code, STATUS_INVALID_REQUEST);
  ck_assert_int_eq(response.producer_id, -1);
  ck_assert_int_eq(response.producer_epoch, -1);
}
END_TEST

START_TEST(a_fault_is_answered_without_an_id) {
  struct broker_fault fault = {.api_key = API_INIT_PRODUCER_ID,
                               .partition = -1,
                               .error_code = STATUS_COORDINATOR_LOAD_IN_PROGRESS,
                               .throttle_ms = 30};
  ck_assert_int_eq(broker_model_inject(exchange.model, &fault), STATUS_OK);
  struct init_producer_id_response response = ask(3, anew());
  ck_assert_int_eq(response.error_code, STATUS_COORDINATOR_LOAD_IN_PROGRESS);
  ck_assert_int_eq(response.producer_id, -1);
  ck_assert_int_eq(response.throttle_ms, 30);
  ck_assert_int_eq(ask(3, anew()).error_code, 0);
}
END_TEST

START_TEST(a_body_that_cannot_be_read_cuts_the_connection) {
  exchange_begin(&exchange, API_INIT_PRODUCER_ID, 1);
  ck_assert_int_eq(exchange_run(&exchange), BROKER_ANSWER_CUT);
}
END_TEST

int main(void) {
  Suite *suite = suite_create("init_producer_id_handler");
  TCase *test_case = tcase_create("all");
  tcase_add_checked_fixture(test_case, set_up, tear_down);
  tcase_add_test(test_case, each_answer_has_another_id_at_epoch_0);
  tcase_add_test(test_case, an_id_that_the_client_names_is_ignored);
  tcase_add_test(test_case, nodes_give_out_different_ids);
  tcase_add_test(test_case, transactions_are_refused);
  tcase_add_test(test_case, a_fault_is_answered_without_an_id);
  tcase_add_test(test_case, a_body_that_cannot_be_read_cuts_the_connection);
  suite_add_tcase(suite, test_case);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_ENV);
  int failures = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failures != 0;
}
