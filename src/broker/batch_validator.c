#include "broker/batch_validator.h"
#include "base/allocator.h"
#include "base/status.h"
#include "protocol/compression.h"

enum { FIRST_ZSTD_VERSION = 7, FIRST_ERROR_CAPACITY = 16 };

static struct batch_judgement refuse(int32_t status, const char *message);
static struct batch_judgement check_header(const struct batch_rules *rules, struct bytes records,
                                           int16_t version);
static struct batch_judgement check_records(struct batch_validator *validator,
                                            const struct batch_rules *rules, struct bytes batch,
                                            struct batch_judgement valid, int64_t now_ms);
static const char *record_fault(const struct batch_rules *rules, const struct record_batch_header *header,
                                const struct record_view *record, int64_t now_ms, int32_t *status);
static bool add_error(struct batch_validator *validator, int32_t index, const char *message);

void batch_validator_deinit(struct batch_validator *validator) {
  batch_contents_deinit(&validator->contents);
  allocator_free(validator->errors);
  *validator = (struct batch_validator){0};
}

struct batch_judgement batch_validator_check(struct batch_validator *validator,
                                             const struct batch_rules *rules, struct bytes records,
                                             int16_t version, int64_t now_ms) {
  validator->error_count = 0;
  struct batch_judgement judgement = check_header(rules, records, version);
  if (judgement.error_code != 0 || !rules->check_records) return judgement;
  return check_records(validator, rules, records, judgement, now_ms);
}

static struct batch_judgement refuse(int32_t status, const char *message) {
  return (struct batch_judgement){.error_code = (int16_t)status, .message = message};
}

static struct batch_judgement check_header(const struct batch_rules *rules, struct bytes records,
                                           int16_t version) {
  struct batch_judgement valid = {0};
  struct record_batch_header *header = &valid.header;
  size_t batch_bytes = 0;
  if (records.size < RECORD_BATCH_HEADER_BYTES) return refuse(STATUS_INVALID_RECORD, "No whole record batch");
  enum record_batch_verdict verdict = record_batch_read(records, header, &batch_bytes);
  switch (verdict) {
  case RECORD_BATCH_VALID: break;
  case RECORD_BATCH_BAD_MAGIC: return refuse(STATUS_INVALID_RECORD, "The batch is not of magic 2");
  case RECORD_BATCH_TRUNCATED: return refuse(STATUS_INVALID_RECORD, "No whole record batch");
  case RECORD_BATCH_BAD_LENGTH: return refuse(STATUS_CORRUPT_MESSAGE, "The batch's length is too small");
  case RECORD_BATCH_BAD_CRC: return refuse(STATUS_CORRUPT_MESSAGE, "The batch's checksum is wrong");
  case RECORD_BATCH_BAD_COUNTS:
    return refuse(STATUS_INVALID_RECORD, "The batch's record count and offsets disagree");
  }
  if (batch_bytes != records.size)
    return refuse(STATUS_INVALID_RECORD, "More than one batch for a partition");
  if (batch_bytes > rules->message_max_bytes)
    return refuse(STATUS_MESSAGE_TOO_LARGE, "The batch is larger than message.max.bytes");
  if (header->base_offset != 0) return refuse(STATUS_INVALID_RECORD, "The base offset of the batch is not 0");
  if ((header->attributes & RECORD_BATCH_CODEC_MASK) == COMPRESSION_ZSTD && version < FIRST_ZSTD_VERSION)
    return refuse(STATUS_UNSUPPORTED_COMPRESSION_TYPE, "zstd needs produce requests of version 7");
  if ((header->attributes & RECORD_BATCH_CONTROL) != 0)
    return refuse(STATUS_INVALID_RECORD, "A client may not write control records");
  if ((header->attributes & RECORD_BATCH_TRANSACTIONAL) != 0)
    return refuse(STATUS_INVALID_TXN_STATE, "This broker has no transactions");
  if (header->producer_id >= 0 && (header->base_sequence < 0 || header->producer_epoch < 0))
    return refuse(STATUS_INVALID_RECORD, "A batch with a producer id needs an epoch and a sequence");
  return valid;
}

static struct batch_judgement check_records(struct batch_validator *validator,
                                            const struct batch_rules *rules, struct bytes batch,
                                            struct batch_judgement valid, int64_t now_ms) {
  struct wire_reader reader = {0};
  int32_t status = batch_contents_open(&validator->contents, batch, &valid.header, &reader);
  if (status == STATUS_OUT_OF_MEMORY) return refuse(STATUS_UNKNOWN_SERVER_ERROR, "Out of memory");
  if (status != STATUS_OK) return refuse(status, "The batch cannot be decompressed");
  int32_t first_status = STATUS_OK;
  for (int32_t index = 0; index < valid.header.record_count; index++) {
    struct record_view record;
    record_read(&reader, &record);
    if (reader.failed) return refuse(STATUS_INVALID_RECORD, "A record cannot be read");
    if (record.offset_delta != index)
      return refuse(STATUS_INVALID_RECORD, "The records' offsets are not consecutive");
    int32_t record_status = STATUS_OK;
    const char *fault = record_fault(rules, &valid.header, &record, now_ms, &record_status);
    if (fault == NULL) continue;
    if (first_status == STATUS_OK) first_status = record_status;
    if (!add_error(validator, index, fault)) return refuse(STATUS_UNKNOWN_SERVER_ERROR, "Out of memory");
  }
  if (wire_reader_left(&reader) != 0) return refuse(STATUS_INVALID_RECORD, "Bytes follow the last record");
  if (first_status != STATUS_OK) return refuse(first_status, "One or more records have been rejected");
  return valid;
}

/* What is wrong with a record, or NULL. */
static const char *record_fault(const struct batch_rules *rules, const struct record_batch_header *header,
                                const struct record_view *record, int64_t now_ms, int32_t *status) {
  int64_t timestamp_ms = (int64_t)((uint64_t)header->base_timestamp_ms + (uint64_t)record->timestamp_delta);
  if (timestamp_ms > now_ms && timestamp_ms - now_ms > rules->timestamp_ahead_max_ms) {
    *status = STATUS_INVALID_TIMESTAMP;
    return "The timestamp is too far in the future";
  }
  struct bytes refused = rules->refused_value;
  if (refused.data != NULL && record->value.data != NULL && record->value.size >= refused.size &&
      memcmp(record->value.data, refused.data, refused.size) == 0) {
    *status = STATUS_INVALID_RECORD;
    return "The record's value is refused";
  }
  return NULL;
}

static bool add_error(struct batch_validator *validator, int32_t index, const char *message) {
  if (validator->error_count == validator->error_capacity) {
    int32_t capacity = validator->error_capacity == 0 ? FIRST_ERROR_CAPACITY : validator->error_capacity * 2;
    void *errors = allocator_reallocate(validator->errors, (size_t)capacity * sizeof *validator->errors);
    if (errors == NULL) return false;
    validator->errors = errors;
    validator->error_capacity = capacity;
  }
  validator->errors[validator->error_count++] =
      (struct produce_record_error){.batch_index = index, .message = bytes_of_string(message)};
  return true;
}
