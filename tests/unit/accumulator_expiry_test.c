/* The end of batches: expiry, abort, splits, release. */
#include "accumulator/accumulator.h"

#include "base/clock.h"
#include "base/status.h"
#include "support/accumulator_world.h"
#include "support/expect_abort.h"
#include <check.h>

static struct accumulator accumulator;
static struct list unsent;
static uint32_t sent_count;

static void set_up(void) {
  struct accumulator_settings settings = world_settings();
  world_start(&accumulator, &settings);
  list_init(&unsent);
  sent_count = 0;
}

static void tear_down(void) {
  world_stop(&accumulator);
}

/* The number of records that expired unsent, settled and released. */
static uint32_t expire(int64_t now_us) {
  accumulator_expire(&accumulator, now_us, &unsent, world_count_sent, &sent_count);
  return world_fail_all(&accumulator, &unsent);
}

static struct topic *topic_with_timeout(const char *name, int32_t partition_count, int64_t timeout_us) {
  struct topic *topic = world_topic(&accumulator, name, partition_count);
  world_set_timeout(&accumulator, topic, timeout_us);
  return topic;
}

static struct batch *drain_one(struct partition **partition) {
  accumulator_begin_cut(&accumulator);
  *partition = accumulator_take(&accumulator);
  ck_assert_ptr_nonnull(*partition);
  struct batch *batch = world_drain(&accumulator, *partition, 0);
  accumulator_end_cut(&accumulator);
  ck_assert_ptr_nonnull(batch);
  return batch;
}

/* ---- expiry ---- */

START_TEST(nothing_expires_before_its_time) {
  ck_assert_int_eq(accumulator_next_expiry_us(&accumulator), CLOCK_NEVER_US);
  struct topic *topic = world_topic(&accumulator, "orders", 1);
  world_accept(&accumulator, topic, 0, 1, 10, 100);
  ck_assert_int_eq(accumulator_next_expiry_us(&accumulator), 100 + WORLD_TIMEOUT_US);
  ck_assert_uint_eq(expire(100 + WORLD_TIMEOUT_US - 1), 0);
  ck_assert_uint_eq(expire(100 + WORLD_TIMEOUT_US), 1);
  ck_assert_int_eq(world_partition(topic, 0)->state, PARTITION_IDLE);
  ck_assert_int_eq(accumulator_next_expiry_us(&accumulator), CLOCK_NEVER_US);
}
END_TEST

START_TEST(topics_expire_by_their_own_timeouts) {
  struct topic *slow = topic_with_timeout("slow", 1, 9000), *quick = topic_with_timeout("quick", 2, 2000);
  struct topic *never = topic_with_timeout("never", 1, CLOCK_NEVER_US);
  world_accept(&accumulator, slow, 0, 1, 10, 0);
  world_accept(&accumulator, never, 0, 1, 10, 0);
  world_accept(&accumulator, quick, 0, 1, 10, 1000);
  world_accept(&accumulator, quick, 1, 1, 10, 2000);
  ck_assert_int_eq(accumulator_next_expiry_us(&accumulator), 3000);
  ck_assert_uint_eq(expire(3999), 1);
  ck_assert_int_eq(accumulator_next_expiry_us(&accumulator), 4000);
  ck_assert_uint_eq(expire(4000), 1);
  ck_assert_int_eq(accumulator_next_expiry_us(&accumulator), 9000);
  ck_assert_uint_eq(expire(INT64_MAX - 1), 1);
  ck_assert_int_eq(accumulator_next_expiry_us(&accumulator), CLOCK_NEVER_US);
  ck_assert_uint_eq(world_deliver_all(&accumulator, 0), 1);
}
END_TEST

START_TEST(staged_records_expire_as_well) {
  struct topic *topic = world_topic(&accumulator, "orders", 0);
  for (uint64_t i = 0; i < 50; i++)
    world_accept(&accumulator, topic, -1, i, 1000, 0);
  ck_assert_uint_eq(expire(WORLD_TIMEOUT_US), 50);
  ck_assert(list_is_empty(&accumulator.staged_topics));
  ck_assert_uint_eq(accumulator.staged_bytes, 0);
  world_accept(&accumulator, topic, -1, 1, 10, WORLD_TIMEOUT_US);
  ck_assert_uint_eq(expire(2 * WORLD_TIMEOUT_US), 1);
}
END_TEST

