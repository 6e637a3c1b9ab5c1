#include "producer/event_queue.h"

#include "base/clock.h"
#include "base/status.h"
#include "support/failing_allocator.h"
#include <check.h>
#include <sched.h>
#include <string.h>

enum { CAPACITY = 4 };

static struct event_queue queue;

static void set_up(void) {
  ck_assert_int_eq(event_queue_init(&queue, CAPACITY), STATUS_OK);
}

static void tear_down(void) {
  event_queue_deinit(&queue);
}

static void add(int64_t number) {
  event_queue_add(&queue, EVENT_LOG, STATUS_OK, -1, number, "line");
}

/* What is there now, or why nothing is. */
static int32_t take(struct event *event) {
  memset(event, 0x5a, sizeof *event);
  return event_queue_take(&queue, event, 0);
}

static void expect_number(int64_t number) {
  struct event event;
  ck_assert_int_eq(take(&event), STATUS_OK);
  ck_assert_int_eq(event.kind, EVENT_LOG);
  ck_assert_int_eq(event.number, number);
}

static void expect_lost(int64_t count) {
  struct event event;
  ck_assert_int_eq(take(&event), STATUS_OK);
  ck_assert_int_eq(event.kind, EVENT_LOST);
  ck_assert_int_eq(event.number, count);
  ck_assert_int_eq(event.status, STATUS_OK);
  ck_assert_int_eq(event.broker, -1);
  ck_assert_str_eq(event.text, "");
}

static void expect_none(int32_t status) {
  struct event event, before;
  memset(&before, 0x5a, sizeof before);
  ck_assert_int_eq(take(&event), status);
  ck_assert_mem_eq(&event, &before, sizeof event);
}

/* ---- one thread ---- */

START_TEST(an_event_comes_out_as_it_went_in) {
  struct event event;
  event_queue_add(&queue, EVENT_FATAL, STATUS_UNSUPPORTED_BROKER, 7, INT64_C(-5000000000), "too old");
  event_queue_add(&queue, EVENT_THROTTLED, STATUS_OK, 3, 250, NULL);
  ck_assert_int_eq(take(&event), STATUS_OK);
  ck_assert_int_eq(event.kind, EVENT_FATAL);
  ck_assert_int_eq(event.status, STATUS_UNSUPPORTED_BROKER);
  ck_assert_int_eq(event.broker, 7);
  ck_assert_int_eq(event.number, INT64_C(-5000000000));
  ck_assert_str_eq(event.text, "too old");
  ck_assert_int_eq(take(&event), STATUS_OK);
  ck_assert_int_eq(event.kind, EVENT_THROTTLED);
  ck_assert_int_eq(event.broker, 3);
  ck_assert_int_eq(event.number, 250);
  ck_assert_str_eq(event.text, "");
  expect_none(STATUS_TIMED_OUT);
}
END_TEST

START_TEST(a_text_is_cut_so_that_it_ends) {
  char text[EVENT_TEXT_BYTES + 2];
  for (size_t length = EVENT_TEXT_BYTES - 2; length <= EVENT_TEXT_BYTES + 1; length++) {
    struct event event;
    memset(text, 'x', length);
    text[length] = '\0';
    event_queue_add(&queue, EVENT_LOG, STATUS_OK, -1, 0, text);
    ck_assert_int_eq(take(&event), STATUS_OK);
    ck_assert_uint_eq(strlen(event.text), length < EVENT_TEXT_BYTES ? length : EVENT_TEXT_BYTES - 1);
  }
}
END_TEST

START_TEST(the_oldest_gives_way_and_is_counted_first) {
  for (int64_t number = 0; number < CAPACITY; number++)
    add(number);
  expect_number(0);
  for (int64_t number = CAPACITY; number < CAPACITY + 3; number++)
    add(number);
  expect_lost(2);
  for (int64_t number = 3; number < CAPACITY + 3; number++)
    expect_number(number);
  expect_none(STATUS_TIMED_OUT);
  add(100);
  expect_number(100);
}
END_TEST

START_TEST(an_event_without_memory_counts_as_lost) {
  add(1);
  failing_allocator_start(0);
  add(2);
  ck_assert(failing_allocator_stop());
  add(3);
  expect_lost(1);
  expect_number(1);
  expect_number(3);
  expect_none(STATUS_TIMED_OUT);
}
END_TEST

START_TEST(a_queue_of_none_takes_none_and_counts_none) {
  struct event_queue none;
  struct event event;
  ck_assert_int_eq(event_queue_init(&none, 0), STATUS_OK);
  event_queue_add(&none, EVENT_FATAL, STATUS_UNSUPPORTED_BROKER, 1, 1, "text");
  ck_assert_int_eq(event_queue_take(&none, &event, 0), STATUS_TIMED_OUT);
  event_queue_close(&none);
  ck_assert_int_eq(event_queue_take(&none, &event, 0), STATUS_CLOSED);
  event_queue_deinit(&none);
}
END_TEST

