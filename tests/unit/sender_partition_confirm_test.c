/* sender_partition and a leader that refuses all that may be written: whether it still leads is asked first.
 */
#include "base/status.h"
#include "support/partition_world.h"
#include <check.h>

static struct partition_world world;
static struct batch *sent[4];

static void set_up(void) {
  partition_world_init(&world);
  world.context.confirms = true;
}

static void tear_down(void) {
  partition_world_verify(&world);
  partition_world_deinit(&world);
}

static void meet(enum fate fate) {
  ck_assert(partition_world_meet(&world, fate));
}

static void resend(void) {
  uint32_t none = 0;
  partition_world_send_all(&world, 1, &none);
}

/* One record is acknowledged; count batches of two are written, and all answers are lost. */
static void lose_answers(uint32_t count) {
  partition_world_send_new(&world, partition_world_make(&world, 1));
  meet(FATE_OK);
  for (uint32_t i = 0; i < count; i++) {
    sent[i] = partition_world_make(&world, 2);
    partition_world_send_new(&world, sent[i]);
  }
  meet(FATE_LOST_AFTER);
  while (partition_world_straggle(&world)) {
  }
}

/* A broker that is no leader any more refuses each batch, as long as one is sent. */
static void refuse_all(void) {
  do {
    resend();
  } while (partition_world_refuse(&world));
}

static void expect_waiting(uint32_t count) {
  ck_assert(sender_partition_is_confirming(&world.partition));
  ck_assert_ptr_null(sender_partition_next_retry(&world.partition));
  ck_assert(!sender_partition_may_send_new(&world.partition, 100));
  ck_assert(!sender_partition_has_question(&world.partition));
  ck_assert_uint_eq(world.partition.sent_count, count);
  ck_assert_uint_eq(world.epochs_raised, 0);
}

static void confirm(void) {
  partition_world_confirm(&world);
  ck_assert_int_eq(world.partition.query.state, OUTCOME_QUERY_NONE);
}

START_TEST(nothing_is_lost_before_the_leader_is_confirmed) {
  lose_answers(3);
  world.context.now_us = 77;
  refuse_all();
  expect_waiting(3);
  ck_assert_int_eq(world.partition.query.confirming_since_us, 77);
  confirm();
  for (int i = 0; i < 3; i++) {
    ck_assert_int_eq(sent[i]->outcome, OUTCOME_UNKNOWN);
    ck_assert_int_eq(sent[i]->status, STATUS_ACKNOWLEDGED_DATA_LOST);
  }
  ck_assert_uint_eq(world.epochs_raised, 1);
  partition_world_heal(&world);
}
END_TEST

START_TEST(what_a_deposed_leader_refused_is_sent_to_its_successor) {
  lose_answers(3);
  refuse_all();
  ck_assert(sender_partition_leader_changed(&world.partition));
  ck_assert_int_eq(world.partition.query.state, OUTCOME_QUERY_NONE);
  resend();
  ck_assert_uint_eq(world.partition.in_flight, 1); /* alone: its answer says what the successor has */
  partition_world_heal(&world);
  for (int i = 0; i < 3; i++)
    ck_assert_int_eq(sent[i]->outcome, OUTCOME_DELIVERED);
  ck_assert_uint_eq(world.log_count, 7);
  ck_assert_uint_eq(world.epochs_raised, 0);
}
END_TEST

START_TEST(the_successor_is_asked_anew_what_it_has) {
  world.context.asks = true;
  lose_answers(1);
  refuse_all();
  world.partition.query.attempts = OUTCOME_QUERY_ATTEMPTS_MAXIMUM;
  ck_assert(partition_world_reply(&world, REPLY_NONE));
  expect_waiting(1);
  ck_assert(sender_partition_leader_changed(&world.partition));
  refuse_all();
  ck_assert(sender_partition_has_question(&world.partition));
  ck_assert(partition_world_reply(&world, REPLY_TRUTH));
  partition_world_heal(&world);
  ck_assert_int_eq(sent[0]->outcome, OUTCOME_DELIVERED);
}
END_TEST

START_TEST(a_leader_that_remembers_nothing_is_doubted_too) {
  world.context.asks = true;
  lose_answers(2);
  refuse_all();
  struct producer_state kept = world.broker;
  world.broker = (struct producer_state){0};
  ck_assert(partition_world_reply(&world, REPLY_TRUTH));
  world.broker = kept;
  expect_waiting(2);
  ck_assert(sender_partition_leader_changed(&world.partition));
  partition_world_heal(&world);
  ck_assert_int_eq(sent[0]->outcome, OUTCOME_DELIVERED);
  ck_assert_int_eq(sent[1]->outcome, OUTCOME_DELIVERED);
  ck_assert_uint_eq(world.log_count, 5);
}
END_TEST

START_TEST(a_delivery_timeout_ends_the_waiting) {
  lose_answers(1);
  refuse_all();
  expect_waiting(1);
  ck_assert(partition_world_expire(&world));
  ck_assert_int_eq(sent[0]->outcome, OUTCOME_UNKNOWN);
  ck_assert_int_eq(sent[0]->status, STATUS_DELIVERY_TIMED_OUT);
  ck_assert(!sender_partition_is_confirming(&world.partition));
  partition_world_heal(&world);
}
END_TEST

START_TEST(the_rest_waits_on_when_one_times_out) {
  lose_answers(2);
  refuse_all();
  ck_assert(partition_world_expire(&world));
  expect_waiting(1);
  confirm();
  ck_assert_int_eq(sent[1]->outcome, OUTCOME_UNKNOWN);
  partition_world_heal(&world);
}
END_TEST

