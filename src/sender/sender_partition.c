#include "sender/sender_partition.h"

#include "base/assertion.h"
#include "base/status.h"

/* Far below producer.id.expiration.ms, a day by default: how long a broker is trusted to know us. */
static const int64_t SILENCE_MAXIMUM_US = 15 * (int64_t)60 * 1000000;

static bool is_established(const struct sender_partition *partition);
static bool is_head_of_line(const struct sender_partition *partition, const struct batch *batch);
static void remove_sent(struct sender_partition *partition, struct batch *batch);
static void settle(struct sender_partition *partition, struct batch *batch, enum outcome outcome,
                   int32_t status, const struct sender_partition_context *context);
static void settle_undelivered(struct sender_partition *partition, struct batch *batch, bool appended,
                               int32_t status, const struct sender_partition_context *context);
static void settle_before(struct sender_partition *partition, const struct batch *batch,
                          const struct sender_partition_context *context);
static void note_gap(struct sender_partition *partition, const struct batch *batch, bool appended);
static void after_change(struct sender_partition *partition, const struct sender_partition_context *context);
static void update_query(struct sender_partition *partition, const struct sender_partition_context *context);
static bool holds_open(const struct sender_partition *partition);
static uint32_t count_written(const struct sender_partition *partition,
                              const struct sender_partition_leader_state *state);
static bool hold_below(struct sender_partition *partition, uint32_t written);
static void mark_open(struct sender_partition *partition, int32_t status);
static bool walk_is_complete(const struct sender_partition *partition);
static bool none_is_open(const struct sender_partition *partition);
static void conclude_walk(struct sender_partition *partition, const struct sender_partition_context *context);
static void end_walk(struct sender_partition *partition, const struct sender_partition_context *context);
static void next_epoch(struct sender_partition *partition, const struct sender_partition_context *context);
static bool has_held(const struct sender_partition *partition);
static void release_held(struct sender_partition *partition);
static void stamp_all(struct sender_partition *partition);

static inline struct batch *batch_of(struct list *node) {
  return LIST_ENTRY(node, struct batch, queue_node);
}

static inline int32_t sequence_after(int32_t sequence, uint32_t count) {
  return (int32_t)(((uint32_t)sequence + count) & INT32_MAX);
}

/* How many sequences lie from `from` up to `to`, which is not counted. */
static inline uint32_t sequence_distance(int32_t from, int32_t to) {
  return ((uint32_t)to - (uint32_t)from) & INT32_MAX;
}

void sender_partition_init(struct sender_partition *partition, struct partition *queue) {
  *partition = (struct sender_partition){.queue = queue,
                                         .leader_id = -1,
                                         .leader_epoch = -1,
                                         .in_flight_node = -1,
                                         .producer_id = -1,
                                         .producer_epoch = -1,
                                         .spent_producer_id = -1};
  list_init(&partition->expired_node);
  list_init(&partition->place_node);
  list_init(&partition->sent);
}

void sender_partition_note_time(struct sender_partition *partition, int64_t now_us) {
  if (partition->sent_count == 0 && now_us - partition->acknowledged_us > SILENCE_MAXIMUM_US)
    partition->established = false;
}

struct batch *sender_partition_next_retry(const struct sender_partition *partition) {
  if (outcome_query_is_pending(&partition->query)) return NULL;
  struct batch *first = NULL;
  for (struct list *node = partition->sent.next; node != &partition->sent; node = node->next) {
    struct batch *batch = batch_of(node);
    if (first == NULL && batch->state == BATCH_RETRY) first = batch;
    bool must_wait = first != NULL || partition->doubtful || !is_established(partition);
    if (batch->state == BATCH_IN_FLIGHT && must_wait) return NULL;
  }
  return first;
}

bool sender_partition_may_send_new(const struct sender_partition *partition, uint32_t limit) {
  if (partition->draining || partition->restamp || partition->sent_count >= limit) return false;
  bool is_alone = partition->doubtful || !is_established(partition);
  if (is_alone && partition->sent_count > 0) return false;
  /* In order: nothing new while an older batch waits to be sent again or for what a later one brings. */
  for (struct list *node = partition->sent.next; node != &partition->sent; node = node->next)
    if (batch_of(node)->state != BATCH_IN_FLIGHT) return false;
  return true;
}

