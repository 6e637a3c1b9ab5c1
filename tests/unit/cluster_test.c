#include "sender/cluster.h"

#include "base/allocator.h"
#include "base/clock.h"
#include "base/status.h"
#include "support/cluster_world.h"
#include <check.h>
#include <stdlib.h>
#include <string.h>

#define MS ((int64_t)CLIENT_WORLD_MS)
#define S  ((int64_t)CLIENT_WORLD_S)

/* When the view asks, what, and whom; cluster_answer_test.c is about what answers say. */
static struct cluster_world world;

static void set_up(void) {
  cluster_world_init(&world);
}

static void tear_down(void) {
  cluster_world_deinit(&world);
}

static bool refuse(void *context) {
  (void)context;
  return false;
}

static void start_known(void) {
  cluster_world_start(&world);
  cluster_world_become_known(&world);
}

/* A topic that was asked about. */
static struct sender_topic *ask_about(const char *name) {
  struct sender_topic *topic = cluster_world_topic(&world, name);
  cluster_want_topic(&world.cluster, topic);
  uint32_t before = cluster_world_request_count(&world);
  cluster_world_run(&world, MS);
  ck_assert_uint_eq(cluster_world_request_count(&world), before + 1);
  return topic;
}

/* Fails the test unless the next question comes after duration_us, and not before. */
static void expect_question_after(int64_t duration_us) {
  uint32_t before = cluster_world_request_count(&world);
  cluster_world_run(&world, duration_us - 1);
  ck_assert_uint_eq(cluster_world_request_count(&world), before);
  cluster_world_run(&world, 1);
  ck_assert_uint_eq(cluster_world_request_count(&world), before + 1);
}

/* The question comes after 80 to 120 % of the backoff, and never more than its maximum. */
static void expect_question_after_backoff(uint32_t attempts) {
  int64_t backoff = world.settings.retry_backoff_us << attempts, max_us = world.settings.retry_backoff_max_us;
  int64_t now_us = cluster_world_now_us(&world);
  int64_t wait_us = cluster_next_deadline_us(&world.cluster, now_us) - now_us;
  ck_assert_int_ge(wait_us, backoff * 8 / 10 < max_us ? backoff * 8 / 10 : max_us);
  ck_assert_int_le(wait_us, backoff * 12 / 10 < max_us ? backoff * 12 / 10 : max_us);
  expect_question_after(wait_us);
}

/* ---- what is asked ---- */

START_TEST(the_first_question_is_about_the_brokers_alone) {
  cluster_world_start(&world);
  ck_assert(!cluster_is_known(&world.cluster));
  cluster_world_run(&world, MS);
  ck_assert_uint_eq(cluster_world_request_count(&world), 1);
  ck_assert_str_eq(cluster_world_asked(&world), " +create");
  ck_assert_str_eq(cluster_world_asked_whom(&world), "10.0.0.9:9092");
  cluster_world_begin_answer(&world, 0);
  cluster_world_answer(&world, STATUS_OK);
  ck_assert(cluster_is_known(&world.cluster));
  ck_assert(client_world_connect(&world.network, 3)); /* they can be spoken to */
}
END_TEST

START_TEST(a_wanted_topic_is_asked_about_at_once_and_alone) {
  start_known();
  cluster_world_topic(&world, "other");
  ask_about("a");
  ck_assert_str_eq(cluster_world_asked(&world), "a +create");
  ck_assert_str_ne(cluster_world_asked_whom(&world), "10.0.0.9:9092"); /* brokers are known: one of them */
  cluster_world_answer_topic(&world, "a", STATUS_OK, "0:1/5");
  cluster_world_run(&world, 299 * S);
  ck_assert_uint_eq(cluster_world_request_count(&world), 2);
}
END_TEST

START_TEST(each_version_of_the_question_names_the_topics) {
  world.settings.allow_auto_create = _i % 2 == 0;
  world.network.broker.capped_key = API_METADATA;
  world.network.broker.capped_maximum = (int16_t)_i;
  start_known();
  cluster_want_topic(&world.cluster, cluster_world_topic(&world, "first"));
  ask_about("second");
  ck_assert_int_eq(fake_broker_newest(&world.network.broker, API_METADATA)->api_version, _i);
  ck_assert_str_eq(cluster_world_asked(&world), _i % 2 == 0 ? "first second +create" : "first second");
  cluster_world_answer_topic(&world, "first", STATUS_OK, "0:1/5");
}
END_TEST

