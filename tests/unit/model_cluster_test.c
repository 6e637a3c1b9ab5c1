/* The model cluster with replication: what a client sees of leaders that change, and what is committed. */
#include "base/status.h"
#include "protocol/api.h"
#include "support/cluster_client.h"
#include <check.h>
#include <stdio.h>
#include <stdlib.h>

enum { MS = 1000, S = 1000 * MS, PRODUCER_ID = 77 };

static struct model_cluster_settings settings;
static struct model_cluster cluster;
static struct cluster_client client;

static void set_up(void) {
  model_cluster_settings_init(&settings);
}

static void start(int32_t partition_count) {
  model_cluster_init_replicated(&cluster, &settings, S);
  cluster_client_init(&client, &cluster);
  ck_assert_int_eq(model_cluster_create_topic(&cluster, "t", partition_count), STATUS_OK);
  cluster_client_run(&client, 200 * MS);
}

static void stop(void) {
  cluster_client_deinit(&client);
  model_cluster_deinit(&cluster);
}

static struct batch_plan batch_at(int32_t sequence) {
  return (struct batch_plan){.idempotent = true,
                             .producer_id = PRODUCER_ID,
                             .base_sequence = sequence,
                             .timestamp_ms = model_cluster_wall_ms(&cluster)};
}

/* One record to partition 0, whose first leader is node 1. */
static struct cluster_client_answer produce(int32_t node_id, int16_t acks, int32_t sequence) {
  struct batch_plan plan = batch_at(sequence);
  return cluster_client_produce(&client, node_id, acks, "t", 0, &plan);
}

static int32_t send(int32_t node_id, int16_t acks, int32_t sequence) {
  struct batch_plan plan = batch_at(sequence);
  return cluster_client_send(&client, node_id, acks, "t", 0, &plan);
}

static void expect(struct cluster_client_answer answer, int32_t error_code, int64_t base_offset) {
  ck_assert_int_eq(answer.error_code, error_code);
  if (error_code == STATUS_OK) ck_assert_int_eq(answer.base_offset, base_offset);
}

static int64_t committed(void) {
  return model_cluster_committed_end(model_cluster_topic(&cluster, "t"), 0);
}

static void settle(void) {
  model_cluster_heal(&cluster);
  cluster_client_run(&client, 15 * (int64_t)S);
  ck_assert(model_cluster_is_settled(&cluster));
}

START_TEST(acks_of_all_come_when_the_followers_have_it) {
  settings.replication.lag_min_us = settings.replication.lag_max_us = 40 * MS;
  start(1);
  int64_t begun_us = fake_transport_now_us(cluster.transport);
  struct cluster_client_answer answer = produce(1, 1, 0);
  expect(answer, STATUS_OK, 0);
  ck_assert_int_lt(answer.arrived_us - begun_us, 5 * MS);
  ck_assert_int_eq(committed(), 0);
  answer = produce(1, -1, 1);
  expect(answer, STATUS_OK, 1);
  ck_assert_int_gt(answer.arrived_us - begun_us, 40 * MS);
  ck_assert_int_eq(committed(), 2);
  expect(produce(1, -1, 0), STATUS_OK, 0); /* a duplicate */
  settle();
  stop();
}
END_TEST

START_TEST(others_name_the_leader) {
  start(1);
  struct cluster_client_answer answer = produce(2, -1, 0);
  expect(answer, STATUS_NOT_LEADER_OR_FOLLOWER, -1);
  ck_assert_int_eq(answer.leader_id, 1);
  ck_assert(model_cluster_lead(&cluster, "t", 0, 2));
  cluster_client_run(&client, 100 * MS);
  answer = produce(1, -1, 0);
  expect(answer, STATUS_NOT_LEADER_OR_FOLLOWER, -1);
  ck_assert_int_eq(answer.leader_id, 2);
  ck_assert_int_eq(answer.leader_epoch, 1);
  expect(produce(2, -1, 0), STATUS_OK, 0);
  settle();
  stop();
}
END_TEST

