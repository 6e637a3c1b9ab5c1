#include "producer/shutdown_signals.h"

#include "base/status.h"
#include "network/waker.h"
#include "producer/sender_thread.h"
#include "producer/shutdown.h"
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <unistd.h>

/* What stood before our handler. Written under install_lock before the handler can run. */
struct chained {
  int number;
  bool installed;
  struct sigaction before;
};

static pthread_mutex_t install_lock = PTHREAD_MUTEX_INITIALIZER;
static struct chained chained[] = {{.number = SIGTERM}, {.number = SIGINT}};
static struct waker arrived; /* woken by the handler: the one thing that it may do */
static atomic_int arrived_number;
static bool thread_started;

static int32_t install(struct chained *signal);
static bool start_thread(void);
static void on_signal(int number, siginfo_t *information, void *context);
static void *run(void *argument);
static struct chained *find(int number);

int32_t shutdown_signals_install(const struct settings *settings, struct config_error *error) {
  if (!settings->shutdown_on_sigterm && !settings->shutdown_on_sigint) return STATUS_OK;
  pthread_mutex_lock(&install_lock);
  int32_t status = start_thread() ? STATUS_OK : STATUS_SYSTEM_ERROR;
  if (status == STATUS_OK && settings->shutdown_on_sigterm) status = install(find(SIGTERM));
  if (status == STATUS_OK && settings->shutdown_on_sigint) status = install(find(SIGINT));
  pthread_mutex_unlock(&install_lock);
  if (status != STATUS_OK) config_error_set(error, "shutdown.signals: the system refused the handlers");
  return status;
}

void shutdown_signals_after_fork_in_child(void) {
  install_lock = (pthread_mutex_t)PTHREAD_MUTEX_INITIALIZER;
  for (size_t i = 0; i < sizeof chained / sizeof chained[0]; i++) {
    if (chained[i].installed) sigaction(chained[i].number, &chained[i].before, NULL);
    chained[i].installed = false;
  }
  if (thread_started) waker_deinit(&arrived); /* it is the parent's too: a wake here would end the parent */
  thread_started = false;
}

static int32_t install(struct chained *signal) {
  if (signal->installed) return STATUS_OK;
  if (sigaction(signal->number, NULL, &signal->before) != 0) return STATUS_SYSTEM_ERROR;
  bool has_info = (signal->before.sa_flags & SA_SIGINFO) != 0;
  if (!has_info && signal->before.sa_handler == SIG_IGN) return STATUS_OK;
  struct sigaction ours = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO | SA_RESTART};
  sigemptyset(&ours.sa_mask);
  if (sigaction(signal->number, &ours, NULL) != 0) return STATUS_SYSTEM_ERROR;
  signal->installed = true;
  return STATUS_OK;
}

static bool start_thread(void) {
  if (thread_started) return true;
  pthread_t thread;
  if (waker_init(&arrived) != STATUS_OK) return false;
  if (library_thread_start(&thread, run, NULL) != STATUS_OK) {
    waker_deinit(&arrived);
    return false;
  }
  pthread_detach(thread);
  thread_started = true;
  return true;
}

/* Async-signal-safe: notes the signal, and calls the handler that stood before. */
static void on_signal(int number, siginfo_t *information, void *context) {
  int saved = errno;
  atomic_store(&arrived_number, number);
  waker_wake(&arrived);
  const struct sigaction *before = &find(number)->before;
  if ((before->sa_flags & SA_SIGINFO) != 0) {
    before->sa_sigaction(number, information, context);
  } else if (before->sa_handler != SIG_DFL && before->sa_handler != SIG_IGN) {
    before->sa_handler(number);
  }
  errno = saved;
}

/* Where the default was to end the process, it ends once all is sent; a handler of the host decides that
 * itself. */
static void *run(void *argument) {
  (void)argument;
  for (;;) {
    struct pollfd readable = {.fd = arrived.read_descriptor, .events = POLLIN};
    while (poll(&readable, 1, -1) != 1) {
    }
    waker_drain(&arrived);
    int number = atomic_load(&arrived_number);
    shutdown_all(true);
    const struct chained *signal = find(number);
    bool was_default = (signal->before.sa_flags & SA_SIGINFO) == 0 && signal->before.sa_handler == SIG_DFL;
    if (!was_default) continue;
    sigaction(number, &signal->before, NULL);
    kill(getpid(), number);
  }
  return NULL;
}

static struct chained *find(int number) {
  return &chained[number == SIGTERM ? 0 : 1];
}
