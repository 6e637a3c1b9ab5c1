#include "sim/adversary.h"

#include "base/assertion.h"
#include "base/clock.h"
#include "base/status.h"
#include "protocol/api.h"
#include "sim/books.h"
#include "sim/realm.h"
#include "sim/simulation.h"
#include <stdio.h>

enum {
  MESSAGE_MAX_BYTES = 1048588, /* Kafka's default */
  CONNECTIONS_LOOKED_AT = 8,
};

/* What a fault does, and how often at medium strength. */
struct misdeed {
  void (*act)(struct simulation *simulation, struct random *random);
  int64_t every_us;
};

static void age_identity(struct simulation *simulation, struct sender_partition *partition);
static void inject(struct simulation *simulation, struct random *random, struct broker_fault fault);
static const char *draw_topic(const struct simulation *simulation, struct random *random);
static int32_t draw_node(const struct simulation *simulation, struct random *random);
static uint32_t draw_connection(const struct simulation *simulation, struct random *random);
static void lead(struct simulation *simulation, const char *topic, int32_t partition, int32_t node_id);
static int32_t lowest_epoch(const struct simulation *simulation);
static void listen_at(struct simulation *simulation, int32_t node_id, enum fake_listener_kind kind);
static void set_names(struct simulation *simulation);
static void note_earliest(struct adversary *adversary);
static void schedule(struct simulation *simulation, enum fault fault, int64_t every_us);

#define CODE(codes, random) ((codes)[random_below((random), sizeof(codes) / sizeof((codes)[0]))])

/* ---- the network ---- */

static void change_delays(struct simulation *simulation, struct random *random) {
  static const int64_t delays_us[] = {100, 100, 500, 2000, 20000, 150000, 1000000, 5000000};
  uint32_t strongest = 3 + simulation->scenario.strength[FAULT_DELAYS] / 20;
  simulation->cluster.request_delay_us = delays_us[random_below(random, strongest)];
  simulation->cluster.response_delay_us = delays_us[random_below(random, strongest)];
}

static void reset(struct simulation *simulation, struct random *random) {
  model_cluster_cut(&simulation->cluster, random_below(random, 4) == 0 ? 0 : draw_node(simulation, random));
  simulation->cluster.forgets_closed = random_below(random, 2) == 0;
}

static void open_half(struct simulation *simulation, struct random *random) {
  uint32_t connection = draw_connection(simulation, random);
  if (connection == 0) return;
  simulation->cluster.connections[connection].is_stalled = true;
  if (random_below(random, 2) == 0) fake_transport_set_write_budget(simulation->network, connection, 0);
}

static void cut(struct simulation *simulation, struct random *random) {
  uint32_t connection = draw_connection(simulation, random);
  if (connection == 0) return;
  size_t written = fake_transport_written(simulation->network, connection).size;
  size_t bytes = random_below(random, 3) == 0 ? random_below(random, 120) : random_below(random, 6000);
  fake_transport_reset_after(simulation->network, connection, written + 1 + bytes);
}

/* Where records are huge, single bytes would be all that a seed does. */
static void dribble(struct simulation *simulation, struct random *random) {
  static const size_t outs[] = {1, 16, 100, 300, 1000, SIZE_MAX}, ins[] = {1, 2, 3, 7, 40, SIZE_MAX};
  size_t least = scenario_has(&simulation->scenario, FAULT_HUGE_RECORDS) ? 3000 : 1;
  size_t out = CODE(outs, random), in = CODE(ins, random);
  if (out < least) out = least;
  uint32_t connection = random_below(random, 3) == 0 ? 0 : draw_connection(simulation, random);
  if (connection == 0 && out < 300) out = 300;
  fake_transport_set_chunks(simulation->network, connection, out, in);
}

static void write_slowly(struct simulation *simulation, struct random *random) {
  uint32_t connection = draw_connection(simulation, random);
  if (connection == 0) return;
  bool is_over = random_below(random, 3) == 0;
  fake_transport_set_write_budget(simulation->network, connection,
                                  is_over ? SIZE_MAX : random_below(random, 3000));
}

