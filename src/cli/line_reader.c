#include "cli/line_reader.h"

#include "base/allocator.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

/* Large enough that system calls do not count, small enough to stay in the processor's second cache. */
enum { CHUNK_BYTES = 256 * 1024 };

static enum line_result read_more(struct line_reader *reader);
static enum line_result wait_for_input(const struct line_reader *reader);
static bool make_room(struct line_reader *reader);

bool line_reader_init(struct line_reader *reader, int descriptor, int stop_descriptor,
                      size_t line_bytes_max) {
  *reader = (struct line_reader){.descriptor = descriptor,
                                 .stop_descriptor = stop_descriptor,
                                 .buffer_bytes = CHUNK_BYTES,
                                 .line_bytes_max = line_bytes_max};
  reader->buffer = allocator_allocate(reader->buffer_bytes);
  return reader->buffer != NULL;
}

enum line_result line_reader_next(struct line_reader *reader, const char **data, size_t *bytes) {
  for (;;) {
    const char *line = reader->buffer + reader->begin;
    const char *line_end = memchr(reader->buffer + reader->scanned, '\n', reader->end - reader->scanned);
    bool is_last = line_end == NULL && reader->at_end;
    if (is_last && reader->begin == reader->end) return LINE_END;
    size_t line_bytes = line_end != NULL ? (size_t)(line_end - line) : reader->end - reader->begin;
    if (line_bytes > reader->line_bytes_max) return LINE_TOO_LONG;
    if (line_end != NULL || is_last) {
      reader->begin += line_bytes + (line_end != NULL ? 1 : 0);
      reader->scanned = reader->begin;
      reader->line_count++;
      *data = line;
      *bytes = line_bytes;
      return LINE_READ;
    }
    reader->scanned = reader->end;
    enum line_result result = read_more(reader);
    if (result != LINE_READ) return result;
  }
}

size_t line_reader_unfinished_bytes(const struct line_reader *reader) {
  return reader->end - reader->begin;
}

void line_reader_deinit(struct line_reader *reader) {
  allocator_free(reader->buffer);
  *reader = (struct line_reader){.descriptor = -1, .stop_descriptor = -1};
}

static enum line_result read_more(struct line_reader *reader) {
  if (!make_room(reader)) return LINE_OUT_OF_MEMORY;
  for (;;) {
    enum line_result result = wait_for_input(reader);
    if (result != LINE_READ) return result;
    ssize_t count =
        read(reader->descriptor, reader->buffer + reader->end, reader->buffer_bytes - reader->end);
    if (count > 0) {
      reader->end += (size_t)count;
      return LINE_READ;
    }
    if (count == 0) {
      reader->at_end = true;
      return LINE_READ;
    }
    if (errno != EINTR && errno != EAGAIN && errno != EWOULDBLOCK) return LINE_FAILED;
  }
}

static enum line_result wait_for_input(const struct line_reader *reader) {
  struct pollfd descriptors[] = {{.fd = reader->descriptor, .events = POLLIN},
                                 {.fd = reader->stop_descriptor, .events = POLLIN}};
  while (poll(descriptors, 2, -1) < 0) {
    if (errno != EINTR) return LINE_FAILED;
  }
  return descriptors[1].revents != 0 ? LINE_STOPPED : LINE_READ;
}

/* Moves the unfinished line to the front, and doubles the memory when that is full already. */
static bool make_room(struct line_reader *reader) {
  size_t unfinished_bytes = reader->end - reader->begin;
  if (reader->begin > 0) {
    memmove(reader->buffer, reader->buffer + reader->begin, unfinished_bytes);
    reader->begin = 0;
    reader->scanned = reader->end = unfinished_bytes;
  }
  if (reader->end < reader->buffer_bytes) return true;
  char *larger = allocator_reallocate(reader->buffer, reader->buffer_bytes * 2);
  if (larger == NULL) return false;
  reader->buffer = larger;
  reader->buffer_bytes *= 2;
  return true;
}
