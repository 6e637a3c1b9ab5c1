#include "base/lock.h"
#include "security/login.h"

#include "base/clock.h"
#include "base/condition.h"
#include "base/status.h"
#include "support/failing_allocator.h"
#include <check.h>
#include <stdlib.h>

enum { SECOND_US = 1000000, PATIENCE_US = 30 * SECOND_US };

static struct lock lock = LOCK_INITIALIZER;
static struct condition woken;
static uint32_t wakes, starts, stops; /* under lock */
static struct token_source *tokens;

static void count_up(uint32_t *count) {
  lock_acquire(&lock);
  (*count)++;
  condition_broadcast(&woken);
  lock_release(&lock);
}

static void on_wake(void *context) {
  (void)context;
  count_up(&wakes);
}

static void on_start(void *context, const char *name) {
  (void)context;
  ck_assert_str_eq(name, "logins");
  count_up(&starts);
}

static void on_stop(void *context, const char *name) {
  (void)context;
  ck_assert_str_eq(name, "logins");
  count_up(&stops);
}

static void set_up(void) {
  static const struct token_source_settings settings = {
      .refresh_window = 0.8, .retry_backoff_us = SECOND_US, .retry_backoff_max_us = SECOND_US};
  static const struct token_source_thread thread;
  ck_assert_int_eq(condition_init(&woken), STATUS_OK);
  wakes = starts = stops = 0;
  ck_assert_int_eq(token_source_create(&settings, &thread, &tokens), STATUS_OK);
}

static void tear_down(void) {
  token_source_close(tokens);
  token_source_destroy(tokens);
  condition_deinit(&woken);
}

static struct sasl_credentials *make_credentials(enum sasl_mechanism_id mechanism) {
  struct secret *password = secret_create(bytes_of_string("pencil"));
  const struct sasl_settings sasl = {
      .mechanism = mechanism, .username = "user", .password = password, .tokens = tokens};
  struct sasl_credentials *credentials;
  char error[200];
  ck_assert_int_eq(sasl_credentials_create(&sasl, &credentials, error, sizeof error), STATUS_OK);
  secret_destroy(password);
  return credentials;
}

static struct login *create(enum sasl_mechanism_id mechanism) {
  const struct token_source_thread thread = {.name = "logins", .on_start = on_start, .on_stop = on_stop};
  const struct login_settings settings = {.wake = on_wake, .thread = &thread};
  struct sasl_credentials *credentials = make_credentials(mechanism);
  struct login *login;
  ck_assert_int_eq(login_create(&settings, credentials, &login), STATUS_OK);
  sasl_credentials_release(credentials);
  return login;
}

static void await(const uint32_t *count, uint32_t wanted) {
  int64_t until_us = clock_monotonic_us() + PATIENCE_US;
  lock_acquire(&lock);
  while (*count < wanted)
    ck_assert_msg(condition_wait(&woken, &lock, until_us), "it did not come");
  lock_release(&lock);
}

static void begin(struct login_exchange *exchange) {
  login_begin_step(exchange, bytes_of(NULL, 0), clock_monotonic_us() + PATIENCE_US);
}

START_TEST(steps_that_cannot_block_are_done_at_once_without_a_thread) {
  struct login *login = create(SASL_PLAIN);
  struct login_exchange *exchange = login_exchange_create(login, "broker");
  struct sasl_step step;
  ck_assert_str_eq(login_mechanism(login), "PLAIN");
  ck_assert_str_eq(login_exchange_mechanism(exchange), "PLAIN");
  ck_assert(!login_poll_step(exchange, &step));
  begin(exchange);
  ck_assert(login_poll_step(exchange, &step));
  ck_assert_int_eq(step.kind, SASL_STEP_SEND);
  ck_assert(bytes_equal(step.response, bytes_of("\0user\0pencil", 12)));
  ck_assert(!login_poll_step(exchange, &step));
  login_exchange_destroy(exchange);
  login_destroy(login);
  ck_assert_uint_eq(starts, 0);
}
END_TEST

START_TEST(other_steps_run_on_a_thread_that_wakes) {
  struct login *login = create(SASL_SCRAM_SHA_512);
  struct login_exchange *exchange = login_exchange_create(login, "broker");
  begin(exchange);
  await(&wakes, 1);
  struct sasl_step step;
  ck_assert(login_poll_step(exchange, &step));
  ck_assert_int_eq(step.kind, SASL_STEP_SEND);
  login_exchange_destroy(exchange);
  login_destroy(login);
  ck_assert_uint_eq(starts, 1);
  ck_assert_uint_eq(stops, 1);
}
END_TEST

