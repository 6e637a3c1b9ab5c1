#include "support/sender_rig.h"

#include "accumulator/accumulator_check.h"
#include "base/assertion.h"
#include "base/clock.h"
#include "base/status.h"
#include <check.h>
#include <stdio.h>
#include <stdlib.h>

enum {
  VALUE_MAXIMUM_BYTES = 600000,
  POISON = 0xdb,
  BOOTSTRAP_MAX = 8,
};

/* What verify knows while it walks one partition's log. */
struct walk {
  struct sender_rig *rig;
  uint32_t topic;
  int32_t partition;
  int64_t last_number;
  uint8_t *times; /* by record number, in all logs */
};

static void enter_gate(void *context);
static void leave_gate(void *context);
static void on_settled(void *context, struct batch *batch);
static void on_throttled(void *context, int32_t broker, int32_t throttle_ms);
static void on_connection(void *context, int32_t node_id, int32_t status, const char *text);
static void take_line(void *context, int32_t level, const char *line);
static void create_client(struct sender_rig *rig);
static void turn(struct sender_rig *rig, int64_t end_us);
static void take_reports(struct sender_rig *rig, struct batch *batch);
static void note_delivered(struct sender_rig *rig, const struct report *report);
static void release(struct sender_rig *rig, struct batch *batch);
static size_t write_value(char *to, const char *prefix, uint32_t number, const char *topic, size_t size);
static void verify_log(struct walk *walk, const char *topic, int32_t partition);
static bool visit(void *context, int64_t offset, int64_t timestamp_ms, const struct record_view *record);
static void verify_report(const struct walk *walk, uint32_t number);
static void refute(const struct sender_rig *rig, uint32_t number, const char *what);

/* ---- life ---- */

void sender_rig_init(struct sender_rig *rig) {
  *rig = (struct sender_rig){.seed = rig->seed,
                             .log = {.level = getenv("RIG_LOG") != NULL ? LOG_LEVEL_DEBUG : LOG_LEVEL_WARNING,
                                     .sink = take_line,
                                     .context = rig}};
  rig->settings = (struct sender_rig_settings){
      .accumulator = {.buffer_bytes = 1 << 20,
                      .partition_bytes = 1 << 20,
                      .batch_bytes = 16384,
                      .batch_records = 1000,
                      .max_request_bytes = 1 << 20,
                      .partitioner = {.sticky_bytes = 16384},
                      .seed = 1},
      .network = {.client_id = bytes_of_string("rig"),
                  .software_name = bytes_of_string("rig"),
                  .software_version = bytes_of_string("1"),
                  .request_timeout_us = 30 * RIG_S,
                  .connection_setup_timeout_us = 10 * RIG_S,
                  .connection_setup_timeout_max_us = 30 * RIG_S,
                  .reconnect_backoff_us = 50 * RIG_MS,
                  .reconnect_backoff_max_us = RIG_S,
                  .connections_max_idle_us = 540 * (int64_t)RIG_S,
                  .receive_message_max_bytes = 10000000,
                  .seed = 2},
      .sender = {.client_id = bytes_of_string("rig"),
                 .idempotent = true,
                 .max_in_flight = 5,
                 .retries = INT32_MAX,
                 .max_request_bytes = 1 << 20,
                 .request_timeout_us = 30 * RIG_S,
                 .retry_backoff_us = 100 * RIG_MS,
                 .retry_backoff_max_us = RIG_S,
                 .cluster = {.max_age_us = 300 * (int64_t)RIG_S,
                             .max_idle_us = 300 * (int64_t)RIG_S,
                             .propagation_max_us = 60 * RIG_S,
                             .rebootstrap_trigger_us = 300 * (int64_t)RIG_S,
                             .rebootstrap = true},
                 .compresses = true,
                 .scratch_bytes = 1 << 20,
                 .seed = 3},
      .topic = {.acks = -1, .delivery_timeout_us = 120 * RIG_S},
      .bootstrap = "10.0.0.1",
  };
  list_init(&rig->held);
}

