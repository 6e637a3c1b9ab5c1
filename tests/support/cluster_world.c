#include "support/cluster_world.h"

#include "base/status.h"
#include <check.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define BROKERS "1=10.0.0.1:9092 2=10.0.0.2:9092 3=10.0.0.3:9092"

/* To connect and to ask takes some, but no time. */
enum { ROUNDS_AT_THE_END = 8 };

static void enter(void *context);
static void leave(void *context);
static void keep_line(void *context, int32_t level, const char *line);
static void tell(struct cluster_world *world, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void on_leader(void *context, struct sender_topic *topic, int32_t partition);
static void on_partitions(void *context, struct sender_topic *topic, const struct cluster_answer *answer);
static void on_recreated(void *context, struct sender_topic *topic);
static void on_topic_failed(void *context, struct sender_topic *topic, int32_t status, bool staged_only);
static void on_described(void *context, const struct metadata_topic *topic, struct wire_reader partitions,
                         int16_t version);

void cluster_world_init(struct cluster_world *world) {
  const int64_t s = CLIENT_WORLD_S;
  *world = (struct cluster_world){.gate_depth = 0};
  client_world_init(&world->network);
  cluster_world_set_listening(world, true, true);
  world->gate = (struct gate){.enter = enter, .leave = leave, .context = world};
  world->log = (struct log){.level = LOG_LEVEL_DEBUG, .sink = keep_line, .context = world};
  world->network.settings.log = NULL;
  world->settings = (struct cluster_settings){.max_age_us = 300 * s,
                                              .max_idle_us = 300 * s,
                                              .propagation_max_us = 30 * s,
                                              .retry_backoff_us = s / 10,
                                              .retry_backoff_max_us = s,
                                              .request_timeout_us = 30 * s,
                                              .rebootstrap_trigger_us = 300 * s,
                                              .rebootstrap = true,
                                              .allow_auto_create = true,
                                              .client_id = bytes_of_string("test"),
                                              .log = &world->log};
  random_seed(&world->random, 42);
}

void cluster_world_start(struct cluster_world *world) {
  const struct accumulator_settings accumulator = {.buffer_bytes = 256 * 1024,
                                                   .partition_bytes = 256 * 1024,
                                                   .batch_bytes = 16 * 1024,
                                                   .batch_records = 1000,
                                                   .max_request_bytes = 64 * 1024,
                                                   .partitioner = {.sticky_bytes = 16 * 1024},
                                                   .sender_topic_bytes = sizeof(struct sender_topic),
                                                   .seed = 1};
  ck_assert_int_eq(accumulator_init(&world->accumulator, &accumulator), STATUS_OK);
  client_world_start(&world->network, "10.0.0.9:9092");
  const struct cluster_listener listener = {.context = world,
                                            .on_leader = on_leader,
                                            .on_partitions = on_partitions,
                                            .on_recreated = on_recreated,
                                            .on_topic_failed = on_topic_failed,
                                            .on_described = on_described};
  cluster_init(&world->cluster, &world->settings, &listener, &world->accumulator, world->network.client,
               &world->gate, &world->random, cluster_world_now_us(world));
}

void cluster_world_deinit(struct cluster_world *world) {
  client_world_deinit(&world->network);
  if (world->cluster.client != NULL) {
    ck_assert(!world->cluster.request_open);
    cluster_deinit(&world->cluster);
    accumulator_deinit(&world->accumulator);
  }
  ck_assert_int_eq(world->gate_depth, 0);
  metadata_answer_deinit(&world->answer);
}

int64_t cluster_world_now_us(const struct cluster_world *world) {
  return client_world_now_us(&world->network);
}

void cluster_world_run(struct cluster_world *world, int64_t duration_us) {
  int64_t end_us = cluster_world_now_us(world) + duration_us;
  for (int left = ROUNDS_AT_THE_END; left > 0;) {
    int64_t now_us = cluster_world_now_us(world);
    if (now_us >= end_us) left--;
    cluster_step(&world->cluster, now_us);
    int64_t deadline_us = cluster_next_deadline_us(&world->cluster, now_us);
    network_client_poll(world->network.client, now_us, deadline_us < end_us ? deadline_us : end_us,
                        fake_transport_clock_us, world->network.transport);
  }
}

struct sender_topic *cluster_world_topic(struct cluster_world *world, const char *name) {
  const struct topic_options options = {.acks = -1, .delivery_timeout_us = CLIENT_WORLD_S};
  struct topic *topic;
  ck_assert_int_eq(accumulator_topic(&world->accumulator, bytes_of_string(name), &options, &topic),
                   STATUS_OK);
  topic->last_used_us = cluster_world_now_us(world);
  topic->metadata_wanted = true;
  return cluster_topic(&world->cluster, topic);
}

uint32_t cluster_world_request_count(const struct cluster_world *world) {
  const struct fake_broker *broker = &world->network.broker;
  uint32_t count = 0;
  for (uint32_t i = 0; i < broker->request_count; i++)
    count += broker->requests[i].api_key == API_METADATA;
  return count;
}

const char *cluster_world_asked(const struct cluster_world *world) {
  static char text[256];
  const struct fake_broker *broker = &world->network.broker;
  const struct fake_broker_request *newest = fake_broker_newest(broker, API_METADATA);
  ck_assert_ptr_nonnull(newest);
  struct wire_reader reader = fake_broker_body(broker, newest);
  struct metadata_request request;
  metadata_request_read(&reader, newest->api_version, &request);
  ck_assert_int_ge(request.topic_count, 0); /* never all topics of the cluster */
  size_t size = 0;
  text[0] = '\0';
  for (int32_t i = 0; i < request.topic_count; i++) {
    struct metadata_request_topic topic;
    metadata_request_read_topic(&reader, newest->api_version, &topic);
    size += (size_t)snprintf(text + size, sizeof text - size, "%s%.*s", i > 0 ? " " : "",
                             (int)topic.name.size, (const char *)topic.name.data);
  }
  metadata_request_read_end(&reader, newest->api_version, &request);
  ck_assert(!reader.failed && wire_reader_left(&reader) == 0);
  if (request.allow_auto_topic_creation) snprintf(text + size, sizeof text - size, " +create");
  return text;
}

const char *cluster_world_asked_whom(const struct cluster_world *world) {
  const struct fake_broker_request *newest = fake_broker_newest(&world->network.broker, API_METADATA);
  ck_assert_ptr_nonnull(newest);
  return fake_transport_peer(world->network.transport, newest->connection);
}

void cluster_world_set_listening(struct cluster_world *world, bool brokers, bool bootstrap) {
  struct fake_transport *transport = world->network.transport;
  const char *const addresses[] = {"10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.9"};
  for (size_t i = 0; i < 4; i++)
    fake_transport_listen(transport, addresses[i], 9092,
                          (i < 3 ? brokers : bootstrap) ? FAKE_ACCEPTS : FAKE_REFUSES, 0);
  for (uint32_t i = 1; i <= fake_transport_connection_count(transport); i++)
    if (fake_transport_is_open(transport, i)) fake_transport_end(transport, i);
}

void cluster_world_begin_answer(struct cluster_world *world, int32_t topic_count) {
  const struct fake_broker_request *newest = fake_broker_newest(&world->network.broker, API_METADATA);
  ck_assert_ptr_nonnull(newest);
  metadata_answer_begin(&world->answer, newest->api_version, BROKERS, topic_count);
}

void cluster_world_answer(struct cluster_world *world, int16_t error_code) {
  ck_assert(world->cluster.request_open);
  struct bytes body = metadata_answer_end(&world->answer, error_code);
  fake_broker_answer(&world->network.broker, fake_broker_newest(&world->network.broker, API_METADATA), body);
  client_world_step(&world->network);
  ck_assert(!world->cluster.request_open);
}

void cluster_world_answer_topic(struct cluster_world *world, const char *name, int16_t topic_error,
                                const char *partitions) {
  cluster_world_begin_answer(world, 1);
  metadata_answer_topic(&world->answer, name, topic_error, 0x11, partitions);
  cluster_world_answer(world, STATUS_OK);
}

void cluster_world_become_known(struct cluster_world *world) {
  cluster_world_run(world, CLIENT_WORLD_MS);
  cluster_world_begin_answer(world, 0);
  cluster_world_answer(world, STATUS_OK);
  ck_assert(cluster_is_known(&world->cluster));
}

void cluster_world_expect(struct cluster_world *world, const char *news) {
  ck_assert_str_eq(world->news, news);
  world->news[0] = '\0';
}

uint32_t cluster_world_count_lines(const struct cluster_world *world, const char *part) {
  uint32_t count = 0;
  for (const char *at = world->lines; (at = strstr(at, part)) != NULL; at++)
    count++;
  return count;
}

static void enter(void *context) {
  struct cluster_world *world = context;
  ck_assert_int_eq(world->gate_depth++, 0);
}

static void leave(void *context) {
  struct cluster_world *world = context;
  ck_assert_int_eq(--world->gate_depth, 0);
}

static void keep_line(void *context, int32_t level, const char *line) {
  struct cluster_world *world = context;
  size_t size = strlen(world->lines);
  snprintf(world->lines + size, sizeof world->lines - size, "%d %s\n", level, line);
}

static void tell(struct cluster_world *world, const char *format, ...) {
  ck_assert_int_eq(world->gate_depth, 0); /* listeners are called without the lock */
  size_t size = strlen(world->news);
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(world->news + size, sizeof world->news - size, format, arguments);
  va_end(arguments);
}

static void on_leader(void *context, struct sender_topic *topic, int32_t partition) {
  tell(context, "leader:%s/%d=%d ", topic->topic->name, partition, cluster_leader(topic, partition).id);
}

static void on_partitions(void *context, struct sender_topic *topic, const struct cluster_answer *answer) {
  struct cluster_world *world = context;
  world->told_by = *answer;
  tell(context, "partitions:%s=%d ", topic->topic->name, topic->partition_count);
}

static void on_recreated(void *context, struct sender_topic *topic) {
  tell(context, "recreated:%s ", topic->topic->name);
}

static void on_topic_failed(void *context, struct sender_topic *topic, int32_t status, bool staged_only) {
  tell(context, "failed:%s=%s%s ", topic->topic->name, status_name(status), staged_only ? ":staged" : "");
}

static void on_described(void *context, const struct metadata_topic *topic, struct wire_reader partitions,
                         int16_t version) {
  for (int32_t i = 0; i < topic->partition_count; i++) {
    struct metadata_partition partition;
    metadata_response_read_partition(&partitions, version, &partition);
  }
  ck_assert(!partitions.failed);
  tell(context, "described:%.*s=%d ", (int)topic->name.size, (const char *)topic->name.data,
       topic->partition_count);
}
