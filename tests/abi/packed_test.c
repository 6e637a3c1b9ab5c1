/* The forms of send without pointers: flat arguments, and records packed in one buffer, hostile ones too. */
#include "abi/support/brokers.h"
#include "abi/support/producers.h"
#include <check.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { ROOM = 1 << 16 };

static struct calls calls;
static sendoff_producer *producer;
static uint32_t one, four;

static _Alignas(8) uint8_t buffer[ROOM];
static size_t used;

static void set_up(void) {
  broker_start();
  calls_init(&calls);
  sendoff_callbacks callbacks = calls_callbacks(&calls);
  producer = producer_open(&callbacks, NULL);
  ck_assert_int_eq(sendoff_topic(producer, "one", &one), SENDOFF_OK);
  ck_assert_int_eq(sendoff_topic(producer, "four", &four), SENDOFF_OK);
  used = 0;
}

static void end(void) {
  ck_assert_int_eq(sendoff_close(producer, PATIENCE_MS), SENDOFF_OK);
}

static void tear_down(void) {
  sendoff_close(producer, 0);
  sendoff_destroy(producer);
  UNTIL(calls.releases == 1);
  calls_deinit(&calls);
  broker_stop();
}

static void put(const void *data, size_t size) {
  ck_assert_uint_le(used + size, ROOM);
  if (size > 0) memcpy(buffer + used, data, size);
  used += size;
}

static void put_length(int32_t length) {
  put(&length, sizeof length);
}

static void put_header(const char *name, const char *value) {
  put_length((int32_t)strlen(name));
  put(name, strlen(name));
  put_length(value == NULL ? -1 : (int32_t)strlen(value));
  if (value != NULL) put(value, strlen(value));
}

static void pad(void) {
  while (used % 8 != 0)
    put("", 1);
}

/* NULL: null. */
static void put_record(sendoff_packed_record fixed, const char *key, const char *value) {
  fixed.key_bytes = key == NULL ? -1 : (int32_t)strlen(key);
  fixed.value_bytes = value == NULL ? -1 : (int32_t)strlen(value);
  put(&fixed, sizeof fixed);
  put(key, key == NULL ? 0 : strlen(key));
  put(value, value == NULL ? 0 : strlen(value));
}

static void expect_record(const struct stored_record *record, const char *key, const char *value,
                          const char *headers) {
  ck_assert(record->has_key == (key != NULL));
  ck_assert(record->has_value == (value != NULL));
  ck_assert_str_eq(record->key, key == NULL ? "" : key);
  ck_assert_str_eq(record->value, value == NULL ? "" : value);
  ck_assert_str_eq(record->headers, headers);
}

START_TEST(a_flat_record_is_read_back_as_it_was_given) {
  put_header("a", "1");
  put_header("a", NULL);
  put_header("", "");
  ck_assert_int_eq(sendoff_send_flat(producer, four, SENDOFF_SET_PARTITION | SENDOFF_SET_TIMESTAMP, 3, 42,
                                     "key", 3, "value", 5, buffer, used, 9),
                   SENDOFF_OK);
  ck_assert_int_eq(sendoff_send_flat(producer, four, SENDOFF_SET_PARTITION | SENDOFF_SET_TRY, 3, -5, NULL, 0,
                                     "", 0, NULL, 0, 10),
                   SENDOFF_OK);
  end();
  struct stored_records stored;
  stored_records_read(&stored, "four", 3);
  ck_assert_uint_eq(stored.count, 2);
  expect_record(&stored.records[0], "key", "value", "a=1;a;=;");
  expect_record(&stored.records[1], NULL, "", "");
  ck_assert_int_eq(stored.records[0].timestamp_ms, 42);
  ck_assert_uint_eq(calls.reports[0].opaque, 9);
  stored_records_free(&stored);
}
END_TEST

