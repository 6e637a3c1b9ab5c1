#include "network/dialer.h"

#include "base/clock.h"
#include "base/status.h"
#include "support/client_world.h"
#include <check.h>
#include <stdlib.h>

/* The dialer is driven through the network client, which adds only the waiting. */

#define MS ((int64_t)CLIENT_WORLD_MS)
#define S  ((int64_t)CLIENT_WORLD_S)

static struct client_world world;
static struct call call;

static void set_up(void) {
  client_world_init(&world);
  fake_transport_listen(world.transport, "10.0.0.1", 9092, FAKE_ACCEPTS, 0);
}

static void tear_down(void) {
  client_world_deinit(&world);
  call_deinit(&call);
}

static bool try_ready(int32_t node_id) {
  return network_client_ready(world.client, node_id, client_world_now_us(&world));
}

/* Starts a round that must fail at once, and returns the backoff that follows. */
static int64_t fail_round_us(void) {
  ck_assert(!try_ready(-1));
  while (network_client_ready_at_us(world.client, -1) == CLOCK_NEVER_US)
    client_world_step(&world);
  return network_client_ready_at_us(world.client, -1) - client_world_now_us(&world);
}

static void assert_between(int64_t value, int64_t low, int64_t high) {
  ck_assert_int_ge(value, low);
  ck_assert_int_le(value, high);
}

/* ---- addresses ---- */

START_TEST(every_address_is_tried_before_the_node_has_failed) {
  fake_transport_set_name(world.transport, "kafka", "10.0.0.7 ::1 10.0.0.8 10.0.0.1", 0);
  client_world_start(&world, "kafka:9092");
  int64_t start_us = client_world_now_us(&world);
  ck_assert(client_world_connect(&world, -1));
  ck_assert_int_eq(client_world_now_us(&world), start_us); /* no pause between addresses */
  const char *expected[] = {"10.0.0.7:9092", "[::1]:9092", "10.0.0.8:9092", "10.0.0.1:9092"};
  ck_assert_uint_eq(fake_transport_connection_count(world.transport), 4);
  for (uint32_t i = 0; i < 4; i++)
    ck_assert_str_eq(fake_transport_peer(world.transport, i + 1), expected[i]);
  ck_assert_uint_eq(world.event_count, 4);
  for (uint32_t i = 0; i < 3; i++)
    ck_assert_int_eq(world.events[i].status, STATUS_CONNECTION_REFUSED);
  ck_assert_str_eq(world.events[1].text, "kafka:9092 ([::1]:9092): Connection refused");
  ck_assert_int_eq(world.events[3].status, STATUS_OK);
  ck_assert_int_eq(world.events[3].node_id, -1);
}
END_TEST

START_TEST(a_round_after_all_addresses_failed_looks_the_name_up_again) {
  fake_transport_set_name(world.transport, "kafka", "10.0.0.7 10.0.0.8", 0);
  client_world_start(&world, "kafka:9092");
  int64_t pause_us = fail_round_us();
  ck_assert_uint_eq(fake_transport_lookup_count(world.transport), 1);
  fake_transport_set_name(world.transport, "kafka", "10.0.0.1", 0);
  client_world_run(&world, pause_us);
  ck_assert(client_world_connect(&world, -1));
  ck_assert_uint_eq(fake_transport_lookup_count(world.transport), 2);
  ck_assert_uint_eq(fake_transport_connection_count(world.transport), 3);
}
END_TEST

START_TEST(known_addresses_serve_when_the_name_server_is_gone) {
  fake_transport_set_name(world.transport, "kafka", "10.0.0.1", 0);
  client_world_start(&world, "kafka:9092");
  ck_assert(client_world_connect(&world, -1));
  fake_transport_set_name(world.transport, "kafka", "", 0);
  fake_transport_reset(world.transport, 1);
  client_world_run(&world, 2 * S);
  ck_assert(client_world_connect(&world, -1));
  ck_assert_uint_eq(fake_transport_lookup_count(world.transport), 2);
  ck_assert_str_eq(fake_transport_peer(world.transport, 2), "10.0.0.1:9092");
}
END_TEST

