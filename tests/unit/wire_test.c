#include "protocol/wire.h"

#include "base/allocator.h"
#include "support/hostile.h"
#include <check.h>
#include <stdlib.h>

static struct wire_writer writer;
static struct wire_reader reader;

static void setup(void) {
  writer = (struct wire_writer){0};
}

static void teardown(void) {
  wire_writer_deinit(&writer);
}

/* Turns to reading what was written. */
static void turn(void) {
  ck_assert(!writer.failed);
  reader = wire_reader_of(bytes_of(writer.data, writer.size));
}

static void read_from(const void *data, size_t size) {
  reader = wire_reader_of(bytes_of(data, size));
}

static void expect_written(const void *expected, size_t size) {
  ck_assert(!writer.failed);
  ck_assert_uint_eq(writer.size, size);
  ck_assert_mem_eq(writer.data, expected, size);
  wire_writer_reset(&writer);
}

/* ---- integers ---- */

START_TEST(integers_are_big_endian) {
  wire_write_int8(&writer, -2);
  wire_write_bool(&writer, true);
  wire_write_int16(&writer, 0x0102);
  wire_write_int32(&writer, 0x03040506);
  wire_write_int64(&writer, 0x0708090a0b0c0d0e);
  expect_written("\xfe\x01\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e", 16);
}
END_TEST

START_TEST(integers_come_back_at_their_extremes) {
  static const int64_t values[] = {0, 1, -1, INT64_MAX, INT64_MIN, 0x0123456789abcdef};
  for (int i = 0; i < 6; i++) {
    wire_write_int8(&writer, (int8_t)values[i]);
    wire_write_int16(&writer, (int16_t)values[i]);
    wire_write_int32(&writer, (int32_t)values[i]);
    wire_write_int64(&writer, values[i]);
  }
  turn();
  for (int i = 0; i < 6; i++) {
    ck_assert_int_eq(wire_read_int8(&reader), (int8_t)values[i]);
    ck_assert_int_eq(wire_read_int16(&reader), (int16_t)values[i]);
    ck_assert_int_eq(wire_read_int32(&reader), (int32_t)values[i]);
    ck_assert_int_eq(wire_read_int64(&reader), values[i]);
  }
  ck_assert_uint_eq(wire_reader_left(&reader), 0);
  ck_assert(!reader.failed);
}
END_TEST

START_TEST(any_byte_but_zero_is_true) {
  read_from("\x00\x01\xff", 3);
  ck_assert(!wire_read_bool(&reader));
  ck_assert(wire_read_bool(&reader));
  ck_assert(wire_read_bool(&reader));
}
END_TEST

