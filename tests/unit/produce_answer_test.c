#include "sender/produce_answer.h"

#include "base/status.h"
#include "protocol/api.h"
#include "protocol/produce.h"
#include "support/sender_rig.h"
#include <check.h>
#include <stdio.h>

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

/* ---- error codes ---- */

enum { CODES_FROM = -1, CODES_TO = 140 };

static enum outcome expected_outcome(int32_t code) {
  switch (code) {
  case STATUS_OUT_OF_ORDER_SEQUENCE_NUMBER:
  case STATUS_UNKNOWN_PRODUCER_ID:
  case STATUS_INVALID_PRODUCER_EPOCH:
  case STATUS_PRODUCER_FENCED: return OUTCOME_DELIVERED;
  default: break;
  }
  if (status_has(code, STATUS_CLASS_RETRIABLE)) return OUTCOME_DELIVERED;
  return status_has(code, STATUS_CLASS_NOT_APPENDED) ? OUTCOME_NOT_DELIVERED : OUTCOME_UNKNOWN;
}

/* Refused before the append: what is retriable is sent again, the rest fails; and the partition goes on. */
START_TEST(every_error_code_ends_as_its_class_says) {
  for (int32_t code = CODES_FROM; code < CODES_TO; code++) {
    if (code == STATUS_OK || code == STATUS_DUPLICATE_SEQUENCE_NUMBER) continue;
    sender_rig_init(&rig);
    sender_rig_start_warm(&rig, 1, 1);
    sender_rig_refuse(&rig, "t", 0, code, 1);
    uint32_t hit = sender_rig_send(&rig, "t", 0, 10);
    ck_assert_msg(sender_rig_settle(&rig, 3 * RIG_S), "code %d does not end", (int)code);
    ck_assert_msg(sender_rig_outcome(&rig, hit) == expected_outcome(code), "code %d ends as %d", (int)code,
                  (int)sender_rig_outcome(&rig, hit));
    bool delivered = sender_rig_outcome(&rig, hit) == OUTCOME_DELIVERED;
    ck_assert_int_eq(sender_rig_status(&rig, hit), delivered ? STATUS_OK : code);
    uint32_t next = sender_rig_send(&rig, "t", 0, 10);
    ck_assert(sender_rig_settle(&rig, 3 * RIG_S));
    ck_assert_int_eq(sender_rig_outcome(&rig, next), OUTCOME_DELIVERED);
    sender_rig_verify(&rig);
    sender_rig_stop(&rig);
  }
}
END_TEST

START_TEST(errors_after_the_append_leave_no_duplicate) {
  static const int32_t codes[] = {STATUS_REQUEST_TIMED_OUT, STATUS_NOT_ENOUGH_REPLICAS_AFTER_APPEND,
                                  STATUS_NOT_LEADER_OR_FOLLOWER, STATUS_UNKNOWN_TOPIC_OR_PARTITION,
                                  STATUS_KAFKA_STORAGE_ERROR};
  sender_rig_start_warm(&rig, 1, 1);
  for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
    sender_rig_fault(&rig, &(struct broker_fault){.api_key = API_PRODUCE,
                                                  .partition = -1,
                                                  .count = 2,
                                                  .error_code = (int16_t)codes[i],
                                                  .after_append = true});
    sender_rig_send_many(&rig, "t", 0, 5, 10);
    ck_assert(sender_rig_settle(&rig, 5 * RIG_S));
  }
  sender_rig_verify_delivered(&rig);
  ck_assert_uint_eq(broker()->duplicates, 2 * sizeof codes / sizeof codes[0]);
  ck_assert_uint_eq(rig.sender->published.outcomes_resolved, sizeof codes / sizeof codes[0]);
}
END_TEST

START_TEST(duplicate_sequence_is_success_with_unknown_offset) {
  sender_rig_start_warm(&rig, 1, 1);
  sender_rig_fault(&rig, &(struct broker_fault){.api_key = API_PRODUCE,
                                                .partition = -1,
                                                .error_code = STATUS_DUPLICATE_SEQUENCE_NUMBER,
                                                .after_append = true});
  uint32_t hit = sender_rig_send(&rig, "t", 0, 10);
  ck_assert(sender_rig_settle(&rig, RIG_S));
  ck_assert_int_eq(sender_rig_outcome(&rig, hit), OUTCOME_DELIVERED_OFFSET_UNKNOWN);
  ck_assert_int_eq(rig.records[hit].report.offset, -1);
  sender_rig_verify_delivered(&rig);
}
END_TEST