START_TEST(a_lost_connection_is_replaced_at_the_next_address) {
  fake_transport_listen(world.transport, "10.0.0.2", 9092, FAKE_ACCEPTS, 0);
  fake_transport_set_name(world.transport, "kafka", "10.0.0.1 10.0.0.2", 0);
  client_world_start(&world, "kafka:9092");
  const char *expected[] = {"10.0.0.1:9092", "10.0.0.2:9092", "10.0.0.1:9092"};
  for (uint32_t i = 0; i < 3; i++) {
    ck_assert(client_world_connect(&world, -1));
    ck_assert_str_eq(fake_transport_peer(world.transport, i + 1), expected[i]);
    fake_transport_reset(world.transport, i + 1);
    client_world_run(&world, 2 * S);
  }
}
END_TEST

START_TEST(a_server_that_drops_us_while_negotiating_counts_as_failed) {
  fake_transport_listen(world.transport, "10.0.0.2", 9092, FAKE_ACCEPTS, 0);
  fake_transport_set_name(world.transport, "kafka", "10.0.0.1 10.0.0.2", 0);
  world.broker.is_silent = true;
  client_world_start(&world, "kafka:9092");
  try_ready(-1);
  client_world_run(&world, MS);
  fake_transport_end(world.transport, 1);
  client_world_run(&world, MS);
  ck_assert_uint_eq(fake_transport_connection_count(world.transport), 2);
  ck_assert(!network_client_all_failed(world.client));
  fake_transport_end(world.transport, 2);
  client_world_run(&world, MS);
  ck_assert(network_client_all_failed(world.client));
  ck_assert_int_eq(world.events[1].status, STATUS_DISCONNECTED);
  ck_assert_str_eq(world.events[1].text, "kafka:9092 (10.0.0.2:9092): the broker closed the connection "
                                         "without an answer: does security.protocol "
                                         "fit its listener?");
}
END_TEST

START_TEST(a_refusal_by_this_machine_is_told_and_tried_again) {
  fake_transport_listen(world.transport, "10.0.0.1", 9092, FAKE_FAILS_AT_ONCE, 0);
  client_world_start(&world, "10.0.0.1:9092");
  int64_t pause_us = fail_round_us();
  ck_assert_int_eq(world.events[0].status, STATUS_SYSTEM_ERROR);
  ck_assert_str_eq(world.events[0].text, "10.0.0.1:9092: Too many open files");
  fake_transport_listen(world.transport, "10.0.0.1", 9092, FAKE_ACCEPTS, 0);
  client_world_run(&world, pause_us);
  ck_assert(client_world_connect(&world, -1));
}
END_TEST

/* ---- names ---- */

START_TEST(an_unknown_name_backs_off_and_is_asked_again) {
  client_world_start(&world, "nowhere:9092");
  int64_t pause_us = fail_round_us();
  assert_between(pause_us, 40 * MS, 60 * MS);
  ck_assert_int_eq(world.events[0].status, STATUS_NAME_NOT_RESOLVED);
  ck_assert_str_eq(world.events[0].text, "nowhere:9092: Name or service not known");
  fake_transport_set_name(world.transport, "nowhere", "10.0.0.1", 0);
  ck_assert(client_world_connect(&world, -1));
  ck_assert_uint_eq(fake_transport_lookup_count(world.transport), 2);
}
END_TEST

START_TEST(a_slow_lookup_is_given_up_but_its_answer_is_used) {
  fake_transport_set_name(world.transport, "kafka", "10.0.0.1", 25 * S);
  client_world_start(&world, "kafka:9092");
  ck_assert(!try_ready(-1));
  client_world_run(&world, 12 * S); /* the set-up timeout of 10 s, +-20 % */
  ck_assert_uint_eq(world.event_count, 1);
  ck_assert_int_eq(world.events[0].status, STATUS_NAME_NOT_RESOLVED);
  ck_assert(network_client_all_failed(world.client));
  ck_assert(!try_ready(-1));
  ck_assert(!network_client_all_failed(world.client)); /* waits again, for the same look-up */
  client_world_run(&world, 13 * S + MS);
  ck_assert(client_world_is_ready(&world, -1));
  ck_assert_uint_eq(fake_transport_lookup_count(world.transport), 1);
}
END_TEST

