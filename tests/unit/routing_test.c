#include "sender/routing.h"

#include "base/status.h"
#include "protocol/api.h"
#include "support/dispatch_world.h"
#include "support/model_world.h"
#include <check.h>
#include <stdlib.h>
#include <string.h>

#define MS ((int64_t)CLIENT_WORLD_MS)
#define S  ((int64_t)CLIENT_WORLD_S)

static struct model_world world;
static struct dispatch_world manual; /* answers by hand */

static void setup(void) {
  model_world_init(&world);
}

static void teardown(void) {
  model_world_deinit(&world);
}

static uint64_t metadata_requests(void) {
  return broker_model_counters(world.model)->requests[API_METADATA];
}

START_TEST(records_wait_for_a_leader_that_takes_long_to_be_elected) {
  ck_assert_int_eq(broker_model_create_topic(world.model, "orders", 1), STATUS_OK);
  ck_assert_int_eq(broker_model_set_leader(world.model, "orders", 0, -1, 1), STATUS_OK);
  model_world_start(&world);
  struct topic *orders = model_world_topic(&world, "orders");
  model_world_append(&world, orders, 0, 10);
  model_world_run(&world, 20 * (int64_t)MODEL_WORLD_S);
  ck_assert_uint_eq(world.reported[OUTCOME_DELIVERED], 0);
  ck_assert_uint_gt(metadata_requests(), 10); /* asks on, once a second */
  ck_assert_uint_lt(metadata_requests(), 40);
  ck_assert_int_eq(broker_model_set_leader(world.model, "orders", 0, 1, 2), STATUS_OK);
  model_world_run(&world, 2 * (int64_t)MODEL_WORLD_S);
  ck_assert_uint_eq(world.reported[OUTCOME_DELIVERED], 1);
}
END_TEST

START_TEST(records_sent_once_wait_for_the_next_leader) {
  ck_assert_int_eq(broker_model_create_topic(world.model, "orders", 1), STATUS_OK);
  model_world_start(&world);
  struct topic *orders = model_world_topic(&world, "orders");
  model_world_append(&world, orders, 0, 10);
  model_world_run(&world, MODEL_WORLD_S);
  ck_assert_uint_eq(world.reported[OUTCOME_DELIVERED], 1);
  ck_assert_int_eq(broker_model_set_leader(world.model, "orders", 0, -1, 1), STATUS_OK);
  model_world_append(&world, orders, 0, 10);
  model_world_run(&world, 20 * (int64_t)MODEL_WORLD_S);
  ck_assert_int_eq(broker_model_set_leader(world.model, "orders", 0, 1, 2), STATUS_OK);
  model_world_run(&world, 2 * (int64_t)MODEL_WORLD_S);
  ck_assert_uint_eq(world.reported[OUTCOME_DELIVERED], 2);
}
END_TEST

START_TEST(a_topic_without_waiting_records_is_not_asked_about_again) {
  ck_assert_int_eq(broker_model_create_topic(world.model, "orders", 2), STATUS_OK);
  ck_assert_int_eq(broker_model_set_leader(world.model, "orders", 1, -1, 1), STATUS_OK);
  model_world_start(&world);
  model_world_append(&world, model_world_topic(&world, "orders"), 0, 10);
  model_world_run(&world, 20 * (int64_t)MODEL_WORLD_S);
  ck_assert_uint_eq(world.reported[OUTCOME_DELIVERED], 1);
  ck_assert_uint_lt(metadata_requests(), 5);
}
END_TEST

/* ---- answered by hand ---- */

static void manual_setup(void) {
  dispatch_world_init(&manual);
}

static void manual_teardown(void) {
  dispatch_world_deinit(&manual);
}

static struct topic *start_warm(const char *partitions, int32_t count) {
  manual.partitions[0] = partitions;
  dispatch_world_start(&manual);
  struct topic *topic = dispatch_world_topic(&manual, 0, -1);
  dispatch_world_warm(&manual, topic, count);
  return topic;
}

START_TEST(a_partition_that_waits_for_its_producer_id_follows_its_leader) {
  manual.partitions[0] = "0:1/1";
  manual.holds_identity = true;
  dispatch_world_start(&manual);
  struct topic *topic = dispatch_world_topic(&manual, 0, -1);
  dispatch_world_append(&manual, topic, 0, 10, 10);
  dispatch_world_run(&manual, S);
  ck_assert_int_eq(topic->partitions[0]->sender->place, PLACE_IDENTITY);
  manual.partitions[0] = "0:2/2";
  manual.holds_identity = false;
  cluster_want_refresh(&manual.sender->cluster);
  dispatch_world_run(&manual, 40 * S); /* the open question times out, the next is answered */
  ck_assert_uint_eq(manual.request_count, 1);
  ck_assert_str_eq(dispatch_world_describe(&manual, 0), "2: t0/0@0");
}
END_TEST

