#include "support/cluster_client.h"

#include "base/assertion.h"
#include "base/status.h"
#include "network/address.h"
#include "protocol/api.h"
#include <stdio.h>

enum { VERSION = 12, TIMEOUT_MS = 30000, CHUNK_BYTES = 4096, EVENTS_MAX = 16, HOST_BYTES = 24 };

static bool open_connection(struct cluster_client *client, int32_t node_id);
static void finish_connecting(struct cluster_client *client, int32_t node_id);
static void close_connection(struct cluster_client *client, int32_t node_id);
static void write_request(struct cluster_client *client, int16_t acks, const char *topic, int32_t partition,
                          struct bytes batch);
static void receive(struct cluster_client *client, int32_t node_id);
static void read_frames(struct cluster_client *client, int32_t node_id);
static void read_answer(struct cluster_client *client, struct bytes frame);

void cluster_client_init(struct cluster_client *client, struct model_cluster *cluster) {
  *client = (struct cluster_client){.cluster = cluster, .transport = fake_transport_base(cluster->transport)};
  for (int32_t id = 0; id <= CLUSTER_NODES_MAX; id++)
    client->sockets[id] = -1;
}

void cluster_client_deinit(struct cluster_client *client) {
  client->transport->operations->destroy(client->transport);
  wire_writer_deinit(&client->request);
  wire_writer_deinit(&client->batch);
  for (int32_t id = 0; id <= CLUSTER_NODES_MAX; id++)
    wire_writer_deinit(&client->input[id]);
}

int32_t cluster_client_send(struct cluster_client *client, int32_t node_id, int16_t acks, const char *topic,
                            int32_t partition, const struct batch_plan *plan) {
  int32_t number = ++client->last_number;
  ASSERT(number < CLUSTER_CLIENT_ANSWERS_MAX);
  wire_writer_reset(&client->batch);
  write_request(client, acks, topic, partition, batch_plan_write(plan, &client->batch));
  cluster_client_send_bytes(client, node_id, bytes_of(client->request.data, client->request.size));
  return number;
}

bool cluster_client_send_bytes(struct cluster_client *client, int32_t node_id, struct bytes bytes) {
  if (client->sockets[node_id] < 0 && !open_connection(client, node_id)) return false;
  struct transport_segment segment = {bytes.data, bytes.size};
  size_t count = 0;
  enum transport_outcome outcome =
      client->transport->operations->send(client->transport, client->sockets[node_id], &segment, 1, &count);
  if (outcome == TRANSPORT_DONE && count == bytes.size) return true;
  close_connection(client, node_id);
  return false;
}

void cluster_client_close(struct cluster_client *client, int32_t node_id) {
  if (client->sockets[node_id] >= 0) close_connection(client, node_id);
}

void cluster_client_run(struct cluster_client *client, int64_t duration_us) {
  struct fake_transport *fake = client->cluster->transport;
  int64_t end_us = fake_transport_now_us(fake) + duration_us;
  for (;;) {
    model_cluster_step(client->cluster);
    int64_t now_us = fake_transport_now_us(fake), until_us = model_cluster_next_us(client->cluster);
    if (until_us > end_us) until_us = end_us;
    struct transport_event events[EVENTS_MAX];
    uint32_t count =
        client->transport->operations->wait(client->transport, until_us - now_us, events, EVENTS_MAX);
    for (uint32_t index = 0; index < count; index++) {
      int32_t node_id = (int32_t)events[index].token;
      if (events[index].kind == TRANSPORT_WRITABLE) finish_connecting(client, node_id);
      if (events[index].kind == TRANSPORT_READABLE) receive(client, node_id);
    }
    if (count == 0 && fake_transport_now_us(fake) >= end_us &&
        model_cluster_next_us(client->cluster) > end_us)
      return;
  }
}

struct cluster_client_answer cluster_client_produce(struct cluster_client *client, int32_t node_id,
                                                    int16_t acks, const char *topic, int32_t partition,
                                                    const struct batch_plan *plan) {
  enum { STEP_US = 1000, STEPS_MAX = 60000 };
  int32_t number = cluster_client_send(client, node_id, acks, topic, partition, plan);
  for (int step = 0; step < STEPS_MAX && !client->answers[number].has_come; step++)
    cluster_client_run(client, STEP_US);
  ASSERT(client->answers[number].has_come); /* an answer came */
  return client->answers[number];
}