static void refuse_connects(struct simulation *simulation, struct random *random) {
  static const enum fake_listener_kind kinds[] = {FAKE_ACCEPTS, FAKE_ACCEPTS, FAKE_REFUSES,
                                                  FAKE_NEVER_ANSWERS, FAKE_FAILS_AT_ONCE};
  int32_t node_id = draw_node(simulation, random);
  enum fake_listener_kind kind = CODE(kinds, random);
  if (simulation->cluster.nodes[node_id].is_up) listen_at(simulation, node_id, kind);
  if (random_below(random, 2) == 0) model_cluster_cut(&simulation->cluster, node_id);
}

static void fail_names(struct simulation *simulation, struct random *random) {
  set_names(simulation);
  char name[24], address[24], answer[48];
  int32_t node_id = draw_node(simulation, random);
  snprintf(name, sizeof name, "broker-%d.sim", (int)node_id);
  snprintf(address, sizeof address, "10.0.0.%d", (int)node_id);
  int64_t delay_us = random_below(random, 2) == 0 ? 100 : random_below(random, 3 * SCENARIO_S);
  switch (random_below(random, 4)) {
  case 0: answer[0] = '\0'; break;
  case 1: snprintf(answer, sizeof answer, "10.9.9.9"); break; /* nobody lives there */
  case 2: snprintf(answer, sizeof answer, "10.9.9.9 %s", address); break;
  default: snprintf(answer, sizeof answer, "%s", address);
  }
  fake_transport_set_name(simulation->network, name, answer, delay_us);
  if (random_below(random, 2) == 0) model_cluster_cut(&simulation->cluster, node_id);
}

static void lose_requests(struct simulation *simulation, struct random *random) {
  inject(simulation, random, (struct broker_fault){.drop_request = true});
}

static void lose_responses(struct simulation *simulation, struct random *random) {
  inject(simulation, random, (struct broker_fault){.drop_response = true});
}

static void mute(struct simulation *simulation, struct random *random) {
  inject(simulation, random, (struct broker_fault){.withhold_response = true});
}

static void garble(struct simulation *simulation, struct random *random) {
  uint32_t kind = random_below(random, 4);
  inject(
      simulation, random,
      (struct broker_fault){.corruption = (enum broker_corruption)(BROKER_CORRUPTION_CORRELATION_ID + kind)});
}

/* ---- brokers ---- */

static void crash(struct simulation *simulation, struct random *random) {
  int32_t node_id = draw_node(simulation, random);
  struct model_cluster *cluster = &simulation->cluster;
  simulation_trace(simulation, "node %d %s", (int)node_id, cluster->nodes[node_id].is_up ? "dies" : "starts");
  if (!cluster->nodes[node_id].is_up) {
    model_cluster_start(cluster, node_id);
    return;
  }
  realm_kill(cluster, node_id);
  for (uint32_t t = 0; t < simulation->scenario.topic_count; t++)
    for (uint32_t p = 0; p < simulation->scenario.partition_count; p++)
      if (random_below(random, 3) != 0)
        lead(simulation, scenario_topics[t], (int32_t)p, draw_node(simulation, random));
}

static void pause(struct simulation *simulation, struct random *random) {
  int32_t node_id = draw_node(simulation, random);
  struct model_cluster *cluster = &simulation->cluster;
  if (cluster->nodes[node_id].is_up)
    model_cluster_freeze(cluster, node_id, !cluster->nodes[node_id].is_frozen);
}

static void move_leader(struct simulation *simulation, struct random *random) {
  const char *topic = draw_topic(simulation, random);
  int32_t partition = (int32_t)random_below(random, simulation->scenario.partition_count);
  lead(simulation, topic, partition, draw_node(simulation, random));
}

static void unseat_leader(struct simulation *simulation, struct random *random) {
  const char *topic = draw_topic(simulation, random);
  int32_t partition = (int32_t)random_below(random, simulation->scenario.partition_count);
  lead(simulation, topic, partition, random_below(random, 2) == 0 ? -1 : draw_node(simulation, random));
}

