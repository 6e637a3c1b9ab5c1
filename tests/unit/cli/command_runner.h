/* Runs a command inside the test's process, with the input that it is to read, and keeps what it printed. */
#ifndef UNIT_CLI_COMMAND_RUNNER_H
#define UNIT_CLI_COMMAND_RUNNER_H

#include <stddef.h>

/* What the command printed last. Static memory, terminated. */
extern char command_output[100000]; /* to stdout */
extern char command_errors[100000]; /* to stderr */

/* Runs command with the blank-separated words of line as its arguments (the first is its name) and
 * input_bytes of input as standard input; NULL input: standard input stays as it is. Returns the exit code.
 */
int command_run(int (*command)(int argc, char **argv), const char *line, const void *input,
                size_t input_bytes);

/* Writes bytes to a new file; path receives its name. The caller removes it. */
void command_make_file(char path[64], const void *bytes, size_t byte_count);

#endif
