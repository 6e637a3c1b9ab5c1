/* How the copies of a partition follow their leader: fetches, high watermark, in-sync set.
 *
 * A fetch tells the leader how far the follower is, and brings what the follower lacks. The high watermark is
 * the least of what all in sync are known to have. */
#ifndef SUPPORT_CLUSTER_REPLICATION_H
#define SUPPORT_CLUSTER_REPLICATION_H

#include "support/replicated_cluster.h"

/* Sets the copy up; its partition and node are there. */
void cluster_replication_init(struct cluster_copy *copy);

/* Followers have a reason to ask the leader: it has more, or they have to follow another one. */
void cluster_replication_kick(struct replicated_cluster *cluster, struct cluster_partition *partition);

/* This leader has taken a batch. */
void cluster_replication_appended(struct replicated_cluster *cluster, struct cluster_copy *copy);
/* The node has learnt of another leader, epoch or in-sync set. */
void cluster_replication_led(struct replicated_cluster *cluster, struct cluster_copy *copy,
                             bool is_new_epoch);

/* Moves a leader's high watermark as far as its in-sync followers allow, and settles what waited for it.
 * Below min.insync.replicas it stays, except with commits_below_min: then what waited is answered
 * NOT_ENOUGH_REPLICAS_AFTER_APPEND. */
void cluster_replication_advance(struct replicated_cluster *cluster, struct cluster_copy *copy);

/* Whether each node knows its leader, all copies are equal, in sync, and committed. */
bool cluster_replication_is_settled(const struct cluster_partition *partition);

#endif
