#include "sender/producer_identity.h"

#include "base/allocator.h"
#include "base/clock.h"
#include "base/status.h"
#include "support/client_world.h"
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MS ((int64_t)CLIENT_WORLD_MS)
#define S  ((int64_t)CLIENT_WORLD_S)

enum { ROUNDS_TO_CONNECT = 8 };

static struct client_world world;
static struct producer_identity identity;
static struct random jitter;
static char lines[4096]; /* the log */
static struct log log_of_lines;

static void keep_line(void *context, int32_t level, const char *line) {
  (void)context;
  size_t size = strlen(lines);
  snprintf(lines + size, sizeof lines - size, "%d %s\n", level, line);
}

static void set_up(void) {
  client_world_init(&world);
  fake_transport_listen(world.transport, "10.0.0.1", 9092, FAKE_ACCEPTS, 0);
  lines[0] = '\0';
  log_of_lines = (struct log){.level = LOG_LEVEL_INFO, .sink = keep_line};
}

static void tear_down(void) {
  client_world_deinit(&world);
  producer_identity_deinit(&identity);
}

static int64_t now(void) {
  return client_world_now_us(&world);
}

static void run(int64_t duration_us) {
  int64_t end_us = now() + duration_us;
  for (int left = ROUNDS_TO_CONNECT; left > 0;) {
    int64_t now_us = now();
    if (now_us >= end_us) left--;
    producer_identity_step(&identity, now_us);
    int64_t deadline_us = producer_identity_next_deadline_us(&identity, now_us);
    network_client_poll(world.client, now_us, deadline_us < end_us ? deadline_us : end_us,
                        fake_transport_clock_us, world.transport);
  }
}

static void start(void) {
  client_world_start(&world, "10.0.0.1:9092");
  random_seed(&jitter, 42);
  const struct producer_identity_settings settings = {.client_id = bytes_of_string("test"),
                                                      .request_timeout_us = 30 * S,
                                                      .retry_backoff_us = 100 * MS,
                                                      .retry_backoff_max_us = S,
                                                      .log = &log_of_lines};
  producer_identity_init(&identity, &settings, world.client, &jitter, now());
}

static uint32_t request_count(void) {
  uint32_t count = 0;
  for (uint32_t i = 0; i < world.broker.request_count; i++)
    count += world.broker.requests[i].api_key == API_INIT_PRODUCER_ID;
  return count;
}

static void start_asked(void) {
  start();
  run(0);
  ck_assert_uint_eq(request_count(), 1);
  ck_assert_int_eq(identity.state, PRODUCER_IDENTITY_REQUESTED);
}

static void answer_with(struct bytes body) {
  fake_broker_answer(&world.broker, fake_broker_newest(&world.broker, API_INIT_PRODUCER_ID), body);
  client_world_step(&world);
}

static void answer(int16_t error_code, int64_t producer_id, int16_t producer_epoch, int32_t throttle_ms) {
  struct wire_writer body = {.data = NULL};
  const struct fake_broker_request *newest = fake_broker_newest(&world.broker, API_INIT_PRODUCER_ID);
  init_producer_id_response_write(&body, newest->api_version,
                                  &(struct init_producer_id_response){.throttle_ms = throttle_ms,
                                                                      .error_code = error_code,
                                                                      .producer_id = producer_id,
                                                                      .producer_epoch = producer_epoch});
  answer_with(bytes_of(body.data, body.size));
  wire_writer_deinit(&body);
}

static void expect_ready(int64_t producer_id, int16_t producer_epoch) {
  ck_assert_int_eq(identity.state, PRODUCER_IDENTITY_READY);
  ck_assert_int_eq(identity.producer_id, producer_id);
  ck_assert_int_eq(identity.producer_epoch, producer_epoch);
}

/* Fails the test unless there is no identity, and the next request comes after 80 to 120 % of the backoff. */
static void expect_request_after_backoff(uint32_t attempts) {
  ck_assert_int_eq(identity.state, PRODUCER_IDENTITY_WANTED);
  ck_assert_int_eq(identity.producer_id, -1);
  int64_t backoff = 100 * MS << attempts;
  int64_t wait_us = producer_identity_next_deadline_us(&identity, now()) - now();
  ck_assert_int_ge(wait_us, backoff * 8 / 10 < S ? backoff * 8 / 10 : S);
  ck_assert_int_le(wait_us, backoff * 12 / 10 < S ? backoff * 12 / 10 : S);
  uint32_t before = request_count();
  run(wait_us - 1);
  ck_assert_uint_eq(request_count(), before);
  run(1);
  ck_assert_uint_eq(request_count(), before + 1);
}

