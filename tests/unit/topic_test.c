#include "accumulator/topic.h"

#include "base/status.h"
#include "support/expect_abort.h"
#include "support/failing_allocator.h"
#include <check.h>
#include <stdio.h>
#include <string.h>

static const struct topic_options options = {
    .acks = -1, .codec = COMPRESSION_LZ4, .level = 9, .delivery_timeout_us = 120000000};
static struct topic_registry registry;

static void set_up(void) {
  registry = (struct topic_registry){.sender_topic_bytes = 24, .sender_partition_bytes = 40};
}

static void tear_down(void) {
  topic_registry_deinit(&registry);
}

static struct topic *add(const char *name) {
  struct topic *topic = NULL;
  ck_assert_int_eq(topic_registry_add(&registry, bytes_of_string(name), &options, &topic), STATUS_OK);
  return topic;
}

static struct topic *find(const char *name) {
  return topic_registry_find(&registry, bytes_of_string(name));
}

/* ---- names ---- */

START_TEST(names_are_letters_digits_dot_underscore_dash) {
  for (int c = 0; c < 256; c++) {
    char name[] = {'a', (char)c, 'b'};
    bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    bool valid = letter || c == '.' || c == '_' || c == '-';
    ck_assert_msg(topic_name_is_valid(bytes_of(name, 3)) == valid, "byte %d", c);
  }
}
END_TEST

START_TEST(names_have_1_to_249_bytes) {
  char name[250];
  memset(name, 'x', sizeof name);
  ck_assert(!topic_name_is_valid(bytes_of(name, 0)));
  ck_assert(!topic_name_is_valid(bytes_of(NULL, 0)));
  ck_assert(topic_name_is_valid(bytes_of(name, 1)));
  ck_assert(topic_name_is_valid(bytes_of(name, 249)));
  ck_assert(!topic_name_is_valid(bytes_of(name, 250)));
}
END_TEST

START_TEST(one_or_two_dots_alone_are_no_name) {
  ck_assert(!topic_name_is_valid(bytes_of_string(".")));
  ck_assert(!topic_name_is_valid(bytes_of_string("..")));
  ck_assert(topic_name_is_valid(bytes_of_string("...")));
  ck_assert(topic_name_is_valid(bytes_of_string(".a")));
  ck_assert(topic_name_is_valid(bytes_of_string("a.")));
  ck_assert(topic_name_is_valid(bytes_of_string("-.")));
  ck_assert(!topic_name_is_valid(bytes_of_string(".,")));
}
END_TEST

/* ---- the registry ---- */

START_TEST(an_empty_registry_finds_nothing) {
  ck_assert_ptr_null(find("orders"));
  topic_registry_deinit(&registry);
  topic_registry_deinit(&registry);
}
END_TEST

START_TEST(a_new_topic_has_its_name_id_options_and_nothing_else) {
  add("first");
  struct topic *topic = add("orders");
  ck_assert_uint_eq(topic->id, 1);
  ck_assert_str_eq(topic->name, "orders");
  ck_assert_uint_eq(topic->name_bytes, 6);
  ck_assert_mem_eq(&topic->options, &options, sizeof options);
  ck_assert_int_eq(topic->partition_count, 0);
  ck_assert_int_eq(topic->partition_capacity, 0);
  ck_assert(list_is_empty(&topic->staged));
  ck_assert(!list_is_linked(&topic->staged_node));
  ck_assert(!list_is_linked(&topic->wanted_node));
  ck_assert(!topic->metadata_wanted);
  ck_assert_ptr_eq(registry.topics[1], topic);
}
END_TEST

START_TEST(names_are_compared_to_their_last_byte) {
  struct topic *shorter = add("order"), *longer = add("orders");
  ck_assert_ptr_eq(find("order"), shorter);
  ck_assert_ptr_eq(find("orders"), longer);
  ck_assert_ptr_null(find("order5"));
  ck_assert_ptr_null(find("orde"));
  ck_assert_ptr_eq(topic_registry_find(&registry, bytes_of("orders", 5)), shorter);
}
END_TEST

START_TEST(ten_thousand_topics_are_found) {
  enum { COUNT = 10000 };
  char name[32];
  for (uint32_t i = 0; i < COUNT; i++) {
    (void)snprintf(name, sizeof name, "topic-%u", i * 7919);
    struct topic *topic = add(name);
    ck_assert_uint_eq(topic->id, i);
    ck_assert_uint_le(registry.count * 2, registry.bucket_count);
  }
  for (uint32_t i = 0; i < COUNT; i++) {
    (void)snprintf(name, sizeof name, "topic-%u", i * 7919);
    struct topic *topic = find(name);
    ck_assert_ptr_eq(topic, registry.topics[i]);
    ck_assert_str_eq(topic->name, name);
    (void)snprintf(name, sizeof name, "topic-%u", i * 7919 + 1);
    ck_assert_ptr_null(find(name));
  }
}
END_TEST

static void add_twice(void *context) {
  (void)context;
  add("orders");
  add("orders");
}

START_TEST(adding_a_topic_twice_is_noticed) {
  expect_abort(add_twice, NULL, "topic_registry_find(registry, name) == NULL");
}
END_TEST

