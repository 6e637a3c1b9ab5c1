/* What is accepted arrives as it was given, and is reported once and in order, in each report mode. */
#include "abi/support/brokers.h"
#include "abi/support/producers.h"
#include "protocol/api.h"
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { RECORDS = 5000, PARTITIONS = 4 };

static struct calls calls;
static sendoff_callbacks callbacks;
static sendoff_producer *producer;

static void set_up(void) {
  broker_start();
  calls_init(&calls);
  callbacks = calls_callbacks(&calls);
}

static void end(void) {
  ck_assert_int_eq(sendoff_close(producer, PATIENCE_MS), SENDOFF_OK);
  sendoff_destroy(producer);
  producer = NULL;
}

static void tear_down(void) {
  if (producer != NULL) end();
  UNTIL(calls.releases == 1);
  calls_deinit(&calls);
  broker_stop();
}

/* Record i goes to partition i % PARTITIONS with its number as value and opaque. */
static void send_all(uint64_t from, uint64_t count) {
  for (uint64_t i = from; i < from + count; i++) {
    char value[24];
    snprintf(value, sizeof value, "%llu", (unsigned long long)i);
    send_ok(producer, "four", (int32_t)(i % PARTITIONS), value, i);
  }
}

/* Each opaque once, and in each partition in the order of sending, at the offset where it lies. */
static void expect_reports(const sendoff_report *reports, size_t count) {
  struct stored_records stored[PARTITIONS];
  int64_t next[PARTITIONS];
  ck_assert_uint_eq(count, RECORDS);
  for (int32_t p = 0; p < PARTITIONS; p++) {
    stored_records_read(&stored[p], "four", p);
    ck_assert_uint_eq(stored[p].count, RECORDS / PARTITIONS);
    next[p] = 0;
  }
  for (size_t i = 0; i < count; i++) {
    const sendoff_report *report = &reports[i];
    static const uint8_t zero[sizeof report->zero];
    int32_t p = report->partition;
    ck_assert_int_eq(report->outcome, SENDOFF_OUTCOME_DELIVERED);
    ck_assert_int_eq(report->status, SENDOFF_OK);
    ck_assert_int_ge(p, 0);
    ck_assert_int_lt(p, PARTITIONS);
    ck_assert_int_eq(report->offset, next[p]);
    ck_assert_uint_eq(report->opaque, (uint64_t)(next[p] * PARTITIONS + p));
    ck_assert_int_eq(report->broker, 1);
    ck_assert_uint_eq(report->attempts, 1);
    ck_assert_int_ge(report->latency_us, 0);
    ck_assert_mem_eq(report->zero, zero, sizeof zero);
    const struct stored_record *record = &stored[p].records[next[p]];
    ck_assert_uint_eq(strtoull(record->value, NULL, 10), report->opaque);
    ck_assert_int_eq(record->timestamp_ms, report->timestamp_ms);
    next[p]++;
  }
  for (int32_t p = 0; p < PARTITIONS; p++)
    stored_records_free(&stored[p]);
}

START_TEST(callbacks_tell_of_each_record_once_and_in_order) {
  producer = producer_open(&callbacks, SETTINGS("delivery.report.mode", _i == 0 ? "callback" : "dispatcher"));
  send_all(0, RECORDS);
  sendoff_flush_result result = {.size = sizeof result};
  ck_assert_int_eq(sendoff_flush(producer, PATIENCE_MS, &result), SENDOFF_OK);
  ck_assert_uint_eq(result.pending + result.failed + result.unknown, 0);
  ck_assert_uint_eq(calls.count, RECORDS); /* all have been called when flush returns */
  end();
  expect_reports(calls.reports, calls.count);
}
END_TEST

START_TEST(close_calls_for_what_was_never_flushed) {
  producer = producer_open(&callbacks, SETTINGS("delivery.report.mode", _i == 0 ? "callback" : "dispatcher",
                                                "linger.ms", "1000000", "delivery.timeout.ms", "2000000"));
  send_all(0, RECORDS);
  end();
  expect_reports(calls.reports, calls.count);
}
END_TEST

