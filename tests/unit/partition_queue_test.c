/* When partitions linger, are ready, are taken, and when the sender is woken for it. */
#include "accumulator/partition_queue.h"

#include "base/clock.h"
#include "base/random.h"
#include "base/status.h"
#include "support/accumulator_world.h"
#include "support/expect_abort.h"
#include <check.h>

enum { LINGER = WORLD_LINGER_US };

static struct accumulator accumulator;
static struct topic *topic;

static void set_up(void) {
  struct accumulator_settings settings = world_settings();
  world_start(&accumulator, &settings);
  topic = world_topic(&accumulator, "orders", 20);
}

static void tear_down(void) {
  world_stop(&accumulator);
}

static void restart(const struct accumulator_settings *settings) {
  world_stop(&accumulator);
  world_start(&accumulator, settings);
  topic = world_topic(&accumulator, "orders", 20);
}

static void accept(int32_t partition, int64_t now_us) {
  world_accept(&accumulator, topic, partition, 0, 100, now_us);
}

static enum partition_state state_of(int32_t partition) {
  return world_partition(topic, partition)->state;
}

/* The index of the next ready partition, given back at once; -1: none. */
static int32_t take_index(int64_t now_us) {
  accumulator_advance(&accumulator, now_us);
  struct partition *partition = accumulator_take(&accumulator);
  return partition == NULL ? -1 : partition->index;
}

static void finish(void) {
  for (int32_t i = 0; i < 20; i++)
    if (state_of(i) == PARTITION_TAKEN) accumulator_give_back(&accumulator, world_partition(topic, i), 0);
  world_deliver_all(&accumulator, 0);
}

/* ---- states ---- */

static const enum partition_state changes[][2] = {
    {PARTITION_IDLE, PARTITION_LINGERING}, {PARTITION_IDLE, PARTITION_READY},
    {PARTITION_LINGERING, PARTITION_IDLE}, {PARTITION_LINGERING, PARTITION_READY},
    {PARTITION_READY, PARTITION_IDLE},     {PARTITION_READY, PARTITION_TAKEN},
    {PARTITION_TAKEN, PARTITION_IDLE},
};

static void change(void *states) {
  const enum partition_state *pair = states;
  struct partition partition = {.state = pair[0]};
  list_init(&partition.state_node);
  partition_queue_set_state(&partition, pair[1]);
}

START_TEST(states_change_by_the_table_only) {
  for (int from = 0; from < PARTITION_STATE_COUNT; from++)
    for (int to = 0; to < PARTITION_STATE_COUNT; to++) {
      bool expected = false;
      for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++)
        if ((int)changes[i][0] == from && (int)changes[i][1] == to) expected = true;
      enum partition_state pair[] = {(enum partition_state)from, (enum partition_state)to};
      ck_assert(partition_queue_may_change(pair[0], pair[1]) == expected);
      if (expected) {
        change(pair);
      } else {
        expect_abort(change, pair, "allowed[partition->state][state]");
      }
    }
}
END_TEST

/* ---- linger ---- */

START_TEST(a_record_lingers_until_its_deadline) {
  accept(3, 1000);
  ck_assert_int_eq(state_of(3), PARTITION_LINGERING);
  accept(3, 1000 + LINGER - 1); /* a later record does not put it off */
  ck_assert_int_eq(take_index(1000 + LINGER - 1), -1);
  ck_assert_int_eq(take_index(1000 + LINGER), 3);
  ck_assert_int_eq(state_of(3), PARTITION_TAKEN);
  finish();
}
END_TEST

START_TEST(without_linger_a_record_is_ready_at_once) {
  struct accumulator_settings settings = world_settings();
  settings.linger_us = 0;
  restart(&settings);
  accept(3, 1000);
  ck_assert_int_eq(state_of(3), PARTITION_READY);
  ck_assert_int_eq(take_index(1000), 3);
  finish();
}
END_TEST

START_TEST(endless_linger_never_ends) {
  struct accumulator_settings settings = world_settings();
  settings.linger_us = CLOCK_NEVER_US;
  restart(&settings);
  accept(3, 1000);
  ck_assert_int_eq(take_index(INT64_MAX - 1), -1);
  finish();
}
END_TEST

