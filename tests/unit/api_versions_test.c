#include "protocol/api_versions.h"

#include "base/status.h"
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

static void write_request(int16_t version) {
  wire_writer_reset(&writer);
  struct api_versions_request request = {.client_software_name = bytes_of_string("sendoff"),
                                         .client_software_version = bytes_of_string("1.0.0")};
  api_versions_request_write(&writer, version, &request);
}

static void decode_request(struct wire_reader *reader, int16_t version) {
  struct api_versions_request request;
  api_versions_request_read(reader, version, &request);
}

static void decode_response(struct wire_reader *reader, int16_t version) {
  struct api_versions_response response;
  api_versions_response_read(reader, version, &response);
}

START_TEST(request_comes_back_in_every_version) {
  for (int16_t version = 0; version <= 4; version++) {
    write_request(version);
    struct wire_reader reader = written();
    struct api_versions_request request;
    api_versions_request_read(&reader, version, &request);
    ck_assert(!reader.failed);
    ck_assert_uint_eq(wire_reader_left(&reader), 0);
    expect_text(request.client_software_name, version >= 3 ? "sendoff" : NULL);
    expect_text(request.client_software_version, version >= 3 ? "1.0.0" : NULL);
    hostile_check(&writer, version, decode_request);
  }
}
END_TEST

START_TEST(response_comes_back_in_every_version) {
  for (int16_t version = 0; version <= 4; version++) {
    wire_writer_reset(&writer);
    api_versions_response_write(&writer, version, STATUS_OK);
    struct wire_reader reader = written();
    struct api_versions_response response;
    api_versions_response_read(&reader, version, &response);
    ck_assert(!reader.failed);
    ck_assert_uint_eq(wire_reader_left(&reader), 0);
    ck_assert_int_eq(response.error_code, STATUS_OK);
    ck_assert_int_eq(response.throttle_ms, 0);
    ck_assert_int_eq(response.versions.offered[API_PRODUCE].minimum, 0);
    ck_assert_int_eq(response.versions.offered[API_METADATA].minimum, 4);
    ck_assert_int_eq(response.versions.offered[API_PRODUCE].maximum, 13);
    ck_assert_int_eq(response.versions.offered[API_INIT_PRODUCER_ID].maximum, 5);
    ck_assert_int_eq(response.versions.offered[2 + API_API_VERSIONS].maximum, -1);
    hostile_check(&writer, version, decode_response);
  }
}
END_TEST

START_TEST(unsupported_version_is_answered_in_version_0) {
  api_versions_response_write(&writer, 0, STATUS_UNSUPPORTED_VERSION);
  struct wire_reader reader = written();
  struct api_versions_response response;
  api_versions_response_read(&reader, 4, &response);
  ck_assert(!reader.failed);
  ck_assert_uint_eq(wire_reader_left(&reader), 0);
  ck_assert_int_eq(response.error_code, STATUS_UNSUPPORTED_VERSION);
  ck_assert_int_eq(response.versions.offered[API_API_VERSIONS].maximum, 4);
}
END_TEST

START_TEST(keys_that_are_not_kept_are_skipped) {
  /* three keys: -1, 18 and 30000 */
  static const char input[] = "\0\0\0\0\0\3\xff\xff\0\0\0\1\0\x12\0\0\0\3\x75\x30\0\0\0\2";
  struct wire_reader reader = wire_reader_of(bytes_of(input, sizeof input - 1));
  struct api_versions_response response;
  api_versions_response_read(&reader, 0, &response);
  ck_assert(!reader.failed);
  ck_assert_int_eq(response.versions.offered[API_API_VERSIONS].maximum, 3);
  ck_assert_int_eq(response.versions.offered[API_PRODUCE].maximum, -1);
}
END_TEST

START_TEST(first_key_that_is_not_kept_is_not_written_behind_the_table) {
  struct {
    struct api_versions_response response;
    uint8_t guard[4];
  } guarded;
  memset(&guarded, 0x55, sizeof guarded);
  static const char input[] = "\0\0\0\0\0\2\0\x7f\0\1\0\2\0\x80\0\3\0\4";
  struct wire_reader reader = wire_reader_of(bytes_of(input, sizeof input - 1));
  api_versions_response_read(&reader, 0, &guarded.response);
  ck_assert(!reader.failed);
  ck_assert_int_eq(guarded.response.versions.offered[127].maximum, 2);
  ck_assert_mem_eq(guarded.guard, "\x55\x55\x55\x55", 4);
}
END_TEST

START_TEST(features_are_skipped) {
  /* version 3: one key, throttle 9, tags 1 (an INT64) and 2 (three bytes) */
  static const char input[] = "\0\0\2\0\0\0\3\0\x0d\0\0\0\0\x09\2\1\x08\0\0\0\0\0\0\0\1\2\3abc";
  struct wire_reader reader = wire_reader_of(bytes_of(input, sizeof input - 1));
  struct api_versions_response response;
  api_versions_response_read(&reader, 3, &response);
  ck_assert(!reader.failed);
  ck_assert_uint_eq(wire_reader_left(&reader), 0);
  ck_assert_int_eq(response.throttle_ms, 9);
  ck_assert_int_eq(response.versions.offered[API_PRODUCE].maximum, 13);
}
END_TEST

START_TEST(absurd_ranges_are_kept_and_never_chosen) {
  /* Produce from 5 to 2, Metadata from -3 to 32767 */
  static const char input[] = "\0\0\0\0\0\2\0\0\0\5\0\2\0\3\xff\xfd\x7f\xff";
  struct wire_reader reader = wire_reader_of(bytes_of(input, sizeof input - 1));
  struct api_versions_response response;
  api_versions_response_read(&reader, 0, &response);
  ck_assert(!reader.failed);
  ck_assert_int_eq(api_versions_choose(&response.versions, API_PRODUCE, INT16_MAX), -1);
  ck_assert_int_eq(api_versions_choose(&response.versions, API_METADATA, INT16_MAX), 13);
}
END_TEST

START_TEST(null_list_is_refused) {
  struct wire_reader reader = wire_reader_of(bytes_of("\0\0\xff\xff\xff\xff", 6));
  struct api_versions_response response;
  api_versions_response_read(&reader, 0, &response);
  ck_assert(reader.failed);
}
END_TEST

int main(void) {
  Suite *suite = suite_create("api_versions");
  TCase *test_case = tcase_create("all");
  tcase_add_checked_fixture(test_case, setup, teardown);
  tcase_add_test(test_case, request_comes_back_in_every_version);
  tcase_add_test(test_case, response_comes_back_in_every_version);
  tcase_add_test(test_case, unsupported_version_is_answered_in_version_0);
  tcase_add_test(test_case, keys_that_are_not_kept_are_skipped);
  tcase_add_test(test_case, first_key_that_is_not_kept_is_not_written_behind_the_table);
  tcase_add_test(test_case, features_are_skipped);
  tcase_add_test(test_case, absurd_ranges_are_kept_and_never_chosen);
  tcase_add_test(test_case, null_list_is_refused);
  suite_add_tcase(suite, test_case);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_ENV);
  int failures = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failures != 0;
}
