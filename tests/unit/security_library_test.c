#include "security/security_library.h"

#include "base/status.h"
#include "producer/exit_guard.h"
#include "security/tls_context.h"
#include "support/producer_world.h"
#include <check.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

START_TEST(it_starts_once) {
  uint32_t before = security_library_count();
  security_library_init();
  uint32_t after = security_library_count();
  security_library_init();
  ck_assert_uint_eq(after, before + (security_library_is_own() ? 0 : 1));
  ck_assert_uint_eq(security_library_count(), after);
}
END_TEST

START_TEST(others_count_each_time) {
  uint32_t before = security_library_count();
  security_library_started();
  security_library_started();
  ck_assert_uint_eq(security_library_count(), before + 2);
}
END_TEST

START_TEST(it_works_after_its_start) {
  uint8_t digest[32];
  static const uint8_t begin[] = {0xe3, 0xb0, 0xc4, 0x42}; /* of nothing, FIPS 180-4 */
  security_library_init();
  ck_assert_int_eq(EVP_Q_digest(NULL, "SHA256", NULL, "", 0, digest, NULL), 1);
  ck_assert_mem_eq(digest, begin, sizeof begin);
}
END_TEST

/* A provider that is named takes the place of the default one, and this one has no algorithms. */
static const char base_alone[] = "openssl_conf = library\n[library]\nproviders = providers\n"
                                 "[providers]\nbase = base\n[base]\nactivate = 1\n";

START_TEST(where_its_configuration_takes_its_algorithms_away_the_error_says_so) {
  char path[] = "security_library_test.XXXXXX", error[512] = "";
  int file = mkstemp(path);
  ck_assert_int_ge(file, 0);
  ck_assert_int_eq(write(file, base_alone, sizeof base_alone - 1), (ssize_t)sizeof base_alone - 1);
  ck_assert_int_eq(setenv("OPENSSL_CONF", path, 1), 0);
  const struct tls_settings settings = {.minimum_version = TLS_VERSION_1_2,
                                        .maximum_version = TLS_VERSION_1_3};
  struct tls_context *context = NULL;
  int32_t status = tls_context_create(&settings, NULL, &context, error, sizeof error);
  (void)close(file);
  (void)unlink(path);
  ck_assert_int_eq(status, STATUS_SYSTEM_ERROR);
  ck_assert_ptr_null(context);
  ck_assert_ptr_nonnull(strstr(error, "OPENSSL_CONF"));
}
END_TEST

/* A process that ends without closing its producers, and how it ended. */
static struct world_child child;
static void *last_producer;

enum { TOO_EARLY = 9, NOT_REGISTERED = 10 };

static void expect_closed(void) {
  struct producer *producer;
  if (handle_lock(last_producer, &producer) != STATUS_OK || producer->state != PRODUCER_CLOSED)
    _exit(TOO_EARLY);
  producer_unlock(producer);
}

static void *create(void) {
  static const char *const settings[] = {"linger.ms=60000", "shutdown.timeout.ms=30000", NULL};
  return world_create(NULL, settings);
}

static void start_openssl_between_two_producers(void) {
  world_send(create(), 10, 0);
  security_library_init();
  if (OPENSSL_atexit(expect_closed) != 1) _exit(NOT_REGISTERED);
  last_producer = create();
  world_send(last_producer, 10, 0);
}

static void start_another_library_between_two_producers(void) {
  world_send(create(), 10, 0);
  if (atexit(expect_closed) != 0) _exit(NOT_REGISTERED);
  security_library_started();
  last_producer = create();
  world_send(last_producer, 10, 0);
}

static void expect_delivery(void (*run)(void)) {
  world_child_start(&child, run);
  world_broker_start();
  world_child_go(&child);
  world_child_await(&child);
  int64_t records = world_records("topic", 0);
  world_broker_stop();
  ck_assert_msg(WIFEXITED(child.status), "the process was ended by signal %d", WTERMSIG(child.status));
  ck_assert_int_eq(WEXITSTATUS(child.status), 0);
  ck_assert_int_eq(records, 20);
}

START_TEST(at_exit_producers_end_before_openssl) {
  expect_delivery(start_openssl_between_two_producers);
}
END_TEST

START_TEST(at_exit_producers_end_before_libraries_that_were_started_later) {
  expect_delivery(start_another_library_between_two_producers);
}
END_TEST

int main(void) {
  Suite *suite = suite_create("security_library");
  TCase *tests = tcase_create("security_library");
  tcase_add_test(tests, it_starts_once);
  tcase_add_test(tests, others_count_each_time);
  tcase_add_test(tests, it_works_after_its_start);
  tcase_add_test(tests, where_its_configuration_takes_its_algorithms_away_the_error_says_so);
  tcase_add_test(tests, at_exit_producers_end_before_openssl);
  tcase_add_test(tests, at_exit_producers_end_before_libraries_that_were_started_later);
  suite_add_tcase(suite, tests);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_ENV);
  int failures = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failures != 0;
}
