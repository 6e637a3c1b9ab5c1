#include "sender/produce_dispatch.h"

#include "base/status.h"
#include "support/dispatch_world.h"
#include "support/failing_allocator.h"
#include <check.h>
#include <stdlib.h>

#define MS ((int64_t)CLIENT_WORLD_MS)
#define S  ((int64_t)CLIENT_WORLD_S)

static struct dispatch_world world;

static void set_up(void) {
  dispatch_world_init(&world);
}

static void tear_down(void) {
  dispatch_world_deinit(&world);
}

/* A topic t0 with these partitions, each of which has had a record (sequence 0) delivered. */
static struct topic *start_warm(const char *partitions, int32_t count) {
  world.partitions[0] = partitions;
  dispatch_world_start(&world);
  struct topic *topic = dispatch_world_topic(&world, 0, -1);
  dispatch_world_warm(&world, topic, count);
  ck_assert_uint_eq(world.reported[OUTCOME_DELIVERED], (uint32_t)count);
  return topic;
}

/* ---- what a request holds ---- */

START_TEST(a_request_takes_one_batch_of_each_partition) {
  struct topic *topic = start_warm("0:1/1 1:1/1 2:1/1", 3);
  dispatch_world_append(&world, topic, 0, 30, 10);
  dispatch_world_append(&world, topic, 2, 10, 10);
  dispatch_world_append(&world, topic, 1, 20, 10);
  dispatch_world_run(&world, MS);
  ck_assert_uint_eq(world.request_count, 3);
  ck_assert_str_eq(dispatch_world_describe(&world, 0), "1: t0/0@1 t0/1@1 t0/2@1");
  ck_assert_str_eq(dispatch_world_describe(&world, 1), "1: t0/0@11 t0/1@11");
  ck_assert_str_eq(dispatch_world_describe(&world, 2), "1: t0/0@21");
  dispatch_world_settle(&world);
  ck_assert_uint_eq(world.reported[OUTCOME_DELIVERED], 63);
}
END_TEST

START_TEST(each_leader_gets_its_own_request) {
  struct topic *topic = start_warm("0:1/1 1:2/1 2:3/1 3:2/1", 4);
  for (int32_t i = 0; i < 4; i++)
    dispatch_world_append(&world, topic, i, 10, 10);
  dispatch_world_run(&world, MS);
  ck_assert_uint_eq(world.request_count, 3);
  for (uint32_t i = 0; i < 3; i++) {
    const char *const expected[] = {"1: t0/0@1", "2: t0/1@1 t0/3@1", "3: t0/2@1"};
    ck_assert_str_eq(dispatch_world_describe(&world, i), expected[world.requests[i].node_id - 1]);
  }
}
END_TEST

START_TEST(a_request_is_never_larger_than_the_setting) {
  world.settings.max_request_bytes = world.memory.max_request_bytes = 3000;
  struct topic *topic = start_warm("0:1/1 1:1/1 2:1/1 3:1/1", 4);
  for (int32_t i = 0; i < 4; i++)
    dispatch_world_append(&world, topic, i, 60, 100 * (size_t)i + 50);
  for (uint32_t answered = 0; world.reported[OUTCOME_DELIVERED] < 4 + 240; answered++) {
    dispatch_world_run(&world, MS);
    ck_assert_uint_lt(answered, world.request_count);
    dispatch_world_answer(&world, answered, STATUS_OK);
    dispatch_world_run(&world, MS);
  }
  size_t largest = 0;
  for (uint32_t i = 0; i < world.request_count; i++) {
    ck_assert_uint_le(world.requests[i].batch_bytes, 3000);
    if (world.requests[i].batch_bytes > largest) largest = world.requests[i].batch_bytes;
  }
  ck_assert_uint_gt(largest, 2000); /* and not much smaller, where there is more to send */
}
END_TEST

