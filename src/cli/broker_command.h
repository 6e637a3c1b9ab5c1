/* `sendoff broker`: the embedded broker as a program of its own. */
#ifndef CLI_BROKER_COMMAND_H
#define CLI_BROKER_COMMAND_H

/* Runs until SIGINT or SIGTERM, which the calling thread keeps blocked meanwhile. argv[0] is "broker".
 * Returns the exit code: EXIT_SUCCESS, EXIT_FAILURE when the broker cannot start, EXIT_USAGE. */
int broker_command(int argc, char **argv);

#endif
