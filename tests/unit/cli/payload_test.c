#include "cli/payload.h"

#include "unit/cli/command_runner.h"

#include <check.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

static uint32_t fnv_1a(const char *bytes, size_t count) {
  uint32_t hash = 2166136261u;
  for (size_t i = 0; i < count; i++)
    hash = (hash ^ (unsigned char)bytes[i]) * 16777619u;
  return hash;
}

/* What the benchmark programs of other clients send, which these have to be compared with. */
START_TEST(text_and_positions_are_those_of_the_other_benchmarks) {
  struct payload payload;
  ck_assert_int_eq(payload_init_text(&payload, 100), 0);
  ck_assert_uint_eq(payload.block_bytes, 1048576);
  ck_assert_uint_eq(fnv_1a(payload.block, payload.block_bytes), 546889046u);
  ck_assert_mem_eq(payload.block, "{8575\"order\":5157null7265\"price\":9147", 37);
  ck_assert_uint_eq(payload_position(&payload, 0), 0);
  ck_assert_uint_eq(payload_position(&payload, 97), 768143);
  ck_assert_uint_eq(payload_position(&payload, 291), 207477);
  ck_assert_uint_eq(payload_position(&payload, 10000000), 704672);
  payload_deinit(&payload);
  ck_assert_int_eq(payload_init_text(&payload, 1047576), 0);
  ck_assert_uint_eq(payload_position(&payload, 1), 919);
  payload_deinit(&payload);
}
END_TEST

static const size_t record_sizes[] = {0, 1, 100, 1000, 1040657, 1040658, 1048574, 1048575, 1048576, 3000000};

START_TEST(stepping_gives_the_same_positions_and_stays_inside) {
  struct payload payload;
  size_t record_bytes = record_sizes[_i];
  ck_assert_int_eq(payload_init_text(&payload, record_bytes), 0);
  size_t position = payload_position(&payload, 5);
  for (uint64_t i = 5; i < 100000; i++) {
    /* ck_assert would write to a pipe each time. */
    if (position != payload_position(&payload, i) || position + record_bytes > payload.block_bytes)
      ck_abort_msg("record %llu is at %zu", (unsigned long long)i, position);
    position = payload_next_position(&payload, position);
  }
  payload_deinit(&payload);
}
END_TEST

START_TEST(random_bytes_are_the_same_each_time_and_use_every_value) {
  struct payload first, second;
  ck_assert_int_eq(payload_init_random(&first, 10), 0);
  ck_assert_int_eq(payload_init_random(&second, 10), 0);
  ck_assert_mem_eq(first.block, second.block, first.block_bytes);
  size_t counts[256] = {0};
  for (size_t i = 0; i < first.block_bytes; i++)
    counts[(unsigned char)first.block[i]]++;
  for (int byte = 0; byte < 256; byte++) {
    ck_assert_uint_gt(counts[byte], 3500);
    ck_assert_uint_lt(counts[byte], 4700);
  }
  payload_deinit(&first);
  payload_deinit(&second);
}
END_TEST

START_TEST(a_file_is_used_as_it_is) {
  char path[64];
  command_make_file(path, "0123456789", 10);
  struct payload payload;
  ck_assert_int_eq(payload_init_file(&payload, 4, path), 0);
  unlink(path);
  ck_assert_uint_eq(payload.block_bytes, 10);
  ck_assert_mem_eq(payload.block, "0123456789", 10);
  ck_assert_uint_eq(payload.position_count, 6);
  payload_deinit(&payload);
}
END_TEST

START_TEST(a_small_file_is_repeated) {
  char path[64];
  command_make_file(path, "abc", 3);
  struct payload payload;
  ck_assert_int_eq(payload_init_file(&payload, 3, path), 0);
  unlink(path);
  ck_assert_uint_eq(payload.block_bytes, PAYLOAD_BLOCK_BYTES);
  ck_assert_mem_eq(payload.block, "abcabcabca", 10);
  payload_deinit(&payload);
}
END_TEST

START_TEST(files_that_are_empty_or_absent_are_refused) {
  char path[64];
  command_make_file(path, "", 0);
  struct payload payload = {0};
  ck_assert_int_eq(payload_init_file(&payload, 3, path), ENODATA);
  unlink(path);
  ck_assert_int_eq(payload_init_file(&payload, 3, path), ENOENT);
  ck_assert_int_eq(payload_init_file(&payload, 3, "."), EISDIR);
  ck_assert_ptr_null(payload.block);
}
END_TEST

int main(void) {
  Suite *suite = suite_create("payload");
  TCase *all = tcase_create("all");
  tcase_add_test(all, text_and_positions_are_those_of_the_other_benchmarks);
  tcase_add_loop_test(all, stepping_gives_the_same_positions_and_stays_inside, 0,
                      sizeof record_sizes / sizeof record_sizes[0]);
  tcase_add_test(all, random_bytes_are_the_same_each_time_and_use_every_value);
  tcase_add_test(all, a_file_is_used_as_it_is);
  tcase_add_test(all, a_small_file_is_repeated);
  tcase_add_test(all, files_that_are_empty_or_absent_are_refused);
  suite_add_tcase(suite, all);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_ENV);
  int failed_count = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failed_count != 0;
}