START_TEST(a_topic_is_known_to_the_view_once) {
  start_known();
  struct sender_topic *topic = cluster_world_topic(&world, "a");
  ck_assert_ptr_eq(cluster_topic(&world.cluster, topic->topic), topic);
  ck_assert_ptr_eq(cluster_world_topic(&world, "a"), topic);
  ask_about("a");
  ck_assert_str_eq(cluster_world_asked(&world), "a +create");
  cluster_world_answer_topic(&world, "a", STATUS_OK, "0:1/5");
}
END_TEST

START_TEST(an_old_view_is_asked_for_again_with_all_that_is_in_use) {
  start_known();
  int64_t known_us = cluster_world_now_us(&world);
  struct sender_topic *used = cluster_world_topic(&world, "used");
  cluster_world_topic(&world, "idle")->topic->last_used_us = known_us - MS;
  used->topic->last_used_us = known_us + 10 * S;
  expect_question_after(300 * S - MS); /* the first question was a millisecond before its answer */
  ck_assert_str_eq(cluster_world_asked(&world), "used +create");
  cluster_world_answer_topic(&world, "used", STATUS_OK, "0:1/5");
  used->topic->last_used_us = cluster_world_now_us(&world);
  expect_question_after(300 * S);
  ck_assert_str_eq(cluster_world_asked(&world), " +create"); /* idle for exactly its time */
  cluster_world_begin_answer(&world, 0);
  cluster_world_answer(&world, STATUS_OK);
}
END_TEST

START_TEST(a_wanted_refresh_asks_about_all_in_use_and_restarts_the_age) {
  start_known();
  cluster_world_topic(&world, "a");
  cluster_world_topic(&world, "b");
  cluster_world_run(&world, 200 * S);
  cluster_want_refresh(&world.cluster);
  cluster_world_run(&world, MS);
  ck_assert_str_eq(cluster_world_asked(&world), "a b +create");
  cluster_world_answer_topic(&world, "a", STATUS_OK, "0:1/5");
  cluster_world_run(&world, 299 * S);
  ck_assert_uint_eq(cluster_world_request_count(&world), 2); /* b was not waited for: no reason to repeat */
  cluster_world_run(&world, S);
  ck_assert_uint_eq(cluster_world_request_count(&world), 3);
  cluster_world_begin_answer(&world, 0);
  cluster_world_answer(&world, STATUS_OK);
}
END_TEST

START_TEST(one_question_is_open_at_a_time) {
  start_known();
  ask_about("a");
  cluster_want_topic(&world.cluster, cluster_world_topic(&world, "b"));
  cluster_want_refresh(&world.cluster);
  cluster_world_run(&world, 10 * S);
  ck_assert_uint_eq(cluster_world_request_count(&world), 2);
  ck_assert_int_eq(cluster_next_deadline_us(&world.cluster, cluster_world_now_us(&world)), CLOCK_NEVER_US);
  cluster_world_answer_topic(&world, "a", STATUS_OK, "0:1/5");
  cluster_world_run(&world, MS);
  ck_assert_uint_eq(cluster_world_request_count(&world), 3);
  ck_assert_str_eq(cluster_world_asked(&world), "a b +create");
  cluster_world_answer_topic(&world, "b", STATUS_OK, "0:1/5");
}
END_TEST

/* ---- topics that are not there ---- */

START_TEST(an_unknown_topic_is_asked_about_again_ever_more_slowly_until_it_is_there) {
  start_known();
  struct sender_topic *topic = ask_about("a");
  for (uint32_t attempt = 0; attempt < 6; attempt++) {
    cluster_world_answer_topic(&world, "a", STATUS_UNKNOWN_TOPIC_OR_PARTITION, "");
    cluster_world_expect(&world, "");
    expect_question_after_backoff(attempt);
    ck_assert_str_eq(cluster_world_asked(&world), "a +create");
  }
  ck_assert(topic->topic->metadata_wanted);
  cluster_world_answer_topic(&world, "a", STATUS_OK, "0:1/5");
  cluster_world_expect(&world, "described:a=1 leader:a/0=1 partitions:a=1 ");
  ck_assert(!topic->topic->metadata_wanted);
  ck_assert_int_eq(topic->topic->partition_count, 1);
  ck_assert_int_eq(topic->topic->metadata_us, cluster_world_now_us(&world));
  ask_about("b");
  cluster_world_answer_topic(&world, "b", STATUS_LEADER_NOT_AVAILABLE, "");
  expect_question_after_backoff(0); /* the other's rounds are forgotten */
  cluster_world_answer_topic(&world, "b", STATUS_OK, "0:1/5");
}
END_TEST

