#include "producer/config.h"

#include "base/status.h"
#include "support/failing_allocator.h"
#include <check.h>
#include <stdio.h>
#include <string.h>

static struct config *config;

static void make_config(void) {
  ck_assert_int_eq(config_create(&config), STATUS_OK);
}

static void destroy_config(void) {
  config_destroy(config);
}

static void assert_set(const char *name, const char *value) {
  struct config_error error = {.text = ""};
  ck_assert_msg(config_set(config, name, value, &error) == STATUS_OK, "%s", error.text);
  ck_assert_str_eq(error.text, "");
}

static void assert_value(const char *name, const char *expected) {
  const char *value = "untouched";
  ck_assert_int_eq(config_get(config, name, &value), STATUS_OK);
  ck_assert_pstr_eq(value, expected);
}

static void assert_refused(const char *name, const char *value, int32_t status, const char *message) {
  struct config_error error = {.text = ""};
  ck_assert_int_eq(config_set(config, name, value, &error), status);
  ck_assert_str_eq(error.text, message);
}

START_TEST(defaults_hold_at_first) {
  assert_value("linger.ms", "5");
  assert_value("acks", "all");
  assert_value("client.id", "sendoff");
  assert_value("bootstrap.servers", NULL);
  assert_value("shutdown.signals", "");
  assert_value("topic.orders.acks", "all");
  ck_assert_ptr_null(config_value(config, SETTING_LINGER_MS));
}
END_TEST

START_TEST(values_are_set_and_replaced) {
  assert_set("linger.ms", "10");
  assert_value("linger.ms", "10");
  assert_set("linger.ms", " 0.5\t\n");
  assert_value("linger.ms", "0.5");
  ck_assert_str_eq(config_value(config, SETTING_LINGER_MS), "0.5");
  ck_assert_int_eq(config_unset(config, "linger.ms", NULL), STATUS_OK);
  assert_value("linger.ms", "5");
  ck_assert_ptr_null(config_value(config, SETTING_LINGER_MS));
}
END_TEST

START_TEST(values_take_the_table_s_spelling) {
  assert_set("enable.idempotence", "FALSE");
  assert_value("enable.idempotence", "false");
  assert_set("security.protocol", "sasl_ssl");
  assert_value("security.protocol", "SASL_SSL");
  assert_set("ssl.endpoint.identification.algorithm", "");
  assert_value("ssl.endpoint.identification.algorithm", "none");
  assert_set("sasl.mechanism", "Scram-Sha-256");
  assert_value("sasl.mechanism", "SCRAM-SHA-256");
  assert_set("partitioner.class", "org.apache.kafka.clients.producer.RoundRobinPartitioner");
  assert_value("partitioner.class", "round_robin");
}
END_TEST

START_TEST(aliases_set_their_target) {
  static const char *const rows[][4] = {
      {"metadata.broker.list", "a:1,b", "bootstrap.servers", "a:1,b"},
      {"request.required.acks", "-1", "acks", "-1"},
      {"message.timeout.ms", "1000", "delivery.timeout.ms", "1000"},
      {"message.timeout.ms", "0", "delivery.timeout.ms", "2147483647"},
      {"socket.timeout.ms", "60000", "request.timeout.ms", "60000"},
      {"message.send.max.retries", "3", "retries", "3"},
      {"max.in.flight", "2", "max.in.flight.requests.per.connection", "2"},
      {"queue.buffering.max.ms", "0.5", "linger.ms", "0.5"},
      {"queue.buffering.max.kbytes", "1024", "buffer.memory", "1048576"},
      {"message.max.bytes", "2000000", "max.request.size", "2000000"},
      {"compression.codec", "lz4", "compression.type", "lz4"},
      {"partitioner", "murmur2_random", "partitioner.class", "murmur2_random"},
      {"topic.metadata.refresh.interval.ms", "-1", "metadata.max.age.ms", "9223372036854775807"},
      {"socket.send.buffer.bytes", "0", "send.buffer.bytes", "-1"},
      {"socket.receive.buffer.bytes", "4096", "receive.buffer.bytes", "4096"},
      {"log_level", "7", "log.level", "7"},
      {"ssl.ca.location", "/ca.pem", "ssl.truststore.location", "/ca.pem"},
      {"sasl.mechanisms", "plain", "sasl.mechanism", "PLAIN"},
      {"sasl.oauthbearer.client.id", "me", "sasl.oauthbearer.client.credentials.client.id", "me"},
  };
  for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
    assert_set(rows[i][0], rows[i][1]);
    assert_value(rows[i][2], rows[i][3]);
    assert_value(rows[i][0], rows[i][3]);
  }
}
END_TEST

