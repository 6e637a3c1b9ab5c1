#include "support/model_cluster.h"

#include "base/assertion.h"
#include "base/clock.h"
#include "base/status.h"
#include "broker/broker_state.h"
#include <stdio.h>
#include <stdlib.h>

enum { ADDRESS_BYTES = 24 };

static const int64_t WALL_MS = 1700000000000;

struct model_request {
  struct list link;
  int64_t due_us;
  uint32_t connection;
  int32_t node_id;
  size_t size;
  uint8_t bytes[];
};

static void on_accept(void *context, uint32_t connection, uint16_t port);
static void on_bytes(void *context, uint32_t connection, struct bytes bytes);
static void on_close(void *context, uint32_t connection);
static void receive(struct model_cluster *cluster, uint32_t connection, struct bytes frame);
static void handle(struct model_cluster *cluster, const struct model_request *request);
static void answer(struct model_cluster *cluster, const struct model_request *request);
static void set_listening(struct model_cluster *cluster, int32_t node_id, bool is_up);
static struct model_request *request_of(struct list *link);

void model_cluster_init(struct model_cluster *cluster, const struct broker_settings *settings,
                        uint32_t node_count, int64_t now_us) {
  ASSERT(node_count > 0 && node_count <= CLUSTER_NODES_MAX);
  *cluster =
      (struct model_cluster){.node_count = node_count, .request_delay_us = 500, .response_delay_us = 500};
  list_init(&cluster->requests);
  struct broker_settings usual;
  broker_settings_init(&usual);
  int32_t status = broker_model_create(settings != NULL ? settings : &usual, &cluster->model);
  ASSERT(status == STATUS_OK);
  struct fake_server server = {
      .on_accept = on_accept, .on_bytes = on_bytes, .on_close = on_close, .context = cluster};
  cluster->transport = fake_transport_create(now_us, &server);
  for (int32_t id = 1; id <= (int32_t)node_count; id++) {
    char host[ADDRESS_BYTES];
    snprintf(host, sizeof host, "10.0.0.%d", (int)id);
    status = broker_model_set_node(cluster->model, id, host, CLUSTER_PORT);
    ASSERT(status == STATUS_OK);
    cluster->nodes[id].is_up = true;
    set_listening(cluster, id, true);
  }
}

void model_cluster_deinit(struct model_cluster *cluster) {
  while (!list_is_empty(&cluster->requests)) {
    struct model_request *request = request_of(cluster->requests.next);
    list_remove(&request->link);
    free(request);
  }
  wire_writer_deinit(&cluster->answer);
  broker_model_destroy(cluster->model);
}

int64_t model_cluster_wall_ms(const struct model_cluster *cluster) {
  return WALL_MS + fake_transport_now_us(cluster->transport) / 1000;
}

int64_t model_cluster_next_us(const struct model_cluster *cluster) {
  for (struct list *link = cluster->requests.next; link != &cluster->requests; link = link->next)
    if (!cluster->nodes[request_of(link)->node_id].is_frozen) return request_of(link)->due_us;
  return CLOCK_NEVER_US;
}

void model_cluster_step(struct model_cluster *cluster) {
  int64_t now_us = fake_transport_now_us(cluster->transport);
  for (struct list *link = cluster->requests.next, *next; link != &cluster->requests; link = next) {
    struct model_request *request = request_of(link);
    next = link->next;
    if (request->due_us > now_us) return;
    if (cluster->nodes[request->node_id].is_frozen) continue;
    list_remove(link);
    bool is_closed = cluster->connections[request->connection].is_closed;
    if (is_closed) cluster->stragglers++;
    if (!is_closed || !cluster->forgets_closed) handle(cluster, request);
    free(request);
  }
}

void model_cluster_kill(struct model_cluster *cluster, int32_t node_id) {
  cluster->nodes[node_id] = (struct model_node){.is_up = false};
  set_listening(cluster, node_id, false);
  for (struct list *link = cluster->requests.next, *next; link != &cluster->requests; link = next) {
    struct model_request *request = request_of(link);
    next = link->next;
    if (request->node_id != node_id) continue;
    list_remove(link);
    free(request);
  }
  model_cluster_cut(cluster, node_id);
}

void model_cluster_start(struct model_cluster *cluster, int32_t node_id) {
  cluster->nodes[node_id].is_up = true;
  set_listening(cluster, node_id, true);
}

void model_cluster_freeze(struct model_cluster *cluster, int32_t node_id, bool frozen) {
  cluster->nodes[node_id].is_frozen = frozen;
}

void model_cluster_cut(struct model_cluster *cluster, int32_t node_id) {
  for (uint32_t i = 1; i <= fake_transport_connection_count(cluster->transport); i++) {
    const struct model_connection *connection = &cluster->connections[i];
    if (connection->node_id == 0 || connection->is_closed) continue;
    if (node_id == 0 || connection->node_id == node_id) fake_transport_break(cluster->transport, i);
  }
}

