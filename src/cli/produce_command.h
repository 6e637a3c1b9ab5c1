/* `sendoff produce`: each line of a file or of standard input becomes a record. */
#ifndef CLI_PRODUCE_COMMAND_H
#define CLI_PRODUCE_COMMAND_H

/* argv[0] is "produce". Returns the exit code: EXIT_SUCCESS only if the whole input was delivered. */
int produce_command(int argc, char **argv);

#endif
