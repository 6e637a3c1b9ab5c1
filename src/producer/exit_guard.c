#include "producer/exit_guard.h"

#include "base/status.h"
#include "producer/handle.h"
#include "producer/shutdown.h"
#include "producer/shutdown_signals.h"
#include <pthread.h>
#include <stdlib.h>

static pthread_mutex_t install_lock = PTHREAD_MUTEX_INITIALIZER;
static bool installed;

static void at_exit(void);

int32_t exit_guard_install(const struct settings *settings, struct config_error *error) {
  pthread_mutex_lock(&install_lock);
  if (!installed) installed = atexit(at_exit) == 0;
  bool done = installed;
  pthread_mutex_unlock(&install_lock);
  if (!done) {
    config_error_set(error, "the exit handler could not be registered");
    return STATUS_OUT_OF_MEMORY;
  }
  return shutdown_signals_install(settings, error);
}

static void at_exit(void) {
  if (handle_slot_count() > 0) shutdown_all(true);
}
