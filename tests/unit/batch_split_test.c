/* Splitting and compressing batches, and both together. */
#include "accumulator/batch.h"

#include "base/random.h"
#include "support/codecs.h"
#include "support/sample_records.h"
#include <check.h>
#include <stdlib.h>

enum { BLOCK_BYTES = 512 * 1024, RECORDS = 150 };

static struct compressor *compressor;
static uint8_t *scratch;
static struct batch whole;

static void set_up(void) {
  compressor = compressor_create();
  scratch = malloc(BLOCK_BYTES);
  batch_init(&whole, malloc(BLOCK_BYTES), BLOCK_BYTES, BLOCK_BYTES, UINT32_MAX, true, 0);
  for (uint32_t number = 0; number < RECORDS; number++) { /* past the offset delta that needs two bytes */
    struct record record = sample_record(number);
    struct batch_entry entry = sample_entry(number);
    ck_assert(batch_append(&whole, &record, record_bound(&record), &entry));
  }
  batch_set_state(&whole, BATCH_SEALED);
}

static void tear_down(void) {
  free(whole.block);
  free(scratch);
  compressor_destroy(compressor);
}

static void finish(struct batch *batch) {
  if (!batch->packed) batch_compress(batch, compressor, COMPRESSION_NONE, 0, scratch, BLOCK_BYTES);
  batch_finish(batch);
}

/* ---- splitting ---- */

START_TEST(both_halves_are_whole_batches_at_every_index) {
  uint8_t *copy = malloc(BLOCK_BYTES);
  memcpy(copy, whole.block, BLOCK_BYTES);
  struct batch before = whole;
  for (uint32_t at = 1; at < RECORDS; at++) {
    struct batch tail = {0};
    batch_split(&whole, at, &tail);
    ck_assert_uint_eq(whole.record_count, at);
    ck_assert_uint_eq(tail.record_count, RECORDS - at);
    ck_assert_ptr_eq(tail.root, &whole);
    ck_assert_uint_eq(whole.shares, 2);
    ck_assert_uint_eq(tail.shares, 0);
    ck_assert(!list_is_linked(&tail.queue_node) && !list_is_linked(&tail.incomplete_node));
    ck_assert(tail.records >= whole.records + whole.records_bytes);
    finish(&whole);
    finish(&tail);
    sample_expect_wire(&whole, 0);
    sample_expect_wire(&tail, at);
    memcpy(whole.block, copy, BLOCK_BYTES);
    whole = before;
    list_init(&whole.queue_node);
    list_init(&whole.incomplete_node);
  }
  free(copy);
}
END_TEST

START_TEST(a_batch_splits_down_to_single_records) {
  struct batch parts[RECORDS];
  struct random random;
  random_seed(&random, 77);
  uint32_t count = 0, first[RECORDS] = {0};
  while (count < RECORDS - 1) { /* any part, anywhere */
    uint32_t index = random_below(&random, count + 1);
    struct batch *part = index == 0 ? &whole : &parts[index];
    if (part->record_count < 2) continue;
    uint32_t at = 1 + random_below(&random, part->record_count - 1);
    count++;
    parts[count] = (struct batch){0};
    batch_split(part, at, &parts[count]);
    first[count] = first[index] + at;
    ck_assert_ptr_eq(parts[count].root, &whole);
  }
  ck_assert_uint_eq(whole.shares, RECORDS);
  for (uint32_t i = 0; i < RECORDS; i++) {
    struct batch *part = i == 0 ? &whole : &parts[i];
    ck_assert_uint_eq(part->record_count, 1);
    sample_expect(part, first[i]);
    finish(part);
    sample_expect_wire(part, first[i]);
  }
}
END_TEST

