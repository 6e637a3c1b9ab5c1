#include "base/status.h"
#include "broker/api_versions_handler.h"
#include "protocol/api_versions.h"
#include "support/broker_exchange.h"
#include <check.h>

static struct exchange exchange;

static void set_up(void) {
  exchange_init(&exchange, NULL);
}

static void tear_down(void) {
  exchange_deinit(&exchange);
}

static struct api_versions_response ask(int16_t version) {
  struct api_versions_request request = {.client_software_name = bytes_of_string("test"),
                                         .client_software_version = bytes_of_string("1.0")};
  struct api_versions_response response;
  api_versions_request_write(exchange_begin(&exchange, API_API_VERSIONS, version), version, &request);
  ck_assert_int_eq(exchange_run(&exchange), BROKER_ANSWER_SEND);
  api_versions_response_read(&exchange.reader, version, &response);
  exchange_expect_end(&exchange);
  return response;
}

START_TEST(all_versions_list_what_is_offered) {
  for (int16_t version = 0; version <= 4; version++) {
    struct api_versions_response response = ask(version);
    ck_assert_int_eq(response.error_code, 0);
    ck_assert_int_eq(api_versions_choose(&response.versions, API_PRODUCE, INT16_MAX), 13);
    ck_assert_int_eq(api_versions_choose(&response.versions, API_METADATA, INT16_MAX), 13);
    ck_assert_int_eq(api_versions_choose(&response.versions, API_FETCH, INT16_MAX), 12);
    ck_assert_int_eq(response.versions.offered[11].maximum, -1); /* JoinGroup */
  }
}
END_TEST

START_TEST(a_version_from_the_future_is_answered_in_version_0) {
  /* A header of version 2 and a body that nobody can read. */
  struct wire_writer *writer = exchange_begin(&exchange, API_API_VERSIONS, 4);
  bytes_store_u16(writer->data + REQUEST_SIZE_BYTES + 2, 77);
  wire_write_raw(writer, bytes_of_string("what is this?"));
  exchange.header.api_version = 77;
  ck_assert_int_eq(exchange_run(&exchange), BROKER_ANSWER_SEND);
  struct api_versions_response response;
  api_versions_response_read(&exchange.reader, 4, &response);
  exchange_expect_end(&exchange);
  ck_assert_int_eq(response.error_code, STATUS_UNSUPPORTED_VERSION);
  ck_assert_int_eq(response.versions.offered[API_API_VERSIONS].maximum, 4);
}
END_TEST

START_TEST(a_fault_makes_it_say_that_the_version_is_unknown) {
  struct broker_fault fault = {
      .api_key = API_API_VERSIONS, .partition = -1, .error_code = STATUS_UNSUPPORTED_VERSION};
  ck_assert_int_eq(broker_model_inject(exchange.model, &fault), STATUS_OK);
  ck_assert_int_eq(ask(4).error_code, STATUS_UNSUPPORTED_VERSION);
  ck_assert_int_eq(ask(4).error_code, 0);
}
END_TEST

START_TEST(a_body_that_cannot_be_read_cuts_the_connection) {
  exchange_begin(&exchange, API_API_VERSIONS, 3);
  ck_assert_int_eq(exchange_run(&exchange), BROKER_ANSWER_CUT);
  ck_assert_uint_eq(broker_model_counters(exchange.model)->malformed, 1);
}
END_TEST

int main(void) {
  Suite *suite = suite_create("api_versions_handler");
  TCase *test_case = tcase_create("all");
  tcase_add_checked_fixture(test_case, set_up, tear_down);
  tcase_add_test(test_case, all_versions_list_what_is_offered);
  tcase_add_test(test_case, a_version_from_the_future_is_answered_in_version_0);
  tcase_add_test(test_case, a_fault_makes_it_say_that_the_version_is_unknown);
  tcase_add_test(test_case, a_body_that_cannot_be_read_cuts_the_connection);
  suite_add_tcase(suite, test_case);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_ENV);
  int failures = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failures != 0;
}
