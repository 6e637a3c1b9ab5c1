#include "security/token_schedule.h"

#include "base/clock.h"
#include <check.h>

#define SECOND   INT64_C(1000000)
#define NOW      INT64_C(5000000000)
#define PATIENCE (60 * SECOND)

static struct token_schedule schedule;

/* Kafka's defaults, without jitter. */
static void start(double jitter) {
  const struct token_schedule_limits limits = {.refresh_window = 0.8,
                                               .refresh_jitter = jitter,
                                               .refresh_minimum_us = 60 * SECOND,
                                               .refresh_buffer_us = 300 * SECOND,
                                               .retry_backoff_us = SECOND / 10,
                                               .retry_backoff_max_us = 10 * SECOND};
  token_schedule_init(&schedule, &limits, 1);
}

static void set_up(void) {
  start(0);
}

/* When a token that comes now and lives this long is refreshed. */
static int64_t refresh_of(int64_t life_us) {
  token_schedule_succeed(&schedule, NOW, life_us);
  return schedule.due_us == CLOCK_NEVER_US ? CLOCK_NEVER_US : schedule.due_us - NOW;
}

START_TEST(nothing_is_due_before_a_token_is_needed) {
  ck_assert_int_eq(schedule.due_us, CLOCK_NEVER_US);
  ck_assert(!token_schedule_is_due(&schedule, NOW));
  token_schedule_need(&schedule, NOW);
  ck_assert(token_schedule_is_due(&schedule, NOW));
  ck_assert(!token_schedule_is_due(&schedule, NOW - 1));
  token_schedule_need(&schedule, NOW + 5);
  ck_assert_int_eq(schedule.due_us, NOW);
}
END_TEST

START_TEST(a_need_is_served_once) {
  token_schedule_need(&schedule, NOW);
  token_schedule_begin(&schedule, NOW, PATIENCE);
  token_schedule_need(&schedule, NOW + 1);
  ck_assert_int_eq(schedule.due_us, NOW + PATIENCE);
  token_schedule_begin(&schedule, NOW, CLOCK_NEVER_US);
  ck_assert_int_eq(schedule.due_us, CLOCK_NEVER_US);
}
END_TEST

START_TEST(a_token_is_refreshed_at_its_share_of_life) {
  ck_assert_int_eq(refresh_of(10000 * SECOND), 8000 * SECOND);
  ck_assert_int_eq(refresh_of(CLOCK_NEVER_US), CLOCK_NEVER_US);
}
END_TEST

START_TEST(the_buffer_before_expiry_is_kept) {
  ck_assert_int_eq(refresh_of(1000 * SECOND), 700 * SECOND);
}
END_TEST

START_TEST(the_minimum_between_fetches_is_kept) {
  ck_assert_int_eq(refresh_of(370 * SECOND), 70 * SECOND);
  ck_assert_int_eq(refresh_of(361 * SECOND), 61 * SECOND);
  schedule.limits.refresh_window = 0.01;
  ck_assert_int_eq(refresh_of(1000 * SECOND), 60 * SECOND);
}
END_TEST

START_TEST(a_life_shorter_than_both_limits_is_refreshed_by_its_share) {
  ck_assert_int_eq(refresh_of(360 * SECOND), 288 * SECOND);
  ck_assert_int_eq(refresh_of(10 * SECOND), 8 * SECOND);
  ck_assert_int_eq(refresh_of(1), 0);
}
END_TEST

START_TEST(jitter_spreads_the_refresh) {
  start(0.05);
  int64_t lowest = INT64_MAX, highest = 0;
  for (int i = 0; i < 10000; i++) {
    int64_t after_us = refresh_of(10000 * SECOND);
    lowest = after_us < lowest ? after_us : lowest;
    highest = after_us > highest ? after_us : highest;
  }
  ck_assert_int_ge(lowest, 8000 * SECOND);
  ck_assert_int_le(highest, 8500 * SECOND);
  ck_assert_int_lt(lowest, 8010 * SECOND);
  ck_assert_int_gt(highest, 8490 * SECOND);
}
END_TEST

