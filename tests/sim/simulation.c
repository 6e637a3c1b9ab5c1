#include "sim/simulation.h"

#include "accumulator/accumulator_check.h"
#include "base/allocator.h"
#include "base/assertion.h"
#include "base/clock.h"
#include "base/status.h"
#include "security/login.h"
#include "security/sasl_credentials.h"
#include "sim/books.h"
#include "sim/calm.h"
#include "sim/excuse.h"
#include "sim/invariants.h"
#include "sim/realm.h"
#include "sim/wiretap.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum {
  IDLE_TURNS_MAX = 200,
  TURNS_MAX = 1000000,
  CHECK_EVERY = 16, /* turns between looks at the whole accumulator */
  REPORTS_AT_ONCE = 16,
  LOGS_EVERY_US = 3 * SCENARIO_S,
  POISON = 0xdb,
  LOGIN_BACKOFF_MAX_US = 12 * SCENARIO_S,
  PATIENCE_US = 120 * SCENARIO_S,
  EXPIRATION_MS = 20 * 60 * 1000, /* of producers, where there are silences that long */
};

static const int64_t START_US = 1000 * (int64_t)SCENARIO_S;

static int64_t safety_end_us(const struct simulation *simulation);
static void create(struct simulation *simulation);
static void choose_settings(struct simulation *simulation);
static uint32_t max_request_bytes(const struct scenario *scenario);
static struct accumulator_settings memory_settings(const struct scenario *scenario);
static struct topic_options topic_options(const struct scenario *scenario);
static struct ledger_rules rules_of(const struct simulation *simulation);
static void create_cluster(struct simulation *simulation);
static void create_login(struct simulation *simulation);
static void create_client(struct simulation *simulation);
static void create_sender(struct simulation *simulation);
static void destroy(struct simulation *simulation);
static void ignore_wake(void *context);
static bool answer_login(void *context, struct bytes request, struct wire_writer *frame);
static void before_send(void *context);
static void before_receive(void *context);
static void on_answer(void *context, int32_t correlation_id, struct bytes topic,
                      const struct produce_response_partition *answer);
static void enter_gate(void *context);
static void leave_gate(void *context);
static void on_settled(void *context, struct batch *batch);
static void on_throttled(void *context, int32_t broker, int32_t throttle_ms);
static void on_connection(void *context, int32_t node_id, int32_t status, const char *text);
static void take_line(void *context, int32_t level, const char *line);
static bool may_allocate(void *context);
static void turn(struct simulation *simulation, int64_t end_us);
static void step(struct simulation *simulation, int64_t now_us);
static void wait(struct simulation *simulation, int64_t end_us, bool acted);
static void read_reports(struct simulation *simulation, bool all);
static void release(struct simulation *simulation, struct batch *batch);
static void look_after_close(struct simulation *simulation);
static void finish_close(struct simulation *simulation);
static void heal(struct simulation *simulation);
static void expect_quiet(struct simulation *simulation);
static void expect_memory_back(struct simulation *simulation);
static void expect_delivery(struct simulation *simulation);
static void fill_result(const struct simulation *simulation, struct simulation_result *result);
static bool goes_on(const struct simulation *simulation);

void simulation_run(const struct scenario *scenario, bool traced, struct simulation_result *result) {
  struct simulation *simulation = calloc(1, sizeof *simulation);
  ASSERT(simulation != NULL);
  simulation->scenario = *scenario;
  simulation->traced = traced;
  create(simulation);
  while (goes_on(simulation) && simulation_now_us(simulation) < safety_end_us(simulation)) {
    int64_t next_us = simulation_now_us(simulation) + LOGS_EVERY_US;
    simulation_run_until(simulation,
                         next_us < safety_end_us(simulation) ? next_us : safety_end_us(simulation));
    books_check_logs(simulation, false);
  }
  if (goes_on(simulation)) heal(simulation);
  if (!simulation->ledger.violation.found) {
    finish_close(simulation);
    books_check_logs(simulation, true);
    expect_memory_back(simulation);
    if (simulation->phase == PHASE_CLOSED) expect_delivery(simulation);
  }
  fill_result(simulation, result);
  destroy(simulation);
}

