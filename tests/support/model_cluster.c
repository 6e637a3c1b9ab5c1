#include "support/model_cluster.h"

#include "base/assertion.h"
#include "base/clock.h"
#include "base/status.h"
#include "support/cluster_controller.h"
#include "support/cluster_replication.h"
#include "support/delayed_answers.h"
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
static void create_topic(void *context, struct bytes name, int32_t partition_count);
static void prepare(struct model_cluster *cluster, uint32_t node_count, int64_t now_us);
static void name_nodes(struct model_cluster *cluster, struct broker_model *model);
static void sync_clock(struct model_cluster *cluster);
static struct cluster_partition *partition_of(const struct model_cluster *cluster, const char *topic,
                                              int32_t partition);
static void set_reachable(struct model_cluster *cluster, int32_t node_id);
static void receive(struct model_cluster *cluster, uint32_t connection, struct bytes frame);
static void take(struct model_cluster *cluster, struct model_request *request);
static bool handle(struct model_cluster *cluster, struct model_request *request);
static void finish_delayed(struct model_cluster *cluster);
static void answer(struct model_cluster *cluster, const struct model_request *request);
static void drop_requests(struct model_cluster *cluster, int32_t node_id);
static void free_requests(struct list *requests);
static void set_listening(struct model_cluster *cluster, int32_t node_id, bool is_up);
static struct model_request *request_of(struct list *link);

void model_cluster_init(struct model_cluster *cluster, const struct broker_settings *settings,
                        uint32_t node_count, int64_t now_us) {
  prepare(cluster, node_count, now_us);
  struct broker_settings usual;
  broker_settings_init(&usual);
  int32_t status = broker_model_create(settings != NULL ? settings : &usual, &cluster->model);
  ASSERT(status == STATUS_OK);
  name_nodes(cluster, cluster->model);
}

void model_cluster_settings_init(struct model_cluster_settings *settings) {
  enum { MS = 1000, S = 1000 * MS };
  *settings = (struct model_cluster_settings){.node_count = 3,
                                              .replication = {.min_in_sync = 2,
                                                              .replication_factor = 3,
                                                              .lag_min_us = 1 * MS,
                                                              .lag_max_us = 5 * MS,
                                                              .view_delay_min_us = 5 * MS,
                                                              .view_delay_max_us = 50 * MS,
                                                              .session_us = 3 * S,
                                                              .lag_limit_us = 10 * S,
                                                              .seed = 1}};
  broker_settings_init(&settings->broker);
  settings->broker.partition_limit_bytes = settings->broker.data_limit_bytes = 0;
}

void model_cluster_init_replicated(struct model_cluster *cluster,
                                   const struct model_cluster_settings *settings, int64_t now_us) {
  ASSERT(settings->replication.replication_factor > 0 &&
         settings->replication.replication_factor <= settings->node_count);
  ASSERT(settings->broker.partition_limit_bytes == 0 && settings->broker.data_limit_bytes == 0);
  prepare(cluster, settings->node_count, now_us);
  struct replicated_cluster *replication = calloc(1, sizeof *replication);
  ASSERT(replication != NULL);
  replication->settings = settings->replication;
  replication->node_count = settings->node_count;
  list_init(&replication->ready);
  cluster_timers_init(&replication->timers, replication);
  random_seed(&replication->random, settings->replication.seed);
  for (int32_t id = 1; id <= (int32_t)settings->node_count; id++) {
    struct broker_settings broker = settings->broker;
    broker.node_id = id;
    broker.create_topic = create_topic;
    broker.context = cluster;
    struct cluster_node *node = &replication->nodes[id];
    node->node_id = id;
    list_init(&node->delayed);
    int32_t status = broker_model_create(&broker, &node->model);
    ASSERT(status == STATUS_OK);
    name_nodes(cluster, node->model);
  }
  cluster_controller_init(replication);
  cluster->replication = replication;
  sync_clock(cluster);
}

void model_cluster_deinit(struct model_cluster *cluster) {
  struct replicated_cluster *replication = cluster->replication;
  free_requests(&cluster->requests);
  for (uint32_t i = 1; i <= cluster->connection_count; i++)
    free_requests(&cluster->connections[i].held);
  if (replication != NULL) {
    for (int32_t id = 1; id <= (int32_t)cluster->node_count; id++)
      drop_requests(cluster, id);
    for (int32_t id = 1; id <= (int32_t)cluster->node_count; id++)
      broker_model_destroy(replication->nodes[id].model);
    cluster_controller_deinit(replication);
    cluster_timers_deinit(&replication->timers);
    free(replication);
  }
  wire_writer_deinit(&cluster->answer);
  broker_model_destroy(cluster->model);
}

