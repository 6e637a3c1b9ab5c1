/* Each invariant sees the damage that it is there for, and nothing in what is right. */
#include "sim/invariants.h"

#include "base/crc32c.h"
#include "base/status.h"
#include "protocol/record_batch.h"
#include <check.h>
#include <stdlib.h>
#include <string.h>

enum { TOPIC = 0, PARTITION = 1, NODE = 1, PRODUCER = 1000, RECORDS = 40 };

static struct ledger ledger;
static int32_t correlation_id;
static const struct uuid here = {{1}}, elsewhere = {{2}};

static void set_up(void) {
  struct ledger_rules rules = {.idempotent = true,
                               .max_in_flight = 5,
                               .acks = -1,
                               .delivery_timeout_us = 1000,
                               .request_timeout_us = 50,
                               .retry_backoff_us = 10,
                               .propagation_us = 100};
  ledger_init(&ledger, &rules);
  for (int i = 0; i < RECORDS; i++)
    ledger_accept(&ledger, TOPIC, LEDGER_NONE);
  correlation_id = 0;
}

static void tear_down(void) {
  ledger_deinit(&ledger);
}

static void expect_sound(void) {
  ck_assert_msg(!ledger.violation.found, "%s: %s", ledger.violation.invariant, ledger.violation.text);
}

static void expect(const char *invariant) {
  ck_assert_msg(ledger.violation.found, "%s has seen nothing", invariant);
  ck_assert_msg(strstr(ledger.violation.invariant, invariant) != NULL, "%s: %s", ledger.violation.invariant,
                ledger.violation.text);
}

static struct ledger_part part_of(int16_t epoch, int32_t sequence, uint32_t count) {
  return (struct ledger_part){.topic = TOPIC,
                              .partition = PARTITION,
                              .topic_id = here,
                              .producer_id = PRODUCER,
                              .producer_epoch = epoch,
                              .base_sequence = sequence,
                              .record_count = count,
                              .hash = (uint32_t)sequence + 7};
}

/* Hands a batch with the records from `first` on to the network. */
static struct ledger_attempt *hand_over(const struct ledger_part *part, uint32_t first, int32_t node_id) {
  uint32_t numbers[RECORDS];
  for (uint32_t i = 0; i < part->record_count; i++)
    numbers[i] = first + i;
  ledger_begin_attempt(&ledger, ++correlation_id, node_id, 13, ledger.rules.acks);
  ledger_add_part(&ledger, part, numbers);
  ledger_end_step(&ledger);
  return ledger_find_attempt(&ledger, correlation_id);
}

static void send(int16_t epoch, int32_t sequence, uint32_t first, uint32_t count) {
  struct ledger_part part = part_of(epoch, sequence, count);
  ledger_note_whole(&ledger, hand_over(&part, first, NODE));
}

static void answer(int16_t code) {
  struct produce_response_partition answer = {.index = PARTITION, .error_code = code};
  struct ledger_attempt *attempt = ledger_find_attempt(&ledger, correlation_id);
  ledger_note_answer(&ledger, attempt, bytes_of(NULL, 0), &here, &answer);
  ledger_end_attempt(&ledger, attempt);
}

static void lose(void) {
  ledger_end_attempt(&ledger, ledger_find_attempt(&ledger, correlation_id));
}

static void report(uint32_t number, enum outcome outcome, int32_t status, int64_t offset) {
  struct report report = {.opaque = number,
                          .topic = TOPIC,
                          .partition = PARTITION,
                          .outcome = (uint8_t)outcome,
                          .status = status,
                          .offset = offset};
  ledger_settle(&ledger, number);
  ledger_report(&ledger, &report);
}

static void log_record(uint32_t number, int64_t offset) {
  ledger_note_logged(&ledger, TOPIC, PARTITION, &here, offset, number);
}

START_TEST(what_is_right_passes) {
  send(0, 0, 0, 2);
  answer(STATUS_OK);
  report(0, OUTCOME_DELIVERED, STATUS_OK, 0);
  report(1, OUTCOME_DELIVERED, STATUS_OK, 1);
  send(0, 2, 2, 1);
  lose();
  send(0, 2, 2, 1);
  answer(STATUS_OK);
  report(2, OUTCOME_DELIVERED, STATUS_OK, 2);
  ledger_begin_logs(&ledger);
  ledger_begin_log(&ledger, TOPIC, PARTITION);
  for (uint32_t i = 0; i < 3; i++)
    log_record(i, i);
  ledger_end_logs(&ledger, false);
  expect_sound();
  ledger_end_logs(&ledger, true); /* the others have no reports */
  expect("I7 reports_are_true");
}
END_TEST