START_TEST(a_queue_tells_of_each_record_once_and_in_order) {
  static sendoff_report reports[RECORDS + 1];
  producer = producer_open(&callbacks, SETTINGS("delivery.report.mode", "queue"));
  send_all(0, RECORDS);
  size_t count = 0, taken = 0, capacity = 1;
  while (count < RECORDS) {
    size_t room = RECORDS + 1 - count;
    ck_assert_int_eq(
        sendoff_poll(producer, reports + count, capacity < room ? capacity : room, PATIENCE_MS, &taken),
        SENDOFF_OK);
    ck_assert_uint_ge(taken, 1);
    ck_assert_uint_le(taken, capacity);
    count += taken;
    capacity = capacity % 97 + 1;
  }
  ck_assert_int_eq(sendoff_poll(producer, reports, 1, 0, &taken), SENDOFF_TIMED_OUT);
  ck_assert_uint_eq(taken, 0);
  end();
  ck_assert_uint_eq(calls.count, 0);
  expect_reports(reports, count);
}
END_TEST

START_TEST(without_a_callback_there_are_counters_only) {
  producer = producer_open(NULL, SETTINGS("client.id", "counting"));
  send_all(0, RECORDS);
  ck_assert_int_eq(sendoff_flush(producer, PATIENCE_MS, NULL), SENDOFF_OK);
  sendoff_counters counters = counters_of(producer);
  ck_assert_uint_eq(counters.records_accepted, RECORDS);
  ck_assert_uint_eq(counters.records_delivered, RECORDS);
  ck_assert_uint_eq(counters.records_pending, 0);
  ck_assert_uint_eq(counters.reports_unread, 0);
  ck_assert_uint_eq(counters.buffer_bytes_used, 0);
  ck_assert_int_eq(broker_record_count("four", PARTITIONS), RECORDS);
  end();
  calls.releases = 1; /* of nobody's */
}
END_TEST

/* Records with a callback of their own among others, in the modes that allow it. */
START_TEST(a_records_own_callback_is_called_besides) {
  static const char *const modes[] = {"callback", "dispatcher", "none"};
  struct calls own;
  calls_init(&own);
  producer = producer_open(&callbacks, SETTINGS("delivery.report.mode", modes[_i]));
  for (uint64_t i = 0; i < 300; i++) {
    sendoff_record record = record_of("one", 0, "value", i);
    if (i % 3 == 0) {
      record.callback = calls_on_record;
      record.user = &own;
    }
    ck_assert_int_eq(sendoff_send(producer, &record), SENDOFF_OK);
  }
  ck_assert_int_eq(sendoff_flush(producer, PATIENCE_MS, NULL), SENDOFF_OK);
  ck_assert_uint_eq(own.count, 100);
  for (size_t i = 0; i < own.count; i++)
    ck_assert_uint_eq(own.reports[i].opaque, 3 * i);
  ck_assert_uint_eq(calls.count, _i == 2 ? 0 : 300);
  end();
  calls_deinit(&own);
}
END_TEST

START_TEST(a_records_own_callback_has_no_place_beside_a_queue) {
  producer = producer_open(&callbacks, SETTINGS("delivery.report.mode", "queue"));
  sendoff_record record = record_of("one", 0, "value", 1);
  record.callback = calls_on_record;
  record.user = &calls;
  ck_assert_int_eq(sendoff_send(producer, &record), SENDOFF_NOT_CONFIGURED);
  ck_assert_uint_eq(counters_of(producer).records_accepted, 0);
}
END_TEST

