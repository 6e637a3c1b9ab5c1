#include "support/dispatch_world.h"

#include "accumulator/accumulator_check.h"
#include "base/status.h"
#include "protocol/init_producer_id.h"
#include "protocol/produce.h"
#include <check.h>
#include <stdio.h>
#include <stdlib.h>

enum { ROUNDS_AT_THE_END = 12, ID_OF_FIRST_TOPIC = 0x40 };

static void enter(void *context);
static void leave(void *context);
static void drop_line(void *context, int32_t level, const char *line);
static void take_settled(void *context, struct batch *batch);
static void ignore_throttling(void *context, int32_t broker, int32_t throttle_ms);
static void look_at_requests(struct dispatch_world *world);
static bool waits_behind(const struct dispatch_world *world, const struct fake_broker_request *request);
static void answer_metadata(struct dispatch_world *world, const struct fake_broker_request *request);
static int32_t node_of(const struct dispatch_world *world, const struct fake_broker_request *request);
static void answer_identity(struct dispatch_world *world, const struct fake_broker_request *request);
static void take_produce(struct dispatch_world *world, const struct fake_broker_request *request);
static void take_part(struct dispatch_request *taken, int topic,
                      const struct produce_request_partition *partition);
static void answer_parts(struct dispatch_world *world, uint32_t request, int16_t error_code,
                         int32_t leader_id, int32_t leader_epoch);

void dispatch_world_init(struct dispatch_world *world) {
  const int64_t s = CLIENT_WORLD_S;
  *world = (struct dispatch_world){.next_producer_id = 1000,
                                   .brokers = "1=10.0.0.1:9092 2=10.0.0.2:9092 3=10.0.0.3:9092"};
  client_world_init(&world->network);
  world->network.settings.on_connection = NULL;
  for (int i = 1; i <= 3; i++) {
    char address[32];
    snprintf(address, sizeof address, "10.0.0.%d", i);
    fake_transport_listen(world->network.transport, address, 9092, FAKE_ACCEPTS, 0);
  }
  world->gate = (struct gate){.enter = enter, .leave = leave, .context = world};
  world->log = (struct log){.level = LOG_LEVEL_ERROR, .sink = drop_line};
  world->memory = (struct accumulator_settings){
      .buffer_bytes = 1 << 20,
      .partition_bytes = 1 << 20,
      .batch_bytes = DISPATCH_BATCH_BYTES,
      .batch_records = 10,
      .max_request_bytes = 64 * 1024,
      .partitioner = {.is_adaptive = true, .sticky_bytes = DISPATCH_BATCH_BYTES},
      .sender_topic_bytes = sizeof(struct sender_topic),
      .sender_partition_bytes = sizeof(struct sender_partition),
      .seed = 1,
  };
  world->settings = (struct sender_settings){
      .client_id = bytes_of_string("test"),
      .idempotent = true,
      .max_in_flight = 5,
      .retries = INT32_MAX,
      .max_request_bytes = 64 * 1024,
      .request_timeout_us = 30 * s,
      .retry_backoff_us = s / 10,
      .retry_backoff_max_us = s,
      .cluster = {.max_age_us = 300 * s,
                  .max_idle_us = 300 * s,
                  .propagation_max_us = 30 * s,
                  .rebootstrap_trigger_us = 300 * s,
                  .rebootstrap = true},
      .seed = 1,
      .log = &world->log,
  };
}

void dispatch_world_start(struct dispatch_world *world) {
  world->network.settings.max_in_flight = world->settings.max_in_flight;
  client_world_start(&world->network, "10.0.0.1:9092");
  ck_assert_int_eq(accumulator_init(&world->accumulator, &world->memory), STATUS_OK);
  const struct sender_listener listener = {
      .context = world, .on_settled = take_settled, .on_throttled = ignore_throttling};
  ck_assert_int_eq(sender_create(&world->settings, &listener, &world->accumulator, world->network.client,
                                 &world->gate, dispatch_world_now_us(world), &world->sender),
                   STATUS_OK);
}

