#include "security/gssapi.h"

#include "base/status.h"
#include "gssapi/fake_gssapi.h"
#include "support/failing_allocator.h"
#include "support/login_rig.h"
#include <check.h>
#include <string.h>

enum { NO_CRED = 7 << 16, FAILURE = 13 << 16 };

static void fake_reset(void) {
  memset(&fake_gssapi, 0, sizeof fake_gssapi);
  fake_gssapi.rounds = 1;
  fake_gssapi.flags = GSS_C_MUTUAL_FLAG | GSS_C_INTEG_FLAG;
}

static void begin(struct login_rig *rig, const char *principal, const char *keytab) {
  login_rig_init(rig, SASL_GSSAPI);
  rig->settings.kerberos_service = "kafka";
  rig->settings.kerberos_principal = principal;
  rig->settings.kerberos_keytab = keytab;
  login_rig_begin(rig, "broker.example.org");
}

static void end(struct login_rig *rig) {
  login_rig_deinit(rig);
  ck_assert_int_eq(fake_gssapi.live, 0);
}

static void expect(struct login_rig *rig, struct bytes challenge, struct bytes response) {
  rig->step = sasl_exchange_step(rig->exchange, challenge, LOGIN_RIG_NOW_MS, INT64_MAX);
  ck_assert_int_eq(rig->step.kind, SASL_STEP_SEND);
  ck_assert(bytes_equal(rig->step.response, response));
}

/* From the offer of layers on. */
static void expect_layers_and_end(struct login_rig *rig) {
  expect(rig, bytes_of("W:\x07\x00\x10\x00", 6), bytes_of("W:\x01\x00\x00\x00", 6));
  login_rig_expect_done(rig, "");
}

START_TEST(a_login_takes_the_default_cache) {
  struct login_rig rig;
  fake_reset();
  begin(&rig, NULL, NULL);
  ck_assert(sasl_credentials_may_block(rig.credentials));
  login_rig_expect_send(&rig, NULL, "token-1");
  login_rig_expect_send(&rig, "of the broker", "");
  ck_assert_str_eq(fake_gssapi.heard, "of the broker");
  ck_assert_str_eq(fake_gssapi.service, "kafka@broker.example.org");
  ck_assert_str_eq(fake_gssapi.principal, "");
  ck_assert_str_eq(fake_gssapi.cache, "");
  ck_assert_uint_eq(fake_gssapi.wanted_flags, GSS_C_MUTUAL_FLAG | GSS_C_INTEG_FLAG);
  expect_layers_and_end(&rig);
  end(&rig);
  ck_assert_uint_eq(fake_gssapi.destroyed_caches, 0);
}
END_TEST

START_TEST(a_login_may_take_more_rounds_and_end_with_a_token) {
  struct login_rig rig;
  fake_reset();
  fake_gssapi.rounds = 2;
  fake_gssapi.ends_with_a_token = true;
  begin(&rig, NULL, NULL);
  login_rig_expect_send(&rig, NULL, "token-1");
  login_rig_expect_send(&rig, "a", "token-2");
  login_rig_expect_send(&rig, "b", "token-3");
  expect_layers_and_end(&rig);
  end(&rig);
}
END_TEST

START_TEST(a_keytabs_tickets_go_to_a_cache_of_their_own_that_is_destroyed) {
  char first[128];
  struct login_rig rig;
  fake_reset();
  begin(&rig, "alice@EXAMPLE.ORG", "/etc/alice.keytab");
  login_rig_expect_send(&rig, NULL, "token-1");
  ck_assert_str_eq(fake_gssapi.principal, "alice@EXAMPLE.ORG");
  ck_assert_str_eq(fake_gssapi.keytab, "/etc/alice.keytab");
  ck_assert_int_eq(strncmp(fake_gssapi.cache, "MEMORY:sendoff-", 15), 0);
  memcpy(first, fake_gssapi.cache, sizeof first);
  sasl_exchange_destroy(rig.exchange);
  rig.exchange = sasl_exchange_create(rig.credentials, "another");
  login_rig_expect_send(&rig, NULL, "token-1");
  ck_assert_str_eq(fake_gssapi.cache, first);
  end(&rig);
  ck_assert_uint_eq(fake_gssapi.destroyed_caches, 1);
  begin(&rig, "alice@EXAMPLE.ORG", "/etc/alice.keytab");
  login_rig_expect_send(&rig, NULL, "token-1");
  ck_assert_str_ne(fake_gssapi.cache, first);
  end(&rig);
  ck_assert_uint_eq(fake_gssapi.destroyed_caches, 2);
}
END_TEST

START_TEST(a_principal_alone_is_looked_for_in_the_caches) {
  struct login_rig rig;
  fake_reset();
  begin(&rig, "alice", NULL);
  login_rig_expect_send(&rig, NULL, "token-1");
  ck_assert_str_eq(fake_gssapi.principal, "alice");
  ck_assert_str_eq(fake_gssapi.keytab, "");
  end(&rig);
}
END_TEST

