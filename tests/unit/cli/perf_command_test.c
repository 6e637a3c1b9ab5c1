#include "cli/perf_command.h"

#include "cli/payload.h"

#include "unit/cli/command_runner.h"
#include "unit/cli/fake_sendoff.h"

#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BASICS "perf -b localhost:9092 -t bench"

static int run(const char *line) {
  return command_run(perf_command, line, NULL, 0);
}

#define assert_printed(text) ck_assert_msg(strstr(command_errors, text) != NULL, "not in: %s", command_errors)

/* The number after "key": in the JSON that was printed. */
static double json_number(const char *key) {
  char quoted[60];
  snprintf(quoted, sizeof quoted, "\"%s\": ", key);
  const char *found = strstr(command_output, quoted);
  ck_assert_msg(found != NULL, "no %s in %s", key, command_output);
  char *end = NULL;
  double number = strtod(found + strlen(quoted), &end);
  ck_assert(end != found + strlen(quoted));
  return number;
}

START_TEST(records_are_the_slices_of_the_text_after_the_warm_up) {
  ck_assert_int_eq(run(BASICS " --records 500 --size 50 --warm-up 7 --json"), 0);
  ck_assert_uint_eq(fake_sendoff.record_count, 507);
  ck_assert_uint_eq(fake_sendoff.flush_count, 2);
  struct payload payload;
  ck_assert_int_eq(payload_init_text(&payload, 50), 0);
  for (uint64_t i = 0; i < 507; i++) {
    const struct fake_record *record = &fake_sendoff.records[i];
    size_t position = i < 7 ? 0 : payload_position(&payload, i - 7);
    ck_assert_uint_eq(record->value_bytes, 50);
    ck_assert_mem_eq(record->value, payload.block + position, 50);
    ck_assert_ptr_null(record->key);
    ck_assert_uint_eq(record->topic_id, 7);
    ck_assert_uint_eq(record->set, SENDOFF_SET_TOPIC_ID);
  }
  payload_deinit(&payload);
}
END_TEST

/* The fake reports record i of all, the warm-up among them, after 100 + i microseconds. */
START_TEST(the_json_has_what_was_measured_without_the_warm_up) {
  ck_assert_int_eq(run(BASICS " --records 100 --size 1000 --warm-up 10 --json"), 0);
  ck_assert_int_eq(command_output[0], '{');
  ck_assert_str_eq(command_output + strlen(command_output) - 2, "}\n");
  ck_assert_double_eq(json_number("records"), 100);
  ck_assert_double_eq(json_number("delivered"), 100);
  ck_assert_double_eq(json_number("failed"), 0);
  double seconds = json_number("seconds");
  ck_assert_double_gt(seconds, 0);
  double rate = json_number("records_per_second");
  ck_assert_double_eq_tol(rate * seconds, 100, 1);
  ck_assert_double_eq_tol(json_number("megabytes_per_second"), rate / 1000, 0.01);
  ck_assert_double_ge(json_number("cpu_ns_per_record"), 0);
  ck_assert_double_eq_tol(json_number("p50"), 159, 1);
  ck_assert_double_eq_tol(json_number("p95"), 204, 1);
  ck_assert_double_eq_tol(json_number("p99"), 208, 1);
  ck_assert_double_eq(json_number("p99_9"), 209);
  ck_assert_double_eq(json_number("max"), 209);
  ck_assert_double_gt(json_number("rss_mb"), 1);
  ck_assert_str_eq(command_errors, "");
}
END_TEST

START_TEST(the_table_is_for_people) {
  ck_assert_int_eq(run(BASICS " --records 1500 --size 10 --warm-up 0"), 0);
  ck_assert_ptr_nonnull(
      strstr(command_output, "records      1,500 of 10 bytes: 1,500 delivered, 0 failed\n"));
  ck_assert_ptr_nonnull(strstr(command_output, "p99.9 "));
}
END_TEST

START_TEST(keys_come_in_turn) {
  ck_assert_int_eq(run(BASICS " --records 5 --warm-up 0 --keys 3"), 0);
  static const char *const keys[] = {"00000000", "00000001", "00000002", "00000000", "00000001"};
  for (size_t i = 0; i < 5; i++)
    ck_assert_str_eq(fake_sendoff.records[i].key, keys[i]);
}
END_TEST

