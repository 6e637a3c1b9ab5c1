#include "producer/settings.h"

#include "base/clock.h"
#include "base/status.h"
#include "support/codecs.h"
#include "support/failing_allocator.h"
#include <check.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

static struct config *config;
static struct settings settings;

static void make_config(void) {
  ck_assert_int_eq(config_create(&config), STATUS_OK);
  ck_assert_int_eq(config_set(config, "bootstrap.servers", "a:1,b:2", NULL), STATUS_OK);
}

static void destroy_config(void) {
  settings_deinit(&settings);
  config_destroy(config);
}

static void set(const char *name, const char *value) {
  struct config_error error = {.text = ""};
  ck_assert_msg(config_set(config, name, value, &error) == STATUS_OK, "%s", error.text);
}

static void resolve(void) {
  struct config_error error = {.text = ""};
  settings_deinit(&settings);
  int32_t status = settings_resolve(config, &settings, &error);
  ck_assert_msg(status == STATUS_OK, "%s", error.text);
  ck_assert_str_eq(error.text, "");
}

static void assert_refused(const char *message) {
  struct config_error error = {.text = ""};
  struct settings untouched;
  memset(&untouched, 0x77, sizeof(untouched));
  struct settings result = untouched;
  ck_assert_int_eq(settings_resolve(config, &result, &error), STATUS_INVALID_SETTING);
  ck_assert_str_eq(error.text, message);
  ck_assert_mem_eq(&result, &untouched, sizeof(result));
}

static void assert_note(const char *note) {
  for (uint32_t i = 0; i < settings.note_count; i++) {
    if (strcmp(settings.notes[i], note) == 0) return;
  }
  ck_abort_msg("no note \"%s\"; the first is \"%s\"", note, settings.note_count > 0 ? settings.notes[0] : "");
}

START_TEST(defaults_are_typed) {
  resolve();
  ck_assert_uint_eq(settings.note_count, 0);
  ck_assert_str_eq(settings.client_id, "sendoff");
  ck_assert_int_eq(settings.topic.acks, -1);
  ck_assert_int_eq((int)settings.topic.compression, COMPRESSION_NONE);
  ck_assert_int_eq(settings.topic.compression_level, 0);
  ck_assert_int_eq((int)settings.topic.partitioner, PARTITIONER_CHOICE_DEFAULT);
  ck_assert_int_eq(settings.topic.delivery_timeout_us, 120000000);
  ck_assert(settings.enable_idempotence);
  ck_assert_uint_eq(settings.retries, 2147483647);
  ck_assert_uint_eq(settings.max_in_flight, 5);
  ck_assert_uint_eq(settings.buffer_memory_bytes, 33554432);
  ck_assert_uint_eq(settings.partition_buffer_bytes, 16777216);
  ck_assert_uint_eq(settings.batch_size_bytes, 262144);
  ck_assert_uint_eq(settings.batch_max_records, 2147483647);
  ck_assert_uint_eq(settings.max_request_size_bytes, 1048576);
  ck_assert_uint_eq(settings.receive_message_max_bytes, 100000000);
  ck_assert_int_eq(settings.send_buffer_bytes, -1);
  ck_assert_int_eq(settings.receive_buffer_bytes, -1);
  ck_assert_int_eq(settings.log_level, 6);
  ck_assert_uint_eq(settings.event_queue_capacity, 1000);
}
END_TEST

