#include "cli/produce_command.h"

#include "unit/cli/command_runner.h"
#include "unit/cli/fake_sendoff.h"

#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BASICS "produce -b localhost:9092 -t lines"

static int run(const char *line, const char *input) {
  return command_run(produce_command, line, input, input != NULL ? strlen(input) : 0);
}

static void assert_value(uint64_t index, const char *value) {
  ck_assert_uint_lt(index, fake_sendoff.record_count);
  ck_assert_ptr_nonnull(fake_sendoff.records[index].value);
  ck_assert_str_eq(fake_sendoff.records[index].value, value);
}

static void assert_key(uint64_t index, const char *key) {
  ck_assert_uint_lt(index, fake_sendoff.record_count);
  ck_assert_ptr_nonnull(fake_sendoff.records[index].key);
  ck_assert_str_eq(fake_sendoff.records[index].key, key);
}

#define assert_printed(text) ck_assert_msg(strstr(command_errors, text) != NULL, "not in: %s", command_errors)

START_TEST(each_line_is_a_record) {
  ck_assert_int_eq(run(BASICS, "one\ntwo\nthree\n"), 0);
  ck_assert_uint_eq(fake_sendoff.record_count, 3);
  assert_value(0, "one");
  assert_value(2, "three");
  ck_assert_ptr_null(fake_sendoff.records[0].key);
  ck_assert_uint_eq(fake_sendoff.records[2].opaque, 3);
  ck_assert_uint_eq(fake_sendoff.records[0].set, SENDOFF_SET_TOPIC_ID);
  ck_assert_uint_eq(fake_sendoff.records[0].topic_id, 7);
  ck_assert_str_eq(fake_sendoff.topic, "lines");
  ck_assert_str_eq(fake_sendoff.settings, "bootstrap.servers=localhost:9092;");
  ck_assert_uint_eq(fake_sendoff.release_count, 1);
  assert_printed("sent 3 records (11 bytes) in ");
  assert_printed(" s: 3 delivered, 0 failed, 0 unknown\n");
}
END_TEST

START_TEST(empty_lines_and_a_last_line_without_end_are_records) {
  ck_assert_int_eq(run(BASICS, "\n\nlast"), 0);
  ck_assert_uint_eq(fake_sendoff.record_count, 3);
  assert_value(0, "");
  assert_value(2, "last");
}
END_TEST

START_TEST(no_input_is_no_record) {
  ck_assert_int_eq(run(BASICS, ""), 0);
  ck_assert_uint_eq(fake_sendoff.record_count, 0);
  assert_printed("sent 0 records (0 bytes)");
}
END_TEST

START_TEST(any_byte_goes_through) {
  char input[514];
  size_t count = 0;
  for (int byte = 0; byte < 256; byte++) {
    if (byte != '\n') input[count++] = (char)byte;
  }
  input[count++] = '\n';
  ck_assert_int_eq(command_run(produce_command, BASICS, input, count), 0);
  ck_assert_uint_eq(fake_sendoff.record_count, 1);
  ck_assert_uint_eq(fake_sendoff.records[0].value_bytes, 255);
  ck_assert_mem_eq(fake_sendoff.records[0].value, input, 255);
}
END_TEST

START_TEST(a_separator_splits_key_and_value_where_it_first_comes) {
  ck_assert_int_eq(run(BASICS " -k ::", "a::b::c\nplain\n::v\nk::\n"), 0);
  ck_assert_uint_eq(fake_sendoff.record_count, 4);
  assert_key(0, "a");
  assert_value(0, "b::c");
  ck_assert_ptr_null(fake_sendoff.records[1].key);
  assert_value(1, "plain");
  assert_key(2, "");
  assert_value(2, "v");
  assert_key(3, "k");
  assert_value(3, "");
  assert_printed("(12 bytes)");
}
END_TEST

