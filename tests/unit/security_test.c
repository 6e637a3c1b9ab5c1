#include "base/lock.h"
#include "producer/security.h"

#include "base/clock.h"
#include "base/condition.h"
#include "base/status.h"
#include "support/failing_allocator.h"
#include "support/fake_transport.h"
#include "support/tls_certificates.h"
#include <check.h>
#include <stdlib.h>

enum { PATIENCE_US = 30000000 };

static struct lock lock = LOCK_INITIALIZER;
static struct condition noted;
static uint32_t starts, stops, wants, wakes; /* under lock */
static char lines[16384];                    /* of the log, under lock */
static struct log test_log;
static struct security *security;
static struct config_error error;

static void count_up(uint32_t *count) {
  lock_acquire(&lock);
  (*count)++;
  condition_broadcast(&noted);
  lock_release(&lock);
}

static void note_line(void *context, int32_t level, const char *line) {
  (void)context;
  lock_acquire(&lock);
  size_t used = strlen(lines);
  snprintf(lines + used, sizeof lines - used, "%d %s\n", (int)level, line);
  condition_broadcast(&noted);
  lock_release(&lock);
}

static void await_line(const char *part) {
  int64_t until_us = clock_monotonic_us() + PATIENCE_US;
  lock_acquire(&lock);
  while (strstr(lines, part) == NULL)
    ck_assert_msg(condition_wait(&noted, &lock, until_us), "no line has \"%s\": %s", part, lines);
  lines[0] = '\0';
  lock_release(&lock);
}

static void on_wake(void *context) {
  (void)context;
  count_up(&wakes);
}

static void on_wanted(void *context) {
  (void)context;
  count_up(&wants);
}

static void on_start(void *context, const char *name) {
  (void)context;
  ck_assert_int_eq(strncmp(name, "sendoff-", 8), 0);
  count_up(&starts);
}

static void on_stop(void *context, const char *name) {
  (void)context;
  ck_assert_int_eq(strncmp(name, "sendoff-", 8), 0);
  count_up(&stops);
}

static const struct security_hooks HOOKS = {.wake = on_wake,
                                            .on_token_wanted = on_wanted,
                                            .on_thread_start = on_start,
                                            .on_thread_stop = on_stop,
                                            .log = &test_log,
                                            .seed = 1};

static void set_up(void) {
  ck_assert_int_eq(condition_init(&noted), STATUS_OK);
  starts = stops = wants = wakes = 0;
  lines[0] = '\0';
  security = NULL;
  error.text[0] = '\0';
  test_log = (struct log){.level = LOG_LEVEL_DEBUG, .sink = note_line};
}

static void tear_down(void) {
  security_close(security);
  security_destroy(security);
  ck_assert_uint_eq(starts, stops);
  condition_deinit(&noted);
}

/* name and value in turn, NULL at the end */
static struct config *make_config(const char *const *settings) {
  struct config *config;
  ck_assert_int_eq(config_create(&config), STATUS_OK);
  for (; settings[0] != NULL; settings += 2)
    ck_assert_msg(config_set(config, settings[0], settings[1], &error) == STATUS_OK, "%s", error.text);
  return config;
}

static int32_t create(const char *const *settings) {
  struct config *config = make_config(settings);
  int32_t status = security_create(config, &HOOKS, &security, &error);
  if (status == STATUS_OK) status = security_start(security);
  config_destroy(config);
  return status;
}

static int32_t reload(const char *const *settings) {
  struct config *config = settings == NULL ? NULL : make_config(settings);
  error.text[0] = '\0';
  int32_t status = security_reload(security, config, &error);
  config_destroy(config);
  return status;
}

static void expect_error(const char *part) {
  ck_assert_msg(strstr(error.text, part) != NULL, "\"%s\" lacks \"%s\"", error.text, part);
}

#define SCRAM(password)                                                                                      \
  "security.protocol", "SASL_PLAINTEXT", "sasl.mechanism", "SCRAM-SHA-256", "sasl.username", "me",           \
      "sasl.password", password

START_TEST(plaintext_needs_nothing) {
  const char *const settings[] = {NULL};
  ck_assert_int_eq(create(settings), STATUS_OK);
  ck_assert_ptr_null(security);
  ck_assert_ptr_null(security_login(NULL));
  ck_assert_ptr_null(security_host_tokens(NULL));
  ck_assert_int_eq(security_tick(NULL, 0), CLOCK_NEVER_US);
}
END_TEST

START_TEST(a_login_without_tls_leaves_the_transport_alone) {
  const char *const settings[] = {SCRAM("one"), NULL};
  ck_assert_int_eq(create(settings), STATUS_OK);
  ck_assert_str_eq(login_mechanism(security_login(security)), "SCRAM-SHA-256");
  ck_assert_ptr_null(security_host_tokens(security));
  struct transport *transport = NULL;
  ck_assert_int_eq(security_wrap(security, &transport), STATUS_OK);
  ck_assert_ptr_null(transport);
}
END_TEST

