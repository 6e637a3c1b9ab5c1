/* The thread that drives the sender: the only loop in the library. */
#ifndef PRODUCER_SENDER_THREAD_H
#define PRODUCER_SENDER_THREAD_H

#include "producer/producer.h"

/* Starts the thread, which waits for the producer's lock first. With the lock held. STATUS_OK, SYSTEM_ERROR.
 */
int32_t sender_thread_start(struct producer *producer) REQUIRES(producer_lock);

/* Runs the loop on the calling thread, which is the sender thread inside a callback, until all is settled or
 * the closing producer's deadline has passed: for exit from inside a callback. Without the lock. */
void sender_thread_drain(struct producer *producer) EXCLUDES(producer_lock);

/* Tells the host of a thread of ours, at its begin and end, and names it to the system. On that thread. */
void library_thread_entered(struct producer *producer, const char *name);
void library_thread_leaving(struct producer *producer, const char *name);

#endif
