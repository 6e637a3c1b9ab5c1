#include "cli/produce_command.h"

#include "cli/client.h"
#include "cli/console.h"
#include "cli/delivery_tally.h"
#include "cli/line_reader.h"
#include "cli/options.h"
#include "cli/progress.h"

#include "base/allocator.h"
#include "base/clock.h"

#include <sendoff/sendoff.h>

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PRODUCE_SEPARATOR = CLIENT_OPTION_COUNT, PRODUCE_HEADER, PRODUCE_NULL_EMPTY };

static const struct command_option options[] = {
    CLIENT_OPTION_ROWS,
    [PRODUCE_SEPARATOR] = {'k', "key-separator", "TEXT",
                           "a line is key, TEXT, value, split where TEXT first comes;\n"
                           "a line without it has no key; \\t and \\xHH are understood"},
    [PRODUCE_HEADER] = {'H', "header", "NAME=VALUE",
                        "a header for each record; may be repeated; NAME alone\nhas a null value"},
    [PRODUCE_NULL_EMPTY] = {'Z', "null-empty", NULL, "send empty keys and values as null (tombstones)"},
};

static const struct command command = {
    .name = "produce",
    .usage = "-b HOST:PORT,... -t TOPIC [OPTION]... [FILE]",
    .summary =
        "Sends each line of FILE, or of standard input, as a record, and waits until all are delivered.\n"
        "Lines may hold any bytes; the end of line is not sent, empty lines are. The first interrupt\n"
        "(Ctrl-C, SIGTERM) ends reading and delivers what was read, within shutdown.timeout.ms; the second\n"
        "gives up.",
    .options = options,
    .option_count = sizeof options / sizeof options[0],
    .notes =
        "Exit code: 0 all was delivered, 1 not all, 2 a wrong option or setting, 128 + N ended by signal N.\n"
        "Example: tail -f access.log | sendoff produce -b localhost:9092 -t access -z zstd",
};

enum { LINE_BYTES_MAX_DEFAULT = 1048576, PROGRESS_LINE_BYTES = 120, ERROR_TEXT_BYTES = 128 };

/* One run of the command. tally belongs to the thread that reports until client_close, progress to the
 * watcher's; the rest to the command's own. */
struct produce_run {
  struct client client;
  struct delivery_tally tally;
  struct progress progress;
  struct line_reader reader;
  const char *path; /* NULL: standard input */
  int descriptor;   /* of the input */
  char *separator;  /* unescaped; NULL: no keys */
  size_t separator_bytes;
  sendoff_header *headers;
  size_t header_count;
  size_t headers_bytes;
  bool null_empty;
  uint64_t record_count; /* accepted */
  uint64_t record_bytes; /* of their keys, values and headers */
  int64_t duration_us;
};

static int produce_prepare(struct produce_run *run, int argc, char **argv);
static int take_options(struct produce_run *run, int argc, char **argv);
static int take_separator(struct produce_run *run, const char *text);
static void take_header(struct produce_run *run, const char *text);
static int produce_input(struct produce_run *run);
static int open_input(struct produce_run *run);
static bool send_lines(struct produce_run *run);
static sendoff_record split_line(const struct produce_run *run, const char *line, size_t line_bytes);
static bool explain_end(const struct produce_run *run, enum line_result result);
static void explain_long_line(const struct produce_run *run, uint64_t line_number);
static int summarize(struct produce_run *run, bool is_whole);
static void count_reports(void *user, const sendoff_report *reports, size_t count);
static void draw_progress(void *user);

int produce_command(int argc, char **argv) {
  struct produce_run *run = allocator_allocate_zeroed(1, sizeof *run);
  if (run == NULL) return command_refuse(&command, "out of memory");
  run->descriptor = -1;
  bool is_answered = false;
  int result = client_init(&run->client, &command);
  if (result == EXIT_SUCCESS) result = client_load_files(&run->client, argc, argv, &is_answered);
  if (result == EXIT_SUCCESS && !is_answered) result = produce_prepare(run, argc, argv);
  if (result == EXIT_SUCCESS && !is_answered) result = produce_input(run);
  if (run->descriptor > STDIN_FILENO) close(run->descriptor);
  line_reader_deinit(&run->reader);
  allocator_free(run->separator);
  allocator_free(run->headers);
  client_deinit(&run->client);
  allocator_free(run);
  return result;
}

