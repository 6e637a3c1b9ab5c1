#include "base/secret.h"

#include "support/failing_allocator.h"
#include <check.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static struct secret *secret_of(const char *text) {
  struct secret *secret = secret_create(bytes_of_string(text));
  ck_assert_ptr_nonnull(secret);
  return secret;
}

/* How many of these bytes are not zero. Freed secrets are poisoned for AddressSanitizer, so it looks away. */
__attribute__((no_sanitize("address"))) static size_t bytes_left(const volatile uint8_t *data, size_t size) {
  size_t left = 0;
  for (size_t i = 0; i < size; i++)
    left += data[i] != 0;
  return left;
}

START_TEST(a_secret_holds_its_bytes) {
  struct secret *secret = secret_of("hunter2");
  ck_assert_str_eq(secret_text(secret), "hunter2");
  ck_assert_uint_eq(secret_bytes(secret).size, 7);
  struct secret *copy = secret_copy(secret);
  ck_assert_ptr_ne(copy, secret);
  secret_destroy(secret);
  ck_assert_str_eq(secret_text(copy), "hunter2");
  secret_destroy(copy);
}
END_TEST

START_TEST(bytes_may_be_zero_and_none) {
  struct secret *secret = secret_create(bytes_of("a\0b", 3));
  struct secret *empty = secret_create(bytes_of(NULL, 0));
  ck_assert_mem_eq(secret_bytes(secret).data, "a\0b", 4);
  ck_assert_uint_eq(secret_bytes(empty).size, 0);
  ck_assert_str_eq(secret_text(empty), "");
  secret_destroy(secret);
  secret_destroy(empty);
}
END_TEST

START_TEST(null_is_no_secret) {
  ck_assert_ptr_null(secret_copy(NULL));
  ck_assert_ptr_null(secret_text(NULL));
  ck_assert_ptr_null(secret_bytes(NULL).data);
  secret_destroy(NULL);
  secret_wipe(NULL, 0);
  ck_assert_uint_eq(secret_usage().count, 0);
}
END_TEST

START_TEST(comparison_sees_every_byte) {
  ck_assert(secret_equal(bytes_of("abc", 3), bytes_of("abc", 3)));
  ck_assert(secret_equal(bytes_of(NULL, 0), bytes_of("", 0)));
  ck_assert(!secret_equal(bytes_of("abc", 3), bytes_of("abd", 3)));
  ck_assert(!secret_equal(bytes_of("abc", 3), bytes_of("xbc", 3)));
  ck_assert(!secret_equal(bytes_of("abc", 3), bytes_of("abcd", 4)));
}
END_TEST

/* The neighbour keeps the segment mapped. */
START_TEST(what_is_destroyed_is_wiped) {
  struct secret *neighbour = secret_of("stays");
  struct secret *secret = secret_of("a password of twenty-eight b");
  const uint8_t *retained = secret_bytes(secret).data;
  ck_assert_uint_eq(bytes_left(retained, 28), 28);
  secret_destroy(secret);
  ck_assert_uint_eq(bytes_left(retained, 28), 0);
  ck_assert_str_eq(secret_text(neighbour), "stays");
  secret_destroy(neighbour);
}
END_TEST

START_TEST(memory_that_is_used_again_is_zeroed) {
  struct secret *neighbour = secret_of("stays");
  struct secret *pieces[20];
  for (size_t i = 0; i < 20; i++)
    pieces[i] = secret_of("sixteen letters.");
  const uint8_t *first = secret_bytes(pieces[0]).data;
  for (size_t i = 0; i < 20; i++)
    secret_destroy(pieces[i]);
  struct secret *large = secret_allocate(700); /* over the heads of those */
  ck_assert_ptr_eq(secret_bytes(large).data, first);
  ck_assert_uint_eq(bytes_left(secret_bytes(large).data, 701), 0);
  secret_destroy(large);
  secret_destroy(neighbour);
}
END_TEST

