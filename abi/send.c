/* The ways in for records: convert, call, map. */
#include "sendoff/sendoff.h"

#include "base/clock.h"
#include "base/recent_clock.h"
#include "base/status.h"
#include "packed_headers.h"
#include "producer/producer.h"
#include "producer/waiting.h"
#include "sized_struct.h"

enum { RECORD_SIZE_1_0 = sizeof(sendoff_record) };

#define SAME_LAYOUT(field, inner)                                                                            \
  _Static_assert(offsetof(sendoff_header, field) == offsetof(struct record_header, inner) &&                 \
                     sizeof(sendoff_header) == sizeof(struct record_header),                                 \
                 "headers are handed on as they are")
SAME_LAYOUT(name, key.data);
SAME_LAYOUT(name_bytes, key.size);
SAME_LAYOUT(value, value.data);
SAME_LAYOUT(value_bytes, value.size);

static int32_t convert(const sendoff_record *record, struct submission *submission);
static int32_t send_one(sendoff_producer *handle, const struct submission *submission, bool may_wait);
static int32_t send_packed(struct producer *producer, struct packed_reader *reader, uint32_t count,
                           int64_t deadline_us, uint32_t *accepted) REQUIRES(producer_lock);

int32_t sendoff_send(sendoff_producer *handle, const sendoff_record *record) {
  struct submission submission;
  int32_t status = convert(record, &submission);
  return status == STATUS_OK ? send_one(handle, &submission, true) : status;
}

int32_t sendoff_try_send(sendoff_producer *handle, const sendoff_record *record) {
  struct submission submission;
  int32_t status = convert(record, &submission);
  return status == STATUS_OK ? send_one(handle, &submission, false) : status;
}

int32_t sendoff_send_sync(sendoff_producer *handle, const sendoff_record *record, int64_t timeout_ms,
                          sendoff_report *report) {
  struct submission submission;
  if (report == NULL) return STATUS_INVALID_ARGUMENT;
  int32_t status = convert(record, &submission);
  if (status != STATUS_OK) return status;
  if (submission.callback != NULL) return STATUS_INVALID_ARGUMENT;
  struct producer *producer;
  status = handle_lock(handle, &producer);
  if (status != STATUS_OK) return status;
  return waiting_send_sync(producer, &submission, timeout_ms, (struct report *)(void *)report);
}

int32_t sendoff_send_flat(sendoff_producer *handle, uint32_t topic_id, uint32_t set, int32_t partition,
                          int64_t timestamp_ms, const void *key, size_t key_bytes, const void *value,
                          size_t value_bytes, const void *headers, size_t headers_bytes, uint64_t opaque) {
  if ((key == NULL && key_bytes > 0) || (value == NULL && value_bytes > 0) ||
      (headers == NULL && headers_bytes > 0))
    return STATUS_INVALID_ARGUMENT;
  struct packed_headers unpacked;
  int32_t status = packed_headers_read(&unpacked, bytes_of(headers, headers_bytes));
  if (status != STATUS_OK) return status;
  bool has_partition = (set & SENDOFF_SET_PARTITION) != 0;
  /* Every field is set: to clear the struct first would cost more. */
  struct submission submission = {
      .topic_name = bytes_of(NULL, 0),
      .topic_id = topic_id,
      .by_id = true,
      .has_timestamp = (set & SENDOFF_SET_TIMESTAMP) != 0,
      .is_sync = false,
      .partition = has_partition ? partition : -1,
      .timestamp_ms = timestamp_ms,
      .record = {.key = bytes_of(key, key_bytes),
                 .value = bytes_of(value, value_bytes),
                 .headers = unpacked.headers,
                 .header_count = unpacked.count},
      .opaque = opaque,
      .callback = NULL,
      .user = NULL,
  };
  bool valid = !has_partition || partition >= 0;
  status =
      valid ? send_one(handle, &submission, (set & SENDOFF_SET_TRY) == 0) : STATUS_PARTITION_OUT_OF_RANGE;
  packed_headers_free(&unpacked);
  return status;
}

