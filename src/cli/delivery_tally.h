/* What became of the records of a run: counts, and the first few reasons why some failed. Written by one
 * thread at a time (the library calls on_reports so); read when that has ended. */
#ifndef CLI_DELIVERY_TALLY_H
#define CLI_DELIVERY_TALLY_H

#include <sendoff/sendoff.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { DELIVERY_REASON_COUNT_MAX = 5 };

/* One reason, and what failed for it. */
struct delivery_reason {
  int32_t status;
  uint8_t outcome;
  uint64_t count;
  uint64_t first_opaque; /* of the first record that failed so */
};

/* All zeros is an empty tally. */
struct delivery_tally {
  uint64_t delivered;
  uint64_t failed;         /* not delivered: sending again is safe */
  uint64_t unknown;        /* may have been delivered */
  uint64_t unacknowledged; /* acks=0: handed to the system, as asked for */
  struct delivery_reason reasons[DELIVERY_REASON_COUNT_MAX];
  size_t reason_count;
  uint64_t other_reasons; /* records that failed for reasons beyond those */
};

/* Counts a report that is not of a delivered record. */
void delivery_tally_add_failure(struct delivery_tally *tally, const sendoff_report *report);

static inline void delivery_tally_add(struct delivery_tally *tally, const sendoff_report *report) {
  if (report->outcome == SENDOFF_OUTCOME_DELIVERED) {
    tally->delivered++;
  } else {
    delivery_tally_add_failure(tally, report);
  }
}

/* All reports so far. */
static inline uint64_t delivery_tally_reported(const struct delivery_tally *tally) {
  return tally->delivered + tally->failed + tally->unknown + tally->unacknowledged;
}

/* No record failed, and none is in doubt. */
static inline bool delivery_tally_is_clean(const struct delivery_tally *tally) {
  return tally->failed == 0 && tally->unknown == 0;
}

/* Prints a line on stderr for each reason. noun names what opaque counts ("line"). */
void delivery_tally_print_reasons(const struct delivery_tally *tally, const char *noun);

#endif
