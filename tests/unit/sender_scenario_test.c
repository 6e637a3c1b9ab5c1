/* What clusters do to producers, told as stories: topics that come and go, brokers that die, leaders that
 * move. */
#include "base/status.h"
#include "broker/broker_state.h"
#include "protocol/api.h"
#include "support/failing_allocator.h"
#include "support/sender_rig.h"
#include <check.h>

static struct sender_rig rig;

static void set_up(void) {
  sender_rig_init(&rig);
}

static void tear_down(void) {
  sender_rig_stop(&rig);
}

static const struct broker_counters *broker(void) {
  return broker_model_counters(rig.cluster.model);
}

static void create_topic(const char *name, int32_t partition_count) {
  ck_assert_int_eq(broker_model_create_topic(rig.cluster.model, name, partition_count), STATUS_OK);
}

static void expect_end(uint32_t number, enum outcome outcome, int32_t status) {
  ck_assert_int_eq(sender_rig_outcome(&rig, number), outcome);
  ck_assert_int_eq(sender_rig_status(&rig, number), status);
}

/* ---- topics ---- */

START_TEST(topic_that_is_unknown_for_a_moment_fails_nothing) {
  sender_rig_start(&rig, 1);
  sender_rig_send_many(&rig, "t", -1, 20, 100);
  sender_rig_send_many(&rig, "t", 3, 20, 100);
  sender_rig_run(&rig, 2 * RIG_S);
  ck_assert_uint_lt(broker()->requests[API_METADATA], 12); /* asked with backoff */
  create_topic("t", 4);
  ck_assert(sender_rig_settle(&rig, 1500 * RIG_MS));
  sender_rig_verify_delivered(&rig);
}
END_TEST

START_TEST(topic_that_stays_unknown_fails_its_records_and_no_others) {
  rig.settings.sender.cluster.propagation_max_us = 10 * RIG_S;
  sender_rig_start(&rig, 1);
  create_topic("t", 1);
  uint32_t lost = sender_rig_send(&rig, "nowhere", -1, 10);
  uint32_t other = sender_rig_send(&rig, "t", -1, 10);
  sender_rig_run(&rig, 9 * RIG_S);
  ck_assert_int_eq(sender_rig_outcome(&rig, lost), OUTCOME_NONE);
  sender_rig_run(&rig, 3 * RIG_S);
  expect_end(lost, OUTCOME_NOT_DELIVERED, STATUS_UNKNOWN_TOPIC_OR_PARTITION);
  expect_end(other, OUTCOME_DELIVERED, STATUS_OK);
  create_topic("nowhere", 2);
  uint32_t again = sender_rig_send(&rig, "nowhere", 1, 10);
  ck_assert(sender_rig_settle(&rig, 2 * RIG_S));
  expect_end(again, OUTCOME_DELIVERED, STATUS_OK);
  sender_rig_verify(&rig);
}
END_TEST

/* librdkafka 1.9.0: its sequence counter began anew, and brokers took the next records for duplicates. */
START_TEST(topic_that_disappears_for_a_while_keeps_its_sequences) {
  sender_rig_start_warm(&rig, 1, 2);
  for (int round = 0; round < 3; round++) {
    static const int16_t apis[] = {API_METADATA, API_PRODUCE};
    for (int i = 0; i < 2; i++)
      sender_rig_fault(&rig, &(struct broker_fault){.api_key = apis[i],
                                                    .topic = "t",
                                                    .partition = -1,
                                                    .count = UINT32_MAX,
                                                    .error_code = STATUS_UNKNOWN_TOPIC_OR_PARTITION});
    sender_rig_send_many(&rig, "t", -1, 30, 500);
    sender_rig_run(&rig, 4 * RIG_S);
    broker_model_clear_faults(rig.cluster.model);
    ck_assert(sender_rig_settle(&rig, 3 * RIG_S));
  }
  sender_rig_verify_delivered(&rig);
  ck_assert_uint_eq(rig.sender->published.epochs_raised, 0);
  ck_assert_uint_eq(broker()->duplicates, 0);
}
END_TEST

