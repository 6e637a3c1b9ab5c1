#include "sim/application.h"

#include "base/assertion.h"
#include "base/clock.h"
#include "base/status.h"
#include "sim/books.h"
#include "sim/invariants.h"
#include "sim/simulation.h"

enum {
  SEND_WAIT_US = SCENARIO_S, /* max.block.ms */
  VALUE_BYTES_MAX = 1 << 20,
};

static uint32_t below(struct application *application, uint32_t bound);
static void burst(struct simulation *simulation);
static void schedule_burst(struct simulation *simulation);
static struct application_send draw_send(struct simulation *simulation);
static size_t draw_size(struct simulation *simulation);
static void end_wait(struct simulation *simulation);
static void begin_flush(struct simulation *simulation);
static void look_after_flush(struct simulation *simulation, struct application_flush *flush);
static void close_now(struct simulation *simulation);

void application_init(struct simulation *simulation) {
  struct application *application = &simulation->application;
  const struct scenario *scenario = &simulation->scenario;
  int64_t now_us = simulation_now_us(simulation);
  *application = (struct application){.records_left = scenario->record_count,
                                      .burst_us = now_us,
                                      .flush_us = CLOCK_NEVER_US,
                                      .close_us = CLOCK_NEVER_US,
                                      .read_us = now_us};
  random_seed(&application->random, scenario->seed ^ 0x5eed);
  application->callback_random = scenario_stream(scenario, FAULT_CALLBACKS_SEND, 0);
  application->flush_random = scenario_stream(scenario, FAULT_FLUSHES, 0);
  for (uint32_t t = 0; t <= SCENARIO_TOPICS_MAX; t++) {
    int32_t status = accumulator_topic(&simulation->accumulator, bytes_of_string(scenario_topics[t]),
                                       &simulation->topic_options, &application->topics[t]);
    ASSERT(status == STATUS_OK && application->topics[t]->id == t);
  }
  application->topic_count = scenario->topic_count;
  if (scenario_has(scenario, FAULT_FLUSHES))
    application->flush_us = now_us + scenario_pick(scenario, FAULT_FLUSHES, 1, 2 * SCENARIO_S);
  if (scenario_has(scenario, FAULT_EARLY_CLOSE))
    application->close_us =
        now_us + scenario_pick(scenario, FAULT_EARLY_CLOSE, 1, (uint32_t)scenario->safety_us);
}

bool application_act(struct simulation *simulation) {
  struct application *application = &simulation->application;
  int64_t now_us = simulation_now_us(simulation);
  if (simulation->phase != PHASE_SAFETY) return false;
  bool acted = false;
  if (now_us >= application->close_us) {
    application->close_us = CLOCK_NEVER_US;
    close_now(simulation);
    return true;
  }
  if (now_us >= application->flush_us) {
    begin_flush(simulation);
    application->flush_us = now_us + 1 + random_below(&application->flush_random, 3 * SCENARIO_S);
    acted = true;
  }
  if (application->waiting.active && now_us >= application->waiting.deadline_us) {
    application->refused++;
    end_wait(simulation);
    acted = true;
  }
  if (now_us >= application->burst_us && !application->waiting.active && application->records_left > 0) {
    burst(simulation);
    schedule_burst(simulation);
    acted = true;
  }
  return acted;
}

int64_t application_next_us(const struct simulation *simulation) {
  const struct application *application = &simulation->application;
  int64_t next_us = CLOCK_NEVER_US;
  if (simulation->reports.unread > 0) next_us = application->read_us;
  if (simulation->phase != PHASE_SAFETY) return next_us;
  int64_t candidates[] = {
      application->close_us, application->flush_us,
      application->waiting.active ? application->waiting.deadline_us : CLOCK_NEVER_US,
      application->records_left > 0 && !application->waiting.active ? application->burst_us : CLOCK_NEVER_US};
  for (size_t i = 0; i < sizeof candidates / sizeof candidates[0]; i++)
    if (candidates[i] < next_us) next_us = candidates[i];
  return next_us;
}

void application_interleave(struct simulation *simulation) {
  struct application *application = &simulation->application;
  if (application->records_left == 0 || application->waiting.active || application->is_calling) return;
  struct application_send send = draw_send(simulation);
  (void)application_send(simulation, &send);
}

