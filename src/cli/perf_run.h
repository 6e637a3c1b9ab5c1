/* The measured part of `sendoff perf`: warm up, send, flush, and what that took. */
#ifndef CLI_PERF_RUN_H
#define CLI_PERF_RUN_H

#include "cli/client.h"
#include "cli/delivery_tally.h"
#include "cli/histogram.h"
#include "cli/payload.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What to do. */
struct perf_plan {
  int64_t record_count;
  int64_t record_bytes; /* of the value */
  int64_t warm_up_count;
  int64_t rate; /* records a second of all threads together, 0: as fast as possible */
  int64_t thread_count;
  int64_t key_count;  /* distinct keys, 0: records have none */
  bool is_one_by_one; /* send a record, wait for its report, send the next */
};

/* Histogram values are nanoseconds with is_one_by_one, measured here, and else microseconds, measured by the
 * library. tally and latency belong to the thread that reports while records are under way. */
struct perf_run {
  struct client *client;
  const struct perf_plan *plan;
  const struct payload *payload;
  char *keys; /* key_count of PERF_KEY_BYTES, or NULL */
  struct delivery_tally tally;
  struct histogram latency;
  int64_t sent_count; /* accepted; the warm-up not counted, nowhere here */
  int64_t wall_ns;
  int64_t cpu_ns; /* of the whole process, user and system */
};

enum { PERF_KEY_BYTES = 8, PERF_KEY_COUNT_MAX = 10000000 };

/* Borrows all three. Returns false when out of memory. */
bool perf_run_init(struct perf_run *run, struct client *client, const struct perf_plan *plan,
                   const struct payload *payload);

/* on_reports of the client. user is the run. */
void perf_run_on_reports(void *user, const sendoff_report *reports, size_t count);

/* Does it all on the open client; ends early when the watcher says so. Returns an exit code: EXIT_FAILURE if
 * it could not begin or a record was refused, the reason being on stderr. Read tally and latency after
 * client_close. */
int perf_run_execute(struct perf_run *run);

void perf_run_deinit(struct perf_run *run);

#endif
