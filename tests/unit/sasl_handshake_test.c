#include "protocol/sasl_handshake.h"

#include "protocol/api.h"
#include "support/golden.h"
#include "support/hostile.h"
#include <check.h>

static const int16_t VERSION = 1;

static void write_request(struct wire_writer *writer, int16_t version) {
  (void)version;
  sasl_handshake_request_write(writer, bytes_of_string("SCRAM-SHA-256"));
}

static void expect_request(struct wire_reader *reader, int16_t version) {
  (void)version;
  struct bytes mechanism;
  sasl_handshake_request_read(reader, &mechanism);
  expect_text(mechanism, "SCRAM-SHA-256");
}

static void write_response(struct wire_writer *writer, int16_t version) {
  (void)version;
  const struct bytes mechanisms[] = {bytes_of_string("PLAIN"), bytes_of_string("SCRAM-SHA-512")};
  sasl_handshake_response_write(writer, 33, mechanisms, 2);
}

static void expect_response(struct wire_reader *reader, int16_t version) {
  (void)version;
  struct sasl_handshake_response response;
  sasl_handshake_response_read(reader, &response);
  ck_assert_int_eq(response.error_code, 33);
  ck_assert_int_eq(response.mechanism_count, 2);
  struct bytes name;
  ck_assert(sasl_handshake_next(&response, &name));
  expect_text(name, "PLAIN");
  ck_assert(sasl_handshake_next(&response, &name));
  expect_text(name, "SCRAM-SHA-512");
  ck_assert(!sasl_handshake_next(&response, &name));
}

static void write_minimal(struct wire_writer *writer, int16_t version) {
  (void)version;
  sasl_handshake_response_write(writer, 0, NULL, 0);
}

static void expect_minimal(struct wire_reader *reader, int16_t version) {
  (void)version;
  struct sasl_handshake_response response;
  sasl_handshake_response_read(reader, &response);
  ck_assert_int_eq(response.error_code, 0);
  struct bytes name;
  ck_assert(!sasl_handshake_next(&response, &name));
}

START_TEST(messages_are_kafkas) {
  struct golden_file file;
  const struct api_range *range = api_range_of(API_SASL_HANDSHAKE);
  golden_open(&file, "sasl_handshake");
  ck_assert_int_eq(range->minimum, VERSION);
  ck_assert_int_eq(range->maximum, VERSION);
  golden_check_full(&file, VERSION, range->first_flexible, GOLDEN_REQUEST, write_request, expect_request);
  golden_check_full(&file, VERSION, range->first_flexible, GOLDEN_RESPONSE, write_response, expect_response);
  golden_check(&file, VERSION, GOLDEN_RESPONSE, "minimal", write_minimal, expect_minimal);
  golden_close(&file);
}
END_TEST

static void decode_request(struct wire_reader *reader, int16_t version) {
  (void)version;
  struct bytes mechanism;
  sasl_handshake_request_read(reader, &mechanism);
}

static void decode_response(struct wire_reader *reader, int16_t version) {
  (void)version;
  struct sasl_handshake_response response;
  sasl_handshake_response_read(reader, &response);
  struct bytes name;
  while (!reader->failed && sasl_handshake_next(&response, &name)) {
    ck_assert_ptr_nonnull(name.data);
  }
}

START_TEST(damaged_messages_are_refused) {
  struct wire_writer writer = {0};
  write_request(&writer, VERSION);
  hostile_check(&writer, VERSION, decode_request);
  wire_writer_reset(&writer);
  write_response(&writer, VERSION);
  hostile_check(&writer, VERSION, decode_response);
  wire_writer_deinit(&writer);
}
END_TEST

int main(void) {
  Suite *suite = suite_create("sasl_handshake");
  TCase *test_case = tcase_create("all");
  tcase_add_test(test_case, messages_are_kafkas);
  tcase_add_test(test_case, damaged_messages_are_refused);
  suite_add_tcase(suite, test_case);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_ENV);
  int failures = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failures != 0;
}