START_TEST(a_new_leader_ends_the_backoff) {
  struct topic *topic = start_warm("0:1/1 1:2/1", 2);
  dispatch_world_append(&manual, topic, 0, 10, 10);
  dispatch_world_run(&manual, MS);
  for (uint32_t i = 0; i < 5; i++) {
    dispatch_world_answer(&manual, i, STATUS_NOT_ENOUGH_REPLICAS);
    if (i < 4) dispatch_world_run(&manual, S + 10 * MS);
  }
  dispatch_world_run(&manual, MS);
  ck_assert_uint_eq(manual.request_count, 5);
  ck_assert_int_eq(topic->partitions[0]->sender->place, PLACE_BACKOFF);
  manual.partitions[0] = "0:2/2 1:2/1";
  cluster_want_refresh(&manual.sender->cluster);
  dispatch_world_run(&manual, 10 * MS);
  ck_assert_uint_eq(manual.request_count, 6);
  ck_assert_str_eq(dispatch_world_describe(&manual, 5), "2: t0/0@1");
}
END_TEST

START_TEST(partitions_back_off_each_on_its_own) {
  struct topic *topic = start_warm("0:1/1 1:2/1", 2);
  dispatch_world_append(&manual, topic, 0, 10, 10);
  dispatch_world_run(&manual, MS);
  dispatch_world_answer(&manual, 0, STATUS_NOT_ENOUGH_REPLICAS);
  for (uint32_t i = 1; i < 4; i++) {
    dispatch_world_append(&manual, topic, 1, 10, 10);
    dispatch_world_run(&manual, MS);
    ck_assert_uint_eq(manual.request_count, i + 1);
    ck_assert_int_eq(manual.requests[i].parts[0].partition, 1);
    dispatch_world_answer(&manual, i, STATUS_OK);
  }
  ck_assert_uint_eq(topic->partitions[0]->sender->failures, 1);
  ck_assert_uint_eq(topic->partitions[1]->sender->failures, 0);
}
END_TEST

START_TEST(a_partition_that_has_used_up_its_epochs_takes_another_producer_id) {
  struct topic *topic = start_warm("0:1/1 1:2/1", 2);
  topic->partitions[0]->sender->producer_epoch = INT16_MAX;
  dispatch_world_append(&manual, topic, 0, 20, 10);
  dispatch_world_run(&manual, MS);
  ck_assert_uint_eq(manual.request_count, 2);
  ck_assert_int_eq(manual.requests[0].parts[0].producer_epoch, INT16_MAX);
  dispatch_world_answer(&manual, 0, STATUS_INVALID_REQUEST); /* its sequences are given up */
  dispatch_world_answer(&manual, 1, STATUS_OUT_OF_ORDER_SEQUENCE_NUMBER);
  dispatch_world_append(&manual, topic, 1, 10, 10);
  dispatch_world_run(&manual, S);
  ck_assert_uint_eq(manual.request_count, 4);
  for (uint32_t i = 2; i < 4; i++) {
    const struct dispatch_part *part = &manual.requests[i].parts[0];
    ck_assert_int_eq(part->producer_id, part->partition == 0 ? 1001 : 1000); /* the other is not concerned */
    ck_assert_int_eq(part->producer_epoch, 0);
    ck_assert_int_eq(part->base_sequence, part->partition == 0 ? 0 : 1);
    if (part->partition == 0) ck_assert_uint_eq(part->first_number, 10);
  }
  ck_assert_uint_eq(manual.reported[OUTCOME_NOT_DELIVERED], 10);
}
END_TEST

/* ---- a leader that refuses what may be written ---- */

/* A batch for "t0" whose first answer leaves open whether it was written, and which node 1 refuses then. */
static struct sender_partition *start_refused(const char *partitions) {
  manual.network.broker.capped_key = API_DESCRIBE_PRODUCERS; /* nobody can be asked what it has */
  manual.network.broker.capped_maximum = -1;
  struct topic *topic = start_warm(partitions, 1);
  dispatch_world_append(&manual, topic, 0, 10, 10);
  dispatch_world_run(&manual, MS);
  dispatch_world_answer(&manual, 0, STATUS_REQUEST_TIMED_OUT);
  dispatch_world_run(&manual, S);
  ck_assert_uint_eq(manual.request_count, 2);
  memset(manual.metadata_count, 0, sizeof manual.metadata_count);
  return topic->partitions[0]->sender;
}