/* Brokers answer a recognised duplicate with the batch's newest timestamp where the time of the append would
 * stand. */
START_TEST(recognised_duplicate_keeps_its_own_timestamps) {
  sender_rig_start_warm(&rig, 1, 1);
  sender_rig_fault(&rig,
                   &(struct broker_fault){.api_key = API_PRODUCE, .partition = -1, .drop_response = true});
  int64_t first_ms = model_cluster_wall_ms(&rig.cluster);
  uint32_t first = sender_rig_send(&rig, "t", 0, 10);
  rig.settings.accumulator.linger_us = 0;
  fake_transport_advance_us(rig.transport, 5 * RIG_MS);
  uint32_t second = sender_rig_send(&rig, "t", 0, 10);
  ck_assert(sender_rig_settle(&rig, 5 * RIG_S));
  sender_rig_verify_delivered(&rig);
  ck_assert_uint_eq(broker()->duplicates, 1);
  ck_assert_int_eq(rig.records[first].report.timestamp_ms, first_ms);
  ck_assert_int_eq(rig.records[second].report.timestamp_ms, first_ms + 5);
  ck_assert_uint_eq(rig.records[first].report.flags, 0);
}
END_TEST

START_TEST(five_in_flight_are_retried_in_order) {
  sender_rig_start_warm(&rig, 1, 1);
  sender_rig_refuse(&rig, "t", 0, STATUS_NOT_ENOUGH_REPLICAS, 1);
  sender_rig_send_many(&rig, "t", 0, 100, 1000); /* more than five batches */
  ck_assert(sender_rig_settle(&rig, 5 * RIG_S));
  sender_rig_verify_delivered(&rig);
  ck_assert_uint_ge(broker()->out_of_order, 4);
  ck_assert_uint_eq(rig.sender->published.epochs_raised, 0);
  ck_assert_uint_eq(rig.sender->published.out_of_order_answers, broker()->out_of_order);
}
END_TEST

/* ---- sequences ---- */

/* Several written batches unacknowledged, and the broker restarts: it knows the last one only. */
START_TEST(restarted_broker_is_walked_forward) {
  sender_rig_start_warm(&rig, 1, 1);
  rig.cluster.response_delay_us = 10 * RIG_S;
  sender_rig_send_many(&rig, "t", 0, 80, 1000);
  sender_rig_run(&rig, 2 * RIG_MS);
  ck_assert_uint_gt(sender_rig_partition(&rig, "t", 0)->in_flight, 3);
  uint64_t written = broker()->batches_appended;
  ck_assert_uint_gt(written, 4);
  rig.cluster.response_delay_us = 500;
  model_cluster_cut(&rig.cluster, 1);
  broker_model_reload(rig.cluster.model);
  ck_assert(sender_rig_settle(&rig, 20 * RIG_S));
  sender_rig_verify_delivered(&rig);
  ck_assert_uint_gt(sender_rig_count(&rig, OUTCOME_DELIVERED_OFFSET_UNKNOWN), 0);
  ck_assert_uint_gt(rig.sender->published.out_of_order_answers, 0);
  ck_assert_uint_ge(rig.sender->published.outcomes_resolved, 4);
  ck_assert_uint_eq(rig.sender->published.epochs_raised, 0);
}
END_TEST

START_TEST(forgotten_producer_goes_on_under_the_next_epoch) {
  sender_rig_start_warm(&rig, 1, 2);
  sender_rig_refuse(&rig, "t", 0, STATUS_UNKNOWN_PRODUCER_ID, 1);
  sender_rig_send_many(&rig, "t", 0, 60, 1000);
  sender_rig_send_many(&rig, "t", 1, 60, 1000);
  ck_assert(sender_rig_settle(&rig, 5 * RIG_S));
  sender_rig_verify_delivered(&rig);
  ck_assert_uint_eq(rig.sender->published.epochs_raised, 1);
  ck_assert_uint_eq(rig.warning_count, 1);
  ck_assert_str_eq(rig.last_warning, "t-0 goes on under another epoch: its sequences were refused");
  ck_assert_int_eq(sender_rig_partition(&rig, "t", 0)->producer_epoch, 1);
  ck_assert_int_eq(sender_rig_partition(&rig, "t", 1)->producer_epoch, 0);
}
END_TEST