/* Takes all lingering partitions as time goes by and expects their deadlines to ascend. */
static int take_all_by_deadline(int64_t now_us) {
  struct partition *taken[40];
  int count = 0;
  for (int64_t before_us = 0; !list_is_empty(&accumulator.lingering); now_us += 10) {
    accumulator_advance(&accumulator, now_us);
    while ((taken[count] = accumulator_take(&accumulator)) != NULL) {
      int64_t due_us = partition_queue_linger_us(&accumulator, taken[count++]);
      ck_assert_int_ge(due_us, before_us);
      ck_assert_int_le(due_us, now_us);
      before_us = due_us;
    }
  }
  for (int i = 0; i < count; i++)
    accumulator_give_back(&accumulator, taken[i], now_us);
  world_deliver_all(&accumulator, now_us);
  return count;
}

START_TEST(lingers_end_in_the_order_of_their_deadlines) {
  static const char *const names[] = {"a", "b", "c", "d", "e"};
  struct random random;
  random_seed(&random, 3);
  for (int round = 0; round < 5; round++) {
    int64_t now_us = 10000 * round;
    struct topic *staged = world_topic(&accumulator, names[round], 0);
    for (int32_t i = 0; i < 20; i++) {
      now_us += random_below(&random, 200);
      world_accept(&accumulator, staged, i % 3, 0, 100, now_us);
      accept(i, now_us - random_below(&random, 300)); /* threads read the clock in another order */
    }
    struct list settled;
    list_init(&settled);
    ck_assert_int_eq(accumulator_set_partition_count(&accumulator, staged, 3, now_us), STATUS_OK);
    ck_assert(accumulator_unstage(&accumulator, staged, &settled, 0)); /* older ones come late */
    ck_assert_int_eq(take_all_by_deadline(now_us - 4000), 20 + 3);
  }
}
END_TEST

START_TEST(a_second_batch_makes_the_first_ready) {
  world_accept(&accumulator, topic, 3, 0, 10000, 0);
  ck_assert_int_eq(state_of(3), PARTITION_LINGERING);
  world_accept(&accumulator, topic, 3, 0, 10000, 0);
  ck_assert_int_eq(state_of(3), PARTITION_READY);
  ck_assert_int_eq(take_index(0), 3);
  struct partition *partition = world_partition(topic, 3);
  struct batch *batch = world_drain(&accumulator, partition, 0);
  ck_assert_ptr_nonnull(batch);
  ck_assert_ptr_null(world_drain(&accumulator, partition, LINGER - 1)); /* the second one lingers */
  accumulator_give_back(&accumulator, partition, LINGER - 1);
  ck_assert_int_eq(state_of(3), PARTITION_LINGERING);
  ck_assert_int_eq(take_index(LINGER), 3);
  world_settle(&accumulator, batch, OUTCOME_DELIVERED);
  world_release(&accumulator, batch);
  finish();
}
END_TEST

START_TEST(a_full_batch_is_ready) {
  struct accumulator_settings settings = world_settings();
  settings.batch_records = 3;
  restart(&settings);
  accept(1, 0);
  accept(1, 0);
  ck_assert_int_eq(state_of(1), PARTITION_LINGERING);
  accept(1, 0);
  ck_assert_int_eq(state_of(1), PARTITION_READY);
  world_accept(&accumulator, topic, 2, 0, WORLD_BATCH_BYTES, 0); /* larger than a batch: nothing joins it */
  ck_assert_int_eq(state_of(2), PARTITION_READY);
  finish();
}
END_TEST

