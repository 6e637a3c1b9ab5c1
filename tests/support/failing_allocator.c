#include "support/failing_allocator.h"

#include "base/allocator.h"
#include <stddef.h>

static struct {
  uint32_t left; /* allocations before the one that fails */
  bool failed;
} state;

static bool may_allocate(void *context) {
  (void)context;
  if (state.failed) return true;
  if (state.left-- > 0) return true;
  state.failed = true;
  return false;
}

void failing_allocator_start(uint32_t index) {
  state.left = index;
  state.failed = false;
  allocator_set_hook(may_allocate, NULL);
}

bool failing_allocator_stop(void) {
  allocator_set_hook(NULL, NULL);
  return state.failed;
}