static int produce_prepare(struct produce_run *run, int argc, char **argv) {
  run->headers = allocator_allocate_zeroed((size_t)argc, sizeof *run->headers);
  if (run->headers == NULL) return command_refuse(&command, "out of memory");
  int result = take_options(run, argc, argv);
  if (result == EXIT_SUCCESS) result = open_input(run);
  return result;
}

static int take_options(struct produce_run *run, int argc, char **argv) {
  struct option_reader reader;
  option_reader_init(&reader, &command, argc, argv);
  int result = EXIT_SUCCESS;
  const char *value;
  int option;
  while (result == EXIT_SUCCESS && (option = option_reader_next(&reader, &value)) != OPTION_END) {
    switch (option) {
    case PRODUCE_SEPARATOR: result = take_separator(run, value); break;
    case PRODUCE_HEADER: take_header(run, value); break;
    case PRODUCE_NULL_EMPTY: run->null_empty = true; break;
    case OPTION_OPERAND:
      if (run->path != NULL) result = command_refuse(&command, "one FILE at a time: pipe more through cat");
      run->path = value;
      break;
    default: result = client_take_option(&run->client, option, value); break;
    }
  }
  if (run->path != NULL && strcmp(run->path, "-") == 0) run->path = NULL;
  return result;
}

static int take_separator(struct produce_run *run, const char *text) {
  allocator_free(run->separator);
  run->separator = allocator_copy_string(text);
  if (run->separator == NULL) return command_refuse(&command, "out of memory");
  run->separator_bytes = option_unescape(text, run->separator);
  if (run->separator_bytes == 0) return command_refuse(&command, "-k needs the text between key and value");
  if (memchr(run->separator, '\n', run->separator_bytes) != NULL) {
    return command_refuse(&command, "-k: a line never holds an end of line, so it cannot separate");
  }
  return EXIT_SUCCESS;
}

static void take_header(struct produce_run *run, const char *text) {
  size_t name_bytes = strcspn(text, "=");
  bool has_value = text[name_bytes] == '=';
  const char *value = has_value ? text + name_bytes + 1 : NULL;
  sendoff_header header = {
      .name = text, .name_bytes = name_bytes, .value = value, .value_bytes = has_value ? strlen(value) : 0};
  run->headers[run->header_count++] = header;
  run->headers_bytes += header.name_bytes + header.value_bytes;
}

static int open_input(struct produce_run *run) {
  run->descriptor = STDIN_FILENO;
  if (run->path == NULL) return EXIT_SUCCESS;
  run->descriptor = open(run->path, O_RDONLY | O_CLOEXEC);
  if (run->descriptor >= 0) return EXIT_SUCCESS;
  char text[ERROR_TEXT_BYTES];
  return command_refuse(&command, "cannot open %s: %s", run->path,
                        console_error_text(errno, text, sizeof text));
}

static int produce_input(struct produce_run *run) {
  int64_t started_us = clock_monotonic_us();
  progress_init(&run->progress, started_us);
  struct client_events events = {
      .user = run, .on_reports = count_reports, .on_tick = console_is_terminal() ? draw_progress : NULL};
  int result = client_open(&run->client, &events);
  if (result != EXIT_SUCCESS) return result;
  int64_t line_bytes_max = client_number_setting(&run->client, "max.request.size", LINE_BYTES_MAX_DEFAULT);
  bool is_whole = false;
  if (line_reader_init(&run->reader, run->descriptor, watcher_stop_descriptor(&run->client.watcher),
                       (size_t)line_bytes_max)) {
    is_whole = send_lines(run);
    client_flush(&run->client);
  } else {
    console_print("out of memory");
  }
  run->duration_us = clock_monotonic_us() - started_us;
  client_close(&run->client);
  return summarize(run, is_whole);
}

/* Returns whether the whole input was sent. */
static bool send_lines(struct produce_run *run) {
  struct client *client = &run->client;
  enum line_result result = LINE_STOPPED;
  while (watcher_state(&client->watcher) != RUN_ABANDONED) {
    const char *line;
    size_t line_bytes;
    result = line_reader_next(&run->reader, &line, &line_bytes);
    if (result != LINE_READ) break;
    sendoff_record record = split_line(run, line, line_bytes);
    int32_t status = client_send(client, &record);
    if (status == SENDOFF_RECORD_TOO_LARGE) {
      explain_long_line(run, run->reader.line_count);
      return false;
    }
    if (status != SENDOFF_OK && watcher_state(&client->watcher) == RUN_ABANDONED) return false;
    if (status != SENDOFF_OK) {
      console_print("line %" PRIu64 " was refused, and nothing after it is sent: %s: %s",
                    run->reader.line_count, sendoff_status_name(status), sendoff_status_text(status));
      return false;
    }
    run->record_count++;
    run->record_bytes += record.key_bytes + record.value_bytes;
  }
  return explain_end(run, result);
}