START_TEST(ready_partitions_take_turns) {
  struct accumulator_settings settings = world_settings();
  settings.linger_us = 0;
  restart(&settings);
  for (int32_t i = 0; i < 4; i++)
    for (int n = 0; n < 3; n++)
      world_accept(&accumulator, topic, i, 0, 10000, 0);
  for (int32_t turn = 0; turn < 12; turn++) {
    struct partition *partition = accumulator_take(&accumulator);
    ck_assert_int_eq(partition->index, turn % 4);
    struct batch *batch = world_drain(&accumulator, partition, 0);
    world_settle(&accumulator, batch, OUTCOME_DELIVERED);
    world_release(&accumulator, batch);
    accumulator_give_back(&accumulator, partition, 0);
  }
  ck_assert_ptr_null(accumulator_take(&accumulator));
}
END_TEST

START_TEST(a_taken_partition_stays_taken_whatever_comes) {
  world_accept(&accumulator, topic, 3, 0, 10000, 0);
  ck_assert_int_eq(take_index(LINGER), 3);
  for (int i = 0; i < 5; i++)
    world_accept(&accumulator, topic, 3, 0, 10000, 0);
  ck_assert_int_eq(state_of(3), PARTITION_TAKEN);
  ck_assert_int_eq(take_index(LINGER), -1);
  struct partition *partition = world_partition(topic, 3);
  ck_assert_ptr_eq(accumulator_peek(&accumulator, partition, 0),
                   accumulator_peek(&accumulator, partition, 0));
  accumulator_give_back(&accumulator, partition, 0);
  ck_assert_int_eq(state_of(3), PARTITION_READY);
  ck_assert_uint_eq(world_deliver_all(&accumulator, 0), 6);
}
END_TEST

/* What is peeked at is open until it is drained. */
START_TEST(a_batch_takes_records_until_it_is_drained) {
  accept(3, 0);
  ck_assert_int_eq(take_index(LINGER), 3);
  struct partition *partition = world_partition(topic, 3);
  struct batch *batch = accumulator_peek(&accumulator, partition, LINGER);
  accept(3, LINGER);
  ck_assert_uint_eq(batch->record_count, 2);
  accumulator_drain(&accumulator, batch);
  accept(3, LINGER);
  ck_assert_uint_eq(batch->record_count, 2);
  world_settle(&accumulator, batch, OUTCOME_DELIVERED);
  world_release(&accumulator, batch);
  finish();
}
END_TEST

static void drain_ready(void *context) {
  (void)context;
  struct partition *partition = world_partition(topic, 3);
  accept(3, 0);
  accumulator_drain(&accumulator, LIST_ENTRY(partition->batches.next, struct batch, queue_node));
}

START_TEST(only_taken_partitions_are_drained) {
  expect_abort(drain_ready, NULL, "partition->state == PARTITION_TAKEN");
}
END_TEST

/* ---- cutting ---- */

START_TEST(while_somebody_flushes_nothing_lingers) {
  accept(1, 0);
  accumulator_begin_cut(&accumulator);
  accumulator_begin_cut(&accumulator); /* two of them */
  ck_assert_int_eq(state_of(1), PARTITION_READY);
  accept(2, 0);
  ck_assert_int_eq(state_of(2), PARTITION_READY);
  accumulator_end_cut(&accumulator);
  accept(3, 0);
  ck_assert_int_eq(state_of(3), PARTITION_READY);
  accumulator_end_cut(&accumulator);
  accept(4, 0);
  ck_assert_int_eq(state_of(4), PARTITION_LINGERING);
  finish();
}
END_TEST

START_TEST(while_somebody_waits_for_memory_nothing_lingers) {
  accept(1, 0);
  accumulator_begin_wait(&accumulator);
  ck_assert_int_eq(state_of(1), PARTITION_READY);
  accept(2, 0);
  ck_assert_int_eq(state_of(2), PARTITION_READY);
  accumulator_end_wait(&accumulator);
  accept(3, 0);
  ck_assert_int_eq(state_of(3), PARTITION_LINGERING);
  finish();
}
END_TEST