struct broker_model *model_cluster_broker(const struct model_cluster *cluster, int32_t node_id) {
  return cluster->replication == NULL ? cluster->model : cluster->replication->nodes[node_id].model;
}

int64_t model_cluster_wall_ms(const struct model_cluster *cluster) {
  return WALL_MS + fake_transport_now_us(cluster->transport) / 1000;
}

int64_t model_cluster_next_us(const struct model_cluster *cluster) {
  int64_t next_us =
      cluster->replication == NULL ? CLOCK_NEVER_US : cluster_timers_next_us(&cluster->replication->timers);
  for (struct list *link = cluster->requests.next; link != &cluster->requests; link = link->next) {
    if (cluster->nodes[request_of(link)->node_id].is_frozen) continue;
    return request_of(link)->due_us < next_us ? request_of(link)->due_us : next_us;
  }
  return next_us;
}

void model_cluster_step(struct model_cluster *cluster) {
  int64_t now_us = fake_transport_now_us(cluster->transport);
  sync_clock(cluster);
  struct cluster_timers *timers = cluster->replication == NULL ? NULL : &cluster->replication->timers;
  for (struct list *link = cluster->requests.next, *next; link != &cluster->requests; link = next) {
    struct model_request *request = request_of(link);
    if (request->due_us > now_us) break;
    while (timers != NULL && cluster_timers_next_us(timers) < request->due_us) {
      cluster_timers_fire(timers);
      finish_delayed(cluster);
    }
    next = link->next;
    if (cluster->nodes[request->node_id].is_frozen) continue;
    list_remove(link);
    take(cluster, request);
    finish_delayed(cluster);
  }
  while (timers != NULL && cluster_timers_next_us(timers) <= now_us) {
    cluster_timers_fire(timers);
    finish_delayed(cluster);
  }
}

void model_cluster_kill(struct model_cluster *cluster, int32_t node_id) {
  cluster->nodes[node_id] = (struct model_node){.is_up = false};
  set_listening(cluster, node_id, false);
  drop_requests(cluster, node_id);
  model_cluster_cut(cluster, node_id);
  if (cluster->replication == NULL) return;
  sync_clock(cluster);
  cluster->replication->nodes[node_id].is_frozen = false;
  cluster_controller_lose(cluster->replication, node_id);
}

void model_cluster_start(struct model_cluster *cluster, int32_t node_id) {
  ASSERT(!cluster->nodes[node_id].is_up);
  cluster->nodes[node_id].is_up = true;
  set_listening(cluster, node_id, true);
  if (cluster->replication == NULL) return;
  sync_clock(cluster);
  /* It registers anew and catches up with the controller before it serves clients. */
  broker_model_restart(cluster->replication->nodes[node_id].model, cluster->replication->wall_ms);
  cluster_controller_fence(cluster->replication, node_id);
  cluster_controller_show_all(cluster->replication, node_id);
  cluster_controller_find(cluster->replication, node_id);
}

void model_cluster_stop(struct model_cluster *cluster, int32_t node_id) {
  ASSERT(cluster->replication != NULL && cluster->nodes[node_id].is_up);
  sync_clock(cluster);
  model_cluster_freeze(cluster, node_id, false);
  cluster_controller_fence(cluster->replication, node_id);
  cluster_controller_show_all(cluster->replication, node_id);
  finish_delayed(cluster);
  for (uint32_t i = 1; i <= cluster->connection_count; i++) {
    const struct model_connection *connection = &cluster->connections[i];
    if (connection->node_id == node_id && !connection->is_closed) fake_transport_end(cluster->transport, i);
  }
  cluster->nodes[node_id] = (struct model_node){.is_up = false};
  set_listening(cluster, node_id, false);
  drop_requests(cluster, node_id);
  cluster_controller_lose(cluster->replication, node_id);
}

void model_cluster_freeze(struct model_cluster *cluster, int32_t node_id, bool frozen) {
  struct model_node *node = &cluster->nodes[node_id];
  if (node->is_frozen == frozen) return;
  node->is_frozen = frozen;
  if (cluster->replication == NULL) return;
  sync_clock(cluster);
  cluster->replication->nodes[node_id].is_frozen = frozen;
  if (!frozen) {
    delayed_answers_resume(cluster->replication, node_id);
    finish_delayed(cluster);
  }
  set_reachable(cluster, node_id);
}

