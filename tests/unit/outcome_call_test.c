/* The question to the leader in virtual time: a sender against a model cluster whose answers get lost. */
#include "sender/outcome_call.h"

#include "base/status.h"
#include "broker/broker_state.h"
#include "protocol/api.h"
#include "support/failing_allocator.h"
#include "support/sender_rig.h"
#include <check.h>

static struct sender_rig rig;

static void set_up(void) {
  sender_rig_init(&rig);
  rig.settings.sender.request_timeout_us = 3 * RIG_S;
}

static void tear_down(void) {
  sender_rig_stop(&rig);
}

static const struct broker_counters *broker(void) {
  return broker_model_counters(rig.cluster.model);
}

static uint64_t questions(void) {
  return broker()->requests[API_DESCRIBE_PRODUCERS];
}

static void fault_questions(struct broker_fault fault) {
  fault.api_key = API_DESCRIBE_PRODUCERS;
  if (fault.topic == NULL) fault.partition = -1;
  sender_rig_fault(&rig, &fault);
}

/* So many batches of one record are in flight to a partition, `written` of them are appended, no answer
 * comes. Then the broker restarts: it recognises the last one. */
static void lose(int32_t partition, uint32_t count, uint32_t written) {
  struct broker_fault lost = {.api_key = API_PRODUCE,
                              .topic = "t",
                              .partition = partition,
                              .count = written,
                              .withhold_response = true};
  if (written > 0) sender_rig_fault(&rig, &lost);
  int64_t before = sender_rig_log_count(&rig, "t", partition);
  rig.cluster.forgets_closed = true;
  for (uint32_t i = 0; i < count; i++) {
    if (i == written) rig.cluster.request_delay_us = 20 * RIG_MS; /* not handled before the restart */
    sender_rig_send(&rig, "t", partition, 10);
    sender_rig_run(&rig, RIG_MS);
  }
  rig.cluster.request_delay_us = 500;
  broker_model_reload(rig.cluster.model);
  model_cluster_cut(&rig.cluster, 0);
  ck_assert_int_eq(sender_rig_log_count(&rig, "t", partition), before + written);
  rig.sender->counters.outcomes_resolved = 0;
}

static void expect_all_delivered(uint32_t resolved) {
  ck_assert(sender_rig_settle(&rig, 30 * RIG_S));
  sender_rig_verify_delivered(&rig);
  ck_assert_int_eq(sender_rig_log_count(&rig, "t", 0), rig.record_count);
  ck_assert_uint_eq(rig.sender->published.outcomes_resolved, resolved);
  ck_assert_uint_eq(rig.sender->published.epochs_raised, 0);
}

/* ---- with an answer ---- */

enum { LOSSES = 20 };

/* _i stands for 1 to 5 batches in flight, of which 0 to all were written. */
START_TEST(a_restarted_sole_replica_is_asked_what_it_has) {
  uint32_t count = 1, written = (uint32_t)_i;
  while (written > count)
    written -= ++count;
  sender_rig_start_warm(&rig, 1, 1);
  lose(0, count, written);
  expect_all_delivered(count);
  ck_assert_uint_eq(questions(), written > 1 ? 1 : 0); /* a single one is recognised */
  ck_assert_uint_eq(rig.sender->published.out_of_order_answers, written > 1 ? 1 : 0);
  ck_assert_uint_eq(broker()->duplicates, written > 0 ? 1 : 0);
}
END_TEST

START_TEST(our_producer_is_found_among_others) {
  sender_rig_start_warm(&rig, 1, 1);
  struct broker_topic *topic = broker_topics_find(&rig.cluster.model->topics, bytes_of_string("t"));
  struct producer_state *producers = &broker_topic_partition(topic, 0)->producers;
  for (int64_t id = 0; id < 20; id++) {
    ck_assert_int_eq(producer_state_reserve(producers), STATUS_OK);
    struct producer_batch_identity other = {.producer_id = id, .base_sequence = 1, .record_count = 1};
    producer_state_record(producers, &other, 0, model_cluster_wall_ms(&rig.cluster));
  }
  lose(0, 4, 3);
  expect_all_delivered(4);
  ck_assert_uint_eq(questions(), 1);
  ck_assert_uint_eq(rig.sender->published.out_of_order_answers, 1);
}
END_TEST

