#include "support/failing_allocator.h"

#include "base/allocator.h"
#include <stdatomic.h>
#include <stddef.h>

static struct {
  _Atomic uint32_t asked, failing; /* allocations so far, and the one that fails */
  atomic_bool failed, is_armed;
  bool marked_only;
} state;

static _Thread_local bool is_marked;

static bool may_allocate(void *context) {
  (void)context;
  if (!state.is_armed || (state.marked_only && !is_marked)) return true;
  if (state.asked++ != state.failing) return true;
  state.failed = true;
  return false;
}

static void start(uint32_t index, bool marked_only) {
  state.marked_only = marked_only;
  state.asked = 0;
  state.failing = index;
  state.failed = false;
  state.is_armed = true;
  allocator_set_hook(may_allocate, NULL);
}

void failing_allocator_start(uint32_t index) {
  start(index, false);
}

void failing_allocator_start_marked(uint32_t index) {
  start(index, true);
}

void failing_allocator_mark_thread(bool marked) {
  is_marked = marked;
}

bool failing_allocator_disarm(void) {
  state.is_armed = false;
  return state.failed;
}

bool failing_allocator_stop(void) {
  bool failed = failing_allocator_disarm();
  allocator_set_hook(NULL, NULL);
  return failed;
}
