#include "sender/sender.h"

#include "base/status.h"
#include "protocol/api.h"
#include "support/codecs.h"
#include "support/sender_rig.h"
#include <check.h>

static struct sender_rig rig;

static void set_up(void) {
  sender_rig_init(&rig);
}

static void tear_down(void) {
  sender_rig_stop(&rig);
}

/* ---- delivery ---- */

START_TEST(records_are_delivered_in_order) {
  sender_rig_start_warm(&rig, 1, 3);
  for (int i = 0; i < 300; i++)
    sender_rig_send(&rig, "t", i % 3, 100);
  ck_assert(sender_rig_settle(&rig, RIG_S));
  sender_rig_verify_delivered(&rig);
  for (int32_t p = 0; p < 3; p++)
    ck_assert_int_eq(sender_rig_log_count(&rig, "t", p), 101);
  ck_assert_uint_eq(sender_rig_count(&rig, OUTCOME_DELIVERED), 303);
}
END_TEST

START_TEST(records_accepted_before_anything_is_known_are_delivered) {
  sender_rig_start(&rig, 1);
  broker_model_create_topic(rig.cluster.model, "t", 4);
  sender_rig_send_many(&rig, "t", -1, 50, 200);
  sender_rig_send_many(&rig, "t", 2, 50, 200);
  sender_rig_send_many(&rig, "t", -1, 50, 200);
  ck_assert(sender_rig_settle(&rig, RIG_S));
  sender_rig_verify_delivered(&rig);
}
END_TEST

/* A round trip takes 1 ms; a new partition needs one of its own and nothing else has to happen first. */
START_TEST(first_record_of_another_partition_is_sent_at_once) {
  sender_rig_start_warm(&rig, 1, 1);
  broker_model_add_partitions(rig.cluster.model, "t", 3);
  broker_model_create_topic(rig.cluster.model, "u", 2);
  sender_rig_send(&rig, "u", 0, 10);
  ck_assert(sender_rig_settle(&rig, 10 * RIG_MS));
  sender_rig_run(&rig, 60 * RIG_S);
  sender_rig_send(&rig, "u", 1, 10);
  ck_assert(sender_rig_settle(&rig, 3 * RIG_MS));
  sender_rig_verify_delivered(&rig);
}
END_TEST

START_TEST(idle_sender_takes_no_turns) {
  sender_rig_start_warm(&rig, 1, 1);
  uint64_t turns = rig.turn_count;
  sender_rig_run(&rig, 200 * (int64_t)RIG_S);
  ck_assert_uint_le(rig.turn_count - turns, 3);
}
END_TEST

START_TEST(batches_wait_for_linger_unless_full_or_cut) {
  rig.settings.accumulator.linger_us = 50 * RIG_MS;
  sender_rig_start_warm(&rig, 1, 1);
  uint32_t lingering = sender_rig_send(&rig, "t", 0, 10);
  sender_rig_run(&rig, 49 * RIG_MS);
  ck_assert_int_eq(sender_rig_outcome(&rig, lingering), OUTCOME_NONE);
  sender_rig_run(&rig, 3 * RIG_MS);
  ck_assert_int_eq(sender_rig_outcome(&rig, lingering), OUTCOME_DELIVERED);
  sender_rig_send_many(&rig, "t", 0, 40, 1000); /* two batches and a bit */
  sender_rig_run(&rig, 10 * RIG_MS);
  uint32_t left = sender_rig_count(&rig, OUTCOME_NONE);
  ck_assert_uint_gt(left, 0);
  ck_assert_uint_lt(left, 16);
  accumulator_begin_cut(&rig.accumulator);
  sender_rig_run(&rig, 3 * RIG_MS);
  accumulator_end_cut(&rig.accumulator);
  sender_rig_verify_delivered(&rig);
}
END_TEST

static const struct {
  enum compression_codec codec;
  int32_t level;
} codecs[] = {{COMPRESSION_NONE, 0},
              {COMPRESSION_GZIP, 6},
              {COMPRESSION_SNAPPY, 0},
              {COMPRESSION_LZ4, 9},
              {COMPRESSION_ZSTD, 3}};

