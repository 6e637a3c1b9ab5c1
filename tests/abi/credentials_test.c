/* Tokens, and credentials that are loaded anew: what is refused, what waits and what ends a wait. The
 * embedded broker knows no login: what becomes of one is shown by tests/integration/security. */
#include "abi/support/brokers.h"
#include "abi/support/producers.h"
#include <check.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* The functions that this is about: each takes a producer and answers a status. */
enum { SET_TOKEN, SET_FAILURE, WAIT_WANTED, RELOAD, FUNCTIONS };

static struct calls calls;
static sendoff_callbacks callbacks;
static sendoff_producer *producer;

static const char *const with_tokens[] = {"security.protocol",
                                          "SASL_PLAINTEXT",
                                          "sasl.mechanism",
                                          "OAUTHBEARER",
                                          "allow.cleartext.credentials",
                                          "true",
                                          NULL};

static void set_up(void) {
  broker_start();
  calls_init(&calls);
  callbacks = calls_callbacks(&calls);
}

static void tear_down(void) {
  sendoff_close(producer, 0);
  sendoff_destroy(producer);
  UNTIL(calls.releases == 1);
  calls_deinit(&calls);
  broker_stop();
}

static sendoff_token token_of(const char *value) {
  return (sendoff_token){.size = sizeof(sendoff_token), .value = value, .expires_ms = INT64_MAX};
}

static int32_t call(int function, sendoff_producer *handle) {
  const sendoff_token token = token_of("a.b.c");
  switch (function) {
  case SET_TOKEN: return sendoff_set_token(handle, &token, NULL, 0);
  case SET_FAILURE: return sendoff_set_token_failure(handle, "there is none");
  case WAIT_WANTED: return sendoff_wait_token_wanted(handle, -1);
  default: return sendoff_reload_credentials(handle, NULL, NULL, 0);
  }
}

/* ---- Who has no use for them */

START_TEST(a_producer_without_credentials_says_so) {
  char error[256] = "";
  const sendoff_token token = token_of("a.b.c");
  producer = producer_open(&callbacks, NULL);
  for (int function = 0; function < FUNCTIONS; function++)
    ck_assert_int_eq(call(function, producer), SENDOFF_NOT_CONFIGURED);
  ck_assert_int_eq(sendoff_set_token(producer, &token, error, sizeof error), SENDOFF_NOT_CONFIGURED);
  ck_assert_str_ne(error, "");
  memset(error, 0, sizeof error);
  ck_assert_int_eq(sendoff_reload_credentials(producer, NULL, error, sizeof error), SENDOFF_NOT_CONFIGURED);
  ck_assert_ptr_nonnull(strstr(error, "security.protocol"));
  ck_assert_int_eq(sendoff_close(producer, -1), SENDOFF_OK);
  for (int function = 0; function < RELOAD; function++)
    ck_assert_int_eq(call(function, producer), SENDOFF_CLOSED);
}
END_TEST

START_TEST(a_login_by_password_asks_for_no_token) {
  producer =
      producer_open(&callbacks, SETTINGS("security.protocol", "SASL_PLAINTEXT", "sasl.mechanism",
                                         "SCRAM-SHA-256", "sasl.username", "me", "sasl.password", "p"));
  for (int function = 0; function < RELOAD; function++)
    ck_assert_int_eq(call(function, producer), SENDOFF_NOT_CONFIGURED);
  ck_assert_int_eq(call(RELOAD, producer), SENDOFF_OK);
}
END_TEST

/* ---- Tokens */