void model_cluster_isolate(struct model_cluster *cluster, int32_t node_id, bool isolated) {
  ASSERT(cluster->replication != NULL && cluster->nodes[node_id].is_up);
  sync_clock(cluster);
  cluster->nodes[node_id].is_isolated = isolated;
  set_reachable(cluster, node_id);
}

void model_cluster_heal(struct model_cluster *cluster) {
  for (int32_t id = 1; id <= (int32_t)cluster->node_count; id++) {
    if (!cluster->nodes[id].is_up) model_cluster_start(cluster, id);
    model_cluster_freeze(cluster, id, false);
    if (cluster->replication != NULL) model_cluster_isolate(cluster, id, false);
  }
}

void model_cluster_cut(struct model_cluster *cluster, int32_t node_id) {
  for (uint32_t i = 1; i <= fake_transport_connection_count(cluster->transport); i++) {
    const struct model_connection *connection = &cluster->connections[i];
    if (connection->node_id == 0 || connection->is_closed) continue;
    if (node_id == 0 || connection->node_id == node_id) fake_transport_break(cluster->transport, i);
  }
}

bool model_cluster_lead(struct model_cluster *cluster, const char *topic, int32_t partition,
                        int32_t node_id) {
  if (cluster->replication != NULL) {
    sync_clock(cluster);
    return cluster_controller_lead(cluster->replication, partition_of(cluster, topic, partition), node_id);
  }
  struct broker_topic *found = broker_topics_find(&cluster->model->topics, bytes_of_string(topic));
  ASSERT(found != NULL);
  const struct broker_partition *moved = broker_topic_partition(found, partition);
  ASSERT(moved != NULL);
  broker_model_set_leader(cluster->model, topic, partition, node_id, moved->leader_epoch + 1);
  return true;
}

int32_t model_cluster_create_topic(struct model_cluster *cluster, const char *name, int32_t partition_count) {
  sync_clock(cluster);
  return cluster_controller_create(cluster->replication, bytes_of_string(name), partition_count);
}

int32_t model_cluster_delete_topic(struct model_cluster *cluster, const char *name) {
  sync_clock(cluster);
  return cluster_controller_delete(cluster->replication, bytes_of_string(name));
}

int32_t model_cluster_add_partitions(struct model_cluster *cluster, const char *name,
                                     int32_t partition_count) {
  sync_clock(cluster);
  return cluster_controller_grow(cluster->replication, bytes_of_string(name), partition_count);
}

void model_cluster_elect_unclean(struct model_cluster *cluster, const char *topic, int32_t partition,
                                 int32_t node_id) {
  sync_clock(cluster);
  cluster_controller_elect_unclean(cluster->replication, partition_of(cluster, topic, partition), node_id);
}

int32_t model_cluster_inject(struct model_cluster *cluster, int32_t node_id,
                             const struct broker_fault *fault) {
  for (int32_t id = 1; id <= (int32_t)cluster->node_count; id++) {
    if (node_id != 0 && node_id != id) continue;
    int32_t status = broker_model_inject(model_cluster_broker(cluster, id), fault);
    if (status != STATUS_OK || cluster->replication == NULL) return status;
  }
  return STATUS_OK;
}

void model_cluster_clear_faults(struct model_cluster *cluster) {
  for (int32_t id = 1; id <= (int32_t)cluster->node_count; id++)
    broker_model_clear_faults(model_cluster_broker(cluster, id));
}

const struct cluster_topic *model_cluster_next_topic(const struct model_cluster *cluster,
                                                     const struct cluster_topic *topic) {
  struct list *topics = &cluster->replication->topics;
  struct list *next = topic == NULL ? topics->next : topic->link.next;
  return next == topics ? NULL : LIST_ENTRY(next, struct cluster_topic, link);
}

const struct cluster_topic *model_cluster_topic(const struct model_cluster *cluster, const char *name) {
  return replicated_cluster_topic(cluster->replication, bytes_of_string(name));
}

int64_t model_cluster_committed_end(const struct cluster_topic *topic, int32_t partition) {
  ASSERT(partition >= 0 && partition < topic->partition_count);
  return topic->partitions[partition]->committed.end_offset;
}

int64_t model_cluster_visit_committed(struct model_cluster *cluster, const struct cluster_topic *topic,
                                      int32_t partition, int64_t from_offset,
                                      bool (*visit)(void *context, int64_t offset, int64_t timestamp_ms,
                                                    const struct record_view *record),
                                      void *context) {
  const struct partition_log *committed = &topic->partitions[partition]->committed;
  if (from_offset >= committed->end_offset) return from_offset;
  bool stopped = false;
  uint32_t index = partition_log_find(committed, from_offset);
  for (; index < committed->batch_count && !stopped; index++) {
    const struct log_batch *batch = partition_log_at(committed, index);
    int32_t status =
        broker_model_visit_batch(model_cluster_broker(cluster, 1), bytes_of(batch->data, batch->size),
                                 from_offset, visit, context, &stopped);
    ASSERT(status == STATUS_OK);
  }
  return committed->end_offset;
}

