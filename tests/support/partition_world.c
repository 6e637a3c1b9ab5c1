#include "support/partition_world.h"

#include "base/assertion.h"
#include "base/status.h"
#include <check.h>
#include <stdlib.h>

enum { BLOCK_BYTES = 1024, RECORDS_PER_BATCH_MAX = 16, ROUNDS_MAX = 4000, FIRST_PRODUCER_ID = 7 };

/* The answer to a request, by error code. */
struct world_answer {
  int32_t status;
  int64_t base_offset;
};

static void give_identity(struct partition_world *world);
static void push(struct partition_world *world, struct batch *batch);
static struct world_answer handle(struct partition_world *world, const struct world_request *request);
static void cut(struct partition_world *world, enum fate first);
static void answer(struct partition_world *world, const struct world_request *request,
                   struct world_answer answer);
static void split(struct partition_world *world, struct batch *batch);
static void take_settled(struct partition_world *world);
static void note_open(struct partition_world *world, uint64_t first_record, uint32_t count);
static uint64_t first_record_of(const struct batch *batch);
static struct sender_partition_leader_state leader_state(const struct partition_world *world);
static void verify_log(const struct partition_world *world);
static uint32_t times_in_log(const struct partition_world *world, uint64_t record);

void partition_world_init(struct partition_world *world) {
  *world = (struct partition_world){
      .idempotent = true, .next_producer_id = FIRST_PRODUCER_ID, .last_delivered = -1};
  list_init(&world->settled);
  producer_state_init(&world->broker);
  world->queue.topic = &world->topic;
  sender_partition_init(&world->partition, &world->queue);
  world->context = (struct sender_partition_context){
      .idempotent = true,
      .retries = INT32_MAX,
      .settled = &world->settled,
      .outcomes_resolved = &world->outcomes_resolved,
      .epochs_raised = &world->epochs_raised,
  };
}

void partition_world_deinit(struct partition_world *world) {
  producer_state_deinit(&world->broker);
  for (uint32_t i = 0; i < world->batch_count; i++) {
    if (world->batches[i]->root == world->batches[i]) free(world->batches[i]->block);
    free(world->batches[i]);
  }
}

struct batch *partition_world_make(struct partition_world *world, uint32_t record_count) {
  ASSERT(record_count > 0 && record_count <= RECORDS_PER_BATCH_MAX);
  ASSERT(world->batch_count < WORLD_BATCHES_MAX && world->record_count + record_count <= WORLD_RECORDS_MAX);
  struct batch *batch = calloc(1, sizeof *batch);
  uint8_t *block = malloc(BLOCK_BYTES);
  ASSERT(batch != NULL && block != NULL);
  batch_init(batch, block, BLOCK_BYTES, BLOCK_BYTES, RECORDS_PER_BATCH_MAX, false, 0);
  batch->topic = &world->topic;
  batch->partition = &world->queue;
  for (uint32_t i = 0; i < record_count; i++) {
    struct record record = {.value = bytes_of("v", 1)};
    struct batch_entry entry = {.opaque = world->record_count++};
    bool appended = batch_append(batch, &record, record_bound(&record), &entry);
    ASSERT(appended);
  }
  batch_set_state(batch, BATCH_SEALED);
  world->batches[world->batch_count++] = batch;
  return batch;
}

void partition_world_send_new(struct partition_world *world, struct batch *batch) {
  give_identity(world);
  sender_partition_add(&world->partition, batch, world->idempotent);
  push(world, batch);
}

void partition_world_send_all(struct partition_world *world, uint32_t record_count, uint32_t *new_count) {
  struct sender_partition *partition = &world->partition;
  for (struct batch *batch; (batch = sender_partition_next_retry(partition)) != NULL;) {
    give_identity(world);
    push(world, batch);
  }
  while (*new_count > 0) {
    give_identity(world);
    if (!sender_partition_may_send_new(partition, WORLD_IN_FLIGHT)) return;
    partition_world_send_new(world, partition_world_make(world, record_count));
    (*new_count)--;
  }
}