START_TEST(the_answer_settles_only_what_the_next_success_proves) {
  sender_rig_start_warm(&rig, 1, 1);
  lose(0, 3, 3);
  sender_rig_refuse(&rig, "t", 0, STATUS_OUT_OF_ORDER_SEQUENCE_NUMBER, 1);
  sender_rig_refuse(&rig, "t", 0, STATUS_NOT_ENOUGH_REPLICAS_AFTER_APPEND, 3);
  while (questions() == 0)
    sender_rig_run(&rig, 10 * RIG_MS);
  sender_rig_run(&rig, 50 * RIG_MS);
  ck_assert_uint_eq(sender_rig_count(&rig, OUTCOME_DELIVERED_OFFSET_UNKNOWN), 0);
  ck_assert_int_eq(sender_rig_outcome(&rig, 1), OUTCOME_NONE);
  expect_all_delivered(3);
  ck_assert_uint_eq(sender_rig_count(&rig, OUTCOME_DELIVERED_OFFSET_UNKNOWN), 2);
  ck_assert_uint_eq(questions(), 1);
}
END_TEST

START_TEST(a_leader_that_remembers_nothing_gets_nothing_again) {
  sender_rig_start_warm(&rig, 1, 1);
  lose(0, 2, 2);
  broker_model_forget_producers(rig.cluster.model);
  sender_rig_refuse(&rig, "t", 0, STATUS_OUT_OF_ORDER_SEQUENCE_NUMBER, 1);
  ck_assert(sender_rig_settle(&rig, 30 * RIG_S));
  ck_assert_uint_eq(questions(), 1);
  for (uint32_t number = 1; number < 3; number++) {
    ck_assert_int_eq(sender_rig_outcome(&rig, number), OUTCOME_UNKNOWN);
    ck_assert_int_eq(sender_rig_status(&rig, number), STATUS_UNKNOWN_PRODUCER_ID);
  }
  ck_assert_int_eq(sender_rig_log_count(&rig, "t", 0), 3);
  uint32_t next = sender_rig_send(&rig, "t", 0, 10);
  ck_assert(sender_rig_settle(&rig, 30 * RIG_S));
  ck_assert_int_eq(sender_rig_outcome(&rig, next), OUTCOME_DELIVERED);
  sender_rig_verify(&rig);
}
END_TEST

START_TEST(a_pause_asked_for_with_the_answer_is_kept) {
  sender_rig_start_warm(&rig, 1, 1);
  lose(0, 3, 3);
  fault_questions((struct broker_fault){.throttle_ms = 5000});
  ck_assert(!sender_rig_settle(&rig, 4 * RIG_S));
  expect_all_delivered(3);
}
END_TEST

/* Nothing but the end of the pause wakes the sender. */
START_TEST(a_pause_before_another_question_ends_by_itself) {
  sender_rig_start_warm(&rig, 1, 1);
  fault_questions((struct broker_fault){.error_code = STATUS_NOT_LEADER_OR_FOLLOWER, .throttle_ms = 20000});
  lose(0, 3, 3);
  ck_assert(!sender_rig_settle(&rig, 19 * RIG_S));
  ck_assert(sender_rig_settle(&rig, 2 * RIG_S));
  ck_assert_uint_eq(questions(), 2);
  sender_rig_verify_delivered(&rig);
}
END_TEST

START_TEST(partitions_of_several_topics_are_asked_about_together) {
  sender_rig_start_warm(&rig, 1, 2);
  ck_assert_int_eq(broker_model_create_topic(rig.cluster.model, "u", 1), STATUS_OK);
  sender_rig_send(&rig, "u", 0, 10);
  ck_assert(sender_rig_settle(&rig, 10 * RIG_S));
  sender_rig_fault(
      &rig, &(struct broker_fault){
                .api_key = API_PRODUCE, .partition = -1, .count = UINT32_MAX, .withhold_response = true});
  for (int i = 0; i < 3; i++) {
    sender_rig_send(&rig, "t", 0, 10);
    sender_rig_send(&rig, "u", 0, 10);
    sender_rig_send(&rig, "t", 1, 10);
    sender_rig_run(&rig, RIG_MS);
  }
  broker_model_clear_faults(rig.cluster.model);
  broker_model_reload(rig.cluster.model);
  model_cluster_cut(&rig.cluster, 0);
  ck_assert(sender_rig_settle(&rig, 30 * RIG_S));
  sender_rig_verify_delivered(&rig);
  ck_assert_uint_eq(rig.sender->published.outcomes_resolved, 9);
  ck_assert_uint_le(questions(), 3);
  ck_assert_uint_ge(questions(), 1);
}
END_TEST

