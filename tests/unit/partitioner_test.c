#include "accumulator/partitioner.h"

#include "accumulator/partition_hash.h"
#include "base/allocator.h"
#include "base/status.h"
#include <check.h>
#include <stdlib.h>

enum { STICKY_BYTES = 1000, PARTITIONS_MAXIMUM = 64 };

static struct partitioner_settings settings;
static struct partitioner partitioner;
static struct random chance;

static void set_up(void) {
  settings = (struct partitioner_settings){.is_adaptive = true, .sticky_bytes = STICKY_BYTES};
  random_seed(&chance, 42);
}

static void tear_down(void) {
  partitioner_deinit(&partitioner);
}

static void start(enum partitioner_kind kind, int32_t partition_count) {
  partitioner_init(&partitioner, kind, &settings, "orders");
  ck_assert_int_eq(partitioner_resize(&partitioner, partition_count), STATUS_OK);
}

/* Without ck_assert on the way, which writes to a pipe each time: some tests choose very often. */
static int32_t choose(struct bytes key) {
  int32_t partition = -1;
  const int32_t status = partitioner_choose(&partitioner, &chance, key, bytes_of_string("value"), &partition);
  if (status != STATUS_OK) ck_abort_msg("status %d", status);
  if (partition < 0 || partition >= partitioner.candidates.partition_count) {
    ck_abort_msg("partition %d", partition);
  }
  return partition;
}

static int32_t choose_null(void) {
  return choose(bytes_of(NULL, 0));
}

static struct bytes empty_key(void) {
  return bytes_of("", 0);
}

/* Whether records with this key spread by chance, round or by bytes, rather than all going where its hash
 * says. */
static bool spreads(struct bytes key) {
  const int32_t first = choose(key);
  for (int record = 0; record < 200; record++) {
    const int32_t partition = choose(key);
    partitioner_note_append(&partitioner, partition, STICKY_BYTES, false);
    if (partition != first) return true;
  }
  return false;
}

/* ---- keys ---- */

static const struct {
  const char *key;
  int32_t crc32[2], murmur2[2], fnv1a[2]; /* of 12 and of 1009 partitions */
} placed_keys[] = {
    {"", {0, 0}, {9, 998}, {3, 457}},
    {"a", {3, 137}, {4, 496}, {0, 38}},
    {"kafka", {11, 258}, {4, 48}, {5, 865}},
    {"123456789", {2, 940}, {6, 461}, {0, 763}},
    {"user-0000000042", {4, 92}, {7, 874}, {7, 878}},
    {"d\xc3\xa9j\xc3\xa0 vu", {10, 492}, {0, 168}, {7, 378}},
};
enum { PLACED_KEY_COUNT = sizeof(placed_keys) / sizeof(placed_keys[0]) };

/* The table is what librdkafka's rd_kafka_msg_partitioner_consistent, _murmur2 and _fnv1a answer. */
START_TEST(keys_land_where_librdkafka_puts_them) {
  static const int32_t partition_counts[] = {12, 1009};
  for (size_t which = 0; which < 2; which++) {
    for (size_t index = 0; index < PLACED_KEY_COUNT; index++) {
      const struct {
        enum partitioner_kind kind;
        int32_t expected;
      } rows[] = {
          {PARTITIONER_CONSISTENT, placed_keys[index].crc32[which]},
          {PARTITIONER_CONSISTENT_RANDOM, placed_keys[index].crc32[which]},
          {PARTITIONER_MURMUR2, placed_keys[index].murmur2[which]},
          {PARTITIONER_MURMUR2_RANDOM, placed_keys[index].murmur2[which]},
          {PARTITIONER_DEFAULT, placed_keys[index].murmur2[which]},
          {PARTITIONER_FNV1A, placed_keys[index].fnv1a[which]},
          {PARTITIONER_FNV1A_RANDOM, placed_keys[index].fnv1a[which]},
      };
      for (size_t row = 0; row < sizeof(rows) / sizeof(rows[0]); row++) {
        const struct bytes key = bytes_of_string(placed_keys[index].key);
        if (rows[row].kind == PARTITIONER_CONSISTENT_RANDOM && key.size == 0) continue;
        start(rows[row].kind, partition_counts[which]);
        ck_assert_int_eq(choose(key), rows[row].expected);
        partitioner_deinit(&partitioner);
      }
    }
  }
  start(PARTITIONER_DEFAULT, 1);
}
END_TEST

