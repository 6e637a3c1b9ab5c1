#include "cli/broker_command.h"

#include "base/allocator.h"
#include "base/status.h"
#include "broker/broker_server.h"
#include "cli/console.h"
#include "cli/options.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BROKER_LISTEN, BROKER_ADVERTISE, BROKER_TOPIC, BROKER_AUTO_CREATE, BROKER_DATA_LIMIT, BROKER_QUIET };

static const struct command_option options[] = {
    [BROKER_LISTEN] = {'l', "listen", "HOST:PORT",
                       "where to listen (127.0.0.1:9092); port 0 takes one that\nis free"},
    [BROKER_ADVERTISE] = {0, "advertise", "HOST",
                          "the host that clients are told to connect to, if it is\nanother"},
    [BROKER_TOPIC] = {'t', "topic", "NAME:PARTITIONS",
                      "a topic to start with, of one partition if no number is\ngiven; may be repeated"},
    [BROKER_AUTO_CREATE] = {0, "auto-create", "PARTITIONS",
                            "make topics that clients ask for, with so many partitions"},
    [BROKER_DATA_LIMIT] = {0, "data-limit", "MIB", "memory for records (1024); beyond it the oldest go"},
    [BROKER_QUIET] = {'q', "quiet", NULL, "print no summary at the end"},
};

static const struct command command = {
    .name = "broker",
    .usage = "[OPTION]...",
    .summary =
        "Runs a small Kafka broker: one node, its records in memory, no groups, no transactions. Any Kafka\n"
        "producer can send to it; consumers that name their partitions read back. Prints \"listening on\n"
        "HOST:PORT\" when it is ready, and ends on SIGINT or SIGTERM.",
    .options = options,
    .option_count = sizeof options / sizeof options[0],
    .notes = "Exit code: 0 it was told to end, 1 it could not start, 2 a wrong option.\n"
             "Example: sendoff broker --listen 127.0.0.1:0 --topic orders:12",
};

enum {
  PORT_DEFAULT = 9092,
  HOST_BYTES = 256,
  PARTITION_COUNT_MAX = 100000,
  DATA_LIMIT_MAX_MIB = 1 << 20,
  ERROR_TEXT_BYTES = 128,
};

/* One run of the command. settings points into the rest. */
struct broker_run {
  struct broker_server_settings settings;
  struct broker_server_topic *topics; /* room for as many as there are arguments */
  char **names;                       /* of the topics, owned */
  char host[HOST_BYTES];
  bool quiet;
};

static int take_options(struct broker_run *run, int argc, char **argv, bool *is_answered);
static int take_option(struct broker_run *run, int option, const char *value);
static int take_address(struct broker_run *run, const char *text);
static int take_topic(struct broker_run *run, const char *text);
static int serve(const struct broker_run *run);
static int explain_failure(const struct broker_run *run, int32_t status, int error);
static void summarize(const struct broker_counters *counters);

int broker_command(int argc, char **argv) {
  struct broker_run run = {.topics = allocator_allocate_zeroed((size_t)argc, sizeof *run.topics),
                           .names = allocator_allocate_zeroed((size_t)argc, sizeof *run.names)};
  broker_server_settings_init(&run.settings);
  run.settings.port = PORT_DEFAULT;
  run.settings.topics = run.topics;
  run.settings.broker.partition_limit_bytes = 0; /* the limit of all together is enough */
  bool is_answered = false;
  int result = EXIT_SUCCESS;
  if (run.topics == NULL || run.names == NULL) result = command_refuse(&command, "out of memory");
  if (result == EXIT_SUCCESS) result = take_options(&run, argc, argv, &is_answered);
  if (result == EXIT_SUCCESS && !is_answered) result = serve(&run);
  for (uint32_t i = 0; i < run.settings.topic_count; i++)
    allocator_free(run.names[i]);
  allocator_free(run.names);
  allocator_free(run.topics);
  return result;
}

static int take_options(struct broker_run *run, int argc, char **argv, bool *is_answered) {
  struct option_reader reader;
  option_reader_init(&reader, &command, argc, argv);
  for (;;) {
    const char *value = NULL;
    int option = option_reader_next(&reader, &value);
    if (option == OPTION_END) return EXIT_SUCCESS;
    if (option == OPTION_BAD) return EXIT_USAGE;
    if (option == OPTION_OPERAND) return command_refuse(&command, "%s: options only are understood", value);
    if (option == OPTION_HELP) {
      *is_answered = true;
      return command_print_help(&command);
    }
    int result = take_option(run, option, value);
    if (result != EXIT_SUCCESS) return result;
  }
}