START_TEST(tokens_that_cannot_be_are_refused_and_not_shown) {
  static const sendoff_token_extension auth[] = {{"auth", "x"}}, nameless[] = {{NULL, "x"}},
                                       valueless[] = {{"x", NULL}}, digits[] = {{"x1", "x"}},
                                       control[] = {{"x", "a\1b=c"}};
  const struct {
    sendoff_token token;
    const char *what;
  } bad[] = {
      {{.size = 0, .value = "secret", .expires_ms = INT64_MAX}, "no size"},
      {{.size = sizeof(sendoff_token) - 1, .value = "secret", .expires_ms = INT64_MAX}, "a smaller one"},
      {{.size = sizeof(sendoff_token), .expires_ms = INT64_MAX}, "no value"},
      {{.size = sizeof(sendoff_token), .value = "", .expires_ms = INT64_MAX}, "an empty value"},
      {{.size = sizeof(sendoff_token), .value = "secret\1auth=x", .expires_ms = INT64_MAX}, "a separator"},
      {{.size = sizeof(sendoff_token), .value = "se cret", .expires_ms = INT64_MAX}, "a space"},
      {{.size = sizeof(sendoff_token), .value = "secret"}, "1970"},
      {{.size = sizeof(sendoff_token), .value = "secret", .expires_ms = 1700000000000}, "2023"},
      {{.size = sizeof(sendoff_token), .value = "secret", .expires_ms = INT64_MIN}, "before all times"},
      {{.size = sizeof(sendoff_token), .value = "secret", .expires_ms = INT64_MAX, .extension_count = 1},
       "no extensions"},
      {{.size = sizeof(sendoff_token),
        .value = "secret",
        .expires_ms = INT64_MAX,
        .extension_count = UINT32_MAX,
        .extensions = auth},
       "more than there can be"},
#define EXTENDED(list)                                                                                       \
  {.size = sizeof(sendoff_token),                                                                            \
   .value = "secret",                                                                                        \
   .expires_ms = INT64_MAX,                                                                                  \
   .extension_count = 1,                                                                                     \
   .extensions = list}
      {EXTENDED(auth), "an extension that is the token"},
      {EXTENDED(nameless), "an extension without a name"},
      {EXTENDED(valueless), "an extension without a value"},
      {EXTENDED(digits), "a name that is not of letters"},
      {EXTENDED(control), "a value with a separator"},
  };
  producer = producer_open(&callbacks, with_tokens);
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
    char error[256] = "";
    int32_t status = sendoff_set_token(producer, &bad[i].token, error, sizeof error);
    ck_assert_msg(status == SENDOFF_INVALID_ARGUMENT, "%s: %d", bad[i].what, status);
    ck_assert_msg(error[0] != '\0' && strstr(error, "secret") == NULL, "%s: %s", bad[i].what, error);
    ck_assert_int_eq(sendoff_set_token(producer, &bad[i].token, NULL, 0), SENDOFF_INVALID_ARGUMENT);
  }
  char error[5] = "";
  ck_assert_int_eq(sendoff_set_token(producer, NULL, error, sizeof error), SENDOFF_INVALID_ARGUMENT);
  ck_assert_uint_eq(strlen(error), 4); /* cut, and terminated */
  ck_assert_int_eq(sendoff_set_token_failure(producer, NULL), SENDOFF_INVALID_ARGUMENT);
}
END_TEST

START_TEST(tokens_come_unasked) {
  static const sendoff_token_extension extensions[] = {{"logicalCluster", "lkc-1"}, {"pool", "one"}};
  sendoff_token token = token_of("eyJhbGciOiJub25lIn0.e30.");
  producer = producer_open(&callbacks, with_tokens);
  token.principal = "me";
  token.extensions = extensions;
  token.extension_count = 2;
  for (int i = 0; i < 100; i++)
    ck_assert_int_eq(sendoff_set_token(producer, &token, NULL, 0), SENDOFF_OK);
  ck_assert_int_eq(sendoff_set_token_failure(producer, "there is none"), SENDOFF_OK);
  ck_assert_int_eq(sendoff_set_token_failure(producer, ""), SENDOFF_OK);
  ck_assert_int_eq(sendoff_set_token(producer, &token, NULL, 0), SENDOFF_OK);
}
END_TEST

/* ---- Waits */

struct waiter {
  pthread_t thread;
  atomic_bool waits;
  int32_t status;
};

static void *wait_wanted(void *argument) {
  struct waiter *waiter = argument;
  do {
    waiter->waits = true;
    waiter->status = sendoff_wait_token_wanted(producer, -1);
  } while (waiter->status == SENDOFF_OK); /* it was wanted, which this is not about */
  return NULL;
}

static void begin_to_wait(struct waiter *waiter) {
  *waiter = (struct waiter){.status = 77};
  ck_assert_int_eq(pthread_create(&waiter->thread, NULL, wait_wanted, waiter), 0);
  UNTIL(waiter->waits);
}

static int32_t end_of(struct waiter *waiter) {
  pthread_join(waiter->thread, NULL);
  return waiter->status;
}

START_TEST(a_wait_ends_by_wake) {
  struct waiter waiter;
  producer = producer_open(&callbacks, with_tokens);
  begin_to_wait(&waiter);
  for (struct patience patience = patience_begin(); pthread_tryjoin_np(waiter.thread, NULL) != 0;) {
    ck_assert_int_eq(sendoff_wake(producer), SENDOFF_OK); /* one that comes before the wait is missed */
    patience_spend(&patience, "the wait ends");
  }
  ck_assert_int_eq(waiter.status, SENDOFF_INTERRUPTED);
}
END_TEST

