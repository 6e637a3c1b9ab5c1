#include "base/lock.h"
#include "security/token_source.h"

#include "base/clock.h"
#include "base/condition.h"
#include "base/status.h"
#include "support/failing_allocator.h"
#include "support/thread_failure.h"
#include <check.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#define SECOND INT64_C(1000000)
#define HOUR   (3600 * SECOND)

/* What a fetch answers, in turn; the last for ever. All under `lock`. */
enum answer {
  GIVES_TOKEN,
  GIVES_SHORT_TOKEN,
  GIVES_DEAD_TOKEN,
  FAILS,
  FAILS_FOR_A_WHILE,
  HANGS,
  ASKS_FOR_PAUSE
};

static struct lock lock = LOCK_INITIALIZER;
static struct condition changed;
static const enum answer *answers;
static uint32_t answer_count, fetches, wants, releases, starts, stops;
static char lines[8][512];
static uint32_t line_count;

static struct token_source *source;
static char reason[256];

static void count(uint32_t *counter) {
  lock_acquire(&lock);
  (*counter)++;
  condition_broadcast(&changed);
  lock_release(&lock);
}

static uint32_t value_of(const uint32_t *counter) {
  lock_acquire(&lock);
  uint32_t value = *counter;
  lock_release(&lock);
  return value;
}

static void wait_for(const uint32_t *counter, uint32_t value) {
  int64_t deadline_us = clock_monotonic_us() + 60 * SECOND;
  lock_acquire(&lock);
  while (*counter < value)
    ck_assert(condition_wait(&changed, &lock, deadline_us));
  lock_release(&lock);
}

static struct token *make_token(const char *value, int64_t life_ms) {
  char error[128];
  struct token *token = NULL;
  int64_t now_ms = clock_wall_ms();
  const struct token_fields fields = {.value = bytes_of_string(value),
                                      .principal = "me",
                                      .expires_ms = life_ms == INT64_MAX ? INT64_MAX : now_ms + life_ms};
  ck_assert_int_eq(
      token_create(&fields, life_ms < 0 ? now_ms + life_ms - 1 : now_ms, &token, error, sizeof error),
      STATUS_OK);
  return token;
}

static int32_t fetch(void *context, struct token_source *asking, struct token **token, char *text,
                     size_t size) {
  ck_assert_ptr_eq(context, &answers);
  lock_acquire(&lock);
  enum answer answer = answers[fetches < answer_count ? fetches : answer_count - 1];
  char value[32];
  snprintf(value, sizeof value, "token%u", ++fetches);
  condition_broadcast(&changed);
  lock_release(&lock);
  switch (answer) {
  case GIVES_TOKEN: *token = make_token(value, 3600000); return STATUS_OK;
  case GIVES_SHORT_TOKEN: *token = make_token(value, 5000); return STATUS_OK;
  case GIVES_DEAD_TOKEN: *token = make_token(value, -1000); return STATUS_OK;
  case FAILS: snprintf(text, size, "the server\nsays no"); return STATUS_LOGIN_FAILED;
  case FAILS_FOR_A_WHILE: snprintf(text, size, "try later"); return STATUS_DISCONNECTED;
  case ASKS_FOR_PAUSE:
    token_source_set_pause(asking, 30 * SECOND);
    snprintf(text, size, "too many");
    return STATUS_DISCONNECTED;
  case HANGS:
    while (!token_source_is_cancelled(asking)) {
      lock_acquire(&lock);
      condition_wait(&changed, &lock, clock_monotonic_us() + 1000);
      lock_release(&lock);
    }
    snprintf(text, size, "given up");
    return STATUS_CLOSED;
  }
  return STATUS_SYSTEM_ERROR;
}

static void release(void *context) {
  ck_assert_ptr_eq(context, &answers);
  count(&releases);
}

static void on_wanted(void *context) {
  count(context);
}

