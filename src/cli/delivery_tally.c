#include "cli/delivery_tally.h"

#include "cli/console.h"

#include <inttypes.h>

static void count_reason(struct delivery_tally *tally, const sendoff_report *report);

void delivery_tally_add_failure(struct delivery_tally *tally, const sendoff_report *report) {
  switch (report->outcome) {
  case SENDOFF_OUTCOME_DELIVERED_OFFSET_UNKNOWN: tally->delivered++; return;
  case SENDOFF_OUTCOME_NOT_DELIVERED: tally->failed++; break;
  default:
    if (report->status == SENDOFF_NO_ACKNOWLEDGEMENT) {
      tally->unacknowledged++;
      return;
    }
    tally->unknown++;
    break;
  }
  count_reason(tally, report);
}

static void count_reason(struct delivery_tally *tally, const sendoff_report *report) {
  for (size_t i = 0; i < tally->reason_count; i++) {
    struct delivery_reason *reason = &tally->reasons[i];
    if (reason->status == report->status && reason->outcome == report->outcome) {
      reason->count++;
      return;
    }
  }
  if (tally->reason_count == DELIVERY_REASON_COUNT_MAX) {
    tally->other_reasons++;
    return;
  }
  tally->reasons[tally->reason_count++] = (struct delivery_reason){
      .status = report->status, .outcome = report->outcome, .count = 1, .first_opaque = report->opaque};
}

void delivery_tally_print_reasons(const struct delivery_tally *tally, const char *noun) {
  for (size_t i = 0; i < tally->reason_count; i++) {
    const struct delivery_reason *reason = &tally->reasons[i];
    const char *outcome = reason->outcome == SENDOFF_OUTCOME_NOT_DELIVERED ? "not delivered" : "in doubt";
    console_print("%" PRIu64 " %s, first %s %" PRIu64 ": %s: %s", reason->count, outcome, noun,
                  reason->first_opaque, sendoff_status_name(reason->status),
                  sendoff_status_text(reason->status));
  }
  if (tally->other_reasons > 0) console_print("%" PRIu64 " for other reasons", tally->other_reasons);
}