int64_t simulation_now_us(const struct simulation *simulation) {
  return simulation->network != NULL ? fake_transport_now_us(simulation->network) : simulation->end_us;
}

void simulation_wake(struct simulation *simulation) {
  if (!simulation->accumulator.wake_needed) return;
  simulation->accumulator.wake_needed = false;
  simulation->is_awake = true;
  if (simulation->client != NULL) network_client_wake(simulation->client);
}

void simulation_begin_close(struct simulation *simulation, int64_t timeout_us) {
  int64_t deadline_us = clock_add_us(simulation_now_us(simulation), timeout_us);
  if (simulation->phase == PHASE_CLOSED) return;
  if (simulation->phase == PHASE_CLOSING) {
    if (deadline_us < simulation->close_deadline_us) simulation->close_deadline_us = deadline_us;
  } else {
    simulation_trace(simulation, "close, %lld us are given", (long long)timeout_us);
    simulation->phase = PHASE_CLOSING;
    simulation->close_deadline_us = deadline_us;
    application_end(simulation);
    accumulator_begin_cut(&simulation->accumulator);
  }
  simulation->is_awake = true;
  network_client_wake(simulation->client);
}

void simulation_trace(const struct simulation *simulation, const char *format, ...) {
  if (!simulation->traced) return;
  int64_t since_us = simulation_now_us(simulation) - START_US;
  printf("%10.3f ms  ", (double)since_us / 1000);
  va_list arguments;
  va_start(arguments, format);
  vprintf(format, arguments);
  va_end(arguments);
  putchar('\n');
}

/* ---- creation ---- */

static int64_t safety_end_us(const struct simulation *simulation) {
  return START_US + simulation->scenario.safety_us + simulation->application.silent_us;
}

static void create(struct simulation *simulation) {
  simulation->log = (struct log){.level = simulation->traced ? LOG_LEVEL_DEBUG : LOG_LEVEL_INFO,
                                 .sink = take_line,
                                 .context = simulation};
  report_queue_init(&simulation->reports);
  choose_settings(simulation);
  struct ledger_rules rules = rules_of(simulation);
  ledger_init(&simulation->ledger, &rules);
  canary_spoil_settings(simulation);
  create_cluster(simulation);
  struct accumulator_settings memory = memory_settings(&simulation->scenario);
  simulation->linger_us = memory.linger_us;
  simulation->ledger.rules.linger_us = memory.linger_us;
  int32_t status = accumulator_init(&simulation->accumulator, &memory);
  ASSERT(status == STATUS_OK);
  if (scenario_has(&simulation->scenario, FAULT_LOGINS)) create_login(simulation);
  create_client(simulation);
  create_sender(simulation);
  application_init(simulation);
  adversary_init(simulation);
  simulation->is_awake = true;
  simulation->interleaving = scenario_stream(&simulation->scenario, FAULT_INTERLEAVING, 0);
  simulation->memory = scenario_stream(&simulation->scenario, FAULT_NO_MEMORY, 0);
  if (scenario_has(&simulation->scenario, FAULT_NO_MEMORY))
    simulation->memory_percent_mille = 1 + simulation->scenario.strength[FAULT_NO_MEMORY];
}