START_TEST(a_wait_ends_by_close) {
  struct waiter waiter;
  producer = producer_open(&callbacks, with_tokens);
  begin_to_wait(&waiter);
  ck_assert_int_eq(sendoff_close(producer, -1), SENDOFF_OK);
  ck_assert_int_eq(end_of(&waiter), SENDOFF_CLOSED);
  for (int function = 0; function < FUNCTIONS; function++)
    ck_assert_int_eq(call(function, producer), SENDOFF_CLOSED);
}
END_TEST

START_TEST(a_wait_ends_by_destroy) {
  struct waiter waiters[4];
  producer = producer_open(&callbacks, with_tokens);
  for (int i = 0; i < 4; i++)
    begin_to_wait(&waiters[i]);
  sendoff_destroy(producer);
  for (int i = 0; i < 4; i++)
    ck_assert_int_eq(end_of(&waiters[i]), SENDOFF_CLOSED);
  for (int function = 0; function < FUNCTIONS; function++)
    ck_assert_int_eq(call(function, producer), SENDOFF_CLOSED);
}
END_TEST

START_TEST(a_wait_has_its_time) {
  producer = producer_open(&callbacks, with_tokens);
  int32_t status;
  while ((status = sendoff_wait_token_wanted(producer, 0)) == SENDOFF_OK) {
  }
  ck_assert_int_eq(status, SENDOFF_TIMED_OUT);
  while ((status = sendoff_wait_token_wanted(producer, 5)) == SENDOFF_OK) {
  }
  ck_assert_int_eq(status, SENDOFF_TIMED_OUT);
}
END_TEST

/* ---- From callbacks and in a child */

static struct {
  int32_t status[FUNCTIONS];
  atomic_bool begun, ended;
} inside;

static void call_all(void *user, int32_t level, const char *line) {
  calls_on_log(user, level, line);
  if (atomic_exchange(&inside.begun, true)) return;
  for (int function = 0; function < FUNCTIONS; function++)
    inside.status[function] = call(function, producer);
  inside.ended = true;
}

START_TEST(a_callback_may_do_all_but_wait) {
  callbacks.on_log = call_all;
  inside.begun = true; /* not before the producer is there */
  producer = producer_open(&callbacks, SETTINGS("security.protocol", "SASL_PLAINTEXT", "sasl.mechanism",
                                                "OAUTHBEARER", "allow.cleartext.credentials", "true",
                                                "log.level", "7", "reconnect.backoff.ms", "1"));
  inside.begun = false;
  UNTIL(inside.ended);
  ck_assert_int_eq(inside.status[SET_TOKEN], SENDOFF_OK);
  ck_assert_int_eq(inside.status[SET_FAILURE], SENDOFF_OK);
  ck_assert_int_eq(inside.status[WAIT_WANTED], SENDOFF_IN_CALLBACK);
  ck_assert_int_eq(inside.status[RELOAD], SENDOFF_OK);
}
END_TEST

static int32_t within_loading;

/* The warning about credentials in the clear comes with each loading. */
static void load_again(void *user, int32_t level, const char *line) {
  calls_on_log(user, level, line);
  if (!atomic_exchange(&inside.begun, true))
    within_loading = sendoff_reload_credentials(producer, NULL, NULL, 0);
}

START_TEST(a_log_line_of_the_loading_does_not_wait_for_it) {
  callbacks.on_log = load_again;
  inside.begun = true; /* not before the producer is there, and its one attempt to connect is over */
  producer = producer_open(&callbacks, SETTINGS("security.protocol", "SASL_PLAINTEXT", "sasl.mechanism",
                                                "OAUTHBEARER", "allow.cleartext.credentials", "true",
                                                "reconnect.backoff.ms", "3600000"));
  UNTIL(counters_of(producer).connections_lost > 0);
  inside.begun = false;
  ck_assert_int_eq(sendoff_reload_credentials(producer, NULL, NULL, 0), SENDOFF_OK);
  ck_assert(inside.begun);
  ck_assert_int_eq(within_loading, SENDOFF_IN_CALLBACK);
}
END_TEST

START_TEST(a_child_is_refused) {
  producer = producer_open(&callbacks, with_tokens);
  pid_t child = fork();
  if (child == 0) {
    for (int function = 0; function < FUNCTIONS; function++)
      if (call(function, producer) != SENDOFF_FORKED) _exit(1 + function);
    _exit(0);
  }
  int status = -1;
  ck_assert_int_eq(waitpid(child, &status, 0), child);
  ck_assert_msg(status == 0, "the child ended with %x", (unsigned)status);
  ck_assert_int_eq(call(SET_TOKEN, producer), SENDOFF_OK);
}
END_TEST