START_TEST(a_separator_may_be_written_with_escapes) {
  ck_assert_int_eq(run(BASICS " -k \\t", "key\tvalue\n"), 0);
  assert_key(0, "key");
  assert_value(0, "value");
}
END_TEST

START_TEST(empty_is_null_only_if_asked_for) {
  ck_assert_int_eq(run(BASICS " -k : -Z", ":v\nk:\n\n"), 0);
  ck_assert_uint_eq(fake_sendoff.record_count, 3);
  ck_assert_ptr_null(fake_sendoff.records[0].key);
  assert_value(0, "v");
  assert_key(1, "k");
  ck_assert_ptr_null(fake_sendoff.records[1].value);
  ck_assert_ptr_null(fake_sendoff.records[2].key);
  ck_assert_ptr_null(fake_sendoff.records[2].value);
}
END_TEST

START_TEST(headers_go_with_each_record_in_order) {
  ck_assert_int_eq(run(BASICS " -H a=1 -H b -H a=x=y -H e=", "one\ntwo\n"), 0);
  ck_assert_str_eq(fake_sendoff.records[0].headers, "a=1;b;a=x=y;e=;");
  ck_assert_str_eq(fake_sendoff.records[1].headers, "a=1;b;a=x=y;e=;");
  assert_printed("sent 2 records (22 bytes)");
}
END_TEST

START_TEST(a_partition_is_set_when_given) {
  ck_assert_int_eq(run(BASICS " -p 0", "one\n"), 0);
  ck_assert_uint_eq(fake_sendoff.records[0].set, SENDOFF_SET_TOPIC_ID | SENDOFF_SET_PARTITION);
  ck_assert_int_eq(fake_sendoff.records[0].partition, 0);
}
END_TEST

START_TEST(settings_come_from_files_first_and_then_in_order) {
  ck_assert_int_eq(run(BASICS " -X linger.ms=1 -X a=b=c -z zstd -F one.properties", ""), 0);
  ck_assert_str_eq(fake_sendoff.settings,
                   "file:one.properties;bootstrap.servers=localhost:9092;linger.ms=1;a=b=c;"
                   "compression.type=zstd;");
}
END_TEST

START_TEST(a_file_is_read_instead_of_standard_input) {
  char path[64], line[200];
  command_make_file(path, "from a file\n", 12);
  snprintf(line, sizeof line, "%s %s", BASICS, path);
  ck_assert_int_eq(run(line, "from standard input\n"), 0);
  unlink(path);
  ck_assert_uint_eq(fake_sendoff.record_count, 1);
  assert_value(0, "from a file");
}
END_TEST

START_TEST(a_dash_is_standard_input) {
  ck_assert_int_eq(run(BASICS " -", "one\n"), 0);
  assert_value(0, "one");
}
END_TEST

static const struct {
  const char *line;
  const char *message;
} refused_lines[] = {
    {"produce -b localhost:9092", "sendoff produce: say where to send with -t TOPIC\n"},
    {"produce -t lines", "sendoff produce: say where the brokers are with -b HOST:PORT\n"},
    {BASICS " -p -1", "--partition has to be a whole number from 0 to 2147483647, not '-1'"},
    {BASICS " -p x", "not 'x'"},
    {BASICS " -X linger.ms", "-X takes NAME=VALUE, as in -X linger.ms=100, not 'linger.ms'"},
    {BASICS " -X =5", "-X takes NAME=VALUE"},
    {BASICS " -X no.such.thing=1", "sendoff produce: no.such.thing is no setting"},
    {BASICS " -X delivery.report.mode=queue",
     "the command needs its reports: leave delivery.report.mode out"},
    {BASICS " -X delivery.report.mode=none", "the command needs its reports: leave delivery.report.mode out"},
    {BASICS " -F absent.properties", "absent.properties: cannot be read"},
    {BASICS " -k", "-k needs an argument: -k TEXT"},
    {BASICS " -k \\x0A", "cannot separate"},
    {BASICS " --nothing", "unknown option --nothing"},
    {BASICS " absent.txt", "cannot open absent.txt: No such file or directory"},
    {BASICS " one.txt two.txt", "one FILE at a time"},
};

