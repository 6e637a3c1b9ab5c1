#include "security/tls_resumption.h"

#include "support/failing_allocator.h"
#include "support/tls_certificates.h"
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { ENTRIES_MAX = 64, DAY_S = 24 * 3600 };

static SSL_SESSION *make(int version) {
  static unsigned char id[4];
  SSL_SESSION *made = SSL_SESSION_new();
  id[0]++;
  ck_assert_ptr_nonnull(made);
  ck_assert_int_eq(SSL_SESSION_set1_id(made, id, sizeof id), 1);
  ck_assert_int_eq(SSL_SESSION_set_protocol_version(made, version), 1);
  SSL_SESSION_set_timeout(made, 2 * DAY_S);
  return made;
}

static void check_holds(struct tls_resumption *table, const char *host, uint16_t port,
                        const SSL_SESSION *expected) {
  SSL_SESSION *taken = tls_resumption_take(table, host, port);
  ck_assert_ptr_eq(taken, expected);
  SSL_SESSION_free(taken);
}

START_TEST(sessions_are_kept_by_host_and_port) {
  struct tls_resumption *table = tls_resumption_create();
  SSL_SESSION *a = make(TLS1_2_VERSION), *b = make(TLS1_2_VERSION), *c = make(TLS1_2_VERSION);
  check_holds(table, "a", 1, NULL);
  ck_assert(tls_resumption_put(table, "a", 1, a));
  ck_assert(tls_resumption_put(table, "a", 2, b));
  check_holds(table, "a", 1, a);
  check_holds(table, "a", 1, a); /* as often as one likes */
  check_holds(table, "a", 2, b);
  check_holds(table, "b", 1, NULL);
  ck_assert(tls_resumption_put(table, "a", 1, c));
  check_holds(table, "a", 1, c);
  tls_resumption_destroy(table);
  tls_resumption_destroy(NULL);
}
END_TEST

START_TEST(a_ticket_of_1_3_is_given_out_once) {
  struct tls_resumption *table = tls_resumption_create();
  SSL_SESSION *ticket = make(TLS1_3_VERSION);
  ck_assert(tls_resumption_put(table, "a", 1, ticket));
  check_holds(table, "a", 1, ticket);
  check_holds(table, "a", 1, NULL);
  tls_resumption_destroy(table);
}
END_TEST

START_TEST(the_oldest_gives_way) {
  struct tls_resumption *table = tls_resumption_create();
  SSL_SESSION *sessions[ENTRIES_MAX + 1];
  char host[16];
  for (int i = 0; i <= ENTRIES_MAX; i++) {
    snprintf(host, sizeof host, "host%d", i);
    sessions[i] = make(TLS1_2_VERSION);
    ck_assert(tls_resumption_put(table, host, 1, sessions[i]));
    if (i < ENTRIES_MAX - 1) continue;
    sessions[0] = make(TLS1_2_VERSION); /* the first becomes the youngest, so the second has to go */
    ck_assert(tls_resumption_put(table, "host0", 1, sessions[0]));
  }
  check_holds(table, "host0", 1, sessions[0]);
  check_holds(table, "host1", 1, NULL);
  check_holds(table, "host2", 1, sessions[2]);
  snprintf(host, sizeof host, "host%d", ENTRIES_MAX);
  check_holds(table, host, 1, sessions[ENTRIES_MAX]);
  tls_resumption_destroy(table);
}
END_TEST

START_TEST(a_session_whose_time_is_over_is_dropped) {
  struct tls_resumption *table = tls_resumption_create();
  SSL_SESSION *session = make(TLS1_2_VERSION);
  SSL_SESSION_set_time(session, (long)time(NULL) - 3 * DAY_S);
  ck_assert(tls_resumption_put(table, "a", 1, session));
  check_holds(table, "a", 1, NULL);
  session = make(TLS1_2_VERSION);
  SSL_SESSION_set_time(session, (long)time(NULL) + DAY_S); /* from a clock that was set back */
  ck_assert(tls_resumption_put(table, "a", 1, session));
  check_holds(table, "a", 1, NULL);
  SSL_SESSION *without_id = SSL_SESSION_new();
  ck_assert(!tls_resumption_put(table, "a", 1, without_id)); /* nothing to be resumed by */
  SSL_SESSION_free(without_id);
  tls_resumption_destroy(table);
}
END_TEST

START_TEST(missing_memory_means_no_resumption) {
  failing_allocator_start(0);
  ck_assert_ptr_null(tls_resumption_create());
  ck_assert(failing_allocator_stop());
  struct tls_resumption *table = tls_resumption_create();
  SSL_SESSION *session = make(TLS1_2_VERSION);
  failing_allocator_start(0);
  ck_assert(!tls_resumption_put(table, "a", 1, session));
  ck_assert(failing_allocator_stop());
  SSL_SESSION_free(session);
  check_holds(table, "a", 1, NULL);
  tls_resumption_destroy(table);
}
END_TEST

int main(void) {
  Suite *suite = suite_create("tls_resumption");
  TCase *cases = tcase_create("tls_resumption");
  tcase_add_test(cases, sessions_are_kept_by_host_and_port);
  tcase_add_test(cases, a_ticket_of_1_3_is_given_out_once);
  tcase_add_test(cases, the_oldest_gives_way);
  tcase_add_test(cases, a_session_whose_time_is_over_is_dropped);
  tcase_add_test(cases, missing_memory_means_no_resumption);
  suite_add_tcase(suite, cases);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_NORMAL);
  int failed = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
