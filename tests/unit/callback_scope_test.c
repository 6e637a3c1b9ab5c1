#include "base/lock.h"
#include "producer/callback_scope.h"

#include "producer/producer.h"
#include <check.h>
#include <pthread.h>

static struct producer one, other;

static void *is_in_one(void *answer) {
  *(bool *)answer = callback_scope_is_in(&one);
  return NULL;
}

START_TEST(a_thread_is_in_a_callback_from_enter_to_leave) {
  struct callback_scope scope;
  ck_assert(!callback_scope_is_in(&one));
  callback_scope_enter(&scope, &one, NULL);
  ck_assert(callback_scope_is_in(&one));
  ck_assert(!callback_scope_is_in(&other));
  callback_scope_leave(&scope);
  ck_assert(!callback_scope_is_in(&one));
}
END_TEST

START_TEST(the_outer_callback_still_counts_inside_another_producers) {
  struct callback_scope outer, inner;
  callback_scope_enter(&outer, &one, NULL);
  callback_scope_enter(&inner, &other, NULL);
  ck_assert(callback_scope_is_in(&one));
  ck_assert(callback_scope_is_in(&other));
  callback_scope_leave(&inner);
  ck_assert(callback_scope_is_in(&one));
  ck_assert(!callback_scope_is_in(&other));
  callback_scope_leave(&outer);
}
END_TEST

START_TEST(only_a_callback_that_is_called_so_holds_the_lock) {
  struct lock lock = LOCK_INITIALIZER, another = LOCK_INITIALIZER;
  struct callback_scope reports, partitioner;
  callback_scope_enter(&reports, &one, NULL);
  ck_assert(!callback_scope_holds(&lock));
  callback_scope_enter(&partitioner, &other, &lock);
  ck_assert(callback_scope_holds(&lock));
  ck_assert(!callback_scope_holds(&another));
  callback_scope_leave(&partitioner);
  ck_assert(!callback_scope_holds(&lock));
  callback_scope_leave(&reports);
}
END_TEST

START_TEST(other_threads_are_not_in_it) {
  struct callback_scope scope;
  pthread_t thread;
  bool answer = true;
  callback_scope_enter(&scope, &one, NULL);
  ck_assert_int_eq(pthread_create(&thread, NULL, is_in_one, &answer), 0);
  ck_assert_int_eq(pthread_join(thread, NULL), 0);
  ck_assert(!answer);
  callback_scope_leave(&scope);
}
END_TEST

int main(void) {
  Suite *suite = suite_create("callback_scope");
  TCase *tests = tcase_create("callback_scope");
  tcase_add_test(tests, a_thread_is_in_a_callback_from_enter_to_leave);
  tcase_add_test(tests, the_outer_callback_still_counts_inside_another_producers);
  tcase_add_test(tests, only_a_callback_that_is_called_so_holds_the_lock);
  tcase_add_test(tests, other_threads_are_not_in_it);
  suite_add_tcase(suite, tests);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_ENV);
  int failures = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failures != 0;
}