void dispatch_world_deinit(struct dispatch_world *world) {
  sender_abort(world->sender, dispatch_world_now_us(world));
  client_world_deinit(&world->network);
  sender_publish(world->sender);
  sender_destroy(world->sender);
  uint64_t reported = 0;
  for (int i = 0; i <= OUTCOME_UNKNOWN; i++)
    reported += world->reported[i];
  ck_assert_uint_eq(reported, world->accumulator.totals.accepted);
  ck_assert_uint_eq(buffer_pool_used_bytes(world->accumulator.pool), 0);
  accumulator_deinit(&world->accumulator);
  metadata_answer_deinit(&world->answer);
  for (uint32_t i = 0; i < world->request_count; i++)
    for (uint32_t p = 0; p < world->requests[i].part_count; p++)
      free((void *)(uintptr_t)world->requests[i].parts[p].batch.data);
}

int64_t dispatch_world_now_us(const struct dispatch_world *world) {
  return client_world_now_us(&world->network);
}

void dispatch_world_run(struct dispatch_world *world, int64_t duration_us) {
  int64_t end_us = dispatch_world_now_us(world) + duration_us;
  for (int left = ROUNDS_AT_THE_END; left > 0;) {
    int64_t now_us = dispatch_world_now_us(world);
    if (now_us >= end_us) left--;
    int64_t deadline_us = sender_step(world->sender, now_us);
    accumulator_check(&world->accumulator);
    look_at_requests(world);
    network_client_poll(world->network.client, now_us, deadline_us < end_us ? deadline_us : end_us,
                        fake_transport_clock_us, world->network.transport);
    look_at_requests(world);
  }
  sender_publish(world->sender);
}

struct topic *dispatch_world_topic(struct dispatch_world *world, int index, int16_t acks) {
  const struct topic_options options = {.acks = acks, .delivery_timeout_us = 120 * (int64_t)CLIENT_WORLD_S};
  const char name[] = {'t', (char)('0' + index)};
  struct topic *topic;
  ck_assert_int_eq(accumulator_topic(&world->accumulator, bytes_of(name, sizeof name), &options, &topic),
                   STATUS_OK);
  return topic;
}

void dispatch_world_append(struct dispatch_world *world, struct topic *topic, int32_t partition,
                           uint32_t record_count, size_t value_bytes) {
  static const uint8_t value[64 * 1024];
  ck_assert_uint_le(value_bytes, sizeof value);
  for (uint32_t i = 0; i < record_count; i++) {
    char number[16];
    snprintf(number, sizeof number, "%08u", world->next_number);
    const struct record_header header = {.key = bytes_of_string("number"), .value = bytes_of_string(number)};
    const struct append append = {
        .topic = topic,
        .partition = partition,
        .record = {.value = bytes_of(value, value_bytes), .headers = &header, .header_count = 1},
        .opaque = world->next_number++};
    ck_assert_int_eq(accumulator_append(&world->accumulator, &append, dispatch_world_now_us(world)),
                     STATUS_OK);
  }
}

void dispatch_world_warm(struct dispatch_world *world, struct topic *topic, int32_t partition_count) {
  for (int32_t i = 0; i < partition_count; i++)
    dispatch_world_append(world, topic, i, 1, 10);
  dispatch_world_settle(world);
  world->next_number = 0;
  for (uint32_t i = 0; i < world->request_count; i++)
    for (uint32_t p = 0; p < world->requests[i].part_count; p++)
      free((void *)(uintptr_t)world->requests[i].parts[p].batch.data);
  world->request_count = 0;
}

void dispatch_world_answer(struct dispatch_world *world, uint32_t request, int16_t error_code) {
  answer_parts(world, request, error_code, -1, -1);
}

void dispatch_world_answer_leader(struct dispatch_world *world, uint32_t request, int32_t leader_id,
                                  int32_t leader_epoch) {
  answer_parts(world, request, STATUS_NOT_LEADER_OR_FOLLOWER, leader_id, leader_epoch);
}

void dispatch_world_settle(struct dispatch_world *world) {
  int64_t end_us = dispatch_world_now_us(world) + 10 * (int64_t)CLIENT_WORLD_S;
  while (dispatch_world_now_us(world) < end_us &&
         accumulator_oldest_number(&world->accumulator) != UINT64_MAX) {
    dispatch_world_run(world, 10 * CLIENT_WORLD_MS);
    for (uint32_t i = 0; i < world->request_count; i++)
      if (!world->requests[i].answered) dispatch_world_answer(world, i, STATUS_OK);
    sender_publish(world->sender);
  }
}