START_TEST(what_does_not_fit_comes_first_in_the_next_request) {
  world.settings.max_request_bytes = world.memory.max_request_bytes = 2100;
  struct topic *topic = start_warm("0:1/1 1:1/1 2:1/1 3:1/1 4:1/1", 5);
  for (int32_t i = 0; i < 5; i++)
    dispatch_world_append(&world, topic, i, 20, 50); /* two batches of more than 700 bytes */
  dispatch_world_run(&world, MS);
  ck_assert_uint_eq(world.request_count, 5);
  ck_assert_uint_gt(world.requests[0].parts[0].batch.size, 700);
  const char *const expected[] = {"1: t0/0@1 t0/1@1", "1: t0/2@1 t0/3@1", "1: t0/0@11 t0/4@1",
                                  "1: t0/1@11 t0/2@11", "1: t0/3@11 t0/4@11"};
  for (uint32_t i = 0; i < 5; i++)
    ck_assert_str_eq(dispatch_world_describe(&world, i), expected[i]);
}
END_TEST

START_TEST(a_busy_partition_does_not_keep_the_others_waiting) {
  world.settings.max_request_bytes = world.memory.max_request_bytes = 2100;
  world.settings.max_in_flight = 1;
  struct topic *topic = start_warm("0:1/1 1:1/1 2:1/1 3:1/1", 4);
  uint32_t taken[4] = {0};
  for (int32_t i = 0; i < 4; i++)
    dispatch_world_append(&world, topic, i, 20, 50);
  for (uint32_t turn = 0; turn < 24; turn++) {
    dispatch_world_append(&world, topic, 0, 10, 50); /* always has more */
    dispatch_world_run(&world, MS);
    ck_assert_uint_eq(world.request_count, turn + 1);
    for (uint32_t p = 0; p < world.requests[turn].part_count; p++)
      taken[world.requests[turn].parts[p].partition]++;
    if (turn < 4) ck_assert_uint_eq(world.requests[turn].part_count, 2);
    dispatch_world_answer(&world, turn, STATUS_OK);
    if (turn == 3) /* eight batches, two from each */
      for (int i = 0; i < 4; i++)
        ck_assert_uint_eq(taken[i], 2);
  }
  ck_assert_uint_eq(taken[0], 22);
  ck_assert_uint_eq(taken[1] + taken[2] + taken[3], 6);
}
END_TEST

START_TEST(topics_of_other_acks_go_in_requests_of_their_own) {
  world.settings.idempotent = false;
  for (int i = 0; i < 3; i++)
    world.partitions[i] = "0:1/1";
  dispatch_world_start(&world);
  struct topic *topics[] = {dispatch_world_topic(&world, 0, -1), dispatch_world_topic(&world, 1, 1),
                            dispatch_world_topic(&world, 2, -1)};
  for (int i = 0; i < 3; i++)
    dispatch_world_append(&world, topics[i], 0, 1, 10);
  dispatch_world_settle(&world);
  ck_assert_uint_eq(world.reported[OUTCOME_DELIVERED], 3);
  for (uint32_t i = 0; i < world.request_count; i++)
    for (uint32_t p = 0; p < world.requests[i].part_count; p++)
      ck_assert_int_eq(world.requests[i].acks, world.requests[i].parts[p].topic == 1 ? 1 : -1);
}
END_TEST

START_TEST(topic_ids_are_used_where_all_are_known) {
  world.tells_no_ids = _i == 0;
  struct topic *topic = start_warm("0:1/1", 1);
  dispatch_world_append(&world, topic, 0, 1, 10);
  dispatch_world_run(&world, MS);
  ck_assert_uint_eq(world.request_count, 1);
  ck_assert_int_eq(world.requests[0].received.api_version, _i == 0 ? 12 : 13);
}
END_TEST

