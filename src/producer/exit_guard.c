#include "producer/exit_guard.h"

#include "base/status.h"
#include "producer/handle.h"
#include "producer/process_lock.h"
#include "producer/shutdown.h"
#include "producer/shutdown_signals.h"
#include "security/security_library.h"
#include <stdlib.h>

/* Under the process lock. */
static bool installed;
static uint32_t libraries_before; /* that were started before the last registration */

static void at_exit(void);

int32_t exit_guard_install(const struct settings *settings, struct config_error *error) {
  process_lock_enter();
  uint32_t libraries = security_library_count();
  bool done = installed && libraries == libraries_before;
  if (!done) done = atexit(at_exit) == 0;
  if (done) {
    installed = true;
    libraries_before = libraries;
  }
  process_lock_leave();
  if (!done) {
    config_error_set(error, "the exit handler could not be registered");
    return STATUS_OUT_OF_MEMORY;
  }
  return shutdown_signals_install(settings, error);
}

static void at_exit(void) {
  if (handle_slot_count() > 0) shutdown_all();
}
