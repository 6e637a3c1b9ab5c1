#include "network/connection.h"

#include "base/allocator.h"
#include "base/clock.h"
#include "base/status.h"
#include "protocol/request_header.h"
#include "support/fake_broker.h"
#include <check.h>
#include <stdlib.h>

enum { REQUESTS_MAX = 8, LIMIT_BYTES = 1000, NOW_US = 1000 };

static const struct connection_settings SETTINGS = {
    .client_id = {.data = (const uint8_t *)"me", .size = 2},
    .software_name = {.data = (const uint8_t *)"sendoff", .size = 7},
    .software_version = {.data = (const uint8_t *)"1.0.0", .size = 5},
    .request_timeout_us = 5000,
    .receive_message_max_bytes = LIMIT_BYTES};

static struct connection *connection;
static struct request requests[REQUESTS_MAX];
static struct transport_segment segments[REQUESTS_MAX][3];
static struct list finished;

static void set_up(void) {
  connection = connection_create(&SETTINGS);
  ck_assert_ptr_nonnull(connection);
  list_init(&finished);
}

static void tear_down(void) {
  if (connection_state(connection) != CONNECTION_CLOSED)
    connection_close(connection, STATUS_ABORTED, NOW_US, &finished);
  connection_destroy(connection);
}

/* Takes all output as bytes; freed with free. */
static struct bytes take_output(void) {
  struct transport_segment output[16];
  uint8_t *taken = NULL;
  size_t size = 0;
  uint32_t count;
  while ((count = connection_output(connection, output, 16)) > 0) {
    size_t before = size;
    for (uint32_t i = 0; i < count; i++) {
      taken = realloc(taken, size + output[i].size);
      memcpy(taken + size, output[i].data, output[i].size);
      size += output[i].size;
    }
    connection_output_taken(connection, size - before, &finished);
  }
  return bytes_of(taken, size);
}

static void free_bytes(struct bytes bytes) {
  union {
    const uint8_t *read;
    void *owned;
  } memory = {.read = bytes.data};
  free(memory.owned);
}

static struct request_header read_header(struct bytes frame) {
  struct request_header header;
  struct wire_reader reader = wire_reader_of(bytes_of(frame.data + 4, frame.size - 4));
  request_header_read(&reader, &header);
  ck_assert(!reader.failed);
  ck_assert_uint_eq(bytes_load_u32(frame.data) + 4, frame.size);
  return header;
}

static struct connection_input feed(struct bytes bytes) {
  struct connection_input taken = connection_take_input(connection, &bytes, NOW_US);
  if (taken.kind != CONNECTION_INPUT_FAILED) ck_assert_uint_eq(bytes.size, 0);
  return taken;
}

static struct bytes versions_body(int16_t error_code, int16_t version) {
  struct wire_writer writer = {.data = NULL};
  wire_write_int16(&writer, error_code);
  wire_write_array_count(&writer, version >= 3, 2);
  for (int16_t i = 0; i < 2; i++) {
    wire_write_int16(&writer, i == 0 ? API_PRODUCE : API_API_VERSIONS);
    wire_write_int16(&writer, 0);
    wire_write_int16(&writer, i == 0 ? 7 : 2);
    wire_write_no_tags(&writer, version >= 3);
  }
  if (version >= 1) wire_write_int32(&writer, 250);
  wire_write_no_tags(&writer, version >= 3);
  return bytes_of(writer.data, writer.size);
}

/* Answers the ApiVersions request that is in the output. */
static struct connection_input answer_versions(int16_t error_code, int16_t body_version) {
  struct bytes output = take_output();
  struct request_header header = read_header(output);
  ck_assert_int_eq(header.api_key, API_API_VERSIONS);
  const struct fake_broker_request request = {
      .api_key = header.api_key, .api_version = header.api_version, .correlation_id = header.correlation_id};
  struct bytes body = versions_body(error_code, body_version);
  struct bytes frame = fake_broker_frame(&request, body);
  struct connection_input taken = feed(frame);
  union {
    const uint8_t *read;
    void *owned;
  } memory = {.read = body.data};
  allocator_free(memory.owned);
  free_bytes(frame);
  free_bytes(output);
  return taken;
}