static void refuse_sequence(uint32_t request) {
  dispatch_world_answer(&manual, request, STATUS_OUT_OF_ORDER_SEQUENCE_NUMBER);
}

static void expect_lost(void) {
  ck_assert_uint_eq(manual.reported[OUTCOME_UNKNOWN], 10);
  ck_assert_uint_eq(manual.sender->published.epochs_raised, 1);
}

static void expect_sent_again(uint32_t request, const char *described) {
  ck_assert_uint_eq(manual.reported[OUTCOME_UNKNOWN], 0);
  ck_assert_uint_eq(manual.request_count, request + 1);
  ck_assert_str_eq(dispatch_world_describe(&manual, request), described);
  dispatch_world_settle(&manual);
  ck_assert_uint_eq(manual.reported[OUTCOME_DELIVERED], 11);
  ck_assert_uint_eq(manual.sender->published.epochs_raised, 0);
}

START_TEST(another_broker_confirms_the_leader) {
  start_refused("0:1/1");
  refuse_sequence(1);
  dispatch_world_run(&manual, 300 * MS);
  ck_assert_uint_eq(manual.metadata_count[1], 0);
  ck_assert_uint_eq(manual.metadata_count[2] + manual.metadata_count[3], 1);
  expect_lost();
}
END_TEST

/* It believes what it says of itself. */
START_TEST(a_deposed_leader_is_found_out_by_asking_another_broker) {
  start_refused("0:1/1");
  manual.believer_id = 1;
  manual.believed = "0:1/1";
  manual.partitions[0] = "0:2/3";
  refuse_sequence(1);
  dispatch_world_run(&manual, 300 * MS);
  expect_sent_again(2, "2: t0/0@1");
}
END_TEST

START_TEST(a_leader_elected_anew_gets_again_what_it_refused) {
  const struct sender_partition *partition = start_refused("0:1/1");
  manual.partitions[0] = "0:1/3";
  refuse_sequence(1);
  dispatch_world_run(&manual, 300 * MS);
  expect_sent_again(2, "1: t0/0@1");
  ck_assert_int_eq(partition->leader_epoch, 3);
}
END_TEST

/* Who is told of a newer epoch before it refuses has nothing to say by it. */
START_TEST(an_epoch_that_was_known_before_is_no_news) {
  start_refused("0:1/1");
  manual.partitions[0] = "0:1/3";
  struct sender_topic *topic = manual.accumulator.registry.topics[0]->sender;
  cluster_doubt_leader(&manual.sender->cluster, topic, 1);
  dispatch_world_run(&manual, 300 * MS);
  ck_assert_int_eq(cluster_leader(topic, 0).epoch, 3);
  refuse_sequence(1);
  dispatch_world_run(&manual, 300 * MS);
  expect_lost();
  ck_assert_uint_eq(manual.request_count, 2);
}
END_TEST

START_TEST(a_sole_broker_needs_nobody_to_confirm_it) {
  manual.brokers = "1=10.0.0.1:9092";
  start_refused("0:1/1");
  refuse_sequence(1);
  dispatch_world_run(&manual, MS);
  expect_lost();
  ck_assert_uint_eq(manual.metadata_count[1], 0);
}
END_TEST

/* The others cannot be reached: the leader's own word counts only after ten seconds. */
START_TEST(a_leader_that_alone_can_be_reached_is_believed_in_the_end) {
  start_refused("0:1/1");
  for (int i = 2; i <= 3; i++) {
    const char address[] = {'1', '0', '.', '0', '.', '0', '.', (char)('0' + i), '\0'};
    fake_transport_listen(manual.network.transport, address, 9092, FAKE_REFUSES, 0);
  }
  for (uint32_t i = 1; i <= fake_transport_connection_count(manual.network.transport); i++)
    if (fake_transport_peer(manual.network.transport, i)[7] != '1')
      fake_transport_reset(manual.network.transport, i);
  refuse_sequence(1);
  dispatch_world_run(&manual, 9 * S);
  ck_assert_uint_eq(manual.reported[OUTCOME_UNKNOWN], 0);
  ck_assert_uint_gt(manual.metadata_count[1], 3);
  ck_assert_uint_lt(manual.metadata_count[1], 60);
  dispatch_world_run(&manual, 4 * S);
  expect_lost();
}
END_TEST

