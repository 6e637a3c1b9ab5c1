/* Structs that begin with their size, from callers of all ages: of a release before the first, of the first,
 * of today, and of one to come (ABI.md). */
#include "abi/support/brokers.h"
#include "abi/support/producers.h"
#include <check.h>
#include <stdint.h>
#include <string.h>

enum { PLACE_BYTES = 70000, TAIL_MAX_BYTES = 65536, GUARD = 0xA5 };

static sendoff_producer *producer;
static sendoff_partitions *partitions;
static _Alignas(16) unsigned char place[PLACE_BYTES];

static void set_up(void) {
  broker_start();
  producer = producer_open(NULL, NULL);
  ck_assert_int_eq(sendoff_partitions_for(producer, "four", PATIENCE_MS, &partitions), SENDOFF_OK);
}

static void tear_down(void) {
  sendoff_partitions_destroy(partitions);
  sendoff_close(producer, 0);
  sendoff_destroy(producer);
  broker_stop();
}

static void set_size(uint32_t size) {
  memcpy(place, &size, sizeof size);
}

static bool is_guard(size_t from, size_t to) {
  for (size_t i = from; i < to; i++)
    if (place[i] != GUARD) return false;
  return true;
}

/* ---- What comes out */

static int32_t ask_setting(void *setting) {
  return sendoff_setting_at(0, setting);
}

static int32_t ask_flush_result(void *result) {
  send_ok(producer, "one", 0, "value", 1);
  return sendoff_flush(producer, PATIENCE_MS, result);
}

static int32_t ask_event(void *event) {
  sendoff_producer *talkative = producer_open(NULL, NULL); /* logs that it has connected */
  int32_t status = sendoff_poll_event(talkative, event, PATIENCE_MS);
  sendoff_close(talkative, 0);
  sendoff_destroy(talkative);
  return status;
}

static int32_t ask_counters(void *counters) {
  return sendoff_get_counters(producer, counters);
}

static int32_t ask_partition(void *partition) {
  return sendoff_partitions_get(partitions, 3, partition);
}

/* The bytes of the first release, which no later one may ask more than, where pointers have 64 bits; and of
 * today. */
static const struct {
  const char *name;
  uint32_t first_bytes, known_bytes;
  int32_t (*ask)(void *given);
} outs[] = {
    {"setting", 56, sizeof(sendoff_setting), ask_setting},
    {"flush_result", 32, sizeof(sendoff_flush_result), ask_flush_result},
    {"event", 1048, sizeof(sendoff_event), ask_event},
    {"counters", 216, sizeof(sendoff_counters), ask_counters},
    {"partition", 32, sizeof(sendoff_partition), ask_partition},
};
enum { OUTS = sizeof outs / sizeof outs[0] };

START_TEST(what_comes_out_is_refused_whole_below_the_first_size) {
  const uint32_t sizes[] = {0, 1, sizeof(uint32_t), outs[_i].first_bytes - 1};
  for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
    memset(place, GUARD, sizeof place);
    set_size(sizes[i]);
    ck_assert_msg(outs[_i].ask(place) == SENDOFF_INVALID_ARGUMENT, "%s of %u bytes", outs[_i].name, sizes[i]);
    ck_assert_msg(is_guard(sizeof(uint32_t), sizeof place), "%s of %u bytes", outs[_i].name, sizes[i]);
  }
}
END_TEST

START_TEST(what_comes_out_is_written_as_far_as_both_know_it) {
  const uint32_t known = outs[_i].known_bytes;
  const uint32_t sizes[] = {outs[_i].first_bytes, known, known + 1, known + 8, known + 1000, UINT32_MAX};
  for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
    uint32_t written = sizes[i] < known ? sizes[i] : known, size;
    memset(place, GUARD, sizeof place);
    set_size(sizes[i]);
    ck_assert_msg(outs[_i].ask(place) == SENDOFF_OK, "%s of %u bytes", outs[_i].name, sizes[i]);
    memcpy(&size, place, sizeof size);
    ck_assert_msg(size == sizes[i], "%s of %u bytes: the size is the caller's", outs[_i].name, sizes[i]);
    ck_assert_msg(!is_guard(written - 1, written), "%s of %u bytes: the end is not written", outs[_i].name,
                  sizes[i]);
    ck_assert_msg(is_guard(written, sizeof place), "%s of %u bytes: more was written", outs[_i].name,
                  sizes[i]);
  }
}
END_TEST

/* ---- What goes in */

static void prepare_record(void) {
  sendoff_record record = record_of("one", 0, "value", 1);
  memcpy(place, &record, sizeof record);
}

static int32_t give_send(const void *record) {
  return sendoff_send(producer, record);
}

static int32_t give_try_send(const void *record) {
  return sendoff_try_send(producer, record);
}

static int32_t give_send_sync(const void *record) {
  sendoff_report report;
  return sendoff_send_sync(producer, record, PATIENCE_MS, &report);
}

static struct calls calls;

static void prepare_callbacks(void) {
  sendoff_callbacks callbacks = calls_callbacks(&calls);
  memcpy(place, &callbacks, sizeof callbacks);
}

static int32_t give_callbacks(const void *callbacks) {
  sendoff_config *config = config_open(NULL);
  sendoff_producer *created = NULL;
  int32_t status = sendoff_create(config, callbacks, &created, NULL, 0);
  sendoff_config_destroy(config);
  ck_assert_int_eq(status == SENDOFF_OK, created != NULL);
  sendoff_destroy(created);
  return status;
}