/* librdkafka's CONFIGURATION.md, partitioner; Java's BuiltInPartitioner. */
START_TEST(null_and_empty_keys_follow_the_name) {
  static const struct {
    enum partitioner_kind kind;
    bool spreads_null, spreads_empty, spreads_others;
  } kinds[] = {
      {PARTITIONER_DEFAULT, true, false, false},
      {PARTITIONER_ROUND_ROBIN, true, true, true},
      {PARTITIONER_RANDOM, true, true, true},
      {PARTITIONER_CONSISTENT, false, false, false},
      {PARTITIONER_CONSISTENT_RANDOM, true, true, false},
      {PARTITIONER_MURMUR2, false, false, false},
      {PARTITIONER_MURMUR2_RANDOM, true, false, false},
      {PARTITIONER_FNV1A, false, false, false},
      {PARTITIONER_FNV1A_RANDOM, true, false, false},
  };
  ck_assert_uint_eq(sizeof(kinds) / sizeof(kinds[0]), PARTITIONER_KIND_COUNT);
  for (size_t index = 0; index < PARTITIONER_KIND_COUNT; index++) {
    start(kinds[index].kind, 12);
    ck_assert_int_eq(spreads(bytes_of(NULL, 0)), kinds[index].spreads_null);
    ck_assert_int_eq(spreads(empty_key()), kinds[index].spreads_empty);
    ck_assert_int_eq(spreads(bytes_of_string("k")), kinds[index].spreads_others);
    partitioner_deinit(&partitioner);
  }
  start(PARTITIONER_CONSISTENT, 12);
  ck_assert_int_eq(choose_null(), 0);
}
END_TEST

START_TEST(keys_can_be_ignored_by_the_default_only) {
  settings.ignore_keys = true;
  start(PARTITIONER_DEFAULT, 12);
  ck_assert(spreads(bytes_of_string("k")));
  partitioner_deinit(&partitioner);
  start(PARTITIONER_MURMUR2_RANDOM, 12);
  ck_assert(!spreads(bytes_of_string("k")));
}
END_TEST

START_TEST(keys_stay_when_their_partition_has_no_leader) {
  const struct partition_load loads[2] = {{.has_leader = true, .is_draining = true}, {.batch_count = 9}};
  start(PARTITIONER_DEFAULT, 2);
  partitioner_update(&partitioner, loads, 2);
  int on_leaderless_count = 0;
  for (uint8_t number = 0; number < 100; number++) {
    const struct bytes key = bytes_of(&number, 1);
    const int32_t partition = choose(key);
    ck_assert_int_eq(partition, (int32_t)((partition_hash_murmur2(key) & 0x7fffffff) % 2));
    on_leaderless_count += partition == 1;
  }
  ck_assert_int_gt(on_leaderless_count, 20);
}
END_TEST

/* ---- sticky ---- */

START_TEST(sticky_stays_until_a_batch_is_full) {
  start(PARTITIONER_DEFAULT, PARTITIONS_MAXIMUM);
  const int32_t first = choose_null();
  for (int record = 0; record < 9; record++) {
    ck_assert_int_eq(choose_null(), first);
    partitioner_note_append(&partitioner, first, 100, true);
  }
  partitioner_note_append(&partitioner, first, 99, false);
  ck_assert_int_eq(choose_null(), first);
  partitioner_note_append(&partitioner, first, 1, false);
  ck_assert_int_eq(partitioner.sticky_partition, -1);
}
END_TEST

/* KIP-794: moving on with a batch half full would send it so. */
START_TEST(sticky_waits_for_an_open_batch_but_not_beyond_twice_its_bytes) {
  start(PARTITIONER_DEFAULT, PARTITIONS_MAXIMUM);
  const int32_t first = choose_null();
  partitioner_note_append(&partitioner, first, STICKY_BYTES, true);
  partitioner_note_append(&partitioner, first, STICKY_BYTES - 1, true);
  ck_assert_int_eq(choose_null(), first);
  partitioner_note_append(&partitioner, first, 1, true);
  ck_assert_int_eq(partitioner.sticky_partition, -1);
  ck_assert_uint_eq(partitioner.sticky_produced_bytes, 0);
}
END_TEST