static void make_ready(void) {
  ck_assert_int_eq(connection_open(connection, NOW_US), STATUS_OK);
  ck_assert_int_eq(answer_versions(0, 4).kind, CONNECTION_INPUT_NEGOTIATED);
  ck_assert_int_eq(connection_state(connection), CONNECTION_READY);
}

/* A request of three segments, "<id>---", "", "+++": bytes that do not look like Kafka are as good as others.
 */
static struct request *enqueue(uint32_t index, int32_t correlation_id, bool expects_response) {
  static char heads[REQUESTS_MAX][4];
  memcpy(heads[index], "0---", 4);
  heads[index][0] = (char)('0' + index);
  segments[index][0] = (struct transport_segment){.data = heads[index], .size = 4};
  segments[index][1] = (struct transport_segment){.data = NULL, .size = 0};
  segments[index][2] = (struct transport_segment){.data = "+++", .size = 3};
  requests[index] = (struct request){.api_key = API_METADATA,
                                     .api_version = 9,
                                     .correlation_id = correlation_id,
                                     .expects_response = expects_response,
                                     .segments = segments[index],
                                     .segment_count = 3,
                                     .timeout_us = 1000 + index};
  connection_enqueue(connection, &requests[index], NOW_US);
  return &requests[index];
}

static struct bytes response_to(const struct request *request, const char *body) {
  const struct fake_broker_request answered = {.api_key = request->api_key,
                                               .api_version = request->api_version,
                                               .correlation_id = request->correlation_id};
  return fake_broker_frame(&answered, bytes_of_string(body));
}

START_TEST(versions_are_asked_first_from_the_newest) {
  ck_assert_int_eq(connection_open(connection, NOW_US), STATUS_OK);
  ck_assert_int_eq(connection_state(connection), CONNECTION_NEGOTIATING);
  ck_assert_int_eq(connection_deadline_us(connection), NOW_US + 5000);
  struct bytes output = take_output();
  ck_assert_int_eq(read_header(output).api_version, 4);
  ck_assert(bytes_equal(read_header(output).client_id, SETTINGS.client_id));
  /* KIP-511: the compact strings follow the header's tags. */
  ck_assert_ptr_nonnull(memmem(output.data, output.size,
                               "\x08sendoff\x06"
                               "1.0.0",
                               14));
  free_bytes(output);
}
END_TEST

START_TEST(versions_are_kept_and_the_pause_is_told) {
  ck_assert_int_eq(connection_open(connection, NOW_US), STATUS_OK);
  struct connection_input taken = answer_versions(0, 4);
  ck_assert_int_eq(taken.kind, CONNECTION_INPUT_NEGOTIATED);
  ck_assert_int_eq(taken.throttle_ms, 250);
  ck_assert_int_eq(connection_api_versions(connection)->offered[API_PRODUCE].maximum, 7);
  ck_assert_int_eq(connection_api_versions(connection)->offered[API_METADATA].maximum, -1);
  ck_assert_uint_eq(connection_open_count(connection), 0);
  ck_assert_int_eq(connection_deadline_us(connection), CLOCK_NEVER_US);
}
END_TEST

START_TEST(an_unsupported_version_is_asked_again_as_listed) {
  ck_assert_int_eq(connection_open(connection, NOW_US), STATUS_OK);
  ck_assert_int_eq(answer_versions(STATUS_UNSUPPORTED_VERSION, 0).kind, CONNECTION_INPUT_HANDLED);
  ck_assert(connection_has_output(connection));
  struct transport_segment output;
  ck_assert_uint_eq(connection_output(connection, &output, 1), 1);
  ck_assert_int_eq(read_header(bytes_of(output.data, output.size)).api_version, 2);
  ck_assert_int_eq(answer_versions(0, 2).kind, CONNECTION_INPUT_NEGOTIATED);
}
END_TEST