/* Answers that take long: the second partition is refused while the question about the first is open. */
START_TEST(a_question_waits_for_the_one_that_is_open) {
  sender_rig_start_warm(&rig, 1, 2);
  struct broker_fault lost = {
      .api_key = API_PRODUCE, .topic = "t", .partition = 1, .count = 2, .withhold_response = true};
  sender_rig_refuse(&rig, "t", 1, STATUS_NOT_ENOUGH_REPLICAS, 1); /* its next backoff is longer */
  sender_rig_fault(&rig, &lost);
  for (int i = 0; i < 2; i++) {
    sender_rig_send(&rig, "t", 1, 10);
    sender_rig_run(&rig, 200 * RIG_MS);
  }
  lose(0, 3, 3);
  while (!network_client_is_ready(rig.client, 1, sender_rig_now_us(&rig)))
    sender_rig_run(&rig, RIG_MS);
  rig.cluster.request_delay_us = rig.cluster.response_delay_us = 200 * RIG_MS;
  const struct sender_partition *first = sender_rig_partition(&rig, "t", 0);
  const struct sender_partition *second = sender_rig_partition(&rig, "t", 1);
  bool has_waited = false;
  for (int i = 0; i < 5000 && rig.sender->counters.outcomes_resolved < 5; i++) {
    sender_rig_run(&rig, RIG_MS);
    enum outcome_query_state states[] = {first->query.state, second->query.state};
    bool waits = states[0] + states[1] == OUTCOME_QUERY_DUE + OUTCOME_QUERY_OPEN && states[0] != states[1];
    has_waited = has_waited || waits;
  }
  ck_assert(has_waited);
  ck_assert_uint_eq(questions(), 2);
  ck_assert(sender_rig_settle(&rig, RIG_S));
  sender_rig_verify_delivered(&rig);
}
END_TEST

/* One partition's refused sequences are nothing to fifteen others. */
START_TEST(other_partitions_go_on) {
  enum { PARTITIONS = 16 };
  rig.settings.topic.delivery_timeout_us = 20 * RIG_S;
  sender_rig_start_warm(&rig, 2, PARTITIONS);
  for (int32_t i = 0; i < PARTITIONS; i += 2)
    model_cluster_lead(&rig.cluster, "t", i, 2);
  for (int32_t i = 0; i < PARTITIONS; i++)
    sender_rig_send(&rig, "t", i, 10);
  ck_assert(sender_rig_settle(&rig, 10 * RIG_S));
  lose(0, 3, 3);
  fault_questions((struct broker_fault){
      .topic = "t", .partition = 0, .count = UINT32_MAX, .error_code = STATUS_LEADER_NOT_AVAILABLE});
  sender_rig_refuse(&rig, "t", 0, STATUS_OUT_OF_ORDER_SEQUENCE_NUMBER, UINT32_MAX);
  uint32_t first = rig.record_count;
  for (int round = 0; round < 40; round++) {
    uint64_t delivered = sender_rig_count(&rig, OUTCOME_DELIVERED);
    for (int32_t i = 1; i < PARTITIONS; i++)
      sender_rig_send(&rig, "t", i, 10);
    sender_rig_run(&rig, round == 0 ? 2 * RIG_S : 50 * RIG_MS); /* the connections are back */
    ck_assert_uint_eq(sender_rig_count(&rig, OUTCOME_DELIVERED), delivered + PARTITIONS - 1);
  }
  ck_assert_uint_ge(rig.sender->published.epochs_raised, 1);
  const struct sender_partition *troubled = sender_rig_partition(&rig, "t", 0);
  for (int32_t i = 1; i < PARTITIONS; i++) {
    const struct sender_partition *other = sender_rig_partition(&rig, "t", i);
    ck_assert_int_eq(other->producer_epoch, 0);
    ck_assert_int_eq(other->next_sequence, 42);
    ck_assert_int_eq(other->query.state, OUTCOME_QUERY_NONE);
    ck_assert_uint_eq(other->query.attempts, 0);
    ck_assert_int_eq(sender_rig_log_count(&rig, "t", i), 42);
  }
  ck_assert_int_gt(troubled->producer_epoch, 0);
  for (uint32_t number = first - 3; number < first; number++)
    ck_assert_int_eq(sender_rig_outcome(&rig, number), OUTCOME_UNKNOWN);
  sender_rig_verify(&rig);
}
END_TEST