static uint32_t count_lines(const char *part) {
  uint32_t count = 0;
  for (const char *at = lines; (at = strstr(at, part)) != NULL; at++)
    count++;
  return count;
}

/* ---- asking ---- */

START_TEST(a_new_producer_id_is_asked_for_in_each_version) {
  world.broker.capped_key = API_INIT_PRODUCER_ID;
  world.broker.capped_maximum = (int16_t)_i;
  start();
  ck_assert_int_eq(identity.producer_id, -1);
  ck_assert_int_eq(identity.producer_epoch, -1);
  run(0);
  const struct fake_broker_request *request = fake_broker_newest(&world.broker, API_INIT_PRODUCER_ID);
  ck_assert_ptr_nonnull(request);
  ck_assert_int_eq(request->api_version, _i);
  struct wire_reader reader = fake_broker_body(&world.broker, request);
  struct init_producer_id_request read;
  init_producer_id_request_read(&reader, request->api_version, &read);
  ck_assert(!reader.failed && wire_reader_left(&reader) == 0);
  ck_assert_ptr_null(read.transactional_id.data);
  ck_assert_int_eq(read.producer_id, -1);
  ck_assert_int_eq(read.producer_epoch, -1);
  answer(STATUS_OK, INT64_C(0x123456789abcdef), 7, 0);
  expect_ready(INT64_C(0x123456789abcdef), 7);
}
END_TEST

START_TEST(it_is_asked_for_once) {
  start_asked();
  run(10 * S);
  ck_assert_uint_eq(request_count(), 1);
  ck_assert_int_eq(producer_identity_next_deadline_us(&identity, now()), CLOCK_NEVER_US);
  answer(STATUS_OK, 77, 0, 0);
  run(100 * S);
  ck_assert_uint_eq(request_count(), 1);
  ck_assert_int_eq(producer_identity_next_deadline_us(&identity, now()), CLOCK_NEVER_US);
  ck_assert_str_eq(lines, "6 producer id 77, epoch 0\n");
}
END_TEST

START_TEST(zero_is_a_producer_id) {
  start_asked();
  answer(STATUS_OK, 0, 0, 0);
  expect_ready(0, 0);
}
END_TEST

START_TEST(it_waits_until_there_is_a_broker) {
  fake_transport_listen(world.transport, "10.0.0.1", 9092, FAKE_REFUSES, 0);
  start();
  run(10 * S);
  ck_assert_int_eq(identity.state, PRODUCER_IDENTITY_WANTED);
  fake_transport_listen(world.transport, "10.0.0.1", 9092, FAKE_ACCEPTS, 0);
  run(2 * S);
  ck_assert_uint_eq(request_count(), 1);
  answer(STATUS_OK, 77, 0, 0);
  expect_ready(77, 0);
}
END_TEST

/* ---- failures ---- */

START_TEST(any_error_is_tried_again_ever_more_slowly) {
  static const int16_t errors[] = {STATUS_COORDINATOR_LOAD_IN_PROGRESS, STATUS_NOT_COORDINATOR,
                                   STATUS_CLUSTER_AUTHORIZATION_FAILED, STATUS_UNKNOWN_SERVER_ERROR,
                                   STATUS_UNSUPPORTED_VERSION,          12345};
  start_asked();
  for (uint32_t attempt = 0; attempt < sizeof errors / sizeof errors[0]; attempt++) {
    answer(errors[attempt], 5, 5, 0);
    ck_assert_int_eq(identity.status, errors[attempt]);
    expect_request_after_backoff(attempt);
  }
  answer(STATUS_OK, 77, 0, 0);
  expect_ready(77, 0);
  producer_identity_replace(&identity, 77, now());
  run(1);
  answer(STATUS_NOT_COORDINATOR, -1, -1, 0);
  expect_request_after_backoff(0); /* an answer ends the row */
}
END_TEST

START_TEST(an_error_goes_without_producer_id) {
  start_asked();
  answer(STATUS_COORDINATOR_LOAD_IN_PROGRESS, -1, -1, 0);
  ck_assert_uint_eq(world.broker.closed_count, 0); /* this is no reason to hang up */
  expect_request_after_backoff(0);
}
END_TEST

START_TEST(the_log_tells_each_error_of_a_row_once) {
  start_asked();
  for (int i = 0; i < 3; i++) {
    answer(STATUS_CLUSTER_AUTHORIZATION_FAILED, -1, -1, 0);
    run(2 * S);
  }
  ck_assert_uint_eq(count_lines("4 no producer id yet: CLUSTER_AUTHORIZATION_FAILED"), 1);
  answer(STATUS_COORDINATOR_LOAD_IN_PROGRESS, -1, -1, 0);
  run(2 * S);
  ck_assert_uint_eq(count_lines("no producer id yet: COORDINATOR_LOAD_IN_PROGRESS"), 1);
  answer(STATUS_OK, 77, 0, 0);
  producer_identity_replace(&identity, 77, now());
  run(1);
  answer(STATUS_COORDINATOR_LOAD_IN_PROGRESS, -1, -1, 0);
  ck_assert_uint_eq(count_lines("no producer id yet: COORDINATOR_LOAD_IN_PROGRESS"), 2);
}
END_TEST

