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

/* ---- identity and order ---- */

START_TEST(sequences_follow_each_other_under_one_identity) {
  establish();
  send(3);
  for (uint32_t i = 0; i < 3; i++) {
    ck_assert_int_eq(sent[i]->producer_id, 7);
    ck_assert_int_eq(sent[i]->producer_epoch, 0);
    ck_assert_int_eq(sent[i]->base_sequence, 1 + 2 * (int32_t)i);
    ck_assert_uint_eq(sent[i]->attempts, 1);
    ck_assert_int_eq(sent[i]->broker, 1);
  }
  partition_world_heal(&world);
  ck_assert_uint_eq(partition_world_count(&world, OUTCOME_DELIVERED), 7);
}
END_TEST

START_TEST(batches_without_idempotence_have_no_identity) {
  world.idempotent = world.context.idempotent = false;
  ck_assert(sender_partition_may_send_new(&world.partition, BATCHES));
  send(2);
  ck_assert_int_eq(sent[1]->producer_id, -1);
  ck_assert_int_eq(sent[1]->producer_epoch, -1);
  ck_assert_int_eq(sent[1]->base_sequence, -1);
  partition_world_heal(&world);
}
END_TEST

START_TEST(sequence_after_the_largest_is_zero) {
  establish();
  world.partition.next_sequence = INT32_MAX - 2;
  producer_state_deinit(&world.broker);
  send(3); /* 2^31-3, 2^31-1 (spans the wrap), 1 */
  ck_assert_int_eq(sent[0]->base_sequence, INT32_MAX - 2);
  ck_assert_int_eq(sent[1]->base_sequence, INT32_MAX);
  ck_assert_int_eq(sent[2]->base_sequence, 1);
  ck_assert_int_eq(world.partition.next_sequence, 3);
  meet(FATE_LOST_AFTER);
  partition_world_heal(&world);
  ck_assert_uint_eq(partition_world_count(&world, OUTCOME_DELIVERED), 7);
}
END_TEST

START_TEST(split_of_a_batch_that_spans_the_wrap_divides_its_sequences) {
  establish();
  world.partition.next_sequence = INT32_MAX;
  producer_state_deinit(&world.broker);
  send(1);
  meet(FATE_TOO_LARGE);
  ck_assert_uint_eq(world.partition.sent_count, 2);
  resend();
  ck_assert_int_eq(world.pipe[world.pipe_end - 2].identity.base_sequence, INT32_MAX);
  ck_assert_int_eq(world.pipe[world.pipe_end - 1].identity.base_sequence, 0);
  partition_world_heal(&world);
  ck_assert_uint_eq(partition_world_count(&world, OUTCOME_DELIVERED), 3);
}
END_TEST

/* A broker that does not know the producer takes any sequence: it would not notice that the first is
 * missing. */
START_TEST(first_batch_travels_alone_until_it_is_acknowledged) {
  send(1);
  ck_assert(!sender_partition_may_send_new(&world.partition, BATCHES));
  meet(FATE_REFUSED);
  ck_assert(!sender_partition_may_send_new(&world.partition, BATCHES));
  ck_assert_ptr_eq(sender_partition_next_retry(&world.partition), sent[0]);
  resend();
  ck_assert(!sender_partition_may_send_new(&world.partition, BATCHES));
  meet(FATE_OK);
  ck_assert(sender_partition_may_send_new(&world.partition, BATCHES));
  send(4);
  ck_assert(sender_partition_may_send_new(&world.partition, BATCHES));
  ck_assert(!sender_partition_may_send_new(&world.partition, 4));
  partition_world_heal(&world);
}
END_TEST

START_TEST(first_batch_of_a_new_epoch_travels_alone_as_well) {
  establish();
  send(4);
  meet(FATE_INVALID); /* a gap: the other three are refused and go on under the next epoch */
  for (int i = 0; i < 3; i++)
    meet(FATE_OK);
  ck_assert_int_eq(world.partition.producer_epoch, 1);
  ck_assert_int_eq(sent[1]->base_sequence, 0);
  ck_assert_int_eq(sent[3]->base_sequence, 4);
  resend();
  ck_assert_uint_eq(world.partition.in_flight, 1);
  ck_assert_ptr_null(sender_partition_next_retry(&world.partition));
  meet(FATE_OK);
  resend();
  ck_assert_uint_eq(world.partition.in_flight, 2);
  partition_world_heal(&world);
  ck_assert_uint_eq(partition_world_count(&world, OUTCOME_DELIVERED), 7);
  ck_assert_uint_eq(partition_world_count(&world, OUTCOME_NOT_DELIVERED), 2);
}
END_TEST

