#include "cli/broker_command.h"
#include "base/allocator.h"
#include "base/status.h"
#include "broker/broker_server.h"
#include "cli/arguments.h"
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

static const char usage[] =
    "usage: sendoff broker [--listen HOST:PORT] [--topic NAME[:PARTITIONS]]... [OPTION]...\n"
    "\n"
    "Runs a small Kafka broker: one node, records in memory, no groups and no transactions. Producers, and\n"
    "consumers that name their partitions, use it as they would use Apache Kafka. Ends on SIGINT or "
    "SIGTERM.\n"
    "\n"
    "  --listen HOST:PORT       where to listen; port 0 takes a free one (default 127.0.0.1:9092)\n"
    "  --advertise HOST         the host that clients are told to connect to (default: that of --listen)\n"
    "  --topic NAME:PARTITIONS  a topic to start with, of one partition if no number is given; repeatable\n"
    "  --auto-create N          topics that a client asks for are made, with N partitions\n"
    "  --data-limit MIB         memory for records, of which the oldest go first (default 1024)\n"
    "  --quiet                  no summary at the end\n"
    "  --help                   print this\n";

enum {
  HOST_BYTES = 256,
  TOPIC_NAME_BYTES = 250,
  TOPICS_MAX = 1000,
  PARTITIONS_MAX = 100000,
  DATA_LIMIT_MAX_MIB = 1 << 20,
};

enum option_value {
  OPTION_LISTEN = 256,
  OPTION_ADVERTISE,
  OPTION_TOPIC,
  OPTION_AUTO_CREATE,
  OPTION_DATA_LIMIT,
  OPTION_QUIET,
  OPTION_HELP,
};

static const struct option options[] = {
    {"listen", required_argument, NULL, OPTION_LISTEN},
    {"advertise", required_argument, NULL, OPTION_ADVERTISE},
    {"topic", required_argument, NULL, OPTION_TOPIC},
    {"auto-create", required_argument, NULL, OPTION_AUTO_CREATE},
    {"data-limit", required_argument, NULL, OPTION_DATA_LIMIT},
    {"quiet", no_argument, NULL, OPTION_QUIET},
    {"help", no_argument, NULL, OPTION_HELP},
    {NULL, 0, NULL, 0},
};

/* What the command line said. settings points into the rest. */
struct broker_arguments {
  struct broker_server_settings settings;
  char host[HOST_BYTES];
  struct broker_server_topic topics[TOPICS_MAX];
  char topic_names[TOPICS_MAX][TOPIC_NAME_BYTES];
  bool quiet, help;
};

static int arguments_read(int argc, char **argv, struct broker_arguments *arguments);
static int option_read(struct broker_arguments *arguments, int option, const char *value);
static int topic_read(struct broker_arguments *arguments, const char *value);
static int run(const struct broker_arguments *arguments);
static int refuse_to_start(const struct broker_arguments *arguments, int32_t status, int reason);
static void print_summary(const struct broker_counters *counters);

int broker_command(int argc, char **argv) {
  struct broker_arguments *arguments = allocator_allocate_zeroed(1, sizeof *arguments);
  if (arguments == NULL) return argument_error("broker", "out of memory");
  int status = arguments_read(argc, argv, arguments);
  if (status == 0 && arguments->help) {
    fputs(usage, stdout);
  } else if (status == 0) {
    status = run(arguments);
  }
  allocator_free(arguments);
  return status;
}

static int arguments_read(int argc, char **argv, struct broker_arguments *arguments) {
  struct broker_server_settings *settings = &arguments->settings;
  broker_server_settings_init(settings);
  settings->address = "127.0.0.1";
  settings->port = 9092;
  settings->topics = arguments->topics;
  settings->broker.partition_limit_bytes = 0;
  optind = 1;
  opterr = 0;
  for (;;) {
    int option = getopt_long(argc, argv, ":", options, NULL);
    if (option == -1) break;
    if (option == '?') return argument_error("broker", "there is no option '%s'", argv[optind - 1]);
    if (option == ':') return argument_error("broker", "'%s' needs a value", argv[optind - 1]);
    int status = option_read(arguments, option, optarg);
    if (status != 0) return status;
  }
  if (optind < argc) return argument_error("broker", "unexpected argument '%s'", argv[optind]);
  return 0;
}