START_TEST(every_codec_arrives) {
  const enum compression_codec codec = codec_or_none(codecs[_i].codec);
  rig.settings.topic.codec = codec;
  rig.settings.topic.level = codec == COMPRESSION_NONE ? 0 : codecs[_i].level;
  sender_rig_start_warm(&rig, 1, 1);
  sender_rig_send_many(&rig, "t", 0, 200, 500);
  ck_assert(sender_rig_settle(&rig, RIG_S));
  sender_rig_verify_delivered(&rig);
  const struct sender_counters *counters = &rig.sender->published;
  bool smaller = counters->batch_bytes_sent < counters->batch_bytes_uncompressed;
  ck_assert(smaller == (codec != COMPRESSION_NONE));
}
END_TEST

START_TEST(without_idempotence_batches_carry_no_producer) {
  rig.settings.sender.idempotent = false;
  rig.settings.topic.acks = 1;
  sender_rig_start_warm(&rig, 1, 1);
  sender_rig_send_many(&rig, "t", 0, 100, 500);
  ck_assert(sender_rig_settle(&rig, RIG_S));
  sender_rig_verify_delivered(&rig);
  ck_assert_uint_eq(broker_model_counters(rig.cluster.model)->requests[API_INIT_PRODUCER_ID], 0);
  struct bytes batch = broker_model_batch(rig.cluster.model, "t", 0, 1);
  ck_assert_int_eq((int64_t)bytes_load_u64(batch.data + 43), -1); /* producer_id */
}
END_TEST

START_TEST(without_acknowledgement_records_are_reported_when_handed_over) {
  rig.settings.sender.idempotent = false;
  rig.settings.topic.acks = 0;
  sender_rig_start(&rig, 1);
  broker_model_create_topic(rig.cluster.model, "t", 1);
  sender_rig_send_many(&rig, "t", 0, 100, 500);
  ck_assert(sender_rig_settle(&rig, RIG_S));
  sender_rig_run(&rig, 10 * RIG_MS);
  ck_assert_uint_eq(sender_rig_count(&rig, OUTCOME_UNKNOWN), 100);
  for (uint32_t i = 0; i < 100; i++)
    ck_assert_int_eq(sender_rig_status(&rig, i), STATUS_NO_ACKNOWLEDGEMENT);
  ck_assert_uint_eq(rig.accumulator.totals.unacknowledged, 100);
  ck_assert_uint_eq(rig.accumulator.totals.unknown, 0);
  ck_assert_int_eq(sender_rig_log_count(&rig, "t", 0), 100);
  sender_rig_verify(&rig);
}
END_TEST

START_TEST(without_acknowledgement_a_record_that_never_left_is_not_delivered) {
  rig.settings.sender.idempotent = false;
  rig.settings.topic.acks = 0;
  rig.settings.topic.delivery_timeout_us = 5 * RIG_S;
  sender_rig_start(&rig, 1);
  broker_model_create_topic(rig.cluster.model, "t", 1);
  sender_rig_send(&rig, "t", 0, 10);
  ck_assert(sender_rig_settle(&rig, RIG_S));
  model_cluster_kill(&rig.cluster, 1);
  sender_rig_run(&rig, 100 * RIG_MS);
  uint32_t late = sender_rig_send(&rig, "t", 0, 10);
  ck_assert(sender_rig_settle(&rig, 6 * RIG_S));
  ck_assert_int_eq(sender_rig_outcome(&rig, late), OUTCOME_NOT_DELIVERED);
  ck_assert_int_eq(sender_rig_status(&rig, late), STATUS_DELIVERY_TIMED_OUT);
}
END_TEST