START_TEST(flat_records_that_cannot_be_are_refused) {
  const int32_t negative[2] = {-1, 0}, endless[2] = {INT32_MAX, 0}, hollow[2] = {0, -2}, cut[2] = {0, 5};
  const struct {
    uint32_t topic, set;
    int32_t partition;
    size_t key_bytes, value_bytes;
    const void *headers;
    size_t headers_bytes;
    int32_t status;
  } bad[] = {{1000, 0, 0, 0, 0, NULL, 0, SENDOFF_INVALID_ARGUMENT},
             {0, SENDOFF_SET_PARTITION, -1, 0, 0, NULL, 0, SENDOFF_PARTITION_OUT_OF_RANGE},
             {0, 0, 0, 1, 0, NULL, 0, SENDOFF_INVALID_ARGUMENT},
             {0, 0, 0, 0, 1, NULL, 0, SENDOFF_INVALID_ARGUMENT},
             {0, 0, 0, 0, 0, NULL, 1, SENDOFF_INVALID_ARGUMENT},
             {0, 0, 0, 0, 0, negative, sizeof negative, SENDOFF_INVALID_ARGUMENT},
             {0, 0, 0, 0, 0, endless, sizeof endless, SENDOFF_INVALID_ARGUMENT},
             {0, 0, 0, 0, 0, hollow, sizeof hollow, SENDOFF_INVALID_ARGUMENT},
             {0, 0, 0, 0, 0, cut, sizeof cut, SENDOFF_INVALID_ARGUMENT},
             {0, 0, 0, 0, 0, cut, 3, SENDOFF_INVALID_ARGUMENT},
             {0, 0, 0, 0, 0, cut, 4, SENDOFF_INVALID_ARGUMENT}};
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
    ck_assert_int_eq(sendoff_send_flat(producer, bad[i].topic, bad[i].set, bad[i].partition, 0, NULL,
                                       bad[i].key_bytes, NULL, bad[i].value_bytes, bad[i].headers,
                                       bad[i].headers_bytes, 0),
                     bad[i].status);
  ck_assert_uint_eq(counters_of(producer).records_accepted, 0);
}
END_TEST

START_TEST(many_headers_are_taken) {
  for (int i = 0; i < 40; i++) /* more than are kept on the stack */
    put_header("h", "v");
  ck_assert_int_eq(sendoff_send_flat(producer, one, 0, 0, 0, NULL, 0, NULL, 0, buffer, used, 0), SENDOFF_OK);
  end();
  struct stored_records stored;
  stored_records_read(&stored, "one", 0);
  ck_assert_uint_eq(stored.records[0].header_count, 40);
  stored_records_free(&stored);
}
END_TEST

/* The allocator ends a program that frees twice, the sanitizer one that does not free. */
START_TEST(many_headers_of_a_refused_record_are_freed_once) {
  for (int i = 0; i < 40; i++)
    put_header("h", "v");
  for (int i = 0; i < 3; i++) {
    ck_assert_int_eq(sendoff_send_flat(producer, 1000, 0, 0, 0, NULL, 0, NULL, 0, buffer, used, 0),
                     SENDOFF_INVALID_ARGUMENT);
    ck_assert_int_eq(
        sendoff_send_flat(producer, one, SENDOFF_SET_PARTITION, -1, 0, NULL, 0, NULL, 0, buffer, used, 0),
        SENDOFF_PARTITION_OUT_OF_RANGE);
  }
  ck_assert_int_eq(sendoff_close(producer, -1), SENDOFF_OK);
  ck_assert_int_eq(sendoff_send_flat(producer, one, 0, 0, 0, NULL, 0, NULL, 0, buffer, used, 0),
                   SENDOFF_CLOSED);
}
END_TEST

START_TEST(a_batch_is_read_back_as_it_was_given) {
  uint32_t accepted = 77;
  put_record((sendoff_packed_record){.opaque = 1, .topic_id = one}, "k", "first");
  pad();
  put_record(
      (sendoff_packed_record){.opaque = 2, .topic_id = one, .set = SENDOFF_SET_TIMESTAMP, .timestamp_ms = 5},
      NULL, "");
  pad();
  put_record((sendoff_packed_record){.opaque = 3, .topic_id = one, .headers_bytes = 10 + 9}, "", NULL);
  put_header("a", "1");
  put_header("b", NULL);
  pad();
  put_record(
      (sendoff_packed_record){.opaque = 4, .topic_id = four, .set = SENDOFF_SET_PARTITION, .partition = 2},
      NULL, "elsewhere");
  ck_assert_int_eq(sendoff_send_batch(producer, buffer, used, 4, 0, &accepted),
                   SENDOFF_OK); /* unpadded end */
  ck_assert_uint_eq(accepted, 4);
  end();
  struct stored_records stored;
  stored_records_read(&stored, "one", 0);
  ck_assert_uint_eq(stored.count, 3);
  expect_record(&stored.records[0], "k", "first", "");
  expect_record(&stored.records[1], NULL, "", "");
  expect_record(&stored.records[2], "", NULL, "a=1;b;");
  ck_assert_int_eq(stored.records[1].timestamp_ms, 5);
  stored_records_free(&stored);
  stored_records_read(&stored, "four", 2);
  ck_assert_uint_eq(stored.count, 1);
  stored_records_free(&stored);
  ck_assert_uint_eq(calls.count, 4);
}
END_TEST