/* It may be the leader itself, under the name that it has before it is known. */
START_TEST(a_bootstrap_server_confirms_nothing) {
  const struct sender_partition *partition = start_refused("0:1/1");
  manual.holds_metadata = true;
  refuse_sequence(1);
  dispatch_world_run(&manual, MS);
  struct sender_partition *doubted = manual.accumulator.registry.topics[0]->partitions[0]->sender;
  struct cluster_answer own = {.node_id = -1, .asked_us = partition->query.confirming_since_us};
  routing_described(manual.sender, doubted, &own, dispatch_world_now_us(&manual));
  ck_assert(sender_partition_is_confirming(partition));
  manual.holds_metadata = false;
  manual.believer_id = 1;
  manual.believed = "0:1/1";
  manual.partitions[0] = "0:2/3";
  network_client_rebootstrap(manual.sender->client, dispatch_world_now_us(&manual));
  dispatch_world_run(&manual, 3 * S);
  expect_sent_again(2, "2: t0/0@1");
}
END_TEST

/* An answer that was on its way when the doubt began may be as old as the leader's own view. */
START_TEST(an_answer_to_an_older_question_confirms_nothing) {
  const struct sender_partition *partition = start_refused("0:1/1");
  manual.holds_metadata = true;
  refuse_sequence(1);
  dispatch_world_run(&manual, MS); /* nobody can be asked what it has */
  ck_assert(sender_partition_is_confirming(partition));
  const struct outcome_query *query = &partition->query;
  struct cluster_answer early = {.node_id = 2, .asked_us = query->confirming_since_us - 1};
  struct sender_partition *doubted = manual.accumulator.registry.topics[0]->partitions[0]->sender;
  routing_described(manual.sender, doubted, &early, dispatch_world_now_us(&manual));
  ck_assert(sender_partition_is_confirming(partition));
  early.asked_us++;
  routing_described(manual.sender, doubted, &early, dispatch_world_now_us(&manual));
  ck_assert(!sender_partition_is_confirming(partition));
  dispatch_world_run(&manual, MS);
  expect_lost();
}
END_TEST

START_TEST(without_a_leader_the_next_one_is_waited_for) {
  start_refused("0:1/1");
  manual.partitions[0] = "0:-1/2";
  refuse_sequence(1);
  dispatch_world_run(&manual, 20 * S);
  ck_assert_uint_eq(manual.reported[OUTCOME_UNKNOWN], 0);
  manual.partitions[0] = "0:3/3";
  dispatch_world_run(&manual, 2 * S);
  expect_sent_again(2, "3: t0/0@1");
}
END_TEST

int main(void) {
  Suite *suite = suite_create("routing");
  TCase *leaders = tcase_create("leaders");
  tcase_add_checked_fixture(leaders, setup, teardown);
  tcase_add_test(leaders, records_wait_for_a_leader_that_takes_long_to_be_elected);
  tcase_add_test(leaders, records_sent_once_wait_for_the_next_leader);
  tcase_add_test(leaders, a_topic_without_waiting_records_is_not_asked_about_again);
  suite_add_tcase(suite, leaders);
  TCase *places = tcase_create("places");
  tcase_add_checked_fixture(places, manual_setup, manual_teardown);
  tcase_add_test(places, a_partition_that_waits_for_its_producer_id_follows_its_leader);
  tcase_add_test(places, a_new_leader_ends_the_backoff);
  tcase_add_test(places, partitions_back_off_each_on_its_own);
  tcase_add_test(places, a_partition_that_has_used_up_its_epochs_takes_another_producer_id);
  suite_add_tcase(suite, places);
  TCase *doubts = tcase_create("doubts");
  tcase_add_checked_fixture(doubts, manual_setup, manual_teardown);
  tcase_add_test(doubts, another_broker_confirms_the_leader);
  tcase_add_test(doubts, a_deposed_leader_is_found_out_by_asking_another_broker);
  tcase_add_test(doubts, a_leader_elected_anew_gets_again_what_it_refused);
  tcase_add_test(doubts, an_epoch_that_was_known_before_is_no_news);
  tcase_add_test(doubts, a_sole_broker_needs_nobody_to_confirm_it);
  tcase_add_test(doubts, a_leader_that_alone_can_be_reached_is_believed_in_the_end);
  tcase_add_test(doubts, a_bootstrap_server_confirms_nothing);
  tcase_add_test(doubts, an_answer_to_an_older_question_confirms_nothing);
  tcase_add_test(doubts, without_a_leader_the_next_one_is_waited_for);
  suite_add_tcase(suite, doubts);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_ENV);
  int failed = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