/* ---- without ---- */

/* _i batches, all written. */
START_TEST(without_permission_the_walk_decides_and_the_topic_is_left_alone) {
  sender_rig_start_warm(&rig, 1, 1);
  fault_questions(
      (struct broker_fault){.count = UINT32_MAX, .error_code = STATUS_TOPIC_AUTHORIZATION_FAILED});
  lose(0, (uint32_t)_i, (uint32_t)_i);
  expect_all_delivered((uint32_t)_i);
  uint64_t asked = _i > 1 ? 1 : 0;
  ck_assert_uint_eq(questions(), asked);
  ck_assert_uint_eq(rig.sender->published.out_of_order_answers, (uint64_t)_i - 1);
  lose(0, 3, 3);
  expect_all_delivered(3);
  ck_assert_uint_eq(questions(), _i > 1 ? asked : 1);
  sender_rig_run(&rig, 11 * 60 * (int64_t)RIG_S); /* permissions change */
  sender_rig_send(&rig, "t", 0, 10);
  ck_assert(sender_rig_settle(&rig, 10 * RIG_S));
  broker_model_clear_faults(rig.cluster.model);
  lose(0, 3, 3);
  expect_all_delivered(3);
  ck_assert_uint_eq(questions(), 2);
}
END_TEST

/* Renames the offer of DescribeProducers. */
static void withdraw_offer(void *context, const struct request_header *header, struct wire_writer *frame) {
  (void)context;
  static const uint8_t row[] = {0, API_DESCRIBE_PRODUCERS, 0, 0, 0, 0};
  if (header->api_key != API_API_VERSIONS) return;
  uint8_t *found = memmem(frame->data, frame->size, row, sizeof row);
  ck_assert_ptr_nonnull(found);
  found[1] = API_VERSIONS_KEY_COUNT - 1;
}

START_TEST(a_broker_that_does_not_offer_it_is_not_asked) {
  rig.cluster.tamper = withdraw_offer;
  sender_rig_start(&rig, 1);
  rig.cluster.tamper = withdraw_offer;
  ck_assert_int_eq(broker_model_create_topic(rig.cluster.model, "t", 1), STATUS_OK);
  sender_rig_send(&rig, "t", 0, 10);
  ck_assert(sender_rig_settle(&rig, 10 * RIG_S));
  lose(0, 4, 4);
  expect_all_delivered(4);
  ck_assert_uint_eq(questions(), 0);
  ck_assert_uint_eq(rig.sender->published.out_of_order_answers, 3);
}
END_TEST

START_TEST(a_question_without_answer_ends_by_its_timeout) {
  sender_rig_start_warm(&rig, 1, 1);
  fault_questions((struct broker_fault){.count = UINT32_MAX, .withhold_response = true});
  lose(0, 3, 3);
  ck_assert(!sender_rig_settle(&rig, 3 * RIG_S));
  expect_all_delivered(3);
  ck_assert_uint_eq(questions(), 1);
}
END_TEST

START_TEST(a_lost_question_is_asked_again_and_not_for_ever) {
  bool for_ever = _i == 1;
  sender_rig_start_warm(&rig, 1, 1);
  fault_questions((struct broker_fault){.count = for_ever ? UINT32_MAX : 1, .drop_response = true});
  lose(0, 3, 3);
  expect_all_delivered(3);
  ck_assert_uint_eq(questions(), for_ever ? OUTCOME_QUERY_ATTEMPTS_MAXIMUM : 2);
  ck_assert_uint_eq(rig.sender->published.out_of_order_answers, for_ever ? 2 : 1);
}
END_TEST

