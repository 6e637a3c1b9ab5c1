/* sendoff broker: the embedded broker as a program of its own. */
#ifndef CLI_BROKER_COMMAND_H
#define CLI_BROKER_COMMAND_H

/* Runs until SIGINT or SIGTERM. argv[0] is "broker". Returns the exit status: 0, 1 when the broker cannot
 * run, 2 for a wrong command line. */
int broker_command(int argc, char **argv);

#endif