START_TEST(another_identity_of_what_may_be_written_is_seen) {
  send(0, 0, 0, 2);
  lose();
  send(1, 0, 0, 2);
  expect("I2");
}
END_TEST

START_TEST(other_bytes_of_what_may_be_written_are_seen) {
  send(0, 0, 0, 2);
  lose();
  struct ledger_part part = part_of(0, 0, 2);
  part.hash++;
  hand_over(&part, 0, NODE);
  expect("I2");
}
END_TEST

START_TEST(a_sequence_of_what_may_be_written_given_to_others_is_seen) {
  send(0, 0, 0, 2);
  lose();
  report(0, OUTCOME_UNKNOWN, STATUS_DELIVERY_TIMED_OUT, -1);
  report(1, OUTCOME_UNKNOWN, STATUS_DELIVERY_TIMED_OUT, -1);
  send(0, 1, 2, 2);
  expect("I2");
}
END_TEST

START_TEST(a_record_sent_after_its_outcome_is_seen) {
  send(0, 0, 0, 1);
  answer(STATUS_OK);
  report(0, OUTCOME_DELIVERED, STATUS_OK, 0);
  send(0, 0, 0, 1);
  expect("I2");
}
END_TEST

START_TEST(what_was_refused_may_be_stamped_anew) {
  send(0, 0, 0, 2);
  answer(STATUS_MESSAGE_TOO_LARGE);
  send(0, 0, 0, 1);
  answer(STATUS_OK);
  send(0, 1, 1, 1);
  answer(STATUS_OUT_OF_ORDER_SEQUENCE_NUMBER);
  send(1, 0, 1, 1);
  expect_sound();
}
END_TEST

START_TEST(a_gap_in_the_sequences_is_seen) {
  send(0, 0, 0, 2);
  answer(STATUS_OK);
  send(0, 3, 2, 1);
  expect("I3");
}
END_TEST

START_TEST(sequences_go_round) {
  ledger.rules.begins_late = true;
  send(0, INT32_MAX - 1, 0, 2);
  send(0, 0, 2, 2);
  expect_sound();
  send(0, 5, 4, 1);
  expect("I3");
}
END_TEST

START_TEST(an_epoch_that_does_not_begin_at_0_is_seen) {
  send(0, 0, 0, 2);
  answer(STATUS_OK);
  send(1, 2, 2, 1);
  expect("I3");
}
END_TEST

START_TEST(sequences_may_begin_late_once) {
  ledger.rules.begins_late = true;
  send(0, 500, 0, 2);
  answer(STATUS_OK);
  expect_sound();
  send(1, 2, 2, 1);
  expect("I3");
}
END_TEST

START_TEST(too_many_requests_are_seen) {
  ledger.rules.max_in_flight = 2;
  for (int32_t i = 0; i < 3; i++) {
    struct ledger_part part = part_of(0, 0, 1);
    part.partition = i;
    hand_over(&part, (uint32_t)i, NODE);
  }
  expect("I4 flight_is_limited");
}
END_TEST

START_TEST(an_older_batch_behind_a_younger_one_is_seen) {
  send(0, 0, 0, 1);
  send(0, 1, 1, 1);
  ledger_end_attempt(&ledger, ledger_find_attempt(&ledger, correlation_id - 1));
  send(0, 0, 0, 1);
  expect("I4 flight_keeps_the_order");
}
END_TEST

START_TEST(another_leader_while_one_owes_answers_is_seen) {
  struct ledger_part part = part_of(0, 0, 1), next = part_of(0, 1, 1);
  hand_over(&part, 0, NODE);
  hand_over(&next, 1, NODE + 1);
  expect("I4 flight_keeps_the_order");
}
END_TEST

START_TEST(a_new_batch_ahead_of_one_that_waits_is_seen) {
  send(0, 0, 0, 1);
  answer(STATUS_NOT_ENOUGH_REPLICAS);
  send(0, 0, 1, 1);
  expect("I4 nothing_overtakes");
}
END_TEST

