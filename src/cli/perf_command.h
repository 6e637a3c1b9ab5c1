/* `sendoff perf`: measures what sending costs. */
#ifndef CLI_PERF_COMMAND_H
#define CLI_PERF_COMMAND_H

/* argv[0] is "perf". Returns the exit code: EXIT_SUCCESS only if all records were sent and delivered. */
int perf_command(int argc, char **argv);

#endif