START_TEST(a_record_is_read_back_as_it_was_given) {
  static const sendoff_header headers[] = {{"a", 1, "1", 1},        {"a", 1, "2", 1},
                                           {"nothing", 7, NULL, 0}, {"empty", 5, "", 0},
                                           {"", 0, "unnamed", 7},   {"a", 1, "1", 1}};
  producer = producer_open(&callbacks, SETTINGS("linger.ms", "0"));
  sendoff_record record = {.size = sizeof record,
                           .set = SENDOFF_SET_PARTITION | SENDOFF_SET_TIMESTAMP,
                           .topic = "four",
                           .partition = 2,
                           .key = "k\0y",
                           .key_bytes = 3,
                           .value = "v\0lue",
                           .value_bytes = 5,
                           .headers = headers,
                           .header_count = 6,
                           .timestamp_ms = 1234567890123,
                           .opaque = UINT64_MAX};
  ck_assert_int_eq(sendoff_send(producer, &record), SENDOFF_OK);
  end();
  struct stored_records stored;
  stored_records_read(&stored, "four", 2);
  ck_assert_uint_eq(stored.count, 1);
  ck_assert_uint_eq(stored.records[0].key_bytes, 3);
  ck_assert_mem_eq(stored.records[0].key, "k\0y", 3);
  ck_assert_uint_eq(stored.records[0].value_bytes, 5);
  ck_assert_mem_eq(stored.records[0].value, "v\0lue", 5);
  ck_assert_str_eq(stored.records[0].headers, "a=1;a=2;nothing;empty=;=unnamed;a=1;");
  ck_assert_int_eq(stored.records[0].timestamp_ms, 1234567890123);
  ck_assert_uint_eq(calls.reports[0].opaque, UINT64_MAX);
  ck_assert_int_eq(calls.reports[0].timestamp_ms, 1234567890123);
  ck_assert_int_eq(calls.reports[0].partition, 2);
  stored_records_free(&stored);
}
END_TEST

START_TEST(null_and_empty_are_different) {
  producer = producer_open(&callbacks, NULL);
  for (uint64_t i = 0; i < 4; i++) {
    sendoff_record record = record_of("one", 0, NULL, i);
    record.key = i / 2 == 0 ? NULL : "";
    record.value = i % 2 == 0 ? NULL : "";
    ck_assert_int_eq(sendoff_send(producer, &record), SENDOFF_OK);
  }
  end();
  struct stored_records stored;
  stored_records_read(&stored, "one", 0);
  ck_assert_uint_eq(stored.count, 4);
  for (uint64_t i = 0; i < 4; i++) {
    ck_assert(stored.records[i].has_key == (i / 2 != 0));
    ck_assert(stored.records[i].has_value == (i % 2 != 0));
    ck_assert_uint_eq(stored.records[i].key_bytes + stored.records[i].value_bytes, 0);
    ck_assert_uint_eq(stored.records[i].header_count, 0);
  }
  stored_records_free(&stored);
}
END_TEST

/* Fields that the mask does not name are not read: zero is a value like any other. */
START_TEST(the_mask_says_what_is_set) {
  producer = producer_open(&callbacks, NULL);
  sendoff_record record = record_of("four", -1, "zero", 0);
  record.set = SENDOFF_SET_PARTITION | SENDOFF_SET_TIMESTAMP;
  record.partition = 0;
  record.timestamp_ms = 0;
  ck_assert_int_eq(sendoff_send(producer, &record), SENDOFF_OK);
  record = record_of("one", -1, "neither", 1);
  record.set = 0;
  record.partition = 77;
  record.timestamp_ms = -77;
  record.topic_id = 77;
  ck_assert_int_eq(sendoff_send(producer, &record), SENDOFF_OK);
  end();
  struct stored_records stored;
  stored_records_read(&stored, "four", 0);
  ck_assert_uint_eq(stored.count, 1);
  ck_assert_int_eq(stored.records[0].timestamp_ms, 0);
  stored_records_free(&stored);
  stored_records_read(&stored, "one", 0);
  ck_assert_uint_eq(stored.count, 1);
  ck_assert_int_gt(stored.records[0].timestamp_ms, 1500000000000); /* now */
  stored_records_free(&stored);
}
END_TEST