START_TEST(first_batch_after_a_long_silence_travels_alone) {
  enum { MINUTE_US = 60 * 1000000 };
  establish();
  sender_partition_note_time(&world.partition, 15 * (int64_t)MINUTE_US);
  send(1);
  ck_assert(sender_partition_may_send_new(&world.partition, BATCHES));
  sender_partition_note_time(&world.partition, 16 * (int64_t)MINUTE_US); /* not while one is open */
  ck_assert(sender_partition_may_send_new(&world.partition, BATCHES));
  meet(FATE_OK);
  sender_partition_note_time(&world.partition, 16 * (int64_t)MINUTE_US);
  send(1);
  ck_assert(!sender_partition_may_send_new(&world.partition, BATCHES));
  world.context.now_us = 16 * (int64_t)MINUTE_US;
  meet(FATE_OK);
  sender_partition_note_time(&world.partition, 17 * (int64_t)MINUTE_US);
  send(2);
  ck_assert_int_eq(sent[0]->producer_epoch, 0);
  partition_world_heal(&world);
  ck_assert_uint_eq(partition_world_count(&world, OUTCOME_DELIVERED), 9);
}
END_TEST

START_TEST(no_batch_is_sent_again_while_a_younger_one_is_in_flight) {
  establish();
  send(3);
  meet(FATE_REFUSED);
  ck_assert_int_eq(sent[0]->state, BATCH_RETRY);
  ck_assert_ptr_null(sender_partition_next_retry(&world.partition));
  meet(FATE_OK); /* out of order */
  ck_assert_ptr_null(sender_partition_next_retry(&world.partition));
  meet(FATE_OK);
  ck_assert_ptr_eq(sender_partition_next_retry(&world.partition), sent[0]);
  ck_assert(!sender_partition_may_send_new(&world.partition, BATCHES));
  resend();
  ck_assert_uint_eq(world.partition.in_flight, 3);
  partition_world_heal(&world);
  ck_assert_uint_eq(partition_world_count(&world, OUTCOME_DELIVERED), 7);
  ck_assert_uint_eq(world.epochs_raised, 0);
}
END_TEST

START_TEST(identity_and_bytes_stay_through_attempts_of_open_outcome) {
  establish();
  send(2);
  meet(FATE_STRAGGLER);
  int32_t sequences[] = {sent[0]->base_sequence, sent[1]->base_sequence};
  for (int round = 0; round < 4; round++) {
    ck_assert(sent[0]->ambiguous && sent[1]->ambiguous);
    ck_assert_int_eq(sent[0]->producer_epoch, 0);
    ck_assert_int_eq(sent[0]->base_sequence, sequences[0]);
    ck_assert_int_eq(sent[1]->base_sequence, sequences[1]);
    resend();
    meet(FATE_STRAGGLER);
  }
  partition_world_heal(&world);
  ck_assert_uint_eq(partition_world_count(&world, OUTCOME_DELIVERED), 5);
}
END_TEST

/* ---- answers ---- */

START_TEST(success_without_offset_is_delivered_all_the_same) {
  establish();
  send(1);
  sender_partition_end_flight(&world.partition);
  world.pipe_at++;
  world.log[world.log_count++] = 1;
  world.log[world.log_count++] = 2;
  sender_partition_delivered(&world.partition, sent[0], -1, -1, &world.context);
  ck_assert_int_eq(sent[0]->outcome, OUTCOME_DELIVERED_OFFSET_UNKNOWN);
  ck_assert_int_eq(sent[0]->status, STATUS_OK);
  list_remove(&sent[0]->queue_node);
  for (int i = 1; i < 3; i++)
    world.records[i] = (struct world_record){.outcome = sent[0]->outcome, .reports = 1};
}
END_TEST

