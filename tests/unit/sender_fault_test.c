/* The whole sender against random faults, each history from a seed: whatever happens, every record has one
 * report, the reports are true, and nothing is in the log twice or out of order.
 *
 * HISTORIES=10000 runs more of them, SEED=N begins with that one. */
#include "base/status.h"
#include "protocol/api.h"
#include "support/sender_rig.h"
#include <check.h>
#include <stdio.h>
#include <stdlib.h>

enum { PARTITIONS = 3, NODES = 3, STEPS = 80, TOPICS = 2 };

static const char *const topics[TOPICS] = {"t", "u"};

static struct sender_rig rig;
static struct random chance;
static uint64_t current_seed;

/* What may happen in a history. */
struct weather {
  bool times_out;    /* delivery timeouts that do pass */
  bool tells_lies;   /* the broker answers 45 and 59 without reason */
  bool refuses;      /* records and batches for good */
  bool is_unordered; /* without idempotence */
};

static uint32_t below(uint32_t bound) {
  return random_below(&chance, bound);
}

static bool one_in(uint32_t bound) {
  return below(bound) == 0;
}

/* ---- what goes wrong ---- */

static void inject(struct broker_fault fault) {
  fault.api_key = API_PRODUCE;
  fault.partition = one_in(2) ? -1 : (int32_t)below(PARTITIONS);
  fault.topic = fault.partition < 0 || one_in(2) ? NULL : topics[below(TOPICS)];
  fault.skip = below(3);
  fault.count = 1 + below(4);
  sender_rig_fault(&rig, &fault);
}

static void refuse_for_now(void) {
  static const int16_t codes[] = {STATUS_NOT_ENOUGH_REPLICAS,        STATUS_NOT_LEADER_OR_FOLLOWER,
                                  STATUS_UNKNOWN_TOPIC_OR_PARTITION, STATUS_LEADER_NOT_AVAILABLE,
                                  STATUS_KAFKA_STORAGE_ERROR,        STATUS_CORRUPT_MESSAGE,
                                  STATUS_THROTTLING_QUOTA_EXCEEDED,  STATUS_UNKNOWN_TOPIC_ID};
  inject((struct broker_fault){.error_code = codes[below(sizeof codes / sizeof codes[0])]});
}

static void fail_after_append(void) {
  static const int16_t codes[] = {STATUS_REQUEST_TIMED_OUT, STATUS_NOT_ENOUGH_REPLICAS_AFTER_APPEND,
                                  STATUS_NOT_LEADER_OR_FOLLOWER, STATUS_KAFKA_STORAGE_ERROR};
  inject((struct broker_fault){.error_code = codes[below(sizeof codes / sizeof codes[0])],
                               .after_append = true});
}

static void lose(void) {
  switch (below(4)) {
  case 0: inject((struct broker_fault){.drop_request = true}); break;
  case 1: inject((struct broker_fault){.drop_response = true}); break;
  case 2: inject((struct broker_fault){.withhold_response = true}); break;
  default:
    inject((struct broker_fault){.corruption =
                                     (enum broker_corruption)(BROKER_CORRUPTION_CORRELATION_ID + below(4))});
  }
}

static void disturb_connections(void) {
  uint32_t open[8];
  int32_t node_id = 1 + (int32_t)below(rig.cluster.node_count);
  uint32_t count = model_cluster_open(&rig.cluster, node_id, open, 8);
  switch (below(5)) {
  case 0: model_cluster_cut(&rig.cluster, node_id); break;
  case 1: model_cluster_cut(&rig.cluster, 0); break;
  case 2:
    if (count > 0) fake_transport_set_write_budget(rig.transport, open[0], below(20000));
    break;
  case 3:
    if (count > 0)
      fake_transport_reset_after(rig.transport, open[0],
                                 fake_transport_written(rig.transport, open[0]).size + below(5000));
    break;
  default:
    fake_transport_set_chunks(rig.transport, 0, one_in(2) ? SIZE_MAX : 1 + below(3000),
                              one_in(2) ? SIZE_MAX : 1 + below(40));
  }
}

static void move_leader(void) {
  int32_t to = 1 + (int32_t)below(rig.cluster.node_count);
  if (one_in(6)) to = -1;
  model_cluster_lead(&rig.cluster, topics[below(TOPICS)], (int32_t)below(PARTITIONS), to);
}

