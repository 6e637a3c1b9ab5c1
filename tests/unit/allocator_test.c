#include "base/allocator.h"

#include <check.h>
#include <stdint.h>
#include <string.h>

/* Lets `left` allocations through, then none. */
static bool countdown(void *context) {
  int *left = context;
  return (*left)-- > 0;
}

START_TEST(zeroed_memory_is_zero) {
  uint8_t *memory = allocator_allocate_zeroed(100, 3);
  ck_assert_ptr_nonnull(memory);
  for (size_t i = 0; i < 300; i++)
    ck_assert_uint_eq(memory[i], 0);
  allocator_free(memory);
}
END_TEST

START_TEST(zeroed_count_that_overflows_is_refused) {
  volatile size_t count = SIZE_MAX / 2;
  ck_assert_ptr_null(allocator_allocate_zeroed(count, 4));
}
END_TEST

START_TEST(reallocation_keeps_the_content) {
  char *memory = allocator_allocate(4);
  memcpy(memory, "abc", 4);
  char *larger = allocator_reallocate(memory, 1 << 20);
  ck_assert_ptr_nonnull(larger);
  ck_assert_str_eq(larger, "abc");
  allocator_free(larger);
}
END_TEST

START_TEST(copies_are_terminated) {
  char *string = allocator_copy_string("topic");
  char *text = allocator_copy_text("topic-12", 5);
  char *empty = allocator_copy_text(NULL, 0);
  ck_assert_str_eq(string, "topic");
  ck_assert_str_eq(text, "topic");
  ck_assert_str_eq(empty, "");
  allocator_free(string);
  allocator_free(text);
  allocator_free(empty);
}
END_TEST

START_TEST(copy_of_the_largest_size_is_refused) {
  ck_assert_ptr_null(allocator_copy_text("", SIZE_MAX));
}
END_TEST

START_TEST(free_takes_null) {
  allocator_free(NULL);
  allocator_unmap(NULL, 4096);
}
END_TEST

START_TEST(mapped_memory_is_zero_and_page_aligned) {
  size_t size = 1 << 20;
  uint8_t *memory = allocator_map(size);
  ck_assert_ptr_nonnull(memory);
  ck_assert_uint_eq((uintptr_t)memory % 4096, 0);
  ck_assert_uint_eq(memory[0], 0);
  memory[size - 1] = 1;
  allocator_unmap(memory, size);
}
END_TEST

START_TEST(map_of_impossible_size_is_refused) {
  ck_assert_ptr_null(allocator_map(SIZE_MAX / 2));
}
END_TEST

START_TEST(hook_fails_every_kind_of_allocation) {
  int left = 0;
  char *kept = allocator_copy_string("kept");
  allocator_set_hook(countdown, &left);
  ck_assert_ptr_null(allocator_allocate(1));
  ck_assert_ptr_null(allocator_allocate_zeroed(1, 1));
  ck_assert_ptr_null(allocator_reallocate(kept, 100));
  ck_assert_ptr_null(allocator_copy_string("a"));
  ck_assert_ptr_null(allocator_copy_text("a", 1));
  ck_assert_ptr_null(allocator_map(4096));
  allocator_set_hook(NULL, NULL);
  ck_assert_str_eq(kept, "kept");
  allocator_free(kept);
}
END_TEST

START_TEST(hook_is_asked_once_per_allocation) {
  int left = 2;
  allocator_set_hook(countdown, &left);
  void *first = allocator_allocate(1);
  char *second = allocator_copy_string("a");
  void *third = allocator_allocate(1);
  allocator_set_hook(NULL, NULL);
  ck_assert_ptr_nonnull(first);
  ck_assert_ptr_nonnull(second);
  ck_assert_ptr_null(third);
  allocator_free(first);
  allocator_free(second);
}
END_TEST

int main(void) {
  Suite *suite = suite_create("allocator");
  TCase *test_case = tcase_create("all");
  tcase_add_test(test_case, zeroed_memory_is_zero);
  tcase_add_test(test_case, zeroed_count_that_overflows_is_refused);
  tcase_add_test(test_case, reallocation_keeps_the_content);
  tcase_add_test(test_case, copies_are_terminated);
  tcase_add_test(test_case, copy_of_the_largest_size_is_refused);
  tcase_add_test(test_case, free_takes_null);
  tcase_add_test(test_case, mapped_memory_is_zero_and_page_aligned);
  tcase_add_test(test_case, map_of_impossible_size_is_refused);
  tcase_add_test(test_case, hook_fails_every_kind_of_allocation);
  tcase_add_test(test_case, hook_is_asked_once_per_allocation);
  suite_add_tcase(suite, test_case);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_ENV);
  int failures = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failures != 0;
}