START_TEST(what_the_library_refuses_is_told) {
  static const struct {
    const char *function, *reason;
  } cases[] = {
      {"import_service", "GSSAPI: reading the broker's name failed: major 13: once more: minor 5?"},
      {"import_principal", "GSSAPI: getting the client's credentials "},
      {"acquire_cred_from", "GSSAPI: getting the client's credentials "},
      {"init_sec_context", "GSSAPI: the login at the broker failed: major 13"},
      {"init_sec_context_again", "GSSAPI: the login at the broker failed: major 13"},
      {"unwrap", "GSSAPI: reading the broker's offer of layers failed: major 13"},
      {"wrap", "GSSAPI: choosing a layer failed: major 13"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    struct login_rig rig;
    fake_reset();
    fake_gssapi.failing = cases[i].function;
    fake_gssapi.major = FAILURE;
    fake_gssapi.minor = 5;
    begin(&rig, "alice", "/etc/alice.keytab");
    if (i >= 4) login_rig_expect_send(&rig, NULL, "token-1");
    if (i >= 5) login_rig_expect_send(&rig, "a", "");
    struct bytes challenge = i >= 5 ? bytes_of("W:\x01\x00\x00\x00", 6) : bytes_of(NULL, 0);
    if (i == 4) challenge = bytes_of_string("a");
    rig.step = sasl_exchange_step(rig.exchange, challenge, LOGIN_RIG_NOW_MS, INT64_MAX);
    ck_assert_int_eq(rig.step.kind, SASL_STEP_FAILED);
    ck_assert_int_eq(rig.step.status, STATUS_LOGIN_FAILED);
    ck_assert_msg(strncmp(rig.step.reason, cases[i].reason, strlen(cases[i].reason)) == 0, "%s",
                  rig.step.reason);
    end(&rig);
  }
}
END_TEST

START_TEST(well_known_failures_have_a_hint) {
  static const struct {
    int32_t minor;
    const char *hint;
  } cases[] = {
      {-1765328347, "clocks"},
      {-1765328228, "no KDC of the realm can be reached"},
      {-1765328189, "kinit"},
      {-1765328243, "no ticket"},
      {-1765328352, "has expired"},
      {-1765328377, "sasl.kerberos.service.name"},
      {-1765328378, "does not know the client's principal"},
      {-1765328360, "keytab's key"},
      {-1765328230, "krb5.conf"},
  };
  char text[512];
  fake_reset();
  const struct gssapi *gssapi = gssapi_load(text, sizeof text);
  ck_assert_ptr_nonnull(gssapi);
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    gssapi_explain(gssapi, NO_CRED, (uint32_t)cases[i].minor, false, text, sizeof text);
    ck_assert_msg(strstr(text, cases[i].hint) != NULL, "%s", text);
    ck_assert_int_eq(strncmp(text, "major 7: once more: minor -17653", 32), 0);
  }
  gssapi_explain(gssapi, NO_CRED, (uint32_t)-1765328189, true, text, sizeof text);
  ck_assert_msg(strstr(text, "the keytab cannot be read, or has no key") != NULL, "%s", text);
  char small[20];
  gssapi_explain(gssapi, NO_CRED, (uint32_t)-1765328347, false, small, sizeof small);
  ck_assert_str_eq(small, "major 7: once more ");
  fake_gssapi.failing = "display_status";
  fake_gssapi.major = FAILURE;
  gssapi_explain(gssapi, NO_CRED, 0, false, text, sizeof text);
  ck_assert_str_eq(text, "GSS-API's error 00070000, 00000000");
  ck_assert_int_eq(fake_gssapi.live, 0);
}
END_TEST

START_TEST(a_broker_that_is_not_who_it_says_is_refused) {
  static const uint32_t flags[] = {GSS_C_INTEG_FLAG, GSS_C_MUTUAL_FLAG};
  static const char *const reasons[] = {"the broker has not proved who it is", "no integrity protection"};
  for (size_t i = 0; i < 2; i++) {
    struct login_rig rig;
    fake_reset();
    fake_gssapi.flags = flags[i];
    begin(&rig, NULL, NULL);
    login_rig_expect_send(&rig, NULL, "token-1");
    login_rig_expect_failed(&rig, "a", STATUS_LOGIN_FAILED, reasons[i]);
    end(&rig);
  }
}
END_TEST

START_TEST(a_library_with_nothing_to_say_is_an_error) {
  struct login_rig rig;
  fake_reset();
  fake_gssapi.is_silent = true;
  begin(&rig, NULL, NULL);
  login_rig_expect_failed(&rig, NULL, STATUS_LOGIN_FAILED, "nothing to say, and wants an answer");
  end(&rig);
}
END_TEST

