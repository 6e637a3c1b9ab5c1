#include "network/network_client.h"

#include "base/clock.h"
#include "base/status.h"
#include "support/client_world.h"
#include <check.h>
#include <stdlib.h>

#define MS ((int64_t)CLIENT_WORLD_MS)
#define S  ((int64_t)CLIENT_WORLD_S)

static struct client_world world;
static struct call calls[16];

static void set_up(void) {
  client_world_init(&world);
  fake_transport_set_name(world.transport, "kafka", "10.0.0.1", 0);
  fake_transport_listen(world.transport, "10.0.0.1", 9092, FAKE_ACCEPTS, 0);
}

static void tear_down(void) {
  client_world_deinit(&world);
  for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++)
    call_deinit(&calls[i]);
}

/* The usual start: one bootstrap server, connected. */
static void start_connected(void) {
  client_world_start(&world, "kafka:9092");
  ck_assert(client_world_connect(&world, -1));
}

static struct call *send_call(uint32_t index, int32_t node_id) {
  call_init(&calls[index], &world, 60);
  call_send(&calls[index], node_id);
  return &calls[index];
}

static void assert_ended(const struct call *call, int32_t status, bool handed_over) {
  ck_assert_uint_eq(call->completed_count, 1);
  ck_assert_str_eq(status_name(call->result.status), status_name(status));
  ck_assert_int_eq(call->result.handed_over, handed_over);
}

/* ---- requests ---- */

START_TEST(a_request_is_answered_with_body_node_and_latency) {
  start_connected();
  struct call *call = send_call(0, -1);
  client_world_run(&world, 7 * MS);
  ck_assert_uint_eq(call->completed_count, 0);
  ck_assert_uint_eq(network_client_in_flight(world.client, -1), 1);
  call_answer(call, "body");
  client_world_step(&world);
  assert_ended(call, STATUS_OK, true);
  ck_assert_uint_eq(call->body_size, 4);
  ck_assert_mem_eq(call->body, "body", 4);
  ck_assert_int_eq(call->result.node_id, -1);
  ck_assert_int_eq(call->result.latency_us, 7 * MS);
  ck_assert_uint_eq(network_client_in_flight(world.client, -1), 0);
}
END_TEST

START_TEST(no_more_than_max_in_flight_are_open) {
  world.settings.max_in_flight = 2;
  start_connected();
  send_call(0, -1);
  ck_assert(client_world_is_ready(&world, -1));
  send_call(1, -1);
  ck_assert(!client_world_is_ready(&world, -1));
  ck_assert_int_eq(network_client_ready_at_us(world.client, -1), CLOCK_NEVER_US);
  call_answer(&calls[0], "");
  client_world_step(&world);
  ck_assert(client_world_is_ready(&world, -1));
}
END_TEST

START_TEST(a_request_without_response_completes_from_poll_once_written) {
  start_connected();
  call_init(&calls[0], &world, 60);
  calls[0].request.expects_response = false;
  call_send(&calls[0], -1);
  ck_assert_uint_eq(calls[0].completed_count, 0); /* send never completes */
  ck_assert_int_eq(network_client_next_deadline_us(world.client), client_world_now_us(&world));
  int64_t now_us = client_world_now_us(&world);
  network_client_poll(world.client, now_us, now_us + S, fake_transport_clock_us, world.transport);
  ck_assert_int_eq(client_world_now_us(&world), now_us); /* did not wait: the caller may want to send more */
  assert_ended(&calls[0], STATUS_OK, true);
  ck_assert_uint_eq(calls[0].body_size, 0);
}
END_TEST

START_TEST(requests_without_response_complete_in_order_as_they_are_written) {
  start_connected();
  fake_transport_set_write_budget(world.transport, 1, 60 + 59);
  for (uint32_t i = 0; i < 3; i++) {
    call_init(&calls[i], &world, 60);
    calls[i].request.expects_response = false;
    call_send(&calls[i], -1);
  }
  ck_assert(fake_transport_wants_write(world.transport, 1));
  client_world_step(&world);
  ck_assert_uint_eq(calls[0].completed_count, 1);
  ck_assert_uint_eq(calls[1].completed_count, 0);
  fake_transport_set_write_budget(world.transport, 1, SIZE_MAX);
  client_world_step(&world);
  ck_assert_uint_lt(calls[0].order, calls[1].order);
  ck_assert_uint_lt(calls[1].order, calls[2].order);
  ck_assert(!fake_transport_wants_write(world.transport, 1));
}
END_TEST

