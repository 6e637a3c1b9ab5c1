/* Record batches against those of Kafka's own builder: the records here are those of
 * tests/golden/GoldenBatches.java. */
#include "protocol/compression.h"
#include "protocol/record_batch.h"
#include "support/codecs.h"
#include "support/golden.h"
#include "support/hostile.h"
#include <check.h>
#include <stdio.h>
#include <stdlib.h>

enum { BUFFER_BYTES = 1 << 17, TEXT_RECORD_COUNT = 600, PLAIN_RECORD_COUNT = 7 };

static const int64_t base_time_ms = 1700000000000;

/* A batch under construction, and what it is made of. */
struct builder {
  uint8_t *data, *end;
  struct record_batch_header header;
};

static void builder_init(struct builder *builder) {
  builder->data = malloc(BUFFER_BYTES);
  ck_assert_ptr_nonnull(builder->data);
  builder->end = builder->data + RECORD_BATCH_HEADER_BYTES;
  builder->header = (struct record_batch_header){
      .partition_leader_epoch = -1, .producer_id = 42, .producer_epoch = 3, .base_sequence = 1000};
}

static void builder_append(struct builder *builder, int64_t timestamp_ms, const struct record *record) {
  struct record_batch_header *header = &builder->header;
  if (header->record_count == 0) header->base_timestamp_ms = header->max_timestamp_ms = timestamp_ms;
  if (timestamp_ms > header->max_timestamp_ms) header->max_timestamp_ms = timestamp_ms;
  int64_t delta = timestamp_ms - header->base_timestamp_ms;
  size_t left = (size_t)(builder->data + BUFFER_BYTES - builder->end);
  ck_assert_uint_le(record_size(record, delta, header->record_count), left);
  builder->end = record_write(builder->end, record, delta, header->record_count);
  header->last_offset_delta = header->record_count++;
}

static void builder_append_text(struct builder *builder, int64_t timestamp_ms, const char *key,
                                const char *value) {
  struct record record = {.key = bytes_of_string(key), .value = bytes_of_string(value)};
  builder_append(builder, timestamp_ms, &record);
}

static struct bytes builder_records(const struct builder *builder) {
  const uint8_t *records = builder->data + RECORD_BATCH_HEADER_BYTES;
  return bytes_of(records, (size_t)(builder->end - records));
}

static struct bytes builder_finish(struct builder *builder) {
  record_batch_header_write(builder->data, &builder->header, builder_records(builder));
  return bytes_of(builder->data, (size_t)(builder->end - builder->data));
}

/* ---- uncompressed ---- */

static const struct record_header four_headers[] = {
    {.key = {(const uint8_t *)"trace", 5}, .value = {(const uint8_t *)"abc", 3}},
    {.key = {(const uint8_t *)"trace", 5}, .value = {(const uint8_t *)"again", 5}},
    {.key = {(const uint8_t *)"", 0}, .value = {(const uint8_t *)"", 0}},
    {.key = {(const uint8_t *)"null", 4}},
};

static void build_plain(struct builder *builder) {
  static char keys[64], values[65], large[10001];
  memset(keys, 'k', 63);
  memset(values, 'v', 64);
  memset(large, 'v', 10000);
  builder_append_text(builder, base_time_ms, "key", "value");
  builder_append_text(builder, base_time_ms - 1, NULL, "null key");
  builder_append_text(builder, base_time_ms - 1000000, "null value", NULL);
  builder_append_text(builder, base_time_ms + 63, NULL, NULL);
  builder_append_text(builder, base_time_ms + 64, "", "");
  builder_append_text(builder, base_time_ms + 100000000000, keys, values);
  struct record record = {.key = bytes_of_string("headers"),
                          .value = bytes_of_string(large),
                          .headers = four_headers,
                          .header_count = 4};
  builder_append(builder, 0, &record);
}

static void expect_batch(struct bytes actual, const char *golden_name) {
  struct bytes expected = golden_batch(golden_name);
  ck_assert_uint_eq(actual.size, expected.size);
  ck_assert_mem_eq(actual.data, expected.data, expected.size);
  free((void *)(uintptr_t)expected.data);
}

START_TEST(plain_batch_is_kafkas) {
  struct builder builder;
  builder_init(&builder);
  build_plain(&builder);
  expect_batch(builder_finish(&builder), "plain");
  free(builder.data);
}
END_TEST

START_TEST(transactional_batch_at_the_extremes_is_kafkas) {
  struct builder builder;
  builder_init(&builder);
  builder.header.attributes = RECORD_BATCH_TRANSACTIONAL;
  builder.header.producer_id = INT64_MAX;
  builder.header.producer_epoch = INT16_MAX;
  builder.header.base_sequence = INT32_MAX;
  builder_append_text(&builder, -1, NULL, "no timestamp");
  expect_batch(builder_finish(&builder), "transactional");
  free(builder.data);
}
END_TEST

static struct record_batch_header read_header(struct bytes batch) {
  struct record_batch_header header;
  size_t batch_bytes;
  ck_assert_int_eq(record_batch_read(batch, &header, &batch_bytes), RECORD_BATCH_VALID);
  ck_assert_uint_eq(batch_bytes, batch.size);
  return header;
}