START_TEST(default_times_are_microseconds) {
  resolve();
  ck_assert_int_eq(settings.linger_us, 5000);
  ck_assert_int_eq(settings.max_block_us, 60000000);
  ck_assert_int_eq(settings.partitioner_availability_timeout_us, 0);
  ck_assert_int_eq(settings.request_timeout_us, 30000000);
  ck_assert_int_eq(settings.retry_backoff_us, 100000);
  ck_assert_int_eq(settings.retry_backoff_max_us, 1000000);
  ck_assert_int_eq(settings.metadata_max_age_us, 300000000);
  ck_assert_int_eq(settings.metadata_max_idle_us, 300000000);
  ck_assert_int_eq(settings.topic_metadata_propagation_max_us, 30000000);
  ck_assert_int_eq(settings.metadata_rebootstrap_trigger_us, 300000000);
  ck_assert_int_eq(settings.connections_max_idle_us, 540000000);
  ck_assert_int_eq(settings.reconnect_backoff_us, 50000);
  ck_assert_int_eq(settings.reconnect_backoff_max_us, 1000000);
  ck_assert_int_eq(settings.connection_setup_timeout_us, 10000000);
  ck_assert_int_eq(settings.connection_setup_timeout_max_us, 30000000);
  ck_assert_int_eq(settings.user_timeout_us, 0);
  ck_assert_int_eq(settings.shutdown_timeout_us, 5000000);
}
END_TEST

START_TEST(default_choices_are_java_s) {
  resolve();
  ck_assert(!settings.partitioner_ignore_keys);
  ck_assert(settings.partitioner_adaptive);
  ck_assert_int_eq((int)settings.metadata_recovery, METADATA_RECOVERY_REBOOTSTRAP);
  ck_assert(settings.allow_auto_create_topics);
  ck_assert(settings.keepalive);
  ck_assert(settings.no_delay);
  ck_assert_int_eq((int)settings.broker_address_family, BROKER_ADDRESS_ANY);
  ck_assert(!settings.canonical_bootstrap);
  ck_assert_int_eq((int)settings.delivery_report_mode, DELIVERY_REPORT_AUTO);
  ck_assert(!settings.shutdown_callbacks);
  ck_assert(!settings.shutdown_on_sigterm);
  ck_assert(!settings.shutdown_on_sigint);
}
END_TEST

START_TEST(each_choice_reaches_its_field) {
  set("partitioner.ignore.keys", "true");
  set("partitioner.adaptive.partitioning.enable", "false");
  set("metadata.recovery.strategy", "none");
  set("allow.auto.create.topics", "false");
  set("socket.keepalive.enable", "false");
  set("socket.nagle.disable", "false");
  set("broker.address.family", "v6");
  set("client.dns.lookup", "resolve_canonical_bootstrap_servers_only");
  set("delivery.report.mode", "queue");
  set("shutdown.callbacks", "true");
  set("shutdown.signals", "SIGINT");
  resolve();
  ck_assert(settings.partitioner_ignore_keys);
  ck_assert(!settings.partitioner_adaptive);
  ck_assert_int_eq((int)settings.metadata_recovery, METADATA_RECOVERY_NONE);
  ck_assert(!settings.allow_auto_create_topics);
  ck_assert(!settings.keepalive);
  ck_assert(!settings.no_delay);
  ck_assert_int_eq((int)settings.broker_address_family, BROKER_ADDRESS_V6);
  ck_assert(settings.canonical_bootstrap);
  ck_assert_int_eq((int)settings.delivery_report_mode, DELIVERY_REPORT_QUEUE);
  ck_assert(settings.shutdown_callbacks);
  ck_assert(!settings.shutdown_on_sigterm);
  ck_assert(settings.shutdown_on_sigint);
}
END_TEST

