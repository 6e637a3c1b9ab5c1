/* The check bites: each invariant is broken in turn. */
#include "accumulator/accumulator_check.h"

#include "base/status.h"
#include "support/accumulator_world.h"
#include "support/expect_abort.h"
#include <check.h>

static struct accumulator accumulator;
static struct topic *known, *unknown;
static struct partition *idle, *lingering, *ready, *taken;

/* A partition in each state, staged batches, and one batch in flight. */
static void set_up(void) {
  struct accumulator_settings settings = world_settings();
  world_start(&accumulator, &settings);
  known = world_topic(&accumulator, "known", 5);
  unknown = world_topic(&accumulator, "unknown", 0);
  idle = world_partition(known, 0);
  lingering = world_partition(known, 1);
  ready = world_partition(known, 2);
  taken = world_partition(known, 3);
  for (int i = 0; i < 3; i++) {
    world_accept(&accumulator, known, 3, 0, 10000, 0);
    world_accept(&accumulator, unknown, -1, 0, 10000, 0);
  }
  ck_assert_ptr_eq(accumulator_take(&accumulator), taken);
  world_drain(&accumulator, taken, 0);
  world_accept(&accumulator, known, 2, 0, 10000, 0);
  world_accept(&accumulator, known, 2, 0, 10000, 0);
  world_accept(&accumulator, known, 1, 0, 10, 0);
  world_accept(&accumulator, known, 4, 0, 10, 1);
  accumulator_check(&accumulator);
}

static void tear_down(void) {
  accumulator_deinit(&accumulator);
}

static struct batch *first_of(const struct list *batches) {
  return LIST_ENTRY(batches->next, struct batch, queue_node);
}

static void lose_a_record(void) {
  accumulator.totals.accepted++;
}
static void mix_up_numbers(void) {
  LIST_ENTRY(accumulator.incomplete.next, struct batch, incomplete_node)->number = accumulator.last_number;
}
static void mix_up_creation(void) {
  LIST_ENTRY(accumulator.incomplete.next, struct batch, incomplete_node)->created_us = INT64_MAX;
}
static void empty_a_batch(void) {
  first_of(&ready->batches)->record_count = 0;
}
static void send_an_unsent_batch(void) {
  first_of(&ready->batches)->state = BATCH_IN_FLIGHT;
}
static void forget_a_deadline(void) {
  accumulator.next_expiry_us = INT64_MAX;
}
static void free_a_share(void) {
  first_of(&ready->batches)->shares = 0;
}
static void overrun_the_entries(void) {
  first_of(&ready->batches)->records_bytes = 16 * 1024 - 8;
}
static void forget_a_staged_topic(void) {
  list_remove(&unknown->staged_node);
}
static void want_silently(void) {
  unknown->metadata_wanted = false;
}
static void reopen_a_staged_batch(void) {
  first_of(&unknown->staged)->state = BATCH_OPEN;
}
static void reopen_a_batch(void) {
  first_of(&ready->batches)->state = BATCH_OPEN;
}
static void miscount_batches(void) {
  ready->batch_count++;
}
static void idle_with_batches(void) {
  list_remove(&lingering->state_node);
  lingering->state = PARTITION_IDLE;
}
static void linger_unlisted(void) {
  list_remove(&lingering->state_node);
}
static void ready_in_the_wrong_list(void) {
  list_remove(&ready->state_node);
  list_append(&accumulator.lingering, &ready->state_node);
}
static void ready_with_nothing(void) {
  idle->state = PARTITION_READY;
  list_append(&accumulator.ready, &idle->state_node);
}
static void take_without_leaving(void) {
  list_append(&accumulator.ready, &taken->state_node);
}
static void linger_out_of_order(void) {
  struct list *node = &lingering->state_node;
  list_remove(node);
  list_append(&accumulator.lingering, node);
}
static void leak_held_bytes(void) {
  ready->held_bytes += 1024;
}
static void leak_staged_bytes(void) {
  accumulator.staged_bytes += 1024;
}
static void leak_a_block(void) {
  ck_assert_ptr_nonnull(buffer_pool_allocate(accumulator.pool, 1));
}
static void sleep_with_work(void) {
  accumulator.sleep_until_us = 1;
}
static void sleep_too_long(void) {
  accumulator.sleep_until_us = INT64_MAX;
}

static const struct {
  void (*corrupt)(void);
  const char *what;
} corruptions[] = {
    {lose_a_record, "totals.accepted =="},
    {mix_up_numbers, "batch->number >= number"},
    {mix_up_creation, "batch->created_us >= created_us"},
    {empty_a_batch, "batch->record_count > 0"},
    {send_an_unsent_batch, "!batch->unsent ||"},
    {forget_a_deadline, "batch->deadline_us >= accumulator->next_expiry_us"},
    {free_a_share, "root->shares > 0"},
    {overrun_the_entries, "batch->records + batch->records_bytes <="},
    {forget_a_staged_topic, "list_is_linked(&topic->staged_node) =="},
    {want_silently, "topic->metadata_wanted"},
    {reopen_a_staged_batch, "&topic->staged"},
    {reopen_a_batch, "&partition->batches"},
    {miscount_batches, "count == partition->batch_count"},
    {idle_with_batches, "partition->batch_count == 0"},
    {linger_unlisted, "contains(&accumulator->lingering"},
    {ready_in_the_wrong_list, "contains(&accumulator->ready"},
    {ready_with_nothing, "partition->batch_count > 0"},
    {take_without_leaving, "!list_is_linked(&partition->state_node)"},
    {linger_out_of_order, "due_us >= before_us"},
    {leak_held_bytes, "buffer_pool_used_bytes"},
    {leak_staged_bytes, "staged_bytes == accumulator->staged_bytes"},
    {leak_a_block, "buffer_pool_used_bytes"},
    {sleep_with_work, "list_is_empty(&accumulator->ready)"},
    {sleep_too_long, "accumulator->sleep_until_us"},
};

static void check_corrupted(void *index) {
  corruptions[*(int *)index].corrupt();
  accumulator_check(&accumulator);
}

START_TEST(each_broken_invariant_is_noticed) {
  expect_abort(check_corrupted, &(int){_i}, corruptions[_i].what);
}
END_TEST

int main(void) {
  Suite *suite = suite_create("accumulator_check");
  TCase *test_case = tcase_create("all");
  tcase_add_checked_fixture(test_case, set_up, tear_down);
  tcase_add_loop_test(test_case, each_broken_invariant_is_noticed, 0,
                      (int)(sizeof corruptions / sizeof corruptions[0]));
  suite_add_tcase(suite, test_case);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_ENV);
  int failures = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failures != 0;
}