START_TEST(sticky_moves_on_when_the_sender_took_the_open_batch) {
  start(PARTITIONER_DEFAULT, PARTITIONS_MAXIMUM);
  const int32_t first = choose_null();
  partitioner_note_append(&partitioner, first, STICKY_BYTES - 1, true);
  partitioner_note_drained(&partitioner, first);
  ck_assert_int_eq(choose_null(), first);
  partitioner_note_append(&partitioner, first, 1, true);
  partitioner_note_drained(&partitioner, (first + 1) % PARTITIONS_MAXIMUM);
  ck_assert_int_eq(choose_null(), first);
  partitioner_note_drained(&partitioner, first);
  ck_assert_int_eq(partitioner.sticky_partition, -1);
}
END_TEST

START_TEST(other_partitions_appends_do_not_move_sticky) {
  start(PARTITIONER_DEFAULT, 2);
  const int32_t first = choose_null();
  partitioner_note_append(&partitioner, 1 - first, 100 * STICKY_BYTES, false);
  ck_assert_int_eq(choose_null(), first);
  ck_assert_uint_eq(partitioner.sticky_produced_bytes, 0);
}
END_TEST

START_TEST(no_sticky_bytes_move_on_with_each_record) {
  settings.sticky_bytes = 0;
  start(PARTITIONER_DEFAULT, 12);
  choose_null();
  partitioner_note_append(&partitioner, partitioner.sticky_partition, 1, true);
  ck_assert_int_eq(partitioner.sticky_partition, -1);
}
END_TEST

/* Sends records of mixed sizes without a key, and returns the bytes that each partition got. */
static void send_without_key(int record_count, uint64_t *bytes) {
  for (int record = 0; record < record_count; record++) {
    const int32_t partition = choose_null();
    const size_t size = 1 + random_below(&chance, 200);
    bytes[partition] += size;
    partitioner_note_append(&partitioner, partition, size, random_below(&chance, 4) != 0);
  }
}

START_TEST(sticky_gives_all_partitions_the_same_bytes_in_the_end) {
  uint64_t bytes[8] = {0}, sum = 0;
  start(PARTITIONER_DEFAULT, 8);
  send_without_key(400000, bytes);
  for (int32_t partition = 0; partition < 8; partition++)
    sum += bytes[partition];
  for (int32_t partition = 0; partition < 8; partition++) {
    ck_assert_uint_gt(bytes[partition], sum / 8 * 93 / 100);
    ck_assert_uint_lt(bytes[partition], sum / 8 * 107 / 100);
  }
}
END_TEST

/* Queues of 0, 4, 4 and 4 batches: weights 5, 1, 1 and 1. */
START_TEST(sticky_prefers_short_queues_if_it_is_adaptive) {
  struct partition_load loads[4];
  for (uint32_t partition = 0; partition < 4; partition++) {
    loads[partition] = (struct partition_load){
        .batch_count = partition == 0 ? 0 : 4, .has_leader = true, .is_draining = true};
  }
  uint64_t bytes[4] = {0};
  start(PARTITIONER_DEFAULT, 4);
  partitioner_update(&partitioner, loads, 4);
  send_without_key(400000, bytes);
  const uint64_t sum = bytes[0] + bytes[1] + bytes[2] + bytes[3];
  ck_assert_uint_gt(bytes[0], sum * 60 / 100);
  ck_assert_uint_lt(bytes[0], sum * 65 / 100);
  partitioner_deinit(&partitioner);

  settings.is_adaptive = false;
  uint64_t even_bytes[4] = {0};
  start(PARTITIONER_DEFAULT, 4);
  partitioner_update(&partitioner, loads, 4);
  send_without_key(400000, even_bytes);
  ck_assert_uint_gt(even_bytes[0], sum * 23 / 100);
  ck_assert_uint_lt(even_bytes[0], sum * 27 / 100);
}
END_TEST