START_TEST(fenced_epoch_takes_another_producer_id_for_that_partition_alone) {
  sender_rig_start_warm(&rig, 1, 2);
  int64_t before = sender_rig_partition(&rig, "t", 0)->producer_id;
  sender_rig_refuse(&rig, "t", 0, STATUS_INVALID_PRODUCER_EPOCH, 1);
  sender_rig_send_many(&rig, "t", -1, 60, 1000);
  sender_rig_send(&rig, "t", 0, 10);
  ck_assert(sender_rig_settle(&rig, 5 * RIG_S));
  sender_rig_verify_delivered(&rig);
  ck_assert_int_ne(sender_rig_partition(&rig, "t", 0)->producer_id, before);
  ck_assert_int_eq(sender_rig_partition(&rig, "t", 1)->producer_id, before);
}
END_TEST

/* A broker that refuses every sequence is not asked at the speed of the network. */
START_TEST(broker_that_refuses_every_sequence_is_asked_with_backoff) {
  static const int32_t codes[] = {STATUS_OUT_OF_ORDER_SEQUENCE_NUMBER, STATUS_UNKNOWN_PRODUCER_ID,
                                  STATUS_INVALID_PRODUCER_EPOCH};
  rig.settings.topic.delivery_timeout_us = 20 * RIG_S;
  sender_rig_start_warm(&rig, 1, 1);
  sender_rig_refuse(&rig, "t", 0, codes[_i], UINT32_MAX);
  sender_rig_send_many(&rig, "t", 0, 40, 1000);
  ck_assert(sender_rig_settle(&rig, 21 * RIG_S));
  ck_assert_uint_lt(broker()->requests[API_PRODUCE], 120);
  ck_assert_uint_eq(sender_rig_count(&rig, OUTCOME_NOT_DELIVERED), 40);
  broker_model_clear_faults(rig.cluster.model);
  sender_rig_send(&rig, "t", 0, 10);
  ck_assert(sender_rig_settle(&rig, 5 * RIG_S));
  ck_assert_uint_eq(sender_rig_count(&rig, OUTCOME_DELIVERED), 2);
  sender_rig_verify(&rig);
}
END_TEST

/* ---- splitting ---- */

static const struct {
  enum compression_codec codec;
  int32_t level;
} codecs[] = {{COMPRESSION_NONE, 0},
              {COMPRESSION_GZIP, 6},
              {COMPRESSION_SNAPPY, 0},
              {COMPRESSION_LZ4, 9},
              {COMPRESSION_ZSTD, 3}};

enum { CODEC_COUNT = sizeof codecs / sizeof codecs[0] };

static void use_codec(int index) {
  rig.settings.topic.codec = codecs[index].codec;
  rig.settings.topic.level = codecs[index].level;
}

START_TEST(batches_too_large_are_halved_until_they_fit) {
  use_codec(_i);
  sender_rig_start_warm(&rig, 1, 1);
  broker_model_set_message_max_bytes(rig.cluster.model, _i == 0 ? 2500 : 350);
  sender_rig_send_many(&rig, "t", 0, 300, 200);
  ck_assert(sender_rig_settle(&rig, 60 * RIG_S));
  sender_rig_verify_delivered(&rig);
  ck_assert_uint_gt(rig.sender->published.batches_split, 3);
  ck_assert_uint_eq(rig.sender->published.epochs_raised, 0);
  /* Later batches are made smaller. */
  ck_assert_uint_lt(sender_rig_topic(&rig, "t")->batch_bytes, 16384);
}
END_TEST

START_TEST(too_large_as_the_first_of_a_producer_leaves_no_gap) {
  sender_rig_start(&rig, 1);
  broker_model_create_topic(rig.cluster.model, "t", 1);
  broker_model_set_message_max_bytes(rig.cluster.model, 5000);
  sender_rig_send_many(&rig, "t", 0, 15, 1000);
  sender_rig_run(&rig, 100);
  sender_rig_send_many(&rig, "t", 0, 100, 400);
  ck_assert(sender_rig_settle(&rig, 20 * RIG_S));
  sender_rig_verify_delivered(&rig);
}
END_TEST

