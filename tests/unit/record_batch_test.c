#include "protocol/record_batch.h"

#include "support/hostile.h"
#include <check.h>
#include <stdlib.h>

static const struct record_header two_headers[] = {
    {.key = {(const uint8_t *)"trace", 5}, .value = {(const uint8_t *)"abc", 3}},
    {.key = {(const uint8_t *)"", 0}, .value = {NULL, 0}},
};

static struct record record_of(const char *key, const char *value) {
  return (struct record){.key = bytes_of_string(key), .value = bytes_of_string(value)};
}

/* ---- records ---- */

START_TEST(record_has_known_bytes) {
  uint8_t buffer[64];
  struct record plain = record_of(NULL, "hi");
  uint8_t *end = record_write(buffer, &plain, 0, 0);
  ck_assert_uint_eq((size_t)(end - buffer), 9);
  ck_assert_mem_eq(buffer, "\x10\0\0\0\1\4hi\0", 9);
  struct record full = record_of("k", NULL);
  full.headers = two_headers;
  full.header_count = 2;
  end = record_write(buffer, &full, -1, 3);
  ck_assert_uint_eq((size_t)(end - buffer), 20);
  ck_assert_mem_eq(buffer, "\x26\0\1\6\2k\1\4\x0atrace\6abc\0\1", 20);
}
END_TEST

/* Writes into memory of exactly record_size, so that sanitizers see a wrong size; reads it back. */
static void expect_round_trip(const struct record *record, int64_t timestamp_delta, int32_t offset_delta) {
  size_t size = record_size(record, timestamp_delta, offset_delta);
  ck_assert_uint_le(size, record_bound(record));
  uint8_t *buffer = malloc(size);
  ck_assert_ptr_nonnull(buffer);
  ck_assert_ptr_eq(record_write(buffer, record, timestamp_delta, offset_delta), buffer + size);
  struct wire_reader reader = wire_reader_of(bytes_of(buffer, size));
  struct record_view view;
  record_read(&reader, &view);
  ck_assert(!reader.failed);
  ck_assert_uint_eq(wire_reader_left(&reader), 0);
  ck_assert_uint_eq(view.size, size);
  ck_assert_int_eq(view.timestamp_delta, timestamp_delta);
  ck_assert_int_eq(view.offset_delta, offset_delta);
  ck_assert(bytes_equal(view.key, record->key));
  ck_assert(bytes_equal(view.value, record->value));
  ck_assert_int_eq(view.key.data == NULL, record->key.data == NULL);
  ck_assert_int_eq(view.value.data == NULL, record->value.data == NULL);
  ck_assert_int_eq(view.header_count, (int32_t)record->header_count);
  free(buffer);
}

START_TEST(records_come_back) {
  static const char *const texts[] = {NULL, "", "x", "a longer text than one byte"};
  for (int key = 0; key < 4; key++)
    for (int value = 0; value < 4; value++) {
      struct record record = record_of(texts[key], texts[value]);
      expect_round_trip(&record, 0, 0);
      record.headers = two_headers;
      record.header_count = 2;
      expect_round_trip(&record, 5, 7);
    }
}
END_TEST

START_TEST(deltas_come_back_around_every_varint_size) {
  struct record record = record_of("key", "value");
  for (int bit = 0; bit < 64; bit++)
    for (int64_t nudge = -1; nudge <= 1; nudge++) {
      uint64_t delta = (UINT64_C(1) << bit) + (uint64_t)nudge;
      expect_round_trip(&record, (int64_t)delta, (int32_t)(delta & INT32_MAX));
      expect_round_trip(&record, (int64_t)(0 - delta), 0);
    }
}
END_TEST

START_TEST(values_come_back_around_every_length_size) {
  static const size_t sizes[] = {1, 62, 63, 64, 65, 8190, 8191, 8192, 8193, 1048575, 1048576, 1048577};
  char *text = malloc(1048577);
  memset(text, 'v', 1048577);
  for (int i = 0; i < 12; i++) {
    struct record record = {.value = bytes_of(text, sizes[i])};
    expect_round_trip(&record, 0, 0);
    record.key = record.value;
    expect_round_trip(&record, 0, 0);
  }
  free(text);
}
END_TEST