START_TEST(topic_absent_from_metadata_alone_keeps_its_sequences) {
  sender_rig_start_warm(&rig, 1, 2);
  sender_rig_fault(&rig, &(struct broker_fault){.api_key = API_METADATA,
                                                .topic = "t",
                                                .partition = -1,
                                                .count = 3,
                                                .error_code = STATUS_UNKNOWN_TOPIC_OR_PARTITION});
  cluster_want_refresh(&rig.sender->cluster);
  sender_rig_run(&rig, 4 * RIG_S);
  for (int32_t p = 0; p < 2; p++)
    sender_rig_send(&rig, "t", p, 10);
  ck_assert(sender_rig_settle(&rig, RIG_S));
  sender_rig_verify_delivered(&rig);
  ck_assert_uint_eq(rig.sender->published.epochs_raised, 0);
  ck_assert_uint_eq(broker()->duplicates, 0);
}
END_TEST

START_TEST(partition_out_of_range_is_asked_about_before_it_is_refused) {
  sender_rig_start_warm(&rig, 1, 2);
  sender_rig_run(&rig, 2 * RIG_S); /* what is known is no longer fresh */
  uint64_t asked = broker()->requests[API_METADATA];
  uint32_t outside = sender_rig_send(&rig, "t", 5, 10);
  uint32_t behind = sender_rig_send(&rig, "t", 0, 10);
  ck_assert(sender_rig_settle(&rig, RIG_S));
  ck_assert_uint_eq(broker()->requests[API_METADATA], asked + 1);
  expect_end(outside, OUTCOME_NOT_DELIVERED, STATUS_PARTITION_OUT_OF_RANGE);
  expect_end(behind, OUTCOME_DELIVERED, STATUS_OK);
  ck_assert_int_eq(sender_rig_try(&rig, "t", 5, "", 10, NULL), STATUS_PARTITION_OUT_OF_RANGE);
  sender_rig_run(&rig, 2 * RIG_S);
  broker_model_add_partitions(rig.cluster.model, "t", 6);
  uint32_t inside = sender_rig_send(&rig, "t", 5, 10);
  ck_assert(sender_rig_settle(&rig, RIG_S));
  expect_end(inside, OUTCOME_DELIVERED, STATUS_OK);
  sender_rig_verify(&rig);
}
END_TEST

START_TEST(added_partitions_are_used_after_one_refresh) {
  sender_rig_start_warm(&rig, 1, 1);
  broker_model_add_partitions(rig.cluster.model, "t", 8);
  cluster_want_refresh(&rig.sender->cluster);
  sender_rig_run(&rig, RIG_S);
  sender_rig_send(&rig, "t", 0, 10);
  sender_rig_run(&rig, 10 * RIG_MS);
  for (int i = 0; i < 40; i++) {
    sender_rig_send_many(&rig, "t", -1, 20, 1000);
    sender_rig_run(&rig, 10 * RIG_MS);
  }
  ck_assert(sender_rig_settle(&rig, RIG_S));
  sender_rig_verify_delivered(&rig);
  int used = 0;
  for (int32_t p = 0; p < 8; p++)
    used += sender_rig_log_count(&rig, "t", p) > 0;
  ck_assert_int_ge(used, 6);
}
END_TEST

static void recreate(int32_t partition_count) {
  rig.logs_may_be_gone = true;
  broker_model_delete_topic(rig.cluster.model, "t");
  create_topic("t", partition_count);
}

START_TEST(recreated_topic_takes_what_was_not_sent_to_the_old_one) {
  sender_rig_start_warm(&rig, 1, 2);
  recreate(2);
  uint32_t first = rig.record_count;
  sender_rig_send_many(&rig, "t", 0, 60, 1000);
  sender_rig_send_many(&rig, "t", 1, 60, 1000);
  ck_assert(sender_rig_settle(&rig, 5 * RIG_S));
  sender_rig_verify_delivered(&rig);
  for (int32_t p = 0; p < 2; p++)
    ck_assert_int_eq(sender_rig_log_count(&rig, "t", p), 60);
  ck_assert_uint_eq(sender_rig_count(&rig, OUTCOME_DELIVERED), first + 120);
}
END_TEST

