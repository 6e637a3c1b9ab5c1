#include "producer/bootstrap.h"

#include "base/allocator.h"
#include "base/status.h"
#include "support/failing_allocator.h"
#include <check.h>
#include <stdio.h>
#include <string.h>

/* expected: "host port,host port". */
static void assert_servers(const char *text, const char *expected) {
  struct broker_address *servers;
  uint32_t count;
  struct config_error error = {.text = ""};
  int32_t status = bootstrap_parse("bootstrap.servers", text, &servers, &count, &error);
  ck_assert_msg(status == STATUS_OK, "%s: %s", text, error.text);
  char found[1024] = "";
  size_t size = 0;
  for (uint32_t i = 0; i < count; i++) {
    ck_assert_int_eq(servers[i].node_id, -1 - (int32_t)i);
    ck_assert_uint_eq(servers[i].host.data[servers[i].host.size], 0);
    size += (size_t)snprintf(found + size, sizeof(found) - size, "%s%.*s %d", i == 0 ? "" : ",",
                             (int)servers[i].host.size, (const char *)servers[i].host.data, servers[i].port);
  }
  ck_assert_str_eq(found, expected);
  allocator_free(servers);
}

static void assert_refused(const char *text, const char *message) {
  struct broker_address *servers = NULL;
  uint32_t count = 77;
  struct config_error error = {.text = ""};
  ck_assert_int_eq(bootstrap_parse("bootstrap.servers", text, &servers, &count, &error),
                   STATUS_INVALID_SETTING);
  ck_assert_msg(strstr(error.text, message) != NULL, "%s: %s", text, error.text);
  ck_assert_msg(strstr(error.text, "bootstrap.servers") == error.text, "%s", error.text);
  ck_assert_ptr_null(servers);
  ck_assert_uint_eq(count, 77);
}

START_TEST(names_and_addresses_are_read) {
  assert_servers("localhost:9092", "localhost 9092");
  assert_servers("a:1,b:65535", "a 1,b 65535");
  assert_servers("127.0.0.1:19092,kafka-1.example_x.com:9093", "127.0.0.1 19092,kafka-1.example_x.com 9093");
  assert_servers("[::1]:9093", "::1 9093");
  assert_servers("[fe80::1%eth0]:1,[::ffff:1.2.3.4]", "fe80::1%eth0 1,::ffff:1.2.3.4 9092");
}
END_TEST

START_TEST(without_a_port_9092_is_meant) {
  assert_servers("localhost", "localhost 9092");
  assert_servers("[::1]", "::1 9092");
}
END_TEST

START_TEST(white_space_and_empty_places_are_passed_over) {
  assert_servers(" a:1 ,\tb:2,, c , ", "a 1,b 2,c 9092");
}
END_TEST

START_TEST(protocols_of_listeners_may_stand_there) {
  assert_servers("PLAINTEXT://a:1,plaintext://[::1]:2", "a 1,::1 2");
  assert_servers("SSL://a:1,sasl_plaintext://b:2,SASL_SSL://[::1]:3", "a 1,b 2,::1 3");
  assert_refused("HTTPS://a:9093", "security.protocol");
  assert_refused("://a:1", "security.protocol");
  assert_refused("SSL://SSL://a:1", "security.protocol");
  assert_refused("PLAINTEXT://", "lacks a host");
}
END_TEST

START_TEST(an_empty_list_is_refused) {
  assert_refused("", "names no server");
  assert_refused(" , ,\t", "names no server");
}
END_TEST

START_TEST(bad_ports_are_refused) {
  static const char *const wrong[] = {"a:",    "a:0",    "a:65536", "a:99999999999999999999", "a:-1", "a:9x",
                                      "a:9 2", "[::1]:", "[::1]:0"};
  for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
    assert_refused(wrong[i], "1 to 65535");
}
END_TEST

START_TEST(bad_hosts_are_refused) {
  assert_refused(":9092", "lacks a host");
  assert_refused("::1", "brackets");
  assert_refused("fe80::1:9092", "brackets");
  assert_refused("a/b:1", "character");
  assert_refused("a b:1", "character");
  assert_refused("b\xc3\xbc.example:1", "character");
  assert_refused("[::1", "closing bracket");
  assert_refused("[]:1", "lacks an address");
  assert_refused("[localhost]:1", "no IPv6 address");
  assert_refused("[%eth0]:1", "no IPv6 address");
  assert_refused("[fe80::1%eth0/1]:1", "no IPv6 address");
  assert_refused("PLAINTEXT://[%:/\x2f]", "security.protocol");
  assert_refused("[::1]9092", "other than a port");
  char name[300];
  memset(name, 'x', sizeof(name) - 1);
  name[sizeof(name) - 1] = '\0';
  assert_refused(name, "255");
}
END_TEST

START_TEST(one_bad_place_refuses_the_list) {
  assert_refused("a:1,b:0,c:3", "\"b:0\"");
}
END_TEST

START_TEST(missing_memory_is_a_status) {
  struct broker_address *servers = NULL;
  uint32_t count = 0;
  failing_allocator_start(0);
  int32_t status = bootstrap_parse("bootstrap.servers", "a:1", &servers, &count, NULL);
  ck_assert(failing_allocator_stop());
  ck_assert_int_eq(status, STATUS_OUT_OF_MEMORY);
  ck_assert_ptr_null(servers);
}
END_TEST

int main(void) {
  Suite *suite = suite_create("bootstrap");
  TCase *test_case = tcase_create("all");
  tcase_add_test(test_case, names_and_addresses_are_read);
  tcase_add_test(test_case, without_a_port_9092_is_meant);
  tcase_add_test(test_case, white_space_and_empty_places_are_passed_over);
  tcase_add_test(test_case, protocols_of_listeners_may_stand_there);
  tcase_add_test(test_case, an_empty_list_is_refused);
  tcase_add_test(test_case, bad_ports_are_refused);
  tcase_add_test(test_case, bad_hosts_are_refused);
  tcase_add_test(test_case, one_bad_place_refuses_the_list);
  tcase_add_test(test_case, missing_memory_is_a_status);
  suite_add_tcase(suite, test_case);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_ENV);
  int failures = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failures != 0;
}
