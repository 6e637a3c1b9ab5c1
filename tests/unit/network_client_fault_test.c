/* What the network client does when the network, the broker or the machine fails. */
#include "network/network_client.h"

#include "base/allocator.h"
#include "base/clock.h"
#include "base/random.h"
#include "base/status.h"
#include "support/client_world.h"
#include <check.h>
#include <stdlib.h>

#define MS ((int64_t)CLIENT_WORLD_MS)
#define S  ((int64_t)CLIENT_WORLD_S)

enum { REQUEST_BYTES = 60 };

static struct client_world world;
static struct call calls[4];

static void start_world(void) {
  client_world_init(&world);
  fake_transport_listen(world.transport, "10.0.0.1", 9092, FAKE_ACCEPTS, 0);
  client_world_start(&world, "10.0.0.1:9092");
  ck_assert(client_world_connect(&world, -1));
}

static void end_world(void) {
  client_world_deinit(&world);
  for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++) {
    call_deinit(&calls[i]);
    calls[i] = (struct call){.completed_count = 0};
  }
}

static struct call *send_call(uint32_t index) {
  call_init(&calls[index], &world, REQUEST_BYTES);
  call_send(&calls[index], -1);
  return &calls[index];
}

static void assert_ended(const struct call *call, int32_t status, bool handed_over) {
  ck_assert_uint_eq(call->completed_count, 1);
  ck_assert_str_eq(status_name(call->result.status), status_name(status));
  ck_assert_int_eq(call->result.handed_over, handed_over);
}

static struct bytes frame_of(const struct call *call, const char *body) {
  const struct fake_broker_request request = {.api_key = call->request.api_key,
                                              .api_version = call->request.api_version,
                                              .correlation_id = call->request.correlation_id};
  return fake_broker_frame(&request, bytes_of_string(body));
}

static void free_bytes(struct bytes bytes) {
  union {
    const uint8_t *read;
    void *owned;
  } memory = {.read = bytes.data};
  free(memory.owned);
}

/* ---- timeouts ---- */

START_TEST(a_timeout_ends_its_request_and_disconnects_the_others) {
  int64_t start_us = client_world_now_us(&world);
  struct call *first = send_call(0);
  client_world_run(&world, 5 * S);
  struct call *second = send_call(1);
  client_world_run(&world, start_us + 30 * S - 1 - client_world_now_us(&world));
  ck_assert_uint_eq(first->completed_count, 0);
  client_world_run(&world, 1);
  assert_ended(first, STATUS_REQUEST_TIMED_OUT_LOCALLY, true);
  assert_ended(second, STATUS_DISCONNECTED, true);
  ck_assert_int_eq(first->result.latency_us, 30 * S);
  ck_assert_int_eq(first->result.now_us, start_us + 30 * S);
  ck_assert_uint_lt(first->order, second->order);
  ck_assert(!fake_transport_is_open(world.transport, 1));
  ck_assert_int_eq(world.events[1].status, STATUS_REQUEST_TIMED_OUT_LOCALLY);
  ck_assert(client_world_connect(&world, -1)); /* after the backoff */
}
END_TEST

START_TEST(a_shorter_timeout_of_a_later_request_counts) {
  struct call *patient = send_call(0);
  call_init(&calls[1], &world, REQUEST_BYTES);
  calls[1].request.timeout_us = 2 * S;
  call_send(&calls[1], -1);
  client_world_run(&world, 2 * S);
  assert_ended(&calls[1], STATUS_REQUEST_TIMED_OUT_LOCALLY, true);
  assert_ended(patient, STATUS_DISCONNECTED, true);
}
END_TEST

START_TEST(a_request_that_cannot_be_written_times_out_too) {
  fake_transport_set_write_budget(world.transport, 1, REQUEST_BYTES - 1);
  struct call *stuck = send_call(0);
  struct call *behind = send_call(1);
  client_world_run(&world, 30 * S);
  assert_ended(stuck, STATUS_REQUEST_TIMED_OUT_LOCALLY, false);
  assert_ended(behind, STATUS_REQUEST_TIMED_OUT_LOCALLY, false);
}
END_TEST

START_TEST(an_answer_to_a_request_that_timed_out_is_not_seen) {
  struct call *call = send_call(0);
  client_world_run(&world, 30 * S);
  assert_ended(call, STATUS_REQUEST_TIMED_OUT_LOCALLY, true);
  call_answer(call, "late"); /* meets a closed connection */
  client_world_run(&world, S);
  ck_assert_uint_eq(call->completed_count, 1);
}
END_TEST

/* ---- resets ---- */

