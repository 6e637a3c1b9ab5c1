/* Logins on a connection: the first before all requests, further ones behind those that are under way. */
#include "network/connection.h"

#include "base/allocator.h"
#include "base/clock.h"
#include "base/status.h"
#include "protocol/request_header.h"
#include "protocol/sasl_authenticate.h"
#include "protocol/sasl_handshake.h"
#include <check.h>
#include <stdlib.h>

enum { SECOND_US = 1000000, NOW_US = SECOND_US };

static struct random jitter;
static struct connection_settings settings;
static struct connection *connection;
static struct list finished;
static struct wire_writer sent;  /* the output so far that was not read yet */
static struct wire_writer frame; /* the last answer */

static void set_up(void) {
  static const struct login_settings login_settings;
  struct secret *password = secret_create(bytes_of_string("secret"));
  const struct sasl_settings sasl = {.mechanism = SASL_PLAIN, .username = "me", .password = password};
  struct sasl_credentials *credentials;
  char error[200];
  ck_assert_int_eq(sasl_credentials_create(&sasl, &credentials, error, sizeof error), STATUS_OK);
  secret_destroy(password);
  random_seed(&jitter, 1);
  settings = (struct connection_settings){.client_id = bytes_of_string("me"),
                                          .software_name = bytes_of_string("sendoff"),
                                          .software_version = bytes_of_string("1"),
                                          .request_timeout_us = 30 * SECOND_US,
                                          .receive_message_max_bytes = 10000,
                                          .random = &jitter};
  ck_assert_int_eq(login_create(&login_settings, credentials, &settings.login), STATUS_OK);
  sasl_credentials_release(credentials);
  connection = connection_create(&settings);
  ck_assert_int_eq(connection_require_login(connection, "broker"), STATUS_OK);
  ck_assert_int_eq(connection_open(connection, NOW_US), STATUS_OK);
  list_init(&finished);
}

static void tear_down(void) {
  if (connection_state(connection) != CONNECTION_CLOSED)
    connection_close(connection, STATUS_ABORTED, NOW_US, &finished);
  connection_destroy(connection);
  login_destroy(settings.login);
  wire_writer_deinit(&sent);
  wire_writer_deinit(&frame);
  sent = frame = (struct wire_writer){0};
}

/* The header of the next request in the output, which is then gone. */
static struct request_header take_request(void) {
  struct transport_segment segments[16];
  uint32_t count;
  while ((count = connection_output(connection, segments, 16)) > 0) {
    size_t bytes = 0;
    for (uint32_t i = 0; i < count; i++) {
      wire_write_raw(&sent, bytes_of(segments[i].data, segments[i].size));
      bytes += segments[i].size;
    }
    connection_output_taken(connection, bytes, &finished);
  }
  ck_assert_uint_ge(sent.size, 4);
  size_t size = 4 + bytes_load_u32(sent.data);
  ck_assert_uint_ge(sent.size, size);
  struct request_header header;
  struct wire_reader reader = wire_reader_of(bytes_of(sent.data + 4, size - 4));
  request_header_read(&reader, &header);
  ck_assert(!reader.failed);
  memmove(sent.data, sent.data + size, sent.size - size);
  sent.size -= size;
  return header;
}

static void begin_answer(const struct request_header *header) {
  wire_writer_reset(&frame);
  wire_write_int32(&frame, 0);
  response_header_write(&frame, header->api_key, header->api_version, header->correlation_id);
}

static struct connection_input give_answer(int64_t now_us) {
  wire_patch_int32(&frame, 0, (int32_t)frame.size - 4);
  struct bytes input = bytes_of(frame.data, frame.size);
  return connection_take_input(connection, &input, now_us);
}

static struct connection_input answer_versions(void) {
  struct request_header header = take_request();
  ck_assert_int_eq(header.api_key, API_API_VERSIONS);
  static const int16_t offers[][2] = {
      {API_METADATA, 8}, {API_SASL_HANDSHAKE, 1}, {API_API_VERSIONS, 4}, {API_SASL_AUTHENTICATE, 2}};
  begin_answer(&header);
  wire_write_int16(&frame, 0);
  wire_write_array_count(&frame, true, 4);
  for (int i = 0; i < 4; i++) {
    wire_write_int16(&frame, offers[i][0]);
    wire_write_int16(&frame, 0);
    wire_write_int16(&frame, offers[i][1]);
    wire_write_no_tags(&frame, true);
  }
  wire_write_int32(&frame, 7);
  wire_write_no_tags(&frame, true);
  return give_answer(NOW_US);
}

