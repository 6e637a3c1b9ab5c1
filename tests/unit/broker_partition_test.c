#include "base/status.h"
#include "broker/broker_partition.h"
#include "protocol/wire.h"
#include "support/broker_exchange.h"
#include <check.h>

enum { PRODUCER_ID = 7, NOW_MS = 1000000 };

static struct broker_partition leader, follower;

static void set_up(void) {
  static const int32_t nodes[] = {1, 2, 3};
  broker_partition_init(&leader, 1, 0);
  broker_partition_init(&follower, 1, 0);
  ck_assert_int_eq(broker_partition_replicate(&leader, nodes, 3, 2), STATUS_OK);
  ck_assert_int_eq(broker_partition_replicate(&follower, nodes, 3, 2), STATUS_OK);
}

static void tear_down(void) {
  broker_partition_deinit(&leader);
  broker_partition_deinit(&follower);
}

static struct producer_batch_identity identity_of(int32_t base_sequence) {
  return (struct producer_batch_identity){PRODUCER_ID, 0, base_sequence, 1};
}

/* The partition takes a batch of one record as its leader. */
static void append(struct broker_partition *partition, int32_t base_sequence, int32_t leader_epoch) {
  struct batch_plan plan = {.idempotent = true,
                            .producer_id = PRODUCER_ID,
                            .base_sequence = base_sequence,
                            .timestamp_ms = NOW_MS + base_sequence};
  struct producer_batch_identity identity = identity_of(base_sequence);
  struct wire_writer writer = {0};
  int64_t offset;
  struct bytes batch = batch_plan_write(&plan, &writer);
  ck_assert_int_eq(
      partition_log_append(&partition->log, batch, 1, NOW_MS + base_sequence, leader_epoch, &offset),
      STATUS_OK);
  ck_assert_int_eq(producer_state_reserve(&partition->producers), STATUS_OK);
  producer_state_record(&partition->producers, &identity, offset, NOW_MS + base_sequence);
  wire_writer_deinit(&writer);
}

/* The follower takes what it lacks. */
static void follow(void) {
  uint32_t from = partition_log_find(&leader.log, follower.log.end_offset);
  for (uint32_t index = from; index < leader.log.batch_count; index++)
    ck_assert_int_eq(broker_partition_follow(&follower, partition_log_at(&leader.log, index)), STATUS_OK);
}

static enum producer_verdict judge(const struct broker_partition *partition, int32_t base_sequence) {
  struct producer_batch_identity identity = identity_of(base_sequence);
  struct producer_batch_place place;
  return producer_state_check(&partition->producers, &identity, &place);
}

/* How many of the batches that end with the newest one the partition would recognise. */
static int32_t window(const struct broker_partition *partition, int32_t newest) {
  int32_t count = 0;
  while (count <= newest && judge(partition, newest - count) == PRODUCER_BATCH_DUPLICATE)
    count++;
  return count;
}

START_TEST(a_follower_has_the_leaders_bytes_and_producers) {
  for (int32_t sequence = 0; sequence < 8; sequence++)
    append(&leader, sequence, 3);
  follow();
  ck_assert_int_eq(follower.log.end_offset, 8);
  for (uint32_t index = 0; index < 8; index++) {
    const struct log_batch *ours = partition_log_at(&follower.log, index);
    const struct log_batch *theirs = partition_log_at(&leader.log, index);
    ck_assert(bytes_equal(bytes_of(ours->data, ours->size), bytes_of(theirs->data, theirs->size)));
    ck_assert_int_eq(ours->leader_epoch, 3);
  }
  ck_assert_int_eq(window(&follower, 7), 5);
  ck_assert_int_eq(judge(&follower, 8), PRODUCER_BATCH_ACCEPTED);
}
END_TEST

START_TEST(after_a_restart_the_window_grows_from_one) {
  for (int32_t sequence = 0; sequence < 4; sequence++)
    append(&leader, sequence, 0);
  follow();
  broker_partition_restart(&follower, NOW_MS, 0);
  ck_assert_int_eq(window(&follower, 3), 1);
  append(&leader, 4, 0);
  append(&leader, 5, 0);
  follow();
  ck_assert_int_eq(window(&follower, 5), 3);
}
END_TEST

