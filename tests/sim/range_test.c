#include "sim/range.h"

#include "sim/shrink.h"
#include "sim/trial.h"
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

START_TEST(a_state_is_read_as_it_was_written) {
  char path[] = "sim-range-XXXXXX";
  int file = mkstemp(path);
  ck_assert_int_ge(file, 0);
  close(file);
  static struct range_state written, read;
  written.first_seed = 5;
  written.next_seed = 77;
  written.coverage.counts[1][2][3] = 9;
  ck_assert(!range_read_state(path, &read)); /* empty */
  ck_assert(range_write_state(path, &written));
  ck_assert(range_read_state(path, &read));
  ck_assert_mem_eq(&read, &written, sizeof read);
  ck_assert_int_eq(truncate(path, sizeof written), 0);
  ck_assert(!range_read_state(path, &read));
  ck_assert_int_eq(unlink(path), 0);
  ck_assert(!range_read_state(path, &read));
}
END_TEST

START_TEST(switching_a_fault_off_leaves_the_others_as_they_were) {
  struct scenario all, fewer;
  scenario_draw(&all, 42, FAULTS_ALL, 0);
  for (int i = 0; i < FAULT_COUNT; i++) {
    enum fault fault = (enum fault)i;
    scenario_draw(&fewer, 42, FAULTS_ALL & ~fault_bit(fault), 0);
    ck_assert_uint_eq(fewer.faults, all.faults & ~fault_bit(fault));
    ck_assert_mem_eq(fewer.strength, all.strength, sizeof all.strength);
    ck_assert_uint_eq(scenario_pick(&fewer, fault, 3, 1000000), scenario_pick(&all, fault, 3, 1000000));
  }
  scenario_draw(&fewer, 42, FAULTS_ALL, fault_bit(FAULT_NO_MEMORY));
  ck_assert_uint_eq(fewer.faults, all.faults | fault_bit(FAULT_NO_MEMORY));
}
END_TEST

/* As the line that a failure prints says it. */
START_TEST(a_seed_with_no_faults_but_its_own_is_the_same_scenario) {
  for (uint64_t seed = 1; seed <= 300; seed++) {
    struct scenario drawn, replayed;
    scenario_draw(&drawn, seed, FAULTS_ALL, 0);
    scenario_draw(&replayed, seed, drawn.faults, drawn.faults);
    ck_assert_uint_eq(replayed.faults, drawn.faults);
    ck_assert_mem_eq(replayed.strength, drawn.strength, sizeof drawn.strength);
    ck_assert_uint_eq(replayed.node_count, drawn.node_count);
    ck_assert_uint_eq(replayed.topic_count, drawn.topic_count);
    ck_assert_uint_eq(replayed.partition_count, drawn.partition_count);
    ck_assert_uint_eq(replayed.record_count, drawn.record_count);
    ck_assert_int_eq(replayed.safety_us, drawn.safety_us);
  }
}
END_TEST

START_TEST(faults_are_found_by_their_names) {
  for (int i = 0; i < FAULT_COUNT; i++) {
    enum fault fault = FAULT_COUNT;
    ck_assert(fault_of_name(fault_name((enum fault)i), &fault));
    ck_assert_int_eq((int)fault, i);
  }
  enum fault fault;
  ck_assert(!fault_of_name("nothing", &fault));
}
END_TEST

/* The command line in one piece, its words separated by blanks. */
static bool understands(const char *line, struct options *options) {
  char text[200], *words[20];
  int count = 0;
  const char *wrong;
  snprintf(text, sizeof text, "sim %s", line);
  for (char *at = text; *at != '\0'; at++) {
    if (at == text || at[-1] == '\0') words[count++] = at;
    if (*at == ' ') *at = '\0';
  }
  return options_read(options, count, words, &wrong);
}