START_TEST(a_new_topic_does_not_wait_for_the_backoff_of_an_unknown_one) {
  start_known();
  ask_about("mistyped");
  for (uint32_t attempt = 0; attempt < 5; attempt++) {
    cluster_world_answer_topic(&world, "mistyped", STATUS_UNKNOWN_TOPIC_OR_PARTITION, "");
    expect_question_after_backoff(attempt);
  }
  cluster_world_answer_topic(&world, "mistyped", STATUS_UNKNOWN_TOPIC_OR_PARTITION, "");
  world.news[0] = '\0';
  ask_about("new");
  ck_assert_str_eq(cluster_world_asked(&world), "mistyped new +create");
  cluster_world_answer_topic(&world, "new", STATUS_OK, "0:1/5");
  cluster_world_expect(&world, "described:new=1 leader:new/0=1 partitions:new=1 ");
  expect_question_after_backoff(6);
  ck_assert_str_eq(cluster_world_asked(&world), "mistyped +create");
  cluster_world_answer_topic(&world, "mistyped", STATUS_OK, "0:1/5");
}
END_TEST

/* Answers "unknown" until propagation is over; returns when that was. */
static int64_t stay_unknown(const char *name, bool left_out) {
  for (;;) {
    cluster_world_begin_answer(&world, left_out ? 0 : 1);
    if (!left_out) metadata_answer_topic(&world.answer, name, STATUS_LEADER_NOT_AVAILABLE, 0, "");
    cluster_world_answer(&world, STATUS_OK);
    if (strstr(world.news, "failed:") != NULL) return cluster_world_now_us(&world);
    world.news[0] = '\0';
    cluster_world_run(&world, S);
  }
}

START_TEST(a_topic_that_stays_unknown_fails_what_has_no_partition_once) {
  start_known();
  struct sender_topic *topic = ask_about("a");
  int64_t begin_us = cluster_world_now_us(&world);
  int64_t failed_us = stay_unknown("a", false);
  ck_assert_int_ge(failed_us, begin_us + 30 * S);
  ck_assert_int_le(failed_us, begin_us + 32 * S);
  cluster_world_expect(&world, "failed:a=LEADER_NOT_AVAILABLE:staged ");
  uint32_t before = cluster_world_request_count(&world);
  cluster_world_run(&world, 60 * S);
  ck_assert_uint_eq(cluster_world_request_count(&world), before); /* nobody waits any more */
  cluster_want_topic(&world.cluster, topic);
  cluster_world_run(&world, MS);
  begin_us = cluster_world_now_us(&world);
  failed_us = stay_unknown("a", false);
  ck_assert_int_ge(failed_us, begin_us + 30 * S); /* its whole time again */
}
END_TEST

START_TEST(a_topic_left_out_of_the_answer_counts_as_unknown) {
  start_known();
  ask_about("a");
  int64_t begin_us = cluster_world_now_us(&world);
  int64_t failed_us = stay_unknown("a", true);
  ck_assert_int_ge(failed_us, begin_us + 30 * S);
  cluster_world_expect(&world, "failed:a=UNKNOWN_TOPIC_OR_PARTITION:staged ");
}
END_TEST

START_TEST(a_topic_known_in_between_has_its_whole_time_again) {
  start_known();
  struct sender_topic *topic = ask_about("a");
  cluster_world_answer_topic(&world, "a", STATUS_UNKNOWN_TOPIC_OR_PARTITION, "");
  cluster_world_run(&world, 29 * S);
  cluster_world_answer_topic(&world, "a", STATUS_OK, "0:1/5");
  cluster_world_run(&world, 10 * S);
  world.news[0] = '\0';
  cluster_want_topic(&world.cluster, topic);
  cluster_world_run(&world, MS);
  cluster_world_answer_topic(&world, "a", STATUS_UNKNOWN_TOPIC_OR_PARTITION, "");
  cluster_world_expect(&world, "");
  cluster_world_run(&world, S);
  cluster_world_answer_topic(&world, "a", STATUS_OK, "0:1/5");
}
END_TEST