START_TEST(a_new_leader_knows_the_last_five_batches) {
  start(1);
  for (int32_t sequence = 0; sequence < 12; sequence++)
    expect(produce(1, -1, sequence), STATUS_OK, sequence);
  model_cluster_kill(&cluster, 1);
  cluster_client_run(&client, 5 * (int64_t)S);
  ck_assert_int_eq(model_cluster_topic(&cluster, "t")->partitions[0]->leader_id, 2);
  for (int32_t sequence = 7; sequence < 12; sequence++)
    expect(produce(2, -1, sequence), STATUS_OK, sequence);
  for (int32_t sequence = 0; sequence < 7; sequence++)
    expect(produce(2, -1, sequence), STATUS_OUT_OF_ORDER_SEQUENCE_NUMBER, -1);
  settle();
  stop();
}
END_TEST

START_TEST(a_restarted_follower_knows_one_batch_and_what_came_since) {
  start(1);
  for (int32_t sequence = 0; sequence < 6; sequence++)
    expect(produce(1, -1, sequence), STATUS_OK, sequence);
  model_cluster_kill(&cluster, 2);
  cluster_client_run(&client, 5 * (int64_t)S);
  model_cluster_start(&cluster, 2);
  cluster_client_run(&client, S);
  for (int32_t sequence = 6; sequence < 8; sequence++)
    expect(produce(1, -1, sequence), STATUS_OK, sequence);
  cluster_client_run(&client, S);
  ck_assert(model_cluster_lead(&cluster, "t", 0, 2));
  cluster_client_run(&client, S);
  for (int32_t sequence = 5; sequence < 8; sequence++)
    expect(produce(2, -1, sequence), STATUS_OK, sequence);
  expect(produce(2, -1, 4), STATUS_OUT_OF_ORDER_SEQUENCE_NUMBER, -1);
  settle();
  stop();
}
END_TEST

START_TEST(a_sole_replica_comes_back_with_a_window_of_one) {
  settings.replication.replication_factor = 1;
  start(1);
  for (int32_t sequence = 0; sequence < 3; sequence++)
    expect(produce(1, -1, sequence), STATUS_OK, sequence);
  ck_assert_int_eq(committed(), 3);
  model_cluster_stop(&cluster, 1);
  cluster_client_run(&client, S);
  ck_assert_uint_eq(client.lost_connections, 1);
  expect(produce(2, -1, 2), STATUS_NOT_LEADER_OR_FOLLOWER, -1);
  model_cluster_start(&cluster, 1);
  cluster_client_run(&client, S);
  expect(produce(1, -1, 2), STATUS_OK, 2);
  expect(produce(1, -1, 1), STATUS_OUT_OF_ORDER_SEQUENCE_NUMBER, -1);
  expect(produce(1, -1, 3), STATUS_OK, 3);
  settle();
  stop();
}
END_TEST

START_TEST(a_leader_that_was_frozen_loses_what_it_took_alone) {
  start(1);
  expect(produce(1, -1, 0), STATUS_OK, 0);
  model_cluster_isolate(&cluster, 1, true);
  expect(produce(1, 1, 1), STATUS_OK, 1); /* it believes that it leads */
  int32_t lost = send(1, -1, 2);
  cluster_client_run(&client, 5 * (int64_t)S);
  ck_assert(!client.answers[lost].has_come);
  expect(produce(2, -1, 1), STATUS_OK, 1);
  expect(produce(2, -1, 2), STATUS_OK, 2);
  model_cluster_isolate(&cluster, 1, false);
  cluster_client_run(&client, S);
  ck_assert(client.answers[lost].has_come);
  expect(client.answers[lost], STATUS_NOT_LEADER_OR_FOLLOWER, -1);
  settle();
  ck_assert_int_eq(committed(), 3);
  ck_assert_int_eq(
      partition_log_at(&model_cluster_topic(&cluster, "t")->partitions[0]->committed, 2)->leader_epoch, 1);
  stop();
}
END_TEST

START_TEST(a_late_answer_says_so) {
  start(1);
  model_cluster_isolate(&cluster, 1, true);
  int32_t number = send(1, -1, 0);
  cluster_client_run(&client, 29 * (int64_t)S);
  ck_assert(!client.answers[number].has_come);
  cluster_client_run(&client, 2 * (int64_t)S);
  ck_assert(client.answers[number].has_come);
  ck_assert_int_eq(client.answers[number].error_code, STATUS_REQUEST_TIMED_OUT);
  settle();
  ck_assert_int_eq(committed(), 0);
  stop();
}
END_TEST