START_TEST(other_credentials_are_put_in_force_and_other_kinds_are_refused) {
  const char *const settings[] = {SCRAM("one"), NULL}, *const other[] = {SCRAM("two"), NULL};
  const char *const plain[] = {NULL};
  const char *const mechanism[] = {"security.protocol",
                                   "SASL_PLAINTEXT",
                                   "sasl.mechanism",
                                   "SCRAM-SHA-512",
                                   "sasl.username",
                                   "me",
                                   "sasl.password",
                                   "x",
                                   NULL};
  ck_assert_int_eq(create(settings), STATUS_OK);
  ck_assert_int_eq(reload(other), STATUS_OK);
  ck_assert_uint_eq(login_generation(security_login(security)), 1);
  ck_assert_uint_eq(wakes, 1);
  ck_assert_int_eq(reload(NULL), STATUS_OK);
  ck_assert_uint_eq(login_generation(security_login(security)), 2);
  ck_assert_int_eq(reload(plain), STATUS_NOT_CONFIGURED);
  expect_error("security.protocol");
  ck_assert_int_eq(reload(mechanism), STATUS_NOT_CONFIGURED);
  expect_error("SCRAM-SHA-256");
  ck_assert_uint_eq(login_generation(security_login(security)), 2);
  security_close(security);
  ck_assert_int_eq(security_reload(security, NULL, &error), STATUS_CLOSED);
}
END_TEST

START_TEST(a_host_is_asked_for_tokens) {
  const char *const settings[] = {"security.protocol",
                                  "SASL_PLAINTEXT",
                                  "sasl.mechanism",
                                  "OAUTHBEARER",
                                  "allow.cleartext.credentials",
                                  "true",
                                  NULL};
  ck_assert_int_eq(create(settings), STATUS_OK);
  ck_assert_ptr_nonnull(security_host_tokens(security));
  struct login_exchange *exchange = login_exchange_create(security_login(security), "broker");
  login_begin_step(exchange, bytes_of(NULL, 0), clock_monotonic_us() + PATIENCE_US);
  int64_t until_us = clock_monotonic_us() + PATIENCE_US;
  lock_acquire(&lock);
  while (wants == 0)
    ck_assert(condition_wait(&noted, &lock, until_us));
  lock_release(&lock);
  login_exchange_destroy(exchange);
}
END_TEST

START_TEST(unsigned_tokens_are_fetched_without_the_host) {
  const char *const settings[] = {"security.protocol",
                                  "SASL_PLAINTEXT",
                                  "sasl.mechanism",
                                  "OAUTHBEARER",
                                  "allow.cleartext.credentials",
                                  "true",
                                  "enable.sasl.oauthbearer.unsecure.jwt",
                                  "true",
                                  "sasl.oauthbearer.config",
                                  "principal=me",
                                  NULL};
  ck_assert_msg(create(settings) == STATUS_OK, "%s", error.text);
  ck_assert_ptr_null(security_host_tokens(security));
  ck_assert_int_eq(reload(NULL), STATUS_OK);
}
END_TEST

static void await_login(struct login_exchange *exchange) {
  int64_t until_us = clock_monotonic_us() + PATIENCE_US;
  struct sasl_step step;
  login_begin_step(exchange, bytes_of(NULL, 0), until_us);
  while (!login_poll_step(exchange, &step)) {
    lock_acquire(&lock);
    condition_wait(&noted, &lock, clock_monotonic_us() + 1000);
    lock_release(&lock);
    ck_assert_int_lt(clock_monotonic_us(), until_us);
  }
  ck_assert_int_eq(step.kind, SASL_STEP_SEND);
}

#define UNSECURED(principal)                                                                                 \
  "security.protocol", "SASL_PLAINTEXT", "sasl.mechanism", "OAUTHBEARER", "allow.cleartext.credentials",     \
      "true", "enable.sasl.oauthbearer.unsecure.jwt", "true", "sasl.oauthbearer.config",                     \
      "principal=" principal

START_TEST(a_token_that_is_in_force_is_replaced_when_what_it_was_fetched_with_is) {
  const char *const settings[] = {UNSECURED("first"), NULL}, *const other[] = {UNSECURED("second"), NULL};
  ck_assert_msg(create(settings) == STATUS_OK, "%s", error.text);
  struct login_exchange *exchange = login_exchange_create(security_login(security), "broker");
  await_login(exchange);
  login_exchange_destroy(exchange);
  await_line("a token of \"first\"");
  ck_assert_msg(reload(other) == STATUS_OK, "%s", error.text);
  await_line("a token of \"second\"");
}
END_TEST

/* A folder with an authority's certificate. */
static struct tls_folder folder;
static char *trust;

static char *authority_text(const char *name) {
  struct tls_certificate made =
      tls_certificate_make(&(struct tls_recipe){.name = name, .is_authority = true});
  char *text = tls_certificate_text(made.certificate);
  tls_certificate_free(&made);
  return text;
}

static void begin_files(void) {
  char *text = authority_text("first");
  folder = tls_folder_make();
  trust = tls_folder_write_text(&folder, "ca.pem", text);
  free(text);
}

