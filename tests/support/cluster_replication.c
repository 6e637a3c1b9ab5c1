#include "support/cluster_replication.h"

#include "base/assertion.h"
#include "base/status.h"
#include "support/cluster_controller.h"
#include "support/delayed_answers.h"

static void on_fetch(void *context, struct cluster_timer *timer);
static void on_check(void *context, struct cluster_timer *timer);
static struct cluster_copy *leader_of(struct replicated_cluster *cluster, const struct cluster_copy *follower,
                                      const struct broker_partition *view);
static void reconcile(struct replicated_cluster *cluster, const struct cluster_copy *follower,
                      struct broker_partition *view, const struct broker_partition *leader_view);
static void note_fetch(struct replicated_cluster *cluster, struct cluster_copy *leader, int32_t follower_id,
                       int64_t end_offset);
static void take(struct replicated_cluster *cluster, const struct cluster_copy *follower,
                 struct broker_partition *view, const struct broker_partition *leader_view);
static void set_fetch(struct replicated_cluster *cluster, struct cluster_copy *copy);
static void set_check(struct replicated_cluster *cluster, struct cluster_copy *copy, int64_t due_us);
static void commit(struct cluster_partition *partition, const struct broker_partition *view);

void cluster_replication_init(struct cluster_copy *copy) {
  copy->fetch.fire = on_fetch;
  copy->check.fire = on_check;
  list_init(&copy->waits);
}

void cluster_replication_kick(struct replicated_cluster *cluster, struct cluster_partition *partition) {
  for (uint32_t index = 0; index < partition->replica_count; index++)
    set_fetch(cluster, &partition->copies[partition->replicas[index]]);
}

void cluster_replication_appended(struct replicated_cluster *cluster, struct cluster_copy *copy) {
  for (int32_t id = 1; id <= CLUSTER_NODES_MAX; id++) {
    if (copy->is_level[id]) copy->caught_up_us[id] = copy->fetched_us[id] = cluster->now_us;
    copy->is_level[id] = false;
  }
  cluster_replication_kick(cluster, copy->partition);
  cluster_replication_advance(cluster, copy);
  set_check(cluster, copy, cluster->now_us + cluster->settings.lag_limit_us);
}

void cluster_replication_led(struct replicated_cluster *cluster, struct cluster_copy *copy,
                             bool is_new_epoch) {
  struct broker_partition *view = cluster_copy_view(copy);
  if (!cluster_copy_leads(copy, view)) {
    delayed_answers_settle(cluster, copy, INT64_MAX, STATUS_NOT_LEADER_OR_FOLLOWER);
  } else {
    if (is_new_epoch) {
      copy->epoch_start_offset = view->log.end_offset;
      for (int32_t id = 1; id <= CLUSTER_NODES_MAX; id++) {
        copy->acked_offset[id] = copy->fetched_end_offset[id] = -1;
        copy->caught_up_us[id] = copy->fetched_us[id] = cluster->now_us;
        copy->is_level[id] = false;
      }
      set_check(cluster, copy, cluster->now_us + cluster->settings.lag_limit_us);
    }
    cluster_replication_advance(cluster, copy);
    commit(copy->partition, view); /* what it had passed before it led */
  }
  cluster_replication_kick(cluster, copy->partition);
}

void cluster_replication_advance(struct replicated_cluster *cluster, struct cluster_copy *copy) {
  struct broker_partition *view = cluster_copy_view(copy);
  if (!cluster_copy_leads(copy, view)) return;
  struct partition_replicas *replicas = view->replicas;
  bool is_below_min = broker_partition_lacks_replicas(view);
  if (is_below_min && !cluster->settings.commits_below_min) return;
  int64_t offset = view->log.end_offset;
  for (uint32_t index = 0; index < replicas->in_sync_count; index++) {
    int32_t id = replicas->in_sync[index];
    if (id != copy->node_id && copy->acked_offset[id] < offset) offset = copy->acked_offset[id];
  }
  if (offset > replicas->high_watermark) {
    replicas->high_watermark = offset;
    commit(copy->partition, view);
    cluster_replication_kick(cluster, copy->partition);
  }
  delayed_answers_settle(cluster, copy, replicas->high_watermark,
                         is_below_min ? STATUS_NOT_ENOUGH_REPLICAS_AFTER_APPEND : STATUS_OK);
}