static void disturb_nodes(void) {
  int32_t node_id = 1 + (int32_t)below(rig.cluster.node_count);
  const struct model_node *node = &rig.cluster.nodes[node_id];
  if (!node->is_up) {
    model_cluster_start(&rig.cluster, node_id);
  } else if (node->is_frozen) {
    model_cluster_freeze(&rig.cluster, node_id, false);
  } else if (one_in(2)) {
    model_cluster_freeze(&rig.cluster, node_id, true);
  } else {
    model_cluster_kill(&rig.cluster, node_id);
    broker_model_reload(rig.cluster.model);
    for (int i = 0; i < 3; i++)
      move_leader();
  }
}

static void disturb_other_requests(void) {
  static const int16_t codes[] = {STATUS_COORDINATOR_LOAD_IN_PROGRESS, STATUS_COORDINATOR_NOT_AVAILABLE,
                                  STATUS_UNKNOWN_SERVER_ERROR};
  struct broker_fault fault = {.api_key = one_in(2) ? API_METADATA : API_INIT_PRODUCER_ID, .partition = -1};
  if (one_in(3)) {
    fault.drop_response = true;
  } else if (one_in(2)) {
    fault.corruption = (enum broker_corruption)(BROKER_CORRUPTION_CORRELATION_ID + below(4));
  } else if (fault.api_key == API_INIT_PRODUCER_ID) {
    fault.error_code = codes[below(3)];
  } else {
    fault.error_code = STATUS_LEADER_NOT_AVAILABLE;
  }
  sender_rig_fault(&rig, &fault);
}

static void change_delays(void) {
  static const int64_t delays_us[] = {0, 100, 500, 2000, 20000, 150000};
  rig.cluster.request_delay_us = delays_us[below(6)];
  rig.cluster.response_delay_us = delays_us[below(6)];
}

static void disturb(const struct weather *weather) {
  switch (below(12)) {
  case 0: refuse_for_now(); break;
  case 1: fail_after_append(); break;
  case 2:
  case 3: lose(); break;
  case 4:
  case 5: disturb_connections(); break;
  case 6: move_leader(); break;
  case 7: disturb_nodes(); break;
  case 8: disturb_other_requests(); break;
  case 9: change_delays(); break;
  case 10:
    if (one_in(2)) broker_model_reload(rig.cluster.model);
    if (one_in(2)) inject((struct broker_fault){.throttle_ms = (int32_t)below(500)});
    break;
  default:
    if (weather->tells_lies)
      inject((struct broker_fault){.error_code = one_in(2) ? STATUS_OUT_OF_ORDER_SEQUENCE_NUMBER
                                                           : STATUS_UNKNOWN_PRODUCER_ID});
    if (weather->refuses && one_in(2))
      broker_model_set_message_max_bytes(rig.cluster.model, one_in(3) ? 1048588 : 700 + below(6000));
    if (weather->refuses && one_in(2))
      broker_model_refuse_values(rig.cluster.model, one_in(2) ? NULL : "bad");
  }
}

/* ---- a history ---- */

static void send_burst(void) {
  const char *topic = topics[below(TOPICS)];
  int32_t partition = one_in(3) ? -1 : (int32_t)below(PARTITIONS);
  size_t value_bytes = one_in(4) ? 10 + below(3000) : 10 + below(200);
  for (uint32_t left = 1 + below(40); left > 0; left--) {
    const char *prefix = one_in(12) ? "bad" : "";
    if (sender_rig_try(&rig, topic, partition, prefix, value_bytes, NULL) != STATUS_OK) return;
  }
}

static void start(const struct weather *weather) {
  sender_rig_init(&rig);
  static const enum compression_codec codecs[] = {COMPRESSION_NONE, COMPRESSION_SNAPPY, COMPRESSION_ZSTD};
  uint32_t codec = below(3);
  rig.settings.topic.codec = codecs[codec];
  rig.settings.topic.level = codecs[codec] == COMPRESSION_ZSTD ? 3 : 0;
  rig.settings.topic.delivery_timeout_us =
      weather->times_out ? 1 * RIG_S + below(4 * RIG_S) : 600 * (int64_t)RIG_S;
  rig.settings.sender.request_timeout_us = rig.settings.network.request_timeout_us =
      500 * RIG_MS + below(2 * RIG_S);
  rig.settings.accumulator.batch_bytes = 500 + below(8000);
  rig.settings.accumulator.linger_us = one_in(2) ? 0 : below(20 * RIG_MS);
  rig.settings.accumulator.buffer_bytes = rig.settings.accumulator.partition_bytes = (size_t)65536
                                                                                     << below(4);
  rig.settings.sender.max_in_flight = 1 + below(5);
  rig.settings.sender.idempotent = !weather->is_unordered;
  rig.settings.sender.max_request_bytes = one_in(2) ? 1 << 20 : 4000 + below(20000);
  rig.settings.bootstrap = "10.0.0.1 10.0.0.2";
  rig.order_may_break = rig.may_repeat = weather->is_unordered;
  sender_rig_start(&rig, 1 + below(NODES));
  rig.cluster.forgets_closed = one_in(2);
  for (int i = 0; i < TOPICS; i++)
    broker_model_create_topic(rig.cluster.model, topics[i], PARTITIONS);
}