/* A different number for each, so that no two fields can be mixed up. */
START_TEST(each_number_reaches_its_field) {
  static const struct {
    const char *name;
    size_t field;
  } times[] = {
      {"max.block.ms", offsetof(struct settings, max_block_us)},
      {"partitioner.availability.timeout.ms", offsetof(struct settings, partitioner_availability_timeout_us)},
      {"request.timeout.ms", offsetof(struct settings, request_timeout_us)},
      {"retry.backoff.ms", offsetof(struct settings, retry_backoff_us)},
      {"retry.backoff.max.ms", offsetof(struct settings, retry_backoff_max_us)},
      {"metadata.max.age.ms", offsetof(struct settings, metadata_max_age_us)},
      {"metadata.max.idle.ms", offsetof(struct settings, metadata_max_idle_us)},
      {"topic.metadata.propagation.max.ms", offsetof(struct settings, topic_metadata_propagation_max_us)},
      {"metadata.recovery.rebootstrap.trigger.ms",
       offsetof(struct settings, metadata_rebootstrap_trigger_us)},
      {"connections.max.idle.ms", offsetof(struct settings, connections_max_idle_us)},
      {"reconnect.backoff.ms", offsetof(struct settings, reconnect_backoff_us)},
      {"reconnect.backoff.max.ms", offsetof(struct settings, reconnect_backoff_max_us)},
      {"socket.connection.setup.timeout.ms", offsetof(struct settings, connection_setup_timeout_us)},
      {"socket.connection.setup.timeout.max.ms", offsetof(struct settings, connection_setup_timeout_max_us)},
      {"socket.user.timeout.ms", offsetof(struct settings, user_timeout_us)},
      {"shutdown.timeout.ms", offsetof(struct settings, shutdown_timeout_us)},
      {"linger.ms", offsetof(struct settings, linger_us)},
      {"delivery.timeout.ms", offsetof(struct settings, topic.delivery_timeout_us)},
  };
  enum { COUNT = sizeof(times) / sizeof(times[0]) };
  for (int32_t i = 0; i < COUNT; i++) {
    char text[16];
    (void)snprintf(text, sizeof(text), "%d",
                   strcmp(times[i].name, "delivery.timeout.ms") == 0 ? 90000 : 6000 + i);
    set(times[i].name, text);
  }
  resolve();
  for (int32_t i = 0; i < COUNT; i++) {
    int64_t value_us;
    memcpy(&value_us, (const char *)&settings + times[i].field, sizeof(value_us));
    int64_t expected_us =
        (strcmp(times[i].name, "delivery.timeout.ms") == 0 ? 90000 : 6000 + i) * INT64_C(1000);
    ck_assert_msg(value_us == expected_us, "%s", times[i].name);
  }
}
END_TEST

START_TEST(sizes_and_counts_reach_their_fields) {
  set("client.id", "orders");
  set("enable.idempotence", "false");
  set("retries", "11");
  set("max.in.flight.requests.per.connection", "12");
  set("batch.num.messages", "13");
  set("batch.size", "14000");
  set("max.request.size", "15000");
  set("buffer.memory", "160000");
  set("partition.buffer.percent", "17");
  set("send.buffer.bytes", "18");
  set("receive.buffer.bytes", "19");
  set("receive.message.max.bytes", "2000");
  set("log.level", "3");
  set("event.queue.capacity", "21");
  resolve();
  ck_assert_str_eq(settings.client_id, "orders");
  ck_assert(!settings.enable_idempotence);
  ck_assert_uint_eq(settings.retries, 11);
  ck_assert_uint_eq(settings.max_in_flight, 12);
  ck_assert_uint_eq(settings.batch_max_records, 13);
  ck_assert_uint_eq(settings.batch_size_bytes, 14000);
  ck_assert_uint_eq(settings.max_request_size_bytes, 15000);
  ck_assert_uint_eq(settings.buffer_memory_bytes, 160000);
  ck_assert_uint_eq(settings.partition_buffer_bytes, 27200);
  ck_assert_int_eq(settings.send_buffer_bytes, 18);
  ck_assert_int_eq(settings.receive_buffer_bytes, 19);
  ck_assert_uint_eq(settings.receive_message_max_bytes, 2000);
  ck_assert_int_eq(settings.log_level, 3);
  ck_assert_uint_eq(settings.event_queue_capacity, 21);
  ck_assert_uint_eq(settings.note_count, 0);
}
END_TEST

START_TEST(endless_times_are_never) {
  set("connections.max.idle.ms", "-1");
  set("max.block.ms", "9223372036854775807");
  resolve();
  ck_assert_int_eq(settings.connections_max_idle_us, CLOCK_NEVER_US);
  ck_assert_int_eq(settings.max_block_us, CLOCK_NEVER_US);
}
END_TEST

