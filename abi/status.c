/* Statuses and versions, and the proof that the header and the tables behind it agree. */
#include "sendoff/sendoff.h"

#include "accumulator/report.h"
#include "base/status.h"
#include "producer/event_queue.h"
#include "protocol/features.h"
#include "protocol/record_batch.h"
#include <stddef.h>

#define SAME_STATUS(name) _Static_assert((int)SENDOFF_##name == (int)STATUS_##name, "status " #name)
SAME_STATUS(OK);
SAME_STATUS(INVALID_ARGUMENT);
SAME_STATUS(INVALID_SETTING);
SAME_STATUS(UNKNOWN_SETTING);
SAME_STATUS(OUT_OF_MEMORY);
SAME_STATUS(CLOSED);
SAME_STATUS(FORKED);
SAME_STATUS(BUFFER_FULL);
SAME_STATUS(TIMED_OUT);
SAME_STATUS(DELIVERY_TIMED_OUT);
SAME_STATUS(REPORTS_UNREAD);
SAME_STATUS(RECORD_TOO_LARGE);
SAME_STATUS(PARTITION_OUT_OF_RANGE);
SAME_STATUS(IN_CALLBACK);
SAME_STATUS(INTERRUPTED);
SAME_STATUS(ABORTED);
SAME_STATUS(NO_ACKNOWLEDGEMENT);
SAME_STATUS(DISCONNECTED);
SAME_STATUS(REQUEST_TIMED_OUT_LOCALLY);
SAME_STATUS(MALFORMED_RESPONSE);
SAME_STATUS(NAME_NOT_RESOLVED);
SAME_STATUS(UNSUPPORTED_BROKER);
SAME_STATUS(SYSTEM_ERROR);
SAME_STATUS(PARTITION_BUFFER_FULL);
SAME_STATUS(ACKNOWLEDGED_DATA_LOST);
SAME_STATUS(FILE_UNREADABLE);
SAME_STATUS(TOPIC_RECREATED);
SAME_STATUS(CONNECTION_REFUSED);
SAME_STATUS(PARTITIONER_FAILED);
SAME_STATUS(NOT_CONFIGURED);
SAME_STATUS(TLS_HANDSHAKE_FAILED);
SAME_STATUS(CERTIFICATE_REFUSED);
SAME_STATUS(LOGIN_FAILED);

#define SAME_CLASS(name) _Static_assert((int)SENDOFF_CLASS_##name == (int)STATUS_CLASS_##name, "class " #name)
SAME_CLASS(RETRIABLE);
SAME_CLASS(REFRESH_METADATA);
SAME_CLASS(NOT_APPENDED);
SAME_CLASS(FATAL);
SAME_CLASS(CONFIGURATION);
SAME_CLASS(AUTHORIZATION);
SAME_CLASS(ABORTABLE);

#define SAME_OUTCOME(name)                                                                                   \
  _Static_assert((int)SENDOFF_OUTCOME_##name == (int)OUTCOME_##name, "outcome " #name)
SAME_OUTCOME(DELIVERED);
SAME_OUTCOME(DELIVERED_OFFSET_UNKNOWN);
SAME_OUTCOME(NOT_DELIVERED);
SAME_OUTCOME(UNKNOWN);

#define SAME_FIELD(field)                                                                                    \
  _Static_assert(offsetof(sendoff_report, field) == offsetof(struct report, field), "report field " #field)
SAME_FIELD(opaque);
SAME_FIELD(offset);
SAME_FIELD(timestamp_ms);
SAME_FIELD(latency_us);
SAME_FIELD(topic);
SAME_FIELD(partition);
SAME_FIELD(status);
SAME_FIELD(broker);
SAME_FIELD(attempts);
SAME_FIELD(outcome);
SAME_FIELD(flags);
SAME_FIELD(zero);
_Static_assert(sizeof(sendoff_report) == 64, "a report is 64 bytes, for good");
_Static_assert(sizeof(sendoff_packed_record) == 40, "a packed record is 40 bytes, for good");

_Static_assert((int)SENDOFF_EVENT_LOG == (int)EVENT_LOG && (int)SENDOFF_EVENT_FATAL == (int)EVENT_FATAL &&
                   (int)SENDOFF_EVENT_THROTTLED == (int)EVENT_THROTTLED &&
                   (int)SENDOFF_EVENT_LOST == (int)EVENT_LOST &&
                   (int)SENDOFF_EVENT_AUTHENTICATION_FAILED == (int)EVENT_AUTHENTICATION_FAILED,
               "kinds of events");
_Static_assert(sizeof(((sendoff_event *)0)->text) == EVENT_TEXT_BYTES, "text of an event");

const char *sendoff_status_name(int32_t status) {
  return status_name(status);
}

const char *sendoff_status_text(int32_t status) {
  return status_text(status);
}

uint32_t sendoff_status_class(int32_t status) {
  return status_classes(status);
}

const char *sendoff_version(void) {
  return SENDOFF_VERSION_TEXT;
}

uint32_t sendoff_abi_version(void) {
  return SENDOFF_ABI_VERSION;
}

const char *sendoff_features(void) {
  return features_text();
}