static void put_token(void) {
  const struct token_fields fields = {.value = bytes_of_string("abc"), .expires_ms = INT64_MAX};
  struct token *token;
  char error[200];
  ck_assert_int_eq(token_create(&fields, clock_wall_ms(), &token, error, sizeof error), STATUS_OK);
  token_source_put(tokens, token);
  token_release(token);
}

START_TEST(a_step_that_waits_holds_up_nobody_but_its_like) {
  struct login *login = create(SASL_OAUTHBEARER);
  struct login_exchange *first = login_exchange_create(login, "broker-1");
  struct login_exchange *second = login_exchange_create(login, "broker-2");
  struct sasl_step step;
  begin(first);
  begin(second);
  ck_assert(!login_poll_step(first, &step));
  ck_assert(!login_poll_step(second, &step));
  put_token();
  await(&wakes, 2);
  ck_assert(login_poll_step(first, &step));
  ck_assert_int_eq(step.kind, SASL_STEP_SEND);
  ck_assert(login_poll_step(second, &step));
  ck_assert_int_eq(step.kind, SASL_STEP_SEND);
  login_exchange_destroy(first);
  login_exchange_destroy(second);
  login_destroy(login);
}
END_TEST

START_TEST(exchanges_may_end_in_the_middle_of_a_step) {
  struct login *login = create(SASL_OAUTHBEARER);
  struct login_exchange *running = login_exchange_create(login, "broker-1");
  struct login_exchange *queued = login_exchange_create(login, "broker-2");
  begin(running);
  begin(queued);
  await(&starts, 1);
  login_exchange_destroy(queued);
  login_exchange_destroy(running);
  token_source_close(tokens);
  login_destroy(login);
  ck_assert_uint_eq(stops, 1);
}
END_TEST

START_TEST(new_exchanges_have_the_new_credentials_and_old_ones_keep_theirs) {
  struct login *login = create(SASL_PLAIN);
  struct login_exchange *before = login_exchange_create(login, "broker");
  struct sasl_credentials *credentials = make_credentials(SASL_SCRAM_SHA_256);
  ck_assert_uint_eq(login_generation(login), 0);
  ck_assert_int_eq(login_replace(login, credentials), STATUS_OK);
  sasl_credentials_release(credentials);
  ck_assert_uint_eq(login_generation(login), 1);
  await(&wakes, 1);
  struct login_exchange *after = login_exchange_create(login, "broker");
  ck_assert_str_eq(login_exchange_mechanism(before), "PLAIN");
  ck_assert_str_eq(login_exchange_mechanism(after), "SCRAM-SHA-256");
  ck_assert_str_eq(login_mechanism(login), "SCRAM-SHA-256");
  login_exchange_destroy(before);
  login_exchange_destroy(after);
  login_destroy(login);
}
END_TEST

START_TEST(missing_memory_is_told_and_leaves_nothing) {
  const struct login_settings settings = {.wake = on_wake};
  struct sasl_credentials *credentials = make_credentials(SASL_SCRAM_SHA_256);
  uint32_t refusals = 0;
  for (uint32_t i = 0;; i++) {
    struct login *login = NULL;
    struct login_exchange *exchange = NULL;
    failing_allocator_start(i);
    int32_t status = login_create(&settings, credentials, &login);
    if (status == STATUS_OK) exchange = login_exchange_create(login, "broker");
    bool has_failed = failing_allocator_stop();
    ck_assert_int_eq(status != STATUS_OK || exchange == NULL, has_failed);
    if (status != STATUS_OK) ck_assert_int_eq(status, STATUS_OUT_OF_MEMORY);
    login_exchange_destroy(exchange);
    login_destroy(login);
    if (!has_failed) break;
    refusals++;
  }
  ck_assert_uint_ge(refusals, 4);
  sasl_credentials_release(credentials);
}
END_TEST

int main(void) {
  Suite *suite = suite_create("login");
  TCase *tests = tcase_create("login");
  tcase_set_timeout(tests, 120);
  tcase_add_checked_fixture(tests, set_up, tear_down);
  tcase_add_test(tests, steps_that_cannot_block_are_done_at_once_without_a_thread);
  tcase_add_test(tests, other_steps_run_on_a_thread_that_wakes);
  tcase_add_test(tests, a_step_that_waits_holds_up_nobody_but_its_like);
  tcase_add_test(tests, exchanges_may_end_in_the_middle_of_a_step);
  tcase_add_test(tests, new_exchanges_have_the_new_credentials_and_old_ones_keep_theirs);
  tcase_add_test(tests, missing_memory_is_told_and_leaves_nothing);
  suite_add_tcase(suite, tests);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_ENV);
  int failed = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
