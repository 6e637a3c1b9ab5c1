#include "protocol/init_producer_id.h"

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
  struct init_producer_id_request request;
  init_producer_id_request_read(reader, version, &request);
}

static void decode_response(struct wire_reader *reader, int16_t version) {
  struct init_producer_id_response response;
  init_producer_id_response_read(reader, version, &response);
}

START_TEST(request_comes_back_in_every_version) {
  for (int16_t version = 0; version <= 5; version++) {
    wire_writer_reset(&writer);
    struct init_producer_id_request request = {.transactional_id = bytes_of_string("txn"),
                                               .transaction_timeout_ms = 60000,
                                               .producer_id = INT64_C(1) << 40,
                                               .producer_epoch = 12};
    init_producer_id_request_write(&writer, version, &request);
    struct wire_reader reader = written();
    struct init_producer_id_request read;
    init_producer_id_request_read(&reader, version, &read);
    ck_assert(!reader.failed);
    ck_assert_uint_eq(wire_reader_left(&reader), 0);
    expect_text(read.transactional_id, "txn");
    ck_assert_int_eq(read.transaction_timeout_ms, 60000);
    ck_assert_int_eq(read.producer_id, version >= 3 ? INT64_C(1) << 40 : -1);
    ck_assert_int_eq(read.producer_epoch, version >= 3 ? 12 : -1);
    hostile_check(&writer, version, decode_request);
  }
}
END_TEST

START_TEST(request_without_transaction_has_a_null_id) {
  for (int16_t version = 0; version <= 5; version++) {
    wire_writer_reset(&writer);
    struct init_producer_id_request request = {.producer_id = -1, .producer_epoch = -1};
    init_producer_id_request_write(&writer, version, &request);
    struct wire_reader reader = written();
    struct init_producer_id_request read;
    init_producer_id_request_read(&reader, version, &read);
    ck_assert(!reader.failed);
    expect_text(read.transactional_id, NULL);
    ck_assert_int_eq(read.producer_id, -1);
  }
}
END_TEST

START_TEST(response_comes_back_in_every_version) {
  for (int16_t version = 0; version <= 5; version++) {
    wire_writer_reset(&writer);
    struct init_producer_id_response response = {
        .throttle_ms = 100, .error_code = 51, .producer_id = INT64_MAX, .producer_epoch = INT16_MAX};
    init_producer_id_response_write(&writer, version, &response);
    struct wire_reader reader = written();
    struct init_producer_id_response read;
    init_producer_id_response_read(&reader, version, &read);
    ck_assert(!reader.failed);
    ck_assert_uint_eq(wire_reader_left(&reader), 0);
    ck_assert_int_eq(read.throttle_ms, 100);
    ck_assert_int_eq(read.error_code, 51);
    ck_assert_int_eq(read.producer_id, INT64_MAX);
    ck_assert_int_eq(read.producer_epoch, INT16_MAX);
    hostile_check(&writer, version, decode_response);
  }
}
END_TEST

int main(void) {
  Suite *suite = suite_create("init_producer_id");
  TCase *test_case = tcase_create("all");
  tcase_add_checked_fixture(test_case, setup, teardown);
  tcase_add_test(test_case, request_comes_back_in_every_version);
  tcase_add_test(test_case, request_without_transaction_has_a_null_id);
  tcase_add_test(test_case, response_comes_back_in_every_version);
  suite_add_tcase(suite, test_case);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_ENV);
  int failures = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failures != 0;
}