START_TEST(an_answer_between_rounds_is_used_by_the_next) {
  world.settings.connection_setup_timeout_us = 100 * MS;
  world.settings.reconnect_backoff_us = world.settings.reconnect_backoff_max_us = 10 * S;
  fake_transport_set_name(world.transport, "kafka", "10.0.0.1", S);
  client_world_start(&world, "kafka:9092");
  ck_assert(!try_ready(-1));
  client_world_run(&world, 20 * S);
  ck_assert_uint_eq(fake_transport_connection_count(world.transport), 0);
  ck_assert(!try_ready(-1));
  client_world_step(&world);
  client_world_step(&world);
  ck_assert(client_world_is_ready(&world, -1));
  ck_assert_uint_eq(fake_transport_lookup_count(world.transport), 1);
}
END_TEST

START_TEST(canonical_names_are_asked_for_bootstrap_servers_only) {
  world.settings.canonical_bootstrap = true;
  fake_transport_set_name(world.transport, "kafka", "10.0.0.1", 0);
  client_world_start(&world, "kafka:9092");
  ck_assert(client_world_connect(&world, -1));
  ck_assert_uint_eq(fake_transport_canonical_count(world.transport), 1);
  client_world_set_brokers(&world, "1=kafka:9092");
  ck_assert(client_world_connect(&world, 1));
  ck_assert_uint_eq(fake_transport_lookup_count(world.transport), 2);
  ck_assert_uint_eq(fake_transport_canonical_count(world.transport), 1);
}
END_TEST

/* ---- backoff and deadlines ---- */

START_TEST(the_backoff_doubles_up_to_its_maximum_and_begins_anew_after_success) {
  fake_transport_listen(world.transport, "10.0.0.1", 9092, FAKE_REFUSES, 0);
  client_world_start(&world, "10.0.0.1:9092");
  int64_t expected_us = 50 * MS;
  for (int i = 0; i < 8; i++) {
    int64_t pause_us = fail_round_us();
    int64_t high_us = expected_us * 12 / 10;
    assert_between(pause_us, expected_us * 8 / 10, high_us < 1000 * MS ? high_us : 1000 * MS);
    uint32_t connects = fake_transport_connection_count(world.transport);
    client_world_run(&world, pause_us - 1);
    ck_assert(!try_ready(-1)); /* not a microsecond early */
    client_world_step(&world);
    ck_assert_uint_eq(fake_transport_connection_count(world.transport), connects);
    client_world_run(&world, 1);
    expected_us = expected_us * 2 < 1000 * MS ? expected_us * 2 : 1000 * MS;
  }
  fake_transport_listen(world.transport, "10.0.0.1", 9092, FAKE_ACCEPTS, 0);
  ck_assert(client_world_connect(&world, -1));
  fake_transport_reset(world.transport, fake_transport_connection_count(world.transport));
  client_world_step(&world);
  assert_between(network_client_ready_at_us(world.client, -1) - client_world_now_us(&world), 40 * MS,
                 60 * MS);
}
END_TEST

START_TEST(a_poll_ends_with_the_backoff_and_then_waits_on) {
  fake_transport_listen(world.transport, "10.0.0.1", 9092, FAKE_REFUSES, 0);
  client_world_start(&world, "10.0.0.1:9092");
  int64_t start_us = client_world_now_us(&world);
  int64_t pause_us = fail_round_us();
  ck_assert_int_eq(network_client_next_deadline_us(world.client), start_us + pause_us);
  network_client_poll(world.client, start_us, start_us + S, fake_transport_clock_us, world.transport);
  ck_assert_int_eq(client_world_now_us(&world), start_us + pause_us);
  network_client_poll(world.client, start_us + pause_us, start_us + 5 * S, fake_transport_clock_us,
                      world.transport);
  ck_assert_int_eq(client_world_now_us(&world), start_us + 5 * S); /* nobody asked for the node again */
}
END_TEST