START_TEST(reports_may_be_read_long_after) {
  sender_rig_start_warm(&rig, 1, 2);
  rig.holds_reports = true;
  sender_rig_send_many(&rig, "t", -1, 200, 100);
  ck_assert(sender_rig_settle(&rig, RIG_S));
  ck_assert_uint_gt(buffer_pool_used_bytes(rig.accumulator.pool), 0);
  sender_rig_verify_delivered(&rig);
  sender_rig_release(&rig);
  ck_assert_uint_eq(buffer_pool_used_bytes(rig.accumulator.pool), 0);
}
END_TEST

START_TEST(counters_say_what_was_sent) {
  sender_rig_start_warm(&rig, 1, 1);
  struct sender_counters before = rig.sender->published;
  sender_rig_refuse(&rig, "t", 0, STATUS_NOT_ENOUGH_REPLICAS, 2);
  sender_rig_send(&rig, "t", 0, 10);
  ck_assert(sender_rig_settle(&rig, 5 * RIG_S));
  const struct sender_counters *after = &rig.sender->published;
  ck_assert_uint_eq(after->batches_sent - before.batches_sent, 3);
  ck_assert_uint_eq(after->batches_retried - before.batches_retried, 2);
  ck_assert_uint_eq(after->requests_sent - before.requests_sent, 3);
  ck_assert_uint_eq(after->responses_received - before.responses_received, 3);
  ck_assert_uint_eq(after->requests_in_flight, 0);
  ck_assert_uint_eq(after->connections_opened, 2); /* the bootstrap server, then node 1 */
  ck_assert(rig.sender->known);
  ck_assert_uint_eq(rig.records[1].report.attempts, 3);
  ck_assert_int_eq(rig.records[1].report.broker, 1);
}
END_TEST

/* ---- delivery timeout ---- */

START_TEST(unsent_records_expire_as_not_delivered_at_their_time) {
  rig.settings.topic.delivery_timeout_us = 7 * RIG_S;
  sender_rig_start(&rig, 1);
  model_cluster_kill(&rig.cluster, 1);
  uint32_t staged = sender_rig_send(&rig, "t", -1, 10);
  sender_rig_run(&rig, 7 * RIG_S - RIG_MS);
  ck_assert_int_eq(sender_rig_outcome(&rig, staged), OUTCOME_NONE);
  sender_rig_run(&rig, 2 * RIG_MS);
  ck_assert_int_eq(sender_rig_outcome(&rig, staged), OUTCOME_NOT_DELIVERED);
  ck_assert_int_eq(sender_rig_status(&rig, staged), STATUS_DELIVERY_TIMED_OUT);
}
END_TEST

START_TEST(sent_records_expire_as_unknown_and_the_partition_goes_on) {
  rig.settings.topic.delivery_timeout_us = 5 * RIG_S;
  rig.settings.sender.request_timeout_us = rig.settings.network.request_timeout_us = 20 * RIG_S;
  sender_rig_start_warm(&rig, 1, 2);
  sender_rig_fault(&rig,
                   &(struct broker_fault){
                       .api_key = API_PRODUCE, .topic = "t", .partition = 0, .withhold_response = true});
  uint32_t open = sender_rig_send(&rig, "t", 0, 10);
  sender_rig_run(&rig, RIG_MS);
  uint32_t behind = sender_rig_send(&rig, "t", 0, 10);
  sender_rig_run(&rig, 4 * RIG_S);
  ck_assert_int_eq(sender_rig_outcome(&rig, open), OUTCOME_NONE);
  sender_rig_run(&rig, RIG_S + RIG_MS);
  ck_assert_int_eq(sender_rig_outcome(&rig, open), OUTCOME_UNKNOWN);
  ck_assert_int_eq(sender_rig_status(&rig, open), STATUS_DELIVERY_TIMED_OUT);
  ck_assert_int_eq(sender_rig_outcome(&rig, behind), OUTCOME_UNKNOWN);
  ck_assert_int_eq(sender_rig_partition(&rig, "t", 0)->producer_epoch, 1);
  ck_assert_int_eq(sender_rig_partition(&rig, "t", 1)->producer_epoch, 0);
  sender_rig_run(&rig, 16 * RIG_S); /* the request times out, the connection is made anew */
  uint32_t next = sender_rig_send(&rig, "t", 0, 10);
  ck_assert(sender_rig_settle(&rig, 5 * RIG_S));
  ck_assert_int_eq(sender_rig_outcome(&rig, next), OUTCOME_DELIVERED);
  sender_rig_verify(&rig);
}
END_TEST