static void rewrite(const char *text) {
  free(trust);
  trust = tls_folder_write_text(&folder, "ca.pem", text);
}

static void end_files(void) {
  free(trust);
  tls_folder_remove(&folder);
}

START_TEST(tls_is_put_around_the_transport) {
  begin_files();
  const char *const settings[] = {"security.protocol", "SSL", "ssl.ca.location", trust, NULL};
  ck_assert_msg(create(settings) == STATUS_OK, "%s", error.text);
  ck_assert_ptr_null(security_login(security));
  struct fake_transport *fake = fake_transport_create(0, NULL);
  struct transport *transport = fake_transport_base(fake);
  ck_assert_int_eq(security_wrap(security, &transport), STATUS_OK);
  ck_assert_ptr_ne(transport, fake_transport_base(fake));
  ck_assert_int_eq(reload(NULL), STATUS_OK);
  transport->operations->destroy(transport);
  end_files();
}
END_TEST

/* As sendoff_close does, while the program loads its files anew. */
START_TEST(nothing_is_loaded_into_a_transport_that_has_gone) {
  begin_files();
  const char *const settings[] = {"security.protocol", "SSL", "ssl.ca.location", trust, NULL};
  ck_assert_msg(create(settings) == STATUS_OK, "%s", error.text);
  struct transport *transport = fake_transport_base(fake_transport_create(0, NULL));
  ck_assert_int_eq(security_wrap(security, &transport), STATUS_OK);
  security_end_loading(security);
  transport->operations->destroy(transport);
  ck_assert_int_eq(reload(NULL), STATUS_CLOSED);
  end_files();
}
END_TEST

START_TEST(files_that_do_not_load_are_named_and_change_nothing) {
  begin_files();
  const char *const missing[] = {"security.protocol", "SSL", "ssl.ca.location", "no/such/file", NULL};
  ck_assert_int_ne(create(missing), STATUS_OK);
  ck_assert_ptr_null(security);
  expect_error("ssl.ca.location");
  const char *const settings[] = {
      "security.protocol", "SSL", "ssl.ca.location", trust, "ssl.reload.interval.ms", "0", NULL};
  ck_assert_int_eq(create(settings), STATUS_OK);
  rewrite("no certificate");
  ck_assert_int_ne(reload(NULL), STATUS_OK);
  expect_error("ssl.ca.location");
  char *text = authority_text("second");
  rewrite(text);
  free(text);
  ck_assert_int_eq(reload(NULL), STATUS_OK);
  ck_assert_uint_eq(starts, 0); /* nobody looks at the files */
  end_files();
}
END_TEST

START_TEST(files_that_change_are_loaded_again) {
  begin_files();
  const char *const settings[] = {
      "security.protocol", "SSL", "ssl.ca.location", trust, "ssl.reload.interval.ms", "5", NULL};
  ck_assert_msg(create(settings) == STATUS_OK, "%s", error.text);
  char *text = authority_text("second");
  rewrite(text);
  await_line("credentials were loaded again");
  rewrite("half of a fi");
  await_line("the old credentials stay in force");
  rewrite(text);
  free(text);
  await_line("credentials were loaded again");
  end_files();
}
END_TEST

START_TEST(missing_memory_is_told_and_leaves_nothing) {
  const char *const settings[] = {SCRAM("one"), NULL};
  struct config *config = make_config(settings);
  uint32_t refusals = 0;
  for (uint32_t i = 0;; i++) {
    failing_allocator_start(i);
    int32_t status = security_create(config, &HOOKS, &security, &error);
    if (!failing_allocator_stop()) {
      ck_assert_int_eq(status, STATUS_OK);
      break;
    }
    ck_assert_int_eq(status, STATUS_OUT_OF_MEMORY);
    ck_assert_ptr_null(security);
    refusals++;
  }
  ck_assert_uint_ge(refusals, 10);
  config_destroy(config);
}
END_TEST

int main(void) {
  Suite *suite = suite_create("security");
  TCase *tests = tcase_create("security");
  tcase_set_timeout(tests, 120);
  tcase_add_checked_fixture(tests, set_up, tear_down);
  tcase_add_test(tests, plaintext_needs_nothing);
  tcase_add_test(tests, a_login_without_tls_leaves_the_transport_alone);
  tcase_add_test(tests, other_credentials_are_put_in_force_and_other_kinds_are_refused);
  tcase_add_test(tests, a_host_is_asked_for_tokens);
  tcase_add_test(tests, unsigned_tokens_are_fetched_without_the_host);
  tcase_add_test(tests, a_token_that_is_in_force_is_replaced_when_what_it_was_fetched_with_is);
  tcase_add_test(tests, tls_is_put_around_the_transport);
  tcase_add_test(tests, nothing_is_loaded_into_a_transport_that_has_gone);
  tcase_add_test(tests, files_that_do_not_load_are_named_and_change_nothing);
  tcase_add_test(tests, files_that_change_are_loaded_again);
  tcase_add_test(tests, missing_memory_is_told_and_leaves_nothing);
  suite_add_tcase(suite, tests);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_ENV);
  int failed = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