static void refuse_for_now(struct simulation *simulation, struct random *random) {
  static const int16_t codes[] = {
      STATUS_CORRUPT_MESSAGE,           STATUS_UNKNOWN_TOPIC_OR_PARTITION, STATUS_LEADER_NOT_AVAILABLE,
      STATUS_NOT_LEADER_OR_FOLLOWER,    STATUS_NOT_ENOUGH_REPLICAS,        STATUS_KAFKA_STORAGE_ERROR,
      STATUS_REQUEST_TIMED_OUT,         STATUS_FENCED_LEADER_EPOCH,        STATUS_UNKNOWN_TOPIC_ID,
      STATUS_THROTTLING_QUOTA_EXCEEDED, STATUS_REPLICA_NOT_AVAILABLE,      STATUS_CONCURRENT_TRANSACTIONS};
  struct broker_fault fault = {.error_code = CODE(codes, random)};
  /* A hint (KIP-951) may be old, but nobody tells of epochs that never were: clients believe the newest. */
  fault.leader_hint = random_below(random, 4) == 0;
  fault.leader_id = draw_node(simulation, random);
  fault.leader_epoch = lowest_epoch(simulation) - (int32_t)random_below(random, 2);
  inject(simulation, random, fault);
}

static void answer_ambiguously(struct simulation *simulation, struct random *random) {
  static const int16_t codes[] = {STATUS_REQUEST_TIMED_OUT, STATUS_NOT_ENOUGH_REPLICAS_AFTER_APPEND,
                                  STATUS_NOT_LEADER_OR_FOLLOWER, STATUS_UNKNOWN_TOPIC_OR_PARTITION,
                                  STATUS_KAFKA_STORAGE_ERROR};
  inject(
      simulation, random,
      (struct broker_fault){.error_code = CODE(codes, random), .after_append = random_below(random, 4) != 0});
}

static void refuse_for_good(struct simulation *simulation, struct random *random) {
  static const int16_t codes[] = {STATUS_INVALID_TOPIC_EXCEPTION,
                                  STATUS_RECORD_LIST_TOO_LARGE,
                                  STATUS_TOPIC_AUTHORIZATION_FAILED,
                                  STATUS_CLUSTER_AUTHORIZATION_FAILED,
                                  STATUS_INVALID_TIMESTAMP,
                                  STATUS_UNSUPPORTED_FOR_MESSAGE_FORMAT,
                                  STATUS_INVALID_REQUIRED_ACKS,
                                  STATUS_POLICY_VIOLATION,
                                  STATUS_INVALID_RECORD,
                                  STATUS_UNSUPPORTED_COMPRESSION_TYPE,
                                  STATUS_UNKNOWN_SERVER_ERROR,
                                  STATUS_INVALID_REQUEST};
  inject(simulation, random, (struct broker_fault){.error_code = CODE(codes, random)});
}

/* 46 is told of what was appended just now: a broker that says so of what it does not have, or has not
 * committed, cannot be believed in anything. */
static void lie_about_sequences(struct simulation *simulation, struct random *random) {
  switch (random_below(random, simulation->cluster.replication == NULL ? 3 : 2)) {
  case 0:
    inject(simulation, random, (struct broker_fault){.error_code = STATUS_OUT_OF_ORDER_SEQUENCE_NUMBER});
    break;
  case 1: inject(simulation, random, (struct broker_fault){.error_code = STATUS_UNKNOWN_PRODUCER_ID}); break;
  default:
    inject(simulation, random,
           (struct broker_fault){.error_code = STATUS_DUPLICATE_SEQUENCE_NUMBER, .after_append = true});
  }
}

static void fence(struct simulation *simulation, struct random *random) {
  static const int16_t codes[] = {STATUS_INVALID_PRODUCER_EPOCH, STATUS_PRODUCER_FENCED};
  inject(simulation, random, (struct broker_fault){.error_code = CODE(codes, random)});
}