START_TEST(the_last_of_an_alias_and_its_target_counts) {
  assert_set("linger.ms", "1");
  assert_set("queue.buffering.max.ms", "2");
  assert_value("linger.ms", "2");
  assert_set("linger.ms", "3");
  assert_value("queue.buffering.max.ms", "3");
}
END_TEST

START_TEST(bad_values_are_refused_with_what_is_allowed) {
  assert_refused("linger.ms", "soon", STATUS_INVALID_SETTING,
                 "linger.ms=soon: must be milliseconds, with three decimals at most: 0 to 2147483647");
  assert_refused("acks", "2", STATUS_INVALID_SETTING, "acks=2: must be one of all, -1, 0, 1");
  assert_refused("queue.buffering.max.kbytes", "1", STATUS_INVALID_SETTING,
                 "queue.buffering.max.kbytes=1, which is buffer.memory=1024: must be a whole number: 65536 "
                 "to 1099511627776");
  assert_refused("security.protocol", "TLS", STATUS_INVALID_SETTING,
                 "security.protocol=TLS: must be one of PLAINTEXT, SSL, SASL_PLAINTEXT, SASL_SSL");
  assert_refused("ssl.enabled.protocols", "TLSv1.2,TLSv1.1", STATUS_INVALID_SETTING,
                 "ssl.enabled.protocols=TLSv1.2,TLSv1.1: must be any of TLSv1.2, TLSv1.3, since older "
                 "versions of TLS are broken (RFC 8996)");
  assert_refused("ssl.protocol", "SSLv3", STATUS_INVALID_SETTING,
                 "ssl.protocol=SSLv3: must be one of TLSv1.3, TLSv1.2, TLS, since older versions of TLS are "
                 "broken (RFC 8996)");
  assert_refused(
      "sasl.mechanisms", "DIGEST-MD5", STATUS_INVALID_SETTING,
      "sasl.mechanisms=DIGEST-MD5, which is sasl.mechanism=DIGEST-MD5: must be one of GSSAPI, PLAIN, "
      "SCRAM-SHA-256, SCRAM-SHA-512, OAUTHBEARER, AWS_MSK_IAM");
  assert_refused(
      "sasl.login.refresh.window.factor", "0.4", STATUS_INVALID_SETTING,
      "sasl.login.refresh.window.factor=0.4: must be a number with six decimals at most: 0.5 to 1.0");
  assert_refused("bootstrap.servers", "a:0", STATUS_INVALID_SETTING,
                 "bootstrap.servers: \"a:0\" has no valid port: it must be a number from 1 to 65535");
  assert_value("linger.ms", "5");
}
END_TEST

START_TEST(a_bad_value_leaves_the_old_one) {
  assert_set("retries", "3");
  assert_refused("retries", "x", STATUS_INVALID_SETTING,
                 "retries=x: must be a whole number: 0 to 2147483647");
  assert_value("retries", "3");
}
END_TEST

START_TEST(unknown_names_are_refused_with_the_nearest) {
  assert_refused("linger.sm", "1", STATUS_UNKNOWN_SETTING,
                 "linger.sm: there is no setting of that name; did you mean linger.ms?");
  assert_refused(
      "schema.registry.url", "x", STATUS_UNKNOWN_SETTING,
      "schema.registry.url: there is no setting of that name (unknown.settings=warn lets unknown names "
      "pass)");
  const char *value = "untouched";
  ck_assert_int_eq(config_get(config, "linger.sm", &value), STATUS_UNKNOWN_SETTING);
  ck_assert_str_eq(value, "untouched");
  struct config_error error = {.text = ""};
  ck_assert_int_eq(config_unset(config, "linger.sm", &error), STATUS_UNKNOWN_SETTING);
  ck_assert_str_eq(error.text, "linger.sm: there is no setting of that name; did you mean linger.ms?");
}
END_TEST

