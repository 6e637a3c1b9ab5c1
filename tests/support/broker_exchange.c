#include "support/broker_exchange.h"
#include "base/allocator.h"
#include "base/crc32c.h"
#include "base/status.h"
#include "protocol/api.h"
#include "protocol/record_batch.h"
#include <check.h>
#include <stdio.h>
#include <string.h>

enum { NOW_MS = 1000000, TEXT_BYTES = 64 };

static void records_write(const struct batch_plan *plan, int32_t record_count, struct wire_writer *records);
static void records_compress(enum compression_codec codec, struct wire_writer *records);

struct bytes batch_plan_write(const struct batch_plan *plan, struct wire_writer *writer) {
  int32_t record_count = plan->record_count == 0 ? 1 : plan->record_count;
  int64_t timestamp_ms = plan->timestamp_ms == 0 ? NOW_MS : plan->timestamp_ms;
  struct wire_writer records = {0};
  records_write(plan, record_count, &records);
  if (plan->codec != COMPRESSION_NONE) records_compress(plan->codec, &records);
  struct record_batch_header header = {
      .partition_leader_epoch = -1,
      .attributes = (int16_t)plan->codec,
      .last_offset_delta = record_count - 1,
      .base_timestamp_ms = timestamp_ms,
      .max_timestamp_ms = timestamp_ms + record_count - 1,
      .producer_id = plan->idempotent ? plan->producer_id : -1,
      .producer_epoch = plan->idempotent ? plan->producer_epoch : -1,
      .base_sequence = plan->idempotent ? plan->base_sequence : -1,
      .record_count = record_count,
  };
  size_t at = writer->size;
  uint8_t *to = wire_reserve(writer, RECORD_BATCH_HEADER_BYTES);
  ck_assert_ptr_nonnull(to);
  record_batch_header_write(to, &header, bytes_of(records.data, records.size));
  wire_write_raw(writer, bytes_of(records.data, records.size));
  wire_writer_deinit(&records);
  return bytes_of(writer->data + at, writer->size - at);
}

void batch_seal(uint8_t *batch, size_t size) {
  bytes_store_u32(batch + 17, crc32c_extend(0, batch + RECORD_BATCH_CRC_FROM, size - RECORD_BATCH_CRC_FROM));
}

void exchange_init(struct exchange *exchange, const struct broker_settings *settings) {
  struct broker_settings normal;
  broker_settings_init(&normal);
  *exchange = (struct exchange){.now_ms = NOW_MS};
  ck_assert_int_eq(broker_model_create(settings == NULL ? &normal : settings, &exchange->model), STATUS_OK);
  ck_assert_int_eq(broker_model_set_node(exchange->model, 1, "broker", 9092), STATUS_OK);
}

void exchange_deinit(struct exchange *exchange) {
  broker_model_destroy(exchange->model);
  wire_writer_deinit(&exchange->request);
  wire_writer_deinit(&exchange->response);
  wire_writer_deinit(&exchange->batch);
}

struct wire_writer *exchange_begin(struct exchange *exchange, int16_t api_key, int16_t api_version) {
  exchange->header = (struct request_header){.api_key = api_key,
                                             .api_version = api_version,
                                             .correlation_id = exchange->header.correlation_id + 1,
                                             .client_id = bytes_of_string("test")};
  wire_writer_reset(&exchange->request);
  request_header_write(&exchange->request, &exchange->header);
  return &exchange->request;
}

enum broker_answer exchange_run(struct exchange *exchange) {
  struct bytes request =
      bytes_of(exchange->request.data + REQUEST_SIZE_BYTES, exchange->request.size - REQUEST_SIZE_BYTES);
  wire_writer_reset(&exchange->response);
  exchange->answer = broker_model_handle(exchange->model, exchange->now_ms, request, exchange->last_chance,
                                         &exchange->response, &exchange->wait_ms);
  if (exchange->answer != BROKER_ANSWER_SEND) {
    ck_assert_uint_eq(exchange->response.size, 0);
    return exchange->answer;
  }
  ck_assert_uint_ge(exchange->response.size, REQUEST_SIZE_BYTES);
  ck_assert_uint_eq(bytes_load_u32(exchange->response.data), exchange->response.size - REQUEST_SIZE_BYTES);
  exchange->reader = wire_reader_of(
      bytes_of(exchange->response.data + REQUEST_SIZE_BYTES, exchange->response.size - REQUEST_SIZE_BYTES));
  int32_t correlation_id =
      response_header_read(&exchange->reader, exchange->header.api_key, exchange->header.api_version);
  ck_assert_int_eq(correlation_id, exchange->header.correlation_id);
  return exchange->answer;
}