START_TEST(adding_survives_each_missing_allocation) {
  char name[32];
  for (uint32_t i = 0; i < 16; i++) { /* the 8th and 16th make the tables grow */
    (void)snprintf(name, sizeof name, "topic-%u", i);
    bool failed = true;
    for (uint32_t tries = 0; failed; tries++) {
      struct topic *topic = NULL;
      failing_allocator_start(tries);
      int32_t status = topic_registry_add(&registry, bytes_of_string(name), &options, &topic);
      failed = failing_allocator_stop();
      ck_assert_int_eq(status, failed ? STATUS_OUT_OF_MEMORY : STATUS_OK);
      ck_assert_int_eq(topic == NULL, failed);
      ck_assert_ptr_eq(find(name), topic);
      ck_assert_uint_eq(registry.count, i + !failed);
      if (i > 0) ck_assert_ptr_nonnull(find("topic-0"));
    }
  }
}
END_TEST

/* ---- partitions ---- */

static bool is_zero(const void *memory, size_t bytes) {
  const uint8_t *at = memory;
  while (bytes > 0 && at[bytes - 1] == 0)
    bytes--;
  return bytes == 0;
}

START_TEST(the_senders_memory_is_zeroed_aligned_and_its_own) {
  struct topic *topic = add("orders");
  ck_assert(is_zero(topic->sender, 24));
  ck_assert_uint_eq((uintptr_t)topic->sender % _Alignof(int64_t), 0);
  memset(topic->sender, 0xff, 24);
  ck_assert_int_eq(topic_reserve_partitions(topic, 2), STATUS_OK);
  struct partition *first = topic_partition(topic, 0), *second = topic_partition(topic, 1);
  ck_assert(is_zero(first->sender, 40));
  ck_assert_uint_eq((uintptr_t)first->sender % _Alignof(int64_t), 0);
  memset(first->sender, 0xff, 40);
  ck_assert(is_zero(second->sender, 40));
  ck_assert_ptr_eq(second->topic, topic);
  ck_assert_int_eq(second->index, 1);
  ck_assert_str_eq(topic->name, "orders");
}
END_TEST

START_TEST(a_partition_is_made_once_and_stays_where_it_is) {
  struct topic *topic = add("orders");
  ck_assert_int_eq(topic_reserve_partitions(topic, 3), STATUS_OK);
  struct partition *partition = topic_partition(topic, 2);
  ck_assert_ptr_nonnull(partition);
  ck_assert_int_eq(partition->state, PARTITION_IDLE);
  ck_assert(list_is_empty(&partition->batches));
  ck_assert(!list_is_linked(&partition->state_node));
  ck_assert_int_eq(topic_reserve_partitions(topic, 5000), STATUS_OK);
  ck_assert_ptr_eq(topic_partition(topic, 2), partition);
  ck_assert_int_eq(topic_partition(topic, 4999)->index, 4999);
  ck_assert_ptr_null(topic->partitions[1]);
}
END_TEST

START_TEST(room_for_partitions_never_shrinks) {
  struct topic *topic = add("orders");
  ck_assert_int_eq(topic_reserve_partitions(topic, 6), STATUS_OK);
  ck_assert_int_eq(topic_reserve_partitions(topic, 2), STATUS_OK);
  ck_assert_int_eq(topic->partition_capacity, 6);
  ck_assert_ptr_nonnull(topic_partition(topic, 5));
}
END_TEST

START_TEST(missing_memory_leaves_partitions_as_they_were) {
  struct topic *topic = add("orders");
  ck_assert_int_eq(topic_reserve_partitions(topic, 2), STATUS_OK);
  struct partition *first = topic_partition(topic, 0);
  failing_allocator_start(0);
  ck_assert_int_eq(topic_reserve_partitions(topic, 3), STATUS_OUT_OF_MEMORY);
  ck_assert(failing_allocator_stop());
  ck_assert_int_eq(topic->partition_capacity, 2);
  failing_allocator_start(0);
  ck_assert_ptr_null(topic_partition(topic, 1));
  ck_assert(failing_allocator_stop());
  ck_assert_ptr_eq(topic_partition(topic, 0), first);
  ck_assert_ptr_nonnull(topic_partition(topic, 1));
}
END_TEST

static void open_partition(void *index) {
  struct topic *topic = add("orders");
  ck_assert_int_eq(topic_reserve_partitions(topic, 2), STATUS_OK);
  topic_partition(topic, *(int32_t *)index);
}

START_TEST(a_partition_beyond_the_room_is_noticed) {
  expect_abort(open_partition, &(int32_t){2}, "index < topic->partition_capacity");
  expect_abort(open_partition, &(int32_t){-1}, "index >= 0");
}
END_TEST

int main(void) {
  Suite *suite = suite_create("topic");
  TCase *test_case = tcase_create("all");
  tcase_add_checked_fixture(test_case, set_up, tear_down);
  tcase_add_test(test_case, names_are_letters_digits_dot_underscore_dash);
  tcase_add_test(test_case, names_have_1_to_249_bytes);
  tcase_add_test(test_case, one_or_two_dots_alone_are_no_name);
  tcase_add_test(test_case, an_empty_registry_finds_nothing);
  tcase_add_test(test_case, a_new_topic_has_its_name_id_options_and_nothing_else);
  tcase_add_test(test_case, names_are_compared_to_their_last_byte);
  tcase_add_test(test_case, ten_thousand_topics_are_found);
  tcase_add_test(test_case, adding_a_topic_twice_is_noticed);
  tcase_add_test(test_case, adding_survives_each_missing_allocation);
  tcase_add_test(test_case, the_senders_memory_is_zeroed_aligned_and_its_own);
  tcase_add_test(test_case, a_partition_is_made_once_and_stays_where_it_is);
  tcase_add_test(test_case, room_for_partitions_never_shrinks);
  tcase_add_test(test_case, missing_memory_leaves_partitions_as_they_were);
  tcase_add_test(test_case, a_partition_beyond_the_room_is_noticed);
  suite_add_tcase(suite, test_case);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_ENV);
  int failures = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failures != 0;
}
