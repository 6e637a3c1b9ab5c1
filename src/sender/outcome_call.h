/* One request to a broker about what it has of our producer in partitions that it leads (DescribeProducers),
 * and what is done with its answer. Each broker has one call, for one request at a time.
 *
 * A broker that may not or cannot tell is not asked about that topic for a while. Whatever goes wrong,
 * walk-forward decides instead: memory that is missing, versions that are not offered, a connection that is
 * lost too often. Sender thread. */
#ifndef SENDER_OUTCOME_CALL_H
#define SENDER_OUTCOME_CALL_H

#include "sender/sender.h"

/* Invariant: while is_open, the partitions whose question is OPEN at this broker are in `partitions`. */
struct outcome_call {
  struct sender *owner;
  struct sender_node *node;
  bool is_open;
  struct list partitions; /* by place_node: those that still wait for the answer */
  int32_t asked_count;    /* partitions in the request */
  struct request request;
  struct wire_writer writer;
  struct transport_segment segment;
};

/* Asks the broker about the partitions in node->asking, if it can be asked now. */
void outcome_call_step(struct sender *sender, struct sender_node *node, int64_t now_us);

/* NULL is allowed. */
void outcome_call_destroy(struct outcome_call *call);

#endif
