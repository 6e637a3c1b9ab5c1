/* What a broker checks of the records field of one partition in a produce request before it appends: exactly
 * one batch, its size, checksum, counts and flags, and inside it every record. In the order of Kafka's own
 * checks, so that the error that comes first there comes first here. One owner, no lock. */
#ifndef BROKER_BATCH_VALIDATOR_H
#define BROKER_BATCH_VALIDATOR_H

#include "broker/batch_contents.h"
#include "protocol/produce.h"
#include <stdbool.h>

struct batch_rules {
  size_t message_max_bytes;       /* of a whole batch */
  bool check_records;             /* decompress and look at every record */
  int64_t timestamp_ahead_max_ms; /* message.timestamp.after.max.ms */
  struct bytes refused_value;     /* a record whose value begins with this is refused (KIP-467); null: none */
};

/* Zero-initialised is valid. The errors of the last check stay until the next one. */
struct batch_validator {
  struct batch_contents contents;
  struct produce_record_error *errors;
  int32_t error_count, error_capacity;
};

/* What a check came to. */
struct batch_judgement {
  int16_t error_code;  /* 0: valid; then header is set */
  const char *message; /* static; NULL when valid */
  struct record_batch_header header;
};

void batch_validator_deinit(struct batch_validator *validator);

/* Judges the records of a produce request of the given version. validator->errors receives the records at
 * fault, if the error names any. */
struct batch_judgement batch_validator_check(struct batch_validator *validator,
                                             const struct batch_rules *rules, struct bytes records,
                                             int16_t version, int64_t now_ms);

#endif
