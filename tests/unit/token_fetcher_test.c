#include "producer/token_fetcher.h"

#include "base/clock.h"
#include "base/status.h"
#include "support/failing_allocator.h"
#include <check.h>
#include <stdlib.h>

static struct token_fetcher_source *make_source(const char *config) {
  const struct security_settings settings = {.token_method = TOKEN_METHOD_UNSECURED,
                                             .unsecured = {.config = config}};
  struct config_error error = {.text = ""};
  struct token_fetcher_source *source;
  ck_assert_msg(token_fetcher_source_create(&settings, NULL, &source, &error) == STATUS_OK, "%s", error.text);
  return source;
}

static void expect_principal(struct token_fetcher *fetcher, const char *principal) {
  struct token *token;
  char reason[200] = "";
  ck_assert_msg(token_fetcher_fetch(fetcher, NULL, &token, reason, sizeof reason) == STATUS_OK, "%s", reason);
  ck_assert_str_eq(token_principal(token), principal);
  ck_assert_int_gt(token_expires_ms(token), clock_wall_ms());
  token_release(token);
}

START_TEST(tokens_come_from_the_newest_source) {
  struct token_fetcher *fetcher;
  ck_assert_int_eq(token_fetcher_create(make_source("principal=first"), &fetcher), STATUS_OK);
  expect_principal(fetcher, "first");
  token_fetcher_replace(fetcher, make_source("principal=skipped"));
  token_fetcher_replace(fetcher, make_source("principal=second"));
  expect_principal(fetcher, "second");
  expect_principal(fetcher, "second");
  token_fetcher_replace(fetcher, make_source("principal=never"));
  token_fetcher_destroy(fetcher);
}
END_TEST

START_TEST(settings_that_make_no_source_are_told) {
  const struct security_settings unsecured = {.token_method = TOKEN_METHOD_UNSECURED};
  const struct security_settings oidc = {.token_method = TOKEN_METHOD_OIDC,
                                         .oidc = {.token_endpoint_url = "http://plain"}};
  struct config_error error = {.text = ""};
  struct token_fetcher_source *source = NULL;
  ck_assert_int_eq(token_fetcher_source_create(&unsecured, NULL, &source, &error), STATUS_INVALID_SETTING);
  ck_assert_str_ne(error.text, "");
  error.text[0] = '\0';
  ck_assert_int_eq(token_fetcher_source_create(&oidc, NULL, &source, &error), STATUS_INVALID_SETTING);
  ck_assert_str_ne(error.text, "");
  ck_assert_ptr_null(source);
}
END_TEST

START_TEST(missing_memory_leaves_nothing) {
  struct token_fetcher_source *source = make_source("principal=me");
  struct token_fetcher *fetcher = NULL;
  failing_allocator_start(0);
  int32_t status = token_fetcher_create(source, &fetcher);
  ck_assert(failing_allocator_stop());
  ck_assert_int_eq(status, STATUS_OUT_OF_MEMORY);
  ck_assert_ptr_null(fetcher);
  token_fetcher_destroy(NULL);
  token_fetcher_source_destroy(NULL);
}
END_TEST

int main(void) {
  Suite *suite = suite_create("token_fetcher");
  TCase *tests = tcase_create("token_fetcher");
  tcase_add_test(tests, tokens_come_from_the_newest_source);
  tcase_add_test(tests, settings_that_make_no_source_are_told);
  tcase_add_test(tests, missing_memory_leaves_nothing);
  suite_add_tcase(suite, tests);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_ENV);
  int failed = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