START_TEST(servers_are_resolved) {
  resolve();
  ck_assert_uint_eq(settings.bootstrap_count, 2);
  ck_assert_str_eq((const char *)settings.bootstrap[1].host.data, "b");
  ck_assert_int_eq(settings.bootstrap[1].port, 2);
}
END_TEST

START_TEST(servers_must_be_set) {
  ck_assert_int_eq(config_unset(config, "bootstrap.servers", NULL), STATUS_OK);
  assert_refused("bootstrap.servers is not set: it must be a list such as host1:9092,host2:9092");
}
END_TEST

START_TEST(retries_of_zero_contradict_idempotence) {
  set("retries", "0");
  assert_refused("retries=0 contradicts enable.idempotence=true (the default): set retries above 0, or "
                 "enable.idempotence=false to go without its protection from duplicates");
  set("enable.idempotence", "true");
  assert_refused("retries=0 contradicts enable.idempotence=true: set retries above 0, or "
                 "enable.idempotence=false to go without its protection from duplicates");
  set("enable.idempotence", "false");
  resolve();
  ck_assert_uint_eq(settings.retries, 0);
}
END_TEST

START_TEST(more_than_five_in_flight_contradict_idempotence) {
  set("max.in.flight.requests.per.connection", "6");
  assert_refused(
      "max.in.flight.requests.per.connection=6 contradicts enable.idempotence=true (the default): set "
      "at most 5, or enable.idempotence=false to go without its protection from duplicates");
  set("enable.idempotence", "false");
  resolve();
  ck_assert_uint_eq(settings.max_in_flight, 6);
}
END_TEST

START_TEST(delivery_timeout_that_was_not_set_grows) {
  set("request.timeout.ms", "200000");
  resolve();
  ck_assert_int_eq(settings.topic.delivery_timeout_us, 200005000);
  assert_note("delivery.timeout.ms is 200005 instead of its default 120000, to suit linger.ms plus "
              "request.timeout.ms");
}
END_TEST

START_TEST(request_timeout_that_was_not_set_shrinks) {
  set("delivery.timeout.ms", "10000");
  resolve();
  ck_assert_int_eq(settings.request_timeout_us, 9995000);
  ck_assert_int_eq(settings.linger_us, 5000);
  ck_assert_int_eq(settings.topic.delivery_timeout_us, 10000000);
  assert_note("request.timeout.ms is 9995 instead of its default 30000, to suit delivery.timeout.ms=10000");
  set("linger.ms", "9999");
  resolve();
  ck_assert_int_eq(settings.request_timeout_us, 1000);
}
END_TEST

START_TEST(linger_that_was_not_set_shrinks) {
  set("delivery.timeout.ms", "10000");
  set("request.timeout.ms", "9998.5");
  resolve();
  ck_assert_int_eq(settings.linger_us, 1500);
  ck_assert_int_eq(settings.request_timeout_us, 9998500);
  assert_note("linger.ms is 1.500 instead of its default 5, to suit delivery.timeout.ms=10000");
}
END_TEST

START_TEST(both_shrink_for_a_very_short_delivery_timeout) {
  set("delivery.timeout.ms", "3");
  resolve();
  ck_assert_int_eq(settings.linger_us, 2000);
  ck_assert_int_eq(settings.request_timeout_us, 1000);
}
END_TEST

START_TEST(delivery_timeout_that_contradicts_what_was_set_is_refused) {
  set("delivery.timeout.ms", "1000");
  set("request.timeout.ms", "2000");
  assert_refused(
      "delivery.timeout.ms=1000 is less than linger.ms=5 (the default) plus request.timeout.ms=2000: "
      "raise it or lower one of those");
  set("request.timeout.ms", "900");
  set("linger.ms", "101");
  assert_refused(
      "delivery.timeout.ms=1000 is less than linger.ms=101 plus request.timeout.ms=900: raise it or "
      "lower one of those");
  set("linger.ms", "100");
  resolve();
  ck_assert_uint_eq(settings.note_count, 0);
}
END_TEST