START_TEST(too_few_in_sync_are_told_before_and_after) {
  settings.replication.commits_below_min = _i == 1;
  start(1);
  model_cluster_freeze(&cluster, 2, true);
  model_cluster_freeze(&cluster, 3, true);
  int32_t number = send(1, -1, 0); /* waits for both until they are fenced */
  cluster_client_run(&client, 5 * (int64_t)S);
  ck_assert_int_eq(client.answers[number].has_come, _i == 1);
  if (_i == 1) ck_assert_int_eq(client.answers[number].error_code, STATUS_NOT_ENOUGH_REPLICAS_AFTER_APPEND);
  ck_assert_int_eq(committed(), _i);
  model_cluster_cut(&cluster, 1);
  cluster_client_run(&client, S);
  expect(produce(1, -1, 1), STATUS_NOT_ENOUGH_REPLICAS, -1);
  settle();
  ck_assert_int_eq(committed(), 1);
  stop();
}
END_TEST

START_TEST(a_slow_follower_leaves_the_set_and_comes_back) {
  settings.replication.session_us = 1000 * (int64_t)S;
  start(1);
  model_cluster_freeze(&cluster, 3, true);
  int64_t begun_us = fake_transport_now_us(cluster.transport);
  struct cluster_client_answer answer = produce(1, -1, 0);
  expect(answer, STATUS_OK, 0);
  ck_assert_int_ge(answer.arrived_us - begun_us, 10 * (int64_t)S);
  ck_assert_uint_eq(model_cluster_topic(&cluster, "t")->partitions[0]->in_sync, 1 << 1 | 1 << 2);
  ck_assert(!model_cluster_lead(&cluster, "t", 0, 3));
  settle();
  ck_assert(model_cluster_lead(&cluster, "t", 0, 3));
  stop();
}
END_TEST

START_TEST(requests_behind_a_waiting_one_wait_too) {
  settings.replication.lag_min_us = settings.replication.lag_max_us = 40 * MS;
  start(1);
  int32_t first = send(1, -1, 0), second = send(1, 1, 1), third = send(1, -1, 2);
  cluster_client_run(&client, 200 * MS);
  const struct cluster_client_answer *answers = client.answers;
  ck_assert(answers[first].has_come && answers[second].has_come && answers[third].has_come);
  ck_assert_int_le(answers[first].arrived_us, answers[second].arrived_us);
  ck_assert_int_lt(answers[second].arrived_us, answers[third].arrived_us);
  settle();
  stop();
}
END_TEST

/* One connection brings its requests in order: none is handled behind one that never came. */
START_TEST(requests_behind_a_lost_one_are_lost_too) {
  static const struct {
    struct broker_fault fault;
    int64_t written;
  } cases[] = {{{.drop_request = true}, 0}, {{.drop_response = true}, 2}};
  start(1);
  struct broker_fault fault = cases[_i].fault;
  fault.api_key = API_PRODUCE;
  fault.partition = -1;
  fault.count = 1;
  ck_assert_int_eq(model_cluster_inject(&cluster, 1, &fault), STATUS_OK);
  cluster.request_delay_us = 10 * MS;
  int32_t first = send(1, 1, 0), second = send(1, 1, 1);
  cluster_client_run(&client, S);
  ck_assert(!client.answers[first].has_come && !client.answers[second].has_come);
  ck_assert_int_eq(committed(), cases[_i].written);
  settle();
  stop();
}
END_TEST

