#include "sender/cluster.h"

#include "base/clock.h"
#include "base/status.h"
#include "support/cluster_world.h"
#include "support/failing_allocator.h"
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MS ((int64_t)CLIENT_WORLD_MS)
#define S  ((int64_t)CLIENT_WORLD_S)

/* What answers say; cluster_test.c is about when the view asks. */
static struct cluster_world world;
static struct sender_topic *topic_a; /* known to have been asked about at the start of each test */

static void set_up(void) {
  cluster_world_init(&world);
}

static void tear_down(void) {
  cluster_world_deinit(&world);
}

static void ask(struct sender_topic *topic) {
  cluster_want_topic(&world.cluster, topic);
  uint32_t before = cluster_world_request_count(&world);
  cluster_world_run(&world, 2 * S); /* whatever backoff is under way */
  ck_assert_uint_eq(cluster_world_request_count(&world), before + 1);
}

/* A view that knows the topic a by these partitions. */
static void start_with(const char *partitions) {
  cluster_world_start(&world);
  cluster_world_become_known(&world);
  topic_a = cluster_world_topic(&world, "a");
  ask(topic_a);
  cluster_world_answer_topic(&world, "a", STATUS_OK, partitions);
  world.news[0] = '\0';
}

static void describe_again(uint8_t id, const char *partitions) {
  ask(topic_a);
  cluster_world_begin_answer(&world, 1);
  metadata_answer_topic(&world.answer, "a", STATUS_OK, id, partitions);
  cluster_world_answer(&world, STATUS_OK);
}

static void expect_leader(int32_t partition, int32_t id, int32_t epoch) {
  struct partition_leader leader = cluster_leader(topic_a, partition);
  ck_assert_int_eq(leader.id, id);
  ck_assert_int_eq(leader.epoch, epoch);
}

/* ---- leaders ---- */

START_TEST(partitions_come_in_any_order) {
  start_with("2:3/7 0:1/5 1:2/6");
  expect_leader(0, 1, 5);
  expect_leader(1, 2, 6);
  expect_leader(2, 3, 7);
  expect_leader(3, -1, -1);
  expect_leader(-1, -1, -1);
  ck_assert_int_eq(topic_a->partition_count, 3);
  ck_assert_int_eq(topic_a->topic->partition_count, 3);
}
END_TEST

START_TEST(what_has_not_changed_is_no_news) {
  start_with("0:1/5 1:2/6");
  describe_again(0x11, "0:1/5 1:2/6");
  cluster_world_expect(&world, "described:a=2 partitions:a=2 ");
  describe_again(0x11, "0:1/5 1:3/7");
  cluster_world_expect(&world, "described:a=2 leader:a/1=3 partitions:a=2 ");
}
END_TEST

START_TEST(an_older_leader_epoch_is_ignored) {
  start_with("0:1/5");
  describe_again(0x11, "0:2/4");
  cluster_world_expect(&world, "described:a=1 partitions:a=1 ");
  expect_leader(0, 1, 5);
  describe_again(0x11, "0:2/5"); /* the same epoch may correct what was said */
  cluster_world_expect(&world, "described:a=1 leader:a/0=2 partitions:a=1 ");
  describe_again(0x11, "0:1/6");
  expect_leader(0, 1, 6);
  describe_again(0x11, "0:-1/5");
  expect_leader(0, 1, 6);
}
END_TEST

START_TEST(a_partition_may_lose_its_leader) {
  start_with("0:1/5 1:2/6");
  describe_again(0x11, "0:-1/6!5 1:2/6");
  cluster_world_expect(&world, "described:a=2 leader:a/0=-1 partitions:a=2 ");
  expect_leader(0, -1, 6);
  describe_again(0x11, "0:2/7 1:2/6");
  cluster_world_expect(&world, "described:a=2 leader:a/0=2 partitions:a=2 ");
}
END_TEST

START_TEST(the_error_of_a_partition_decides_whether_its_leader_counts) {
  start_with("0:1/5!5 1:2/6!9 2:3/7!3"); /* 9: only a replica is missing */
  expect_leader(0, -1, 5);
  expect_leader(1, 2, 6);
  expect_leader(2, -1, 7);
}
END_TEST

START_TEST(brokers_that_tell_no_epoch_are_believed) {
  world.network.broker.capped_key = API_METADATA;
  world.network.broker.capped_maximum = 6;
  start_with("0:1/5");
  expect_leader(0, 1, -1);
  describe_again(0x11, "0:2/0");
  expect_leader(0, 2, -1);
  cluster_world_expect(&world, "described:a=1 leader:a/0=2 partitions:a=1 ");
}
END_TEST

