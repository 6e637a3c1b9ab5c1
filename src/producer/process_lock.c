#include "producer/process_lock.h"

struct lock process_lock = LOCK_INITIALIZER;

void process_lock_enter(void) {
  lock_acquire(&process_lock);
}

void process_lock_leave(void) {
  lock_release(&process_lock);
}
