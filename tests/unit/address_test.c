#include "network/address.h"

#include <arpa/inet.h>
#include <check.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

START_TEST(numeric_addresses_are_read_and_written) {
  static const struct {
    const char *text, *formatted;
  } cases[] = {
      {"127.0.0.1", "127.0.0.1:9092"},
      {"255.255.255.255", "255.255.255.255:9092"},
      {"::1", "[::1]:9092"},
      {"2001:db8:1111:2222:3333:4444:5555:6666", "[2001:db8:1111:2222:3333:4444:5555:6666]:9092"},
      {"::ffff:255.255.255.255", "[::ffff:255.255.255.255]:9092"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    struct address address;
    char text[ADDRESS_TEXT_BYTES];
    ck_assert(address_parse(cases[i].text, 9092, &address));
    ck_assert_str_eq(address_format(&address, text), cases[i].formatted);
    ck_assert_uint_eq(address_port(&address), 9092);
  }
}
END_TEST

START_TEST(names_are_not_numeric) {
  static const char *const names[] = {"", "localhost", "1.2.3", "1.2.3.4.5", "256.1.1.1", ":::", "1.2.3.4 "};
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
    struct address address = {.size = 77};
    ck_assert(!address_parse(names[i], 1, &address));
    ck_assert_uint_eq(address.size, 77);
  }
}
END_TEST

START_TEST(the_system_can_use_an_address) {
  struct address address;
  struct sockaddr_in v4;
  ck_assert(address_parse("10.1.2.3", 9092, &address));
  ck_assert_uint_eq(address.size, sizeof v4);
  memcpy(&v4, address.storage, sizeof v4);
  ck_assert_int_eq(v4.sin_family, AF_INET);
  ck_assert_uint_eq(ntohs(v4.sin_port), 9092);
  ck_assert_uint_eq(ntohl(v4.sin_addr.s_addr), 0x0a010203);
}
END_TEST

START_TEST(addresses_differ_by_host_port_and_family) {
  struct address a, b;
  ck_assert(address_parse("10.0.0.1", 1, &a));
  ck_assert(address_parse("10.0.0.1", 1, &b));
  ck_assert(address_equal(&a, &b));
  ck_assert(address_parse("10.0.0.1", 2, &b));
  ck_assert(!address_equal(&a, &b));
  ck_assert(address_parse("10.0.0.2", 1, &b));
  ck_assert(!address_equal(&a, &b));
  ck_assert(address_parse("::ffff:10.0.0.1", 1, &b));
  ck_assert(!address_equal(&a, &b));
}
END_TEST

int main(void) {
  Suite *suite = suite_create("address");
  TCase *tests = tcase_create("address");
  tcase_add_test(tests, numeric_addresses_are_read_and_written);
  tcase_add_test(tests, names_are_not_numeric);
  tcase_add_test(tests, the_system_can_use_an_address);
  tcase_add_test(tests, addresses_differ_by_host_port_and_family);
  suite_add_tcase(suite, tests);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_ENV);
  int failures = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failures == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
