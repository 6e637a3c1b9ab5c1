/* What happens to producers that nobody closed when the program ends: at a normal exit, and with
 * shutdown.signals at SIGTERM or SIGINT, they refuse further records and are flushed under one deadline.
 * Process-wide; any thread. */
#ifndef PRODUCER_EXIT_GUARD_H
#define PRODUCER_EXIT_GUARD_H

#include "producer/settings.h"

/* Registers the exit handler at the first call, and again when libraries were started since that producers
 * send with and that have exit handlers of their own: the last one registered runs first. Registers signal
 * handlers for the signals that the settings name (once each). STATUS_OK, OUT_OF_MEMORY, SYSTEM_ERROR. */
int32_t exit_guard_install(const struct settings *settings, struct config_error *error);

#endif