const char *dispatch_world_describe(const struct dispatch_world *world, uint32_t request) {
  static char text[512];
  ck_assert_uint_lt(request, world->request_count);
  const struct dispatch_request *described = &world->requests[request];
  size_t size = (size_t)snprintf(text, sizeof text, "%d:", described->node_id);
  for (uint32_t i = 0; i < described->part_count; i++) {
    const struct dispatch_part *part = &described->parts[i];
    size += (size_t)snprintf(text + size, sizeof text - size, " t%d/%d@%d", part->topic, part->partition,
                             part->base_sequence);
  }
  return text;
}

static void enter(void *context) {
  struct dispatch_world *world = context;
  ck_assert_int_eq(world->gate_depth++, 0);
}

static void leave(void *context) {
  struct dispatch_world *world = context;
  ck_assert_int_eq(--world->gate_depth, 0);
}

static void drop_line(void *context, int32_t level, const char *line) {
  (void)context, (void)level, (void)line;
}

static void take_settled(void *context, struct batch *batch) {
  struct dispatch_world *world = context;
  for (uint32_t i = 0; i < batch->record_count; i++) {
    struct report report;
    batch_report(batch, i, &report);
    world->reported[batch->outcome]++;
    if (batch->outcome == OUTCOME_DELIVERED) world->reported_numbers += report.opaque;
  }
  batch->reported = true;
  if (!batch->in_network) accumulator_release(&world->accumulator, batch);
}

static void ignore_throttling(void *context, int32_t broker, int32_t throttle_ms) {
  (void)context, (void)broker, (void)throttle_ms;
}

static void look_at_requests(struct dispatch_world *world) {
  for (; world->seen_count < world->network.broker.request_count; world->seen_count++) {
    const struct fake_broker_request *request = &world->network.broker.requests[world->seen_count];
    if (request->api_key == API_PRODUCE) take_produce(world, request);
    bool identity = request->api_key == API_INIT_PRODUCER_ID && !world->holds_identity;
    bool metadata = request->api_key == API_METADATA && !world->holds_metadata;
    world->owed[world->seen_count] = identity || metadata;
  }
  for (uint32_t i = 0; i < world->seen_count; i++) {
    const struct fake_broker_request *request = &world->network.broker.requests[i];
    if (!world->owed[i] || waits_behind(world, request)) continue;
    world->owed[i] = false;
    if (!fake_transport_is_open(world->network.transport, request->connection)) continue;
    if (request->api_key == API_METADATA)
      answer_metadata(world, request);
    else
      answer_identity(world, request);
  }
}

/* Brokers answer each connection in order. */
static bool waits_behind(const struct dispatch_world *world, const struct fake_broker_request *request) {
  for (uint32_t i = 0; i < world->request_count; i++) {
    const struct fake_broker_request *produce = &world->requests[i].received;
    if (!world->requests[i].answered && world->requests[i].acks != 0 &&
        produce->connection == request->connection && produce->at < request->at)
      return true;
  }
  return false;
}

static void answer_metadata(struct dispatch_world *world, const struct fake_broker_request *request) {
  int32_t node_id = node_of(world, request);
  world->metadata_count[node_id]++;
  metadata_answer_begin(&world->answer, request->api_version, world->brokers, DISPATCH_TOPICS_MAX);
  for (int i = 0; i < DISPATCH_TOPICS_MAX; i++) {
    const char name[] = {'t', (char)('0' + i), '\0'};
    const char *partitions = world->partitions[i];
    if (i == 0 && node_id == world->believer_id && world->believed != NULL) partitions = world->believed;
    bool known = partitions != NULL;
    metadata_answer_topic(&world->answer, name, known ? STATUS_OK : STATUS_UNKNOWN_TOPIC_OR_PARTITION,
                          (uint8_t)(world->tells_no_ids ? 0 : ID_OF_FIRST_TOPIC + i),
                          known ? partitions : "");
  }
  fake_broker_answer(&world->network.broker, request, metadata_answer_end(&world->answer, STATUS_OK));
}

static int32_t node_of(const struct dispatch_world *world, const struct fake_broker_request *request) {
  return fake_transport_peer(world->network.transport, request->connection)[7] - '0';
}

static void answer_identity(struct dispatch_world *world, const struct fake_broker_request *request) {
  struct wire_writer body = {.data = NULL};
  init_producer_id_response_write(
      &body, request->api_version,
      &(struct init_producer_id_response){.producer_id = world->next_producer_id++});
  fake_broker_answer(&world->network.broker, request, bytes_of(body.data, body.size));
  wire_writer_deinit(&body);
}

