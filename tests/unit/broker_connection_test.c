#include "base/allocator.h"
#include "broker/broker_connection.h"
#include "protocol/request_header.h"
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

enum { REQUEST_MAX_BYTES = 3000000 };

static struct broker_connection *connection;
static int peer; /* the client's end */

static void set_up(void) {
  int ends[2];
  ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
  peer = ends[1];
  ck_assert_int_eq(fcntl(peer, F_SETFL, O_NONBLOCK), 0);
  connection = broker_connection_create(ends[0], REQUEST_MAX_BYTES);
  ck_assert_ptr_nonnull(connection);
}

static void tear_down(void) {
  broker_connection_destroy(connection);
  if (peer != -1) close(peer);
}

/* Sends size bytes from the client, handing each piece that fits to the connection. */
static void deliver(const uint8_t *data, size_t size) {
  while (size > 0) {
    ssize_t count = send(peer, data, size, 0);
    ck_assert(count > 0 || errno == EAGAIN);
    if (count > 0) {
      data += count;
      size -= (size_t)count;
    }
    ck_assert(broker_connection_receive(connection));
  }
}

static void deliver_frame(size_t size, uint8_t fill) {
  uint8_t *frame = allocator_allocate(REQUEST_SIZE_BYTES + size);
  bytes_store_u32(frame, (uint32_t)size);
  memset(frame + REQUEST_SIZE_BYTES, fill, size);
  deliver(frame, REQUEST_SIZE_BYTES + size);
  allocator_free(frame);
}

/* Reads on until the request in front is whole. */
static struct bytes whole_request(void) {
  struct bytes request;
  while (broker_connection_request(connection, &request) == BROKER_FRAME_INCOMPLETE)
    ck_assert(broker_connection_receive(connection));
  ck_assert_int_eq(broker_connection_request(connection, &request), BROKER_FRAME_READY);
  return request;
}

START_TEST(a_request_is_put_together_from_single_bytes) {
  static const uint8_t frame[] = {0, 0, 0, 3, 'a', 'b', 'c'};
  struct bytes request;
  for (size_t index = 0; index < sizeof frame; index++) {
    ck_assert_int_eq(broker_connection_request(connection, &request), BROKER_FRAME_INCOMPLETE);
    deliver(&frame[index], 1);
  }
  ck_assert_int_eq(broker_connection_request(connection, &request), BROKER_FRAME_READY);
  ck_assert(bytes_equal(request, bytes_of("abc", 3)));
  broker_connection_next_request(connection);
  ck_assert_int_eq(broker_connection_request(connection, &request), BROKER_FRAME_INCOMPLETE);
}
END_TEST

START_TEST(requests_that_come_together_are_taken_one_by_one) {
  static const uint8_t frames[] = {0, 0, 0, 1, 'a', 0, 0, 0, 0, 0, 0, 0, 2, 'b', 'c', 0, 0};
  deliver(frames, sizeof frames);
  ck_assert(bytes_equal(whole_request(), bytes_of("a", 1)));
  broker_connection_next_request(connection);
  ck_assert_uint_eq(whole_request().size, 0);
  broker_connection_next_request(connection);
  ck_assert(bytes_equal(whole_request(), bytes_of("bc", 2)));
  broker_connection_next_request(connection);
  struct bytes request;
  ck_assert_int_eq(broker_connection_request(connection, &request), BROKER_FRAME_INCOMPLETE);
}
END_TEST

START_TEST(large_requests_are_received_and_their_memory_given_back) {
  for (int round = 0; round < 3; round++) {
    deliver_frame(REQUEST_MAX_BYTES, (uint8_t)round);
    struct bytes request = whole_request();
    ck_assert_uint_eq(request.size, REQUEST_MAX_BYTES);
    ck_assert_int_eq(request.data[REQUEST_MAX_BYTES - 1], round);
    broker_connection_next_request(connection);
    ck_assert_uint_eq(connection->input_capacity, 0);
  }
}
END_TEST

START_TEST(lengths_that_are_not_allowed_are_refused) {
  static const uint32_t lengths[] = {REQUEST_MAX_BYTES + 1, 0x7fffffff, 0x80000000, 0xffffffff};
  for (size_t index = 0; index < sizeof lengths / sizeof lengths[0]; index++) {
    uint8_t frame[REQUEST_SIZE_BYTES];
    struct bytes request;
    tear_down();
    set_up();
    bytes_store_u32(frame, lengths[index]);
    deliver(frame, sizeof frame);
    ck_assert_int_eq(broker_connection_request(connection, &request), BROKER_FRAME_INVALID);
  }
}
END_TEST