/* Lost on the way to the old topic: it must not be sent to the new one, where nobody would know it again. */
START_TEST(recreated_topic_leaves_open_what_may_be_in_the_old_one) {
  sender_rig_start_warm(&rig, 1, 1);
  sender_rig_fault(&rig,
                   &(struct broker_fault){.api_key = API_PRODUCE, .partition = -1, .drop_response = true});
  uint32_t lost = sender_rig_send(&rig, "t", 0, 10);
  sender_rig_run(&rig, RIG_MS);
  recreate(1);
  ck_assert(sender_rig_settle(&rig, 5 * RIG_S));
  expect_end(lost, OUTCOME_UNKNOWN, STATUS_TOPIC_RECREATED);
  uint32_t next = sender_rig_send(&rig, "t", 0, 10);
  ck_assert(sender_rig_settle(&rig, 5 * RIG_S));
  expect_end(next, OUTCOME_DELIVERED, STATUS_OK);
  ck_assert_int_eq(sender_rig_log_count(&rig, "t", 0), 1);
  sender_rig_verify(&rig);
}
END_TEST

/* Their leader epochs are lower than those that the old topic had come to. */
START_TEST(partitions_that_a_recreated_topic_gets_later_have_its_own_leaders) {
  sender_rig_start_warm(&rig, 2, 2);
  model_cluster_lead(&rig.cluster, "t", 1, 2);
  uint32_t moved = sender_rig_send(&rig, "t", 1, 10);
  ck_assert(sender_rig_settle(&rig, 5 * RIG_S));
  ck_assert_int_eq(rig.records[moved].report.broker, 2);
  recreate(1);
  uint32_t homeless = sender_rig_send(&rig, "t", 1, 10);
  sender_rig_run(&rig, 5 * RIG_S);
  ck_assert_int_eq(sender_rig_outcome(&rig, homeless), OUTCOME_NONE);
  broker_model_add_partitions(rig.cluster.model, "t", 2);
  broker_model_set_leader(rig.cluster.model, "t", 1, 1, 0);
  ck_assert(sender_rig_settle(&rig, 5 * RIG_S));
  expect_end(homeless, OUTCOME_DELIVERED, STATUS_OK);
  ck_assert_int_eq(rig.records[homeless].report.broker, 1);
  sender_rig_verify(&rig);
}
END_TEST

START_TEST(forbidden_topic_fails_its_records_and_no_others) {
  sender_rig_start(&rig, 1);
  create_topic("t", 1);
  create_topic("secret", 1);
  sender_rig_fault(&rig, &(struct broker_fault){.api_key = API_METADATA,
                                                .topic = "secret",
                                                .partition = -1,
                                                .error_code = STATUS_TOPIC_AUTHORIZATION_FAILED});
  uint32_t refused = sender_rig_send(&rig, "secret", -1, 10);
  uint32_t other = sender_rig_send(&rig, "t", -1, 10);
  ck_assert(sender_rig_settle(&rig, RIG_S));
  expect_end(refused, OUTCOME_NOT_DELIVERED, STATUS_TOPIC_AUTHORIZATION_FAILED);
  expect_end(other, OUTCOME_DELIVERED, STATUS_OK);
  uint32_t allowed = sender_rig_send(&rig, "secret", -1, 10);
  ck_assert(sender_rig_settle(&rig, 2 * RIG_S));
  expect_end(allowed, OUTCOME_DELIVERED, STATUS_OK);
  sender_rig_verify(&rig);
}
END_TEST

START_TEST(forbidden_topic_is_asked_about_again_for_what_was_sent_to_it) {
  sender_rig_start_warm(&rig, 1, 1);
  model_cluster_lead(&rig.cluster, "t", 0, -1);
  sender_rig_send(&rig, "t", 0, 10);
  sender_rig_run(&rig, RIG_S); /* refused, and now without a leader */
  sender_rig_fault(&rig, &(struct broker_fault){.api_key = API_METADATA,
                                                .topic = "t",
                                                .partition = -1,
                                                .error_code = STATUS_TOPIC_AUTHORIZATION_FAILED});
  sender_rig_run(&rig, 2 * RIG_S);
  model_cluster_lead(&rig.cluster, "t", 0, 1);
  ck_assert(sender_rig_settle(&rig, 3 * RIG_S));
  sender_rig_verify_delivered(&rig);
}
END_TEST