static void take_produce(struct dispatch_world *world, const struct fake_broker_request *request) {
  ck_assert_uint_lt(world->request_count, DISPATCH_REQUESTS_MAX);
  struct dispatch_request *taken = &world->requests[world->request_count++];
  *taken = (struct dispatch_request){.received = *request};
  taken->node_id = node_of(world, request);
  struct wire_reader reader = fake_broker_body(&world->network.broker, request);
  struct produce_request read;
  produce_request_read(&reader, request->api_version, &read);
  taken->acks = read.acks;
  for (int32_t t = 0; t < read.topic_count; t++) {
    struct produce_request_topic topic;
    produce_request_read_topic(&reader, request->api_version, &topic);
    int index =
        request->api_version >= 13 ? topic.id.octets[0] - ID_OF_FIRST_TOPIC : topic.name.data[1] - '0';
    for (int32_t p = 0; p < topic.partition_count; p++) {
      struct produce_request_partition partition;
      produce_request_read_partition(&reader, request->api_version, &partition);
      ck_assert(!reader.failed);
      take_part(taken, index, &partition);
    }
    produce_request_read_topic_end(&reader, request->api_version);
  }
  produce_request_read_end(&reader, request->api_version);
  ck_assert(!reader.failed && wire_reader_left(&reader) == 0);
}

static void take_part(struct dispatch_request *taken, int topic,
                      const struct produce_request_partition *partition) {
  ck_assert_uint_lt(taken->part_count, DISPATCH_PARTS_MAX);
  struct record_batch_header header;
  size_t batch_bytes;
  ck_assert_int_eq(record_batch_read(partition->records, &header, &batch_bytes), RECORD_BATCH_VALID);
  ck_assert_uint_eq(batch_bytes, partition->records.size);
  struct wire_reader records = wire_reader_of(
      bytes_of(partition->records.data + RECORD_BATCH_HEADER_BYTES, batch_bytes - RECORD_BATCH_HEADER_BYTES));
  struct record_view record;
  record_read(&records, &record);
  struct record_header number;
  record_read_header(&record.headers, &number);
  ck_assert(!records.failed && !record.headers.failed);
  uint8_t *copy = malloc(batch_bytes);
  memcpy(copy, partition->records.data, batch_bytes);
  taken->batch_bytes += batch_bytes;
  taken->parts[taken->part_count++] =
      (struct dispatch_part){.topic = topic,
                             .partition = partition->index,
                             .batch = bytes_of(copy, batch_bytes),
                             .producer_id = header.producer_id,
                             .producer_epoch = header.producer_epoch,
                             .base_sequence = header.base_sequence,
                             .record_count = header.record_count,
                             .first_number = (uint32_t)strtoul((const char *)number.value.data, NULL, 10)};
}

static void answer_parts(struct dispatch_world *world, uint32_t request, int16_t error_code,
                         int32_t leader_id, int32_t leader_epoch) {
  ck_assert_uint_lt(request, world->request_count);
  struct dispatch_request *taken = &world->requests[request];
  ck_assert(!taken->answered && !waits_behind(world, &taken->received));
  taken->answered = true;
  int16_t version = taken->received.api_version;
  struct wire_writer body = {.data = NULL};
  produce_response_write(&body, version, (int32_t)taken->part_count);
  for (uint32_t i = 0; i < taken->part_count; i++) {
    const char name[] = {'t', (char)('0' + taken->parts[i].topic), '\0'};
    struct produce_response_topic topic = {.name = bytes_of_string(name), .partition_count = 1};
    memset(topic.id.octets, ID_OF_FIRST_TOPIC + taken->parts[i].topic, sizeof topic.id.octets);
    produce_response_write_topic(&body, version, &topic);
    const struct produce_response_partition partition = {.index = taken->parts[i].partition,
                                                         .error_code = error_code,
                                                         .base_offset = 7,
                                                         .log_append_time_ms = -1,
                                                         .leader_id = leader_id,
                                                         .leader_epoch = leader_epoch};
    produce_response_write_partition(&body, version, &partition, NULL);
    produce_response_write_topic_end(&body, version);
  }
  produce_response_write_end(&body, version, &(struct produce_response_end){.throttle_ms = 0}, NULL);
  ck_assert(!body.failed);
  fake_broker_answer(&world->network.broker, &taken->received, bytes_of(body.data, body.size));
  wire_writer_deinit(&body);
  client_world_step(&world->network);
}