START_TEST(a_topic_has_one_id_for_life_and_is_found_by_it) {
  uint32_t four = 77, again = 78, one = 79;
  size_t needed = 0;
  char name[8];
  producer = producer_open(&callbacks, NULL);
  ck_assert_int_eq(sendoff_topic(producer, "four", &four), SENDOFF_OK);
  ck_assert_int_eq(sendoff_topic(producer, "one", &one), SENDOFF_OK);
  ck_assert_int_eq(sendoff_topic(producer, "four", &again), SENDOFF_OK);
  ck_assert_uint_eq(four, again);
  ck_assert_uint_ne(four, one);
  ck_assert_int_eq(sendoff_topic_name(producer, four, name, sizeof name, &needed), SENDOFF_OK);
  ck_assert_str_eq(name, "four");
  ck_assert_uint_eq(needed, 4);
  ck_assert_int_eq(sendoff_topic_name(producer, one, name, 3, &needed), SENDOFF_OK);
  ck_assert_str_eq(name, "on"); /* cut, and terminated */
  ck_assert_uint_eq(needed, 3);
  ck_assert_int_eq(sendoff_topic_name(producer, one, NULL, 0, NULL), SENDOFF_OK);
  ck_assert_int_eq(sendoff_topic_name(producer, 1000, name, sizeof name, &needed), SENDOFF_INVALID_ARGUMENT);
  sendoff_record record = record_of(NULL, 3, "by id", 5);
  record.set |= SENDOFF_SET_TOPIC_ID;
  record.topic_id = four;
  ck_assert_int_eq(sendoff_send(producer, &record), SENDOFF_OK);
  record.topic_id = 1000;
  ck_assert_int_eq(sendoff_send(producer, &record), SENDOFF_INVALID_ARGUMENT);
  end();
  ck_assert_int_eq(broker_record_count("four", PARTITIONS), 1);
  ck_assert_uint_eq(calls.reports[0].topic, four);
}
END_TEST

START_TEST(send_sync_returns_the_report_and_keeps_it) {
  static const char *const modes[] = {"callback", "dispatcher", "queue", "none"};
  sendoff_report report;
  memset(&report, 0xff, sizeof report);
  producer = producer_open(&callbacks, SETTINGS("delivery.report.mode", modes[_i], "linger.ms", "1000000",
                                                "delivery.timeout.ms", "2000000"));
  for (int64_t i = 0; i < 10; i++) {
    sendoff_record record = record_of("one", 0, "value", (uint64_t)i);
    ck_assert_int_eq(sendoff_send_sync(producer, &record, PATIENCE_MS, &report), SENDOFF_OK);
    ck_assert_int_eq(report.outcome, SENDOFF_OUTCOME_DELIVERED);
    ck_assert_int_eq(report.offset, i);
    ck_assert_uint_eq(report.opaque, (uint64_t)i);
  }
  ck_assert_int_eq(sendoff_flush(producer, PATIENCE_MS, NULL), SENDOFF_OK);
  sendoff_counters counters = counters_of(producer);
  ck_assert_uint_eq(counters.reports_unread, 0);
  ck_assert_uint_eq(counters.buffer_bytes_used, 0);
  end();
  ck_assert_uint_eq(calls.count, 0);
}
END_TEST

/* Sync and other records share batches; each report goes where it belongs. */
START_TEST(send_sync_mixes_with_others) {
  sendoff_report reports[8];
  size_t count = 0;
  producer = producer_open(NULL, SETTINGS("delivery.report.mode", "queue", "linger.ms", "1000000",
                                          "delivery.timeout.ms", "2000000"));
  for (uint64_t i = 0; i < 5; i++) {
    sendoff_record record = record_of("one", 0, "sync", 100 + i);
    send_ok(producer, "one", 0, "queued", i);
    ck_assert_int_eq(sendoff_send_sync(producer, &record, PATIENCE_MS, &reports[0]), SENDOFF_OK);
    ck_assert_uint_eq(reports[0].opaque, 100 + i);
    ck_assert_uint_eq(counters_of(producer).reports_unread, 1);
    ck_assert_int_eq(sendoff_poll(producer, reports, 1, 0, &count), SENDOFF_OK);
    ck_assert_uint_eq(reports[0].opaque, i);
    ck_assert_uint_eq(counters_of(producer).buffer_bytes_used, 0); /* nothing is left behind */
  }
  end();
  calls.releases = 1;
}
END_TEST

