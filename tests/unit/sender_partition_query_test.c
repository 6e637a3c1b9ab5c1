/* sender_partition and the question to the leader: what each answer means for what was sent. */
#include "base/status.h"
#include "support/partition_world.h"
#include <check.h>

static struct partition_world world;
static struct batch *sent[8];

static void set_up(void) {
  partition_world_init(&world);
  world.context.asks = true;
}

static void tear_down(void) {
  partition_world_verify(&world);
  partition_world_deinit(&world);
}

static void establish(void) {
  partition_world_send_new(&world, partition_world_make(&world, 1));
  ck_assert(partition_world_meet(&world, FATE_OK));
}

/* Batches of two records in flight. */
static void send(uint32_t count) {
  for (uint32_t i = 0; i < count; i++) {
    sent[i] = partition_world_make(&world, 2);
    partition_world_send_new(&world, sent[i]);
  }
}

static void resend(void) {
  uint32_t none = 0;
  partition_world_send_all(&world, 1, &none);
}

static void meet(enum fate fate) {
  ck_assert(partition_world_meet(&world, fate));
}

/* count batches in flight whose answers are lost; the broker has `written` of them (at least one) and
 * restarts. What it does not have never arrives. The first that is sent again is refused for its sequence. */
static void lose(uint32_t count, uint32_t written) {
  establish();
  send(count);
  meet(FATE_LOST_AFTER);
  for (uint32_t i = 1; i < written; i++)
    ck_assert(partition_world_straggle(&world));
  world.straggler_at = world.straggler_end;
  partition_world_reload(&world);
  resend();
  ck_assert_uint_eq(world.partition.in_flight, 1);
  meet(FATE_OK);
}

static struct sender_partition_leader_state at_sequence(int32_t last_sequence) {
  return (struct sender_partition_leader_state){
      .is_known = true,
      .producer_epoch = world.partition.producer_epoch,
      .last_sequence = last_sequence,
  };
}

static void expect_states(const char *states) {
  for (int i = 0; states[i] != '\0'; i++) {
    enum batch_state expected = BATCH_SETTLED;
    if (states[i] == 'H') expected = BATCH_HELD;
    if (states[i] == 'R') expected = BATCH_RETRY;
    ck_assert_msg(sent[i]->state == expected, "batch %d is %d", i, (int)sent[i]->state);
  }
}

/* ---- when it is asked ---- */

START_TEST(a_refused_sequence_of_open_outcome_is_asked_about) {
  lose(3, 3);
  expect_states("HRR");
  ck_assert(sender_partition_has_question(&world.partition));
  ck_assert_ptr_null(sender_partition_next_retry(&world.partition));
  ck_assert(!sender_partition_may_send_new(&world.partition, 100));
  partition_world_heal(&world);
}
END_TEST

START_TEST(a_recognised_batch_leaves_no_question) {
  lose(1, 1);
  ck_assert_int_eq(sent[0]->outcome, OUTCOME_DELIVERED);
  ck_assert_int_eq(world.partition.query.state, OUTCOME_QUERY_NONE);
}
END_TEST

START_TEST(a_batch_that_was_never_written_is_not_asked_about) {
  establish();
  send(2);
  meet(FATE_FORGOTTEN);
  ck_assert_int_eq(sent[0]->state, BATCH_HELD);
  ck_assert_int_eq(world.partition.query.state, OUTCOME_QUERY_NONE);
  meet(FATE_FORGOTTEN);
  ck_assert_uint_eq(world.epochs_raised, 1);
  partition_world_heal(&world);
}
END_TEST

START_TEST(a_fenced_producer_has_no_question) {
  establish();
  send(1);
  meet(FATE_LOST_AFTER);
  resend();
  meet(FATE_FENCED);
  ck_assert_int_eq(sent[0]->outcome, OUTCOME_UNKNOWN);
  ck_assert_int_eq(world.partition.query.state, OUTCOME_QUERY_NONE);
}
END_TEST