START_TEST(a_topic_that_is_made_again_is_another_one) {
  start(1);
  expect(produce(1, -1, 0), STATUS_OK, 0);
  const struct cluster_topic *first = model_cluster_topic(&cluster, "t");
  ck_assert_int_eq(model_cluster_delete_topic(&cluster, "t"), STATUS_OK);
  ck_assert_int_eq(model_cluster_create_topic(&cluster, "t", 2), STATUS_OK);
  ck_assert_int_eq(model_cluster_create_topic(&cluster, "t", 2), STATUS_TOPIC_ALREADY_EXISTS);
  cluster_client_run(&client, S);
  const struct cluster_topic *second = model_cluster_topic(&cluster, "t");
  ck_assert_ptr_eq(model_cluster_next_topic(&cluster, first), second);
  ck_assert(!uuid_equal(&first->id, &second->id));
  expect(produce(1, -1, 1), STATUS_OK, 0); /* knows nobody yet */
  ck_assert_int_eq(model_cluster_committed_end(first, 0), 1);
  ck_assert_int_eq(model_cluster_committed_end(second, 0), 1);
  ck_assert_int_eq(model_cluster_add_partitions(&cluster, "t", 5), STATUS_OK);
  cluster_client_run(&client, S);
  struct batch_plan plan = batch_at(0);
  expect(cluster_client_produce(&client, 2, -1, "t", 4, &plan), STATUS_OK, 0);
  settle();
  stop();
}
END_TEST

START_TEST(an_unclean_election_is_counted) {
  start(1);
  model_cluster_freeze(&cluster, 3, true);
  cluster_client_run(&client, 5 * (int64_t)S);
  for (int32_t sequence = 0; sequence < 3; sequence++)
    expect(produce(1, -1, sequence), STATUS_OK, sequence);
  ck_assert_int_eq(committed(), 3);
  model_cluster_kill(&cluster, 1);
  model_cluster_kill(&cluster, 2);
  model_cluster_freeze(&cluster, 3, false);
  cluster_client_run(&client, 5 * (int64_t)S);
  model_cluster_elect_unclean(&cluster, "t", 0, 3);
  ck_assert_uint_eq(model_cluster_topic(&cluster, "t")->partitions[0]->unclean_elections, 1);
  settle();
  ck_assert_int_eq(committed(), 0);
  expect(produce(3, -1, 0), STATUS_OK, 0);
  settle();
  stop();
}
END_TEST

/* ---- under any schedule ---- */

enum { HISTORY_STEPS = 150, HISTORY_PARTITIONS = 2, HISTORY_RECORDS = 2000 };

/* What was committed at some time has to stay. */
struct history {
  struct random random;
  int64_t ends[HISTORY_PARTITIONS];
  int32_t numbers[HISTORY_PARTITIONS][HISTORY_RECORDS]; /* values, by offset */
  int32_t next_number;
  int32_t requests[HISTORY_RECORDS]; /* by number: of acks=all */
  int32_t partitions[HISTORY_RECORDS];
};

static struct history history;

static uint32_t below(uint32_t bound) {
  return random_below(&history.random, bound);
}

static bool check_record(void *context, int64_t offset, int64_t timestamp_ms,
                         const struct record_view *record) {
  const int32_t *partition = context;
  (void)timestamp_ms;
  char text[32] = "";
  ck_assert_uint_lt(record->value.size, sizeof text);
  memcpy(text, record->value.data, record->value.size);
  int32_t number = (int32_t)strtol(text, NULL, 10), *kept = &history.numbers[*partition][offset];
  if (offset >= history.ends[*partition]) *kept = number;
  ck_assert_int_eq(*kept, number);
  return true;
}

static void check_committed(void) {
  const struct cluster_topic *topic = model_cluster_topic(&cluster, "t");
  for (int32_t partition = 0; partition < HISTORY_PARTITIONS; partition++) {
    int64_t end = model_cluster_committed_end(topic, partition);
    ck_assert_int_ge(end, history.ends[partition]);
    ck_assert_int_lt(end, HISTORY_RECORDS);
    ck_assert_int_eq(model_cluster_visit_committed(&cluster, topic, partition, 0, check_record, &partition),
                     end);
    history.ends[partition] = end;
  }
}

/* Whatever acks=all was told to lie at an offset lies there. */
static void check_answers(void) {
  for (int32_t number = 0; number < history.next_number; number++) {
    const struct cluster_client_answer *answer = &client.answers[history.requests[number]];
    if (history.requests[number] == 0 || !answer->has_come || answer->error_code != STATUS_OK) continue;
    int32_t partition = history.partitions[number];
    ck_assert_int_lt(answer->base_offset, history.ends[partition]);
    ck_assert_int_eq(history.numbers[partition][answer->base_offset], number);
  }
}

