#include "cli/watcher.h"

#include "base/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

/* How often a run that was abandoned is woken: a wake just before a wait may be missed by it. */
enum { REPEAT_MS = 50 };
/* What watcher_stop writes to the signal pipe; no signal has this number. */
enum { QUIT = 0 };

static const int watched_signals[] = {SIGINT, SIGTERM};
enum { WATCHED_COUNT = sizeof watched_signals / sizeof watched_signals[0] };

/* The handler finds the pipe here; [1] is -1 while no watcher runs. */
static struct {
  int descriptors[2];
  struct sigaction before[WATCHED_COUNT];
} pipe_of_signals = {.descriptors = {-1, -1}};

static int open_pipe(int descriptors[2]);
static void close_pipe(int descriptors[2]);
static void write_byte(int descriptor, char byte);
static void on_signal(int number);
static void *watcher_run(void *context);
static int wait_ms(const struct watcher *watcher, int64_t next_tick_us);
static void take_signal(struct watcher *watcher, int number);
static void abandon(struct watcher *watcher);

int watcher_start(struct watcher *watcher, const struct watcher_callbacks *callbacks, int32_t tick_ms,
                  int64_t grace_ms) {
  *watcher = (struct watcher){.callbacks = *callbacks,
                              .tick_ms = callbacks->on_tick != NULL ? tick_ms : 0,
                              .grace_ms = grace_ms,
                              .stop_descriptors = {-1, -1},
                              .abandon_at_us = CLOCK_NEVER_US};
  int error = open_pipe(watcher->stop_descriptors);
  if (error == 0) error = open_pipe(pipe_of_signals.descriptors);
  if (error == 0) error = pthread_create(&watcher->thread, NULL, watcher_run, watcher);
  if (error != 0) {
    close_pipe(watcher->stop_descriptors);
    close_pipe(pipe_of_signals.descriptors);
    return error;
  }
  struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
  sigemptyset(&action.sa_mask);
  for (int i = 0; i < WATCHED_COUNT; i++)
    sigaction(watched_signals[i], &action, &pipe_of_signals.before[i]);
  return 0;
}

void watcher_stop(struct watcher *watcher) {
  for (int i = 0; i < WATCHED_COUNT; i++)
    sigaction(watched_signals[i], &pipe_of_signals.before[i], NULL);
  write_byte(pipe_of_signals.descriptors[1], QUIT);
  pthread_join(watcher->thread, NULL);
  close_pipe(watcher->stop_descriptors);
  close_pipe(pipe_of_signals.descriptors);
}

static int open_pipe(int descriptors[2]) {
  if (pipe(descriptors) != 0) return errno;
  for (int i = 0; i < 2; i++) {
    fcntl(descriptors[i], F_SETFD, FD_CLOEXEC);
    fcntl(descriptors[i], F_SETFL, O_NONBLOCK);
  }
  return 0;
}

static void close_pipe(int descriptors[2]) {
  for (int i = 0; i < 2; i++) {
    if (descriptors[i] >= 0) close(descriptors[i]);
    descriptors[i] = -1;
  }
}

/* A full pipe already holds more signals than anybody counts. */
static void write_byte(int descriptor, char byte) {
  ssize_t written;
  do {
    written = write(descriptor, &byte, 1);
  } while (written < 0 && errno == EINTR);
}

static void on_signal(int number) {
  int error = errno;
  write_byte(pipe_of_signals.descriptors[1], (char)number);
  errno = error;
}

static void *watcher_run(void *context) {
  struct watcher *watcher = context;
  int64_t next_tick_us = watcher->tick_ms > 0 ? clock_monotonic_us() : CLOCK_NEVER_US;
  struct pollfd descriptor = {.fd = pipe_of_signals.descriptors[0], .events = POLLIN};
  for (;;) {
    poll(&descriptor, 1, wait_ms(watcher, next_tick_us));
    char number;
    while (read(descriptor.fd, &number, 1) == 1) {
      if (number == QUIT) return NULL;
      take_signal(watcher, number);
    }
    int64_t now_us = clock_monotonic_us();
    if (now_us >= watcher->abandon_at_us) abandon(watcher);
    if (now_us >= next_tick_us) {
      watcher->callbacks.on_tick(watcher->callbacks.user);
      next_tick_us = clock_add_us(now_us, (int64_t)watcher->tick_ms * 1000);
    }
  }
}

/* Milliseconds until the thread has something to do by itself, as poll takes them. */
static int wait_ms(const struct watcher *watcher, int64_t next_tick_us) {
  int64_t next_us = next_tick_us < watcher->abandon_at_us ? next_tick_us : watcher->abandon_at_us;
  if (next_us == CLOCK_NEVER_US) return -1;
  int64_t left_ms = (next_us - clock_monotonic_us() + 999) / 1000;
  if (left_ms < 0) return 0;
  return left_ms < 60000 ? (int)left_ms : 60000;
}

static void take_signal(struct watcher *watcher, int number) {
  switch (watcher_state(watcher)) {
  case RUN_GOING:
    atomic_store(&watcher->signal, number);
    atomic_store(&watcher->state, RUN_STOPPING);
    write_byte(watcher->stop_descriptors[1], (char)number);
    watcher->abandon_at_us = clock_add_us(clock_monotonic_us(), watcher->grace_ms * 1000);
    watcher->callbacks.on_wake(watcher->callbacks.user);
    break;
  case RUN_STOPPING: abandon(watcher); break;
  case RUN_ABANDONED: _exit(128 + number);
  }
}

/* Also comes back to wake again what missed it. */
static void abandon(struct watcher *watcher) {
  atomic_store(&watcher->state, RUN_ABANDONED);
  watcher->callbacks.on_wake(watcher->callbacks.user);
  watcher->abandon_at_us = clock_add_us(clock_monotonic_us(), REPEAT_MS * 1000);
}