/* ---- brokers ---- */

START_TEST(brokers_that_come_late_are_found) {
  rig.settings.bootstrap = "10.0.0.1 10.0.0.2";
  sender_rig_start(&rig, 2);
  create_topic("t", 2);
  model_cluster_kill(&rig.cluster, 1);
  model_cluster_kill(&rig.cluster, 2);
  sender_rig_send_many(&rig, "t", -1, 20, 100);
  sender_rig_run(&rig, 30 * RIG_S);
  ck_assert_uint_lt(fake_transport_connection_count(rig.transport), 100);
  model_cluster_start(&rig.cluster, 2);
  model_cluster_lead(&rig.cluster, "t", 0, 2);
  model_cluster_lead(&rig.cluster, "t", 1, 2);
  ck_assert(sender_rig_settle(&rig, 3 * RIG_S));
  sender_rig_verify_delivered(&rig);
}
END_TEST

START_TEST(frozen_broker_is_left_after_the_request_timeout_without_duplicates) {
  rig.settings.sender.request_timeout_us = rig.settings.network.request_timeout_us = 3 * RIG_S;
  sender_rig_start_warm(&rig, 2, 2);
  model_cluster_freeze(&rig.cluster, 1, true);
  sender_rig_send_many(&rig, "t", -1, 50, 1000);
  sender_rig_run(&rig, 2 * RIG_S);
  model_cluster_lead(&rig.cluster, "t", 0, 2);
  model_cluster_lead(&rig.cluster, "t", 1, 2);
  ck_assert(sender_rig_settle(&rig, 5 * RIG_S));
  model_cluster_freeze(&rig.cluster, 1, false); /* what it holds comes late: it leads no longer */
  sender_rig_run(&rig, 10 * RIG_S);
  ck_assert_uint_gt(rig.cluster.stragglers, 0);
  sender_rig_verify_delivered(&rig);
}
END_TEST

START_TEST(killed_leader_is_replaced_without_loss_or_duplicate) {
  sender_rig_start_warm(&rig, 3, 3);
  for (int round = 0; round < 6; round++) {
    int32_t victim = 1 + round % 3, heir = 1 + (round + 1) % 3;
    sender_rig_send_many(&rig, "t", -1, 60, 1000);
    sender_rig_run(&rig, 700 + 400 * round);
    model_cluster_kill(&rig.cluster, victim);
    for (int32_t p = 0; p < 3; p++)
      model_cluster_lead(&rig.cluster, "t", p, -1);
    sender_rig_send_many(&rig, "t", -1, 60, 1000);
    sender_rig_run(&rig, RIG_S);
    for (int32_t p = 0; p < 3; p++)
      model_cluster_lead(&rig.cluster, "t", p, heir);
    ck_assert(sender_rig_settle(&rig, 3 * RIG_S)); /* a backoff after the election */
    model_cluster_start(&rig.cluster, victim);
    broker_model_reload(rig.cluster.model);
  }
  sender_rig_verify_delivered(&rig);
  ck_assert_uint_eq(rig.sender->published.epochs_raised, 0);
}
END_TEST

/* librdkafka #4953: one partition's OUT_OF_ORDER changed the identity of others that had requests open. */
START_TEST(leaders_that_move_to_and_fro_leave_no_duplicates) {
  sender_rig_start_warm(&rig, 2, 16);
  for (int round = 0; round < 60; round++) {
    for (int32_t p = 0; p < 16; p++)
      sender_rig_send_many(&rig, "t", p, 3, 200);
    sender_rig_run(&rig, 500 * (round % 7));
    for (int32_t p = 0; p < 16; p++)
      if ((p + round) % 3 == 0) model_cluster_lead(&rig.cluster, "t", p, 1 + (p + round) % 2);
    if (round % 5 == 0) model_cluster_cut(&rig.cluster, 1 + round % 2);
    if (round % 11 == 0) broker_model_reload(rig.cluster.model);
  }
  ck_assert(sender_rig_settle(&rig, 10 * RIG_S));
  sender_rig_verify_delivered(&rig);
  ck_assert_uint_eq(rig.sender->published.epochs_raised, 0);
}
END_TEST

