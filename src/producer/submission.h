/* Records on their way in: checks, waiting for memory, one record or many. */
#ifndef PRODUCER_SUBMISSION_H
#define PRODUCER_SUBMISSION_H

#include "producer/producer.h"

/* One record as the host gave it. */
struct submission {
  struct bytes topic_name; /* looked up unless by_id */
  uint32_t topic_id;
  bool by_id;
  bool has_timestamp;
  bool is_sync;      /* callback is sync_send_marker */
  int32_t partition; /* -1: the partitioner chooses */
  int64_t timestamp_ms;
  struct record record;
  uint64_t opaque;
  record_callback callback;
  void *user;
};

/* Accepts a record, waiting for memory until deadline_us at most (now_us: not at all). With the lock held,
 * which is released while waiting; the producer may be destroyed then, and stays in memory until
 * producer_unlock. Statuses: as sendoff_send. */
int32_t submission_send(struct producer *producer, const struct submission *submission, int64_t now_us,
                        int64_t deadline_us) REQUIRES(producer_lock);

/* The topic of a name, checked. STATUS_OK, INVALID_TOPIC_EXCEPTION, OUT_OF_MEMORY, CLOSED. */
int32_t submission_topic(struct producer *producer, struct bytes name, struct topic **topic)
    REQUIRES(producer_lock);

/* Until when a send may wait: max.block.ms from now, or not at all from inside a callback. */
int64_t submission_deadline_us(const struct producer *producer, int64_t now_us, bool may_wait);

/* Waits until a record of record_bytes would find memory, with the lock as above. Statuses: as
 * sendoff_wait_for_space. */
int32_t submission_wait_for_space(struct producer *producer, size_t record_bytes, int64_t deadline_us)
    REQUIRES(producer_lock);

#endif