static void choose_settings(struct simulation *simulation) {
  const struct scenario *scenario = &simulation->scenario;
  uint32_t in_flight = scenario_has(scenario, FAULT_FEW_IN_FLIGHT)
                           ? 1 + scenario_pick(scenario, FAULT_FEW_IN_FLIGHT, 0, 3)
                           : 5;
  int64_t request_timeout_us = 500 * SCENARIO_MS + scenario_pick(scenario, FAULT_DELAYS, 3, 4 * SCENARIO_S);
  uint32_t request_bytes = max_request_bytes(scenario);
  simulation->topic_options = topic_options(scenario);
  simulation->network_settings =
      (struct network_client_settings){.client_id = bytes_of_string("sim"),
                                       .software_name = bytes_of_string("sim"),
                                       .software_version = bytes_of_string("1"),
                                       .max_in_flight = in_flight,
                                       .request_timeout_us = request_timeout_us,
                                       .connection_setup_timeout_us = SCENARIO_S,
                                       .connection_setup_timeout_max_us = 3 * SCENARIO_S,
                                       .reconnect_backoff_us = 50 * SCENARIO_MS,
                                       .reconnect_backoff_max_us = SCENARIO_S,
                                       .connections_max_idle_us = 540 * (int64_t)SCENARIO_S,
                                       .receive_message_max_bytes = 10000000,
                                       .seed = scenario->seed + 1,
                                       .log = &simulation->log,
                                       .on_connection = on_connection,
                                       .context = simulation};
  simulation->sender_settings = (struct sender_settings){
      .client_id = bytes_of_string("sim"),
      .idempotent = !scenario_has(scenario, FAULT_NO_IDEMPOTENCE) && simulation->topic_options.acks == -1,
      .max_in_flight = in_flight,
      .retries = scenario_has(scenario, FAULT_FEW_RETRIES) ? scenario_pick(scenario, FAULT_FEW_RETRIES, 0, 4)
                                                           : INT32_MAX,
      .max_request_bytes = request_bytes,
      .request_timeout_us = request_timeout_us,
      .retry_backoff_us = 100 * SCENARIO_MS,
      .retry_backoff_max_us = SCENARIO_S,
      .cluster = {.max_age_us = 300 * (int64_t)SCENARIO_S,
                  .max_idle_us = 300 * (int64_t)SCENARIO_S,
                  .propagation_max_us = 5 * SCENARIO_S,
                  .rebootstrap_trigger_us = 20 * (int64_t)SCENARIO_S,
                  .rebootstrap = true},
      .compresses = true,
      .scratch_bytes = 1 << 20,
      .seed = scenario->seed + 2,
      .log = &simulation->log};
}

static uint32_t max_request_bytes(const struct scenario *scenario) {
  if (scenario_has(scenario, FAULT_SMALL_REQUESTS))
    return 3000 + scenario_pick(scenario, FAULT_SMALL_REQUESTS, 0, 6000);
  if (scenario_has(scenario, FAULT_SMALL_BATCHES))
    return 3000 + scenario_pick(scenario, FAULT_SMALL_BATCHES, 3, 20000);
  return 1 << 20;
}

static struct accumulator_settings memory_settings(const struct scenario *scenario) {
  size_t buffer_bytes = 1 << 20, batch_bytes = 16384;
  if (scenario_has(scenario, FAULT_SMALL_MEMORY))
    buffer_bytes = (size_t)16384 << scenario_pick(scenario, FAULT_SMALL_MEMORY, 0, 4);
  if (scenario_has(scenario, FAULT_SMALL_BATCHES))
    batch_bytes = 200 + scenario_pick(scenario, FAULT_SMALL_BATCHES, 0, 3000);
  uint32_t request_bytes = max_request_bytes(scenario);
  if (batch_bytes > buffer_bytes / 4) batch_bytes = buffer_bytes / 4;
  if (batch_bytes > request_bytes) batch_bytes = request_bytes;
  return (struct accumulator_settings){
      .buffer_bytes = buffer_bytes,
      .partition_bytes = buffer_bytes / (1 + scenario_pick(scenario, FAULT_SMALL_MEMORY, 1, 2)),
      .batch_bytes = batch_bytes,
      .batch_records = scenario_has(scenario, FAULT_SMALL_BATCHES)
                           ? 1 + scenario_pick(scenario, FAULT_SMALL_BATCHES, 1, 40)
                           : 1000,
      .max_request_bytes = request_bytes,
      .linger_us = scenario_has(scenario, FAULT_LINGER)
                       ? 1 + scenario_pick(scenario, FAULT_LINGER, 0, 300 * SCENARIO_MS)
                       : 0,
      .partitioner = {.sticky_bytes = batch_bytes},
      .sender_topic_bytes = sizeof(struct sender_topic),
      .sender_partition_bytes = sizeof(struct sender_partition),
      .seed = scenario->seed};
}

