/* The model cluster as the simulation uses it, with replication or without: with it each node has a model of
 * its own, and leaders come from the in-sync set. */
#ifndef SIM_REALM_H
#define SIM_REALM_H

#include "sim/scenario.h"
#include "support/model_cluster.h"

/* node_count 1 to 3; with replication there are three. Every topic but the late one is there. */
void realm_init(struct model_cluster *cluster, const struct scenario *scenario,
                const struct broker_settings *settings, int64_t now_us);

/* 0: there is no such topic. */
int32_t realm_partition_count(const struct model_cluster *cluster, const char *name);
void realm_create_topic(struct model_cluster *cluster, const char *name, int32_t partition_count);
void realm_delete_topic(struct model_cluster *cluster, const char *name);
void realm_add_partition(struct model_cluster *cluster, const char *name);

/* Does nothing where the node cannot lead, or leads already; node_id -1: none does, without replication. */
void realm_lead(struct model_cluster *cluster, const char *name, int32_t partition, int32_t node_id);
/* Without replication. */
int32_t realm_leader(const struct model_cluster *cluster, const char *name, int32_t partition);
/* The node leads with what it has of the log, with replication. Returns the end of what is left of it. */
int64_t realm_elect_unclean(struct model_cluster *cluster, const char *name, int32_t partition,
                            int32_t node_id);
/* The lowest leader epoch of all partitions. */
int32_t realm_lowest_epoch(const struct model_cluster *cluster);

/* The node dies, with what its memory has of producers. */
void realm_kill(struct model_cluster *cluster, int32_t node_id);

/* In every model. */
void realm_inject(struct model_cluster *cluster, const struct broker_fault *fault);
void realm_refuse_values(struct model_cluster *cluster, const char *prefix);
void realm_limit_messages(struct model_cluster *cluster, size_t bytes);

/* Calls visit for each record in the log of a partition (of what is committed, with replication), in order;
 * for begin see ledger_begin_log. Deleted incarnations are walked with replication only: without, their logs
 * are gone. */
struct realm_walk {
  void (*begin)(void *context, int32_t partition, const struct uuid *incarnation);
  bool (*visit)(void *context, int64_t offset, int64_t timestamp_ms, const struct record_view *record);
  void *context;
};
void realm_walk_logs(struct model_cluster *cluster, const char *name, const struct realm_walk *walk);

#endif
