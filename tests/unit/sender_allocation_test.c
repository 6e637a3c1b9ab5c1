/* Every allocation of the way from an accepted record to its report fails in turn, in eight scenarios in
 * virtual time: each accepted record has exactly one true report, nothing leaks, and when there is memory
 * again the next record is delivered. The broker model's own allocations are among those that fail. */
#include "base/status.h"
#include "protocol/api.h"
#include "support/allocation_count.h"
#include "support/failing_allocator.h"
#include "support/sender_rig.h"
#include <check.h>
#include <stdio.h>

enum { ALLOCATIONS_MAX = 2000, SETTLE_US = 130 * RIG_S };

static struct sender_rig rig;

/* What happens before memory gets short, and while it is; what has to be true of the run in which no
 * allocation fails, so that the name is; and how many allocations fail in turn at least. */
struct scenario {
  const char *name;
  void (*arrange)(void);
  void (*act)(void);
  bool (*is_true)(const struct sender_counters *counters);
  uint32_t least;
  bool ends; /* the producer is closed when it has acted */
};

/* ---- steps ---- */

/* A record that may be refused, by a status that says why. */
static void offer(const char *topic, int32_t partition, size_t value_bytes) {
  struct topic *found;
  int32_t status = accumulator_topic(&rig.accumulator, bytes_of_string(topic), &rig.settings.topic, &found);
  if (status == STATUS_OK) status = sender_rig_try(&rig, topic, partition, "", value_bytes, NULL);
  if (status != STATUS_OK && status != STATUS_OUT_OF_MEMORY && status != STATUS_BUFFER_FULL)
    ck_abort_msg("a record is refused by %s", status_name(status));
}

static void offer_many(const char *topic, int32_t partitions, uint32_t count, size_t value_bytes) {
  for (uint32_t i = 0; i < count; i++)
    offer(topic, (int32_t)(i % (uint32_t)partitions), value_bytes);
}

/* The cluster finds the memory in the end: only one allocation fails. */
static void create_topic(const char *name, int32_t partitions) {
  while (broker_model_create_topic(rig.cluster.model, name, partitions) == STATUS_OUT_OF_MEMORY) {
  }
}

static void inject(struct broker_fault fault) {
  while (broker_model_inject(rig.cluster.model, &fault) == STATUS_OUT_OF_MEMORY) {
  }
}

/* ---- scenarios ---- */

static void arrange_first_metadata(void) {
  sender_rig_start(&rig, 1);
  create_topic("t", 2);
}

static void act_first_metadata(void) {
  offer_many("t", 2, 4, 100);
}

static void arrange_late_topic(void) {
  sender_rig_start(&rig, 1);
}

static void act_late_topic(void) {
  offer_many("t", 3, 24, 3000);
  sender_rig_run(&rig, 300 * RIG_MS);
  create_topic("t", 3);
  offer_many("t", 3, 24, 3000);
}

static void arrange_several_brokers(void) {
  sender_rig_start_warm(&rig, 3, 9);
  for (int32_t partition = 0; partition < 9; partition++)
    model_cluster_lead(&rig.cluster, "t", partition, partition % 3 + 1);
}

static void act_several_brokers(void) {
  offer_many("t", 9, 45, 200);
}

static void arrange_split(void) {
  rig.settings.topic.codec = COMPRESSION_ZSTD;
  rig.settings.topic.level = 3;
  sender_rig_start_warm(&rig, 1, 2);
  broker_model_set_message_max_bytes(rig.cluster.model, 300);
}

static void act_split(void) {
  offer_many("t", 2, 24, 200);
}

static void arrange_warm(void) {
  sender_rig_start_warm(&rig, 2, 3);
}

static void act_lost_connection(void) {
  inject((struct broker_fault){.api_key = API_PRODUCE, .partition = -1, .drop_response = true});
  offer_many("t", 3, 9, 200);
  sender_rig_run(&rig, 50 * RIG_MS);
  model_cluster_cut(&rig.cluster, 0);
  offer_many("t", 3, 9, 200);
}

static void act_leader_move(void) {
  offer_many("t", 3, 9, 200);
  for (int32_t partition = 0; partition < 3; partition++)
    model_cluster_lead(&rig.cluster, "t", partition, 2);
  offer_many("t", 3, 9, 200);
}

/* Three batches are written and not answered, and the broker starts again, which makes it recognise the last
 * one alone: the leader has to be asked what it has. Then the topic goes and comes again. */
static void act_resolution(void) {
  inject((struct broker_fault){
      .api_key = API_PRODUCE, .topic = "t", .partition = 0, .count = 3, .withhold_response = true});
  for (int i = 0; i < 3; i++) {
    offer("t", 0, 100);
    sender_rig_run(&rig, RIG_MS);
  }
  broker_model_reload(rig.cluster.model);
  model_cluster_cut(&rig.cluster, 0);
  sender_rig_run(&rig, 2 * RIG_S);
  rig.logs_may_be_gone = true;
  ck_assert_int_eq(broker_model_delete_topic(rig.cluster.model, "t"), STATUS_OK);
  create_topic("t", 3);
  offer_many("t", 3, 6, 200);
}

static void act_close(void) {
  offer_many("t", 3, 30, 2000);
  sender_rig_run(&rig, 200);
  sender_rig_abort(&rig);
}

/* ---- what they are named for ---- */

