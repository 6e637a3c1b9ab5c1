#include "races.h"
#include "support.h"

#include <string.h>

enum { VALUE_MAX_BYTES = 40000 };

static const char value[VALUE_MAX_BYTES] = "a value of many different lengths";

/* Whether waiting may be asked for. */
static int64_t timeout_of(struct races_actor *actor) {
  return actor->in_callback ? 0 : (int64_t)races_random(actor, 3);
}

/* ---- records ---- */

/* Mostly short. */
static size_t value_bytes_of(struct races_actor *actor) {
  return races_random(actor, races_random(actor, 64) == 0 ? VALUE_MAX_BYTES : 80);
}

static bool take_number(struct races_life *life, uint32_t *number) {
  if (atomic_load_explicit(&life->next, memory_order_relaxed) >= RACES_RECORDS_MAX) return false;
  *number = atomic_fetch_add_explicit(&life->next, 1, memory_order_relaxed);
  return *number < RACES_RECORDS_MAX;
}

static uint64_t opaque_of(const struct races_life *life, uint32_t number) {
  return (uint64_t)life->number << 32 | number;
}

static void on_record(void *user, const sendoff_report *report) {
  struct races_life *life = user;
  races_count(&life->called[report->opaque & UINT32_MAX]);
}

static sendoff_record record_of(struct races_actor *actor, const struct races_life *life, uint32_t number) {
  static const sendoff_header header = {.name = "h", .name_bytes = 1, .value = "v", .value_bytes = 1};
  return (sendoff_record){.size = sizeof(sendoff_record),
                          .topic = races_random(actor, 200) == 0 ? "no/topic" : races_topic(),
                          .key = &life->number,
                          .key_bytes = races_random(actor, 2) * sizeof life->number,
                          .value = value,
                          .value_bytes = value_bytes_of(actor),
                          .headers = &header,
                          .header_count = races_random(actor, 2),
                          .opaque = opaque_of(life, number)};
}

static void call_send(struct races_actor *actor, struct races_life *life, bool waits) {
  uint32_t number;
  if (!take_number(life, &number)) return;
  sendoff_record record = record_of(actor, life, number);
  bool has_callback = races_random(actor, 8) == 0;
  if (has_callback) {
    record.callback = on_record;
    record.user = life;
  }
  int32_t status = waits ? races_note(RACES_send, sendoff_send(life->producer, &record))
                         : races_note(RACES_try_send, sendoff_try_send(life->producer, &record));
  if (status == SENDOFF_OK) races_count(&life->accepted[number]);
  if (status == SENDOFF_OK && has_callback) races_count(&life->has_callback[number]);
}

static void call_send_sync(struct races_actor *actor, struct races_life *life) {
  uint32_t number;
  if (!take_number(life, &number)) return;
  sendoff_record record = record_of(actor, life, number);
  sendoff_report report = {.outcome = 0};
  int32_t status = sendoff_send_sync(life->producer, &record, timeout_of(actor), &report);
  if (report.outcome != 0) {
    races_count(&life->accepted[number]);
    races_count(&life->reported[number]);
  } else {
    /* After TIMED_OUT it is accepted, and its report dropped, which is what was asked for. */
    (void)races_note(RACES_send_sync, status);
  }
}

static void call_send_flat(struct races_actor *actor, struct races_life *life) {
  uint32_t number, topic;
  int32_t status = races_note(RACES_topic, sendoff_topic(life->producer, races_topic(), &topic));
  if (status != SENDOFF_OK || !take_number(life, &number)) return;
  uint32_t set = races_random(actor, 2) == 0 ? SENDOFF_SET_TRY : SENDOFF_SET_PARTITION;
  status = sendoff_send_flat(life->producer, topic, set, (int32_t)races_random(actor, 13), 0, NULL, 0, value,
                             value_bytes_of(actor), NULL, 0, opaque_of(life, number));
  if (races_note(RACES_send_flat, status) == SENDOFF_OK) races_count(&life->accepted[number]);
}