/* The connection breaks after each possible number of bytes of the second of two requests. */
START_TEST(handed_over_is_exact_wherever_the_connection_breaks) {
  for (size_t cut = 0; cut <= REQUEST_BYTES; cut++) {
    for (int in_pieces = 0; in_pieces < 2; in_pieces++) {
      start_world();
      if (in_pieces) fake_transport_set_chunks(world.transport, 1, 7, SIZE_MAX);
      size_t before = fake_transport_written(world.transport, 1).size;
      fake_transport_reset_after(world.transport, 1, before + REQUEST_BYTES + cut);
      struct call *whole = send_call(0);
      struct call *torn = send_call(1);
      ck_assert_uint_eq(whole->completed_count + torn->completed_count, 0); /* never from send */
      client_world_run(&world, MS);
      assert_ended(whole, STATUS_DISCONNECTED, true);
      assert_ended(torn, STATUS_DISCONNECTED, cut == REQUEST_BYTES);
      ck_assert_uint_eq(fake_transport_written(world.transport, 1).size, before + REQUEST_BYTES + cut);
      end_world();
    }
  }
}
END_TEST

/* An answer that has arrived must not become an unknown outcome because a later write fails. */
START_TEST(answers_are_read_before_a_broken_connection_is_closed) {
  struct call *answered = send_call(0);
  struct call *unanswered = send_call(1);
  client_world_run(&world, MS);
  call_answer(answered, "in time");
  fake_transport_reset_after(world.transport, 1, fake_transport_written(world.transport, 1).size);
  struct call *refused = send_call(2);
  ck_assert(!client_world_is_ready(&world, -1)); /* takes no more */
  struct call *behind = send_call(3);
  client_world_run(&world, MS);
  assert_ended(answered, STATUS_OK, true);
  ck_assert_mem_eq(answered->body, "in time", 7);
  assert_ended(unanswered, STATUS_DISCONNECTED, true);
  assert_ended(refused, STATUS_DISCONNECTED, false);
  assert_ended(behind, STATUS_DISCONNECTED, false);
}
END_TEST

/* The answer arrives while poll is busy with another; then the write that would have met it fails. */
static void then_break_the_other(struct call *call) {
  if (call != &calls[0]) return;
  call_answer(&calls[1], "just in time");
  fake_transport_reset_after(world.transport, 2, fake_transport_written(world.transport, 2).size);
  call_init(&calls[2], &world, REQUEST_BYTES);
  call_send(&calls[2], -2);
}

START_TEST(answers_are_read_however_late_the_break_is_seen) {
  client_world_init(&world);
  fake_transport_listen(world.transport, "10.0.0.1", 9092, FAKE_ACCEPTS, 0);
  fake_transport_listen(world.transport, "10.0.0.2", 9092, FAKE_ACCEPTS, 0);
  client_world_start(&world, "10.0.0.1:9092 10.0.0.2:9092");
  ck_assert(client_world_connect(&world, -1));
  ck_assert(client_world_connect(&world, -2));
  for (int32_t i = 0; i < 2; i++) {
    call_init(&calls[i], &world, REQUEST_BYTES);
    call_send(&calls[i], -1 - i);
  }
  calls[0].then = then_break_the_other;
  client_world_run(&world, MS);
  call_answer(&calls[0], "first");
  client_world_run(&world, MS);
  assert_ended(&calls[1], STATUS_OK, true);
  assert_ended(&calls[2], STATUS_DISCONNECTED, false);
  ck_assert(!fake_transport_is_open(world.transport, 2));
  end_world();
}
END_TEST

START_TEST(answers_before_a_reset_count) {
  struct call *answered = send_call(0);
  struct call *lost = send_call(1);
  client_world_run(&world, MS);
  call_answer(answered, "in time");
  fake_transport_reset(world.transport, 1);
  client_world_run(&world, MS);
  assert_ended(answered, STATUS_OK, true);
  assert_ended(lost, STATUS_DISCONNECTED, true);
  ck_assert_int_eq(world.events[1].status, STATUS_DISCONNECTED);
  ck_assert_str_eq(world.events[1].text, "10.0.0.1:9092: Connection reset by peer");
}
END_TEST