void sender_rig_start(struct sender_rig *rig, uint32_t node_count) {
  int64_t now_us = 1000 * (int64_t)RIG_S;
  rig->records = calloc(RIG_RECORDS_MAX, sizeof *rig->records);
  ASSERT(rig->records != NULL);
  if (rig->cluster.transport == NULL) model_cluster_init(&rig->cluster, NULL, node_count, now_us);
  rig->transport = rig->cluster.transport;
  struct accumulator_settings *accumulator = &rig->settings.accumulator;
  accumulator->sender_topic_bytes = sizeof(struct sender_topic);
  accumulator->sender_partition_bytes = sizeof(struct sender_partition);
  ck_assert_int_eq(accumulator_init(&rig->accumulator, accumulator), STATUS_OK);
  create_client(rig);
  struct sender_settings *settings = &rig->settings.sender;
  settings->log = &rig->log;
  struct sender_listener listener = {.context = rig, .on_settled = on_settled, .on_throttled = on_throttled};
  struct gate gate = {.enter = enter_gate, .leave = leave_gate, .context = rig};
  ck_assert_int_eq(
      sender_create(settings, &listener, &rig->accumulator, rig->client, &gate, now_us, &rig->sender),
      STATUS_OK);
  rig->is_awake = true;
}

void sender_rig_start_warm(struct sender_rig *rig, uint32_t node_count, int32_t topic_partitions) {
  sender_rig_start(rig, node_count);
  ck_assert_int_eq(broker_model_create_topic(rig->cluster.model, "t", topic_partitions), STATUS_OK);
  for (int32_t p = 0; p < topic_partitions; p++)
    sender_rig_send(rig, "t", p, 10);
  ck_assert(sender_rig_settle(rig, 10 * RIG_S));
  ck_assert_uint_eq(sender_rig_count(rig, OUTCOME_DELIVERED), (uint32_t)topic_partitions);
}

void sender_rig_stop(struct sender_rig *rig) {
  if (rig->client != NULL) sender_rig_abort(rig);
  sender_rig_release(rig);
  for (uint32_t i = 0; i < rig->record_count; i++)
    if (rig->records[i].reports != 1)
      ck_abort_msg("record %u has %u reports at the end", i, rig->records[i].reports);
  accumulator_check(&rig->accumulator);
  ck_assert_uint_eq(accumulator_oldest_number(&rig->accumulator), UINT64_MAX);
  ck_assert_uint_eq(buffer_pool_used_bytes(rig->accumulator.pool), 0);
  ck_assert_uint_eq(rig->accumulator.totals.settled, rig->record_count);
  sender_destroy(rig->sender);
  accumulator_deinit(&rig->accumulator);
  model_cluster_deinit(&rig->cluster);
  free(rig->records);
}

int64_t sender_rig_now_us(const struct sender_rig *rig) {
  return fake_transport_now_us(rig->transport);
}

/* ---- records ---- */

struct topic *sender_rig_topic(struct sender_rig *rig, const char *name) {
  struct topic *topic;
  int32_t status = accumulator_topic(&rig->accumulator, bytes_of_string(name), &rig->settings.topic, &topic);
  ASSERT(status == STATUS_OK);
  return topic;
}

struct sender_partition *sender_rig_partition(struct sender_rig *rig, const char *topic, int32_t index) {
  return sender_rig_topic(rig, topic)->partitions[index]->sender;
}

uint32_t sender_rig_send(struct sender_rig *rig, const char *topic, int32_t partition, size_t value_bytes) {
  uint32_t number;
  int32_t status = sender_rig_try(rig, topic, partition, "", value_bytes, &number);
  if (status != STATUS_OK) ck_abort_msg("record refused: %s", status_name(status));
  return number;
}

int32_t sender_rig_try(struct sender_rig *rig, const char *topic, int32_t partition, const char *prefix,
                       size_t value_bytes, uint32_t *number) {
  static char value[VALUE_MAXIMUM_BYTES];
  ASSERT(rig->record_count < RIG_RECORDS_MAX && value_bytes < VALUE_MAXIMUM_BYTES && !rig->is_in_gate);
  struct append append = {.topic = sender_rig_topic(rig, topic),
                          .partition = partition,
                          .timestamp_ms = model_cluster_wall_ms(&rig->cluster),
                          .opaque = rig->record_count};
  append.record.value = bytes_of(value, write_value(value, prefix, rig->record_count, topic, value_bytes));
  int32_t status = accumulator_append(&rig->accumulator, &append, sender_rig_now_us(rig));
  if (status != STATUS_OK) return status;
  rig->records[rig->record_count] =
      (struct rig_record){.topic = append.topic->id, .partition_wanted = partition};
  if (number != NULL) *number = rig->record_count;
  rig->record_count++;
  return STATUS_OK;
}