void application_look_after_waits(struct simulation *simulation) {
  struct application *application = &simulation->application;
  if (application->waiting.active && simulation->phase == PHASE_SAFETY) {
    int32_t status = application_send(simulation, &application->waiting);
    if (status != STATUS_BUFFER_FULL && status != STATUS_PARTITION_BUFFER_FULL) end_wait(simulation);
  }
  for (uint32_t i = 0; i < APPLICATION_FLUSHES_MAX; i++)
    if (application->flushes[i].active) look_after_flush(simulation, &application->flushes[i]);
}

bool application_reads(const struct simulation *simulation) {
  return simulation->reports.unread > 0 && (simulation->phase != PHASE_SAFETY ||
                                            simulation_now_us(simulation) >= simulation->application.read_us);
}

void application_take_reports(struct simulation *simulation, const struct report *reports, size_t count) {
  struct application *application = &simulation->application;
  const struct scenario *scenario = &simulation->scenario;
  struct random *random = &application->callback_random;
  int64_t now_us = simulation_now_us(simulation);
  for (size_t i = 0; simulation->traced && i < count; i++)
    simulation_trace(simulation, "record %llu: outcome %d, %s, offset %lld",
                     (unsigned long long)reports[i].opaque, reports[i].outcome,
                     status_name(reports[i].status), (long long)reports[i].offset);
  if (simulation->phase != PHASE_SAFETY) return;
  application->is_calling = true;
  if (scenario_has(scenario, FAULT_LAZY_READER))
    application->read_us =
        now_us + random_below(random, 20 * SCENARIO_MS * scenario->strength[FAULT_LAZY_READER]);
  if (scenario_has(scenario, FAULT_CALLBACKS_SEND) && random_below(random, 3) == 0) {
    struct application_send send = draw_send(simulation);
    if (application->records_left > 0) (void)application_send(simulation, &send);
  }
  if (scenario_has(scenario, FAULT_FLUSHES) && random_below(random, 10) == 0) begin_flush(simulation);
  if (scenario_has(scenario, FAULT_CALLBACKS_SLOW) && random_below(random, 4) == 0)
    fake_transport_advance_us(
        simulation->network,
        random_below(random, 10 * SCENARIO_MS * scenario->strength[FAULT_CALLBACKS_SLOW]));
  /* It cannot wait for itself: close(0). */
  if (scenario_has(scenario, FAULT_EARLY_CLOSE) && random_below(random, 100) == 0)
    simulation_begin_close(simulation, 0);
  application->is_calling = false;
}

void application_end(struct simulation *simulation) {
  struct application *application = &simulation->application;
  application->records_left = 0;
  application->read_us = 0;
  if (application->waiting.active) end_wait(simulation);
}

static uint32_t below(struct application *application, uint32_t bound) {
  return random_below(&application->random, bound);
}

static void burst(struct simulation *simulation) {
  struct application *application = &simulation->application;
  uint32_t count = below(application, 3) == 0 ? 1 + below(application, 60) : 1 + below(application, 6);
  for (; count > 0 && application->records_left > 0; count--) {
    struct application_send send = draw_send(simulation);
    int32_t status = application_send(simulation, &send);
    if (status != STATUS_BUFFER_FULL && status != STATUS_PARTITION_BUFFER_FULL) continue;
    if (below(application, 3) == 0) return; /* as application_send does */
    send.active = true;
    send.deadline_us = simulation_now_us(simulation) + SEND_WAIT_US;
    application->waiting = send;
    accumulator_begin_wait(&simulation->accumulator);
    simulation_wake(simulation);
    return;
  }
}

static void schedule_burst(struct simulation *simulation) {
  struct application *application = &simulation->application;
  const struct scenario *scenario = &simulation->scenario;
  int64_t pause_us =
      below(application, 4) == 0 ? below(application, 2 * SCENARIO_S) : below(application, 100 * SCENARIO_MS);
  application->burst_us = simulation_now_us(simulation) + pause_us;
  if (!scenario_has(scenario, FAULT_LONG_SILENCES) || below(application, 12) != 0) return;
  static const int64_t silences_us[] = {60, 10 * 60, 16 * 60, 25 * 60};
  int64_t silence_us = silences_us[below(application, 4)] * SCENARIO_S;
  application->burst_us += silence_us;
  application->silent_us += silence_us;
  adversary_postpone(simulation, silence_us);
}

