#include "sim/canary.h"

#include "sim/simulation.h"
#include <string.h>

static const char *const names[CANARY_COUNT] = {[CANARY_NONE] = "none",
#define SIM_CANARY_TEXT(name, text) [CANARY_##name] = (text),
                                                SIM_CANARIES(SIM_CANARY_TEXT)
#undef SIM_CANARY_TEXT
};

static void visit_partitions(struct simulation *simulation,
                             void (*visit)(struct sender_partition *partition));
static void change_identity(struct sender_partition *partition);
static void leave_gap(struct sender_partition *partition);
static void leave_epoch(struct sender_partition *partition);
static void change_topic(struct sender_partition *partition);
static void favour_some(struct simulation *simulation);

const char *canary_name(enum canary canary) {
  return names[canary];
}

bool canary_of_name(const char *name, enum canary *canary) {
  for (int i = CANARY_NONE + 1; i < CANARY_COUNT; i++) {
    if (strcmp(names[i], name) != 0) continue;
    *canary = (enum canary)i;
    return true;
  }
  return false;
}

void canary_spoil_settings(struct simulation *simulation) {
  enum { MORE = 3 };
  if (simulation->scenario.canary != CANARY_CROWD) return;
  simulation->network_settings.max_in_flight += MORE;
  simulation->sender_settings.max_in_flight += MORE;
}

void canary_before_step(struct simulation *simulation) {
  switch (simulation->scenario.canary) {
  case CANARY_IDENTITY: visit_partitions(simulation, change_identity); break;
  case CANARY_GAP: visit_partitions(simulation, leave_gap); break;
  case CANARY_EPOCH: visit_partitions(simulation, leave_epoch); break;
  case CANARY_TOPIC: visit_partitions(simulation, change_topic); break;
  case CANARY_FAVOUR: favour_some(simulation); break;
  default: break;
  }
}

void canary_after_step(struct simulation *simulation) {
  static const int64_t HOUR_US = 3600 * (int64_t)SCENARIO_S;
  if (simulation->scenario.canary == CANARY_SLEEP)
    simulation->sleep_until_us = simulation_now_us(simulation) + HOUR_US;
  if (simulation->scenario.canary == CANARY_SPIN) simulation->sleep_until_us = simulation_now_us(simulation);
}

bool canary_spoil_report(const struct simulation *simulation, struct report *report) {
  enum canary canary = simulation->scenario.canary;
  bool is_delivered = report->outcome == OUTCOME_DELIVERED;
  if (canary == CANARY_LIE && is_delivered) report->outcome = OUTCOME_NOT_DELIVERED;
  if (canary == CANARY_OFFSET && is_delivered) report->offset++;
  return canary == CANARY_REPEAT;
}

/* Neighbours are of one partition. */
void canary_spoil_send(const struct simulation *simulation, struct application_send *send) {
  if (simulation->scenario.canary != CANARY_SWAP) return;
  send->topic = 0;
  send->partition = 0;
}

uint32_t canary_spoil_number(const struct simulation *simulation, uint32_t number) {
  return simulation->scenario.canary == CANARY_SWAP ? number ^ 1 : number;
}

static void visit_partitions(struct simulation *simulation,
                             void (*visit)(struct sender_partition *partition)) {
  const struct topic_registry *registry = &simulation->accumulator.registry;
  for (uint32_t t = 0; t < registry->count; t++)
    for (int32_t p = 0; p < registry->topics[t]->partition_capacity; p++) {
      const struct partition *queue = registry->topics[t]->partitions[p];
      if (queue == NULL || queue->sender->queue == NULL || queue->sender->producer_id < 0) continue;
      visit(queue->sender);
    }
}

/* What peers did: a batch that may have been written goes out under the next epoch. */
static void change_identity(struct sender_partition *partition) {
  const struct batch *first = sender_partition_next_retry(partition);
  if (partition->in_flight > 0 || first == NULL || !first->ambiguous || first->producer_id < 0) return;
  partition->producer_epoch++;
  partition->next_sequence = 0;
  for (struct list *node = partition->sent.next; node != &partition->sent; node = node->next) {
    struct batch *batch = LIST_ENTRY(node, struct batch, queue_node);
    batch->producer_epoch = partition->producer_epoch;
    batch->base_sequence = partition->next_sequence;
    batch->finished = batch->ambiguous = false;
    partition->next_sequence += (int32_t)batch->record_count;
  }
}

static void leave_gap(struct sender_partition *partition) {
  if (partition->sent_count == 0 && partition->established) partition->next_sequence++;
}

static void leave_epoch(struct sender_partition *partition) {
  if (partition->in_flight == 0 || partition->producer_epoch == INT16_MAX) return;
  partition->producer_epoch++;
  partition->next_sequence = 0;
}

static void change_topic(struct sender_partition *partition) {
  const struct batch *first = sender_partition_next_retry(partition);
  if (first != NULL && first->ambiguous) partition->queue->topic->sender->id.octets[0] ^= 1;
}

/* The first topic's first partition is the first of its leader's. */
static void favour_some(struct simulation *simulation) {
  const struct list *head = &simulation->sender->nodes;
  for (struct list *at = head->next; at != head; at = at->next) {
    struct sender_node *node = LIST_ENTRY(at, struct sender_node, node);
    for (struct list *place = node->partitions.next; place != &node->partitions; place = place->next) {
      const struct sender_partition *partition = LIST_ENTRY(place, struct sender_partition, place_node);
      if (partition->queue->topic->id != 0 || partition->queue->index != 0) continue;
      list_remove(place);
      list_prepend(&node->partitions, place);
      break;
    }
  }
}
