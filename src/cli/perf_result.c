#include "cli/perf_result.h"

#include "cli/progress.h"

#include <inttypes.h>
#include <stdio.h>
#include <sys/resource.h>

/* What is derived from a result. */
struct rates {
  double seconds, records_per_second, megabytes_per_second, cpu_ns_per_record;
};

static struct rates rates_of(const struct perf_result *result);
static double percentile_us(const struct perf_result *result, double percent);

void perf_result_print_table(const struct perf_result *result) {
  struct rates rates = rates_of(result);
  char records[PROGRESS_COUNT_BYTES], delivered[PROGRESS_COUNT_BYTES], failed[PROGRESS_COUNT_BYTES],
      rate[PROGRESS_COUNT_BYTES];
  progress_format_count(result->record_count, records);
  progress_format_count(result->delivered_count, delivered);
  progress_format_count(result->failed_count, failed);
  progress_format_count((uint64_t)rates.records_per_second, rate);
  printf("records      %s of %" PRIu64 " bytes: %s delivered, %s failed\n", records, result->record_bytes,
         delivered, failed);
  printf("throughput   %s records/s, %.1f MB/s, in %.3f s\n", rate, rates.megabytes_per_second,
         rates.seconds);
  printf("client CPU   %.0f ns a record\n", rates.cpu_ns_per_record);
  printf("latency      p50 %.1f us, p95 %.1f us, p99 %.1f us, p99.9 %.1f us, max %.1f us\n",
         percentile_us(result, 50), percentile_us(result, 95), percentile_us(result, 99),
         percentile_us(result, 99.9), percentile_us(result, 100));
  printf("memory       %.1f MB at most\n", (double)result->resident_bytes_max / 1048576);
}

void perf_result_print_json(const struct perf_result *result) {
  struct rates rates = rates_of(result);
  printf("{\"records\": %" PRIu64 ", \"delivered\": %" PRIu64 ", \"failed\": %" PRIu64
         ", \"seconds\": %.6f, ",
         result->record_count, result->delivered_count, result->failed_count, rates.seconds);
  printf("\"records_per_second\": %.1f, \"megabytes_per_second\": %.3f, \"cpu_ns_per_record\": %.1f, ",
         rates.records_per_second, rates.megabytes_per_second, rates.cpu_ns_per_record);
  printf("\"latency_us\": {\"p50\": %.1f, \"p95\": %.1f, \"p99\": %.1f, \"p99_9\": %.1f, \"max\": %.1f}, ",
         percentile_us(result, 50), percentile_us(result, 95), percentile_us(result, 99),
         percentile_us(result, 99.9), percentile_us(result, 100));
  printf("\"rss_mb\": %.1f}\n", (double)result->resident_bytes_max / 1048576);
}

static struct rates rates_of(const struct perf_result *result) {
  struct rates rates = {.seconds = (double)result->wall_ns / 1e9};
  if (result->record_count == 0 || result->wall_ns <= 0) return rates;
  double records = (double)result->record_count;
  rates.records_per_second = records / rates.seconds;
  rates.megabytes_per_second = rates.records_per_second * (double)result->record_bytes / 1e6;
  rates.cpu_ns_per_record = (double)result->cpu_ns / records;
  return rates;
}

static double percentile_us(const struct perf_result *result, double percent) {
  return (double)histogram_percentile(result->latency, percent) * result->latency_unit_us;
}

int64_t perf_result_resident_bytes_max(void) {
  struct rusage usage;
  getrusage(RUSAGE_SELF, &usage);
#ifdef __APPLE__
  return usage.ru_maxrss;
#else
  return usage.ru_maxrss * INT64_C(1024);
#endif
}
