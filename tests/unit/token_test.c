#include "security/token.h"

#include "base/status.h"
#include "support/failing_allocator.h"
#include <check.h>
#include <stdlib.h>
#include <string.h>

static char error[256];

static int32_t create(const struct token_fields *fields, struct token **token) {
  memset(error, 0, sizeof error);
  return token_create(fields, 1000, token, error, sizeof error);
}

static struct token_fields fields_of(const char *value) {
  return (struct token_fields){.value = bytes_of_string(value), .expires_ms = 2000};
}

START_TEST(a_token_keeps_copies_of_all_it_was_made_of) {
  char value[] = "aZ09-._~+/==", name[] = "traceId", text[] = "a b\tc\r\n~", principal[] = "me";
  const struct token_extension extensions[] = {{name, text}, {"other", "x"}};
  struct token *token;
  struct token_fields fields = fields_of(value);
  fields.principal = principal;
  fields.extensions = extensions;
  fields.extension_count = 2;
  ck_assert_int_eq(create(&fields, &token), STATUS_OK);
  value[0] = name[0] = text[0] = principal[0] = '!';
  ck_assert(bytes_equal(token_value(token), bytes_of_string("aZ09-._~+/==")));
  ck_assert_str_eq(token_principal(token), "me");
  ck_assert_int_eq(token_expires_ms(token), 2000);
  ck_assert_uint_eq(token_extension_count(token), 2);
  ck_assert_str_eq(token_extension_at(token, 0).name, "traceId");
  ck_assert_str_eq(token_extension_at(token, 0).value, "a b\tc\r\n~");
  ck_assert_str_eq(token_extension_at(token, 1).name, "other");
  token_release(token);
}
END_TEST

START_TEST(a_token_without_principal_has_an_empty_one) {
  struct token *token;
  struct token_fields fields = fields_of("a");
  fields.expires_ms = INT64_MAX;
  ck_assert_int_eq(create(&fields, &token), STATUS_OK);
  ck_assert_str_eq(token_principal(token), "");
  ck_assert_uint_eq(token_extension_count(token), 0);
  ck_assert_int_eq(token_expires_ms(token), INT64_MAX);
  token_release(token);
}
END_TEST

START_TEST(the_last_release_ends_it) {
  struct token *token;
  struct token_fields fields = fields_of("abc");
  size_t before = secret_usage().count;
  ck_assert_int_eq(create(&fields, &token), STATUS_OK);
  ck_assert_uint_gt(secret_usage().count, before);
  ck_assert_ptr_eq(token_retain(token), token);
  token_release(token);
  ck_assert(bytes_equal(token_value(token), bytes_of_string("abc")));
  token_release(token);
  token_release(NULL);
  ck_assert_uint_eq(secret_usage().count, before);
}
END_TEST

static const char *const bad_values[] = {"",    "=",   "==",   "a b",      "a\n",   "a\001b", "a=b",
                                         "a\"", "a,b", "a\\b", "\xc3\xa9", "a\x7f", " a",     "a "};

START_TEST(a_value_that_no_token_has_is_refused) {
  struct token *token = NULL;
  struct token_fields fields = fields_of(bad_values[_i]);
  ck_assert_int_eq(create(&fields, &token), STATUS_INVALID_ARGUMENT);
  ck_assert_ptr_null(token);
  ck_assert_ptr_nonnull(strstr(error, "the token"));
}
END_TEST

START_TEST(an_empty_value_is_told_as_that) {
  struct token *token = NULL;
  struct token_fields fields = fields_of("");
  ck_assert_int_eq(create(&fields, &token), STATUS_INVALID_ARGUMENT);
  ck_assert_str_eq(error, "the token is empty");
}
END_TEST

START_TEST(a_zero_byte_and_too_long_a_value_are_refused) {
  struct token *token = NULL;
  struct token_fields fields = {.value = bytes_of("a\0b", 3), .expires_ms = 2000};
  ck_assert_int_eq(create(&fields, &token), STATUS_INVALID_ARGUMENT);
  size_t size = 256 * 1024;
  char *large = malloc(size + 1);
  memset(large, 'x', size + 1);
  fields.value = bytes_of(large, size + 1);
  ck_assert_int_eq(create(&fields, &token), STATUS_INVALID_ARGUMENT);
  ck_assert_ptr_nonnull(strstr(error, "256 KiB"));
  fields.value = bytes_of(large, size);
  ck_assert_int_eq(create(&fields, &token), STATUS_OK);
  token_release(token);
  free(large);
}
END_TEST

