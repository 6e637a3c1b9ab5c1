/* Readiness of descriptors: what differs between systems. poller_epoll.c on Linux, poller_poll.c elsewhere or
 * with SENDOFF_POLL defined; exactly one of them is compiled in. One thread owns a poller.
 *
 * Level-triggered. Reading is always watched, writing when asked for. */
#ifndef NETWORK_POLLER_H
#define NETWORK_POLLER_H

#include <stdbool.h>
#include <stdint.h>

#if defined(__linux__) && !defined(SENDOFF_POLL)
#define POLLER_USES_EPOLL 1
#else
#define POLLER_USES_EPOLL 0
#endif

struct poller;

/* One ready descriptor. */
struct poller_event {
  uint64_t key;
  bool readable, writable; /* an error or a hang-up sets both: the next call on the descriptor tells */
};

int32_t poller_create(struct poller **poller);
void poller_destroy(struct poller *poller);

/* In a forked child: closes the poller's own descriptor and leaves the parent's registrations alone. */
void poller_abandon(struct poller *poller);

/* STATUS_OUT_OF_MEMORY or STATUS_SYSTEM_ERROR: the descriptor is not watched. */
int32_t poller_add(struct poller *poller, int descriptor, uint64_t key, bool writing);
void poller_set_writing(struct poller *poller, int descriptor, uint64_t key, bool writing);

/* Before the descriptor is closed. */
void poller_remove(struct poller *poller, int descriptor);

/* Waits until an event or timeout_us (-1: for ever, 0: does not wait; rounded up to what the system can).
 * Returns the number of events; 0 also when a signal came. Every ready descriptor has its turn, however small
 * the capacity. */
uint32_t poller_wait(struct poller *poller, int64_t timeout_us, struct poller_event *events,
                     uint32_t capacity);

/* Microseconds as a timeout in milliseconds, rounded up: a wait that ends before its deadline would be
 * repeated with timeout 0 until the deadline has passed. */
static inline int poller_timeout_ms(int64_t timeout_us) {
  if (timeout_us < 0) return -1;
  const int64_t longest_ms = 24 * 3600 * 1000; /* fits an int; the caller waits again */
  if (timeout_us > longest_ms * 1000) return (int)longest_ms;
  return (int)((timeout_us + 999) / 1000);
}

#endif