static struct topic_options topic_options(const struct scenario *scenario) {
  static const struct {
    enum compression_codec codec;
    int32_t level;
  } codecs[] = {{COMPRESSION_SNAPPY, 0}, {COMPRESSION_LZ4, 1}, {COMPRESSION_ZSTD, 1}, {COMPRESSION_GZIP, 1}};
  uint32_t codec = scenario_pick(scenario, FAULT_COMPRESSION, 0, 4);
  bool compressed =
      scenario_has(scenario, FAULT_COMPRESSION) && compression_is_available(codecs[codec].codec);
  int64_t timeout_us = scenario_has(scenario, FAULT_SHORT_TIMEOUTS)
                           ? SCENARIO_S + scenario_pick(scenario, FAULT_SHORT_TIMEOUTS, 0, 6 * SCENARIO_S)
                           : 100000 * (int64_t)SCENARIO_S;
  /* Brokers forget producers by the age of their records: none may be sent that is older than that. */
  if (scenario_has(scenario, FAULT_LONG_SILENCES) && timeout_us > PATIENCE_US) timeout_us = PATIENCE_US;
  return (struct topic_options){.acks = scenario_has(scenario, FAULT_WEAK_ACKS)
                                            ? (int16_t)scenario_pick(scenario, FAULT_WEAK_ACKS, 0, 2)
                                            : -1,
                                .codec = compressed ? codecs[codec].codec : COMPRESSION_NONE,
                                .level = compressed ? codecs[codec].level : 0,
                                .delivery_timeout_us = timeout_us};
}

static struct ledger_rules rules_of(const struct simulation *simulation) {
  return (struct ledger_rules){.idempotent = simulation->sender_settings.idempotent,
                               .max_in_flight = simulation->sender_settings.max_in_flight,
                               .acks = simulation->topic_options.acks,
                               .answers_merge = scenario_has(&simulation->scenario, FAULT_MERGED_ANSWERS),
                               .logs_may_lose = simulation->topic_options.acks != -1 &&
                                                scenario_has(&simulation->scenario, FAULT_REPLICATION),
                               .ids_change = scenario_has(&simulation->scenario, FAULT_FENCING) ||
                                             scenario_has(&simulation->scenario, FAULT_LATE_EPOCHS),
                               .retries_end = scenario_has(&simulation->scenario, FAULT_FEW_RETRIES),
                               .begins_late = scenario_has(&simulation->scenario, FAULT_LATE_SEQUENCES),
                               .delivery_timeout_us = simulation->topic_options.delivery_timeout_us,
                               .request_timeout_us = simulation->network_settings.request_timeout_us,
                               .retry_backoff_us = simulation->sender_settings.retry_backoff_us,
                               .propagation_us = simulation->sender_settings.cluster.propagation_max_us};
}

static void create_cluster(struct simulation *simulation) {
  const struct scenario *scenario = &simulation->scenario;
  struct broker_settings settings;
  broker_settings_init(&settings);
  settings.seed = scenario->seed;
  if (scenario_has(scenario, FAULT_LONG_SILENCES)) settings.producer_id_expiration_ms = EXPIRATION_MS;
  realm_init(&simulation->cluster, scenario, &settings, START_US);
  simulation->network = simulation->cluster.transport;
}

static void create_login(struct simulation *simulation) {
  struct secret *password = secret_create(bytes_of_string("wonderland"));
  ASSERT(password != NULL);
  struct sasl_settings settings = {.mechanism = SASL_PLAIN, .username = "alice", .password = password};
  struct sasl_credentials *credentials;
  char error[256];
  int32_t status = sasl_credentials_create(&settings, &credentials, error, sizeof error);
  ASSERT(status == STATUS_OK);
  struct login_settings login = {.wake = ignore_wake};
  status = login_create(&login, credentials, &simulation->login);
  ASSERT(status == STATUS_OK);
  sasl_credentials_release(credentials);
  secret_destroy(password);
  simulation->network_settings.login = simulation->login;
  simulation->doorman.random = scenario_stream(&simulation->scenario, FAULT_LOGINS, 0);
  simulation->doorman.refuses = true;
  simulation->cluster.stand_in = answer_login;
  simulation->cluster.context = simulation;
}