/* An answer to another partition's batch cannot be read, and takes the question with it. */
START_TEST(a_question_lost_by_the_fault_of_another_request_is_asked_again) {
  sender_rig_start_warm(&rig, 1, 2);
  const struct sender_partition *partition = sender_rig_partition(&rig, "t", 0);
  lose(0, 3, 3);
  while (partition->in_flight != 1) /* the first one, alone */
    sender_rig_run(&rig, RIG_MS / 10);
  rig.cluster.response_delay_us = 20 * RIG_MS;
  sender_rig_fault(&rig, &(struct broker_fault){.api_key = API_PRODUCE,
                                                .topic = "t",
                                                .partition = 1,
                                                .corruption = BROKER_CORRUPTION_GARBAGE});
  sender_rig_send(&rig, "t", 1, 10);
  ck_assert(sender_rig_settle(&rig, 30 * RIG_S));
  sender_rig_verify_delivered(&rig);
  ck_assert_uint_eq(rig.sender->counters.connections_lost, 2);
  ck_assert_int_eq(partition->queue->topic->sender->unanswered_until_us, 0);
  ck_assert_uint_eq(questions(), 1); /* the first did not arrive */
}
END_TEST

START_TEST(a_broker_that_leads_no_longer_is_asked_again) {
  sender_rig_start_warm(&rig, 1, 1);
  fault_questions((struct broker_fault){.error_code = STATUS_NOT_LEADER_OR_FOLLOWER});
  lose(0, 3, 3);
  uint64_t metadata = broker()->requests[API_METADATA];
  expect_all_delivered(3);
  ck_assert_uint_eq(questions(), 2);
  ck_assert_uint_gt(broker()->requests[API_METADATA], metadata);
}
END_TEST

START_TEST(answers_that_cannot_be_read_leave_it_to_the_walk) {
  static const enum broker_corruption corruptions[] = {BROKER_CORRUPTION_TRUNCATED, BROKER_CORRUPTION_GARBAGE,
                                                       BROKER_CORRUPTION_OVERSIZED,
                                                       BROKER_CORRUPTION_CORRELATION_ID};
  sender_rig_start_warm(&rig, 1, 1);
  fault_questions((struct broker_fault){.count = UINT32_MAX, .corruption = corruptions[_i]});
  lose(0, 3, 3);
  expect_all_delivered(3);
  ck_assert_uint_ge(questions(), 1);
  ck_assert_uint_le(questions(), OUTCOME_QUERY_ATTEMPTS_MAXIMUM);
}
END_TEST

enum { ANSWER_BODY_FROM = 9 }; /* size, correlation id, tags */

/* Answers about nothing, or about a partition that was not asked about. */
static void answer_about_nothing(void *context, const struct request_header *header,
                                 struct wire_writer *frame) {
  (void)context;
  static const uint8_t nothing[] = {0, 0, 0, 0, 1, 0};
  if (header->api_key != API_DESCRIBE_PRODUCERS) return;
  frame->size = ANSWER_BODY_FROM;
  wire_write_raw(frame, bytes_of(nothing, sizeof nothing));
  wire_patch_int32(frame, 0, (int32_t)(frame->size - REQUEST_SIZE_BYTES));
}

static void answer_about_another(void *context, const struct request_header *header,
                                 struct wire_writer *frame) {
  (void)context;
  if (header->api_key == API_DESCRIBE_PRODUCERS)
    frame->data[ANSWER_BODY_FROM + 6] = 'z'; /* the topic's name */
}

/* One partition more than was asked about. */
static void answer_too_much(void *context, const struct request_header *header, struct wire_writer *frame) {
  (void)context;
  static const uint8_t twice[] = {0, 0, 0, 0, 2, 2, 't', 3, /* topic "t", two partitions */
                                  0, 0, 0, 0, 0, 0, 0,   1, 0, 0, 0, 0, 1, 0, 0, 0, 1, 0, /* 0 and 1, empty */
                                  0, 0};
  if (header->api_key != API_DESCRIBE_PRODUCERS) return;
  frame->size = ANSWER_BODY_FROM;
  wire_write_raw(frame, bytes_of(twice, sizeof twice));
  wire_patch_int32(frame, 0, (int32_t)(frame->size - REQUEST_SIZE_BYTES));
}

