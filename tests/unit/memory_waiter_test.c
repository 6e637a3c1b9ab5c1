#include "base/lock.h"
#include "producer/memory_waiter.h"

#include "base/condition.h"
#include "base/status.h"
#include "producer/producer.h"
#include "support/accumulator_world.h"
#include <check.h>

/* base/condition.c as it is seen here: nobody waits, but it is counted who would have been woken. */
static struct {
  const struct condition *condition;
  uint32_t signals;
} counts[8];
static uint32_t condition_count;
static bool condition_init_fails;

int32_t condition_init(struct condition *condition) {
  if (condition_init_fails) return STATUS_OUT_OF_MEMORY;
  counts[condition_count].condition = condition;
  counts[condition_count++].signals = 0;
  return STATUS_OK;
}

static uint32_t find(const struct condition *condition) {
  uint32_t i = 0;
  while (i < condition_count && counts[i].condition != condition)
    i++;
  ck_assert_msg(i < condition_count, "not a condition that is in use");
  return i;
}

void condition_deinit(struct condition *condition) {
  uint32_t i = find(condition);
  condition_count--;
  counts[i] = counts[condition_count];
}

bool condition_wait(struct condition *condition, struct lock *mutex, int64_t deadline_us) {
  (void)condition, (void)mutex, (void)deadline_us;
  ck_abort_msg("waits");
}

void condition_signal(struct condition *condition) {
  counts[find(condition)].signals++;
}

void condition_broadcast(struct condition *condition) {
  condition_signal(condition);
}

/* How often a waiter was woken since it was asked last. */
static uint32_t woken(const struct memory_waiter *waiter) {
  uint32_t i = find(&waiter->served), signals = counts[i].signals;
  counts[i].signals = 0;
  return signals;
}

static struct producer producer;

static void set_up(void) {
  struct accumulator_settings settings = world_settings();
  list_init(&producer.memory_waiters);
  world_start(&producer.accumulator, &settings);
}

static void tear_down(void) {
  ck_assert(list_is_empty(&producer.memory_waiters));
  ck_assert_uint_eq(condition_count, 0);
  ck_assert_uint_eq(producer.accumulator.memory_waiters, 0);
  world_stop(&producer.accumulator);
}

static void join(struct memory_waiter *waiter, bool for_partition) {
  ck_assert_int_eq(memory_waiter_join(&producer, waiter, for_partition), STATUS_OK);
}

/* Woken or not, all of four. */
static void expect_woken(const struct memory_waiter *waiters, uint32_t a, uint32_t b, uint32_t c,
                         uint32_t d) {
  uint32_t expected[] = {a, b, c, d};
  for (int i = 0; i < 4; i++)
    ck_assert_uint_eq(woken(&waiters[i]), expected[i]);
}

START_TEST(only_the_first_is_served_when_memory_comes_free) {
  struct memory_waiter waiters[4];
  for (int i = 0; i < 4; i++)
    join(&waiters[i], false);
  memory_waiters_serve(&producer);
  expect_woken(waiters, 1, 0, 0, 0);
  memory_waiters_serve(&producer);
  expect_woken(waiters, 1, 0, 0, 0);
  for (int i = 0; i < 4; i++)
    memory_waiter_leave(&producer, &waiters[i]);
}
END_TEST

START_TEST(those_who_wait_for_a_partition_are_all_served_and_hold_nobody_up) {
  struct memory_waiter waiters[4];
  join(&waiters[0], true);
  join(&waiters[1], false);
  join(&waiters[2], true);
  join(&waiters[3], false);
  memory_waiters_serve(&producer);
  expect_woken(waiters, 1, 1, 1, 0);
  ck_assert(!memory_waiters_are_queued(&producer, &waiters[0]));
  ck_assert(!memory_waiters_are_queued(&producer, &waiters[1]));
  ck_assert(memory_waiters_are_queued(&producer, &waiters[2]));
  ck_assert(memory_waiters_are_queued(&producer, &waiters[3]));
  ck_assert(memory_waiters_are_queued(&producer, NULL));
  for (int i = 0; i < 4; i++)
    memory_waiter_leave(&producer, &waiters[i]);
}
END_TEST