START_TEST(a_hint_counts_if_its_epoch_is_newer) {
  start_with("0:1/5 1:2/6");
  ck_assert(!cluster_hint_leader(&world.cluster, topic_a, 0, (struct partition_leader){3, 5}));
  ck_assert(!cluster_hint_leader(&world.cluster, topic_a, 0, (struct partition_leader){3, 4}));
  ck_assert(!cluster_hint_leader(&world.cluster, topic_a, 0, (struct partition_leader){-1, 9}));
  ck_assert(!cluster_hint_leader(&world.cluster, topic_a, 2, (struct partition_leader){3, 9}));
  ck_assert(!cluster_hint_leader(&world.cluster, topic_a, -1, (struct partition_leader){3, 9}));
  ck_assert(!cluster_hint_leader(&world.cluster, topic_a, INT32_MAX, (struct partition_leader){3, 9}));
  cluster_world_expect(&world, "");
  expect_leader(0, 1, 5);
  ck_assert(cluster_hint_leader(&world.cluster, topic_a, 0, (struct partition_leader){3, 7}));
  cluster_world_expect(&world, "leader:a/0=3 ");
  expect_leader(0, 3, 7);
  describe_again(0x11, "0:1/6 1:2/6"); /* a broker that has not heard of it yet */
  cluster_world_expect(&world, "described:a=2 partitions:a=2 ");
  expect_leader(0, 3, 7);
}
END_TEST

START_TEST(a_hint_of_the_same_leader_moves_nothing_but_its_epoch) {
  start_with("0:1/5");
  ck_assert(!cluster_hint_leader(&world.cluster, topic_a, 0, (struct partition_leader){1, 8}));
  cluster_world_expect(&world, "");
  expect_leader(0, 1, 8);
}
END_TEST

/* ---- partition counts ---- */

START_TEST(partitions_may_be_added) {
  start_with("0:1/5");
  describe_again(0x11, "0:1/5 1:2/0 2:3/0");
  cluster_world_expect(&world, "described:a=3 leader:a/1=2 leader:a/2=3 partitions:a=3 ");
  ck_assert_int_eq(topic_a->topic->partition_count, 3);
  expect_leader(0, 1, 5);
  expect_leader(2, 3, 0);
}
END_TEST

START_TEST(fewer_partitions_leave_the_others_as_they_were) {
  start_with("0:1/5 1:2/6 2:3/7");
  describe_again(0x11, "0:2/6");
  cluster_world_expect(&world, "described:a=1 leader:a/0=2 partitions:a=3 ");
  ck_assert_int_eq(topic_a->topic->partition_count, 3);
  expect_leader(2, 3, 7);
}
END_TEST

/* ---- topic ids ---- */

START_TEST(another_id_means_that_the_topic_was_made_again) {
  start_with("0:1/5 1:2/6");
  describe_again(0x22, "0:1/0 1:3/0"); /* its epochs begin again */
  cluster_world_expect(&world, "described:a=2 recreated:a leader:a/0=1 leader:a/1=3 partitions:a=2 ");
  expect_leader(0, 1, 0);
  expect_leader(1, 3, 0);
  ck_assert_int_eq(topic_a->id.octets[0], 0x22);
  describe_again(0x22, "0:1/0 1:3/0");
  cluster_world_expect(&world, "described:a=2 partitions:a=2 ");
}
END_TEST

START_TEST(an_id_that_is_not_told_says_nothing) {
  start_with("0:1/5");
  describe_again(0, "0:1/5");
  cluster_world_expect(&world, "described:a=1 partitions:a=1 ");
  describe_again(0x11, "0:1/5");
  cluster_world_expect(&world, "described:a=1 partitions:a=1 ");
}
END_TEST

START_TEST(a_topic_deleted_and_made_again_is_noticed_though_it_was_unknown_in_between) {
  start_with("0:1/5");
  ask(topic_a);
  cluster_world_answer_topic(&world, "a", STATUS_UNKNOWN_TOPIC_OR_PARTITION, "");
  cluster_world_expect(&world, "");
  expect_leader(0, 1, 5); /* for a moment only, perhaps */
  cluster_world_run(&world, S);
  cluster_world_begin_answer(&world, 1);
  metadata_answer_topic(&world.answer, "a", STATUS_OK, 0x22, "0:2/0");
  cluster_world_answer(&world, STATUS_OK);
  cluster_world_expect(&world, "described:a=1 recreated:a leader:a/0=2 partitions:a=1 ");
}
END_TEST

