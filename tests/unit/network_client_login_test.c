/* Logins as the network client sees them: who is ready when, and what a refused one costs. */
#include "network/network_client.h"

#include "base/clock.h"
#include "base/status.h"
#include "protocol/sasl_authenticate.h"
#include "protocol/sasl_handshake.h"
#include "security/login.h"
#include "support/client_world.h"
#include "support/hostile.h"
#include <check.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MS = CLIENT_WORLD_MS, S = CLIENT_WORLD_S, NODE = -1 };

static struct client_world world;

static struct sasl_credentials *make_credentials(enum sasl_mechanism_id mechanism) {
  struct secret *password = secret_create(bytes_of_string("pencil"));
  const struct sasl_settings sasl = {.mechanism = mechanism, .username = "user", .password = password};
  struct sasl_credentials *credentials;
  char error[200];
  ck_assert_int_eq(sasl_credentials_create(&sasl, &credentials, error, sizeof error), STATUS_OK);
  secret_destroy(password);
  return credentials;
}

static void wake(void *context) {
  (void)context;
  network_client_wake(world.client);
}

static char warnings[8][400];
static uint32_t warning_count;

static void note_warning(void *context, int32_t level, const char *line) {
  (void)context;
  ck_assert_int_eq(level, LOG_LEVEL_WARNING);
  ck_assert_uint_lt(warning_count, sizeof warnings / sizeof warnings[0]);
  snprintf(warnings[warning_count++], sizeof warnings[0], "%s", line);
}

static void listen_all(enum fake_listener_kind kind) {
  fake_transport_listen(world.transport, "10.0.0.1", 9092, kind, 0);
  fake_transport_listen(world.transport, "10.0.0.2", 9092, kind, 0);
}

/* Of a world that was made. */
static void start_world(enum sasl_mechanism_id mechanism, enum fake_listener_kind kind) {
  static const struct login_settings settings = {.wake = wake};
  struct sasl_credentials *credentials = make_credentials(mechanism);
  world.broker.is_silent = true;
  ck_assert_int_eq(login_create(&settings, credentials, &world.settings.login), STATUS_OK);
  sasl_credentials_release(credentials);
  fake_transport_set_name(world.transport, "kafka", "10.0.0.1 10.0.0.2", 0);
  listen_all(kind);
  client_world_start(&world, "kafka:9092");
}

static void start(enum sasl_mechanism_id mechanism) {
  client_world_init(&world);
  start_world(mechanism, FAKE_ACCEPTS);
}

static void finish(void) {
  client_world_deinit(&world);
  login_destroy(world.settings.login);
}

static void answer(int16_t api_key, const struct wire_writer *body) {
  const struct fake_broker_request *request = fake_broker_newest(&world.broker, api_key);
  ck_assert_ptr_nonnull(request);
  fake_broker_answer(&world.broker, request, bytes_of(body->data, body->size));
  client_world_run(&world, MS);
}

static void answer_versions(void) {
  struct wire_writer body = {0};
  static const int16_t offers[][2] = {
      {API_METADATA, 9}, {API_SASL_HANDSHAKE, 1}, {API_API_VERSIONS, 4}, {API_SASL_AUTHENTICATE, 2}};
  wire_write_int16(&body, 0);
  wire_write_array_count(&body, true, 4);
  for (int i = 0; i < 4; i++) {
    wire_write_int16(&body, offers[i][0]);
    wire_write_int16(&body, 0);
    wire_write_int16(&body, offers[i][1]);
    wire_write_no_tags(&body, true);
  }
  wire_write_int32(&body, 0);
  wire_write_no_tags(&body, true);
  answer(API_API_VERSIONS, &body);
  wire_writer_deinit(&body);
}

static void answer_handshake(void) {
  struct wire_writer body = {0};
  sasl_handshake_response_write(&body, 0, NULL, 0);
  answer(API_SASL_HANDSHAKE, &body);
  wire_writer_deinit(&body);
}

