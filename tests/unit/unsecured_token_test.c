#include "security/unsecured_token.h"

#include "base/clock.h"
#include "base/status.h"
#include "security/json.h"
#include "security/token_answer.h"
#include "support/failing_allocator.h"
#include <check.h>
#include <stdio.h>
#include <string.h>

static char error[512], claims[2048];

static int32_t create(const char *config, const struct unsecured_token_option *options, uint32_t count,
                      struct unsecured_token **unsecured) {
  const struct unsecured_token_settings settings = {
      .config = config, .options = options, .option_count = count};
  memset(error, 0, sizeof error);
  *unsecured = NULL;
  return unsecured_token_create(&settings, unsecured, error, sizeof error);
}

/* A token of these settings; its claims are copied to `claims`. */
static struct token *token_of(const char *config, const struct unsecured_token_option *options,
                              uint32_t count) {
  struct unsecured_token *unsecured;
  struct token *token;
  int32_t status = create(config, options, count, &unsecured);
  ck_assert_msg(status == STATUS_OK, "%s", error);
  ck_assert_int_eq(unsecured_token_fetch(unsecured, NULL, &token, error, sizeof error), STATUS_OK);
  unsecured_token_release(unsecured);
  struct secret *payload = token_answer_claims(token_value(token));
  ck_assert_ptr_nonnull(payload);
  snprintf(claims, sizeof claims, "%s", secret_text(payload));
  secret_destroy(payload);
  return token;
}

static struct json_value claim_of(const char *name) {
  struct json_value object, claim;
  ck_assert_msg(json_read(bytes_of_string(claims), &object), "%s", claims);
  ck_assert_msg(json_find(object, name, &claim) == JSON_FOUND, "%s in %s", name, claims);
  return claim;
}

static void expect_text(const char *name, const char *text) {
  struct json_value claim = claim_of(name);
  ck_assert_msg(bytes_equal(claim.text, bytes_of_string(text)), "%s", claims);
}

static int64_t seconds_of(const char *name) {
  int64_t seconds;
  ck_assert(json_integer(claim_of(name), &seconds));
  return seconds;
}

START_TEST(a_token_is_not_signed) {
  int64_t before_ms = clock_wall_ms();
  struct token *token = token_of("principal=alice", NULL, 0);
  int64_t after_ms = clock_wall_ms();
  static const char begin[] = "eyJhbGciOiJub25lIn0."; /* {"alg":"none"} */
  struct bytes value = token_value(token);
  ck_assert_int_eq(memcmp(value.data, begin, sizeof begin - 1), 0);
  ck_assert_int_eq(value.data[value.size - 1], '.');
  expect_text("sub", "alice");
  ck_assert_int_ge(seconds_of("iat"), before_ms / 1000);
  ck_assert_int_le(seconds_of("iat"), after_ms / 1000);
  ck_assert_int_eq(seconds_of("exp") - seconds_of("iat"), 3600);
  ck_assert_int_ge(token_expires_ms(token), before_ms + 3600000);
  ck_assert_int_le(token_expires_ms(token), after_ms + 3600000);
  ck_assert_str_eq(token_principal(token), "alice");
  ck_assert_uint_eq(token_extension_count(token), 0);
  token_release(token);
}
END_TEST

START_TEST(librdkafkas_options_are_taken) {
  struct token *token =
      token_of(" scopeClaimName=roles  principalClaimName=azp scope=a,b,c principal=me\tlifeSeconds=7"
               " extension_traceId=123 extension_other=x=y ",
               NULL, 0);
  expect_text("azp", "me");
  expect_text("roles", "[\"a\",\"b\",\"c\"]");
  ck_assert_int_eq(seconds_of("exp") - seconds_of("iat"), 7);
  ck_assert_uint_eq(token_extension_count(token), 2);
  ck_assert_str_eq(token_extension_at(token, 0).name, "traceId");
  ck_assert_str_eq(token_extension_at(token, 0).value, "123");
  ck_assert_str_eq(token_extension_at(token, 1).value, "x=y");
  token_release(token);
}
END_TEST

