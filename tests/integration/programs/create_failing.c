/* create_failing BOOTSTRAP [name=value ...]: sets up and creates a producer again and again; each time one
 * allocation later fails, until none does. Every failure must say OUT_OF_MEMORY, tell why, call release and
 * leave nothing behind (which valgrind sees). Linked with the library's own layers, where failing can be
 * asked for. Prints how many failed. */
#include "base/allocator.h"
#include "support.h"

#include <dirent.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>

enum { ALLOCATIONS_MAX = 100000, RELEASE_TRIES = 10000 };

struct failing {
  _Atomic uint64_t asked;
  uint64_t failing_at;
};

static bool may_allocate(void *context) {
  struct failing *failing = context;
  return atomic_fetch_add(&failing->asked, 1) != failing->failing_at;
}

static void count_release(void *user) {
  (*(_Atomic int *)user)++;
}

static uint64_t count_descriptors(void) {
  DIR *folder = opendir("/proc/self/fd");
  if (folder == NULL) fail("/proc/self/fd", "cannot be read");
  uint64_t count = 0;
  while (readdir(folder) != NULL)
    count++;
  (void)closedir(folder);
  return count;
}

/* destroy never waits: what its threads still hold is freed, and release called, when they have left. */
static void await_release(const _Atomic int *released) {
  for (int i = 0; *released == 0 && i < RELEASE_TRIES; i++)
    sleep_us(1000);
  if (*released != 1) fail("create", "release was not called once");
}

/* True if the producer came to be although an allocation may have failed. */
static bool create_once(const sendoff_config *config, struct failing *failing) {
  _Atomic int released = 0;
  char error[512] = "";
  sendoff_callbacks callbacks = {.size = sizeof callbacks, .user = &released, .release = count_release};
  sendoff_producer *producer = NULL;
  allocator_set_hook(may_allocate, failing);
  int32_t status = sendoff_create(config, &callbacks, &producer, error, sizeof error);
  if (status == SENDOFF_OK) {
    (void)sendoff_close(producer, 0);
    sendoff_destroy(producer);
  } else if (status != SENDOFF_OUT_OF_MEMORY) {
    fail("create", sendoff_status_name(status));
  } else if (producer != NULL || error[0] == '\0') {
    fail("create", "failed without a message, or with a producer");
  }
  await_release(&released);
  allocator_set_hook(NULL, NULL);
  return status == SENDOFF_OK;
}

int main(int argument_count, char **arguments) {
  if (argument_count < 2) fail("usage", "BOOTSTRAP [name=value ...]");
  sendoff_config *config = config_of(arguments[1], arguments + 2, argument_count - 2);
  uint64_t failures = 0, descriptors = count_descriptors();
  for (uint64_t at = 0; at < ALLOCATIONS_MAX; at++) {
    struct failing failing = {.failing_at = at};
    if (!create_once(config, &failing)) failures++;
    if (failing.asked <= at) break;
  }
  sendoff_config_destroy(config);
  if (count_descriptors() != descriptors) fail("create", "left descriptors open");
  (void)printf("%llu\n", (unsigned long long)failures);
  return failures > 0 ? 0 : 1;
}