START_TEST(headers_are_read_in_order) {
  uint8_t buffer[64];
  struct record record = record_of(NULL, "v");
  record.headers = two_headers;
  record.header_count = 2;
  uint8_t *end = record_write(buffer, &record, 0, 0);
  struct wire_reader reader = wire_reader_of(bytes_of(buffer, (size_t)(end - buffer)));
  struct record_view view;
  record_read(&reader, &view);
  ck_assert_int_eq(view.header_count, 2);
  struct record_header header;
  record_read_header(&view.headers, &header);
  expect_text(header.key, "trace");
  expect_text(header.value, "abc");
  record_read_header(&view.headers, &header);
  expect_text(header.key, "");
  expect_text(header.value, NULL);
  ck_assert(!view.headers.failed);
  ck_assert_uint_eq(wire_reader_left(&view.headers), 0);
}
END_TEST

START_TEST(smallest_headers_are_accepted) {
  struct record_header headers[50];
  for (int i = 0; i < 50; i++)
    headers[i] = (struct record_header){.key = bytes_of_string("")};
  struct record record = record_of(NULL, NULL);
  record.headers = headers;
  record.header_count = 50;
  expect_round_trip(&record, 0, 0);
}
END_TEST

static void decode_records(struct wire_reader *reader, int16_t version) {
  (void)version;
  for (int i = 0; i < 2 && !reader->failed; i++) {
    struct record_view view;
    record_read(reader, &view);
    for (int32_t j = 0; j < view.header_count; j++) {
      struct record_header header;
      record_read_header(&view.headers, &header);
      ck_assert(!view.headers.failed);
    }
  }
}

START_TEST(records_cut_or_changed_are_survived) {
  uint8_t buffer[256];
  struct record first = record_of("key", "value");
  struct record second = record_of("k", NULL);
  second.headers = two_headers;
  second.header_count = 2;
  uint8_t *end = record_write(record_write(buffer, &first, 0, 0), &second, 1000, 1);
  hostile_truncate(bytes_of(buffer, (size_t)(end - buffer)), 0, decode_records);
  hostile_corrupt(bytes_of(buffer, (size_t)(end - buffer)), 0, decode_records);
}
END_TEST