START_TEST(javas_options_are_taken) {
  const struct unsecured_token_option options[] = {
      {"unsecuredLoginStringClaim_azp", "the \"client\"\n\\"},
      {"unsecuredLoginNumberClaim_level", " 12.5 "},
      {"unsecuredLoginListClaim_scope", "|a|b c"},
      {"unsecuredLoginListClaim_none", ""},
      {"unsecuredLoginListClaim_one", ",x"},
      {"unsecuredLoginPrincipalClaimName", "azp"},
      {"unsecuredLoginScopeClaimName", "scope"},
      {"unsecuredLoginLifetimeSeconds", "100"},
      {"unsecuredLoginExtension_traceId", "123"},
  };
  struct token *token = token_of(NULL, options, sizeof options / sizeof options[0]);
  ck_assert(json_equals(claim_of("azp"), "the \"client\"\n\\"));
  expect_text("level", "12.5");
  expect_text("scope", "[\"a\",\"b c\"]");
  expect_text("none", "[]");
  expect_text("one", "[\"x\"]");
  ck_assert_int_eq(seconds_of("exp") - seconds_of("iat"), 100);
  ck_assert_str_eq(token_principal(token), "the \"client\"\n\\");
  ck_assert_str_eq(token_extension_at(token, 0).name, "traceId");
  token_release(token);
}
END_TEST

static const struct {
  const char *config, *says;
} bad_configs[] = {
    {"", "principal"},
    {"scope=a", "principal"},
    {"principal=", "no value for the option principal"},
    {"principal", "name=value"},
    {"=x", "no option"},
    {"principal=a principal=b", "twice the option principal"},
    {"principal=a user=b", "no option user"},
    {"principal=a Scope=b", "no option Scope"},
    {"principal=a lifeSeconds=0", "lifeSeconds"},
    {"principal=a lifeSeconds=-1", "lifeSeconds"},
    {"principal=a lifeSeconds=x", "lifeSeconds"},
    {"principal=a lifeSeconds=999999999999", "lifeSeconds"},
    {"principal=a lifeSeconds=1 lifeSeconds=2", "twice the option lifeSeconds"},
    {"principal=a scopeClaimName=sub scope=b", "twice the claim sub"},
    {"principal=a principalClaimName=exp", "the claim exp"},
    {"principal=a principalClaimName=iat", "the claim iat"},
    {"principal=a scopeClaimName=roles", "it names a claim for it: roles"},
    {"principal=a extension_auth=b", "auth"},
    {"principal=a extension_=b", "extension"},
    {"principal=a extension_a=", "extension"},
    {"principal=a extension_a=b extension_a=c", "same name"},
    {"principal=\xff", "UTF-8"},
};

START_TEST(a_config_that_makes_no_sense_is_refused) {
  struct unsecured_token *unsecured;
  ck_assert_int_eq(create(bad_configs[_i].config, NULL, 0, &unsecured), STATUS_INVALID_SETTING);
  ck_assert_ptr_null(unsecured);
  ck_assert_msg(strstr(error, bad_configs[_i].says) != NULL, "%s", error);
}
END_TEST

static const struct {
  struct unsecured_token_option option;
  const char *says;
} bad_options[] = {
    {{"unsecuredLoginStringClaim_", "x"}, "without a name"},
    {{"unsecuredLoginStringClaim_exp", "x"}, "the claim exp"},
    {{"unsecuredLoginNumberClaim_exp", "1"}, "the claim exp"},
    {{"unsecuredLoginNumberClaim_n", "x"}, "a number for the claim n"},
    {{"unsecuredLoginNumberClaim_n", "1,\"a\":2"}, "a number for the claim n"},
    {{"unsecuredLoginNumberClaim_n", "\"1\""}, "a number for the claim n"},
    {{"unsecuredLoginListClaim_l", "|\xff"}, "UTF-8"},
    {{"unsecuredLoginStringClaim_sub", "again"}, "twice the claim sub"},
    {{"unsecuredLoginLifetimeSeconds", "1h"}, "unsecuredLoginLifetimeSeconds"},
    {{"unsecuredLoginPrincipalClaimName", "azp"}, "in the claim azp"},
    {{"unsecuredLoginPrincipalClaimName", ""}, "no value"},
    {{"unsecuredLoginScopeClaimName", "roles"}, "names a claim for it: roles"},
    {{"unsecuredLogin", "x"}, "no option unsecuredLogin"},
    {{"clientId", "x"}, "no option clientId"},
    {{"unsecuredLoginExtension_auth", "x"}, "auth"},
};

