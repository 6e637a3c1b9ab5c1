/* Splits what a descriptor delivers into lines, reading large chunks. Any byte may be part of a line but
 * '\n', which ends it and is not part of it; a last line without '\n' counts. One thread. */
#ifndef CLI_LINE_READER_H
#define CLI_LINE_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum line_result {
  LINE_READ = 0,
  LINE_END,      /* there are no more */
  LINE_STOPPED,  /* the stop descriptor became readable, and no whole line is left in memory */
  LINE_TOO_LONG, /* the next line has more than line_bytes_max bytes */
  LINE_FAILED,   /* reading failed: errno says why */
  LINE_OUT_OF_MEMORY
};

/* buffer[begin, end) is read and not yet handed out; buffer[begin, scanned) has no '\n'. */
struct line_reader {
  int descriptor;
  int stop_descriptor;
  bool at_end; /* of the input */
  char *buffer;
  size_t buffer_bytes;
  size_t line_bytes_max;
  size_t begin, scanned, end;
  uint64_t line_count; /* handed out so far */
};

/* Reads from descriptor, which stays the caller's; stops when stop_descriptor is readable (-1: never).
 * Returns false when out of memory. */
bool line_reader_init(struct line_reader *reader, int descriptor, int stop_descriptor, size_t line_bytes_max);

/* *data and *bytes receive the next line on LINE_READ; valid until the next call. Blocks for input. */
enum line_result line_reader_next(struct line_reader *reader, const char **data, size_t *bytes);

/* Bytes of a line that is not whole, after LINE_STOPPED. */
size_t line_reader_unfinished_bytes(const struct line_reader *reader);

void line_reader_deinit(struct line_reader *reader);

#endif
