#include "base/clock.h"
#include "base/status.h"
#include "broker/broker_server.h"
#include "protocol/api.h"
#include "protocol/api_versions.h"
#include "support/broker_link.h"
#include <check.h>
#include <errno.h>
#include <sys/socket.h>

static struct broker_server *server;
static struct broker_link broker_link;

static const struct broker_server_topic topics[] = {{"topic", 2}, {"other", 1}};

static struct broker_server_settings normal(void) {
  struct broker_server_settings settings;
  broker_server_settings_init(&settings);
  settings.topics = topics;
  settings.topic_count = 2;
  return settings;
}

static void start(const struct broker_server_settings *settings) {
  ck_assert_int_eq(broker_server_create(settings, &server), STATUS_OK);
  ck_assert_uint_ne(broker_server_port(server), 0);
  ck_assert(broker_link_open(&broker_link, broker_server_port(server)));
}

static void set_up(void) {
  struct broker_server_settings settings = normal();
  start(&settings);
}

static void tear_down(void) {
  broker_link_close(&broker_link);
  broker_server_destroy(server);
}

static int64_t record_count(int32_t partition) {
  int64_t start_offset = 0, end_offset = -1;
  ck_assert(broker_model_offsets(broker_server_lock(server), "topic", partition, &start_offset, &end_offset));
  broker_server_unlock(server);
  return end_offset - start_offset;
}

static void inject(struct broker_fault fault) {
  ck_assert_int_eq(broker_model_inject(broker_server_lock(server), &fault), STATUS_OK);
  broker_server_unlock(server);
}

/* Waits until the connection is told to be over. */
static bool is_over(struct broker_link *link) {
  uint8_t byte;
  return broker_link_is_readable(link, 10000) && recv(link->socket, &byte, 1, 0) <= 0;
}

static void reopen(void) {
  broker_link_close(&broker_link);
  ck_assert(broker_link_open(&broker_link, broker_server_port(server)));
}

static const struct batch_plan one = {.record_count = 1};

START_TEST(requests_are_answered_over_a_socket) {
  struct api_versions_response response;
  broker_link_begin(&broker_link, API_API_VERSIONS, 0);
  ck_assert(broker_link_send(&broker_link));
  ck_assert(broker_link_receive(&broker_link, 1));
  api_versions_response_read(&broker_link.reader, 0, &response);
  ck_assert_int_eq(response.error_code, 0);
  int64_t base_offset = -1;
  ck_assert(broker_link_send_batch(&broker_link, -1, "topic", 1, &(struct batch_plan){.record_count = 7}));
  ck_assert_int_eq(broker_link_receive_produced(&broker_link, 2, &base_offset), 0);
  ck_assert_int_eq(base_offset, 0);
  ck_assert_int_eq(record_count(1), 7);
}
END_TEST

START_TEST(pipelined_requests_are_answered_in_order) {
  enum { COUNT = 500 };
  for (int number = 0; number < COUNT; number++)
    ck_assert(broker_link_send_batch(&broker_link, 1, "topic", 0, &one));
  for (int number = 0; number < COUNT; number++) {
    int64_t base_offset = -1;
    ck_assert_int_eq(broker_link_receive_produced(&broker_link, number + 1, &base_offset), 0);
    ck_assert_int_eq(base_offset, number);
  }
}
END_TEST

START_TEST(many_connections_are_served_at_once) {
  enum { COUNT = 60 };
  struct broker_link links[COUNT];
  for (int index = 0; index < COUNT; index++)
    ck_assert(broker_link_open(&links[index], broker_server_port(server)));
  for (int index = COUNT - 1; index >= 0; index--)
    ck_assert(broker_link_send_batch(&links[index], 1, "topic", 0, &one));
  for (int index = 0; index < COUNT; index++) {
    ck_assert_int_eq(broker_link_receive_produced(&links[index], 1, NULL), 0);
    broker_link_close(&links[index]);
  }
  ck_assert_int_eq(record_count(0), COUNT);
}
END_TEST

