#include "producer/report_queue.h"

#include "support/expect_abort.h"
#include "support/settled_batch.h"
#include <check.h>
#include <string.h>

enum { CAPACITY = 64 };

static struct report_queue queue;
static struct list finished;
static struct report reports[CAPACITY];
static struct report_callback callbacks[CAPACITY];
static int user;

static void set_up(void) {
  report_queue_init(&queue);
  list_init(&finished);
}

static void add(struct batch *batch, const char *pattern, uint64_t first_opaque) {
  uint32_t skipped = 0;
  for (const char *kind = pattern; *kind != '\0'; kind++)
    skipped += *kind == 's';
  settled_batch_make(batch, pattern, first_opaque, &user);
  report_queue_add(&queue, batch, skipped);
}

/* Takes at most `capacity` and sees that nothing beyond it is written. */
static size_t take(size_t capacity) {
  memset(reports, 0x5a, sizeof reports);
  size_t count = report_queue_take(&queue, reports, NULL, capacity, &finished);
  ck_assert_uint_le(count, capacity);
  for (size_t i = count; i < CAPACITY; i++)
    ck_assert_uint_eq(reports[i].opaque, UINT64_C(0x5a5a5a5a5a5a5a5a));
  return count;
}

static void expect_opaques(size_t count, const uint64_t *opaques) {
  for (size_t i = 0; i < count; i++)
    ck_assert_uint_eq(reports[i].opaque, opaques[i]);
}

/* Frees the finished batches, which must be these in this order. */
static void expect_finished(struct batch *first, struct batch *second) {
  struct batch *expected[] = {first, second};
  for (size_t i = 0; i < 2 && expected[i] != NULL; i++) {
    ck_assert(!list_is_empty(&finished));
    struct batch *batch = LIST_ENTRY(finished.next, struct batch, queue_node);
    ck_assert_ptr_eq(batch, expected[i]);
    list_remove(&batch->queue_node);
    settled_batch_free(batch);
  }
  ck_assert(list_is_empty(&finished));
}

START_TEST(an_empty_queue_gives_nothing) {
  ck_assert_uint_eq(take(CAPACITY), 0);
  ck_assert_uint_eq(queue.unread, 0);
  expect_finished(NULL, NULL);
}
END_TEST

START_TEST(reports_come_in_order_over_batches) {
  struct batch first, second;
  add(&first, "...", 10);
  add(&second, "..", 20);
  ck_assert_uint_eq(queue.unread, 5);
  ck_assert_uint_eq(take(CAPACITY), 5);
  expect_opaques(5, (const uint64_t[]){10, 11, 12, 20, 21});
  for (size_t i = 0; i < 5; i++) {
    ck_assert_int_eq(reports[i].outcome, OUTCOME_DELIVERED);
    ck_assert_int_eq(reports[i].offset, 100 + (int64_t)(reports[i].opaque % 10));
    ck_assert_uint_eq(reports[i].topic, 42);
    ck_assert_int_eq(reports[i].partition, 6);
  }
  ck_assert_uint_eq(queue.unread, 0);
  ck_assert(list_is_empty(&queue.batches));
  expect_finished(&first, &second);
}
END_TEST

static size_t finished_count(void) {
  size_t count = 0;
  for (struct list *node = finished.next; node != &finished; node = node->next)
    count++;
  return count;
}

/* Every capacity: nothing twice, nothing left out, and a batch is finished with its last report: its memory
 * may be what a send waits for. */