static void heal(void) {
  broker_model_clear_faults(rig.cluster.model);
  broker_model_refuse_values(rig.cluster.model, NULL);
  broker_model_set_message_max_bytes(rig.cluster.model, 1048588);
  rig.cluster.request_delay_us = rig.cluster.response_delay_us = 500;
  fake_transport_set_chunks(rig.transport, 0, SIZE_MAX, SIZE_MAX);
  for (int32_t id = 1; id <= (int32_t)rig.cluster.node_count; id++) {
    uint32_t open[8];
    uint32_t count = model_cluster_open(&rig.cluster, id, open, 8);
    for (uint32_t i = 0; i < count; i++)
      fake_transport_set_write_budget(rig.transport, open[i], SIZE_MAX);
    if (!rig.cluster.nodes[id].is_up) model_cluster_start(&rig.cluster, id);
    model_cluster_freeze(&rig.cluster, id, false);
  }
  for (int t = 0; t < TOPICS; t++)
    for (int32_t p = 0; p < PARTITIONS; p++)
      model_cluster_lead(&rig.cluster, topics[t], p, 1);
}

/* The reasons for which an outcome may be left open. */
static bool may_be_unknown(const struct weather *weather, int32_t status) {
  switch (status) {
  case STATUS_MESSAGE_TOO_LARGE:
  case STATUS_INVALID_RECORD: return weather->refuses;
  case STATUS_DELIVERY_TIMED_OUT: return weather->times_out;
  case STATUS_OUT_OF_ORDER_SEQUENCE_NUMBER: /* behind a gap of our own */
    return weather->times_out || weather->refuses;
  case STATUS_ACKNOWLEDGED_DATA_LOST:
  case STATUS_UNKNOWN_PRODUCER_ID: return weather->tells_lies;
  default: return false;
  }
}

static bool may_be_undelivered(const struct weather *weather, int32_t status) {
  switch (status) {
  case STATUS_MESSAGE_TOO_LARGE:
  case STATUS_INVALID_RECORD: return weather->refuses;
  case STATUS_DELIVERY_TIMED_OUT: return weather->times_out;
  default: return false;
  }
}

static void verify_reasons(const struct weather *weather) {
  for (uint32_t i = 0; i < rig.record_count; i++) {
    enum outcome outcome = sender_rig_outcome(&rig, i);
    int32_t status = sender_rig_status(&rig, i);
    bool allowed = outcome == OUTCOME_UNKNOWN         ? may_be_unknown(weather, status)
                   : outcome == OUTCOME_NOT_DELIVERED ? may_be_undelivered(weather, status)
                                                      : outcome != OUTCOME_NONE;
    if (!allowed)
      ck_abort_msg("seed %llu: record %u ends as %d for %s", (unsigned long long)current_seed, i,
                   (int)outcome, status_name(status));
  }
}

static void run_history(uint64_t seed, const struct weather *weather) {
  current_seed = seed;
  rig.seed = seed;
  random_seed(&chance, seed);
  start(weather);
  for (int step = 0; step < STEPS; step++) {
    if (!one_in(3)) send_burst();
    if (one_in(2)) disturb(weather);
    sender_rig_run(&rig, one_in(8) ? below(RIG_S) : below(20 * RIG_MS));
  }
  heal();
  if (!sender_rig_settle(&rig, 60 * (int64_t)RIG_S))
    ck_abort_msg("seed %llu: not settled", (unsigned long long)seed);
  sender_rig_run(&rig, 5 * RIG_S); /* stragglers */
  sender_rig_verify(&rig);
  verify_reasons(weather);
}

