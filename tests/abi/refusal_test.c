/* What every function answers to arguments that cannot be right: NULL, numbers that never were handles,
 * and handles that were destroyed. Sizes of structs are sizes_test.c's. */
#include "abi/support/brokers.h"
#include "abi/support/producers.h"
#include <check.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

static sendoff_producer *producer;

static void set_up(void) {
  broker_start();
  producer = producer_open(NULL, SETTINGS("delivery.report.mode", "queue"));
}

static void tear_down(void) {
  sendoff_close(producer, 0);
  sendoff_destroy(producer);
  broker_stop();
}

/* Every function that takes a producer answers the same to a handle that is none. */
static void expect_refused(sendoff_producer *handle, int32_t status) {
  char text[64] = "untouched";
  uint32_t number = 77;
  size_t size = 77;
  int32_t descriptor = 77;
  sendoff_record record = record_of("one", 0, "value", 1);
  sendoff_report report = {.opaque = 77};
  sendoff_flush_result flushed = {.size = sizeof flushed, .pending = 77};
  sendoff_event event = {.size = sizeof event, .kind = 77};
  sendoff_counters counters = {.size = sizeof counters, .records_accepted = 77};
  sendoff_partitions *partitions = NULL;
  sendoff_token token = {.size = sizeof token, .value = "a.b.c", .expires_ms = INT64_MAX};
  const uint64_t packed[5] = {0};
  ck_assert_int_eq(sendoff_connect(handle, 0, text, sizeof text), status);
  ck_assert_int_eq(sendoff_topic(handle, "one", &number), status);
  ck_assert_int_eq(sendoff_topic_name(handle, 0, text, sizeof text, &size), status);
  ck_assert_int_eq(sendoff_send(handle, &record), status);
  ck_assert_int_eq(sendoff_try_send(handle, &record), status);
  ck_assert_int_eq(sendoff_send_sync(handle, &record, 0, &report), status);
  ck_assert_int_eq(sendoff_send_flat(handle, 0, 0, 0, 0, NULL, 0, NULL, 0, NULL, 0, 0), status);
  uint32_t accepted = 77;
  ck_assert_int_eq(sendoff_send_batch(handle, packed, sizeof packed, 1, 0, &accepted), status);
  ck_assert_uint_eq(accepted, 0);
  ck_assert_int_eq(sendoff_wait_for_space(handle, 1, 0), status);
  ck_assert_int_eq(sendoff_flush(handle, 0, &flushed), status);
  ck_assert_int_eq(sendoff_close(handle, 0), status);
  ck_assert_int_eq(sendoff_poll(handle, &report, 1, 0, &size), status);
  ck_assert_int_eq(sendoff_report_descriptor(handle, &descriptor), status);
  ck_assert_int_eq(sendoff_poll_event(handle, &event, 0), status);
  ck_assert_int_eq(sendoff_wake(handle), status);
  ck_assert_int_eq(sendoff_set_token(handle, &token, NULL, 0), status);
  ck_assert_int_eq(sendoff_set_token_failure(handle, "there is none"), status);
  ck_assert_int_eq(sendoff_wait_token_wanted(handle, 0), status);
  ck_assert_int_eq(sendoff_reload_credentials(handle, NULL, NULL, 0), status);
  ck_assert_int_eq(sendoff_get_counters(handle, &counters), status);
  ck_assert_int_eq(sendoff_partitions_for(handle, "one", 0, &partitions), status);
  sendoff_destroy(handle);
  ck_assert_str_eq(text, "untouched");
  ck_assert_uint_eq(number, 77);
  ck_assert_uint_eq(size, 77);
  ck_assert_int_eq(descriptor, 77);
  ck_assert_uint_eq(report.opaque, 77);
  ck_assert_uint_eq(flushed.pending, 77);
  ck_assert_uint_eq(event.kind, 77);
  ck_assert_uint_eq(counters.records_accepted, 77);
  ck_assert_ptr_null(partitions);
}

START_TEST(null_is_refused) {
  expect_refused(NULL, SENDOFF_INVALID_ARGUMENT);
}
END_TEST