static sendoff_record split_line(const struct produce_run *run, const char *line, size_t line_bytes) {
  sendoff_record record = client_record(&run->client);
  record.headers = run->headers;
  record.header_count = run->header_count;
  record.opaque = run->reader.line_count;
  record.value = line;
  record.value_bytes = line_bytes;
  const char *separator = NULL;
  if (run->separator != NULL) separator = memmem(line, line_bytes, run->separator, run->separator_bytes);
  if (separator != NULL) {
    record.key = line;
    record.key_bytes = (size_t)(separator - line);
    record.value = separator + run->separator_bytes;
    record.value_bytes = line_bytes - record.key_bytes - run->separator_bytes;
  }
  if (run->null_empty && record.key_bytes == 0) record.key = NULL;
  if (run->null_empty && record.value_bytes == 0) record.value = NULL;
  return record;
}

/* Says why reading ended where it was not the end of the input. */
static bool explain_end(const struct produce_run *run, enum line_result result) {
  const struct line_reader *reader = &run->reader;
  char text[ERROR_TEXT_BYTES];
  switch (result) {
  case LINE_END: return true;
  case LINE_TOO_LONG: explain_long_line(run, reader->line_count + 1); return false;
  case LINE_OUT_OF_MEMORY:
    console_print("out of memory at line %" PRIu64, reader->line_count + 1);
    return false;
  case LINE_FAILED:
    console_print("cannot read %s after line %" PRIu64 ": %s",
                  run->path != NULL ? run->path : "standard input", reader->line_count,
                  console_error_text(errno, text, sizeof text));
    return false;
  default:
    if (result == LINE_STOPPED && line_reader_unfinished_bytes(reader) > 0) {
      console_print("line %" PRIu64 " was not complete and is not sent", reader->line_count + 1);
    }
    return false;
  }
}

static void explain_long_line(const struct produce_run *run, uint64_t line_number) {
  console_print(
      "line %" PRIu64 " does not fit into max.request.size (%zu bytes), and nothing after it is sent: "
      "raise it with -X max.request.size=BYTES (and the topic's max.message.bytes), or split the line",
      line_number, run->reader.line_bytes_max);
}

/* Prints what was done and returns the exit code. */
static int summarize(struct produce_run *run, bool is_whole) {
  struct delivery_tally *tally = &run->tally;
  console_clear_progress();
  /* A report that never came leaves its record in doubt. */
  uint64_t reported = delivery_tally_reported(tally);
  if (reported < run->record_count) tally->unknown += run->record_count - reported;
  int signal_number = watcher_signal(&run->client.watcher);
  if (signal_number != 0 && !is_whole) {
    console_print("stopped by signal %d after line %" PRIu64, signal_number, run->record_count);
  }
  delivery_tally_print_reasons(tally, "line");
  char unacknowledged[64] = "";
  if (tally->unacknowledged > 0) {
    snprintf(unacknowledged, sizeof unacknowledged, ", %" PRIu64 " not acknowledged (acks=0)",
             tally->unacknowledged);
  }
  console_print_plain("sent %" PRIu64 " records (%" PRIu64 " bytes) in %.3f s: %" PRIu64
                      " delivered, %" PRIu64 " failed, %" PRIu64 " unknown%s",
                      run->record_count, run->record_bytes + run->record_count * run->headers_bytes,
                      (double)run->duration_us / 1e6, tally->delivered, tally->failed, tally->unknown,
                      unacknowledged);
  if (signal_number != 0 && !is_whole) return 128 + signal_number;
  return is_whole && delivery_tally_is_clean(tally) ? EXIT_SUCCESS : EXIT_FAILURE;
}

static void count_reports(void *user, const sendoff_report *reports, size_t count) {
  struct produce_run *run = user;
  for (size_t i = 0; i < count; i++)
    delivery_tally_add(&run->tally, &reports[i]);
}

static void draw_progress(void *user) {
  struct produce_run *run = user;
  sendoff_counters counters = {.size = sizeof counters};
  if (sendoff_get_counters(run->client.producer, &counters) != SENDOFF_OK) return;
  char line[PROGRESS_LINE_BYTES];
  progress_format(&run->progress, &counters, clock_monotonic_us(), line, sizeof line);
  console_draw_progress(line);
}
