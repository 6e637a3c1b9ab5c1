#include "cli/options.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { HELP_COLUMN = 30 };

static int read_long(struct option_reader *reader, const char *argument, const char **value);
static int read_letter(struct option_reader *reader, const char **value);
static int take_separate_argument(struct option_reader *reader, int option, const char **value);
static bool is_named(const char *name, const char *text, size_t text_bytes);
static void print_option(char letter, const char *name, const char *argument, const char *text);
static int hex_digit(char digit);

void option_reader_init(struct option_reader *reader, const struct command *command, int argc, char **argv) {
  *reader = (struct option_reader){.command = command, .arguments = argv, .argument_count = argc, .index = 1};
}

int option_reader_next(struct option_reader *reader, const char **value) {
  *value = NULL;
  if (reader->cluster != NULL) return read_letter(reader, value);
  if (reader->index >= reader->argument_count) return OPTION_END;
  const char *argument = reader->arguments[reader->index++];
  bool is_option = argument[0] == '-' && argument[1] != '\0' && !reader->operands_only;
  if (!is_option) {
    *value = argument;
    return OPTION_OPERAND;
  }
  if (strcmp(argument, "--") == 0) {
    reader->operands_only = true;
    return option_reader_next(reader, value);
  }
  if (argument[1] == '-') return read_long(reader, argument + 2, value);
  reader->cluster = argument + 1;
  return read_letter(reader, value);
}

static int read_long(struct option_reader *reader, const char *argument, const char **value) {
  const struct command *command = reader->command;
  size_t name_bytes = strcspn(argument, "=");
  bool has_value = argument[name_bytes] == '=';
  if (is_named("help", argument, name_bytes)) return OPTION_HELP;
  for (size_t i = 0; i < command->option_count; i++) {
    const struct command_option *option = &command->options[i];
    if (option->name == NULL || !is_named(option->name, argument, name_bytes)) continue;
    if (option->argument != NULL && !has_value) return take_separate_argument(reader, (int)i, value);
    if (option->argument == NULL && has_value) {
      command_refuse(command, "--%s takes no argument", option->name);
      return OPTION_BAD;
    }
    if (has_value) *value = argument + name_bytes + 1;
    return (int)i;
  }
  command_refuse(command, "unknown option --%.*s", (int)name_bytes, argument);
  return OPTION_BAD;
}

static int read_letter(struct option_reader *reader, const char **value) {
  const struct command *command = reader->command;
  char letter = *reader->cluster;
  const char *rest = reader->cluster + 1;
  reader->cluster = *rest == '\0' ? NULL : rest;
  if (letter == 'h') return OPTION_HELP;
  for (size_t i = 0; i < command->option_count; i++) {
    const struct command_option *option = &command->options[i];
    if (option->letter != letter) continue;
    if (option->argument == NULL) return (int)i;
    reader->cluster = NULL;
    if (*rest == '\0') return take_separate_argument(reader, (int)i, value);
    *value = rest;
    return (int)i;
  }
  command_refuse(command, "unknown option -%c", letter);
  return OPTION_BAD;
}

static int take_separate_argument(struct option_reader *reader, int option, const char **value) {
  if (reader->index < reader->argument_count) {
    *value = reader->arguments[reader->index++];
    return option;
  }
  const struct command_option *last = &reader->command->options[option];
  if (last->letter != '\0') {
    command_refuse(reader->command, "-%c needs an argument: -%c %s", last->letter, last->letter,
                   last->argument);
  } else {
    command_refuse(reader->command, "--%s needs an argument: --%s %s", last->name, last->name,
                   last->argument);
  }
  return OPTION_BAD;
}

static bool is_named(const char *name, const char *text, size_t text_bytes) {
  return strlen(name) == text_bytes && memcmp(name, text, text_bytes) == 0;
}

int command_print_help(const struct command *command) {
  printf("Usage: sendoff %s %s\n\n%s\n\nOptions:\n", command->name, command->usage, command->summary);
  for (size_t i = 0; i < command->option_count; i++) {
    const struct command_option *option = &command->options[i];
    print_option(option->letter, option->name, option->argument, option->text);
  }
  print_option('h', "help", NULL, "print this and exit");
  if (command->notes != NULL) printf("\n%s\n", command->notes);
  return EXIT_SUCCESS;
}

static void print_option(char letter, const char *name, const char *argument, const char *text) {
  char letters[4] = "";
  if (letter != '\0') snprintf(letters, sizeof letters, "-%c", letter);
  int column = printf("  %-2s%s%s%s%s%s", letters, letter != '\0' && name != NULL ? ", " : "  ",
                      name != NULL ? "--" : "", name != NULL ? name : "", argument != NULL ? " " : "",
                      argument != NULL ? argument : "");
  if (column > HELP_COLUMN - 2) {
    putchar('\n');
    column = 0;
  }
  for (const char *line = text; line != NULL; column = 0) {
    const char *end = strchr(line, '\n');
    int line_bytes = end != NULL ? (int)(end - line) : (int)strlen(line);
    printf("%*s%.*s\n", HELP_COLUMN - column, "", line_bytes, line);
    line = end != NULL ? end + 1 : NULL;
  }
}

int command_refuse(const struct command *command, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  fprintf(stderr, "sendoff %s: ", command->name);
  vfprintf(stderr, format, arguments);
  fprintf(stderr, "\n(sendoff %s --help lists what it takes)\n", command->name);
  va_end(arguments);
  return EXIT_USAGE;
}

bool command_read_number(const struct command *command, const char *option, const char *text, int64_t minimum,
                         int64_t maximum, int64_t *number) {
  char *end = NULL;
  errno = 0;
  long long value = strtoll(text, &end, 10);
  bool is_number = text[0] != '\0' && strchr(" \t\n\v\f\r", text[0]) == NULL && *end == '\0' && errno == 0;
  if (!is_number || value < minimum || value > maximum) {
    command_refuse(command, "%s has to be a whole number from %" PRId64 " to %" PRId64 ", not '%s'", option,
                   minimum, maximum, text);
    return false;
  }
  *number = value;
  return true;
}

size_t option_unescape(const char *text, char *bytes) {
  size_t count = 0;
  while (*text != '\0') {
    static const char names[] = "tnr0\\";
    static const char values[] = "\t\n\r\0\\";
    const char *name = text[0] == '\\' && text[1] != '\0' ? strchr(names, text[1]) : NULL;
    if (name != NULL) {
      bytes[count++] = values[name - names];
      text += 2;
    } else if (text[0] == '\\' && text[1] == 'x' && hex_digit(text[2]) >= 0 && hex_digit(text[3]) >= 0) {
      bytes[count++] = (char)(hex_digit(text[2]) * 16 + hex_digit(text[3]));
      text += 4;
    } else {
      bytes[count++] = *text++;
    }
  }
  return count;
}

static int hex_digit(char digit) {
  if (digit >= '0' && digit <= '9') return digit - '0';
  if (digit >= 'a' && digit <= 'f') return digit - 'a' + 10;
  if (digit >= 'A' && digit <= 'F') return digit - 'A' + 10;
  return -1;
}