START_TEST(sent_records_of_all_partitions_expire_together) {
  rig.settings.topic.delivery_timeout_us = 3 * RIG_S;
  sender_rig_start_warm(&rig, 1, 3);
  model_cluster_freeze(&rig.cluster, 1, true);
  for (int32_t p = 0; p < 3; p++)
    sender_rig_send(&rig, "t", p, 10);
  sender_rig_run(&rig, 3 * RIG_S + RIG_MS);
  ck_assert_uint_eq(sender_rig_count(&rig, OUTCOME_UNKNOWN), 3);
  model_cluster_freeze(&rig.cluster, 1, false);
  sender_rig_run(&rig, RIG_S);
  sender_rig_verify(&rig);
}
END_TEST

START_TEST(younger_batches_do_not_expire_with_older_ones) {
  rig.settings.topic.delivery_timeout_us = 3 * RIG_S;
  sender_rig_start_warm(&rig, 1, 1);
  model_cluster_freeze(&rig.cluster, 1, true);
  uint32_t older = sender_rig_send(&rig, "t", 0, 10);
  sender_rig_run(&rig, 2 * RIG_S);
  uint32_t younger = sender_rig_send(&rig, "t", 0, 10);
  sender_rig_run(&rig, 1100 * RIG_MS);
  ck_assert_int_eq(sender_rig_outcome(&rig, older), OUTCOME_UNKNOWN);
  ck_assert_int_eq(sender_rig_outcome(&rig, younger), OUTCOME_NONE);
  model_cluster_freeze(&rig.cluster, 1, false);
  ck_assert(sender_rig_settle(&rig, RIG_S));
  ck_assert_int_eq(sender_rig_outcome(&rig, younger), OUTCOME_DELIVERED);
  sender_rig_verify(&rig);
}
END_TEST

/* A first batch travels alone; once it was given up the next one has nothing to wait for. */
START_TEST(batch_behind_one_that_expires_is_sent_at_that_moment) {
  rig.settings.topic.delivery_timeout_us = 3 * RIG_S;
  sender_rig_start_warm(&rig, 1, 1);
  broker_model_create_topic(rig.cluster.model, "u", 1);
  sender_rig_send(&rig, "u", 0, 10);
  while (rig.sender->counters.requests_in_flight == 0)
    sender_rig_run(&rig, 50);
  model_cluster_freeze(&rig.cluster, 1, true);
  sender_rig_run(&rig, 2 * RIG_S);
  sender_rig_send(&rig, "u", 0, 10);
  sender_rig_run(&rig, 900 * RIG_MS);
  uint64_t sent = rig.sender->published.requests_sent;
  ck_assert_uint_eq(rig.sender->published.requests_in_flight, 1);
  sender_rig_run(&rig, 200 * RIG_MS);
  ck_assert_int_eq(sender_rig_outcome(&rig, 1), OUTCOME_UNKNOWN);
  ck_assert_uint_eq(rig.sender->published.requests_sent, sent + 1);
  model_cluster_freeze(&rig.cluster, 1, false);
  ck_assert(sender_rig_settle(&rig, RIG_S));
  ck_assert_int_eq(sender_rig_outcome(&rig, 2), OUTCOME_DELIVERED);
  sender_rig_verify(&rig);
}
END_TEST