bool partition_world_meet(struct partition_world *world, enum fate fate) {
  if (world->pipe_at == world->pipe_end) return false;
  if (fate == FATE_LOST_AFTER || fate == FATE_LOST_BEFORE || fate == FATE_STRAGGLER) {
    cut(world, fate);
    return true;
  }
  struct world_request request = world->pipe[world->pipe_at++];
  struct world_answer given = {STATUS_OK, -1};
  if (fate == FATE_OK || fate == FATE_TIMED_OUT || fate == FATE_BROKEN_AFTER) given = handle(world, &request);
  if (given.status == STATUS_OK) {
    switch (fate) {
    case FATE_REFUSED: given.status = STATUS_NOT_ENOUGH_REPLICAS; break;
    case FATE_LEADERLESS: given.status = STATUS_NOT_LEADER_OR_FOLLOWER; break;
    case FATE_TIMED_OUT: given.status = STATUS_REQUEST_TIMED_OUT; break;
    case FATE_TOO_LARGE: given.status = STATUS_MESSAGE_TOO_LARGE; break;
    case FATE_INVALID: given.status = STATUS_INVALID_RECORD; break;
    case FATE_BROKEN_BEFORE:
    case FATE_BROKEN_AFTER: given.status = STATUS_UNKNOWN_SERVER_ERROR; break;
    case FATE_FORGOTTEN: given.status = STATUS_UNKNOWN_PRODUCER_ID; break;
    case FATE_FENCED: given.status = STATUS_INVALID_PRODUCER_EPOCH; break;
    default: break;
    }
  }
  answer(world, &request, given);
  return true;
}

bool partition_world_straggle(struct partition_world *world) {
  if (world->straggler_at == world->straggler_end) return false;
  handle(world, &world->stragglers[world->straggler_at++]);
  return true;
}

void partition_world_reload(struct partition_world *world) {
  producer_state_reload(&world->broker);
}

bool partition_world_expire(struct partition_world *world) {
  if (list_is_empty(&world->partition.sent)) return false;
  struct batch *oldest = LIST_ENTRY(world->partition.sent.next, struct batch, queue_node);
  if (oldest->state == BATCH_IN_FLIGHT) note_open(world, first_record_of(oldest), oldest->record_count);
  sender_partition_give_up(&world->partition, oldest, STATUS_DELIVERY_TIMED_OUT, &world->context);
  take_settled(world);
  return true;
}

bool partition_world_reply(struct partition_world *world, enum reply reply) {
  struct sender_partition *partition = &world->partition;
  if (!sender_partition_has_question(partition)) return false;
  bool is_last = partition->query.attempts + 1 >= OUTCOME_QUERY_ATTEMPTS_MAXIMUM;
  if (reply == REPLY_TRUTH || reply == REPLY_STALE) {
    partition_world_tell(world, reply == REPLY_TRUTH ? leader_state(world) : world->stale);
    return true;
  }
  outcome_query_set_state(&partition->query, OUTCOME_QUERY_OPEN);
  partition->query.attempts++;
  if (reply == REPLY_LOST && !is_last) {
    outcome_query_set_state(&partition->query, OUTCOME_QUERY_DUE);
  } else {
    sender_partition_stop_asking(partition, &world->context);
    take_settled(world);
  }
  return true;
}

void partition_world_tell(struct partition_world *world, struct sender_partition_leader_state state) {
  ASSERT(sender_partition_has_question(&world->partition));
  outcome_query_set_state(&world->partition.query, OUTCOME_QUERY_OPEN);
  world->partition.query.attempts++;
  sender_partition_learn(&world->partition, &state, &world->context);
  take_settled(world);
}

void partition_world_note_state(struct partition_world *world) {
  world->stale = leader_state(world);
}

bool partition_world_refuse(struct partition_world *world) {
  if (world->pipe_at == world->pipe_end) return false;
  struct world_request request = world->pipe[world->pipe_at++];
  answer(world, &request, (struct world_answer){STATUS_OUT_OF_ORDER_SEQUENCE_NUMBER, -1});
  return true;
}

void partition_world_confirm(struct partition_world *world) {
  sender_partition_leader_confirmed(&world->partition, &world->context);
  take_settled(world);
}

void partition_world_heal(struct partition_world *world) {
  uint32_t none = 0, rounds = 0;
  do {
    partition_world_send_all(world, 1, &none);
    while (partition_world_meet(world, FATE_OK)) {
    }
    partition_world_reply(world, REPLY_TRUTH);
    if (++rounds > ROUNDS_MAX) ck_abort_msg("no end in sight");
  } while (world->partition.sent_count > 0);
  while (partition_world_straggle(world)) {
  }
  ASSERT(world->partition.in_flight == 0 && !world->partition.draining);
}