#ifdef SENDOFF_WITH_TLS
static void prepare_token(void) {
  const sendoff_token token = {.size = sizeof token, .value = "a.b.c", .expires_ms = INT64_MAX};
  memcpy(place, &token, sizeof token);
}

static int32_t give_token(const void *token) {
  sendoff_producer *asking =
      producer_open(NULL, SETTINGS("security.protocol", "SASL_PLAINTEXT", "sasl.mechanism", "OAUTHBEARER",
                                   "allow.cleartext.credentials", "true"));
  int32_t status = sendoff_set_token(asking, token, NULL, 0);
  sendoff_close(asking, 0);
  sendoff_destroy(asking);
  return status;
}
#endif

static const struct {
  const char *name;
  uint32_t first_bytes, known_bytes;
  void (*prepare)(void);
  int32_t (*give)(const void *given);
} ins[] = {
    {"record to send", 104, sizeof(sendoff_record), prepare_record, give_send},
    {"record to try_send", 104, sizeof(sendoff_record), prepare_record, give_try_send},
    {"record to send_sync", 104, sizeof(sendoff_record), prepare_record, give_send_sync},
    {"callbacks", 64, sizeof(sendoff_callbacks), prepare_callbacks, give_callbacks},
#ifdef SENDOFF_WITH_TLS
    {"token", 40, sizeof(sendoff_token), prepare_token, give_token},
#endif
};
enum { INS = sizeof ins / sizeof ins[0] };

static int32_t give(int index, uint32_t size, uint32_t stray_byte) {
  memset(place, 0, sizeof place);
  ins[index].prepare();
  set_size(size);
  if (stray_byte > 0) place[stray_byte] = 1;
  return ins[index].give(place);
}

START_TEST(what_goes_in_is_refused_below_the_first_size) {
  const uint32_t sizes[] = {0, 1, sizeof(uint32_t), ins[_i].first_bytes - 1};
  calls_init(&calls);
  for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
    ck_assert_msg(give(_i, sizes[i], 0) == SENDOFF_INVALID_ARGUMENT, "%s of %u bytes", ins[_i].name,
                  sizes[i]);
  ck_assert_uint_eq(counters_of(producer).records_accepted, 0);
  ck_assert_uint_eq(calls.releases, 0); /* nobody knows what would be released */
  calls_deinit(&calls);
}
END_TEST

START_TEST(what_goes_in_is_taken_from_older_and_newer_callers) {
  const uint32_t known = ins[_i].known_bytes;
  const uint32_t sizes[] = {ins[_i].first_bytes, known, known + 1, known + 8, known + 1000, TAIL_MAX_BYTES};
  calls_init(&calls);
  for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
    ck_assert_msg(give(_i, sizes[i], 0) == SENDOFF_OK, "%s of %u bytes", ins[_i].name, sizes[i]);
  /* What lies behind the caller's struct is not the library's to read. */
  ck_assert_int_eq(give(_i, known, known), SENDOFF_OK);
  ck_assert_int_eq(give(_i, known + 8, known + 8), SENDOFF_OK);
  if (ins[_i].give == give_callbacks) UNTIL(calls.releases == sizeof sizes / sizeof sizes[0] + 2);
  calls_deinit(&calls);
}
END_TEST

START_TEST(what_goes_in_is_refused_if_it_asks_for_what_is_not_known) {
  const uint32_t known = ins[_i].known_bytes;
  calls_init(&calls);
  ck_assert_int_eq(give(_i, known + 1, known), SENDOFF_INVALID_ARGUMENT);
  ck_assert_int_eq(give(_i, known + 8, known), SENDOFF_INVALID_ARGUMENT);
  ck_assert_int_eq(give(_i, known + 8, known + 7), SENDOFF_INVALID_ARGUMENT);
  ck_assert_int_eq(give(_i, known + 1000, known + 999), SENDOFF_INVALID_ARGUMENT);
  ck_assert_int_eq(give(_i, TAIL_MAX_BYTES + 1, 0), SENDOFF_INVALID_ARGUMENT); /* memory that nobody set */
  ck_assert_int_eq(give(_i, UINT32_MAX, 0), SENDOFF_INVALID_ARGUMENT);
  ck_assert_uint_eq(counters_of(producer).records_accepted, 0);
  ck_assert_uint_eq(calls.threads_started, 0);
  /* What such callbacks hold is given up all the same: release is where it was in the first version. */
  ck_assert_uint_eq(calls.releases, ins[_i].give == give_callbacks ? 6 : 0);
  calls_deinit(&calls);
}
END_TEST

int main(void) {
  Suite *suite = suite_create("sizes");
  TCase *tests = tcase_create("sizes");
  tcase_set_timeout(tests, 120);
  tcase_add_checked_fixture(tests, set_up, tear_down);
  tcase_add_loop_test(tests, what_comes_out_is_refused_whole_below_the_first_size, 0, OUTS);
  tcase_add_loop_test(tests, what_comes_out_is_written_as_far_as_both_know_it, 0, OUTS);
  tcase_add_loop_test(tests, what_goes_in_is_refused_below_the_first_size, 0, INS);
  tcase_add_loop_test(tests, what_goes_in_is_taken_from_older_and_newer_callers, 0, INS);
  tcase_add_loop_test(tests, what_goes_in_is_refused_if_it_asks_for_what_is_not_known, 0, INS);
  suite_add_tcase(suite, tests);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_ENV);
  int failures = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failures != 0;
}