void sender_partition_add(struct sender_partition *partition, struct batch *batch, bool idempotent) {
  ASSERT(batch->state == BATCH_SEALED && !partition->draining && !partition->restamp);
  ASSERT(!idempotent || partition->producer_id >= 0);
  list_append(&partition->sent, &batch->queue_node);
  partition->sent_count++;
  if (!idempotent) {
    batch_stamp(batch, -1, -1, -1);
    return;
  }
  batch_stamp(batch, partition->producer_id, partition->producer_epoch, partition->next_sequence);
  partition->next_sequence = sequence_after(partition->next_sequence, batch->record_count);
}

void sender_partition_begin_flight(struct sender_partition *partition, struct batch *batch, int32_t node_id) {
  ASSERT(partition->in_flight == 0 || partition->in_flight_node == node_id);
  batch_set_state(batch, BATCH_IN_FLIGHT);
  batch->attempts++;
  batch->broker = node_id;
  partition->in_flight++;
  partition->in_flight_node = node_id;
}

void sender_partition_end_flight(struct sender_partition *partition) {
  ASSERT(partition->in_flight > 0);
  partition->in_flight--;
}

void sender_partition_delivered(struct sender_partition *partition, struct batch *batch, int64_t base_offset,
                                int64_t log_append_time_ms, const struct sender_partition_context *context) {
  if (context->idempotent) settle_before(partition, batch, context);
  partition->failures = 0;
  partition->established = true;
  partition->doubtful = false;
  partition->query.attempts = 0;
  partition->acknowledged_us = context->now_us;
  if (batch->ambiguous) (*context->outcomes_resolved)++;
  remove_sent(partition, batch);
  /* An offset that the batch's last record could not have is none. */
  bool has_offset = base_offset >= 0 && base_offset <= INT64_MAX - (int64_t)batch->record_count;
  enum outcome outcome = has_offset ? OUTCOME_DELIVERED : OUTCOME_DELIVERED_OFFSET_UNKNOWN;
  batch_settle(batch, outcome, STATUS_OK, base_offset, log_append_time_ms, context->now_us);
  list_append(context->settled, &batch->queue_node);
  after_change(partition, context);
}

void sender_partition_retry(struct sender_partition *partition, struct batch *batch, int32_t status,
                            bool ambiguous, const struct sender_partition_context *context) {
  batch->ambiguous = batch->ambiguous || ambiguous;
  batch->status = status;
  if (ambiguous && context->idempotent) partition->doubtful = true;
  if (batch->attempts > context->retries) {
    settle_undelivered(partition, batch, ambiguous, status, context);
  } else {
    batch_set_state(batch, BATCH_RETRY);
  }
  after_change(partition, context);
}

void sender_partition_out_of_order(struct sender_partition *partition, struct batch *batch, int32_t status,
                                   const struct sender_partition_context *context) {
  batch->status = status;
  /* The leader has others, or something else, than the one that was asked: the next may say more. */
  if (partition->query.state == OUTCOME_QUERY_ANSWERED) outcome_query_end(&partition->query);
  if (!context->idempotent) {
    settle_undelivered(partition, batch, false, status, context); /* refused before the append */
  } else if (status == STATUS_OUT_OF_ORDER_SEQUENCE_NUMBER && !is_head_of_line(partition, batch)) {
    batch_set_state(batch, BATCH_RETRY); /* it follows one that has to be sent again first */
  } else {
    if (status == STATUS_INVALID_PRODUCER_EPOCH || status == STATUS_PRODUCER_FENCED)
      partition->new_producer_id = true;
    batch_set_state(batch, is_head_of_line(partition, batch) ? BATCH_HELD : BATCH_RETRY);
  }
  after_change(partition, context);
}

bool sender_partition_has_question(const struct sender_partition *partition) {
  return partition->query.state == OUTCOME_QUERY_DUE && partition->in_flight == 0;
}

void sender_partition_learn(struct sender_partition *partition,
                            const struct sender_partition_leader_state *state,
                            const struct sender_partition_context *context) {
  ASSERT(partition->query.state == OUTCOME_QUERY_OPEN && partition->in_flight == 0);
  partition->doubtful = false;
  bool is_fenced = state->is_known && state->producer_epoch > partition->producer_epoch;
  if (!state->is_known || is_fenced) {
    /* A leader without memory would write again whatever it gets, a newer epoch hides the older one. */
    if (is_fenced) partition->new_producer_id = true;
    mark_open(partition, is_fenced ? STATUS_INVALID_PRODUCER_EPOCH : STATUS_UNKNOWN_PRODUCER_ID);
    outcome_query_set_state(&partition->query, OUTCOME_QUERY_CLOSED);
    conclude_walk(partition, context);
    sender_partition_check(partition);
    return;
  }
  uint32_t written = count_written(partition, state);
  bool follows = written != UINT32_MAX && hold_below(partition, written);
  outcome_query_set_state(&partition->query, follows ? OUTCOME_QUERY_ANSWERED : OUTCOME_QUERY_CLOSED);
  after_change(partition, context);
}

