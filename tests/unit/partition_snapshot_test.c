#include "sender/partition_snapshot.h"

#include "base/status.h"
#include "support/failing_allocator.h"
#include <check.h>
#include <stdlib.h>

static const int32_t no_nodes[] = {-1};
static struct wire_writer body;
static struct partition_snapshot *snapshot;

static void set_up(void) {
  body = (struct wire_writer){.data = NULL};
  snapshot = NULL;
}

static void tear_down(void) {
  partition_snapshot_destroy(snapshot);
  wire_writer_deinit(&body);
}

/* Nodes end with -1. */
static void write_nodes(int16_t version, const int32_t *nodes) {
  int32_t count = 0;
  while (nodes[count] >= 0)
    count++;
  wire_write_array_count(&body, version >= 9, count);
  for (int32_t i = 0; i < count; i++)
    wire_write_int32(&body, nodes[i]);
}

static void write_partition(int16_t version, int16_t error_code, int32_t index, int32_t leader_id,
                            const int32_t *replicas, const int32_t *isr, const int32_t *offline) {
  wire_write_int16(&body, error_code);
  wire_write_int32(&body, index);
  wire_write_int32(&body, leader_id);
  if (version >= 7) wire_write_int32(&body, index + 100);
  write_nodes(version, replicas);
  write_nodes(version, isr);
  if (version >= 5) write_nodes(version, offline);
  wire_write_no_tags(&body, version >= 9);
}

static int32_t create(int32_t count, int16_t version) {
  ck_assert(!body.failed);
  return partition_snapshot_create(count, wire_reader_of(bytes_of(body.data, body.size)), version, &snapshot);
}

static void expect_nodes(const struct partition_description *partition, enum partition_nodes kind,
                         const int32_t *expected) {
  uint32_t count = 0;
  while (expected[count] >= 0)
    count++;
  ck_assert_uint_eq(partition->node_count[kind], count);
  for (uint32_t i = 0; i < count; i++)
    ck_assert_int_eq(snapshot->nodes[partition->first_node[kind] + i], expected[i]);
}

START_TEST(partitions_are_copied_in_order_of_their_index) {
  int16_t version = (int16_t)_i;
  const int32_t replicas[] = {1, 2, 3, -1}, isr[] = {3, 1, -1}, offline[] = {2, -1}, alone[] = {7, -1};
  write_partition(version, STATUS_OK, 2, 3, replicas, isr, offline);
  write_partition(version, STATUS_LEADER_NOT_AVAILABLE, 0, -1, alone, no_nodes, alone);
  write_partition(version, STATUS_OK, 1, 7, alone, alone, no_nodes);
  ck_assert_int_eq(create(3, version), STATUS_OK);
  memset(body.data, 0xee, body.size); /* nothing is borrowed */
  ck_assert_uint_eq(snapshot->count, 3);
  const int32_t leaders[] = {-1, 7, 3}, statuses[] = {STATUS_LEADER_NOT_AVAILABLE, STATUS_OK, STATUS_OK};
  for (int32_t i = 0; i < 3; i++) {
    const struct partition_description *partition = &snapshot->partitions[i];
    ck_assert_int_eq(partition->index, i);
    ck_assert_int_eq(partition->status, statuses[i]);
    ck_assert_int_eq(partition->leader_id, leaders[i]);
    ck_assert_int_eq(partition->leader_epoch, version >= 7 ? i + 100 : -1);
  }
  expect_nodes(&snapshot->partitions[0], PARTITION_REPLICAS, alone);
  expect_nodes(&snapshot->partitions[0], PARTITION_IN_SYNC, no_nodes);
  expect_nodes(&snapshot->partitions[0], PARTITION_OFFLINE, version >= 5 ? alone : no_nodes);
  expect_nodes(&snapshot->partitions[1], PARTITION_REPLICAS, alone);
  expect_nodes(&snapshot->partitions[1], PARTITION_IN_SYNC, alone);
  expect_nodes(&snapshot->partitions[1], PARTITION_OFFLINE, no_nodes);
  expect_nodes(&snapshot->partitions[2], PARTITION_REPLICAS, replicas);
  expect_nodes(&snapshot->partitions[2], PARTITION_IN_SYNC, isr);
  expect_nodes(&snapshot->partitions[2], PARTITION_OFFLINE, version >= 5 ? offline : no_nodes);
}
END_TEST

START_TEST(partitions_without_any_node_are_described) {
  write_partition(13, STATUS_OK, 0, -1, no_nodes, no_nodes, no_nodes);
  ck_assert_int_eq(create(1, 13), STATUS_OK);
  ck_assert_uint_eq(snapshot->count, 1);
  for (int kind = 0; kind < PARTITION_NODES_COUNT; kind++)
    ck_assert_uint_eq(snapshot->partitions[0].node_count[kind], 0);
}
END_TEST

START_TEST(large_topics_keep_every_node) {
  enum { COUNT = 5000 };
  for (int32_t i = 0; i < COUNT; i++) {
    int32_t index = (i * 7 + 3) % COUNT; /* each once: 7 and 5000 share no factor */
    const int32_t replicas[] = {index, index + 1, index + 2, -1}, offline[] = {index + 2, -1};
    write_partition(9, STATUS_OK, index, index, replicas, replicas, offline);
  }
  ck_assert_int_eq(create(COUNT, 9), STATUS_OK);
  for (int32_t i = 0; i < COUNT; i++) {
    const int32_t replicas[] = {i, i + 1, i + 2, -1}, offline[] = {i + 2, -1};
    ck_assert_int_eq(snapshot->partitions[i].index, i);
    expect_nodes(&snapshot->partitions[i], PARTITION_REPLICAS, replicas);
    expect_nodes(&snapshot->partitions[i], PARTITION_IN_SYNC, replicas);
    expect_nodes(&snapshot->partitions[i], PARTITION_OFFLINE, offline);
  }
}
END_TEST

START_TEST(without_memory_there_is_none) {
  const int32_t replicas[] = {1, 2, -1};
  write_partition(9, STATUS_OK, 0, 1, replicas, replicas, no_nodes);
  uint32_t failures = 0;
  for (bool failed = true; failed; failures++) {
    failing_allocator_start(failures);
    int32_t status = create(1, 9);
    failed = failing_allocator_stop();
    ck_assert_int_eq(status, failed ? STATUS_OUT_OF_MEMORY : STATUS_OK);
    ck_assert((snapshot == NULL) == failed);
  }
  ck_assert_uint_eq(failures, 4); /* the snapshot, its partitions, their nodes; then none */
}
END_TEST

START_TEST(no_snapshot_may_be_destroyed) {
  partition_snapshot_destroy(NULL);
}
END_TEST

int main(void) {
  Suite *suite = suite_create("partition_snapshot");
  TCase *tcase = tcase_create("partition_snapshot");
  suite_add_tcase(suite, tcase);
  tcase_add_checked_fixture(tcase, set_up, tear_down);
  tcase_add_loop_test(tcase, partitions_are_copied_in_order_of_their_index, 4, 14);
  tcase_add_test(tcase, partitions_without_any_node_are_described);
  tcase_add_test(tcase, large_topics_keep_every_node);
  tcase_add_test(tcase, without_memory_there_is_none);
  tcase_add_test(tcase, no_snapshot_may_be_destroyed);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_ENV);
  int failed = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
