/* The controller of a model cluster: makes and deletes topics, fences nodes that are away, elects leaders,
 * and tells the nodes of it, each after its own delay.
 *
 * Leaders are elected from the in-sync set, so that nothing committed is lost, unless a test asks for an
 * unclean election. The last node of a set stays in it even when it is away. */
#ifndef SUPPORT_CLUSTER_CONTROLLER_H
#define SUPPORT_CLUSTER_CONTROLLER_H

#include "support/replicated_cluster.h"

/* All nodes are up and have their models already. */
void cluster_controller_init(struct replicated_cluster *cluster);
void cluster_controller_deinit(struct replicated_cluster *cluster);

/* STATUS_INVALID_TOPIC_EXCEPTION, STATUS_INVALID_PARTITIONS, STATUS_TOPIC_ALREADY_EXISTS. Nodes learn of it
 * later, as of all that follows. */
int32_t cluster_controller_create(struct replicated_cluster *cluster, struct bytes name,
                                  int32_t partition_count);
/* The same with its copies elsewhere than the settings say. */
int32_t cluster_controller_place(struct replicated_cluster *cluster, struct bytes name,
                                 int32_t partition_count, const struct cluster_placement *placement);
/* STATUS_UNKNOWN_TOPIC_OR_PARTITION */
int32_t cluster_controller_delete(struct replicated_cluster *cluster, struct bytes name);
/* STATUS_UNKNOWN_TOPIC_OR_PARTITION, STATUS_INVALID_PARTITIONS */
int32_t cluster_controller_grow(struct replicated_cluster *cluster, struct bytes name,
                                int32_t partition_count);

/* The node does not answer any more; it is fenced when its session has passed. */
void cluster_controller_lose(struct replicated_cluster *cluster, int32_t node_id);
/* At once: as after a clean stop, or when it registers anew. */
void cluster_controller_fence(struct replicated_cluster *cluster, int32_t node_id);
/* The node answers again. It learns what it has missed after a while. */
void cluster_controller_find(struct replicated_cluster *cluster, int32_t node_id);

/* False when the node is fenced or not in sync: then nothing happens. */
bool cluster_controller_lead(struct replicated_cluster *cluster, struct cluster_partition *partition,
                             int32_t node_id);
/* Of any node that has a copy: committed records that it lacks are lost, and counted as such. */
void cluster_controller_elect_unclean(struct replicated_cluster *cluster, struct cluster_partition *partition,
                                      int32_t node_id);
/* A leader's wish; false when it is not the leader any more. */
bool cluster_controller_set_in_sync(struct replicated_cluster *cluster, struct cluster_partition *partition,
                                    int32_t leader_epoch, int32_t node_id, bool in_sync);

/* A node learns now what the controller knows: of one topic, of all. */
void cluster_controller_show(struct replicated_cluster *cluster, struct cluster_topic *topic,
                             int32_t node_id);
void cluster_controller_show_all(struct replicated_cluster *cluster, int32_t node_id);

#endif
