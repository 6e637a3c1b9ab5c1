#include "security/jaas.h"

#include "base/status.h"
#include "support/failing_allocator.h"
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PLAIN  "org.apache.kafka.common.security.plain.PlainLoginModule"
#define SCRAM  "org.apache.kafka.common.security.scram.ScramLoginModule"
#define BEARER "org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule"
#define KRB5   "com.sun.security.auth.module.Krb5LoginModule"
#define AWS    "software.amazon.msk.auth.iam.IAMLoginModule"
#define PLANT  "Planted-Secret"

static char error[512];

static int32_t parse(struct bytes text, struct jaas **jaas) {
  struct secret *secret = secret_create(text);
  ck_assert_ptr_nonnull(secret);
  error[0] = '\0';
  int32_t status = jaas_parse(secret, jaas, error, sizeof error);
  secret_destroy(secret);
  return status;
}

static struct jaas *parse_valid(const char *text) {
  struct jaas *jaas = NULL;
  ck_assert_msg(parse(bytes_of_string(text), &jaas) == STATUS_OK, "%s: %s", text, error);
  ck_assert_str_eq(error, "");
  return jaas;
}

/* All options as "name=value;". */
static void assert_read(const char *text, enum jaas_module module, const char *options) {
  struct jaas *jaas = parse_valid(text);
  char found[512] = "";
  ck_assert_int_eq(jaas_module(jaas), module);
  for (uint32_t i = 0; i < jaas_option_count(jaas); i++) {
    struct jaas_option option = jaas_option_at(jaas, i);
    size_t used = strlen(found);
    (void)snprintf(found + used, sizeof found - used, "%s=%s;", option.name, secret_text(option.value));
  }
  ck_assert_str_eq(found, options);
  jaas_destroy(jaas);
}

static void assert_refused(const char *text, const char *message) {
  struct jaas *jaas = NULL;
  ck_assert_msg(parse(bytes_of_string(text), &jaas) == STATUS_INVALID_SETTING, "%s", text);
  ck_assert_ptr_null(jaas);
  ck_assert_msg(strstr(error, message) != NULL, "%s: %s", text, error);
  ck_assert_msg(strncmp(error, "sasl.jaas.config: ", 18) == 0, "%s", error);
  ck_assert_msg(strstr(error, "Planted") == NULL && strstr(error, "Secret") == NULL, "%s", error);
}

START_TEST(entries_of_all_modules_are_read) {
  assert_read(PLAIN " required username=\"alice\" password=\"al-secret\";", JAAS_PLAIN,
              "username=alice;password=al-secret;");
  assert_read(SCRAM " required username=\"t\" password=\"h==\" tokenauth=\"true\";", JAAS_SCRAM,
              "username=t;password=h==;tokenauth=true;");
  assert_read(BEARER " required clientId='c' clientSecret='s' scope=\"a b\" extension_cluster=\"lkc-1\";",
              JAAS_OAUTHBEARER, "clientId=c;clientSecret=s;scope=a b;extension_cluster=lkc-1;");
  assert_read(BEARER " required unsecuredLoginStringClaim_sub=\"me\";", JAAS_OAUTHBEARER,
              "unsecuredLoginStringClaim_sub=me;");
  assert_read(KRB5 " required useKeyTab=true storeKey=true keyTab=\"/etc/k.keytab\" principal=\"a/b@C\" "
                   "serviceName=\"kafka\";",
              JAAS_KERBEROS,
              "useKeyTab=true;storeKey=true;keyTab=/etc/k.keytab;principal=a/b@C;serviceName=kafka;");
  assert_read(AWS " required;", JAAS_AWS_MSK_IAM, "");
  assert_read(BEARER " required ;", JAAS_OAUTHBEARER, "");
}
END_TEST