START_TEST(a_window_without_sense_does_not_leave_a_life) {
  schedule.limits.refresh_window = 7;
  ck_assert_int_eq(refresh_of(100 * SECOND), 100 * SECOND);
  schedule.limits.refresh_window = -1;
  ck_assert_int_eq(refresh_of(100 * SECOND), 0);
}
END_TEST

START_TEST(the_longest_lives_do_not_overflow) {
  ck_assert_int_gt(refresh_of(CLOCK_NEVER_US - 1), 0);
  ck_assert_int_le(refresh_of(CLOCK_NEVER_US - 1), INT64_C(3650) * 24 * 3600 * SECOND);
}
END_TEST

START_TEST(pauses_after_failures_grow_up_to_a_maximum) {
  int64_t expected_us = SECOND / 10;
  for (int i = 0; i < 12; i++) {
    token_schedule_begin(&schedule, NOW, PATIENCE);
    token_schedule_fail(&schedule, NOW, 0);
    int64_t pause_us = schedule.due_us - NOW;
    ck_assert_int_ge(pause_us, expected_us * 8 / 10);
    ck_assert_int_le(pause_us, expected_us * 12 / 10);
    expected_us = expected_us * 2 < 10 * SECOND ? expected_us * 2 : 10 * SECOND;
  }
}
END_TEST

START_TEST(a_pause_is_not_cut_by_a_need) {
  token_schedule_fail(&schedule, NOW, 0);
  int64_t due_us = schedule.due_us;
  token_schedule_need(&schedule, NOW + 1);
  ck_assert_int_eq(schedule.due_us, due_us);
}
END_TEST

START_TEST(the_server_may_ask_for_a_longer_pause) {
  token_schedule_fail(&schedule, NOW, 30 * SECOND);
  ck_assert_int_eq(schedule.due_us, NOW + 30 * SECOND);
  token_schedule_fail(&schedule, NOW, 1);
  ck_assert_int_gt(schedule.due_us, NOW + 1);
}
END_TEST

START_TEST(a_token_ends_a_row_of_failures) {
  for (int i = 0; i < 10; i++)
    token_schedule_fail(&schedule, NOW, 0);
  ck_assert_int_eq(refresh_of(10000 * SECOND), 8000 * SECOND);
  token_schedule_fail(&schedule, NOW, 0);
  ck_assert_int_le(schedule.due_us - NOW, SECOND / 10 * 12 / 10);
}
END_TEST

START_TEST(a_refused_token_is_replaced_at_once_but_not_in_a_storm) {
  int64_t last_us = 0;
  for (int i = 0; i < 12; i++) {
    refresh_of(10000 * SECOND);
    token_schedule_refuse(&schedule, NOW);
    token_schedule_need(&schedule, NOW); /* by the login that follows */
    last_us = schedule.due_us - NOW;
    if (i == 0) ck_assert_int_eq(last_us, 0);
    if (i > 0) ck_assert_int_ge(last_us, SECOND / 10 * 8 / 10);
    token_schedule_begin(&schedule, schedule.due_us, PATIENCE);
  }
  ck_assert_int_ge(last_us, 8 * SECOND);
  refresh_of(10000 * SECOND); /* this one is not refused, and serves */
  refresh_of(10000 * SECOND);
  token_schedule_refuse(&schedule, NOW);
  ck_assert_int_eq(schedule.due_us, NOW);
}
END_TEST

START_TEST(a_refusal_does_not_start_a_second_fetch) {
  refresh_of(10000 * SECOND);
  token_schedule_begin(&schedule, NOW, PATIENCE);
  token_schedule_refuse(&schedule, NOW);
  ck_assert_int_eq(schedule.due_us, NOW + PATIENCE);
  token_schedule_fail(&schedule, NOW, 0);
  int64_t due_us = schedule.due_us;
  token_schedule_refuse(&schedule, NOW);
  ck_assert_int_eq(schedule.due_us, due_us);
}
END_TEST