START_TEST(answers_that_do_not_fit_the_question_leave_it_to_the_walk) {
  static void (*const tampers[])(void *context, const struct request_header *header,
                                 struct wire_writer *frame) = {answer_about_nothing, answer_about_another,
                                                               answer_too_much};
  sender_rig_start_warm(&rig, 1, 1);
  rig.cluster.tamper = tampers[_i];
  lose(0, 3, 3);
  expect_all_delivered(3);
  ck_assert_uint_eq(questions(), 1);
  ck_assert_uint_eq(rig.sender->published.out_of_order_answers, 2);
  ck_assert_uint_eq(rig.sender->published.connections_lost, 2); /* also by lose */
}
END_TEST

/* What is sent again after the answer is refused for its sequence each time. */
START_TEST(answers_that_do_not_help_are_followed_by_backoff_and_an_end) {
  sender_rig_start_warm(&rig, 1, 1);
  lose(0, 2, 0);
  sender_rig_refuse(&rig, "t", 0, STATUS_OUT_OF_ORDER_SEQUENCE_NUMBER, UINT32_MAX);
  int64_t asked_us[OUTCOME_QUERY_ATTEMPTS_MAXIMUM];
  for (uint64_t i = 0; i < OUTCOME_QUERY_ATTEMPTS_MAXIMUM; i++) {
    while (questions() <= i)
      sender_rig_run(&rig, RIG_MS);
    asked_us[i] = sender_rig_now_us(&rig);
    if (i > 0) ck_assert_int_ge(asked_us[i] - asked_us[i - 1], 75 * RIG_MS);
  }
  ck_assert(sender_rig_settle(&rig, 30 * RIG_S));
  ck_assert_uint_eq(questions(), OUTCOME_QUERY_ATTEMPTS_MAXIMUM);
  ck_assert_uint_eq(sender_rig_count(&rig, OUTCOME_UNKNOWN), 2);
  ck_assert_int_eq(sender_rig_log_count(&rig, "t", 0), 1);
  sender_rig_verify(&rig);
}
END_TEST

/* ---- meanwhile ---- */

START_TEST(a_question_to_a_broker_that_is_forgotten_waits_for_the_next_leader) {
  sender_rig_start_warm(&rig, 1, 1);
  lose(0, 3, 3);
  sender_rig_fault(&rig,
                   &(struct broker_fault){.api_key = API_PRODUCE, .partition = -1, .throttle_ms = 5000});
  const struct sender_partition *partition = sender_rig_partition(&rig, "t", 0);
  while (partition->place != PLACE_QUERY)
    sender_rig_run(&rig, RIG_MS);
  ck_assert_int_eq(partition->query.state, OUTCOME_QUERY_DUE);
  network_client_rebootstrap(rig.client, sender_rig_now_us(&rig));
  sender_step(rig.sender, sender_rig_now_us(&rig));
  ck_assert_int_eq(partition->place, PLACE_LEADERLESS);
  expect_all_delivered(3);
  ck_assert_uint_eq(questions(), 1);
}
END_TEST

START_TEST(a_new_leader_is_asked_in_the_old_ones_place) {
  sender_rig_start_warm(&rig, 2, 1);
  fault_questions((struct broker_fault){.withhold_response = true});
  lose(0, 3, 3);
  while (questions() == 0)
    sender_rig_run(&rig, 10 * RIG_MS);
  const struct sender_partition *partition = sender_rig_partition(&rig, "t", 0);
  ck_assert_int_eq(partition->query.state, OUTCOME_QUERY_OPEN);
  ck_assert_int_eq(partition->place, PLACE_QUERY);
  model_cluster_lead(&rig.cluster, "t", 0, 2);
  cluster_want_refresh(&rig.sender->cluster);
  expect_all_delivered(3);
  ck_assert_uint_eq(questions(), 2);
  ck_assert_int_eq(rig.records[3].report.broker, 2);
  sender_rig_run(&rig, 5 * RIG_S); /* the first question ends without harm */
}
END_TEST