static void on_start(void *context, const char *name) {
  ck_assert_str_eq(name, "test-token");
  count(context);
}

static void on_stop(void *context, const char *name) {
  (void)context;
  ck_assert_str_eq(name, "test-token");
  count(&stops);
}

static void sink(void *context, int32_t level, const char *line) {
  (void)context, (void)level;
  lock_acquire(&lock);
  if (line_count < 8) snprintf(lines[line_count++], sizeof lines[0], "%s", line);
  lock_release(&lock);
}

static const struct log log_of_test = {.level = LOG_LEVEL_DEBUG, .sink = sink};

static struct token_source_settings settings_with(bool fetches_itself) {
  return (struct token_source_settings){.fetch = fetches_itself ? fetch : NULL,
                                        .release = release,
                                        .context = &answers,
                                        .on_wanted = on_wanted,
                                        .wanted_context = &wants,
                                        .refresh_window = 0.8,
                                        .retry_backoff_us = 1000,
                                        .retry_backoff_max_us = 10000,
                                        .seed = 1,
                                        .log = &log_of_test};
}

static const struct token_source_thread thread = {"test-token", on_start, on_stop, &starts};

static void create(const struct token_source_settings *settings) {
  ck_assert_int_eq(token_source_create(settings, &thread, &source), STATUS_OK);
}

static void create_fetching(const enum answer *list, uint32_t list_size) {
  answers = list;
  answer_count = list_size;
  const struct token_source_settings settings = settings_with(true);
  create(&settings);
}

static void create_asking(void) {
  const struct token_source_settings settings = settings_with(false);
  create(&settings);
}

static int32_t take(int64_t patience_us, struct token **token) {
  memset(reason, 0, sizeof reason);
  *token = NULL;
  return token_source_take(source, clock_monotonic_us() + patience_us, token, reason, sizeof reason);
}

static void takes(const char *value) {
  struct token *token;
  ck_assert_int_eq(take(60 * SECOND, &token), STATUS_OK);
  ck_assert_msg(bytes_equal(token_value(token), bytes_of_string(value)), "%s",
                (const char *)token_value(token).data);
  token_release(token);
}

/* Failures may come before it. */
static void takes_in_the_end(const char *value) {
  struct token *token;
  int32_t status = STATUS_LOGIN_FAILED;
  while (status == STATUS_LOGIN_FAILED)
    status = take(60 * SECOND, &token);
  ck_assert_int_eq(status, STATUS_OK);
  ck_assert(bytes_equal(token_value(token), bytes_of_string(value)));
  token_release(token);
}

static void put(const char *value, int64_t life_ms) {
  struct token *token = make_token(value, life_ms);
  token_source_put(source, token);
  token_release(token);
}

static void discard(void) {
  struct token *token;
  ck_assert_int_eq(take(60 * SECOND, &token), STATUS_OK);
  token_source_discard(source, token);
  token_release(token);
}

static void set_up(void) {
  ck_assert_int_eq(condition_init(&changed), STATUS_OK);
}

static void tear_down(void) {
  token_source_destroy(source);
  ck_assert_uint_eq(releases, 1);
  ck_assert_uint_eq(starts, stops);
  ck_assert_uint_eq(secret_usage().count, 0);
  condition_deinit(&changed);
}

START_TEST(nothing_is_fetched_before_it_is_needed) {
  static const enum answer list[] = {GIVES_TOKEN};
  create_fetching(list, 1);
  wait_for(&starts, 1);
  ck_assert_uint_eq(value_of(&fetches), 0);
  takes("token1");
  takes("token1");
  ck_assert_uint_eq(value_of(&fetches), 1);
  ck_assert_uint_eq(value_of(&wants), 0);
}
END_TEST