START_TEST(malformed_records_are_refused) {
  static const struct {
    const char *bytes;
    size_t size;
    const char *what;
  } cases[] = {
      {"\x01", 1, "negative length"},
      {"\x00", 1, "no room for a body"},
      {"\x0e\0\0\0\1\1\0\0", 8, "bytes behind the last header"},
      {"\x0c\0\0\0\3\1\0", 7, "key length -2"},
      {"\x0c\0\0\0\1\3\0", 7, "value length -2"},
      {"\x0c\0\0\0\1\1\1", 7, "header count -1"},
      {"\x0c\0\0\0\1\1\x02", 7, "a header that is not there"},
      {"\x10\0\0\0\1\1\2\1\0", 9, "header with a null key"},
      {"\x14\0\0\0\1\1\xfe\xff\xff\xff\x0f", 11, "two billion headers"},
      {"\x0c\0\0\0\x20\1\0", 7, "key past the end of its record"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    /* Zeroes follow, so that a body that reaches past its length would find well-formed bytes. */
    uint8_t buffer[64] = {0};
    memcpy(buffer, cases[i].bytes, cases[i].size);
    struct wire_reader reader = wire_reader_of(bytes_of(buffer, sizeof buffer));
    struct record_view view;
    record_read(&reader, &view);
    ck_assert_msg(reader.failed, "%s", cases[i].what);
    ck_assert_int_eq(view.header_count, 0);
  }
}
END_TEST

START_TEST(smallest_record_is_accepted) {
  struct wire_reader reader = wire_reader_of(bytes_of("\x0c\0\0\0\1\1\0", 7));
  struct record_view view;
  record_read(&reader, &view);
  ck_assert(!reader.failed);
  expect_text(view.key, NULL);
  expect_text(view.value, NULL);
  ck_assert_uint_eq(view.size, 7);
}
END_TEST

START_TEST(rewritten_record_is_as_if_written_anew) {
  uint8_t buffer[256], expected[256], actual[256];
  struct record record = record_of("key", "value");
  record.headers = two_headers;
  record.header_count = 2;
  uint8_t *end = record_write(buffer, &record, 100000, 70000);
  struct wire_reader reader = wire_reader_of(bytes_of(buffer, (size_t)(end - buffer)));
  struct record_view view;
  record_read(&reader, &view);
  static const int64_t deltas[] = {0, -5, 64, 100000, INT64_MAX};
  for (int i = 0; i < 5; i++) {
    size_t size = (size_t)(record_write(expected, &record, deltas[i], 9) - expected);
    ck_assert_uint_eq((size_t)(record_rewrite(actual, &view, deltas[i], 9) - actual), size);
    ck_assert_mem_eq(actual, expected, size);
  }
}
END_TEST

START_TEST(records_are_rewritten_in_place_towards_the_front) {
  /* A split: the second half of a batch moves to its front, with deltas from 0. */
  enum { COUNT = 300 };
  uint8_t *buffer = malloc(COUNT * 64);
  uint8_t *expected = malloc(COUNT * 64);
  uint8_t *end = buffer;
  uint8_t *expected_end = expected;
  const uint8_t *second_half = buffer;
  for (int32_t i = 0; i < COUNT; i++) {
    struct record record = record_of("key", i % 2 == 0 ? "value" : NULL);
    if (i == COUNT / 2) second_half = end;
    end = record_write(end, &record, i * 10, i);
    if (i >= COUNT / 2)
      expected_end = record_write(expected_end, &record, (i - COUNT / 2) * 10, i - COUNT / 2);
  }
  struct wire_reader reader = wire_reader_of(bytes_of(second_half, (size_t)(end - second_half)));
  uint8_t *to = buffer + (second_half - buffer) - 1; /* one byte of distance is enough */
  uint8_t *start = to;
  for (int32_t i = 0; i < COUNT / 2; i++) {
    struct record_view view;
    record_read(&reader, &view);
    ck_assert(!reader.failed);
    to = record_rewrite(to, &view, i * 10, i);
  }
  ck_assert_uint_eq((size_t)(to - start), (size_t)(expected_end - expected));
  ck_assert_mem_eq(start, expected, (size_t)(to - start));
  free(buffer);
  free(expected);
}
END_TEST

/* ---- batches ---- */

/* Everything different, so that no two fields can be mixed up. */
static struct record_batch_header sample_header(void) {
  return (struct record_batch_header){.base_offset = 0x0102030405060708,
                                      .partition_leader_epoch = 0x11121314,
                                      .attributes = 0x0010,
                                      .last_offset_delta = 1,
                                      .base_timestamp_ms = 1700000000000,
                                      .max_timestamp_ms = 1700000000100,
                                      .producer_id = 0x2122232425262728,
                                      .producer_epoch = 0x3132,
                                      .base_sequence = INT32_MAX,
                                      .record_count = 2};
}

/* A batch of two records. Returns its size. */
static size_t write_batch(uint8_t *buffer, const struct record_batch_header *header) {
  struct record first = record_of("a", "1");
  struct record second = record_of(NULL, "2");
  uint8_t *records = buffer + RECORD_BATCH_HEADER_BYTES;
  uint8_t *end = record_write(record_write(records, &first, 0, 0), &second, 100, 1);
  record_batch_header_write(buffer, header, bytes_of(records, (size_t)(end - records)));
  return (size_t)(end - buffer);
}

START_TEST(batch_header_comes_back) {
  uint8_t buffer[256];
  struct record_batch_header header = sample_header();
  size_t size = write_batch(buffer, &header);
  struct record_batch_header read;
  size_t batch_bytes = 0;
  /* More batches may follow. */
  ck_assert_int_eq(record_batch_read(bytes_of(buffer, sizeof buffer), &read, &batch_bytes),
                   RECORD_BATCH_VALID);
  ck_assert_uint_eq(batch_bytes, size);
  ck_assert_int_eq(read.base_offset, header.base_offset);
  ck_assert_int_eq(read.batch_length, (int32_t)size - 12);
  ck_assert_int_eq(read.partition_leader_epoch, header.partition_leader_epoch);
  ck_assert_int_eq(read.magic, 2);
  ck_assert_int_eq(read.attributes, header.attributes);
  ck_assert_int_eq(read.last_offset_delta, header.last_offset_delta);
  ck_assert_int_eq(read.base_timestamp_ms, header.base_timestamp_ms);
  ck_assert_int_eq(read.max_timestamp_ms, header.max_timestamp_ms);
  ck_assert_int_eq(read.producer_id, header.producer_id);
  ck_assert_int_eq(read.producer_epoch, header.producer_epoch);
  ck_assert_int_eq(read.base_sequence, header.base_sequence);
  ck_assert_int_eq(read.record_count, header.record_count);
}
END_TEST

START_TEST(batch_cut_anywhere_is_truncated) {
  uint8_t buffer[256];
  struct record_batch_header header = sample_header();
  size_t whole = write_batch(buffer, &header);
  for (size_t size = 0; size < whole; size++) {
    uint8_t *copy = malloc(size == 0 ? 1 : size);
    memcpy(copy, buffer, size);
    struct record_batch_header read;
    size_t batch_bytes = 99;
    ck_assert_int_eq(record_batch_read(bytes_of(copy, size), &read, &batch_bytes), RECORD_BATCH_TRUNCATED);
    ck_assert_uint_eq(batch_bytes, 99);
    free(copy);
  }
}
END_TEST

START_TEST(any_changed_bit_under_the_checksum_is_found) {
  uint8_t buffer[256];
  struct record_batch_header header = sample_header();
  size_t size = write_batch(buffer, &header);
  for (size_t bit = 17 * 8; bit < size * 8; bit++) {
    buffer[bit / 8] ^= (uint8_t)(1 << bit % 8);
    struct record_batch_header read;
    size_t batch_bytes;
    ck_assert_int_eq(record_batch_read(bytes_of(buffer, size), &read, &batch_bytes), RECORD_BATCH_BAD_CRC);
    buffer[bit / 8] ^= (uint8_t)(1 << bit % 8);
  }
}
END_TEST

static enum record_batch_verdict verdict_with_length(int32_t batch_length) {
  uint8_t buffer[256];
  struct record_batch_header header = sample_header();
  size_t size = write_batch(buffer, &header);
  bytes_store_u32(buffer + 8, (uint32_t)batch_length);
  size_t batch_bytes;
  return record_batch_read(bytes_of(buffer, size), &header, &batch_bytes);
}

START_TEST(hostile_lengths_are_refused) {
  ck_assert_int_eq(verdict_with_length(-1), RECORD_BATCH_BAD_LENGTH);
  ck_assert_int_eq(verdict_with_length(INT32_MIN), RECORD_BATCH_BAD_LENGTH);
  ck_assert_int_eq(verdict_with_length(0), RECORD_BATCH_BAD_LENGTH);
  ck_assert_int_eq(verdict_with_length(48), RECORD_BATCH_BAD_LENGTH);
  ck_assert_int_eq(verdict_with_length(49), RECORD_BATCH_BAD_CRC);
  ck_assert_int_eq(verdict_with_length(INT32_MAX), RECORD_BATCH_TRUNCATED);
}
END_TEST

START_TEST(other_formats_are_told_apart) {
  uint8_t buffer[256];
  struct record_batch_header header = sample_header();
  size_t size = write_batch(buffer, &header);
  for (int magic = 0; magic < 256; magic++) {
    buffer[16] = (uint8_t)magic;
    size_t batch_bytes;
    struct record_batch_header read;
    enum record_batch_verdict verdict = record_batch_read(bytes_of(buffer, size), &read, &batch_bytes);
    ck_assert_int_eq(verdict, magic == 2 ? RECORD_BATCH_VALID : RECORD_BATCH_BAD_MAGIC);
  }
}
END_TEST

static enum record_batch_verdict verdict_with_counts(int32_t last_offset_delta, int32_t record_count) {
  uint8_t buffer[256];
  struct record_batch_header header = sample_header();
  header.last_offset_delta = last_offset_delta;
  header.record_count = record_count;
  size_t size = write_batch(buffer, &header);
  size_t batch_bytes;
  return record_batch_read(bytes_of(buffer, size), &header, &batch_bytes);
}

START_TEST(counts_that_disagree_are_refused) {
  ck_assert_int_eq(verdict_with_counts(0, 1), RECORD_BATCH_VALID);
  ck_assert_int_eq(verdict_with_counts(INT32_MAX - 1, INT32_MAX), RECORD_BATCH_VALID);
  ck_assert_int_eq(verdict_with_counts(1, 1), RECORD_BATCH_BAD_COUNTS);
  ck_assert_int_eq(verdict_with_counts(0, 2), RECORD_BATCH_BAD_COUNTS);
  ck_assert_int_eq(verdict_with_counts(-1, 0), RECORD_BATCH_BAD_COUNTS);
  ck_assert_int_eq(verdict_with_counts(-2, -1), RECORD_BATCH_BAD_COUNTS);
  ck_assert_int_eq(verdict_with_counts(INT32_MAX, INT32_MIN), RECORD_BATCH_BAD_COUNTS);
}
END_TEST

START_TEST(offset_and_leader_epoch_are_set_without_touching_the_checksum) {
  uint8_t buffer[256];
  struct record_batch_header header = sample_header();
  size_t size = write_batch(buffer, &header);
  record_batch_set_offset(buffer, INT64_C(1) << 50, 7);
  struct record_batch_header read;
  size_t batch_bytes;
  ck_assert_int_eq(record_batch_read(bytes_of(buffer, size), &read, &batch_bytes), RECORD_BATCH_VALID);
  ck_assert_int_eq(read.base_offset, INT64_C(1) << 50);
  ck_assert_int_eq(read.partition_leader_epoch, 7);
}
END_TEST

static void add_record_tests(Suite *suite) {
  TCase *test_case = tcase_create("records");
  tcase_add_test(test_case, record_has_known_bytes);
  tcase_add_test(test_case, records_come_back);
  tcase_add_test(test_case, deltas_come_back_around_every_varint_size);
  tcase_add_test(test_case, values_come_back_around_every_length_size);
  tcase_add_test(test_case, headers_are_read_in_order);
  tcase_add_test(test_case, smallest_headers_are_accepted);
  tcase_add_test(test_case, records_cut_or_changed_are_survived);
  tcase_add_test(test_case, malformed_records_are_refused);
  tcase_add_test(test_case, smallest_record_is_accepted);
  tcase_add_test(test_case, rewritten_record_is_as_if_written_anew);
  tcase_add_test(test_case, records_are_rewritten_in_place_towards_the_front);
  suite_add_tcase(suite, test_case);
}

static void add_batch_tests(Suite *suite) {
  TCase *test_case = tcase_create("batches");
  tcase_add_test(test_case, batch_header_comes_back);
  tcase_add_test(test_case, batch_cut_anywhere_is_truncated);
  tcase_add_test(test_case, any_changed_bit_under_the_checksum_is_found);
  tcase_add_test(test_case, hostile_lengths_are_refused);
  tcase_add_test(test_case, other_formats_are_told_apart);
  tcase_add_test(test_case, counts_that_disagree_are_refused);
  tcase_add_test(test_case, offset_and_leader_epoch_are_set_without_touching_the_checksum);
  suite_add_tcase(suite, test_case);
}

int main(void) {
  Suite *suite = suite_create("record_batch");
  add_record_tests(suite);
  add_batch_tests(suite);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_ENV);
  int failures = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failures != 0;
}
