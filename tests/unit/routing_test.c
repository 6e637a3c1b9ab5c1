#include "sender/routing.h"

#include "base/status.h"
#include "protocol/api.h"
#include "support/model_world.h"
#include <check.h>
#include <stdlib.h>

static struct model_world world;

static void setup(void) {
  model_world_init(&world);
}

static void teardown(void) {
  model_world_deinit(&world);
}

static uint64_t metadata_requests(void) {
  return broker_model_counters(world.model)->requests[API_METADATA];
}

START_TEST(records_wait_for_a_leader_that_takes_long_to_be_elected) {
  ck_assert_int_eq(broker_model_create_topic(world.model, "orders", 1), STATUS_OK);
  ck_assert_int_eq(broker_model_set_leader(world.model, "orders", 0, -1, 1), STATUS_OK);
  model_world_start(&world);
  struct topic *orders = model_world_topic(&world, "orders");
  model_world_append(&world, orders, 0, 10);
  model_world_run(&world, 20 * (int64_t)MODEL_WORLD_S);
  ck_assert_uint_eq(world.reported[OUTCOME_DELIVERED], 0);
  ck_assert_uint_gt(metadata_requests(), 10); /* asks on, once a second */
  ck_assert_uint_lt(metadata_requests(), 40);
  ck_assert_int_eq(broker_model_set_leader(world.model, "orders", 0, 1, 2), STATUS_OK);
  model_world_run(&world, 2 * (int64_t)MODEL_WORLD_S);
  ck_assert_uint_eq(world.reported[OUTCOME_DELIVERED], 1);
}
END_TEST

START_TEST(records_sent_once_wait_for_the_next_leader) {
  ck_assert_int_eq(broker_model_create_topic(world.model, "orders", 1), STATUS_OK);
  model_world_start(&world);
  struct topic *orders = model_world_topic(&world, "orders");
  model_world_append(&world, orders, 0, 10);
  model_world_run(&world, MODEL_WORLD_S);
  ck_assert_uint_eq(world.reported[OUTCOME_DELIVERED], 1);
  ck_assert_int_eq(broker_model_set_leader(world.model, "orders", 0, -1, 1), STATUS_OK);
  model_world_append(&world, orders, 0, 10);
  model_world_run(&world, 20 * (int64_t)MODEL_WORLD_S);
  ck_assert_int_eq(broker_model_set_leader(world.model, "orders", 0, 1, 2), STATUS_OK);
  model_world_run(&world, 2 * (int64_t)MODEL_WORLD_S);
  ck_assert_uint_eq(world.reported[OUTCOME_DELIVERED], 2);
}
END_TEST

START_TEST(a_topic_without_waiting_records_is_not_asked_about_again) {
  ck_assert_int_eq(broker_model_create_topic(world.model, "orders", 2), STATUS_OK);
  ck_assert_int_eq(broker_model_set_leader(world.model, "orders", 1, -1, 1), STATUS_OK);
  model_world_start(&world);
  model_world_append(&world, model_world_topic(&world, "orders"), 0, 10);
  model_world_run(&world, 20 * (int64_t)MODEL_WORLD_S);
  ck_assert_uint_eq(world.reported[OUTCOME_DELIVERED], 1);
  ck_assert_uint_lt(metadata_requests(), 5);
}
END_TEST

int main(void) {
  Suite *suite = suite_create("routing");
  TCase *leaders = tcase_create("leaders");
  tcase_add_checked_fixture(leaders, setup, teardown);
  tcase_add_test(leaders, records_wait_for_a_leader_that_takes_long_to_be_elected);
  tcase_add_test(leaders, records_sent_once_wait_for_the_next_leader);
  tcase_add_test(leaders, a_topic_without_waiting_records_is_not_asked_about_again);
  suite_add_tcase(suite, leaders);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_ENV);
  int failed = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
