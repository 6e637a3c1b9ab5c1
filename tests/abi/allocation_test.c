/* Every allocation of the library fails in turn while a host uses it through the public header, over sockets:
 * a call succeeds or says OUT_OF_MEMORY, each accepted record has exactly one report, nothing leaks, and
 * afterwards the producer goes on. Only the library's threads and the host's are counted, not the broker's.
 */
#include "abi/support/brokers.h"
#include "abi/support/producers.h"
#include "support/allocation_count.h"
#include "support/failing_allocator.h"
#include "support/tls_relay.h"
#include "support/tls_world.h"
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { ALLOCATIONS_MAX = 4000, RECORDS_MAX = 64, NOTHING_FAILS = INT32_MAX, WITHOUT_LIMIT = -1 };

/* One run: the producer, and what became of its records, by their opaque. */
static struct {
  sendoff_producer *producer;
  struct tls_relay *relay;
  atomic_uint releases;
  uint32_t accepted_count;
  bool accepted[RECORDS_MAX];
  atomic_uint reports[RECORDS_MAX], delivered[RECORDS_MAX];
} run;

static struct tls_world certificates;
static char folder[] = P_tmpdir "/sendoff-allocation-XXXXXX";

/* `fail` makes the library's own threads fail from the beginning, so that only they do; act is done by the
 * host's thread, whose allocations fail, too, if both_fail. */
struct scenario {
  const char *name;
  const char *const *settings; /* of the producer; NULL: act makes what it needs */
  void (*act)(void);
  bool (*is_true)(void);
  bool has_tls, has_login, both_fail;
  uint32_t least;
};

/* ---- what the library calls ---- */

static void on_release(void *user) {
  (void)user;
  run.releases++;
}

static void note_reports(const sendoff_report *reports, size_t count) {
  for (size_t i = 0; i < count; i++) {
    ck_assert_uint_lt(reports[i].opaque, RECORDS_MAX);
    run.reports[reports[i].opaque]++;
    if (reports[i].outcome == SENDOFF_OUTCOME_DELIVERED) run.delivered[reports[i].opaque]++;
  }
}

static void on_reports(void *user, const sendoff_report *reports, size_t count) {
  (void)user;
  note_reports(reports, count);
}

static void on_thread_start(void *user, const char *name) {
  (void)user, (void)name;
  failing_allocator_mark_thread(true);
}

static sendoff_callbacks callbacks_of(bool by_queue) {
  return (sendoff_callbacks){.size = sizeof(sendoff_callbacks),
                             .release = on_release,
                             .on_reports = by_queue ? NULL : on_reports,
                             .on_thread_start = on_thread_start};
}

/* ---- steps of the host's, each of which may be told OUT_OF_MEMORY ---- */

static bool is_done_or_says(int32_t status, const char *error) {
  if (status != SENDOFF_OK && status != SENDOFF_OUT_OF_MEMORY)
    ck_abort_msg("neither OK nor OUT_OF_MEMORY: %s, %s", sendoff_status_name(status), error);
  return status == SENDOFF_OK;
}

static bool is_done(int32_t status) {
  return is_done_or_says(status, "");
}

static void note_accepted(int32_t status, uint64_t opaque) {
  run.accepted[opaque] = is_done(status);
}

static void send_in_every_way(void) {
  static const char long_value[3000] = "a long one";
  uint64_t next = 0;
  for (int i = 0; i < 8; i++, next++) {
    sendoff_record record = record_of(i % 2 == 0 ? "four" : "one", -1, "value", next);
    if (i % 3 == 0) record.value = long_value, record.value_bytes = sizeof long_value;
    note_accepted(i < 4 ? sendoff_send(run.producer, &record) : sendoff_try_send(run.producer, &record),
                  next);
  }
  uint32_t topic;
  if (is_done(sendoff_topic(run.producer, "twelve", &topic))) {
    int32_t status = sendoff_send_flat(run.producer, topic, 0, 0, 0, "key", 3, "value", 5, NULL, 0, next);
    note_accepted(status, next++);
  }
  run.accepted_count = (uint32_t)next;
}

static void wait_for_outcomes(void) {
  sendoff_flush_result result = {.size = sizeof result};
  ck_assert_int_eq(sendoff_flush(run.producer, WITHOUT_LIMIT, &result), SENDOFF_OK);
}