START_TEST(single_record_too_large_fails_and_its_neighbours_arrive) {
  sender_rig_start_warm(&rig, 1, 1);
  broker_model_set_message_max_bytes(rig.cluster.model, 2000);
  sender_rig_send_many(&rig, "t", 0, 5, 300);
  uint32_t large = sender_rig_send(&rig, "t", 0, 3000);
  sender_rig_send_many(&rig, "t", 0, 5, 300);
  ck_assert(sender_rig_settle(&rig, 20 * RIG_S));
  ck_assert_int_eq(sender_rig_outcome(&rig, large), OUTCOME_NOT_DELIVERED);
  ck_assert_int_eq(sender_rig_status(&rig, large), STATUS_MESSAGE_TOO_LARGE);
  ck_assert_uint_eq(sender_rig_count(&rig, OUTCOME_DELIVERED), 11);
  sender_rig_verify(&rig);
}
END_TEST

START_TEST(batch_that_may_be_written_is_not_split) {
  sender_rig_start_warm(&rig, 1, 1);
  sender_rig_fault(&rig,
                   &(struct broker_fault){.api_key = API_PRODUCE, .partition = -1, .drop_response = true});
  sender_rig_send_many(&rig, "t", 0, 5, 300);
  sender_rig_run(&rig, RIG_MS);
  broker_model_set_message_max_bytes(rig.cluster.model, 500);
  ck_assert(sender_rig_settle(&rig, 20 * RIG_S));
  ck_assert_uint_eq(sender_rig_count(&rig, OUTCOME_UNKNOWN), 5);
  ck_assert_int_eq(sender_rig_status(&rig, 1), STATUS_MESSAGE_TOO_LARGE);
  ck_assert_uint_eq(rig.sender->published.batches_split, 0);
  sender_rig_verify(&rig);
}
END_TEST

/* ---- bad records ---- */

/* Which of 12 records are bad. */
static const char *const patterns[] = {
    "x...........", "...........x", ".....x......", "xx........xx", "x.x.x.x.x.x.",
    ".x.x.x.x.x.x", "xxxxxxxxxxx.", ".xxxxxxxxxxx", "....xxxx....", "xxxxxxxxxxxx",
};

enum { PATTERN_COUNT = sizeof patterns / sizeof patterns[0] };

static void send_pattern(const char *pattern, uint32_t first) {
  for (uint32_t i = 0; pattern[i] != '\0'; i++) {
    uint32_t number;
    const char *prefix = pattern[i] == 'x' ? "bad" : "";
    ck_assert_int_eq(sender_rig_try(&rig, "t", 0, prefix, 40, &number), STATUS_OK);
    ck_assert_uint_eq(number, first + i);
  }
}

static void expect_pattern(const char *pattern, uint32_t first) {
  for (uint32_t i = 0; pattern[i] != '\0'; i++) {
    bool is_bad = pattern[i] == 'x';
    ck_assert_int_eq(sender_rig_outcome(&rig, first + i), is_bad ? OUTCOME_NOT_DELIVERED : OUTCOME_DELIVERED);
    ck_assert_int_eq(sender_rig_status(&rig, first + i), is_bad ? STATUS_INVALID_RECORD : STATUS_OK);
  }
}

START_TEST(bad_records_fail_alone) {
  use_codec(_i % CODEC_COUNT);
  sender_rig_start_warm(&rig, 1, 1);
  broker_model_refuse_values(rig.cluster.model, "bad");
  const char *pattern = patterns[_i / CODEC_COUNT];
  send_pattern(pattern, 1);
  ck_assert(sender_rig_settle(&rig, 5 * RIG_S));
  expect_pattern(pattern, 1);
  ck_assert_uint_le(rig.sender->published.epochs_raised, 1);
  sender_rig_send_many(&rig, "t", 0, 5, 10);
  ck_assert(sender_rig_settle(&rig, 5 * RIG_S));
  sender_rig_verify(&rig);
  ck_assert_int_eq(sender_rig_outcome(&rig, 17), OUTCOME_DELIVERED);
}
END_TEST

/* It was written before the broker began to refuse its records. */
START_TEST(batch_that_may_be_written_is_not_cut_for_bad_records) {
  sender_rig_start_warm(&rig, 1, 1);
  sender_rig_fault(&rig,
                   &(struct broker_fault){.api_key = API_PRODUCE, .partition = -1, .drop_response = true});
  send_pattern("..x..", 1);
  sender_rig_run(&rig, RIG_MS);
  broker_model_refuse_values(rig.cluster.model, "bad");
  ck_assert(sender_rig_settle(&rig, 5 * RIG_S));
  for (uint32_t i = 1; i <= 5; i++) {
    ck_assert_int_eq(sender_rig_outcome(&rig, i), OUTCOME_UNKNOWN);
    ck_assert_int_eq(sender_rig_status(&rig, i), STATUS_INVALID_RECORD);
  }
  sender_rig_verify(&rig);
}
END_TEST