START_TEST(expired_record_is_not_sent_again_when_the_broker_returns) {
  rig.settings.topic.delivery_timeout_us = 3 * RIG_S;
  sender_rig_start_warm(&rig, 1, 1);
  model_cluster_freeze(&rig.cluster, 1, true);
  uint32_t open = sender_rig_send(&rig, "t", 0, 10);
  sender_rig_run(&rig, 4 * RIG_S);
  ck_assert_int_eq(sender_rig_outcome(&rig, open), OUTCOME_UNKNOWN);
  uint32_t next = sender_rig_send(&rig, "t", 0, 10);
  model_cluster_freeze(&rig.cluster, 1, false);
  ck_assert(sender_rig_settle(&rig, 2 * RIG_S));
  ck_assert_int_eq(sender_rig_outcome(&rig, next), OUTCOME_DELIVERED);
  ck_assert_int_eq(sender_rig_log_count(&rig, "t", 0), 3); /* it came late, and once */
  sender_rig_verify(&rig);
}
END_TEST

/* The topic's records fail in an answer that comes at the very moment of their timeout: both ends meet one
 * batch. Connected after 200 us, each round trip takes 2,000,500 us. */
START_TEST(record_that_failed_with_its_topic_does_not_expire_as_well) {
  enum { ANSWER_US = 200 + 2 * 2000500, TIMEOUT_US = 2 * RIG_S };
  rig.settings.sender.cluster.propagation_max_us = 0;
  rig.settings.topic.delivery_timeout_us = TIMEOUT_US;
  sender_rig_start(&rig, 1);
  rig.cluster.response_delay_us = 2 * RIG_S;
  sender_rig_send(&rig, "t", -1, 10);
  sender_rig_run(&rig, ANSWER_US - TIMEOUT_US);
  uint32_t staged = sender_rig_send(&rig, "t", -1, 10);
  sender_rig_run(&rig, 5 * RIG_S);
  ck_assert_int_eq(sender_rig_outcome(&rig, staged), OUTCOME_NOT_DELIVERED);
  ck_assert_int_eq(sender_rig_status(&rig, staged), STATUS_UNKNOWN_TOPIC_OR_PARTITION);
  ck_assert_uint_eq(rig.records[staged].reports, 1);
}
END_TEST

/* ---- memory ---- */

/* The request stops in the middle of its way out, its records expire, and all their memory is asked for by
 * another topic. What then arrives must still be what was sent. _i: bytes that still go out. */
static void stall_and_reuse(size_t written_bytes) {
  sender_rig_init(&rig);
  rig.settings.accumulator.buffer_bytes = rig.settings.accumulator.partition_bytes = 65536;
  rig.settings.topic.delivery_timeout_us = 2 * RIG_S;
  sender_rig_start_warm(&rig, 1, 1);
  broker_model_create_topic(rig.cluster.model, "u", 1);
  uint32_t connection;
  ck_assert_uint_eq(model_cluster_open(&rig.cluster, 1, &connection, 1), 1);
  fake_transport_set_write_budget(rig.transport, connection, written_bytes);
  sender_rig_send_many(&rig, "t", 0, 20, 700);
  sender_rig_run(&rig, 3 * RIG_S);
  uint32_t accepted = 0;
  while (sender_rig_try(&rig, "u", 0, "", 700, NULL) == STATUS_OK)
    accepted++;
  ck_assert_uint_gt(accepted, 0);
  fake_transport_set_write_budget(rig.transport, connection, SIZE_MAX);
  sender_rig_run(&rig, 10 * RIG_MS);
  ck_assert(sender_rig_settle(&rig, 60 * RIG_S));
  sender_rig_verify(&rig);
  ck_assert_uint_eq(broker_model_counters(rig.cluster.model)->refused, 0);
  ck_assert_uint_eq(broker_model_counters(rig.cluster.model)->malformed, 0);
  sender_rig_stop(&rig);
}

START_TEST(memory_of_a_request_under_way_is_not_used_again) {
  for (size_t written = 0; written < 15000; written += written < 200 ? 1 : 487)
    stall_and_reuse(written);
}
END_TEST

