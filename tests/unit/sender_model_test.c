#include "sender/sender.h"

#include "base/status.h"
#include "protocol/api.h"
#include "support/model_world.h"
#include <check.h>
#include <stdlib.h>

/* A whole sender against a model broker: what needs both to be seen. */
static struct model_world world;

static void setup(void) {
  model_world_init(&world);
  world.memory.partitioner.sticky_bytes = 1; /* moves on with each batch */
}

static void teardown(void) {
  model_world_deinit(&world);
}

static uint64_t requests(int16_t api_key) {
  return broker_model_counters(world.model)->requests[api_key];
}

static void inject(struct broker_fault fault) {
  ck_assert_int_eq(broker_model_inject(world.model, &fault), STATUS_OK);
}

START_TEST(a_pause_asked_for_with_metadata_is_kept) {
  ck_assert_int_eq(broker_model_create_topic(world.model, "orders", 1), STATUS_OK);
  ck_assert_int_eq(broker_model_create_topic(world.model, "returns", 1), STATUS_OK);
  model_world_start(&world);
  model_world_append(&world, model_world_topic(&world, "orders"), 0, 10);
  model_world_run(&world, MODEL_WORLD_S);
  ck_assert_uint_eq(world.reported[OUTCOME_DELIVERED], 1);
  inject((struct broker_fault){.api_key = API_METADATA, .partition = -1, .throttle_ms = 3000});
  model_world_append(&world, model_world_topic(&world, "returns"), 0, 10);
  model_world_run(&world, 2900 * MODEL_WORLD_MS);
  ck_assert_uint_eq(requests(API_PRODUCE), 1);
  model_world_run(&world, 300 * MODEL_WORLD_MS);
  ck_assert_uint_eq(world.reported[OUTCOME_DELIVERED], 2);
}
END_TEST

START_TEST(many_partitions_that_moved_ask_and_try_together) {
  enum { PARTITION_COUNT = 2000 };
  ck_assert_int_eq(broker_model_create_topic(world.model, "orders", PARTITION_COUNT), STATUS_OK);
  inject((struct broker_fault){.api_key = API_PRODUCE,
                               .partition = -1,
                               .count = UINT32_MAX,
                               .error_code = STATUS_NOT_LEADER_OR_FOLLOWER});
  model_world_start(&world);
  struct topic *orders = model_world_topic(&world, "orders");
  for (int32_t i = 0; i < PARTITION_COUNT; i++)
    model_world_append(&world, orders, i, 10);
  model_world_run(&world, 10 * (int64_t)MODEL_WORLD_S);
  ck_assert_uint_gt(requests(API_METADATA), 20);
  ck_assert_uint_le(requests(API_METADATA), 105);
  ck_assert_uint_gt(requests(API_PRODUCE), 100);
  ck_assert_uint_lt(requests(API_PRODUCE), 2500); /* some 20,000 attempts: they share requests */
  broker_model_clear_faults(world.model);
  model_world_run(&world, 2 * (int64_t)MODEL_WORLD_S);
  ck_assert_uint_eq(world.reported[OUTCOME_DELIVERED], PARTITION_COUNT);
}
END_TEST

START_TEST(a_hint_at_a_broker_that_nobody_knows_is_looked_into) {
  ck_assert_int_eq(broker_model_create_topic(world.model, "orders", 1), STATUS_OK);
  model_world_start(&world);
  struct topic *orders = model_world_topic(&world, "orders");
  model_world_append(&world, orders, 0, 10);
  model_world_run(&world, MODEL_WORLD_S);
  ck_assert_uint_eq(world.reported[OUTCOME_DELIVERED], 1);
  inject((struct broker_fault){.api_key = API_PRODUCE,
                               .partition = -1,
                               .error_code = STATUS_NOT_LEADER_OR_FOLLOWER,
                               .leader_hint = true,
                               .leader_id = 7,
                               .leader_epoch = 5});
  ck_assert_int_eq(broker_model_set_leader(world.model, "orders", 0, 1, 6), STATUS_OK);
  model_world_append(&world, orders, 0, 10);
  model_world_run(&world, 2 * (int64_t)MODEL_WORLD_S);
  ck_assert_uint_eq(world.reported[OUTCOME_DELIVERED], 2);
}
END_TEST

START_TEST(a_refused_topic_is_not_asked_about_with_every_record) {
  ck_assert_int_eq(broker_model_create_topic(world.model, "orders", 1), STATUS_OK);
  inject((struct broker_fault){.api_key = API_METADATA,
                               .topic = "orders",
                               .partition = -1,
                               .count = UINT32_MAX,
                               .error_code = STATUS_TOPIC_AUTHORIZATION_FAILED});
  model_world_start(&world);
  struct topic *orders = model_world_topic(&world, "orders");
  for (int i = 0; i < 1000; i++) {
    model_world_append(&world, orders, -1, 10);
    model_world_run(&world, 10 * MODEL_WORLD_MS);
  }
  model_world_run(&world, 2 * (int64_t)MODEL_WORLD_S);
  ck_assert_uint_eq(world.reported[OUTCOME_NOT_DELIVERED], 1000);
  ck_assert_int_eq(world.last_status, STATUS_TOPIC_AUTHORIZATION_FAILED);
  ck_assert_uint_lt(requests(API_METADATA), 30); /* within 12 s */
}
END_TEST

START_TEST(a_topic_made_anew_may_have_fewer_partitions) {
  ck_assert_int_eq(broker_model_create_topic(world.model, "orders", 8), STATUS_OK);
  world.settings.cluster.max_idle_us = 3600 * (int64_t)MODEL_WORLD_S;
  model_world_start(&world);
  struct topic *orders = model_world_topic(&world, "orders");
  for (int32_t i = 0; i < 8; i++)
    model_world_append(&world, orders, i, 10);
  model_world_run(&world, MODEL_WORLD_S);
  ck_assert_uint_eq(world.reported[OUTCOME_DELIVERED], 8);
  ck_assert_int_eq(broker_model_delete_topic(world.model, "orders"), STATUS_OK);
  ck_assert_int_eq(broker_model_create_topic(world.model, "orders", 2), STATUS_OK);
  model_world_run(&world, 301 * (int64_t)MODEL_WORLD_S); /* the view is refreshed */
  for (int i = 0; i < 50; i++) {
    model_world_append(&world, orders, -1, 10);
    model_world_run(&world, 100 * MODEL_WORLD_MS); /* a batch, and a partition, of its own */
  }
  model_world_run(&world, 5 * (int64_t)MODEL_WORLD_S);
  ck_assert_uint_eq(world.reported[OUTCOME_DELIVERED], 58);
}
END_TEST

int main(void) {
  Suite *suite = suite_create("sender_model");
  TCase *asking = tcase_create("asking");
  tcase_add_checked_fixture(asking, setup, teardown);
  tcase_add_test(asking, a_pause_asked_for_with_metadata_is_kept);
  tcase_add_test(asking, many_partitions_that_moved_ask_and_try_together);
  tcase_add_test(asking, a_hint_at_a_broker_that_nobody_knows_is_looked_into);
  tcase_add_test(asking, a_refused_topic_is_not_asked_about_with_every_record);
  tcase_add_test(asking, a_topic_made_anew_may_have_fewer_partitions);
  suite_add_tcase(suite, asking);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_ENV);
  int failed = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