static void answer_token(int16_t error_code, const char *token, int64_t lifetime_ms) {
  struct wire_writer body = {0};
  const struct sasl_authenticate_response response = {.error_code = error_code,
                                                      .error_message = bytes_of_string("no"),
                                                      .token = bytes_of_string(token),
                                                      .session_lifetime_ms = lifetime_ms};
  sasl_authenticate_response_write(&body, 2, &response);
  answer(API_SASL_AUTHENTICATE, &body);
  wire_writer_deinit(&body);
}

static void begin_connect(void) {
  ck_assert(!network_client_ready(world.client, NODE, client_world_now_us(&world)));
  client_world_run(&world, MS);
  answer_versions();
  ck_assert(!client_world_is_ready(&world, NODE));
  ck_assert_uint_eq(network_client_connected_count(world.client), 0);
  answer_handshake();
}

START_TEST(a_node_is_ready_once_it_is_logged_in) {
  start(SASL_PLAIN);
  begin_connect();
  ck_assert(!client_world_is_ready(&world, NODE));
  answer_token(0, "", 0);
  ck_assert(client_world_is_ready(&world, NODE));
  ck_assert_uint_eq(network_client_connected_count(world.client), 1);
  ck_assert_int_eq(world.events[0].status, STATUS_OK);
  finish();
}
END_TEST

/* Once per round, whatever the number of addresses, and with pauses that grow to ten seconds. */
START_TEST(a_refused_login_is_tried_again_after_pauses_that_grow) {
  static const int64_t pauses_us[] = {1 * S, 2 * S, 4 * S, 8 * S, 10 * S, 10 * S};
  start(SASL_PLAIN);
  for (uint32_t i = 0; i < sizeof pauses_us / sizeof pauses_us[0]; i++) {
    begin_connect();
    int64_t refused_us = client_world_now_us(&world);
    answer_token(58, "", 0);
    ck_assert_uint_eq(fake_transport_connection_count(world.transport), i + 1);
    ck_assert_int_eq(world.events[i].status, STATUS_SASL_AUTHENTICATION_FAILED);
    int64_t again_us = network_client_ready_at_us(world.client, NODE);
    ck_assert_int_ge(again_us, refused_us + pauses_us[i] * 8 / 10);
    ck_assert_int_le(again_us, refused_us + pauses_us[i] * 12 / 10 + 2 * MS);
    client_world_run(&world, again_us - client_world_now_us(&world) - MS);
    ck_assert(!network_client_ready(world.client, NODE, client_world_now_us(&world)));
    ck_assert_uint_eq(fake_transport_connection_count(world.transport), i + 1);
    client_world_run(&world, 2 * MS);
  }
  finish();
}
END_TEST

static uint32_t count_warnings(const char *part) {
  uint32_t count = 0;
  for (uint32_t i = 0; i < warning_count; i++)
    if (strstr(warnings[i], part) != NULL) count++;
  return count;
}

/* A broker that starts again refuses connections first; what it says of the login then is news. */
START_TEST(a_refusal_after_other_failures_is_warned_of_once) {
  static const struct log log = {.level = LOG_LEVEL_WARNING, .sink = note_warning};
  warning_count = 0;
  client_world_init(&world);
  world.settings.log = &log;
  start_world(SASL_PLAIN, FAKE_REFUSES);
  ck_assert(!network_client_ready(world.client, NODE, client_world_now_us(&world)));
  client_world_run(&world, 10 * S);
  ck_assert_uint_eq(warning_count, 2); /* an address each */
  listen_all(FAKE_ACCEPTS);
  for (int i = 0; i < 2; i++) {
    client_world_run(&world, 20 * S);
    begin_connect();
    answer_token(58, "", 0);
  }
  ck_assert_uint_eq(warning_count, 3);
  ck_assert_uint_eq(count_warnings("the broker refused the credentials"), 1);
  finish();
}
END_TEST