START_TEST(a_new_batch_may_be_sent_behind_one_under_way_or_refused_for_its_sequence) {
  send(0, 0, 0, 1);
  send(0, 1, 1, 1);
  answer(STATUS_OUT_OF_ORDER_SEQUENCE_NUMBER);
  send(0, 2, 2, 1);
  expect_sound();
}
END_TEST

START_TEST(an_epoch_that_falls_is_seen) {
  send(3, 0, 0, 1);
  answer(STATUS_OK);
  send(2, 0, 1, 1);
  expect("I5");
}
END_TEST

START_TEST(an_epoch_left_while_something_is_open_is_seen) {
  send(0, 0, 0, 1);
  lose();
  send(1, 0, 1, 1);
  expect("I5");
}
END_TEST

START_TEST(an_epoch_may_be_left_once_all_have_their_outcome) {
  send(0, 0, 0, 1);
  lose();
  report(0, OUTCOME_UNKNOWN, STATUS_DELIVERY_TIMED_OUT, -1);
  send(1, 0, 1, 1);
  expect_sound();
}
END_TEST

START_TEST(a_second_report_is_seen) {
  report(0, OUTCOME_NOT_DELIVERED, STATUS_ABORTED, -1);
  expect_sound();
  report(0, OUTCOME_NOT_DELIVERED, STATUS_ABORTED, -1);
  expect("I6");
}
END_TEST

START_TEST(reports_out_of_order_are_seen) {
  send(0, 0, 0, 2);
  answer(STATUS_OK);
  report(1, OUTCOME_DELIVERED, STATUS_OK, 1);
  report(0, OUTCOME_DELIVERED, STATUS_OK, 0);
  expect("I6");
}
END_TEST

START_TEST(a_report_after_close_and_one_of_nobody_are_seen) {
  report(RECORDS, OUTCOME_NOT_DELIVERED, STATUS_ABORTED, -1);
  expect("I6");
  ledger.violation.found = false;
  ledger.closed = true;
  report(0, OUTCOME_NOT_DELIVERED, STATUS_ABORTED, -1);
  expect("I6");
}
END_TEST

START_TEST(outcomes_without_their_causes_are_seen) {
  send(0, 0, 0, 1);
  report(0, OUTCOME_NOT_DELIVERED, STATUS_DELIVERY_TIMED_OUT, -1);
  expect("I7 outcomes");
  ledger.violation.found = false;
  answer(STATUS_NOT_ENOUGH_REPLICAS);
  ledger_begin_wait(&ledger);
  report(1, OUTCOME_UNKNOWN, STATUS_DELIVERY_TIMED_OUT, -1);
  expect("I7 outcomes");
  ledger.violation.found = false;
  report(2, OUTCOME_DELIVERED, STATUS_OK, 0);
  expect("I7 outcomes");
}
END_TEST

START_TEST(an_end_for_what_can_be_tried_again_is_seen) {
  static const struct {
    int16_t answer;
    bool retries_end, is_seen;
  } cases[] = {{0, false, true},
               {0, true, false},
               {STATUS_OUT_OF_ORDER_SEQUENCE_NUMBER, false, false}}; /* a walk has ended */
  ledger.rules.retries_end = cases[_i].retries_end;
  send(0, 0, 0, 1);
  lose();
  send(0, 0, 0, 1);
  if (cases[_i].answer != 0) answer(cases[_i].answer);
  report(0, OUTCOME_UNKNOWN, STATUS_NOT_LEADER_OR_FOLLOWER, -1);
  if (cases[_i].is_seen)
    expect("I7 outcomes");
  else
    expect_sound();
}
END_TEST

START_TEST(a_topic_that_fails_its_records_early_is_seen) {
  ledger_tell_time(&ledger, 99);
  report(0, OUTCOME_NOT_DELIVERED, STATUS_UNKNOWN_TOPIC_OR_PARTITION, -1);
  expect("I7 outcomes");
  ledger.violation.found = false;
  ledger_tell_time(&ledger, 100);
  report(1, OUTCOME_NOT_DELIVERED, STATUS_UNKNOWN_TOPIC_OR_PARTITION, -1);
  expect_sound();
}
END_TEST