void sender_partition_stop_asking(struct sender_partition *partition,
                                  const struct sender_partition_context *context) {
  partition->doubtful = false;
  outcome_query_set_state(&partition->query, OUTCOME_QUERY_CLOSED);
  after_change(partition, context);
}

void sender_partition_leader_confirmed(struct sender_partition *partition,
                                       const struct sender_partition_context *context) {
  ASSERT(sender_partition_is_confirming(partition));
  end_walk(partition, context);
  sender_partition_check(partition);
}

bool sender_partition_leader_changed(struct sender_partition *partition) {
  struct outcome_query *query = &partition->query;
  bool was_doubted = query->state == OUTCOME_QUERY_CONFIRMING;
  if (query->state == OUTCOME_QUERY_OPEN) outcome_query_set_state(query, OUTCOME_QUERY_DUE);
  if (query->state == OUTCOME_QUERY_DUE || !has_held(partition)) return false;
  outcome_query_end(query);
  query->attempts = 0;
  partition->doubtful = true;
  release_held(partition);
  sender_partition_check(partition);
  return was_doubted;
}

void sender_partition_failed(struct sender_partition *partition, struct batch *batch, int32_t status,
                             bool appended, const struct sender_partition_context *context) {
  settle_undelivered(partition, batch, appended, status, context);
  after_change(partition, context);
}

void sender_partition_give_up(struct sender_partition *partition, struct batch *batch, int32_t status,
                              const struct sender_partition_context *context) {
  settle_undelivered(partition, batch, batch->state == BATCH_IN_FLIGHT, status, context);
  after_change(partition, context);
}

void sender_partition_settle_gaps(struct sender_partition *partition,
                                  const struct sender_partition_context *context) {
  after_change(partition, context);
}

void sender_partition_topic_recreated(struct sender_partition *partition,
                                      const struct sender_partition_context *context) {
  for (struct list *node = partition->sent.next, *next; node != &partition->sent; node = next) {
    struct batch *batch = batch_of(node);
    next = node->next;
    bool open = batch->state == BATCH_IN_FLIGHT;
    if (open || batch->ambiguous) settle_undelivered(partition, batch, open, STATUS_TOPIC_RECREATED, context);
  }
  release_held(partition);
  if (context->idempotent && partition->producer_id >= 0) next_epoch(partition, context);
}

void sender_partition_insert_split(struct sender_partition *partition, struct batch *head,
                                   struct batch *tail) {
  list_insert_before(head->queue_node.next, &tail->queue_node);
  partition->sent_count++;
}

bool sender_partition_needs_identity(const struct sender_partition *partition) {
  return partition->producer_id < 0;
}

void sender_partition_adopt_identity(struct sender_partition *partition, int64_t producer_id,
                                     int16_t producer_epoch) {
  ASSERT(partition->producer_id < 0 && producer_id >= 0);
  partition->producer_id = producer_id;
  partition->producer_epoch = producer_epoch;
  partition->next_sequence = 0;
  partition->new_producer_id = false;
  stamp_all(partition);
}

void sender_partition_check(const struct sender_partition *partition) {
  uint32_t count = 0;
  bool held_may_follow = true;
  for (struct list *node = partition->sent.next; node != &partition->sent; node = node->next) {
    const struct batch *batch = batch_of(node);
    ASSERT(batch->state == BATCH_IN_FLIGHT || batch->state == BATCH_RETRY || batch->state == BATCH_HELD);
    ASSERT(batch->state != BATCH_HELD || held_may_follow);
    ASSERT(!partition->restamp || !batch->ambiguous);
    if (batch->state != BATCH_HELD) held_may_follow = false;
    count++;
  }
  ASSERT(count == partition->sent_count);
  ASSERT(!outcome_query_is_pending(&partition->query) || holds_open(partition));
}

/* Without idempotence there is nothing to establish. */
static bool is_established(const struct sender_partition *partition) {
  return partition->established || partition->producer_id < 0;
}

/* All before it are held (or there is none). */
static bool is_head_of_line(const struct sender_partition *partition, const struct batch *batch) {
  for (struct list *node = partition->sent.next; node != &batch->queue_node; node = node->next) {
    ASSERT(node != &partition->sent);
    if (batch_of(node)->state != BATCH_HELD) return false;
  }
  return true;
}