void partition_world_verify(const struct partition_world *world) {
  verify_log(world);
  for (uint64_t number = 0; number < world->record_count; number++) {
    const struct world_record *record = &world->records[number];
    bool present = times_in_log(world, number) > 0;
    const char *fault = NULL;
    switch (record->outcome) {
    case OUTCOME_DELIVERED:
      if (record->offset >= world->log_count || world->log[record->offset] != number)
        fault = "is not at its offset";
      break;
    case OUTCOME_DELIVERED_OFFSET_UNKNOWN:
      if (!present) fault = "was reported delivered and is not there";
      break;
    case OUTCOME_NOT_DELIVERED:
      if (present) fault = "was reported not delivered and is there";
      break;
    case OUTCOME_UNKNOWN:
      if (!record->may_be_written) fault = "never left, yet its outcome is unknown";
      break;
    case OUTCOME_NONE: fault = "has no outcome";
    }
    if (record->reports != 1) fault = "does not have one report";
    if (fault != NULL) ck_abort_msg("record %llu %s", (unsigned long long)number, fault);
  }
}

uint64_t partition_world_count(const struct partition_world *world, enum outcome outcome) {
  uint64_t count = 0;
  for (uint64_t i = 0; i < world->record_count; i++)
    if (world->records[i].outcome == outcome) count++;
  return count;
}

static void give_identity(struct partition_world *world) {
  if (world->idempotent && sender_partition_needs_identity(&world->partition))
    sender_partition_adopt_identity(&world->partition, world->next_producer_id++, 0);
}

static void push(struct partition_world *world, struct batch *batch) {
  if (world->pipe_at == world->pipe_end) world->pipe_at = world->pipe_end = 0;
  ASSERT(world->pipe_end < WORLD_REQUESTS_MAX);
  sender_partition_begin_flight(&world->partition, batch, 1);
  world->pipe[world->pipe_end++] =
      (struct world_request){.batch = batch,
                             .identity = {.producer_id = batch->producer_id,
                                          .producer_epoch = batch->producer_epoch,
                                          .base_sequence = batch->base_sequence,
                                          .record_count = (int32_t)batch->record_count},
                             .first_record = first_record_of(batch)};
}

/* By Kafka's rules. */
static struct world_answer handle(struct partition_world *world, const struct world_request *request) {
  struct producer_batch_place place;
  if (request->identity.producer_id >= 0) {
    switch (producer_state_check(&world->broker, &request->identity, &place)) {
    case PRODUCER_BATCH_ACCEPTED: break;
    case PRODUCER_BATCH_DUPLICATE: return (struct world_answer){STATUS_OK, place.base_offset};
    case PRODUCER_BATCH_OUT_OF_ORDER: return (struct world_answer){STATUS_OUT_OF_ORDER_SEQUENCE_NUMBER, -1};
    case PRODUCER_BATCH_FENCED: return (struct world_answer){STATUS_INVALID_PRODUCER_EPOCH, -1};
    }
    int32_t status = producer_state_reserve(&world->broker);
    ASSERT(status == STATUS_OK);
    producer_state_record(&world->broker, &request->identity, world->log_count, 0);
  }
  int64_t base_offset = world->log_count;
  for (int32_t i = 0; i < request->identity.record_count; i++)
    world->log[world->log_count++] = request->first_record + (uint64_t)i;
  return (struct world_answer){STATUS_OK, base_offset};
}

/* All in the pipe are lost: the broker handles the first (LOST_AFTER), or none; what it has received whole
 * and not handled becomes a straggler. */
static void cut(struct partition_world *world, enum fate first) {
  uint32_t begin = world->pipe_at, end = world->pipe_end;
  world->pipe_at = world->pipe_end;
  for (uint32_t i = begin; i < end; i++) {
    struct world_request *request = &world->pipe[i];
    bool handed_over = first != FATE_LOST_BEFORE;
    if (i == begin && first == FATE_LOST_AFTER) {
      handle(world, request);
    } else if (handed_over) {
      ASSERT(world->straggler_end < WORLD_REQUESTS_MAX);
      world->stragglers[world->straggler_end++] = *request;
    }
    sender_partition_end_flight(&world->partition);
    if (handed_over) note_open(world, request->first_record, (uint32_t)request->identity.record_count);
    if (request->batch->state == BATCH_SETTLED) continue;
    sender_partition_retry(&world->partition, request->batch, STATUS_DISCONNECTED, handed_over,
                           &world->context);
    take_settled(world);
  }
}