void sender_rig_send_many(struct sender_rig *rig, const char *topic, int32_t partition, uint32_t count,
                          size_t value_bytes) {
  for (uint32_t i = 0; i < count; i++)
    sender_rig_send(rig, topic, partition, value_bytes);
}

void sender_rig_fault(struct sender_rig *rig, const struct broker_fault *fault) {
  ck_assert_int_eq(model_cluster_inject(&rig->cluster, 0, fault), STATUS_OK);
}

void sender_rig_refuse(struct sender_rig *rig, const char *topic, int32_t partition, int32_t error_code,
                       uint32_t count) {
  sender_rig_fault(rig, &(struct broker_fault){.api_key = API_PRODUCE,
                                               .topic = topic,
                                               .partition = partition,
                                               .count = count,
                                               .error_code = (int16_t)error_code});
}

/* ---- time ---- */

void sender_rig_run(struct sender_rig *rig, int64_t duration_us) {
  int64_t end_us = sender_rig_now_us(rig) + duration_us;
  do {
    turn(rig, end_us);
  } while (sender_rig_now_us(rig) < end_us);
}

bool sender_rig_settle(struct sender_rig *rig, int64_t limit_us) {
  int64_t end_us = sender_rig_now_us(rig) + limit_us;
  while (accumulator_oldest_number(&rig->accumulator) != UINT64_MAX) {
    if (sender_rig_now_us(rig) >= end_us) return false;
    turn(rig, end_us);
  }
  return true;
}

void sender_rig_release(struct sender_rig *rig) {
  while (!list_is_empty(&rig->held)) {
    struct batch *batch = LIST_ENTRY(rig->held.next, struct batch, queue_node);
    list_remove(&batch->queue_node);
    release(rig, batch);
  }
}

void sender_rig_abort(struct sender_rig *rig) {
  sender_abort(rig->sender, sender_rig_now_us(rig));
  rig->transport = NULL;
  struct network_client *client = rig->client;
  rig->client = NULL;
  network_client_destroy(client);
  sender_publish(rig->sender);
}

/* ---- outcomes ---- */

enum outcome sender_rig_outcome(const struct sender_rig *rig, uint32_t number) {
  ASSERT(number < rig->record_count);
  return (enum outcome)rig->records[number].report.outcome;
}

int32_t sender_rig_status(const struct sender_rig *rig, uint32_t number) {
  return rig->records[number].report.status;
}

uint32_t sender_rig_count(const struct sender_rig *rig, enum outcome outcome) {
  uint32_t count = 0;
  for (uint32_t i = 0; i < rig->record_count; i++)
    if (rig->records[i].report.outcome == outcome) count++;
  return count;
}

int64_t sender_rig_log_count(const struct sender_rig *rig, const char *topic, int32_t partition) {
  int64_t start, end;
  if (!broker_model_offsets(rig->cluster.model, topic, partition, &start, &end)) return 0;
  return end - start;
}

void sender_rig_verify(struct sender_rig *rig) {
  struct walk walk = {.rig = rig, .times = calloc(RIG_RECORDS_MAX, 1)};
  ASSERT(walk.times != NULL);
  const struct topic_registry *registry = &rig->accumulator.registry;
  for (uint32_t t = 0; t < registry->count; t++)
    for (int32_t p = 0; p < registry->topics[t]->partition_count; p++)
      verify_log(&walk, registry->topics[t]->name, p);
  for (uint32_t i = 0; i < rig->record_count; i++)
    verify_report(&walk, i);
  free(walk.times);
}

void sender_rig_verify_delivered(struct sender_rig *rig) {
  sender_rig_verify(rig);
  for (uint32_t i = 0; i < rig->record_count; i++) {
    enum outcome outcome = sender_rig_outcome(rig, i);
    if (outcome != OUTCOME_DELIVERED && outcome != OUTCOME_DELIVERED_OFFSET_UNKNOWN)
      ck_abort_msg("seed %llu: record %u is not delivered: outcome %d, %s", (unsigned long long)rig->seed, i,
                   (int)outcome, status_name(sender_rig_status(rig, i)));
  }
}

/* ---- what the sender calls ---- */

/* The producer's lock is not recursive. */
static void enter_gate(void *context) {
  struct sender_rig *rig = context;
  ASSERT(!rig->is_in_gate);
  rig->is_in_gate = true;
}

static void leave_gate(void *context) {
  struct sender_rig *rig = context;
  ASSERT(rig->is_in_gate);
  rig->is_in_gate = false;
}