/* What the batch in flight brings may be all that there is to know. */
START_TEST(the_question_waits_for_what_is_in_flight) {
  establish();
  send(2);
  meet(FATE_TIMED_OUT); /* written */
  ck_assert_int_eq(sent[0]->state, BATCH_RETRY);
  ck_assert_ptr_null(sender_partition_next_retry(&world.partition));
  meet(FATE_OK);
  ck_assert_int_eq(sent[0]->outcome, OUTCOME_DELIVERED_OFFSET_UNKNOWN);
  ck_assert_int_eq(sent[1]->outcome, OUTCOME_DELIVERED);
}
END_TEST

START_TEST(an_attempt_of_a_batch_that_timed_out_is_waited_for) {
  lose(2, 2);
  expect_states("HR");
  world.partition.in_flight++; /* as of one that was settled meanwhile */
  ck_assert(!sender_partition_has_question(&world.partition));
  sender_partition_end_flight(&world.partition);
  ck_assert(sender_partition_has_question(&world.partition));
  partition_world_heal(&world);
}
END_TEST

START_TEST(new_batches_wait_behind_the_one_that_goes_alone) {
  establish();
  send(1);
  meet(FATE_LOST_AFTER);
  resend();
  ck_assert_int_eq(sent[0]->state, BATCH_IN_FLIGHT);
  ck_assert(!sender_partition_may_send_new(&world.partition, 100));
  meet(FATE_OK);
  ck_assert(sender_partition_may_send_new(&world.partition, 100));
}
END_TEST

START_TEST(an_answer_ends_travelling_alone) {
  establish();
  send(4);
  meet(FATE_LOST_BEFORE); /* nothing arrived: all are sent again at once */
  resend();
  ck_assert_uint_eq(world.partition.in_flight, 4);
  meet(FATE_STRAGGLER);
  resend();
  ck_assert_uint_eq(world.partition.in_flight, 1);
  meet(FATE_OK);
  resend();
  ck_assert_uint_eq(world.partition.in_flight, 3);
  partition_world_heal(&world);
  ck_assert_uint_eq(partition_world_count(&world, OUTCOME_DELIVERED), 9);
}
END_TEST

/* ---- what it means ---- */

/* _i: how many of five the broker has. */
START_TEST(any_number_that_was_written_ends_with_each_delivered_once) {
  lose(5, (uint32_t)_i);
  bool is_asked = partition_world_reply(&world, REPLY_TRUTH);
  ck_assert(is_asked == (_i > 1)); /* the first alone is recognised */
  if (_i > 1)
    for (int i = 0; i < 5; i++)
      ck_assert_int_eq(sent[i]->state, i < _i - 1 ? BATCH_HELD : BATCH_RETRY);
  uint64_t resolved = world.outcomes_resolved;
  partition_world_heal(&world);
  for (int i = 0; i < 5; i++)
    ck_assert_int_eq(sent[i]->outcome, i < _i - 1 ? OUTCOME_DELIVERED_OFFSET_UNKNOWN : OUTCOME_DELIVERED);
  ck_assert_uint_eq(world.outcomes_resolved, 5);
  ck_assert_uint_eq(resolved, _i > 1 ? 0 : 1); /* an answer about producers settles nothing by itself */
  ck_assert_uint_eq(world.epochs_raised, 0);
  ck_assert_uint_eq(world.log_count, 11);
}
END_TEST

START_TEST(sequences_are_compared_across_their_wrap) {
  establish();
  world.partition.next_sequence = INT32_MAX - 2;
  world.broker.slots[0].batches[0].last_sequence = INT32_MAX - 3;
  for (uint32_t i = 1; i < world.broker.capacity; i++)
    world.broker.slots[i].batches[0].last_sequence = INT32_MAX - 3;
  send(4); /* the second begins at INT32_MAX, the third at 1 */
  meet(FATE_LOST_AFTER);
  ck_assert(partition_world_straggle(&world));
  ck_assert(partition_world_straggle(&world));
  world.straggler_at = world.straggler_end;
  partition_world_reload(&world);
  resend();
  meet(FATE_OK);
  ck_assert(partition_world_reply(&world, REPLY_TRUTH));
  expect_states("HHRR");
  partition_world_heal(&world);
  ck_assert_uint_eq(world.outcomes_resolved, 4);
}
END_TEST