static struct connection_input answer_handshake(int64_t now_us) {
  struct request_header header = take_request();
  ck_assert_int_eq(header.api_key, API_SASL_HANDSHAKE);
  begin_answer(&header);
  sasl_handshake_response_write(&frame, 0, NULL, 0);
  return give_answer(now_us);
}

static struct connection_input answer_token(int16_t error_code, int64_t lifetime_ms, int64_t now_us) {
  struct request_header header = take_request();
  ck_assert_int_eq(header.api_key, API_SASL_AUTHENTICATE);
  const struct sasl_authenticate_response response = {
      .error_code = error_code, .token = bytes_of("", 0), .session_lifetime_ms = lifetime_ms};
  begin_answer(&header);
  sasl_authenticate_response_write(&frame, header.api_version, &response);
  return give_answer(now_us);
}

static void log_in(int64_t lifetime_ms) {
  ck_assert_int_eq(answer_versions().kind, CONNECTION_INPUT_HANDLED);
  ck_assert_int_eq(answer_handshake(NOW_US).kind, CONNECTION_INPUT_HANDLED);
  struct connection_input taken = answer_token(0, lifetime_ms, NOW_US);
  ck_assert_int_eq(taken.kind, CONNECTION_INPUT_NEGOTIATED);
  ck_assert_int_eq(taken.throttle_ms, 7);
  ck_assert_int_eq(connection_state(connection), CONNECTION_READY);
}

/* A metadata request of the caller's, "any topics". */
static void enqueue(struct request *request, int32_t correlation_id) {
  static struct wire_writer frames[2];
  static struct transport_segment segments[2];
  struct wire_writer *writer = &frames[correlation_id];
  const struct request_header header = {.api_key = API_METADATA,
                                        .api_version = 8,
                                        .correlation_id = correlation_id,
                                        .client_id = bytes_of_string("me")};
  wire_writer_deinit(writer);
  *writer = (struct wire_writer){0};
  request_header_write(writer, &header);
  request_frame_finish(writer, 0);
  segments[correlation_id] = (struct transport_segment){.data = writer->data, .size = writer->size};
  *request = (struct request){.api_key = API_METADATA,
                              .api_version = 8,
                              .correlation_id = correlation_id,
                              .expects_response = true,
                              .segments = &segments[correlation_id],
                              .segment_count = 1,
                              .timeout_us = 30 * SECOND_US};
  connection_enqueue(connection, request, NOW_US);
}

START_TEST(nothing_but_the_login_is_sent_before_its_end) {
  ck_assert_int_eq(answer_versions().kind, CONNECTION_INPUT_HANDLED);
  ck_assert_int_eq(connection_state(connection), CONNECTION_AUTHENTICATING);
  ck_assert(!connection_is_established(connection));
  ck_assert_uint_eq(connection_open_count(connection), 0);
  ck_assert_int_eq(answer_handshake(NOW_US).kind, CONNECTION_INPUT_HANDLED);
  ck_assert_int_eq(connection_deadline_us(connection), NOW_US + 30 * SECOND_US);
  ck_assert_int_eq(answer_token(0, 0, NOW_US).kind, CONNECTION_INPUT_NEGOTIATED);
  ck_assert(connection_is_established(connection));
  ck_assert_int_eq(connection_login_due_us(connection), CLOCK_NEVER_US);
  ck_assert_int_eq(connection_deadline_us(connection), CLOCK_NEVER_US);
}
END_TEST

START_TEST(the_next_login_is_due_before_the_session_ends) {
  log_in(100000);
  int64_t due_us = connection_login_due_us(connection);
  ck_assert_int_ge(due_us, NOW_US + 85 * SECOND_US);
  ck_assert_int_le(due_us, NOW_US + 95 * SECOND_US);
  ck_assert_int_eq(connection_renew_login(connection, due_us - 1).kind, CONNECTION_INPUT_HANDLED);
  ck_assert_int_eq(connection_state(connection), CONNECTION_READY);
}
END_TEST

START_TEST(brokers_get_no_login_within_a_second_of_the_last) {
  log_in(1050);
  ck_assert_int_ge(connection_login_due_us(connection), NOW_US + SECOND_US);
  ck_assert_int_le(connection_login_due_us(connection), NOW_US + 1050000);
}
END_TEST

