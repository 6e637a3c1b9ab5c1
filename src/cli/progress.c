#include "cli/progress.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

void progress_init(struct progress *progress, int64_t now_us) {
  *progress = (struct progress){.samples = {{.now_us = now_us}}, .sample_count = 1};
}

void progress_format(struct progress *progress, const sendoff_counters *counters, int64_t now_us, char *line,
                     size_t line_size) {
  uint64_t settled = counters->records_delivered + counters->records_unacknowledged;
  uint64_t oldest_index = progress->sample_count < PROGRESS_SAMPLE_COUNT ? 0 : progress->sample_count;
  struct progress_sample oldest = progress->samples[oldest_index % PROGRESS_SAMPLE_COUNT];
  progress->samples[progress->sample_count++ % PROGRESS_SAMPLE_COUNT] =
      (struct progress_sample){.now_us = now_us, .records = settled, .bytes = counters->bytes_accepted};
  double seconds = (double)(now_us - oldest.now_us) / 1e6;
  uint64_t rate = seconds > 0 ? (uint64_t)((double)(settled - oldest.records) / seconds) : 0;
  double byte_rate = seconds > 0 ? (double)(counters->bytes_accepted - oldest.bytes) / seconds : 0;
  char settled_text[PROGRESS_COUNT_BYTES], rate_text[PROGRESS_COUNT_BYTES],
      pending_text[PROGRESS_COUNT_BYTES];
  progress_format_count(settled, settled_text);
  progress_format_count(rate, rate_text);
  progress_format_count(counters->records_pending, pending_text);
  int used = snprintf(line, line_size, "%s delivered  %s/s  %.1f MB/s  %s in flight", settled_text, rate_text,
                      byte_rate / 1e6, pending_text);
  uint64_t failed = counters->records_not_delivered + counters->records_unknown;
  if (failed > 0 && used > 0 && (size_t)used < line_size) {
    snprintf(line + used, line_size - (size_t)used, "  %" PRIu64 " failed", failed);
  }
}

void progress_format_count(uint64_t count, char *text) {
  char digits[PROGRESS_COUNT_BYTES];
  int digit_count = snprintf(digits, sizeof digits, "%" PRIu64, count);
  for (int i = 0; i < digit_count; i++) {
    if (i > 0 && (digit_count - i) % 3 == 0) *text++ = ',';
    *text++ = digits[i];
  }
  *text = '\0';
}
