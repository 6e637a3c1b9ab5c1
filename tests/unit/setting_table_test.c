#include "producer/setting_table.h"

#include "producer/setting_value.h"
#include <check.h>
#include <string.h>

START_TEST(every_default_is_allowed) {
  for (uint32_t i = 0; i < SETTING_COUNT; i++) {
    const struct setting_row *row = setting_row((enum setting)i);
    int64_t number;
    if (row->default_text == NULL) continue;
    ck_assert_msg(setting_value_read((enum setting)i, row->default_text, &number), "%s", row->name);
  }
}
END_TEST

START_TEST(every_special_value_is_allowed) {
  uint32_t found = 0;
  for (uint32_t i = 0; i < SETTING_COUNT; i++) {
    const struct setting_row *row = setting_row((enum setting)i);
    int64_t number;
    if (row->special == NULL) continue;
    found++;
    ck_assert_msg(setting_value_read((enum setting)i, row->special, &number), "%s", row->name);
  }
  ck_assert_uint_eq(found, 4);
}
END_TEST

START_TEST(no_name_stands_twice) {
  struct setting_description a, b;
  for (uint32_t i = 0; setting_description_at(i, &a); i++) {
    for (uint32_t j = 0; setting_description_at(j, &b); j++)
      ck_assert_msg(i == j || strcmp(a.name, b.name) != 0, "%s", a.name);
    for (uint32_t j = 0; setting_refusal_at(j, &b); j++)
      ck_assert_msg(strcmp(a.name, b.name) != 0, "%s", a.name);
  }
}
END_TEST

START_TEST(every_name_is_found_as_what_it_is) {
  struct setting_description description;
  for (uint32_t i = 0; setting_description_at(i, &description); i++)
    ck_assert_msg(setting_name_find(description.name).kind == description.kind, "%s", description.name);
  for (uint32_t i = 0; setting_refusal_at(i, &description); i++)
    ck_assert_msg(setting_name_find(description.name).kind == description.kind, "%s", description.name);
}
END_TEST

START_TEST(descriptions_come_in_order_and_end) {
  struct setting_description description;
  uint32_t count = setting_description_count();
  int32_t last = SETTING_NAME_OWN;
  for (uint32_t i = 0; i < count; i++) {
    ck_assert(setting_description_at(i, &description));
    ck_assert_int_ge((int32_t)description.kind, last);
    ck_assert_int_le((int32_t)description.kind, SETTING_NAME_NO_MEANING);
    ck_assert_ptr_nonnull(description.text);
    ck_assert_ptr_nonnull(description.type);
    last = (int32_t)description.kind;
  }
  ck_assert(!setting_description_at(count, &description));
  ck_assert(!setting_description_at(UINT32_MAX, &description));
  ck_assert(!setting_refusal_at(setting_refusal_count(), &description));
}
END_TEST

START_TEST(a_setting_is_described) {
  struct setting_description linger;
  ck_assert(setting_description_at(SETTING_LINGER_MS, &linger));
  ck_assert_str_eq(linger.name, "linger.ms");
  ck_assert_str_eq(linger.type, "double");
  ck_assert_str_eq(linger.default_value, "5");
  ck_assert_str_eq(linger.range, "0 to 2147483647");
  ck_assert_ptr_null(linger.alias_of);
  ck_assert_ptr_null(linger.origin);
  ck_assert(!linger.per_topic);
  struct setting_description acks;
  ck_assert(setting_description_at(SETTING_ACKS, &acks));
  ck_assert_str_eq(acks.range, "all, -1, 0, 1");
  ck_assert(acks.per_topic);
}
END_TEST

START_TEST(an_alias_is_described_as_its_target) {
  struct setting_description alias;
  uint32_t index = 0;
  while (setting_description_at(index, &alias) && strcmp(alias.name, "queue.buffering.max.ms") != 0)
    index++;
  ck_assert_str_eq(alias.alias_of, "linger.ms");
  ck_assert_str_eq(alias.type, "double");
  ck_assert_str_eq(alias.default_value, "5");
  ck_assert_str_eq(alias.origin, "librdkafka");
}
END_TEST

