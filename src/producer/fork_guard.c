#include "producer/fork_guard.h"

#include "base/status.h"
#include "producer/handle.h"
#include "producer/producer.h"
#include "producer/shutdown_signals.h"
#include <pthread.h>

/* pthread_once, because a fork in the middle of it leaves the child able to do it again. */
static pthread_once_t once = PTHREAD_ONCE_INIT;
static bool installed;

static void install(void);
static void in_child(void);

int32_t fork_guard_install(struct config_error *error) {
  pthread_once(&once, install);
  if (installed) return STATUS_OK;
  config_error_set(error, "no memory for the fork handlers");
  return STATUS_OUT_OF_MEMORY;
}

static void install(void) {
  installed = pthread_atfork(handle_before_fork, handle_after_fork_in_parent, in_child) == 0;
}

/* Only what is safe between fork and exec: descriptors are closed, no lock of a producer is taken. */
static void in_child(void) {
  handle_after_fork_in_child();
  shutdown_signals_after_fork_in_child();
  for (uint32_t i = 0; i < handle_slot_count(); i++) {
    struct producer *producer = handle_slot_at(i)->producer;
    if (producer == NULL || handle_slot_at(i)->fork_generation != handle_fork_generation - 1) continue;
    if (producer->client != NULL) network_client_abandon(producer->client);
    if (producer->report_waker_open) waker_deinit(&producer->report_waker);
  }
}