START_TEST(a_token_is_fetched_ahead_of_its_expiry) {
  static const enum answer list[] = {GIVES_SHORT_TOKEN, GIVES_TOKEN};
  answers = list;
  answer_count = 2;
  struct token_source_settings settings = settings_with(true);
  settings.refresh_window = 0.1;
  create(&settings);
  struct token *token;
  ck_assert_int_eq(take(60 * SECOND, &token), STATUS_OK);
  token_release(token);
  wait_for(&fetches, 2); /* without anybody asking */
  bool is_second = false;
  while (!is_second) { /* the first is still valid */
    ck_assert_int_eq(take(60 * SECOND, &token), STATUS_OK);
    is_second = bytes_equal(token_value(token), bytes_of_string("token2"));
    token_release(token);
  }
}
END_TEST

START_TEST(a_failure_that_stays_ends_the_takes) {
  static const enum answer list[] = {FAILS};
  create_fetching(list, 1);
  struct token *token;
  ck_assert_int_eq(take(HOUR, &token), STATUS_LOGIN_FAILED);
  ck_assert_str_eq(reason, "the server?says no");
  ck_assert_int_eq(take(HOUR, &token), STATUS_LOGIN_FAILED);
  ck_assert_uint_ge(value_of(&fetches), 2); /* it was asked again, not answered from memory */
}
END_TEST

START_TEST(a_failure_that_may_pass_is_waited_out) {
  static const enum answer list[] = {FAILS_FOR_A_WHILE, FAILS_FOR_A_WHILE, FAILS_FOR_A_WHILE, GIVES_TOKEN};
  create_fetching(list, 4);
  takes("token4");
}
END_TEST

START_TEST(the_last_failure_is_told_at_the_deadline) {
  static const enum answer list[] = {FAILS_FOR_A_WHILE};
  create_fetching(list, 1);
  struct token *token;
  int32_t status = STATUS_TIMED_OUT;
  while (status == STATUS_TIMED_OUT) /* until the first fetch has been in time */
    status = take(SECOND / 10, &token);
  ck_assert_int_eq(status, STATUS_LOGIN_FAILED);
  ck_assert_str_eq(reason, "try later");
  ck_assert_ptr_null(token);
}
END_TEST

START_TEST(the_old_token_serves_while_the_new_one_fails) {
  static const enum answer list[] = {GIVES_TOKEN, FAILS};
  answers = list;
  answer_count = 2;
  struct token_source_settings settings = settings_with(true);
  settings.refresh_window = 0; /* at once */
  create(&settings);
  takes("token1");
  wait_for(&fetches, 5);
  takes("token1");
}
END_TEST

START_TEST(a_dead_token_is_a_failure) {
  static const enum answer list[] = {GIVES_DEAD_TOKEN};
  create_fetching(list, 1);
  struct token *token;
  ck_assert_int_eq(take(HOUR, &token), STATUS_LOGIN_FAILED);
  ck_assert_ptr_nonnull(strstr(reason, "expired"));
}
END_TEST

START_TEST(a_server_may_ask_for_a_pause) {
  static const enum answer list[] = {ASKS_FOR_PAUSE, GIVES_TOKEN};
  create_fetching(list, 2);
  struct token *token;
  int32_t status = STATUS_TIMED_OUT;
  while (status == STATUS_TIMED_OUT) /* until the first fetch has been in time */
    status = take(SECOND / 5, &token);
  ck_assert_int_eq(status, STATUS_LOGIN_FAILED);
  ck_assert_str_eq(reason, "too many");
  ck_assert_uint_eq(value_of(&fetches), 1); /* its backoff alone is 1.2 ms at most */
}
END_TEST

START_TEST(a_discarded_token_is_not_given_again) {
  static const enum answer list[] = {GIVES_TOKEN};
  create_fetching(list, 1);
  discard();
  takes("token2");
  struct token *other = make_token("other", 1000);
  token_source_discard(source, other); /* not the one in force */
  token_source_discard(source, NULL);
  token_release(other);
  takes("token2");
}
END_TEST