START_TEST(an_option_that_makes_no_sense_is_refused) {
  const struct unsecured_token_option options[] = {{"unsecuredLoginStringClaim_sub", "me"},
                                                   bad_options[_i].option};
  struct unsecured_token *unsecured;
  ck_assert_int_eq(create(NULL, options, 2, &unsecured), STATUS_INVALID_SETTING);
  ck_assert_ptr_null(unsecured);
  ck_assert_msg(strstr(error, bad_options[_i].says) != NULL, "%s", error);
}
END_TEST

START_TEST(the_principal_has_to_be_text) {
  const struct unsecured_token_option option = {"unsecuredLoginNumberClaim_sub", "1"};
  struct unsecured_token *unsecured;
  ck_assert_int_eq(create(NULL, &option, 1, &unsecured), STATUS_INVALID_SETTING);
  ck_assert_ptr_nonnull(strstr(error, "as text in the claim sub"));
}
END_TEST

START_TEST(claims_and_extensions_are_bounded) {
  char config[65 * 18 + 16] = "principal=a";
  for (int i = 0; i < 65; i++) {
    size_t size = strlen(config);
    snprintf(config + size, sizeof config - size, " extension_%c%c=v", 'a' + i / 26, 'a' + i % 26);
  }
  struct unsecured_token *unsecured;
  ck_assert_int_eq(create(config, NULL, 0, &unsecured), STATUS_INVALID_SETTING);
  ck_assert_ptr_nonnull(strstr(error, "takes no more than 64 extensions"));
  char names[65][40];
  struct unsecured_token_option options[65];
  for (int i = 0; i < 65; i++) {
    snprintf(names[i], sizeof names[i], "unsecuredLoginStringClaim_c%d", i);
    options[i] = (struct unsecured_token_option){names[i], "v"};
  }
  ck_assert_int_eq(create(NULL, options, 65, &unsecured), STATUS_INVALID_SETTING);
  ck_assert_ptr_nonnull(strstr(error, "takes no more than 64 claims"));
}
END_TEST

START_TEST(missing_memory_is_told) {
  const struct unsecured_token_option options[] = {
      {"unsecuredLoginListClaim_groups", "|a|b|c|d|e|f|g|h|i|j|k"}, {"unsecuredLoginExtension_x", "y"}};
  uint32_t count = 0;
  for (bool failed = true; failed; count++) {
    struct unsecured_token *unsecured;
    struct token *token = NULL;
    failing_allocator_start(count);
    int32_t status = create("principal=alice scope=a,b", options, 2, &unsecured);
    if (status == STATUS_OK) status = unsecured_token_fetch(unsecured, NULL, &token, error, sizeof error);
    failed = failing_allocator_stop();
    ck_assert_int_eq(status, failed ? STATUS_OUT_OF_MEMORY : STATUS_OK);
    if (failed) ck_assert_ptr_nonnull(strstr(error, "memory"));
    token_release(token);
    unsecured_token_release(unsecured);
  }
  ck_assert_uint_ge(count, 12);
  ck_assert_uint_eq(secret_usage().count, 0);
}
END_TEST

int main(void) {
  Suite *suite = suite_create("unsecured_token");
  TCase *test_case = tcase_create("all");
  tcase_add_test(test_case, a_token_is_not_signed);
  tcase_add_test(test_case, librdkafkas_options_are_taken);
  tcase_add_test(test_case, javas_options_are_taken);
  tcase_add_loop_test(test_case, a_config_that_makes_no_sense_is_refused, 0,
                      sizeof bad_configs / sizeof bad_configs[0]);
  tcase_add_loop_test(test_case, an_option_that_makes_no_sense_is_refused, 0,
                      sizeof bad_options / sizeof bad_options[0]);
  tcase_add_test(test_case, the_principal_has_to_be_text);
  tcase_add_test(test_case, claims_and_extensions_are_bounded);
  tcase_add_test(test_case, missing_memory_is_told);
  suite_add_tcase(suite, test_case);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_ENV);
  int failures = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failures != 0;
}
