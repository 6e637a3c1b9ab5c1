#include "base/bytes.h"

#include <check.h>

START_TEST(views_of_strings_leave_the_terminator_out) {
  ck_assert_uint_eq(bytes_of_string("abc").size, 3);
  ck_assert_uint_eq(bytes_of_string("").size, 0);
  ck_assert_ptr_nonnull(bytes_of_string("").data);
  ck_assert_ptr_null(bytes_of_string(NULL).data);
}
END_TEST

START_TEST(views_are_equal_by_content) {
  ck_assert(bytes_equal(bytes_of("abc", 3), bytes_of_string("abc")));
  ck_assert(!bytes_equal(bytes_of("abc", 2), bytes_of_string("abc")));
  ck_assert(!bytes_equal(bytes_of("abd", 3), bytes_of_string("abc")));
  ck_assert(bytes_equal(bytes_of("\0a", 2), bytes_of("\0a", 2)));
  ck_assert(bytes_equal(bytes_of_string(NULL), bytes_of_string("")));
}
END_TEST

START_TEST(integers_are_stored_big_endian_at_any_address) {
  uint8_t memory[16];
  memset(memory, 0xee, sizeof memory);
  bytes_store_u16(memory + 1, 0x0102);
  bytes_store_u32(memory + 3, 0x03040506);
  bytes_store_u64(memory + 7, 0x0708090a0b0c0d0e);
  ck_assert_mem_eq(memory, "\xee\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\xee", 16);
  ck_assert_uint_eq(bytes_load_u16(memory + 1), 0x0102);
  ck_assert_uint_eq(bytes_load_u32(memory + 3), 0x03040506);
  ck_assert_uint_eq(bytes_load_u64(memory + 7), 0x0708090a0b0c0d0e);
}
END_TEST

START_TEST(largest_integers_come_back) {
  uint8_t memory[8];
  bytes_store_u64(memory, UINT64_MAX - 1);
  ck_assert_uint_eq(bytes_load_u64(memory), UINT64_MAX - 1);
  bytes_store_u32(memory, UINT32_MAX - 1);
  ck_assert_uint_eq(bytes_load_u32(memory), UINT32_MAX - 1);
  bytes_store_u16(memory, UINT16_MAX - 1);
  ck_assert_uint_eq(bytes_load_u16(memory), UINT16_MAX - 1);
}
END_TEST

int main(void) {
  Suite *suite = suite_create("bytes");
  TCase *test_case = tcase_create("all");
  tcase_add_test(test_case, views_of_strings_leave_the_terminator_out);
  tcase_add_test(test_case, views_are_equal_by_content);
  tcase_add_test(test_case, integers_are_stored_big_endian_at_any_address);
  tcase_add_test(test_case, largest_integers_come_back);
  suite_add_tcase(suite, test_case);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_ENV);
  int failures = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failures != 0;
}
