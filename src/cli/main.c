/* The `sendoff` command: finds the command that is meant and runs it. */
#include "cli/broker_command.h"
#include "cli/options.h"
#include "cli/perf_command.h"
#include "cli/produce_command.h"

#include <sendoff/sendoff.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* argv[0] is the command's own name; run returns the exit code. */
struct entry {
  const char *name;
  int (*run)(int argc, char **argv);
  const char *summary;
};

static const struct entry *find_entry(const char *name);
static int refuse_name(const char *name);
static int help_command(int argc, char **argv);
static int version_command(int argc, char **argv);
static void print_commands(FILE *file);

static const struct entry entries[] = {
    {"produce", produce_command, "send the lines of a file or of standard input"},
    {"perf", perf_command, "measure what sending costs"},
    {"broker", broker_command, "run a small Kafka broker that keeps its records in memory"},
    {"version", version_command, "print the library's version"},
    {"help", help_command, "print this, or the help of a command"},
};

enum { ENTRY_COUNT = sizeof entries / sizeof entries[0] };

int main(int argc, char **argv) {
  if (argc < 2) {
    print_commands(stderr);
    return EXIT_USAGE;
  }
  const char *name = argv[1];
  if (strcmp(name, "-h") == 0 || strcmp(name, "--help") == 0) name = "help";
  if (strcmp(name, "-V") == 0 || strcmp(name, "--version") == 0) name = "version";
  const struct entry *entry = find_entry(name);
  return entry == NULL ? refuse_name(name) : entry->run(argc - 1, argv + 1);
}

static const struct entry *find_entry(const char *name) {
  for (size_t index = 0; index < ENTRY_COUNT; index++) {
    if (strcmp(entries[index].name, name) == 0) return &entries[index];
  }
  return NULL;
}

static int refuse_name(const char *name) {
  fprintf(stderr, "sendoff: there is no command %s; sendoff help lists them\n", name);
  return EXIT_USAGE;
}

static int help_command(int argc, char **argv) {
  const struct entry *entry = argc > 1 ? find_entry(argv[1]) : NULL;
  if (argc > 1 && entry == NULL) return refuse_name(argv[1]);
  if (entry == NULL || entry->run == help_command || entry->run == version_command) {
    print_commands(stdout);
    return EXIT_SUCCESS;
  }
  char help[] = "--help";
  char *arguments[] = {argv[1], help, NULL};
  return entry->run(2, arguments);
}

static int version_command(int argc, char **argv) {
  (void)argc;
  (void)argv;
  printf("sendoff %s\n", sendoff_version());
  return EXIT_SUCCESS;
}

static void print_commands(FILE *file) {
  fprintf(file, "Usage: sendoff COMMAND [OPTION]...\n\nCommands:\n");
  for (size_t index = 0; index < ENTRY_COUNT; index++)
    fprintf(file, "  %-10s %s\n", entries[index].name, entries[index].summary);
  fprintf(file, "\nsendoff COMMAND --help says more about one.\n");
}