START_TEST(nothing_is_sent_of_nothing) {
  uint32_t accepted = 77;
  ck_assert_int_eq(sendoff_send_batch(producer, NULL, 0, 0, 0, &accepted), SENDOFF_OK);
  ck_assert_uint_eq(accepted, 0);
  accepted = 77;
  ck_assert_int_eq(sendoff_send_batch(producer, NULL, 0, 1, 0, &accepted), SENDOFF_INVALID_ARGUMENT);
  ck_assert_uint_eq(accepted, 0);
  accepted = 77;
  ck_assert_int_eq(sendoff_send_batch(producer, buffer, 0, 1, 0, &accepted), SENDOFF_INVALID_ARGUMENT);
  ck_assert_uint_eq(accepted, 0);
  accepted = 77;
  ck_assert_int_eq(sendoff_send_batch(producer, buffer + 4, 400, 1, 0, &accepted), SENDOFF_INVALID_ARGUMENT);
  ck_assert_uint_eq(accepted, 0);
}
END_TEST

/* What stands before the first refused record is accepted, nothing behind it. */
START_TEST(a_prefix_is_accepted) {
  const struct {
    sendoff_packed_record fixed;
    int32_t status;
  } bad[] = {
      {{.opaque = 9, .topic_id = 1000}, SENDOFF_INVALID_ARGUMENT},
      {{.opaque = 9, .topic_id = one, .set = SENDOFF_SET_PARTITION, .partition = -1},
       SENDOFF_PARTITION_OUT_OF_RANGE},
      {{.opaque = 9, .topic_id = one, .set = SENDOFF_SET_TIMESTAMP, .timestamp_ms = -1},
       SENDOFF_INVALID_ARGUMENT},
      {{.opaque = 9, .topic_id = one, .headers_bytes = 3}, SENDOFF_INVALID_ARGUMENT},
  };
  uint64_t accepted_before = 0;
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
    uint32_t accepted = 77;
    used = 0;
    for (uint64_t k = 0; k < 3; k++) {
      put_record((sendoff_packed_record){.opaque = k, .topic_id = one}, NULL, "good");
      pad();
    }
    put_record(bad[i].fixed, NULL, "bad");
    put("\0\0\0", bad[i].fixed.headers_bytes);
    pad();
    put_record((sendoff_packed_record){.opaque = 5, .topic_id = one}, NULL, "good");
    ck_assert_int_eq(sendoff_send_batch(producer, buffer, used, 5, SENDOFF_SET_TRY, &accepted),
                     bad[i].status);
    ck_assert_uint_eq(accepted, 3);
    accepted_before += 3;
    ck_assert_uint_eq(counters_of(producer).records_accepted, accepted_before);
  }
  end();
  ck_assert_int_eq(broker_record_count("one", 1), (int64_t)accepted_before);
}
END_TEST

/* A buffer that ends anywhere early: the records that are whole are accepted. */
START_TEST(every_truncation_is_refused_at_the_record_that_it_cuts) {
  size_t ends[3];
  for (size_t k = 0; k < 3; k++) {
    put_record((sendoff_packed_record){.topic_id = one, .headers_bytes = 9 + 1}, "key", "some value");
    put_header("n", "v");
    ends[k] = used;
    pad();
  }
  for (size_t size = 0; size < used; size++) {
    void *cut = aligned_alloc(8, (size + 8) & ~(size_t)7); /* so that the sanitizer sees a byte too far */
    ck_assert_ptr_nonnull(cut);
    memcpy(cut, buffer, size);
    uint32_t accepted = 77, whole = 0;
    while (whole < 3 && size >= ends[whole])
      whole++;
    int32_t expected = whole == 3 ? SENDOFF_OK : SENDOFF_INVALID_ARGUMENT;
    ck_assert_int_eq(sendoff_send_batch(producer, cut, size, 3, SENDOFF_SET_TRY, &accepted), expected);
    ck_assert_uint_eq(accepted, whole);
    free(cut);
  }
}
END_TEST

START_TEST(lengths_that_cannot_be_are_refused) {
  const struct {
    int32_t key_bytes, value_bytes;
    uint32_t headers_bytes;
  } bad[] = {{-2, 0, 0},
             {INT32_MIN, 0, 0},
             {INT32_MAX, 0, 0},
             {0, -2, 0},
             {0, INT32_MAX, 0},
             {0, 0, UINT32_MAX},
             {0, 0, 25},
             {INT32_MAX, INT32_MAX, UINT32_MAX},
             {INT32_MIN, INT32_MIN, 0}};
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
    uint32_t accepted = 77;
    sendoff_packed_record fixed = {.topic_id = one,
                                   .key_bytes = bad[i].key_bytes,
                                   .value_bytes = bad[i].value_bytes,
                                   .headers_bytes = bad[i].headers_bytes};
    used = 0;
    put(&fixed, sizeof fixed);
    put("twenty-four bytes behind", 24);
    ck_assert_int_eq(sendoff_send_batch(producer, buffer, used, 1, 0, &accepted), SENDOFF_INVALID_ARGUMENT);
    ck_assert_uint_eq(accepted, 0);
  }
}
END_TEST

