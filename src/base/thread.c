#include "base/thread.h"

#include "base/status.h"
#include <signal.h>

int32_t thread_start(pthread_t *thread, void *(*begin)(void *argument), void *argument) {
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before); /* the new thread inherits it */
  int started = pthread_create(thread, NULL, begin, argument);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  return started == 0 ? STATUS_OK : STATUS_SYSTEM_ERROR;
}

void thread_set_name(const char *name) {
#if defined(__linux__)
  pthread_setname_np(pthread_self(), name);
#elif defined(__APPLE__)
  pthread_setname_np(name);
#else
  (void)name;
#endif
}