START_TEST(a_broker_without_our_versions_gets_nothing_and_nothing_is_lost) {
  world.network.broker.capped_key = API_PRODUCE;
  world.network.broker.capped_maximum = -1;
  world.partitions[0] = "0:1/1";
  dispatch_world_start(&world);
  dispatch_world_append(&world, dispatch_world_topic(&world, 0, -1), 0, 5, 10);
  dispatch_world_run(&world, 5 * S);
  ck_assert_uint_eq(world.request_count, 0);
  ck_assert_uint_ge(world.network.broker.accepted_count, 5); /* it may have been upgraded meanwhile */
  ck_assert_uint_le(world.network.broker.accepted_count, 30);
  ck_assert_uint_eq(world.sender->counters.batches_sent, 0);
  world.network.broker.capped_key = -1;
  dispatch_world_settle(&world);
  ck_assert_uint_eq(world.reported[OUTCOME_DELIVERED], 5);
  ck_assert_str_eq(dispatch_world_describe(&world, 0), "1: t0/0@0");
}
END_TEST

/* ---- how much is under way ---- */

START_TEST(a_connection_holds_no_more_requests_than_the_setting) {
  world.settings.max_in_flight = (uint32_t)_i;
  struct topic *topic = start_warm("0:1/1 1:2/1", 2);
  dispatch_world_append(&world, topic, 0, 100, 10);
  dispatch_world_append(&world, topic, 1, 100, 10);
  dispatch_world_run(&world, S);
  ck_assert_uint_eq(world.request_count, 2 * (uint32_t)_i); /* to each broker */
  ck_assert_uint_eq(world.sender->counters.requests_in_flight, 2 * (uint32_t)_i);
  dispatch_world_answer(&world, 0, STATUS_OK);
  dispatch_world_run(&world, S);
  ck_assert_uint_eq(world.request_count, 2 * (uint32_t)_i + 1);
  ck_assert_int_eq(world.requests[2 * _i].node_id, world.requests[0].node_id);
}
END_TEST

START_TEST(the_first_batch_of_an_identity_travels_alone) {
  world.partitions[0] = "0:1/1";
  dispatch_world_start(&world);
  dispatch_world_append(&world, dispatch_world_topic(&world, 0, -1), 0, 50, 10);
  dispatch_world_run(&world, S);
  ck_assert_uint_eq(world.request_count, 1);
  dispatch_world_answer(&world, 0, STATUS_OK);
  dispatch_world_run(&world, S);
  ck_assert_uint_eq(world.request_count, 5);
  for (uint32_t i = 0; i < 5; i++) {
    ck_assert_int_eq(world.requests[i].parts[0].base_sequence, (int32_t)i * 10);
    ck_assert_uint_eq(world.requests[i].parts[0].first_number, i * 10);
  }
}
END_TEST

START_TEST(nothing_new_overtakes_what_is_to_be_sent_again) {
  struct topic *topic = start_warm("0:1/1", 1);
  dispatch_world_append(&world, topic, 0, 20, 10);
  dispatch_world_run(&world, MS);
  dispatch_world_answer(&world, 0, STATUS_NOT_ENOUGH_REPLICAS);
  dispatch_world_append(&world, topic, 0, 30, 10);
  dispatch_world_run(&world, 10 * S); /* the second batch is still under way */
  ck_assert_uint_eq(world.request_count, 2);
  dispatch_world_answer(&world, 1, STATUS_OUT_OF_ORDER_SEQUENCE_NUMBER);
  dispatch_world_run(&world, S);
  ck_assert_uint_ge(world.request_count, 3);
  ck_assert_str_eq(dispatch_world_describe(&world, 2), "1: t0/0@1");
  dispatch_world_settle(&world);
  ck_assert_uint_eq(world.reported[OUTCOME_DELIVERED], 51);
  int32_t next = 1;
  for (uint32_t i = 2; i < world.request_count; i++) {
    ck_assert_int_eq(world.requests[i].parts[0].base_sequence, next);
    next += world.requests[i].parts[0].record_count;
  }
}
END_TEST