static void create_client(struct simulation *simulation) {
  static const char *const names[] = {"broker-1.sim", "broker-2.sim", "broker-3.sim"};
  struct broker_address servers[CLUSTER_NODES_MAX];
  uint32_t count = simulation->scenario.node_count;
  for (uint32_t i = 0; i < count; i++)
    servers[i] = (struct broker_address){.host = bytes_of_string(names[i]), .port = CLUSTER_PORT};
  struct wiretap_listener listener = {.before_send = before_send,
                                      .before_receive = before_receive,
                                      .on_answer = on_answer,
                                      .context = simulation};
  struct transport *transport = wiretap_create(fake_transport_base(simulation->network), &simulation->ledger,
                                               &listener, simulation->ledger.rules.answers_merge);
  int32_t status =
      network_client_create(&simulation->network_settings, transport, servers, count, &simulation->client);
  ASSERT(status == STATUS_OK);
}

static void create_sender(struct simulation *simulation) {
  struct sender_listener listener = {
      .context = simulation, .on_settled = on_settled, .on_throttled = on_throttled};
  struct gate gate = {.enter = enter_gate, .leave = leave_gate, .context = simulation};
  int32_t status = sender_create(&simulation->sender_settings, &listener, &simulation->accumulator,
                                 simulation->client, &gate, START_US, &simulation->sender);
  ASSERT(status == STATUS_OK);
}

static void destroy(struct simulation *simulation) {
  bool whole = !simulation->ledger.violation.found;
  if (simulation->client != NULL) {
    network_client_destroy(simulation->client); /* after a violation: nobody looks at what it reports */
    simulation->network = NULL;
  }
  sender_destroy(simulation->sender);
  if (whole) accumulator_deinit(&simulation->accumulator);
  model_cluster_deinit(&simulation->cluster);
  ledger_deinit(&simulation->ledger);
  login_destroy(simulation->login);
  free(simulation->archive);
  free(simulation);
}

/* ---- what the library calls ---- */

/* No step of a login by a password takes long enough to be waited for. */
static void ignore_wake(void *context) {
  (void)context;
}

static bool answer_login(void *context, struct bytes request, struct wire_writer *frame) {
  struct simulation *simulation = context;
  return doorman_answer(&simulation->doorman, request, frame);
}

static void before_send(void *context) {
  struct simulation *simulation = context;
  ledger_tell_time(&simulation->ledger, simulation_now_us(simulation));
  books_note_calls(simulation);
}

static void before_receive(void *context) {
  struct simulation *simulation = context;
  ledger_tell_time(&simulation->ledger, simulation_now_us(simulation));
}

static void on_answer(void *context, int32_t correlation_id, struct bytes topic,
                      const struct produce_response_partition *answer) {
  simulation_trace(context, "request %d is answered: %.*s-%d %s", (int)correlation_id, (int)topic.size,
                   topic.data == NULL ? "" : (const char *)topic.data, (int)answer->index,
                   status_name(answer->error_code));
}

/* The producer's lock is not recursive. Whoever else wants it may have it first. */
static void enter_gate(void *context) {
  struct simulation *simulation = context;
  ASSERT(!simulation->is_in_gate);
  simulation->is_in_gate = true;
  adversary_age_identities(simulation);
  if (scenario_has(&simulation->scenario, FAULT_INTERLEAVING) && simulation->phase == PHASE_SAFETY &&
      random_below(&simulation->interleaving, 100) <
          1 + simulation->scenario.strength[FAULT_INTERLEAVING] / 4)
    application_interleave(simulation);
}

static void leave_gate(void *context) {
  struct simulation *simulation = context;
  ASSERT(simulation->is_in_gate);
  simulation->is_in_gate = false;
}

static void on_settled(void *context, struct batch *batch) {
  struct simulation *simulation = context;
  ASSERT(simulation->is_in_gate);
  for (uint32_t i = 0; i < batch->record_count; i++)
    ledger_settle(&simulation->ledger, batch_entry(batch, i)->opaque);
  report_queue_add(&simulation->reports, batch, 0);
}

static void on_throttled(void *context, int32_t broker, int32_t throttle_ms) {
  struct simulation *simulation = context;
  ASSERT(!simulation->is_in_gate);
  ledger_note_pause(&simulation->ledger, broker, (int64_t)throttle_ms * SCENARIO_MS);
  simulation_trace(simulation, "node %d asks for a pause of %d ms", (int)broker, (int)throttle_ms);
}

static void on_connection(void *context, int32_t node_id, int32_t status, const char *text) {
  struct simulation *simulation = context;
  ASSERT(!simulation->is_in_gate);
  simulation_trace(simulation, "node %d: %s", (int)node_id, text);
  sender_note_connection(simulation->sender, status);
}