START_TEST(lost_bootstrap_addresses_are_gone_back_to_when_all_brokers_are_dead) {
  rig.settings.bootstrap = "10.0.0.1 10.0.0.2";
  sender_rig_start(&rig, 2);
  broker_model_set_node(rig.cluster.model, 2, "10.0.0.9", CLUSTER_PORT); /* advertised, and nobody there */
  create_topic("t", 1);
  sender_rig_send(&rig, "t", 0, 10);
  ck_assert(sender_rig_settle(&rig, RIG_S));
  model_cluster_kill(&rig.cluster, 1);
  sender_rig_send(&rig, "t", 0, 10);
  sender_rig_run(&rig, 5 * RIG_S);
  ck_assert_uint_lt(fake_transport_connection_count(rig.transport), 100); /* no round without a pause */
  broker_model_set_node(rig.cluster.model, 2, "10.0.0.2", CLUSTER_PORT);
  model_cluster_lead(&rig.cluster, "t", 0, 2);
  ck_assert(sender_rig_settle(&rig, 10 * RIG_S)); /* 10.0.0.2 is known from the settings alone */
  sender_rig_verify_delivered(&rig);
}
END_TEST

START_TEST(leader_that_metadata_names_but_does_not_list_is_asked_about_again) {
  sender_rig_start_warm(&rig, 1, 1);
  model_cluster_lead(&rig.cluster, "t", 0, 2);
  sender_rig_send(&rig, "t", 0, 10);
  sender_rig_run(&rig, 5 * RIG_S);
  rig.cluster.node_count = 2;
  rig.cluster.nodes[2].is_up = true;
  fake_transport_listen(rig.transport, "10.0.0.2", CLUSTER_PORT, FAKE_ACCEPTS, 200);
  broker_model_set_node(rig.cluster.model, 2, "10.0.0.2", CLUSTER_PORT);
  ck_assert(sender_rig_settle(&rig, 2 * RIG_S));
  sender_rig_verify_delivered(&rig);
}
END_TEST

START_TEST(leader_that_is_no_longer_listed_is_asked_about_until_it_is_back) {
  sender_rig_start_warm(&rig, 2, 1);
  model_cluster_lead(&rig.cluster, "t", 0, 2);
  sender_rig_send(&rig, "t", 0, 10);
  ck_assert(sender_rig_settle(&rig, RIG_S));
  model_cluster_kill(&rig.cluster, 2);
  sender_rig_send(&rig, "t", 0, 10);
  sender_rig_run(&rig, RIG_S);
  rig.cluster.model->node_count = 1; /* it still leads, and has no address */
  sender_rig_run(&rig, 20 * RIG_S);
  rig.cluster.model->node_count = 2;
  model_cluster_start(&rig.cluster, 2);
  ck_assert(sender_rig_settle(&rig, 2 * RIG_S));
  sender_rig_verify_delivered(&rig);
}
END_TEST

START_TEST(idle_leader_that_died_is_replaced_when_records_come) {
  sender_rig_start_warm(&rig, 2, 1);
  sender_rig_run(&rig, 20 * RIG_S);
  model_cluster_kill(&rig.cluster, 1);
  sender_rig_run(&rig, 5 * RIG_S);
  model_cluster_lead(&rig.cluster, "t", 0, 2);
  sender_rig_send(&rig, "t", 0, 10);
  ck_assert(sender_rig_settle(&rig, 3 * RIG_S));
  sender_rig_verify_delivered(&rig);
}
END_TEST