START_TEST(a_batch_expires_from_the_middle_of_its_queue_in_every_state) {
  struct topic *topic = world_topic(&accumulator, "orders", 3);
  for (int32_t i = 0; i < 6; i++)
    world_accept(&accumulator, topic, i % 3, 1 + (uint64_t)i / 3, 15000, i < 3 ? 0 : 500000);
  struct partition *taken = accumulator_take(&accumulator); /* the others are ready */
  ck_assert_uint_eq(expire(WORLD_TIMEOUT_US), 3);
  ck_assert_int_eq(taken->state, PARTITION_TAKEN);
  ck_assert_int_eq(world_partition(topic, 1)->state, PARTITION_READY);
  struct batch *batch = world_drain(&accumulator, taken, WORLD_TIMEOUT_US);
  world_expect_opaques(batch, 2, 1, 1);
  ck_assert_uint_eq(expire(500000 + WORLD_TIMEOUT_US), 2);
  ck_assert_uint_eq(sent_count, 1);
  ck_assert_int_eq(world_partition(topic, 1)->state, PARTITION_IDLE);
  ck_assert_ptr_null(world_drain(&accumulator, taken, WORLD_TIMEOUT_US));
  accumulator_give_back(&accumulator, taken, WORLD_TIMEOUT_US);
  ck_assert_int_eq(taken->state, PARTITION_IDLE);
  world_settle(&accumulator, batch, OUTCOME_UNKNOWN);
  world_release(&accumulator, batch);
}
END_TEST

START_TEST(sent_batches_are_told_of_once) {
  struct topic *topic = world_topic(&accumulator, "orders", 1);
  world_accept(&accumulator, topic, 0, 1, 10, 0);
  struct partition *partition;
  struct batch *batch = drain_one(&partition);
  world_accept(&accumulator, topic, 0, 2, 10, 600000);
  ck_assert_uint_eq(expire(WORLD_TIMEOUT_US), 0);
  ck_assert_uint_eq(sent_count, 1);
  ck_assert(batch->expired);
  ck_assert_uint_eq(expire(WORLD_TIMEOUT_US + 1), 0);
  ck_assert_uint_eq(expire(600000 + WORLD_TIMEOUT_US), 1);
  ck_assert_uint_eq(sent_count, 1);
  world_settle(&accumulator, batch, OUTCOME_UNKNOWN);
  world_release(&accumulator, batch);
  accumulator_give_back(&accumulator, partition, 0);
}
END_TEST

START_TEST(a_settled_batch_that_is_not_booked_yet_does_not_expire) {
  struct topic *topic = world_topic(&accumulator, "orders", 1);
  world_accept(&accumulator, topic, 0, 1, 10, 0);
  struct partition *partition;
  struct batch *batch = drain_one(&partition);
  batch_settle(batch, OUTCOME_DELIVERED, STATUS_OK, 5, -1, 10);
  ck_assert_uint_eq(expire(WORLD_TIMEOUT_US), 0);
  ck_assert_uint_eq(sent_count, 0);
  world_settle(&accumulator, batch, OUTCOME_DELIVERED);
  world_release(&accumulator, batch);
  accumulator_give_back(&accumulator, partition, 0);
}
END_TEST

/* ---- abort ---- */

static uint32_t abort_all(const struct topic *topic, bool staged_only) {
  accumulator_abort(&accumulator, topic, staged_only, &unsent);
  return world_fail_all(&accumulator, &unsent);
}