START_TEST(a_renewal_is_due_at_once) {
  token_schedule_renew(&schedule, NOW);
  ck_assert_int_eq(schedule.due_us, CLOCK_NEVER_US); /* nobody has needed one yet */
  token_schedule_need(&schedule, NOW);
  for (int i = 0; i < 5; i++)
    token_schedule_fail(&schedule, NOW, 0);
  token_schedule_renew(&schedule, NOW + 1);
  ck_assert_int_eq(schedule.due_us, NOW + 1);
  token_schedule_begin(&schedule, NOW + 1, CLOCK_NEVER_US);
  refresh_of(10000 * SECOND);
  token_schedule_renew(&schedule, NOW + 2);
  ck_assert_int_eq(schedule.due_us, NOW + 2);
}
END_TEST

START_TEST(a_fetch_that_began_before_a_renewal_is_followed_by_another) {
  token_schedule_need(&schedule, NOW);
  token_schedule_begin(&schedule, NOW, CLOCK_NEVER_US);
  token_schedule_renew(&schedule, NOW + 1);
  ck_assert_int_eq(schedule.due_us, CLOCK_NEVER_US);
  token_schedule_fail(&schedule, NOW + 2, 30 * SECOND);
  ck_assert_int_eq(schedule.due_us, NOW + 2);
  token_schedule_begin(&schedule, NOW + 2, CLOCK_NEVER_US);
  token_schedule_renew(&schedule, NOW + 3);
  token_schedule_succeed(&schedule, NOW + 4, CLOCK_NEVER_US);
  ck_assert_int_eq(schedule.due_us, NOW + 4);
  token_schedule_begin(&schedule, NOW + 4, CLOCK_NEVER_US);
  token_schedule_succeed(&schedule, NOW + 5, CLOCK_NEVER_US);
  ck_assert_int_eq(schedule.due_us, CLOCK_NEVER_US);
}
END_TEST

int main(void) {
  Suite *suite = suite_create("token_schedule");
  TCase *test_case = tcase_create("all");
  tcase_add_checked_fixture(test_case, set_up, NULL);
  tcase_add_test(test_case, nothing_is_due_before_a_token_is_needed);
  tcase_add_test(test_case, a_need_is_served_once);
  tcase_add_test(test_case, a_token_is_refreshed_at_its_share_of_life);
  tcase_add_test(test_case, the_buffer_before_expiry_is_kept);
  tcase_add_test(test_case, the_minimum_between_fetches_is_kept);
  tcase_add_test(test_case, a_life_shorter_than_both_limits_is_refreshed_by_its_share);
  tcase_add_test(test_case, jitter_spreads_the_refresh);
  tcase_add_test(test_case, a_window_without_sense_does_not_leave_a_life);
  tcase_add_test(test_case, the_longest_lives_do_not_overflow);
  tcase_add_test(test_case, pauses_after_failures_grow_up_to_a_maximum);
  tcase_add_test(test_case, a_pause_is_not_cut_by_a_need);
  tcase_add_test(test_case, the_server_may_ask_for_a_longer_pause);
  tcase_add_test(test_case, a_token_ends_a_row_of_failures);
  tcase_add_test(test_case, a_refused_token_is_replaced_at_once_but_not_in_a_storm);
  tcase_add_test(test_case, a_refusal_does_not_start_a_second_fetch);
  tcase_add_test(test_case, a_renewal_is_due_at_once);
  tcase_add_test(test_case, a_fetch_that_began_before_a_renewal_is_followed_by_another);
  suite_add_tcase(suite, test_case);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_ENV);
  int failures = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failures != 0;
}
