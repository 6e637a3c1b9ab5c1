/* A thread that waits for the report of one record. The record's entry carries sync_send_marker as its
 * callback and the struct as its user; the sender thread fills it in when the batch is settled. Under the
 * producer's lock. Counted references, because a waiter may leave before the report comes. */
#ifndef PRODUCER_SYNC_SEND_H
#define PRODUCER_SYNC_SEND_H

#include "accumulator/batch.h"
#include "accumulator/report.h"
#include <stdbool.h>
#include <stdint.h>

struct sync_send {
  uint32_t references; /* the waiter's and the record's */
  bool done;
  struct report report;
};

/* One reference, for the waiter. NULL without memory. */
struct sync_send *sync_send_create(void);
void sync_send_release(struct sync_send *sync_send);

/* Marks a record; never called. */
void sync_send_marker(void *user, const struct report *report);

/* Answers the waiters among a settled batch's records; returns how many records had one. */
uint32_t sync_send_answer(const struct batch *batch);

#endif
