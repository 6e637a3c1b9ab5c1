#include "producer/exit_guard.h"

#include "base/status.h"
#include "producer/handle.h"
#include "producer/shutdown.h"
#include "producer/shutdown_signals.h"
#include <pthread.h>
#include <stdlib.h>

/* pthread_once, because a fork in the middle of it leaves the child able to do it again. */
static pthread_once_t once = PTHREAD_ONCE_INIT;
static bool installed;

static void install(void);
static void at_exit(void);

int32_t exit_guard_install(const struct settings *settings, struct config_error *error) {
  pthread_once(&once, install);
  if (installed) return shutdown_signals_install(settings, error);
  config_error_set(error, "the exit handler could not be registered");
  return STATUS_OUT_OF_MEMORY;
}

static void install(void) {
  installed = atexit(at_exit) == 0;
}

static void at_exit(void) {
  if (handle_slot_count() > 0) shutdown_all(true);
}
