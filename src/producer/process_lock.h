/* The lock of what all producers of the process share: the table of handles, and the guards that are
 * installed once. The fork guard holds it over a fork, so that none of that is caught half-way in the child.
 * Never taken together with a producer's lock, nor while the host is called. */
#ifndef PRODUCER_PROCESS_LOCK_H
#define PRODUCER_PROCESS_LOCK_H

#include "base/lock.h"

extern struct lock process_lock;
extern struct lock_role producer_lock; /* see handle.h */

void process_lock_enter(void) ACQUIRE(process_lock) EXCLUDES(producer_lock);
void process_lock_leave(void) RELEASE(process_lock);

#endif