START_TEST(the_setup_timeout_grows_with_failures_up_to_its_maximum) {
  fake_transport_listen(world.transport, "10.0.0.1", 9092, FAKE_NEVER_ANSWERS, 0);
  client_world_start(&world, "10.0.0.1:9092");
  const int64_t expected_us[] = {10 * S, 20 * S, 30 * S, 30 * S};
  for (uint32_t i = 0; i < 4; i++) {
    ck_assert(!try_ready(-1));
    while (fake_transport_connection_count(world.transport) <= i)
      client_world_step(&world); /* the name */
    int64_t start_us = client_world_now_us(&world);
    int64_t deadline_us = network_client_next_deadline_us(world.client);
    client_world_run(&world, deadline_us - start_us - 1);
    ck_assert(fake_transport_is_open(world.transport, i + 1));
    client_world_run(&world, 1);
    while (fake_transport_is_open(world.transport, i + 1)) /* an earlier deadline had passed by itself */
      client_world_run(&world, network_client_next_deadline_us(world.client) - client_world_now_us(&world));
    int64_t took_us = client_world_now_us(&world) - start_us;
    int64_t high_us = expected_us[i] * 12 / 10;
    assert_between(took_us, expected_us[i] * 8 / 10, high_us < 30 * S ? high_us : 30 * S);
    ck_assert_str_eq(world.events[i].text, "10.0.0.1:9092: no answer within "
                                           "socket.connection.setup.timeout.ms");
    client_world_run(&world, 2 * S);
  }
}
END_TEST

START_TEST(a_server_that_never_answers_the_versions_times_out) {
  world.broker.is_silent = true;
  client_world_start(&world, "10.0.0.1:9092");
  ck_assert(!try_ready(-1));
  client_world_run(&world, 30 * S - 1);
  ck_assert(fake_transport_is_open(world.transport, 1));
  client_world_run(&world, 1);
  ck_assert(!fake_transport_is_open(world.transport, 1));
  ck_assert_int_eq(world.events[0].status, STATUS_REQUEST_TIMED_OUT_LOCALLY);
  ck_assert(network_client_all_failed(world.client));
}
END_TEST

START_TEST(a_broker_without_a_version_that_we_speak_says_so) {
  world.broker.versions_maximum = -1;
  world.broker.versions_listed = -1;
  client_world_start(&world, "10.0.0.1:9092");
  fail_round_us();
  ck_assert_int_eq(world.events[0].status, STATUS_UNSUPPORTED_BROKER);
}
END_TEST

START_TEST(an_older_broker_is_asked_in_the_version_that_it_lists) {
  world.broker.versions_maximum = 2;
  world.broker.versions_listed = 2;
  client_world_start(&world, "10.0.0.1:9092");
  ck_assert(client_world_connect(&world, -1));
  ck_assert_int_eq(fake_broker_find(&world.broker, 1, API_API_VERSIONS, 0)->api_version, 4);
  ck_assert_int_eq(fake_broker_find(&world.broker, 1, API_API_VERSIONS, 1)->api_version, 2);
  ck_assert_ptr_null(fake_broker_find(&world.broker, 1, API_API_VERSIONS, 2));
}
END_TEST

/* ---- idle ---- */

START_TEST(an_idle_connection_is_closed_silently_and_reopened_at_once) {
  client_world_start(&world, "10.0.0.1:9092");
  ck_assert(client_world_connect(&world, -1));
  client_world_run(&world, 100 * S);
  call_init(&call, &world, 60);
  call_send(&call, -1);
  client_world_run(&world, S);
  call_answer(&call, "");
  client_world_step(&world);
  client_world_run(&world, 540 * S - 1);
  ck_assert(client_world_is_ready(&world, -1));
  client_world_run(&world, 1);
  ck_assert(!client_world_is_ready(&world, -1));
  ck_assert_uint_eq(world.event_count, 1); /* that it opened */
  ck_assert(!network_client_all_failed(world.client));
  int64_t now_us = client_world_now_us(&world);
  ck_assert(client_world_connect(&world, -1));
  ck_assert_int_eq(client_world_now_us(&world), now_us);
}
END_TEST