START_TEST(what_was_never_written_needs_no_confirmation) {
  partition_world_send_new(&world, partition_world_make(&world, 1));
  meet(FATE_OK);
  sent[0] = partition_world_make(&world, 2);
  partition_world_send_new(&world, sent[0]);
  meet(FATE_FORGOTTEN);
  ck_assert(!sender_partition_is_confirming(&world.partition));
  ck_assert_uint_eq(world.epochs_raised, 1);
  partition_world_heal(&world);
  ck_assert_int_eq(sent[0]->outcome, OUTCOME_DELIVERED);
}
END_TEST

/* A newer epoch in a log is not taken back by an election. */
START_TEST(a_fenced_producer_needs_no_confirmation) {
  lose_answers(1);
  resend();
  meet(FATE_FENCED);
  ck_assert(!sender_partition_is_confirming(&world.partition));
  ck_assert_int_eq(sent[0]->outcome, OUTCOME_UNKNOWN);
  partition_world_heal(&world);
}
END_TEST

START_TEST(a_new_leader_means_nothing_to_what_goes_well) {
  lose_answers(1);
  ck_assert(!sender_partition_leader_changed(&world.partition));
  ck_assert_int_eq(sent[0]->state, BATCH_RETRY);
  partition_world_heal(&world);
  ck_assert_int_eq(sent[0]->outcome, OUTCOME_DELIVERED);
}
END_TEST

/* The first was refused by one leader, the second by the next, which never saw the first. */
START_TEST(refusals_of_two_leaders_do_not_add_up) {
  partition_world_send_new(&world, partition_world_make(&world, 1));
  meet(FATE_OK);
  for (int i = 0; i < 2; i++) {
    sent[i] = partition_world_make(&world, 2);
    partition_world_send_new(&world, sent[i]);
  }
  meet(FATE_STRAGGLER); /* of both */
  resend();
  ck_assert(partition_world_refuse(&world));
  ck_assert_int_eq(sent[0]->state, BATCH_HELD);
  world.straggler_at = world.straggler_end;
  ck_assert(!sender_partition_leader_changed(&world.partition)); /* nobody had doubted it */
  ck_assert_int_eq(sent[0]->state, BATCH_RETRY);
  partition_world_heal(&world);
  for (int i = 0; i < 2; i++)
    ck_assert_int_eq(sent[i]->outcome, OUTCOME_DELIVERED);
  ck_assert_uint_eq(world.epochs_raised, 0);
}
END_TEST

/* ---- whatever comes ---- */

/* Refusals by leaders that are none any more, between all kinds of fates: nothing is ever lost or twice, and
 * while the true leader is always found in the end, nothing is unknown. */
START_TEST(deposed_leaders_lose_nothing) {
  enum { HISTORIES = 2000, STEPS = 40 };
  struct random chance;
  uint64_t waits = 0;
  random_seed(&chance, 5);
  for (int history = 0; history < HISTORIES; history++) {
    partition_world_deinit(&world);
    set_up();
    world.context.asks = random_below(&chance, 2) == 0;
    uint32_t left = 20;
    for (int step = 0; step < STEPS; step++) {
      if (random_below(&chance, 2) == 0) partition_world_send_all(&world, 1, &left);
      for (uint32_t refusals = random_below(&chance, 8); refusals > 4; refusals--)
        partition_world_refuse(&world);
      if (random_below(&chance, 4) == 0) partition_world_straggle(&world);
      partition_world_reply(&world, (enum reply)random_below(&chance, REPLY_COUNT));
      if (sender_partition_is_confirming(&world.partition)) {
        waits++;
        ck_assert(sender_partition_leader_changed(&world.partition));
      }
      partition_world_meet(&world, (enum fate)random_below(&chance, FATE_ORDINARY_COUNT));
    }
    world.context.confirms = false; /* from now on the leader is the true one */
    sender_partition_leader_changed(&world.partition);
    partition_world_heal(&world);
    partition_world_verify(&world);
    ck_assert_uint_eq(partition_world_count(&world, OUTCOME_UNKNOWN), 0);
    ck_assert_uint_eq(partition_world_count(&world, OUTCOME_NOT_DELIVERED), 0);
  }
  ck_assert_uint_gt(waits, HISTORIES / 10);
}
END_TEST

int main(void) {
  Suite *suite = suite_create("sender_partition_confirm");
  TCase *all = tcase_create("all");
  tcase_set_timeout(all, 60);
  tcase_add_checked_fixture(all, set_up, tear_down);
  tcase_add_test(all, nothing_is_lost_before_the_leader_is_confirmed);
  tcase_add_test(all, what_a_deposed_leader_refused_is_sent_to_its_successor);
  tcase_add_test(all, the_successor_is_asked_anew_what_it_has);
  tcase_add_test(all, a_leader_that_remembers_nothing_is_doubted_too);
  tcase_add_test(all, a_delivery_timeout_ends_the_waiting);
  tcase_add_test(all, the_rest_waits_on_when_one_times_out);
  tcase_add_test(all, what_was_never_written_needs_no_confirmation);
  tcase_add_test(all, a_fenced_producer_needs_no_confirmation);
  tcase_add_test(all, a_new_leader_means_nothing_to_what_goes_well);
  tcase_add_test(all, refusals_of_two_leaders_do_not_add_up);
  tcase_add_test(all, deposed_leaders_lose_nothing);
  suite_add_tcase(suite, all);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_ENV);
  int failed = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failed != 0;
}