START_TEST(numbers_that_never_were_handles_are_refused) {
  static int object;
  expect_refused((sendoff_producer *)(void *)&object, SENDOFF_INVALID_ARGUMENT);   /* an address */
  expect_refused((sendoff_producer *)(uintptr_t)0x1fff, SENDOFF_INVALID_ARGUMENT); /* a slot never used */
  expect_refused((sendoff_producer *)UINTPTR_MAX, SENDOFF_INVALID_ARGUMENT);
}
END_TEST

START_TEST(destroyed_handles_are_closed) {
  sendoff_producer *stale = producer;
  sendoff_destroy(stale);
  expect_refused(stale, SENDOFF_CLOSED);
  producer = producer_open(NULL, NULL); /* perhaps in the same slot */
  ck_assert_ptr_ne(producer, stale);
  expect_refused(stale, SENDOFF_CLOSED);
  sendoff_destroy(stale); /* hits nobody else */
  ck_assert_uint_eq(counters_of(producer).records_accepted, 0);
}
END_TEST

START_TEST(closed_producers_refuse_records_and_waits) {
  char text[64];
  uint32_t number;
  sendoff_record record = record_of("one", 0, "value", 1);
  sendoff_report report;
  sendoff_partitions *partitions;
  sendoff_event event = {.size = sizeof event};
  size_t count = 77;
  const uint64_t packed[5] = {0};
  ck_assert_int_eq(sendoff_topic(producer, "one", &number), SENDOFF_OK);
  ck_assert_int_eq(sendoff_close(producer, -1), SENDOFF_OK);
  ck_assert_int_eq(sendoff_close(producer, -1), SENDOFF_OK);
  ck_assert_int_eq(sendoff_send(producer, &record), SENDOFF_CLOSED);
  ck_assert_int_eq(sendoff_try_send(producer, &record), SENDOFF_CLOSED);
  ck_assert_int_eq(sendoff_send_sync(producer, &record, -1, &report), SENDOFF_CLOSED);
  ck_assert_int_eq(sendoff_send_flat(producer, number, 0, 0, 0, NULL, 0, NULL, 0, NULL, 0, 0),
                   SENDOFF_CLOSED);
  ck_assert_int_eq(sendoff_send_batch(producer, packed, sizeof packed, 1, 0, &number), SENDOFF_CLOSED);
  ck_assert_int_eq(sendoff_wait_for_space(producer, 1, -1), SENDOFF_CLOSED);
  ck_assert_int_eq(sendoff_flush(producer, -1, NULL), SENDOFF_CLOSED);
  ck_assert_int_eq(sendoff_connect(producer, -1, text, sizeof text), SENDOFF_CLOSED);
  ck_assert_int_eq(sendoff_topic(producer, "four", &number), SENDOFF_CLOSED);
  ck_assert_int_eq(sendoff_partitions_for(producer, "one", -1, &partitions), SENDOFF_CLOSED);
  ck_assert_int_eq(sendoff_poll(producer, &report, 1, -1, &count), SENDOFF_CLOSED);
  ck_assert_uint_eq(count, 0);
  int32_t status;
  while ((status = sendoff_poll_event(producer, &event, -1)) == SENDOFF_OK) {
  }
  ck_assert_int_eq(status, SENDOFF_CLOSED);
  ck_assert_int_eq(sendoff_wake(producer), SENDOFF_OK);
  ck_assert_uint_eq(counters_of(producer).records_accepted, 0);
  ck_assert_int_eq(sendoff_topic_name(producer, 0, text, sizeof text, NULL), SENDOFF_OK);
  ck_assert_str_eq(text, "one");
}
END_TEST

