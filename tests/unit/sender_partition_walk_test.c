/* sender_partition against the broker's rules, whatever the network does: every fate of five batches in
 * flight, and long random histories. */
#include "base/status.h"
#include "support/partition_world.h"
#include <check.h>

static struct partition_world world;
static uint64_t replies[REPLY_COUNT]; /* to questions of the histories */

static void establish(void) {
  partition_world_send_new(&world, partition_world_make(&world, 1));
  partition_world_meet(&world, FATE_OK);
}

/* A cut empties the pipe: what would follow it has no meaning, and is left to the number with zeroes there.
 */
static bool is_repetition(uint32_t number) {
  bool is_cut = false;
  for (uint32_t i = 0; i < WORLD_IN_FLIGHT; i++, number /= FATE_ORDINARY_COUNT) {
    enum fate fate = (enum fate)(number % FATE_ORDINARY_COUNT);
    if (is_cut && fate != FATE_OK) return true;
    is_cut = is_cut || fate == FATE_LOST_AFTER || fate == FATE_LOST_BEFORE || fate == FATE_STRAGGLER;
  }
  return false;
}

/* The fates, as digits of a number in base FATE_ORDINARY_COUNT, for the five requests of the first round. */
static void run_fates(uint32_t fates, bool asks, bool reload, uint32_t straggling) {
  uint32_t new_count = WORLD_IN_FLIGHT;
  partition_world_init(&world);
  world.context.asks = asks;
  establish();
  partition_world_send_all(&world, 2, &new_count);
  for (uint32_t i = 0, left = fates; i < WORLD_IN_FLIGHT; i++, left /= FATE_ORDINARY_COUNT)
    partition_world_meet(&world, (enum fate)(left % FATE_ORDINARY_COUNT));
  for (uint32_t i = 0; i < straggling; i++)
    partition_world_straggle(&world);
  if (reload) partition_world_reload(&world);
  partition_world_heal(&world);
  partition_world_verify(&world);
  uint64_t delivered = partition_world_count(&world, OUTCOME_DELIVERED) +
                       partition_world_count(&world, OUTCOME_DELIVERED_OFFSET_UNKNOWN);
  if (delivered != world.record_count || world.log_count != world.record_count || world.epochs_raised > 0)
    ck_abort_msg("%u: %llu of %llu records delivered, %llu epochs", fates, (unsigned long long)delivered,
                 (unsigned long long)world.record_count, (unsigned long long)world.epochs_raised);
  partition_world_deinit(&world);
}

/* _i: how many stragglers the broker handles before the batches are sent again. */
START_TEST(every_fate_of_five_in_flight_ends_with_each_record_delivered_once) {
  uint32_t count = 1;
  for (int i = 0; i < WORLD_IN_FLIGHT; i++)
    count *= FATE_ORDINARY_COUNT;
  for (uint32_t number = 0; number < count; number++) {
    if (is_repetition(number)) continue;
    for (int asks = 0; asks < 2; asks++) {
      run_fates(number, asks, false, (uint32_t)_i);
      run_fates(number, asks, true, (uint32_t)_i);
    }
  }
}
END_TEST

/* Which things happen in a history besides ordinary faults. */
struct mischief {
  bool reloads, expires, splits, fails, forgets;
  bool asks, hears_stale; /* the leader is asked; some answers are of a replica that is behind */
  int16_t first_epoch;
  int32_t first_sequence;
};

/* Whether the next request in the pipe can be split. */
static bool can_split(void) {
  if (world.pipe_at == world.pipe_end) return false;
  const struct batch *batch = world.pipe[world.pipe_at].batch;
  return batch->record_count > 1 && !batch->ambiguous;
}

static enum fate random_fate(struct random *random, const struct mischief *mischief) {
  uint64_t roll = random_below(random, 100);
  if (roll < 55) return FATE_OK;
  if (roll < 90) return (enum fate)(random_below(random, FATE_ORDINARY_COUNT));
  if (mischief->splits && roll < 93 && (mischief->fails || can_split())) return FATE_TOO_LARGE;
  if (mischief->fails && roll < 96) return (enum fate)(FATE_INVALID + random_below(random, 3));
  if (mischief->forgets && roll < 98) return (enum fate)(FATE_FORGOTTEN + random_below(random, 2));
  return FATE_OK;
}

static void meet_question(struct random *random, const struct mischief *mischief) {
  if (random_below(random, 8) == 0) partition_world_note_state(&world);
  if (random_below(random, 2) == 0) return;
  enum reply reply =
      random_below(random, 3) > 0 ? REPLY_TRUTH : (enum reply)random_below(random, REPLY_COUNT);
  if (reply == REPLY_STALE && !mischief->hears_stale) reply = REPLY_TRUTH;
  if (partition_world_reply(&world, reply)) replies[reply]++;
}

static void run_history(uint64_t seed, const struct mischief *mischief) {
  struct random random;
  random_seed(&random, seed);
  partition_world_init(&world);
  world.context.asks = mischief->asks;
  establish();
  if (mischief->first_epoch > 0 || mischief->first_sequence > 0) {
    /* As if the partition had a long life behind it. */
    world.partition.producer_epoch = mischief->first_epoch;
    world.partition.next_sequence = mischief->first_sequence;
    world.partition.established = false;
    producer_state_deinit(&world.broker);
  }
  uint32_t new_count = 40;
  for (int step = 0; step < 150; step++) {
    uint64_t roll = random_below(&random, 20);
    if (roll < 8) partition_world_send_all(&world, 1 + (uint32_t)random_below(&random, 4), &new_count);
    if (roll >= 8 && roll < 16) partition_world_meet(&world, random_fate(&random, mischief));
    if (roll == 16 || roll == 17) partition_world_straggle(&world);
    if (roll == 18 && mischief->reloads) partition_world_reload(&world);
    if (roll == 19 && mischief->expires && random_below(&random, 4) == 0) partition_world_expire(&world);
    if (mischief->asks) meet_question(&random, mischief);
  }
  partition_world_heal(&world);
  partition_world_verify(&world);
}