START_TEST(varints_have_known_bytes) {
  wire_write_unsigned_varint(&writer, 0);
  wire_write_unsigned_varint(&writer, 127);
  wire_write_unsigned_varint(&writer, 128);
  wire_write_unsigned_varint(&writer, 300);
  wire_write_unsigned_varint(&writer, UINT32_MAX);
  expect_written("\x00\x7f\x80\x01\xac\x02\xff\xff\xff\xff\x0f", 11);
  wire_write_varint(&writer, 0);
  wire_write_varint(&writer, -1);
  wire_write_varint(&writer, 1);
  wire_write_varint(&writer, -64);
  wire_write_varint(&writer, 64);
  wire_write_varint(&writer, INT32_MAX);
  wire_write_varint(&writer, INT32_MIN);
  expect_written("\x00\x01\x02\x7f\x80\x01\xfe\xff\xff\xff\x0f\xff\xff\xff\xff\x0f", 16);
  wire_write_varlong(&writer, -1);
  wire_write_varlong(&writer, INT64_MAX);
  wire_write_varlong(&writer, INT64_MIN);
  expect_written("\x01\xfe\xff\xff\xff\xff\xff\xff\xff\xff\x01\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 21);
}
END_TEST

START_TEST(varints_come_back_around_every_power_of_two) {
  for (int bit = 0; bit < 64; bit++)
    for (int64_t nudge = -1; nudge <= 1; nudge++) {
      int64_t value = (int64_t)((UINT64_C(1) << bit) + (uint64_t)nudge);
      wire_write_varlong(&writer, value);
      wire_write_varint(&writer, (int32_t)value);
      wire_write_unsigned_varint(&writer, (uint32_t)value);
      turn();
      ck_assert_int_eq(wire_read_varlong(&reader), value);
      ck_assert_int_eq(wire_read_varint(&reader), (int32_t)value);
      ck_assert_uint_eq(wire_read_unsigned_varint(&reader), (uint32_t)value);
      ck_assert(!reader.failed);
      wire_writer_reset(&writer);
    }
}
END_TEST

START_TEST(varints_too_large_are_refused) {
  read_from("\xff\xff\xff\xff\x10", 5);
  ck_assert_uint_eq(wire_read_unsigned_varint(&reader), 0);
  ck_assert(reader.failed);
  read_from("\x80\x80\x80\x80\x80\x00", 6);
  wire_read_varint(&reader);
  ck_assert(reader.failed);
  read_from("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02", 10);
  ck_assert_int_eq(wire_read_varlong(&reader), 0);
  ck_assert(reader.failed);
}
END_TEST

START_TEST(varints_with_needless_bytes_are_read) {
  read_from("\x80\x80\x00", 3);
  ck_assert_uint_eq(wire_read_unsigned_varint(&reader), 0);
  ck_assert(!reader.failed);
}
END_TEST

/* ---- strings, bytes, arrays ---- */

START_TEST(strings_in_both_encodings) {
  wire_write_string(&writer, false, bytes_of_string("ab"));
  wire_write_string(&writer, false, bytes_of_string(""));
  wire_write_string(&writer, false, bytes_of_string(NULL));
  expect_written("\x00\x02"
                 "ab\x00\x00\xff\xff",
                 8);
  wire_write_string(&writer, true, bytes_of_string("ab"));
  wire_write_string(&writer, true, bytes_of_string(""));
  wire_write_string(&writer, true, bytes_of_string(NULL));
  expect_written("\x03"
                 "ab\x01\x00",
                 5);
}
END_TEST

START_TEST(null_and_empty_stay_apart) {
  for (int flexible = 0; flexible < 2; flexible++) {
    wire_write_string(&writer, flexible, bytes_of_string(NULL));
    wire_write_string(&writer, flexible, bytes_of_string(""));
    wire_write_bytes(&writer, flexible, bytes_of_string(NULL));
    wire_write_bytes(&writer, flexible, bytes_of_string(""));
    wire_write_array_count(&writer, flexible, -1);
    wire_write_array_count(&writer, flexible, 0);
    turn();
    expect_text(wire_read_string(&reader, flexible), NULL);
    expect_text(wire_read_string(&reader, flexible), "");
    expect_text(wire_read_bytes(&reader, flexible), NULL);
    expect_text(wire_read_bytes(&reader, flexible), "");
    ck_assert_int_eq(wire_read_array_count(&reader, flexible, 1), -1);
    ck_assert_int_eq(wire_read_array_count(&reader, flexible, 1), 0);
    ck_assert(!reader.failed);
    ck_assert_uint_eq(wire_reader_left(&reader), 0);
    wire_writer_reset(&writer);
  }
}
END_TEST

START_TEST(string_of_the_largest_size_and_one_more) {
  char *text = calloc(1, INT16_MAX + 1);
  for (int flexible = 0; flexible < 2; flexible++) {
    wire_write_string(&writer, flexible, bytes_of(text, INT16_MAX));
    turn();
    ck_assert_uint_eq(wire_read_string(&reader, flexible).size, INT16_MAX);
    ck_assert(!reader.failed);
    wire_writer_reset(&writer);
    wire_write_string(&writer, flexible, bytes_of(text, INT16_MAX + 1));
    ck_assert(writer.failed);
    wire_writer_reset(&writer);
  }
  free(text);
}
END_TEST

START_TEST(compact_string_over_the_limit_is_refused) {
  wire_write_unsigned_varint(&writer, INT16_MAX + 2);
  uint8_t *content = wire_reserve(&writer, INT16_MAX + 1);
  memset(content, 'x', INT16_MAX + 1);
  turn();
  expect_text(wire_read_string(&reader, true), NULL);
  ck_assert(reader.failed);
}
END_TEST

START_TEST(negative_lengths_are_refused) {
  read_from("\xff\xfe"
            "abc",
            5);
  expect_text(wire_read_string(&reader, false), NULL);
  ck_assert(reader.failed);
  read_from("\xff\xff\xff\xfe"
            "abc",
            7);
  expect_text(wire_read_bytes(&reader, false), NULL);
  ck_assert(reader.failed);
  read_from("\x80\x00\x00\x00"
            "abc",
            7);
  ck_assert_int_eq(wire_read_array_count(&reader, false, 1), 0);
  ck_assert(reader.failed);
}
END_TEST

START_TEST(lengths_past_the_end_are_refused) {
  read_from("\x00\x04"
            "abc",
            5);
  expect_text(wire_read_string(&reader, false), NULL);
  ck_assert(reader.failed);
  read_from("\x7f\xff\xff\xff"
            "abc",
            7);
  expect_text(wire_read_bytes(&reader, false), NULL);
  ck_assert(reader.failed);
  read_from("\xff\xff\xff\xff\x0f"
            "abc",
            8);
  expect_text(wire_read_bytes(&reader, true), NULL);
  ck_assert(reader.failed);
}
END_TEST

START_TEST(required_values_are_read) {
  read_from("\x03"
            "ab\x03"
            "cd",
            6);
  expect_text(wire_read_required_string(&reader, true), "ab");
  ck_assert_int_eq(wire_read_required_count(&reader, true, 1), 2);
  ck_assert(!reader.failed);
  read_from("\0\0\0\0\0\0", 6);
  expect_text(wire_read_required_string(&reader, false), "");
  ck_assert_int_eq(wire_read_required_count(&reader, false, 1), 0);
  ck_assert(!reader.failed);
}
END_TEST

START_TEST(bytes_in_both_encodings) {
  wire_write_bytes(&writer, false, bytes_of_string("ab"));
  wire_write_bytes(&writer, true, bytes_of_string("ab"));
  expect_written("\0\0\0\2ab\3ab", 9);
}
END_TEST

START_TEST(count_that_is_cut_off_is_not_null) {
  read_from(NULL, 0);
  ck_assert_int_eq(wire_read_array_count(&reader, true, 1), 0);
  ck_assert(reader.failed);
}
END_TEST

START_TEST(null_is_refused_where_a_value_is_required) {
  read_from("\xff\xff", 2);
  wire_read_required_string(&reader, false);
  ck_assert(reader.failed);
  read_from("\x00", 1);
  ck_assert_int_eq(wire_read_required_count(&reader, true, 1), 0);
  ck_assert(reader.failed);
}
END_TEST

START_TEST(counts_are_bounded_by_what_is_left) {
  wire_write_array_count(&writer, false, 3);
  wire_write_raw(&writer, bytes_of("123456789abc", 12));
  turn();
  struct wire_reader same = reader;
  ck_assert_int_eq(wire_read_array_count(&reader, false, 4), 3);
  ck_assert(!reader.failed);
  ck_assert_int_eq(wire_read_array_count(&same, false, 5), 0);
  ck_assert(same.failed);
}
END_TEST

START_TEST(largest_count_is_refused) {
  read_from("\x7f\xff\xff\xff\x00\x00\x00\x00", 8);
  ck_assert_int_eq(wire_read_array_count(&reader, false, 1), 0);
  ck_assert(reader.failed);
  read_from("\xff\xff\xff\xff\x0f\x00\x00\x00", 8);
  ck_assert_int_eq(wire_read_array_count(&reader, true, 1), 0);
  ck_assert(reader.failed);
}
END_TEST

START_TEST(length_in_front_of_external_bytes) {
  wire_write_bytes_length(&writer, false, 300);
  wire_write_bytes_length(&writer, true, 300);
  expect_written("\x00\x00\x01\x2c\xad\x02", 6);
  wire_write_bytes_length(&writer, false, INT32_MAX);
  expect_written("\x7f\xff\xff\xff", 4);
  wire_write_bytes_length(&writer, true, (size_t)INT32_MAX + 1);
  ck_assert(writer.failed);
}
END_TEST

START_TEST(uuid_comes_back) {
  struct uuid uuid = {{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}};
  wire_write_uuid(&writer, &uuid);
  turn();
  struct uuid read = wire_read_uuid(&reader);
  ck_assert(uuid_equal(&uuid, &read));
  ck_assert(!uuid_is_zero(&read));
  read = wire_read_uuid(&reader);
  ck_assert(reader.failed);
  ck_assert(uuid_is_zero(&read));
}
END_TEST

/* ---- tagged fields ---- */

START_TEST(tags_are_walked_and_unknown_ones_skipped) {
  /* three tags: 5 (three bytes), 0 (an INT32), 1000 (empty) */
  read_from("\x03\x05\x03xyz\x00\x04\x00\x00\x00\x2a\xe8\x07\x00\x77", 16);
  int32_t value = 0;
  uint32_t count = 0;
  for (struct wire_tags tags = wire_read_tags(&reader, true); wire_next_tag(&reader, &tags); count++)
    if (tags.tag == 0) value = wire_read_int32(&tags.content);
  ck_assert_int_eq(value, 42);
  ck_assert_uint_eq(count, 3);
  ck_assert_int_eq(wire_read_int8(&reader), 0x77);
  ck_assert(!reader.failed);
}
END_TEST

START_TEST(no_tags_without_flexible_encoding) {
  read_from("\x01", 1);
  struct wire_tags tags = wire_read_tags(&reader, false);
  ck_assert(!wire_next_tag(&reader, &tags));
  ck_assert_uint_eq(wire_reader_left(&reader), 1);
  wire_write_no_tags(&writer, false);
  ck_assert_uint_eq(writer.size, 0);
  wire_write_no_tags(&writer, true);
  expect_written("\x00", 1);
}
END_TEST

START_TEST(tag_read_past_its_end_fails_the_message) {
  /* tag 0 of two bytes, read as an INT32; what follows must not be taken for its rest */
  read_from("\x01\x00\x02\x00\x00\x00\x2a", 7);
  for (struct wire_tags tags = wire_read_tags(&reader, true); wire_next_tag(&reader, &tags);)
    ck_assert_int_eq(wire_read_int32(&tags.content), 0);
  ck_assert(reader.failed);
}
END_TEST

static void decode_tags(struct wire_reader *input, int16_t version) {
  (void)version;
  wire_skip_tags(input, true);
}

START_TEST(tags_cut_short_or_changed_are_survived) {
  hostile_truncate(bytes_of("\x02\x05\x03xyz\x00\x04\x00\x00\x00\x2a", 12), 0, decode_tags);
  hostile_corrupt(bytes_of("\x02\x05\x03xyz\x00\x04\x00\x00\x00\x2a", 12), 0, decode_tags);
}
END_TEST

START_TEST(billions_of_tags_end_with_the_input) {
  read_from("\xff\xff\xff\xff\x0f\x00\x00\x00\x00", 9);
  wire_skip_tags(&reader, true);
  ck_assert(reader.failed);
}
END_TEST

/* ---- cursors ---- */

START_TEST(reader_error_is_sticky) {
  read_from("\x00\x00\x00\x01\x00\x02", 6);
  wire_read_int64(&reader);
  ck_assert(reader.failed);
  ck_assert_int_eq(wire_read_int16(&reader), 0);
  ck_assert_int_eq(wire_read_int32(&reader), 0);
  ck_assert_uint_eq(wire_reader_left(&reader), 0);
  expect_text(wire_read_raw(&reader, 0), NULL);
  expect_text(wire_read_string(&reader, false), NULL);
}
END_TEST

START_TEST(reader_of_nothing_refuses) {
  read_from(NULL, 0);
  ck_assert_uint_eq(wire_reader_left(&reader), 0);
  ck_assert(!reader.failed);
  wire_read_int8(&reader);
  ck_assert(reader.failed);
}
END_TEST

START_TEST(caller_can_fail_a_reader) {
  read_from("abc", 3);
  wire_reader_fail(&reader);
  ck_assert_int_eq(wire_read_int8(&reader), 0);
}
END_TEST

START_TEST(writer_grows_and_keeps_what_it_has) {
  for (int32_t i = 0; i < 10000; i++)
    wire_write_int32(&writer, i);
  turn();
  for (int32_t i = 0; i < 10000; i++)
    ck_assert_int_eq(wire_read_int32(&reader), i);
  ck_assert_uint_eq(wire_reader_left(&reader), 0);
}
END_TEST

static bool never(void *context) {
  (void)context;
  return false;
}

START_TEST(writer_without_memory_fails_and_stays_failed) {
  allocator_set_hook(never, NULL);
  wire_write_int32(&writer, 1);
  allocator_set_hook(NULL, NULL);
  ck_assert(writer.failed);
  wire_write_int8(&writer, 2);
  wire_write_int16(&writer, 2);
  wire_write_int32(&writer, 2);
  wire_write_int64(&writer, 2);
  wire_write_varlong(&writer, 2);
  wire_write_string(&writer, true, bytes_of_string("abc"));
  wire_patch_int32(&writer, 0, 1);
  ck_assert_ptr_null(wire_reserve(&writer, 1));
  ck_assert_uint_eq(writer.size, 0);
  wire_writer_reset(&writer);
  wire_write_int32(&writer, 3);
  expect_written("\x00\x00\x00\x03", 4);
}
END_TEST

START_TEST(impossible_reservation_fails) {
  ck_assert_ptr_null(wire_reserve(&writer, SIZE_MAX));
  ck_assert(writer.failed);
  wire_writer_reset(&writer);
  wire_write_int16(&writer, 1);
  ck_assert_ptr_null(wire_reserve(&writer, SIZE_MAX)); /* together with what is there it wraps around */
  ck_assert(writer.failed);
}
END_TEST

START_TEST(patch_overwrites_four_bytes) {
  wire_write_int8(&writer, 1);
  wire_write_int32(&writer, 0);
  wire_write_int8(&writer, 2);
  wire_patch_int32(&writer, 1, 0x01020304);
  expect_written("\x01\x01\x02\x03\x04\x02", 6);
  wire_write_int32(&writer, 0);
  wire_patch_int32(&writer, 0, -1);
  expect_written("\xff\xff\xff\xff", 4);
}
END_TEST

static void add_value_tests(Suite *suite) {
  TCase *test_case = tcase_create("values");
  tcase_add_checked_fixture(test_case, setup, teardown);
  tcase_add_test(test_case, integers_are_big_endian);
  tcase_add_test(test_case, integers_come_back_at_their_extremes);
  tcase_add_test(test_case, any_byte_but_zero_is_true);
  tcase_add_test(test_case, varints_have_known_bytes);
  tcase_add_test(test_case, varints_come_back_around_every_power_of_two);
  tcase_add_test(test_case, varints_too_large_are_refused);
  tcase_add_test(test_case, varints_with_needless_bytes_are_read);
  tcase_add_test(test_case, strings_in_both_encodings);
  tcase_add_test(test_case, null_and_empty_stay_apart);
  tcase_add_test(test_case, string_of_the_largest_size_and_one_more);
  tcase_add_test(test_case, compact_string_over_the_limit_is_refused);
  tcase_add_test(test_case, negative_lengths_are_refused);
  tcase_add_test(test_case, lengths_past_the_end_are_refused);
  tcase_add_test(test_case, required_values_are_read);
  tcase_add_test(test_case, bytes_in_both_encodings);
  tcase_add_test(test_case, count_that_is_cut_off_is_not_null);
  tcase_add_test(test_case, null_is_refused_where_a_value_is_required);
  tcase_add_test(test_case, counts_are_bounded_by_what_is_left);
  tcase_add_test(test_case, largest_count_is_refused);
  tcase_add_test(test_case, length_in_front_of_external_bytes);
  tcase_add_test(test_case, uuid_comes_back);
  suite_add_tcase(suite, test_case);
}

static void add_cursor_tests(Suite *suite) {
  TCase *test_case = tcase_create("tags and cursors");
  tcase_add_checked_fixture(test_case, setup, teardown);
  tcase_add_test(test_case, tags_are_walked_and_unknown_ones_skipped);
  tcase_add_test(test_case, no_tags_without_flexible_encoding);
  tcase_add_test(test_case, tag_read_past_its_end_fails_the_message);
  tcase_add_test(test_case, tags_cut_short_or_changed_are_survived);
  tcase_add_test(test_case, billions_of_tags_end_with_the_input);
  tcase_add_test(test_case, reader_error_is_sticky);
  tcase_add_test(test_case, reader_of_nothing_refuses);
  tcase_add_test(test_case, caller_can_fail_a_reader);
  tcase_add_test(test_case, writer_grows_and_keeps_what_it_has);
  tcase_add_test(test_case, writer_without_memory_fails_and_stays_failed);
  tcase_add_test(test_case, impossible_reservation_fails);
  tcase_add_test(test_case, patch_overwrites_four_bytes);
  suite_add_tcase(suite, test_case);
}

int main(void) {
  Suite *suite = suite_create("wire");
  add_value_tests(suite);
  add_cursor_tests(suite);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_ENV);
  int failures = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failures != 0;
}
