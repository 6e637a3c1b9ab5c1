#include "producer/sync_send.h"

#include "base/status.h"
#include "support/expect_abort.h"
#include "support/failing_allocator.h"
#include "support/settled_batch.h"
#include <check.h>

/* One for a waiting thread, whose record is in a batch. */
static struct sync_send *make(void) {
  struct sync_send *sync_send = sync_send_create();
  ck_assert_ptr_nonnull(sync_send);
  ck_assert_uint_eq(sync_send->references, 1);
  ck_assert(!sync_send->done);
  sync_send->references++;
  return sync_send;
}

START_TEST(each_waiter_gets_the_report_of_its_record) {
  struct sync_send *waiters[] = {make(), make()};
  struct batch batch;
  settled_batch_make_for(&batch, "s.cs", 30, waiters);
  ck_assert_uint_eq(sync_send_answer(&batch), 2);
  for (unsigned i = 0; i < 2; i++) {
    unsigned index = i == 0 ? 0 : 3;
    ck_assert(waiters[i]->done);
    ck_assert_uint_eq(waiters[i]->report.opaque, 30 + index);
    ck_assert_int_eq(waiters[i]->report.offset, 100 + (int64_t)index);
    ck_assert_int_eq(waiters[i]->report.outcome, OUTCOME_DELIVERED);
    ck_assert_int_eq(waiters[i]->report.status, STATUS_OK);
    ck_assert_uint_eq(waiters[i]->references, 1);
    sync_send_release(waiters[i]);
  }
  settled_batch_free(&batch);
}
END_TEST

/* The record's reference was the last: the sanitizer sees whether it is freed, and freed once. */
START_TEST(a_waiter_may_leave_before_the_report_comes) {
  struct sync_send *waiter = make();
  struct batch batch;
  settled_batch_make_for(&batch, "s", 0, &waiter);
  sync_send_release(waiter);
  ck_assert(!waiter->done);
  ck_assert_uint_eq(sync_send_answer(&batch), 1);
  settled_batch_free(&batch);
}
END_TEST

START_TEST(batches_without_waiters_answer_nobody) {
  static const char *const patterns[] = {".", "...", "c", ".c."};
  for (unsigned i = 0; i < 4; i++) {
    struct batch batch;
    settled_batch_make(&batch, patterns[i], 0, NULL);
    ck_assert_uint_eq(sync_send_answer(&batch), 0);
    settled_batch_free(&batch);
  }
}
END_TEST

START_TEST(without_memory_there_is_none) {
  failing_allocator_start(0);
  struct sync_send *none = sync_send_create();
  ck_assert(failing_allocator_stop());
  ck_assert_ptr_null(none);
}
END_TEST

static void call_marker(void *context) {
  struct report report = {0};
  sync_send_marker(context, &report);
}

START_TEST(the_marker_is_never_called) {
  struct sync_send *waiter = sync_send_create();
  expect_abort(call_marker, waiter, "the marker is compared, never called");
  sync_send_release(waiter);
}
END_TEST

static void release(void *context) {
  (void)context;
  struct sync_send unowned = {.references = 0};
  sync_send_release(&unowned);
}

START_TEST(a_reference_is_given_back_once) {
  expect_abort(release, NULL, "references > 0");
}
END_TEST

int main(void) {
  Suite *suite = suite_create("sync_send");
  TCase *test_case = tcase_create("all");
  tcase_add_test(test_case, each_waiter_gets_the_report_of_its_record);
  tcase_add_test(test_case, a_waiter_may_leave_before_the_report_comes);
  tcase_add_test(test_case, batches_without_waiters_answer_nobody);
  tcase_add_test(test_case, without_memory_there_is_none);
  tcase_add_test(test_case, the_marker_is_never_called);
  tcase_add_test(test_case, a_reference_is_given_back_once);
  suite_add_tcase(suite, test_case);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_ENV);
  int failures = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failures != 0;
}