START_TEST(a_record_that_never_left_whole_is_not_unknown) {
  struct ledger_part part = part_of(0, 0, 1);
  ledger_end_attempt(&ledger, hand_over(&part, 0, NODE));
  ledger_begin_wait(&ledger);
  report(0, OUTCOME_UNKNOWN, STATUS_DELIVERY_TIMED_OUT, -1);
  expect("I7 outcomes");
}
END_TEST

/* What a walk along one log says of records 0 and 1, both delivered. */
static void walk(const uint32_t *numbers, uint32_t count, int64_t first_offset) {
  send(0, 0, 0, 2);
  answer(STATUS_OK);
  report(0, OUTCOME_DELIVERED, STATUS_OK, 0);
  report(1, OUTCOME_DELIVERED, STATUS_OK, 1);
  report(2, OUTCOME_NOT_DELIVERED, STATUS_ABORTED, -1);
  ledger_begin_logs(&ledger);
  ledger_begin_log(&ledger, TOPIC, PARTITION);
  for (uint32_t i = 0; i < count; i++)
    log_record(numbers[i], first_offset + i);
  ledger_end_logs(&ledger, false);
}

START_TEST(lies_about_the_log_are_seen) {
  static const struct {
    const char *invariant;
    uint32_t numbers[3], count;
    int64_t first_offset;
  } cases[] = {{"I7 reports_are_true", {0}, 1, 0},       /* one is missing */
               {"I7 reports_are_true", {0, 1, 2}, 3, 0}, /* one is there that was reported not to be */
               {"I7 records_stand_once", {0, 0, 1}, 3, 0},
               {"I8", {1, 0}, 2, 0},
               {"I7 reports_are_true", {0, 1}, 2, 5}, /* another offset */
               {"I7 reports_are_true", {0, 1, RECORDS}, 3, 0}};
  walk(cases[_i].numbers, cases[_i].count, cases[_i].first_offset);
  if (strcmp(cases[_i].invariant, "I7 records_stand_once") == 0) {
    ck_assert(ledger.violation.found); /* the order breaks as well */
    return;
  }
  expect(cases[_i].invariant);
}
END_TEST

START_TEST(a_record_in_another_topic_or_partition_is_seen) {
  ledger_begin_logs(&ledger);
  ledger_begin_log(&ledger, TOPIC, PARTITION);
  ledger_begin_log(&ledger, TOPIC + 1, PARTITION);
  ledger_note_logged(&ledger, TOPIC + 1, PARTITION, &here, 0, 0);
  expect("I7 records_stand_once");
  ledger.violation.found = false;
  uint32_t number = ledger_accept(&ledger, TOPIC, 2);
  ledger_note_logged(&ledger, TOPIC, PARTITION, &here, 1, number);
  expect("I7 records_stand_once");
}
END_TEST

/* A batch of one record without its record, as `part` has it. */
static struct bytes write_header(const struct ledger_part *part) {
  enum { PRODUCER_ID_AT = 43, PRODUCER_EPOCH_AT = 51, BASE_SEQUENCE_AT = 53, RECORD_COUNT_AT = 57 };
  static uint8_t header[RECORD_BATCH_HEADER_BYTES];
  bytes_store_u64(header + PRODUCER_ID_AT, (uint64_t)part->producer_id);
  bytes_store_u16(header + PRODUCER_EPOCH_AT, (uint16_t)part->producer_epoch);
  bytes_store_u32(header + BASE_SEQUENCE_AT, (uint32_t)part->base_sequence);
  bytes_store_u32(header + RECORD_COUNT_AT, part->record_count);
  return bytes_of(header, sizeof header);
}

START_TEST(other_bytes_on_the_wire_are_seen) {
  struct ledger_part part = part_of(0, 0, 1);
  struct ledger_wire wire = {.topic_id = here, .partition = PARTITION, .bytes = write_header(&part)};
  part.hash = crc32c_extend(0, wire.bytes.data, wire.bytes.size);
  const struct ledger_attempt *attempt = hand_over(&part, 0, NODE);
  ledger_note_wire(&ledger, attempt, 0, &wire);
  expect_sound();
  struct ledger_wire wrong[4] = {wire, wire, wire, wire};
  uint8_t other[RECORD_BATCH_HEADER_BYTES] = {0};
  wrong[0].bytes = bytes_of(other, sizeof other);
  wrong[1].partition++;
  wrong[2].topic_id = elsewhere;
  wrong[3].bytes.size--;
  for (int i = 0; i < 4; i++) {
    ledger_note_wire(&ledger, attempt, 0, &wrong[i]);
    expect("I9");
    ledger.violation.found = false;
  }
  ledger_note_wire(&ledger, attempt, 1, &wire);
  expect("I9");
}
END_TEST

