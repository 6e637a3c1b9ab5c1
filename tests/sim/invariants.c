#include "sim/invariants.h"

#include "base/clock.h"
#include "base/crc32c.h"
#include "base/status.h"
#include "protocol/record_batch.h"

static uint32_t place_of(uint32_t topic, int32_t partition);
static int32_t node_of(const struct ledger *ledger, uint32_t topic, int32_t partition);
static uint32_t places_that_wait(struct ledger *ledger, uint32_t places[LEDGER_PLACES]);
static bool names_itself(const struct ledger_part *part, struct bytes batch);
static bool is_same_batch(const struct ledger_part *a, const struct ledger_part *b);
static bool is_same_identity(const struct ledger_part *a, const struct ledger_part *b);
static bool ranges_meet(const struct ledger_part *a, const struct ledger_part *b);
static bool is_settled(const struct ledger *ledger, const struct ledger_part *part);
static bool may_be_unknown(const struct ledger *ledger, int32_t status);
static bool may_be_retried(int32_t status);
static bool was_cut_off(const struct ledger *ledger, const struct ledger_record *record);
static bool is_delivered(const struct report *report);
static const struct ledger_part *previous_of(const struct ledger *ledger, const struct ledger_part *part);

void invariant_identity_never_changes(struct ledger *ledger, const struct ledger_part *part) {
  const char *name = "I2 identity_never_changes";
  for (uint32_t i = 0; i < part->record_count; i++) {
    uint32_t number = ledger->numbers[part->numbers_at + i];
    const struct ledger_record *record = &ledger->records[number];
    if (record->settled) ledger_refute(ledger, name, "record %u is sent after its outcome", number);
    if (record->possible > 0 && !is_same_batch(part, &ledger->parts[record->part]))
      ledger_refute(ledger, name,
                    "record %u may have been written as producer %lld epoch %d sequence %d and is sent as "
                    "producer %lld epoch %d sequence %d",
                    number, (long long)ledger->parts[record->part].producer_id,
                    ledger->parts[record->part].producer_epoch,
                    (int)ledger->parts[record->part].base_sequence, (long long)part->producer_id,
                    part->producer_epoch, (int)part->base_sequence);
  }
  if (part->producer_id < 0) return;
  for (const struct ledger_part *at = previous_of(ledger, part); at != NULL; at = previous_of(ledger, at))
    if (ledger_is_possible(at->fate) && is_same_identity(at, part) &&
        uuid_equal(&at->topic_id, &part->topic_id) && ranges_meet(at, part) && !is_same_batch(at, part))
      ledger_refute(ledger, name, "sequences %d+%u of partition %d may be in the log with other bytes",
                    (int)part->base_sequence, part->record_count, (int)part->partition);
}

void invariant_sequences_are_contiguous(struct ledger *ledger, const struct ledger_part *part) {
  const struct ledger_partition *partition = &ledger->partitions[part->topic][part->partition];
  if (part->producer_id < 0) return;
  if (part->base_sequence < 0)
    ledger_refute(ledger, "I3 sequences_are_contiguous", "a batch without sequence under a producer id");
  bool same = partition->begun && partition->producer_id == part->producer_id &&
              partition->producer_epoch == part->producer_epoch;
  if (same && ledger_sequence_is_before(partition->next_sequence, part->base_sequence))
    ledger_refute(ledger, "I3 sequences_are_contiguous", "partition %d goes on at sequence %d, not at %d",
                  (int)part->partition, (int)part->base_sequence, (int)partition->next_sequence);
  bool begins_anywhere = !partition->begun && ledger->rules.begins_late;
  if (!same && part->base_sequence != 0 && !begins_anywhere)
    ledger_refute(ledger, "I3 sequences_are_contiguous", "epoch %d of partition %d begins at sequence %d",
                  part->producer_epoch, (int)part->partition, (int)part->base_sequence);
}

void invariant_flight_is_limited(struct ledger *ledger) {
  const struct ledger_attempt *last = &ledger->attempts[ledger->attempt_count - 1];
  uint32_t open = 0;
  for (uint32_t i = ledger->first_open; i < ledger->attempt_count; i++) {
    const struct ledger_attempt *attempt = &ledger->attempts[i];
    bool is_open = !attempt->ended && !(attempt->acks == 0 && attempt->whole);
    if (is_open && attempt->node_id == last->node_id) open++;
  }
  if (open > ledger->rules.max_in_flight)
    ledger_refute(ledger, "I4 flight_is_limited", "%u requests are open at node %d", open,
                  (int)last->node_id);
}