START_TEST(the_end_of_a_short_session_is_not_waited_for) {
  log_in(4000);
  ck_assert_int_eq(connection_login_due_us(connection), NOW_US + 2 * SECOND_US);
  ck_assert_int_eq(connection_state(connection), CONNECTION_READY);
}
END_TEST

START_TEST(another_login_stands_behind_open_requests_whose_answers_come_first) {
  struct request requests[2];
  log_in(10000);
  enqueue(&requests[0], 0);
  enqueue(&requests[1], 1);
  int64_t due_us = connection_login_due_us(connection);
  ck_assert_int_eq(connection_renew_login(connection, due_us).kind, CONNECTION_INPUT_HANDLED);
  ck_assert_int_eq(connection_state(connection), CONNECTION_REAUTHENTICATING);
  ck_assert(connection_is_established(connection));
  ck_assert_uint_eq(connection_open_count(connection), 2);
  ck_assert_int_eq(connection_login_due_us(connection), CLOCK_NEVER_US);
  for (int i = 0; i < 2; i++) {
    struct request_header header = take_request();
    ck_assert_int_eq(header.correlation_id, i);
    begin_answer(&header);
    struct connection_input taken = give_answer(due_us);
    ck_assert_int_eq(taken.kind, CONNECTION_INPUT_RESPONSE);
    ck_assert_ptr_eq(taken.request, &requests[i]);
  }
  ck_assert_int_eq(answer_handshake(due_us).kind, CONNECTION_INPUT_HANDLED);
  ck_assert_int_eq(answer_token(0, 10000, due_us).kind, CONNECTION_INPUT_HANDLED);
  ck_assert_int_eq(connection_state(connection), CONNECTION_READY);
  ck_assert_int_ge(connection_login_due_us(connection), due_us + 8000000);
  ck_assert(list_is_empty(&finished));
}
END_TEST

START_TEST(a_login_that_is_refused_later_closes_and_gives_the_requests_back) {
  struct request request;
  log_in(10000);
  enqueue(&request, 0);
  take_request();
  int64_t due_us = connection_login_due_us(connection);
  connection_renew_login(connection, due_us);
  struct request_header none = {.api_key = API_METADATA, .api_version = 8, .correlation_id = 0};
  begin_answer(&none);
  ck_assert_int_eq(give_answer(due_us).kind, CONNECTION_INPUT_RESPONSE);
  answer_handshake(due_us);
  struct connection_input taken = answer_token(58, 0, due_us);
  ck_assert_int_eq(taken.kind, CONNECTION_INPUT_FAILED);
  ck_assert_int_eq(taken.status, STATUS_SASL_AUTHENTICATION_FAILED);
  connection_close(connection, taken.status, due_us, &finished);
  ck_assert(list_is_empty(&finished)); /* the login's own request is nobody's */
}
END_TEST

START_TEST(the_end_of_a_connection_is_explained_by_what_it_was_at) {
  ck_assert_ptr_nonnull(strstr(connection_explain_end(connection), "security.protocol"));
  ck_assert_int_eq(answer_versions().kind, CONNECTION_INPUT_HANDLED);
  ck_assert_str_eq(connection_explain_end(connection), "the broker closed the connection during the login");
  answer_handshake(NOW_US);
  answer_token(0, 10000, NOW_US);
  ck_assert_str_eq(connection_explain_end(connection), "the broker closed the connection");
  connection_renew_login(connection, connection_login_due_us(connection));
  ck_assert_str_eq(connection_explain_end(connection),
                   "the broker closed the connection during another login");
}
END_TEST

int main(void) {
  Suite *suite = suite_create("connection_login");
  TCase *tests = tcase_create("connection_login");
  tcase_add_checked_fixture(tests, set_up, tear_down);
  tcase_add_test(tests, nothing_but_the_login_is_sent_before_its_end);
  tcase_add_test(tests, the_next_login_is_due_before_the_session_ends);
  tcase_add_test(tests, the_end_of_a_short_session_is_not_waited_for);
  tcase_add_test(tests, brokers_get_no_login_within_a_second_of_the_last);
  tcase_add_test(tests, another_login_stands_behind_open_requests_whose_answers_come_first);
  tcase_add_test(tests, a_login_that_is_refused_later_closes_and_gives_the_requests_back);
  tcase_add_test(tests, the_end_of_a_connection_is_explained_by_what_it_was_at);
  suite_add_tcase(suite, tests);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_ENV);
  int failed = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