START_TEST(a_lost_request_is_repeated) {
  start_asked();
  fake_transport_end(world.transport, fake_broker_newest(&world.broker, API_INIT_PRODUCER_ID)->connection);
  client_world_step(&world);
  ck_assert_int_eq(identity.status, STATUS_DISCONNECTED);
  expect_request_after_backoff(0);
  answer(STATUS_OK, 77, 0, 0);
  expect_ready(77, 0);
}
END_TEST

START_TEST(a_request_without_answer_is_repeated_after_its_timeout) {
  start_asked();
  run(30 * S - 1);
  ck_assert_int_eq(identity.state, PRODUCER_IDENTITY_REQUESTED);
  run(S);
  ck_assert_uint_eq(request_count(), 2);
  answer(STATUS_OK, 77, 0, 0);
  expect_ready(77, 0);
}
END_TEST

START_TEST(a_broker_that_does_not_offer_it_is_asked_again_later) {
  world.broker.capped_key = API_INIT_PRODUCER_ID;
  world.broker.capped_maximum = -1;
  start();
  run(10 * S);
  ck_assert_uint_eq(request_count(), 0);
  ck_assert_int_eq(identity.status, STATUS_UNSUPPORTED_BROKER);
  ck_assert_uint_eq(world.broker.accepted_count, 1);
  ck_assert_uint_ge(identity.failures, 10); /* each second at last */
  ck_assert_uint_le(identity.failures, 20);
  ck_assert_uint_eq(count_lines("no producer id yet: UNSUPPORTED_BROKER"), 1);
}
END_TEST

static bool refuse(void *context) {
  (void)context;
  return false;
}

START_TEST(without_memory_it_is_asked_for_later) {
  start();
  ck_assert(client_world_connect(&world, -1));
  allocator_set_hook(refuse, NULL);
  producer_identity_step(&identity, now());
  allocator_set_hook(NULL, NULL);
  ck_assert_uint_eq(request_count(), 0);
  ck_assert_int_eq(identity.status, STATUS_OUT_OF_MEMORY);
  expect_request_after_backoff(0);
}
END_TEST

START_TEST(a_throttled_broker_is_left_alone_but_its_answer_counts) {
  start_asked();
  answer(STATUS_OK, 77, 0, 5000);
  expect_ready(77, 0);
  ck_assert(!client_world_is_ready(&world, -1));
  client_world_run(&world, 5 * S - 1);
  ck_assert(!client_world_is_ready(&world, -1));
  client_world_run(&world, 1);
  ck_assert(client_world_is_ready(&world, -1));
}
END_TEST

START_TEST(the_end_of_the_client_is_no_failure_to_speak_of) {
  start_asked();
  network_client_destroy(world.client);
  fake_broker_deinit(&world.broker);
  ck_assert_int_eq(identity.state, PRODUCER_IDENTITY_WANTED);
  ck_assert_str_eq(lines, "");
  client_world_init(&world); /* for tear_down */
}
END_TEST

/* ---- answers that cannot be ---- */

static void expect_refusal(void) {
  uint32_t connection = fake_broker_newest(&world.broker, API_INIT_PRODUCER_ID)->connection;
  ck_assert(!fake_transport_is_open(world.transport, connection));
  ck_assert_int_eq(identity.status, STATUS_MALFORMED_RESPONSE);
  ck_assert_int_eq(world.events[world.event_count - 1].status, STATUS_MALFORMED_RESPONSE);
  ck_assert_int_eq(identity.state, PRODUCER_IDENTITY_WANTED);
  ck_assert_int_eq(identity.producer_id, -1);
  run(2 * S);
  ck_assert_int_eq(identity.state, PRODUCER_IDENTITY_REQUESTED);
}

START_TEST(success_without_an_id_or_epoch_is_refused) {
  start_asked();
  answer(STATUS_OK, -1, 0, 0);
  expect_refusal();
  answer(STATUS_OK, 77, -1, 0);
  expect_refusal();
  answer(STATUS_OK, INT64_MIN, INT16_MIN, 0);
  expect_refusal();
  answer(STATUS_OK, INT64_MAX, INT16_MAX, 0);
  expect_ready(INT64_MAX, INT16_MAX);
}
END_TEST