START_TEST(sequences_divide_with_the_records_and_wrap) {
  static const int32_t bases[] = {0, 1000, INT32_MAX - RECORDS, INT32_MAX - 50, INT32_MAX - 49, INT32_MAX};
  static const int32_t tails[] = {50, 1050, INT32_MAX - RECORDS + 50, INT32_MAX, 0, 49};
  batch_stamp(&whole, 9, 3, bases[_i]);
  struct batch tail = {0};
  batch_split(&whole, 50, &tail);
  ck_assert_int_eq(whole.base_sequence, bases[_i]);
  ck_assert_int_eq(tail.base_sequence, tails[_i]);
  ck_assert_int_eq(tail.producer_id, 9);
  ck_assert_int_eq(tail.producer_epoch, 3);
}
END_TEST

START_TEST(without_identity_neither_half_has_one) {
  struct batch tail = {0};
  batch_split(&whole, 50, &tail);
  ck_assert_int_eq(whole.base_sequence, -1);
  ck_assert_int_eq(tail.base_sequence, -1);
}
END_TEST

START_TEST(a_finished_header_does_not_outlive_the_split) {
  finish(&whole);
  struct batch tail = {0};
  batch_split(&whole, 50, &tail);
  ck_assert(!whole.finished && !whole.packed && !tail.finished && !tail.packed);
}
END_TEST

/* ---- compression ---- */

static int32_t level_of(enum compression_codec codec) {
  return compression_levels(codec).normal;
}

START_TEST(each_codec_packs_and_unpacks) {
  enum compression_codec codec = (enum compression_codec)_i;
  if (!codec_is_built_in(codec)) return;
  size_t bytes = whole.records_bytes;
  batch_finish(&whole);
  batch_compress(&whole, compressor, codec, level_of(codec), scratch, BLOCK_BYTES);
  ck_assert(whole.packed && !whole.finished);
  ck_assert_int_eq(whole.codec, codec);
  ck_assert_uint_eq(whole.uncompressed_bytes, bytes);
  if (codec != COMPRESSION_NONE) ck_assert_uint_lt(whole.records_bytes, bytes);
  batch_stamp(&whole, 7, 1, 12);
  batch_finish(&whole);
  sample_expect_wire(&whole, 0);
  ck_assert(batch_decompress(&whole, compressor, scratch, BLOCK_BYTES));
  ck_assert_uint_eq(whole.records_bytes, bytes);
  ck_assert_int_eq(whole.packed, codec == COMPRESSION_NONE);
  sample_expect(&whole, 0);
}
END_TEST

START_TEST(parts_are_packed_apart_after_a_split) {
  enum compression_codec codec = (enum compression_codec)_i;
  batch_stamp(&whole, 7, 1, INT32_MAX);
  batch_compress(&whole, compressor, codec, level_of(codec), scratch, BLOCK_BYTES);
  batch_finish(&whole);
  static const uint32_t at[] = {75, 30, 1};
  struct batch tails[3] = {{0}, {0}, {0}};
  for (int i = 0; i < 3; i++) { /* refused as too large three times */
    ck_assert(batch_decompress(&whole, compressor, scratch, BLOCK_BYTES));
    batch_split(&whole, at[i], &tails[i]);
    struct batch *parts[] = {&whole, &tails[i]};
    for (int part = 0; part < 2; part++) {
      batch_compress(parts[part], compressor, codec, level_of(codec), scratch, BLOCK_BYTES);
      batch_finish(parts[part]);
    }
  }
  sample_expect_wire(&whole, 0);
  ck_assert_int_eq(whole.base_sequence, INT32_MAX);
  for (int i = 0; i < 3; i++) {
    sample_expect_wire(&tails[i], at[i]);
    ck_assert_int_eq(tails[i].base_sequence, (int32_t)at[i] - 1);
    ck_assert(batch_decompress(&tails[i], compressor, scratch, BLOCK_BYTES));
    sample_expect(&tails[i], at[i]);
  }
}
END_TEST

