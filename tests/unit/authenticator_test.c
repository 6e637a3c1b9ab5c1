#include "network/authenticator.h"

#include "base/clock.h"
#include "base/status.h"
#include "protocol/request_header.h"
#include "protocol/sasl_authenticate.h"
#include "protocol/sasl_handshake.h"
#include "support/failing_allocator.h"
#include "support/hostile.h"
#include <check.h>
#include <stdlib.h>

enum { NOW_US = 1000, REQUEST_TIMEOUT_US = 5000000 };

static struct login *login;
static struct authenticator *authenticator;
static struct api_versions versions;
static struct wire_writer body;

static struct sasl_credentials *make_credentials(const char *password) {
  struct secret *secret = secret_create(bytes_of_string(password));
  const struct sasl_settings settings = {.mechanism = SASL_PLAIN, .username = "me", .password = secret};
  struct sasl_credentials *credentials;
  char error[200];
  ck_assert_int_eq(sasl_credentials_create(&settings, &credentials, error, sizeof error), STATUS_OK);
  secret_destroy(secret);
  return credentials;
}

static struct authenticator *create(void) {
  const struct authenticator_settings settings = {.login = login,
                                                  .host = "broker-1",
                                                  .client_id = bytes_of_string("client"),
                                                  .request_timeout_us = REQUEST_TIMEOUT_US};
  return authenticator_create(&settings);
}

static void set_up(void) {
  static const struct login_settings settings;
  struct sasl_credentials *credentials = make_credentials("first");
  ck_assert_int_eq(login_create(&settings, credentials, &login), STATUS_OK);
  sasl_credentials_release(credentials);
  authenticator = create();
  ck_assert_ptr_nonnull(authenticator);
  api_versions_clear(&versions);
  versions.offered[API_SASL_HANDSHAKE].maximum = 1;
  versions.offered[API_SASL_AUTHENTICATE].maximum = 2;
  body = (struct wire_writer){0};
}

static void tear_down(void) {
  authenticator_destroy(authenticator);
  login_destroy(login);
  wire_writer_deinit(&body);
}

/* The request as bytes, in body; its header is taken off. */
static struct wire_reader read_request(struct request_header *header) {
  const struct request *request = authenticator_request(authenticator);
  wire_writer_reset(&body);
  for (uint32_t i = 0; i < request->segment_count; i++)
    wire_write_raw(&body, bytes_of(request->segments[i].data, request->segments[i].size));
  ck_assert_uint_eq(bytes_load_u32(body.data), body.size - 4);
  struct wire_reader reader = wire_reader_of(bytes_of(body.data + 4, body.size - 4));
  request_header_read(&reader, header);
  ck_assert(!reader.failed);
  ck_assert_int_eq(header->correlation_id, request->correlation_id);
  ck_assert_int_eq(header->api_version, request->api_version);
  ck_assert_int_lt(header->correlation_id, 0);
  expect_text(header->client_id, "client");
  return reader;
}

static enum authenticator_outcome answer_handshake(int16_t error_code, const struct bytes *mechanisms,
                                                   int32_t count) {
  wire_writer_reset(&body);
  sasl_handshake_response_write(&body, error_code, mechanisms, count);
  struct wire_reader reader = wire_reader_of(bytes_of(body.data, body.size));
  return authenticator_take_answer(authenticator, &reader, NOW_US);
}

static enum authenticator_outcome answer_token(const struct sasl_authenticate_response *response) {
  int16_t version = authenticator_request(authenticator)->api_version;
  wire_writer_reset(&body);
  sasl_authenticate_response_write(&body, version, response);
  struct wire_reader reader = wire_reader_of(bytes_of(body.data, body.size));
  return authenticator_take_answer(authenticator, &reader, NOW_US);
}

/* Up to the token. */
static void begin(void) {
  ck_assert_int_eq(authenticator_begin(authenticator, &versions), AUTHENTICATOR_ASKS);
  ck_assert_int_eq(authenticator_state(authenticator), AUTHENTICATOR_HANDSHAKING);
  ck_assert_int_eq(answer_handshake(0, NULL, 0), AUTHENTICATOR_ASKS);
  ck_assert_int_eq(authenticator_state(authenticator), AUTHENTICATOR_AUTHENTICATING);
}