/* The offset of the last record would not be a number any more. */
START_TEST(success_at_an_impossible_offset_is_delivered_without_one) {
  establish();
  send(1);
  sender_partition_end_flight(&world.partition);
  world.pipe_at++;
  world.log[world.log_count++] = 1;
  world.log[world.log_count++] = 2;
  sender_partition_delivered(&world.partition, sent[0], INT64_MAX, -1, &world.context);
  ck_assert_int_eq(sent[0]->outcome, OUTCOME_DELIVERED_OFFSET_UNKNOWN);
  list_remove(&sent[0]->queue_node);
  for (int i = 1; i < 3; i++)
    world.records[i] = (struct world_record){.outcome = sent[0]->outcome, .reports = 1};
}
END_TEST

START_TEST(resent_batch_that_was_written_is_delivered_at_its_first_offset) {
  establish();
  send(1);
  meet(FATE_LOST_AFTER);
  ck_assert(sent[0]->ambiguous);
  ck_assert_uint_eq(world.outcomes_resolved, 0);
  partition_world_heal(&world);
  ck_assert_int_eq(sent[0]->outcome, OUTCOME_DELIVERED);
  ck_assert_int_eq(sent[0]->base_offset, 1);
  ck_assert_uint_eq(world.outcomes_resolved, 1);
}
END_TEST

START_TEST(batch_that_was_not_handed_over_is_not_ambiguous) {
  establish();
  send(2);
  meet(FATE_LOST_BEFORE);
  ck_assert(!sent[0]->ambiguous && !sent[1]->ambiguous);
  partition_world_heal(&world);
  ck_assert_uint_eq(world.outcomes_resolved, 0);
  ck_assert_uint_eq(partition_world_count(&world, OUTCOME_DELIVERED), 5);
}
END_TEST

START_TEST(out_of_order_behind_one_that_was_refused_just_waits) {
  establish();
  send(3);
  meet(FATE_REFUSED);
  meet(FATE_OK);
  meet(FATE_OK);
  ck_assert_int_eq(sent[1]->state, BATCH_RETRY);
  ck_assert_int_eq(sent[2]->state, BATCH_RETRY);
  ck_assert_int_eq(sent[2]->base_sequence, 5);
  ck_assert_int_eq(world.partition.producer_epoch, 0);
  partition_world_heal(&world);
}
END_TEST

/* All five were written, the broker restarted: it recognises the last one only. */
START_TEST(held_batches_are_settled_by_a_later_success_in_order) {
  establish();
  send(5);
  meet(FATE_LOST_AFTER);
  while (partition_world_straggle(&world)) {
  }
  partition_world_reload(&world);
  resend();
  ck_assert_uint_eq(world.partition.in_flight, 1); /* alone, until an answer is there */
  for (uint32_t i = 0; i < 4; i++) {
    meet(FATE_OK);
    ck_assert_int_eq(sent[i]->state, BATCH_HELD);
    ck_assert(!sender_partition_may_send_new(&world.partition, 100));
    if (i == 0) resend();
    ck_assert_uint_eq(world.partition.in_flight, 4 - i);
    ck_assert_ptr_null(sender_partition_next_retry(&world.partition));
  }
  meet(FATE_OK);
  for (uint32_t i = 0; i < 4; i++)
    ck_assert_int_eq(sent[i]->outcome, OUTCOME_DELIVERED_OFFSET_UNKNOWN);
  ck_assert_int_eq(sent[4]->outcome, OUTCOME_DELIVERED);
  ck_assert_int_eq(sent[4]->base_offset, 9);
  ck_assert_uint_eq(world.outcomes_resolved, 5);
  ck_assert_uint_eq(world.epochs_raised, 0);
}
END_TEST

START_TEST(written_and_unwritten_batches_are_told_apart_by_the_walk) {
  establish();
  send(5);
  meet(FATE_LOST_AFTER);
  ck_assert(partition_world_straggle(&world)); /* two of the five are in the log */
  partition_world_reload(&world);
  partition_world_heal(&world);
  ck_assert_int_eq(sent[0]->outcome, OUTCOME_DELIVERED_OFFSET_UNKNOWN);
  for (uint32_t i = 1; i < 5; i++)
    ck_assert_int_eq(sent[i]->outcome, OUTCOME_DELIVERED);
}
END_TEST

