#include "base/lock.h"
#include "producer/handle.h"

#include "base/status.h"
#include "producer/config_error.h"
#include "producer/process_lock.h"
#include "support/client_world.h"
#include "support/expect_abort.h"
#include "support/failing_allocator.h"
#include <check.h>
#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>

/* Stands for a producer: handles never look into one. */
static struct producer *const some_producer = (struct producer *)(void *)&(int){0};

static struct handle_slot *acquire(void) {
  struct handle_slot *slot = NULL;
  ck_assert_int_eq(handle_acquire(&slot, NULL), STATUS_OK);
  ck_assert_ptr_nonnull(slot);
  return slot;
}

/* As producer_create does. */
static void *open_slot(struct handle_slot *slot) {
  lock_acquire(&slot->lock);
  slot->producer = some_producer;
  lock_release(&slot->lock);
  return handle_of(slot);
}

/* As producer_destroy does. */
static void close_slot(struct handle_slot *slot) {
  lock_acquire(&slot->lock);
  slot->generation++;
  slot->producer = NULL;
  lock_release(&slot->lock);
}

/* Nothing stays locked when a handle is not good. */
static void expect_lock(const void *handle, int32_t status) {
  struct producer *producer = NULL;
  ck_assert_int_eq(handle_lock(handle, &producer), status);
  ck_assert(producer == (status == STATUS_OK ? some_producer : NULL));
  struct handle_slot *slot = handle_slot_of(handle);
  if (status == STATUS_OK) handle_unlock(slot);
  if (slot == NULL) return;
  ck_assert_int_eq(pthread_mutex_trylock(&slot->lock.mutex), 0);
  lock_release(&slot->lock);
}

START_TEST(what_was_never_a_handle_is_refused) {
  uint64_t object = 0;
  const void *strangers[] = {NULL, &object, (void *)(uintptr_t)1, (void *)UINTPTR_MAX};
  for (size_t i = 0; i < 4; i++) {
    expect_lock(strangers[i], STATUS_INVALID_ARGUMENT);
    ck_assert_int_eq(handle_wake(strangers[i]), STATUS_INVALID_ARGUMENT);
    ck_assert_ptr_null(handle_slot_of(strangers[i]));
  }
  struct handle_slot *slot = acquire();
  expect_lock(NULL, STATUS_INVALID_ARGUMENT);
  expect_lock(&object, STATUS_INVALID_ARGUMENT);
  expect_lock((char *)handle_of(slot) + 2, STATUS_INVALID_ARGUMENT); /* the slot behind the last */
  handle_release(slot);
}
END_TEST

START_TEST(a_handle_finds_its_producer) {
  struct handle_slot *slots[3];
  void *handles[3];
  for (int i = 0; i < 3; i++) {
    slots[i] = acquire();
    expect_lock(handle_of(slots[i]), STATUS_CLOSED); /* not ready yet */
    handles[i] = open_slot(slots[i]);
    ck_assert_ptr_nonnull(handles[i]);
    for (int j = 0; j < i; j++)
      ck_assert_ptr_ne(handles[i], handles[j]);
  }
  for (int i = 0; i < 3; i++) {
    expect_lock(handles[i], STATUS_OK);
    ck_assert_ptr_eq(handle_slot_of(handles[i]), slots[i]);
    ck_assert_ptr_eq(handle_slot_at(slots[i]->index), slots[i]);
  }
  ck_assert_uint_eq(handle_slot_count(), 3);
}
END_TEST

START_TEST(the_lock_is_held_in_between) {
  struct handle_slot *slot = acquire();
  void *handle = open_slot(slot);
  struct producer *producer;
  ck_assert_int_eq(handle_lock(handle, &producer), STATUS_OK);
  ck_assert_int_ne(pthread_mutex_trylock(&slot->lock.mutex), 0);
  handle_unlock(slot);
}
END_TEST

START_TEST(a_stale_handle_stays_closed_when_its_slot_is_used_again) {
  struct handle_slot *slot = acquire();
  void *stale = open_slot(slot);
  close_slot(slot);
  expect_lock(stale, STATUS_CLOSED);
  ck_assert_int_eq(handle_wake(stale), STATUS_CLOSED);
  handle_release(slot);
  expect_lock(stale, STATUS_CLOSED);
  ck_assert_ptr_eq(acquire(), slot);
  void *fresh = open_slot(slot);
  ck_assert_ptr_ne(fresh, stale);
  expect_lock(fresh, STATUS_OK);
  expect_lock(stale, STATUS_CLOSED);
  ck_assert_int_eq(handle_wake(stale), STATUS_CLOSED);
  ck_assert_int_eq(handle_wake(fresh), STATUS_OK);
}
END_TEST