START_TEST(what_is_sent_again_is_the_same_to_the_last_byte) {
  struct topic *topic = start_warm("0:1/1 1:1/1", 2);
  dispatch_world_append(&world, topic, 0, 10, 10);
  dispatch_world_append(&world, topic, 1, 7, 20);
  dispatch_world_run(&world, MS);
  fake_transport_end(world.network.transport, world.requests[0].received.connection);
  world.requests[0].answered = true;
  dispatch_world_run(&world, 5 * S);
  ck_assert_uint_ge(world.request_count, 2);
  uint32_t again = 0;
  for (uint32_t i = 1; i < world.request_count; i++)
    for (uint32_t p = 0; p < world.requests[i].part_count; p++, again++) {
      const struct dispatch_part *part = &world.requests[i].parts[p],
                                 *before = &world.requests[0].parts[part->partition];
      ck_assert_uint_eq(part->batch.size, before->batch.size);
      ck_assert_mem_eq(part->batch.data, before->batch.data, before->batch.size);
    }
  ck_assert_uint_eq(again, 2);
  ck_assert_uint_eq(world.sender->counters.batches_retried, 2);
  dispatch_world_settle(&world);
  ck_assert_uint_eq(world.reported[OUTCOME_DELIVERED], 2 + 17);
}
END_TEST

START_TEST(counters_tell_what_was_sent) {
  struct topic *topic = start_warm("0:1/1 1:1/1", 2);
  struct sender_counters before = world.sender->counters;
  dispatch_world_append(&world, topic, 0, 20, 10);
  dispatch_world_append(&world, topic, 1, 10, 10);
  dispatch_world_run(&world, MS);
  const struct sender_counters *after = &world.sender->counters;
  ck_assert_uint_eq(after->requests_sent - before.requests_sent, 2);
  ck_assert_uint_eq(after->batches_sent - before.batches_sent, 3);
  ck_assert_uint_eq(after->batches_retried, before.batches_retried);
  ck_assert_uint_eq(after->batch_bytes_sent - before.batch_bytes_sent,
                    world.requests[0].batch_bytes + world.requests[1].batch_bytes);
  ck_assert_uint_eq(after->requests_in_flight, 2);
}
END_TEST

/* ---- leaders ---- */

START_TEST(a_new_leader_gets_nothing_before_the_old_ones_answers) {
  struct topic *topic = start_warm("0:1/1 1:2/1", 2);
  dispatch_world_append(&world, topic, 0, 20, 10); /* two requests to the old leader */
  dispatch_world_run(&world, MS);
  ck_assert_uint_eq(world.request_count, 2);
  dispatch_world_answer_leader(&world, 0, 2, 2);
  dispatch_world_append(&world, topic, 0, 10, 10);
  dispatch_world_append(&world, topic, 1, 10, 10);
  world.partitions[0] = "0:2/2 1:2/1";
  dispatch_world_run(&world, 5 * S);
  ck_assert_uint_eq(world.request_count, 3); /* the other partition there is not held up */
  ck_assert_str_eq(dispatch_world_describe(&world, 2), "2: t0/1@1");
  dispatch_world_answer(&world, 2, STATUS_OK);
  dispatch_world_answer_leader(&world, 1, 2, 2);
  dispatch_world_run(&world, S);
  ck_assert_uint_ge(world.request_count, 4);
  ck_assert_str_eq(dispatch_world_describe(&world, 3), "2: t0/0@1");
  dispatch_world_settle(&world);
  ck_assert_uint_eq(world.reported[OUTCOME_DELIVERED], 2 + 40);
  int32_t next = 1;
  for (uint32_t i = 3; i < world.request_count; i++) { /* in order, all at the new leader */
    ck_assert_int_eq(world.requests[i].node_id, 2);
    ck_assert_int_eq(world.requests[i].parts[0].base_sequence, next);
    next += world.requests[i].parts[0].record_count;
  }
  ck_assert_int_eq(next, 31);
}
END_TEST

START_TEST(new_records_wait_until_the_old_leader_has_answered) {
  struct topic *topic = start_warm("0:1/1 1:2/1", 2);
  dispatch_world_append(&world, topic, 0, 10, 10);
  dispatch_world_run(&world, MS);
  ck_assert_uint_eq(world.request_count, 1);
  world.partitions[0] = "0:2/2 1:2/1";
  cluster_want_refresh(&world.sender->cluster); /* the leader moves though nothing has failed */
  dispatch_world_run(&world, MS);
  ck_assert_int_eq(topic->partitions[0]->sender->leader_id, 2);
  dispatch_world_append(&world, topic, 0, 10, 10);
  dispatch_world_run(&world, 5 * S);
  ck_assert_uint_eq(world.request_count, 1);
  dispatch_world_answer(&world, 0, STATUS_OK);
  dispatch_world_run(&world, MS);
  ck_assert_uint_eq(world.request_count, 2);
  ck_assert_str_eq(dispatch_world_describe(&world, 1), "2: t0/0@11");
}
END_TEST