START_TEST(a_late_answer_finds_records_that_timed_out) {
  rig.settings.topic.delivery_timeout_us = 2 * RIG_S;
  sender_rig_start_warm(&rig, 1, 1);
  lose(0, 3, 3);
  while (sender_rig_partition(&rig, "t", 0)->query.state != OUTCOME_QUERY_OPEN) {
    rig.cluster.response_delay_us = 500;
    sender_rig_run(&rig, RIG_MS / 10);
  }
  rig.cluster.response_delay_us = 2500 * RIG_MS;
  ck_assert(sender_rig_settle(&rig, 2100 * RIG_MS));
  for (uint32_t number = 1; number < 4; number++) {
    ck_assert_int_eq(sender_rig_outcome(&rig, number), OUTCOME_UNKNOWN);
    ck_assert_int_eq(sender_rig_status(&rig, number), STATUS_DELIVERY_TIMED_OUT);
  }
  sender_rig_run(&rig, RIG_S); /* it comes now */
  ck_assert_uint_eq(questions(), 1);
  rig.cluster.response_delay_us = 500;
  uint32_t next = sender_rig_send(&rig, "t", 0, 10);
  ck_assert(sender_rig_settle(&rig, 10 * RIG_S));
  ck_assert_int_eq(sender_rig_outcome(&rig, next), OUTCOME_DELIVERED);
  sender_rig_verify(&rig);
}
END_TEST

START_TEST(a_producer_ends_with_a_question_open) {
  sender_rig_start_warm(&rig, 1, 1);
  fault_questions((struct broker_fault){.withhold_response = true});
  lose(0, 3, 3);
  while (questions() == 0)
    sender_rig_run(&rig, 10 * RIG_MS);
  sender_rig_abort(&rig);
  ck_assert_uint_eq(sender_rig_count(&rig, OUTCOME_UNKNOWN), 3);
  sender_rig_verify(&rig);
}
END_TEST

START_TEST(a_recreated_topic_is_not_asked_about_the_old_one) {
  sender_rig_start_warm(&rig, 1, 1);
  fault_questions((struct broker_fault){.withhold_response = true});
  lose(0, 3, 3);
  while (questions() == 0)
    sender_rig_run(&rig, 10 * RIG_MS);
  rig.logs_may_be_gone = true;
  ck_assert_int_eq(broker_model_delete_topic(rig.cluster.model, "t"), STATUS_OK);
  ck_assert_int_eq(broker_model_create_topic(rig.cluster.model, "t", 1), STATUS_OK);
  cluster_want_refresh(&rig.sender->cluster);
  ck_assert(sender_rig_settle(&rig, 30 * RIG_S));
  ck_assert_uint_eq(sender_rig_count(&rig, OUTCOME_UNKNOWN), 3);
  ck_assert_int_eq(sender_rig_status(&rig, 1), STATUS_TOPIC_RECREATED);
  uint32_t next = sender_rig_send(&rig, "t", 0, 10);
  ck_assert(sender_rig_settle(&rig, 10 * RIG_S));
  ck_assert_int_eq(sender_rig_outcome(&rig, next), OUTCOME_DELIVERED);
  sender_rig_verify(&rig);
}
END_TEST

/* The partition that is asked about is none of the new topic's. */
START_TEST(a_topic_that_was_made_again_with_fewer_partitions_leaves_no_question) {
  sender_rig_start_warm(&rig, 2, 3);
  rig.logs_may_be_gone = true;
  lose(2, 3, 3);
  sender_rig_fault(&rig,
                   &(struct broker_fault){.api_key = API_PRODUCE, .partition = -1, .throttle_ms = 5000});
  while (sender_rig_partition(&rig, "t", 2)->place != PLACE_QUERY)
    sender_rig_run(&rig, RIG_MS);
  ck_assert_int_eq(broker_model_delete_topic(rig.cluster.model, "t"), STATUS_OK);
  ck_assert_int_eq(broker_model_create_topic(rig.cluster.model, "t", 1), STATUS_OK);
  cluster_want_refresh(&rig.sender->cluster);
  ck_assert(sender_rig_settle(&rig, 30 * RIG_S));
  ck_assert_uint_eq(sender_rig_count(&rig, OUTCOME_UNKNOWN), 3);
  sender_rig_run(&rig, 10 * RIG_S); /* the pause is over */
  ck_assert_uint_eq(questions(), 0);
  sender_rig_verify(&rig);
}
END_TEST