START_TEST(high_generations_fit_beside_the_highest_index) {
  struct handle_slot *slot = NULL;
  for (int i = 0; i < HANDLE_MAXIMUM_SLOTS; i++)
    slot = acquire();
  ck_assert_uint_eq(slot->index, HANDLE_MAXIMUM_SLOTS - 1);
  slot->generation = (UINT64_C(1) << 51) - 1;
  void *handle = open_slot(slot);
  ck_assert_ptr_eq(handle_slot_of(handle), slot);
  ck_assert_uint_eq(handle_generation_of(handle), slot->generation);
  expect_lock(handle, STATUS_OK);
  close_slot(slot); /* the generation has passed its last bit */
  expect_lock(handle, STATUS_CLOSED);
}
END_TEST

START_TEST(slots_are_used_again_and_run_out) {
  static struct handle_slot *slots[HANDLE_MAXIMUM_SLOTS];
  for (int i = 0; i < HANDLE_MAXIMUM_SLOTS; i++)
    slots[i] = acquire();
  struct handle_slot *none = NULL;
  struct config_error error = {.text = "unset"};
  ck_assert_int_eq(handle_acquire(&none, &error), STATUS_SYSTEM_ERROR);
  ck_assert_str_eq(error.text, "more than 4096 producers in one process");
  ck_assert_ptr_null(none);
  handle_release(slots[7]);
  handle_release(slots[4000]);
  ck_assert_ptr_eq(acquire(), slots[4000]);
  ck_assert_ptr_eq(acquire(), slots[7]);
  ck_assert_int_eq(handle_acquire(&none, NULL), STATUS_SYSTEM_ERROR);
  ck_assert_uint_eq(handle_slot_count(), HANDLE_MAXIMUM_SLOTS);
}
END_TEST

START_TEST(a_slot_without_memory_is_not_counted) {
  struct handle_slot *none = NULL;
  struct config_error error = {.text = "unset"};
  failing_allocator_start(0);
  ck_assert_int_eq(handle_acquire(&none, &error), STATUS_OUT_OF_MEMORY);
  ck_assert(failing_allocator_stop());
  ck_assert_str_eq(error.text, "no memory for a handle");
  ck_assert_ptr_null(none);
  ck_assert_uint_eq(handle_slot_count(), 0);
  ck_assert_uint_eq(acquire()->index, 0);
}
END_TEST

static void look_beyond(void *context) {
  (void)context;
  handle_slot_at(1);
}

START_TEST(indices_beyond_the_count_are_a_mistake) {
  acquire();
  expect_abort(look_beyond, NULL, "index < handle_slot_count()");
}
END_TEST

/* ---- wake ---- */

static struct client_world world;
static uint32_t wake_count;

static void count_wake(struct transport *transport) {
  (void)transport;
  wake_count++;
}

/* A client of which it is seen when it is woken. */
static struct network_client *watched_client(void) {
  static struct transport_operations operations;
  client_world_init(&world);
  struct transport *transport = fake_transport_base(world.transport);
  operations = *transport->operations;
  operations.wake = count_wake;
  transport->operations = &operations;
  client_world_start(&world, "10.0.0.1:9092");
  wake_count = 0;
  return world.client;
}

START_TEST(a_wake_asks_the_sender_thread_of_its_own_producer) {
  struct handle_slot *slot = acquire(), *other = acquire();
  void *handle = open_slot(slot), *other_handle = open_slot(other);
  atomic_store(&slot->wake_target, watched_client());
  ck_assert_int_eq(handle_wake(other_handle), STATUS_OK);
  ck_assert_uint_eq(wake_count, 0);
  ck_assert(!slot->wake_requested);
  ck_assert_int_eq(handle_wake(handle), STATUS_OK);
  ck_assert_uint_eq(wake_count, 1);
  ck_assert(slot->wake_requested);
  ck_assert(!other->wake_requested);
  client_world_deinit(&world);
}
END_TEST