bool model_cluster_is_settled(const struct model_cluster *cluster) {
  const struct replicated_cluster *replication = cluster->replication;
  for (int32_t id = 1; id <= (int32_t)cluster->node_count; id++) {
    const struct cluster_node *node = &replication->nodes[id];
    if (!node->is_reachable || node->is_fenced || !list_is_empty(&node->delayed)) return false;
  }
  for (struct list *link = replication->topics.next; link != &replication->topics; link = link->next) {
    const struct cluster_topic *topic = LIST_ENTRY(link, struct cluster_topic, link);
    for (int32_t index = 0; index < topic->partition_count && !topic->is_deleted; index++) {
      if (!cluster_replication_is_settled(topic->partitions[index])) return false;
    }
  }
  return true;
}

uint32_t model_cluster_open(const struct model_cluster *cluster, int32_t node_id, uint32_t *connections,
                            uint32_t capacity) {
  uint32_t count = 0;
  for (uint32_t i = fake_transport_connection_count(cluster->transport); i > 0 && count < capacity; i--)
    if (cluster->connections[i].node_id == node_id && !cluster->connections[i].is_closed)
      connections[count++] = i;
  return count;
}

static void prepare(struct model_cluster *cluster, uint32_t node_count, int64_t now_us) {
  ASSERT(node_count > 0 && node_count <= CLUSTER_NODES_MAX);
  *cluster =
      (struct model_cluster){.node_count = node_count, .request_delay_us = 500, .response_delay_us = 500};
  list_init(&cluster->requests);
  struct fake_server server = {
      .on_accept = on_accept, .on_bytes = on_bytes, .on_close = on_close, .context = cluster};
  cluster->transport = fake_transport_create(now_us, &server);
  for (int32_t id = 1; id <= (int32_t)node_count; id++) {
    cluster->nodes[id].is_up = true;
    set_listening(cluster, id, true);
  }
}

static void name_nodes(struct model_cluster *cluster, struct broker_model *model) {
  for (int32_t id = 1; id <= (int32_t)cluster->node_count; id++) {
    char host[ADDRESS_BYTES];
    snprintf(host, sizeof host, "10.0.0.%d", (int)id);
    int32_t status = broker_model_set_node(model, id, host, CLUSTER_PORT);
    ASSERT(status == STATUS_OK);
  }
}

static void create_topic(void *context, struct bytes name, int32_t partition_count) {
  struct model_cluster *cluster = context;
  if (replicated_cluster_topic(cluster->replication, name) == NULL)
    cluster_controller_create(cluster->replication, name, partition_count);
}

static void sync_clock(struct model_cluster *cluster) {
  if (cluster->replication == NULL) return;
  cluster->replication->now_us = fake_transport_now_us(cluster->transport);
  cluster->replication->wall_ms = model_cluster_wall_ms(cluster);
}

static struct cluster_partition *partition_of(const struct model_cluster *cluster, const char *topic,
                                              int32_t partition) {
  struct cluster_topic *found = replicated_cluster_topic(cluster->replication, bytes_of_string(topic));
  ASSERT(found != NULL && partition >= 0 && partition < found->partition_count);
  return found->partitions[partition];
}

/* The controller hears, or does not hear, of the node any more. */
static void set_reachable(struct model_cluster *cluster, int32_t node_id) {
  const struct model_node *node = &cluster->nodes[node_id];
  bool is_reachable = node->is_up && !node->is_frozen && !node->is_isolated;
  if (cluster->replication->nodes[node_id].is_reachable == is_reachable) return;
  if (is_reachable) {
    cluster_controller_find(cluster->replication, node_id);
  } else {
    cluster_controller_lose(cluster->replication, node_id);
  }
}

