#include "sim/ledger.h"

#include "base/assertion.h"
#include "base/clock.h"
#include "sim/invariants.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

static void *grown(void *memory, uint32_t *capacity, uint32_t wanted, size_t size);
static void move_part(struct ledger *ledger, uint32_t index, enum ledger_fate fate);
static void count_possible(struct ledger *ledger, uint32_t index, int change);

void ledger_init(struct ledger *ledger, const struct ledger_rules *rules) {
  *ledger = (struct ledger){.rules = *rules, .identity_refused_us = -1};
  for (uint32_t t = 0; t < LEDGER_TOPICS_MAX; t++)
    for (uint32_t p = 0; p < LEDGER_PARTITIONS_MAX; p++)
      ledger->partitions[t][p] = (struct ledger_partition){.last_part = LEDGER_NONE,
                                                           .producer_id = -1,
                                                           .refused_producer_id = -1,
                                                           .producer_epoch = -1,
                                                           .last_delivered = -1};
}

void ledger_deinit(struct ledger *ledger) {
  free(ledger->records);
  free(ledger->attempts);
  free(ledger->parts);
  free(ledger->numbers);
}

void ledger_refute(struct ledger *ledger, const char *invariant, const char *format, ...) {
  struct ledger_violation *violation = &ledger->violation;
  if (violation->found) return;
  violation->found = true;
  violation->invariant = invariant;
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(violation->text, sizeof violation->text, format, arguments);
  va_end(arguments);
}

void ledger_tell_time(struct ledger *ledger, int64_t now_us) {
  ASSERT(now_us >= ledger->now_us);
  ledger->now_us = now_us;
}

uint32_t ledger_accept(struct ledger *ledger, uint32_t topic, int32_t partition_wanted) {
  ledger->records =
      grown(ledger->records, &ledger->record_capacity, ledger->record_count + 1, sizeof *ledger->records);
  ledger->records[ledger->record_count] = (struct ledger_record){.topic = topic,
                                                                 .partition_wanted = partition_wanted,
                                                                 .accepted_us = ledger->now_us,
                                                                 .part = LEDGER_NONE,
                                                                 .partition = LEDGER_NONE};
  if (ledger->first_accepted_us[topic] == 0) ledger->first_accepted_us[topic] = ledger->now_us;
  return ledger->record_count++;
}

void ledger_begin_attempt(struct ledger *ledger, int32_t correlation_id, int32_t node_id, int16_t version,
                          int16_t acks) {
  ledger->attempts =
      grown(ledger->attempts, &ledger->attempt_capacity, ledger->attempt_count + 1, sizeof *ledger->attempts);
  ledger->attempts[ledger->attempt_count++] = (struct ledger_attempt){.correlation_id = correlation_id,
                                                                      .node_id = node_id,
                                                                      .version = version,
                                                                      .acks = acks,
                                                                      .begun_us = ledger->now_us,
                                                                      .first_part = ledger->part_count};
  invariant_flight_is_limited(ledger);
}

void ledger_add_part(struct ledger *ledger, const struct ledger_part *part, const uint32_t *numbers) {
  ASSERT(ledger->attempt_count > 0 && part->topic < LEDGER_TOPICS_MAX);
  ASSERT(part->partition >= 0 && part->partition < LEDGER_PARTITIONS_MAX);
  uint32_t index = ledger->part_count;
  ledger->parts = grown(ledger->parts, &ledger->part_capacity, index + 1, sizeof *ledger->parts);
  ledger->numbers = grown(ledger->numbers, &ledger->number_capacity,
                          ledger->number_count + part->record_count, sizeof *ledger->numbers);
  struct ledger_partition *partition = &ledger->partitions[part->topic][part->partition];
  struct ledger_part *added = &ledger->parts[index];
  *added = *part;
  added->attempt = ledger->attempt_count - 1;
  added->fate = FATE_OPEN;
  added->numbers_at = ledger->number_count;
  added->previous = partition->last_part;
  memcpy(ledger->numbers + added->numbers_at, numbers, part->record_count * sizeof *numbers);
  invariant_identity_never_changes(ledger, added);
  invariant_sequences_are_contiguous(ledger, added);
  invariant_flight_keeps_the_order(ledger, added);
  invariant_incarnations_stay_apart(ledger, added);
  ledger->number_count += part->record_count;
  ledger->part_count++;
  ledger->attempts[added->attempt].part_count++;
  int32_t end = (int32_t)(((uint32_t)part->base_sequence + part->record_count) & INT32_MAX);
  bool same = partition->begun && partition->producer_id == part->producer_id &&
              partition->producer_epoch == part->producer_epoch;
  /* A range that is sent again does not move the end; one that takes the place of a refused one does. */
  if (!same || ledger_sequence_is_before(partition->next_sequence, end)) partition->next_sequence = end;
  partition->last_part = (int32_t)index;
  partition->producer_id = part->producer_id;
  partition->producer_epoch = part->producer_epoch;
  partition->begun = true;
  count_possible(ledger, index, 1);
}