/* It was written, or the later one would have been refused for the gap; and reports keep the order. */
START_TEST(success_settles_an_earlier_batch_of_open_outcome) {
  establish();
  send(2);
  meet(FATE_TIMED_OUT);
  ck_assert_int_eq(sent[0]->state, BATCH_RETRY);
  meet(FATE_OK);
  ck_assert_int_eq(sent[0]->outcome, OUTCOME_DELIVERED_OFFSET_UNKNOWN);
  ck_assert_int_eq(sent[1]->outcome, OUTCOME_DELIVERED);
}
END_TEST

START_TEST(success_behind_a_batch_refused_each_time_leaves_that_one_out) {
  establish();
  send(2);
  meet(FATE_REFUSED);
  producer_state_deinit(&world.broker); /* the broker forgets: it takes the gap */
  meet(FATE_OK);
  ck_assert_int_eq(sent[0]->outcome, OUTCOME_NOT_DELIVERED);
  ck_assert_int_eq(sent[0]->status, STATUS_OUT_OF_ORDER_SEQUENCE_NUMBER);
  ck_assert_int_eq(sent[1]->outcome, OUTCOME_DELIVERED);
}
END_TEST

/* Without idempotence a success says nothing of others. */
START_TEST(success_without_idempotence_settles_no_other) {
  world.idempotent = world.context.idempotent = false;
  send(2);
  meet(FATE_LEADERLESS);
  meet(FATE_OK);
  ck_assert_int_eq(sent[0]->state, BATCH_RETRY);
  ck_assert_ptr_eq(sender_partition_next_retry(&world.partition), sent[0]);
  sender_partition_give_up(&world.partition, sent[0], STATUS_DELIVERY_TIMED_OUT, &world.context);
  ck_assert_int_eq(sent[0]->outcome, OUTCOME_UNKNOWN);
  ck_assert_int_eq(world.partition.producer_id, -1);
  list_remove(&sent[0]->queue_node);
  for (int i = 0; i < 2; i++) {
    world.records[i].outcome = OUTCOME_UNKNOWN;
    world.records[i].reports = 1;
  }
}
END_TEST

/* ---- the walk that finds nothing ---- */

START_TEST(walk_without_success_means_that_acknowledged_data_is_lost) {
  establish();
  send(3);
  meet(FATE_STRAGGLER);
  world.straggler_at = world.straggler_end;
  /* The log was cut: the broker's last batch is older than what it had acknowledged. */
  world.broker.slots[0].batches[0].last_sequence = 1000;
  for (uint32_t i = 1; i < world.broker.capacity; i++)
    world.broker.slots[i].batches[0].last_sequence = 1000;
  resend();
  meet(FATE_OK);
  resend();
  meet(FATE_OK);
  ck_assert_int_eq(sent[1]->state, BATCH_HELD);
  meet(FATE_OK);
  for (uint32_t i = 0; i < 3; i++) {
    ck_assert_int_eq(sent[i]->outcome, OUTCOME_UNKNOWN);
    ck_assert_int_eq(sent[i]->status, STATUS_ACKNOWLEDGED_DATA_LOST);
  }
  ck_assert_int_eq(world.partition.producer_epoch, 1);
  ck_assert_int_eq(world.partition.next_sequence, 0);
  ck_assert_uint_eq(world.epochs_raised, 1);
  send(1);
  partition_world_heal(&world);
  ck_assert_int_eq(sent[0]->outcome, OUTCOME_DELIVERED);
}
END_TEST

START_TEST(unambiguous_batches_go_on_under_the_next_epoch_in_order) {
  establish();
  send(3);
  meet(FATE_FORGOTTEN);
  meet(FATE_FORGOTTEN);
  ck_assert_int_eq(sent[1]->state, BATCH_HELD);
  meet(FATE_FORGOTTEN);
  for (uint32_t i = 0; i < 3; i++) {
    ck_assert_int_eq(sent[i]->state, BATCH_RETRY);
    ck_assert_int_eq(sent[i]->producer_epoch, 1);
    ck_assert_int_eq(sent[i]->base_sequence, 2 * (int32_t)i);
  }
  partition_world_heal(&world);
  ck_assert_uint_eq(partition_world_count(&world, OUTCOME_DELIVERED), 7);
}
END_TEST