START_TEST(offers_of_layers_are_checked) {
  static const struct {
    const char *offer;
    size_t size;
    const char *reason;
  } cases[] = {
      {"", 0, "failed: major 9"},
      {"\x01\x00\x00\x00", 4, "failed: major 9"},
      {"W:", 2, "not of four bytes"},
      {"W:\x01\x00\x00", 5, "not of four bytes"},
      {"W:\x01\x00\x00\x00\x00", 7, "not of four bytes"},
      {"W:\x06\x00\x10\x00", 6, "insists on a layer"},
      {"W:\x00\x00\x00\x00", 6, "insists on a layer"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    struct login_rig rig;
    fake_reset();
    begin(&rig, NULL, NULL);
    login_rig_expect_send(&rig, NULL, "token-1");
    login_rig_expect_send(&rig, "a", "");
    rig.step = sasl_exchange_step(rig.exchange, bytes_of(cases[i].offer, cases[i].size), LOGIN_RIG_NOW_MS,
                                  INT64_MAX);
    ck_assert_int_eq(rig.step.kind, SASL_STEP_FAILED);
    ck_assert_msg(strstr(rig.step.reason, cases[i].reason) != NULL, "%s", rig.step.reason);
    end(&rig);
  }
}
END_TEST

START_TEST(nothing_follows_the_choice_of_a_layer) {
  struct login_rig rig;
  fake_reset();
  begin(&rig, NULL, NULL);
  login_rig_expect_send(&rig, NULL, "token-1");
  login_rig_expect_send(&rig, "a", "");
  expect(&rig, bytes_of("W:\x01\x00\x00\x00", 6), bytes_of("W:\x01\x00\x00\x00", 6));
  login_rig_expect_failed(&rig, "more", STATUS_LOGIN_FAILED,
                          "answers with 4 bytes where it has nothing to say");
  ck_assert_ptr_nonnull(strstr(login_rig_explain(&rig, 58, "no"), "the ticket for kafka@broker.example.org"));
  end(&rig);
}
END_TEST

/* Each allocation of a whole login. */
START_TEST(missing_memory_is_told) {
  uint32_t failures = 0;
  for (uint32_t i = 0, failed = 1; failed; i++) {
    struct login_rig rig;
    char error[128];
    fake_reset();
    login_rig_init(&rig, SASL_GSSAPI);
    rig.settings.kerberos_service = "kafka";
    rig.settings.kerberos_keytab = "/etc/alice.keytab";
    failing_allocator_start(i);
    int32_t status = sasl_credentials_create(&rig.settings, &rig.credentials, error, sizeof error);
    if (status == STATUS_OK) rig.exchange = sasl_exchange_create(rig.credentials, "broker");
    struct sasl_step step = {.kind = SASL_STEP_FAILED, .status = STATUS_OUT_OF_MEMORY};
    if (rig.exchange != NULL) step = sasl_exchange_step(rig.exchange, bytes_of(NULL, 0), 0, INT64_MAX);
    if (step.kind == SASL_STEP_SEND) step = sasl_exchange_step(rig.exchange, bytes_of("a", 1), 0, INT64_MAX);
    if (step.kind == SASL_STEP_SEND)
      step = sasl_exchange_step(rig.exchange, bytes_of("W:\x01\x00\x00\x00", 6), 0, INT64_MAX);
    if (step.kind == SASL_STEP_SEND) step = sasl_exchange_step(rig.exchange, bytes_of("", 0), 0, INT64_MAX);
    failed = failing_allocator_stop();
    failures += failed;
    ck_assert_int_eq(step.kind, failed ? SASL_STEP_FAILED : SASL_STEP_DONE);
    if (failed) ck_assert_int_eq(step.status, STATUS_OUT_OF_MEMORY);
    end(&rig);
  }
  ck_assert_uint_ge(failures, 12);
}
END_TEST

int main(void) {
  Suite *suite = suite_create("gssapi");
  TCase *test_case = tcase_create("all");
  tcase_add_test(test_case, a_login_takes_the_default_cache);
  tcase_add_test(test_case, a_login_may_take_more_rounds_and_end_with_a_token);
  tcase_add_test(test_case, a_keytabs_tickets_go_to_a_cache_of_their_own_that_is_destroyed);
  tcase_add_test(test_case, a_principal_alone_is_looked_for_in_the_caches);
  tcase_add_test(test_case, what_the_library_refuses_is_told);
  tcase_add_test(test_case, well_known_failures_have_a_hint);
  tcase_add_test(test_case, a_broker_that_is_not_who_it_says_is_refused);
  tcase_add_test(test_case, a_library_with_nothing_to_say_is_an_error);
  tcase_add_test(test_case, offers_of_layers_are_checked);
  tcase_add_test(test_case, nothing_follows_the_choice_of_a_layer);
  tcase_add_test(test_case, missing_memory_is_told);
  suite_add_tcase(suite, test_case);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_ENV);
  int failures = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failures != 0;
}