START_TEST(a_renewal_fetches_at_once_and_the_old_token_serves) {
  static const enum answer list[] = {GIVES_TOKEN};
  create_fetching(list, 1);
  token_source_renew(source);
  takes("token1");
  token_source_renew(source);
  wait_for(&fetches, 2);
  token_source_close(source);
  ck_assert_uint_eq(value_of(&fetches), 2);
}
END_TEST

static void *close_soon(void *argument) {
  (void)argument;
  wait_for(&fetches, 1);
  token_source_close(source);
  return NULL;
}

START_TEST(closing_ends_a_take_and_its_fetch) {
  static const enum answer list[] = {HANGS};
  create_fetching(list, 1);
  pthread_t closer;
  ck_assert_int_eq(pthread_create(&closer, NULL, close_soon, NULL), 0);
  struct token *token;
  ck_assert_int_eq(take(HOUR, &token), STATUS_CLOSED);
  ck_assert_int_eq(pthread_join(closer, NULL), 0);
  ck_assert(token_source_is_cancelled(source));
  ck_assert_int_eq(take(HOUR, &token), STATUS_CLOSED);
  ck_assert_str_eq(reason, "the producer is closed");
}
END_TEST

START_TEST(a_hanging_fetch_is_told_as_that) {
  static const enum answer list[] = {HANGS};
  create_fetching(list, 1);
  struct token *token;
  ck_assert_int_eq(take(SECOND / 20, &token), STATUS_TIMED_OUT);
  ck_assert_ptr_nonnull(strstr(reason, "not ended yet"));
}
END_TEST

START_TEST(the_hooks_run_around_the_thread) {
  static const enum answer list[] = {GIVES_TOKEN};
  create_fetching(list, 1);
  takes("token1");
  ck_assert_uint_eq(value_of(&starts), 1);
  ck_assert_uint_eq(value_of(&stops), 0);
  ck_assert_int_eq(token_source_tick(source, clock_monotonic_us()), CLOCK_NEVER_US);
  ck_assert_int_eq(token_source_wait_wanted(source, 0), STATUS_TIMED_OUT);
}
END_TEST

START_TEST(what_happens_is_logged_without_the_token) {
  static const enum answer list[] = {FAILS, GIVES_TOKEN};
  create_fetching(list, 2);
  takes_in_the_end("token2"); /* whether the failure ends a take or the token is faster */
  token_source_close(source);
  lock_acquire(&lock);
  ck_assert_uint_eq(line_count, 2);
  ck_assert_ptr_nonnull(strstr(lines[0], "no token: the server?says no; the next attempt is in "));
  ck_assert_ptr_nonnull(strstr(lines[1], "a token of \"me\" has come that expires in "));
  for (uint32_t i = 0; i < line_count; i++)
    ck_assert_ptr_null(strstr(lines[i], "token2"));
  lock_release(&lock);
}
END_TEST

START_TEST(the_host_is_asked_once_a_need) {
  create_asking();
  ck_assert_int_eq(token_source_tick(source, clock_monotonic_us()), CLOCK_NEVER_US);
  ck_assert_int_eq(token_source_wait_wanted(source, 0), STATUS_TIMED_OUT);
  struct token *token;
  ck_assert_int_eq(take(0, &token), STATUS_TIMED_OUT);
  ck_assert_ptr_nonnull(strstr(reason, "the application was asked for one, and has not answered yet"));
  ck_assert_int_eq(take(0, &token), STATUS_TIMED_OUT);
  ck_assert_uint_eq(wants, 1);
  ck_assert_int_eq(token_source_wait_wanted(source, 0), STATUS_OK);
  ck_assert_int_eq(token_source_wait_wanted(source, 0), STATUS_TIMED_OUT);
  put("mine", 3600000);
  takes("mine");
  ck_assert_uint_eq(wants, 1);
  ck_assert_uint_eq(starts, 0);
}
END_TEST