void ledger_end_step(struct ledger *ledger) {
  if (ledger->is_calm) invariant_none_is_passed_over(ledger);
  for (; ledger->steps_first_part < ledger->part_count; ledger->steps_first_part++) {
    const struct ledger_part *part = &ledger->parts[ledger->steps_first_part];
    invariant_epochs_never_fall(ledger, part);
    invariant_nothing_overtakes(ledger, part);
  }
  invariant_outcomes_come_in_time(ledger);
}

struct ledger_attempt *ledger_find_attempt(struct ledger *ledger, int32_t correlation_id) {
  uint32_t low = 0, high = ledger->attempt_count;
  while (low < high) {
    uint32_t middle = low + (high - low) / 2;
    if (ledger->attempts[middle].correlation_id < correlation_id)
      low = middle + 1;
    else
      high = middle;
  }
  bool found = low < ledger->attempt_count && ledger->attempts[low].correlation_id == correlation_id;
  return found ? &ledger->attempts[low] : NULL;
}

void ledger_note_wire(struct ledger *ledger, const struct ledger_attempt *attempt, uint32_t index,
                      const struct ledger_wire *wire) {
  if (index >= attempt->part_count) {
    ledger_refute(ledger, "I9 wire_is_what_was_sealed", "request %d has more batches on the wire",
                  (int)attempt->correlation_id);
    return;
  }
  invariant_wire_is_what_was_sealed(ledger, attempt, &ledger->parts[attempt->first_part + index], wire);
}

void ledger_note_whole(struct ledger *ledger, struct ledger_attempt *attempt) {
  attempt->whole = true;
  for (uint32_t i = 0; i < attempt->part_count; i++)
    move_part(ledger, attempt->first_part + i, FATE_WHOLE);
}

void ledger_note_answer(struct ledger *ledger, const struct ledger_attempt *attempt, struct bytes name,
                        const struct uuid *id, const struct produce_response_partition *answer) {
  enum { OK = 0, DUPLICATE_SEQUENCE_NUMBER = 46, FIRST_VERSION_BY_ID = 13 };
  enum { OUT_OF_ORDER = 45, INVALID_EPOCH = 47, UNKNOWN_PRODUCER = 59, FENCED = 90 };
  int16_t code = answer->error_code;
  for (uint32_t i = 0; i < attempt->part_count; i++) {
    const struct ledger_part *part = &ledger->parts[attempt->first_part + i];
    bool is_named = attempt->version >= FIRST_VERSION_BY_ID
                        ? uuid_equal(&part->topic_id, id)
                        : bytes_equal(name, bytes_of_string(scenario_topics[part->topic]));
    if (!is_named || part->partition != answer->index) continue;
    if (code == OK || code == DUPLICATE_SEQUENCE_NUMBER)
      move_part(ledger, attempt->first_part + i, FATE_WRITTEN);
    else if (ledger_answer_excludes_append(code))
      move_part(ledger, attempt->first_part + i, FATE_REFUSED);
    if (code == OUT_OF_ORDER || code == INVALID_EPOCH || code == UNKNOWN_PRODUCER || code == FENCED) {
      struct ledger_partition *partition = &ledger->partitions[part->topic][part->partition];
      partition->refused_producer_id = part->producer_id;
      partition->refused_epoch = part->producer_epoch;
    }
  }
}

void ledger_note_identity_request(struct ledger *ledger) {
  invariant_identities_are_asked_for_slowly(ledger);
}

void ledger_note_identity_refusal(struct ledger *ledger) {
  ledger->identity_refused_us = ledger->now_us;
}

void ledger_note_cut(struct ledger *ledger, uint32_t topic, int32_t partition) {
  struct ledger_partition *cut = &ledger->partitions[topic][partition];
  if (cut->cut_us == 0) cut->cut_us = ledger->now_us;
}

void ledger_note_pause(struct ledger *ledger, int32_t node_id, int64_t pause_us) {
  for (uint32_t i = ledger->first_open; i < ledger->attempt_count; i++)
    if (ledger->attempts[i].node_id == node_id) ledger->attempts[i].paused_us += pause_us;
}

void ledger_end_attempt(struct ledger *ledger, struct ledger_attempt *attempt) {
  attempt->ended = true;
  for (uint32_t i = 0; i < attempt->part_count; i++)
    if (ledger->parts[attempt->first_part + i].fate == FATE_OPEN)
      move_part(ledger, attempt->first_part + i, FATE_NOT_WHOLE);
  while (ledger->first_open < ledger->attempt_count && ledger->attempts[ledger->first_open].ended)
    ledger->first_open++;
}

void ledger_settle(struct ledger *ledger, uint64_t number) {
  if (number >= ledger->record_count) return; /* its report will tell */
  struct ledger_record *record = &ledger->records[number];
  record->settled = true;
  record->settled_us = ledger->now_us;
  record->was_refused = ledger_was_refused(ledger, record);
  while (ledger->first_unsettled < ledger->record_count && ledger->records[ledger->first_unsettled].settled)
    ledger->first_unsettled++;
  record->may_be_when_settled = record->possible > 0;
  record->open_when_settled = record->possible > 0 || (record->ceased == ledger->wait && ledger->wait > 0) ||
                              (ledger->rules.answers_merge && record->parts > 0);
}