/* Noise never crashes and never sends more than it says. */
START_TEST(noise_is_survived) {
  uint64_t state = 88172645463325252u, accepted_in_all = 0;
  for (int round = 0; round < 3000; round++) {
    for (size_t i = 0; i < 64; i++) {
      state ^= state << 13, state ^= state >> 7, state ^= state << 17;
      memcpy(buffer + 8 * i, &state, 8);
    }
    sendoff_packed_record fixed;
    memcpy(&fixed, buffer, sizeof fixed);
    fixed.topic_id %= 3;
    fixed.key_bytes = fixed.key_bytes % 70 - 1;
    fixed.value_bytes = fixed.value_bytes % 70 - 1;
    fixed.headers_bytes %= 100;
    fixed.partition %= 2;
    memcpy(buffer, &fixed, sizeof fixed);
    uint32_t accepted = 77;
    sendoff_send_batch(producer, buffer, (size_t)(state % 512), 3, SENDOFF_SET_TRY, &accepted);
    ck_assert_uint_le(accepted, 3);
    accepted_in_all += accepted;
  }
  ck_assert_uint_eq(counters_of(producer).records_accepted, accepted_in_all);
  ck_assert_uint_gt(accepted_in_all, 0);
}
END_TEST

/* With a buffer that sixty records of a thousand bytes do not fit, and a broker that takes nothing. */
static void fill_buffer(const char *max_block_ms) {
  char value[1001];
  sendoff_close(producer, 0);
  sendoff_destroy(producer);
  producer = producer_open(NULL, SETTINGS("buffer.memory", "65536", "max.block.ms", max_block_ms));
  ck_assert_int_eq(sendoff_topic(producer, "one", &one), SENDOFF_OK);
  broker_server_pause(broker);
  memset(value, 'x', 1000);
  value[1000] = '\0';
  for (int i = 0; i < 60; i++) {
    put_record((sendoff_packed_record){.topic_id = one}, NULL, value);
    pad();
  }
}

START_TEST(a_batch_ends_where_memory_does) {
  uint32_t accepted = 77, tried = 0;
  fill_buffer("20");
  ck_assert_int_eq(sendoff_send_batch(producer, buffer, used, 60, SENDOFF_SET_TRY, &tried),
                   SENDOFF_PARTITION_BUFFER_FULL);
  ck_assert_uint_gt(tried, 0);
  ck_assert_uint_lt(tried, 60);
  ck_assert_int_eq(sendoff_send_batch(producer, buffer, used, 60, 0, &accepted),
                   SENDOFF_PARTITION_BUFFER_FULL);
  ck_assert_uint_eq(accepted, 0);
  broker_server_continue(broker);
  end();
  ck_assert_int_eq(broker_record_count("one", 1), (int64_t)tried);
}
END_TEST

START_TEST(a_batch_waits_for_memory) {
  uint32_t accepted = 0, tried = 0;
  fill_buffer("60000");
  ck_assert_int_eq(sendoff_send_batch(producer, buffer, used, 60, SENDOFF_SET_TRY, &tried),
                   SENDOFF_PARTITION_BUFFER_FULL);
  broker_server_continue(broker);
  ck_assert_int_eq(sendoff_send_batch(producer, buffer, used, 60, 0, &accepted), SENDOFF_OK);
  ck_assert_uint_eq(accepted, 60);
  end();
  ck_assert_int_eq(broker_record_count("one", 1), 60 + (int64_t)tried);
}
END_TEST

int main(void) {
  Suite *suite = suite_create("packed");
  TCase *tests = tcase_create("packed");
  tcase_set_timeout(tests, 120);
  tcase_add_checked_fixture(tests, set_up, tear_down);
  tcase_add_test(tests, a_flat_record_is_read_back_as_it_was_given);
  tcase_add_test(tests, flat_records_that_cannot_be_are_refused);
  tcase_add_test(tests, many_headers_are_taken);
  tcase_add_test(tests, many_headers_of_a_refused_record_are_freed_once);
  tcase_add_test(tests, a_batch_is_read_back_as_it_was_given);
  tcase_add_test(tests, nothing_is_sent_of_nothing);
  tcase_add_test(tests, a_prefix_is_accepted);
  tcase_add_test(tests, every_truncation_is_refused_at_the_record_that_it_cuts);
  tcase_add_test(tests, lengths_that_cannot_be_are_refused);
  tcase_add_test(tests, noise_is_survived);
  tcase_add_test(tests, a_batch_ends_where_memory_does);
  tcase_add_test(tests, a_batch_waits_for_memory);
  suite_add_tcase(suite, tests);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_ENV);
  int failures = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failures != 0;
}
