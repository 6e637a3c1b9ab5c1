#include "support/model_world.h"

#include "base/assertion.h"
#include "base/status.h"
#include "protocol/wire.h"
#include <stdlib.h>
#include <string.h>

enum { FRAME_SIZE_BYTES = 4, VALUE_BYTES_MAX = 1 << 20 };

static const struct log silent = {.level = -1};

static void take_bytes(void *context, uint32_t connection, struct bytes bytes);
static void take_request(struct model_world *world, uint32_t connection, struct bytes request);
static void take_settled(void *context, struct batch *batch);
static void ignore_throttling(void *context, int32_t broker, int32_t throttle_ms);

static void do_nothing(void *context) {
  (void)context;
}

void model_world_init(struct model_world *world) {
  *world = (struct model_world){.model = NULL};
  world->memory = (struct accumulator_settings){
      .buffer_bytes = 4 << 20,
      .partition_bytes = 4 << 20,
      .batch_bytes = 64 << 10,
      .batch_records = UINT32_MAX,
      .max_request_bytes = 1 << 20,
      .partitioner = {.is_adaptive = true, .sticky_bytes = 64 << 10},
      .sender_topic_bytes = sizeof(struct sender_topic),
      .sender_partition_bytes = sizeof(struct sender_partition),
      .seed = 1,
  };
  world->settings = (struct sender_settings){
      .client_id = bytes_of_string("test"),
      .idempotent = true,
      .max_in_flight = 5,
      .retries = INT32_MAX,
      .max_request_bytes = 1 << 20,
      .request_timeout_us = 30 * (int64_t)MODEL_WORLD_S,
      .retry_backoff_us = 100 * MODEL_WORLD_MS,
      .retry_backoff_max_us = MODEL_WORLD_S,
      .cluster = {.max_age_us = 300 * (int64_t)MODEL_WORLD_S,
                  .max_idle_us = 300 * (int64_t)MODEL_WORLD_S,
                  .propagation_max_us = 30 * (int64_t)MODEL_WORLD_S,
                  .rebootstrap_trigger_us = 300 * (int64_t)MODEL_WORLD_S,
                  .rebootstrap = true},
      .seed = 2,
      .log = &silent,
  };
  struct broker_settings broker;
  broker_settings_init(&broker);
  int32_t status = broker_model_create(&broker, &world->model);
  ASSERT(status == STATUS_OK);
  status = broker_model_set_node(world->model, 1, "10.0.0.1", 9092);
  ASSERT(status == STATUS_OK);
  const struct fake_server server = {.on_bytes = take_bytes, .context = world};
  world->transport = fake_transport_create(MODEL_WORLD_S, &server);
  fake_transport_listen(world->transport, "10.0.0.1", 9092, FAKE_ACCEPTS, 0);
}

void model_world_start(struct model_world *world) {
  const struct network_client_settings network = {
      .client_id = bytes_of_string("test"),
      .software_name = bytes_of_string("sendoff"),
      .software_version = bytes_of_string("1.0.0"),
      .max_in_flight = world->settings.max_in_flight,
      .request_timeout_us = world->settings.request_timeout_us,
      .connection_setup_timeout_us = 10 * (int64_t)MODEL_WORLD_S,
      .connection_setup_timeout_max_us = 30 * (int64_t)MODEL_WORLD_S,
      .reconnect_backoff_us = 50 * MODEL_WORLD_MS,
      .reconnect_backoff_max_us = MODEL_WORLD_S,
      .connections_max_idle_us = -1,
      .receive_message_max_bytes = 100 * 1000 * 1000,
      .seed = 3,
  };
  const struct broker_address bootstrap = {.node_id = -1, .host = bytes_of_string("10.0.0.1"), .port = 9092};
  int32_t status =
      network_client_create(&network, fake_transport_base(world->transport), &bootstrap, 1, &world->client);
  ASSERT(status == STATUS_OK);
  status = accumulator_init(&world->accumulator, &world->memory);
  ASSERT(status == STATUS_OK);
  const struct sender_listener listener = {
      .context = world, .on_settled = take_settled, .on_throttled = ignore_throttling};
  const struct gate gate = {.enter = do_nothing, .leave = do_nothing};
  status = sender_create(&world->settings, &listener, &world->accumulator, world->client, &gate,
                         model_world_now_us(world), &world->sender);
  ASSERT(status == STATUS_OK);
}