static bool anything(const struct sender_counters *counters) {
  return counters->batches_sent > 0;
}

static bool has_grown(const struct sender_counters *counters) {
  (void)counters;
  return sender_rig_log_count(&rig, "t", 0) > 8;
}

static bool has_spread(const struct sender_counters *counters) {
  return counters->connections_opened >= 3;
}

static bool has_split(const struct sender_counters *counters) {
  return counters->batches_split > 0;
}

static bool has_lost(const struct sender_counters *counters) {
  return counters->connections_lost > 0 && counters->batches_retried > 0;
}

static bool has_moved(const struct sender_counters *counters) {
  return counters->batches_retried > 0 && counters->connections_opened > 1;
}

static bool has_resolved(const struct sender_counters *counters) {
  return counters->out_of_order_answers > 0 && counters->outcomes_resolved > 0 &&
         broker_model_counters(rig.cluster.model)->requests[API_DESCRIBE_PRODUCERS] > 0;
}

static bool has_aborted(const struct sender_counters *counters) {
  (void)counters;
  return sender_rig_count(&rig, OUTCOME_UNKNOWN) + sender_rig_count(&rig, OUTCOME_NOT_DELIVERED) > 0;
}

static const struct scenario scenarios[] = {
    {"the first record and the first metadata", arrange_first_metadata, act_first_metadata, anything, 30,
     false},
    {"a topic that is known late, batches that grow", arrange_late_topic, act_late_topic, has_grown, 50,
     false},
    {"requests to several brokers", arrange_several_brokers, act_several_brokers, has_spread, 20, false},
    {"a batch that is too large is split", arrange_split, act_split, has_split, 10, false},
    {"a connection is lost, batches are sent again", arrange_warm, act_lost_connection, has_lost, 10, false},
    {"leaders move", arrange_warm, act_leader_move, has_moved, 6, false},
    {"an outcome is resolved, a topic is made again", arrange_warm, act_resolution, has_resolved, 15, false},
    {"close with records under way", arrange_warm, act_close, has_aborted, 4, true},
};
enum { SCENARIOS = sizeof scenarios / sizeof scenarios[0] };

/* ---- running them ---- */

static uint32_t count_wrong_reports(void) {
  uint32_t wrong = 0;
  for (uint32_t i = 0; i < rig.record_count; i++)
    if (rig.records[i].reports != 1) wrong++;
  return wrong;
}

/* There is memory again: the next record arrives. */
static void go_on(void) {
  uint32_t number = sender_rig_send(&rig, "t", 0, 100);
  ck_assert(sender_rig_settle(&rig, SETTLE_US));
  ck_assert_int_eq(sender_rig_outcome(&rig, number), OUTCOME_DELIVERED);
}

/* Whether an allocation failed. */
static bool run_once(const struct scenario *scenario, uint32_t index) {
  int64_t before = allocation_count_live();
  sender_rig_init(&rig);
  scenario->arrange();
  failing_allocator_start(index);
  scenario->act();
  bool settled = scenario->ends || sender_rig_settle(&rig, SETTLE_US);
  bool failed = failing_allocator_stop();
  ck_assert_msg(settled, "%s: not settled when allocation %u fails", scenario->name, index);
  if (!scenario->ends) go_on();
  ck_assert_uint_eq(count_wrong_reports(), 0);
  sender_rig_verify(&rig);
  ck_assert_msg(failed || scenario->is_true(&rig.sender->published), "%s: is not what happened",
                scenario->name);
  sender_rig_stop(&rig);
  int64_t left = allocation_count_live() - before;
  ck_assert_msg(left == 0, "%s: %d blocks are left when allocation %u fails", scenario->name, (int)left,
                index);
  return failed;
}

START_TEST(each_allocation_fails_in_turn) {
  const struct scenario *scenario = &scenarios[_i];
  uint32_t failures = 0;
  while (run_once(scenario, failures))
    ck_assert_uint_lt(++failures, ALLOCATIONS_MAX);
  printf("%s: %u allocations failed in turn\n", scenario->name, failures);
  ck_assert_uint_ge(failures, scenario->least);
}
END_TEST

/* The checks would see it: a report that is dropped, and a block that is kept. */
START_TEST(a_dropped_report_and_a_leak_are_noticed) {
  sender_rig_init(&rig);
  arrange_warm();
  act_leader_move();
  ck_assert(sender_rig_settle(&rig, SETTLE_US));
  ck_assert_uint_eq(count_wrong_reports(), 0);
  rig.records[5].reports--;
  ck_assert_uint_eq(count_wrong_reports(), 1);
  rig.records[5].reports++;
  int64_t before = allocation_count_live();
  struct topic *kept = sender_rig_topic(&rig, "kept");
  ck_assert_ptr_nonnull(kept);
  ck_assert_int_gt(allocation_count_live(), before);
  sender_rig_stop(&rig);
}
END_TEST

int main(void) {
  Suite *suite = suite_create("sender_allocation");
  TCase *test_case = tcase_create("scenarios");
  tcase_set_timeout(test_case, 60);
  tcase_add_loop_test(test_case, each_allocation_fails_in_turn, 0, SCENARIOS);
  tcase_add_test(test_case, a_dropped_report_and_a_leak_are_noticed);
  suite_add_tcase(suite, test_case);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_ENV);
  int failures = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failures != 0;
}
