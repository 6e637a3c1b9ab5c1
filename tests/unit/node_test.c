#include "network/node.h"

#include "base/allocator.h"
#include "base/clock.h"
#include <check.h>
#include <stdlib.h>

enum { MS = 1000, NOW_US = 5000000 };

static const struct node_policy POLICY = {.setup_timeout_us = 100 * MS,
                                          .setup_timeout_max_us = 300 * MS,
                                          .backoff_us = 50 * MS,
                                          .backoff_max_us = 1000 * MS,
                                          .idle_max_us = 900 * MS};

static struct node *node;
static struct random jitter;

static void set_up(void) {
  node = node_create(3, bytes_of("kafka.example.org", 5), 9092);
  ck_assert_ptr_nonnull(node);
  random_seed(&jitter, 1);
}

static void tear_down(void) {
  node_destroy(node);
}

static struct address address_at(const char *text) {
  struct address address;
  ck_assert(address_parse(text, 9092, &address));
  return address;
}

START_TEST(a_node_copies_its_name) {
  ck_assert_str_eq(node->host, "kafka");
  ck_assert(node_is_at(node, bytes_of_string("kafka"), 9092));
  ck_assert(!node_is_at(node, bytes_of_string("kafka"), 9093));
  ck_assert(!node_is_at(node, bytes_of_string("kafka1"), 9092));
  ck_assert(!node_is_bootstrap(node));
}
END_TEST

START_TEST(names_and_ports_have_limits) {
  char host[NODE_HOST_BYTES_MAX + 1];
  memset(host, 'h', sizeof host);
  ck_assert(node_address_is_valid(bytes_of(host, NODE_HOST_BYTES_MAX), 1));
  ck_assert(!node_address_is_valid(bytes_of(host, NODE_HOST_BYTES_MAX + 1), 1));
  ck_assert(!node_address_is_valid(bytes_of(host, 0), 1));
  ck_assert(!node_address_is_valid(bytes_of("a\0", 2), 1));
  ck_assert(!node_address_is_valid(bytes_of("a", 1), 0));
  ck_assert(!node_address_is_valid(bytes_of("a", 1), -1));
  ck_assert(node_address_is_valid(bytes_of("a", 1), 65535));
  ck_assert(!node_address_is_valid(bytes_of("a", 1), 65536));
}
END_TEST

START_TEST(a_round_goes_once_through_the_addresses) {
  const struct address addresses[] = {address_at("10.0.0.1"), address_at("10.0.0.2"), address_at("::1")};
  ck_assert_ptr_null(node_next_address(node));
  ck_assert(node_set_addresses(node, addresses, 3));
  for (uint32_t i = 0; i < 3; i++)
    ck_assert(address_equal(node_next_address(node), &addresses[i]));
  ck_assert_ptr_null(node_next_address(node));
  node_begin_round(node);
  ck_assert(address_equal(node_next_address(node), &addresses[0]));
  node_lose(node, &POLICY, &jitter, NOW_US); /* the next round begins behind the lost one */
  node_begin_round(node);
  for (uint32_t i = 0; i < 3; i++)
    ck_assert(address_equal(node_next_address(node), &addresses[(i + 1) % 3]));
  ck_assert_ptr_null(node_next_address(node));
}
END_TEST

START_TEST(an_empty_answer_keeps_the_addresses) {
  const struct address address = address_at("10.0.0.1");
  ck_assert(node_set_addresses(node, &address, 1));
  ck_assert(node_set_addresses(node, NULL, 0));
  ck_assert(address_equal(node_next_address(node), &address));
}
END_TEST

START_TEST(failures_double_the_backoff_and_success_ends_it) {
  int64_t expected_us = POLICY.backoff_us;
  for (int i = 0; i < 10; i++) {
    node_fail_round(node, &POLICY, &jitter, NOW_US);
    ck_assert(node->has_failed);
    ck_assert_int_ge(node->backoff_until_us, NOW_US + expected_us * 8 / 10);
    ck_assert_int_le(node->backoff_until_us, NOW_US + expected_us * 12 / 10);
    ck_assert_int_le(node->backoff_until_us, NOW_US + POLICY.backoff_max_us);
    ck_assert(!node_may_connect(node, node->backoff_until_us - 1));
    ck_assert(node_may_connect(node, node->backoff_until_us));
    if (expected_us < POLICY.backoff_max_us) expected_us *= 2;
    if (expected_us > POLICY.backoff_max_us) expected_us = POLICY.backoff_max_us;
  }
  node_succeed(node, NOW_US);
  ck_assert(!node->has_failed);
  node_lose(node, &POLICY, &jitter, NOW_US);
  ck_assert(!node->has_failed); /* lost is not failed to connect */
  ck_assert_int_le(node->backoff_until_us, NOW_US + POLICY.backoff_us * 12 / 10);
}
END_TEST

START_TEST(a_refused_login_waits_longer_until_it_is_forgiven) {
  node_fail_round(node, &POLICY, &jitter, NOW_US);
  node_refuse(node, &jitter, NOW_US);
  ck_assert_int_ge(node->backoff_until_us, NOW_US + 800000);
  ck_assert(!node_may_connect(node, NOW_US + 1000));
  node_forgive(node, NOW_US + 1000);
  ck_assert(node_may_connect(node, NOW_US + 1000));
  for (int i = 0; i < 20; i++)
    node_refuse(node, &jitter, NOW_US);
  ck_assert_int_le(node->backoff_until_us, NOW_US + 10000000);
  ck_assert_int_ge(node->backoff_until_us, NOW_US + 8000000);
  node_succeed(node, NOW_US);
  ck_assert_uint_eq(node->login_failure_count, 0);
}
END_TEST

