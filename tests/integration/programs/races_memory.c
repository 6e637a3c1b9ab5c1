/* Memory that is short now and then. In the program races it never is: the shared library has no door for
 * that. The program races_failing has the library's own objects inside. */
#include "races.h"

#if defined(RACES_FAILING)
#include "base/allocator.h"

enum { ONE_IN = 40 };

static _Thread_local bool is_exempt;
static _Atomic uint64_t asked, failed;

/* By the number of the allocation, scrambled, so that it takes no lock and no order. */
static bool may_allocate(void *context) {
  const uint64_t *seed = context;
  if (is_exempt) return true;
  uint64_t number = atomic_fetch_add_explicit(&asked, 1, memory_order_relaxed);
  uint64_t scrambled = (number + *seed) * 0x9e3779b97f4a7c15u;
  if ((scrambled >> 32) % ONE_IN != 0) return true;
  atomic_fetch_add_explicit(&failed, 1, memory_order_relaxed);
  return false;
}

void races_memory_begin(uint64_t *seed) {
  allocator_set_hook(may_allocate, seed);
}

void races_memory_exempt(bool exempt) {
  is_exempt = exempt;
}

uint64_t races_memory_end(void) {
  allocator_set_hook(NULL, NULL);
  return failed;
}
#else
void races_memory_begin(uint64_t *seed) {
  (void)seed;
}

void races_memory_exempt(bool exempt) {
  (void)exempt;
}

uint64_t races_memory_end(void) {
  return 0;
}
#endif