void invariant_flight_keeps_the_order(struct ledger *ledger, const struct ledger_part *part) {
  const char *name = "I4 flight_keeps_the_order";
  const struct ledger_attempt *own = &ledger->attempts[part->attempt];
  if (!ledger->rules.idempotent && ledger->rules.max_in_flight > 1) return;
  uint32_t open = 1;
  for (const struct ledger_part *at = previous_of(ledger, part); at != NULL; at = previous_of(ledger, at)) {
    const struct ledger_attempt *attempt = &ledger->attempts[at->attempt];
    if (attempt->ended || (attempt->acks == 0 && attempt->whole)) continue;
    open++;
    if (attempt->node_id != own->node_id)
      ledger_refute(ledger, name, "partition %d is sent to node %d while node %d has a request of it",
                    (int)part->partition, (int)own->node_id, (int)attempt->node_id);
    /* What went to another incarnation of the topic stands in another log. */
    bool is_younger = ledger->numbers[at->numbers_at] > ledger->numbers[part->numbers_at];
    if (is_younger && uuid_equal(&at->topic_id, &part->topic_id))
      ledger_refute(ledger, name, "record %u is sent behind the younger %u",
                    ledger->numbers[part->numbers_at], ledger->numbers[at->numbers_at]);
  }
  if (open > LEDGER_WINDOW || open > ledger->rules.max_in_flight)
    ledger_refute(ledger, name, "%u batches of partition %d are under way", open, (int)part->partition);
}

void invariant_nothing_overtakes(struct ledger *ledger, const struct ledger_part *part) {
  uint32_t first = ledger->numbers[part->numbers_at];
  if (!ledger->rules.idempotent && ledger->rules.max_in_flight > 1) return;
  if (ledger->records[first].parts > 1) return; /* was sent before */
  for (const struct ledger_part *at = previous_of(ledger, part); at != NULL; at = previous_of(ledger, at)) {
    uint32_t number = ledger->numbers[at->numbers_at];
    const struct ledger_record *older = &ledger->records[number];
    if (number > first || older->settled) continue;
    const struct ledger_part *last = &ledger->parts[older->part];
    if (ledger->attempts[last->attempt].ended && !ledger_was_refused(ledger, older))
      ledger_refute(ledger, "I4 nothing_overtakes",
                    "record %u is sent while the older %u waits to be sent again", first, number);
  }
}

void invariant_epochs_never_fall(struct ledger *ledger, const struct ledger_part *part) {
  const char *name = "I5 epochs_never_fall";
  const struct ledger_part *before = previous_of(ledger, part);
  if (before == NULL || part->producer_id < 0) return;
  if (part->producer_id == before->producer_id && part->producer_epoch < before->producer_epoch)
    ledger_refute(ledger, name, "partition %d goes from epoch %d to %d", (int)part->partition,
                  before->producer_epoch, part->producer_epoch);
  for (const struct ledger_part *at = before; at != NULL; at = previous_of(ledger, at))
    if (!is_same_identity(at, part) && (at->fate == FATE_OPEN || at->fate == FATE_WHOLE) &&
        !is_settled(ledger, at))
      ledger_refute(ledger, name,
                    "partition %d leaves epoch %d while sequence %d of it may be written and has no outcome",
                    (int)part->partition, at->producer_epoch, (int)at->base_sequence);
}

void invariant_reports_come_once_and_in_order(struct ledger *ledger, const struct report *report) {
  const char *name = "I6 reports_come_once_and_in_order";
  uint32_t number = (uint32_t)report->opaque;
  const struct ledger_record *record = &ledger->records[number];
  if (record->reports > 0) ledger_refute(ledger, name, "record %u has a second report", number);
  if (ledger->closed) ledger_refute(ledger, name, "record %u is reported after the close", number);
  if (report->outcome < OUTCOME_DELIVERED || report->outcome > OUTCOME_UNKNOWN)
    ledger_refute(ledger, name, "record %u has outcome %d", number, report->outcome);
  if (report->topic != record->topic)
    ledger_refute(ledger, name, "record %u is reported of topic %u", number, report->topic);
  if (!is_delivered(report)) return;
  if (record->partition_wanted >= 0 && report->partition != record->partition_wanted)
    ledger_refute(ledger, name, "record %u is reported of partition %d, %d was asked for", number,
                  (int)report->partition, (int)record->partition_wanted);
  struct ledger_partition *partition = &ledger->partitions[report->topic][report->partition];
  bool ordered = ledger->rules.idempotent || ledger->rules.max_in_flight == 1;
  if (ordered && (int64_t)number < partition->last_delivered)
    ledger_refute(ledger, name, "record %u is reported behind the younger %lld", number,
                  (long long)partition->last_delivered);
  partition->last_delivered = number;
}