START_TEST(a_leader_hint_saves_the_backoff) {
  struct topic *topic = start_warm("0:1/1 1:2/1", 2); /* both are connected */
  dispatch_world_append(&world, topic, 0, 5, 10);
  dispatch_world_run(&world, MS);
  dispatch_world_answer_leader(&world, 0, 2, 2);
  dispatch_world_run(&world, 0);
  ck_assert_uint_eq(world.request_count, 2);
  ck_assert_str_eq(dispatch_world_describe(&world, 1), "2: t0/0@1");
}
END_TEST

START_TEST(without_a_hint_the_next_attempt_waits_for_its_backoff) {
  struct topic *topic = start_warm("0:1/1", 1);
  dispatch_world_append(&world, topic, 0, 5, 10);
  dispatch_world_run(&world, MS);
  for (uint32_t attempt = 0; attempt < 5; attempt++) {
    dispatch_world_answer(&world, attempt, STATUS_NOT_ENOUGH_REPLICAS);
    int64_t wait_us = 100 * MS << attempt, least_us = wait_us * 8 / 10 < S ? wait_us * 8 / 10 : S;
    dispatch_world_run(&world, least_us - 1);
    ck_assert_uint_eq(world.request_count, attempt + 1);
    dispatch_world_run(&world, (wait_us * 12 / 10 < S ? wait_us * 12 / 10 : S) - least_us + 10 * MS);
    ck_assert_uint_eq(world.request_count, attempt + 2);
  }
}
END_TEST

/* ---- what is missing ---- */

START_TEST(partitions_wait_for_a_producer_id_and_go_on_with_it) {
  world.partitions[0] = "0:1/1 1:2/1";
  world.holds_identity = true;
  dispatch_world_start(&world);
  struct topic *topic = dispatch_world_topic(&world, 0, -1);
  dispatch_world_append(&world, topic, 0, 10, 10);
  dispatch_world_append(&world, topic, 1, 10, 10);
  dispatch_world_run(&world, 5 * S);
  ck_assert_uint_eq(world.request_count, 0);
  world.holds_identity = false;
  dispatch_world_run(&world, 40 * S); /* the open question times out, the next is answered */
  ck_assert_uint_eq(world.request_count, 2);
  ck_assert_int_eq(world.requests[0].parts[0].producer_id, 1000);
  ck_assert_int_eq(world.requests[1].parts[0].producer_id, 1000);
}
END_TEST

/* The producer has another id by then; sequences of the two must not be mixed. */
START_TEST(a_partition_keeps_its_producer_id_when_another_one_is_fenced) {
  world.partitions[0] = "0:1/1 1:1/1";
  dispatch_world_start(&world);
  struct topic *topic = dispatch_world_topic(&world, 0, -1);
  dispatch_world_warm(&world, topic, 2);
  uint32_t fenced = world.request_count;
  dispatch_world_append(&world, topic, 0, 10, 10);
  dispatch_world_run(&world, MS);
  dispatch_world_answer(&world, fenced, STATUS_INVALID_PRODUCER_EPOCH);
  dispatch_world_run(&world, 5 * S);
  dispatch_world_append(&world, topic, 1, 10, 10);
  dispatch_world_run(&world, MS);
  ck_assert_uint_eq(world.request_count, fenced + 3);
  const struct dispatch_part *again = &world.requests[fenced + 1].parts[0],
                             *other = &world.requests[fenced + 2].parts[0];
  ck_assert_int_eq(again->partition, 0);
  ck_assert_int_eq(again->producer_id, 1001);
  ck_assert_int_eq(again->base_sequence, 0);
  ck_assert_int_eq(other->partition, 1);
  ck_assert_int_eq(other->producer_id, 1000);
  ck_assert_int_eq(other->base_sequence, 1);
}
END_TEST

