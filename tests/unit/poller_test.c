#include "network/poller.h"

#include "base/allocator.h"
#include "base/clock.h"
#include "base/status.h"
#include <check.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum { PAIRS = 100 };

static struct poller *poller;
static int ends[PAIRS][2];

static void set_up(void) {
  ck_assert_int_eq(poller_create(&poller), STATUS_OK);
  for (int i = 0; i < PAIRS; i++)
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, ends[i]), 0);
}

static void tear_down(void) {
  poller_destroy(poller);
  for (int i = 0; i < PAIRS; i++) {
    if (ends[i][0] >= 0) close(ends[i][0]);
    if (ends[i][1] >= 0) close(ends[i][1]);
  }
}

static void add(int index, bool writing) {
  ck_assert_int_eq(poller_add(poller, ends[index][0], (uint64_t)index, writing), STATUS_OK);
}

START_TEST(only_what_is_ready_and_wanted_is_told) {
  struct poller_event events[8];
  add(0, false);
  add(1, true);
  add(2, false);
  ck_assert_int_eq(write(ends[2][1], "x", 1), 1);
  uint32_t count = poller_wait(poller, 0, events, 8);
  ck_assert_uint_eq(count, 2);
  for (uint32_t i = 0; i < count; i++) {
    ck_assert(events[i].key == 1 || events[i].key == 2);
    ck_assert_int_eq(events[i].writable, events[i].key == 1);
    ck_assert_int_eq(events[i].readable, events[i].key == 2);
  }
  ck_assert_uint_eq(poller_wait(poller, 0, events, 8), 2); /* level-triggered */
}
END_TEST

START_TEST(writing_is_watched_while_it_is_wanted) {
  struct poller_event event;
  add(0, true);
  ck_assert_uint_eq(poller_wait(poller, 0, &event, 1), 1);
  poller_set_writing(poller, ends[0][0], 0, false);
  ck_assert_uint_eq(poller_wait(poller, 0, &event, 1), 0);
  poller_set_writing(poller, ends[0][0], 0, true);
  ck_assert_uint_eq(poller_wait(poller, 0, &event, 1), 1);
  ck_assert(event.writable && !event.readable);
}
END_TEST

START_TEST(a_removed_descriptor_is_not_told) {
  struct poller_event events[8];
  for (int i = 0; i < 3; i++) {
    add(i, false);
    ck_assert_int_eq(write(ends[i][1], "x", 1), 1);
  }
  poller_remove(poller, ends[0][0]);
  uint32_t count = poller_wait(poller, 0, events, 8);
  ck_assert_uint_eq(count, 2);
  for (uint32_t i = 0; i < count; i++)
    ck_assert_uint_ne(events[i].key, 0);
  poller_remove(poller, ends[2][0]);
  ck_assert_uint_eq(poller_wait(poller, 0, events, 8), 1);
  ck_assert_uint_eq(events[0].key, 1);
  add(0, false); /* and can come back */
  ck_assert_uint_eq(poller_wait(poller, 0, events, 8), 2);
}
END_TEST

START_TEST(a_hang_up_sets_both) {
  struct poller_event event;
  add(0, false);
  close(ends[0][1]);
  ends[0][1] = -1;
  ck_assert_uint_eq(poller_wait(poller, 0, &event, 1), 1);
  ck_assert(event.readable && event.writable);
}
END_TEST

START_TEST(a_small_capacity_starves_none) {
  bool seen[PAIRS] = {false};
  for (int i = 0; i < PAIRS; i++) {
    add(i, false);
    ck_assert_int_eq(write(ends[i][1], "x", 1), 1);
  }
  for (int round = 0; round < PAIRS / 4; round++) {
    struct poller_event events[4];
    ck_assert_uint_eq(poller_wait(poller, 0, events, 4), 4);
    for (int i = 0; i < 4; i++)
      seen[events[i].key] = true;
  }
  for (int i = 0; i < PAIRS; i++)
    ck_assert(seen[i]);
}
END_TEST

START_TEST(a_wait_never_ends_before_its_time) {
  struct poller_event event;
  add(0, false);
  for (int64_t timeout_us = 1; timeout_us <= 3001; timeout_us += 1000) {
    int64_t start_us = clock_monotonic_us();
    ck_assert_uint_eq(poller_wait(poller, timeout_us, &event, 1), 0);
    ck_assert_int_ge(clock_monotonic_us() - start_us, timeout_us);
  }
}
END_TEST

START_TEST(timeouts_are_rounded_up) {
  ck_assert_int_eq(poller_timeout_ms(-1), -1);
  ck_assert_int_eq(poller_timeout_ms(0), 0);
  ck_assert_int_eq(poller_timeout_ms(1), 1);
  ck_assert_int_eq(poller_timeout_ms(1000), 1);
  ck_assert_int_eq(poller_timeout_ms(1001), 2);
  ck_assert_int_eq(poller_timeout_ms(INT64_MAX), 24 * 3600 * 1000);
}
END_TEST

static bool refuse_all(void *context) {
  (void)context;
  return false;
}

START_TEST(missing_memory_is_a_status) {
  struct poller *none = NULL;
  allocator_set_hook(refuse_all, NULL);
  int32_t status = poller_create(&none);
  allocator_set_hook(NULL, NULL);
  ck_assert_int_eq(status, STATUS_OUT_OF_MEMORY);
  ck_assert_ptr_null(none);
}
END_TEST

int main(void) {
  Suite *suite = suite_create(POLLER_USES_EPOLL ? "poller by epoll" : "poller by poll");
  TCase *tests = tcase_create("poller");
  tcase_add_checked_fixture(tests, set_up, tear_down);
  tcase_add_test(tests, only_what_is_ready_and_wanted_is_told);
  tcase_add_test(tests, writing_is_watched_while_it_is_wanted);
  tcase_add_test(tests, a_removed_descriptor_is_not_told);
  tcase_add_test(tests, a_hang_up_sets_both);
  tcase_add_test(tests, a_small_capacity_starves_none);
  tcase_add_test(tests, a_wait_never_ends_before_its_time);
  tcase_add_test(tests, timeouts_are_rounded_up);
  tcase_add_test(tests, missing_memory_is_a_status);
  suite_add_tcase(suite, tests);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_ENV);
  int failures = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failures == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