static void read_queue(void) {
  sendoff_report reports[3];
  size_t count;
  while (sendoff_poll(run.producer, reports, 3, 0, &count) == SENDOFF_OK)
    note_reports(reports, count);
}

/* ---- scenarios ---- */

static const char *const plain[] = {"linger.ms", "1", "reconnect.backoff.ms", "1", "retry.backoff.ms",
                                    "1",         NULL};
static const char *const queue[] = {"delivery.report.mode",
                                    "queue",
                                    "reconnect.backoff.ms",
                                    "1",
                                    "compression.type",
                                    "zstd",
                                    "retry.backoff.ms",
                                    "1",
                                    "topic.one.compression.type",
                                    "none",
                                    NULL};
static const char *const dispatched[] = {"delivery.report.mode", "dispatcher", "compression.type", "lz4",
                                         NULL};
static const char *const tokens[] = {"security.protocol",
                                     "SASL_PLAINTEXT",
                                     "sasl.mechanism",
                                     "OAUTHBEARER",
                                     "allow.cleartext.credentials",
                                     "true",
                                     NULL};
static const char *const tls[] = {"security.protocol", "SSL", "reconnect.backoff.ms", "1", NULL};
static const char *const login[] = {"security.protocol",
                                    "SASL_PLAINTEXT",
                                    "sasl.mechanism",
                                    "SCRAM-SHA-256",
                                    "sasl.username",
                                    "alice",
                                    "sasl.password",
                                    "wonderland",
                                    "reconnect.backoff.ms",
                                    "1",
                                    NULL};

/* Of a configuration and a producer; NULL where memory was missing. */
static sendoff_producer *try_create(const char *const *settings) {
  char error[512] = "";
  sendoff_config *config;
  if (!is_done(sendoff_config_create(&config))) return NULL;
  bool is_set =
      is_done_or_says(sendoff_config_set(config, "bootstrap.servers", bootstrap, error, sizeof error), error);
  if (is_set && settings == tls)
    is_set = is_done_or_says(sendoff_config_set(config, "ssl.truststore.certificates",
                                                certificates.authority_text, error, sizeof error),
                             error);
  for (size_t i = 0; is_set && settings[i] != NULL; i += 2)
    is_set =
        is_done_or_says(sendoff_config_set(config, settings[i], settings[i + 1], error, sizeof error), error);
  sendoff_producer *producer = NULL;
  sendoff_callbacks callbacks = callbacks_of(settings == queue);
  if (is_set && !is_done_or_says(sendoff_create(config, &callbacks, &producer, error, sizeof error), error)) {
    ck_assert_uint_gt(strlen(error), 0);
    ck_assert_uint_eq(run.releases, 1);
    run.releases = 0;
    producer = NULL;
  }
  sendoff_config_destroy(config);
  return producer;
}

static void give_up(sendoff_producer *producer) {
  if (producer == NULL) return;
  (void)sendoff_close(producer, 0);
  sendoff_destroy(producer);
  UNTIL(run.releases == 1);
  run.releases = 0;
}

static void act_create(void) {
  static const char *const *const all[] = {plain, queue, dispatched, tokens, tls, login};
  for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
    give_up(try_create(all[i]));
}

static void act_send_and_flush(void) {
  send_in_every_way();
  wait_for_outcomes();
}

static void act_queue(void) {
  sendoff_event event = {.size = sizeof event};
  sendoff_partitions *partitions = NULL;
  send_in_every_way();
  if (is_done(sendoff_partitions_for(run.producer, "four", WITHOUT_LIMIT, &partitions)))
    sendoff_partitions_destroy(partitions);
  read_queue();
  wait_for_outcomes();
  read_queue();
  (void)sendoff_poll_event(run.producer, &event, 0);
}

static void act_sync(void) {
  for (uint64_t i = 0; i < 3; i++) {
    sendoff_record record = record_of("one", 0, "value", i);
    sendoff_report report = {.outcome = 0};
    int32_t status = sendoff_send_sync(run.producer, &record, WITHOUT_LIMIT, &report);
    run.accepted[i] = report.outcome != 0;
    if (run.accepted[i]) note_reports(&report, 1);
    ck_assert_msg(run.accepted[i] || status == SENDOFF_OUT_OF_MEMORY, "%s", sendoff_status_name(status));
  }
  run.accepted_count = 3;
}