START_TEST(a_wrong_command_line_is_explained_and_sends_nothing) {
  ck_assert_int_eq(run(refused_lines[_i].line, "one\n"), 2);
  assert_printed(refused_lines[_i].message);
  assert_printed("(sendoff produce --help lists what it takes)");
  ck_assert_uint_eq(fake_sendoff.create_count, 0);
}
END_TEST

START_TEST(a_producer_that_cannot_be_created_is_explained) {
  fake_sendoff.create_status = SENDOFF_INVALID_SETTING;
  fake_sendoff.create_error = "acks: 0 contradicts enable.idempotence";
  ck_assert_int_eq(run(BASICS, "one\n"), 2);
  assert_printed("sendoff produce: acks: 0 contradicts enable.idempotence\n");
  ck_assert_uint_eq(fake_sendoff.record_count, 0);
}
END_TEST

START_TEST(a_bad_topic_is_explained) {
  fake_sendoff.topic_status = 17;
  ck_assert_int_eq(run(BASICS, "one\n"), 2);
  assert_printed("-t lines: Something is wrong.");
  ck_assert_uint_eq(fake_sendoff.release_count, 1);
}
END_TEST

START_TEST(help_is_printed_before_anything_is_checked) {
  ck_assert_int_eq(run("produce --help", NULL), 0);
  ck_assert_ptr_nonnull(strstr(command_output, "Usage: sendoff produce -b HOST:PORT,... -t TOPIC"));
  ck_assert_ptr_nonnull(strstr(command_output, "  -k, --key-separator TEXT    a line is key"));
  ck_assert_str_eq(command_errors, "");
}
END_TEST

START_TEST(settings_can_be_listed) {
  ck_assert_int_eq(run("produce -X list", NULL), 0);
  ck_assert_str_eq(
      command_output,
      "linger.ms=5  (int, 0 to 900000)\n"
      "    How long a record may wait for others that go to the same partition, so that one request carries\n"
      "    many of them and every one costs less.\n");
}
END_TEST

static void fail_some(uint64_t index, sendoff_report *report) {
  if (index == 1 || index == 2) {
    report->outcome = SENDOFF_OUTCOME_NOT_DELIVERED;
    report->status = SENDOFF_DELIVERY_TIMED_OUT;
  } else if (index == 3) {
    report->outcome = SENDOFF_OUTCOME_UNKNOWN;
    report->status = SENDOFF_DISCONNECTED;
  } else if (index == 4) {
    report->outcome = SENDOFF_OUTCOME_DELIVERED_OFFSET_UNKNOWN;
  }
}

START_TEST(failures_are_counted_and_explained) {
  fake_sendoff.decide = fail_some;
  ck_assert_int_eq(run(BASICS, "1\n2\n3\n4\n5\n"), 1);
  assert_printed("sendoff: 2 not delivered, first line 2: DELIVERY_TIMED_OUT: It took too long.\n");
  assert_printed("sendoff: 1 in doubt, first line 4: SOME_STATUS: Something is wrong.\n");
  assert_printed(": 2 delivered, 2 failed, 1 unknown\n");
}
END_TEST

static void acknowledge_none(uint64_t index, sendoff_report *report) {
  (void)index;
  report->outcome = SENDOFF_OUTCOME_UNKNOWN;
  report->status = SENDOFF_NO_ACKNOWLEDGEMENT;
}

START_TEST(records_without_acknowledgement_are_no_failures) {
  fake_sendoff.decide = acknowledge_none;
  ck_assert_int_eq(run(BASICS " -X acks=0", "1\n2\n"), 0);
  assert_printed(": 0 delivered, 0 failed, 0 unknown, 2 not acknowledged (acks=0)\n");
}
END_TEST