START_TEST(a_star_stands_for_all_that_begin_so) {
  struct setting_name found = setting_name_find("sasl.oauthbearer.assertion.claim.aud");
  ck_assert_int_eq((int)found.kind, SETTING_NAME_NOT_SUPPORTED);
  ck_assert_int_eq((int)setting_name_find("config.providers.vault.class").kind, SETTING_NAME_NOT_SUPPORTED);
  ck_assert_int_eq((int)setting_name_find("config.providers.file.class").kind, SETTING_NAME_NO_MEANING);
  ck_assert_int_eq((int)setting_name_find("sas").kind, SETTING_NAME_UNKNOWN);
  ck_assert_int_eq((int)setting_name_find("Linger.ms").kind, SETTING_NAME_UNKNOWN);
  ck_assert_int_eq((int)setting_name_find("linger.ms ").kind, SETTING_NAME_UNKNOWN);
}
END_TEST

/* Every name of Kafka's Java producer 4.2. */
static const char *const java_names[] = {
    "acks",
    "batch.size",
    "bootstrap.servers",
    "buffer.memory",
    "client.dns.lookup",
    "client.id",
    "compression.gzip.level",
    "compression.lz4.level",
    "compression.type",
    "compression.zstd.level",
    "config.providers",
    "connections.max.idle.ms",
    "delivery.timeout.ms",
    "enable.idempotence",
    "enable.metrics.push",
    "interceptor.classes",
    "key.serializer",
    "linger.ms",
    "max.block.ms",
    "max.in.flight.requests.per.connection",
    "max.request.size",
    "metadata.max.age.ms",
    "metadata.max.idle.ms",
    "metadata.recovery.rebootstrap.trigger.ms",
    "metadata.recovery.strategy",
    "metric.reporters",
    "metrics.num.samples",
    "metrics.recording.level",
    "metrics.sample.window.ms",
    "partitioner.adaptive.partitioning.enable",
    "partitioner.availability.timeout.ms",
    "partitioner.class",
    "partitioner.ignore.keys",
    "receive.buffer.bytes",
    "reconnect.backoff.max.ms",
    "reconnect.backoff.ms",
    "request.timeout.ms",
    "retries",
    "retry.backoff.max.ms",
    "retry.backoff.ms",
    "sasl.client.callback.handler.class",
    "sasl.jaas.config",
    "sasl.kerberos.kinit.cmd",
    "sasl.kerberos.min.time.before.relogin",
    "sasl.kerberos.service.name",
    "sasl.kerberos.ticket.renew.jitter",
    "sasl.kerberos.ticket.renew.window.factor",
    "sasl.login.callback.handler.class",
    "sasl.login.class",
    "sasl.login.connect.timeout.ms",
    "sasl.login.read.timeout.ms",
    "sasl.login.refresh.buffer.seconds",
    "sasl.login.refresh.min.period.seconds",
    "sasl.login.refresh.window.factor",
    "sasl.login.refresh.window.jitter",
    "sasl.login.retry.backoff.max.ms",
    "sasl.login.retry.backoff.ms",
    "sasl.mechanism",
    "sasl.oauthbearer.assertion.algorithm",
    "sasl.oauthbearer.assertion.claim.aud",
    "sasl.oauthbearer.assertion.claim.exp.seconds",
    "sasl.oauthbearer.assertion.claim.iss",
    "sasl.oauthbearer.assertion.claim.jti.include",
    "sasl.oauthbearer.assertion.claim.nbf.seconds",
    "sasl.oauthbearer.assertion.claim.sub",
    "sasl.oauthbearer.assertion.file",
    "sasl.oauthbearer.assertion.private.key.file",
    "sasl.oauthbearer.assertion.private.key.passphrase",
    "sasl.oauthbearer.assertion.template.file",
    "sasl.oauthbearer.client.credentials.client.id",
    "sasl.oauthbearer.client.credentials.client.secret",
    "sasl.oauthbearer.clock.skew.seconds",
    "sasl.oauthbearer.expected.audience",
    "sasl.oauthbearer.expected.issuer",
    "sasl.oauthbearer.header.urlencode",
    "sasl.oauthbearer.jwks.endpoint.refresh.ms",
    "sasl.oauthbearer.jwks.endpoint.retry.backoff.max.ms",
    "sasl.oauthbearer.jwks.endpoint.retry.backoff.ms",
    "sasl.oauthbearer.jwks.endpoint.url",
    "sasl.oauthbearer.jwt.retriever.class",
    "sasl.oauthbearer.jwt.validator.class",
    "sasl.oauthbearer.scope",
    "sasl.oauthbearer.scope.claim.name",
    "sasl.oauthbearer.sub.claim.name",
    "sasl.oauthbearer.token.endpoint.url",
    "security.protocol",
    "security.providers",
    "send.buffer.bytes",
    "socket.connection.setup.timeout.max.ms",
    "socket.connection.setup.timeout.ms",
    "ssl.cipher.suites",
    "ssl.enabled.protocols",
    "ssl.endpoint.identification.algorithm",
    "ssl.engine.factory.class",
    "ssl.key.password",
    "ssl.keymanager.algorithm",
    "ssl.keystore.certificate.chain",
    "ssl.keystore.key",
    "ssl.keystore.location",
    "ssl.keystore.password",
    "ssl.keystore.type",
    "ssl.protocol",
    "ssl.provider",
    "ssl.secure.random.implementation",
    "ssl.trustmanager.algorithm",
    "ssl.truststore.certificates",
    "ssl.truststore.location",
    "ssl.truststore.password",
    "ssl.truststore.type",
    "transaction.timeout.ms",
    "transaction.two.phase.commit.enable",
    "transactional.id",
    "value.serializer",
};

