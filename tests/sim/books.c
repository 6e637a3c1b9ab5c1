#include "sim/books.h"

#include "base/assertion.h"
#include "base/clock.h"
#include "base/crc32c.h"
#include "base/status.h"
#include "sim/invariants.h"
#include "sim/realm.h"
#include "sim/simulation.h"
#include <stdio.h>
#include <stdlib.h>

enum { CALLS_MAX = 64, BLOCKS_MAX = 4096, BATCH_RECORDS_MAX = 4096, VALUE_BYTES_MAX = 1 << 20 };

/* A walk along one log. */
struct walk {
  struct simulation *simulation;
  uint32_t topic;
  int32_t partition;
  struct uuid incarnation;
  bool is_archived; /* goes into the archive, not into the books */
};

/* A walk along a log that is being cut. */
struct cut {
  struct simulation *simulation;
  bool is_lost;
};

static void note_call(struct simulation *simulation, const struct produce_call *call);
static bool mark_cut(void *context, int64_t offset, int64_t timestamp_ms, const struct record_view *record);
static void begin_log(void *context, int32_t partition, const struct uuid *incarnation);
static uint32_t number_of(const struct bytes value);
static bool visit(void *context, int64_t offset, int64_t timestamp_ms, const struct record_view *record);
static void check_value(struct simulation *simulation, uint32_t number, uint32_t topic, struct bytes value);
static void walk_topic(struct simulation *simulation, uint32_t topic, bool is_archived);
static void walk_archive(struct simulation *simulation);
static size_t add_block(const struct batch **roots, uint32_t *count, const struct batch *batch);

/* Calls are appended as they are made, and their correlation ids ascend. */
void books_note_calls(struct simulation *simulation) {
  const struct produce_call *calls[CALLS_MAX];
  uint32_t count = 0;
  const struct list *head = &simulation->sender->open_calls;
  for (struct list *node = head->previous; node != head; node = node->previous) {
    const struct produce_call *call = LIST_ENTRY(node, struct produce_call, node);
    if (call->request.correlation_id <= simulation->last_correlation_id) break;
    ASSERT(count < CALLS_MAX);
    calls[count++] = call;
  }
  while (count > 0)
    note_call(simulation, calls[--count]);
}

void books_end_calls(struct simulation *simulation) {
  struct ledger *ledger = &simulation->ledger;
  const struct list *head = &simulation->sender->open_calls;
  const struct list *node = head->next;
  for (uint32_t i = ledger->first_open; i < ledger->attempt_count; i++) {
    struct ledger_attempt *attempt = &ledger->attempts[i];
    if (attempt->ended) continue;
    bool is_open = false;
    for (node = head->next; node != head && !is_open; node = node->next)
      is_open =
          LIST_ENTRY((struct list *)(uintptr_t)node, struct produce_call, node)->request.correlation_id ==
          attempt->correlation_id;
    if (is_open)
      invariant_requests_end_in_time(ledger, attempt);
    else
      ledger_end_attempt(ledger, attempt);
  }
}

/* Unsettled batches, those whose reports are unread, and those that a request still refers to. */
void books_check_memory(struct simulation *simulation) {
  static const struct batch *roots[BLOCKS_MAX];
  uint32_t count = 0;
  size_t bytes = 0;
  const struct accumulator *accumulator = &simulation->accumulator;
  for (struct list *node = accumulator->incomplete.next; node != &accumulator->incomplete; node = node->next)
    bytes += add_block(roots, &count, LIST_ENTRY(node, struct batch, incomplete_node));
  const struct list *unread = &simulation->reports.batches;
  for (struct list *node = unread->next; node != unread; node = node->next)
    bytes += add_block(roots, &count, LIST_ENTRY(node, struct batch, queue_node));
  const struct list *settled = &simulation->sender->settled;
  for (struct list *node = settled->next; node != settled; node = node->next)
    bytes += add_block(roots, &count, LIST_ENTRY(node, struct batch, queue_node));
  const struct list *calls = &simulation->sender->open_calls;
  for (struct list *node = calls->next; node != calls; node = node->next) {
    const struct produce_call *call = LIST_ENTRY(node, struct produce_call, node);
    for (uint32_t i = 0; i < call->part_count; i++)
      bytes += add_block(roots, &count, call->parts[i].batch);
  }
  invariant_memory_adds_up(&simulation->ledger, bytes, buffer_pool_used_bytes(accumulator->pool),
                           buffer_pool_total_bytes(accumulator->pool));
}

void books_check_wait(struct simulation *simulation, int64_t wait_us) {
  int64_t first_us = ledger_first_deadline_us(&simulation->ledger);
  const struct list *head = &simulation->accumulator.incomplete;
  for (struct list *node = head->next; node != head; node = node->next) {
    const struct batch *batch = LIST_ENTRY(node, struct batch, incomplete_node);
    if (batch->deadline_us < first_us) first_us = batch->deadline_us;
  }
  const struct list *calls = &simulation->sender->open_calls;
  for (struct list *node = calls->next; node != calls; node = node->next) {
    const struct request *request = &LIST_ENTRY(node, struct produce_call, node)->request;
    if (request->deadline_us < first_us) first_us = request->deadline_us;
  }
  invariant_waits_end(&simulation->ledger, wait_us, first_us);
}