static int take_option(struct broker_run *run, int option, const char *value) {
  int64_t number = 0;
  switch (option) {
  case BROKER_LISTEN: return take_address(run, value);
  case BROKER_ADVERTISE: run->settings.advertised_host = value; return EXIT_SUCCESS;
  case BROKER_TOPIC: return take_topic(run, value);
  case BROKER_AUTO_CREATE:
    if (!command_read_number(&command, "--auto-create", value, 1, PARTITION_COUNT_MAX, &number))
      return EXIT_USAGE;
    run->settings.broker.auto_create_partitions = (int32_t)number;
    return EXIT_SUCCESS;
  case BROKER_DATA_LIMIT:
    if (!command_read_number(&command, "--data-limit", value, 1, DATA_LIMIT_MAX_MIB, &number))
      return EXIT_USAGE;
    run->settings.broker.data_limit_bytes = (size_t)number << 20;
    return EXIT_SUCCESS;
  default: run->quiet = true; return EXIT_SUCCESS;
  }
}

/* HOST:PORT, or [HOST]:PORT for an IPv6 address. */
static int take_address(struct broker_run *run, const char *text) {
  static const char wanted[] = "--listen has to be HOST:PORT (or [HOST]:PORT), not %s";
  const char *colon = strrchr(text, ':');
  if (colon == NULL) return command_refuse(&command, wanted, text);
  const char *begin = text, *end = colon;
  if (text[0] == '[' && end[-1] == ']') {
    begin++;
    end--;
  } else if (memchr(text, ':', (size_t)(colon - text)) != NULL) {
    return command_refuse(&command, wanted, text);
  }
  if (end <= begin || end - begin >= HOST_BYTES) return command_refuse(&command, wanted, text);
  int64_t port = 0;
  if (!command_read_number(&command, "the port of --listen", colon + 1, 0, UINT16_MAX, &port))
    return EXIT_USAGE;
  memcpy(run->host, begin, (size_t)(end - begin));
  run->host[end - begin] = '\0';
  run->settings.address = run->host;
  run->settings.port = (uint16_t)port;
  return EXIT_SUCCESS;
}

static int take_topic(struct broker_run *run, const char *text) {
  int64_t partition_count = 1;
  size_t name_bytes = strcspn(text, ":");
  if (text[name_bytes] == ':' &&
      !command_read_number(&command, "the partitions of --topic", text + name_bytes + 1, 1,
                           PARTITION_COUNT_MAX, &partition_count))
    return EXIT_USAGE;
  char *name = allocator_copy_text(text, name_bytes);
  if (name == NULL) return command_refuse(&command, "out of memory");
  run->names[run->settings.topic_count] = name;
  run->topics[run->settings.topic_count++] =
      (struct broker_server_topic){.name = name, .partition_count = (int32_t)partition_count};
  return EXIT_SUCCESS;
}

static int serve(const struct broker_run *run) {
  sigset_t ending, before;
  sigemptyset(&ending);
  sigaddset(&ending, SIGINT);
  sigaddset(&ending, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &ending, &before);
  struct broker_server *server = NULL;
  int32_t status = broker_server_create(&run->settings, &server);
  int error = errno;
  if (status == STATUS_OK) {
    const char *host = run->settings.address;
    bool needs_brackets = strchr(host, ':') != NULL;
    printf("listening on %s%s%s:%u\n", needs_brackets ? "[" : "", host, needs_brackets ? "]" : "",
           (unsigned)broker_server_port(server));
    fflush(stdout);
    int number = 0;
    sigwait(&ending, &number);
    broker_server_stop(server);
    if (!run->quiet) {
      summarize(broker_model_counters(broker_server_lock(server)));
      broker_server_unlock(server);
    }
    broker_server_destroy(server);
  }
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  return status == STATUS_OK ? EXIT_SUCCESS : explain_failure(run, status, error);
}

static int explain_failure(const struct broker_run *run, int32_t status, int error) {
  char buffer[ERROR_TEXT_BYTES];
  bool is_systems = status == STATUS_SYSTEM_ERROR;
  console_print("the broker cannot start on %s, port %u: %s", run->settings.address,
                (unsigned)run->settings.port,
                is_systems ? console_error_text(error, buffer, sizeof buffer) : status_text(status));
  return EXIT_FAILURE;
}

static void summarize(const struct broker_counters *counters) {
  console_print_plain("appended %" PRIu64 " records in %" PRIu64 " batches (%" PRIu64 " bytes); %" PRIu64
                      " duplicates recognised, %" PRIu64 " out of order, %" PRIu64
                      " of an old epoch, %" PRIu64 " refused",
                      counters->records_appended, counters->batches_appended, counters->bytes_appended,
                      counters->duplicates, counters->out_of_order, counters->fenced, counters->refused);
}
