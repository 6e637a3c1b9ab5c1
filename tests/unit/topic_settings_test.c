#include "producer/topic_settings.h"

#include "base/status.h"
#include "producer/settings.h"
#include "support/codecs.h"
#include <check.h>
#include <stdio.h>
#include <string.h>

static struct config *config;
static struct settings settings;

static void make_config(void) {
  ck_assert_int_eq(config_create(&config), STATUS_OK);
  ck_assert_int_eq(config_set(config, "bootstrap.servers", "a:1", NULL), STATUS_OK);
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
}

static void assert_refused(const char *message) {
  struct config_error error = {.text = ""};
  ck_assert_int_eq(settings_resolve(config, &settings, &error), STATUS_INVALID_SETTING);
  ck_assert_str_eq(error.text, message);
}

static struct topic_settings of(const char *topic) {
  struct topic_settings result;
  settings_for_topic(&settings, bytes_of_string(topic), &result);
  return result;
}

START_TEST(topics_without_settings_have_the_producer_s) {
  if (!every_codec_is_built_in()) return;
  set("compression.type", "lz4");
  resolve();
  ck_assert_int_eq((int)of("orders").compression, COMPRESSION_LZ4);
  ck_assert_int_eq(of("orders").compression_level, 9);
  set("topic.bills.acks", "all");
  resolve();
  ck_assert_int_eq((int)of("orders").compression, COMPRESSION_LZ4);
}
END_TEST

START_TEST(each_setting_of_a_topic_is_its_own) {
  if (!every_codec_is_built_in()) return;
  set("enable.idempotence", "false");
  set("topic.orders.acks", "1");
  set("topic.orders.compression.type", "zstd");
  set("topic.orders.compression.zstd.level", "-5");
  set("topic.orders.partitioner.class", "fnv1a_random");
  set("topic.orders.delivery.timeout.ms", "60000");
  resolve();
  struct topic_settings orders = of("orders"), others = of("others");
  ck_assert_int_eq(orders.acks, 1);
  ck_assert_int_eq((int)orders.compression, COMPRESSION_ZSTD);
  ck_assert_int_eq(orders.compression_level, -5);
  ck_assert_int_eq((int)orders.partitioner, PARTITIONER_CHOICE_FNV1A_RANDOM);
  ck_assert_int_eq(orders.delivery_timeout_us, 60000000);
  ck_assert_int_eq(others.acks, -1);
  ck_assert_int_eq((int)others.compression, COMPRESSION_NONE);
  ck_assert_int_eq((int)others.partitioner, PARTITIONER_CHOICE_DEFAULT);
  ck_assert_int_eq(others.delivery_timeout_us, 120000000);
}
END_TEST

START_TEST(topics_take_over_what_they_do_not_set) {
  if (!every_codec_is_built_in()) return;
  set("compression.type", "gzip");
  set("compression.gzip.level", "4");
  set("partitioner.class", "round_robin");
  set("topic.orders.acks", "all");
  resolve();
  ck_assert_int_eq((int)of("orders").compression, COMPRESSION_GZIP);
  ck_assert_int_eq(of("orders").compression_level, 4);
  ck_assert_int_eq((int)of("orders").partitioner, PARTITIONER_CHOICE_ROUND_ROBIN);
}
END_TEST

START_TEST(a_topic_is_found_among_many) {
  static const char *const names[] = {"b", "a", "ab", "a.b", "B", "a-", "abc", "aa"};
  for (int i = 0; i < 8; i++) {
    char name[64], value[16];
    (void)snprintf(name, sizeof(name), "topic.%s.delivery.timeout.ms", names[i]);
    (void)snprintf(value, sizeof(value), "%d", 50000 + i);
    set(name, value);
  }
  resolve();
  for (int i = 0; i < 8; i++)
    ck_assert_int_eq(of(names[i]).delivery_timeout_us, (50000 + i) * INT64_C(1000));
  ck_assert_int_eq(of("abcd").delivery_timeout_us, 120000000);
  ck_assert_int_eq(of("").delivery_timeout_us, 120000000);
  struct topic_settings result;
  settings_for_topic(&settings, bytes_of("abcd", 2), &result);
  ck_assert_int_eq(result.delivery_timeout_us, 50002000);
}
END_TEST

START_TEST(acks_that_contradict_idempotence_are_refused) {
  set("acks", "1");
  assert_refused("acks=1 contradicts enable.idempotence=true (the default): set acks=all, or "
                 "enable.idempotence=false to go without its protection from duplicates");
  set("acks", "-1");
  set("topic.orders.acks", "0");
  set("enable.idempotence", "true");
  assert_refused("topic.orders.acks=0 contradicts enable.idempotence=true: set acks=all, or "
                 "enable.idempotence=false to go without its protection from duplicates");
  set("enable.idempotence", "false");
  resolve();
  ck_assert_int_eq(of("orders").acks, 0);
  ck_assert_int_eq(of("bills").acks, -1);
}
END_TEST