START_TEST(send_sync_returns_why_it_failed) {
  sendoff_report report = {.opaque = 7};
  broker_inject(&(struct broker_fault){.api_key = API_PRODUCE, .partition = -1, .error_code = 29});
  producer = producer_open(&callbacks, NULL);
  sendoff_record record = record_of("one", 0, "value", 9);
  ck_assert_int_eq(sendoff_send_sync(producer, &record, PATIENCE_MS, &report), 29);
  ck_assert_int_eq(report.outcome, SENDOFF_OUTCOME_NOT_DELIVERED);
  ck_assert_uint_eq(report.opaque, 9);
  record.set = SENDOFF_SET_PARTITION;
  record.topic = "bad topic";
  report.opaque = 7;
  ck_assert_int_eq(sendoff_send_sync(producer, &record, PATIENCE_MS, &report), 17);
  ck_assert_uint_eq(report.opaque, 7); /* refused: untouched */
  record = record_of("one", 0, "value", 9);
  record.callback = calls_on_record;
  ck_assert_int_eq(sendoff_send_sync(producer, &record, PATIENCE_MS, &report), SENDOFF_INVALID_ARGUMENT);
}
END_TEST

START_TEST(send_sync_out_of_time_leaves_the_record_accepted) {
  sendoff_report report = {.opaque = 7};
  producer = producer_open(&callbacks, NULL);
  broker_server_pause(broker);
  sendoff_record record = record_of("one", 0, "value", 9);
  ck_assert_int_eq(sendoff_send_sync(producer, &record, 0, &report), SENDOFF_TIMED_OUT);
  ck_assert_uint_eq(report.opaque, 7);
  ck_assert_uint_eq(counters_of(producer).records_accepted, 1);
  broker_server_continue(broker);
  end();
  ck_assert_int_eq(broker_record_count("one", 1), 1);
  ck_assert_uint_eq(calls.count, 0); /* its report is nobody's */
}
END_TEST

START_TEST(failures_are_reported_with_their_reason) {
  producer = producer_open(&callbacks, SETTINGS("linger.ms", "0"));
  broker_inject(
      &(struct broker_fault){.api_key = API_PRODUCE, .topic = "four", .partition = 1, .error_code = 29});
  for (int32_t p = 0; p < PARTITIONS; p++)
    send_ok(producer, "four", p, "value", (uint64_t)p);
  sendoff_flush_result result = {.size = sizeof result};
  ck_assert_int_eq(sendoff_flush(producer, PATIENCE_MS, &result), SENDOFF_OK);
  ck_assert_uint_eq(result.failed, 1);
  ck_assert_uint_eq(result.unknown, 0);
  ck_assert_int_eq(sendoff_flush(producer, PATIENCE_MS, &result), SENDOFF_OK);
  ck_assert_uint_eq(result.failed, 0); /* since the last one */
  end();
  ck_assert_uint_eq(calls.count, PARTITIONS);
  for (size_t i = 0; i < calls.count; i++) {
    bool failed = calls.reports[i].partition == 1;
    ck_assert_int_eq(calls.reports[i].status, failed ? 29 : SENDOFF_OK);
    ck_assert_int_eq(calls.reports[i].outcome,
                     failed ? SENDOFF_OUTCOME_NOT_DELIVERED : SENDOFF_OUTCOME_DELIVERED);
    ck_assert_int_eq(calls.reports[i].offset, failed ? -1 : 0);
  }
}
END_TEST