void books_check_logs(struct simulation *simulation, bool at_rest) {
  ledger_begin_logs(&simulation->ledger);
  walk_archive(simulation);
  for (uint32_t t = 0; t <= SCENARIO_TOPICS_MAX; t++)
    walk_topic(simulation, t, false);
  ledger_end_logs(&simulation->ledger, at_rest);
}

void books_cut_log(struct simulation *simulation, uint32_t topic, int32_t partition, int32_t node_id) {
  struct cut cut = {.simulation = simulation};
  struct model_cluster *cluster = &simulation->cluster;
  const struct cluster_topic *found = model_cluster_topic(cluster, scenario_topics[topic]);
  if (found->partitions[partition]->leader_id == node_id) return;
  simulation_trace(simulation, "node %d leads %s-%d, whatever it has", (int)node_id, scenario_topics[topic],
                   (int)partition);
  /* All that is committed is marked, and then what is left of it is not. */
  cut.is_lost = true;
  (void)model_cluster_visit_committed(cluster, found, partition, 0, mark_cut, &cut);
  (void)realm_elect_unclean(cluster, scenario_topics[topic], partition, node_id);
  cut.is_lost = false;
  (void)model_cluster_visit_committed(cluster, found, partition, 0, mark_cut, &cut);
  ledger_note_cut(&simulation->ledger, topic, partition);
}

void books_trace_state(const struct simulation *simulation) {
  const struct sender *sender = simulation->sender;
  simulation_trace(simulation,
                   "identity %d, metadata request open %d, refresh %d, wanted %u, next attempt %lld",
                   (int)sender->identity.state, sender->cluster.request_open, sender->cluster.refresh_wanted,
                   sender->cluster.wanted_count, (long long)sender->cluster.next_attempt_us);
  const struct topic_registry *registry = &simulation->accumulator.registry;
  for (uint32_t t = 0; t < registry->count; t++) {
    const struct topic *topic = registry->topics[t];
    simulation_trace(simulation, "topic %s: %d partitions, staged %d, wanted %d", topic->name,
                     (int)topic->partition_count, !list_is_empty(&topic->staged), topic->metadata_wanted);
    for (int32_t p = 0; p < topic->partition_capacity; p++) {
      const struct partition *queue = topic->partitions[p];
      if (queue == NULL) continue;
      const struct sender_partition *partition = queue->sender;
      simulation_trace(
          simulation, "  %d: queue state %d, %u batches; place %d, leader %d/%d, %u sent, %u in flight",
          (int)p, (int)queue->state, queue->batch_count, (int)partition->place, (int)partition->leader_id,
          (int)partition->leader_epoch, partition->sent_count, partition->in_flight);
    }
  }
}

void simulation_archive(struct simulation *simulation, uint32_t topic) {
  if (scenario_has(&simulation->scenario, FAULT_REPLICATION)) return; /* what was committed stays there */
  walk_topic(simulation, topic, true);
}

/* What follows the number depends on it and on the place, so that bytes that moved are seen. */
uint32_t books_write_value(char *to, uint32_t number, uint32_t topic, bool is_bad, uint32_t size) {
  enum { SHIFTS = 251, HEAD_BYTES_MAX = 64 };
  static char padding[VALUE_BYTES_MAX + SHIFTS];
  if (padding[0] == 0) {
    struct random random;
    random_seed(&random, 1);
    for (size_t i = 0; i < sizeof padding; i++)
      padding[i] = (char)('a' + random_below(&random, 16));
  }
  ASSERT(size < VALUE_BYTES_MAX);
  uint32_t at = (uint32_t)snprintf(to, HEAD_BYTES_MAX, "%s#%u:%s:", is_bad ? "bad" : "", number,
                                   scenario_topics[topic]);
  if (at >= size) return at;
  memcpy(to + at, padding + number % SHIFTS, size - at);
  return size;
}

