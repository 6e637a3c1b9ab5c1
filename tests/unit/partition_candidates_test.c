#include "accumulator/partition_candidates.h"

#include "base/allocator.h"
#include "base/status.h"
#include <check.h>
#include <stdlib.h>

enum { DRAW_COUNT = 200000, PARTITIONS_MAXIMUM = 16 };

static struct partition_candidates candidates;
static struct random chance;
static uint32_t drawn[PARTITIONS_MAXIMUM];

static void set_up(void) {
  partition_candidates_init(&candidates);
  random_seed(&chance, 794);
}

static void tear_down(void) {
  partition_candidates_deinit(&candidates);
}

/* Draws often and counts what came. */
static void draw_many(void) {
  memset(drawn, 0, sizeof(drawn));
  for (int draw = 0; draw < DRAW_COUNT; draw++) {
    const int32_t partition = partition_candidates_draw(&candidates, &chance);
    if (partition < 0 || partition >= PARTITIONS_MAXIMUM) ck_abort_msg("partition %d", partition);
    drawn[partition]++;
  }
}

/* Within 2 % of all draws: at this many, more than ten standard deviations. */
static void assert_share(int32_t partition, double share) {
  const double wanted = share * DRAW_COUNT;
  ck_assert_double_ge(drawn[partition], wanted - 0.02 * DRAW_COUNT);
  ck_assert_double_le(drawn[partition], wanted + 0.02 * DRAW_COUNT);
}

static struct partition_load load_of(uint32_t batch_count) {
  return (struct partition_load){.batch_count = batch_count, .has_leader = true, .is_draining = true};
}

START_TEST(without_loads_all_partitions_come_alike) {
  ck_assert_int_eq(partition_candidates_resize(&candidates, 5), STATUS_OK);
  draw_many();
  for (int32_t partition = 0; partition < 5; partition++)
    assert_share(partition, 0.2);
  for (uint32_t turn = 0; turn < 20; turn++)
    ck_assert_int_eq(partition_candidates_at(&candidates, turn), (int32_t)turn % 5);
}
END_TEST

START_TEST(partitions_without_leader_are_left_out) {
  struct partition_load loads[4] = {load_of(0), load_of(9), load_of(0), load_of(0)};
  loads[0].has_leader = false;
  loads[3].has_leader = false;
  ck_assert_int_eq(partition_candidates_resize(&candidates, 4), STATUS_OK);
  partition_candidates_update(&candidates, loads, 4);
  draw_many();
  ck_assert_uint_eq(drawn[0] + drawn[3], 0);
  assert_share(1, 0.5);
  assert_share(2, 0.5);
  for (uint32_t turn = 0; turn < 6; turn++)
    ck_assert_int_eq(partition_candidates_at(&candidates, turn), turn % 2 == 0 ? 1 : 2);
  for (int32_t partition = -1; partition < 6; partition++)
    ck_assert_int_eq(partition_candidates_contain(&candidates, partition), partition == 1 || partition == 2);
}
END_TEST

START_TEST(no_leader_at_all_leaves_all) {
  struct partition_load loads[3] = {load_of(0), load_of(0), load_of(0)};
  for (int32_t partition = 0; partition < 3; partition++)
    loads[partition].has_leader = false;
  ck_assert_int_eq(partition_candidates_resize(&candidates, 3), STATUS_OK);
  partition_candidates_update(&candidates, loads, 3);
  draw_many();
  for (int32_t partition = 0; partition < 3; partition++)
    assert_share(partition, 1.0 / 3);
  partition_candidates_update_weighted(&candidates, loads, 3);
  draw_many();
  for (int32_t partition = 0; partition < 3; partition++)
    assert_share(partition, 1.0 / 3);
}
END_TEST

/* The example of KIP-794: queues of 0, 3 and 1 batches are chosen 4, 1 and 3 times of 8. */
START_TEST(short_queues_come_more_often) {
  const struct partition_load loads[3] = {load_of(0), load_of(3), load_of(1)};
  ck_assert_int_eq(partition_candidates_resize(&candidates, 3), STATUS_OK);
  partition_candidates_update_weighted(&candidates, loads, 3);
  ck_assert_int_eq(candidates.count, 3);
  ck_assert_uint_eq(candidates.entries[0].weight_up_to_here, 4);
  ck_assert_uint_eq(candidates.entries[1].weight_up_to_here, 5);
  ck_assert_uint_eq(candidates.entries[2].weight_up_to_here, 8);
  draw_many();
  assert_share(0, 4.0 / 8);
  assert_share(1, 1.0 / 8);
  assert_share(2, 3.0 / 8);
}
END_TEST

START_TEST(equal_queues_need_no_table) {
  const struct partition_load loads[3] = {load_of(7), load_of(7), load_of(7)};
  ck_assert_int_eq(partition_candidates_resize(&candidates, 3), STATUS_OK);
  partition_candidates_update_weighted(&candidates, loads, 3);
  ck_assert_int_eq(candidates.count, 0);
  draw_many();
  assert_share(0, 1.0 / 3);
  assert_share(2, 1.0 / 3);
}
END_TEST