static uint32_t histories(uint32_t usual) {
  const char *wanted = getenv("HISTORIES");
  return wanted == NULL ? usual : (uint32_t)strtoul(wanted, NULL, 10);
}

static uint64_t first_seed(uint64_t usual) {
  const char *wanted = getenv("SEED");
  return wanted == NULL ? usual : strtoull(wanted, NULL, 10);
}

enum { HISTORIES = 40 };

START_TEST(without_timeouts_everything_is_delivered) {
  struct weather weather = {0};
  struct sender_counters total = {0};
  uint64_t first = first_seed(1000);
  for (uint64_t seed = first; seed < first + histories(HISTORIES); seed++) {
    run_history(seed, &weather);
    sender_rig_verify_delivered(&rig);
    total.batches_retried += rig.sender->published.batches_retried;
    total.outcomes_resolved += rig.sender->published.outcomes_resolved;
    total.out_of_order_answers += rig.sender->published.out_of_order_answers;
    ck_assert_uint_eq(rig.sender->published.epochs_raised, 0);
    sender_rig_stop(&rig);
  }
  ck_assert_uint_gt(total.batches_retried, 0);
  ck_assert_uint_gt(total.outcomes_resolved, 0);
  ck_assert_uint_gt(total.out_of_order_answers, 0);
}
END_TEST

START_TEST(refused_records_fail_and_all_others_are_delivered) {
  struct weather weather = {.refuses = true};
  uint64_t first = first_seed(2000);
  for (uint64_t seed = first; seed < first + histories(HISTORIES); seed++) {
    run_history(seed, &weather);
    sender_rig_stop(&rig);
  }
}
END_TEST

START_TEST(timeouts_leave_only_true_reports) {
  struct weather weather = {.times_out = true, .refuses = true};
  uint64_t first = first_seed(3000), epochs_raised = 0;
  for (uint64_t seed = first; seed < first + histories(HISTORIES); seed++) {
    run_history(seed, &weather);
    epochs_raised += rig.sender->published.epochs_raised;
    sender_rig_stop(&rig);
  }
  ck_assert_uint_gt(epochs_raised, 0);
}
END_TEST

START_TEST(lies_about_sequences_leave_only_true_reports) {
  struct weather weather = {.times_out = true, .refuses = true, .tells_lies = true};
  uint64_t first = first_seed(4000);
  for (uint64_t seed = first; seed < first + histories(HISTORIES); seed++) {
    run_history(seed, &weather);
    sender_rig_stop(&rig);
  }
}
END_TEST

START_TEST(without_idempotence_every_record_has_one_true_report) {
  struct weather weather = {.times_out = true, .refuses = true, .is_unordered = true};
  uint64_t first = first_seed(5000);
  for (uint64_t seed = first; seed < first + histories(HISTORIES); seed++) {
    run_history(seed, &weather);
    sender_rig_stop(&rig);
  }
}
END_TEST

START_TEST(aborted_at_any_moment_every_record_has_one_true_report) {
  struct weather weather = {.times_out = true, .refuses = true};
  uint64_t first = first_seed(6000);
  for (uint64_t seed = first; seed < first + histories(HISTORIES); seed++) {
    random_seed(&chance, seed);
    rig.seed = current_seed = seed;
    start(&weather);
    for (uint32_t step = below(STEPS / 2); step > 0; step--) {
      send_burst();
      if (one_in(2)) disturb(&weather);
      sender_rig_run(&rig, below(20 * RIG_MS));
    }
    sender_rig_abort(&rig);
    sender_rig_verify(&rig);
    sender_rig_stop(&rig);
  }
}
END_TEST

int main(void) {
  Suite *suite = suite_create("sender_fault");
  TCase *test_case = tcase_create("all");
  tcase_set_timeout(test_case, 30);
  tcase_add_test(test_case, without_timeouts_everything_is_delivered);
  tcase_add_test(test_case, refused_records_fail_and_all_others_are_delivered);
  tcase_add_test(test_case, timeouts_leave_only_true_reports);
  tcase_add_test(test_case, lies_about_sequences_leave_only_true_reports);
  tcase_add_test(test_case, without_idempotence_every_record_has_one_true_report);
  tcase_add_test(test_case, aborted_at_any_moment_every_record_has_one_true_report);
  suite_add_tcase(suite, test_case);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_ENV);
  int failures = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failures != 0;
}