static int option_read(struct broker_arguments *arguments, int option, const char *value) {
  struct broker_server_settings *settings = &arguments->settings;
  int64_t number = 0;
  switch (option) {
  case OPTION_LISTEN:
    if (!argument_address(value, arguments->host, sizeof arguments->host, &settings->port))
      return argument_error("broker", "--listen takes HOST:PORT, not '%s'", value);
    settings->address = arguments->host;
    return 0;
  case OPTION_ADVERTISE: settings->advertised_host = value; return 0;
  case OPTION_TOPIC: return topic_read(arguments, value);
  case OPTION_AUTO_CREATE:
    if (!argument_integer(value, 1, PARTITIONS_MAX, &number))
      return argument_error("broker", "--auto-create takes a number of partitions, 1 to %d, not '%s'",
                            (int)PARTITIONS_MAX, value);
    settings->broker.auto_create_partitions = (int32_t)number;
    return 0;
  case OPTION_DATA_LIMIT:
    if (!argument_integer(value, 1, DATA_LIMIT_MAX_MIB, &number))
      return argument_error("broker", "--data-limit takes a number of MiB, 1 to %d, not '%s'",
                            (int)DATA_LIMIT_MAX_MIB, value);
    settings->broker.data_limit_bytes = (size_t)number << 20;
    return 0;
  case OPTION_QUIET: arguments->quiet = true; return 0;
  default: arguments->help = true; return 0;
  }
}

static int topic_read(struct broker_arguments *arguments, const char *value) {
  uint32_t index = arguments->settings.topic_count;
  int64_t partition_count = 1;
  if (index == TOPICS_MAX) return argument_error("broker", "at most %d topics can be given", (int)TOPICS_MAX);
  const char *colon = strrchr(value, ':');
  if (colon != NULL && !argument_integer(colon + 1, 1, PARTITIONS_MAX, &partition_count))
    return argument_error("broker", "--topic takes NAME:PARTITIONS with 1 to %d partitions, not '%s'",
                          (int)PARTITIONS_MAX, value);
  size_t size = colon == NULL ? strlen(value) : (size_t)(colon - value);
  if (size == 0 || size >= TOPIC_NAME_BYTES)
    return argument_error("broker", "--topic: a name has 1 to %d characters", TOPIC_NAME_BYTES - 1);
  memcpy(arguments->topic_names[index], value, size);
  arguments->topics[index] = (struct broker_server_topic){.name = arguments->topic_names[index],
                                                          .partition_count = (int32_t)partition_count};
  arguments->settings.topic_count++;
  return 0;
}

static int run(const struct broker_arguments *arguments) {
  sigset_t ending;
  sigemptyset(&ending);
  sigaddset(&ending, SIGINT);
  sigaddset(&ending, SIGTERM);
  /* Blocked before the server's thread begins, and taken below. */
  sigprocmask(SIG_BLOCK, &ending, NULL);
  struct broker_server *server = NULL;
  int32_t status = broker_server_create(&arguments->settings, &server);
  if (status != STATUS_OK) return refuse_to_start(arguments, status, errno);
  const char *host = arguments->settings.address;
  bool needs_brackets = strchr(host, ':') != NULL;
  printf(needs_brackets ? "listening on [%s]:%u\n" : "listening on %s:%u\n", host,
         (unsigned)broker_server_port(server));
  fflush(stdout);
  int signal_number = 0;
  while (sigwait(&ending, &signal_number) != 0)
    continue;
  broker_server_stop(server);
  if (!arguments->quiet) print_summary(broker_model_counters(broker_server_lock(server)));
  if (!arguments->quiet) broker_server_unlock(server);
  broker_server_destroy(server);
  return 0;
}

static int refuse_to_start(const struct broker_arguments *arguments, int32_t status, int reason) {
  char what[HOST_BYTES + 64];
  snprintf(what, sizeof what, "sendoff broker: cannot start on %s port %u", arguments->settings.address,
           (unsigned)arguments->settings.port);
  errno = reason;
  if (status == STATUS_SYSTEM_ERROR) {
    perror(what);
  } else {
    fprintf(stderr, "%s: %s\n", what, status_text(status));
  }
  return 1;
}

static void print_summary(const struct broker_counters *counters) {
  fprintf(stderr,
          "%" PRIu64 " records in %" PRIu64 " batches (%" PRIu64 " bytes) appended; %" PRIu64
          " duplicates recognised, %" PRIu64 " batches out of order, %" PRIu64 " of an old epoch, %" PRIu64
          " refused\n",
          counters->records_appended, counters->batches_appended, counters->bytes_appended,
          counters->duplicates, counters->out_of_order, counters->fenced, counters->refused);
}
