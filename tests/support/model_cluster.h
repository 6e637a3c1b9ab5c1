/* A cluster in virtual time behind a fake transport, each node at 10.0.0.ID:9092. Either one broker model
 * speaks for all nodes, so that a partition's log is the same on every one and only its leader takes batches;
 * or (model_cluster_init_replicated) each node has its own model, and copies follow leaders: see
 * replicated_cluster.h.
 *
 * A request arrives when its last byte was written, is handled request_delay_us later (in order, one
 * connection's after the other; behind one whose answer waits for replicas all wait), and its answer arrives
 * response_delay_us after that. What a connection had brought before it was cut may still be handled. The
 * owner calls model_cluster_step when the time of model_cluster_next_us has come. */
#ifndef SUPPORT_MODEL_CLUSTER_H
#define SUPPORT_MODEL_CLUSTER_H

#include "base/list.h"
#include "broker/broker_model.h"
#include "protocol/request_header.h"
#include "protocol/wire.h"
#include "support/fake_transport.h"
#include "support/replicated_cluster.h"

enum { CLUSTER_CONNECTIONS_MAX = 4096, CLUSTER_PORT = 9092 };

struct model_node {
  bool is_up, is_frozen;
  bool is_isolated; /* from the other nodes, not from clients */
};

/* What the cluster knows of one connection. */
struct model_connection {
  int32_t node_id;
  size_t parsed_bytes;
  int64_t last_due_us; /* of its requests */
  bool is_closed;
  bool is_cut_off;  /* a request was lost on it, and with it all that comes behind */
  bool is_stalled;  /* no answer comes any more */
  bool is_waiting;  /* an answer waits for replicas */
  struct list held; /* requests behind that one */
};

/* Of a cluster with replication. */
struct model_cluster_settings {
  struct broker_settings broker; /* of every node, but for its id */
  struct replication_settings replication;
  uint32_t node_count;
};

struct model_cluster {
  struct broker_model *model;             /* of all nodes; NULL with replication */
  struct replicated_cluster *replication; /* NULL without */
  struct fake_transport *transport;       /* destroyed by the client */
  uint32_t node_count;
  struct model_node nodes[CLUSTER_NODES_MAX + 1]; /* by id, from 1 */
  int64_t request_delay_us, response_delay_us;
  bool forgets_closed;  /* requests of a closed connection are not handled any more */
  struct list requests; /* received and not handled yet, by their time */
  uint32_t connection_count;
  struct model_connection connections[CLUSTER_CONNECTIONS_MAX + 1];
  /* May change an answer's frame before it is sent; NULL: nobody does. */
  void (*tamper)(void *context, const struct request_header *header, struct wire_writer *frame);
  /* May answer a request in a model's place, such as a login: appends a whole frame and returns true. NULL:
   * nobody does. */
  bool (*stand_in)(void *context, struct bytes request, struct wire_writer *frame);
  void *context;
  struct wire_writer answer;
  uint64_t stragglers; /* requests handled after their connection was closed */
};

/* settings may be NULL. Node ids are 1 to node_count. */
void model_cluster_init(struct model_cluster *cluster, const struct broker_settings *settings,
                        uint32_t node_count, int64_t now_us);
/* Three nodes, three copies, two of them needed; a follower's fetch takes 1 to 5 ms, news of the controller 5
 * to 50 ms, a session lasts 3 s, the lag limit is 10 s. No limits of retention. */
void model_cluster_settings_init(struct model_cluster_settings *settings);
void model_cluster_init_replicated(struct model_cluster *cluster,
                                   const struct model_cluster_settings *settings, int64_t now_us);
/* The transport is its owner's. */
void model_cluster_deinit(struct model_cluster *cluster);

/* The model of a node. */
struct broker_model *model_cluster_broker(const struct model_cluster *cluster, int32_t node_id);

int64_t model_cluster_wall_ms(const struct model_cluster *cluster);

/* When the next request is due to be handled; CLOCK_NEVER_US: none waits. */
int64_t model_cluster_next_us(const struct model_cluster *cluster);
void model_cluster_step(struct model_cluster *cluster);

/* A killed node loses its connections and what it has not handled; it refuses connections until it starts.
 * With replication its logs stay, and after its start it remembers one batch of each producer. */
void model_cluster_kill(struct model_cluster *cluster, int32_t node_id);
void model_cluster_start(struct model_cluster *cluster, int32_t node_id);
/* With replication: hands its leadership over, answers what waits, then goes down. */
void model_cluster_stop(struct model_cluster *cluster, int32_t node_id);
/* A frozen node keeps its connections and takes bytes, but handles nothing. */
void model_cluster_freeze(struct model_cluster *cluster, int32_t node_id, bool frozen);
/* With replication: an isolated node serves clients on what it knows, and hears nothing of the others. */
void model_cluster_isolate(struct model_cluster *cluster, int32_t node_id, bool isolated);
/* Every node is up, goes on, and reaches the others. */
void model_cluster_heal(struct model_cluster *cluster);
/* Resets every connection to the node (0: to all); answers on their way are lost. */
void model_cluster_cut(struct model_cluster *cluster, int32_t node_id);

/* Moves a partition: the next leader epoch. With replication only to a node in sync; else false. */
bool model_cluster_lead(struct model_cluster *cluster, const char *topic, int32_t partition, int32_t node_id);

/* ---- with replication ---- */

/* As cluster_controller_create, _delete, _grow. */
int32_t model_cluster_create_topic(struct model_cluster *cluster, const char *name, int32_t partition_count);
int32_t model_cluster_delete_topic(struct model_cluster *cluster, const char *name);
int32_t model_cluster_add_partitions(struct model_cluster *cluster, const char *name,
                                     int32_t partition_count);
/* Elects a node whether it is in sync or not. */
void model_cluster_elect_unclean(struct model_cluster *cluster, const char *topic, int32_t partition,
                                 int32_t node_id);

/* Injects a fault into a node (0: into each). */
int32_t model_cluster_inject(struct model_cluster *cluster, int32_t node_id,
                             const struct broker_fault *fault);
void model_cluster_clear_faults(struct model_cluster *cluster);

/* The incarnations of topics, in order of creation, deleted ones too: the first one, the next one, NULL. */
const struct cluster_topic *model_cluster_next_topic(const struct model_cluster *cluster,
                                                     const struct cluster_topic *topic);
/* The one that exists; NULL. */
const struct cluster_topic *model_cluster_topic(const struct model_cluster *cluster, const char *name);

/* Up to where a partition of an incarnation is committed: that never changes any more, unless by an unclean
 * election (unclean_elections of the partition). */
int64_t model_cluster_committed_end(const struct cluster_topic *topic, int32_t partition);
/* Calls visit for each committed record from an offset on, in order; its views are valid during the call.
 * Stops when visit returns false. Returns the offset behind the last one visited. */
int64_t model_cluster_visit_committed(struct model_cluster *cluster, const struct cluster_topic *topic,
                                      int32_t partition, int64_t from_offset,
                                      bool (*visit)(void *context, int64_t offset, int64_t timestamp_ms,
                                                    const struct record_view *record),
                                      void *context);

/* Whether nothing is left to do: all nodes are there, each partition has a leader, all copies are equal and
 * committed, and no answer waits. */
bool model_cluster_is_settled(const struct model_cluster *cluster);

/* ---- connections ---- */

/* The numbers of connections that are open to a node, most recent first; returns how many. */
uint32_t model_cluster_open(const struct model_cluster *cluster, int32_t node_id, uint32_t *connections,
                            uint32_t capacity);

#endif
