#include "races.h"
#include "support.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PATIENCE_US = 120000000, SETTINGS_MAX = 8 };

/* What kinds of producers there are, by slot. The embedded broker knows no logins: what is sent to those that
 * need one is settled by their end. */
static const struct kind {
  const char *settings[SETTINGS_MAX]; /* names and values */
  bool is_queued, has_tokens, has_partitioner;
} kinds[RACES_SLOTS] = {
    {.settings = {"delivery.report.mode", "callback"}},
    {.settings = {"delivery.report.mode", "dispatcher", "compression.type", "lz4"}, .has_partitioner = true},
    {.settings = {"delivery.report.mode", "queue"}, .is_queued = true},
    {.settings = {"delivery.report.mode", "queue", "buffer.memory", "262144"}, .is_queued = true},
    {.settings = {"security.protocol", "SASL_PLAINTEXT", "sasl.mechanism", "OAUTHBEARER",
                  "allow.cleartext.credentials", "true"},
     .has_tokens = true},
    {.settings = {"security.protocol", "SASL_PLAINTEXT", "sasl.jaas.config",
                  "org.apache.kafka.common.security.scram.ScramLoginModule required username=a password=b;",
                  "sasl.mechanism", "SCRAM-SHA-256"}},
};

static struct {
  const char *bootstrap, *topic, *properties;
  _Atomic(struct races_life *) slots[RACES_SLOTS];
  _Atomic(struct races_life *) lives[RACES_LIVES_MAX];
  atomic_uint life_count;
  bool forgets;
} world;

static _Atomic uint64_t notes[RACES_FUNCTION_COUNT][2][RACES_STATUS_MAX];

/* Ours are from -1001 down, Kafka's from -1 up. */
static _Atomic uint64_t *note_of(enum races_function function, int32_t status) {
  int32_t index = status <= -1001 ? -1001 - status : status + 1;
  if (index < 0 || index >= RACES_STATUS_MAX) fail("a status", "that cannot be");
  return &notes[function][status <= -1001][index];
}

int32_t races_note(enum races_function function, int32_t status) {
  atomic_fetch_add_explicit(note_of(function, status), 1, memory_order_relaxed);
  return status;
}

uint64_t races_noted(enum races_function function, int32_t status) {
  return *note_of(function, status);
}

void races_count(atomic_uchar *number) {
  atomic_fetch_add_explicit(number, 1, memory_order_relaxed);
}

uint64_t races_random(struct races_actor *actor, uint64_t below) {
  actor->random = actor->random * 6364136223846793005u + 1442695040888963407u;
  return (actor->random >> 33) % below;
}

/* ---- what the library calls ---- */

void races_take_reports(struct races_life *life, const sendoff_report *reports, size_t count) {
  for (size_t i = 0; i < count; i++) {
    uint64_t number = reports[i].opaque >> 32, record = reports[i].opaque & UINT32_MAX;
    if (number != life->number || record >= RACES_RECORDS_MAX) fail("report", "of a record that nobody sent");
    if (reports[i].outcome < SENDOFF_OUTCOME_DELIVERED || reports[i].outcome > SENDOFF_OUTCOME_UNKNOWN)
      fail("report", "without an outcome");
    races_count(&life->reported[record]);
  }
}

/* From here, too, any function is called. */
static void on_reports(void *user, const sendoff_report *reports, size_t count) {
  struct races_life *life = user;
  races_take_reports(life, reports, count);
  struct races_actor actor = {.random = life->random, .in_callback = true, .inside = life};
  if (races_random(&actor, 4) == 0) races_call(&actor);
  life->random = actor.random;
}

static void on_log(void *user, int32_t level, const char *line) {
  (void)user;
  if (level < 0 || line == NULL) fail("log", "is not a line");
}

static void on_token_wanted(void *user) {
  (void)user;
}

static int32_t choose_partition(void *user, const char *topic, const void *key, size_t key_bytes,
                                const void *value, size_t value_bytes, int32_t partition_count,
                                int32_t *partition) {
  (void)user, (void)topic, (void)key, (void)value;
  *partition = (int32_t)((key_bytes + value_bytes) % (size_t)partition_count);
  return SENDOFF_OK;
}

static void on_release(void *user) {
  struct races_life *life = user;
  life->released++;
}

/* ---- lives ---- */

static void set(sendoff_config *config, const char *name, const char *value) {
  char error[512] = "";
  if (races_note(RACES_config_set, sendoff_config_set(config, name, value, error, sizeof error)) !=
      SENDOFF_OK)
    fail(name, error);
}