/* The leader that refused it lacked what the one that is asked has, or will have: the same bytes again. */
START_TEST(what_was_not_written_is_sent_again_in_order) {
  establish();
  send(3);
  meet(FATE_STRAGGLER);
  world.straggler_at = world.straggler_end;
  resend();
  sender_partition_end_flight(&world.partition);
  world.pipe_at = world.pipe_end;
  sender_partition_out_of_order(&world.partition, sent[0], STATUS_OUT_OF_ORDER_SEQUENCE_NUMBER,
                                &world.context);
  expect_states("HRR");
  ck_assert(partition_world_reply(&world, REPLY_TRUTH));
  expect_states("RRR");
  ck_assert_int_eq(sent[0]->base_sequence, 1);
  ck_assert_int_eq(sent[0]->producer_epoch, 0);
  partition_world_heal(&world);
  ck_assert_uint_eq(partition_world_count(&world, OUTCOME_DELIVERED), 7);
  ck_assert_uint_eq(world.epochs_raised, 0);
}
END_TEST

/* The batch that ends at the last sequence is gone: the next one's success proves those before it. */
START_TEST(a_last_batch_that_was_given_up_is_proved_by_the_next) {
  lose(4, 3);
  expect_states("HRRR");
  world.context.more_follows = true;
  sender_partition_give_up(&world.partition, sent[2], STATUS_DELIVERY_TIMED_OUT, &world.context);
  world.context.more_follows = false;
  list_remove(&sent[2]->queue_node);
  for (uint64_t record = 5; record < 7; record++) {
    world.records[record].outcome = OUTCOME_UNKNOWN;
    world.records[record].reports = 1;
  }
  sender_partition_settle_gaps(&world.partition, &world.context);
  ck_assert(partition_world_reply(&world, REPLY_TRUTH));
  ck_assert_int_eq(sent[0]->state, BATCH_HELD);
  ck_assert_int_eq(sent[1]->state, BATCH_HELD);
  ck_assert_int_eq(sent[3]->state, BATCH_RETRY);
  partition_world_heal(&world);
  ck_assert_int_eq(sent[0]->outcome, OUTCOME_DELIVERED_OFFSET_UNKNOWN);
  ck_assert_int_eq(sent[1]->outcome, OUTCOME_DELIVERED_OFFSET_UNKNOWN);
  ck_assert_int_eq(sent[3]->outcome, OUTCOME_DELIVERED);
}
END_TEST

/* Nothing that the leader would recognise is at hand: that it has them does not say that they are replicated.
 */
START_TEST(what_cannot_be_confirmed_stays_unknown) {
  lose(2, 2);
  sender_partition_give_up(&world.partition, sent[1], STATUS_DELIVERY_TIMED_OUT, &world.context);
  list_remove(&sent[1]->queue_node);
  for (uint64_t record = 3; record < 5; record++) {
    world.records[record].outcome = OUTCOME_UNKNOWN;
    world.records[record].reports = 1;
  }
  ck_assert(partition_world_reply(&world, REPLY_TRUTH));
  ck_assert_int_eq(sent[0]->outcome, OUTCOME_UNKNOWN);
  ck_assert_int_eq(sent[0]->status, STATUS_OUT_OF_ORDER_SEQUENCE_NUMBER);
  ck_assert_uint_eq(world.epochs_raised, 1);
  ck_assert_int_eq(world.partition.query.state, OUTCOME_QUERY_NONE);
  partition_world_heal(&world);
}
END_TEST

/* A leader without memory takes whatever comes: nothing may be sent again. */
START_TEST(a_leader_that_forgot_leaves_what_may_be_written_unknown) {
  lose(3, 2);
  producer_state_deinit(&world.broker);
  ck_assert(partition_world_reply(&world, REPLY_TRUTH));
  for (int i = 0; i < 3; i++) {
    ck_assert_int_eq(sent[i]->outcome, OUTCOME_UNKNOWN);
    ck_assert_int_eq(sent[i]->status, STATUS_UNKNOWN_PRODUCER_ID);
  }
  ck_assert_uint_eq(world.log_count, 5);
  ck_assert_int_eq(world.partition.producer_epoch, 1);
  send(1);
  partition_world_heal(&world);
  ck_assert_int_eq(sent[0]->outcome, OUTCOME_DELIVERED);
}
END_TEST