START_TEST(what_does_not_get_smaller_stays) {
  struct random random;
  random_seed(&random, 5);
  struct batch batch;
  batch_init(&batch, malloc(4096), 4096, 4096, UINT32_MAX, false, 0);
  uint8_t value[2000];
  for (size_t i = 0; i < sizeof value; i++)
    value[i] = (uint8_t)random_next(&random);
  struct record record = {.value = bytes_of(value, sizeof value)};
  ck_assert(batch_append(&batch, &record, record_bound(&record), &(struct batch_entry){.opaque = 1}));
  for (int codec = 1; codec < COMPRESSION_CODEC_COUNT; codec++) {
    enum compression_codec chosen = (enum compression_codec)codec;
    batch_compress(&batch, compressor, chosen, level_of(chosen), scratch, BLOCK_BYTES);
    ck_assert(batch.packed);
    ck_assert_int_eq(batch.codec, COMPRESSION_NONE);
    ck_assert_uint_eq(batch.records_bytes, record_size(&record, 0, 0));
    ck_assert_uint_eq(batch.uncompressed_bytes, batch.records_bytes);
  }
  free(batch.block);
}
END_TEST

START_TEST(too_little_scratch_changes_nothing) {
  if (!codec_is_built_in(COMPRESSION_ZSTD)) return;
  size_t bytes = whole.records_bytes;
  batch_compress(&whole, compressor, COMPRESSION_ZSTD, 3, scratch, 10);
  ck_assert_int_eq(whole.codec, COMPRESSION_NONE);
  sample_expect(&whole, 0);
  batch_compress(&whole, compressor, COMPRESSION_ZSTD, 3, scratch, BLOCK_BYTES);
  size_t compressed_bytes = whole.records_bytes;
  batch_finish(&whole);
  ck_assert(!batch_decompress(&whole, compressor, scratch, bytes - 1));
  ck_assert_int_eq(whole.codec, COMPRESSION_ZSTD);
  ck_assert_uint_eq(whole.records_bytes, compressed_bytes);
  ck_assert(whole.packed && whole.finished);
  sample_expect_wire(&whole, 0);
  ck_assert(batch_decompress(&whole, compressor, scratch, bytes));
  sample_expect(&whole, 0);
}
END_TEST

START_TEST(a_codec_without_memory_leaves_the_batch_packed) {
  if (!codec_is_built_in(COMPRESSION_ZSTD)) return;
  batch_compress(&whole, compressor, COMPRESSION_ZSTD, 3, scratch, BLOCK_BYTES);
  size_t compressed_bytes = whole.records_bytes;
  memset(scratch, 0x77, BLOCK_BYTES);
  uint8_t first = whole.records[0];
  whole.records[0] ^= 0xff; /* stands for any failure of the codec */
  ck_assert(!batch_decompress(&whole, compressor, scratch, BLOCK_BYTES));
  whole.records[0] = first;
  ck_assert_int_eq(whole.codec, COMPRESSION_ZSTD);
  ck_assert_uint_eq(whole.records_bytes, compressed_bytes);
  ck_assert(whole.packed);
  ck_assert(batch_decompress(&whole, compressor, scratch, BLOCK_BYTES));
  sample_expect(&whole, 0);
}
END_TEST

int main(void) {
  Suite *suite = suite_create("batch_split");
  TCase *test_case = tcase_create("all");
  tcase_add_checked_fixture(test_case, set_up, tear_down);
  tcase_add_test(test_case, both_halves_are_whole_batches_at_every_index);
  tcase_add_test(test_case, a_batch_splits_down_to_single_records);
  tcase_add_loop_test(test_case, sequences_divide_with_the_records_and_wrap, 0, 6);
  tcase_add_test(test_case, without_identity_neither_half_has_one);
  tcase_add_test(test_case, a_finished_header_does_not_outlive_the_split);
  tcase_add_loop_test(test_case, each_codec_packs_and_unpacks, 0, COMPRESSION_CODEC_COUNT);
  tcase_add_loop_test(test_case, parts_are_packed_apart_after_a_split, 0, COMPRESSION_CODEC_COUNT);
  tcase_add_test(test_case, what_does_not_get_smaller_stays);
  tcase_add_test(test_case, too_little_scratch_changes_nothing);
  tcase_add_test(test_case, a_codec_without_memory_leaves_the_batch_packed);
  suite_add_tcase(suite, test_case);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_ENV);
  int failures = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failures != 0;
}
