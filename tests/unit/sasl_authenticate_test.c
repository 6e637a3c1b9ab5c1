#include "protocol/sasl_authenticate.h"

#include "protocol/api.h"
#include "support/golden.h"
#include "support/hostile.h"
#include <check.h>

static const char TOKEN[] = "n,,n=me,r=1";

static void write_request(struct wire_writer *writer, int16_t version) {
  struct bytes token = bytes_of_string(TOKEN);
  sasl_authenticate_request_begin(writer, version, token.size);
  wire_write_raw(writer, token);
  struct bytes end = sasl_authenticate_request_end(version);
  if (end.size > 0) wire_write_raw(writer, end);
}

static void expect_request(struct wire_reader *reader, int16_t version) {
  struct bytes token;
  sasl_authenticate_request_read(reader, version, &token);
  expect_text(token, TOKEN);
}

static struct sasl_authenticate_response full_response(void) {
  static const uint8_t token[] = {1, 2, 3};
  return (struct sasl_authenticate_response){.error_code = 58,
                                             .error_message = bytes_of_string("wrong"),
                                             .token = bytes_of(token, sizeof token),
                                             .session_lifetime_ms = 3600000};
}

static void write_response(struct wire_writer *writer, int16_t version) {
  const struct sasl_authenticate_response response = full_response();
  sasl_authenticate_response_write(writer, version, &response);
}

static void expect_response(struct wire_reader *reader, int16_t version) {
  const struct sasl_authenticate_response expected = full_response();
  struct sasl_authenticate_response response;
  sasl_authenticate_response_read(reader, version, &response);
  ck_assert_int_eq(response.error_code, 58);
  expect_text(response.error_message, "wrong");
  ck_assert(bytes_equal(response.token, expected.token));
  ck_assert_int_eq(response.session_lifetime_ms, version >= 1 ? 3600000 : 0);
}

static void write_minimal(struct wire_writer *writer, int16_t version) {
  const struct sasl_authenticate_response response = {.token = bytes_of("", 0)};
  sasl_authenticate_response_write(writer, version, &response);
}

static void expect_minimal(struct wire_reader *reader, int16_t version) {
  struct sasl_authenticate_response response;
  sasl_authenticate_response_read(reader, version, &response);
  ck_assert_int_eq(response.error_code, 0);
  expect_text(response.error_message, NULL);
  ck_assert_uint_eq(response.token.size, 0);
  ck_assert_int_eq(response.session_lifetime_ms, 0);
}

START_TEST(messages_are_kafkas) {
  struct golden_file file;
  const struct api_range *range = api_range_of(API_SASL_AUTHENTICATE);
  golden_open(&file, "sasl_authenticate");
  for (int16_t version = range->minimum; version <= range->maximum; version++) {
    golden_check_full(&file, version, range->first_flexible, GOLDEN_REQUEST, write_request, expect_request);
    golden_check_full(&file, version, range->first_flexible, GOLDEN_RESPONSE, write_response,
                      expect_response);
    golden_check(&file, version, GOLDEN_RESPONSE, "minimal", write_minimal, expect_minimal);
  }
  golden_close(&file);
}
END_TEST

static void decode_request(struct wire_reader *reader, int16_t version) {
  struct bytes token;
  sasl_authenticate_request_read(reader, version, &token);
}

static void decode_response(struct wire_reader *reader, int16_t version) {
  struct sasl_authenticate_response response;
  sasl_authenticate_response_read(reader, version, &response);
}

START_TEST(damaged_messages_are_refused) {
  struct wire_writer writer = {0};
  for (int16_t version = 0; version <= 2; version++) {
    wire_writer_reset(&writer);
    write_request(&writer, version);
    hostile_check(&writer, version, decode_request);
    wire_writer_reset(&writer);
    write_response(&writer, version);
    hostile_check(&writer, version, decode_response);
  }
  wire_writer_deinit(&writer);
}
END_TEST

int main(void) {
  Suite *suite = suite_create("sasl_authenticate");
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
