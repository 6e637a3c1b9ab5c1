#include "cli/perf_command.h"

#include "cli/client.h"
#include "cli/console.h"
#include "cli/options.h"
#include "cli/pacer.h"
#include "cli/payload.h"
#include "cli/perf_result.h"
#include "cli/perf_run.h"

#include "base/allocator.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum {
  PERF_RECORDS = CLIENT_OPTION_COUNT,
  PERF_SIZE,
  PERF_PAYLOAD,
  PERF_KEYS,
  PERF_RATE,
  PERF_THREADS,
  PERF_LATENCY,
  PERF_WARM_UP,
  PERF_JSON
};

static const struct command_option options[] = {
    CLIENT_OPTION_ROWS,
    [PERF_RECORDS] = {'\0', "records", "N", "how many to send (1000000)"},
    [PERF_SIZE] = {'\0', "size", "BYTES", "of a record's value (100)"},
    [PERF_PAYLOAD] = {'\0', "payload", "WHAT",
                      "text (made up, like JSON; packs about 4:1 with zstd),\n"
                      "random, or a file to take the bytes from (text)"},
    [PERF_KEYS] = {'\0', "keys", "N", "give the records N different keys in turn (no keys)"},
    [PERF_RATE] = {'\0', "rate", "N", "records a second, spread evenly (as fast as possible)"},
    [PERF_THREADS] = {'\0', "threads", "N", "that send, with one producer (1)"},
    [PERF_LATENCY] =
        {'\0', "latency", NULL,
         "send one record, wait for its report, send the next:\nlatency is that of the whole round"},
    [PERF_WARM_UP] = {'\0', "warm-up", "N", "records to send first, not measured (1000)"},
    [PERF_JSON] = {'\0', "json", NULL, "print one JSON object instead of a table"},
};

static const struct command command = {
    .name = "perf",
    .usage = "-b HOST:PORT,... -t TOPIC [--records N] [--size BYTES] [OPTION]...",
    .summary =
        "Sends records and prints what that took: rate, CPU time of the whole process (user and system) per\n"
        "record, latency from send to report, and memory. An interrupt ends it early.",
    .options = options,
    .option_count = sizeof options / sizeof options[0],
    .notes =
        "Exit code: 0 all was sent and delivered, 1 not all, 2 a wrong option or setting, 128 + N ended by\n"
        "signal N. Example: sendoff perf -b localhost:9092 -t test --size 1000 -z zstd -X linger.ms=5",
};

enum { RECORD_BYTES_MAX = 1 << 30, THREAD_COUNT_MAX = 1024, ERROR_TEXT_BYTES = 128 };

/* One invocation. */
struct perf {
  struct client client;
  struct perf_plan plan;
  struct payload payload;
  struct perf_run run;
  const char *payload_name;
  bool is_json;
};

static int take_options(struct perf *perf, int argc, char **argv);
static int take_option(struct perf *perf, int option, const char *value);
static int check_plan(const struct perf_plan *plan);
static int make_payload(struct perf *perf);
static int measure(struct perf *perf);
static int print_result(struct perf *perf);

int perf_command(int argc, char **argv) {
  struct perf *perf = allocator_allocate_zeroed(1, sizeof *perf);
  if (perf == NULL) return command_refuse(&command, "out of memory");
  perf->plan = (struct perf_plan){
      .record_count = 1000000, .record_bytes = 100, .warm_up_count = 1000, .thread_count = 1};
  perf->payload_name = "text";
  bool is_answered = false;
  int result = client_init(&perf->client, &command);
  if (result == EXIT_SUCCESS) result = client_load_files(&perf->client, argc, argv, &is_answered);
  if (result == EXIT_SUCCESS && !is_answered) result = take_options(perf, argc, argv);
  if (result == EXIT_SUCCESS && !is_answered) result = make_payload(perf);
  if (result == EXIT_SUCCESS && !is_answered) result = measure(perf);
  perf_run_deinit(&perf->run);
  payload_deinit(&perf->payload);
  client_deinit(&perf->client);
  allocator_free(perf);
  return result;
}

static int take_options(struct perf *perf, int argc, char **argv) {
  struct option_reader reader;
  option_reader_init(&reader, &command, argc, argv);
  int result = EXIT_SUCCESS;
  const char *value;
  int option;
  while (result == EXIT_SUCCESS && (option = option_reader_next(&reader, &value)) != OPTION_END) {
    result = take_option(perf, option, value);
  }
  return result == EXIT_SUCCESS ? check_plan(&perf->plan) : result;
}