START_TEST(a_newer_epoch_ends_the_producer_id_here) {
  lose(2, 2);
  struct sender_partition_leader_state state = at_sequence(0);
  state.producer_epoch = 1;
  partition_world_tell(&world, state);
  ck_assert_int_eq(sent[0]->outcome, OUTCOME_UNKNOWN);
  ck_assert_int_eq(sent[0]->status, STATUS_INVALID_PRODUCER_EPOCH);
  ck_assert(sender_partition_needs_identity(&world.partition));
  partition_world_heal(&world);
}
END_TEST

/* The walk goes on where the answer is no help: lost acknowledged data, a stranger's sequences, an older
 * epoch's. */
START_TEST(an_answer_that_does_not_fit_leaves_the_walk) {
  static const int32_t sequences[] = {-1, 0, 100, INT32_MAX};
  for (int older = 0; older < 2; older++)
    for (size_t i = 0; i < sizeof sequences / sizeof sequences[0]; i++) {
      if (i == 1 && !older) continue; /* that is the acknowledged one: it would fit */
      partition_world_deinit(&world);
      set_up();
      lose(3, 3);
      struct sender_partition_leader_state state = at_sequence(sequences[i]);
      state.producer_epoch -= older;
      partition_world_tell(&world, state);
      ck_assert_int_eq(world.partition.query.state, OUTCOME_QUERY_CLOSED);
      expect_states("HRR");
      resend();
      ck_assert_uint_eq(world.partition.in_flight, 2);
      partition_world_heal(&world);
      ck_assert_uint_eq(world.outcomes_resolved, 3);
      ck_assert_uint_eq(world.epochs_raised, 0);
      ck_assert_int_eq(world.partition.query.state, OUTCOME_QUERY_NONE);
    }
}
END_TEST

/* ---- when there is no answer ---- */

START_TEST(without_an_answer_the_walk_decides) {
  lose(5, 5);
  ck_assert(partition_world_reply(&world, REPLY_NONE));
  ck_assert_int_eq(world.partition.query.state, OUTCOME_QUERY_CLOSED);
  resend();
  ck_assert_uint_eq(world.partition.in_flight, 4);
  for (int i = 0; i < 4; i++)
    meet(FATE_OK);
  ck_assert_int_eq(sent[4]->outcome, OUTCOME_DELIVERED);
  ck_assert_uint_eq(world.outcomes_resolved, 5);
  ck_assert_int_eq(world.partition.query.state, OUTCOME_QUERY_NONE);
}
END_TEST

START_TEST(it_is_asked_a_few_times_and_no_more_until_a_batch_is_acknowledged) {
  lose(2, 2);
  for (uint32_t i = 0; i < OUTCOME_QUERY_ATTEMPTS_MAXIMUM; i++)
    ck_assert(partition_world_reply(&world, REPLY_LOST));
  ck_assert_int_eq(world.partition.query.state, OUTCOME_QUERY_CLOSED);
  ck_assert_uint_eq(world.partition.query.attempts, OUTCOME_QUERY_ATTEMPTS_MAXIMUM);
  partition_world_heal(&world);
  ck_assert_uint_eq(world.partition.query.attempts, 0);
}
END_TEST

/* A replica that is behind says to send all again; the leader refuses: another question. After the last one
 * the walk decides. */
START_TEST(an_answer_that_did_not_help_is_followed_by_another_question) {
  lose(3, 3);
  for (uint32_t i = 1; i < OUTCOME_QUERY_ATTEMPTS_MAXIMUM; i++) {
    partition_world_tell(&world, at_sequence(0));
    expect_states("RRR");
    resend();
    while (partition_world_meet(&world, FATE_REFUSED)) {
    }
    resend();
    meet(FATE_OK);
    ck_assert_int_eq(sent[0]->state, BATCH_HELD);
    while (partition_world_meet(&world, FATE_REFUSED)) {
    }
    ck_assert_int_eq(world.partition.query.state, OUTCOME_QUERY_DUE);
  }
  partition_world_tell(&world, at_sequence(0));
  resend();
  meet(FATE_OK);
  ck_assert_int_eq(world.partition.query.state, OUTCOME_QUERY_CLOSED);
  partition_world_heal(&world);
  ck_assert_uint_eq(world.outcomes_resolved, 3);
}
END_TEST

