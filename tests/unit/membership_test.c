#include "network/membership.h"

#include "base/allocator.h"
#include "base/clock.h"
#include "base/status.h"
#include <check.h>
#include <stdlib.h>

/* No node is connected here; what becomes of connections is in network_client_test.c. */

static struct membership membership;
static struct dialer dialer;
static struct log silent;
static struct list finished;

static struct broker_address at(int32_t node_id, const char *host, int32_t port) {
  return (struct broker_address){.node_id = node_id, .host = bytes_of_string(host), .port = port};
}

static void set_up(void) {
  const struct broker_address bootstrap[] = {at(0, "a", 1), at(0, "b", 2)};
  list_init(&finished);
  dialer = (struct dialer){.log = &silent, .next_deadline_us = CLOCK_NEVER_US};
  list_init(&dialer.closed);
  ck_assert_int_eq(membership_init(&membership, bootstrap, 2), STATUS_OK);
}

static void tear_down(void) {
  membership_deinit(&membership);
}

static int32_t replace(const struct broker_address *brokers, uint32_t count) {
  return membership_replace(&membership, &dialer, brokers, count, 0, &finished);
}

static const struct node *find(int32_t node_id) {
  return node_table_find(&membership.table, node_id);
}

START_TEST(bootstrap_servers_have_negative_ids) {
  ck_assert_str_eq(find(-1)->host, "a");
  ck_assert_str_eq(find(-2)->host, "b");
  ck_assert_ptr_null(find(-3));
  ck_assert_ptr_null(find(0));
}
END_TEST

START_TEST(a_replacement_keeps_moves_adds_and_removes) {
  const struct broker_address before[] = {at(1, "x", 1), at(2, "y", 1), at(3, "z", 1)};
  const struct broker_address after[] = {at(4, "w", 1), at(1, "x", 1), at(2, "y", 9)};
  ck_assert_int_eq(replace(before, 3), STATUS_OK);
  const struct node *kept = find(1), *moved = find(2);
  ck_assert_int_eq(replace(after, 3), STATUS_OK);
  ck_assert_ptr_eq(find(1), kept);
  ck_assert_ptr_ne(find(2), moved); /* the old one is still in memory */
  ck_assert_uint_eq(find(2)->port, 9);
  ck_assert_ptr_null(find(3));
  ck_assert_str_eq(find(4)->host, "w");
  ck_assert_uint_eq(membership.broker_count, 3);
  ck_assert_str_eq(moved->host, "y");
  membership_free_removed(&membership);
  ck_assert(list_is_empty(&membership.removed));
}
END_TEST

START_TEST(bootstrap_servers_are_retired_while_brokers_are_known) {
  const struct broker_address broker = at(1, "x", 1);
  ck_assert(!find(-1)->is_retired);
  ck_assert_int_eq(replace(&broker, 1), STATUS_OK);
  ck_assert(find(-1)->is_retired && find(-2)->is_retired);
  membership_forget(&membership, &dialer, 0, &finished);
  ck_assert(!find(-1)->is_retired && !find(-2)->is_retired);
  ck_assert_ptr_null(find(1));
  ck_assert_uint_eq(membership.broker_count, 0);
}
END_TEST

START_TEST(an_update_touches_one_broker) {
  const struct broker_address brokers[] = {at(1, "x", 1), at(2, "y", 1)};
  const struct broker_address same = at(1, "x", 1), moved = at(1, "x", 2), added = at(7, "q", 1);
  ck_assert_int_eq(replace(brokers, 2), STATUS_OK);
  const struct node *first = find(1), *second = find(2);
  ck_assert_int_eq(membership_update(&membership, &dialer, &same, 0, &finished), STATUS_OK);
  ck_assert_ptr_eq(find(1), first);
  ck_assert_int_eq(membership_update(&membership, &dialer, &moved, 0, &finished), STATUS_OK);
  ck_assert_uint_eq(find(1)->port, 2);
  ck_assert_int_eq(membership_update(&membership, &dialer, &added, 0, &finished), STATUS_OK);
  ck_assert_str_eq(find(7)->host, "q");
  ck_assert_ptr_eq(find(2), second);
  ck_assert_uint_eq(membership.broker_count, 3);
}
END_TEST

static int allocations_left;

static bool count_allocation(void *context) {
  (void)context;
  return allocations_left-- > 0;
}

START_TEST(missing_memory_changes_nothing) {
  const struct broker_address before[] = {at(1, "x", 1), at(2, "y", 1)};
  struct broker_address after[32];
  for (int32_t i = 0; i < 32; i++)
    after[i] = at(i + 2, "moved", 5);
  ck_assert_int_eq(replace(before, 2), STATUS_OK);
  int32_t status = STATUS_OUT_OF_MEMORY;
  for (int left = 0; status != STATUS_OK; left++) {
    const struct node *first = find(1), *second = find(2);
    allocations_left = left;
    allocator_set_hook(count_allocation, NULL);
    status = replace(after, 32);
    allocator_set_hook(NULL, NULL);
    if (status == STATUS_OK) break;
    ck_assert_int_eq(status, STATUS_OUT_OF_MEMORY);
    ck_assert_ptr_eq(find(1), first);
    ck_assert_ptr_eq(find(2), second);
    ck_assert_uint_eq(membership.broker_count, 2);
  }
  ck_assert_uint_eq(membership.broker_count, 32);
}
END_TEST

START_TEST(a_start_without_servers_or_memory_is_refused) {
  const struct broker_address bootstrap[] = {at(0, "a", 1), at(0, "b", 2)};
  struct membership other;
  ck_assert_int_eq(membership_init(&other, bootstrap, 0), STATUS_INVALID_ARGUMENT);
  membership_deinit(&other);
  for (int left = 0; left < 6; left++) { /* two arrays, two nodes of two pieces */
    allocations_left = left;
    allocator_set_hook(count_allocation, NULL);
    int32_t status = membership_init(&other, bootstrap, 2);
    allocator_set_hook(NULL, NULL);
    ck_assert_int_eq(status, STATUS_OUT_OF_MEMORY);
    membership_deinit(&other);
  }
}
END_TEST

int main(void) {
  Suite *suite = suite_create("membership");
  TCase *tests = tcase_create("membership");
  tcase_add_checked_fixture(tests, set_up, tear_down);
  tcase_add_test(tests, bootstrap_servers_have_negative_ids);
  tcase_add_test(tests, a_replacement_keeps_moves_adds_and_removes);
  tcase_add_test(tests, bootstrap_servers_are_retired_while_brokers_are_known);
  tcase_add_test(tests, an_update_touches_one_broker);
  tcase_add_test(tests, missing_memory_changes_nothing);
  tcase_add_test(tests, a_start_without_servers_or_memory_is_refused);
  suite_add_tcase(suite, tests);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_ENV);
  int failures = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failures == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