/* The long queue of the broker that stands still says nothing about the others. */
START_TEST(partitions_that_do_not_drain_are_left_out_and_do_not_count) {
  struct partition_load loads[3] = {load_of(1), load_of(1000), load_of(0)};
  loads[1].is_draining = false;
  ck_assert_int_eq(partition_candidates_resize(&candidates, 3), STATUS_OK);
  partition_candidates_update_weighted(&candidates, loads, 3);
  draw_many();
  assert_share(0, 1.0 / 3);
  ck_assert_uint_eq(drawn[1], 0);
  assert_share(2, 2.0 / 3);
  partition_candidates_update(&candidates, loads, 3);
  draw_many();
  assert_share(1, 1.0 / 3);
}
END_TEST

START_TEST(nothing_draining_leaves_those_with_a_leader) {
  struct partition_load loads[3] = {load_of(0), load_of(0), load_of(1)};
  for (int32_t partition = 0; partition < 3; partition++)
    loads[partition].is_draining = false;
  loads[0].has_leader = false;
  ck_assert_int_eq(partition_candidates_resize(&candidates, 3), STATUS_OK);
  partition_candidates_update_weighted(&candidates, loads, 3);
  draw_many();
  ck_assert_uint_eq(drawn[0], 0);
  assert_share(1, 2.0 / 3);
  assert_share(2, 1.0 / 3);
}
END_TEST

START_TEST(one_candidate_is_always_drawn) {
  struct partition_load loads[2] = {load_of(5), load_of(0)};
  loads[1].has_leader = false;
  ck_assert_int_eq(partition_candidates_resize(&candidates, 2), STATUS_OK);
  partition_candidates_update_weighted(&candidates, loads, 2);
  draw_many();
  ck_assert_uint_eq(drawn[0], DRAW_COUNT);
}
END_TEST

START_TEST(enormous_queues_do_not_overflow_the_weights) {
  enum { COUNT = 1000 };
  static struct partition_load loads[COUNT];
  for (int32_t partition = 0; partition < COUNT; partition++)
    loads[partition] = load_of(0);
  loads[0].batch_count = UINT32_MAX;
  ck_assert_int_eq(partition_candidates_resize(&candidates, COUNT), STATUS_OK);
  partition_candidates_update_weighted(&candidates, loads, COUNT);
  ck_assert_int_eq(candidates.count, COUNT);
  ck_assert_uint_eq(candidates.entries[0].weight_up_to_here, 1);
  for (int32_t entry = 1; entry < COUNT; entry++) {
    ck_assert_uint_gt(candidates.entries[entry].weight_up_to_here,
                      candidates.entries[entry - 1].weight_up_to_here);
  }
}
END_TEST

START_TEST(growth_starts_from_an_empty_table) {
  struct partition_load loads[4] = {load_of(0), load_of(3), load_of(0), load_of(0)};
  ck_assert_int_eq(partition_candidates_resize(&candidates, 2), STATUS_OK);
  partition_candidates_update_weighted(&candidates, loads, 2);
  ck_assert_int_eq(candidates.count, 2);
  ck_assert_int_eq(partition_candidates_resize(&candidates, 4), STATUS_OK);
  draw_many();
  for (int32_t partition = 0; partition < 4; partition++)
    assert_share(partition, 0.25);
  /* Loads of the first two only: the new ones wait for theirs. */
  loads[1].batch_count = 0;
  partition_candidates_update_weighted(&candidates, loads, 2);
  draw_many();
  assert_share(0, 0.5);
  assert_share(1, 0.5);
  partition_candidates_update_weighted(&candidates, loads, 4);
  draw_many();
  assert_share(3, 0.25);
  partition_candidates_update(&candidates, loads, 0);
  ck_assert_int_eq(candidates.count, 0);
}
END_TEST

static bool refuse_allocation(void *context) {
  (void)context;
  return false;
}

START_TEST(missing_memory_changes_nothing) {
  ck_assert_int_eq(partition_candidates_resize(&candidates, 2), STATUS_OK);
  allocator_set_hook(refuse_allocation, NULL);
  ck_assert_int_eq(partition_candidates_resize(&candidates, 9), STATUS_OUT_OF_MEMORY);
  ck_assert_int_eq(partition_candidates_resize(&candidates, 1), STATUS_OK);
  ck_assert_int_eq(partition_candidates_resize(&candidates, 2), STATUS_OK);
  allocator_set_hook(NULL, NULL);
  draw_many();
  assert_share(0, 0.5);
  assert_share(1, 0.5);
}
END_TEST

int main(void) {
  Suite *suite = suite_create("partition_candidates");
  TCase *table = tcase_create("table");
  tcase_add_checked_fixture(table, set_up, tear_down);
  tcase_add_test(table, without_loads_all_partitions_come_alike);
  tcase_add_test(table, partitions_without_leader_are_left_out);
  tcase_add_test(table, no_leader_at_all_leaves_all);
  tcase_add_test(table, short_queues_come_more_often);
  tcase_add_test(table, equal_queues_need_no_table);
  tcase_add_test(table, partitions_that_do_not_drain_are_left_out_and_do_not_count);
  tcase_add_test(table, nothing_draining_leaves_those_with_a_leader);
  tcase_add_test(table, one_candidate_is_always_drawn);
  tcase_add_test(table, enormous_queues_do_not_overflow_the_weights);
  tcase_add_test(table, growth_starts_from_an_empty_table);
  tcase_add_test(table, missing_memory_changes_nothing);
  suite_add_tcase(suite, table);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_ENV);
  const int failed_count = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failed_count != 0;
}