void invariant_outcomes_have_their_causes(struct ledger *ledger, uint32_t number) {
  const char *name = "I7 outcomes_have_their_causes";
  const struct ledger_record *record = &ledger->records[number];
  int32_t status = record->report.status;
  bool is_walk = record->report.outcome == OUTCOME_UNKNOWN && record->was_refused;
  bool may_end_so = ledger->rules.retries_end || ledger->rules.acks == 0 || is_walk;
  if (!is_delivered(&record->report) && may_be_retried(status) && record->parts > 0 && !may_end_so)
    ledger_refute(ledger, name, "record %u ends for %s, which can be tried again", number,
                  status_name(status));
  int64_t waited_us = ledger->now_us - ledger->first_accepted_us[record->topic];
  if (status == STATUS_UNKNOWN_TOPIC_OR_PARTITION && record->parts == 0 &&
      waited_us < ledger->rules.propagation_us)
    ledger_refute(ledger, name, "record %u ends because its topic is unknown for %lld us", number,
                  (long long)waited_us);
  switch (record->report.outcome) {
  case OUTCOME_NOT_DELIVERED:
    if (record->may_be_when_settled)
      ledger_refute(ledger, name, "record %u is NOT_DELIVERED for %s and may have been written", number,
                    status_name(status));
    break;
  case OUTCOME_UNKNOWN:
    if (!record->open_when_settled)
      ledger_refute(ledger, name, "record %u is UNKNOWN for %s, but no attempt may have been written", number,
                    status_name(status));
    if (!may_be_unknown(ledger, status))
      ledger_refute(ledger, name, "record %u is UNKNOWN for %s, which leaves nothing open", number,
                    status_name(status));
    break;
  default:
    if (!record->may_be_when_settled)
      ledger_refute(ledger, name, "record %u is delivered, but no attempt may have been written", number);
  }
}

void invariant_reports_are_true(struct ledger *ledger, uint32_t number, bool at_rest) {
  const char *name = "I7 reports_are_true";
  const struct ledger_record *record = &ledger->records[number];
  const struct report *report = &record->report;
  if (record->reports == 0) {
    if (at_rest) ledger_refute(ledger, name, "record %u has no report", number);
    return;
  }
  if (report->outcome == OUTCOME_NOT_DELIVERED && record->copies > 0)
    ledger_refute(ledger, name, "record %u is NOT_DELIVERED and in the log at %lld", number,
                  (long long)record->offset);
  if (!is_delivered(report)) return;
  if (record->copies == 0) {
    if (!ledger->rules.logs_may_lose && !was_cut_off(ledger, record))
      ledger_refute(ledger, name, "record %u is delivered and in no log", number);
    return;
  }
  /* Of several copies any may be the one that was reported, and that one may be lost. */
  bool repeats = !ledger->rules.idempotent || ledger->rules.logs_may_lose;
  bool is_cut = ledger->partitions[record->topic][record->partition].cut_us != 0;
  if (repeats && (record->copies > 1 || ledger->rules.logs_may_lose || is_cut)) return;
  if (was_cut_off(ledger, record)) return; /* it may be there again, as another node had it */
  if (report->partition != record->partition ||
      (report->outcome == OUTCOME_DELIVERED && report->offset != record->offset))
    ledger_refute(ledger, name, "record %u is reported at %d/%lld and lies at %d/%lld", number,
                  (int)report->partition, (long long)report->offset, (int)record->partition,
                  (long long)record->offset);
}

void invariant_records_stand_once(struct ledger *ledger, uint32_t topic, uint32_t number) {
  const char *name = "I7 records_stand_once";
  const struct ledger_record *record = &ledger->records[number];
  if (topic != record->topic)
    ledger_refute(ledger, name, "record %u is in the log of topic %u", number, topic);
  if (record->partition_wanted >= 0 && record->partition != record->partition_wanted)
    ledger_refute(ledger, name, "record %u is in partition %d", number, (int)record->partition);
  if (record->copies > 1 && ledger->rules.idempotent)
    ledger_refute(ledger, name, "record %u is there %u times", number, record->copies);
}

