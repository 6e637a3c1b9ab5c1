#include "base/status.h"
#include "broker/find_coordinator_handler.h"
#include "protocol/api.h"
#include "protocol/find_coordinator.h"
#include "support/broker_exchange.h"
#include <check.h>

static struct exchange exchange;

static void set_up(void) {
  exchange_init(&exchange, NULL);
}

static void tear_down(void) {
  exchange_deinit(&exchange);
}

START_TEST(there_is_no_coordinator) {
  for (int16_t version = 0; version <= 2; version++) {
    struct find_coordinator_request request = {.key = bytes_of_string("group")};
    struct find_coordinator_response response;
    find_coordinator_request_write(exchange_begin(&exchange, API_FIND_COORDINATOR, version), version,
                                   &request);
    ck_assert_int_eq(exchange_run(&exchange), BROKER_ANSWER_SEND);
    find_coordinator_response_read(&exchange.reader, version, &response);
    exchange_expect_end(&exchange);
    ck_assert_int_eq(response.error_code, STATUS_INVALID_REQUEST);
    ck_assert_int_eq(response.error_message.data != NULL, version >= 1);
    ck_assert_int_eq(response.node_id, -1);
  }
}
END_TEST

START_TEST(a_body_that_cannot_be_read_cuts_the_connection) {
  exchange_begin(&exchange, API_FIND_COORDINATOR, 2);
  ck_assert_int_eq(exchange_run(&exchange), BROKER_ANSWER_CUT);
}
END_TEST

int main(void) {
  Suite *suite = suite_create("find_coordinator_handler");
  TCase *test_case = tcase_create("all");
  tcase_add_checked_fixture(test_case, set_up, tear_down);
  tcase_add_test(test_case, there_is_no_coordinator);
  tcase_add_test(test_case, a_body_that_cannot_be_read_cuts_the_connection);
  suite_add_tcase(suite, test_case);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_ENV);
  int failures = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failures != 0;
}