START_TEST(every_name_of_java_is_known) {
  for (size_t i = 0; i < sizeof(java_names) / sizeof(java_names[0]); i++)
    ck_assert_msg(setting_name_find(java_names[i]).kind != SETTING_NAME_UNKNOWN, "%s", java_names[i]);
}
END_TEST

START_TEST(a_slip_has_a_nearest_name) {
  ck_assert_str_eq(setting_name_nearest("linger.sm"), "linger.ms");
  ck_assert_str_eq(setting_name_nearest("LINGER_MS"), "linger.ms");
  ck_assert_str_eq(setting_name_nearest("linger"), "linger.ms");
  ck_assert_str_eq(setting_name_nearest("ack"), "acks");
  ck_assert_str_eq(setting_name_nearest("bootstrap.server"), "bootstrap.servers");
  ck_assert_str_eq(setting_name_nearest("compresion.type"), "compression.type");
  ck_assert_str_eq(setting_name_nearest("key.serialiser"), "key.serializer");
}
END_TEST

START_TEST(another_word_has_no_nearest_name) {
  char endless[2000];
  memset(endless, 'a', sizeof(endless) - 1);
  endless[sizeof(endless) - 1] = '\0';
  ck_assert_ptr_null(setting_name_nearest("foo"));
  ck_assert_ptr_null(setting_name_nearest(""));
  ck_assert_ptr_null(setting_name_nearest("schema.registry.url"));
  ck_assert_ptr_null(setting_name_nearest("auto.offset.reset"));
  ck_assert_ptr_null(setting_name_nearest(endless));
}
END_TEST

int main(void) {
  Suite *suite = suite_create("setting_table");
  TCase *test_case = tcase_create("all");
  tcase_add_test(test_case, every_default_is_allowed);
  tcase_add_test(test_case, every_special_value_is_allowed);
  tcase_add_test(test_case, no_name_stands_twice);
  tcase_add_test(test_case, every_name_is_found_as_what_it_is);
  tcase_add_test(test_case, descriptions_come_in_order_and_end);
  tcase_add_test(test_case, a_setting_is_described);
  tcase_add_test(test_case, an_alias_is_described_as_its_target);
  tcase_add_test(test_case, a_star_stands_for_all_that_begin_so);
  tcase_add_test(test_case, every_name_of_java_is_known);
  tcase_add_test(test_case, a_slip_has_a_nearest_name);
  tcase_add_test(test_case, another_word_has_no_nearest_name);
  suite_add_tcase(suite, test_case);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_ENV);
  int failures = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failures != 0;
}