START_TEST(bad_records_with_batches_behind_them_in_flight) {
  rig.settings.accumulator.batch_records = 12;
  use_codec(CODEC_COUNT - 1);
  sender_rig_start_warm(&rig, 1, 1);
  broker_model_refuse_values(rig.cluster.model, "bad");
  for (uint32_t i = 0; i < PATTERN_COUNT; i++)
    send_pattern(patterns[i], 1 + 12 * i);
  ck_assert(sender_rig_settle(&rig, 20 * RIG_S));
  for (uint32_t i = 0; i < PATTERN_COUNT; i++)
    expect_pattern(patterns[i], 1 + 12 * i);
  sender_rig_verify(&rig);
}
END_TEST

START_TEST(bad_records_as_the_first_of_a_producer) {
  sender_rig_start(&rig, 1);
  broker_model_create_topic(rig.cluster.model, "t", 1);
  broker_model_refuse_values(rig.cluster.model, "bad");
  send_pattern(patterns[_i], 0);
  ck_assert(sender_rig_settle(&rig, 5 * RIG_S));
  expect_pattern(patterns[_i], 0);
  sender_rig_verify(&rig);
}
END_TEST

START_TEST(timestamps_out_of_range_fail_alone) {
  sender_rig_start_warm(&rig, 1, 1);
  struct topic *topic = sender_rig_topic(&rig, "t");
  uint32_t early = sender_rig_send(&rig, "t", 0, 10);
  struct append append = {.topic = topic,
                          .partition = 0,
                          .record.value = bytes_of_string("#2:t:"),
                          .timestamp_ms = model_cluster_wall_ms(&rig.cluster) + 86400000,
                          .opaque = rig.record_count};
  ck_assert_int_eq(accumulator_append(&rig.accumulator, &append, sender_rig_now_us(&rig)), STATUS_OK);
  uint32_t ahead = rig.record_count++;
  uint32_t late = sender_rig_send(&rig, "t", 0, 10);
  ck_assert(sender_rig_settle(&rig, 5 * RIG_S));
  ck_assert_int_eq(sender_rig_outcome(&rig, ahead), OUTCOME_NOT_DELIVERED);
  ck_assert_int_eq(sender_rig_status(&rig, ahead), STATUS_INVALID_TIMESTAMP);
  ck_assert_int_eq(sender_rig_outcome(&rig, early), OUTCOME_DELIVERED);
  ck_assert_int_eq(sender_rig_outcome(&rig, late), OUTCOME_DELIVERED);
  sender_rig_verify(&rig);
}
END_TEST

/* ---- leaders and throttling ---- */

/* No answer about the cluster comes any more. */
static void silence_metadata(void) {
  sender_rig_fault(&rig,
                   &(struct broker_fault){
                       .api_key = API_METADATA, .partition = -1, .count = UINT32_MAX, .drop_request = true});
}

START_TEST(hinted_leader_is_used_at_once) {
  sender_rig_start_warm(&rig, 2, 2);
  silence_metadata();
  model_cluster_lead(&rig.cluster, "t", 0, 2);
  sender_rig_send_many(&rig, "t", 0, 80, 1000); /* five in flight meet the old leader */
  ck_assert(sender_rig_settle(&rig, 20 * RIG_MS));
  sender_rig_verify_delivered(&rig);
  ck_assert_int_eq(rig.records[rig.record_count - 1].report.broker, 2);
}
END_TEST

START_TEST(hint_to_a_node_that_metadata_has_not_named_is_used) {
  sender_rig_start_warm(&rig, 1, 1);
  silence_metadata();
  rig.cluster.node_count = 2;
  broker_model_set_node(rig.cluster.model, 2, "10.0.0.2", CLUSTER_PORT);
  rig.cluster.nodes[2].is_up = true;
  fake_transport_listen(rig.transport, "10.0.0.2", CLUSTER_PORT, FAKE_ACCEPTS, 200);
  model_cluster_lead(&rig.cluster, "t", 0, 2);
  sender_rig_send(&rig, "t", 0, 10);
  ck_assert(sender_rig_settle(&rig, 10 * RIG_MS));
  sender_rig_verify_delivered(&rig);
}
END_TEST