static void refuse_records(struct simulation *simulation, struct random *random) {
  realm_refuse_values(&simulation->cluster, random_below(random, 3) == 0 ? NULL : "bad");
}

static void limit_messages(struct simulation *simulation, struct random *random) {
  size_t bytes = random_below(random, 4) == 0 ? MESSAGE_MAX_BYTES : 300 + random_below(random, 5000);
  realm_limit_messages(&simulation->cluster, bytes);
}

static void throttle(struct simulation *simulation, struct random *random) {
  inject(simulation, random, (struct broker_fault){.throttle_ms = 1 + (int32_t)random_below(random, 800)});
}

static void disturb_metadata(struct simulation *simulation, struct random *random) {
  static const int16_t codes[] = {STATUS_LEADER_NOT_AVAILABLE,    STATUS_UNKNOWN_TOPIC_OR_PARTITION,
                                  STATUS_UNKNOWN_SERVER_ERROR,    STATUS_TOPIC_AUTHORIZATION_FAILED,
                                  STATUS_INVALID_TOPIC_EXCEPTION, STATUS_REBOOTSTRAP_REQUIRED};
  struct broker_fault fault = {
      .api_key = API_METADATA, .partition = -1, .count = 1 + random_below(random, 2)};
  switch (random_below(random, 5)) {
  case 0: fault.drop_response = true; break;
  case 1: fault.withhold_response = true; break;
  case 2:
    fault.corruption = (enum broker_corruption)(BROKER_CORRUPTION_CORRELATION_ID + random_below(random, 4));
    break;
  default: fault.error_code = CODE(codes, random);
  }
  realm_inject(&simulation->cluster, &fault);
}

static void disturb_identities(struct simulation *simulation, struct random *random) {
  static const int16_t codes[] = {
      STATUS_COORDINATOR_LOAD_IN_PROGRESS, STATUS_COORDINATOR_NOT_AVAILABLE,    STATUS_NOT_COORDINATOR,
      STATUS_CONCURRENT_TRANSACTIONS,      STATUS_CLUSTER_AUTHORIZATION_FAILED, STATUS_UNKNOWN_SERVER_ERROR};
  struct broker_fault fault = {
      .api_key = API_INIT_PRODUCER_ID, .partition = -1, .count = 1 + random_below(random, 3)};
  switch (random_below(random, 4)) {
  case 0: fault.drop_response = true; break;
  case 1: fault.withhold_response = true; break;
  default: fault.error_code = CODE(codes, random);
  }
  realm_inject(&simulation->cluster, &fault);
}

static void recreate_topic(struct simulation *simulation, struct random *random) {
  uint32_t topic = random_below(random, simulation->scenario.topic_count);
  const char *name = scenario_topics[topic];
  if (realm_partition_count(&simulation->cluster, name) > 0) {
    simulation_archive(simulation, topic);
    realm_delete_topic(&simulation->cluster, name);
    if (random_below(random, 2) == 0) return; /* until the next time */
  }
  /* Half of the times with fewer partitions than it had. */
  int32_t most = simulation->adversary.partition_count[topic];
  int32_t count = random_below(random, 2) == 0 ? most : 1 + (int32_t)random_below(random, (uint32_t)most);
  realm_create_topic(&simulation->cluster, name, count);
  simulation_trace(simulation, "topic %s is made again with %d partitions", name, (int)count);
}

static void add_partition(struct simulation *simulation, struct random *random) {
  uint32_t number = random_below(random, simulation->scenario.topic_count);
  const char *name = scenario_topics[number];
  int32_t count = realm_partition_count(&simulation->cluster, name);
  if (count == 0 || count >= SCENARIO_PARTITIONS_MAX - 1) return;
  realm_add_partition(&simulation->cluster, name);
  int32_t *most = &simulation->adversary.partition_count[number];
  if (*most < count + 1) *most = count + 1;
  lead(simulation, name, count, draw_node(simulation, random));
}

