/* Which of the sender's lists a partition stands in: its leader's, or one where it waits. Sender thread. */
#ifndef SENDER_ROUTING_H
#define SENDER_ROUTING_H

#include "sender/sender.h"

/* The sender's record of a partition, made ready at the first call. */
struct sender_partition *routing_partition(struct sender *sender, struct partition *queue);

/* Puts a partition where it belongs now: call it after anything about it has changed. */
void routing_place(struct sender *sender, struct sender_partition *partition, int64_t now_us);

/* A node's address is no longer known: its partitions wait as those without leader do, and metadata is asked.
 */
void routing_strand(struct sender *sender, struct sender_node *node, int64_t now_us);

/* Takes it out of whatever list it is in. */
void routing_remove(struct sender_partition *partition);

/* Gives it a producer id if one is at hand; else it waits for one, and the result is false. */
bool routing_take_identity(struct sender *sender, struct sender_partition *partition, int64_t now_us);

/* The leader has changed: the partition moves there at once, whatever it was waiting for. */
void routing_leader_changed(struct sender *sender, struct sender_partition *partition,
                            struct partition_leader leader, int64_t now_us);

/* Metadata told of the partition: what waited for that goes on. Without the gate: it may log. */
void routing_described(struct sender *sender, struct sender_partition *partition,
                       const struct cluster_answer *answer, int64_t now_us);

/* Backs off before the next attempt, longer with each failure in a row. */
void routing_back_off(struct sender *sender, struct sender_partition *partition, int64_t now_us);

/* If epochs were raised since there were epochs_before, the partition goes on under another one: it backs off
 * first, since a broker that refuses each one must not be asked at the speed of the network. */
void routing_note_epochs(struct sender *sender, struct sender_partition *partition, uint64_t epochs_before,
                         int64_t now_us);

/* Moves partitions whose backoff is over; returns when the next one's is. */
int64_t routing_advance(struct sender *sender, int64_t now_us);

/* Gives the producer id to those that wait for one. */
void routing_identity_ready(struct sender *sender, int64_t now_us);

#endif
