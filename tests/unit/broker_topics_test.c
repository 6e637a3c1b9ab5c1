#include "base/status.h"
#include "broker/broker_topics.h"
#include <check.h>
#include <stdio.h>

static struct broker_topics topics;

static void set_up(void) {
  broker_topics_init(&topics, 42, 1000);
}

static void tear_down(void) {
  broker_topics_deinit(&topics);
}

static int32_t create(const char *name, int32_t partition_count) {
  struct broker_topic *topic = NULL;
  int32_t status = broker_topics_create(&topics, bytes_of_string(name), partition_count, 7, &topic);
  ck_assert_int_eq(topic != NULL, status == STATUS_OK);
  return status;
}

static struct broker_topic *find(const char *name) {
  return broker_topics_find(&topics, bytes_of_string(name));
}

START_TEST(many_topics_are_found_in_order_by_name_and_by_id) {
  enum { COUNT = 300 };
  char name[24];
  for (int index = 0; index < COUNT; index++) {
    snprintf(name, sizeof name, "topic-%d", index * 7919 % COUNT);
    ck_assert_int_eq(create(name, 1), STATUS_OK);
  }
  ck_assert_uint_eq(topics.count, COUNT);
  for (int index = 0; index < COUNT; index++) {
    snprintf(name, sizeof name, "topic-%d", index);
    struct broker_topic *topic = find(name);
    ck_assert_ptr_nonnull(topic);
    ck_assert_str_eq(topic->name, name);
    ck_assert_ptr_eq(broker_topics_find_id(&topics, &topic->id), topic);
    if (index > 0) ck_assert_int_lt(strcmp(topics.by_name[index - 1]->name, topics.by_name[index]->name), 0);
  }
  ck_assert_ptr_null(find("topic"));
  ck_assert_ptr_null(find("topic-300"));
}
END_TEST

START_TEST(names_that_begin_alike_are_different) {
  ck_assert_int_eq(create("ab", 1), STATUS_OK);
  ck_assert_int_eq(create("a", 1), STATUS_OK);
  ck_assert_int_eq(create("abc", 1), STATUS_OK);
  ck_assert_str_eq(find("ab")->name, "ab");
  ck_assert_str_eq(topics.by_name[0]->name, "a");
  ck_assert_str_eq(topics.by_name[2]->name, "abc");
}
END_TEST

START_TEST(a_topic_exists_once) {
  ck_assert_int_eq(create("a", 1), STATUS_OK);
  ck_assert_int_eq(create("a", 2), STATUS_TOPIC_ALREADY_EXISTS);
  ck_assert_int_eq(find("a")->partition_count, 1);
}
END_TEST

START_TEST(names_follow_kafkas_rule) {
  char longest[251];
  memset(longest, 'x', 250);
  longest[250] = '\0';
  ck_assert_int_eq(create(longest, 1), STATUS_INVALID_TOPIC_EXCEPTION);
  longest[249] = '\0';
  ck_assert_int_eq(create(longest, 1), STATUS_OK);
  ck_assert_int_eq(create("", 1), STATUS_INVALID_TOPIC_EXCEPTION);
  ck_assert_int_eq(create(".", 1), STATUS_INVALID_TOPIC_EXCEPTION);
  ck_assert_int_eq(create("..", 1), STATUS_INVALID_TOPIC_EXCEPTION);
  ck_assert_int_eq(create("a:b", 1), STATUS_INVALID_TOPIC_EXCEPTION);
  ck_assert_int_eq(create("...", 1), STATUS_OK);
  ck_assert_int_eq(create(".a", 1), STATUS_OK);
  ck_assert_int_eq(create("A-z_0.9", 1), STATUS_OK);
}
END_TEST

START_TEST(partitions_are_counted_from_one) {
  ck_assert_int_eq(create("a", 0), STATUS_INVALID_PARTITIONS);
  ck_assert_int_eq(create("a", -1), STATUS_INVALID_PARTITIONS);
  ck_assert_int_eq(create("a", BROKER_TOPIC_MAX_PARTITIONS + 1), STATUS_INVALID_PARTITIONS);
  ck_assert_int_eq(create("a", 3), STATUS_OK);
  struct broker_topic *topic = find("a");
  ck_assert_ptr_null(broker_topic_partition(topic, -1));
  ck_assert_ptr_null(broker_topic_partition(topic, 3));
  ck_assert_ptr_null(broker_topic_partition(NULL, 0));
  ck_assert_int_eq(broker_topic_partition(topic, 2)->leader_id, 7);
  ck_assert_uint_eq(broker_topic_partition(topic, 2)->log.limit_bytes, 1000);
}
END_TEST

START_TEST(partitions_only_grow) {
  ck_assert_int_eq(create("a", 2), STATUS_OK);
  struct broker_topic *topic = find("a");
  topic->partitions[1].leader_epoch = 5;
  ck_assert_int_eq(broker_topics_grow(&topics, topic, 2, 8), STATUS_INVALID_PARTITIONS);
  ck_assert_int_eq(broker_topics_grow(&topics, topic, 4, 8), STATUS_OK);
  ck_assert_int_eq(topic->partition_count, 4);
  ck_assert_int_eq(topic->partitions[1].leader_epoch, 5);
  ck_assert_int_eq(topic->partitions[1].leader_id, 7);
  ck_assert_int_eq(topic->partitions[3].leader_id, 8);
}
END_TEST

START_TEST(a_topic_made_again_has_another_id) {
  ck_assert_int_eq(create("a", 1), STATUS_OK);
  ck_assert_int_eq(create("b", 1), STATUS_OK);
  struct uuid before = find("a")->id;
  ck_assert(!uuid_is_zero(&before));
  broker_topics_delete(&topics, find("a"));
  ck_assert_ptr_null(find("a"));
  ck_assert_ptr_nonnull(find("b"));
  ck_assert_ptr_null(broker_topics_find_id(&topics, &before));
  ck_assert_int_eq(create("a", 1), STATUS_OK);
  ck_assert(!uuid_equal(&find("a")->id, &before));
}
END_TEST

int main(void) {
  Suite *suite = suite_create("broker_topics");
  TCase *test_case = tcase_create("all");
  tcase_add_checked_fixture(test_case, set_up, tear_down);
  tcase_add_test(test_case, many_topics_are_found_in_order_by_name_and_by_id);
  tcase_add_test(test_case, names_that_begin_alike_are_different);
  tcase_add_test(test_case, a_topic_exists_once);
  tcase_add_test(test_case, names_follow_kafkas_rule);
  tcase_add_test(test_case, partitions_are_counted_from_one);
  tcase_add_test(test_case, partitions_only_grow);
  tcase_add_test(test_case, a_topic_made_again_has_another_id);
  suite_add_tcase(suite, test_case);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_ENV);
  int failures = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failures != 0;
}