static void make_late_topic(struct simulation *simulation, struct random *random) {
  const char *name = scenario_topics[SCENARIO_TOPICS_MAX];
  if (random_below(random, 3) != 0 || realm_partition_count(&simulation->cluster, name) > 0) return;
  realm_create_topic(&simulation->cluster, name, (int32_t)simulation->scenario.partition_count);
}

/* It goes on as leader of what it led, as far as it knows. */
static void isolate(struct simulation *simulation, struct random *random) {
  int32_t node_id = draw_node(simulation, random);
  struct model_cluster *cluster = &simulation->cluster;
  if (cluster->replication == NULL || !cluster->nodes[node_id].is_up) return;
  model_cluster_isolate(cluster, node_id, !cluster->nodes[node_id].is_isolated);
}

/* A node hears nothing of the others until it is behind, and leads what it can when it is back. */
static void elect_unclean(struct simulation *simulation, struct random *random) {
  struct model_cluster *cluster = &simulation->cluster;
  struct adversary *adversary = &simulation->adversary;
  if (cluster->replication == NULL) return;
  int32_t node_id = adversary->lagging_node;
  if (node_id == 0) {
    node_id = draw_node(simulation, random);
    if (!cluster->nodes[node_id].is_up) return;
    model_cluster_isolate(cluster, node_id, true);
    adversary->lagging_node = node_id;
    return;
  }
  adversary->lagging_node = 0;
  if (!cluster->nodes[node_id].is_up || cluster->nodes[node_id].is_frozen) return;
  model_cluster_isolate(cluster, node_id, false);
  for (uint32_t t = 0; t < simulation->scenario.topic_count; t++)
    for (int32_t p = 0; p < realm_partition_count(cluster, scenario_topics[t]); p++)
      if (random_below(random, 2) == 0) books_cut_log(simulation, t, p, node_id);
}

/* ---- this machine ---- */

static void step_wall_clock(struct simulation *simulation, struct random *random) {
  /* Brokers forget producers by the records' timestamps. A step as long as they remember makes them forget at
   * once, which nobody can help: steps stay below that. */
  uint32_t largest_ms = scenario_has(&simulation->scenario, FAULT_LONG_SILENCES) ? 60 * 1000 : 50 * 60 * 1000;
  simulation->application.wall_offset_ms = (int64_t)random_below(random, largest_ms) - largest_ms / 2;
}

static const struct misdeed misdeeds[FAULT_COUNT] = {
    [FAULT_DELAYS] = {change_delays, 300 * SCENARIO_MS},
    [FAULT_RESETS] = {reset, 700 * SCENARIO_MS},
    [FAULT_HALF_OPEN] = {open_half, SCENARIO_S},
    [FAULT_CUTS] = {cut, 300 * SCENARIO_MS},
    [FAULT_DRIBBLE] = {dribble, 200 * SCENARIO_MS},
    [FAULT_SLOW_WRITES] = {write_slowly, 300 * SCENARIO_MS},
    [FAULT_REFUSED_CONNECTS] = {refuse_connects, 800 * SCENARIO_MS},
    [FAULT_NAME_FAILURES] = {fail_names, 800 * SCENARIO_MS},
    [FAULT_LOST_REQUESTS] = {lose_requests, 400 * SCENARIO_MS},
    [FAULT_LOST_RESPONSES] = {lose_responses, 300 * SCENARIO_MS},
    [FAULT_MUTE] = {mute, 1500 * SCENARIO_MS},
    [FAULT_GARBAGE] = {garble, 600 * SCENARIO_MS},
    [FAULT_ISOLATION] = {isolate, SCENARIO_S},
    [FAULT_CRASHES] = {crash, 900 * SCENARIO_MS},
    [FAULT_PAUSES] = {pause, 700 * SCENARIO_MS},
    [FAULT_LEADER_MOVES] = {move_leader, 250 * SCENARIO_MS},
    [FAULT_LEADERLESS] = {unseat_leader, 400 * SCENARIO_MS},
    [FAULT_RETRIABLE_ERRORS] = {refuse_for_now, 200 * SCENARIO_MS},
    [FAULT_AMBIGUOUS_ERRORS] = {answer_ambiguously, 250 * SCENARIO_MS},
    [FAULT_FATAL_ERRORS] = {refuse_for_good, 500 * SCENARIO_MS},
    [FAULT_SEQUENCE_LIES] = {lie_about_sequences, 500 * SCENARIO_MS},
    [FAULT_FENCING] = {fence, 900 * SCENARIO_MS},
    [FAULT_BAD_RECORDS] = {refuse_records, 500 * SCENARIO_MS},
    [FAULT_SMALL_MESSAGES] = {limit_messages, 600 * SCENARIO_MS},
    [FAULT_THROTTLING] = {throttle, 400 * SCENARIO_MS},
    [FAULT_METADATA_ERRORS] = {disturb_metadata, 500 * SCENARIO_MS},
    [FAULT_IDENTITY_ERRORS] = {disturb_identities, 500 * SCENARIO_MS},
    [FAULT_RECREATED_TOPICS] = {recreate_topic, 1500 * SCENARIO_MS},
    [FAULT_ADDED_PARTITIONS] = {add_partition, SCENARIO_S},
    [FAULT_LATE_TOPIC] = {make_late_topic, SCENARIO_S},
    [FAULT_UNCLEAN] = {elect_unclean, SCENARIO_S},
    [FAULT_WALL_CLOCK_STEPS] = {step_wall_clock, 500 * SCENARIO_MS},
};