static void call_send_batch(struct races_actor *actor, struct races_life *life) {
  enum { BATCH = 4, VALUE_BYTES = 8 };
  struct {
    sendoff_packed_record record;
    char text[VALUE_BYTES];
  } packed[BATCH];
  uint32_t numbers[BATCH], topic, accepted = 0, count = 0;
  int32_t status = races_note(RACES_topic, sendoff_topic(life->producer, races_topic(), &topic));
  if (status != SENDOFF_OK) return;
  memset(packed, 0, sizeof packed);
  for (; count < BATCH && take_number(life, &numbers[count]); count++)
    packed[count].record = (sendoff_packed_record){.opaque = opaque_of(life, numbers[count]),
                                                   .topic_id = topic,
                                                   .key_bytes = -1,
                                                   .value_bytes = VALUE_BYTES};
  uint32_t set = races_random(actor, 2) == 0 ? SENDOFF_SET_TRY : 0;
  status = sendoff_send_batch(life->producer, packed, count * sizeof packed[0], count, set, &accepted);
  (void)races_note(RACES_send_batch, status);
  for (uint32_t i = 0; i < accepted; i++)
    races_count(&life->accepted[numbers[i]]);
}

static void call_any_send(struct races_actor *actor, struct races_life *life) {
  switch (races_random(actor, 16)) {
  case 0: call_send_sync(actor, life); break;
  case 1: call_send_batch(actor, life); break;
  case 2:
  case 3: call_send_flat(actor, life); break;
  case 4:
  case 5:
  case 6: call_send(actor, life, false); break;
  default: call_send(actor, life, true); break;
  }
}

/* ---- waiting ---- */

static void call_poll(struct races_actor *actor, struct races_life *life) {
  sendoff_report reports[16];
  size_t count = 0;
  int32_t status =
      sendoff_poll(life->producer, reports, 1 + races_random(actor, 16), timeout_of(actor), &count);
  if (races_note(RACES_poll, status) == SENDOFF_OK) races_take_reports(life, reports, count);
}

static void call_wait(struct races_actor *actor, struct races_life *life) {
  sendoff_flush_result result = {.size = sizeof result};
  sendoff_event event = {.size = sizeof event};
  char error[256];
  sendoff_producer *producer = life->producer;
  switch (races_random(actor, 6)) {
  case 0: (void)races_note(RACES_flush, sendoff_flush(producer, timeout_of(actor), &result)); break;
  case 1:
    (void)races_note(RACES_wait_for_space, sendoff_wait_for_space(producer, 100, timeout_of(actor)));
    break;
  case 2: (void)races_note(RACES_poll_event, sendoff_poll_event(producer, &event, timeout_of(actor))); break;
  case 3:
    (void)races_note(RACES_connect, sendoff_connect(producer, timeout_of(actor), error, sizeof error));
    break;
  case 4:
    (void)races_note(RACES_wait_token_wanted, sendoff_wait_token_wanted(producer, timeout_of(actor)));
    break;
  default: (void)races_note(RACES_wake, sendoff_wake(producer)); break;
  }
}

static void call_partitions(struct races_actor *actor, struct races_life *life) {
  sendoff_partitions *partitions = NULL;
  sendoff_partition partition = {.size = sizeof partition};
  uint32_t count = 0;
  int32_t nodes[4];
  int32_t status = sendoff_partitions_for(life->producer, races_topic(), timeout_of(actor), &partitions);
  if (races_note(RACES_partitions_for, status) != SENDOFF_OK) return;
  expect_ok(races_note(RACES_partitions_count, sendoff_partitions_count(partitions, &count)),
            "partitions_count");
  uint32_t index = (uint32_t)races_random(actor, count + 1);
  (void)races_note(RACES_partitions_get, sendoff_partitions_get(partitions, index, &partition));
  status = sendoff_partitions_nodes(partitions, index, SENDOFF_NODES_REPLICAS, nodes, 4, &count);
  (void)races_note(RACES_partitions_nodes, status);
  sendoff_partitions_destroy(partitions);
  (void)races_note(RACES_partitions_destroy, SENDOFF_OK);
}

/* ---- looking, credentials, configurations ---- */

static void call_look(struct races_actor *actor, struct races_life *life) {
  sendoff_counters counters = {.size = sizeof counters};
  uint32_t topic = 0;
  int32_t descriptor;
  char name[16];
  sendoff_producer *producer = races_random(actor, 50) == 0 ? NULL : life->producer;
  switch (races_random(actor, 4)) {
  case 0: (void)races_note(RACES_get_counters, sendoff_get_counters(producer, &counters)); break;
  case 1: (void)races_note(RACES_topic, sendoff_topic(producer, races_topic(), &topic)); break;
  case 2:
    topic = (uint32_t)races_random(actor, 3);
    (void)races_note(RACES_topic_name, sendoff_topic_name(producer, topic, name, sizeof name, NULL));
    break;
  default: (void)races_note(RACES_report_descriptor, sendoff_report_descriptor(producer, &descriptor)); break;
  }
}