void invariant_log_keeps_the_order(struct ledger *ledger, uint32_t topic, int32_t partition,
                                   uint32_t number) {
  int64_t *last = &ledger->partitions[topic][partition].last_accepted;
  if (!ledger->rules.idempotent) return;
  /* What goes on under another producer id fences nothing: a request of the old one may come behind it. */
  if (ledger->rules.ids_change && ledger->records[number].report.outcome == OUTCOME_UNKNOWN) return;
  if ((int64_t)number <= *last)
    ledger_refute(ledger, "I8 log_keeps_the_order", "record %u stands behind %lld in partition %d", number,
                  (long long)*last, (int)partition);
  *last = number;
}

void invariant_wire_is_what_was_sealed(struct ledger *ledger, const struct ledger_attempt *attempt,
                                       const struct ledger_part *part, const struct ledger_wire *wire) {
  enum { FIRST_VERSION_BY_ID = 13 };
  const char *name = "I9 wire_is_what_was_sealed";
  bool is_its_topic = attempt->version >= FIRST_VERSION_BY_ID
                          ? uuid_equal(&wire->topic_id, &part->topic_id)
                          : bytes_equal(wire->topic_name, bytes_of_string(scenario_topics[part->topic]));
  if (!is_its_topic) ledger_refute(ledger, name, "a batch of topic %u goes to another", part->topic);
  if (wire->partition != part->partition)
    ledger_refute(ledger, name, "a batch of partition %d goes to partition %d", (int)part->partition,
                  (int)wire->partition);
  if (crc32c_extend(0, wire->bytes.data, wire->bytes.size) != part->hash)
    ledger_refute(ledger, name,
                  "sequence %d of partition %d has other bytes on the wire than when it was sealed",
                  (int)part->base_sequence, (int)part->partition);
  if (!names_itself(part, wire->bytes))
    ledger_refute(ledger, name, "sequence %d of partition %d has another identity on the wire",
                  (int)part->base_sequence, (int)part->partition);
}

void invariant_memory_adds_up(struct ledger *ledger, size_t block_bytes, size_t used_bytes,
                              size_t total_bytes) {
  if (block_bytes != used_bytes || used_bytes > total_bytes)
    ledger_refute(ledger, "I10 memory_adds_up", "blocks of %zu bytes, %zu are used of %zu", block_bytes,
                  used_bytes, total_bytes);
}

void invariant_waits_end(struct ledger *ledger, int64_t wait_us, int64_t first_deadline_us) {
  if (wait_us > first_deadline_us)
    ledger_refute(ledger, "I11 waits_end", "a wait until %lld goes beyond the deadline %lld",
                  (long long)wait_us, (long long)first_deadline_us);
}

void invariant_outcomes_come_in_time(struct ledger *ledger) {
  if (ledger_first_deadline_us(ledger) < ledger->now_us)
    ledger_refute(ledger, "I11 outcomes_come_in_time",
                  "record %u has no outcome %lld us after its delivery timeout", ledger->first_unsettled,
                  (long long)(ledger->now_us - ledger_first_deadline_us(ledger)));
}

void invariant_requests_end_in_time(struct ledger *ledger, const struct ledger_attempt *attempt) {
  int64_t deadline_us =
      clock_add_us(attempt->begun_us + attempt->paused_us, ledger->rules.request_timeout_us);
  if (deadline_us < ledger->wait_began_us)
    ledger_refute(ledger, "I11 requests_end_in_time", "request %d is open %lld us after its timeout",
                  (int)attempt->correlation_id, (long long)(ledger->wait_began_us - deadline_us));
}

/* The backoff varies by a fifth. */
void invariant_identities_are_asked_for_slowly(struct ledger *ledger) {
  int64_t pause_us = ledger->now_us - ledger->identity_refused_us;
  if (ledger->identity_refused_us >= 0 && pause_us < ledger->rules.retry_backoff_us / 5 * 4)
    ledger_refute(ledger, "I11 identities_are_asked_for_slowly",
                  "a producer id is asked for %lld us after it was refused", (long long)pause_us);
}