void adversary_init(struct simulation *simulation) {
  struct adversary *adversary = &simulation->adversary;
  for (uint32_t t = 0; t < SCENARIO_TOPICS_MAX; t++)
    adversary->partition_count[t] = (int32_t)simulation->scenario.partition_count;
  for (int i = 0; i < FAULT_COUNT; i++) {
    enum fault fault = (enum fault)i;
    adversary->random[fault] = scenario_stream(&simulation->scenario, fault, 7);
    adversary->next_us[fault] = CLOCK_NEVER_US;
    if (misdeeds[fault].act == NULL || !scenario_has(&simulation->scenario, fault)) continue;
    schedule(simulation, fault, misdeeds[fault].every_us);
    /* What is done but once, at the beginning, has to meet faults as well. */
    if (scenario_pick(&simulation->scenario, fault, 6, 3) == 0)
      adversary->next_us[fault] = simulation_now_us(simulation);
  }
  note_earliest(adversary);
}

bool adversary_act(struct simulation *simulation) {
  struct adversary *adversary = &simulation->adversary;
  int64_t now_us = simulation_now_us(simulation);
  bool acted = false;
  if (now_us < adversary->earliest_us) return false;
  for (int i = 0; i < FAULT_COUNT; i++) {
    enum fault fault = (enum fault)i;
    if (now_us < adversary->next_us[fault]) continue;
    misdeeds[fault].act(simulation, &adversary->random[fault]);
    schedule(simulation, fault, misdeeds[fault].every_us);
    acted = true;
  }
  note_earliest(adversary);
  return acted;
}

int64_t adversary_next_us(const struct simulation *simulation) {
  return simulation->adversary.earliest_us;
}

void adversary_postpone(struct simulation *simulation, int64_t duration_us) {
  for (int i = 0; i < FAULT_COUNT; i++)
    if (simulation->adversary.next_us[i] != CLOCK_NEVER_US) simulation->adversary.next_us[i] += duration_us;
  /* Connects that are refused, and single bytes, would be many in so long a time. */
  model_cluster_heal(&simulation->cluster);
  set_names(simulation);
  for (int32_t id = 1; id <= (int32_t)simulation->cluster.node_count; id++)
    listen_at(simulation, id, FAKE_ACCEPTS);
  for (uint32_t i = 0; i <= fake_transport_connection_count(simulation->network); i++)
    fake_transport_set_chunks(simulation->network, i, SIZE_MAX, SIZE_MAX);
  note_earliest(&simulation->adversary);
}

