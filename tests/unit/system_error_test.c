#include "network/system_error.h"

#include "base/status.h"
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

START_TEST(errors_have_their_text) {
  char text[64];
  ck_assert_str_eq(system_error_format(ECONNREFUSED, text, sizeof text), "Connection refused");
  ck_assert_ptr_eq(system_error_format(EPIPE, text, sizeof text), text);
  ck_assert_str_eq(text, "Broken pipe");
  ck_assert_str_eq(system_error_format(123456, text, sizeof text), strerror(123456));
  ck_assert_str_ne(text, "");
}
END_TEST

START_TEST(a_short_buffer_is_terminated) {
  char text[5] = "xxxx";
  ck_assert_str_eq(system_error_format(ECONNREFUSED, text, sizeof text), "Conn");
}
END_TEST

START_TEST(a_failed_connect_blames_the_network_or_this_machine) {
  static const int remote[] = {ECONNREFUSED, ETIMEDOUT, EHOSTUNREACH, ENETUNREACH, ECONNRESET};
  static const int local[] = {EMFILE, ENFILE, ENOMEM, EACCES, EPERM, EAFNOSUPPORT};
  for (size_t i = 0; i < sizeof remote / sizeof remote[0]; i++)
    ck_assert_int_eq(system_error_connect_status(remote[i]), STATUS_CONNECTION_REFUSED);
  for (size_t i = 0; i < sizeof local / sizeof local[0]; i++)
    ck_assert_int_eq(system_error_connect_status(local[i]), STATUS_SYSTEM_ERROR);
}
END_TEST

int main(void) {
  Suite *suite = suite_create("system_error");
  TCase *tests = tcase_create("system_error");
  tcase_add_test(tests, errors_have_their_text);
  tcase_add_test(tests, a_short_buffer_is_terminated);
  tcase_add_test(tests, a_failed_connect_blames_the_network_or_this_machine);
  suite_add_tcase(suite, tests);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_ENV);
  int failures = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failures == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
