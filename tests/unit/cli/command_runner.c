#include "unit/cli/command_runner.h"

#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { ARGUMENT_COUNT_MAX = 40, LINE_BYTES_MAX = 1000 };

char command_output[100000];
char command_errors[100000];

static int redirect(int descriptor, int to);
static void restore(int descriptor, int saved);
static int open_scratch(const void *bytes, size_t byte_count);
static void read_scratch(int descriptor, char *text, size_t text_size);

int command_run(int (*command)(int argc, char **argv), const char *line, const void *input,
                size_t input_bytes) {
  char words[LINE_BYTES_MAX];
  ck_assert_uint_lt(strlen(line), sizeof words);
  snprintf(words, sizeof words, "%s", line);
  char *arguments[ARGUMENT_COUNT_MAX + 1] = {0};
  int argument_count = 0;
  for (char *word = words; *word != '\0';) {
    ck_assert_int_lt(argument_count, ARGUMENT_COUNT_MAX);
    arguments[argument_count++] = word;
    word += strcspn(word, " ");
    if (*word == ' ') *word++ = '\0';
  }
  int output = open_scratch("", 0);
  int errors = open_scratch("", 0);
  int source = input != NULL ? open_scratch(input, input_bytes) : -1;
  int saved_input = input != NULL ? redirect(STDIN_FILENO, source) : -1;
  int saved_output = redirect(STDOUT_FILENO, output);
  int saved_errors = redirect(STDERR_FILENO, errors);
  int result = command(argument_count, arguments);
  restore(STDOUT_FILENO, saved_output);
  restore(STDERR_FILENO, saved_errors);
  if (input != NULL) restore(STDIN_FILENO, saved_input);
  read_scratch(output, command_output, sizeof command_output);
  read_scratch(errors, command_errors, sizeof command_errors);
  if (source >= 0) close(source);
  return result;
}

void command_make_file(char path[64], const void *bytes, size_t byte_count) {
  const char *folder = getenv("TMPDIR");
  snprintf(path, 64, "%s/sendoff-test-XXXXXX", folder != NULL && strlen(folder) < 40 ? folder : P_tmpdir);
  int descriptor = mkstemp(path);
  ck_assert_int_ge(descriptor, 0);
  ck_assert_int_eq(write(descriptor, bytes, byte_count), (ssize_t)byte_count);
  close(descriptor);
}

static int redirect(int descriptor, int to) {
  fflush(stdout);
  fflush(stderr);
  int saved = dup(descriptor);
  ck_assert_int_ge(saved, 0);
  ck_assert_int_eq(dup2(to, descriptor), descriptor);
  return saved;
}

static void restore(int descriptor, int saved) {
  fflush(stdout);
  fflush(stderr);
  ck_assert_int_eq(dup2(saved, descriptor), descriptor);
  close(saved);
}

/* A file without a name that holds bytes, at its beginning. */
static int open_scratch(const void *bytes, size_t byte_count) {
  char path[64];
  command_make_file(path, bytes, byte_count);
  int descriptor = open(path, O_RDWR | O_CLOEXEC);
  ck_assert_int_ge(descriptor, 0);
  unlink(path);
  return descriptor;
}

static void read_scratch(int descriptor, char *text, size_t text_size) {
  ck_assert_int_eq(lseek(descriptor, 0, SEEK_SET), 0);
  ssize_t count = read(descriptor, text, text_size - 1);
  ck_assert_int_ge(count, 0);
  text[count] = '\0';
  close(descriptor);
}
