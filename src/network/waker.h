/* Ends a wait on descriptors from another thread or a signal handler. An eventfd on Linux, a pipe elsewhere.
 *
 * `signalled` keeps many wakes down to one system call: it is set before the descriptor is written and
 * cleared after the descriptor was read, so a wake that finds it set is covered by the wait that is ending.
 * wake: any thread, async-signal-safe. The rest: the owner. */
#ifndef NETWORK_WAKER_H
#define NETWORK_WAKER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct waker {
  int read_descriptor, write_descriptor; /* equal for an eventfd */
  atomic_bool signalled;
};

int32_t waker_init(struct waker *waker);

/* Closes the descriptors; harmless when done twice. */
void waker_deinit(struct waker *waker);

/* Makes the descriptor readable. Keeps errno. */
void waker_wake(struct waker *waker);

/* Takes all wakes so far. */
void waker_drain(struct waker *waker);

#endif
