/* The inside of a model cluster with replication: the truth that its controller keeps, and each node's copies
 * as the brokers' models have them. Shared by cluster_controller, cluster_replication and delayed_answers.
 *
 * A node acts on what it knows: its model's leaders, epochs and in-sync sets lag behind the controller's. So
 * a node that was frozen or cut off goes on as leader until it learns otherwise; what it takes meanwhile is
 * not committed, and is gone once it follows the new leader.
 *
 * In virtual time, one owner, no lock. Memory is never missing here. */
#ifndef SUPPORT_REPLICATED_CLUSTER_H
#define SUPPORT_REPLICATED_CLUSTER_H

#include "base/list.h"
#include "base/random.h"
#include "broker/broker_state.h"
#include "support/cluster_timers.h"

enum { CLUSTER_NODES_MAX = 3 };

struct replication_settings {
  uint32_t min_in_sync;                         /* that acks=all needs, if there are as many copies */
  uint32_t replication_factor;                  /* 1 to the number of nodes */
  int64_t lag_min_us, lag_max_us;               /* of one fetch of a follower */
  int64_t view_delay_min_us, view_delay_max_us; /* until a node learns of a change */
  int64_t session_us;                           /* until the controller fences a node that is away */
  int64_t lag_limit_us;                         /* a follower that is behind longer leaves the in-sync set */
  bool commits_below_min;                       /* brokers before 3.7: see cluster_replication_advance */
  uint64_t seed;
};

struct cluster_partition;
struct cluster_topic;

/* Where a topic's copies are: on the same nodes for every partition, or going round all nodes. */
struct cluster_placement {
  int32_t nodes[CLUSTER_NODES_MAX]; /* 0 in front: they go round */
  uint32_t replica_count;
  uint32_t min_in_sync;
};

/* One node's copy of a partition. The acked offsets and times, by node, are what it knows of its followers
 * while it leads. */
struct cluster_copy {
  struct cluster_partition *partition;
  int32_t node_id;
  struct cluster_timer fetch; /* its next one, as follower */
  struct cluster_timer check; /* of followers that are behind, as leader */
  struct list waits;          /* struct append_wait, in order of offset */
  int64_t epoch_start_offset; /* of its time as leader */
  int64_t acked_offset[CLUSTER_NODES_MAX + 1];
  int64_t caught_up_us[CLUSTER_NODES_MAX + 1];
  int64_t fetched_us[CLUSTER_NODES_MAX + 1], fetched_end_offset[CLUSTER_NODES_MAX + 1];
  bool is_level[CLUSTER_NODES_MAX + 1]; /* had all at its last fetch, and nothing was appended since */
};

/* The controller's truth. Bit n of the sets stands for node n. Invariants: the leader, if there is one, is in
 * in_sync, which is never empty; committed holds what a leader's high watermark has passed and, without
 * unclean elections, only ever grows. */
struct cluster_partition {
  struct cluster_topic *topic;
  int32_t index;
  int32_t leader_id, leader_epoch;
  int32_t replicas[CLUSTER_NODES_MAX];
  uint32_t replica_count;
  uint32_t in_sync;
  uint32_t unclean_elections;
  int32_t unclean_epoch; /* of the last one; what older leaders do does not count any more */
  struct partition_log committed;
  struct cluster_copy copies[CLUSTER_NODES_MAX + 1]; /* by node */
};

/* The node in such a set. */
static inline uint32_t cluster_node_bit(int32_t node_id) {
  return 1U << node_id;
}

/* A node has to look at a topic again. */
struct cluster_refresh {
  struct cluster_timer timer;
  struct cluster_topic *topic;
  int32_t node_id;
};

/* One incarnation of a topic. It stays when it is deleted, with what was committed. */
struct cluster_topic {
  struct list link;
  char *name;
  struct uuid id;
  bool is_deleted;
  struct cluster_placement placement;
  int32_t partition_count;
  struct cluster_partition **partitions; /* each owned */
  struct cluster_refresh refreshes[CLUSTER_NODES_MAX + 1];
  struct broker_topic *seen[CLUSTER_NODES_MAX + 1]; /* as each node knows it; NULL: not at all */
};

struct cluster_node {
  int32_t node_id;
  struct broker_model *model; /* owned */
  bool is_reachable;          /* by the others */
  bool is_fenced;             /* the controller knows that it is away */
  bool is_frozen;
  struct cluster_timer session, recovery;
  struct list delayed; /* struct delayed_answer */
};

struct replicated_cluster {
  struct replication_settings settings;
  uint32_t node_count;
  struct cluster_node nodes[CLUSTER_NODES_MAX + 1];
  struct list topics; /* in order of creation */
  struct cluster_timers timers;
  struct random random;
  struct list ready; /* struct delayed_answer, to be sent */
  int64_t now_us, wall_ms;
};

/* Uniform between both. */
int64_t replicated_cluster_draw_us(struct replicated_cluster *cluster, int64_t min_us, int64_t max_us);

/* What a node knows of a partition; NULL if it does not know that incarnation of the topic, or not that many
 * partitions. */
struct broker_partition *cluster_copy_view(const struct cluster_copy *copy);
/* Whether the node has the right to call itself leader, as far as it knows. */
bool cluster_copy_leads(const struct cluster_copy *copy, const struct broker_partition *view);

/* The incarnation that exists now; NULL. */
struct cluster_topic *replicated_cluster_topic(struct replicated_cluster *cluster, struct bytes name);
/* Deleted ones too. */
struct cluster_topic *replicated_cluster_topic_of(struct replicated_cluster *cluster, const struct uuid *id);

#endif
