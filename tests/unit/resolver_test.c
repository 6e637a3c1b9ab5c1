#include "network/resolver.h"

#include "base/allocator.h"
#include "base/status.h"
#include <check.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>

enum { MANY = 40 };

static struct resolver *resolver;
static sem_t woken;   /* one for each wake */
static sem_t entered; /* one for each look-up that has begun */
static sem_t first_gate;
static sem_t may_return; /* lets one look-up end */
static atomic_int running, most_running;
static atomic_bool signals_blocked;

static void wake(void *context) {
  (void)context;
  sem_post(&woken);
}

/* Answers with one address, when the test lets it. */
static void look_up_slowly(struct resolver_lookup *lookup) {
  int now = atomic_fetch_add(&running, 1) + 1;
  int most = atomic_load(&most_running);
  while (now > most && !atomic_compare_exchange_weak(&most_running, &most, now)) {
  }
  sigset_t blocked;
  pthread_sigmask(SIG_SETMASK, NULL, &blocked);
  atomic_store(&signals_blocked, sigismember(&blocked, SIGTERM) == 1 && sigismember(&blocked, SIGUSR1) == 1);
  sem_post(&entered);
  sem_wait(&may_return);
  address_parse("10.0.0.1", lookup->port, &lookup->addresses[0]);
  lookup->address_count = 1;
  lookup->status = STATUS_OK;
  atomic_fetch_sub(&running, 1);
}

static void create(void (*look_up)(struct resolver_lookup *), int32_t address_family) {
  const struct resolver_settings settings = {
      .address_family = address_family, .wake = wake, .look_up = look_up};
  ck_assert_int_eq(resolver_create(&settings, &resolver), STATUS_OK);
}

static void set_up(void) {
  sem_init(&woken, 0, 0);
  sem_init(&entered, 0, 0);
  sem_init(&may_return, 0, 0);
  sem_init(&first_gate, 0, 0);
  resolver = NULL;
}

static void tear_down(void) {
  resolver_destroy(resolver);
}

static void ask(const char *host, uint64_t token) {
  ck_assert_int_eq(resolver_ask(resolver, host, 9092, false, token), STATUS_OK);
}

/* Waits for the next answer; freed by the caller. */
static struct resolver_lookup *await(void) {
  sem_wait(&woken);
  struct resolver_lookup *answer = resolver_take(resolver);
  ck_assert_ptr_nonnull(answer);
  return answer;
}

START_TEST(numeric_addresses_are_answered_at_once) {
  create(look_up_slowly, 0); /* which would never return */
  ask("127.0.0.1", 1);
  ask("::1", 2);
  const char *expected[] = {"127.0.0.1:9092", "[::1]:9092"};
  for (uint64_t token = 1; token <= 2; token++) {
    struct resolver_lookup *answer = resolver_take(resolver);
    ck_assert_ptr_nonnull(answer);
    ck_assert_uint_eq(answer->token, token);
    ck_assert_int_eq(answer->status, STATUS_OK);
    ck_assert_uint_eq(answer->address_count, 1);
    char text[ADDRESS_TEXT_BYTES];
    ck_assert_str_eq(address_format(&answer->addresses[0], text), expected[token - 1]);
    allocator_free(answer);
  }
  ck_assert_ptr_null(resolver_take(resolver));
}
END_TEST

START_TEST(the_local_host_is_resolved) {
  create(NULL, 4);
  ask("localhost", 5);
  struct resolver_lookup *answer = await();
  ck_assert_uint_eq(answer->token, 5);
  ck_assert_int_eq(answer->status, STATUS_OK);
  char text[ADDRESS_TEXT_BYTES];
  ck_assert_str_eq(address_format(&answer->addresses[0], text), "127.0.0.1:9092");
  ck_assert_uint_eq(answer->address_count, 1); /* each once */
  allocator_free(answer);
}
END_TEST