START_TEST(abort_takes_what_it_is_told) {
  struct topic *orders = world_topic(&accumulator, "orders", 2),
               *other = world_topic(&accumulator, "other", 2);
  struct topic *unknown = world_topic(&accumulator, "unknown", 0);
  for (int32_t i = 0; i < 30; i++) {
    world_accept(&accumulator, orders, i % 2, 1, 1000, 0);
    world_accept(&accumulator, other, i % 2, 1, 1000, 0);
    world_accept(&accumulator, unknown, -1, 1, 1000, 0);
  }
  ck_assert_uint_eq(abort_all(orders, true), 0);
  ck_assert_uint_eq(abort_all(orders, false), 30);
  ck_assert_uint_eq(abort_all(orders, false), 0);
  ck_assert_uint_eq(world_partition(other, 0)->batch_count, 1);
  ck_assert_uint_eq(abort_all(unknown, true), 30);
  world_accept(&accumulator, unknown, -1, 1, 1000, 0);
  ck_assert_uint_eq(abort_all(NULL, true), 1);
  world_accept(&accumulator, unknown, -1, 1, 1000, 0);
  ck_assert_uint_eq(abort_all(NULL, false), 31);
  ck_assert_uint_eq(accumulator_pending_records(&accumulator, UINT64_MAX), 0);
}
END_TEST

START_TEST(staged_only_spares_the_partitions_of_the_same_topic) {
  struct topic *topic = world_topic(&accumulator, "orders", 1);
  world_accept(&accumulator, topic, 0, 1, 10, 2000000);
  world_accept(&accumulator, topic, 5, 2, 10, 2000000); /* out of range: staged */
  world_accept(&accumulator, topic, 0, 3, 10, 2000000); /* behind it */
  ck_assert_uint_eq(abort_all(topic, true), 2);
  world_accept(&accumulator, topic, 0, 4, 10, 2000000);
  ck_assert_uint_eq(world_deliver_all(&accumulator, 2000000), 2);
}
END_TEST

START_TEST(abort_leaves_what_was_sent) {
  struct topic *topic = world_topic(&accumulator, "orders", 1);
  world_accept(&accumulator, topic, 0, 1, 10, 0);
  struct partition *partition;
  struct batch *batch = drain_one(&partition);
  world_accept(&accumulator, topic, 0, 2, 10, 0);
  ck_assert_uint_eq(abort_all(NULL, false), 1);
  ck_assert_uint_eq(accumulator_pending_records(&accumulator, UINT64_MAX), 1);
  world_settle(&accumulator, batch, OUTCOME_DELIVERED);
  world_release(&accumulator, batch);
  accumulator_give_back(&accumulator, partition, 0);
}
END_TEST

/* ---- splits ---- */

enum { PARTS = 4 };

/* A batch of 20 records cut into four of 5, as the sender does it. */
static struct partition *split_into(struct batch *parts[PARTS]) {
  struct topic *topic = world_topic(&accumulator, "orders", 2);
  for (uint64_t i = 0; i < 20; i++)
    world_accept(&accumulator, topic, 0, i, 100, 0);
  world_accept(&accumulator, topic, 1, 99, 100, 0);
  struct partition *partition;
  parts[0] = drain_one(&partition);
  static const uint32_t cuts[PARTS] = {0, 10, 5, 5}, from[PARTS] = {0, 0, 0, 1};
  for (int i = 1; i < PARTS; i++) {
    parts[i] = accumulator_allocate_batch(&accumulator);
    batch_split(parts[from[i]], cuts[i], parts[i]);
    accumulator_adopt_split(&accumulator, parts[from[i]], parts[i]);
  }
  static const uint64_t first[PARTS] = {0, 10, 5, 15};
  for (int i = 0; i < PARTS; i++)
    world_expect_opaques(parts[i], first[i], 1, 5);
  return partition;
}

START_TEST(parts_stand_next_to_each_other_in_order_among_the_incomplete) {
  struct batch *parts[PARTS];
  struct partition *partition = split_into(parts);
  struct batch *expected[] = {parts[0], parts[2], parts[1], parts[3]};
  struct list *node = accumulator.incomplete.next;
  for (int i = 0; i < PARTS; i++, node = node->next)
    ck_assert_ptr_eq(LIST_ENTRY(node, struct batch, incomplete_node), expected[i]);
  ck_assert_uint_eq(LIST_ENTRY(node, struct batch, incomplete_node)->record_count, 1);
  ck_assert_uint_eq(accumulator_pending_records(&accumulator, parts[0]->number), 20);
  for (int i = 0; i < PARTS; i++) {
    world_settle(&accumulator, parts[i], OUTCOME_DELIVERED);
    world_release(&accumulator, parts[i]);
  }
  accumulator_give_back(&accumulator, partition, 0);
  ck_assert_uint_eq(world_deliver_all(&accumulator, 0), 1);
}
END_TEST

