#include "cli/broker_command.h"
#include <stdio.h>
#include <string.h>

struct command {
  const char *name;
  int (*run)(int argc, char **argv); /* argv[0] is the command's name; returns the exit status */
  const char *summary;
};

static int help_command(int argc, char **argv);
static int version_command(int argc, char **argv);

static const struct command commands[] = {
    {"broker", broker_command, "run a small Kafka broker that keeps its records in memory"},
    {"version", version_command, "print the version"},
    {"help", help_command, "print this, or the help of a command"},
};

static const struct command *find_command(const char *name) {
  for (size_t index = 0; index < sizeof commands / sizeof commands[0]; index++) {
    if (strcmp(commands[index].name, name) == 0) return &commands[index];
  }
  return NULL;
}

static void print_usage(FILE *file) {
  fprintf(file, "usage: sendoff COMMAND [OPTION]...\n\ncommands:\n");
  for (size_t index = 0; index < sizeof commands / sizeof commands[0]; index++)
    fprintf(file, "  %-10s %s\n", commands[index].name, commands[index].summary);
  fprintf(file, "\n'sendoff COMMAND --help' says more about one.\n");
}

static int help_command(int argc, char **argv) {
  const struct command *command = argc > 1 ? find_command(argv[1]) : NULL;
  if (argc > 1 && command == NULL) {
    fprintf(stderr, "sendoff: there is no command '%s'; 'sendoff help' lists them\n", argv[1]);
    return 2;
  }
  if (command == NULL || command->run == help_command || command->run == version_command) {
    print_usage(stdout);
    return 0;
  }
  char help[] = "--help";
  char *arguments[] = {argv[1], help, NULL};
  return command->run(2, arguments);
}

static int version_command(int argc, char **argv) {
  (void)argc;
  (void)argv;
  printf("sendoff %s\n", SENDOFF_COMMAND_VERSION);
  return 0;
}

int main(int argc, char **argv) {
  if (argc < 2) {
    print_usage(stderr);
    return 2;
  }
  const char *name = argv[1];
  if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0) name = "help";
  if (strcmp(name, "--version") == 0 || strcmp(name, "-V") == 0) name = "version";
  const struct command *command = find_command(name);
  if (command == NULL) {
    fprintf(stderr, "sendoff: there is no command '%s'; 'sendoff help' lists them\n", name);
    return 2;
  }
  return command->run(argc - 1, argv + 1);
}