START_TEST(forgotten_producer_leaves_ambiguous_batches_unknown) {
  establish();
  send(2);
  meet(FATE_STRAGGLER);
  world.straggler_at = world.straggler_end; /* never handled */
  resend();
  meet(FATE_FORGOTTEN);
  ck_assert_int_eq(sent[0]->state, BATCH_HELD);
  resend();
  meet(FATE_FORGOTTEN);
  ck_assert_int_eq(sent[0]->outcome, OUTCOME_UNKNOWN);
  ck_assert_int_eq(sent[0]->status, STATUS_UNKNOWN_PRODUCER_ID);
  ck_assert_int_eq(sent[1]->outcome, OUTCOME_UNKNOWN);
}
END_TEST

/* A broker that has acknowledged nothing under this identity may not know it: what it takes next proves
 * nothing. */
START_TEST(first_batch_refused_for_its_sequence_ends_the_walk_at_once) {
  establish();
  send(3);
  meet(FATE_INVALID);
  meet(FATE_OK);
  meet(FATE_OK); /* the other two are under epoch 1, the first of them travels alone */
  resend();
  meet(FATE_LEADERLESS);
  resend();
  meet(FATE_FORGOTTEN);
  ck_assert_int_eq(sent[1]->outcome, OUTCOME_UNKNOWN);
  ck_assert_int_eq(sent[1]->status, STATUS_UNKNOWN_PRODUCER_ID);
  ck_assert_int_eq(sent[2]->state, BATCH_RETRY);
  ck_assert_int_eq(sent[2]->producer_epoch, 2);
  ck_assert_int_eq(sent[2]->base_sequence, 0);
  partition_world_heal(&world);
}
END_TEST

START_TEST(fenced_producer_takes_a_new_producer_id) {
  establish();
  send(2);
  meet(FATE_FENCED);
  meet(FATE_FENCED);
  ck_assert(sender_partition_needs_identity(&world.partition));
  ck_assert_int_eq(world.partition.spent_producer_id, 7);
  ck_assert(!sender_partition_may_send_new(&world.partition, BATCHES));
  ck_assert_ptr_eq(sender_partition_next_retry(&world.partition), sent[0]);
  resend();
  ck_assert_int_eq(sent[0]->producer_id, 8);
  ck_assert_int_eq(sent[0]->producer_epoch, 0);
  ck_assert_int_eq(sent[0]->base_sequence, 0);
  ck_assert_int_eq(sent[1]->producer_id, 8);
  ck_assert_int_eq(sent[1]->base_sequence, 2);
  partition_world_heal(&world);
  ck_assert_uint_eq(partition_world_count(&world, OUTCOME_DELIVERED), 5);
}
END_TEST

START_TEST(last_epoch_is_followed_by_a_new_producer_id) {
  establish();
  world.partition.producer_epoch = INT16_MAX;
  producer_state_deinit(&world.broker);
  send(2);
  meet(FATE_INVALID);
  meet(FATE_OK); /* taken: the broker knew nothing */
  partition_world_heal(&world);
  ck_assert(sender_partition_needs_identity(&world.partition));
  ck_assert(!sender_partition_may_send_new(&world.partition, BATCHES));
  sender_partition_adopt_identity(&world.partition, 99, 3);
  ck_assert(sender_partition_may_send_new(&world.partition, BATCHES));
  send(1);
  ck_assert_int_eq(sent[0]->producer_id, 99);
  ck_assert_int_eq(sent[0]->producer_epoch, 3);
  ck_assert_int_eq(sent[0]->base_sequence, 0);
  ck_assert(!sender_partition_may_send_new(&world.partition, BATCHES));
  partition_world_heal(&world);
}
END_TEST

/* ---- what is given up ---- */

