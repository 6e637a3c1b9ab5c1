/* A cluster in virtual time: one broker model that speaks for several nodes behind a fake transport, each at
 * 10.0.0.ID:9092. A partition's log is the same on every node; only its leader takes batches.
 *
 * A request arrives when its last byte was written, is handled request_delay_us later (in order, one
 * connection's after the other), and its answer arrives response_delay_us after that. What a connection had
 * brought before it was cut may still be handled. The owner calls model_cluster_step when the time of
 * model_cluster_next_us has come. */
#ifndef SUPPORT_MODEL_CLUSTER_H
#define SUPPORT_MODEL_CLUSTER_H

#include "base/list.h"
#include "broker/broker_model.h"
#include "protocol/request_header.h"
#include "protocol/wire.h"
#include "support/fake_transport.h"

enum { CLUSTER_NODES_MAX = 3, CLUSTER_CONNECTIONS_MAX = 4096, CLUSTER_PORT = 9092 };

struct model_node {
  bool is_up, is_frozen;
};

/* What the cluster knows of one connection. */
struct model_connection {
  int32_t node_id;
  size_t parsed_bytes;
  int64_t last_due_us; /* of its requests */
  bool is_closed;
  bool is_stalled; /* no answer comes any more */
};

struct model_cluster {
  struct broker_model *model;
  struct fake_transport *transport; /* destroyed by the client */
  uint32_t node_count;
  struct model_node nodes[CLUSTER_NODES_MAX + 1]; /* by id, from 1 */
  int64_t request_delay_us, response_delay_us;
  bool forgets_closed;  /* requests of a closed connection are not handled any more */
  struct list requests; /* received and not handled yet, by their time */
  struct model_connection connections[CLUSTER_CONNECTIONS_MAX + 1];
  /* May change an answer's frame before it is sent; NULL: nobody does. */
  void (*tamper)(void *context, const struct request_header *header, struct wire_writer *frame);
  void *context;
  struct wire_writer answer;
  uint64_t stragglers; /* requests handled after their connection was closed */
};

/* settings may be NULL. Node ids are 1 to node_count. */
void model_cluster_init(struct model_cluster *cluster, const struct broker_settings *settings,
                        uint32_t node_count, int64_t now_us);
/* The transport is its owner's. */
void model_cluster_deinit(struct model_cluster *cluster);

int64_t model_cluster_wall_ms(const struct model_cluster *cluster);

/* When the next request is due to be handled; CLOCK_NEVER_US: none waits. */
int64_t model_cluster_next_us(const struct model_cluster *cluster);
void model_cluster_step(struct model_cluster *cluster);

/* A killed node loses its connections and what it has not handled; it refuses connections until it starts. */
void model_cluster_kill(struct model_cluster *cluster, int32_t node_id);
void model_cluster_start(struct model_cluster *cluster, int32_t node_id);
/* A frozen node keeps its connections and takes bytes, but handles nothing. */
void model_cluster_freeze(struct model_cluster *cluster, int32_t node_id, bool frozen);
/* Resets every connection to the node (0: to all); answers on their way are lost. */
void model_cluster_cut(struct model_cluster *cluster, int32_t node_id);

/* Moves a partition: the next leader epoch. */
void model_cluster_lead(struct model_cluster *cluster, const char *topic, int32_t partition, int32_t node_id);

/* The numbers of connections that are open to a node, most recent first; returns how many. */
uint32_t model_cluster_open(const struct model_cluster *cluster, int32_t node_id, uint32_t *connections,
                            uint32_t capacity);

#endif