/* The bytes are what was sealed, but not what the books have of the batch. */
START_TEST(a_batch_that_names_itself_otherwise_is_seen) {
  struct ledger_part part = part_of(0, 0, 1), named = part;
  switch (_i) {
  case 0: named.producer_id++; break;
  case 1: named.producer_epoch++; break;
  case 2: named.base_sequence++; break;
  default: named.record_count++;
  }
  struct ledger_wire wire = {.topic_id = here, .partition = PARTITION, .bytes = write_header(&named)};
  part.hash = crc32c_extend(0, wire.bytes.data, wire.bytes.size);
  ledger_note_wire(&ledger, hand_over(&part, 0, NODE), 0, &wire);
  expect("I9");
}
END_TEST

START_TEST(memory_that_does_not_add_up_is_seen) {
  invariant_memory_adds_up(&ledger, 4096, 4096, 8192);
  expect_sound();
  invariant_memory_adds_up(&ledger, 4096, 8192, 8192);
  expect("I10");
  ledger.violation.found = false;
  invariant_memory_adds_up(&ledger, 9000, 9000, 8192);
  expect("I10");
}
END_TEST

START_TEST(waits_beyond_a_deadline_and_circles_are_seen) {
  invariant_waits_end(&ledger, 100, 100);
  invariant_turns_get_somewhere(&ledger, 10, 10);
  expect_sound();
  invariant_waits_end(&ledger, 101, 100);
  expect("I11 waits_end");
  ledger.violation.found = false;
  invariant_turns_get_somewhere(&ledger, 11, 10);
  expect("I11 turns_get_somewhere");
}
END_TEST

START_TEST(an_outcome_behind_the_delivery_timeout_is_seen) {
  ledger_tell_time(&ledger, 1000);
  ledger_end_step(&ledger);
  expect_sound();
  ledger_tell_time(&ledger, 1001);
  ledger_end_step(&ledger);
  expect("I11 outcomes_come_in_time");
}
END_TEST

START_TEST(a_request_that_does_not_end_is_seen) {
  send(0, 0, 0, 1);
  const struct ledger_attempt *attempt = ledger_find_attempt(&ledger, correlation_id);
  ledger_tell_time(&ledger, 51);
  ledger_note_pause(&ledger, NODE, 1);
  ledger_begin_wait(&ledger);
  invariant_requests_end_in_time(&ledger, attempt);
  expect_sound();
  ledger_tell_time(&ledger, 52);
  ledger_begin_wait(&ledger);
  invariant_requests_end_in_time(&ledger, attempt);
  expect("I11 requests_end_in_time");
}
END_TEST

START_TEST(a_producer_id_that_is_asked_for_at_once_is_seen) {
  ledger_note_identity_request(&ledger);
  ledger_note_identity_refusal(&ledger);
  ledger_tell_time(&ledger, 8);
  ledger_note_identity_request(&ledger);
  expect_sound();
  ledger_note_identity_refusal(&ledger);
  ledger_tell_time(&ledger, 15);
  ledger_note_identity_request(&ledger);
  expect("I11 identities");
}
END_TEST

/* Partition 0 waits from the second step on, while 1 is sent, and 2 to another node. */
START_TEST(a_partition_that_is_passed_over_is_seen) {
  ledger.is_calm = true;
  struct ledger_part part = part_of(0, 0, 1), other = part, foreign = part;
  part.partition = 0;
  foreign.partition = 2;
  hand_over(&part, 0, NODE);
  answer(STATUS_OK);
  ledger_accept(&ledger, TOPIC, 0);
  for (int32_t i = 0; i < 2; i++) {
    ledger_tell_time(&ledger, ledger.now_us + 1);
    other.base_sequence = foreign.base_sequence = i;
    hand_over(&other, 1 + 2 * (uint32_t)i, NODE);
    hand_over(&foreign, 2 + 2 * (uint32_t)i, NODE + 1);
  }
  expect_sound();
  ledger.violation.found = false;
  ledger_tell_time(&ledger, ledger.now_us + 1);
  other.base_sequence = 2;
  hand_over(&other, 9, NODE);
  expect("I15");
}
END_TEST