/* The host may call the library from it. */
static void take_line(void *context, int32_t level, const char *line) {
  struct simulation *simulation = context;
  ASSERT(!simulation->is_in_gate);
  simulation_trace(simulation, "log %d: %s", (int)level, line);
}

static bool may_allocate(void *context) {
  struct simulation *simulation = context;
  return random_below(&simulation->memory, 1000) >= simulation->memory_percent_mille;
}

/* ---- turns ---- */

static bool goes_on(const struct simulation *simulation) {
  return !simulation->ledger.violation.found && simulation->phase != PHASE_CLOSED;
}

void simulation_run_until(struct simulation *simulation, int64_t end_us) {
  while (goes_on(simulation) && simulation_now_us(simulation) < end_us)
    turn(simulation, end_us);
}

static void turn(struct simulation *simulation, int64_t end_us) {
  simulation->turns++;
  if (simulation->turns > TURNS_MAX) {
    ledger_refute(&simulation->ledger, "I11 turns_get_somewhere", "%d turns are not enough", (int)TURNS_MAX);
    return;
  }
  bool acted = application_act(simulation);
  ledger_tell_time(&simulation->ledger, simulation_now_us(simulation));
  if (simulation->phase == PHASE_SAFETY || simulation->phase == PHASE_CLOSING)
    acted = adversary_act(simulation) || acted;
  model_cluster_step(&simulation->cluster);
  int64_t now_us = simulation_now_us(simulation);
  if (simulation->is_awake || simulation->accumulator.wake_needed || now_us >= simulation->sleep_until_us)
    step(simulation, now_us);
  if (application_reads(simulation)) read_reports(simulation, false);
  look_after_close(simulation);
  if (goes_on(simulation)) wait(simulation, end_us, acted);
}

static void step(struct simulation *simulation, int64_t now_us) {
  simulation->accumulator.wake_needed = false;
  canary_before_step(simulation);
  allocator_set_hook(simulation->memory_percent_mille > 0 ? may_allocate : NULL, simulation);
  ledger_tell_time(&simulation->ledger, now_us);
  simulation->sleep_until_us = sender_step(simulation->sender, now_us);
  allocator_set_hook(NULL, NULL);
  canary_after_step(simulation);
  books_note_calls(simulation);
  ledger_end_step(&simulation->ledger);
  if (simulation->turns % CHECK_EVERY == 0) {
    accumulator_check(&simulation->accumulator);
    books_check_memory(simulation);
  }
}

static void wait(struct simulation *simulation, int64_t end_us, bool acted) {
  application_look_after_waits(simulation);
  if (simulation->memory_freed && !list_is_empty(&simulation->accumulator.staged_topics))
    simulation->sleep_until_us = simulation_now_us(simulation);
  simulation->memory_freed = false;
  if (simulation->accumulator.wake_needed) simulation_wake(simulation);
  int64_t now_us = simulation_now_us(simulation);
  int64_t client_us = network_client_next_deadline_us(simulation->client);
  int64_t own_us = simulation->sleep_until_us < client_us ? simulation->sleep_until_us : client_us;
  if (own_us > now_us && !fake_transport_is_woken(simulation->network)) books_check_wait(simulation, own_us);
  int64_t others[] = {end_us, model_cluster_next_us(&simulation->cluster), application_next_us(simulation),
                      simulation->phase == PHASE_HEALED ? CLOCK_NEVER_US : adversary_next_us(simulation)};
  int64_t until_us = simulation->sleep_until_us;
  for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
    if (others[i] < until_us) until_us = others[i];
  uint64_t events = fake_transport_event_count(simulation->network);
  bool is_woken = fake_transport_is_woken(simulation->network);
  allocator_set_hook(simulation->memory_percent_mille > 0 ? may_allocate : NULL, simulation);
  ledger_tell_time(&simulation->ledger, now_us);
  ledger_begin_wait(&simulation->ledger);
  network_client_poll(simulation->client, now_us, until_us, fake_transport_clock_us, simulation->network);
  allocator_set_hook(NULL, NULL);
  books_end_calls(simulation);
  int64_t then_us = simulation_now_us(simulation);
  bool has_news = fake_transport_event_count(simulation->network) != events;
  simulation->is_awake =
      has_news || is_woken || then_us >= client_us || then_us >= simulation->sleep_until_us;
  bool got_somewhere = acted || has_news || then_us > now_us;
  simulation->idle_turns = got_somewhere ? 0 : simulation->idle_turns + 1;
  invariant_turns_get_somewhere(&simulation->ledger, simulation->idle_turns, IDLE_TURNS_MAX);
}