START_TEST(without_memory_batches_are_sent_later_with_the_identity_they_have) {
  uint32_t failures = 0;
  for (bool failed = true; failed; failures++) {
    if (failures > 0) {
      dispatch_world_deinit(&world);
      dispatch_world_init(&world);
    }
    struct topic *topic = start_warm("0:1/1 1:1/1 2:1/1 3:1/1 4:1/1 5:1/1", 6);
    while (!list_is_empty(&world.sender->free_calls)) { /* each request has to be made anew */
      struct produce_call *call = LIST_ENTRY(world.sender->free_calls.next, struct produce_call, node);
      list_remove(&call->node);
      produce_call_destroy(call);
      world.sender->free_call_count--;
    }
    for (int32_t i = 0; i < 6; i++)
      dispatch_world_append(&world, topic, i, 20, 10);
    int64_t now_us = dispatch_world_now_us(&world);
    failing_allocator_start(failures);
    int64_t deadline_us = sender_step(world.sender, now_us);
    failed = failing_allocator_stop();
    ck_assert_int_gt(deadline_us, now_us); /* no busy loop */
    dispatch_world_run(&world, 20 * MS);   /* and no long sleep */
    uint32_t sent = 0;
    for (uint32_t i = 0; i < world.request_count; i++)
      sent += world.requests[i].part_count;
    ck_assert_uint_eq(sent, 12);
    dispatch_world_settle(&world);
    ck_assert_uint_eq(world.reported[OUTCOME_DELIVERED], 6 + 120);
    int32_t next[6] = {1, 1, 1, 1, 1, 1};
    for (uint32_t i = 0; i < world.request_count; i++)
      for (uint32_t p = 0; p < world.requests[i].part_count; p++) {
        const struct dispatch_part *part = &world.requests[i].parts[p];
        ck_assert_int_eq(part->base_sequence, next[part->partition]);
        ck_assert_int_eq(part->producer_epoch, 0);
        next[part->partition] += part->record_count;
      }
  }
  ck_assert_uint_ge(failures, 6); /* the call, its parts twice, segments, breaks, the frame */
}
END_TEST

START_TEST(finished_requests_are_used_again_but_not_hoarded) {
  struct topic *topic = start_warm("0:1/1", 1);
  for (uint32_t i = 0; i < 40; i++) {
    dispatch_world_append(&world, topic, 0, 1, 10);
    dispatch_world_run(&world, MS);
    dispatch_world_answer(&world, i, STATUS_OK);
  }
  ck_assert_uint_le(world.sender->free_call_count, 2);
  struct produce_call *calls[100];
  for (int i = 0; i < 100; i++)
    calls[i] = produce_call_create(world.sender);
  for (int i = 0; i < 100; i++)
    produce_dispatch_recycle(world.sender, calls[i]);
  uint32_t count = 0;
  for (struct list *node = world.sender->free_calls.next; node != &world.sender->free_calls;
       node = node->next)
    count++;
  ck_assert_uint_eq(count, world.sender->free_call_count);
  ck_assert_uint_lt(count, 100);
}
END_TEST

/* ---- what the partitioner is told ---- */

/* How many of 30 batches of records without key go to each partition. */
static void spread(struct topic *topic, uint32_t *taken, uint32_t from_request) {
  for (int i = 0; i < 30; i++) {
    dispatch_world_append(&world, topic, -1, 10, 100);
    dispatch_world_run(&world, 20 * MS);
    for (uint32_t r = 0; r < world.request_count; r++)
      if (!world.requests[r].answered && world.requests[r].node_id != 2)
        dispatch_world_answer(&world, r, STATUS_OK);
  }
  for (uint32_t r = from_request; r < world.request_count; r++)
    for (uint32_t p = 0; p < world.requests[r].part_count; p++)
      taken[world.requests[r].parts[p].partition]++;
}