START_TEST(linger_alone_can_contradict) {
  set("delivery.timeout.ms", "1000");
  set("linger.ms", "1000");
  assert_refused("delivery.timeout.ms=1000 is less than linger.ms=1000 plus request.timeout.ms=30000 (the "
                 "default): raise it or lower one of those");
}
END_TEST

START_TEST(batches_are_never_larger_than_requests) {
  set("max.request.size", "100000");
  resolve();
  ck_assert_uint_eq(settings.batch_size_bytes, 100000);
  ck_assert_uint_eq(settings.note_count, 0);
  set("batch.size", "200000");
  resolve();
  ck_assert_uint_eq(settings.batch_size_bytes, 100000);
  assert_note("batches are full at 100000 bytes, since batch.size=200000 is more than max.request.size");
}
END_TEST

START_TEST(batch_size_of_zero_is_one_record) {
  set("batch.size", "0");
  resolve();
  ck_assert_uint_eq(settings.batch_max_records, 1);
  ck_assert_uint_eq(settings.batch_size_bytes, 16384);
}
END_TEST

START_TEST(batches_larger_than_the_memory_are_refused) {
  set("batch.size", "40000000");
  assert_refused("batch.size=40000000 is more than buffer.memory=33554432 (the default): lower it or raise "
                 "buffer.memory");
}
END_TEST

START_TEST(request_size_that_was_not_set_shrinks_to_the_share) {
  set("buffer.memory", "1000000");
  resolve();
  ck_assert_uint_eq(settings.partition_buffer_bytes, 500000);
  ck_assert_uint_eq(settings.max_request_size_bytes, 500000);
  ck_assert_uint_eq(settings.batch_size_bytes, 262144);
  assert_note("max.request.size is 500000 instead of its default 1048576, to suit buffer.memory=1000000");
}
END_TEST

START_TEST(share_that_was_not_set_grows_to_the_request_size) {
  set("buffer.memory", "2000001");
  set("max.request.size", "1500000");
  resolve();
  ck_assert_uint_eq(settings.partition_buffer_bytes, 1500000);
  assert_note("partition.buffer.percent is 75 instead of its default 50, to suit max.request.size=1500000");
}
END_TEST

START_TEST(request_size_that_contradicts_the_share_is_refused) {
  set("buffer.memory", "2000000");
  set("max.request.size", "1500000");
  set("partition.buffer.percent", "60");
  assert_refused("max.request.size=1500000 is more than one partition may hold, 1200000: lower it, or raise "
                 "buffer.memory=2000000 or partition.buffer.percent=60");
  ck_assert_int_eq(config_unset(config, "partition.buffer.percent", NULL), STATUS_OK);
  set("max.request.size", "2000001");
  assert_refused("max.request.size=2000001 is more than one partition may hold, 2000000: lower it, or raise "
                 "buffer.memory=2000000 or partition.buffer.percent=50 (the default)");
}
END_TEST

START_TEST(the_longest_pause_that_was_not_set_grows) {
  set("retry.backoff.ms", "5000");
  set("socket.connection.setup.timeout.ms", "40000");
  resolve();
  ck_assert_int_eq(settings.retry_backoff_max_us, 5000000);
  ck_assert_int_eq(settings.connection_setup_timeout_max_us, 40000000);
  assert_note("retry.backoff.max.ms is 5000 instead of its default 1000, to suit retry.backoff.ms=5000");
}
END_TEST

START_TEST(the_first_pause_that_was_not_set_shrinks) {
  set("reconnect.backoff.max.ms", "20");
  resolve();
  ck_assert_int_eq(settings.reconnect_backoff_us, 20000);
  assert_note("reconnect.backoff.ms is 20 instead of its default 50, to suit reconnect.backoff.max.ms=20");
}
END_TEST

