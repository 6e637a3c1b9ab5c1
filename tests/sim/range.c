#include "sim/range.h"

#include "base/assertion.h"
#include "sim/shrink.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
  JOBS_MAX = 64,
  ROW_SEEDS = 250, /* of one process, before the state is written */
  MAGIC = 0x73696d31,
  COVERAGE_SEEDS_MIN = 20000, /* smaller ranges need not have seen the rarest transitions */
};

static void run_rows(const struct options *options, struct range_state *state);
static void run_row(const struct options *options, struct range_state *state, uint32_t jobs);
static void tell_failures(const struct options *options, const struct trial *trial);
static bool tell_end(const struct range_state *state);

bool range_run(const struct options *options) {
  struct range_state state;
  bool goes_on = options->state_path != NULL && range_read_state(options->state_path, &state) &&
                 state.first_seed == options->first_seed && state.last_seed == options->last_seed;
  if (!goes_on)
    state = (struct range_state){
        .first_seed = options->first_seed, .last_seed = options->last_seed, .next_seed = options->first_seed};
  if (goes_on) printf("goes on at seed %llu\n", (unsigned long long)state.next_seed);
  run_rows(options, &state);
  return tell_end(&state);
}

bool range_read_state(const char *path, struct range_state *state) {
  FILE *file = fopen(path, "rb");
  if (file == NULL) return false;
  uint64_t head[2];
  bool whole = fread(head, sizeof head, 1, file) == 1 && head[0] == MAGIC && head[1] == sizeof *state &&
               fread(state, sizeof *state, 1, file) == 1 && fgetc(file) == EOF;
  fclose(file);
  return whole;
}

bool range_write_state(const char *path, const struct range_state *state) {
  char beside[4096];
  int size = snprintf(beside, sizeof beside, "%s.new", path);
  if (size < 0 || (size_t)size >= sizeof beside) return false;
  FILE *file = fopen(beside, "wb");
  if (file == NULL) return false;
  uint64_t head[2] = {MAGIC, sizeof *state};
  bool whole = fwrite(head, sizeof head, 1, file) == 1 && fwrite(state, sizeof *state, 1, file) == 1;
  whole = fclose(file) == 0 && whole;
  return whole && rename(beside, path) == 0;
}

static void run_rows(const struct options *options, struct range_state *state) {
  uint32_t jobs = options->jobs < JOBS_MAX ? options->jobs : JOBS_MAX;
  while (state->next_seed <= state->last_seed && state->failed < options->failures_max) {
    run_row(options, state, jobs);
    if (options->state_path != NULL && !range_write_state(options->state_path, state))
      fprintf(stderr, "the state cannot be written to %s\n", options->state_path);
  }
}

static void run_row(const struct options *options, struct range_state *state, uint32_t jobs) {
  struct trial *trials[JOBS_MAX];
  uint32_t count = 0;
  uint64_t left = state->last_seed - state->next_seed + 1;
  uint64_t row = left / jobs < ROW_SEEDS ? left / jobs + 1 : ROW_SEEDS;
  uint64_t seed = state->next_seed;
  for (; count < jobs && seed <= state->last_seed; count++) {
    struct trial *trial = trials[count] = trial_create();
    trial->next_seed = seed;
    seed = state->last_seed - seed < row ? state->last_seed + 1 : seed + row;
    trial->end_seed = seed;
    trial->failures_max =
        options->failures_max < TRIAL_FAILURES_MAX ? options->failures_max : TRIAL_FAILURES_MAX;
    trial->allowed = options->allowed;
    trial->forced = options->forced;
    trial->canary = options->canary;
    trial_start(trial);
  }
  for (uint32_t i = 0; i < count; i++) {
    trial_finish(trials[i]);
    tell_failures(options, trials[i]);
    state->failed += trials[i]->failure_count;
    trial_totals_add(&state->totals, &trials[i]->totals);
    coverage_add(&state->coverage, &trials[i]->coverage);
    trial_destroy(trials[i]);
  }
  state->next_seed = seed;
}

static void tell_failures(const struct options *options, const struct trial *trial) {
  for (uint32_t i = 0; i < trial->failure_count; i++) {
    const struct trial_failure *failure = &trial->failures[i];
    printf("seed %llu fails: %s\n  replay: ", (unsigned long long)failure->seed, failure->text);
    struct scenario scenario;
    scenario_draw(&scenario, failure->seed, options->allowed, options->forced);
    fault_set fewest = i == 0 ? shrink_faults(failure->seed, scenario.faults, options->canary, failure->text)
                              : scenario.faults;
    shrink_print_command(stdout, failure->seed, fewest, options->canary);
    fflush(stdout);
  }
}

static bool tell_end(const struct range_state *state) {
  uint32_t listed;
  uint32_t unseen = coverage_print(&state->coverage, stdout, &listed);
  const struct trial_totals *totals = &state->totals;
  printf("%u of %u listed transitions seen\n", listed - unseen, listed);
  printf("accepted %llu, delivered %llu, not delivered %llu, unknown %llu\n",
         (unsigned long long)totals->accepted, (unsigned long long)totals->delivered,
         (unsigned long long)totals->not_delivered, (unsigned long long)totals->unknown);
  printf("batches retried %llu, split %llu, outcomes resolved %llu, epochs raised %llu, turns %llu\n",
         (unsigned long long)totals->batches_retried, (unsigned long long)totals->batches_split,
         (unsigned long long)totals->outcomes_resolved, (unsigned long long)totals->epochs_raised,
         (unsigned long long)totals->turns);
  uint64_t failed = state->failed, passed = totals->seeds - failed;
  if (totals->seeds >= COVERAGE_SEEDS_MIN) {
    passed += unseen == 0 ? 1 : 0;
    failed += unseen == 0 ? 0 : 1;
  }
  printf("%llu passed, %llu failed\n", (unsigned long long)passed, (unsigned long long)failed);
  return failed == 0 && passed > 0;
}