START_TEST(the_log_tells_of_an_unknown_topic_once_and_not_in_the_first_moment) {
  start_known();
  ask_about("lost");
  cluster_world_answer_topic(&world, "lost", STATUS_UNKNOWN_TOPIC_OR_PARTITION, "");
  cluster_world_run(&world, S);
  cluster_world_answer_topic(&world, "lost", STATUS_UNKNOWN_TOPIC_OR_PARTITION, "");
  ck_assert_str_eq(world.lines, "");
  cluster_world_run(&world, S);
  for (int i = 0; i < 3; i++) {
    cluster_world_answer_topic(&world, "lost", STATUS_UNKNOWN_TOPIC_OR_PARTITION, "");
    ck_assert_uint_eq(cluster_world_count_lines(&world, "4 topic lost"), 1);
    ck_assert_uint_eq(cluster_world_count_lines(&world, "UNKNOWN_TOPIC_OR_PARTITION"), 1);
    cluster_world_run(&world, S);
  }
  cluster_world_answer_topic(&world, "lost", STATUS_OK, "0:1/5");
}
END_TEST

START_TEST(an_error_that_waiting_does_not_heal_fails_all_unsent_at_once) {
  start_known();
  struct sender_topic *topic = ask_about("a");
  cluster_world_answer_topic(&world, "a", STATUS_TOPIC_AUTHORIZATION_FAILED, "");
  cluster_world_expect(&world, "failed:a=TOPIC_AUTHORIZATION_FAILED ");
  ck_assert_int_eq(topic->status, STATUS_TOPIC_AUTHORIZATION_FAILED);
  cluster_world_run(&world, 100 * S);
  ck_assert_uint_eq(cluster_world_request_count(&world), 2);
}
END_TEST

START_TEST(of_a_partial_answer_only_the_rest_is_asked_again) {
  start_known();
  cluster_want_topic(&world.cluster, cluster_world_topic(&world, "here"));
  cluster_want_topic(&world.cluster, cluster_world_topic(&world, "refused"));
  cluster_want_topic(&world.cluster, cluster_world_topic(&world, "omitted"));
  ask_about("unknown");
  cluster_world_begin_answer(&world, 3);
  metadata_answer_topic(&world.answer, "unknown", STATUS_UNKNOWN_TOPIC_OR_PARTITION, 0, "");
  metadata_answer_topic(&world.answer, "refused", STATUS_INVALID_TOPIC_EXCEPTION, 0, "");
  metadata_answer_topic(&world.answer, "here", STATUS_OK, 7, "0:1/5");
  cluster_world_answer(&world, STATUS_OK);
  cluster_world_expect(&world, "failed:refused=INVALID_TOPIC_EXCEPTION "
                               "described:here=1 leader:here/0=1 partitions:here=1 ");
  expect_question_after_backoff(0);
  ck_assert_str_eq(cluster_world_asked(&world), "omitted unknown +create");
  cluster_world_begin_answer(&world, 0);
  cluster_world_answer(&world, STATUS_OK);
}
END_TEST

/* ---- brokers that do not answer ---- */

START_TEST(a_lost_question_is_repeated_with_growing_backoff) {
  start_known();
  ask_about("a");
  for (uint32_t attempt = 0; attempt < 5; attempt++) {
    const struct fake_broker_request *newest = fake_broker_newest(&world.network.broker, API_METADATA);
    fake_transport_end(world.network.transport, newest->connection);
    client_world_step(&world.network);
    ck_assert(!world.cluster.request_open);
    expect_question_after_backoff(attempt);
    ck_assert_str_eq(cluster_world_asked(&world), "a +create");
  }
  cluster_world_answer_topic(&world, "a", STATUS_OK, "0:1/5");
  cluster_world_expect(&world, "described:a=1 leader:a/0=1 partitions:a=1 ");
  ask_about("b");
  fake_transport_end(world.network.transport,
                     fake_broker_newest(&world.network.broker, API_METADATA)->connection);
  client_world_step(&world.network);
  expect_question_after_backoff(0); /* an answer ends the row of failures */
  cluster_world_answer_topic(&world, "b", STATUS_OK, "0:1/5");
}
END_TEST