/* The flags of the mapping that an address lies in, as the kernel gives them ("rd wr mr mw me dd "). */
static void flags_of(const void *address, char *flags, size_t size) {
  FILE *file = fopen("/proc/self/smaps", "re");
  ck_assert_ptr_nonnull(file);
  char line[256];
  bool inside = false;
  flags[0] = '\0';
  while (fgets(line, sizeof line, file) != NULL) {
    uintptr_t from, to;
    if (sscanf(line, "%" SCNxPTR "-%" SCNxPTR " ", &from, &to) == 2)
      inside = (uintptr_t)address >= from && (uintptr_t)address < to;
    if (inside && strncmp(line, "VmFlags:", 8) == 0) (void)snprintf(flags, size, "%.250s", line + 8);
  }
  (void)fclose(file);
}

START_TEST(core_dumps_leave_secrets_out) {
  struct secret *secret = secret_of("hunter2");
  int local = 0;
  char flags[300];
  flags_of(secret, flags, sizeof flags);
  ck_assert_msg(strstr(flags, " dd") != NULL, "the flags are%s", flags);
  flags_of(&local, flags, sizeof flags);
  ck_assert_msg(flags[0] != '\0' && strstr(flags, " dd") == NULL, "the stack's flags are%s", flags);
  struct secret_usage usage = secret_usage();
  ck_assert_uint_eq(usage.undumped_bytes, usage.mapped_bytes);
  secret_destroy(secret);
}
END_TEST

/* Sanitizers make mlock do nothing, so that the kernel knows no lock there. */
START_TEST(memory_is_locked_where_that_is_allowed) {
  struct secret *secret = secret_of("hunter2");
  struct secret_usage usage = secret_usage();
  ck_assert_uint_eq(usage.count, 1);
  ck_assert_uint_gt(usage.mapped_bytes, 0);
  ck_assert(usage.locked_bytes == 0 || usage.locked_bytes == usage.mapped_bytes);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__) && !defined(__clang__)
  char flags[300];
  flags_of(secret, flags, sizeof flags);
  ck_assert_int_eq(strstr(flags, " lo") != NULL, usage.locked_bytes > 0);
#endif
  secret_destroy(secret);
}
END_TEST

START_TEST(no_memory_is_kept_when_the_last_has_gone) {
  struct secret *secrets[1000];
  for (size_t i = 0; i < 1000; i++)
    secrets[i] = secret_of("one of a thousand, which need more than one segment of the memory for secrets");
  ck_assert_uint_eq(secret_usage().count, 1000);
  ck_assert_uint_gt(secret_usage().mapped_bytes, 64 * 1024);
  for (size_t i = 0; i < 1000; i++)
    secret_destroy(secrets[i * 7 % 1000]);
  struct secret_usage usage = secret_usage();
  ck_assert_uint_eq(usage.count + usage.mapped_bytes + usage.locked_bytes + usage.undumped_bytes, 0);
}
END_TEST

START_TEST(large_ones_have_a_segment_of_their_own) {
  struct secret *small = secret_of("small");
  size_t before = secret_usage().mapped_bytes;
  struct secret *large = secret_allocate(1 << 20);
  ck_assert_ptr_nonnull(large);
  memset(secret_data(large), 'x', 1 << 20);
  ck_assert_uint_ge(secret_usage().mapped_bytes, before + (1 << 20));
  secret_destroy(large);
  ck_assert_uint_eq(secret_usage().mapped_bytes, before);
  ck_assert_ptr_null(secret_allocate(SIZE_MAX));
  ck_assert_ptr_null(secret_allocate(SIZE_MAX - sizeof(size_t)));
  secret_destroy(small);
}
END_TEST