static void on_accept(void *context, uint32_t connection, uint16_t port) {
  struct model_cluster *cluster = context;
  ASSERT(port == CLUSTER_PORT && connection <= CLUSTER_CONNECTIONS_MAX);
  const char *peer = fake_transport_peer(cluster->transport, connection);
  int32_t node_id = (int32_t)strtol(peer + strlen("10.0.0."), NULL, 10);
  ASSERT(node_id >= 1 && node_id <= (int32_t)cluster->node_count);
  while (cluster->connection_count < connection)
    list_init(&cluster->connections[++cluster->connection_count].held);
  cluster->connections[connection].node_id = node_id;
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

/* Behind an answer that waits, a broker reads nothing more of a connection. */
static void take(struct model_cluster *cluster, struct model_request *request) {
  struct model_connection *connection = &cluster->connections[request->connection];
  if (connection->is_waiting) {
    list_append(&connection->held, &request->link);
    return;
  }
  if (connection->is_closed) cluster->stragglers++;
  bool is_heard = !connection->is_cut_off && (!connection->is_closed || !cluster->forgets_closed);
  bool is_kept = is_heard && handle(cluster, request);
  if (!is_kept) free(request);
}

/* Whether the request is needed until its answer is ready. */
static bool handle(struct model_cluster *cluster, struct model_request *request) {
  struct broker_model *model = model_cluster_broker(cluster, request->node_id);
  wire_writer_reset(&cluster->answer);
  model->settings.node_id = request->node_id; /* whom this connection speaks to */
  struct bytes frame = bytes_of(request->bytes, request->size);
  if (cluster->stand_in != NULL && cluster->stand_in(cluster->context, frame, &cluster->answer)) {
    const struct model_connection *asking = &cluster->connections[request->connection];
    if (!asking->is_closed && !asking->is_stalled) answer(cluster, request);
    return false;
  }
  int64_t wait_ms;
  uint64_t appended = broker_model_append_count(model);
  enum broker_answer outcome =
      broker_model_handle(model, model_cluster_wall_ms(cluster), frame, true, &cluster->answer, &wait_ms);
  struct model_connection *connection = &cluster->connections[request->connection];
  if (outcome == BROKER_ANSWER_STALL) connection->is_stalled = true;
  bool is_delayed = outcome == BROKER_ANSWER_DELAY;
  if (is_delayed) {
    connection->is_waiting = true;
    delayed_answers_add(cluster->replication, request->node_id, request,
                        bytes_of(cluster->answer.data, cluster->answer.size));
  }
  for (uint32_t index = 0; index < model->append_count; index++) {
    const struct cluster_topic *topic = model->appends[index].topic->context;
    cluster_replication_appended(
        cluster->replication, &topic->partitions[model->appends[index].partition]->copies[request->node_id]);
  }
  if (is_delayed) return true;
  bool is_lost = outcome == BROKER_ANSWER_CUT && broker_model_append_count(model) == appended;
  if (is_lost) connection->is_cut_off = true;
  if (connection->is_closed || connection->is_stalled) return false;
  if (outcome == BROKER_ANSWER_SEND) answer(cluster, request);
  if (outcome == BROKER_ANSWER_CUT) fake_transport_reset(cluster->transport, request->connection);
  return false;
}

/* Sends what does not wait any more, and goes on with what stood behind it. */
static void finish_delayed(struct model_cluster *cluster) {
  struct delayed_answer *ready;
  while (cluster->replication != NULL && (ready = delayed_answers_take(cluster->replication)) != NULL) {
    struct model_request *request = ready->request;
    struct model_connection *connection = &cluster->connections[request->connection];
    wire_writer_reset(&cluster->answer);
    wire_write_raw(&cluster->answer, bytes_of(ready->frame, ready->frame_bytes));
    ASSERT(!cluster->answer.failed);
    if (!connection->is_closed && !connection->is_stalled) answer(cluster, request);
    free(request);
    delayed_answer_destroy(ready);
    connection->is_waiting = false;
    while (!connection->is_waiting && !list_is_empty(&connection->held)) {
      struct model_request *held = request_of(connection->held.next);
      list_remove(&held->link);
      take(cluster, held);
    }
  }
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

/* What a node has received and not answered. */
static void drop_requests(struct model_cluster *cluster, int32_t node_id) {
  for (struct list *link = cluster->requests.next, *next; link != &cluster->requests; link = next) {
    struct model_request *request = request_of(link);
    next = link->next;
    if (request->node_id != node_id) continue;
    list_remove(link);
    free(request);
  }
  if (cluster->replication == NULL) return;
  for (uint32_t i = 1; i <= cluster->connection_count; i++) {
    if (cluster->connections[i].node_id == node_id) free_requests(&cluster->connections[i].held);
  }
  struct delayed_answer *delayed;
  while ((delayed = delayed_answers_abandon(cluster->replication, node_id)) != NULL) {
    free(delayed->request);
    delayed_answer_destroy(delayed);
  }
}

static void free_requests(struct list *requests) {
  while (!list_is_empty(requests)) {
    struct model_request *request = request_of(requests->next);
    list_remove(&request->link);
    free(request);
  }
}
