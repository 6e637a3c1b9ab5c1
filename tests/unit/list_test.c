#include "base/list.h"

#include <check.h>

struct item {
  int number;
  struct list node;
};

static struct item items[5];
static struct list head;

static void setup(void) {
  list_init(&head);
  for (int i = 0; i < 5; i++) {
    items[i].number = i;
    list_init(&items[i].node);
  }
}

/* -1 ends the list. Walks it both ways. */
static void expect_list(struct list *actual, const int *expected) {
  struct list *node = actual;
  int count = 0;
  for (; expected[count] >= 0; count++) {
    ck_assert_ptr_eq(node->next->previous, node);
    node = node->next;
    ck_assert_ptr_ne(node, actual);
    ck_assert_int_eq(LIST_ENTRY(node, struct item, node)->number, expected[count]);
  }
  ck_assert_ptr_eq(node->next, actual);
  ck_assert_ptr_eq(actual->previous, node);
  ck_assert_int_eq(list_is_empty(actual), count == 0);
}

START_TEST(new_list_is_empty) {
  expect_list(&head, (const int[]){-1});
  ck_assert(!list_is_linked(&items[0].node));
}
END_TEST

START_TEST(items_are_appended_and_prepended) {
  list_append(&head, &items[1].node);
  list_append(&head, &items[2].node);
  list_prepend(&head, &items[0].node);
  expect_list(&head, (const int[]){0, 1, 2, -1});
  ck_assert(list_is_linked(&items[1].node));
}
END_TEST

START_TEST(item_is_inserted_before_another) {
  list_append(&head, &items[0].node);
  list_append(&head, &items[2].node);
  list_insert_before(&items[2].node, &items[1].node);
  expect_list(&head, (const int[]){0, 1, 2, -1});
}
END_TEST

START_TEST(removed_item_can_be_removed_and_linked_again) {
  for (int i = 0; i < 3; i++)
    list_append(&head, &items[i].node);
  list_remove(&items[1].node);
  expect_list(&head, (const int[]){0, 2, -1});
  ck_assert(!list_is_linked(&items[1].node));
  list_remove(&items[1].node);
  expect_list(&head, (const int[]){0, 2, -1});
  list_append(&head, &items[1].node);
  expect_list(&head, (const int[]){0, 2, 1, -1});
}
END_TEST

START_TEST(whole_list_is_moved_in_order) {
  struct list from;
  list_init(&from);
  list_append(&head, &items[0].node);
  list_append(&from, &items[1].node);
  list_append(&from, &items[2].node);
  list_append_all(&head, &from);
  expect_list(&head, (const int[]){0, 1, 2, -1});
  expect_list(&from, (const int[]){-1});
  list_append_all(&head, &from);
  expect_list(&head, (const int[]){0, 1, 2, -1});
  list_append_all(&from, &head);
  expect_list(&from, (const int[]){0, 1, 2, -1});
  expect_list(&head, (const int[]){-1});
}
END_TEST

int main(void) {
  Suite *suite = suite_create("list");
  TCase *test_case = tcase_create("all");
  tcase_add_checked_fixture(test_case, setup, NULL);
  tcase_add_test(test_case, new_list_is_empty);
  tcase_add_test(test_case, items_are_appended_and_prepended);
  tcase_add_test(test_case, item_is_inserted_before_another);
  tcase_add_test(test_case, removed_item_can_be_removed_and_linked_again);
  tcase_add_test(test_case, whole_list_is_moved_in_order);
  suite_add_tcase(suite, test_case);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_ENV);
  int failures = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failures != 0;
}