START_TEST(a_fetch_waits_for_the_next_batch) {
  struct broker_link consumer;
  ck_assert(broker_link_open(&consumer, broker_server_port(server)));
  ck_assert(broker_link_send_fetch(&consumer, "topic", 0, 0, 60000));
  ck_assert(!broker_link_is_readable(&consumer, 50));
  /* One to another partition does not end the wait. */
  ck_assert(broker_link_send_batch(&broker_link, 1, "topic", 1, &one));
  ck_assert_int_eq(broker_link_receive_produced(&broker_link, 1, NULL), 0);
  ck_assert(!broker_link_is_readable(&consumer, 50));
  ck_assert(broker_link_send_batch(&broker_link, 1, "topic", 0, &one));
  ck_assert_uint_gt(broker_link_receive_fetched(&consumer, 1), 0);
  ck_assert_int_eq(broker_link_receive_produced(&broker_link, 2, NULL), 0);
  broker_link_close(&consumer);
}
END_TEST

START_TEST(a_fetch_is_answered_empty_after_its_wait) {
  int64_t begun_us = clock_monotonic_us();
  ck_assert(broker_link_send_fetch(&broker_link, "topic", 0, 0, 120));
  ck_assert_uint_eq(broker_link_receive_fetched(&broker_link, 1), 0);
  ck_assert_int_ge(clock_monotonic_us() - begun_us, 120000);
}
END_TEST

START_TEST(requests_behind_a_waiting_fetch_are_answered_after_it) {
  ck_assert(broker_link_send_fetch(&broker_link, "topic", 0, 0, 60000));
  ck_assert(broker_link_send_batch(&broker_link, 1, "topic", 1, &one));
  ck_assert(!broker_link_is_readable(&broker_link, 50));
  struct broker_link producer;
  ck_assert(broker_link_open(&producer, broker_server_port(server)));
  ck_assert(broker_link_send_batch(&producer, 1, "topic", 0, &one));
  ck_assert_int_eq(broker_link_receive_produced(&producer, 1, NULL), 0);
  ck_assert_uint_gt(broker_link_receive_fetched(&broker_link, 1), 0);
  ck_assert_int_eq(broker_link_receive_produced(&broker_link, 2, NULL), 0);
  broker_link_close(&producer);
}
END_TEST

START_TEST(a_peer_that_does_not_read_stops_only_itself) {
  /* Three megabytes to read, asked for twelve times without reading an answer. */
  struct broker_link lazy;
  for (int number = 0; number < 30; number++) {
    ck_assert(
        broker_link_send_batch(&broker_link, 1, "topic", 0, &(struct batch_plan){.record_count = 5000}));
    ck_assert_int_eq(broker_link_receive_produced(&broker_link, number + 1, NULL), 0);
  }
  ck_assert(broker_link_open(&lazy, broker_server_port(server)));
  for (int number = 0; number < 12; number++)
    ck_assert(broker_link_send_fetch(&lazy, "topic", 0, 0, 0));
  ck_assert(broker_link_send_batch(&broker_link, 1, "topic", 1, &one));
  ck_assert_int_eq(broker_link_receive_produced(&broker_link, 31, NULL), 0);
  size_t first = broker_link_receive_fetched(&lazy, 1);
  ck_assert_uint_gt(first, 2500000);
  for (int number = 1; number < 12; number++)
    ck_assert_uint_eq(broker_link_receive_fetched(&lazy, number + 1), first);
  broker_link_close(&lazy);
}
END_TEST

START_TEST(garbage_costs_the_connection_and_nothing_else) {
  static const char garbage[] = "\0\0\0\x10GET / HTTP/1.1\r\n";
  ck_assert_int_eq(send(broker_link.socket, garbage, sizeof garbage, MSG_NOSIGNAL), sizeof garbage);
  ck_assert(is_over(&broker_link));
  reopen();
  static const char oversized[] = {0x7f, 0, 0, 0};
  ck_assert_int_eq(send(broker_link.socket, oversized, sizeof oversized, MSG_NOSIGNAL), sizeof oversized);
  ck_assert(is_over(&broker_link));
  reopen();
  ck_assert(broker_link_send_batch(&broker_link, 1, "topic", 0, &one));
  ck_assert_int_eq(broker_link_receive_produced(&broker_link, 1, NULL), 0);
}
END_TEST