void model_world_deinit(struct model_world *world) {
  sender_abort(world->sender, model_world_now_us(world));
  network_client_destroy(world->client);
  sender_publish(world->sender);
  sender_destroy(world->sender);
  accumulator_deinit(&world->accumulator);
  broker_model_destroy(world->model);
  for (uint32_t i = 0; i < MODEL_WORLD_CONNECTIONS_MAX; i++)
    free(world->input[i].data);
}

int64_t model_world_now_us(const struct model_world *world) {
  return fake_transport_now_us(world->transport);
}

void model_world_run(struct model_world *world, int64_t duration_us) {
  int64_t end_us = model_world_now_us(world) + duration_us;
  do {
    int64_t now_us = model_world_now_us(world);
    int64_t deadline_us = sender_step(world->sender, now_us);
    network_client_poll(world->client, now_us, deadline_us < end_us ? deadline_us : end_us,
                        fake_transport_clock_us, world->transport);
  } while (model_world_now_us(world) < end_us);
  sender_publish(world->sender);
}

struct topic *model_world_topic(struct model_world *world, const char *name) {
  const struct topic_options options = {.acks = -1, .delivery_timeout_us = 120 * (int64_t)MODEL_WORLD_S};
  struct topic *topic;
  int32_t status = accumulator_topic(&world->accumulator, bytes_of_string(name), &options, &topic);
  ASSERT(status == STATUS_OK);
  return topic;
}

void model_world_append(struct model_world *world, struct topic *topic, int32_t partition,
                        size_t value_bytes) {
  static uint8_t value[VALUE_BYTES_MAX];
  ASSERT(value_bytes <= sizeof value);
  const struct append append = {
      .topic = topic, .partition = partition, .record = {.value = bytes_of(value, value_bytes)}};
  int32_t status = accumulator_append(&world->accumulator, &append, model_world_now_us(world));
  ASSERT(status == STATUS_OK);
}

/* Cuts what arrives into requests. */
static void take_bytes(void *context, uint32_t connection, struct bytes bytes) {
  struct model_world *world = context;
  ASSERT(connection < MODEL_WORLD_CONNECTIONS_MAX);
  uint8_t *data = realloc(world->input[connection].data, world->input[connection].size + bytes.size);
  ASSERT(data != NULL);
  memcpy(data + world->input[connection].size, bytes.data, bytes.size);
  world->input[connection].data = data;
  world->input[connection].size += bytes.size;
  size_t at = 0;
  while (world->input[connection].size - at >= FRAME_SIZE_BYTES) {
    struct wire_reader reader = wire_reader_of(bytes_of(data + at, FRAME_SIZE_BYTES));
    size_t size = (size_t)wire_read_int32(&reader);
    if (world->input[connection].size - at - FRAME_SIZE_BYTES < size) break;
    take_request(world, connection, bytes_of(data + at + FRAME_SIZE_BYTES, size));
    at += FRAME_SIZE_BYTES + size;
  }
  world->input[connection].size -= at;
  memmove(data, data + at, world->input[connection].size);
}

static void take_request(struct model_world *world, uint32_t connection, struct bytes request) {
  if (world->input[connection].stalled) return;
  struct wire_writer response = {.data = NULL};
  int64_t wait_ms;
  int64_t now_ms = model_world_now_us(world) / MODEL_WORLD_MS;
  switch (broker_model_handle(world->model, now_ms, request, true, &response, &wait_ms)) {
  case BROKER_ANSWER_SEND:
    fake_transport_deliver(world->transport, connection, bytes_of(response.data, response.size));
    break;
  case BROKER_ANSWER_NONE: break;
  case BROKER_ANSWER_WAIT:
  case BROKER_ANSWER_DELAY: ASSERT(false); break; /* neither consumers nor replicas here */
  case BROKER_ANSWER_STALL: world->input[connection].stalled = true; break;
  case BROKER_ANSWER_CUT:
    world->input[connection].stalled = true;
    fake_transport_reset(world->transport, connection);
    break;
  }
  wire_writer_deinit(&response);
}

static void take_settled(void *context, struct batch *batch) {
  struct model_world *world = context;
  world->reported[batch->outcome] += batch->record_count;
  world->last_status = batch->status;
  batch->reported = true;
  if (!batch->in_network) accumulator_release(&world->accumulator, batch);
}

static void ignore_throttling(void *context, int32_t broker, int32_t throttle_ms) {
  (void)context, (void)broker, (void)throttle_ms;
}