START_TEST(the_family_is_kept_to) {
  create(NULL, 6);
  ask("127.0.0.1", 1); /* not an IPv6 address: left to the system, which has none either */
  struct resolver_lookup *answer = await();
  ck_assert_int_eq(answer->status, STATUS_NAME_NOT_RESOLVED);
  ck_assert_uint_eq(answer->address_count, 0);
  ck_assert_uint_gt(strlen(answer->reason), 0);
  allocator_free(answer);
}
END_TEST

START_TEST(a_name_that_cannot_exist_is_not_resolved) {
  create(NULL, 0);
  ask("no such name", 1); /* a blank is in no name, so no server is asked */
  struct resolver_lookup *answer = await();
  ck_assert_int_eq(answer->status, STATUS_NAME_NOT_RESOLVED);
  ck_assert_uint_gt(strlen(answer->reason), 0);
  allocator_free(answer);
}
END_TEST

START_TEST(a_canonical_lookup_gives_addresses) {
  create(NULL, 4);
  ck_assert_int_eq(resolver_ask(resolver, "localhost", 9092, true, 1), STATUS_OK);
  struct resolver_lookup *answer = await();
  ck_assert_int_eq(answer->status, STATUS_OK);
  ck_assert_uint_ge(answer->address_count, 1);
  allocator_free(answer);
}
END_TEST

START_TEST(overlong_and_empty_names_are_refused) {
  create(NULL, 0);
  char host[RESOLVER_HOST_BYTES + 1];
  memset(host, 'h', sizeof host);
  host[RESOLVER_HOST_BYTES] = '\0';
  ck_assert_int_eq(resolver_ask(resolver, host, 1, false, 1), STATUS_INVALID_ARGUMENT);
  ck_assert_int_eq(resolver_ask(resolver, "", 1, false, 1), STATUS_INVALID_ARGUMENT);
}
END_TEST

START_TEST(many_lookups_share_few_threads) {
  create(look_up_slowly, 0);
  bool seen[MANY] = {false};
  for (uint64_t token = 0; token < MANY; token++)
    ask("name", token);
  for (int i = 0; i < RESOLVER_THREADS_MAX; i++)
    sem_wait(&entered); /* that many run side by side */
  for (int i = 0; i < MANY; i++)
    sem_post(&may_return);
  for (int i = 0; i < MANY; i++) {
    struct resolver_lookup *answer = await();
    ck_assert(!seen[answer->token]);
    seen[answer->token] = true;
    allocator_free(answer);
  }
  ck_assert_int_eq(atomic_load(&most_running), RESOLVER_THREADS_MAX);
}
END_TEST

START_TEST(signals_are_left_to_other_threads) {
  create(look_up_slowly, 0);
  ask("name", 1);
  sem_wait(&entered);
  ck_assert(atomic_load(&signals_blocked));
  sigset_t blocked;
  pthread_sigmask(SIG_SETMASK, NULL, &blocked);
  ck_assert_int_eq(sigismember(&blocked, SIGTERM), 0); /* the asking thread is as before */
  sem_post(&may_return);
  allocator_free(await());
}
END_TEST

START_TEST(a_second_question_under_a_token_replaces_one_that_was_not_taken) {
  create(look_up_slowly, 0);
  ask("10.0.0.8", 1);
  ask("10.0.0.7", 1);
  struct resolver_lookup *answer = await();
  ck_assert_str_eq(answer->host, "10.0.0.7");
  allocator_free(answer);
  ck_assert_ptr_null(resolver_take(resolver));
}
END_TEST

/* Returns at once, but for names that begin with "gate". */
static void look_up_at_gates(struct resolver_lookup *lookup) {
  if (strncmp(lookup->host, "gate", 4) == 0) {
    sem_post(&entered);
    sem_wait(strcmp(lookup->host, "gate 0") == 0 ? &first_gate : &may_return);
  }
  lookup->status = STATUS_NAME_NOT_RESOLVED;
}