START_TEST(pauses_that_contradict_each_other_are_refused) {
  set("reconnect.backoff.ms", "21");
  set("reconnect.backoff.max.ms", "20");
  assert_refused(
      "reconnect.backoff.ms=21 is more than reconnect.backoff.max.ms=20: lower the one or raise the "
      "other");
}
END_TEST

START_TEST(names_let_pass_are_noted) {
  set("unknown.settings", "warn");
  set("foo", "1");
  resolve();
  ck_assert_uint_eq(settings.note_count, 1);
  assert_note("foo has no effect: there is no setting of that name");
}
END_TEST

START_TEST(each_allocation_may_fail) {
  set("unknown.settings", "warn");
  set("foo", "1");
  set("request.timeout.ms", "200000");
  set("topic.a.compression.type", compression_name(codec_or_none(COMPRESSION_ZSTD)));
  set("topic.b.acks", "all");
  bool failed = true;
  for (uint32_t index = 0; failed; index++) {
    struct settings result;
    struct config_error error = {.text = ""};
    failing_allocator_start(index);
    int32_t status = settings_resolve(config, &result, &error);
    failed = failing_allocator_stop();
    ck_assert_int_eq(status, failed ? STATUS_OUT_OF_MEMORY : STATUS_OK);
    ck_assert_int_eq(failed, error.text[0] != '\0');
    if (!failed) settings_deinit(&result);
  }
}
END_TEST

int main(void) {
  Suite *suite = suite_create("settings");
  TCase *test_case = tcase_create("all");
  tcase_add_checked_fixture(test_case, make_config, destroy_config);
  tcase_add_test(test_case, defaults_are_typed);
  tcase_add_test(test_case, default_times_are_microseconds);
  tcase_add_test(test_case, default_choices_are_java_s);
  tcase_add_test(test_case, each_choice_reaches_its_field);
  tcase_add_test(test_case, each_number_reaches_its_field);
  tcase_add_test(test_case, sizes_and_counts_reach_their_fields);
  tcase_add_test(test_case, endless_times_are_never);
  tcase_add_test(test_case, servers_are_resolved);
  tcase_add_test(test_case, servers_must_be_set);
  tcase_add_test(test_case, retries_of_zero_contradict_idempotence);
  tcase_add_test(test_case, more_than_five_in_flight_contradict_idempotence);
  tcase_add_test(test_case, delivery_timeout_that_was_not_set_grows);
  tcase_add_test(test_case, request_timeout_that_was_not_set_shrinks);
  tcase_add_test(test_case, linger_that_was_not_set_shrinks);
  tcase_add_test(test_case, both_shrink_for_a_very_short_delivery_timeout);
  tcase_add_test(test_case, delivery_timeout_that_contradicts_what_was_set_is_refused);
  tcase_add_test(test_case, linger_alone_can_contradict);
  tcase_add_test(test_case, batches_are_never_larger_than_requests);
  tcase_add_test(test_case, batch_size_of_zero_is_one_record);
  tcase_add_test(test_case, batches_larger_than_the_memory_are_refused);
  tcase_add_test(test_case, request_size_that_was_not_set_shrinks_to_the_share);
  tcase_add_test(test_case, share_that_was_not_set_grows_to_the_request_size);
  tcase_add_test(test_case, request_size_that_contradicts_the_share_is_refused);
  tcase_add_test(test_case, the_longest_pause_that_was_not_set_grows);
  tcase_add_test(test_case, the_first_pause_that_was_not_set_shrinks);
  tcase_add_test(test_case, pauses_that_contradict_each_other_are_refused);
  tcase_add_test(test_case, names_let_pass_are_noted);
  tcase_add_test(test_case, each_allocation_may_fail);
  suite_add_tcase(suite, test_case);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_ENV);
  int failures = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failures != 0;
}
