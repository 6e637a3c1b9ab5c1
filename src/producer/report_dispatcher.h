/* Calls the host with reports: on the sender thread, or (delivery.report.mode=dispatcher) on a thread of its
 * own, where a callback that blocks does not hold up the network. */
#ifndef PRODUCER_REPORT_DISPATCHER_H
#define PRODUCER_REPORT_DISPATCHER_H

#include "producer/producer.h"

/* Starts the thread if the report mode asks for it. With the lock held. STATUS_OK, SYSTEM_ERROR. */
int32_t report_dispatcher_start(struct producer *producer) REQUIRES(producer_lock);

/* Ends a thread that was started although the producer could not be. Without the lock. */
void report_dispatcher_cancel(struct producer *producer) EXCLUDES(producer_lock);

/* Calls the host with every report that is due, and frees what they held. Without the lock; not in report
 * mode queue, where the host polls. False in the child of a fork that a callback has made: nothing may be
 * touched there, and the thread is the child's. */
bool report_dispatcher_call(struct producer *producer) EXCLUDES(producer_lock);

#endif