START_TEST(a_request_of_many_segments_is_one_send) {
  enum { SEGMENTS = 400 };
  start_connected();
  call_init(&calls[0], &world, SEGMENTS);
  static struct transport_segment segments[SEGMENTS];
  for (uint32_t i = 0; i < SEGMENTS; i++)
    segments[i] = (struct transport_segment){.data = calls[0].frame.data + i, .size = 1};
  calls[0].request.segments = segments;
  calls[0].request.segment_count = SEGMENTS;
  uint32_t before = fake_transport_send_count(world.transport, 1);
  call_send(&calls[0], -1);
  ck_assert_uint_eq(fake_transport_send_count(world.transport, 1), before + 1);
  ck_assert_ptr_nonnull(fake_broker_find(&world.broker, 1, API_METADATA, 0));
}
END_TEST

START_TEST(a_byte_at_a_time_is_enough_in_both_directions) {
  fake_transport_set_chunks(world.transport, 0, 1, 1);
  start_connected();
  struct call *first = send_call(0, -1);
  struct call *second = send_call(1, -1);
  client_world_run(&world, MS);
  call_answer(first, "one");
  call_answer(second, "two");
  for (int i = 0; i < 100; i++)
    client_world_step(&world);
  assert_ended(first, STATUS_OK, true);
  assert_ended(second, STATUS_OK, true);
  ck_assert_mem_eq(first->body, "one", 3);
  ck_assert_mem_eq(second->body, "two", 3);
}
END_TEST

START_TEST(a_request_to_a_node_without_connection_ends_at_the_next_poll) {
  start_connected();
  struct call *unknown = send_call(0, 77);
  ck_assert_uint_eq(unknown->completed_count, 0);
  client_world_step(&world);
  assert_ended(unknown, STATUS_DISCONNECTED, false);
  ck_assert_int_eq(unknown->result.node_id, 77);
}
END_TEST

START_TEST(idle_waits_are_not_cut_short) {
  start_connected();
  uint32_t waits = fake_transport_wait_count(world.transport);
  client_world_run(&world, 60 * S);
  /* To where the deadline of ApiVersions was, to the end, and the last look. */
  ck_assert_uint_le(fake_transport_wait_count(world.transport) - waits, 3);
}
END_TEST

START_TEST(a_blocked_write_does_not_spin) {
  start_connected();
  fake_transport_set_write_budget(world.transport, 1, 10);
  send_call(0, -1);
  uint32_t sends = fake_transport_send_count(world.transport, 1);
  send_call(1, -1);
  ck_assert_uint_eq(fake_transport_send_count(world.transport, 1), sends); /* it would be taken by none */
  uint32_t waits = fake_transport_wait_count(world.transport);
  client_world_run(&world, 10 * S);
  ck_assert_uint_le(fake_transport_wait_count(world.transport) - waits, 3);
}
END_TEST

START_TEST(every_node_has_its_turn_when_one_floods) {
  enum { FLOOD_BYTES = 2000 * 1000 };
  world.settings.receive_message_max_bytes = FLOOD_BYTES;
  fake_transport_listen(world.transport, "10.0.0.2", 9092, FAKE_ACCEPTS, 0);
  client_world_start(&world, "10.0.0.1:9092 10.0.0.2:9092");
  ck_assert(client_world_connect(&world, -1));
  ck_assert(client_world_connect(&world, -2));
  struct call *flooded = send_call(0, -1);
  struct call *other = send_call(1, -2);
  client_world_run(&world, MS);
  static uint8_t flood[FLOOD_BYTES];
  bytes_store_u32(flood, sizeof flood - 4);
  bytes_store_u32(flood + 4, (uint32_t)flooded->request.correlation_id);
  fake_transport_deliver(world.transport, 1, bytes_of(flood, sizeof flood));
  call_answer(other, "served");
  client_world_step(&world);
  assert_ended(other, STATUS_OK, true);
  ck_assert_uint_eq(flooded->completed_count, 0); /* one turn is not enough for all of it */
  for (int i = 0; i < 20; i++)
    client_world_step(&world);
  assert_ended(flooded, STATUS_OK, true);
}
END_TEST