START_TEST(a_question_without_answer_goes_to_another_broker_after_its_timeout) {
  start_known();
  ask_about("a");
  uint32_t connection = fake_broker_newest(&world.network.broker, API_METADATA)->connection;
  cluster_world_run(&world, 30 * S - 2 * MS);
  ck_assert(world.cluster.request_open);
  cluster_world_run(&world, S);
  ck_assert_uint_eq(cluster_world_request_count(&world), 3);
  ck_assert(!fake_transport_is_open(world.network.transport, connection));
  cluster_world_answer_topic(&world, "a", STATUS_OK, "0:1/5");
}
END_TEST

START_TEST(a_doubted_leader_is_not_asked_about_itself) {
  start_known();
  struct sender_topic *topic = ask_about("a");
  cluster_world_answer_topic(&world, "a", STATUS_OK, "0:1/5");
  for (int32_t id = 1; id <= 3; id++) { /* one of them is the one that is connected */
    int64_t doubted_us = cluster_world_now_us(&world);
    uint32_t before = cluster_world_request_count(&world);
    cluster_doubt_leader(&world.cluster, topic, id);
    cluster_world_run(&world, S);
    ck_assert_uint_eq(cluster_world_request_count(&world), before + 1);
    ck_assert_int_ne(cluster_world_asked_whom(&world)[strlen("10.0.0.")] - '0', id);
    cluster_world_answer_topic(&world, "a", STATUS_OK, "0:1/5");
    ck_assert_int_eq(world.told_by.node_id, cluster_world_asked_whom(&world)[strlen("10.0.0.")] - '0');
    ck_assert_int_ge(world.told_by.asked_us, doubted_us);
    ck_assert_int_lt(world.told_by.asked_us, cluster_world_now_us(&world));
    ck_assert_int_eq(world.cluster.doubted_id, NETWORK_NO_NODE); /* whoever still doubts says so again */
  }
}
END_TEST

START_TEST(a_broker_without_our_versions_is_told_off_and_left_in_peace) {
  world.network.broker.capped_key = API_METADATA;
  world.network.broker.capped_maximum = -1;
  cluster_world_start(&world);
  cluster_world_run(&world, 10 * S);
  ck_assert_uint_eq(cluster_world_request_count(&world), 0);
  const struct client_world_event *event = &world.network.events[1]; /* behind its opening */
  ck_assert_int_eq(event->status, STATUS_UNSUPPORTED_BROKER);
  ck_assert_ptr_nonnull(strstr(event->text, "metadata"));
  ck_assert_uint_ge(world.network.broker.accepted_count, 8); /* tried again, with backoff */
  ck_assert_uint_le(world.network.broker.accepted_count, 20);
}
END_TEST

START_TEST(without_memory_for_the_question_it_is_asked_later) {
  start_known();
  ask_about("a");
  cluster_world_answer_topic(&world, "a", STATUS_OK, "0:1/5");
  wire_writer_deinit(&world.cluster.writer); /* what it kept would spare it the allocation */
  world.cluster.writer = (struct wire_writer){.data = NULL};
  cluster_want_topic(&world.cluster, cluster_world_topic(&world, "a"));
  allocator_set_hook(refuse, NULL);
  cluster_step(&world.cluster, cluster_world_now_us(&world));
  allocator_set_hook(NULL, NULL);
  ck_assert(!world.cluster.request_open);
  expect_question_after_backoff(0);
  ck_assert_str_eq(cluster_world_asked(&world), "a +create");
  cluster_world_answer_topic(&world, "a", STATUS_OK, "0:1/5");
}
END_TEST

START_TEST(an_aborted_client_ends_the_question_without_another) {
  start_known();
  ask_about("a");
  network_client_destroy(world.network.client);
  world.network.client = NULL;
  ck_assert(!world.cluster.request_open);
  cluster_world_expect(&world, "");
  fake_broker_deinit(&world.network.broker);
  cluster_deinit(&world.cluster);
  accumulator_deinit(&world.accumulator);
  metadata_answer_deinit(&world.answer);
  cluster_world_init(&world); /* for tear_down */
}
END_TEST

