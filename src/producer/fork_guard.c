#include "producer/fork_guard.h"

#include "base/status.h"
#include "producer/handle.h"
#include "producer/producer.h"
#include <pthread.h>

static pthread_mutex_t install_lock = PTHREAD_MUTEX_INITIALIZER;
static bool installed;

static void in_child(void);

int32_t fork_guard_install(struct config_error *error) {
  pthread_mutex_lock(&install_lock);
  if (!installed) installed = pthread_atfork(handle_before_fork, handle_after_fork_in_parent, in_child) == 0;
  bool done = installed;
  pthread_mutex_unlock(&install_lock);
  if (done) return STATUS_OK;
  config_error_set(error, "no memory for the fork handlers");
  return STATUS_OUT_OF_MEMORY;
}

/* Only what is safe between fork and exec: descriptors are closed, no lock of a producer is taken. */
static void in_child(void) {
  handle_after_fork_in_child();
  for (uint32_t i = 0; i < handle_slot_count(); i++) {
    struct producer *producer = handle_slot_at(i)->producer;
    if (producer == NULL || handle_slot_at(i)->fork_generation != handle_fork_generation - 1) continue;
    if (producer->client != NULL) network_client_abandon(producer->client);
    if (producer->report_waker_open) waker_deinit(&producer->report_waker);
  }
}