START_TEST(missing_places_for_answers_are_refused) {
  sendoff_report report;
  size_t count;
  sendoff_record record = record_of("one", 0, "value", 1);
  ck_assert_int_eq(sendoff_topic(producer, NULL, &(uint32_t){0}), SENDOFF_INVALID_ARGUMENT);
  ck_assert_int_eq(sendoff_topic(producer, "one", NULL), SENDOFF_INVALID_ARGUMENT);
  ck_assert_int_eq(sendoff_topic_name(producer, 0, NULL, 5, NULL), SENDOFF_INVALID_ARGUMENT);
  ck_assert_int_eq(sendoff_send(producer, NULL), SENDOFF_INVALID_ARGUMENT);
  ck_assert_int_eq(sendoff_try_send(producer, NULL), SENDOFF_INVALID_ARGUMENT);
  ck_assert_int_eq(sendoff_send_sync(producer, NULL, 0, &report), SENDOFF_INVALID_ARGUMENT);
  ck_assert_int_eq(sendoff_send_sync(producer, &record, 0, NULL), SENDOFF_INVALID_ARGUMENT);
  ck_assert_int_eq(sendoff_send_batch(producer, &report, sizeof report, 0, 0, NULL),
                   SENDOFF_INVALID_ARGUMENT);
  ck_assert_int_eq(sendoff_poll(producer, NULL, 1, 0, &count), SENDOFF_INVALID_ARGUMENT);
  ck_assert_int_eq(sendoff_poll(producer, &report, 0, 0, &count), SENDOFF_INVALID_ARGUMENT);
  ck_assert_int_eq(sendoff_poll(producer, &report, 1, 0, NULL), SENDOFF_INVALID_ARGUMENT);
  ck_assert_int_eq(sendoff_report_descriptor(producer, NULL), SENDOFF_INVALID_ARGUMENT);
  ck_assert_int_eq(sendoff_poll_event(producer, NULL, 0), SENDOFF_INVALID_ARGUMENT);
  ck_assert_int_eq(sendoff_get_counters(producer, NULL), SENDOFF_INVALID_ARGUMENT);
  ck_assert_int_eq(sendoff_partitions_for(producer, NULL, 0, &(sendoff_partitions *){NULL}),
                   SENDOFF_INVALID_ARGUMENT);
  ck_assert_int_eq(sendoff_partitions_for(producer, "one", 0, NULL), SENDOFF_INVALID_ARGUMENT);
}
END_TEST

START_TEST(records_that_cannot_be_are_refused) {
  static const sendoff_header nameless[] = {{NULL, 0, "x", 1}}, hollow[] = {{"x", 1, NULL, 1}};
  const struct {
    sendoff_record record;
    int32_t status;
  } bad[] = {
      {{.size = sizeof(sendoff_record), .topic = NULL}, SENDOFF_INVALID_ARGUMENT},
      {{.size = sizeof(sendoff_record) - 1, .topic = "one"}, SENDOFF_INVALID_ARGUMENT},
      {{.size = 0, .topic = "one"}, SENDOFF_INVALID_ARGUMENT},
      {{.size = sizeof(sendoff_record), .topic = "one", .key_bytes = 1}, SENDOFF_INVALID_ARGUMENT},
      {{.size = sizeof(sendoff_record), .topic = "one", .value_bytes = 1}, SENDOFF_INVALID_ARGUMENT},
      {{.size = sizeof(sendoff_record), .topic = "one", .header_count = 1}, SENDOFF_INVALID_ARGUMENT},
      {{.size = sizeof(sendoff_record), .topic = "one", .headers = nameless, .header_count = 1},
       SENDOFF_INVALID_ARGUMENT},
      {{.size = sizeof(sendoff_record), .topic = "one", .headers = hollow, .header_count = 1},
       SENDOFF_INVALID_ARGUMENT},
      {{.size = sizeof(sendoff_record), .topic = "one", .headers = hollow, .header_count = SIZE_MAX},
       SENDOFF_INVALID_ARGUMENT},
      {{.size = sizeof(sendoff_record), .topic = "one", .set = SENDOFF_SET_TIMESTAMP, .timestamp_ms = -1},
       SENDOFF_INVALID_ARGUMENT},
      {{.size = sizeof(sendoff_record), .topic = "one", .set = SENDOFF_SET_PARTITION, .partition = -1},
       SENDOFF_PARTITION_OUT_OF_RANGE},
      {{.size = sizeof(sendoff_record), .topic = "one", .set = SENDOFF_SET_PARTITION, .partition = INT32_MIN},
       SENDOFF_PARTITION_OUT_OF_RANGE},
      {{.size = sizeof(sendoff_record), .set = SENDOFF_SET_TOPIC_ID, .topic_id = UINT32_MAX},
       SENDOFF_INVALID_ARGUMENT},
      {{.size = sizeof(sendoff_record), .topic = ""}, 17},
      {{.size = sizeof(sendoff_record), .topic = "."}, 17},
      {{.size = sizeof(sendoff_record), .topic = "a/b"}, 17},
      {{.size = sizeof(sendoff_record), .topic = "one", .value = "x", .value_bytes = SIZE_MAX},
       SENDOFF_RECORD_TOO_LARGE},
      {{.size = sizeof(sendoff_record), .topic = "one", .key = "x", .key_bytes = 2000000},
       SENDOFF_RECORD_TOO_LARGE},
  };
  sendoff_report report = {.opaque = 77};
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
    ck_assert_int_eq(sendoff_send(producer, &bad[i].record), bad[i].status);
    ck_assert_int_eq(sendoff_try_send(producer, &bad[i].record), bad[i].status);
    ck_assert_int_eq(sendoff_send_sync(producer, &bad[i].record, -1, &report), bad[i].status);
  }
  ck_assert_uint_eq(report.opaque, 77);
  ck_assert_uint_eq(counters_of(producer).records_accepted, 0);
}
END_TEST