START_TEST(a_full_buffer_is_waited_for) {
  fake_sendoff.full_count = 3;
  ck_assert_int_eq(run(BASICS, "1\n2\n"), 0);
  ck_assert_uint_eq(fake_sendoff.record_count, 2);
}
END_TEST

START_TEST(a_line_that_is_too_long_ends_the_run_but_what_came_before_is_delivered) {
  ck_assert_int_eq(run(BASICS " -X max.request.size=10", "short\n0123456789\n0123456789x\nnever sent\n"), 1);
  ck_assert_uint_eq(fake_sendoff.record_count, 2);
  assert_printed(
      "sendoff: line 3 does not fit into max.request.size (10 bytes), and nothing after it is sent");
  assert_printed("raise it with -X max.request.size=BYTES");
  assert_printed(": 2 delivered, 0 failed, 0 unknown\n");
}
END_TEST

START_TEST(a_record_that_the_library_finds_too_large_is_named_by_its_line) {
  fake_sendoff.refused_index = 1;
  fake_sendoff.refused_status = SENDOFF_RECORD_TOO_LARGE;
  ck_assert_int_eq(run(BASICS, "one\ntwo\nthree\n"), 1);
  ck_assert_uint_eq(fake_sendoff.record_count, 1);
  assert_printed("line 2 does not fit into max.request.size (1000000 bytes)");
}
END_TEST

START_TEST(a_refused_line_ends_the_run_with_its_reason) {
  fake_sendoff.refused_index = 2;
  fake_sendoff.refused_status = SENDOFF_PARTITION_OUT_OF_RANGE;
  ck_assert_int_eq(run(BASICS " -p 99", "one\ntwo\nthree\nfour\n"), 1);
  assert_printed("line 3 was refused, and nothing after it is sent: SOME_STATUS: Something is wrong.\n");
  assert_printed("sent 2 records");
}
END_TEST

START_TEST(warnings_of_the_library_are_printed_and_chatter_is_not) {
  fake_sendoff.log_line = "localhost:9092 refuses connections";
  ck_assert_int_eq(run(BASICS, "one\n"), 0);
  assert_printed("sendoff: localhost:9092 refuses connections\n");
  ck_assert_ptr_null(strstr(command_errors, "nobody wants to know"));
}
END_TEST

START_TEST(a_folder_cannot_be_read) {
  ck_assert_int_eq(run(BASICS " .", NULL), 1);
  assert_printed("sendoff: cannot read . after line 0: Is a directory\n");
}
END_TEST

/* Standard input is a pipe that stays open: only the signal ends the run. */
static int pipe_ends[2];

static void signal_after_two(uint64_t count) {
  if (count == 2) kill(getpid(), SIGINT);
}

static void signal_twice(uint64_t count) {
  if (count == 2) kill(getpid(), SIGTERM);
  if (count == 2) kill(getpid(), SIGINT);
}

static int run_with_open_pipe(const char *input) {
  ck_assert_int_eq(pipe(pipe_ends), 0);
  ck_assert_int_eq(write(pipe_ends[1], input, strlen(input)), (ssize_t)strlen(input));
  ck_assert_int_eq(dup2(pipe_ends[0], STDIN_FILENO), STDIN_FILENO);
  return run(BASICS, NULL);
}

START_TEST(an_interrupt_ends_reading_and_delivers_what_was_read) {
  fake_sendoff.on_send = signal_after_two;
  ck_assert_int_eq(run_with_open_pipe("one\ntwo\nthree\nunfinished"), 128 + SIGINT);
  ck_assert_uint_eq(fake_sendoff.record_count, 3);
  assert_printed("sendoff: line 4 was not complete and is not sent\n");
  assert_printed("sendoff: stopped by signal 2 after line 3\n");
  assert_printed(": 3 delivered, 0 failed, 0 unknown\n");
}
END_TEST