START_TEST(another_incarnation_of_the_topic_is_seen) {
  send(0, 0, 0, 1);
  lose();
  struct ledger_part part = part_of(0, 0, 1);
  part.topic_id = elsewhere;
  ledger.violation.found = false;
  hand_over(&part, 0, NODE);
  expect("I14");
}
END_TEST

START_TEST(an_identity_that_goes_on_in_another_incarnation_is_seen) {
  send(0, 0, 0, 1);
  answer(STATUS_OK);
  struct ledger_part part = part_of(0, 1, 1);
  part.topic_id = elsewhere;
  hand_over(&part, 1, NODE);
  expect("I14");
}
END_TEST

int main(void) {
  Suite *suite = suite_create("invariants");
  TCase *test_case = tcase_create("all");
  tcase_add_checked_fixture(test_case, set_up, tear_down);
  tcase_add_test(test_case, what_is_right_passes);
  tcase_add_test(test_case, another_identity_of_what_may_be_written_is_seen);
  tcase_add_test(test_case, other_bytes_of_what_may_be_written_are_seen);
  tcase_add_test(test_case, a_sequence_of_what_may_be_written_given_to_others_is_seen);
  tcase_add_test(test_case, a_record_sent_after_its_outcome_is_seen);
  tcase_add_test(test_case, what_was_refused_may_be_stamped_anew);
  tcase_add_test(test_case, a_gap_in_the_sequences_is_seen);
  tcase_add_test(test_case, sequences_go_round);
  tcase_add_test(test_case, an_epoch_that_does_not_begin_at_0_is_seen);
  tcase_add_test(test_case, sequences_may_begin_late_once);
  tcase_add_test(test_case, too_many_requests_are_seen);
  tcase_add_test(test_case, an_older_batch_behind_a_younger_one_is_seen);
  tcase_add_test(test_case, another_leader_while_one_owes_answers_is_seen);
  tcase_add_test(test_case, a_new_batch_ahead_of_one_that_waits_is_seen);
  tcase_add_test(test_case, a_new_batch_may_be_sent_behind_one_under_way_or_refused_for_its_sequence);
  tcase_add_test(test_case, an_epoch_that_falls_is_seen);
  tcase_add_test(test_case, an_epoch_left_while_something_is_open_is_seen);
  tcase_add_test(test_case, an_epoch_may_be_left_once_all_have_their_outcome);
  tcase_add_test(test_case, a_second_report_is_seen);
  tcase_add_test(test_case, reports_out_of_order_are_seen);
  tcase_add_test(test_case, a_report_after_close_and_one_of_nobody_are_seen);
  tcase_add_test(test_case, outcomes_without_their_causes_are_seen);
  tcase_add_loop_test(test_case, an_end_for_what_can_be_tried_again_is_seen, 0, 3);
  tcase_add_test(test_case, a_topic_that_fails_its_records_early_is_seen);
  tcase_add_test(test_case, a_record_that_never_left_whole_is_not_unknown);
  tcase_add_loop_test(test_case, lies_about_the_log_are_seen, 0, 6);
  tcase_add_test(test_case, a_record_in_another_topic_or_partition_is_seen);
  tcase_add_test(test_case, other_bytes_on_the_wire_are_seen);
  tcase_add_loop_test(test_case, a_batch_that_names_itself_otherwise_is_seen, 0, 4);
  tcase_add_test(test_case, memory_that_does_not_add_up_is_seen);
  tcase_add_test(test_case, waits_beyond_a_deadline_and_circles_are_seen);
  tcase_add_test(test_case, an_outcome_behind_the_delivery_timeout_is_seen);
  tcase_add_test(test_case, a_request_that_does_not_end_is_seen);
  tcase_add_test(test_case, a_producer_id_that_is_asked_for_at_once_is_seen);
  tcase_add_test(test_case, a_partition_that_is_passed_over_is_seen);
  tcase_add_test(test_case, another_incarnation_of_the_topic_is_seen);
  tcase_add_test(test_case, an_identity_that_goes_on_in_another_incarnation_is_seen);
  suite_add_tcase(suite, test_case);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_ENV);
  int failures = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failures == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