START_TEST(leader_moved_without_hint_is_found_by_metadata) {
  sender_rig_start_warm(&rig, 2, 1);
  sender_rig_fault(&rig, &(struct broker_fault){.api_key = API_PRODUCE,
                                                .partition = -1,
                                                .error_code = STATUS_NOT_LEADER_OR_FOLLOWER});
  model_cluster_lead(&rig.cluster, "t", 0, 2);
  sender_rig_send(&rig, "t", 0, 10);
  ck_assert(sender_rig_settle(&rig, 20 * RIG_MS)); /* no backoff once the new leader is known */
  sender_rig_verify_delivered(&rig);
}
END_TEST

START_TEST(older_hints_are_ignored) {
  sender_rig_start_warm(&rig, 2, 1);
  for (int i = 0; i < 5; i++)
    model_cluster_lead(&rig.cluster, "t", 0, 1);
  sender_rig_refuse(&rig, "t", 0, STATUS_NOT_LEADER_OR_FOLLOWER, 1);
  sender_rig_send(&rig, "t", 0, 10); /* brings epoch 5 by metadata */
  ck_assert(sender_rig_settle(&rig, RIG_S));
  sender_rig_fault(&rig, &(struct broker_fault){.api_key = API_PRODUCE,
                                                .partition = -1,
                                                .error_code = STATUS_NOT_LEADER_OR_FOLLOWER,
                                                .leader_hint = true,
                                                .leader_id = 2,
                                                .leader_epoch = 3});
  sender_rig_send(&rig, "t", 0, 10);
  ck_assert(sender_rig_settle(&rig, RIG_S));
  ck_assert_int_eq(rig.records[2].report.broker, 1);
  ck_assert_int_eq(rig.records[2].report.attempts, 2);
  sender_rig_verify_delivered(&rig);
}
END_TEST

START_TEST(connections_that_break_with_each_request_are_tried_with_backoff) {
  sender_rig_start_warm(&rig, 1, 1);
  uint64_t asked = broker()->requests[API_PRODUCE];
  sender_rig_fault(&rig,
                   &(struct broker_fault){
                       .api_key = API_PRODUCE, .partition = -1, .count = UINT32_MAX, .drop_response = true});
  sender_rig_send(&rig, "t", 0, 10);
  sender_rig_run(&rig, 30 * RIG_S);
  ck_assert_uint_gt(broker()->requests[API_PRODUCE] - asked, 25);
  ck_assert_uint_lt(broker()->requests[API_PRODUCE] - asked, 50);
  broker_model_clear_faults(rig.cluster.model);
  ck_assert(sender_rig_settle(&rig, 3 * RIG_S));
  sender_rig_verify_delivered(&rig);
}
END_TEST

START_TEST(throttled_node_gets_nothing_for_that_time) {
  sender_rig_start_warm(&rig, 1, 1);
  sender_rig_fault(&rig,
                   &(struct broker_fault){.api_key = API_PRODUCE, .partition = -1, .throttle_ms = 40000});
  sender_rig_send(&rig, "t", 0, 10);
  ck_assert(sender_rig_settle(&rig, 10 * RIG_MS));
  ck_assert_uint_eq(rig.throttle_count, 1);
  ck_assert_int_eq(rig.last_throttle_ms, 40000);
  ck_assert_uint_eq(rig.sender->published.throttled_ms, 40000);
  uint32_t waiting = sender_rig_send(&rig, "t", 0, 10);
  sender_rig_run(&rig, 39 * RIG_S); /* longer than the request timeout */
  ck_assert_int_eq(sender_rig_outcome(&rig, waiting), OUTCOME_NONE);
  ck_assert(sender_rig_settle(&rig, 1100 * RIG_MS));
  ck_assert_uint_eq(rig.records[waiting].report.attempts, 1);
  sender_rig_verify_delivered(&rig);
}
END_TEST

/* ---- answers that do not fit ---- */

/* What is done to the first answer to a produce request. */
enum change { AS_IT_IS, WRITTEN, MISSING, TWICE, ANOTHER_PARTITION, ANOTHER_TOPIC };

static struct {
  bool is_done;
  size_t cut_to; /* the frame ends there; 0: whole */
  enum change change;
} tampering;

/* A broker that speaks Produce 9 at most, so that write_answer needs no topic id.
 *
 * api_versions => error:INT16 apis:COMPACT_ARRAY(key min max tags) throttle:INT32 tags, from version 3 on. */