START_TEST(a_host_that_does_not_answer_is_asked_again) {
  create_asking();
  struct token *token;
  int64_t before_us = clock_monotonic_us();
  ck_assert_int_eq(take(0, &token), STATUS_TIMED_OUT);
  int64_t due_us = token_source_tick(source, before_us);
  ck_assert_int_ge(due_us, before_us + 60 * SECOND);
  ck_assert_uint_eq(wants, 1);
  ck_assert_int_gt(token_source_tick(source, due_us), due_us);
  ck_assert_uint_eq(wants, 2);
}
END_TEST

START_TEST(a_tick_raises_the_want_ahead_of_expiry) {
  create_asking();
  int64_t before_us = clock_monotonic_us();
  put("mine", 1000000);
  int64_t due_us = token_source_tick(source, before_us);
  ck_assert_int_ge(due_us, before_us + 799 * SECOND);
  ck_assert_int_le(due_us, clock_monotonic_us() + 800 * SECOND);
  ck_assert_uint_eq(wants, 0);
  token_source_tick(source, due_us - 1);
  ck_assert_uint_eq(wants, 0);
  token_source_tick(source, due_us);
  ck_assert_uint_eq(wants, 1);
  ck_assert_int_eq(token_source_wait_wanted(source, 0), STATUS_OK);
  takes("mine"); /* it is still valid */
  ck_assert_uint_eq(wants, 1);
}
END_TEST

START_TEST(tokens_that_are_refused_one_after_another_are_not_replaced_in_a_storm) {
  struct token_source_settings settings = settings_with(false);
  settings.retry_backoff_us = settings.retry_backoff_max_us = HOUR;
  create(&settings);
  struct token *token;
  put("first", 3600000);
  discard();
  ck_assert_int_eq(take(0, &token), STATUS_TIMED_OUT);
  ck_assert_uint_eq(wants, 1);
  put("second", 3600000);
  discard();
  ck_assert_int_eq(take(0, &token), STATUS_TIMED_OUT);
  ck_assert_uint_eq(wants, 1);
  ck_assert_int_gt(token_source_tick(source, clock_monotonic_us()), clock_monotonic_us() + HOUR / 2);
}
END_TEST

START_TEST(a_renewal_asks_the_host) {
  create_asking();
  token_source_renew(source);
  ck_assert_uint_eq(wants, 0);
  put("mine", 3600000);
  takes("mine");
  token_source_renew(source);
  ck_assert_uint_eq(wants, 0); /* it was never asked for one */
  discard();
  struct token *token;
  ck_assert_int_eq(take(0, &token), STATUS_TIMED_OUT);
  ck_assert_uint_eq(wants, 1);
  put("next", 3600000);
  token_source_renew(source);
  ck_assert_uint_eq(wants, 2);
  takes("next");
}
END_TEST

START_TEST(wait_wanted_waits_until_the_refresh_is_due) {
  struct token_source_settings settings = settings_with(false);
  settings.refresh_window = 0.1;
  create(&settings);
  put("mine", 5000);
  ck_assert_int_eq(token_source_wait_wanted(source, clock_monotonic_us() + HOUR), STATUS_OK);
  ck_assert_uint_eq(wants, 1);
}
END_TEST

START_TEST(a_take_raises_the_want_that_is_due) {
  struct token_source_settings settings = settings_with(false);
  settings.refresh_window = 0;
  create(&settings);
  put("mine", 3600000);
  takes("mine");
  ck_assert_uint_eq(wants, 1);
  takes("mine");
  ck_assert_uint_eq(wants, 1);
}
END_TEST

START_TEST(a_token_that_lives_for_ever_is_never_wanted_again) {
  create_asking();
  put("mine", INT64_MAX);
  ck_assert_int_eq(token_source_tick(source, clock_monotonic_us()), CLOCK_NEVER_US);
  takes("mine");
  ck_assert_uint_eq(wants, 0);
}
END_TEST

static uint32_t phase;