START_TEST(a_command_line_is_understood_or_refused) {
  struct options options;
  ck_assert(understands("--seeds 3-9 --without delays --jobs 4", &options));
  ck_assert_uint_eq(options.first_seed, 3);
  ck_assert_uint_eq(options.last_seed, 9);
  ck_assert_uint_eq(options.jobs, 4);
  ck_assert(!fault_is_in(options.allowed, FAULT_DELAYS));
  ck_assert(understands("--seed 3 --only resets --only cuts --with no-memory", &options));
  ck_assert_uint_eq(options.allowed, fault_bit(FAULT_RESETS) | fault_bit(FAULT_CUTS));
  ck_assert_uint_eq(options.forced, fault_bit(FAULT_NO_MEMORY));
  ck_assert(understands("--seed 3 --only none", &options));
  ck_assert_uint_eq(options.allowed, 0);
  static const char *const bad[] = {"--seeds 9-3",
                                    "--seed x",
                                    "--seed 1 --only nothing",
                                    "--seed 1 --jobs 0",
                                    "--seed",
                                    "--seed 1 --canary bird",
                                    ""};
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
    ck_assert_msg(!understands(bad[i], &options), "%s", bad[i]);
}
END_TEST

/* It needs batches to end while they are in the network, and not all that the seed has. */
START_TEST(a_failing_seed_shrinks_to_what_it_needs) {
  struct trial *trial = trial_create();
  trial->next_seed = 1;
  trial->end_seed = 500;
  trial->failures_max = 1;
  trial->allowed = FAULTS_ALL;
  trial->forced = fault_bit(FAULT_SLOW_WRITES) | fault_bit(FAULT_SHORT_TIMEOUTS) |
                  fault_bit(FAULT_COMPRESSION) | fault_bit(FAULT_LOGINS);
  trial->canary = CANARY_BUFFER;
  trial_start(trial);
  trial_finish(trial);
  ck_assert_uint_eq(trial->failure_count, 1);
  const struct trial_failure *failure = &trial->failures[0];
  struct scenario scenario;
  scenario_draw(&scenario, failure->seed, trial->allowed, trial->forced);
  fault_set fewest = shrink_faults(failure->seed, scenario.faults, CANARY_BUFFER, failure->text);
  ck_assert_uint_ne(fewest, 0);
  ck_assert_int_lt(__builtin_popcountll(fewest), __builtin_popcountll(scenario.faults));
  ck_assert_uint_eq(fewest & ~scenario.faults, 0);
  trial_destroy(trial);
}
END_TEST

START_TEST(the_same_seed_is_the_same_run) {
  for (uint64_t seed = 1; seed <= 10; seed++) {
    struct scenario scenario;
    struct simulation_result first, second;
    scenario_draw(&scenario, seed, FAULTS_ALL, 0);
    simulation_run(&scenario, false, &first);
    simulation_run(&scenario, false, &second);
    ck_assert_uint_eq(first.turns, second.turns);
    ck_assert_uint_eq(first.accepted, second.accepted);
    ck_assert_uint_eq(first.delivered, second.delivered);
    ck_assert_uint_eq(first.batches_retried, second.batches_retried);
  }
}
END_TEST

int main(void) {
  Suite *suite = suite_create("range");
  TCase *test_case = tcase_create("all");
  tcase_set_timeout(test_case, 60);
  tcase_add_test(test_case, a_state_is_read_as_it_was_written);
  tcase_add_test(test_case, switching_a_fault_off_leaves_the_others_as_they_were);
  tcase_add_test(test_case, a_seed_with_no_faults_but_its_own_is_the_same_scenario);
  tcase_add_test(test_case, faults_are_found_by_their_names);
  tcase_add_test(test_case, a_command_line_is_understood_or_refused);
  tcase_add_test(test_case, a_failing_seed_shrinks_to_what_it_needs);
  tcase_add_test(test_case, the_same_seed_is_the_same_run);
  suite_add_tcase(suite, test_case);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_ENV);
  int failures = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failures == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
