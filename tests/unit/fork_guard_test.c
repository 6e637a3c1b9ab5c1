#include "producer/fork_guard.h"

#include "base/secret.h"
#include "base/status.h"
#include "producer/waiting.h"
#include "support/producer_world.h"
#include <check.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static void *handle;

static void set_up(void) {
  world_broker_start();
}

static void tear_down(void) {
  producer_destroy(handle);
  world_broker_stop();
}

/* What the child finds wrong is its exit status. */
static void in_child(int (*run)(void)) {
  fflush(NULL);
  pid_t child = fork();
  ck_assert_int_ge(child, 0);
  if (child == 0) _exit(run());
  int status = -1;
  ck_assert_int_eq(waitpid(child, &status, 0), child);
  ck_assert_msg(status == 0, "the child's status is %#x", (unsigned)status);
}

/* The broker's end of a connection, which the fork guard knows nothing of. */
static bool is_brokers(int descriptor) {
  struct sockaddr_in address = {0};
  socklen_t size = sizeof address;
  if (getsockname(descriptor, (struct sockaddr *)(void *)&address, &size) != 0) return false;
  return ntohs(address.sin_port) == broker_server_port(world_broker());
}

static uint32_t descriptor_count(void) {
  uint32_t count = 0;
  for (int descriptor = 0; descriptor < 1024; descriptor++)
    count += fcntl(descriptor, F_GETFD) >= 0 && !is_brokers(descriptor);
  return count;
}

static void count_release(void *user) {
  (void)user;
  world_shared()->released++;
}

static const struct producer_callbacks counting = {.release = count_release};

static uint32_t descriptors_before;

/* Connected and at rest: a descriptor that is just being opened at the fork stays in the child. */
static void create(const char *const *settings) {
  descriptors_before = descriptor_count();
  handle = world_create(&counting, settings);
  world_send(handle, 1, 0);
  world_flush(handle);
}

static int use_inherited(void) {
  struct producer *producer;
  if (handle_lock(handle, &producer) != STATUS_FORKED) return 1;
  if (handle_wake(handle) != STATUS_FORKED) return 2;
  return 0;
}

/* A child that took the lock, which nobody there gives back, would never end. */
START_TEST(an_inherited_producer_answers_at_once_whatever_the_parent_does) {
  create(NULL);
  in_child(use_inherited);
  struct producer *locked = world_lock(handle);
  in_child(use_inherited);
  world_unlock(locked);
  world_send(handle, 1, 0);
  world_flush(handle);
}
END_TEST

static int count_descriptors(void) {
  return descriptor_count() == descriptors_before ? 0 : 1;
}

/* Else the connection would stay open when the parent closes it, and both could write into it. */
START_TEST(a_child_has_none_of_the_descriptors) {
  create((const char *const[]){"delivery.report.mode=queue", NULL});
  ck_assert_uint_ge(descriptor_count(), descriptors_before + 3); /* poller, waker, connection at least */
  in_child(count_descriptors);
}
END_TEST

static int destroy_inherited(void) {
  producer_destroy(handle);
  if (world_shared()->released != 1) return 1;
  producer_destroy(handle);
  if (world_shared()->released != 1) return 2;
  struct producer *producer;
  if (handle_lock(handle, &producer) == STATUS_OK) return 3;
  return count_descriptors() == 0 ? 0 : 4;
}

START_TEST(a_child_frees_what_it_inherited_and_leaves_the_parent_alone) {
  ck_assert_uint_eq(world_shared()->released, 0);
  create((const char *const[]){"delivery.report.mode=queue", NULL});
  in_child(destroy_inherited);
  world_send(handle, 1, 1);
  world_flush(handle);
  ck_assert_int_eq(world_records("topic", 0), 2);
  ck_assert_uint_eq(world_shared()->released, 1); /* in the child */
}
END_TEST

static int exit_normally(void) {
  exit(0);
}