static void remove_sent(struct sender_partition *partition, struct batch *batch) {
  ASSERT(partition->sent_count > 0);
  list_remove(&batch->queue_node);
  partition->sent_count--;
}

static void settle(struct sender_partition *partition, struct batch *batch, enum outcome outcome,
                   int32_t status, const struct sender_partition_context *context) {
  remove_sent(partition, batch);
  batch_settle(batch, outcome, status, -1, -1, context->now_us);
  list_append(context->settled, &batch->queue_node);
}

/* Settles a batch that is not known to be in the log. appended: its last attempt may have been written. */
static void settle_undelivered(struct sender_partition *partition, struct batch *batch, bool appended,
                               int32_t status, const struct sender_partition_context *context) {
  bool unknown = appended || batch->ambiguous;
  if (context->idempotent) note_gap(partition, batch, unknown);
  settle(partition, batch, unknown ? OUTCOME_UNKNOWN : OUTCOME_NOT_DELIVERED, status, context);
}

/* The walk-forward rule: a later batch is in the log, so those before it that may have been written are. */
static void settle_before(struct sender_partition *partition, const struct batch *batch,
                          const struct sender_partition_context *context) {
  for (struct list *node = partition->sent.next, *next; node != &batch->queue_node; node = next) {
    struct batch *earlier = batch_of(node);
    next = node->next;
    if (earlier->ambiguous) {
      (*context->outcomes_resolved)++;
      settle(partition, earlier, OUTCOME_DELIVERED_OFFSET_UNKNOWN, STATUS_OK, context);
    } else if (earlier->state != BATCH_IN_FLIGHT) {
      /* Refused each time, yet a later one was taken: the broker had lost its state. It is not in the log,
       * and it can no longer come before the later one. */
      settle(partition, earlier, OUTCOME_NOT_DELIVERED, STATUS_OUT_OF_ORDER_SEQUENCE_NUMBER, context);
    }
  }
}

/* A sequence that no record will fill. */
static void note_gap(struct sender_partition *partition, const struct batch *batch, bool appended) {
  if (partition->restamp) return;
  bool is_last = batch->queue_node.next == &partition->sent;
  if (is_last && !appended && batch->producer_epoch == partition->producer_epoch) {
    partition->next_sequence =
        batch->base_sequence; /* never written, nothing behind it: the next batch takes it */
    return;
  }
  partition->draining = true;
}

static void after_change(struct sender_partition *partition, const struct sender_partition_context *context) {
  if (context->more_follows) return;
  update_query(partition, context);
  if (outcome_query_is_pending(&partition->query)) {
    /* The walk waits. */
  } else if (walk_is_complete(partition)) {
    conclude_walk(partition, context);
  } else if (partition->draining && none_is_open(partition)) {
    release_held(partition);
    next_epoch(partition, context);
  }
  sender_partition_check(partition);
}

/* The question follows what is held. */
static void update_query(struct sender_partition *partition, const struct sender_partition_context *context) {
  struct outcome_query *query = &partition->query;
  if (!holds_open(partition)) {
    outcome_query_end(query);
  } else if (query->state == OUTCOME_QUERY_NONE) {
    bool may_ask = context->asks && query->attempts < OUTCOME_QUERY_ATTEMPTS_MAXIMUM;
    outcome_query_set_state(query, may_ask ? OUTCOME_QUERY_DUE : OUTCOME_QUERY_CLOSED);
    if (!may_ask) partition->doubtful = false; /* the walk goes as fast as it can */
  }
}

/* A held batch may have been written, and its leader may know. */
static bool holds_open(const struct sender_partition *partition) {
  for (struct list *node = partition->sent.next; node != &partition->sent; node = node->next) {
    const struct batch *batch = batch_of(node);
    if (batch->state != BATCH_HELD) return false;
    bool is_answerable =
        batch->status == STATUS_OUT_OF_ORDER_SEQUENCE_NUMBER || batch->status == STATUS_UNKNOWN_PRODUCER_ID;
    if (batch->ambiguous && is_answerable) return true;
  }
  return false;
}

/* How many sequences from the first unsettled batch on the leader has; UINT32_MAX if it lacks some before
 * that batch, or has some that were never given out. */
static uint32_t count_written(const struct sender_partition *partition,
                              const struct sender_partition_leader_state *state) {
  int32_t first = batch_of(partition->sent.next)->base_sequence;
  if (state->producer_epoch < partition->producer_epoch || state->last_sequence < 0)
    return first == 0 ? 0 : UINT32_MAX;
  uint32_t written = sequence_distance(first, sequence_after(state->last_sequence, 1));
  return written <= sequence_distance(first, partition->next_sequence) ? written : UINT32_MAX;
}