START_TEST(gap_is_drained_before_anything_new_under_the_next_epoch) {
  establish();
  send(3);
  meet(FATE_STRAGGLER);
  world.straggler_at = world.straggler_end;
  ck_assert(partition_world_expire(&world));
  ck_assert_int_eq(sent[0]->outcome, OUTCOME_UNKNOWN);
  ck_assert_int_eq(sent[0]->status, STATUS_DELIVERY_TIMED_OUT);
  ck_assert(world.partition.draining);
  ck_assert(!sender_partition_may_send_new(&world.partition, 100));
  ck_assert_int_eq(sent[1]->producer_epoch, 0);
  ck_assert_int_eq(sent[1]->base_sequence, 3);
  resend();
  meet(FATE_OK);
  ck_assert_int_eq(sent[1]->state, BATCH_HELD);
  ck_assert(world.partition.draining);
  resend();
  meet(FATE_OK);
  ck_assert_int_eq(sent[1]->outcome, OUTCOME_UNKNOWN);
  ck_assert_int_eq(sent[1]->status, STATUS_OUT_OF_ORDER_SEQUENCE_NUMBER); /* our own gap, no data is lost */
  ck_assert(!world.partition.draining);
  ck_assert_int_eq(world.partition.producer_epoch, 1);
  send(1);
  ck_assert_int_eq(sent[0]->base_sequence, 0);
  partition_world_heal(&world);
  ck_assert_int_eq(sent[0]->outcome, OUTCOME_DELIVERED);
}
END_TEST

START_TEST(batches_behind_a_gap_that_were_never_written_need_no_refusal_first) {
  establish();
  send(3);
  meet(FATE_LOST_BEFORE);
  ck_assert(partition_world_expire(&world));
  ck_assert_int_eq(sent[0]->outcome, OUTCOME_NOT_DELIVERED);
  ck_assert(!world.partition.draining);
  ck_assert_int_eq(sent[1]->producer_epoch, 1);
  ck_assert_int_eq(sent[1]->base_sequence, 0);
  ck_assert_int_eq(sent[2]->base_sequence, 2);
  partition_world_heal(&world);
  ck_assert_uint_eq(partition_world_count(&world, OUTCOME_DELIVERED), 5);
  ck_assert_int_eq(producer_state_find(&world.broker, 7)->producer_epoch, 1);
}
END_TEST

START_TEST(batches_that_end_together_raise_one_epoch) {
  establish();
  send(5);
  meet(FATE_LOST_BEFORE);
  world.context.more_follows = true;
  for (int i = 0; i < 3; i++) {
    ck_assert(partition_world_expire(&world));
    ck_assert_int_eq(sent[4]->producer_epoch, 0);
  }
  world.context.more_follows = false;
  sender_partition_settle_gaps(&world.partition, &world.context);
  ck_assert_uint_eq(world.epochs_raised, 1);
  ck_assert_int_eq(sent[3]->base_sequence, 0);
  ck_assert_int_eq(sent[4]->base_sequence, 2);
  partition_world_heal(&world);
  ck_assert_uint_eq(partition_world_count(&world, OUTCOME_DELIVERED), 5);
}
END_TEST

START_TEST(sequence_of_a_last_batch_that_was_never_written_is_used_again) {
  establish();
  send(2);
  meet(FATE_OK);
  meet(FATE_INVALID);
  ck_assert_int_eq(sent[1]->outcome, OUTCOME_NOT_DELIVERED);
  ck_assert_int_eq(sent[1]->status, STATUS_INVALID_RECORD);
  ck_assert_int_eq(world.partition.next_sequence, 3);
  ck_assert(!world.partition.draining);
  send(1);
  ck_assert_int_eq(sent[0]->base_sequence, 3);
  partition_world_heal(&world);
  ck_assert_uint_eq(world.epochs_raised, 0);
}
END_TEST

START_TEST(sequence_of_a_last_batch_that_may_be_written_is_not_used_again) {
  establish();
  send(1);
  meet(FATE_STRAGGLER);
  ck_assert(partition_world_expire(&world));
  ck_assert_int_eq(world.partition.producer_epoch, 1);
  ck_assert_int_eq(world.partition.next_sequence, 0);
  send(1);
  ck_assert(partition_world_straggle(&world)); /* it comes late, but before the next epoch: it is taken */
  partition_world_heal(&world);
  ck_assert_uint_eq(world.log_count, 5);
}
END_TEST

START_TEST(straggler_of_an_older_epoch_is_fenced) {
  establish();
  send(1);
  meet(FATE_STRAGGLER);
  ck_assert(partition_world_expire(&world));
  send(1);
  meet(FATE_OK);
  ck_assert(partition_world_straggle(&world));
  ck_assert_uint_eq(world.log_count, 3);
  ck_assert_uint_eq(partition_world_count(&world, OUTCOME_UNKNOWN), 2);
}
END_TEST

