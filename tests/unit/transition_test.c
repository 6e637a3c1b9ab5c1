#include "base/transition.h"
#include <check.h>
#include <stdlib.h>
#include <string.h>

static struct {
  const char *machine;
  uint32_t from, to, count;
} seen;

static void note(void *context, const char *machine, uint32_t from, uint32_t to) {
  ck_assert_ptr_eq(context, &seen);
  seen.machine = machine;
  seen.from = from;
  seen.to = to;
  seen.count++;
}

START_TEST(an_observer_is_told_of_each_change) {
  transition_observe(note, &seen);
  transition_note("machine", 1, 2);
  ck_assert_str_eq(seen.machine, "machine");
  ck_assert_uint_eq(seen.from, 1);
  ck_assert_uint_eq(seen.to, 2);
  transition_note("machine", 2, 3);
  ck_assert_uint_eq(seen.count, 2);
  transition_observe(NULL, NULL);
}
END_TEST

START_TEST(without_an_observer_nobody_is_told) {
  memset(&seen, 0, sizeof seen);
  transition_note("machine", 1, 2);
  ck_assert_uint_eq(seen.count, 0);
}
END_TEST

int main(void) {
  Suite *suite = suite_create("transition");
  TCase *test_case = tcase_create("all");
  tcase_add_test(test_case, an_observer_is_told_of_each_change);
  tcase_add_test(test_case, without_an_observer_nobody_is_told);
  suite_add_tcase(suite, test_case);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_ENV);
  int failures = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failures == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