/* The block is free when its last part is, whichever that is: all 24 orders. */
START_TEST(parts_share_their_block_until_the_last_is_released) {
  struct batch *parts[PARTS];
  struct partition *partition = split_into(parts);
  size_t block_bytes = parts[0]->block_bytes, used_bytes = buffer_pool_used_bytes(accumulator.pool);
  for (int i = 0; i < PARTS; i++)
    world_settle(&accumulator, parts[i], OUTCOME_DELIVERED);
  struct batch *left[PARTS];
  memcpy(left, parts, sizeof left);
  for (int count = PARTS, choice = _i; count > 0; choice /= count, count--) {
    int index = choice % count;
    ck_assert_uint_eq(buffer_pool_used_bytes(accumulator.pool), used_bytes);
    ck_assert_uint_ge(partition->held_bytes, block_bytes);
    world_release(&accumulator, left[index]);
    left[index] = left[count - 1];
  }
  ck_assert_uint_eq(buffer_pool_used_bytes(accumulator.pool), used_bytes - block_bytes);
  ck_assert_uint_eq(partition->held_bytes, 0);
  accumulator_give_back(&accumulator, partition, 0);
  ck_assert_uint_eq(world_deliver_all(&accumulator, 0), 1);
}
END_TEST

static void release(void *changed) {
  struct batch *batch = changed;
  if (batch == NULL) {
    struct partition *partition;
    world_accept(&accumulator, world_topic(&accumulator, "orders", 1), 0, 1, 10, 0);
    batch = drain_one(&partition);
    batch_settle(batch, OUTCOME_UNKNOWN, STATUS_ABORTED, -1, -1, 0);
    accumulator_settle(&accumulator, batch);
    batch->in_network = true;
  }
  accumulator_release(&accumulator, batch);
}

/* Memory that a request still points to must never be used for other records (CVE-2026-35554). */
START_TEST(memory_in_the_network_cannot_be_released) {
  expect_abort(release, NULL, "!batch->in_network");
}
END_TEST

START_TEST(a_split_that_was_not_adopted_goes_back) {
  struct batch *batch = accumulator_allocate_batch(&accumulator);
  ck_assert_ptr_nonnull(batch);
  accumulator_return_batch(&accumulator, batch);
  ck_assert_ptr_eq(accumulator_allocate_batch(&accumulator), batch);
  accumulator_return_batch(&accumulator, batch);
}
END_TEST

int main(void) {
  Suite *suite = suite_create("accumulator_expiry");
  TCase *test_case = tcase_create("all");
  tcase_add_checked_fixture(test_case, set_up, tear_down);
  tcase_add_test(test_case, nothing_expires_before_its_time);
  tcase_add_test(test_case, topics_expire_by_their_own_timeouts);
  tcase_add_test(test_case, staged_records_expire_as_well);
  tcase_add_test(test_case, a_batch_expires_from_the_middle_of_its_queue_in_every_state);
  tcase_add_test(test_case, sent_batches_are_told_of_once);
  tcase_add_test(test_case, a_settled_batch_that_is_not_booked_yet_does_not_expire);
  tcase_add_test(test_case, abort_takes_what_it_is_told);
  tcase_add_test(test_case, staged_only_spares_the_partitions_of_the_same_topic);
  tcase_add_test(test_case, abort_leaves_what_was_sent);
  tcase_add_test(test_case, parts_stand_next_to_each_other_in_order_among_the_incomplete);
  tcase_add_loop_test(test_case, parts_share_their_block_until_the_last_is_released, 0, 24);
  tcase_add_test(test_case, memory_in_the_network_cannot_be_released);
  tcase_add_test(test_case, a_split_that_was_not_adopted_goes_back);
  suite_add_tcase(suite, test_case);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_ENV);
  int failures = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failures != 0;
}
