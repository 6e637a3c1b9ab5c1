/* The command line of one command as a table: the table parses the arguments and prints the help. */
#ifndef CLI_OPTIONS_H
#define CLI_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Exit codes of every command: EXIT_SUCCESS, EXIT_FAILURE (the work was not done in full) and this one
 * (nothing was begun: the command line or a setting is wrong). A run that a signal ended exits with 128 + its
 * number. */
enum { EXIT_USAGE = 2 };

/* One option; static, like all of a command's description. */
struct command_option {
  char letter;          /* 0: there is only the long form */
  const char *name;     /* long form without dashes, or NULL */
  const char *argument; /* what it takes, in capitals; NULL: nothing */
  const char *text;     /* for the help; end of line begins the next line of the help */
};

/* One command, as parsing and help need it. */
struct command {
  const char *name;    /* "produce" */
  const char *usage;   /* what follows "sendoff produce" in the help */
  const char *summary; /* what it does, under the usage */
  const struct command_option *options;
  size_t option_count;
  const char *notes; /* under the options; may be NULL */
};

/* What option_reader_next returns besides the index of an option in the table. */
enum {
  OPTION_END = -1,
  OPTION_OPERAND = -2, /* not an option: *value is the argument */
  OPTION_HELP = -3,    /* -h or --help, which every command knows */
  OPTION_BAD = -4      /* the reason stands on stderr: exit with EXIT_USAGE */
};

/* Walks over argv once; options and operands may be mixed, "--" ends the options. Borrows its arguments. */
struct option_reader {
  const struct command *command;
  char **arguments;
  int argument_count;
  int index;           /* of the argument to look at next */
  const char *cluster; /* the rest of "-abc" after "-a", or NULL */
  bool operands_only;  /* "--" was seen */
};

/* argv[0] is the command's own name. */
void option_reader_init(struct option_reader *reader, const struct command *command, int argc, char **argv);

/* The next option's index in the table, with its argument in *value (NULL if it takes none), or OPTION_... */
int option_reader_next(struct option_reader *reader, const char **value);

/* Prints the help to stdout; returns EXIT_SUCCESS. */
int command_print_help(const struct command *command);

/* Prints "sendoff NAME: " and the message to stderr, and where the help is; returns EXIT_USAGE. */
int command_refuse(const struct command *command, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Reads a whole number in [minimum, maximum]. Otherwise says on stderr what option has to be, leaves *number
 * as it is and returns false. */
bool command_read_number(const struct command *command, const char *option, const char *text, int64_t minimum,
                         int64_t maximum, int64_t *number);

/* Resolves the escapes \t \n \r \0 \\ and \xHH of text into bytes (at least strlen(text) long) and returns
 * how many there are; any other backslash stands for itself. */
size_t option_unescape(const char *text, char *bytes);

#endif
