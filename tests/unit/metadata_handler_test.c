#include "base/status.h"
#include "broker/metadata_handler.h"
#include "protocol/api.h"
#include "protocol/metadata.h"
#include "support/broker_exchange.h"
#include <check.h>
#include <string.h>

enum { TOPICS_MAX = 8 };

static struct exchange exchange;

/* The last answer. */
static struct {
  struct metadata_response head;
  struct metadata_broker brokers[4];
  struct metadata_cluster cluster;
  struct metadata_topic topics[TOPICS_MAX];
  struct metadata_partition partitions[TOPICS_MAX][4];
  int32_t replicas[TOPICS_MAX][4]; /* the first of each */
  struct metadata_response_end end;
} answer;

static void set_up(void) {
  struct broker_settings settings;
  broker_settings_init(&settings);
  settings.auto_create_partitions = 3;
  exchange_init(&exchange, &settings);
  ck_assert_int_eq(broker_model_create_topic(exchange.model, "beta", 2), STATUS_OK);
  ck_assert_int_eq(broker_model_create_topic(exchange.model, "alpha", 1), STATUS_OK);
}

static void tear_down(void) {
  exchange_deinit(&exchange);
}

static void read_answer(int16_t version) {
  struct wire_reader *reader = &exchange.reader;
  memset(&answer, 0, sizeof answer);
  metadata_response_read(reader, version, &answer.head);
  ck_assert_int_le(answer.head.broker_count, 4);
  for (int32_t index = 0; index < answer.head.broker_count; index++)
    metadata_response_read_broker(reader, version, &answer.brokers[index]);
  metadata_response_read_cluster(reader, version, &answer.cluster);
  ck_assert_int_le(answer.cluster.topic_count, TOPICS_MAX);
  for (int32_t index = 0; index < answer.cluster.topic_count; index++) {
    struct metadata_topic *topic = &answer.topics[index];
    metadata_response_read_topic(reader, version, topic);
    ck_assert_int_le(topic->partition_count, 4);
    for (int32_t number = 0; number < topic->partition_count; number++) {
      struct metadata_partition *partition = &answer.partitions[index][number];
      metadata_response_read_partition(reader, version, partition);
      ck_assert_int_ge(partition->replicas.count, 1);
      answer.replicas[index][number] = metadata_read_node_id(&partition->replicas);
    }
    metadata_response_read_topic_end(reader, version);
  }
  metadata_response_read_end(reader, version, &answer.end);
  exchange_expect_end(&exchange);
}

/* Asks for count topics; -1 for all. */
static void ask(int16_t version, int32_t count, const struct metadata_request_topic *topics,
                bool may_create) {
  struct metadata_request request = {.topic_count = count, .allow_auto_topic_creation = may_create};
  struct wire_writer *writer = exchange_begin(&exchange, API_METADATA, version);
  metadata_request_write(writer, version, &request);
  for (int32_t index = 0; index < count; index++)
    metadata_request_write_topic(writer, version, &topics[index]);
  metadata_request_write_end(writer, version, &request);
  ck_assert_int_eq(exchange_run(&exchange), BROKER_ANSWER_SEND);
  read_answer(version);
}

static void ask_for(int16_t version, const char *name, bool may_create) {
  struct metadata_request_topic topic = {.name = bytes_of_string(name)};
  ask(version, 1, &topic, may_create);
}

static void assert_named(int32_t index, const char *name, int16_t error_code, int32_t partition_count) {
  ck_assert(bytes_equal(answer.topics[index].name, bytes_of_string(name)));
  ck_assert_int_eq(answer.topics[index].error_code, error_code);
  ck_assert_int_eq(answer.topics[index].partition_count, partition_count);
}

