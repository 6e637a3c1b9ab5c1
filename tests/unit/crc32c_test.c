#include "base/crc32c.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

START_TEST(check_value_of_the_polynomial) {
  ck_assert_uint_eq(crc32c_extend(0, "123456789", 9), 0xe3069283);
}
END_TEST

START_TEST(nothing_changes_nothing) {
  ck_assert_uint_eq(crc32c_extend(0, NULL, 0), 0);
  ck_assert_uint_eq(crc32c_extend(0xdeadbeef, "", 0), 0xdeadbeef);
}
END_TEST

START_TEST(parts_extend_to_the_whole) {
  enum { SIZE = 100000 };
  uint8_t *data = malloc(SIZE);
  for (size_t i = 0; i < SIZE; i++)
    data[i] = (uint8_t)(i * 31 >> 3);
  uint32_t whole = crc32c_extend(0, data, SIZE);
  for (size_t cut = 0; cut <= SIZE; cut += 777)
    ck_assert_uint_eq(crc32c_extend(crc32c_extend(0, data, cut), data + cut, SIZE - cut), whole);
  free(data);
}
END_TEST

START_TEST(every_bit_counts) {
  uint8_t data[100] = {0};
  uint32_t clean = crc32c_extend(0, data, sizeof data);
  for (size_t bit = 0; bit < sizeof data * 8; bit++) {
    data[bit / 8] ^= (uint8_t)(1 << bit % 8);
    ck_assert_uint_ne(crc32c_extend(0, data, sizeof data), clean);
    data[bit / 8] ^= (uint8_t)(1 << bit % 8);
  }
}
END_TEST

int main(void) {
  Suite *suite = suite_create("crc32c");
  TCase *test_case = tcase_create("all");
  tcase_add_test(test_case, check_value_of_the_polynomial);
  tcase_add_test(test_case, nothing_changes_nothing);
  tcase_add_test(test_case, parts_extend_to_the_whole);
  tcase_add_test(test_case, every_bit_counts);
  suite_add_tcase(suite, test_case);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_ENV);
  int failures = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failures != 0;
}