START_TEST(a_dropped_response_cuts_after_the_append) {
  inject((struct broker_fault){.api_key = API_PRODUCE, .partition = -1, .skip = 1, .drop_response = true});
  struct batch_plan plan = {.idempotent = true, .producer_id = 3};
  ck_assert(broker_link_send_batch(&broker_link, -1, "topic", 0, &plan));
  plan.base_sequence = 1;
  ck_assert(broker_link_send_batch(&broker_link, -1, "topic", 0, &plan));
  ck_assert_int_eq(broker_link_receive_produced(&broker_link, 1, NULL), 0);
  ck_assert(is_over(&broker_link));
  ck_assert_int_eq(record_count(0), 2);
  reopen();
  int64_t base_offset = -1;
  ck_assert(broker_link_send_batch(&broker_link, -1, "topic", 0, &plan));
  ck_assert_int_eq(broker_link_receive_produced(&broker_link, 1, &base_offset), 0);
  ck_assert_int_eq(base_offset, 1);
  ck_assert_int_eq(record_count(0), 2);
}
END_TEST

START_TEST(a_withheld_response_silences_the_connection) {
  inject(
      (struct broker_fault){.api_key = API_PRODUCE, .partition = -1, .skip = 1, .withhold_response = true});
  for (int number = 0; number < 3; number++)
    ck_assert(broker_link_send_batch(&broker_link, 1, "topic", 0, &one));
  ck_assert_int_eq(broker_link_receive_produced(&broker_link, 1, NULL), 0);
  ck_assert(!broker_link_is_readable(&broker_link, 100));
  ck_assert_int_eq(record_count(0), 2);
  reopen();
  ck_assert(broker_link_send_batch(&broker_link, 1, "topic", 0, &one));
  ck_assert_int_eq(broker_link_receive_produced(&broker_link, 1, NULL), 0);
}
END_TEST

START_TEST(acks_zero_is_not_answered) {
  ck_assert(broker_link_send_batch(&broker_link, 0, "topic", 0, &one));
  ck_assert(broker_link_send_batch(&broker_link, 1, "topic", 0, &one));
  ck_assert_int_eq(broker_link_receive_produced(&broker_link, 2, NULL), 0);
  ck_assert_int_eq(record_count(0), 2);
  ck_assert(broker_link_send_batch(&broker_link, 0, "none", 0, &one));
  ck_assert(is_over(&broker_link));
}
END_TEST

START_TEST(a_paused_broker_handles_nothing_until_it_continues) {
  broker_server_pause(server);
  ck_assert(broker_link_send_batch(&broker_link, 1, "topic", 0, &one));
  struct broker_link late;
  ck_assert(broker_link_open(&late, broker_server_port(server)));
  ck_assert(broker_link_send_batch(&late, 1, "topic", 0, &one));
  ck_assert(!broker_link_is_readable(&broker_link, 100));
  ck_assert_int_eq(record_count(0), 0);
  broker_server_continue(server);
  ck_assert_int_eq(broker_link_receive_produced(&broker_link, 1, NULL), 0);
  ck_assert_int_eq(broker_link_receive_produced(&late, 1, NULL), 0);
  ck_assert_int_eq(record_count(0), 2);
  broker_link_close(&late);
}
END_TEST

START_TEST(a_disconnect_cuts_all_and_new_ones_are_welcome) {
  ck_assert(broker_link_send_batch(&broker_link, 1, "topic", 0, &one));
  ck_assert_int_eq(broker_link_receive_produced(&broker_link, 1, NULL), 0);
  broker_server_disconnect(server);
  ck_assert(is_over(&broker_link));
  reopen();
  ck_assert(broker_link_send_batch(&broker_link, 1, "topic", 0, &one));
  ck_assert_int_eq(broker_link_receive_produced(&broker_link, 1, NULL), 0);
}
END_TEST