static void call_credentials(struct races_actor *actor, struct races_life *life) {
  const sendoff_token token = {.size = sizeof token, .value = "a.b.c", .expires_ms = INT64_MAX};
  char error[256];
  switch (races_random(actor, 3)) {
  case 0:
    (void)races_note(RACES_set_token, sendoff_set_token(life->producer, &token, error, sizeof error));
    break;
  case 1: (void)races_note(RACES_set_token_failure, sendoff_set_token_failure(life->producer, "none")); break;
  default:
    (void)races_note(RACES_reload_credentials,
                     sendoff_reload_credentials(life->producer, NULL, error, sizeof error));
    break;
  }
}

static void call_config(struct races_actor *actor) {
  static const char *const settings[][2] = {
      {"linger.ms", "7"}, {"acks", "none"}, {"no.setting", "1"}, {"topic.a.acks", "1"}};
  sendoff_config *config;
  char error[256], text[64];
  if (races_note(RACES_config_create, sendoff_config_create(&config)) != SENDOFF_OK) return;
  const char *const *setting = settings[races_random(actor, 4)];
  (void)races_note(RACES_config_set, sendoff_config_set(config, setting[0], setting[1], error, sizeof error));
  (void)races_note(RACES_config_get, sendoff_config_get(config, setting[0], text, sizeof text, NULL));
  (void)races_note(RACES_config_load_file,
                   sendoff_config_load_file(config, races_properties(), error, sizeof error));
  sendoff_config_destroy(config);
  (void)races_note(RACES_config_destroy, SENDOFF_OK);
}

static void call_static(struct races_actor *actor) {
  sendoff_setting setting = {.size = sizeof setting};
  uint32_t count = 0;
  int32_t status = -1040 + (int32_t)races_random(actor, 1200);
  expect_ok(races_note(RACES_setting_count, sendoff_setting_count(&count)), "setting_count");
  uint32_t index = (uint32_t)races_random(actor, count + 1);
  (void)races_note(RACES_setting_at, sendoff_setting_at(index, &setting));
  if (sendoff_status_name(status) == NULL || sendoff_status_text(status) == NULL)
    fail("a status", "has no text");
  if (sendoff_version() == NULL || sendoff_features() == NULL) fail("the version", "is not there");
  if (sendoff_abi_version() != SENDOFF_ABI_VERSION) fail("the ABI", "is another one");
  (void)sendoff_status_class(status);
  static const enum races_function called[] = {RACES_status_name, RACES_status_text, RACES_status_class,
                                               RACES_version,     RACES_features,    RACES_abi_version};
  for (size_t i = 0; i < sizeof called / sizeof called[0]; i++)
    (void)races_note(called[i], SENDOFF_OK);
}

/* ---- ends ---- */

static void call_end(struct races_actor *actor, struct races_life *life) {
  if (actor->in_callback) {
    (void)races_note(RACES_close, sendoff_close(life->producer, (int64_t)races_random(actor, 20) - 1));
    if (races_random(actor, 8) == 0) races_life_destroy(life);
  } else if (races_random(actor, 8) == 0) {
    (void)races_note(RACES_close, sendoff_close(life->producer, (int64_t)races_random(actor, 20)));
  } else {
    races_life_renew(actor, (uint32_t)races_random(actor, RACES_SLOTS), races_random(actor, 4) != 0);
  }
}

void races_call(struct races_actor *actor) {
  struct races_life *life =
      actor->in_callback ? (struct races_life *)(uintptr_t)actor->inside : races_life_any(actor);
  if (life == NULL) return;
  uint64_t choice = races_random(actor, 2000);
  if (choice == 0) {
    call_end(actor, life);
  } else if (choice < 40) {
    call_wait(actor, life);
  } else if (choice < 60) {
    call_partitions(actor, life);
  } else if (choice < 90) {
    call_credentials(actor, life);
  } else if (choice < 110) {
    call_config(actor);
  } else if (choice < 150) {
    call_static(actor);
  } else if (choice < 350) {
    call_look(actor, life);
  } else if (choice < 550) {
    call_poll(actor, life);
  } else {
    call_any_send(actor, life);
  }
}