START_TEST(a_wake_ends_the_wait) {
  start_connected();
  network_client_wake(world.client);
  int64_t before_us = client_world_now_us(&world);
  network_client_poll(world.client, before_us, CLOCK_NEVER_US, fake_transport_clock_us, world.transport);
  ck_assert_int_eq(client_world_now_us(&world), before_us);
}
END_TEST

/* ---- complete functions that call back ---- */

static void then_send_next(struct call *call) {
  if (call == &calls[0]) send_call(1, -1);
}

START_TEST(a_complete_function_may_send) {
  start_connected();
  call_init(&calls[0], &world, 60);
  calls[0].then = then_send_next;
  call_send(&calls[0], -1);
  client_world_run(&world, MS);
  call_answer(&calls[0], "");
  client_world_step(&world);
  ck_assert_uint_eq(network_client_in_flight(world.client, -1), 1);
  call_answer(&calls[1], "x");
  client_world_step(&world);
  assert_ended(&calls[1], STATUS_OK, true);
}
END_TEST

static void then_close(struct call *call) {
  uint8_t first = call->body[0];
  network_client_close_node(world.client, -1, STATUS_MALFORMED_RESPONSE, "does not fit", call->result.now_us);
  ck_assert_uint_eq(calls[1].completed_count, 0);  /* not from within */
  ck_assert_uint_eq(*call->result.body.at, first); /* the body is still there */
}

START_TEST(a_complete_function_may_close_its_node) {
  fake_transport_set_chunks(world.transport, 0, SIZE_MAX, 11); /* the body lies in the connection's buffer */
  start_connected();
  send_call(0, -1);
  calls[0].then = then_close;
  struct call *other = send_call(1, -1);
  client_world_run(&world, MS);
  call_answer(&calls[0], "a body that does not fit");
  call_answer(other, "never read");
  client_world_run(&world, MS);
  assert_ended(&calls[0], STATUS_OK, true);
  assert_ended(other, STATUS_MALFORMED_RESPONSE, true);
  ck_assert(!fake_transport_is_open(world.transport, 1));
  ck_assert_uint_eq(network_client_connected_count(world.client), 0);
}
END_TEST

static void then_learn_brokers(struct call *call) {
  (void)call;
  client_world_set_brokers(&world, "1=10.0.0.1:9092");
}

START_TEST(a_complete_function_may_replace_the_node_it_was_asked_from) {
  start_connected();
  send_call(0, -1);
  calls[0].then = then_learn_brokers;
  client_world_run(&world, MS);
  call_answer(&calls[0], "brokers");
  client_world_step(&world);
  assert_ended(&calls[0], STATUS_OK, true);
  ck_assert(!fake_transport_is_open(world.transport, 1)); /* the bootstrap connection had nothing left */
  ck_assert(client_world_connect(&world, 1));
}
END_TEST

static void then_throttle(struct call *call) {
  network_client_throttle(world.client, call->result.node_id, call->result.now_us + 200 * MS);
}

START_TEST(a_throttled_node_takes_nothing_and_open_requests_do_not_age) {
  start_connected();
  send_call(0, -1);
  calls[0].then = then_throttle;
  struct call *open = send_call(1, -1);
  int64_t sent_us = client_world_now_us(&world);
  client_world_run(&world, 10 * MS);
  call_answer(&calls[0], "");
  client_world_step(&world);
  int64_t until_us = client_world_now_us(&world) + 200 * MS;
  ck_assert(!client_world_is_ready(&world, -1));
  ck_assert_int_eq(network_client_ready_at_us(world.client, -1), until_us);
  ck_assert_int_le(network_client_next_deadline_us(world.client), until_us);
  client_world_run(&world, until_us - client_world_now_us(&world) - 1);
  ck_assert(!client_world_is_ready(&world, -1));
  client_world_run(&world, 1);
  ck_assert(client_world_is_ready(&world, -1));
  client_world_run(&world, sent_us + 30 * S + 200 * MS - 1 - client_world_now_us(&world));
  ck_assert_uint_eq(open->completed_count, 0);
  client_world_run(&world, 1);
  assert_ended(open, STATUS_REQUEST_TIMED_OUT_LOCALLY, true);
}
END_TEST