static void on_settled(void *context, struct batch *batch) {
  struct sender_rig *rig = context;
  ASSERT(rig->is_in_gate);
  take_reports(rig, batch);
  if (rig->holds_reports) {
    list_append(&rig->held, &batch->queue_node);
  } else {
    release(rig, batch);
  }
}

static void on_throttled(void *context, int32_t broker, int32_t throttle_ms) {
  struct sender_rig *rig = context;
  ASSERT(!rig->is_in_gate && broker >= 0);
  rig->last_throttle_ms = throttle_ms;
  rig->throttle_count++;
}

static void on_connection(void *context, int32_t node_id, int32_t status, const char *text) {
  struct sender_rig *rig = context;
  ASSERT(!rig->is_in_gate);
  LOG(&rig->log, LOG_LEVEL_DEBUG, "node %d: %s", (int)node_id, text);
  sender_note_connection(rig->sender, status);
}

/* The host may call the library from it. */
static void take_line(void *context, int32_t level, const char *line) {
  struct sender_rig *rig = context;
  ASSERT(!rig->is_in_gate);
  if (getenv("RIG_LOG") != NULL) fprintf(stderr, "%d %s\n", (int)level, line);
  if (level != LOG_LEVEL_WARNING) return;
  rig->warning_count++;
  snprintf(rig->last_warning, sizeof rig->last_warning, "%s", line);
}

static void create_client(struct sender_rig *rig) {
  struct broker_address servers[BOOTSTRAP_MAX];
  uint32_t count = 0;
  for (const char *at = rig->settings.bootstrap; *at != '\0';) {
    ASSERT(count < BOOTSTRAP_MAX);
    size_t size = strcspn(at, " ");
    servers[count++] = (struct broker_address){.host = bytes_of(at, size), .port = CLUSTER_PORT};
    at += size;
    at += strspn(at, " ");
  }
  struct network_client_settings *network = &rig->settings.network;
  network->max_in_flight = rig->settings.sender.max_in_flight;
  network->log = &rig->log;
  network->on_connection = on_connection;
  network->context = rig;
  ck_assert_int_eq(
      network_client_create(network, fake_transport_base(rig->transport), servers, count, &rig->client),
      STATUS_OK);
}

/* ---- a turn ---- */

static void turn(struct sender_rig *rig, int64_t end_us) {
  if (++rig->turn_count > RIG_TURNS_MAX) ck_abort_msg("a busy loop");
  model_cluster_step(&rig->cluster);
  int64_t now_us = sender_rig_now_us(rig);
  bool is_woken = rig->is_awake || rig->accumulator.wake_needed || now_us >= rig->sleep_until_us;
  if (is_woken) {
    rig->accumulator.wake_needed = false;
    rig->sleep_until_us = sender_step(rig->sender, now_us);
    accumulator_check(&rig->accumulator);
  }
  int64_t until_us = rig->sleep_until_us, next_us = model_cluster_next_us(&rig->cluster);
  if (end_us < until_us) until_us = end_us;
  if (next_us < until_us) until_us = next_us;
  int64_t client_us = network_client_next_deadline_us(rig->client);
  uint64_t events = fake_transport_event_count(rig->transport);
  network_client_poll(rig->client, now_us, until_us, fake_transport_clock_us, rig->transport);
  int64_t then_us = sender_rig_now_us(rig);
  /* Nothing but the test's own clock ended the wait: the sender would have slept on. */
  rig->is_awake = fake_transport_event_count(rig->transport) != events || then_us >= client_us ||
                  then_us >= rig->sleep_until_us;
}

static void take_reports(struct sender_rig *rig, struct batch *batch) {
  for (uint32_t i = 0; i < batch->record_count; i++) {
    struct report report;
    batch_report(batch, i, &report);
    ASSERT(report.opaque < rig->record_count);
    struct rig_record *record = &rig->records[report.opaque];
    rig->report_count++;
    record->reports++;
    record->report = report;
    if (report.outcome == OUTCOME_DELIVERED || report.outcome == OUTCOME_DELIVERED_OFFSET_UNKNOWN)
      note_delivered(rig, &report);
  }
}

/* Delivered records are reported in the order of their partition. */
static void note_delivered(struct sender_rig *rig, const struct report *report) {
  ASSERT(report->topic < RIG_TOPICS_MAX && report->partition < RIG_PARTITIONS_MAX);
  int64_t *last = &rig->last_delivered[report->topic][report->partition];
  if ((int64_t)report->opaque < *last && !rig->order_may_break)
    refute(rig, (uint32_t)report->opaque, "was reported behind a younger one");
  *last = (int64_t)report->opaque;
}