START_TEST(white_space_comments_and_quotes_are_javas) {
  assert_read("\n\t" PLAIN "\r\n  Required // why\n username = 'x' /* and\n why */ password=\"y\"\n ; // end",
              JAAS_PLAIN, "username=x;password=y;");
  assert_read("\"" PLAIN "\" 'OPTIONAL' \"username\"=x 'password'=\"y\";", JAAS_PLAIN,
              "username=x;password=y;");
  assert_read(PLAIN " requisite username=it$x-y_z.9 password=12;", JAAS_PLAIN,
              "username=it$x-y_z.9;password=12;");
  assert_read(PLAIN " sufficient username='a\"b' password=\"c'd;=//*\";", JAAS_PLAIN,
              "username=a\"b;password=c'd;=//*;");
  assert_read(PLAIN " required username=\"\" password=\"\xc3\xbc\";", JAAS_PLAIN,
              "username=;password=\xc3\xbc;");
  assert_read(PLAIN " required username=\xc3\xbc password=\"y\";/* end */", JAAS_PLAIN,
              "username=\xc3\xbc;password=y;");
}
END_TEST

START_TEST(escapes_are_javas) {
  assert_read(PLAIN " required password=\"a\\\"b\\\\c\\'d\\ne\\tf\\qg\";", JAAS_PLAIN,
              "password=a\"b\\c'd\ne\tfqg;");
  assert_read(PLAIN " required password=\"\\a\\b\\f\\r\\v\";", JAAS_PLAIN, "password=\a\b\f\r\v;");
  assert_read(PLAIN " required password=\"\\101\\1012\\7x\\477\\374\";", JAAS_PLAIN,
              "password=AA2\ax'7\xc3\xbc;");
}
END_TEST

START_TEST(options_are_found_by_name) {
  struct jaas *jaas = parse_valid(KRB5 " required useKeyTab=TRUE useTicketCache=\"yes\" principal=\"p\";");
  ck_assert_str_eq(secret_text(jaas_option(jaas, "principal")), "p");
  ck_assert_ptr_null(jaas_option(jaas, "Principal"));
  ck_assert_ptr_null(jaas_option(jaas, "keyTab"));
  ck_assert(jaas_flag(jaas, "useKeyTab"));
  ck_assert(!jaas_flag(jaas, "useTicketCache"));
  ck_assert(!jaas_flag(jaas, "storeKey"));
  ck_assert_uint_eq(jaas_option_count(jaas), 3);
  jaas_destroy(jaas);
  jaas_destroy(NULL);
}
END_TEST