void ledger_begin_wait(struct ledger *ledger) {
  ledger->wait++;
  ledger->wait_began_us = ledger->now_us;
}

void ledger_report(struct ledger *ledger, const struct report *report) {
  if (report->opaque >= ledger->record_count) {
    ledger_refute(ledger, "I6 reports_come_once_and_in_order",
                  "a report for record %llu, which was never accepted", (unsigned long long)report->opaque);
    return;
  }
  invariant_reports_come_once_and_in_order(ledger, report);
  struct ledger_record *record = &ledger->records[report->opaque];
  record->reports++;
  record->report = *report;
  ledger->report_count++;
  invariant_outcomes_have_their_causes(ledger, (uint32_t)report->opaque);
}

void ledger_begin_logs(struct ledger *ledger) {
  for (uint32_t i = 0; i < ledger->record_count; i++)
    ledger->records[i].copies = 0;
}

void ledger_begin_log(struct ledger *ledger, uint32_t topic, int32_t partition) {
  ASSERT(topic < LEDGER_TOPICS_MAX && partition >= 0 && partition < LEDGER_PARTITIONS_MAX);
  ledger->partitions[topic][partition].last_accepted = -1;
}

void ledger_note_logged(struct ledger *ledger, uint32_t topic, int32_t partition,
                        const struct uuid *incarnation, int64_t offset, uint32_t number) {
  if (number >= ledger->record_count) {
    ledger_refute(ledger, "I7 reports_are_true", "record %u is in a log and was never accepted", number);
    return;
  }
  struct ledger_record *record = &ledger->records[number];
  invariant_log_keeps_the_order(ledger, topic, partition, number);
  if (record->copies++ == 0) {
    record->incarnation = *incarnation;
    record->partition = partition;
    record->offset = offset;
  }
  invariant_records_stand_once(ledger, topic, number);
}

void ledger_end_logs(struct ledger *ledger, bool at_rest) {
  for (uint32_t i = 0; i < ledger->record_count && !ledger->violation.found; i++)
    invariant_reports_are_true(ledger, i, at_rest);
}

int64_t ledger_first_deadline_us(const struct ledger *ledger) {
  if (ledger->first_unsettled == ledger->record_count) return CLOCK_NEVER_US;
  return clock_add_us(ledger->records[ledger->first_unsettled].accepted_us,
                      ledger->rules.delivery_timeout_us);
}

bool ledger_was_refused(const struct ledger *ledger, const struct ledger_record *record) {
  if (record->part < 0) return false;
  const struct ledger_part *part = &ledger->parts[record->part];
  const struct ledger_partition *partition = &ledger->partitions[part->topic][part->partition];
  return part->producer_id >= 0 && partition->refused_producer_id == part->producer_id &&
         partition->refused_epoch == part->producer_epoch;
}

bool ledger_sequence_is_before(int32_t a, int32_t b) {
  uint32_t ahead = ((uint32_t)b - (uint32_t)a) & INT32_MAX;
  return ahead != 0 && ahead < (uint32_t)INT32_MAX / 2;
}

/* What a leader finds out before it touches the log. Not 3, 6, 56 (also answered to those who wait for
 * followers when the leader changes), 7, 20 (after the append), 46 (written before). */
bool ledger_answer_excludes_append(int16_t error_code) {
  static const int16_t codes[] = {2,  10, 17, 18, 19, 21, 29, 31, 32, 35, 42,  43,
                                  45, 47, 48, 49, 51, 53, 59, 76, 87, 90, 100, 120};
  for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++)
    if (codes[i] == error_code) return true;
  return false;
}

static void *grown(void *memory, uint32_t *capacity, uint32_t wanted, size_t size) {
  if (wanted <= *capacity) return memory;
  while (*capacity < wanted)
    *capacity = *capacity == 0 ? 256 : *capacity * 2;
  void *larger = realloc(memory, *capacity * size);
  ASSERT(larger != NULL);
  return larger;
}

static void move_part(struct ledger *ledger, uint32_t index, enum ledger_fate fate) {
  struct ledger_part *part = &ledger->parts[index];
  bool was_possible = ledger_is_possible(part->fate);
  part->fate = fate;
  if (was_possible && !ledger_is_possible(fate)) count_possible(ledger, index, -1);
}

static void count_possible(struct ledger *ledger, uint32_t index, int change) {
  const struct ledger_part *part = &ledger->parts[index];
  for (uint32_t i = 0; i < part->record_count; i++) {
    struct ledger_record *record = &ledger->records[ledger->numbers[part->numbers_at + i]];
    if (change > 0) {
      record->possible++;
      record->parts++;
      record->part = (int32_t)index;
    } else {
      ASSERT(record->possible > 0);
      record->possible--;
      record->ceased = ledger->wait;
    }
  }
}