START_TEST(the_pause_in_the_versions_answer_is_kept) {
  world.broker.versions_throttle_ms = 300;
  client_world_start(&world, "kafka:9092");
  ck_assert(!network_client_ready(world.client, -1, client_world_now_us(&world)));
  client_world_run(&world, MS);
  ck_assert_uint_eq(network_client_connected_count(world.client), 1);
  ck_assert(!client_world_is_ready(&world, -1));
  client_world_run(&world, 300 * MS);
  ck_assert(client_world_is_ready(&world, -1));
}
END_TEST

/* ---- brokers ---- */

START_TEST(bootstrap_servers_retire_once_brokers_are_known) {
  start_connected();
  struct call *open = send_call(0, -1);
  client_world_set_brokers(&world, "1=10.0.0.1:9092");
  ck_assert(!client_world_is_ready(&world, -1));
  ck_assert(!network_client_ready(world.client, -1, client_world_now_us(&world)));
  ck_assert(fake_transport_is_open(world.transport, 1)); /* an answer is still owed */
  client_world_run(&world, MS);
  call_answer(open, "late");
  client_world_step(&world);
  assert_ended(open, STATUS_OK, true);
  ck_assert(!fake_transport_is_open(world.transport, 1));
  int32_t node_id = 0;
  ck_assert(
      network_client_least_loaded(world.client, NETWORK_NO_NODE, client_world_now_us(&world), &node_id));
  ck_assert_int_eq(node_id, 1);
}
END_TEST

START_TEST(brokers_that_moved_or_left_are_closed_and_others_stay) {
  fake_transport_listen(world.transport, "10.0.0.2", 9092, FAKE_ACCEPTS, 0);
  fake_transport_listen(world.transport, "10.0.0.3", 9092, FAKE_ACCEPTS, 0);
  client_world_start(&world, "kafka:9092");
  client_world_set_brokers(&world, "1=10.0.0.1:9092 2=10.0.0.2:9092 3=10.0.0.3:9092");
  for (int32_t id = 1; id <= 3; id++) {
    ck_assert(client_world_connect(&world, id));
    send_call((uint32_t)id, id);
  }
  client_world_set_brokers(&world, "2=10.0.0.1:9092 3=10.0.0.3:9092");
  assert_ended(&calls[1], STATUS_DISCONNECTED, true);
  assert_ended(&calls[2], STATUS_DISCONNECTED, true);
  ck_assert_uint_eq(calls[3].completed_count, 0);
  ck_assert(!network_client_ready(world.client, 1, client_world_now_us(&world)));
  ck_assert(client_world_connect(&world, 2)); /* no backoff: it is another server */
  ck_assert_str_eq(fake_transport_peer(world.transport, 4), "10.0.0.1:9092");
  call_answer(&calls[3], "stayed");
  client_world_step(&world);
  assert_ended(&calls[3], STATUS_OK, true);
}
END_TEST

START_TEST(one_broker_can_be_updated) {
  fake_transport_listen(world.transport, "10.0.0.2", 9092, FAKE_ACCEPTS, 0);
  client_world_start(&world, "kafka:9092");
  client_world_set_brokers(&world, "1=10.0.0.1:9092");
  ck_assert(client_world_connect(&world, 1));
  struct broker_address broker = {.node_id = 2, .host = bytes_of_string("10.0.0.2"), .port = 9092};
  ck_assert_int_eq(network_client_update_broker(world.client, &broker, client_world_now_us(&world)),
                   STATUS_OK);
  ck_assert(client_world_connect(&world, 2));
  ck_assert(client_world_is_ready(&world, 1));
  broker = (struct broker_address){.node_id = 1, .host = bytes_of_string("10.0.0.1"), .port = 9092};
  ck_assert_int_eq(network_client_update_broker(world.client, &broker, client_world_now_us(&world)),
                   STATUS_OK);
  ck_assert(client_world_is_ready(&world, 1)); /* unchanged */
  broker.host = bytes_of_string("10.0.0.2");
  ck_assert_int_eq(network_client_update_broker(world.client, &broker, client_world_now_us(&world)),
                   STATUS_OK);
  ck_assert(!client_world_is_ready(&world, 1));
  ck_assert_uint_eq(network_client_connected_count(world.client), 1);
}
END_TEST