START_TEST(levels_are_those_of_the_codec) {
  if (!every_codec_is_built_in()) return;
  set("compression.zstd.level", "7");
  set("compression.gzip.level", "2");
  resolve();
  ck_assert_int_eq(settings.topic.compression_level, 0);
  set("compression.type", "zstd");
  resolve();
  ck_assert_int_eq(settings.topic.compression_level, 7);
  set("compression.type", "gzip");
  resolve();
  ck_assert_int_eq(settings.topic.compression_level, 2);
  set("compression.type", "snappy");
  resolve();
  ck_assert_int_eq(settings.topic.compression_level, 0);
  ck_assert_int_eq(config_unset(config, "compression.gzip.level", NULL), STATUS_OK);
  set("compression.type", "gzip");
  resolve();
  ck_assert_int_eq(settings.topic.compression_level, -1);
}
END_TEST

START_TEST(the_common_level_is_for_any_codec) {
  if (!every_codec_is_built_in()) return;
  set("compression.level", "5");
  set("compression.type", "zstd");
  set("topic.orders.compression.type", "lz4");
  set("topic.bills.compression.type", "gzip");
  set("topic.bills.compression.level", "8");
  set("topic.plain.compression.type", "none");
  resolve();
  ck_assert_int_eq(settings.topic.compression_level, 5);
  ck_assert_int_eq(of("orders").compression_level, 5);
  ck_assert_int_eq(of("bills").compression_level, 8);
  ck_assert_int_eq(of("plain").compression_level, 0);
  set("compression.level", "-1");
  resolve();
  ck_assert_int_eq(settings.topic.compression_level, 3);
}
END_TEST

START_TEST(a_common_level_beyond_the_codec_is_refused) {
  if (!every_codec_is_built_in()) return;
  set("compression.level", "15");
  set("compression.type", "lz4");
  resolve();
  set("compression.type", "gzip");
  assert_refused(
      "compression.level=15 does not suit compression.type: compression.gzip.level must be a whole "
      "number: -1, or 1 to 9");
}
END_TEST

START_TEST(levels_that_contradict_each_other_are_refused) {
  if (!every_codec_is_built_in()) return;
  set("topic.orders.compression.type", "zstd");
  set("topic.orders.compression.zstd.level", "4");
  set("topic.orders.compression.level", "5");
  assert_refused(
      "topic.orders.compression.zstd.level=4 contradicts topic.orders.compression.level=5: set one of "
      "them");
  set("topic.orders.compression.level", "4");
  resolve();
  ck_assert_int_eq(of("orders").compression_level, 4);
}
END_TEST

START_TEST(partitioners_have_the_order_of_their_names) {
  static const char *const names[] = {"default",           "round_robin", "random",         "consistent",
                                      "consistent_random", "murmur2",     "murmur2_random", "fnv1a",
                                      "fnv1a_random"};
  for (int i = 0; i < 9; i++) {
    set("partitioner.class", names[i]);
    resolve();
    ck_assert_int_eq((int)settings.topic.partitioner, i);
  }
  ck_assert_int_eq(PARTITIONER_CHOICE_FNV1A_RANDOM, 8);
  ck_assert_int_eq(PARTITIONER_CHOICE_MURMUR2, 5);
}
END_TEST

START_TEST(request_timeout_shrinks_for_a_topic) {
  set("topic.orders.delivery.timeout.ms", "10000");
  resolve();
  ck_assert_int_eq(settings.request_timeout_us, 9995000);
  ck_assert_int_eq(of("orders").delivery_timeout_us, 10000000);
  ck_assert_int_eq(of("bills").delivery_timeout_us, 120000000);
  set("request.timeout.ms", "10000");
  set("linger.ms", "1");
  assert_refused(
      "topic.orders.delivery.timeout.ms=10000 is less than linger.ms=1 plus request.timeout.ms=10000: "
      "raise it or lower one of those");
}
END_TEST

START_TEST(topics_take_over_what_has_given_way) {
  set("request.timeout.ms", "200000");
  set("topic.orders.acks", "all");
  resolve();
  ck_assert_int_eq(of("orders").delivery_timeout_us, 200005000);
}
END_TEST

int main(void) {
  Suite *suite = suite_create("topic_settings");
  TCase *test_case = tcase_create("all");
  tcase_add_checked_fixture(test_case, make_config, destroy_config);
  tcase_add_test(test_case, topics_without_settings_have_the_producer_s);
  tcase_add_test(test_case, each_setting_of_a_topic_is_its_own);
  tcase_add_test(test_case, topics_take_over_what_they_do_not_set);
  tcase_add_test(test_case, a_topic_is_found_among_many);
  tcase_add_test(test_case, acks_that_contradict_idempotence_are_refused);
  tcase_add_test(test_case, levels_are_those_of_the_codec);
  tcase_add_test(test_case, the_common_level_is_for_any_codec);
  tcase_add_test(test_case, a_common_level_beyond_the_codec_is_refused);
  tcase_add_test(test_case, levels_that_contradict_each_other_are_refused);
  tcase_add_test(test_case, partitioners_have_the_order_of_their_names);
  tcase_add_test(test_case, request_timeout_shrinks_for_a_topic);
  tcase_add_test(test_case, topics_take_over_what_has_given_way);
  suite_add_tcase(suite, test_case);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_ENV);
  int failures = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failures != 0;
}