START_TEST(a_restart_forgets_producers_that_have_expired) {
  append(&leader, 0, 0);
  broker_partition_restart(&leader, NOW_MS + 999, 1000);
  ck_assert_int_eq(window(&leader, 0), 1);
  broker_partition_restart(&leader, NOW_MS + 1000, 1000);
  ck_assert_int_eq(window(&leader, 0), 0);
}
END_TEST

START_TEST(a_truncated_follower_learns_its_producers_from_what_is_left) {
  for (int32_t sequence = 0; sequence < 3; sequence++)
    append(&leader, sequence, 0);
  follow();
  for (int32_t sequence = 3; sequence < 9; sequence++)
    append(&follower, sequence, 1);
  follower.replicas->high_watermark = 9;
  append(&leader, 3, 2);
  int64_t common = partition_log_common_end(&follower.log, &leader.log);
  ck_assert_int_eq(common, 3);
  ck_assert_int_eq(broker_partition_truncate(&follower, common, NOW_MS, 0), STATUS_OK);
  ck_assert_int_eq(follower.log.end_offset, 3);
  ck_assert_int_eq(broker_partition_high_watermark(&follower), 3);
  ck_assert_int_eq(window(&follower, 2), 3);
  ck_assert_int_eq(judge(&follower, 3), PRODUCER_BATCH_ACCEPTED);
  follow();
  ck_assert_int_eq(partition_log_common_end(&follower.log, &leader.log), 4);
}
END_TEST

START_TEST(a_truncation_starts_from_the_last_snapshot) {
  for (int32_t sequence = 0; sequence < 4; sequence++)
    append(&leader, sequence, 0);
  broker_partition_restart(&leader, NOW_MS, 0);
  for (int32_t sequence = 4; sequence < 6; sequence++)
    append(&leader, sequence, 0);
  ck_assert_int_eq(broker_partition_truncate(&leader, 5, NOW_MS, 0), STATUS_OK);
  ck_assert_int_eq(window(&leader, 4), 2);
  ck_assert_int_eq(broker_partition_truncate(&leader, 4, NOW_MS, 0), STATUS_OK);
  ck_assert_int_eq(window(&leader, 3), 1);
  /* The snapshot lies beyond the end now, and is gone. */
  ck_assert_int_eq(broker_partition_truncate(&leader, 3, NOW_MS, 0), STATUS_OK);
  ck_assert_int_eq(window(&leader, 2), 3);
}
END_TEST

START_TEST(truncation_leaves_what_ends_before_the_offset) {
  append(&leader, 0, 0);
  ck_assert_int_eq(broker_partition_truncate(&leader, 1, NOW_MS, 0), STATUS_OK);
  ck_assert_int_eq(leader.log.end_offset, 1);
  ck_assert_int_eq(broker_partition_truncate(&leader, 0, NOW_MS, 0), STATUS_OK);
  ck_assert_int_eq(leader.log.end_offset, 0);
  ck_assert_uint_eq(leader.log.batch_count, 0);
  ck_assert_uint_eq(leader.log.bytes, 0);
  ck_assert_int_eq(judge(&leader, 5), PRODUCER_BATCH_ACCEPTED);
}
END_TEST

START_TEST(logs_share_what_both_have) {
  ck_assert_int_eq(partition_log_common_end(&leader.log, &follower.log), 0);
  append(&leader, 0, 0);
  ck_assert_int_eq(partition_log_common_end(&leader.log, &follower.log), 0);
  append(&follower, 0, 1);
  ck_assert_int_eq(partition_log_common_end(&leader.log, &follower.log), 0);
  ck_assert_int_eq(partition_log_common_end(&leader.log, &leader.log), 1);
}
END_TEST

int main(void) {
  Suite *suite = suite_create("broker_partition");
  TCase *test_case = tcase_create("all");
  tcase_add_checked_fixture(test_case, set_up, tear_down);
  tcase_add_test(test_case, a_follower_has_the_leaders_bytes_and_producers);
  tcase_add_test(test_case, after_a_restart_the_window_grows_from_one);
  tcase_add_test(test_case, a_restart_forgets_producers_that_have_expired);
  tcase_add_test(test_case, a_truncated_follower_learns_its_producers_from_what_is_left);
  tcase_add_test(test_case, a_truncation_starts_from_the_last_snapshot);
  tcase_add_test(test_case, truncation_leaves_what_ends_before_the_offset);
  tcase_add_test(test_case, logs_share_what_both_have);
  suite_add_tcase(suite, test_case);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_ENV);
  int failures = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failures != 0;
}
