#include "producer/process_lock.h"

#include <pthread.h>

static pthread_mutex_t process_lock = PTHREAD_MUTEX_INITIALIZER;

void process_lock_enter(void) {
  pthread_mutex_lock(&process_lock);
}

void process_lock_leave(void) {
  pthread_mutex_unlock(&process_lock);
}
