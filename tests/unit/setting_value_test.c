#include "producer/setting_value.h"

#include "base/clock.h"
#include "protocol/compression.h"
#include <check.h>
#include <string.h>

static void assert_reads(enum setting setting, const char *text, int64_t expected) {
  int64_t number = -77;
  ck_assert_msg(setting_value_read(setting, text, &number), "%s=%s", setting_row(setting)->name, text);
  ck_assert_int_eq(number, expected);
}

static void assert_refuses(enum setting setting, const char *text) {
  int64_t number = -77;
  ck_assert_msg(!setting_value_read(setting, text, &number), "%s=%s", setting_row(setting)->name, text);
  ck_assert_int_eq(number, -77);
}

static void assert_converts(enum setting setting, enum alias_conversion conversion, const char *text,
                            const char *expected) {
  char buffer[32];
  ck_assert_str_eq(setting_value_convert(setting, conversion, text, buffer, sizeof(buffer)), expected);
}

START_TEST(booleans_are_read) {
  static const char *const on[] = {"true", "TRUE", "t", "1"}, *const off[] = {"false", "False", "f", "0"};
  for (size_t i = 0; i < 4; i++) {
    assert_reads(SETTING_ENABLE_IDEMPOTENCE, on[i], 1);
    assert_reads(SETTING_ENABLE_IDEMPOTENCE, off[i], 0);
  }
  static const char *const wrong[] = {"", "yes", "2", "tru", "truee", "true, false", ","};
  for (size_t i = 0; i < 7; i++)
    assert_refuses(SETTING_ENABLE_IDEMPOTENCE, wrong[i]);
}
END_TEST

START_TEST(whole_numbers_are_read_within_their_range) {
  assert_reads(SETTING_RETRIES, "0", 0);
  assert_reads(SETTING_RETRIES, "2147483647", 2147483647);
  assert_reads(SETTING_RETRIES, "0007", 7);
  assert_reads(SETTING_COMPRESSION_ZSTD_LEVEL, "-131072", -131072);
  assert_reads(SETTING_BUFFER_MEMORY, "1099511627776", INT64_C(1099511627776));
  static const char *const wrong[] = {"2147483648",
                                      "-1",
                                      "",
                                      "-",
                                      "1 ",
                                      "1.0",
                                      "1e3",
                                      "0x10",
                                      "--1",
                                      "+1",
                                      "1_000",
                                      "99999999999999999999",
                                      "-99999999999999999999"};
  for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
    assert_refuses(SETTING_RETRIES, wrong[i]);
  assert_refuses(SETTING_COMPRESSION_ZSTD_LEVEL, "-131073");
  assert_refuses(SETTING_COMPRESSION_ZSTD_LEVEL, "23");
  assert_refuses(SETTING_BUFFER_MEMORY, "65535");
}
END_TEST

START_TEST(special_numbers_stand_beside_the_range) {
  assert_reads(SETTING_COMPRESSION_GZIP_LEVEL, "-1", -1);
  assert_reads(SETTING_COMPRESSION_GZIP_LEVEL, "1", 1);
  assert_refuses(SETTING_COMPRESSION_GZIP_LEVEL, "0");
  assert_refuses(SETTING_COMPRESSION_GZIP_LEVEL, "-2");
  assert_reads(SETTING_SEND_BUFFER_BYTES, "-1", -1);
  assert_refuses(SETTING_SEND_BUFFER_BYTES, "0");
  assert_reads(SETTING_CONNECTIONS_MAX_IDLE_MS, "-1", CLOCK_NEVER_US);
  assert_refuses(SETTING_CONNECTIONS_MAX_IDLE_MS, "0");
}
END_TEST

START_TEST(milliseconds_become_microseconds) {
  assert_reads(SETTING_LINGER_MS, "5", 5000);
  assert_reads(SETTING_LINGER_MS, "0", 0);
  assert_reads(SETTING_LINGER_MS, "0.5", 500);
  assert_reads(SETTING_LINGER_MS, "1.25", 1250);
  assert_reads(SETTING_LINGER_MS, "0.001", 1);
  assert_reads(SETTING_LINGER_MS, "2147483647", INT64_C(2147483647000));
  static const char *const wrong[] = {"0.0001",         "5.",         ".5",  "-1", "-0.5", "", "5ms", "1.2.3",
                                      "2147483647.001", "2147483648", "5,5", "1e2"};
  for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
    assert_refuses(SETTING_LINGER_MS, wrong[i]);
  assert_refuses(SETTING_REQUEST_TIMEOUT_MS, "0.999");
}
END_TEST