bool cluster_replication_is_settled(const struct cluster_partition *partition) {
  if (partition->leader_id < 0) return false;
  for (uint32_t index = 0; index < partition->replica_count; index++) {
    const struct broker_partition *view = cluster_copy_view(&partition->copies[partition->replicas[index]]);
    if (view == NULL || view->leader_epoch != partition->leader_epoch ||
        view->replicas->in_sync_count != partition->replica_count ||
        view->log.end_offset != partition->committed.end_offset ||
        view->replicas->high_watermark != partition->committed.end_offset)
      return false;
  }
  return true;
}

static void on_fetch(void *context, struct cluster_timer *timer) {
  struct replicated_cluster *cluster = context;
  struct cluster_copy *follower = LIST_ENTRY(timer, struct cluster_copy, fetch);
  struct broker_partition *view = cluster_copy_view(follower);
  struct cluster_copy *leader = leader_of(cluster, follower, view);
  if (leader == NULL) return;
  struct broker_partition *leader_view = cluster_copy_view(leader);
  reconcile(cluster, follower, view, leader_view);
  int64_t told_offset = view->log.end_offset;
  note_fetch(cluster, leader, follower->node_id, told_offset);
  take(cluster, follower, view, leader_view);
  if (view->log.end_offset > told_offset ||
      view->replicas->high_watermark < leader_view->replicas->high_watermark)
    set_fetch(cluster, follower);
}

/* The leader that the follower can ask, if both agree on who it is. */
static struct cluster_copy *leader_of(struct replicated_cluster *cluster, const struct cluster_copy *follower,
                                      const struct broker_partition *view) {
  if (view == NULL || view->leader_id < 0 || view->leader_id == follower->node_id) return NULL;
  if (!cluster->nodes[follower->node_id].is_reachable || !cluster->nodes[view->leader_id].is_reachable)
    return NULL;
  struct cluster_copy *leader = &follower->partition->copies[view->leader_id];
  struct broker_partition *leader_view = cluster_copy_view(leader);
  if (!cluster_copy_leads(leader, leader_view) || leader_view->leader_epoch != view->leader_epoch)
    return NULL;
  return leader;
}

/* The follower drops what its leader does not have: nothing that was committed, unless others have committed
 * it without either (both still believe in an older epoch). */
static void reconcile(struct replicated_cluster *cluster, const struct cluster_copy *follower,
                      struct broker_partition *view, const struct broker_partition *leader_view) {
  int64_t common = partition_log_common_end(&view->log, &leader_view->log);
  if (common >= view->log.end_offset) return;
  struct cluster_partition *partition = follower->partition;
  bool is_in_sync = (partition->in_sync & cluster_node_bit(follower->node_id)) != 0;
  ASSERT(!is_in_sync || partition->unclean_elections > 0 ||
         common >= partition_log_common_end(&view->log, &partition->committed));
  int32_t status =
      broker_model_truncate(cluster->nodes[follower->node_id].model, view, common, cluster->wall_ms);
  ASSERT(status == STATUS_OK);
}

/* What a leader learns from a follower's request for what lies behind end_offset. */
static void note_fetch(struct replicated_cluster *cluster, struct cluster_copy *leader, int32_t follower_id,
                       int64_t end_offset) {
  struct broker_partition *view = cluster_copy_view(leader);
  if (end_offset >= view->log.end_offset) {
    leader->caught_up_us[follower_id] = cluster->now_us;
  } else if (end_offset >= leader->fetched_end_offset[follower_id]) {
    leader->caught_up_us[follower_id] = leader->fetched_us[follower_id];
  }
  leader->fetched_us[follower_id] = cluster->now_us;
  leader->fetched_end_offset[follower_id] = view->log.end_offset;
  leader->acked_offset[follower_id] = end_offset;
  leader->is_level[follower_id] = end_offset >= view->log.end_offset;
  bool is_level = end_offset >= view->replicas->high_watermark && end_offset >= leader->epoch_start_offset;
  if (is_level && !broker_partition_is_in_sync(view, follower_id))
    cluster_controller_set_in_sync(cluster, leader->partition, view->leader_epoch, follower_id, true);
  cluster_replication_advance(cluster, leader);
}