START_TEST(an_id_left_out_for_once_does_not_hide_that_the_topic_was_made_again) {
  start_with("0:1/5");
  describe_again(0, "0:1/5"); /* by a broker that is not upgraded yet */
  world.news[0] = '\0';
  describe_again(0x22, "0:1/0");
  cluster_world_expect(&world, "described:a=1 recreated:a leader:a/0=1 partitions:a=1 ");
}
END_TEST

/* ---- answers about others ---- */

START_TEST(topics_that_nobody_knows_here_are_passed_over) {
  start_with("0:1/5");
  ask(topic_a);
  cluster_world_begin_answer(&world, 3);
  metadata_answer_topic(&world.answer, "stranger", STATUS_OK, 3, "0:1/5 1:1/5");
  metadata_answer_topic(&world.answer, "", STATUS_OK, 3, "");
  metadata_answer_topic(&world.answer, "a", STATUS_OK, 0x11, "0:1/5");
  cluster_world_answer(&world, STATUS_OK);
  cluster_world_expect(&world, "described:a=1 partitions:a=1 ");
}
END_TEST

START_TEST(a_want_that_the_sender_has_not_seen_outlives_the_answer) {
  start_with("0:1/5");
  ask(topic_a);
  accumulator_want_metadata(&world.accumulator, topic_a->topic);
  cluster_world_answer_topic(&world, "a", STATUS_OK, "0:1/5");
  ck_assert(topic_a->topic->metadata_wanted);
  list_remove(&topic_a->topic->wanted_node); /* as the sender does */
  ask(topic_a);
  cluster_world_answer_topic(&world, "a", STATUS_OK, "0:1/5");
  ck_assert(!topic_a->topic->metadata_wanted);
}
END_TEST

START_TEST(the_brokers_of_the_answer_replace_those_known) {
  start_with("0:1/5");
  ck_assert(client_world_connect(&world.network, 3));
  ask(topic_a);
  const struct fake_broker_request *newest = fake_broker_newest(&world.network.broker, API_METADATA);
  metadata_answer_begin(&world.answer, newest->api_version, "1=10.0.0.1:9092 2=10.0.0.2:9092", 0);
  cluster_world_answer(&world, STATUS_OK);
  cluster_world_run(&world, S);
  ck_assert(!network_client_ready(world.network.client, 3, cluster_world_now_us(&world)));
  ck_assert(client_world_connect(&world.network, 2));
}
END_TEST

START_TEST(an_answer_without_brokers_keeps_those_known) {
  start_with("0:1/5");
  ask(topic_a);
  const struct fake_broker_request *newest = fake_broker_newest(&world.network.broker, API_METADATA);
  metadata_answer_begin(&world.answer, newest->api_version, "", 0);
  cluster_world_answer(&world, STATUS_OK);
  ck_assert(client_world_connect(&world.network, 2));
}
END_TEST

/* ---- answers that cannot be ---- */

/* Fails the test unless the answer closes its connection, changes nothing, and is asked for again. */
static void expect_refusal(struct bytes body) {
  uint32_t connection = fake_broker_newest(&world.network.broker, API_METADATA)->connection;
  uint32_t event_count = world.network.event_count;
  fake_broker_answer(&world.network.broker, fake_broker_newest(&world.network.broker, API_METADATA), body);
  client_world_step(&world.network);
  ck_assert(!world.cluster.request_open);
  ck_assert(!fake_transport_is_open(world.network.transport, connection));
  ck_assert_uint_eq(world.network.event_count, event_count + 1);
  ck_assert_int_eq(world.network.events[event_count].status, STATUS_MALFORMED_RESPONSE);
  ck_assert_ptr_nonnull(strstr(world.network.events[event_count].text, "metadata"));
  cluster_world_expect(&world, "");
  int64_t now_us = cluster_world_now_us(&world);
  ck_assert_int_ge(cluster_next_deadline_us(&world.cluster, now_us), now_us + 80 * MS);
  uint32_t before = cluster_world_request_count(&world);
  cluster_world_run(&world, 2 * S);
  ck_assert_uint_eq(cluster_world_request_count(&world), before + 1);
  ck_assert_str_eq(cluster_world_asked(&world), "a +create");
}