START_TEST(threads_share_the_records) {
  ck_assert_int_eq(run(BASICS " --records 1000 --warm-up 0 --threads 3 --size 20 --json"), 0);
  ck_assert_double_eq(json_number("delivered"), 1000);
  bool seen[1001] = {false};
  struct payload payload;
  ck_assert_int_eq(payload_init_text(&payload, 20), 0);
  for (uint64_t i = 0; i < 1000; i++) {
    const struct fake_record *record = &fake_sendoff.records[i];
    ck_assert_uint_ge(record->opaque, 1);
    ck_assert_uint_le(record->opaque, 1000);
    ck_assert(!seen[record->opaque]);
    seen[record->opaque] = true;
    size_t position = payload_position(&payload, record->opaque - 1);
    ck_assert_mem_eq(record->value, payload.block + position, 20);
  }
  payload_deinit(&payload);
}
END_TEST

START_TEST(latency_is_measured_one_record_at_a_time) {
  ck_assert_int_eq(run(BASICS " --records 50 --warm-up 0 --latency --json"), 0);
  ck_assert_uint_eq(fake_sendoff.sync_count, 50);
  ck_assert_double_eq(json_number("delivered"), 50);
  ck_assert_double_gt(json_number("max"), 0);
  ck_assert_double_lt(json_number("p50"), 100000);
}
END_TEST

/* 20 records at 200 a second take 95 ms at least: they may be late, but not early. */
START_TEST(a_rate_is_not_exceeded) {
  ck_assert_int_eq(run(BASICS " --records 20 --warm-up 0 --rate 200 --json"), 0);
  ck_assert_double_ge(json_number("seconds"), 0.095);
  ck_assert_uint_eq(fake_sendoff.record_count, 20);
}
END_TEST

START_TEST(bytes_may_come_from_a_file_or_be_random) {
  char path[64], line[200];
  command_make_file(path, "abcdefgh", 8);
  snprintf(line, sizeof line, "%s --records 2 --warm-up 0 --size 3 --payload %s", BASICS, path);
  ck_assert_int_eq(run(line), 0);
  unlink(path);
  ck_assert_str_eq(fake_sendoff.records[0].value, "abc");
  ck_assert_str_eq(fake_sendoff.records[1].value, "efg"); /* 7919 % 5 is 4 */
  ck_assert_int_eq(run(BASICS " --records 1 --warm-up 0 --size 3 --payload random"), 0);
}
END_TEST

static const struct {
  const char *line;
  const char *message;
} refused_lines[] = {
    {"perf -b localhost:9092", "say where to send with -t TOPIC"},
    {BASICS " --records 0", "--records has to be a whole number from 1 to "},
    {BASICS " --records 1e6", "not '1e6'"},
    {BASICS " --size -1", "--size has to be a whole number from 0 to "},
    {BASICS " --rate 0", "--rate has to be"},
    {BASICS " --threads 0", "--threads has to be"},
    {BASICS " --threads 2 --latency", "--latency sends one record at a time: leave --threads out"},
    {BASICS " --threads 4 --rate 3", "--rate 3 is too low to share between 4 --threads"},
    {BASICS " --keys 0", "--keys has to be"},
    {BASICS " --payload absent.txt",
     "--payload absent.txt: No such file or directory (it is text, random or"},
    {BASICS " 1000", "it takes no '1000': everything is an option"},
};

START_TEST(a_wrong_command_line_is_explained_and_sends_nothing) {
  ck_assert_int_eq(run(refused_lines[_i].line), 2);
  assert_printed(refused_lines[_i].message);
  ck_assert_uint_eq(fake_sendoff.create_count, 0);
}
END_TEST

START_TEST(help_is_printed) {
  ck_assert_int_eq(run("perf --help"), 0);
  ck_assert_ptr_nonnull(strstr(command_output, "Usage: sendoff perf -b HOST:PORT"));
}
END_TEST