/* ---- reports ---- */

static void read_reports(struct simulation *simulation, bool all) {
  struct report reports[REPORTS_AT_ONCE];
  struct list finished;
  list_init(&finished);
  do {
    size_t count = report_queue_take(&simulation->reports, reports, NULL, REPORTS_AT_ONCE, &finished);
    for (size_t i = 0; i < count; i++) {
      bool is_repeated = canary_spoil_report(simulation, &reports[i]);
      ledger_report(&simulation->ledger, &reports[i]);
      if (is_repeated) ledger_report(&simulation->ledger, &reports[i]);
    }
    while (!list_is_empty(&finished)) {
      struct batch *batch = LIST_ENTRY(finished.next, struct batch, queue_node);
      list_remove(&batch->queue_node);
      release(simulation, batch);
    }
    if (count == 0) return;
    application_take_reports(simulation, reports, count);
  } while (all || application_reads(simulation));
}

static void release(struct simulation *simulation, struct batch *batch) {
  batch->reported = true;
  bool lets_go = !batch->in_network || simulation->scenario.canary == CANARY_BUFFER;
  if (lets_go && batch->root->shares == 1) memset(batch->root->block, POISON, batch->root->block_bytes);
  if (batch->in_network || simulation->scenario.canary == CANARY_LEAK) return;
  accumulator_release(&simulation->accumulator, batch);
  simulation->memory_freed = true;
}

/* ---- the end ---- */

static void look_after_close(struct simulation *simulation) {
  if (simulation->phase != PHASE_CLOSING) return;
  bool settled = accumulator_oldest_number(&simulation->accumulator) == UINT64_MAX;
  if (settled || simulation_now_us(simulation) >= simulation->close_deadline_us) finish_close(simulation);
}

/* As the producer's thread ends. */
static void finish_close(struct simulation *simulation) {
  if (simulation->phase == PHASE_CLOSED) return;
  simulation->end_us = simulation_now_us(simulation);
  sender_abort(simulation->sender, simulation->end_us);
  struct network_client *client = simulation->client;
  simulation->client = NULL;
  simulation->phase = PHASE_CLOSED;
  ledger_begin_wait(&simulation->ledger);
  network_client_destroy(client);
  simulation->network = NULL;
  books_end_calls(simulation);
  sender_publish(simulation->sender);
  read_reports(simulation, true);
  simulation->ledger.closed = true;
  if (simulation->scenario.canary == CANARY_NONE) accumulator_check(&simulation->accumulator);
}

/* Everything is well: what was accepted comes to its end, and then there is rest. */
static void heal(struct simulation *simulation) {
  simulation_trace(simulation, "healed");
  simulation->phase = simulation->phase == PHASE_CLOSING ? PHASE_CLOSING : PHASE_HEALED;
  simulation->memory_percent_mille = 0;
  adversary_heal(simulation);
  simulation->doorman.refuses = false;
  application_end(simulation);
  int64_t limit_us = simulation_now_us(simulation) + simulation_liveness_us(simulation);
  while (
      goes_on(simulation) && simulation_now_us(simulation) < limit_us &&
      (accumulator_oldest_number(&simulation->accumulator) != UINT64_MAX || simulation->reports.unread > 0))
    simulation_run_until(simulation, simulation_now_us(simulation) + 50 * SCENARIO_MS);
  if (!goes_on(simulation)) return;
  uint64_t oldest = accumulator_oldest_number(&simulation->accumulator);
  if (oldest != UINT64_MAX && simulation->traced) books_trace_state(simulation);
  if (oldest != UINT64_MAX)
    ledger_refute(&simulation->ledger, "I11 waits_end",
                  "batch %llu has no outcome %lld ms after all was well", (unsigned long long)oldest,
                  (long long)(simulation_liveness_us(simulation) / 1000));
  simulation_run_until(simulation, simulation_now_us(simulation) + 15 * SCENARIO_S); /* stragglers */
  expect_quiet(simulation);
  if (goes_on(simulation) && simulation->phase == PHASE_HEALED) calm_run(simulation);
}

