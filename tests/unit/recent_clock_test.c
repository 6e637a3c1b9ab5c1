#include "base/recent_clock.h"

#include "base/clock.h"
#include <check.h>
#include <unistd.h>

static struct recent_clock asked;

static void set_up(void) {
  recent_clock_init(&asked);
}

START_TEST(it_is_never_ahead_and_never_goes_back) {
  int64_t last = 0;
  for (int i = 0; i < 100000; i++) {
    int64_t before = clock_monotonic_us();
    int64_t now = recent_clock_us(&asked);
    ck_assert_int_ge(now, last);
    ck_assert_int_ge(now, before - 2); /* as old as it may be: it was read after before was */
    ck_assert_int_le(now, clock_monotonic_us());
    last = now;
  }
}
END_TEST

START_TEST(it_goes_on_after_a_pause) {
  int64_t begun = recent_clock_us(&asked);
  usleep(2000);
  ck_assert_int_ge(recent_clock_us(&asked), begun + 2000);
}
END_TEST

START_TEST(a_counter_that_went_back_or_far_is_asked_again) {
  recent_clock_us(&asked);
  if (!asked.counts) return;
  asked.now_us = 1;
  asked.ticks += UINT64_C(1) << 40; /* it is behind now */
  ck_assert_int_gt(recent_clock_us(&asked), 1);
  asked.now_us = 1;
  asked.ticks -= UINT64_C(1) << 40;
  ck_assert_int_gt(recent_clock_us(&asked), 1);
}
END_TEST

START_TEST(without_an_even_counter_it_is_the_clock) {
  asked.counts = false;
  for (int i = 0; i < 1000; i++) {
    int64_t before = clock_monotonic_us();
    ck_assert_int_ge(recent_clock_us(&asked), before);
  }
}
END_TEST

int main(void) {
  Suite *suite = suite_create("recent_clock");
  TCase *test_case = tcase_create("all");
  tcase_add_checked_fixture(test_case, set_up, NULL);
  tcase_add_test(test_case, it_is_never_ahead_and_never_goes_back);
  tcase_add_test(test_case, it_goes_on_after_a_pause);
  tcase_add_test(test_case, a_counter_that_went_back_or_far_is_asked_again);
  tcase_add_test(test_case, without_an_even_counter_it_is_the_clock);
  suite_add_tcase(suite, test_case);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_ENV);
  int failures = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failures != 0;
}