static void release(struct sender_rig *rig, struct batch *batch) {
  batch->reported = true;
  if (batch->in_network) return;
  if (batch->root->shares == 1) memset(batch->root->block, POISON, batch->root->block_bytes);
  accumulator_release(&rig->accumulator, batch);
}

/* ---- verification ---- */

/* value => prefix "#" number ":" topic ":" dots */
static size_t write_value(char *to, const char *prefix, uint32_t number, const char *topic, size_t size) {
  int written = snprintf(to, VALUE_MAXIMUM_BYTES, "%s#%u:%s:", prefix, number, topic);
  size_t at = (size_t)written;
  for (; at < size; at++)
    to[at] = (char)('a' + (number + at * at) % 23);
  return at;
}

static void verify_log(struct walk *walk, const char *topic, int32_t partition) {
  struct model_cluster *cluster = &walk->rig->cluster;
  int64_t start, end;
  walk->topic = sender_rig_topic(walk->rig, topic)->id;
  walk->partition = partition;
  walk->last_number = -1;
  if (cluster->replication != NULL) {
    const struct cluster_topic *found = model_cluster_topic(cluster, topic);
    if (found != NULL && partition < found->partition_count)
      model_cluster_visit_committed(cluster, found, partition, 0, visit, walk);
    return;
  }
  if (!broker_model_offsets(cluster->model, topic, partition, &start, &end)) return;
  ck_assert_int_eq(broker_model_visit_records(cluster->model, topic, partition, visit, walk), STATUS_OK);
}

static bool visit(void *context, int64_t offset, int64_t timestamp_ms, const struct record_view *record) {
  struct walk *walk = context;
  struct sender_rig *rig = walk->rig;
  (void)timestamp_ms;
  static char expected[VALUE_MAXIMUM_BYTES];
  const uint8_t *mark = memchr(record->value.data, '#', record->value.size);
  ASSERT(mark != NULL);
  uint32_t number = (uint32_t)strtoul((const char *)mark + 1, NULL, 10);
  if (number >= rig->record_count) refute(rig, number, "was never sent");
  const struct rig_record *sent = &rig->records[number];
  const char *topic = rig->accumulator.registry.topics[sent->topic]->name;
  size_t prefix_bytes = (size_t)(mark - record->value.data);
  size_t size = write_value(expected, "", number, topic, record->value.size - prefix_bytes);
  /* The padding depends on the place in the value, so prefixed values are compared by their beginning only.
   */
  if (prefix_bytes > 0) size = (size_t)snprintf(expected, sizeof expected, "#%u:%s:", number, topic);
  if (sent->topic != walk->topic || memcmp(expected, mark, size) != 0)
    refute(rig, number, "is not what was sent");
  if (sent->partition_wanted >= 0 && sent->partition_wanted != walk->partition)
    refute(rig, number, "is in another partition");
  if (walk->times[number] < UINT8_MAX) walk->times[number]++;
  if (walk->times[number] > 1 && !rig->may_repeat) refute(rig, number, "is there twice");
  bool is_elsewhere = sent->report.offset != offset || sent->report.partition != walk->partition;
  if (sent->report.outcome == OUTCOME_DELIVERED && is_elsewhere && !rig->may_repeat)
    refute(rig, number, "was reported at another offset");
  if (!rig->order_may_break && (int64_t)number < walk->last_number)
    refute(rig, number, "stands behind a younger one");
  walk->last_number = number;
  return true;
}

static void verify_report(const struct walk *walk, uint32_t number) {
  const struct rig_record *record = &walk->rig->records[number];
  if (record->reports > 1) refute(walk->rig, number, "has more than one report");
  bool is_there = walk->times[number] > 0;
  if (record->report.outcome == OUTCOME_NOT_DELIVERED && is_there)
    refute(walk->rig, number, "was reported not delivered and is there");
  bool delivered = record->report.outcome == OUTCOME_DELIVERED ||
                   record->report.outcome == OUTCOME_DELIVERED_OFFSET_UNKNOWN;
  if (delivered && !is_there && !walk->rig->logs_may_be_gone)
    refute(walk->rig, number, "was reported delivered and is not there");
}

static void refute(const struct sender_rig *rig, uint32_t number, const char *what) {
  ck_abort_msg("seed %llu: record %u %s", (unsigned long long)rig->seed, number, what);
}