static void limit_versions(void *context, const struct request_header *header, struct wire_writer *frame) {
  (void)context;
  if (header->api_key != API_API_VERSIONS || header->api_version < 3) return;
  enum { APIS_AT = 4 + 4 + 2 + 1, API_BYTES = 7 };
  for (size_t at = APIS_AT; at + API_BYTES <= frame->size; at += API_BYTES)
    if (bytes_load_u16(frame->data + at) == API_PRODUCE) {
      bytes_store_u16(frame->data + at + 4, 9);
      return;
    }
}

static void write_answer(struct wire_writer *frame, int32_t correlation_id) {
  struct produce_response_partition partition = {
      .error_code = 0, .base_offset = 1, .log_append_time_ms = -1, .leader_id = -1, .leader_epoch = -1};
  if (tampering.change == ANOTHER_PARTITION) partition.index = 7;
  bool is_missing = tampering.change == MISSING, is_twice = tampering.change == TWICE;
  struct produce_response_topic topic = {
      .name = bytes_of_string(tampering.change == ANOTHER_TOPIC ? "nobody" : "t"),
      .partition_count = is_missing ? 0
                         : is_twice ? 2
                                    : 1};
  wire_writer_reset(frame);
  wire_write_int32(frame, 0);
  response_header_write(frame, API_PRODUCE, 9, correlation_id);
  produce_response_write(frame, 9, 1);
  produce_response_write_topic(frame, 9, &topic);
  for (int32_t i = 0; i < topic.partition_count; i++)
    produce_response_write_partition(frame, 9, &partition, NULL);
  produce_response_write_topic_end(frame, 9);
  produce_response_write_end(frame, 9, &(struct produce_response_end){0}, NULL);
  wire_patch_int32(frame, 0, (int32_t)(frame->size - REQUEST_SIZE_BYTES));
}

static void tamper(void *context, const struct request_header *header, struct wire_writer *frame) {
  limit_versions(context, header, frame);
  if (header->api_key != API_PRODUCE || tampering.is_done) return;
  tampering.is_done = true;
  ck_assert_int_eq(header->api_version, 9);
  if (tampering.change != AS_IT_IS) write_answer(frame, header->correlation_id);
  if (tampering.cut_to == 0 || tampering.cut_to >= frame->size) return;
  frame->size = tampering.cut_to;
  wire_patch_int32(frame, 0, (int32_t)(frame->size - REQUEST_SIZE_BYTES));
}

static void start_tampering(void) {
  model_cluster_init(&rig.cluster, NULL, 1, 1000 * (int64_t)RIG_S);
  rig.cluster.tamper = tamper;
  tampering.is_done = true;
  sender_rig_start_warm(&rig, 1, 1);
}

START_TEST(answers_cut_short_at_any_byte_lose_nothing) {
  start_tampering();
  uint64_t resolved = 0;
  size_t cut = REQUEST_SIZE_BYTES + 4;
  for (bool is_whole = false; !is_whole; cut++) {
    tampering.is_done = false;
    tampering.cut_to = cut;
    sender_rig_send(&rig, "t", 0, 10);
    ck_assert(sender_rig_settle(&rig, 5 * RIG_S));
    is_whole = rig.sender->published.outcomes_resolved == resolved;
    resolved = rig.sender->published.outcomes_resolved;
  }
  ck_assert_uint_gt(resolved, 40);
  sender_rig_verify_delivered(&rig);
}
END_TEST

START_TEST(answers_that_do_not_answer_the_request_close_the_connection) {
  static const enum change changes[] = {WRITTEN, MISSING, TWICE, ANOTHER_PARTITION, ANOTHER_TOPIC};
  start_tampering();
  for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
    uint32_t before = fake_transport_connection_count(rig.transport), first = rig.record_count;
    bool fits = changes[i] == WRITTEN;
    tampering.change = changes[i];
    tampering.is_done = false;
    sender_rig_send_many(&rig, "t", 0, 3, 10);
    ck_assert(sender_rig_settle(&rig, 5 * RIG_S));
    ck_assert(tampering.is_done);
    ck_assert_uint_eq(fake_transport_connection_count(rig.transport), before + (fits ? 0 : 1));
    ck_assert_uint_eq(rig.records[first].report.attempts, fits ? 1 : 2);
    ck_assert_uint_eq(broker()->duplicates, i);
  }
  sender_rig_verify_delivered(&rig);
}
END_TEST