static const struct {
  const char *name, *value, *says;
} bad_extensions[] = {
    {"", "v", "letters"},           {NULL, "v", "letters"},       {"a1", "v", "letters"},
    {"a-b", "v", "letters"},        {"\xc3\xa9", "v", "letters"}, {"auth", "v", "auth"},
    {"a", "", "printable"},         {"a", NULL, "printable"},     {"a", "\x01", "printable"},
    {"a", "\xc3\xa9", "printable"}, {"a", "x\x7f", "printable"},  {"b", "v", "same name"},
};

START_TEST(an_extension_that_kafka_does_not_take_is_refused) {
  struct token *token = NULL;
  const struct token_extension extensions[] = {{"b", "v"},
                                               {bad_extensions[_i].name, bad_extensions[_i].value}};
  struct token_fields fields = fields_of("a");
  fields.extensions = extensions;
  fields.extension_count = 2;
  ck_assert_int_eq(create(&fields, &token), STATUS_INVALID_ARGUMENT);
  ck_assert_ptr_null(token);
  ck_assert_msg(strstr(error, bad_extensions[_i].says) != NULL, "%s", error);
}
END_TEST

START_TEST(too_many_extensions_are_refused) {
  char names[65][3];
  struct token_extension extensions[65];
  for (int i = 0; i < 65; i++) {
    names[i][0] = (char)('a' + i / 26);
    names[i][1] = (char)('a' + i % 26);
    names[i][2] = '\0';
    extensions[i] = (struct token_extension){names[i], "v"};
  }
  struct token *token = NULL;
  struct token_fields fields = fields_of("a");
  fields.extensions = extensions;
  fields.extension_count = 65;
  ck_assert_int_eq(create(&fields, &token), STATUS_INVALID_ARGUMENT);
  fields.extension_count = 64;
  ck_assert_int_eq(create(&fields, &token), STATUS_OK);
  token_release(token);
}
END_TEST

START_TEST(a_token_that_has_expired_is_refused) {
  struct token *token = NULL;
  struct token_fields fields = fields_of("secretsecret");
  static const int64_t passed[] = {1000, 999, 0, -1, INT64_MIN};
  for (int i = 0; i < 5; i++) {
    fields.expires_ms = passed[i];
    ck_assert_int_eq(create(&fields, &token), STATUS_INVALID_ARGUMENT);
    ck_assert_ptr_nonnull(strstr(error, "expired"));
    ck_assert_ptr_null(strstr(error, "secretsecret"));
  }
  fields.expires_ms = 1001;
  ck_assert_int_eq(create(&fields, &token), STATUS_OK);
  token_release(token);
}
END_TEST

START_TEST(missing_memory_is_told) {
  const struct token_extension extension = {"a", "b"};
  struct token_fields fields = fields_of("a");
  fields.extensions = &extension;
  fields.extension_count = 1;
  size_t before = secret_usage().count;
  uint32_t failures = 0;
  for (bool failed = true; failed; failures++) {
    struct token *token = NULL;
    failing_allocator_start(failures);
    int32_t status = create(&fields, &token);
    failed = failing_allocator_stop();
    ck_assert_int_eq(status, failed ? STATUS_OUT_OF_MEMORY : STATUS_OK);
    token_release(token);
  }
  ck_assert_uint_ge(failures, 4); /* three allocations, and none that failed */
  ck_assert_uint_eq(secret_usage().count, before);
}
END_TEST

int main(void) {
  Suite *suite = suite_create("token");
  TCase *test_case = tcase_create("all");
  tcase_add_test(test_case, a_token_keeps_copies_of_all_it_was_made_of);
  tcase_add_test(test_case, a_token_without_principal_has_an_empty_one);
  tcase_add_test(test_case, the_last_release_ends_it);
  tcase_add_loop_test(test_case, a_value_that_no_token_has_is_refused, 0,
                      sizeof bad_values / sizeof bad_values[0]);
  tcase_add_test(test_case, an_empty_value_is_told_as_that);
  tcase_add_test(test_case, a_zero_byte_and_too_long_a_value_are_refused);
  tcase_add_loop_test(test_case, an_extension_that_kafka_does_not_take_is_refused, 0,
                      sizeof bad_extensions / sizeof bad_extensions[0]);
  tcase_add_test(test_case, too_many_extensions_are_refused);
  tcase_add_test(test_case, a_token_that_has_expired_is_refused);
  tcase_add_test(test_case, missing_memory_is_told);
  suite_add_tcase(suite, test_case);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_ENV);
  int failures = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failures != 0;
}
