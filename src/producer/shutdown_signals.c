#include "producer/shutdown_signals.h"

#include "base/status.h"
#include "base/thread.h"
#include "network/waker.h"
#include "producer/process_lock.h"
#include "producer/sender_thread.h"
#include "producer/shutdown.h"
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <unistd.h>

/* Copies of this library in one process, of other versions, know each other's handlers by what they block: of
 * the last real-time signals every other one. From 1.1 on the mark is the same in all versions. */
enum { MARK_SIGNALS = 6 };

/* What stood before our handler. Written under the process lock before the handler can run. */
struct chained {
  int number;
  bool installed;
  bool before_is_a_copy;
  struct sigaction before;
};

static struct chained chained[] = {{.number = SIGTERM}, {.number = SIGINT}};
static struct waker arrived;        /* woken by the handler: the one thing that it may do */
static atomic_uint arrived_signals; /* a bit for each of chained: none hides another */
static atomic_int
    served_process; /* the process that has our thread: a child of it inherits only the handlers */

static int32_t install(struct chained *signal);
static bool start_thread(void);
static void on_signal(int number, siginfo_t *information, void *context);
static void *run(void *argument);
static void take_before(int number);
static void hand_over(struct chained *signal);
static void mark(sigset_t *blocked);
static bool is_of_a_copy(const struct sigaction *action);
static bool has_disposition(const struct sigaction *action, void (*disposition)(int number));
static bool is_default(const struct sigaction *action);
static struct chained *find(int number);

int32_t shutdown_signals_install(const struct settings *settings, struct config_error *error) {
  if (!settings->shutdown_on_sigterm && !settings->shutdown_on_sigint) return STATUS_OK;
  process_lock_enter();
  int32_t status = start_thread() ? STATUS_OK : STATUS_SYSTEM_ERROR;
  if (status == STATUS_OK && settings->shutdown_on_sigterm) status = install(find(SIGTERM));
  if (status == STATUS_OK && settings->shutdown_on_sigint) status = install(find(SIGINT));
  process_lock_leave();
  if (status != STATUS_OK) config_error_set(error, "shutdown.signals: the system refused the handlers");
  return status;
}

void shutdown_signals_after_fork_in_child(void) {
  if (atomic_exchange(&served_process, 0) == 0) return;
  waker_deinit(&arrived); /* the parent's too */
  for (size_t i = 0; i < sizeof chained / sizeof chained[0]; i++) {
    struct sigaction now;
    if (!chained[i].installed || sigaction(chained[i].number, NULL, &now) != 0) continue;
    if ((now.sa_flags & SA_SIGINFO) == 0 || now.sa_sigaction != on_signal) continue; /* it may call ours */
    sigaction(chained[i].number, &chained[i].before, NULL);
    chained[i].installed = false;
  }
}

static int32_t install(struct chained *signal) {
  if (signal->installed) return STATUS_OK;
  if (sigaction(signal->number, NULL, &signal->before) != 0) return STATUS_SYSTEM_ERROR;
  if (has_disposition(&signal->before, SIG_IGN)) return STATUS_OK;
  /* As the handler before was called, but on whichever stack the host has for signals. */
  bool was_default = is_default(&signal->before);
  struct sigaction ours = {.sa_sigaction = on_signal};
  sigemptyset(&ours.sa_mask);
  if (!was_default)
    ours.sa_mask = signal->before.sa_mask; /* the default's means nothing, whatever it holds */
  mark(&ours.sa_mask);
  signal->before_is_a_copy = is_of_a_copy(&signal->before);
  ours.sa_flags = SA_SIGINFO | SA_ONSTACK | (was_default ? SA_RESTART : signal->before.sa_flags & SA_RESTART);
  if (sigaction(signal->number, &ours, NULL) != 0) return STATUS_SYSTEM_ERROR;
  signal->installed = true;
  return STATUS_OK;
}

static bool start_thread(void) {
  if (atomic_load(&served_process) == getpid()) return true;
  pthread_t thread;
  atomic_store(&arrived_signals, 0); /* a child has its parent's */
  if (waker_init(&arrived) != STATUS_OK) return false;
  if (thread_start(&thread, run, NULL) != STATUS_OK) {
    waker_deinit(&arrived);
    return false;
  }
  pthread_detach(thread);
  atomic_store(&served_process, getpid());
  return true;
}

/* Async-signal-safe: notes the signal, and calls the handler that stood before; that of a copy, which may end
 * the process, only once all is sent. */
static void on_signal(int number, siginfo_t *information, void *context) {
  int saved = errno;
  const struct chained *signal = find(number);
  const struct sigaction *before = &signal->before;
  bool is_served = atomic_load(&served_process) == getpid();
  if (is_served) {
    atomic_fetch_or(&arrived_signals, 1U << (signal - chained));
    waker_wake(&arrived);
  } else if (is_default(before)) {
    take_before(number); /* a child without our thread: as if we were not there */
  }
  if (is_served && signal->before_is_a_copy) {
    /* run() lets it have its turn */
  } else if ((before->sa_flags & SA_SIGINFO) != 0) {
    before->sa_sigaction(number, information, context);
  } else if (!has_disposition(before, SIG_DFL)) {
    before->sa_handler(number);
  }
  errno = saved;
}

/* Where the default was to end the process, it ends once all is sent, by us and then by copies; a handler of
 * the host decides that itself. */
static void *run(void *argument) {
  (void)argument;
  for (;;) {
    struct pollfd readable = {.fd = arrived.read_descriptor, .events = POLLIN};
    if (poll(&readable, 1, -1) != 1) continue;
    waker_drain(&arrived);
    unsigned signals = atomic_exchange(&arrived_signals, 0);
    shutdown_all();
    for (size_t i = 0; i < sizeof chained / sizeof chained[0]; i++) {
      if ((signals & 1U << i) == 0) continue;
      if (is_default(&chained[i].before)) take_before(chained[i].number);
      if (chained[i].before_is_a_copy) hand_over(&chained[i]);
    }
  }
  return NULL;
}

/* Does what the signal would have done without us; from its handler, when that returns. */
static void take_before(int number) {
  sigaction(number, &find(number)->before, NULL);
  kill(getpid(), number);
}

/* The copy may have a host below that lets the process live: then a producer to come installs us anew. */
static void hand_over(struct chained *signal) {
  process_lock_enter();
  take_before(signal->number);
  signal->installed = false;
  process_lock_leave();
}

static void mark(sigset_t *blocked) {
  for (int i = 0; i < MARK_SIGNALS; i += 2)
    sigaddset(blocked, SIGRTMAX - i);
}

static bool is_of_a_copy(const struct sigaction *action) {
  if ((action->sa_flags & SA_SIGINFO) == 0) return false;
  for (int i = 0; i < MARK_SIGNALS; i++)
    if (sigismember(&action->sa_mask, SIGRTMAX - i) != (i % 2 == 0)) return false;
  return true;
}

static bool has_disposition(const struct sigaction *action, void (*disposition)(int number)) {
  return (action->sa_flags & SA_SIGINFO) == 0 && action->sa_handler == disposition;
}

static bool is_default(const struct sigaction *action) {
  return has_disposition(action, SIG_DFL);
}

static struct chained *find(int number) {
  return &chained[number == SIGTERM ? 0 : 1];
}