START_TEST(nobody_queues_behind_those_who_wait_for_a_partition) {
  struct memory_waiter waiters[2];
  ck_assert(!memory_waiters_are_queued(&producer, NULL));
  join(&waiters[0], true);
  join(&waiters[1], true);
  ck_assert(!memory_waiters_are_queued(&producer, NULL));
  ck_assert(!memory_waiters_are_queued(&producer, &waiters[1]));
  waiters[0].for_partition = false; /* its partition has room now, the memory has not */
  ck_assert(memory_waiters_are_queued(&producer, NULL));
  ck_assert(memory_waiters_are_queued(&producer, &waiters[1]));
  ck_assert(!memory_waiters_are_queued(&producer, &waiters[0]));
  memory_waiter_leave(&producer, &waiters[0]);
  memory_waiter_leave(&producer, &waiters[1]);
}
END_TEST

/* What it did not need may be enough for the next, who else would not be told. */
START_TEST(who_leaves_lets_the_next_one_try) {
  struct memory_waiter waiters[3];
  for (int i = 0; i < 3; i++)
    join(&waiters[i], false);
  memory_waiter_leave(&producer, &waiters[0]);
  ck_assert_uint_eq(woken(&waiters[1]), 1);
  ck_assert_uint_eq(woken(&waiters[2]), 0);
  memory_waiter_leave(&producer, &waiters[2]);
  ck_assert_uint_eq(woken(&waiters[1]), 1);
  memory_waiter_leave(&producer, &waiters[1]);
}
END_TEST

START_TEST(all_are_woken_when_everybody_has_to_look) {
  struct memory_waiter waiters[4];
  for (int i = 0; i < 4; i++)
    join(&waiters[i], i == 2);
  memory_waiters_wake_all(&producer);
  expect_woken(waiters, 1, 1, 1, 1);
  for (int i = 0; i < 4; i++)
    memory_waiter_leave(&producer, &waiters[i]);
}
END_TEST

START_TEST(nothing_lingers_while_somebody_waits) {
  struct memory_waiter waiters[2];
  struct topic *topic = world_topic(&producer.accumulator, "topic", 2);
  world_accept(&producer.accumulator, topic, 0, 1, 100, 0);
  ck_assert(list_is_empty(&producer.accumulator.ready));
  join(&waiters[0], false);
  ck_assert(!list_is_empty(&producer.accumulator.ready));
  join(&waiters[1], true);
  memory_waiter_leave(&producer, &waiters[0]);
  world_accept(&producer.accumulator, topic, 1, 2, 100, 0);
  ck_assert_uint_eq(world_deliver_all(&producer.accumulator, 0), 2);
  memory_waiter_leave(&producer, &waiters[1]);
  world_accept(&producer.accumulator, topic, 0, 3, 100, 0);
  ck_assert(list_is_empty(&producer.accumulator.ready));
  ck_assert_uint_eq(world_deliver_all(&producer.accumulator, 0), 1);
}
END_TEST

START_TEST(without_memory_nobody_has_joined) {
  struct memory_waiter waiter;
  condition_init_fails = true;
  ck_assert_int_eq(memory_waiter_join(&producer, &waiter, false), STATUS_OUT_OF_MEMORY);
  ck_assert(list_is_empty(&producer.memory_waiters));
  ck_assert(!memory_waiters_are_queued(&producer, NULL));
}
END_TEST

int main(void) {
  Suite *suite = suite_create("memory_waiter");
  TCase *test_case = tcase_create("all");
  tcase_add_checked_fixture(test_case, set_up, tear_down);
  tcase_add_test(test_case, only_the_first_is_served_when_memory_comes_free);
  tcase_add_test(test_case, those_who_wait_for_a_partition_are_all_served_and_hold_nobody_up);
  tcase_add_test(test_case, nobody_queues_behind_those_who_wait_for_a_partition);
  tcase_add_test(test_case, who_leaves_lets_the_next_one_try);
  tcase_add_test(test_case, all_are_woken_when_everybody_has_to_look);
  tcase_add_test(test_case, nothing_lingers_while_somebody_waits);
  tcase_add_test(test_case, without_memory_nobody_has_joined);
  suite_add_tcase(suite, test_case);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_ENV);
  int failures = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failures != 0;
}