START_TEST(a_second_question_under_a_token_replaces_one_under_way) {
  create(look_up_at_gates, 0);
  const char *gates[RESOLVER_THREADS_MAX] = {"gate 0", "gate 1", "gate 2", "gate 3"};
  for (uint64_t i = 0; i < RESOLVER_THREADS_MAX; i++)
    ask(gates[i], i);
  for (int i = 0; i < RESOLVER_THREADS_MAX; i++)
    sem_wait(&entered);
  ask("replaced", 0); /* waits for a thread, and so does the next */
  ask("open", 0);
  sem_post(&first_gate); /* its thread must drop the first answer, and never ask the second question */
  struct resolver_lookup *answer = await();
  ck_assert_str_eq(answer->host, "open");
  allocator_free(answer);
  ck_assert_ptr_null(resolver_take(resolver));
  for (int i = 1; i < RESOLVER_THREADS_MAX; i++)
    sem_post(&may_return);
  for (int i = 1; i < RESOLVER_THREADS_MAX; i++)
    allocator_free(await());
}
END_TEST

START_TEST(destroying_does_not_wait_for_lookups) {
  create(look_up_slowly, 0);
  for (uint64_t token = 0; token < MANY; token++)
    ask("name", token);
  for (int i = 0; i < RESOLVER_THREADS_MAX; i++)
    sem_wait(&entered);
  ask("10.0.0.1", MANY);      /* an answer that nobody takes */
  resolver_destroy(resolver); /* would hang if it waited: no look-up may return yet */
  resolver = NULL;
  for (int i = 0; i < RESOLVER_THREADS_MAX; i++)
    sem_post(&may_return);
  while (atomic_load(&running) > 0)
    sched_yield();
  int entered_count = -1;
  sem_getvalue(&entered, &entered_count);
  ck_assert_int_eq(entered_count, 0); /* those that waited were forgotten */
}
END_TEST

START_TEST(destroying_while_answers_come_is_clean) {
  for (int round = 0; round < 200; round++) {
    create(look_up_slowly, 0);
    for (uint64_t token = 0; token < 8; token++) {
      sem_post(&may_return);
      ask("name", token);
    }
    resolver_destroy(resolver);
  }
  resolver = NULL;
}
END_TEST

static bool refuse_all(void *context) {
  (void)context;
  return false;
}

START_TEST(missing_memory_is_a_status) {
  struct resolver *none = NULL;
  const struct resolver_settings settings = {.wake = wake};
  create(NULL, 0);
  allocator_set_hook(refuse_all, NULL);
  int32_t create_status = resolver_create(&settings, &none);
  int32_t ask_status = resolver_ask(resolver, "10.0.0.1", 1, false, 1);
  allocator_set_hook(NULL, NULL);
  ck_assert_int_eq(create_status, STATUS_OUT_OF_MEMORY);
  ck_assert_int_eq(ask_status, STATUS_OUT_OF_MEMORY);
  ck_assert_ptr_null(resolver_take(resolver));
}
END_TEST

int main(void) {
  Suite *suite = suite_create("resolver");
  TCase *tests = tcase_create("resolver");
  tcase_set_timeout(tests, 60);
  tcase_add_checked_fixture(tests, set_up, tear_down);
  tcase_add_test(tests, numeric_addresses_are_answered_at_once);
  tcase_add_test(tests, the_local_host_is_resolved);
  tcase_add_test(tests, the_family_is_kept_to);
  tcase_add_test(tests, a_name_that_cannot_exist_is_not_resolved);
  tcase_add_test(tests, a_canonical_lookup_gives_addresses);
  tcase_add_test(tests, overlong_and_empty_names_are_refused);
  tcase_add_test(tests, many_lookups_share_few_threads);
  tcase_add_test(tests, signals_are_left_to_other_threads);
  tcase_add_test(tests, a_second_question_under_a_token_replaces_one_that_was_not_taken);
  tcase_add_test(tests, a_second_question_under_a_token_replaces_one_under_way);
  tcase_add_test(tests, destroying_does_not_wait_for_lookups);
  tcase_add_test(tests, destroying_while_answers_come_is_clean);
  tcase_add_test(tests, missing_memory_is_a_status);
  suite_add_tcase(suite, tests);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_ENV);
  int failures = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failures == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
