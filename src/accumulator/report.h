/* What becomes of one accepted record. The public header's sendoff_report has the same 64 bytes (abi/ checks
 * it). */
#ifndef ACCUMULATOR_REPORT_H
#define ACCUMULATOR_REPORT_H

#include <stdint.h>

enum outcome {
  OUTCOME_NONE = 0, /* not settled yet */
  OUTCOME_DELIVERED = 1,
  OUTCOME_DELIVERED_OFFSET_UNKNOWN = 2,
  OUTCOME_NOT_DELIVERED = 3, /* no attempt can have been written */
  OUTCOME_UNKNOWN = 4,       /* an attempt may have been written */
};

enum { REPORT_LOG_APPEND_TIME = 1 };

struct report {
  uint64_t opaque;
  int64_t offset;
  int64_t timestamp_ms;
  int64_t latency_us;
  uint32_t topic;
  int32_t partition;
  int32_t status;
  int32_t broker;
  uint16_t attempts;
  uint8_t outcome;
  uint8_t flags;
  uint8_t zero[12];
};

_Static_assert(sizeof(struct report) == 64, "a report is 64 bytes, for good");

#endif