START_TEST(full_memory_is_used_again_as_batches_are_settled) {
  rig.settings.accumulator.buffer_bytes = rig.settings.accumulator.partition_bytes = 65536;
  sender_rig_start_warm(&rig, 1, 3);
  uint32_t refused = 0;
  for (int i = 0; i < 1000; i++) {
    while (sender_rig_try(&rig, "t", i % 3, "", 900, NULL) != STATUS_OK) {
      refused++;
      sender_rig_run(&rig, RIG_MS);
      ck_assert_uint_lt(refused, 10000);
    }
  }
  ck_assert_uint_gt(refused, 0);
  ck_assert(sender_rig_settle(&rig, 5 * RIG_S));
  sender_rig_verify_delivered(&rig);
}
END_TEST

START_TEST(more_staged_records_than_memory_all_arrive) {
  rig.settings.accumulator.buffer_bytes = rig.settings.accumulator.partition_bytes = 131072;
  sender_rig_start(&rig, 1);
  while (sender_rig_try(&rig, "t", -1, "", 900, NULL) == STATUS_OK) {
  }
  ck_assert_uint_gt(rig.record_count, 30);
  sender_rig_run(&rig, RIG_S);
  broker_model_create_topic(rig.cluster.model, "t", 6);
  ck_assert(sender_rig_settle(&rig, 5 * RIG_S));
  sender_rig_verify_delivered(&rig);
}
END_TEST

/* ---- the end ---- */

/* _i: turns after which the producer is closed at once. */
START_TEST(abort_at_any_moment_leaves_one_report_each) {
  rig.settings.accumulator.buffer_bytes = rig.settings.accumulator.partition_bytes = 262144;
  sender_rig_start(&rig, 2);
  broker_model_create_topic(rig.cluster.model, "t", 4);
  sender_rig_refuse(&rig, "t", 2, STATUS_NOT_LEADER_OR_FOLLOWER, 1);
  sender_rig_refuse(&rig, "t", 3, STATUS_INVALID_RECORD, 1);
  model_cluster_lead(&rig.cluster, "t", 1, 2);
  for (int i = 0; i < 60; i++)
    sender_rig_send(&rig, "t", i % 4, 1000);
  sender_rig_run(&rig, 250 * _i);
  sender_rig_abort(&rig);
  for (uint32_t i = 0; i < rig.record_count; i++)
    ck_assert_uint_eq(rig.records[i].reports, 1);
}
END_TEST

START_TEST(abort_tells_unsent_from_sent) {
  sender_rig_start_warm(&rig, 1, 1);
  model_cluster_freeze(&rig.cluster, 1, true);
  uint32_t sent = sender_rig_send(&rig, "t", 0, 10);
  sender_rig_run(&rig, RIG_MS);
  rig.settings.accumulator.linger_us = RIG_S;
  rig.accumulator.settings.linger_us = RIG_S;
  uint32_t unsent = sender_rig_send(&rig, "t", 0, 10);
  sender_rig_run(&rig, RIG_MS);
  sender_rig_abort(&rig);
  ck_assert_int_eq(sender_rig_outcome(&rig, sent), OUTCOME_UNKNOWN);
  ck_assert_int_eq(sender_rig_outcome(&rig, unsent), OUTCOME_NOT_DELIVERED);
  ck_assert_int_eq(sender_rig_status(&rig, sent), STATUS_ABORTED);
  ck_assert_int_eq(sender_rig_status(&rig, unsent), STATUS_ABORTED);
}
END_TEST

START_TEST(abort_ends_what_waits_for_the_next_leader) {
  sender_rig_start_warm(&rig, 1, 1);
  ck_assert_int_eq(broker_model_set_leader(rig.cluster.model, "t", 0, -1, 2), STATUS_OK);
  uint32_t sent = sender_rig_send(&rig, "t", 0, 10);
  sender_rig_run(&rig, RIG_S);
  ck_assert_int_eq(sender_rig_partition(&rig, "t", 0)->place, PLACE_LEADERLESS);
  ck_assert_uint_eq(sender_rig_partition(&rig, "t", 0)->sent_count, 1);
  sender_rig_abort(&rig);
  ck_assert_int_eq(sender_rig_outcome(&rig, sent), OUTCOME_UNKNOWN); /* it was handed over once */
  ck_assert_int_eq(sender_rig_status(&rig, sent), STATUS_ABORTED);
}
END_TEST