static void expect_plain_headers(struct record_view *view) {
  ck_assert_int_eq(view->header_count, 4);
  for (int i = 0; i < 4; i++) {
    struct record_header header;
    record_read_header(&view->headers, &header);
    ck_assert(bytes_equal(header.key, four_headers[i].key));
    ck_assert(bytes_equal(header.value, four_headers[i].value));
    ck_assert_int_eq(header.value.data == NULL, four_headers[i].value.data == NULL);
  }
}

START_TEST(plain_batch_of_kafka_is_read) {
  static const struct {
    int64_t timestamp_delta;
    const char *key;
    size_t value_bytes;
    bool has_null_value;
  } expected[PLAIN_RECORD_COUNT] = {{0, "key", 5, false},
                                    {-1, NULL, 8, false},
                                    {-1000000, "null value", 0, true},
                                    {63, NULL, 0, true},
                                    {64, "", 0, false},
                                    {100000000000, NULL, 64, false},
                                    {-1700000000000, "headers", 10000, false}};
  struct bytes batch = golden_batch("plain");
  struct record_batch_header header = read_header(batch);
  ck_assert_int_eq(header.record_count, PLAIN_RECORD_COUNT);
  ck_assert_int_eq(header.base_timestamp_ms, base_time_ms);
  ck_assert_int_eq(header.max_timestamp_ms, base_time_ms + 100000000000);
  ck_assert_int_eq(header.producer_id, 42);
  ck_assert_int_eq(header.producer_epoch, 3);
  ck_assert_int_eq(header.base_sequence, 1000);
  struct wire_reader reader = wire_reader_of(
      bytes_of(batch.data + RECORD_BATCH_HEADER_BYTES, batch.size - RECORD_BATCH_HEADER_BYTES));
  for (int32_t i = 0; i < PLAIN_RECORD_COUNT; i++) {
    struct record_view view;
    record_read(&reader, &view);
    ck_assert(!reader.failed);
    ck_assert_int_eq(view.offset_delta, i);
    ck_assert_int_eq(view.timestamp_delta, expected[i].timestamp_delta);
    if (i != 5) expect_text(view.key, expected[i].key); /* that one is 63 letters */
    ck_assert_uint_eq(view.value.size, expected[i].value_bytes);
    ck_assert_int_eq(view.value.data == NULL, expected[i].has_null_value);
    if (i == PLAIN_RECORD_COUNT - 1) expect_plain_headers(&view);
  }
  ck_assert_uint_eq(wire_reader_left(&reader), 0);
  free((void *)(uintptr_t)batch.data);
}
END_TEST

/* ---- compressed ---- */

static void build_text(struct builder *builder) {
  for (int i = 0; i < TEXT_RECORD_COUNT; i++) {
    char key[32], value[256];
    snprintf(key, sizeof key, "order-%d", i);
    snprintf(value, sizeof value,
             "{\"order\":%d,\"customer\":\"customer-%d\",\"price\":%d,"
             "\"text\":\"what is accepted is sent, and nothing is sent twice\"}",
             i, i % 17, i * 37 % 1009);
    builder_append_text(builder, base_time_ms + i, key, value);
  }
}

/* Decompresses Kafka's batch and compares its records, and its header but for what compression changes. */
static void check_codec(enum compression_codec codec) {
  if (!codec_is_built_in(codec)) return;
  struct builder builder;
  builder_init(&builder);
  build_text(&builder);
  struct bytes expected = builder_records(&builder);
  struct bytes batch = golden_batch(compression_name(codec));
  struct record_batch_header header = read_header(batch);
  ck_assert_int_eq(header.attributes, codec);
  ck_assert_int_eq(header.record_count, TEXT_RECORD_COUNT);
  ck_assert_int_eq(header.base_timestamp_ms, builder.header.base_timestamp_ms);
  ck_assert_int_eq(header.max_timestamp_ms, builder.header.max_timestamp_ms);
  struct compressor *compressor = compressor_create();
  uint8_t *output = malloc(expected.size);
  size_t size = 0;
  struct bytes input =
      bytes_of(batch.data + RECORD_BATCH_HEADER_BYTES, batch.size - RECORD_BATCH_HEADER_BYTES);
  ck_assert(compressor_decompress(compressor, codec, input, output, expected.size, &size));
  ck_assert_uint_eq(size, expected.size);
  ck_assert_mem_eq(output, expected.data, size);
  compressor_destroy(compressor);
  free(output);
  free((void *)(uintptr_t)batch.data);
  free(builder.data);
}

START_TEST(compressed_batches_of_kafka_are_read) {
  check_codec(COMPRESSION_GZIP);
  check_codec(COMPRESSION_SNAPPY);
  check_codec(COMPRESSION_LZ4);
  check_codec(COMPRESSION_ZSTD);
}
END_TEST

int main(void) {
  Suite *suite = suite_create("golden_batch");
  TCase *test_case = tcase_create("all");
  tcase_add_test(test_case, plain_batch_is_kafkas);
  tcase_add_test(test_case, transactional_batch_at_the_extremes_is_kafkas);
  tcase_add_test(test_case, plain_batch_of_kafka_is_read);
  tcase_add_test(test_case, compressed_batches_of_kafka_are_read);
  suite_add_tcase(suite, test_case);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_ENV);
  int failures = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failures != 0;
}