START_TEST(batch_that_expires_in_flight_is_unknown_and_its_late_answer_is_ignored) {
  establish();
  send(2);
  ck_assert(partition_world_expire(&world));
  ck_assert_int_eq(sent[0]->outcome, OUTCOME_UNKNOWN);
  ck_assert_uint_eq(world.partition.in_flight, 2);
  meet(FATE_OK);
  meet(FATE_OK);
  ck_assert_int_eq(sent[1]->outcome, OUTCOME_DELIVERED);
  ck_assert_int_eq(world.partition.producer_epoch, 1);
  ck_assert_uint_eq(world.partition.in_flight, 0);
  ck_assert_uint_eq(world.records[1].reports, 1);
}
END_TEST

START_TEST(retries_used_up_are_not_delivered_or_unknown_by_what_was_handed_over) {
  establish();
  world.context.retries = 1;
  send(2);
  meet(FATE_REFUSED);
  meet(FATE_LOST_BEFORE);
  resend();
  meet(FATE_REFUSED);
  ck_assert_int_eq(sent[0]->outcome, OUTCOME_NOT_DELIVERED);
  ck_assert_int_eq(sent[0]->status, STATUS_NOT_ENOUGH_REPLICAS);
  meet(FATE_STRAGGLER);
  ck_assert_int_eq(sent[1]->outcome, OUTCOME_UNKNOWN);
  ck_assert_int_eq(sent[1]->status, STATUS_DISCONNECTED);
  ck_assert_int_eq(world.partition.producer_epoch, 1);
}
END_TEST

START_TEST(error_for_good_that_leaves_the_append_open_is_unknown) {
  establish();
  send(2);
  meet(FATE_BROKEN_BEFORE);
  ck_assert_int_eq(sent[0]->outcome, OUTCOME_UNKNOWN);
  ck_assert_int_eq(sent[0]->status, STATUS_UNKNOWN_SERVER_ERROR);
  ck_assert(world.partition.draining);
  meet(FATE_OK);
  ck_assert_int_eq(sent[1]->producer_epoch, 1);
  partition_world_heal(&world);
  ck_assert_int_eq(sent[1]->outcome, OUTCOME_DELIVERED);
}
END_TEST

START_TEST(refusal_for_good_of_an_ambiguous_batch_is_unknown) {
  establish();
  send(1);
  meet(FATE_LOST_AFTER);
  resend();
  meet(FATE_INVALID);
  ck_assert_int_eq(sent[0]->outcome, OUTCOME_UNKNOWN);
}
END_TEST

START_TEST(out_of_order_without_idempotence_ends_the_batch) {
  world.idempotent = world.context.idempotent = false;
  send(1);
  sender_partition_end_flight(&world.partition);
  sender_partition_out_of_order(&world.partition, sent[0], STATUS_OUT_OF_ORDER_SEQUENCE_NUMBER,
                                &world.context);
  ck_assert_int_eq(sent[0]->outcome, OUTCOME_NOT_DELIVERED); /* brokers look before they write */
  list_remove(&sent[0]->queue_node);
  for (int i = 0; i < 2; i++)
    world.records[i] = (struct world_record){.outcome = OUTCOME_NOT_DELIVERED, .reports = 1};
}
END_TEST

START_TEST(abort_settles_all_that_was_sent) {
  establish();
  send(3);
  meet(FATE_REFUSED);
  while (!list_is_empty(&world.partition.sent)) {
    struct batch *first = LIST_ENTRY(world.partition.sent.next, struct batch, queue_node);
    sender_partition_give_up(&world.partition, first, STATUS_ABORTED, &world.context);
  }
  ck_assert_int_eq(sent[0]->outcome, OUTCOME_NOT_DELIVERED);
  ck_assert_int_eq(sent[1]->outcome, OUTCOME_UNKNOWN);
  ck_assert_int_eq(sent[2]->status, STATUS_ABORTED);
  while (partition_world_meet(&world, FATE_LOST_AFTER)) {
  }
  send(1);
  partition_world_heal(&world);
}
END_TEST