START_TEST(an_answer_cut_short_anywhere_is_refused_as_a_whole) {
  static const int16_t versions[] = {4, 8, 9, 13};
  world.network.broker.capped_key = API_METADATA;
  world.network.broker.capped_maximum = versions[_i];
  start_with("0:1/5");
  ask(topic_a);
  metadata_answer_begin(&world.answer, versions[_i], "7=10.0.0.3:9092", 1);
  metadata_answer_topic(&world.answer, "a", STATUS_OK, 0x22, "0:2/6");
  struct bytes whole = metadata_answer_end(&world.answer, STATUS_OK);
  ck_assert_uint_lt(whole.size, 150); /* each takes a connection */
  for (size_t size = 0; size < whole.size; size++)
    expect_refusal(bytes_of(whole.data, size));
  expect_leader(0, 1, versions[_i] < 7 ? -1 : 5);
  fake_broker_answer(&world.network.broker, fake_broker_newest(&world.network.broker, API_METADATA), whole);
  client_world_step(&world.network);
  expect_leader(0, 2, versions[_i] < 7 ? -1 : 6);
}
END_TEST

START_TEST(values_that_cannot_be_are_refused) {
  start_with("0:1/5");
  ask(topic_a);
  int16_t version = fake_broker_newest(&world.network.broker, API_METADATA)->api_version;
  static const struct {
    const char *brokers, *partitions;
  } answers[] = {
      {"1=10.0.0.1:0", "0:2/6"},
      {"1=10.0.0.1:-1", "0:2/6"},
      {"1=10.0.0.1:65536", "0:2/6"},
      {"1=:9092", "0:2/6"},
      {"1=10.0.0.1:9092", "1:2/6"},
      {"1=10.0.0.1:9092", "-1:2/6"},
      {"1=10.0.0.1:9092", "0:2/6 2147483647:2/6"},
      {"1=10.0.0.1:9092", "0:2/6 2:2/6"},
  };
  for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++) {
    metadata_answer_begin(&world.answer, version, answers[i].brokers, 1);
    metadata_answer_topic(&world.answer, "a", STATUS_OK, 0x11, answers[i].partitions);
    expect_refusal(metadata_answer_end(&world.answer, STATUS_OK));
  }
  expect_leader(0, 1, 5);
  ck_assert_int_eq(topic_a->topic->partition_count, 1);
  cluster_world_answer_topic(&world, "a", STATUS_OK, "0:2/6");
}
END_TEST

START_TEST(counts_beyond_the_answer_are_refused) {
  start_with("0:1/5");
  ask(topic_a);
  int16_t version = fake_broker_newest(&world.network.broker, API_METADATA)->api_version;
  struct wire_writer body = {.data = NULL};
  metadata_response_write(&body, version, &(struct metadata_response){.broker_count = 1 << 28});
  expect_refusal(bytes_of(body.data, body.size));
  wire_writer_reset(&body);
  metadata_response_write(&body, version, &(struct metadata_response){.broker_count = -1});
  expect_refusal(bytes_of(body.data, body.size));
  metadata_answer_begin(&world.answer, version, "", 1 << 28);
  expect_refusal(metadata_answer_end(&world.answer, STATUS_OK));
  metadata_answer_begin(&world.answer, version, "", -1);
  expect_refusal(metadata_answer_end(&world.answer, STATUS_OK));
  metadata_answer_begin(&world.answer, version, "", 1);
  struct metadata_topic topic = {.name = bytes_of_string("a"), .partition_count = 1 << 28};
  metadata_response_write_topic(&world.answer.body, version, &topic);
  metadata_response_write_topic_end(&world.answer.body, version);
  expect_refusal(metadata_answer_end(&world.answer, STATUS_OK));
  wire_writer_deinit(&body);
  cluster_world_answer_topic(&world, "a", STATUS_OK, "0:2/6");
}
END_TEST

/* Completes the open question with this body, as if it had come. */
static void complete_with(struct bytes body) {
  struct request *request = &world.cluster.request;
  const struct request_result result = {.status = STATUS_OK,
                                        .handed_over = true,
                                        .body = wire_reader_of(body),
                                        .node_id = 1000, /* nobody */
                                        .now_us = cluster_world_now_us(&world)};
  world.cluster.request_open = true;
  topic_a->asked = true;
  request->complete(request, &result);
  ck_assert(!world.cluster.request_open);
}

START_TEST(any_changed_byte_leaves_the_view_sound) {
  start_with("0:1/5");
  metadata_answer_begin(&world.answer, world.cluster.request.api_version, "1=10.0.0.1:9092 2=b:1", 2);
  metadata_answer_topic(&world.answer, "a", STATUS_OK, 0x11, "0:1/5 1:2/6");
  metadata_answer_topic(&world.answer, "b", STATUS_UNKNOWN_TOPIC_OR_PARTITION, 0x12, "");
  struct bytes whole = metadata_answer_end(&world.answer, STATUS_OK);
  static const uint8_t values[] = {0x00, 0x01, 0x7f, 0x80, 0xff};
  uint8_t *copy = malloc(whole.size);
  for (size_t i = 0; i < whole.size * sizeof values; i++) {
    memcpy(copy, whole.data, whole.size);
    copy[i / sizeof values] = values[i % sizeof values];
    complete_with(bytes_of(copy, whole.size));
    world.news[0] = '\0';
    ck_assert_int_ge(topic_a->partition_count, 1);
    ck_assert_int_le(topic_a->partition_count, 2);
    ck_assert_int_eq(topic_a->partition_count, topic_a->topic->partition_count);
  }
  free(copy);
  complete_with(whole);
  expect_leader(1, 2, cluster_leader(topic_a, 1).epoch);
}
END_TEST