/* What holds of any sequence: secrets keep their bytes and do not lie in each other. */
START_TEST(no_secret_touches_another) {
  enum { SLOTS = 64, STEPS = 20000 };
  struct secret *slots[SLOTS] = {NULL};
  uint32_t random = 12345;
  for (uint32_t step = 0; step < STEPS; step++) {
    random = random * 1664525 + 1013904223;
    uint32_t slot = random >> 8 & (SLOTS - 1);
    if (slots[slot] == NULL) {
      size_t size = random >> 16 & 1023;
      slots[slot] = secret_allocate(size);
      ck_assert_ptr_nonnull(slots[slot]);
      memset(secret_data(slots[slot]), (int)slot + 1, size);
      continue;
    }
    struct bytes bytes = secret_bytes(slots[slot]);
    size_t same = 0;
    while (same < bytes.size && bytes.data[same] == slot + 1)
      same++;
    ck_assert_uint_eq(same, bytes.size);
    ck_assert_uint_eq(bytes.data[same], 0);
    secret_destroy(slots[slot]);
    slots[slot] = NULL;
  }
  for (uint32_t i = 0; i < SLOTS; i++)
    secret_destroy(slots[i]);
  ck_assert_uint_eq(secret_usage().mapped_bytes, 0);
}
END_TEST

static void *come_and_go(void *argument) {
  char text[32];
  (void)snprintf(text, sizeof text, "thread %d", *(const int *)argument);
  for (int i = 0; i < 2000; i++) {
    struct secret *secret = secret_create(bytes_of_string(text));
    if (secret == NULL || strcmp(secret_text(secret), text) != 0) return argument;
    secret_destroy(secret);
  }
  return NULL;
}

START_TEST(threads_do_not_disturb_each_other) {
  pthread_t threads[4];
  int numbers[4] = {1, 2, 3, 4};
  for (int i = 0; i < 4; i++)
    ck_assert_int_eq(pthread_create(&threads[i], NULL, come_and_go, &numbers[i]), 0);
  for (int i = 0; i < 4; i++) {
    void *failed;
    ck_assert_int_eq(pthread_join(threads[i], &failed), 0);
    ck_assert_ptr_null(failed);
  }
  ck_assert_uint_eq(secret_usage().count, 0);
}
END_TEST

/* Also where no segment has to be mapped. */
START_TEST(each_allocation_may_fail) {
  struct secret *neighbour = secret_of("stays");
  for (uint32_t index = 0; index < 2; index++) {
    failing_allocator_start(index);
    struct secret *secret = secret_allocate(index == 0 ? 8 : 100000);
    ck_assert(failing_allocator_stop());
    ck_assert_ptr_null(secret);
  }
  ck_assert_uint_eq(secret_usage().count, 1);
  secret_destroy(neighbour);
}
END_TEST

START_TEST(a_child_has_the_secrets_of_its_parent) {
  struct secret *secret = secret_of("inherited");
  secret_before_fork();
  pid_t child = fork();
  secret_after_fork();
  ck_assert_int_ge(child, 0);
  if (child == 0) {
    bool same = strcmp(secret_text(secret), "inherited") == 0;
    secret_destroy(secret);
    _exit(same && secret_usage().count == 0 ? 0 : 1);
  }
  int status = -1;
  ck_assert_int_eq(waitpid(child, &status, 0), child);
  ck_assert_int_eq(status, 0);
  secret_destroy(secret);
}
END_TEST

int main(void) {
  Suite *suite = suite_create("secret");
  TCase *test_case = tcase_create("all");
  tcase_add_test(test_case, a_secret_holds_its_bytes);
  tcase_add_test(test_case, bytes_may_be_zero_and_none);
  tcase_add_test(test_case, null_is_no_secret);
  tcase_add_test(test_case, comparison_sees_every_byte);
  tcase_add_test(test_case, what_is_destroyed_is_wiped);
  tcase_add_test(test_case, memory_that_is_used_again_is_zeroed);
  tcase_add_test(test_case, core_dumps_leave_secrets_out);
  tcase_add_test(test_case, memory_is_locked_where_that_is_allowed);
  tcase_add_test(test_case, no_memory_is_kept_when_the_last_has_gone);
  tcase_add_test(test_case, large_ones_have_a_segment_of_their_own);
  tcase_add_test(test_case, no_secret_touches_another);
  tcase_add_test(test_case, threads_do_not_disturb_each_other);
  tcase_add_test(test_case, each_allocation_may_fail);
  tcase_add_test(test_case, a_child_has_the_secrets_of_its_parent);
  suite_add_tcase(suite, test_case);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_ENV);
  int failures = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failures != 0;
}