/* What may have to pass one after the other: a request that nobody answers, connections that do not come
 * about, backoffs, pauses, answers that are slow. */
int64_t simulation_liveness_us(const struct simulation *simulation) {
  const struct network_client_settings *network = &simulation->network_settings;
  const struct sender_settings *sender = &simulation->sender_settings;
  return 4 * network->request_timeout_us + 4 * network->connection_setup_timeout_max_us +
         6 * (network->reconnect_backoff_max_us + sender->retry_backoff_max_us) +
         2 * sender->cluster.propagation_max_us + 30 * SCENARIO_S +
         (simulation->login != NULL ? 3 * LOGIN_BACKOFF_MAX_US : 0);
}

/* Nothing is left but timers that have a minute or more. A regular refresh, reconnects for it and the end of
 * idle connections may fall into that minute; what polls takes many more turns. */
static void expect_quiet(struct simulation *simulation) {
  enum { QUIET_TURNS_MAX = 120 };
  if (!goes_on(simulation)) return;
  uint64_t turns = simulation->turns;
  simulation_run_until(simulation, simulation_now_us(simulation) + 60 * (int64_t)SCENARIO_S);
  if (simulation->turns - turns > QUIET_TURNS_MAX)
    ledger_refute(&simulation->ledger, "I11 turns_get_somewhere", "%llu turns in an idle minute",
                  (unsigned long long)(simulation->turns - turns));
}

static void expect_memory_back(struct simulation *simulation) {
  struct accumulator *accumulator = &simulation->accumulator;
  if (simulation->ledger.violation.found) return;
  size_t used_bytes = buffer_pool_used_bytes(accumulator->pool);
  invariant_memory_adds_up(&simulation->ledger, 0, used_bytes, buffer_pool_total_bytes(accumulator->pool));
  if (accumulator->totals.settled != simulation->ledger.record_count)
    ledger_refute(&simulation->ledger, "I6 reports_come_once_and_in_order",
                  "%llu records settled, %u accepted", (unsigned long long)accumulator->totals.settled,
                  simulation->ledger.record_count);
}

/* What nothing that was done excuses is delivered. */
static void expect_delivery(struct simulation *simulation) {
  struct ledger *ledger = &simulation->ledger;
  for (uint32_t i = 0; i < ledger->record_count; i++) {
    const struct ledger_record *record = &ledger->records[i];
    const struct report *report = &record->report;
    if (report->outcome == OUTCOME_DELIVERED || report->outcome == OUTCOME_DELIVERED_OFFSET_UNKNOWN) continue;
    if (excuse_is_given(simulation->scenario.faults, report->status, record->was_refused)) continue;
    ledger_refute(ledger, "I7 reports_are_true", "record %u is not delivered (%d, %s) without cause", i,
                  report->outcome, status_name(report->status));
  }
}

static void fill_result(const struct simulation *simulation, struct simulation_result *result) {
  const struct ledger *ledger = &simulation->ledger;
  const struct sender_counters *counters = &simulation->sender->counters;
  *result = (struct simulation_result){.failed = ledger->violation.found,
                                       .turns = simulation->turns,
                                       .accepted = ledger->record_count,
                                       .batches_retried = counters->batches_retried,
                                       .outcomes_resolved = counters->outcomes_resolved,
                                       .epochs_raised = counters->epochs_raised,
                                       .batches_split = counters->batches_split,
                                       .faults = simulation->scenario.faults};
  for (uint32_t i = 0; i < ledger->record_count; i++) {
    switch (ledger->records[i].report.outcome) {
    case OUTCOME_NOT_DELIVERED: result->not_delivered++; break;
    case OUTCOME_UNKNOWN: result->unknown++; break;
    case OUTCOME_NONE: break;
    default: result->delivered++;
    }
  }
  if (result->failed)
    snprintf(result->text, sizeof result->text, "%s: %s", ledger->violation.invariant,
             ledger->violation.text);
}