START_TEST(without_an_idle_limit_nothing_is_closed) {
  world.settings.connections_max_idle_us = -1;
  client_world_start(&world, "10.0.0.1:9092");
  ck_assert(client_world_connect(&world, -1));
  client_world_run(&world, 1000 * 1000 * S);
  ck_assert(client_world_is_ready(&world, -1));
  ck_assert_int_eq(network_client_next_deadline_us(world.client), CLOCK_NEVER_US);
}
END_TEST

START_TEST(a_broker_that_closes_an_idle_connection_is_no_error) {
  client_world_start(&world, "10.0.0.1:9092");
  ck_assert(client_world_connect(&world, -1));
  fake_transport_end(world.transport, 1);
  client_world_step(&world);
  ck_assert(!client_world_is_ready(&world, -1));
  ck_assert_uint_eq(world.event_count, 1); /* that it opened */
  ck_assert(!network_client_all_failed(world.client));
  /* A broker that always does that must not be called in a loop. */
  assert_between(network_client_ready_at_us(world.client, -1) - client_world_now_us(&world), 40 * MS,
                 60 * MS);
  ck_assert(client_world_connect(&world, -1));
}
END_TEST

START_TEST(a_broker_that_closes_within_a_frame_is_an_error) {
  client_world_start(&world, "10.0.0.1:9092");
  ck_assert(client_world_connect(&world, -1));
  fake_transport_deliver(world.transport, 1, bytes_of("\0\0", 2));
  fake_transport_end(world.transport, 1);
  client_world_run(&world, MS);
  ck_assert_uint_eq(world.event_count, 2);
  ck_assert_int_eq(world.events[1].status, STATUS_DISCONNECTED);
}
END_TEST

int main(void) {
  Suite *suite = suite_create("dialer");
  TCase *tests = tcase_create("dialer");
  tcase_add_checked_fixture(tests, set_up, tear_down);
  tcase_add_test(tests, every_address_is_tried_before_the_node_has_failed);
  tcase_add_test(tests, a_round_after_all_addresses_failed_looks_the_name_up_again);
  tcase_add_test(tests, known_addresses_serve_when_the_name_server_is_gone);
  tcase_add_test(tests, a_lost_connection_is_replaced_at_the_next_address);
  tcase_add_test(tests, a_server_that_drops_us_while_negotiating_counts_as_failed);
  tcase_add_test(tests, a_refusal_by_this_machine_is_told_and_tried_again);
  tcase_add_test(tests, an_unknown_name_backs_off_and_is_asked_again);
  tcase_add_test(tests, a_slow_lookup_is_given_up_but_its_answer_is_used);
  tcase_add_test(tests, an_answer_between_rounds_is_used_by_the_next);
  tcase_add_test(tests, canonical_names_are_asked_for_bootstrap_servers_only);
  tcase_add_test(tests, the_backoff_doubles_up_to_its_maximum_and_begins_anew_after_success);
  tcase_add_test(tests, a_poll_ends_with_the_backoff_and_then_waits_on);
  tcase_add_test(tests, the_setup_timeout_grows_with_failures_up_to_its_maximum);
  tcase_add_test(tests, a_server_that_never_answers_the_versions_times_out);
  tcase_add_test(tests, a_broker_without_a_version_that_we_speak_says_so);
  tcase_add_test(tests, an_older_broker_is_asked_in_the_version_that_it_lists);
  tcase_add_test(tests, an_idle_connection_is_closed_silently_and_reopened_at_once);
  tcase_add_test(tests, without_an_idle_limit_nothing_is_closed);
  tcase_add_test(tests, a_broker_that_closes_an_idle_connection_is_no_error);
  tcase_add_test(tests, a_broker_that_closes_within_a_frame_is_an_error);
  suite_add_tcase(suite, tests);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_ENV);
  int failures = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failures == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