/* It is called with the lock held by others, even by the same thread in a signal handler. */
START_TEST(a_wake_takes_no_lock) {
  struct handle_slot *slot = acquire();
  void *handle = open_slot(slot);
  atomic_store(&slot->wake_target, watched_client());
  struct producer *producer;
  ck_assert_int_eq(handle_lock(handle, &producer), STATUS_OK);
  process_lock_enter();
  ck_assert_int_eq(handle_wake(handle), STATUS_OK);
  ck_assert_uint_eq(wake_count, 1);
  process_lock_leave();
  handle_unlock(slot);
  client_world_deinit(&world);
}
END_TEST

START_TEST(the_senders_own_wake_ends_no_waits_of_callers) {
  struct handle_slot *slot = acquire();
  open_slot(slot);
  atomic_store(&slot->wake_target, watched_client());
  handle_wake_target(slot);
  ck_assert_uint_eq(wake_count, 1);
  ck_assert(!slot->wake_requested);
  client_world_deinit(&world);
}
END_TEST

START_TEST(after_the_end_of_wakes_nobody_is_woken) {
  struct handle_slot *slot = acquire();
  void *handle = open_slot(slot);
  atomic_store(&slot->wake_target, watched_client());
  handle_end_wakes(slot);
  ck_assert_int_eq(handle_wake(handle), STATUS_OK); /* closed, but not destroyed */
  handle_wake_target(slot);
  ck_assert_uint_eq(wake_count, 0);
  client_world_deinit(&world);
}
END_TEST

START_TEST(a_wake_that_nobody_took_does_not_reach_the_next_producer) {
  struct handle_slot *slot = acquire();
  void *handle = open_slot(slot);
  atomic_store(&slot->wake_target, watched_client());
  ck_assert_int_eq(handle_wake(handle), STATUS_OK);
  handle_end_wakes(slot);
  close_slot(slot);
  handle_release(slot);
  ck_assert_ptr_eq(acquire(), slot);
  ck_assert(!slot->wake_requested);
  client_world_deinit(&world);
}
END_TEST

static atomic_bool stopped;

static void *wake_until_stopped(void *handle) {
  while (!atomic_load(&stopped))
    ck_assert_int_eq(handle_wake(handle), STATUS_OK);
  return NULL;
}

/* The sanitizers see a client that is used when it is gone. */
START_TEST(a_client_may_go_after_the_end_of_wakes) {
  pthread_t threads[2];
  struct handle_slot *slot = acquire();
  void *handle = open_slot(slot);
  for (int i = 0; i < 2; i++)
    ck_assert_int_eq(pthread_create(&threads[i], NULL, wake_until_stopped, handle), 0);
  for (int round = 0; round < 20; round++) {
    client_world_init(&world);
    client_world_start(&world, "10.0.0.1:9092");
    atomic_store(&slot->wake_requested, false);
    atomic_store(&slot->wake_target, world.client);
    while (!atomic_load(&slot->wake_requested))
      sched_yield();
    handle_end_wakes(slot);
    client_world_deinit(&world);
  }
  atomic_store(&stopped, true);
  for (int i = 0; i < 2; i++)
    ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
}
END_TEST

/* ---- fork ---- */

/* Runs in a child as after a fork with the fork guard; what it finds wrong is its exit status. */
static void in_forked_child(int (*run)(void)) {
  process_lock_enter();
  pid_t child = fork();
  ck_assert_int_ge(child, 0);
  if (child == 0) {
    handle_note_fork();
    process_lock_leave();
    _exit(run());
  }
  process_lock_leave();
  int status = -1;
  ck_assert_int_eq(waitpid(child, &status, 0), child);
  ck_assert_int_eq(status, 0);
}

static struct handle_slot *inherited;

static int use_inherited(void) {
  struct producer *producer;
  if (handle_lock(handle_of(inherited), &producer) != STATUS_FORKED) return 1;
  if (handle_wake(handle_of(inherited)) != STATUS_FORKED) return 2;
  if (!handle_is_forked(inherited)) return 3;
  return 0;
}