START_TEST(a_stopped_broker_is_gone_and_comes_back_with_its_log) {
  uint16_t port = broker_server_port(server);
  ck_assert(broker_link_send_batch(&broker_link, 1, "topic", 0, &one));
  ck_assert_int_eq(broker_link_receive_produced(&broker_link, 1, NULL), 0);
  for (int round = 0; round < 3; round++) {
    struct broker_link refused;
    broker_server_stop(server);
    ck_assert(is_over(&broker_link));
    ck_assert(!broker_link_open(&refused, port));
    ck_assert_int_eq(broker_server_restart(server), STATUS_OK);
    ck_assert_uint_eq(broker_server_port(server), port);
    reopen();
    ck_assert_int_eq(record_count(0), round + 1);
    ck_assert(broker_link_send_batch(&broker_link, 1, "topic", 0, &one));
    ck_assert_int_eq(broker_link_receive_produced(&broker_link, 1, NULL), 0);
  }
}
END_TEST

START_TEST(connections_beyond_the_limit_are_closed) {
  tear_down();
  struct broker_server_settings settings = normal();
  settings.connection_max_count = 2;
  start(&settings);
  struct broker_link second, third;
  ck_assert(broker_link_open(&second, broker_server_port(server)));
  ck_assert(broker_link_send_batch(&broker_link, 1, "topic", 0, &one));
  ck_assert(broker_link_send_batch(&second, 1, "topic", 0, &one));
  ck_assert_int_eq(broker_link_receive_produced(&second, 1, NULL), 0);
  ck_assert_int_eq(broker_link_receive_produced(&broker_link, 1, NULL), 0);
  ck_assert(broker_link_open(&third, broker_server_port(server)));
  ck_assert(is_over(&third));
  broker_link_close(&third);
  broker_link_close(&second);
}
END_TEST

START_TEST(a_server_that_cannot_be_says_why) {
  struct broker_server *none = NULL;
  struct broker_server_settings settings = normal();
  settings.port = broker_server_port(server);
  ck_assert_int_eq(broker_server_create(&settings, &none), STATUS_SYSTEM_ERROR);
  ck_assert_int_eq(errno, EADDRINUSE);
  settings = normal();
  settings.address = "no such host";
  ck_assert_int_eq(broker_server_create(&settings, &none), STATUS_NAME_NOT_RESOLVED);
  settings = normal();
  settings.connection_max_count = 0;
  ck_assert_int_eq(broker_server_create(&settings, &none), STATUS_INVALID_ARGUMENT);
  static const struct broker_server_topic bad = {"a/b", 1};
  settings = normal();
  settings.topics = &bad;
  settings.topic_count = 1;
  ck_assert_int_eq(broker_server_create(&settings, &none), STATUS_INVALID_TOPIC_EXCEPTION);
  ck_assert_ptr_null(none);
  broker_server_destroy(NULL);
}
END_TEST

int main(void) {
  Suite *suite = suite_create("broker_server");
  TCase *test_case = tcase_create("all");
  tcase_add_checked_fixture(test_case, set_up, tear_down);
  tcase_add_test(test_case, requests_are_answered_over_a_socket);
  tcase_add_test(test_case, pipelined_requests_are_answered_in_order);
  tcase_add_test(test_case, many_connections_are_served_at_once);
  tcase_add_test(test_case, a_fetch_waits_for_the_next_batch);
  tcase_add_test(test_case, a_fetch_is_answered_empty_after_its_wait);
  tcase_add_test(test_case, requests_behind_a_waiting_fetch_are_answered_after_it);
  tcase_add_test(test_case, a_peer_that_does_not_read_stops_only_itself);
  tcase_add_test(test_case, garbage_costs_the_connection_and_nothing_else);
  tcase_add_test(test_case, a_dropped_response_cuts_after_the_append);
  tcase_add_test(test_case, a_withheld_response_silences_the_connection);
  tcase_add_test(test_case, acks_zero_is_not_answered);
  tcase_add_test(test_case, a_paused_broker_handles_nothing_until_it_continues);
  tcase_add_test(test_case, a_disconnect_cuts_all_and_new_ones_are_welcome);
  tcase_add_test(test_case, a_stopped_broker_is_gone_and_comes_back_with_its_log);
  tcase_add_test(test_case, connections_beyond_the_limit_are_closed);
  tcase_add_test(test_case, a_server_that_cannot_be_says_why);
  suite_add_tcase(suite, test_case);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_ENV);
  int failures = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failures != 0;
}