static void log_in(int64_t lifetime_ms) {
  begin();
  const struct sasl_authenticate_response welcome = {.token = bytes_of("", 0),
                                                     .session_lifetime_ms = lifetime_ms};
  ck_assert_int_eq(answer_token(&welcome), AUTHENTICATOR_DONE);
  ck_assert_int_eq(authenticator_state(authenticator), AUTHENTICATOR_IDLE);
}

START_TEST(handshake_and_token_are_sent_in_turn) {
  struct request_header header;
  struct bytes text;
  ck_assert_int_eq(authenticator_begin(authenticator, &versions), AUTHENTICATOR_ASKS);
  struct wire_reader reader = read_request(&header);
  ck_assert_int_eq(header.api_key, API_SASL_HANDSHAKE);
  sasl_handshake_request_read(&reader, &text);
  expect_text(text, "PLAIN");
  int32_t first_id = header.correlation_id;
  ck_assert_int_eq(answer_handshake(0, NULL, 0), AUTHENTICATOR_ASKS);
  reader = read_request(&header);
  ck_assert_int_eq(header.api_key, API_SASL_AUTHENTICATE);
  ck_assert_int_ne(header.correlation_id, first_id);
  sasl_authenticate_request_read(&reader, header.api_version, &text);
  ck_assert(!reader.failed);
  ck_assert_uint_eq(wire_reader_left(&reader), 0);
  ck_assert(bytes_equal(text, bytes_of("\0me\0first", 9)));
  ck_assert_int_eq(authenticator_request(authenticator)->timeout_us, REQUEST_TIMEOUT_US);
}
END_TEST

START_TEST(every_version_of_the_token_request_is_whole) {
  struct request_header header;
  struct bytes text;
  versions.offered[API_SASL_AUTHENTICATE].maximum = (int16_t)_i;
  begin();
  struct wire_reader reader = read_request(&header);
  ck_assert_int_eq(header.api_version, _i);
  sasl_authenticate_request_read(&reader, header.api_version, &text);
  ck_assert(!reader.failed);
  ck_assert_uint_eq(wire_reader_left(&reader), 0);
}
END_TEST

START_TEST(the_session_lasts_as_long_as_the_broker_says) {
  log_in(90000);
  ck_assert_int_eq(authenticator_session_us(authenticator), 90000000);
  log_in(0);
  ck_assert_int_eq(authenticator_session_us(authenticator), 0);
  log_in(INT64_MAX);
  ck_assert_int_gt(authenticator_session_us(authenticator), INT64_C(1) << 60);
}
END_TEST

START_TEST(another_login_uses_the_credentials_in_force) {
  log_in(0);
  struct sasl_credentials *credentials = make_credentials("second");
  ck_assert_int_eq(login_replace(login, credentials), STATUS_OK);
  sasl_credentials_release(credentials);
  begin();
  struct request_header header;
  struct bytes text;
  struct wire_reader reader = read_request(&header);
  sasl_authenticate_request_read(&reader, header.api_version, &text);
  ck_assert(bytes_equal(text, bytes_of("\0me\0second", 10)));
}
END_TEST

static void expect_failure(enum authenticator_outcome outcome, int32_t status, const char *part) {
  ck_assert_int_eq(outcome, AUTHENTICATOR_FAILED);
  ck_assert_int_eq(authenticator_state(authenticator), AUTHENTICATOR_OVER);
  ck_assert_int_eq(authenticator_status(authenticator), status);
  const char *reason = authenticator_reason(authenticator);
  ck_assert_msg(strstr(reason, part) != NULL, "\"%s\" lacks \"%s\"", reason, part);
}

START_TEST(a_mechanism_that_is_not_offered_is_told_with_those_that_are) {
  const struct bytes offered[] = {bytes_of_string("GSSAPI"), bytes_of_string("SCRAM-\nSHA")};
  ck_assert_int_eq(authenticator_begin(authenticator, &versions), AUTHENTICATOR_ASKS);
  expect_failure(answer_handshake(33, offered, 2), STATUS_UNSUPPORTED_SASL_MECHANISM,
                 "does not offer the SASL mechanism PLAIN; it offers GSSAPI, SCRAM-?SHA");
}
END_TEST