enum { HISTORIES = 2000 };

START_TEST(without_losses_of_the_broker_or_time_every_record_is_delivered) {
  struct mischief mischief = {.reloads = true, .splits = true};
  for (uint64_t seed = 0; seed < HISTORIES; seed++) {
    run_history(seed, &mischief);
    uint64_t delivered = partition_world_count(&world, OUTCOME_DELIVERED) +
                         partition_world_count(&world, OUTCOME_DELIVERED_OFFSET_UNKNOWN);
    ck_assert_msg(delivered == world.record_count, "seed %llu", (unsigned long long)seed);
    ck_assert_uint_eq(world.epochs_raised, 0);
    partition_world_deinit(&world);
  }
}
END_TEST

START_TEST(with_answers_of_the_leader_every_record_is_delivered) {
  struct mischief mischief = {.reloads = true, .splits = true, .asks = true};
  for (uint64_t seed = 40000; seed < 40000 + HISTORIES; seed++) {
    run_history(seed, &mischief);
    uint64_t delivered = partition_world_count(&world, OUTCOME_DELIVERED) +
                         partition_world_count(&world, OUTCOME_DELIVERED_OFFSET_UNKNOWN);
    ck_assert_msg(delivered == world.record_count, "seed %llu", (unsigned long long)seed);
    ck_assert_uint_eq(world.epochs_raised, 0);
    partition_world_deinit(&world);
  }
  ck_assert_uint_gt(replies[REPLY_TRUTH], HISTORIES / 10);
  ck_assert_uint_gt(replies[REPLY_NONE], HISTORIES / 100);
  ck_assert_uint_gt(replies[REPLY_LOST], HISTORIES / 100);
}
END_TEST

START_TEST(answers_of_replicas_that_are_behind_leave_no_false_report) {
  struct mischief mischief = {.reloads = true,
                              .expires = true,
                              .splits = true,
                              .fails = true,
                              .forgets = true,
                              .asks = true,
                              .hears_stale = true,
                              .first_sequence = INT32_MAX - 20};
  for (uint64_t seed = 50000; seed < 50000 + HISTORIES; seed++) {
    run_history(seed, &mischief);
    partition_world_deinit(&world);
  }
  ck_assert_uint_gt(replies[REPLY_STALE], HISTORIES / 100);
}
END_TEST

START_TEST(timeouts_and_errors_leave_no_false_report) {
  struct mischief mischief = {.reloads = true, .expires = true, .splits = true, .fails = true};
  uint64_t epochs_raised = 0, unknown = 0, resolved = 0;
  for (uint64_t seed = 10000; seed < 10000 + HISTORIES; seed++) {
    run_history(seed, &mischief);
    epochs_raised += world.epochs_raised;
    resolved += world.outcomes_resolved;
    unknown += partition_world_count(&world, OUTCOME_UNKNOWN);
    partition_world_deinit(&world);
  }
  ck_assert_uint_gt(epochs_raised, HISTORIES / 2);
  ck_assert_uint_gt(resolved, HISTORIES);
  ck_assert_uint_gt(unknown, HISTORIES / 2);
}
END_TEST

START_TEST(forgotten_and_fenced_producers_leave_no_false_report) {
  struct mischief mischief = {.reloads = true, .expires = true, .fails = true, .forgets = true};
  for (uint64_t seed = 20000; seed < 20000 + HISTORIES; seed++) {
    run_history(seed, &mischief);
    partition_world_deinit(&world);
  }
}
END_TEST

START_TEST(last_epochs_and_sequences_leave_no_false_report) {
  struct mischief mischief = {.reloads = true,
                              .expires = true,
                              .splits = true,
                              .fails = true,
                              .first_epoch = INT16_MAX - 2,
                              .first_sequence = INT32_MAX - 20};
  uint64_t producer_ids = 0;
  for (uint64_t seed = 30000; seed < 30000 + HISTORIES; seed++) {
    run_history(seed, &mischief);
    producer_ids += (uint64_t)world.next_producer_id - 7;
    partition_world_deinit(&world);
  }
  ck_assert_uint_gt(producer_ids, HISTORIES + 100);
}
END_TEST

int main(void) {
  Suite *suite = suite_create("sender_partition_walk");
  TCase *test_case = tcase_create("all");
  tcase_add_loop_test(test_case, every_fate_of_five_in_flight_ends_with_each_record_delivered_once, 0, 5);
  tcase_add_test(test_case, without_losses_of_the_broker_or_time_every_record_is_delivered);
  tcase_add_test(test_case, with_answers_of_the_leader_every_record_is_delivered);
  tcase_add_test(test_case, answers_of_replicas_that_are_behind_leave_no_false_report);
  tcase_add_test(test_case, timeouts_and_errors_leave_no_false_report);
  tcase_add_test(test_case, forgotten_and_fenced_producers_leave_no_false_report);
  tcase_add_test(test_case, last_epochs_and_sequences_leave_no_false_report);
  suite_add_tcase(suite, test_case);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_ENV);
  int failures = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failures != 0;
}