START_TEST(records_without_key_avoid_partitions_without_leader) {
  struct topic *topic = start_warm("0:1/1 1:-1/1!5 2:3/1", 0);
  dispatch_world_append(&world, topic, 0, 1, 10);
  dispatch_world_settle(&world);
  uint32_t from = world.request_count, taken[3] = {0};
  spread(topic, taken, from);
  ck_assert_uint_ge(taken[0], 3);
  ck_assert_uint_ge(taken[2], 3);
  ck_assert_ptr_null(topic->partitions[1]); /* never used */
}
END_TEST

START_TEST(records_without_key_avoid_a_broker_that_takes_nothing_for_long) {
  world.settings.availability_timeout_us = 50 * MS;
  struct topic *topic = start_warm("0:1/1 1:2/1 2:3/1", 3);
  dispatch_world_append(&world, topic, 1, 100, 10); /* five requests stay open there, and more waits */
  dispatch_world_run(&world, 200 * MS);
  dispatch_world_append(&world, topic, 0, 1, 10); /* at the next drain the partitioner hears of it */
  dispatch_world_append(&world, topic, 2, 1, 10);
  dispatch_world_run(&world, 200 * MS);
  uint32_t waiting = topic->partitions[1]->batch_count, taken[3] = {0};
  ck_assert_uint_gt(waiting, 0);
  spread(topic, taken, world.request_count);
  ck_assert_uint_le(topic->partitions[1]->batch_count, waiting + 1); /* what sticky was at already */
  ck_assert_uint_ge(taken[0] + taken[2], 20);
}
END_TEST

int main(void) {
  Suite *suite = suite_create("produce_dispatch");
  TCase *tcase = tcase_create("produce_dispatch");
  suite_add_tcase(suite, tcase);
  tcase_add_checked_fixture(tcase, set_up, tear_down);
  tcase_add_test(tcase, a_request_takes_one_batch_of_each_partition);
  tcase_add_test(tcase, each_leader_gets_its_own_request);
  tcase_add_test(tcase, a_request_is_never_larger_than_the_setting);
  tcase_add_test(tcase, what_does_not_fit_comes_first_in_the_next_request);
  tcase_add_test(tcase, a_busy_partition_does_not_keep_the_others_waiting);
  tcase_add_test(tcase, topics_of_other_acks_go_in_requests_of_their_own);
  tcase_add_loop_test(tcase, topic_ids_are_used_where_all_are_known, 0, 2);
  tcase_add_test(tcase, a_broker_without_our_versions_gets_nothing_and_nothing_is_lost);
  tcase_add_loop_test(tcase, a_connection_holds_no_more_requests_than_the_setting, 1, 6);
  tcase_add_test(tcase, the_first_batch_of_an_identity_travels_alone);
  tcase_add_test(tcase, nothing_new_overtakes_what_is_to_be_sent_again);
  tcase_add_test(tcase, what_is_sent_again_is_the_same_to_the_last_byte);
  tcase_add_test(tcase, counters_tell_what_was_sent);
  tcase_add_test(tcase, a_new_leader_gets_nothing_before_the_old_ones_answers);
  tcase_add_test(tcase, new_records_wait_until_the_old_leader_has_answered);
  tcase_add_test(tcase, a_leader_hint_saves_the_backoff);
  tcase_add_test(tcase, without_a_hint_the_next_attempt_waits_for_its_backoff);
  tcase_add_test(tcase, partitions_wait_for_a_producer_id_and_go_on_with_it);
  tcase_add_test(tcase, a_partition_keeps_its_producer_id_when_another_one_is_fenced);
  tcase_add_test(tcase, without_memory_batches_are_sent_later_with_the_identity_they_have);
  tcase_add_test(tcase, finished_requests_are_used_again_but_not_hoarded);
  tcase_add_test(tcase, records_without_key_avoid_partitions_without_leader);
  tcase_add_test(tcase, records_without_key_avoid_a_broker_that_takes_nothing_for_long);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_ENV);
  int failed = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