static atomic_uint wants;

static void count_wants(void *user) {
  ck_assert_ptr_eq(user, &calls);
  wants++;
}

/* After a failure another token is wanted, by those who wait and by the callback. */
static void want_token(void) {
  ck_assert_int_eq(sendoff_set_token_failure(producer, "there is none"), SENDOFF_OK);
  ck_assert_int_eq(sendoff_wait_token_wanted(producer, PATIENCE_MS), SENDOFF_OK);
}

START_TEST(a_want_is_told_by_the_callback_too) {
  callbacks.on_token_wanted = count_wants;
  producer = producer_open(&callbacks, with_tokens);
  want_token();
  UNTIL(wants > 0);
}
END_TEST

/* Programs of 1.0 have other things behind their struct. */
START_TEST(callbacks_of_the_first_size_have_no_on_token_wanted) {
  callbacks.size = (uint32_t)offsetof(sendoff_callbacks, on_token_wanted);
  callbacks.on_token_wanted = count_wants;
  producer = producer_open(&callbacks, with_tokens);
  for (int i = 0; i < 3; i++) /* the first call may be on its way while the last wait ends */
    want_token();
  ck_assert_uint_eq(wants, 0);
}
END_TEST

/* ---- Loading anew */

START_TEST(what_cannot_be_loaded_is_named) {
  static const char *const others[][6] = {
      {"security.protocol", "SASL_SSL", "sasl.mechanism", "OAUTHBEARER", NULL},
      {"security.protocol", "PLAINTEXT", NULL},
      {"sasl.mechanism", "PLAIN", "sasl.username", "me", "sasl.password", "p"}};
  producer = producer_open(&callbacks, with_tokens);
  for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
    char error[512] = "";
    sendoff_config *config = config_open(with_tokens);
    for (size_t at = 0; at < 6 && others[i][at] != NULL; at += 2)
      ck_assert_int_eq(sendoff_config_set(config, others[i][at], others[i][at + 1], NULL, 0), SENDOFF_OK);
    ck_assert_int_eq(sendoff_reload_credentials(producer, config, error, sizeof error),
                     SENDOFF_NOT_CONFIGURED);
    ck_assert_msg(strstr(error, others[i][0]) != NULL, "%s", error);
    sendoff_config_destroy(config);
  }
  char error[512] = "";
  sendoff_config *incomplete = config_open(SETTINGS("sasl.mechanism", "OAUTHBEARER"));
  ck_assert_int_eq(sendoff_reload_credentials(producer, incomplete, error, sizeof error),
                   SENDOFF_INVALID_SETTING);
  ck_assert_str_ne(error, "");
  sendoff_config_destroy(incomplete);
  sendoff_config *same = config_open(with_tokens);
  ck_assert_int_eq(sendoff_reload_credentials(producer, same, NULL, 0), SENDOFF_OK);
  sendoff_config_destroy(same);
}
END_TEST

int main(void) {
  Suite *suite = suite_create("credentials");
  TCase *tests = tcase_create("credentials");
  tcase_set_timeout(tests, 120);
  tcase_add_checked_fixture(tests, set_up, tear_down);
  tcase_add_test(tests, a_producer_without_credentials_says_so);
  tcase_add_test(tests, a_login_by_password_asks_for_no_token);
  tcase_add_test(tests, tokens_that_cannot_be_are_refused_and_not_shown);
  tcase_add_test(tests, tokens_come_unasked);
  tcase_add_test(tests, a_wait_ends_by_wake);
  tcase_add_test(tests, a_wait_ends_by_close);
  tcase_add_test(tests, a_wait_ends_by_destroy);
  tcase_add_test(tests, a_wait_has_its_time);
  tcase_add_test(tests, a_callback_may_do_all_but_wait);
  tcase_add_test(tests, a_log_line_of_the_loading_does_not_wait_for_it);
  tcase_add_test(tests, a_child_is_refused);
  tcase_add_test(tests, a_want_is_told_by_the_callback_too);
  tcase_add_test(tests, callbacks_of_the_first_size_have_no_on_token_wanted);
  tcase_add_test(tests, what_cannot_be_loaded_is_named);
  suite_add_tcase(suite, tests);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_ENV);
  int failures = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failures != 0;
}