START_TEST(a_listener_without_logins_is_told) {
  ck_assert_int_eq(authenticator_begin(authenticator, &versions), AUTHENTICATOR_ASKS);
  expect_failure(answer_handshake(34, NULL, 0), STATUS_ILLEGAL_SASL_STATE, "security.protocol");
}
END_TEST

START_TEST(a_broker_without_logins_is_told) {
  api_versions_clear(&versions);
  expect_failure(authenticator_begin(authenticator, &versions), STATUS_LOGIN_FAILED, "offers no logins");
}
END_TEST

START_TEST(a_refused_login_has_the_brokers_words) {
  begin();
  const struct sasl_authenticate_response refusal = {
      .error_code = 58, .error_message = bytes_of_string("Invalid password"), .token = bytes_of("", 0)};
  expect_failure(answer_token(&refusal), STATUS_SASL_AUTHENTICATION_FAILED, "Invalid password");
  ck_assert_ptr_null(strstr(authenticator_reason(authenticator), "first"));
}
END_TEST

START_TEST(malformed_answers_fail) {
  struct wire_reader nothing = wire_reader_of(bytes_of("", 0));
  ck_assert_int_eq(authenticator_begin(authenticator, &versions), AUTHENTICATOR_ASKS);
  expect_failure(authenticator_take_answer(authenticator, &nothing, NOW_US), STATUS_MALFORMED_RESPONSE,
                 "SaslHandshake");
  authenticator_destroy(authenticator);
  authenticator = create();
  begin();
  const struct sasl_authenticate_response negative = {.token = bytes_of("", 0), .session_lifetime_ms = -1};
  expect_failure(answer_token(&negative), STATUS_MALFORMED_RESPONSE, "SaslAuthenticate");
}
END_TEST

START_TEST(missing_memory_fails_the_login_and_no_more) {
  uint32_t refusals = 0;
  for (uint32_t i = 0;; i++) {
    failing_allocator_start(i);
    struct authenticator *tried = create();
    enum authenticator_outcome outcome =
        tried == NULL ? AUTHENTICATOR_FAILED : authenticator_begin(tried, &versions);
    bool has_failed = failing_allocator_stop();
    if (tried != NULL && has_failed) ck_assert_int_eq(authenticator_status(tried), STATUS_OUT_OF_MEMORY);
    authenticator_destroy(tried);
    ck_assert_int_eq(outcome, has_failed ? AUTHENTICATOR_FAILED : AUTHENTICATOR_ASKS);
    if (!has_failed) break;
    refusals++;
  }
  ck_assert_uint_ge(refusals, 5);
}
END_TEST

START_TEST(states_change_as_the_table_says) {
  static const char *const allowed[AUTHENTICATOR_STATE_COUNT] = {".x..x", "..x.x", "x..xx", "..x.x", "....."};
  for (uint32_t from = 0; from < AUTHENTICATOR_STATE_COUNT; from++)
    for (uint32_t to = 0; to < AUTHENTICATOR_STATE_COUNT; to++)
      ck_assert_int_eq(authenticator_may_change(from, to), allowed[from][to] == 'x');
}
END_TEST

int main(void) {
  Suite *suite = suite_create("authenticator");
  TCase *tests = tcase_create("authenticator");
  tcase_add_checked_fixture(tests, set_up, tear_down);
  tcase_add_test(tests, handshake_and_token_are_sent_in_turn);
  tcase_add_loop_test(tests, every_version_of_the_token_request_is_whole, 0, 3);
  tcase_add_test(tests, the_session_lasts_as_long_as_the_broker_says);
  tcase_add_test(tests, another_login_uses_the_credentials_in_force);
  tcase_add_test(tests, a_mechanism_that_is_not_offered_is_told_with_those_that_are);
  tcase_add_test(tests, a_listener_without_logins_is_told);
  tcase_add_test(tests, a_broker_without_logins_is_told);
  tcase_add_test(tests, a_refused_login_has_the_brokers_words);
  tcase_add_test(tests, malformed_answers_fail);
  tcase_add_test(tests, missing_memory_fails_the_login_and_no_more);
  tcase_add_test(tests, states_change_as_the_table_says);
  suite_add_tcase(suite, tests);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_ENV);
  int failed = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
