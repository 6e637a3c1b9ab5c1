/* The calls that wait: flush, close, connect, a record's report, a topic's partitions, polling. All are
 * called with the lock held and end with it released, the use of the producer included. Timeouts are
 * milliseconds, -1 without limit. */
#ifndef PRODUCER_WAITING_H
#define PRODUCER_WAITING_H

#include "producer/producer.h"
#include "producer/submission.h"

struct flush_result {
  uint64_t pending, failed, unknown;
};

/* Statuses: as sendoff_flush. *result is untouched on CLOSED and IN_CALLBACK. */
int32_t waiting_flush(struct producer *producer, int64_t timeout_ms, struct flush_result *result)
    RELEASE(producer_lock);

/* Statuses: as sendoff_close. */
int32_t waiting_close(struct producer *producer, int64_t timeout_ms) RELEASE(producer_lock);

/* Statuses: as sendoff_connect; error (error_size > 0) receives the last failure with TIMED_OUT. */
int32_t waiting_connect(struct producer *producer, int64_t timeout_ms, char *error, size_t error_size)
    RELEASE(producer_lock);

/* Statuses: as sendoff_send_sync. */
int32_t waiting_send_sync(struct producer *producer, struct submission *submission, int64_t timeout_ms,
                          struct report *report) RELEASE(producer_lock);

/* Statuses: as sendoff_partitions_for. */
int32_t waiting_partitions(struct producer *producer, struct bytes topic, int64_t timeout_ms,
                           struct partition_snapshot **snapshot) RELEASE(producer_lock);

/* Statuses: as sendoff_poll. */
int32_t waiting_poll(struct producer *producer, struct report *reports, size_t capacity, int64_t timeout_ms,
                     size_t *count) RELEASE(producer_lock);

#endif