/* Holds the batches that end before the last sequence that was written, and readies the others to be sent, of
 * which the first ends there or follows. False if there are no others: none of the sequences that the leader
 * recognises is at hand. */
static bool hold_below(struct sender_partition *partition, uint32_t written) {
  int32_t first = batch_of(partition->sent.next)->base_sequence;
  bool follows = false;
  for (struct list *node = partition->sent.next; node != &partition->sent; node = node->next) {
    struct batch *batch = batch_of(node);
    bool is_below = sequence_distance(first, batch->base_sequence) + batch->record_count < written;
    enum batch_state state = is_below ? BATCH_HELD : BATCH_RETRY;
    if (batch->state != state) batch_set_state(batch, state);
    follows = follows || !is_below;
  }
  return follows;
}

static void mark_open(struct sender_partition *partition, int32_t status) {
  for (struct list *node = partition->sent.next; node != &partition->sent; node = node->next)
    if (batch_of(node)->ambiguous) batch_of(node)->status = status;
}

/* Every unsettled batch was refused for its sequence and none is under way. Under an identity that no broker
 * has acknowledged the first refusal ends the walk: a later success would prove nothing. */
static bool walk_is_complete(const struct sender_partition *partition) {
  for (struct list *node = partition->sent.next; node != &partition->sent; node = node->next) {
    if (batch_of(node)->state != BATCH_HELD) return false;
    if (!is_established(partition)) return true;
  }
  return partition->sent_count > 0;
}

/* No attempt of a sent batch can have been written, or still be. */
static bool none_is_open(const struct sender_partition *partition) {
  for (struct list *node = partition->sent.next; node != &partition->sent; node = node->next)
    if (batch_of(node)->ambiguous || batch_of(node)->state == BATCH_IN_FLIGHT) return false;
  return true;
}

/* No success is left to come from this leader. If it leads, that ends the walk. */
static void conclude_walk(struct sender_partition *partition,
                          const struct sender_partition_context *context) {
  if (context->confirms && holds_open(partition)) {
    outcome_query_set_state(&partition->query, OUTCOME_QUERY_CONFIRMING);
    partition->query.confirming_since_us = context->now_us;
  } else {
    end_walk(partition, context);
  }
}

/* None of the held batches is in the log, or the youngest would have been recognised. Those that may still
 * arrive by an old connection are unknown; the others go on under the next epoch, which also fences the old
 * ones. */
static void end_walk(struct sender_partition *partition, const struct sender_partition_context *context) {
  for (struct list *node = partition->sent.next, *next; node != &partition->sent; node = next) {
    struct batch *batch = batch_of(node);
    next = node->next;
    if (!batch->ambiguous) continue;
    bool lost = batch->status == STATUS_OUT_OF_ORDER_SEQUENCE_NUMBER && partition->established &&
                !partition->draining;
    settle(partition, batch, OUTCOME_UNKNOWN, lost ? STATUS_ACKNOWLEDGED_DATA_LOST : batch->status, context);
  }
  release_held(partition);
  next_epoch(partition, context);
}

static void next_epoch(struct sender_partition *partition, const struct sender_partition_context *context) {
  (*context->epochs_raised)++;
  partition->established = false;
  partition->draining = false;
  partition->doubtful = false;
  partition->restamp = true;
  outcome_query_end(&partition->query);
  partition->query.attempts = 0;
  partition->next_sequence = 0;
  if (partition->new_producer_id || partition->producer_epoch == INT16_MAX) {
    partition->spent_producer_id = partition->producer_id;
    partition->producer_id = -1; /* sender_partition_adopt_identity goes on */
    return;
  }
  partition->producer_epoch++;
  stamp_all(partition);
}

static bool has_held(const struct sender_partition *partition) {
  return partition->sent_count > 0 && batch_of(partition->sent.next)->state == BATCH_HELD;
}

static void release_held(struct sender_partition *partition) {
  for (struct list *node = partition->sent.next; node != &partition->sent; node = node->next)
    if (batch_of(node)->state == BATCH_HELD) batch_set_state(batch_of(node), BATCH_RETRY);
}

static void stamp_all(struct sender_partition *partition) {
  for (struct list *node = partition->sent.next; node != &partition->sent; node = node->next) {
    struct batch *batch = batch_of(node);
    batch_stamp(batch, partition->producer_id, partition->producer_epoch, partition->next_sequence);
    partition->next_sequence = sequence_after(partition->next_sequence, batch->record_count);
  }
  partition->restamp = false;
}
