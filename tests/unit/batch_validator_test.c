#include "base/status.h"
#include "broker/batch_validator.h"
#include "support/broker_exchange.h"
#include "support/codecs.h"
#include <check.h>
#include <string.h>

enum { VERSION = 9, NOW_MS = 1000000 };

static struct batch_validator validator;
static struct batch_rules rules;
static struct wire_writer writer;
static struct bytes batch; /* 20 records, uncompressed, from an idempotent producer */

static void set_up(void) {
  struct batch_plan plan = {.idempotent = true, .producer_id = 5, .record_count = 20};
  validator = (struct batch_validator){0};
  writer = (struct wire_writer){0};
  rules = (struct batch_rules){
      .message_max_bytes = 100000, .check_records = true, .timestamp_ahead_max_ms = 3600000};
  batch = batch_plan_write(&plan, &writer);
}

static void tear_down(void) {
  batch_validator_deinit(&validator);
  wire_writer_deinit(&writer);
}

static int16_t check(struct bytes records) {
  struct batch_judgement judgement = batch_validator_check(&validator, &rules, records, VERSION, NOW_MS);
  ck_assert_int_eq(judgement.message != NULL, judgement.error_code != 0);
  return judgement.error_code;
}

/* Checks the batch with one byte changed and, if told so, its checksum made right again. */
static int16_t check_with(size_t at, uint8_t value, bool seal) {
  uint8_t before = writer.data[at];
  writer.data[at] = value;
  if (seal) batch_seal(writer.data, batch.size);
  int16_t error_code = check(batch);
  writer.data[at] = before;
  batch_seal(writer.data, batch.size);
  return error_code;
}

START_TEST(a_good_batch_is_valid_with_its_header) {
  struct batch_judgement judgement = batch_validator_check(&validator, &rules, batch, VERSION, NOW_MS);
  ck_assert_int_eq(judgement.error_code, 0);
  ck_assert_int_eq(judgement.header.record_count, 20);
  ck_assert_int_eq(judgement.header.producer_id, 5);
}
END_TEST

START_TEST(every_codec_is_valid) {
  for (int codec = COMPRESSION_NONE; codec < COMPRESSION_CODEC_COUNT; codec++) {
    if (!codec_is_built_in((enum compression_codec)codec)) continue;
    struct batch_plan plan = {.record_count = 50, .codec = (enum compression_codec)codec};
    wire_writer_reset(&writer);
    ck_assert_int_eq(check(batch_plan_write(&plan, &writer)), 0);
  }
}
END_TEST

START_TEST(records_that_are_absent_or_cut_are_refused) {
  ck_assert_int_eq(check(bytes_of(NULL, 0)), STATUS_INVALID_RECORD);
  for (size_t size = 0; size < batch.size; size++)
    ck_assert_int_eq(check(bytes_of(batch.data, size)), STATUS_INVALID_RECORD);
}
END_TEST

START_TEST(more_than_one_batch_is_refused) {
  size_t size = batch.size;
  batch_plan_write(&(struct batch_plan){0}, &writer);
  ck_assert_int_eq(check(bytes_of(writer.data, writer.size)), STATUS_INVALID_RECORD);
  ck_assert_int_eq(check(bytes_of(writer.data, size + 1)), STATUS_INVALID_RECORD);
  ck_assert_int_eq(check(bytes_of(writer.data, size)), 0);
}
END_TEST

START_TEST(any_changed_byte_under_the_checksum_is_corrupt) {
  for (size_t at = RECORD_BATCH_CRC_FROM; at < batch.size; at++)
    ck_assert_int_eq(check_with(at, (uint8_t)(writer.data[at] ^ 0x10), false), STATUS_CORRUPT_MESSAGE);
}
END_TEST

START_TEST(fields_that_contradict_are_refused) {
  ck_assert_int_eq(check_with(16, 1, false), STATUS_INVALID_RECORD);   /* magic */
  ck_assert_int_eq(check_with(7, 1, false), STATUS_INVALID_RECORD);    /* base offset */
  ck_assert_int_eq(check_with(26, 18, true), STATUS_INVALID_RECORD);   /* last offset delta */
  ck_assert_int_eq(check_with(60, 19, true), STATUS_INVALID_RECORD);   /* record count */
  ck_assert_int_eq(check_with(57, 0x80, true), STATUS_INVALID_RECORD); /* record count below 0 */
  ck_assert_int_eq(check_with(22, 0x20, true), STATUS_INVALID_RECORD); /* a control batch */
  ck_assert_int_eq(check_with(22, 0x10, true), STATUS_INVALID_TXN_STATE);
  ck_assert_int_eq(check_with(22, 7, true), STATUS_UNSUPPORTED_COMPRESSION_TYPE);
  ck_assert_int_eq(check_with(22, 4, true), codec_is_built_in(COMPRESSION_ZSTD)
                                                ? STATUS_CORRUPT_MESSAGE /* not zstd */
                                                : STATUS_UNSUPPORTED_COMPRESSION_TYPE);
  ck_assert_int_eq(check_with(53, 0x80, true), STATUS_INVALID_RECORD); /* base sequence below 0 */
  ck_assert_int_eq(check_with(51, 0x80, true), STATUS_INVALID_RECORD); /* epoch below 0 */
  ck_assert_int_eq(check(batch), 0);
}
END_TEST