void invariant_turns_get_somewhere(struct ledger *ledger, uint32_t idle_turns, uint32_t limit) {
  if (idle_turns > limit)
    ledger_refute(ledger, "I11 turns_get_somewhere", "%u turns in a row did nothing", idle_turns);
}

void invariant_incarnations_stay_apart(struct ledger *ledger, const struct ledger_part *part) {
  for (uint32_t i = 0; i < part->record_count; i++) {
    uint32_t number = ledger->numbers[part->numbers_at + i];
    const struct ledger_record *record = &ledger->records[number];
    if (record->possible > 0 && !uuid_equal(&ledger->parts[record->part].topic_id, &part->topic_id))
      ledger_refute(ledger, "I14 incarnations_stay_apart",
                    "record %u may be in the topic that was, and is sent to the one that is", number);
  }
  const struct ledger_part *before = previous_of(ledger, part);
  if (before != NULL && part->producer_id >= 0 && is_same_identity(before, part) &&
      !uuid_equal(&before->topic_id, &part->topic_id))
    ledger_refute(ledger, "I14 incarnations_stay_apart",
                  "epoch %d of partition %d goes on in another topic of the name", part->producer_epoch,
                  (int)part->partition);
}

void invariant_none_is_passed_over(struct ledger *ledger) {
  enum { OVERTAKES_MAX = 2 };
  uint32_t waiting[LEDGER_PLACES];
  uint32_t count = places_that_wait(ledger, waiting);
  for (uint32_t i = 0; i < count; i++)
    for (uint32_t p = ledger->steps_first_part; p < ledger->part_count; p++) {
      const struct ledger_part *part = &ledger->parts[p];
      uint32_t place = place_of(part->topic, part->partition);
      if (node_of(ledger, part->topic, part->partition) !=
          node_of(ledger, waiting[i] / LEDGER_PARTITIONS_MAX, (int32_t)(waiting[i] % LEDGER_PARTITIONS_MAX)))
        continue;
      if (++ledger->overtakes[waiting[i]][place] > OVERTAKES_MAX)
        ledger_refute(ledger, "I15 none_is_passed_over",
                      "partition %u of topic %u waits while partition %d of topic %u is sent again and again",
                      waiting[i] % LEDGER_PARTITIONS_MAX, waiting[i] / LEDGER_PARTITIONS_MAX,
                      (int)part->partition, part->topic);
    }
}

static uint32_t place_of(uint32_t topic, int32_t partition) {
  return topic * LEDGER_PARTITIONS_MAX + (uint32_t)partition;
}

/* Where the partition was sent to last. */
static int32_t node_of(const struct ledger *ledger, uint32_t topic, int32_t partition) {
  int32_t last = ledger->partitions[topic][partition].last_part;
  return last < 0 ? LEDGER_NONE : ledger->attempts[ledger->parts[last].attempt].node_id;
}

/* Those that have a record whose linger is over and which was never handed over, and nothing under way. All
 * others begin to count anew. */
static uint32_t places_that_wait(struct ledger *ledger, uint32_t places[LEDGER_PLACES]) {
  bool waits[LEDGER_PLACES] = {0};
  uint32_t count = 0;
  for (uint32_t i = ledger->first_unsettled; i < ledger->record_count; i++) {
    const struct ledger_record *record = &ledger->records[i];
    bool is_ready = record->accepted_us + ledger->rules.linger_us < ledger->now_us;
    if (!record->settled && record->parts == 0 && record->partition_wanted >= 0 && is_ready)
      waits[place_of(record->topic, record->partition_wanted)] = true;
  }
  for (uint32_t i = ledger->first_open; i < ledger->attempt_count; i++) {
    const struct ledger_attempt *attempt = &ledger->attempts[i];
    for (uint32_t p = attempt->first_part; !attempt->ended && p < attempt->first_part + attempt->part_count;
         p++)
      waits[place_of(ledger->parts[p].topic, ledger->parts[p].partition)] = false;
  }
  for (uint32_t place = 0; place < LEDGER_PLACES; place++) {
    if (waits[place])
      places[count++] = place;
    else
      memset(ledger->overtakes[place], 0, sizeof ledger->overtakes[place]);
  }
  return count;
}

