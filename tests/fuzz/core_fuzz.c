/* The whole core without I/O, from bytes: accumulator, sender, network client and connections over a cluster
 * of model brokers in virtual time. Each step of the script is a byte that says what happens and one that
 * says how much. The first byte's lowest bit chooses: either brokers tell the truth, and then every record is
 * compared with the logs at the end, or answers are changed on their way, and then every record still has
 * exactly one report, all memory is back and no time passes in a busy loop. */
#include "support/sender_rig.h"

#include "accumulator/accumulator_check.h"
#include "base/assertion.h"
#include "base/status.h"
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
  NODES = 3,
  STEPS_MAX = 200,
  FAULTS_MAX = 24,
  RECORDS_PER_SCRIPT = 2000,
  HEALED_S = 1800, /* more than any timeout or backoff that there is */
};

enum step_kind {
  STEP_SEND,
  STEP_SEND_MANY,
  STEP_SEND_ANYWHERE,
  STEP_SEND_LARGE,
  STEP_RUN_SHORTLY,
  STEP_RUN_LONG,
  STEP_CUT,
  STEP_KILL,
  STEP_START,
  STEP_FREEZE,
  STEP_THAW,
  STEP_LEAD,
  STEP_REFUSE,
  STEP_DROP,
  STEP_WITHHOLD,
  STEP_FLUSH,
  STEP_HOLD_REPORTS,
  STEP_RELEASE,
  STEP_CHUNKS,
  STEP_RELOAD,
  STEP_METADATA_ERROR,
  STEP_KIND_COUNT,
};

/* How answers are changed: a byte at a place becomes another, or the frame is cut short. */
struct script {
  struct sender_rig rig;
  struct bytes rest;
  uint32_t step_count, fault_count, tamper_count;
  bool is_tampering, is_cutting;
};

static void init_rig(struct script *script, uint8_t choice);
static uint8_t next_byte(struct script *script);
static int16_t error_of(uint8_t amount);
static void refuse(struct script *script, uint8_t amount);
static void step(struct script *script);
static void send_some(struct script *script, int32_t partition, uint32_t count, size_t value_bytes);
static void inject(struct script *script, const struct broker_fault *fault);
static void tamper(void *context, const struct request_header *header, struct wire_writer *frame);
static void heal(struct script *script);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static struct script script;
  if (size < 2) return 0;
  script = (struct script){.rest = bytes_of(data + 1, size - 1), .is_tampering = (data[0] & 1) != 0};
  init_rig(&script, data[0]);
  while (script.rest.size > 0 && script.step_count++ < STEPS_MAX)
    step(&script);
  struct sender_rig *rig = &script.rig;
  if (script.is_cutting) accumulator_end_cut(&rig->accumulator);
  if ((data[0] & 2) != 0) { /* closed in the middle of it all */
    sender_rig_stop(rig);
    return 0;
  }
  heal(&script);
  bool is_settled = sender_rig_settle(rig, HEALED_S * (int64_t)RIG_S);
  ASSERT(is_settled);
  sender_rig_release(rig);
  if (!script.is_tampering) sender_rig_verify(rig);
  sender_rig_stop(rig);
  return 0;
}

static void init_rig(struct script *script, uint8_t choice) {
  static const enum compression_codec codecs[] = {COMPRESSION_NONE, COMPRESSION_LZ4};
  struct sender_rig *rig = &script->rig;
  sender_rig_init(rig);
  rig->settings.accumulator.buffer_bytes = 256 << 10;
  rig->settings.accumulator.partition_bytes = 128 << 10;
  rig->settings.accumulator.batch_bytes = (choice & 4) != 0 ? 1024 : 16384;
  rig->settings.accumulator.linger_us = (choice & 8) != 0 ? 5 * RIG_MS : 0;
  rig->settings.sender.max_in_flight = (choice & 16) != 0 ? 1 : 5;
  rig->settings.topic.codec = codecs[(choice & 32) != 0 && compression_is_available(COMPRESSION_LZ4)];
  rig->settings.topic.level = compression_levels(rig->settings.topic.codec).normal;
  rig->settings.topic.delivery_timeout_us = (choice & 64) != 0 ? 20 * RIG_S : 120 * RIG_S;
  rig->settings.sender.request_timeout_us = 10 * RIG_S;
  rig->settings.sender.scratch_bytes = 64 << 10;
  rig->settings.network.request_timeout_us = 10 * RIG_S;
  rig->settings.bootstrap = "10.0.0.1 10.0.0.2";
  sender_rig_start(rig, NODES);
  int32_t status = broker_model_create_topic(rig->cluster.model, "t", 2);
  ASSERT(status == STATUS_OK);
  rig->cluster.tamper = script->is_tampering ? tamper : NULL;
  rig->cluster.context = script;
}

static uint8_t next_byte(struct script *script) {
  if (script->rest.size == 0) return 0;
  uint8_t byte = *script->rest.data;
  script->rest = bytes_of(script->rest.data + 1, script->rest.size - 1);
  return byte;
}

static int16_t error_of(uint8_t amount) {
  static const int16_t errors[] = {1,  3,  5,  6,  7,  10, 14, 19, 20, 29,
                                   45, 46, 47, 59, 72, 74, 75, 90, -1, 999};
  return errors[amount / 2 % (sizeof errors / sizeof errors[0])];
}