static void act_close(void) {
  send_in_every_way();
  int32_t status = sendoff_close(run.producer, 0);
  ck_assert(status == SENDOFF_OK || status == SENDOFF_TIMED_OUT);
}

/* Configurations, good and bad, and what cannot be created from them. */
static void act_configure(void) {
  static const char *const bad[][2] = {{"acks", "many"}, {"no.such.setting", "1"}, {"topic.one.linger", "1"}};
  char error[512] = "", path[64], text[256];
  (void)snprintf(path, sizeof path, "%s/good.properties", folder);
  sendoff_config *config;
  if (!is_done(sendoff_config_create(&config))) return;
  (void)is_done(sendoff_config_load_file(config, path, error, sizeof error));
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
    ck_assert_int_ne(sendoff_config_set(config, bad[i][0], bad[i][1], error, sizeof error), SENDOFF_OK);
  ck_assert_int_eq(sendoff_config_get(config, "linger.ms", text, sizeof text, NULL), SENDOFF_OK);
  (void)snprintf(path, sizeof path, "%s/bad.properties", folder);
  ck_assert_int_ne(sendoff_config_load_file(config, path, error, sizeof error), SENDOFF_OK);
  sendoff_producer *none = NULL;
  sendoff_callbacks callbacks = callbacks_of(false);
  if (is_done(sendoff_config_set(config, "acks", "1", error, sizeof error)) &&
      is_done(sendoff_config_set(config, "enable.idempotence", "true", error, sizeof error))) {
    ck_assert_int_ne(sendoff_create(config, &callbacks, &none, error, sizeof error), SENDOFF_OK);
    ck_assert_uint_eq(run.releases, 1);
    run.releases = 0;
  }
  sendoff_config_destroy(config);
}

static bool all_were_delivered(void) {
  bool all = run.accepted_count > 0;
  for (uint32_t i = 0; i < run.accepted_count; i++)
    all = all && run.delivered[i] == 1;
  return all;
}

static bool has_shaken_hands(void) {
  return all_were_delivered() && tls_relay_handshakes(run.relay) > 0;
}

static bool has_logged_in(void) {
  return all_were_delivered() && tls_relay_logins(run.relay) > 0;
}

static bool anything(void) {
  return true;
}

static const struct scenario scenarios[] = {
    {"create, with six kinds of settings", NULL, act_create, anything, false, false, true, 200},
    {"settings, properties, refusals", NULL, act_configure, anything, false, false, true, 20},
    {"send in every way and flush", plain, act_send_and_flush, all_were_delivered, false, false, true, 30},
    {"reports by queue, events, partitions", queue, act_queue, all_were_delivered, false, false, true, 30},
    {"send and wait for the report", plain, act_sync, all_were_delivered, false, false, true, 20},
    {"close with records on their way", dispatched, act_close, anything, false, false, true, 5},
    {"connect by TLS", tls, act_send_and_flush, has_shaken_hands, true, false, false, 20},
    {"log in by SCRAM", login, act_send_and_flush, has_logged_in, false, true, false, 25},
};
enum { SCENARIOS = sizeof scenarios / sizeof scenarios[0] };

/* ---- running them ---- */

static uint32_t count_wrong_reports(void) {
  uint32_t wrong = 0;
  for (uint32_t i = 0; i < RECORDS_MAX; i++)
    if (run.reports[i] != (run.accepted[i] ? 1 : 0)) wrong++;
  return wrong;
}

static void open_world(const struct scenario *scenario, SSL_CTX *context) {
  memset(&run, 0, sizeof run);
  broker_start();
  if (!scenario->has_tls && !scenario->has_login) return;
  run.relay = tls_relay_start(broker_server_port(broker), scenario->has_tls ? context : NULL,
                              scenario->has_login ? "wonderland" : NULL);
  uint16_t port = tls_relay_port(run.relay);
  ck_assert_int_eq(broker_model_set_node(broker_server_lock(broker), 1, "127.0.0.1", port), SENDOFF_OK);
  broker_server_unlock(broker);
  (void)snprintf(bootstrap, sizeof bootstrap, "127.0.0.1:%u", port);
}

static void close_world(void) {
  if (run.relay != NULL) tls_relay_stop(run.relay);
  broker_stop();
}

