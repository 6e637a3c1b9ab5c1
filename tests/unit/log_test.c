#include "base/log.h"

#include <check.h>
#include <string.h>

struct sunk {
  uint32_t count;
  int32_t level;
  char line[2048];
};

static void sink(void *context, int32_t level, const char *line) {
  struct sunk *sunk = context;
  sunk->count++;
  sunk->level = level;
  size_t size = strlen(line);
  ck_assert_uint_lt(size, sizeof sunk->line);
  memcpy(sunk->line, line, size + 1);
}

START_TEST(lines_reach_the_sink_formatted) {
  struct sunk sunk = {0};
  struct log log = {.level = LOG_LEVEL_INFO, .sink = sink, .context = &sunk};
  LOG(&log, LOG_LEVEL_WARNING, "broker %d: %s", 3, "gone");
  ck_assert_uint_eq(sunk.count, 1);
  ck_assert_int_eq(sunk.level, LOG_LEVEL_WARNING);
  ck_assert_str_eq(sunk.line, "broker 3: gone");
}
END_TEST

START_TEST(lines_above_the_level_are_dropped) {
  struct sunk sunk = {0};
  struct log log = {.level = LOG_LEVEL_WARNING, .sink = sink, .context = &sunk};
  LOG(&log, LOG_LEVEL_INFO, "not wanted");
  log_write(&log, LOG_LEVEL_DEBUG, "not wanted");
  ck_assert_uint_eq(sunk.count, 0);
}
END_TEST

START_TEST(without_a_sink_nothing_is_evaluated) {
  struct log log = {.level = LOG_LEVEL_DEBUG};
  int evaluated = 0;
  LOG(&log, LOG_LEVEL_ERROR, "%d", ++evaluated);
  log_write(&log, LOG_LEVEL_ERROR, "nowhere");
  ck_assert_int_eq(evaluated, 0);
}
END_TEST

START_TEST(control_characters_are_replaced) {
  struct sunk sunk = {0};
  struct log log = {.level = LOG_LEVEL_INFO, .sink = sink, .context = &sunk};
  LOG(&log, LOG_LEVEL_INFO, "topic %s", "a\nERROR forged\r\t\x1b[31m\x7f \xc3\xa9");
  ck_assert_str_eq(sunk.line, "topic a?ERROR forged???[31m? \xc3\xa9");
}
END_TEST

START_TEST(long_lines_are_cut_at_1023_bytes) {
  struct sunk sunk = {0};
  struct log log = {.level = LOG_LEVEL_INFO, .sink = sink, .context = &sunk};
  char text[3000];
  memset(text, 'x', sizeof text - 1);
  text[sizeof text - 1] = '\0';
  LOG(&log, LOG_LEVEL_INFO, "%s", text);
  ck_assert_uint_eq(strlen(sunk.line), 1023);
}
END_TEST

int main(void) {
  Suite *suite = suite_create("log");
  TCase *test_case = tcase_create("all");
  tcase_add_test(test_case, lines_reach_the_sink_formatted);
  tcase_add_test(test_case, lines_above_the_level_are_dropped);
  tcase_add_test(test_case, without_a_sink_nothing_is_evaluated);
  tcase_add_test(test_case, control_characters_are_replaced);
  tcase_add_test(test_case, long_lines_are_cut_at_1023_bytes);
  suite_add_tcase(suite, test_case);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_ENV);
  int failures = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failures != 0;
}
