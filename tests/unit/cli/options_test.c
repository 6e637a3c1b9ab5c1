#include "cli/options.h"

#include <check.h>
#include <stdio.h>
#include <string.h>

enum { TEST_FLAG, TEST_OTHER_FLAG, TEST_VALUE, TEST_LONG_ONLY };

static const struct command_option options[] = {
    [TEST_FLAG] = {'f', "flag", NULL, "a flag"},
    [TEST_OTHER_FLAG] = {'g', NULL, NULL, "a flag without a long form"},
    [TEST_VALUE] = {'v', "value", "WHAT", "a value"},
    [TEST_LONG_ONLY] = {'\0', "long-only", "WHAT", "without a letter"},
};

static const struct command command = {
    .name = "test", .usage = "", .summary = "", .options = options, .option_count = 4};

static struct option_reader reader;

static void start(int argc, const char *const *argv) {
  static char copies[10][40];
  static char *arguments[11];
  for (int i = 0; i < argc; i++) {
    snprintf(copies[i], sizeof copies[i], "%s", argv[i]);
    arguments[i] = copies[i];
  }
  arguments[argc] = NULL;
  option_reader_init(&reader, &command, argc, arguments);
}

#define START(...)                                                                                           \
  do {                                                                                                       \
    const char *const words[] = {"test", __VA_ARGS__};                                                       \
    start((int)(sizeof words / sizeof words[0]), words);                                                     \
  } while (0)

static void assert_next(int expected, const char *expected_value) {
  const char *value = "untouched";
  ck_assert_int_eq(option_reader_next(&reader, &value), expected);
  ck_assert_pstr_eq(value, expected_value);
}

START_TEST(values_are_taken_in_every_form) {
  START("-v", "1", "-v2", "--value", "3", "--value=4", "--long-only=", "-v", "-f");
  assert_next(TEST_VALUE, "1");
  assert_next(TEST_VALUE, "2");
  assert_next(TEST_VALUE, "3");
  assert_next(TEST_VALUE, "4");
  assert_next(TEST_LONG_ONLY, "");
  assert_next(TEST_VALUE, "-f");
  assert_next(OPTION_END, NULL);
  assert_next(OPTION_END, NULL);
}
END_TEST

START_TEST(flags_may_be_joined_and_end_with_a_value) {
  START("-fg", "-gv1", "-fv", "2", "--flag");
  assert_next(TEST_FLAG, NULL);
  assert_next(TEST_OTHER_FLAG, NULL);
  assert_next(TEST_OTHER_FLAG, NULL);
  assert_next(TEST_VALUE, "1");
  assert_next(TEST_FLAG, NULL);
  assert_next(TEST_VALUE, "2");
  assert_next(TEST_FLAG, NULL);
  assert_next(OPTION_END, NULL);
}
END_TEST

START_TEST(operands_come_between_options_and_after_two_dashes) {
  START("one", "-f", "-", "", "--", "-f", "--", "--help");
  assert_next(OPTION_OPERAND, "one");
  assert_next(TEST_FLAG, NULL);
  assert_next(OPTION_OPERAND, "-");
  assert_next(OPTION_OPERAND, "");
  assert_next(OPTION_OPERAND, "-f");
  assert_next(OPTION_OPERAND, "--");
  assert_next(OPTION_OPERAND, "--help");
  assert_next(OPTION_END, NULL);
}
END_TEST

START_TEST(help_is_known_to_every_command) {
  START("-h", "--help", "-fh");
  assert_next(OPTION_HELP, NULL);
  assert_next(OPTION_HELP, NULL);
  assert_next(TEST_FLAG, NULL);
  assert_next(OPTION_HELP, NULL);
}
END_TEST

static const char *const bad_words[] = {"--unknown", "-x",          "--flag=1", "--valu", "--values",
                                        "-v",        "--long-only", "-fx",      "---"};

START_TEST(what_is_wrong_is_refused) {
  START(bad_words[_i]);
  const char *value;
  int option = option_reader_next(&reader, &value);
  if (option == TEST_FLAG) option = option_reader_next(&reader, &value);
  ck_assert_int_eq(option, OPTION_BAD);
}
END_TEST

START_TEST(numbers_have_to_be_whole_and_in_range) {
  int64_t number = -7;
  ck_assert(command_read_number(&command, "--n", "0", 0, 10, &number));
  ck_assert_int_eq(number, 0);
  ck_assert(command_read_number(&command, "--n", "10", 0, 10, &number));
  ck_assert_int_eq(number, 10);
  ck_assert(command_read_number(&command, "--n", "9223372036854775807", 0, INT64_MAX, &number));
  ck_assert_int_eq(number, INT64_MAX);
  static const char *const wrong[] = {"", "-1", "11", "1.5", " 1", "1 ", "x", "0x5", "9223372036854775808",
                                      "-"};
  for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
    number = -7;
    ck_assert_msg(!command_read_number(&command, "--n", wrong[i], 0, 10, &number), "'%s'", wrong[i]);
    ck_assert_int_eq(number, -7);
  }
}
END_TEST

START_TEST(escapes_become_bytes) {
  char bytes[40];
  ck_assert_uint_eq(option_unescape("a\\tb\\n\\r\\0\\\\\\x41\\xfF", bytes), 9);
  ck_assert_mem_eq(bytes, "a\tb\n\r\0\\A\xff", 9);
}
END_TEST

START_TEST(other_backslashes_stand_for_themselves) {
  char bytes[40];
  ck_assert_uint_eq(option_unescape("\\q\\x4\\xg1\\", bytes), 10);
  ck_assert_mem_eq(bytes, "\\q\\x4\\xg1\\", 10);
}
END_TEST

int main(void) {
  Suite *suite = suite_create("options");
  TCase *all = tcase_create("all");
  tcase_add_test(all, values_are_taken_in_every_form);
  tcase_add_test(all, flags_may_be_joined_and_end_with_a_value);
  tcase_add_test(all, operands_come_between_options_and_after_two_dashes);
  tcase_add_test(all, help_is_known_to_every_command);
  tcase_add_loop_test(all, what_is_wrong_is_refused, 0, sizeof bad_words / sizeof bad_words[0]);
  tcase_add_test(all, numbers_have_to_be_whole_and_in_range);
  tcase_add_test(all, escapes_become_bytes);
  tcase_add_test(all, other_backslashes_stand_for_themselves);
  suite_add_tcase(suite, all);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_ENV);
  int failed_count = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failed_count != 0;
}