START_TEST(snapshots_are_asked_for_what_they_have) {
  sendoff_partition partition = {.size = sizeof partition};
  sendoff_partitions *partitions = NULL;
  uint32_t count = 77;
  int32_t nodes[2];
  ck_assert_int_eq(sendoff_partitions_for(producer, "four", PATIENCE_MS, &partitions), SENDOFF_OK);
  ck_assert_int_eq(sendoff_partitions_get(partitions, 3, &partition), SENDOFF_OK);
  ck_assert_int_eq(partition.partition, 3);
  ck_assert_int_eq(sendoff_partitions_get(partitions, 4, &partition), SENDOFF_INVALID_ARGUMENT);
  ck_assert_int_eq(sendoff_partitions_get(NULL, 0, &partition), SENDOFF_INVALID_ARGUMENT);
  ck_assert_int_eq(sendoff_partitions_get(partitions, 0, NULL), SENDOFF_INVALID_ARGUMENT);
  ck_assert_int_eq(sendoff_partitions_count(NULL, &count), SENDOFF_INVALID_ARGUMENT);
  ck_assert_int_eq(sendoff_partitions_count(partitions, NULL), SENDOFF_INVALID_ARGUMENT);
  ck_assert_int_eq(sendoff_partitions_nodes(partitions, 4, 0, nodes, 2, &count), SENDOFF_INVALID_ARGUMENT);
  ck_assert_int_eq(sendoff_partitions_nodes(partitions, 0, 3, nodes, 2, &count), SENDOFF_INVALID_ARGUMENT);
  ck_assert_int_eq(sendoff_partitions_nodes(partitions, 0, 0, NULL, 2, &count), SENDOFF_INVALID_ARGUMENT);
  ck_assert_int_eq(sendoff_partitions_nodes(partitions, 0, 0, nodes, 2, NULL), SENDOFF_INVALID_ARGUMENT);
  ck_assert_uint_eq(count, 77);
  ck_assert_int_eq(sendoff_partitions_nodes(partitions, 0, SENDOFF_NODES_REPLICAS, NULL, 0, &count),
                   SENDOFF_OK);
  ck_assert_uint_eq(count, 1);
  sendoff_partitions_destroy(partitions);
  sendoff_partitions_destroy(NULL);
}
END_TEST

