/* races BOOTSTRAP TOPIC PROPERTIES OPERATIONS SEED [canary]
 * 32 threads call random functions of sendoff.h on six kinds of producers, from callbacks too, on closed and
 * on destroyed ones, while others end those and make new ones; each thread by a seed of its own. In the end
 * each accepted record of a producer that was closed and read to its end has had exactly one report. Prints
 * each function, status and how often it came, then a line of totals. With canary, one report is dropped from
 * the books, which has to be noticed. */
#include "races.h"
#include "support.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

enum { THREADS = 32, STATUS_FIRST = -1040, STATUS_LAST = 150 };

struct worker {
  struct races_actor actor;
  uint64_t operations;
  pthread_t thread;
};

static void *work(void *argument) {
  struct worker *worker = argument;
  for (uint64_t i = 0; i < worker->operations; i++)
    races_call(&worker->actor);
  return NULL;
}

static void print_notes(void) {
  static const char *const names[] = {
#define RACES_NAME(name) "sendoff_" #name,
      RACES_FUNCTIONS(RACES_NAME)
#undef RACES_NAME
  };
  for (int function = 0; function < RACES_FUNCTION_COUNT; function++) {
    for (int32_t status = STATUS_FIRST; status <= STATUS_LAST; status++) {
      if (status > -1001 && status < -1) continue;
      uint64_t count = races_noted((enum races_function)function, status);
      if (count > 0) (void)printf("%s %s %" PRIu64 "\n", names[function], sendoff_status_name(status), count);
    }
  }
}

int main(int argument_count, char **arguments) {
  if (argument_count < 6) fail("usage", "BOOTSTRAP TOPIC PROPERTIES OPERATIONS SEED [canary]");
  static struct worker workers[THREADS];
  uint64_t operations = parse_count(arguments[4]), seed = parse_count(arguments[5]);
  races_memory_begin(&seed);
  races_memory_exempt(true); /* this thread */
  races_begin(arguments[1], arguments[2], arguments[3]);
  for (uint64_t i = 0; i < THREADS; i++) {
    workers[i].actor.random = (seed * THREADS + i) * 0x9e3779b97f4a7c15u;
    workers[i].operations = operations / THREADS + (i < operations % THREADS ? 1 : 0);
    if (pthread_create(&workers[i].thread, NULL, work, &workers[i]) != 0) fail("thread", "not made");
  }
  for (size_t i = 0; i < THREADS; i++)
    (void)pthread_join(workers[i].thread, NULL);
  if (argument_count > 6) races_forget_report();
  uint32_t lives;
  uint64_t accepted = races_end(&workers[0].actor, &lives);
  uint64_t failed = races_memory_end();
  print_notes();
  (void)printf("%" PRIu64 " operations, %" PRIu32 " producers, %" PRIu64 " records accepted, %" PRIu64
               " allocations failed\n",
               operations, lives, accepted, failed);
  return accepted > 0 ? 0 : 1;
}