START_TEST(other_credentials_are_tried_at_once) {
  start(SASL_PLAIN);
  begin_connect();
  answer_token(58, "", 0);
  struct sasl_credentials *credentials = make_credentials(SASL_PLAIN);
  ck_assert_int_eq(login_replace(world.settings.login, credentials), STATUS_OK);
  sasl_credentials_release(credentials);
  client_world_run(&world, MS);
  begin_connect();
  answer_token(0, "", 0);
  ck_assert(client_world_is_ready(&world, NODE));
  finish();
}
END_TEST

START_TEST(another_login_holds_requests_back_until_its_end) {
  start(SASL_PLAIN);
  begin_connect();
  answer_token(0, "", 10000);
  struct call call;
  call_init(&call, &world, 100);
  call_send(&call, NODE);
  client_world_run(&world, 9600 * MS);
  ck_assert(!client_world_is_ready(&world, NODE));
  ck_assert_int_eq(network_client_ready_at_us(world.client, NODE), CLOCK_NEVER_US); /* not by time alone */
  ck_assert_uint_eq(network_client_connected_count(world.client), 1);
  ck_assert_uint_eq(network_client_in_flight(world.client, NODE), 1);
  call_answer(&call, "answer");
  client_world_run(&world, MS);
  ck_assert_uint_eq(call.completed_count, 1);
  ck_assert_int_eq(call.result.status, STATUS_OK);
  ck_assert(!client_world_is_ready(&world, NODE));
  answer_handshake();
  answer_token(0, "", 10000);
  ck_assert(client_world_is_ready(&world, NODE));
  ck_assert_uint_eq(fake_transport_connection_count(world.transport), 1);
  call_deinit(&call);
  finish();
}
END_TEST

/* RFC 7677's example cannot be replayed, since our nonce is random: only the request shows that the step ran.
 */
START_TEST(a_step_on_another_thread_is_taken_up_when_it_is_done) {
  start(SASL_SCRAM_SHA_256);
  begin_connect();
  client_world_run(&world, MS);
  int64_t until_us = clock_monotonic_us() + 60 * (int64_t)S;
  while (fake_broker_newest(&world.broker, API_SASL_AUTHENTICATE) == NULL) {
    ck_assert_int_lt(clock_monotonic_us(), until_us);
    if (fake_transport_is_woken(world.transport))
      client_world_run(&world, MS);
    else
      sched_yield();
  }
  const struct fake_broker_request *request = fake_broker_newest(&world.broker, API_SASL_AUTHENTICATE);
  struct wire_reader reader = fake_broker_body(&world.broker, request);
  struct bytes token;
  sasl_authenticate_request_read(&reader, request->api_version, &token);
  ck_assert(!reader.failed);
  ck_assert_uint_gt(token.size, 10);
  ck_assert_int_eq(memcmp(token.data, "n,,n=user,r=", 12), 0);
  finish();
}
END_TEST

START_TEST(a_login_without_an_answer_ends_with_its_timeout) {
  start(SASL_PLAIN);
  begin_connect();
  client_world_run(&world, world.settings.request_timeout_us + MS);
  ck_assert_int_eq(world.events[0].status, STATUS_LOGIN_FAILED);
  ck_assert_ptr_nonnull(strstr(world.events[0].text, "request.timeout.ms"));
  finish();
}
END_TEST

int main(void) {
  Suite *suite = suite_create("network_client_login");
  TCase *tests = tcase_create("network_client_login");
  tcase_set_timeout(tests, 60);
  tcase_add_test(tests, a_node_is_ready_once_it_is_logged_in);
  tcase_add_test(tests, a_refusal_after_other_failures_is_warned_of_once);
  tcase_add_test(tests, a_refused_login_is_tried_again_after_pauses_that_grow);
  tcase_add_test(tests, other_credentials_are_tried_at_once);
  tcase_add_test(tests, another_login_holds_requests_back_until_its_end);
  tcase_add_test(tests, a_step_on_another_thread_is_taken_up_when_it_is_done);
  tcase_add_test(tests, a_login_without_an_answer_ends_with_its_timeout);
  suite_add_tcase(suite, tests);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_ENV);
  int failed = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