START_TEST(fewer_or_more_records_than_counted_are_refused) {
  writer.data[60] = writer.data[26] = 0;
  writer.data[60] = 21;
  writer.data[26] = 20;
  batch_seal(writer.data, batch.size);
  ck_assert_int_eq(check(batch), STATUS_INVALID_RECORD);
  writer.data[60] = 19;
  writer.data[26] = 18;
  batch_seal(writer.data, batch.size);
  ck_assert_int_eq(check(batch), STATUS_INVALID_RECORD);
}
END_TEST

START_TEST(offsets_of_records_have_to_be_consecutive) {
  /* length, attributes, timestamp delta, offset delta: one byte each in a small record */
  ck_assert_int_eq(writer.data[RECORD_BATCH_HEADER_BYTES + 3], 0);
  ck_assert_int_eq(check_with(RECORD_BATCH_HEADER_BYTES + 3, 2, true), STATUS_INVALID_RECORD);
}
END_TEST

START_TEST(zstd_needs_version_7) {
  if (!codec_is_built_in(COMPRESSION_ZSTD)) return;
  struct batch_plan plan = {.record_count = 50, .codec = COMPRESSION_ZSTD};
  wire_writer_reset(&writer);
  batch = batch_plan_write(&plan, &writer);
  ck_assert_int_eq(batch_validator_check(&validator, &rules, batch, 6, NOW_MS).error_code,
                   STATUS_UNSUPPORTED_COMPRESSION_TYPE);
  ck_assert_int_eq(batch_validator_check(&validator, &rules, batch, 7, NOW_MS).error_code, 0);
}
END_TEST

START_TEST(size_is_limited_for_the_whole_batch) {
  rules.message_max_bytes = batch.size - 1;
  ck_assert_int_eq(check(batch), STATUS_MESSAGE_TOO_LARGE);
  rules.message_max_bytes = batch.size;
  ck_assert_int_eq(check(batch), 0);
}
END_TEST

START_TEST(records_from_the_future_are_named) {
  /* Records lie 1 ms apart from 1000000: those from the 16th on are too far ahead. */
  rules.timestamp_ahead_max_ms = 100;
  struct batch_judgement judgement = batch_validator_check(&validator, &rules, batch, VERSION, NOW_MS - 85);
  ck_assert_int_eq(judgement.error_code, STATUS_INVALID_TIMESTAMP);
  ck_assert_int_eq(validator.error_count, 4);
  for (int32_t index = 0; index < 4; index++)
    ck_assert_int_eq(validator.errors[index].batch_index, 16 + index);
  ck_assert_int_eq(check(batch), 0);
  ck_assert_int_eq(validator.error_count, 0);
}
END_TEST

START_TEST(values_that_are_to_be_refused_are_named) {
  rules.refused_value = bytes_of_string("value-1");
  ck_assert_int_eq(check(batch), STATUS_INVALID_RECORD);
  ck_assert_int_eq(validator.error_count, 11); /* 1, 10 to 19 */
  ck_assert_int_eq(validator.errors[0].batch_index, 1);
  ck_assert_int_eq(validator.errors[10].batch_index, 19);
}
END_TEST

START_TEST(records_are_not_looked_at_when_that_is_off) {
  rules.check_records = false;
  rules.refused_value = bytes_of_string("value-1");
  ck_assert_int_eq(check(batch), 0);
  ck_assert_int_eq(check_with(RECORD_BATCH_HEADER_BYTES + 3, 2, true), 0);
  ck_assert_int_eq(check_with(RECORD_BATCH_HEADER_BYTES + 3, 2, false), STATUS_CORRUPT_MESSAGE);
}
END_TEST

START_TEST(no_change_of_the_records_goes_unnoticed_into_a_crash) {
  /* Each byte of the records takes each of these values under a right checksum: a verdict has to come back.
   */
  static const uint8_t values[] = {0, 1, 0x7f, 0x80, 0xfe, 0xff};
  for (size_t at = RECORD_BATCH_HEADER_BYTES; at < batch.size; at++) {
    for (size_t index = 0; index < sizeof values; index++) {
      int16_t error_code = check_with(at, values[index], true);
      ck_assert(error_code == 0 || error_code == STATUS_INVALID_RECORD ||
                error_code == STATUS_INVALID_TIMESTAMP);
    }
  }
}
END_TEST

int main(void) {
  Suite *suite = suite_create("batch_validator");
  TCase *test_case = tcase_create("all");
  tcase_add_checked_fixture(test_case, set_up, tear_down);
  tcase_add_test(test_case, a_good_batch_is_valid_with_its_header);
  tcase_add_test(test_case, every_codec_is_valid);
  tcase_add_test(test_case, records_that_are_absent_or_cut_are_refused);
  tcase_add_test(test_case, more_than_one_batch_is_refused);
  tcase_add_test(test_case, any_changed_byte_under_the_checksum_is_corrupt);
  tcase_add_test(test_case, fields_that_contradict_are_refused);
  tcase_add_test(test_case, fewer_or_more_records_than_counted_are_refused);
  tcase_add_test(test_case, offsets_of_records_have_to_be_consecutive);
  tcase_add_test(test_case, zstd_needs_version_7);
  tcase_add_test(test_case, size_is_limited_for_the_whole_batch);
  tcase_add_test(test_case, records_from_the_future_are_named);
  tcase_add_test(test_case, values_that_are_to_be_refused_are_named);
  tcase_add_test(test_case, records_are_not_looked_at_when_that_is_off);
  tcase_add_test(test_case, no_change_of_the_records_goes_unnoticed_into_a_crash);
  suite_add_tcase(suite, test_case);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_ENV);
  int failures = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failures != 0;
}
