/* The part of the library that the commands call, without a network: what is sent is kept in memory, and a
 * thread reports it as the test says. One producer at a time. Set fake_sendoff before the command runs, read
 * it after. */
#ifndef UNIT_CLI_FAKE_SENDOFF_H
#define UNIT_CLI_FAKE_SENDOFF_H

#include <sendoff/sendoff.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A record as it was sent. Data is copied; NULL is null. */
struct fake_record {
  uint32_t set;
  uint32_t topic_id;
  int32_t partition;
  char *key;
  size_t key_bytes;
  char *value;
  size_t value_bytes;
  char headers[200]; /* "name=value;name;" */
  uint64_t opaque;
};

/* What the test wants, and what happened. The thread and the sending threads share it under a lock of their
 * own. */
struct fake_sendoff {
  /* What the test wants. */
  int32_t create_status; /* other than OK: sendoff_create fails with create_error */
  const char *create_error;
  int32_t topic_status;
  int32_t connect_status;
  uint64_t refused_index; /* this record is refused with refused_status, if that is not OK */
  int32_t refused_status;
  uint32_t full_count;  /* so many times sendoff_send answers BUFFER_FULL before the first record */
  bool holds_reports;   /* no report before the producer is closed */
  const char *log_line; /* a warning that is logged at the start */
  void (*decide)(uint64_t index, sendoff_report *report); /* NULL: all are delivered */
  void (*on_send)(uint64_t count);                        /* after each accepted record */
  /* What happened. */
  struct fake_record *records;
  uint64_t record_count;
  uint64_t sync_count; /* records sent by sendoff_send_sync */
  uint32_t flush_count;
  uint32_t wake_count;
  uint32_t create_count;
  uint32_t release_count;
  char topic[100];
  char settings[1000]; /* "name=value;" in the order of sendoff_config_set; "file:PATH;" */
};

extern struct fake_sendoff fake_sendoff;

#endif
