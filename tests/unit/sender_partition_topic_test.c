/* What a partition does with the batches it has sent when its topic was made again, and when one is cut. */
#include "sender/sender_partition.h"

#include "base/status.h"
#include "support/partition_world.h"
#include <check.h>

enum { BATCHES = 5 };

static struct partition_world world;
static struct batch *sent[BATCHES];

static void set_up(void) {
  partition_world_init(&world);
}

static void tear_down(void) {
  partition_world_verify(&world);
  partition_world_deinit(&world);
}

/* After a first batch of one record was acknowledged, so that more than one may travel. */
static void establish(void) {
  partition_world_send_new(&world, partition_world_make(&world, 1));
  ck_assert(partition_world_meet(&world, FATE_OK));
  ck_assert_uint_eq(partition_world_count(&world, OUTCOME_DELIVERED), 1);
}

/* Batches of two records in flight. */
static void send(uint32_t count) {
  for (uint32_t i = 0; i < count; i++) {
    sent[i] = partition_world_make(&world, 2);
    partition_world_send_new(&world, sent[i]);
  }
}

static void meet(enum fate fate) {
  ck_assert(partition_world_meet(&world, fate));
}

/* Everything that waits for another attempt goes out. */
static void resend(void) {
  uint32_t none = 0;
  partition_world_send_all(&world, 1, &none);
}

START_TEST(recreated_topic_ends_what_may_be_written_and_sends_the_rest_anew) {
  establish();
  send(4);
  meet(FATE_LOST_BEFORE);
  resend();
  meet(FATE_REFUSED);
  meet(FATE_TIMED_OUT); /* out of order: not written */
  sent[2]->ambiguous = true;
  sender_partition_topic_recreated(&world.partition, &world.context);
  ck_assert_int_eq(sent[2]->outcome, OUTCOME_UNKNOWN);
  ck_assert_int_eq(sent[2]->status, STATUS_TOPIC_RECREATED);
  ck_assert_int_eq(sent[3]->outcome, OUTCOME_UNKNOWN); /* in flight */
  for (int i = 0; i < 2; i++) {
    ck_assert_int_eq(sent[i]->state, BATCH_RETRY);
    ck_assert_int_eq(sent[i]->producer_epoch, 1);
    ck_assert_int_eq(sent[i]->base_sequence, 2 * i);
  }
  meet(FATE_OK);
  meet(FATE_OK);
  world.log_count = 1; /* those two went to the old topic */
  producer_state_deinit(&world.broker);
  partition_world_heal(&world);
  ck_assert_uint_eq(partition_world_count(&world, OUTCOME_DELIVERED), 5);
}
END_TEST

START_TEST(recreated_topic_ends_what_was_lost_on_the_way_to_the_old_one) {
  establish();
  send(2);
  meet(FATE_STRAGGLER);
  sender_partition_topic_recreated(&world.partition, &world.context);
  ck_assert_int_eq(sent[0]->outcome, OUTCOME_UNKNOWN);
  ck_assert_int_eq(sent[1]->status, STATUS_TOPIC_RECREATED);
  ck_assert_int_eq(world.partition.producer_epoch, 1);
  world.straggler_at = world.straggler_end;
  send(1);
  partition_world_heal(&world);
}
END_TEST

START_TEST(recreated_topic_before_anything_was_sent_changes_nothing) {
  sender_partition_topic_recreated(&world.partition, &world.context);
  ck_assert(sender_partition_needs_identity(&world.partition));
  ck_assert_uint_eq(world.epochs_raised, 0);
  send(1);
  partition_world_heal(&world);
}
END_TEST

START_TEST(held_batch_that_was_never_written_survives_a_recreated_topic) {
  establish();
  send(2);
  meet(FATE_FORGOTTEN);
  ck_assert_int_eq(sent[0]->state, BATCH_HELD);
  meet(FATE_LOST_BEFORE);
  sender_partition_topic_recreated(&world.partition, &world.context);
  partition_world_heal(&world);
  ck_assert_uint_eq(partition_world_count(&world, OUTCOME_DELIVERED), 5);
}
END_TEST

START_TEST(split_batches_take_the_halves_of_the_sequences) {
  establish();
  sent[0] = partition_world_make(&world, 7);
  partition_world_send_new(&world, sent[0]);
  sent[1] = partition_world_make(&world, 2);
  partition_world_send_new(&world, sent[1]);
  meet(FATE_TOO_LARGE);
  meet(FATE_OK); /* out of order */
  ck_assert_uint_eq(world.partition.sent_count, 3);
  ck_assert_int_eq(sent[1]->base_sequence, 8);
  resend();
  meet(FATE_OK);
  ck_assert_uint_eq(partition_world_count(&world, OUTCOME_DELIVERED), 4);
  partition_world_heal(&world);
  ck_assert_uint_eq(partition_world_count(&world, OUTCOME_DELIVERED), 10);
  ck_assert_uint_eq(world.epochs_raised, 0);
}
END_TEST

START_TEST(batches_of_one_record_and_ambiguous_ones_are_not_split) {
  establish();
  send(1);
  meet(FATE_LOST_AFTER);
  resend();
  meet(FATE_TOO_LARGE);
  ck_assert_int_eq(sent[0]->outcome, OUTCOME_UNKNOWN);
  sent[0] = partition_world_make(&world, 1);
  partition_world_send_new(&world, sent[0]);
  meet(FATE_TOO_LARGE);
  ck_assert_int_eq(sent[0]->outcome, OUTCOME_NOT_DELIVERED);
}
END_TEST

int main(void) {
  Suite *suite = suite_create("sender_partition_topic");
  TCase *cases = tcase_create("topic");
  tcase_add_checked_fixture(cases, set_up, tear_down);
  tcase_add_test(cases, recreated_topic_ends_what_may_be_written_and_sends_the_rest_anew);
  tcase_add_test(cases, recreated_topic_ends_what_was_lost_on_the_way_to_the_old_one);
  tcase_add_test(cases, recreated_topic_before_anything_was_sent_changes_nothing);
  tcase_add_test(cases, held_batch_that_was_never_written_survives_a_recreated_topic);
  tcase_add_test(cases, split_batches_take_the_halves_of_the_sequences);
  tcase_add_test(cases, batches_of_one_record_and_ambiguous_ones_are_not_split);
  suite_add_tcase(suite, cases);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_ENV);
  int failures = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failures != 0;
}