START_TEST(sticky_leaves_a_partition_that_is_no_candidate_any_more) {
  struct partition_load loads[3];
  for (int32_t partition = 0; partition < 3; partition++)
    loads[partition] = (struct partition_load){.has_leader = true, .is_draining = true};
  start(PARTITIONER_DEFAULT, 3);
  const int32_t first = choose_null();
  partitioner_note_append(&partitioner, first, 10, true);
  partitioner_update(&partitioner, loads, 3);
  ck_assert_int_eq(choose_null(), first);

  loads[first].is_draining = false;
  partitioner_update(&partitioner, loads, 3);
  for (int record = 0; record < 1000; record++) {
    const int32_t partition = choose_null();
    ck_assert_int_ne(partition, first);
    partitioner_note_append(&partitioner, partition, STICKY_BYTES, false);
  }
  loads[first] = (struct partition_load){.has_leader = true, .is_draining = true};
  partitioner_update(&partitioner, loads, 3);
  uint64_t bytes[3] = {0};
  send_without_key(10000, bytes);
  ck_assert_uint_gt(bytes[first], 0);
}
END_TEST

/* Without the adaptive rule only leaders count. */
START_TEST(availability_counts_only_if_it_is_adaptive) {
  const struct partition_load loads[2] = {{.has_leader = true}, {.has_leader = true, .is_draining = true}};
  settings.is_adaptive = false;
  start(PARTITIONER_DEFAULT, 2);
  partitioner_update(&partitioner, loads, 2);
  uint64_t bytes[2] = {0};
  send_without_key(10000, bytes);
  ck_assert_uint_gt(bytes[0], 0);
  ck_assert_uint_gt(bytes[1], 0);
}
END_TEST

/* ---- round robin and random ---- */

/* KAFKA-9965: a batch that becomes full must not cost a partition its turn. */
START_TEST(round_robin_is_even_whatever_batches_do) {
  uint32_t counts[6] = {0};
  start(PARTITIONER_ROUND_ROBIN, 6);
  for (int record = 0; record < 6000; record++) {
    const int32_t partition = choose(record % 3 == 0 ? bytes_of(NULL, 0) : bytes_of_string("key"));
    ck_assert_int_eq(partition, record % 6);
    counts[partition]++;
    partitioner_note_append(&partitioner, partition, 1 + random_below(&chance, 5000), record % 2 == 0);
    if (record % 5 == 0) partitioner_note_drained(&partitioner, partition);
  }
  for (int32_t partition = 0; partition < 6; partition++)
    ck_assert_uint_eq(counts[partition], 1000);
}
END_TEST

START_TEST(round_robin_shares_the_turns_of_a_leaderless_partition_evenly) {
  const struct partition_load loads[4] = {{.has_leader = true, .batch_count = 50, .is_draining = true},
                                          {.has_leader = false},
                                          {.has_leader = true},
                                          {.has_leader = true, .is_draining = true}};
  uint32_t counts[4] = {0};
  start(PARTITIONER_ROUND_ROBIN, 4);
  partitioner_update(&partitioner, loads, 4);
  for (int record = 0; record < 3000; record++)
    counts[choose_null()]++;
  ck_assert_uint_eq(counts[0], 1000);
  ck_assert_uint_eq(counts[1], 0);
  ck_assert_uint_eq(counts[2], 1000);
  ck_assert_uint_eq(counts[3], 1000);
}
END_TEST

START_TEST(random_changes_with_each_record_and_is_even) {
  uint32_t counts[10] = {0};
  int repeat_count = 0;
  int32_t last = -1;
  start(PARTITIONER_RANDOM, 10);
  for (int record = 0; record < 100000; record++) {
    const int32_t partition = choose(bytes_of_string("same"));
    counts[partition]++;
    repeat_count += partition == last;
    last = partition;
  }
  for (int32_t partition = 0; partition < 10; partition++) {
    ck_assert_uint_gt(counts[partition], 9500);
    ck_assert_uint_lt(counts[partition], 10500);
  }
  ck_assert_int_gt(repeat_count, 9000);
  ck_assert_int_lt(repeat_count, 11000);
}
END_TEST

/* ---- partition count ---- */