/* ---- starting again ---- */

START_TEST(without_any_answer_for_long_it_starts_again_from_the_bootstrap_servers) {
  start_known();
  ask_about("a");
  int64_t begin_us = cluster_world_now_us(&world);
  while (strcmp(cluster_world_asked_whom(&world), "10.0.0.9:9092") != 0) {
    ck_assert_int_lt(cluster_world_now_us(&world), begin_us + 340 * S);
    cluster_world_run(&world, S);
  }
  ck_assert_int_ge(cluster_world_now_us(&world), begin_us + 300 * S - 2 * S);
  ck_assert_uint_eq(cluster_world_count_lines(&world, "5 starting again from the bootstrap servers"), 1);
  ck_assert_uint_eq(cluster_world_count_lines(&world, "rebootstrap.trigger.ms"), 1);
  ck_assert_str_eq(cluster_world_asked(&world), "a +create");
  cluster_world_answer_topic(&world, "a", STATUS_OK, "0:1/5");
}
END_TEST

START_TEST(the_trigger_counts_from_the_first_unanswered_question) {
  start_known();
  world.settings.rebootstrap_trigger_us = 300 * S;
  cluster_world_run(&world, 299 * S); /* nobody was asked: nobody is late */
  ask_about("a");
  cluster_world_run(&world, 45 * S); /* one timeout */
  ck_assert_uint_eq(cluster_world_count_lines(&world, "starting again"), 0);
  cluster_world_answer_topic(&world, "a", STATUS_OK, "0:1/5");
  struct sender_topic *topic = cluster_world_topic(&world, "a");
  cluster_want_topic(&world.cluster, topic);
  cluster_world_run(&world, 280 * S); /* from here only */
  ck_assert_uint_eq(cluster_world_count_lines(&world, "starting again"), 0);
  cluster_world_answer_topic(&world, "a", STATUS_OK, "0:1/5");
}
END_TEST

START_TEST(when_every_broker_has_failed_it_starts_again_at_once) {
  start_known();
  cluster_world_set_listening(&world, false, true);
  ck_assert(!network_client_all_failed(world.network.client));
  cluster_want_topic(&world.cluster, cluster_world_topic(&world, "a"));
  cluster_world_run(&world, 2 * S);
  ck_assert_str_eq(cluster_world_asked_whom(&world), "10.0.0.9:9092");
  ck_assert_uint_eq(cluster_world_count_lines(&world, "no known broker can be reached"), 1);
  cluster_world_answer_topic(&world, "a", STATUS_OK, "0:1/5");
}
END_TEST

START_TEST(a_cluster_that_is_gone_does_not_fill_the_log) {
  world.network.settings.on_connection = NULL; /* too many to keep */
  start_known();
  cluster_world_set_listening(&world, false, false);
  cluster_want_topic(&world.cluster, cluster_world_topic(&world, "a"));
  cluster_world_run(&world, 120 * S);
  ck_assert_uint_eq(cluster_world_count_lines(&world, "starting again"), 1);
  uint32_t before = cluster_world_request_count(&world);
  cluster_world_set_listening(&world, true, true);
  cluster_world_run(&world, 2 * S);
  ck_assert_uint_eq(cluster_world_request_count(&world), before + 1);
  ck_assert_str_eq(cluster_world_asked(&world), "a +create");
  cluster_world_answer_topic(&world, "a", STATUS_OK, "0:1/5");
}
END_TEST

START_TEST(a_broker_may_ask_for_it) {
  start_known();
  ask_about("a");
  cluster_world_begin_answer(&world, 1);
  metadata_answer_topic(&world.answer, "a", STATUS_OK, 1, "0:1/5");
  cluster_world_answer(&world, STATUS_REBOOTSTRAP_REQUIRED);
  cluster_world_expect(&world, ""); /* nothing of such an answer counts */
  ck_assert_uint_eq(cluster_world_count_lines(&world, "a broker asked for it"), 1);
  expect_question_after_backoff(0);
  ck_assert_str_eq(cluster_world_asked_whom(&world), "10.0.0.9:9092");
  ck_assert_str_eq(cluster_world_asked(&world), "a +create");
  cluster_world_answer_topic(&world, "a", STATUS_OK, "0:1/5");
}
END_TEST