/* The sender takes an identity for a partition and uses it under one hold of the lock, which begins here.
 * What it has not seen yet is taken for it, as old as seeds want it. */
void adversary_age_identities(struct simulation *simulation) {
  const struct scenario *scenario = &simulation->scenario;
  bool ages_sequences = scenario_has(scenario, FAULT_LATE_SEQUENCES);
  bool ages_epochs = scenario_has(scenario, FAULT_LATE_EPOCHS);
  if (!ages_sequences && !ages_epochs) return;
  const struct topic_registry *registry = &simulation->accumulator.registry;
  for (uint32_t t = 0; t < registry->count; t++)
    for (int32_t p = 0; p < registry->topics[t]->partition_capacity; p++) {
      const struct partition *queue = registry->topics[t]->partitions[p];
      if (queue == NULL || queue->sender->queue == NULL) continue;
      age_identity(simulation, queue->sender);
    }
}

void adversary_heal(struct simulation *simulation) {
  struct model_cluster *cluster = &simulation->cluster;
  const struct scenario *scenario = &simulation->scenario;
  for (int i = 0; i < FAULT_COUNT; i++)
    simulation->adversary.next_us[i] = CLOCK_NEVER_US;
  note_earliest(&simulation->adversary);
  model_cluster_clear_faults(cluster);
  realm_refuse_values(cluster, NULL);
  realm_limit_messages(cluster, MESSAGE_MAX_BYTES);
  model_cluster_heal(cluster);
  cluster->request_delay_us = cluster->response_delay_us = 500;
  fake_transport_set_chunks(simulation->network, 0, SIZE_MAX, SIZE_MAX);
  set_names(simulation);
  for (int32_t id = 1; id <= (int32_t)cluster->node_count; id++) {
    listen_at(simulation, id, FAKE_ACCEPTS);
    uint32_t open[CONNECTIONS_LOOKED_AT];
    uint32_t count = model_cluster_open(cluster, id, open, CONNECTIONS_LOOKED_AT);
    for (uint32_t i = 0; i < count; i++) {
      fake_transport_set_write_budget(simulation->network, open[i], SIZE_MAX);
      fake_transport_set_chunks(simulation->network, open[i], SIZE_MAX, SIZE_MAX);
      fake_transport_reset_after(simulation->network, open[i], SIZE_MAX);
    }
  }
  for (uint32_t t = 0; t < scenario->topic_count; t++) {
    int32_t wanted = simulation->adversary.partition_count[t];
    if (realm_partition_count(cluster, scenario_topics[t]) == 0)
      realm_create_topic(cluster, scenario_topics[t], wanted);
    while (realm_partition_count(cluster, scenario_topics[t]) < wanted)
      realm_add_partition(cluster, scenario_topics[t]);
    for (int32_t p = 0; p < SCENARIO_PARTITIONS_MAX; p++)
      lead(simulation, scenario_topics[t], p, 1 + p % (int32_t)cluster->node_count);
  }
}

void adversary_end_half_open(struct simulation *simulation) {
  for (uint32_t i = 1; i <= fake_transport_connection_count(simulation->network); i++)
    if (simulation->cluster.connections[i].is_stalled && fake_transport_is_open(simulation->network, i))
      fake_transport_break(simulation->network, i);
}

/* Of a partition that has sent nothing under any identity. */
static void age_identity(struct simulation *simulation, struct sender_partition *partition) {
  const struct scenario *scenario = &simulation->scenario;
  const struct producer_identity *identity = &simulation->sender->identity;
  const struct ledger_partition *booked =
      &simulation->ledger.partitions[partition->queue->topic->id][partition->queue->index];
  bool is_due = partition->producer_id < 0 && partition->spent_producer_id < 0 && partition->sent_count == 0;
  if (!is_due || booked->begun || identity->state != PRODUCER_IDENTITY_READY) return;
  int16_t epoch = identity->producer_epoch;
  if (scenario_has(scenario, FAULT_LATE_EPOCHS))
    epoch = (int16_t)(INT16_MAX - (int32_t)scenario_pick(scenario, FAULT_LATE_EPOCHS, 1, 3));
  sender_partition_adopt_identity(partition, identity->producer_id, epoch);
  if (scenario_has(scenario, FAULT_LATE_SEQUENCES))
    partition->next_sequence = INT32_MAX - (int32_t)scenario_pick(scenario, FAULT_LATE_SEQUENCES, 1, 60);
}