/* As produce_answer.c does. */
static void answer(struct partition_world *world, const struct world_request *request,
                   struct world_answer given) {
  struct sender_partition *partition = &world->partition;
  struct batch *batch = request->batch;
  note_open(world, request->first_record, (uint32_t)request->identity.record_count);
  sender_partition_end_flight(partition);
  if (batch->state == BATCH_SETTLED) return;
  bool appended = !status_has(given.status, STATUS_CLASS_NOT_APPENDED);
  switch (given.status) {
  case STATUS_OK: sender_partition_delivered(partition, batch, given.base_offset, -1, &world->context); break;
  case STATUS_OUT_OF_ORDER_SEQUENCE_NUMBER:
  case STATUS_UNKNOWN_PRODUCER_ID:
  case STATUS_INVALID_PRODUCER_EPOCH:
    sender_partition_out_of_order(partition, batch, given.status, &world->context);
    break;
  case STATUS_MESSAGE_TOO_LARGE: split(world, batch); break;
  default:
    if (status_has(given.status, STATUS_CLASS_RETRIABLE)) {
      sender_partition_retry(partition, batch, given.status, appended, &world->context);
    } else {
      sender_partition_failed(partition, batch, given.status, appended, &world->context);
    }
  }
  take_settled(world);
}

static void split(struct partition_world *world, struct batch *batch) {
  struct sender_partition *partition = &world->partition;
  if (batch->record_count < 2 || batch->ambiguous) {
    sender_partition_failed(partition, batch, STATUS_MESSAGE_TOO_LARGE, false, &world->context);
    return;
  }
  sender_partition_retry(partition, batch, STATUS_MESSAGE_TOO_LARGE, false, &world->context);
  if (batch->state != BATCH_RETRY) return;
  struct batch *tail = calloc(1, sizeof *tail);
  ASSERT(tail != NULL);
  ASSERT(world->batch_count < WORLD_BATCHES_MAX);
  world->batches[world->batch_count++] = tail;
  batch_split(batch, batch->record_count / 2, tail);
  sender_partition_insert_split(partition, batch, tail);
}

static void take_settled(struct partition_world *world) {
  while (!list_is_empty(&world->settled)) {
    struct batch *batch = LIST_ENTRY(world->settled.next, struct batch, queue_node);
    list_remove(&batch->queue_node);
    uint64_t first = first_record_of(batch);
    for (uint32_t i = 0; i < batch->record_count; i++) {
      struct world_record *record = &world->records[first + i];
      record->reports++;
      record->outcome = batch->outcome;
      record->status = batch->status;
      record->offset = batch->base_offset + (int64_t)i;
    }
    bool delivered =
        batch->outcome == OUTCOME_DELIVERED || batch->outcome == OUTCOME_DELIVERED_OFFSET_UNKNOWN;
    if (!delivered) continue;
    if ((int64_t)first <= world->last_delivered)
      ck_abort_msg("record %llu was reported behind %lld", (unsigned long long)first,
                   (long long)world->last_delivered);
    world->last_delivered = (int64_t)first;
  }
}

static void note_open(struct partition_world *world, uint64_t first_record, uint32_t count) {
  for (uint32_t i = 0; i < count; i++)
    world->records[first_record + i].may_be_written = true;
}

static uint64_t first_record_of(const struct batch *batch) {
  return batch_entry(batch, 0)->opaque;
}

static struct sender_partition_leader_state leader_state(const struct partition_world *world) {
  const struct producer_entry *entry = producer_state_find(&world->broker, world->partition.producer_id);
  if (entry == NULL) return (struct sender_partition_leader_state){0};
  return (struct sender_partition_leader_state){.is_known = true,
                                                .producer_epoch = entry->producer_epoch,
                                                .last_sequence =
                                                    entry->batches[entry->batch_count - 1].last_sequence};
}

static void verify_log(const struct partition_world *world) {
  bool fenced = world->next_producer_id <= FIRST_PRODUCER_ID + 1;
  int64_t last = -1;
  for (uint32_t i = 0; i < world->log_count; i++) {
    uint64_t number = world->log[i];
    if (times_in_log(world, number) != 1)
      ck_abort_msg("record %llu is there more than once", (unsigned long long)number);
    if (!fenced && world->records[number].outcome == OUTCOME_UNKNOWN) continue;
    if ((int64_t)number <= last)
      ck_abort_msg("record %llu stands behind %lld", (unsigned long long)number, (long long)last);
    last = (int64_t)number;
  }
}

static uint32_t times_in_log(const struct partition_world *world, uint64_t record) {
  uint32_t times = 0;
  for (uint32_t i = 0; i < world->log_count; i++)
    if (world->log[i] == record) times++;
  return times;
}