/* KIP-794: records without key avoid a broker that takes nothing, until it does again. */
START_TEST(broker_that_took_nothing_is_used_again_once_it_is_back) {
  rig.settings.accumulator.partitioner.is_adaptive = true;
  rig.settings.sender.availability_timeout_us = RIG_S;
  rig.settings.topic.delivery_timeout_us = 4 * RIG_S;
  sender_rig_start_warm(&rig, 2, 2);
  model_cluster_lead(&rig.cluster, "t", 1, 2);
  sender_rig_send(&rig, "t", 1, 10);
  ck_assert(sender_rig_settle(&rig, RIG_S));
  model_cluster_kill(&rig.cluster, 2);
  uint32_t before = 0, during = 0;
  for (int i = 0; i < 80; i++) {
    sender_rig_send_many(&rig, "t", -1, 20, 1000);
    sender_rig_run(&rig, 100 * RIG_MS);
    if (i == 20) before = sender_rig_count(&rig, OUTCOME_DELIVERED);
    if (i == 39) during = sender_rig_count(&rig, OUTCOME_DELIVERED);
  }
  ck_assert_uint_ge(during - before, 19 * 20); /* all of them went to the other */
  model_cluster_start(&rig.cluster, 2);
  int64_t written = sender_rig_log_count(&rig, "t", 1);
  for (int i = 0; i < 40; i++) {
    sender_rig_send_many(&rig, "t", -1, 20, 1000);
    sender_rig_run(&rig, 100 * RIG_MS);
  }
  ck_assert_int_gt(sender_rig_log_count(&rig, "t", 1), written + 100);
  sender_rig_verify(&rig);
}
END_TEST

/* ---- producer ids ---- */

START_TEST(producer_id_is_asked_for_until_it_is_given) {
  static const int16_t codes[] = {STATUS_COORDINATOR_LOAD_IN_PROGRESS, STATUS_COORDINATOR_NOT_AVAILABLE,
                                  STATUS_NOT_COORDINATOR, STATUS_CLUSTER_AUTHORIZATION_FAILED,
                                  STATUS_UNKNOWN_SERVER_ERROR};
  sender_rig_start(&rig, 1);
  create_topic("t", 1);
  for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++)
    sender_rig_fault(&rig, &(struct broker_fault){
                               .api_key = API_INIT_PRODUCER_ID, .partition = -1, .error_code = codes[i]});
  sender_rig_fault(
      &rig, &(struct broker_fault){.api_key = API_INIT_PRODUCER_ID, .partition = -1, .drop_response = true});
  sender_rig_fault(&rig, &(struct broker_fault){.api_key = API_INIT_PRODUCER_ID,
                                                .partition = -1,
                                                .corruption = BROKER_CORRUPTION_GARBAGE});
  sender_rig_send_many(&rig, "t", 0, 10, 100);
  ck_assert(sender_rig_settle(&rig, 10 * RIG_S));
  sender_rig_verify_delivered(&rig);
  ck_assert_uint_eq(broker()->requests[API_INIT_PRODUCER_ID], 8);
}
END_TEST

START_TEST(records_without_producer_id_expire_as_not_delivered) {
  rig.settings.topic.delivery_timeout_us = 5 * RIG_S;
  sender_rig_start(&rig, 1);
  create_topic("t", 1);
  sender_rig_fault(&rig, &(struct broker_fault){.api_key = API_INIT_PRODUCER_ID,
                                                .partition = -1,
                                                .count = UINT32_MAX,
                                                .error_code = STATUS_CLUSTER_AUTHORIZATION_FAILED});
  uint32_t waiting = sender_rig_send(&rig, "t", 0, 10);
  ck_assert(sender_rig_settle(&rig, 6 * RIG_S));
  expect_end(waiting, OUTCOME_NOT_DELIVERED, STATUS_DELIVERY_TIMED_OUT);
  ck_assert_uint_lt(broker()->requests[API_INIT_PRODUCER_ID], 12);
  broker_model_clear_faults(rig.cluster.model);
  sender_rig_send(&rig, "t", 0, 10);
  ck_assert(sender_rig_settle(&rig, 3 * RIG_S));
  sender_rig_verify(&rig);
}
END_TEST