START_TEST(decimals_become_millionths) {
  assert_reads(SETTING_SASL_LOGIN_REFRESH_WINDOW_FACTOR, "0.8", 800000);
  assert_reads(SETTING_SASL_LOGIN_REFRESH_WINDOW_FACTOR, "0.500001", 500001);
  assert_reads(SETTING_SASL_LOGIN_REFRESH_WINDOW_FACTOR, "1", 1000000);
  assert_reads(SETTING_SASL_LOGIN_REFRESH_WINDOW_FACTOR, "1.0", 1000000);
  assert_reads(SETTING_SASL_LOGIN_REFRESH_WINDOW_JITTER, "0", 0);
  static const char *const wrong[] = {"",     "0.499999",  "1.000001", "2",  "9223372036854775807",
                                      "0.8x", "0.8000001", ".8",       "-1", "0,8"};
  for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
    assert_refuses(SETTING_SASL_LOGIN_REFRESH_WINDOW_FACTOR, wrong[i]);
}
END_TEST

START_TEST(passwords_may_be_anything) {
  assert_reads(SETTING_SASL_PASSWORD, "", 0);
  assert_reads(SETTING_SASL_PASSWORD, "hunter2", 7);
}
END_TEST

START_TEST(times_beyond_the_clock_are_never) {
  assert_reads(SETTING_MAX_BLOCK_MS, "9223372036854775807", CLOCK_NEVER_US);
  assert_reads(SETTING_MAX_BLOCK_MS, "9223372036854775", CLOCK_NEVER_US);
  assert_reads(SETTING_MAX_BLOCK_MS, "9223372036854774", INT64_C(9223372036854774000));
  assert_refuses(SETTING_MAX_BLOCK_MS, "9223372036854775808");
}
END_TEST

START_TEST(enumerations_are_read_by_index) {
  assert_reads(SETTING_ACKS, "all", 0);
  assert_reads(SETTING_ACKS, "-1", 1);
  assert_reads(SETTING_ACKS, "0", 2);
  assert_reads(SETTING_ACKS, "1", 3);
  assert_reads(SETTING_METADATA_RECOVERY_STRATEGY, "REBOOTSTRAP", 0);
  static const char *const wrong[] = {"", "2", "al", "alll", "all, -1", ",", " "};
  for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
    assert_refuses(SETTING_ACKS, wrong[i]);
  assert_reads(SETTING_SECURITY_PROTOCOL, "sasl_ssl", 3);
  assert_refuses(SETTING_SECURITY_PROTOCOL, "TLS");
}
END_TEST

START_TEST(codecs_have_the_order_of_the_protocol) {
  for (int32_t codec = 0; codec < COMPRESSION_CODEC_COUNT; codec++)
    assert_reads(SETTING_COMPRESSION_TYPE, compression_name((enum compression_codec)codec), codec);
}
END_TEST

START_TEST(class_names_of_java_are_known) {
  assert_reads(SETTING_PARTITIONER_CLASS, "org.apache.kafka.clients.producer.RoundRobinPartitioner", 1);
  assert_reads(SETTING_PARTITIONER_CLASS, "org.apache.kafka.clients.producer.internals.DefaultPartitioner",
               0);
  assert_refuses(SETTING_PARTITIONER_CLASS, "com.example.MyPartitioner");
}
END_TEST

START_TEST(lists_of_values_are_bits) {
  assert_reads(SETTING_SHUTDOWN_SIGNALS, "", 0);
  assert_reads(SETTING_SHUTDOWN_SIGNALS, "SIGTERM", 1);
  assert_reads(SETTING_SHUTDOWN_SIGNALS, "SIGINT", 2);
  assert_reads(SETTING_SHUTDOWN_SIGNALS, "SIGINT,SIGTERM", 3);
  assert_reads(SETTING_SHUTDOWN_SIGNALS, ", sigterm ,, SIGINT ,", 3);
  assert_refuses(SETTING_SHUTDOWN_SIGNALS, "SIGTERM,SIGHUP");
  assert_refuses(SETTING_SHUTDOWN_SIGNALS, "SIGTERM SIGI");
}
END_TEST

START_TEST(strings_are_limited_by_bytes) {
  static char text[32769];
  memset(text, 'x', 32767);
  assert_reads(SETTING_CLIENT_ID, text, 32767);
  assert_reads(SETTING_CLIENT_ID, "", 0);
  text[32767] = 'x';
  assert_refuses(SETTING_CLIENT_ID, text);
}
END_TEST

START_TEST(values_are_spelled_as_the_table_has_them) {
  char buffer[64];
  ck_assert_str_eq(setting_value_spelling(SETTING_ENABLE_IDEMPOTENCE, "T", 1, buffer, 64), "true");
  ck_assert_str_eq(setting_value_spelling(SETTING_ENABLE_IDEMPOTENCE, "0", 0, buffer, 64), "false");
  ck_assert_str_eq(setting_value_spelling(SETTING_COMPRESSION_TYPE, "ZSTD", 4, buffer, 64), "zstd");
  ck_assert_str_eq(setting_value_spelling(SETTING_COMPRESSION_TYPE, "NONE", 0, buffer, 64), "none");
  ck_assert_str_eq(setting_value_spelling(SETTING_LINGER_MS, "0.50", 500, buffer, 64), "0.50");
}
END_TEST