/* A host that fails with a reason, without one, and has a token at last. */
static void *answer_wants(void *argument) {
  (void)argument;
  for (uint32_t now = 0; now < 2;) {
    ck_assert_int_eq(token_source_wait_wanted(source, clock_monotonic_us() + HOUR), STATUS_OK);
    now = value_of(&phase);
    if (now == 0) token_source_fail(source, "no such user");
    if (now == 1) token_source_fail(source, NULL);
    if (now == 2) put("mine", 3600000);
  }
  return NULL;
}

START_TEST(the_hosts_failure_ends_the_takes_and_the_want_comes_again) {
  create_asking();
  pthread_t host;
  ck_assert_int_eq(pthread_create(&host, NULL, answer_wants, NULL), 0);
  struct token *token;
  ck_assert_int_eq(take(HOUR, &token), STATUS_LOGIN_FAILED);
  ck_assert_str_eq(reason, "no such user");
  count(&phase);
  do { /* the first reason may be under way still */
    ck_assert_int_eq(take(HOUR, &token), STATUS_LOGIN_FAILED);
  } while (strcmp(reason, "no such user") == 0);
  ck_assert_str_eq(reason, "no reason was given");
  count(&phase);
  takes_in_the_end("mine");
  ck_assert_int_eq(pthread_join(host, NULL), 0);
  ck_assert_uint_ge(value_of(&wants), 3);
}
END_TEST

static void put_at_once(void *context) {
  (void)context;
  put("at-once", 3600000);
}

START_TEST(a_host_may_answer_within_the_call) {
  struct token_source_settings settings = settings_with(false);
  settings.on_wanted = put_at_once;
  create(&settings);
  takes("at-once");
  ck_assert_int_eq(token_source_wait_wanted(source, 0), STATUS_TIMED_OUT); /* the want has been met */
}
END_TEST

static uint32_t waiting;

static void *wait_and_be_woken(void *argument) {
  (void)argument;
  count(&waiting);
  int32_t status = token_source_wait_wanted(source, clock_monotonic_us() + HOUR);
  ck_assert_int_eq(status, STATUS_INTERRUPTED);
  count(&waiting);
  return NULL;
}

START_TEST(a_wake_ends_the_wait_for_a_want) {
  create_asking();
  pthread_t waiter;
  ck_assert_int_eq(pthread_create(&waiter, NULL, wait_and_be_woken, NULL), 0);
  wait_for(&waiting, 1);
  lock_acquire(&lock);
  while (waiting < 2) { /* it may not have begun to wait */
    lock_release(&lock);
    token_source_wake(source);
    lock_acquire(&lock);
    condition_wait(&changed, &lock, clock_monotonic_us() + 1000);
  }
  lock_release(&lock);
  ck_assert_int_eq(pthread_join(waiter, NULL), 0);
}
END_TEST

START_TEST(closing_ends_the_wait_for_a_want) {
  create_asking();
  struct token *token;
  ck_assert_int_eq(take(0, &token), STATUS_TIMED_OUT);
  token_source_close(source);
  ck_assert_int_eq(token_source_wait_wanted(source, clock_monotonic_us() + HOUR), STATUS_CLOSED);
  put("late", 3600000);
  token_source_fail(source, "late");
  ck_assert_int_eq(take(HOUR, &token), STATUS_CLOSED);
  ck_assert_int_eq(token_source_tick(source, clock_monotonic_us()), CLOCK_NEVER_US);
  ck_assert_uint_eq(wants, 1);
}
END_TEST

static void *take_many(void *argument) {
  for (int i = 0; i < 200; i++) {
    struct token *token;
    char text[128];
    ck_assert_int_eq(token_source_take(source, clock_monotonic_us() + HOUR, &token, text, sizeof text),
                     STATUS_OK);
    if (i % 50 == 0 && argument != NULL) token_source_discard(source, token);
    token_release(token);
  }
  return NULL;
}

