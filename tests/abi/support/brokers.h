/* The embedded broker that a test of the ABI talks to, in the test's own process. The producer's side knows
 * nothing of it but its port. One at a time; the functions fail the test by themselves. */
#ifndef ABI_SUPPORT_BROKERS_H
#define ABI_SUPPORT_BROKERS_H

#include "broker/broker_server.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* With the topics "one", "four" and "twelve", which have so many partitions. */
void broker_start(void);
void broker_stop(void);
/* A port of this machine that nobody listens on; broker_start_there opens it. */
void broker_start_nowhere(void);
void broker_start_there(void);

extern struct broker_server *broker;
/* "127.0.0.1:port" */
extern char bootstrap[32];

void broker_inject(const struct broker_fault *fault);
void broker_heal(void);
/* Answers are withheld from now on: what is sent stays in flight until it times out. */
void broker_swallow(const char *topic);
/* How many requests of an API have arrived. */
uint64_t broker_requests(int16_t api_key);

/* One record as it lies in a partition, in memory of its own. */
struct stored_record {
  int64_t offset, timestamp_ms;
  bool has_key, has_value;
  char *key, *value;
  size_t key_bytes, value_bytes;
  uint32_t header_count;
  char headers[256]; /* "name=value;" each, "name;" without a value */
};

/* The records of a partition, in order. */
struct stored_records {
  struct stored_record *records;
  size_t count, capacity;
};

void stored_records_read(struct stored_records *stored, const char *topic, int32_t partition);
void stored_records_free(struct stored_records *stored);
/* Of all partitions from 0 on. */
int64_t broker_record_count(const char *topic, int32_t partition_count);

#endif