START_TEST(unknown_names_pass_if_asked) {
  assert_set("unknown.settings", "warn");
  assert_set("schema.registry.url", "one");
  assert_set("schema.registry.url", "two");
  assert_set("debug", "all");
  assert_set("key.serializer", "known");
  assert_value("schema.registry.url", "[hidden]"); /* who knows what it is */
  assert_value("key.serializer", "known");
  ck_assert_str_eq(config_ignored_name(config, 0), "schema.registry.url");
  ck_assert_str_eq(config_ignored_name(config, 1), "debug");
  ck_assert_ptr_null(config_ignored_name(config, 2));
  ck_assert_int_eq(config_unset(config, "schema.registry.url", NULL), STATUS_OK);
  ck_assert_str_eq(config_ignored_name(config, 0), "debug");
  assert_refused("linger.ms", "x", STATUS_INVALID_SETTING,
                 "linger.ms=x: must be milliseconds, with three decimals at most: 0 to 2147483647");
}
END_TEST

START_TEST(what_is_not_supported_is_refused_even_then) {
  assert_set("unknown.settings", "warn");
  assert_refused("ssl.provider", "x", STATUS_UNKNOWN_SETTING,
                 "ssl.provider is not supported: TLS is OpenSSL's, and has no providers of Java's");
  assert_refused("transactional.id", "t", STATUS_UNKNOWN_SETTING,
                 "transactional.id is not supported: this version has no transactions");
}
END_TEST

/* To go on without what they were meant to say would be unsafe. */
START_TEST(slips_in_names_of_security_are_refused_even_then) {
  assert_set("unknown.settings", "warn");
  assert_refused("ssl.crl.locaton", "x", STATUS_UNKNOWN_SETTING,
                 "ssl.crl.locaton: there is no setting of that name; did you mean ssl.crl.location?");
  assert_refused("sasl.pasword", "hunter2", STATUS_UNKNOWN_SETTING,
                 "sasl.pasword: there is no setting of that name; did you mean sasl.password?");
}
END_TEST

START_TEST(names_without_counterpart_are_refused_with_the_reason) {
  assert_refused(
      "debug", "all", STATUS_UNKNOWN_SETTING,
      "debug is librdkafka's, and there is no such setting here: set log.level=7 for debugging lines");
}
END_TEST

START_TEST(names_without_meaning_are_kept) {
  assert_value("key.serializer", NULL);
  assert_set("key.serializer", "org.apache.kafka.common.serialization.StringSerializer");
  assert_value("key.serializer", "org.apache.kafka.common.serialization.StringSerializer");
  assert_set("enable.metrics.push", "true");
  assert_set("statistics.interval.ms", "0");
  assert_refused(
      "statistics.interval.ms", "1000", STATUS_INVALID_SETTING,
      "statistics.interval.ms=1000: only 0 is accepted. There is no statistics callback; counters are "
      "read by a call.");
  ck_assert_ptr_null(config_ignored_name(config, 0));
  ck_assert_int_eq(config_unset(config, "key.serializer", NULL), STATUS_OK);
  ck_assert_int_eq(config_unset(config, "value.serializer", NULL), STATUS_OK);
  assert_value("key.serializer", NULL);
}
END_TEST

START_TEST(passwords_are_hidden) {
  assert_value("sasl.password", NULL);
  assert_set("sasl.password", "hunter2");
  assert_value("sasl.password", "[hidden]");
  ck_assert_str_eq(config_value(config, SETTING_SASL_PASSWORD), "hunter2");
  assert_set("ssl.key.pem", "-----BEGIN PRIVATE KEY-----\nhunter2");
  assert_value("ssl.key.pem", "[hidden]");
  assert_value("ssl.keystore.key", "[hidden]");
  assert_set("ssl.keystore.key", "");
  assert_value("ssl.keystore.key", "[hidden]");
  ck_assert_int_eq(config_unset(config, "sasl.password", NULL), STATUS_OK);
  assert_value("sasl.password", NULL);
}
END_TEST