START_TEST(without_acknowledgements_a_record_is_reported_when_it_is_handed_over) {
  producer = producer_open(&callbacks, SETTINGS("acks", "0", "enable.idempotence", "false"));
  for (uint64_t i = 0; i < 100; i++)
    send_ok(producer, "one", 0, "value", i);
  sendoff_flush_result result = {.size = sizeof result};
  ck_assert_int_eq(sendoff_flush(producer, PATIENCE_MS, &result), SENDOFF_OK);
  ck_assert_uint_eq(result.unknown + result.failed, 0);
  ck_assert_uint_eq(counters_of(producer).records_unacknowledged, 100);
  end();
  ck_assert_uint_eq(calls.count, 100);
  for (size_t i = 0; i < calls.count; i++) {
    ck_assert_int_eq(calls.reports[i].outcome, SENDOFF_OUTCOME_UNKNOWN);
    ck_assert_int_eq(calls.reports[i].status, SENDOFF_NO_ACKNOWLEDGEMENT);
  }
  UNTIL(broker_record_count("one", 1) == 100);
}
END_TEST

static void expect_refusal(const char *codec) {
  sendoff_config *config = config_open(SETTINGS("compression.type", codec));
  char error[512] = "", expected[100];
  snprintf(expected, sizeof expected, "compression.type=%s: this library was built without %s", codec, codec);
  ck_assert_int_eq(sendoff_create(config, &callbacks, &producer, error, sizeof error),
                   SENDOFF_INVALID_SETTING);
  ck_assert_str_eq(error, expected);
  sendoff_config_destroy(config);
}

START_TEST(every_codec_arrives_as_it_was_given) {
  static const char *const codecs[] = {"none", "gzip", "snappy", "lz4", "zstd"};
  if (_i > 0 && strstr(sendoff_features(), codecs[_i]) == NULL) {
    expect_refusal(codecs[_i]);
    return;
  }
  producer = producer_open(&callbacks, SETTINGS("compression.type", codecs[_i]));
  send_all(0, RECORDS);
  end();
  expect_reports(calls.reports, calls.count);
}
END_TEST

int main(void) {
  Suite *suite = suite_create("delivery");
  TCase *tests = tcase_create("delivery");
  tcase_set_timeout(tests, 120);
  tcase_add_checked_fixture(tests, set_up, tear_down);
  tcase_add_loop_test(tests, callbacks_tell_of_each_record_once_and_in_order, 0, 2);
  tcase_add_loop_test(tests, close_calls_for_what_was_never_flushed, 0, 2);
  tcase_add_test(tests, a_queue_tells_of_each_record_once_and_in_order);
  tcase_add_test(tests, without_a_callback_there_are_counters_only);
  tcase_add_loop_test(tests, a_records_own_callback_is_called_besides, 0, 3);
  tcase_add_test(tests, a_records_own_callback_has_no_place_beside_a_queue);
  tcase_add_test(tests, a_record_is_read_back_as_it_was_given);
  tcase_add_test(tests, null_and_empty_are_different);
  tcase_add_test(tests, the_mask_says_what_is_set);
  tcase_add_test(tests, a_topic_has_one_id_for_life_and_is_found_by_it);
  tcase_add_loop_test(tests, send_sync_returns_the_report_and_keeps_it, 0, 4);
  tcase_add_test(tests, send_sync_mixes_with_others);
  tcase_add_test(tests, send_sync_returns_why_it_failed);
  tcase_add_test(tests, send_sync_out_of_time_leaves_the_record_accepted);
  tcase_add_test(tests, failures_are_reported_with_their_reason);
  tcase_add_test(tests, without_acknowledgements_a_record_is_reported_when_it_is_handed_over);
  tcase_add_loop_test(tests, every_codec_arrives_as_it_was_given, 0, 5);
  suite_add_tcase(suite, tests);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_ENV);
  int failures = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failures != 0;
}
