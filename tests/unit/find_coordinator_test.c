#include "protocol/find_coordinator.h"

#include "support/hostile.h"
#include <check.h>

static struct wire_writer writer;

static void setup(void) {
  writer = (struct wire_writer){0};
}

static void teardown(void) {
  wire_writer_deinit(&writer);
}

static struct wire_reader written(void) {
  ck_assert(!writer.failed);
  return wire_reader_of(bytes_of(writer.data, writer.size));
}

static void decode_request(struct wire_reader *reader, int16_t version) {
  struct find_coordinator_request request;
  find_coordinator_request_read(reader, version, &request);
}

static void decode_response(struct wire_reader *reader, int16_t version) {
  struct find_coordinator_response response;
  find_coordinator_response_read(reader, version, &response);
}

START_TEST(request_comes_back_in_every_version) {
  for (int16_t version = 0; version <= 2; version++) {
    wire_writer_reset(&writer);
    struct find_coordinator_request request = {.key = bytes_of_string("group"), .key_type = 1}, found;
    find_coordinator_request_write(&writer, version, &request);
    struct wire_reader reader = written();
    find_coordinator_request_read(&reader, version, &found);
    ck_assert(!reader.failed);
    ck_assert_uint_eq(wire_reader_left(&reader), 0);
    expect_text(found.key, "group");
    ck_assert_int_eq(found.key_type, version >= 1 ? 1 : 0);
    hostile_check(&writer, version, decode_request);
  }
}
END_TEST

START_TEST(response_comes_back_in_every_version) {
  for (int16_t version = 0; version <= 2; version++) {
    wire_writer_reset(&writer);
    struct find_coordinator_response response = {.throttle_ms = 5,
                                                 .error_code = 42,
                                                 .error_message = bytes_of_string("no"),
                                                 .node_id = 3,
                                                 .host = bytes_of_string("broker"),
                                                 .port = 9092};
    struct find_coordinator_response found;
    find_coordinator_response_write(&writer, version, &response);
    struct wire_reader reader = written();
    find_coordinator_response_read(&reader, version, &found);
    ck_assert(!reader.failed);
    ck_assert_uint_eq(wire_reader_left(&reader), 0);
    ck_assert_int_eq(found.throttle_ms, version >= 1 ? 5 : 0);
    ck_assert_int_eq(found.error_code, 42);
    expect_text(found.error_message, version >= 1 ? "no" : NULL);
    ck_assert_int_eq(found.node_id, 3);
    expect_text(found.host, "broker");
    ck_assert_int_eq(found.port, 9092);
    hostile_check(&writer, version, decode_response);
  }
}
END_TEST

int main(void) {
  Suite *suite = suite_create("find_coordinator");
  TCase *test_case = tcase_create("all");
  tcase_add_checked_fixture(test_case, setup, teardown);
  tcase_add_test(test_case, request_comes_back_in_every_version);
  tcase_add_test(test_case, response_comes_back_in_every_version);
  suite_add_tcase(suite, test_case);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_ENV);
  int failures = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failures != 0;
}