START_TEST(a_closed_queue_is_read_to_its_end) {
  add(1);
  add(2);
  event_queue_close(&queue);
  expect_number(1);
  expect_number(2);
  expect_none(STATUS_CLOSED);
  expect_none(STATUS_CLOSED);
}
END_TEST

START_TEST(what_comes_after_close_is_only_counted) {
  event_queue_close(&queue);
  add(1);
  add(2);
  expect_lost(2);
  expect_none(STATUS_CLOSED);
}
END_TEST

START_TEST(a_wake_ends_no_wait_that_begins_later) {
  event_queue_wake(&queue);
  expect_none(STATUS_TIMED_OUT);
  add(1);
  event_queue_wake(&queue);
  expect_number(1);
}
END_TEST

/* What is unread when the queue goes is freed with it (the sanitizer looks). */
START_TEST(unread_events_are_freed) {
  for (int64_t number = 0; number < CAPACITY + 1; number++)
    add(number);
}
END_TEST

/* ---- threads ---- */

struct taker {
  pthread_t thread;
  struct event event;
  int64_t deadline_us;
  int32_t status;
};

static void *take_one(void *argument) {
  struct taker *taker = argument;
  taker->status = event_queue_take(&queue, &taker->event, taker->deadline_us);
  return NULL;
}

static void start(struct taker *takers, size_t count, int64_t deadline_us) {
  for (size_t i = 0; i < count; i++) {
    takers[i].deadline_us = deadline_us;
    ck_assert_int_eq(pthread_create(&takers[i].thread, NULL, take_one, &takers[i]), 0);
  }
}

/* Whichever comes first, the event or the wait. */
START_TEST(each_waiting_thread_gets_one_event) {
  struct taker takers[3];
  start(takers, 3, CLOCK_NEVER_US);
  for (int64_t bit = 1; bit <= 4; bit *= 2)
    add(bit);
  int64_t bits = 0;
  for (size_t i = 0; i < 3; i++) {
    ck_assert_int_eq(pthread_join(takers[i].thread, NULL), 0);
    ck_assert_int_eq(takers[i].status, STATUS_OK);
    bits += takers[i].event.number;
  }
  ck_assert_int_eq(bits, 7);
  expect_none(STATUS_TIMED_OUT);
}
END_TEST

START_TEST(close_ends_every_wait) {
  struct taker takers[3];
  start(takers, 3, CLOCK_NEVER_US);
  event_queue_close(&queue);
  for (size_t i = 0; i < 3; i++) {
    ck_assert_int_eq(pthread_join(takers[i].thread, NULL), 0);
    ck_assert_int_eq(takers[i].status, STATUS_CLOSED);
  }
}
END_TEST

static bool is_over(const struct taker *taker) {
  return pthread_tryjoin_np(taker->thread, NULL) == 0;
}

/* A wake may come just before a wait, so it is repeated until the threads have left. */
START_TEST(wakes_end_the_waits_of_all) {
  struct taker takers[3];
  bool over[3] = {false};
  start(takers, 3, CLOCK_NEVER_US);
  while (!over[0] || !over[1] || !over[2]) {
    event_queue_wake(&queue);
    sched_yield();
    for (size_t i = 0; i < 3; i++)
      over[i] = over[i] || is_over(&takers[i]);
  }
  for (size_t i = 0; i < 3; i++)
    ck_assert_int_eq(takers[i].status, STATUS_INTERRUPTED);
}
END_TEST

START_TEST(a_wait_ends_at_its_deadline_and_not_before) {
  struct taker taker;
  int64_t deadline_us = clock_monotonic_us() + 20000;
  start(&taker, 1, deadline_us);
  ck_assert_int_eq(pthread_join(taker.thread, NULL), 0);
  ck_assert_int_eq(taker.status, STATUS_TIMED_OUT);
  ck_assert_int_ge(clock_monotonic_us(), deadline_us);
}
END_TEST

int main(void) {
  Suite *suite = suite_create("event_queue");
  TCase *test_case = tcase_create("all");
  tcase_add_checked_fixture(test_case, set_up, tear_down);
  tcase_add_test(test_case, an_event_comes_out_as_it_went_in);
  tcase_add_test(test_case, a_text_is_cut_so_that_it_ends);
  tcase_add_test(test_case, the_oldest_gives_way_and_is_counted_first);
  tcase_add_test(test_case, an_event_without_memory_counts_as_lost);
  tcase_add_test(test_case, a_queue_of_none_takes_none_and_counts_none);
  tcase_add_test(test_case, a_closed_queue_is_read_to_its_end);
  tcase_add_test(test_case, what_comes_after_close_is_only_counted);
  tcase_add_test(test_case, a_wake_ends_no_wait_that_begins_later);
  tcase_add_test(test_case, unread_events_are_freed);
  tcase_add_test(test_case, each_waiting_thread_gets_one_event);
  tcase_add_test(test_case, close_ends_every_wait);
  tcase_add_test(test_case, wakes_end_the_waits_of_all);
  tcase_add_test(test_case, a_wait_ends_at_its_deadline_and_not_before);
  suite_add_tcase(suite, test_case);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_ENV);
  int failures = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failures != 0;
}