void model_cluster_lead(struct model_cluster *cluster, const char *topic, int32_t partition,
                        int32_t node_id) {
  struct broker_topic *found = broker_topics_find(&cluster->model->topics, bytes_of_string(topic));
  ASSERT(found != NULL);
  const struct broker_partition *moved = broker_topic_partition(found, partition);
  ASSERT(moved != NULL);
  broker_model_set_leader(cluster->model, topic, partition, node_id, moved->leader_epoch + 1);
}

uint32_t model_cluster_open(const struct model_cluster *cluster, int32_t node_id, uint32_t *connections,
                            uint32_t capacity) {
  uint32_t count = 0;
  for (uint32_t i = fake_transport_connection_count(cluster->transport); i > 0 && count < capacity; i--)
    if (cluster->connections[i].node_id == node_id && !cluster->connections[i].is_closed)
      connections[count++] = i;
  return count;
}

static void on_accept(void *context, uint32_t connection, uint16_t port) {
  struct model_cluster *cluster = context;
  ASSERT(port == CLUSTER_PORT && connection <= CLUSTER_CONNECTIONS_MAX);
  const char *peer = fake_transport_peer(cluster->transport, connection);
  int32_t node_id = (int32_t)strtol(peer + strlen("10.0.0."), NULL, 10);
  ASSERT(node_id >= 1 && node_id <= (int32_t)cluster->node_count);
  cluster->connections[connection] = (struct model_connection){.node_id = node_id};
}

static void on_bytes(void *context, uint32_t connection, struct bytes bytes) {
  (void)bytes;
  struct model_cluster *cluster = context;
  struct model_connection *to = &cluster->connections[connection];
  struct bytes written = fake_transport_written(cluster->transport, connection);
  while (written.size - to->parsed_bytes >= REQUEST_SIZE_BYTES) {
    const uint8_t *at = written.data + to->parsed_bytes;
    size_t size = bytes_load_u32(at);
    if (written.size - to->parsed_bytes - REQUEST_SIZE_BYTES < size) return;
    to->parsed_bytes += REQUEST_SIZE_BYTES + size;
    receive(cluster, connection, bytes_of(at + REQUEST_SIZE_BYTES, size));
  }
}

static void on_close(void *context, uint32_t connection) {
  struct model_cluster *cluster = context;
  cluster->connections[connection].is_closed = true;
}

/* Behind all that are due at the same time or before. */
static void receive(struct model_cluster *cluster, uint32_t connection, struct bytes frame) {
  struct model_connection *from = &cluster->connections[connection];
  if (!cluster->nodes[from->node_id].is_up) return;
  struct model_request *request = malloc(sizeof *request + frame.size);
  ASSERT(request != NULL);
  int64_t due_us = fake_transport_now_us(cluster->transport) + cluster->request_delay_us;
  if (due_us < from->last_due_us) due_us = from->last_due_us;
  from->last_due_us = due_us;
  *request = (struct model_request){
      .due_us = due_us, .connection = connection, .node_id = from->node_id, .size = frame.size};
  memcpy(request->bytes, frame.data, frame.size);
  struct list *before = &cluster->requests;
  while (before->previous != &cluster->requests && request_of(before->previous)->due_us > due_us)
    before = before->previous;
  list_insert_before(before, &request->link);
}

static void handle(struct model_cluster *cluster, const struct model_request *request) {
  wire_writer_reset(&cluster->answer);
  cluster->model->settings.node_id = request->node_id; /* whom this connection speaks to */
  int64_t wait_ms;
  enum broker_answer outcome =
      broker_model_handle(cluster->model, model_cluster_wall_ms(cluster),
                          bytes_of(request->bytes, request->size), true, &cluster->answer, &wait_ms);
  struct model_connection *connection = &cluster->connections[request->connection];
  if (outcome == BROKER_ANSWER_STALL) connection->is_stalled = true;
  if (connection->is_closed || connection->is_stalled) return;
  if (outcome == BROKER_ANSWER_SEND) answer(cluster, request);
  if (outcome == BROKER_ANSWER_CUT) fake_transport_reset(cluster->transport, request->connection);
}

static void answer(struct model_cluster *cluster, const struct model_request *request) {
  if (cluster->tamper != NULL) {
    struct wire_reader reader = wire_reader_of(bytes_of(request->bytes, request->size));
    struct request_header header;
    request_header_read(&reader, &header);
    cluster->tamper(cluster->context, &header, &cluster->answer);
  }
  fake_transport_deliver_after(cluster->transport, request->connection,
                               bytes_of(cluster->answer.data, cluster->answer.size),
                               cluster->response_delay_us);
}

static void set_listening(struct model_cluster *cluster, int32_t node_id, bool is_up) {
  char host[ADDRESS_BYTES];
  snprintf(host, sizeof host, "10.0.0.%d", (int)node_id);
  fake_transport_listen(cluster->transport, host, CLUSTER_PORT, is_up ? FAKE_ACCEPTS : FAKE_REFUSES, 200);
}

static struct model_request *request_of(struct list *link) {
  return LIST_ENTRY(link, struct model_request, link);
}
