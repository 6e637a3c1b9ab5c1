/* The sender's view of the cluster: when to ask for metadata, what to ask, and what the answer says.
 *
 * One metadata request is open at a time. Topics that somebody waits for are asked about at once and again
 * after a backoff while they are unknown; everything in use is refreshed when it gets old, when a broker said
 * that it no longer leads, and when a connection was lost. Without any answer for long, or when every known
 * broker has failed, the view starts again from the bootstrap servers (KIP-899, KIP-1102). Answers with an
 * older leader epoch than the known one are ignored.
 *
 * Owned by the sender thread; topics are looked up through the gate (the producer's lock). */
#ifndef SENDER_CLUSTER_H
#define SENDER_CLUSTER_H

#include "accumulator/accumulator.h"
#include "base/backoff.h"
#include "base/list.h"
#include "base/log.h"
#include "network/network_client.h"
#include "protocol/metadata.h"
#include "sender/gate.h"
#include <stdbool.h>
#include <stdint.h>

struct partition_leader {
  int32_t id;    /* -1: none */
  int32_t epoch; /* -1: not told */
};

/* Who answered a metadata request, and when it was asked. */
struct cluster_answer {
  int32_t node_id;
  int64_t asked_us;
};

/* A topic as the cluster describes it. */
struct sender_topic {
  struct topic *topic;
  struct list node; /* in cluster.topics */
  struct uuid id;   /* zero: never told */
  int32_t partition_count;
  struct partition_leader *leaders;
  int32_t status;           /* the last answer about it */
  int64_t unknown_since_us; /* 0: it is known */
  bool unknown_told;        /* the log has a line about it */
  bool wanted;              /* to be asked about, not before ask_at_us; counted in cluster.wanted_count */
  bool asked;               /* in the open request */
  bool described;           /* in the answer that is being read */
  uint32_t rounds;          /* answers in a row that left it wanted or failed it, for the backoff */
  int64_t ask_at_us;
  int64_t unanswered_until_us;  /* brokers are not asked about its producers before: one would not tell */
  struct partition_load *loads; /* for the partitioner; partition_count elements */
  int64_t loads_us;             /* when they were told last */
};

/* Copied when the cluster is set up; client_id and log are borrowed for its life. */
struct cluster_settings {
  int64_t max_age_us, max_idle_us;
  int64_t propagation_max_us;
  int64_t retry_backoff_us, retry_backoff_max_us;
  int64_t request_timeout_us;
  int64_t rebootstrap_trigger_us; /* CLOCK_NEVER_US: never */
  bool rebootstrap;
  bool allow_auto_create;
  struct bytes client_id;
  const struct log *log;
};

/* What the sender does with news; called on the sender thread without the lock. */
struct cluster_listener {
  void *context;
  /* The leader of a partition changed (also to none). */
  void (*on_leader)(void *context, struct sender_topic *topic, int32_t partition);
  /* The topic was described: its partition count and leaders are as told. */
  void (*on_partitions)(void *context, struct sender_topic *topic, const struct cluster_answer *answer);
  /* The topic has another id than before: it was deleted and made again. on_leader follows for all
   * partitions, those that it no longer has included. */
  void (*on_recreated)(void *context, struct sender_topic *topic);
  /* The topic's unsent records cannot be delivered. staged_only: those that have no partition yet. */
  void (*on_topic_failed)(void *context, struct sender_topic *topic, int32_t status, bool staged_only);
  /* A topic that was described without error, partitions in `partitions` (a copy of the cursor): for
   * snapshots. */
  void (*on_described)(void *context, const struct metadata_topic *topic, struct wire_reader partitions,
                       int16_t version);
};

struct cluster {
  struct cluster_settings settings;
  struct cluster_listener listener;
  struct accumulator *accumulator PT_GUARDED_BY(accumulator_gate);
  struct network_client *client;
  const struct gate *gate;
  struct random *random;
  struct list topics;

  bool refresh_wanted;   /* everything in use, as soon as the backoff allows */
  uint32_t wanted_count; /* topics that are wanted */
  bool request_open;
  int32_t doubted_id;    /* asked only if no other broker can be; NETWORK_NO_NODE: none is doubted */
  int64_t asked_us;      /* when the open request, or the last one, was sent */
  uint32_t rebootstraps; /* in a row, without an answer from a broker that metadata has named */
  int64_t next_rebootstrap_us;
  bool is_bootstrapping; /* nobody has answered since the bootstrap servers were (re)turned to */
  uint32_t failures;     /* requests without a usable answer, in a row */
  int64_t next_attempt_us;
  int64_t last_answer_us; /* -1: never */
  int64_t last_refresh_us;
  int64_t unanswered_since_us; /* when the client began to wait for an answer; CLOCK_NEVER_US: it does not */

  struct request request;
  struct wire_writer writer;
  struct transport_segment segment;
};

void cluster_init(struct cluster *cluster, const struct cluster_settings *settings,
                  const struct cluster_listener *listener, struct accumulator *accumulator,
                  struct network_client *client, const struct gate *gate, struct random *random,
                  int64_t now_us);
void cluster_deinit(struct cluster *cluster);

/* The sender's record of a topic, which stands behind the topic; known to the cluster from the first call on.
 */
struct sender_topic *cluster_topic(struct cluster *cluster, struct topic *topic);

/* Asks about one topic, or everything in use, at once, or after the backoff if the last answer was no good.
 * Said of a topic by a listener, while the answer about it is read: again after a backoff. */
void cluster_want_topic(struct cluster *cluster, struct sender_topic *topic);
void cluster_want_refresh(struct cluster *cluster);
/* What was told of a topic seems to be wrong: asks again, but not more often than once in retry.backoff.ms,
 * however many partitions say so. */
void cluster_doubt_topic(struct cluster *cluster, struct sender_topic *topic);
/* The same of a leader: another broker than itself is asked, if one can be. */
void cluster_doubt_leader(struct cluster *cluster, struct sender_topic *topic, int32_t node_id);

/* Sends a request if one is due. */
void cluster_step(struct cluster *cluster, int64_t now_us);

/* When cluster_step has to be called again without an event. */
int64_t cluster_next_deadline_us(const struct cluster *cluster, int64_t now_us);

/* The leader of a partition as far as known. */
struct partition_leader cluster_leader(const struct sender_topic *topic, int32_t partition);

/* A leader told by a produce response (KIP-951). Returns whether it was news. */
bool cluster_hint_leader(struct cluster *cluster, struct sender_topic *topic, int32_t partition,
                         struct partition_leader leader);

/* True once a broker has answered. */
bool cluster_is_known(const struct cluster *cluster);

#endif
