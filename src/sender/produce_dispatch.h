/* Fills produce requests with what a broker's partitions have to send, and sends them. Sender thread. */
#ifndef SENDER_PRODUCE_DISPATCH_H
#define SENDER_PRODUCE_DISPATCH_H

#include "sender/sender.h"

/* As many requests as the node takes now. */
void produce_dispatch_node(struct sender *sender, struct sender_node *node, int64_t now_us);

/* Compresses, stamps and finishes a batch that goes into a request. */
void produce_dispatch_prepare(struct sender *sender, struct batch *batch);

/* Returns a finished call for re-use. */
void produce_dispatch_recycle(struct sender *sender, struct produce_call *call);

/* Tells a topic's partitioner about leaders and queues, at most every few milliseconds unless forced. With
 * the gate entered. */
void produce_dispatch_tell_loads(struct sender *sender, struct sender_topic *topic, bool forced,
                                 int64_t now_us);

#endif