START_TEST(many_threads_take_and_discard) {
  static const enum answer list[] = {GIVES_SHORT_TOKEN, FAILS_FOR_A_WHILE, GIVES_TOKEN};
  create_fetching(list, 3);
  pthread_t threads[4];
  for (int i = 0; i < 4; i++)
    ck_assert_int_eq(pthread_create(&threads[i], NULL, take_many, i == 0 ? &threads : NULL), 0);
  for (int i = 0; i < 4; i++)
    ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
  ck_assert_uint_ge(value_of(&fetches), 3);
}
END_TEST

START_TEST(missing_memory_and_threads_are_told) {
  const struct token_source_settings settings = settings_with(true);
  struct token_source *none = NULL;
  failing_allocator_start(0);
  int32_t status = token_source_create(&settings, &thread, &none);
  ck_assert(failing_allocator_stop());
  ck_assert_int_eq(status, STATUS_OUT_OF_MEMORY);
  thread_failure_begin();
  ck_assert_int_eq(token_source_create(&settings, &thread, &none), STATUS_SYSTEM_ERROR);
  ck_assert_ptr_null(none);
  ck_assert_uint_eq(releases, 0); /* the context remains the caller's */
  token_source_destroy(NULL);
  create_asking();
}
END_TEST

static void add_fetching_tests(TCase *test_case) {
  tcase_add_test(test_case, nothing_is_fetched_before_it_is_needed);
  tcase_add_test(test_case, a_token_is_fetched_ahead_of_its_expiry);
  tcase_add_test(test_case, a_failure_that_stays_ends_the_takes);
  tcase_add_test(test_case, a_failure_that_may_pass_is_waited_out);
  tcase_add_test(test_case, the_last_failure_is_told_at_the_deadline);
  tcase_add_test(test_case, the_old_token_serves_while_the_new_one_fails);
  tcase_add_test(test_case, a_dead_token_is_a_failure);
  tcase_add_test(test_case, a_server_may_ask_for_a_pause);
  tcase_add_test(test_case, a_discarded_token_is_not_given_again);
  tcase_add_test(test_case, a_renewal_fetches_at_once_and_the_old_token_serves);
  tcase_add_test(test_case, closing_ends_a_take_and_its_fetch);
  tcase_add_test(test_case, a_hanging_fetch_is_told_as_that);
  tcase_add_test(test_case, the_hooks_run_around_the_thread);
  tcase_add_test(test_case, what_happens_is_logged_without_the_token);
  tcase_add_test(test_case, many_threads_take_and_discard);
  tcase_add_test(test_case, missing_memory_and_threads_are_told);
}

int main(void) {
  Suite *suite = suite_create("token_source");
  TCase *test_case = tcase_create("all");
  tcase_add_checked_fixture(test_case, set_up, tear_down);
  add_fetching_tests(test_case);
  tcase_add_test(test_case, the_host_is_asked_once_a_need);
  tcase_add_test(test_case, a_host_that_does_not_answer_is_asked_again);
  tcase_add_test(test_case, a_tick_raises_the_want_ahead_of_expiry);
  tcase_add_test(test_case, tokens_that_are_refused_one_after_another_are_not_replaced_in_a_storm);
  tcase_add_test(test_case, a_renewal_asks_the_host);
  tcase_add_test(test_case, wait_wanted_waits_until_the_refresh_is_due);
  tcase_add_test(test_case, a_take_raises_the_want_that_is_due);
  tcase_add_test(test_case, a_token_that_lives_for_ever_is_never_wanted_again);
  tcase_add_test(test_case, the_hosts_failure_ends_the_takes_and_the_want_comes_again);
  tcase_add_test(test_case, a_host_may_answer_within_the_call);
  tcase_add_test(test_case, a_wake_ends_the_wait_for_a_want);
  tcase_add_test(test_case, closing_ends_the_wait_for_a_want);
  suite_add_tcase(suite, test_case);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_ENV);
  int failures = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failures != 0;
}
