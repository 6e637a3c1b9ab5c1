#include "sim/shrink.h"

#include "sim/trial.h"
#include <string.h>

static bool fails(uint64_t seed, fault_set faults, enum canary canary, bool traced,
                  struct trial_failure *failure, struct trial_totals *totals);
static bool is_alike(const char *a, const char *b);

bool shrink_run_seed(const struct options *options) {
  struct scenario scenario;
  struct trial_failure failure;
  struct trial_totals totals;
  scenario_draw(&scenario, options->first_seed, options->allowed, options->forced);
  printf("seed %llu, faults:", (unsigned long long)scenario.seed);
  for (int i = 0; i < FAULT_COUNT; i++)
    if (scenario_has(&scenario, (enum fault)i))
      printf(" %s/%u", fault_name((enum fault)i), scenario.strength[i]);
  putchar('\n');
  bool failed = fails(scenario.seed, scenario.faults, options->canary, options->traced, &failure, &totals);
  printf("accepted %llu, delivered %llu, not delivered %llu, unknown %llu; batches retried %llu, outcomes "
         "resolved "
         "%llu, epochs raised %llu; turns %llu\n",
         (unsigned long long)totals.accepted, (unsigned long long)totals.delivered,
         (unsigned long long)totals.not_delivered, (unsigned long long)totals.unknown,
         (unsigned long long)totals.batches_retried, (unsigned long long)totals.outcomes_resolved,
         (unsigned long long)totals.epochs_raised, (unsigned long long)totals.turns);
  if (!failed) return true;
  printf("seed %llu fails: %s\n", (unsigned long long)scenario.seed, failure.text);
  if (options->traced) return false;
  fault_set fewest = shrink_faults(scenario.seed, scenario.faults, options->canary, failure.text);
  printf("replay: ");
  shrink_print_command(stdout, scenario.seed, fewest, options->canary);
  return false;
}

fault_set shrink_faults(uint64_t seed, fault_set faults, enum canary canary, const char *text) {
  bool is_smaller;
  do {
    is_smaller = false;
    for (int i = 0; i < FAULT_COUNT; i++) {
      fault_set fewer = faults & ~fault_bit((enum fault)i);
      struct trial_failure failure;
      struct trial_totals totals;
      if (fewer == faults || !fails(seed, fewer, canary, false, &failure, &totals)) continue;
      if (!is_alike(text, failure.text)) continue;
      faults = fewer;
      is_smaller = true;
    }
  } while (is_smaller);
  return faults;
}

void shrink_print_command(FILE *out, uint64_t seed, fault_set faults, enum canary canary) {
  struct scenario drawn;
  scenario_draw(&drawn, seed, FAULTS_ALL, 0);
  fprintf(out, "sendoff-sim --seed %llu", (unsigned long long)seed);
  for (int i = 0; i < FAULT_COUNT; i++)
    if (fault_is_in(faults, (enum fault)i)) fprintf(out, " --only %s", fault_name((enum fault)i));
  for (int i = 0; i < FAULT_COUNT; i++)
    if (fault_is_in(faults & ~drawn.faults, (enum fault)i))
      fprintf(out, " --with %s", fault_name((enum fault)i));
  if (faults == 0) fprintf(out, " --only none");
  if (canary != CANARY_NONE) fprintf(out, " --canary %s", canary_name(canary));
  fprintf(out, " --trace\n");
}

static bool fails(uint64_t seed, fault_set faults, enum canary canary, bool traced,
                  struct trial_failure *failure, struct trial_totals *totals) {
  struct trial *trial = trial_create();
  trial->next_seed = seed;
  trial->end_seed = seed + 1;
  trial->failures_max = 1;
  trial->allowed = trial->forced = faults;
  trial->canary = canary;
  trial->traced = traced;
  trial_start(trial);
  trial_finish(trial);
  bool failed = trial->failure_count > 0;
  if (failed) *failure = trial->failures[0];
  *totals = trial->totals;
  trial_destroy(trial);
  return failed;
}

/* Of the same invariant: what follows its name differs with every fault. */
static bool is_alike(const char *a, const char *b) {
  size_t name_bytes = strcspn(a, ":");
  return strncmp(a, b, name_bytes + 1) == 0;
}
