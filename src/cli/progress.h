/* The progress of a run as one line of text. Knows no clock and no terminal. One thread. */
#ifndef CLI_PROGRESS_H
#define CLI_PROGRESS_H

#include <sendoff/sendoff.h>

#include <stddef.h>
#include <stdint.h>

enum { PROGRESS_SAMPLE_COUNT = 6 };

/* The rate is that of the last second or so: samples is a ring of what was known at the last calls. */
struct progress {
  struct progress_sample {
    int64_t now_us;
    uint64_t records;
    uint64_t bytes;
  } samples[PROGRESS_SAMPLE_COUNT];
  uint64_t sample_count; /* ever */
};

/* All zeros but the first sample: nothing is sent yet. */
void progress_init(struct progress *progress, int64_t now_us);

/* Writes "1,234,567 delivered  45,678/s  4.6 MB/s  1,000 in flight" (and what failed) to line. */
void progress_format(struct progress *progress, const sendoff_counters *counters, int64_t now_us, char *line,
                     size_t line_size);

enum { PROGRESS_COUNT_BYTES = 27 };

/* Writes a number with a comma before each group of three digits; text has room for PROGRESS_COUNT_BYTES. */
void progress_format_count(uint64_t count, char *text);

#endif