/* A node that is down refuses. */
static bool open_connection(struct cluster_client *client, int32_t node_id) {
  char host[HOST_BYTES], reason[128];
  struct address address;
  snprintf(host, sizeof host, "10.0.0.%d", (int)node_id);
  ASSERT(address_parse(host, CLUSTER_PORT, &address));
  const struct transport_operations *operations = client->transport->operations;
  int64_t *socket = &client->sockets[node_id];
  int32_t status = operations->connect(client->transport, &address, host, (uint64_t)node_id, socket, reason,
                                       sizeof reason);
  ASSERT(status == STATUS_OK);
  cluster_client_run(client, 1000); /* connecting takes less */
  return *socket >= 0;
}

static void finish_connecting(struct cluster_client *client, int32_t node_id) {
  char reason[128];
  const struct transport_operations *operations = client->transport->operations;
  int64_t socket = client->sockets[node_id];
  operations->want_write(client->transport, socket, false);
  if (operations->connected(client->transport, socket, reason, sizeof reason) != STATUS_OK)
    close_connection(client, node_id);
}

static void close_connection(struct cluster_client *client, int32_t node_id) {
  client->transport->operations->close(client->transport, client->sockets[node_id]);
  client->sockets[node_id] = -1;
  client->lost_connections++;
  wire_writer_reset(&client->input[node_id]);
}

static void write_request(struct cluster_client *client, int16_t acks, const char *topic, int32_t partition,
                          struct bytes batch) {
  struct request_header header = {.api_key = API_PRODUCE,
                                  .api_version = VERSION,
                                  .correlation_id = client->last_number,
                                  .client_id = bytes_of_string("client")};
  struct produce_request request = {.acks = acks, .timeout_ms = TIMEOUT_MS, .topic_count = 1};
  struct produce_request_topic named = {.name = bytes_of_string(topic), .partition_count = 1};
  struct produce_request_partition to = {.index = partition, .records_bytes = batch.size};
  struct wire_writer *writer = &client->request;
  wire_writer_reset(writer);
  request_header_write(writer, &header);
  produce_request_write(writer, VERSION, &request);
  produce_request_write_topic(writer, VERSION, &named);
  produce_request_write_partition(writer, VERSION, &to);
  wire_write_raw(writer, batch);
  produce_request_write_partition_end(writer, VERSION);
  produce_request_write_topic_end(writer, VERSION);
  produce_request_write_end(writer, VERSION);
  request_frame_finish(writer, 0);
  ASSERT(!writer->failed);
}

static void receive(struct cluster_client *client, int32_t node_id) {
  while (client->sockets[node_id] >= 0) {
    uint8_t *to = wire_reserve(&client->input[node_id], CHUNK_BYTES);
    size_t count = 0;
    ASSERT(to != NULL);
    enum transport_outcome outcome = client->transport->operations->receive(
        client->transport, client->sockets[node_id], to, CHUNK_BYTES, &count);
    client->input[node_id].size -= CHUNK_BYTES - count;
    read_frames(client, node_id);
    if (outcome == TRANSPORT_WOULD_BLOCK) return;
    if (outcome != TRANSPORT_DONE) close_connection(client, node_id);
  }
}

static void read_frames(struct cluster_client *client, int32_t node_id) {
  struct wire_writer *input = &client->input[node_id];
  size_t at = 0;
  while (input->size - at >= REQUEST_SIZE_BYTES) {
    size_t size = bytes_load_u32(input->data + at);
    if (input->size - at - REQUEST_SIZE_BYTES < size) break;
    struct bytes frame = bytes_of(input->data + at + REQUEST_SIZE_BYTES, size);
    if (client->on_frame != NULL) {
      client->on_frame(client->context, node_id, frame);
    } else {
      read_answer(client, frame);
    }
    at += REQUEST_SIZE_BYTES + size;
  }
  if (at == 0) return;
  memmove(input->data, input->data + at, input->size - at);
  input->size -= at;
}

static void read_answer(struct cluster_client *client, struct bytes frame) {
  struct wire_reader reader = wire_reader_of(frame);
  int32_t number = response_header_read(&reader, API_PRODUCE, VERSION);
  struct produce_response_topic topic;
  struct produce_response_partition partition;
  struct produce_response_end end;
  ASSERT(produce_response_read(&reader, VERSION) == 1);
  produce_response_read_topic(&reader, VERSION, &topic);
  produce_response_read_partition(&reader, VERSION, &partition);
  produce_response_read_topic_end(&reader, VERSION);
  produce_response_read_end(&reader, VERSION, &end);
  ASSERT(!reader.failed && number > 0 && number <= client->last_number);
  ASSERT(!client->answers[number].has_come);
  client->answers[number] =
      (struct cluster_client_answer){.has_come = true,
                                     .error_code = partition.error_code,
                                     .base_offset = partition.base_offset,
                                     .leader_id = partition.leader_id,
                                     .leader_epoch = partition.leader_epoch,
                                     .arrived_us = fake_transport_now_us(client->cluster->transport)};
}
