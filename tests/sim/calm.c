#include "sim/calm.h"

#include "base/status.h"
#include "protocol/api.h"
#include "sim/invariants.h"
#include "sim/realm.h"
#include "sim/simulation.h"

enum {
  LOAD_ROUNDS = 40,
  MOVES = 3,
  PAUSE_US = 2 * SCENARIO_S, /* metadata may be asked for again at once */
  LATE = SCENARIO_TOPICS_MAX,
  ACQUAINTANCE_US = 5 * SCENARIO_S,
  LOAD_US = 20 * SCENARIO_S,
  PROMPT_US = 60 * SCENARIO_MS, /* below any backoff */
};

static bool is_prompt(const struct simulation *simulation);
static void meet_all(struct simulation *simulation);
static void send_much(struct simulation *simulation, struct random *random);
static void meet_nodes(struct simulation *simulation);
static void move_leaders(struct simulation *simulation, struct random *random);
static void meet_newcomer(struct simulation *simulation);
static void send(struct simulation *simulation, uint32_t topic, int32_t partition, size_t value_bytes);
static void expect_outcomes(struct simulation *simulation, uint32_t first, int64_t within_us);
static void expect_deliveries(struct simulation *simulation, uint32_t first, int64_t within_us);
static void expect_delivery(struct simulation *simulation, uint32_t number);
static bool is_well(const struct simulation *simulation);

void calm_run(struct simulation *simulation) {
  struct random random;
  random_seed(&random, simulation->scenario.seed ^ 0xca1a);
  simulation_trace(simulation, "calm");
  simulation->ledger.calm_us = simulation_now_us(simulation);
  adversary_end_half_open(simulation);
  meet_all(simulation);
  send_much(simulation, &random);
  if (is_prompt(simulation)) {
    meet_nodes(simulation);
    move_leaders(simulation, &random);
    meet_newcomer(simulation);
  }
}

/* Views lag where brokers replicate; where retries are few each of them counts; and who wants no answers
 * learns little. */
static bool is_prompt(const struct simulation *simulation) {
  const struct ledger_rules *rules = &simulation->ledger.rules;
  return !scenario_has(&simulation->scenario, FAULT_REPLICATION) && !rules->retries_end && rules->acks != 0;
}

/* Leaders that have moved meanwhile, topics that were made again and connections that are open on one side
 * only are found out: the first record may have any outcome. The second one has to be delivered. */
static void meet_all(struct simulation *simulation) {
  enum { ROUNDS = 2 };
  for (int round = 0; round < ROUNDS && is_well(simulation); round++) {
    uint32_t first = simulation->ledger.record_count;
    for (uint32_t t = 0; t < simulation->scenario.topic_count; t++)
      for (uint32_t p = 0; p < simulation->scenario.partition_count; p++)
        send(simulation, t, (int32_t)p, 20);
    if (round > 0) {
      expect_deliveries(simulation, first, ACQUAINTANCE_US);
    } else {
      expect_outcomes(simulation, first, simulation_liveness_us(simulation));
      if (simulation->ledger.rules.acks == 0) /* it was handed over: what that has met shows later */
        simulation_run_until(simulation, simulation_now_us(simulation) + PAUSE_US);
    }
  }
}

/* Some get most of it, so that there is always more for them. */
static void send_much(struct simulation *simulation, struct random *random) {
  const struct scenario *scenario = &simulation->scenario;
  uint32_t first = simulation->ledger.record_count;
  if (!is_well(simulation)) return;
  simulation->ledger.is_calm = simulation->ledger.rules.acks != 0;
  for (uint32_t round = 0; round < LOAD_ROUNDS && is_well(simulation); round++) {
    for (uint32_t count = 2 + random_below(random, 11); count > 0; count--) {
      uint32_t topic = random_below(random, scenario->topic_count);
      uint32_t partition = random_below(random, scenario->partition_count);
      if (random_below(random, 4) != 0) topic = partition = 0;
      send(simulation, topic, (int32_t)partition, 30 + random_below(random, 1500));
    }
    simulation_run_until(simulation, simulation_now_us(simulation) + 200 + random_below(random, 1500));
  }
  if (simulation->ledger.rules.delivery_timeout_us < LOAD_US)
    expect_outcomes(simulation, first, LOAD_US); /* it may be more than can be sent in that time */
  else
    expect_deliveries(simulation, first, LOAD_US);
  simulation->ledger.is_calm = false;
}