START_TEST(white_space_around_a_password_is_dropped) {
  assert_set("sasl.password", " \thunter 2 \r\n");
  ck_assert_str_eq(config_value(config, SETTING_SASL_PASSWORD), "hunter 2");
}
END_TEST

START_TEST(probe_leaves_whom_to_trust_to_the_system) {
  assert_set("ssl.ca.location", "/ca.pem");
  assert_set("ssl.ca.location", "probe");
  assert_value("ssl.truststore.location", NULL);
  assert_set("ssl.truststore.location", "probe"); /* a file of that name */
  assert_value("ssl.truststore.location", "probe");
}
END_TEST

/* Freed secrets are poisoned for AddressSanitizer, so it looks away. */
__attribute__((no_sanitize("address"))) static size_t bytes_left(const volatile char *text, size_t size) {
  size_t left = 0;
  for (size_t i = 0; i < size; i++)
    left += text[i] != 0;
  return left;
}

START_TEST(values_are_wiped) {
  struct config *other;
  assert_set("sasl.password", "hunter2");
  assert_set("client.id", "who-it-is");
  const char *password = config_value(config, SETTING_SASL_PASSWORD);
  ck_assert_int_eq(config_copy(config, &other), STATUS_OK);
  const char *copied = config_value(other, SETTING_CLIENT_ID);
  ck_assert_uint_eq(bytes_left(password, 7) + bytes_left(copied, 9), 16);
  assert_set("sasl.password", "hunter3");
  config_destroy(other);
  ck_assert_uint_eq(bytes_left(password, 7) + bytes_left(copied, 9), 0);
}
END_TEST

START_TEST(topics_have_settings_of_their_own) {
  assert_set("compression.type", "gzip");
  assert_set("topic.orders.compression.type", "zstd");
  assert_set("topic.eu.orders.v1.compression.codec", "lz4");
  assert_value("topic.orders.compression.type", "zstd");
  assert_value("topic.eu.orders.v1.compression.type", "lz4");
  assert_value("topic.other.compression.type", "gzip");
  assert_value("compression.type", "gzip");
  ck_assert_uint_eq(config_topic_count(config), 2);
  ck_assert_str_eq(config_topic_name(config, 1), "eu.orders.v1");
  ck_assert_str_eq(config_topic_value(config, 1, SETTING_COMPRESSION_TYPE), "lz4");
  ck_assert_ptr_null(config_topic_value(config, 1, SETTING_ACKS));
}
END_TEST

START_TEST(a_topic_s_setting_is_taken_back) {
  assert_set("topic.orders.compression.type", "zstd");
  ck_assert_int_eq(config_unset(config, "topic.orders.compression.type", NULL), STATUS_OK);
  assert_value("topic.orders.compression.type", "none");
  assert_set("topic.orders.compression.codec", "gzip");
  assert_set("topic.orders.compression.codec", "inherit");
  assert_value("topic.orders.compression.codec", "none");
  ck_assert_int_eq(config_unset(config, "topic.absent.acks", NULL), STATUS_OK);
}
END_TEST

START_TEST(the_longest_name_at_the_end_is_the_setting) {
  assert_set("enable.idempotence", "false");
  assert_set("topic.a.request.required.acks", "1");
  ck_assert_str_eq(config_topic_name(config, 0), "a");
  assert_set("topic.acks.acks", "0");
  ck_assert_str_eq(config_topic_name(config, 1), "acks");
  assert_set("topic.metadata.propagation.max.ms", "7");
  ck_assert_uint_eq(config_topic_count(config), 2);
}
END_TEST

