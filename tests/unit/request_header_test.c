#include "protocol/request_header.h"

#include "protocol/api.h"
#include "support/failing_allocator.h"
#include "support/hostile.h"
#include <check.h>

static struct wire_writer writer;

static void setup(void) {
  writer = (struct wire_writer){0};
}

static void teardown(void) {
  wire_writer_deinit(&writer);
}

/* What the broker gets: the frame without its length. */
static struct bytes frame_content(void) {
  ck_assert(!writer.failed);
  return bytes_of(writer.data + REQUEST_SIZE_BYTES, writer.size - REQUEST_SIZE_BYTES);
}

static void write_header(int16_t key, int16_t version, const char *client_id) {
  wire_writer_reset(&writer);
  struct request_header header = {
      .api_key = key, .api_version = version, .correlation_id = 77, .client_id = bytes_of_string(client_id)};
  request_header_write(&writer, &header);
}

static void decode_header(struct wire_reader *reader, int16_t version) {
  (void)version;
  struct request_header header;
  request_header_read(reader, &header);
}

START_TEST(plain_request_has_header_v1) {
  write_header(API_PRODUCE, 8, "app");
  ck_assert_uint_eq(writer.size, 17);
  ck_assert_mem_eq(writer.data,
                   "\0\0\0\0\0\0\0\x08\0\0\0\x4d\0\x03"
                   "app",
                   17);
}
END_TEST

START_TEST(flexible_request_has_header_v2_with_a_plain_client_id) {
  write_header(API_PRODUCE, 9, "app");
  ck_assert_uint_eq(writer.size, 18);
  ck_assert_mem_eq(writer.data,
                   "\0\0\0\0\0\0\0\x09\0\0\0\x4d\0\x03"
                   "app\0",
                   18);
}
END_TEST

START_TEST(headers_come_back_for_every_api_and_version) {
  uint32_t count;
  const struct api_range *ranges = api_ranges(&count);
  for (uint32_t i = 0; i < count; i++)
    for (int16_t version = ranges[i].minimum; version <= ranges[i].maximum; version++) {
      write_header(ranges[i].key, version, "client");
      struct wire_reader reader = wire_reader_of(frame_content());
      struct request_header header;
      request_header_read(&reader, &header);
      ck_assert(!reader.failed);
      ck_assert_uint_eq(wire_reader_left(&reader), 0);
      ck_assert_int_eq(header.api_key, ranges[i].key);
      ck_assert_int_eq(header.api_version, version);
      ck_assert_int_eq(header.correlation_id, 77);
      expect_text(header.client_id, "client");
      hostile_truncate(frame_content(), version, decode_header);
      hostile_corrupt(frame_content(), version, decode_header);
    }
}
END_TEST

START_TEST(client_id_may_be_null) {
  write_header(API_METADATA, 9, NULL);
  struct wire_reader reader = wire_reader_of(frame_content());
  struct request_header header;
  request_header_read(&reader, &header);
  ck_assert(!reader.failed);
  expect_text(header.client_id, NULL);
}
END_TEST

START_TEST(unknown_apis_and_versions_are_refused) {
  static const int16_t pairs[][2] = {
      {9, 0}, {-1, 0}, {API_PRODUCE, 2}, {API_PRODUCE, 14}, {API_METADATA, -1}};
  for (int i = 0; i < 5; i++) {
    write_header(pairs[i][0], pairs[i][1], "client");
    struct wire_reader reader = wire_reader_of(frame_content());
    struct request_header header;
    request_header_read(&reader, &header);
    ck_assert(reader.failed);
  }
}
END_TEST

START_TEST(api_versions_of_any_version_is_read) {
  static const int16_t versions[] = {0, 2, 3, 4, 5, 99};
  for (int i = 0; i < 6; i++) {
    write_header(API_API_VERSIONS, versions[i], "client");
    struct wire_reader reader = wire_reader_of(frame_content());
    struct request_header header;
    request_header_read(&reader, &header);
    ck_assert(!reader.failed);
    ck_assert_int_eq(header.api_version, versions[i]);
    ck_assert_uint_eq(wire_reader_left(&reader), 0);
  }
}
END_TEST

START_TEST(frame_length_counts_what_is_sent_besides) {
  write_header(API_PRODUCE, 8, "app");
  request_frame_finish(&writer, 1000);
  ck_assert_uint_eq(bytes_load_u32(writer.data), 13 + 1000);
}
END_TEST

START_TEST(frame_over_two_gibibytes_is_refused) {
  write_header(API_PRODUCE, 8, "app");
  request_frame_finish(&writer, INT32_MAX);
  ck_assert(writer.failed);
}
END_TEST

START_TEST(frame_that_could_not_be_written_stays_failed) {
  failing_allocator_start(0);
  write_header(API_PRODUCE, 8, "app");
  ck_assert(failing_allocator_stop());
  request_frame_finish(&writer, 0);
  ck_assert(writer.failed);
}
END_TEST

START_TEST(response_header_is_flexible_except_for_api_versions) {
  static const struct {
    int16_t key, version;
    size_t size;
  } cases[] = {{API_PRODUCE, 8, 4},      {API_PRODUCE, 9, 5},      {API_METADATA, 13, 5},
               {API_API_VERSIONS, 0, 4}, {API_API_VERSIONS, 4, 4}, {API_INIT_PRODUCER_ID, 2, 5}};
  for (int i = 0; i < 6; i++) {
    wire_writer_reset(&writer);
    response_header_write(&writer, cases[i].key, cases[i].version, -5);
    ck_assert_uint_eq(writer.size, cases[i].size);
    struct wire_reader reader = wire_reader_of(bytes_of(writer.data, writer.size));
    ck_assert_int_eq(response_header_read(&reader, cases[i].key, cases[i].version), -5);
    ck_assert(!reader.failed);
    ck_assert_uint_eq(wire_reader_left(&reader), 0);
  }
}
END_TEST

START_TEST(tags_of_a_response_header_are_skipped) {
  struct wire_reader reader = wire_reader_of(bytes_of("\0\0\0\x07\x01\x09\x02xy\x55", 10));
  ck_assert_int_eq(response_header_read(&reader, API_PRODUCE, 9), 7);
  ck_assert_int_eq(wire_read_int8(&reader), 0x55);
  ck_assert(!reader.failed);
}
END_TEST

int main(void) {
  Suite *suite = suite_create("request_header");
  TCase *test_case = tcase_create("all");
  tcase_add_checked_fixture(test_case, setup, teardown);
  tcase_add_test(test_case, plain_request_has_header_v1);
  tcase_add_test(test_case, flexible_request_has_header_v2_with_a_plain_client_id);
  tcase_add_test(test_case, headers_come_back_for_every_api_and_version);
  tcase_add_test(test_case, client_id_may_be_null);
  tcase_add_test(test_case, unknown_apis_and_versions_are_refused);
  tcase_add_test(test_case, api_versions_of_any_version_is_read);
  tcase_add_test(test_case, frame_length_counts_what_is_sent_besides);
  tcase_add_test(test_case, frame_over_two_gibibytes_is_refused);
  tcase_add_test(test_case, frame_that_could_not_be_written_stays_failed);
  tcase_add_test(test_case, response_header_is_flexible_except_for_api_versions);
  tcase_add_test(test_case, tags_of_a_response_header_are_skipped);
  suite_add_tcase(suite, test_case);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_ENV);
  int failures = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failures != 0;
}