START_TEST(abort_with_reports_unread_frees_the_memory_when_they_are_read) {
  sender_rig_start_warm(&rig, 1, 1);
  rig.holds_reports = true;
  model_cluster_freeze(&rig.cluster, 1, true);
  sender_rig_send_many(&rig, "t", 0, 50, 1000);
  sender_rig_run(&rig, RIG_MS);
  sender_rig_abort(&rig);
  ck_assert_uint_gt(buffer_pool_used_bytes(rig.accumulator.pool), 0);
}
END_TEST

START_TEST(abort_of_an_unused_sender_reports_nothing) {
  sender_rig_start(&rig, 1);
  sender_rig_abort(&rig);
  ck_assert_uint_eq(rig.report_count, 0);
}
END_TEST

static void add_delivery_cases(Suite *suite) {
  TCase *delivery = tcase_create("delivery");
  tcase_add_checked_fixture(delivery, set_up, tear_down);
  tcase_add_test(delivery, records_are_delivered_in_order);
  tcase_add_test(delivery, records_accepted_before_anything_is_known_are_delivered);
  tcase_add_test(delivery, first_record_of_another_partition_is_sent_at_once);
  tcase_add_test(delivery, idle_sender_takes_no_turns);
  tcase_add_test(delivery, batches_wait_for_linger_unless_full_or_cut);
  tcase_add_loop_test(delivery, every_codec_arrives, 0, sizeof codecs / sizeof codecs[0]);
  tcase_add_test(delivery, without_idempotence_batches_carry_no_producer);
  tcase_add_test(delivery, without_acknowledgement_records_are_reported_when_handed_over);
  tcase_add_test(delivery, without_acknowledgement_a_record_that_never_left_is_not_delivered);
  tcase_add_test(delivery, reports_may_be_read_long_after);
  tcase_add_test(delivery, counters_say_what_was_sent);
  suite_add_tcase(suite, delivery);
}

static void add_end_cases(Suite *suite) {
  TCase *ends = tcase_create("ends");
  tcase_add_checked_fixture(ends, set_up, tear_down);
  tcase_add_test(ends, unsent_records_expire_as_not_delivered_at_their_time);
  tcase_add_test(ends, sent_records_expire_as_unknown_and_the_partition_goes_on);
  tcase_add_test(ends, sent_records_of_all_partitions_expire_together);
  tcase_add_test(ends, younger_batches_do_not_expire_with_older_ones);
  tcase_add_test(ends, batch_behind_one_that_expires_is_sent_at_that_moment);
  tcase_add_test(ends, expired_record_is_not_sent_again_when_the_broker_returns);
  tcase_add_test(ends, record_that_failed_with_its_topic_does_not_expire_as_well);
  tcase_add_test(ends, full_memory_is_used_again_as_batches_are_settled);
  tcase_add_test(ends, more_staged_records_than_memory_all_arrive);
  tcase_add_loop_test(ends, abort_at_any_moment_leaves_one_report_each, 0, 60);
  tcase_add_test(ends, abort_tells_unsent_from_sent);
  tcase_add_test(ends, abort_ends_what_waits_for_the_next_leader);
  tcase_add_test(ends, abort_with_reports_unread_frees_the_memory_when_they_are_read);
  tcase_add_test(ends, abort_of_an_unused_sender_reports_nothing);
  suite_add_tcase(suite, ends);
  TCase *memory = tcase_create("memory");
  tcase_add_test(memory, memory_of_a_request_under_way_is_not_used_again);
  suite_add_tcase(suite, memory);
}

int main(void) {
  Suite *suite = suite_create("sender");
  add_delivery_cases(suite);
  add_end_cases(suite);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_ENV);
  int failures = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failures != 0;
}
