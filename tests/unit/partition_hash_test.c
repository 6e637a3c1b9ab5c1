#include "accumulator/partition_hash.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

/* ---- murmur2, against the answers of Kafka's own (golden/PartitionVectors.java) ---- */

enum { LINE_SIZE = 4096 };

static size_t key_from_digits(const char *digits, uint8_t *key) {
  if (strcmp(digits, "-") == 0) return 0;
  const size_t size = strlen(digits) / 2;
  for (size_t index = 0; index < size; index++) {
    const char pair[] = {digits[2 * index], digits[2 * index + 1], '\0'};
    char *end;
    key[index] = (uint8_t)strtoul(pair, &end, 16);
    ck_assert_ptr_eq(end, pair + 2);
  }
  return size;
}

START_TEST(murmur2_is_that_of_kafka) {
  FILE *file = fopen(TEST_SOURCE_DIRECTORY "/golden/partition_vectors.txt", "r");
  ck_assert_ptr_nonnull(file);
  static char line[LINE_SIZE];
  int line_count = 0;
  for (; fgets(line, sizeof(line), file) != NULL; line_count++) {
    char *space = strchr(line, ' ');
    ck_assert_ptr_nonnull(space);
    *space = '\0';
    uint8_t key[LINE_SIZE / 2];
    const size_t size = key_from_digits(line, key);
    const int32_t expected = (int32_t)strtol(space + 1, NULL, 10);
    ck_assert_msg((int32_t)partition_hash_murmur2(bytes_of(key, size)) == expected, "key %s", line);
  }
  ck_assert_int_eq(line_count, 95);
  fclose(file);
}
END_TEST

/* ---- the others, against other implementations' answers ---- */

static struct bytes all_bytes(void) {
  static uint8_t every[256];
  for (size_t index = 0; index < sizeof(every); index++)
    every[index] = (uint8_t)index;
  return bytes_of(every, sizeof(every));
}

/* The answers of Python's zlib.crc32. */
START_TEST(crc32_is_that_of_zlib) {
  ck_assert_uint_eq(partition_hash_crc32(bytes_of_string("")), 0);
  ck_assert_uint_eq(partition_hash_crc32(bytes_of_string("a")), 0xe8b7be43);
  ck_assert_uint_eq(partition_hash_crc32(bytes_of_string("123456789")), 0xcbf43926);
  ck_assert_uint_eq(partition_hash_crc32(bytes_of_string("kafka")), 0x5bbc7517);
  ck_assert_uint_eq(partition_hash_crc32(bytes_of_string("user-0000000042")), 0x8b29f100);
  ck_assert_uint_eq(partition_hash_crc32(all_bytes()), 0x29058c73);
}
END_TEST

/* The answers of FNV's reference test vectors, negated where their top bit is set. */
START_TEST(fnv1a_is_positive_as_a_signed_number) {
  ck_assert_uint_eq(partition_hash_fnv1a(bytes_of_string("")), 0x7ee3623b);
  ck_assert_uint_eq(partition_hash_fnv1a(bytes_of_string("a")), 0x1bf3d6d4);
  ck_assert_uint_eq(partition_hash_fnv1a(bytes_of_string("1234")), 0x23bdd03);
  ck_assert_uint_eq(partition_hash_fnv1a(bytes_of_string("kafka")), 0xd33c4e1);
  ck_assert_uint_eq(partition_hash_fnv1a(bytes_of_string("user-0000000042")), 0x4053e6cb);
  ck_assert_uint_eq(partition_hash_fnv1a(all_bytes()), 0x6f5ba73b);
}
END_TEST

START_TEST(the_null_key_hashes_as_the_empty_one) {
  const struct bytes null = bytes_of(NULL, 0), empty = bytes_of("", 0);
  ck_assert_uint_eq(partition_hash_murmur2(null), partition_hash_murmur2(empty));
  ck_assert_uint_eq(partition_hash_crc32(null), partition_hash_crc32(empty));
  ck_assert_uint_eq(partition_hash_fnv1a(null), partition_hash_fnv1a(empty));
}
END_TEST

int main(void) {
  Suite *suite = suite_create("partition_hash");
  TCase *hashes = tcase_create("hashes");
  tcase_add_test(hashes, murmur2_is_that_of_kafka);
  tcase_add_test(hashes, crc32_is_that_of_zlib);
  tcase_add_test(hashes, fnv1a_is_positive_as_a_signed_number);
  tcase_add_test(hashes, the_null_key_hashes_as_the_empty_one);
  suite_add_tcase(suite, hashes);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_ENV);
  const int failed_count = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failed_count != 0;
}
