/* What the programs in C measure and how they print it: the keys of `sendoff perf --json`. */
#ifndef BENCH_MEASURE_H
#define BENCH_MEASURE_H

#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>

struct stopwatch {
  double wall_seconds, cpu_seconds;
};

static inline double seconds_of(struct timeval time) {
  return (double)time.tv_sec + (double)time.tv_usec / 1e6;
}

static inline double wall_us(void) {
  struct timespec now;
  (void)clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

/* Now: the monotonic clock, and user and system time of the whole process. */
static inline struct stopwatch stopwatch_read(void) {
  struct rusage usage;
  (void)getrusage(RUSAGE_SELF, &usage);
  return (struct stopwatch){wall_us() / 1e6, seconds_of(usage.ru_utime) + seconds_of(usage.ru_stime)};
}

static inline void print_throughput(const char *client, uint64_t records, uint32_t record_bytes,
                                    uint64_t delivered, uint64_t failed, struct stopwatch begun) {
  struct stopwatch ended = stopwatch_read();
  double seconds = ended.wall_seconds - begun.wall_seconds;
  struct rusage usage;
  (void)getrusage(RUSAGE_SELF, &usage);
  (void)printf(
      "{\"client\": \"%s\", \"records\": %" PRIu64 ", \"delivered\": %" PRIu64 ", \"failed\": %" PRIu64
      ", \"seconds\": %.3f, \"records_per_second\": %.0f, \"megabytes_per_second\": %.1f"
      ", \"cpu_ns_per_record\": %.1f, \"rss_mb\": %.1f}\n",
      client, records, delivered, failed, seconds, (double)records / seconds,
      (double)records * record_bytes / seconds / 1e6,
      (ended.cpu_seconds - begun.cpu_seconds) / (double)records * 1e9, (double)usage.ru_maxrss / 1024);
}

static inline int compare_doubles(const void *left, const void *right) {
  double difference = *(const double *)left - *(const double *)right;
  return (difference > 0) - (difference < 0);
}

/* Sorts them. */
static inline void print_latencies(const char *client, double *latencies_us, size_t count) {
  qsort(latencies_us, count, sizeof *latencies_us, compare_doubles);
  (void)printf("{\"client\": \"%s\", \"latency_us\": {\"p50\": %.1f, \"p99\": %.1f, \"p99_9\": %.1f, "
               "\"max\": %.1f}}\n",
               client, latencies_us[count / 2], latencies_us[count * 99 / 100],
               latencies_us[count * 999 / 1000], latencies_us[count - 1]);
}

#endif