START_TEST(without_the_setting_it_never_starts_again) {
  world.network.settings.on_connection = NULL; /* too many to keep */
  world.settings.rebootstrap = false;
  world.settings.rebootstrap_trigger_us = 20 * S;
  start_known();
  cluster_world_set_listening(&world, false, true);
  cluster_want_topic(&world.cluster, cluster_world_topic(&world, "a"));
  cluster_world_run(&world, 40 * S);
  ck_assert_str_eq(world.lines, "");
  ck_assert_uint_eq(cluster_world_request_count(&world), 1);
  cluster_world_set_listening(&world, true, true);
  cluster_world_run(&world, 2 * S);
  ck_assert_str_ne(cluster_world_asked_whom(&world), "10.0.0.9:9092");
  cluster_world_begin_answer(&world, 1);
  metadata_answer_topic(&world.answer, "a", STATUS_OK, 1, "0:1/5");
  cluster_world_answer(&world, STATUS_REBOOTSTRAP_REQUIRED); /* an answer like any other then */
  cluster_world_expect(&world, "described:a=1 leader:a/0=1 partitions:a=1 ");
}
END_TEST

int main(void) {
  Suite *suite = suite_create("cluster");
  TCase *tcase = tcase_create("cluster");
  suite_add_tcase(suite, tcase);
  tcase_add_checked_fixture(tcase, set_up, tear_down);
  tcase_add_test(tcase, the_first_question_is_about_the_brokers_alone);
  tcase_add_test(tcase, a_wanted_topic_is_asked_about_at_once_and_alone);
  tcase_add_loop_test(tcase, each_version_of_the_question_names_the_topics, 4, 14);
  tcase_add_test(tcase, a_topic_is_known_to_the_view_once);
  tcase_add_test(tcase, an_old_view_is_asked_for_again_with_all_that_is_in_use);
  tcase_add_test(tcase, a_wanted_refresh_asks_about_all_in_use_and_restarts_the_age);
  tcase_add_test(tcase, one_question_is_open_at_a_time);
  tcase_add_test(tcase, an_unknown_topic_is_asked_about_again_ever_more_slowly_until_it_is_there);
  tcase_add_test(tcase, a_new_topic_does_not_wait_for_the_backoff_of_an_unknown_one);
  tcase_add_test(tcase, a_topic_that_stays_unknown_fails_what_has_no_partition_once);
  tcase_add_test(tcase, a_topic_left_out_of_the_answer_counts_as_unknown);
  tcase_add_test(tcase, a_topic_known_in_between_has_its_whole_time_again);
  tcase_add_test(tcase, the_log_tells_of_an_unknown_topic_once_and_not_in_the_first_moment);
  tcase_add_test(tcase, an_error_that_waiting_does_not_heal_fails_all_unsent_at_once);
  tcase_add_test(tcase, of_a_partial_answer_only_the_rest_is_asked_again);
  tcase_add_test(tcase, a_lost_question_is_repeated_with_growing_backoff);
  tcase_add_test(tcase, a_question_without_answer_goes_to_another_broker_after_its_timeout);
  tcase_add_test(tcase, a_doubted_leader_is_not_asked_about_itself);
  tcase_add_test(tcase, a_broker_without_our_versions_is_told_off_and_left_in_peace);
  tcase_add_test(tcase, without_memory_for_the_question_it_is_asked_later);
  tcase_add_test(tcase, an_aborted_client_ends_the_question_without_another);
  tcase_add_test(tcase, without_any_answer_for_long_it_starts_again_from_the_bootstrap_servers);
  tcase_add_test(tcase, the_trigger_counts_from_the_first_unanswered_question);
  tcase_add_test(tcase, when_every_broker_has_failed_it_starts_again_at_once);
  tcase_add_test(tcase, a_cluster_that_is_gone_does_not_fill_the_log);
  tcase_add_test(tcase, a_broker_may_ask_for_it);
  tcase_add_test(tcase, without_the_setting_it_never_starts_again);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_ENV);
  int failed = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