START_TEST(after_the_flush_only_what_came_later_lingers) {
  accept(1, 0);
  accumulator_begin_cut(&accumulator);
  ck_assert_int_eq(take_index(0), 1);
  accumulator_end_cut(&accumulator); /* its time was up */
  struct partition *partition = world_partition(topic, 1);
  struct batch *batch = world_drain(&accumulator, partition, 0);
  ck_assert_ptr_nonnull(batch);
  accept(1, 0);
  ck_assert_ptr_null(accumulator_peek(&accumulator, partition, 0));
  accumulator_give_back(&accumulator, partition, 0);
  ck_assert_int_eq(state_of(1), PARTITION_LINGERING);
  world_settle(&accumulator, batch, OUTCOME_DELIVERED);
  world_release(&accumulator, batch);
  finish();
}
END_TEST

/* ---- sleeping ---- */

static bool woken(void) {
  bool wake_needed = accumulator.wake_needed;
  accumulator.wake_needed = false;
  return wake_needed;
}

START_TEST(the_sender_sleeps_no_longer_than_there_is_nothing_to_do) {
  ck_assert_int_eq(accumulator_prepare_sleep(&accumulator, CLOCK_NEVER_US, 0), CLOCK_NEVER_US);
  accumulator_end_sleep(&accumulator);
  ck_assert_int_eq(accumulator_prepare_sleep(&accumulator, 700, 0), 700);
  accumulator_end_sleep(&accumulator);
  ck_assert_int_eq(accumulator_prepare_sleep(&accumulator, 700, 700), 700); /* not at all */
  ck_assert_int_eq(accumulator.sleep_until_us, INT64_MIN);
  accept(1, 0);
  ck_assert_int_eq(accumulator_prepare_sleep(&accumulator, CLOCK_NEVER_US, 1), LINGER);
  accumulator_end_sleep(&accumulator);
  world_set_timeout(&accumulator, topic, 3000);
  accept(2, 0);
  ck_assert_int_eq(accumulator_prepare_sleep(&accumulator, CLOCK_NEVER_US, 1), 3000);
  accumulator_end_sleep(&accumulator);
  accumulator_advance(&accumulator, LINGER);
  ck_assert_int_eq(accumulator_prepare_sleep(&accumulator, CLOCK_NEVER_US, 1), 1); /* something is ready */
  ck_assert(!woken());
  finish();
  accumulator_want_metadata(&accumulator, topic);
  ck_assert_int_eq(accumulator_prepare_sleep(&accumulator, CLOCK_NEVER_US, 2), 2);
}
END_TEST

START_TEST(what_is_wanted_while_an_answer_is_on_its_way_is_wanted_after_it) {
  accumulator_want_metadata(&accumulator, topic);
  list_remove(&topic->wanted_node); /* the sender asks */
  accumulator_want_metadata(&accumulator, topic);
  ck_assert(list_is_empty(&accumulator.wanted)); /* one question will do */
  accumulator_end_want_metadata(topic);
  ck_assert(!topic->metadata_wanted);
  accumulator_want_metadata(&accumulator, topic);
  accumulator_end_want_metadata(topic); /* the answer to a question of before */
  ck_assert(topic->metadata_wanted);
  accumulator_want_metadata(&accumulator, topic);
  ck_assert_ptr_eq(accumulator.wanted.next, &topic->wanted_node);
  ck_assert_ptr_eq(accumulator.wanted.previous, &topic->wanted_node);
  list_remove(&topic->wanted_node);
  ck_assert(list_is_empty(&accumulator.wanted));
}
END_TEST

START_TEST(a_sleeping_sender_is_woken_once_and_only_if_it_would_come_too_late) {
  accumulator_prepare_sleep(&accumulator, 4000, 0);
  accept(1, 0); /* due at 5000 */
  ck_assert(!woken());
  accumulator_end_sleep(&accumulator);
  accumulator_prepare_sleep(&accumulator, CLOCK_NEVER_US, 0); /* until 5000 */
  accept(2, 10);
  ck_assert(!woken());
  accumulator_begin_cut(&accumulator);
  ck_assert(woken());
  accumulator_end_cut(&accumulator);
  accumulator_begin_cut(&accumulator);
  ck_assert(!woken()); /* it is on its way */
  accumulator_end_cut(&accumulator);
  finish();
  accumulator_end_sleep(&accumulator);
  accumulator_prepare_sleep(&accumulator, CLOCK_NEVER_US, 0);
  accept(3, 20);
  ck_assert(woken()); /* a first record: its linger ends before never */
  accumulator_end_sleep(&accumulator);
  accumulator_prepare_sleep(&accumulator, CLOCK_NEVER_US, 21);
  for (int i = 0; i < 3; i++)
    world_accept(&accumulator, topic, 3, 0, 10000, 22);
  ck_assert(woken()); /* a full batch */
  accumulator_end_sleep(&accumulator);
  accept(4, 30);
  ck_assert(!woken()); /* awake */
  finish();
}
END_TEST

