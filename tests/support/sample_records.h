/* Records that are told apart by a number, and batches of them. */
#ifndef SUPPORT_SAMPLE_RECORDS_H
#define SUPPORT_SAMPLE_RECORDS_H

#include "accumulator/batch.h"

enum { SAMPLE_VALUE_MAXIMUM_BYTES = 9000 };

/* The record of a number: keys and values null, empty, short and long (every length field's size), with and
 * without headers. It lives as long as the process and is overwritten by the next call. */
struct record sample_record(uint32_t number);

/* Its entry: the timestamp goes up and down, the opaque is the number. */
struct batch_entry sample_entry(uint32_t number);

/* Fails the test unless the batch's records and entries, uncompressed, are those of first_number and the
 * following, with offset deltas from 0 and timestamps of base plus delta. Wide ones have their callback and
 * user as well. */
void sample_expect(const struct batch *batch, uint32_t first_number);

/* Fails the test unless header and records of the finished batch, as on the wire, are a batch that Kafka
 * would take. Decompresses by itself. */
void sample_expect_wire(const struct batch *batch, uint32_t first_number);

/* The callback and user that sample_entry gives. */
void sample_callback(void *user, const struct report *report);

#endif
