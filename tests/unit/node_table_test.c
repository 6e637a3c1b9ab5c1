#include "network/node_table.h"

#include "base/allocator.h"
#include <check.h>
#include <stdlib.h>

enum { NODES = 500 };

static struct node_table table;
static struct node *nodes[NODES];

static void set_up(void) {
  for (int32_t i = 0; i < NODES; i++) {
    nodes[i] = node_create((i * 37) % NODES - 3, bytes_of_string("host"), 9092);
    ck_assert_ptr_nonnull(nodes[i]);
    ck_assert(node_table_reserve(&table, 1));
    node_table_add(&table, nodes[i]);
  }
}

static void tear_down(void) {
  for (int i = 0; i < NODES; i++)
    node_destroy(nodes[i]);
  node_table_deinit(&table);
}

START_TEST(nodes_are_found_by_id_only) {
  for (int i = 0; i < NODES; i++)
    ck_assert_ptr_eq(node_table_find(&table, nodes[i]->id), nodes[i]);
  ck_assert_ptr_null(node_table_find(&table, -4));
  ck_assert_ptr_null(node_table_find(&table, NODES - 3));
  ck_assert_ptr_null(node_table_find(&table, INT32_MIN));
  ck_assert_ptr_null(node_table_find(&table, INT32_MAX));
}
END_TEST

START_TEST(nodes_are_kept_in_order_of_id) {
  ck_assert_uint_eq(table.count, NODES);
  for (uint32_t i = 1; i < table.count; i++)
    ck_assert_int_lt(table.nodes[i - 1]->id, table.nodes[i]->id);
}
END_TEST

START_TEST(removed_nodes_are_gone_and_the_others_stay) {
  for (int i = 0; i < NODES; i += 2)
    node_table_remove(&table, nodes[i]);
  ck_assert_uint_eq(table.count, NODES / 2);
  for (int i = 0; i < NODES; i++)
    ck_assert_ptr_eq(node_table_find(&table, nodes[i]->id), i % 2 == 0 ? NULL : nodes[i]);
}
END_TEST

static bool refuse_all(void *context) {
  (void)context;
  return false;
}

START_TEST(missing_memory_leaves_the_table_as_it_was) {
  allocator_set_hook(refuse_all, NULL);
  bool reserved = node_table_reserve(&table, 10 * NODES);
  allocator_set_hook(NULL, NULL);
  ck_assert(!reserved);
  ck_assert_ptr_eq(node_table_find(&table, nodes[7]->id), nodes[7]);
}
END_TEST

START_TEST(an_empty_table_finds_nothing) {
  struct node_table empty = {.nodes = NULL};
  ck_assert_ptr_null(node_table_find(&empty, 0));
  node_table_deinit(&empty);
}
END_TEST

int main(void) {
  Suite *suite = suite_create("node_table");
  TCase *tests = tcase_create("node_table");
  tcase_add_checked_fixture(tests, set_up, tear_down);
  tcase_add_test(tests, nodes_are_found_by_id_only);
  tcase_add_test(tests, nodes_are_kept_in_order_of_id);
  tcase_add_test(tests, removed_nodes_are_gone_and_the_others_stay);
  tcase_add_test(tests, missing_memory_leaves_the_table_as_it_was);
  tcase_add_test(tests, an_empty_table_finds_nothing);
  suite_add_tcase(suite, tests);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_ENV);
  int failures = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failures == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