START_TEST(memory_grows_with_what_comes_not_with_what_is_announced) {
  uint8_t frame[REQUEST_SIZE_BYTES + 1] = {0};
  bytes_store_u32(frame, REQUEST_MAX_BYTES);
  deliver(frame, sizeof frame);
  ck_assert(broker_connection_receive(connection)); /* nothing there */
  ck_assert_uint_lt(connection->input_capacity, 200000);
}
END_TEST

START_TEST(the_end_of_the_peer_is_told) {
  close(peer);
  peer = -1;
  ck_assert(!broker_connection_receive(connection));
}
END_TEST

START_TEST(output_beyond_the_mark_holds_requests_back) {
  struct bytes request;
  deliver_frame(4, 'x');
  wire_reserve(&connection->output, 8 * BROKER_CONNECTION_OUTPUT_MARK);
  memset(connection->output.data, 'y', connection->output.size);
  ck_assert(broker_connection_wants_output(connection));
  ck_assert(!broker_connection_wants_input(connection));
  ck_assert_int_eq(broker_connection_request(connection, &request), BROKER_FRAME_INCOMPLETE);
  /* A peer that does not read does not stop us. */
  ck_assert(broker_connection_send(connection));
  ck_assert(broker_connection_wants_output(connection));
  size_t received = 0;
  while (broker_connection_wants_output(connection)) {
    uint8_t bytes[65536];
    ssize_t count = recv(peer, bytes, sizeof bytes, 0);
    ck_assert_int_gt(count, 0);
    received += (size_t)count;
    ck_assert(broker_connection_send(connection));
  }
  ck_assert_uint_gt(received, 7 * BROKER_CONNECTION_OUTPUT_MARK);
  ck_assert(broker_connection_wants_input(connection));
  ck_assert_int_eq(broker_connection_request(connection, &request), BROKER_FRAME_READY);
  ck_assert_uint_eq(connection->output.capacity, 0);
}
END_TEST

START_TEST(no_more_is_read_ahead_than_is_useful) {
  deliver_frame(4, 'x');
  ck_assert(broker_connection_wants_input(connection));
  for (int count = 0; count < 9000 && broker_connection_wants_input(connection); count++)
    deliver_frame(4, 'x');
  ck_assert(!broker_connection_wants_input(connection));
  broker_connection_next_request(connection);
  ck_assert_uint_lt(connection->input_capacity, 200000);
}
END_TEST

START_TEST(a_stalled_connection_takes_all_and_keeps_nothing) {
  struct bytes request;
  deliver_frame(4, 'x');
  broker_connection_stall(connection);
  ck_assert_int_eq(broker_connection_request(connection, &request), BROKER_FRAME_INCOMPLETE);
  for (int count = 0; count < 100; count++) {
    deliver_frame(10000, 'x');
    ck_assert(broker_connection_wants_input(connection));
  }
  ck_assert_int_eq(broker_connection_request(connection, &request), BROKER_FRAME_INCOMPLETE);
  ck_assert_uint_lt(connection->input_capacity, 200000);
}
END_TEST

START_TEST(sending_to_a_peer_that_is_gone_ends_the_connection) {
  close(peer);
  peer = -1;
  wire_write_int32(&connection->output, 1);
  ck_assert(!broker_connection_send(connection));
}
END_TEST

int main(void) {
  Suite *suite = suite_create("broker_connection");
  TCase *test_case = tcase_create("all");
  tcase_add_checked_fixture(test_case, set_up, tear_down);
  tcase_add_test(test_case, a_request_is_put_together_from_single_bytes);
  tcase_add_test(test_case, requests_that_come_together_are_taken_one_by_one);
  tcase_add_test(test_case, large_requests_are_received_and_their_memory_given_back);
  tcase_add_test(test_case, lengths_that_are_not_allowed_are_refused);
  tcase_add_test(test_case, memory_grows_with_what_comes_not_with_what_is_announced);
  tcase_add_test(test_case, the_end_of_the_peer_is_told);
  tcase_add_test(test_case, output_beyond_the_mark_holds_requests_back);
  tcase_add_test(test_case, no_more_is_read_ahead_than_is_useful);
  tcase_add_test(test_case, a_stalled_connection_takes_all_and_keeps_nothing);
  tcase_add_test(test_case, sending_to_a_peer_that_is_gone_ends_the_connection);
  suite_add_tcase(suite, test_case);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_ENV);
  int failures = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failures != 0;
}