START_TEST(brokers_without_a_usable_address_are_skipped) {
  client_world_start(&world, "kafka:9092");
  char long_host[300];
  memset(long_host, 'h', sizeof long_host);
  const struct broker_address brokers[] = {
      {.node_id = 1, .host = bytes_of_string(""), .port = 9092},
      {.node_id = 2, .host = bytes_of(NULL, 0), .port = 9092},
      {.node_id = 3, .host = bytes_of_string("h"), .port = 0},
      {.node_id = 4, .host = bytes_of_string("h"), .port = 65536},
      {.node_id = 5, .host = bytes_of_string("h"), .port = -1},
      {.node_id = -7, .host = bytes_of_string("h"), .port = 9092},
      {.node_id = 6, .host = bytes_of(long_host, sizeof long_host), .port = 9092},
      {.node_id = 7, .host = bytes_of("a\0b", 3), .port = 9092},
      {.node_id = 8, .host = bytes_of_string("10.0.0.1"), .port = 9092},
      {.node_id = 8, .host = bytes_of_string("10.0.0.9"), .port = 9092},
  };
  int64_t now_us = client_world_now_us(&world);
  ck_assert_int_eq(network_client_set_brokers(world.client, brokers, 8, now_us), STATUS_INVALID_ARGUMENT);
  ck_assert_int_eq(network_client_set_brokers(world.client, brokers, 0, now_us), STATUS_INVALID_ARGUMENT);
  ck_assert(client_world_connect(&world, -1)); /* nothing has changed */
  ck_assert_int_eq(network_client_set_brokers(world.client, brokers, 10, now_us), STATUS_OK);
  ck_assert(client_world_connect(&world, 8));
  ck_assert_str_eq(fake_transport_peer(world.transport, 2), "10.0.0.1:9092"); /* of two the first */
  for (int32_t id = 1; id < 8; id++)
    ck_assert(!network_client_ready(world.client, id, client_world_now_us(&world)));
}
END_TEST

START_TEST(a_rebootstrap_forgets_the_brokers) {
  start_connected();
  client_world_set_brokers(&world, "1=10.0.0.1:9092");
  ck_assert(client_world_connect(&world, 1));
  struct call *open = send_call(0, 1);
  network_client_rebootstrap(world.client, client_world_now_us(&world));
  assert_ended(open, STATUS_DISCONNECTED, true);
  ck_assert(!network_client_ready(world.client, 1, client_world_now_us(&world)));
  ck_assert(client_world_connect(&world, -1));
}
END_TEST

START_TEST(all_have_failed_only_when_each_has) {
  fake_transport_listen(world.transport, "10.0.0.2", 9092, FAKE_ACCEPTS, 0);
  client_world_start(&world, "kafka:9092");
  client_world_set_brokers(&world, "1=10.0.0.1:9092 2=10.0.0.2:9092");
  ck_assert(!network_client_all_failed(world.client)); /* not tried yet */
  ck_assert(client_world_connect(&world, 1));
  fake_transport_listen(world.transport, "10.0.0.1", 9092, FAKE_REFUSES, 0);
  fake_transport_listen(world.transport, "10.0.0.2", 9092, FAKE_REFUSES, 0);
  network_client_ready(world.client, 2, client_world_now_us(&world));
  client_world_run(&world, MS);
  ck_assert(!network_client_all_failed(world.client)); /* 1 is connected */
  fake_transport_reset(world.transport, 1);
  client_world_run(&world, MS);
  ck_assert(!network_client_all_failed(world.client)); /* 1 was lost, but has not failed to come back */
  client_world_run(&world, 100 * MS);
  ck_assert(!network_client_ready(world.client, 1, client_world_now_us(&world)));
  ck_assert(!network_client_all_failed(world.client)); /* on its way */
  client_world_run(&world, MS);
  ck_assert(network_client_all_failed(world.client));
  network_client_rebootstrap(world.client, client_world_now_us(&world));
  ck_assert(!network_client_all_failed(world.client));
}
END_TEST

