/* What `sendoff perf` measured, and its two forms: a table for people, JSON for programs. */
#ifndef CLI_PERF_RESULT_H
#define CLI_PERF_RESULT_H

#include "cli/histogram.h"

#include <stdint.h>

/* Figures of one run. */
struct perf_result {
  uint64_t record_count; /* sent */
  uint64_t record_bytes; /* of one */
  uint64_t delivered_count;
  uint64_t failed_count; /* not delivered, or in doubt */
  int64_t wall_ns;
  int64_t cpu_ns;
  const struct histogram *latency; /* borrowed */
  double latency_unit_us;          /* what the histogram's values are multiples of */
  int64_t resident_bytes_max;      /* of the process, at its largest */
};

/* Print to stdout. */
void perf_result_print_table(const struct perf_result *result);
void perf_result_print_json(const struct perf_result *result);

/* The largest memory that this process has had, in bytes. */
int64_t perf_result_resident_bytes_max(void);

#endif