START_TEST(reading_in_pieces_loses_and_repeats_nothing) {
  static const uint64_t opaques[] = {0, 1, 2, 3, 5, 6, 10};
  static const size_t finished_after[] = {0, 0, 0, 1, 1, 1, 2, 3};
  for (size_t capacity = 1; capacity <= 8; capacity++) {
    struct batch first, second, third;
    add(&first, "...", 0);
    add(&second, "csccs", 3);
    add(&third, "ss.", 8);
    for (size_t taken = 0; taken < 7;) {
      ck_assert_uint_eq(queue.unread, 7 - taken);
      size_t count = take(capacity);
      ck_assert_uint_eq(count, capacity < 7 - taken ? capacity : 7 - taken);
      expect_opaques(count, opaques + taken);
      taken += count;
      ck_assert_uint_eq(finished_count(), finished_after[taken]);
    }
    ck_assert_uint_eq(queue.unread, 0);
    ck_assert_uint_eq(take(capacity), 0);
    list_remove(&third.queue_node);
    settled_batch_free(&third);
    expect_finished(&first, &second);
  }
}
END_TEST

/* Else its memory would be kept although there is nothing to read, and nobody could tell. */
START_TEST(a_batch_whose_last_records_are_not_read_here_ends_with_the_last_that_is) {
  struct batch batch;
  add(&batch, ".ss", 0);
  ck_assert_uint_eq(queue.unread, 1);
  ck_assert_uint_eq(take(1), 1);
  ck_assert_uint_eq(queue.unread, 0);
  ck_assert(list_is_empty(&queue.batches));
  expect_finished(&batch, NULL);
}
END_TEST

START_TEST(callbacks_come_with_their_reports) {
  struct batch narrow, wide;
  add(&narrow, "..", 0);
  add(&wide, "c.sc", 2);
  memset(callbacks, 0x5a, sizeof callbacks);
  ck_assert_uint_eq(report_queue_take(&queue, reports, callbacks, CAPACITY, &finished), 5);
  expect_opaques(5, (const uint64_t[]){0, 1, 2, 3, 5});
  for (size_t i = 0; i < 5; i++) {
    bool has_one = i == 2 || i == 4;
    ck_assert(callbacks[i].function == (has_one ? settled_batch_callback : NULL));
    ck_assert_ptr_eq(callbacks[i].user, has_one ? &user : NULL);
  }
  expect_finished(&narrow, &wide);
}
END_TEST

START_TEST(a_batch_of_ones_own_is_read_in_pieces) {
  struct batch batch;
  uint32_t next = 0;
  settled_batch_make(&batch, "csccs", 0, &user);
  ck_assert_uint_eq(report_batch_read(&batch, &next, reports, callbacks, 2), 2);
  expect_opaques(2, (const uint64_t[]){0, 2});
  ck_assert_uint_eq(report_batch_read(&batch, &next, reports, callbacks, 2), 1);
  expect_opaques(1, (const uint64_t[]){3});
  ck_assert_uint_eq(next, 5);
  ck_assert_uint_eq(report_batch_read(&batch, &next, reports, callbacks, 2), 0);
  ck_assert_uint_eq(batch.reports_taken, 0);
  settled_batch_free(&batch);
}
END_TEST

static void add_unsettled(void *context) {
  (void)context;
  struct batch batch = {.state = BATCH_IN_FLIGHT, .record_count = 1};
  report_queue_add(&queue, &batch, 0);
}

START_TEST(only_settled_batches_have_reports) {
  expect_abort(add_unsettled, NULL, "BATCH_SETTLED");
}
END_TEST

int main(void) {
  Suite *suite = suite_create("report_queue");
  TCase *test_case = tcase_create("all");
  tcase_add_checked_fixture(test_case, set_up, NULL);
  tcase_add_test(test_case, an_empty_queue_gives_nothing);
  tcase_add_test(test_case, reports_come_in_order_over_batches);
  tcase_add_test(test_case, reading_in_pieces_loses_and_repeats_nothing);
  tcase_add_test(test_case, a_batch_whose_last_records_are_not_read_here_ends_with_the_last_that_is);
  tcase_add_test(test_case, callbacks_come_with_their_reports);
  tcase_add_test(test_case, a_batch_of_ones_own_is_read_in_pieces);
  tcase_add_test(test_case, only_settled_batches_have_reports);
  suite_add_tcase(suite, test_case);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_ENV);
  int failures = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failures != 0;
}
