/* A client of a model cluster that speaks the protocol by hand: it sends what a test tells it to, to the node
 * that the test names, and keeps the answers. Virtual time passes only in cluster_client_run. */
#ifndef SUPPORT_CLUSTER_CLIENT_H
#define SUPPORT_CLUSTER_CLIENT_H

#include "support/broker_exchange.h"
#include "support/model_cluster.h"

enum { CLUSTER_CLIENT_ANSWERS_MAX = 4096 };

/* What came back for a produce request of one partition. */
struct cluster_client_answer {
  bool has_come;
  int16_t error_code;
  int64_t base_offset;
  int32_t leader_id, leader_epoch; /* the hint; -1 without */
  int64_t arrived_us;
};

/* One connection a node at most; one that is lost is opened anew by the next request. */
struct cluster_client {
  struct model_cluster *cluster;
  struct transport *transport;
  int64_t sockets[CLUSTER_NODES_MAX + 1]; /* -1: none */
  uint32_t lost_connections;
  struct wire_writer request, batch;
  struct wire_writer input[CLUSTER_NODES_MAX + 1]; /* received, not whole yet */
  /* Takes answers as they come, instead of answers below; NULL. */
  void (*on_frame)(void *context, int32_t node_id, struct bytes frame);
  void *context;
  int32_t last_number;
  struct cluster_client_answer answers[CLUSTER_CLIENT_ANSWERS_MAX]; /* by the number of the request */
};

void cluster_client_init(struct cluster_client *client, struct model_cluster *cluster);
/* Destroys the cluster's transport. */
void cluster_client_deinit(struct cluster_client *client);

/* Sends a batch; returns the number of the request. */
int32_t cluster_client_send(struct cluster_client *client, int32_t node_id, int16_t acks, const char *topic,
                            int32_t partition, const struct batch_plan *plan);
/* Sends whole frames as they are; false when the node cannot be reached. */
bool cluster_client_send_bytes(struct cluster_client *client, int32_t node_id, struct bytes bytes);
/* Closes the connection to the node, if there is one. */
void cluster_client_close(struct cluster_client *client, int32_t node_id);
/* Lets time pass. */
void cluster_client_run(struct cluster_client *client, int64_t duration_us);
/* Both; the answer has to come within a minute. */
struct cluster_client_answer cluster_client_produce(struct cluster_client *client, int32_t node_id,
                                                    int16_t acks, const char *topic, int32_t partition,
                                                    const struct batch_plan *plan);

#endif