/* With nothing left to send again when the last epoch is spent. */
START_TEST(spent_epochs_are_followed_by_another_producer_id) {
  sender_rig_start_warm(&rig, 1, 2);
  struct sender_partition *partition = sender_rig_partition(&rig, "t", 0);
  int64_t spent = partition->producer_id;
  partition->producer_epoch = INT16_MAX;
  partition->next_sequence = 0;
  partition->established = false;
  sender_rig_refuse(&rig, "t", 0, STATUS_UNKNOWN_SERVER_ERROR, 1);
  sender_rig_send(&rig, "t", 0, 10);
  ck_assert(sender_rig_settle(&rig, RIG_S));
  sender_rig_send_many(&rig, "t", 0, 10, 10);
  sender_rig_send_many(&rig, "t", 1, 10, 10);
  ck_assert(sender_rig_settle(&rig, 100 * RIG_MS));
  ck_assert_int_ne(partition->producer_id, spent);
  ck_assert_int_eq(partition->producer_epoch, 0);
  ck_assert_int_eq(sender_rig_partition(&rig, "t", 1)->producer_id, spent);
  ck_assert_uint_eq(sender_rig_count(&rig, OUTCOME_UNKNOWN), 1);
  ck_assert_uint_eq(sender_rig_count(&rig, OUTCOME_DELIVERED), 22);
  sender_rig_verify(&rig);
}
END_TEST

/* The broker has forgotten an idle producer, and refuses the first of several batches for a moment: taken
 * alone, the second would open a gap that nobody notices. */
START_TEST(producer_forgotten_in_a_long_silence_loses_nothing) {
  sender_rig_start_warm(&rig, 1, 1);
  sender_rig_run(&rig, 1000 * (int64_t)RIG_S);
  broker_model_forget_producers(rig.cluster.model);
  sender_rig_refuse(&rig, "t", 0, STATUS_NOT_LEADER_OR_FOLLOWER, 1);
  sender_rig_send_many(&rig, "t", 0, 60, 1000);
  ck_assert(sender_rig_settle(&rig, 5 * RIG_S));
  sender_rig_verify_delivered(&rig);
}
END_TEST

/* ---- memory ---- */

/* Splits, bad records and a moved leader, while one allocation after the other fails; the broker's own may be
 * among them. */
START_TEST(any_allocation_may_fail_and_every_report_is_true) {
  bool failed = true;
  uint32_t i = 0;
  for (; failed; i++) {
    sender_rig_init(&rig);
    rig.settings.topic.codec = COMPRESSION_ZSTD;
    rig.settings.topic.level = 3;
    sender_rig_start_warm(&rig, 2, 3);
    broker_model_set_message_max_bytes(rig.cluster.model, 300);
    broker_model_refuse_values(rig.cluster.model, "bad");
    model_cluster_lead(&rig.cluster, "t", 2, 2);
    failing_allocator_start(i);
    for (int n = 0; n < 30; n++)
      (void)sender_rig_try(&rig, "t", n % 3, n % 7 == 0 ? "bad" : "", 200, NULL);
    bool settled = sender_rig_settle(&rig, 20 * RIG_S);
    failed = failing_allocator_stop();
    ck_assert_msg(settled, "not settled when allocation %u fails", i);
    sender_rig_verify(&rig);
    sender_rig_stop(&rig);
    ck_assert_uint_lt(i, 1000);
  }
  ck_assert_uint_gt(i, 30);
}
END_TEST

