#include "producer/fork_guard.h"

#include "base/secret.h"
#include "base/status.h"
#include "producer/handle.h"
#include "producer/process_lock.h"
#include "producer/producer.h"
#include "producer/shutdown_signals.h"
#include <pthread.h>

static bool installed; /* under the process lock */

static void before_fork(void) ACQUIRE(process_lock);
static void in_parent(void) RELEASE(process_lock);
static void in_child(void) RELEASE(process_lock);

int32_t fork_guard_install(struct config_error *error) {
  process_lock_enter();
  if (!installed) installed = pthread_atfork(before_fork, in_parent, in_child) == 0;
  bool done = installed;
  process_lock_leave();
  if (done) return STATUS_OK;
  config_error_set(error, "no memory for the fork handlers");
  return STATUS_OUT_OF_MEMORY;
}

/* The lock of secrets is the inner one: nobody takes another under it. */
static void before_fork(void) {
  process_lock_enter();
  secret_before_fork();
}

static void in_parent(void) {
  secret_after_fork();
  process_lock_leave();
}

/* Only what is safe between fork and exec: descriptors are closed, no lock of a producer is taken. */
static void in_child(void) {
  secret_after_fork();
  handle_note_fork();
  shutdown_signals_after_fork_in_child();
  for (uint32_t i = 0; i < handle_slot_count(); i++) {
    const struct handle_slot *slot = handle_slot_at(i);
    struct producer *producer = slot->producer;
    if (producer == NULL || slot->fork_generation != handle_fork_generation - 1) continue;
    if (producer->client != NULL) network_client_abandon(producer->client);
    if (producer->report_waker_open) waker_deinit(&producer->report_waker);
  }
  process_lock_leave();
}