START_TEST(all_topics_come_in_order_with_the_broker_in_every_version) {
  for (int16_t version = 4; version <= 13; version++) {
    ask(version, -1, NULL, true);
    ck_assert_int_eq(answer.head.broker_count, 1);
    ck_assert_int_eq(answer.brokers[0].node_id, 1);
    ck_assert(bytes_equal(answer.brokers[0].host, bytes_of_string("broker")));
    ck_assert_int_eq(answer.brokers[0].port, 9092);
    ck_assert_int_eq(answer.cluster.controller_id, 1);
    ck_assert(bytes_equal(answer.cluster.cluster_id, bytes_of_string("sendoff-embedded-broker")));
    ck_assert_int_eq(answer.cluster.topic_count, 2);
    assert_named(0, "alpha", 0, 1);
    assert_named(1, "beta", 0, 2);
    ck_assert_int_eq(uuid_is_zero(&answer.topics[1].id), version < 10);
    ck_assert_int_eq(answer.partitions[1][1].index, 1);
    ck_assert_int_eq(answer.partitions[1][1].leader_id, 1);
    ck_assert_int_eq(answer.partitions[1][1].leader_epoch, version >= 7 ? 0 : -1);
    ck_assert_int_eq(answer.replicas[1][1], 1);
  }
}
END_TEST

START_TEST(no_topics_are_asked_for_by_an_empty_list) {
  ask(9, 0, NULL, true);
  ck_assert_int_eq(answer.head.broker_count, 1);
  ck_assert_int_eq(answer.cluster.topic_count, 0);
}
END_TEST

START_TEST(topics_are_found_by_id) {
  ask_for(12, "beta", false);
  struct metadata_request_topic topics[2] = {{.id = answer.topics[0].id}, {.id = {.octets = {9}}}};
  ask(12, 2, topics, false);
  assert_named(0, "beta", 0, 2);
  ck_assert_int_eq(answer.topics[1].error_code, STATUS_UNKNOWN_TOPIC_ID);
  ck_assert_ptr_null(answer.topics[1].name.data);
  ck_assert(uuid_equal(&answer.topics[1].id, &topics[1].id));
}
END_TEST

START_TEST(topics_are_created_only_when_the_client_allows_it) {
  ask_for(9, "gamma", false);
  assert_named(0, "gamma", STATUS_UNKNOWN_TOPIC_OR_PARTITION, 0);
  ask_for(9, "gamma", true);
  assert_named(0, "gamma", 0, 3);
  ask_for(9, "gamma", false);
  assert_named(0, "gamma", 0, 3);
}
END_TEST

START_TEST(topics_are_not_created_when_the_broker_does_not_want_it) {
  tear_down();
  exchange_init(&exchange, NULL);
  ask_for(9, "gamma", true);
  assert_named(0, "gamma", STATUS_UNKNOWN_TOPIC_OR_PARTITION, 0);
}
END_TEST

START_TEST(bad_names_are_refused) {
  static const char *const names[] = {"", ".", "..", "a b", "a/b", "\x80"};
  for (size_t index = 0; index < sizeof names / sizeof names[0]; index++) {
    ask_for(9, names[index], true);
    assert_named(0, names[index], STATUS_INVALID_TOPIC_EXCEPTION, 0);
  }
}
END_TEST

START_TEST(a_leader_elsewhere_and_none_are_shown) {
  ck_assert_int_eq(broker_model_set_node(exchange.model, 2, "other", 9093), STATUS_OK);
  ck_assert_int_eq(broker_model_set_leader(exchange.model, "beta", 0, 2, 6), STATUS_OK);
  ck_assert_int_eq(broker_model_set_leader(exchange.model, "beta", 1, -1, 7), STATUS_OK);
  ask_for(9, "beta", false);
  ck_assert_int_eq(answer.head.broker_count, 2);
  ck_assert_int_eq(answer.brokers[1].port, 9093);
  ck_assert_int_eq(answer.partitions[0][0].leader_id, 2);
  ck_assert_int_eq(answer.partitions[0][0].leader_epoch, 6);
  ck_assert_int_eq(answer.partitions[0][0].error_code, 0);
  ck_assert_int_eq(answer.partitions[0][1].leader_id, -1);
  ck_assert_int_eq(answer.partitions[0][1].error_code, STATUS_LEADER_NOT_AVAILABLE);
}
END_TEST