START_TEST(without_memory_an_answer_is_asked_for_again) {
  cluster_world_start(&world);
  cluster_world_become_known(&world);
  topic_a = cluster_world_topic(&world, "a");
  ask(topic_a);
  cluster_world_answer_topic(&world, "a", STATUS_UNKNOWN_TOPIC_OR_PARTITION, "");
  uint32_t failures = 0;
  for (bool failed = true; failed; failures++) {
    metadata_answer_begin(&world.answer, world.cluster.request.api_version,
                          "1=10.0.0.1:9092 2=10.0.0.2:9092 3=10.0.0.3:9092", 1);
    char partitions[256] = "";
    for (uint32_t i = 0; i < failures * 2 + 1; i++) /* more each time, so that something is allocated */
      snprintf(partitions + strlen(partitions), sizeof partitions - strlen(partitions), "%s%u:2/6",
               i == 0 ? "" : " ", i);
    metadata_answer_topic(&world.answer, "a", STATUS_OK, 0x11, partitions);
    struct bytes whole = metadata_answer_end(&world.answer, STATUS_OK);
    cluster_want_topic(&world.cluster, topic_a);
    failing_allocator_start(failures);
    complete_with(whole);
    failed = failing_allocator_stop();
    bool complete = cluster_leader(topic_a, (int32_t)failures * 2).id == 2;
    ck_assert(failed || complete);
    ck_assert_int_eq(topic_a->wanted, !complete);
    ck_assert_int_le(topic_a->partition_count, topic_a->topic->partition_count);
  }
  ck_assert_uint_ge(failures, 4); /* brokers, the accumulator's, leaders, loads */
}
END_TEST

int main(void) {
  Suite *suite = suite_create("cluster_answer");
  TCase *tcase = tcase_create("cluster_answer");
  suite_add_tcase(suite, tcase);
  tcase_add_checked_fixture(tcase, set_up, tear_down);
  tcase_add_test(tcase, partitions_come_in_any_order);
  tcase_add_test(tcase, what_has_not_changed_is_no_news);
  tcase_add_test(tcase, an_older_leader_epoch_is_ignored);
  tcase_add_test(tcase, a_partition_may_lose_its_leader);
  tcase_add_test(tcase, the_error_of_a_partition_decides_whether_its_leader_counts);
  tcase_add_test(tcase, brokers_that_tell_no_epoch_are_believed);
  tcase_add_test(tcase, a_hint_counts_if_its_epoch_is_newer);
  tcase_add_test(tcase, a_hint_of_the_same_leader_moves_nothing_but_its_epoch);
  tcase_add_test(tcase, partitions_may_be_added);
  tcase_add_test(tcase, fewer_partitions_leave_the_others_as_they_were);
  tcase_add_test(tcase, another_id_means_that_the_topic_was_made_again);
  tcase_add_test(tcase, an_id_that_is_not_told_says_nothing);
  tcase_add_test(tcase, a_topic_deleted_and_made_again_is_noticed_though_it_was_unknown_in_between);
  tcase_add_test(tcase, an_id_left_out_for_once_does_not_hide_that_the_topic_was_made_again);
  tcase_add_test(tcase, topics_that_nobody_knows_here_are_passed_over);
  tcase_add_test(tcase, a_want_that_the_sender_has_not_seen_outlives_the_answer);
  tcase_add_test(tcase, the_brokers_of_the_answer_replace_those_known);
  tcase_add_test(tcase, an_answer_without_brokers_keeps_those_known);
  tcase_add_loop_test(tcase, an_answer_cut_short_anywhere_is_refused_as_a_whole, 0, 4);
  tcase_add_test(tcase, values_that_cannot_be_are_refused);
  tcase_add_test(tcase, counts_beyond_the_answer_are_refused);
  tcase_add_test(tcase, any_changed_byte_leaves_the_view_sound);
  tcase_add_test(tcase, without_memory_an_answer_is_asked_for_again);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_ENV);
  int failed = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