START_TEST(the_least_loaded_node_is_the_best_placed) {
  fake_transport_listen(world.transport, "10.0.0.2", 9092, FAKE_ACCEPTS, 0);
  fake_transport_listen(world.transport, "10.0.0.3", 9092, FAKE_NEVER_ANSWERS, 0);
  world.settings.max_in_flight = 2;
  client_world_start(&world, "kafka:9092");
  client_world_set_brokers(&world, "1=10.0.0.1:9092 2=10.0.0.2:9092 3=10.0.0.3:9092 4=10.0.0.4:9092");
  int32_t node_id = -100;
  uint32_t seen = 0;
  for (int i = 0; i < 200; i++) {
    ck_assert(
        network_client_least_loaded(world.client, NETWORK_NO_NODE, client_world_now_us(&world), &node_id));
    seen |= 1U << node_id;
  }
  ck_assert_uint_eq(seen, 1U << 1 | 1U << 2 | 1U << 3 | 1U << 4);         /* equals: by chance */
  ck_assert_uint_eq(fake_transport_connection_count(world.transport), 0); /* asking opens nothing */
  network_client_ready(world.client, 3, client_world_now_us(&world));
  client_world_run(&world, MS);
  ck_assert(
      network_client_least_loaded(world.client, NETWORK_NO_NODE, client_world_now_us(&world), &node_id));
  ck_assert_int_eq(node_id, 3); /* on its way */
  ck_assert(client_world_connect(&world, 1));
  ck_assert(client_world_connect(&world, 2));
  send_call(0, 1);
  send_call(1, 1);
  send_call(2, 2);
  ck_assert(
      network_client_least_loaded(world.client, NETWORK_NO_NODE, client_world_now_us(&world), &node_id));
  ck_assert_int_eq(node_id, 2); /* one open against two */
  send_call(3, 2);
  ck_assert(
      network_client_least_loaded(world.client, NETWORK_NO_NODE, client_world_now_us(&world), &node_id));
  ck_assert_int_eq(node_id, 3); /* 1 and 2 are full */
}
END_TEST

START_TEST(an_avoided_node_is_taken_when_no_other_can_be) {
  fake_transport_listen(world.transport, "10.0.0.2", 9092, FAKE_REFUSES, 0);
  client_world_start(&world, "kafka:9092");
  client_world_set_brokers(&world, "1=10.0.0.1:9092 2=10.0.0.2:9092");
  ck_assert(client_world_connect(&world, 1));
  int32_t node_id = -100;
  ck_assert(network_client_least_loaded(world.client, 1, client_world_now_us(&world), &node_id));
  ck_assert_int_eq(node_id, 2); /* not even connecting, against one that is ready */
  network_client_ready(world.client, 2, client_world_now_us(&world));
  client_world_run(&world, MS); /* refused: it backs off */
  ck_assert(network_client_least_loaded(world.client, 1, client_world_now_us(&world), &node_id));
  ck_assert_int_eq(node_id, 1);
  ck_assert(network_client_least_loaded(world.client, 2, client_world_now_us(&world), &node_id));
  ck_assert_int_eq(node_id, 1);
}
END_TEST

START_TEST(another_broker_is_one_that_was_named) {
  client_world_start(&world, "kafka:9092 10.0.0.9:9092");
  ck_assert(!network_client_knows_another(world.client, 1)); /* bootstrap servers may be anybody */
  client_world_set_brokers(&world, "1=10.0.0.1:9092");
  ck_assert(!network_client_knows_another(world.client, 1));
  ck_assert(network_client_knows_another(world.client, 2));
  client_world_set_brokers(&world, "1=10.0.0.1:9092 2=10.0.0.2:9092");
  ck_assert(network_client_knows_another(world.client, 1));
  client_world_set_brokers(&world, "1=10.0.0.1:9092");
  ck_assert(!network_client_knows_another(world.client, 1));
}
END_TEST

START_TEST(none_is_least_loaded_while_all_back_off) {
  fake_transport_listen(world.transport, "10.0.0.1", 9092, FAKE_REFUSES, 0);
  client_world_start(&world, "kafka:9092");
  network_client_ready(world.client, -1, client_world_now_us(&world));
  client_world_run(&world, MS);
  int32_t node_id = -100;
  ck_assert(
      !network_client_least_loaded(world.client, NETWORK_NO_NODE, client_world_now_us(&world), &node_id));
  ck_assert_int_eq(node_id, -100);
  client_world_run(&world, 100 * MS);
  ck_assert(
      network_client_least_loaded(world.client, NETWORK_NO_NODE, client_world_now_us(&world), &node_id));
  ck_assert_int_eq(node_id, -1);
}
END_TEST