/* A record without a producer id: copies of it would show. */
static void send_record(void) {
  char value[16];
  int32_t number = history.next_number++, partition = (int32_t)below(HISTORY_PARTITIONS);
  snprintf(value, sizeof value, "%d-", (int)number);
  struct batch_plan plan = {.value = value, .timestamp_ms = model_cluster_wall_ms(&cluster)};
  int16_t acks = below(3) == 0 ? 1 : -1;
  int32_t request = cluster_client_send(&client, 1 + (int32_t)below(3), acks, "t", partition, &plan);
  history.requests[number] = acks == -1 ? request : 0;
  history.partitions[number] = partition;
}

static void disturb(void) {
  int32_t id = 1 + (int32_t)below(3);
  bool is_up = cluster.nodes[id].is_up;
  switch (below(6)) {
  case 0:
    if (is_up) model_cluster_kill(&cluster, id);
    break;
  case 1:
    if (is_up) model_cluster_stop(&cluster, id);
    break;
  case 2:
    if (is_up) model_cluster_freeze(&cluster, id, below(2) == 0);
    break;
  case 3:
    if (is_up) model_cluster_isolate(&cluster, id, below(2) == 0);
    break;
  case 4: model_cluster_lead(&cluster, "t", (int32_t)below(HISTORY_PARTITIONS), id); break;
  default:
    if (!is_up) model_cluster_start(&cluster, id);
  }
}

START_TEST(what_is_committed_stays_under_any_schedule) {
  history = (struct history){.next_number = 0};
  random_seed(&history.random, (uint64_t)_i + 1);
  settings.replication.seed = (uint64_t)_i + 1;
  settings.replication.lag_max_us = 1 + below(200 * MS);
  settings.replication.lag_min_us = 0;
  settings.replication.view_delay_max_us = settings.replication.view_delay_min_us + below(2 * S);
  settings.replication.session_us = 100 * MS + below(5 * S);
  settings.replication.lag_limit_us = 500 * MS + below(5 * S);
  settings.replication.commits_below_min = below(2) == 0;
  settings.replication.min_in_sync = 1 + below(2);
  start(HISTORY_PARTITIONS);
  for (int step = 0; step < HISTORY_STEPS; step++) {
    if (below(4) == 0) disturb();
    for (uint32_t count = below(4); count > 0; count--)
      send_record();
    cluster_client_run(&client, below(4) == 0 ? below(3 * S) : below(50 * MS));
    check_committed();
    check_answers();
  }
  model_cluster_heal(&cluster);
  cluster_client_run(&client, 60 * (int64_t)S);
  ck_assert(model_cluster_is_settled(&cluster));
  check_committed();
  check_answers();
  stop();
}
END_TEST

int main(void) {
  Suite *suite = suite_create("model_cluster");
  TCase *test_case = tcase_create("all");
  tcase_set_timeout(test_case, 120);
  tcase_add_checked_fixture(test_case, set_up, NULL);
  tcase_add_test(test_case, acks_of_all_come_when_the_followers_have_it);
  tcase_add_test(test_case, others_name_the_leader);
  tcase_add_test(test_case, a_new_leader_knows_the_last_five_batches);
  tcase_add_test(test_case, a_restarted_follower_knows_one_batch_and_what_came_since);
  tcase_add_test(test_case, a_sole_replica_comes_back_with_a_window_of_one);
  tcase_add_test(test_case, a_leader_that_was_frozen_loses_what_it_took_alone);
  tcase_add_test(test_case, a_late_answer_says_so);
  tcase_add_loop_test(test_case, too_few_in_sync_are_told_before_and_after, 0, 2);
  tcase_add_test(test_case, a_slow_follower_leaves_the_set_and_comes_back);
  tcase_add_test(test_case, requests_behind_a_waiting_one_wait_too);
  tcase_add_loop_test(test_case, requests_behind_a_lost_one_are_lost_too, 0, 2);
  tcase_add_test(test_case, a_topic_that_is_made_again_is_another_one);
  tcase_add_test(test_case, an_unclean_election_is_counted);
  tcase_add_loop_test(test_case, what_is_committed_stays_under_any_schedule, 0, 50);
  suite_add_tcase(suite, test_case);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_ENV);
  int failures = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failures != 0;
}
