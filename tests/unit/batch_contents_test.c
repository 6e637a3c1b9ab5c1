#include "base/status.h"
#include "broker/batch_contents.h"
#include "support/broker_exchange.h"
#include "support/codecs.h"
#include <check.h>

static struct batch_contents contents;
static struct wire_writer writer;

static void set_up(void) {
  contents = (struct batch_contents){0};
  writer = (struct wire_writer){0};
}

static void tear_down(void) {
  batch_contents_deinit(&contents);
  wire_writer_deinit(&writer);
}

static int32_t open(struct bytes batch, struct wire_reader *records) {
  struct record_batch_header header;
  size_t batch_bytes;
  ck_assert_int_eq(record_batch_read(batch, &header, &batch_bytes), RECORD_BATCH_VALID);
  return batch_contents_open(&contents, batch, &header, records);
}

START_TEST(records_come_out_of_every_codec) {
  for (int codec = COMPRESSION_NONE; codec < COMPRESSION_CODEC_COUNT; codec++) {
    if (!codec_is_built_in((enum compression_codec)codec)) continue;
    struct batch_plan plan = {.record_count = 500, .codec = (enum compression_codec)codec};
    struct wire_reader records;
    wire_writer_reset(&writer);
    ck_assert_int_eq(open(batch_plan_write(&plan, &writer), &records), STATUS_OK);
    for (int32_t index = 0; index < 500; index++) {
      struct record_view record;
      record_read(&records, &record);
      ck_assert(!records.failed);
      ck_assert_int_eq(record.offset_delta, index);
    }
    ck_assert_uint_eq(wire_reader_left(&records), 0);
  }
}
END_TEST

START_TEST(a_batch_that_grows_a_thousandfold_is_opened) {
  if (!codec_is_built_in(COMPRESSION_ZSTD)) return;
  char value[60];
  memset(value, 'a', sizeof value - 1);
  value[sizeof value - 1] = '\0';
  struct batch_plan plan = {.record_count = 200000, .value = value, .codec = COMPRESSION_ZSTD};
  struct wire_reader records;
  struct bytes batch = batch_plan_write(&plan, &writer);
  ck_assert_int_eq(open(batch, &records), STATUS_OK);
  ck_assert_uint_gt(wire_reader_left(&records), 200000 * 60);
  /* The buffer is kept for the next one. */
  uint8_t *buffer = contents.buffer;
  ck_assert_int_eq(open(batch, &records), STATUS_OK);
  ck_assert_ptr_eq(contents.buffer, buffer);
}
END_TEST

START_TEST(data_that_the_codec_refuses_is_corrupt) {
  for (int codec = COMPRESSION_GZIP; codec < COMPRESSION_CODEC_COUNT; codec++) {
    if (!codec_is_built_in((enum compression_codec)codec)) continue;
    struct batch_plan plan = {.record_count = 100, .codec = (enum compression_codec)codec};
    struct wire_reader records;
    wire_writer_reset(&writer);
    struct bytes batch = batch_plan_write(&plan, &writer);
    memset(writer.data + RECORD_BATCH_HEADER_BYTES, 0x5a, batch.size - RECORD_BATCH_HEADER_BYTES);
    batch_seal(writer.data, batch.size);
    ck_assert_int_eq(open(batch, &records), STATUS_CORRUPT_MESSAGE);
  }
}
END_TEST

START_TEST(a_codec_that_nobody_knows_is_refused) {
  for (uint8_t codec = COMPRESSION_CODEC_COUNT; codec < 8; codec++) {
    struct wire_reader records;
    wire_writer_reset(&writer);
    struct bytes batch = batch_plan_write(&(struct batch_plan){0}, &writer);
    writer.data[22] = codec;
    batch_seal(writer.data, batch.size);
    ck_assert_int_eq(open(batch, &records), STATUS_UNSUPPORTED_COMPRESSION_TYPE);
  }
}
END_TEST

int main(void) {
  Suite *suite = suite_create("batch_contents");
  TCase *test_case = tcase_create("all");
  tcase_add_checked_fixture(test_case, set_up, tear_down);
  tcase_add_test(test_case, records_come_out_of_every_codec);
  tcase_add_test(test_case, a_batch_that_grows_a_thousandfold_is_opened);
  tcase_add_test(test_case, data_that_the_codec_refuses_is_corrupt);
  tcase_add_test(test_case, a_codec_that_nobody_knows_is_refused);
  suite_add_tcase(suite, test_case);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_ENV);
  int failures = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failures != 0;
}