void exchange_expect_end(const struct exchange *exchange) {
  ck_assert(!exchange->reader.failed);
  ck_assert_uint_eq(wire_reader_left(&exchange->reader), 0);
}

struct produce_response_partition exchange_produce(struct exchange *exchange, int16_t version, int16_t acks,
                                                   const char *topic, int32_t partition, struct bytes batch) {
  struct produce_request request = {.acks = acks, .timeout_ms = 1000, .topic_count = 1};
  struct produce_request_topic named = {.name = bytes_of_string(topic), .partition_count = 1};
  struct produce_request_partition to = {.index = partition, .records_bytes = batch.size};
  struct wire_writer *writer = exchange_begin(exchange, API_PRODUCE, version);
  produce_request_write(writer, version, &request);
  produce_request_write_topic(writer, version, &named);
  produce_request_write_partition(writer, version, &to);
  wire_write_raw(writer, batch);
  produce_request_write_partition_end(writer, version);
  produce_request_write_topic_end(writer, version);
  produce_request_write_end(writer, version);
  struct produce_response_partition answer = {.index = -2};
  if (exchange_run(exchange) != BROKER_ANSWER_SEND) return answer;
  struct produce_response_topic answered;
  struct produce_response_end end;
  ck_assert_int_eq(produce_response_read(&exchange->reader, version), 1);
  produce_response_read_topic(&exchange->reader, version, &answered);
  ck_assert(bytes_equal(answered.name, bytes_of_string(topic)));
  ck_assert_int_eq(answered.partition_count, 1);
  produce_response_read_partition(&exchange->reader, version, &answer);
  produce_response_read_topic_end(&exchange->reader, version);
  produce_response_read_end(&exchange->reader, version, &end);
  exchange_expect_end(exchange);
  ck_assert_int_eq(answer.index, partition);
  return answer;
}

struct produce_response_partition exchange_append(struct exchange *exchange, const char *topic,
                                                  int32_t partition, const struct batch_plan *plan) {
  wire_writer_reset(&exchange->batch);
  return exchange_produce(exchange, 9, -1, topic, partition, batch_plan_write(plan, &exchange->batch));
}

int64_t exchange_record_count(const struct exchange *exchange, const char *topic, int32_t partition) {
  int64_t start = 0, end = 0;
  ck_assert(broker_model_offsets(exchange->model, topic, partition, &start, &end));
  return end - start;
}

static void records_write(const struct batch_plan *plan, int32_t record_count, struct wire_writer *records) {
  for (int32_t index = 0; index < record_count; index++) {
    char key[TEXT_BYTES], value[TEXT_BYTES];
    snprintf(key, sizeof key, "k%d", (int)index);
    snprintf(value, sizeof value, "%s%d", plan->value == NULL ? "value-" : plan->value, (int)index);
    struct record record = {.key = bytes_of_string(key), .value = bytes_of_string(value)};
    uint8_t *to = wire_reserve(records, record_size(&record, index, index));
    ck_assert_ptr_nonnull(to);
    record_write(to, &record, index, index);
  }
}

static void records_compress(enum compression_codec codec, struct wire_writer *records) {
  struct compressor *compressor = compressor_create();
  ck_assert_ptr_nonnull(compressor);
  struct wire_writer packed = {0};
  size_t capacity = compression_bound(codec, records->size);
  uint8_t *to = wire_reserve(&packed, capacity);
  ck_assert_ptr_nonnull(to);
  packed.size = compressor_compress(compressor, codec, compression_levels(codec).normal,
                                    bytes_of(records->data, records->size), to, capacity);
  ck_assert_uint_gt(packed.size, 0);
  compressor_destroy(compressor);
  wire_writer_deinit(records);
  *records = packed;
}