static void add_identity_cases(Suite *suite) {
  TCase *identity = tcase_create("identity");
  tcase_add_checked_fixture(identity, set_up, tear_down);
  tcase_add_test(identity, sequences_follow_each_other_under_one_identity);
  tcase_add_test(identity, batches_without_idempotence_have_no_identity);
  tcase_add_test(identity, sequence_after_the_largest_is_zero);
  tcase_add_test(identity, split_of_a_batch_that_spans_the_wrap_divides_its_sequences);
  tcase_add_test(identity, first_batch_travels_alone_until_it_is_acknowledged);
  tcase_add_test(identity, first_batch_of_a_new_epoch_travels_alone_as_well);
  tcase_add_test(identity, first_batch_after_a_long_silence_travels_alone);
  tcase_add_test(identity, no_batch_is_sent_again_while_a_younger_one_is_in_flight);
  tcase_add_test(identity, identity_and_bytes_stay_through_attempts_of_open_outcome);
  suite_add_tcase(suite, identity);
}

static void add_answer_cases(Suite *suite) {
  TCase *answers = tcase_create("answers");
  tcase_add_checked_fixture(answers, set_up, tear_down);
  tcase_add_test(answers, success_without_offset_is_delivered_all_the_same);
  tcase_add_test(answers, success_at_an_impossible_offset_is_delivered_without_one);
  tcase_add_test(answers, resent_batch_that_was_written_is_delivered_at_its_first_offset);
  tcase_add_test(answers, batch_that_was_not_handed_over_is_not_ambiguous);
  tcase_add_test(answers, out_of_order_behind_one_that_was_refused_just_waits);
  tcase_add_test(answers, held_batches_are_settled_by_a_later_success_in_order);
  tcase_add_test(answers, written_and_unwritten_batches_are_told_apart_by_the_walk);
  tcase_add_test(answers, success_settles_an_earlier_batch_of_open_outcome);
  tcase_add_test(answers, success_behind_a_batch_refused_each_time_leaves_that_one_out);
  tcase_add_test(answers, success_without_idempotence_settles_no_other);
  tcase_add_test(answers, walk_without_success_means_that_acknowledged_data_is_lost);
  tcase_add_test(answers, unambiguous_batches_go_on_under_the_next_epoch_in_order);
  tcase_add_test(answers, forgotten_producer_leaves_ambiguous_batches_unknown);
  tcase_add_test(answers, first_batch_refused_for_its_sequence_ends_the_walk_at_once);
  tcase_add_test(answers, fenced_producer_takes_a_new_producer_id);
  tcase_add_test(answers, last_epoch_is_followed_by_a_new_producer_id);
  suite_add_tcase(suite, answers);
}

static void add_end_cases(Suite *suite) {
  TCase *ends = tcase_create("ends");
  tcase_add_checked_fixture(ends, set_up, tear_down);
  tcase_add_test(ends, gap_is_drained_before_anything_new_under_the_next_epoch);
  tcase_add_test(ends, batches_behind_a_gap_that_were_never_written_need_no_refusal_first);
  tcase_add_test(ends, batches_that_end_together_raise_one_epoch);
  tcase_add_test(ends, sequence_of_a_last_batch_that_was_never_written_is_used_again);
  tcase_add_test(ends, sequence_of_a_last_batch_that_may_be_written_is_not_used_again);
  tcase_add_test(ends, straggler_of_an_older_epoch_is_fenced);
  tcase_add_test(ends, batch_that_expires_in_flight_is_unknown_and_its_late_answer_is_ignored);
  tcase_add_test(ends, retries_used_up_are_not_delivered_or_unknown_by_what_was_handed_over);
  tcase_add_test(ends, error_for_good_that_leaves_the_append_open_is_unknown);
  tcase_add_test(ends, refusal_for_good_of_an_ambiguous_batch_is_unknown);
  tcase_add_test(ends, out_of_order_without_idempotence_ends_the_batch);
  tcase_add_test(ends, abort_settles_all_that_was_sent);
  suite_add_tcase(suite, ends);
}

int main(void) {
  Suite *suite = suite_create("sender_partition");
  add_identity_cases(suite);
  add_answer_cases(suite);
  add_end_cases(suite);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_ENV);
  int failures = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failures != 0;
}