START_TEST(a_node_that_has_not_failed_is_preferred) {
  client_world_start(&world, "10.0.0.9:9092 10.0.0.8:9092 10.0.0.1:9092");
  network_client_ready(world.client, -1, client_world_now_us(&world));
  network_client_ready(world.client, -2, client_world_now_us(&world));
  client_world_run(&world, S); /* both have failed, and may try again */
  for (int i = 0; i < 50; i++) {
    int32_t node_id = 0;
    ck_assert(
        network_client_least_loaded(world.client, NETWORK_NO_NODE, client_world_now_us(&world), &node_id));
    ck_assert_int_eq(node_id, -3);
  }
}
END_TEST

START_TEST(a_rebootstrap_gives_failed_servers_another_chance) {
  fake_transport_listen(world.transport, "10.0.0.1", 9092, FAKE_REFUSES, 0);
  client_world_start(&world, "10.0.0.1:9092");
  network_client_ready(world.client, -1, client_world_now_us(&world));
  client_world_run(&world, MS);
  ck_assert(network_client_all_failed(world.client));
  int64_t ready_at_us = network_client_ready_at_us(world.client, -1);
  network_client_rebootstrap(world.client, client_world_now_us(&world));
  ck_assert(!network_client_all_failed(world.client));
  ck_assert_int_eq(network_client_ready_at_us(world.client, -1), ready_at_us); /* but no sooner */
}
END_TEST

START_TEST(versions_are_known_while_connected) {
  client_world_start(&world, "kafka:9092");
  ck_assert_ptr_null(network_client_api_versions(world.client, -1));
  ck_assert(client_world_connect(&world, -1));
  const struct api_versions *versions = network_client_api_versions(world.client, -1);
  ck_assert_ptr_nonnull(versions);
  ck_assert_int_eq(api_versions_choose(versions, API_PRODUCE, 99), 13);
  fake_transport_reset(world.transport, 1);
  client_world_step(&world);
  ck_assert_ptr_null(network_client_api_versions(world.client, -1));
  ck_assert_ptr_null(network_client_api_versions(world.client, 5));
}
END_TEST

START_TEST(thousands_of_brokers_are_found_by_id) {
  enum { BROKERS = 2000 };
  client_world_start(&world, "kafka:9092");
  static struct broker_address brokers[BROKERS];
  for (int32_t i = 0; i < BROKERS; i++) /* in no order */
    brokers[i] = (struct broker_address){
        .node_id = (i * 7919) % BROKERS, .host = bytes_of_string("10.0.0.1"), .port = 9092};
  ck_assert_int_eq(network_client_set_brokers(world.client, brokers, BROKERS, client_world_now_us(&world)),
                   STATUS_OK);
  ck_assert(client_world_connect(&world, 0));
  ck_assert(client_world_connect(&world, 1234));
  ck_assert(client_world_connect(&world, BROKERS - 1));
  ck_assert(!network_client_ready(world.client, BROKERS, client_world_now_us(&world)));
}
END_TEST

/* ---- the end ---- */

static void then_send_again(struct call *call) {
  if (call != &calls[0]) return;
  ck_assert(!network_client_ready(world.client, -1, call->result.now_us));
  send_call(3, -1);
}

START_TEST(destroying_ends_every_request_once) {
  start_connected();
  send_call(0, -1);
  calls[0].then = then_send_again;
  fake_transport_set_write_budget(world.transport, 1, 30);
  send_call(1, -1);
  send_call(2, -1);
  network_client_destroy(world.client);
  world.client = NULL;
  assert_ended(&calls[0], STATUS_ABORTED, true);
  assert_ended(&calls[1], STATUS_ABORTED, false);
  assert_ended(&calls[2], STATUS_ABORTED, false);
  assert_ended(&calls[3], STATUS_ABORTED, false);
  fake_broker_deinit(&world.broker);
  client_world_init(&world); /* for the fixture */
}
END_TEST