START_TEST(a_sleeping_sender_is_woken_for_metadata_once_per_topic) {
  struct topic *unknown = world_topic(&accumulator, "unknown", 0);
  accumulator_prepare_sleep(&accumulator, CLOCK_NEVER_US, 0);
  world_accept(&accumulator, unknown, -1, 0, 10, 0);
  ck_assert(woken());
  accumulator_end_sleep(&accumulator);
  list_remove(&unknown->wanted_node); /* the sender has asked */
  accumulator_prepare_sleep(&accumulator, CLOCK_NEVER_US, 0);
  world_accept(&accumulator, unknown, -1, 0, 10, 0);
  ck_assert(!woken());
  struct list unsent;
  list_init(&unsent);
  accumulator_abort(&accumulator, unknown, true, &unsent);
  ck_assert_uint_eq(world_fail_all(&accumulator, &unsent), 2);
}
END_TEST

START_TEST(a_sleeping_sender_is_woken_for_a_nearer_expiry) {
  struct accumulator_settings settings = world_settings();
  settings.linger_us = CLOCK_NEVER_US;
  restart(&settings);
  accumulator_prepare_sleep(&accumulator, CLOCK_NEVER_US, 0);
  accept(1, 0);
  ck_assert(woken());
  accumulator_end_sleep(&accumulator);
  ck_assert_int_eq(accumulator_prepare_sleep(&accumulator, CLOCK_NEVER_US, 0), WORLD_TIMEOUT_US);
  accept(2, 5);
  ck_assert(!woken());
  finish();
}
END_TEST

int main(void) {
  Suite *suite = suite_create("partition_queue");
  TCase *test_case = tcase_create("all");
  tcase_add_checked_fixture(test_case, set_up, tear_down);
  tcase_add_test(test_case, states_change_by_the_table_only);
  tcase_add_test(test_case, a_record_lingers_until_its_deadline);
  tcase_add_test(test_case, without_linger_a_record_is_ready_at_once);
  tcase_add_test(test_case, endless_linger_never_ends);
  tcase_add_test(test_case, lingers_end_in_the_order_of_their_deadlines);
  tcase_add_test(test_case, a_second_batch_makes_the_first_ready);
  tcase_add_test(test_case, a_full_batch_is_ready);
  tcase_add_test(test_case, ready_partitions_take_turns);
  tcase_add_test(test_case, a_taken_partition_stays_taken_whatever_comes);
  tcase_add_test(test_case, a_batch_takes_records_until_it_is_drained);
  tcase_add_test(test_case, only_taken_partitions_are_drained);
  tcase_add_test(test_case, while_somebody_flushes_nothing_lingers);
  tcase_add_test(test_case, while_somebody_waits_for_memory_nothing_lingers);
  tcase_add_test(test_case, after_the_flush_only_what_came_later_lingers);
  tcase_add_test(test_case, the_sender_sleeps_no_longer_than_there_is_nothing_to_do);
  tcase_add_test(test_case, what_is_wanted_while_an_answer_is_on_its_way_is_wanted_after_it);
  tcase_add_test(test_case, a_sleeping_sender_is_woken_once_and_only_if_it_would_come_too_late);
  tcase_add_test(test_case, a_sleeping_sender_is_woken_for_metadata_once_per_topic);
  tcase_add_test(test_case, a_sleeping_sender_is_woken_for_a_nearer_expiry);
  suite_add_tcase(suite, test_case);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_ENV);
  int failures = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failures != 0;
}