/* Produce requests. No broker calls a batch a duplicate (46) that it does not have. */
static void refuse(struct script *script, uint8_t amount) {
  int16_t error = error_of(amount);
  inject(script, &(struct broker_fault){.api_key = API_PRODUCE,
                                        .partition = amount % 4 == 3 ? -1 : amount % 2,
                                        .count = 1 + amount % 3,
                                        .error_code = error,
                                        .after_append = error == 7 || error == 20 || error == 46});
}

static void step(struct script *script) {
  struct sender_rig *rig = &script->rig;
  struct model_cluster *cluster = &rig->cluster;
  enum step_kind kind = (enum step_kind)(next_byte(script) % STEP_KIND_COUNT);
  uint8_t amount = next_byte(script);
  int32_t node = 1 + amount % NODES, partition = amount % 2;
  switch (kind) {
  case STEP_SEND: send_some(script, partition, 1, 10 + amount); break;
  case STEP_SEND_MANY: send_some(script, partition, amount, 100); break;
  case STEP_SEND_ANYWHERE: send_some(script, -1, amount % 16, 50); break;
  case STEP_SEND_LARGE: send_some(script, partition, 1, (size_t)amount * 256); break;
  case STEP_RUN_SHORTLY: sender_rig_run(rig, (int64_t)amount * 100); break;
  case STEP_RUN_LONG: sender_rig_run(rig, (int64_t)amount * 100 * RIG_MS); break;
  case STEP_CUT: model_cluster_cut(cluster, amount % (NODES + 1)); break;
  case STEP_KILL:
    if (cluster->nodes[node].is_up) model_cluster_kill(cluster, node);
    break;
  case STEP_START:
    if (!cluster->nodes[node].is_up) model_cluster_start(cluster, node);
    break;
  case STEP_FREEZE: model_cluster_freeze(cluster, node, true); break;
  case STEP_THAW: model_cluster_freeze(cluster, node, false); break;
  case STEP_LEAD: model_cluster_lead(cluster, "t", amount / 4 % 2, node); break;
  case STEP_REFUSE: refuse(script, amount); break;
  case STEP_DROP:
    inject(script, &(struct broker_fault){.api_key = (amount & 4) != 0 ? API_METADATA : API_PRODUCE,
                                          .partition = -1,
                                          .drop_request = (amount & 1) != 0,
                                          .drop_response = (amount & 1) == 0});
    break;
  case STEP_WITHHOLD:
    inject(script,
           &(struct broker_fault){.api_key = API_PRODUCE, .partition = -1, .withhold_response = true});
    break;
  case STEP_FLUSH:
    if (script->is_cutting)
      accumulator_end_cut(&rig->accumulator);
    else
      accumulator_begin_cut(&rig->accumulator);
    script->is_cutting = !script->is_cutting;
    break;
  case STEP_HOLD_REPORTS: rig->holds_reports = true; break;
  case STEP_RELEASE:
    rig->holds_reports = false;
    sender_rig_release(rig);
    break;
  case STEP_CHUNKS:
    fake_transport_set_chunks(rig->transport, 0, 8 + (size_t)amount * 7, 1 + (size_t)amount * 3);
    break;
  case STEP_RELOAD: broker_model_reload(cluster->model); break;
  case STEP_METADATA_ERROR:
    inject(script, &(struct broker_fault){.api_key = (amount & 1) != 0 ? API_METADATA : API_INIT_PRODUCER_ID,
                                          .partition = -1,
                                          .count = 1 + amount % 3,
                                          .error_code = error_of(amount),
                                          .throttle_ms = amount});
    break;
  case STEP_KIND_COUNT: break;
  }
  /* Else the sender's turn is not over: it has news that its next step acts on. */
  if (!rig->is_awake) accumulator_check(&rig->accumulator);
}

static void send_some(struct script *script, int32_t partition, uint32_t count, size_t value_bytes) {
  for (uint32_t i = 0; i < count && script->rig.record_count < RECORDS_PER_SCRIPT; i++) {
    int32_t status = sender_rig_try(&script->rig, "t", partition, "", value_bytes, NULL);
    ASSERT(status == STATUS_OK || status == STATUS_BUFFER_FULL || status == STATUS_PARTITION_BUFFER_FULL ||
           status == STATUS_RECORD_TOO_LARGE || status == STATUS_PARTITION_OUT_OF_RANGE);
    if (status != STATUS_OK) return;
  }
}

static void inject(struct script *script, const struct broker_fault *fault) {
  if (script->fault_count++ < FAULTS_MAX) sender_rig_fault(&script->rig, fault);
}

/* Two bytes of the script for each of the first answers: where, and what. */
static void tamper(void *context, const struct request_header *header, struct wire_writer *frame) {
  struct script *script = context;
  if (script->tamper_count >= STEPS_MAX || script->rest.size < 2) return;
  script->tamper_count++;
  (void)header;
  uint8_t where = next_byte(script), what = next_byte(script);
  if (where == 0) return;
  if (where == UINT8_MAX) {
    frame->size = what % frame->size;
  } else {
    frame->data[where % frame->size] = what;
  }
}

static void heal(struct script *script) {
  struct sender_rig *rig = &script->rig;
  rig->cluster.tamper = NULL;
  broker_model_clear_faults(rig->cluster.model);
  model_cluster_heal(&rig->cluster);
  model_cluster_cut(&rig->cluster, 0); /* answers that were withheld never come */
  rig->holds_reports = false;
  sender_rig_release(rig);
}