START_TEST(malformed_texts_are_refused_with_the_reason) {
  static const struct {
    const char *text, *message;
  } cases[] = {
      {"", "it is empty"},
      {" // nothing\n", "it is empty"},
      {"/* " PLANT, "a comment does not end"},
      {"=", "has to begin with the class"},
      {"; ", "has to begin with the class"},
      {PLAIN, "stands its flag"},
      {PLAIN ";", "stands its flag"},
      {PLAIN " username=\"" PLANT "\";", "stands its flag"},
      {PLAIN " requires username=\"x\";", "stands its flag"},
      {PLAIN " required", "semicolon at its end is missing"},
      {PLAIN " required username=\"x\" password=\"" PLANT "\"", "semicolon at its end is missing"},
      {PLAIN " required username \"x\";", "a \"=\" is missing"},
      {PLAIN " required username;", "a \"=\" is missing"},
      {PLAIN " required password=\"a\" " PLANT " b;", "a \"=\" is missing"},
      {PLAIN " required password=Planted-Secret with-blanks;", "a \"=\" is missing"},
      {PLAIN " required password=correct Planted=x;", "a value is not quoted"},
      {PLAIN " required password=\"correct\"Planted=\"x\";", "a value is not quoted"},
      {PLAIN " required \"a\\nb\"=\"x\";", "no option \"a?b\""},
      {BEARER " required \"extension_\\n\"=a \"extension_\\n\"=b;", "the option extension_? twice"},
      {PLAIN " required usrname=\"x\";", "PlainLoginModule has no option \"usrname\""},
      {PLAIN " required username=\"x\" pasword=\"x\";", "PlainLoginModule has no option \"pasword\""},
      {PLAIN " required username=;", "a value is missing"},
      {PLAIN " required username==x;", "a value is missing"},
      {PLAIN " required username=", "a value is missing"},
      {PLAIN " required =x;", "name is missing"},
      {PLAIN " required password=\"" PLANT ";", "does not end on its line"},
      {PLAIN " required password=\"" PLANT "\n\";", "does not end on its line"},
      {PLAIN " required password=\"" PLANT "\\", "does not end on its line"},
      {PLAIN " required password=\"" PLANT "\\\";", "does not end on its line"},
      {PLAIN " required password=\"a\\0" PLANT "\";", "a zero byte is written"},
      {PLAIN " required password=" PLANT "!;", "outside of quotes"},
      {PLAIN " required password=#;", "outside of quotes"},
      {KRB5 " required keyTab=/etc/x;", "a \"/\" stands outside of quotes"},
      {KRB5 " required keyTab=/", "a \"/\" stands outside of quotes"},
      {PLAIN " required username=\"x\" username=\"y\";", "the option username twice"},
      {PLAIN " required username=\"x\";" PLAIN " required;", "more than one entry"},
      {PLAIN " required;;", "more than one entry"},
      {"PlainLoginModule required;", "the login module \"PlainLoginModule\" is not known"},
      {"com.sun.security.auth.module.JndiLoginModule required;", "JndiLoginModule\" is not known"},
      {PLAIN "x required;", "is not known"},
      {"KafkaClient { " PLAIN " required; };", "is not known"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
    assert_refused(cases[i].text, cases[i].message);
}
END_TEST

START_TEST(texts_that_are_no_text_are_refused) {
  struct jaas *jaas = NULL;
  ck_assert_int_eq(parse(bytes_of(PLAIN " required\0;", sizeof PLAIN + 10), &jaas), STATUS_INVALID_SETTING);
  ck_assert_ptr_nonnull(strstr(error, "zero byte"));
  ck_assert_int_eq(parse(bytes_of_string(PLAIN " required username=\"\xff\";"), &jaas),
                   STATUS_INVALID_SETTING);
  ck_assert_ptr_nonnull(strstr(error, "not UTF-8"));
  size_t size = (1 << 20) + 1;
  char *large = malloc(size);
  ck_assert_ptr_nonnull(large);
  memset(large, ' ', size);
  ck_assert_int_eq(parse(bytes_of(large, size), &jaas), STATUS_INVALID_SETTING);
  ck_assert_ptr_nonnull(strstr(error, "longer than a mebibyte"));
  free(large);
}
END_TEST

START_TEST(too_many_options_are_refused) {
  char text[16384] = BEARER " required";
  for (int i = 0; i <= 256; i++) {
    size_t used = strlen(text);
    (void)snprintf(text + used, sizeof text - used, " extension_%d='x'", i);
  }
  size_t used = strlen(text);
  (void)snprintf(text + used, sizeof text - used, ";");
  assert_refused(text, "too many options");
}
END_TEST

START_TEST(missing_memory_is_told) {
  static const char text[] = PLAIN " required username=\"x\" password=\"y\";";
  struct secret *secret = secret_create(bytes_of_string(text));
  uint32_t failures = 0;
  for (uint32_t i = 0, failed = 1; failed; i++) {
    struct jaas *jaas = NULL;
    failing_allocator_start(i);
    int32_t status = jaas_parse(secret, &jaas, error, sizeof error);
    failed = failing_allocator_stop();
    ck_assert_int_eq(status, failed ? STATUS_OUT_OF_MEMORY : STATUS_OK);
    ck_assert((jaas != NULL) == !failed);
    failures += failed;
    jaas_destroy(jaas);
  }
  ck_assert_uint_ge(failures, 4);
  secret_destroy(secret);
}
END_TEST

int main(void) {
  Suite *suite = suite_create("jaas");
  TCase *test_case = tcase_create("all");
  tcase_add_test(test_case, entries_of_all_modules_are_read);
  tcase_add_test(test_case, white_space_comments_and_quotes_are_javas);
  tcase_add_test(test_case, escapes_are_javas);
  tcase_add_test(test_case, options_are_found_by_name);
  tcase_add_test(test_case, malformed_texts_are_refused_with_the_reason);
  tcase_add_test(test_case, texts_that_are_no_text_are_refused);
  tcase_add_test(test_case, too_many_options_are_refused);
  tcase_add_test(test_case, missing_memory_is_told);
  suite_add_tcase(suite, test_case);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_ENV);
  int failures = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failures != 0;
}