START_TEST(aliases_convert_their_values) {
  assert_converts(SETTING_BUFFER_MEMORY, ALIAS_KIBIBYTES, "1048576", "1073741824");
  assert_converts(SETTING_BUFFER_MEMORY, ALIAS_KIBIBYTES, "9223372036854775807", "9223372036854775807");
  assert_converts(SETTING_BUFFER_MEMORY, ALIAS_KIBIBYTES, "many", "many");
  assert_converts(SETTING_SEND_BUFFER_BYTES, ALIAS_ZERO_IS_SYSTEM, "0", "-1");
  assert_converts(SETTING_SEND_BUFFER_BYTES, ALIAS_ZERO_IS_SYSTEM, "4096", "4096");
  assert_converts(SETTING_DELIVERY_TIMEOUT_MS, ALIAS_ZERO_IS_ENDLESS, "0", "2147483647");
  assert_converts(SETTING_DELIVERY_TIMEOUT_MS, ALIAS_ZERO_IS_ENDLESS, "10", "10");
  assert_converts(SETTING_METADATA_MAX_AGE_MS, ALIAS_MINUS_IS_NEVER, "-1", "9223372036854775807");
  assert_converts(SETTING_METADATA_MAX_AGE_MS, ALIAS_MINUS_IS_NEVER, "-1x", "-1x");
  assert_converts(SETTING_COMPRESSION_TYPE, ALIAS_INHERIT_UNSETS, "gzip", "gzip");
  assert_converts(SETTING_LINGER_MS, ALIAS_AS_IS, "0", "0");
  ck_assert_ptr_null(
      setting_value_convert(SETTING_COMPRESSION_TYPE, ALIAS_INHERIT_UNSETS, "inherit", NULL, 0));
}
END_TEST

START_TEST(what_is_allowed_is_said) {
  char text[300];
  setting_value_describe(SETTING_RETRIES, text, sizeof(text));
  ck_assert_str_eq(text, "must be a whole number: 0 to 2147483647");
  setting_value_describe(SETTING_COMPRESSION_GZIP_LEVEL, text, sizeof(text));
  ck_assert_str_eq(text, "must be a whole number: -1, or 1 to 9");
  setting_value_describe(SETTING_LINGER_MS, text, sizeof(text));
  ck_assert_str_eq(text, "must be milliseconds, with three decimals at most: 0 to 2147483647");
  setting_value_describe(SETTING_ACKS, text, sizeof(text));
  ck_assert_str_eq(text, "must be one of all, -1, 0, 1");
  setting_value_describe(SETTING_SSL_PROTOCOL, text, sizeof(text));
  ck_assert_str_eq(text,
                   "must be one of TLSv1.3, TLSv1.2, TLS, since older versions of TLS are broken (RFC 8996)");
  setting_value_describe(SETTING_SASL_LOGIN_REFRESH_WINDOW_JITTER, text, sizeof(text));
  ck_assert_str_eq(text, "must be a number with six decimals at most: 0.0 to 0.25");
  setting_value_describe(SETTING_SHUTDOWN_SIGNALS, text, sizeof(text));
  ck_assert_str_eq(text, "must be any of SIGTERM, SIGINT, separated by commas");
  setting_value_describe(SETTING_CLIENT_ID, text, sizeof(text));
  ck_assert_str_eq(text, "must have 0 to 32767 bytes");
}
END_TEST

int main(void) {
  Suite *suite = suite_create("setting_value");
  TCase *test_case = tcase_create("all");
  tcase_add_test(test_case, booleans_are_read);
  tcase_add_test(test_case, whole_numbers_are_read_within_their_range);
  tcase_add_test(test_case, special_numbers_stand_beside_the_range);
  tcase_add_test(test_case, milliseconds_become_microseconds);
  tcase_add_test(test_case, decimals_become_millionths);
  tcase_add_test(test_case, passwords_may_be_anything);
  tcase_add_test(test_case, times_beyond_the_clock_are_never);
  tcase_add_test(test_case, enumerations_are_read_by_index);
  tcase_add_test(test_case, codecs_have_the_order_of_the_protocol);
  tcase_add_test(test_case, class_names_of_java_are_known);
  tcase_add_test(test_case, lists_of_values_are_bits);
  tcase_add_test(test_case, strings_are_limited_by_bytes);
  tcase_add_test(test_case, values_are_spelled_as_the_table_has_them);
  tcase_add_test(test_case, aliases_convert_their_values);
  tcase_add_test(test_case, what_is_allowed_is_said);
  suite_add_tcase(suite, test_case);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_ENV);
  int failures = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failures != 0;
}