START_TEST(an_answer_cut_short_anywhere_is_refused) {
  world.broker.capped_key = API_INIT_PRODUCER_ID;
  world.broker.capped_maximum = (int16_t)_i;
  start_asked();
  struct wire_writer body = {.data = NULL};
  init_producer_id_response_write(
      &body, (int16_t)_i, &(struct init_producer_id_response){.producer_id = 77, .producer_epoch = 1});
  for (size_t size = 0; size < body.size; size++) {
    answer_with(bytes_of(body.data, size));
    expect_refusal();
  }
  answer_with(bytes_of(body.data, body.size));
  expect_ready(77, 1);
  wire_writer_deinit(&body);
}
END_TEST

/* ---- another one ---- */

START_TEST(a_used_up_producer_id_is_replaced) {
  start_asked();
  answer(STATUS_OK, 77, 0, 0);
  producer_identity_replace(&identity, 77, now());
  ck_assert_int_eq(identity.state, PRODUCER_IDENTITY_WANTED);
  ck_assert_int_eq(identity.producer_id, -1);
  ck_assert_int_eq(identity.producer_epoch, -1);
  int64_t deadline_us = producer_identity_next_deadline_us(&identity, now());
  ck_assert_int_gt(deadline_us, now()); /* a turn that is past asking must not sleep */
  ck_assert_int_le(deadline_us, now() + MS);
  run(MS);
  ck_assert_uint_eq(request_count(), 2);
  answer(STATUS_OK, 78, 0, 0);
  expect_ready(78, 0);
}
END_TEST

START_TEST(only_the_producer_id_at_hand_is_replaced) {
  start_asked();
  producer_identity_replace(&identity, -1, now()); /* none at hand yet */
  ck_assert_int_eq(identity.state, PRODUCER_IDENTITY_REQUESTED);
  answer(STATUS_OK, 78, 0, 0);
  producer_identity_replace(&identity, 77, now()); /* another partition was first */
  expect_ready(78, 0);
  producer_identity_replace(&identity, 78, now());
  int64_t deadline_us = producer_identity_next_deadline_us(&identity, now());
  producer_identity_replace(&identity, 78, now() + 5);
  ck_assert_int_eq(producer_identity_next_deadline_us(&identity, now()), deadline_us);
}
END_TEST

START_TEST(states_change_as_the_table_says) {
  static const bool expected[3][3] = {{false, true, false}, {true, false, true}, {true, false, false}};
  for (uint32_t from = 0; from < PRODUCER_IDENTITY_STATE_COUNT; from++)
    for (uint32_t to = 0; to < PRODUCER_IDENTITY_STATE_COUNT; to++)
      ck_assert_int_eq(producer_identity_state_may_change((enum producer_identity_state)from,
                                                          (enum producer_identity_state)to),
                       expected[from][to]);
}
END_TEST

int main(void) {
  Suite *suite = suite_create("producer_identity");
  TCase *tcase = tcase_create("producer_identity");
  suite_add_tcase(suite, tcase);
  tcase_add_checked_fixture(tcase, set_up, tear_down);
  tcase_add_loop_test(tcase, a_new_producer_id_is_asked_for_in_each_version, 0, 6);
  tcase_add_test(tcase, it_is_asked_for_once);
  tcase_add_test(tcase, zero_is_a_producer_id);
  tcase_add_test(tcase, it_waits_until_there_is_a_broker);
  tcase_add_test(tcase, any_error_is_tried_again_ever_more_slowly);
  tcase_add_test(tcase, an_error_goes_without_producer_id);
  tcase_add_test(tcase, the_log_tells_each_error_of_a_row_once);
  tcase_add_test(tcase, a_lost_request_is_repeated);
  tcase_add_test(tcase, a_request_without_answer_is_repeated_after_its_timeout);
  tcase_add_test(tcase, a_broker_that_does_not_offer_it_is_asked_again_later);
  tcase_add_test(tcase, without_memory_it_is_asked_for_later);
  tcase_add_test(tcase, a_throttled_broker_is_left_alone_but_its_answer_counts);
  tcase_add_test(tcase, the_end_of_the_client_is_no_failure_to_speak_of);
  tcase_add_test(tcase, success_without_an_id_or_epoch_is_refused);
  tcase_add_loop_test(tcase, an_answer_cut_short_anywhere_is_refused, 0, 6);
  tcase_add_test(tcase, a_used_up_producer_id_is_replaced);
  tcase_add_test(tcase, only_the_producer_id_at_hand_is_replaced);
  tcase_add_test(tcase, states_change_as_the_table_says);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_ENV);
  int failed = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