START_TEST(faults_hit_a_topic_a_partition_or_the_whole) {
  struct broker_fault topic = {.api_key = API_METADATA,
                               .topic = "beta",
                               .partition = -1,
                               .error_code = STATUS_TOPIC_AUTHORIZATION_FAILED};
  struct broker_fault partition = {
      .api_key = API_METADATA, .topic = "beta", .partition = 1, .error_code = STATUS_LEADER_NOT_AVAILABLE};
  struct broker_fault all = {
      .api_key = API_METADATA, .partition = -1, .error_code = STATUS_LEADER_NOT_AVAILABLE, .throttle_ms = 7};
  ck_assert_int_eq(broker_model_inject(exchange.model, &topic), STATUS_OK);
  ck_assert_int_eq(broker_model_inject(exchange.model, &partition), STATUS_OK);
  ask(9, -1, NULL, false);
  assert_named(0, "alpha", 0, 1);
  assert_named(1, "beta", STATUS_TOPIC_AUTHORIZATION_FAILED, 0);
  ask(9, -1, NULL, false);
  assert_named(1, "beta", 0, 2);
  ck_assert_int_eq(answer.partitions[1][0].error_code, 0);
  ck_assert_int_eq(answer.partitions[1][1].error_code, STATUS_LEADER_NOT_AVAILABLE);
  ck_assert_int_eq(answer.partitions[1][1].leader_id, -1);
  ck_assert_int_eq(broker_model_inject(exchange.model, &all), STATUS_OK);
  ask(9, -1, NULL, false);
  assert_named(0, "alpha", STATUS_LEADER_NOT_AVAILABLE, 0);
  assert_named(1, "beta", STATUS_LEADER_NOT_AVAILABLE, 0);
  ck_assert_int_eq(answer.head.throttle_ms, 7);
  ask(9, -1, NULL, false);
  assert_named(0, "alpha", 0, 1);
}
END_TEST

START_TEST(a_client_can_be_told_to_bootstrap_again) {
  struct broker_fault fault = {
      .api_key = API_METADATA, .partition = -1, .error_code = STATUS_REBOOTSTRAP_REQUIRED};
  ck_assert_int_eq(broker_model_inject(exchange.model, &fault), STATUS_OK);
  ask_for(13, "beta", false);
  ck_assert_int_eq(answer.end.error_code, STATUS_REBOOTSTRAP_REQUIRED);
  assert_named(0, "beta", 0, 2);
}
END_TEST

START_TEST(a_request_cut_anywhere_creates_nothing) {
  struct metadata_request_topic topic = {.name = bytes_of_string("delta")};
  struct metadata_request request = {.topic_count = 1, .allow_auto_topic_creation = true};
  struct wire_writer *writer = exchange_begin(&exchange, API_METADATA, 9);
  metadata_request_write(writer, 9, &request);
  metadata_request_write_topic(writer, 9, &topic);
  metadata_request_write_end(writer, 9, &request);
  for (size_t size = writer->size - 1; size >= REQUEST_SIZE_BYTES; size--) {
    writer->size = size;
    ck_assert_int_eq(exchange_run(&exchange), BROKER_ANSWER_CUT);
  }
  ask(9, -1, NULL, false);
  ck_assert_int_eq(answer.cluster.topic_count, 2);
}
END_TEST

int main(void) {
  Suite *suite = suite_create("metadata_handler");
  TCase *test_case = tcase_create("all");
  tcase_add_checked_fixture(test_case, set_up, tear_down);
  tcase_add_test(test_case, all_topics_come_in_order_with_the_broker_in_every_version);
  tcase_add_test(test_case, no_topics_are_asked_for_by_an_empty_list);
  tcase_add_test(test_case, topics_are_found_by_id);
  tcase_add_test(test_case, topics_are_created_only_when_the_client_allows_it);
  tcase_add_test(test_case, topics_are_not_created_when_the_broker_does_not_want_it);
  tcase_add_test(test_case, bad_names_are_refused);
  tcase_add_test(test_case, a_leader_elsewhere_and_none_are_shown);
  tcase_add_test(test_case, faults_hit_a_topic_a_partition_or_the_whole);
  tcase_add_test(test_case, a_client_can_be_told_to_bootstrap_again);
  tcase_add_test(test_case, a_request_cut_anywhere_creates_nothing);
  suite_add_tcase(suite, test_case);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_ENV);
  int failures = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failures != 0;
}
