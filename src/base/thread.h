/* Threads of the library: signals are the host's, so that all are blocked on them. */
#ifndef BASE_THREAD_H
#define BASE_THREAD_H

#include <pthread.h>
#include <stdint.h>

/* STATUS_OK or STATUS_SYSTEM_ERROR. */
int32_t thread_start(pthread_t *thread, void *(*begin)(void *argument), void *argument);

/* Names the calling thread, as far as the system shows it: 15 bytes on Linux. */
void thread_set_name(const char *name);

#endif