/* The broker dies after each possible number of bytes of two responses, by a reset or in order. */
START_TEST(a_response_cut_anywhere_is_no_answer) {
  size_t size = 0;
  for (size_t cut = 0; cut == 0 || cut <= size; cut++) {
    for (int in_order = 0; in_order < 2; in_order++) {
      start_world();
      fake_transport_set_chunks(world.transport, 1, SIZE_MAX, 1 + cut % 5);
      struct call *first = send_call(0);
      struct call *second = send_call(1);
      client_world_run(&world, MS);
      uint8_t stream[256];
      struct bytes one = frame_of(first, "the first answer"), two = frame_of(second, "the second");
      size = one.size + two.size;
      memcpy(stream, one.data, one.size);
      memcpy(stream + one.size, two.data, two.size);
      fake_transport_deliver(world.transport, 1, bytes_of(stream, cut));
      if (in_order)
        fake_transport_end(world.transport, 1);
      else
        fake_transport_reset(world.transport, 1);
      client_world_run(&world, MS);
      assert_ended(first, cut >= one.size ? STATUS_OK : STATUS_DISCONNECTED, true);
      assert_ended(second, cut == size ? STATUS_OK : STATUS_DISCONNECTED, true);
      ck_assert(!fake_transport_is_open(world.transport, 1));
      free_bytes(one);
      free_bytes(two);
      end_world();
    }
  }
}
END_TEST

/* ---- hostile bytes ---- */

START_TEST(a_response_with_a_wrong_correlation_id_ends_the_connection) {
  struct call *first = send_call(0);
  struct call *second = send_call(1);
  client_world_run(&world, MS);
  call_answer(second, "out of turn");
  client_world_run(&world, MS);
  assert_ended(first, STATUS_MALFORMED_RESPONSE, true);
  assert_ended(second, STATUS_MALFORMED_RESPONSE, true);
  ck_assert_int_eq(world.events[1].status, STATUS_MALFORMED_RESPONSE);
  ck_assert(!fake_transport_is_open(world.transport, 1));
  ck_assert(client_world_connect(&world, -1));
}
END_TEST

START_TEST(a_response_sent_twice_ends_the_connection) {
  struct call *first = send_call(0);
  client_world_run(&world, MS);
  call_answer(first, "once");
  call_answer(first, "twice");
  client_world_run(&world, MS);
  assert_ended(first, STATUS_OK, true);
  ck_assert(!fake_transport_is_open(world.transport, 1));
}
END_TEST

START_TEST(impossible_sizes_end_the_connection) {
  static const uint32_t sizes[] = {0, 3, 0xffffffff, 0x80000000, 0x7fffffff, 100 * 1000 + 1};
  for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
    start_world();
    struct call *call = send_call(0);
    client_world_run(&world, MS);
    uint8_t prefix[4];
    bytes_store_u32(prefix, sizes[i]);
    fake_transport_deliver(world.transport, 1, bytes_of(prefix, 4));
    client_world_run(&world, MS);
    assert_ended(call, STATUS_MALFORMED_RESPONSE, true);
    ck_assert(!fake_transport_is_open(world.transport, 1));
    end_world();
  }
}
END_TEST

/* Seeded garbage in place of the versions, then in place of a response: always an end, never a crash. */
START_TEST(garbage_ends_the_connection) {
  struct random random;
  random_seed(&random, 7);
  for (int round = 0; round < 500; round++) {
    client_world_init(&world);
    fake_transport_listen(world.transport, "10.0.0.1", 9092, FAKE_ACCEPTS, 0);
    world.broker.is_silent = round % 2 == 0;
    client_world_start(&world, "10.0.0.1:9092");
    network_client_ready(world.client, -1, client_world_now_us(&world));
    client_world_run(&world, MS);
    struct call *call = send_call(0);
    uint8_t garbage[200];
    for (size_t i = 0; i < sizeof garbage; i++)
      garbage[i] = (uint8_t)random_next(&random);
    /* A plausible frame, so that what is inside is looked at. */
    bytes_store_u32(garbage, (uint32_t)(4 + random_below(&random, sizeof garbage - 8)));
    if (world.broker.is_silent) bytes_store_u32(garbage + 4, 1); /* the id of the ApiVersions request */
    fake_transport_deliver(world.transport, 1, bytes_of(garbage, sizeof garbage));
    client_world_run(&world, 40 * S);
    ck_assert_uint_eq(call->completed_count, 1);
    ck_assert(!fake_transport_is_open(world.transport, 1));
    end_world();
  }
}
END_TEST

START_TEST(a_large_response_is_put_together) {
  enum { SIZE = 99000 };
  struct call *call = send_call(0);
  client_world_run(&world, MS);
  static uint8_t frame[4 + SIZE];
  memset(frame, 'x', sizeof frame);
  bytes_store_u32(frame, SIZE);
  bytes_store_u32(frame + 4, (uint32_t)call->request.correlation_id);
  frame[8] = 0; /* no tags */
  for (size_t at = 0; at < sizeof frame; at += 1000) {
    size_t step = sizeof frame - at < 1000 ? sizeof frame - at : 1000;
    fake_transport_deliver_after(world.transport, 1, bytes_of(frame + at, step), (int64_t)at);
  }
  client_world_run(&world, S);
  assert_ended(call, STATUS_OK, true);
  ck_assert_uint_eq(call->body_size, SIZE - 5);
}
END_TEST