/* Whatever is missing when the topic is described anew: that it is another one is not forgotten. */
START_TEST(recreated_topic_is_recognised_whichever_allocation_fails) {
  bool failed = true;
  uint32_t i = 0;
  for (; failed; i++) {
    sender_rig_init(&rig);
    rig.logs_may_be_gone = true;
    sender_rig_start_warm(&rig, 2, 1);
    model_cluster_lead(&rig.cluster, "t", 0, 2);
    sender_rig_send(&rig, "t", 0, 10);
    ck_assert(sender_rig_settle(&rig, 5 * RIG_S));
    sender_rig_fault(&rig,
                     &(struct broker_fault){.api_key = API_PRODUCE, .partition = -1, .drop_response = true});
    uint32_t lost = sender_rig_send(&rig, "t", 0, 10);
    sender_rig_run(&rig, RIG_MS);
    recreate(40);
    broker_model_set_leader(rig.cluster.model, "t", 0, 1, 0); /* an older epoch than the old topic's */
    failing_allocator_start(i);
    bool settled = sender_rig_settle(&rig, 20 * RIG_S);
    failed = failing_allocator_stop();
    ck_assert_msg(settled, "not settled when allocation %u fails", i);
    expect_end(lost, OUTCOME_UNKNOWN, STATUS_TOPIC_RECREATED);
    uint32_t next = sender_rig_send(&rig, "t", 0, 10);
    ck_assert_msg(sender_rig_settle(&rig, 5 * RIG_S), "not sent on when allocation %u fails", i);
    expect_end(next, OUTCOME_DELIVERED, STATUS_OK);
    sender_rig_verify(&rig);
    sender_rig_stop(&rig);
  }
  ck_assert_uint_gt(i, 3);
}
END_TEST

static void add_topic_cases(Suite *suite) {
  TCase *topics = tcase_create("topics");
  tcase_add_checked_fixture(topics, set_up, tear_down);
  tcase_add_test(topics, topic_that_is_unknown_for_a_moment_fails_nothing);
  tcase_add_test(topics, topic_that_stays_unknown_fails_its_records_and_no_others);
  tcase_add_test(topics, topic_that_disappears_for_a_while_keeps_its_sequences);
  tcase_add_test(topics, topic_absent_from_metadata_alone_keeps_its_sequences);
  tcase_add_test(topics, partition_out_of_range_is_asked_about_before_it_is_refused);
  tcase_add_test(topics, added_partitions_are_used_after_one_refresh);
  tcase_add_test(topics, recreated_topic_takes_what_was_not_sent_to_the_old_one);
  tcase_add_test(topics, recreated_topic_leaves_open_what_may_be_in_the_old_one);
  tcase_add_test(topics, partitions_that_a_recreated_topic_gets_later_have_its_own_leaders);
  tcase_add_test(topics, forbidden_topic_fails_its_records_and_no_others);
  tcase_add_test(topics, forbidden_topic_is_asked_about_again_for_what_was_sent_to_it);
  suite_add_tcase(suite, topics);
}

static void add_broker_cases(Suite *suite) {
  TCase *brokers = tcase_create("brokers");
  tcase_add_checked_fixture(brokers, set_up, tear_down);
  tcase_add_test(brokers, brokers_that_come_late_are_found);
  tcase_add_test(brokers, frozen_broker_is_left_after_the_request_timeout_without_duplicates);
  tcase_add_test(brokers, killed_leader_is_replaced_without_loss_or_duplicate);
  tcase_add_test(brokers, leaders_that_move_to_and_fro_leave_no_duplicates);
  tcase_add_test(brokers, lost_bootstrap_addresses_are_gone_back_to_when_all_brokers_are_dead);
  tcase_add_test(brokers, leader_that_metadata_names_but_does_not_list_is_asked_about_again);
  tcase_add_test(brokers, leader_that_is_no_longer_listed_is_asked_about_until_it_is_back);
  tcase_add_test(brokers, idle_leader_that_died_is_replaced_when_records_come);
  tcase_add_test(brokers, broker_that_took_nothing_is_used_again_once_it_is_back);
  tcase_add_test(brokers, producer_id_is_asked_for_until_it_is_given);
  tcase_add_test(brokers, records_without_producer_id_expire_as_not_delivered);
  tcase_add_test(brokers, spent_epochs_are_followed_by_another_producer_id);
  tcase_add_test(brokers, producer_forgotten_in_a_long_silence_loses_nothing);
  suite_add_tcase(suite, brokers);
}

int main(void) {
  Suite *suite = suite_create("sender_scenario");
  add_topic_cases(suite);
  add_broker_cases(suite);
  TCase *memory = tcase_create("memory");
  tcase_add_test(memory, any_allocation_may_fail_and_every_report_is_true);
  tcase_add_test(memory, recreated_topic_is_recognised_whichever_allocation_fails);
  suite_add_tcase(suite, memory);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_ENV);
  int failures = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failures != 0;
}
