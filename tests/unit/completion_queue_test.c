#include "network/completion_queue.h"

#include "base/status.h"
#include <check.h>
#include <stdlib.h>

enum { REQUESTS = 4 };

static struct completion_queue queue;
static struct request requests[REQUESTS];
static uint32_t order[REQUESTS * 2];
static struct request_result results[REQUESTS * 2];
static uint32_t completed_count;
static uint32_t repeats_left; /* complete functions that add their request again */

static void remember(struct request *request, const struct request_result *result) {
  ck_assert(queue.is_running);
  order[completed_count] = (uint32_t)(request - requests);
  results[completed_count++] = *result;
  if (repeats_left == 0) return;
  repeats_left--;
  completion_queue_add(&queue, request, STATUS_ABORTED);
}

static void set_up(void) {
  completion_queue_init(&queue);
  for (uint32_t i = 0; i < REQUESTS; i++)
    requests[i] = (struct request){
        .complete = remember, .bytes = 10, .bytes_sent = 10, .sent_us = 100, .node_id = (int32_t)i};
  completed_count = 0;
  repeats_left = 0;
}

START_TEST(requests_complete_in_order_with_their_status) {
  completion_queue_add(&queue, &requests[2], STATUS_OK);
  completion_queue_add(&queue, &requests[0], STATUS_DISCONNECTED);
  requests[0].bytes_sent = 9;
  completion_queue_run(&queue, 150);
  ck_assert_uint_eq(completed_count, 2);
  ck_assert_uint_eq(order[0], 2);
  ck_assert_uint_eq(order[1], 0);
  ck_assert_int_eq(results[0].status, STATUS_OK);
  ck_assert(results[0].handed_over);
  ck_assert_int_eq(results[0].node_id, 2);
  ck_assert_int_eq(results[0].now_us, 150);
  ck_assert_int_eq(results[0].latency_us, 50);
  ck_assert_int_eq(results[1].status, STATUS_DISCONNECTED);
  ck_assert(!results[1].handed_over);
  ck_assert(!queue.is_running);
  completion_queue_run(&queue, 160);
  ck_assert_uint_eq(completed_count, 2);
}
END_TEST

START_TEST(what_a_complete_function_adds_waits_for_the_next_run) {
  repeats_left = 3;
  completion_queue_add(&queue, &requests[0], STATUS_OK);
  for (uint32_t run = 1; run <= 4; run++) {
    completion_queue_run(&queue, 100);
    ck_assert_uint_eq(completed_count, run);
  }
  ck_assert(list_is_empty(&queue.finished));
  ck_assert_int_eq(results[3].status, STATUS_ABORTED);
}
END_TEST

START_TEST(an_answer_is_passed_on_at_once) {
  completion_queue_add(&queue, &requests[1], STATUS_DISCONNECTED);
  completion_queue_answer(&queue, &requests[0], wire_reader_of(bytes_of("body", 4)), 120);
  ck_assert_uint_eq(completed_count, 1);
  ck_assert_uint_eq(order[0], 0);
  ck_assert_int_eq(results[0].status, STATUS_OK);
  ck_assert_uint_eq(wire_reader_left(&results[0].body), 4);
  ck_assert(!list_is_empty(&queue.finished));
}
END_TEST

int main(void) {
  Suite *suite = suite_create("completion_queue");
  TCase *tests = tcase_create("completion_queue");
  tcase_add_checked_fixture(tests, set_up, NULL);
  tcase_add_test(tests, requests_complete_in_order_with_their_status);
  tcase_add_test(tests, what_a_complete_function_adds_waits_for_the_next_run);
  tcase_add_test(tests, an_answer_is_passed_on_at_once);
  suite_add_tcase(suite, tests);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_ENV);
  int failures = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failures == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