START_TEST(destroying_during_a_lookup_and_a_connect_is_clean) {
  fake_transport_listen(world.transport, "10.0.0.2", 9092, FAKE_NEVER_ANSWERS, 0);
  fake_transport_hold_names(world.transport, true);
  client_world_start(&world, "kafka:9092 10.0.0.2:9092");
  network_client_ready(world.client, -1, client_world_now_us(&world));
  network_client_ready(world.client, -2, client_world_now_us(&world));
  client_world_step(&world);
  ck_assert_uint_eq(world.event_count, 0);
}
END_TEST

START_TEST(abandoning_closes_descriptors_and_completes_nothing) {
  start_connected();
  send_call(0, -1);
  network_client_abandon(world.client);
  ck_assert(fake_transport_is_abandoned(world.transport));
  ck_assert_uint_eq(calls[0].completed_count, 0);
}
END_TEST

START_TEST(bad_bootstrap_servers_are_refused) {
  struct network_client *client = NULL;
  struct transport *transport = fake_transport_base(world.transport);
  const struct broker_address bad = {.host = bytes_of_string("kafka"), .port = 70000};
  ck_assert_int_eq(network_client_create(&world.settings, transport, &bad, 1, &client),
                   STATUS_INVALID_ARGUMENT);
  ck_assert_int_eq(network_client_create(&world.settings, transport, &bad, 0, &client),
                   STATUS_INVALID_ARGUMENT);
  ck_assert_ptr_null(client);
}
END_TEST

int main(void) {
  Suite *suite = suite_create("network_client");
  TCase *tests = tcase_create("network_client");
  tcase_add_checked_fixture(tests, set_up, tear_down);
  tcase_add_test(tests, a_request_is_answered_with_body_node_and_latency);
  tcase_add_test(tests, no_more_than_max_in_flight_are_open);
  tcase_add_test(tests, a_request_without_response_completes_from_poll_once_written);
  tcase_add_test(tests, requests_without_response_complete_in_order_as_they_are_written);
  tcase_add_test(tests, a_request_of_many_segments_is_one_send);
  tcase_add_test(tests, a_byte_at_a_time_is_enough_in_both_directions);
  tcase_add_test(tests, a_request_to_a_node_without_connection_ends_at_the_next_poll);
  tcase_add_test(tests, idle_waits_are_not_cut_short);
  tcase_add_test(tests, a_blocked_write_does_not_spin);
  tcase_add_test(tests, every_node_has_its_turn_when_one_floods);
  tcase_add_test(tests, a_wake_ends_the_wait);
  tcase_add_test(tests, a_complete_function_may_send);
  tcase_add_test(tests, a_complete_function_may_close_its_node);
  tcase_add_test(tests, a_complete_function_may_replace_the_node_it_was_asked_from);
  tcase_add_test(tests, a_throttled_node_takes_nothing_and_open_requests_do_not_age);
  tcase_add_test(tests, the_pause_in_the_versions_answer_is_kept);
  tcase_add_test(tests, bootstrap_servers_retire_once_brokers_are_known);
  tcase_add_test(tests, brokers_that_moved_or_left_are_closed_and_others_stay);
  tcase_add_test(tests, one_broker_can_be_updated);
  tcase_add_test(tests, brokers_without_a_usable_address_are_skipped);
  tcase_add_test(tests, a_rebootstrap_forgets_the_brokers);
  tcase_add_test(tests, all_have_failed_only_when_each_has);
  tcase_add_test(tests, the_least_loaded_node_is_the_best_placed);
  tcase_add_test(tests, an_avoided_node_is_taken_when_no_other_can_be);
  tcase_add_test(tests, another_broker_is_one_that_was_named);
  tcase_add_test(tests, none_is_least_loaded_while_all_back_off);
  tcase_add_test(tests, a_node_that_has_not_failed_is_preferred);
  tcase_add_test(tests, a_rebootstrap_gives_failed_servers_another_chance);
  tcase_add_test(tests, versions_are_known_while_connected);
  tcase_add_test(tests, thousands_of_brokers_are_found_by_id);
  tcase_add_test(tests, destroying_ends_every_request_once);
  tcase_add_test(tests, destroying_during_a_lookup_and_a_connect_is_clean);
  tcase_add_test(tests, abandoning_closes_descriptors_and_completes_nothing);
  tcase_add_test(tests, bad_bootstrap_servers_are_refused);
  suite_add_tcase(suite, tests);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_ENV);
  int failures = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failures == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