/* The leader that was asked is none any more, and the next one recognises another batch. */
START_TEST(a_confirmation_that_is_refused_is_followed_by_another_question) {
  lose(4, 3);
  ck_assert(partition_world_reply(&world, REPLY_TRUTH));
  expect_states("HHRR");
  ck_assert_int_eq(world.partition.query.state, OUTCOME_QUERY_ANSWERED);
  resend();
  while (partition_world_meet(&world, FATE_FORGOTTEN)) {
  }
  ck_assert_int_eq(world.partition.query.state, OUTCOME_QUERY_DUE);
  ck_assert(partition_world_reply(&world, REPLY_TRUTH));
  partition_world_heal(&world);
  ck_assert_uint_eq(world.outcomes_resolved, 4);
  ck_assert_uint_eq(world.epochs_raised, 0);
}
END_TEST

START_TEST(a_delivery_timeout_ends_the_question) {
  lose(2, 2);
  ck_assert(partition_world_expire(&world));
  ck_assert_int_eq(sent[0]->outcome, OUTCOME_UNKNOWN);
  ck_assert_int_eq(world.partition.query.state, OUTCOME_QUERY_NONE);
  partition_world_heal(&world);
  ck_assert_int_eq(sent[1]->outcome, OUTCOME_DELIVERED);
}
END_TEST

START_TEST(a_recreated_topic_ends_the_question) {
  lose(2, 2);
  sender_partition_topic_recreated(&world.partition, &world.context);
  ck_assert_int_eq(world.partition.query.state, OUTCOME_QUERY_NONE);
  ck_assert_uint_eq(world.partition.sent_count, 0);
  for (uint64_t record = 1; record < 5; record++) {
    world.records[record].outcome = OUTCOME_UNKNOWN;
    world.records[record].reports = 1;
  }
}
END_TEST

static TCase *meaning_cases(void) {
  TCase *meaning = tcase_create("meaning");
  tcase_add_checked_fixture(meaning, set_up, tear_down);
  tcase_add_loop_test(meaning, any_number_that_was_written_ends_with_each_delivered_once, 1, 6);
  tcase_add_test(meaning, sequences_are_compared_across_their_wrap);
  tcase_add_test(meaning, what_was_not_written_is_sent_again_in_order);
  tcase_add_test(meaning, a_last_batch_that_was_given_up_is_proved_by_the_next);
  tcase_add_test(meaning, what_cannot_be_confirmed_stays_unknown);
  tcase_add_test(meaning, a_leader_that_forgot_leaves_what_may_be_written_unknown);
  tcase_add_test(meaning, a_newer_epoch_ends_the_producer_id_here);
  tcase_add_test(meaning, an_answer_that_does_not_fit_leaves_the_walk);
  tcase_add_test(meaning, without_an_answer_the_walk_decides);
  tcase_add_test(meaning, it_is_asked_a_few_times_and_no_more_until_a_batch_is_acknowledged);
  tcase_add_test(meaning, an_answer_that_did_not_help_is_followed_by_another_question);
  tcase_add_test(meaning, a_confirmation_that_is_refused_is_followed_by_another_question);
  tcase_add_test(meaning, a_delivery_timeout_ends_the_question);
  tcase_add_test(meaning, a_recreated_topic_ends_the_question);
  return meaning;
}

int main(void) {
  Suite *suite = suite_create("sender_partition_query");
  TCase *asking = tcase_create("asking");
  tcase_add_checked_fixture(asking, set_up, tear_down);
  tcase_add_test(asking, a_refused_sequence_of_open_outcome_is_asked_about);
  tcase_add_test(asking, a_recognised_batch_leaves_no_question);
  tcase_add_test(asking, a_batch_that_was_never_written_is_not_asked_about);
  tcase_add_test(asking, a_fenced_producer_has_no_question);
  tcase_add_test(asking, the_question_waits_for_what_is_in_flight);
  tcase_add_test(asking, an_attempt_of_a_batch_that_timed_out_is_waited_for);
  tcase_add_test(asking, new_batches_wait_behind_the_one_that_goes_alone);
  tcase_add_test(asking, an_answer_ends_travelling_alone);
  suite_add_tcase(suite, asking);
  suite_add_tcase(suite, meaning_cases());
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_ENV);
  int failures = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failures != 0;
}