START_TEST(without_a_listed_version_zero_is_asked_and_then_given_up) {
  ck_assert_int_eq(connection_open(connection, NOW_US), STATUS_OK);
  struct bytes output = take_output();
  const struct fake_broker_request first = {
      .api_key = API_API_VERSIONS, .api_version = 4, .correlation_id = read_header(output).correlation_id};
  free_bytes(output);
  struct bytes frame = fake_broker_frame(&first, bytes_of("\0\x23\0\0\0\0", 6)); /* 35, no versions */
  ck_assert_int_eq(feed(frame).kind, CONNECTION_INPUT_HANDLED);
  free_bytes(frame);
  struct transport_segment segment;
  ck_assert_uint_eq(connection_output(connection, &segment, 1), 1);
  ck_assert_int_eq(read_header(bytes_of(segment.data, segment.size)).api_version, 0);
  struct connection_input taken = answer_versions(STATUS_UNSUPPORTED_VERSION, 0);
  ck_assert_int_eq(taken.kind, CONNECTION_INPUT_FAILED);
  ck_assert_int_eq(taken.status, STATUS_UNSUPPORTED_BROKER);
}
END_TEST

START_TEST(an_error_to_the_versions_fails_with_its_name) {
  ck_assert_int_eq(connection_open(connection, NOW_US), STATUS_OK);
  struct connection_input taken = answer_versions(STATUS_INVALID_REQUEST, 4);
  ck_assert_int_eq(taken.kind, CONNECTION_INPUT_FAILED);
  ck_assert_int_eq(taken.status, STATUS_INVALID_REQUEST);
  ck_assert_str_eq(taken.reason, "the broker answered ApiVersions with INVALID_REQUEST");
}
END_TEST

START_TEST(output_may_be_taken_in_pieces_of_any_size) {
  for (size_t step = 1; step <= 15; step++) {
    set_up();
    make_ready();
    enqueue(0, 10, true);
    enqueue(1, 11, true);
    char written[32];
    size_t size = 0;
    struct transport_segment output[2];
    uint32_t count;
    while ((count = connection_output(connection, output, 2)) > 0) {
      size_t taken = 0;
      for (uint32_t i = 0; i < count && taken < step; i++) {
        size_t piece = output[i].size < step - taken ? output[i].size : step - taken;
        memcpy(written + size, output[i].data, piece);
        size += piece;
        taken += piece;
      }
      connection_output_taken(connection, taken, &finished);
    }
    ck_assert_uint_eq(size, 14);
    ck_assert_mem_eq(written, "0---+++1---+++", 14);
    ck_assert_uint_eq(requests[0].bytes_sent, 7);
    ck_assert_uint_eq(requests[1].bytes_sent, 7);
    ck_assert(list_is_empty(&finished));
    tear_down();
  }
}
END_TEST

START_TEST(requests_without_response_finish_with_their_last_byte) {
  make_ready();
  struct request *waiting = enqueue(0, 10, true);
  struct request *silent = enqueue(1, 11, false);
  connection_output_taken(connection, 7 + 6, &finished);
  ck_assert(list_is_empty(&finished));
  ck_assert_uint_eq(connection_open_count(connection), 2);
  connection_output_taken(connection, 1, &finished);
  ck_assert_ptr_eq(finished.next, &silent->node);
  ck_assert_int_eq(silent->status, STATUS_OK);
  ck_assert_uint_eq(connection_open_count(connection), 1);
  ck_assert(!connection_has_output(connection));
  struct bytes response = response_to(waiting, "hi");
  struct connection_input taken = feed(response);
  ck_assert_int_eq(taken.kind, CONNECTION_INPUT_RESPONSE);
  ck_assert_ptr_eq(taken.request, waiting);
  free_bytes(response);
}
END_TEST

