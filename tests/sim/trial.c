#include "sim/trial.h"

#include "base/assertion.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

/* Only so that a range comes to its end: what decides whether a simulation turns in circles is counted. */
enum { SEED_CPU_SECONDS_MAX = 300 };

static void run_seeds(struct trial *trial);
static void note_failure(struct trial *trial, uint64_t seed, const char *text);
static void note_death(struct trial *trial, int status);

struct trial *trial_create(void) {
  struct trial *trial = mmap(NULL, sizeof *trial, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  ASSERT(trial != MAP_FAILED);
  return trial;
}

void trial_destroy(struct trial *trial) {
  munmap(trial, sizeof *trial);
}

void trial_start(struct trial *trial) {
  fflush(stdout);
  pid_t process = fork();
  ASSERT(process >= 0);
  if (process > 0) {
    trial->process = process;
    return;
  }
  run_seeds(trial);
  fflush(stdout);
  _exit(0);
}

void trial_finish(struct trial *trial) {
  for (;;) {
    int status;
    ASSERT(waitpid(trial->process, &status, 0) == trial->process);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return;
    note_death(trial, status);
    if (trial->next_seed >= trial->end_seed || trial->failure_count >= trial->failures_max) return;
    trial_start(trial);
  }
}

void trial_totals_add(struct trial_totals *to, const struct trial_totals *from) {
  to->seeds += from->seeds;
  to->turns += from->turns;
  to->accepted += from->accepted;
  to->delivered += from->delivered;
  to->not_delivered += from->not_delivered;
  to->unknown += from->unknown;
  to->batches_retried += from->batches_retried;
  to->outcomes_resolved += from->outcomes_resolved;
  to->epochs_raised += from->epochs_raised;
  to->batches_split += from->batches_split;
}

static void run_seeds(struct trial *trial) {
  coverage_count_in(&trial->coverage);
  for (; trial->next_seed < trial->end_seed && trial->failure_count < trial->failures_max;
       trial->next_seed++) {
    struct itimerval limit = {.it_value = {.tv_sec = SEED_CPU_SECONDS_MAX}};
    ASSERT(setitimer(ITIMER_PROF, &limit, NULL) == 0);
    struct scenario scenario;
    scenario_draw(&scenario, trial->next_seed, trial->allowed, trial->forced);
    scenario.canary = trial->canary;
    struct simulation_result result;
    simulation_run(&scenario, trial->traced, &result);
    if (result.failed) note_failure(trial, trial->next_seed, result.text);
    struct trial_totals totals = {.seeds = 1,
                                  .turns = result.turns,
                                  .accepted = result.accepted,
                                  .delivered = result.delivered,
                                  .not_delivered = result.not_delivered,
                                  .unknown = result.unknown,
                                  .batches_retried = result.batches_retried,
                                  .outcomes_resolved = result.outcomes_resolved,
                                  .epochs_raised = result.epochs_raised,
                                  .batches_split = result.batches_split};
    trial_totals_add(&trial->totals, &totals);
  }
}

static void note_failure(struct trial *trial, uint64_t seed, const char *text) {
  ASSERT(trial->failure_count < TRIAL_FAILURES_MAX);
  struct trial_failure *failure = &trial->failures[trial->failure_count];
  failure->seed = seed;
  snprintf(failure->text, sizeof failure->text, "%s", text);
  trial->failure_count++;
}

/* The seed that was running has ended its process; the row goes on behind it. */
static void note_death(struct trial *trial, int status) {
  char text[64];
  if (WIFSIGNALED(status) && WTERMSIG(status) == SIGPROF)
    snprintf(text, sizeof text, "took more than %d s of processor time", (int)SEED_CPU_SECONDS_MAX);
  else if (WIFSIGNALED(status))
    snprintf(text, sizeof text, "ended by signal %d (%s)", WTERMSIG(status), strsignal(WTERMSIG(status)));
  else
    snprintf(text, sizeof text, "ended with status %d", WEXITSTATUS(status));
  note_failure(trial, trial->next_seed, text);
  trial->totals.seeds++;
  trial->next_seed++;
}