START_TEST(what_topics_cannot_have_is_refused) {
  assert_refused(
      "topic.orders.linger.ms", "1", STATUS_UNKNOWN_SETTING,
      "topic.orders.linger.ms: after topic.NAME. can stand acks, delivery.timeout.ms, compression.type, "
      "compression.gzip.level, compression.lz4.level, compression.zstd.level, compression.level, "
      "partitioner.class");
  struct config_error error;
  ck_assert_int_eq(config_set(config, "topic..acks", "1", &error), STATUS_UNKNOWN_SETTING);
  ck_assert_int_eq(config_set(config, "topic.", "1", &error), STATUS_UNKNOWN_SETTING);
  ck_assert_int_eq(config_set(config, "topic.acks", "1", &error), STATUS_UNKNOWN_SETTING);
}
END_TEST

START_TEST(bad_topic_names_are_refused) {
  static const char *const wrong[] = {"topic.a/b.acks", "topic.a b.acks", "topic....acks",
                                      "topic.\xc3\xa4.acks"};
  struct config_error error;
  for (size_t i = 0; i < 4; i++) {
    ck_assert_int_eq(config_set(config, wrong[i], "all", &error), STATUS_INVALID_SETTING);
    ck_assert_ptr_nonnull(strstr(error.text, "a topic's name is 1 to 249"));
  }
  char name[300];
  (void)snprintf(name, sizeof(name), "topic.%0*d.acks", 249, 0);
  assert_set(name, "all");
  (void)snprintf(name, sizeof(name), "topic.%0*d.acks", 250, 0);
  ck_assert_int_eq(config_set(config, name, "all", NULL), STATUS_INVALID_SETTING);
}
END_TEST

START_TEST(null_and_empty_names_are_refused) {
  const char *value;
  assert_refused(NULL, "1", STATUS_INVALID_ARGUMENT, "a setting needs a name and a value");
  assert_refused("", "1", STATUS_INVALID_ARGUMENT, "a setting needs a name and a value");
  assert_refused("acks", NULL, STATUS_INVALID_ARGUMENT, "a setting needs a name and a value");
  ck_assert_int_eq(config_set(NULL, "acks", "1", NULL), STATUS_INVALID_ARGUMENT);
  ck_assert_int_eq(config_unset(config, NULL, NULL), STATUS_INVALID_ARGUMENT);
  ck_assert_int_eq(config_get(config, NULL, &value), STATUS_INVALID_ARGUMENT);
  config_destroy(NULL);
}
END_TEST

START_TEST(hostile_lengths_are_cut_in_messages) {
  static char text[100000];
  memset(text, 'x', sizeof(text) - 1);
  struct config_error error;
  ck_assert_int_eq(config_set(config, text, "1", &error), STATUS_UNKNOWN_SETTING);
  ck_assert_uint_lt(strlen(error.text), sizeof(error.text) - 1);
  ck_assert_int_eq(config_set(config, "linger.ms", text, &error), STATUS_INVALID_SETTING);
  ck_assert_ptr_nonnull(strstr(error.text, "must be milliseconds"));
}
END_TEST

static void fill_config(void) {
  assert_set("bootstrap.servers", "a:1");
  assert_set("unknown.settings", "warn");
  assert_set("foo", "bar");
  assert_set("value.serializer", "x");
  assert_set("topic.orders.acks", "all");
  assert_set("topic.bills.compression.type", "gzip");
}

START_TEST(a_copy_is_a_set_of_its_own) {
  fill_config();
  struct config *original = config;
  struct config *copy;
  ck_assert_int_eq(config_copy(original, &copy), STATUS_OK);
  assert_set("bootstrap.servers", "b:2");
  assert_set("topic.orders.acks", "-1");
  assert_set("foo", "changed");
  config = copy;
  assert_value("bootstrap.servers", "a:1");
  assert_value("foo", "[hidden]");
  assert_value("value.serializer", "x");
  assert_value("topic.orders.acks", "all");
  assert_value("topic.bills.compression.type", "gzip");
  ck_assert_str_eq(config_ignored_name(config, 0), "foo");
  ck_assert_ptr_null(config_ignored_name(config, 1));
  config_swap(copy, original);
  assert_value("bootstrap.servers", "b:2");
  config_destroy(copy);
  config = original;
  assert_value("bootstrap.servers", "a:1");
}
END_TEST