/* There is memory again: the next record arrives, by a new producer if the other one is closed. */
static void go_on(const struct scenario *scenario) {
  uint64_t opaque = RECORDS_MAX - 1;
  sendoff_record record = record_of("one", 0, "the next", opaque);
  if (scenario->settings == NULL) give_up(try_create(plain));
  if (scenario->settings == NULL || scenario->act == act_close) return;
  ck_assert_int_eq(sendoff_send(run.producer, &record), SENDOFF_OK);
  run.accepted[opaque] = true;
  wait_for_outcomes();
  read_queue();
  ck_assert_uint_eq(run.delivered[opaque], 1);
}

/* Whether an allocation failed. */
static bool run_once(const struct scenario *scenario, SSL_CTX *context, uint32_t index) {
  int64_t before = allocation_count_live();
  open_world(scenario, context);
  failing_allocator_start_marked(index);
  if (scenario->settings != NULL) run.producer = try_create(scenario->settings);
  failing_allocator_mark_thread(scenario->both_fail);
  scenario->act();
  failing_allocator_mark_thread(false);
  bool failed = failing_allocator_disarm();
  bool is_true = scenario->is_true();
  go_on(scenario);
  sendoff_producer *producer = run.producer;
  if (producer != NULL) (void)sendoff_close(producer, WITHOUT_LIMIT);
  if (producer != NULL && scenario->settings == queue) read_queue();
  ck_assert_msg(count_wrong_reports() == 0, "%s: %u records have not one report when allocation %u fails",
                scenario->name, count_wrong_reports(), index);
  give_up(producer);
  (void)failing_allocator_stop();
  ck_assert_msg(failed || is_true, "%s: is not what happened", scenario->name);
  close_world();
  int64_t left = allocation_count_live() - before;
  ck_assert_msg(index == NOTHING_FAILS || left == 0, "%s: %d blocks are left when allocation %u fails",
                scenario->name, (int)left, index);
  return failed;
}

START_TEST(each_allocation_fails_in_turn) {
  const struct scenario *scenario = &scenarios[_i];
  SSL_CTX *context = tls_peer_context(&(struct tls_peer_settings){.own = &certificates.broker});
  uint32_t failures = 0;
  (void)run_once(scenario, context, NOTHING_FAILS); /* what is kept for good is made now */
  while (run_once(scenario, context, failures))
    ck_assert_uint_lt(++failures, ALLOCATIONS_MAX);
  SSL_CTX_free(context);
  printf("%s: %u allocations failed in turn\n", scenario->name, failures);
  ck_assert_uint_ge(failures, scenario->least);
}
END_TEST

START_TEST(a_dropped_report_is_noticed) {
  const struct scenario *scenario = &scenarios[2];
  open_world(scenario, NULL);
  run.producer = try_create(scenario->settings);
  scenario->act();
  ck_assert_uint_eq(count_wrong_reports(), 0);
  run.reports[3]--;
  ck_assert_uint_eq(count_wrong_reports(), 1);
  give_up(run.producer);
  close_world();
}
END_TEST

static void write_file(const char *name, const char *text) {
  char path[64];
  (void)snprintf(path, sizeof path, "%s/%s", folder, name);
  FILE *file = fopen(path, "w");
  ck_assert_ptr_nonnull(file);
  ck_assert_int_ge(fputs(text, file), 0);
  ck_assert_int_eq(fclose(file), 0);
}

static void set_up(void) {
  tls_world_open(&certificates);
  ck_assert_ptr_nonnull(mkdtemp(folder));
  write_file("good.properties",
             "linger.ms=5\ncompression.type=zstd\ntopic.one.compression.type=lz4\n# a comment\n");
  write_file("bad.properties", "linger.ms=5\nlinger.ms=never\n");
}

static void tear_down(void) {
  static const char *const names[] = {"good.properties", "bad.properties"};
  char path[64];
  for (size_t i = 0; i < 2; i++) {
    (void)snprintf(path, sizeof path, "%s/%s", folder, names[i]);
    (void)unlink(path);
  }
  (void)rmdir(folder);
  tls_world_close(&certificates);
}

int main(void) {
  Suite *suite = suite_create("abi_allocation");
  TCase *test_case = tcase_create("scenarios");
  tcase_set_timeout(test_case, 120);
  tcase_add_checked_fixture(test_case, set_up, tear_down);
  tcase_add_loop_test(test_case, each_allocation_fails_in_turn, 0, SCENARIOS);
  tcase_add_test(test_case, a_dropped_report_is_noticed);
  suite_add_tcase(suite, test_case);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_ENV);
  int failures = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failures != 0;
}