START_TEST(other_credentials_do_not_shorten_an_ordinary_backoff) {
  node_fail_round(node, &POLICY, &jitter, NOW_US);
  int64_t until_us = node->backoff_until_us;
  node_forgive(node, NOW_US);
  ck_assert_int_eq(node->backoff_until_us, until_us);
}
END_TEST

START_TEST(the_setup_timeout_grows_with_failures) {
  node_begin_setup(node, &POLICY, &jitter, NOW_US);
  ck_assert_int_ge(node->setup_deadline_us, NOW_US + 80 * MS);
  ck_assert_int_le(node->setup_deadline_us, NOW_US + 120 * MS);
  for (int i = 0; i < 5; i++)
    node_fail_round(node, &POLICY, &jitter, NOW_US);
  node_begin_setup(node, &POLICY, &jitter, NOW_US);
  ck_assert_int_ge(node->setup_deadline_us, NOW_US + 240 * MS);
  ck_assert_int_le(node->setup_deadline_us, NOW_US + 300 * MS);
}
END_TEST

START_TEST(a_pause_never_gets_shorter) {
  node_throttle(node, NOW_US, NOW_US + 500);
  node_throttle(node, NOW_US, NOW_US + 200);
  ck_assert_int_eq(node->throttled_until_us, NOW_US + 500);
  node_throttle(node, NOW_US + 1000, NOW_US + 900); /* in the past */
  ck_assert_int_eq(node->throttled_until_us, NOW_US + 500);
}
END_TEST

START_TEST(a_node_without_connection_has_a_deadline_only_while_resolving) {
  ck_assert_int_eq(node_deadline_us(node, &POLICY, NOW_US), CLOCK_NEVER_US);
  node->is_resolving = true;
  node_begin_setup(node, &POLICY, &jitter, NOW_US);
  ck_assert_int_eq(node_deadline_us(node, &POLICY, NOW_US), node->setup_deadline_us);
  ck_assert(node_is_connecting(node));
  ck_assert(!node_may_connect(node, NOW_US));
}
END_TEST

START_TEST(a_backoff_is_a_deadline_until_it_has_passed) {
  node_fail_round(node, &POLICY, &jitter, NOW_US);
  int64_t until_us = node->backoff_until_us;
  ck_assert_int_eq(node_deadline_us(node, &POLICY, until_us - 1), until_us);
  ck_assert_int_eq(node_deadline_us(node, &POLICY, until_us), CLOCK_NEVER_US);
  node->is_retired = true;
  ck_assert_int_eq(node_deadline_us(node, &POLICY, until_us - 1), CLOCK_NEVER_US);
}
END_TEST

START_TEST(a_retired_node_does_not_connect) {
  ck_assert(node_may_connect(node, NOW_US));
  node->is_retired = true;
  ck_assert(!node_may_connect(node, NOW_US));
}
END_TEST

static int allocations_left;

static bool count_allocation(void *context) {
  (void)context;
  return allocations_left-- > 0;
}

START_TEST(missing_memory_makes_no_half_node) {
  for (int i = 0; i < 2; i++) {
    allocations_left = i;
    allocator_set_hook(count_allocation, NULL);
    struct node *none = node_create(1, bytes_of_string("kafka"), 9092);
    allocator_set_hook(NULL, NULL);
    ck_assert_ptr_null(none);
  }
  const struct address address = address_at("10.0.0.1"), other = address_at("10.0.0.2");
  ck_assert(node_set_addresses(node, &address, 1));
  allocations_left = 0;
  allocator_set_hook(count_allocation, NULL);
  ck_assert(!node_set_addresses(node, &other, 1));
  allocator_set_hook(NULL, NULL);
  ck_assert(address_equal(node_next_address(node), &address));
}
END_TEST

int main(void) {
  Suite *suite = suite_create("node");
  TCase *tests = tcase_create("node");
  tcase_add_checked_fixture(tests, set_up, tear_down);
  tcase_add_test(tests, a_node_copies_its_name);
  tcase_add_test(tests, names_and_ports_have_limits);
  tcase_add_test(tests, a_round_goes_once_through_the_addresses);
  tcase_add_test(tests, an_empty_answer_keeps_the_addresses);
  tcase_add_test(tests, failures_double_the_backoff_and_success_ends_it);
  tcase_add_test(tests, a_refused_login_waits_longer_until_it_is_forgiven);
  tcase_add_test(tests, other_credentials_do_not_shorten_an_ordinary_backoff);
  tcase_add_test(tests, the_setup_timeout_grows_with_failures);
  tcase_add_test(tests, a_pause_never_gets_shorter);
  tcase_add_test(tests, a_node_without_connection_has_a_deadline_only_while_resolving);
  tcase_add_test(tests, a_backoff_is_a_deadline_until_it_has_passed);
  tcase_add_test(tests, a_retired_node_does_not_connect);
  tcase_add_test(tests, missing_memory_makes_no_half_node);
  suite_add_tcase(suite, tests);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_ENV);
  int failures = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failures == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
