/* Ends all producers of the process together: refuse records, flush under one shared deadline, say what was
 * lost. */
#ifndef PRODUCER_SHUTDOWN_H
#define PRODUCER_SHUTDOWN_H

/* Returns when all are closed or the longest shutdown.timeout.ms among them has passed, after one line on
 * stderr if producers with records on their way had not been closed. Any thread, also one that is inside a
 * callback; more than one at a time. */
void shutdown_all(void);

#endif