/* The lock is held by a thread that the child does not have: whoever took it would wait for ever. */
START_TEST(in_a_child_an_inherited_handle_answers_without_its_lock) {
  inherited = acquire();
  struct producer *producer;
  ck_assert_int_eq(handle_lock(open_slot(inherited), &producer), STATUS_OK);
  in_forked_child(use_inherited);
  handle_unlock(inherited);
  ck_assert(!handle_is_forked(inherited));
  expect_lock(handle_of(inherited), STATUS_OK);
}
END_TEST

static int use_own(void) {
  struct handle_slot *again = NULL, *fresh = NULL;
  struct producer *producer;
  if (handle_acquire(&again, NULL) != STATUS_OK || handle_acquire(&fresh, NULL) != STATUS_OK) return 1;
  if (again == inherited || fresh == inherited) return 2;
  again->producer = some_producer;
  fresh->producer = some_producer;
  if (handle_lock(handle_of(again), &producer) != STATUS_OK) return 3;
  if (handle_lock(handle_of(fresh), &producer) != STATUS_OK) return 4;
  if (handle_lock(handle_of(inherited), &producer) != STATUS_FORKED) return 5;
  return 0;
}

START_TEST(a_child_has_slots_of_its_own_new_and_used_before) {
  inherited = acquire();
  struct handle_slot *used = acquire();
  open_slot(inherited);
  open_slot(used);
  close_slot(used);
  handle_release(used);
  in_forked_child(use_own);
  expect_lock(handle_of(inherited), STATUS_OK);
}
END_TEST

static int end_inherited(void) {
  void *handle = handle_of(inherited);
  struct handle_slot *again = NULL;
  if (handle_end_forked(handle) != some_producer) return 1;
  if (handle_end_forked(handle) != NULL) return 2;
  if (handle_acquire(&again, NULL) != STATUS_OK || again != inherited) return 3;
  again->producer = some_producer;
  struct producer *producer;
  if (handle_lock(handle, &producer) != STATUS_CLOSED) return 4;
  if (handle_lock(handle_of(again), &producer) != STATUS_OK) return 5;
  handle_unlock(again);
  handle_end_wakes(again);
  if (handle_wake(handle_of(again)) != STATUS_OK) return 6;
  return 0;
}

/* Also when a thread of the parent was inside, which would hold the lock, or be waking, for ever. */
START_TEST(a_child_ends_an_inherited_handle_once_and_uses_its_slot) {
  inherited = acquire();
  struct producer *producer;
  ck_assert_int_eq(handle_lock(open_slot(inherited), &producer), STATUS_OK);
  atomic_fetch_add(&inherited->wakers, 1);
  in_forked_child(end_inherited);
  atomic_fetch_sub(&inherited->wakers, 1);
  handle_unlock(inherited);
  expect_lock(handle_of(inherited), STATUS_OK);
}
END_TEST

int main(void) {
  Suite *suite = suite_create("handle");
  TCase *test_case = tcase_create("all");
  tcase_add_test(test_case, what_was_never_a_handle_is_refused);
  tcase_add_test(test_case, a_handle_finds_its_producer);
  tcase_add_test(test_case, the_lock_is_held_in_between);
  tcase_add_test(test_case, a_stale_handle_stays_closed_when_its_slot_is_used_again);
  tcase_add_test(test_case, high_generations_fit_beside_the_highest_index);
  tcase_add_test(test_case, slots_are_used_again_and_run_out);
  tcase_add_test(test_case, a_slot_without_memory_is_not_counted);
  tcase_add_test(test_case, indices_beyond_the_count_are_a_mistake);
  tcase_add_test(test_case, a_wake_asks_the_sender_thread_of_its_own_producer);
  tcase_add_test(test_case, a_wake_takes_no_lock);
  tcase_add_test(test_case, the_senders_own_wake_ends_no_waits_of_callers);
  tcase_add_test(test_case, after_the_end_of_wakes_nobody_is_woken);
  tcase_add_test(test_case, a_wake_that_nobody_took_does_not_reach_the_next_producer);
  tcase_add_test(test_case, a_client_may_go_after_the_end_of_wakes);
  tcase_add_test(test_case, in_a_child_an_inherited_handle_answers_without_its_lock);
  tcase_add_test(test_case, a_child_has_slots_of_its_own_new_and_used_before);
  tcase_add_test(test_case, a_child_ends_an_inherited_handle_once_and_uses_its_slot);
  suite_add_tcase(suite, test_case);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_ENV);
  int failures = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failures != 0;
}