/* Three responses in one stream, cut at every byte: each must come out once, whole. */
START_TEST(responses_may_be_cut_anywhere) {
  make_ready();
  struct bytes parts[3];
  uint8_t stream[512];
  size_t size = 0;
  const char *bodies[] = {"first body", "", "the third body is longer than the others"};
  for (uint32_t i = 0; i < 3; i++) {
    const struct request shape = {
        .api_key = API_METADATA, .api_version = 9, .correlation_id = 10 + (int32_t)i};
    parts[i] = response_to(&shape, bodies[i]);
    memcpy(stream + size, parts[i].data, parts[i].size);
    size += parts[i].size;
    free_bytes(parts[i]);
  }
  for (size_t first = 0; first <= size; first++) {
    for (size_t second = first; second <= size; second += 7) {
      for (uint32_t i = 0; i < 3; i++)
        enqueue(i, 10 + (int32_t)i, true);
      free_bytes(take_output());
      uint32_t answered = 0;
      const size_t cuts[] = {0, first, second, size};
      for (size_t piece = 0; piece < 3; piece++) {
        struct bytes input = bytes_of(stream + cuts[piece], cuts[piece + 1] - cuts[piece]);
        struct connection_input taken;
        while ((taken = connection_take_input(connection, &input, NOW_US)).kind != CONNECTION_INPUT_PARTIAL) {
          ck_assert_int_eq(taken.kind, CONNECTION_INPUT_RESPONSE);
          ck_assert_ptr_eq(taken.request, &requests[answered]);
          ck_assert_uint_eq(wire_reader_left(&taken.body), strlen(bodies[answered]));
          ck_assert_mem_eq(taken.body.at, bodies[answered], strlen(bodies[answered]));
          answered++;
        }
        ck_assert_uint_eq(input.size, 0);
      }
      ck_assert_uint_eq(answered, 3);
      ck_assert(!connection_has_partial_input(connection));
    }
  }
}
END_TEST

START_TEST(one_byte_at_a_time_is_enough) {
  make_ready();
  struct request *request = enqueue(0, 10, true);
  free_bytes(take_output());
  struct bytes response = response_to(request, "slowly");
  for (size_t i = 0; i + 1 < response.size; i++) {
    ck_assert_int_eq(feed(bytes_of(response.data + i, 1)).kind, CONNECTION_INPUT_PARTIAL);
    ck_assert(connection_has_partial_input(connection));
  }
  struct connection_input taken = feed(bytes_of(response.data + response.size - 1, 1));
  ck_assert_int_eq(taken.kind, CONNECTION_INPUT_RESPONSE);
  ck_assert_uint_eq(wire_reader_left(&taken.body), 6);
  ck_assert_mem_eq(taken.body.at, "slowly", 6);
  free_bytes(response);
}
END_TEST

static void assert_refused(struct bytes input, const char *reason) {
  struct connection_input taken = feed(input);
  ck_assert_int_eq(taken.kind, CONNECTION_INPUT_FAILED);
  ck_assert_int_eq(taken.status, STATUS_MALFORMED_RESPONSE);
  ck_assert_str_eq(taken.reason, reason);
}

