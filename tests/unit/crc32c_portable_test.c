#include "base/crc32c_portable.h"

#include "base/crc32c.h"
#include "base/random.h"
#include <check.h>
#include <string.h>

typedef uint32_t extend_function(uint32_t crc, const void *data, size_t size);

/* The library's own choice, and both of the ways that it may choose from. */
static extend_function *const ways[] = {crc32c_extend, crc32c_table_extend, crc32c_instruction_extend};

static int way_count(void) {
  return crc32c_instruction_is_available() ? 3 : 2;
}

START_TEST(vectors_of_rfc_3720) {
  uint8_t zeroes[32], ones[32], ascending[32], descending[32];
  memset(zeroes, 0, sizeof zeroes);
  memset(ones, 0xff, sizeof ones);
  for (uint8_t i = 0; i < 32; i++) {
    ascending[i] = i;
    descending[i] = (uint8_t)(31 - i);
  }
  for (int i = 0; i < way_count(); i++) {
    ck_assert_uint_eq(ways[i](0, "123456789", 9), 0xe3069283);
    ck_assert_uint_eq(ways[i](0, zeroes, 32), 0x8a9136aa);
    ck_assert_uint_eq(ways[i](0, ones, 32), 0x62a8ab43);
    ck_assert_uint_eq(ways[i](0, ascending, 32), 0x46dd794e);
    ck_assert_uint_eq(ways[i](0, descending, 32), 0x113fdb5c);
  }
}
END_TEST

START_TEST(nothing_changes_nothing) {
  for (int i = 0; i < way_count(); i++) {
    ck_assert_uint_eq(ways[i](0, NULL, 0), 0);
    ck_assert_uint_eq(ways[i](0x12345678, "", 0), 0x12345678);
  }
}
END_TEST

START_TEST(all_ways_agree_at_every_size_and_alignment) {
  uint8_t data[600];
  struct random random;
  random_seed(&random, 10);
  for (size_t i = 0; i < sizeof data; i++)
    data[i] = (uint8_t)random_next(&random);
  for (size_t start = 0; start < 16; start++)
    for (size_t size = 0; size <= 300; size++) {
      uint32_t seed = (uint32_t)random_next(&random);
      uint32_t expected = ways[0](seed, data + start, size);
      for (int i = 1; i < way_count(); i++)
        ck_assert_uint_eq(ways[i](seed, data + start, size), expected);
    }
}
END_TEST

START_TEST(all_ways_agree_where_lanes_begin_and_end) {
  enum { SIZE = 10000 };
  static uint8_t data[SIZE];
  struct random random;
  random_seed(&random, 11);
  for (size_t i = 0; i < SIZE; i++)
    data[i] = (uint8_t)random_next(&random);
  static const size_t sizes[] = {1023, 1024, 3071, 3072, 3073, 3080, 6143, 6144, 6145, 9216, 9991};
  for (size_t start = 0; start < 9; start++)
    for (size_t n = 0; n < sizeof sizes / sizeof *sizes; n++) {
      uint32_t seed = (uint32_t)random_next(&random);
      uint32_t expected = crc32c_table_extend(seed, data + start, sizes[n]);
      for (int i = 0; i < way_count(); i++)
        ck_assert_uint_eq(ways[i](seed, data + start, sizes[n]), expected);
    }
}
END_TEST

START_TEST(parts_extend_to_the_whole) {
  uint8_t data[1000];
  struct random random;
  random_seed(&random, 11);
  for (size_t i = 0; i < sizeof data; i++)
    data[i] = (uint8_t)random_next(&random);
  for (int i = 0; i < way_count(); i++) {
    uint32_t whole = ways[i](0, data, sizeof data);
    for (size_t cut = 0; cut <= sizeof data; cut += 7)
      ck_assert_uint_eq(ways[i](ways[i](0, data, cut), data + cut, sizeof data - cut), whole);
  }
}
END_TEST

int main(void) {
  Suite *suite = suite_create("crc32c_portable");
  TCase *test_case = tcase_create("all");
  tcase_add_test(test_case, all_ways_agree_where_lanes_begin_and_end);
  tcase_add_test(test_case, vectors_of_rfc_3720);
  tcase_add_test(test_case, nothing_changes_nothing);
  tcase_add_test(test_case, all_ways_agree_at_every_size_and_alignment);
  tcase_add_test(test_case, parts_extend_to_the_whole);
  suite_add_tcase(suite, test_case);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_ENV);
  int failures = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failures != 0;
}