/* ---- memory ---- */

/* Counts down to the allocation that fails. */
static int64_t allocations_left;

static bool count_allocation(void *context) {
  (void)context;
  return world.broker.is_working || allocations_left-- != 0;
}

/* A whole life in which one allocation fails, for each allocation in turn. Refused is fine, retried is fine;
 * crashing, leaking and losing a request are not. Returns false once no allocation failed. */
static bool live_without_allocation(int64_t index) {
  client_world_init(&world);
  fake_transport_set_name(world.transport, "kafka", "10.0.0.1", 0);
  fake_transport_listen(world.transport, "10.0.0.1", 9092, FAKE_ACCEPTS, 0);
  world.broker.versions_maximum = 2; /* asks twice */
  world.broker.versions_listed = 2;
  const struct broker_address bootstrap = {.host = bytes_of_string("kafka"), .port = 9092};
  const struct broker_address broker = {.node_id = 1, .host = bytes_of_string("kafka"), .port = 9092};
  allocations_left = index;
  allocator_set_hook(count_allocation, NULL);
  int32_t status = network_client_create(&world.settings, fake_transport_base(world.transport), &bootstrap, 1,
                                         &world.client);
  ck_assert(status == STATUS_OK || (status == STATUS_OUT_OF_MEMORY && world.client == NULL));
  if (status == STATUS_OK) {
    ck_assert(client_world_connect(&world, -1));
    status = network_client_set_brokers(world.client, &broker, 1, client_world_now_us(&world));
    ck_assert(status == STATUS_OK || status == STATUS_OUT_OF_MEMORY);
    int32_t node_id = status == STATUS_OK ? 1 : -1;
    ck_assert(client_world_connect(&world, node_id));
    uint32_t connection = fake_transport_connection_count(world.transport);
    fake_transport_set_chunks(world.transport, connection, SIZE_MAX, 9);
    allocator_set_hook(NULL, NULL); /* the call's own memory is not meant */
    call_init(&calls[0], &world, REQUEST_BYTES);
    allocator_set_hook(count_allocation, NULL);
    call_send(&calls[0], node_id);
    allocator_set_hook(NULL, NULL);
    client_world_step(&world);
    call_answer(&calls[0], "an answer in pieces");
    allocator_set_hook(count_allocation, NULL);
    client_world_run(&world, S);
    bool answered = calls[0].result.status == STATUS_OK;
    assert_ended(&calls[0], answered ? STATUS_OK : STATUS_DISCONNECTED, true);
  }
  allocator_set_hook(NULL, NULL);
  bool has_failed = allocations_left < 0;
  end_world();
  return has_failed;
}

START_TEST(each_missing_allocation_is_survived) {
  int64_t index = 0;
  while (live_without_allocation(index))
    index++;
  ck_assert_int_gt(index, 15); /* it did fail something */
}
END_TEST

int main(void) {
  Suite *suite = suite_create("network_client_fault");
  TCase *one = tcase_create("one world");
  tcase_add_checked_fixture(one, start_world, end_world);
  tcase_add_test(one, a_timeout_ends_its_request_and_disconnects_the_others);
  tcase_add_test(one, a_shorter_timeout_of_a_later_request_counts);
  tcase_add_test(one, a_request_that_cannot_be_written_times_out_too);
  tcase_add_test(one, an_answer_to_a_request_that_timed_out_is_not_seen);
  tcase_add_test(one, answers_are_read_before_a_broken_connection_is_closed);
  tcase_add_test(one, answers_before_a_reset_count);
  tcase_add_test(one, a_response_with_a_wrong_correlation_id_ends_the_connection);
  tcase_add_test(one, a_response_sent_twice_ends_the_connection);
  tcase_add_test(one, a_large_response_is_put_together);
  suite_add_tcase(suite, one);
  TCase *many = tcase_create("many worlds");
  tcase_set_timeout(many, 60);
  tcase_add_test(many, handed_over_is_exact_wherever_the_connection_breaks);
  tcase_add_test(many, a_response_cut_anywhere_is_no_answer);
  tcase_add_test(many, answers_are_read_however_late_the_break_is_seen);
  tcase_add_test(many, impossible_sizes_end_the_connection);
  tcase_add_test(many, garbage_ends_the_connection);
  tcase_add_test(many, each_missing_allocation_is_survived);
  suite_add_tcase(suite, many);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_ENV);
  int failures = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failures == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
