/* Makes the parent's producers inert in the child of a fork: calls answer FORKED before they take any lock,
 * and the inherited descriptors are closed, so that parent and child never write into the same connection. */
#ifndef PRODUCER_FORK_GUARD_H
#define PRODUCER_FORK_GUARD_H

#include "producer/config_error.h"
#include <stdint.h>

/* Installs the handlers at the first call. Any thread. STATUS_OK, OUT_OF_MEMORY. */
int32_t fork_guard_install(struct config_error *error);

#endif