static void note_call(struct simulation *simulation, const struct produce_call *call) {
  struct ledger *ledger = &simulation->ledger;
  static uint32_t numbers[BATCH_RECORDS_MAX];
  simulation->last_correlation_id = call->request.correlation_id;
  ledger_begin_attempt(ledger, call->request.correlation_id, call->node_id, call->version, call->acks);
  for (uint32_t i = 0; i < call->part_count; i++) {
    const struct batch *batch = call->parts[i].batch;
    struct ledger_part part = {.topic = batch->topic->id,
                               .partition = batch->partition->index,
                               .topic_id = call->parts[i].topic_id,
                               .producer_id = batch->producer_id,
                               .producer_epoch = batch->producer_epoch,
                               .base_sequence = batch->base_sequence,
                               .record_count = batch->record_count};
    part.hash = crc32c_extend(0, batch->header, RECORD_BATCH_HEADER_BYTES);
    part.hash = crc32c_extend(part.hash, batch->records, batch->records_bytes);
    ASSERT(batch->record_count <= BATCH_RECORDS_MAX);
    for (uint32_t r = 0; r < batch->record_count; r++)
      numbers[r] = (uint32_t)batch_entry(batch, r)->opaque;
    ledger_add_part(ledger, &part, numbers);
    simulation_trace(simulation,
                     "request %d to node %d: %s-%d producer %lld/%d sequence %d, records %u to %u",
                     (int)call->request.correlation_id, (int)call->node_id, batch->topic->name,
                     (int)batch->partition->index, (long long)batch->producer_id, batch->producer_epoch,
                     (int)batch->base_sequence, numbers[0], numbers[batch->record_count - 1]);
  }
}

static bool mark_cut(void *context, int64_t offset, int64_t timestamp_ms, const struct record_view *record) {
  const struct cut *cut = context;
  struct ledger *ledger = &cut->simulation->ledger;
  uint32_t number = number_of(record->value);
  (void)offset;
  (void)timestamp_ms;
  if (number < ledger->record_count) ledger->records[number].is_lost = cut->is_lost;
  return true;
}

static void walk_topic(struct simulation *simulation, uint32_t topic, bool is_archived) {
  struct walk walk = {.simulation = simulation, .topic = topic, .is_archived = is_archived};
  struct realm_walk along = {.begin = begin_log, .visit = visit, .context = &walk};
  realm_walk_logs(&simulation->cluster, scenario_topics[topic], &along);
}

static void begin_log(void *context, int32_t partition, const struct uuid *incarnation) {
  struct walk *walk = context;
  walk->partition = partition;
  walk->incarnation = *incarnation;
  if (!walk->is_archived) ledger_begin_log(&walk->simulation->ledger, walk->topic, partition);
}

static bool visit(void *context, int64_t offset, int64_t timestamp_ms, const struct record_view *record) {
  struct walk *walk = context;
  struct simulation *simulation = walk->simulation;
  (void)timestamp_ms;
  uint32_t number = number_of(record->value);
  check_value(simulation, number, walk->topic, record->value);
  if (!walk->is_archived) {
    ledger_note_logged(&simulation->ledger, walk->topic, walk->partition, &walk->incarnation, offset, number);
    return true;
  }
  if (simulation->archive_count == simulation->archive_capacity) {
    simulation->archive_capacity = simulation->archive_capacity == 0 ? 256 : simulation->archive_capacity * 2;
    simulation->archive =
        realloc(simulation->archive, simulation->archive_capacity * sizeof *simulation->archive);
    ASSERT(simulation->archive != NULL);
  }
  simulation->archive[simulation->archive_count++] = (struct archived){.topic = walk->topic,
                                                                       .number = number,
                                                                       .partition = walk->partition,
                                                                       .incarnation = walk->incarnation,
                                                                       .offset = offset};
  return true;
}

static void walk_archive(struct simulation *simulation) {
  for (uint32_t i = 0; i < simulation->archive_count; i++) {
    const struct archived *at = &simulation->archive[i];
    if (i == 0 || at[-1].partition != at->partition || at[-1].topic != at->topic ||
        !uuid_equal(&at[-1].incarnation, &at->incarnation))
      ledger_begin_log(&simulation->ledger, at->topic, at->partition);
    ledger_note_logged(&simulation->ledger, at->topic, at->partition, &at->incarnation, at->offset,
                       at->number);
  }
}

static uint32_t number_of(const struct bytes value) {
  const uint8_t *mark = memchr(value.data, '#', value.size);
  return mark == NULL ? UINT32_MAX : (uint32_t)strtoul((const char *)mark + 1, NULL, 10);
}

static void check_value(struct simulation *simulation, uint32_t number, uint32_t topic, struct bytes value) {
  static char expected[VALUE_BYTES_MAX];
  bool is_bad = value.size > 0 && value.data[0] == 'b';
  ASSERT(value.size < VALUE_BYTES_MAX);
  uint32_t size = books_write_value(expected, number, topic, is_bad, (uint32_t)value.size);
  if (size != value.size || memcmp(expected, value.data, size) != 0)
    ledger_refute(&simulation->ledger, "I9 wire_is_what_was_sealed",
                  "record %u in topic %s is not what was sent", number, scenario_topics[topic]);
}

static size_t add_block(const struct batch **roots, uint32_t *count, const struct batch *batch) {
  const struct batch *root = batch->root;
  for (uint32_t i = 0; i < *count; i++)
    if (roots[i] == root) return 0;
  ASSERT(*count < BLOCKS_MAX);
  roots[(*count)++] = root;
  return root->block_bytes;
}
