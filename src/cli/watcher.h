/* A thread beside a run that turns SIGINT and SIGTERM into its states, and ticks for the progress. The first
 * signal asks the run to stop; a second one, or grace_ms, to give up what is not delivered yet; a third ends
 * the process at once. One watcher at a time in a process: signal handlers are the process's. */
#ifndef CLI_WATCHER_H
#define CLI_WATCHER_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* A run only goes forward through these. */
enum run_state {
  RUN_GOING,    /* read and send */
  RUN_STOPPING, /* take nothing new, deliver what was taken */
  RUN_ABANDONED /* wait for nothing any more */
};

/* Called on the watcher's thread. */
struct watcher_callbacks {
  void *user;
  /* Each tick_ms while the run is going on. May be NULL. */
  void (*on_tick)(void *user);
  /* At each signal, and again and again once the run is abandoned: ends the waits of other threads. */
  void (*on_wake)(void *user);
};

/* Stays in one place from start to stop, which are called on one thread. */
struct watcher {
  struct watcher_callbacks callbacks; /* read-only while the thread runs */
  int32_t tick_ms;                    /* 0: no ticks */
  int64_t grace_ms;
  int stop_descriptors[2]; /* [0] is readable once the run stops */
  atomic_int state;        /* enum run_state; written by the thread */
  atomic_int signal;       /* the first that came, 0: none */
  int64_t abandon_at_us;   /* of the thread alone */
  pthread_t thread;
};

/* Installs the handlers and starts the thread. Returns 0 or an errno. */
int watcher_start(struct watcher *watcher, const struct watcher_callbacks *callbacks, int32_t tick_ms,
                  int64_t grace_ms);

/* Any thread. */
static inline enum run_state watcher_state(struct watcher *watcher) {
  return (enum run_state)atomic_load_explicit(&watcher->state, memory_order_relaxed);
}

/* The signal that stopped the run, or 0. Any thread. */
static inline int watcher_signal(struct watcher *watcher) {
  return atomic_load_explicit(&watcher->signal, memory_order_relaxed);
}

/* Becomes readable when the run is to stop; for poll beside the input. */
static inline int watcher_stop_descriptor(const struct watcher *watcher) {
  return watcher->stop_descriptors[0];
}

/* Ends the thread and puts back the handlers that were there. */
void watcher_stop(struct watcher *watcher);

#endif