int32_t sendoff_send_batch(sendoff_producer *handle, const void *packed, size_t packed_bytes, uint32_t count,
                           uint32_t set, uint32_t *accepted) {
  if (accepted == NULL) return STATUS_INVALID_ARGUMENT;
  *accepted = 0;
  if ((packed == NULL && count > 0) || (uintptr_t)packed % 8 != 0) return STATUS_INVALID_ARGUMENT;
  struct producer *producer;
  int32_t status = handle_lock(handle, &producer);
  if (status != STATUS_OK) return status;
  struct packed_reader reader = {.rest = bytes_of(packed, packed_bytes)};
  int64_t deadline_us = submission_deadline_us(producer, clock_monotonic_us(), (set & SENDOFF_SET_TRY) == 0);
  status = send_packed(producer, &reader, count, deadline_us, accepted);
  producer_unlock(producer);
  return status;
}

static inline int32_t convert(const sendoff_record *record, struct submission *submission) {
  if (record == NULL || !sized_struct_is_readable(record, RECORD_SIZE_1_0, sizeof *record))
    return STATUS_INVALID_ARGUMENT;
  bool by_id = (record->set & SENDOFF_SET_TOPIC_ID) != 0,
       has_partition = (record->set & SENDOFF_SET_PARTITION) != 0;
  if ((record->key == NULL && record->key_bytes > 0) || (record->value == NULL && record->value_bytes > 0) ||
      (record->headers == NULL && record->header_count > 0) || record->header_count > INT32_MAX)
    return STATUS_INVALID_ARGUMENT;
  if (!by_id && record->topic == NULL) return STATUS_INVALID_ARGUMENT;
  if (has_partition && record->partition < 0) return STATUS_PARTITION_OUT_OF_RANGE;
  for (size_t i = 0; i < record->header_count; i++) {
    const sendoff_header *header = &record->headers[i];
    if (header->name == NULL || (header->value == NULL && header->value_bytes > 0))
      return STATUS_INVALID_ARGUMENT;
  }
  *submission = (struct submission){
      .topic_name = by_id ? bytes_of(NULL, 0) : bytes_of_string(record->topic),
      .topic_id = record->topic_id,
      .by_id = by_id,
      .has_timestamp = (record->set & SENDOFF_SET_TIMESTAMP) != 0,
      .partition = has_partition ? record->partition : -1,
      .timestamp_ms = record->timestamp_ms,
      .record = {.key = bytes_of(record->key, record->key_bytes),
                 .value = bytes_of(record->value, record->value_bytes),
                 .headers = (const struct record_header *)(const void *)record->headers,
                 .header_count = (uint32_t)record->header_count},
      .opaque = record->opaque,
      .callback = (record_callback)record->callback,
      .user = record->user,
  };
  return STATUS_OK;
}

static int32_t send_one(sendoff_producer *handle, const struct submission *submission, bool may_wait) {
  struct producer *producer;
  int32_t status = handle_lock(handle, &producer);
  if (status != STATUS_OK) return status;
  int64_t now_us = recent_clock_us(&producer->recent_clock);
  int64_t deadline_us = submission_deadline_us(producer, now_us, may_wait);
  status = submission_send(producer, submission, now_us, deadline_us);
  producer_unlock(producer);
  return status;
}

/* One clock for all: the records arrive together. */
static int32_t send_packed(struct producer *producer, struct packed_reader *reader, uint32_t count,
                           int64_t deadline_us, uint32_t *accepted) {
  int64_t now_us = clock_monotonic_us();
  int32_t status = STATUS_OK;
  while (*accepted < count && status == STATUS_OK) {
    struct packed_record record;
    status = packed_reader_next(reader, &record);
    if (status != STATUS_OK) return status;
    struct submission submission = {
        .by_id = true,
        .topic_id = record.fixed->topic_id,
        .partition = (record.fixed->set & SENDOFF_SET_PARTITION) != 0 ? record.fixed->partition : -1,
        .has_timestamp = (record.fixed->set & SENDOFF_SET_TIMESTAMP) != 0,
        .timestamp_ms = record.fixed->timestamp_ms,
        .record = {.key = record.key,
                   .value = record.value,
                   .headers = record.headers.headers,
                   .header_count = record.headers.count},
        .opaque = record.fixed->opaque,
    };
    status = submission_send(producer, &submission, now_us, deadline_us);
    packed_headers_free(&record.headers);
    if (status == STATUS_OK) (*accepted)++;
  }
  return status;
}