START_TEST(new_partitions_are_used_and_keys_follow_the_new_count) {
  start(PARTITIONER_DEFAULT, 2);
  const int32_t first = choose_null();
  ck_assert_int_eq(partitioner_resize(&partitioner, 12), STATUS_OK);
  ck_assert_int_eq(choose_null(), first);
  ck_assert_int_eq(choose(bytes_of_string("user-0000000042")), 7);
  uint64_t bytes[12] = {0};
  send_without_key(40000, bytes);
  for (int32_t partition = 0; partition < 12; partition++)
    ck_assert_uint_gt(bytes[partition], 0);
}
END_TEST

START_TEST(a_topic_made_anew_with_fewer_partitions_is_followed) {
  const struct partition_load loads[1] = {{.has_leader = true, .is_draining = true}};
  start(PARTITIONER_DEFAULT, PARTITIONS_MAXIMUM);
  while (choose_null() == 0)
    partitioner_note_append(&partitioner, 0, 2 * STICKY_BYTES, true);
  ck_assert_int_eq(partitioner_resize(&partitioner, 1), STATUS_OK);
  ck_assert_int_eq(choose_null(), 0);
  partitioner_update(&partitioner, loads, 1);
  ck_assert_int_eq(choose_null(), 0);
}
END_TEST

static bool refuse_allocation(void *context) {
  (void)context;
  return false;
}

START_TEST(missing_memory_keeps_the_old_count) {
  start(PARTITIONER_DEFAULT, 3);
  const int32_t first = choose_null();
  allocator_set_hook(refuse_allocation, NULL);
  ck_assert_int_eq(partitioner_resize(&partitioner, 30), STATUS_OUT_OF_MEMORY);
  allocator_set_hook(NULL, NULL);
  ck_assert_int_eq(choose_null(), first);
  ck_assert_int_eq(partitioner.candidates.partition_count, 3);
}
END_TEST

/* ---- refusals ---- */

START_TEST(a_refused_record_keeps_its_turn_for_the_next) {
  start(PARTITIONER_ROUND_ROBIN, 4);
  for (int record = 0; record < 40; record++) {
    for (int attempt = 0; attempt < 3; attempt++) { /* each waits for memory three times */
      ck_assert_int_eq(choose_null(), record % 4);
      ck_assert(!partitioner_note_refused(&partitioner, bytes_of(NULL, 0), record % 4, false));
    }
    ck_assert_int_eq(choose_null(), record % 4);
  }
}
END_TEST

START_TEST(records_that_may_go_elsewhere_leave_a_full_partition) {
  start(PARTITIONER_ROUND_ROBIN, 4);
  ck_assert_int_eq(choose_null(), 0);
  ck_assert(partitioner_note_refused(&partitioner, bytes_of(NULL, 0), 0, true));
  ck_assert_int_eq(choose_null(), 1);
  tear_down();
  start(PARTITIONER_DEFAULT, 50);
  const int32_t stuck = choose_null();
  ck_assert(partitioner_note_refused(&partitioner, bytes_of(NULL, 0), stuck, true));
  ck_assert_int_eq(partitioner.sticky_partition, -1);
  int32_t other = choose_null();
  for (int attempt = 0; attempt < 3 && other == stuck; attempt++) {
    partitioner_note_refused(&partitioner, bytes_of(NULL, 0), other, true);
    other = choose_null();
  }
  ck_assert_int_ne(other, stuck);
  ck_assert(
      !partitioner_note_refused(&partitioner, bytes_of(NULL, 0), other, false)); /* all memory is used */
  ck_assert_int_eq(choose_null(), other);
}
END_TEST

START_TEST(records_with_a_place_of_their_own_wait_for_it) {
  start(PARTITIONER_DEFAULT, 50);
  const int32_t sticky = choose_null();
  ck_assert(!partitioner_note_refused(&partitioner, bytes_of_string("key"), sticky, true));
  ck_assert_int_eq(partitioner.sticky_partition, sticky);
}
END_TEST

/* ---- the callback ---- */

struct answer {
  int32_t status, partition;
  int asked_count;
};

static int32_t answer(void *user, const char *topic, struct bytes key, struct bytes value,
                      int32_t partition_count, int32_t *partition) {
  struct answer *wanted = user;
  wanted->asked_count++;
  ck_assert_str_eq(topic, "orders");
  ck_assert(bytes_equal(key, bytes_of_string("key")));
  ck_assert(bytes_equal(value, bytes_of_string("value")));
  ck_assert_int_eq(partition_count, 5);
  *partition = wanted->partition;
  return wanted->status;
}