START_TEST(damaged_frames_close_the_connection) {
  static const enum broker_corruption corruptions[] = {
      BROKER_CORRUPTION_CORRELATION_ID, BROKER_CORRUPTION_TRUNCATED, BROKER_CORRUPTION_OVERSIZED,
      BROKER_CORRUPTION_GARBAGE};
  sender_rig_start_warm(&rig, 1, 1);
  for (size_t i = 0; i < sizeof corruptions / sizeof corruptions[0]; i++) {
    uint32_t before = fake_transport_connection_count(rig.transport);
    sender_rig_fault(
        &rig, &(struct broker_fault){.api_key = API_PRODUCE, .partition = -1, .corruption = corruptions[i]});
    sender_rig_send_many(&rig, "t", 0, 50, 1000);
    ck_assert(sender_rig_settle(&rig, 5 * RIG_S));
    ck_assert_uint_eq(fake_transport_connection_count(rig.transport), before + 1);
  }
  sender_rig_verify_delivered(&rig);
}
END_TEST

static void add_code_cases(Suite *suite) {
  TCase *all = tcase_create("every code");
  tcase_add_test(all, every_error_code_ends_as_its_class_says);
  suite_add_tcase(suite, all);
  TCase *codes = tcase_create("codes");
  tcase_add_checked_fixture(codes, set_up, tear_down);
  tcase_add_test(codes, errors_after_the_append_leave_no_duplicate);
  tcase_add_test(codes, duplicate_sequence_is_success_with_unknown_offset);
  tcase_add_test(codes, recognised_duplicate_keeps_its_own_timestamps);
  tcase_add_test(codes, five_in_flight_are_retried_in_order);
  tcase_add_test(codes, restarted_broker_is_walked_forward);
  tcase_add_test(codes, forgotten_producer_goes_on_under_the_next_epoch);
  tcase_add_test(codes, fenced_epoch_takes_another_producer_id_for_that_partition_alone);
  tcase_add_loop_test(codes, broker_that_refuses_every_sequence_is_asked_with_backoff, 0, 3);
  suite_add_tcase(suite, codes);
}

static void add_record_cases(Suite *suite) {
  TCase *records = tcase_create("records");
  tcase_add_checked_fixture(records, set_up, tear_down);
  tcase_add_loop_test(records, batches_too_large_are_halved_until_they_fit, 0, CODEC_COUNT);
  tcase_add_test(records, too_large_as_the_first_of_a_producer_leaves_no_gap);
  tcase_add_test(records, single_record_too_large_fails_and_its_neighbours_arrive);
  tcase_add_test(records, batch_that_may_be_written_is_not_split);
  tcase_add_loop_test(records, bad_records_fail_alone, 0, PATTERN_COUNT * CODEC_COUNT);
  tcase_add_test(records, batch_that_may_be_written_is_not_cut_for_bad_records);
  tcase_add_test(records, bad_records_with_batches_behind_them_in_flight);
  tcase_add_loop_test(records, bad_records_as_the_first_of_a_producer, 0, PATTERN_COUNT);
  tcase_add_test(records, timestamps_out_of_range_fail_alone);
  suite_add_tcase(suite, records);
}

static void add_node_cases(Suite *suite) {
  TCase *nodes = tcase_create("nodes");
  tcase_add_checked_fixture(nodes, set_up, tear_down);
  tcase_add_test(nodes, hinted_leader_is_used_at_once);
  tcase_add_test(nodes, hint_to_a_node_that_metadata_has_not_named_is_used);
  tcase_add_test(nodes, leader_moved_without_hint_is_found_by_metadata);
  tcase_add_test(nodes, older_hints_are_ignored);
  tcase_add_test(nodes, connections_that_break_with_each_request_are_tried_with_backoff);
  tcase_add_test(nodes, throttled_node_gets_nothing_for_that_time);
  tcase_add_test(nodes, answers_cut_short_at_any_byte_lose_nothing);
  tcase_add_test(nodes, answers_that_do_not_answer_the_request_close_the_connection);
  tcase_add_test(nodes, damaged_frames_close_the_connection);
  suite_add_tcase(suite, nodes);
}

int main(void) {
  Suite *suite = suite_create("produce_answer");
  add_code_cases(suite);
  add_record_cases(suite);
  add_node_cases(suite);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_ENV);
  int failures = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failures != 0;
}