static struct application_send draw_send(struct simulation *simulation) {
  struct application *application = &simulation->application;
  const struct scenario *scenario = &simulation->scenario;
  uint32_t topic = below(application, application->topic_count), partition = below(application, 64);
  bool is_chosen = below(application, 3) == 0, is_late = below(application, 5) == 0;
  bool is_wrong = below(application, 20) == 0, is_bad = below(application, 12) == 0;
  struct application_send send = {.topic = topic,
                                  .partition = LEDGER_NONE,
                                  .with_key = below(application, 2) == 0,
                                  .is_bad = is_bad,
                                  .value_bytes = draw_size(simulation)};
  if (is_late && scenario_has(scenario, FAULT_LATE_TOPIC)) send.topic = SCENARIO_TOPICS_MAX;
  if (is_chosen) send.partition = (int32_t)(partition % scenario->partition_count);
  if (is_wrong && scenario_has(scenario, FAULT_WRONG_PARTITIONS))
    send.partition = SCENARIO_PARTITIONS_MAX - 1;
  canary_spoil_send(simulation, &send);
  return send;
}

static size_t draw_size(struct simulation *simulation) {
  struct application *application = &simulation->application;
  size_t usual = below(application, 5) == 0 ? 10 + below(application, 3000) : 10 + below(application, 200);
  uint32_t huge = below(application, 40);
  if (huge >= 3 || !scenario_has(&simulation->scenario, FAULT_HUGE_RECORDS)) return usual;
  static const size_t sizes[] = {20000, 100000, 1 << 19};
  return sizes[huge];
}

int32_t application_send(struct simulation *simulation, const struct application_send *send) {
  static char value[VALUE_BYTES_MAX];
  struct application *application = &simulation->application;
  uint32_t number = simulation->ledger.record_count;
  uint32_t size = books_write_value(value, canary_spoil_number(simulation, number), send->topic, send->is_bad,
                                    (uint32_t)send->value_bytes);
  struct append append = {.topic = application->topics[send->topic],
                          .partition = send->partition,
                          .timestamp_ms =
                              model_cluster_wall_ms(&simulation->cluster) + application->wall_offset_ms,
                          .opaque = number};
  append.record.value = bytes_of(value, size);
  if (send->with_key) append.record.key = bytes_of(value, size < 8 ? size : 8);
  int32_t status = accumulator_append(&simulation->accumulator, &append, simulation_now_us(simulation));
  simulation_wake(simulation);
  if (status != STATUS_OK) {
    application->refused++;
    return status;
  }
  ledger_tell_time(&simulation->ledger, simulation_now_us(simulation));
  ledger_accept(&simulation->ledger, send->topic, send->partition);
  if (application->records_left > 0) application->records_left--;
  simulation_trace(simulation, "record %u of %u bytes for %s, partition %d", number, size,
                   scenario_topics[send->topic], (int)send->partition);
  return STATUS_OK;
}

static void end_wait(struct simulation *simulation) {
  simulation->application.waiting.active = false;
  accumulator_end_wait(&simulation->accumulator);
}

static void begin_flush(struct simulation *simulation) {
  struct application *application = &simulation->application;
  for (uint32_t i = 0; i < APPLICATION_FLUSHES_MAX; i++) {
    struct application_flush *flush = &application->flushes[i];
    if (flush->active) continue;
    *flush = (struct application_flush){.active = true,
                                        .up_to = accumulator_youngest_number(&simulation->accumulator),
                                        .record_count = simulation->ledger.record_count};
    accumulator_begin_cut(&simulation->accumulator);
    simulation_wake(simulation);
    simulation_trace(simulation, "flush of %u records", flush->record_count);
    return;
  }
}

/* It ends when all batches up to its own are settled, and their reports are read. */
static void look_after_flush(struct simulation *simulation, struct application_flush *flush) {
  if (accumulator_oldest_number(&simulation->accumulator) <= flush->up_to) return;
  if (simulation->reports.unread > 0) return;
  flush->active = false;
  accumulator_end_cut(&simulation->accumulator);
  for (uint32_t i = 0; i < flush->record_count; i++)
    if (simulation->ledger.records[i].reports == 0)
      ledger_refute(&simulation->ledger, "I6 reports_come_once_and_in_order",
                    "a flush ends before record %u has its report", i);
}

static void close_now(struct simulation *simulation) {
  static const int64_t timeouts_us[] = {0, 10 * SCENARIO_MS, SCENARIO_S, 30 * (int64_t)SCENARIO_S};
  uint32_t choice = scenario_pick(&simulation->scenario, FAULT_EARLY_CLOSE, 2, 4);
  simulation_begin_close(simulation, timeouts_us[choice]);
}