/* Lengths that no response can have, whole and in pieces. */
START_TEST(impossible_lengths_are_refused) {
  static const struct {
    uint8_t prefix[4];
    const char *reason;
  } cases[] = {
      {{0xff, 0xff, 0xff, 0xff}, "a response claims a size of -1 bytes"},
      {{0x80, 0, 0, 0}, "a response claims a size of -2147483648 bytes"},
      {{0, 0, 0, 0}, "a response claims a size of 0 bytes"},
      {{0, 0, 0, 3}, "a response claims a size of 3 bytes"},
      {{0, 0, 0x03, 0xe9}, "a response of 1001 bytes is larger than receive.message.max.bytes (1000) allows"},
      {{0x7f, 0xff, 0xff, 0xff},
       "a response of 2147483647 bytes is larger than receive.message.max.bytes (1000) allows"},
      {{0x15, 0x03, 0x03, 0x00}, "the port speaks TLS, but security.protocol does not ask for it"},
      {{'H', 'T', 'T', 'P'}, "the port speaks HTTP, not Kafka"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    set_up();
    make_ready();
    enqueue(0, 10, true);
    free_bytes(take_output());
    assert_refused(bytes_of(cases[i].prefix, 4), cases[i].reason);
    tear_down();
    set_up();
    make_ready();
    ck_assert_int_eq(feed(bytes_of(cases[i].prefix, 3)).kind, CONNECTION_INPUT_PARTIAL);
    assert_refused(bytes_of(cases[i].prefix + 3, 1), cases[i].reason);
    tear_down();
  }
}
END_TEST

START_TEST(a_response_of_the_largest_size_is_taken) {
  make_ready();
  struct request *request = enqueue(0, 10, true);
  free_bytes(take_output());
  char body[LIMIT_BYTES - 5 + 1]; /* correlation id and an empty tag section are the header */
  memset(body, 'x', sizeof body - 1);
  body[sizeof body - 1] = '\0';
  struct bytes response = response_to(request, body);
  ck_assert_uint_eq(response.size, LIMIT_BYTES + 4);
  ck_assert_int_eq(feed(bytes_of(response.data, 900)).kind, CONNECTION_INPUT_PARTIAL);
  struct connection_input taken = feed(bytes_of(response.data + 900, response.size - 900));
  ck_assert_int_eq(taken.kind, CONNECTION_INPUT_RESPONSE);
  ck_assert_uint_eq(wire_reader_left(&taken.body), LIMIT_BYTES - 5);
  free_bytes(response);
}
END_TEST

START_TEST(a_wrong_correlation_id_is_refused) {
  make_ready();
  enqueue(0, 10, true);
  enqueue(1, 11, true);
  free_bytes(take_output());
  struct bytes response = response_to(&requests[1], "out of turn");
  assert_refused(response, "a response has correlation id 11 where 10 is due");
  free_bytes(response);
}
END_TEST

START_TEST(a_response_that_nobody_waits_for_is_refused) {
  make_ready();
  const struct request nobody = {.api_key = API_METADATA, .api_version = 9, .correlation_id = 5};
  struct bytes response = response_to(&nobody, "");
  assert_refused(response, "a response with correlation id 5 came while no request was waiting");
  free_bytes(response);
}
END_TEST

START_TEST(an_answer_before_the_request_was_written_is_refused) {
  make_ready();
  struct request *request = enqueue(0, 10, true);
  connection_output_taken(connection, 6, &finished);
  struct bytes response = response_to(request, "");
  assert_refused(response, "a response with correlation id 10 came while no request was waiting");
  free_bytes(response);
}
END_TEST

START_TEST(a_header_without_its_tags_is_refused) {
  make_ready();
  enqueue(0, 10, true);
  free_bytes(take_output());
  assert_refused(bytes_of("\0\0\0\x04\0\0\0\x0a", 8), "a response header is malformed");
}
END_TEST

START_TEST(closing_hands_all_requests_back_in_order) {
  make_ready();
  for (uint32_t i = 0; i < 3; i++)
    enqueue(i, 10 + (int32_t)i, true); /* deadlines NOW_US + 1000, + 1001, + 1002 */
  connection_output_taken(connection, 7 + 3, &finished);
  connection_close(connection, STATUS_REQUEST_TIMED_OUT_LOCALLY, NOW_US + 1001, &finished);
  struct list *at = finished.next;
  for (uint32_t i = 0; i < 3; i++, at = at->next)
    ck_assert_ptr_eq(at, &requests[i].node);
  ck_assert_ptr_eq(at, &finished);
  ck_assert_int_eq(requests[0].status, STATUS_REQUEST_TIMED_OUT_LOCALLY);
  ck_assert_int_eq(requests[1].status, STATUS_REQUEST_TIMED_OUT_LOCALLY);
  ck_assert_int_eq(requests[2].status, STATUS_DISCONNECTED);
  ck_assert_uint_eq(requests[0].bytes_sent, 7);
  ck_assert_uint_eq(requests[1].bytes_sent, 3);
  ck_assert_uint_eq(requests[2].bytes_sent, 0);
  ck_assert_uint_eq(connection_open_count(connection), 0);
  ck_assert(!connection_has_output(connection));
}
END_TEST

START_TEST(closing_while_negotiating_hands_nothing_back) {
  ck_assert_int_eq(connection_open(connection, NOW_US), STATUS_OK);
  connection_close(connection, STATUS_DISCONNECTED, NOW_US, &finished);
  ck_assert(list_is_empty(&finished));
  struct bytes late = bytes_of("\0\0\0\x04\0\0\0\x01", 8);
  ck_assert_int_eq(connection_take_input(connection, &late, NOW_US).kind, CONNECTION_INPUT_FAILED);
}
END_TEST

START_TEST(a_pause_moves_the_deadlines) {
  make_ready();
  enqueue(1, 10, true);
  enqueue(0, 11, true);
  ck_assert_int_eq(connection_deadline_us(connection), NOW_US + 1000);
  connection_extend_deadlines(connection, 500);
  ck_assert_int_eq(connection_deadline_us(connection), NOW_US + 1500);
  ck_assert_int_eq(requests[1].deadline_us, NOW_US + 1501);
}
END_TEST

static bool refuse_all(void *context) {
  (void)context;
  return false;
}

START_TEST(missing_memory_fails_the_connection_only) {
  make_ready();
  struct request *request = enqueue(0, 10, true);
  free_bytes(take_output());
  char body[700];
  memset(body, 'x', sizeof body - 1);
  body[sizeof body - 1] = '\0';
  struct bytes response = response_to(request, body);
  allocator_set_hook(refuse_all, NULL);
  struct connection_input taken = feed(bytes_of(response.data, 600));
  struct connection *none = connection_create(&SETTINGS);
  allocator_set_hook(NULL, NULL);
  ck_assert_int_eq(taken.kind, CONNECTION_INPUT_FAILED);
  ck_assert_int_eq(taken.status, STATUS_OUT_OF_MEMORY);
  ck_assert_ptr_null(none);
  free_bytes(response);
}
END_TEST

START_TEST(states_change_as_the_table_says) {
  static const char *const allowed[CONNECTION_STATE_COUNT] = {".x...x", "..xx.x", "...x.x",
                                                              "....xx", "...x.x", "......"};
  for (uint32_t from = 0; from < CONNECTION_STATE_COUNT; from++)
    for (uint32_t to = 0; to < CONNECTION_STATE_COUNT; to++)
      ck_assert_int_eq(connection_may_change(from, to), allowed[from][to] == 'x');
}
END_TEST

int main(void) {
  Suite *suite = suite_create("connection");
  TCase *tests = tcase_create("connection");
  tcase_add_checked_fixture(tests, set_up, tear_down);
  tcase_add_test(tests, versions_are_asked_first_from_the_newest);
  tcase_add_test(tests, versions_are_kept_and_the_pause_is_told);
  tcase_add_test(tests, an_unsupported_version_is_asked_again_as_listed);
  tcase_add_test(tests, without_a_listed_version_zero_is_asked_and_then_given_up);
  tcase_add_test(tests, an_error_to_the_versions_fails_with_its_name);
  tcase_add_test(tests, requests_without_response_finish_with_their_last_byte);
  tcase_add_test(tests, responses_may_be_cut_anywhere);
  tcase_add_test(tests, one_byte_at_a_time_is_enough);
  tcase_add_test(tests, a_response_of_the_largest_size_is_taken);
  tcase_add_test(tests, a_wrong_correlation_id_is_refused);
  tcase_add_test(tests, a_response_that_nobody_waits_for_is_refused);
  tcase_add_test(tests, an_answer_before_the_request_was_written_is_refused);
  tcase_add_test(tests, a_header_without_its_tags_is_refused);
  tcase_add_test(tests, closing_hands_all_requests_back_in_order);
  tcase_add_test(tests, closing_while_negotiating_hands_nothing_back);
  tcase_add_test(tests, a_pause_moves_the_deadlines);
  tcase_add_test(tests, missing_memory_fails_the_connection_only);
  tcase_add_test(tests, states_change_as_the_table_says);
  suite_add_tcase(suite, tests);
  TCase *many = tcase_create("many connections");
  tcase_add_test(many, output_may_be_taken_in_pieces_of_any_size);
  tcase_add_test(many, impossible_lengths_are_refused);
  suite_add_tcase(suite, many);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_ENV);
  int failures = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failures == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