START_TEST(a_broker_that_is_not_there_is_named_before_anything_is_sent) {
  fake_sendoff.connect_status = SENDOFF_TIMED_OUT;
  ck_assert_int_eq(run(BASICS), 1);
  assert_printed("sendoff: cannot reach a broker: nobody answers; check the address that -b names\n");
  ck_assert_uint_eq(fake_sendoff.record_count, 0);
  ck_assert_str_eq(command_output, "");
}
END_TEST

START_TEST(a_refused_record_ends_the_run_after_what_was_sent_is_printed) {
  fake_sendoff.refused_index = 30;
  fake_sendoff.refused_status = SENDOFF_RECORD_TOO_LARGE;
  ck_assert_int_eq(run(BASICS " --records 100 --warm-up 10 --json"), 1);
  assert_printed("record 21 was refused, and nothing after it is sent: SOME_STATUS");
  ck_assert_double_eq(json_number("records"), 20);
  ck_assert_double_eq(json_number("delivered"), 20);
}
END_TEST

static void fail_late(uint64_t index, sendoff_report *report) {
  if (index % 10 == 9) {
    report->outcome = index == 19 ? SENDOFF_OUTCOME_UNKNOWN : SENDOFF_OUTCOME_NOT_DELIVERED;
    report->status = SENDOFF_DELIVERY_TIMED_OUT;
  }
}

START_TEST(failures_are_counted_and_explained) {
  fake_sendoff.decide = fail_late;
  ck_assert_int_eq(run(BASICS " --records 50 --warm-up 0 --json"), 1);
  ck_assert_double_eq(json_number("records"), 50);
  ck_assert_double_eq(json_number("delivered"), 45);
  ck_assert_double_eq(json_number("failed"), 5);
  assert_printed("sendoff: 4 not delivered, first record 10: DELIVERY_TIMED_OUT: It took too long.\n");
  assert_printed("sendoff: 1 in doubt, first record 20: DELIVERY_TIMED_OUT: It took too long.\n");
}
END_TEST

static void interrupt_at_1500(uint64_t count) {
  if (count == 1500) kill(getpid(), SIGINT);
}

START_TEST(an_interrupt_ends_it_early_and_prints_what_was_measured) {
  fake_sendoff.on_send = interrupt_at_1500;
  ck_assert_int_eq(run(BASICS " --records 1000000 --rate 5000 --warm-up 0 --json"), 128 + SIGINT);
  ck_assert_double_ge(json_number("records"), 1500);
  ck_assert_double_lt(json_number("records"), 1000000);
  ck_assert_double_eq(json_number("records"), json_number("delivered"));
}
END_TEST

int main(void) {
  Suite *suite = suite_create("perf_command");
  TCase *measures = tcase_create("measures");
  tcase_add_test(measures, records_are_the_slices_of_the_text_after_the_warm_up);
  tcase_add_test(measures, the_json_has_what_was_measured_without_the_warm_up);
  tcase_add_test(measures, the_table_is_for_people);
  tcase_add_test(measures, keys_come_in_turn);
  tcase_add_test(measures, threads_share_the_records);
  tcase_add_test(measures, latency_is_measured_one_record_at_a_time);
  tcase_add_test(measures, a_rate_is_not_exceeded);
  tcase_add_test(measures, bytes_may_come_from_a_file_or_be_random);
  suite_add_tcase(suite, measures);
  TCase *refusals = tcase_create("refusals");
  tcase_add_loop_test(refusals, a_wrong_command_line_is_explained_and_sends_nothing, 0,
                      sizeof refused_lines / sizeof refused_lines[0]);
  tcase_add_test(refusals, help_is_printed);
  tcase_add_test(refusals, a_broker_that_is_not_there_is_named_before_anything_is_sent);
  tcase_add_test(refusals, a_refused_record_ends_the_run_after_what_was_sent_is_printed);
  tcase_add_test(refusals, failures_are_counted_and_explained);
  tcase_add_test(refusals, an_interrupt_ends_it_early_and_prints_what_was_measured);
  suite_add_tcase(suite, refusals);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_ENV);
  int failed_count = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failed_count != 0;
}
