/* shutdown.signals: ends all producers at SIGTERM or SIGINT, then does what would have been done without us.
 */
#ifndef PRODUCER_SHUTDOWN_SIGNALS_H
#define PRODUCER_SHUTDOWN_SIGNALS_H

#include "producer/settings.h"

/* Installs handlers for the signals that the settings name and that have none of ours yet. A signal that is
 * ignored stays ignored. STATUS_OK, SYSTEM_ERROR. Any thread. */
int32_t shutdown_signals_install(const struct settings *settings, struct config_error *error);

/* In the child of a fork, where the thread is not: the handlers that stood before stand again.
 * Async-signal-safe. */
void shutdown_signals_after_fork_in_child(void);

#endif
