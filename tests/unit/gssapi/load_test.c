/* What is said where Kerberos's library cannot be had: built once for a file that is no library, and once for
 * a library that lacks a function. */
#include "security/gssapi.h"

#include "base/status.h"
#include "support/login_rig.h"
#include <check.h>
#include <string.h>

START_TEST(a_library_that_cannot_be_used_is_named) {
  char error[512] = "";
  for (int i = 0; i < 2; i++) {
    ck_assert_ptr_null(gssapi_load(error, sizeof error));
    ck_assert_msg(strstr(error, EXPECTED) != NULL, "%s", error);
  }
}
END_TEST

START_TEST(credentials_cannot_be_made_then) {
  struct sasl_settings settings = {.mechanism = SASL_GSSAPI, .kerberos_service = "kafka"};
  struct sasl_credentials *credentials = NULL;
  char error[512] = "";
  ck_assert_int_eq(sasl_credentials_create(&settings, &credentials, error, sizeof error),
                   STATUS_NOT_CONFIGURED);
  ck_assert_ptr_null(credentials);
  ck_assert_msg(strstr(error, EXPECTED) != NULL, "%s", error);
}
END_TEST

int main(void) {
  Suite *suite = suite_create("gssapi_load");
  TCase *test_case = tcase_create("all");
  tcase_add_test(test_case, a_library_that_cannot_be_used_is_named);
  tcase_add_test(test_case, credentials_cannot_be_made_then);
  suite_add_tcase(suite, test_case);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_ENV);
  int failures = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failures != 0;
}