/* Whether a record batch says what the books have of it. */
static bool names_itself(const struct ledger_part *part, struct bytes batch) {
  enum { PRODUCER_ID_AT = 43, PRODUCER_EPOCH_AT = 51, BASE_SEQUENCE_AT = 53, RECORD_COUNT_AT = 57 };
  const uint8_t *data = batch.data;
  return batch.size >= RECORD_BATCH_HEADER_BYTES &&
         (int64_t)bytes_load_u64(data + PRODUCER_ID_AT) == part->producer_id &&
         (int16_t)bytes_load_u16(data + PRODUCER_EPOCH_AT) == part->producer_epoch &&
         (int32_t)bytes_load_u32(data + BASE_SEQUENCE_AT) == part->base_sequence &&
         bytes_load_u32(data + RECORD_COUNT_AT) == part->record_count;
}

static bool is_same_batch(const struct ledger_part *a, const struct ledger_part *b) {
  return is_same_identity(a, b) && a->base_sequence == b->base_sequence &&
         a->record_count == b->record_count && a->hash == b->hash;
}

static bool is_same_identity(const struct ledger_part *a, const struct ledger_part *b) {
  return a->producer_id == b->producer_id && a->producer_epoch == b->producer_epoch;
}

static bool ranges_meet(const struct ledger_part *a, const struct ledger_part *b) {
  uint32_t a_to_b = ((uint32_t)b->base_sequence - (uint32_t)a->base_sequence) & INT32_MAX;
  uint32_t b_to_a = ((uint32_t)a->base_sequence - (uint32_t)b->base_sequence) & INT32_MAX;
  return a_to_b < a->record_count || b_to_a < b->record_count;
}

static bool is_settled(const struct ledger *ledger, const struct ledger_part *part) {
  for (uint32_t i = 0; i < part->record_count; i++)
    if (!ledger->records[ledger->numbers[part->numbers_at + i]].settled) return false;
  return true;
}

/* A delivery timeout, an end by the application, or the last answer to a record that an earlier attempt, or
 * this one, may have written. */
static bool may_be_unknown(const struct ledger *ledger, int32_t status) {
  switch (status) {
  case STATUS_OK:
  case STATUS_BUFFER_FULL:
  case STATUS_PARTITION_OUT_OF_RANGE:
  case STATUS_RECORD_TOO_LARGE:
  case STATUS_PARTITIONER_FAILED:
  case STATUS_REPORTS_UNREAD: return false;
  case STATUS_NO_ACKNOWLEDGEMENT: return ledger->rules.acks == 0;
  default: return true;
  }
}

/* A record that was in a log until it was cut, or that was acknowledged afterwards, perhaps by one of those
 * that still believed to lead. In calm nobody does any more. */
static bool was_cut_off(const struct ledger *ledger, const struct ledger_record *record) {
  if (record->is_lost) return true;
  if (record->part < 0) return false;
  const struct ledger_part *part = &ledger->parts[record->part];
  int64_t cut_us = ledger->partitions[part->topic][part->partition].cut_us;
  bool is_of_calm = ledger->calm_us != 0 && ledger->attempts[part->attempt].begun_us >= ledger->calm_us;
  return cut_us != 0 && record->settled_us >= cut_us && !is_of_calm;
}

/* Answers and losses that say nothing for good. Not 3 and 100: a topic may be gone. */
static bool may_be_retried(int32_t status) {
  static const int32_t statuses[] = {STATUS_LEADER_NOT_AVAILABLE, STATUS_NOT_LEADER_OR_FOLLOWER,
                                     STATUS_REQUEST_TIMED_OUT,    STATUS_REPLICA_NOT_AVAILABLE,
                                     STATUS_NOT_ENOUGH_REPLICAS,  STATUS_NOT_ENOUGH_REPLICAS_AFTER_APPEND,
                                     STATUS_KAFKA_STORAGE_ERROR,  STATUS_FENCED_LEADER_EPOCH,
                                     STATUS_DISCONNECTED,         STATUS_REQUEST_TIMED_OUT_LOCALLY,
                                     STATUS_MALFORMED_RESPONSE};
  for (size_t i = 0; i < sizeof statuses / sizeof statuses[0]; i++)
    if (statuses[i] == status) return true;
  return false;
}

static bool is_delivered(const struct report *report) {
  return report->outcome == OUTCOME_DELIVERED || report->outcome == OUTCOME_DELIVERED_OFFSET_UNKNOWN;
}

static const struct ledger_part *previous_of(const struct ledger *ledger, const struct ledger_part *part) {
  return part->previous < 0 ? NULL : &ledger->parts[part->previous];
}
