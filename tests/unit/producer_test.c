#include "producer/producer.h"

#include "base/clock.h"
#include "base/status.h"
#include "producer/config.h"
#include "producer/waiting.h"
#include "support/failing_allocator.h"
#include "support/producer_world.h"
#include <check.h>
#include <sched.h>
#include <stdatomic.h>

/* A producer's life: create, states, destroy. */

static void *handle;
static _Atomic int released;

static void count_release(void *user) {
  ck_assert_ptr_eq(user, &released);
  released++;
}

static const struct producer_callbacks counted = {.user = &released, .release = count_release};

static void set_up(void) {
  world_broker_start();
}

static void tear_down(void) {
  producer_destroy(handle);
  world_broker_stop();
}

static void await_release(void) {
  while (released == 0)
    sched_yield();
  ck_assert_int_eq(released, 1);
}

START_TEST(states_change_only_forwards) {
  static const enum producer_state next[] = {PRODUCER_CLOSING, PRODUCER_CLOSED, PRODUCER_STATE_COUNT};
  for (int from = 0; from < PRODUCER_STATE_COUNT; from++)
    for (int to = 0; to < PRODUCER_STATE_COUNT; to++)
      ck_assert_int_eq(producer_state_may_change((enum producer_state)from, (enum producer_state)to),
                       to == (int)next[from]);
}
END_TEST

START_TEST(a_destroyed_handle_is_stale_and_release_comes_once) {
  handle = world_create(&counted, NULL);
  world_send(handle, 1, 0);
  world_flush(handle);
  producer_destroy(handle);
  await_release();
  struct producer *producer;
  ck_assert_int_eq(handle_lock(handle, &producer), STATUS_CLOSED);
  producer_destroy(handle); /* again: harmless */
  producer_destroy(NULL);
  ck_assert_int_eq(released, 1);
}
END_TEST

START_TEST(destroy_without_close_waits_for_nothing) {
  broker_server_pause(world_broker());
  handle = world_create(&counted, NULL);
  world_send(handle, 100, 0);
  producer_destroy(handle); /* the broker answers nothing, and yet this returns */
  await_release();
  broker_server_continue(world_broker());
}
END_TEST

START_TEST(a_bad_setting_is_named_and_release_is_called) {
  struct config *config = world_config((const char *const[]){"batch.size=2000000", NULL});
  struct config_error error = {.text = ""};
  ck_assert_int_eq(config_set(config, "buffer.memory", "65536", &error), STATUS_OK);
  void *unmade = NULL;
  ck_assert_int_eq(producer_create(config, &counted, &unmade, &error), STATUS_INVALID_SETTING);
  ck_assert_ptr_null(unmade);
  ck_assert_msg(strstr(error.text, "batch.size") != NULL || strstr(error.text, "buffer.memory") != NULL, "%s",
                error.text);
  ck_assert_int_eq(released, 1);
  config_destroy(config);
}
END_TEST

START_TEST(create_survives_each_failing_allocation) {
  struct config *config = world_config(NULL);
  uint32_t failures = 0;
  bool failed = true;
  for (uint32_t n = 0; failed; n++) {
    void *made = NULL;
    released = 0;
    struct config_error error = {.text = ""};
    failing_allocator_start(n);
    int32_t status = producer_create(config, &counted, &made, &error);
    if (status == STATUS_OK) {
      producer_destroy(made);
      await_release(); /* the sender thread allocates until then */
    } else {
      ck_assert_int_eq(status, STATUS_OUT_OF_MEMORY);
      ck_assert_int_eq(released, 1);
      failures++;
    }
    failed = failing_allocator_stop();
  }
  ck_assert_uint_gt(failures, 10);
  config_destroy(config);
}
END_TEST

START_TEST(an_earlier_deadline_shortens_a_close_and_a_later_one_does_not) {
  struct producer *producer = world_build(NULL, NULL);
  world_lock(handle_of(producer->slot));
  producer_begin_close(producer, 1000);
  ck_assert_int_eq(producer->state, PRODUCER_CLOSING);
  producer_begin_close(producer, 5000);
  ck_assert_int_eq(producer->close_deadline_us, 1000);
  producer_begin_close(producer, 500);
  ck_assert_int_eq(producer->close_deadline_us, 500);
  world_unlock(producer);
  world_tear_down(producer);
}
END_TEST

START_TEST(deadlines_do_not_overflow) {
  ck_assert_int_eq(producer_deadline_us(1000, 5), 6000);
  ck_assert_int_eq(producer_deadline_us(1000, 0), 1000);
  ck_assert_int_eq(producer_deadline_us(1000, -1), CLOCK_NEVER_US);
  ck_assert_int_eq(producer_deadline_us(1000, INT64_MAX), CLOCK_NEVER_US);
  ck_assert_int_eq(producer_deadline_us(1000, INT64_MAX / 1000), CLOCK_NEVER_US);
}
END_TEST

START_TEST(timestamps_follow_the_wall_clock) {
  struct producer *producer = world_build(NULL, NULL);
  world_lock(handle_of(producer->slot));
  int64_t before_ms = clock_wall_ms();
  int64_t first_ms = producer_wall_ms(producer, clock_monotonic_us());
  int64_t second_ms = producer_wall_ms(producer, clock_monotonic_us());
  ck_assert_int_ge(first_ms, before_ms - 1); /* the two clocks are read one after the other */
  ck_assert_int_le(first_ms, clock_wall_ms() + 1);
  ck_assert_int_ge(second_ms, first_ms);
  producer->wall_offset_us -= 3600 * INT64_C(1000000); /* as after a step of the wall clock: noticed soon */
  int64_t later_us = producer->wall_read_us + 10001;
  ck_assert_int_ge(producer_wall_ms(producer, later_us), before_ms - 1);
  world_unlock(producer);
  world_tear_down(producer);
}
END_TEST

static Suite *producer_suite(void) {
  Suite *suite = suite_create("producer");
  TCase *checks = tcase_create("all");
  tcase_add_checked_fixture(checks, set_up, tear_down);
  tcase_set_timeout(checks, 120);
  tcase_add_test(checks, states_change_only_forwards);
  tcase_add_test(checks, a_destroyed_handle_is_stale_and_release_comes_once);
  tcase_add_test(checks, destroy_without_close_waits_for_nothing);
  tcase_add_test(checks, a_bad_setting_is_named_and_release_is_called);
  tcase_add_test(checks, create_survives_each_failing_allocation);
  tcase_add_test(checks, an_earlier_deadline_shortens_a_close_and_a_later_one_does_not);
  tcase_add_test(checks, deadlines_do_not_overflow);
  tcase_add_test(checks, timestamps_follow_the_wall_clock);
  suite_add_tcase(suite, checks);
  return suite;
}

int main(void) {
  SRunner *runner = srunner_create(producer_suite());
  srunner_run_all(runner, CK_ENV);
  int failures = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failures != 0;
}