START_TEST(each_allocation_may_fail_while_setting) {
  static const char *const pairs[][2] = {
      {"linger.ms", "9"}, {"bootstrap.servers", "b:2"}, {"value.serializer", "y"}, {"topic.new.acks", "-1"}};
  assert_set("linger.ms", "1");
  for (size_t i = 0; i < 4; i++) {
    int32_t status = STATUS_OUT_OF_MEMORY;
    for (uint32_t index = 0; status != STATUS_OK; index++) {
      struct config_error error = {.text = ""};
      failing_allocator_start(index);
      status = config_set(config, pairs[i][0], pairs[i][1], &error);
      bool failed = failing_allocator_stop();
      ck_assert_int_eq(status, failed ? STATUS_OUT_OF_MEMORY : STATUS_OK);
      ck_assert_int_eq(failed, error.text[0] != '\0');
      if (failed) assert_value("topic.new.acks", "all");
    }
    assert_value(pairs[i][0], pairs[i][1]);
  }
}
END_TEST

START_TEST(each_allocation_may_fail_while_copying) {
  fill_config();
  bool failed = true;
  for (uint32_t index = 0; failed; index++) {
    struct config *copy = NULL;
    failing_allocator_start(index);
    int32_t status = config_copy(config, &copy);
    failed = failing_allocator_stop();
    ck_assert_int_eq(status, failed ? STATUS_OUT_OF_MEMORY : STATUS_OK);
    ck_assert_int_eq(copy == NULL, failed);
    config_destroy(copy);
  }
}
END_TEST

int main(void) {
  Suite *suite = suite_create("config");
  TCase *test_case = tcase_create("all");
  tcase_add_checked_fixture(test_case, make_config, destroy_config);
  tcase_add_test(test_case, defaults_hold_at_first);
  tcase_add_test(test_case, values_are_set_and_replaced);
  tcase_add_test(test_case, values_take_the_table_s_spelling);
  tcase_add_test(test_case, aliases_set_their_target);
  tcase_add_test(test_case, the_last_of_an_alias_and_its_target_counts);
  tcase_add_test(test_case, bad_values_are_refused_with_what_is_allowed);
  tcase_add_test(test_case, a_bad_value_leaves_the_old_one);
  tcase_add_test(test_case, unknown_names_are_refused_with_the_nearest);
  tcase_add_test(test_case, unknown_names_pass_if_asked);
  tcase_add_test(test_case, what_is_not_supported_is_refused_even_then);
  tcase_add_test(test_case, slips_in_names_of_security_are_refused_even_then);
  tcase_add_test(test_case, passwords_are_hidden);
  tcase_add_test(test_case, white_space_around_a_password_is_dropped);
  tcase_add_test(test_case, probe_leaves_whom_to_trust_to_the_system);
  tcase_add_test(test_case, values_are_wiped);
  tcase_add_test(test_case, names_without_counterpart_are_refused_with_the_reason);
  tcase_add_test(test_case, names_without_meaning_are_kept);
  tcase_add_test(test_case, topics_have_settings_of_their_own);
  tcase_add_test(test_case, a_topic_s_setting_is_taken_back);
  tcase_add_test(test_case, the_longest_name_at_the_end_is_the_setting);
  tcase_add_test(test_case, what_topics_cannot_have_is_refused);
  tcase_add_test(test_case, bad_topic_names_are_refused);
  tcase_add_test(test_case, null_and_empty_names_are_refused);
  tcase_add_test(test_case, hostile_lengths_are_cut_in_messages);
  tcase_add_test(test_case, a_copy_is_a_set_of_its_own);
  tcase_add_test(test_case, each_allocation_may_fail_while_setting);
  tcase_add_test(test_case, each_allocation_may_fail_while_copying);
  suite_add_tcase(suite, test_case);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_ENV);
  int failures = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failures != 0;
}