START_TEST(a_second_interrupt_gives_up_what_is_not_delivered) {
  fake_sendoff.on_send = signal_twice;
  fake_sendoff.holds_reports = true;
  int result = run_with_open_pipe("one\ntwo\n");
  ck_assert_msg(result == 128 + SIGINT || result == 128 + SIGTERM, "%d", result);
  assert_printed(": 0 delivered, 2 failed, 0 unknown\n");
  ck_assert_uint_ge(fake_sendoff.wake_count, 2);
}
END_TEST

START_TEST(what_is_not_delivered_in_the_time_after_an_interrupt_is_given_up) {
  fake_sendoff.on_send = signal_after_two;
  fake_sendoff.holds_reports = true;
  ck_assert_int_eq(pipe(pipe_ends), 0);
  ck_assert_int_eq(write(pipe_ends[1], "one\ntwo\n", 8), 8);
  ck_assert_int_eq(dup2(pipe_ends[0], STDIN_FILENO), STDIN_FILENO);
  ck_assert_int_eq(run(BASICS " -X shutdown.timeout.ms=1", NULL), 128 + SIGINT);
  assert_printed(": 0 delivered, 2 failed, 0 unknown\n");
}
END_TEST

int main(void) {
  Suite *suite = suite_create("produce_command");
  TCase *lines = tcase_create("lines");
  tcase_add_test(lines, each_line_is_a_record);
  tcase_add_test(lines, empty_lines_and_a_last_line_without_end_are_records);
  tcase_add_test(lines, no_input_is_no_record);
  tcase_add_test(lines, any_byte_goes_through);
  tcase_add_test(lines, a_separator_splits_key_and_value_where_it_first_comes);
  tcase_add_test(lines, a_separator_may_be_written_with_escapes);
  tcase_add_test(lines, empty_is_null_only_if_asked_for);
  tcase_add_test(lines, headers_go_with_each_record_in_order);
  tcase_add_test(lines, a_partition_is_set_when_given);
  tcase_add_test(lines, settings_come_from_files_first_and_then_in_order);
  tcase_add_test(lines, a_file_is_read_instead_of_standard_input);
  tcase_add_test(lines, a_dash_is_standard_input);
  suite_add_tcase(suite, lines);
  TCase *refusals = tcase_create("refusals");
  tcase_add_loop_test(refusals, a_wrong_command_line_is_explained_and_sends_nothing, 0,
                      sizeof refused_lines / sizeof refused_lines[0]);
  tcase_add_test(refusals, a_producer_that_cannot_be_created_is_explained);
  tcase_add_test(refusals, a_bad_topic_is_explained);
  tcase_add_test(refusals, help_is_printed_before_anything_is_checked);
  tcase_add_test(refusals, settings_can_be_listed);
  suite_add_tcase(suite, refusals);
  TCase *outcomes = tcase_create("outcomes");
  tcase_add_test(outcomes, failures_are_counted_and_explained);
  tcase_add_test(outcomes, records_without_acknowledgement_are_no_failures);
  tcase_add_test(outcomes, a_full_buffer_is_waited_for);
  tcase_add_test(outcomes, a_line_that_is_too_long_ends_the_run_but_what_came_before_is_delivered);
  tcase_add_test(outcomes, a_record_that_the_library_finds_too_large_is_named_by_its_line);
  tcase_add_test(outcomes, a_refused_line_ends_the_run_with_its_reason);
  tcase_add_test(outcomes, warnings_of_the_library_are_printed_and_chatter_is_not);
  tcase_add_test(outcomes, a_folder_cannot_be_read);
  suite_add_tcase(suite, outcomes);
  TCase *signals = tcase_create("signals");
  tcase_add_test(signals, an_interrupt_ends_reading_and_delivers_what_was_read);
  tcase_add_test(signals, a_second_interrupt_gives_up_what_is_not_delivered);
  tcase_add_test(signals, what_is_not_delivered_in_the_time_after_an_interrupt_is_given_up);
  suite_add_tcase(suite, signals);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_ENV);
  int failed_count = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failed_count != 0;
}