static void take(struct replicated_cluster *cluster, const struct cluster_copy *follower,
                 struct broker_partition *view, const struct broker_partition *leader_view) {
  struct broker_model *model = cluster->nodes[follower->node_id].model;
  uint32_t index = partition_log_find(&leader_view->log, view->log.end_offset);
  for (; index < leader_view->log.batch_count; index++) {
    int32_t status = broker_model_follow(model, view, partition_log_at(&leader_view->log, index));
    ASSERT(status == STATUS_OK);
  }
  int64_t high_watermark = leader_view->replicas->high_watermark;
  if (high_watermark > view->log.end_offset) high_watermark = view->log.end_offset;
  if (high_watermark > view->replicas->high_watermark) view->replicas->high_watermark = high_watermark;
}

/* Followers that were behind for too long leave the in-sync set. */
static void on_check(void *context, struct cluster_timer *timer) {
  struct replicated_cluster *cluster = context;
  struct cluster_copy *copy = LIST_ENTRY(timer, struct cluster_copy, check);
  struct broker_partition *view = cluster_copy_view(copy);
  if (!cluster_copy_leads(copy, view)) return;
  int64_t limit_us = cluster->settings.lag_limit_us, next_us = INT64_MAX;
  for (uint32_t index = 0; index < copy->partition->replica_count; index++) {
    int32_t id = copy->partition->replicas[index];
    if (id == copy->node_id || !broker_partition_is_in_sync(view, id)) continue;
    if (copy->acked_offset[id] >= view->log.end_offset) continue;
    int64_t due_us = copy->caught_up_us[id] + limit_us;
    bool is_out = due_us <= cluster->now_us && cluster->nodes[copy->node_id].is_reachable &&
                  cluster_controller_set_in_sync(cluster, copy->partition, view->leader_epoch, id, false);
    if (due_us <= cluster->now_us) due_us = cluster->now_us + limit_us;
    if (!is_out && due_us < next_us) next_us = due_us;
  }
  if (next_us != INT64_MAX) set_check(cluster, copy, next_us);
  cluster_replication_advance(cluster, copy);
}

static void set_fetch(struct replicated_cluster *cluster, struct cluster_copy *copy) {
  const struct broker_partition *view = cluster_copy_view(copy);
  if (view == NULL || cluster_copy_leads(copy, view) || cluster_timer_is_set(&copy->fetch)) return;
  int64_t lag_us =
      replicated_cluster_draw_us(cluster, cluster->settings.lag_min_us, cluster->settings.lag_max_us);
  cluster_timers_set(&cluster->timers, &copy->fetch, cluster->now_us + lag_us);
}

static void set_check(struct replicated_cluster *cluster, struct cluster_copy *copy, int64_t due_us) {
  if (copy->partition->replica_count > 1) cluster_timers_set(&cluster->timers, &copy->check, due_us);
}

/* Keeps what the high watermark has passed. */
static void commit(struct cluster_partition *partition, const struct broker_partition *view) {
  struct partition_log *committed = &partition->committed;
  if (view->replicas->high_watermark <= committed->end_offset) return;
  if (view->leader_epoch < partition->unclean_epoch) return;
  ASSERT(partition_log_common_end(committed, &view->log) == committed->end_offset);
  uint32_t index = partition_log_find(&view->log, committed->end_offset);
  for (; index < view->log.batch_count; index++) {
    const struct log_batch *batch = partition_log_at(&view->log, index);
    if (batch->base_offset >= view->replicas->high_watermark) return;
    int32_t status = partition_log_replicate(committed, batch);
    ASSERT(status == STATUS_OK);
  }
}