START_TEST(create_says_what_is_at_fault_and_releases) {
  struct calls calls;
  calls_init(&calls);
  sendoff_callbacks callbacks = calls_callbacks(&calls);
  sendoff_config *config = config_open(NULL);
  sendoff_producer *created = (sendoff_producer *)(uintptr_t)77;
  char error[512] = "";
  ck_assert_int_eq(sendoff_create(NULL, &callbacks, &created, error, sizeof error), SENDOFF_INVALID_ARGUMENT);
  ck_assert_str_ne(error, "");
  ck_assert_uint_eq(calls.releases, 1);
  ck_assert_int_eq(sendoff_create(config, &callbacks, NULL, NULL, 0), SENDOFF_INVALID_ARGUMENT);
  ck_assert_uint_eq(calls.releases, 2);
  callbacks.size = 63; /* the first was larger */
  ck_assert_int_eq(sendoff_create(config, &callbacks, &created, error, 3), SENDOFF_INVALID_ARGUMENT);
  ck_assert_uint_eq(strlen(error), 2); /* cut, and terminated */
  ck_assert_uint_eq(calls.releases, 2);
  callbacks.size = sizeof callbacks;
  ck_assert_int_eq(sendoff_config_set(config, "acks", "1", error, sizeof error), SENDOFF_OK);
  ck_assert_int_eq(sendoff_config_set(config, "enable.idempotence", "true", error, sizeof error), SENDOFF_OK);
  ck_assert_int_eq(sendoff_create(config, &callbacks, &created, error, sizeof error),
                   SENDOFF_INVALID_SETTING);
  ck_assert_ptr_nonnull(strstr(error, "acks"));
  ck_assert_uint_eq(calls.releases, 3);
  ck_assert_uint_eq((uintptr_t)created, 77);
  ck_assert_uint_eq(calls.threads_started, 0);
  sendoff_config_destroy(config);
  calls_deinit(&calls);
}
END_TEST

START_TEST(configurations_are_checked) {
  sendoff_config *config = NULL;
  char text[64] = "untouched", error[256] = "";
  size_t needed = 77;
  ck_assert_int_eq(sendoff_config_create(NULL), SENDOFF_INVALID_ARGUMENT);
  ck_assert_int_eq(sendoff_config_create(&config), SENDOFF_OK);
  ck_assert_int_eq(sendoff_config_set(NULL, "acks", "1", error, sizeof error), SENDOFF_INVALID_ARGUMENT);
  ck_assert_str_ne(error, "");
  ck_assert_int_eq(sendoff_config_set(config, NULL, "1", NULL, 0), SENDOFF_INVALID_ARGUMENT);
  ck_assert_int_eq(sendoff_config_set(config, "acks", NULL, error, sizeof error), SENDOFF_INVALID_ARGUMENT);
  ck_assert_int_eq(sendoff_config_set(config, "acks", "7", error, sizeof error), SENDOFF_INVALID_SETTING);
  ck_assert_ptr_nonnull(strstr(error, "acks"));
  ck_assert_int_eq(sendoff_config_set(config, "ackz", "1", error, sizeof error), SENDOFF_UNKNOWN_SETTING);
  ck_assert_ptr_nonnull(strstr(error, "ackz"));
  ck_assert_int_eq(sendoff_config_get(NULL, "acks", text, sizeof text, &needed), SENDOFF_INVALID_ARGUMENT);
  ck_assert_int_eq(sendoff_config_get(config, NULL, text, sizeof text, &needed), SENDOFF_INVALID_ARGUMENT);
  ck_assert_int_eq(sendoff_config_get(config, "acks", NULL, 5, &needed), SENDOFF_INVALID_ARGUMENT);
  ck_assert_int_eq(sendoff_config_get(config, "ackz", text, sizeof text, &needed), SENDOFF_UNKNOWN_SETTING);
  ck_assert_uint_eq(needed, 77);
  ck_assert_str_eq(text, "untouched");
  ck_assert_int_eq(sendoff_config_get(config, "client.id", text, 5, &needed), SENDOFF_OK);
  ck_assert_str_eq(text, "send");
  ck_assert_uint_eq(needed, 7);
  ck_assert_int_eq(sendoff_config_get(config, "bootstrap.servers", text, 5, &needed), SENDOFF_OK);
  ck_assert_str_eq(text, "");
  ck_assert_uint_eq(needed, 0);
  ck_assert_int_eq(sendoff_config_load_file(config, NULL, error, sizeof error), SENDOFF_INVALID_ARGUMENT);
  ck_assert_int_eq(sendoff_config_load_file(NULL, "x", error, sizeof error), SENDOFF_INVALID_ARGUMENT);
  ck_assert_int_eq(sendoff_config_load_file(config, "no/such/file", error, sizeof error),
                   SENDOFF_FILE_UNREADABLE);
  ck_assert_ptr_nonnull(strstr(error, "no/such/file"));
  sendoff_config_destroy(config);
  sendoff_config_destroy(NULL);
}
END_TEST