static int take_option(struct perf *perf, int option, const char *value) {
  struct perf_plan *plan = &perf->plan;
  bool is_good = true;
  switch (option) {
  case PERF_RECORDS:
    is_good = command_read_number(&command, "--records", value, 1, INT64_MAX / 2, &plan->record_count);
    break;
  case PERF_SIZE:
    is_good = command_read_number(&command, "--size", value, 0, RECORD_BYTES_MAX, &plan->record_bytes);
    break;
  case PERF_PAYLOAD: perf->payload_name = value; break;
  case PERF_KEYS:
    is_good = command_read_number(&command, "--keys", value, 1, PERF_KEY_COUNT_MAX, &plan->key_count);
    break;
  case PERF_RATE:
    is_good = command_read_number(&command, "--rate", value, 1, PACER_RATE_MAX, &plan->rate);
    break;
  case PERF_THREADS:
    is_good = command_read_number(&command, "--threads", value, 1, THREAD_COUNT_MAX, &plan->thread_count);
    break;
  case PERF_LATENCY: plan->is_one_by_one = true; break;
  case PERF_WARM_UP:
    is_good = command_read_number(&command, "--warm-up", value, 0, INT64_MAX / 2, &plan->warm_up_count);
    break;
  case PERF_JSON: perf->is_json = true; break;
  case OPTION_OPERAND: return command_refuse(&command, "it takes no '%s': everything is an option", value);
  default: return client_take_option(&perf->client, option, value);
  }
  return is_good ? EXIT_SUCCESS : EXIT_USAGE;
}

static int check_plan(const struct perf_plan *plan) {
  if (plan->is_one_by_one && plan->thread_count > 1) {
    return command_refuse(&command, "--latency sends one record at a time: leave --threads out");
  }
  if (plan->rate > 0 && plan->rate < plan->thread_count) {
    return command_refuse(&command, "--rate %" PRId64 " is too low to share between %" PRId64 " --threads",
                          plan->rate, plan->thread_count);
  }
  return EXIT_SUCCESS;
}

static int make_payload(struct perf *perf) {
  const char *name = perf->payload_name;
  size_t record_bytes = (size_t)perf->plan.record_bytes;
  int error = 0;
  if (strcmp(name, "text") == 0) {
    error = payload_init_text(&perf->payload, record_bytes);
  } else if (strcmp(name, "random") == 0) {
    error = payload_init_random(&perf->payload, record_bytes);
  } else {
    error = payload_init_file(&perf->payload, record_bytes, name);
  }
  if (error == 0) return EXIT_SUCCESS;
  char text[ERROR_TEXT_BYTES];
  return command_refuse(&command, "--payload %s: %s (it is text, random or the name of a file)", name,
                        console_error_text(error, text, sizeof text));
}

static int measure(struct perf *perf) {
  if (!perf_run_init(&perf->run, &perf->client, &perf->plan, &perf->payload)) {
    return command_refuse(&command, "out of memory");
  }
  struct client_events events = {.user = &perf->run, .on_reports = perf_run_on_reports};
  int result = client_open(&perf->client, &events);
  if (result != EXIT_SUCCESS) return result;
  result = perf_run_execute(&perf->run);
  client_close(&perf->client);
  int signal_number = watcher_signal(&perf->client.watcher);
  if (perf->run.sent_count > 0) {
    int outcome = print_result(perf);
    if (result == EXIT_SUCCESS) result = outcome;
  }
  return signal_number != 0 && perf->run.sent_count < perf->plan.record_count ? 128 + signal_number : result;
}

static int print_result(struct perf *perf) {
  struct perf_run *run = &perf->run;
  struct delivery_tally *tally = &run->tally;
  uint64_t reported = delivery_tally_reported(tally);
  if (reported < (uint64_t)run->sent_count) tally->unknown += (uint64_t)run->sent_count - reported;
  struct perf_result result = {.record_count = (uint64_t)run->sent_count,
                               .record_bytes = (uint64_t)perf->plan.record_bytes,
                               .delivered_count = tally->delivered,
                               .failed_count = tally->failed + tally->unknown,
                               .wall_ns = run->wall_ns,
                               .cpu_ns = run->cpu_ns,
                               .latency = &run->latency,
                               .latency_unit_us = perf->plan.is_one_by_one ? 0.001 : 1,
                               .resident_bytes_max = perf_result_resident_bytes_max()};
  delivery_tally_print_reasons(tally, "record");
  if (tally->unacknowledged > 0) {
    console_print("%" PRIu64 " records were sent without acknowledgement (acks=0)", tally->unacknowledged);
  }
  if (perf->is_json) {
    perf_result_print_json(&result);
  } else {
    perf_result_print_table(&result);
  }
  return delivery_tally_is_clean(tally) ? EXIT_SUCCESS : EXIT_FAILURE;
}