START_TEST(the_callback_goes_before_every_kind) {
  struct answer wanted = {.status = STATUS_OK, .partition = 4};
  settings.callback = (struct partitioner_callback){.choose = answer, .user = &wanted};
  for (int kind = 0; kind < PARTITIONER_KIND_COUNT; kind++) {
    start((enum partitioner_kind)kind, 5);
    ck_assert_int_eq(choose(bytes_of_string("key")), 4);
    partitioner_deinit(&partitioner);
  }
  ck_assert_int_eq(wanted.asked_count, PARTITIONER_KIND_COUNT);
  start(PARTITIONER_DEFAULT, 5);
}
END_TEST

START_TEST(a_callback_that_fails_or_names_no_partition_is_refused) {
  static const struct answer bad[] = {{STATUS_OK, -1, 0},
                                      {STATUS_OK, 5, 0},
                                      {STATUS_OK, INT32_MIN, 0},
                                      {STATUS_OK, INT32_MAX, 0},
                                      {STATUS_INVALID_ARGUMENT, 1, 0}};
  start(PARTITIONER_DEFAULT, 5);
  for (size_t index = 0; index < sizeof(bad) / sizeof(bad[0]); index++) {
    struct answer wanted = bad[index];
    settings.callback = (struct partitioner_callback){.choose = answer, .user = &wanted};
    int32_t partition = 77;
    ck_assert_int_eq(partitioner_choose(&partitioner, &chance, bytes_of_string("key"),
                                        bytes_of_string("value"), &partition),
                     STATUS_PARTITIONER_FAILED);
    ck_assert_int_eq(partition, 77);
  }
}
END_TEST

int main(void) {
  Suite *suite = suite_create("partitioner");
  TCase *choices = tcase_create("choices");
  tcase_add_checked_fixture(choices, set_up, tear_down);
  tcase_add_test(choices, keys_land_where_librdkafka_puts_them);
  tcase_add_test(choices, null_and_empty_keys_follow_the_name);
  tcase_add_test(choices, keys_can_be_ignored_by_the_default_only);
  tcase_add_test(choices, keys_stay_when_their_partition_has_no_leader);
  tcase_add_test(choices, sticky_stays_until_a_batch_is_full);
  tcase_add_test(choices, sticky_waits_for_an_open_batch_but_not_beyond_twice_its_bytes);
  tcase_add_test(choices, sticky_moves_on_when_the_sender_took_the_open_batch);
  tcase_add_test(choices, other_partitions_appends_do_not_move_sticky);
  tcase_add_test(choices, no_sticky_bytes_move_on_with_each_record);
  tcase_add_test(choices, sticky_gives_all_partitions_the_same_bytes_in_the_end);
  tcase_add_test(choices, sticky_prefers_short_queues_if_it_is_adaptive);
  tcase_add_test(choices, sticky_leaves_a_partition_that_is_no_candidate_any_more);
  tcase_add_test(choices, availability_counts_only_if_it_is_adaptive);
  tcase_add_test(choices, round_robin_is_even_whatever_batches_do);
  tcase_add_test(choices, round_robin_shares_the_turns_of_a_leaderless_partition_evenly);
  tcase_add_test(choices, random_changes_with_each_record_and_is_even);
  tcase_add_test(choices, new_partitions_are_used_and_keys_follow_the_new_count);
  tcase_add_test(choices, a_topic_made_anew_with_fewer_partitions_is_followed);
  tcase_add_test(choices, missing_memory_keeps_the_old_count);
  tcase_add_test(choices, a_refused_record_keeps_its_turn_for_the_next);
  tcase_add_test(choices, records_that_may_go_elsewhere_leave_a_full_partition);
  tcase_add_test(choices, records_with_a_place_of_their_own_wait_for_it);
  tcase_add_test(choices, the_callback_goes_before_every_kind);
  tcase_add_test(choices, a_callback_that_fails_or_names_no_partition_is_refused);
  suite_add_tcase(suite, choices);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_ENV);
  const int failed_count = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failed_count != 0;
}