static void inject(struct simulation *simulation, struct random *random, struct broker_fault fault) {
  fault.api_key = API_PRODUCE;
  fault.partition =
      random_below(random, 2) == 0 ? -1 : (int32_t)random_below(random, simulation->scenario.partition_count);
  fault.topic = fault.partition < 0 || random_below(random, 2) == 0 ? NULL : draw_topic(simulation, random);
  fault.skip = random_below(random, 3);
  fault.count = 1 + random_below(random, 4);
  realm_inject(&simulation->cluster, &fault);
}

static const char *draw_topic(const struct simulation *simulation, struct random *random) {
  return scenario_topics[random_below(random, simulation->scenario.topic_count)];
}

static int32_t draw_node(const struct simulation *simulation, struct random *random) {
  return 1 + (int32_t)random_below(random, simulation->cluster.node_count);
}

/* 0: there is none. */
static uint32_t draw_connection(const struct simulation *simulation, struct random *random) {
  uint32_t open[CONNECTIONS_LOOKED_AT];
  int32_t node_id = draw_node(simulation, random);
  return model_cluster_open(&simulation->cluster, node_id, open, CONNECTIONS_LOOKED_AT) == 0 ? 0 : open[0];
}

static void lead(struct simulation *simulation, const char *topic, int32_t partition, int32_t node_id) {
  simulation_trace(simulation, "node %d shall lead %s-%d", (int)node_id, topic, (int)partition);
  realm_lead(&simulation->cluster, topic, partition, node_id);
}

/* Of all partitions that there are, or may come to be. */
static int32_t lowest_epoch(const struct simulation *simulation) {
  static const enum fault makers[] = {FAULT_LATE_TOPIC, FAULT_RECREATED_TOPICS, FAULT_ADDED_PARTITIONS};
  for (size_t i = 0; i < sizeof makers / sizeof makers[0]; i++)
    if (scenario_has(&simulation->scenario, makers[i])) return 0;
  return realm_lowest_epoch(&simulation->cluster);
}

static void listen_at(struct simulation *simulation, int32_t node_id, enum fake_listener_kind kind) {
  char host[24];
  snprintf(host, sizeof host, "10.0.0.%d", (int)node_id);
  fake_transport_listen(simulation->network, host, CLUSTER_PORT, kind, 200);
}

static void set_names(struct simulation *simulation) {
  for (int32_t id = 1; id <= (int32_t)simulation->cluster.node_count; id++) {
    char name[24], address[24];
    snprintf(name, sizeof name, "broker-%d.sim", (int)id);
    snprintf(address, sizeof address, "10.0.0.%d", (int)id);
    fake_transport_set_name(simulation->network, name, address, 100);
  }
}

static void note_earliest(struct adversary *adversary) {
  adversary->earliest_us = CLOCK_NEVER_US;
  for (int i = 0; i < FAULT_COUNT; i++)
    if (adversary->next_us[i] < adversary->earliest_us) adversary->earliest_us = adversary->next_us[i];
}

/* At strength 50 every every_us on average, at 100 twice as often, at 1 hardly ever. */
static void schedule(struct simulation *simulation, enum fault fault, int64_t every_us) {
  int64_t mean_us = every_us * 50 / simulation->scenario.strength[fault];
  int64_t limit_us = 2 * mean_us < INT32_MAX ? 2 * mean_us : INT32_MAX;
  simulation->adversary.next_us[fault] =
      simulation_now_us(simulation) + 1 +
      random_below(&simulation->adversary.random[fault], (uint32_t)limit_us);
}