static struct races_life *make(uint32_t slot) {
  const struct kind *kind = &kinds[slot];
  struct races_life *life = calloc(1, sizeof *life);
  sendoff_config *config;
  char error[512] = "";
  if (life == NULL) fail("a life", "no memory");
  life->number = world.life_count++;
  if (life->number >= RACES_LIVES_MAX) fail("lives", "are too many");
  life->random = life->number;
  life->is_queued = kind->is_queued;
  life->has_tokens = kind->has_tokens;
  expect_ok(races_note(RACES_config_create, sendoff_config_create(&config)), "config");
  set(config, "bootstrap.servers", world.bootstrap);
  set(config, "max.block.ms", "1");
  for (size_t i = 0; i + 1 < SETTINGS_MAX && kind->settings[i] != NULL; i += 2)
    set(config, kind->settings[i], kind->settings[i + 1]);
  sendoff_callbacks callbacks = {.size = sizeof callbacks,
                                 .user = life,
                                 .release = on_release,
                                 .on_log = on_log,
                                 .on_token_wanted = on_token_wanted};
  if (!kind->is_queued) callbacks.on_reports = on_reports;
  if (kind->has_partitioner) callbacks.partitioner = choose_partition;
  int32_t status = sendoff_create(config, &callbacks, &life->producer, error, sizeof error);
  if (races_note(RACES_create, status) != SENDOFF_OK) fail("create", error);
  sendoff_config_destroy(config);
  (void)races_note(RACES_config_destroy, SENDOFF_OK);
  world.lives[life->number] = life;
  return life;
}

void races_begin(const char *bootstrap, const char *topic, const char *properties) {
  world.bootstrap = bootstrap;
  world.topic = topic;
  world.properties = properties;
  for (uint32_t i = 0; i < RACES_SLOTS; i++)
    world.slots[i] = make(i);
}

struct races_life *races_life_any(struct races_actor *actor) {
  if (races_random(actor, 32) == 0) return world.lives[races_random(actor, world.life_count)];
  return world.slots[races_random(actor, RACES_SLOTS)];
}

void races_life_destroy(struct races_life *life) {
  life->is_abrupt = true;
  sendoff_destroy(life->producer);
  (void)races_note(RACES_destroy, SENDOFF_OK);
}

/* Everything of a closed producer has been told, which a queue is read for. */
static bool has_told_all(struct races_life *life) {
  sendoff_counters counters = {.size = sizeof counters};
  sendoff_report reports[64];
  size_t count;
  while (life->is_queued) {
    int32_t status = sendoff_poll(life->producer, reports, sizeof reports / sizeof *reports, 1, &count);
    if (races_note(RACES_poll, status) == SENDOFF_CLOSED) return true;
    if (status != SENDOFF_OK) return false;
    races_take_reports(life, reports, count);
  }
  /* CLOSED: another thread has destroyed it */
  int32_t status = races_note(RACES_get_counters, sendoff_get_counters(life->producer, &counters));
  return status == SENDOFF_CLOSED || counters.records_pending + counters.reports_unread == 0;
}

static void end_in_order(struct races_actor *actor, struct races_life *life) {
  int64_t end_us = now_us() + PATIENCE_US;
  do {
    (void)races_note(RACES_close, sendoff_close(life->producer, (int64_t)races_random(actor, 30)));
    if (now_us() > end_us) fail("close", "never comes to its end");
  } while (!has_told_all(life));
  sendoff_destroy(life->producer);
  (void)races_note(RACES_destroy, SENDOFF_OK);
}

void races_life_renew(struct races_actor *actor, uint32_t slot, bool in_order) {
  struct races_life *life = atomic_exchange(&world.slots[slot], NULL);
  if (life == NULL) return; /* another thread is at it */
  if (in_order) {
    end_in_order(actor, life);
  } else {
    races_life_destroy(life);
  }
  races_memory_exempt(true);
  world.slots[slot] = make(slot);
  races_memory_exempt(false);
}

void races_forget_report(void) {
  world.forgets = true;
}

/* Takes one that came out of the books, of a life in which none may be missing. */
static void forget_one(uint32_t lives) {
  for (uint32_t i = 0; i < lives; i++) {
    struct races_life *life = world.lives[i];
    for (size_t record = 0; record < RACES_RECORDS_MAX && !life->is_abrupt; record++) {
      if (life->reported[record] == 0) continue;
      life->reported[record] = 0;
      return;
    }
  }
}

static uint64_t settle_accounts(const struct races_life *life) {
  uint64_t accepted = 0;
  for (size_t i = 0; i < RACES_RECORDS_MAX; i++) {
    bool is_missing = life->accepted[i] > life->reported[i] || life->has_callback[i] > life->called[i];
    bool is_excess = life->reported[i] > life->accepted[i] || life->called[i] > life->has_callback[i];
    if (is_excess || (is_missing && !life->is_abrupt)) fail("a record", "has not exactly one report");
    accepted += life->accepted[i];
  }
  return accepted;
}

uint64_t races_end(struct races_actor *actor, uint32_t *lives) {
  uint64_t accepted = 0;
  for (uint32_t i = 0; i < RACES_SLOTS; i++)
    end_in_order(actor, world.slots[i]);
  int64_t end_us = now_us() + PATIENCE_US;
  *lives = world.life_count;
  for (uint32_t i = 0; i < *lives; i++) {
    const struct races_life *life = world.lives[i];
    while (life->released == 0 && now_us() < end_us)
      sleep_us(1000);
    if (life->released != 1) fail("release", "was not called once");
  }
  if (world.forgets) forget_one(*lives);
  for (uint32_t i = 0; i < *lives; i++)
    accepted += settle_accounts(world.lives[i]);
  for (uint32_t i = 0; i < *lives; i++)
    free(world.lives[i]);
  return accepted;
}

const char *races_topic(void) {
  return world.topic;
}

const char *races_properties(void) {
  return world.properties;
}