/* Whichever allocation fails while it asks, everything is delivered. */
START_TEST(missing_memory_leaves_it_to_the_walk) {
  bool failed = true;
  for (uint32_t index = 0; failed; index++) {
    sender_rig_start_warm(&rig, 1, 1);
    lose(0, 3, 3);
    while (sender_rig_partition(&rig, "t", 0)->place != PLACE_QUERY)
      sender_rig_run(&rig, RIG_MS / 10);
    failing_allocator_start(index);
    sender_rig_run(&rig, 20 * RIG_MS);
    failed = failing_allocator_stop();
    expect_all_delivered(3);
    if (!failed) ck_assert_uint_gt(index, 0);
    sender_rig_stop(&rig);
    set_up();
  }
  sender_rig_start(&rig, 1); /* for the fixture to stop */
}
END_TEST

int main(void) {
  Suite *suite = suite_create("outcome_call");
  TCase *answered = tcase_create("answered");
  tcase_add_checked_fixture(answered, set_up, tear_down);
  tcase_add_loop_test(answered, a_restarted_sole_replica_is_asked_what_it_has, 0, LOSSES);
  tcase_add_test(answered, our_producer_is_found_among_others);
  tcase_add_test(answered, the_answer_settles_only_what_the_next_success_proves);
  tcase_add_test(answered, a_leader_that_remembers_nothing_gets_nothing_again);
  tcase_add_test(answered, a_pause_asked_for_with_the_answer_is_kept);
  tcase_add_test(answered, a_pause_before_another_question_ends_by_itself);
  tcase_add_test(answered, partitions_of_several_topics_are_asked_about_together);
  tcase_add_test(answered, a_question_waits_for_the_one_that_is_open);
  tcase_add_test(answered, other_partitions_go_on);
  suite_add_tcase(suite, answered);
  TCase *unanswered = tcase_create("unanswered");
  tcase_add_checked_fixture(unanswered, set_up, tear_down);
  tcase_add_loop_test(unanswered, without_permission_the_walk_decides_and_the_topic_is_left_alone, 1, 6);
  tcase_add_test(unanswered, a_broker_that_does_not_offer_it_is_not_asked);
  tcase_add_test(unanswered, a_question_without_answer_ends_by_its_timeout);
  tcase_add_loop_test(unanswered, a_lost_question_is_asked_again_and_not_for_ever, 0, 2);
  tcase_add_test(unanswered, a_question_lost_by_the_fault_of_another_request_is_asked_again);
  tcase_add_test(unanswered, a_broker_that_leads_no_longer_is_asked_again);
  tcase_add_loop_test(unanswered, answers_that_cannot_be_read_leave_it_to_the_walk, 0, 4);
  tcase_add_loop_test(unanswered, answers_that_do_not_fit_the_question_leave_it_to_the_walk, 0, 3);
  tcase_add_test(unanswered, answers_that_do_not_help_are_followed_by_backoff_and_an_end);
  suite_add_tcase(suite, unanswered);
  TCase *meanwhile = tcase_create("meanwhile");
  tcase_add_checked_fixture(meanwhile, set_up, tear_down);
  tcase_add_test(meanwhile, a_question_to_a_broker_that_is_forgotten_waits_for_the_next_leader);
  tcase_add_test(meanwhile, a_new_leader_is_asked_in_the_old_ones_place);
  tcase_add_test(meanwhile, a_late_answer_finds_records_that_timed_out);
  tcase_add_test(meanwhile, a_producer_ends_with_a_question_open);
  tcase_add_test(meanwhile, a_recreated_topic_is_not_asked_about_the_old_one);
  tcase_add_test(meanwhile, a_topic_that_was_made_again_with_fewer_partitions_leaves_no_question);
  tcase_add_test(meanwhile, missing_memory_leaves_it_to_the_walk);
  suite_add_tcase(suite, meanwhile);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_ENV);
  int failures = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failures != 0;
}
