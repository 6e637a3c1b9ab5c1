#include "producer/config_error.h"

#include <check.h>
#include <string.h>

START_TEST(text_is_formatted) {
  struct config_error error;
  config_error_set(&error, "%s=%d", "retries", 7);
  ck_assert_str_eq(error.text, "retries=7");
}
END_TEST

START_TEST(control_characters_are_replaced) {
  struct config_error error;
  config_error_set(&error, "a\nb\x7f\x1b\xc3\xa4");
  ck_assert_str_eq(error.text, "a?b??\xc3\xa4");
}
END_TEST

START_TEST(text_that_is_too_long_is_cut) {
  struct config_error error;
  char text[2000];
  memset(text, 'x', sizeof(text) - 1);
  text[sizeof(text) - 1] = '\0';
  config_error_set(&error, "%s", text);
  ck_assert_uint_eq(strlen(error.text), sizeof(error.text) - 1);
}
END_TEST

START_TEST(nobody_needs_to_ask) {
  config_error_set(NULL, "%d", 1);
}
END_TEST

int main(void) {
  Suite *suite = suite_create("config_error");
  TCase *test_case = tcase_create("all");
  tcase_add_test(test_case, text_is_formatted);
  tcase_add_test(test_case, control_characters_are_replaced);
  tcase_add_test(test_case, text_that_is_too_long_is_cut);
  tcase_add_test(test_case, nobody_needs_to_ask);
  suite_add_tcase(suite, test_case);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_ENV);
  int failures = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failures != 0;
}
