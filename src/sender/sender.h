/* The sender: takes ready batches from the accumulator, puts them into produce requests, and turns answers
 * into outcomes.
 *
 * A step function without threads, sockets or clock: `now_us` is an argument, the network is a
 * network_client, and the producer's lock is reached through a gate that does nothing in simulations. One
 * thread owns it all. A turn of that thread is: deadline = sender_step(sender, now);
 * network_client_poll(client, now, deadline, ...); Answers arrive inside network_client_poll; what they
 * settle is published by the next step. */
#ifndef SENDER_SENDER_H
#define SENDER_SENDER_H

#include "accumulator/accumulator.h"
#include "base/list.h"
#include "base/log.h"
#include "base/random.h"
#include "network/network_client.h"
#include "protocol/compression.h"
#include "sender/cluster.h"
#include "sender/gate.h"
#include "sender/partition_snapshot.h"
#include "sender/produce_call.h"
#include "sender/producer_identity.h"
#include "sender/sender_partition.h"
#include <stdbool.h>
#include <stdint.h>

struct sender_settings {
  struct bytes client_id;
  bool idempotent;
  uint32_t max_in_flight; /* requests per connection; with idempotence also batches per partition */
  uint32_t retries;
  size_t max_request_bytes;
  int64_t request_timeout_us;
  int64_t retry_backoff_us, retry_backoff_max_us;
  int64_t availability_timeout_us; /* partitioner.availability.timeout.ms; 0: off */
  struct cluster_settings cluster; /* client_id, log and the backoffs are filled in by sender_create */
  bool compresses;                 /* some topic has a codec: scratch memory is needed */
  size_t scratch_bytes;
  uint64_t seed;
  const struct log *log;
};

/* What the sender tells its owner. All on the sender thread. */
struct sender_listener {
  void *context;
  /* A batch has its outcome; called with the lock held, in the order in which reports are due. */
  void (*on_settled)(void *context, struct batch *batch);
  /* Without the lock. */
  void (*on_throttled)(void *context, int32_t broker, int32_t throttle_ms);
};

/* Totals and gauges. Written by the sender thread with the lock. */
struct sender_counters {
  uint64_t batches_sent, batches_retried, batches_split;
  uint64_t batch_bytes_sent, batch_bytes_uncompressed;
  uint64_t out_of_order_answers, outcomes_resolved, epochs_raised;
  uint64_t requests_sent, responses_received;
  uint64_t connections_opened, connections_failed, connections_lost;
  uint64_t throttled_ms;
  uint64_t requests_in_flight;
};

struct outcome_call;

/* A broker and the partitions it leads that may have something to send, in turn. */
struct sender_node {
  struct list node; /* in sender.nodes */
  int32_t id;
  struct list partitions;            /* by place_node */
  struct list asking;                /* partitions to ask it about, by place_node */
  struct outcome_call *outcome_call; /* owned; NULL before the first question */
  int64_t waiting_since_us;          /* partitions wait and nothing was taken since; 0: not so */
};

struct sender {
  struct sender_settings settings;
  struct sender_listener listener;
  struct accumulator *accumulator PT_GUARDED_BY(accumulator_gate);
  struct network_client *client;
  struct gate gate;
  struct random random;
  struct cluster cluster;
  struct producer_identity identity;
  struct compressor *compressor;
  uint8_t *scratch;

  struct list nodes;
  struct list leaderless, backing_off, awaiting_identity; /* partitions by place_node */
  struct list free_calls, open_calls;
  uint32_t free_call_count;
  struct list settled;      /* to be published at the next step */
  struct list expired;      /* partitions with a sent batch past its delivery timeout, by expired_node */
  struct list queries;      /* partition_query: under the lock */
  int64_t now_us;           /* of the current turn; answers are a moment later */
  int64_t stalled_until_us; /* memory was missing: nothing is sent before */
  int64_t backoff_ends_us;  /* at or before the first retry_at_us in backing_off */
  struct sender_counters counters;  /* sender thread */
  struct sender_counters published; /* under the lock */
  bool known;                       /* a broker has answered; under the lock */
};

/* The client and the accumulator are borrowed and outlive the sender. STATUS_OK, STATUS_OUT_OF_MEMORY. */
int32_t sender_create(const struct sender_settings *settings, const struct sender_listener *listener,
                      struct accumulator *accumulator, struct network_client *client, const struct gate *gate,
                      int64_t now_us, struct sender **sender);

/* No request may be open (destroy the client first). */
void sender_destroy(struct sender *sender);

/* One turn. Returns until when the thread may wait for the network. */
int64_t sender_step(struct sender *sender, int64_t now_us);

/* Settles every batch that is not settled: NOT_DELIVERED what never left, UNKNOWN what may have (status
 * ABORTED), and publishes them. The requests stay open; the owner destroys the client next. */
void sender_abort(struct sender *sender, int64_t now_us);

/* A connection was opened (STATUS_OK), could not be, or was lost: the owner passes on what the network client
 * says. */
void sender_note_connection(struct sender *sender, int32_t status);

/* What the functions of sender_partition need to know of this sender. */
struct sender_partition_context sender_context(struct sender *sender, int64_t now_us);

/* After the client is destroyed: publishes what its end has settled. */
void sender_publish(struct sender *sender);

#endif