START_TEST(records_on_their_way_are_the_parents_alone) {
  create((const char *const[]){"linger.ms=60000", NULL});
  world_send(handle, 10, 0);
  in_child(exit_normally);
  in_child(destroy_inherited);
  ck_assert_int_eq(world_records("topic", 0), 1);
  world_flush(handle);
  ck_assert_int_eq(world_records("topic", 0), 11);
}
END_TEST

static int send_own(void) {
  void *own = world_create(NULL, NULL);
  struct producer *producer;
  world_send(own, 3, 0);
  world_flush(own);
  if (handle_lock(handle, &producer) != STATUS_FORKED) return 1;
  producer_destroy(own);
  if (handle_lock(own, &producer) != STATUS_CLOSED) return 2;
  producer_destroy(handle);
  return 0;
}

START_TEST(a_child_makes_producers_of_its_own) {
  create(NULL);
  world_send(handle, 2, 0);
  in_child(send_own);
  world_flush(handle);
  ck_assert_int_eq(world_records("topic", 0), 6);
}
END_TEST

static void *childs_handle;

static int use_both(void) {
  struct producer *producer;
  if (handle_lock(handle, &producer) != STATUS_FORKED) return 1;
  if (handle_lock(childs_handle, &producer) != STATUS_FORKED) return 2;
  producer_destroy(childs_handle);
  producer_destroy(handle);
  return count_descriptors() == 0 ? 0 : 3;
}

static int fork_again(void) {
  childs_handle = world_create(NULL, NULL);
  world_send(childs_handle, 1, 0);
  world_flush(childs_handle);
  pid_t grandchild = fork();
  if (grandchild == 0) _exit(use_both());
  int status = -1;
  if (waitpid(grandchild, &status, 0) != grandchild || status != 0) return 10 + WEXITSTATUS(status);
  world_send(childs_handle, 1, 1);
  world_flush(childs_handle);
  return 0;
}

START_TEST(a_grandchild_owns_neither) {
  create(NULL);
  in_child(fork_again);
  ck_assert_int_eq(world_records("topic", 0), 3);
}
END_TEST

static atomic_bool churn_ends;

static void *churn_secrets(void *argument) {
  while (!atomic_load(&churn_ends))
    secret_destroy(secret_allocate(100));
  return argument;
}

static int use_secrets(void) {
  struct secret *secret = secret_allocate(10);
  secret_destroy(secret);
  return secret == NULL;
}

/* As a program does that sets a password in a child while its parent logs in. */
START_TEST(a_child_finds_the_lock_of_secrets_free) {
  pthread_t thread;
  create(NULL);
  ck_assert_int_eq(pthread_create(&thread, NULL, churn_secrets, NULL), 0);
  for (int i = 0; i < 100; i++)
    in_child(use_secrets);
  atomic_store(&churn_ends, true);
  ck_assert_int_eq(pthread_join(thread, NULL), 0);
}
END_TEST

int main(void) {
  Suite *suite = suite_create("fork_guard");
  TCase *test_case = tcase_create("all");
  tcase_add_checked_fixture(test_case, set_up, tear_down);
  tcase_add_test(test_case, an_inherited_producer_answers_at_once_whatever_the_parent_does);
  tcase_add_test(test_case, a_child_has_none_of_the_descriptors);
  tcase_add_test(test_case, a_child_frees_what_it_inherited_and_leaves_the_parent_alone);
  tcase_add_test(test_case, records_on_their_way_are_the_parents_alone);
  tcase_add_test(test_case, a_child_finds_the_lock_of_secrets_free);
  if (world_children_may_produce()) tcase_add_test(test_case, a_child_makes_producers_of_its_own);
  if (world_children_may_produce()) tcase_add_test(test_case, a_grandchild_owns_neither);
  suite_add_tcase(suite, test_case);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_ENV);
  int failures = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failures != 0;
}