START_TEST(statuses_and_settings_describe_themselves) {
  uint32_t count = 0;
  ck_assert_int_eq(sendoff_setting_count(NULL), SENDOFF_INVALID_ARGUMENT);
  ck_assert_int_eq(sendoff_setting_count(&count), SENDOFF_OK);
  ck_assert_uint_gt(count, 40);
  for (uint32_t i = 0; i < count; i++) {
    sendoff_setting setting = {.size = sizeof setting};
    ck_assert_int_eq(sendoff_setting_at(i, &setting), SENDOFF_OK);
    ck_assert_ptr_nonnull(setting.name);
    ck_assert_ptr_nonnull(setting.type);
    ck_assert_ptr_nonnull(setting.text);
  }
  sendoff_setting setting = {.size = sizeof setting};
  ck_assert_int_eq(sendoff_setting_at(count, &setting), SENDOFF_INVALID_ARGUMENT);
  ck_assert_int_eq(sendoff_setting_at(0, NULL), SENDOFF_INVALID_ARGUMENT);
  static const int32_t statuses[] = {INT32_MIN, -2000,    SENDOFF_NOT_CONFIGURED, -1, 0, 3, 10,
                                     30000,     INT32_MAX};
  for (size_t i = 0; i < sizeof statuses / sizeof statuses[0]; i++) {
    ck_assert_str_ne(sendoff_status_name(statuses[i]), "");
    ck_assert_str_ne(sendoff_status_text(statuses[i]), "");
  }
  ck_assert_str_eq(sendoff_status_name(SENDOFF_BUFFER_FULL), "BUFFER_FULL");
  ck_assert_str_eq(sendoff_status_name(3), "UNKNOWN_TOPIC_OR_PARTITION");
  ck_assert_uint_eq(sendoff_status_class(SENDOFF_OK), 0);
  ck_assert_uint_eq(sendoff_status_class(6), SENDOFF_CLASS_RETRIABLE | SENDOFF_CLASS_REFRESH_METADATA);
  ck_assert_uint_eq(sendoff_abi_version(), SENDOFF_ABI_VERSION);
  char version[32];
  snprintf(version, sizeof version, "%d.%d.%d", SENDOFF_VERSION_MAJOR, SENDOFF_VERSION_MINOR,
           SENDOFF_VERSION_PATCH);
  ck_assert_str_eq(sendoff_version(), version);
  ck_assert_ptr_nonnull(sendoff_features());
}
END_TEST

int main(void) {
  Suite *suite = suite_create("refusal");
  TCase *tests = tcase_create("refusal");
  tcase_set_timeout(tests, 120);
  tcase_add_checked_fixture(tests, set_up, tear_down);
  tcase_add_test(tests, null_is_refused);
  tcase_add_test(tests, numbers_that_never_were_handles_are_refused);
  tcase_add_test(tests, destroyed_handles_are_closed);
  tcase_add_test(tests, closed_producers_refuse_records_and_waits);
  tcase_add_test(tests, missing_places_for_answers_are_refused);
  tcase_add_test(tests, records_that_cannot_be_are_refused);
  tcase_add_test(tests, snapshots_are_asked_for_what_they_have);
  tcase_add_test(tests, create_says_what_is_at_fault_and_releases);
  tcase_add_test(tests, configurations_are_checked);
  tcase_add_test(tests, statuses_and_settings_describe_themselves);
  suite_add_tcase(suite, tests);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_ENV);
  int failures = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failures != 0;
}
