#include "sender/produce_call.h"

#include "accumulator/topic.h"
#include "base/random.h"
#include "sender/sender_partition.h"
#include <check.h>
#include <stdio.h>
#include <stdlib.h>

/* Brokers answer in the order of their own tables: every part is found, whatever the order. */
enum { TOPIC_COUNT = 100, PARTITIONS_PER_TOPIC = 100, PART_COUNT = TOPIC_COUNT * PARTITIONS_PER_TOPIC };

static struct topic_registry registry;
static struct produce_call *call;
static struct wire_writer answer;
static struct batch batches[PART_COUNT];
static uint8_t block[64];

static void setup(void) {
  registry = (struct topic_registry){.sender_topic_bytes = sizeof(struct sender_topic),
                                     .sender_partition_bytes = sizeof(struct sender_partition)};
  call = produce_call_create(NULL);
  ck_assert_ptr_nonnull(call);
  call->acks = -1;
  for (int t = 0; t < TOPIC_COUNT; t++) {
    char name[16];
    struct topic *topic;
    (void)snprintf(name, sizeof name, "topic-%d", t * 7919 % TOPIC_COUNT);
    ck_assert_int_eq(
        topic_registry_add(&registry, bytes_of_string(name), &(struct topic_options){.acks = -1}, &topic), 0);
    topic->sender->id.octets[t % 16] = (uint8_t)(t + 1);
    ck_assert_int_eq(topic_reserve_partitions(topic, PARTITIONS_PER_TOPIC), 0);
    for (int32_t p = 0; p < PARTITIONS_PER_TOPIC; p++) {
      struct batch *batch = &batches[t * PARTITIONS_PER_TOPIC + p];
      batch_init(batch, block, sizeof block, 1024, 1, false, 0);
      batch->topic = topic;
      batch->partition = topic_partition(topic, p);
      ck_assert(produce_call_add(call, batch, batch->partition->sender));
    }
  }
}

static void teardown(void) {
  wire_writer_deinit(&answer);
  answer = (struct wire_writer){.data = NULL};
  produce_call_destroy(call);
  topic_registry_deinit(&registry);
}

/* Each partition as a topic entry of its own, in an order by chance; base offsets say which it is. */
static void write_answer(int16_t version) {
  static uint32_t order[PART_COUNT];
  struct random random;
  random_seed(&random, 1);
  for (uint32_t i = 0; i < PART_COUNT; i++) {
    uint32_t other = random_below(&random, i + 1);
    order[i] = order[other];
    order[other] = i;
  }
  produce_response_write(&answer, version, PART_COUNT);
  for (uint32_t i = 0; i < PART_COUNT; i++) {
    const struct batch *batch = &batches[order[i]];
    produce_response_write_topic(&answer, version,
                                 &(struct produce_response_topic){.name = bytes_of_string(batch->topic->name),
                                                                  .id = batch->topic->sender->id,
                                                                  .partition_count = 1});
    produce_response_write_partition(&answer, version,
                                     &(struct produce_response_partition){.index = batch->partition->index,
                                                                          .base_offset = order[i],
                                                                          .log_append_time_ms = -1,
                                                                          .leader_id = -1,
                                                                          .leader_epoch = -1},
                                     NULL);
    produce_response_write_topic_end(&answer, version);
  }
  produce_response_write_end(&answer, version, &(struct produce_response_end){.throttle_ms = 0}, NULL);
  ck_assert(!answer.failed);
}

static void expect_all_found(int16_t version) {
  call->version = version;
  ck_assert(produce_call_write(call, bytes_of_string("test"), 1, 1000));
  write_answer(version);
  struct produce_response_end end;
  ck_assert(produce_call_read(call, wire_reader_of(bytes_of(answer.data, answer.size)), &end));
  for (uint32_t i = 0; i < call->part_count; i++)
    ck_assert_ptr_eq(&batches[call->parts[i].answer.base_offset], call->parts[i].batch);
}

START_TEST(parts_are_found_by_name_in_any_order) {
  expect_all_found(12);
}
END_TEST

START_TEST(parts_are_found_by_id_in_any_order) {
  expect_all_found(13);
}
END_TEST

START_TEST(a_part_that_was_not_asked_about_is_not_found) {
  call->version = 12;
  call->part_count--; /* the one added last */
  ck_assert(produce_call_write(call, bytes_of_string("test"), 1, 1000));
  write_answer(12);
  struct produce_response_end end;
  ck_assert(!produce_call_read(call, wire_reader_of(bytes_of(answer.data, answer.size)), &end));
}
END_TEST

int main(void) {
  Suite *suite = suite_create("produce_call_order");
  TCase *answers = tcase_create("answers");
  tcase_add_checked_fixture(answers, setup, teardown);
  tcase_add_test(answers, parts_are_found_by_name_in_any_order);
  tcase_add_test(answers, parts_are_found_by_id_in_any_order);
  tcase_add_test(answers, a_part_that_was_not_asked_about_is_not_found);
  suite_add_tcase(suite, answers);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_ENV);
  int failed = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