/* Names that failed, and connections that did not come about, may be remembered of each. */
static void meet_nodes(struct simulation *simulation) {
  for (int32_t id = 1; id <= (int32_t)simulation->cluster.node_count && is_well(simulation); id++) {
    uint32_t first = simulation->ledger.record_count;
    realm_lead(&simulation->cluster, scenario_topics[0], 0, id);
    simulation_run_until(simulation, simulation_now_us(simulation) + PAUSE_US);
    send(simulation, 0, 0, 100);
    expect_deliveries(simulation, first, ACQUAINTANCE_US);
  }
  simulation_run_until(simulation, simulation_now_us(simulation) + PAUSE_US);
}

/* The old leader names the new one (KIP-951), or metadata does. */
static void move_leaders(struct simulation *simulation, struct random *random) {
  const struct scenario *scenario = &simulation->scenario;
  uint32_t node_count = simulation->cluster.node_count;
  if (node_count < 2) return;
  for (uint32_t move = 0; move < MOVES && is_well(simulation); move++) {
    uint32_t topic = random_below(random, scenario->topic_count), first = simulation->ledger.record_count;
    int32_t partition = (int32_t)random_below(random, scenario->partition_count);
    int32_t leader_id = realm_leader(&simulation->cluster, scenario_topics[topic], partition);
    realm_lead(&simulation->cluster, scenario_topics[topic], partition,
               1 + (leader_id + (int32_t)random_below(random, node_count - 1)) % (int32_t)node_count);
    if (random_below(random, 2) == 0)
      realm_inject(&simulation->cluster, &(struct broker_fault){.api_key = API_PRODUCE,
                                                                .partition = -1,
                                                                .count = 1,
                                                                .error_code = STATUS_NOT_LEADER_OR_FOLLOWER});
    send(simulation, topic, partition, 100);
    expect_deliveries(simulation, first, PROMPT_US);
    simulation_run_until(simulation, simulation_now_us(simulation) + PAUSE_US);
  }
}

/* A topic that nobody has sent to, when nothing else goes on. */
static void meet_newcomer(struct simulation *simulation) {
  uint32_t first = simulation->ledger.record_count;
  const char *name = scenario_topics[LATE];
  if (!is_well(simulation) || simulation->ledger.first_accepted_us[LATE] != 0) return;
  if (realm_partition_count(&simulation->cluster, name) == 0)
    realm_create_topic(&simulation->cluster, name, (int32_t)simulation->scenario.partition_count);
  for (uint32_t p = 0; p < simulation->scenario.partition_count; p++)
    realm_lead(&simulation->cluster, name, (int32_t)p, 1);
  send(simulation, LATE, LEDGER_NONE, 100);
  expect_deliveries(simulation, first, PROMPT_US);
}

static void send(struct simulation *simulation, uint32_t topic, int32_t partition, size_t value_bytes) {
  const struct application_send sent = {.topic = topic, .partition = partition, .value_bytes = value_bytes};
  (void)application_send(simulation, &sent); /* there may be no memory left */
}

/* Of all records from `first` on. */
static void expect_outcomes(struct simulation *simulation, uint32_t first, int64_t within_us) {
  struct ledger *ledger = &simulation->ledger;
  int64_t end_us = simulation_now_us(simulation) + simulation->linger_us + within_us;
  while (is_well(simulation) && ledger->first_unsettled < ledger->record_count &&
         simulation_now_us(simulation) < end_us)
    simulation_run_until(simulation, simulation_now_us(simulation) + SCENARIO_MS);
  for (uint32_t i = first; i < ledger->record_count && is_well(simulation); i++)
    if (!ledger->records[i].settled)
      ledger_refute(ledger, "I11 waits_end", "record %u has no outcome %lld us after it was sent in calm", i,
                    (long long)within_us);
}

static void expect_deliveries(struct simulation *simulation, uint32_t first, int64_t within_us) {
  expect_outcomes(simulation, first, within_us);
  if (simulation->ledger.rules.retries_end) return; /* what has changed is found out by failures */
  for (uint32_t i = first; i < simulation->ledger.record_count && is_well(simulation); i++)
    expect_delivery(simulation, i);
}

static void expect_delivery(struct simulation *simulation, uint32_t number) {
  struct ledger *ledger = &simulation->ledger;
  const struct ledger_record *record = &ledger->records[number];
  bool is_delivered = record->report.outcome == OUTCOME_DELIVERED ||
                      (ledger->rules.acks == 0 && record->report.status == STATUS_NO_ACKNOWLEDGEMENT);
  if (!is_delivered)
    ledger_refute(ledger, "I7 outcomes_have_their_causes",
                  "record %u is sent in calm and is not delivered (%d, %s)", number, record->report.outcome,
                  status_name(record->report.status));
}

static bool is_well(const struct simulation *simulation) {
  return !simulation->ledger.violation.found && simulation->phase == PHASE_HEALED;
}
